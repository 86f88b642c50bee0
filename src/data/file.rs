//! A CSV file as records: header, rows with their numbers and lines, and whether a cell was quoted.
//!
//! in: bytes -> out: [`Records`], one record at a time without an allocation for each; E0709 and E0711 for broken files.
//!
//! The csv crate drops quotes, so [`Row::is_quoted`] looks at the raw record again; it is asked only for the few cells
//! that read `NA`, `NaN` or `?`. Not here: which columns are wanted (see `layout`), what cells mean (see `raw`).

use csv::{ByteRecord, ReaderBuilder};
use unicode_normalization::UnicodeNormalization;

use super::DataFile;
use crate::diag::{Code, Diagnostic};

/// A file being read.
pub(super) struct Records<'a> {
    name: &'a str,
    bytes: &'a [u8],
    reader: csv::Reader<&'a [u8]>,
    record: ByteRecord,
    /// The names in the header, trimmed, in NFC.
    pub(super) headers: Vec<String>,
    /// Data rows read so far.
    rows: usize,
    /// Where the last record starts.
    start: usize,
}

/// One data row.
pub(super) struct Row<'r> {
    /// 1-based, the header not counted.
    pub(super) number: usize,
    /// 1-based line of the file on which it starts.
    pub(super) line: u64,
    record: &'r ByteRecord,
    raw: &'r [u8],
}

impl Row<'_> {
    /// How many cells it has.
    pub(super) fn len(&self) -> usize {
        self.record.len()
    }

    /// The cell of this column; empty where the row has no such cell.
    pub(super) fn cell(&self, column: usize) -> &[u8] {
        self.record.get(column).unwrap_or_default()
    }

    /// True if the cell of this column starts with a quote in the file.
    pub(super) fn is_quoted(&self, column: usize) -> bool {
        let mut quoted = false;
        walk_record(self.raw, |field, is_quoted| {
            quoted = is_quoted;
            field < column
        });
        quoted
    }
}

impl<'a> Records<'a> {
    /// Reads the header.
    pub(super) fn open(file: &'a DataFile) -> Result<Self, Box<Diagnostic>> {
        if let Err(error) = std::str::from_utf8(&file.bytes) {
            let before = file.bytes.get(..error.valid_up_to()).unwrap_or_default();
            let line = before.iter().filter(|b| **b == b'\n').count() + 1;
            return Err(Box::new(
                Diagnostic::new(Code::E0711, "data file is not UTF-8")
                    .note(format!(
                        "{}, line {line}: a byte that is not UTF-8 text",
                        file.name
                    ))
                    .help("save the file as UTF-8"),
            ));
        }
        let bytes = file
            .bytes
            .strip_prefix(b"\xef\xbb\xbf")
            .unwrap_or(&file.bytes);
        let mut records = Records {
            name: &file.name,
            bytes,
            reader: ReaderBuilder::new()
                .has_headers(false)
                .flexible(true)
                .from_reader(bytes),
            record: ByteRecord::new(),
            headers: Vec::new(),
            rows: 0,
            start: 0,
        };
        if !records.advance()? {
            return Err(Box::new(
                Diagnostic::new(Code::E0709, "data file is empty")
                    .note(format!("{} has neither a header nor rows", file.name)),
            ));
        }
        records.headers = records
            .record
            .iter()
            .map(|h| String::from_utf8_lossy(h).trim().nfc().collect())
            .collect();
        Ok(records)
    }

    fn advance(&mut self) -> Result<bool, Box<Diagnostic>> {
        self.reader
            .read_byte_record(&mut self.record)
            .map_err(|error| {
                let found = Diagnostic::new(Code::E0711, "data file cannot be split into rows");
                Box::new(found.note(format!("{}: {error}", self.name)))
            })
    }

    /// The next data row, or `None` after the last.
    pub(super) fn next_row(&mut self) -> Result<Option<Row<'_>>, Box<Diagnostic>> {
        if !self.advance()? {
            return self.check_closed().map(|()| None);
        }
        self.rows += 1;
        let (byte, mut line) = self
            .record
            .position()
            .map_or((0, 0), |p| (p.byte() as usize, p.line()));
        let mut raw = self.bytes.get(byte..).unwrap_or_default();
        // the reader's position may still be in front of the line ends that it skips
        let mut skipped = 0;
        while let [first @ (b'\r' | b'\n'), rest @ ..] = raw {
            skipped += u64::from(*first == b'\n');
            raw = rest;
        }
        line += skipped;
        let half_read = byte > 0 && self.bytes.get(byte - 1..=byte) == Some(b"\r\n");
        if self.headers.len() == 1 && skipped > u64::from(half_read) && self.rows > 1 {
            // in a file of one column an empty line could be a blank cell or nothing
            return Err(Box::new(
                Diagnostic::new(Code::E0711, "empty line between rows of one column")
                    .note(format!("{}, line {}: an empty line", self.name, line - 1))
                    .help("write NA where the cell is blank, or remove the line"),
            ));
        }
        self.start = self.bytes.len() - raw.len();
        Ok(Some(Row {
            number: self.rows,
            line,
            record: &self.record,
            raw,
        }))
    }

    /// An open quote swallows the rest of the file, so only the last record can have one.
    fn check_closed(&self) -> Result<(), Box<Diagnostic>> {
        let raw = self.bytes.get(self.start..).unwrap_or_default();
        if walk_record(raw, |_, _| true) {
            return Ok(());
        }
        let before = self.bytes.get(..self.start).unwrap_or_default();
        let line = before.iter().filter(|b| **b == b'\n').count() + 1;
        Err(Box::new(
            Diagnostic::new(Code::E0711, "quote not closed in the data file").note(format!(
                "{}: the row that starts on line {line} opens a quote and the file ends inside it",
                self.name
            )),
        ))
    }
}

/// Visits the fields of the record at the start of `raw` with their number and whether they are quoted, until `visit`
/// returns false; true unless the text ends inside a quote.
fn walk_record(raw: &[u8], mut visit: impl FnMut(usize, bool) -> bool) -> bool {
    let mut at = 0;
    for field in 0.. {
        let quoted = raw.get(at) == Some(&b'"');
        if !visit(field, quoted) {
            return true;
        }
        if quoted {
            at += 1;
            loop {
                match (raw.get(at), raw.get(at + 1)) {
                    (None, _) => return false,
                    (Some(b'"'), Some(b'"')) => at += 2,
                    (Some(b'"'), _) => break,
                    _ => at += 1,
                }
            }
        }
        loop {
            match raw.get(at) {
                None | Some(b'\n' | b'\r') => return true,
                Some(b',') => break,
                _ => at += 1,
            }
        }
        at += 1;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: &str) -> DataFile {
        DataFile {
            name: "t.csv".to_string(),
            bytes: text.as_bytes().to_vec(),
        }
    }

    fn rows(text: &str) -> Vec<(u64, Vec<(String, bool)>)> {
        let file = file(text);
        let mut records = Records::open(&file).expect("opens");
        let width = records.headers.len();
        let mut all = Vec::new();
        while let Some(row) = records.next_row().expect("reads") {
            let cells = (0..width)
                .map(|c| {
                    (
                        String::from_utf8_lossy(row.cell(c)).into_owned(),
                        row.is_quoted(c),
                    )
                })
                .collect();
            all.push((row.line, cells));
        }
        all
    }

    #[test]
    fn quotes_commas_and_line_ends_inside_cells() {
        let text = "a,b\r\n\"NA\",NA\r\n\r\n\"x, \"\"y\"\"\nz\",\"\"\r\nlast,2";
        let cell = |t: &str, q| (t.to_string(), q);
        assert_eq!(
            rows(text),
            vec![
                (2, vec![cell("NA", true), cell("NA", false)]),
                (4, vec![cell("x, \"y\"\nz", true), cell("", true)]),
                (6, vec![cell("last", false), cell("2", false)]),
            ]
        );
    }

    #[test]
    fn a_byte_order_mark_is_no_part_of_the_header() {
        let file = file("\u{feff}a,\" b \"\n1,2\n");
        assert_eq!(Records::open(&file).expect("opens").headers, ["a", "b"]);
    }

    #[test]
    fn lines_are_counted_for_every_kind_of_line_end() {
        let lines = |t: &str| rows(t).iter().map(|r| r.0).collect::<Vec<_>>();
        assert_eq!(lines("a,b\n1,1\n2,2\n\n3,3\n"), [2, 3, 5]);
        assert_eq!(lines("a,b\r\n1,1\r\n2,2\r\n\r\n3,3\r\n"), [2, 3, 5]);
        assert_eq!(lines("a\r\n1\r\n2\r\n\r\n\r\n"), [2, 3]);
    }

    #[test]
    fn an_empty_line_in_a_file_of_one_column_is_not_passed_over() {
        for text in ["a\n1\n\n3\n", "a\r\n1\r\n\r\n3\r\n"] {
            let file = file(text);
            let mut records = Records::open(&file).expect("opens");
            assert!(records.next_row().is_ok());
            let error = records.next_row().err().expect("an empty line");
            assert!(error.notes[0].contains("line 3"), "{error:?}");
        }
    }

    #[test]
    fn broken_files_are_named_with_their_line() {
        let latin = DataFile {
            name: "l.csv".to_string(),
            bytes: b"a\nx\nM\xfcller\n".to_vec(),
        };
        let error = Records::open(&latin).err().expect("not UTF-8");
        assert_eq!(error.code, Code::E0711);
        assert!(error.notes[0].contains("l.csv, line 3"), "{error:?}");
        assert_eq!(
            Records::open(&file("")).err().expect("empty").code,
            Code::E0709
        );

        let open = file("a,b\n1,2\n\"3,4\n5,6\n");
        let mut records = Records::open(&open).expect("opens");
        let error = loop {
            match records.next_row() {
                Ok(Some(_)) => {}
                Ok(None) => panic!("an open quote was read as closed"),
                Err(error) => break error,
            }
        };
        assert!(error.notes[0].contains("line 3"), "{error:?}");
    }
}
