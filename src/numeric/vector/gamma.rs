//! digamma and log Gamma of one positive number without branches.
//!
//! ```text
//! y = x + 8 for x < 8, else x
//! P(x) = x (x+1) ... (x+7) = u (u+6) (u+10) (u+12),  u = x (x+7)            for x < 8, else 1
//! digamma(x)   = log y - 1/(2y) - sum_k B_2k / (2k y^2k) - P'(x) / P(x)
//! log Gamma(x) = (y - 1/2) log y - y + log(2 pi)/2 + sum_k B_2k / (2k (2k-1) y^(2k-1)) - log P(x)
//! ```
//!
//! Abramowitz & Stegun 6.3.5, 6.3.18, 6.1.41. The eight factors of P in pairs that multiply to one quadratic each need a single
//! division. Near the root of digamma, where the parts cancel, its Taylor series there takes over.

use super::dispatch::fused;
use super::elementary::{log, log_of_normal};

// The root of digamma in two parts.
const ROOT: f64 = 1.461_632_144_968_362_3;
const ROOT_LOW: f64 = 9.549_995_429_965_697e-17;
/// The series is used this far from the root; twenty terms leave less than 2^-54 of the first.
const NEAR: f64 = 0.21;
/// The k-th derivative of digamma at its root over k!, for k = 1, 2, ...
#[rustfmt::skip]
const AT_ROOT: [f64; 20] = [
    0.967_672_245_447_621_2, -0.442_763_168_983_592_1, 0.258_499_760_955_651, -0.163_942_705_442_406_52,
    0.107_824_050_691_262_37, -0.072_199_561_256_454_71, 0.048_804_288_164_143_11, -0.033_161_126_474_847_36,
    0.022_597_648_232_218_104, -0.015_424_765_904_948_96, 0.010_538_791_616_612_175, -0.007_204_534_386_356_869,
    0.004_926_781_395_729_853, -0.003_369_801_655_439_328, 0.002_305_126_326_734_928, -0.001_576_936_771_430_197_2,
    0.001_078_825_201_916_296_7, -0.000_738_070_938_996_005_2, 0.000_504_953_265_834_602, -0.000_345_468_025_106_307_7,
];
/// Below this 1/x overflows.
const TINY: f64 = 5.6e-309;

/// What both functions need of an argument.
struct Shifted {
    y: f64,
    log_y: f64,
    /// 1/y
    inverse: f64,
    /// P(x)
    product: f64,
    /// P'(x) / P(x)
    slope: f64,
}

#[inline(always)]
fn shifted<const FUSED: bool>(x: f64) -> Shifted {
    let small = x < 8.0;
    let y = x + if small { 8.0 } else { 0.0 };
    // Where no shift is needed the polynomials are of no use, and must not overflow.
    let s = if small { x } else { 0.0 };
    let u = s * (s + 7.0);
    let product = (u * (u + 6.0)) * ((u + 10.0) * (u + 12.0));
    let product = if small { product } else { 1.0 };
    // dP/du times du/dx
    let by_u = fused::<FUSED>(4.0, u, 84.0);
    let by_u = fused::<FUSED>(by_u, u, 504.0);
    let by_u = fused::<FUSED>(by_u, u, 720.0);
    let derivative = fused::<FUSED>(2.0, s, 7.0) * by_u;
    let derivative = if small { derivative } else { 0.0 };
    // Below TINY only 1/y counts.
    let divisor = if product < 1e-307 { 1e-307 } else { product };
    let both = 1.0 / (y * divisor);
    Shifted {
        y,
        log_y: log_of_normal::<FUSED>(y, 0.0),
        inverse: both * divisor,
        product,
        slope: derivative * (both * y),
    }
}

#[inline(always)]
fn digamma_of<const FUSED: bool>(x: f64, at: &Shifted) -> f64 {
    let z = at.inverse * at.inverse;
    let mut p = 3617.0 / 8160.0;
    p = fused::<FUSED>(-p, z, 1.0 / 12.0);
    p = fused::<FUSED>(-p, z, 691.0 / 32760.0);
    p = fused::<FUSED>(-p, z, 1.0 / 132.0);
    p = fused::<FUSED>(-p, z, 1.0 / 240.0);
    p = fused::<FUSED>(-p, z, 1.0 / 252.0);
    p = fused::<FUSED>(-p, z, 1.0 / 120.0);
    p = fused::<FUSED>(-p, z, 1.0 / 12.0);
    let rest = fused::<FUSED>(z, p, 0.5 * at.inverse);
    let far = at.log_y - (rest + at.slope);
    let t = (x - ROOT) - ROOT_LOW;
    let mut series = 0.0;
    for c in AT_ROOT.iter().rev() {
        series = fused::<FUSED>(series, t, *c);
    }
    let result = if t.abs() < NEAR { series * t } else { far };
    let result = if x < TINY { f64::NEG_INFINITY } else { result };
    let result = if x == f64::INFINITY { x } else { result };
    if x < 0.0 || x.is_nan() {
        f64::NAN
    } else {
        result
    }
}

#[inline(always)]
fn ln_gamma_of<const FUSED: bool>(x: f64, at: &Shifted) -> f64 {
    const HALF_LOG_2_PI: f64 = 0.918_938_533_204_672_7;
    let z = at.inverse * at.inverse;
    let mut p = 3617.0 / 122_400.0;
    p = fused::<FUSED>(-p, z, 1.0 / 156.0);
    p = fused::<FUSED>(-p, z, 691.0 / 360_360.0);
    p = fused::<FUSED>(-p, z, 1.0 / 1188.0);
    p = fused::<FUSED>(-p, z, 1.0 / 1680.0);
    p = fused::<FUSED>(-p, z, 1.0 / 1260.0);
    p = fused::<FUSED>(-p, z, 1.0 / 360.0);
    p = fused::<FUSED>(-p, z, 1.0 / 12.0);
    let stirling = fused::<FUSED>(at.inverse, p, HALF_LOG_2_PI);
    // log y - 1 is below 1 only for y < 8, which does not occur, so that the product does not cancel.
    let main = fused::<FUSED>(at.y, at.log_y - 1.0, -0.5 * at.log_y);
    let result = (main - log::<FUSED>(at.product)) + stirling;
    let result = if x == 0.0 || x == f64::INFINITY {
        f64::INFINITY
    } else {
        result
    };
    if x < 0.0 || x.is_nan() {
        f64::NAN
    } else {
        result
    }
}

#[inline(always)]
pub(super) fn digamma<const FUSED: bool>(x: f64) -> f64 {
    digamma_of::<FUSED>(x, &shifted::<FUSED>(x))
}

#[inline(always)]
pub(super) fn ln_gamma<const FUSED: bool>(x: f64) -> f64 {
    ln_gamma_of::<FUSED>(x, &shifted::<FUSED>(x))
}

/// (log Gamma, digamma), which share all but a few operations.
#[inline(always)]
pub(super) fn ln_gamma_and_digamma<const FUSED: bool>(x: f64) -> (f64, f64) {
    let at = shifted::<FUSED>(x);
    (ln_gamma_of::<FUSED>(x, &at), digamma_of::<FUSED>(x, &at))
}
