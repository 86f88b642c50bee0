//! Choice of family row by row, known arguments of the row, labels as classes: against sums over the states.

use serde_json::json;

use crate::exact::{Exact, Shape, mixture};
use crate::fixture::{fit, same};
use crate::special::{ln_bernoulli, ln_laplace, ln_normal, ln_poisson};

#[test]
fn three_families_and_known_limits_of_the_row() {
    // y, low, high
    let rows = [
        (0.2, -1.0, 4.0),
        (3.0, 0.0, 5.0),
        (-2.5, -3.0, 3.0),
        (7.0, 2.0, 3.0),
        (1.0, 0.0, 2.0),
        (0.1, -5.0, 5.0),
        (-0.3, -1.0, 1.0),
    ];
    let csv: String = rows
        .iter()
        .map(|(y, l, h)| format!("{h},{y},{l}\n"))
        .collect();
    let joint = |t: &[f64], n: usize, k: usize| {
        let (y, low, high): (f64, f64, f64) = rows[n];
        t[k].ln()
            + match k {
                0 => ln_normal(y, t[3], t[4]),
                1 if y >= low && y <= high => -(high - low).ln(),
                1 => f64::NEG_INFINITY,
                _ => ln_laplace(y, 1.0, t[5]),
            }
    };
    let l = |t: &[f64]| mixture(7, 3, |_| 1.0, |n, k| joint(t, n, k)).0;
    let case = Exact {
        model: "data row { y : real  low : real  high : real }
            plate kind { narrow, flat, tailed }
            param weight : simplex over kind
            param mu : real
            param s2 : positive
            param b : positive
            latent z[row] ~ Categorical(weight)
            observe y[row] ~ case z {
                tailed: Laplace(1, scale = b)
                narrow: Gaussian(mu, var = s2)
                flat: Uniform(low, high)
            }",
        csv: &format!("high,y,low\n{csv}"),
        init: json!({"weight": [0.5, 0.2, 0.3], "mu": 0.5, "s2": 2.0, "b": 1.5}),
        params: &[
            ("weight", Shape::Simplex(1, 3)),
            ("mu", Shape::Free(1)),
            ("s2", Shape::Free(1)),
            ("b", Shape::Free(1)),
        ],
        method: "exact EM",
        objective: "log_likelihood",
        log_likelihood: &l,
    };
    let r = mixture(7, 3, |_| 1.0, |n, k| joint(&case.start(), n, k)).1;
    let sum =
        |k: usize, f: &dyn Fn(f64) -> f64| (0..7).map(|n| r[n][k] * f(rows[n].0)).sum::<f64>();
    let mut want: Vec<f64> = (0..3).map(|k| sum(k, &|_| 1.0) / 7.0).collect();
    let mu = sum(0, &|y| y) / sum(0, &|_| 1.0);
    want.push(mu);
    want.push(sum(0, &|y| (y - mu).powi(2)) / sum(0, &|_| 1.0));
    want.push(sum(2, &|y| (y - 1.0).abs()) / sum(2, &|_| 1.0));
    case.first_step(&want);
}

#[test]
fn a_binary_switch_as_an_index() {
    let y = [0.1, 2.0, -0.5, 3.3, 2.2, 1.0];
    let csv: String = y.iter().map(|y| format!("{y}\n")).collect();
    let joint = |t: &[f64], n: usize, k: usize| {
        ln_bernoulli(k as f64, t[0]) + ln_normal(y[n], t[1 + k], t[3])
    };
    let l = |t: &[f64]| mixture(6, 2, |_| 1.0, |n, k| joint(t, n, k)).0;
    let case = Exact {
        model: "data row { y : real }
            param p : probability
            param mu[binary] : real
            param s2 : positive
            latent on[row] ~ Bernoulli(p)
            observe y[row] ~ Gaussian(mu[on], var = s2)",
        csv: &format!("y\n{csv}"),
        init: json!({"p": 0.4, "mu": [0.0, 2.5], "s2": 1.2}),
        params: &[
            ("p", Shape::Free(1)),
            ("mu", Shape::Free(2)),
            ("s2", Shape::Free(1)),
        ],
        method: "exact EM",
        objective: "log_likelihood",
        log_likelihood: &l,
    };
    case.trace();
    case.level(3000);
}

#[test]
fn a_binary_switch_as_a_number() {
    let y = [0.1, 2.0, -0.5, 3.3, 2.2, 1.0];
    let x = [1.0, 0.5, 2.0, 1.5, 1.0, -1.0];
    let csv: String = (0..6).map(|i| format!("{},{}\n", y[i], x[i])).collect();
    let joint = |t: &[f64], n: usize, k: usize| {
        ln_bernoulli(k as f64, t[0]) + ln_normal(y[n], t[1] + t[2] * x[n] * k as f64, t[3])
    };
    let l = |t: &[f64]| mixture(6, 2, |_| 1.0, |n, k| joint(t, n, k)).0;
    let case = Exact {
        model: "data row { y : real  x : real }
            param p : probability
            param a : real
            param b : real
            param s2 : positive
            latent on[row] ~ Bernoulli(p)
            observe y[row] ~ Gaussian(a + b * x * on, var = s2)",
        csv: &format!("y,x\n{csv}"),
        init: json!({"p": 0.4, "a": 0.2, "b": 1.5, "s2": 1.2}),
        params: &[
            ("p", Shape::Free(1)),
            ("a", Shape::Free(1)),
            ("b", Shape::Free(1)),
            ("s2", Shape::Free(1)),
        ],
        method: "exact EM",
        objective: "log_likelihood",
        log_likelihood: &l,
    };
    case.trace();
}

#[test]
fn classes_that_are_sometimes_seen() {
    // semi-supervised: the label itself is the component, blank where it is not known
    let rows = [
        (Some(0), 1.0, 2.0),
        (None, 1.4, 0.0),
        (Some(1), 6.0, 7.0),
        (None, 5.0, 9.0),
        (Some(1), 4.4, 4.0),
        (None, 2.6, 3.0),
    ];
    let names = ["cat", "dog"];
    let mut csv = String::from("y,kind,n\n");
    for (k, y, n) in &rows {
        csv += &format!("{y},{},{n}\n", k.map_or("", |k| names[k]));
    }
    let joint = |t: &[f64], n: usize, k: usize| {
        let (seen, y, c) = rows[n];
        if seen.is_some_and(|s| s != k) {
            return f64::NEG_INFINITY;
        }
        t[k].ln() + ln_normal(y, t[2 + k], t[4]) + ln_poisson(c, t[5 + k])
    };
    let l = |t: &[f64]| mixture(6, 2, |_| 1.0, |n, k| joint(t, n, k)).0;
    let case = Exact {
        model: "data row { kind : label  y : real  n : count }
            param weight : simplex over kind
            param mu[kind] : real
            param s2 : positive
            param rate[kind] : positive
            observe kind[row] ~ Categorical(weight)
            observe y[row] ~ Gaussian(mu[kind], var = s2)
            observe n[row] ~ Poisson(rate[kind])",
        csv: &csv,
        init: json!({"weight": [0.5, 0.5], "mu": [2, 5], "s2": 1.5, "rate": [2, 6]}),
        params: &[
            ("weight", Shape::Simplex(1, 2)),
            ("mu", Shape::Free(2)),
            ("s2", Shape::Free(1)),
            ("rate", Shape::Free(2)),
        ],
        method: "exact EM",
        objective: "log_likelihood",
        log_likelihood: &l,
    };
    let r = mixture(6, 2, |_| 1.0, |n, k| joint(&case.start(), n, k)).1;
    let sum = |k: usize, f: &dyn Fn(usize) -> f64| (0..6).map(|n| r[n][k] * f(n)).sum::<f64>();
    let mut want: Vec<f64> = (0..2).map(|k| sum(k, &|_| 1.0) / 6.0).collect();
    let mu: Vec<f64> = (0..2)
        .map(|k| sum(k, &|n| rows[n].1) / sum(k, &|_| 1.0))
        .collect();
    want.extend(&mu);
    want.push(
        (0..2)
            .map(|k| sum(k, &|n| (rows[n].1 - mu[k]).powi(2)))
            .sum::<f64>()
            / 6.0,
    );
    want.extend((0..2).map(|k| sum(k, &|n| rows[n].2) / sum(k, &|_| 1.0)));
    case.first_step(&want);
    case.level(3000);
}

#[test]
fn a_chain_of_three_latents_in_a_row() {
    let rows = [(1.0, 0.0), (0.0, 0.0), (1.0, 1.0), (1.0, 1.0), (0.0, 1.0)];
    let csv: String = rows.iter().map(|(u, v)| format!("{u},{v}\n")).collect();
    // p, q[2], e[2], g[2][2]: a -> b, (a, b) -> c, c -> u, v known given a
    let joint = |t: &[f64], n: usize, s: usize| {
        let (a, b, c) = (s / 4, s / 2 % 2, s % 2);
        ln_bernoulli(a as f64, t[0])
            + ln_bernoulli(b as f64, t[1 + a])
            + ln_bernoulli(c as f64, t[3 + 2 * a + b])
            + ln_bernoulli(rows[n].0, [0.2, 0.9][c])
            + ln_bernoulli(rows[n].1, [0.3, 0.6][b])
    };
    let l = |t: &[f64]| mixture(5, 8, |_| 1.0, |n, k| joint(t, n, k)).0;
    let case = Exact {
        model: "data row { u : binary  v : binary }
            const pu[binary] = [0.2, 0.9]
            const pv[binary] = [0.3, 0.6]
            param p : probability
            param q[binary] : probability
            param g[x in binary, y in binary] : probability
            latent a[row] ~ Bernoulli(p)
            latent b[row] ~ Bernoulli(q[a])
            latent c[row] ~ Bernoulli(g[a, b])
            observe u[row] ~ Bernoulli(pu[c])
            observe v[row] ~ Bernoulli(pv[b])",
        csv: &format!("u,v\n{csv}"),
        init: json!({"p": 0.45, "q": [0.3, 0.7], "g": [[0.2, 0.6], [0.5, 0.8]]}),
        params: &[
            ("p", Shape::Free(1)),
            ("q", Shape::Free(2)),
            ("g", Shape::Free(4)),
        ],
        method: "exact EM",
        objective: "log_likelihood",
        log_likelihood: &l,
    };
    let r = mixture(5, 8, |_| 1.0, |n, k| joint(&case.start(), n, k)).1;
    let sum = |f: &dyn Fn(usize) -> bool| -> f64 {
        r.iter()
            .map(|r| (0..8).filter(|s| f(*s)).map(|s| r[s]).sum::<f64>())
            .sum()
    };
    let mut want = vec![sum(&|s| s / 4 == 1) / 5.0];
    want.extend((0..2).map(|a| sum(&|s| s / 4 == a && s / 2 % 2 == 1) / sum(&|s| s / 4 == a)));
    want.extend((0..4).map(|ab| sum(&|s| s / 2 == ab && s % 2 == 1) / sum(&|s| s / 2 == ab)));
    case.first_step(&want);
}

#[test]
fn a_known_log_rate_and_a_definition() {
    let f = fit(
        "data row { n : count  a : positive  b : positive }
        let e[row] = a * b
        param rate : positive
        observe n[row] ~ Poisson(e * rate)",
        "n,a,b\n3,1,2\n0,0.5,1\n7,2,1.5\n",
        None,
        2,
    );
    let rate = 10.0 / 5.5;
    same("rate", f.get("rate", "value")[0], rate, 1e-12);
    let l = ln_poisson(3.0, 2.0 * rate) + ln_poisson(0.0, 0.5 * rate) + ln_poisson(7.0, 3.0 * rate);
    same("l", f.last(), l, 1e-10);
}

#[test]
fn one_row_of_everything() {
    let f = fit(
        "data row { g : label  n : count }
        plate k(2)
        param weight[g] : simplex over k
        param rate[k] ~ Gamma(3, rate = 1)
        latent z[row] ~ Categorical(weight[g])
        observe n[row] ~ Poisson(rate[z])",
        "g,n\nonly,4\n",
        Some(json!({"weight": [[0.5, 0.5]], "rate": [1, 3]})),
        0,
    );
    let l = ((ln_poisson(4.0, 1.0).exp() + ln_poisson(4.0, 3.0).exp()) / 2.0).ln();
    let prior = |r: f64| crate::special::ln_gamma_pdf(r, 3.0, 1.0);
    same("l", f.last(), l + prior(1.0) + prior(3.0), 1e-12);
}
