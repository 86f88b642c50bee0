//! Gaussian: a vector of d real numbers, usually all variables of a block.
//!
//! ```text
//! log p(v) = -(v - m)' C^-1 (v - m) / 2 - log|2 pi C| / 2
//! support    real^d
//! t          v_i, v_i v_j                 eta = (b, Q),  C^-1 = -(Q + Q'),  m = C b
//! A          b'm / 2 + log|C| / 2 + d/2 log 2 pi
//! E[t]       m, m m' + C
//! mode       m; the shortest of the maxima where -(Q + Q') is singular
//! ```
//!
//! Bishop, Pattern Recognition and Machine Learning, section 2.3.

use super::parameter::{array, finite, in_range, read};
use super::{Family, Improper, ModeKind, Parameter, StatisticKind, draw};
use crate::numeric::linalg::{
    cholesky, inverse_cholesky, inverse_spd, solve_cholesky, solve_lower_transposed,
    symmetric_least_norm_solve,
};
use rand::Rng;
use std::f64::consts::PI;

/// The multivariate Gaussian distribution.
#[derive(Debug, Clone, Copy)]
pub struct Gaussian;

/// A right-hand side with a larger part than this where the precision is zero has no maximum there.
const OUTSIDE: f64 = 1e-6;

/// Writes -(Q + Q').
pub fn precision(q: &[f64], d: usize, precision: &mut [f64]) {
    for i in 0..d {
        for j in 0..d {
            precision[i * d + j] = -(q[i * d + j] + q[j * d + i]);
        }
    }
}

fn factor(q: &[f64], d: usize) -> Result<(Vec<f64>, f64), Improper> {
    let mut matrix = vec![0.0; d * d];
    precision(q, d, &mut matrix);
    let mut l = vec![0.0; d * d];
    match cholesky(&matrix, d, &mut l) {
        Ok(log_det) => Ok((l, log_det)),
        Err(error) => Err(Improper::new(if d == 1 {
            format!("precision {} is not above 0", matrix[0])
        } else {
            format!(
                "the precision matrix is not positive definite (variable {} of {d})",
                error.pivot + 1
            )
        })),
    }
}

/// A factored precision, for any number of linear parts b.
#[derive(Debug, Clone)]
pub struct Factored {
    d: usize,
    l: Vec<f64>,
    log_det: f64,
}

impl Factored {
    /// Factors -(Q + Q').
    ///
    /// # Errors
    /// [`Improper`] if it is not positive definite.
    pub fn new(q: &[f64], d: usize) -> Result<Factored, Improper> {
        let (l, log_det) = factor(q, d)?;
        in_range(log_det, &l)?;
        Ok(Factored { d, l, log_det })
    }

    /// Factors -(Q + Q') if no variable is fixed by those before it to working precision.
    #[must_use]
    pub fn regular(q: &[f64], d: usize) -> Option<Factored> {
        let f = Factored::new(q, d).ok()?;
        // l_ii^2 / a_ii is what variable i keeps when those before it are known: nothing left means singular.
        let least = d as f64 * 4.0 * f64::EPSILON;
        let keeps = |i: usize| {
            let l = f.l[i * d + i];
            l * l > least * -2.0 * q[i * d + i]
        };
        (0..d).all(keeps).then_some(f)
    }

    /// Replaces b (d rows, one column per element) by the means.
    ///
    /// # Errors
    /// [`Improper`] where a number is not finite.
    pub fn means(&self, b: &mut [f64], columns: usize) -> Result<(), Improper> {
        finite(b)?;
        solve_cholesky(&self.l, self.d, b, columns);
        in_range(0.0, b)?;
        Ok(())
    }

    /// Writes the covariance.
    pub fn covariance(&self, covariance: &mut [f64]) {
        inverse_cholesky(&self.l, self.d, covariance);
    }

    /// The entropy.
    #[must_use]
    pub fn entropy(&self) -> f64 {
        0.5 * (self.d as f64 * (1.0 + (2.0 * PI).ln()) - self.log_det)
    }
}

/// Writes mean and covariance of the natural parameter (b, Q) and returns the log-partition.
///
/// # Errors
/// [`Improper`] if -(Q + Q') is not positive definite.
pub fn solve(
    b: &[f64],
    q: &[f64],
    d: usize,
    mean: &mut [f64],
    covariance: &mut [f64],
) -> Result<f64, Improper> {
    finite(&b[..d])?;
    let (l, log_det) = factor(q, d)?;
    mean[..d].copy_from_slice(&b[..d]);
    solve_cholesky(&l, d, mean, 1);
    inverse_cholesky(&l, d, covariance);
    let product: f64 = (0..d).map(|i| b[i] * mean[i]).sum();
    let log_partition = 0.5 * (product - log_det + d as f64 * (2.0 * PI).ln());
    in_range(log_partition, &mean[..d])?;
    in_range(log_partition, &covariance[..d * d])
}

/// Writes the maximum of b'v + v'Qv and returns the number of directions in which it is free and was set to 0.
///
/// # Errors
/// [`Improper`] if it grows without bound.
pub fn maximise(b: &[f64], q: &[f64], d: usize, value: &mut [f64]) -> Result<usize, Improper> {
    finite(&b[..d])?;
    finite(&q[..d * d])?;
    if let Some(f) = Factored::regular(q, d) {
        value[..d].copy_from_slice(&b[..d]);
        f.means(&mut value[..d], 1)?;
        return Ok(0);
    }
    let mut matrix = vec![0.0; d * d];
    precision(q, d, &mut matrix);
    let report = symmetric_least_norm_solve(&matrix, d, b, value)
        .map_err(|_| Improper::new("the precision matrix has no eigenvalues"))?;
    if report.negative > 0 {
        return Err(Improper::new(format!(
            "the precision matrix is negative in {} of {d} directions",
            report.negative
        )));
    }
    if report.outside > OUTSIDE {
        return Err(Improper::new(format!(
            "the precision matrix is zero in {} of {d} directions, along which the density grows",
            report.dropped
        )));
    }
    Ok(report.dropped)
}

impl Family for Gaussian {
    fn name(&self) -> &'static str {
        "Gaussian"
    }

    fn signature(&self) -> &'static [StatisticKind] {
        &[StatisticKind::Value, StatisticKind::Pair]
    }

    fn lengths(&self, d: usize) -> Vec<usize> {
        vec![d, d * d]
    }

    fn expectations(&self, eta: &[f64], d: usize, expected: &mut [f64]) -> Result<f64, Improper> {
        let (b, q) = eta.split_at(d);
        let (mean, second) = expected.split_at_mut(d);
        let log_partition = solve(b, q, d, mean, second)?;
        for i in 0..d {
            for j in 0..d {
                second[i * d + j] += mean[i] * mean[j];
            }
        }
        in_range(log_partition, &second[..d * d])
    }

    fn mode(&self, eta: &[f64], d: usize, value: &mut [f64]) -> Result<ModeKind, Improper> {
        let (b, q) = eta.split_at(d);
        maximise(b, q, d, value)?;
        Ok(ModeKind::Interior)
    }

    fn statistics(&self, value: &[f64], d: usize, statistics: &mut [f64]) {
        let (first, second) = statistics.split_at_mut(d);
        first.copy_from_slice(&value[..d]);
        for i in 0..d {
            for j in 0..d {
                second[i * d + j] = value[i] * value[j];
            }
        }
    }

    fn parameters(&self, eta: &[f64], d: usize) -> Result<Vec<Parameter>, Improper> {
        let (b, q) = eta.split_at(d);
        let (mut mean, mut covariance) = (vec![0.0; d], vec![0.0; d * d]);
        solve(b, q, d, &mut mean, &mut covariance)?;
        Ok(vec![
            array("mean", &[d], mean),
            array("covariance", &[d, d], covariance),
        ])
    }

    fn natural(&self, parameters: &[Parameter], d: usize) -> Result<Vec<f64>, Improper> {
        let mean = read(parameters, "mean", d)?;
        let covariance = read(parameters, "covariance", d * d)?;
        let mut precision = vec![0.0; d * d];
        inverse_spd(covariance, d, &mut precision)
            .map_err(|_| Improper::new("the covariance is not positive definite"))?;
        let mut eta: Vec<f64> = (0..d)
            .map(|i| (0..d).map(|j| precision[i * d + j] * mean[j]).sum())
            .collect();
        eta.extend(precision.iter().map(|p| -0.5 * p));
        Ok(eta)
    }

    fn sample(
        &self,
        eta: &[f64],
        d: usize,
        rng: &mut dyn Rng,
        value: &mut [f64],
    ) -> Result<(), Improper> {
        let (b, q) = eta.split_at(d);
        finite(b)?;
        let (l, _) = factor(q, d)?;
        let mut mean = b.to_vec();
        solve_cholesky(&l, d, &mut mean, 1);
        // L'x = z gives x the covariance (L L')^-1.
        for v in &mut value[..d] {
            *v = draw::normal(rng);
        }
        solve_lower_transposed(&l, d, value, 1);
        for (v, m) in value.iter_mut().zip(&mean) {
            *v += m;
        }
        in_range(0.0, &value[..d])?;
        Ok(())
    }

    fn value_length(&self, d: usize) -> usize {
        d
    }
}
