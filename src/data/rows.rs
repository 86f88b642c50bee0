//! The rows of a file into the columns of its tables.
//!
//! in: [`Pieces`] of a file, an empty [`RawTable`] with its [`Layout`] for each table that reads it -> out: the tables
//! filled, the file's digest; E0703, E0704, E0709 and E0711 with the first cells of each column that are wrong.
//!
//! A file is read once for all of its tables. Numbers go from the bytes of the record straight into their column. Pieces
//! are read in parallel and put together in order; labels are numbered within a piece and then as they are first met.

use rayon::iter::{IndexedParallelIterator, IntoParallelRefIterator, ParallelIterator};

use super::cell::{self, Blank};
use super::file::{Piece, Pieces};
use super::finding::{Place, at_column, clip, listing, row_and_line};
use super::labels::Interner;
use super::layout::Layout;
use super::raw::{RawCells, RawColumn, RawTable};
use super::records::{
    Header, Records, Row, count_newlines, empty_line, not_closed, not_text, not_utf8, unreadable,
    unwritable,
};
use super::store::Writer;
use super::{BLANK, DataFile};
use crate::diag::{Code, Diagnostic};
use crate::model::{ColumnType, Model};

impl RawTable {
    fn read(&mut self, row: &Row, by: &Layout, interners: &mut [Interner]) {
        self.lines.push(row.line);
        self.numbers.push(row.number as u64);
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

/// A table and how it reads its file.
pub(super) type Reading = (RawTable, Layout);

/// Reads all rows into all tables of a file: piece after piece from the disk, many pieces at a time into columns.
///
/// While the pieces of a batch are parsed in parallel, the next batch is read and the one before is put together, in
/// order, so that every result is that of reading row by row. The rows of the streamed table go to its column file.
pub(super) fn read_rows(
    model: &Model,
    file: &DataFile,
    header: &Header,
    mut pieces: Pieces<'_>,
    tables: &mut [Reading],
    interners: &mut [Interner],
    streamed: Option<(usize, &mut Writer<'_>)>,
) -> Result<String, Vec<Diagnostic>> {
    let fresh: Vec<RawTable> = tables.iter().map(|(raw, _)| raw.fresh()).collect();
    let layouts: Vec<Layout> = tables.iter().map(|(_, layout)| layout.clone()).collect();
    let view = View {
        tables: &fresh,
        layouts: &layouts,
        width: header.names.len(),
        plates: interners.len(),
    };
    let mut whole = Whole {
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
    };
    let at_once = 4 * rayon::current_num_threads().clamp(1, 16);
    let mut batch = read_batch(&mut pieces, at_once);
    let mut parsed: Vec<Part> = Vec::new();
    let mut is_first = true;
    loop {
        let (ready, failed) = batch;
        let ended = ready.is_empty() || failed.is_some();
        let parse = |(i, piece): (usize, &Piece)| view.read(piece, is_first && i == 0);
        let (now, next) = rayon::join(
            || ready.par_iter().enumerate().map(parse).collect::<Vec<_>>(),
            || {
                let next = match ended {
                    true => (Vec::new(), None),
                    false => read_batch(&mut pieces, at_once),
                };
                parsed.drain(..).for_each(|part| whole.append(part));
                next
            },
        );
        if let Some(error) = failed {
            now.into_iter().for_each(|part| whole.append(part));
            return Err(vec![*unreadable(&file.name, &error)]);
        }
        parsed = now;
        batch = next;
        is_first = false;
        if ended || whole.not_utf8.is_some() || whole.unwritten.is_some() {
            break;
        }
    }
    whole.findings(model)?;
    pieces
        .digest()
        .map_err(|e| vec![*unreadable(&file.name, &e)])
}

/// The next pieces, and what stopped the reading.
fn read_batch(pieces: &mut Pieces<'_>, n: usize) -> (Vec<Piece>, Option<std::io::Error>) {
    let mut batch = Vec::with_capacity(n);
    for _ in 0..n {
        match pieces.next_piece() {
            Ok(Some(piece)) => batch.push(piece),
            Ok(None) => break,
            Err(error) => return (batch, Some(error)),
        }
    }
    (batch, None)
}

/// What every piece is read with.
struct View<'a> {
    tables: &'a [RawTable],
    layouts: &'a [Layout],
    width: usize,
    plates: usize,
}

/// The rows of a piece; rows, lines and labels are numbered within it.
struct Part {
    tables: Vec<RawTable>,
    interners: Vec<Interner>,
    rows: usize,
    newlines: u64,
    ragged: Ragged,
    /// The line of an empty line between rows of one column, where reading stopped.
    empty_line: Option<u64>,
    open_quote: Option<u64>,
    not_text: Option<u64>,
}

impl View<'_> {
    fn read(&self, piece: &Piece, is_first: bool) -> Part {
        let mut part = Part {
            tables: self.tables.iter().map(RawTable::fresh).collect(),
            interners: Vec::new(),
            rows: 0,
            newlines: 0,
            ragged: Ragged::default(),
            empty_line: None,
            open_quote: None,
            not_text: not_text(&piece.bytes),
        };
        if part.not_text.is_some() {
            return part;
        }
        part.interners.resize_with(self.plates, Interner::default);
        let mut records = Records::new(&piece.bytes);
        while let Some(row) = records.next_row() {
            if self.width == 1 && row.skipped > 0 && !(is_first && row.number == 1) {
                part.empty_line = Some(row.line);
                part.newlines = count_newlines(&piece.bytes);
                return part;
            }
            part.rows = row.number;
            if row.len() == self.width {
                for (table, layout) in part.tables.iter_mut().zip(self.layouts) {
                    table.read(&row, layout, &mut part.interners);
                }
            } else {
                part.ragged.add((row.number, row.line, row.len()));
            }
        }
        part.newlines = records.newlines;
        part.open_quote = records.open_quote;
        part
    }
}

/// What the pieces so far add up to.
struct Whole<'a, 'b> {
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
    streamed: Option<(usize, &'a mut Writer<'b>)>,
    unwritten: Option<std::io::Error>,
}

impl Whole<'_, '_> {
    fn append(&mut self, part: Part) {
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

    fn findings(self, model: &Model) -> Result<(), Vec<Diagnostic>> {
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
