//! Neighbours of a factor of q, inside its family and its support.
//!
//! ```text
//! real numbers, means    + e times a scale times a direction       positive ones, concentrations   times exp(e d)
//! probabilities          p exp(e d), normalised                    positive definite matrices      (I + e D) A (I + e D)
//! ```

use rand::Rng;
use rand_distr::{Distribution, StandardNormal};

use crate::numeric::linalg::inverse_spd;

use super::factor::{Q, Support};
use super::line::{Exponent, Line};
use super::precision::Precision;
use super::square::{congruence, symmetric_direction};

impl Q {
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
                    Support::Sphere | Support::Ball => {
                        let step = e / (v.len().max(1) as f64).sqrt();
                        let moved: Vec<f64> =
                            v.iter().zip(direction).map(|(x, d)| x + step * d).collect();
                        let norm = moved.iter().map(|x| x * x).sum::<f64>().sqrt();
                        // On the surface of the ball neighbours along it show the slope; across it there is a kink.
                        let size = v.iter().map(|x| x * x).sum::<f64>().sqrt();
                        let free = *support == Support::Ball && size < 1.0 - 1e-9 && norm <= 1.0;
                        let by = if free { 1.0 } else { norm };
                        moved.iter().map(|x| x / by).collect()
                    }
                    Support::Increasing(positive) => {
                        let size = v.iter().map(|x| x.abs()).fold(0.0, f64::max).max(1e-300);
                        let free: Vec<f64> = if *positive {
                            scaled(v, direction)
                        } else {
                            v.iter()
                                .zip(direction)
                                .map(|(x, d)| x + e * size * d)
                                .collect()
                        };
                        let mut top = f64::NEG_INFINITY;
                        free.iter()
                            .map(|x| {
                                top = top.max(*x);
                                top
                            })
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
                let unit: f64 = l.nodes.iter().map(|(w, x)| w * x.abs()).sum();
                let k = l.exponent;
                Q::Line(Line::new(Exponent {
                    log: if k.inverse == 0.0 {
                        k.log
                    } else {
                        k.log + by(0).ln()
                    },
                    value: k.value + by(1).ln() / unit,
                    square: k.square * by(2),
                    inverse: k.inverse * by(3),
                    size: k.size * by(4),
                    whole: k.whole,
                    polya_gamma: k.polya_gamma,
                })?)
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
