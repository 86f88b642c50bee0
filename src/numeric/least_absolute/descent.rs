//! Descent from kink to kink on a convex piecewise quadratic.
//!
//! ```text
//! state:   B, independent rows that fit exactly; a side s_i of every other row
//! h      = A beta - b - sum_{i not in B} w_i s_i x_i, the gradient where the rows of B are left out
//! move:    d = argmin d'A d / 2 + h'd over X_B d = 0 (down the flat part of A if h has a part there); exact line search over the
//!          sides that change; the row at which the slope turns joins B
//! release: where h lies in the span of B, h = X_B'mu: optimal if |mu_i| <= w_i, otherwise the row that misses this most leaves B to
//!          the side of mu_i
//! ```
//!
//! Rows that fit exactly without being in B have a side too, so a step may have length 0. If such steps go on, the targets
//! are moved by a tiny amount each, different for every row, and moved back when that problem is solved: its sides are a
//! certificate for the first problem too.

use super::linear::{Basis, dot};
use super::{Deviations, Failure};
use crate::numeric::linalg::symmetric_least_norm_solve;

/// Gradients below this, relative to the sum of the sizes of their terms, are rounding.
const ROUNDING: f64 = 1e-12;
/// How far targets are moved against cycling, relative to the largest; tried in turn.
const NUDGES: [f64; 3] = [1e-7, 1e-10, 1e-12];

/// The problem in columns scaled to largest entry 1, with penalties as rows.
pub(super) struct Descent {
    p: usize,
    /// Scaled rows, then the penalties' rows.
    x: Vec<f64>,
    y: Vec<f64>,
    weights: Vec<f64>,
    units: Vec<f64>,
    a: Vec<f64>,
    b: Vec<f64>,
    beta: Vec<f64>,
    nudged: Vec<f64>,
    residuals: Vec<f64>,
    sides: Vec<f64>,
    basis: Vec<usize>,
    in_basis: Vec<bool>,
    h: Vec<f64>,
    /// The size of rounding in residuals.
    noise: f64,
    /// The sum of the sizes of the terms of h.
    terms: f64,
}

enum Outcome {
    Moved,
    Still,
    Optimal,
}

impl Descent {
    pub(super) fn new(problem: &Deviations, rows: &[usize], pull: &[f64], beta: &[f64]) -> Self {
        let p = beta.len();
        let mut units = vec![0.0f64; p];
        for &i in rows {
            let row = problem.row(i, p);
            units
                .iter_mut()
                .zip(row)
                .for_each(|(u, x)| *u = u.max(x.abs()));
        }
        units
            .iter_mut()
            .for_each(|u| *u = if *u > 0.0 { 1.0 / *u } else { 1.0 });
        let mut x = Vec::with_capacity((rows.len() + p) * p);
        let (mut y, mut weights) = (vec![], vec![]);
        for &i in rows {
            x.extend(problem.row(i, p).iter().zip(&units).map(|(x, u)| x * u));
            y.push(problem.y[i]);
            weights.push(problem.weights[i]);
        }
        for (j, &l) in problem.l.iter().enumerate().filter(|(_, l)| **l > 0.0) {
            x.extend((0..p).map(|k| if k == j { 1.0 } else { 0.0 }));
            y.push(0.0);
            weights.push(l * units[j]);
        }
        let a = (0..p * p).map(|k| {
            problem
                .a
                .get(k)
                .map_or(0.0, |a| a * units[k / p] * units[k % p])
        });
        let b = (0..p).map(|j| (problem.b.get(j).unwrap_or(&0.0) + pull[j]) * units[j]);
        let rows = y.len();
        Self {
            p,
            a: a.collect(),
            b: b.collect(),
            beta: beta.iter().zip(&units).map(|(b, u)| b / u).collect(),
            nudged: y.clone(),
            residuals: vec![0.0; rows],
            sides: vec![0.0; rows],
            in_basis: vec![false; rows],
            basis: vec![],
            h: vec![0.0; p],
            noise: 0.0,
            terms: 0.0,
            x,
            y,
            weights,
            units,
        }
    }

    fn row(&self, i: usize) -> &[f64] {
        &self.x[i * self.p..(i + 1) * self.p]
    }

    /// Descends to the minimum; returns the gap.
    pub(super) fn run(mut self, beta: &mut [f64], steps: &mut usize) -> Result<f64, Failure> {
        let mut nudges = NUDGES.iter();
        let mut is_nudged = false;
        let mut still = 0;
        let mut fresh = 0;
        self.refresh();
        for step in 0..1000 + 20 * (self.y.len() + self.p) {
            if step % 50 == 49 {
                self.refresh();
            }
            *steps += 1;
            match self.step(fresh >= 2)? {
                Outcome::Moved => (still, fresh) = (0, 0),
                Outcome::Still => (still, fresh) = (still + 1, 0),
                Outcome::Optimal if fresh < 2 => {
                    // Free of accumulated error, and in the exact solution of X_B beta = y_B, it has to be so again.
                    self.refresh();
                    fresh += 1;
                }
                Outcome::Optimal if is_nudged => {
                    is_nudged = false;
                    (still, fresh) = (0, 0);
                    self.nudged.copy_from_slice(&self.y);
                    self.refresh();
                }
                Outcome::Optimal => break,
            }
            if still > 20 + 4 * self.p {
                let Some(&size) = nudges.next() else { break };
                is_nudged = true;
                still = 0;
                self.nudge(size);
            }
        }
        self.nudged.copy_from_slice(&self.y);
        self.refresh();
        for ((out, b), u) in beta.iter_mut().zip(&self.beta).zip(&self.units) {
            *out = b * u;
        }
        Ok(self.gap())
    }

    /// Moves every target by its own part of `size` times the largest number there is.
    fn nudge(&mut self, size: f64) {
        let largest = self.noise / ROUNDING;
        let mut state = 0x9e37_79b9_7f4a_7c15u64;
        for (nudged, y) in self.nudged.iter_mut().zip(&self.y) {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            let part = (state >> 11) as f64 / (1u64 << 53) as f64 - 0.5;
            *nudged = y + size * largest * part;
        }
        self.refresh();
    }

    /// Corrects beta so that the basis fits, then residuals, sides and h from scratch.
    fn refresh(&mut self) {
        for _ in 0..2 {
            let rows: Vec<Vec<f64>> = self.basis.iter().map(|&i| self.row(i).to_vec()).collect();
            match Basis::new(&rows, self.p) {
                Ok(basis) => {
                    let misfit: Vec<f64> = (self.basis.iter())
                        .map(|&i| self.nudged[i] - dot(self.row(i), &self.beta))
                        .collect();
                    let d = basis.shortest(&misfit);
                    self.beta.iter_mut().zip(&d).for_each(|(b, d)| *b += d);
                }
                Err(k) => {
                    let i = self.basis.remove(k);
                    self.in_basis[i] = false;
                }
            }
        }
        let largest = self.y.iter().fold(0.0f64, |m, y| m.max(y.abs()));
        let reach: f64 = self.beta.iter().map(|b| b.abs()).sum();
        self.noise = ROUNDING * (largest + reach);
        for i in 0..self.y.len() {
            let r = if self.in_basis[i] {
                0.0
            } else {
                self.nudged[i] - dot(self.row(i), &self.beta)
            };
            self.residuals[i] = r;
            if r.abs() > self.noise || self.sides[i] == 0.0 {
                self.sides[i] = if r < 0.0 { -1.0 } else { 1.0 };
            }
        }
        let mut h = vec![0.0; self.p];
        let mut sizes = vec![0.0; self.p];
        for j in 0..self.p {
            let square = dot(&self.a[j * self.p..(j + 1) * self.p], &self.beta);
            h[j] = square - self.b[j];
            sizes[j] = square.abs() + self.b[j].abs();
        }
        for i in 0..self.y.len() {
            let push = if self.in_basis[i] {
                0.0
            } else {
                self.weights[i] * self.sides[i]
            };
            for (j, x) in self.row(i).iter().enumerate() {
                h[j] -= push * x;
                sizes[j] += (self.weights[i] * x).abs();
            }
        }
        self.h = h;
        self.terms = sizes.iter().fold(0.0, |m, s| s.max(m));
    }

    fn step(&mut self, settled: bool) -> Result<Outcome, Failure> {
        let rows: Vec<Vec<f64>> = self.basis.iter().map(|&i| self.row(i).to_vec()).collect();
        let basis = match Basis::new(&rows, self.p) {
            Ok(basis) => basis,
            Err(k) => {
                let i = self.basis.remove(k);
                self.in_basis[i] = false;
                self.refresh();
                return Ok(Outcome::Still);
            }
        };
        if let Some(d) = self.direction(&basis) {
            // A Newton step that is nothing but rounding does not count against an optimum.
            return self.search(&d, settled);
        }
        let mu = basis.multipliers(&self.h);
        let mut worst = (0.0, None);
        for (k, (&i, mu)) in self.basis.iter().zip(&mu).enumerate() {
            let w = self.weights[i];
            let size = dot(self.row(i), self.row(i)).sqrt();
            let excess = mu.abs() - w * (1.0 + 1e-10) - ROUNDING * self.terms / size;
            // In units of the gradient, as the rows differ in length.
            if excess * size > worst.0 {
                worst = (excess * size, Some(k));
            }
        }
        let Some(k) = worst.1 else {
            return Ok(Outcome::Optimal);
        };
        let i = self.basis.remove(k);
        self.in_basis[i] = false;
        self.sides[i] = mu[k].signum();
        let push = self.weights[i] * self.sides[i];
        let row = &self.x[i * self.p..(i + 1) * self.p];
        self.h.iter_mut().zip(row).for_each(|(h, x)| *h -= push * x);
        Ok(Outcome::Still)
    }

    /// The direction to the minimum over X_B d = 0; none where h has no part there.
    fn direction(&self, basis: &Basis) -> Option<Vec<f64>> {
        let free = basis.free();
        let n = free.len();
        let part: Vec<f64> = free.iter().map(|z| -dot(z, &self.h)).collect();
        let small = ROUNDING * self.terms;
        if part.iter().all(|g| g.abs() <= small) {
            return None;
        }
        let mut d = vec![0.0; self.p];
        let mut along = |weights: &[f64]| {
            for (w, z) in weights.iter().zip(free) {
                d.iter_mut().zip(z).for_each(|(d, z)| *d += w * z);
            }
        };
        if self.a.iter().all(|a| *a == 0.0) {
            along(&part);
            return Some(d);
        }
        let mut reduced = vec![0.0; n * n];
        for (i, z) in free.iter().enumerate() {
            let az: Vec<f64> = self.a.chunks(self.p).map(|row| dot(row, z)).collect();
            free.iter()
                .enumerate()
                .for_each(|(j, z)| reduced[j * n + i] = dot(z, &az));
        }
        crate::numeric::linalg::symmetrise(&mut reduced, n);
        let mut newton = vec![0.0; n];
        if symmetric_least_norm_solve(&reduced, n, &part, &mut newton).is_err() {
            return None;
        }
        // What the curved part leaves of the gradient lies where A is flat.
        let flat: Vec<f64> = (0..n)
            .map(|i| part[i] - dot(&reduced[i * n..(i + 1) * n], &newton))
            .collect();
        along(if flat.iter().any(|f| f.abs() > 100.0 * small) {
            &flat
        } else {
            &newton
        });
        Some(d)
    }

    fn search(&mut self, d: &[f64], settled: bool) -> Result<Outcome, Failure> {
        let length = dot(d, d).sqrt();
        let ad: Vec<f64> = self
            .a
            .chunks(self.p.max(1))
            .map(|row| dot(row, d))
            .collect();
        // Against its own rounding, a flat direction has no curvature.
        let squares: f64 = self.a.iter().map(|a| a * a).sum::<f64>().sqrt() * length * length;
        let curvature = dot(&ad, d);
        let curvature = if curvature > 1e-14 * squares {
            curvature
        } else {
            0.0
        };
        let mut slope = dot(&self.h, d);
        if slope >= 0.0 {
            return Ok(Outcome::Optimal);
        }
        let rates: Vec<f64> = (0..self.y.len()).map(|i| dot(self.row(i), d)).collect();
        let mut kinks: Vec<(f64, usize)> = vec![];
        for (i, &q) in rates.iter().enumerate() {
            if self.in_basis[i]
                || self.sides[i] * q <= 0.0
                || q.abs() <= 1e-11 * length * dot(self.row(i), self.row(i)).sqrt()
            {
                continue;
            }
            kinks.push(((self.residuals[i] / q).max(0.0), i));
        }
        // Of rows reached together, the one met at the largest angle first: bases stay well conditioned.
        kinks.sort_by(|a, b| {
            a.0.total_cmp(&b.0)
                .then(rates[b.1].abs().total_cmp(&rates[a.1].abs()))
                .then(a.1.cmp(&b.1))
        });
        let mut joined = None;
        let mut t = f64::INFINITY;
        for &(at, i) in &kinks {
            if curvature > 0.0 && slope + curvature * at >= 0.0 {
                break;
            }
            let rise = 2.0 * self.weights[i] * rates[i].abs();
            if slope + curvature * at + rise >= 0.0 {
                joined = Some(i);
                t = at;
                break;
            }
            slope += rise;
            let push = 2.0 * self.weights[i] * self.sides[i];
            self.sides[i] = -self.sides[i];
            let row = &self.x[i * self.p..(i + 1) * self.p];
            self.h.iter_mut().zip(row).for_each(|(h, x)| *h += push * x);
        }
        if joined.is_none() {
            if curvature == 0.0 {
                return Err(Failure::Unbounded);
            }
            t = -slope / curvature;
        }
        self.beta.iter_mut().zip(d).for_each(|(b, d)| *b += t * d);
        self.h.iter_mut().zip(&ad).for_each(|(h, a)| *h += t * a);
        self.residuals
            .iter_mut()
            .zip(&rates)
            .for_each(|(r, q)| *r -= t * q);
        if let Some(i) = joined {
            self.basis.push(i);
            self.in_basis[i] = true;
            self.residuals[i] = 0.0;
            let push = self.weights[i] * self.sides[i];
            let row = &self.x[i * self.p..(i + 1) * self.p];
            self.h.iter_mut().zip(row).for_each(|(h, x)| *h += push * x);
        }
        let moved = t * length * self.p as f64 > self.noise;
        Ok(match joined {
            _ if moved => Outcome::Moved,
            None if settled => Outcome::Optimal,
            _ => Outcome::Still,
        })
    }

    /// f(beta) less the dual value of the sides, with those of the basis brought into -1 ..= 1.
    fn gap(&self) -> f64 {
        let rows: Vec<Vec<f64>> = self.basis.iter().map(|&i| self.row(i).to_vec()).collect();
        let Ok(basis) = Basis::new(&rows, self.p) else {
            return f64::INFINITY;
        };
        let mu = basis.multipliers(&self.h);
        let mut rest = self.h.clone();
        let mut gap = 0.0;
        for (&i, mu) in self.basis.iter().zip(&mu) {
            let w = self.weights[i];
            let held = mu.clamp(-w, w);
            rest.iter_mut()
                .zip(self.row(i))
                .for_each(|(r, x)| *r -= held * x);
        }
        for (i, (r, w)) in self.residuals.iter().zip(&self.weights).enumerate() {
            if !self.in_basis[i] {
                gap += w * (r.abs() - self.sides[i] * r);
            }
        }
        gap + dot(&rest, &self.beta).abs()
    }
}
