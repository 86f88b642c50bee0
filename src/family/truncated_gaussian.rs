//! Gaussian truncated to the positive numbers (non-negative codes; with a linear term, an exponential prior).
//!
//! ```text
//! log p(v) = -a v^2/2 + b v - A
//! support    v >= 0
//! t          v, v^2                       eta = (b, -a/2)
//! A          log int_0^inf exp(-a v^2/2 + b v) dv
//! E[t]       moments of the tail of a Gaussian (`half_normal`)
//! mode       max(0, b / a)
//! ```
//!
//! a = 0 with b < 0 is the exponential of rate -b. The statistics are finite at 0, so a mode there is no boundary.

use super::parameter::{finite, in_range, number, read_number};
use super::{Family, Improper, ModeKind, Parameter, StatisticKind, draw};
use crate::numeric::half_normal::{Excess, half_line};
use rand::Rng;

/// The Gaussian truncated to the positive numbers.
#[derive(Debug, Clone, Copy)]
pub struct TruncatedGaussian;

fn moments(eta: &[f64]) -> Result<Excess, Improper> {
    finite(&eta[..2])?;
    let (b, a) = (eta[0], -2.0 * eta[1]);
    half_line(a, -b).ok_or_else(|| {
        Improper::new(if a == 0.0 {
            format!("precision 0 and linear coefficient {b} not below 0")
        } else {
            format!("precision {a} is not above 0")
        })
    })
}

impl Family for TruncatedGaussian {
    fn name(&self) -> &'static str {
        "TruncatedGaussian"
    }

    fn signature(&self) -> &'static [StatisticKind] {
        &[StatisticKind::Value, StatisticKind::Pair]
    }

    fn lengths(&self, _d: usize) -> Vec<usize> {
        vec![1, 1]
    }

    fn expectations(&self, eta: &[f64], _d: usize, expected: &mut [f64]) -> Result<f64, Improper> {
        let excess = moments(eta)?;
        expected[0] = excess.mean;
        expected[1] = excess.second;
        in_range(excess.log_mass, &expected[..2])
    }

    fn mode(&self, eta: &[f64], _d: usize, value: &mut [f64]) -> Result<ModeKind, Improper> {
        finite(&eta[..2])?;
        let (b, a) = (eta[0], -2.0 * eta[1]);
        value[0] = if a > 0.0 {
            b.max(0.0) / a
        } else if a == 0.0 && b < 0.0 {
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
        statistics[0] = value[0];
        statistics[1] = value[0] * value[0];
    }

    /// `linear` b and `precision` a: the location b / a does not exist for a = 0.
    fn parameters(&self, eta: &[f64], _d: usize) -> Result<Vec<Parameter>, Improper> {
        moments(eta)?;
        Ok(vec![
            number("linear", eta[0]),
            number("precision", -2.0 * eta[1]),
        ])
    }

    fn natural(&self, parameters: &[Parameter], _d: usize) -> Result<Vec<f64>, Improper> {
        let eta = vec![
            read_number(parameters, "linear")?,
            -0.5 * read_number(parameters, "precision")?,
        ];
        moments(&eta)?;
        Ok(eta)
    }

    fn sample(
        &self,
        eta: &[f64],
        _d: usize,
        rng: &mut dyn Rng,
        value: &mut [f64],
    ) -> Result<(), Improper> {
        moments(eta)?;
        value[0] = draw::half_line(-2.0 * eta[1], -eta[0], rng);
        in_range(0.0, &value[..1])?;
        Ok(())
    }

    fn value_length(&self, _d: usize) -> usize {
        1
    }
}
