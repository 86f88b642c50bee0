//! Sums over rows as matrix products: contractions in which every array is read at bare axes.
//!
//! ```text
//! out[target] += coef * sum over rows n of w_n * prod_i operand_i[n, ...]        chunk by chunk, merged in order
//! ```
//!
//! A chunk of rows is an ordinary tensor, so operands meet pairwise, the cheapest first (`tensor`), instead of all at once
//! for every row and every combination of axes. Where an array is read through a column or a lag, see `rows`.

use std::collections::BTreeMap;

use ndarray::{ArrayD, ArrayViewD, Axis as Dim, CowArray, IxDyn, Slice};
use rayon::prelude::*;

use crate::algebra::Subscript;
use crate::model::Axis;

use super::evaluate::Evaluator;
use super::rows::{Operand, SEGMENTS};
use super::tensor::contract;

/// Rows that are one tensor.
const CHUNK: usize = 4096;

/// A sum over rows whose operands and target hold bare axes.
pub struct RowProducts<'a> {
    coef: f64,
    operands: Vec<(Vec<Axis>, ArrayViewD<'a, f64>)>,
    row: Axis,
    all: Vec<Axis>,
    /// The axes of the target, each once.
    target: Vec<Axis>,
    /// The subscripts of the target where an axis is repeated or an element fixed.
    scattered: Option<&'a [Subscript]>,
    shape: Vec<usize>,
    sizes: BTreeMap<Axis, usize>,
}

/// What is taken of an operand, by its axes.
type Cut<'c> = dyn for<'v> Fn(&[Axis], &'v ArrayViewD<'v, f64>) -> CowArray<'v, f64, IxDyn> + 'c;

impl<'a> RowProducts<'a> {
    /// `None` where some array is read or written through a gather or a lag. `shape` is that of the target.
    pub fn new(
        evaluator: &Evaluator<'_>,
        coef: f64,
        operands: &'a [Operand<'a>],
        row: Axis,
        all: &[Axis],
        target: &'a [Subscript],
        shape: &[usize],
    ) -> Option<RowProducts<'a>> {
        let mut list = vec![];
        for o in operands {
            let mut view = o.values.view();
            let mut axes = vec![];
            for s in &o.index {
                match s {
                    Subscript::Axis(a) => axes.push(*a),
                    Subscript::Element(e) if (*e as usize) < view.len_of(Dim(axes.len())) => {
                        view.index_axis_inplace(Dim(axes.len()), *e as usize);
                    }
                    _ => return None,
                }
            }
            if axes.iter().filter(|a| **a == row).count() > 1 {
                return None;
            }
            list.push((axes, view));
        }
        let mut aim = vec![];
        for s in target {
            match s {
                Subscript::Axis(a) if !aim.contains(a) => aim.push(*a),
                Subscript::Axis(a) if *a != row => {}
                Subscript::Element(_) => {}
                _ => return None,
            }
        }
        let scattered = (aim.len() < target.len()).then_some(target);
        let mut all: Vec<Axis> = all.iter().copied().filter(|a| *a != row).collect();
        all.push(row);
        let met = list.iter().flat_map(|(axes, _)| axes);
        let sizes = met
            .chain(&all)
            .chain(&aim)
            .map(|a| (*a, evaluator.size(*a)));
        let sizes = sizes.collect();
        Some(RowProducts {
            coef,
            operands: list,
            row,
            all,
            target: aim,
            scattered,
            shape: shape.to_vec(),
            sizes,
        })
    }

    /// Adds the sum over all rows, each by its weight where there are weights.
    pub fn add(&self, weights: Option<Vec<f64>>, out: &mut ArrayD<f64>) {
        let n = self.size(self.row);
        let weights = weights.map(|w| ArrayD::from_shape_vec(IxDyn(&[w.len()]), w));
        let weights = weights.and_then(Result::ok);
        let chunks: Vec<(usize, usize)> = (0..n.div_ceil(CHUNK))
            .map(|i| (i * CHUNK, ((i + 1) * CHUNK).min(n)))
            .collect();
        let at = self.row_dimension();
        let part = |&(from, to): &(usize, usize)| -> ArrayD<f64> {
            let range = Slice::from(from..to);
            let extra = weights.as_ref().map(|w| w.slice_axis(Dim(0), range).into());
            let cut: &Cut<'_> = &|axes, v| match axes.iter().position(|a| *a == self.row) {
                Some(d) => v.slice_axis(Dim(d), range).into(),
                None => v.view().into(),
            };
            self.product(cut, extra, to - from)
        };
        if let Some(d) = at {
            let mut slots: Vec<_> = out.axis_chunks_iter_mut(Dim(d), CHUNK).collect();
            slots
                .par_iter_mut()
                .zip(&chunks)
                .for_each(|(slot, c)| *slot += &part(c));
            return;
        }
        // A few sums are held at once and added up in order.
        let held = if out.len() > 1 << 20 { 1 } else { SEGMENTS };
        for group in chunks.chunks(held) {
            let parts: Vec<ArrayD<f64>> = group.par_iter().map(part).collect();
            for p in parts {
                *out += &p;
            }
        }
    }

    /// The sum over chosen rows, or their products side by side where the target holds the row; no weights.
    pub fn at(&self, rows: &[usize]) -> ArrayD<f64> {
        let cut: &Cut<'_> = &|axes, v| match axes.iter().position(|a| *a == self.row) {
            Some(d) => v.select(Dim(d), rows).into(),
            None => v.view().into(),
        };
        self.product(cut, None, rows.len())
    }

    fn product(
        &self,
        cut: &Cut<'_>,
        weights: Option<CowArray<'_, f64, IxDyn>>,
        count: usize,
    ) -> ArrayD<f64> {
        let mut operands: Vec<_> = self
            .operands
            .iter()
            .map(|(axes, v)| (axes.clone(), cut(axes, v)))
            .collect();
        operands.extend(weights.map(|w| (vec![self.row], w)));
        let size = |a: Axis| if a == self.row { count } else { self.size(a) };
        let v = contract(self.coef, &operands, &self.all, &self.target, &size);
        let Some(target) = self.scattered else {
            return v;
        };
        // Repeated axes go to the diagonal, fixed elements to their place.
        let mut shape = self.shape.clone();
        if let Some(d) = self.row_dimension() {
            shape[d] = count;
        }
        let mut out = ArrayD::zeros(IxDyn(&shape));
        let mut at = vec![0; target.len()];
        for (i, x) in v.indexed_iter() {
            for (to, s) in at.iter_mut().zip(target) {
                *to = match s {
                    Subscript::Axis(a) => {
                        self.target.iter().position(|b| a == b).map_or(0, |p| i[p])
                    }
                    Subscript::Element(e) => *e as usize,
                    _ => 0,
                };
            }
            if let Some(slot) = out.get_mut(IxDyn(&at)) {
                *slot += *x;
            }
        }
        out
    }

    /// Where the target, as it is written, has the row.
    fn row_dimension(&self) -> Option<usize> {
        let row = Subscript::Axis(self.row);
        match self.scattered {
            Some(target) => target.iter().position(|s| *s == row),
            None => self.target.iter().position(|a| *a == self.row),
        }
    }

    fn size(&self, a: Axis) -> usize {
        self.sizes.get(&a).copied().unwrap_or(0)
    }
}
