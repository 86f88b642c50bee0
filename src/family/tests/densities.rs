//! Densities and entropies against `dist::scalar`, statrs, sums and quadrature.

use super::cases::{Case, all};
use super::{Means, dot, near};
use crate::dist::scalar::Density;
use crate::family::Parameter;
use crate::numeric::linalg::inverse_spd;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use statrs::statistics::Distribution;

fn values<'a>(parameters: &'a [Parameter], name: &str) -> &'a [f64] {
    let found = parameters.iter().find(|p| p.name == name);
    &found
        .unwrap_or_else(|| panic!("no parameter {name}"))
        .values
}

/// The log density of the distribution with the textbook parameters; none for those that the language does not have.
fn reference(case: &Case, value: &[f64]) -> Option<f64> {
    let parameters = case.family.parameters(&case.eta, case.d).unwrap();
    let array = |name: &str| values(&parameters, name);
    let number = |name: &str| array(name)[0];
    let mut scale = vec![0.0; case.d * case.d];
    let density = match case.family.name() {
        "Categorical" => Density::Categorical {
            p: array("probabilities"),
        },
        "Bernoulli" => Density::Bernoulli {
            p: number("probability"),
        },
        "Dirichlet" => Density::Dirichlet {
            alpha: array("concentration"),
        },
        "Beta" => Density::Beta {
            a: number("a"),
            b: number("b"),
        },
        "Gamma" => Density::Gamma {
            shape: number("shape"),
            rate: number("rate"),
        },
        "InverseGamma" => Density::InverseGamma {
            shape: number("shape"),
            scale: number("scale"),
        },
        "Gaussian" => Density::GaussianVector {
            mean: array("mean"),
            cov: array("covariance"),
        },
        "Wishart" => {
            inverse_spd(array("inverse_scale"), case.d, &mut scale).unwrap();
            Density::Wishart {
                df: number("df"),
                scale: &scale,
            }
        }
        "InverseWishart" => Density::InverseWishart {
            df: number("df"),
            scale: array("scale"),
        },
        _ => return None,
    };
    Some(density.log_density(value).unwrap())
}

/// The integral of f over the positive numbers, by the trapezoid rule in log v.
fn integrate(f: &dyn Fn(f64) -> f64) -> f64 {
    let step = 0.004;
    (-15_000..5_000)
        .map(|i| {
            let v = (step * f64::from(i)).exp();
            step * v * f(v)
        })
        .sum()
}

/// The integral over the support of a family of numbers.
fn integrate_support(case: &Case, f: &dyn Fn(f64) -> f64) -> f64 {
    if case.family.name() == "GaussianLaplace" {
        integrate(f) + integrate(&|v| f(-v))
    } else {
        integrate(f)
    }
}

fn log_density(case: &Case, log_partition: f64, value: &[f64]) -> f64 {
    let mut statistics = vec![0.0; case.length()];
    case.family.statistics(value, case.d, &mut statistics);
    dot(&case.eta, &statistics) - log_partition
}

#[test]
fn densities_agree_with_the_scalar_evaluator() {
    let mut compared = 0;
    for case in all() {
        let (log_partition, _) = case.solve();
        let mut rng = ChaCha8Rng::seed_from_u64(11);
        let mut value = vec![0.0; case.family.value_length(case.d)];
        for _ in 0..50 {
            case.family
                .sample(&case.eta, case.d, &mut rng, &mut value)
                .unwrap();
            let got = log_density(&case, log_partition, &value);
            if let Some(want) = reference(&case, &value) {
                compared += 1;
                assert!(
                    near(got, want, 1e-10),
                    "{} at {value:?}: {got}, not {want}",
                    case.name()
                );
            }
        }
    }
    assert_eq!(compared, 22 * 50);
}

#[test]
fn the_others_integrate_to_one() {
    let mut checked = 0;
    for case in all() {
        if !matches!(
            case.family.name(),
            "GaussianLaplace" | "TruncatedGaussian" | "GeneralisedInverseGaussian"
        ) {
            continue;
        }
        checked += 1;
        let (log_partition, expected) = case.solve();
        let density = |v: f64| log_density(&case, log_partition, &[v]).exp();
        let mass = integrate_support(&case, &density);
        assert!((mass - 1.0).abs() < 1e-10, "{}: mass {mass}", case.name());
        let entropy = integrate_support(&case, &|v| {
            let p = density(v);
            if p > 0.0 { -p * p.ln() } else { 0.0 }
        });
        let got = log_partition - dot(&case.eta, &expected);
        assert!(
            near(got, entropy, 1e-9),
            "{}: {got}, {entropy}",
            case.name()
        );
        for (i, want) in expected.iter().enumerate() {
            let mean = integrate_support(&case, &|v| {
                let mut t = vec![0.0; case.length()];
                case.family.statistics(&[v], 1, &mut t);
                t[i] * density(v)
            });
            assert!(
                near(mean, *want, 1e-10),
                "{}: statistic {i} has mean {mean}, not {want}",
                case.name()
            );
        }
    }
    assert_eq!(checked, 10);
}

/// The entropy by statrs or a closed form of its own.
fn reference_entropy(case: &Case) -> Option<f64> {
    use statrs::distribution::{Bernoulli, Beta, Gamma, InverseGamma, Normal};
    let parameters = case.family.parameters(&case.eta, case.d).unwrap();
    let number = |name: &str| values(&parameters, name)[0];
    match case.family.name() {
        "Categorical" => {
            let p = values(&parameters, "probabilities");
            Some(p.iter().map(|p| -p * p.ln()).sum())
        }
        "Bernoulli" => Bernoulli::new(number("probability")).unwrap().entropy(),
        "Beta" => Beta::new(number("a"), number("b")).unwrap().entropy(),
        "Gamma" => Gamma::new(number("shape"), number("rate"))
            .unwrap()
            .entropy(),
        "InverseGamma" => InverseGamma::new(number("shape"), number("scale"))
            .unwrap()
            .entropy(),
        "Gaussian" if case.d == 1 => Normal::new(number("mean"), number("covariance").sqrt())
            .unwrap()
            .entropy(),
        _ => None,
    }
}

#[test]
fn entropies_agree_with_closed_forms() {
    let mut compared = 0;
    for case in all() {
        let (log_partition, expected) = case.solve();
        if let Some(want) = reference_entropy(&case) {
            compared += 1;
            let got = log_partition - dot(&case.eta, &expected);
            assert!(near(got, want, 1e-10), "{}: {got}, {want}", case.name());
        }
    }
    assert_eq!(compared, 11);
}

#[test]
fn entropies_of_vectors_and_matrices_are_means_over_draws() {
    let mut compared = 0;
    for case in all().iter().filter(|case| case.d > 1) {
        let (log_partition, expected) = case.solve();
        let mut rng = ChaCha8Rng::seed_from_u64(5);
        let mut value = vec![0.0; case.family.value_length(case.d)];
        let mut means = Means::new(1);
        for _ in 0..4_000 {
            case.family
                .sample(&case.eta, case.d, &mut rng, &mut value)
                .unwrap();
            means.add(&[-reference(case, &value).unwrap()]);
        }
        let entropy = log_partition - dot(&case.eta, &expected);
        means.assert_near(&[entropy], &case.name());
        compared += 1;
    }
    assert_eq!(compared, 10);
}
