//! Distributions as a statement holds them: a kind and its arguments by their names.

use super::{Axis, Expr, Index, Matrix};
use crate::source::Span;

/// The distributions of the language.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(missing_docs)]
pub enum DistributionKind {
    Categorical,
    Dirichlet,
    Gaussian,
    Laplace,
    StudentT,
    Uniform,
    Bernoulli,
    Binomial,
    Poisson,
    Multinomial,
    Beta,
    Gamma,
    Exponential,
    InverseGamma,
    Wishart,
    InverseWishart,
}

/// The names of arguments. Positional arguments carry their name too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(missing_docs)]
pub enum ArgumentName {
    P,
    Logit,
    Probit,
    Alpha,
    Mean,
    Var,
    Sd,
    Precision,
    Cov,
    Scale,
    InverseScale,
    Rate,
    Log,
    Df,
    Low,
    High,
    Total,
    A,
    B,
    Shape,
    /// The auxiliary variable under which the log density is a sum of products.
    Auxiliary,
    /// Where the bound on a normaliser touches.
    Centre,
}

/// The value of an argument.
#[derive(Debug, Clone, PartialEq)]
pub enum Argument {
    /// A number for each binding of the axes in scope (the `over` axis among them).
    Scalar(Expr),
    /// A matrix over the `over` plate, twice.
    Matrix(Matrix),
}

/// A distribution with its arguments.
///
/// Under `over A`, scalar arguments may use the axis `over`; a Categorical's `p` and a Multinomial's `p` use it for the
/// category. `over` is set for every Categorical and Multinomial, written or not.
#[derive(Debug, Clone, PartialEq)]
pub struct Distribution {
    /// Which.
    pub kind: DistributionKind,
    /// Its arguments, in the order of the language's table.
    pub arguments: Vec<(ArgumentName, Argument, Span)>,
    /// The axis bound by `over`.
    pub over: Option<Axis>,
    /// The call.
    pub span: Span,
}

impl Distribution {
    /// The argument of this name, if given.
    pub fn argument(&self, name: ArgumentName) -> Option<&Argument> {
        self.arguments
            .iter()
            .find(|(n, _, _)| *n == name)
            .map(|(_, a, _)| a)
    }
}

/// A distribution, or a choice among distributions by an element.
#[derive(Debug, Clone, PartialEq)]
pub enum Case {
    /// One distribution.
    Always(Distribution),
    /// `case selector { ... }`: branches by position of the element; every element once.
    By {
        /// What selects: a discrete variable or a label column.
        selector: Index,
        /// Element position and its distribution.
        branches: Vec<(u32, Case)>,
        /// The whole choice.
        span: Span,
    },
}

/// `dist [first dist]`
#[derive(Debug, Clone, PartialEq)]
pub struct Conditional {
    /// For elements whose lags all exist (for all, where there is no `first`).
    pub usual: Case,
    /// For elements for which some `i-k` does not exist.
    pub first: Option<Case>,
    /// The largest k for each axis used as `i-k` in `usual`.
    pub lags: Vec<(Axis, u32)>,
}
