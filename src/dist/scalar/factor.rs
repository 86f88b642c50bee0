//! The lower factor of a positive definite matrix, written out plainly: the evaluator shares nothing with `numeric::linalg`.

use super::InvalidParameter;

/// L of A = L L'.
pub(super) struct Factor {
    /// The side of the matrix.
    pub d: usize,
    lower: Vec<f64>,
}

impl Factor {
    /// Factorises `matrix`, called `name` where it cannot be.
    pub fn new(matrix: &[f64], d: usize, name: &str) -> Result<Factor, InvalidParameter> {
        let error = || InvalidParameter(format!("{name} is not positive definite"));
        if matrix.len() != d * d {
            return Err(error());
        }
        let mut lower = vec![0.0; d * d];
        for j in 0..d {
            let mut pivot = matrix[j * d + j];
            for k in 0..j {
                pivot -= lower[j * d + k] * lower[j * d + k];
            }
            if pivot.is_nan() || pivot <= 0.0 {
                return Err(error());
            }
            lower[j * d + j] = pivot.sqrt();
            for i in j + 1..d {
                let mut entry = matrix[i * d + j];
                for k in 0..j {
                    entry -= lower[i * d + k] * lower[j * d + k];
                }
                lower[i * d + j] = entry / lower[j * d + j];
            }
        }
        Ok(Factor { d, lower })
    }

    /// log|A|
    pub fn log_det(&self) -> f64 {
        2.0 * (0..self.d)
            .map(|i| self.lower[i * self.d + i].ln())
            .sum::<f64>()
    }

    /// L v
    pub fn times(&self, v: &[f64]) -> Vec<f64> {
        (0..self.d)
            .map(|i| (0..=i).map(|k| self.lower[i * self.d + k] * v[k]).sum())
            .collect()
    }

    /// L^-1 v
    pub fn solve(&self, v: &[f64]) -> Vec<f64> {
        let mut x = v.to_vec();
        for i in 0..self.d {
            for k in 0..i {
                x[i] -= self.lower[i * self.d + k] * x[k];
            }
            x[i] /= self.lower[i * self.d + i];
        }
        x
    }

    /// A^-1: its entries are dot products of L^-1 applied to unit vectors.
    pub fn inverse(&self) -> Vec<f64> {
        let columns: Vec<Vec<f64>> = (0..self.d)
            .map(|j| {
                let unit: Vec<f64> = (0..self.d).map(|i| f64::from(u8::from(i == j))).collect();
                self.solve(&unit)
            })
            .collect();
        let mut inverse = Vec::with_capacity(self.d * self.d);
        for a in &columns {
            for b in &columns {
                inverse.push(a.iter().zip(b).map(|(x, y)| x * y).sum());
            }
        }
        inverse
    }

    /// tr(A^-1 B)
    pub fn trace_of_quotient(&self, b: &[f64]) -> f64 {
        self.inverse().iter().zip(b).map(|(x, y)| x * y).sum()
    }
}
