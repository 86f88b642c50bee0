//! Bounds that replace a function by one that is quadratic, or a sum, each with the parameter that makes it tight.
//!
//! ```text
//! log s(x) >= log s(xi) + (x - xi)/2 - l(xi) (x^2 - xi^2),    l = tanh(xi/2)/(4 xi)        tight at xi = +-x
//! |x| <= (x^2/xi + xi)/2                                                                   tight at xi = |x|
//! log sum_k e^(x_k) <= a + sum_k log(1 + e^(x_k - a))            tightest where sum_k s(x_k - a) = 1
//! log S <= S/z + log z - 1                                       tight at z = S
//! ```
//!
//! s is the logistic function. In expectation the first two are tightest at xi = sqrt(`E[x^2]`). Jaakkola & Jordan (2000);
//! Bouchard (2007), where an error of at most log 2 per term remains; the last is the tangent of the logarithm.

use super::link::{Link, sigmoid};

/// The Jaakkola-Jordan lower bound on log s(x), given x and x^2 or their expectations; tightest at xi = sqrt(x^2).
///
/// ```
/// use pmc::numeric::bounds::log_sigmoid;
/// assert!((log_sigmoid(1.5, 2.25, 1.5) + (-1.5f64).exp().ln_1p()).abs() < 1e-15);
/// ```
#[must_use]
pub fn log_sigmoid(x: f64, square: f64, xi: f64) -> f64 {
    let weight = 0.5 * Link::PolyaGammaMean.value(xi);
    0.5 * (x - xi) - Link::Softplus.value(-xi) - weight * (square - xi * xi)
}

/// The quadratic upper bound on |x|, given x^2 or its expectation and xi > 0; tightest at xi = sqrt(x^2).
#[must_use]
pub fn absolute(square: f64, xi: f64) -> f64 {
    0.5 * (square / xi + xi)
}

/// Bouchard's upper bound on log sum exp: a sum over the entries.
#[must_use]
pub fn log_sum_exp(x: &[f64], a: f64) -> f64 {
    a + x.iter().map(|v| Link::Softplus.value(v - a)).sum::<f64>()
}

/// The a at which [`log_sum_exp`] is least, for two or more finite entries; the entry for one, 0 for none.
#[must_use]
pub fn best_shift(x: &[f64]) -> f64 {
    // At the second largest entry the sum is at least 1/2 + 1/2, at the largest plus log n below n/(n + 1).
    let (mut largest, mut second) = (f64::NEG_INFINITY, f64::NEG_INFINITY);
    for &v in x {
        if v > largest {
            (largest, second) = (v, largest);
        } else if v > second {
            second = v;
        }
    }
    if x.len() < 2 || !largest.is_finite() || !second.is_finite() {
        return if largest.is_finite() { largest } else { 0.0 };
    }
    let (mut low, mut high) = (second, largest + (x.len() as f64).ln());
    for _ in 0..200 {
        let middle = low + 0.5 * (high - low);
        if middle <= low || middle >= high {
            break;
        }
        if x.iter().map(|v| sigmoid(v - middle)).sum::<f64>() > 1.0 {
            low = middle;
        } else {
            high = middle;
        }
    }
    high
}

/// The tangent upper bound on log S at z > 0, given S or its expectation.
#[must_use]
pub fn log_tangent(sum: f64, z: f64) -> f64 {
    sum / z + z.ln() - 1.0
}

#[cfg(test)]
mod tests {
    use super::*;

    const GRID: [f64; 9] = [-30.0, -4.0, -1.3, -0.2, 0.0, 0.4, 1.0, 5.0, 40.0];

    #[test]
    fn quadratic_bounds_hold_and_touch() {
        for x in GRID {
            let logistic = if x > 0.0 {
                -(-x).exp().ln_1p()
            } else {
                x - x.exp().ln_1p()
            };
            for xi in GRID {
                assert!(
                    log_sigmoid(x, x * x, xi) <= logistic + 1e-13 * (1.0 + x * x),
                    "{x} {xi}"
                );
                if xi > 0.0 {
                    assert!(absolute(x * x, xi) >= x.abs() - 1e-14);
                }
            }
            for xi in [x, -x] {
                let gap = log_sigmoid(x, x * x, xi) - logistic;
                assert!(gap.abs() < 1e-13, "{x} {gap}");
            }
            assert!(x == 0.0 || (absolute(x * x, x.abs()) - x.abs()).abs() < 1e-14);
        }
    }

    #[test]
    fn in_expectation_the_root_mean_square_is_best() {
        // x = 0.7 or -1.9 with equal chance: no xi on a grid does better.
        let (x, square) = (-0.6, 0.5 * (0.49 + 3.61));
        let (xi, bound) = (f64::sqrt(square), log_sigmoid(x, square, f64::sqrt(square)));
        for i in 1..400 {
            let other = 0.01 * f64::from(i);
            assert!(log_sigmoid(x, square, other) <= bound + 1e-15);
            assert!(absolute(square, other) >= absolute(square, xi) - 1e-15);
        }
    }

    #[test]
    fn sums_of_exponentials_are_bounded_from_above() {
        let rows: [&[f64]; 5] = [
            &[0.0, 0.0],
            &[1.0, -2.0, 0.5],
            &[30.0, -30.0],
            &[7.0, 7.0, 7.0, 7.0],
            &[-900.0, 800.0],
        ];
        for x in rows {
            let top = x.iter().fold(f64::NEG_INFINITY, |m, v| m.max(*v));
            let exact = top + x.iter().map(|v| (v - top).exp()).sum::<f64>().ln();
            let best = best_shift(x);
            let bound = log_sum_exp(x, best);
            assert!(bound >= exact - 1e-12 * exact.abs());
            assert!(bound - exact <= 2f64.ln() * x.len() as f64);
            for i in -200..200 {
                let other = log_sum_exp(x, best + 0.05 * f64::from(i));
                assert!(other >= bound - 1e-12 * bound.abs(), "{x:?}");
            }
            let total: f64 = x.iter().map(|v| 1.0 / (1.0 + (best - v).exp())).sum();
            assert!((total - 1.0).abs() < 1e-12, "{x:?} {total}");
        }
        // Two equal entries: a = x, and an error of log 2.
        assert!(
            (log_sum_exp(&[3.0, 3.0], best_shift(&[3.0, 3.0])) - 3.0 - 2.0 * 2f64.ln()).abs()
                < 1e-14
        );
        assert_eq!((best_shift(&[]), best_shift(&[2.0])), (0.0, 2.0));
        for s in [0.1f64, 1.0, 70.0] {
            for z in [0.05, 1.0, 3.0, 1e3] {
                assert!(log_tangent(s, z) >= s.ln() - 1e-15);
            }
            assert!((log_tangent(s, s) - s.ln()).abs() < 1e-14);
        }
    }
}
