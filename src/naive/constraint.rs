//! Constraints of a param, imposed on a draw from its prior.
//!
//! `unit norm` and `unit ball` scale vectors, `increasing` sorts them, `symmetric` copies one element of each pair to the
//! other. Scaling a draw of independent zero-mean Gaussians of one variance, and sorting independent draws of one
//! distribution, give exact draws under the constraint; others are near it.

use ndarray::{ArrayD, Axis};

use crate::model::{Constraint, Variable};

/// Makes a drawn value meet the variable's constraints.
pub(super) fn impose(variable: &Variable, values: &mut ArrayD<f64>) {
    for constraint in &variable.constraints {
        match constraint {
            Constraint::UnitNorm(plate) => along(variable, *plate, values, |v| {
                let norm = norm(v);
                if norm > 0.0 {
                    v.iter_mut().for_each(|x| *x /= norm);
                }
            }),
            Constraint::UnitBall(plate) => along(variable, *plate, values, |v| {
                let norm = norm(v);
                if norm > 1.0 {
                    v.iter_mut().for_each(|x| *x /= norm);
                }
            }),
            Constraint::Increasing(plate) => {
                along(variable, *plate, values, |v| v.sort_by(f64::total_cmp));
            }
            Constraint::Symmetric => symmetric(values),
        }
    }
}

fn norm(v: &[f64]) -> f64 {
    v.iter().map(|x| x * x).sum::<f64>().sqrt()
}

fn along(
    variable: &Variable,
    plate: crate::model::PlateId,
    values: &mut ArrayD<f64>,
    change: impl Fn(&mut Vec<f64>),
) {
    let Some(slot) = variable.slots.iter().rposition(|p| *p == plate) else {
        return;
    };
    for mut lane in values.lanes_mut(Axis(slot)) {
        let mut numbers = lane.to_vec();
        change(&mut numbers);
        lane.iter_mut()
            .zip(numbers)
            .for_each(|(place, v)| *place = v);
    }
}

fn symmetric(values: &mut ArrayD<f64>) {
    let places: Vec<_> = values
        .indexed_iter()
        .map(|(i, _)| ndarray::Dimension::slice(&i).to_vec())
        .collect();
    for place in places {
        let mut pair = place.clone();
        if let [.., a, b] = pair.as_mut_slice()
            && *a > *b
        {
            std::mem::swap(a, b);
            let v = values[ndarray::IxDyn(&pair)];
            values[ndarray::IxDyn(&place)] = v;
        }
    }
}
