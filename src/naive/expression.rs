//! Numbers of expressions.
//!
//! in: an expression and the bound elements -> out: a number, or `None` where it is blank.
//!
//! A blank makes whatever is computed from it blank; a fold over the rows of a table skips blanks and counts a row by its
//! weight.

use ndarray::{ArrayD, IxDyn};

use super::{Assignment, Node, Problem};
use crate::data::{BLANK, Cells, Dataset};
use crate::model::{
    Axis, Body, ColumnId, ColumnType, Constraint, DefinitionId, Domain, Expr, Fold, Function,
    Index, Model, PlateId, Restriction, VariableId,
};

/// A model, its data, and a number for every unknown.
pub(super) struct Evaluator<'a> {
    pub(super) model: &'a Model,
    pub(super) data: &'a Dataset,
    pub(super) values: &'a Assignment,
    /// By column: a NaN of [`Assignment::cells`] has yet to be drawn. Empty where nothing is drawn.
    pub(super) drawn: &'a [bool],
}

/// Bound elements: an axis and the position of its element.
pub(super) type Bindings = Vec<(Axis, usize)>;

impl<'a> Evaluator<'a> {
    pub(super) fn new(model: &'a Model, data: &'a Dataset, values: &'a Assignment) -> Self {
        Evaluator {
            model,
            data,
            values,
            drawn: &[],
        }
    }

    /// How many elements a plate has.
    pub(super) fn size(&self, plate: PlateId) -> usize {
        self.data.plates.get(plate.index()).map_or(0, |p| p.size)
    }

    /// How often an element of a plate counts.
    pub(super) fn weight(&self, plate: PlateId, element: usize) -> f64 {
        let table = self.model.table_of(plate);
        let column = table.and_then(|t| self.model.table(t).weight);
        match column.and_then(|c| self.data.columns.get(c.index())) {
            Some(Cells::Numbers(w)) => w.get(IxDyn(&[element])).copied().unwrap_or(f64::NAN),
            _ => 1.0,
        }
    }

    /// The value of an expression.
    pub(super) fn number(&self, e: &Expr, bound: &mut Bindings) -> Result<Option<f64>, Problem> {
        Ok(match e {
            Expr::Number(v) => Some(*v),
            Expr::Size(plate) => Some(self.size(*plate) as f64),
            Expr::Definition(id, indices) => match self.elements(indices, bound)? {
                Some(elements) => self.definition(*id, &elements)?,
                None => None,
            },
            Expr::Column(id, indices) => match self.elements(indices, bound)? {
                Some(elements) => self.cell(*id, &elements)?,
                None => None,
            },
            Expr::Variable(id, indices) => match self.elements(indices, bound)? {
                Some(elements) => Some(self.variable(*id, &elements)?),
                None => None,
            },
            Expr::Negate(a) => self.number(a, bound)?.map(|a| -a),
            Expr::Add(a, b) => self.both(a, b, bound, |a, b| a + b)?,
            Expr::Subtract(a, b) => self.both(a, b, bound, |a, b| a - b)?,
            Expr::Multiply(a, b) => self.both(a, b, bound, |a, b| a * b)?,
            Expr::Divide(a, b) => self.both(a, b, bound, |a, b| a / b)?,
            Expr::Power(a, b) => self.both(a, b, bound, f64::powf)?,
            Expr::Call(function, a) => self.number(a, bound)?.map(|a| match function {
                Function::Log => a.ln(),
                Function::Exp => a.exp(),
                Function::Sqrt => a.sqrt(),
                Function::Abs => a.abs(),
            }),
            Expr::Fold {
                fold,
                axes,
                restriction,
                body,
            } => {
                let mut found = Vec::new();
                self.rows(axes, restriction.as_ref(), body, bound, 1.0, &mut found)?;
                let skips = axes.iter().any(|a| self.model.table_of(a.plate).is_some());
                reduce(*fold, &found, skips)
            }
        })
    }

    /// A number that must be there.
    pub(super) fn needed(&self, e: &Expr, bound: &mut Bindings) -> Result<f64, Problem> {
        self.number(e, bound)?
            .ok_or_else(|| Problem::Blank("an expression".to_string()))
    }

    fn both(
        &self,
        a: &Expr,
        b: &Expr,
        bound: &mut Bindings,
        f: fn(f64, f64) -> f64,
    ) -> Result<Option<f64>, Problem> {
        let a = self.number(a, bound)?;
        let b = self.number(b, bound)?;
        Ok(a.zip(b).map(|(a, b)| f(a, b)))
    }

    /// The values that a fold takes in, each with its weight.
    fn rows(
        &self,
        axes: &[Axis],
        restriction: Option<&Restriction>,
        body: &Expr,
        bound: &mut Bindings,
        weight: f64,
        found: &mut Vec<(Option<f64>, f64)>,
    ) -> Result<(), Problem> {
        let Some((axis, inner)) = axes.split_first() else {
            if let Some(only) = restriction {
                let row = Index::Column(only.column, vec![Index::Axis(only.row)]);
                let refers_to = self.element(&row, bound)?;
                if refers_to != self.element(&Index::Axis(only.element), bound)? {
                    return Ok(());
                }
            }
            found.push((self.number(body, bound)?, weight));
            return Ok(());
        };
        for element in 0..self.size(axis.plate) {
            let weight = weight * self.weight(axis.plate, element);
            bound.push((*axis, element));
            let done = self.rows(inner, restriction, body, bound, weight, found);
            bound.pop();
            done?;
        }
        Ok(())
    }

    /// The value of a definition at an element; its body sees nothing but its own axes.
    pub(super) fn definition(
        &self,
        id: DefinitionId,
        elements: &[usize],
    ) -> Result<Option<f64>, Problem> {
        let definition = self.model.definition(id);
        let mut inner: Bindings = definition
            .axes
            .iter()
            .copied()
            .zip(elements.iter().copied())
            .collect();
        match &definition.body {
            Body::Expr(e) => self.number(e, &mut inner),
            Body::Table { shape, entries } => {
                let listed = elements.len().saturating_sub(shape.len());
                let mut place = 0;
                for (element, size) in elements.iter().skip(listed).zip(shape) {
                    place = place * size + element;
                }
                let entry = entries
                    .get(place)
                    .ok_or_else(|| Problem::Element(format!("entry of `{}`", definition.name)))?;
                self.number(entry, &mut inner)
            }
        }
    }

    /// The cell of a column, an element as its position; `None` where it is blank.
    pub(super) fn cell(&self, id: ColumnId, at: &[usize]) -> Result<Option<f64>, Problem> {
        let outside = || Problem::Element(format!("`{}` at {at:?}", self.model.column(id).name));
        if let Some(cells) = self.values.cells.get(&id) {
            let cell = *cells.get(IxDyn(at)).ok_or_else(outside)?;
            if cell.is_nan() && self.drawn.get(id.index()) == Some(&true) {
                if let ColumnType::Label(plate) = self.model.column(id).ty
                    && self.size(plate) == 1
                {
                    return Ok(Some(0.0));
                }
                return Err(Problem::NoValue(Node::Column(id), at.to_vec()));
            }
            return Ok((!cell.is_nan()).then_some(cell));
        }
        match self.data.columns.get(id.index()).ok_or_else(outside)? {
            Cells::Numbers(v) => {
                let cell = *v.get(IxDyn(at)).ok_or_else(outside)?;
                Ok((!cell.is_nan()).then_some(cell))
            }
            Cells::Elements(v) => {
                let cell = *v.get(IxDyn(at)).ok_or_else(outside)?;
                Ok((cell != BLANK).then_some(f64::from(cell)))
            }
        }
    }

    /// The value of a variable's element.
    pub(super) fn variable(&self, id: VariableId, at: &[usize]) -> Result<f64, Problem> {
        let at = self.one_of_pair(id, at);
        let missing = || match self.model.variable(id).domain {
            // Its plate has one element, which needs no choice.
            Domain::Element(plate) if self.size(plate) == 1 => Ok(0.0),
            _ => Err(Problem::NoValue(Node::Variable(id), at.clone())),
        };
        let values = self
            .values
            .variables
            .get(id.index())
            .and_then(|v| v.as_ref());
        let Some(values): Option<&ArrayD<f64>> = values else {
            return missing();
        };
        match values.get(IxDyn(&at)) {
            Some(v) if !v.is_nan() => Ok(*v),
            Some(_) => missing(),
            None => Err(Problem::Element(format!(
                "`{}` at {at:?}",
                self.model.variable(id).name
            ))),
        }
    }

    /// A symmetric variable has one element for each unordered pair: the one whose last two positions rise.
    pub(super) fn one_of_pair(&self, id: VariableId, at: &[usize]) -> Vec<usize> {
        let mut at = at.to_vec();
        let constraints = &self.model.variable(id).constraints;
        if constraints.contains(&Constraint::Symmetric)
            && let [.., a, b] = at.as_mut_slice()
            && *a > *b
        {
            std::mem::swap(a, b);
        }
        at
    }
}

/// Sum, mean or standard deviation of weighted values. A blank is left out where rows of a table are folded; elsewhere it
/// makes the result blank, as does the mean of nothing.
fn reduce(fold: Fold, found: &[(Option<f64>, f64)], skips_blanks: bool) -> Option<f64> {
    if !skips_blanks && found.iter().any(|(v, _)| v.is_none()) {
        return None;
    }
    let kept: Vec<(f64, f64)> = found
        .iter()
        .filter_map(|(v, w)| Some(((*v)?, *w)))
        .filter(|(_, w)| *w > 0.0)
        .collect();
    let sum: f64 = kept.iter().map(|(v, w)| w * v).sum();
    let count: f64 = kept.iter().map(|(_, w)| w).sum();
    if fold == Fold::Sum {
        return Some(sum);
    }
    if count == 0.0 {
        return None;
    }
    let mean = sum / count;
    let squares: f64 = kept.iter().map(|(v, w)| w * (v - mean) * (v - mean)).sum();
    match fold {
        Fold::Sum | Fold::Mean => Some(mean),
        Fold::Sd => Some((squares / count).sqrt()),
    }
}
