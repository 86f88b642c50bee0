//! Unusual ways to write things: sums of mixtures, lags, equal rows, scaled matrices, standardised columns.

use serde_json::json;

use crate::conjugate::exact;
use crate::exact::{Exact, Shape, mixture};
use crate::fixture::{fit, same, same_list};
use crate::special::{ln_bernoulli, ln_mvn, ln_normal};

#[test]
fn two_mixtures_added_in_one_mean() {
    let y = [0.0, 1.1, 5.2, 6.4, 0.3, 5.9, 1.4, 4.8];
    let w = [1.0, 1.0, 2.0, 1.0, 0.5, 1.0, 1.0, 1.0];
    let csv: String = (0..8).map(|i| format!("{},{}\n", y[i], w[i])).collect();
    // a, b, mu, nu, s2
    let joint = |t: &[f64], n: usize, s: usize| {
        let (i, j) = (s / 2, s % 2);
        t[i].ln() + t[2 + j].ln() + ln_normal(y[n], t[4 + i] + t[6 + j], t[8])
    };
    let l = |t: &[f64]| {
        mixture(8, 4, |n| w[n], |n, s| joint(t, n, s)).0
            + (0..2)
                .map(|k| ln_normal(t[4 + k], 0.0, 9.0) + ln_normal(t[6 + k], 0.0, 9.0))
                .sum::<f64>()
    };
    let case = Exact {
        model: "data row { y : real  w : weight }
            plate i(2)
            plate j(2)
            param a : simplex over i
            param b : simplex over j
            param mu[i] ~ Gaussian(0, var = 9)
            param nu[j] ~ Gaussian(0, var = 9)
            param s2 : positive
            latent z[row] ~ Categorical(a)
            latent u[row] ~ Categorical(b)
            observe y[row] ~ Gaussian(mu[z] + nu[u], var = s2)",
        csv: &format!("y,w\n{csv}"),
        init: json!({"a": [0.5, 0.5], "b": [0.6, 0.4], "mu": [0, 5], "nu": [0, 1], "s2": 1}),
        params: &[
            ("a", Shape::Simplex(1, 2)),
            ("b", Shape::Simplex(1, 2)),
            ("mu", Shape::Free(2)),
            ("nu", Shape::Free(2)),
            ("s2", Shape::Free(1)),
        ],
        method: "ECM",
        objective: "log_posterior",
        log_likelihood: &l,
    };
    let start = case.start();
    let r = mixture(8, 4, |n| w[n], |n, s| joint(&start, n, s)).1;
    let total: f64 = w.iter().sum();
    let sum = |f: &dyn Fn(usize, usize) -> f64| -> f64 {
        (0..8)
            .map(|n| (0..4).map(|s| w[n] * r[n][s] * f(n, s)).sum::<f64>())
            .sum()
    };
    let is = |c: bool| f64::from(u8::from(c));
    let mut want: Vec<f64> = (0..2)
        .map(|i| sum(&|_, s| is(s / 2 == i)) / total)
        .collect();
    want.extend((0..2).map(|j| sum(&|_, s| is(s % 2 == j)) / total));
    // the means are not joined (each keeps its own plate): mu at the old nu, nu at the new mu, at the old s2 = 1
    let mu: Vec<f64> = (0..2)
        .map(|i| {
            let top = sum(&|n, s| is(s / 2 == i) * (y[n] - [0.0, 1.0][s % 2]));
            top / (1.0 / 9.0 + sum(&|_, s| is(s / 2 == i)))
        })
        .collect();
    let nu: Vec<f64> = (0..2)
        .map(|j| {
            let top = sum(&|n, s| is(s % 2 == j) * (y[n] - mu[s / 2]));
            top / (1.0 / 9.0 + sum(&|_, s| is(s % 2 == j)))
        })
        .collect();
    want.extend(&mu);
    want.extend(&nu);
    want.push(sum(&|n, s| (y[n] - mu[s / 2] - nu[s % 2]).powi(2)) / total);
    case.first_step(&want);
    case.level(6000);
}

#[test]
fn a_mixture_of_autoregressions() {
    let y = [0.5, 1.0, 1.9, 1.2, -0.4, -1.0, 0.2, 0.9, 2.2, 1.0, -0.8];
    let csv: String = (0..11).rev().map(|t| format!("{t},{}\n", y[t])).collect();
    // weight, a, c, s2; the first step has its own distribution and z at the prior
    let joint = |t: &[f64], n: usize, k: usize| {
        t[k].ln()
            + if n == 0 {
                ln_normal(y[0], 0.0, 10.0)
            } else {
                ln_normal(y[n], t[2 + k] * y[n - 1] + t[4 + k], t[6])
            }
    };
    let l = |t: &[f64]| mixture(11, 2, |_| 1.0, |n, k| joint(t, n, k)).0;
    let case = Exact {
        model: "data step ordered by t { y : real }
            plate k(2)
            param weight : simplex over k
            param a[k] : real
            param c[k] : real
            param s2 : positive
            latent z[step] ~ Categorical(weight)
            observe y[step] ~ Gaussian(a[z] * y[step-1] + c[z], var = s2)
                first Gaussian(0, var = 10)",
        csv: &format!("t,y\n{csv}"),
        init: json!({"weight": [0.5, 0.5], "a": [0.8, 0.3], "c": [0.5, -0.5], "s2": 0.7}),
        params: &[
            ("weight", Shape::Simplex(1, 2)),
            ("a", Shape::Free(2)),
            ("c", Shape::Free(2)),
            ("s2", Shape::Free(1)),
        ],
        method: "exact EM",
        objective: "log_likelihood",
        log_likelihood: &l,
    };
    let r = mixture(11, 2, |_| 1.0, |n, k| joint(&case.start(), n, k)).1;
    let mut want: Vec<f64> = (0..2)
        .map(|k| r.iter().map(|r| r[k]).sum::<f64>() / 11.0)
        .collect();
    let (mut a, mut c, mut q) = (vec![], vec![], 0.0);
    for k in 0..2 {
        let sum =
            |f: &dyn Fn(f64, f64) -> f64| (1..11).map(|n| r[n][k] * f(y[n - 1], y[n])).sum::<f64>();
        let (m, x, v) = (sum(&|_, _| 1.0), sum(&|x, _| x), sum(&|_, y| y));
        let (xx, xy) = (sum(&|x, _| x * x), sum(&|x, y| x * y));
        let slope = (m * xy - x * v) / (m * xx - x * x);
        let at_zero = (v - slope * x) / m;
        q += sum(&|x, y| (y - slope * x - at_zero).powi(2));
        a.push(slope);
        c.push(at_zero);
    }
    want.extend(a);
    want.extend(c);
    want.push(q / 10.0);
    case.first_step(&want);
}

#[test]
fn equal_rows_with_unequal_weights() {
    let rows: [([Option<f64>; 2], f64); 8] = [
        ([Some(1.0), Some(0.0)], 1.0),
        ([Some(1.0), None], 2.0),
        ([Some(1.0), Some(0.0)], 0.5),
        ([Some(0.0), Some(0.0)], 1.0),
        ([Some(1.0), None], 1.0),
        ([None, None], 1.0),
        ([Some(1.0), Some(0.0)], 0.0),
        ([None, Some(1.0)], 3.0),
    ];
    let text = |v: Option<f64>| v.map_or(String::new(), |v| v.to_string());
    let csv: String = rows
        .iter()
        .map(|(v, w)| format!("{},{w},{}\n", text(v[1]), text(v[0])))
        .collect();
    let joint = |t: &[f64], n: usize, k: usize| {
        let v = |d: usize| rows[n].0[d].map_or(0.0, |v| ln_bernoulli(v, t[2 + 2 * k + d]));
        t[k].ln() + v(0) + v(1)
    };
    let l = |t: &[f64]| mixture(8, 2, |n| rows[n].1, |n, k| joint(t, n, k)).0;
    let case = Exact {
        model: "data row { v[item] : binary = (a, b)  w : weight }
            plate k(2)
            param weight : simplex over k
            param p[k, item] : probability
            latent z[row] ~ Categorical(weight)
            observe v[row, item] ~ Bernoulli(p[z])",
        csv: &format!("b,w,a\n{csv}"),
        init: json!({"weight": [0.3, 0.7], "p": [[0.4, 0.2], [0.7, 0.5]]}),
        params: &[("weight", Shape::Simplex(1, 2)), ("p", Shape::Free(4))],
        method: "exact EM",
        objective: "log_likelihood",
        log_likelihood: &l,
    };
    let r = mixture(8, 2, |n| rows[n].1, |n, k| joint(&case.start(), n, k)).1;
    let total: f64 = rows.iter().map(|r| r.1).sum();
    let mut want: Vec<f64> = (0..2)
        .map(|k| (0..8).map(|n| rows[n].1 * r[n][k]).sum::<f64>() / total)
        .collect();
    for k in 0..2 {
        for d in 0..2 {
            let (mut yes, mut all) = (0.0, 0.0);
            for (row, r) in rows.iter().zip(&r) {
                if let Some(v) = row.0[d] {
                    yes += row.1 * r[k] * v;
                    all += row.1 * r[k];
                }
            }
            want.push(yes / all);
        }
    }
    case.first_step(&want);
}

#[test]
fn a_latent_of_each_weighted_row() {
    let rows = [(0.5, 1.0), (-2.0, 2.0), (1.5, 0.0), (3.0, 0.25)];
    let csv: String = rows.iter().map(|(y, w)| format!("{y},{w}\n")).collect();
    let f = exact(
        "data row { y : real  w : weight }
        latent m[row] ~ Gaussian(1, var = 2)
        observe y[row] ~ Gaussian(m, var = 0.5)",
        &format!("y,w\n{csv}"),
    );
    let l: f64 = rows.iter().map(|(y, w)| w * ln_normal(*y, 1.0, 2.5)).sum();
    same("evidence", f.last(), l, 1e-10);
}

const X: [[f64; 2]; 4] = [[1.0, 2.0], [0.0, -1.0], [3.0, 0.5], [2.0, 2.5]];

/// A spread over two features in several spellings, against the dense density of the covariance it means.
#[test]
fn spreads_of_vectors_in_their_spellings() {
    let csv: String = X.iter().map(|x| format!("{},{}\n", x[0], x[1])).collect();
    let m = [0.5, 1.0];
    let q = |d: usize| X.iter().map(|x| (x[d] - m[d]).powi(2)).sum::<f64>();
    let both = (q(0) + q(1)) / 8.0;
    // s and the covariance that it maximises
    let c = [[2.0, 0.6], [0.6, 1.0]];
    let det = 2.0 - 0.36;
    let ci = [[1.0 / det, -0.6 / det], [-0.6 / det, 2.0 / det]];
    let quad: f64 = X
        .iter()
        .map(|x| {
            let r = [x[0] - m[0], x[1] - m[1]];
            (0..2)
                .map(|i| (0..2).map(|j| r[i] * ci[i][j] * r[j]).sum::<f64>())
                .sum::<f64>()
        })
        .sum();
    let t = quad / 8.0;
    let diagonal = |a: f64, b: f64| vec![vec![a, 0.0], vec![0.0, b]];
    let scaled = |t: f64| c.map(|r| r.map(|v| v * t).to_vec()).to_vec();
    let one = "param s : positive";
    let each = "param s[f] : positive";
    for (declared, argument, s, cov) in [
        (one, "var = s", vec![both], diagonal(both, both)),
        (one, "sd = s", vec![both.sqrt()], diagonal(both, both)),
        (one, "precision = s", vec![1.0 / both], diagonal(both, both)),
        (one, "cov = s * identity", vec![both], diagonal(both, both)),
        (
            one,
            "precision = s * identity",
            vec![1.0 / both],
            diagonal(both, both),
        ),
        (one, "cov = C * s", vec![t], scaled(t)),
        (one, "precision = s * inverse(C)", vec![1.0 / t], scaled(t)),
        (one, "cov = C / s", vec![1.0 / t], scaled(t)),
        (
            each,
            "var = s",
            vec![q(0) / 4.0, q(1) / 4.0],
            diagonal(q(0) / 4.0, q(1) / 4.0),
        ),
    ] {
        let f = fit(
            &format!(
                "data row {{ x[f] : real = (a, b) }}
                const m[f] = [0.5, 1]
                const C[f, f] = [[2, 0.6], [0.6, 1]]
                {declared}
                observe x[row] ~ Gaussian(m, {argument}) over f"
            ),
            &format!("a,b\n{csv}"),
            None,
            3,
        );
        same_list(argument, &f.get("s", "value"), &s, 1e-10);
        let l: f64 = X.iter().map(|x| ln_mvn(x, &m, &cov)).sum();
        same(argument, f.last(), l, 1e-10);
    }
}

#[test]
fn standardised_by_weighted_means() {
    let rows = [
        (1.0, 2.0, 1.0),
        (2.0, 2.5, 3.0),
        (4.0, 6.0, 1.0),
        (7.0, 6.5, 0.5),
    ];
    let csv: String = rows
        .iter()
        .map(|(x, y, w)| format!("{x},{y},{w}\n"))
        .collect();
    let f = fit(
        "data person { x : real  y : real  w : weight }
        let u[person] = (x - mean(x over person)) / sd(x over person)
        param a : real
        param b : real
        param s2 : positive
        observe y[person] ~ Gaussian(a + b * u, var = s2)",
        &format!("x,y,w\n{csv}"),
        None,
        3,
    );
    let sum = |g: &dyn Fn(f64, f64) -> f64| rows.iter().map(|r| r.2 * g(r.0, r.1)).sum::<f64>();
    let n = sum(&|_, _| 1.0);
    let mean = sum(&|x, _| x) / n;
    let sd = (sum(&|x, _| (x - mean).powi(2)) / n).sqrt();
    let a = sum(&|_, y| y) / n;
    let b = sum(&|x, y| (x - mean) / sd * y) / n;
    same("a", f.get("a", "value")[0], a, 1e-10);
    same("b", f.get("b", "value")[0], b, 1e-10);
}
