//! Probabilistic PCA reaches its closed form from the default start and from saddles; other starts that no update leaves.
//!
//! Tipping and Bishop 1999: with l_1 >= l_2 >= ... the eigenvalues of the covariance of the data,
//! ln L = -N/2 (d ln 2 pi + sum_{j <= q} ln l_j + (d - q) ln s + d),  s = mean of the other d - q.

use std::f64::consts::PI;

use serde_json::json;

use crate::fixture::{Fitted, fit, same, same_list};
use crate::rows::{Draws, factor_rows};
use crate::special::ln_normal;

/// Eigenvalues of a symmetric matrix, largest first, by Jacobi rotations.
fn eigenvalues(mut a: Vec<Vec<f64>>) -> Vec<f64> {
    let n = a.len();
    for _ in 0..60 {
        for i in 0..n {
            for j in i + 1..n {
                if a[i][j] == 0.0 {
                    continue;
                }
                let theta = 0.5 * (a[j][j] - a[i][i]) / a[i][j];
                let t = theta.signum() / (theta.abs() + (theta * theta + 1.0).sqrt());
                let c = 1.0 / (t * t + 1.0).sqrt();
                let s = t * c;
                for k in 0..n {
                    let (x, y) = (a[k][i], a[k][j]);
                    a[k][i] = c * x - s * y;
                    a[k][j] = s * x + c * y;
                }
                for k in 0..n {
                    let (x, y) = (a[i][k], a[j][k]);
                    a[i][k] = c * x - s * y;
                    a[j][k] = s * x + c * y;
                }
            }
        }
    }
    let mut out: Vec<f64> = (0..n).map(|i| a[i][i]).collect();
    out.sort_by(|x, y| y.total_cmp(x));
    out
}

/// The log-likelihood and the noise at the maximum.
fn closed_form(x: &[Vec<f64>], q: usize) -> (f64, f64) {
    let (n, d) = (x.len() as f64, x[0].len());
    let mean: Vec<f64> = (0..d)
        .map(|i| x.iter().map(|r| r[i]).sum::<f64>() / n)
        .collect();
    let cov = |i: usize, j: usize| {
        let sum: f64 = x.iter().map(|r| (r[i] - mean[i]) * (r[j] - mean[j])).sum();
        sum / n
    };
    let l = eigenvalues(
        (0..d)
            .map(|i| (0..d).map(|j| cov(i, j)).collect())
            .collect(),
    );
    let s = l[q..].iter().sum::<f64>() / (d - q) as f64;
    let kept: f64 = l[..q].iter().map(|l| l.ln()).sum();
    let d = d as f64;
    let inner = d * (2.0 * PI).ln() + kept + (d - q as f64) * s.ln() + d;
    (-0.5 * n * inner, s)
}

const LOADINGS: [[f64; 2]; 5] = [
    [2.0, 0.3],
    [1.5, -1.0],
    [-0.4, 1.7],
    [0.8, 0.9],
    [-1.2, 0.2],
];

fn data() -> (Vec<Vec<f64>>, String) {
    let x = factor_rows(80, &LOADINGS, 0.5, 23);
    let mut csv = String::from("a,b,c,d,e\n");
    for r in &x {
        let cells: Vec<String> = r.iter().map(f64::to_string).collect();
        csv += &(cells.join(",") + "\n");
    }
    (x, csv)
}

fn ppca(init: Option<serde_json::Value>) -> Fitted {
    let model = "data row { x[feature] : real = rest }
        plate factor(2)
        latent h[row, factor] ~ Gaussian(0, var = 1)
        param W[feature, factor] : real
        param b[feature] : real
        param noise : positive
        observe x[row, feature] ~ Gaussian(sum(W * h over factor) + b, var = noise)";
    fit(model, &data().1, init, 600)
}

fn reaches_the_closed_form(f: &Fitted) {
    let (l, s) = closed_form(&data().0, 2);
    assert!((f.last() - l).abs() < 1e-8, "{} instead of {l}", f.last());
    same("noise", f.get("noise", "value")[0], s, 1e-6);
}

fn said(f: &Fitted, what: &str) -> bool {
    f.outcome.start.iter().any(|s| s.contains(what))
}

#[test]
fn ppca_from_the_default_start() {
    let f = ppca(None);
    reaches_the_closed_form(&f);
    assert!(!said(&f, "no update"), "{:?}", f.outcome.start);
}

#[test]
fn ppca_from_loadings_of_zero() {
    let f = ppca(Some(json!({"W": vec![[0.0, 0.0]; 5], "noise": 1.0})));
    reaches_the_closed_form(&f);
    assert!(said(&f, "no update changes"), "{:?}", f.outcome.start);
}

#[test]
fn ppca_from_equal_columns() {
    let w: Vec<[f64; 2]> = LOADINGS.iter().map(|w| [w[0], w[0]]).collect();
    let f = ppca(Some(json!({"W": w})));
    reaches_the_closed_form(&f);
    assert!(said(&f, "no update changes"), "{:?}", f.outcome.start);
}

#[test]
fn ppca_with_one_column_of_zero() {
    let w: Vec<[f64; 2]> = LOADINGS.iter().map(|w| [w[1], 0.0]).collect();
    let f = ppca(Some(json!({"W": w})));
    reaches_the_closed_form(&f);
    assert!(said(&f, "no update leaves"), "{:?}", f.outcome.start);
}

#[test]
fn a_start_that_is_no_saddle_is_taken_as_given() {
    let f = ppca(Some(json!({"W": LOADINGS, "noise": 0.3})));
    reaches_the_closed_form(&f);
    assert!(!said(&f, "no update"), "{:?}", f.outcome.start);
}

#[test]
fn one_factor_of_zero() {
    // No plate over which elements could be alike: only the value 0 is stationary.
    let (x, csv) = data();
    let model = "data row { x[feature] : real = rest }
        latent h[row] ~ Gaussian(0, var = 1)
        param W[feature] : real
        param b[feature] : real
        param noise : positive
        observe x[row, feature] ~ Gaussian(W * h + b, var = noise)";
    let f = fit(model, &csv, Some(json!({"W": vec![0.0; 5]})), 600);
    let (l, _) = closed_form(&x, 1);
    assert!((f.last() - l).abs() < 1e-8, "{} instead of {l}", f.last());
    assert!(said(&f, "no update leaves"), "{:?}", f.outcome.start);
}

#[test]
fn a_mixture_of_equal_elements() {
    let mut r = Draws(9);
    let x: Vec<f64> = (0..60)
        .map(|n| if n % 3 == 0 { 4.0 } else { -2.0 } + 0.5 * r.normal())
        .collect();
    let mut csv = String::from("x\n");
    x.iter().for_each(|x| csv += &format!("{x}\n"));
    let model = "data row { x : real }
        plate k(2)
        param weight : simplex over k
        param mu[k] : real
        param s[k] : positive
        latent z[row] ~ Categorical(weight)
        observe x[row] ~ Gaussian(mu[z], var = s[z])";
    let start = json!({"weight": [0.5, 0.5], "mu": [0.0, 0.0], "s": [1.0, 1.0]});
    let f = fit(model, &csv, Some(start), 100);
    let group = |g: bool| -> Vec<f64> {
        let of = x.iter().enumerate().filter(|(n, _)| (n % 3 == 0) == g);
        of.map(|(_, x)| *x).collect()
    };
    let mut mean: Vec<f64> = [false, true]
        .map(|g| group(g).iter().sum::<f64>() / group(g).len() as f64)
        .to_vec();
    let mut mu = f.get("mu", "value");
    mu.sort_by(f64::total_cmp);
    mean.sort_by(f64::total_cmp);
    // The groups are far apart: the mixture's means are theirs.
    same_list("mu", &mu, &mean, 1e-6);
    assert!(said(&f, "no update changes"), "{:?}", f.outcome.start);
}

#[test]
fn factors_of_a_matrix_that_start_at_zero() {
    let (u, v) = ([1.0, -2.0, 0.5, 1.5], [2.0, -1.0, 1.0]);
    let mut csv = String::from("user,item,y\n");
    let mut y = vec![];
    for (i, u) in u.iter().enumerate() {
        for (j, v) in v.iter().enumerate() {
            y.push(u * v);
            csv += &format!("u{i},v{j},{}\n", u * v);
        }
    }
    let model = "data rating { user : label  item : label  y : real }
        plate k(1)
        latent u[user, k] ~ Gaussian(0, var = 4)
        latent v[item, k] ~ Gaussian(0, var = 4)
        observe y[rating] ~ Gaussian(sum(u[user, k] * v[item, k] over k), var = 0.1)";
    let start = json!({"u": vec![[0.0]; 4], "v": vec![[0.0]; 3]});
    let f = fit(model, &csv, Some(start), 100);
    // At 0 the bound is at most the density of the data about 0.
    let stuck: f64 = y.iter().map(|y| ln_normal(*y, 0.0, 0.1)).sum();
    assert!(f.last() > stuck + 50.0, "{} is stuck at {stuck}", f.last());
    let (a, b) = (f.get("u", "mean"), f.get("v", "mean"));
    for (i, u) in u.iter().enumerate() {
        for (j, v) in v.iter().enumerate() {
            assert!(
                (a[i] * b[j] - u * v).abs() < 0.2,
                "{} of {}",
                a[i] * b[j],
                u * v
            );
        }
    }
    assert!(said(&f, "no update leaves"), "{:?}", f.outcome.start);
}
