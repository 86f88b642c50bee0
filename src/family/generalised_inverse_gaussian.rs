//! Generalised inverse Gaussian: a positive number with both v and 1/v in its exponent (scale mixtures).
//!
//! ```text
//! log p(v) = (p - 1) log v - (a v + b / v) / 2 - A
//! support    v > 0
//! t          log v, v, 1/v                eta = (p - 1, -a/2, -b/2)
//! A          log 2 + p/2 log(b/a) + log K_p(omega),  omega = sqrt(a b)
//! E[t]       under s = log v - log(b/a)/2: log density p s - omega cosh s
//! mode       the positive root of a v^2 / 2 - (p - 1) v - b/2 = 0
//! ```
//!
//! In s the density is log-concave and analytic, and the trapezoid rule converges geometrically: A and the three expectations
//! are sums over one grid around the mode sinh s0 = p / omega, where with x = s - s0
//!
//! ```text
//! log density(s) - log density(s0) = p (x - sinh x) - 2 sqrt(omega^2 + p^2) sinh^2(x / 2)
//! ```
//!
//! has no cancellation near the mode. b = 0 is the Gamma (p, a/2), a = 0 the inverse Gamma (-p, b/2). Jorgensen (1982); sampling by
//! Devroye's universal rejection for log-concave densities.

use super::parameter::{finite, in_range, number, read_number};
use super::{Family, Gamma, Improper, InverseGamma, ModeKind, Parameter, StatisticKind, draw};
use crate::numeric::{LOG_ZERO, log_or_floor};
use rand::Rng;

/// The generalised inverse Gaussian distribution.
#[derive(Debug, Clone, Copy)]
pub struct GeneralisedInverseGaussian;

/// A summand this far below the largest one no longer counts: exp(-45) < 2^-64.
const NEGLIGIBLE: f64 = 45.0;

/// (p, a, b) of eta.
fn coefficients(eta: &[f64]) -> Result<(f64, f64, f64), Improper> {
    finite(&eta[..3])?;
    // Adding 0 turns -0 into 0, for the message.
    let (p, a, b) = (eta[0] + 1.0, -2.0 * eta[1] + 0.0, -2.0 * eta[2] + 0.0);
    let proper = a >= 0.0 && b >= 0.0 && (b > 0.0 || p > 0.0) && (a > 0.0 || p < 0.0);
    if proper {
        Ok((p, a, b))
    } else {
        Err(Improper::new(format!(
            "p = {p}, a = {a}, b = {b} give no finite mass"
        )))
    }
}

/// The density of x = s - s0, and the constants that lead back to v.
struct Centred {
    p: f64,
    log_omega: f64,
    s0: f64,
    /// sqrt(omega^2 + p^2), the curvature at the mode.
    curvature: f64,
    /// log v at the mode of s.
    centre: f64,
    /// The log density of log v at its mode, before normalisation.
    peak: f64,
}

impl Centred {
    fn new(p: f64, a: f64, b: f64) -> Centred {
        let omega = a.sqrt() * b.sqrt();
        let curvature = omega.hypot(p);
        let shift = 0.5 * (b.ln() - a.ln());
        let ratio = p / omega;
        let s0 = if ratio.is_finite() {
            ratio.asinh()
        } else {
            ((2.0 * p.abs()).ln() - omega.ln()) * p.signum()
        };
        Centred {
            p,
            log_omega: 0.5 * (a.ln() + b.ln()),
            s0,
            curvature,
            centre: shift + s0,
            peak: p * (shift + s0) - curvature,
        }
    }

    /// log density at x relative to the mode.
    fn log(&self, x: f64) -> f64 {
        if x.abs() < 1.0 {
            let half = (0.5 * x).sinh();
            self.p * x_minus_sinh(x) - 2.0 * self.curvature * half * half
        } else {
            // Here a peak that is high enough for rounding to matter is long over, and the centred form would cancel.
            let s = self.s0 + x;
            let cosh = 0.5 * ((self.log_omega + s).exp() + (self.log_omega - s).exp());
            self.p * x - (cosh - self.curvature)
        }
    }

    /// The first grid point, counted in steps, beyond which the density times exp(sign x) is negligible.
    fn limit(&self, step: f64, sign: f64) -> i32 {
        let weighted = |i: i32| self.log(sign * step * f64::from(i)) + step * f64::from(i);
        let mut largest = 0.0f64;
        let mut i = 0;
        loop {
            i += 1;
            let plain = self.log(sign * step * f64::from(i));
            largest = largest.max(weighted(i));
            if (plain < -NEGLIGIBLE && weighted(i) < largest - NEGLIGIBLE) || i >= 1 << 20 {
                return i;
            }
        }
    }

    /// log of the integral of exp(log(x)), and the means of x, exp x, exp -x under it.
    fn integrate(&self) -> (f64, f64, f64, f64) {
        // Half the width of the peak, and never so wide that the strip of analyticity |Im x| < pi / 2 shows.
        let step = (0.5 / self.curvature.sqrt()).min(0.125);
        let (low, high) = (self.limit(step, -1.0), self.limit(step, 1.0));
        let (mut mass, mut mean, mut up, mut down) = (0.0, 0.0, 0.0, 0.0);
        for i in -low..=high {
            let x = step * f64::from(i);
            let log = self.log(x);
            let density = log.exp();
            mass += density;
            mean += density * x;
            up += (log + x).exp();
            down += (log - x).exp();
        }
        ((step * mass).ln(), mean / mass, up / mass, down / mass)
    }
}

/// x - sinh x for |x| < 1, by its series: the difference cancels.
fn x_minus_sinh(x: f64) -> f64 {
    let z = x * x;
    let mut series = 1.0;
    for k in (2..=9).rev() {
        let n = f64::from(2 * k);
        series = 1.0 + series * z / (n * (n + 1.0));
    }
    -x * z / 6.0 * series
}

impl Family for GeneralisedInverseGaussian {
    fn name(&self) -> &'static str {
        "GeneralisedInverseGaussian"
    }

    fn signature(&self) -> &'static [StatisticKind] {
        &[
            StatisticKind::Log,
            StatisticKind::Value,
            StatisticKind::Power(-1),
        ]
    }

    fn lengths(&self, _d: usize) -> Vec<usize> {
        vec![1, 1, 1]
    }

    fn expectations(&self, eta: &[f64], _d: usize, expected: &mut [f64]) -> Result<f64, Improper> {
        let (p, a, b) = coefficients(eta)?;
        if b == 0.0 || a == 0.0 {
            // One end of the family; the statistic that its exponent lacks has a mean only for |p| > 1.
            if p.abs() <= 1.0 {
                return Err(Improper::new(format!(
                    "with a = {a} and b = {b} the order {p} must be beyond 1"
                )));
            }
            let (log_partition, log, value, inverse);
            let mut pair = [0.0; 2];
            if b == 0.0 {
                log_partition = Gamma.expectations(&eta[..2], 1, &mut pair)?;
                (log, value, inverse) = (pair[0], pair[1], 0.5 * a / (p - 1.0));
            } else {
                log_partition = InverseGamma.expectations(&[eta[0], eta[2]], 1, &mut pair)?;
                (log, value, inverse) = (pair[0], 0.5 * b / (-p - 1.0), pair[1]);
            }
            expected[..3].copy_from_slice(&[log, value, inverse]);
            return in_range(log_partition, &expected[..3]);
        }
        let centred = Centred::new(p, a, b);
        let (log_mass, mean, up, down) = centred.integrate();
        expected[0] = centred.centre + mean;
        expected[1] = centred.centre.exp() * up;
        expected[2] = (-centred.centre).exp() * down;
        in_range(centred.peak + log_mass, &expected[..3])
    }

    fn mode(&self, eta: &[f64], _d: usize, value: &mut [f64]) -> Result<ModeKind, Improper> {
        finite(&eta[..3])?;
        let (c, a, b) = (eta[0], -2.0 * eta[1], -2.0 * eta[2]);
        if b == 0.0 {
            return Gamma.mode(&eta[..2], 1, value);
        }
        if a == 0.0 {
            return InverseGamma.mode(&[eta[0], eta[2]], 1, value);
        }
        if a < 0.0 || b < 0.0 {
            return Err(Improper::new(format!(
                "a = {a} and b = {b} do not bound the density"
            )));
        }
        let root = c.hypot(a.sqrt() * b.sqrt());
        value[0] = if c > 0.0 {
            (c + root) / a
        } else {
            b / (root - c)
        };
        in_range(0.0, &value[..1])?;
        Ok(if value[0] > 0.0 {
            ModeKind::Interior
        } else {
            ModeKind::Boundary
        })
    }

    fn statistics(&self, value: &[f64], _d: usize, statistics: &mut [f64]) {
        statistics[0] = log_or_floor(value[0]);
        statistics[1] = value[0];
        statistics[2] = value[0].recip().min(-LOG_ZERO);
    }

    fn parameters(&self, eta: &[f64], _d: usize) -> Result<Vec<Parameter>, Improper> {
        let (p, a, b) = coefficients(eta)?;
        Ok(vec![number("p", p), number("a", a), number("b", b)])
    }

    fn natural(&self, parameters: &[Parameter], _d: usize) -> Result<Vec<f64>, Improper> {
        let eta = vec![
            read_number(parameters, "p")? - 1.0,
            -0.5 * read_number(parameters, "a")?,
            -0.5 * read_number(parameters, "b")?,
        ];
        coefficients(&eta)?;
        Ok(eta)
    }

    fn sample(
        &self,
        eta: &[f64],
        _d: usize,
        rng: &mut dyn Rng,
        value: &mut [f64],
    ) -> Result<(), Improper> {
        let (p, a, b) = coefficients(eta)?;
        if b == 0.0 {
            return Gamma.sample(&eta[..2], 1, rng, value);
        }
        if a == 0.0 {
            return InverseGamma.sample(&[eta[0], eta[2]], 1, rng, value);
        }
        let centred = Centred::new(p, a, b);
        // The height of the normalised density at its mode; min(1, exp(1 - |x| height)) lies above the relative density.
        let height = (-centred.integrate().0).exp();
        loop {
            let sign = if draw::uniform(rng) <= 0.5 { -1.0 } else { 1.0 };
            let (distance, envelope) = if draw::uniform(rng) <= 0.5 {
                (draw::uniform(rng), 0.0)
            } else {
                let tail = -draw::uniform(rng).ln();
                (1.0 + tail, -tail)
            };
            let x = sign * distance / height;
            if draw::uniform(rng).ln() + envelope <= centred.log(x) {
                value[0] = draw::positive(centred.centre + x);
                return Ok(());
            }
        }
    }

    fn value_length(&self, _d: usize) -> usize {
        1
    }
}
