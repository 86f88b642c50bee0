//! Least absolute deviations with a quadratic and absolute penalties: Laplace noise on a line, Gaussian or Laplace priors on it.
//!
//! ```text
//! minimise over beta   f = sum_i w_i |y_i - x_i'beta| + beta'A beta / 2 - b'beta + sum_j l_j |beta_j|
//!
//! p = 1, x = 1, A = 0, b = 0, l = 0: the weighted median; where a whole interval is best, its midpoint
//! optimal where  A beta - b = sum_i w_i s_i x_i + (penalties, as rows x = e_j, y = 0, w = l_j),
//!                s_i = sign(y_i - x_i'beta), in -1 ..= 1 where that is 0
//! ```
//!
//! In: X (m x p, row-major), y, w >= 0, optionally A (symmetric positive semidefinite, p x p), b and l >= 0, and a start. Out: beta,
//! and a bound on what is left to gain ([`Fitted::gap`]). Directions that neither X nor A nor l sees (collinear columns) stay
//! as they are at the start. With A = 0 the result is a vertex: as many rows as the rank of X fit exactly (but see the median).
//!
//! `descent` moves from kink to kink (for A = 0 the method of Barrodale and Roberts, SIAM J. Numer. Anal. 1973). With many
//! rows a sample is fitted first, rows far from its fit are replaced by their (linear) contribution, and their signs are
//! checked after the rest is solved (Portnoy and Koenker, Statistical Science 1997).

mod descent;
mod linear;
#[cfg(test)]
mod tests;

use descent::Descent;
use rayon::prelude::*;

/// Rows of X, targets, weights and penalties.
#[derive(Debug, Clone, Copy)]
pub struct Deviations<'a> {
    /// m x p, row-major.
    pub x: &'a [f64],
    /// m targets.
    pub y: &'a [f64],
    /// m weights, not negative.
    pub weights: &'a [f64],
    /// p x p, symmetric positive semidefinite; empty: 0.
    pub a: &'a [f64],
    /// p; empty: 0.
    pub b: &'a [f64],
    /// p, not negative; empty: 0.
    pub l: &'a [f64],
}

/// Why nothing is fitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// f falls without bound: b pulls more than the rows and penalties hold.
    Unbounded,
    /// A number is not finite, or a weight or penalty is negative.
    NotFinite,
}

/// How the minimum was reached.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fitted {
    /// f.
    pub objective: f64,
    /// f less a lower bound of it (the value of the dual problem), relative to the sum of the sizes of the terms of f.
    pub gap: f64,
    /// Line searches.
    pub steps: usize,
}

/// The midpoint of the minimisers of sum_i w_i |y_i - v|; none if no weight is positive. Not sensitive to the order of rows.
///
/// ```
/// use pmc::numeric::least_absolute::weighted_median;
/// assert_eq!(weighted_median(&[1.0, 5.0, 2.0, 8.0], &[1.0; 4]), Some(3.5));
/// assert_eq!(weighted_median(&[1.0, 5.0, 2.0], &[1.0, 5.0, 1.0]), Some(5.0));
/// ```
#[must_use]
pub fn weighted_median(y: &[f64], weights: &[f64]) -> Option<f64> {
    let mut cells: Vec<(f64, f64)> = y.iter().copied().zip(weights.iter().copied()).collect();
    cells.retain(|c| c.1 > 0.0);
    cells.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
    let total: f64 = cells.iter().map(|c| c.1).sum();
    let mut below = 0.0;
    for (k, cell) in cells.iter().enumerate() {
        below += cell.1;
        // Balanced up to the rounding of the sum: every value up to the next one is as good.
        if (2.0 * below - total).abs() <= 1e-14 * total {
            let next = cells.get(k + 1).map_or(cell.0, |c| c.0);
            return Some(cell.0 + 0.5 * (next - cell.0));
        }
        if 2.0 * below > total {
            return Some(cell.0);
        }
    }
    None
}

impl Deviations<'_> {
    /// Minimises from the start in `beta`.
    ///
    /// # Errors
    /// [`Failure`]; beta is then as it was.
    pub fn minimise(&self, beta: &mut [f64]) -> Result<Fitted, Failure> {
        let p = beta.len();
        let finite = |list: &[f64]| list.iter().all(|v| v.is_finite());
        let whole = [self.x, self.y, self.a, self.b, beta]
            .into_iter()
            .all(finite);
        let prices = [self.weights, self.l];
        if !whole
            || prices
                .iter()
                .any(|l| !finite(l) || l.iter().any(|v| *v < 0.0))
        {
            return Err(Failure::NotFinite);
        }
        let plain = |list: &[f64]| list.iter().all(|v| *v == 0.0);
        let median = p == 1 && plain(self.a) && plain(self.b) && plain(self.l);
        let mut found = beta.to_vec();
        let mut steps = 0;
        let mut gap = 0.0;
        if median && self.x.iter().all(|x| *x == 1.0) {
            if let Some(middle) = weighted_median(self.y, self.weights) {
                found[0] = middle;
            }
        } else {
            let held = |i: &usize| self.weights[*i] > 0.0;
            let rows: Vec<usize> = (0..self.y.len()).filter(held).collect();
            gap = self.over_rows(&rows, &mut found, &mut steps)?;
        }
        beta.copy_from_slice(&found);
        let (objective, size) = self.objective(beta);
        Ok(Fitted {
            objective,
            gap: gap / size.max(f64::MIN_POSITIVE),
            steps,
        })
    }

    /// x_i.
    fn row(&self, i: usize, p: usize) -> &[f64] {
        &self.x[i * p..(i + 1) * p]
    }

    /// f and the sum of the sizes of its terms.
    fn objective(&self, beta: &[f64]) -> (f64, f64) {
        let p = beta.len();
        let (mut value, mut size) = (0.0, 0.0);
        for (i, (y, w)) in self.y.iter().zip(self.weights).enumerate() {
            value += w * (y - linear::dot(self.row(i, p), beta)).abs();
        }
        size += value;
        for (j, v) in beta.iter().enumerate() {
            let penalty = self.l.get(j).map_or(0.0, |l| l * v.abs());
            let pull = self.b.get(j).map_or(0.0, |b| b * v);
            let row = self.a.get(j * p..(j + 1) * p);
            let square = row.map_or(0.0, |a| 0.5 * v * linear::dot(a, beta));
            value += penalty + square - pull;
            size += penalty + square.abs() + pull.abs();
        }
        (value, size)
    }

    /// Minimises over the given rows, through a sample of them where there are many; returns the gap.
    fn over_rows(
        &self,
        rows: &[usize],
        beta: &mut [f64],
        steps: &mut usize,
    ) -> Result<f64, Failure> {
        let p = beta.len();
        let mut band = 1000 + 40 * p;
        let nothing = vec![0.0; p];
        if rows.len() < 4 * band {
            return Descent::new(self, rows, &nothing, beta).run(beta, steps);
        }
        // A sample of n rows misses the fit of all m by about sqrt(p / n) of the residuals' spread: three times that share of
        // the rows lies too near to be sure of its side. This n makes both problems equally large.
        let (m, columns) = (rows.len() as f64, p.max(1) as f64);
        let stride = (m / (9.0 * columns * m * m).cbrt()).ceil().max(2.0);
        band = band.max((3.0 * m * (columns * stride / m).sqrt()) as usize);
        let stride = stride as usize;
        // Its fit only decides where to look, so that it has no minimum of its own is no failure.
        let sample: Vec<usize> = rows.iter().copied().step_by(stride).collect();
        let mut start = beta.to_vec();
        let weight = |rows: &[usize]| rows.iter().map(|&i| self.weights[i]).sum::<f64>();
        let share = weight(&sample) / weight(rows);
        let scaled = |list: &[f64]| -> Vec<f64> { list.iter().map(|v| v * share).collect() };
        let (a, b, l) = (scaled(self.a), scaled(self.b), scaled(self.l));
        let thinned = Deviations {
            a: &a,
            b: &b,
            l: &l,
            ..*self
        };
        if thinned.over_rows(&sample, &mut start, steps).is_ok() {
            beta.copy_from_slice(&start);
        }
        let residuals = |beta: &[f64]| -> Vec<f64> {
            let of = |&i: &usize| self.y[i] - linear::dot(self.row(i, p), beta);
            rows.par_iter().map(of).collect()
        };
        let first = residuals(beta);
        let mut order: Vec<usize> = (0..rows.len()).collect();
        let nearer =
            |a: &usize, b: &usize| first[*a].abs().total_cmp(&first[*b].abs()).then(a.cmp(b));
        order.sort_unstable_by(nearer);
        let mut near = vec![false; rows.len()];
        order.iter().take(band).for_each(|&k| near[k] = true);
        for _ in 0..12 {
            let mut pull = vec![0.0; p];
            for (k, &i) in rows.iter().enumerate().filter(|(k, _)| !near[*k]) {
                let push = self.weights[i] * first[k].signum();
                pull.iter_mut()
                    .zip(self.row(i, p))
                    .for_each(|(p, x)| *p += push * x);
            }
            let kept: Vec<usize> = (0..rows.len())
                .filter(|&k| near[k])
                .map(|k| rows[k])
                .collect();
            let mut now = beta.to_vec();
            match Descent::new(self, &kept, &pull, &now).run(&mut now, steps) {
                Ok(gap) => {
                    let after = residuals(&now);
                    let wrong: Vec<usize> = (0..rows.len())
                        .filter(|&k| !near[k] && after[k] * first[k].signum() < 0.0)
                        .collect();
                    if wrong.is_empty() {
                        beta.copy_from_slice(&now);
                        return Ok(gap);
                    }
                    if wrong.len() <= kept.len() / 4 {
                        beta.copy_from_slice(&now);
                        wrong.iter().for_each(|&k| near[k] = true);
                        continue;
                    }
                }
                Err(Failure::NotFinite) => return Err(Failure::NotFinite),
                Err(Failure::Unbounded) => {}
            }
            // The rows kept do not hold beta near its start; more of them may.
            band = band.saturating_mul(3);
            order.iter().take(band).for_each(|&k| near[k] = true);
        }
        Descent::new(self, rows, &nothing, beta).run(beta, steps)
    }
}
