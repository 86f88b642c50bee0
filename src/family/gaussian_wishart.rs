//! Gaussian-Wishart: n mean vectors w_c and a precision matrix V over d features, jointly.
//!
//! ```text
//! log p(w, V) = log Wishart(V; df, S0) + log Gaussian(w; M, (P (x) V)^-1)
//! support    w real, V positive definite
//! t          log|V|, V_ij, (V w_c)_i, w_c' V w_c'
//! eta        (c, N, B, Q):  P = -(Q + Q'),  M = B P^-1,  S0 = -(N + N') - M P M',  df = 2c + d + 1 - n
//! A          n d/2 log 2 pi - d/2 log|P| + A of the Wishart(df, S0)
//! E[t]       E log|V|, E V = df S0^-1, E V M, d P^-1 + M' E V M
//! ```
//!
//! V w alone has no closed expectation apart from V: hence joint statistics, already contracted over features. B and M are d by
//! n, one column per mean vector. d = 1 is the Gaussian-Gamma; n = 1 has the textbook parameters mean, beta = P, df, inverse
//! scale S0. Bishop, section 10.2 and exercise 2.45.

use super::parameter::{array, finite, in_range, number, read};
use super::wishart::{Normaliser, inverse_scale, normaliser, read_df_and_matrix, sample_wishart};
use super::{Improper, Parameter, draw};
use crate::numeric::linalg::{
    cholesky, inverse_cholesky, log_det_spd, solve_cholesky, solve_lower_transposed,
};
use rand::Rng;
use std::f64::consts::PI;

/// The joint family of `count` mean vectors over `d` features and their precision matrix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GaussianWishart {
    /// Features: the side of V.
    pub d: usize,
    /// Mean vectors.
    pub count: usize,
}

/// What all functions need of a natural parameter.
struct Solved {
    df: f64,
    /// S0
    inverse_scale: Vec<f64>,
    wishart: Normaliser,
    /// M, d by n.
    mean: Vec<f64>,
    /// P
    pairs: Vec<f64>,
    /// The lower factor of P.
    pairs_factor: Vec<f64>,
    log_partition: f64,
}

impl GaussianWishart {
    /// The lengths of the parts of eta: 1, d d, d n, n n.
    #[must_use]
    pub fn lengths(&self) -> [usize; 4] {
        let (d, n) = (self.d, self.count);
        [1, d * d, d * n, n * n]
    }

    /// The length of eta.
    #[must_use]
    pub fn length(&self) -> usize {
        self.lengths().iter().sum()
    }

    /// The parts (c, N, B, Q) of eta.
    fn split<'a>(&self, eta: &'a [f64]) -> (f64, &'a [f64], &'a [f64], &'a [f64]) {
        let [_, value, linear, pairs] = self.lengths();
        let (n, rest) = eta[1..].split_at(value);
        let (b, rest) = rest.split_at(linear);
        (eta[0], n, b, &rest[..pairs])
    }

    fn solve(&self, eta: &[f64]) -> Result<Solved, Improper> {
        finite(&eta[..self.length()])?;
        let (d, n) = (self.d, self.count);
        let (c, value, linear, quadratic) = self.split(eta);
        let pairs = inverse_scale(quadratic, n);
        let mut pairs_factor = vec![0.0; n * n];
        let log_pairs = cholesky(&pairs, n, &mut pairs_factor)
            .map_err(|_| Improper::new("the precision of the means is not positive definite"))?;
        let columns = transpose(linear, d, n);
        let mut solution = columns.clone();
        solve_cholesky(&pairs_factor, n, &mut solution, d);
        let mean = transpose(&solution, n, d);
        let mut scale = inverse_scale(value, d);
        for i in 0..d {
            for j in 0..d {
                // (M P M')_ij, symmetric in exact arithmetic; both orders are averaged.
                let product: f64 = (0..n)
                    .map(|k| {
                        mean[i * n + k] * linear[j * n + k] + mean[j * n + k] * linear[i * n + k]
                    })
                    .sum();
                scale[i * d + j] -= 0.5 * product;
            }
        }
        let df = 2.0 * c + d as f64 + 1.0 - n as f64;
        let wishart = normaliser(df, &scale, d, "inverse scale")?;
        let gaussian = 0.5 * d as f64 * (n as f64 * (2.0 * PI).ln() - log_pairs);
        Ok(Solved {
            df,
            inverse_scale: scale,
            log_partition: wishart.log_partition + gaussian,
            wishart,
            mean,
            pairs,
            pairs_factor,
        })
    }

    /// Writes `E[t]` in the layout of eta and returns A(eta).
    ///
    /// # Errors
    /// [`Improper`] if `eta` belongs to no density.
    pub fn expectations(&self, eta: &[f64], expected: &mut [f64]) -> Result<f64, Improper> {
        let (d, n) = (self.d, self.count);
        let solved = self.solve(eta)?;
        let [_, value, linear, pairs] = self.lengths();
        let (head, rest) = expected.split_at_mut(1 + value);
        let (products, rest) = rest.split_at_mut(linear);
        let squares = &mut rest[..pairs];
        head[0] = solved.wishart.log_det;
        head[1..].copy_from_slice(&solved.wishart.mean);
        for i in 0..d {
            for c in 0..n {
                products[i * n + c] = (0..d)
                    .map(|j| solved.wishart.mean[i * d + j] * solved.mean[j * n + c])
                    .sum();
            }
        }
        inverse_cholesky(&solved.pairs_factor, n, squares);
        for c in 0..n {
            for e in 0..n {
                let contracted: f64 = (0..d)
                    .map(|i| solved.mean[i * n + c] * products[i * n + e])
                    .sum();
                squares[c * n + e] = d as f64 * squares[c * n + e] + contracted;
            }
        }
        in_range(solved.log_partition, &expected[..self.length()])
    }

    /// The entropy, `A - eta . E[t]`.
    ///
    /// # Errors
    /// [`Improper`] if `eta` belongs to no density.
    pub fn entropy(&self, eta: &[f64]) -> Result<f64, Improper> {
        let mut expected = vec![0.0; self.length()];
        let log_partition = self.expectations(eta, &mut expected)?;
        let product: f64 = eta.iter().zip(&expected).map(|(a, b)| a * b).sum();
        Ok(log_partition - product)
    }

    /// Writes `E[w]`, which is M: d by n.
    ///
    /// # Errors
    /// [`Improper`] if `eta` belongs to no density.
    pub fn mean(&self, eta: &[f64], mean: &mut [f64]) -> Result<(), Improper> {
        let solved = self.solve(eta)?;
        mean[..self.d * self.count].copy_from_slice(&solved.mean);
        Ok(())
    }

    /// The textbook parameters: `mean` (d by n; a vector for n = 1), `beta` (n by n; a number for n = 1), `df`, `inverse_scale`.
    ///
    /// # Errors
    /// [`Improper`] if `eta` belongs to no density.
    pub fn parameters(&self, eta: &[f64]) -> Result<Vec<Parameter>, Improper> {
        let (d, n) = (self.d, self.count);
        let solved = self.solve(eta)?;
        let (mean, beta) = if n == 1 {
            (vec![d], Vec::new())
        } else {
            (vec![d, n], vec![n, n])
        };
        Ok(vec![
            array("mean", &mean, solved.mean),
            array("beta", &beta, solved.pairs),
            number("df", solved.df),
            array("inverse_scale", &[d, d], solved.inverse_scale),
        ])
    }

    /// The natural parameter of textbook parameters.
    ///
    /// # Errors
    /// [`Improper`] if they are outside their range or of the wrong number.
    pub fn natural(&self, parameters: &[Parameter]) -> Result<Vec<f64>, Improper> {
        let (d, n) = (self.d, self.count);
        let mean = read(parameters, "mean", d * n)?;
        let beta = read(parameters, "beta", n * n)?;
        log_det_spd(beta, n).map_err(|_| Improper::new("beta is not positive definite"))?;
        let (df, scale) = read_df_and_matrix(parameters, "inverse_scale", d)?;
        let mut linear = vec![0.0; d * n];
        for i in 0..d {
            for c in 0..n {
                linear[i * n + c] = (0..n).map(|e| mean[i * n + e] * beta[e * n + c]).sum();
            }
        }
        let mut eta = vec![0.5 * (df - d as f64 - 1.0 + n as f64)];
        for i in 0..d {
            for j in 0..d {
                let product: f64 = (0..n).map(|c| mean[i * n + c] * linear[j * n + c]).sum();
                eta.push(-0.5 * (scale[i * d + j] + product));
            }
        }
        eta.extend(linear);
        eta.extend(beta.iter().map(|p| -0.5 * p));
        Ok(eta)
    }

    /// Draws w (d by n) and V (d by d).
    ///
    /// # Errors
    /// [`Improper`] if `eta` belongs to no density.
    pub fn sample(
        &self,
        eta: &[f64],
        rng: &mut dyn Rng,
        means: &mut [f64],
        precision: &mut [f64],
    ) -> Result<(), Improper> {
        let (d, n) = (self.d, self.count);
        let solved = self.solve(eta)?;
        sample_wishart(solved.df, &solved.wishart.factor, d, rng, precision);
        let mut factor = vec![0.0; d * d];
        cholesky(precision, d, &mut factor)
            .map_err(|_| Improper::new("a drawn precision is singular to working precision"))?;
        // X of d by n standard normals: L_V^-T X L_P^-1 has the covariance (P (x) V)^-1.
        let mut noise: Vec<f64> = (0..d * n).map(|_| draw::normal(rng)).collect();
        solve_lower_transposed(&factor, d, &mut noise, n);
        let mut turned = transpose(&noise, d, n);
        solve_lower_transposed(&solved.pairs_factor, n, &mut turned, d);
        let noise = transpose(&turned, n, d);
        for (w, (m, x)) in means.iter_mut().zip(solved.mean.iter().zip(&noise)) {
            *w = m + x;
        }
        in_range(0.0, &means[..d * n])?;
        Ok(())
    }

    /// Writes t(w, V).
    pub fn statistics(&self, means: &[f64], precision: &[f64], statistics: &mut [f64]) {
        let (d, n) = (self.d, self.count);
        let [_, value, linear, _] = self.lengths();
        statistics[0] = log_det_spd(precision, d).unwrap_or(crate::numeric::LOG_ZERO);
        statistics[1..=value].copy_from_slice(&precision[..value]);
        let (products, squares) = statistics[1 + value..].split_at_mut(linear);
        for i in 0..d {
            for c in 0..n {
                products[i * n + c] = (0..d)
                    .map(|j| precision[i * d + j] * means[j * n + c])
                    .sum();
            }
        }
        for c in 0..n {
            for e in 0..n {
                squares[c * n + e] = (0..d).map(|i| means[i * n + c] * products[i * n + e]).sum();
            }
        }
    }
}

/// The transpose of a matrix with these rows and columns.
fn transpose(a: &[f64], rows: usize, columns: usize) -> Vec<f64> {
    let mut turned = vec![0.0; rows * columns];
    for i in 0..rows {
        for j in 0..columns {
            turned[j * rows + i] = a[i * columns + j];
        }
    }
    turned
}
