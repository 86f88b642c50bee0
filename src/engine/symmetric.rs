//! `symmetric` unknowns: v[.., k, l] and v[.., l, k] are one element.
//!
//! ```text
//! eta_{kl} + eta_{lk}   is the natural parameter of the one element, kept at both places; eta_{kk} is that of its own
//! k <= l                where a prior (a mask in its terms) and an entropy count
//! ```
//!
//! Arrays stay whole: statements read either order, both places hold the same numbers.

use ndarray::{ArrayD, Axis};

use crate::algebra::UnknownId;

use super::Engine;
use super::bind::unflatten;

impl Engine<'_> {
    /// The first of the two slots that may change places.
    pub fn symmetric_slot(&self, u: UnknownId) -> Option<usize> {
        let unknown = self.derivation.unknowns.get(u);
        unknown
            .symmetric
            .then(|| unknown.plates().len().checked_sub(2))
            .flatten()
    }

    /// True at the places of an unknown's plates, flat, that stand for an element: all of them but k > l of a symmetric one.
    pub fn elements(&self, u: UnknownId) -> Vec<bool> {
        let plates = self.derivation.unknowns.get(u).plates();
        let shape: Vec<usize> = plates.iter().map(|p| self.plate_size(*p)).collect();
        let slot = self.symmetric_slot(u);
        (0..shape.iter().product())
            .map(|i| slot.is_none_or(|s| matches!(unflatten(i, &shape)[s..], [k, l] if k <= l)))
            .collect()
    }
}

/// What stands at the two orders of a pair is added up, at both.
pub fn add_orders(a: &mut ArrayD<f64>, slot: usize) {
    let mut other = a.clone();
    other.swap_axes(slot, slot + 1);
    for (k, mut rows) in a.axis_iter_mut(Axis(slot)).enumerate() {
        let of = other.index_axis(Axis(slot), k);
        for (l, mut x) in rows.axis_iter_mut(Axis(slot)).enumerate() {
            if k != l {
                x += &of.index_axis(Axis(slot), l);
            }
        }
    }
}

/// The order k <= l decides.
pub fn copy_orders(a: &mut ArrayD<f64>, slot: usize) {
    let mut other = a.clone();
    other.swap_axes(slot, slot + 1);
    for (k, mut rows) in a.axis_iter_mut(Axis(slot)).enumerate() {
        let of = other.index_axis(Axis(slot), k);
        for (l, mut x) in rows.axis_iter_mut(Axis(slot)).enumerate() {
            if k > l {
                x.assign(&of.index_axis(Axis(slot), l));
            }
        }
    }
}

/// Both orders hold the same numbers.
pub fn agrees(a: &ArrayD<f64>, slot: usize) -> bool {
    let mut other = a.view();
    if a.ndim() < slot + 2 || a.shape()[slot] != a.shape()[slot + 1] {
        return false;
    }
    other.swap_axes(slot, slot + 1);
    a == other
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::IxDyn;

    fn of(shape: &[usize]) -> ArrayD<f64> {
        let n: usize = shape.iter().product();
        ArrayD::from_shape_vec(IxDyn(shape), (1..=n).map(|x| x as f64).collect()).expect("a shape")
    }

    #[test]
    fn orders_of_a_pair_with_plates_before_and_values_after() {
        let mut a = of(&[2, 3, 3, 2]);
        let before = a.clone();
        add_orders(&mut a, 1);
        assert!(agrees(&a, 1));
        for ((g, k, l, v), x) in (0..2)
            .flat_map(|g| (0..3).map(move |k| (g, k)))
            .flat_map(|(g, k)| (0..3).map(move |l| (g, k, l)))
            .flat_map(|(g, k, l)| (0..2).map(move |v| (g, k, l, v)))
            .zip(&a)
        {
            let twice = before[[g, k, l, v]] + before[[g, l, k, v]];
            let want = if k == l { twice / 2.0 } else { twice };
            assert_eq!(*x, want);
        }
    }

    #[test]
    fn the_upper_order_decides() {
        let mut a = of(&[2, 2]);
        assert!(!agrees(&a, 0));
        copy_orders(&mut a, 0);
        assert_eq!(a.iter().copied().collect::<Vec<_>>(), [1.0, 2.0, 2.0, 4.0]);
        assert!(!agrees(&of(&[2, 3]), 0));
    }
}
