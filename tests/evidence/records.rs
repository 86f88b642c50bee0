//! Exact EM of mixtures over other families: products of different ones, positive ones, Laplace.

use serde_json::json;

use crate::exact::{Exact, Shape, mixture};
use crate::special::{
    ln_bernoulli, ln_gamma_pdf, ln_inverse_gamma, ln_laplace, ln_normal, ln_poisson,
};

struct Person {
    age: Option<f64>,
    income: Option<f64>,
    visits: Option<f64>,
    smoker: Option<f64>,
    region: Option<usize>,
    weight: f64,
}

fn person(
    age: Option<f64>,
    income: Option<f64>,
    visits: Option<f64>,
    smoker: Option<f64>,
    region: Option<usize>,
    weight: f64,
) -> Person {
    Person {
        age,
        income,
        visits,
        smoker,
        region,
        weight,
    }
}

#[test]
fn columns_of_five_kinds_with_blanks() {
    let s = Some::<f64>;
    let people = [
        person(s(31.0), s(2.5), s(0.0), s(1.0), Some(2), 1.0),
        person(None, s(1.2), s(3.0), s(0.0), Some(0), 2.0),
        person(s(64.0), None, s(7.0), s(0.0), Some(0), 1.0),
        person(s(45.0), s(4.0), None, s(1.0), Some(1), 1.0),
        person(s(52.0), s(0.8), s(5.0), None, Some(1), 0.5),
        person(s(38.0), s(3.3), s(1.0), s(1.0), None, 1.0),
        person(None, None, None, None, None, 1.0),
        person(s(70.0), s(0.5), s(4.0), s(0.0), Some(2), 1.0),
    ];
    let regions = ["east", "north", "south"];
    let text = |v: Option<f64>| v.map_or(String::new(), |v| v.to_string());
    let mut csv = String::from("region,income,age,visits,w,smoker\n");
    for p in &people {
        csv += &format!(
            "{},{},{},{},{},{}\n",
            p.region.map_or("", |r| regions[r]),
            text(p.income),
            text(p.age),
            text(p.visits),
            p.weight,
            text(p.smoker)
        );
    }
    // weight 0, mu 2, s2 4, rate 6, lambda 8, p 10, where 12
    let joint = |t: &[f64], n: usize, k: usize| {
        let p = &people[n];
        let mut l = t[k].ln();
        l += p.age.map_or(0.0, |v| ln_normal(v, t[2 + k], t[4 + k]));
        l += p.income.map_or(0.0, |v| ln_gamma_pdf(v, 2.5, t[6 + k]));
        l += p.visits.map_or(0.0, |v| ln_poisson(v, t[8 + k]));
        l += p.smoker.map_or(0.0, |v| ln_bernoulli(v, t[10 + k]));
        l + p.region.map_or(0.0, |v| t[12 + 3 * k + v].ln())
    };
    let l = |t: &[f64]| mixture(8, 2, |n| people[n].weight, |n, k| joint(t, n, k)).0;
    let case = Exact {
        model: "const shape = 2.5
            data person {
                income : positive  age : real  visits : count  smoker : binary  region : label
                w : weight
            }
            plate group(2)
            param weight : simplex over group
            param mu[group] : real
            param s2[group] : positive
            param rate[group] : positive
            param lambda[group] : positive
            param p[group] : probability
            param where[group] : simplex over region
            latent z[person] ~ Categorical(weight)
            observe age[person] ~ Gaussian(mu[z], var = s2[z])
            observe income[person] ~ Gamma(shape, rate = rate[z])
            observe visits[person] ~ Poisson(lambda[z])
            observe smoker[person] ~ Bernoulli(p[z])
            observe region[person] ~ Categorical(where[z])",
        csv: &csv,
        init: json!({"weight": [0.5, 0.5], "mu": [40, 60], "s2": [90, 110], "rate": [1.0, 2.0],
            "lambda": [2, 5], "p": [0.6, 0.4], "where": [[0.4, 0.3, 0.3], [0.3, 0.3, 0.4]]}),
        params: &[
            ("weight", Shape::Simplex(1, 2)),
            ("mu", Shape::Free(2)),
            ("s2", Shape::Free(2)),
            ("rate", Shape::Free(2)),
            ("lambda", Shape::Free(2)),
            ("p", Shape::Free(2)),
            ("where", Shape::Simplex(2, 3)),
        ],
        method: "exact EM",
        objective: "log_likelihood",
        log_likelihood: &l,
    };
    let start = case.start();
    let r = mixture(8, 2, |n| people[n].weight, |n, k| joint(&start, n, k)).1;
    // sum of w r f(value) over the cells that are there, and sum of w r
    let over = |k: usize, get: &dyn Fn(&Person) -> Option<f64>, f: &dyn Fn(f64) -> f64| {
        let (mut top, mut mass) = (0.0, 0.0);
        for (p, r) in people.iter().zip(&r) {
            if let Some(v) = get(p) {
                top += p.weight * r[k] * f(v);
                mass += p.weight * r[k];
            }
        }
        (top, mass)
    };
    let mean = |k: usize, get: &dyn Fn(&Person) -> Option<f64>| {
        let (top, mass) = over(k, get, &|v| v);
        top / mass
    };
    let mut want: Vec<f64> = vec![];
    let all: f64 = people.iter().map(|p| p.weight).sum();
    want.extend((0..2).map(|k| over(k, &|_| Some(0.0), &|_| 0.0).1 / all));
    let mu: Vec<f64> = (0..2).map(|k| mean(k, &|p| p.age)).collect();
    want.extend(&mu);
    want.extend((0..2).map(|k| {
        let (top, mass) = over(k, &|p| p.age, &|v| (v - mu[k]).powi(2));
        top / mass
    }));
    want.extend((0..2).map(|k| 2.5 / mean(k, &|p| p.income)));
    want.extend((0..2).map(|k| mean(k, &|p| p.visits)));
    want.extend((0..2).map(|k| mean(k, &|p| p.smoker)));
    for k in 0..2 {
        for a in 0..3 {
            let is = |p: &Person| p.region.map(|v| f64::from(u8::from(v == a)));
            want.push(mean(k, &is));
        }
    }
    case.first_step(&want);
    case.level(1500);
}

#[test]
fn laplace_with_known_centres() {
    let y = [0.4, -2.0, 5.5, 4.0, 9.0, 1.0, 0.0];
    let w = [1.0, 1.0, 2.0, 0.5, 1.0, 1.0, 1.0];
    let centre = [0.0, 5.0];
    let mut csv = String::from("y,w\n");
    for (y, w) in y.iter().zip(w) {
        csv += &format!("{y},{w}\n");
    }
    let joint = |t: &[f64], n: usize, k: usize| t[k].ln() + ln_laplace(y[n], centre[k], t[2 + k]);
    let l = |t: &[f64]| mixture(7, 2, |n| w[n], |n, k| joint(t, n, k)).0;
    let case = Exact {
        model: "plate k(2)
            const centre[k] = [0, 5]
            data row { y : real  w : weight }
            param weight : simplex over k
            param s[k] : positive
            latent z[row] ~ Categorical(weight)
            observe y[row] ~ Laplace(centre[z], scale = s[z])",
        csv: &csv,
        init: json!({"weight": [0.3, 0.7], "s": [1.0, 2.0]}),
        params: &[("weight", Shape::Simplex(1, 2)), ("s", Shape::Free(2))],
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
    want.extend((0..2).map(|k| {
        let d = |n: usize| w[n] * r[n][k] * (y[n] - centre[k]).abs();
        (0..7).map(d).sum::<f64>() / mass[k]
    }));
    case.first_step(&want);
    case.level(2000);
}

#[test]
fn exponential_and_inverse_gamma() {
    let rows: [(Option<f64>, f64); 6] = [
        (Some(0.3), 2.0),
        (Some(4.0), 0.2),
        (Some(2.5), 0.4),
        (None, 1.5),
        (Some(0.1), 1.0),
        (Some(0.8), 3.5),
    ];
    let mut csv = String::from("v,t\n");
    for (t, v) in &rows {
        csv += &format!("{v},{}\n", t.map_or("".into(), |t| t.to_string()));
    }
    let joint = |p: &[f64], n: usize, k: usize| {
        let (t, v) = rows[n];
        p[k].ln()
            + t.map_or(0.0, |t| p[2 + k].ln() - p[2 + k] * t)
            + ln_inverse_gamma(v, 3.0, p[4 + k])
    };
    let l = |t: &[f64]| mixture(6, 2, |_| 1.0, |n, k| joint(t, n, k)).0;
    let case = Exact {
        model: "data row { t : positive  v : positive }
            plate k(2)
            param weight : simplex over k
            param rate[k] : positive
            param b[k] : positive
            latent z[row] ~ Categorical(weight)
            observe t[row] ~ Exponential(rate = rate[z])
            observe v[row] ~ InverseGamma(3, scale = b[z])",
        csv: &csv,
        init: json!({"weight": [0.5, 0.5], "rate": [0.4, 2.0], "b": [1.5, 4.0]}),
        params: &[
            ("weight", Shape::Simplex(1, 2)),
            ("rate", Shape::Free(2)),
            ("b", Shape::Free(2)),
        ],
        method: "exact EM",
        objective: "log_likelihood",
        log_likelihood: &l,
    };
    let r = mixture(6, 2, |_| 1.0, |n, k| joint(&case.start(), n, k)).1;
    let sum = |f: &dyn Fn(usize) -> f64| (0..6).map(f).sum::<f64>();
    let mut want: Vec<f64> = (0..2).map(|k| sum(&|n| r[n][k]) / 6.0).collect();
    want.extend((0..2).map(|k| {
        let seen = |n: usize| rows[n].0.map_or(0.0, |_| r[n][k]);
        sum(&seen) / sum(&|n| rows[n].0.map_or(0.0, |t| r[n][k] * t))
    }));
    want.extend((0..2).map(|k| 3.0 * sum(&|n| r[n][k]) / sum(&|n| r[n][k] / rows[n].1)));
    case.first_step(&want);
    case.level(2000);
}

#[test]
fn the_same_by_scale_instead_of_rate() {
    let t = [0.3, 4.0, 2.5, 0.1, 0.8];
    let g = [1.0, 2.5, 0.2, 0.6, 3.0];
    let mut csv = String::from("t,g\n");
    for (t, g) in t.iter().zip(g) {
        csv += &format!("{t},{g}\n");
    }
    let joint = |p: &[f64], n: usize, k: usize| {
        p[k].ln() - p[2 + k].ln() - t[n] / p[2 + k] + ln_gamma_pdf(g[n], 1.5, 1.0 / p[4 + k])
    };
    let l = |t: &[f64]| mixture(5, 2, |_| 1.0, |n, k| joint(t, n, k)).0;
    let case = Exact {
        model: "data row { t : positive  g : positive }
            plate k(2)
            param weight : simplex over k
            param s[k] : positive
            param b[k] : positive
            latent z[row] ~ Categorical(weight)
            observe t[row] ~ Exponential(scale = s[z])
            observe g[row] ~ Gamma(1.5, scale = b[z])",
        csv: &csv,
        init: json!({"weight": [0.5, 0.5], "s": [0.4, 2.0], "b": [0.5, 1.5]}),
        params: &[
            ("weight", Shape::Simplex(1, 2)),
            ("s", Shape::Free(2)),
            ("b", Shape::Free(2)),
        ],
        method: "exact EM",
        objective: "log_likelihood",
        log_likelihood: &l,
    };
    let r = mixture(5, 2, |_| 1.0, |n, k| joint(&case.start(), n, k)).1;
    let sum = |f: &dyn Fn(usize) -> f64| (0..5).map(f).sum::<f64>();
    let mut want: Vec<f64> = (0..2).map(|k| sum(&|n| r[n][k]) / 5.0).collect();
    want.extend((0..2).map(|k| sum(&|n| r[n][k] * t[n]) / sum(&|n| r[n][k])));
    want.extend((0..2).map(|k| sum(&|n| r[n][k] * g[n]) / (1.5 * sum(&|n| r[n][k]))));
    case.first_step(&want);
}
