//! Spreads without a prior that vanish: the density grows without bound, and only rounding keeps it finite.
//!
//! in: the states of a run, one after the other -> out: the point whose best value is no spread any more, as E0715.
//!
//! ```text
//! variance     v / v_0            deviation   (s / s_0)^2            precision   t_0 / t
//! covariance   V_ii / v_0i, and the pivots of its correlation matrix: 1 - R^2 of a feature given those before it
//! ```
//!
//! v_0 is the largest value of an element after the first update. A sum of squares is known to about eps v_0, so a ratio below a
//! few eps is rounding. Where the objective falls, which exact numbers do not do, a small ratio is reason enough.

use std::collections::BTreeMap;

use ndarray::ArrayD;

use crate::algebra::{Origin, UnknownId};
use crate::derive::{Block, BlockId, Form, MomentKind};
use crate::diag::Diagnostic;
use crate::family::StatisticKind;
use crate::model::{Domain, Role};
use crate::numeric::linalg::inverse_spd;

use super::Engine;
use super::state::State;

/// A ratio that no sum of squares resolves.
const ROUNDING: f64 = 64.0 * f64::EPSILON;
/// At this ratio rounding alone makes an objective fall visibly.
const FALLING: f64 = 1e-10;

/// What a number of a spread says of its size.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Measure {
    Variance,
    Deviation,
    /// Also the rate of a Gamma or a Poisson, which may be as large as it likes: it counts where the objective falls.
    Precision,
    Covariance,
    PrecisionMatrix,
}

/// The points that are watched.
pub(super) struct Vanishing {
    watched: Vec<(BlockId, UnknownId, Measure)>,
    /// The size of each feature's variance after the first update.
    first: BTreeMap<UnknownId, Vec<f64>>,
}

impl Vanishing {
    /// All points that may be spreads and have no prior.
    pub(super) fn new(engine: &Engine<'_>) -> Vanishing {
        let d = engine.derivation;
        let blocks = d.blocks.iter().enumerate();
        let watched = blocks.filter_map(|(i, b)| {
            let u = *b.unknowns.first()?;
            let measure = measure(b, d.unknowns.get(u).domain)?;
            let Origin::Variable(v) = d.unknowns.get(u).origin else {
                return None;
            };
            let flat = b.role == Role::Param && d.model.variable(v).prior.is_none();
            flat.then_some((BlockId(i as u32), u, measure))
        });
        Vanishing {
            watched: watched.collect(),
            first: BTreeMap::new(),
        }
    }

    /// The first spread that has vanished by now; `falls` where the objective just did.
    pub(super) fn check(
        &mut self,
        engine: &Engine<'_>,
        state: &State,
        falls: bool,
    ) -> Option<Diagnostic> {
        for (id, u, measure) in &self.watched {
            let kind = MomentKind::Statistic(*u, StatisticKind::Value);
            let value = state.moments.get(&kind);
            let Some(value) = value.filter(|_| state.blocks[id.index()].updated) else {
                continue;
            };
            let Some(sizes) = sizes(*measure, value) else {
                continue;
            };
            let Some(width) = sizes.first().map(|(v, _)| v.len()) else {
                continue;
            };
            let first = self.first.entry(*u).or_insert_with(|| {
                let largest = |j: usize| sizes.iter().map(|(v, _)| v[j]).fold(0.0, f64::max);
                (0..width).map(largest).collect()
            });
            let limit = match (falls, measure) {
                (true, _) => FALLING,
                (false, Measure::Precision) => 0.0,
                (false, _) => ROUNDING,
            };
            for (at, (variances, pivot)) in sizes.iter().enumerate() {
                let shares = variances.iter().zip(first.iter()).map(|(v, w)| v / w);
                let least = shares.fold(*pivot, f64::min);
                if least < limit {
                    let reason = "it shrinks to nothing, where the density has no bound";
                    return Some(engine.unbounded(*u, at, reason));
                }
            }
        }
        None
    }
}

fn measure(b: &Block, domain: Domain) -> Option<Measure> {
    match (&b.form, domain) {
        (Form::Deviation, _) => Some(Measure::Deviation),
        (Form::Family(f), _) => match f.name() {
            "InverseGamma" => Some(Measure::Variance),
            "Gamma" => Some(Measure::Precision),
            "InverseWishart" => Some(Measure::Covariance),
            "Wishart" => Some(Measure::PrecisionMatrix),
            _ => None,
        },
        _ => None,
    }
}

/// By element: the variances of its features, and the least pivot of their correlations, 1 for a number.
fn sizes(measure: Measure, value: &ArrayD<f64>) -> Option<Vec<(Vec<f64>, f64)>> {
    let number = |f: fn(f64) -> f64| Some(value.iter().map(|v| (vec![f(*v)], 1.0)).collect());
    match measure {
        Measure::Variance => number(|v| v),
        Measure::Deviation => number(|s| s * s),
        Measure::Precision => number(|t| 1.0 / t),
        Measure::Covariance | Measure::PrecisionMatrix => {
            let n = value.shape().last().copied()?;
            let flat: Vec<f64> = value.iter().copied().collect();
            let matrices = flat.chunks((n * n).max(1)).map(|m| {
                let mut inverse = vec![0.0; n * n];
                match measure {
                    Measure::PrecisionMatrix if inverse_spd(m, n, &mut inverse).is_ok() => {
                        features(&inverse, n)
                    }
                    Measure::PrecisionMatrix => (vec![0.0; n], 0.0),
                    _ => features(m, n),
                }
            });
            Some(matrices.collect())
        }
    }
}

/// The diagonal of a covariance, and the least pivot of the Cholesky factorisation of its correlations.
fn features(m: &[f64], n: usize) -> (Vec<f64>, f64) {
    let variances: Vec<f64> = (0..n).map(|i| m[i * n + i]).collect();
    let mut l = vec![0.0; n * n];
    let mut least = 1.0_f64;
    for i in 0..n {
        for j in 0..=i {
            let scale = (variances[i] * variances[j]).sqrt();
            let dot: f64 = (0..j).map(|k| l[i * n + k] * l[j * n + k]).sum();
            let rest = m[i * n + j] / scale - dot;
            if i == j {
                least = if rest.is_nan() { 0.0 } else { least.min(rest) };
                l[i * n + i] = rest.max(0.0).sqrt();
            } else if l[j * n + j] > 0.0 {
                l[i * n + j] = rest / l[j * n + j];
            }
        }
    }
    (variances, least)
}
