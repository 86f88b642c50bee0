//! An array of an init file in long form: a CSV with one column per axis and one for the value.
//!
//! in: `{ "csv": "file.csv", "value": "column" }`, the plates of the axes -> out: the cells in the order of the axes.
//!
//! Axis columns are called like their plates and hold labels; the second column of a plate that occurs twice is the
//! second of that name, or `PLATE_2`. Elements of counted plates and rows without a key go by position: from 0 if a 0
//! occurs, else from 1. Every combination stands there exactly once.

use ndarray::{ArrayD, IxDyn};
use serde_json::{Map, Value};

use super::DataFile;
use super::cell;
use super::finding::{clip, listing, suggest};
use super::init::Reader;
use super::labels::{Interner, positions};
use super::records::{each_row, not_text, not_utf8, open};
use crate::diag::{Code, Diagnostic};
use crate::model::{PlateId, PlateKind, Variable};

/// The value column as numbers.
pub(super) fn numbers(
    reader: &Reader,
    variable: &Variable,
    parts: &Map<String, Value>,
    axes: &[PlateId],
) -> Result<ArrayD<f64>, Box<Diagnostic>> {
    let cells = texts(reader, variable, parts, axes)?;
    let mut values = Vec::with_capacity(cells.len());
    for cell in &cells {
        match cell::number(cell.as_bytes()) {
            Some(value) => values.push(value),
            None => {
                let why = format!("`{}` in the CSV is not a number", clip(cell, 40));
                return Err(Box::new(reader.problem(variable, why)));
            }
        }
    }
    let shape = IxDyn(&reader.sizes(axes));
    ArrayD::from_shape_vec(shape, values)
        .map_err(|e| Box::new(reader.problem(variable, e.to_string())))
}

/// The value column as texts, row-major over the axes.
pub(super) fn texts(
    reader: &Reader,
    variable: &Variable,
    parts: &Map<String, Value>,
    axes: &[PlateId],
) -> Result<Vec<String>, Box<Diagnostic>> {
    let part = |name: &str| parts.get(name).and_then(Value::as_str);
    let (Some(path), Some(value)) = (part("csv"), part("value")) else {
        let why = "expected { \"csv\": \"file\", \"value\": \"column\" }";
        return Err(Box::new(reader.problem(variable, why)));
    };
    let bytes = (reader.read)(path).map_err(|error| {
        Diagnostic::new(Code::E0701, "init CSV cannot be read")
            .at(variable.name_span, "it holds the start of this variable")
            .note(format!("{path}: {error}"))
    })?;
    if let Some(line) = not_text(&bytes) {
        return Err(not_utf8(path, line + 1));
    }
    let file = DataFile::held(path, bytes);
    let (header, pieces) = open(&file, 1 << 18)?;
    let mut fields = Vec::with_capacity(axes.len());
    for (at, plate) in axes.iter().enumerate() {
        let before = axes.iter().take(at).filter(|p| *p == plate).count();
        let name = &reader.model.plate(*plate).name;
        fields.push(axis_field(reader, variable, &header.names, name, before)?);
    }
    let value = axis_field(reader, variable, &header.names, value, 0)?;

    let mut interners: Vec<Interner> = Vec::new();
    interners.resize_with(axes.len(), Interner::default);
    let mut ids: Vec<Vec<u32>> = vec![Vec::new(); axes.len()];
    let mut cells: Vec<(u64, String)> = Vec::new();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_string();
    each_row(&file, &header, pieces, |row, line| {
        for ((field, interner), ids) in fields.iter().zip(&mut interners).zip(&mut ids) {
            ids.push(interner.intern(&text(row.cell(*field))));
        }
        cells.push((line, text(row.cell(value))));
    })?;
    let mut places = vec![0usize; cells.len()];
    for ((plate, interner), ids) in axes.iter().zip(&interners).zip(&ids) {
        let size = reader.plates.get(plate.index()).map_or(0, |p| p.size);
        let position = element_positions(reader, variable, *plate, &interner.labels, path)?;
        for (place, id) in places.iter_mut().zip(ids) {
            *place = *place * size + position.get(*id as usize).copied().unwrap_or(0);
        }
    }
    arrange(reader, variable, axes, path, cells, &places)
}

/// The position in the header of the column for an axis.
fn axis_field(
    reader: &Reader,
    variable: &Variable,
    headers: &[String],
    name: &str,
    before: usize,
) -> Result<usize, Box<Diagnostic>> {
    let numbered = format!("{name}_{}", before + 1);
    let same = headers.iter().enumerate().filter(|(_, h)| *h == name);
    let field = same
        .map(|(f, _)| f)
        .nth(before)
        .or_else(|| headers.iter().position(|h| *h == numbered));
    field.ok_or_else(|| {
        let wanted = if before > 0 { numbered.as_str() } else { name };
        let names = || headers.iter().map(String::as_str);
        let why = format!("the CSV has no column `{}`", clip(wanted, 40));
        let problem = reader.problem(variable, why).note(format!(
            "it has the columns {}; one per axis is called like its plate",
            listing(names())
        ));
        Box::new(suggest(problem, wanted, names()))
    })
}

/// The position of each label met in an axis column.
fn element_positions(
    reader: &Reader,
    variable: &Variable,
    plate: PlateId,
    met: &[String],
    path: &str,
) -> Result<Vec<usize>, Box<Diagnostic>> {
    let declared = reader.model.plate(plate);
    let Some(data) = reader.plates.get(plate.index()) else {
        return Ok(Vec::new());
    };
    let known = positions(&data.labels);
    let by_number = matches!(declared.kind, PlateKind::Counted { .. }) || data.labels.is_empty();
    let first = usize::from(!met.iter().any(|l| l == "0"));
    let mut places = Vec::with_capacity(met.len());
    for label in met {
        let place = if by_number {
            let number = label.parse::<usize>().ok();
            number.and_then(|n| n.checked_sub(first))
        } else {
            known.get(label.as_str()).map(|p| *p as usize)
        };
        match place.filter(|p| *p < data.size) {
            Some(place) => places.push(place),
            None => {
                let why = format!(
                    "{path} has `{}` in column `{}`, which is no element of that plate",
                    clip(label, 40),
                    declared.name
                );
                let problem = reader.problem(variable, why).note(format!(
                    "plate `{}` has {} elements",
                    declared.name, data.size
                ));
                let labels = data.labels.iter().map(String::as_str);
                return Err(Box::new(suggest(problem, label, labels)));
            }
        }
    }
    Ok(places)
}

/// Puts every cell in its place; each place must be taken once.
fn arrange(
    reader: &Reader,
    variable: &Variable,
    axes: &[PlateId],
    path: &str,
    cells: Vec<(u64, String)>,
    places: &[usize],
) -> Result<Vec<String>, Box<Diagnostic>> {
    let sizes = reader.sizes(axes);
    let total = sizes.iter().try_fold(1usize, |n, s| n.checked_mul(*s));
    let total = total
        .filter(|total| *total <= cells.len())
        .unwrap_or(usize::MAX);
    let name_of = |place: usize| {
        let mut rest = place;
        let mut names: Vec<String> = Vec::new();
        for (axis, size) in axes.iter().zip(&sizes).rev() {
            let element = rest % (*size).max(1);
            rest /= (*size).max(1);
            let labels = reader.plates.get(axis.index()).map(|p| &p.labels);
            let label = labels.and_then(|l| l.get(element)).cloned();
            let label = label.unwrap_or_else(|| (element + 1).to_string());
            names.push(format!("{} `{label}`", reader.model.plate(*axis).name));
        }
        names.reverse();
        names.join(", ")
    };
    let mut lines: std::collections::BTreeMap<usize, u64> = std::collections::BTreeMap::new();
    for ((line, _), place) in cells.iter().zip(places) {
        if let Some(first) = lines.insert(*place, *line) {
            let why = format!(
                "{path}, lines {first} and {line}: {} twice",
                name_of(*place)
            );
            return Err(Box::new(reader.problem(variable, why)));
        }
    }
    if total != cells.len() {
        // the places taken are distinct, so the first gap is before the first that is out of step
        let gap = lines.keys().zip(0..).find(|(place, at)| *place != at);
        let gap = gap.map_or(lines.len(), |(_, at)| at);
        let why = format!("{path} has no line for {}", name_of(gap));
        return Err(Box::new(reader.problem(variable, why)));
    }
    let mut placed: Vec<(usize, String)> = places
        .iter()
        .copied()
        .zip(cells.into_iter().map(|(_, text)| text))
        .collect();
    placed.sort_by_key(|(place, _)| *place);
    Ok(placed.into_iter().map(|(_, text)| text).collect())
}
