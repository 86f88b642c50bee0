//! Keyed tables: lines that repeat a key count once and must agree.
//!
//! in: a [`RawTable`] with a key column -> out: the same with one row per key, the first; E0706 where lines differ.

use std::collections::HashMap;

use super::finding::clip;
use super::raw::{RawCells, RawTable};
use crate::diag::{Code, Diagnostic};
use crate::model::{ColumnId, Model};

/// Drops repeated lines.
pub(super) fn merge_lines(
    model: &Model,
    key: ColumnId,
    raw: &mut RawTable,
    labels: &[String],
    file: &str,
) -> Result<(), Vec<Diagnostic>> {
    let Some(column) = raw.column(key) else {
        return Ok(());
    };
    let RawCells::Elements(keys) = &column.cells else {
        return Ok(());
    };
    let mut first_row: HashMap<u32, u32> = HashMap::with_capacity(keys.len());
    let mut kept: Vec<u32> = Vec::new();
    // by column: the first pair of lines that differ, and how many do
    let mut differing: Vec<Option<(u32, u32, usize)>> = vec![None; raw.columns.len()];
    for (row, key) in keys.iter().enumerate() {
        let row = row as u32;
        let first = *first_row.entry(*key).or_insert(row);
        if first == row {
            kept.push(row);
            continue;
        }
        for (column, differing) in raw.columns.iter().zip(&mut differing) {
            if !agree(&column.cells, column.width(), first, row) {
                match differing {
                    Some((_, _, count)) => *count += 1,
                    None => *differing = Some((first, row, 1)),
                }
            }
        }
    }
    let found: Vec<Diagnostic> = raw
        .columns
        .iter()
        .zip(&differing)
        .filter_map(|(column, differing)| Some((column, (*differing)?)))
        .map(|(column, (first, row, count))| {
            let declared = model.column(column.id);
            let name = keys
                .get(row as usize)
                .and_then(|k| labels.get(*k as usize))
                .map_or("", String::as_str);
            let mut diagnostic = Diagnostic::new(
                Code::E0706,
                format!(
                    "lines of `{}` differ in `{}`",
                    clip(name, 18),
                    clip(&declared.name, 18)
                ),
            )
            .at(
                declared.span,
                "one value for each element of the plate".to_string(),
            )
            .also(
                model.column(key).span,
                format!("`{}` names the rows", model.column(key).name),
            )
            .note(format!(
                "{file}, {} and {}: both are `{name}`, but `{}` is not the same",
                raw.place(first),
                raw.place(row),
                declared.name
            ));
            if count > 1 {
                diagnostic = diagnostic.note(format!("and {} more such lines", count - 1));
            }
            diagnostic
        })
        .collect();
    if !found.is_empty() {
        return Err(found);
    }
    if kept.len() < raw.rows() {
        raw.select(&kept);
    }
    Ok(())
}

fn agree(cells: &RawCells, width: usize, a: u32, b: u32) -> bool {
    let (a, b) = (a as usize * width, b as usize * width);
    match cells {
        RawCells::Elements(v) => v.get(a..a + width) == v.get(b..b + width),
        RawCells::Numbers(v) => {
            let left = v.get(a..a + width).unwrap_or_default();
            let right = v.get(b..b + width).unwrap_or_default();
            left.iter()
                .zip(right)
                .all(|(x, y)| x == y || (x.is_nan() && y.is_nan()))
        }
    }
}
