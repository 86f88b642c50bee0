//! Small square matrices: determinants, and neighbours of a positive definite one.
//!
//! ```text
//! (I + e D) A (I + e D)      positive definite for every e where A is and I + e D is regular
//! ```

use rand::Rng;
use rand_distr::{Distribution, StandardNormal};

use crate::numeric::linalg::log_det_spd;

/// log|A|, none where A is not positive definite; 0 for no rows.
pub fn log_det(a: &[f64], n: usize) -> Option<f64> {
    if n == 0 {
        return Some(0.0);
    }
    log_det_spd(a, n).ok()
}

/// A random symmetric matrix, flat.
pub fn symmetric_direction(n: usize, len: usize, rng: &mut dyn Rng) -> Vec<f64> {
    let mut out = vec![0.0; len];
    for i in 0..n {
        for j in 0..=i {
            let x: f64 = StandardNormal.sample(rng);
            let x = x / (n as f64).sqrt();
            out[i * n + j] = x;
            out[j * n + i] = x;
        }
    }
    out
}

/// (I + e D) A (I + e D)
pub fn congruence(a: &[f64], n: usize, d: &[f64], e: f64) -> Vec<f64> {
    let m: Vec<f64> = (0..n * n)
        .map(|k| e * d[k] + f64::from(u8::from(k / n == k % n)))
        .collect();
    let product = |a: &[f64], b: &[f64]| -> Vec<f64> {
        (0..n * n)
            .map(|k| (0..n).map(|l| a[k / n * n + l] * b[l * n + k % n]).sum())
            .collect()
    };
    let mut out = product(&product(&m, a), &m);
    // Exactly symmetric, as readers of one half may differ.
    for i in 0..n {
        for j in 0..i {
            let x = 0.5 * (out[i * n + j] + out[j * n + i]);
            out[i * n + j] = x;
            out[j * n + i] = x;
        }
    }
    out
}
