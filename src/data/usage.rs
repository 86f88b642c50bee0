//! In which columns a cell may be blank.
//!
//! in: a model -> out: one truth value per column.
//!
//! An observed column may have blanks. A column that nothing refers to may have them too. Numbers may, where no statement
//! is conditioned on them: an observed `let` of a blank is blank, and a fold over a table skips the blanks of its columns.
//! Labels and truth values select or count, so a reference to them is enough to forbid blanks. Keys, weights and the
//! columns of `every` say which rows there are and are never blank.

use std::collections::BTreeSet;

use crate::model::{
    Argument, Body, Case, ColumnId, ColumnType, Conditional, DefinitionId, Distribution, Expr,
    FactorKind, Index, Matrix, Model, PlateId,
};

/// By column: may a cell be blank.
pub(super) fn blank_allowed(model: &Model) -> Vec<bool> {
    let mut walk = Walk {
        model,
        conditioned: vec![false; model.columns.len()],
        visited: BTreeSet::new(),
        pending: Vec::new(),
    };
    for factor in &model.factors {
        match &factor.kind {
            FactorKind::Prior(_, conditional) | FactorKind::ObservedColumn(_, conditional) => {
                walk.conditional(conditional);
            }
            FactorKind::ObservedDefinition(definition, conditional) => {
                walk.conditional(conditional);
                walk.definition(*definition, &Scope::value());
            }
            FactorKind::ObservedOnly(_) => {}
            FactorKind::Potential(expr) => walk.expr(expr, &Scope::default()),
        }
    }
    // a definition that no statement uses still must know which element its labels select
    for definition in 0..model.definitions.len() {
        walk.definition(DefinitionId::from(definition), &Scope::value());
    }
    while let Some((definition, scope)) = walk.pending.pop() {
        match &model.definition(definition).body {
            Body::Expr(expr) => walk.expr(expr, &scope),
            Body::Table { entries, .. } => entries.iter().for_each(|e| walk.expr(e, &scope)),
        }
    }
    let keys: BTreeSet<ColumnId> = model
        .tables
        .iter()
        .flat_map(|t| t.key.into_iter().chain(t.weight))
        .collect();
    let allowed = |(i, column): (usize, &crate::model::Column)| {
        let id = ColumnId::from(i);
        let names_the_row =
            keys.contains(&id) || column.ty == ColumnType::Weight || crosses(model, id);
        !names_the_row && (column.observed || !walk.conditioned[i])
    };
    model.columns.iter().enumerate().map(allowed).collect()
}

fn crosses(model: &Model, id: ColumnId) -> bool {
    use crate::model::Every;
    match &model.table(model.column(id).table).every {
        Some(Every::All(columns)) => columns.contains(&id),
        Some(Every::Less(a, b) | Every::Unequal(a, b)) => id == *a || id == *b,
        None => false,
    }
}

/// Where a reference stands.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
struct Scope {
    /// The value of an observed `let`: a blank number makes it blank.
    value: bool,
    /// Plates bound by folds: blanks of their rows are skipped.
    folded: BTreeSet<PlateId>,
}

impl Scope {
    fn value() -> Self {
        Scope {
            value: true,
            folded: BTreeSet::new(),
        }
    }
}

struct Walk<'a> {
    model: &'a Model,
    conditioned: Vec<bool>,
    visited: BTreeSet<(DefinitionId, Scope)>,
    /// Definitions still to be walked: a queue, as chains of them may be long.
    pending: Vec<(DefinitionId, Scope)>,
}

impl Walk<'_> {
    fn conditional(&mut self, conditional: &Conditional) {
        self.case(&conditional.usual);
        if let Some(first) = &conditional.first {
            self.case(first);
        }
    }

    fn case(&mut self, case: &Case) {
        match case {
            Case::Always(distribution) => self.distribution(distribution),
            Case::By {
                selector, branches, ..
            } => {
                self.index(selector);
                for (_, branch) in branches {
                    self.case(branch);
                }
            }
        }
    }

    fn distribution(&mut self, distribution: &Distribution) {
        let scope = Scope::default();
        for (_, argument, _) in &distribution.arguments {
            match argument {
                Argument::Scalar(expr) => self.expr(expr, &scope),
                Argument::Matrix(matrix) => self.matrix(matrix, &scope),
            }
        }
    }

    fn definition(&mut self, id: DefinitionId, scope: &Scope) {
        if self.visited.insert((id, scope.clone())) {
            self.pending.push((id, scope.clone()));
        }
    }

    fn indices(&mut self, indices: &[Index]) {
        indices.iter().for_each(|i| self.index(i));
    }

    fn index(&mut self, index: &Index) {
        match index {
            Index::Column(column, indices) => {
                self.conditioned[column.index()] = true;
                self.indices(indices);
            }
            Index::Variable(_, indices) => self.indices(indices),
            Index::Axis(_) | Index::Lag(..) | Index::Element(_) => {}
        }
    }

    fn expr(&mut self, expr: &Expr, scope: &Scope) {
        match expr {
            Expr::Number(_) | Expr::Size(_) => {}
            Expr::Definition(id, indices) => {
                self.indices(indices);
                self.definition(*id, scope);
            }
            Expr::Column(id, indices) => {
                self.indices(indices);
                let column = self.model.column(*id);
                let is_number = !matches!(column.ty, ColumnType::Binary | ColumnType::Label(_));
                let skipped = column.slots.iter().any(|p| scope.folded.contains(p));
                if !(is_number && (scope.value || skipped)) {
                    self.conditioned[id.index()] = true;
                }
            }
            Expr::Variable(_, indices) => self.indices(indices),
            Expr::Negate(a) | Expr::Call(_, a) => self.expr(a, scope),
            Expr::Add(a, b)
            | Expr::Subtract(a, b)
            | Expr::Multiply(a, b)
            | Expr::Divide(a, b)
            | Expr::Power(a, b) => {
                self.expr(a, scope);
                self.expr(b, scope);
            }
            Expr::Fold {
                axes,
                restriction,
                body,
                ..
            } => {
                if let Some(restriction) = restriction {
                    self.conditioned[restriction.column.index()] = true;
                }
                let mut inner = scope.clone();
                let rows = axes.iter().map(|a| a.plate);
                inner
                    .folded
                    .extend(rows.filter(|p| self.model.table_of(*p).is_some()));
                self.expr(body, &inner);
            }
        }
    }

    fn matrix(&mut self, matrix: &Matrix, scope: &Scope) {
        match matrix {
            Matrix::Identity => {}
            Matrix::Diagonal(expr) => self.expr(expr, scope),
            Matrix::Definition(id, indices) => {
                self.indices(indices);
                self.definition(*id, scope);
            }
            Matrix::Variable(_, indices) => self.indices(indices),
            Matrix::Scaled(expr, inner) => {
                self.expr(expr, scope);
                self.matrix(inner, scope);
            }
            Matrix::Sum(a, b) => {
                self.matrix(a, scope);
                self.matrix(b, scope);
            }
            Matrix::Inverse(inner) => self.matrix(inner, scope),
        }
    }
}
