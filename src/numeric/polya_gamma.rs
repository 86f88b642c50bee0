//! The Polya-Gamma distribution PG(b, c), which makes a logistic likelihood Gaussian in its predictor.
//!
//! ```text
//! e^(a psi) / (1 + e^psi)^b = 2^-b e^(kappa psi) int e^(-w psi^2/2) PG(w | b, 0) dw,      kappa = a - b/2
//! PG(w | b, c) = cosh(c/2)^b e^(-c^2 w/2) PG(w | b, 0)
//! PG(w | b, 0) = 2^(b-1)/Gamma(b) sum_n (-1)^n Gamma(n+b)/n! (2n+b)/sqrt(2 pi w^3) e^(-(2n+b)^2/(8w))
//! E[w] = b tanh(c/2)/(2c)      E[e^(-t w)] = cosh(sqrt(t/2))^-b  for c = 0
//! ```
//!
//! Polson, Scott & Windle (2013). Where the series cancels, in the right tail and for large b, the density is the inverse
//! of its Laplace transform along the line through the saddle point, where nothing does. Draws: Devroye's method for
//! b = 1, as in that paper, added up.

mod draw;

pub use draw::draw;

use super::link::Link;
use super::quadrature::rule::{Accuracy, refine};
use super::special::ln_gamma;
use std::f64::consts::{LN_2, PI};

/// The mean.
///
/// ```
/// assert_eq!(pmc::numeric::polya_gamma::mean(2.0, 0.0), 0.5);
/// ```
#[must_use]
pub fn mean(b: f64, c: f64) -> f64 {
    b * Link::PolyaGammaMean.value(c)
}

/// The variance.
#[must_use]
pub fn variance(b: f64, c: f64) -> f64 {
    if c.abs() < 1e-8 {
        b / 24.0
    } else {
        -b * Link::PolyaGammaMean.derivative(c) / c
    }
}

/// KL(PG(b, c) || PG(b, 0)) = b log cosh(c/2) - c^2/2 E[w].
#[must_use]
pub fn divergence(b: f64, c: f64) -> f64 {
    if c.abs() < 0.05 {
        // b (c^4/192 - c^6/1440 + 17 c^8/215040 - ...), where the difference cancels.
        let z = c * c;
        return b * z * z * (1.0 / 192.0 - z * (1.0 / 1440.0 - z * 17.0 / 215_040.0));
    }
    // c^2/2 b tanh(c/2)/(2c) without its overflow.
    b * (Link::LogCosh.value(c) - 0.5 * c * Link::LogCosh.derivative(c))
}

/// log PG(w | b, c) for b > 0; minus infinity where w is not positive.
#[must_use]
pub fn log_density(w: f64, b: f64, c: f64) -> f64 {
    if w.is_nan() || w <= 0.0 || w.is_infinite() {
        return f64::NEG_INFINITY;
    }
    let at_zero = if w > 100.0 * (b + 1.0) {
        log_far_tail(w, b)
    } else {
        log_series(w, b).unwrap_or_else(|| log_inversion(w, b))
    };
    at_zero + b * Link::LogCosh.value(c) - 0.5 * c * c * w
}

/// The alternating series; None where its terms cancel.
fn log_series(w: f64, b: f64) -> Option<f64> {
    let (mut sum, mut largest) = (1.0, 1.0f64);
    // Gamma(n + b) / (Gamma(b) n!)
    let mut weight = 1.0;
    for n in 1..1000 {
        let n = f64::from(n);
        weight *= -(n - 1.0 + b) / n;
        let term = weight * (2.0 * n + b) / b * (-0.5 * n * (n + b) / w).exp();
        sum += term;
        largest = largest.max(term.abs());
        if largest > 1e3 {
            return None;
        }
        if term.abs() < 1e-18 * sum && 2.0 * n * n > w {
            break;
        }
    }
    let first =
        (b - 1.0) * LN_2 + b.ln() - 0.5 * (2.0 * PI).ln() - 1.5 * w.ln() - b * b / (8.0 * w);
    (sum > 1e-3 * largest).then(|| first + sum.ln())
}

/// The leading term of the right tail, (2 pi)^b w^(b-1) e^(-pi^2 w/2) / Gamma(b), from the pole of the transform; off by a
/// part b/w where the density is below e^-490.
fn log_far_tail(w: f64, b: f64) -> f64 {
    b * (2.0 * PI).ln() + (b - 1.0) * w.ln() - 0.5 * PI * PI * w - ln_gamma(b)
}

/// tanh(sqrt v)/sqrt v, tan for negative v > -pi^2/4; falls from infinity to 0.
fn tanh_ratio(v: f64) -> f64 {
    if v.abs() < 1e-6 {
        1.0 - v / 3.0
    } else if v > 0.0 {
        v.sqrt().tanh() / v.sqrt()
    } else {
        (-v).sqrt().tan() / (-v).sqrt()
    }
}

/// The direction in which the line of the inversion leaves the saddle point.
const ANGLE: f64 = 0.6 * PI;

/// The inverse Laplace transform through the saddle point.
///
/// ```text
/// p(w) = 1/(2 pi i) int exp(w s - b log cosh z) ds,   z = sqrt(s/2),   b tanh(z)/(4z) = w at the saddle point
/// ```
///
/// The line is bent there towards the left, where exp(w s) falls; the poles lie on the real line, left of its corner.
fn log_inversion(w: f64, b: f64) -> f64 {
    // v = s/2 by bisection: its precision moves the line alone.
    let target = 4.0 * w / b;
    let (mut low, mut high) = (-0.25 * PI * PI, 1.0);
    while tanh_ratio(high) > target && high < 1e300 {
        high *= 4.0;
    }
    for _ in 0..100 {
        let middle = 0.5 * (low + high);
        if tanh_ratio(middle) > target {
            low = middle;
        } else {
            high = middle;
        }
    }
    let v = high;
    let log_cosh = if v >= 0.0 {
        Link::LogCosh.value(2.0 * v.sqrt())
    } else {
        (-v).sqrt().cos().ln()
    };
    let peak = 2.0 * v * w - b * log_cosh;
    // Along the rays s = 2 v + r exp(+-i angle), r = y^2: exponent and phase of exp(w s) cosh(z)^-b.
    let (sin_angle, cos_angle) = ANGLE.sin_cos();
    let at = |y: f64| -> (f64, f64) {
        let r = y * y;
        let (a, d) = (v + 0.5 * r * cos_angle, 0.5 * r * sin_angle);
        // z = sqrt(a + i d), its real part positive, without cancellation.
        let larger = (0.5 * (a.hypot(d) + a.abs())).sqrt();
        let other = if larger > 0.0 { 0.5 * d / larger } else { 0.0 };
        let (re, im) = if a >= 0.0 {
            (larger, other)
        } else {
            (other, larger)
        };
        // log cosh z = z + log(1 + e^(-2z)) - log 2
        let decay = (-2.0 * re).exp();
        let (real, imaginary) = (1.0 + decay * (2.0 * im).cos(), -decay * (2.0 * im).sin());
        let log_size = re + real.hypot(imaginary).ln() - LN_2;
        let phase = im + imaginary.atan2(real);
        let exponent = w * (2.0 * v + r * cos_angle) - b * log_size - peak;
        (exponent, w * r * sin_angle - b * phase)
    };
    let mut integrand = |y: f64, out: &mut [f64]| {
        let (exponent, phase) = at(y);
        out[0] = 2.0 * y * exponent.exp() * (phase + ANGLE).sin();
    };
    let mut last = 1e3 / b + 100.0 * (v.abs() + 1.0).sqrt();
    while last > 1e-100 && at(0.5 * last).0 < -45.0 {
        last *= 0.5;
    }
    let breaks: Vec<f64> = (0..=16).map(|i| last * f64::from(i) / 16.0).collect();
    let accuracy = Accuracy {
        tolerance: 1e-12,
        rounding: &|_| 1e-15,
        budget: 6_000,
    };
    let panels = refine(&breaks, 1, &mut integrand, &accuracy);
    let integral: f64 = panels.iter().map(|p| p.integral[0]).sum();
    peak + (integral.max(0.0) / PI).ln()
}

#[cfg(test)]
mod tests;
