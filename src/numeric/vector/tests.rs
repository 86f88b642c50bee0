//! The formulas of the kernels, fused and not, against double-double arithmetic.

mod double_double;

use super::*;
use double_double::{Double, ulps};
use elementary as formula;

/// A formula as each path evaluates it: once fused, once not. That the kernels hold the same bits is checked where nothing else
/// runs in the process (tests/deterministic).
type Pair = [fn(f64) -> f64; 2];

const EXP: Pair = [formula::exp::<true>, formula::exp::<false>];
const LOG: Pair = [formula::log::<true>, formula::log::<false>];
const DIGAMMA: Pair = [gamma::digamma::<true>, gamma::digamma::<false>];
const LN_GAMMA: Pair = [gamma::ln_gamma::<true>, gamma::ln_gamma::<false>];

/// Evenly spaced numbers.
fn grid(from: f64, to: f64, n: u32) -> impl Iterator<Item = f64> {
    (0..=n).map(move |i| from + (to - from) * f64::from(i) / f64::from(n))
}

fn worst(pair: Pair, inputs: &[f64], reference: impl Fn(f64) -> Double) -> f64 {
    let mut worst = 0.0f64;
    for x in inputs {
        let want = reference(*x);
        for f in pair {
            worst = worst.max(ulps(f(*x), want));
        }
    }
    worst
}

#[test]
fn exp_is_within_two_units_in_the_last_place() {
    let mut inputs: Vec<f64> = grid(-708.3, 709.7, 60_000).collect();
    inputs.extend(grid(-1.0, 1.0, 20_000));
    inputs.extend([1e-300, -1e-300, 5e-324, 1e-17, -708.0, 709.0, 709.78]);
    let found = worst(EXP, &inputs, |x| Double::from(x).exp());
    assert!(found <= 2.0, "{found}");
    // Subnormal results are rounded twice: half a unit more.
    let subnormal: Vec<f64> = grid(-744.0, -708.5, 5_000).collect();
    let power = 2f64.powi(-60);
    let found = worst(EXP, &subnormal, |x| {
        let shifted = Double::from(x).plus(double_double::LN_2.times(60.0.into()));
        let high = shifted.exp();
        Double {
            high: high.high * power,
            low: 0.0,
        }
    });
    assert!(found <= 2.0, "{found}");
}

#[test]
fn exp_at_the_edges() {
    for f in EXP {
        let zeros = [-746.0, crate::numeric::LOG_ZERO, f64::NEG_INFINITY];
        assert!(zeros.iter().all(|x| f(*x) == 0.0));
        assert_eq!([f(0.0), f(-0.0)], [1.0, 1.0]);
        assert_eq!([f(710.0), f(f64::INFINITY)], [f64::INFINITY; 2]);
        assert!(f(f64::NAN).is_nan());
    }
}

#[test]
fn log_is_within_two_units_in_the_last_place() {
    // Newton's steps need x exp(-log x), so the reference goes by x = m 2^k.
    let reference = |x: f64| {
        let k = x.log2().floor();
        let half = (0.5 * k).trunc();
        let m = x * 2f64.powf(-half) * 2f64.powf(half - k);
        Double::from(m)
            .ln()
            .plus(double_double::LN_2.times(k.into()))
    };
    let mut inputs: Vec<f64> = grid(-1073.9, 1023.9, 40_000).map(f64::exp2).collect();
    inputs.extend(grid(1e-4, 4.0, 20_000));
    inputs.extend([1.0 + f64::EPSILON, 1.0 - f64::EPSILON, 1.0 + 1e-9]);
    inputs.extend([f64::MAX, f64::MIN_POSITIVE, 5e-324, 1e-310]);
    let found = worst(LOG, &inputs, reference);
    assert!(found <= 2.0, "{found}");
}

#[test]
fn log_at_the_edges() {
    for f in LOG {
        assert_eq!(f(1.0).to_bits(), 0);
        assert_eq!([f(0.0), f(-0.0)], [crate::numeric::LOG_ZERO; 2]);
        assert_eq!(f(f64::INFINITY), f64::INFINITY);
        let none = [-1.0, f64::NEG_INFINITY, f64::NAN];
        assert!(none.iter().all(|x| f(*x).is_nan()));
    }
}

/// B_2k as fractions, k = 1, 2, ...
const BERNOULLI: [(f64, f64); 12] = [
    (1.0, 6.0),
    (-1.0, 30.0),
    (1.0, 42.0),
    (-1.0, 30.0),
    (5.0, 66.0),
    (-691.0, 2730.0),
    (7.0, 6.0),
    (-3617.0, 510.0),
    (43_867.0, 798.0),
    (-174_611.0, 330.0),
    (854_513.0, 138.0),
    (-236_364_091.0, 2730.0),
];

/// digamma by 40 steps of the recurrence and twelve terms, in double-double arithmetic.
fn digamma_reference(x: f64) -> Double {
    let one = Double::from(1.0);
    let mut y = Double::from(x);
    let mut sum = Double::from(0.0);
    while y.high < 40.0 {
        sum = sum.minus(one.over(y));
        y = y.plus(one);
    }
    sum = sum.plus(y.ln()).minus(Double::from(0.5).over(y));
    let z = one.over(y).times(one.over(y));
    let mut power = one;
    for (k, (n, d)) in BERNOULLI.iter().enumerate() {
        power = power.times(z);
        let b = Double::from(*n).over((*d * 2.0 * (k as f64 + 1.0)).into());
        sum = sum.minus(b.times(power));
    }
    sum
}

/// log Gamma likewise; the product of the steps is taken in parts of four, which neither overflow nor underflow.
fn ln_gamma_reference(x: f64) -> Double {
    let one = Double::from(1.0);
    let mut y = Double::from(x);
    let mut sum = Double::from(0.0);
    while y.high < 40.0 {
        sum = sum.minus(y.ln());
        y = y.plus(one);
    }
    // log(2 pi) / 2
    let constant = Double {
        high: 0.918_938_533_204_672_8,
        low: -3.878_294_158_067_242e-17,
    };
    sum = sum
        .plus(y.minus(0.5.into()).times(y.ln()))
        .minus(y)
        .plus(constant);
    let inverse = one.over(y);
    let z = inverse.times(inverse);
    let mut power = inverse;
    for (k, (n, d)) in BERNOULLI.iter().enumerate() {
        let k = k as f64 + 1.0;
        let b = Double::from(*n).over((*d * 2.0 * k * (2.0 * k - 1.0)).into());
        sum = sum.plus(b.times(power));
        power = power.times(z);
    }
    sum
}

fn gamma_inputs() -> Vec<f64> {
    let mut inputs: Vec<f64> = grid(-290.0, 290.0, 3000).map(|e| 10f64.powf(e)).collect();
    inputs.extend(grid(0.01, 12.0, 6000));
    inputs.extend(grid(1.2, 1.7, 2000));
    inputs.extend([7.999_999_999_999_999, 8.0, 1e-299, 1.0, 2.0]);
    inputs
}

#[test]
fn digamma_keeps_fourteen_digits() {
    let mut worst = (0.0, 0.0);
    for x in gamma_inputs() {
        let want = digamma_reference(x);
        for f in DIGAMMA {
            let error = ((f(x) - want.high) - want.low).abs() / want.high.abs();
            if error > worst.0 {
                worst = (error, x);
            }
        }
    }
    assert!(worst.0 <= 1e-14, "{worst:?}");
}

#[test]
fn digamma_is_accurate_relatively_even_at_its_root() {
    for step in [1e-15, 1e-12, 1e-8, 1e-4, 0.2099, 0.2101] {
        for x in [
            1.461_632_144_968_362_3 + step,
            1.461_632_144_968_362_3 - step,
        ] {
            let want = digamma_reference(x);
            for f in DIGAMMA {
                // The reference itself has 1e-30 absolutely.
                let error = ((f(x) - want.high) - want.low).abs();
                assert!(error <= 1e-14 * want.high.abs(), "{x}: {error:e}");
            }
        }
    }
}

#[test]
fn ln_gamma_keeps_fourteen_digits() {
    let mut worst = (0.0, 0.0);
    for x in gamma_inputs() {
        let want = ln_gamma_reference(x);
        for f in LN_GAMMA {
            let error = ((f(x) - want.high) - want.low).abs() / want.high.abs().max(1.0);
            if error > worst.0 {
                worst = (error, x);
            }
        }
    }
    assert!(worst.0 <= 1e-14, "{worst:?}");
}

#[test]
fn gamma_functions_at_the_edges() {
    for f in DIGAMMA {
        assert_eq!([f(0.0), f(5e-324)], [f64::NEG_INFINITY; 2]);
        assert_eq!(f(f64::INFINITY), f64::INFINITY);
        assert!((f(1e-308) / -1e308 - 1.0).abs() < 1e-15);
        assert!((f(f64::MAX) - f64::MAX.ln()).abs() < 1e-12);
        assert!([-0.5, f64::NAN].iter().all(|x| f(*x).is_nan()));
    }
    for f in LN_GAMMA {
        assert_eq!([f(0.0), f(f64::INFINITY), f(f64::MAX)], [f64::INFINITY; 3]);
        assert!((f(5e-324) + 5e-324f64.ln()).abs() < 1e-12);
        assert!([-0.5, f64::NAN].iter().all(|x| f(*x).is_nan()));
    }
}

#[test]
fn a_sum_is_the_sum_whatever_its_length() {
    for n in 0..40 {
        let x: Vec<f64> = (1..=n).map(f64::from).collect();
        assert_eq!(sum(&x), f64::from(n * (n + 1) / 2));
        let y: Vec<f64> = x.iter().map(|v| 2.0 * v).collect();
        assert_eq!(dot(&x, &y), f64::from(n * (n + 1) * (2 * n + 1) / 3));
    }
}
