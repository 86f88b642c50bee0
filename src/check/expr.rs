//! Expressions: numbers for each binding of the axes in scope (language rules 4, 5, 11, 13).
//!
//! in: an [`ast::Expr`] and a scope -> out: a resolved [`Expr`], every reference with one index per slot.

use super::index::Named;
use super::names::{Kind, Value};
use super::scope::{Bound, BoundBy, Lookup, Scope};
use super::{Checker, errors};
use crate::diag::nearest;
use crate::model::{
    Axis, ColumnId, ColumnType, DefinitionId, Expr, Fold, Function, Index, Restriction, VariableId,
};
use crate::source::Span;
use crate::syntax::ast::{self, BinaryOperator, ExprKind};

/// The functions of one number, the folds, and `size`.
const FUNCTIONS: [&str; 8] = ["log", "exp", "sqrt", "abs", "sum", "mean", "sd", "size"];

impl Checker<'_> {
    /// A number.
    pub(super) fn number(&mut self, e: &ast::Expr, scope: &mut Scope) -> Option<Expr> {
        match &e.kind {
            ExprKind::Number(v) => Some(Expr::Number(*v)),
            ExprKind::Parenthesised(inner) => self.number(inner, scope),
            ExprKind::Negate(inner) => {
                let inner = self.number(inner, scope)?;
                Some(Expr::Negate(Box::new(inner)))
            }
            ExprKind::Binary(operator, a, b) => {
                let (a, b) = (self.number(a, scope), self.number(b, scope));
                let (a, b) = (Box::new(a?), Box::new(b?));
                Some(match operator {
                    BinaryOperator::Add => Expr::Add(a, b),
                    BinaryOperator::Subtract => Expr::Subtract(a, b),
                    BinaryOperator::Multiply => Expr::Multiply(a, b),
                    BinaryOperator::Divide => Expr::Divide(a, b),
                    BinaryOperator::Power => Expr::Power(a, b),
                })
            }
            ExprKind::Reference(reference) => self.number_reference(reference, scope),
            ExprKind::Call(name, argument, over) => self.call(name, argument, over, e.span, scope),
        }
    }

    fn number_reference(&mut self, r: &ast::Reference, scope: &mut Scope) -> Option<Expr> {
        if r.name.text == "identity" {
            self.report(errors::matrix_for_number(r.span, "identity", None));
            return None;
        }
        let value = match self.named(&r.name, scope)? {
            Named::Value(value) => value,
            Named::Element(bound) => {
                let plate = self.plate_name(bound.axis.plate).to_string();
                self.report(errors::element_as_number(&r.name, &plate, bound.span, None));
                return None;
            }
            Named::Plate(plate) => {
                let declared = self.model.plate(plate);
                let (name, span) = (declared.name.clone(), declared.span);
                self.report(errors::element_as_number(&r.name, &name, span, None));
                return None;
            }
        };
        match self.kind(value) {
            Kind::Number | Kind::Binary => {}
            Kind::Element(plate) => {
                let example = self.indexed_by(plate);
                let plate = self.plate_name(plate).to_string();
                let span = self.value_span(value);
                self.mention(value, false);
                let error = errors::element_as_number(&r.name, &plate, span, example.as_deref());
                self.report(error);
                return None;
            }
            Kind::Matrix => {
                if r.indices.len() + 2 <= self.slots(value).len() {
                    let span = self.value_span(value);
                    self.mention(value, false);
                    self.report(errors::matrix_for_number(r.span, &r.name.text, Some(span)));
                    return None;
                }
            }
        }
        let indices = self.fill(value, r, 0, scope)?;
        Some(match value {
            Value::Definition(d) => Expr::Definition(d, indices),
            Value::Column(c) => Expr::Column(c, indices),
            Value::Variable(v) => Expr::Variable(v, indices),
        })
    }

    /// A number variable with a slot of this plate, for the help of a diagnostic.
    fn indexed_by(&self, plate: crate::model::PlateId) -> Option<String> {
        let mut all = self.model.variables.iter();
        let found = all.find(|v| v.slots.first() == Some(&plate));
        found.map(|v| v.name.clone())
    }

    fn call(
        &mut self,
        name: &ast::Name,
        argument: &ast::Expr,
        over: &[ast::Binder],
        span: Span,
        scope: &mut Scope,
    ) -> Option<Expr> {
        let function = match name.text.as_str() {
            "sum" => return self.fold(Fold::Sum, name, argument, over, scope),
            "mean" => return self.fold(Fold::Mean, name, argument, over, scope),
            "sd" => return self.fold(Fold::Sd, name, argument, over, scope),
            "size" => return self.size(argument),
            "diagonal" | "inverse" => {
                self.report(errors::matrix_for_number(span, &name.text, None));
                return None;
            }
            "log" => Function::Log,
            "exp" => Function::Exp,
            "sqrt" => Function::Sqrt,
            "abs" => Function::Abs,
            other => {
                let near = nearest(other, FUNCTIONS);
                self.report(errors::unknown_function(name, near, &FUNCTIONS));
                return None;
            }
        };
        if let Some(first) = over.first() {
            self.report(errors::function_takes_no_over(name, first.plate.span));
        }
        let argument = self.number(argument, scope)?;
        Some(Expr::Call(function, Box::new(argument)))
    }

    fn size(&mut self, argument: &ast::Expr) -> Option<Expr> {
        match &argument.kind {
            ExprKind::Reference(r) if r.indices.is_empty() => self.plate(&r.name).map(Expr::Size),
            _ => {
                self.report(errors::size_of_no_plate(argument.span));
                None
            }
        }
    }

    fn fold(
        &mut self,
        fold: Fold,
        name: &ast::Name,
        argument: &ast::Expr,
        over: &[ast::Binder],
        scope: &mut Scope,
    ) -> Option<Expr> {
        if over.is_empty() {
            self.report(errors::fold_without_over(name));
            return None;
        }
        let level = self.bind(over, BoundBy::Fold)?;
        let restriction = self.restriction(&level, name, scope);
        let axes: Vec<Axis> = level.iter().map(|b| b.axis).collect();
        scope.levels.push(level);
        let body = self.number(argument, scope);
        scope.levels.pop();
        let (body, restriction) = (body?, restriction?);
        if fold == Fold::Sd && !self.is_known(&body) {
            let unknown = self.first_variable(&body);
            self.report(errors::sd_of_unknown(argument.span, "sd", unknown));
            return None;
        }
        Some(Expr::Fold {
            fold,
            axes,
            restriction,
            body: Box::new(body),
        })
    }

    /// Rule 11: a fold over a table runs over the rows that refer to the element bound outside.
    fn restriction(
        &mut self,
        level: &[Bound],
        name: &ast::Name,
        scope: &Scope,
    ) -> Option<Option<Restriction>> {
        let mut found: Vec<Restriction> = Vec::new();
        for row in level {
            let Some(table) = self.model.table_of(row.axis.plate) else {
                continue;
            };
            let table = self.model.table(table).clone();
            for column in table
                .columns
                .iter()
                .copied()
                .filter(|c| Some(*c) != table.key)
            {
                let declared = self.model.column(column);
                let ColumnType::Label(plate) = declared.ty else {
                    continue;
                };
                if declared.slots.len() != 1 {
                    continue;
                }
                match scope.of_plate(plate) {
                    Lookup::None => {}
                    Lookup::One(element) => found.push(Restriction {
                        column,
                        row: row.axis,
                        element: element.axis,
                    }),
                    Lookup::Several(elements) => {
                        let places = elements.into_iter().map(|b| (b.name, b.span)).collect();
                        self.report(errors::fold_of_several(name, &table.name, places));
                        return None;
                    }
                }
            }
        }
        if let [first, second, ..] = found.as_slice() {
            let (a, b) = (
                self.model.column(first.column),
                self.model.column(second.column),
            );
            let error = errors::fold_of_two_columns(
                name,
                &self.model.table(a.table).name,
                (&a.name, a.span),
                (&b.name, b.span),
            );
            self.report(error);
            return None;
        }
        let first = found.into_iter().next();
        if let Some(restriction) = &first {
            self.mention(Value::Column(restriction.column), false);
        }
        Some(first)
    }

    /// No variable occurs in it.
    pub(super) fn is_known(&self, e: &Expr) -> bool {
        let mut known = true;
        visit(e, &mut |leaf| match leaf {
            Leaf::Variable(_) => known = false,
            Leaf::Definition(d) => known &= self.model.definition(d).known,
            Leaf::Column(_) | Leaf::Axis(_) => {}
        });
        known
    }

    /// No variable and no column occurs in it.
    pub(super) fn is_constant(&self, e: &Expr) -> bool {
        let mut constant = true;
        visit(e, &mut |leaf| match leaf {
            Leaf::Variable(_) | Leaf::Column(_) => constant = false,
            Leaf::Definition(d) => constant &= self.constants.is_constant(d),
            Leaf::Axis(_) => {}
        });
        constant
    }

    /// The first variable in it, also inside definitions: name and declaration.
    pub(super) fn first_variable(&self, e: &Expr) -> Option<(String, Span)> {
        let mut found = None;
        visit(e, &mut |leaf| {
            let value = match leaf {
                Leaf::Variable(v) => Some(Value::Variable(v)),
                Leaf::Definition(d) if !self.model.definition(d).known => {
                    Some(Value::Definition(d))
                }
                Leaf::Definition(_) | Leaf::Column(_) | Leaf::Axis(_) => None,
            };
            if found.is_none() {
                found = value.map(|v| (self.value_name(v).to_string(), self.value_span(v)));
            }
        });
        found
    }
}

/// What an expression is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Leaf {
    Definition(DefinitionId),
    Column(ColumnId),
    Variable(VariableId),
    Axis(Axis),
}

/// Calls `f` on every value and axis of an expression, those in indices too.
pub(super) fn visit(e: &Expr, f: &mut dyn FnMut(Leaf)) {
    match e {
        Expr::Number(_) | Expr::Size(_) => {}
        Expr::Definition(d, indices) => {
            f(Leaf::Definition(*d));
            visit_indices(indices, f);
        }
        Expr::Column(c, indices) => {
            f(Leaf::Column(*c));
            visit_indices(indices, f);
        }
        Expr::Variable(v, indices) => {
            f(Leaf::Variable(*v));
            visit_indices(indices, f);
        }
        Expr::Negate(a) | Expr::Call(_, a) => visit(a, f),
        Expr::Add(a, b)
        | Expr::Subtract(a, b)
        | Expr::Multiply(a, b)
        | Expr::Divide(a, b)
        | Expr::Power(a, b) => {
            visit(a, f);
            visit(b, f);
        }
        Expr::Fold {
            restriction, body, ..
        } => {
            if let Some(r) = restriction {
                f(Leaf::Column(r.column));
                f(Leaf::Axis(r.element));
            }
            visit(body, f);
        }
    }
}

/// Calls `f` on every value and axis of some indices.
pub(super) fn visit_indices(indices: &[Index], f: &mut dyn FnMut(Leaf)) {
    for index in indices {
        match index {
            Index::Axis(axis) | Index::Lag(axis, _) => f(Leaf::Axis(*axis)),
            Index::Column(c, inner) => {
                f(Leaf::Column(*c));
                visit_indices(inner, f);
            }
            Index::Variable(v, inner) => {
                f(Leaf::Variable(*v));
                visit_indices(inner, f);
            }
            Index::Element(_) => {}
        }
    }
}
