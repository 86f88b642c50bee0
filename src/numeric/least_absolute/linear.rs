//! An orthonormal basis whose first vectors span given rows.
//!
//! ```text
//! X_B' = Q_1 R, R upper triangular; (Q_1 Q_2) orthonormal: X_B d = 0 for d in the span of Q_2
//! ```
//! Gram-Schmidt, each vector orthogonalised twice, which is enough (Parlett, The Symmetric Eigenvalue Problem, 6.9).

/// x'y.
pub(super) fn dot(x: &[f64], y: &[f64]) -> f64 {
    x.iter().zip(y).map(|(x, y)| x * y).sum()
}

/// The basis: `size` vectors span the rows, the rest is their complement.
pub(super) struct Basis {
    vectors: Vec<Vec<f64>>,
    size: usize,
    /// Column k of R: k + 1 numbers.
    columns: Vec<Vec<f64>>,
}

impl Basis {
    /// Rows must be independent; one that is not to working precision is left out, and its position returned.
    pub(super) fn new(rows: &[Vec<f64>], p: usize) -> Result<Self, usize> {
        let mut vectors: Vec<Vec<f64>> = Vec::with_capacity(p);
        let mut columns = vec![];
        for (k, row) in rows.iter().enumerate() {
            let Some(column) = append(&mut vectors, row, 1e-11) else {
                return Err(k);
            };
            columns.push(column);
        }
        let size = vectors.len();
        for j in 0..p {
            if vectors.len() == p {
                break;
            }
            let mut unit = vec![0.0; p];
            unit[j] = 1.0;
            // At least one unit vector has this much outside the span of fewer than p vectors; those before it may, too.
            let _ = append(&mut vectors, &unit, 0.5 / (p as f64));
        }
        Ok(Self {
            vectors,
            size,
            columns,
        })
    }

    /// The complement.
    pub(super) fn free(&self) -> &[Vec<f64>] {
        &self.vectors[self.size..]
    }

    /// mu with X_B' mu = the part of h in the span.
    pub(super) fn multipliers(&self, h: &[f64]) -> Vec<f64> {
        let mut mu: Vec<f64> = self.vectors[..self.size]
            .iter()
            .map(|q| dot(q, h))
            .collect();
        for k in (0..self.size).rev() {
            mu[k] /= self.columns[k][k];
            let value = mu[k];
            for (m, r) in mu.iter_mut().zip(&self.columns[k][..k]) {
                *m -= value * r;
            }
        }
        mu
    }

    /// The shortest d with X_B d = r.
    pub(super) fn shortest(&self, r: &[f64]) -> Vec<f64> {
        let mut d = vec![0.0; self.vectors.first().map_or(0, Vec::len)];
        let mut parts: Vec<f64> = vec![];
        for (k, column) in self.columns.iter().enumerate() {
            let part = (r[k] - dot(&parts, &column[..k])) / column[k];
            d.iter_mut()
                .zip(&self.vectors[k])
                .for_each(|(d, q)| *d += part * q);
            parts.push(part);
        }
        d
    }
}

/// Appends what is left of `row` outside the span, normalised, if it is more than `least` of it; returns the row's coordinates.
fn append(vectors: &mut Vec<Vec<f64>>, row: &[f64], least: f64) -> Option<Vec<f64>> {
    let length = dot(row, row).sqrt();
    let mut left = row.to_vec();
    let mut column = vec![0.0; vectors.len()];
    for _ in 0..2 {
        for (c, q) in column.iter_mut().zip(&*vectors) {
            let part = dot(q, &left);
            *c += part;
            left.iter_mut().zip(q).for_each(|(l, q)| *l -= part * q);
        }
    }
    let rest = dot(&left, &left).sqrt();
    if rest.is_nan() || rest <= least * length {
        return None;
    }
    left.iter_mut().for_each(|l| *l /= rest);
    vectors.push(left);
    column.push(rest);
    Some(column)
}
