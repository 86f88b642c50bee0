//! Regressions that outliers move little: Student-t noise against its density, least absolute deviations against every
//! line through two rows.

use serde_json::json;
use statrs::distribution::{Continuous, StudentsT};

use crate::fixture::{fit, same, same_list};
use crate::special::{ln_laplace, ln_normal};

const X: [f64; 11] = [0.1, 0.9, 2.2, 3.1, 3.9, 5.2, 6.0, 7.1, 8.0, 9.2, 9.9];
const Y: [f64; 11] = [1.3, 2.4, 5.6, 7.5, 8.7, 30.0, 13.1, 15.6, 2.0, 19.3, 20.9];

fn csv() -> String {
    let lines = X.iter().zip(Y).map(|(x, y)| format!("{x},{y}\n"));
    format!("x,y\n{}", lines.collect::<String>())
}

fn ln_student(y: f64, df: f64, mean: f64, scale: f64) -> f64 {
    StudentsT::new(mean, scale, df).expect("student").ln_pdf(y)
}

/// EM over the precisions of the rows: the bound is the log likelihood, and the end is a stationary point of it.
#[test]
fn student_t_regression() {
    // Noise wide enough that no line passes near many rows: there the likelihood has no bound.
    let y = [0.2, 3.9, 3.1, 9.4, 6.6, 22.0, 10.9, 17.8, 9.1, 21.5, 17.3];
    let lines = (0..11).map(|n| format!("{},{}\n", X[n], y[n]));
    let f = fit(
        "data row { x : real  y : real }
         param a : real
         param b : real
         param s : positive
         param nu : positive
         observe y[row] ~ StudentT(nu, a + b * x, scale = s)",
        &format!("x,y\n{}", lines.collect::<String>()),
        Some(json!({"a": 0, "b": 1, "s": 1, "nu": 3})),
        400,
    );
    assert_eq!(f.objective, "log_likelihood");
    let l = |t: &[f64]| -> f64 {
        (0..11)
            .map(|n| ln_student(y[n], t[3], t[0] + t[1] * X[n], t[2]))
            .sum()
    };
    same("start", f.outcome.trace[0], l(&[0.0, 1.0, 1.0, 3.0]), 1e-12);
    let t = f.points(&["a", "b", "s", "nu"]);
    same("end", f.last(), l(&t), 1e-10);
    for i in 0..4 {
        let h = 1e-5 * t[i].abs().max(0.1);
        let (mut up, mut down) = (t.clone(), t.clone());
        up[i] += h;
        down[i] -= h;
        let slope = (l(&up) - l(&down)) / (2.0 * h);
        assert!(slope.abs() < 1e-6, "{i}: {slope}, {t:?}");
    }
}

/// A known number of degrees of freedom; one EM step by hand: weights (nu + 1) / (nu + r^2 / s^2).
#[test]
fn first_step_of_a_student_t_regression() {
    let f = fit(
        "data row { x : real  y : real }
         param a : real
         param b : real
         param s : positive
         observe y[row] ~ StudentT(4, a + b * x, scale = s)",
        &csv(),
        Some(json!({"a": 0.5, "b": 2, "s": 1.5})),
        1,
    );
    let w: Vec<f64> = (0..11)
        .map(|n| 5.0 / (4.0 + ((Y[n] - 0.5 - 2.0 * X[n]) / 1.5).powi(2)))
        .collect();
    let sum = |g: &dyn Fn(usize) -> f64| (0..11).map(|n| w[n] * g(n)).sum::<f64>();
    let (m, x, y) = (sum(&|_| 1.0), sum(&|n| X[n]), sum(&|n| Y[n]));
    let (xx, xy) = (sum(&|n| X[n] * X[n]), sum(&|n| X[n] * Y[n]));
    let b = (m * xy - x * y) / (m * xx - x * x);
    let a = (y - b * x) / m;
    let s = (sum(&|n| (Y[n] - a - b * X[n]).powi(2)) / 11.0).sqrt();
    same_list("step", &f.points(&["a", "b", "s"]), &[a, b, s], 1e-10);
}

/// A line of least absolute deviations goes through two rows.
fn best_line(rows: &[(f64, f64, f64)], penalty: &dyn Fn(f64, f64) -> f64) -> (f64, f64, f64) {
    let cost = |a: f64, b: f64| -> f64 {
        let fit: f64 = rows.iter().map(|(x, y, w)| w * (y - a - b * x).abs()).sum();
        fit + penalty(a, b)
    };
    let mut best = (f64::INFINITY, 0.0, 0.0);
    for (i, p) in rows.iter().enumerate() {
        for q in &rows[..i] {
            let b = (p.1 - q.1) / (p.0 - q.0);
            let a = p.1 - b * p.0;
            if cost(a, b) < best.0 {
                best = (cost(a, b), a, b);
            }
        }
    }
    best
}

#[test]
fn least_absolute_deviations() {
    let f = fit(
        "data row { x : real  y : real }
         param a : real
         param b : real
         param s : positive
         observe y[row] ~ Laplace(a + b * x, scale = s)",
        &csv(),
        None,
        20,
    );
    let rows: Vec<(f64, f64, f64)> = (0..11).map(|n| (X[n], Y[n], 1.0)).collect();
    let (cost, a, b) = best_line(&rows, &|_, _| 0.0);
    // The scale is the mean absolute deviation.
    let s = cost / 11.0;
    same_list("line", &f.points(&["a", "b", "s"]), &[a, b, s], 1e-9);
    let l: f64 = (0..11).map(|n| ln_laplace(Y[n], a + b * X[n], s)).sum();
    same("log likelihood", f.last(), l, 1e-10);
}

#[test]
fn least_absolute_deviations_with_weights() {
    let weight = [1.0, 0.5, 2.0, 1.0, 0.0, 3.0, 1.0, 1.0, 4.0, 1.0, 1.5];
    let lines = (0..11).map(|n| format!("{},{},{}\n", X[n], Y[n], weight[n]));
    let f = fit(
        "data row { x : real  y : real  k : weight }
         param a : real
         param b : real
         observe y[row] ~ Laplace(a + b * x, scale = 2)",
        &format!("x,y,k\n{}", lines.collect::<String>()),
        None,
        5,
    );
    let rows: Vec<(f64, f64, f64)> = (0..11).map(|n| (X[n], Y[n], weight[n])).collect();
    let (_, a, b) = best_line(&rows, &|_, _| 0.0);
    same_list("line", &f.points(&["a", "b"]), &[a, b], 1e-9);
    let l: f64 = (0..11)
        .map(|n| weight[n] * ln_laplace(Y[n], a + b * X[n], 2.0))
        .sum();
    same("log likelihood", f.last(), l, 1e-12);
}

/// With a Gaussian prior the optimum need not go through rows: no small move may help, as the problem is concave.
#[test]
fn least_absolute_deviations_under_a_gaussian_prior() {
    let f = fit(
        "data row { x : real  y : real }
         param a ~ Gaussian(0, var = 0.5)
         param b ~ Gaussian(0, var = 0.5)
         observe y[row] ~ Laplace(a + b * x, scale = 2)",
        &csv(),
        None,
        5,
    );
    let l = |a: f64, b: f64| -> f64 {
        let data: f64 = (0..11).map(|n| ln_laplace(Y[n], a + b * X[n], 2.0)).sum();
        data + ln_normal(a, 0.0, 0.5) + ln_normal(b, 0.0, 0.5)
    };
    let (a, b) = (f.get("a", "value")[0], f.get("b", "value")[0]);
    same("log joint", f.last(), l(a, b), 1e-12);
    for step in [1e-1, 1e-3, 1e-6] {
        for turn in 0..64 {
            let angle = f64::from(turn) / 64.0 * std::f64::consts::TAU;
            let moved = l(a + step * angle.cos(), b + step * angle.sin());
            assert!(moved <= f.last() + 1e-12, "{step} {turn}: {moved}");
        }
    }
}
