//! The distributions of the language at numbers: log density and draws, the evaluator that checks everything else.
//!
//! plain parameters, a value -> normalised log density (by statrs, or its definition where statrs has none), a draw (by
//! rand_distr).
//!
//! It shares no code with the algebra or the families, on purpose: agreement between the two means something. Speed does
//! not matter here. Values are slices: one number, a vector, or a row-major matrix; an element is its position. Outside the
//! support the log density is minus infinity; 0 log 0 = 0.

mod factor;
mod sample;
#[cfg(test)]
mod tests;

use factor::Factor;
use statrs::distribution::{Continuous, Discrete};
use statrs::function::beta::ln_beta;
use statrs::function::factorial::ln_factorial;
use statrs::function::gamma::ln_gamma;
use std::f64::consts::PI;

/// A distribution with its parameters in one normal form each: sd, rate, scale matrix.
#[derive(Debug, Clone, Copy, PartialEq)]
#[allow(missing_docs)]
pub enum Density<'a> {
    Categorical { p: &'a [f64] },
    Dirichlet { alpha: &'a [f64] },
    Gaussian { mean: f64, sd: f64 },
    GaussianVector { mean: &'a [f64], cov: &'a [f64] },
    Laplace { mean: f64, scale: f64 },
    StudentT { df: f64, mean: f64, scale: f64 },
    Uniform { low: f64, high: f64 },
    Bernoulli { p: f64 },
    Binomial { p: f64, total: u64 },
    Poisson { rate: f64 },
    Multinomial { p: &'a [f64], total: u64 },
    Beta { a: f64, b: f64 },
    Gamma { shape: f64, rate: f64 },
    Exponential { rate: f64 },
    InverseGamma { shape: f64, scale: f64 },
    Wishart { df: f64, scale: &'a [f64] },
    InverseWishart { df: f64, scale: &'a [f64] },
}

/// A parameter is outside its range.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidParameter(pub String);

fn invalid(what: impl ToString) -> InvalidParameter {
    InvalidParameter(what.to_string())
}

fn check(holds: bool, what: &str) -> Result<(), InvalidParameter> {
    if holds { Ok(()) } else { Err(invalid(what)) }
}

/// c log x with 0 log 0 = 0.
fn times_log(c: f64, x: f64) -> f64 {
    if c == 0.0 { 0.0 } else { c * x.ln() }
}

fn check_simplex(p: &[f64]) -> Result<(), InvalidParameter> {
    let sum: f64 = p.iter().sum();
    check(
        p.iter().all(|v| *v >= 0.0) && (sum - 1.0).abs() < 1e-6,
        "probabilities are below 0 or do not sum to 1",
    )
}

fn check_probability(p: f64) -> Result<(), InvalidParameter> {
    check((0.0..=1.0).contains(&p), "a probability is not in 0 to 1")
}

fn is_count(v: f64) -> bool {
    v >= 0.0 && v.fract() == 0.0 && v.is_finite()
}

impl Density<'_> {
    /// The length of a value.
    #[must_use]
    pub fn length(&self) -> usize {
        match self {
            Density::Dirichlet { alpha: v }
            | Density::GaussianVector { mean: v, .. }
            | Density::Multinomial { p: v, .. }
            | Density::Wishart { scale: v, .. }
            | Density::InverseWishart { scale: v, .. } => v.len(),
            _ => 1,
        }
    }

    /// The normalised log density, or log probability, of a value.
    ///
    /// ```
    /// use pmc::dist::scalar::Density;
    /// let density = Density::Gaussian { mean: 0.0, sd: 1.0 }.log_density(&[0.0]).unwrap();
    /// assert!((density + 0.918_938_533_204_672_8).abs() < 1e-15);
    /// ```
    ///
    /// # Errors
    /// [`InvalidParameter`], also where the value has the wrong length.
    pub fn log_density(&self, value: &[f64]) -> Result<f64, InvalidParameter> {
        check(
            value.len() == self.length(),
            "the value has the wrong length",
        )?;
        let v = value.first().copied().unwrap_or(f64::NAN);
        let nothing = f64::NEG_INFINITY;
        Ok(match *self {
            Density::Categorical { p } => {
                check_simplex(p)?;
                match p.get(v as usize) {
                    Some(p) if is_count(v) => p.ln(),
                    _ => nothing,
                }
            }
            Density::Dirichlet { alpha } => {
                check(alpha.iter().all(|a| *a > 0.0), "alpha is not above 0")?;
                if check_simplex(value).is_err() {
                    return Ok(nothing);
                }
                let powers: f64 = alpha
                    .iter()
                    .zip(value)
                    .map(|(a, v)| times_log(a - 1.0, *v))
                    .sum();
                let gammas: f64 = alpha.iter().map(|a| ln_gamma(*a)).sum();
                powers - gammas + ln_gamma(alpha.iter().sum())
            }
            Density::Gaussian { mean, sd } => statrs::distribution::Normal::new(mean, sd)
                .map_err(invalid)?
                .ln_pdf(v),
            Density::GaussianVector { mean, cov } => {
                let factor = Factor::new(cov, mean.len(), "cov")?;
                let difference: Vec<f64> = value.iter().zip(mean).map(|(v, m)| v - m).collect();
                let scaled = factor.solve(&difference);
                let square: f64 = scaled.iter().map(|v| v * v).sum();
                -0.5 * (square + factor.log_det() + mean.len() as f64 * (2.0 * PI).ln())
            }
            Density::Laplace { mean, scale } => statrs::distribution::Laplace::new(mean, scale)
                .map_err(invalid)?
                .ln_pdf(v),
            Density::StudentT { df, mean, scale } => {
                statrs::distribution::StudentsT::new(mean, scale, df)
                    .map_err(invalid)?
                    .ln_pdf(v)
            }
            Density::Uniform { low, high } => statrs::distribution::Uniform::new(low, high)
                .map_err(invalid)?
                .ln_pdf(v),
            Density::Bernoulli { p } => {
                check_probability(p)?;
                match v {
                    0.0 => (-p).ln_1p(),
                    1.0 => p.ln(),
                    _ => nothing,
                }
            }
            Density::Binomial { p, total } => {
                check_probability(p)?;
                if !is_count(v) || v > total as f64 {
                    nothing
                } else if p == 0.0 || p == 1.0 {
                    if v == p * total as f64 { 0.0 } else { nothing }
                } else {
                    statrs::distribution::Binomial::new(p, total)
                        .map_err(invalid)?
                        .ln_pmf(v as u64)
                }
            }
            Density::Poisson { rate } => {
                check(rate >= 0.0 && rate.is_finite(), "rate is below 0")?;
                if !is_count(v) {
                    nothing
                } else if rate == 0.0 {
                    if v == 0.0 { 0.0 } else { nothing }
                } else {
                    statrs::distribution::Poisson::new(rate)
                        .map_err(invalid)?
                        .ln_pmf(v as u64)
                }
            }
            Density::Multinomial { p, total } => {
                check_simplex(p)?;
                if !value.iter().all(|v| is_count(*v)) || value.iter().sum::<f64>() != total as f64
                {
                    return Ok(nothing);
                }
                let parts = value.iter().zip(p);
                ln_factorial(total)
                    + parts
                        .map(|(v, p)| times_log(*v, *p) - ln_factorial(*v as u64))
                        .sum::<f64>()
            }
            Density::Beta { a, b } => {
                check(a > 0.0 && b > 0.0, "a or b is not above 0")?;
                if !(0.0..=1.0).contains(&v) {
                    return Ok(nothing);
                }
                times_log(a - 1.0, v) + times_log(b - 1.0, 1.0 - v) - ln_beta(a, b)
            }
            Density::Gamma { shape, rate } => {
                let gamma = statrs::distribution::Gamma::new(shape, rate).map_err(invalid)?;
                if v > 0.0 { gamma.ln_pdf(v) } else { nothing }
            }
            Density::Exponential { rate } => statrs::distribution::Exp::new(rate)
                .map_err(invalid)?
                .ln_pdf(v),
            Density::InverseGamma { shape, scale } => {
                let inverse =
                    statrs::distribution::InverseGamma::new(shape, scale).map_err(invalid)?;
                if v > 0.0 { inverse.ln_pdf(v) } else { nothing }
            }
            Density::Wishart { df, scale } => {
                let d = side(scale)?;
                let (scale, log_constant) = wishart_constant(df, scale, d)?;
                let Ok(factor) = Factor::new(value, d, "value") else {
                    return Ok(nothing);
                };
                let trace = scale.trace_of_quotient(value);
                0.5 * ((df - d as f64 - 1.0) * factor.log_det() - trace - df * scale.log_det())
                    - log_constant
            }
            Density::InverseWishart { df, scale } => {
                let d = side(scale)?;
                let (factor, log_constant) = wishart_constant(df, scale, d)?;
                let Ok(of_value) = Factor::new(value, d, "value") else {
                    return Ok(nothing);
                };
                let trace = of_value.trace_of_quotient(scale);
                0.5 * (df * factor.log_det() - (df + d as f64 + 1.0) * of_value.log_det() - trace)
                    - log_constant
            }
        })
    }
}

/// The side of a square matrix.
fn side(matrix: &[f64]) -> Result<usize, InvalidParameter> {
    let d = matrix.len().isqrt();
    check(d > 0 && d * d == matrix.len(), "a matrix is not square")?;
    Ok(d)
}

/// The factor of the scale, and df d/2 log 2 + log Gamma_d(df/2).
fn wishart_constant(df: f64, scale: &[f64], d: usize) -> Result<(Factor, f64), InvalidParameter> {
    let n = d as f64;
    check(df > n - 1.0, "df is not above d - 1")?;
    let gammas: f64 = (0..d).map(|i| ln_gamma(0.5 * (df - i as f64))).sum();
    let constant = 0.5 * df * n * 2f64.ln() + 0.25 * n * (n - 1.0) * PI.ln() + gammas;
    Ok((Factor::new(scale, d, "scale")?, constant))
}
