//! Exact EM with latents that are numbers: marginals in closed form or as one dense Gaussian.

use serde_json::json;
use std::f64::consts::PI;

use crate::exact::{Exact, Shape};
use crate::fixture::{fit, same};
use crate::special::{ln_gamma, ln_mvn, rows_of};

/// Unequal groups, one of a single row; labels out of order; a blank.
const SCORES: [(&str, Option<f64>); 9] = [
    ("west", Some(5.1)),
    ("east", Some(2.0)),
    ("west", Some(6.3)),
    ("north", Some(3.3)),
    ("west", None),
    ("east", Some(1.2)),
    ("west", Some(4.4)),
    ("south", None),
    ("east", Some(2.9)),
];

fn scores() -> String {
    let mut csv = String::from("score,school\n");
    for (s, y) in &SCORES {
        csv += &format!("{},{s}\n", y.map_or("".into(), |y| y.to_string()));
    }
    csv
}

fn groups() -> Vec<Vec<f64>> {
    ["east", "north", "south", "west"]
        .iter()
        .map(|g| {
            SCORES
                .iter()
                .filter(|r| r.0 == *g)
                .filter_map(|r| r.1)
                .collect()
        })
        .collect()
}

fn intercepts(m: f64, t2: f64, s2: f64) -> f64 {
    groups()
        .iter()
        .filter(|y| !y.is_empty())
        .map(|y| {
            let n = y.len();
            let s: Vec<Vec<f64>> = (0..n)
                .map(|i| (0..n).map(|j| t2 + if i == j { s2 } else { 0.0 }).collect())
                .collect();
            ln_mvn(y, &vec![m; n], &s)
        })
        .sum()
}

#[test]
fn an_intercept_for_each_school() {
    let l = |t: &[f64]| intercepts(t[0], t[1], t[2]);
    let case = Exact {
        model: "data pupil { school : label  score : real }
            param m : real
            param t2 : positive
            param s2 : positive
            latent a[school] ~ Gaussian(m, var = t2)
            observe score[pupil] ~ Gaussian(a, var = s2)",
        csv: &scores(),
        init: json!({"m": 2.5, "t2": 3.0, "s2": 1.5}),
        params: &[
            ("m", Shape::Free(1)),
            ("t2", Shape::Free(1)),
            ("s2", Shape::Free(1)),
        ],
        method: "exact EM",
        objective: "log_likelihood",
        log_likelihood: &l,
    };
    // the posterior of each school, then the maximisers
    let (mut means, mut vars) = (vec![], vec![]);
    let (mut q, mut n) = (0.0, 0.0);
    for y in groups() {
        let p = 1.0 / 3.0 + y.len() as f64 / 1.5;
        let m = (2.5 / 3.0 + y.iter().sum::<f64>() / 1.5) / p;
        q += y.iter().map(|y| (y - m).powi(2) + 1.0 / p).sum::<f64>();
        n += y.len() as f64;
        means.push(m);
        vars.push(1.0 / p);
    }
    let m = means.iter().sum::<f64>() / 4.0;
    let t2 = (0..4)
        .map(|g| (means[g] - m).powi(2) + vars[g])
        .sum::<f64>()
        / 4.0;
    case.first_step(&[m, t2, q / n]);
    case.level(6000);
}

#[test]
fn a_line_for_each_rat() {
    let rows = [
        ("b", 1.0, 5.0),
        ("a", 0.0, 1.0),
        ("b", 2.0, 7.4),
        ("a", 1.5, 2.6),
        ("c", 0.5, 4.0),
        ("a", 3.0, 3.1),
        ("b", 0.0, 2.2),
        ("d", 1.0, 1.0),
        ("d", 2.0, 3.5),
    ];
    let mut csv = String::from("rat,day,w\n");
    for (r, d, y) in &rows {
        csv += &format!("{r},{d},{y}\n");
    }
    // m, S, s2
    let l = |t: &[f64]| {
        let s = rows_of(&t[2..6], 2);
        let mut l = 0.0;
        for rat in ["a", "b", "c", "d"] {
            let mine: Vec<(f64, f64)> = rows
                .iter()
                .filter(|r| r.0 == rat)
                .map(|r| (r.1, r.2))
                .collect();
            let cov = |x: f64, y: f64| s[0][0] + s[0][1] * y + s[1][0] * x + s[1][1] * x * y;
            let big: Vec<Vec<f64>> = mine
                .iter()
                .enumerate()
                .map(|(i, a)| {
                    mine.iter()
                        .enumerate()
                        .map(|(j, b)| cov(a.0, b.0) + if i == j { t[6] } else { 0.0 })
                        .collect()
                })
                .collect();
            let mean: Vec<f64> = mine.iter().map(|a| t[0] + t[1] * a.0).collect();
            let y: Vec<f64> = mine.iter().map(|a| a.1).collect();
            l += ln_mvn(&y, &mean, &big);
        }
        l
    };
    let case = Exact {
        model: "data weighing { rat : label  day : real  w : real }
            plate basis { intercept, slope }
            let x[weighing, basis] = [1, day]
            param m : real over basis
            param S : covariance over basis
            param s2 : positive
            latent b[rat] ~ Gaussian(m, cov = S) over basis
            observe w[weighing] ~ Gaussian(sum(b * x over basis), var = s2)",
        csv: &csv,
        init: json!({"m": [1, 1], "S": [[2, 0.3], [0.3, 1]], "s2": 0.8}),
        params: &[
            ("m", Shape::Free(2)),
            ("S", Shape::Matrix(1, 2)),
            ("s2", Shape::Free(1)),
        ],
        method: "exact EM",
        objective: "log_likelihood",
        log_likelihood: &l,
    };
    case.trace();
}

#[test]
fn student_t_as_a_scale_mixture() {
    let rows = [(0.3, 1.0), (-1.0, 2.0), (8.0, 1.0), (0.9, 1.0), (1.4, 0.5)];
    let mut csv = String::from("w,y\n");
    for (y, w) in &rows {
        csv += &format!("{w},{y}\n");
    }
    let nu = 4.0;
    let l = |t: &[f64]| {
        let c = ln_gamma((nu + 1.0) / 2.0) - ln_gamma(nu / 2.0) + 0.5 * (t[1] / (nu * PI)).ln();
        rows.iter()
            .map(|(y, w)| w * (c - (nu + 1.0) / 2.0 * (t[1] * (y - t[0]).powi(2) / nu).ln_1p()))
            .sum::<f64>()
    };
    let case = Exact {
        model: "const nu = 4
            data row { y : real  w : weight }
            param mu : real
            param tau : positive
            latent u[row] ~ Gamma(nu / 2, rate = nu / 2)
            observe y[row] ~ Gaussian(mu, precision = tau * u)",
        csv: &csv,
        init: json!({"mu": 0.5, "tau": 0.7}),
        params: &[("mu", Shape::Free(1)), ("tau", Shape::Free(1))],
        method: "exact EM",
        objective: "log_likelihood",
        log_likelihood: &l,
    };
    let u: Vec<f64> = rows
        .iter()
        .map(|(y, _)| (nu + 1.0) / (nu + 0.7 * (y - 0.5f64).powi(2)))
        .collect();
    let sum = |f: &dyn Fn(usize) -> f64| (0..5).map(|i| rows[i].1 * f(i)).sum::<f64>();
    let mu = sum(&|i| u[i] * rows[i].0) / sum(&|i| u[i]);
    let tau = sum(&|_| 1.0) / sum(&|i| u[i] * (rows[i].0 - mu).powi(2));
    case.first_step(&[mu, tau]);
    case.level(3000);
}

#[test]
fn negative_binomial_as_a_mixture_of_poissons() {
    // one rate for each site, seen in unequally many visits
    let rows = [
        ("b", 3.0, 1.0),
        ("a", 0.0, 2.0),
        ("b", 5.0, 1.5),
        ("c", 9.0, 1.0),
        ("b", 2.0, 0.5),
    ];
    let mut csv = String::from("site,n,e\n");
    for (s, n, e) in &rows {
        csv += &format!("{s},{n},{e}\n");
    }
    let shape = 1.7;
    let sites = |f: &mut dyn FnMut(f64, f64)| {
        for s in ["a", "b", "c"] {
            let mine = rows.iter().filter(|r| r.0 == s);
            let (n, e) = mine.fold((0.0, 0.0), |(n, e), r| (n + r.1, e + r.2));
            f(n, e);
        }
    };
    let l = |t: &[f64]| {
        let mut l: f64 = rows
            .iter()
            .map(|(_, n, e): &(&str, f64, f64)| n * e.ln() - ln_gamma(n + 1.0))
            .sum();
        sites(&mut |n, e| {
            l += shape * t[0].ln() - ln_gamma(shape) + ln_gamma(shape + n)
                - (shape + n) * (t[0] + e).ln();
        });
        l
    };
    let case = Exact {
        model: "data visit { site : label  n : count  e : positive }
            param b : positive
            latent rate[site] ~ Gamma(1.7, rate = b)
            observe n[visit] ~ Poisson(e * rate)",
        csv: &csv,
        init: json!({"b": 0.4}),
        params: &[("b", Shape::Free(1))],
        method: "exact EM",
        objective: "log_likelihood",
        log_likelihood: &l,
    };
    let mut total = 0.0;
    sites(&mut |n, e| total += (shape + n) / (0.4 + e));
    case.first_step(&[3.0 * shape / total]);
    case.level(3000);
}

#[test]
fn factor_analysis_with_blanks_and_weights() {
    let x: [[Option<f64>; 3]; 6] = [
        [Some(1.0), Some(0.4), Some(-1.0)],
        [Some(-0.5), None, Some(0.3)],
        [Some(2.0), Some(1.5), Some(-1.8)],
        [None, Some(-1.0), None],
        [Some(0.1), Some(0.2), Some(0.6)],
        [Some(-1.4), Some(-0.9), Some(1.1)],
    ];
    let w = [1.0, 2.0, 1.0, 1.0, 0.5, 1.0];
    let mut csv = String::from("w,a,b,c\n");
    for (x, w) in x.iter().zip(w) {
        let t = |v: Option<f64>| v.map_or("NA".into(), |v| v.to_string());
        csv += &format!("{w},{},{},{}\n", t(x[0]), t(x[1]), t(x[2]));
    }
    // W[feature, factor], b, noise
    let l = |t: &[f64]| {
        let mut l = 0.0;
        for (x, w) in x.iter().zip(w) {
            let seen: Vec<usize> = (0..3).filter(|d| x[*d].is_some()).collect();
            let cov: Vec<Vec<f64>> = seen
                .iter()
                .map(|d| {
                    seen.iter()
                        .map(|e| {
                            t[2 * d] * t[2 * e]
                                + t[2 * d + 1] * t[2 * e + 1]
                                + if d == e { t[9 + d] } else { 0.0 }
                        })
                        .collect()
                })
                .collect();
            let y: Vec<f64> = seen.iter().filter_map(|d| x[*d]).collect();
            let m: Vec<f64> = seen.iter().map(|d| t[6 + d]).collect();
            l += w * ln_mvn(&y, &m, &cov);
        }
        l
    };
    let case = Exact {
        model: "data row { x[feature] : real = (a, b, c)  w : weight }
            plate factor(2)
            param W[feature, factor] : real
            param b[feature] : real
            param noise[feature] : positive
            latent h[row, factor] ~ Gaussian(0, var = 1)
            observe x[row, feature] ~ Gaussian(sum(W * h over factor) + b, var = noise)",
        csv: &csv,
        init: json!({"W": [[0.8, 0.1], [0.5, -0.2], [-0.6, 0.3]], "b": [0.1, 0, -0.1],
            "noise": [0.5, 0.6, 0.4]}),
        params: &[
            ("W", Shape::Free(6)),
            ("b", Shape::Free(3)),
            ("noise", Shape::Free(3)),
        ],
        method: "exact EM",
        objective: "log_likelihood",
        log_likelihood: &l,
    };
    case.trace();
}

#[test]
fn far_from_zero_nothing_is_lost() {
    let y = [0.0, 0.7, -0.4, 1.1, 5.2, 4.0, 6.1, 5.5, 2.0];
    let model = "data row { y : real }
        plate k(2)
        param weight : simplex over k
        param mu[k] : real
        param s2[k] : positive
        latent z[row] ~ Categorical(weight)
        observe y[row] ~ Gaussian(mu[z], var = s2[z])";
    let go = |offset: f64, unit: f64| {
        let mut csv = String::from("y\n");
        for y in y {
            csv += &format!("{:?}\n", offset + unit * y);
        }
        let init = json!({"weight": [0.5, 0.5],
            "mu": [offset, offset + 5.0 * unit], "s2": [unit * unit, 2.0 * unit * unit]});
        crate::fixture::fit(model, &csv, Some(init), 20).last() + 9.0 * unit.ln()
    };
    let near = go(0.0, 1.0);
    same("at a million", go(1_048_576.0, 1.0), near, 1e-9);
    same("tiny", go(0.0, 0.000_030_517_578_125), near, 1e-10);
    same("huge", go(0.0, 1_048_576.0), near, 1e-10);
    same("tiny, far", go(64.0, 0.000_030_517_578_125), near, 1e-7);
}

/// A point for each row keeps the labels out of the row by row pass: the known ones stay known all the same.
#[test]
fn a_blank_label_among_known_ones_with_a_point_for_each_row() {
    // p[group][row][answer]; groups and answers in the order of their labels.
    let p: [[[f64; 2]; 3]; 2] = [
        [[0.2, 0.8], [0.6, 0.4], [0.7, 0.3]],
        [[0.9, 0.1], [0.35, 0.65], [0.5, 0.5]],
    ];
    let w: [f64; 2] = [0.3, 0.7];
    let f = fit(
        "data row { group : label   answer : label }
        param w ~ Dirichlet(2) over group
        param p[group, row] ~ Dirichlet(2) over answer
        observe group[row] ~ Categorical(w)
        observe answer[row] ~ Categorical(p)",
        "group,answer\nb,no\n,no\na,yes\n",
        Some(json!({ "w": w, "p": p })),
        1,
    );
    let flat: f64 = p.iter().flatten().map(|p| (6.0 * p[0] * p[1]).ln()).sum();
    let want = flat
        + (6.0 * w[0] * w[1]).ln()
        + (w[1] * p[1][0][0]).ln()
        + (w[0] * p[0][1][0] + w[1] * p[1][1][0]).ln()
        + (w[0] * p[0][2][1]).ln();
    same("log posterior", f.outcome.trace[0], want, 1e-12);
    // The blank belongs to a with probability r: a second, a third and a half answer.
    let r = w[0] * p[0][1][0] / (w[0] * p[0][1][0] + w[1] * p[1][1][0]);
    let after = f.get("w", "value");
    same("w after one step", after[0], (2.0 + r) / 5.0, 1e-12);
}

/// A latent for each row and group, of which the row's own label picks one; the others only have their prior.
#[test]
fn a_latent_of_the_row_picked_by_its_label() {
    let rows: [(&str, f64); 4] = [("a", 0.0), ("b", 0.3), ("a", 2.0), ("c", 1.4)];
    let csv: String = rows.iter().map(|(g, y)| format!("{g},{y}\n")).collect();
    let w: [f64; 2] = [0.3, 0.7];
    let part = |y: f64, k: usize| {
        let m = [1.0, 3.0][k];
        w[k] * (-0.5 * (y - m).powi(2)).exp() / (2.0 * PI).sqrt()
    };
    let branches =
        "case z[row, g] { 1: Gaussian(1, precision = 1)  2: Gaussian(3, precision = 1) }";
    for statement in [branches, "Gaussian(m[z[row, g]], precision = 1)"] {
        let f = fit(
            &format!(
                "data row {{ g : label  y : real }}
                plate k(2)
                const m[k] = [1, 3]
                param w : simplex over k
                latent z[row, g] ~ Categorical(w)
                observe y[row] ~ {statement}"
            ),
            &format!("g,y\n{csv}"),
            Some(json!({ "w": w })),
            1,
        );
        let want: f64 = rows
            .iter()
            .map(|(_, y)| (part(*y, 0) + part(*y, 1)).ln())
            .sum();
        same("log likelihood", f.outcome.trace[0], want, 1e-12);
        let seen: f64 = rows
            .iter()
            .map(|(_, y)| part(*y, 0) / (part(*y, 0) + part(*y, 1)))
            .sum();
        let after = (seen + 8.0 * w[0]) / 12.0;
        same("w after one step", f.get("w", "value")[0], after, 1e-12);
    }
}
