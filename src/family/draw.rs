//! Draws that several families share.
//!
//! Values of gamma type are drawn as logarithms: with a shape of 0.001 half of all draws lie below the smallest number.

use rand::{Rng, RngExt};
use rand_distr::{Distribution, StandardNormal};

/// A standard normal number.
pub(super) fn normal(rng: &mut dyn Rng) -> f64 {
    StandardNormal.sample(rng)
}

/// A uniform number above 0, at most 1.
pub(super) fn uniform(rng: &mut dyn Rng) -> f64 {
    1.0 - rng.random::<f64>()
}

/// The logarithm of a gamma number of this shape and rate 1.
///
/// Below shape 1: log G(a) = log G(a + 1) + log(U) / a.
pub(super) fn log_gamma(shape: f64, rng: &mut dyn Rng) -> f64 {
    if shape < 1.0 {
        log_gamma(shape + 1.0, rng) + uniform(rng).ln() / shape
    } else {
        match rand_distr::Gamma::new(shape, 1.0) {
            Ok(gamma) => gamma.sample(rng).ln(),
            // Only a shape that is no positive finite number; callers have checked it.
            Err(_) => 0.0,
        }
    }
}

/// exp of `log`, kept within the positive numbers.
pub(super) fn positive(log: f64) -> f64 {
    log.exp().clamp(f64::MIN_POSITIVE, f64::MAX)
}

/// The lower factor of a Wishart draw of identity scale (Bartlett): normals below the diagonal, chi numbers on it.
pub(super) fn bartlett(df: f64, d: usize, rng: &mut dyn Rng) -> Vec<f64> {
    let mut factor = vec![0.0; d * d];
    for i in 0..d {
        for j in 0..i {
            factor[i * d + j] = normal(rng);
        }
        // chi^2 with k degrees of freedom is 2 Gamma(k / 2).
        let log = std::f64::consts::LN_2 + log_gamma(0.5 * (df - i as f64), rng);
        factor[i * d + i] = positive(0.5 * log);
    }
    factor
}

/// A normal number z given z > u, minus u: Robert (1995) for u above 0, plain rejection below.
pub(super) fn excess(u: f64, rng: &mut dyn Rng) -> f64 {
    if u <= 0.0 {
        loop {
            let z = normal(rng);
            if z > u {
                return z - u;
            }
        }
    }
    // At most 1.32 proposals on average. Written as 2 / (root - u) the difference rate - u does not cancel.
    let root = u.hypot(2.0);
    let rate = 0.5 * (u + root);
    let offset = 2.0 / (root + u);
    loop {
        let y = -uniform(rng).ln() / rate;
        let distance = y - offset;
        if uniform(rng).ln() <= -0.5 * distance * distance {
            return y.max(f64::MIN_POSITIVE);
        }
    }
}

/// A number h >= 0 with log density -a h^2/2 - k h, for parameters that [`crate::numeric::half_normal::half_line`] accepts.
pub(super) fn half_line(a: f64, k: f64, rng: &mut dyn Rng) -> f64 {
    if a > 0.0 {
        let root = a.sqrt();
        excess(k / root, rng) / root
    } else {
        -uniform(rng).ln() / k
    }
}
