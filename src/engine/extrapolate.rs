//! Extrapolation of a fixed-point iteration x -> F(x): squared steps far from the fixed point, Anderson mixing near it.
//!
//! ```text
//! r = F(x) - x
//! squared step (SQUAREM S3, Varadhan and Roland 2008), from x0, x1 = F(x0), x2 = F(x1):
//!   r = x1 - x0,  v = x2 - 2 x1 + x0,  a = min(|r| / |v|, cap),  x' = x0 + 2 a r + a^2 v
//! Anderson (1965), from the last m pairs of differences dx, dr:
//!   c = argmin |r - sum_i c_i dr_i|,  x' = F(x) - sum_i c_i (dx_i + dr_i)
//! ```
//!
//! Each part of x has its own units, so norms weigh every part by the size of its own r.

use std::collections::VecDeque;

use crate::numeric::linalg;

/// Coordinates by part.
pub(super) type Vector = Vec<Vec<f64>>;

/// At most this many differences are mixed.
const WINDOW: usize = 10;
/// Keeps nearly parallel differences from cancelling, relative to their squared lengths.
const RIDGE: f64 = 1e-10;

/// Element by element.
fn combine(a: &Vector, b: &Vector, f: impl Fn(f64, f64) -> f64) -> Vector {
    let part = |(a, b): (&Vec<f64>, &Vec<f64>)| a.iter().zip(b).map(|(x, y)| f(*x, *y)).collect();
    a.iter().zip(b).map(part).collect()
}

/// a . b, part by part.
fn products(a: &Vector, b: &Vector) -> Vec<f64> {
    let part = |(a, b): (&Vec<f64>, &Vec<f64>)| a.iter().zip(b).map(|(x, y)| x * y).sum();
    a.iter().zip(b).map(part).collect()
}

fn weigh(weights: &[f64], products: &[f64]) -> f64 {
    weights.iter().zip(products).map(|(w, p)| w * p).sum()
}

/// Every part counts as 1, but one whose change is only rounding.
fn weights(r: &Vector, x: &Vector) -> Vec<f64> {
    let pairs = products(r, r).into_iter().zip(products(x, x));
    pairs
        .map(|(r, x)| 1.0 / (r + 1e-20 * x + f64::MIN_POSITIVE))
        .collect()
}

/// The squared step from three successive points; `None` where it is no longer than two plain ones. True if `cap` cut it.
pub(super) fn squared_step(points: &[Vector; 3], cap: f64) -> Option<(Vector, bool)> {
    let [x0, x1, x2] = points;
    let r = combine(x1, x0, |a, b| a - b);
    let v = combine(&combine(x2, x1, |a, b| a - b), &r, |a, b| a - b);
    let w = weights(&r, x2);
    let a = (weigh(&w, &products(&r, &r)) / weigh(&w, &products(&v, &v))).sqrt();
    if a.is_nan() || a <= 1.0 {
        return None;
    }
    let capped = a >= cap;
    let a = a.min(cap);
    let x = combine(x0, &r, |x, r| x + 2.0 * a * r);
    Some((combine(&x, &v, |x, v| x + a * a * v), capped))
}

/// The differences of the last steps.
#[derive(Debug, Default)]
pub(super) struct Anderson {
    /// The last x and r.
    last: Option<(Vector, Vector)>,
    /// (dx, dr), oldest first.
    differences: VecDeque<(Vector, Vector)>,
    /// dr_i . dr_j for j <= i, part by part.
    gram: VecDeque<VecDeque<Vec<f64>>>,
}

impl Anderson {
    /// How many differences are known.
    pub(super) fn len(&self) -> usize {
        self.differences.len()
    }

    /// Forgets what was seen.
    pub(super) fn clear(&mut self) {
        *self = Anderson::default();
    }

    /// Notes that F(x) is `next`.
    pub(super) fn note(&mut self, x: Vector, next: &Vector) {
        let r = combine(next, &x, |a, b| a - b);
        if let Some((before, r_before)) = self.last.take() {
            let dx = combine(&x, &before, |a, b| a - b);
            let dr = combine(&r, &r_before, |a, b| a - b);
            let mut row: VecDeque<Vec<f64>> = self
                .differences
                .iter()
                .map(|(_, other)| products(&dr, other))
                .collect();
            row.push_back(products(&dr, &dr));
            self.gram.push_back(row);
            self.differences.push_back((dx, dr));
            if self.differences.len() > WINDOW {
                self.differences.pop_front();
                self.gram.pop_front();
                for row in &mut self.gram {
                    row.pop_front();
                }
            }
        }
        self.last = Some((x, r));
    }

    /// The mixed point, where `next` is the F(x) noted last.
    pub(super) fn mixed(&self, next: &Vector) -> Option<Vector> {
        let m = self.len();
        let (_, r) = self.last.as_ref()?;
        if m == 0 {
            return None;
        }
        let w = weights(r, next);
        // Each difference scaled to length 1.
        let norms: Option<Vec<f64>> = self
            .gram
            .iter()
            .map(|row| Some(weigh(&w, row.back()?).max(f64::MIN_POSITIVE).sqrt()))
            .collect();
        let norms = norms?;
        let mut gram = vec![0.0; m * m];
        for (i, row) in self.gram.iter().enumerate() {
            for (j, p) in row.iter().enumerate() {
                let g = weigh(&w, p) / (norms[i] * norms[j]);
                gram[i * m + j] = g;
                gram[j * m + i] = g;
            }
            gram[i * m + i] += RIDGE;
        }
        let differences = self.differences.iter().zip(&norms);
        let mut c: Vec<f64> = differences
            .clone()
            .map(|((_, dr), n)| weigh(&w, &products(dr, r)) / n)
            .collect();
        linalg::solve_spd(&gram, m, &mut c, 1).ok()?;
        let mut out = next.clone();
        for (((dx, dr), n), c) in differences.zip(c) {
            for ((out, dx), dr) in out.iter_mut().zip(dx).zip(dr) {
                for ((o, dx), dr) in out.iter_mut().zip(dx).zip(dr) {
                    *o -= c / n * (dx + dr);
                }
            }
        }
        Some(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// x -> M x + b with the fixed point (I - M)^-1 b.
    fn linear(x: &Vector) -> Vector {
        let (a, b, c) = (x[0][0], x[0][1], x[1][0]);
        vec![
            vec![0.9 * a + 0.05 * b + 1.0, 0.1 * a + 0.5 * b],
            vec![0.2 * a + 0.7 * c - 3.0],
        ]
    }

    #[test]
    fn mixing_solves_a_linear_system_in_few_steps() {
        let mut anderson = Anderson::default();
        let mut x = vec![vec![0.0, 0.0], vec![0.0]];
        // Three unknowns; the ridge costs a step or two.
        for _ in 0..6 {
            let next = linear(&x);
            anderson.note(x, &next);
            x = anderson.mixed(&next).unwrap_or(next);
        }
        // 0.1 a = 0.05 b + 1, 0.5 b = 0.1 a, 0.3 c = 0.2 a - 3
        let a = 1.0 / 0.09;
        let want = [a, 0.2 * a, (0.2 * a - 3.0) / 0.3];
        for (x, w) in x.iter().flatten().zip(want) {
            assert!((x - w).abs() < 1e-6 * w.abs(), "{x} for {w}");
        }
    }

    #[test]
    fn a_squared_step_ends_a_geometric_sequence() {
        // x_t = 5 - 0.9^t: one step reaches the limit.
        let at = |t: i32| vec![vec![5.0 - 0.9f64.powi(t)]];
        let points = [at(0), at(1), at(2)];
        let (x, capped) = squared_step(&points, 100.0).expect("a step");
        assert!((x[0][0] - 5.0).abs() < 1e-12 && !capped);
        let (x, capped) = squared_step(&points, 4.0).expect("a step");
        assert!(capped && x[0][0] < 5.0 && x[0][0] > points[2][0][0]);
        // Oscillation is no reason to step further.
        let at = |t: i32| vec![vec![(-0.9f64).powi(t)]];
        assert!(squared_step(&[at(0), at(1), at(2)], 100.0).is_none());
    }

    #[test]
    fn only_the_last_differences_are_kept() {
        let mut anderson = Anderson::default();
        let mut x = vec![vec![1.0, 2.0], vec![3.0]];
        for _ in 0..WINDOW + 5 {
            let next = linear(&x);
            anderson.note(x, &next);
            x = next;
        }
        assert_eq!(anderson.len(), WINDOW);
        assert!(
            anderson
                .gram
                .iter()
                .enumerate()
                .all(|(i, r)| r.len() == i + 1)
        );
        for (i, row) in anderson.gram.iter().enumerate() {
            for (j, p) in row.iter().enumerate() {
                let want = products(&anderson.differences[i].1, &anderson.differences[j].1);
                assert_eq!(*p, want);
            }
        }
    }
}
