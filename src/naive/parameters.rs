//! A distribution's arguments as numbers, and its log density at a value.
//!
//! in: a [`Distribution`] and the bound elements -> out: [`Parameters`]; these and a value -> its log density.
//!
//! Links (`logit`, `log`, `probit`) are kept, so that a probability next to 0 or 1 keeps its logarithm:
//!
//! ```text
//! log sigmoid(x) = -log(1 + e^-x)      log softmax(x)_i = x_i - log sum_j e^x_j
//! log Phi(x) by statrs, below -20 by its series: -x^2/2 - log(-x sqrt(2 pi)) + log(1 - 1/x^2 + 3/x^4 - 15/x^6 + ...)
//! ```
//!
//! A blank cell adds nothing: a leaf is summed or integrated out, and what remains of a Gaussian vector is the Gaussian of
//! the cells that are there.

use statrs::distribution::ContinuousCDF;
use statrs::function::factorial::ln_binomial;
use statrs::function::gamma::ln_gamma;

use super::Problem;
use super::expression::{Bindings, Evaluator};
use super::matrix::inverse;
use crate::dist::scalar::Density;
use crate::model::{Argument, ArgumentName as Name, Axis, Distribution, DistributionKind as Kind};

/// A distribution at numbers.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Parameters {
    Categorical(Vec<f64>),
    CategoricalLogit(Vec<f64>),
    Dirichlet(Vec<f64>),
    Gaussian {
        mean: f64,
        sd: f64,
    },
    /// Independent along the vector.
    GaussianEach {
        mean: Vec<f64>,
        sd: Vec<f64>,
    },
    GaussianVector {
        mean: Vec<f64>,
        cov: Vec<f64>,
    },
    Laplace {
        mean: f64,
        scale: f64,
    },
    StudentT {
        df: f64,
        mean: f64,
        scale: f64,
    },
    Uniform {
        low: f64,
        high: f64,
    },
    Bernoulli(f64),
    BernoulliLogit(f64),
    BernoulliProbit(f64),
    Binomial {
        p: f64,
        total: u64,
    },
    BinomialLogit {
        x: f64,
        total: u64,
    },
    Poisson(f64),
    PoissonLog(f64),
    /// Without a total, the sum of the value.
    Multinomial {
        p: Vec<f64>,
        total: Option<u64>,
    },
    Beta {
        a: f64,
        b: f64,
    },
    Gamma {
        shape: f64,
        rate: f64,
    },
    Exponential(f64),
    InverseGamma {
        shape: f64,
        scale: f64,
    },
    Wishart {
        df: f64,
        scale: Vec<f64>,
    },
    InverseWishart {
        df: f64,
        scale: Vec<f64>,
    },
}

/// The arguments of one distribution with what is bound around it.
struct Arguments<'e, 'a> {
    evaluator: &'e Evaluator<'a>,
    distribution: &'e Distribution,
    bound: &'e mut Bindings,
}

impl Evaluator<'_> {
    /// The arguments of a distribution as numbers.
    pub(super) fn parameters(
        &self,
        distribution: &Distribution,
        bound: &mut Bindings,
    ) -> Result<Parameters, Problem> {
        Arguments {
            evaluator: self,
            distribution,
            bound,
        }
        .parameters()
    }
}

impl Arguments<'_, '_> {
    fn has(&self, name: Name) -> bool {
        self.distribution.argument(name).is_some()
    }

    fn number(&mut self, name: Name) -> Result<f64, Problem> {
        let v = match self.distribution.argument(name) {
            Some(Argument::Scalar(e)) => self.evaluator.needed(e, self.bound)?,
            _ => return Err(Problem::Argument(format!("no argument {name:?}"))),
        };
        finite(v, name)
    }

    fn count(&mut self, name: Name) -> Result<u64, Problem> {
        let v = self.number(name)?;
        if v >= 0.0 && v.fract() == 0.0 {
            Ok(v as u64)
        } else {
            Err(Problem::Argument(format!("{name:?} is {v}, no count")))
        }
    }

    fn over(&self) -> Result<Axis, Problem> {
        let missing = || Problem::Argument("`over` is missing".to_string());
        self.distribution.over.ok_or_else(missing)
    }

    /// A number for each element of `over`.
    fn along(&mut self, name: Name) -> Result<Vec<f64>, Problem> {
        let over = self.over()?;
        let mut found = Vec::new();
        for i in 0..self.evaluator.size(over.plate) {
            self.bound.push((over, i));
            let v = self.number(name);
            self.bound.pop();
            found.push(v?);
        }
        Ok(found)
    }

    fn matrix(&mut self, name: Name) -> Result<Vec<f64>, Problem> {
        let over = self.over()?;
        let m = match self.distribution.argument(name) {
            Some(Argument::Matrix(m)) => self.evaluator.matrix(m, over, self.bound)?,
            _ => return Err(Problem::Argument(format!("no matrix {name:?}"))),
        };
        m.into_iter().map(|v| finite(v, name)).collect()
    }

    fn is_matrix(&self, name: Name) -> bool {
        matches!(self.distribution.argument(name), Some(Argument::Matrix(_)))
    }

    fn gaussian(&mut self) -> Result<Parameters, Problem> {
        let sd_of = |v: f64, name: Name| match name {
            Name::Var => v.sqrt(),
            Name::Precision => 1.0 / v.sqrt(),
            _ => v,
        };
        let spread = [Name::Var, Name::Sd, Name::Precision, Name::Cov]
            .into_iter()
            .find(|n| self.has(*n))
            .ok_or_else(|| Problem::Argument("no spread".to_string()))?;
        if self.distribution.over.is_none() {
            let sd = sd_of(self.number(spread)?, spread);
            let mean = self.number(Name::Mean)?;
            return Ok(Parameters::Gaussian { mean, sd });
        }
        let mean = self.along(Name::Mean)?;
        if !self.is_matrix(spread) {
            let sd = self.along(spread)?;
            let sd = sd.into_iter().map(|v| sd_of(v, spread)).collect();
            return Ok(Parameters::GaussianEach { mean, sd });
        }
        let m = self.matrix(spread)?;
        let cov = match spread {
            Name::Precision => inverse(&m, mean.len())?,
            _ => m,
        };
        Ok(Parameters::GaussianVector { mean, cov })
    }

    fn parameters(&mut self) -> Result<Parameters, Problem> {
        Ok(match self.distribution.kind {
            Kind::Categorical if self.has(Name::Logit) => {
                Parameters::CategoricalLogit(self.along(Name::Logit)?)
            }
            Kind::Categorical => Parameters::Categorical(self.along(Name::P)?),
            Kind::Dirichlet => Parameters::Dirichlet(self.along(Name::Alpha)?),
            Kind::Gaussian => self.gaussian()?,
            Kind::Laplace => Parameters::Laplace {
                mean: self.number(Name::Mean)?,
                scale: match self.has(Name::Rate) {
                    true => 1.0 / self.number(Name::Rate)?,
                    false => self.number(Name::Scale)?,
                },
            },
            Kind::StudentT => Parameters::StudentT {
                df: self.number(Name::Df)?,
                mean: self.number(Name::Mean)?,
                scale: self.number(Name::Scale)?,
            },
            Kind::Uniform => Parameters::Uniform {
                low: self.number(Name::Low)?,
                high: self.number(Name::High)?,
            },
            Kind::Bernoulli if self.has(Name::Logit) => {
                Parameters::BernoulliLogit(self.number(Name::Logit)?)
            }
            Kind::Bernoulli if self.has(Name::Probit) => {
                Parameters::BernoulliProbit(self.number(Name::Probit)?)
            }
            Kind::Bernoulli => Parameters::Bernoulli(self.number(Name::P)?),
            Kind::Binomial if self.has(Name::Logit) => Parameters::BinomialLogit {
                x: self.number(Name::Logit)?,
                total: self.count(Name::Total)?,
            },
            Kind::Binomial => Parameters::Binomial {
                p: self.number(Name::P)?,
                total: self.count(Name::Total)?,
            },
            Kind::Poisson if self.has(Name::Log) => Parameters::PoissonLog(self.number(Name::Log)?),
            Kind::Poisson => Parameters::Poisson(self.number(Name::Rate)?),
            Kind::Multinomial => Parameters::Multinomial {
                p: self.along(Name::P)?,
                total: match self.has(Name::Total) {
                    true => Some(self.count(Name::Total)?),
                    false => None,
                },
            },
            Kind::Beta => Parameters::Beta {
                a: self.number(Name::A)?,
                b: self.number(Name::B)?,
            },
            Kind::Gamma => Parameters::Gamma {
                shape: self.number(Name::Shape)?,
                rate: self.rate()?,
            },
            Kind::Exponential => Parameters::Exponential(self.rate()?),
            Kind::InverseGamma => Parameters::InverseGamma {
                shape: self.number(Name::Shape)?,
                scale: self.number(Name::Scale)?,
            },
            Kind::Wishart => Parameters::Wishart {
                df: self.number(Name::Df)?,
                scale: match self.has(Name::InverseScale) {
                    true => {
                        let d = self.evaluator.size(self.over()?.plate);
                        inverse(&self.matrix(Name::InverseScale)?, d)?
                    }
                    false => self.matrix(Name::Scale)?,
                },
            },
            Kind::InverseWishart => Parameters::InverseWishart {
                df: self.number(Name::Df)?,
                scale: self.matrix(Name::Scale)?,
            },
        })
    }

    fn rate(&mut self) -> Result<f64, Problem> {
        Ok(match self.has(Name::Scale) {
            true => 1.0 / self.number(Name::Scale)?,
            false => self.number(Name::Rate)?,
        })
    }
}

fn finite(v: f64, name: Name) -> Result<f64, Problem> {
    if v.is_finite() {
        Ok(v)
    } else {
        Err(Problem::Argument(format!("{name:?} is {v}")))
    }
}

/// log(1 + e^x)
fn softplus(x: f64) -> f64 {
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}

fn log_phi(x: f64) -> f64 {
    if x > -20.0 {
        return statrs::distribution::Normal::standard().cdf(x).ln();
    }
    // Eight terms: the next one is below 1e-14.
    let (mut term, mut sum) = (1.0, 0.0);
    for k in 0..8 {
        sum += term;
        term *= -f64::from(2 * k + 1) / (x * x);
    }
    -0.5 * x * x - (-x).ln() - 0.5 * (2.0 * std::f64::consts::PI).ln() + sum.ln()
}

/// The log density of a value, a blank cell of which is NaN.
pub(super) fn log_density(of: &Parameters, value: &[f64]) -> Result<f64, Problem> {
    let there: Vec<usize> = (0..value.len()).filter(|i| !value[*i].is_nan()).collect();
    if there.is_empty() {
        return Ok(0.0);
    }
    let v = value.first().copied().unwrap_or(f64::NAN);
    let at = |density: Density| {
        let density = density.log_density(value);
        density.map_err(|e| Problem::Argument(e.to_string()))
    };
    match of {
        Parameters::Categorical(p) => at(Density::Categorical { p }),
        Parameters::CategoricalLogit(x) => {
            let largest = x.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let sum: f64 = x.iter().map(|x| (x - largest).exp()).sum();
            let logit = x.get(v as usize).copied().unwrap_or(f64::NEG_INFINITY);
            Ok(logit - largest - sum.ln())
        }
        Parameters::Dirichlet(alpha) => at(Density::Dirichlet { alpha }),
        Parameters::Gaussian { mean, sd } => at(Density::Gaussian {
            mean: *mean,
            sd: *sd,
        }),
        Parameters::GaussianEach { mean, sd } => {
            let mut sum = 0.0;
            for i in there {
                let (mean, sd) = (at_place(mean, i)?, at_place(sd, i)?);
                let one = Density::Gaussian { mean, sd }.log_density(&[value[i]]);
                sum += one.map_err(|e| Problem::Argument(e.to_string()))?;
            }
            Ok(sum)
        }
        Parameters::GaussianVector { mean, cov } => {
            let d = mean.len();
            let mut kept_mean = Vec::new();
            let mut kept_cov = Vec::new();
            for i in &there {
                kept_mean.push(at_place(mean, *i)?);
                for j in &there {
                    kept_cov.push(at_place(cov, i * d + j)?);
                }
            }
            let kept: Vec<f64> = there.iter().map(|i| value[*i]).collect();
            let density = Density::GaussianVector {
                mean: &kept_mean,
                cov: &kept_cov,
            };
            let density = density.log_density(&kept);
            density.map_err(|e| Problem::Argument(e.to_string()))
        }
        Parameters::Laplace { mean, scale } => at(Density::Laplace {
            mean: *mean,
            scale: *scale,
        }),
        Parameters::StudentT { df, mean, scale } => at(Density::StudentT {
            df: *df,
            mean: *mean,
            scale: *scale,
        }),
        Parameters::Uniform { low, high } => at(Density::Uniform {
            low: *low,
            high: *high,
        }),
        Parameters::Bernoulli(p) => at(Density::Bernoulli { p: *p }),
        Parameters::BernoulliLogit(x) => Ok(match v {
            1.0 => -softplus(-x),
            0.0 => -softplus(*x),
            _ => f64::NEG_INFINITY,
        }),
        Parameters::BernoulliProbit(x) => Ok(match v {
            1.0 => log_phi(*x),
            0.0 => log_phi(-*x),
            _ => f64::NEG_INFINITY,
        }),
        Parameters::Binomial { p, total } => at(Density::Binomial {
            p: *p,
            total: *total,
        }),
        Parameters::BinomialLogit { x, total } => {
            let n = *total as f64;
            if v < 0.0 || v > n || v.fract() != 0.0 {
                return Ok(f64::NEG_INFINITY);
            }
            Ok(ln_binomial(*total, v as u64) - v * softplus(-x) - (n - v) * softplus(*x))
        }
        Parameters::Poisson(rate) => at(Density::Poisson { rate: *rate }),
        Parameters::PoissonLog(x) => {
            if v < 0.0 || v.fract() != 0.0 {
                return Ok(f64::NEG_INFINITY);
            }
            Ok(v * x - x.exp() - ln_gamma(v + 1.0))
        }
        Parameters::Multinomial { p, total } => {
            if there.len() < value.len() {
                return Err(Problem::Blank("a count of a Multinomial".to_string()));
            }
            let total = total.unwrap_or(value.iter().sum::<f64>() as u64);
            at(Density::Multinomial { p, total })
        }
        Parameters::Beta { a, b } => at(Density::Beta { a: *a, b: *b }),
        Parameters::Gamma { shape, rate } => at(Density::Gamma {
            shape: *shape,
            rate: *rate,
        }),
        Parameters::Exponential(rate) => at(Density::Exponential { rate: *rate }),
        Parameters::InverseGamma { shape, scale } => at(Density::InverseGamma {
            shape: *shape,
            scale: *scale,
        }),
        Parameters::Wishart { df, scale } => at(Density::Wishart { df: *df, scale }),
        Parameters::InverseWishart { df, scale } => at(Density::InverseWishart { df: *df, scale }),
    }
}

fn at_place(v: &[f64], i: usize) -> Result<f64, Problem> {
    let outside = || Problem::Element(format!("position {i} of {}", v.len()));
    v.get(i).copied().ok_or_else(outside)
}
