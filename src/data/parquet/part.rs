//! Decoded columns into the columns of tables.
//!
//! in: [`Decoded`] columns of some consecutive rows -> out: a [`Part`], as if the rows had been read from a CSV in which
//! each value is written as `kind` says. Numbers go from column to column; whatever is more than a number of the right
//! type takes the way of a CSV cell.

use super::super::cell;
use super::super::fill::Cell;
use super::super::labels::Interner;
use super::super::layout::Layout;
use super::super::raw::{RawCells, RawColumn, RawTable};
use super::super::whole::Part;
use super::super::{BLANK, Lines};
use super::decode::Decoded;
use crate::model::ColumnType;

/// Columns of some consecutive rows.
pub(super) struct Rows<'d> {
    /// How many rows.
    pub(super) rows: usize,
    /// By position in the file; none where no table reads it.
    pub(super) columns: Vec<Option<&'d Decoded>>,
}

/// What every part is made with.
pub(super) struct View {
    /// Without rows.
    pub(super) tables: Vec<RawTable>,
    pub(super) layouts: Vec<Layout>,
    pub(super) plates: usize,
}

impl View {
    /// The rows in all tables.
    pub(super) fn part(&self, from: &Rows) -> Part {
        let mut interners = Vec::new();
        interners.resize_with(self.plates, Interner::default);
        let mut tables: Vec<RawTable> = self.tables.iter().map(RawTable::fresh).collect();
        for (table, layout) in tables.iter_mut().zip(&self.layouts) {
            from.fill(table, layout, &mut interners);
        }
        Part {
            tables,
            interners,
            rows: from.rows,
            // a row counts as a line: there is no header
            newlines: from.rows as u64,
            ..Part::default()
        }
    }
}

impl Rows<'_> {
    fn fill(&self, table: &mut RawTable, by: &Layout, interners: &mut [Interner]) {
        let counted = |first| Lines::Consecutive {
            first,
            rows: self.rows,
        };
        (table.lines, table.numbers) = (counted(0), counted(1));
        for column in &mut table.columns {
            self.column(column, interners);
        }
        let mut room = String::new();
        let ordering = table.by.iter_mut().zip(&by.by);
        for (texts, field) in ordering.chain(table.within.iter_mut().zip(&by.within)) {
            for row in 0..self.rows {
                let cell = self.cell(row, *field, &mut room);
                texts.push(cell.filled().unwrap_or_default());
            }
        }
    }

    fn field(&self, field: usize) -> Option<&Decoded> {
        self.columns.get(field).copied().flatten()
    }

    /// A cell as a CSV would have it.
    fn cell<'t>(&'t self, row: usize, field: usize, room: &'t mut String) -> Cell<'t> {
        Cell {
            bytes: (self.field(field)).map_or(b"", |column| column.text(row, room).as_bytes()),
            quoted: false,
            row: row + 1,
            line: row as u64,
            field,
        }
    }

    fn column(&self, column: &mut RawColumn, interners: &mut [Interner]) {
        if column.fields.is_empty() {
            (0..self.rows).for_each(|_| column.cells.push(1.0, 1));
            return;
        }
        if self.whole_column(column) {
            return;
        }
        let mut room = String::new();
        // by field: the last number or truth value, and its element
        let mut last = vec![None; column.fields.len()];
        for row in 0..self.rows {
            for at in 0..column.fields.len() {
                let Some(&field) = column.fields.get(at) else {
                    continue;
                };
                let from = self.field(field);
                match &mut column.cells {
                    RawCells::Numbers(values) => {
                        let number = from.and_then(|f| f.number(row));
                        if let Some(number) = number.filter(|n| cell::fits(column.ty, *n)) {
                            values.push(number);
                            continue;
                        }
                    }
                    RawCells::Elements(values) => {
                        let key = from.and_then(|f| f.key(row));
                        if let (Some(key), Some(Some((known, element)))) = (key, last.get(at))
                            && key == *known
                        {
                            values.push(*element);
                            continue;
                        }
                    }
                }
                column.push(&self.cell(row, field, &mut room), interners);
                if let (Some(key), RawCells::Elements(values)) =
                    (from.and_then(|f| f.key(row)), &column.cells)
                    && let (Some(last), Some(element)) = (last.get_mut(at), values.last())
                {
                    *last = (*element != BLANK).then_some((key, *element));
                }
            }
        }
    }

    /// A column of real numbers that are all there and of its type is taken over as it stands.
    fn whole_column(&self, column: &mut RawColumn) -> bool {
        let RawCells::Numbers(to) = &mut column.cells else {
            return false;
        };
        let fields = column.fields.iter();
        let Some(from) = (fields.map(|f| self.field(*f)?.reals())).collect::<Option<Vec<&[f64]>>>()
        else {
            return false;
        };
        let ty = column.ty;
        let fits = |v: &f64| v.is_finite() && (ty == ColumnType::Real || cell::fits(ty, *v));
        if !from
            .iter()
            .all(|values| values.len() == self.rows && values.iter().all(fits))
        {
            return false;
        }
        match from.as_slice() {
            [values] => to.extend_from_slice(values),
            several => {
                let width = several.len();
                let start = to.len();
                to.resize(start + self.rows * width, 0.0);
                let cells = to.get_mut(start..).unwrap_or_default();
                for (at, values) in several.iter().enumerate() {
                    let places = cells.iter_mut().skip(at).step_by(width);
                    places
                        .zip(*values)
                        .for_each(|(place, value)| *place = *value);
                }
            }
        }
        true
    }
}
