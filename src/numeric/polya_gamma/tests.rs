//! Moments and Laplace transforms by quadrature; draws against them.

use super::*;
use crate::numeric::quadrature::{Support, density};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

#[test]
fn the_density_has_mass_one_and_the_moments() {
    for b in [1.0, 2.0, 0.7, 3.4, 12.0, 40.0] {
        for c in [0.0, 0.5, 3.0, 15.0] {
            let g = |w: f64| log_density(w, b, c);
            let hint = Some((mean(b, c), variance(b, c).sqrt()));
            let got = density(&g, Support::Positive, hint, &[]).unwrap();
            assert!(
                got.log_normaliser.abs() < 1e-11,
                "{b} {c} {}",
                got.log_normaliser
            );
            let want = if c == 0.0 {
                b / 4.0
            } else {
                b / (2.0 * c) * (0.5 * c).tanh()
            };
            assert!((got.mean / want - 1.0).abs() < 1e-11, "{b} {c}");
            let spread = got.second - got.mean * got.mean;
            let closed = if c == 0.0 {
                b / 24.0
            } else {
                b / (4.0 * c.powi(3)) * (c.sinh() - c) / (0.5 * c).cosh().powi(2)
            };
            assert!((spread / closed - 1.0).abs() < 1e-9, "{b} {c} {spread}");
            assert!((variance(b, c) / closed - 1.0).abs() < 1e-9, "{b} {c}");
            assert!((mean(b, c) / want - 1.0).abs() < 1e-13);
        }
    }
}

#[test]
fn the_mixture_is_the_logistic_likelihood() {
    for (a, b, psi) in [
        (1.0, 1.0, 0.8),
        (0.0, 1.0, -3.0),
        (3.0, 7.0, 1.4),
        (2.5, 4.2, -0.6),
    ] {
        let g = |w: f64| log_density(w, b, 0.0) - 0.5 * psi * psi * w;
        let integral = density(&g, Support::Positive, None, &[])
            .unwrap()
            .log_normaliser;
        let mixture = -b * LN_2 + (a - 0.5 * b) * psi + integral;
        let logistic = a * psi - b * f64::exp(psi).ln_1p();
        assert!((mixture - logistic).abs() < 1e-11, "{a} {b} {psi}");
    }
}

#[test]
fn the_divergence_is_that_of_the_densities() {
    for (b, c) in [
        (1.0, 0.02),
        (1.0, 0.049),
        (1.0, 0.051),
        (2.0, 1.0),
        (3.0, 6.0),
    ] {
        let g = |w: f64| log_density(w, b, c);
        let ratio = |w: f64| log_density(w, b, c) - log_density(w, b, 0.0);
        let got = density(&g, Support::Positive, None, &[&ratio]).unwrap();
        assert!(
            (divergence(b, c) - got.expectations[0]).abs() < 1e-8 * c * c,
            "{b} {c}"
        );
    }
    assert_eq!(divergence(2.0, 0.0), 0.0);
    assert!((divergence(1.0, 1e200) + LN_2).is_finite());
    // The two forms meet.
    let slope = divergence(1.0, 0.050_000_1) / divergence(1.0, 0.049_999_9);
    assert!((slope - 1.0 - 4.0 * 4e-6).abs() < 1e-8, "{slope}");
}

#[test]
fn the_series_and_the_inversion_agree() {
    let mut both = 0;
    for b in [0.5, 1.0, 2.0, 3.7, 8.0] {
        for i in 1..40 {
            let w = 0.03 * f64::from(i) * b;
            if let Some(series) = log_series(w, b) {
                both += 1;
                let inverse = log_inversion(w, b);
                assert!(
                    (series - inverse).abs() < 1e-9,
                    "{b} {w} {series} {inverse}"
                );
            }
        }
    }
    assert!(both > 60, "{both}");
    // The right tail of PG(1, 0) by the other series: 2 pi (-1)^n (2n+1) exp(-(2n+1)^2 pi^2 w/2).
    for w in [0.5, 1.0, 3.0, 20.0] {
        let series: f64 = (0..30)
            .map(|n| {
                let odd = f64::from(2 * n + 1);
                let sign = if n % 2 == 0 { 1.0 } else { -1.0 };
                sign * odd * (-(odd * odd - 1.0) * PI * PI * w / 2.0).exp()
            })
            .sum();
        let want = (2.0 * PI * series).ln() - PI * PI * w / 2.0;
        assert!((log_density(w, 1.0, 0.0) - want).abs() < 1e-9, "{w}");
    }
    // The forms meet in the far tail.
    for b in [1.0, 4.5] {
        let w = 100.0 * (b + 1.0);
        assert!(
            (log_far_tail(w, b) - log_inversion(w, b)).abs() < 2.0 * b / w,
            "{b}"
        );
    }
    for w in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        assert_eq!(log_density(w, 1.0, 0.3), f64::NEG_INFINITY);
    }
}

#[test]
fn draws_have_the_moments_and_the_quantiles() {
    let mut rng = ChaCha8Rng::seed_from_u64(7);
    for (b, c) in [
        (1, 0.0),
        (1, -1.0),
        (1, 3.0),
        (1, 4.0),
        (1, 60.0),
        (3, 0.5),
        (1, 1e4),
    ] {
        let n = 20_000;
        let draws: Vec<f64> = (0..n).map(|_| draw(b, c, &mut rng)).collect();
        let (m, v) = (mean(f64::from(b), c), variance(f64::from(b), c));
        let got = draws.iter().sum::<f64>() / f64::from(n);
        assert!(
            (got - m).abs() < 4.0 * (v / f64::from(n)).sqrt(),
            "{b} {c} {got} {m}"
        );
        let spread = draws.iter().map(|w| (w - m).powi(2)).sum::<f64>() / f64::from(n);
        assert!((spread / v - 1.0).abs() < 0.12, "{b} {c} {spread} {v}");
        if c.abs() < 10.0 {
            let g = |w: f64| log_density(w, f64::from(b), c);
            let exact = density(&g, Support::Positive, None, &[]).unwrap();
            for p in [0.1, 0.5, 0.9] {
                let cut = exact.quantile(&g, p);
                let below = draws.iter().filter(|w| **w < cut).count() as f64 / f64::from(n);
                assert!(
                    (below - p).abs() < 4.0 * (p * (1.0 - p) / f64::from(n)).sqrt(),
                    "{b} {c} {p} {below}"
                );
            }
        }
    }
    assert_eq!(draw(0, 1.0, &mut rng), 0.0);
    assert_eq!(draw(1, f64::INFINITY, &mut rng), 0.0);
}
