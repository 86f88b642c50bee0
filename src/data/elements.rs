//! Label cells to positions in their plate, groups of columns to the order of theirs.
//!
//! in: cells that hold numbers of an [`Interner`], the plate's elements -> out: cells that hold positions; E0705, E0707,
//! W0702.

use std::collections::HashMap;

use super::finding::{Place, Places, at_column, clip, listing, suggest};
use super::labels::{Interner, positions};
use super::raw::{RawCells, RawColumn, RawTable};
use super::{BLANK, PlateData};
use crate::diag::{Code, Diagnostic};
use crate::model::{ColumnId, ColumnType, Model, PlateId};

/// A column whose labels become positions in a plate.
pub(super) struct Target<'a> {
    pub(super) model: &'a Model,
    pub(super) id: ColumnId,
    pub(super) plate: &'a PlateData,
    pub(super) interner: &'a Interner,
    /// The name of the file.
    pub(super) file: &'a str,
}

/// By number of a label: its position in a plate, or [`BLANK`].
pub(super) fn position_of(plate: &PlateData, interner: &Interner) -> Vec<u32> {
    let known = positions(&plate.labels);
    let labels = interner.labels.iter();
    labels
        .map(|l| known.get(l.as_str()).copied().unwrap_or(BLANK))
        .collect()
}

/// Replaces a column's labels by positions. Where `new_is_blank`, a label that the plate does not have becomes a blank,
/// with a warning.
pub(super) fn to_positions(
    target: &Target,
    raw: &mut RawTable,
    new_is_blank: bool,
) -> Result<Option<Diagnostic>, Vec<Diagnostic>> {
    let mut strange = Places::default();
    let position = position_of(target.plate, target.interner);
    target.replace(raw, &position, &mut strange);
    target.told(&strange, &raw.headers, new_is_blank)
}

impl Target<'_> {
    /// Replaces labels; those without a position become blank and are noted.
    pub(super) fn replace(&self, raw: &mut RawTable, position: &[u32], strange: &mut Places) {
        let RawTable {
            columns,
            lines,
            numbers,
            ..
        } = raw;
        let Some(column) = columns.iter_mut().find(|c| c.id == self.id) else {
            return;
        };
        let width = column.width();
        let RawColumn { cells, fields, .. } = column;
        let RawCells::Elements(cells) = cells else {
            return;
        };
        for (at, cell) in cells.iter_mut().enumerate() {
            if *cell == BLANK {
                continue;
            }
            let label = *cell as usize;
            *cell = position.get(label).copied().unwrap_or(BLANK);
            if *cell == BLANK {
                strange.add(|| Place {
                    row: numbers.get(at / width).unwrap_or(0) as usize,
                    line: lines.get(at / width).unwrap_or(0),
                    field: fields.get(at % width).copied().unwrap_or(0),
                    value: self.interner.labels.get(label).cloned().unwrap_or_default(),
                });
            }
        }
    }

    /// What is said of labels without a position.
    pub(super) fn told(
        &self,
        strange: &Places,
        headers: &[String],
        new_is_blank: bool,
    ) -> Result<Option<Diagnostic>, Vec<Diagnostic>> {
        let Target {
            model, plate, file, ..
        } = *self;
        let Some(first) = strange.first.first() else {
            return Ok(None);
        };
        let declared = model.column(self.id);
        let ColumnType::Label(plate_id) = declared.ty else {
            return Ok(None);
        };
        let name = &model.plate(plate_id).name;
        let labels = || plate.labels.iter().map(String::as_str);
        let expected = format!("an element of plate `{name}`");
        if new_is_blank {
            let title = format!("new label `{}` read as blank", clip(&first.value, 24));
            let warning = at_column(Code::W0702, title, declared);
            return Ok(Some(strange.describe(warning, file, headers, &expected)));
        }
        let title = format!(
            "`{}` is no element of plate `{}`",
            clip(&first.value, 16),
            clip(name, 16)
        );
        let error = at_column(Code::E0705, title, declared).also(
            model.plate(plate_id).span,
            format!("`{name}` has fixed elements"),
        );
        let error = strange.describe(error, file, headers, &expected);
        let error = error.note(format!(
            "the elements of `{name}` are {}",
            listing(labels())
        ));
        Err(vec![suggest(error, &first.value, labels())])
    }
}

/// Puts the columns of a group in the order of its plate, which must have the same elements.
pub(super) fn order_group(
    model: &Model,
    column: &mut RawColumn,
    plate: PlateId,
    data: &PlateData,
    file: &str,
) -> Result<(), Box<Diagnostic>> {
    if *column.elements == *data.labels {
        return Ok(());
    }
    let here: HashMap<&str, u32> = positions(&column.elements);
    let order: Option<Vec<usize>> = data
        .labels
        .iter()
        .map(|l| here.get(l.as_str()).map(|p| *p as usize))
        .collect();
    match order {
        Some(order) if order.len() == column.elements.len() => {
            match &mut column.cells {
                RawCells::Numbers(v) => *v = reorder(v, &order),
                RawCells::Elements(v) => *v = reorder(v, &order),
            }
            column.elements = data.labels.as_slice().into();
            Ok(())
        }
        _ => {
            let declared = model.column(column.id);
            let name = &model.plate(plate).name;
            let wanted = positions(&data.labels);
            let has = |map: &HashMap<&str, u32>, l: &String| map.contains_key(l.as_str());
            let lacking: Vec<&str> = (data.labels.iter())
                .filter(|l| !has(&here, l))
                .map(String::as_str)
                .collect();
            let extra: Vec<&str> = (column.elements.iter())
                .filter(|l| !has(&wanted, l))
                .map(String::as_str)
                .collect();
            let title = format!(
                "`{}` has not the elements of plate `{}`",
                clip(&declared.name, 12),
                clip(name, 12)
            );
            let mut error = at_column(Code::E0707, title, declared).also(
                model.plate(plate).span,
                format!("`{name}` is declared here"),
            );
            if !lacking.is_empty() {
                error = error.note(format!(
                    "{file} has no column for {}",
                    listing(lacking.into_iter())
                ));
            }
            if !extra.is_empty() {
                error = error.note(format!(
                    "{file} has columns for {}, which `{name}` has not",
                    listing(extra.into_iter())
                ));
            }
            Err(Box::new(error))
        }
    }
}

fn reorder<T: Copy>(cells: &[T], order: &[usize]) -> Vec<T> {
    cells
        .chunks(order.len().max(1))
        .flat_map(|row| order.iter().filter_map(|at| row.get(*at).copied()))
        .collect()
}
