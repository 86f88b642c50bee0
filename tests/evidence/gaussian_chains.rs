//! Coupled Gaussian elements against one dense Gaussian over everything, and Gaussians given a discrete latent against the
//! mixture that integrating them out leaves.

use serde_json::json;

use crate::exact::logsumexp;
use crate::fixture::{close, fit};
use crate::special::{inverse, ln_mvn, ln_normal};

fn product(a: &[Vec<f64>], b: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let columns = b[0].len();
    a.iter()
        .map(|r| {
            (0..columns)
                .map(|j| r.iter().zip(b).map(|(x, row)| x * row[j]).sum())
                .collect()
        })
        .collect()
}

fn transposed(a: &[Vec<f64>]) -> Vec<Vec<f64>> {
    (0..a[0].len())
        .map(|j| a.iter().map(|r| r[j]).collect())
        .collect()
}

/// log p of a linear system with two states and two sensors: the covariance of all that is seen, series by series.
fn system(
    series: &[Vec<[f64; 2]>],
    a: [[f64; 2]; 2],
    c: [[f64; 2]; 2],
    q: f64,
    r: [f64; 2],
) -> f64 {
    let mut total = 0.0;
    for y in series {
        let n = y.len();
        // Cov(h_t, h_s) by the recursion over time.
        let mut cov = vec![vec![0.0; 2 * n]; 2 * n];
        let am: Vec<Vec<f64>> = a.iter().map(|r| r.to_vec()).collect();
        for t in 0..n {
            if t == 0 {
                cov[0][0] = 1.0;
                cov[1][1] = 1.0;
                continue;
            }
            for s in 0..t {
                let block: Vec<Vec<f64>> = (0..2)
                    .map(|i| (0..2).map(|j| cov[2 * t - 2 + i][2 * s + j]).collect())
                    .collect();
                let next = product(&am, &block);
                for i in 0..2 {
                    for j in 0..2 {
                        cov[2 * t + i][2 * s + j] = next[i][j];
                        cov[2 * s + j][2 * t + i] = next[i][j];
                    }
                }
            }
            let last: Vec<Vec<f64>> = (0..2)
                .map(|i| (0..2).map(|j| cov[2 * t - 2 + i][2 * t - 2 + j]).collect())
                .collect();
            let next = product(&product(&am, &last), &transposed(&am));
            for i in 0..2 {
                for j in 0..2 {
                    cov[2 * t + i][2 * t + j] = next[i][j] + if i == j { q } else { 0.0 };
                }
            }
        }
        let mut seen = vec![];
        let mut rows = vec![];
        for (t, y) in y.iter().enumerate() {
            for d in 0..2 {
                if !y[d].is_nan() {
                    seen.push(y[d]);
                    let mut row = vec![0.0; 2 * n];
                    row[2 * t] = c[d][0];
                    row[2 * t + 1] = c[d][1];
                    rows.push((row, r[d]));
                }
            }
        }
        let m: Vec<Vec<f64>> = rows.iter().map(|(r, _)| r.clone()).collect();
        let mut s = product(&product(&m, &cov), &transposed(&m));
        for (i, (_, v)) in rows.iter().enumerate() {
            s[i][i] += v;
        }
        total += ln_mvn(&seen, &vec![0.0; seen.len()], &s);
    }
    total
}

const SYSTEM: &str = "data step ordered by t within series { y[sensor] : real = (u, v) }
    plate dim(2)
    param A[dim, dim] : real
    param C[sensor, dim] : real
    param q : positive
    param r[sensor] : positive
    latent h[step, i in dim] ~ Gaussian(sum(A[i, j] * h[step-1, j] over j in dim), var = q) first Gaussian(0, var = 1)
    observe y[step, sensor] ~ Gaussian(sum(C * h over dim), var = r)";

#[test]
fn a_linear_system_with_missing_steps_in_two_series() {
    let csv = "t,series,u,v\n1,a,0.3,-0.2\n2,a,,\n3,a,1.1,0.7\n1,b,-0.4,0.5\n2,b,0.2,\n";
    let nan = f64::NAN;
    let series = [
        vec![[0.3, -0.2], [nan, nan], [1.1, 0.7]],
        vec![[-0.4, 0.5], [0.2, nan]],
    ];
    let init = json!({"A": [[0.8, -0.3], [0.2, 0.9]], "C": [[1.0, 0.4], [-0.2, 0.7]], "q": 0.5, "r": [0.2, 0.3]});
    let f = fit(SYSTEM, csv, Some(init), 4);
    let want = system(
        &series,
        [[0.8, -0.3], [0.2, 0.9]],
        [[1.0, 0.4], [-0.2, 0.7]],
        0.5,
        [0.2, 0.3],
    );
    close(f.outcome.trace[0], want, 1e-11);
    let two = |v: Vec<f64>| [[v[0], v[1]], [v[2], v[3]]];
    let r = f.get("r", "value");
    let now = system(
        &series,
        two(f.get("A", "value")),
        two(f.get("C", "value")),
        f.get("q", "value")[0],
        [r[0], r[1]],
    );
    close(f.last(), now, 1e-10);
}

#[test]
fn school_effects_joint_with_their_mean() {
    let y = [28.0, 8.0, -3.0, 7.0];
    let s2 = [225.0, 100.0, 256.0, 121.0];
    // y ~ N(0, 25 11' + 36 I + S)
    let cov: Vec<Vec<f64>> = (0..4)
        .map(|i| {
            (0..4)
                .map(|j| 25.0 + if i == j { 36.0 + s2[i] } else { 0.0 })
                .collect()
        })
        .collect();
    let want = ln_mvn(&y, &[0.0; 4], &cov);
    let model = "data school { school : label  y : real  v : positive }
        latent mu ~ Gaussian(0, var = 25)
        latent theta[school] ~ Gaussian(mu, var = 36)
        observe y[school] ~ Gaussian(theta, var = v)";
    let csv = "school,y,v\na,28,225\nb,8,100\nc,-3,256\nd,7,121\n";
    let f = fit(
        &format!("{model}\ninfer {{ joint mu, theta }}"),
        csv,
        None,
        1,
    );
    assert_eq!(f.method, "exact posterior");
    close(f.last(), want, 1e-12);
    // The posterior of (mu, theta): J and b written down.
    let mut j = vec![vec![0.0; 5]; 5];
    let mut b = vec![0.0; 5];
    j[0][0] = 1.0 / 25.0 + 4.0 / 36.0;
    for i in 0..4 {
        j[i + 1][i + 1] = 1.0 / 36.0 + 1.0 / s2[i];
        j[0][i + 1] = -1.0 / 36.0;
        j[i + 1][0] = -1.0 / 36.0;
        b[i + 1] = y[i] / s2[i];
    }
    let c = inverse(&j);
    let mean: Vec<f64> = c
        .iter()
        .map(|r| r.iter().zip(&b).map(|(x, y)| x * y).sum())
        .collect();
    close(f.get("mu", "mean")[0], mean[0], 1e-10);
    for (i, m) in f.get("theta", "mean").iter().enumerate() {
        close(*m, mean[i + 1], 1e-10);
    }
    for (i, v) in f.get("theta", "variance").iter().enumerate() {
        close(*v, c[i + 1][i + 1], 1e-10);
    }
}

#[test]
fn split_gaussians_have_the_exact_means_and_their_own_precisions() {
    let model = "data step ordered { y : real }
        latent h[step] ~ Gaussian(h[step-1], var = 0.5) first Gaussian(0, var = 2) as factorised
        observe y[step] ~ Gaussian(h, var = 0.25)";
    let y = [0.4, 1.0, -0.3, 0.8];
    let f = fit(model, "y\n0.4\n1.0\n-0.3\n0.8\n", None, 300);
    let mut j = vec![vec![0.0; 4]; 4];
    let b: Vec<f64> = y.iter().map(|y| y / 0.25).collect();
    for t in 0..4 {
        j[t][t] = 4.0 + if t == 0 { 0.5 } else { 2.0 } + if t < 3 { 2.0 } else { 0.0 };
        if t > 0 {
            j[t][t - 1] = -2.0;
            j[t - 1][t] = -2.0;
        }
    }
    let c = inverse(&j);
    for (t, m) in f.get("h", "mean").iter().enumerate() {
        let want: f64 = c[t].iter().zip(&b).map(|(x, y)| x * y).sum();
        close(*m, want, 1e-9);
        close(f.get("h", "variance")[t], 1.0 / j[t][t], 1e-12);
    }
    assert_eq!(f.method, "variational Bayes");
}

#[test]
fn an_autoregression_with_blank_steps() {
    // y_1 ~ N(1, 2), y_t ~ N(0.6 y_(t-1) + 0.5, 0.4); steps 2 and 4 are blank.
    let (a, c, s) = (0.6, 0.5, 0.4);
    let (mut mean, mut cov) = (vec![1.0], vec![vec![2.0]]);
    for t in 1..5 {
        let m = a * mean[t - 1] + c;
        mean.push(m);
        let row: Vec<f64> = (0..t).map(|u| a * cov[t - 1][u]).collect();
        let v = a * a * cov[t - 1][t - 1] + s;
        for (u, x) in row.iter().enumerate() {
            cov[u].push(*x);
        }
        cov.push(row);
        cov[t].push(v);
    }
    let seen = [0, 2, 4];
    let y = [1.3, 0.2, 2.0];
    let m: Vec<f64> = seen.iter().map(|i| mean[*i]).collect();
    let s: Vec<Vec<f64>> = seen
        .iter()
        .map(|i| seen.iter().map(|j| cov[*i][*j]).collect())
        .collect();
    let f = fit(
        "data step ordered by t { y : real }
         const a = 0.6
         const c = 0.5
         observe y[step] ~ Gaussian(a * y[step-1] + c, var = 0.4) first Gaussian(1, var = 2)",
        "t,y\n1,1.3\n2,\n3,0.2\n4,\n5,2.0\n",
        None,
        1,
    );
    close(f.last(), ln_mvn(&y, &m, &s), 1e-11);
}

#[test]
fn factor_analysers_mixed() {
    let (w, b, noise, p) = (
        [[0.9, -0.3], [0.1, 0.8]],
        [[0.0, 1.0], [2.0, -1.0]],
        [0.3, 0.5],
        [0.4, 0.6],
    );
    let x = [[0.2, 1.4], [2.3, -0.7], [1.1, 0.2]];
    let want: f64 = x
        .iter()
        .map(|x| {
            let all: Vec<f64> = (0..2)
                .map(|k: usize| {
                    // One factor per cluster: covariance W W' + noise.
                    let s: Vec<Vec<f64>> = (0..2)
                        .map(|i| {
                            (0..2)
                                .map(|j| w[k][i] * w[k][j] + if i == j { noise[i] } else { 0.0 })
                                .collect()
                        })
                        .collect();
                    let pk: f64 = p[k];
                    pk.ln() + ln_mvn(x, &b[k], &s)
                })
                .collect();
            logsumexp(&all)
        })
        .sum();
    let model = "data row { x[feature] : real = rest }
        plate cluster(2)
        plate factor(1)
        param weight : simplex over cluster
        param W[cluster, feature, factor] : real
        param b[cluster, feature] : real
        param noise[feature] : positive
        latent z[row] ~ Categorical(weight)
        latent h[row, factor] ~ Gaussian(0, var = 1)
        observe x[row, feature] ~ Gaussian(sum(W[z] * h over factor) + b[z], var = noise)";
    let init = json!({"weight": p, "W": [[[0.9], [-0.3]], [[0.1], [0.8]]], "b": b, "noise": noise});
    let f = fit(model, "u,v\n0.2,1.4\n2.3,-0.7\n1.1,0.2\n", Some(init), 0);
    assert_eq!(f.method, "exact EM");
    close(f.outcome.trace[0], want, 1e-12);
}

#[test]
fn two_latents_of_a_row_that_are_split() {
    // z and s of a row, kept apart by request: a bound of the sum over both.
    let mu = [[0.0, 1.0], [2.0, 4.0]];
    let y = [0.3, 2.2, 3.7];
    let want: f64 = y
        .iter()
        .map(|y| {
            let all: Vec<f64> = (0..4)
                .map(|i| 0.25f64.ln() + ln_normal(*y, mu[i / 2][i % 2], 0.5))
                .collect();
            logsumexp(&all)
        })
        .sum();
    let model = "data row { y : real }
        plate a(2)
        plate b(2)
        const pa over a = [0.5, 0.5]
        const pb over b = [0.5, 0.5]
        const mu[a, b] = [[0, 1], [2, 4]]
        latent z[row] ~ Categorical(pa)
        latent s[row] ~ Categorical(pb)";
    let seen = "observe y[row] ~ Gaussian(mu[z, s], var = 0.5)";
    let csv = "y\n0.3\n2.2\n3.7\n";
    close(
        fit(&format!("{model}\n{seen}"), csv, None, 1).last(),
        want,
        1e-12,
    );
    let f = fit(&format!("{model} as factorised\n{seen}"), csv, None, 40);
    assert_eq!(f.method, "variational Bayes");
    assert!(
        f.last() < want && f.last() > want - 2.0,
        "{} {want}",
        f.last()
    );
}
