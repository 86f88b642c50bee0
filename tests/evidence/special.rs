//! Densities and dense algebra by statrs and plain loops.

use statrs::distribution::{
    Binomial, Continuous, Discrete, Gamma, InverseGamma, Laplace, Normal, Poisson,
};
pub use statrs::function::gamma::{digamma, ln_gamma};
use std::f64::consts::PI;

pub fn ln_normal(x: f64, mean: f64, var: f64) -> f64 {
    Normal::new(mean, var.sqrt()).expect("normal").ln_pdf(x)
}

pub fn ln_poisson(n: f64, rate: f64) -> f64 {
    if rate == 0.0 {
        return if n == 0.0 { 0.0 } else { f64::NEG_INFINITY };
    }
    Poisson::new(rate).expect("poisson").ln_pmf(n as u64)
}

pub fn ln_binomial(n: f64, p: f64, total: f64) -> f64 {
    Binomial::new(p, total as u64)
        .expect("binomial")
        .ln_pmf(n as u64)
}

pub fn ln_gamma_pdf(x: f64, shape: f64, rate: f64) -> f64 {
    Gamma::new(shape, rate).expect("gamma").ln_pdf(x)
}

pub fn ln_inverse_gamma(x: f64, shape: f64, scale: f64) -> f64 {
    InverseGamma::new(shape, scale).expect("ig").ln_pdf(x)
}

pub fn ln_laplace(x: f64, mean: f64, scale: f64) -> f64 {
    Laplace::new(mean, scale).expect("laplace").ln_pdf(x)
}

pub fn ln_bernoulli(v: f64, p: f64) -> f64 {
    if v == 1.0 { p.ln() } else { (1.0 - p).ln() }
}

pub fn ln_beta(a: f64, b: f64) -> f64 {
    ln_gamma(a) + ln_gamma(b) - ln_gamma(a + b)
}

/// log of the normaliser of a Dirichlet: sum log Gamma(a) - log Gamma(sum a).
pub fn ln_dirichlet_norm(a: &[f64]) -> f64 {
    a.iter().map(|x| ln_gamma(*x)).sum::<f64>() - ln_gamma(a.iter().sum())
}

pub fn ln_dirichlet(p: &[f64], a: &[f64]) -> f64 {
    p.iter()
        .zip(a)
        .map(|(p, a)| (a - 1.0) * p.ln())
        .sum::<f64>()
        - ln_dirichlet_norm(a)
}

pub fn ln_choose(n: f64, k: f64) -> f64 {
    ln_gamma(n + 1.0) - ln_gamma(k + 1.0) - ln_gamma(n - k + 1.0)
}

/// log of the multivariate Gamma function.
pub fn ln_gamma_d(x: f64, d: usize) -> f64 {
    let d = d as f64;
    let mut s = d * (d - 1.0) / 4.0 * PI.ln();
    for i in 0..d as usize {
        s += ln_gamma(x - i as f64 / 2.0);
    }
    s
}

/// Solves A x = b by elimination with row exchange; also log |det A|.
pub fn solve(a: &[Vec<f64>], b: &[f64]) -> (Vec<f64>, f64) {
    let n = b.len();
    let mut m: Vec<Vec<f64>> = a
        .iter()
        .zip(b)
        .map(|(r, b)| r.iter().copied().chain([*b]).collect())
        .collect();
    let mut log_det = 0.0;
    for i in 0..n {
        let p = (i..n)
            .max_by(|x, y| m[*x][i].abs().total_cmp(&m[*y][i].abs()))
            .expect("a row");
        m.swap(i, p);
        log_det += m[i][i].abs().ln();
        for r in i + 1..n {
            let f = m[r][i] / m[i][i];
            let pivot = m[i].clone();
            for (x, y) in m[r].iter_mut().zip(&pivot).skip(i) {
                *x -= f * y;
            }
        }
    }
    let mut x = vec![0.0; n];
    for i in (0..n).rev() {
        let s: f64 = (i + 1..n).map(|j| m[i][j] * x[j]).sum();
        x[i] = (m[i][n] - s) / m[i][i];
    }
    (x, log_det)
}

pub fn ln_det(a: &[Vec<f64>]) -> f64 {
    if a.is_empty() {
        return 0.0;
    }
    solve(a, &vec![0.0; a.len()]).1
}

pub fn inverse(a: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let n = a.len();
    let columns: Vec<Vec<f64>> = (0..n)
        .map(|j| {
            let e: Vec<f64> = (0..n).map(|i| f64::from(u8::from(i == j))).collect();
            solve(a, &e).0
        })
        .collect();
    (0..n)
        .map(|i| (0..n).map(|j| columns[j][i]).collect())
        .collect()
}

/// log N(y; m, S) of a dense covariance.
pub fn ln_mvn(y: &[f64], m: &[f64], s: &[Vec<f64>]) -> f64 {
    let r: Vec<f64> = y.iter().zip(m).map(|(a, b)| a - b).collect();
    let (x, log_det) = solve(s, &r);
    let q: f64 = r.iter().zip(&x).map(|(a, b)| a * b).sum();
    -0.5 * (y.len() as f64 * (2.0 * PI).ln() + log_det + q)
}

/// Cuts a row-major list into rows of n.
pub fn rows_of(x: &[f64], n: usize) -> Vec<Vec<f64>> {
    x.chunks(n).map(<[f64]>::to_vec).collect()
}
