//! Starting values: what `--init FILE` holds, shaped by the model's slots.
//!
//! in: JSON, the model, its plates with data -> out: [`Init`]; E0714 naming the variable, what was expected and found.
//!
//! ```text
//! { "mu": [[2, 50], [4.5, 80]],                       a value, or a mean
//!   "pi": { "concentration": [[1, 2], [3, 4]] },      the family's parameters
//!   "z":  { "label": [0, "b"] },                      elements of a discrete latent, by position (from 0) or label
//!   "W":  { "csv": "w.csv", "value": "weight" } }     an array in long form, see `init_csv`
//! ```
//!
//! For a discrete latent an array with one more axis holds probabilities; for a binary one that axis may be left out.
//! A fit file is accepted too: variables that the model does not have are passed over, and its arrays are put in the
//! order of the present labels. Not here: what a starting value means to the engine.

use std::collections::HashMap;

use ndarray::{ArrayD, Axis, IxDyn};
use serde_json::{Map, Value};

use super::finding::{clip, listing, suggest};
use super::init_array::{describe_found, expected_words, label_positions, nested_numbers};
use super::init_fit::fitted_labels;
use super::labels::positions;
use super::{DataFile, PlateData, init_csv};
use crate::diag::{Code, Diagnostic};
use crate::model::{BINARY, Domain, Model, PlateId, Variable};

/// Starting values by variable.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Init {
    /// The variable's name and its start, in the order of the file.
    pub values: Vec<(String, InitValue)>,
}

/// The start of one variable; arrays follow its slots.
#[derive(Debug, Clone, PartialEq)]
pub enum InitValue {
    /// A value or mean; for a discrete variable probabilities, with the category as an additional last axis.
    Value(ArrayD<f64>),
    /// Parameters of the family by their names: bracket slots first.
    Parameters(Vec<(String, ArrayD<f64>)>),
    /// Elements of a discrete variable, by position.
    Labels(ArrayD<u32>),
}

/// How files named in an init file are opened.
pub type ReadFile<'a> = &'a dyn Fn(&str) -> std::io::Result<Vec<u8>>;

/// Reads an init or fit file; `plates` are those of the data (by [`PlateId`]).
///
/// # Errors
/// E0714 for everything that does not match the model, E0701 for a CSV file that cannot be read.
pub fn read_init(
    model: &Model,
    plates: &[PlateData],
    file: &DataFile,
    read: ReadFile,
) -> Result<Init, Vec<Diagnostic>> {
    let broken = |why: String| {
        let title = "init file is not a JSON object";
        vec![Diagnostic::new(Code::E0714, title).note(format!("{}: {why}", file.name))]
    };
    let bytes = file.bytes().map_err(|e| broken(e.to_string()))?;
    let json: Value = serde_json::from_slice(&bytes).map_err(|e| broken(e.to_string()))?;
    let Value::Object(top) = &json else {
        return Err(broken("expected { \"variable\": value, ... }".to_string()));
    };
    let is_fit = top.get("format").and_then(Value::as_str) == Some("pmc.fit/1");
    let mut reader = Reader {
        model,
        plates,
        file: &file.name,
        read,
        fitted: HashMap::new(),
    };
    let mut init = Init::default();
    let mut found = Vec::new();
    let empty = Map::new();
    let entries = if is_fit {
        reader.fitted = fitted_labels(model, top);
        top.get("variables")
            .and_then(Value::as_object)
            .unwrap_or(&empty)
    } else {
        top
    };
    for (name, json) in entries {
        let Some(variable) = model.variables.iter().find(|v| v.name == *name) else {
            if !is_fit {
                found.push(reader.unknown(name));
            }
            continue;
        };
        let value = match json {
            Value::Object(parts) if is_fit => match reader.fitted_part(parts) {
                Some(("parameters", json)) => reader.parameters(variable, json),
                Some((_, json)) => reader.value(variable, json).map(InitValue::Value),
                None => continue,
            },
            json => reader.any(variable, json),
        };
        match value {
            Ok(value) => init.values.push((name.clone(), value)),
            Err(problem) => found.push(*problem),
        }
    }
    if found.is_empty() {
        Ok(init)
    } else {
        Err(found)
    }
}

pub(super) struct Reader<'a> {
    pub(super) model: &'a Model,
    pub(super) plates: &'a [PlateData],
    pub(super) file: &'a str,
    pub(super) read: ReadFile<'a>,
    /// Labels of a fit file, in its order.
    pub(super) fitted: HashMap<PlateId, Vec<String>>,
}

impl Reader<'_> {
    fn unknown(&self, name: &str) -> Diagnostic {
        let names = || self.model.variables.iter().map(|v| v.name.as_str());
        let unknown = Diagnostic::new(
            Code::E0714,
            format!("no variable `{}` in the model", clip(name, 30)),
        )
        .note(format!("{} names it", self.file))
        .note(format!("the variables are {}", listing(names())));
        suggest(unknown, name, names())
    }

    /// A finding about one variable.
    pub(super) fn problem(&self, variable: &Variable, found: impl Into<String>) -> Diagnostic {
        let name = clip(&variable.name, 24);
        Diagnostic::new(Code::E0714, format!("start of `{name}` does not fit it"))
            .at(variable.name_span, "declared here")
            .note(format!("{}: {}", self.file, found.into()))
    }

    fn any(&self, variable: &Variable, json: &Value) -> Result<InitValue, Box<Diagnostic>> {
        match json {
            Value::Object(parts) if parts.contains_key("csv") => {
                self.value(variable, json).map(InitValue::Value)
            }
            Value::Object(parts) => match parts.get("label") {
                Some(labels) if parts.len() == 1 => {
                    self.labels(variable, labels).map(InitValue::Labels)
                }
                _ => self.parameters(variable, json),
            },
            _ => self.value(variable, json).map(InitValue::Value),
        }
    }

    /// What a discrete variable ranges over.
    fn categories(variable: &Variable) -> Option<PlateId> {
        match variable.domain {
            Domain::Element(plate) => Some(plate),
            Domain::Binary => Some(BINARY),
            _ => None,
        }
    }

    fn value(&self, variable: &Variable, json: &Value) -> Result<ArrayD<f64>, Box<Diagnostic>> {
        let mut axes = variable.slots.clone();
        let Some(categories) = Self::categories(variable) else {
            return self.array(variable, json, &axes);
        };
        if variable.domain == Domain::Binary && self.depth(json) == Some(axes.len()) {
            let ones = self.array(variable, json, &axes)?;
            let both = [ones.mapv(|p| 1.0 - p), ones];
            let views: Vec<_> = both.iter().map(|p| p.view()).collect();
            return ndarray::stack(Axis(axes.len()), &views)
                .map_err(|e| Box::new(self.problem(variable, e.to_string())));
        }
        axes.push(categories);
        self.array(variable, json, &axes).map_err(|problem| {
            Box::new(problem.help("or give one element each: { \"label\": [ ... ] }"))
        })
    }

    /// How deep lists are nested; `None` for a CSV.
    fn depth(&self, json: &Value) -> Option<usize> {
        match json {
            Value::Array(_) | Value::Number(_) => nested_numbers(json).ok().map(|a| a.ndim()),
            _ => None,
        }
    }

    fn parameters(&self, variable: &Variable, json: &Value) -> Result<InitValue, Box<Diagnostic>> {
        let Value::Object(parts) = json else {
            return Err(Box::new(
                self.problem(variable, "expected an array or an object of arrays"),
            ));
        };
        if parts.is_empty() {
            return Err(Box::new(self.problem(variable, "an empty object")));
        }
        let mut values = Vec::with_capacity(parts.len());
        for (name, json) in parts {
            let (brackets, value) = variable
                .slots
                .split_at(variable.brackets.min(variable.slots.len()));
            let own: Vec<PlateId> = Self::categories(variable)
                .into_iter()
                .chain(value.iter().copied())
                .collect();
            let extra = match self.depth(json) {
                Some(depth) => depth.saturating_sub(brackets.len()),
                None => own.len(),
            };
            // a parameter has none, one or (a covariance) two axes of the value behind the brackets
            let along = own.last().or(brackets.last());
            let axes: Vec<PlateId> = brackets
                .iter()
                .copied()
                .chain(
                    own.iter()
                        .chain(along.into_iter().cycle())
                        .copied()
                        .take(extra.min(2)),
                )
                .collect();
            let array = self.array(variable, json, &axes).map_err(|problem| {
                problem.note(format!("this is its parameter `{}`", clip(name, 30)))
            })?;
            values.push((name.clone(), array));
        }
        Ok(InitValue::Parameters(values))
    }

    /// An array over these plates, in the order of the present labels.
    fn array(
        &self,
        variable: &Variable,
        json: &Value,
        axes: &[PlateId],
    ) -> Result<ArrayD<f64>, Box<Diagnostic>> {
        if let Value::Object(parts) = json {
            return init_csv::numbers(self, variable, parts, axes);
        }
        let array = nested_numbers(json).map_err(|why| {
            self.problem(variable, why).note(format!(
                "expected {}",
                expected_words(self.model, axes, &self.sizes(axes))
            ))
        })?;
        let sizes: Vec<usize> = axes.iter().map(|a| self.size_in_file(*a)).collect();
        if array.shape() != sizes {
            return Err(Box::new(
                self.problem(variable, format!("found {}", describe_found(array.shape())))
                    .note(format!(
                        "expected {}",
                        expected_words(self.model, axes, &sizes)
                    )),
            ));
        }
        self.aligned(variable, array, axes)
    }

    pub(super) fn sizes(&self, axes: &[PlateId]) -> Vec<usize> {
        let size = |a: &PlateId| self.plates.get(a.index()).map_or(0, |p| p.size);
        axes.iter().map(size).collect()
    }

    fn labels(&self, variable: &Variable, json: &Value) -> Result<ArrayD<u32>, Box<Diagnostic>> {
        let Some(categories) = Self::categories(variable) else {
            return Err(Box::new(
                self.problem(variable, "labels for a variable that is a number")
                    .help("give an array of numbers"),
            ));
        };
        let axes = &variable.slots;
        let name = &self.model.plate(categories).name;
        let known = self
            .plates
            .get(categories.index())
            .cloned()
            .unwrap_or_default();
        let unknown = |label: String| {
            let labels = known.labels.iter().map(String::as_str);
            let problem = self
                .problem(
                    variable,
                    format!("`{}` is no element of `{name}`", clip(&label, 40)),
                )
                .note(format!("the elements of `{name}` are {}", listing(labels)));
            suggest(problem, &label, known.labels.iter().map(String::as_str))
        };
        if let Value::Object(parts) = json {
            let cells = init_csv::texts(self, variable, parts, axes)?;
            let place = positions(&known.labels);
            let mut elements = Vec::with_capacity(cells.len());
            for cell in cells {
                match place.get(cell.as_str()) {
                    Some(position) => elements.push(*position),
                    None => return Err(Box::new(unknown(cell))),
                }
            }
            let shape = IxDyn(&self.sizes(axes));
            return ArrayD::from_shape_vec(shape, elements)
                .map_err(|e| Box::new(self.problem(variable, e.to_string())));
        }
        let array = label_positions(json, &known).map_err(|why| match why {
            Ok(label) => unknown(label),
            Err(why) => self.problem(variable, why),
        })?;
        let sizes = self.sizes(axes);
        if array.shape() != sizes {
            return Err(Box::new(
                self.problem(variable, format!("found {}", describe_found(array.shape())))
                    .note(format!(
                        "expected {}",
                        expected_words(self.model, axes, &sizes)
                    )),
            ));
        }
        Ok(array)
    }
}
