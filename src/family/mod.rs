//! What a q may be: one exponential family per file, base measure 1.
//!
//! in: a natural parameter `eta`, the concatenated messages of a block's statistics -> out: log-partition `A(eta)`,
//! expected statistics `E[t]` = grad A, mode, sample, textbook parameters.
//!
//! ```text
//! log q(v) = eta . t(v) - A(eta)        H = A(eta) - eta . E[t]
//! ```
//!
//! One element at a time, or many in one call, which families that the engine meets in great numbers do by vector kernels. A
//! family knows nothing of models, plates or terms.

mod bernoulli;
mod beta;
mod categorical;
mod dirichlet;
mod draw;
mod gamma;
pub mod gaussian;
mod gaussian_laplace;
pub mod gaussian_wishart;
mod generalised_inverse_gaussian;
mod inverse_gamma;
mod inverse_wishart;
mod parameter;
mod polya_gamma;
mod registry;
#[cfg(test)]
mod tests;
mod truncated_gaussian;
mod wishart;

pub use bernoulli::Bernoulli;
pub use beta::Beta;
pub use categorical::Categorical;
pub use dirichlet::Dirichlet;
pub use gamma::Gamma;
pub use gaussian::Gaussian;
pub use gaussian_laplace::GaussianLaplace;
pub use generalised_inverse_gaussian::GeneralisedInverseGaussian;
pub use inverse_gamma::InverseGamma;
pub use inverse_wishart::InverseWishart;
pub use polya_gamma::PolyaGamma;
pub use registry::{Support, by_signature};
pub use truncated_gaussian::TruncatedGaussian;
pub use wishart::Wishart;

use crate::numeric::link::Link;
use rand::Rng;

/// A sufficient statistic of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum StatisticKind {
    /// v itself; a matrix has two value axes.
    Value,
    /// v^p, or the inverse of a matrix for p = -1.
    Power(i8),
    /// log v (element-wise for a simplex), log|V| for a matrix.
    Log,
    /// log(1 - v)
    Log1m,
    /// |v|
    Abs,
    /// 1[v = k]; the last index is the value's axis.
    Indicator,
    /// A function of v.
    Of(Link),
    /// log of the sum of e^v over the last slot.
    LogSumExp,
    /// d E[log p] / dv of a predictor, as its point's update reads it.
    Slope,
    /// v_i v_j, the second-order statistic of a vector value (signatures only; a term holds two `Value`s).
    Pair,
}

/// A natural parameter that belongs to no density of the family.
#[derive(Debug, Clone, PartialEq)]
pub struct Improper {
    /// What is wrong, in the words of the family: "shape -0.5 is not above 0".
    pub reason: String,
}

impl Improper {
    pub(crate) fn new(reason: impl Into<String>) -> Improper {
        Improper {
            reason: reason.into(),
        }
    }
}

/// Where a mode lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ModeKind {
    /// Inside the support.
    Interior,
    /// On its boundary, where a log statistic is minus infinity or the density unbounded.
    Boundary,
}

/// A parameter under its textbook name.
#[derive(Debug, Clone, PartialEq)]
pub struct Parameter {
    /// `concentration`, `shape`, `rate`, `mean`, `covariance`, `df`, `scale`, `probabilities`, ...
    pub name: &'static str,
    /// Sizes; empty for a number.
    pub shape: Vec<usize>,
    /// Row-major values.
    pub values: Vec<f64>,
}

/// An exponential family over values of dimension `d` (length of a simplex, number of categories, side of a matrix,
/// 1 for a number).
pub trait Family: Sync + Send {
    /// Its name: `Dirichlet`.
    fn name(&self) -> &'static str;
    /// Its statistics, in the order of their parts in `eta`.
    fn signature(&self) -> &'static [StatisticKind];
    /// The length of each statistic's part.
    fn lengths(&self, d: usize) -> Vec<usize>;
    /// Writes `E[t]` (layout of `eta`) and returns A(eta).
    ///
    /// # Errors
    /// [`Improper`] if `eta` belongs to no density.
    fn expectations(&self, eta: &[f64], d: usize, expected: &mut [f64]) -> Result<f64, Improper>;
    /// [`Family::expectations`] of as many elements as `log_partition` has places: `eta` and `expected` hold them one after the
    /// other.
    ///
    /// # Errors
    /// The first element that has none, and why.
    fn expectations_of_all(
        &self,
        eta: &[f64],
        d: usize,
        expected: &mut [f64],
        log_partition: &mut [f64],
    ) -> Result<(), (usize, Improper)> {
        let length: usize = self.lengths(d).iter().sum();
        let elements = eta
            .chunks(length.max(1))
            .zip(expected.chunks_mut(length.max(1)));
        for (i, ((eta, expected), z)) in elements.zip(log_partition).enumerate() {
            *z = self.expectations(eta, d, expected).map_err(|e| (i, e))?;
        }
        Ok(())
    }
    /// The textbook parameters of elements that stand one after the other in `eta`: the values of each parameter likewise, its
    /// shape that of one element.
    ///
    /// # Errors
    /// The first element that has none, and why.
    fn parameters_of_all(
        &self,
        eta: &[f64],
        d: usize,
    ) -> Result<Vec<Parameter>, (usize, Improper)> {
        let length: usize = self.lengths(d).iter().sum();
        let mut all: Vec<Parameter> = Vec::new();
        for (i, eta) in eta.chunks(length.max(1)).enumerate() {
            let own = self.parameters(eta, d).map_err(|e| (i, e))?;
            if all.is_empty() {
                all = own;
            } else {
                for (a, b) in all.iter_mut().zip(own) {
                    a.values.extend(b.values);
                }
            }
        }
        Ok(all)
    }
    /// Writes the value that maximises `eta . t(v)` and says where it lies.
    ///
    /// # Errors
    /// [`Improper`] if there is no maximum.
    fn mode(&self, eta: &[f64], d: usize, value: &mut [f64]) -> Result<ModeKind, Improper>;
    /// Writes the mode and t(mode), and says where it lies.
    ///
    /// Families override this where a statistic of the rounded value is less than the messages know: log(1 - v) of a v that
    /// rounds to 1.
    ///
    /// # Errors
    /// [`Improper`] if there is no maximum.
    fn mode_statistics(
        &self,
        eta: &[f64],
        d: usize,
        value: &mut [f64],
        statistics: &mut [f64],
    ) -> Result<ModeKind, Improper> {
        let kind = self.mode(eta, d, value)?;
        self.statistics(value, d, statistics);
        parameter::in_range(0.0, statistics)?;
        Ok(kind)
    }
    /// Writes t(v). log 0 is [`crate::numeric::LOG_ZERO`].
    fn statistics(&self, value: &[f64], d: usize, statistics: &mut [f64]);
    /// The textbook parameters of `eta`.
    ///
    /// # Errors
    /// [`Improper`] if `eta` belongs to no density.
    fn parameters(&self, eta: &[f64], d: usize) -> Result<Vec<Parameter>, Improper>;
    /// The natural parameter of textbook parameters, the inverse of [`Family::parameters`].
    ///
    /// # Errors
    /// [`Improper`] if they are outside their range or of the wrong number.
    fn natural(&self, parameters: &[Parameter], d: usize) -> Result<Vec<f64>, Improper>;
    /// Draws a value.
    ///
    /// # Errors
    /// [`Improper`] if `eta` belongs to no density.
    fn sample(
        &self,
        eta: &[f64],
        d: usize,
        rng: &mut dyn Rng,
        value: &mut [f64],
    ) -> Result<(), Improper>;
    /// The length of a value: `d` for a simplex or vector, `d * d` for a matrix, 1 for a number or category.
    fn value_length(&self, d: usize) -> usize;
}
