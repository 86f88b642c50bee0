//! Draws from the distributions of the language, by rand_distr.
//!
//! Vectors from their scalars: Dirichlet by gammas, Multinomial by binomials, matrices by Bartlett's decomposition.

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
                    *v = rand_distr::Gamma::new(*a, 1.0)
                        .map_err(invalid)?
                        .sample(rng);
                }
                let sum: f64 = value.iter().sum();
                check(sum > 0.0, "alpha is too small to draw from")?;
                value.iter_mut().for_each(|v| *v /= sum);
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
            Density::Beta { a, b } => rand_distr::Beta::new(a, b).map_err(invalid)?.sample(rng),
            Density::Gamma { shape, rate } => rand_distr::Gamma::new(shape, 1.0 / rate)
                .map_err(invalid)?
                .sample(rng),
            Density::Exponential { rate } => {
                rand_distr::Exp::new(rate).map_err(invalid)?.sample(rng)
            }
            Density::InverseGamma { shape, scale } => {
                1.0 / rand_distr::Gamma::new(shape, 1.0 / scale)
                    .map_err(invalid)?
                    .sample(rng)
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

/// A matrix R with R R' a draw of the Wishart whose scale has this factor.
fn wishart_root(df: f64, scale: &Factor, rng: &mut dyn Rng) -> Result<Vec<f64>, InvalidParameter> {
    let d = scale.d;
    check(df > d as f64 - 1.0, "df is not above d - 1")?;
    let mut root = vec![0.0; d * d];
    for column in 0..d {
        let mut noise = vec![0.0; d];
        let chi = rand_distr::ChiSquared::new(df - column as f64).map_err(invalid)?;
        noise[column] = chi.sample(rng).sqrt();
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
