//! Reading textbook parameters by name, and the checks on numbers that several families share.

use super::{Improper, Parameter};

/// A parameter that is a number.
pub(super) fn number(name: &'static str, value: f64) -> Parameter {
    Parameter {
        name,
        shape: Vec::new(),
        values: vec![value],
    }
}

/// A parameter that is an array.
pub(super) fn array(name: &'static str, shape: &[usize], values: Vec<f64>) -> Parameter {
    Parameter {
        name,
        shape: shape.to_vec(),
        values,
    }
}

/// The numbers of the parameter `name`, of which there must be `length`, all finite.
pub(super) fn read<'a>(
    parameters: &'a [Parameter],
    name: &str,
    length: usize,
) -> Result<&'a [f64], Improper> {
    let found = parameters
        .iter()
        .find(|p| p.name == name)
        .ok_or_else(|| Improper::new(format!("{name} is missing")))?;
    if found.values.len() != length {
        return Err(Improper::new(format!(
            "{name} has {} numbers, not {length}",
            found.values.len()
        )));
    }
    if let Some(v) = found.values.iter().find(|v| !v.is_finite()) {
        return Err(Improper::new(format!("{name} is {v}")));
    }
    Ok(&found.values)
}

/// The parameter `name` as one number.
pub(super) fn read_number(parameters: &[Parameter], name: &str) -> Result<f64, Improper> {
    match read(parameters, name, 1)? {
        [v] => Ok(*v),
        _ => Err(Improper::new(format!("{name} is not one number"))),
    }
}

/// The parameter `name` as one number above 0.
pub(super) fn read_positive(parameters: &[Parameter], name: &'static str) -> Result<f64, Improper> {
    above(name, read_number(parameters, name)?, 0.0)
}

/// `value` if it is finite and above `bound`.
pub(super) fn above(name: &str, value: f64, bound: f64) -> Result<f64, Improper> {
    if value > bound && value.is_finite() {
        Ok(value)
    } else {
        // Adding 0 turns -0 into 0.
        Err(Improper::new(format!(
            "{name} {} is not above {bound}",
            value + 0.0
        )))
    }
}

/// Fails where one of the numbers of a natural parameter is NaN or infinite.
pub(super) fn finite(eta: &[f64]) -> Result<(), Improper> {
    match eta.iter().find(|v| !v.is_finite()) {
        Some(v) => Err(Improper::new(format!("its natural parameter is {v}"))),
        None => Ok(()),
    }
}

/// `log_partition` if it and all of `expected` are numbers; parameters at the end of the floating-point range give none.
pub(super) fn in_range(log_partition: f64, expected: &[f64]) -> Result<f64, Improper> {
    // Without a way out of the loop it takes many numbers at a time.
    let finite = expected.iter().fold(true, |all, v| all & v.is_finite());
    if log_partition.is_finite() && finite {
        Ok(log_partition)
    } else {
        Err(Improper::new(
            "its parameters are beyond the range of floating-point numbers",
        ))
    }
}
