//! The rows of a file into the columns of its tables.
//!
//! in: [`Records`], an empty [`RawTable`] with its [`Layout`] for each table that reads the file -> out: the tables
//! filled; E0703, E0704, E0709 and E0711 with the first cells of each column that are wrong.
//!
//! A file is read once for all of its tables. Numbers go from the bytes of the record straight into their column.

use super::BLANK;
use super::cell::{self, Blank};
use super::file::{Records, Row};
use super::finding::{Place, at_column, clip, listing, row_and_line};
use super::labels::Interner;
use super::layout::Layout;
use super::raw::{RawCells, RawColumn, RawTable};
use crate::diag::{Code, Diagnostic};
use crate::model::{ColumnType, Model};

impl RawTable {
    fn read(&mut self, row: &Row, by: &Layout, interners: &mut [Interner]) {
        self.lines.push(row.line);
        self.numbers.push(row.number as u32);
        for column in &mut self.columns {
            column.read(row, interners);
        }
        let ordering = self.by.iter_mut().zip(&by.by);
        for (texts, field) in ordering.chain(self.within.iter_mut().zip(&by.within)) {
            let bytes = row.cell(*field);
            let blank = match cell::blank(bytes) {
                Blank::No => false,
                Blank::Empty => true,
                Blank::Word => !row.is_quoted(*field),
            };
            texts.push(if blank { "" } else { text(bytes) });
        }
    }

    /// What was wrong with its cells.
    fn findings(&self, model: &Model, file: &str, found: &mut Vec<Diagnostic>) {
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

fn text(bytes: &[u8]) -> &str {
    // the file was found to be UTF-8 and is cut at ASCII characters only
    std::str::from_utf8(bytes).unwrap_or_default()
}

impl RawColumn {
    fn read(&mut self, row: &Row, interners: &mut [Interner]) {
        if self.fields.is_empty() {
            return self.cells.push(1.0, 1);
        }
        for at in 0..self.fields.len() {
            let field = self.fields[at];
            let bytes = row.cell(field);
            match &mut self.cells {
                RawCells::Numbers(values) => match cell::number(bytes) {
                    Some(value) if cell::fits(self.ty, value) => values.push(value),
                    _ => self.push_unusual(row, field),
                },
                RawCells::Elements(values) => {
                    let element = match (self.ty, cell::blank(bytes)) {
                        (ColumnType::Label(plate), Blank::No) => interners
                            .get_mut(plate.index())
                            .map(|i| i.intern(text(bytes))),
                        (ColumnType::Label(plate), Blank::Word) if row.is_quoted(field) => {
                            interners
                                .get_mut(plate.index())
                                .map(|i| i.intern(text(bytes)))
                        }
                        (ColumnType::Label(plate), _) => self.default.and_then(|value| {
                            interners
                                .get_mut(plate.index())
                                .map(|i| i.intern(&value.to_string()))
                        }),
                        (_, Blank::No) => cell::binary(bytes),
                        _ => None,
                    };
                    match element {
                        Some(element) => values.push(element),
                        None => self.push_unusual(row, field),
                    }
                }
            }
        }
    }

    /// A cell that holds no value of the type: blank, replaced or wrong.
    #[cold]
    fn push_unusual(&mut self, row: &Row, field: usize) {
        let bytes = row.cell(field);
        let place = || Place {
            row: row.number,
            line: row.line,
            field,
            value: text(bytes).to_string(),
        };
        let blank = match cell::blank(bytes) {
            Blank::No => false,
            Blank::Empty => true,
            Blank::Word => !row.is_quoted(field),
        };
        match (blank, self.default) {
            (true, Some(value)) => return self.cells.push(value, value as u32),
            (true, None) if !self.may_be_blank => self.blank.add(|| Place {
                value: String::new(),
                ..place()
            }),
            (true, None) => {}
            (false, _) => self.wrong.add(place),
        }
        self.cells.push(f64::NAN, BLANK);
    }
}

impl RawCells {
    fn push(&mut self, number: f64, element: u32) {
        match self {
            RawCells::Numbers(values) => values.push(number),
            RawCells::Elements(values) => values.push(element),
        }
    }
}

/// Reads all rows into all tables of a file.
pub(super) fn read_rows(
    model: &Model,
    records: &mut Records,
    tables: &mut [(RawTable, Layout)],
    file: &str,
    interners: &mut [Interner],
) -> Result<(), Vec<Diagnostic>> {
    let mut found = Vec::new();
    let mut ragged = Ragged::default();
    loop {
        let width = records.headers.len();
        let wrong = match records.next_row() {
            Ok(Some(row)) if row.len() == width => {
                for (table, layout) in &mut *tables {
                    table.read(&row, layout, interners);
                }
                continue;
            }
            Ok(Some(row)) => (row.number, row.line, row.len()),
            Ok(None) => break,
            Err(broken) => {
                found.push(*broken);
                break;
            }
        };
        ragged.add(wrong);
    }
    found.extend(ragged.finding(file, &records.headers));
    if let Some((table, _)) = tables.first()
        && table.rows() == 0
        && found.is_empty()
    {
        found.push(
            Diagnostic::new(Code::E0709, "data file has no rows")
                .note(format!("{file} has a header and nothing below it")),
        );
    }
    for (table, _) in &*tables {
        table.findings(model, file, &mut found);
    }
    if found.is_empty() { Ok(()) } else { Err(found) }
}

/// Rows with more or fewer cells than the header.
#[derive(Default)]
struct Ragged {
    first: Vec<(usize, u64, usize)>,
    count: usize,
}

impl Ragged {
    fn add(&mut self, row: (usize, u64, usize)) {
        if self.first.len() < 5 {
            self.first.push(row);
        }
        self.count += 1;
    }

    fn finding(&self, file: &str, headers: &[String]) -> Option<Diagnostic> {
        if self.count == 0 {
            return None;
        }
        let mut diagnostic =
            Diagnostic::new(Code::E0711, "row has more or fewer cells than the header").note(
                format!(
                    "{file}: the header names {} columns: {}",
                    headers.len(),
                    listing(headers.iter().map(String::as_str))
                ),
            );
        for (row, line, cells) in &self.first {
            diagnostic = diagnostic.note(format!(
                "{file}, {}: {cells} cells",
                row_and_line(*row, *line)
            ));
        }
        let more = self.count - self.first.len();
        if more > 0 {
            diagnostic = diagnostic.note(format!("and {more} more rows"));
        }
        Some(diagnostic)
    }
}
