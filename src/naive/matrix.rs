//! Matrix arguments, row by row, and the inverse by elimination.
//!
//! in: a [`Matrix`], the axis it runs along, the bound elements -> out: its entries, row-major.

use super::Problem;
use super::expression::{Bindings, Evaluator};
use crate::model::{Axis, Matrix};

impl Evaluator<'_> {
    /// The entries of a matrix over the plate of `over`.
    pub(super) fn matrix(
        &self,
        m: &Matrix,
        over: Axis,
        bound: &mut Bindings,
    ) -> Result<Vec<f64>, Problem> {
        let d = self.size(over.plate);
        match m {
            Matrix::Identity => Ok(diagonal(&vec![1.0; d])),
            Matrix::Diagonal(e) => {
                let mut entries = Vec::with_capacity(d);
                for i in 0..d {
                    bound.push((over, i));
                    let entry = self.needed(e, bound);
                    bound.pop();
                    entries.push(entry?);
                }
                Ok(diagonal(&entries))
            }
            Matrix::Definition(id, indices) => {
                let blank = || Problem::Blank("a matrix".to_string());
                let at = self.elements(indices, bound)?.ok_or_else(blank)?;
                let mut entries = Vec::with_capacity(d * d);
                for i in 0..d {
                    for j in 0..d {
                        let entry = [at.as_slice(), &[i, j]].concat();
                        entries.push(self.definition(*id, &entry)?.ok_or_else(blank)?);
                    }
                }
                Ok(entries)
            }
            Matrix::Variable(id, indices) => {
                let blank = || Problem::Blank("a matrix".to_string());
                let at = self.elements(indices, bound)?.ok_or_else(blank)?;
                let mut entries = Vec::with_capacity(d * d);
                for i in 0..d {
                    for j in 0..d {
                        let entry = [at.as_slice(), &[i, j]].concat();
                        entries.push(self.variable(*id, &entry)?);
                    }
                }
                Ok(entries)
            }
            Matrix::Scaled(e, inner) => {
                let factor = self.needed(e, bound)?;
                let inner = self.matrix(inner, over, bound)?;
                Ok(inner.iter().map(|v| factor * v).collect())
            }
            Matrix::Sum(a, b) => {
                let a = self.matrix(a, over, bound)?;
                let b = self.matrix(b, over, bound)?;
                Ok(a.iter().zip(&b).map(|(a, b)| a + b).collect())
            }
            Matrix::Inverse(inner) => inverse(&self.matrix(inner, over, bound)?, d),
        }
    }
}

fn diagonal(entries: &[f64]) -> Vec<f64> {
    let d = entries.len();
    let mut m = vec![0.0; d * d];
    for (i, v) in entries.iter().enumerate() {
        m[i * d + i] = *v;
    }
    m
}

/// The inverse of a d by d matrix: Gauss-Jordan with the largest pivot of each column.
pub(super) fn inverse(matrix: &[f64], d: usize) -> Result<Vec<f64>, Problem> {
    let singular = || Problem::Argument("a matrix has no inverse".to_string());
    if matrix.len() != d * d {
        return Err(singular());
    }
    let mut left: Vec<Vec<f64>> = matrix.chunks(d.max(1)).map(<[f64]>::to_vec).collect();
    let mut right: Vec<Vec<f64>> = diagonal(&vec![1.0; d])
        .chunks(d.max(1))
        .map(<[f64]>::to_vec)
        .collect();
    for column in 0..d {
        let pivot = (column..d)
            .max_by(|a, b| left[*a][column].abs().total_cmp(&left[*b][column].abs()))
            .ok_or_else(singular)?;
        left.swap(column, pivot);
        right.swap(column, pivot);
        let head = left[column][column];
        if head == 0.0 || !head.is_finite() {
            return Err(singular());
        }
        for j in 0..d {
            left[column][j] /= head;
            right[column][j] /= head;
        }
        for row in (0..d).filter(|row| *row != column) {
            let times = left[row][column];
            for j in 0..d {
                left[row][j] -= times * left[column][j];
                right[row][j] -= times * right[column][j];
            }
        }
    }
    Ok(right.concat())
}
