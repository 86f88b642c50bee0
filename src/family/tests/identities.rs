//! What holds for every exponential family: grad A = E[t], round trips, means of draws.

use super::cases::all;
use super::{Means, gradient, near};
use crate::family::{Family, Gamma, InverseGamma, InverseWishart, Support, Wishart, by_signature};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

#[test]
fn gradient_of_the_log_partition_is_the_expectation() {
    for case in all() {
        let (_, expected) = case.solve();
        let slopes = gradient(&case.eta, case.step, &|eta| {
            let mut unused = vec![0.0; eta.len()];
            case.family
                .expectations(eta, case.d, &mut unused)
                .unwrap_or(f64::NAN)
        });
        for (i, (slope, mean)) in slopes.iter().zip(&expected).enumerate() {
            assert!(
                near(*slope, *mean, 2e-8),
                "{}: slope {i} is {slope}, E[t] is {mean}",
                case.name()
            );
        }
    }
}

#[test]
fn many_elements_have_what_each_has_alone() {
    let cases = all();
    for case in &cases {
        // Other elements of the same family stand before and after.
        let kin = |c: &&super::cases::Case| c.family.name() == case.family.name() && c.d == case.d;
        let group: Vec<_> = cases.iter().filter(kin).chain([case, case]).collect();
        let eta: Vec<f64> = group.iter().flat_map(|c| c.eta.clone()).collect();
        let mut expected = vec![f64::NAN; eta.len()];
        let mut log_partition = vec![f64::NAN; group.len()];
        case.family
            .expectations_of_all(&eta, case.d, &mut expected, &mut log_partition)
            .unwrap();
        let all = case.family.parameters_of_all(&eta, case.d).unwrap();
        for (i, c) in group.iter().enumerate() {
            let (z, own) = c.solve();
            assert!(near(log_partition[i], z, 1e-14), "{}", c.name());
            for (a, b) in expected[i * own.len()..].iter().zip(&own) {
                assert!(near(*a, *b, 1e-14), "{}", c.name());
            }
            for (p, all) in c.family.parameters(&c.eta, c.d).unwrap().iter().zip(&all) {
                let n = p.values.len();
                assert_eq!(p.values, all.values[i * n..(i + 1) * n]);
                assert_eq!((p.name, &p.shape), (all.name, &all.shape));
            }
        }
        // An element that is not a number is found where it stands.
        let mut wrong = eta.clone();
        wrong[case.length()] = f64::NAN;
        let found =
            case.family
                .expectations_of_all(&wrong, case.d, &mut expected, &mut log_partition);
        assert_eq!(found.err().map(|(i, _)| i), Some(1), "{}", case.name());
    }
}

#[test]
fn parts_have_the_stated_lengths() {
    for case in all() {
        let lengths = case.family.lengths(case.d);
        assert_eq!(lengths.iter().sum::<usize>(), case.length());
        assert_eq!(lengths.len(), case.family.signature().len());
    }
}

#[test]
fn parameters_lead_back_to_the_same_density() {
    for case in all() {
        let parameters = case.family.parameters(&case.eta, case.d).unwrap();
        for p in &parameters {
            assert_eq!(p.shape.iter().product::<usize>(), p.values.len());
        }
        let eta = case.family.natural(&parameters, case.d).unwrap();
        assert_eq!(eta.len(), case.length(), "{}", case.name());
        let mut expected = vec![0.0; eta.len()];
        case.family
            .expectations(&eta, case.d, &mut expected)
            .unwrap();
        for (a, b) in expected.iter().zip(case.solve().1) {
            assert!(near(*a, b, 1e-11), "{}: {a} after, {b} before", case.name());
        }
        let again = case.family.parameters(&eta, case.d).unwrap();
        for (a, b) in parameters.iter().zip(&again) {
            assert_eq!(a.name, b.name);
            for (x, y) in a.values.iter().zip(&b.values) {
                assert!(near(*x, *y, 1e-11), "{}: {}", case.name(), a.name);
            }
        }
    }
}

#[test]
fn means_of_draws_are_the_expectations() {
    for case in all() {
        let (_, expected) = case.solve();
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        let mut value = vec![0.0; case.family.value_length(case.d)];
        let mut statistics = vec![0.0; case.length()];
        let mut means = Means::new(case.length());
        for _ in 0..20_000 {
            case.family
                .sample(&case.eta, case.d, &mut rng, &mut value)
                .unwrap();
            assert!(value.iter().all(|v| v.is_finite()), "{}", case.name());
            case.family.statistics(&value, case.d, &mut statistics);
            means.add(&statistics);
        }
        means.assert_near(&expected, &case.name());
    }
}

#[test]
fn matrices_of_side_one_are_numbers() {
    let pairs: [(&dyn Family, &dyn Family, [f64; 2]); 2] = [
        (&Wishart, &Gamma, [0.7, -1.5]),
        (&InverseWishart, &InverseGamma, [-2.7, -1.5]),
    ];
    for (matrix, number, eta) in pairs {
        let (mut a, mut b) = ([0.0; 2], [0.0; 2]);
        let of_matrix = matrix.expectations(&eta, 1, &mut a).unwrap();
        let of_number = number.expectations(&eta, 1, &mut b).unwrap();
        assert!(near(of_matrix, of_number, 1e-14));
        assert!(near(a[0], b[0], 1e-14) && near(a[1], b[1], 1e-14));
        let (mut x, mut y) = ([0.0], [0.0]);
        let kinds = (
            matrix.mode(&eta, 1, &mut x).unwrap(),
            number.mode(&eta, 1, &mut y).unwrap(),
        );
        assert_eq!(kinds.0, kinds.1);
        assert!(near(x[0], y[0], 1e-15));
    }
}

#[test]
fn every_family_is_found_by_its_signature() {
    for support in [
        Support::Element,
        Support::Binary,
        Support::Simplex,
        Support::Probability,
        Support::Real,
        Support::Positive,
        Support::Matrix,
    ] {
        for family in support.families() {
            let found = by_signature(support, family.signature()).map(Family::name);
            assert_eq!(found, Some(family.name()));
        }
    }
}
