//! Nested JSON lists as arrays, and shapes in the words of the model.
//!
//! in: a JSON value -> out: an array of any number of axes, or what is wrong with it.

use ndarray::{ArrayD, IxDyn};
use serde_json::Value;

use super::PlateData;
use super::labels::{normal, positions};
use crate::model::{Model, PlateId};

/// A number, or lists of equal length all the way down.
pub(super) fn nested_numbers(json: &Value) -> Result<ArrayD<f64>, String> {
    nested(json, &|entry| {
        entry
            .as_f64()
            .filter(|v| v.is_finite())
            .ok_or_else(|| format!("`{entry}` is not a number"))
    })
}

/// The same of elements: a position from 0, a truth value or a label. `Err(Ok(label))` is a label that there is not.
pub(super) fn label_positions(
    json: &Value,
    plate: &PlateData,
) -> Result<ArrayD<u32>, Result<String, String>> {
    let known = positions(&plate.labels);
    let unknown = std::cell::RefCell::new(None);
    let array = nested(json, &|entry| {
        let position = match entry {
            Value::String(label) => known.get(normal(label).as_ref()).copied(),
            Value::Bool(truth) => Some(u32::from(*truth)),
            Value::Number(n) => n.as_u64().and_then(|n| u32::try_from(n).ok()),
            _ => None,
        };
        match (position.filter(|p| (*p as usize) < plate.size), entry) {
            (Some(position), _) => Ok(position),
            (None, Value::String(label)) => {
                *unknown.borrow_mut() = Some(label.clone());
                Err(String::new())
            }
            (None, _) => Err(format!(
                "`{entry}` is no position from 0 to {}",
                plate.size.saturating_sub(1)
            )),
        }
    });
    array.map_err(|why| unknown.take().ok_or(why))
}

fn nested<T: Clone>(
    json: &Value,
    entry: &dyn Fn(&Value) -> Result<T, String>,
) -> Result<ArrayD<T>, String> {
    let mut shape = Vec::new();
    let mut level = json;
    while let Value::Array(list) = level {
        shape.push(list.len());
        match list.first() {
            Some(first) => level = first,
            None => break,
        }
    }
    let mut values = Vec::new();
    collect(json, &shape, entry, &mut values)?;
    ArrayD::from_shape_vec(IxDyn(&shape), values).map_err(|e| e.to_string())
}

fn collect<T>(
    json: &Value,
    shape: &[usize],
    entry: &dyn Fn(&Value) -> Result<T, String>,
    values: &mut Vec<T>,
) -> Result<(), String> {
    match (json, shape.split_first()) {
        (Value::Array(list), Some((length, inner))) => {
            if list.len() != *length {
                return Err(format!(
                    "lists of different lengths side by side, {length} and {}",
                    list.len()
                ));
            }
            list.iter()
                .try_for_each(|json| collect(json, inner, entry, values))
        }
        (Value::Array(_), None) | (_, Some(_)) => Err("numbers and lists side by side".to_string()),
        (json, None) => {
            values.push(entry(json)?);
            Ok(())
        }
    }
}

/// `one number for each cluster (2) and feature (2)`
pub(super) fn expected_words(model: &Model, axes: &[PlateId], sizes: &[usize]) -> String {
    if axes.is_empty() {
        return "one number".to_string();
    }
    let plates: Vec<String> = axes
        .iter()
        .zip(sizes)
        .map(|(axis, size)| format!("{} ({size})", model.plate(*axis).name))
        .collect();
    format!("one entry for each {}", plates.join(", "))
}

/// `3 lists of 2 lists of 4 entries`
pub(super) fn describe_found(shape: &[usize]) -> String {
    let Some((last, outer)) = shape.split_last() else {
        return "a single entry".to_string();
    };
    let lists: String = outer.iter().map(|n| format!("{n} lists of ")).collect();
    format!("{lists}{last} entries")
}
