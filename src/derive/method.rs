//! The name of what was derived, and of the number it climbs.

use crate::algebra::{Term, Unknowns};
use crate::family::StatisticKind;
use crate::model::{Domain, Model, Role};

use super::block::{Block, Exactness, Form};

/// The algorithm, named from what the blocks are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// All latent blocks exact, all param blocks jointly maximised.
    ExactEm,
    /// All latent blocks exact, some param blocks maximised one after the other.
    Ecm,
    /// All latent blocks exact, some param block raised by its gradient.
    GeneralisedEm,
    /// Some coupled latent blocks split, and params.
    VariationalEm,
    /// No params, some coupled latent blocks split.
    VariationalBayes,
    /// No params and nothing split: the posterior itself.
    ExactPosterior,
    /// Points only, at least one with a prior.
    Map,
    /// Points only, none with a prior.
    MaximumLikelihood,
}

impl Method {
    /// As printed and as in the fit file.
    pub fn name(self) -> &'static str {
        match self {
            Method::ExactEm => "exact EM",
            Method::Ecm => "ECM",
            Method::GeneralisedEm => "generalised EM",
            Method::VariationalEm => "variational EM",
            Method::VariationalBayes => "variational Bayes",
            Method::ExactPosterior => "exact posterior",
            Method::Map => "MAP",
            Method::MaximumLikelihood => "maximum likelihood",
        }
    }

    /// True if q of the latents is the posterior given the params, so that the objective there is log p.
    pub fn is_em(self) -> bool {
        matches!(self, Method::ExactEm | Method::Ecm | Method::GeneralisedEm)
    }
}

/// What the objective is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Objective {
    /// log p(v; theta)
    LogLikelihood,
    /// log p(v, theta)
    LogPosterior,
    /// A lower bound of the log evidence, or it where q is exact.
    Elbo,
    /// log p(v, h, theta) at points.
    LogJoint,
}

impl Objective {
    /// As in the fit file.
    pub fn name(self) -> &'static str {
        match self {
            Objective::LogLikelihood => "log_likelihood",
            Objective::LogPosterior => "log_posterior",
            Objective::Elbo => "elbo",
            Objective::LogJoint => "log_joint",
        }
    }

    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Objective::LogLikelihood => "log-likelihood",
            Objective::LogPosterior => "log posterior (unnormalised: log-likelihood + log prior)",
            Objective::Elbo => "ELBO",
            Objective::LogJoint => "log joint",
        }
    }
}

/// Names the method and the objective.
pub fn name(
    model: &Model,
    unknowns: &Unknowns,
    blocks: &[Block],
    terms: &[Term],
) -> (Method, Objective) {
    let latent = blocks.iter().any(|b| b.role == Role::Latent);
    let points: Vec<&Block> = blocks
        .iter()
        .filter(|b| b.role != Role::Latent && !b.touches_bound(unknowns))
        .collect();
    let dirac = blocks.iter().any(|b| b.role == Role::Dirac);
    let prior = model
        .variables
        .iter()
        .any(|v| v.role == Role::Param && v.prior.is_some());
    let split = blocks
        .iter()
        .any(|b| b.role == Role::Latent && b.exactness == Exactness::MeanField);
    let raised = points.iter().any(|b| matches!(b.form, Form::Optimised));
    let method = match (latent, points.is_empty(), split) {
        (true, true, false) => Method::ExactPosterior,
        (true, true, true) => Method::VariationalBayes,
        (true, false, true) => Method::VariationalEm,
        (true, false, false) => {
            if raised {
                Method::GeneralisedEm
            } else if jointly_maximised(unknowns, blocks, terms) {
                Method::ExactEm
            } else {
                Method::Ecm
            }
        }
        (false, _, _) if prior || dirac => Method::Map,
        (false, _, _) => Method::MaximumLikelihood,
    };
    let objective = if dirac {
        Objective::LogJoint
    } else {
        match method {
            Method::ExactEm | Method::Ecm | Method::GeneralisedEm | Method::MaximumLikelihood
                if !prior =>
            {
                Objective::LogLikelihood
            }
            Method::ExactEm
            | Method::Ecm
            | Method::GeneralisedEm
            | Method::Map
            | Method::MaximumLikelihood => Objective::LogPosterior,
            Method::VariationalEm | Method::VariationalBayes | Method::ExactPosterior => {
                Objective::Elbo
            }
        }
    };
    (method, objective)
}

/// True if maximising the point blocks one after the other (means first) maximises them jointly: no two are coupled, or
/// one is the scale of the other in every term that holds the other, so that its mode does not depend on the scale.
fn jointly_maximised(unknowns: &Unknowns, blocks: &[Block], terms: &[Term]) -> bool {
    let points: Vec<&Block> = blocks.iter().filter(|b| b.role != Role::Latent).collect();
    for (i, a) in points.iter().enumerate() {
        for b in points.iter().skip(i + 1) {
            let coupled = terms.iter().any(|t| {
                t.stats.iter().any(|s| a.unknowns.contains(&s.of))
                    && t.stats.iter().any(|s| b.unknowns.contains(&s.of))
            });
            if coupled && !is_scale_of(unknowns, a, b, terms) && !is_scale_of(unknowns, b, a, terms)
            {
                return false;
            }
        }
    }
    true
}

/// `scale` is one unknown, and each term that holds `mean` holds one same power of it, at one same batch.
fn is_scale_of(unknowns: &Unknowns, scale: &Block, mean: &Block, terms: &[Term]) -> bool {
    let [s] = scale.unknowns.as_slice() else {
        return false;
    };
    if !matches!(
        unknowns.get(*s).domain,
        Domain::Positive | Domain::Covariance | Domain::Precision
    ) {
        return false;
    }
    let mut power: Option<StatisticKind> = None;
    terms
        .iter()
        .filter(|t| t.stats.iter().any(|x| mean.unknowns.contains(&x.of)))
        .all(|t| {
            let of: Vec<_> = t.stats.iter().filter(|x| x.of == *s).collect();
            match of.as_slice() {
                [one] if matches!(one.kind, StatisticKind::Value | StatisticKind::Power(_)) => {
                    let plates = unknowns.get(*s).plates().len();
                    let follows = one.index[..plates].iter().all(|i| {
                        t.stats
                            .iter()
                            .filter(|x| mean.unknowns.contains(&x.of))
                            .all(|x| x.index.contains(i))
                    });
                    let same = follows && power.is_none_or(|k| k == one.kind);
                    power = Some(one.kind);
                    same
                }
                _ => false,
            }
        })
}
