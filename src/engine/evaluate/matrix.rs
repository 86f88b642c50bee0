//! Known matrices over one plate twice: entries, inverses, log determinants.

use super::*;

impl Evaluator<'_> {
    /// A known matrix as an array over its free axes and two value dimensions, and the subscripts that read entry (a, b).
    pub(super) fn matrix(
        &self,
        m: &KnownMatrix,
        a: &Subscript,
        b: &Subscript,
    ) -> (ArrayD<f64>, Vec<Subscript>) {
        let plate = a.axes().first().or(b.axes().first()).map(|x| x.plate);
        let n = plate.map_or(0, |p| self.data.plates[p.index()].size);
        let t = self.full_matrix(m, n);
        let mut index: Vec<Subscript> = t.axes.iter().map(|x| Subscript::Axis(*x)).collect();
        index.push(a.clone());
        index.push(b.clone());
        (t.values, index)
    }

    /// The matrix over its free axes; two more dimensions at the end.
    fn full_matrix(&self, m: &KnownMatrix, n: usize) -> Tensor {
        match m {
            KnownMatrix::Identity => Tensor {
                axes: vec![],
                values: ArrayD::from_shape_fn(IxDyn(&[n, n]), |i| {
                    f64::from(u8::from(i[0] == i[1]))
                }),
            },
            KnownMatrix::Diagonal(axis, k) => {
                let free: Vec<Axis> = m.axes();
                let mut all = free.clone();
                all.push(*axis);
                let v = self.evaluate(k).broadcast(&all, &|x| self.size(x));
                let mut shape: Vec<usize> = v.shape().to_vec();
                shape.push(n);
                let values = ArrayD::from_shape_fn(IxDyn(&shape), |i| {
                    let r = i.ndim();
                    if i[r - 1] == i[r - 2] {
                        v[IxDyn(&i.slice()[..r - 1])]
                    } else {
                        0.0
                    }
                });
                Tensor { axes: free, values }
            }
            KnownMatrix::Definition(d, s) => {
                let values = self.definition(*d);
                if s.is_empty() {
                    return Tensor {
                        axes: vec![],
                        values,
                    };
                }
                // The last two slots stay: read them with two axes that occur nowhere else.
                let plate = self.model.definition(*d).axes.last().map(|a| a.plate);
                let Some(plate) = plate else {
                    return Tensor::scalar(f64::NAN);
                };
                let fresh = |id| Subscript::Axis(Axis { plate, id });
                let mut index = s.clone();
                index.extend([fresh(u32::MAX - 1), fresh(u32::MAX)]);
                let t = self.gather(&values, &index);
                let k = t.axes.len() - 2;
                Tensor {
                    axes: t.axes[..k].to_vec(),
                    values: t.values,
                }
            }
            KnownMatrix::Scaled(k, inner) => {
                let t = self.full_matrix(inner, n);
                let s = self.evaluate(k);
                self.join(&t, &s, |x, y| x * y)
            }
            KnownMatrix::Sum(a, b) => {
                let (a, b) = (self.full_matrix(a, n), self.full_matrix(b, n));
                let axes: Vec<Axis> = {
                    let mut v = a.axes.clone();
                    for x in &b.axes {
                        if !v.contains(x) {
                            v.push(*x);
                        }
                    }
                    v
                };
                let a = self.spread(&a, &axes, n);
                let b = self.spread(&b, &axes, n);
                Tensor {
                    axes,
                    values: a + b,
                }
            }
            KnownMatrix::Inverse(inner) => {
                let mut t = self.full_matrix(inner, n);
                if let Some(flat) = t.values.as_slice_mut() {
                    for block in flat.chunks_mut((n * n).max(1)) {
                        let mut inverse = vec![0.0; block.len()];
                        match crate::numeric::linalg::inverse(block, n, &mut inverse) {
                            Ok(_) => block.copy_from_slice(&inverse),
                            Err(_) => block.fill(f64::NAN),
                        }
                    }
                }
                t
            }
        }
    }

    fn spread(&self, t: &Tensor, axes: &[Axis], n: usize) -> ArrayD<f64> {
        let plate = crate::model::PlateId(u32::MAX);
        let (r, c) = (Axis { plate, id: 0 }, Axis { plate, id: 1 });
        let mut own = t.axes.clone();
        own.extend([r, c]);
        let mut all = axes.to_vec();
        all.extend([r, c]);
        let full = Tensor {
            axes: own,
            values: t.values.clone(),
        };
        full.broadcast(&all, &|a| if a.plate == plate { n } else { self.size(a) })
    }

    fn join(&self, m: &Tensor, s: &Tensor, f: impl Fn(f64, f64) -> f64) -> Tensor {
        let n = m.values.shape().last().copied().unwrap_or(0);
        let mut axes = m.axes.clone();
        for x in &s.axes {
            if !axes.contains(x) {
                axes.push(*x);
            }
        }
        let mut a = self.spread(m, &axes, n);
        let b = s.broadcast(&axes, &|x| self.size(x));
        for (i, v) in a.indexed_iter_mut() {
            let k = i.ndim() - 2;
            *v = f(*v, b[IxDyn(&i.slice()[..k])]);
        }
        Tensor { axes, values: a }
    }

    pub(super) fn log_det(&self, m: &KnownMatrix, plate: crate::model::PlateId) -> Tensor {
        let n = self.data.plates[plate.index()].size;
        if let KnownMatrix::Inverse(inner) = m {
            let mut t = self.log_det(inner, plate);
            t.values.mapv_inplace(|x| -x);
            return t;
        }
        let t = self.full_matrix(m, n);
        let shape: Vec<usize> = t.axes.iter().map(|a| self.size(*a)).collect();
        let standard = t.values.as_standard_layout().into_owned();
        let flat = standard.as_slice().unwrap_or(&[]);
        let values: Vec<f64> = flat
            .chunks((n * n).max(1))
            .map(|b| crate::numeric::linalg::log_det_spd(b, n).unwrap_or(f64::NAN))
            .collect();
        Tensor {
            axes: t.axes,
            values: ArrayD::from_shape_vec(IxDyn(&shape), values)
                .unwrap_or_else(|_| ArrayD::from_elem(IxDyn(&shape), f64::NAN)),
        }
    }
}
