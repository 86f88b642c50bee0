//! The records of a piece of a CSV file: rows with their numbers and lines, cells with or without quotes.
//!
//! in: a [`Piece`] -> out: [`Records`], one record at a time without an allocation for each; the header of a file; E0709
//! and E0711 for broken files.
//!
//! Records are separated by line ends (`\n`, `\r\n`, `\r`), empty lines between them are passed over, fields are separated
//! by commas. A field that begins with a quote ends at the next quote that is not doubled; what follows up to the comma
//! belongs to it as it stands. Rows and lines are counted within the piece: what came before is added when pieces are put
//! together. Not here: which columns are wanted (see `layout`), what cells mean (see `raw`).

use unicode_normalization::UnicodeNormalization;

use super::DataFile;
use super::file::{Piece, Pieces, behind_line_end, behind_quote};
use crate::diag::{Code, Diagnostic};

/// A piece being split.
pub(super) struct Records<'p> {
    bytes: &'p [u8],
    at: usize,
    /// Line feeds in front of `at`.
    pub(super) newlines: u64,
    /// Records so far.
    rows: usize,
    fields: Vec<Field>,
    /// The texts of quoted fields of the record.
    unquoted: Vec<u8>,
    /// The line of a record in which a quote is not closed.
    pub(super) open_quote: Option<u64>,
}

/// A field of the record: where its text is.
#[derive(Clone, Copy)]
struct Field {
    start: usize,
    end: usize,
    quoted: bool,
}

/// One record.
pub(super) struct Row<'r> {
    /// Its number in the piece, from 1.
    pub(super) number: usize,
    /// Line feeds of the piece in front of it.
    pub(super) line: u64,
    /// Line feeds of empty lines between it and the record or the piece's start in front of it.
    pub(super) skipped: u64,
    fields: &'r [Field],
    bytes: &'r [u8],
    unquoted: &'r [u8],
}

impl Row<'_> {
    /// How many cells it has.
    pub(super) fn len(&self) -> usize {
        self.fields.len()
    }

    /// The cell of this column, without quotes; empty where the row has no such cell.
    pub(super) fn cell(&self, column: usize) -> &[u8] {
        let Some(field) = self.fields.get(column) else {
            return &[];
        };
        let bytes = if field.quoted {
            self.unquoted
        } else {
            self.bytes
        };
        bytes.get(field.start..field.end).unwrap_or_default()
    }

    /// True if the cell of this column starts with a quote in the file.
    pub(super) fn is_quoted(&self, column: usize) -> bool {
        self.fields.get(column).is_some_and(|f| f.quoted)
    }
}

impl<'p> Records<'p> {
    /// Starts at the first byte.
    pub(super) fn new(bytes: &'p [u8]) -> Self {
        Records {
            bytes,
            at: 0,
            newlines: 0,
            rows: 0,
            fields: Vec::new(),
            unquoted: Vec::new(),
            open_quote: None,
        }
    }

    /// The next record, or `None` behind the last.
    pub(super) fn next_row(&mut self) -> Option<Row<'_>> {
        let before = self.newlines;
        loop {
            match self.bytes.get(self.at)? {
                b'\n' => self.newlines += 1,
                b'\r' => {}
                _ => break,
            }
            self.at += 1;
        }
        let (line, skipped) = (self.newlines, self.newlines - before);
        self.rows += 1;
        self.fields.clear();
        self.unquoted.clear();
        let mut at = self.at;
        loop {
            let start = at;
            if self.bytes.get(at) == Some(&b'"') {
                at = self.quoted(start, line);
            } else {
                at += self.plain(start);
                self.fields.push(Field {
                    start,
                    end: at,
                    quoted: false,
                });
            }
            match self.bytes.get(at) {
                Some(b',') => at += 1,
                Some(_) => {
                    let end = behind_line_end(self.bytes, at);
                    self.newlines += u64::from(self.bytes.get(end - 1) == Some(&b'\n'));
                    self.at = end;
                    break;
                }
                None => {
                    self.at = self.bytes.len();
                    break;
                }
            }
        }
        Some(Row {
            number: self.rows,
            line,
            skipped,
            fields: &self.fields,
            bytes: self.bytes,
            unquoted: &self.unquoted,
        })
    }

    /// How many bytes there are up to the next comma or line end.
    fn plain(&self, start: usize) -> usize {
        let rest = self.bytes.get(start..).unwrap_or_default();
        // all three are at most a comma, and hardly anything else is
        let stops = |b: &u8| *b <= b',' && matches!(*b, b',' | b'\n' | b'\r');
        rest.iter().position(stops).unwrap_or(rest.len())
    }

    /// A field that begins with a quote; where it ends.
    #[cold]
    fn quoted(&mut self, start: usize, line: u64) -> usize {
        let close = behind_quote(self.bytes, start + 1);
        if close.is_none() {
            self.open_quote = Some(line);
        }
        let inner_end = close.map_or(self.bytes.len(), |close| close - 1);
        let inner = self.bytes.get(start + 1..inner_end).unwrap_or_default();
        let from = self.unquoted.len();
        let mut rest = inner;
        while let Some(quote) = rest.iter().position(|b| *b == b'"') {
            // the first of two; an open field may end in a single one
            let (head, tail) = rest.split_at(quote + 1);
            self.unquoted.extend_from_slice(head);
            rest = tail.strip_prefix(b"\"").unwrap_or(tail);
        }
        self.unquoted.extend_from_slice(rest);
        self.newlines += count_newlines(inner);
        let behind = close.unwrap_or(self.bytes.len());
        let end = behind + self.plain(behind);
        let more = self.bytes.get(behind..end).unwrap_or_default();
        self.unquoted.extend_from_slice(more);
        self.fields.push(Field {
            start: from,
            end: self.unquoted.len(),
            quoted: true,
        });
        end
    }
}

/// Line feeds.
pub(super) fn count_newlines(bytes: &[u8]) -> u64 {
    bytes.iter().filter(|b| **b == b'\n').count() as u64
}

/// The first record of a file.
pub(super) struct Header {
    /// The names, trimmed, in NFC.
    pub(super) names: Vec<String>,
    /// Line feeds up to the end of its line.
    pub(super) newlines: u64,
    /// The line of a quote in it that is not closed: there is nothing else in the file then.
    pub(super) open_quote: Option<u64>,
}

/// Opens a file and reads its header.
pub(super) fn open(
    file: &DataFile,
    piece_size: usize,
) -> Result<(Header, Pieces<'_>), Box<Diagnostic>> {
    let unreadable = |error: std::io::Error| unreadable(&file.name, &error);
    let mut pieces = Pieces::open(file, piece_size).map_err(unreadable)?;
    let Some(first) = pieces.next_piece().map_err(unreadable)? else {
        return Err(empty(&file.name));
    };
    if let Some(line) = not_text(&first.bytes) {
        return Err(not_utf8(&file.name, line + 1));
    }
    // a second byte order mark is as little a part of the name as the first
    let marked = first.bytes.strip_prefix(b"\xef\xbb\xbf");
    let mut records = Records::new(marked.unwrap_or(&first.bytes));
    let Some(row) = records.next_row() else {
        return Err(empty(&file.name));
    };
    let names = (0..row.len())
        .map(|f| String::from_utf8_lossy(row.cell(f)).trim().nfc().collect())
        .collect();
    let header = Header {
        names,
        newlines: records.newlines,
        open_quote: records.open_quote,
    };
    let rest = records.bytes.get(records.at..).unwrap_or_default().to_vec();
    pieces.put_back(rest);
    Ok((header, pieces))
}

pub(super) fn empty(file: &str) -> Box<Diagnostic> {
    Box::new(
        Diagnostic::new(Code::E0709, "data file is empty")
            .note(format!("{file} has neither a header nor rows")),
    )
}

/// A file that stops being readable.
pub(super) fn unreadable(file: &str, error: &std::io::Error) -> Box<Diagnostic> {
    Box::new(
        Diagnostic::new(Code::E0711, "data file cannot be read").note(format!("{file}: {error}")),
    )
}

/// A column file that cannot be made.
pub(super) fn unwritable(file: &str, error: &std::io::Error) -> Box<Diagnostic> {
    Box::new(
        Diagnostic::new(Code::E0701, "column file cannot be written")
            .note(format!("for {file}: {error}")),
    )
}

/// Line feeds in front of the first byte that is no UTF-8 text.
pub(super) fn not_text(bytes: &[u8]) -> Option<u64> {
    let error = std::str::from_utf8(bytes).err()?;
    let before = bytes.get(..error.valid_up_to()).unwrap_or_default();
    Some(count_newlines(before))
}

pub(super) fn not_utf8(file: &str, line: u64) -> Box<Diagnostic> {
    Box::new(
        Diagnostic::new(Code::E0711, "data file is not UTF-8")
            .note(format!(
                "{file}, line {line}: a byte that is not UTF-8 text"
            ))
            .help("save the file as UTF-8"),
    )
}

/// In a file of one column an empty line could be a blank cell or nothing.
pub(super) fn empty_line(file: &str, line: u64) -> Box<Diagnostic> {
    Box::new(
        Diagnostic::new(Code::E0711, "empty line between rows of one column")
            .note(format!("{file}, line {line}: an empty line"))
            .help("write NA where the cell is blank, or remove the line"),
    )
}

/// An open quote swallows the rest of the file, so only the last record can have one.
pub(super) fn not_closed(file: &str, line: u64) -> Box<Diagnostic> {
    Box::new(
        Diagnostic::new(Code::E0711, "quote not closed in the data file").note(format!(
            "{file}: the row that starts on line {line} opens a quote and the file ends inside it",
        )),
    )
}

/// Looks for bytes that are no text behind the header.
pub(super) fn find_not_text(
    file: &DataFile,
    header: &Header,
    mut pieces: Pieces<'_>,
) -> Option<Box<Diagnostic>> {
    let mut newlines = header.newlines;
    while let Ok(Some(Piece { bytes, .. })) = pieces.next_piece() {
        if let Some(line) = not_text(&bytes) {
            return Some(not_utf8(&file.name, newlines + line + 1));
        }
        newlines += count_newlines(&bytes);
    }
    None
}

/// All rows behind the header, one after the other, with their lines in the file.
pub(super) fn each_row(
    file: &DataFile,
    header: &Header,
    mut pieces: Pieces<'_>,
    mut visit: impl FnMut(&Row<'_>, u64),
) -> Result<(), Box<Diagnostic>> {
    let mut newlines = header.newlines;
    let mut first = true;
    let mut open_quote = header.open_quote;
    while let Some(Piece { bytes, .. }) = pieces
        .next_piece()
        .map_err(|e| unreadable(&file.name, &e))?
    {
        if let Some(line) = not_text(&bytes) {
            return Err(not_utf8(&file.name, newlines + line + 1));
        }
        let mut records = Records::new(&bytes);
        while let Some(row) = records.next_row() {
            let line = newlines + row.line + 1;
            if header.names.len() == 1 && row.skipped > 0 && !first {
                return Err(empty_line(&file.name, line - 1));
            }
            visit(&row, line);
            first = false;
        }
        open_quote = records.open_quote.map(|l| newlines + l).or(open_quote);
        newlines += records.newlines;
    }
    match open_quote {
        Some(line) => Err(not_closed(&file.name, line + 1)),
        None => Ok(()),
    }
}
