//! Counts whose rate or probability is a sum with points: non-negative matrix factorisation and PLSA on a wide table.

use serde_json::json;

use crate::fixture::{fit, same, same_list};
use crate::special::{ln_gamma, ln_poisson};

const N: [[f64; 4]; 5] = [
    [5., 0., 3., 1.],
    [4., 1., 2., 0.],
    [0., 6., 1., 7.],
    [1., 5., 0., 4.],
    [3., 3., 2., 2.],
];

fn wide() -> String {
    let lines = N
        .iter()
        .map(|r| format!("{},{},{},{}\n", r[0], r[1], r[2], r[3]));
    format!("n_a,n_b,n_c,n_d\n{}", lines.collect::<String>())
}

fn factorisation(rank: usize) -> String {
    format!(
        "data row {{ n[item] : count = \"n_*\" }}
         plate k({rank})
         param u[row, k] : positive
         param v[item, k] : positive
         observe n[row, item] ~ Poisson(sum(u * v over k))"
    )
}

/// sum_k u_ik v_jk of row-major lists
fn rate(u: &[f64], v: &[f64], rank: usize, i: usize, j: usize) -> f64 {
    (0..rank).map(|k| u[i * rank + k] * v[j * rank + k]).sum()
}

fn log_likelihood(u: &[f64], v: &[f64], rank: usize) -> f64 {
    let cell = |i: usize| (0..4).map(move |j| (i, j));
    (0..5)
        .flat_map(cell)
        .map(|(i, j)| ln_poisson(N[i][j], rate(u, v, rank, i, j)))
        .sum()
}

/// Of rank one the maximum is row sum times column sum over the total.
#[test]
fn rank_one() {
    let f = fit(&factorisation(1), &wide(), None, 50);
    let (u, v) = (f.get("u", "value"), f.get("v", "value"));
    let total: f64 = N.iter().flatten().sum();
    let mut best = 0.0;
    for i in 0..5 {
        for j in 0..4 {
            let row: f64 = N[i].iter().sum();
            let column: f64 = N.iter().map(|r| r[j]).sum();
            let want = row * column / total;
            same("rate", rate(&u, &v, 1, i, j), want, 1e-9);
            best += ln_poisson(N[i][j], want);
        }
    }
    same("log likelihood", f.last(), best, 1e-11);
}

const U: [[f64; 2]; 5] = [[1.0, 0.3], [0.8, 0.5], [0.2, 1.5], [0.4, 1.0], [0.9, 0.8]];
const V: [[f64; 2]; 4] = [[2.0, 0.5], [0.7, 2.5], [1.5, 0.4], [0.3, 3.0]];

/// Lee and Seung's multiplicative updates for the divergence, from the same start, find the same maximum.
#[test]
fn rank_two() {
    let f = fit(
        &factorisation(2),
        &wide(),
        Some(json!({"u": U, "v": V})),
        20_000,
    );
    let start: (Vec<f64>, Vec<f64>) = (U.concat(), V.concat());
    let at_start = log_likelihood(&start.0, &start.1, 2);
    assert!(f.outcome.trace[0] >= at_start - 1e-9);
    let (u, v) = (f.get("u", "value"), f.get("v", "value"));
    same("log likelihood", f.last(), log_likelihood(&u, &v, 2), 1e-10);
    // Stationary: u dL/du = 0, and where u = 0 the slope points down.
    for i in 0..5 {
        for k in 0..2 {
            let slope: f64 = (0..4)
                .map(|j| v[2 * j + k] * (N[i][j] / rate(&u, &v, 2, i, j).max(1e-300) - 1.0))
                .sum();
            assert!((u[2 * i + k] * slope).abs() < 1e-4, "{i} {k}: {slope}");
            assert!(slope < 1e-2, "{i} {k}: {slope}");
        }
    }
    let (mut a, mut b) = start;
    for _ in 0..20_000 {
        for i in 0..5 {
            let r: Vec<f64> = (0..4).map(|j| N[i][j] / rate(&a, &b, 2, i, j)).collect();
            for k in 0..2 {
                let top: f64 = (0..4).map(|j| b[2 * j + k] * r[j]).sum();
                a[2 * i + k] *= top / (0..4).map(|j| b[2 * j + k]).sum::<f64>();
            }
        }
        for j in 0..4 {
            let r: Vec<f64> = (0..5).map(|i| N[i][j] / rate(&a, &b, 2, i, j)).collect();
            for k in 0..2 {
                let top: f64 = (0..5).map(|i| a[2 * i + k] * r[i]).sum();
                b[2 * j + k] *= top / (0..5).map(|i| a[2 * i + k]).sum::<f64>();
            }
        }
    }
    same("maximum", f.last(), log_likelihood(&a, &b, 2), 1e-5);
}

/// The wide table gives the long table's trajectory, up to the multinomial coefficients.
#[test]
fn plsa_on_a_wide_table() {
    let pi = [[0.6, 0.4], [0.5, 0.5], [0.3, 0.7], [0.4, 0.6], [0.5, 0.5]];
    let theta = [[0.4, 0.1, 0.4, 0.1], [0.1, 0.4, 0.1, 0.4]];
    let start = || Some(json!({"pi": pi, "theta": theta}));
    let wide = fit(
        "data doc { n[word] : count = \"n_*\" }
         plate topic(2)
         param pi[doc] : simplex over topic
         param theta[topic] : simplex over word
         observe n[doc] ~ Multinomial(sum(pi * theta over topic)) over word",
        &wide(),
        start(),
        40,
    );
    let mut csv = String::from("doc,word,n\n");
    for (i, row) in N.iter().enumerate() {
        for (n, w) in row.iter().zip(["a", "b", "c", "d"]) {
            csv += &format!("{i},{w},{n}\n");
        }
    }
    let long = fit(
        "data token { doc : label  word : label  n : weight }
         plate topic(2)
         param pi[doc] : simplex over topic
         param theta[topic] : simplex over word
         latent z[token] ~ Categorical(pi[doc])
         observe word[token] ~ Categorical(theta[z])",
        &csv,
        start(),
        40,
    );
    let coefficients: f64 = N
        .iter()
        .map(|r| {
            let parts: f64 = r.iter().map(|n| ln_gamma(n + 1.0)).sum();
            ln_gamma(r.iter().sum::<f64>() + 1.0) - parts
        })
        .sum();
    assert_eq!(wide.outcome.trace.len(), long.outcome.trace.len());
    for (w, l) in wide.outcome.trace.iter().zip(&long.outcome.trace) {
        same("log likelihood", w - coefficients, *l, 1e-10);
    }
    same_list(
        "pi",
        &wide.get("pi", "value"),
        &long.get("pi", "value"),
        1e-9,
    );
    same_list(
        "theta",
        &wide.get("theta", "value"),
        &long.get("theta", "value"),
        1e-9,
    );
}

/// Latent factors: every Gamma by the multinomial split, here written out; the bound is below the evidence of one cell.
#[test]
fn one_count_of_two_latent_addends() {
    let f = fit(
        "data row { n : count }
         plate k(2)
         latent u[k] ~ Gamma(2, rate = 1)
         observe n[row] ~ Poisson(sum(u over k))",
        "n\n4\n7\n",
        Some(json!({"u": {"shape": [4, 6], "rate": [3, 3]}})),
        500,
    );
    // The sum is Gamma(4, 1), so the evidence is that of a Gamma and two Poissons.
    let evidence =
        ln_gamma(15.0) - ln_gamma(4.0) - 15.0 * 3f64.ln() - ln_gamma(5.0) - ln_gamma(8.0);
    assert!(f.last() < evidence, "{} and {evidence}", f.last());
    assert!(f.last() > evidence - 2.0, "{} and {evidence}", f.last());
    let (shape, rate) = (f.get("u", "shape"), f.get("u", "rate"));
    same_list("rates", &rate, &[3.0, 3.0], 1e-12);
    // Shapes share the prior and all that was counted.
    same("shapes", shape.iter().sum(), 15.0, 1e-10);
}
