//! Which elements the factors of a compound statistic are about, for every assignment of its axes.
//!
//! in: a [`Compound`] and bound data -> out: flat element numbers; [`NOWHERE`] where a lag or a label leads to none.

use ndarray::{ArrayD, IxDyn};

use crate::algebra::{Statistic, Subscript, Unknowns};
use crate::data::BLANK;
use crate::derive::Compound;
use crate::family::StatisticKind;
use crate::model::Axis;

use super::evaluate::Evaluator;

/// No element: the predecessor of a first row, a blank label.
pub const NOWHERE: u32 = u32::MAX;

/// The elements of the factors of a compound.
pub struct Places {
    /// Number of assignments of the axes that pick elements, row-major.
    pub count: usize,
    /// For each factor and assignment: the flat element over the unknown's slots.
    pub element: Vec<Vec<u32>>,
    /// For each factor and assignment: the value that an indicator fixes, where its value is no free axis.
    pub fixed: Vec<Option<Vec<u32>>>,
}

impl Evaluator<'_> {
    /// The elements of a compound's factors.
    pub fn places(&self, c: &Compound, unknowns: &Unknowns) -> Places {
        let axes = &c.axes[..c.places];
        let count = axes.iter().map(|a| self.size(*a)).product();
        let mut element = vec![];
        let mut fixed = vec![];
        for s in &c.stats {
            let indicator = s.kind == StatisticKind::Indicator;
            let slots = s.index.len() - usize::from(indicator);
            element.push(self.flat_elements(unknowns, s, &s.index[..slots], axes));
            let value = s.index.last().filter(|_| indicator);
            fixed.push(match value {
                None => None,
                Some(Subscript::Axis(a)) if !axes.contains(a) => None,
                Some(v) => Some(self.spread_subscript(v, axes)),
            });
        }
        Places {
            count,
            element,
            fixed,
        }
    }

    /// Adds values over `axes` to the elements that `target` gives: repeated axes go to the diagonal, fixed elements to their
    /// place, lags and labels where the data lead; what leads nowhere is left out.
    pub fn scatter(
        &self,
        values: &ArrayD<f64>,
        axes: &[Axis],
        target: &[Subscript],
        out: &mut ArrayD<f64>,
    ) {
        let parts: Vec<Vec<u32>> = target
            .iter()
            .map(|s| self.spread_subscript(s, axes))
            .collect();
        for (n, x) in values.iter().enumerate() {
            let element = |p: &Vec<u32>| p.get(n).filter(|e| **e != NOWHERE).map(|e| *e as usize);
            let at: Option<Vec<usize>> = parts.iter().map(element).collect();
            if let Some(slot) = at.and_then(|at| out.get_mut(IxDyn(&at))) {
                *slot += *x;
            }
        }
    }

    fn flat_elements(
        &self,
        unknowns: &Unknowns,
        s: &Statistic,
        index: &[Subscript],
        axes: &[Axis],
    ) -> Vec<u32> {
        let shape: Vec<usize> = unknowns
            .get(s.of)
            .slots
            .iter()
            .take(index.len())
            .map(|p| self.data.plates[p.index()].size)
            .collect();
        let mut out: Option<Vec<u32>> = None;
        for (sub, size) in index.iter().zip(&shape) {
            let at = self.spread_subscript(sub, axes);
            out = Some(match out {
                None => at,
                Some(mut flat) => {
                    for (f, a) in flat.iter_mut().zip(at) {
                        *f = if *f == NOWHERE || a == NOWHERE {
                            NOWHERE
                        } else {
                            *f * *size as u32 + a
                        };
                    }
                    flat
                }
            });
        }
        out.unwrap_or_else(|| vec![0; axes.iter().map(|a| self.size(*a)).product()])
    }

    /// The element that a subscript gives for every assignment of `axes`.
    fn spread_subscript(&self, s: &Subscript, axes: &[Axis]) -> Vec<u32> {
        let (own, values) = self.subscript(s);
        let shape: Vec<usize> = axes.iter().map(|a| self.size(*a)).collect();
        let map: Vec<Option<usize>> = own
            .iter()
            .map(|a| axes.iter().position(|b| a == b))
            .collect();
        let mut at = vec![0; own.len()];
        ArrayD::from_shape_fn(IxDyn(&shape), |i| {
            for (x, m) in at.iter_mut().zip(&map) {
                *x = m.map_or(0, |m| i[m]);
            }
            match values.get(IxDyn(&at)) {
                Some(&v) if v != BLANK => v,
                _ => NOWHERE,
            }
        })
        .into_raw_vec_and_offset()
        .0
    }
}
