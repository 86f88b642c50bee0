//! Whether the rows of a table can be read some at a time: no statement may look at two of them at once.
//!
//! in: a model, a table -> out: E0603 at the first statement that needs all rows, or nothing.
//!
//! Rows are coupled where they are sorted, merged by a key or filled up by `every`; where a fold, a vector or a
//! constraint runs over them; where their number is used; where one is found from another (`i-1`, a label, a number).

use super::finding::clip;
use crate::diag::{Code, Diagnostic};
use crate::model::{
    Argument, Axis, Body, Case, Constraint, Distribution, Expr, FactorKind, Index, Matrix, Model,
    PlateId, TableId,
};
use crate::source::Span;

/// What holds the rows of a table together.
pub(super) fn coupled(model: &Model, table: TableId) -> Option<Diagnostic> {
    let (span, why) = find(model, table)?;
    let declared = model.table(table);
    let name = clip(&declared.name, 20);
    let diagnostic =
        Diagnostic::new(Code::E0603, format!("rows of `{name}` must be in memory")).at(span, why);
    Some(if span == declared.span {
        diagnostic
    } else {
        diagnostic.also(declared.span, format!("`{name}` is declared here"))
    })
}

fn find(model: &Model, id: TableId) -> Option<(Span, &'static str)> {
    let table = model.table(id);
    if table.key.is_some() {
        return Some((table.span, "lines of one key are merged"));
    }
    if table.every.is_some() {
        return Some((table.span, "`every` adds rows"));
    }
    if table.ordered.is_some() {
        return Some((table.span, "the rows are sorted"));
    }
    let mut walk = Walk {
        model,
        rows: table.plate,
        why: None,
    };
    for variable in &model.variables {
        let along = variable.slots.iter().skip(variable.brackets);
        let constrained = variable.constraints.iter().any(|c| match c {
            Constraint::UnitNorm(p) | Constraint::UnitBall(p) | Constraint::Increasing(p) => {
                *p == walk.rows
            }
            Constraint::Symmetric => false,
        });
        if along.into_iter().any(|p| *p == walk.rows) || constrained {
            return Some((variable.span, "one value runs over the rows"));
        }
    }
    for definition in &model.definitions {
        match &definition.body {
            Body::Expr(expr) => walk.expr(expr),
            Body::Table { entries, .. } => entries.iter().for_each(|e| walk.expr(e)),
        }
        if let Some(why) = walk.why {
            return Some((definition.span, why));
        }
    }
    for factor in &model.factors {
        walk.axes(&factor.axes);
        match &factor.kind {
            FactorKind::Prior(_, c)
            | FactorKind::ObservedColumn(_, c)
            | FactorKind::ObservedDefinition(_, c) => {
                walk.case(&c.usual);
                c.first.iter().for_each(|c| walk.case(c));
            }
            FactorKind::ObservedOnly(_) => {}
            FactorKind::Potential(expr) => walk.expr(expr),
        }
        if let Some(why) = walk.why {
            return Some((factor.span, why));
        }
    }
    None
}

struct Walk<'a> {
    model: &'a Model,
    /// The plate of the rows.
    rows: PlateId,
    why: Option<&'static str>,
}

impl Walk<'_> {
    fn axes(&mut self, axes: &[Axis]) {
        if axes.iter().filter(|a| a.plate == self.rows).count() > 1 {
            self.why = Some("rows are paired");
        }
    }

    fn case(&mut self, case: &Case) {
        match case {
            Case::Always(distribution) => self.distribution(distribution),
            Case::By {
                selector, branches, ..
            } => {
                self.index(selector);
                branches.iter().for_each(|(_, branch)| self.case(branch));
            }
        }
    }

    fn distribution(&mut self, distribution: &Distribution) {
        if distribution.over.is_some_and(|a| a.plate == self.rows) {
            self.why = Some("one value runs over the rows");
        }
        for (_, argument, _) in &distribution.arguments {
            match argument {
                Argument::Scalar(expr) => self.expr(expr),
                Argument::Matrix(matrix) => self.matrix(matrix),
            }
        }
    }

    /// Only the row at hand may fill a slot of rows.
    fn indices(&mut self, indices: &[Index], slots: impl Iterator<Item = PlateId>) {
        for (index, slot) in indices.iter().zip(slots) {
            if slot == self.rows && !matches!(index, Index::Axis(_)) {
                self.why = Some("a row is found from another");
            }
            self.index(index);
        }
    }

    fn index(&mut self, index: &Index) {
        let model = self.model;
        match index {
            Index::Column(id, inner) => {
                self.indices(inner, model.column(*id).slots.iter().copied());
            }
            Index::Variable(id, inner) => {
                self.indices(inner, model.variable(*id).slots.iter().copied());
            }
            Index::Lag(axis, _) if axis.plate == self.rows => {
                self.why = Some("a row is found from another");
            }
            Index::Axis(_) | Index::Lag(..) | Index::Element(_) => {}
        }
    }

    fn expr(&mut self, expr: &Expr) {
        let model = self.model;
        match expr {
            Expr::Number(_) => {}
            Expr::Size(plate) => {
                if *plate == self.rows {
                    self.why = Some("the number of rows is used");
                }
            }
            Expr::Definition(id, indices) => {
                let slots = model.definition(*id).axes.iter().map(|a| a.plate);
                self.indices(indices, slots);
            }
            Expr::Column(id, indices) => {
                self.indices(indices, model.column(*id).slots.iter().copied());
            }
            Expr::Variable(id, indices) => {
                self.indices(indices, model.variable(*id).slots.iter().copied());
            }
            Expr::Negate(a) | Expr::Call(_, a) => self.expr(a),
            Expr::Add(a, b)
            | Expr::Subtract(a, b)
            | Expr::Multiply(a, b)
            | Expr::Divide(a, b)
            | Expr::Power(a, b) => {
                self.expr(a);
                self.expr(b);
            }
            // A number of all rows is made once; what differs by row or label is refused by the engine.
            Expr::Fold { body, .. } => self.expr(body),
        }
    }

    fn matrix(&mut self, matrix: &Matrix) {
        let model = self.model;
        match matrix {
            Matrix::Identity => {}
            Matrix::Diagonal(expr) => self.expr(expr),
            Matrix::Definition(id, indices) => {
                let slots = model.definition(*id).axes.iter().map(|a| a.plate);
                self.indices(indices, slots);
            }
            Matrix::Variable(id, indices) => {
                self.indices(indices, model.variable(*id).slots.iter().copied());
            }
            Matrix::Scaled(expr, inner) => {
                self.expr(expr);
                self.matrix(inner);
            }
            Matrix::Sum(a, b) => {
                self.matrix(a);
                self.matrix(b);
            }
            Matrix::Inverse(inner) => self.matrix(inner),
        }
    }
}
