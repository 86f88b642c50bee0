//! Draws from PG(b, c) for whole b, by Devroye's rejection from two pieces.
//!
//! ```text
//! PG(1, c) = J/4, z = |c|/2        J ~ e^(-z^2 x/2) cosh z sum_n (-1)^n a_n(x)
//! a_n = pi (n + 1/2) (2/(pi x))^(3/2) e^(-2 (n + 1/2)^2 / x)   x <= t       from an inverse Gaussian below t
//! a_n = pi (n + 1/2) e^(-(n + 1/2)^2 pi^2 x/2)                 x > t        from an exponential above t
//! ```
//!
//! Devroye (2009); Polson, Scott & Windle (2013), section 4. The partial sums lie by turns above and below the density, so
//! that a uniform number under the first term is judged after a few of them.

use super::mean;
use crate::numeric::link::{Link, sigmoid};
use rand::{Rng, RngExt};
use rand_distr::{Distribution, Exp1, StandardNormal};
use std::f64::consts::PI;

/// Where the two forms of the series meet.
const CUT: f64 = 0.64;
/// Rejections in a row; more than one in four is never refused, so that this is never reached.
const TRIES: usize = 10_000;

/// A draw from PG(b, c); 0 for b = 0.
pub fn draw<R: Rng + ?Sized>(b: u32, c: f64, rng: &mut R) -> f64 {
    (0..b).map(|_| draw_one(c, rng)).sum()
}

fn uniform<R: Rng + ?Sized>(rng: &mut R) -> f64 {
    // In (0, 1]: its log is finite.
    1.0 - rng.random::<f64>()
}

/// A draw from PG(1, c).
fn draw_one<R: Rng + ?Sized>(c: f64, rng: &mut R) -> f64 {
    if !c.is_finite() {
        return mean(1.0, c);
    }
    let z = 0.5 * c.abs();
    let rate = PI * PI / 8.0 + 0.5 * z * z;
    let root = CUT.sqrt();
    // Log masses of the two pieces.
    let right = (0.5 * PI / rate).ln() - rate * CUT;
    let phi = |x: f64| Link::LogNormalCdf.value(x);
    let (below, above) = (
        phi((CUT * z - 1.0) / root) - z,
        phi(-(CUT * z + 1.0) / root) + z,
    );
    let left = 2f64.ln() + Link::Softplus.value(above - below) + below;
    let share = sigmoid(right - left);
    for _ in 0..TRIES {
        let x = if rng.random::<f64>() < share {
            let e: f64 = Exp1.sample(rng);
            CUT + e / rate
        } else {
            inverse_gaussian_below(z, rng)
        };
        let first = term(0, x);
        let height = uniform(rng) * first;
        let mut sum = first;
        for n in 1..200 {
            let term = term(n, x);
            if n % 2 == 1 {
                sum -= term;
                if height <= sum {
                    return 0.25 * x;
                }
            } else {
                sum += term;
                if height > sum {
                    break;
                }
            }
        }
    }
    mean(1.0, c)
}

/// a_n(x) over the factor that all n share.
fn term(n: u32, x: f64) -> f64 {
    let h = f64::from(n) + 0.5;
    if x > CUT {
        h * (-0.5 * (h * h - 0.25) * PI * PI * x).exp()
    } else {
        h * (-2.0 * (h * h - 0.25) / x).exp()
    }
}

/// An inverse Gaussian with mean 1/z and shape 1, given that it is below the cut.
fn inverse_gaussian_below<R: Rng + ?Sized>(z: f64, rng: &mut R) -> f64 {
    for _ in 0..TRIES {
        if z < 1.0 / CUT {
            let (first, second): (f64, f64) = (Exp1.sample(rng), Exp1.sample(rng));
            if first * first > 2.0 * second / CUT {
                continue;
            }
            let x = CUT / (1.0 + CUT * first).powi(2);
            if uniform(rng) <= (-0.5 * z * z * x).exp() {
                return x;
            }
        } else {
            let normal: f64 = StandardNormal.sample(rng);
            let half = 0.5 * normal * normal / z;
            // The smaller root, then by chance the larger.
            let small = 1.0 / (1.0 + half + (half * (half + 2.0)).sqrt());
            let x = if uniform(rng) <= 1.0 / (1.0 + small) {
                small / z
            } else {
                1.0 / small / z
            };
            if x < CUT {
                return x;
            }
        }
    }
    CUT.min(1.0 / z)
}
