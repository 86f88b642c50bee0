//! What the parts of a file add up to: rows, labels and findings in the order of the file.
//!
//! in: [`Part`]s, each with its rows, lines and labels numbered from its own start -> out: the tables of the file filled,
//! the rows of a streamed table in its column file; E0709 and E0711, and the findings of cells. Not here: how a part is
//! read (see `rows`, `parquet`).

use super::DataFile;
use super::finding::{listing, row_and_line};
use super::labels::Interner;
use super::layout::Layout;
use super::raw::RawTable;
use super::records::{Header, empty_line, not_closed, not_utf8, unwritable};
use super::store::Writer;
use crate::diag::{Code, Diagnostic};
use crate::model::Model;

/// A table and how it reads its file.
pub(super) type Reading = (RawTable, Layout);

/// The rows of a table that go to a column file, and which table of the file that is.
pub(super) type Streamed<'a, 'b> = Option<(usize, &'a mut Writer<'b>)>;

/// Some consecutive rows; rows, lines and labels are numbered within them.
#[derive(Default)]
pub(super) struct Part {
    pub(super) tables: Vec<RawTable>,
    pub(super) interners: Vec<Interner>,
    pub(super) rows: usize,
    pub(super) newlines: u64,
    pub(super) ragged: Ragged,
    /// The line of an empty line between rows of one column, where reading stopped.
    pub(super) empty_line: Option<u64>,
    pub(super) open_quote: Option<u64>,
    pub(super) not_text: Option<u64>,
}

/// What the pieces so far add up to.
pub(super) struct Whole<'a, 'b> {
    file: &'a DataFile,
    header: &'a Header,
    tables: &'a mut [Reading],
    interners: &'a mut [Interner],
    rows: usize,
    newlines: u64,
    ragged: Ragged,
    broken: Option<Box<Diagnostic>>,
    not_utf8: Option<Box<Diagnostic>>,
    /// The table whose rows go to a column file instead of memory.
    streamed: Streamed<'a, 'b>,
    unwritten: Option<std::io::Error>,
}

impl<'a, 'b> Whole<'a, 'b> {
    /// Nothing but a header yet.
    pub(super) fn new(
        file: &'a DataFile,
        header: &'a Header,
        tables: &'a mut [Reading],
        interners: &'a mut [Interner],
        streamed: Streamed<'a, 'b>,
    ) -> Self {
        Whole {
            file,
            header,
            tables,
            interners,
            rows: 0,
            newlines: header.newlines,
            ragged: Ragged::default(),
            broken: header.open_quote.map(|l| not_closed(&file.name, l + 1)),
            not_utf8: None,
            streamed,
            unwritten: None,
        }
    }

    /// True if what follows cannot count any more.
    pub(super) fn is_over(&self) -> bool {
        self.not_utf8.is_some() || self.unwritten.is_some()
    }

    /// Adds the next rows.
    pub(super) fn append(&mut self, part: Part) {
        let file = &self.file.name;
        let line = |l: u64| self.newlines + l + 1;
        if let (Some(l), None) = (part.not_text, &self.not_utf8) {
            self.not_utf8 = Some(not_utf8(file, line(l)));
        }
        if self.broken.is_none() && self.not_utf8.is_none() {
            self.broken = (part.empty_line.map(|l| empty_line(file, line(l) - 1)))
                .or_else(|| part.open_quote.map(|l| not_closed(file, line(l))));
            let before = (self.rows, self.newlines + 1);
            self.ragged.append(part.ragged, before);
            let known: Vec<Vec<u32>> = (self.interners.iter_mut().zip(&part.interners))
                .map(|(all, own)| own.labels.iter().map(|l| all.intern_normal(l)).collect())
                .collect();
            let tables = self.tables.iter_mut().zip(part.tables);
            for (i, ((table, _), mut part)) in tables.enumerate() {
                part.renumber(&known);
                match &mut self.streamed {
                    Some((at, writer)) if *at == i => {
                        let mut rows = table.fresh();
                        rows.append(part, before);
                        let written = writer.write(&rows);
                        table.append_findings(rows);
                        self.unwritten = self.unwritten.take().or(written.err());
                    }
                    _ => table.append(part, before),
                }
            }
        }
        self.rows += part.rows;
        self.newlines += part.newlines;
    }

    /// What was wrong, of the file and of cells.
    pub(super) fn findings(self, model: &Model) -> Result<(), Vec<Diagnostic>> {
        if let Some(error) = self.not_utf8 {
            return Err(vec![*error]);
        }
        let file = &self.file.name;
        if let Some(error) = self.unwritten {
            return Err(vec![*unwritable(file, &error)]);
        }
        let mut found = Vec::new();
        found.extend(self.broken.map(|b| *b));
        found.extend(self.ragged.finding(file, &self.header.names));
        if self.rows == 0 && found.is_empty() {
            found.push(
                Diagnostic::new(Code::E0709, "data file has no rows")
                    .note(format!("{file} has a header and nothing below it")),
            );
        }
        for (table, _) in &*self.tables {
            table.findings(model, file, &mut found);
        }
        if found.is_empty() { Ok(()) } else { Err(found) }
    }
}

/// Rows with more or fewer cells than the header.
#[derive(Default)]
pub(super) struct Ragged {
    first: Vec<(usize, u64, usize)>,
    count: usize,
}

impl Ragged {
    /// One more: its row, its line, how many cells it has.
    pub(super) fn add(&mut self, row: (usize, u64, usize)) {
        if self.first.len() < 5 {
            self.first.push(row);
        }
        self.count += 1;
    }

    /// Adds those of the next piece, before which there are so many rows and lines.
    fn append(&mut self, more: Ragged, (rows, lines): (usize, u64)) {
        let room = 5 - self.first.len().min(5);
        let first = more.first.into_iter().take(room);
        self.first
            .extend(first.map(|(row, line, cells)| (row + rows, line + lines, cells)));
        self.count += more.count;
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
