//! Closed forms, and a trapezium over a fine grid.

use super::*;
use crate::numeric::special::{digamma, ln_gamma, trigamma};
use std::f64::consts::PI;

fn close(got: f64, want: f64, tolerance: f64, what: &str) {
    assert!(
        (got - want).abs() <= tolerance * want.abs().max(1e-300),
        "{what}: {got:e} is not {want:e}"
    );
}

#[test]
fn gaussians_of_any_place_and_width() {
    for (m, sd) in [
        (0.0, 1.0),
        (3.0, 0.1),
        (-1e-6, 1e3),
        (0.0, 1e-12),
        (0.0, 1e12),
        (1e6, 1e-3),
        (-1_234_567.891, 1e-3),
        (12.345, 1e9),
    ] {
        let evaluations = std::cell::Cell::new(0);
        let g = |x: f64| {
            evaluations.set(evaluations.get() + 1);
            -0.5 * ((x - m) / sd).powi(2) + 7.0
        };
        let got = density(&g, Support::Real, None, &[&|x: f64| ((x - m) / sd).powi(4)]).unwrap();
        // The gap between doubles near m, in units of the width.
        let t = 1e-11 + 20.0 * f64::EPSILON * f64::abs(m) / sd;
        let log_z = 7.0 + 0.5 * (2.0 * PI).ln() + f64::ln(sd);
        assert!((got.log_normaliser - log_z).abs() < t, "{m} {sd} {got:?}");
        assert!(
            (got.mean - m).abs() < t * sd + 1e-15 * f64::abs(m),
            "{m} {sd} {}",
            got.mean
        );
        close(got.second, m * m + sd * sd, 1e-11, "second");
        close(got.expectations[0], 3.0, 10.0 * t, "fourth");
        let entropy = 0.5 * (2.0 * PI * std::f64::consts::E).ln() + f64::ln(sd);
        assert!((got.entropy - entropy).abs() < 10.0 * t);
        assert!((got.mode - m).abs() < 1e-6 * sd + 1e-15 * f64::abs(m));
        assert!(evaluations.get() < 20_000, "{}", evaluations.get());
        let upper = got.quantile(&g, 0.841_344_746_068_542_9);
        assert!(
            (upper - m - sd).abs() < 1e-8 * sd + t * sd,
            "{m} {sd} {upper}"
        );
    }
}

#[test]
fn gammas_from_spikes_at_zero_to_near_gaussians() {
    for shape in [0.01, 0.3, 1.0, 4.5, 100.0, 1e4] {
        for rate in [1e-6, 1.0, 1e5] {
            let g = |x: f64| (shape - 1.0) * x.ln() - rate * x;
            let log = f64::ln as fn(f64) -> f64;
            let inverse = |x: f64| 1.0 / x;
            let log_square = |x: f64| (x.ln() - (digamma(shape) - f64::ln(rate))).powi(2);
            let got = density(&g, Support::Positive, None, &[&log, &inverse, &log_square]).unwrap();
            let log_z = ln_gamma(shape) - shape * f64::ln(rate);
            let what = format!("Gamma({shape}, {rate}) ");
            assert!(
                (got.log_normaliser - log_z).abs() < 1e-10 * log_z.abs().max(1.0),
                "{what}{got:?}"
            );
            close(got.mean, shape / rate, 1e-10, &(what.clone() + "mean"));
            close(
                got.second,
                shape * (shape + 1.0) / rate / rate,
                1e-10,
                &(what.clone() + "second"),
            );
            close(
                got.expectations[0],
                digamma(shape) - f64::ln(rate),
                1e-10,
                &(what.clone() + "log"),
            );
            if shape > 1.0 {
                close(
                    got.expectations[1],
                    rate / (shape - 1.0),
                    1e-10,
                    &(what.clone() + "1/x"),
                );
                close(got.mode, (shape - 1.0) / rate, 1e-6, "mode");
            } else {
                assert_eq!(got.expectations[1], f64::INFINITY, "{what}");
                assert_eq!(got.mode, 0.0);
            }
            if shape > 0.1 {
                close(
                    got.expectations[2],
                    trigamma(shape),
                    1e-8,
                    &(what.clone() + "log square"),
                );
            }
            let entropy = shape - f64::ln(rate) + ln_gamma(shape) + (1.0 - shape) * digamma(shape);
            assert!(
                (got.entropy - entropy).abs() < 1e-9 * log_z.abs().max(1.0),
                "{what} entropy"
            );
            use statrs::distribution::{ContinuousCDF, Gamma};
            if shape < 1e3 {
                let below = Gamma::new(shape, rate).unwrap().cdf(got.quantile(&g, 0.6));
                assert!((below - 0.6).abs() < 1e-9, "{what} {below}");
            }
        }
    }
}

#[test]
fn betas_with_mass_at_either_end() {
    for (a, b) in [
        (1.0, 1.0),
        (0.5, 0.5),
        (2.0, 7.0),
        (300.0, 0.7),
        (0.05, 3.0),
        (40.0, 2e3),
        (0.3, 0.02),
    ] {
        let evaluations = std::cell::Cell::new(0);
        let g = |x: f64| {
            evaluations.set(evaluations.get() + 1);
            (a - 1.0) * f64::ln(x) + (b - 1.0) * f64::ln_1p(-x)
        };
        let log = f64::ln as fn(f64) -> f64;
        let got = density(&g, Support::Unit, None, &[&log, &|x: f64| (-x).ln_1p()]).unwrap();
        assert!(evaluations.get() < 20_000, "{}", evaluations.get());
        let log_z = ln_gamma(a) + ln_gamma(b) - ln_gamma(a + b);
        let what = format!("Beta({a}, {b})");
        // Below 1 - x = 2^-30 the tail is a power up to (a - 1) 2^-30.
        let t = if b < 0.1 { 1e-9 } else { 1e-10 };
        assert!(
            (got.log_normaliser - log_z).abs() < t * log_z.abs().max(1.0),
            "{what} {got:?} {log_z}"
        );
        close(got.mean, a / (a + b), t, &what);
        close(
            got.expectations[0],
            digamma(a) - digamma(a + b),
            3.0 * t,
            &what,
        );
        close(
            got.expectations[1],
            digamma(b) - digamma(a + b),
            3.0 * t,
            &what,
        );
        use statrs::distribution::{Beta, ContinuousCDF};
        for p in [0.01, 0.5, 0.9] {
            let x = got.quantile(&g, p);
            if x < 1.0 - 1e-9 {
                let below = Beta::new(a, b).unwrap().cdf(x);
                assert!((below - p).abs() < 1e-8, "{what} {p} {x} {below}");
            }
        }
    }
}

#[test]
fn kinks_skewness_and_two_modes() {
    let laplace = density(
        &|x: f64| -f64::abs(x - 0.7) / 0.03,
        Support::Real,
        None,
        &[&|x: f64| (x - 0.7).abs()],
    )
    .unwrap();
    assert!((laplace.log_normaliser - 0.06f64.ln()).abs() < 1e-11);
    close(laplace.expectations[0], 0.03, 1e-11, "|x - m|");
    close(laplace.second, 0.7 * 0.7 + 2.0 * 0.0009, 1e-11, "second");
    close(laplace.mode, 0.7, 1e-12, "mode");

    // A Gaussian prior and a Laplace likelihood: the kink is not at the mode; by erfc on either side.
    let got = density(
        &|x: f64| -0.5 * x * x - f64::abs(x - 2.0),
        Support::Real,
        None,
        &[],
    )
    .unwrap();
    let erfc = |x: f64| statrs::function::erf::erfc(x);
    let half = (0.5 * PI).sqrt() * 0.5f64.exp();
    let r = 0.5f64.sqrt();
    let want = half * ((-2f64).exp() * erfc(-r) + 2f64.exp() * erfc(3.0 * r));
    close(
        got.log_normaliser,
        want.ln(),
        1e-10,
        "Gaussian times Laplace",
    );
    close(got.mode, 1.0, 1e-6, "mode");

    // Two Gaussians, a thousand widths apart, weights 1 and 3; the second much narrower.
    let two = |x: f64| {
        let (a, b) = (
            -0.5 * (x + 1.0).powi(2),
            3f64.ln() - 0.5 * ((x - 10.0) / 1e-2).powi(2) + 100f64.ln(),
        );
        a.max(b) + (-(a - b).abs()).exp().ln_1p()
    };
    let got = density(&two, Support::Real, None, &[]).unwrap();
    assert!((got.log_normaliser - (4.0 * (2.0 * PI).sqrt()).ln()).abs() < 1e-10);
    close(got.mean, 0.75 * 10.0 - 0.25, 1e-10, "mean of two");
    close(got.mode, 10.0, 1e-8, "mode of two");

    // A log-normal: skewed; E[x^k] = exp(k m + k^2 v / 2).
    let (m, v) = (1.5, 2.0);
    let got = density(
        &|x: f64| -x.ln() - (x.ln() - m).powi(2) / (2.0 * v),
        Support::Positive,
        None,
        &[],
    )
    .unwrap();
    close(got.mean, f64::exp(m + 0.5 * v), 1e-10, "log-normal mean");
    close(
        got.second,
        f64::exp(2.0 * m + 2.0 * v),
        1e-10,
        "log-normal second",
    );
    close(got.mode, f64::exp(m - v), 1e-6, "log-normal mode");
    // A uniform, by jumps to zero.
    let g = |x: f64| {
        if (2.0..5.0).contains(&x) {
            0.0
        } else {
            f64::NEG_INFINITY
        }
    };
    let got = density(&g, Support::Real, Some((3.0, 1.0)), &[]).unwrap();
    close(got.log_normaliser, 3f64.ln(), 1e-9, "uniform");
}

#[test]
fn logistic_normal_moments_are_those_of_a_trapezium() {
    // A Gaussian in a logit's place: sum of 12 log sigmoid(x) + 3 log sigmoid(-x) - (x - 1)^2/8, over a fine grid.
    let g = |x: f64| {
        12.0 * -Link::Softplus.value(-x) - 3.0 * Link::Softplus.value(x) - (x - 1.0).powi(2) / 8.0
    };
    let sigmoid = |x: f64| 1.0 / (1.0 + (-x).exp());
    let got = density(&g, Support::Real, None, &[&sigmoid]).unwrap();
    let (mut z, mut mean, mut logistic) = (0.0, 0.0, 0.0);
    let h = 1e-2;
    for i in -3000..3000 {
        let x = h * f64::from(i);
        let p = h
            * (1.0 / (1.0 + (-x).exp())).powi(12)
            * (1.0 / (1.0 + x.exp())).powi(3)
            * (-(x - 1.0).powi(2) / 8.0).exp();
        z += p;
        mean += p * x;
        logistic += p / (1.0 + (-x).exp());
    }
    assert!((got.log_normaliser - z.ln()).abs() < 1e-11);
    close(got.mean, mean / z, 1e-11, "mean");
    close(got.expectations[0], logistic / z, 1e-11, "sigmoid");
    // The same density written on (0, 1).
    let unit = |p: f64| {
        let x = p.ln() - (-p).ln_1p();
        g(x) - p.ln() - (-p).ln_1p()
    };
    let again = density(&unit, Support::Unit, None, &[]).unwrap();
    assert!((again.log_normaliser - z.ln()).abs() < 1e-10);
    close(again.mean, logistic / z, 1e-10, "unit mean");
}

#[test]
fn heavy_tails_have_the_moments_that_exist() {
    for df in [0.3, 1.0, 2.0, 2.5, 7.0] {
        let g = |x: f64| -0.5 * (df + 1.0) * ((x - 3.0) * (x - 3.0) / df).ln_1p();
        let got = density(&g, Support::Real, None, &[&|x: f64| (x - 3.0).abs().sqrt()]).unwrap();
        let log_z = ln_gamma(0.5 * df) - ln_gamma(0.5 * (df + 1.0)) + 0.5 * f64::ln(PI * df);
        assert!((got.log_normaliser - log_z).abs() < 1e-10, "{df} {got:?}");
        if df > 1.0 {
            close(got.mean, 3.0, 1e-9, "mean");
        } else {
            assert_eq!(got.mean, f64::INFINITY, "{df}");
        }
        if df > 2.0 {
            close(got.second, 9.0 + df / (df - 2.0), 1e-9, "second");
        } else {
            assert_eq!(got.second, f64::INFINITY, "{df}");
        }
        assert_eq!(got.expectations[0].is_finite(), df > 0.5);
        assert!((got.quantile(&g, 0.5) - 3.0).abs() < 1e-7, "{df}");
    }
}

#[test]
fn densities_that_are_none_are_said_to_be() {
    use Improper::{InfiniteMass, NoMass, Unbounded};
    let fail = |g: &dyn Fn(f64) -> f64, support| density(g, support, None, &[]).unwrap_err();
    assert_eq!(fail(&|_| 0.0, Support::Real), InfiniteMass);
    assert_eq!(fail(&|x| x, Support::Real), InfiniteMass);
    assert_eq!(fail(&|x| x * x, Support::Real), InfiniteMass);
    assert_eq!(fail(&|x| -x, Support::Real), InfiniteMass);
    assert_eq!(fail(&|x: f64| -x.ln(), Support::Positive), InfiniteMass);
    assert_eq!(
        fail(&|x: f64| -1.5 * x.ln(), Support::Positive),
        InfiniteMass
    );
    assert_eq!(fail(&|_| 0.0, Support::Positive), InfiniteMass);
    assert_eq!(fail(&|x: f64| -x.ln(), Support::Unit), InfiniteMass);
    assert_eq!(fail(&|x: f64| -(-x).ln_1p(), Support::Unit), InfiniteMass);
    assert_eq!(fail(&|_| f64::NAN, Support::Real), NoMass);
    assert_eq!(fail(&|_| f64::NEG_INFINITY, Support::Unit), NoMass);
    assert_eq!(fail(&|_| f64::INFINITY, Support::Real), NoMass);
    assert_eq!(
        fail(&|x: f64| -0.5 * x.abs().ln() - x * x, Support::Real),
        Unbounded
    );
}

#[test]
fn work_is_bounded_whatever_the_function() {
    for kind in 0..3 {
        let evaluations = std::cell::Cell::new(0);
        let g = |x: f64| {
            evaluations.set(evaluations.get() + 1);
            match kind {
                0 => 30.0 * (1e7 * x).sin() - x * x,
                1 => (1e5 * x).sin().abs().ln() * 50.0 - x.abs(),
                _ => -(x * x).sqrt().sqrt(),
            }
        };
        let found = density(&g, Support::Real, None, &[]);
        assert!(evaluations.get() <= 50_000, "{kind} {}", evaluations.get());
        assert!(found.is_err() || found.is_ok_and(|q| q.log_normaliser.is_finite()));
    }
}
