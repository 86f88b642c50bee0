//! Eigenvalues and inverses by plain loops: the same bits on every machine, for runs that ask for that.
//!
//! ```text
//! A = U diag(s) U'    Jacobi: each off-diagonal entry in turn is made 0 by a rotation, until all are
//! [A | 1] -> [1 | A^-1]    Gauss-Jordan with the largest pivot of each column
//! ```
//!
//! Slower than blocked libraries, whose kernels depend on the machine.

/// Sweeps of rotations; convergence is quadratic, and ten are many.
const SWEEPS: usize = 60;

/// Eigenvalues in increasing order and the matrix whose columns are their vectors, of a finite symmetric A (lower half).
/// `None` if the rotations do not settle.
pub(super) fn eigen(a: &[f64], n: usize) -> Option<(Vec<f64>, Vec<f64>)> {
    let mut m = vec![0.0; n * n];
    let mut u = vec![0.0; n * n];
    for i in 0..n {
        for j in 0..=i {
            m[i * n + j] = a[i * n + j];
            m[j * n + i] = a[i * n + j];
        }
        u[i * n + i] = 1.0;
    }
    let largest = m.iter().fold(0.0f64, |s, v| s.max(v.abs()));
    if largest == 0.0 {
        return Some((vec![0.0; n], u));
    }
    // Scaled, so that squares neither overflow nor vanish.
    m.iter_mut().for_each(|v| *v /= largest);
    let mut settled = false;
    for _ in 0..SWEEPS {
        settled = true;
        for p in 0..n {
            for q in p + 1..n {
                settled &= !rotate(&mut m, &mut u, n, p, q);
            }
        }
        if settled {
            break;
        }
    }
    if !settled {
        return None;
    }
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by(|i, j| m[i * n + i].total_cmp(&m[j * n + j]));
    let values = order.iter().map(|k| m[k * n + k] * largest).collect();
    let vectors = (0..n)
        .flat_map(|i| order.iter().map(move |k| (i, *k)))
        .map(|(i, k)| u[i * n + k])
        .collect();
    Some((values, vectors))
}

/// Makes the entry (p, q) zero; false if it already is, against its diagonal.
fn rotate(m: &mut [f64], u: &mut [f64], n: usize, p: usize, q: usize) -> bool {
    let (pp, qq, pq) = (m[p * n + p], m[q * n + q], m[p * n + q]);
    // Below this, neither eigenvalue would change; entries between zero diagonals count against the scale of 1.
    let scale = pp.abs().max(qq.abs());
    if pq.abs() <= 0.25 * f64::EPSILON * scale || pq.abs() <= 1e-3 * f64::EPSILON * f64::EPSILON {
        m[p * n + q] = 0.0;
        m[q * n + p] = 0.0;
        return false;
    }
    let ratio = (qq - pp) / (2.0 * pq);
    let t = 1.0f64.copysign(ratio) / (ratio.abs() + (ratio * ratio + 1.0).sqrt());
    let c = 1.0 / (t * t + 1.0).sqrt();
    let s = t * c;
    m[p * n + p] = pp - t * pq;
    m[q * n + q] = qq + t * pq;
    m[p * n + q] = 0.0;
    m[q * n + p] = 0.0;
    for k in (0..n).filter(|k| *k != p && *k != q) {
        let (kp, kq) = (m[k * n + p], m[k * n + q]);
        let (new_p, new_q) = (c * kp - s * kq, s * kp + c * kq);
        m[k * n + p] = new_p;
        m[p * n + k] = new_p;
        m[k * n + q] = new_q;
        m[q * n + k] = new_q;
    }
    for k in 0..n {
        let (kp, kq) = (u[k * n + p], u[k * n + q]);
        u[k * n + p] = c * kp - s * kq;
        u[k * n + q] = s * kp + c * kq;
    }
    true
}

/// Writes the inverse of a finite A and returns, for each column, its pivot and the largest entry of the column's part of U at or
/// above the pivot.
pub(super) fn inverse(a: &[f64], n: usize, inverse: &mut [f64]) -> Vec<(f64, f64)> {
    let mut m = a[..n * n].to_vec();
    inverse[..n * n].fill(0.0);
    for i in 0..n {
        inverse[i * n + i] = 1.0;
    }
    let mut upper = m.clone();
    let mut pivots = Vec::with_capacity(n);
    for k in 0..n {
        let mut best = k;
        for i in k + 1..n {
            if m[i * n + k].abs() > m[best * n + k].abs() {
                best = i;
            }
        }
        for j in 0..n {
            m.swap(k * n + j, best * n + j);
            upper.swap(k * n + j, best * n + j);
            inverse.swap(k * n + j, best * n + j);
        }
        let pivot = m[k * n + k];
        // The rows above are reduced further in m; `upper` keeps them as elimination left them.
        upper[k * n..(k + 1) * n].copy_from_slice(&m[k * n..(k + 1) * n]);
        let largest = (0..=k).fold(0.0f64, |s, i| s.max(upper[i * n + k].abs()));
        pivots.push((pivot.abs(), largest));
        if pivot == 0.0 {
            return pivots;
        }
        for i in (0..n).filter(|i| *i != k) {
            let factor = m[i * n + k] / pivot;
            if factor == 0.0 {
                continue;
            }
            for j in k..n {
                m[i * n + j] -= factor * m[k * n + j];
            }
            for j in 0..n {
                inverse[i * n + j] -= factor * inverse[k * n + j];
            }
        }
        for j in 0..n {
            m[k * n + j] /= pivot;
            inverse[k * n + j] /= pivot;
        }
    }
    pivots
}
