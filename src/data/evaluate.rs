//! Values of known expressions: plate sizes while data are bound, arguments when supports are checked.
//!
//! in: an expression without variables, the sizes and cells known so far, the bound elements -> out: a number; `None`
//! where something in it is not known (yet), or where it takes too long here. A blank is NaN; folds over a table skip it.

use std::cell::Cell;

use super::{BLANK, Cells};
use crate::model::{
    Axis, Body, ColumnId, DefinitionId, Expr, Fold, Function, Index, Model, PlateId, Restriction,
};

/// How many nested references and operations are followed.
const DEPTH: usize = 200;

/// What is known.
pub(super) struct Evaluator<'a> {
    pub(super) model: &'a Model,
    /// By plate.
    pub(super) sizes: Vec<Option<usize>>,
    /// By column; empty while tables are still being bound.
    pub(super) columns: &'a [Cells],
    /// By table: the row before in the group, for ordered tables.
    pub(super) previous: Vec<&'a [u32]>,
    /// Steps left.
    pub(super) fuel: Cell<u64>,
}

/// Bound elements: axis id and position.
pub(super) type Bindings = Vec<(u32, u32)>;

impl Evaluator<'_> {
    /// The value of an expression.
    pub(super) fn number(&self, expr: &Expr, bound: &mut Bindings) -> Option<f64> {
        self.at_depth(expr, bound, 0)
    }

    fn at_depth(&self, expr: &Expr, bound: &mut Bindings, depth: usize) -> Option<f64> {
        self.fuel.set(self.fuel.get().checked_sub(1)?);
        let depth = (depth < DEPTH).then_some(depth + 1)?;
        let mut both = |a: &Expr, b: &Expr| {
            let a = self.at_depth(a, bound, depth)?;
            Some((a, self.at_depth(b, bound, depth)?))
        };
        Some(match expr {
            Expr::Number(v) => *v,
            Expr::Size(plate) => self.size(*plate)? as f64,
            Expr::Definition(id, indices) => self.definition(*id, indices, bound, depth)?,
            Expr::Column(id, indices) => {
                let place = self.place(*id, indices, bound, depth)?;
                match self.columns.get(id.index())? {
                    Cells::Numbers(v) => *v.as_slice()?.get(place)?,
                    Cells::Elements(v) => match *v.as_slice()?.get(place)? {
                        BLANK => f64::NAN,
                        element => f64::from(element),
                    },
                }
            }
            Expr::Variable(..) => return None,
            Expr::Negate(a) => -self.at_depth(a, bound, depth)?,
            Expr::Add(a, b) => both(a, b).map(|(a, b)| a + b)?,
            Expr::Subtract(a, b) => both(a, b).map(|(a, b)| a - b)?,
            Expr::Multiply(a, b) => both(a, b).map(|(a, b)| a * b)?,
            Expr::Divide(a, b) => both(a, b).map(|(a, b)| a / b)?,
            Expr::Power(a, b) => both(a, b).map(|(a, b)| a.powf(b))?,
            Expr::Call(function, a) => {
                let a = self.at_depth(a, bound, depth)?;
                match function {
                    Function::Log => a.ln(),
                    Function::Exp => a.exp(),
                    Function::Sqrt => a.sqrt(),
                    Function::Abs => a.abs(),
                }
            }
            Expr::Fold {
                fold,
                axes,
                restriction,
                body,
            } => {
                let skips = axes.iter().any(|a| self.model.table_of(a.plate).is_some());
                let mut sums = Sums::default();
                let folded = Folded {
                    restriction: restriction.as_ref(),
                    body,
                    depth,
                };
                self.fold(&folded, axes, 1.0, bound, &mut sums)?;
                if sums.blank && !skips {
                    f64::NAN
                } else {
                    sums.value(*fold)
                }
            }
        })
    }

    fn size(&self, plate: PlateId) -> Option<usize> {
        self.sizes.get(plate.index()).copied().flatten()
    }

    fn definition(
        &self,
        id: DefinitionId,
        indices: &[Index],
        bound: &mut Bindings,
        depth: usize,
    ) -> Option<f64> {
        let definition = self.model.definition(id);
        let mut inner = Bindings::with_capacity(indices.len());
        for (axis, index) in definition.axes.iter().zip(indices) {
            inner.push((axis.id, self.element(index, bound, depth)?));
        }
        match &definition.body {
            Body::Expr(expr) => self.at_depth(expr, &mut inner, depth),
            Body::Table { shape, entries } => {
                let listed = inner.len().checked_sub(shape.len())?;
                let place = inner.iter().skip(listed).zip(shape);
                let place = place.fold(0usize, |place, ((_, e), size)| {
                    place.saturating_mul(*size).saturating_add(*e as usize)
                });
                self.at_depth(entries.get(place)?, &mut inner, depth)
            }
        }
    }

    fn place(
        &self,
        column: ColumnId,
        indices: &[Index],
        bound: &mut Bindings,
        depth: usize,
    ) -> Option<usize> {
        let slots = &self.model.column(column).slots;
        let mut place = 0;
        for (index, plate) in indices.iter().zip(slots) {
            let element = self.element(index, bound, depth)? as usize;
            let size = self.size(*plate)?;
            place = place * size + (element < size).then_some(element)?;
        }
        Some(place)
    }

    fn element(&self, index: &Index, bound: &mut Bindings, depth: usize) -> Option<u32> {
        let of_axis = |axis: &Axis| {
            let found = bound.iter().rev().find(|(id, _)| *id == axis.id);
            found.map(|(_, element)| *element)
        };
        match index {
            Index::Axis(axis) => of_axis(axis),
            Index::Lag(axis, k) => {
                let element = of_axis(axis)?;
                let table = self.model.table_of(axis.plate);
                let previous = table.and_then(|t| self.previous.get(t.index()));
                match previous {
                    Some(previous) => (0..*k).try_fold(element, |e, _| {
                        previous
                            .get(e as usize)
                            .copied()
                            .filter(|before| *before != BLANK)
                    }),
                    None => element.checked_sub(*k),
                }
            }
            Index::Column(column, indices) => {
                let depth = (depth < DEPTH).then_some(depth + 1)?;
                let place = self.place(*column, indices, bound, depth)?;
                match self.columns.get(column.index())? {
                    Cells::Elements(v) => {
                        let element = *v.as_slice()?.get(place)?;
                        (element != BLANK).then_some(element)
                    }
                    Cells::Numbers(_) => None,
                }
            }
            Index::Variable(..) => None,
            Index::Element(element) => Some(*element),
        }
    }

    /// Adds up the body over the axes; `weight` is that of the rows bound so far.
    fn fold(
        &self,
        folded: &Folded,
        axes: &[Axis],
        weight: f64,
        bound: &mut Bindings,
        sums: &mut Sums,
    ) -> Option<()> {
        let Some((axis, rest)) = axes.split_first() else {
            if let Some(r) = folded.restriction {
                let row = Index::Column(r.column, vec![Index::Axis(r.row)]);
                let here = self.element(&row, bound, folded.depth);
                if here != self.element(&Index::Axis(r.element), bound, folded.depth) {
                    return Some(());
                }
            }
            sums.add(self.at_depth(folded.body, bound, folded.depth)?, weight);
            return Some(());
        };
        for element in 0..self.size(axis.plate)? {
            let weight = weight * self.weight(axis.plate, element)?;
            bound.push((axis.id, element as u32));
            let done = self.fold(folded, rest, weight, bound, sums);
            bound.pop();
            done?;
        }
        Some(())
    }

    /// How often an element of a plate counts.
    fn weight(&self, plate: PlateId, element: usize) -> Option<f64> {
        let table = self.model.table_of(plate);
        match table.and_then(|t| self.model.table(t).weight) {
            None => Some(1.0),
            Some(column) => match self.columns.get(column.index())? {
                Cells::Numbers(v) => v.as_slice()?.get(element).copied(),
                Cells::Elements(_) => None,
            },
        }
    }
}

/// What is folded, the same for all elements.
struct Folded<'a> {
    restriction: Option<&'a Restriction>,
    body: &'a Expr,
    depth: usize,
}

/// Weighted count, mean and squared deviations, updated value by value.
#[derive(Default)]
struct Sums {
    total: f64,
    count: f64,
    mean: f64,
    squares: f64,
    blank: bool,
}

impl Sums {
    fn add(&mut self, value: f64, weight: f64) {
        self.blank |= value.is_nan();
        if value.is_nan() || weight <= 0.0 {
            return;
        }
        self.total += weight * value;
        self.count += weight;
        let before = value - self.mean;
        self.mean += before * weight / self.count;
        self.squares += weight * before * (value - self.mean);
    }

    fn value(&self, fold: Fold) -> f64 {
        match fold {
            Fold::Sum => self.total,
            Fold::Mean if self.count == 0.0 => f64::NAN,
            Fold::Mean => self.mean,
            Fold::Sd => (self.squares / self.count).sqrt(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weighted_sums_agree_with_two_passes() {
        let cells = [
            (2.0, 1.0),
            (f64::NAN, 3.0),
            (5.0, 2.0),
            (-1.0, 0.0),
            (8.5, 1.5),
        ];
        let mut sums = Sums::default();
        for (value, weight) in cells {
            sums.add(value, weight);
        }
        let kept: Vec<(f64, f64)> = cells.into_iter().filter(|(v, _)| !v.is_nan()).collect();
        let n: f64 = kept.iter().map(|(_, w)| w).sum();
        let mean = kept.iter().map(|(v, w)| v * w).sum::<f64>() / n;
        let var = kept
            .iter()
            .map(|(v, w)| w * (v - mean).powi(2))
            .sum::<f64>()
            / n;
        assert!((sums.value(Fold::Mean) - mean).abs() < 1e-12);
        assert!((sums.value(Fold::Sum) - mean * n).abs() < 1e-12);
        assert!((sums.value(Fold::Sd) - var.sqrt()).abs() < 1e-12);
    }
}
