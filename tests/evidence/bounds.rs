//! Split posteriors: the ELBO lies between the log joint of the start and the log evidence, both by enumeration, and is
//! E_q[log p] + H(q) by Monte Carlo.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, Gamma, StandardNormal};
use serde_json::json;
use std::f64::consts::PI;

use crate::exact::{logsumexp, softmax};
use crate::fixture::{Fitted, fit, same};
use crate::special::{digamma, ln_dirichlet, ln_dirichlet_norm, ln_gamma, ln_gamma_pdf, ln_normal};

/// A start at one assignment: log p(x, z) <= every ELBO <= log sum_z p(x, z).
fn between(f: &Fitted, joint: &dyn Fn(&[usize]) -> f64, n: usize, start: &[usize]) {
    assert_eq!((f.method, f.objective), ("variational Bayes", "elbo"));
    let all: Vec<f64> = (0..1usize << n)
        .map(|bits| joint(&(0..n).map(|i| bits >> i & 1).collect::<Vec<_>>()))
        .collect();
    let (low, high) = (joint(start), logsumexp(&all));
    for l in &f.outcome.trace {
        assert!(
            *l >= low - 1e-9 && *l <= high + 1e-9,
            "{l} is not between {low} and {high}"
        );
    }
    assert!(f.last() > low + 1e-3, "no better than its start");
}

const Y: [f64; 6] = [0.1, 3.9, -0.8, 5.0, 1.0, 4.2];

const MIXTURE: &str = "data row { y : real }
    plate k(2)
    latent weight ~ Dirichlet(0.8) over k
    latent tau[k] ~ Gamma(2, rate = 1.5)
    latent mu[k] ~ Gaussian(1, precision = 0.3 * tau)
    latent z[row] ~ Categorical(weight)
    observe y[row] ~ Gaussian(mu[z], precision = tau[z])";

fn csv() -> String {
    let lines: Vec<String> = Y.iter().map(ToString::to_string).collect();
    format!("y\n{}\n", lines.join("\n"))
}

/// log of the integral of prod N(y; mu, 1/tau) over the Gaussian-Gamma above.
fn gaussian_gamma(y: &[f64]) -> f64 {
    let n = y.len() as f64;
    let mean = if y.is_empty() {
        0.0
    } else {
        y.iter().sum::<f64>() / n
    };
    let s: f64 = y.iter().map(|y| (y - mean).powi(2)).sum();
    let a = 2.0 + n / 2.0;
    let b = 1.5 + 0.5 * s + 0.15 * n / (0.3 + n) * (mean - 1.0).powi(2);
    -n / 2.0 * (2.0 * PI).ln() + 0.5 * (0.3 / (0.3 + n)).ln() + 2.0 * 1.5f64.ln() - a * b.ln()
        + ln_gamma(a)
        - ln_gamma(2.0)
}

#[test]
fn bayesian_mixture_lies_below_the_evidence() {
    let joint = |z: &[usize]| {
        let of = |k: usize| -> Vec<f64> { (0..6).filter(|n| z[*n] == k).map(|n| Y[n]).collect() };
        let c = [0.8 + of(0).len() as f64, 0.8 + of(1).len() as f64];
        ln_dirichlet_norm(&c) - ln_dirichlet_norm(&[0.8; 2])
            + gaussian_gamma(&of(0))
            + gaussian_gamma(&of(1))
    };
    let start = [0, 1, 0, 1, 1, 0];
    let f = fit(MIXTURE, &csv(), Some(json!({"z": {"label": start}})), 60);
    between(&f, &joint, 6, &start);
}

#[test]
fn one_row_and_more_components_than_rows() {
    let f = fit(
        &MIXTURE.replace("k(2)", "k(3)"),
        "y\n2.5\n",
        Some(json!({"z": {"label": [1]}})),
        40,
    );
    // by symmetry every assignment has the same log joint
    let each =
        ln_dirichlet_norm(&[1.8, 0.8, 0.8]) - ln_dirichlet_norm(&[0.8; 3]) + gaussian_gamma(&[2.5]);
    let l = f.last();
    assert!(l >= each - 1e-9 && l <= each + 3f64.ln() + 1e-9, "{l}");
}

#[test]
fn elbo_of_a_bayesian_mixture_by_monte_carlo() {
    let start = [0, 1, 0, 1, 1, 0];
    let f = fit(MIXTURE, &csv(), Some(json!({"z": {"label": start}})), 3000);
    let c = f.get("weight", "concentration");
    let (m, beta) = (f.get("mu", "mean"), f.get("mu", "beta"));
    let (a, b) = (f.get("tau", "shape"), f.get("tau", "rate"));
    // q(z) at the fixed point
    let total = digamma(c.iter().sum());
    let q: Vec<Vec<f64>> = Y
        .iter()
        .map(|y| {
            let e: Vec<f64> = (0..2)
                .map(|k| {
                    let square = 1.0 / beta[k] + a[k] / b[k] * (y - m[k]).powi(2);
                    digamma(c[k]) - total + 0.5 * (digamma(a[k]) - b[k].ln()) - 0.5 * square
                })
                .collect();
            softmax(&e)
        })
        .collect();
    let mut rng = ChaCha8Rng::seed_from_u64(7);
    let n = 40_000;
    let (mut sum, mut squares) = (0.0, 0.0);
    for _ in 0..n {
        let g: Vec<f64> = c
            .iter()
            .map(|c| Gamma::new(*c, 1.0).expect("gamma").sample(&mut rng))
            .collect();
        let w: Vec<f64> = g.iter().map(|x| x / g.iter().sum::<f64>()).collect();
        let mut l = ln_dirichlet(&w, &[0.8; 2]) - ln_dirichlet(&w, &c);
        let (mut mu, mut tau) = (vec![], vec![]);
        for k in 0..2 {
            let t = Gamma::new(a[k], 1.0 / b[k])
                .expect("gamma")
                .sample(&mut rng);
            let e: f64 = StandardNormal.sample(&mut rng);
            let v = m[k] + e / (beta[k] * t).sqrt();
            l += ln_gamma_pdf(t, 2.0, 1.5) - ln_gamma_pdf(t, a[k], b[k]);
            l += ln_normal(v, 1.0, 1.0 / (0.3 * t)) - ln_normal(v, m[k], 1.0 / (beta[k] * t));
            mu.push(v);
            tau.push(t);
        }
        for (y, q) in Y.iter().zip(&q) {
            for k in 0..2 {
                if q[k] > 0.0 {
                    l += q[k] * (w[k].ln() + ln_normal(*y, mu[k], 1.0 / tau[k]) - q[k].ln());
                }
            }
        }
        sum += l;
        squares += l * l;
    }
    let mean = sum / f64::from(n);
    let error = ((squares / f64::from(n) - mean * mean) / f64::from(n)).sqrt();
    assert!(
        (f.last() - mean).abs() < 4.0 * error && error < 0.02,
        "{} by pmc, {mean} +- {error} by Monte Carlo",
        f.last()
    );
}

#[test]
fn answers_of_workers_lie_below_the_evidence() {
    // Dawid and Skene: worker, item, answer; weights; unequal numbers of answers
    let rows = [
        ("v", "e", 1, 1.0),
        ("u", "a", 0, 1.0),
        ("u", "b", 1, 2.0),
        ("v", "a", 0, 1.0),
        ("v", "c", 1, 1.0),
        ("u", "d", 0, 1.0),
        ("w", "b", 0, 0.5),
        ("w", "a", 1, 1.0),
        ("u", "e", 1, 1.0),
    ];
    let (workers, items) = (["u", "v", "w"], ["a", "b", "c", "d", "e"]);
    let at = |list: &[&str], x: &str| list.iter().position(|y| *y == x).expect("a label");
    let mut csv = String::from("answer,item,worker,w\n");
    for (w, i, a, n) in &rows {
        csv += &format!("{},{i},{w},{n}\n", ["no", "yes"][*a]);
    }
    let prior = [[1.5, 0.5], [0.7, 2.0]];
    let joint = |z: &[usize]| {
        let c = [0, 1].map(|k| 1.5 + z.iter().filter(|x| **x == k).count() as f64);
        let mut l = ln_dirichlet_norm(&c) - ln_dirichlet_norm(&[1.5; 2]);
        for worker in workers {
            let mut n = prior;
            for (w, i, a, weight) in &rows {
                if *w == worker {
                    n[z[at(&items, i)]][*a] += weight;
                }
            }
            for k in 0..2 {
                l += ln_dirichlet_norm(&n[k]) - ln_dirichlet_norm(&prior[k]);
            }
        }
        l
    };
    let start = [0, 0, 1, 1, 0];
    let f = fit(
        "plate truth { no, yes }
        const a[truth, answer] = [[1.5, 0.5], [0.7, 2]]
        plate answer { no, yes }
        data row { worker : label  item : label  answer : label  w : weight }
        latent weight ~ Dirichlet(1.5) over truth
        latent confusion[worker, truth] ~ Dirichlet(a) over answer
        latent z[item] ~ Categorical(weight)
        observe answer[row] ~ Categorical(confusion[worker, z])",
        &csv,
        Some(json!({"z": {"label": start}})),
        50,
    );
    between(&f, &joint, 5, &start);
}

#[test]
fn topics_lie_below_the_evidence() {
    let tokens = [
        (0, 0, 1.0),
        (0, 1, 1.0),
        (1, 2, 1.0),
        (1, 0, 1.0),
        (0, 2, 1.0),
        (2, 1, 1.0),
    ];
    let mut csv = String::from("word,doc\n");
    for (d, w, _) in &tokens {
        csv += &format!("{},{}\n", ["t", "u", "v"][*w], ["x", "y", "z"][*d]);
    }
    let joint = |z: &[usize]| {
        let mut pi = [[0.6; 2]; 3];
        let mut theta = [[0.4; 3]; 2];
        for (i, (d, w, _)) in tokens.iter().enumerate() {
            pi[*d][z[i]] += 1.0;
            theta[z[i]][*w] += 1.0;
        }
        pi.iter()
            .map(|c| ln_dirichlet_norm(c) - ln_dirichlet_norm(&[0.6; 2]))
            .sum::<f64>()
            + theta
                .iter()
                .map(|c| ln_dirichlet_norm(c) - ln_dirichlet_norm(&[0.4; 3]))
                .sum::<f64>()
    };
    let start = [0, 1, 1, 0, 0, 1];
    let f = fit(
        "data token { doc : label  word : label }
        plate topic(2)
        latent theta[topic] ~ Dirichlet(0.4) over word
        latent pi[doc] ~ Dirichlet(0.6) over topic
        latent z[token] ~ Categorical(pi[doc])
        observe word[token] ~ Categorical(theta[z])",
        &csv,
        Some(json!({"z": {"label": start}})),
        60,
    );
    between(&f, &joint, 6, &start);
}

#[test]
fn independent_priors_lie_below_a_quadrature() {
    let f = fit(
        "data row { y : real }
        latent mu ~ Gaussian(1, var = 4)
        latent tau ~ Gamma(2, rate = 1.5)
        observe y[row] ~ Gaussian(mu, precision = tau)",
        &csv(),
        None,
        100,
    );
    // mu in closed form for each tau, tau = e^t by the trapezoid rule
    let (n, step) = (6.0, 0.005);
    let grid: Vec<f64> = (-1600..1200)
        .map(|i| {
            let tau = (f64::from(i) * step).exp();
            let s: f64 = Y.iter().map(|y| y * y).sum();
            let sum: f64 = Y.iter().sum();
            let (p, h) = (0.25 + n * tau, 0.25 + tau * sum);
            let l = n / 2.0 * (tau / (2.0 * PI)).ln() - 0.5 * tau * s + 0.5 * (0.25 / p).ln()
                - 0.5 * 0.25
                + 0.5 * h * h / p;
            l + ln_gamma_pdf(tau, 2.0, 1.5) + tau.ln() + step.ln()
        })
        .collect();
    let evidence = logsumexp(&grid);
    assert_eq!(f.method, "variational Bayes");
    let gap = evidence - f.last();
    assert!(gap > 0.0 && gap < 0.2, "{} of {evidence}", f.last());
    // the fixed point of the textbook's two updates
    let (mut a, mut b) = (0.0, 1.0);
    let (mut m, mut v) = (0.0, 1.0);
    for _ in 0..400 {
        a = 2.0 + n / 2.0;
        b = 1.5 + 0.5 * Y.iter().map(|y| (y - m) * (y - m) + v).sum::<f64>();
        v = 1.0 / (0.25 + n * a / b);
        m = v * (0.25 + a / b * Y.iter().sum::<f64>());
    }
    same("mean", f.get("mu", "mean")[0], m, 1e-9);
    same("variance", f.get("mu", "variance")[0], v, 1e-9);
    same("shape", f.get("tau", "shape")[0], a, 1e-9);
    same("rate", f.get("tau", "rate")[0], b, 1e-9);
}
