//! Direct sums over rows: contractions in which data and gathered globals meet row by row.
//!
//! ```text
//! out[target(n, m)] += coef * w_n * prod_i operand_i[subscripts(n, m)]       n rows, m the other axes
//! ```
//!
//! Where all arrays are read at bare axes, the sum is a matrix product (`row_products`); where look-ups depend on the
//! row alone, tables are made first (`gathered`); else every row visits every combination of the other axes.
//!
//! Rows are cut into a fixed number of segments whose sums are merged in order, so the result does not depend on the number
//! of threads.

use ndarray::{ArrayD, IxDyn};
use rayon::prelude::*;

use crate::algebra::Subscript;
use crate::data::BLANK;
use crate::derive::MomentKind;
use crate::model::Axis;

use super::evaluate::Evaluator;
use super::row_products::RowProducts;

mod gathered;
mod kept;
mod product;
mod run;

pub use kept::KeptSums;

/// Rows are summed in at most this many segments, whatever the number of threads.
pub const SEGMENTS: usize = 16;

/// Rows whose sums are added before the next ones are looked at.
pub const BLOCK: usize = 1 << 16;

/// What an array is: those of one identity hold the same numbers.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Identity {
    /// The value of a known expression, by where it is kept.
    Known(usize),
    /// A published expectation and its version.
    Moment(MomentKind, u64),
}

/// An array read at subscripts of the row and the other axes.
pub struct Operand<'a> {
    /// What it is.
    pub identity: Identity,
    /// The array.
    pub values: &'a ArrayD<f64>,
    /// One subscript per dimension.
    pub index: Vec<Subscript>,
}

/// Where an array is read for row n and the flat position m of the other axes.
struct Reader {
    /// By m: the part of the offset that does not depend on the row.
    dense: Vec<usize>,
    /// Stride of the bare row axis.
    row: usize,
    /// Gathers: stride, elements over (rows, own axes), own offset by m (empty where the row alone decides).
    gathers: Vec<(usize, Vec<u32>, usize, Vec<usize>)>,
}

impl Reader {
    fn new(
        e: &Evaluator<'_>,
        shape: &[usize],
        index: &[Subscript],
        row: Axis,
        inner: &[Axis],
        positions: &[Vec<usize>],
    ) -> Reader {
        let mut strides = vec![1usize; shape.len()];
        for i in (0..shape.len().saturating_sub(1)).rev() {
            strides[i] = strides[i + 1] * shape[i + 1];
        }
        let mut dense = vec![0usize; positions.len()];
        let mut row_stride = 0;
        let mut gathers = vec![];
        for (s, stride) in index.iter().zip(&strides) {
            match s {
                Subscript::Axis(a) if *a == row => row_stride += stride,
                Subscript::Axis(a) => {
                    if let Some(p) = inner.iter().position(|x| x == a) {
                        for (m, at) in positions.iter().enumerate() {
                            dense[m] += stride * at[p];
                        }
                    }
                }
                Subscript::Element(k) => {
                    for d in &mut dense {
                        *d += stride * *k as usize;
                    }
                }
                Subscript::Column(..) | Subscript::Lag(..) | Subscript::Latent(..) => {
                    let (axes, values) = e.subscript(s);
                    // Rows first, then the gather's own axes in their order.
                    let mut order: Vec<usize> = vec![];
                    let row_at = axes.iter().position(|a| *a == row);
                    order.extend(row_at);
                    order.extend((0..axes.len()).filter(|i| Some(*i) != row_at));
                    let own: Vec<Axis> = order
                        .iter()
                        .skip(usize::from(row_at.is_some()))
                        .map(|i| axes[*i])
                        .collect();
                    let values = values
                        .view()
                        .permuted_axes(IxDyn(&order))
                        .iter()
                        .copied()
                        .collect();
                    let mut own_stride = vec![1usize; own.len()];
                    for i in (0..own.len().saturating_sub(1)).rev() {
                        own_stride[i] = own_stride[i + 1] * e.size(own[i + 1]);
                    }
                    let per_row: usize = own.iter().map(|a| e.size(*a)).product();
                    let offsets = positions
                        .iter()
                        .map(|at| {
                            own.iter()
                                .zip(&own_stride)
                                .map(|(a, s)| {
                                    inner.iter().position(|x| x == a).map_or(0, |p| at[p] * s)
                                })
                                .sum()
                        })
                        .collect();
                    let per_row = if row_at.is_some() { per_row } else { 0 };
                    gathers.push((*stride, values, per_row, offsets));
                }
            }
        }
        Reader {
            dense,
            row: row_stride,
            gathers,
        }
    }

    /// The offset, or `None` where a gather is blank.
    #[inline]
    fn at(&self, n: usize, m: usize) -> Option<usize> {
        let mut o = self.dense[m] + self.row * n;
        for (stride, values, per_row, offsets) in &self.gathers {
            let e = values[n * per_row + offsets[m]];
            if e == BLANK {
                return None;
            }
            o += stride * e as usize;
        }
        Some(o)
    }
}

/// A product of arrays that is summed over rows.
pub struct Term<'a> {
    /// A factor.
    pub coef: f64,
    /// The arrays.
    pub operands: Vec<Operand<'a>>,
    /// The row.
    pub row: Axis,
    /// All axes that are summed over.
    pub axes: &'a [Axis],
    /// Where the products are added.
    pub target: &'a [Subscript],
}

/// Adds terms over the rows of one plate to `out`. `weighted` says whether rows count by their weight. `kept` are sums that
/// were made before; without it every term is summed by itself.
pub fn add_terms(
    e: &Evaluator<'_>,
    terms: Vec<Term<'_>>,
    weighted: bool,
    kept: Option<&mut KeptSums>,
    out: &mut ArrayD<f64>,
) {
    let (products, terms): (Vec<_>, Vec<_>) = terms
        .into_iter()
        .partition(|t| t.operands.iter().all(|o| bare(&o.index)) && bare(t.target));
    for t in &products {
        add_term(e, t, weighted, out);
    }
    let Some(row) = terms.first().map(|t| t.row) else {
        return;
    };
    let weighs = weighted && e.weighs(row.plate);
    let stored = e.stored_weights(row.plate).filter(|_| weighs);
    let left = match kept {
        Some(kept) if weighs == stored.is_some() => gathered::add(e, &terms, stored, kept, out),
        _ => terms.iter().collect(),
    };
    for t in left {
        add_term(e, t, weighted, out);
    }
}

fn bare(index: &[Subscript]) -> bool {
    let plain = |s: &Subscript| matches!(s, Subscript::Axis(_) | Subscript::Element(_));
    index.iter().all(plain)
}

/// Adds one term as it is.
fn add_term(e: &Evaluator<'_>, t: &Term<'_>, weighted: bool, out: &mut ArrayD<f64>) {
    let Term {
        operands,
        row,
        axes,
        target,
        ..
    } = t;
    let (row, mut coef) = (*row, t.coef);
    if let Some(products) = RowProducts::new(e, coef, operands, row, axes, target, out.shape()) {
        let weights = if weighted { e.weights(row.plate) } else { None };
        products.add(weights, out);
        return;
    }
    let n = e.size(row);
    let mut carried: Vec<Axis> = vec![];
    for s in operands.iter().flat_map(|o| &o.index).chain(*target) {
        s.visit_axes(&mut |a| {
            if a != row && !carried.contains(&a) {
                carried.push(a);
            }
        });
    }
    for a in *axes {
        if *a != row && !carried.contains(a) {
            coef *= e.size(*a) as f64;
        }
    }
    let sizes: Vec<usize> = carried.iter().map(|a| e.size(*a)).collect();
    let count: usize = sizes.iter().product();
    let positions: Vec<Vec<usize>> = (0..count)
        .map(|m| {
            let mut rest = m;
            let mut at = vec![0; sizes.len()];
            for (i, s) in sizes.iter().enumerate().rev() {
                at[i] = rest % s;
                rest /= s;
            }
            at
        })
        .collect();
    let standard: Vec<ArrayD<f64>> = operands
        .iter()
        .map(|o| o.values.as_standard_layout().into_owned())
        .collect();
    let readers: Vec<(Reader, &[f64])> = operands
        .iter()
        .zip(&standard)
        .map(|(o, v)| {
            (
                Reader::new(e, v.shape(), &o.index, row, &carried, &positions),
                v.as_slice().unwrap_or(&[]),
            )
        })
        .collect();
    let writer = Reader::new(e, out.shape(), target, row, &carried, &positions);
    let weights = if weighted { e.weights(row.plate) } else { None };
    let len = out.len();
    let per_row_target = writer.row > 0;
    let run = |from: usize, to: usize, sum: &mut [f64]| {
        for i in from..to {
            let w = coef * weights.as_ref().map_or(1.0, |w| w[i]);
            if w == 0.0 {
                continue;
            }
            'positions: for m in 0..count {
                let Some(o) = writer.at(i, m) else { continue };
                let mut x = w;
                for (r, v) in &readers {
                    match r.at(i, m) {
                        Some(p) => x *= v[p],
                        None => continue 'positions,
                    }
                }
                sum[o] += x;
            }
        }
    };
    // Pieces of fixed lengths, added in order: rows that come a block at a time give the same bits.
    let (block, step) = if per_row_target {
        (n.max(1), n.max(1))
    } else if len > 1 << 20 {
        (BLOCK, BLOCK)
    } else {
        (BLOCK, BLOCK / SEGMENTS)
    };
    for from in (0..n).step_by(block) {
        let to = (from + block).min(n);
        let parts: Vec<Vec<f64>> = (0..(to - from).div_ceil(step))
            .into_par_iter()
            .map(|s| {
                let mut sum = vec![0.0; len];
                run(from + s * step, (from + (s + 1) * step).min(to), &mut sum);
                sum
            })
            .collect();
        for p in parts {
            for (o, x) in out.iter_mut().zip(p) {
                *o += x;
            }
        }
    }
}
