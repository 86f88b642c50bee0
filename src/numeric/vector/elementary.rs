//! exp and log of one number without branches, so that a loop over them becomes vector instructions.
//!
//! ```text
//! exp:  x = n log 2 + r, |r| <= log(2)/2      exp x = 2^n sum_k r^k / k!        (k <= 13: the rest is below 2^-57)
//! log:  x = 2^k m, m in [sqrt(1/2), sqrt 2)   log x = k log 2 + 2 artanh((m - 1) / (m + 1))
//! ```

use super::dispatch::fused;
use crate::numeric::LOG_ZERO;

// Cody & Waite: the upper part has 20 trailing zeros, so that n times it is exact.
const LN_2_HIGH: f64 = 6.931_471_803_691_238e-1;
const LN_2_LOW: f64 = 1.908_214_929_270_587_7e-10;
/// Adding and subtracting 1.5 * 2^52 rounds to the nearest integer and leaves it in the low bits.
const ROUND: f64 = 6_755_399_441_055_744.0;
const TWO_52: f64 = 4_503_599_627_370_496.0;

#[inline(always)]
pub(in crate::numeric) fn exp<const FUSED: bool>(x: f64) -> f64 {
    // Beyond these every result is 0 or infinite anyway; inside, n fits two exponents. Comparisons keep NaN.
    let x = if x < -746.0 { -746.0 } else { x };
    let x = if x > 710.0 { 710.0 } else { x };
    let shifted = fused::<FUSED>(x, std::f64::consts::LOG2_E, ROUND);
    let n = shifted - ROUND;
    let r = fused::<FUSED>(-n, LN_2_HIGH, x);
    let r = fused::<FUSED>(-n, LN_2_LOW, r);
    // sum_{k >= 2} r^(k-2) / k!
    let mut p = 1.0 / 6_227_020_800.0;
    p = fused::<FUSED>(p, r, 1.0 / 479_001_600.0);
    p = fused::<FUSED>(p, r, 1.0 / 39_916_800.0);
    p = fused::<FUSED>(p, r, 1.0 / 3_628_800.0);
    p = fused::<FUSED>(p, r, 1.0 / 362_880.0);
    p = fused::<FUSED>(p, r, 1.0 / 40_320.0);
    p = fused::<FUSED>(p, r, 1.0 / 5_040.0);
    p = fused::<FUSED>(p, r, 1.0 / 720.0);
    p = fused::<FUSED>(p, r, 1.0 / 120.0);
    p = fused::<FUSED>(p, r, 1.0 / 24.0);
    p = fused::<FUSED>(p, r, 1.0 / 6.0);
    p = fused::<FUSED>(p, r, 0.5);
    let mantissa = 1.0 + fused::<FUSED>(p * r, r, r);
    // 2^n as a product of two powers, so that overflow and gradual underflow come out of the last product.
    let biased = shifted
        .to_bits()
        .wrapping_sub(ROUND.to_bits())
        .wrapping_add(2048);
    let half = biased >> 1;
    let rest = biased.wrapping_sub(half);
    let low = f64::from_bits(half.wrapping_sub(1) << 52);
    let high = f64::from_bits(rest.wrapping_sub(1) << 52);
    mantissa * low * high
}

/// With [`LOG_ZERO`] for 0 and NaN for negative numbers.
#[inline(always)]
pub(in crate::numeric) fn log<const FUSED: bool>(x: f64) -> f64 {
    let subnormal = x < f64::MIN_POSITIVE;
    let scaled = if subnormal { x * TWO_52 } else { x };
    let shift = if subnormal { 52.0 } else { 0.0 };
    let result = log_of_normal::<FUSED>(scaled, shift);
    let result = if x == 0.0 { LOG_ZERO } else { result };
    let result = if x < 0.0 || x.is_nan() {
        f64::NAN
    } else {
        result
    };
    if x == f64::INFINITY { x } else { result }
}

/// log(x / 2^shift) of a normal number above 0.
#[inline(always)]
pub(super) fn log_of_normal<const FUSED: bool>(x: f64, shift: f64) -> f64 {
    // The bits of sqrt(1/2), where m begins, and of 1.
    const SQRT_HALF: u64 = 0x3fe6_a09e_667f_3bcd;
    const ONE: u64 = 0x3ff0_0000_0000_0000;
    let bits = x.to_bits().wrapping_add(ONE - SQRT_HALF);
    // The exponent as a number, without an integer conversion, which narrow vector units lack.
    let exponent = f64::from_bits((bits >> 52) | TWO_52.to_bits()) - (TWO_52 + 1023.0);
    let k = exponent - shift;
    let m = f64::from_bits((bits & 0x000f_ffff_ffff_ffff).wrapping_add(SQRT_HALF));
    let f = m - 1.0;
    let s = f / (2.0 + f);
    let z = s * s;
    // 2 artanh(s) = 2 s + s R(s^2), R(z) = 2 z/3 + 2 z^2/5 + ...; z <= 0.0295, so ten terms leave less than 2^-57.
    let mut p = 2.0 / 21.0;
    p = fused::<FUSED>(p, z, 2.0 / 19.0);
    p = fused::<FUSED>(p, z, 2.0 / 17.0);
    p = fused::<FUSED>(p, z, 2.0 / 15.0);
    p = fused::<FUSED>(p, z, 2.0 / 13.0);
    p = fused::<FUSED>(p, z, 2.0 / 11.0);
    p = fused::<FUSED>(p, z, 2.0 / 9.0);
    p = fused::<FUSED>(p, z, 2.0 / 7.0);
    p = fused::<FUSED>(p, z, 2.0 / 5.0);
    p = fused::<FUSED>(p, z, 2.0 / 3.0);
    let r = p * z;
    let half_square = 0.5 * f * f;
    // f - f^2/2 + s (f^2/2 + R) = log m, in an order that keeps the largest parts exact.
    let tail = fused::<FUSED>(s, half_square + r, k * LN_2_LOW);
    k * LN_2_HIGH - ((half_square - tail) - f)
}
