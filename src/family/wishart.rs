//! Wishart: a positive definite matrix V over d features, such as a precision.
//!
//! ```text
//! log p(V) = (df - d - 1)/2 log|V| - tr(S V)/2 + df/2 log|S| - df d/2 log 2 - log Gamma_d(df/2)
//! support    V positive definite
//! t          log|V|, V_ij                 eta = (c, N),  df = 2c + d + 1,  S = -(N + N')   (N = -S/2)
//! A          df d/2 log 2 - df/2 log|S| + log Gamma_d(df/2)
//! E[t]       digamma_d(df/2) + d log 2 - log|S|, df S^-1
//! mode       2c S^-1; the zero matrix, on the boundary, for c <= 0
//! ```
//!
//! For d = 1 this is the Gamma with shape df/2 = c + 1 and rate S/2.

use super::gaussian::precision as twice_negated;
use super::parameter::{above, array, finite, in_range, number, read, read_number};
use super::{Family, Improper, ModeKind, Parameter, StatisticKind, draw};
use crate::numeric::LOG_ZERO;
use crate::numeric::linalg::{
    cholesky, inverse_cholesky, is_symmetric, log_det_spd, solve_lower_transposed,
};
use crate::numeric::special::{multivariate_digamma, multivariate_ln_gamma};
use rand::Rng;
use std::f64::consts::LN_2;

/// The Wishart distribution.
#[derive(Debug, Clone, Copy)]
pub struct Wishart;

/// The normaliser that Wishart and inverse Wishart share.
pub(super) struct Normaliser {
    /// The lower factor of S.
    pub factor: Vec<f64>,
    /// df S^-1
    pub mean: Vec<f64>,
    /// E log|V| of the Wishart.
    pub log_det: f64,
    /// A
    pub log_partition: f64,
}

/// Fails unless df is above d - 1.
pub(super) fn check_df(df: f64, d: usize) -> Result<f64, Improper> {
    above("df", df, d as f64 - 1.0)
}

/// Writes S = -(N + N').
pub(super) fn inverse_scale(n: &[f64], d: usize) -> Vec<f64> {
    let mut scale = vec![0.0; d * d];
    twice_negated(n, d, &mut scale);
    scale
}

/// The normaliser of df and S; `name` is what S is called.
pub(super) fn normaliser(
    df: f64,
    scale: &[f64],
    d: usize,
    name: &str,
) -> Result<Normaliser, Improper> {
    check_df(df, d)?;
    let mut factor = vec![0.0; d * d];
    let log_scale = cholesky(scale, d, &mut factor)
        .map_err(|_| Improper::new(format!("the {name} is not positive definite")))?;
    let mut mean = vec![0.0; d * d];
    inverse_cholesky(&factor, d, &mut mean);
    for v in &mut mean {
        *v *= df;
    }
    let side = d as f64;
    Ok(Normaliser {
        log_det: multivariate_digamma(0.5 * df, d) + side * LN_2 - log_scale,
        log_partition: 0.5 * df * (side * LN_2 - log_scale) + multivariate_ln_gamma(0.5 * df, d),
        factor,
        mean,
    })
}

/// The parameters df and a matrix, checked.
pub(super) fn read_df_and_matrix<'a>(
    parameters: &'a [Parameter],
    name: &str,
    d: usize,
) -> Result<(f64, &'a [f64]), Improper> {
    let df = check_df(read_number(parameters, "df")?, d)?;
    let matrix = read(parameters, name, d * d)?;
    if !is_symmetric(matrix, d, 1e-9) || log_det_spd(matrix, d).is_err() {
        return Err(Improper::new(format!(
            "the {name} is not symmetric and positive definite"
        )));
    }
    Ok((df, matrix))
}

/// Writes M M' for an n by n matrix M.
pub(super) fn times_transpose(m: &[f64], n: usize, product: &mut [f64]) {
    for i in 0..n {
        for j in 0..=i {
            let dot: f64 = (0..n).map(|k| m[i * n + k] * m[j * n + k]).sum();
            product[i * n + j] = dot;
            product[j * n + i] = dot;
        }
    }
}

/// Writes a draw of the Wishart whose inverse scale has the factor L: L^-T B B' L^-1 with Bartlett's B.
pub(super) fn sample_wishart(df: f64, l: &[f64], d: usize, rng: &mut dyn Rng, value: &mut [f64]) {
    let mut root = draw::bartlett(df, d, rng);
    solve_lower_transposed(l, d, &mut root, d);
    times_transpose(&root, d, value);
    keep_definite(value, d);
}

/// Raises the diagonal by as little as makes a draw positive definite, which rounding may have undone for a df near d - 1.
pub(super) fn keep_definite(value: &mut [f64], d: usize) {
    let mut share = d as f64 * f64::EPSILON;
    while log_det_spd(value, d).is_err() && share < 1.0 {
        for i in 0..d {
            value[i * d + i] = (value[i * d + i] * (1.0 + share)).max(f64::MIN_POSITIVE);
        }
        share *= 4.0;
    }
}

impl Family for Wishart {
    fn name(&self) -> &'static str {
        "Wishart"
    }

    fn signature(&self) -> &'static [StatisticKind] {
        &[StatisticKind::Log, StatisticKind::Value]
    }

    fn lengths(&self, d: usize) -> Vec<usize> {
        vec![1, d * d]
    }

    fn expectations(&self, eta: &[f64], d: usize, expected: &mut [f64]) -> Result<f64, Improper> {
        let df = 2.0 * eta[0] + d as f64 + 1.0;
        let all = normaliser(df, &inverse_scale(&eta[1..], d), d, "inverse scale")?;
        expected[0] = all.log_det;
        expected[1..=d * d].copy_from_slice(&all.mean);
        in_range(all.log_partition, &expected[..=d * d])
    }

    fn mode(&self, eta: &[f64], d: usize, value: &mut [f64]) -> Result<ModeKind, Improper> {
        finite(&eta[..=d * d])?;
        let c = eta[0];
        let scale = inverse_scale(&eta[1..], d);
        let mut factor = vec![0.0; d * d];
        let definite = cholesky(&scale, d, &mut factor).is_ok();
        if c < 0.0 || (c == 0.0 && definite) {
            value[..d * d].fill(0.0);
            return Ok(ModeKind::Boundary);
        }
        if !definite {
            return Err(Improper::new("the inverse scale is not positive definite"));
        }
        inverse_cholesky(&factor, d, value);
        for v in &mut value[..d * d] {
            *v *= 2.0 * c;
        }
        in_range(0.0, &value[..d * d])?;
        Ok(ModeKind::Interior)
    }

    fn statistics(&self, value: &[f64], d: usize, statistics: &mut [f64]) {
        statistics[0] = log_det_spd(value, d).unwrap_or(LOG_ZERO);
        statistics[1..=d * d].copy_from_slice(&value[..d * d]);
    }

    fn parameters(&self, eta: &[f64], d: usize) -> Result<Vec<Parameter>, Improper> {
        let df = check_df(2.0 * eta[0] + d as f64 + 1.0, d)?;
        let scale = inverse_scale(&eta[1..], d);
        log_det_spd(&scale, d)
            .map_err(|_| Improper::new("the inverse scale is not positive definite"))?;
        Ok(vec![
            number("df", df),
            array("inverse_scale", &[d, d], scale),
        ])
    }

    fn natural(&self, parameters: &[Parameter], d: usize) -> Result<Vec<f64>, Improper> {
        let (df, scale) = read_df_and_matrix(parameters, "inverse_scale", d)?;
        let mut eta = vec![0.5 * (df - d as f64 - 1.0)];
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
        let df = 2.0 * eta[0] + d as f64 + 1.0;
        let all = normaliser(df, &inverse_scale(&eta[1..], d), d, "inverse scale")?;
        sample_wishart(df, &all.factor, d, rng, value);
        in_range(0.0, &value[..d * d])?;
        Ok(())
    }

    fn value_length(&self, d: usize) -> usize {
        d * d
    }
}
