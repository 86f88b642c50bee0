//! log sum exp and softmax, the one place where they are written.
//!
//! ```text
//! log Z = m + log sum_i exp(x_i - m),   m = max x        softmax_i = exp(x_i - log Z)
//! ```
//!
//! Entries may be [`super::LOG_ZERO`] or minus infinity; the result is never NaN unless an entry is.

use super::vector::exp_in_place;

/// log of the sum of exp; minus infinity for no entries or none above it.
///
/// ```
/// let log_z = pmc::numeric::logsumexp::logsumexp(&[1000.0, 1000.0]);
/// assert!((log_z - 1000.0 - 2f64.ln()).abs() < 1e-12);
/// ```
#[must_use]
pub fn logsumexp(x: &[f64]) -> f64 {
    let max = maximum(x);
    if max.is_infinite() || max.is_nan() {
        return max;
    }
    max + x.iter().map(|v| (v - max).exp()).sum::<f64>().ln()
}

/// Replaces x by its softmax and returns log Z.
///
/// Where every entry is minus infinity the result is uniform and log Z minus infinity; entries at plus infinity share
/// the mass.
pub fn softmax_in_place(x: &mut [f64]) -> f64 {
    let max = maximum(x);
    if max.is_nan() {
        x.fill(f64::NAN);
        return max;
    }
    if max.is_infinite() {
        for v in x.iter_mut() {
            *v = if *v == max { 1.0 } else { 0.0 };
        }
    } else {
        for v in x.iter_mut() {
            *v -= max;
        }
        exp_in_place(x);
    }
    let sum: f64 = x.iter().sum();
    for v in x.iter_mut() {
        *v /= sum;
    }
    max + sum.ln()
}

/// The largest entry; NaN if one is NaN, minus infinity if there is none.
fn maximum(x: &[f64]) -> f64 {
    let mut max = f64::NEG_INFINITY;
    for &v in x {
        if v > max || v.is_nan() {
            max = v;
        }
        if max.is_nan() {
            break;
        }
    }
    max
}

#[cfg(test)]
mod tests {
    use super::super::LOG_ZERO;
    use super::*;

    #[test]
    fn edges_have_no_nan() {
        assert_eq!(logsumexp(&[]), f64::NEG_INFINITY);
        assert_eq!(logsumexp(&[f64::NEG_INFINITY; 3]), f64::NEG_INFINITY);
        assert_eq!(logsumexp(&[LOG_ZERO; 3]), LOG_ZERO);
        assert_eq!(logsumexp(&[LOG_ZERO, -3.0]), -3.0);
        assert_eq!(logsumexp(&[f64::INFINITY, 0.0]), f64::INFINITY);
        assert!(logsumexp(&[0.0, f64::NAN, 1.0]).is_nan());

        let mut x = [LOG_ZERO, 2.0, LOG_ZERO];
        assert_eq!(softmax_in_place(&mut x), 2.0);
        assert_eq!(x, [0.0, 1.0, 0.0]);
        let mut x = [LOG_ZERO; 4];
        assert_eq!(softmax_in_place(&mut x), LOG_ZERO);
        assert_eq!(x, [0.25; 4]);
        let mut x = [f64::NEG_INFINITY; 2];
        assert_eq!(softmax_in_place(&mut x), f64::NEG_INFINITY);
        assert_eq!(x, [0.5; 2]);
        let mut x = [f64::INFINITY, 1e308];
        assert_eq!(softmax_in_place(&mut x), f64::INFINITY);
        assert_eq!(x, [1.0, 0.0]);
        let mut x = [1e308, -1e308];
        assert_eq!(softmax_in_place(&mut x), 1e308);
        assert_eq!(x, [1.0, 0.0]);
        assert_eq!(softmax_in_place(&mut []), f64::NEG_INFINITY);
    }

    #[test]
    fn shifts_do_not_matter() {
        let x = [0.3, -1.7, 2.4, 0.0, -30.0];
        let direct: f64 = x.iter().map(|v: &f64| v.exp()).sum();
        assert!((logsumexp(&x) - direct.ln()).abs() < 1e-15);
        for shift in [-700.0, 0.0, 1e4] {
            let mut y: Vec<f64> = x.iter().map(|v| v + shift).collect();
            assert!((softmax_in_place(&mut y) - direct.ln() - shift).abs() < 1e-11);
            for (a, b) in x.iter().zip(&y) {
                assert!((a.exp() / direct - b).abs() < 1e-12);
            }
        }
    }
}
