//! Linear and quadratic objectives over vectors of length 1, or of length at most 1: columns of a dictionary.
//!
//! ```text
//! one vector:  maximise r'v - a v'v / 2        |v| = 1: v = r / |r|        |v| <= 1: v = r / max(a, |r|)
//! a block:     maximise sum_j b_j'w_j - sum_ij Q_ij w_i'w_j / 2     over columns w_1 .. w_k of length 1, or at most 1
//!              column j, the others held, is the first problem with r = b_j - sum_{i != j} Q_ij w_i and a = Q_jj
//! ```
//!
//! In: B (m x k), symmetric Q (k x k), a start W (m x k), all row-major. Out: W, never with a lower objective than its start (as
//! far as the start keeps to the lengths; it is first brought to them). Over |w| <= 1 with Q positive semidefinite the problem is
//! concave and its conditions have one best value:
//!
//! ```text
//! with the gradient h_j = b_j - W q_j:    h_j = c_j w_j,   c_j >= 0,   c_j = 0 unless |w_j| = 1
//! ```
//!
//! Cycling over columns (block coordinate ascent; Mairal et al., Online Learning for Matrix Factorization, 2010, algorithm 2)
//! gets close; where Q is badly conditioned it is slow, so each cycle is followed by a step of Anderson's mixing that is
//! kept only if it raises the objective.

use std::collections::VecDeque;

use super::linalg::symmetric_least_norm_solve;

/// Which lengths are allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Length {
    /// |w| = 1.
    One,
    /// |w| <= 1.
    AtMostOne,
}

/// How a block of columns was brought to its maximum.
#[derive(Debug, Clone, PartialEq)]
pub struct Cycled {
    /// Passes over all columns.
    pub sweeps: usize,
    /// The largest |h_j - c_j w_j| over columns, with the best allowed c_j (on spheres |b_j - sum_{i != j} Q_ij w_i| - Q_jj), relative to the largest |b_j| + sum_i |Q_ij|;
    /// infinite, and W as it was, if B or Q is not finite.
    pub kkt: f64,
    /// Columns that nothing depends on: Q_jj = 0 and no pull. They are as they were.
    pub dead: Vec<usize>,
}

/// Conditions missed by no more than this count as met.
const TOLERANCE: f64 = 1e-10;
/// Passes over all columns at most.
const SWEEPS: usize = 20_000;
/// Earlier iterates that are mixed.
const DEPTH: usize = 8;

/// Replaces v by the maximum of r'v - a v'v / 2 for a >= 0; keeps v where every direction is as good (r = 0 and, over the ball,
/// a = 0).
pub fn best_unit_vector(r: &[f64], a: f64, length: Length, v: &mut [f64]) {
    let size = norm(r);
    let divisor = match length {
        Length::One => size,
        Length::AtMostOne => size.max(a),
    };
    if divisor > 0.0 && divisor.is_finite() {
        for (v, r) in v.iter_mut().zip(r) {
            *v = r / divisor;
        }
    }
}

/// The length of a vector, without overflow or underflow of its square.
fn norm(x: &[f64]) -> f64 {
    let largest = x.iter().fold(0.0f64, |m, x| m.max(x.abs()));
    if largest == 0.0 || !largest.is_finite() {
        return largest;
    }
    largest * x.iter().map(|x| (x / largest).powi(2)).sum::<f64>().sqrt()
}

/// Maximises sum_j b_j'w_j - sum_ij Q_ij w_i'w_j / 2 over the k columns of `w` (m x k), from the start in `w`. A start column of
/// the wrong length is first scaled; one that cannot be (all 0 but of length 1) becomes the first unit vector.
///
/// ```
/// use pmc::numeric::unit_vectors::{Length, best_unit_columns};
/// let mut w = [1.0, 0.0]; // one column
/// best_unit_columns(&[3.0, 4.0], &[2.0], 1, Length::One, &mut w);
/// assert!((w[0] - 0.6).abs() < 1e-15 && (w[1] - 0.8).abs() < 1e-15);
/// ```
pub fn best_unit_columns(b: &[f64], q: &[f64], k: usize, length: Length, w: &mut [f64]) -> Cycled {
    best_unit_columns_within(b, q, k, length, SWEEPS, w)
}

/// [`best_unit_columns`] with at most so many passes: as far as they lead, never lower than the start.
pub fn best_unit_columns_within(
    b: &[f64],
    q: &[f64],
    k: usize,
    length: Length,
    sweeps: usize,
    w: &mut [f64],
) -> Cycled {
    let m = w.len().checked_div(k).unwrap_or(0);
    if b.iter().chain(q).any(|x| !x.is_finite()) {
        return Cycled {
            sweeps: 0,
            kkt: f64::INFINITY,
            dead: vec![],
        };
    }
    // Columns become contiguous.
    let pulls = transposed(b, m, k);
    let mut columns = transposed(w, m, k);
    for column in columns.chunks_mut(m.max(1)) {
        make_allowed(column, length);
    }
    let block = Block {
        pulls: &pulls,
        q,
        m,
        k,
        length,
    };
    let mut cycled = block.cycle(&mut columns, sweeps);
    cycled.dead = (0..k)
        .filter(|&j| q[j * k + j] == 0.0 && block.residual(&columns, j).iter().all(|r| *r == 0.0))
        .collect();
    w.copy_from_slice(&transposed(&columns, k, m));
    cycled
}

fn transposed(x: &[f64], rows: usize, columns: usize) -> Vec<f64> {
    let mut out = vec![0.0; rows * columns];
    for i in 0..rows {
        for j in 0..columns {
            out[j * rows + i] = x[i * columns + j];
        }
    }
    out
}

fn make_allowed(column: &mut [f64], length: Length) {
    let size = norm(column);
    let wrong = match length {
        Length::One => (size - 1.0).abs() > 1e-12,
        Length::AtMostOne => size > 1.0,
    };
    if !wrong {
        return;
    }
    if size > 0.0 && size.is_finite() {
        column.iter_mut().for_each(|v| *v /= size);
    } else {
        column.fill(0.0);
        if let Some(first) = column.first_mut() {
            *first = 1.0;
        }
    }
}

/// The problem with columns contiguous: column j is m numbers from j m.
struct Block<'a> {
    pulls: &'a [f64],
    q: &'a [f64],
    m: usize,
    k: usize,
    length: Length,
}

impl Block<'_> {
    fn column<'v>(&self, w: &'v [f64], j: usize) -> &'v [f64] {
        &w[j * self.m..(j + 1) * self.m]
    }

    /// b_j - sum_{i != j} Q_ij w_i.
    fn residual(&self, w: &[f64], j: usize) -> Vec<f64> {
        let mut r = self.column(self.pulls, j).to_vec();
        for i in (0..self.k).filter(|&i| i != j) {
            let weight = self.q[j * self.k + i];
            if weight != 0.0 {
                let column = self.column(w, i);
                r.iter_mut().zip(column).for_each(|(r, w)| *r -= weight * w);
            }
        }
        r
    }

    /// One pass over the columns; returns by how much the conditions were missed before each column was set.
    fn sweep(&self, w: &mut [f64]) -> f64 {
        let mut missed = 0.0f64;
        for j in 0..self.k {
            let r = self.residual(w, j);
            let a = self.q[j * self.k + j];
            let v = &mut w[j * self.m..(j + 1) * self.m];
            missed = missed.max(self.missed(&r, a, v));
            best_unit_vector(&r, a, self.length, v);
        }
        missed
    }

    /// |h - c v| for h = r - a v and the best allowed c.
    fn missed(&self, r: &[f64], a: f64, v: &[f64]) -> f64 {
        let h: Vec<f64> = r.iter().zip(v).map(|(r, v)| r - a * v).collect();
        let along = dot(&h, v);
        let c = match self.length {
            // The best of the sphere, not its worst, lies along r.
            Length::One => norm(r) - a,
            Length::AtMostOne if norm(v) >= 1.0 - 1e-12 => along.max(0.0),
            Length::AtMostOne => 0.0,
        };
        let rest: Vec<f64> = h.iter().zip(v).map(|(h, v)| h - c * v).collect();
        norm(&rest)
    }

    fn objective(&self, w: &[f64]) -> f64 {
        let each = (0..self.k).map(|j| {
            let r = self.residual(w, j);
            let (b, v) = (self.column(self.pulls, j), self.column(w, j));
            // b'v + (r - Q_jj v)'v, halved: b_j'w_j - sum_i Q_ij w_i'w_j / 2.
            let a = self.q[j * self.k + j];
            0.5 * (dot(b, v) + dot(&r, v) - a * dot(v, v))
        });
        each.sum()
    }

    /// The largest violation of a column.
    fn violation(&self, w: &[f64]) -> f64 {
        (0..self.k).fold(0.0f64, |m, j| {
            let r = self.residual(w, j);
            m.max(self.missed(&r, self.q[j * self.k + j], self.column(w, j)))
        })
    }

    fn cycle(&self, w: &mut [f64], most: usize) -> Cycled {
        let largest = (0..self.k).fold(0.0f64, |m, j| {
            let row = &self.q[j * self.k..(j + 1) * self.k];
            let pushes: f64 = row.iter().map(|q| q.abs()).sum();
            m.max(norm(self.column(self.pulls, j)) + pushes)
        });
        let scale = if largest > 0.0 { largest } else { 1.0 };
        let start = w.to_vec();
        let start_objective = self.objective(w);
        // An objective is only known to this.
        let rounding = 1e-15 * scale * self.k as f64;
        let mut mixing = Mixing::default();
        let mut sweeps = 0;
        while sweeps < most {
            let before = w.to_vec();
            let missed = self.sweep(w);
            sweeps += 1;
            if missed <= TOLERANCE * scale {
                break;
            }
            if let Some(mut mixed) = mixing.mix(&before, w) {
                let parts = mixed.chunks_mut(self.m.max(1));
                parts.for_each(|v| make_allowed(v, self.length));
                if self.objective(&mixed) >= self.objective(w) - rounding {
                    w.copy_from_slice(&mixed);
                } else {
                    mixing = Mixing::default();
                }
            }
        }
        if self.objective(w) < start_objective {
            // By rounding: the start was a maximum.
            w.copy_from_slice(&start);
        }
        Cycled {
            sweeps,
            kkt: self.violation(w) / scale,
            dead: vec![],
        }
    }
}

/// Anderson's mixing of the iterates of a fixed-point map: the combination of the last images that would be fixed if the map
/// were linear (Walker and Ni, SIAM J. Numer. Anal. 2011).
///
/// ```text
/// f_i = G(x_i) - x_i    gamma = argmin |f_now - sum_i gamma_i (f_now - f_i)|    next = G(x_now) - sum_i gamma_i (G(x_now) - G(x_i))
/// ```
#[derive(Default)]
struct Mixing {
    /// (f_i, G(x_i)), oldest first.
    earlier: VecDeque<(Vec<f64>, Vec<f64>)>,
}

impl Mixing {
    fn mix(&mut self, x: &[f64], image: &[f64]) -> Option<Vec<f64>> {
        let f: Vec<f64> = image.iter().zip(x).map(|(g, x)| g - x).collect();
        let difference =
            |a: &[f64], b: &[f64]| -> Vec<f64> { a.iter().zip(b).map(|(a, b)| a - b).collect() };
        let steps: Vec<Vec<f64>> = self.earlier.iter().map(|e| difference(&f, &e.0)).collect();
        let n = steps.len();
        let mut normal = vec![0.0; n * n];
        for i in 0..n {
            for j in 0..n {
                normal[i * n + j] = dot(&steps[i], &steps[j]);
            }
        }
        let right: Vec<f64> = steps.iter().map(|s| dot(s, &f)).collect();
        let mut gamma = vec![0.0; n];
        let solved = symmetric_least_norm_solve(&normal, n, &right, &mut gamma);
        let mixed = (n > 0 && solved.is_ok()).then(|| {
            let mut out = image.to_vec();
            for (gamma, (_, earlier)) in gamma.iter().zip(&self.earlier) {
                let both = image.iter().zip(earlier);
                out.iter_mut()
                    .zip(both)
                    .for_each(|(o, (g, e))| *o -= gamma * (g - e));
            }
            out
        });
        self.earlier.push_back((f, image.to_vec()));
        if self.earlier.len() > DEPTH {
            self.earlier.pop_front();
        }
        mixed.filter(|m| m.iter().all(|v| v.is_finite()))
    }
}

fn dot(x: &[f64], y: &[f64]) -> f64 {
    x.iter().zip(y).map(|(x, y)| x * y).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    /// m, k, B and a semidefinite Q of rank `rank` whose columns have lengths over `decades` powers of ten.
    fn problem(
        rng: &mut ChaCha8Rng,
        m: usize,
        k: usize,
        rank: usize,
        decades: f64,
    ) -> (Vec<f64>, Vec<f64>) {
        let x: Vec<f64> = (0..k * rank)
            .map(|i| {
                rng.random_range(-1.0..1.0) * 10f64.powf(-decades * (i % rank) as f64 / rank as f64)
            })
            .collect();
        let mut q = vec![0.0; k * k];
        for i in 0..k {
            for j in 0..k {
                q[i * k + j] = (0..rank).map(|r| x[i * rank + r] * x[j * rank + r]).sum();
            }
        }
        let b = (0..m * k).map(|_| rng.random_range(-1.0..1.0)).collect();
        (b, q)
    }

    fn value(b: &[f64], q: &[f64], k: usize, w: &[f64]) -> f64 {
        let m = w.len() / k;
        let mut sum = 0.0;
        for r in 0..m {
            for i in 0..k {
                sum += b[r * k + i] * w[r * k + i];
                for j in 0..k {
                    sum -= 0.5 * q[i * k + j] * w[r * k + i] * w[r * k + j];
                }
            }
        }
        sum
    }

    #[test]
    fn one_vector() {
        let mut v = [1.0, 0.0];
        best_unit_vector(&[3.0, -4.0], 2.0, Length::One, &mut v);
        assert_eq!(v, [0.6, -0.8]);
        best_unit_vector(&[3.0, -4.0], 2.0, Length::AtMostOne, &mut v);
        assert_eq!(v, [0.6, -0.8]);
        best_unit_vector(&[3.0, -4.0], 10.0, Length::AtMostOne, &mut v);
        assert_eq!(v, [0.3, -0.4]);
        best_unit_vector(&[0.0, 0.0], 0.0, Length::AtMostOne, &mut v);
        best_unit_vector(&[0.0, 0.0], 5.0, Length::One, &mut v);
        assert_eq!(v, [0.3, -0.4]);
        best_unit_vector(&[0.0, 0.0], 5.0, Length::AtMostOne, &mut v);
        assert_eq!(v, [0.0, 0.0]);
        best_unit_vector(&[3e-200, -4e-200], 0.0, Length::One, &mut v);
        assert!((v[0] - 0.6).abs() < 1e-15 && (v[1] + 0.8).abs() < 1e-15);
    }

    /// Conditions of optimality over balls, written out for row-major W.
    fn ball_conditions(b: &[f64], q: &[f64], k: usize, w: &[f64]) -> f64 {
        let m = w.len() / k;
        let mut worst = 0.0f64;
        for j in 0..k {
            let h: Vec<f64> = (0..m)
                .map(|r| b[r * k + j] - (0..k).map(|i| q[i * k + j] * w[r * k + i]).sum::<f64>())
                .collect();
            let v: Vec<f64> = (0..m).map(|r| w[r * k + j]).collect();
            let length = dot(&v, &v).sqrt();
            assert!(length <= 1.0 + 1e-12);
            let c = if length > 1.0 - 1e-9 {
                dot(&h, &v).max(0.0)
            } else {
                0.0
            };
            let rest: f64 = h.iter().zip(&v).map(|(h, v)| (h - c * v).powi(2)).sum();
            worst = worst.max(rest.sqrt());
        }
        worst
    }

    #[test]
    fn the_maximum_over_balls_is_that_of_a_long_projected_gradient_ascent() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        for case in 0..60 {
            let (m, k) = (1 + case % 4, 1 + case % 5);
            let (b, q) = problem(&mut rng, m, k, [1, 2, 7][case % 3], 0.5);
            let mut w: Vec<f64> = (0..m * k).map(|_| rng.random_range(-1.0..1.0)).collect();
            let mut other = vec![0.0; m * k];
            let rate = 1.0 / (0..k).map(|j| q[j * k + j]).sum::<f64>();
            for _ in 0..40_000 {
                let old = other.clone();
                for r in 0..m {
                    for j in 0..k {
                        let pushed: f64 = (0..k).map(|i| q[i * k + j] * old[r * k + i]).sum();
                        other[r * k + j] += rate * (b[r * k + j] - pushed);
                    }
                }
                for j in 0..k {
                    let size: f64 = (0..m).map(|r| other[r * k + j].powi(2)).sum::<f64>().sqrt();
                    (0..m).for_each(|r| other[r * k + j] /= size.max(1.0));
                }
            }
            let cycled = best_unit_columns(&b, &q, k, Length::AtMostOne, &mut w);
            let (got, expected) = (value(&b, &q, k, &w), value(&b, &q, k, &other));
            assert!(
                (got - expected).abs() < 1e-7,
                "case {case}: {got} {expected}"
            );
            assert!(got > expected - 1e-12, "case {case}: {got} {expected}");
            assert!(cycled.kkt < 1e-9, "case {case}: {cycled:?}");
            assert!(ball_conditions(&b, &q, k, &w) < 1e-8, "case {case}");
        }
    }

    #[test]
    fn badly_conditioned_blocks_meet_their_conditions_over_balls() {
        let mut rng = ChaCha8Rng::seed_from_u64(2);
        for case in 0..8 {
            let (m, k) = (6, 12);
            let (mut b, q) = problem(&mut rng, m, k, [12, 40][case % 2], 1.5);
            // Weak pulls leave columns inside.
            b.iter_mut().for_each(|b| *b *= [1.0, 0.03][case / 4]);
            let mut w: Vec<f64> = (0..m * k).map(|_| rng.random_range(-1.0..1.0)).collect();
            let cycled = best_unit_columns(&b, &q, k, Length::AtMostOne, &mut w);
            assert!(cycled.kkt < 1e-9, "case {case}: {cycled:?}");
            assert!(ball_conditions(&b, &q, k, &w) < 1e-8, "case {case}");
        }
    }

    #[test]
    fn on_spheres_the_objective_rises_to_a_stationary_point() {
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        for case in 0..60 {
            let (m, k) = (1 + case % 4, 1 + case % 5);
            let (b, q) = problem(&mut rng, m, k, 4, 0.5);
            let mut w: Vec<f64> = (0..m * k).map(|_| rng.random_range(-1.0..1.0)).collect();
            for j in 0..k {
                let size: f64 = (0..m).map(|r| w[r * k + j].powi(2)).sum::<f64>().sqrt();
                (0..m).for_each(|r| w[r * k + j] /= size);
            }
            let start = value(&b, &q, k, &w);
            let cycled = best_unit_columns(&b, &q, k, Length::One, &mut w);
            let end = value(&b, &q, k, &w);
            assert!(end >= start - 1e-13, "case {case}");
            assert!(cycled.kkt < 1e-9, "case {case}: {cycled:?}");
            // No turn of a single column by any angle is better.
            for j in 0..k {
                for step in 0..50 {
                    let mut turned = w.clone();
                    let mut v: Vec<f64> = (0..m).map(|_| rng.random_range(-1.0..1.0)).collect();
                    v[0] += f64::from(step) * 1e-3;
                    let size = dot(&v, &v).sqrt();
                    (0..m).for_each(|r| turned[r * k + j] = v[r] / size);
                    assert!(value(&b, &q, k, &turned) <= end + 1e-9, "case {case}");
                }
            }
        }
    }

    #[test]
    fn columns_without_pull_stay_and_are_named() {
        let q = [1.0, 0.0, 0.0, 0.0];
        let mut w = [0.0, 0.6, 1.0, 0.8];
        let cycled = best_unit_columns(&[2.0, 0.0, 0.0, 0.0], &q, 2, Length::One, &mut w);
        assert_eq!(cycled.dead, [1]);
        assert_eq!(w, [1.0, 0.6, 0.0, 0.8]);
        let nothing = best_unit_columns(&[], &[], 0, Length::One, &mut []);
        assert_eq!((nothing.kkt, nothing.dead.len()), (0.0, 0));
        let mut w = [1.0];
        let bad = best_unit_columns(&[f64::NAN], &[1.0], 1, Length::AtMostOne, &mut w);
        assert_eq!((bad.kkt, w), (f64::INFINITY, [1.0]));
    }
}
