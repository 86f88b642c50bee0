//! Which family a set of statistics belongs to: the table of inference.md, one row per family.
//!
//! the support of a variable and the statistics its messages carry, in any order -> the smallest family with all of them.

use crate::model::Domain;

use super::{
    Bernoulli, Beta, Categorical, Dirichlet, Family, Gamma, Gaussian, GaussianLaplace,
    GeneralisedInverseGaussian, InverseGamma, InverseWishart, PolyaGamma, StatisticKind,
    TruncatedGaussian, Wishart,
};

/// Where the values of a variable lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Support {
    /// An element of a plate.
    Element,
    /// 0 or 1.
    Binary,
    /// A point of a simplex.
    Simplex,
    /// A number from 0 to 1.
    Probability,
    /// Any real number or vector.
    Real,
    /// A number above 0.
    Positive,
    /// A number above 0, relative to the density of PG(1, 0).
    PolyaGamma,
    /// A positive definite matrix.
    Matrix,
}

impl Support {
    /// Where the values of a domain lie; counts have no family.
    #[must_use]
    pub fn of(domain: Domain) -> Option<Support> {
        Some(match domain {
            Domain::Real => Support::Real,
            Domain::Positive => Support::Positive,
            Domain::Probability => Support::Probability,
            Domain::Simplex => Support::Simplex,
            Domain::Covariance | Domain::Precision => Support::Matrix,
            Domain::Binary => Support::Binary,
            Domain::Element(_) => Support::Element,
            Domain::Count => return None,
        })
    }

    /// The families over this support; among those of equal size the first is preferred.
    #[must_use]
    pub fn families(self) -> &'static [&'static dyn Family] {
        match self {
            Support::Element => &[&Categorical],
            Support::Binary => &[&Bernoulli],
            Support::Simplex => &[&Dirichlet],
            Support::Probability => &[&Beta],
            Support::Real => &[&Gaussian, &GaussianLaplace],
            Support::Positive => &[
                &Gamma,
                &InverseGamma,
                &TruncatedGaussian,
                &GeneralisedInverseGaussian,
            ],
            Support::PolyaGamma => &[&PolyaGamma],
            Support::Matrix => &[&Wishart, &InverseWishart],
        }
    }
}

/// The smallest family over `support` that has all of `statistics`; none if no family has.
#[must_use]
pub fn by_signature(support: Support, statistics: &[StatisticKind]) -> Option<&'static dyn Family> {
    support
        .families()
        .iter()
        .copied()
        .filter(|family| statistics.iter().all(|s| family.signature().contains(s)))
        .min_by_key(|family| family.signature().len())
}

#[cfg(test)]
mod tests {
    use super::StatisticKind::{Abs, Indicator, Log, Log1m, Pair, Power, Value};
    use super::*;

    fn name(support: Support, statistics: &[StatisticKind]) -> Option<&'static str> {
        by_signature(support, statistics).map(Family::name)
    }

    #[test]
    fn the_smallest_family_that_fits_is_found() {
        use Support::{Binary, Element, Matrix, Positive, Probability, Real, Simplex};
        let inverse = Power(-1);
        for (support, statistics, want) in [
            (Element, &[Indicator][..], "Categorical"),
            (Binary, &[Value], "Bernoulli"),
            (Simplex, &[Log], "Dirichlet"),
            (Probability, &[Log1m, Log], "Beta"),
            (Probability, &[Log1m], "Beta"),
            (Real, &[Value], "Gaussian"),
            (Real, &[Pair, Value], "Gaussian"),
            (Real, &[Abs], "GaussianLaplace"),
            (Real, &[Value, Pair, Abs], "GaussianLaplace"),
            (Positive, &[Value], "Gamma"),
            (Positive, &[Value, Log], "Gamma"),
            (Positive, &[inverse], "InverseGamma"),
            (Positive, &[inverse, Log], "InverseGamma"),
            (Positive, &[Pair], "TruncatedGaussian"),
            (Positive, &[Value, Pair], "TruncatedGaussian"),
            (Positive, &[Value, inverse], "GeneralisedInverseGaussian"),
            (
                Positive,
                &[Log, Value, inverse],
                "GeneralisedInverseGaussian",
            ),
            (Matrix, &[Value], "Wishart"),
            (Matrix, &[Log, Value], "Wishart"),
            (Matrix, &[inverse, Log], "InverseWishart"),
        ] {
            assert_eq!(name(support, statistics), Some(want), "{statistics:?}");
        }
    }

    #[test]
    fn what_no_family_has_is_none() {
        assert_eq!(name(Support::Positive, &[Log, Power(-2)]), None);
        assert_eq!(name(Support::Positive, &[Log, Pair]), None);
        assert_eq!(name(Support::Real, &[Log]), None);
        assert_eq!(name(Support::Matrix, &[Value, Power(-1)]), None);
        assert_eq!(name(Support::Element, &[Value]), None);
    }
}
