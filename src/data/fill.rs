//! One cell after the other into the columns of a table, whatever file it comes from.
//!
//! in: a [`Cell`], its text and where it stands -> out: a number, an element or a blank in its [`RawColumn`]; cells that
//! are wrong are kept with their places for E0703 and E0704. Not here: how files are split into cells (see `rows`).

use super::BLANK;
use super::cell::{self, Blank};
use super::finding::{Place, at_column, clip};
use super::labels::Interner;
use super::raw::{RawCells, RawColumn, RawTable};
use crate::diag::{Code, Diagnostic};
use crate::model::{ColumnType, Model};

/// A cell of a file.
pub(super) struct Cell<'c> {
    /// Its text; UTF-8.
    pub(super) bytes: &'c [u8],
    /// True if it was in quotes: then it is blank only if it is empty.
    pub(super) quoted: bool,
    /// Its row, from 1.
    pub(super) row: usize,
    /// Lines of the file in front of its row.
    pub(super) line: u64,
    /// The position of its column in the file.
    pub(super) field: usize,
}

impl<'c> Cell<'c> {
    /// Its text where it is not blank.
    pub(super) fn filled(&self) -> Option<&'c str> {
        let blank = match cell::blank(self.bytes) {
            Blank::No => false,
            Blank::Empty => true,
            Blank::Word => !self.quoted,
        };
        (!blank).then(|| self.text())
    }

    fn text(&self) -> &'c str {
        // files are found to be UTF-8 before their cells are read, and are cut at ASCII characters only
        std::str::from_utf8(self.bytes).unwrap_or_default()
    }

    fn place(&self) -> Place {
        Place {
            row: self.row,
            line: self.line,
            field: self.field,
            value: self.text().to_string(),
        }
    }
}

impl RawColumn {
    /// Adds a cell.
    #[inline]
    pub(super) fn push(&mut self, cell: &Cell, interners: &mut [Interner]) {
        match &mut self.cells {
            RawCells::Numbers(values) => match cell::number(cell.bytes) {
                Some(value) if cell::fits(self.ty, value) => values.push(value),
                _ => self.push_unusual(cell),
            },
            RawCells::Elements(_) => self.push_element(cell, interners),
        }
    }

    fn push_element(&mut self, cell: &Cell, interners: &mut [Interner]) {
        let element =
            match self.ty {
                ColumnType::Label(plate) => interners.get_mut(plate.index()).and_then(|interner| {
                    match (cell.filled(), self.default) {
                        (Some(text), _) => Some(interner.intern(text)),
                        (None, Some(value)) => Some(interner.intern(&value.to_string())),
                        (None, None) => None,
                    }
                }),
                _ => cell.filled().and_then(|text| cell::binary(text.as_bytes())),
            };
        match (element, &mut self.cells) {
            (Some(element), RawCells::Elements(values)) => values.push(element),
            _ => self.push_unusual(cell),
        }
    }

    /// A cell that holds no value of the type: blank, replaced or wrong.
    #[cold]
    fn push_unusual(&mut self, cell: &Cell) {
        match (cell.filled().is_none(), self.default) {
            (true, Some(value)) => return self.cells.push(value, value as u32),
            (true, None) if !self.may_be_blank => self.blank.add(|| Place {
                value: String::new(),
                ..cell.place()
            }),
            (true, None) => {}
            (false, _) => self.wrong.add(|| cell.place()),
        }
        self.cells.push(f64::NAN, BLANK);
    }
}

impl RawCells {
    /// Adds the one that fits.
    pub(super) fn push(&mut self, number: f64, element: u32) {
        match self {
            RawCells::Numbers(values) => values.push(number),
            RawCells::Elements(values) => values.push(element),
        }
    }
}

impl RawTable {
    /// What was wrong with its cells.
    pub(super) fn findings(&self, model: &Model, file: &str, found: &mut Vec<Diagnostic>) {
        for column in &self.columns {
            let declared = model.column(column.id);
            let name = clip(&declared.name, 14);
            let word = cell::type_word(column.ty);
            let expected = cell::expected(column.ty);
            if let Some(place) = column.wrong.first.first() {
                let title = format!(
                    "`{}` in `{name}` is not of type {word}",
                    clip(&place.value, 14)
                );
                let diagnostic = at_column(Code::E0703, title, declared);
                let mut diagnostic =
                    column
                        .wrong
                        .describe(diagnostic, file, &self.headers, expected);
                if column
                    .wrong
                    .first
                    .iter()
                    .any(|p| is_another_blank(&p.value))
                {
                    diagnostic = diagnostic.help(
                        "leave a cell empty, or write NA, NaN or ? unquoted, where it is blank",
                    );
                }
                found.push(diagnostic);
            }
            if column.blank.count > 0 {
                let title = format!("blank cell in `{name}`, which is conditioned on");
                let diagnostic = at_column(Code::E0704, title, declared);
                let mut diagnostic =
                    column
                        .blank
                        .describe(diagnostic, file, &self.headers, expected);
                if !matches!(column.ty, ColumnType::Label(_)) {
                    diagnostic = diagnostic.help(format!(
                        "write `{} : {word} else 0` to read blank cells as 0",
                        declared.name
                    ));
                }
                found.push(diagnostic);
            }
        }
    }
}

/// A word that other programs write for a blank.
fn is_another_blank(value: &str) -> bool {
    let known = ["na", "nan", "n/a", "null", "none", "?", "-", ".", "missing"];
    known.contains(&value.trim().to_lowercase().as_str())
}
