//! Draws from the distributions of the language, by rand_distr.
//!
//! Vectors from their scalars: Dirichlet by gammas, Multinomial by binomials, matrices by Bartlett's decomposition. What is
//! made of gammas is made of their logarithms, because most of the mass of a small shape lies below the smallest number;
//! a draw that no number can hold is the nearest one that lies inside the support.
//!
//! ```text
//! log G(a) = log G(a + 1) + log(U) / a      Beta = 1 / (1 + G(b) / G(a))      Dirichlet = softmax(log G(alpha))
//! ```

use super::{Density, Factor, InvalidParameter, check, check_simplex, invalid, side};
use rand::{Rng, RngExt};
use rand_distr::Distribution as _;

impl Density<'_> {
    /// Writes a draw.
    ///
    /// # Errors
    /// [`InvalidParameter`], also where the place for the value has the wrong length.
    pub fn sample(&self, rng: &mut dyn Rng, value: &mut [f64]) -> Result<(), InvalidParameter> {
        check(
            value.len() == self.length(),
            "the value has the wrong length",
        )?;
        let number = match *self {
            Density::Categorical { p } => {
                check_simplex(p)?;
                let index = rand_distr::weighted::WeightedIndex::new(p).map_err(invalid)?;
                index.sample(rng) as f64
            }
            Density::Dirichlet { alpha } => {
                for (v, a) in value.iter_mut().zip(alpha) {
                    *v = log_gamma(*a, rng)?;
                }
                let largest = value.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                let sum: f64 = value.iter().map(|v| (v - largest).exp()).sum();
                for v in value.iter_mut() {
                    *v = ((*v - largest).exp() / sum).max(f64::MIN_POSITIVE);
                }
                return Ok(());
            }
            Density::Gaussian { mean, sd } => {
                check(sd >= 0.0, "sd is below 0")?;
                rand_distr::Normal::new(mean, sd)
                    .map_err(invalid)?
                    .sample(rng)
            }
            Density::GaussianVector { mean, cov } => {
                let factor = Factor::new(cov, mean.len(), "cov")?;
                let noise: Vec<f64> = mean
                    .iter()
                    .map(|_| rand_distr::StandardNormal.sample(rng))
                    .collect();
                for (v, (m, x)) in value.iter_mut().zip(mean.iter().zip(factor.times(&noise))) {
                    *v = m + x;
                }
                return Ok(());
            }
            Density::Laplace { mean, scale } => {
                check(scale > 0.0, "scale is not above 0")?;
                let size: f64 = rand_distr::Exp1.sample(rng);
                mean + if rng.random::<bool>() {
                    scale * size
                } else {
                    -scale * size
                }
            }
            Density::StudentT { df, mean, scale } => {
                check(scale > 0.0, "scale is not above 0")?;
                mean + scale * rand_distr::StudentT::new(df).map_err(invalid)?.sample(rng)
            }
            Density::Uniform { low, high } => rand_distr::Uniform::new(low, high)
                .map_err(invalid)?
                .sample(rng),
            Density::Bernoulli { p } => f64::from(u8::from(
                rand_distr::Bernoulli::new(p).map_err(invalid)?.sample(rng),
            )),
            Density::Binomial { p, total } => rand_distr::Binomial::new(total, p)
                .map_err(invalid)?
                .sample(rng) as f64,
            Density::Poisson { rate: 0.0 } => 0.0,
            Density::Poisson { rate } => {
                rand_distr::Poisson::new(rate).map_err(invalid)?.sample(rng)
            }
            Density::Multinomial { p, total } => {
                check_simplex(p)?;
                let mut left = total;
                for (k, v) in value.iter_mut().enumerate() {
                    // The mass from here on, summed anew, so that the last possible element has the share 1.
                    let mass: f64 = p[k..].iter().sum();
                    let share = if mass > 0.0 { p[k] / mass } else { 0.0 };
                    let count = rand_distr::Binomial::new(left, share)
                        .map_err(invalid)?
                        .sample(rng);
                    *v = count as f64;
                    left -= count;
                }
                return Ok(());
            }
            Density::Beta { a, b } => {
                let odds = log_gamma(a, rng)? - log_gamma(b, rng)?;
                let p = if odds < 0.0 {
                    odds.exp() / (1.0 + odds.exp())
                } else {
                    1.0 / (1.0 + (-odds).exp())
                };
                p.clamp(f64::MIN_POSITIVE, 1.0 - 0.5 * f64::EPSILON)
            }
            Density::Gamma { shape, rate } => {
                check(rate > 0.0, "rate is not above 0")?;
                positive(log_gamma(shape, rng)? - rate.ln())
            }
            Density::Exponential { rate } => {
                check(rate > 0.0, "rate is not above 0")?;
                let exponential: f64 = rand_distr::Exp::new(rate).map_err(invalid)?.sample(rng);
                exponential.clamp(f64::MIN_POSITIVE, f64::MAX)
            }
            Density::InverseGamma { shape, scale } => {
                check(scale > 0.0, "scale is not above 0")?;
                positive(scale.ln() - log_gamma(shape, rng)?)
            }
            Density::Wishart { df, scale } => {
                let d = side(scale)?;
                let root = wishart_root(df, &Factor::new(scale, d, "scale")?, rng)?;
                gram(&root, d, value);
                return Ok(());
            }
            Density::InverseWishart { df, scale } => {
                // V^-1 is Wishart with the inverse scale: invert scale, draw, invert.
                let d = side(scale)?;
                let inverse = Factor::new(scale, d, "scale")?.inverse();
                let root = wishart_root(df, &Factor::new(&inverse, d, "scale")?, rng)?;
                let mut precision = vec![0.0; d * d];
                gram(&root, d, &mut precision);
                value.copy_from_slice(&Factor::new(&precision, d, "a drawn matrix")?.inverse());
                return Ok(());
            }
        };
        if let Some(v) = value.first_mut() {
            *v = number;
        }
        Ok(())
    }
}

/// The logarithm of a Gamma draw with rate 1.
fn log_gamma(shape: f64, rng: &mut dyn Rng) -> Result<f64, InvalidParameter> {
    check(shape > 0.0, "a shape is not above 0")?;
    let mut draw = |shape: f64| -> Result<f64, InvalidParameter> {
        let gamma = rand_distr::Gamma::new(shape, 1.0).map_err(invalid)?;
        Ok(gamma.sample(rng).ln())
    };
    if shape >= 1.0 {
        return draw(shape);
    }
    let above = draw(shape + 1.0)?;
    // 1 - u is never 0
    let u: f64 = 1.0 - rng.random::<f64>();
    Ok(above + u.ln() / shape)
}

/// exp(log) as a normal number.
fn positive(log: f64) -> f64 {
    log.exp().clamp(f64::MIN_POSITIVE, f64::MAX)
}

/// A matrix R with R R' a draw of the Wishart whose scale has this factor.
fn wishart_root(df: f64, scale: &Factor, rng: &mut dyn Rng) -> Result<Vec<f64>, InvalidParameter> {
    let d = scale.d;
    check(df > d as f64 - 1.0, "df is not above d - 1")?;
    let mut root = vec![0.0; d * d];
    for column in 0..d {
        let mut noise = vec![0.0; d];
        // The square is 2 G((df - column) / 2).
        let square = 2f64.ln() + log_gamma(0.5 * (df - column as f64), rng)?;
        noise[column] = positive(square).sqrt();
        for v in &mut noise[column + 1..] {
            *v = rand_distr::StandardNormal.sample(rng);
        }
        for (i, v) in scale.times(&noise).into_iter().enumerate() {
            root[i * d + column] = v;
        }
    }
    Ok(root)
}

/// Writes R R'.
fn gram(root: &[f64], d: usize, product: &mut [f64]) {
    for i in 0..d {
        for j in 0..d {
            product[i * d + j] = (0..d).map(|k| root[i * d + k] * root[j * d + k]).sum();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::EXAMPLES;
    use super::*;
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    const DRAWS: usize = 40_000;

    /// E[f] under draws equals the integral of f under the density, through the importance identity: the mean over draws of
    /// q(v) / p(v) is 1 for any density q, here the same distribution a little shifted.
    #[test]
    fn draws_follow_the_density() {
        for (density, other) in EXAMPLES {
            let mut rng = ChaCha8Rng::seed_from_u64(7);
            let mut value = vec![0.0; density.length()];
            let (mut sum, mut squares) = (0.0, 0.0);
            for _ in 0..DRAWS {
                density.sample(&mut rng, &mut value).unwrap();
                let p = density.log_density(&value).unwrap();
                assert!(p.is_finite(), "{density:?} drew {value:?}");
                let ratio = (other.log_density(&value).unwrap() - p).exp();
                sum += ratio;
                squares += ratio * ratio;
            }
            let n = DRAWS as f64;
            let mean = sum / n;
            let error = ((squares / n - mean * mean) / n).sqrt();
            assert!(
                error < 0.02,
                "{density:?}: the two densities are too far apart ({error})"
            );
            assert!(
                (mean - 1.0).abs() < 4.5 * error + 1e-12,
                "{density:?}: {mean} +- {error}"
            );
        }
    }

    /// Draws of a density, one after the other.
    fn draws(density: Density, count: usize) -> Vec<Vec<f64>> {
        let mut rng = ChaCha8Rng::seed_from_u64(11);
        let mut one = || {
            let mut value = vec![0.0; density.length()];
            density.sample(&mut rng, &mut value).unwrap();
            value
        };
        (0..count).map(|_| one()).collect()
    }

    /// The mean of a function of draws lies within five standard errors of a known number.
    fn close(numbers: impl Iterator<Item = f64>, want: f64, what: &str) {
        let list: Vec<f64> = numbers.collect();
        let n = list.len() as f64;
        let mean = list.iter().sum::<f64>() / n;
        let variance = list.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / n;
        let error = (variance / n).sqrt();
        assert!(
            (mean - want).abs() < 5.0 * error,
            "{what}: {mean} +- {error}, not {want}"
        );
    }

    #[test]
    fn tiny_shapes_keep_draws_inside_the_support() {
        let normal = |v: f64| v.is_normal() && v > 0.0;
        let (shape, rate) = (1e-3, 0.5);
        for density in [
            Density::Gamma { shape, rate },
            Density::InverseGamma { shape, scale: 2.0 },
            Density::Beta { a: shape, b: shape },
            Density::Dirichlet {
                alpha: &[1e-3, 2e-3, 5e-4],
            },
            Density::Wishart {
                df: 1e-3,
                scale: &[2.0],
            },
            Density::InverseWishart {
                df: 1e-3,
                scale: &[2.0],
            },
            Density::Exponential { rate: 1e300 },
        ] {
            for value in draws(density, 2000) {
                assert!(value.iter().all(|v| normal(*v)), "{density:?}: {value:?}");
                if let Density::Beta { .. } = density {
                    assert!(value[0] < 1.0, "{density:?}: {value:?}");
                }
            }
        }
    }

    #[test]
    fn tiny_shapes_have_the_moments_of_the_distribution() {
        const N: usize = 400_000;
        let one = |density| draws(density, N).into_iter().map(|v| v[0]);
        // E v = a / r, E v^2 = a (a + 1) / r^2, and how many lie below some number: the incomplete gamma function.
        for a in [1e-3, 0.02, 0.4] {
            let gamma = Density::Gamma {
                shape: a,
                rate: 0.5,
            };
            close(one(gamma), a / 0.5, "Gamma");
            close(one(gamma).map(|v| v * v), a * (a + 1.0) / 0.25, "Gamma^2");
            let limit = (-0.5 / a).exp();
            let small = one(gamma).map(|v| f64::from(v < limit));
            let below = statrs::function::gamma::gamma_lr(a, 0.5 * limit);
            close(small, below, "Gamma below the limit");
            let inverse = Density::InverseGamma {
                shape: a,
                scale: 0.5,
            };
            close(one(inverse).map(|v| 1.0 / v), a / 0.5, "1 / InverseGamma");
            let beta = Density::Beta { a, b: 3.0 * a };
            close(one(beta), 0.25, "Beta");
            let variance = 0.25 * 0.75 / (4.0 * a + 1.0);
            let square = one(beta).map(|v| (v - 0.25).powi(2));
            close(square, variance, "Beta, squared");
            let wishart = Density::Wishart {
                df: 2.0 * a,
                scale: &[1.0],
            };
            close(one(wishart), 2.0 * a, "Wishart");
        }
        let alpha = [1e-3, 2e-3, 5e-3];
        let dirichlet = draws(Density::Dirichlet { alpha: &alpha }, N);
        for (k, a) in alpha.iter().enumerate() {
            let m = a / 8e-3;
            close(dirichlet.iter().map(|v| v[k]), m, "Dirichlet");
            let square = dirichlet.iter().map(|v| (v[k] - m).powi(2));
            close(square, m * (1.0 - m) / 1.008, "Dirichlet, squared");
        }
    }

    #[test]
    fn invalid_parameters_are_errors() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let mut value = [0.0];
        for density in [
            Density::Gaussian {
                mean: 0.0,
                sd: -1.0,
            },
            Density::Gamma {
                shape: -1.0,
                rate: 1.0,
            },
            Density::Exponential { rate: -1.0 },
            Density::Laplace {
                mean: 0.0,
                scale: 0.0,
            },
            Density::Bernoulli { p: 1.5 },
            Density::Beta { a: 0.0, b: 1.0 },
            Density::Uniform {
                low: 1.0,
                high: 0.0,
            },
            Density::Wishart {
                df: -0.5,
                scale: &[1.0],
            },
        ] {
            assert!(density.sample(&mut rng, &mut value).is_err(), "{density:?}");
            assert!(density.log_density(&value).is_err(), "{density:?}");
        }
    }
}
