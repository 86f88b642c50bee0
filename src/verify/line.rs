//! Densities of one number that are known up to their integral: nodes that stand for them.
//!
//! in: the exponent -> out: the log-integral, nodes with weights, few of them that keep the family's statistics.
//!
//! ```text
//! k(x) = l log|x| + b x + c x^2 + i / x + s |x|        on x > 0, or on the whole line
//! x = +-e^y, trapezoids in y between the points where the integrand has fallen by e^-45
//! ```
//!
//! Trapezoids converge geometrically for an analytic integrand that vanishes at both ends. From several hundred nodes a
//! few are kept: while there are more nodes than statistics, some direction leaves all sums as they are and ends at a
//! weight of 0.

use super::rule::Weighted;

const NODES: usize = 400;
const FALL: f64 = 45.0;

/// k
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Exponent {
    /// l
    pub log: f64,
    /// b
    pub value: f64,
    /// c
    pub square: f64,
    /// i
    pub inverse: f64,
    /// s
    pub size: f64,
    /// Also below 0.
    pub whole: bool,
    /// Relative to the density of PG(1, 0), which every integral carries.
    pub polya_gamma: bool,
}

/// exp k, integrated.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// k
    pub exponent: Exponent,
    /// Nodes: (weight, x), the weights adding up to 1.
    pub nodes: Vec<(f64, f64)>,
    /// log of the integral of exp k.
    pub log_integral: f64,
    /// A few nodes with the same statistics.
    pub few: Vec<Weighted>,
}

impl Line {
    /// Integrates; none where the integral does not exist in double precision.
    pub fn new(exponent: Exponent) -> Option<Line> {
        let (nodes, log_integral) = exponent.nodes()?;
        let few = exponent.few(&nodes)?;
        Some(Line {
            exponent,
            nodes,
            log_integral,
            few,
        })
    }

    /// - E log q
    pub fn entropy(&self) -> f64 {
        let terms = self.nodes.iter().map(|(w, x)| w * self.exponent.at(*x));
        self.log_integral - terms.sum::<f64>()
    }
}

impl Exponent {
    /// k(x)
    pub fn at(&self, x: f64) -> f64 {
        let mut k = self.value * x + self.square * x * x + self.size * x.abs();
        if self.log != 0.0 {
            k += self.log * x.abs().ln();
        }
        if self.inverse != 0.0 {
            k += self.inverse / x;
        }
        k
    }

    /// The log density that k is relative to.
    fn base(&self, x: f64) -> f64 {
        if self.polya_gamma {
            crate::numeric::polya_gamma::log_density(x, 1.0, 0.0)
        } else {
            0.0
        }
    }

    /// The statistics that the family has.
    fn statistics(&self, x: f64) -> Vec<f64> {
        if self.polya_gamma {
            vec![1.0, x]
        } else if self.whole {
            vec![1.0, x, x * x, x.abs()]
        } else if self.square != 0.0 {
            vec![1.0, x, x * x]
        } else {
            vec![1.0, x, x.ln(), 1.0 / x]
        }
    }

    /// Trapezoids, and the logarithm of the integral.
    fn nodes(&self) -> Option<(Vec<(f64, f64)>, f64)> {
        let mut logs: Vec<(f64, f64)> = vec![];
        let signs: &[f64] = if self.whole { &[1.0, -1.0] } else { &[1.0] };
        for sign in signs {
            let g = |y: f64| self.at(sign * y.exp()) + self.base(y.exp()) + y;
            let grid = (-400..=400).map(|i| 0.25 * f64::from(i));
            let best = grid.max_by(|a, b| finite(g(*a)).total_cmp(&finite(g(*b))))?;
            let (mut low, mut high) = (best - 0.25, best + 0.25);
            for _ in 0..200 {
                let (a, b) = (low + (high - low) / 3.0, high - (high - low) / 3.0);
                if g(a) < g(b) { low = a } else { high = b }
            }
            let top = 0.5 * (low + high);
            let peak = g(top);
            if !peak.is_finite() {
                return None;
            }
            let (from, to) = (end(&g, top, peak, -1.0), end(&g, top, peak, 1.0));
            let step = (to - from) / NODES as f64;
            for i in 0..=NODES {
                let y = from + step * i as f64;
                logs.push((g(y) + step.ln(), sign * y.exp()));
            }
        }
        let all: Vec<f64> = logs.iter().map(|(l, _)| *l).collect();
        let log_integral = crate::numeric::logsumexp::logsumexp(&all);
        let list = logs
            .into_iter()
            .map(|(l, x)| ((l - log_integral).exp(), x))
            .collect();
        Some((list, log_integral))
    }

    fn few(&self, nodes: &[(f64, f64)]) -> Option<Vec<Weighted>> {
        let spread = {
            let mut sums = vec![0.0; self.statistics(1.0).len()];
            for (w, x) in nodes {
                for (s, t) in sums.iter_mut().zip(self.statistics(*x)) {
                    *s += w * t * t;
                }
            }
            sums
        };
        let column = |x: f64| -> Vec<f64> {
            let t = self.statistics(x);
            t.iter().zip(&spread).map(|(t, s)| t / s.sqrt()).collect()
        };
        let mut kept: Vec<(f64, f64, Vec<f64>)> = vec![];
        for (w, x) in nodes {
            if *w <= 0.0 {
                continue;
            }
            kept.push((*w, *x, column(*x)));
            if kept.len() > spread.len() {
                let z = kernel(&kept.iter().map(|k| k.2.clone()).collect::<Vec<_>>())?;
                // The first weight that reaches 0 as the others keep all sums.
                let (out, by) = kept
                    .iter()
                    .zip(&z)
                    .enumerate()
                    .filter(|(_, (_, z))| **z > 0.0)
                    .map(|(i, (k, z))| (i, k.0 / z))
                    .min_by(|a, b| a.1.total_cmp(&b.1))?;
                for (k, z) in kept.iter_mut().zip(&z) {
                    k.0 -= by * z;
                }
                kept.remove(out);
            }
        }
        Some(kept.into_iter().map(|(w, x, _)| (w, vec![x])).collect())
    }
}

fn finite(x: f64) -> f64 {
    if x.is_finite() { x } else { f64::NEG_INFINITY }
}

/// Where g has fallen by `FALL` from its peak.
fn end(g: &dyn Fn(f64) -> f64, top: f64, peak: f64, sign: f64) -> f64 {
    // What is no number has fallen too.
    let fallen = |d: f64| {
        let v = g(top + sign * d);
        v.is_nan() || v <= peak - FALL
    };
    let mut far = 1e-3;
    while !fallen(far) && far < 1e4 {
        far *= 2.0;
    }
    let mut near = 0.5 * far;
    for _ in 0..40 {
        let mid = 0.5 * (near + far);
        if fallen(mid) { far = mid } else { near = mid }
    }
    top + sign * far
}

/// z with sum_i z_i column_i = 0, some z_i > 0, for one column more than rows: elimination with full pivots.
fn kernel(columns: &[Vec<f64>]) -> Option<Vec<f64>> {
    let n = columns.len();
    let m = columns.first()?.len();
    let mut a: Vec<Vec<f64>> = (0..m)
        .map(|r| columns.iter().map(|c| c[r]).collect())
        .collect();
    let mut order: Vec<usize> = (0..n).collect();
    let mut rank = 0;
    while rank < m {
        let mut best = (rank, rank, 0.0);
        for (r, row) in a.iter().enumerate().skip(rank) {
            for (c, x) in row.iter().enumerate().skip(rank) {
                if x.abs() > best.2 {
                    best = (r, c, x.abs());
                }
            }
        }
        if best.2 < 1e-13 {
            break;
        }
        a.swap(rank, best.0);
        for row in &mut a {
            row.swap(rank, best.1);
        }
        order.swap(rank, best.1);
        let pivot = a[rank].clone();
        for row in a.iter_mut().skip(rank + 1) {
            let f = row[rank] / pivot[rank];
            for (x, p) in row.iter_mut().zip(&pivot).skip(rank) {
                *x -= f * p;
            }
        }
        rank += 1;
    }
    // The first free column is 1, the others 0.
    let mut z = vec![0.0; n];
    z[rank] = 1.0;
    for r in (0..rank).rev() {
        let sum: f64 = (r + 1..=rank).map(|c| a[r][c] * z[c]).sum();
        z[r] = -sum / a[r][r];
    }
    let mut out = vec![0.0; n];
    for (place, x) in order.iter().zip(z) {
        out[*place] = x;
    }
    if out.iter().all(|x| *x <= 0.0) {
        out.iter_mut().for_each(|x| *x = -*x);
    }
    Some(out)
}
