//! Points without latents, and hard assignments: maximum likelihood, MAP, coordinate ascent on the log joint.

use serde_json::json;

use crate::fixture::{fit, same, same_list};
use crate::special::{ln_normal, solve};

#[test]
fn second_order_autoregression_over_two_sessions() {
    // t and session out of order; a session of one step; the steps of "b" are not those of "a"
    let a = [1.0, 0.4, -0.3, 0.9, 1.4, 0.2, -0.8];
    let b = [2.0, 1.1, 0.7, 0.1];
    let mut lines = vec!["c,7,0.6".to_string()];
    lines.extend(a.iter().enumerate().map(|(t, y)| format!("a,{t},{y}")));
    lines.extend(
        b.iter()
            .enumerate()
            .map(|(t, y)| format!("b,{},{y}", 3 * t)),
    );
    lines.swap(2, 9);
    lines.reverse();
    let csv = format!("session,t,y\n{}\n", lines.join("\n"));
    let f = fit(
        "data step ordered by t within session { y : real }
        param p : real
        param q : real
        param c : real
        param s2 : positive
        observe y[step] ~ Gaussian(p * y[step-1] + q * y[step-2] + c, var = s2)
            first Gaussian(0, var = 9)",
        &csv,
        None,
        3,
    );
    let mut x = vec![];
    let mut first = vec![0.6];
    for y in [&a[..], &b[..]] {
        first.extend(&y[..2]);
        for t in 2..y.len() {
            x.push(([y[t - 1], y[t - 2], 1.0], y[t]));
        }
    }
    let (mut xx, mut xy) = (vec![vec![0.0; 3]; 3], vec![0.0; 3]);
    for (x, y) in &x {
        for i in 0..3 {
            xy[i] += x[i] * y;
            for j in 0..3 {
                xx[i][j] += x[i] * x[j];
            }
        }
    }
    let w = solve(&xx, &xy).0;
    let mean = |x: &[f64; 3]| (0..3).map(|i| w[i] * x[i]).sum::<f64>();
    let s2 = x.iter().map(|(x, y)| (y - mean(x)).powi(2)).sum::<f64>() / x.len() as f64;
    same_list("p, q, c", &f.points(&["p", "q", "c"]), &w, 1e-9);
    same("s2", f.get("s2", "value")[0], s2, 1e-9);
    let l = first.iter().map(|y| ln_normal(*y, 0.0, 9.0)).sum::<f64>()
        + x.iter()
            .map(|(x, y)| ln_normal(*y, mean(x), s2))
            .sum::<f64>();
    assert_eq!(
        (f.method, f.objective),
        ("maximum likelihood", "log_likelihood")
    );
    same("log-likelihood", f.last(), l, 1e-10);
}

#[test]
fn regression_on_a_table_of_terms_with_penalised_effects() {
    let rows = [
        (2.3, 30.0, 3.0, "west", 1.0),
        (1.1, 25.0, 1.0, "east", 2.0),
        (4.0, 51.0, 9.0, "west", 1.0),
        (3.1, 44.0, 12.0, "north", 0.5),
        (2.2, 38.0, 2.0, "east", 1.0),
        (5.2, 60.0, 20.0, "west", 1.0),
        (1.9, 29.0, 5.0, "east", 0.0),
        (2.7, 33.0, 8.0, "north", 1.0),
        (3.6, 47.0, 4.0, "west", 1.0),
    ];
    let regions = ["east", "north", "west"];
    let mut csv = String::from("w,income,age,years,region\n");
    for (i, a, y, r, w) in &rows {
        csv += &format!("{w},{i},{a},{y},{r}\n");
    }
    let f = fit(
        "data person { income : positive  age : real  years : real  region : label  w : weight }
        plate term { one, age, years, both }
        let y[person] = log(income)
        let x[person, term] = [1, age / 10, years, age * years / 100]
        param b[term] : real
        param effect[region] ~ Gaussian(0, var = 0.25)
        param s2 : positive
        observe y[person] ~ Gaussian(sum(b * x over term) + effect, var = s2)",
        &csv,
        None,
        4000,
    );
    let design = |r: &(f64, f64, f64, &str, f64)| -> Vec<f64> {
        let mut x = vec![1.0, r.1 / 10.0, r.2, r.1 * r.2 / 100.0];
        x.extend(regions.iter().map(|g| f64::from(u8::from(*g == r.3))));
        x
    };
    let at = f.points(&["b", "effect", "s2"]);
    let l = |t: &[f64]| -> f64 {
        let mut l: f64 = t[4..7].iter().map(|e| ln_normal(*e, 0.0, 0.25)).sum();
        for r in &rows {
            let m: f64 = design(r).iter().zip(t).map(|(x, b)| x * b).sum();
            l += r.4 * ln_normal(r.0.ln(), m, t[7]);
        }
        l
    };
    assert_eq!(f.objective, "log_posterior");
    same("log posterior", f.last(), l(&at), 1e-10);
    // at the fixed point: ridge equations at this s2, and s2 the mean squared residual
    let (mut xx, mut xy) = (vec![vec![0.0; 7]; 7], vec![0.0; 7]);
    let (mut q, mut total) = (0.0, 0.0);
    for r in &rows {
        let x = design(r);
        let m: f64 = x.iter().zip(&at).map(|(x, b)| x * b).sum();
        q += r.4 * (r.0.ln() - m).powi(2);
        total += r.4;
        for i in 0..7 {
            xy[i] += r.4 * x[i] * r.0.ln();
            for j in 0..7 {
                xx[i][j] += r.4 * x[i] * x[j];
            }
        }
    }
    same("s2", at[7], q / total, 1e-6);
    for (i, row) in xx.iter_mut().enumerate().skip(4) {
        row[i] += at[7] / 0.25;
    }
    same_list("b, effect", &at[..7], &solve(&xx, &xy).0, 1e-5);
}

#[test]
fn weighted_mean_with_known_precisions() {
    let rows = [
        (1.0, 2.0, 1.0),
        (3.0, 0.5, 2.0),
        (-2.0, 1.0, 1.0),
        (4.0, 3.0, 0.0),
    ];
    let mut csv = String::from("y,u,w\n");
    for (y, u, w) in &rows {
        csv += &format!("{y},{u},{w}\n");
    }
    let f = fit(
        "data row { y : real  u : positive  w : weight }
        param mu : real
        param tau : positive
        observe y[row] ~ Gaussian(mu, precision = tau * u)",
        &csv,
        None,
        3,
    );
    let sum = |g: &dyn Fn(f64, f64, f64) -> f64| rows.iter().map(|r| g(r.0, r.1, r.2)).sum::<f64>();
    let mu = sum(&|y, u, w| w * u * y) / sum(&|_, u, w| w * u);
    let tau = sum(&|_, _, w| w) / sum(&|y, u, w| w * u * (y - mu).powi(2));
    same_list("mu, tau", &f.points(&["mu", "tau"]), &[mu, tau], 1e-10);
    let l = sum(&|y, u, w| w * ln_normal(y, mu, 1.0 / (tau * u)));
    same("log-likelihood", f.last(), l, 1e-10);
}

#[test]
fn hard_assignments_climb_the_log_joint() {
    let y = [0.0, 0.4, 5.2, 1.1, 4.0, 6.0, 2.6];
    let w = [1.0, 2.0, 1.0, 1.0, 0.5, 1.0, 1.0];
    let mut csv = String::from("y,w\n");
    for (y, w) in y.iter().zip(w) {
        csv += &format!("{y},{w}\n");
    }
    let model = "data row { y : real  w : weight }
        plate k(2)
        param weight : simplex over k
        param mu[k] : real
        param s2[k] : positive
        latent z[row] ~ Categorical(weight) as dirac
        observe y[row] ~ Gaussian(mu[z], var = s2[z])";
    let init = json!({"weight": [0.5, 0.5], "mu": [1.0, 3.0], "s2": [2.0, 2.0]});
    let (mut weight, mut mu, mut s2) = ([0.5; 2], [1.0, 3.0], [2.0; 2]);
    for n in 1..5 {
        let score = |n: usize, k: usize, weight: &[f64; 2], mu: &[f64; 2], s2: &[f64; 2]| {
            weight[k].ln() + ln_normal(y[n], mu[k], s2[k])
        };
        let z: Vec<usize> = (0..7)
            .map(|n| {
                let a = score(n, 0, &weight, &mu, &s2);
                usize::from(score(n, 1, &weight, &mu, &s2) > a)
            })
            .collect();
        for k in 0..2 {
            let mine: Vec<usize> = (0..7).filter(|n| z[*n] == k).collect();
            let mass: f64 = mine.iter().map(|n| w[*n]).sum();
            weight[k] = mass / w.iter().sum::<f64>();
            mu[k] = mine.iter().map(|n| w[*n] * y[*n]).sum::<f64>() / mass;
            let q = |n: &usize| w[*n] * (y[*n] - mu[k]).powi(2);
            s2[k] = mine.iter().map(q).sum::<f64>() / mass;
        }
        let want: f64 = (0..7)
            .map(|n| w[n] * score(n, z[n], &weight, &mu, &s2))
            .sum();
        let f = fit(model, &csv, Some(init.clone()), n);
        assert_eq!((f.method, f.objective), ("MAP", "log_joint"));
        same("log joint", f.last(), want, 1e-10);
        let points = [weight, mu, s2].concat();
        same_list("params", &f.points(&["weight", "mu", "s2"]), &points, 1e-10);
    }
}

/// A discrete point begins as no point; the objective counts from the first sweep in which it is one.
#[test]
fn the_trace_begins_with_a_discrete_point() {
    let f = fit(
        "data row { x : real }
        plate k { far, near }
        const w over k = [0.5, 0.5]
        param m : real
        param z ~ Categorical(w)
        latent h ~ Gaussian(0, var = 1)
        observe x[row] ~ case z { far: Gaussian(h + m, var = 90)   near: Gaussian(h + m, var = 1) }",
        "x\n0.1\n-0.3\n0.5\n",
        None,
        150,
    );
    assert_eq!(f.outcome.trace_start, 1);
    let (n, spread) = (3.0, [0.1, -0.3, 0.5]);
    let mean = spread.iter().sum::<f64>() / n;
    // z = near, h = 0 and m the mean; x of three rows has covariance 1 + 11'.
    let square: f64 = spread.iter().map(|x| (x - mean) * (x - mean)).sum();
    let want =
        0.5f64.ln() - 0.5 * square - 0.5 * (4.0f64.ln() + n * (2.0 * std::f64::consts::PI).ln());
    same("log posterior", f.last(), want, 1e-9);
}
