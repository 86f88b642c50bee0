//! One element of a statement with some numbers left open: which one it asks for next; and definitions worked out once.
//!
//! in: numbers, NaN where open -> out: the log density, or [`Problem::NoValue`] with the first open number it reads.

use super::expression::Evaluator;
use super::{Assignment, Problem, joint};
use crate::data::Dataset;
use crate::model::{Body, DefinitionId, Expr, FactorId, Model};

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

/// The model with every `let` that data alone decide replaced by its numbers, so that a mean over rows is taken once
/// instead of in each element; a definition with a blank somewhere stays as it is.
pub fn with_numbers(model: &Model, data: &Dataset) -> Model {
    let mut out = model.clone();
    for i in 0..model.definitions.len() {
        let id = DefinitionId::from(i);
        let definition = model.definition(id);
        if !definition.known || !matches!(definition.body, Body::Expr(_)) {
            continue;
        }
        let plates = definition.axes.iter().map(|a| a.plate.index());
        let shape: Vec<usize> = plates
            .map(|p| data.plates.get(p).map_or(0, |p| p.size))
            .collect();
        let none = Assignment::empty(model);
        let mut entries = Vec::new();
        let found = {
            let evaluator = Evaluator::new(&out, data, &none);
            joint::for_each_element(&shape, &mut |at| match evaluator.definition(id, at) {
                Ok(Some(x)) => {
                    entries.push(Expr::Number(x));
                    Ok(())
                }
                _ => Err(()),
            })
        };
        if found.is_ok()
            && let Some(d) = out.definitions.get_mut(i)
        {
            d.body = Body::Table { shape, entries };
        }
    }
    out
}
