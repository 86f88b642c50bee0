//! Products of dense matrices: by ndarray, or in one order everywhere where the same bits on every machine are asked for.
//!
//! ```text
//! C <- beta C + alpha A B        c_ij = beta c_ij + sum_p (alpha a_ip) b_pj,  p = 0, 1, ...
//! ```
//!
//! In the portable product each entry of C is one sum over p in order, multiplied and added without fusing, so that blocks and
//! registers change nothing. Strips of B and of A are packed, which also takes any strides.

use ndarray::{Array2, ArrayView2, ArrayViewMut2, linalg::general_mat_mul};

use super::vector::is_deterministic;

/// Rows of A and columns of B that are worked on at once.
const ROWS: usize = 4;
const COLUMNS: usize = 16;

/// C <- beta C + alpha A B, as ndarray's function of this name.
///
/// # Panics
/// If the shapes do not fit.
pub fn add_product(
    alpha: f64,
    a: &ArrayView2<'_, f64>,
    b: &ArrayView2<'_, f64>,
    beta: f64,
    c: &mut ArrayViewMut2<'_, f64>,
) {
    if is_deterministic() {
        portable(alpha, a, b, beta, c);
    } else {
        general_mat_mul(alpha, a, b, beta, c);
    }
}

/// A B.
///
/// # Panics
/// If the shapes do not fit.
#[must_use]
pub fn dot(a: &ArrayView2<'_, f64>, b: &ArrayView2<'_, f64>) -> Array2<f64> {
    if is_deterministic() {
        let mut c = Array2::zeros((a.nrows(), b.ncols()));
        portable(1.0, a, b, 0.0, &mut c.view_mut());
        c
    } else {
        a.dot(b)
    }
}

fn portable(
    alpha: f64,
    a: &ArrayView2<'_, f64>,
    b: &ArrayView2<'_, f64>,
    beta: f64,
    c: &mut ArrayViewMut2<'_, f64>,
) {
    let ((m, inner), n) = (a.dim(), b.ncols());
    assert!(b.nrows() == inner && c.dim() == (m, n), "shapes that fit");
    if beta == 0.0 {
        c.fill(0.0);
    } else if beta != 1.0 {
        c.mapv_inplace(|v| beta * v);
    }
    let mut left = vec![[0.0; ROWS]; inner * m.div_ceil(ROWS)];
    for (strip, part) in left.chunks_mut(inner.max(1)).enumerate() {
        for r in 0..ROWS.min(m - strip * ROWS) {
            for (to, v) in part.iter_mut().zip(a.row(strip * ROWS + r)) {
                to[r] = alpha * v;
            }
        }
    }
    let mut right = vec![[0.0; COLUMNS]; inner];
    for j in (0..n).step_by(COLUMNS) {
        let wide = COLUMNS.min(n - j);
        for (to, row) in right.iter_mut().zip(b.rows()) {
            for (k, to) in to.iter_mut().enumerate().take(wide) {
                *to = row[j + k];
            }
        }
        for (strip, left) in left.chunks(inner.max(1)).enumerate() {
            let i = strip * ROWS;
            let high = ROWS.min(m - i);
            let mut tile = [[0.0; COLUMNS]; ROWS];
            for (r, tile) in tile.iter_mut().enumerate().take(high) {
                for (k, t) in tile.iter_mut().enumerate().take(wide) {
                    *t = c[(i + r, j + k)];
                }
            }
            multiply(left, &right, &mut tile);
            for (r, tile) in tile.iter().enumerate().take(high) {
                for (k, t) in tile.iter().enumerate().take(wide) {
                    c[(i + r, j + k)] = *t;
                }
            }
        }
    }
}

/// tile += left' right.
fn multiply(left: &[[f64; ROWS]], right: &[[f64; COLUMNS]], tile: &mut [[f64; COLUMNS]; ROWS]) {
    let mut sums = *tile;
    for (left, right) in left.iter().zip(right) {
        for (sums, l) in sums.iter_mut().zip(left) {
            for (s, r) in sums.iter_mut().zip(right) {
                *s += l * r;
            }
        }
    }
    *tile = sums;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_portable_product_is_the_sum_in_order() {
        let entry = |i: usize, j: usize| ((i * 31 + j * 17 + i * j) as f64 * 0.1).sin();
        for (m, inner, n) in [
            (1, 1, 1),
            (3, 5, 2),
            (4, 16, 16),
            (9, 33, 35),
            (2, 0, 3),
            (0, 2, 2),
        ] {
            let a = Array2::from_shape_fn((m, inner), |(i, j)| entry(i, j));
            let a_transposed = Array2::from_shape_fn((inner, m), |(i, j)| entry(j, i));
            let b = Array2::from_shape_fn((inner, n), |(i, j)| entry(j, i + 3));
            let start = Array2::from_shape_fn((m, n), |(i, j)| entry(i + j, 7));
            for (alpha, beta) in [(1.0, 1.0), (1.0, 0.0), (-0.3, 2.0)] {
                let want = Array2::from_shape_fn((m, n), |(i, j)| {
                    let first = if beta == 0.0 {
                        0.0
                    } else {
                        beta * start[(i, j)]
                    };
                    (0..inner).fold(first, |s, p| s + alpha * a[(i, p)] * b[(p, j)])
                });
                let mut c = start.clone();
                portable(alpha, &a.view(), &b.view(), beta, &mut c.view_mut());
                assert_eq!(c, want);
                // Strides make no difference.
                let mut c = start.t().to_owned();
                let b = b.t().to_owned();
                portable(
                    alpha,
                    &a_transposed.t(),
                    &b.t(),
                    beta,
                    &mut c.view_mut().reversed_axes(),
                );
                assert_eq!(c.t(), want);
                let mut fast = start.clone();
                add_product(alpha, &a.view(), &b.t(), beta, &mut fast.view_mut());
                assert!(fast.iter().zip(&want).all(|(x, y)| (x - y).abs() < 1e-12));
            }
        }
    }
}
