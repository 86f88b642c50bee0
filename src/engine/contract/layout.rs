//! Where the elements of a named array lie in a slice.

use crate::algebra::Subscript;
use crate::model::Axis;

/// A dimension of an array: its axis, its elements, and how far apart they are.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Run {
    /// Its name.
    pub axis: Axis,
    /// Elements.
    pub size: usize,
    /// How far one step goes.
    pub stride: usize,
}

/// Where the elements of a named array lie in a slice; each axis occurs once.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Layout {
    pub(super) offset: usize,
    pub(super) runs: Vec<Run>,
}

impl Layout {
    /// The last axis runs fastest.
    pub fn standard(axes: &[Axis], size: &dyn Fn(Axis) -> usize) -> Layout {
        let mut stride = 1;
        let mut runs: Vec<Run> = axes
            .iter()
            .rev()
            .map(|a| {
                let run = Run {
                    axis: *a,
                    size: size(*a),
                    stride,
                };
                stride *= run.size;
                run
            })
            .collect();
        runs.reverse();
        Layout { offset: 0, runs }
    }

    /// An array of this shape, last dimension fastest, read at subscripts: a repeated axis runs along the diagonal, a fixed
    /// element is an offset. `None` where there are gathers or an element that does not exist.
    pub fn subscripted(index: &[Subscript], shape: &[usize]) -> Option<Layout> {
        let mut out = Layout::default();
        let mut stride = 1;
        if index.len() != shape.len() {
            return None;
        }
        for (s, n) in index.iter().zip(shape).rev() {
            match s {
                Subscript::Axis(a) => match out.runs.iter_mut().find(|r| r.axis == *a) {
                    Some(r) => r.stride += stride,
                    None => out.runs.push(Run {
                        axis: *a,
                        size: *n,
                        stride,
                    }),
                },
                Subscript::Element(e) if (*e as usize) < *n => out.offset += stride * *e as usize,
                _ => return None,
            }
            stride *= n;
        }
        out.runs.reverse();
        Some(out)
    }

    /// Where the array begins.
    pub fn offset(&self) -> usize {
        self.offset
    }

    /// The axes.
    pub fn axes(&self) -> impl Iterator<Item = Axis> {
        self.runs.iter().map(|r| r.axis)
    }

    /// How far one step along an axis goes; 0 along those that the array lacks.
    pub fn stride(&self, a: Axis) -> usize {
        self.get(a).map_or(0, |r| r.stride)
    }

    /// Elements along an axis.
    pub fn size(&self, a: Axis) -> Option<usize> {
        self.get(a).map(|r| r.size)
    }

    pub(super) fn get(&self, a: Axis) -> Option<&Run> {
        self.runs.iter().find(|r| r.axis == a)
    }

    pub(super) fn has(&self, a: Axis) -> bool {
        self.get(a).is_some()
    }

    /// Elements of the array, those counted once that it repeats.
    pub fn len(&self) -> usize {
        self.runs.iter().map(|r| r.size).product()
    }
}
