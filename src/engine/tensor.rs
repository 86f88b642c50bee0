//! Named tensors and their contraction.
//!
//! ```text
//! out[target] = coef * sum over the other axes of prod_i operand_i
//! ```
//!
//! How the product is made is planned in `contract`.

use ndarray::{ArrayD, Axis as Dim, CowArray, IxDyn};

use crate::algebra::Subscript;
use crate::model::Axis;

use super::contract::{Layout, Program};

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
}

/// See the module. `target` holds each axis once; axes of `all` that no operand has multiply by their size unless they are
/// in the target, along which the result is then constant.
pub fn contract(
    coef: f64,
    operands: &[(Vec<Axis>, CowArray<'_, f64, IxDyn>)],
    all: &[Axis],
    target: &[Axis],
    size: &dyn Fn(Axis) -> usize,
) -> ArrayD<f64> {
    let shape: Vec<usize> = target.iter().map(|a| size(*a)).collect();
    let mut out = ArrayD::zeros(IxDyn(&shape));
    let stored: Vec<_> = operands
        .iter()
        .map(|(_, v)| v.as_standard_layout())
        .collect();
    let mut layouts = vec![];
    let mut slices = vec![];
    for ((axes, _), v) in operands.iter().zip(&stored) {
        let index: Vec<Subscript> = axes.iter().map(|a| Subscript::Axis(*a)).collect();
        match (Layout::subscripted(&index, v.shape()), v.as_slice()) {
            (Some(l), Some(v)) => {
                layouts.push(l);
                slices.push(v);
            }
            _ => unreachable!("an array in standard layout has one axis per dimension"),
        }
    }
    let to = Layout::standard(target, size);
    let program = Program::new(coef, &layouts, all, &to, size);
    if let Some(out) = out.as_slice_mut() {
        program.add(&slices, out);
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
            &[
                (vec![k, d, e], p.view().into()),
                (vec![d], x.view().into()),
                (vec![k, e], m.view().into()),
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
