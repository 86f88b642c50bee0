//! Supports: whether arguments stay where their distributions need them (language rule 14; E0407, E0411).
//!
//! in: resolved factors -> out: diagnostics.
//!
//! Constants are evaluated. Of data only what is certain is reported: what the numbers decide is checked when data are
//! bound. An argument with unknowns must stay inside by types and signs alone.

use std::cell::Cell;

use super::bounds::Ranges;
use super::constant::Positions;
use super::expr::{Leaf, visit};
use super::names::Value;
use super::range::Range;
use super::{Checker, errors};
use crate::dist::{ArgumentSupport, signature};
use crate::model::{
    Argument, ArgumentName, Axis, Case, Conditional, Distribution, Expr, FactorKind,
};
use crate::source::Span;

impl Checker<'_> {
    /// Checks the arguments of all factors.
    pub(super) fn check_supports(&mut self) {
        let ranges = self.ranges();
        for factor in self.model.factors.clone() {
            let conditional = match &factor.kind {
                FactorKind::Prior(_, c)
                | FactorKind::ObservedColumn(_, c)
                | FactorKind::ObservedDefinition(_, c) => c,
                FactorKind::ObservedOnly(_) | FactorKind::Potential(_) => continue,
            };
            if let FactorKind::ObservedDefinition(d, _) = &factor.kind {
                self.check_observed_definition(d.index(), conditional, &ranges);
            }
            for d in distributions(conditional) {
                self.check_distribution(d, &factor.axes, &ranges);
            }
        }
    }
    /// An observed definition against the support: whole numbers for counts, signs where they are certain.
    fn check_observed_definition(&mut self, d: usize, c: &Conditional, ranges: &Ranges) {
        use crate::dist::ValueSupport as V;
        let range = ranges.definitions.get(d).copied().unwrap_or(Range::REAL);
        for found in distributions(c) {
            let support = signature(found.kind).value;
            let (wanted, words) = match support {
                V::Binary => (Range::BINARY, "0 or 1"),
                V::Count => (Range::COUNT, "0, 1, 2, ..."),
                V::Probability | V::Simplex => (Range::PROBABILITY, "0 to 1"),
                V::Positive => (Range::POSITIVE, "above 0"),
                V::Real | V::Element | V::Precision | V::Covariance => continue,
            };
            if range.outside(wanted) || wanted.whole && !range.whole {
                let name = self.model.definitions[d].name.clone();
                let span = self.value_span(Value::Definition(d.into()));
                let kind = signature(found.kind).name;
                self.report(errors::definition_outside(
                    found.span, kind, words, &name, span,
                ));
            }
        }
    }

    fn check_distribution(&mut self, d: &Distribution, axes: &[Axis], ranges: &Ranges) {
        let signature = signature(d.kind);
        for (name, argument, span) in &d.arguments {
            let Some(parameter) = signature.parameter(*name) else {
                continue;
            };
            match argument {
                Argument::Scalar(e) if parameter.support == ArgumentSupport::Simplex => {
                    self.check_simplex(e, d, axes, *span);
                }
                Argument::Scalar(e) => {
                    let all: Vec<Axis> = axes.iter().copied().chain(d.over).collect();
                    self.check_number(e, parameter.support, *name, &all, ranges, d, *span);
                }
                Argument::Matrix(m) => self.check_matrix(m, d, axes, ranges, *name, *span),
            }
        }
        self.check_pairs(d);
    }

    /// A number argument.
    #[allow(clippy::too_many_arguments)]
    pub(super) fn check_number(
        &mut self,
        e: &Expr,
        support: ArgumentSupport,
        name: ArgumentName,
        axes: &[Axis],
        ranges: &Ranges,
        d: &Distribution,
        span: Span,
    ) {
        let wanted = match support {
            ArgumentSupport::Real | ArgumentSupport::Simplex => return,
            ArgumentSupport::Positive => Range::POSITIVE,
            ArgumentSupport::NonNegative => Range::NON_NEGATIVE,
            ArgumentSupport::Probability => Range::PROBABILITY,
            ArgumentSupport::Count => Range::COUNT,
        };
        let kind = signature(d.kind).name;
        if self.is_constant(e)
            && let Some((value, element)) = self.first_outside(e, axes, wanted)
        {
            let error = errors::number_outside(span, kind, name.word(), support, value, &element);
            self.report(error);
            return;
        }
        let range = self.range(e, ranges);
        let leaves = range.outside(wanted) || !self.is_known(e) && !range.inside(wanted);
        if leaves {
            let cause = self.cause(e, wanted, ranges);
            self.report(errors::may_leave(span, kind, name.word(), support, cause));
        }
    }

    /// The variable or column that lets an expression leave a range: name, what it is declared as, where.
    fn cause(&self, e: &Expr, wanted: Range, ranges: &Ranges) -> Option<errors::Cause> {
        let mut found = None;
        visit(e, &mut |leaf| {
            let Leaf::Variable(v) = leaf else { return };
            let outside = ranges
                .variables
                .get(v.index())
                .is_some_and(|r| !r.inside(wanted));
            if outside && found.is_none() {
                let v = self.model.variable(v);
                found = Some(errors::Cause {
                    name: v.name.clone(),
                    domain: v.domain,
                    flat: v.prior.is_none(),
                    span: v.name_span,
                    alone: matches!(e, Expr::Variable(..)),
                });
            }
        });
        found
    }

    /// The first value of a constant outside a range, and the element it belongs to.
    fn first_outside(&self, e: &Expr, axes: &[Axis], wanted: Range) -> Option<(f64, String)> {
        let used = used_axes(e, axes);
        let steps = Cell::new(0);
        let mut found = None;
        let size = |p| self.plate_size(p);
        self.constants
            .each(&used, &size, &mut Positions::new(), &mut |at| {
                let v = self.constants.evaluate(e, at, &size, &steps)?;
                if !Range::point(v).inside(wanted) || v.is_nan() {
                    found = Some((v, self.place(&used, at)));
                    return None;
                }
                Some(())
            });
        found
    }

    /// Positions as names of elements: `winter, rainy`.
    pub(super) fn place(&self, axes: &[Axis], at: &Positions) -> String {
        let name = |a: &Axis| self.element_name(a.plate, at.get(a).copied().unwrap_or(0));
        axes.iter().map(name).collect::<Vec<_>>().join(", ")
    }
    /// What two arguments, or an argument and a size, say together.
    fn check_pairs(&mut self, d: &Distribution) {
        let number = |name| match d.argument(name)? {
            Argument::Scalar(e) => self.constants.number(e, &|p| self.plate_size(p)),
            Argument::Matrix(_) => None,
        };
        let span = |name| {
            let mut all = d.arguments.iter();
            all.find(|(n, _, _)| *n == name)
                .map_or(d.span, |(_, _, s)| *s)
        };
        let bounds = (number(ArgumentName::Low), number(ArgumentName::High));
        let df = number(ArgumentName::Df);
        if let (Some(low), Some(high)) = bounds
            && low >= high
        {
            let (a, b) = (span(ArgumentName::Low), span(ArgumentName::High));
            self.report(errors::low_not_below_high(b, low, high, a));
        }
        let matrix = matches!(
            signature(d.kind).value,
            crate::dist::ValueSupport::Precision | crate::dist::ValueSupport::Covariance
        );
        let side = d.over.and_then(|a| self.plate_size(a.plate));
        if let (true, Some(df), Some(n)) = (matrix, df, side)
            && df > 0.0
            && df <= n as f64 - 1.0
        {
            self.report(errors::df_too_small(span(ArgumentName::Df), df, n));
        }
    }
}

/// All distributions of a statement.
pub(super) fn distributions(c: &Conditional) -> Vec<&Distribution> {
    let mut open: Vec<&Case> = c.first.iter().chain([&c.usual]).collect();
    let mut found = Vec::new();
    while let Some(case) = open.pop() {
        match case {
            Case::Always(d) => found.push(d),
            Case::By { branches, .. } => open.extend(branches.iter().rev().map(|(_, b)| b)),
        }
    }
    found
}

/// Those of some axes that an expression uses.
pub(super) fn used_axes(e: &Expr, axes: &[Axis]) -> Vec<Axis> {
    axes.iter().copied().filter(|a| mentions(e, *a)).collect()
}

/// Whether an expression uses an axis.
pub(super) fn mentions(e: &Expr, axis: Axis) -> bool {
    let mut found = false;
    visit(e, &mut |leaf| found |= leaf == Leaf::Axis(axis));
    found
}
