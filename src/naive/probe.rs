//! One element of a statement with some numbers left open: which one it asks for next.
//!
//! in: numbers, NaN where open -> out: the log density, or [`Problem::NoValue`] with the first open number it reads.

use super::expression::Evaluator;
use super::{Assignment, Problem, joint};
use crate::data::Dataset;
use crate::model::{FactorId, Model};

/// As [`super::log_density_of_element`]; a NaN cell of a column marked in `open` (by column id) is an open number, not a
/// blank.
///
/// # Errors
/// A [`Problem`].
pub fn probe(
    model: &Model,
    data: &Dataset,
    values: &Assignment,
    open: &[bool],
    factor: FactorId,
    element: &[usize],
) -> Result<f64, Problem> {
    let evaluator = Evaluator {
        model,
        data,
        values,
        drawn: open,
    };
    joint::element(&evaluator, factor, element)
}
