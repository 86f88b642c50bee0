//! Gaussian times Laplace: a real number with a quadratic and an absolute value in its exponent (sparse codes).
//!
//! ```text
//! log p(h) = -a h^2/2 + b h - l |h| - A
//! support    real
//! t          |h|, h, h^2                  eta = (-l, b, -a/2)
//! A          log(Z+ + Z-),  Z± = int_0^inf exp(-a h^2/2 - (l -+ b) h) dh
//! E[t]       w E+ + (1-w) E-, w E+ - (1-w) E-, w S+ + (1-w) S-     with w = Z+ / (Z+ + Z-),
//!            E±, S± first and second moment of each half
//! mode       sign(b) max(|b| - l, 0) / a
//! ```
//!
//! Each half is the tail of a Gaussian; `half_normal` keeps it accurate where the two parts of its mean cancel.

use super::parameter::{finite, in_range, number, read_number};
use super::{Family, Improper, ModeKind, Parameter, StatisticKind, draw};
use crate::numeric::half_normal::{Excess, half_line};
use rand::Rng;

/// The product of a Gaussian and a Laplace density of mean 0.
#[derive(Debug, Clone, Copy)]
pub struct GaussianLaplace;

/// The two halves and the weight of the positive one.
struct Halves {
    positive: Excess,
    negative: Excess,
    weight: f64,
    /// 1 - weight, without cancellation.
    other: f64,
    log_partition: f64,
}

/// (l, b, a) of eta.
fn coefficients(eta: &[f64]) -> Result<(f64, f64, f64), Improper> {
    finite(&eta[..3])?;
    Ok((-eta[0], eta[1], -2.0 * eta[2]))
}

fn halves(eta: &[f64]) -> Result<Halves, Improper> {
    let (l, b, a) = coefficients(eta)?;
    let (Some(positive), Some(negative)) = (half_line(a, l - b), half_line(a, l + b)) else {
        return Err(Improper::new(if a == 0.0 {
            format!("precision 0 and rate {l} not above |{b}|")
        } else {
            format!("precision {a} is not above 0")
        }));
    };
    let difference = positive.log_mass - negative.log_mass;
    let larger = 1.0 / (1.0 + (-difference.abs()).exp());
    let smaller = (-difference.abs()).exp() * larger;
    let (weight, other) = if difference >= 0.0 {
        (larger, smaller)
    } else {
        (smaller, larger)
    };
    let log_partition =
        positive.log_mass.max(negative.log_mass) + (-difference.abs()).exp().ln_1p();
    Ok(Halves {
        positive,
        negative,
        weight,
        other,
        log_partition,
    })
}

impl Family for GaussianLaplace {
    fn name(&self) -> &'static str {
        "GaussianLaplace"
    }

    fn signature(&self) -> &'static [StatisticKind] {
        &[
            StatisticKind::Abs,
            StatisticKind::Value,
            StatisticKind::Pair,
        ]
    }

    fn lengths(&self, _d: usize) -> Vec<usize> {
        vec![1, 1, 1]
    }

    fn expectations(&self, eta: &[f64], _d: usize, expected: &mut [f64]) -> Result<f64, Improper> {
        let h = halves(eta)?;
        let (up, down) = (h.weight * h.positive.mean, h.other * h.negative.mean);
        expected[0] = up + down;
        expected[1] = up - down;
        expected[2] = h.weight * h.positive.second + h.other * h.negative.second;
        in_range(h.log_partition, &expected[..3])
    }

    fn mode(&self, eta: &[f64], _d: usize, value: &mut [f64]) -> Result<ModeKind, Improper> {
        let (l, b, a) = coefficients(eta)?;
        let rest = b.abs() - l;
        value[0] = if a > 0.0 {
            (rest.max(0.0) / a).copysign(b)
        } else if a == 0.0 && rest <= 0.0 {
            0.0
        } else {
            return Err(Improper::new(format!(
                "precision {a} does not bound the density"
            )));
        };
        in_range(0.0, &value[..1])?;
        Ok(ModeKind::Interior)
    }

    fn statistics(&self, value: &[f64], _d: usize, statistics: &mut [f64]) {
        statistics[0] = value[0].abs();
        statistics[1] = value[0];
        statistics[2] = value[0] * value[0];
    }

    /// `rate` l, `linear` b, `precision` a: the product of the two densities has no textbook name.
    fn parameters(&self, eta: &[f64], _d: usize) -> Result<Vec<Parameter>, Improper> {
        halves(eta)?;
        let (l, b, a) = coefficients(eta)?;
        Ok(vec![
            number("rate", l),
            number("linear", b),
            number("precision", a),
        ])
    }

    fn natural(&self, parameters: &[Parameter], _d: usize) -> Result<Vec<f64>, Improper> {
        let eta = vec![
            -read_number(parameters, "rate")?,
            read_number(parameters, "linear")?,
            -0.5 * read_number(parameters, "precision")?,
        ];
        halves(&eta)?;
        Ok(eta)
    }

    fn sample(
        &self,
        eta: &[f64],
        _d: usize,
        rng: &mut dyn Rng,
        value: &mut [f64],
    ) -> Result<(), Improper> {
        let h = halves(eta)?;
        let (l, b, a) = coefficients(eta)?;
        value[0] = if draw::uniform(rng) <= h.weight {
            draw::half_line(a, l - b, rng)
        } else {
            -draw::half_line(a, l + b, rng)
        };
        in_range(0.0, &value[..1])?;
        Ok(())
    }

    fn value_length(&self, _d: usize) -> usize {
        1
    }
}
