//! EM for Gaussian mixtures and naive Bayes as plain loops over probabilities, against the derived algorithm.

// Indices as in the formulae: these loops are to be read beside them.
#![allow(clippy::needless_range_loop)]

use serde_json::{Value, json};

use crate::fixture::{Table, data, elements, exactly, fit, labels, model, same_trace};

type Matrix = Vec<Vec<f64>>;

/// Inverse and determinant by Gauss-Jordan elimination with row exchanges.
fn invert(m: &Matrix) -> (Matrix, f64) {
    let n = m.len();
    let mut a: Matrix = (0..n)
        .map(|i| {
            (0..2 * n)
                .map(|j| {
                    if j < n {
                        m[i][j]
                    } else {
                        f64::from(u8::from(j - n == i))
                    }
                })
                .collect()
        })
        .collect();
    let mut det = 1.0;
    for c in 0..n {
        let pivot = (c..n)
            .max_by(|i, j| a[*i][c].abs().total_cmp(&a[*j][c].abs()))
            .expect("rows");
        if pivot != c {
            a.swap(pivot, c);
            det = -det;
        }
        det *= a[c][c];
        let p = a[c][c];
        for x in &mut a[c] {
            *x /= p;
        }
        for r in 0..n {
            if r != c {
                let f = a[r][c];
                for j in 0..2 * n {
                    a[r][j] -= f * a[c][j];
                }
            }
        }
    }
    (a.into_iter().map(|r| r[n..].to_vec()).collect(), det)
}

#[derive(Clone, Copy, PartialEq)]
enum Shape {
    Full,
    Diagonal,
    Tied,
}

struct Mixture {
    weight: Vec<f64>,
    mu: Matrix,
    s: Vec<Matrix>,
}

impl Mixture {
    /// Overall variances, centres spread along one standard deviation each way.
    fn start(x: &Matrix, k: usize) -> Mixture {
        let (n, d) = (x.len() as f64, x[0].len());
        let mean: Vec<f64> = (0..d)
            .map(|i| x.iter().map(|r| r[i]).sum::<f64>() / n)
            .collect();
        let var: Vec<f64> = (0..d)
            .map(|i| x.iter().map(|r| (r[i] - mean[i]).powi(2)).sum::<f64>() / n)
            .collect();
        let s: Matrix = (0..d)
            .map(|i| (0..d).map(|j| if i == j { var[i] } else { 0.0 }).collect())
            .collect();
        let mu = (0..k)
            .map(|c| {
                let t = c as f64 - (k - 1) as f64 / 2.0;
                (0..d)
                    .map(|i| mean[i] + t * var[i].sqrt() * if i % 2 == 0 { 0.7 } else { -0.4 })
                    .collect()
            })
            .collect();
        Mixture {
            weight: vec![1.0 / k as f64; k],
            mu,
            s: vec![s; k],
        }
    }

    /// One E-step and one M-step; returns log p(x) before them.
    fn step(&mut self, x: &Matrix, shape: Shape) -> f64 {
        let (k, d) = (self.mu.len(), x[0].len());
        let inverse: Vec<(Matrix, f64)> = self.s.iter().map(invert).collect();
        let mut r = vec![];
        let mut l = 0.0;
        for row in x {
            let p: Vec<f64> = (0..k)
                .map(|c| {
                    let (inv, det) = &inverse[c];
                    let mut e = 0.0;
                    for i in 0..d {
                        for j in 0..d {
                            e += (row[i] - self.mu[c][i]) * inv[i][j] * (row[j] - self.mu[c][j]);
                        }
                    }
                    self.weight[c] * (-0.5 * e).exp()
                        / ((2.0 * std::f64::consts::PI).powi(d as i32) * det).sqrt()
                })
                .collect();
            let s: f64 = p.iter().sum();
            l += s.ln();
            r.push(p.iter().map(|q| q / s).collect::<Vec<f64>>());
        }
        let zero = vec![vec![0.0; d]; d];
        let mut total = zero.clone();
        for c in 0..k {
            let n: f64 = r.iter().map(|q| q[c]).sum();
            self.weight[c] = n / x.len() as f64;
            for i in 0..d {
                self.mu[c][i] = x.iter().zip(&r).map(|(v, q)| q[c] * v[i]).sum::<f64>() / n;
            }
            let m = &self.mu[c];
            let mut s = zero.clone();
            for (v, q) in x.iter().zip(&r) {
                for i in 0..d {
                    for j in 0..d {
                        if i == j || shape != Shape::Diagonal {
                            s[i][j] += q[c] * (v[i] - m[i]) * (v[j] - m[j]);
                        }
                    }
                }
            }
            for i in 0..d {
                for j in 0..d {
                    total[i][j] += s[i][j] / x.len() as f64;
                    s[i][j] /= n;
                }
            }
            self.s[c] = s;
        }
        if shape == Shape::Tied {
            self.s = vec![total; k];
        }
        l
    }

    fn json(&self, shape: Shape) -> Value {
        match shape {
            Shape::Full => json!({"weight": self.weight, "mu": self.mu, "Sigma": self.s}),
            Shape::Tied => json!({"weight": self.weight, "mu": self.mu, "Sigma": self.s[0]}),
            Shape::Diagonal => {
                let s2: Matrix = self
                    .s
                    .iter()
                    .map(|s| (0..s.len()).map(|i| s[i][i]).collect())
                    .collect();
                json!({"weight": self.weight, "mu": self.mu, "s2": s2})
            }
        }
    }
}

fn mixture(name: &str, shape: Shape) {
    let t = Table::read(&data(name));
    let columns: Vec<&str> = t
        .header
        .iter()
        .map(String::as_str)
        .filter(|h| !["species", "cultivar"].contains(h))
        .collect();
    let x = t.numbers(&columns);
    let mut hand = Mixture::start(&x, 3);
    let f = fit(
        &model(name),
        data(name),
        Some(hand.json(shape)),
        &exactly(5),
    );
    let want: Vec<f64> = (0..=5).map(|_| hand.step(&x, shape)).collect();
    assert!(want[5] > want[0] + 1.0, "{want:?}");
    same_trace(name, &f.outcome.trace, &want, 1e-9);
}

#[test]
fn gmm() {
    mixture("gmm", Shape::Full);
}

#[test]
fn gmm_diag() {
    mixture("gmm_diag", Shape::Diagonal);
}

#[test]
fn gmm_tied() {
    mixture("gmm_tied", Shape::Tied);
}

/// Known classes count as they are, blank ones by their posterior; blank cells say nothing.
#[test]
fn naive_bayes() {
    let t = Table::read(&data("naive_bayes"));
    let species = t.column("species");
    let class_labels = labels(&species);
    let class = elements(&species, &class_labels);
    let sexes = t.column("sex");
    let sex = elements(&sexes, &labels(&sexes));
    let x = t.numbers(&["wing_mm", "bill_mm", "mass_g"]);
    assert_eq!(class_labels, ["marsh", "reed", "sand"]);
    assert!(sex.contains(&None) && x.iter().flatten().any(|v| v.is_nan()));
    let mut prior = vec![0.4, 0.3, 0.3];
    let mut p = vec![vec![0.5, 0.5], vec![0.4, 0.6], vec![0.6, 0.4]];
    let mut mu = vec![
        vec![63.0, 13.0, 12.0],
        vec![67.0, 15.0, 15.0],
        vec![73.0, 14.0, 18.0],
    ];
    let mut s2 = vec![vec![9.0, 1.0, 4.0]; 3];
    let init = json!({"prior": prior, "p": p, "mu": mu, "s2": s2});
    let f = fit(
        &model("naive_bayes"),
        data("naive_bayes"),
        Some(init),
        &exactly(5),
    );
    let mut want = vec![];
    for _ in 0..=5 {
        let mut r = vec![];
        let mut l = 0.0;
        for n in 0..x.len() {
            let mut q: Vec<f64> = (0..3)
                .map(|k| {
                    let mut v = prior[k];
                    if class[n].is_some_and(|c| c != k) {
                        return 0.0;
                    }
                    if let Some(s) = sex[n] {
                        v *= p[k][s];
                    }
                    for d in 0..3 {
                        if x[n][d].is_finite() {
                            let e = (x[n][d] - mu[k][d]).powi(2) / s2[k][d];
                            v *= (-0.5 * e).exp() / (2.0 * std::f64::consts::PI * s2[k][d]).sqrt();
                        }
                    }
                    v
                })
                .collect();
            let s: f64 = q.iter().sum();
            l += s.ln();
            q.iter_mut().for_each(|v| *v /= s);
            r.push(q);
        }
        want.push(l);
        for k in 0..3 {
            prior[k] = r.iter().map(|q| q[k]).sum::<f64>() / x.len() as f64;
            let mut c = [0.0; 2];
            for (q, s) in r.iter().zip(&sex) {
                if let Some(s) = s {
                    c[*s] += q[k];
                }
            }
            p[k] = c.iter().map(|v| v / (c[0] + c[1])).collect();
            for d in 0..3 {
                let there = || x.iter().zip(&r).filter(|(v, _)| v[d].is_finite());
                let n: f64 = there().map(|(_, q)| q[k]).sum();
                mu[k][d] = there().map(|(v, q)| q[k] * v[d]).sum::<f64>() / n;
                s2[k][d] = there()
                    .map(|(v, q)| q[k] * (v[d] - mu[k][d]).powi(2))
                    .sum::<f64>()
                    / n;
            }
        }
    }
    same_trace("naive_bayes", &f.outcome.trace, &want, 1e-9);
}
