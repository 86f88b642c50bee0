//! Factorisations and solutions of small dense systems, row-major in and out; the only place that uses faer.
//!
//! ```text
//! A = L L'         log|A| = 2 sum log L_ii        A x = b:  L y = b, L' x = y
//! A = U diag(s) U' least norm: x = sum over |s_i| > n eps max|s| of u_i (u_i'b) / s_i
//! ```
//!
//! Up to eight rows, and wherever the same bits on every machine are asked for, the loops are written out; otherwise faer works,
//! whose kernels depend on the machine. Always on the calling thread: the caller parallelises over elements. Slices hold at least n * n numbers; results of shorter ones are undefined but safe.

mod portable;
#[cfg(test)]
mod tests;

use super::vector::is_deterministic;
use faer::linalg::solvers::DenseSolveCore;
use faer::{MatMut, MatRef, Par, Side};

/// The largest size for which the loops here beat a blocked library.
const SMALL: usize = 8;

/// Whether faer works on a matrix of n rows.
fn is_blocked(n: usize) -> bool {
    n > SMALL && !is_deterministic()
}

/// A pivot of a Cholesky factorisation is zero, negative or not a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotPositiveDefinite {
    /// The row of the pivot.
    pub pivot: usize,
}

/// A matrix has no inverse.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Singular;

/// What a least-norm solution left out.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LeastNorm {
    /// Directions in which the matrix is zero to working precision; the solution has no part in them.
    pub dropped: usize,
    /// Directions in which the matrix is negative.
    pub negative: usize,
    /// The length of the right-hand side's part in the dropped directions, relative to all of it.
    pub outside: f64,
}

/// Whether a_ij and a_ji differ by no more than `tolerance` times the larger of the two diagonal entries' sizes.
#[must_use]
pub fn is_symmetric(a: &[f64], n: usize, tolerance: f64) -> bool {
    (0..n).all(|i| {
        (0..i).all(|j| {
            let scale = a[i * n + i].abs().max(a[j * n + j].abs());
            (a[i * n + j] - a[j * n + i]).abs() <= tolerance * scale
        })
    })
}

/// Writes the lower factor L of A = L L' (zeros above its diagonal) and returns log|A|. Only the lower half of A is read.
///
/// # Errors
/// [`NotPositiveDefinite`] where a pivot is not above 0.
pub fn cholesky(a: &[f64], n: usize, l: &mut [f64]) -> Result<f64, NotPositiveDefinite> {
    if is_blocked(n) {
        let factor = square(a, n).llt(Side::Lower).map_err(|error| match error {
            faer::linalg::cholesky::llt::factor::LltError::NonPositivePivot { index } => {
                NotPositiveDefinite { pivot: index }
            }
        })?;
        let factor = factor.L();
        for i in 0..n {
            for j in 0..n {
                l[i * n + j] = if j <= i { factor[(i, j)] } else { 0.0 };
            }
        }
    } else {
        for i in 0..n {
            for j in 0..=i {
                let dot: f64 = (0..j).map(|k| l[i * n + k] * l[j * n + k]).sum();
                let rest = a[i * n + j] - dot;
                if i == j {
                    if rest <= 0.0 || !rest.is_finite() {
                        return Err(NotPositiveDefinite { pivot: i });
                    }
                    l[i * n + i] = rest.sqrt();
                } else {
                    l[i * n + j] = rest / l[j * n + j];
                }
            }
            l[i * n + i + 1..(i + 1) * n].fill(0.0);
        }
    }
    let mut log_det = 0.0;
    for i in 0..n {
        let pivot = l[i * n + i];
        if !pivot.is_finite() || pivot <= 0.0 {
            return Err(NotPositiveDefinite { pivot: i });
        }
        log_det += 2.0 * pivot.ln();
    }
    Ok(log_det)
}

/// Replaces b (n rows, `columns` columns) by the solution of L L' x = b.
pub fn solve_cholesky(l: &[f64], n: usize, b: &mut [f64], columns: usize) {
    solve_lower(l, n, b, columns);
    solve_lower_transposed(l, n, b, columns);
}

/// Replaces b (n rows, `columns` columns) by the solution of L x = b.
pub fn solve_lower(l: &[f64], n: usize, b: &mut [f64], columns: usize) {
    if is_blocked(n) {
        faer::linalg::triangular_solve::solve_lower_triangular_in_place(
            square(l, n),
            rows_mut(b, n, columns),
            Par::Seq,
        );
        return;
    }
    for i in 0..n {
        for c in 0..columns {
            let dot: f64 = (0..i).map(|k| l[i * n + k] * b[k * columns + c]).sum();
            b[i * columns + c] = (b[i * columns + c] - dot) / l[i * n + i];
        }
    }
}

/// Replaces b (n rows, `columns` columns) by the solution of L' x = b.
pub fn solve_lower_transposed(l: &[f64], n: usize, b: &mut [f64], columns: usize) {
    if is_blocked(n) {
        faer::linalg::triangular_solve::solve_upper_triangular_in_place(
            square(l, n).transpose(),
            rows_mut(b, n, columns),
            Par::Seq,
        );
        return;
    }
    for i in (0..n).rev() {
        for c in 0..columns {
            let dot: f64 = (i + 1..n).map(|k| l[k * n + i] * b[k * columns + c]).sum();
            b[i * columns + c] = (b[i * columns + c] - dot) / l[i * n + i];
        }
    }
}

/// Replaces b (n rows, `columns` columns) by the solution of A x = b for a positive definite A; returns log|A|.
///
/// # Errors
/// [`NotPositiveDefinite`].
pub fn solve_spd(
    a: &[f64],
    n: usize,
    b: &mut [f64],
    columns: usize,
) -> Result<f64, NotPositiveDefinite> {
    let mut l = vec![0.0; n * n];
    let log_det = cholesky(a, n, &mut l)?;
    solve_cholesky(&l, n, b, columns);
    Ok(log_det)
}

/// Writes (L L')^-1, symmetric to the last bit.
pub fn inverse_cholesky(l: &[f64], n: usize, inverse: &mut [f64]) {
    inverse[..n * n].fill(0.0);
    for i in 0..n {
        inverse[i * n + i] = 1.0;
    }
    solve_cholesky(l, n, inverse, n);
    symmetrise(inverse, n);
}

/// Writes the inverse of a positive definite A, symmetric to the last bit; returns log|A|.
///
/// ```
/// let mut inverse = [0.0; 4];
/// let log_det = pmc::numeric::linalg::inverse_spd(&[2.0, 0.0, 0.0, 4.0], 2, &mut inverse).unwrap();
/// assert!((inverse[0] - 0.5).abs() < 1e-15 && (inverse[3] - 0.25).abs() < 1e-15);
/// assert!((log_det - 8f64.ln()).abs() < 1e-15);
/// ```
///
/// # Errors
/// [`NotPositiveDefinite`].
pub fn inverse_spd(a: &[f64], n: usize, inverse: &mut [f64]) -> Result<f64, NotPositiveDefinite> {
    let mut l = vec![0.0; n * n];
    let log_det = cholesky(a, n, &mut l)?;
    inverse_cholesky(&l, n, inverse);
    Ok(log_det)
}

/// log|A| of a positive definite A.
///
/// # Errors
/// [`NotPositiveDefinite`].
pub fn log_det_spd(a: &[f64], n: usize) -> Result<f64, NotPositiveDefinite> {
    cholesky(a, n, &mut vec![0.0; n * n])
}

/// Writes the shortest x among those that make A x closest to b, for a symmetric A that may be singular.
///
/// # Errors
/// [`Singular`] if A or b is not finite.
pub fn symmetric_least_norm_solve(
    a: &[f64],
    n: usize,
    b: &[f64],
    x: &mut [f64],
) -> Result<LeastNorm, Singular> {
    x[..n].fill(0.0);
    let mut report = LeastNorm {
        dropped: 0,
        negative: 0,
        outside: 0.0,
    };
    if n == 0 {
        return Ok(report);
    }
    if a[..n * n].iter().chain(&b[..n]).any(|v| !v.is_finite()) {
        return Err(Singular);
    }
    let (values, vectors) = eigen(a, n)?;
    let largest = values.iter().fold(0.0f64, |m, v| m.max(v.abs()));
    let threshold = n as f64 * f64::EPSILON * largest;
    let mut outside = 0.0;
    for (k, &value) in values.iter().enumerate() {
        let part: f64 = (0..n).map(|i| vectors[i * n + k] * b[i]).sum();
        if value.abs() <= threshold {
            report.dropped += 1;
            outside += part * part;
            continue;
        }
        if value < 0.0 {
            report.negative += 1;
        }
        for i in 0..n {
            x[i] += vectors[i * n + k] * part / value;
        }
    }
    let length = b[..n].iter().map(|v| v * v).sum::<f64>();
    if length > 0.0 {
        report.outside = (outside / length).sqrt();
    }
    Ok(report)
}

/// The eigenvalues of a symmetric A in increasing order.
///
/// # Errors
/// [`Singular`] if A is not finite.
pub fn symmetric_eigenvalues(a: &[f64], n: usize) -> Result<Vec<f64>, Singular> {
    if n == 0 {
        return Ok(Vec::new());
    }
    if a[..n * n].iter().any(|v| !v.is_finite()) {
        return Err(Singular);
    }
    if is_deterministic() {
        return portable::eigen(a, n).map(|e| e.0).ok_or(Singular);
    }
    square(a, n)
        .self_adjoint_eigenvalues(Side::Lower)
        .map_err(|_| Singular)
}

/// Eigenvalues in increasing order and the matrix whose columns are their vectors, of a finite symmetric A.
fn eigen(a: &[f64], n: usize) -> Result<(Vec<f64>, Vec<f64>), Singular> {
    if is_deterministic() {
        return portable::eigen(a, n).ok_or(Singular);
    }
    let eigen = square(a, n)
        .self_adjoint_eigen(Side::Lower)
        .map_err(|_| Singular)?;
    let values = eigen.S().column_vector().iter().copied().collect();
    let vectors = (0..n * n).map(|at| eigen.U()[(at / n, at % n)]).collect();
    Ok((values, vectors))
}

/// Writes the inverse of any regular matrix; returns log of the absolute value of its determinant.
///
/// # Errors
/// [`Singular`] if a pivot is zero to working precision or an entry is not finite.
pub fn inverse(a: &[f64], n: usize, inverse: &mut [f64]) -> Result<f64, Singular> {
    if a[..n * n].iter().any(|v| !v.is_finite()) {
        return Err(Singular);
    }
    if n == 0 {
        return Ok(0.0);
    }
    // For each column its pivot, and its largest entry above it.
    let pivots = if is_deterministic() {
        portable::inverse(a, n, inverse)
    } else {
        let factor = square(a, n).partial_piv_lu();
        let upper = factor.U();
        let result = factor.inverse();
        for i in 0..n {
            for j in 0..n {
                inverse[i * n + j] = result[(i, j)];
            }
        }
        let column = |i: usize| (0..=i).fold(0.0f64, |m, k| m.max(upper[(k, i)].abs()));
        (0..n).map(|i| (upper[(i, i)].abs(), column(i))).collect()
    };
    let mut log_det = 0.0;
    for (pivot, column) in pivots {
        // A pivot counts as zero against the largest entry of its column above it, so that units do not matter.
        if pivot == 0.0 || pivot <= n as f64 * f64::EPSILON * column {
            return Err(Singular);
        }
        log_det += pivot.ln();
    }
    Ok(log_det)
}

/// Replaces A by (A + A') / 2.
pub fn symmetrise(a: &mut [f64], n: usize) {
    for i in 0..n {
        for j in 0..i {
            let mean = 0.5 * (a[i * n + j] + a[j * n + i]);
            a[i * n + j] = mean;
            a[j * n + i] = mean;
        }
    }
}

fn square(a: &[f64], n: usize) -> MatRef<'_, f64> {
    MatRef::from_row_major_slice(&a[..n * n], n, n)
}

fn rows_mut(b: &mut [f64], n: usize, columns: usize) -> MatMut<'_, f64> {
    MatMut::from_row_major_slice_mut(&mut b[..n * columns], n, columns)
}
