//! Exact EM of Gaussian mixtures in their many scales.

use serde_json::json;

use crate::exact::{Exact, Shape, mixture};
use crate::special::ln_normal;

/// y, a known positive u, a weight; one y is blank.
const ROWS: [(Option<f64>, f64, f64); 12] = [
    (Some(0.3), 1.0, 1.0),
    (Some(-1.2), 0.5, 2.0),
    (Some(1.1), 2.0, 1.0),
    (None, 1.0, 1.0),
    (Some(6.1), 1.5, 0.5),
    (Some(7.4), 0.7, 1.0),
    (Some(5.0), 3.0, 1.0),
    (Some(2.9), 1.0, 0.25),
    (Some(-0.5), 0.8, 1.0),
    (Some(0.0), 1.2, 1.5),
    (Some(5.7), 1.0, 1.0),
    (Some(4.4), 2.0, 0.0),
];

fn csv() -> String {
    let mut csv = String::from("w,y,u\n");
    for (y, u, w) in &ROWS {
        csv += &format!("{w},{},{u}\n", y.map_or("?".into(), |y| y.to_string()));
    }
    csv
}

/// A mixture of two Gaussians whose variance for row n and component k is `var`; `tied`: one scale number, else two.
/// `scale` turns sum r (y - mu)^2 v, sum r of a group (v what the residual is multiplied with) into the number.
fn scales(
    declared: &str,
    argument: &str,
    tied: bool,
    start: [f64; 2],
    var: fn(f64, f64) -> f64,
    weighed: fn(f64) -> f64,
    scale: fn(f64, f64) -> f64,
) {
    let s = |t: &[f64], k: usize| if tied { t[4] } else { t[4 + k] };
    let joint = |t: &[f64], n: usize, k: usize| {
        let (y, u, _) = ROWS[n];
        t[k].ln() + y.map_or(0.0, |y| ln_normal(y, t[2 + k], var(s(t, k), u)))
    };
    let l = |t: &[f64]| mixture(12, 2, |n| ROWS[n].2, |n, k| joint(t, n, k)).0;
    let model = format!(
        "data row {{ y : real  u : positive  w : weight }}
        plate k(2)
        param weight : simplex over k
        param mu[k] : real
        {declared}
        latent z[row] ~ Categorical(weight)
        observe y[row] ~ Gaussian(mu[z], {argument})"
    );
    let init = if tied {
        json!({"weight": [0.4, 0.6], "mu": [0.0, 5.0], "s": start[0]})
    } else {
        json!({"weight": [0.4, 0.6], "mu": [0.0, 5.0], "s": start})
    };
    let case = Exact {
        model: &model,
        csv: &csv(),
        init,
        params: &[
            ("weight", Shape::Simplex(1, 2)),
            ("mu", Shape::Free(2)),
            ("s", Shape::Free(if tied { 1 } else { 2 })),
        ],
        method: "exact EM",
        objective: "log_likelihood",
        log_likelihood: &l,
    };
    let r = mixture(12, 2, |n| ROWS[n].2, |n, k| joint(&case.start(), n, k)).1;
    let total: f64 = ROWS.iter().map(|r| r.2).sum();
    let sum = |f: &dyn Fn(f64, f64, f64, &[f64]) -> f64| -> f64 {
        let each = |(row, r): (&(Option<f64>, f64, f64), &Vec<f64>)| {
            row.0.map_or(0.0, |y| f(y, row.1, row.2, r))
        };
        ROWS.iter().zip(&r).map(each).sum()
    };
    let mut want: Vec<f64> = (0..2)
        .map(|k| (0..12).map(|n| ROWS[n].2 * r[n][k]).sum::<f64>() / total)
        .collect();
    let mu: Vec<f64> = (0..2)
        .map(|k| {
            sum(&|y, u, w, r| w * r[k] * weighed(u) * y) / sum(&|_, u, w, r| w * r[k] * weighed(u))
        })
        .collect();
    want.extend(&mu);
    let square = |k: usize| sum(&|y, u, w, r| w * r[k] * weighed(u) * (y - mu[k]).powi(2));
    let mass = |k: usize| sum(&|_, _, w, r| w * r[k]);
    if tied {
        want.push(scale(square(0) + square(1), mass(0) + mass(1)));
    } else {
        want.extend((0..2).map(|k| scale(square(k), mass(k))));
    }
    case.first_step(&want);
    case.level(3000);
}

#[test]
fn sd_for_each_component() {
    let scale = |q: f64, n: f64| (q / n).sqrt();
    let p = "param s[k] : positive";
    scales(
        p,
        "sd = s[z]",
        false,
        [1.5, 2.0],
        |s, _| s * s,
        |_| 1.0,
        scale,
    );
}

#[test]
fn variance_for_each_component() {
    let scale = |q: f64, n: f64| q / n;
    let p = "param s[k] : positive";
    scales(p, "var = s[z]", false, [1.5, 2.0], |s, _| s, |_| 1.0, scale);
}

#[test]
fn one_scale_for_all_components() {
    let scale = |q: f64, n: f64| q / n;
    let p = "param s : positive";
    scales(p, "var = s", true, [2.5, 0.0], |s, _| s, |_| 1.0, scale);
}

#[test]
fn one_sd_for_all_components() {
    let scale = |q: f64, n: f64| (q / n).sqrt();
    let p = "param s : positive";
    scales(p, "sd = s", true, [1.5, 0.0], |s, _| s * s, |_| 1.0, scale);
}

#[test]
fn variance_times_a_known_number_of_the_row() {
    let scale = |q: f64, n: f64| q / n;
    let p = "param s[k] : positive";
    let inverse = |u: f64| 1.0 / u;
    scales(
        p,
        "var = u * s[z]",
        false,
        [1.5, 2.0],
        |s, u| s * u,
        inverse,
        scale,
    );
}

#[test]
fn precision_times_a_known_number_of_the_row() {
    let scale = |q: f64, n: f64| n / q;
    let p = "param s[k] : positive";
    scales(
        p,
        "precision = s[z] * u",
        false,
        [0.5, 1.2],
        |s, u| 1.0 / (s * u),
        |u| u,
        scale,
    );
}

#[test]
fn one_precision_times_a_known_number_of_the_row() {
    let scale = |q: f64, n: f64| n / q;
    let p = "param s : positive";
    scales(
        p,
        "precision = u * s",
        true,
        [0.5, 0.0],
        |s, u| 1.0 / (s * u),
        |u| u,
        scale,
    );
}

#[test]
fn spherical_with_blanks() {
    let x: [[Option<f64>; 3]; 6] = [
        [Some(0.1), Some(1.0), None],
        [Some(-0.4), None, Some(2.0)],
        [Some(5.0), Some(6.0), Some(4.0)],
        [None, None, None],
        [Some(4.5), Some(5.0), Some(6.5)],
        [Some(1.0), Some(0.0), Some(0.5)],
    ];
    let mut csv = String::from("c,a,b\n");
    for r in &x {
        let t = |v: Option<f64>| v.map_or("NA".into(), |v| v.to_string());
        csv += &format!("{},{},{}\n", t(r[2]), t(r[0]), t(r[1]));
    }
    let joint = |t: &[f64], n: usize, k: usize| {
        let mut l = t[k].ln();
        for d in 0..3 {
            l += x[n][d].map_or(0.0, |v| ln_normal(v, t[2 + 3 * k + d], t[8 + k]));
        }
        l
    };
    let l = |t: &[f64]| mixture(6, 2, |_| 1.0, |n, k| joint(t, n, k)).0;
    let case = Exact {
        model: "data row { x[feature] : real = (a, b, c) }
            plate k(2)
            param weight : simplex over k
            param mu[k, feature] : real
            param s2[k] : positive
            latent z[row] ~ Categorical(weight)
            observe x[row, feature] ~ Gaussian(mu[z], var = s2[z])",
        csv: &csv,
        init: json!({"weight": [0.5, 0.5], "mu": [[0, 0, 1], [4, 4, 4]], "s2": [3, 5]}),
        params: &[
            ("weight", Shape::Simplex(1, 2)),
            ("mu", Shape::Free(6)),
            ("s2", Shape::Free(2)),
        ],
        method: "exact EM",
        objective: "log_likelihood",
        log_likelihood: &l,
    };
    let r = mixture(6, 2, |_| 1.0, |n, k| joint(&case.start(), n, k)).1;
    let mut want: Vec<f64> = (0..2)
        .map(|k| r.iter().map(|r| r[k]).sum::<f64>() / 6.0)
        .collect();
    let mut s2 = vec![];
    for k in 0..2 {
        let (mut q, mut cells) = (0.0, 0.0);
        for d in 0..3 {
            let seen: Vec<(f64, f64)> = (0..6)
                .filter_map(|n| x[n][d].map(|v| (v, r[n][k])))
                .collect();
            let mass: f64 = seen.iter().map(|s| s.1).sum();
            let mu = seen.iter().map(|s| s.0 * s.1).sum::<f64>() / mass;
            want.push(mu);
            q += seen.iter().map(|s| s.1 * (s.0 - mu).powi(2)).sum::<f64>();
            cells += mass;
        }
        s2.push(q / cells);
    }
    want.extend(s2);
    case.first_step(&want);
    case.level(2000);
}
