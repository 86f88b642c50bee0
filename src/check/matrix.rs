//! Matrix arguments: `Sigma[z]`, `0.1 * Lambda`, `identity`, `diagonal(e)`, `inverse(M)`, sums (language rule 8).
//!
//! in: an expression in a matrix argument under `over A` -> out: a [`Matrix`] over A.

use super::expr::{Leaf, visit, visit_indices};
use super::index::Named;
use super::names::{Kind, Symbol, Value};
use super::scope::{Bound, Scope};
use super::{Checker, errors};
use crate::model::{Expr, Index, Matrix};
use crate::source::Span;
use crate::syntax::ast::{self, BinaryOperator, ExprKind};

impl Checker<'_> {
    /// Whether an expression is a matrix over the plate of `over`, from how it is written.
    pub(super) fn is_matrix(&self, e: &ast::Expr, over: &Bound) -> bool {
        match &e.kind {
            ExprKind::Number(_) => false,
            ExprKind::Parenthesised(a) | ExprKind::Negate(a) => self.is_matrix(a, over),
            ExprKind::Binary(_, a, b) => self.is_matrix(a, over) || self.is_matrix(b, over),
            ExprKind::Call(name, _, _) => matches!(name.text.as_str(), "diagonal" | "inverse"),
            ExprKind::Reference(r) => {
                let value = match self.symbols.get(&r.name.text) {
                    _ if r.name.text == "identity" => return true,
                    Some((Symbol::Variable(v), _)) => Value::Variable(*v),
                    Some((Symbol::Definition(d), _)) => Value::Definition(*d),
                    Some((Symbol::Columns(_) | Symbol::Broken, _)) | None => return false,
                };
                let slots = self.slots(value);
                let matrix = match self.kind(value) {
                    Kind::Matrix => true,
                    Kind::Number => matches!(slots.as_slice(),
                        [.., p, q] if p == q && *p == over.axis.plate),
                    Kind::Binary | Kind::Element(_) => false,
                };
                let variable_number =
                    matches!(value, Value::Variable(_)) && self.kind(value) != Kind::Matrix;
                matrix && !variable_number && r.indices.len() + 2 <= slots.len()
            }
        }
    }

    /// A matrix over the plate of `over`.
    pub(super) fn matrix(
        &mut self,
        e: &ast::Expr,
        over: &Bound,
        scope: &mut Scope,
    ) -> Option<Matrix> {
        match &e.kind {
            ExprKind::Parenthesised(inner) => self.matrix(inner, over, scope),
            ExprKind::Reference(r) => self.matrix_reference(r, over, scope),
            ExprKind::Call(name, argument, binders) => match name.text.as_str() {
                "diagonal" | "inverse" if !binders.is_empty() => {
                    self.report(errors::function_takes_no_over(name, e.span));
                    None
                }
                "diagonal" => self.number(argument, scope).map(Matrix::Diagonal),
                "inverse" => {
                    let inner = self.matrix(argument, over, scope)?;
                    if let Some(unknown) = self.unknown_in(&inner) {
                        let error = errors::sd_of_unknown(argument.span, "inverse", Some(unknown));
                        self.report(error);
                        return None;
                    }
                    Some(Matrix::Inverse(Box::new(inner)))
                }
                _ => self.number_for_matrix(e, over),
            },
            ExprKind::Binary(operator, a, b) => {
                let matrices = (self.is_matrix(a, over), self.is_matrix(b, over));
                match (operator, matrices) {
                    (BinaryOperator::Add, (true, true)) => {
                        let (a, b) = (self.matrix(a, over, scope), self.matrix(b, over, scope));
                        Some(Matrix::Sum(Box::new(a?), Box::new(b?)))
                    }
                    (BinaryOperator::Multiply, (false, true)) => {
                        self.scaled(a, b, false, over, scope)
                    }
                    (BinaryOperator::Multiply, (true, false)) => {
                        self.scaled(b, a, false, over, scope)
                    }
                    (BinaryOperator::Divide, (true, false)) => self.scaled(b, a, true, over, scope),
                    (_, (false, false)) => self.number_for_matrix(e, over),
                    _ => {
                        self.report(errors::no_such_matrix_arithmetic(e.span));
                        None
                    }
                }
            }
            ExprKind::Negate(inner) if self.is_matrix(inner, over) => {
                self.report(errors::no_such_matrix_arithmetic(e.span));
                None
            }
            ExprKind::Number(_) | ExprKind::Negate(_) => self.number_for_matrix(e, over),
        }
    }

    fn number_for_matrix(&mut self, e: &ast::Expr, over: &Bound) -> Option<Matrix> {
        let plate = self.plate_name(over.axis.plate).to_string();
        self.report(errors::number_for_matrix(e.span, &plate));
        None
    }

    /// number * M, M * number, M / number.
    fn scaled(
        &mut self,
        number: &ast::Expr,
        matrix: &ast::Expr,
        divide: bool,
        over: &Bound,
        scope: &mut Scope,
    ) -> Option<Matrix> {
        let value = self.number(number, scope);
        let inner = self.matrix(matrix, over, scope);
        let (value, inner) = (value?, inner?);
        let mut varies = false;
        visit(&value, &mut |leaf| varies |= leaf == Leaf::Axis(over.axis));
        if varies {
            let plate = self.plate_name(over.axis.plate).to_string();
            self.report(errors::scale_varies(number.span, &plate));
            return None;
        }
        let value = if divide {
            Expr::Divide(Box::new(Expr::Number(1.0)), Box::new(value))
        } else {
            value
        };
        Some(Matrix::Scaled(value, Box::new(inner)))
    }

    fn matrix_reference(
        &mut self,
        r: &ast::Reference,
        over: &Bound,
        scope: &mut Scope,
    ) -> Option<Matrix> {
        if r.name.text == "identity" {
            return Some(Matrix::Identity);
        }
        let plate = over.axis.plate;
        let value = match self.named(&r.name, scope)? {
            Named::Value(value) => value,
            Named::Element(_) | Named::Plate(_) => {
                let plate = self.plate_name(plate).to_string();
                self.report(errors::number_for_matrix(r.span, &plate));
                return None;
            }
        };
        let slots = self.slots(value);
        let square = matches!(slots.as_slice(), [.., p, q] if p == q);
        let shaped = match value {
            Value::Variable(_) => self.kind(value) == Kind::Matrix,
            Value::Definition(_) => square && r.indices.len() + 2 <= slots.len(),
            Value::Column(_) => false,
        };
        let name = self.plate_name(plate).to_string();
        if !shaped {
            self.mention(value, false);
            self.report(errors::number_for_matrix(r.span, &name));
            return None;
        }
        if slots.last() != Some(&plate) {
            let own = slots.last().map_or("", |p| self.plate_name(*p)).to_string();
            let span = self.value_span(value);
            self.mention(value, false);
            self.report(errors::matrix_of_other_plate(r, &own, &name, span));
            return None;
        }
        let indices = self.fill(value, r, 2, scope)?;
        let mut varies = false;
        visit_indices(&indices, &mut |leaf| {
            varies |= leaf == Leaf::Axis(over.axis)
        });
        if varies {
            self.report(errors::scale_varies(r.span, &name));
            return None;
        }
        match value {
            Value::Definition(d) => Some(Matrix::Definition(d, indices)),
            Value::Variable(v) => Some(Matrix::Variable(v, indices)),
            Value::Column(_) => None,
        }
    }

    /// The first unknown in a matrix: name and declaration.
    pub(super) fn unknown_in(&self, m: &Matrix) -> Option<(String, Span)> {
        let in_indices = |indices: &[Index]| {
            let mut found = None;
            visit_indices(indices, &mut |leaf| {
                if let (None, Leaf::Variable(v)) = (&found, leaf) {
                    let v = self.model.variable(v);
                    found = Some((v.name.clone(), v.name_span));
                }
            });
            found
        };
        match m {
            Matrix::Identity => None,
            Matrix::Diagonal(e) => self.first_variable(e),
            Matrix::Definition(d, indices) => {
                let definition = self.model.definition(*d);
                let own = (
                    definition.name.clone(),
                    self.value_span(Value::Definition(*d)),
                );
                (!definition.known)
                    .then_some(own)
                    .or_else(|| in_indices(indices))
            }
            Matrix::Variable(v, _) => {
                let v = self.model.variable(*v);
                Some((v.name.clone(), v.name_span))
            }
            Matrix::Scaled(e, inner) => self.first_variable(e).or_else(|| self.unknown_in(inner)),
            Matrix::Sum(a, b) => self.unknown_in(a).or_else(|| self.unknown_in(b)),
            Matrix::Inverse(inner) => self.unknown_in(inner),
        }
    }
}
