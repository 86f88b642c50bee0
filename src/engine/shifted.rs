//! Known expressions that are a column, moved and stretched by numbers that no row decides: read from the column as it is.
//!
//! ```text
//! k[n, i] = scale[i] column[n, i] + shift[i]          x - mean(x over row), (x - mean) / sd, 2 x
//! ```
//!
//! Nothing as long as the data is made for them.

use ndarray::{ArcArray, ArrayD, IxDyn};

use crate::algebra::{Known, Subscript};
use crate::data::Cells;
use crate::model::Axis;

use super::Engine;

/// A column moved and stretched.
pub(super) struct Shifted {
    /// The cells, rows first, contiguous; NaN where blank.
    pub cells: ArcArray<f64, IxDyn>,
    /// The axes after the row's.
    pub own: Vec<Axis>,
    /// By inner position.
    pub scale: Vec<f64>,
    /// By inner position.
    pub shift: Vec<f64>,
}

impl Engine<'_> {
    /// The expression as a column along this row axis, moved and stretched; `None` where it is none.
    pub(super) fn shifted(&self, k: &Known, row: Axis) -> Option<Shifted> {
        match k {
            Known::Column(c, s) => {
                let axes: Option<Vec<Axis>> = s
                    .iter()
                    .map(|s| match s {
                        Subscript::Axis(a) => Some(*a),
                        _ => None,
                    })
                    .collect();
                let axes = axes?;
                let (first, own) = axes.split_first()?;
                let distinct = (0..axes.len()).all(|i| !axes[..i].contains(&axes[i]));
                let Cells::Numbers(cells) = &self.evaluator.data.columns[c.index()] else {
                    return None;
                };
                if *first != row || !distinct || cells.as_slice().is_none() {
                    return None;
                }
                let width = own.iter().map(|a| self.size(*a)).product();
                Some(Shifted {
                    cells: cells.clone(),
                    own: own.to_vec(),
                    scale: vec![1.0; width],
                    shift: vec![0.0; width],
                })
            }
            Known::Add(parts) => {
                let (mut out, rest) = self.one_of(parts, row)?;
                for k in rest {
                    let v = self.spread(k, &out.own)?;
                    for (s, v) in out.shift.iter_mut().zip(v.iter()) {
                        *s += v;
                    }
                }
                Some(out)
            }
            Known::Multiply(parts) => {
                let (mut out, rest) = self.one_of(parts, row)?;
                for k in rest {
                    let v = self.spread(k, &out.own)?;
                    for (s, v) in out.shift.iter_mut().zip(v.iter()) {
                        *s *= v;
                    }
                    for (s, v) in out.scale.iter_mut().zip(v.iter()) {
                        *s *= v;
                    }
                }
                Some(out)
            }
            _ => None,
        }
    }

    /// The one part that has the row, and the others.
    fn one_of<'k>(&self, parts: &'k [Known], row: Axis) -> Option<(Shifted, Vec<&'k Known>)> {
        let has = |k: &&Known| k.axes().contains(&row);
        let with: Vec<&Known> = parts.iter().filter(has).collect();
        let [one] = with.as_slice() else { return None };
        let out = self.shifted(one, row)?;
        Some((out, parts.iter().filter(|k| !has(k)).collect()))
    }

    /// A row-free factor over the inner axes; `None` where it has others or is no number somewhere.
    fn spread(&self, k: &Known, own: &[Axis]) -> Option<ArrayD<f64>> {
        if k.axes().iter().any(|a| !own.contains(a)) {
            return None;
        }
        let size = |a: Axis| self.size(a);
        let v = self.evaluator.evaluate(k).broadcast(own, &size);
        v.iter().all(|x| x.is_finite()).then_some(v)
    }
}
