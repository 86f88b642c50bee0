//! The columns of a chunk of rows side by side: number i of lane f of a chunk of m rows is at f m + i.
//!
//! ```text
//! turn         rows to lanes
//! multiply     lane c = lane a times lane b                         features
//! product      out[w, i] = sum_f t[f, w] x[f, i]                    log densities of row i under all states w
//! softmax      over the states                                      responsibilities
//! accumulate   sum[f, w] += sum_i x[f, i] r[w, i]                   expected statistics
//! ```
//!
//! The rows fill the vector registers, so that both products, and every elementwise step between them, run over whole
//! registers whatever the number of states. On x86-64 the widest instruction set of the machine is chosen at run time. Sums over
//! f go in order and sums over rows by eight partial sums of fixed places: AVX2 and AVX-512 give the same bits.

#![allow(unsafe_code)] // calls of functions for an instruction set that was found at run time

mod elementwise;
pub(super) mod octet;
mod products;
#[cfg(test)]
mod tests;
mod turned;

pub use elementwise::{multiply, softmax};
pub use products::{accumulate, product};
pub use turned::{Place, turn};

use octet::OCTET;

/// A chunk has a multiple of this many rows; the last ones are 0 where there are fewer.
pub const STRIP: usize = 16;

/// The next multiple of [`STRIP`].
pub fn padded(rows: usize) -> usize {
    rows.next_multiple_of(STRIP)
}

/// The sum of eight numbers in a fixed order.
#[inline(always)]
pub(super) fn total(p: &[f64; OCTET]) -> f64 {
    ((p[0] + p[4]) + (p[2] + p[6])) + ((p[1] + p[5]) + (p[3] + p[7]))
}
