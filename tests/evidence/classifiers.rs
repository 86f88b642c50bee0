//! Latent weights of a classifier: what the bound is known to be, and that it lies below the log evidence.

use statrs::distribution::{ContinuousCDF, Normal};

use crate::fixture::{fit, same, same_list};
use crate::special::{inverse, ln_det, ln_normal};

const X: [f64; 9] = [0.5, 1.5, -0.7, 2.1, -1.6, 0.2, 0.9, -0.3, 1.1];
const Y: [f64; 9] = [1., 1., 0., 1., 0., 1., 0., 0., 1.];

fn csv() -> String {
    let lines = X.iter().zip(Y).map(|(x, y)| format!("{x},{y}\n"));
    format!("x,y\n{}", lines.collect::<String>())
}

fn model(link: &str) -> String {
    format!(
        "data row {{ x : real  y : binary }}
         plate f {{ constant, slope }}
         let u[row, f] = [1, x]
         latent w[f] ~ Gaussian(0, var = 4)
         observe y[row] ~ Bernoulli({link} = sum(w * u over f))"
    )
}

fn u(n: usize) -> [f64; 2] {
    [1.0, X[n]]
}

fn sign(n: usize) -> f64 {
    2.0 * Y[n] - 1.0
}

/// log of the integral of the joint over both weights, on a square grid.
fn evidence(ln_link: &dyn Fn(f64) -> f64) -> f64 {
    let (steps, reach) = (700, 16.0);
    let at = |i: i32| reach * (2.0 * (f64::from(i) + 0.5) / f64::from(steps) - 1.0);
    let cell = (2.0 * reach / f64::from(steps)).powi(2);
    let mut total = 0.0;
    for i in 0..steps {
        for j in 0..steps {
            let (a, b) = (at(i), at(j));
            let data: f64 = (0..9).map(|n| ln_link(sign(n) * (a + b * X[n]))).sum();
            total += (data + ln_normal(a, 0.0, 4.0) + ln_normal(b, 0.0, 4.0)).exp();
        }
    }
    (total * cell).ln()
}

fn ln_sigmoid(x: f64) -> f64 {
    -(-x).exp().ln_1p()
}

/// The bound of Jaakkola and Jordan at its best widths, which is what an auxiliary of Polya and Gamma leads to.
#[test]
fn logistic() {
    let f = fit(&model("logit"), &csv(), None, 300);
    assert_eq!((f.method, f.objective), ("variational Bayes", "elbo"));
    let lambda = |x: f64| (x / 2.0).tanh() / (4.0 * x);
    let mut width = [1.0; 9];
    let (mut m, mut v) = (vec![], vec![]);
    for _ in 0..1000 {
        let mut precision = vec![vec![0.25, 0.0], vec![0.0, 0.25]];
        let mut linear = [0.0; 2];
        for n in 0..9 {
            for i in 0..2 {
                linear[i] += (Y[n] - 0.5) * u(n)[i];
                for j in 0..2 {
                    precision[i][j] += 2.0 * lambda(width[n]) * u(n)[i] * u(n)[j];
                }
            }
        }
        v = inverse(&precision);
        m = (0..2)
            .map(|i| v[i][0] * linear[0] + v[i][1] * linear[1])
            .collect();
        for n in 0..9 {
            let x = u(n);
            let mean = x[0] * m[0] + x[1] * m[1];
            let spread: f64 = (0..4).map(|k| x[k / 2] * v[k / 2][k % 2] * x[k % 2]).sum();
            width[n] = (spread + mean * mean).sqrt();
        }
    }
    // 1/2 log |V| / |V0| + 1/2 m' V^-1 m + sum of the bound's constants
    let p = inverse(&v);
    let square: f64 = (0..4).map(|k| m[k / 2] * p[k / 2][k % 2] * m[k % 2]).sum();
    let constants: f64 = width
        .iter()
        .map(|w| ln_sigmoid(*w) - w / 2.0 + lambda(*w) * w * w)
        .sum();
    let want = 0.5 * ln_det(&v) - 0.5 * 16f64.ln() + 0.5 * square + constants;
    same_list("mean", &f.get("w", "mean"), &m, 1e-8);
    same("bound", f.last(), want, 1e-9);
    let above = evidence(&ln_sigmoid);
    assert!(f.last() < above, "{} and {above}", f.last());
    assert!(f.last() > above - 0.5, "{} and {above}", f.last());
}

/// Albert and Chib's auxiliary, split from the weights: V = (V0^-1 + X'X)^-1, m = V X'E[g], and
/// L = sum log Phi(s x'm) - m'm / (2 v0) - 1/2 log |V0| / |V|.
#[test]
fn probit() {
    let f = fit(&model("probit"), &csv(), None, 400);
    let normal = Normal::new(0.0, 1.0).expect("normal");
    let density = |x: f64| ln_normal(x, 0.0, 1.0).exp();
    let mut precision = vec![vec![0.25, 0.0], vec![0.0, 0.25]];
    for n in 0..9 {
        for k in 0..4 {
            precision[k / 2][k % 2] += u(n)[k / 2] * u(n)[k % 2];
        }
    }
    let v = inverse(&precision);
    let mut m = [0.0; 2];
    for _ in 0..2000 {
        let mut linear = [0.0; 2];
        for n in 0..9 {
            let mean = m[0] + m[1] * X[n];
            let s = sign(n);
            let g = mean + s * density(mean) / normal.cdf(s * mean);
            linear[0] += g;
            linear[1] += g * X[n];
        }
        m = [0, 1].map(|i| v[i][0] * linear[0] + v[i][1] * linear[1]);
    }
    let data: f64 = (0..9)
        .map(|n| normal.cdf(sign(n) * (m[0] + m[1] * X[n])).ln())
        .sum();
    let want = data - (m[0] * m[0] + m[1] * m[1]) / 8.0 - 0.5 * 16f64.ln() + 0.5 * ln_det(&v);
    same_list("mean", &f.get("w", "mean"), &m, 1e-8);
    same("bound", f.last(), want, 1e-9);
    let above = evidence(&|x| normal.cdf(x).ln());
    assert!(f.last() < above, "{} and {above}", f.last());
    assert!(f.last() > above - 2.0, "{} and {above}", f.last());
}

/// Bouchard's bound at its best centre a and widths, of three classes with one latent score each:
/// log sum exp w <= a + sum_k [lambda(xi_k) ((w_k - a)^2 - xi_k^2) + (w_k - a - xi_k) / 2 + log(1 + exp xi_k)].
#[test]
fn softmax() {
    let y = [3, 2, 1, 2, 2, 3, 2];
    let lines = y.iter().map(|y| format!("{y}\n"));
    let f = fit(
        "plate class(3)
         data row { y : label of class }
         latent w[class] ~ Gaussian(0, var = 1)
         observe y[row] ~ Categorical(logit = w) over class",
        &format!("y\n{}", lines.collect::<String>()),
        None,
        600,
    );
    let counts = [1.0, 4.0, 2.0];
    let lambda = |x: f64| (x / 2.0).tanh() / (4.0 * x);
    let (mut m, mut v, mut width, mut a) = ([0.0; 3], [1.0; 3], [1.0; 3], 0.0);
    for _ in 0..5000 {
        for k in 0..3 {
            let l: f64 = lambda(width[k]);
            v[k] = 1.0 / (1.0 + 14.0 * l);
            m[k] = v[k] * (counts[k] - 3.5 + 14.0 * l * a);
        }
        for k in 0..3 {
            width[k] = f64::sqrt(v[k] + (m[k] - a) * (m[k] - a));
        }
        let total: f64 = width.iter().map(|w| 2.0 * lambda(*w)).sum();
        let pull: f64 = (0..3).map(|k| 2.0 * lambda(width[k]) * m[k]).sum();
        a = (0.5 + pull) / total;
    }
    let mut want = -7.0 * a;
    for k in 0..3 {
        let d = m[k] - a;
        // At the best width the quadratic part is nothing.
        let bound = (d - width[k]) / 2.0 + width[k].exp().ln_1p();
        let square = lambda(width[k]) * (v[k] + d * d - width[k] * width[k]);
        want += counts[k] * m[k] - 7.0 * (bound + square);
        want += 0.5 * (1.0 + v[k].ln() - v[k] - m[k] * m[k]);
    }
    same_list("means", &f.get("w", "mean"), &m, 1e-7);
    same("bound", f.last(), want, 1e-8);
    // The evidence by a grid over the scores.
    let at = |i: i32| 14.0 * ((f64::from(i) + 0.5) / 140.0 - 0.5);
    let mut total = 0.0;
    for i in 0..140 {
        for j in 0..140 {
            for k in 0..140 {
                let w = [at(i), at(j), at(k)];
                let top: f64 = w.iter().zip(counts).map(|(w, c)| w * c).sum();
                let norm = 7.0 * w.iter().map(|w| w.exp()).sum::<f64>().ln();
                let prior: f64 = w.iter().map(|w| -0.5 * w * w).sum();
                total += (top - norm + prior).exp();
            }
        }
    }
    let above = total.ln() - 1.5 * std::f64::consts::TAU.ln() + 3.0 * 0.1f64.ln();
    assert!(f.last() < above, "{} and {above}", f.last());
}
