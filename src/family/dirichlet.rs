//! Dirichlet: a point of the simplex over d elements.
//!
//! ```text
//! log p(v) = sum_k (a_k - 1) log v_k + log Gamma(sum a) - sum_k log Gamma(a_k)
//! support    v_k >= 0, sum v = 1
//! t          log v_k                      eta_k = m_k = a_k - 1
//! A          sum_k log Gamma(a_k) - log Gamma(sum a)
//! E[t]       digamma(a_k) - digamma(sum a)
//! mode       m / sum m
//! ```
//!
//! An element with m_k < 0 has an unbounded density at v_k = 0: the mode puts it there, shares the rest among the others and is
//! a boundary. m_k = 0 also gives v_k = 0, but the density is bounded and no message is lost: interior.

use super::parameter::{above, array, finite, in_range, read};
use super::{Family, Improper, ModeKind, Parameter, StatisticKind, draw};
use crate::numeric::log_or_floor;
use crate::numeric::logsumexp::softmax_in_place;
use crate::numeric::vector;
use rand::Rng;

/// The Dirichlet distribution.
#[derive(Debug, Clone, Copy)]
pub struct Dirichlet;

fn concentration(m: f64) -> Result<f64, Improper> {
    above("concentration", m + 1.0, 0.0)
}

/// Whether m + 1 is a concentration everywhere; else the first element of d numbers in which it is not, and why.
fn all_concentrations(eta: &[f64], values: &[f64], d: usize) -> Result<(), (usize, Improper)> {
    // Without a way out of the loop it takes many numbers at a time.
    let inside = |a: &f64| (*a > 0.0) & (*a < f64::INFINITY);
    if values.iter().fold(true, |all, a| all & inside(a)) {
        return Ok(());
    }
    match values.iter().position(|a| !inside(a)) {
        Some(at) => concentration(eta[at]).map(|_| ()).map_err(|e| (at / d, e)),
        None => Ok(()),
    }
}

/// The weights of the mode, not yet divided by their sum, and that sum.
fn mode_weights(eta: &[f64]) -> Result<(Vec<f64>, f64, ModeKind), Improper> {
    finite(eta)?;
    if eta.iter().all(|m| *m == 0.0) {
        return Ok((vec![1.0; eta.len()], eta.len() as f64, ModeKind::Interior));
    }
    let weights: Vec<f64> = eta.iter().map(|m| m.max(0.0)).collect();
    let sum: f64 = weights.iter().sum();
    if sum <= 0.0 {
        return Err(Improper::new(
            "no concentration is above 1, so the density has no maximum",
        ));
    }
    if !sum.is_finite() {
        return Err(Improper::new("its concentrations have an infinite sum"));
    }
    let kind = if eta.iter().any(|m| *m < 0.0) {
        ModeKind::Boundary
    } else {
        ModeKind::Interior
    };
    Ok((weights, sum, kind))
}

impl Family for Dirichlet {
    fn name(&self) -> &'static str {
        "Dirichlet"
    }

    fn signature(&self) -> &'static [StatisticKind] {
        &[StatisticKind::Log]
    }

    fn lengths(&self, d: usize) -> Vec<usize> {
        vec![d]
    }

    fn expectations(&self, eta: &[f64], d: usize, expected: &mut [f64]) -> Result<f64, Improper> {
        let mut log_partition = [0.0];
        self.expectations_of_all(&eta[..d], d, &mut expected[..d], &mut log_partition)
            .map_err(|(_, e)| e)?;
        Ok(log_partition[0])
    }

    fn expectations_of_all(
        &self,
        eta: &[f64],
        d: usize,
        expected: &mut [f64],
        log_partition: &mut [f64],
    ) -> Result<(), (usize, Improper)> {
        let d = d.max(1);
        for (a, m) in expected.iter_mut().zip(eta) {
            *a = m + 1.0;
        }
        all_concentrations(eta, expected, d)?;
        let mut sums: Vec<f64> = expected.chunks(d).map(vector::sum).collect();
        let mut log_of_sums = vec![0.0; sums.len()];
        let mut logs = vec![0.0; expected.len()];
        vector::ln_gamma_and_digamma(&mut sums, &mut log_of_sums);
        vector::ln_gamma_and_digamma(expected, &mut logs);
        let elements = expected.chunks_mut(d).zip(logs.chunks(d));
        let of_sums = sums.iter().zip(&log_of_sums);
        for (i, ((expected, logs), (common, log_of_sum))) in elements.zip(of_sums).enumerate() {
            expected.iter_mut().for_each(|e| *e -= common);
            let z = in_range(vector::sum(logs) - log_of_sum, expected).map_err(|e| (i, e))?;
            if let Some(place) = log_partition.get_mut(i) {
                *place = z;
            }
        }
        Ok(())
    }

    fn mode(&self, eta: &[f64], d: usize, value: &mut [f64]) -> Result<ModeKind, Improper> {
        let (weights, sum, kind) = mode_weights(&eta[..d])?;
        for (v, w) in value.iter_mut().zip(&weights) {
            *v = w / sum;
        }
        Ok(kind)
    }

    fn mode_statistics(
        &self,
        eta: &[f64],
        d: usize,
        value: &mut [f64],
        statistics: &mut [f64],
    ) -> Result<ModeKind, Improper> {
        let (weights, sum, kind) = mode_weights(&eta[..d])?;
        for k in 0..d {
            value[k] = weights[k] / sum;
            statistics[k] = match weights[k] {
                // log1p of the others keeps the log of an element that has nearly everything.
                w if w > 0.5 * sum => {
                    let others: f64 = (0..d).filter(|j| *j != k).map(|j| weights[j]).sum();
                    -(others / w).ln_1p()
                }
                w if w > 0.0 => w.ln() - sum.ln(),
                w => log_or_floor(w),
            };
        }
        Ok(kind)
    }

    fn statistics(&self, value: &[f64], d: usize, statistics: &mut [f64]) {
        for k in 0..d {
            statistics[k] = log_or_floor(value[k]);
        }
    }

    fn parameters(&self, eta: &[f64], d: usize) -> Result<Vec<Parameter>, Improper> {
        let values: Result<Vec<f64>, Improper> =
            eta[..d].iter().map(|m| concentration(*m)).collect();
        Ok(vec![array("concentration", &[d], values?)])
    }

    fn parameters_of_all(
        &self,
        eta: &[f64],
        d: usize,
    ) -> Result<Vec<Parameter>, (usize, Improper)> {
        let values: Vec<f64> = eta.iter().map(|m| m + 1.0).collect();
        all_concentrations(eta, &values, d.max(1))?;
        Ok(vec![array("concentration", &[d], values)])
    }

    fn natural(&self, parameters: &[Parameter], d: usize) -> Result<Vec<f64>, Improper> {
        read(parameters, "concentration", d)?
            .iter()
            .map(|a| Ok(above("concentration", *a, 0.0)? - 1.0))
            .collect()
    }

    fn sample(
        &self,
        eta: &[f64],
        d: usize,
        rng: &mut dyn Rng,
        value: &mut [f64],
    ) -> Result<(), Improper> {
        for k in 0..d {
            value[k] = draw::log_gamma(concentration(eta[k])?, rng);
        }
        softmax_in_place(&mut value[..d]);
        Ok(())
    }

    fn value_length(&self, d: usize) -> usize {
        d
    }
}
