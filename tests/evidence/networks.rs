//! Exact EM with discrete latents that are coupled, switched or shared: against sums over all their states.

use serde_json::json;

use crate::exact::{Exact, Shape, mixture, softmax};
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
fn mixed_membership_of_pairs() {
    let names = ["ann", "bob", "cid"];
    let listed = [
        ("cid", "ann"),
        ("ann", "bob"),
        ("bob", "ann"),
        ("cid", "bob"),
    ];
    let csv = "target,source\nann,cid\nbob,ann\nann,bob\nbob,cid\n";
    // pi[node, block] then p[block, block]
    let joint = |t: &[f64], a: usize, b: usize| -> Vec<f64> {
        let linked = f64::from(u8::from(listed.contains(&(names[a], names[b]))));
        let mut out = vec![];
        for s in 0..2 {
            for r in 0..2 {
                let p = t[6 + 2 * s + r];
                out.push(t[2 * a + s].ln() + t[2 * b + r].ln() + ln_bernoulli(linked, p));
            }
        }
        out
    };
    let pairs: Vec<(usize, usize)> = (0..3)
        .flat_map(|a| (0..3).map(move |b| (a, b)))
        .filter(|(a, b)| a != b)
        .collect();
    let l = |t: &[f64]| -> f64 {
        let each = |(a, b): &(usize, usize)| crate::exact::logsumexp(&joint(t, *a, *b));
        pairs.iter().map(each).sum()
    };
    let case = Exact {
        model: "data pair every a != b {
                a : label of node = \"source\"
                b : label of node = \"target\"
                linked : binary = listed
            }
            plate block(2)
            param pi[node] : simplex over block
            param p[block, block] : probability
            latent s[pair] ~ Categorical(pi[a])
            latent r[pair] ~ Categorical(pi[b])
            observe linked[pair] ~ Bernoulli(p[s, r])",
        csv,
        init: json!({"pi": [[0.7, 0.3], [0.4, 0.6], [0.55, 0.45]], "p": [[0.8, 0.3], [0.6, 0.15]]}),
        params: &[("pi", Shape::Simplex(3, 2)), ("p", Shape::Free(4))],
        method: "exact EM",
        objective: "log_likelihood",
        log_likelihood: &l,
    };
    let start = case.start();
    let (mut pi, mut yes, mut all) = (vec![0.0; 6], [0.0; 4], [0.0; 4]);
    for (a, b) in &pairs {
        let q = softmax(&joint(&start, *a, *b));
        let linked = listed.contains(&(names[*a], names[*b]));
        for s in 0..2 {
            for r in 0..2 {
                let q = q[2 * s + r];
                pi[2 * a + s] += q / 4.0;
                pi[2 * b + r] += q / 4.0;
                all[2 * s + r] += q;
                yes[2 * s + r] += if linked { q } else { 0.0 };
            }
        }
    }
    pi.extend((0..4).map(|i| yes[i] / all[i]));
    case.first_step(&pi);
    case.level(4000);
}

#[test]
fn latent_classes_in_long_format() {
    // person, item, answer, weight: out of order, unequal, items with their own answers, one blank
    let rows = [
        ("eve", "smoke", "yes", 1.0),
        ("ann", "colour", "red", 1.0),
        ("ann", "smoke", "no", 2.0),
        ("bob", "colour", "blue", 1.0),
        ("bob", "smoke", "yes", 1.0),
        ("dan", "smoke", "no", 3.0),
        ("eve", "colour", "green", 1.0),
        ("dan", "colour", "red", 1.0),
        ("cid", "colour", "", 1.0),
        ("cid", "smoke", "yes", 0.5),
    ];
    let persons = ["ann", "bob", "cid", "dan", "eve"];
    let items = ["colour", "smoke"];
    let answers = ["blue", "green", "no", "red", "yes"];
    let at = |list: &[&str], x: &str| list.iter().position(|y| *y == x);
    let mut csv = String::from("person,item,answer,w\n");
    for (p, i, a, w) in &rows {
        csv += &format!("{p},{i},{a},{w}\n");
    }
    let joint = |t: &[f64], person: usize, k: usize| -> f64 {
        let mut l = t[k].ln();
        for (p, i, a, w) in &rows {
            if at(&persons, p) == Some(person)
                && let (Some(i), Some(a)) = (at(&items, i), at(&answers, a))
            {
                l += w * t[2 + (2 * k + i) * 5 + a].ln();
            }
        }
        l
    };
    let l = |t: &[f64]| mixture(5, 2, |_| 1.0, |n, k| joint(t, n, k)).0;
    let p = json!([
        [[0.2, 0.1, 0.1, 0.5, 0.1], [0.1, 0.1, 0.3, 0.1, 0.4]],
        [[0.3, 0.3, 0.1, 0.2, 0.1], [0.05, 0.05, 0.6, 0.1, 0.2]]
    ]);
    let case = Exact {
        model: "data reply { person : label  item : label  answer : label  w : weight }
            plate class(2)
            param weight : simplex over class
            param p[class, item] : simplex over answer
            latent z[person] ~ Categorical(weight)
            observe answer[reply] ~ Categorical(p[z])",
        csv: &csv,
        init: json!({"weight": [0.45, 0.55], "p": p}),
        params: &[
            ("weight", Shape::Simplex(1, 2)),
            ("p", Shape::Simplex(4, 5)),
        ],
        method: "exact EM",
        objective: "log_likelihood",
        log_likelihood: &l,
    };
    let r = mixture(5, 2, |_| 1.0, |n, k| joint(&case.start(), n, k)).1;
    let mut want: Vec<f64> = (0..2)
        .map(|k| r.iter().map(|r| r[k]).sum::<f64>() / 5.0)
        .collect();
    for k in 0..2 {
        for item in items {
            let mut c = [0.0; 5];
            for (p, i, a, w) in &rows {
                if let (Some(p), Some(a)) = (at(&persons, p), at(&answers, a))
                    && *i == item
                {
                    c[a] += w * r[p][k];
                }
            }
            let s: f64 = c.iter().sum();
            want.extend(c.iter().map(|x| x / s));
        }
    }
    case.first_step(&want);
    case.level(3000);
}

#[test]
fn a_class_for_each_person_with_covariates_of_persons() {
    // one flat file: replies, and the persons' own age (one unknown)
    let replies = [
        ("dan", 1.0),
        ("ann", 0.0),
        ("ann", 1.0),
        ("bob", 1.0),
        ("ann", 0.0),
        ("cid", 0.0),
        ("bob", 1.0),
        ("dan", 0.0),
        ("fay", 0.0),
        ("dan", 1.0),
        ("eve", 0.0),
    ];
    let persons = ["ann", "bob", "cid", "dan", "eve", "fay"];
    let age = [
        Some(31.0),
        Some(52.0),
        None,
        Some(47.0),
        Some(38.0),
        Some(36.0),
    ];
    let mut csv = String::from("person,right,age\n");
    for (p, v) in &replies {
        let i = persons.iter().position(|x| x == p).expect("a person");
        let age = age[i].map_or("NA".to_string(), |a| a.to_string());
        csv += &format!("{p},{v},{age}\n");
    }
    // weight, p, mu, s2
    let joint = |t: &[f64], n: usize, k: usize| {
        let mut l = t[k].ln() + age[n].map_or(0.0, |a| ln_normal(a, t[4 + k], t[6 + k]));
        for (p, v) in &replies {
            if *p == persons[n] {
                l += ln_bernoulli(*v, t[2 + k]);
            }
        }
        l
    };
    let l = |t: &[f64]| mixture(6, 2, |_| 1.0, |n, k| joint(t, n, k)).0;
    let case = Exact {
        model: "data reply { person : label  right : binary }
            data person { person : label  age : real }
            plate class(2)
            param weight : simplex over class
            param p[class] : probability
            param mu[class] : real
            param s2[class] : positive
            latent z[person] ~ Categorical(weight)
            observe age[person] ~ Gaussian(mu[z], var = s2[z])
            observe right[reply] ~ Bernoulli(p[z])",
        csv: &csv,
        init: json!({"weight": [0.5, 0.5], "p": [0.4, 0.6], "mu": [35, 48], "s2": [100, 120]}),
        params: &[
            ("weight", Shape::Simplex(1, 2)),
            ("p", Shape::Free(2)),
            ("mu", Shape::Free(2)),
            ("s2", Shape::Free(2)),
        ],
        method: "exact EM",
        objective: "log_likelihood",
        log_likelihood: &l,
    };
    let r = mixture(6, 2, |_| 1.0, |n, k| joint(&case.start(), n, k)).1;
    let mut want = vec![];
    want.extend((0..2).map(|k| r.iter().map(|r| r[k]).sum::<f64>() / 6.0));
    for k in 0..2 {
        let (mut yes, mut all) = (0.0, 0.0);
        for (p, v) in &replies {
            let i = persons.iter().position(|x| x == p).expect("a person");
            yes += r[i][k] * v;
            all += r[i][k];
        }
        want.push(yes / all);
    }
    let with_age = [0, 1, 3, 4, 5];
    let n: Vec<f64> = (0..2)
        .map(|k| with_age.iter().map(|i| r[*i][k]).sum())
        .collect();
    let a = |i: &usize| age[*i].expect("an age");
    let mu: Vec<f64> = (0..2)
        .map(|k| with_age.iter().map(|i| r[*i][k] * a(i)).sum::<f64>() / n[k])
        .collect();
    want.extend(&mu);
    want.extend((0..2).map(|k| {
        let s = |i: &usize| r[*i][k] * (a(i) - mu[k]).powi(2);
        with_age.iter().map(s).sum::<f64>() / n[k]
    }));
    case.first_step(&want);
}

#[test]
fn two_latents_in_a_row_with_known_tables() {
    // activity and wet (either may be blank), weights
    let rows: [(Option<usize>, Option<f64>, f64); 6] = [
        (Some(2), Some(1.0), 1.0),
        (Some(0), Some(0.0), 2.0),
        (None, Some(1.0), 1.0),
        (Some(1), None, 1.5),
        (Some(0), Some(1.0), 1.0),
        (None, None, 1.0),
    ];
    let activities = ["walk", "shop", "stay in"];
    let mut csv = String::from("activity,wet,w\n");
    for (a, v, w) in &rows {
        let a = a.map_or("", |a| activities[a]);
        let v = v.map_or("", |v| if v == 1.0 { "yes" } else { "no" });
        csv += &format!("{a},{v},{w}\n");
    }
    let season = [0.3, 0.7];
    let sky = [[0.4, 0.6], [0.8, 0.2]];
    let wet = [[0.2, 0.9], [0.05, 0.7]];
    let joint = |t: &[f64], n: usize, state: usize| {
        let (s, k) = (state / 2, state % 2);
        let mut l: f64 = f64::ln(season[s]) + f64::ln(sky[s][k]);
        if let Some(a) = rows[n].0 {
            l += t[3 * k + a].ln();
        }
        if let Some(v) = rows[n].1 {
            l += ln_bernoulli(v, wet[s][k]);
        }
        l
    };
    let l = |t: &[f64]| mixture(6, 4, |n| rows[n].2, |n, s| joint(t, n, s)).0;
    let case = Exact {
        model: "plate season { winter, summer }
            plate sky { sunny, rainy }
            plate activity { walk, shop, \"stay in\" }
            const p_season over season = [0.3, 0.7]
            const p_sky[season] over sky = [[0.4, 0.6], [0.8, 0.2]]
            const p_wet[season, sky] = [[0.2, 0.9], [0.05, 0.7]]
            data day { activity : label  wet : binary  w : weight }
            param p_activity[sky] : simplex over activity
            latent s[day] ~ Categorical(p_season)
            latent k[day] ~ Categorical(p_sky[s])
            observe activity[day] ~ Categorical(p_activity[k])
            observe wet[day] ~ Bernoulli(p_wet[s, k])",
        csv: &csv,
        init: json!({"p_activity": [[0.5, 0.3, 0.2], [0.2, 0.3, 0.5]]}),
        params: &[("p_activity", Shape::Simplex(2, 3))],
        method: "exact EM",
        objective: "log_likelihood",
        log_likelihood: &l,
    };
    let r = mixture(6, 4, |n| rows[n].2, |n, s| joint(&case.start(), n, s)).1;
    let mut want = vec![];
    for k in 0..2 {
        let mut c = [0.0; 3];
        for (n, row) in rows.iter().enumerate() {
            if let Some(a) = row.0 {
                c[a] += row.2 * (r[n][k] + r[n][2 + k]);
            }
        }
        want.extend(c.map(|x| x / c.iter().sum::<f64>()));
    }
    case.first_step(&want);
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
