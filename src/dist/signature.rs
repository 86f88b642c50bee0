//! The arguments of every distribution, in the order of the language's table.
//!
//! in: a [`DistributionKind`] or a name -> out: its [`Signature`].
//!
//! A call fills *choices*. A choice holds alternatives of which one is given (`var | sd | precision`). A positional
//! choice takes its first alternative without a name; everything that sets a spread must be named.

use crate::model::{ArgumentName, DistributionKind};

/// What values a distribution gives mass to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ValueSupport {
    /// An element of the plate `over`.
    Element,
    /// Non-negative numbers along `over` that sum to 1.
    Simplex,
    /// Any number (for each of `over`, where it is given).
    Real,
    /// 0 or 1.
    Binary,
    /// 0, 1, 2, ... (for each of `over`, where it is given).
    Count,
    /// 0 to 1.
    Probability,
    /// Above 0.
    Positive,
    /// A precision matrix over `over`.
    Precision,
    /// A covariance matrix over `over`.
    Covariance,
}

/// What values an argument may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ArgumentSupport {
    /// Any number.
    Real,
    /// Above 0.
    Positive,
    /// At least 0.
    NonNegative,
    /// 0 to 1.
    Probability,
    /// Non-negative, sums to 1 along `over`.
    Simplex,
    /// 0, 1, 2, ...
    Count,
}

/// Number or matrix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// A number for each element in scope.
    Number,
    /// A matrix over `over`.
    Matrix,
    /// Either, as written; a matrix only under `over`.
    Either,
}

/// Whether a distribution takes `over`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Over {
    /// It does not.
    Never,
    /// It must.
    Needed,
    /// With it the value is a vector, without it a number.
    Optional,
    /// It must, but may leave it out where the argument is a reference with one axis.
    Implied,
}

/// One argument.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parameter {
    /// Its name.
    pub name: ArgumentName,
    /// Its values.
    pub support: ArgumentSupport,
    /// Number or matrix.
    pub shape: Shape,
    /// It may vary along `over`.
    pub varies: bool,
}

/// Alternatives of which one is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Choice {
    /// The alternatives in order.
    pub alternatives: &'static [Parameter],
    /// The first alternative may be given without its name.
    pub positional: bool,
    /// It may be absent where the value is observed.
    pub optional: bool,
}

/// A distribution's name, arguments and values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Signature {
    /// Which.
    pub kind: DistributionKind,
    /// As written.
    pub name: &'static str,
    /// Its arguments.
    pub choices: &'static [Choice],
    /// Whether it takes `over`.
    pub over: Over,
    /// Its values.
    pub value: ValueSupport,
}

impl Signature {
    /// The argument of this name.
    pub fn parameter(&self, name: ArgumentName) -> Option<&'static Parameter> {
        self.choices
            .iter()
            .flat_map(|c| c.alternatives)
            .find(|p| p.name == name)
    }
}

const fn number(name: ArgumentName, support: ArgumentSupport) -> Parameter {
    Parameter {
        name,
        support,
        shape: Shape::Number,
        varies: true,
    }
}
const fn fixed(name: ArgumentName, support: ArgumentSupport) -> Parameter {
    Parameter {
        name,
        support,
        shape: Shape::Number,
        varies: false,
    }
}
const fn matrix(name: ArgumentName, shape: Shape) -> Parameter {
    Parameter {
        name,
        support: ArgumentSupport::Positive,
        shape,
        varies: true,
    }
}
const fn by_position(alternatives: &'static [Parameter]) -> Choice {
    Choice {
        alternatives,
        positional: true,
        optional: false,
    }
}
const fn named(alternatives: &'static [Parameter]) -> Choice {
    Choice {
        alternatives,
        positional: false,
        optional: false,
    }
}

use ArgumentName as N;
use ArgumentSupport::{Count, NonNegative, Positive, Probability, Real, Simplex};

const MEAN: Choice = by_position(&[number(N::Mean, Real)]);
const SHAPE: Choice = by_position(&[number(N::Shape, Positive)]);
const RATE_OR_SCALE: Choice = named(&[number(N::Rate, Positive), number(N::Scale, Positive)]);
const SCALE: Choice = named(&[number(N::Scale, Positive)]);
const MATRIX_DF: Choice = by_position(&[fixed(N::Df, Positive)]);

macro_rules! signatures {
    ($($kind:ident: $value:ident, $over:ident, [$($choice:expr),* $(,)?];)*) => {
        static SIGNATURES: &[Signature] = &[$(Signature {
            kind: DistributionKind::$kind,
            name: stringify!($kind),
            choices: &[$($choice),*],
            over: Over::$over,
            value: ValueSupport::$value,
        }),*];
        /// The signature of a distribution.
        pub fn signature(kind: DistributionKind) -> &'static Signature {
            $(const $kind: &Signature = &Signature {
                kind: DistributionKind::$kind,
                name: stringify!($kind),
                choices: &[$($choice),*],
                over: Over::$over,
                value: ValueSupport::$value,
            };)*
            match kind { $(DistributionKind::$kind => $kind),* }
        }
    };
}

#[allow(non_upper_case_globals)]
mod table {
    use super::*;
    signatures! {
        Categorical: Element, Implied, [by_position(&[number(N::P, Simplex), number(N::Logit, Real)])];
        Dirichlet: Simplex, Needed, [by_position(&[number(N::Alpha, Positive)])];
        Gaussian: Real, Optional, [MEAN, named(&[
            number(N::Var, Positive), number(N::Sd, Positive), matrix(N::Precision, Shape::Either),
            matrix(N::Cov, Shape::Matrix)])];
        Laplace: Real, Never, [MEAN, named(&[number(N::Scale, Positive), number(N::Rate, Positive)])];
        StudentT: Real, Never, [by_position(&[number(N::Df, Positive)]), MEAN, SCALE];
        Uniform: Real, Never, [by_position(&[number(N::Low, Real)]), by_position(&[number(N::High, Real)])];
        Bernoulli: Binary, Never, [by_position(&[
            number(N::P, Probability), number(N::Logit, Real), number(N::Probit, Real)])];
        Binomial: Count, Never, [by_position(&[number(N::P, Probability), number(N::Logit, Real)]),
            named(&[number(N::Total, Count)])];
        Poisson: Count, Never, [by_position(&[number(N::Rate, NonNegative), number(N::Log, Real)])];
        Multinomial: Count, Implied, [by_position(&[number(N::P, Simplex)]),
            Choice { alternatives: &[fixed(N::Total, Count)], positional: false, optional: true }];
        Beta: Probability, Never, [by_position(&[number(N::A, Positive)]), by_position(&[number(N::B, Positive)])];
        Gamma: Positive, Never, [SHAPE, RATE_OR_SCALE];
        Exponential: Positive, Never, [RATE_OR_SCALE];
        InverseGamma: Positive, Never, [SHAPE, SCALE];
        Wishart: Precision, Needed, [MATRIX_DF,
            named(&[matrix(N::Scale, Shape::Matrix), matrix(N::InverseScale, Shape::Matrix)])];
        InverseWishart: Covariance, Needed, [MATRIX_DF, named(&[matrix(N::Scale, Shape::Matrix)])];
    }

    /// All signatures, in the order of the language's table.
    pub fn all() -> &'static [Signature] {
        SIGNATURES
    }
}
pub use table::{all, signature};

/// The signature of the distribution of this name.
pub fn by_name(name: &str) -> Option<&'static Signature> {
    all().iter().find(|s| s.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_leads_to_its_own_signature() {
        for s in all() {
            assert_eq!(signature(s.kind), s);
            assert_eq!(by_name(s.name), Some(s));
        }
        assert_eq!(all().len(), 16);
    }

    #[test]
    fn spreads_are_never_positional() {
        for s in all() {
            for c in s.choices.iter().filter(|c| c.positional) {
                for p in c.alternatives {
                    let spread = matches!(
                        p.name,
                        N::Var | N::Sd | N::Precision | N::Cov | N::Scale | N::InverseScale
                    );
                    assert!(!spread, "{} {:?}", s.name, p.name);
                }
            }
        }
    }

    #[test]
    fn matrices_stand_under_over_only() {
        for s in all() {
            let matrix = s
                .choices
                .iter()
                .flat_map(|c| c.alternatives)
                .any(|p| p.shape != Shape::Number);
            assert!(!matrix || s.over != Over::Never, "{}", s.name);
        }
    }
}
