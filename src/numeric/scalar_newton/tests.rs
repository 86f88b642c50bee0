//! Equations with known solutions, and functions that mislead Newton's steps.

use super::*;
use crate::numeric::special::{digamma, ln_gamma, trigamma};

const ALL: (f64, f64) = (f64::NEG_INFINITY, f64::INFINITY);

fn at(found: Maximum) -> f64 {
    match found {
        Maximum::At { x, .. } => x,
        other => panic!("{other:?}"),
    }
}

#[test]
fn gamma_shapes_solve_their_equation() {
    for gap in [1e-8, 1e-3, 0.3, 2.0, 50.0] {
        for start in [1e-6, 1.0, 1e7] {
            let mut calls = 0;
            let shape = at(maximise(start, Transform::Log, ALL, &mut |a| {
                calls += 1;
                let value = a * (a.ln() - 1.0 - gap) - ln_gamma(a);
                [value, a.ln() - digamma(a) - gap, 1.0 / a - trigamma(a)]
            }));
            let left = shape.ln() - statrs::function::gamma::digamma(shape);
            // log a - digamma(a) = 1/(2a) + ... loses digits as a grows.
            let tolerance = 1e-9 + 1e-14 / gap;
            assert!((left / gap - 1.0).abs() < tolerance, "{gap} {shape} {left}");
            assert!(calls < 120, "{calls}");
        }
    }
}

#[test]
fn student_degrees_of_freedom_are_found_or_infinite() {
    // E[log w] - E[w] = c for the precision's weight: f = n/2 log(n/2) - log Gamma(n/2) + n/2 (c).
    let fit = |c: f64| {
        maximise(4.0, Transform::Log, (1e-8, 1e8), &mut |n| {
            let h = 0.5 * n;
            [
                h * h.ln() - ln_gamma(h) + h * c,
                0.5 * (h.ln() + 1.0 - digamma(h) + c),
                0.25 * (1.0 / h - trigamma(h)),
            ]
        })
    };
    let n = at(fit(-1.4));
    let h = 0.5 * n;
    assert!((h.ln() + 1.0 - statrs::function::gamma::digamma(h) - 1.4).abs() < 1e-10);
    // Weights that are all one: c = -1, normal data, no finite maximum.
    assert!(
        matches!(
            fit(-1.0),
            Maximum::Boundary {
                towards: f64::INFINITY,
                ..
            }
        ),
        "{:?}",
        fit(-1.0)
    );
    assert!(matches!(
        fit(-0.5),
        Maximum::Boundary {
            towards: f64::INFINITY,
            ..
        }
    ));
}

#[test]
fn functions_that_mislead_newton_are_climbed() {
    // sqrt(1 + x^2): Newton's step is -x - x^3, diverging from |x| > 1.
    for start in [-1e6, -3.0, 0.5, 20.0, 1e9] {
        let x = at(maximise(start, Transform::Identity, ALL, &mut |x: f64| {
            let r = (1.0 + (x - 0.25) * (x - 0.25)).sqrt();
            [-r, -(x - 0.25) / r, -1.0 / (r * r * r)]
        }));
        assert!((x - 0.25).abs() < 1e-12, "{start} {x}");
    }
    // Two bumps: from either side the one uphill, never lower than the start.
    for start in [-7.0f64, -4.0, -0.4, 0.3, 2.0, 9.0] {
        let f = |x: f64| {
            let (a, b) = ((-(x + 3.0).powi(2)).exp(), 2.0 * (-(x - 2.0).powi(2)).exp());
            [
                a + b,
                -2.0 * (x + 3.0) * a - 2.0 * (x - 2.0) * b,
                (4.0 * (x + 3.0).powi(2) - 2.0) * a + (4.0 * (x - 2.0).powi(2) - 2.0) * b,
            ]
        };
        let x = at(maximise(start, Transform::Identity, ALL, &mut |x| f(x)));
        assert!(
            (x + 3.0).abs() < 1e-3 || (x - 2.0).abs() < 1e-3,
            "{start} {x}"
        );
        assert!(f(x)[0] >= f(start)[0] && f(x)[1].abs() < 1e-12);
    }
    // No second derivative, and a quartic whose second derivative vanishes at the maximum.
    let x = at(maximise(0.9, Transform::Logit, ALL, &mut |p: f64| {
        [
            2.0 * p.ln() + 3.0 * (-p).ln_1p(),
            2.0 / p - 3.0 / (1.0 - p),
            f64::NAN,
        ]
    }));
    assert!((x - 0.4).abs() < 1e-12);
    let x = at(maximise(5.0, Transform::Identity, ALL, &mut |x: f64| {
        let d = x - 1.0;
        [-d.powi(4), -4.0 * d.powi(3), -12.0 * d * d]
    }));
    assert!((x - 1.0).abs() < 1e-4, "{x}");
}

#[test]
fn bounds_walls_and_nothing_are_reported() {
    use Maximum::{Boundary, Undefined};
    let rise = |sign: f64| move |x: f64| [sign * x, sign, 0.0];
    let up = maximise(1.0, Transform::Identity, ALL, &mut rise(1.0));
    assert!(
        matches!(
            up,
            Boundary {
                towards: f64::INFINITY,
                ..
            }
        ),
        "{up:?}"
    );
    let down = maximise(1.0, Transform::Log, ALL, &mut rise(-1.0));
    assert!(matches!(down, Boundary { towards: 0.0, .. }), "{down:?}");
    let one = maximise(0.3, Transform::Logit, ALL, &mut |p: f64| {
        [p.ln(), 1.0 / p, -1.0 / p / p]
    });
    assert!(matches!(one, Boundary { towards: 1.0, .. }), "{one:?}");
    let flat = maximise(0.3, Transform::Identity, ALL, &mut |_| [2.0, 0.0, 0.0]);
    assert_eq!(flat, Maximum::At { x: 0.3, value: 2.0 });
    assert_eq!(
        maximise(0.3, Transform::Log, ALL, &mut |_| [f64::NAN; 3]),
        Undefined
    );
    assert_eq!(
        maximise(f64::NAN, Transform::Log, ALL, &mut |_| [0.0; 3]),
        Undefined
    );
    // A wall of NaN at 2 that f rises towards.
    let wall = maximise(0.0, Transform::Identity, ALL, &mut |x| {
        if x > 2.0 {
            [f64::NAN; 3]
        } else {
            [x, 1.0, 0.0]
        }
    });
    assert!((at(wall) - 2.0).abs() < 1e-12);
}
