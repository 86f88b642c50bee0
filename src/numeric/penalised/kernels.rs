//! The loops over all n coordinates, compiled for the widest instruction set that the machine has.
//!
//! Slices are padded to a multiple of [`LANES`]; the padding has infinite penalties, so nothing there ever moves. No product is
//! fused with a sum and every sum has a fixed order: all instruction sets give the same bits.

#![allow(unsafe_code)] // calls of functions for an instruction set that was found at run time

#[cfg(target_arch = "x86_64")]
use crate::numeric::vector::{InstructionSet, instruction_set};

/// Slices are padded to a multiple of this.
pub(super) const LANES: usize = 8;

/// What a coordinate pays per unit upwards and downwards: l and l, or l and infinity where it may not be negative.
pub(super) struct Prices<'a> {
    pub up: &'a [f64],
    pub down: &'a [f64],
}

macro_rules! dispatched {
    ($(#[$doc:meta])* $name:ident($($arg:ident: $type:ty),*) $(-> $out:ty)?, $wide512:ident, $wide256:ident, $body:ident) => {
        #[cfg(target_arch = "x86_64")]
        #[target_feature(enable = "avx512f,avx512dq")]
        fn $wide512($($arg: $type),*) $(-> $out)? {
            $body($($arg),*)
        }

        #[cfg(target_arch = "x86_64")]
        #[target_feature(enable = "avx2")]
        fn $wide256($($arg: $type),*) $(-> $out)? {
            $body($($arg),*)
        }

        $(#[$doc])*
        pub(super) fn $name($($arg: $type),*) $(-> $out)? {
            #[cfg(target_arch = "x86_64")]
            match instruction_set() {
                // SAFETY: `instruction_set` names only what the machine has.
                InstructionSet::Avx512 => return unsafe { $wide512($($arg),*) },
                InstructionSet::Avx2 => return unsafe { $wide256($($arg),*) },
                InstructionSet::Baseline => {}
            }
            $body($($arg),*)
        }
    };
}

dispatched!(
    /// g -= sum_k weights_k a_k, with a_k row `columns[k]` of the symmetric matrix `a`, whose rows are as long as g.
    subtract_columns(g: &mut [f64], a: &[f64], columns: &[usize], weights: &[f64]),
    subtract_columns_512, subtract_columns_256, subtract_columns_body
);

dispatched!(
    /// The coordinate whose condition at 0 is missed most, and by how much (not positive: none is missed).
    worst(g: &[f64], prices: &Prices) -> (f64, usize),
    worst_512, worst_256, worst_body
);

#[inline(always)]
fn column(a: &[f64], j: usize, stride: usize) -> &[f64] {
    &a[j * stride..(j + 1) * stride]
}

#[inline(always)]
fn subtract_columns_body(g: &mut [f64], a: &[f64], columns: &[usize], weights: &[f64]) {
    let n = g.len();
    let (fours, rest) = columns.as_chunks::<4>();
    let (weights_fours, weights_rest) = weights.as_chunks::<4>();
    for (c, w) in fours.iter().zip(weights_fours) {
        let (p, q) = (column(a, c[0], n), column(a, c[1], n));
        let (r, s) = (column(a, c[2], n), column(a, c[3], n));
        for i in 0..n {
            g[i] -= (p[i] * w[0] + q[i] * w[1]) + (r[i] * w[2] + s[i] * w[3]);
        }
    }
    for (&c, &w) in rest.iter().zip(weights_rest) {
        for (g, a) in g.iter_mut().zip(column(a, c, n)) {
            *g -= a * w;
        }
    }
}

/// The largest entry over lanes, the first of equal ones.
#[inline(always)]
fn first_largest(best: &[f64; LANES], at: &[f64; LANES]) -> (f64, usize) {
    let mut out = (best[0], at[0]);
    for k in 1..LANES {
        if best[k] > out.0 || (best[k] == out.0 && at[k] < out.1) {
            out = (best[k], at[k]);
        }
    }
    (out.0, out.1 as usize)
}

#[inline(always)]
fn larger(x: f64, y: f64) -> f64 {
    if x > y { x } else { y }
}

#[inline(always)]
fn worst_body(g: &[f64], prices: &Prices) -> (f64, usize) {
    let mut best = [f64::NEG_INFINITY; LANES];
    let mut at = [0.0; LANES];
    let (g, _) = g.as_chunks::<LANES>();
    let (up, _) = prices.up.as_chunks::<LANES>();
    let (down, _) = prices.down.as_chunks::<LANES>();
    for (block, ((g, up), down)) in g.iter().zip(up).zip(down).enumerate() {
        for k in 0..LANES {
            let missed = larger(g[k] - up[k], -g[k] - down[k]);
            let index = (block * LANES + k) as f64;
            at[k] = if missed > best[k] { index } else { at[k] };
            best[k] = larger(missed, best[k]);
        }
    }
    first_largest(&best, &at)
}
