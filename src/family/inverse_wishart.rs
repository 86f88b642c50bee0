//! Inverse Wishart: a positive definite matrix V over d features, such as a covariance.
//!
//! ```text
//! log p(V) = -(df + d + 1)/2 log|V| - tr(S V^-1)/2 + df/2 log|S| - df d/2 log 2 - log Gamma_d(df/2)
//! support    V positive definite
//! t          log|V|, (V^-1)_ij            eta = (-c, N),  df = 2c - d - 1,  S = -(N + N')   (N = -S/2)
//! A          df d/2 log 2 - df/2 log|S| + log Gamma_d(df/2)
//! E[t]       log|S| - d log 2 - digamma_d(df/2), df S^-1
//! mode       S / 2c; a singular S is on the boundary
//! ```
//!
//! V^-1 is Wishart with the same df and inverse scale S.

use super::parameter::{above, array, finite, in_range, number};
use super::wishart::{
    check_df, inverse_scale, keep_definite, normaliser, read_df_and_matrix, times_transpose,
};
use super::{Family, Improper, ModeKind, Parameter, StatisticKind, draw};
use crate::numeric::LOG_ZERO;
use crate::numeric::linalg::{
    cholesky, inverse_cholesky, log_det_spd, solve_lower, symmetric_eigenvalues,
};
use rand::Rng;

/// The inverse Wishart distribution.
#[derive(Debug, Clone, Copy)]
pub struct InverseWishart;

fn df(eta: &[f64], d: usize) -> f64 {
    -2.0 * eta[0] - d as f64 - 1.0
}

impl Family for InverseWishart {
    fn name(&self) -> &'static str {
        "InverseWishart"
    }

    fn signature(&self) -> &'static [StatisticKind] {
        &[StatisticKind::Log, StatisticKind::Power(-1)]
    }

    fn lengths(&self, d: usize) -> Vec<usize> {
        vec![1, d * d]
    }

    fn expectations(&self, eta: &[f64], d: usize, expected: &mut [f64]) -> Result<f64, Improper> {
        let all = normaliser(df(eta, d), &inverse_scale(&eta[1..], d), d, "scale")?;
        expected[0] = -all.log_det;
        expected[1..=d * d].copy_from_slice(&all.mean);
        in_range(all.log_partition, &expected[..=d * d])
    }

    fn mode(&self, eta: &[f64], d: usize, value: &mut [f64]) -> Result<ModeKind, Improper> {
        finite(&eta[..=d * d])?;
        let c = above("(df + d + 1) / 2 =", -eta[0], 0.0)?;
        let scale = inverse_scale(&eta[1..], d);
        let eigenvalues = symmetric_eigenvalues(&scale, d)
            .map_err(|_| Improper::new("the scale has no eigenvalues"))?;
        let least = eigenvalues.first().copied().unwrap_or(0.0);
        let largest = eigenvalues.last().copied().unwrap_or(0.0);
        let rounding = d as f64 * f64::EPSILON * largest.abs();
        if least < -rounding {
            return Err(Improper::new("the scale is not positive definite"));
        }
        for (v, s) in value[..d * d].iter_mut().zip(&scale) {
            *v = s / (2.0 * c);
        }
        in_range(0.0, &value[..d * d])?;
        // Features of very different units look singular to the eigenvalues only: the factorisation has the last word.
        if least <= rounding && log_det_spd(&value[..d * d], d).is_err() {
            return Ok(ModeKind::Boundary);
        }
        Ok(ModeKind::Interior)
    }

    /// A singular V has the log `LOG_ZERO` and the inverse `-LOG_ZERO` times the identity.
    fn statistics(&self, value: &[f64], d: usize, statistics: &mut [f64]) {
        let mut factor = vec![0.0; d * d];
        if let Ok(log_det) = cholesky(value, d, &mut factor) {
            statistics[0] = log_det;
            inverse_cholesky(&factor, d, &mut statistics[1..=d * d]);
        } else {
            statistics[..=d * d].fill(0.0);
            statistics[0] = LOG_ZERO;
            for i in 0..d {
                statistics[1 + i * d + i] = -LOG_ZERO;
            }
        }
    }

    fn parameters(&self, eta: &[f64], d: usize) -> Result<Vec<Parameter>, Improper> {
        let df = check_df(df(eta, d), d)?;
        let scale = inverse_scale(&eta[1..], d);
        log_det_spd(&scale, d).map_err(|_| Improper::new("the scale is not positive definite"))?;
        Ok(vec![number("df", df), array("scale", &[d, d], scale)])
    }

    fn natural(&self, parameters: &[Parameter], d: usize) -> Result<Vec<f64>, Improper> {
        let (df, scale) = read_df_and_matrix(parameters, "scale", d)?;
        let mut eta = vec![-0.5 * (df + d as f64 + 1.0)];
        eta.extend(scale.iter().map(|v| -0.5 * v));
        Ok(eta)
    }

    fn sample(
        &self,
        eta: &[f64],
        d: usize,
        rng: &mut dyn Rng,
        value: &mut [f64],
    ) -> Result<(), Improper> {
        let df = df(eta, d);
        let all = normaliser(df, &inverse_scale(&eta[1..], d), d, "scale")?;
        // V^-1 = L^-T B B' L^-1, so V = R'R with R = B^-1 L'.
        let bartlett = draw::bartlett(df, d, rng);
        let mut root = vec![0.0; d * d];
        for i in 0..d {
            for j in 0..d {
                root[i * d + j] = all.factor[j * d + i];
            }
        }
        solve_lower(&bartlett, d, &mut root, d);
        let mut transposed = vec![0.0; d * d];
        for i in 0..d {
            for j in 0..d {
                transposed[i * d + j] = root[j * d + i];
            }
        }
        times_transpose(&transposed, d, value);
        keep_definite(value, d);
        in_range(0.0, &value[..d * d])?;
        Ok(())
    }

    fn value_length(&self, d: usize) -> usize {
        d * d
    }
}
