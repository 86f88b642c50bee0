//! Which cell gives an observed `let` a wanted value.
//!
//! in: a definition at an element -> out: the cell of a column that its value depends on, and the operations to undo.
//!
//! The `let` is solved for the first column of numbers that it mentions, which may stand in it once only:
//! `log(y)`, `(y - 3) / 2`, `after - before`, but not `(y - mean(y over row)) / sd(y over row)`.

use super::Problem;
use super::expression::{Bindings, Evaluator};
use crate::model::{Body, ColumnId, DefinitionId, Expr, Function, Model};

/// A cell, and what turns the wanted value of the definition into the cell's.
pub(super) struct Goal {
    at: Vec<usize>,
    undo: Vec<Undo>,
}

/// One operation undone, the other operand known.
enum Undo {
    Negate,
    /// t - v
    Less(f64),
    /// v - t
    From(f64),
    /// t + v
    More(f64),
    /// t / v
    Over(f64),
    /// t * v
    Times(f64),
    /// v / t
    Under(f64),
    /// t^(1/v)
    Root(f64),
    /// log t / log v
    LogOf(f64),
    /// Of this function.
    Call(Function),
}

impl Goal {
    /// The cell and its value, given that of the definition.
    pub(super) fn solved(self, value: f64) -> (Vec<usize>, f64) {
        let undone = self.undo.iter().fold(value, |t, step| match step {
            Undo::Negate => -t,
            Undo::Less(v) => t - v,
            Undo::From(v) => v - t,
            Undo::More(v) => t + v,
            Undo::Over(v) => t / v,
            Undo::Times(v) => t * v,
            Undo::Under(v) => v / t,
            Undo::Root(v) => t.powf(1.0 / v),
            Undo::LogOf(v) => t.ln() / v.ln(),
            Undo::Call(Function::Log) => t.exp(),
            Undo::Call(Function::Exp) => t.ln(),
            Undo::Call(Function::Sqrt) => t * t,
            Undo::Call(Function::Abs) => t,
        });
        (self.at, undone)
    }
}

/// The column that an observed definition is solved for.
pub(super) fn column_of(model: &Model, id: DefinitionId) -> Result<ColumnId, Problem> {
    let mut columns = Vec::new();
    mentioned(model, id, &mut columns);
    let name = &model.definition(id).name;
    let Some(first) = columns.first().copied() else {
        let what = format!("`{name}` is observed and holds no column");
        return Err(Problem::Unsupported(what));
    };
    let mentions = columns.iter().filter(|c| **c == first).count();
    let is_table = matches!(model.definition(id).body, Body::Table { .. });
    if mentions > 1 || is_table {
        let column = &model.column(first).name;
        let what = format!("the observed `{name}` cannot be solved for `{column}`");
        return Err(Problem::Unsupported(what));
    }
    Ok(first)
}

/// The columns of numbers in a definition, in the order of the text.
fn mentioned(model: &Model, id: DefinitionId, columns: &mut Vec<ColumnId>) {
    match &model.definition(id).body {
        Body::Expr(e) => walk(model, e, columns),
        Body::Table { entries, .. } => entries.iter().for_each(|e| walk(model, e, columns)),
    }
}

fn walk(model: &Model, e: &Expr, columns: &mut Vec<ColumnId>) {
    match e {
        Expr::Number(_) | Expr::Size(_) | Expr::Variable(..) => {}
        Expr::Column(c, _) => columns.push(*c),
        Expr::Definition(d, _) => mentioned(model, *d, columns),
        Expr::Negate(a) | Expr::Call(_, a) => walk(model, a, columns),
        Expr::Add(a, b)
        | Expr::Subtract(a, b)
        | Expr::Multiply(a, b)
        | Expr::Divide(a, b)
        | Expr::Power(a, b) => {
            walk(model, a, columns);
            walk(model, b, columns);
        }
        // what is folded cannot be solved for: as if it stood there twice
        Expr::Fold { body, .. } => {
            walk(model, body, columns);
            walk(model, body, columns);
        }
    }
}

/// How a definition at an element is solved.
pub(super) fn goal(evaluator: &Evaluator, id: DefinitionId, at: &[usize]) -> Result<Goal, Problem> {
    let column = column_of(evaluator.model, id)?;
    let mut goal = Goal {
        at: Vec::new(),
        undo: Vec::new(),
    };
    let (mut definition, mut at) = (id, at.to_vec());
    // into the definitions that it stands for, each of which sees its own axes only
    loop {
        let found = evaluator.model.definition(definition);
        let axes = found.axes.iter().copied();
        let mut bound: Bindings = axes.zip(at.iter().copied()).collect();
        let Body::Expr(e) = &found.body else {
            let what = format!("the observed table `{}` cannot be solved", found.name);
            return Err(Problem::Unsupported(what));
        };
        match descend(evaluator, e, column, &mut bound, &mut goal)? {
            None => return Ok(goal),
            Some(next) => (definition, at) = next,
        }
    }
}

/// Undoes operations down to the column, or to a definition that holds it.
fn descend(
    evaluator: &Evaluator,
    e: &Expr,
    column: ColumnId,
    bound: &mut Bindings,
    goal: &mut Goal,
) -> Result<Option<(DefinitionId, Vec<usize>)>, Problem> {
    let blank = || Problem::Blank("an observed `let`".to_string());
    let model = evaluator.model;
    let mut e = e;
    loop {
        let (inner, step) = match e {
            Expr::Column(_, indices) => {
                goal.at = evaluator.elements(indices, bound)?.ok_or_else(blank)?;
                return Ok(None);
            }
            Expr::Definition(d, indices) => {
                let at = evaluator.elements(indices, bound)?.ok_or_else(blank)?;
                return Ok(Some((*d, at)));
            }
            Expr::Negate(a) => (a, Undo::Negate),
            Expr::Call(f, a) => (a, Undo::Call(*f)),
            Expr::Add(a, b)
            | Expr::Subtract(a, b)
            | Expr::Multiply(a, b)
            | Expr::Divide(a, b)
            | Expr::Power(a, b) => {
                let mut left = Vec::new();
                walk(model, a, &mut left);
                let on_left = left.contains(&column);
                let (inner, other) = if on_left { (a, b) } else { (b, a) };
                let v = evaluator.needed(other, bound)?;
                let step = match (e, on_left) {
                    (Expr::Add(..), _) => Undo::Less(v),
                    (Expr::Subtract(..), true) => Undo::More(v),
                    (Expr::Subtract(..), false) => Undo::From(v),
                    (Expr::Multiply(..), _) => Undo::Over(v),
                    (Expr::Divide(..), true) => Undo::Times(v),
                    (Expr::Divide(..), false) => Undo::Under(v),
                    (_, true) => Undo::Root(v),
                    (_, false) => Undo::LogOf(v),
                };
                (inner, step)
            }
            Expr::Number(_) | Expr::Size(_) | Expr::Variable(..) | Expr::Fold { .. } => {
                let what = "an observed `let` that cannot be solved".to_string();
                return Err(Problem::Unsupported(what));
            }
        };
        goal.undo.push(step);
        e = inner;
    }
}
