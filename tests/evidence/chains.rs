//! Coupled discrete elements against sums over all their joint states: chains with blanks and in several series, chains of
//! second order, factorial chains, graphs of labels, the most probable path, splits.

use serde_json::json;

use crate::exact::logsumexp;
use crate::fixture::{close, fit};
use crate::special::{ln_bernoulli, ln_normal};

/// All joint states of so many elements.
fn states(elements: usize, k: usize) -> impl Iterator<Item = Vec<usize>> {
    (0..k.pow(elements as u32)).map(move |mut i| {
        (0..elements)
            .map(|_| {
                let s = i % k;
                i /= k;
                s
            })
            .collect()
    })
}

const SERIES: &str = "t,session,y,mood\n\
    1,a,0.2,low\n3,a,2.9,high\n2,a,,low\n1,b,3.1,\n2,b,0.4,low\n3,b,,\n4,b,2.2,high\n";
/// By session and time; -1 is blank.
const Y: [&[f64]; 2] = [&[0.2, f64::NAN, 2.9], &[3.1, 0.4, f64::NAN, 2.2]];
const MOOD: [&[i32]; 2] = [&[1, 1, 0], &[-1, 1, -1, 0]];

/// Two emissions, blanks, series of unequal length out of order in the file.
fn hmm_log_likelihood(start: &[f64], step: &[f64], mu: &[f64], var: &[f64], mood: &[f64]) -> f64 {
    let mut total = 0.0;
    for (y, m) in Y.iter().zip(MOOD) {
        let all: Vec<f64> = states(y.len(), 2)
            .map(|z| {
                let mut l = 0.0;
                for t in 0..z.len() {
                    l += match t {
                        0 => start[z[0]].ln(),
                        _ => step[2 * z[t - 1] + z[t]].ln(),
                    };
                    if !y[t].is_nan() {
                        l += ln_normal(y[t], mu[z[t]], var[z[t]]);
                    }
                    if m[t] >= 0 {
                        l += mood[2 * z[t] + m[t] as usize].ln();
                    }
                }
                l
            })
            .collect();
        total += logsumexp(&all);
    }
    total
}

const HMM: &str = "data step ordered by t within session { y : real   mood : label }
    plate state(2)
    param start : simplex over state
    param step_to[state] : simplex over state
    param mu[state] : real
    param s2[state] : positive
    param feel[state] : simplex over mood
    latent z[step] ~ Categorical(step_to[z[step-1]]) first Categorical(start)
    observe y[step] ~ Gaussian(mu[z], var = s2[z])
    observe mood[step] ~ Categorical(feel[z])";

#[test]
fn a_chain_with_two_emissions_blanks_and_series() {
    let init = json!({"start": [0.6, 0.4], "step_to": [[0.7, 0.3], [0.2, 0.8]], "mu": [0.5, 2.5],
        "s2": [1.0, 0.5], "feel": [[0.3, 0.7], [0.6, 0.4]]});
    let f = fit(HMM, SERIES, Some(init), 3);
    assert_eq!(f.method, "exact EM");
    let want = hmm_log_likelihood(
        &[0.6, 0.4],
        &[0.7, 0.3, 0.2, 0.8],
        &[0.5, 2.5],
        &[1.0, 0.5],
        &[0.3, 0.7, 0.6, 0.4],
    );
    close(f.outcome.trace[0], want, 1e-12);
    let now = hmm_log_likelihood(
        &f.get("start", "value"),
        &f.get("step_to", "value"),
        &f.get("mu", "value"),
        &f.get("s2", "value"),
        &f.get("feel", "value"),
    );
    close(f.last(), now, 1e-11);
}

#[test]
fn a_split_chain_is_a_lower_bound() {
    let init = json!({"start": [0.6, 0.4], "step_to": [[0.7, 0.3], [0.2, 0.8]], "mu": [0.5, 2.5],
        "s2": [1.0, 0.5], "feel": [[0.3, 0.7], [0.6, 0.4]]});
    let f = fit(
        &format!("{HMM}\ninfer {{ factorise z }}"),
        SERIES,
        Some(init),
        20,
    );
    assert_eq!(f.method, "variational EM");
    let exact = hmm_log_likelihood(
        &f.get("start", "value"),
        &f.get("step_to", "value"),
        &f.get("mu", "value"),
        &f.get("s2", "value"),
        &f.get("feel", "value"),
    );
    assert!(f.last() <= exact + 1e-9, "{} above {exact}", f.last());
    assert!(f.last() > exact - 3.0, "{} far below {exact}", f.last());
}

#[test]
fn a_chain_of_second_order() {
    let (y, p0) = ([0.1, 1.2, 0.3, 0.9, 1.1], [0.7, 0.3]);
    let p = |i: usize, j: usize, k: usize| {
        [[[0.9, 0.1], [0.4, 0.6]], [[0.3, 0.7], [0.2, 0.8]]][i][j][k]
    };
    let all: Vec<f64> = states(5, 2)
        .map(|z| {
            (0..5)
                .map(|t| {
                    let prior: f64 = if t < 2 {
                        p0[z[t]]
                    } else {
                        p(z[t - 1], z[t - 2], z[t])
                    };
                    prior.ln() + ln_normal(y[t], z[t] as f64, 0.25)
                })
                .sum()
        })
        .collect();
    let f = fit(
        "data step ordered { y : real }
         plate state { off, on }
         const p0 over state = [0.7, 0.3]
         const p[state, last in state] over now in state = [[[0.9, 0.1], [0.4, 0.6]], [[0.3, 0.7], [0.2, 0.8]]]
         const level[state] = [0, 1]
         latent z[step] ~ Categorical(p[z[step-1], z[step-2]]) first Categorical(p0)
         observe y[step] ~ Gaussian(level[z], var = 0.25)",
        "y\n0.1\n1.2\n0.3\n0.9\n1.1\n",
        None,
        1,
    );
    assert_eq!(f.method, "exact posterior");
    close(f.last(), logsumexp(&all), 1e-12);
}

/// log p of three chains of two states whose means add up, over one series.
fn factorial(y: &[f64], mu: &[f64]) -> (f64, Vec<f64>) {
    let step = [[0.8, 0.2], [0.3, 0.7]];
    let n = y.len();
    let all: Vec<(Vec<usize>, f64)> = states(3 * n, 2)
        .map(|z| {
            let at = |t: usize, c: usize| z[3 * t + c];
            let mut l = 0.0;
            for t in 0..n {
                for c in 0..3 {
                    let prior: f64 = if t == 0 {
                        0.5
                    } else {
                        step[at(t - 1, c)][at(t, c)]
                    };
                    l += prior.ln();
                }
                let mean: f64 = (0..3).map(|c| mu[2 * c + at(t, c)]).sum();
                l += ln_normal(y[t], mean, 0.3);
            }
            (z, l)
        })
        .collect();
    let total = logsumexp(&all.iter().map(|(_, l)| *l).collect::<Vec<_>>());
    let mut on = vec![0.0; 3 * n];
    for (z, l) in &all {
        for (o, s) in on.iter_mut().zip(z) {
            *o += *s as f64 * (l - total).exp();
        }
    }
    (total, on)
}

const FACTORIAL: &str = "data step ordered { y : real }
    plate chain(3)
    plate state(2)
    const mu[chain, state] = [[0, 1], [0, 2.2], [-0.5, 0.7]]
    const move[state] over to in state = [[0.8, 0.2], [0.3, 0.7]]
    const start over state = [0.5, 0.5]
    latent z[step, chain] ~ Categorical(move[z[step-1]]) first Categorical(start)
    observe y[step] ~ Gaussian(sum(mu[z] over chain), var = 0.3)";

#[test]
fn three_chains_that_explain_one_series_together() {
    let mu = [0.0, 1.0, 0.0, 2.2, -0.5, 0.7];
    let (want, on) = factorial(&[0.4, 2.9, 3.3, 1.1], &mu);
    let csv = "y\n0.4\n2.9\n3.3\n1.1\n";
    let f = fit(FACTORIAL, csv, None, 1);
    assert_eq!(f.method, "exact posterior");
    close(f.last(), want, 1e-12);
    for (q, p) in f.get("z", "probabilities").chunks(2).zip(&on) {
        close(q[1], *p, 1e-10);
    }
    // Each chain whole, the chains apart: a bound.
    let split = format!("{FACTORIAL}\ninfer {{ factorise z over chain }}");
    let f = fit(&split, csv, None, 60);
    assert_eq!(f.method, "variational Bayes");
    assert!(
        f.last() < want && f.last() > want - 2.0,
        "{} {want}",
        f.last()
    );
}

#[test]
fn labels_of_nodes_on_a_graph_with_a_loop_and_a_tail() {
    let edges = [
        (0, 1, 1.0),
        (1, 2, 0.0),
        (2, 0, 1.0),
        (2, 3, 1.0),
        (3, 3, 1.0),
        (1, 0, 0.0),
    ];
    let p = [[0.9, 0.2], [0.4, 0.7]];
    let w: [f64; 2] = [0.35, 0.65];
    let score = |z: &[usize]| -> f64 {
        let nodes: f64 = z.iter().map(|k| w[*k].ln()).sum();
        let pairs = edges
            .iter()
            .map(|(a, b, v)| ln_bernoulli(*v, p[z[*a]][z[*b]]));
        nodes + pairs.sum::<f64>()
    };
    let all: Vec<f64> = states(4, 2).map(|z| score(&z)).collect();
    let csv = "a,b,same\nn0,n1,1\nn1,n2,0\nn2,n0,1\nn2,n3,1\nn3,n3,1\nn1,n0,0\n";
    let model = "data pair { a : label of node   b : label of node   same : binary }
        plate block(2)
        const w over block = [0.35, 0.65]
        const p[block, other in block] = [[0.9, 0.2], [0.4, 0.7]]
        latent z[node] ~ Categorical(w)";
    let seen = "observe same[pair] ~ Bernoulli(p[z[a], z[b]])";
    let f = fit(&format!("{model}\n{seen}"), csv, None, 1);
    assert_eq!(f.method, "exact posterior");
    close(f.last(), logsumexp(&all), 1e-12);
    // The most probable labels.
    let f = fit(&format!("{model} as dirac\n{seen}"), csv, None, 2);
    let best = all.iter().fold(f64::NEG_INFINITY, |a, b| a.max(*b));
    assert_eq!(f.objective, "log_joint");
    close(f.last(), best, 1e-12);
    // One node after the other: a bound that sweeps only raise.
    let f = fit(&format!("{model} as factorised\n{seen}"), csv, None, 50);
    let want = logsumexp(&all);
    assert!(
        f.last() < want && f.last() > want - 2.0,
        "{} {want}",
        f.last()
    );
}

#[test]
fn the_best_path_of_a_chain() {
    let y = [0.2, 0.9, 0.4, 0.1, 1.3, 0.6];
    let all = states(6, 2).map(|z| -> f64 {
        (0..6)
            .map(|t| {
                let p: f64 = match t {
                    0 => 0.5,
                    _ if z[t] == z[t - 1] => 0.85,
                    _ => 0.15,
                };
                p.ln() + ln_normal(y[t], z[t] as f64, 0.2)
            })
            .sum()
    });
    let best = all.fold(f64::NEG_INFINITY, f64::max);
    let f = fit(
        "data step ordered { y : real }
         plate state(2)
         const stay[state] over to in state = [[0.85, 0.15], [0.15, 0.85]]
         const start over state = [0.5, 0.5]
         const level[state] = [0, 1]
         latent z[step] ~ Categorical(stay[z[step-1]]) first Categorical(start) as dirac
         observe y[step] ~ Gaussian(level[z], var = 0.2)",
        "y\n0.2\n0.9\n0.4\n0.1\n1.3\n0.6\n",
        None,
        3,
    );
    close(f.last(), best, 1e-12);
}

#[test]
fn binary_causes_that_share_a_row() {
    // Two rows, three causes, two pixels.
    let w = [[1.0, -0.5, 0.3], [0.2, 0.8, -1.1]];
    let x = [[0.9, 0.1], [-0.2, 1.3]];
    let p = [0.3, 0.5, 0.6];
    let want: f64 = x
        .iter()
        .map(|x| {
            let all: Vec<f64> = states(3, 2)
                .map(|h| {
                    let prior: f64 = (0..3).map(|c| ln_bernoulli(h[c] as f64, p[c])).sum();
                    let seen: f64 = (0..2)
                        .map(|d| {
                            let m: f64 = (0..3).map(|c| w[d][c] * h[c] as f64).sum();
                            ln_normal(x[d], m, 0.4)
                        })
                        .sum();
                    prior + seen
                })
                .collect();
            logsumexp(&all)
        })
        .sum();
    let model = "data patch { x[pixel] : real = rest }
        plate cause(3)
        const p[cause] = [0.3, 0.5, 0.6]
        param W[pixel, cause] : real
        param v : positive
        latent h[patch, cause] ~ Bernoulli(p)
        observe x[patch, pixel] ~ Gaussian(sum(W * h over cause), var = v)";
    let init = json!({"W": [[1.0, -0.5, 0.3], [0.2, 0.8, -1.1]], "v": 0.4});
    let f = fit(model, "a,b\n0.9,0.1\n-0.2,1.3\n", Some(init), 0);
    assert_eq!(f.method, "exact EM");
    close(f.outcome.trace[0], want, 1e-12);
}

#[test]
fn too_many_coupled_elements_are_refused_before_any_memory_is_taken() {
    let model = "data row { y : real }
        plate cause(60000)
        param W[cause] : real
        latent h[cause] ~ Bernoulli(0.5)
        observe y[row] ~ Gaussian(sum(W * h over cause), var = 1)";
    let (codes, text) = crate::fixture::refusal(model, "y\n1\n2\n", None, 1);
    assert!(codes.contains(&"E0601".to_string()), "{text}");
}
