//! Statements over the elements of their plates.
//!
//! in: a statement -> out: the sum over its elements of weight times log density.

use super::Problem;
use super::augmented::augmented;
use super::expression::{Bindings, Evaluator};
use super::parameters::log_density;
use crate::model::{
    Case, Conditional, Constraint, Distribution, Factor, FactorId, FactorKind, Model, VariableId,
};

/// Calls `visit` with every element of some sizes, the last fastest.
pub(super) fn for_each_element<E>(
    sizes: &[usize],
    visit: &mut dyn FnMut(&[usize]) -> Result<(), E>,
) -> Result<(), E> {
    fn go<E>(
        sizes: &[usize],
        at: &mut Vec<usize>,
        visit: &mut dyn FnMut(&[usize]) -> Result<(), E>,
    ) -> Result<(), E> {
        let Some((size, inner)) = sizes.split_first() else {
            return visit(at);
        };
        for i in 0..*size {
            at.push(i);
            let done = go(inner, at, visit);
            at.pop();
            done?;
        }
        Ok(())
    }
    go(sizes, &mut Vec::new(), visit)
}

/// The weighted sum over the elements of a statement.
pub(super) fn statement(evaluator: &Evaluator, id: FactorId) -> Result<f64, Problem> {
    let model = evaluator.model;
    let factor = model.factor(id);
    let sizes: Vec<usize> = factor
        .axes
        .iter()
        .map(|a| evaluator.size(a.plate))
        .collect();
    let mut total = 0.0;
    for_each_element(&sizes, &mut |at| {
        let weights = factor.axes.iter().zip(at);
        let weight: f64 = weights
            .map(|(a, e)| evaluator.weight(a.plate, *e))
            .product();
        if weight != 0.0 && !is_second_of_pair(model, factor, at) {
            total += weight * element(evaluator, id, at)?;
        }
        Ok(())
    })?;
    Ok(total)
}

/// True for the element (b, a), a < b, of a symmetric variable's prior: (a, b) stands for both.
pub(super) fn is_second_of_pair(model: &Model, factor: &Factor, at: &[usize]) -> bool {
    let FactorKind::Prior(id, _) = &factor.kind else {
        return false;
    };
    let symmetric = model
        .variable(*id)
        .constraints
        .contains(&Constraint::Symmetric);
    symmetric && matches!(at, [.., a, b] if a > b)
}

/// The log density of one element of a statement.
pub(super) fn element(evaluator: &Evaluator, id: FactorId, at: &[usize]) -> Result<f64, Problem> {
    let factor = evaluator.model.factor(id);
    if at.len() != factor.axes.len() {
        return Err(Problem::Element(format!("{at:?} of a statement")));
    }
    let mut bound: Bindings = factor
        .axes
        .iter()
        .copied()
        .zip(at.iter().copied())
        .collect();
    match &factor.kind {
        FactorKind::Potential(e) => evaluator.needed(e, &mut bound),
        FactorKind::ObservedOnly(_) => Ok(0.0),
        FactorKind::Prior(variable, conditional) => {
            let d = chosen(evaluator, conditional, &bound)?;
            let value = variable_value(evaluator, *variable, d, at)?;
            if let Some(l) = augmented(evaluator, d, &mut bound, &value)? {
                return Ok(l);
            }
            log_density(&evaluator.parameters(d, &mut bound)?, &value)
        }
        FactorKind::ObservedColumn(column, conditional) => {
            let cell = |at: &[usize]| evaluator.cell(*column, at);
            observed(evaluator, conditional, at, &mut bound, &cell)
        }
        FactorKind::ObservedDefinition(definition, conditional) => {
            let value = |at: &[usize]| evaluator.definition(*definition, at);
            observed(evaluator, conditional, at, &mut bound, &value)
        }
    }
}

/// The observed number at an element, `None` where it is blank.
type ValueAt<'f> = dyn Fn(&[usize]) -> Result<Option<f64>, Problem> + 'f;

/// The log density of what is observed at an element; the arguments are not needed where all of it is blank.
fn observed(
    evaluator: &Evaluator,
    conditional: &Conditional,
    at: &[usize],
    bound: &mut Bindings,
    value_at: &ValueAt,
) -> Result<f64, Problem> {
    let mut value = Vec::new();
    for_each_element(&observed_sizes(evaluator, conditional), &mut |inner| {
        let place = [at, inner].concat();
        value.push(value_at(&place)?.unwrap_or(f64::NAN));
        Ok(())
    })?;
    if value.iter().all(|v| v.is_nan()) {
        return Ok(0.0);
    }
    let d = chosen(evaluator, conditional, bound)?;
    if let Some(l) = augmented(evaluator, d, bound, &value)? {
        return Ok(l);
    }
    log_density(&evaluator.parameters(d, bound)?, &value)
}

/// The sizes of the slots of one value: none for a number, one for a vector, two for a matrix.
pub(super) fn value_sizes(evaluator: &Evaluator, d: &Distribution) -> Vec<usize> {
    use crate::dist::{ValueSupport, signature};
    let size = d.over.map(|o| evaluator.size(o.plate));
    match (size, signature(d.kind).value) {
        (None, _) | (Some(_), ValueSupport::Element) => vec![],
        (Some(n), ValueSupport::Precision | ValueSupport::Covariance) => vec![n, n],
        (Some(n), _) => vec![n],
    }
}

/// The sizes of an observed value; all branches of a choice have the same.
fn observed_sizes(evaluator: &Evaluator, conditional: &Conditional) -> Vec<usize> {
    let mut case = &conditional.usual;
    loop {
        match case {
            Case::Always(d) => return value_sizes(evaluator, d),
            Case::By { branches, .. } => match branches.first() {
                Some((_, branch)) => case = branch,
                None => return vec![],
            },
        }
    }
}

fn variable_value(
    evaluator: &Evaluator,
    variable: VariableId,
    d: &Distribution,
    at: &[usize],
) -> Result<Vec<f64>, Problem> {
    let mut value = Vec::new();
    for_each_element(&value_sizes(evaluator, d), &mut |inner| {
        value.push(evaluator.variable(variable, &[at, inner].concat())?);
        Ok(())
    })?;
    Ok(value)
}

/// The distribution that holds at the bound elements: `first` where an element before does not exist, then the branch
/// that the selector takes.
pub(super) fn chosen<'m>(
    evaluator: &Evaluator,
    conditional: &'m Conditional,
    bound: &Bindings,
) -> Result<&'m Distribution, Problem> {
    let mut case = &conditional.usual;
    if let Some(first) = &conditional.first {
        for (axis, k) in &conditional.lags {
            let here = bound.iter().rev().find(|(a, _)| a == axis);
            let outside = || Problem::Element("an index that nothing binds".to_string());
            let (_, here) = here.ok_or_else(outside)?;
            if evaluator.before(*axis, *here, *k).is_none() {
                case = first;
            }
        }
    }
    loop {
        match case {
            Case::Always(d) => return Ok(d),
            Case::By {
                selector, branches, ..
            } => {
                let selected = evaluator.element(selector, bound)?;
                let selected =
                    selected.ok_or_else(|| Problem::Blank("what `case` selects by".to_string()))?;
                let branch = branches.iter().find(|(e, _)| *e as usize == selected);
                let missing = || Problem::Element(format!("branch {selected}"));
                case = &branch.ok_or_else(missing)?.1;
            }
        }
    }
}
