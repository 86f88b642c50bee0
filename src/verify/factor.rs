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
use rand_distr::{ChiSquared, Distribution, Gamma, StandardNormal};
use statrs::function::gamma::{digamma, ln_gamma};

use crate::algebra::UnknownId;
use crate::derive::BlockId;
use crate::numeric::linalg::{cholesky, inverse_spd};

use super::line::Line;
use super::square::{congruence, log_det, symmetric_direction};

const LN_2PI: f64 = 1.837_877_066_409_345_3;

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

/// See [`Q::Precision`].
#[derive(Debug, Clone, PartialEq)]
pub struct Precision {
    /// Side.
    pub d: usize,
    /// Degrees of freedom n.
    pub df: f64,
    /// S, the inverse scale.
    pub scale: Vec<f64>,
    /// The value is the inverse of the precision.
    pub inverse: bool,
    /// Number of mean vectors.
    pub count: usize,
    /// M, one vector of d after the other.
    pub mean: Vec<f64>,
    /// P, count by count.
    pub pairs: Vec<f64>,
}

impl Precision {
    /// Parameters of a value without means.
    pub fn alone(d: usize, df: f64, scale: Vec<f64>, inverse: bool) -> Precision {
        Precision {
            d,
            df,
            scale,
            inverse,
            count: 0,
            mean: vec![],
            pairs: vec![],
        }
    }

    /// E log|L|
    pub fn expected_log(&self) -> Option<f64> {
        let psi: f64 = (0..self.d)
            .map(|i| digamma(0.5 * (self.df - i as f64)))
            .sum();
        Some(psi + self.d as f64 * 2f64.ln() - log_det(&self.scale, self.d)?)
    }

    /// E L = n S^-1
    pub fn expected(&self) -> Option<Vec<f64>> {
        let mut out = vec![0.0; self.d * self.d];
        inverse_spd(&self.scale, self.d, &mut out).ok()?;
        for x in &mut out {
            *x *= self.df;
        }
        Some(out)
    }

    fn normaliser(&self) -> Option<f64> {
        let d = self.d as f64;
        let gamma: f64 = (0..self.d)
            .map(|i| ln_gamma(0.5 * (self.df - i as f64)))
            .sum::<f64>()
            + 0.25 * d * (d - 1.0) * std::f64::consts::PI.ln();
        Some(0.5 * self.df * log_det(&self.scale, self.d)? - 0.5 * self.df * d * 2f64.ln() - gamma)
    }

    fn entropy(&self) -> Option<f64> {
        let d = self.d as f64;
        let log = self.expected_log()?;
        let mut h = -self.normaliser()? - 0.5 * (self.df - d - 1.0) * log + 0.5 * self.df * d;
        if self.inverse {
            h -= (d + 1.0) * log;
        }
        if self.count > 0 {
            let c = self.count as f64;
            h += 0.5 * c * d * (1.0 + LN_2PI)
                - 0.5 * d * log_det(&self.pairs, self.count)?
                - 0.5 * c * log;
        }
        Some(h)
    }

    fn log_density(&self, values: &[f64]) -> Option<f64> {
        let (d, n) = (self.d, self.d * self.count);
        let value = values.get(n..n + d * d)?;
        let mut precision = value.to_vec();
        if self.inverse {
            inverse_spd(value, d, &mut precision).ok()?;
        }
        let log = log_det(&precision, d)?;
        let trace: f64 = (0..d)
            .flat_map(|i| (0..d).map(move |j| (i, j)))
            .map(|(i, j)| self.scale[i * d + j] * precision[j * d + i])
            .sum();
        let mut l = self.normaliser()? + 0.5 * (self.df - d as f64 - 1.0) * log - 0.5 * trace;
        if self.inverse {
            l += (d as f64 + 1.0) * log;
        }
        if self.count > 0 {
            let mut square = 0.0;
            for a in 0..self.count {
                for b in 0..self.count {
                    for i in 0..d {
                        for j in 0..d {
                            square += self.pairs[a * self.count + b]
                                * precision[i * d + j]
                                * (values[a * d + i] - self.mean[a * d + i])
                                * (values[b * d + j] - self.mean[b * d + j]);
                        }
                    }
                }
            }
            l += 0.5 * d as f64 * log_det(&self.pairs, self.count)? + 0.5 * self.count as f64 * log
                - 0.5 * n as f64 * LN_2PI
                - 0.5 * square;
        }
        Some(l)
    }

    fn draw(&self, rng: &mut dyn Rng) -> Option<Vec<f64>> {
        let d = self.d;
        let mut scale = vec![0.0; d * d];
        inverse_spd(&self.scale, d, &mut scale).ok()?;
        let mut l = vec![0.0; d * d];
        cholesky(&scale, d, &mut l).ok()?;
        // Bartlett: L A A' L' with A lower triangular.
        let mut a = vec![0.0; d * d];
        for i in 0..d {
            let chi: f64 = ChiSquared::new(self.df - i as f64).ok()?.sample(rng);
            a[i * d + i] = chi.sqrt();
            for j in 0..i {
                a[i * d + j] = StandardNormal.sample(rng);
            }
        }
        let mut la = vec![0.0; d * d];
        for i in 0..d {
            for j in 0..d {
                la[i * d + j] = (0..d).map(|k| l[i * d + k] * a[k * d + j]).sum();
            }
        }
        let mut precision = vec![0.0; d * d];
        for i in 0..d {
            for j in 0..d {
                precision[i * d + j] = (0..d).map(|k| la[i * d + k] * la[j * d + k]).sum();
            }
        }
        let mut out = vec![];
        if self.count > 0 {
            out = gaussian_draw(&self.mean, &self.covariance_given(&precision)?, rng)?;
        }
        if self.inverse {
            let mut v = precision.clone();
            inverse_spd(&precision, d, &mut v).ok()?;
            precision = v;
        }
        out.extend(precision);
        Some(out)
    }

    /// (P (x) L)^-1
    pub fn covariance_given(&self, precision: &[f64]) -> Option<Vec<f64>> {
        let (d, c) = (self.d, self.count);
        let mut v = vec![0.0; d * d];
        inverse_spd(precision, d, &mut v).ok()?;
        let mut p = vec![0.0; c * c];
        inverse_spd(&self.pairs, c, &mut p).ok()?;
        let n = c * d;
        let mut out = vec![0.0; n * n];
        for a in 0..c {
            for b in 0..c {
                for i in 0..d {
                    for j in 0..d {
                        out[(a * d + i) * n + b * d + j] = p[a * c + b] * v[i * d + j];
                    }
                }
            }
        }
        Some(out)
    }
}

fn gaussian_draw(mean: &[f64], covariance: &[f64], rng: &mut dyn Rng) -> Option<Vec<f64>> {
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
            Q::Line(line) => {
                let nodes = line.nodes()?;
                let expected: f64 = nodes.list.iter().map(|(w, x)| w * line.exponent(*x)).sum();
                Some(nodes.log_integral - expected)
            }
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
            Q::Line(line) => Some(line.exponent(*values.first()?) - line.nodes()?.log_integral),
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
                let nodes = line.nodes()?.list;
                let mut x = nodes.first()?.1;
                for (w, node) in nodes {
                    x = node;
                    if u < w {
                        break;
                    }
                    u -= w;
                }
                Some(vec![x])
            }
        }
    }

    /// A random direction in which [`Q::moved`] can go.
    pub fn direction(&self, rng: &mut dyn Rng) -> Vec<f64> {
        let n = match self {
            Q::Choice(..) => 0,
            Q::Point(v, Support::Matrix(d)) => return symmetric_direction(*d, v.len(), rng),
            Q::Point(v, _) => v.len(),
            Q::Table(p, _) => p.len(),
            Q::Gaussian(m, _) => {
                let mut out: Vec<f64> = (0..m.len()).map(|_| StandardNormal.sample(rng)).collect();
                out.extend(symmetric_direction(m.len(), m.len() * m.len(), rng));
                return out;
            }
            Q::Simplex { a, .. } => a.len(),
            Q::Line(_) => 5,
            Q::States(p, means, covariances) => {
                let mut out: Vec<f64> = p.iter().map(|_| StandardNormal.sample(rng)).collect();
                for (m, c) in means.iter().zip(covariances) {
                    out.extend(Q::Gaussian(m.clone(), c.clone()).direction(rng));
                }
                return out;
            }
            Q::Precision(p) => {
                let mut out = vec![StandardNormal.sample(rng)];
                out.extend(symmetric_direction(p.d, p.d * p.d, rng));
                out.extend((0..p.mean.len()).map(|_| {
                    let x: f64 = StandardNormal.sample(rng);
                    x
                }));
                out.extend(symmetric_direction(p.count, p.count * p.count, rng));
                return out;
            }
        };
        (0..n).map(|_| StandardNormal.sample(rng)).collect()
    }

    /// The member of its family that lies `e` away along a direction; inside the support for every `e`.
    pub fn moved(&self, direction: &[f64], e: f64) -> Option<Q> {
        let scaled = |x: &[f64], by: &[f64]| -> Vec<f64> {
            x.iter().zip(by).map(|(x, d)| x * (e * d).exp()).collect()
        };
        let normal = |mut v: Vec<f64>| {
            let total: f64 = v.iter().sum();
            v.iter_mut().for_each(|x| *x /= total);
            v
        };
        Some(match self {
            Q::Choice(..) => self.clone(),
            Q::Point(v, support) => {
                let moved = match support {
                    Support::Real => {
                        let size = v.iter().map(|x| x.abs()).sum::<f64>() / v.len().max(1) as f64;
                        let size = if size > 0.0 { size } else { 1.0 };
                        v.iter()
                            .zip(direction)
                            .map(|(x, d)| x + e * size * d)
                            .collect()
                    }
                    Support::Positive => scaled(v, direction),
                    Support::Probability => v
                        .iter()
                        .zip(direction)
                        .map(|(p, d)| {
                            let up = p * (e * d).exp();
                            up / (up + 1.0 - p)
                        })
                        .collect(),
                    Support::Simplex => normal(scaled(v, direction)),
                    Support::Matrix(d) => congruence(v, *d, direction, e),
                };
                Q::Point(moved, *support)
            }
            Q::Table(p, shape) => Q::Table(normal(scaled(p, direction)), shape.clone()),
            Q::Gaussian(m, c) => {
                let n = m.len();
                let (shift, turn) = direction.split_at(n);
                let moved = (0..n)
                    .map(|i| m[i] + e * c[i * n + i].sqrt() * shift[i])
                    .collect();
                Q::Gaussian(moved, congruence(c, n, turn, e))
            }
            Q::Simplex { a, single } => Q::Simplex {
                a: scaled(a, direction),
                single: *single,
            },
            Q::States(p, means, covariances) => {
                let (own, mut rest) = direction.split_at(p.len());
                let (mut moved_means, mut moved) = (vec![], vec![]);
                for (m, c) in means.iter().zip(covariances) {
                    let (here, after) = rest.split_at(m.len() + c.len());
                    rest = after;
                    if let Q::Gaussian(m, c) = Q::Gaussian(m.clone(), c.clone()).moved(here, e)? {
                        moved_means.push(m);
                        moved.push(c);
                    }
                }
                Q::States(normal(scaled(p, own)), moved_means, moved)
            }
            Q::Line(l) => {
                let by = |i: usize| (e * direction.get(i).copied().unwrap_or(0.0)).exp();
                // log and value may have either sign, or be 0; they move by the scale of the line.
                let unit = l
                    .nodes()?
                    .list
                    .iter()
                    .map(|(w, x)| w * x.abs())
                    .sum::<f64>();
                Q::Line(Line {
                    log: if l.inverse == 0.0 {
                        l.log
                    } else {
                        l.log + by(0).ln()
                    },
                    value: l.value + by(1).ln() / unit,
                    square: l.square * by(2),
                    inverse: l.inverse * by(3),
                    size: l.size * by(4),
                    whole: l.whole,
                })
            }
            Q::Precision(p) => {
                let (d, c) = (p.d, p.count);
                let (first, rest) = direction.split_first()?;
                let (turn, rest) = rest.split_at(d * d);
                let (shift, pairs) = rest.split_at(c * d);
                let least = d as f64 - 1.0;
                let mut spread = vec![0.0; d * d];
                inverse_spd(&p.expected()?, d, &mut spread).ok()?;
                Q::Precision(Precision {
                    df: least + (p.df - least) * (e * first).exp(),
                    scale: congruence(&p.scale, d, turn, e),
                    mean: (0..c * d)
                        .map(|i| {
                            let s = spread[(i % d) * d + i % d] / p.pairs[(i / d) * c + i / d];
                            p.mean[i] + e * s.sqrt() * shift[i]
                        })
                        .collect(),
                    pairs: congruence(&p.pairs, c, pairs, e),
                    ..p.clone()
                })
            }
        })
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
