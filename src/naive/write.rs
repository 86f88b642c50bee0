//! What was drawn as files: a CSV for each data block that `fit` reads back, and the values of the unknowns as JSON.
//!
//! in: a model, its data, an [`Assignment`], the file a table was read from -> out: texts.
//!
//! A table has the columns that its block names, in that order. Columns that only order or group its rows are copied from
//! the file. A row with 0 in a `= listed` column is left out: that it is not in the file says so.

use std::collections::BTreeMap;

use ndarray::{ArrayViewD, Axis, IxDyn};
use serde_json::{Map, Value, json};

use super::skeleton::headers;
use super::{Assignment, Problem};
use crate::data::{BLANK, Cells, Dataset};
use crate::model::{BINARY, ColumnId, ColumnType, Domain, Model, Source, TableId};

/// The CSV text of a table; `file` is what its rows were read from.
///
/// # Errors
/// [`Problem::Unsupported`] where the file has no such rows any more.
pub fn table_csv(
    model: &Model,
    data: &Dataset,
    values: &Assignment,
    table: TableId,
    file: &[u8],
) -> Result<String, Problem> {
    let declared = model.table(table);
    let rows = data.tables.get(table.index());
    let rows = rows.ok_or_else(|| Problem::Element(declared.name.clone()))?;
    let mut columns: Vec<(String, Vec<String>)> = Vec::new();
    let mut kept = vec![true; rows.rows];
    for id in &declared.columns {
        let column = model.column(*id);
        let cells = texts(model, data, values, *id);
        if column.source == Source::Listed {
            for (kept, cell) in kept.iter_mut().zip(&cells) {
                *kept &= cell == "1";
            }
        }
        let plate = column.slots.get(1).and_then(|p| data.plates.get(p.index()));
        let names = headers(model, *id, plate.map_or(&[], |p| &p.labels));
        let width = names.len();
        for (i, name) in names.into_iter().enumerate() {
            let own = cells.iter().skip(i).step_by(width.max(1));
            columns.push((name, own.cloned().collect()));
        }
    }
    if let Some(order) = &declared.ordered {
        let records = Records::read(file);
        for name in order.within.iter().chain(&order.by).rev() {
            if columns.iter().all(|(n, _)| n != name) {
                let cells = rows.lines.iter().map(|l| records.cell(l, name));
                columns.insert(0, (name.clone(), cells.collect()));
            }
        }
    }
    let names: Vec<String> = columns.iter().map(|(name, _)| field(name)).collect();
    let mut text = format!("{}\n", names.join(","));
    for row in (0..rows.rows).filter(|row| kept.get(*row) == Some(&true)) {
        let cells = columns.iter().map(|(_, cells)| cells.get(row));
        let cells: Vec<&str> = cells.map(|c| c.map_or("NA", String::as_str)).collect();
        text += &format!("{}\n", cells.join(","));
    }
    Ok(text)
}

/// A text as it stands in a file: quoted where it would be split, trimmed or taken for a blank.
pub(super) fn field(text: &str) -> String {
    let blank = ["", "NA", "NaN", "?"].contains(&text.trim()) || text.trim() != text;
    if blank || text.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_string()
    }
}

/// The cells of a column as they stand in a file, row by row.
fn texts(model: &Model, data: &Dataset, values: &Assignment, id: ColumnId) -> Vec<String> {
    let labels = match model.column(id).ty {
        ColumnType::Label(plate) => data.plates.get(plate.index()),
        _ => None,
    };
    let element = |e: usize| match labels {
        Some(plate) => field(plate.labels.get(e).map_or("", String::as_str)),
        None => e.to_string(),
    };
    let number = |v: &f64| match (v.is_nan(), model.column(id).ty) {
        (true, _) => "NA".to_string(),
        (false, ColumnType::Label(_) | ColumnType::Binary) => element(*v as usize),
        (false, _) => v.to_string(),
    };
    match (values.cells.get(&id), data.columns.get(id.index())) {
        (Some(cells), _) => cells.iter().map(number).collect(),
        (None, Some(Cells::Numbers(cells))) => cells.iter().map(number).collect(),
        (None, Some(Cells::Elements(cells))) => {
            let text = |e: &u32| match *e {
                BLANK => "NA".to_string(),
                e => element(e as usize),
            };
            cells.iter().map(text).collect()
        }
        (None, None) => vec![],
    }
}

/// The records of a file by the line on which each starts.
struct Records {
    headers: Vec<String>,
    by_line: BTreeMap<u64, csv::StringRecord>,
}

impl Records {
    fn read(file: &[u8]) -> Records {
        let file = file.strip_prefix(b"\xef\xbb\xbf").unwrap_or(file);
        let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(file);
        let headers = reader.headers().cloned().unwrap_or_default();
        let mut by_line = BTreeMap::new();
        for record in reader.records().flatten() {
            let start = record.position().map_or(0, |p| p.byte() as usize);
            // the position may be in front of line ends that are passed over
            let ends = file.iter().skip(start);
            let ends = ends.take_while(|b| matches!(b, b'\r' | b'\n')).count();
            let before = file.get(..start + ends).unwrap_or_default();
            let line = 1 + before.iter().filter(|b| **b == b'\n').count();
            by_line.insert(line as u64, record);
        }
        Records {
            headers: headers.iter().map(|h| h.trim().to_string()).collect(),
            by_line,
        }
    }

    fn cell(&self, line: u64, name: &str) -> String {
        let column = self.headers.iter().position(|h| h == name);
        let record = self.by_line.get(&line);
        let cell = column.and_then(|c| record?.get(c));
        cell.map_or_else(|| "NA".to_string(), field)
    }
}

/// The values of the unknowns, as `--init` reads them: nested lists, elements by position from 0.
#[must_use]
pub fn truth_json(model: &Model, values: &Assignment) -> Value {
    let mut all = Map::new();
    for (variable, value) in model.variables.iter().zip(&values.variables) {
        let Some(value) = value else {
            continue;
        };
        let is_label = matches!(variable.domain, Domain::Element(_) | Domain::Binary);
        let lists = nested(value.view(), is_label);
        let entry = if is_label {
            json!({ "label": lists })
        } else {
            lists
        };
        all.insert(variable.name.clone(), entry);
    }
    Value::Object(all)
}

fn nested(values: ArrayViewD<'_, f64>, whole: bool) -> Value {
    if values.ndim() == 0 {
        let v = values.first().copied().unwrap_or(f64::NAN);
        return if whole { json!(v as u64) } else { json!(v) };
    }
    let parts = values.axis_iter(Axis(0));
    Value::Array(parts.map(|p| nested(p, whole)).collect())
}

/// How many elements of each label plate occur in no row, so that a fit of the rows has no room for them.
#[must_use]
pub fn unused_labels(model: &Model, data: &Dataset, values: &Assignment) -> Vec<(String, usize)> {
    let mut used: Vec<Vec<bool>> = data.plates.iter().map(|p| vec![false; p.size]).collect();
    for (i, column) in model.columns.iter().enumerate() {
        let ColumnType::Label(plate) = column.ty else {
            continue;
        };
        let rows = data.tables.get(column.table.index()).map_or(0, |t| t.rows);
        let listed = model.table(column.table).columns.iter().copied();
        let listed: Vec<ColumnId> = listed
            .filter(|c| model.column(*c).source == Source::Listed)
            .collect();
        for row in 0..rows {
            let cell = |c: ColumnId| cell(data, values, c, row);
            let is_kept = listed.iter().all(|c| cell(*c) == Some(1));
            if let Some(e) = cell(ColumnId::from(i)).filter(|_| is_kept)
                && let Some(used) = used.get_mut(plate.index()).and_then(|u| u.get_mut(e))
            {
                *used = true;
            }
        }
    }
    let plates = model.plates.iter().zip(&used).enumerate();
    plates
        .filter(|(i, (plate, _))| {
            *i != BINARY.index() && matches!(plate.kind, crate::model::PlateKind::Labels(_))
        })
        .map(|(_, (plate, used))| (plate.name.clone(), used.iter().filter(|u| !**u).count()))
        .filter(|(_, unused)| *unused > 0)
        .collect()
}

/// The element in a row of a column without a group.
fn cell(data: &Dataset, values: &Assignment, id: ColumnId, row: usize) -> Option<usize> {
    let number = |v: ArrayViewD<f64>| {
        let v = *v.get(IxDyn(&[row]))?;
        (v >= 0.0).then_some(v as usize)
    };
    match (values.cells.get(&id), data.columns.get(id.index())?) {
        (Some(v), _) => number(v.view()),
        (None, Cells::Numbers(v)) => number(v.view()),
        (None, Cells::Elements(v)) => {
            let e = *v.get(IxDyn(&[row]))?;
            (e != BLANK).then_some(e as usize)
        }
    }
}
