//! Probabilities and matrices: what must hold for all of a plate together (E0407, E0411).
//!
//! in: arguments `p`, `cov`, `precision`, `scale` -> out: diagnostics.
//!
//! Constants are evaluated. An expression with unknowns is a simplex along an axis if its form makes it one: a simplex
//! itself, or a mixture, a sum of products in which every summed axis can be summed out of its own simplex in turn.

use std::cell::Cell;
use std::collections::BTreeSet;

use super::bounds::Ranges;
use super::constant::Positions;
use super::expr::{Leaf, visit, visit_indices};
use super::support::{mentions, used_axes};
use super::{Checker, errors};
use crate::dist::{ArgumentSupport, signature};
use crate::model::{ArgumentName, Axis, Body, Distribution, Domain, Expr, Fold, Index, Matrix};
use crate::source::Span;

impl Checker<'_> {
    /// Probabilities along `over`.
    pub(super) fn check_simplex(&mut self, e: &Expr, d: &Distribution, axes: &[Axis], span: Span) {
        let Some(over) = d.over else { return };
        if self.is_constant(e) {
            let used: Vec<Axis> = used_axes(e, axes);
            let steps = Cell::new(0);
            let mut wrong = None;
            let size = |p| self.plate_size(p);
            let Some(n) = size(over.plate) else { return };
            self.constants
                .each(&used, &size, &mut Positions::new(), &mut |at| {
                    let mut sum = 0.0;
                    let mut least = f64::INFINITY;
                    for i in 0..n {
                        at.insert(over, i);
                        let v = self.constants.evaluate(e, at, &size, &steps)?;
                        sum += v;
                        least = least.min(v);
                    }
                    at.remove(&over);
                    let whole = (sum - 1.0).abs() < 1e-6;
                    if least < 0.0 || !whole {
                        wrong = Some((sum, least, self.place(&used, at)));
                        return None;
                    }
                    Some(())
                });
            if let Some((sum, least, element)) = wrong {
                let plate = self.plate_name(over.plate).to_string();
                self.report(errors::no_simplex(span, &plate, sum, least, &element));
            }
        } else if !self.is_known(e) && !self.is_simplex(e, over, 0) {
            let plate = self.plate_name(over.plate).to_string();
            let unknown = self.first_variable(e);
            let kind = signature(d.kind);
            let logit = kind.parameter(ArgumentName::Logit).is_some();
            self.report(errors::may_be_no_simplex(
                span, kind.name, &plate, unknown, logit,
            ));
        }
    }

    /// Whether an expression is non-negative and sums to 1 along an axis, whatever its unknowns are.
    fn is_simplex(&self, e: &Expr, along: Axis, nesting: usize) -> bool {
        if nesting > 64 {
            return false;
        }
        let last_only = |indices: &[Index]| {
            let last = indices.last() == Some(&Index::Axis(along));
            let before = indices.split_last().map_or(&[][..], |(_, before)| before);
            let mut again = false;
            visit_indices(before, &mut |leaf| again |= leaf == Leaf::Axis(along));
            last && !again
        };
        match e {
            Expr::Variable(v, indices) => {
                self.model.variable(*v).domain == Domain::Simplex && last_only(indices)
            }
            Expr::Definition(d, indices) => {
                let definition = self.model.definition(*d);
                let own = definition.axes.last();
                match (&definition.body, own) {
                    (_, Some(_)) if definition.known => last_only(indices),
                    (Body::Expr(body), Some(own)) => {
                        last_only(indices) && self.is_simplex(body, *own, nesting + 1)
                    }
                    (Body::Table { .. } | Body::Expr(_), _) => false,
                }
            }
            Expr::Fold {
                fold: Fold::Sum,
                axes,
                restriction: None,
                body,
            } => self.is_mixture(body, axes, along, nesting),
            _ => false,
        }
    }

    /// A sum of products in which each summed axis, and `along`, can be summed out of its own simplex in turn.
    fn is_mixture(&self, body: &Expr, summed: &[Axis], along: Axis, nesting: usize) -> bool {
        let mut factors = Vec::new();
        flatten(body, &mut factors);
        let mut axes: Vec<Axis> = summed.to_vec();
        let mut next = Some(along);
        while let Some(axis) = next {
            let holding: Vec<usize> = (0..factors.len())
                .filter(|&i| mentions(factors[i], axis))
                .collect();
            match holding.as_slice() {
                [one] if self.is_simplex(factors[*one], axis, nesting + 1) => {
                    factors.remove(*one);
                }
                _ => return false,
            }
            let free = axes
                .iter()
                .position(|a| factors.iter().filter(|f| mentions(f, *a)).count() == 1);
            next = free.map(|i| axes.remove(i));
        }
        factors.is_empty() && axes.is_empty()
    }

    /// A matrix argument: positive scales; positive definite if it is constant.
    pub(super) fn check_matrix(
        &mut self,
        m: &Matrix,
        d: &Distribution,
        axes: &[Axis],
        ranges: &Ranges,
        name: ArgumentName,
        span: Span,
    ) {
        let all: Vec<Axis> = axes.iter().copied().chain(d.over).collect();
        let mut parts = vec![m];
        let mut constant = true;
        while let Some(part) = parts.pop() {
            match part {
                Matrix::Scaled(e, inner) => {
                    self.check_number(e, ArgumentSupport::Positive, name, &all, ranges, d, span);
                    constant &= self.is_constant(e);
                    parts.push(inner);
                }
                Matrix::Diagonal(e) => {
                    self.check_number(e, ArgumentSupport::Positive, name, &all, ranges, d, span);
                    constant &= self.is_constant(e);
                }
                Matrix::Sum(a, b) => parts.extend([&**a, &**b]),
                Matrix::Inverse(inner) => parts.push(inner),
                Matrix::Definition(id, _) => constant &= self.constants.is_constant(*id),
                Matrix::Variable(..) => constant = false,
                Matrix::Identity => {}
            }
        }
        let Some(over) = d.over.filter(|_| constant) else {
            return;
        };
        let mut wrong = None;
        let size = |p| self.plate_size(p);
        let Some(n) = size(over.plate) else { return };
        let used = matrix_axes(m, axes);
        self.constants
            .each(&used, &size, &mut Positions::new(), &mut |at| {
                let cells = self.constants.matrix(m, over, n, at, &size)?;
                if let Some(why) = not_positive_definite(&cells, n) {
                    wrong = Some((why, self.place(&used, at)));
                    return None;
                }
                Some(())
            });
        if let Some((why, element)) = wrong {
            self.report(errors::no_covariance(span, name.word(), why, &element));
        }
    }
}

fn matrix_axes(m: &Matrix, axes: &[Axis]) -> Vec<Axis> {
    let mut used = BTreeSet::new();
    let mut note = |leaf| {
        if let Leaf::Axis(a) = leaf {
            used.insert(a);
        }
    };
    let mut parts = vec![m];
    while let Some(part) = parts.pop() {
        match part {
            Matrix::Identity => {}
            Matrix::Diagonal(e) => visit(e, &mut note),
            Matrix::Definition(_, indices) | Matrix::Variable(_, indices) => {
                visit_indices(indices, &mut note);
            }
            Matrix::Scaled(e, inner) => {
                visit(e, &mut note);
                parts.push(inner);
            }
            Matrix::Sum(a, b) => parts.extend([&**a, &**b]),
            Matrix::Inverse(inner) => parts.push(inner),
        }
    }
    axes.iter().copied().filter(|a| used.contains(a)).collect()
}

/// The factors of a product.
fn flatten<'e>(e: &'e Expr, out: &mut Vec<&'e Expr>) {
    match e {
        Expr::Multiply(a, b) => {
            flatten(a, out);
            flatten(b, out);
        }
        other => out.push(other),
    }
}

/// Why a matrix is no covariance, by its Cholesky factor.
fn not_positive_definite(cells: &[f64], n: usize) -> Option<&'static str> {
    let at = |i: usize, j: usize| cells.get(i * n + j).copied().unwrap_or(f64::NAN);
    let largest = cells.iter().fold(0.0_f64, |m, c| m.max(c.abs()));
    for i in 0..n {
        for j in 0..i {
            if (at(i, j) - at(j, i)).abs() > 1e-9 * largest {
                return Some("it is not symmetric");
            }
        }
    }
    let mut factor = vec![0.0; n * n];
    for i in 0..n {
        for j in 0..=i {
            let dot: f64 = (0..j).map(|k| factor[i * n + k] * factor[j * n + k]).sum();
            let rest = at(i, j) - dot;
            if i == j {
                if rest.is_nan() || rest <= 1e-13 * largest {
                    return Some("it is not positive definite");
                }
                factor[i * n + i] = rest.sqrt();
            } else {
                factor[i * n + j] = rest / factor[j * n + j];
            }
        }
    }
    None
}
