//! Polya-Gamma PG(1, c): the auxiliary of a logistic density.
//!
//! ```text
//! log p(w) = theta w - A     relative to PG(1, 0), whose density multiplies it
//! support    w > 0
//! t          w                            eta = theta = -c^2 / 2 <= 0
//! A          -log cosh(c / 2)
//! E[t]       tanh(c / 2) / (2 c)
//! ```
//!
//! 1 / (1 + e^-x) = e^(x/2) / 2 * E[e^(-w x^2 / 2)] under PG(1, 0). A - eta . E[t] is minus the divergence from PG(1, 0), which is
//! what the term of w's prior and the entropy of its q add up to. Polson, Scott & Windle 2013.

use super::parameter::{finite, number, read_number};
use super::{Family, Improper, ModeKind, Parameter, StatisticKind};
use crate::numeric::link::Link;
use rand::Rng;

/// The Polya-Gamma density with shape 1.
#[derive(Debug, Clone, Copy)]
pub struct PolyaGamma;

/// The tilt c of eta; a rounding above 0 counts as 0.
fn tilt(eta: &[f64]) -> Result<f64, Improper> {
    finite(&eta[..1])?;
    if eta[0] > 1e-9 {
        return Err(Improper::new(format!("tilt {} is above 0", eta[0])));
    }
    Ok((-2.0 * eta[0]).max(0.0).sqrt())
}

impl Family for PolyaGamma {
    fn name(&self) -> &'static str {
        "PolyaGamma"
    }

    fn signature(&self) -> &'static [StatisticKind] {
        &[StatisticKind::Value]
    }

    fn lengths(&self, _d: usize) -> Vec<usize> {
        vec![1]
    }

    fn expectations(&self, eta: &[f64], _d: usize, expected: &mut [f64]) -> Result<f64, Improper> {
        let c = tilt(eta)?;
        expected[0] = Link::PolyaGammaMean.value(c);
        Ok(-Link::LogCosh.value(c))
    }

    fn mode(&self, _eta: &[f64], _d: usize, _value: &mut [f64]) -> Result<ModeKind, Improper> {
        Err(Improper::new(
            "an auxiliary of a logistic density is no point",
        ))
    }

    fn statistics(&self, value: &[f64], _d: usize, statistics: &mut [f64]) {
        statistics[0] = value[0];
    }

    fn parameters(&self, eta: &[f64], _d: usize) -> Result<Vec<Parameter>, Improper> {
        Ok(vec![number("tilt", tilt(eta)?)])
    }

    fn natural(&self, parameters: &[Parameter], _d: usize) -> Result<Vec<f64>, Improper> {
        let c = read_number(parameters, "tilt")?;
        Ok(vec![-0.5 * c * c])
    }

    fn sample(
        &self,
        eta: &[f64],
        _d: usize,
        rng: &mut dyn Rng,
        value: &mut [f64],
    ) -> Result<(), Improper> {
        value[0] = crate::numeric::polya_gamma::draw(1, tilt(eta)?, rng);
        Ok(())
    }

    fn value_length(&self, _d: usize) -> usize {
        1
    }
}
