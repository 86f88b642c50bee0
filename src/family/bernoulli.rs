//! Bernoulli: 0 or 1.
//!
//! ```text
//! log p(v) = v log p + (1 - v) log(1 - p)
//! support    v in {0, 1}
//! t          v                            eta = b = log p - log(1 - p)
//! A          log(1 + exp b)
//! E[t]       p = 1 / (1 + exp(-b))
//! mode       1 if b > 0, else 0
//! ```

use super::parameter::{number, read_number};
use super::{Family, Improper, ModeKind, Parameter, StatisticKind, draw};
use crate::numeric::LOG_ZERO;
use rand::Rng;

/// The Bernoulli distribution.
#[derive(Debug, Clone, Copy)]
pub struct Bernoulli;

fn check(b: f64) -> Result<f64, Improper> {
    if b.is_nan() {
        return Err(Improper::new("its natural parameter is NaN"));
    }
    // An infinite message is as good as the floor, and keeps 0 * b from being NaN.
    Ok(b.clamp(LOG_ZERO, -LOG_ZERO))
}

fn probability(b: f64) -> f64 {
    if b >= 0.0 {
        1.0 / (1.0 + (-b).exp())
    } else {
        b.exp() / (1.0 + b.exp())
    }
}

impl Family for Bernoulli {
    fn name(&self) -> &'static str {
        "Bernoulli"
    }

    fn signature(&self) -> &'static [StatisticKind] {
        &[StatisticKind::Value]
    }

    fn lengths(&self, _d: usize) -> Vec<usize> {
        vec![1]
    }

    fn expectations(&self, eta: &[f64], _d: usize, expected: &mut [f64]) -> Result<f64, Improper> {
        let b = check(eta[0])?;
        expected[0] = probability(b);
        Ok(b.max(0.0) + (-b.abs()).exp().ln_1p())
    }

    fn mode(&self, eta: &[f64], _d: usize, value: &mut [f64]) -> Result<ModeKind, Improper> {
        value[0] = if check(eta[0])? > 0.0 { 1.0 } else { 0.0 };
        Ok(ModeKind::Interior)
    }

    fn statistics(&self, value: &[f64], _d: usize, statistics: &mut [f64]) {
        statistics[0] = value[0];
    }

    fn parameters(&self, eta: &[f64], _d: usize) -> Result<Vec<Parameter>, Improper> {
        Ok(vec![number("probability", probability(check(eta[0])?))])
    }

    fn natural(&self, parameters: &[Parameter], _d: usize) -> Result<Vec<f64>, Improper> {
        let p = read_number(parameters, "probability")?;
        if !(0.0..=1.0).contains(&p) {
            return Err(Improper::new(format!("probability {p} is not in 0 to 1")));
        }
        Ok(vec![if p == 0.0 {
            LOG_ZERO
        } else if p == 1.0 {
            -LOG_ZERO
        } else {
            p.ln() - (-p).ln_1p()
        }])
    }

    fn sample(
        &self,
        eta: &[f64],
        _d: usize,
        rng: &mut dyn Rng,
        value: &mut [f64],
    ) -> Result<(), Improper> {
        let p = probability(check(eta[0])?);
        value[0] = if draw::uniform(rng) <= p { 1.0 } else { 0.0 };
        Ok(())
    }

    fn value_length(&self, _d: usize) -> usize {
        1
    }
}
