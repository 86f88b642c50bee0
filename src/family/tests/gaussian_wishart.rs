//! The joint family of means and precision, against its two conditionals.

use super::cases::matrix;
use super::{Means, dot, gradient, near};
use crate::dist::scalar::Density;
use crate::family::gaussian_wishart::GaussianWishart;
use crate::family::{Family, Gamma, Parameter, Wishart};
use crate::numeric::linalg::inverse_spd;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use std::f64::consts::PI;

fn parameter(name: &'static str, shape: &[usize], values: Vec<f64>) -> Parameter {
    Parameter {
        name,
        shape: shape.to_vec(),
        values,
    }
}

/// Families with parameters and the natural parameter of these.
fn cases() -> Vec<(GaussianWishart, Vec<Parameter>, Vec<f64>)> {
    [(1, 1), (2, 1), (3, 1), (1, 2), (2, 2), (3, 4)]
        .into_iter()
        .map(|(d, count)| {
            let family = GaussianWishart { d, count };
            let mean = (0..d * count).map(|i| (i as f64 * 1.3).sin()).collect();
            let parameters = vec![
                parameter("mean", &[d, count], mean),
                parameter("beta", &[count, count], matrix(count, 1.7)),
                parameter("df", &[], vec![d as f64 + 1.5]),
                parameter("inverse_scale", &[d, d], matrix(d, 0.8)),
            ];
            let eta = family.natural(&parameters).unwrap();
            assert_eq!(eta.len(), family.length());
            (family, parameters, eta)
        })
        .collect()
}

/// log p(w, V) = log Wishart(V) + log Gaussian(w given V), where column by column w has the covariance (P (x) V)^-1.
fn reference(family: GaussianWishart, parameters: &[Parameter], w: &[f64], v: &[f64]) -> f64 {
    let (d, n) = (family.d, family.count);
    let mut scale = vec![0.0; d * d];
    inverse_spd(&parameters[3].values, d, &mut scale).unwrap();
    let wishart = Density::Wishart {
        df: parameters[2].values[0],
        scale: &scale,
    };
    let size = d * n;
    let mut precision = vec![0.0; size * size];
    let (mut mean, mut value) = (vec![0.0; size], vec![0.0; size]);
    for c in 0..n {
        for i in 0..d {
            mean[c * d + i] = parameters[0].values[i * n + c];
            value[c * d + i] = w[i * n + c];
            for e in 0..n {
                for j in 0..d {
                    precision[(c * d + i) * size + e * d + j] =
                        parameters[1].values[c * n + e] * v[i * d + j];
                }
            }
        }
    }
    let mut cov = vec![0.0; size * size];
    inverse_spd(&precision, size, &mut cov).unwrap();
    let gaussian = Density::GaussianVector {
        mean: &mean,
        cov: &cov,
    };
    wishart.log_density(v).unwrap() + gaussian.log_density(&value).unwrap()
}

#[test]
fn gradient_of_the_log_partition_is_the_expectation() {
    for (family, _, eta) in cases() {
        let mut expected = vec![0.0; family.length()];
        family.expectations(&eta, &mut expected).unwrap();
        let slopes = gradient(&eta, 1e-4, &|eta| {
            let mut unused = vec![0.0; family.length()];
            family.expectations(eta, &mut unused).unwrap()
        });
        for (i, (slope, mean)) in slopes.iter().zip(&expected).enumerate() {
            assert!(
                near(*slope, *mean, 1e-8),
                "{family:?}: {i}: {slope}, {mean}"
            );
        }
    }
}

#[test]
fn density_entropy_and_draws_agree_with_the_two_conditionals() {
    for (family, parameters, eta) in cases() {
        let (d, n) = (family.d, family.count);
        let mut expected = vec![0.0; family.length()];
        let log_partition = family.expectations(&eta, &mut expected).unwrap();
        let mut mean = vec![0.0; d * n];
        family.mean(&eta, &mut mean).unwrap();
        let mut rng = ChaCha8Rng::seed_from_u64(2);
        let (mut w, mut v) = (vec![0.0; d * n], vec![0.0; d * d]);
        let mut t = vec![0.0; family.length()];
        let (mut statistics, mut means) = (Means::new(t.len()), Means::new(w.len()));
        let mut entropy = Means::new(1);
        for round in 0..20_000 {
            family.sample(&eta, &mut rng, &mut w, &mut v).unwrap();
            family.statistics(&w, &v, &mut t);
            statistics.add(&t);
            means.add(&w);
            let log = dot(&eta, &t) - log_partition;
            if round < 500 {
                let want = reference(family, &parameters, &w, &v);
                assert!(near(log, want, 1e-9), "{family:?}: {log}, {want}");
            }
            entropy.add(&[-log]);
        }
        let name = format!("{family:?}");
        statistics.assert_near(&expected, &name);
        means.assert_near(&mean, &name);
        entropy.assert_near(&[family.entropy(&eta).unwrap()], &name);
    }
}

#[test]
fn entropy_is_that_of_the_precision_and_of_the_means_given_it() {
    for (family, parameters, eta) in cases() {
        let (d, n) = (family.d, family.count);
        let wishart = Wishart.natural(&parameters[2..], d).unwrap();
        let mut expected = vec![0.0; wishart.len()];
        let log_partition = Wishart.expectations(&wishart, d, &mut expected).unwrap();
        let of_precision = log_partition - dot(&wishart, &expected);
        // E over V of the entropy of n d numbers with precision P (x) V.
        let log_pairs = crate::numeric::linalg::log_det_spd(&parameters[1].values, n).unwrap();
        let size = (d * n) as f64;
        let of_means =
            0.5 * (size * (1.0 + (2.0 * PI).ln()) - d as f64 * log_pairs - n as f64 * expected[0]);
        let entropy = family.entropy(&eta).unwrap();
        assert!(near(entropy, of_precision + of_means, 1e-11), "{family:?}");
    }
}

#[test]
fn parameters_lead_back() {
    for (family, parameters, eta) in cases() {
        let back = family.parameters(&eta).unwrap();
        for (a, b) in parameters.iter().zip(&back) {
            assert_eq!(a.name, b.name);
            assert_eq!(b.shape.iter().product::<usize>(), b.values.len());
            for (x, y) in a.values.iter().zip(&b.values) {
                assert!(near(*x, *y, 1e-11), "{family:?}: {}", a.name);
            }
        }
    }
}

#[test]
fn one_feature_is_gaussian_gamma() {
    // mu given tau: mean 2, precision 3 tau; tau: Gamma(1.5, rate 0.5), that is df 3 and inverse scale 1.
    let family = GaussianWishart { d: 1, count: 1 };
    let eta = family
        .natural(&[
            parameter("mean", &[1], vec![2.0]),
            parameter("beta", &[], vec![3.0]),
            parameter("df", &[], vec![3.0]),
            parameter("inverse_scale", &[1, 1], vec![1.0]),
        ])
        .unwrap();
    let mut expected = [0.0; 4];
    family.expectations(&eta, &mut expected).unwrap();
    let mut gamma = [0.0; 2];
    Gamma.expectations(&[0.5, -0.5], 1, &mut gamma).unwrap();
    // E tau = 3, E tau mu = 6, E tau mu^2 = 1/3 + 12.
    assert!(near(expected[0], gamma[0], 1e-14) && near(expected[1], 3.0, 1e-14));
    assert!(near(expected[2], 6.0, 1e-14));
    assert!(near(expected[3], 1.0 / 3.0 + 12.0, 1e-14));
}

#[test]
fn improper_parameters_say_what_is_wrong() {
    let family = GaussianWishart { d: 1, count: 1 };
    let mut unused = [0.0; 4];
    for (eta, reason) in [
        ([0.5, -0.5, 0.0, 0.5], "precision of the means"),
        ([0.5, -0.5, 5.0, -0.5], "inverse scale"),
        ([-0.5, -0.5, 0.0, -0.5], "df"),
        ([0.5, f64::NAN, 0.0, -0.5], "NaN"),
    ] {
        let error = family.expectations(&eta, &mut unused).unwrap_err();
        assert!(error.reason.contains(reason), "{}", error.reason);
        assert!(family.parameters(&eta).is_err());
        assert!(family.entropy(&eta).is_err());
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        assert!(
            family
                .sample(&eta, &mut rng, &mut [0.0], &mut [0.0])
                .is_err()
        );
    }
}
