//! Ranges of expressions: what types and constants say about each definition, variable and argument.
//!
//! in: a resolved model, values of its constants -> out: a [`Range`] for any expression.

use super::Checker;
use super::range::Range;
use super::support::distributions;
use crate::model::{
    Argument, ArgumentName, Body, ColumnType, Distribution, Domain, Expr, FactorKind, Fold,
    Function,
};

/// The ranges of definitions and variables.
pub(super) struct Ranges {
    pub definitions: Vec<Range>,
    pub variables: Vec<Range>,
}
impl Checker<'_> {
    /// The ranges of all definitions and variables.
    pub(super) fn ranges(&self) -> Ranges {
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
    pub(super) fn range(&self, e: &Expr, ranges: &Ranges) -> Range {
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
