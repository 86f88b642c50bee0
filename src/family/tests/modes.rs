//! A mode is a maximum: no draw and no small step from it has a larger exponent.

use super::cases::all;
use super::{dot, near};
use crate::family::*;
use crate::numeric::LOG_ZERO;
use crate::numeric::linalg::log_det_spd;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

/// Moves a value some way towards a draw: stays in every convex support.
fn towards(value: &[f64], draw: &[f64], share: f64) -> Vec<f64> {
    value
        .iter()
        .zip(draw)
        .map(|(v, d)| v + share * (d - v))
        .collect()
}

#[test]
fn nothing_beats_the_mode() {
    let mut interior = 0;
    for case in all() {
        let n = case.family.value_length(case.d);
        let mut mode = vec![f64::NAN; n];
        let mut statistics = vec![f64::NAN; case.length()];
        let Ok(kind) = case
            .family
            .mode_statistics(&case.eta, case.d, &mut mode, &mut statistics)
        else {
            // Only a density that is unbounded in several corners has none.
            assert_eq!(case.family.name(), "Dirichlet");
            continue;
        };
        let mut value = vec![f64::NAN; n];
        assert_eq!(case.family.mode(&case.eta, case.d, &mut value), Ok(kind));
        assert_eq!(value, mode);
        assert!(statistics.iter().all(|t| t.is_finite()), "{}", case.name());
        if kind == ModeKind::Boundary {
            continue;
        }
        interior += 1;
        let best = dot(&case.eta, &statistics);
        let discrete = matches!(case.family.name(), "Categorical" | "Bernoulli");
        let mut rng = ChaCha8Rng::seed_from_u64(9);
        let (mut draw, mut t) = (vec![0.0; n], vec![0.0; case.length()]);
        for round in 0..400 {
            case.family
                .sample(&case.eta, case.d, &mut rng, &mut draw)
                .unwrap();
            if !discrete {
                draw = towards(&mode, &draw, [1.0, 0.1, 0.01, 0.001][round % 4]);
            }
            case.family.statistics(&draw, case.d, &mut t);
            let other = dot(&case.eta, &t);
            assert!(
                other <= best + 1e-12 * (1.0 + best.abs()),
                "{}: {other} at {draw:?} beats {best} at {mode:?}",
                case.name()
            );
        }
    }
    assert!(interior >= 22, "{interior}");
}

#[test]
fn statistics_of_the_mode_are_those_of_its_value() {
    for case in all() {
        let mut value = vec![0.0; case.family.value_length(case.d)];
        let (mut published, mut direct) = (vec![0.0; case.length()], vec![0.0; case.length()]);
        if case
            .family
            .mode_statistics(&case.eta, case.d, &mut value, &mut published)
            .is_ok()
        {
            case.family.statistics(&value, case.d, &mut direct);
            for (a, b) in published.iter().zip(&direct) {
                assert!(near(*a, *b, 1e-13), "{}: {a}, {b}", case.name());
            }
        }
    }
}

#[test]
fn a_tiny_complement_is_not_lost() {
    let (mut value, mut statistics) = ([0.0], [0.0; 2]);
    let kind = Beta.mode_statistics(&[1.0, 1e-30], 1, &mut value, &mut statistics);
    assert_eq!(kind, Ok(ModeKind::Interior));
    assert_eq!(value, [1.0]);
    assert!((statistics[0] + 1e-30).abs() < 1e-44);
    assert!((statistics[1] - 1e-30f64.ln()).abs() < 1e-12);
}

#[test]
fn a_dirichlet_below_one_lies_on_the_boundary() {
    let mut value = [0.0; 3];
    let mut statistics = [0.0; 3];
    let eta = [-0.5, 3.0, 1.0];
    let kind = Dirichlet.mode_statistics(&eta, 3, &mut value, &mut statistics);
    assert_eq!(kind, Ok(ModeKind::Boundary));
    assert_eq!(value, [0.0, 0.75, 0.25]);
    assert_eq!(statistics[0], LOG_ZERO);
    // Maximum likelihood of an element never seen: zero, but nothing is unbounded.
    let kind = Dirichlet.mode(&[0.0, 3.0, 1.0], 3, &mut value);
    assert_eq!((kind, value), (Ok(ModeKind::Interior), [0.0, 0.75, 0.25]));
    let kind = Dirichlet.mode(&[0.0; 3], 3, &mut value);
    assert_eq!((kind, value), (Ok(ModeKind::Interior), [1.0 / 3.0; 3]));
    let error = Dirichlet.mode(&[-0.5, 0.0, -0.2], 3, &mut value);
    assert!(error.unwrap_err().reason.contains("no maximum"));
}

#[test]
fn positive_numbers_at_zero_are_on_the_boundary() {
    let mut value = [f64::NAN];
    for eta in [[-0.5, -1.0], [0.0, -1.0], [-0.5, 0.0]] {
        assert_eq!(Gamma.mode(&eta, 1, &mut value), Ok(ModeKind::Boundary));
        assert_eq!(value, [0.0]);
    }
    assert!(Gamma.mode(&[1.0, 0.0], 1, &mut value).is_err());
    assert!(Gamma.mode(&[0.0, 0.0], 1, &mut value).is_err());
    for eta in [[-5.0, 0.0], [-5.0, 1e-17]] {
        let kind = InverseGamma.mode(&eta, 1, &mut value);
        assert_eq!((kind, value), (Ok(ModeKind::Boundary), [0.0]));
    }
    assert!(InverseGamma.mode(&[0.0, -1.0], 1, &mut value).is_err());
    assert!(InverseGamma.mode(&[0.0, 0.0], 1, &mut value).is_err());
}

#[test]
fn a_flat_variance_is_the_mean_squared_residual() {
    // log gets -N/2, 1/v gets -S/2.
    let mut value = [0.0];
    let kind = InverseGamma.mode(&[-10.0, -36.0], 1, &mut value);
    assert_eq!((kind, value), (Ok(ModeKind::Interior), [3.6]));
    let mut covariance = [0.0; 4];
    let eta = [-10.0, -20.0, -5.0, -5.0, -30.0];
    let kind = InverseWishart.mode(&eta, 2, &mut covariance);
    assert_eq!(kind, Ok(ModeKind::Interior));
    assert_eq!(covariance, [2.0, 0.5, 0.5, 3.0]);
}

#[test]
fn a_singular_covariance_is_on_the_boundary() {
    let mut value = [0.0; 4];
    let mut statistics = [0.0; 5];
    let eta = [-5.0, -0.5, -1.0, -1.0, -2.0];
    let kind = InverseWishart.mode_statistics(&eta, 2, &mut value, &mut statistics);
    assert_eq!(kind, Ok(ModeKind::Boundary));
    assert_eq!(statistics, [LOG_ZERO, -LOG_ZERO, 0.0, 0.0, -LOG_ZERO]);
    let units = [-5.0, -1e-13, 0.0, 0.0, -1e13];
    let kind = InverseWishart.mode(&units, 2, &mut value);
    assert_eq!(kind, Ok(ModeKind::Interior));
    assert!(log_det_spd(&value, 2).is_ok());
    let indefinite = [-5.0, -1.0, -2.0, -2.0, -1.0];
    assert!(InverseWishart.mode(&indefinite, 2, &mut value).is_err());
}

#[test]
fn a_singular_precision_takes_the_shortest_solution() {
    // Two equal columns: only the sum of the weights is known; 4 (w1 + w2) = 8.
    let mut value = [0.0; 2];
    let q = [-2.0; 4];
    let dropped = gaussian::maximise(&[8.0, 8.0], &q, 2, &mut value);
    assert_eq!(dropped, Ok(1));
    assert!(near(value[0], 1.0, 1e-14) && near(value[1], 1.0, 1e-14));
    assert!(gaussian::maximise(&[8.0, -8.0], &q, 2, &mut value).is_err());
    assert!(gaussian::maximise(&[1.0], &[1.0], 1, &mut value).is_err());
    assert_eq!(gaussian::maximise(&[0.0], &[0.0], 1, &mut value), Ok(1));
    // Units apart by 1e24 are not a singular matrix.
    let units = [-0.5e12, 0.0, 0.0, -0.5e-12];
    let dropped = gaussian::maximise(&[1e12, 1e-12], &units, 2, &mut value);
    assert_eq!(dropped, Ok(0));
    assert!(near(value[0], 1.0, 1e-14) && near(value[1], 1.0, 1e-14));
}

#[test]
fn soft_threshold_and_truncation() {
    let mut value = [0.0];
    for (l, b, a, want) in [
        (1.0, 3.0, 2.0, 1.0),
        (1.0, -3.0, 2.0, -1.0),
        (4.0, 3.0, 2.0, 0.0),
        (1.0, 0.5, 0.0, 0.0),
    ] {
        let kind = GaussianLaplace.mode(&[-l, b, -0.5 * a], 1, &mut value);
        assert_eq!((kind, value), (Ok(ModeKind::Interior), [want]));
    }
    for (b, a, want) in [(3.0, 2.0, 1.5), (-3.0, 2.0, 0.0), (-1.0, 0.0, 0.0)] {
        let kind = TruncatedGaussian.mode(&[b, -0.5 * a], 1, &mut value);
        assert_eq!((kind, value), (Ok(ModeKind::Interior), [want]));
    }
    for eta in [[1.0, 0.0], [1.0, 0.5], [0.0, 0.0]] {
        assert!(TruncatedGaussian.mode(&eta, 1, &mut value).is_err());
    }
    let linear = [-1.0, 2.0, 0.0];
    assert!(GaussianLaplace.mode(&linear, 1, &mut value).is_err());
}
