//! Gamma: a positive number.
//!
//! ```text
//! log p(v) = (shape - 1) log v - rate v + shape log rate - log Gamma(shape)
//! support    v > 0
//! t          log v, v                     eta = (m, -r) = (shape - 1, -rate)
//! A          log Gamma(shape) - shape log rate
//! E[t]       digamma(shape) - log rate, shape / rate
//! mode       m / r; 0, on the boundary, for m <= 0
//! ```

use super::parameter::{above, finite, in_range, number, read_positive};
use super::{Family, Improper, ModeKind, Parameter, StatisticKind, draw};
use crate::numeric::log_or_floor;
use crate::numeric::vector;
use rand::Rng;

/// The gamma distribution.
#[derive(Debug, Clone, Copy)]
pub struct Gamma;

fn shape_and_rate(eta: &[f64]) -> Result<(f64, f64), Improper> {
    Ok((
        above("shape", eta[0] + 1.0, 0.0)?,
        above("rate", -eta[1], 0.0)?,
    ))
}

impl Family for Gamma {
    fn name(&self) -> &'static str {
        "Gamma"
    }

    fn signature(&self) -> &'static [StatisticKind] {
        &[StatisticKind::Log, StatisticKind::Value]
    }

    fn lengths(&self, _d: usize) -> Vec<usize> {
        vec![1, 1]
    }

    fn expectations(&self, eta: &[f64], d: usize, expected: &mut [f64]) -> Result<f64, Improper> {
        let mut log_partition = [0.0];
        self.expectations_of_all(&eta[..2], d, &mut expected[..2], &mut log_partition)
            .map_err(|(_, e)| e)?;
        Ok(log_partition[0])
    }

    fn expectations_of_all(
        &self,
        eta: &[f64],
        _d: usize,
        expected: &mut [f64],
        log_partition: &mut [f64],
    ) -> Result<(), (usize, Improper)> {
        let count = log_partition.len();
        let (mut shapes, mut rates) = (Vec::with_capacity(count), Vec::with_capacity(count));
        for (i, eta) in eta.chunks_exact(2).enumerate() {
            let (shape, rate) = shape_and_rate(eta).map_err(|e| (i, e))?;
            shapes.push(shape);
            rates.push(rate);
        }
        let mut digammas = shapes.clone();
        let mut log_rates = rates.clone();
        vector::ln_gamma_and_digamma(&mut digammas, log_partition);
        vector::log_in_place(&mut log_rates);
        let elements = expected.chunks_exact_mut(2).zip(log_partition.iter_mut());
        for (i, (expected, z)) in elements.enumerate() {
            expected[0] = digammas[i] - log_rates[i];
            expected[1] = shapes[i] / rates[i];
            *z = in_range(*z - shapes[i] * log_rates[i], expected).map_err(|e| (i, e))?;
        }
        Ok(())
    }

    fn mode(&self, eta: &[f64], _d: usize, value: &mut [f64]) -> Result<ModeKind, Improper> {
        finite(&eta[..2])?;
        let (m, r) = (eta[0], -eta[1]);
        if m < 0.0 || (m == 0.0 && r > 0.0) {
            value[0] = 0.0;
            return Ok(ModeKind::Boundary);
        }
        let v = m / above("rate", r, 0.0)?;
        if !v.is_finite() {
            return Err(Improper::new(format!(
                "shape {m} over rate {r} is infinite"
            )));
        }
        value[0] = v;
        Ok(ModeKind::Interior)
    }

    fn statistics(&self, value: &[f64], _d: usize, statistics: &mut [f64]) {
        statistics[0] = log_or_floor(value[0]);
        statistics[1] = value[0];
    }

    fn parameters(&self, eta: &[f64], _d: usize) -> Result<Vec<Parameter>, Improper> {
        let (shape, rate) = shape_and_rate(eta)?;
        Ok(vec![number("shape", shape), number("rate", rate)])
    }

    fn natural(&self, parameters: &[Parameter], _d: usize) -> Result<Vec<f64>, Improper> {
        let shape = read_positive(parameters, "shape")?;
        let rate = read_positive(parameters, "rate")?;
        Ok(vec![shape - 1.0, -rate])
    }

    fn sample(
        &self,
        eta: &[f64],
        _d: usize,
        rng: &mut dyn Rng,
        value: &mut [f64],
    ) -> Result<(), Improper> {
        let (shape, rate) = shape_and_rate(eta)?;
        value[0] = draw::positive(draw::log_gamma(shape, rng) - rate.ln());
        Ok(())
    }

    fn value_length(&self, _d: usize) -> usize {
        1
    }
}
