//! Beta: a probability.
//!
//! ```text
//! log p(v) = (a - 1) log v + (b - 1) log(1 - v) - log B(a, b)
//! support    0 <= v <= 1
//! t          log v, log(1 - v)            eta = (m1, m0) = (a - 1, b - 1)
//! A          log Gamma(a) + log Gamma(b) - log Gamma(a + b)
//! E[t]       digamma(a) - digamma(a + b), digamma(b) - digamma(a + b)
//! mode       m1 / (m1 + m0)
//! ```
//!
//! It is the Dirichlet over two elements, whose functions it calls; both logs of the mode come from the messages, because 1 - v
//! of a rounded v has lost a tiny m0.

use super::parameter::{number, read_positive};
use super::{Dirichlet, Family, Improper, ModeKind, Parameter, StatisticKind};
use crate::numeric::{LOG_ZERO, log_or_floor};
use rand::Rng;

/// The beta distribution.
#[derive(Debug, Clone, Copy)]
pub struct Beta;

impl Family for Beta {
    fn name(&self) -> &'static str {
        "Beta"
    }

    fn signature(&self) -> &'static [StatisticKind] {
        &[StatisticKind::Log, StatisticKind::Log1m]
    }

    fn lengths(&self, _d: usize) -> Vec<usize> {
        vec![1, 1]
    }

    fn expectations(&self, eta: &[f64], _d: usize, expected: &mut [f64]) -> Result<f64, Improper> {
        Dirichlet.expectations(eta, 2, expected)
    }

    fn expectations_of_all(
        &self,
        eta: &[f64],
        _d: usize,
        expected: &mut [f64],
        log_partition: &mut [f64],
    ) -> Result<(), (usize, Improper)> {
        Dirichlet.expectations_of_all(eta, 2, expected, log_partition)
    }

    fn mode(&self, eta: &[f64], _d: usize, value: &mut [f64]) -> Result<ModeKind, Improper> {
        let mut both = [0.0; 2];
        let kind = Dirichlet.mode(eta, 2, &mut both)?;
        value[0] = both[0];
        Ok(kind)
    }

    fn mode_statistics(
        &self,
        eta: &[f64],
        _d: usize,
        value: &mut [f64],
        statistics: &mut [f64],
    ) -> Result<ModeKind, Improper> {
        let mut both = [0.0; 2];
        let kind = Dirichlet.mode_statistics(eta, 2, &mut both, statistics)?;
        value[0] = both[0];
        Ok(kind)
    }

    fn statistics(&self, value: &[f64], _d: usize, statistics: &mut [f64]) {
        statistics[0] = log_or_floor(value[0]);
        statistics[1] = if value[0] == 1.0 {
            LOG_ZERO
        } else {
            (-value[0]).ln_1p()
        };
    }

    fn parameters(&self, eta: &[f64], _d: usize) -> Result<Vec<Parameter>, Improper> {
        let both = Dirichlet.parameters(eta, 2)?;
        Ok(both
            .iter()
            .flat_map(|p| p.values.iter().zip(["a", "b"]))
            .map(|(value, name)| number(name, *value))
            .collect())
    }

    fn natural(&self, parameters: &[Parameter], _d: usize) -> Result<Vec<f64>, Improper> {
        Ok(vec![
            read_positive(parameters, "a")? - 1.0,
            read_positive(parameters, "b")? - 1.0,
        ])
    }

    fn sample(
        &self,
        eta: &[f64],
        _d: usize,
        rng: &mut dyn Rng,
        value: &mut [f64],
    ) -> Result<(), Improper> {
        let mut both = [0.0; 2];
        Dirichlet.sample(eta, 2, rng, &mut both)?;
        value[0] = both[0];
        Ok(())
    }

    fn value_length(&self, _d: usize) -> usize {
        1
    }
}
