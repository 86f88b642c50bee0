//! The way down: blocks of J^-1.
//!
//! ```text
//! G = L'^-1 W:   Cov_RS = -G Cov_SS,   Cov_RR = (L L')^-1 + G Cov_SS G',   Cov_SS out of the parent's
//! ```
//!
//! Cov_RR is a sum of two matrices that are not negative, so no digits cancel in it.

use super::factorise::Fronts;
use super::{Factor, GaussianElimination, end};
use crate::numeric::linalg::{inverse_cholesky, solve_lower_transposed};

/// Blocks of the inverse of a precision matrix.
#[derive(Debug, Clone, PartialEq)]
pub struct Covariances {
    /// Per site, one after another: the covariance matrix of its vector, row-major.
    pub variances: Vec<f64>,
    /// Per wanted pair (i, j), one after another: the covariance of the two vectors, row-major with i's numbers as rows.
    pub pairs: Vec<f64>,
}

impl GaussianElimination {
    /// The covariances of each site's vector and of the wanted pairs.
    #[must_use]
    pub fn covariances(&self, factor: &Factor) -> Covariances {
        let mut out = Covariances {
            variances: vec![0.0; end(&self.variance_starts)],
            pairs: vec![0.0; end(&self.wanted_starts)],
        };
        // A clique's matrix is kept until its last child has read it.
        let mut children = vec![0u32; self.tree.len()];
        for c in 0..self.tree.len() {
            if let Some(parent) = self.tree.parent(c) {
                children[parent] += 1;
            }
        }
        let mut fronts = Fronts::new(self.tree.len());
        let (mut at, mut gain, mut inverse) = (vec![], vec![], vec![]);
        for c in (0..self.tree.len()).rev() {
            let (l, w, r, s) = self.factors(factor, c);
            let n = s + r;
            let mut own = fronts.take(c, n);
            inverse.clear();
            inverse.resize(r * r, 0.0);
            inverse_cholesky(l, r, &mut inverse);
            for (row, line) in inverse.chunks_exact(r.max(1)).enumerate() {
                own[(s + row) * n + s..(s + row + 1) * n].copy_from_slice(line);
            }
            if let Some(parent) = self.tree.parent(c) {
                let width = self.width(parent);
                let above = fronts.open(parent, width);
                self.places(parent, self.tree.separator(c), &mut at);
                for i in 0..s {
                    for j in 0..s {
                        own[i * n + j] = above[at[i] * width + at[j]];
                    }
                }
                gain.clear();
                gain.extend_from_slice(w);
                solve_lower_transposed(l, r, &mut gain, s);
                regress(&mut own, &gain, s, r);
                children[parent] -= 1;
                if children[parent] == 0 {
                    let done = fronts.take(parent, width);
                    fronts.release(done);
                }
            }
            self.extract(c, &own, &mut out);
            if children[c] == 0 {
                fronts.release(own);
            } else {
                fronts.open[c] = own;
            }
        }
        out
    }

    /// Copies what is wanted of a clique's covariance.
    fn extract(&self, c: usize, own: &[f64], out: &mut Covariances) {
        let n = self.width(c);
        let mut place = self.shapes[c].0;
        for &v in self.tree.residual(c) {
            let length = self.lengths[v as usize];
            let start = self.variance_starts[v as usize];
            for a in 0..length {
                let row = &own[(place + a) * n + place..][..length];
                out.variances[start + a * length..][..length].copy_from_slice(row);
            }
            place += length;
        }
        for &k in self.asked.get(c) {
            let (i, j) = self.wanted[k as usize];
            let (row, column) = (self.place(c, i), self.place(c, j));
            let width = self.lengths[j as usize];
            let start = self.wanted_starts[k as usize];
            for a in 0..self.lengths[i as usize] {
                let line = &own[(row + a) * n + column..][..width];
                out.pairs[start + a * width..][..width].copy_from_slice(line);
            }
        }
    }
}

/// Fills the parts RS, SR and RR of a covariance whose SS is known and whose RR holds (L L')^-1.
fn regress(own: &mut [f64], gain: &[f64], s: usize, r: usize) {
    let n = s + r;
    let (above, below) = own.split_at_mut(s * n);
    for (g, row) in gain
        .chunks_exact(s.max(1))
        .zip(below.chunks_exact_mut(n.max(1)))
    {
        let (cross, _) = row.split_at_mut(s);
        for (g, line) in g.iter().zip(above.chunks_exact(n)) {
            cross.iter_mut().zip(line).for_each(|(o, v)| *o -= g * v);
        }
    }
    for row in below.chunks_exact_mut(n.max(1)) {
        let (cross, rest) = row.split_at_mut(s);
        for (o, g) in rest.iter_mut().zip(gain.chunks_exact(s.max(1))) {
            *o -= cross.iter().zip(g).map(|(c, g)| c * g).sum::<f64>();
        }
    }
    for i in 0..r {
        for j in 0..i {
            let mean = 0.5 * (below[i * n + s + j] + below[j * n + s + i]);
            below[i * n + s + j] = mean;
            below[j * n + s + i] = mean;
        }
        for j in 0..s {
            above[j * n + s + i] = below[i * n + j];
        }
    }
}
