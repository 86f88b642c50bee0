//! Which elements of a Gaussian block have one precision matrix, so that each is made and factored once.
//!
//! ```text
//! Q without the row axis                   one matrix for all rows (known before any data)
//! Q with masks and other data of the row   rows with the same data in Q, bit for bit: one pattern, one contraction
//! equal matrices however they came about   one factorisation
//! ```

use std::collections::HashMap;
use std::rc::Rc;

use ndarray::{ArrayD, Axis as Dim, IxDyn};

use crate::algebra::Subscript;
use crate::derive::{BlockId, Contraction, Form, Moment, Target};
use crate::engine::Engine;
use crate::engine::bind::unflatten;
use crate::engine::row_products::RowProducts;
use crate::engine::rows::{Identity, Operand};
use crate::engine::state::State;
use crate::engine::tensor::Tensor;
use crate::model::Axis;
use crate::plan::Planned;

use super::Messages;

/// Rows grouped by what their quadratic messages read of the data.
#[derive(Debug)]
pub struct Patterns {
    /// The dimension of the rows in a quadratic message.
    pub place: usize,
    /// The pattern of each row.
    pub of: Vec<usize>,
    /// The first row of each pattern.
    pub first: Vec<usize>,
}

/// The quadratic parts of a block: a few matrices, and which one each element has.
pub(in crate::engine) struct Precisions {
    /// Coupled numbers of an element.
    pub n: usize,
    /// The matrices Q between free numbers, row-major.
    pub matrices: Vec<Vec<f64>>,
    /// For each matrix, the numbers that are free; all unless cells are known.
    pub free: Vec<Vec<usize>>,
    /// By element of the batch.
    pub of: Vec<usize>,
    /// By element of the batch as far as the covariance varies.
    pub of_varying: Vec<usize>,
}

/// One number per distinct key, in order of first appearance.
fn number<K: std::hash::Hash + Eq>(keys: impl Iterator<Item = K>) -> (Vec<usize>, Vec<usize>) {
    let mut seen: HashMap<K, usize> = HashMap::new();
    let mut first = vec![];
    let of = keys
        .enumerate()
        .map(|(i, k)| {
            *seen.entry(k).or_insert_with(|| {
                first.push(i);
                first.len() - 1
            })
        })
        .collect();
    (of, first)
}

/// One number per distinct matrix, bit for bit, in order of first appearance.
fn distinct(matrices: &[Vec<f64>]) -> (Vec<usize>, Vec<usize>) {
    let mut seen: HashMap<u64, Vec<usize>> = HashMap::new();
    let mut first: Vec<usize> = vec![];
    let equal = |x: &[f64], y: &[f64]| x.iter().zip(y).all(|(x, y)| x.to_bits() == y.to_bits());
    let digest = |m: &[f64]| {
        m.iter().fold(0u64, |h, x| {
            (h.rotate_left(5) ^ x.to_bits()).wrapping_mul(0x9e37_79b9_7f4a_7c15)
        })
    };
    let mut of = Vec::with_capacity(matrices.len());
    for (i, m) in matrices.iter().enumerate() {
        let alike = seen.entry(digest(m)).or_default();
        let known = alike.iter().find(|g| equal(&matrices[first[**g]], m));
        of.push(match known {
            Some(g) => *g,
            None => {
                first.push(i);
                alike.push(first.len() - 1);
                first.len() - 1
            }
        });
    }
    (of, first)
}

impl Engine<'_> {
    /// The patterns of the rows of a Gaussian block; `None` where nothing is gained by them.
    pub(in crate::engine) fn patterns(&self, id: BlockId) -> Option<Rc<Patterns>> {
        if let Some(found) = self.patterns.borrow().get(&id) {
            return found.clone();
        }
        let found = self.find_patterns(id).map(Rc::new);
        self.patterns.borrow_mut().insert(id, found.clone());
        found
    }

    fn find_patterns(&self, id: BlockId) -> Option<Patterns> {
        let block = self.derivation.block(id);
        if !matches!(block.form, Form::Gaussian | Form::Penalised) {
            return None;
        }
        let tables: Vec<usize> = block
            .varying()
            .enumerate()
            .filter(|(_, i)| self.derivation.model.table_of(block.batch[*i]).is_some())
            .map(|(place, _)| place)
            .collect();
        let [place] = tables.as_slice() else {
            return None;
        };
        let mut data: Vec<Tensor> = vec![];
        let mut rows = 0;
        for m in &self.plan.messages[id.index()] {
            let Target::Pair(..) = m.target else {
                continue;
            };
            let (row, direct) = by_row(&m.how, *place)?;
            rows = self.size(row);
            let plain = |s: &Subscript| matches!(s, Subscript::Axis(_) | Subscript::Element(_));
            let by_the_row = |s: &Subscript| s.has_axis(row) || !plain(s);
            let reads = |m: &Moment| m.index.iter().any(by_the_row);
            // A label of the row that says which element the message is for tells rows apart as well.
            if direct.moments.iter().any(reads) || !direct.target.iter().all(plain) {
                return None;
            }
            for k in &direct.data {
                let mut t = self.known(k);
                if let Some(at) = t.axes.iter().position(|a| *a == row) {
                    t.values.swap_axes(0, at);
                    t.axes.swap(0, at);
                    data.push(t);
                }
            }
        }
        if rows == 0 {
            return None;
        }
        let keys = (0..rows).map(|n| -> Vec<u64> {
            let of_row = |t: &Tensor| -> Vec<u64> {
                let row = t.values.index_axis(Dim(0), n);
                row.iter().map(|x| x.to_bits()).collect()
            };
            data.iter().flat_map(of_row).collect()
        });
        let (of, first) = number(keys);
        (2 * first.len() <= rows).then_some(Patterns {
            place: *place,
            of,
            first,
        })
    }

    /// A quadratic message for one row of each pattern.
    pub(super) fn pattern_message(
        &self,
        state: &State,
        how: &Planned,
        p: &Patterns,
        out: &mut ArrayD<f64>,
    ) {
        let Some((row, direct)) = by_row(how, p.place) else {
            return;
        };
        let data: Vec<Tensor> = direct.data.iter().map(|k| self.known(k)).collect();
        let moments: Vec<Tensor> = direct
            .moments
            .iter()
            .map(|m| self.moment(state, m))
            .collect();
        let operands: Vec<Operand<'_>> = data
            .iter()
            .chain(&moments)
            .map(|t| Operand {
                identity: Identity::Known(t.values.as_ptr().addr()),
                values: &t.values,
                index: t.axes.iter().map(|a| Subscript::Axis(*a)).collect(),
            })
            .collect();
        let products = RowProducts::new(
            &self.evaluator,
            direct.coef,
            &operands,
            row,
            &direct.axes,
            &direct.target,
            out.shape(),
        );
        if let Some(products) = products {
            *out += &products.at(&p.first);
        }
    }

    /// The shape of a quadratic message by pattern.
    pub(super) fn pattern_shape(&self, shape: Vec<usize>, p: &Patterns) -> Vec<usize> {
        let of = |(i, n): (usize, usize)| if i == p.place { p.first.len() } else { n };
        shape.into_iter().enumerate().map(of).collect()
    }

    /// The distinct quadratic parts of a Gaussian block; `offsets` and `sizes` are its unknowns' places in an element.
    pub(super) fn precisions(
        &self,
        id: BlockId,
        messages: &Messages,
        offsets: &[usize],
        sizes: &[usize],
    ) -> Precisions {
        let block = self.derivation.block(id);
        let mut out = self.distinct_precisions(id, messages, offsets, sizes);
        if block.shared.is_empty() {
            out.of = out.of_varying.clone();
            return out;
        }
        let varying: Vec<usize> = block.varying().collect();
        let batch: Vec<usize> = block.batch.iter().map(|p| self.plate_size(*p)).collect();
        out.of = (0..batch.iter().product())
            .map(|b| {
                let at = unflatten(b, &batch);
                let flat = varying.iter().fold(0, |p, i| p * batch[*i] + at[*i]);
                out.of_varying[flat]
            })
            .collect();
        out
    }

    /// The same without which matrix each element of the whole batch has.
    pub(in crate::engine) fn distinct_precisions(
        &self,
        id: BlockId,
        messages: &Messages,
        offsets: &[usize],
        sizes: &[usize],
    ) -> Precisions {
        let block = self.derivation.block(id);
        let n: usize = sizes.iter().sum();
        let varying: Vec<usize> = block.varying().collect();
        let size = |i: &usize| self.plate_size(block.batch[*i]);
        let full: Vec<usize> = varying.iter().map(size).collect();
        let patterns = self.patterns(id);
        let stored = match &patterns {
            Some(p) => self.pattern_shape(full.clone(), p),
            None => full.clone(),
        };
        let count: usize = stored.iter().product();
        let mut matrices = vec![vec![0.0; n * n]; count];
        for (target, a) in messages {
            let (Target::Pair(u, v), Some(a)) = (target, a.as_slice()) else {
                continue;
            };
            let position = |u| block.unknowns.iter().position(|x| x == u).unwrap_or(0);
            let (i, j) = (position(u), position(v));
            let (ni, nj) = (sizes[i], sizes[j]);
            for (m, part) in matrices.iter_mut().zip(a.chunks((ni * nj).max(1))) {
                for (x, row) in part.chunks(nj.max(1)).enumerate() {
                    let at = (offsets[i] + x) * n + offsets[j];
                    for (to, from) in m[at..at + nj].iter_mut().zip(row) {
                        *to += from;
                    }
                }
            }
        }
        // Matrices that came out equal are factored once, too.
        let (same, first) = if count > 1 {
            distinct(&matrices)
        } else {
            ((0..count).collect(), (0..count).collect())
        };
        let mut kept = Vec::with_capacity(first.len());
        for i in first {
            kept.push(std::mem::take(&mut matrices[i]));
        }
        let flat =
            |at: &[usize], shape: &[usize]| at.iter().zip(shape).fold(0, |p, (a, s)| p * s + a);
        let of_varying: Vec<usize> = match &patterns {
            None => same,
            Some(p) => (0..full.iter().product())
                .map(|b| {
                    let mut at = unflatten(b, &full);
                    at[p.place] = p.of[at[p.place]];
                    same[flat(&at, &stored)]
                })
                .collect(),
        };
        Precisions {
            n,
            free: vec![(0..n).collect(); kept.len()],
            matrices: kept,
            of: vec![],
            of_varying,
        }
    }
}

/// The sum over rows of a quadratic message that is written row by row.
fn by_row(how: &Planned, place: usize) -> Option<(Axis, &Contraction)> {
    match how {
        Planned::Rows { row, direct, .. }
            if direct.target.get(place) == Some(&Subscript::Axis(*row))
                && direct.target.iter().enumerate().all(|(i, s)| match s {
                    Subscript::Axis(a) => i == place || a != row,
                    Subscript::Element(_) => true,
                    // A label of the row is a place of its own in the message.
                    Subscript::Column(..) | Subscript::Lag(..) | Subscript::Latent(..) => false,
                }) =>
        {
            Some((*row, direct))
        }
        _ => None,
    }
}

impl Precisions {
    /// Holds the numbers that are known (by element, NaN where free): what is left of each element, by pattern.
    ///
    /// ```text
    /// b_F + (Q_FK + Q_KF') v_K  instead of b_F,  Q_FF instead of Q
    /// ```
    pub fn condition(&mut self, known: &[f64], linear: &mut [f64]) {
        let n = self.n;
        let element = |b: usize| &known[b * n..(b + 1) * n];
        let mask = |b: usize| element(b).iter().map(|x| x.is_nan()).collect::<Vec<bool>>();
        let (of, first) = number(self.of.iter().enumerate().map(|(b, g)| (*g, mask(b))));
        for (b, g) in self.of.iter().enumerate() {
            let (q, v) = (&self.matrices[*g], element(b));
            for i in (0..n).filter(|i| v[*i].is_nan()) {
                let from = (0..n).filter(|k| !v[*k].is_nan());
                let sum: f64 = from.map(|k| (q[i * n + k] + q[k * n + i]) * v[k]).sum();
                linear[b * n + i] += sum;
            }
        }
        let mut matrices = vec![];
        let mut free = vec![];
        for b in first {
            let q = &self.matrices[self.of[b]];
            let at: Vec<usize> = (0..n).filter(|i| element(b)[*i].is_nan()).collect();
            let part = at.iter().flat_map(|i| at.iter().map(move |j| q[i * n + j]));
            matrices.push(part.collect());
            free.push(at);
        }
        self.matrices = matrices;
        self.free = free;
        self.of_varying = of.clone();
        self.of = of;
    }

    /// The elements of each matrix.
    pub fn members(&self) -> Vec<Vec<usize>> {
        let mut out = vec![vec![]; self.matrices.len()];
        for (b, g) in self.of.iter().enumerate() {
            out[*g].push(b);
        }
        out
    }

    /// The part between two unknowns of each matrix, spread over the batch as far as it varies.
    pub fn spread(
        &self,
        covariances: &[Vec<f64>],
        (first, rows): (usize, usize),
        (second, columns): (usize, usize),
        shape: &[usize],
    ) -> Option<ArrayD<f64>> {
        let mut out = Vec::with_capacity(self.of_varying.len() * rows * columns);
        for g in &self.of_varying {
            for x in 0..rows {
                let at = (first + x) * self.n + second;
                out.extend_from_slice(covariances.get(*g)?.get(at..at + columns)?);
            }
        }
        ArrayD::from_shape_vec(IxDyn(shape), out).ok()
    }
}
