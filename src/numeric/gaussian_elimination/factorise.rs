//! The way up: the factors of J.
//!
//! ```text
//! J_C = blocks at home in C + updates of C's children;   J_RR = L L',   W = L^-1 J_RS,   update to the parent: - W'W on S
//! ```

use super::{Factor, GaussianElimination, GaussianError, end, expect};
use crate::numeric::linalg::{NotPositiveDefinite, cholesky, solve_lower};

/// A pivot below this part of its diagonal entry of J is zero to working precision.
const ZERO: f64 = 16.0 * f64::EPSILON;

impl GaussianElimination {
    /// Factorises J; several blocks of one pair add up. Of a block (i, i) the lower half counts.
    ///
    /// # Errors
    /// [`GaussianError`].
    pub fn factorise(&self, blocks: &[f64]) -> Result<Factor, GaussianError> {
        expect(blocks, &self.block_starts)?;
        let mut entries = vec![0.0; end(&self.factor_starts)];
        let mut log_det = 0.0;
        let mut fronts = Fronts::new(self.tree.len());
        let (mut at, mut diagonal, mut pivots) = (vec![], vec![], vec![]);
        for c in 0..self.tree.len() {
            let (s, r) = self.shapes[c];
            let n = s + r;
            let mut front = fronts.take(c, n);
            self.assemble(c, blocks, &mut front, &mut diagonal);
            let own = self.factor_starts[c]..self.factor_starts[c + 1];
            let (l, w) = entries[own].split_at_mut(r * r);
            pivots.clear();
            for row in front[s * n..].chunks_exact(n.max(1)) {
                pivots.extend_from_slice(&row[s..]);
            }
            for (w, row) in w
                .chunks_exact_mut(s.max(1))
                .zip(front[s * n..].chunks_exact(n.max(1)))
            {
                w.copy_from_slice(&row[..s]);
            }
            log_det += cholesky(&pivots, r, l).map_err(|e| self.at_pivot(c, e))?;
            for (k, scale) in diagonal.iter().enumerate() {
                let pivot = l[k * r + k] * l[k * r + k];
                if pivot <= ZERO * scale {
                    return Err(self.at_pivot(c, NotPositiveDefinite { pivot: k }));
                }
            }
            if let Some(parent) = self.tree.parent(c) {
                solve_lower(l, r, w, s);
                for i in 0..s {
                    for row in w.chunks_exact(s) {
                        let out = &mut front[i * n..=i * n + i];
                        out.iter_mut().zip(row).for_each(|(o, v)| *o -= row[i] * v);
                    }
                }
                self.places(parent, self.tree.separator(c), &mut at);
                let width = self.width(parent);
                let above = fronts.open(parent, width);
                for i in 0..s {
                    for j in 0..i {
                        above[at[i] * width + at[j]] += front[i * n + j];
                        above[at[j] * width + at[i]] += front[i * n + j];
                    }
                    above[at[i] * width + at[i]] += front[i * n + i];
                }
            }
            fronts.release(front);
        }
        Ok(Factor { log_det, entries })
    }

    /// Adds a clique's own blocks to its front, and writes the diagonal of J in its residual.
    fn assemble(&self, c: usize, blocks: &[f64], front: &mut [f64], diagonal: &mut Vec<f64>) {
        let (s, r) = self.shapes[c];
        let n = s + r;
        diagonal.clear();
        diagonal.resize(r, 0.0);
        for &k in self.members.get(c) {
            let (i, j) = self.blocks[k as usize];
            let (row, column) = (self.place(c, i), self.place(c, j));
            let width = self.lengths[j as usize];
            let block = &blocks[self.block_starts[k as usize]..self.block_starts[k as usize + 1]];
            for (a, line) in block.chunks_exact(width.max(1)).enumerate() {
                for (b, &value) in line.iter().enumerate() {
                    if i != j {
                        front[(row + a) * n + column + b] += value;
                        front[(column + b) * n + row + a] += value;
                    } else if b < a {
                        front[(row + a) * n + row + b] += value;
                        front[(row + b) * n + row + a] += value;
                    } else if b == a {
                        front[(row + a) * n + row + a] += value;
                        diagonal[row - s + a] += value.abs();
                    }
                }
            }
        }
    }

    fn at_pivot(&self, clique: usize, error: NotPositiveDefinite) -> GaussianError {
        let mut left = error.pivot;
        let mut site = 0;
        for &v in self.tree.residual(clique) {
            site = v as usize;
            match left.checked_sub(self.lengths[site]) {
                Some(rest) => left = rest,
                None => break,
            }
        }
        GaussianError::NotPositiveDefinite { site }
    }
}

/// Square matrices of cliques that are in work; a buffer that is no longer used serves the next.
pub(super) struct Fronts {
    pub(super) open: Vec<Vec<f64>>,
    spare: Vec<Vec<f64>>,
}

impl Fronts {
    pub(super) fn new(cliques: usize) -> Self {
        Fronts {
            open: vec![Vec::new(); cliques],
            spare: vec![],
        }
    }

    /// The matrix of a clique, zero if it had none.
    pub(super) fn open(&mut self, clique: usize, width: usize) -> &mut [f64] {
        let front = &mut self.open[clique];
        if front.len() != width * width {
            *front = self.spare.pop().unwrap_or_default();
            front.clear();
            front.resize(width * width, 0.0);
        }
        front
    }

    pub(super) fn take(&mut self, clique: usize, width: usize) -> Vec<f64> {
        self.open(clique, width);
        std::mem::take(&mut self.open[clique])
    }

    pub(super) fn release(&mut self, front: Vec<f64>) {
        self.spare.push(front);
    }
}
