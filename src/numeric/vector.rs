//! exp, log, digamma, log Gamma, sums and inner products of whole slices, by vector instructions.
//!
//! slices of numbers -> the same slices, or a number. Each kernel is one loop over a formula without branches, compiled for each
//! instruction set; `dispatch` chooses at run time. exp and log are within 2 units in the last place, digamma and log Gamma
//! within 1e-14. Sums have eight partial sums, added as a tree, whatever the instructions.

#![allow(unsafe_code)] // calls of functions for an instruction set that was found at run time

pub(in crate::numeric) mod dispatch;
pub(in crate::numeric) mod elementary;
mod gamma;
#[cfg(test)]
mod tests;

pub use dispatch::{
    InstructionSet, instruction_set, is_deterministic, limit_instruction_set, machine_has,
    set_deterministic,
};
pub(in crate::numeric) use dispatch::{choose, dispatched, fused};

/// Partial sums of a reduction.
const LANES: usize = 8;

dispatched! {
    /// Replaces each entry by its exponential.
    ///
    /// exp 0 is exactly 1; below -745.2 the result is 0 and between there and -708.4 subnormal; above 709.8 it is infinite.
    /// NaN stays NaN, and nothing else gives NaN.
    pub fn exp_in_place(x: &mut [f64]) -> () = exp_all;
}

dispatched! {
    /// Replaces each entry by its natural logarithm.
    ///
    /// The log of 0 is [`super::LOG_ZERO`], not minus infinity; of a negative number NaN.
    pub fn log_in_place(x: &mut [f64]) -> () = log_all;
}

dispatched! {
    /// Replaces each entry by the derivative of log Gamma there: within 1e-14 of it, relatively.
    ///
    /// Minus infinity at 0 and where the result overflows, NaN below 0.
    ///
    /// ```
    /// let mut x = [1.0];
    /// pmc::numeric::vector::digamma_in_place(&mut x);
    /// assert!((x[0] + 0.577_215_664_901_532_9).abs() < 1e-15); // minus Euler's constant
    /// ```
    pub fn digamma_in_place(x: &mut [f64]) -> () = digamma_all;
}

dispatched! {
    /// Replaces each entry by its log Gamma: within 1e-14 of it, relatively, and absolutely where it is below 1.
    ///
    /// Infinite at 0, NaN below.
    pub fn ln_gamma_in_place(x: &mut [f64]) -> () = ln_gamma_all;
}

dispatched! {
    /// Replaces each entry of `x` by its digamma and writes log Gamma, as far as both slices go.
    pub fn ln_gamma_and_digamma(x: &mut [f64], ln_gamma: &mut [f64]) -> () = ln_gamma_and_digamma_all;
}

dispatched! {
    /// The sum of the entries.
    pub fn sum(x: &[f64]) -> f64 = sum_all;
}

dispatched! {
    /// The inner product, as far as both slices go.
    pub fn dot(x: &[f64], y: &[f64]) -> f64 = dot_all;
}

/// digamma of one number, the same bits on every machine.
#[must_use]
pub fn portable_digamma(x: f64) -> f64 {
    gamma::digamma::<false>(x)
}

#[inline(always)]
fn exp_all<const FUSED: bool>(x: &mut [f64]) {
    for v in x {
        *v = elementary::exp::<FUSED>(*v);
    }
}

#[inline(always)]
fn log_all<const FUSED: bool>(x: &mut [f64]) {
    for v in x {
        *v = elementary::log::<FUSED>(*v);
    }
}

#[inline(always)]
fn digamma_all<const FUSED: bool>(x: &mut [f64]) {
    for v in x {
        *v = gamma::digamma::<FUSED>(*v);
    }
}

#[inline(always)]
fn ln_gamma_all<const FUSED: bool>(x: &mut [f64]) {
    for v in x {
        *v = gamma::ln_gamma::<FUSED>(*v);
    }
}

#[inline(always)]
fn ln_gamma_and_digamma_all<const FUSED: bool>(x: &mut [f64], ln_gamma: &mut [f64]) {
    for (v, l) in x.iter_mut().zip(ln_gamma) {
        (*l, *v) = gamma::ln_gamma_and_digamma::<FUSED>(*v);
    }
}

#[inline(always)]
fn sum_all<const FUSED: bool>(x: &[f64]) -> f64 {
    let mut lanes = [0.0; LANES];
    let mut parts = x.chunks_exact(LANES);
    for part in &mut parts {
        for (lane, v) in lanes.iter_mut().zip(part) {
            *lane += v;
        }
    }
    for (lane, v) in lanes.iter_mut().zip(parts.remainder()) {
        *lane += v;
    }
    tree(lanes)
}

#[inline(always)]
fn dot_all<const FUSED: bool>(x: &[f64], y: &[f64]) -> f64 {
    let mut lanes = [0.0; LANES];
    let both = x.len().min(y.len());
    let mut parts = x[..both].chunks_exact(LANES);
    let mut others = y[..both].chunks_exact(LANES);
    for (part, other) in (&mut parts).zip(&mut others) {
        for k in 0..LANES {
            lanes[k] = fused::<FUSED>(part[k], other[k], lanes[k]);
        }
    }
    for ((lane, a), b) in lanes
        .iter_mut()
        .zip(parts.remainder())
        .zip(others.remainder())
    {
        *lane = fused::<FUSED>(*a, *b, *lane);
    }
    tree(lanes)
}

/// The sum of partial sums, in one order everywhere.
#[inline(always)]
fn tree(l: [f64; LANES]) -> f64 {
    ((l[0] + l[4]) + (l[2] + l[6])) + ((l[1] + l[5]) + (l[3] + l[7]))
}
