//! A fit file as an init file: which part of a variable to start from, and its labels against the present ones.
//!
//! in: the `plates` and `variables` of `pmc.fit/1` -> out: arrays in the order of the present labels; E0714 for an
//! element that the fit does not have.

use std::collections::HashMap;

use ndarray::{ArrayD, Axis};
use serde_json::{Map, Value};

use super::init::Reader;
use super::labels::positions;
use crate::diag::Diagnostic;
use crate::model::{Model, PlateId, Variable};

/// The labels that the plates had when a fit was made.
pub(super) fn fitted_labels(
    model: &Model,
    top: &Map<String, Value>,
) -> HashMap<PlateId, Vec<String>> {
    let Some(Value::Object(plates)) = top.get("plates") else {
        return HashMap::new();
    };
    let of_plate = |(i, plate): (usize, &crate::model::Plate)| {
        let labels = plates.get(&plate.name)?.get("labels")?.as_array()?;
        let labels: Option<Vec<String>> = labels
            .iter()
            .map(|l| l.as_str().map(str::to_string))
            .collect();
        labels
            .filter(|l| !l.is_empty())
            .map(|labels| (PlateId::from(i), labels))
    };
    model
        .plates
        .iter()
        .enumerate()
        .filter_map(of_plate)
        .collect()
}

impl Reader<'_> {
    /// The part of a fitted variable to start from.
    pub(super) fn fitted_part<'j>(
        &self,
        parts: &'j Map<String, Value>,
    ) -> Option<(&'static str, &'j Value)> {
        ["value", "parameters", "mean"]
            .into_iter()
            .find_map(|part| parts.get(part).map(|json| (part, json)))
    }

    /// The size of a plate in the file: that of the fit, or of the data.
    pub(super) fn size_in_file(&self, plate: PlateId) -> usize {
        match self.fitted.get(&plate) {
            Some(labels) => labels.len(),
            None => self.plates.get(plate.index()).map_or(0, |p| p.size),
        }
    }

    /// Puts each axis in the order of the present labels.
    pub(super) fn aligned(
        &self,
        variable: &Variable,
        mut array: ArrayD<f64>,
        axes: &[PlateId],
    ) -> Result<ArrayD<f64>, Box<Diagnostic>> {
        for (at, plate) in axes.iter().enumerate() {
            let (Some(then), Some(now)) = (self.fitted.get(plate), self.plates.get(plate.index()))
            else {
                continue;
            };
            if *then == now.labels {
                continue;
            }
            let place = positions(then);
            let mut order = Vec::with_capacity(now.labels.len());
            for label in &now.labels {
                match place.get(label.as_str()) {
                    Some(position) => order.push(*position as usize),
                    None => {
                        let plate = &self.model.plate(*plate).name;
                        let why = format!("the fit has no `{label}` in plate `{plate}`");
                        return Err(Box::new(self.problem(variable, why)));
                    }
                }
            }
            array = array.select(Axis(at), &order);
        }
        Ok(array)
    }
}
