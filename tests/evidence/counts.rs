//! Exact EM of counts and switches: zero inflation, outliers, Binomials, exposures; weights as repeated rows.

use serde_json::json;

use crate::exact::{Exact, Shape, mixture};
use crate::fixture::{same, same_list};
use crate::special::{ln_bernoulli, ln_binomial, ln_normal, ln_poisson};

#[test]
fn zero_inflated_poisson_with_exposure() {
    // n, exposure, weight; the fourth count is blank
    let rows: [(Option<f64>, f64, f64); 7] = [
        (Some(0.0), 1.5, 1.0),
        (Some(3.0), 2.0, 2.0),
        (Some(0.0), 0.5, 3.0),
        (None, 1.0, 1.0),
        (Some(7.0), 4.0, 0.5),
        (Some(1.0), 1.0, 1.0),
        (Some(0.0), 6.0, 1.25),
    ];
    let mut csv = String::from("w,n,exposure\n");
    for (n, e, w) in &rows {
        let n = n.map_or(String::new(), |n| n.to_string());
        csv += &format!("{w},{n},{e}\n");
    }
    let joint = |t: &[f64], i: usize, k: usize| {
        let (n, e, _) = rows[i];
        let l = ln_bernoulli(k as f64, t[0]);
        l + n.map_or(0.0, |n| ln_poisson(n, if k == 1 { e * t[1] } else { 0.0 }))
    };
    let l = |t: &[f64]| mixture(7, 2, |i| rows[i].2, |i, k| joint(t, i, k)).0;
    let case = Exact {
        model: "data unit { n : count  exposure : positive  w : weight }
            param p : probability
            param rate : positive
            latent s[unit] ~ Bernoulli(p)
            observe n[unit] ~ case s { 0: Poisson(0)  1: Poisson(exposure * rate) }",
        csv: &csv,
        init: json!({"p": 0.3, "rate": 2.5}),
        params: &[("p", Shape::Free(1)), ("rate", Shape::Free(1))],
        method: "exact EM",
        objective: "log_likelihood",
        log_likelihood: &l,
    };
    let r = mixture(7, 2, |i| rows[i].2, |i, k| joint(&case.start(), i, k)).1;
    let (mut on, mut all, mut counts, mut exposure) = (0.0, 0.0, 0.0, 0.0);
    for ((n, e, w), r) in rows.iter().zip(&r) {
        all += w;
        on += w * r[1];
        if let Some(n) = n {
            counts += w * r[1] * n;
            exposure += w * r[1] * e;
        }
    }
    case.first_step(&[on / all, counts / exposure]);
    case.level(2000);
}

#[test]
fn outliers_between_two_families() {
    // 130 lies outside the Uniform and can only be signal
    let y = [0.5, -1.0, 2.0, 55.0, -80.0, 1.5, 130.0, 0.0];
    let w = [1.0, 2.0, 1.0, 1.0, 1.0, 0.0, 0.25, 1.0];
    let mut csv = String::from("y,w\n");
    for (y, w) in y.iter().zip(w) {
        csv += &format!("{y},{w}\n");
    }
    let joint = |t: &[f64], n: usize, k: usize| {
        t[k].ln()
            + if k == 0 {
                ln_normal(y[n], t[2], t[3])
            } else if y[n].abs() <= 100.0 {
                -(200f64.ln())
            } else {
                f64::NEG_INFINITY
            }
    };
    let l = |t: &[f64]| mixture(8, 2, |n| w[n], |n, k| joint(t, n, k)).0;
    let case = Exact {
        model: "data row { y : real  w : weight }
            plate kind { signal, noise }
            param weight : simplex over kind
            param mu : real
            param s2 : positive
            latent z[row] ~ Categorical(weight)
            observe y[row] ~ case z { noise: Uniform(-100, 100)  signal: Gaussian(mu, var = s2) }",
        csv: &csv,
        init: json!({"weight": [0.6, 0.4], "mu": 10.0, "s2": 400.0}),
        params: &[
            ("weight", Shape::Simplex(1, 2)),
            ("mu", Shape::Free(1)),
            ("s2", Shape::Free(1)),
        ],
        method: "exact EM",
        objective: "log_likelihood",
        log_likelihood: &l,
    };
    let r = mixture(8, 2, |n| w[n], |n, k| joint(&case.start(), n, k)).1;
    let total: f64 = w.iter().sum();
    let a: f64 = (0..8).map(|n| w[n] * r[n][0]).sum();
    let mu = (0..8).map(|n| w[n] * r[n][0] * y[n]).sum::<f64>() / a;
    let s2 = (0..8)
        .map(|n| w[n] * r[n][0] * (y[n] - mu).powi(2))
        .sum::<f64>()
        / a;
    case.first_step(&[a / total, 1.0 - a / total, mu, s2]);
    case.level(2000);
}

#[test]
fn binomial_mixture() {
    let rows: [(Option<f64>, f64, f64); 6] = [
        (Some(3.0), 10.0, 1.0),
        (Some(0.0), 4.0, 1.0),
        (None, 7.0, 1.0),
        (Some(9.0), 9.0, 2.0),
        (Some(5.0), 20.0, 0.5),
        (Some(8.0), 12.0, 1.0),
    ];
    let mut csv = String::from("k,n,w\n");
    for (k, n, w) in &rows {
        csv += &format!("{},{n},{w}\n", k.map_or("".into(), |k| k.to_string()));
    }
    let joint = |t: &[f64], i: usize, c: usize| {
        let (k, n, _) = rows[i];
        t[c].ln() + k.map_or(0.0, |k| ln_binomial(k, t[2 + c], n))
    };
    let l = |t: &[f64]| mixture(6, 2, |i| rows[i].2, |i, c| joint(t, i, c)).0;
    let case = Exact {
        model: "data row { k : count  n : count  w : weight }
            plate c(2)
            param weight : simplex over c
            param p[c] : probability
            latent z[row] ~ Categorical(weight)
            observe k[row] ~ Binomial(p[z], total = n)",
        csv: &csv,
        init: json!({"weight": [0.35, 0.65], "p": [0.2, 0.7]}),
        params: &[("weight", Shape::Simplex(1, 2)), ("p", Shape::Free(2))],
        method: "exact EM",
        objective: "log_likelihood",
        log_likelihood: &l,
    };
    let r = mixture(6, 2, |i| rows[i].2, |i, c| joint(&case.start(), i, c)).1;
    let all: f64 = rows.iter().map(|r| r.2).sum();
    let mut want = vec![];
    for c in 0..2 {
        want.push((0..6).map(|i| rows[i].2 * r[i][c]).sum::<f64>() / all);
    }
    for c in 0..2 {
        let (mut yes, mut total) = (0.0, 0.0);
        for (row, r) in rows.iter().zip(&r) {
            if let Some(k) = row.0 {
                yes += row.2 * r[c] * k;
                total += row.2 * r[c] * row.1;
            }
        }
        want.push(yes / total);
    }
    case.first_step(&want);
    case.level(2000);
}

#[test]
fn poisson_mixture_with_exposure() {
    let n = [3.0, 0.0, 12.0, 7.0, 1.0];
    let e = [1.0, 2.5, 3.0, 0.5, 1.5];
    let mut csv = String::from("n,exposure\n");
    for (n, e) in n.iter().zip(e) {
        csv += &format!("{n},{e}\n");
    }
    let joint = |t: &[f64], i: usize, k: usize| t[k].ln() + ln_poisson(n[i], e[i] * t[2 + k]);
    let l = |t: &[f64]| mixture(5, 2, |_| 1.0, |i, k| joint(t, i, k)).0;
    let case = Exact {
        model: "data row { n : count  exposure : positive }
            plate kind(2)
            param weight : simplex over kind
            param rate[kind] : positive
            latent z[row] ~ Categorical(weight)
            observe n[row] ~ Poisson(exposure * rate[z])",
        csv: &csv,
        init: json!({"weight": [0.5, 0.5], "rate": [1.0, 6.0]}),
        params: &[("weight", Shape::Simplex(1, 2)), ("rate", Shape::Free(2))],
        method: "exact EM",
        objective: "log_likelihood",
        log_likelihood: &l,
    };
    let r = mixture(5, 2, |_| 1.0, |i, k| joint(&case.start(), i, k)).1;
    let sum = |f: &dyn Fn(usize) -> f64| (0..5).map(f).sum::<f64>();
    let mut want: Vec<f64> = (0..2).map(|k| sum(&|i| r[i][k]) / 5.0).collect();
    want.extend((0..2).map(|k| sum(&|i| r[i][k] * n[i]) / sum(&|i| r[i][k] * e[i])));
    case.first_step(&want);
    case.level(2000);
}

#[test]
fn a_weighted_row_is_so_many_rows() {
    let model = |w: &str| {
        format!(
            "data row {{ x[f] : real = (a, b)  {w} }}
            plate k(2)
            param weight : simplex over k
            param mu[k] : real over f
            param S[k] : covariance over f
            latent z[row] ~ Categorical(weight)
            observe x[row] ~ Gaussian(mu[z], cov = S[z]) over f"
        )
    };
    let rows = [
        (0.0, 1.0, 2),
        (1.0, 3.0, 1),
        (2.0, 0.5, 3),
        (9.0, 4.0, 0),
        (5.0, 6.0, 1),
        (6.0, 4.5, 2),
        (4.0, 7.0, 1),
    ];
    let (mut weighted, mut repeated, mut without) = (
        String::from("a,b,n\n"),
        String::from("b,a\n"),
        String::from("a,b,n\n"),
    );
    for (a, b, n) in rows {
        weighted += &format!("{a},{b},{n}\n");
        if n > 0 {
            without += &format!("{a},{b},{n}\n");
        }
        for _ in 0..n {
            repeated += &format!("{b},{a}\n");
        }
    }
    let init = json!({"weight": [0.5, 0.5], "mu": [[1, 1], [5, 5]],
        "S": [[[2, 0], [0, 2]], [[2, 0.5], [0.5, 2]]]});
    let go = |m: &str, csv: &str| crate::fixture::fit(m, csv, Some(init.clone()), 12);
    let a = go(&model("n : weight"), &weighted);
    for b in [
        go(&model(""), &repeated),
        go(&model("n : weight"), &without),
    ] {
        for (x, y) in a.outcome.trace.iter().zip(&b.outcome.trace) {
            same("trace", *x, *y, 1e-11);
        }
        let names = ["weight", "mu", "S"];
        same_list("params", &a.points(&names), &b.points(&names), 1e-8);
    }
}
