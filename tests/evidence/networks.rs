//! Exact EM with discrete latents that are coupled or shared by rows: against sums over all their states.

use serde_json::json;

use crate::exact::{Exact, Shape, mixture, softmax};
use crate::special::{ln_bernoulli, ln_normal};

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
