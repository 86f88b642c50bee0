//! exp and log of whole slices, written so that the compiler turns the loops into vector instructions.
//!
//! ```text
//! exp:  x = n log 2 + r, |r| <= log(2)/2      exp x = 2^n sum_k r^k / k!        (k <= 13: the rest is below 2^-57)
//! log:  x = 2^k m, m in [sqrt(1/2), sqrt 2)   log x = k log 2 + 2 artanh((m - 1) / (m + 1))
//! ```
//!
//! Within 2 units in the last place. On x86-64 the widest instruction set of the machine is chosen at run time. The paths
//! with fused multiply-add (AVX2, AVX-512) give the same bits as each other; the path without it may differ from them in the
//! last place.

#![allow(unsafe_code)] // calls of functions for an instruction set that was found at run time

// Cody & Waite: the upper part has 20 trailing zeros, so that n times it is exact.
const LN_2_HIGH: f64 = 6.931_471_803_691_238e-1;
const LN_2_LOW: f64 = 1.908_214_929_270_587_7e-10;
/// Adding and subtracting 1.5 * 2^52 rounds to the nearest integer and leaves it in the low bits.
const ROUND: f64 = 6_755_399_441_055_744.0;

/// Replaces each entry by its exponential.
///
/// exp 0 is exactly 1; below -745.2 the result is 0 and between there and -708.4 subnormal; above 709.8 it is infinite. NaN
/// stays NaN, and nothing else gives NaN.
pub fn exp_in_place(x: &mut [f64]) {
    dispatch(x, exp_fused_512, exp_fused_256, exp_plain);
}

/// Replaces each entry by its natural logarithm.
///
/// The log of 0 is [`super::LOG_ZERO`], not minus infinity; of a negative number NaN.
pub fn log_in_place(x: &mut [f64]) {
    dispatch(x, log_fused_512, log_fused_256, log_plain);
}

/// Calls the function for the widest instruction set of this machine: AVX-512, AVX2 with fused multiply-add, or neither.
macro_rules! choose {
    ($wide:expr, $narrow:expr, $plain:expr) => {{
        #[cfg(target_arch = "x86_64")]
        {
            let fma = is_x86_feature_detected!("fma");
            if fma && is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512dq") {
                // SAFETY: the instruction sets that the function asks for were just found.
                unsafe { $wide }
            } else if fma && is_x86_feature_detected!("avx2") {
                // SAFETY: as above.
                unsafe { $narrow }
            } else {
                $plain
            }
        }
        #[cfg(not(target_arch = "x86_64"))]
        {
            $plain
        }
    }};
}
pub(in crate::numeric) use choose;

type Kernel = unsafe fn(&mut [f64]);

#[cfg(target_arch = "x86_64")]
fn dispatch(x: &mut [f64], fused_512: Kernel, fused_256: Kernel, plain: fn(&mut [f64])) {
    let fma = is_x86_feature_detected!("fma");
    if fma && is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512dq") {
        // SAFETY: the instruction sets that the function asks for were just found.
        unsafe { fused_512(x) }
    } else if fma && is_x86_feature_detected!("avx2") {
        // SAFETY: as above.
        unsafe { fused_256(x) }
    } else {
        plain(x);
    }
}

#[cfg(not(target_arch = "x86_64"))]
fn dispatch(x: &mut [f64], _: Kernel, _: Kernel, plain: fn(&mut [f64])) {
    plain(x);
}

#[cfg_attr(
    target_arch = "x86_64",
    target_feature(enable = "avx512f,avx512dq,fma")
)]
fn exp_fused_512(x: &mut [f64]) {
    for v in x {
        *v = exp::<true>(*v);
    }
}

#[cfg_attr(target_arch = "x86_64", target_feature(enable = "avx2,fma"))]
fn exp_fused_256(x: &mut [f64]) {
    for v in x {
        *v = exp::<true>(*v);
    }
}

fn exp_plain(x: &mut [f64]) {
    for v in x {
        *v = exp::<false>(*v);
    }
}

#[cfg_attr(
    target_arch = "x86_64",
    target_feature(enable = "avx512f,avx512dq,fma")
)]
fn log_fused_512(x: &mut [f64]) {
    for v in x {
        *v = log::<true>(*v);
    }
}

#[cfg_attr(target_arch = "x86_64", target_feature(enable = "avx2,fma"))]
fn log_fused_256(x: &mut [f64]) {
    for v in x {
        *v = log::<true>(*v);
    }
}

fn log_plain(x: &mut [f64]) {
    for v in x {
        *v = log::<false>(*v);
    }
}

/// a b + c, rounded once where the instruction exists: without it `mul_add` is a slow call.
#[inline(always)]
pub(in crate::numeric) fn fused<const FUSED: bool>(a: f64, b: f64, c: f64) -> f64 {
    if FUSED { a.mul_add(b, c) } else { a * b + c }
}

#[inline(always)]
fn exp<const FUSED: bool>(x: f64) -> f64 {
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

#[inline(always)]
fn log<const FUSED: bool>(x: f64) -> f64 {
    const TWO_52: f64 = 4_503_599_627_370_496.0;
    // The bits of sqrt(1/2), where m begins, and of 1.
    const SQRT_HALF: u64 = 0x3fe6_a09e_667f_3bcd;
    const ONE: u64 = 0x3ff0_0000_0000_0000;
    let subnormal = x < f64::MIN_POSITIVE;
    let scaled = if subnormal { x * TWO_52 } else { x };
    let shift = if subnormal { 52.0 } else { 0.0 };
    let bits = scaled.to_bits().wrapping_add(ONE - SQRT_HALF);
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
    let result = k * LN_2_HIGH - ((half_square - tail) - f);
    let result = if x == 0.0 { super::LOG_ZERO } else { result };
    let result = if x < 0.0 || x.is_nan() {
        f64::NAN
    } else {
        result
    };
    if x == f64::INFINITY { x } else { result }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ulps(a: f64, b: f64) -> u64 {
        (a.to_bits() as i64).abs_diff(b.to_bits() as i64)
    }

    /// All three paths that this machine can run.
    fn paths(name: &str) -> Vec<fn(&mut [f64])> {
        if name == "exp" {
            vec![exp_in_place, exp_plain, |x| {
                #[cfg(target_arch = "x86_64")]
                if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
                    // SAFETY: both were just found.
                    unsafe { exp_fused_256(x) }
                    return;
                }
                exp_plain(x);
            }]
        } else {
            vec![log_in_place, log_plain, |x| {
                #[cfg(target_arch = "x86_64")]
                if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
                    // SAFETY: both were just found.
                    unsafe { log_fused_256(x) }
                    return;
                }
                log_plain(x);
            }]
        }
    }

    #[test]
    fn exp_is_within_two_units_in_the_last_place() {
        let mut inputs: Vec<f64> = (0..200_001)
            .map(|i| -745.0 + 1454.7 * f64::from(i) / 200_000.0)
            .collect();
        inputs.extend((0..20_001).map(|i| (f64::from(i) - 10_000.0) * 1e-4));
        inputs.extend([
            1e-300, -1e-300, 5e-324, 1e-17, -708.4, -708.0, 709.0, 709.78,
        ]);
        for path in paths("exp") {
            let mut got = inputs.clone();
            path(&mut got);
            for (x, y) in inputs.iter().zip(&got) {
                assert!(
                    ulps(*y, x.exp()) <= 2,
                    "exp({x:e}) = {y:e}, not {:e}",
                    x.exp()
                );
            }
        }
    }

    #[test]
    fn exp_at_the_edges() {
        for path in paths("exp") {
            let mut x = [
                0.0,
                -0.0,
                -746.0,
                super::super::LOG_ZERO,
                f64::NEG_INFINITY,
                710.0,
                f64::INFINITY,
                f64::NAN,
            ];
            path(&mut x);
            assert_eq!(x[..5], [1.0, 1.0, 0.0, 0.0, 0.0]);
            assert_eq!(x[5..7], [f64::INFINITY; 2]);
            assert!(x[7].is_nan());
        }
    }

    #[test]
    fn log_is_within_two_units_in_the_last_place() {
        let mut inputs: Vec<f64> = (0..200_001)
            .map(|i| 2f64.powf(-1074.0 + 2097.9 * f64::from(i) / 200_000.0))
            .collect();
        inputs.extend((1..40_001).map(|i| f64::from(i) * 1e-4));
        inputs.extend([
            1.0 + f64::EPSILON,
            1.0 - f64::EPSILON,
            f64::MAX,
            f64::MIN_POSITIVE,
            5e-324,
        ]);
        for path in paths("log") {
            let mut got = inputs.clone();
            path(&mut got);
            for (x, y) in inputs.iter().zip(&got) {
                assert!(
                    ulps(*y, x.ln()) <= 2,
                    "log({x:e}) = {y:e}, not {:e}",
                    x.ln()
                );
            }
        }
    }

    #[test]
    fn log_at_the_edges() {
        for path in paths("log") {
            let mut x = [
                1.0,
                0.0,
                -0.0,
                f64::INFINITY,
                -1.0,
                f64::NEG_INFINITY,
                f64::NAN,
            ];
            path(&mut x);
            assert_eq!(x[0].to_bits(), 0);
            assert_eq!(x[1..3], [super::super::LOG_ZERO; 2]);
            assert_eq!(x[3], f64::INFINITY);
            assert!(x[4..].iter().all(|v| v.is_nan()));
        }
    }

    #[test]
    fn high_precision_values() {
        // Forty-digit evaluations.
        let mut x = [1.0, -1.0, 10.0, -700.0, 0.1];
        exp_in_place(&mut x);
        let want = [
            std::f64::consts::E,
            0.367_879_441_171_442_33,
            22_026.465_794_806_718,
            9.859_676_543_759_77e-305,
            1.105_170_918_075_647_7,
        ];
        for (a, b) in x.iter().zip(want) {
            assert!(ulps(*a, b) <= 2, "{a} {b}");
        }
        let mut x = [10.0, 0.1, 1.1, 1e-310];
        log_in_place(&mut x);
        let want = [
            std::f64::consts::LN_10,
            -2.302_585_092_994_045_5,
            9.531_017_980_432_493e-2,
            -713.801_378_828_154,
        ];
        for (a, b) in x.iter().zip(want) {
            assert!(ulps(*a, b) <= 2, "{a} {b}");
        }
    }
}
