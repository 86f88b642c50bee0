//! Many rows with one quadratic, in parallel.

use rayon::prelude::*;

use super::{Failure, Penalised, Scratch, Solved};

/// Rows per task: fixed, so that nothing depends on the number of threads.
const CHUNK: usize = 64;

/// A row that has no solution.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RowFailure {
    /// The first such row.
    pub row: usize,
    /// Why.
    pub failure: Failure,
}

impl Penalised {
    /// [`Penalised::solve`] for every row of `b` and `v` (rows x n). The penalties `l` are one row for all, or rows x n. Returns the
    /// most iterations of a row, the largest violation, and the number of coordinates that are not 0 in all rows together.
    ///
    /// # Errors
    /// [`RowFailure`] of the first row that fails; other rows may have been solved.
    pub fn solve_rows(
        &self,
        b: &[f64],
        l: &[f64],
        nonnegative: &[bool],
        v: &mut [f64],
    ) -> Result<Solved, RowFailure> {
        let n = self.size();
        let mut total = Solved {
            iterations: 0,
            kkt: 0.0,
            active: 0,
        };
        if n == 0 {
            return Ok(total);
        }
        let shared = l.len() == n;
        let chunks: Vec<Result<Solved, RowFailure>> = v
            .par_chunks_mut(CHUNK * n)
            .zip(b.par_chunks(CHUNK * n))
            .enumerate()
            .map(|(chunk, (v, b))| {
                let mut scratch = Scratch::default();
                let mut sum = total;
                for (k, (v, b)) in v.chunks_mut(n).zip(b.chunks(n)).enumerate() {
                    let row = chunk * CHUNK + k;
                    let l = if shared {
                        l
                    } else {
                        &l[row * n..(row + 1) * n]
                    };
                    let one = self.solve(b, l, nonnegative, v, &mut scratch);
                    add(
                        &mut sum,
                        one.map_err(|failure| RowFailure { row, failure })?,
                    );
                }
                Ok(sum)
            })
            .collect();
        for chunk in chunks {
            add(&mut total, chunk?);
        }
        Ok(total)
    }
}

fn add(total: &mut Solved, one: Solved) {
    total.iterations = total.iterations.max(one.iterations);
    total.kkt = total.kkt.max(one.kkt);
    total.active += one.active;
}
