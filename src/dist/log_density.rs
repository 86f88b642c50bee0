//! Log densities as terms: one function per distribution, nothing dropped.
//!
//! in: a distribution with resolved arguments and the value it is about -> out: a polynomial whose free axes are those of
//! the statement; the `over` axis is summed here.

use crate::algebra::expand::{Expander, Polynomial, Refusal, merge_known};
use crate::algebra::{Known, KnownFunction, Scale, Subscript, Term, UnknownId};
use crate::family::StatisticKind;
use crate::model::{Argument, ArgumentName, Distribution, DistributionKind, Expr};
use crate::numeric::link::Link;

use super::{discrete, gaussian, matrix, positive, simplex};

/// What a statement is about.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// An unknown at these subscripts (its `over` axes included, the value slots of a simplex or matrix not).
    Unknown(UnknownId, Vec<Subscript>),
    /// A known number for each binding of the axes in scope.
    Known(Known),
    /// An element of a plate: a label column or a discrete unknown.
    Element(Subscript),
}

impl Value {
    /// The value as a polynomial.
    pub fn polynomial(&self, ex: &Expander<'_>) -> Polynomial {
        match self {
            Value::Unknown(u, i) => ex.value(*u, i.clone()),
            Value::Known(k) => vec![Term::known(k.clone())],
            Value::Element(_) => vec![],
        }
    }

    /// The unknown and its subscripts.
    ///
    /// # Errors
    /// A known value where the distribution is a prior only.
    pub fn unknown(&self) -> Result<(UnknownId, &Vec<Subscript>), Refusal> {
        match self {
            Value::Unknown(u, i) => Ok((*u, i)),
            Value::Known(_) | Value::Element(_) => Err(Refusal::NotDerived(
                "data under a distribution over simplexes, probabilities or matrices".into(),
            )),
        }
    }
}

/// The log density of `distribution` at `value`.
///
/// # Errors
/// [`Refusal`] where an argument makes it no sum of products of statistics, or where that form is not derived yet.
pub fn log_density(
    ex: &Expander<'_>,
    distribution: &Distribution,
    value: &Value,
) -> Result<Polynomial, Refusal> {
    let args = Arguments { ex, distribution };
    match distribution.kind {
        DistributionKind::Gaussian => gaussian::gaussian(&args, value),
        DistributionKind::Laplace => gaussian::laplace(&args, value),
        DistributionKind::Uniform => gaussian::uniform(&args, value),
        DistributionKind::Categorical => discrete::categorical(&args, value),
        DistributionKind::Bernoulli => discrete::bernoulli(&args, value),
        DistributionKind::Binomial => discrete::binomial(&args, value),
        DistributionKind::Poisson => discrete::poisson(&args, value),
        DistributionKind::Multinomial => discrete::multinomial(&args, value),
        DistributionKind::Dirichlet => simplex::dirichlet(&args, value),
        DistributionKind::Beta => simplex::beta(&args, value),
        DistributionKind::Gamma => positive::gamma(&args, value),
        DistributionKind::Exponential => positive::exponential(&args, value),
        DistributionKind::InverseGamma => positive::inverse_gamma(&args, value),
        DistributionKind::Wishart => matrix::wishart(&args, value),
        DistributionKind::InverseWishart => matrix::inverse_wishart(&args, value),
        DistributionKind::StudentT => Err(Refusal::NotDerived(
            "the log density of a StudentT is no sum of products of statistics".into(),
        )),
    }
}

/// A distribution's arguments with the expander that reads them.
pub struct Arguments<'a, 'b> {
    /// Expands expressions.
    pub ex: &'a Expander<'b>,
    /// The call.
    pub distribution: &'a Distribution,
}

impl Arguments<'_, '_> {
    /// A scalar argument, if given.
    pub fn scalar(&self, name: ArgumentName) -> Option<&Expr> {
        match self.distribution.argument(name) {
            Some(Argument::Scalar(e)) => Some(e),
            _ => None,
        }
    }

    /// A scalar argument.
    ///
    /// # Errors
    /// Not given (the checker has refused such a model).
    pub fn required(&self, name: ArgumentName) -> Result<&Expr, Refusal> {
        self.scalar(name).ok_or_else(|| {
            Refusal::NotDerived(format!(
                "this form of the distribution (no `{name:?}` number)"
            ))
        })
    }

    /// A scalar argument that must be known.
    ///
    /// # Errors
    /// Not given, or an unknown occurs in it.
    pub fn known(&self, name: ArgumentName) -> Result<Known, Refusal> {
        let e = self.required(name)?;
        self.ex.known(e).ok_or_else(|| {
            Refusal::NoFamily(format!(
                "the argument `{}` depends on an unknown, and no family is closed under that",
                name.word()
            ))
        })
    }

    /// A positive monomial.
    ///
    /// # Errors
    /// As [`Expander::scale`].
    pub fn scale(&self, name: ArgumentName) -> Result<Scale, Refusal> {
        self.ex.scale(self.required(name)?)
    }

    /// The rate of a distribution with `rate | scale`.
    ///
    /// # Errors
    /// As [`Expander::scale`].
    pub fn rate(&self) -> Result<Scale, Refusal> {
        if self.scalar(ArgumentName::Rate).is_some() {
            self.scale(ArgumentName::Rate)
        } else {
            Ok(self.scale(ArgumentName::Scale)?.power(-1.0))
        }
    }
}

/// log Gamma of a known number, as a term.
pub fn ln_gamma(k: Known) -> Term {
    Term::known(Known::call(KnownFunction::LnGamma, k))
}

/// A known factor times every term.
pub fn times_known(ex: &Expander<'_>, k: &Known, p: &[Term]) -> Polynomial {
    ex.multiply(&[Term::known(k.clone())], p)
}

impl Arguments<'_, '_> {
    /// A number that may hold unknowns: as a sum of products, and its log Gamma as a sum of terms.
    ///
    /// # Errors
    /// Not given, or no sum of products.
    pub fn number(&self, name: ArgumentName) -> Result<Polynomial, Refusal> {
        self.ex.expand(self.required(name)?)
    }
}

/// log Gamma of a sum of products.
pub fn ln_gamma_of(ex: &Expander<'_>, p: Polynomial) -> Term {
    match p.as_slice() {
        [t] if t.stats.is_empty() && t.axes.is_empty() => ln_gamma(Known::product(
            std::iter::once(Known::number(t.coef)).chain(t.data.iter().cloned()),
        )),
        _ => ex.function_of(p, StatisticKind::Of(Link::LnGamma), None),
    }
}

/// A sum plus a known number.
pub fn plus_known(p: Polynomial, k: f64) -> Polynomial {
    merge_known([p, vec![Term::number(k)]].concat())
}
