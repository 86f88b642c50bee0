//! The meaning of a model, worked out plainly: its log joint at given numbers, and draws from it.
//!
//! in: a checked [`Model`], bound data, a number for every unknown -> out: the log joint; or, given a
//! random source, a number for every unknown and every observed cell ([`simulate`]).
//!
//! ```text
//! log joint = sum over statements, sum over elements e of their plates,  weight(e) * log density(value[e] | arguments[e])
//!           + sum over potentials, sum over elements e,                  weight(e) * potential[e]
//! ```
//!
//! Loops over elements, recursion over expressions, densities of single values from [`crate::dist::scalar`]. It shares no
//! code with the algebra, the families, the derivation, the plan or the engine, so that agreement with them means
//! something. It is slow, and meant to be read. A flat param adds 0; domains and constraints are looked at by
//! [`inadmissible`] alone.

mod admissible;
mod constraint;
mod draw;
mod expression;
mod index;
mod invert;
mod joint;
mod matrix;
mod missing;
mod parameters;
mod probe;
mod sample;
mod skeleton;
mod write;

pub use admissible::inadmissible;
pub use draw::{fits, simulate, with_observed};
pub use missing::with_missing_columns;
pub use probe::{probe, with_numbers};
pub use skeleton::{SizeProblem, Sizes, skeleton};
pub use write::{table_csv, truth_json, unused_labels};

use std::collections::BTreeMap;

use ndarray::ArrayD;

use crate::data::Dataset;
use crate::model::{ColumnId, FactorId, Model, VariableId};

/// A number for every unknown.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Assignment {
    /// By [`VariableId`]: the value over its slots (brackets, then axes). A discrete value is the position of its element.
    pub variables: Vec<Option<ArrayD<f64>>>,
    /// Whole columns that stand in for those of the data, where blanks of a column are unknowns. A cell that is NaN here
    /// is blank, and so is a blank of a column that is not here; observed blanks add nothing.
    pub cells: BTreeMap<ColumnId, ArrayD<f64>>,
}

impl Assignment {
    /// No numbers yet, with room for every variable of a model.
    #[must_use]
    pub fn empty(model: &Model) -> Assignment {
        Assignment {
            variables: vec![None; model.variables.len()],
            cells: BTreeMap::new(),
        }
    }

    /// Sets a variable by its name; false where the model has none of this name.
    pub fn set(&mut self, model: &Model, name: &str, value: ArrayD<f64>) -> bool {
        let place = model.variables.iter().position(|v| v.name == name);
        match place.and_then(|i| self.variables.get_mut(i)) {
            Some(slot) => {
                *slot = Some(value);
                true
            }
            None => false,
        }
    }
}

/// Something that has a value: a variable or a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Node {
    /// A `param` or `latent`.
    Variable(VariableId),
    /// A column of the data.
    Column(ColumnId),
}

/// Why a number could not be worked out.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Problem {
    /// An element without a value.
    #[error("an element has no value: {0:?} at {1:?}")]
    NoValue(Node, Vec<usize>),
    /// A blank where a number is needed.
    #[error("{0} is blank where a number is needed")]
    Blank(String),
    /// An argument outside its range.
    #[error("{0}")]
    Argument(String),
    /// An element that a plate does not have, or before its first one.
    #[error("no such element: {0}")]
    Element(String),
    /// What has no density of its own here.
    #[error("{0}")]
    Unsupported(String),
}

/// The log joint; NaN where it is not defined at these numbers (see [`log_joint_by_factor`] for the reason).
#[must_use]
pub fn log_joint(model: &Model, data: &Dataset, values: &Assignment) -> f64 {
    log_joint_by_factor(model, data, values).map_or(f64::NAN, |shares| shares.iter().sum())
}

/// Each statement's share of the log joint, by [`FactorId`].
///
/// # Errors
/// The first [`Problem`] met.
pub fn log_joint_by_factor(
    model: &Model,
    data: &Dataset,
    values: &Assignment,
) -> Result<Vec<f64>, Problem> {
    let ids = (0..model.factors.len()).map(FactorId::from);
    ids.map(|f| log_density_of_statement(model, data, values, f))
        .collect()
}

/// The share of one statement: the weighted sum over its elements.
///
/// # Errors
/// The first [`Problem`] met.
pub fn log_density_of_statement(
    model: &Model,
    data: &Dataset,
    values: &Assignment,
    factor: FactorId,
) -> Result<f64, Problem> {
    joint::statement(&expression::Evaluator::new(model, data, values), factor)
}

/// The log density of one element of a statement, its weight left out; `element` has one position for each bracket plate.
///
/// # Errors
/// A [`Problem`], also where the statement has no such element.
pub fn log_density_of_element(
    model: &Model,
    data: &Dataset,
    values: &Assignment,
    factor: FactorId,
    element: &[usize],
) -> Result<f64, Problem> {
    let evaluator = expression::Evaluator::new(model, data, values);
    joint::element(&evaluator, factor, element)
}

#[cfg(test)]
mod tests;
