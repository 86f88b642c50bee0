//! Shapes and concentrations by maximum likelihood: Gamma, Beta, and Dirichlets of counts against Minka's fixed point.

use serde_json::json;

use crate::fixture::{fit, same, same_list};
use crate::special::{digamma, ln_dirichlet_norm, ln_gamma_pdf};

const X: [f64; 9] = [0.4, 1.7, 2.2, 0.9, 3.8, 1.1, 0.6, 5.3, 1.4];

fn csv(x: &[f64]) -> String {
    let lines = x.iter().map(|x| format!("{x}\n"));
    format!("x\n{}", lines.collect::<String>())
}

#[test]
fn gamma_shape_and_rate() {
    let f = fit(
        "data row { x : positive }
         param a : positive
         param b : positive
         observe x[row] ~ Gamma(a, rate = b)",
        &csv(&X),
        None,
        200,
    );
    let (a, b) = (f.get("a", "value")[0], f.get("b", "value")[0]);
    let mean = X.iter().sum::<f64>() / 9.0;
    let mean_log = X.iter().map(|x| x.ln()).sum::<f64>() / 9.0;
    same("shape", a.ln() - digamma(a), mean.ln() - mean_log, 1e-10);
    same("rate", a / b, mean, 1e-9);
    let l: f64 = X.iter().map(|x| ln_gamma_pdf(*x, a, b)).sum();
    same("log likelihood", f.last(), l, 1e-12);
}

/// One update solves psi(a) = log rate + mean log x.
#[test]
fn gamma_shape_with_a_known_rate() {
    let f = fit(
        "data row { x : positive }
         param a : positive
         observe x[row] ~ Gamma(a, rate = 1.5)",
        &csv(&X),
        None,
        1,
    );
    let a = f.get("a", "value")[0];
    let mean_log = X.iter().map(|x| x.ln()).sum::<f64>() / 9.0;
    same("shape", digamma(a), 1.5f64.ln() + mean_log, 1e-10);
}

/// Both shapes of a Beta: psi(a) - psi(a + b) = mean log x, and the mirror image.
#[test]
fn beta_shapes() {
    let x = [0.3, 0.55, 0.8, 0.2, 0.45, 0.61, 0.35, 0.7];
    let f = fit(
        "data row { x : probability }
         param a : positive
         param b : positive
         observe x[row] ~ Beta(a, b)",
        &csv(&x),
        None,
        50,
    );
    let (a, b) = (f.get("a", "value")[0], f.get("b", "value")[0]);
    let mean = |g: &dyn Fn(f64) -> f64| x.iter().map(|x| g(*x)).sum::<f64>() / 8.0;
    same("a", digamma(a) - digamma(a + b), mean(&f64::ln), 1e-9);
    let mirror = mean(&|x| (1.0 - x).ln());
    same("b", digamma(b) - digamma(a + b), mirror, 1e-9);
}

const COUNTS: [[f64; 3]; 6] = [
    [5., 1., 0.],
    [2., 2., 3.],
    [0., 7., 1.],
    [9., 0., 0.],
    [1., 1., 1.],
    [4., 3., 0.],
];

fn tokens() -> String {
    let mut out = String::from("doc,word,n\n");
    for (d, row) in COUNTS.iter().enumerate() {
        for (w, n) in row.iter().enumerate() {
            if *n > 0.0 {
                out += &format!("d{d},w{w},{n}\n");
            }
        }
    }
    out
}

/// log probability of the words in their order: prod_d B(alpha + n_d) / B(alpha).
fn polya(alpha: &[f64; 3]) -> f64 {
    let with = |n: &[f64; 3]| [n[0] + alpha[0], n[1] + alpha[1], n[2] + alpha[2]];
    COUNTS
        .iter()
        .map(|n| ln_dirichlet_norm(&with(n)) - ln_dirichlet_norm(alpha))
        .sum()
}

/// psi(x + n) - psi(x) for a whole n, without cancellation.
fn rise(x: f64, n: f64) -> f64 {
    (0..n as usize).map(|i| 1.0 / (x + i as f64)).sum()
}

const MODEL: &str = "data token { doc : label  word : label  n : weight }
    param alpha[word] : positive
    latent theta[doc] ~ Dirichlet(alpha) over word
    observe word[token] ~ Categorical(theta[doc])";

/// Minka 2000, Estimating a Dirichlet distribution: the fixed point for counts.
#[test]
fn concentration_of_each_word() {
    let f = fit(MODEL, &tokens(), Some(json!({"alpha": [1, 1, 1]})), 400);
    assert_eq!(
        (f.method, f.objective),
        ("generalised EM", "log_likelihood")
    );
    let mut alpha = [1.0; 3];
    for _ in 0..20_000 {
        let total: f64 = alpha.iter().sum();
        let below: f64 = COUNTS.iter().map(|n| rise(total, n.iter().sum())).sum();
        let above = |k: usize| COUNTS.iter().map(|n| rise(alpha[k], n[k])).sum::<f64>();
        let next = [0, 1, 2].map(|k| alpha[k] * above(k) / below);
        alpha = next;
    }
    let mine = f.get("alpha", "value");
    same_list("concentration", &mine, &alpha, 1e-7);
    let l = polya(&[mine[0], mine[1], mine[2]]);
    same("log likelihood", f.last(), l, 1e-10);
    same("maximum", f.last(), polya(&alpha), 1e-11);
}

#[test]
fn one_concentration_for_all_words() {
    let model = MODEL.replace("alpha[word]", "alpha");
    let f = fit(&model, &tokens(), Some(json!({"alpha": 1})), 400);
    let mut alpha: f64 = 1.0;
    for _ in 0..20_000 {
        let below: f64 = COUNTS
            .iter()
            .map(|n| rise(3.0 * alpha, n.iter().sum()))
            .sum();
        let above: f64 = COUNTS
            .iter()
            .flat_map(|n| n.iter().map(|n| rise(alpha, *n)))
            .sum();
        alpha *= above / (3.0 * below);
    }
    same("concentration", f.get("alpha", "value")[0], alpha, 1e-7);
    same("maximum", f.last(), polya(&[alpha; 3]), 1e-11);
}

/// The M-step after one E-step at alpha = 1: psi(alpha_k) - psi(sum alpha) = mean over documents of E[log theta_dk].
#[test]
fn first_step_of_the_concentration() {
    let f = fit(MODEL, &tokens(), Some(json!({"alpha": [1, 1, 1]})), 1);
    same("start", f.outcome.trace[0], polya(&[1.0; 3]), 1e-12);
    let alpha = f.get("alpha", "value");
    let total: f64 = alpha.iter().sum();
    for k in 0..3 {
        let mean: f64 = COUNTS
            .iter()
            .map(|n| digamma(n[k] + 1.0) - digamma(n.iter().sum::<f64>() + 3.0))
            .sum::<f64>()
            / 6.0;
        same("score", digamma(alpha[k]) - digamma(total), mean, 1e-9);
    }
}
