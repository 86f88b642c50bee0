//! The columns of a pass: what a key reads of a row.

use std::ops::Deref;
use std::sync::Arc;

use ndarray::{ArcArray, IxDyn};

/// Numbers or elements, rows first: the data's own cells where nothing else is needed.
#[derive(Debug, Clone)]
pub enum Stored<T> {
    /// Made for a key.
    Made(Arc<Vec<T>>),
    /// The cells of a column, contiguous.
    Cells(ArcArray<T, IxDyn>),
}

impl<T> Deref for Stored<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        match self {
            Stored::Made(v) => v,
            Stored::Cells(v) => v.as_slice().unwrap_or(&[]),
        }
    }
}

/// A factor of a key's data, or a gather's elements: values over rows and a flat inner position.
#[derive(Debug, Clone)]
pub struct Columns<T> {
    /// Row-major (rows, own inner positions). A NaN is a blank, which counts 0.
    pub values: Stored<T>,
    /// By inner position, what a value is multiplied with and then moved by; `None` where it stands as it is.
    pub moved: Option<(Vec<T>, Vec<T>)>,
    /// Inner positions per row.
    pub width: usize,
    /// For each flat data position of the key, the inner position.
    pub by_data: Vec<usize>,
    /// For each flat local position of the key, what it adds to the inner position; empty where nothing.
    pub by_local: Vec<usize>,
}

impl Columns<f64> {
    /// Reads the same numbers at the same places as another.
    pub(super) fn same(&self, other: &Self) -> bool {
        std::ptr::eq(&*self.values, &*other.values)
            && self.width == other.width
            && self.moved == other.moved
    }

    /// The number at an inner position of a row.
    #[inline]
    pub fn number(&self, n: usize, inner: usize) -> f64 {
        let x = self.values[n * self.width + inner];
        let x = match &self.moved {
            Some((scale, shift)) => scale[inner] * x + shift[inner],
            None => x,
        };
        if x.is_nan() { 0.0 } else { x }
    }

    /// True if every number is 0 or 1.
    pub fn is_mask(&self) -> bool {
        self.moved.is_none() && self.values.iter().all(|v| *v == 0.0 || *v == 1.0)
    }

    /// What an inner position is multiplied with and then moved by.
    pub(super) fn line(&self, inner: usize) -> (f64, f64) {
        let moved = self.moved.as_ref();
        moved.map_or((1.0, 0.0), |(scale, shift)| (scale[inner], shift[inner]))
    }

    /// The rows from..to, as they are stored.
    pub(super) fn rows(&self, from: usize, to: usize) -> &[f64] {
        &self.values[from * self.width..to * self.width]
    }
}

/// A key bound to data: how it meets the local states.
#[derive(Debug, Clone)]
pub struct BoundKey {
    /// Known factors.
    pub data: Vec<Columns<f64>>,
    /// True where every factor is 0 or 1.
    pub mask: bool,
    /// Gathers with the stride of their table axis in the flat table.
    pub selectors: Vec<(Columns<u32>, usize)>,
    /// Number of flat data positions.
    pub positions: usize,
    /// Stride of a data position in the flat table.
    pub stride: usize,
    /// (state, offset in the table's local part).
    pub map: Vec<(usize, usize)>,
    /// The map is the identity over all states.
    pub full: bool,
    /// Two factors, one array, swapped: x x', packed.
    pub symmetric: Option<usize>,
    /// Length of the flat table.
    pub len: usize,
}

impl BoundKey {
    pub(super) fn dense(&self) -> bool {
        self.full && self.selectors.is_empty() && self.data.iter().all(|d| d.by_local.is_empty())
    }

    pub(super) fn features(&self) -> usize {
        match self.symmetric {
            Some(d) => d * (d + 1) / 2,
            None => self.positions,
        }
    }

    /// Calls with the data positions that each feature stands for: both orders of a packed pair are one feature.
    pub(super) fn each_feature(&self, mut f: impl FnMut(&[usize])) {
        match self.symmetric {
            Some(d) => {
                for a in 0..d {
                    f(&[a * d + a]);
                    for b in a + 1..d {
                        f(&[a * d + b, b * d + a]);
                    }
                }
            }
            None => (0..self.positions).for_each(|a| f(&[a])),
        }
    }

    /// The number that a data position is at a row.
    #[inline]
    pub fn factor(&self, n: usize, a: usize) -> f64 {
        let mut x = 1.0;
        for d in &self.data {
            x *= d.number(n, d.by_data[a]);
        }
        x
    }

    #[inline]
    pub(super) fn base(&self, n: usize, a: usize) -> Option<usize> {
        let mut o = a * self.stride;
        for (c, stride) in &self.selectors {
            let e = c.values[n * c.width + c.by_data[a]];
            if e == crate::data::BLANK {
                return None;
            }
            o += stride * e as usize;
        }
        Some(o)
    }

    /// As [`BoundKey::base`], with other steps of a data position and of each gather.
    #[inline]
    pub(super) fn base_in(
        &self,
        n: usize,
        a: usize,
        (position, gathers): &(usize, Vec<usize>),
    ) -> Option<usize> {
        let mut o = a * position;
        for ((c, _), step) in self.selectors.iter().zip(gathers) {
            let e = c.values[n * c.width + c.by_data[a]];
            if e == crate::data::BLANK {
                return None;
            }
            o += step * e as usize;
        }
        Some(o)
    }

    #[inline]
    pub(super) fn local_factor(&self, n: usize, a: usize, local: usize) -> f64 {
        let mut x = 1.0;
        for d in &self.data {
            let extra = d.by_local.get(local).copied().unwrap_or(0);
            x *= d.number(n, d.by_data[a] + extra);
        }
        x
    }

    pub(super) fn local_data(&self) -> bool {
        self.data.iter().any(|d| !d.by_local.is_empty())
    }
}
