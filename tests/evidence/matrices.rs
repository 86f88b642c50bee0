//! Conjugate vectors and matrices: Gaussian, Wishart, inverse Wishart, Gaussian-Wishart, whole and by group.

use std::f64::consts::PI;

use crate::conjugate::exact;
use crate::fixture::{same, same_list};
use crate::special::{inverse, ln_det, ln_gamma_d, ln_mvn, solve};

const X: [[f64; 2]; 5] = [[1.0, 2.0], [0.0, -1.0], [3.0, 0.5], [2.0, 2.5], [-1.0, 1.0]];
const W: [f64; 5] = [1.0, 2.0, 1.0, 0.5, 1.0];

fn csv() -> String {
    let mut csv = String::from("b,w,a\n");
    for (x, w) in X.iter().zip(W) {
        csv += &format!("{},{w},{}\n", x[1], x[0]);
    }
    csv
}

const DATA: &str = "data row { x[f] : real = (a, b)  w : weight }";

fn scatter(m: &[f64]) -> Vec<Vec<f64>> {
    let mut s = vec![vec![0.0; 2]; 2];
    for (x, w) in X.iter().zip(W) {
        for i in 0..2 {
            for j in 0..2 {
                s[i][j] += w * (x[i] - m[i]) * (x[j] - m[j]);
            }
        }
    }
    s
}

fn plus(a: &[Vec<f64>], b: &[Vec<f64>]) -> Vec<Vec<f64>> {
    (0..2)
        .map(|i| (0..2).map(|j| a[i][j] + b[i][j]).collect())
        .collect()
}

#[test]
fn mean_of_a_vector_with_known_covariance() {
    // integer copies, so that the evidence is that of a dense Gaussian over all cells
    let rows = [0, 1, 1, 2];
    let mut csv = String::from("a,b,w\n");
    for (i, w) in [(0, 1), (1, 2), (2, 1)] {
        csv += &format!("{},{},{w}\n", X[i][0], X[i][1]);
    }
    let f = exact(
        &format!(
            "{DATA}
            const m0[f] = [0.5, 1]
            const C[f, f] = [[2, 0.6], [0.6, 1]]
            const S[f, f] = [[1, -0.3], [-0.3, 0.5]]
            latent mu ~ Gaussian(m0, cov = C) over f
            observe x[row] ~ Gaussian(mu, cov = S) over f"
        ),
        &csv,
    );
    let (c, s) = ([[2.0, 0.6], [0.6, 1.0]], [[1.0, -0.3], [-0.3, 0.5]]);
    let n = rows.len();
    let big: Vec<Vec<f64>> = (0..2 * n)
        .map(|i| {
            (0..2 * n)
                .map(|j| c[i % 2][j % 2] + if i / 2 == j / 2 { s[i % 2][j % 2] } else { 0.0 })
                .collect()
        })
        .collect();
    let y: Vec<f64> = rows.iter().flat_map(|i| X[*i]).collect();
    let m: Vec<f64> = (0..2 * n).map(|i| [0.5, 1.0][i % 2]).collect();
    same("evidence", f.last(), ln_mvn(&y, &m, &big), 1e-10);
    let rows_of = |a: [[f64; 2]; 2]| a.map(|r| r.to_vec()).to_vec();
    let (ci, si) = (inverse(&rows_of(c)), inverse(&rows_of(s)));
    let sum = [0, 1].map(|d| rows.iter().map(|i| X[*i][d]).sum::<f64>());
    let h: Vec<f64> = (0..2)
        .map(|i| {
            (0..2)
                .map(|j| ci[i][j] * [0.5, 1.0][j] + si[i][j] * sum[j])
                .sum()
        })
        .collect();
    let p: Vec<Vec<f64>> = (0..2)
        .map(|i| (0..2).map(|j| ci[i][j] + 4.0 * si[i][j]).collect())
        .collect();
    same_list("mean", &f.get("mu", "mean"), &solve(&p, &h).0, 1e-10);
    same_list(
        "cov",
        &f.get("mu", "covariance"),
        &inverse(&p).concat(),
        1e-10,
    );
}

#[test]
fn wishart_precision_and_inverse_wishart_covariance_about_a_known_mean() {
    let psi = vec![vec![2.0, 0.4], vec![0.4, 1.5]];
    let scale = inverse(&psi);
    let n: f64 = W.iter().sum();
    let (nu, m) = (4.5, [0.5, 1.0]);
    let after = plus(&psi, &scatter(&m));
    let l = -n * PI.ln() + ln_gamma_d((nu + n) / 2.0, 2) - ln_gamma_d(nu / 2.0, 2)
        + nu / 2.0 * ln_det(&psi)
        - (nu + n) / 2.0 * ln_det(&after);
    let entries =
        |m: &[Vec<f64>]| format!("[[{}, {}], [{}, {}]]", m[0][0], m[0][1], m[1][0], m[1][1]);
    for prior in [
        format!(
            "const W[f, f] = {} latent L ~ Wishart(4.5, scale = W) over f",
            entries(&scale)
        ),
        format!(
            "const P[f, f] = {} latent L ~ Wishart(4.5, inverse_scale = P) over f",
            entries(&psi)
        ),
    ] {
        let f = exact(
            &format!(
                "{DATA} const m[f] = [0.5, 1] {prior}
                observe x[row] ~ Gaussian(m, precision = L) over f"
            ),
            &csv(),
        );
        same("evidence", f.last(), l, 1e-10);
        same_list("df", &f.get("L", "df"), &[nu + n], 1e-12);
        same_list(
            "inverse scale",
            &f.get("L", "inverse_scale"),
            &after.concat(),
            1e-10,
        );
    }
    let f = exact(
        &format!(
            "{DATA} const m[f] = [0.5, 1] const P[f, f] = {}
            latent S ~ InverseWishart(4.5, scale = P) over f
            observe x[row] ~ Gaussian(m, cov = S) over f",
            entries(&psi)
        ),
        &csv(),
    );
    same("evidence", f.last(), l, 1e-10);
    same_list("df", &f.get("S", "df"), &[nu + n], 1e-12);
    same_list("scale", &f.get("S", "scale"), &after.concat(), 1e-10);
}

#[test]
fn gaussian_wishart() {
    let psi = vec![vec![2.0, 0.4], vec![0.4, 1.5]];
    let n: f64 = W.iter().sum();
    let (nu, beta, m0) = (3.5, 0.6, [0.5, -1.0]);
    let mean = [0, 1].map(|d| X.iter().zip(W).map(|(x, w)| w * x[d]).sum::<f64>() / n);
    let mut after = plus(&psi, &scatter(&mean));
    for i in 0..2 {
        for j in 0..2 {
            after[i][j] += beta * n / (beta + n) * (mean[i] - m0[i]) * (mean[j] - m0[j]);
        }
    }
    let l = -n * PI.ln() + (beta / (beta + n)).ln() + ln_gamma_d((nu + n) / 2.0, 2)
        - ln_gamma_d(nu / 2.0, 2)
        + nu / 2.0 * ln_det(&psi)
        - (nu + n) / 2.0 * ln_det(&after);
    let f = exact(
        &format!(
            "{DATA} const m0[f] = [0.5, -1] const P[f, f] = [[2, 0.4], [0.4, 1.5]]
            latent L ~ Wishart(3.5, inverse_scale = P) over f
            latent mu ~ Gaussian(m0, precision = 0.6 * L) over f
            observe x[row] ~ Gaussian(mu, precision = L) over f"
        ),
        &csv(),
    );
    same("evidence", f.last(), l, 1e-10);
    let want: Vec<f64> = (0..2)
        .map(|d| (beta * m0[d] + n * mean[d]) / (beta + n))
        .collect();
    same_list("mean", &f.get("mu", "mean"), &want, 1e-10);
    same_list("beta", &f.get("mu", "beta"), &[beta + n], 1e-11);
    same_list("df", &f.get("L", "df"), &[nu + n], 1e-11);
    same_list(
        "inverse scale",
        &f.get("L", "inverse_scale"),
        &after.concat(),
        1e-10,
    );
}

#[test]
fn gaussian_wishart_for_each_group() {
    // group "b" has one row, "c" none that counts
    let groups = ["a", "b", "a", "c", "a"];
    let w = [1.0, 1.0, 1.0, 0.0, 2.0];
    let mut csv = String::from("g,a,b,w\n");
    for i in 0..5 {
        csv += &format!("{},{},{},{}\n", groups[i], X[i][0], X[i][1], w[i]);
    }
    let f = exact(
        "data row { g : label  x[f] : real = (a, b)  w : weight }
        latent L[g] ~ Wishart(3, scale = identity) over f
        latent mu[g] ~ Gaussian(0, precision = 2 * L) over f
        observe x[row] ~ Gaussian(mu, precision = L) over f",
        &csv,
    );
    let mut l = 0.0;
    let mut df = vec![];
    for g in ["a", "b", "c"] {
        let mine: Vec<usize> = (0..5).filter(|i| groups[*i] == g).collect();
        let n: f64 = mine.iter().map(|i| w[*i]).sum();
        let mut after = vec![vec![1.0, 0.0], vec![0.0, 1.0]];
        let sum = [0, 1].map(|d| mine.iter().map(|i| w[*i] * X[*i][d]).sum::<f64>());
        for d in 0..2 {
            for e in 0..2 {
                after[d][e] += mine
                    .iter()
                    .map(|i| w[*i] * X[*i][d] * X[*i][e])
                    .sum::<f64>();
                after[d][e] -= sum[d] * sum[e] / (2.0 + n);
            }
        }
        df.push(3.0 + n);
        l += -n * PI.ln() + (2.0 / (2.0 + n)).ln() + ln_gamma_d((3.0 + n) / 2.0, 2)
            - ln_gamma_d(1.5, 2)
            - (3.0 + n) / 2.0 * ln_det(&after);
    }
    same("evidence", f.last(), l, 1e-10);
    same_list("df", &f.get("L", "df"), &df, 1e-11);
}
