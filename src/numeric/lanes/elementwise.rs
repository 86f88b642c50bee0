//! Steps between the products, number by number along the rows.

use crate::numeric::vector::dispatched;
use crate::numeric::vector::elementary::{exp, log};

use super::STRIP;

dispatched! {
    /// Replaces eta (states x m) by its softmax over the states, lane by lane; `log_z` gets the m normalisers. Where every
    /// state is impossible, q is 0 and log Z below any floor.
    ///
    /// # Panics
    /// Where m is no multiple of [`STRIP`] or the slices do not fit it.
    pub fn softmax(eta: &mut [f64], m: usize, log_z: &mut [f64]) -> () = softmax_all;
}

/// Strip by strip, so that the states of one are read three times while they are near.
#[inline(always)]
fn softmax_all<const FUSED: bool>(eta: &mut [f64], m: usize, log_z: &mut [f64]) {
    assert!(m.is_multiple_of(STRIP) && log_z.len() >= m, "padded rows");
    for at in (0..m).step_by(STRIP) {
        let mut top = [f64::MIN; STRIP];
        for row in eta.chunks_exact(m) {
            for (t, x) in top.iter_mut().zip(&row[at..at + STRIP]) {
                *t = if *x > *t { *x } else { *t };
            }
        }
        let mut sum = [0.0; STRIP];
        for row in eta.chunks_exact_mut(m) {
            let strip = &mut row[at..at + STRIP];
            for ((x, t), s) in strip.iter_mut().zip(&top).zip(&mut sum) {
                *x = exp::<FUSED>(*x - t);
                *s += *x;
            }
        }
        let inverse = sum.map(|s| if s > 0.0 { 1.0 / s } else { 0.0 });
        for row in eta.chunks_exact_mut(m) {
            for (x, i) in row[at..at + STRIP].iter_mut().zip(&inverse) {
                *x *= i;
            }
        }
        for ((z, s), t) in log_z[at..at + STRIP].iter_mut().zip(&sum).zip(&top) {
            *z = log::<FUSED>(*s) + t;
        }
    }
}

dispatched! {
    /// Of lanes of m numbers each, for every (a, b, c) in turn: lane c = lane a times lane b.
    ///
    /// # Panics
    /// Where there is no such lane, or m is no multiple of [`STRIP`].
    pub fn multiply(lanes: &mut [f64], m: usize, factors: &[(usize, usize, usize)]) -> () = multiply_all;
}

#[inline(always)]
fn multiply_all<const FUSED: bool>(lanes: &mut [f64], m: usize, factors: &[(usize, usize, usize)]) {
    assert!(m.is_multiple_of(STRIP), "padded rows");
    for (a, b, c) in factors {
        for at in (0..m).step_by(STRIP) {
            let strip = |lane: &usize| lanes[lane * m + at..].first_chunk::<STRIP>();
            let (Some(x), Some(y)) = (strip(a), strip(b)) else {
                return;
            };
            let product: [f64; STRIP] = std::array::from_fn(|i| x[i] * y[i]);
            if let Some(out) = lanes[c * m + at..].first_chunk_mut() {
                *out = product;
            }
        }
    }
}
