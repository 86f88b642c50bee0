//! The rows of a file into the columns of its tables.
//!
//! in: [`Pieces`] of a file, an empty [`RawTable`] with its [`Layout`] for each table that reads it -> out: the tables
//! filled, the file's digest; E0703, E0704, E0709 and E0711 with the first cells of each column that are wrong.
//!
//! A file is read once for all of its tables. Numbers go from the bytes of the record straight into their column. Pieces
//! are read in parallel and put together in order; labels are numbered within a piece and then as they are first met.

use rayon::iter::{IndexedParallelIterator, IntoParallelRefIterator, ParallelIterator};

use super::DataFile;
use super::file::{Piece, Pieces};
use super::fill::Cell;
use super::labels::Interner;
use super::layout::Layout;
use super::raw::RawTable;
use super::records::{Header, Records, Row, count_newlines, not_text, unreadable};
use super::whole::{Part, Reading, Streamed, Whole};
use crate::diag::Diagnostic;
use crate::model::Model;

impl RawTable {
    fn read(&mut self, row: &Row, by: &Layout, interners: &mut [Interner]) {
        self.lines.push(row.line);
        self.numbers.push(row.number as u64);
        for column in &mut self.columns {
            if column.fields.is_empty() {
                column.cells.push(1.0, 1);
            }
            for at in 0..column.fields.len() {
                column.push(&cell(row, column.fields[at]), interners);
            }
        }
        let ordering = self.by.iter_mut().zip(&by.by);
        for (texts, field) in ordering.chain(self.within.iter_mut().zip(&by.within)) {
            texts.push(cell(row, *field).filled().unwrap_or_default());
        }
    }
}

fn cell<'r>(row: &'r Row, field: usize) -> Cell<'r> {
    Cell {
        bytes: row.cell(field),
        quoted: row.is_quoted(field),
        row: row.number,
        line: row.line,
        field,
    }
}

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
    streamed: Streamed<'_, '_>,
) -> Result<String, Vec<Diagnostic>> {
    let fresh: Vec<RawTable> = tables.iter().map(|(raw, _)| raw.fresh()).collect();
    let layouts: Vec<Layout> = tables.iter().map(|(_, layout)| layout.clone()).collect();
    let view = View {
        tables: &fresh,
        layouts: &layouts,
        width: header.names.len(),
        plates: interners.len(),
    };
    let mut whole = Whole::new(file, header, tables, interners, streamed);
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
        if ended || whole.is_over() {
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

impl View<'_> {
    fn read(&self, piece: &Piece, is_first: bool) -> Part {
        let mut part = Part {
            tables: self.tables.iter().map(RawTable::fresh).collect(),
            not_text: not_text(&piece.bytes),
            ..Part::default()
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
