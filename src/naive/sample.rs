//! A draw from a distribution at numbers.
//!
//! in: [`Parameters`], a random source -> out: a value, row-major; an element as its position.

use rand::Rng;
use statrs::distribution::ContinuousCDF;

use super::Problem;
use super::parameters::Parameters;
use crate::dist::scalar::Density;

/// A draw.
pub(super) fn sample(of: &Parameters, rng: &mut dyn Rng) -> Result<Vec<f64>, Problem> {
    let mut draw = |density: Density| {
        let mut value = vec![0.0; density.length()];
        let done = density.sample(rng, &mut value);
        done.map_err(|e| Problem::Argument(e.to_string()))?;
        Ok(value)
    };
    let value = match of {
        Parameters::Categorical(p) => draw(Density::Categorical { p })?,
        Parameters::CategoricalLogit(x) => draw(Density::Categorical { p: &softmax(x) })?,
        Parameters::Dirichlet(alpha) => draw(Density::Dirichlet { alpha })?,
        Parameters::Gaussian { mean, sd } => draw(Density::Gaussian {
            mean: *mean,
            sd: *sd,
        })?,
        Parameters::GaussianEach { mean, sd } => {
            let mut value = Vec::with_capacity(mean.len());
            for (mean, sd) in mean.iter().zip(sd) {
                value.extend(draw(Density::Gaussian {
                    mean: *mean,
                    sd: *sd,
                })?);
            }
            value
        }
        Parameters::GaussianVector { mean, cov } => draw(Density::GaussianVector { mean, cov })?,
        Parameters::Laplace { mean, scale } => draw(Density::Laplace {
            mean: *mean,
            scale: *scale,
        })?,
        Parameters::StudentT { df, mean, scale } => draw(Density::StudentT {
            df: *df,
            mean: *mean,
            scale: *scale,
        })?,
        Parameters::Uniform { low, high } => draw(Density::Uniform {
            low: *low,
            high: *high,
        })?,
        Parameters::Bernoulli(p) => draw(Density::Bernoulli { p: *p })?,
        Parameters::BernoulliLogit(x) => draw(Density::Bernoulli { p: sigmoid(*x) })?,
        Parameters::BernoulliProbit(x) => draw(Density::Bernoulli {
            p: statrs::distribution::Normal::standard().cdf(*x),
        })?,
        Parameters::Binomial { p, total } => draw(Density::Binomial {
            p: *p,
            total: *total,
        })?,
        Parameters::BinomialLogit { x, total } => draw(Density::Binomial {
            p: sigmoid(*x),
            total: *total,
        })?,
        Parameters::Poisson(rate) => draw(Density::Poisson { rate: *rate })?,
        Parameters::PoissonLog(x) => draw(Density::Poisson { rate: x.exp() })?,
        Parameters::Multinomial { p, total } => draw(Density::Multinomial {
            p,
            total: total.unwrap_or(0),
        })?,
        Parameters::Beta { a, b } => draw(Density::Beta { a: *a, b: *b })?,
        Parameters::Gamma { shape, rate } => above_0(draw(Density::Gamma {
            shape: *shape,
            rate: *rate,
        })?)?,
        Parameters::Exponential(rate) => above_0(draw(Density::Exponential { rate: *rate })?)?,
        Parameters::InverseGamma { shape, scale } => above_0(draw(Density::InverseGamma {
            shape: *shape,
            scale: *scale,
        })?)?,
        Parameters::Wishart { df, scale } => draw(Density::Wishart { df: *df, scale })?,
        Parameters::InverseWishart { df, scale } => {
            draw(Density::InverseWishart { df: *df, scale })?
        }
    };
    match value.iter().all(|v| v.is_finite()) {
        true => Ok(value),
        false => Err(too_vague()),
    }
}

fn too_vague() -> Problem {
    Problem::Argument("the distribution is too vague to draw a number from".to_string())
}

/// A prior next to improper (`Gamma(1e-6, rate = 1e-6)`) puts most of its mass below the smallest number there is. Its draws
/// end on that number, and nothing that depends on one is worth looking at.
fn above_0(value: Vec<f64>) -> Result<Vec<f64>, Problem> {
    match value
        .iter()
        .all(|v| *v > f64::MIN_POSITIVE && *v < f64::MAX)
    {
        true => Ok(value),
        false => Err(too_vague()),
    }
}

fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

fn softmax(x: &[f64]) -> Vec<f64> {
    let largest = x.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let shares: Vec<f64> = x.iter().map(|x| (x - largest).exp()).collect();
    let sum: f64 = shares.iter().sum();
    shares.iter().map(|v| v / sum).collect()
}
