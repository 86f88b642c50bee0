//! The elements of a plate, once enough is known.
//!
//! in: a plate's declaration, the labels met in the files, the tables finished so far, perhaps the plates of a fit -> out:
//! its size and labels in order. New label elements stand behind fitted ones, in their own order.

use std::cell::Cell;
use std::collections::HashSet;

use super::evaluate::Evaluator;
use super::finding::{clip, listing};
use super::labels::{Interner, normal, sort_labels};
use super::raw::{RawCells, RawTable};
use super::{PlateData, bind::Progress};
use crate::diag::{Code, Diagnostic};
use crate::model::{Expr, Model, PlateId, PlateKind, Role, Variable};

/// The largest number of elements that are given names.
const LARGEST: usize = 100_000_000;

/// The elements of a plate; `None` if they depend on what is not known yet.
pub(super) fn resolve(
    model: &Model,
    id: PlateId,
    progress: &Progress,
    fitted: Option<&PlateData>,
) -> Result<Option<PlateData>, Box<Diagnostic>> {
    let plate = model.plate(id);
    Ok(match &plate.kind {
        PlateKind::Binary => Some(counted(2, 0)),
        PlateKind::Listed(labels) => Some(named(
            labels.iter().map(|l| normal(l).into_owned()).collect(),
        )),
        PlateKind::Counted { expr, size } => {
            let known = size.or_else(|| fitted.map(|f| f.size));
            match known.map_or_else(|| evaluate(model, id, expr, progress), |n| Ok(Some(n)))? {
                Some(n) if n > LARGEST => {
                    return Err(Box::new(
                        wrong_size(model, id, "is too large to be held")
                            .note(format!("{n} elements are more than {LARGEST}")),
                    ));
                }
                known => known.map(|n| counted(n, 1)),
            }
        }
        PlateKind::Rows(table) => progress.finished_table(*table).map(|raw| PlateData {
            size: raw.rows(),
            labels: Vec::new(),
        }),
        PlateKind::Keyed(table, key) => progress
            .finished_table(*table)
            .and_then(|raw| key_labels(raw, *key, progress.interners.get(id.index())?))
            .map(named),
        PlateKind::Labels(_) => {
            let met = progress.interners.get(id.index());
            let met = met.map_or(&[][..], |i| i.labels.as_slice());
            Some(named(match fitted {
                None => {
                    let mut labels = met.to_vec();
                    sort_labels(&mut labels);
                    labels
                }
                Some(fitted) => extended(model, id, fitted, met)?,
            }))
        }
        PlateKind::Group(columns) => {
            let first = columns
                .iter()
                .find_map(|c| progress.tables.iter().find_map(|t| t.column(*c)));
            match fitted {
                Some(fitted) => Some(fitted.clone()),
                None => first.map(|c| named(c.elements.to_vec())),
            }
        }
    })
}

fn named(labels: Vec<String>) -> PlateData {
    PlateData {
        size: labels.len(),
        labels,
    }
}

fn counted(size: usize, first: usize) -> PlateData {
    named((first..first + size).map(|i| i.to_string()).collect())
}

fn key_labels(
    raw: &RawTable,
    key: crate::model::ColumnId,
    interner: &Interner,
) -> Option<Vec<String>> {
    match &raw.column(key)?.cells {
        RawCells::Elements(ids) => ids
            .iter()
            .map(|id| interner.labels.get(*id as usize).cloned())
            .collect(),
        RawCells::Numbers(_) => None,
    }
}

fn evaluate(
    model: &Model,
    id: PlateId,
    expr: &Expr,
    progress: &Progress,
) -> Result<Option<usize>, Box<Diagnostic>> {
    let evaluator = Evaluator {
        model,
        sizes: progress.sizes(),
        columns: &[],
        previous: Vec::new(),
        fuel: Cell::new(1_000_000),
    };
    match evaluator.number(expr, &mut Vec::new()) {
        None => Ok(None),
        Some(n) if n >= 1.0 && n.fract() == 0.0 && n < 1e15 => Ok(Some(n as usize)),
        Some(n) => Err(Box::new(
            wrong_size(model, id, "has no whole number of elements")
                .note(format!("with these data its size is {n}")),
        )),
    }
}

/// A plate whose size cannot be used.
pub(super) fn wrong_size(model: &Model, id: PlateId, why: &str) -> Diagnostic {
    let plate = model.plate(id);
    Diagnostic::new(
        Code::E0409,
        format!("plate `{}` {why}", clip(&plate.name, 20)),
    )
    .at(plate.span, "its size is declared here")
}

/// True if a fitted variable has values along this plate: a simplex over words knows no new word.
pub(super) fn is_closed(model: &Model, id: PlateId) -> bool {
    let along = |v: &Variable| v.slots.iter().skip(v.brackets).any(|p| *p == id);
    model.variables.iter().any(along)
}

/// Fitted labels, then the new ones; a plate that is closed gains none.
fn extended(
    model: &Model,
    id: PlateId,
    fitted: &PlateData,
    met: &[String],
) -> Result<Vec<String>, Box<Diagnostic>> {
    let mut labels = fitted.labels.clone();
    if is_closed(model, id) {
        return Ok(labels);
    }
    let old: HashSet<&String> = fitted.labels.iter().collect();
    let mut new: Vec<String> = met.iter().filter(|l| !old.contains(l)).cloned().collect();
    sort_labels(&mut new);
    let of_plate =
        |v: &&Variable| v.role == Role::Param && v.slots.iter().take(v.brackets).any(|p| *p == id);
    if let (Some(param), Some(first)) = (model.variables.iter().find(of_plate), new.first()) {
        let plate = &model.plate(id).name;
        return Err(Box::new(
            Diagnostic::new(
                Code::E0713,
                format!(
                    "`{}` has no fitted `{}`",
                    clip(first, 20),
                    clip(&param.name, 20)
                ),
            )
            .at(
                param.name_span,
                format!("a point for each `{plate}` of the fit"),
            )
            .note(format!(
                "new elements of `{plate}`: {}",
                listing(new.iter().map(String::as_str))
            ))
            .help(format!(
                "declare `{}` as latent, so that new elements follow its prior",
                param.name
            )),
        ));
    }
    labels.extend(new);
    Ok(labels)
}
