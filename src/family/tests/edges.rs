//! The ends of the parameter ranges: finite results or a reason in words, never NaN.

use super::cases::{all, matrix};
use crate::family::*;
use crate::numeric::LOG_ZERO;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

/// Runs everything a family does at `eta`; what comes out must be finite or an error with a reason.
fn exercise(family: &dyn Family, d: usize, eta: &[f64]) -> Result<(), Improper> {
    let name = format!("{} at {eta:?}", family.name());
    let mut expected = vec![f64::NAN; eta.len()];
    let mut value = vec![f64::NAN; family.value_length(d)];
    let mut statistics = vec![f64::NAN; eta.len()];
    let check = |numbers: &[f64], what: &str| {
        assert!(
            numbers.iter().all(|v| v.is_finite()),
            "{name}: {what} {numbers:?}"
        );
    };
    let mut rng = ChaCha8Rng::seed_from_u64(4);
    if family.sample(eta, d, &mut rng, &mut value).is_ok() {
        check(&value, "draw");
        family.statistics(&value, d, &mut statistics);
        assert!(statistics.iter().all(|v| !v.is_nan()), "{name}: statistics");
    }
    match family.mode_statistics(eta, d, &mut value, &mut statistics) {
        Ok(_) => {
            check(&value, "mode");
            check(&statistics, "statistics of the mode");
        }
        Err(error) => assert!(!error.reason.is_empty() && !error.reason.contains("--")),
    }
    if let Ok(parameters) = family.parameters(eta, d) {
        for p in &parameters {
            check(&p.values, p.name);
        }
    }
    let log_partition = family.expectations(eta, d, &mut expected)?;
    check(&[log_partition], "log-partition");
    check(&expected, "expectations");
    Ok(())
}

#[test]
fn tiny_and_huge_parameters_are_finite() {
    let sizes: [f64; 7] = [1e-200, 1e-30, 1e-8, 1.0, 1e8, 1e30, 1e150];
    for x in sizes {
        for y in sizes {
            for (family, eta) in [
                (&Dirichlet as &dyn Family, vec![x - 1.0 + 1e-9, y]),
                (&Beta, vec![x - 1.0 + 1e-9, y]),
                (&Gamma, vec![x - 1.0 + 1e-9, -y]),
                (&InverseGamma, vec![-x - 1.0 - 1e-9, -y]),
                (&GaussianLaplace, vec![-x, 0.0, -0.5 * y]),
                (&TruncatedGaussian, vec![-x, -0.5 * y]),
                (&Gaussian, vec![x, -0.5 * y.max(1e-100)]),
                (&Wishart, vec![x, -0.5 * y]),
                (&InverseWishart, vec![-x - 2.0, -0.5 * y]),
            ] {
                let d = if family.name() == "Dirichlet" { 2 } else { 1 };
                let result = exercise(family, d, &eta);
                // Beyond the range of numbers an error is right; in this range only squares can get there.
                if x < 1e100 && y > 1e-100 && y < 1e100 {
                    assert_eq!(result, Ok(()), "{} at {eta:?}", family.name());
                }
            }
        }
    }
    for p in [-1e6, -3.0, 0.0, 0.5, 1e6] {
        for a in [1e-100, 1e-8, 1.0, 1e8, 1e100] {
            for b in [1e-100, 1e-8, 1.0, 1e8, 1e100] {
                let eta = [p - 1.0, -0.5 * a, -0.5 * b];
                let result = exercise(&GeneralisedInverseGaussian, 1, &eta);
                assert_eq!(result, Ok(()), "{eta:?}");
            }
        }
    }
}

#[test]
fn impossible_elements_stay_impossible() {
    let eta = [LOG_ZERO, 1.0, LOG_ZERO];
    let mut expected = [0.0; 3];
    assert_eq!(Categorical.expectations(&eta, 3, &mut expected), Ok(1.0));
    assert_eq!(expected, [0.0, 1.0, 0.0]);
    let mut rng = ChaCha8Rng::seed_from_u64(4);
    let mut value = [0.0];
    for _ in 0..100 {
        Categorical.sample(&eta, 3, &mut rng, &mut value).unwrap();
        assert_eq!(value, [1.0]);
    }
    let error = Categorical.expectations(&[LOG_ZERO; 3], 3, &mut expected);
    assert_eq!(error.unwrap_err().reason, "no element is possible");
    for b in [LOG_ZERO, f64::NEG_INFINITY] {
        let log_partition = Bernoulli.expectations(&[b], 1, &mut expected).unwrap();
        assert_eq!((log_partition, expected[0]), (0.0, 0.0));
        let log_partition = Bernoulli.expectations(&[-b], 1, &mut expected).unwrap();
        assert_eq!((log_partition, expected[0]), (-LOG_ZERO, 1.0));
    }
}

#[test]
fn improper_parameters_say_what_is_wrong() {
    let mut indefinite = vec![5.0];
    indefinite.extend([-1.0, -2.0, -2.0, -1.0]);
    for (family, d, eta, reason) in [
        (
            &Dirichlet as &dyn Family,
            2,
            vec![0.0, -1.5],
            "concentration -0.5 is not above 0",
        ),
        (&Beta, 1, vec![-1.0, 0.0], "concentration 0 is not above 0"),
        (&Gamma, 1, vec![-1.5, -1.0], "shape -0.5 is not above 0"),
        (&Gamma, 1, vec![1.0, 0.0], "rate 0 is not above 0"),
        (&InverseGamma, 1, vec![0.0, -1.0], "shape -1 is not above 0"),
        (&InverseGamma, 1, vec![-2.0, 3.0], "scale -3 is not above 0"),
        (&Gaussian, 1, vec![1.0, 0.5], "precision -1 is not above 0"),
        (
            &Gaussian,
            2,
            vec![0.0, 0.0, -1.0, -2.0, -2.0, -1.0],
            "the precision matrix is not positive definite (variable 2 of 2)",
        ),
        (
            &GaussianLaplace,
            1,
            vec![-1.0, 2.0, 0.0],
            "precision 0 and rate 1 not above |2|",
        ),
        (
            &GaussianLaplace,
            1,
            vec![-1.0, 0.0, 0.5],
            "precision -1 is not above 0",
        ),
        (
            &TruncatedGaussian,
            1,
            vec![1.0, 0.0],
            "precision 0 and linear coefficient 1 not below 0",
        ),
        (
            &Wishart,
            2,
            vec![-1.5, -1.0, 0.0, 0.0, -1.0],
            "df 0 is not above 1",
        ),
        (
            &Wishart,
            2,
            indefinite.clone(),
            "the inverse scale is not positive definite",
        ),
        (
            &GeneralisedInverseGaussian,
            1,
            vec![-2.0, -1.0, 0.0],
            "p = -1, a = 2, b = 0 give no finite mass",
        ),
    ] {
        let error = exercise(family, d, &eta).unwrap_err();
        assert_eq!(error.reason, reason);
        let mut rng = ChaCha8Rng::seed_from_u64(4);
        let mut value = vec![0.0; family.value_length(d)];
        assert!(family.sample(&eta, d, &mut rng, &mut value).is_err());
        assert!(family.parameters(&eta, d).is_err());
    }
}

#[test]
fn not_a_number_is_an_error() {
    for case in all() {
        for i in 0..case.length() {
            for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
                let allowed = matches!(case.family.name(), "Categorical" | "Bernoulli");
                if allowed && !bad.is_nan() {
                    continue;
                }
                let mut eta = case.eta.clone();
                eta[i] = bad;
                assert!(
                    exercise(case.family, case.d, &eta).is_err(),
                    "{}: {i}",
                    case.name()
                );
            }
        }
    }
}

#[test]
fn wrong_parameters_are_errors() {
    for case in all() {
        let good = case.family.parameters(&case.eta, case.d).unwrap();
        let natural = |parameters: &[Parameter]| case.family.natural(parameters, case.d);
        assert!(natural(&[]).unwrap_err().reason.contains("missing"));
        for i in 0..good.len() {
            let mut short = good.clone();
            short[i].values.clear();
            assert!(natural(&short).is_err(), "{}", case.name());
            let mut bad = good.clone();
            bad[i].values[0] = f64::NAN;
            assert!(natural(&bad).is_err(), "{}", case.name());
        }
    }
    let probabilities = |values: &[f64]| Parameter {
        name: "probabilities",
        shape: vec![values.len()],
        values: values.to_vec(),
    };
    assert!(
        Categorical
            .natural(&[probabilities(&[0.5, 0.6])], 2)
            .is_err()
    );
    assert!(
        Categorical
            .natural(&[probabilities(&[1.5, -0.5])], 2)
            .is_err()
    );
    let eta = Categorical.natural(&[probabilities(&[1.0, 0.0])], 2);
    assert_eq!(eta, Ok(vec![0.0, LOG_ZERO]));
}

#[test]
fn large_dimensions_work() {
    let d = 60;
    let mut eta = vec![0.3; d];
    eta.extend(matrix(d, 1.0).iter().map(|v| -0.5 * v));
    assert_eq!(exercise(&Gaussian, d, &eta), Ok(()));
    let mut eta = vec![40.0];
    eta.extend(matrix(d, 1.0).iter().map(|v| -0.5 * v));
    assert_eq!(exercise(&Wishart, d, &eta), Ok(()));
    eta[0] = -100.0;
    assert_eq!(exercise(&InverseWishart, d, &eta), Ok(()));
}
