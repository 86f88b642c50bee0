//! Conjugate scalars and simplices: the ELBO is the log evidence, q is the textbook posterior.

use serde_json::Value;
use std::f64::consts::PI;

use crate::fixture::{Fitted, fit, same, same_list};
use crate::special::{ln_beta, ln_choose, ln_dirichlet_norm, ln_gamma, ln_mvn};

const GROUPS: [&str; 3] = ["a", "b", "c"];

pub fn exact(model: &str, csv: &str) -> Fitted {
    let f = fit(model, csv, None::<Value>, 2);
    assert_eq!((f.method, f.objective), ("exact posterior", "elbo"));
    f
}

#[test]
fn beta_of_binomials() {
    let rows = [
        ("c", Some(3.0), 10.0, 1.0),
        ("a", Some(0.0), 4.0, 1.0),
        ("c", Some(7.0), 7.0, 2.0),
        ("b", None, 5.0, 1.0),
        ("c", Some(2.0), 9.0, 0.5),
    ];
    let mut csv = String::from("k,hospital,n,w\n");
    for (h, k, n, w) in &rows {
        csv += &format!("{},{h},{n},{w}\n", k.map_or("".into(), |k| k.to_string()));
    }
    let f = exact(
        "data row { hospital : label  k : count  n : count  w : weight }
        latent p[hospital] ~ Beta(1.5, 9)
        observe k[row] ~ Binomial(p, total = n)",
        &csv,
    );
    let (mut a, mut b, mut l) = ([1.5; 3], [9.0; 3], 0.0);
    for (h, k, n, w) in &rows {
        let g = GROUPS.iter().position(|x| x == h).expect("a group");
        if let Some(k) = k {
            a[g] += w * k;
            b[g] += w * (n - k);
            l += w * ln_choose(*n, *k);
        }
    }
    for g in 0..3 {
        l += ln_beta(a[g], b[g]) - ln_beta(1.5, 9.0);
    }
    same("evidence", f.last(), l, 1e-10);
    same_list("a", &f.get("p", "a"), &a, 1e-12);
    same_list("b", &f.get("p", "b"), &b, 1e-12);
}

#[test]
fn beta_of_bernoullis_in_one_row() {
    let f = exact(
        "data row { v : binary }
        latent p ~ Beta(0.5, 0.5)
        observe v[row] ~ Bernoulli(p)",
        "v\nno\n",
    );
    same("evidence", f.last(), 0.5f64.ln(), 1e-12);
    same_list(
        "q",
        &[f.get("p", "a")[0], f.get("p", "b")[0]],
        &[0.5, 1.5],
        1e-12,
    );
}

#[test]
fn gamma_of_poissons_with_exposure() {
    let rows: [(&str, Option<f64>, f64); 5] = [
        ("b", Some(3.0), 2.0),
        ("a", Some(0.0), 0.5),
        ("b", Some(9.0), 3.5),
        ("c", None, 1.0),
        ("b", Some(1.0), 1.0),
    ];
    let mut csv = String::from("g,n,e\n");
    for (g, n, e) in &rows {
        csv += &format!("{g},{},{e}\n", n.map_or("NA".into(), |n| n.to_string()));
    }
    let f = exact(
        "data row { g : label  n : count  e : positive }
        latent rate[g] ~ Gamma(2, rate = 0.7)
        observe n[row] ~ Poisson(e * rate)",
        &csv,
    );
    let (mut a, mut b, mut l) = ([2.0; 3], [0.7; 3], 0.0);
    for (g, n, e) in &rows {
        let g = GROUPS.iter().position(|x| x == g).expect("a group");
        if let Some(n) = n {
            a[g] += n;
            b[g] += e;
            l += n * e.ln() - ln_gamma(n + 1.0);
        }
    }
    for g in 0..3 {
        l += 2.0 * 0.7f64.ln() - ln_gamma(2.0) + ln_gamma(a[g]) - a[g] * f64::ln(b[g]);
    }
    same("evidence", f.last(), l, 1e-10);
    same_list("shape", &f.get("rate", "shape"), &a, 1e-12);
    same_list("rate", &f.get("rate", "rate"), &b, 1e-12);
}

#[test]
fn dirichlet_of_categories_for_each_group() {
    let rows = [
        ("b", "y", 1.0),
        ("a", "x", 2.5),
        ("b", "z", 1.0),
        ("c", "", 1.0),
        ("b", "y", 3.0),
    ];
    let letters = ["x", "y", "z"];
    let mut csv = String::from("w,letter,g\n");
    for (g, x, w) in &rows {
        csv += &format!("{w},{x},{g}\n");
    }
    let alpha = [0.3, 1.0, 2.0];
    let f = exact(
        "const a[letter] = [0.3, 1, 2]
        plate letter { x, y, z }
        data row { g : label  letter : label  w : weight }
        latent p[g] ~ Dirichlet(a) over letter
        observe letter[row] ~ Categorical(p)",
        &csv,
    );
    let mut c = [alpha; 3];
    for (g, x, w) in &rows {
        let g = GROUPS.iter().position(|y| y == g).expect("a group");
        if let Some(x) = letters.iter().position(|y| y == x) {
            c[g][x] += w;
        }
    }
    let l: f64 = c
        .iter()
        .map(|c| ln_dirichlet_norm(c) - ln_dirichlet_norm(&alpha))
        .sum();
    same("evidence", f.last(), l, 1e-10);
    same_list("q", &f.get("p", "concentration"), c.as_flattened(), 1e-12);
}

#[test]
fn dirichlet_of_multinomials() {
    let n = [[3.0, 0.0, 2.0], [0.0, 0.0, 0.0], [1.0, 6.0, 1.0]];
    let f = exact(
        "data doc { n[word] : count = \"n_*\" }
        latent p ~ Dirichlet(0.4) over word
        observe n[doc] ~ Multinomial(p)",
        "n_w,n_u,n_v\n3,0,2\n0,0,0\n1,6,1\n",
    );
    let mut c = [0.4; 3];
    let mut l = 0.0;
    for n in n {
        l += ln_gamma(n.iter().sum::<f64>() + 1.0);
        for d in 0..3 {
            c[d] += n[d];
            l -= ln_gamma(n[d] + 1.0);
        }
    }
    l += ln_dirichlet_norm(&c) - ln_dirichlet_norm(&[0.4; 3]);
    same("evidence", f.last(), l, 1e-10);
    same_list("q", &f.get("p", "concentration"), &c, 1e-12);
}

#[test]
fn gaussian_mean_with_known_variances() {
    let rows = [
        (Some(2.0), 0.5),
        (Some(-1.0), 2.0),
        (None, 1.0),
        (Some(4.5), 1.5),
    ];
    let mut csv = String::from("v,y\n");
    for (y, v) in &rows {
        csv += &format!("{v},{}\n", y.map_or("".into(), |y| y.to_string()));
    }
    let f = exact(
        "data row { y : real  v : positive }
        latent mu ~ Gaussian(1, var = 3)
        observe y[row] ~ Gaussian(mu, var = v)",
        &csv,
    );
    let seen: Vec<(f64, f64)> = rows.iter().filter_map(|r| Some((r.0?, r.1))).collect();
    let s: Vec<Vec<f64>> = (0..3)
        .map(|i| {
            (0..3)
                .map(|j| 3.0 + if i == j { seen[i].1 } else { 0.0 })
                .collect()
        })
        .collect();
    let y: Vec<f64> = seen.iter().map(|s| s.0).collect();
    same("evidence", f.last(), ln_mvn(&y, &[1.0; 3], &s), 1e-10);
    let p = 1.0 / 3.0 + seen.iter().map(|s| 1.0 / s.1).sum::<f64>();
    let m = (1.0 / 3.0 + seen.iter().map(|s| s.0 / s.1).sum::<f64>()) / p;
    same_list("mean", &f.get("mu", "mean"), &[m], 1e-11);
    same_list("variance", &f.get("mu", "variance"), &[1.0 / p], 1e-11);
}

#[test]
fn gamma_precision_and_inverse_gamma_variance_about_a_known_mean() {
    let y = [3.0, 1.5, 4.0, 2.2];
    let w = [1.0, 2.0, 0.5, 1.0];
    let mut csv = String::from("y,w\n");
    for (y, w) in y.iter().zip(w) {
        csv += &format!("{y},{w}\n");
    }
    let n: f64 = w.iter().sum();
    let q: f64 = y.iter().zip(w).map(|(y, w)| w * (y - 2.5f64).powi(2)).sum();
    let (a, b) = (1.5 + n / 2.0, 0.8 + q / 2.0);
    let l =
        -n / 2.0 * (2.0 * PI).ln() + 1.5 * 0.8f64.ln() - ln_gamma(1.5) + ln_gamma(a) - a * b.ln();
    let data = "data row { y : real  w : weight }";
    let f = exact(
        &format!(
            "{data} latent tau ~ Gamma(1.5, rate = 0.8)
            observe y[row] ~ Gaussian(2.5, precision = tau)"
        ),
        &csv,
    );
    same("evidence", f.last(), l, 1e-10);
    same_list("shape", &f.get("tau", "shape"), &[a], 1e-12);
    same_list("rate", &f.get("tau", "rate"), &[b], 1e-12);
    let f = exact(
        &format!(
            "{data} latent s2 ~ InverseGamma(1.5, scale = 0.8)
            observe y[row] ~ Gaussian(2.5, var = s2)"
        ),
        &csv,
    );
    same("evidence", f.last(), l, 1e-10);
    same_list("shape", &f.get("s2", "shape"), &[a], 1e-12);
    same_list("scale", &f.get("s2", "scale"), &[b], 1e-12);
}

#[test]
fn gamma_rate_of_exponentials_gammas_and_laplaces() {
    let t = [0.4, 2.0, 1.3];
    let prior = |a: f64, b: f64| 1.2 * 0.6f64.ln() - ln_gamma(1.2) + ln_gamma(a) - a * b.ln();
    let f = exact(
        "data row { t : positive } latent r ~ Gamma(1.2, rate = 0.6)
        observe t[row] ~ Exponential(rate = r)",
        "t\n0.4\n2.0\n1.3\n",
    );
    let (a, b) = (1.2 + 3.0, 0.6 + t.iter().sum::<f64>());
    same("exponential", f.last(), prior(a, b), 1e-10);
    same_list(
        "q",
        &[f.get("r", "shape")[0], f.get("r", "rate")[0]],
        &[a, b],
        1e-12,
    );
    let f = exact(
        "data row { t : positive } latent r ~ Gamma(1.2, rate = 0.6)
        observe t[row] ~ Gamma(2.5, rate = r)",
        "t\n0.4\n2.0\n1.3\n",
    );
    let (a, b) = (1.2 + 7.5, 0.6 + t.iter().sum::<f64>());
    let fixed: f64 = t.iter().map(|t: &f64| 1.5 * t.ln() - ln_gamma(2.5)).sum();
    same("gamma", f.last(), fixed + prior(a, b), 1e-10);
    same_list(
        "q",
        &[f.get("r", "shape")[0], f.get("r", "rate")[0]],
        &[a, b],
        1e-12,
    );
    let f = exact(
        "data row { t : real } latent r ~ Gamma(1.2, rate = 0.6)
        observe t[row] ~ Laplace(1, rate = r)",
        "t\n0.4\n2.0\n1.3\n",
    );
    let (a, b) = (
        1.2 + 3.0,
        0.6 + t.iter().map(|t| (t - 1.0f64).abs()).sum::<f64>(),
    );
    same("laplace", f.last(), prior(a, b) - 3.0 * 2f64.ln(), 1e-10);
    same_list(
        "q",
        &[f.get("r", "shape")[0], f.get("r", "rate")[0]],
        &[a, b],
        1e-12,
    );
}
