//! Named tensors and their contraction.
//!
//! ```text
//! out[target] = coef * sum over the other axes of prod_i operand_i
//! ```
//!
//! Operands meet pairwise, the cheapest result first, each pair as a batch of matrix products.

use ndarray::{Array2, ArrayD, ArrayView2, Axis as Dim, Ix2, IxDyn};

use crate::model::Axis;

/// An array whose dimensions are named by axes, each once.
#[derive(Debug, Clone, PartialEq)]
pub struct Tensor {
    /// The name of each dimension.
    pub axes: Vec<Axis>,
    /// The values.
    pub values: ArrayD<f64>,
}

impl Tensor {
    /// A number.
    pub fn scalar(x: f64) -> Tensor {
        Tensor {
            axes: vec![],
            values: ArrayD::from_elem(IxDyn(&[]), x),
        }
    }

    /// An array whose axes may repeat: repeated ones become the diagonal.
    pub fn with_diagonal(mut axes: Vec<Axis>, mut values: ArrayD<f64>) -> Tensor {
        let mut i = 0;
        while i < axes.len() {
            if let Some(j) = (i + 1..axes.len()).find(|j| axes[*j] == axes[i]) {
                let n = values.shape()[i];
                let mut parts = vec![];
                for k in 0..n {
                    let v = values.index_axis(Dim(j), k);
                    parts.push(v.index_axis(Dim(i), k).insert_axis(Dim(i)).to_owned());
                }
                let views: Vec<_> = parts.iter().map(|p| p.view()).collect();
                values = ndarray::concatenate(Dim(i), &views).unwrap_or_else(|_| {
                    // No elements: an empty array of the right shape.
                    let mut shape = values.shape().to_vec();
                    shape.remove(j);
                    ArrayD::zeros(IxDyn(&shape))
                });
                axes.remove(j);
            } else {
                i += 1;
            }
        }
        Tensor { axes, values }
    }

    fn size(&self, a: Axis) -> Option<usize> {
        self.axes
            .iter()
            .position(|b| *b == a)
            .map(|i| self.values.shape()[i])
    }

    /// The values with dimensions in the order of `axes`, broadcast along those it lacks.
    pub fn broadcast(&self, axes: &[Axis], size: &dyn Fn(Axis) -> usize) -> ArrayD<f64> {
        let shape: Vec<usize> = axes.iter().map(|a| size(*a)).collect();
        let order: Vec<usize> = axes
            .iter()
            .filter_map(|a| self.axes.iter().position(|b| a == b))
            .collect();
        let mut v = self.values.view().permuted_axes(IxDyn(&order));
        for (i, a) in axes.iter().enumerate() {
            if !self.axes.contains(a) {
                v = v.insert_axis(Dim(i));
            }
        }
        match v.broadcast(IxDyn(&shape)) {
            Some(b) => b.as_standard_layout().into_owned(),
            None => unreachable!("axis sizes come from one data set"),
        }
    }

    /// Sums over the axes that `keep` lacks.
    fn sum_to(mut self, keep: &dyn Fn(Axis) -> bool) -> Tensor {
        let mut i = 0;
        while i < self.axes.len() {
            if keep(self.axes[i]) {
                i += 1;
            } else {
                self.values = self.values.sum_axis(Dim(i));
                self.axes.remove(i);
            }
        }
        self
    }

    /// As a matrix: these axes as rows, those as columns, batch first.
    fn as_batch(&self, batch: &[Axis], rows: &[Axis], columns: &[Axis]) -> ArrayD<f64> {
        let order: Vec<usize> = batch
            .iter()
            .chain(rows)
            .chain(columns)
            .filter_map(|a| self.axes.iter().position(|b| a == b))
            .collect();
        let len =
            |list: &[Axis]| -> usize { list.iter().map(|a| self.size(*a).unwrap_or(1)).product() };
        let shape = [len(batch), len(rows), len(columns)];
        let v = self
            .values
            .view()
            .permuted_axes(IxDyn(&order))
            .as_standard_layout()
            .into_owned();
        match v.into_shape_with_order(IxDyn(&shape)) {
            Ok(v) => v,
            Err(_) => unreachable!("a permutation keeps the number of elements"),
        }
    }
}

/// The product of two tensors, summed over the axes that `keep` does not want.
fn pair(a: Tensor, b: Tensor, keep: &dyn Fn(Axis) -> bool) -> Tensor {
    let a = {
        let other = b.axes.clone();
        a.sum_to(&|x| keep(x) || other.contains(&x))
    };
    let b = {
        let other = a.axes.clone();
        b.sum_to(&|x| keep(x) || other.contains(&x))
    };
    let shared: Vec<Axis> = a
        .axes
        .iter()
        .copied()
        .filter(|x| b.axes.contains(x))
        .collect();
    let (batch, summed): (Vec<Axis>, Vec<Axis>) = shared.iter().copied().partition(|x| keep(*x));
    let rows: Vec<Axis> = a
        .axes
        .iter()
        .copied()
        .filter(|x| !shared.contains(x))
        .collect();
    let columns: Vec<Axis> = b
        .axes
        .iter()
        .copied()
        .filter(|x| !shared.contains(x))
        .collect();
    let left = a.as_batch(&batch, &rows, &summed);
    let right = b.as_batch(&batch, &summed, &columns);
    let n = left.shape()[0];
    let (r, c) = (left.shape()[1], right.shape()[2]);
    let mut out = ArrayD::zeros(IxDyn(&[n, r, c]));
    for i in 0..n {
        let l = left.index_axis(Dim(0), i);
        let m = right.index_axis(Dim(0), i);
        if let (Ok(l), Ok(m)) = (
            l.into_dimensionality::<Ix2>(),
            m.into_dimensionality::<Ix2>(),
        ) {
            out.index_axis_mut(Dim(0), i)
                .assign(&product(&l, &m).into_dyn());
        }
    }
    let axes: Vec<Axis> = batch.iter().chain(&rows).chain(&columns).copied().collect();
    let shape: Vec<usize> = axes
        .iter()
        .map(|x| a.size(*x).or_else(|| b.size(*x)).unwrap_or(1))
        .collect();
    let values = match out.into_shape_with_order(IxDyn(&shape)) {
        Ok(v) => v,
        Err(_) => unreachable!("shape is the product of its parts"),
    };
    Tensor { axes, values }
}

/// A matrix product that leaves 0 * LOG_ZERO = 0: plain multiplication does.
fn product(a: &ArrayView2<'_, f64>, b: &ArrayView2<'_, f64>) -> Array2<f64> {
    crate::numeric::product::dot(a, b)
}

/// See the module. `target` holds each axis once; axes of `all` that no operand has multiply by their size unless they are
/// in the target, along which the result is then constant.
pub fn contract(
    coef: f64,
    mut operands: Vec<Tensor>,
    all: &[Axis],
    target: &[Axis],
    size: &dyn Fn(Axis) -> usize,
) -> ArrayD<f64> {
    let mut factor = coef;
    for a in all {
        if !target.contains(a) && !operands.iter().any(|t| t.axes.contains(a)) {
            factor *= size(*a) as f64;
        }
    }
    if operands.is_empty() {
        operands.push(Tensor::scalar(1.0));
    }
    while operands.len() > 1 {
        let mut best = (0, 1, f64::INFINITY);
        for i in 0..operands.len() {
            for j in i + 1..operands.len() {
                let wanted = |x: &Axis| {
                    target.contains(x)
                        || operands
                            .iter()
                            .enumerate()
                            .any(|(k, t)| k != i && k != j && t.axes.contains(x))
                };
                let mut cost = 1.0;
                for x in &operands[i].axes {
                    if wanted(x) {
                        cost *= size(*x) as f64;
                    }
                }
                for x in &operands[j].axes {
                    if wanted(x) && !operands[i].axes.contains(x) {
                        cost *= size(*x) as f64;
                    }
                }
                if cost < best.2 {
                    best = (i, j, cost);
                }
            }
        }
        let b = operands.remove(best.1);
        let a = operands.remove(best.0);
        let rest: Vec<Axis> = operands.iter().flat_map(|t| t.axes.clone()).collect();
        let joined = pair(a, b, &|x| target.contains(&x) || rest.contains(&x));
        operands.push(joined);
    }
    let last = match operands.pop() {
        Some(t) => t.sum_to(&|x| target.contains(&x)),
        None => Tensor::scalar(1.0),
    };
    let mut out = last.broadcast(target, size);
    if factor != 1.0 {
        out *= factor;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::PlateId;

    fn axis(i: u32) -> Axis {
        Axis {
            plate: PlateId(i),
            id: i,
        }
    }

    #[test]
    fn contraction_equals_the_loop() {
        // out[k] = sum_{d,e} P[k,d,e] x[d] m[k,e] * size(u)
        let (k, d, e, u) = (axis(1), axis(2), axis(3), axis(4));
        let size = |a: Axis| [0, 2, 3, 3, 5][a.id as usize];
        let p = ArrayD::from_shape_fn(IxDyn(&[2, 3, 3]), |i| (i[0] * 9 + i[1] * 3 + i[2]) as f64);
        let x = ArrayD::from_shape_fn(IxDyn(&[3]), |i| i[0] as f64 - 0.5);
        let m = ArrayD::from_shape_fn(IxDyn(&[2, 3]), |i| (i[0] + 2 * i[1]) as f64);
        let out = contract(
            2.0,
            vec![
                Tensor {
                    axes: vec![k, d, e],
                    values: p.clone(),
                },
                Tensor {
                    axes: vec![d],
                    values: x.clone(),
                },
                Tensor {
                    axes: vec![k, e],
                    values: m.clone(),
                },
            ],
            &[d, e, u],
            &[k],
            &size,
        );
        for kk in 0..2 {
            let mut s = 0.0;
            for dd in 0..3 {
                for ee in 0..3 {
                    s += p[[kk, dd, ee]] * x[[dd]] * m[[kk, ee]];
                }
            }
            assert!((out[[kk]] - 2.0 * 5.0 * s).abs() < 1e-12);
        }
    }

    #[test]
    fn repeated_axes_are_the_diagonal() {
        let d = axis(2);
        let p = ArrayD::from_shape_fn(IxDyn(&[3, 3]), |i| (i[0] * 3 + i[1]) as f64);
        let t = Tensor::with_diagonal(vec![d, d], p);
        assert_eq!(t.values.as_slice(), Some(&[0.0, 4.0, 8.0][..]));
    }
}
