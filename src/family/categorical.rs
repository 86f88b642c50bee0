//! Categorical: one of d elements.
//!
//! ```text
//! log p(v) = log p_v
//! support    v in 0 .. d-1
//! t          1[v = k]                     eta_k = log p_k, up to a common constant
//! A          log sum_k exp eta_k
//! E[t]       r = softmax(eta)
//! mode       argmax eta, the first of equals
//! ```
//!
//! An entry at `LOG_ZERO` is an impossible element.

use super::parameter::{array, read};
use super::{Family, Improper, ModeKind, Parameter, StatisticKind, draw};
use crate::numeric::logsumexp::softmax_in_place;
use crate::numeric::{LOG_ZERO, log_or_floor};
use rand::Rng;

/// The categorical distribution.
#[derive(Debug, Clone, Copy)]
pub struct Categorical;

/// How far from 1 the sum of given probabilities may be.
const SUM_TOLERANCE: f64 = 1e-9;

fn check(eta: &[f64]) -> Result<(), Improper> {
    if let Some(v) = eta.iter().find(|v| v.is_nan() || **v == f64::INFINITY) {
        return Err(Improper::new(format!("its natural parameter is {v}")));
    }
    // A sum of a few impossible messages is still impossible; no sum of finite ones comes near.
    if eta.iter().all(|v| *v <= 0.5 * LOG_ZERO) {
        return Err(Improper::new("no element is possible"));
    }
    Ok(())
}

impl Family for Categorical {
    fn name(&self) -> &'static str {
        "Categorical"
    }

    fn signature(&self) -> &'static [StatisticKind] {
        &[StatisticKind::Indicator]
    }

    fn lengths(&self, d: usize) -> Vec<usize> {
        vec![d]
    }

    fn expectations(&self, eta: &[f64], d: usize, expected: &mut [f64]) -> Result<f64, Improper> {
        check(&eta[..d])?;
        expected[..d].copy_from_slice(&eta[..d]);
        Ok(softmax_in_place(&mut expected[..d]))
    }

    fn mode(&self, eta: &[f64], d: usize, value: &mut [f64]) -> Result<ModeKind, Improper> {
        check(&eta[..d])?;
        let mut best = 0;
        for k in 1..d {
            if eta[k] > eta[best] {
                best = k;
            }
        }
        value[0] = best as f64;
        Ok(ModeKind::Interior)
    }

    fn statistics(&self, value: &[f64], d: usize, statistics: &mut [f64]) {
        for (k, t) in statistics[..d].iter_mut().enumerate() {
            *t = if value[0] == k as f64 { 1.0 } else { 0.0 };
        }
    }

    fn parameters(&self, eta: &[f64], d: usize) -> Result<Vec<Parameter>, Improper> {
        let mut probabilities = vec![0.0; d];
        self.expectations(eta, d, &mut probabilities)?;
        Ok(vec![array("probabilities", &[d], probabilities)])
    }

    fn natural(&self, parameters: &[Parameter], d: usize) -> Result<Vec<f64>, Improper> {
        let probabilities = read(parameters, "probabilities", d)?;
        if let Some(p) = probabilities.iter().find(|p| **p < 0.0) {
            return Err(Improper::new(format!("probability {p} is below 0")));
        }
        let sum: f64 = probabilities.iter().sum();
        if (sum - 1.0).abs() > SUM_TOLERANCE {
            return Err(Improper::new(format!("probabilities sum to {sum}, not 1")));
        }
        Ok(probabilities.iter().map(|p| log_or_floor(*p)).collect())
    }

    fn sample(
        &self,
        eta: &[f64],
        d: usize,
        rng: &mut dyn Rng,
        value: &mut [f64],
    ) -> Result<(), Improper> {
        let mut probabilities = vec![0.0; d];
        self.expectations(eta, d, &mut probabilities)?;
        // Rounding may leave u above the last sum: then the last possible element.
        let mut left = draw::uniform(rng);
        for (k, p) in probabilities.iter().enumerate() {
            if *p > 0.0 {
                value[0] = k as f64;
                left -= p;
                if left <= 0.0 {
                    break;
                }
            }
        }
        Ok(())
    }

    fn value_length(&self, _d: usize) -> usize {
        1
    }
}
