//! Values of constants, as far as the sizes of their plates are known without data.
//!
//! in: resolved definitions and expressions -> out: their numbers, or nothing where data are needed.
//!
//! Definitions are evaluated once, in their order, so that evaluation never recurses through them.

use std::cell::Cell;
use std::collections::BTreeMap;

use crate::model::{
    Axis, Body, Definition, DefinitionId, Expr, Fold, Function, Index, Matrix, PlateId,
};

/// The most cells of a constant that is evaluated here; larger ones wait for the data.
const LARGEST: usize = 1_000_000;
/// The most steps of one evaluation.
const STEPS: u64 = 20_000_000;

/// How many elements a plate has, if that is known.
pub(super) type Size<'a> = &'a dyn Fn(PlateId) -> Option<usize>;

/// Row-major values of a constant and the sizes of its slots.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Values {
    pub shape: Vec<usize>,
    pub cells: Vec<f64>,
}

/// What is known of each definition's value.
#[derive(Debug, Default)]
pub(super) struct Constants {
    constant: Vec<bool>,
    values: Vec<Option<Values>>,
}

/// Positions of bound axes.
pub(super) type Positions = BTreeMap<Axis, usize>;

impl Constants {
    /// Makes room for all definitions.
    pub(super) fn reserve(&mut self, n: usize) {
        self.constant.resize(n, false);
        self.values.resize(n, None);
    }

    pub(super) fn set_constant(&mut self, id: DefinitionId, constant: bool) {
        if let Some(slot) = self.constant.get_mut(id.index()) {
            *slot = constant;
        }
    }

    pub(super) fn set_values(&mut self, id: DefinitionId, values: Option<Values>) {
        if let Some(slot) = self.values.get_mut(id.index()) {
            *slot = values;
        }
    }

    /// No data and no variables in it.
    pub(super) fn is_constant(&self, id: DefinitionId) -> bool {
        self.constant.get(id.index()).copied().unwrap_or(false)
    }

    /// The values of a definition.
    pub(super) fn values(&self, id: DefinitionId) -> Option<&Values> {
        self.values.get(id.index())?.as_ref()
    }

    /// All values of a definition.
    pub(super) fn table(&self, d: &Definition, size: Size) -> Option<Values> {
        let shape = d.axes.iter().map(|a| size(a.plate));
        let shape = shape.collect::<Option<Vec<usize>>>()?;
        let total = shape.iter().try_fold(1_usize, |n, s| n.checked_mul(*s))?;
        if total > LARGEST {
            return None;
        }
        let steps = Cell::new(0);
        let cells = match &d.body {
            Body::Expr(e) => self.all(e, &d.axes, size, &steps)?,
            Body::Table {
                shape: own,
                entries,
            } => {
                if shape.get(shape.len().checked_sub(own.len())?..) != Some(own.as_slice()) {
                    return None;
                }
                let outer = d.axes.get(..d.axes.len() - own.len())?;
                let columns = entries.iter().map(|e| self.all(e, outer, size, &steps));
                let columns = columns.collect::<Option<Vec<Vec<f64>>>>()?;
                let rows = columns.first().map_or(0, Vec::len);
                let at = |row: usize| columns.iter().filter_map(move |c| c.get(row).copied());
                (0..rows).flat_map(at).collect()
            }
        };
        Some(Values { shape, cells })
    }

    /// The value of an expression that has no free axis.
    pub(super) fn number(&self, e: &Expr, size: Size) -> Option<f64> {
        self.evaluate(e, &mut Positions::new(), size, &Cell::new(0))
    }

    /// The values of an expression for all positions of some axes, row-major.
    pub(super) fn all(
        &self,
        e: &Expr,
        axes: &[Axis],
        size: Size,
        steps: &Cell<u64>,
    ) -> Option<Vec<f64>> {
        let mut cells = Vec::new();
        self.each(axes, size, &mut Positions::new(), &mut |positions| {
            cells.push(self.evaluate(e, positions, size, steps)?);
            (cells.len() <= LARGEST).then_some(())
        })?;
        Some(cells)
    }

    /// Calls `f` for all positions of some axes, the last fastest.
    pub(super) fn each(
        &self,
        axes: &[Axis],
        size: Size,
        positions: &mut Positions,
        f: &mut dyn FnMut(&mut Positions) -> Option<()>,
    ) -> Option<()> {
        let Some((first, rest)) = axes.split_first() else {
            return f(positions);
        };
        for i in 0..size(first.plate)? {
            positions.insert(*first, i);
            self.each(rest, size, positions, f)?;
        }
        positions.remove(first);
        Some(())
    }

    /// The value of an expression at some positions; nothing where data or variables are needed.
    pub(super) fn evaluate(
        &self,
        e: &Expr,
        at: &mut Positions,
        size: Size,
        steps: &Cell<u64>,
    ) -> Option<f64> {
        steps.set(steps.get() + 1);
        if steps.get() > STEPS {
            return None;
        }
        let mut both = |a: &Expr, b: &Expr| {
            let a = self.evaluate(a, at, size, steps)?;
            Some((a, self.evaluate(b, at, size, steps)?))
        };
        Some(match e {
            Expr::Number(v) => *v,
            Expr::Definition(d, indices) => self.cell(*d, indices, at)?,
            Expr::Column(..) | Expr::Variable(..) => return None,
            Expr::Size(plate) => size(*plate)? as f64,
            Expr::Negate(a) => -self.evaluate(a, at, size, steps)?,
            Expr::Add(a, b) => both(a, b).map(|(a, b)| a + b)?,
            Expr::Subtract(a, b) => both(a, b).map(|(a, b)| a - b)?,
            Expr::Multiply(a, b) => both(a, b).map(|(a, b)| a * b)?,
            Expr::Divide(a, b) => both(a, b).map(|(a, b)| a / b)?,
            Expr::Power(a, b) => both(a, b).map(|(a, b)| a.powf(b))?,
            Expr::Call(function, a) => {
                let a = self.evaluate(a, at, size, steps)?;
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
                if restriction.is_some() {
                    return None;
                }
                let (mut n, mut sum, mut squares) = (0.0, 0.0, 0.0);
                self.each(axes, size, at, &mut |at| {
                    let v = self.evaluate(body, at, size, steps)?;
                    n += 1.0;
                    sum += v;
                    squares += v * v;
                    Some(())
                })?;
                match fold {
                    Fold::Sum => sum,
                    Fold::Mean => sum / n,
                    Fold::Sd => (squares / n - (sum / n) * (sum / n)).max(0.0).sqrt(),
                }
            }
        })
    }

    fn cell(&self, d: DefinitionId, indices: &[Index], at: &Positions) -> Option<f64> {
        let values = self.values(d)?;
        let mut cell = 0;
        for (index, n) in indices.iter().zip(&values.shape) {
            let position = match index {
                Index::Axis(axis) => *at.get(axis)?,
                Index::Element(e) => *e as usize,
                Index::Lag(..) | Index::Column(..) | Index::Variable(..) => return None,
            };
            cell = cell * n + position;
        }
        values.cells.get(cell).copied()
    }

    /// A constant matrix at some positions, row-major with side `n`; `over` is the axis that `diagonal` may use.
    pub(super) fn matrix(
        &self,
        m: &Matrix,
        over: Axis,
        n: usize,
        at: &mut Positions,
        size: Size,
    ) -> Option<Vec<f64>> {
        let steps = Cell::new(0);
        let mut cells = vec![0.0; n.checked_mul(n).filter(|c| *c <= LARGEST)?];
        match m {
            Matrix::Identity => (0..n).for_each(|i| cells[i * n + i] = 1.0),
            Matrix::Diagonal(e) => {
                for i in 0..n {
                    at.insert(over, i);
                    cells[i * n + i] = self.evaluate(e, at, size, &steps)?;
                }
                at.remove(&over);
            }
            Matrix::Definition(d, indices) => {
                for (c, cell) in cells.iter_mut().enumerate() {
                    let last = [c / n, c % n].map(|i| Index::Element(i as u32));
                    let indices: Vec<Index> = indices.iter().cloned().chain(last).collect();
                    *cell = self.cell(*d, &indices, at)?;
                }
            }
            Matrix::Scaled(e, inner) => {
                let scale = self.evaluate(e, at, size, &steps)?;
                cells = self.matrix(inner, over, n, at, size)?;
                cells.iter_mut().for_each(|c| *c *= scale);
            }
            Matrix::Sum(a, b) => {
                let a = self.matrix(a, over, n, at, size)?;
                let b = self.matrix(b, over, n, at, size)?;
                cells = a.iter().zip(&b).map(|(a, b)| a + b).collect();
            }
            // Positive definite iff what it inverts is; the values themselves are not needed here.
            Matrix::Inverse(inner) => cells = self.matrix(inner, over, n, at, size)?,
            Matrix::Variable(..) => return None,
        }
        Some(cells)
    }
}
