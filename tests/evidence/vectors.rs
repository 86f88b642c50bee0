//! Exact EM of mixtures of full Gaussians, of regressions and of multinomials, with weights.

use serde_json::json;

use crate::exact::{Exact, Shape, mixture};
use crate::fixture::same;
use crate::special::{ln_choose, ln_dirichlet, ln_mvn, ln_normal, rows_of};

#[test]
fn full_covariance_with_weights() {
    let x = [
        [0.0, 1.0],
        [1.0, 3.0],
        [2.0, 0.5],
        [9.0, -4.0],
        [5.0, 6.0],
        [6.0, 4.5],
        [4.0, 7.0],
    ];
    let w = [1.0, 0.5, 2.0, 0.0, 1.0, 1.5, 1.0];
    let mut csv = String::from("w,a,b\n");
    for (x, w) in x.iter().zip(w) {
        csv += &format!("{w},{},{}\n", x[0], x[1]);
    }
    // weight, mu, S
    let joint = |t: &[f64], n: usize, k: usize| {
        let s = rows_of(&t[6 + 4 * k..10 + 4 * k], 2);
        t[k].ln() + ln_mvn(&x[n], &t[2 + 2 * k..4 + 2 * k], &s)
    };
    let l = |t: &[f64]| mixture(7, 2, |n| w[n], |n, k| joint(t, n, k)).0;
    let case = Exact {
        model: "data row { x[f] : real = (a, b)  w : weight }
            plate k(2)
            param weight : simplex over k
            param mu[k] : real over f
            param S[k] : covariance over f
            latent z[row] ~ Categorical(weight)
            observe x[row] ~ Gaussian(mu[z], cov = S[z]) over f",
        csv: &csv,
        init: json!({"weight": [0.5, 0.5], "mu": [[1, 1], [5, 5]],
            "S": [[[8, 1], [1, 8]], [[8, 0.5], [0.5, 8]]]}),
        params: &[
            ("weight", Shape::Simplex(1, 2)),
            ("mu", Shape::Free(4)),
            ("S", Shape::Matrix(2, 2)),
        ],
        method: "exact EM",
        objective: "log_likelihood",
        log_likelihood: &l,
    };
    let r = mixture(7, 2, |n| w[n], |n, k| joint(&case.start(), n, k)).1;
    let total: f64 = w.iter().sum();
    let mass: Vec<f64> = (0..2)
        .map(|k| (0..7).map(|n| w[n] * r[n][k]).sum())
        .collect();
    let mut want: Vec<f64> = mass.iter().map(|m| m / total).collect();
    let sum = |f: &dyn Fn(usize) -> f64| (0..7).map(f).sum::<f64>();
    let mu: Vec<Vec<f64>> = (0..2)
        .map(|k| {
            (0..2)
                .map(|d| sum(&|n| w[n] * r[n][k] * x[n][d]) / mass[k])
                .collect()
        })
        .collect();
    want.extend(mu.iter().flatten());
    for k in 0..2 {
        for d in 0..2 {
            for e in 0..2 {
                let c = |n: usize| w[n] * r[n][k] * (x[n][d] - mu[k][d]) * (x[n][e] - mu[k][e]);
                want.push(sum(&c) / mass[k]);
            }
        }
    }
    case.first_step(&want);
}

#[test]
fn mixture_of_weighted_regressions() {
    let rows = [
        (0.0, 1.1, 1.0),
        (1.0, 2.0, 2.0),
        (2.0, 3.2, 1.0),
        (3.0, 3.8, 0.5),
        (0.5, 8.0, 1.0),
        (1.5, 6.2, 1.0),
        (2.5, 3.1, 0.0),
        (3.5, 1.0, 3.0),
        (4.0, 0.7, 1.0),
    ];
    let mut csv = String::from("y,x,w\n");
    for (x, y, w) in &rows {
        csv += &format!("{y},{x},{w}\n");
    }
    // weight, a, b, s2
    let joint = |t: &[f64], n: usize, k: usize| {
        let (x, y, _) = rows[n];
        t[k].ln() + ln_normal(y, t[2 + k] + t[4 + k] * x, t[6 + k])
    };
    let l = |t: &[f64]| mixture(9, 2, |n| rows[n].2, |n, k| joint(t, n, k)).0;
    let case = Exact {
        model: "data row { x : real  y : real  w : weight }
            plate line(2)
            param weight : simplex over line
            param a[line] : real
            param b[line] : real
            param s2[line] : positive
            latent z[row] ~ Categorical(weight)
            observe y[row] ~ Gaussian(a[z] + b[z] * x, var = s2[z])",
        csv: &csv,
        init: json!({"weight": [0.5, 0.5], "a": [0, 8], "b": [1, -1.5], "s2": [1, 1]}),
        params: &[
            ("weight", Shape::Simplex(1, 2)),
            ("a", Shape::Free(2)),
            ("b", Shape::Free(2)),
            ("s2", Shape::Free(2)),
        ],
        method: "exact EM",
        objective: "log_likelihood",
        log_likelihood: &l,
    };
    let r = mixture(9, 2, |n| rows[n].2, |n, k| joint(&case.start(), n, k)).1;
    let total: f64 = rows.iter().map(|r| r.2).sum();
    let (mut weight, mut a, mut b, mut s2) = (vec![], vec![], vec![], vec![]);
    for k in 0..2 {
        let sum = |f: &dyn Fn(f64, f64) -> f64| -> f64 {
            (0..9)
                .map(|n| rows[n].2 * r[n][k] * f(rows[n].0, rows[n].1))
                .sum()
        };
        let (m, x, y) = (sum(&|_, _| 1.0), sum(&|x, _| x), sum(&|_, y| y));
        let (xx, xy) = (sum(&|x, _| x * x), sum(&|x, y| x * y));
        weight.push(m / total);
        let slope = (m * xy - x * y) / (m * xx - x * x);
        let at_zero = (y - slope * x) / m;
        a.push(at_zero);
        b.push(slope);
        s2.push(sum(&|x, y| (y - at_zero - slope * x).powi(2)) / m);
    }
    case.first_step(&[weight, a, b, s2].concat());
}

#[test]
fn multinomial_mixture_with_a_prior() {
    // word counts of documents; the third is empty
    let n = [
        [3.0, 0.0, 1.0],
        [0.0, 2.0, 2.0],
        [0.0, 0.0, 0.0],
        [5.0, 1.0, 0.0],
        [1.0, 4.0, 3.0],
    ];
    let w = [1.0, 2.0, 1.0, 0.5, 1.0];
    let mut csv = String::from("w,n_be,n_at,n_cat\n");
    for (n, w) in n.iter().zip(w) {
        csv += &format!("{w},{},{},{}\n", n[0], n[1], n[2]);
    }
    let joint = |t: &[f64], i: usize, k: usize| {
        let total: f64 = n[i].iter().sum();
        let mut l = t[k].ln();
        let mut left = total;
        for d in 0..3 {
            l += n[i][d] * t[2 + 3 * k + d].ln() + ln_choose(left, n[i][d]);
            left -= n[i][d];
        }
        l
    };
    let l = |t: &[f64]| {
        mixture(5, 2, |i| w[i], |i, k| joint(t, i, k)).0
            + ln_dirichlet(&t[2..5], &[1.3; 3])
            + ln_dirichlet(&t[5..8], &[1.3; 3])
    };
    let case = Exact {
        model: "data doc { n[word] : count = \"n_*\"  w : weight }
            plate topic(2)
            param weight : simplex over topic
            param theta[topic] ~ Dirichlet(1.3) over word
            latent z[doc] ~ Categorical(weight)
            observe n[doc] ~ Multinomial(theta[z]) over word",
        csv: &csv,
        init: json!({"weight": [0.5, 0.5], "theta": [[0.5, 0.25, 0.25], [0.2, 0.5, 0.3]]}),
        params: &[
            ("weight", Shape::Simplex(1, 2)),
            ("theta", Shape::Simplex(2, 3)),
        ],
        method: "exact EM",
        objective: "log_posterior",
        log_likelihood: &l,
    };
    let r = mixture(5, 2, |i| w[i], |i, k| joint(&case.start(), i, k)).1;
    let total: f64 = w.iter().sum();
    let mut want: Vec<f64> = (0..2)
        .map(|k| (0..5).map(|i| w[i] * r[i][k]).sum::<f64>() / total)
        .collect();
    for k in 0..2 {
        let c: Vec<f64> = (0..3)
            .map(|d| 0.3 + (0..5).map(|i| w[i] * r[i][k] * n[i][d]).sum::<f64>())
            .collect();
        want.extend(c.iter().map(|x| x / c.iter().sum::<f64>()));
    }
    case.first_step(&want);
    case.level(2000);
    same("weights", want[0] + want[1], 1.0, 1e-12);
}
