//! The Cholesky factor of the rows and columns of a matrix that are active, with one added or removed at a time.
//!
//! ```text
//! A_SS = L L'     add j: w = L^-1 A_Sj, new row (w', sqrt(A_jj - w'w))     remove: drop the row, rotate L back to a triangle
//! ```
//! (Golub & Van Loan, Matrix Computations, 6.5.) Quadratic in the number of active coordinates each.

/// Active coordinates and the factor of their block.
#[derive(Debug, Default)]
pub(super) struct ActiveSet {
    /// The coordinates, in the order of the factor's rows.
    pub members: Vec<usize>,
    /// Row i has i + 1 entries and begins at i (i + 1) / 2; the last holds 1 / L_ii.
    factor: Vec<f64>,
    /// L^-1 A_Sj of the last coordinate that was tried.
    pub tried: Vec<f64>,
    rotations: Vec<(f64, f64)>,
}

fn begin(row: usize) -> usize {
    row * (row + 1) / 2
}

impl ActiveSet {
    pub(super) fn clear(&mut self) {
        self.members.clear();
        self.factor.clear();
    }

    /// Adds coordinate j with row `a_j` of a matrix with unit diagonal, if what the others leave of it exceeds `floor`;
    /// otherwise returns what they leave, with `tried` filled either way.
    pub(super) fn add(&mut self, j: usize, a_j: &[f64], floor: f64) -> Result<(), f64> {
        self.tried.clear();
        self.tried.extend(self.members.iter().map(|&i| a_j[i]));
        solve_lower(&self.factor, &mut self.tried);
        let left = a_j[j] - dot(&self.tried, &self.tried);
        if left.is_nan() || left <= floor {
            return Err(left);
        }
        self.factor.extend_from_slice(&self.tried);
        self.factor.push(1.0 / left.sqrt());
        self.members.push(j);
        Ok(())
    }

    /// Removes the coordinate of row `at`.
    pub(super) fn remove(&mut self, at: usize) {
        let size = self.members.len();
        self.members.remove(at);
        self.rotations.clear();
        for row in at..size - 1 {
            // What was row + 1 has one entry too many; the rotations so far, then one more, bring it back.
            let (from, to) = (begin(row + 1), begin(row));
            self.factor.copy_within(from..from + at, to);
            let mut carried = self.factor[from + at];
            for (k, &(c, s)) in (at..row).zip(&self.rotations) {
                let next = self.factor[from + k + 1];
                self.factor[to + k] = c * carried + s * next;
                carried = c * next - s * carried;
            }
            let last = 1.0 / self.factor[from + row + 1];
            let length = carried.hypot(last);
            self.rotations.push((carried / length, last / length));
            self.factor[to + row] = 1.0 / length;
        }
        self.factor.truncate(begin(size - 1));
    }

    /// Replaces x by A_SS^-1 x.
    pub(super) fn solve(&self, x: &mut [f64]) {
        solve_lower(&self.factor, x);
        self.solve_transposed(x);
    }

    /// Replaces x by L'^-1 x.
    pub(super) fn solve_transposed(&self, x: &mut [f64]) {
        for i in (0..x.len()).rev() {
            let row = &self.factor[begin(i)..=begin(i) + i];
            let (before, rest) = x.split_at_mut(i);
            rest[0] *= row[i];
            let value = rest[0];
            for (x, l) in before.iter_mut().zip(row) {
                *x -= value * l;
            }
        }
    }
}

/// Replaces x by L^-1 x, L being as large as x.
fn solve_lower(factor: &[f64], x: &mut [f64]) {
    for i in 0..x.len() {
        let row = &factor[begin(i)..=begin(i) + i];
        let (before, rest) = x.split_at_mut(i);
        rest[0] = (rest[0] - dot(before, &row[..i])) * row[i];
    }
}

/// x'y in four sums, so that one addition need not wait for another.
fn dot(x: &[f64], y: &[f64]) -> f64 {
    let mut sums = [0.0; 4];
    let (xs, x_rest) = x.as_chunks::<4>();
    let (ys, y_rest) = y.as_chunks::<4>();
    for (x, y) in xs.iter().zip(ys) {
        for k in 0..4 {
            sums[k] += x[k] * y[k];
        }
    }
    let rest: f64 = x_rest.iter().zip(y_rest).map(|(x, y)| x * y).sum();
    (sums[0] + sums[1]) + (sums[2] + sums[3]) + rest
}
