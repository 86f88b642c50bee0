//! Inverse gamma: a positive number, such as a variance.
//!
//! ```text
//! log p(v) = -(shape + 1) log v - scale / v + shape log scale - log Gamma(shape)
//! support    v > 0
//! t          log v, 1/v                   eta = (-m, -s) = (-shape - 1, -scale)
//! A          log Gamma(shape) - shape log scale
//! E[t]       log scale - digamma(shape), shape / scale
//! mode       s / m; 0, on the boundary, for s <= 0: a variance without residual
//! ```

use super::parameter::{above, finite, in_range, number, read_positive};
use super::{Family, Improper, ModeKind, Parameter, StatisticKind, draw};
use crate::numeric::special::{digamma, ln_gamma};
use crate::numeric::{LOG_ZERO, log_or_floor};
use rand::Rng;

/// The inverse gamma distribution.
#[derive(Debug, Clone, Copy)]
pub struct InverseGamma;

fn shape_and_scale(eta: &[f64]) -> Result<(f64, f64), Improper> {
    Ok((
        above("shape", -eta[0] - 1.0, 0.0)?,
        above("scale", -eta[1], 0.0)?,
    ))
}

impl Family for InverseGamma {
    fn name(&self) -> &'static str {
        "InverseGamma"
    }

    fn signature(&self) -> &'static [StatisticKind] {
        &[StatisticKind::Log, StatisticKind::Power(-1)]
    }

    fn lengths(&self, _d: usize) -> Vec<usize> {
        vec![1, 1]
    }

    fn expectations(&self, eta: &[f64], _d: usize, expected: &mut [f64]) -> Result<f64, Improper> {
        let (shape, scale) = shape_and_scale(eta)?;
        expected[0] = scale.ln() - digamma(shape);
        expected[1] = shape / scale;
        in_range(ln_gamma(shape) - shape * scale.ln(), &expected[..2])
    }

    fn mode(&self, eta: &[f64], _d: usize, value: &mut [f64]) -> Result<ModeKind, Improper> {
        finite(&eta[..2])?;
        let (m, s) = (-eta[0], -eta[1]);
        if s < 0.0 || (s == 0.0 && m > 0.0) {
            value[0] = 0.0;
            return Ok(ModeKind::Boundary);
        }
        let v = s / above("shape + 1 =", m, 0.0)?;
        if !v.is_finite() {
            return Err(Improper::new(format!("scale {s} over {m} is infinite")));
        }
        value[0] = v;
        Ok(if v > 0.0 {
            ModeKind::Interior
        } else {
            ModeKind::Boundary
        })
    }

    /// 1/0 is `-LOG_ZERO`, so that a product with a zero message is zero.
    fn statistics(&self, value: &[f64], _d: usize, statistics: &mut [f64]) {
        statistics[0] = log_or_floor(value[0]);
        statistics[1] = value[0].recip().min(-LOG_ZERO);
    }

    fn parameters(&self, eta: &[f64], _d: usize) -> Result<Vec<Parameter>, Improper> {
        let (shape, scale) = shape_and_scale(eta)?;
        Ok(vec![number("shape", shape), number("scale", scale)])
    }

    fn natural(&self, parameters: &[Parameter], _d: usize) -> Result<Vec<f64>, Improper> {
        let shape = read_positive(parameters, "shape")?;
        let scale = read_positive(parameters, "scale")?;
        Ok(vec![-shape - 1.0, -scale])
    }

    fn sample(
        &self,
        eta: &[f64],
        _d: usize,
        rng: &mut dyn Rng,
        value: &mut [f64],
    ) -> Result<(), Improper> {
        let (shape, scale) = shape_and_scale(eta)?;
        value[0] = draw::positive(scale.ln() - draw::log_gamma(shape, rng));
        Ok(())
    }

    fn value_length(&self, _d: usize) -> usize {
        1
    }
}
