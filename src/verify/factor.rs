//! A factor of q, written from its published parameters alone.
//!
//! in: textbook parameters -> out: log density, entropy, draws, and neighbours of it.
//!
//! ```text
//! table       p_s over the joint states of its sites
//! Gaussian    N(m, C)
//! simplex     Dirichlet(a); a probability is the first of two entries of one
//! precision   L ~ Wishart(n, S): n/2 log|S| - n d/2 log 2 - log Gamma_d(n/2) + (n-d-1)/2 log|L| - tr(S L)/2
//!             its value L or, for an inverse family, L^-1 (then + (d+1) log|L|); w given L ~ N(M, (P (x) L)^-1) beside it
//! line        exp of an exponent, integrated numerically (see `line`)
//! ```
//!
//! A Gamma(a, b) is the precision with d = 1, n = 2a, S = 2b. Not here: how the engine publishes them (see `read`).

use rand::{Rng, RngExt};
use rand_distr::{Distribution, Gamma, StandardNormal};
use statrs::function::gamma::ln_gamma;

use crate::algebra::UnknownId;
use crate::derive::BlockId;
use crate::numeric::linalg::cholesky;

use super::digamma::digamma;
use super::line::Line;
use super::precision::Precision;
use super::square::log_det;

pub(super) const LN_2PI: f64 = 1.837_877_066_409_345_3;

/// One number, or one discrete value, of an unknown: its flat position among the unknown's slots.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Site {
    /// The unknown.
    pub unknown: UnknownId,
    /// Where.
    pub flat: usize,
}

/// An independent factor of q.
#[derive(Debug, Clone, PartialEq)]
pub struct Factor {
    /// The block it belongs to.
    pub block: BlockId,
    /// What it is about, in the order of its parameters.
    pub sites: Vec<Site>,
    /// Its density.
    pub q: Q,
    /// How often it counts: the weight of its row.
    pub weight: f64,
}

/// The support of a point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Support {
    /// Any numbers.
    Real,
    /// A vector of norm 1.
    Sphere,
    /// A vector of norm at most 1.
    Ball,
    /// Numbers that do not decrease, above 0 if so.
    Increasing(bool),
    /// Above 0.
    Positive,
    /// 0 to 1.
    Probability,
    /// Sums to 1.
    Simplex,
    /// Symmetric positive definite with this side.
    Matrix(usize),
}

/// A density.
#[derive(Debug, Clone, PartialEq)]
pub enum Q {
    /// A point.
    Point(Vec<f64>, Support),
    /// A point among joint states: the state of each site, and how many states each has.
    Choice(Vec<usize>, Vec<usize>),
    /// Probabilities of the joint states of the sites, the last site fastest, and how many states each has.
    Table(Vec<f64>, Vec<usize>),
    /// Mean and covariance.
    Gaussian(Vec<f64>, Vec<f64>),
    /// Concentrations; `single` where the one site is the first entry of two.
    Simplex {
        /// Concentrations.
        a: Vec<f64>,
        /// A probability.
        single: bool,
    },
    /// A precision, perhaps with means; the sites of the means come first.
    Precision(Precision),
    /// One number, known up to its integral.
    Line(Line),
    /// A discrete site, then real ones given its state: probabilities, and mean and covariance in each state.
    States(Vec<f64>, Vec<Vec<f64>>, Vec<Vec<f64>>),
}

pub(super) fn gaussian_draw(
    mean: &[f64],
    covariance: &[f64],
    rng: &mut dyn Rng,
) -> Option<Vec<f64>> {
    let n = mean.len();
    let mut l = vec![0.0; n * n];
    cholesky(covariance, n, &mut l).ok()?;
    let z: Vec<f64> = (0..n).map(|_| StandardNormal.sample(rng)).collect();
    Some(
        (0..n)
            .map(|i| mean[i] + (0..=i).map(|j| l[i * n + j] * z[j]).sum::<f64>())
            .collect(),
    )
}

impl Factor {
    /// The same with its means multiplied; what has no means as it is.
    pub fn stretched(&self, by: f64) -> Factor {
        let q = match &self.q {
            Q::Point(v, Support::Real) => {
                Q::Point(v.iter().map(|x| by * x).collect(), Support::Real)
            }
            Q::Gaussian(m, c) => Q::Gaussian(m.iter().map(|x| by * x).collect(), c.clone()),
            Q::Precision(p) => Q::Precision(Precision {
                mean: p.mean.iter().map(|x| by * x).collect(),
                ..p.clone()
            }),
            Q::States(p, m, c) => {
                let means = m.iter().map(|m| m.iter().map(|x| by * x).collect());
                Q::States(p.clone(), means.collect(), c.clone())
            }
            Q::Point(..) | Q::Choice(..) | Q::Table(..) | Q::Simplex { .. } | Q::Line(_) => {
                self.q.clone()
            }
        };
        Factor { q, ..self.clone() }
    }
}

impl Q {
    /// True where a site takes one of finitely many states.
    pub fn is_discrete(&self, site: usize) -> bool {
        match self {
            Q::Choice(..) | Q::Table(..) => true,
            Q::States(..) => site == 0,
            Q::Point(..) | Q::Gaussian(..) | Q::Simplex { .. } | Q::Precision(_) | Q::Line(_) => {
                false
            }
        }
    }

    /// True for what has no spread.
    pub fn is_point(&self) -> bool {
        matches!(self, Q::Point(..) | Q::Choice(..))
    }

    /// - E log q; 0 for a point.
    pub fn entropy(&self) -> Option<f64> {
        match self {
            Q::Point(..) | Q::Choice(..) => Some(0.0),
            Q::Table(p, _) => Some(p.iter().filter(|p| **p > 0.0).map(|p| -p * p.ln()).sum()),
            Q::Gaussian(m, c) => {
                let n = m.len();
                Some(0.5 * (n as f64 * (1.0 + LN_2PI) + log_det(c, n)?))
            }
            Q::Simplex { a, .. } => {
                let total: f64 = a.iter().sum();
                let log_b = a.iter().map(|x| ln_gamma(*x)).sum::<f64>() - ln_gamma(total);
                let expected: f64 = a
                    .iter()
                    .map(|x| (x - 1.0) * (digamma(*x) - digamma(total)))
                    .sum();
                Some(log_b - expected)
            }
            Q::Precision(p) => p.entropy(),
            Q::States(p, means, covariances) => {
                let mut h = 0.0;
                for ((p, m), c) in p.iter().zip(means).zip(covariances) {
                    if *p > 0.0 {
                        h += p * (Q::Gaussian(m.clone(), c.clone()).entropy()? - p.ln());
                    }
                }
                Some(h)
            }
            Q::Line(line) => Some(line.entropy()),
        }
    }

    /// log q at values of the sites (states as numbers); none outside the support and for points.
    pub fn log_density(&self, values: &[f64]) -> Option<f64> {
        match self {
            Q::Point(..) | Q::Choice(..) => Some(0.0),
            Q::Table(p, shape) => {
                let at = values
                    .iter()
                    .zip(shape)
                    .fold(0, |at, (v, n)| at * n + *v as usize);
                p.get(at).map(|p| p.ln())
            }
            Q::Gaussian(m, c) => {
                let n = m.len();
                let mut l = vec![0.0; n * n];
                let log = cholesky(c, n, &mut l).ok()?;
                let mut z: Vec<f64> = values.iter().zip(m).map(|(x, m)| x - m).collect();
                crate::numeric::linalg::solve_lower(&l, n, &mut z, 1);
                let square: f64 = z.iter().map(|z| z * z).sum();
                Some(-0.5 * (n as f64 * LN_2PI + log + square))
            }
            Q::Simplex { a, single } => {
                let both;
                let p = if *single {
                    let p = *values.first()?;
                    both = [p, 1.0 - p];
                    &both[..]
                } else {
                    values
                };
                let total: f64 = a.iter().sum();
                let log_b = a.iter().map(|x| ln_gamma(*x)).sum::<f64>() - ln_gamma(total);
                Some(
                    a.iter()
                        .zip(p)
                        .map(|(a, p)| (a - 1.0) * p.ln())
                        .sum::<f64>()
                        - log_b,
                )
            }
            Q::Precision(p) => p.log_density(values),
            Q::States(p, means, covariances) => {
                let (k, x) = values.split_first()?;
                let k = *k as usize;
                let inside = Q::Gaussian(means.get(k)?.clone(), covariances.get(k)?.clone());
                Some(p.get(k)?.ln() + inside.log_density(x)?)
            }
            Q::Line(line) => Some(line.exponent.at(*values.first()?) - line.log_integral),
        }
    }

    /// Values of the sites drawn from it.
    pub fn draw(&self, rng: &mut dyn Rng) -> Option<Vec<f64>> {
        match self {
            Q::Point(v, _) => Some(v.clone()),
            Q::Choice(s, _) => Some(s.iter().map(|s| *s as f64).collect()),
            Q::Table(p, shape) => {
                let mut u: f64 = rng.random();
                let mut state = p.iter().rposition(|p| *p > 0.0)?;
                for (i, p) in p.iter().enumerate() {
                    if u < *p {
                        state = i;
                        break;
                    }
                    u -= p;
                }
                Some(states(state, shape).iter().map(|s| *s as f64).collect())
            }
            Q::Gaussian(m, c) => gaussian_draw(m, c, rng),
            Q::Simplex { a, single } => {
                let g: Option<Vec<f64>> = a
                    .iter()
                    .map(|a| Some(Gamma::new(*a, 1.0).ok()?.sample(rng)))
                    .collect();
                let g = g?;
                let total: f64 = g.iter().sum();
                let keep = if *single { 1 } else { g.len() };
                Some(g.iter().take(keep).map(|x| x / total).collect())
            }
            Q::Precision(p) => p.draw(rng),
            Q::States(p, means, covariances) => {
                let k = *Q::Table(p.clone(), vec![p.len()]).draw(rng)?.first()?;
                let state = k as usize;
                let x = gaussian_draw(means.get(state)?, covariances.get(state)?, rng)?;
                Some([&[k], x.as_slice()].concat())
            }
            // A node: fit for an identity that holds at every value.
            Q::Line(line) => {
                let mut u: f64 = rng.random();
                let mut x = line.nodes.first()?.1;
                for (w, node) in &line.nodes {
                    x = *node;
                    if u < *w {
                        break;
                    }
                    u -= w;
                }
                Some(vec![x])
            }
        }
    }
}

/// The state of each site in a joint state.
pub fn states(mut flat: usize, shape: &[usize]) -> Vec<usize> {
    let mut out = vec![0; shape.len()];
    for (o, n) in out.iter_mut().zip(shape).rev() {
        *o = flat % n.max(&1);
        flat /= n.max(&1);
    }
    out
}
