//! What every exact-EM case is held to, against a log-likelihood written by hand:
//!
//! - `trace[i]` is log p(v; theta) (+ log prior) at the params after i iterations, `trace[0]` at the start;
//! - the first M-step is the maximiser worked out by hand;
//! - after many iterations the gradient of the hand-written function is 0, by central differences.

use serde_json::Value;

use crate::fixture::{Fitted, fit, numbers, same, same_list};

/// How the numbers of a param may move.
#[derive(Clone, Copy)]
pub enum Shape {
    /// Each on its own, inside the domain.
    Free(usize),
    /// So many simplices of so many entries.
    Simplex(usize, usize),
    /// So many symmetric matrices of this size.
    Matrix(usize, usize),
}

/// A model whose trace must be its log-likelihood.
pub struct Exact<'a> {
    pub model: &'a str,
    pub csv: &'a str,
    pub init: Value,
    /// The params in the order in which the functions below read them.
    pub params: &'a [(&'a str, Shape)],
    pub method: &'a str,
    pub objective: &'a str,
    pub log_likelihood: &'a dyn Fn(&[f64]) -> f64,
}

impl Exact<'_> {
    fn names(&self) -> Vec<&str> {
        self.params.iter().map(|p| p.0).collect()
    }

    /// The start, in the order of `params`.
    pub fn start(&self) -> Vec<f64> {
        let names = self.names();
        names.iter().flat_map(|n| numbers(&self.init[n])).collect()
    }

    pub fn fit(&self, iterations: usize) -> Fitted {
        fit(self.model, self.csv, Some(self.init.clone()), iterations)
    }

    /// The objective along the trace; returns the params after one iteration.
    pub fn trace(&self) -> Vec<f64> {
        let mut first = vec![];
        for n in [0, 1, 4] {
            let f = self.fit(n);
            assert_eq!((f.method, f.objective), (self.method, self.objective));
            assert_eq!((f.outcome.trace_start, f.outcome.trace.len()), (0, n + 1));
            let at = if n == 0 {
                self.start()
            } else {
                f.points(&self.names())
            };
            let want = (self.log_likelihood)(&at);
            same(&format!("objective after {n}"), f.last(), want, 1e-10);
            if n == 1 {
                first = at;
            }
        }
        first
    }

    /// The trace, and the params after one iteration.
    pub fn first_step(&self, want: &[f64]) {
        same_list("after one iteration", &self.trace(), want, 1e-9);
    }

    /// After so many iterations the log-likelihood is level in every direction; returns the params.
    pub fn level(&self, iterations: usize) -> Vec<f64> {
        let f = self.fit(iterations);
        let at = f.points(&self.names());
        same("objective", f.last(), (self.log_likelihood)(&at), 1e-10);
        let mut offset = 0;
        for (name, shape) in self.params {
            let (directions, length) = directions(&at[offset..], *shape);
            for d in directions {
                let moved = |step: f64| {
                    let mut x = at.clone();
                    for (i, v) in &d {
                        x[offset + i] += step * v;
                    }
                    (self.log_likelihood)(&x)
                };
                let h = 1e-4;
                let slope = (moved(h) - moved(-h)) / (2.0 * h);
                assert!(
                    slope.abs() < 2e-4,
                    "slope {slope:e} along {d:?} of {name} at {:?}",
                    &at[offset..offset + length]
                );
            }
            offset += length;
        }
        assert_eq!(offset, at.len(), "numbers of all params");
        at
    }
}

type Direction = Vec<(usize, f64)>;

/// Directions scaled to the size of what they move; entries on the boundary stay.
fn directions(at: &[f64], shape: Shape) -> (Vec<Direction>, usize) {
    let size = |x: f64| x.abs().max(0.01);
    match shape {
        Shape::Free(n) => (
            (0..n)
                .filter(|i| at[*i].abs() > 1e-6 && (at[*i] - 1.0).abs() > 1e-6)
                .map(|i| vec![(i, size(at[i]))])
                .collect(),
            n,
        ),
        Shape::Simplex(groups, k) => {
            let mut out = vec![];
            for g in 0..groups {
                let inside: Vec<usize> = (g * k..(g + 1) * k).filter(|i| at[*i] > 1e-6).collect();
                for w in inside.windows(2) {
                    let s = at[w[0]].min(at[w[1]]);
                    out.push(vec![(w[0], s), (w[1], -s)]);
                }
            }
            (out, groups * k)
        }
        Shape::Matrix(groups, d) => {
            let mut out = vec![];
            for g in 0..groups {
                for i in 0..d {
                    for j in 0..=i {
                        let (a, b) = (g * d * d + i * d + j, g * d * d + j * d + i);
                        let s = at[g * d * d + i * d + i];
                        if a == b {
                            out.push(vec![(a, s)]);
                        } else {
                            out.push(vec![(a, s * 0.3), (b, s * 0.3)]);
                        }
                    }
                }
            }
            (out, groups * d * d)
        }
    }
}

/// log sum exp of a few numbers.
pub fn logsumexp(x: &[f64]) -> f64 {
    let m = x.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if m.is_infinite() {
        return m;
    }
    m + x.iter().map(|v| (v - m).exp()).sum::<f64>().ln()
}

/// exp(x - log sum exp x)
pub fn softmax(x: &[f64]) -> Vec<f64> {
    let z = logsumexp(x);
    x.iter().map(|v| (v - z).exp()).collect()
}

/// Sum of w log sum_k exp(joint(n, k)), and the posterior of k for each n.
pub fn mixture(
    rows: usize,
    k: usize,
    weight: impl Fn(usize) -> f64,
    joint: impl Fn(usize, usize) -> f64,
) -> (f64, Vec<Vec<f64>>) {
    let mut l = 0.0;
    let mut r = vec![];
    for n in 0..rows {
        let e: Vec<f64> = (0..k).map(|j| joint(n, j)).collect();
        if weight(n) > 0.0 {
            l += weight(n) * logsumexp(&e);
        }
        r.push(softmax(&e));
    }
    (l, r)
}
