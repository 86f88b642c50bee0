//! Functions with known maxima, and functions that misbehave.

use super::*;

fn norm(x: &[f64]) -> f64 {
    x.iter().fold(0.0, |m: f64, v| m.max(v.abs()))
}

#[test]
fn rosenbrock_is_climbed_in_two_and_in_twenty_dimensions() {
    for n in [2, 20] {
        let mut x: Vec<f64> = (0..n)
            .map(|i| if i % 2 == 0 { -1.2 } else { 1.0 })
            .collect();
        let mut f = |x: &[f64], g: &mut [f64]| {
            g.fill(0.0);
            let mut value = 0.0;
            for i in 0..x.len() - 1 {
                let (a, b) = (x[i + 1] - x[i] * x[i], 1.0 - x[i]);
                value -= 100.0 * a * a + b * b;
                g[i] += 400.0 * a * x[i] + 2.0 * b;
                g[i + 1] -= 200.0 * a;
            }
            value
        };
        let ascent = maximise(&mut x, &[], &mut f, &Options::default());
        assert!(ascent.converged, "{ascent:?}");
        assert!(x.iter().all(|v| (v - 1.0).abs() < 1e-7), "{x:?}");
        assert!(
            ascent.value > -1e-14 && ascent.evaluations < 300,
            "{ascent:?}"
        );
    }
}

#[test]
fn bounded_coordinates_reach_the_maximiser_of_the_function_itself() {
    // Gamma likelihood in shape and rate: rate = shape / mean, log shape - digamma(shape) = log mean - mean log;
    // and a Bernoulli's 3 log p + 7 log(1 - p), largest at 3/10.
    use crate::numeric::special::{digamma, ln_gamma};
    let data = [0.3, 1.9, 2.2, 0.7, 5.1, 1.1];
    let n = data.len() as f64;
    let mean = data.iter().sum::<f64>() / n;
    let mean_log = data.iter().map(|v| v.ln()).sum::<f64>() / n;
    let mut x = [1.0, 1.0, 0.9];
    let mut f = |x: &[f64], g: &mut [f64]| {
        let (a, b, p) = (x[0], x[1], x[2]);
        g[0] = n * (b.ln() - digamma(a) + mean_log);
        g[1] = n * (a / b - mean);
        g[2] = 3.0 / p - 7.0 / (1.0 - p);
        n * (a * b.ln() - ln_gamma(a) + (a - 1.0) * mean_log - b * mean)
            + 3.0 * p.ln()
            + 7.0 * (-p).ln_1p()
    };
    let maps = [Transform::Log, Transform::Log, Transform::Logit];
    let ascent = maximise(&mut x, &maps, &mut f, &Options::default());
    assert!(ascent.converged, "{ascent:?}");
    // The stationary shape by bisection on statrs.
    let excess = |a: f64| a.ln() - statrs::function::gamma::digamma(a) - (mean.ln() - mean_log);
    let (mut low, mut high) = (0.01, 100.0);
    for _ in 0..200 {
        let middle = 0.5 * (low + high);
        if excess(middle) > 0.0 {
            low = middle
        } else {
            high = middle
        }
    }
    assert!((x[0] / low - 1.0).abs() < 1e-8, "{} {low}", x[0]);
    assert!((x[1] * mean / low - 1.0).abs() < 1e-8);
    assert!((x[2] - 0.3).abs() < 1e-8);
}

#[test]
fn a_large_value_does_not_hide_the_digits_of_the_point() {
    // At 1e9 the values cannot tell points closer than 1e-4 apart; the slopes can.
    let mut x = [10.0, -4.0];
    let mut f = |x: &[f64], g: &mut [f64]| {
        g[0] = -2.0 * (x[0] - 1.0) - (x[1] - 2.0);
        g[1] = -8.0 * (x[1] - 2.0) - (x[0] - 1.0);
        1e9 - (x[0] - 1.0).powi(2) - 4.0 * (x[1] - 2.0).powi(2) - (x[0] - 1.0) * (x[1] - 2.0)
    };
    let options = Options {
        gradient_tolerance: 1e-19,
        ..Options::default()
    };
    let ascent = maximise(&mut x, &[], &mut f, &options);
    assert!(ascent.converged, "{ascent:?}");
    assert!(
        (x[0] - 1.0).abs() < 1e-9 && (x[1] - 2.0).abs() < 1e-9,
        "{x:?}"
    );
}

#[test]
fn flat_empty_and_single_functions_end_at_once() {
    let mut x = [3.0, -1.0];
    let mut flat = |_: &[f64], g: &mut [f64]| {
        g.fill(0.0);
        7.0
    };
    let ascent = maximise(&mut x, &[], &mut flat, &Options::default());
    assert_eq!(
        (x, ascent.value, ascent.converged),
        ([3.0, -1.0], 7.0, true)
    );
    assert!(ascent.iterations == 0 && ascent.evaluations <= 2);
    let ascent = maximise(&mut [], &[], &mut flat, &Options::default());
    assert!(ascent.converged);
}

#[test]
fn points_without_a_value_are_stepped_over() {
    // log x with a wall at 0 that the first step jumps: x log x - x has its minimum at 1, so maximise the negative.
    let mut x = [0.01];
    let mut f = |x: &[f64], g: &mut [f64]| {
        g[0] = -1e6 * x[0].ln();
        -1e6 * (x[0] * x[0].ln() - x[0])
    };
    let ascent = maximise(&mut x, &[], &mut f, &Options::default());
    assert!(
        ascent.converged && (x[0] - 1.0).abs() < 1e-8,
        "{x:?} {ascent:?}"
    );

    // NaN beyond 2 where the maximum would be at 3: the point stays below, and not below the start.
    let mut x = [0.0];
    let mut f = |x: &[f64], g: &mut [f64]| {
        g[0] = 2.0 * (3.0 - x[0]);
        if x[0] > 2.0 {
            f64::NAN
        } else {
            -(x[0] - 3.0).powi(2)
        }
    };
    let ascent = maximise(&mut x, &[], &mut f, &Options::default());
    assert!(x[0] > 1.99 && x[0] <= 2.0 && !ascent.converged, "{x:?}");
    assert!(ascent.value >= ascent.start_value);

    // Nothing but NaN leaves the start.
    let mut x = [1.5];
    let ascent = maximise(&mut x, &[], &mut |_, _| f64::NAN, &Options::default());
    assert!(x == [1.5] && !ascent.converged);
}

#[test]
fn wrong_gradients_never_lower_the_value() {
    // Reversed, wildly scaled, and random by a rule; the value returned is that of the point returned.
    let value = |x: &[f64]| -(x[0] - 1.0).powi(2) - (x[0] * x[1]).cos() - 0.01 * x[1].powi(4);
    for kind in 0..4 {
        for start in [[0.3, 0.4], [5.0, -2.0], [-1.0, 1e3]] {
            let mut x = start;
            let mut f = |x: &[f64], g: &mut [f64]| {
                let noise = (1e4 * (x[0] + 3.0 * x[1])).sin();
                match kind {
                    0 => g.copy_from_slice(&[2.0 * (x[0] - 1.0), x[1]]),
                    1 => g.copy_from_slice(&[1e200, -1e-200]),
                    2 => g.copy_from_slice(&[noise, 1.0 - noise]),
                    _ => g.copy_from_slice(&[f64::NAN, 1.0]),
                }
                value(x)
            };
            let options = Options::default();
            let ascent = maximise(&mut x, &[], &mut f, &options);
            assert!(ascent.value >= ascent.start_value && ascent.start_value == value(&start));
            assert_eq!(ascent.value, value(&x));
            assert!(ascent.evaluations <= 20 * options.max_iterations + 100);
        }
    }
}

#[test]
fn growth_without_bound_ends_by_the_options() {
    let mut x = [1.0];
    let mut f = |x: &[f64], g: &mut [f64]| {
        g[0] = 1.0;
        x[0]
    };
    let ascent = maximise(&mut x, &[], &mut f, &Options::default());
    assert!(ascent.value > 1e3 && x[0].is_finite());
    assert!(norm(&x) > 0.0);
}
