//! Gaussian latents of rows: one covariance for all rows, one for each pattern of blanks, against dense linear algebra.

use serde_json::json;

use crate::fixture::{fit, same, same_list};
use crate::special::{inverse, ln_mvn};

/// Numbers in [-1, 1) that look random.
pub struct Draws(pub u64);

impl Draws {
    pub fn next(&mut self) -> f64 {
        self.0 = self
            .0
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        (self.0 >> 11) as f64 / (1u64 << 52) as f64 - 1.0
    }

    /// Roughly a standard Gaussian: a sum of twelve.
    pub fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.next()).sum::<f64>() * 0.5
    }
}

/// Cells of rows from two hidden numbers and noise.
pub fn factor_rows(n: usize, loadings: &[[f64; 2]], spread: f64, seed: u64) -> Vec<Vec<f64>> {
    let mut r = Draws(seed);
    (0..n)
        .map(|_| {
            let h = [r.normal(), r.normal()];
            let cell = |w: &[f64; 2], e: f64| w[0] * h[0] + w[1] * h[1] + spread * e;
            loadings.iter().map(|w| cell(w, r.normal())).collect()
        })
        .collect()
}

type Rows = Vec<Vec<Option<f64>>>;

fn csv(x: &Rows, w: Option<&[f64]>) -> String {
    let names: Vec<String> = (0..x[0].len()).map(|d| format!("x{d}")).collect();
    let mut out = names.join(",") + if w.is_some() { ",w\n" } else { "\n" };
    for (n, row) in x.iter().enumerate() {
        let cells: Vec<String> = row
            .iter()
            .map(|c| c.map_or(String::new(), |c| c.to_string()))
            .chain(w.map(|w| w[n].to_string()))
            .collect();
        out += &(cells.join(",") + "\n");
    }
    out
}

/// W, b, noise of four features.
const W: [[f64; 2]; 4] = [[0.9, -0.2], [0.4, 0.7], [-0.3, 1.1], [0.6, 0.1]];
const B: [f64; 4] = [0.3, -1.0, 2.0, 0.0];
const S: [f64; 4] = [0.5, 0.3, 0.8, 0.4];

/// The log density of the cells that are there, E[h] and Cov[h], from the joint Gaussian of h and those cells.
fn row(x: &[Option<f64>]) -> (f64, [f64; 2], [[f64; 2]; 2]) {
    let there: Vec<usize> = (0..4).filter(|d| x[*d].is_some()).collect();
    if there.is_empty() {
        return (0.0, [0.0; 2], [[1.0, 0.0], [0.0, 1.0]]);
    }
    let y: Vec<f64> = there.iter().map(|d| x[*d].expect("there")).collect();
    let mean: Vec<f64> = there.iter().map(|d| B[*d]).collect();
    let cov = |d: usize, e: usize| {
        let shared: f64 = (0..2).map(|c| W[d][c] * W[e][c]).sum();
        shared + if d == e { S[d] } else { 0.0 }
    };
    let c: Vec<Vec<f64>> = there
        .iter()
        .map(|d| there.iter().map(|e| cov(*d, *e)).collect())
        .collect();
    let v = inverse(&c);
    let mut m = [0.0; 2];
    let mut s = [[1.0, 0.0], [0.0, 1.0]];
    for (i, d) in there.iter().enumerate() {
        for (j, e) in there.iter().enumerate() {
            for a in 0..2 {
                m[a] += W[*d][a] * v[i][j] * (y[j] - mean[j]);
                for b in 0..2 {
                    s[a][b] -= W[*d][a] * v[i][j] * W[*e][b];
                }
            }
        }
    }
    (ln_mvn(&y, &mean, &c), m, s)
}

const MODEL: &str = "data row { x[feature] : real = (x0, x1, x2, x3)  w : weight }
    plate factor(2)
    param W[feature, factor] : real
    param b[feature] : real
    param noise[feature] : positive
    latent h[row, factor] ~ Gaussian(0, var = 1)
    observe x[row, feature] ~ Gaussian(sum(W * h over factor) + b, var = noise)";

#[test]
fn rows_share_one_covariance() {
    let x: Rows = factor_rows(11, &W, 0.6, 3)
        .into_iter()
        .map(|r| r.into_iter().map(Some).collect())
        .collect();
    let w: Vec<f64> = (0..11).map(|n| [1.0, 0.5, 2.0, 0.0][n % 4]).collect();
    let f = fit(
        MODEL,
        &csv(&x, Some(&w)),
        Some(json!({"W": W, "b": B, "noise": S})),
        0,
    );
    let rows: Vec<_> = x.iter().map(|x| row(x)).collect();
    let want: f64 = rows.iter().zip(&w).map(|(r, w)| w * r.0).sum();
    same("log-likelihood", f.last(), want, 1e-12);
    let means: Vec<f64> = rows.iter().flat_map(|r| r.1).collect();
    same_list("E[h]", &f.get("h", "mean"), &means, 1e-12);
    // One matrix, not one a row.
    same_list(
        "Cov[h]",
        &f.get("h", "covariance"),
        &rows[0].2.concat(),
        1e-12,
    );
}

#[test]
fn rows_with_the_same_blanks_share_one_covariance() {
    let patterns = [
        "1111", "0110", "1111", "0000", "0110", "1000", "1111", "1101",
    ];
    let x: Rows = factor_rows(40, &W, 0.6, 5)
        .into_iter()
        .enumerate()
        .map(|(n, r)| {
            let there = patterns[n % 8].chars();
            r.into_iter()
                .zip(there)
                .map(|(x, t)| (t == '1').then_some(x))
                .collect()
        })
        .collect();
    let w: Vec<f64> = (0..40).map(|n| [1.0, 0.5, 2.0][n % 3]).collect();
    let f = fit(
        MODEL,
        &csv(&x, Some(&w)),
        Some(json!({"W": W, "b": B, "noise": S})),
        0,
    );
    let rows: Vec<_> = x.iter().map(|x| row(x)).collect();
    let want: f64 = rows.iter().zip(&w).map(|(r, w)| w * r.0).sum();
    same("log-likelihood", f.last(), want, 1e-12);
    let means: Vec<f64> = rows.iter().flat_map(|r| r.1).collect();
    same_list("E[h]", &f.get("h", "mean"), &means, 1e-12);
    let covariances: Vec<f64> = rows.iter().flat_map(|r| r.2.concat()).collect();
    same_list("Cov[h]", &f.get("h", "covariance"), &covariances, 1e-12);
}

/// EM of factor analysis without a mean by plain loops: the log-likelihood before each step, and the last W and noise.
fn hand_em(x: &Rows, steps: usize) -> (Vec<f64>, Vec<f64>, Vec<f64>) {
    let (mut w, mut s) = (W, S);
    let mut trace = vec![];
    for step in 0..=steps {
        let mut l = 0.0;
        let mut hh = [[[0.0; 2]; 2]; 4];
        let mut xh = [[0.0; 2]; 4];
        let mut xx = [0.0; 4];
        let mut n = [0.0; 4];
        for x in x {
            let there: Vec<usize> = (0..4).filter(|d| x[*d].is_some()).collect();
            let v = |d: usize| x[d].expect("there");
            let mut p = [[1.0, 0.0], [0.0, 1.0]];
            let mut b = [0.0; 2];
            for &d in &there {
                for a in 0..2 {
                    b[a] += w[d][a] * v(d) / s[d];
                    for c in 0..2 {
                        p[a][c] += w[d][a] * w[d][c] / s[d];
                    }
                }
            }
            let det = p[0][0] * p[1][1] - p[0][1] * p[1][0];
            let c = [
                [p[1][1] / det, -p[0][1] / det],
                [-p[1][0] / det, p[0][0] / det],
            ];
            let m = [
                c[0][0] * b[0] + c[0][1] * b[1],
                c[1][0] * b[0] + c[1][1] * b[1],
            ];
            // log N(x; 0, WW' + S) by the determinant and inversion lemmas.
            l += 0.5 * (b[0] * m[0] + b[1] * m[1]) - 0.5 * det.ln();
            for &d in &there {
                l -= 0.5 * ((2.0 * std::f64::consts::PI * s[d]).ln() + v(d) * v(d) / s[d]);
                n[d] += 1.0;
                xx[d] += v(d) * v(d);
                for a in 0..2 {
                    xh[d][a] += v(d) * m[a];
                    for e in 0..2 {
                        hh[d][a][e] += m[a] * m[e] + c[a][e];
                    }
                }
            }
        }
        trace.push(l);
        if step == steps {
            break;
        }
        for d in 0..4 {
            let [[a, b], [_, c]] = hh[d];
            let det = a * c - b * b;
            w[d] = [
                (c * xh[d][0] - b * xh[d][1]) / det,
                (a * xh[d][1] - b * xh[d][0]) / det,
            ];
            s[d] = (xx[d] - w[d][0] * xh[d][0] - w[d][1] * xh[d][1]) / n[d];
        }
    }
    (trace, w.concat(), s.to_vec())
}

#[test]
fn thousands_of_rows_with_and_without_blanks() {
    let model = MODEL
        .replace(" + b", "")
        .replace("param b[feature] : real", "");
    let model = model.replace("  w : weight", "");
    for blanks in [false, true] {
        let mut r = Draws(17);
        let x: Rows = factor_rows(5000, &W, 0.7, 11)
            .into_iter()
            .map(|row| {
                let cell = |x: f64| (!blanks || r.next() > -0.6).then_some(x);
                row.into_iter().map(cell).collect()
            })
            .collect();
        let (trace, w, s) = hand_em(&x, 3);
        let f = fit(&model, &csv(&x, None), Some(json!({"W": W, "noise": S})), 3);
        same_list("log-likelihood", &f.outcome.trace, &trace, 1e-11);
        same_list("W", &f.get("W", "value"), &w, 1e-9);
        same_list("noise", &f.get("noise", "value"), &s, 1e-9);
        let covariance = f.get("h", "covariance").len();
        assert_eq!(covariance, if blanks { 5000 * 4 } else { 4 });
    }
}

/// A row that reaches its element through a label is no element of the pattern of the row before it.
#[test]
fn precisions_reached_through_labels_stay_apart() {
    // v[school, town] for two schools and two towns; each school is seen in its own town.
    let f = crate::fixture::fit(
        "data school { school : label   town : label   y : real }
         param m ~ Gaussian(1, var = 1)
         param v[school, town] ~ Gaussian(m, var = 1)
         observe y[school] ~ Gaussian(v[school, town], precision = 3)",
        "school,town,y\ns,b,0.5\nt,a,-0.4\n",
        None,
        60,
    );
    // All jointly: m and v_sa, v_sb, v_ta, v_tb, a quadratic in five numbers.
    let mut j = vec![vec![0.0; 5]; 5];
    let mut b = vec![0.0; 5];
    j[0][0] = 1.0 + 4.0;
    b[0] = 1.0;
    for i in 1..5 {
        j[i][i] = 1.0;
        j[0][i] = -1.0;
        j[i][0] = -1.0;
    }
    for (i, y) in [(2, 0.5), (3, -0.4)] {
        j[i][i] += 3.0;
        b[i] += 3.0 * y;
    }
    let (want, _) = crate::special::solve(&j, &b);
    crate::fixture::same_list("m", &f.get("m", "value"), &want[..1], 1e-9);
    crate::fixture::same_list("v", &f.get("v", "value"), &want[1..], 1e-9);
}
