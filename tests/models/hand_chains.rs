//! Sequences and clusters of planes on their shipped data: the objective of exact EM is a likelihood that is summed or
//! integrated out here by other means.

use crate::fixture::{Fitted, Table, data, exactly, fit, model, near};
use crate::hand_gaussian::{LN_2PI, cholesky, log_gaussian, standardised, vector};

/// ln Σ exp(x_i)
fn log_sum(x: &[f64]) -> f64 {
    let m = x.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if m == f64::NEG_INFINITY {
        return m;
    }
    m + x.iter().map(|v| (v - m).exp()).sum::<f64>().ln()
}

/// ln p(x) of a chain by the forward recursion in logarithms: `start` and `step` are log probabilities, `emit` by step.
fn forward(start: &[f64], step: &dyn Fn(usize, usize) -> f64, emit: &[Vec<f64>]) -> f64 {
    let k = start.len();
    let mut a: Vec<f64> = (0..k).map(|i| start[i] + emit[0][i]).collect();
    for e in &emit[1..] {
        a = (0..k)
            .map(|j| {
                let from: Vec<f64> = (0..k).map(|i| a[i] + step(i, j)).collect();
                log_sum(&from) + e[j]
            })
            .collect();
    }
    log_sum(&a)
}

fn ln(x: &[f64]) -> Vec<f64> {
    x.iter().map(|p| p.ln()).collect()
}

fn exact(name: &str, iterations: usize) -> Fitted {
    let f = fit(&model(name), data(name), None, &exactly(iterations));
    assert_eq!((f.method, f.objective), ("exact EM", "log_likelihood"));
    f
}

#[test]
fn hmm_gaussian_by_the_forward_recursion() {
    let t = Table::read(&data("hmm_gaussian"));
    for iterations in [1, 15] {
        let f = exact("hmm_gaussian", iterations);
        let get = |n: &str| vector(&f, n, "value");
        let (start, step, mu, s2) = (get("start"), ln(&get("move")), get("mu"), get("s2"));
        let emit: Vec<Vec<f64>> = t
            .numbers(&["volume"])
            .iter()
            .map(|y| {
                let log = |k: usize| -0.5 * ((y[0] - mu[k]).powi(2) / s2[k] + s2[k].ln() + LN_2PI);
                (0..2).map(log).collect()
            })
            .collect();
        let want = forward(&ln(&start), &|i, j| step[i * 2 + j], &emit);
        near("log likelihood", f.last(), want, 1e-11);
    }
}

#[test]
fn hmm_categorical_by_the_forward_recursion() {
    let t = Table::read(&data("hmm_categorical"));
    let faces: Vec<usize> = t
        .column("face")
        .iter()
        .map(|x| x.parse::<usize>().expect("a face") - 1)
        .collect();
    let f = exact("hmm_categorical", 25);
    let get = |n: &str| ln(&vector(&f, n, "value"));
    let (start, step, p) = (get("start"), get("move"), get("emit"));
    let emit: Vec<Vec<f64>> = faces
        .iter()
        .map(|x| (0..2).map(|k| p[k * 6 + x]).collect())
        .collect();
    let want = forward(&start, &|i, j| step[i * 2 + j], &emit);
    near("log likelihood", f.last(), want, 1e-11);
}

/// One chain over all joint states of the three appliances.
#[test]
fn factorial_hmm_by_its_joint_states() {
    let t = Table::read(&data("factorial_hmm"));
    let f = exact("factorial_hmm", 5);
    let get = |n: &str| vector(&f, n, "value");
    let (start, step, mu, s2) = (ln(&get("start")), ln(&get("move")), get("mu"), get("s2"));
    let bit = |s: usize, c: usize| (s >> c) & 1;
    let begin: Vec<f64> = (0..8)
        .map(|s| (0..3).map(|c| start[c * 2 + bit(s, c)]).sum())
        .collect();
    let emit: Vec<Vec<f64>> = t
        .numbers(&["watts"])
        .iter()
        .map(|y| {
            let log = |s: usize| {
                let m: f64 = (0..3).map(|c| mu[c * 2 + bit(s, c)]).sum();
                -0.5 * ((y[0] - m).powi(2) / s2[0] + s2[0].ln() + LN_2PI)
            };
            (0..8).map(log).collect()
        })
        .collect();
    let move_on = |a: usize, b: usize| {
        (0..3)
            .map(|c| step[c * 4 + bit(a, c) * 2 + bit(b, c)])
            .sum()
    };
    near(
        "log likelihood",
        f.last(),
        forward(&begin, &move_on, &emit),
        1e-11,
    );
}

/// All measurements are one Gaussian vector: Cov(h_t, h_s) = A Cov(h_(t-1), h_s) from Cov(h_1) = I.
#[test]
fn linear_dynamical_system_as_one_gaussian() {
    let t = Table::read(&data("linear_dynamical_system"));
    let rows: Vec<Vec<f64>> = t
        .numbers(&["y_east", "y_north", "y_slope", "y_far"])
        .into_iter()
        .collect();
    let f = exact("linear_dynamical_system", 4);
    let get = |n: &str| vector(&f, n, "value");
    let (a, c, q, r) = (get("A"), get("C"), get("q")[0], get("r"));
    let n = rows.len();
    let turn = |p: [f64; 4]| {
        let at = |i: usize, j: usize| a[i * 2] * p[j] + a[i * 2 + 1] * p[2 + j];
        [at(0, 0), at(0, 1), at(1, 0), at(1, 1)]
    };
    let transposed = |p: [f64; 4]| [p[0], p[2], p[1], p[3]];
    // lag[s][t - s] = Cov(h_t, h_s) as rows h_t, columns h_s.
    let mut p = [1.0, 0.0, 0.0, 1.0];
    let mut lag: Vec<Vec<[f64; 4]>> = vec![];
    for s in 0..n {
        if s > 0 {
            p = turn(transposed(turn(p)));
            p[0] += q;
            p[3] += q;
        }
        let mut list = vec![p];
        for _ in s + 1..n {
            list.push(turn(*list.last().expect("one")));
        }
        lag.push(list);
    }
    let seen = |p: [f64; 4], d: usize, e: usize| {
        let row = |i: usize| p[i * 2] * c[e * 2] + p[i * 2 + 1] * c[e * 2 + 1];
        c[d * 2] * row(0) + c[d * 2 + 1] * row(1)
    };
    let size = 4 * n;
    let mut cov = vec![vec![0.0; size]; size];
    for i in 0..size {
        for j in 0..=i {
            let (t, d, s, e) = (i / 4, i % 4, j / 4, j % 4);
            let v = seen(lag[s][t - s], d, e) + if i == j { r[d] } else { 0.0 };
            cov[i][j] = v;
            cov[j][i] = v;
        }
    }
    let x: Vec<f64> = rows.concat();
    let want = log_gaussian(&x, &vec![0.0; size], &cholesky(&cov));
    near("log likelihood", f.last(), want, 1e-9);
}

/// A mixture of Gaussians with means b_k and covariances W_k W_k' + diag(noise).
#[test]
fn mixture_of_factor_analysers_by_its_marginal() {
    let name = "mixture_of_factor_analysers";
    let t = Table::read(&data(name));
    let columns: Vec<&str> = t.header.iter().map(String::as_str).collect();
    let x = standardised(&t.numbers(&columns[..13]));
    for iterations in [2, 40] {
        let f = exact(name, iterations);
        let get = |n: &str| vector(&f, n, "value");
        let (weight, w, b, noise) = (get("weight"), get("W"), get("b"), get("noise"));
        let factors: Vec<Vec<Vec<f64>>> = (0..3)
            .map(|k| {
                let entry = |i: usize, j: usize| {
                    let at = |d: usize, q: usize| w[(k * 13 + d) * 2 + q];
                    let shared = at(i, 0) * at(j, 0) + at(i, 1) * at(j, 1);
                    shared + if i == j { noise[i] } else { 0.0 }
                };
                let row = |i: usize| (0..13).map(|j| entry(i, j)).collect();
                cholesky(&(0..13).map(row).collect::<Vec<Vec<f64>>>())
            })
            .collect();
        let row = |r: &Vec<f64>| {
            let parts: Vec<f64> = (0..3)
                .map(|k| weight[k].ln() + log_gaussian(r, &b[k * 13..(k + 1) * 13], &factors[k]))
                .collect();
            log_sum(&parts)
        };
        let want: f64 = x.iter().map(row).sum();
        near("log likelihood", f.last(), want, 1e-10);
    }
}

/// The default start of seed 0 ends at the clubs that the links were drawn from; both orders of p are one element.
#[test]
fn stochastic_block_model_finds_the_clubs() {
    let f = fit(
        &model("stochastic_block_model"),
        data("stochastic_block_model"),
        None,
        &exactly(60),
    );
    assert_eq!(f.method, "variational Bayes");
    // Three clubs of 20, 15 and 10: person i is called 7 i + 3 modulo 45, plus 1; nodes are in the order of their numbers.
    let q = f.get("z", "probabilities");
    let block = |i: usize| {
        let node = (7 * i + 3) % 45;
        (0..3).find(|k| q[[node, *k]] > 0.5)
    };
    for i in 0..45 {
        let first = [0, 20, 35][usize::from(i >= 20) + usize::from(i >= 35)];
        assert!(block(i).is_some() && block(i) == block(first), "{i}");
    }
    assert!(block(0) != block(20) && block(20) != block(35) && block(0) != block(35));
    let p = f.get("p", "a") / &(f.get("p", "a") + f.get("p", "b"));
    for k in 0..3 {
        for l in 0..3 {
            assert_eq!(p[[k, l]], p[[l, k]]);
        }
    }
    // The counts of both blocks of every pair are those of the prior and of all 990 pairs.
    let total: f64 = (0..3)
        .flat_map(|k| (k..3).map(move |l| (k, l)))
        .map(|(k, l)| f.get("p", "a")[[k, l]] + f.get("p", "b")[[k, l]] - 2.0)
        .sum();
    near("pairs", total, 990.0, 1e-10);
}
