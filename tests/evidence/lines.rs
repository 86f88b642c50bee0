//! Conjugate regressions and a mean with its precision: evidences in closed form and of one dense Gaussian.

use std::f64::consts::PI;

use crate::conjugate::exact;
use crate::fixture::{same, same_list};
use crate::special::{inverse, ln_det, ln_gamma, ln_mvn, solve};

#[test]
fn linear_regression_with_known_noise() {
    let x = [[1.0, 2.0], [0.5, -1.0], [-1.5, 0.3], [2.0, 1.0]];
    let y = [Some(1.0), Some(-0.5), None, Some(3.0)];
    let mut csv = String::from("y,x_1,x_2\n");
    for (x, y) in x.iter().zip(y) {
        let y = y.map_or("".into(), |y: f64| y.to_string());
        csv += &format!("{y},{},{}\n", x[0], x[1]);
    }
    let f = exact(
        "data row { y : real  x[feature] : real = \"x_*\" }
        latent w[feature] ~ Gaussian(0.2, var = 2)
        latent c ~ Gaussian(-1, var = 5)
        observe y[row] ~ Gaussian(sum(w * x over feature) + c, var = 0.6)",
        &csv,
    );
    let seen = [0, 1, 3];
    let row = |i: usize| [x[seen[i]][0], x[seen[i]][1], 1.0];
    let v = [2.0, 2.0, 5.0];
    let m0 = [0.2, 0.2, -1.0];
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let s: Vec<Vec<f64>> = (0..3)
        .map(|i| {
            (0..3)
                .map(|j| {
                    let c: f64 = (0..3).map(|d| row(i)[d] * v[d] * row(j)[d]).sum();
                    c + if i == j { 0.6 } else { 0.0 }
                })
                .collect()
        })
        .collect();
    let ys: Vec<f64> = seen.iter().filter_map(|i| y[*i]).collect();
    let m: Vec<f64> = (0..3).map(|i| dot(&row(i), &m0)).collect();
    same("evidence", f.last(), ln_mvn(&ys, &m, &s), 1e-10);
    let (mut p, mut h) = (vec![vec![0.0; 3]; 3], vec![0.0; 3]);
    for d in 0..3 {
        p[d][d] += 1.0 / v[d];
        h[d] += m0[d] / v[d];
        for i in 0..3 {
            h[d] += row(i)[d] * ys[i] / 0.6;
            for e in 0..3 {
                p[d][e] += row(i)[d] * row(i)[e] / 0.6;
            }
        }
    }
    let mean = solve(&p, &h).0;
    let cov = inverse(&p);
    same_list("w", &f.get("w", "mean"), &mean[..2], 1e-10);
    same_list("c", &f.get("c", "mean"), &mean[2..], 1e-10);
    let c = [cov[0][0], cov[0][1], cov[1][0], cov[1][1]];
    same_list("covariance of w", &f.get("w", "covariance"), &c, 1e-10);
}

#[test]
fn gaussian_gamma_of_a_scalar() {
    let y = [2.0, 3.5, -1.0, 4.0];
    let w = [1.0, 0.5, 1.0, 2.0];
    let mut csv = String::from("y,w\n");
    for (y, w) in y.iter().zip(w) {
        csv += &format!("{y},{w}\n");
    }
    let f = exact(
        "data row { y : real  w : weight }
        latent tau ~ Gamma(2, rate = 1.5)
        latent mu ~ Gaussian(0.5, precision = 0.3 * tau)
        observe y[row] ~ Gaussian(mu, precision = tau)",
        &csv,
    );
    let n: f64 = w.iter().sum();
    let mean = y.iter().zip(w).map(|(y, w)| w * y).sum::<f64>() / n;
    let s: f64 = y.iter().zip(w).map(|(y, w)| w * (y - mean).powi(2)).sum();
    let beta = 0.3 + n;
    let a = 2.0 + n / 2.0;
    let b = 1.5 + 0.5 * s + 0.5 * 0.3 * n / beta * (mean - 0.5).powi(2);
    let l = -n / 2.0 * (2.0 * PI).ln() + 0.5 * (0.3f64 / beta).ln() + 2.0 * 1.5f64.ln()
        - a * b.ln()
        + ln_gamma(a)
        - ln_gamma(2.0);
    same("evidence", f.last(), l, 1e-10);
    same_list(
        "mean",
        &f.get("mu", "mean"),
        &[(0.15 + n * mean) / beta],
        1e-11,
    );
    same_list("beta", &f.get("mu", "beta"), &[beta], 1e-11);
    same_list("shape", &f.get("tau", "shape"), &[a], 1e-11);
    same_list("rate", &f.get("tau", "rate"), &[b], 1e-10);
}

#[test]
fn gaussian_gamma_regression() {
    let x = [[1.0, 2.0], [1.0, -1.0], [1.0, 0.3], [1.0, 1.0]];
    let y = [1.0, -0.5, 0.2, 3.0];
    let mut csv = String::from("x_1,y,x_2\n");
    for (x, y) in x.iter().zip(y) {
        csv += &format!("{},{y},{}\n", x[0], x[1]);
    }
    let f = exact(
        "data row { y : real  x[feature] : real = \"x_*\" }
        latent tau ~ Gamma(2, rate = 1.5)
        latent w[feature] ~ Gaussian(0, precision = 0.4 * tau)
        observe y[row] ~ Gaussian(sum(w * x over feature), precision = tau)",
        &csv,
    );
    let (mut p, mut h) = (vec![vec![0.4, 0.0], vec![0.0, 0.4]], vec![0.0; 2]);
    for (x, y) in x.iter().zip(y) {
        for d in 0..2 {
            h[d] += x[d] * y;
            for e in 0..2 {
                p[d][e] += x[d] * x[e];
            }
        }
    }
    let m = solve(&p, &h).0;
    let a = 2.0 + 2.0;
    let yy: f64 = y.iter().map(|y| y * y).sum();
    let b = 1.5 + 0.5 * (yy - h[0] * m[0] - h[1] * m[1]);
    let l = -2.0 * (2.0 * PI).ln() + 0.5 * (2.0 * 0.4f64.ln() - ln_det(&p)) + 2.0 * 1.5f64.ln()
        - a * b.ln()
        + ln_gamma(a)
        - ln_gamma(2.0);
    same("evidence", f.last(), l, 1e-10);
    same_list("mean", &f.get("w", "mean"), &m, 1e-11);
    same_list("shape", &f.get("tau", "shape"), &[a], 1e-11);
    same_list("rate", &f.get("tau", "rate"), &[b], 1e-10);
}

/// A walk over the elements of a counted or a listed plate, seen only through its sum.
#[test]
fn a_walk_along_a_plate_without_rows() {
    let y = [0.5, 2.0];
    for plate in ["plate k(4)", "plate k { 2, 10, 9, x }"] {
        let f = exact(
            &format!(
                "data row {{ y : real }}
                {plate}
                latent v[k] ~ Gaussian(v[k-1], precision = 1.7) first Gaussian(1, var = 0.4)
                observe y[row] ~ Gaussian(sum(v over k), var = 0.9)"
            ),
            "y\n0.5\n2\n",
        );
        // Cov[v_i, v_j] = var of the first + steps up to the earlier one.
        let prior = |i: usize, j: usize| 0.4 + i.min(j) as f64 / 1.7;
        let with_sum: Vec<f64> = (0..4).map(|i| (0..4).map(|j| prior(i, j)).sum()).collect();
        let spread: f64 = with_sum.iter().sum();
        let s = vec![vec![spread + 0.9, spread], vec![spread, spread + 0.9]];
        same("evidence", f.last(), ln_mvn(&y, &[4.0, 4.0], &s), 1e-10);
        // Two equal readings are one of half the variance.
        let gain = |i: usize| with_sum[i] / (spread + 0.45);
        let mean: Vec<f64> = (0..4).map(|i| 1.0 + gain(i) * (1.25 - 4.0)).collect();
        same_list("v", &f.get("v", "mean"), &mean, 1e-10);
        let cov: Vec<f64> = (0..16)
            .map(|c| prior(c / 4, c % 4) - gain(c / 4) * with_sum[c % 4])
            .collect();
        same_list("covariance of v", &f.get("v", "covariance"), &cov, 1e-10);
    }
}

/// A number for each row and group, of which the row's own label picks one; no data tell the rows apart but that label.
#[test]
fn a_number_of_the_row_picked_by_its_label() {
    let y: [f64; 4] = [0.4, -1.0, 2.0, 0.1];
    let labels = [2, 0, 1, 0];
    let text = ["a", "b", "c"];
    let mut csv = String::from("g,y\n");
    for (l, y) in labels.iter().zip(y) {
        csv += &format!("{},{y}\n", text[*l]);
    }
    let f = exact(
        "data row { g : label  y : real }
        latent v[row, g] ~ Gaussian(1, var = 0.5)
        observe y[row] ~ Gaussian(v, var = 2)",
        &csv,
    );
    let want: f64 = y
        .iter()
        .map(|y| -0.5 * (2.0 * PI * 2.5).ln() - (y - 1.0).powi(2) / 5.0)
        .sum();
    same("evidence", f.last(), want, 1e-12);
    let mut mean = vec![1.0; 12];
    let mut variance = vec![0.5; 12];
    for (n, (l, y)) in labels.iter().zip(y).enumerate() {
        mean[3 * n + l] = (1.0 / 0.5 + y / 2.0) / (1.0 / 0.5 + 1.0 / 2.0);
        variance[3 * n + l] = 0.4;
    }
    same_list("v", &f.get("v", "mean"), &mean, 1e-12);
    same_list("variance of v", &f.get("v", "variance"), &variance, 1e-12);
}

/// A latent of two tables counts as often as the row of the one that has weights, whichever is named first.
#[test]
fn a_weight_counts_beside_a_table_without_one() {
    for (slots, rate) in [("school, row", 2.0), ("row, school", 2.0)] {
        let f = exact(
            &format!(
                "data row {{ school : label  times : weight  n : count }}
                data school {{ school : label }}
                latent s[{slots}] ~ Gamma(2, rate = {rate})
                observe n[row] ~ Poisson(s)"
            ),
            "school,times,n\nx,2,1\nx,0,3\ny,0.5,0\n",
        );
        // Integrated out: a negative binomial for each row that counts; the other school's number has no data.
        let r: f64 = rate / (rate + 1.0);
        let pmf = |n: f64| {
            ln_gamma(n + 2.0) - ln_gamma(2.0) - ln_gamma(n + 1.0)
                + 2.0 * r.ln()
                + n * (1.0 - r).ln()
        };
        same("evidence", f.last(), 2.0 * pmf(1.0) + 0.5 * pmf(0.0), 1e-10);
    }
}
