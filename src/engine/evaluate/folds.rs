//! Folds: sums, means and spreads over elements, and column means, as sums that rows add to.
//!
//! ```text
//! sum = sum_n w_n v_n      mean = sum / sum_n w_n      sd^2 = sum_n w_n (v_n - mean)^2 / sum_n w_n
//! ```
//!
//! Rows with a blank are left out. Rows add in their order, so that they may come in pieces: the same bits as all at once.

use std::cell::RefCell;

use ndarray::{ArrayD, IxDyn};

use crate::algebra::{Known, Subscript};
use crate::data::Dataset;
use crate::model::{Axis, ColumnId, Fold, Model};

use super::{Evaluator, Fitted};
use crate::engine::tensor::Tensor;

/// What rows have added to a fold.
#[derive(Debug, Clone)]
pub struct FoldSums {
    sum: ArrayD<f64>,
    count: ArrayD<f64>,
    /// Of squared distances to the mean, once that is known.
    square: Option<(ArrayD<f64>, ArrayD<f64>)>,
}

impl FoldSums {
    /// After the first look at all rows: true if a second one is needed.
    pub fn look_again(&mut self, k: &Known) -> bool {
        if matches!(k, Known::Fold { fold: Fold::Sd, .. }) && self.square.is_none() {
            let mean = &self.sum / &self.count;
            self.square = Some((mean, ArrayD::zeros(self.sum.raw_dim())));
            return true;
        }
        false
    }

    /// The value.
    pub fn finish(self, k: &Known) -> ArrayD<f64> {
        match (k, self.square) {
            (Known::Fold { fold, .. }, square) => match (fold, square) {
                (Fold::Sum, _) => self.sum,
                (Fold::Sd, Some((_, square))) => (square / self.count).mapv(f64::sqrt),
                _ => self.sum / self.count,
            },
            // A column without numbers has its centre at 0.
            _ => {
                let mut mean = self.sum;
                mean.zip_mut_with(&self.count, |s, n| *s = if *n > 0.0 { *s / n } else { 0.0 });
                mean
            }
        }
    }
}

impl<'a> Evaluator<'a> {
    /// An evaluator that notes which numbers of all rows are not recorded yet, instead of computing them.
    pub fn asking(model: &'a Model, data: &'a Dataset, fitted: Fitted) -> Self {
        Evaluator {
            missing: Some(RefCell::default()),
            ..Evaluator::with_fitted(model, data, fitted)
        }
    }

    /// What was noted since the last call, each once: the fold and the name of its record.
    pub fn take_missing(&self) -> Vec<(Known, String)> {
        let mut out: Vec<(Known, String)> = vec![];
        if let Some(m) = &self.missing {
            for (k, name) in m.take() {
                if !out.iter().any(|(_, n)| *n == name) {
                    out.push((k, name));
                }
            }
        }
        out
    }

    /// The value of a fold or a centre over the rows at hand.
    pub(super) fn folded(&self, k: &Known) -> Tensor {
        let mut sums = self.fold_sums(k);
        self.add_fold(k, &mut sums);
        if sums.look_again(k) {
            self.add_fold(k, &mut sums);
        }
        let axes = match k {
            Known::Fold { .. } => k.axes(),
            _ => vec![],
        };
        Tensor {
            axes,
            values: sums.finish(k),
        }
    }

    /// Nothing added yet.
    pub fn fold_sums(&self, k: &Known) -> FoldSums {
        let zeros = ArrayD::zeros(IxDyn(&self.fold_shape(k)));
        FoldSums {
            sum: zeros.clone(),
            count: zeros,
            square: None,
        }
    }

    /// The shape of a fold's or a centre's record.
    pub(super) fn fold_shape(&self, k: &Known) -> Vec<usize> {
        match k {
            Known::Centre(c, s) => {
                let slots = &self.model.column(*c).slots;
                let kept = slots.iter().zip(s).filter(|(_, s)| s.is_some());
                kept.map(|(p, _)| self.data.plates[p.index()].size)
                    .collect()
            }
            _ => k.axes().iter().map(|a| self.size(*a)).collect(),
        }
    }

    /// Adds the rows at hand.
    pub fn add_fold(&self, k: &Known, sums: &mut FoldSums) {
        if let Known::Centre(c, s) = k {
            return self.add_column(*c, s.iter().skip(1).any(Option::is_some), sums);
        }
        let FoldSums { sum, count, square } = sums;
        let mut visit = |at: &[usize], w: f64, v: f64| match square {
            Some((mean, square)) => {
                let d = v - mean[IxDyn(at)];
                square[IxDyn(at)] += w * d * d;
            }
            None => {
                sum[IxDyn(at)] += w * v;
                count[IxDyn(at)] += w;
            }
        };
        self.visit_fold(k, &mut visit);
    }

    /// Adds the cells of a column that are there, by slot beside the rows' or (where that is not kept) all together.
    fn add_column(&self, c: ColumnId, kept: bool, sums: &mut FoldSums) {
        let cells = self.cells(c);
        let cells = cells.as_standard_layout();
        let plate = self.model.column(c).slots[0];
        let weights = self.weights(plate);
        let width: usize = cells.shape()[1..].iter().product();
        let rows = cells.as_slice().unwrap_or(&[]).chunks(width.max(1));
        let (Some(sum), Some(count)) = (sums.sum.as_slice_mut(), sums.count.as_slice_mut()) else {
            return;
        };
        for (n, row) in rows.enumerate() {
            let w = weights.as_ref().map_or(1.0, |w| w[n]);
            if kept {
                for ((s, c), v) in sum.iter_mut().zip(count.iter_mut()).zip(row) {
                    let there = !v.is_nan();
                    *s += if there { w * v } else { 0.0 };
                    *c += if there { w } else { 0.0 };
                }
            } else if let ([s], [c]) = (&mut *sum, &mut *count) {
                for v in row.iter().filter(|v| !v.is_nan()) {
                    *s += w * v;
                    *c += w;
                }
            }
        }
    }

    /// Every number under a fold with its weight and its place in the result.
    fn visit_fold(&self, k: &Known, visit: &mut dyn FnMut(&[usize], f64, f64)) {
        let Known::Fold {
            axes,
            restriction,
            body,
            ..
        } = k
        else {
            return;
        };
        let free = k.axes();
        // Rows with a blank are left out; along other plates one blank leaves nothing to fold.
        let skips = axes.iter().any(|a| self.model.table_of(a.plate).is_some());
        let mut all: Vec<Axis> = free.clone();
        all.extend(axes);
        let size = |a: Axis| self.size(a);
        // The element of a restriction is a free axis that the body does not carry: rows pick it.
        let element = restriction.as_ref().and_then(|(_, _, e)| match e {
            Subscript::Axis(a) => Some(*a),
            _ => None,
        });
        let base: Vec<Axis> = all
            .iter()
            .copied()
            .filter(|a| Some(*a) != element)
            .collect();
        let values = self.evaluate(body).broadcast(&base, &size);
        let weights: Vec<Option<Vec<f64>>> = axes.iter().map(|a| self.weights(a.plate)).collect();
        let column = restriction.as_ref().map(|(c, row, _)| {
            (
                self.cells(*c),
                axes.iter().position(|a| a == row).unwrap_or(0),
            )
        });
        let positions: Vec<Option<usize>> = free
            .iter()
            .map(|a| base.iter().position(|b| a == b))
            .collect();
        let first_bound = base.len() - axes.len();
        let mut at = vec![0usize; free.len()];
        'values: for (i, v) in values.indexed_iter() {
            if v.is_nan() && skips {
                continue;
            }
            let mut w = 1.0;
            for (j, weight) in weights.iter().enumerate() {
                if let Some(weight) = weight {
                    w *= weight[i[first_bound + j]];
                }
            }
            for (slot, p) in positions.iter().enumerate() {
                at[slot] = match (p, &column) {
                    (Some(p), _) => i[*p],
                    (None, Some((cells, row))) => {
                        let e = cells[IxDyn(&[i[first_bound + row]])];
                        // What belongs to no element is left out.
                        if e.is_nan() {
                            continue 'values;
                        }
                        e as usize
                    }
                    (None, None) => 0,
                };
            }
            visit(&at, w, *v);
        }
    }
}
