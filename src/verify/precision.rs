//! Gamma, Wishart, their inverses, and Gaussians beside a precision: one density.
//!
//! in: df, inverse scale, perhaps means -> out: log density, entropy, expectations, draws.
//!
//! ```text
//! L ~ Wishart(n, S)    n/2 log|S| - n d/2 log 2 - log Gamma_d(n/2) + (n-d-1)/2 log|L| - tr(S L)/2
//! L^-1                 + (d+1) log|L|
//! w given L            N(M, (P (x) L)^-1)
//! E L = n S^-1         E log|L| = sum_i digamma((n - i)/2) + d log 2 - log|S|
//! ```

use rand::Rng;
use rand_distr::{ChiSquared, Distribution, StandardNormal};
use statrs::function::gamma::ln_gamma;

use crate::numeric::linalg::{cholesky, inverse_spd};

use super::digamma::digamma;
use super::factor::{LN_2PI, gaussian_draw};
use super::square::log_det;

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

    /// - E log q
    pub fn entropy(&self) -> Option<f64> {
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

    /// log q at values of the means and of the value.
    pub fn log_density(&self, values: &[f64]) -> Option<f64> {
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

    /// Means and value drawn from it.
    pub fn draw(&self, rng: &mut dyn Rng) -> Option<Vec<f64>> {
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
