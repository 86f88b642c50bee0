//! Supports: whether arguments stay where their distributions need them (language rule 14; E0407, E0411).
//!
//! in: resolved factors -> out: diagnostics.
//!
//! Constants are evaluated. Of data only what is certain is reported: what the numbers decide is checked when data are
//! bound. An argument with unknowns must stay inside by types and signs alone.

use std::cell::Cell;
use std::collections::BTreeSet;

use super::constant::Positions;
use super::expr::{Leaf, visit};
use super::names::Value;
use super::range::Range;
use super::{Checker, errors};
use crate::dist::{ArgumentSupport, signature};
use crate::model::{
    Argument, ArgumentName, Axis, Body, Case, ColumnType, Conditional, Distribution, Domain, Expr,
    FactorKind, Fold, Function, Index, Matrix,
};
use crate::source::Span;

/// The ranges of definitions and variables.
struct Ranges {
    definitions: Vec<Range>,
    variables: Vec<Range>,
}

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

    fn ranges(&self) -> Ranges {
        let mut ranges = Ranges {
            definitions: vec![Range::REAL; self.model.definitions.len()],
            variables: self
                .model
                .variables
                .iter()
                .map(|v| of_domain(v.domain))
                .collect(),
        };
        for factor in &self.model.factors {
            if let FactorKind::Prior(v, c) = &factor.kind {
                let bounds: Option<Vec<Range>> = distributions(c)
                    .into_iter()
                    .map(|d| self.uniform(d))
                    .collect();
                if let Some(range) = bounds.and_then(|b| b.into_iter().reduce(Range::hull)) {
                    ranges.variables[v.index()] = range;
                }
            }
        }
        for (i, d) in self.model.definitions.iter().enumerate() {
            let values = self.constants.values(i.into());
            let range = match values {
                Some(values) => values
                    .cells
                    .iter()
                    .map(|v| Range::point(*v))
                    .reduce(Range::hull),
                None => match &d.body {
                    Body::Expr(e) => Some(self.range(e, &ranges)),
                    Body::Table { entries, .. } => {
                        let entries = entries.iter().map(|e| self.range(e, &ranges));
                        entries.reduce(Range::hull)
                    }
                },
            };
            ranges.definitions[i] = range.unwrap_or(Range::REAL);
        }
        ranges
    }

    /// The bounds of a Uniform with constant bounds.
    fn uniform(&self, d: &Distribution) -> Option<Range> {
        let bound = |name| match d.argument(name)? {
            Argument::Scalar(e) => self.constants.number(e, &|p| self.plate_size(p)),
            Argument::Matrix(_) => None,
        };
        let (low, high) = (bound(ArgumentName::Low)?, bound(ArgumentName::High)?);
        (low < high).then_some(Range::closed(low, high))
    }

    /// The range of an expression.
    fn range(&self, e: &Expr, ranges: &Ranges) -> Range {
        let go = |e: &Expr| self.range(e, ranges);
        match e {
            Expr::Number(v) => Range::point(*v),
            Expr::Definition(d, _) => {
                let range = ranges.definitions.get(d.index());
                range.copied().unwrap_or(Range::REAL)
            }
            Expr::Column(c, _) => match self.model.column(*c).ty {
                ColumnType::Real | ColumnType::Label(_) => Range::REAL,
                ColumnType::Positive => Range::POSITIVE,
                ColumnType::Probability => Range::PROBABILITY,
                ColumnType::Count => Range::COUNT,
                ColumnType::Binary => Range::BINARY,
                ColumnType::Weight => Range::NON_NEGATIVE,
            },
            Expr::Variable(v, _) => {
                let range = ranges.variables.get(v.index());
                range.copied().unwrap_or(Range::REAL)
            }
            Expr::Size(plate) => match self.plate_size(*plate) {
                Some(n) => Range::point(n as f64),
                None => Range {
                    whole: true,
                    ..Range::POSITIVE
                },
            },
            Expr::Negate(a) => go(a).negate(),
            Expr::Add(a, b) => go(a).add(go(b)),
            Expr::Subtract(a, b) => go(a).add(go(b).negate()),
            // The square of one expression has a sign that the product of two ranges does not show.
            Expr::Multiply(a, b) if a == b => go(a).power(Range::point(2.0)),
            Expr::Multiply(a, b) => go(a).multiply(go(b)),
            Expr::Divide(a, b) => go(a).divide(go(b)),
            Expr::Power(a, b) => go(a).power(go(b)),
            Expr::Call(Function::Log, a) => go(a).log(),
            Expr::Call(Function::Exp, a) => go(a).exp(),
            Expr::Call(Function::Sqrt, a) => go(a).sqrt(),
            Expr::Call(Function::Abs, a) => go(a).abs(),
            Expr::Fold {
                fold,
                restriction,
                body,
                ..
            } => match fold {
                Fold::Sum => go(body).sum(restriction.is_some()),
                Fold::Mean => Range {
                    whole: false,
                    ..go(body)
                },
                Fold::Sd => Range::NON_NEGATIVE,
            },
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
    fn check_number(
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
        if self.is_constant(e) {
            if let Some((value, element)) = self.first_outside(e, axes, wanted) {
                let error =
                    errors::number_outside(span, kind, name.word(), support, value, &element);
                self.report(error);
                return;
            }
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
    fn place(&self, axes: &[Axis], at: &Positions) -> String {
        let name = |a: &Axis| self.element_name(a.plate, at.get(a).copied().unwrap_or(0));
        axes.iter().map(name).collect::<Vec<_>>().join(", ")
    }

    /// Probabilities along `over`.
    fn check_simplex(&mut self, e: &Expr, d: &Distribution, axes: &[Axis], span: Span) {
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
            super::expr::visit_indices(before, &mut |leaf| again |= leaf == Leaf::Axis(along));
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
    fn check_matrix(
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
        if let (Some(low), Some(high)) = bounds {
            if low >= high {
                let (a, b) = (span(ArgumentName::Low), span(ArgumentName::High));
                self.report(errors::low_not_below_high(b, low, high, a));
            }
        }
        let matrix = matches!(
            signature(d.kind).value,
            crate::dist::ValueSupport::Precision | crate::dist::ValueSupport::Covariance
        );
        let side = d.over.and_then(|a| self.plate_size(a.plate));
        if let (true, Some(df), Some(n)) = (matrix, df, side) {
            if df > 0.0 && df <= n as f64 - 1.0 {
                self.report(errors::df_too_small(span(ArgumentName::Df), df, n));
            }
        }
    }
}

/// All distributions of a statement.
fn distributions(c: &Conditional) -> Vec<&Distribution> {
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

fn of_domain(domain: Domain) -> Range {
    match domain {
        Domain::Real | Domain::Element(_) | Domain::Covariance | Domain::Precision => Range::REAL,
        Domain::Positive => Range::POSITIVE,
        Domain::Probability | Domain::Simplex => Range::PROBABILITY,
        Domain::Binary => Range::BINARY,
        Domain::Count => Range::COUNT,
    }
}

/// Those of some axes that an expression uses.
fn used_axes(e: &Expr, axes: &[Axis]) -> Vec<Axis> {
    axes.iter().copied().filter(|a| mentions(e, *a)).collect()
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
                super::expr::visit_indices(indices, &mut note);
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

fn mentions(e: &Expr, axis: Axis) -> bool {
    let mut found = false;
    visit(e, &mut |leaf| found |= leaf == Leaf::Axis(axis));
    found
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
