//! Gaussian models on their shipped data against log densities, closed-form optima and loops written out here.

use serde_json::json;
use statrs::function::gamma::{digamma, ln_gamma};

use crate::fixture::{Fitted, Table, data, exactly, fit, model, near, same_trace};

const LN_2PI: f64 = 1.837_877_066_409_345_5;

fn vector(f: &Fitted, name: &str, parameter: &str) -> Vec<f64> {
    f.get(name, parameter).iter().copied().collect()
}

fn number(f: &Fitted, name: &str, parameter: &str) -> f64 {
    let v = vector(f, name, parameter);
    assert_eq!(v.len(), 1, "{name}");
    v[0]
}

/// Lower factor of a positive definite matrix.
fn cholesky(a: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let n = a.len();
    let mut l = vec![vec![0.0; n]; n];
    for i in 0..n {
        for j in 0..=i {
            let s: f64 = (0..j).map(|k| l[i][k] * l[j][k]).sum();
            l[i][j] = if i == j {
                (a[i][i] - s).sqrt()
            } else {
                (a[i][j] - s) / l[j][j]
            };
        }
    }
    l
}

fn forward(l: &[Vec<f64>], b: &[f64]) -> Vec<f64> {
    let mut x = vec![0.0; b.len()];
    for i in 0..b.len() {
        let s: f64 = (0..i).map(|k| l[i][k] * x[k]).sum();
        x[i] = (b[i] - s) / l[i][i];
    }
    x
}

fn solve(l: &[Vec<f64>], b: &[f64]) -> Vec<f64> {
    let mut x = forward(l, b);
    for i in (0..b.len()).rev() {
        let s: f64 = (i + 1..b.len()).map(|k| l[k][i] * x[k]).sum();
        x[i] = (x[i] - s) / l[i][i];
    }
    x
}

/// log N(x; m, C) by the factor of C.
fn log_gaussian(x: &[f64], m: &[f64], l: &[Vec<f64>]) -> f64 {
    let d: Vec<f64> = x.iter().zip(m).map(|(x, m)| x - m).collect();
    let u = forward(l, &d);
    let log_det: f64 = (0..x.len()).map(|i| 2.0 * l[i][i].ln()).sum();
    -0.5 * (u.iter().map(|v| v * v).sum::<f64>() + log_det + x.len() as f64 * LN_2PI)
}

/// Columns less their mean, over their standard deviation with divisor n.
fn standardised(x: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let (n, d) = (x.len() as f64, x[0].len());
    let mean: Vec<f64> = (0..d)
        .map(|j| x.iter().map(|r| r[j]).sum::<f64>() / n)
        .collect();
    let sd: Vec<f64> = (0..d)
        .map(|j| (x.iter().map(|r| (r[j] - mean[j]).powi(2)).sum::<f64>() / n).sqrt())
        .collect();
    let row = |r: &Vec<f64>| (0..d).map(|j| (r[j] - mean[j]) / sd[j]).collect();
    x.iter().map(row).collect()
}

/// sum over rows of log N(x; b, W W' + diag(noise)): the latent integrated out.
fn marginal(f: &Fitted, x: &[Vec<f64>]) -> f64 {
    let (w, b) = (f.get("W", "value"), vector(f, "b", "value"));
    let noise = vector(f, "noise", "value");
    let (d, q) = (b.len(), w.len() / b.len());
    let w: Vec<f64> = w.iter().copied().collect();
    let mut c = vec![vec![0.0; d]; d];
    for i in 0..d {
        for j in 0..d {
            c[i][j] = (0..q).map(|k| w[i * q + k] * w[j * q + k]).sum();
        }
        c[i][i] += noise[if noise.len() == 1 { 0 } else { i }];
    }
    let l = cholesky(&c);
    x.iter().map(|r| log_gaussian(r, &b, &l)).sum()
}

/// Eigenvalues of a symmetric matrix by Jacobi rotations, largest first.
fn eigenvalues(mut a: Vec<Vec<f64>>) -> Vec<f64> {
    let n = a.len();
    for _ in 0..60 {
        for p in 0..n {
            for q in p + 1..n {
                if a[p][q] == 0.0 {
                    continue;
                }
                let theta = 0.5 * (2.0 * a[p][q]).atan2(a[q][q] - a[p][p]);
                let (s, c) = theta.sin_cos();
                for k in 0..n {
                    let (x, y) = (a[k][p], a[k][q]);
                    (a[k][p], a[k][q]) = (c * x - s * y, s * x + c * y);
                }
                for k in 0..n {
                    let (x, y) = (a[p][k], a[q][k]);
                    (a[p][k], a[q][k]) = (c * x - s * y, s * x + c * y);
                }
            }
        }
    }
    let mut e: Vec<f64> = (0..n).map(|i| a[i][i]).collect();
    e.sort_by(|a, b| f64::total_cmp(b, a));
    e
}

/// EM ends at the optimum in closed form: the noise is the mean of the eigenvalues left out, W spans the others.
#[test]
fn ppca_by_eigenvalues() {
    let t = Table::read(&data("ppca"));
    let names: Vec<&str> = t.header.iter().map(String::as_str).collect();
    let x = standardised(&t.numbers(&names[..13]));
    let f = fit(&model("ppca"), data("ppca"), None, &exactly(400));
    assert_eq!((f.method, f.objective), ("exact EM", "log_likelihood"));
    near("log likelihood", f.last(), marginal(&f, &x), 1e-10);
    let (n, d, q) = (x.len() as f64, 13, 2);
    let mut c = vec![vec![0.0; d]; d];
    for r in &x {
        for i in 0..d {
            for j in 0..d {
                c[i][j] += r[i] * r[j] / n;
            }
        }
    }
    let e = eigenvalues(c);
    let noise = e[q..].iter().sum::<f64>() / (d - q) as f64;
    let log_det = e[..q].iter().map(|l| l.ln()).sum::<f64>() + (d - q) as f64 * noise.ln();
    near("noise", number(&f, "noise", "value"), noise, 1e-9);
    near(
        "optimum",
        f.last(),
        -0.5 * n * (d as f64 * LN_2PI + log_det + d as f64),
        1e-10,
    );
    let w = vector(&f, "W", "value");
    let gram = |a: usize, b: usize| (0..d).map(|i| w[i * q + a] * w[i * q + b]).sum::<f64>();
    let ww = vec![vec![gram(0, 0), gram(0, 1)], vec![gram(1, 0), gram(1, 1)]];
    for (mine, l) in eigenvalues(ww).iter().zip(&e) {
        near("length of a factor", *mine, l - noise, 1e-6);
    }
}

#[test]
fn factor_analysis_by_its_marginal() {
    let t = Table::read(&data("factor_analysis"));
    let names: Vec<&str> = t.header.iter().map(String::as_str).collect();
    let x = t.numbers(&names);
    for iterations in [1, 7, 60] {
        let f = fit(
            &model("factor_analysis"),
            data("factor_analysis"),
            None,
            &exactly(iterations),
        );
        assert_eq!((f.method, f.objective), ("exact EM", "log_likelihood"));
        near("log likelihood", f.last(), marginal(&f, &x), 1e-11);
    }
}

/// The covariance of two measurements is that of the first level and of the steps both have behind them.
#[test]
fn local_level_by_its_marginal() {
    let t = Table::read(&data("local_level"));
    let x: Vec<f64> = t.numbers(&["volume"]).iter().map(|r| r[0]).collect();
    let f = fit(
        &model("local_level"),
        data("local_level"),
        None,
        &exactly(30),
    );
    assert_eq!((f.method, f.objective), ("exact EM", "log_likelihood"));
    let (q, r) = (number(&f, "q", "value"), number(&f, "r", "value"));
    let c: Vec<Vec<f64>> = (0..x.len())
        .map(|i| {
            let entry = |j: usize| 1e5 + q * i.min(j) as f64 + if i == j { r } else { 0.0 };
            (0..x.len()).map(entry).collect()
        })
        .collect();
    let want = log_gaussian(&x, &vec![1000.0; x.len()], &cholesky(&c));
    near("log likelihood", f.last(), want, 1e-10);
}

/// The lines that the deliveries were drawn from, and the likelihood written out.
#[test]
fn mixture_of_regressions_by_its_marginal() {
    let t = Table::read(&data("mixture_of_regressions"));
    let f = fit(
        &model("mixture_of_regressions"),
        data("mixture_of_regressions"),
        None,
        &exactly(60),
    );
    let get = |n: &str| vector(&f, n, "value");
    let (w, a, b, s2) = (get("weight"), get("a"), get("b"), get("s2"));
    let mut want = 0.0;
    for r in t.numbers(&["km", "minutes"]) {
        let p = |k: usize| {
            let e = r[1] - a[k] - b[k] * r[0];
            w[k] * (-0.5 * (e * e / s2[k] + s2[k].ln() + LN_2PI)).exp()
        };
        want += (p(0) + p(1)).ln();
    }
    near("log likelihood", f.last(), want, 1e-11);
    let slow = usize::from(b[1] > b[0]);
    near("pace of a bicycle", b[slow], 4.0, 0.1);
    near("pace of a car", b[1 - slow], 1.5, 0.1);
}

/// Mean field by hand, sweep by sweep: theta, mu, tau.
///
/// ```text
/// q(theta_n): precision E[tau] + 1 / s_n^2, mean (E[tau] E[mu] + y_n / s_n^2) / precision
/// q(mu):      precision 1/25 + N E[tau],    mean E[tau] sum E[theta_n] / precision
/// q(tau):     shape 2 + N/2,                rate 50 + sum ((E[theta_n] - E[mu])^2 + V[theta_n] + V[mu]) / 2
/// ```
#[test]
fn eight_schools_sweep_by_sweep() {
    let t = Table::read(&data("eight_schools"));
    let rows = t.numbers(&["y", "sigma"]);
    let n = rows.len() as f64;
    let (mut m, mut vm, mut tau) = (0.0, 0.0, 0.04);
    let mut want = vec![];
    let mut theta = vec![];
    for _ in 0..25 {
        theta = rows
            .iter()
            .map(|r| {
                let p = tau + 1.0 / (r[1] * r[1]);
                ((tau * m + r[0] / (r[1] * r[1])) / p, 1.0 / p)
            })
            .collect::<Vec<(f64, f64)>>();
        let p = 1.0 / 25.0 + n * tau;
        m = tau * theta.iter().map(|t| t.0).sum::<f64>() / p;
        vm = 1.0 / p;
        let between: f64 = theta.iter().map(|t| (t.0 - m).powi(2) + t.1 + vm).sum();
        let (shape, rate) = (2.0 + n / 2.0, 50.0 + between / 2.0);
        let log_tau = digamma(shape) - rate.ln();
        tau = shape / rate;
        let mut l = -0.5 * ((m * m + vm) / 25.0 + 25f64.ln() + LN_2PI);
        l += 2.0 * 50f64.ln() - ln_gamma(2.0) + log_tau - 50.0 * tau;
        l += 0.5 * n * (log_tau - LN_2PI) - 0.5 * tau * between;
        for (r, t) in rows.iter().zip(&theta) {
            let s2 = r[1] * r[1];
            l -= 0.5 * (((r[0] - t.0).powi(2) + t.1) / s2 + s2.ln() + LN_2PI);
            l += 0.5 * (1.0 + LN_2PI + t.1.ln());
        }
        l += 0.5 * (1.0 + LN_2PI + vm.ln());
        l += shape - rate.ln() + ln_gamma(shape) + (1.0 - shape) * digamma(shape);
        want.push(l);
    }
    let init = json!({"mu": 0.0, "tau": 0.04});
    let f = fit(
        &model("eight_schools"),
        data("eight_schools"),
        Some(init),
        &exactly(25),
    );
    same_trace("eight_schools", &f.outcome.trace, &want, 1e-11);
    near("mu", number(&f, "mu", "mean"), m, 1e-11);
    for (mine, t) in vector(&f, "theta", "mean").iter().zip(&theta) {
        near("theta", *mine, t.0, 1e-11);
    }
    assert!(vm > 0.0);
}

/// At the end every factor is the one its neighbours ask for.
#[test]
fn ard_regression_at_its_fixed_point() {
    let t = Table::read(&data("ard_regression"));
    let names: Vec<&str> = t.header.iter().map(String::as_str).collect();
    let mut x = standardised(&t.numbers(&names[..10]));
    let y: Vec<f64> = t.numbers(&["target"]).iter().map(|r| r[0]).collect();
    x.iter_mut().for_each(|r| r.push(1.0));
    let f = fit(
        &model("ard_regression"),
        data("ard_regression"),
        None,
        &exactly(1500),
    );
    assert_eq!(f.method, "variational Bayes");
    let (shape, rate) = (vector(&f, "alpha", "shape"), vector(&f, "alpha", "rate"));
    let tau = number(&f, "tau", "shape") / number(&f, "tau", "rate");
    let mut p = vec![vec![0.0; 11]; 11];
    let mut b = vec![0.0; 11];
    for (r, y) in x.iter().zip(&y) {
        for i in 0..11 {
            b[i] += tau * r[i] * y;
            for j in 0..11 {
                p[i][j] += tau * r[i] * r[j];
            }
        }
    }
    for i in 0..11 {
        p[i][i] += if i < 10 { shape[i] / rate[i] } else { 1e-6 };
    }
    let l = cholesky(&p);
    let mean = solve(&l, &b);
    let mut mine = vector(&f, "w", "mean");
    mine.push(number(&f, "w0", "mean"));
    let covariance: Vec<Vec<f64>> = (0..11)
        .map(|i| {
            let e: Vec<f64> = (0..11).map(|j| f64::from(u8::from(i == j))).collect();
            solve(&l, &e)
        })
        .collect();
    let mut residual = 0.0;
    for (r, y) in x.iter().zip(&y) {
        let m: f64 = (0..11).map(|i| r[i] * mean[i]).sum();
        residual += (y - m).powi(2);
        for i in 0..11 {
            residual += (0..11).map(|j| r[i] * covariance[i][j] * r[j]).sum::<f64>();
        }
    }
    for i in 0..11 {
        near("weight", mine[i], mean[i], 1e-7);
        if i < 10 {
            near("shape of alpha", shape[i], 0.51, 1e-12);
            let want = 0.01 + 0.5 * (mean[i] * mean[i] + covariance[i][i]);
            near("rate of alpha", rate[i], want, 1e-6);
        }
    }
    near("shape of tau", number(&f, "tau", "shape"), 221.01, 1e-12);
    near(
        "rate of tau",
        number(&f, "tau", "rate"),
        0.01 + 0.5 * residual,
        1e-9,
    );
}
