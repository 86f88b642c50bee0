//! Points under a link (logistic, softmax, Poisson with a log link) against Newton's method on hand-written derivatives.

use crate::fixture::{fit, same, same_list};
use crate::special::{ln_bernoulli, ln_normal, ln_poisson, solve};

const X: [[f64; 2]; 12] = [
    [0.5, -1.2],
    [1.5, 0.3],
    [-0.7, 0.8],
    [2.1, -0.4],
    [-1.6, 1.1],
    [0.2, 0.1],
    [0.9, 2.2],
    [-0.3, -1.9],
    [1.1, 1.4],
    [-2.2, -0.6],
    [0.0, 0.7],
    [1.8, -1.5],
];

/// The maximum of a concave function, from its gradient and Hessian.
fn newton(n: usize, derivatives: &dyn Fn(&[f64]) -> (Vec<f64>, Vec<Vec<f64>>)) -> Vec<f64> {
    let mut t = vec![0.0; n];
    for _ in 0..60 {
        let (g, h) = derivatives(&t);
        let (step, _) = solve(&h, &g);
        // A shortened step keeps exp in range; near the maximum it is whole.
        let long = step.iter().fold(1.0, |m: f64, s| m.max(s.abs()));
        t.iter_mut().zip(&step).for_each(|(t, s)| *t -= s / long);
    }
    let (g, _) = derivatives(&t);
    assert!(g.iter().all(|g| g.abs() < 1e-12), "{g:?}");
    t
}

/// 1, x1, x2
fn row(n: usize) -> [f64; 3] {
    [1.0, X[n][0], X[n][1]]
}

fn predictor(t: &[f64], n: usize) -> f64 {
    row(n).iter().zip(t).map(|(x, t)| x * t).sum()
}

/// Gradient and Hessian of a sum over rows: `of` gives both derivatives in the predictor.
fn one_predictor(
    t: &[f64],
    precision: [f64; 3],
    of: &dyn Fn(usize, f64) -> (f64, f64),
) -> (Vec<f64>, Vec<Vec<f64>>) {
    let mut g: Vec<f64> = (0..3).map(|i| -precision[i] * t[i]).collect();
    let mut h = vec![vec![0.0; 3]; 3];
    for i in 0..3 {
        h[i][i] = -precision[i];
    }
    for n in 0..X.len() {
        let (first, second) = of(n, predictor(t, n));
        for i in 0..3 {
            g[i] += first * row(n)[i];
            for j in 0..3 {
                h[i][j] += second * row(n)[i] * row(n)[j];
            }
        }
    }
    (g, h)
}

fn csv(y: &[f64]) -> String {
    let rows = X.iter().zip(y);
    let lines = rows.map(|(x, y)| format!("{},{},{y}\n", x[0], x[1]));
    format!("x1,x2,y\n{}", lines.collect::<String>())
}

fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

const PRIOR: [f64; 3] = [0.01, 0.25, 0.25];

fn ln_prior(t: &[f64]) -> f64 {
    t.iter()
        .zip(PRIOR)
        .map(|(t, p)| ln_normal(*t, 0.0, 1.0 / p))
        .sum()
}

#[test]
fn logistic_regression() {
    let y = [1., 1., 0., 1., 0., 0., 1., 0., 1., 0., 1., 0.];
    let f = fit(
        "data row { y : binary  x[f] : real = \"x*\" }
         param w0 ~ Gaussian(0, var = 100)
         param w[f] ~ Gaussian(0, var = 4)
         observe y[row] ~ Bernoulli(logit = sum(w * x over f) + w0)",
        &csv(&y),
        None,
        4,
    );
    assert_eq!(f.objective, "log_posterior");
    let want = newton(3, &|t| {
        one_predictor(t, PRIOR, &|n, e| {
            let p = sigmoid(e);
            (y[n] - p, -p * (1.0 - p))
        })
    });
    same_list("logistic", &f.points(&["w0", "w"]), &want, 1e-9);
    let l: f64 = (0..12)
        .map(|n| ln_bernoulli(y[n], sigmoid(predictor(&want, n))))
        .sum();
    same("log joint", f.last(), l + ln_prior(&want), 1e-12);
}

/// Weights of rows count in the likelihood and not in the prior; blank answers do not count.
#[test]
fn logistic_regression_with_weights_and_blanks() {
    let y = [1., 1., 0., 1., 0., 0., 1., 0., 1., 0., 1., 0.];
    let weight = [1.0, 2.0, 0.5, 1.0, 0.0, 3.0, 1.0, 1.0, 0.25, 1.0, 1.0, 4.0];
    let blank = [3, 8];
    let lines: String = (0..12)
        .map(|n| {
            let cell = if blank.contains(&n) {
                String::new()
            } else {
                y[n].to_string()
            };
            format!("{},{},{cell},{}\n", X[n][0], X[n][1], weight[n])
        })
        .collect();
    let f = fit(
        "data row { y : binary  x[f] : real = \"x*\"  k : weight }
         param w0 ~ Gaussian(0, var = 100)
         param w[f] ~ Gaussian(0, var = 4)
         observe y[row] ~ Bernoulli(logit = sum(w * x over f) + w0)",
        &format!("x1,x2,y,k\n{lines}"),
        None,
        8,
    );
    let k = |n: usize| if blank.contains(&n) { 0.0 } else { weight[n] };
    let want = newton(3, &|t| {
        one_predictor(t, PRIOR, &|n, e| {
            let p = sigmoid(e);
            (k(n) * (y[n] - p), -k(n) * p * (1.0 - p))
        })
    });
    same_list("logistic", &f.points(&["w0", "w"]), &want, 1e-9);
    let l: f64 = (0..12)
        .map(|n| k(n) * ln_bernoulli(y[n], sigmoid(predictor(&want, n))))
        .sum();
    same("log joint", f.last(), l + ln_prior(&want), 1e-12);
}

#[test]
fn poisson_regression() {
    let y = [2., 5., 1., 4., 0., 1., 9., 0., 6., 0., 2., 1.];
    let f = fit(
        "data row { y : count  x[f] : real = \"x*\" }
         param w0 ~ Gaussian(0, var = 100)
         param w[f] ~ Gaussian(0, var = 4)
         observe y[row] ~ Poisson(log = sum(w * x over f) + w0)",
        &csv(&y),
        None,
        4,
    );
    let want = newton(3, &|t| {
        one_predictor(t, PRIOR, &|n, e| (y[n] - e.exp(), -e.exp()))
    });
    same_list("poisson", &f.points(&["w0", "w"]), &want, 1e-9);
    let l: f64 = (0..12)
        .map(|n| ln_poisson(y[n], predictor(&want, n).exp()))
        .sum();
    same("log joint", f.last(), l + ln_prior(&want), 1e-12);
}

/// Without priors: `Poisson(exp(e))` is `Poisson(log = e)`, and its score is zero at the maximum.
#[test]
fn poisson_regression_by_maximum_likelihood() {
    let y = [2., 5., 1., 4., 0., 1., 9., 0., 6., 0., 2., 1.];
    let run = |argument: &str| {
        fit(
            &format!(
                "data row {{ y : count  x[f] : real = \"x*\" }}
                 param w0 : real
                 param w[f] : real
                 observe y[row] ~ Poisson({argument})"
            ),
            &csv(&y),
            None,
            4,
        )
    };
    let (f, g) = (
        run("log = sum(w * x over f) + w0"),
        run("exp(sum(w * x over f) + w0)"),
    );
    assert_eq!(f.outcome.trace, g.outcome.trace);
    let want = newton(3, &|t| {
        one_predictor(t, [0.0; 3], &|n, e| (y[n] - e.exp(), -e.exp()))
    });
    same_list("poisson", &f.points(&["w0", "w"]), &want, 1e-9);
}

#[test]
fn softmax_regression() {
    let y = [0usize, 1, 2, 1, 2, 0, 2, 0, 1, 2, 0, 1];
    let lines: String = (0..12)
        .map(|n| format!("{},{},{}\n", X[n][0], X[n][1], ["a", "b", "c"][y[n]]))
        .collect();
    let f = fit(
        "data row { y : label  x[f] : real = \"x*\" }
         param w0[y] ~ Gaussian(0, var = 100)
         param w[y, f] ~ Gaussian(0, var = 4)
         observe y[row] ~ Categorical(logit = sum(w * x over f) + w0) over y",
        &format!("x1,x2,y\n{lines}"),
        None,
        4,
    );
    // t[3 k + i]: class k, coefficient i
    let probabilities = |t: &[f64], n: usize| -> Vec<f64> {
        let e: Vec<f64> = (0..3).map(|k| predictor(&t[3 * k..], n).exp()).collect();
        let total: f64 = e.iter().sum();
        e.iter().map(|e| e / total).collect()
    };
    let want = newton(9, &|t| {
        let mut g: Vec<f64> = (0..9).map(|i| -PRIOR[i % 3] * t[i]).collect();
        let mut h = vec![vec![0.0; 9]; 9];
        for i in 0..9 {
            h[i][i] = -PRIOR[i % 3];
        }
        for n in 0..12 {
            let p = probabilities(t, n);
            for a in 0..9 {
                let (k, i) = (a / 3, a % 3);
                g[a] += (f64::from(u8::from(y[n] == k)) - p[k]) * row(n)[i];
                for b in 0..9 {
                    let (m, j) = (b / 3, b % 3);
                    let same = f64::from(u8::from(k == m));
                    h[a][b] -= p[k] * (same - p[m]) * row(n)[i] * row(n)[j];
                }
            }
        }
        (g, h)
    });
    let w0: Vec<f64> = (0..3).map(|k| want[3 * k]).collect();
    let w: Vec<f64> = (0..3)
        .flat_map(|k| want[3 * k + 1..3 * k + 3].to_vec())
        .collect();
    same_list("intercepts", &f.get("w0", "value"), &w0, 1e-9);
    same_list("weights", &f.get("w", "value"), &w, 1e-9);
    let l: f64 = (0..12).map(|n| probabilities(&want, n)[y[n]].ln()).sum();
    let prior: f64 = (0..3).map(|k| ln_prior(&want[3 * k..3 * k + 3])).sum();
    same("log joint", f.last(), l + prior, 1e-12);
}

/// Bernoulli(probit) of points: the score is sum s phi / Phi x.
#[test]
fn probit_regression() {
    use statrs::distribution::{Continuous, ContinuousCDF, Normal};
    let y = [1., 1., 0., 1., 0., 0., 1., 0., 1., 0., 1., 0.];
    let f = fit(
        "data row { y : binary  x[f] : real = \"x*\" }
         param w0 ~ Gaussian(0, var = 100)
         param w[f] ~ Gaussian(0, var = 4)
         observe y[row] ~ Bernoulli(probit = sum(w * x over f) + w0)",
        &csv(&y),
        None,
        4,
    );
    let normal = Normal::new(0.0, 1.0).expect("normal");
    let want = newton(3, &|t| {
        one_predictor(t, PRIOR, &|n, e| {
            let s = 2.0 * y[n] - 1.0;
            let ratio = normal.pdf(e) / normal.cdf(s * e);
            (s * ratio, -ratio * (ratio + s * e))
        })
    });
    same_list("probit", &f.points(&["w0", "w"]), &want, 1e-9);
    let l: f64 = (0..12)
        .map(|n| normal.cdf((2.0 * y[n] - 1.0) * predictor(&want, n)).ln())
        .sum();
    same("log joint", f.last(), l + ln_prior(&want), 1e-10);
}
