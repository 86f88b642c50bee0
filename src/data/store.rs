//! Column files: the rows of a table as its model reads them, in chunks that can be read one by one.
//!
//! in: rows in the order of their file -> out: a column file; a column file -> any chunk of its rows again.
//!
//! ```text
//! magic, chunk, chunk, ..., about (JSON), its checksum and length, magic
//! chunk   rows; lines; per column its cells (f64 or u32, little-endian); per ordering column its texts
//! ```
//!
//! Label cells hold numbers of the file's own list of labels. Whatever is not as it was written (another format, other
//! lengths, a checksum that differs) is an error, never a wrong number. Not here: which column file belongs to which CSV
//! (see `cache`).

use std::io::{self, Read, SeekFrom, Write};
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use super::labels::Interner;
use super::raw::{RawCells, RawTable, Texts};
use super::{BLANK, Lines, ReadSeek, Stamp};
use crate::model::ColumnType;

/// The first and the last bytes; the number is the version of the format.
const MAGIC: &[u8; 8] = b"pmccol01";
/// Bytes behind the description: checksum, length, magic.
const TAIL: u64 = 24;

/// What a column file says of itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
pub(super) struct About {
    /// The name of the CSV file.
    pub(super) csv: String,
    /// Its size and time.
    pub(super) stamp: Option<Stamp>,
    /// Its SHA-256.
    pub(super) sha256: String,
    /// How the table reads its file.
    pub(super) layout: String,
    /// By plate of the model: the numbers that occur, with their labels.
    pub(super) labels: Vec<Vec<(u32, String)>>,
    /// Blank cells by column of the table.
    pub(super) blank: Vec<usize>,
    pub(super) chunks: Vec<Chunk>,
}

/// Some consecutive rows.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(super) struct Chunk {
    at: u64,
    bytes: u64,
    rows: usize,
    checksum: u64,
}

/// A column file being written.
pub(super) struct Writer<'w> {
    out: &'w mut (dyn Write + Send),
    at: u64,
    about: About,
    buffer: Vec<u8>,
    /// By plate: which labels occur.
    met: Vec<Vec<bool>>,
}

impl<'w> Writer<'w> {
    pub(super) fn new(out: &'w mut (dyn Write + Send), columns: usize) -> io::Result<Self> {
        out.write_all(MAGIC)?;
        Ok(Writer {
            out,
            at: MAGIC.len() as u64,
            about: About {
                blank: vec![0; columns],
                ..About::default()
            },
            buffer: Vec::new(),
            met: Vec::new(),
        })
    }

    /// Adds rows.
    pub(super) fn write(&mut self, part: &RawTable) -> io::Result<()> {
        if part.rows() == 0 {
            return Ok(());
        }
        self.buffer.clear();
        encode(part, &mut self.buffer);
        for (blank, column) in self.about.blank.iter_mut().zip(&part.columns) {
            *blank += column.cells.blank();
            if let (ColumnType::Label(plate), RawCells::Elements(cells)) =
                (column.ty, &column.cells)
            {
                if self.met.len() <= plate.index() {
                    self.met.resize_with(plate.index() + 1, Vec::new);
                }
                let met = self.met.get_mut(plate.index());
                met.into_iter().for_each(|met| mark(met, cells));
            }
        }
        self.out.write_all(&self.buffer)?;
        self.about.chunks.push(Chunk {
            at: self.at,
            bytes: self.buffer.len() as u64,
            rows: part.rows(),
            checksum: checksum(&self.buffer),
        });
        self.at += self.buffer.len() as u64;
        Ok(())
    }

    /// Ends the file; what `about` holds of chunks, blanks and labels is replaced by what was written.
    pub(super) fn finish(self, about: About, interners: &[Interner]) -> io::Result<()> {
        let of_plate = |(met, interner): (&Vec<bool>, &Interner)| {
            let labels = interner.labels.iter().zip(met).enumerate();
            let met = labels.filter(|(_, (_, met))| **met);
            met.map(|(id, (label, _))| (id as u32, label.clone()))
                .collect()
        };
        let about = About {
            labels: self.met.iter().zip(interners).map(of_plate).collect(),
            chunks: self.about.chunks,
            blank: self.about.blank,
            ..about
        };
        let text = serde_json::to_vec(&about)?;
        self.out.write_all(&text)?;
        self.out.write_all(&checksum(&text).to_le_bytes())?;
        self.out.write_all(&(text.len() as u64).to_le_bytes())?;
        self.out.write_all(MAGIC)
    }
}

fn mark(met: &mut Vec<bool>, cells: &[u32]) {
    for cell in cells.iter().filter(|c| **c != BLANK) {
        let at = *cell as usize;
        if met.len() <= at {
            met.resize(at + 1, false);
        }
        if let Some(met) = met.get_mut(at) {
            *met = true;
        }
    }
}

/// A column file open for reading.
pub(super) struct Store {
    file: Mutex<Box<dyn ReadSeek>>,
    pub(super) about: About,
    /// The first row of each chunk, and how many rows there are.
    starts: Vec<usize>,
}

fn damaged(what: &str) -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidData,
        format!("the column file is damaged: {what}"),
    )
}

impl Store {
    pub(super) fn open(mut file: Box<dyn ReadSeek>) -> io::Result<Self> {
        let end = file.seek(SeekFrom::End(0))?;
        let magic = MAGIC.len() as u64;
        let head = read_at(&mut *file, 0, magic)?;
        let tail_at = end.checked_sub(TAIL).filter(|at| *at >= magic);
        let tail_at = tail_at.ok_or_else(|| damaged("it is too short"))?;
        let tail = read_at(&mut *file, tail_at, TAIL)?;
        let mut tail = Cursor(&tail);
        let (sum, length) = (tail.number()?, tail.number()?);
        if head != MAGIC || tail.0 != MAGIC {
            return Err(damaged("it has another format"));
        }
        let at = tail_at.checked_sub(length).filter(|at| *at >= magic);
        let at = at.ok_or_else(|| damaged("its description is too long"))?;
        let text = read_at(&mut *file, at, length)?;
        if checksum(&text) != sum {
            return Err(damaged("its description differs from its checksum"));
        }
        let about: About = serde_json::from_slice(&text)?;
        let mut starts = vec![0];
        for chunk in &about.chunks {
            let inside = chunk.at.checked_add(chunk.bytes).is_some_and(|e| e <= at);
            let rows = starts
                .last()
                .and_then(|s: &usize| s.checked_add(chunk.rows));
            match (inside, rows) {
                (true, Some(rows)) => starts.push(rows),
                _ => return Err(damaged("a chunk lies outside")),
            }
        }
        let numbers = about.labels.iter().flatten().map(|(id, _)| *id);
        if numbers.max().is_some_and(|id| u64::from(id) > end) {
            return Err(damaged("a label has a number too large"));
        }
        Ok(Store {
            file: Mutex::new(file),
            about,
            starts,
        })
    }

    /// By plate: from the numbers of this file's labels to those of the interners.
    pub(super) fn numbers(&self, interners: &mut [Interner]) -> Vec<Vec<u32>> {
        let of_plate = |(labels, interner): (&Vec<(u32, String)>, &mut Interner)| {
            let mut numbers = Vec::new();
            for (id, label) in labels {
                // a file numbers its labels from 0 on, in the order met, so there are about as many
                numbers.resize(numbers.len().max(*id as usize + 1), BLANK);
                if let Some(number) = numbers.get_mut(*id as usize) {
                    *number = interner.intern_normal(label);
                }
            }
            numbers
        };
        let plates = self.about.labels.iter().zip(interners);
        plates.map(of_plate).collect()
    }

    /// How many rows there are.
    pub(super) fn rows(&self) -> usize {
        self.starts.last().copied().unwrap_or(0)
    }

    /// How many chunks there are.
    pub(super) fn chunks(&self) -> usize {
        self.about.chunks.len()
    }

    /// The chunks that hold these rows.
    pub(super) fn covering(&self, from: usize, to: usize) -> std::ops::Range<usize> {
        let first = self.starts.partition_point(|s| *s <= from).max(1) - 1;
        let end = self.starts.partition_point(|s| *s < to).min(self.chunks());
        first.min(end)..end
    }

    /// The first row of a chunk.
    pub(super) fn start(&self, chunk: usize) -> usize {
        self.starts.get(chunk).copied().unwrap_or(self.rows())
    }

    /// The rows of a chunk, for a table of this form.
    pub(super) fn read(&self, chunk: usize, form: &RawTable) -> io::Result<RawTable> {
        let about = self.about.chunks.get(chunk);
        let about = about.ok_or_else(|| damaged("it has no such chunk"))?;
        let bytes = {
            let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
            read_at(&mut **file, about.at, about.bytes)?
        };
        if checksum(&bytes) != about.checksum {
            return Err(damaged("a chunk differs from its checksum"));
        }
        let part = decode(&bytes, form, self.start(chunk) as u64 + 1)?;
        if part.rows() != about.rows {
            return Err(damaged("a chunk has other rows"));
        }
        Ok(part)
    }
}

fn read_at(file: &mut dyn ReadSeek, at: u64, length: u64) -> io::Result<Vec<u8>> {
    file.seek(SeekFrom::Start(at))?;
    let mut bytes = Vec::new();
    let read = file.take(length).read_to_end(&mut bytes)?;
    if read as u64 == length {
        Ok(bytes)
    } else {
        Err(damaged("it ends too early"))
    }
}

/// Tells bytes that were changed by accident.
fn checksum(bytes: &[u8]) -> u64 {
    let mut sum = 0x9e37_79b9_7f4a_7c15_u64 ^ bytes.len() as u64;
    let mut mix = |word: u64| {
        sum = (sum ^ word).wrapping_mul(0xff51_afd7_ed55_8ccd);
        sum ^= sum >> 32;
    };
    let (words, rest) = bytes.as_chunks::<8>();
    words.iter().for_each(|w| mix(u64::from_le_bytes(*w)));
    rest.iter().for_each(|b| mix(u64::from(*b)));
    sum
}

fn encode(part: &RawTable, to: &mut Vec<u8>) {
    let number = |to: &mut Vec<u8>, n: u64| to.extend_from_slice(&n.to_le_bytes());
    number(to, part.rows() as u64);
    match &part.lines {
        Lines::Consecutive { first, .. } => {
            number(to, 0);
            number(to, *first);
        }
        Lines::Listed(lines) => {
            number(to, 1);
            lines.iter().for_each(|l| number(to, *l));
        }
    }
    for column in &part.columns {
        match &column.cells {
            RawCells::Numbers(v) => v
                .iter()
                .for_each(|x| to.extend_from_slice(&x.to_le_bytes())),
            RawCells::Elements(v) => v
                .iter()
                .for_each(|x| to.extend_from_slice(&x.to_le_bytes())),
        }
    }
    for texts in part.by.iter().chain(&part.within) {
        for row in 0..texts.len() {
            let text = texts.get(row);
            number(to, text.len() as u64);
            to.extend_from_slice(text.as_bytes());
        }
    }
}

fn decode(bytes: &[u8], form: &RawTable, first_row: u64) -> io::Result<RawTable> {
    let mut from = Cursor(bytes);
    let mut part = form.fresh();
    let rows = from.count()?;
    part.numbers = Lines::Consecutive {
        first: first_row,
        rows,
    };
    part.lines = match from.number()? {
        0 => Lines::Consecutive {
            first: from.number()?,
            rows,
        },
        _ => {
            let words = from.take(rows.saturating_mul(8))?.as_chunks::<8>().0;
            Lines::Listed(words.iter().map(|w| u64::from_le_bytes(*w)).collect())
        }
    };
    for column in &mut part.columns {
        let n = rows.saturating_mul(column.width());
        match &mut column.cells {
            RawCells::Numbers(v) => {
                let words = from.take(n.saturating_mul(8))?.as_chunks::<8>().0;
                v.extend(words.iter().map(|w| f64::from_le_bytes(*w)));
            }
            RawCells::Elements(v) => {
                let words = from.take(n.saturating_mul(4))?.as_chunks::<4>().0;
                v.extend(words.iter().map(|w| u32::from_le_bytes(*w)));
            }
        }
    }
    for texts in part.by.iter_mut().chain(&mut part.within) {
        *texts = Texts::default();
        for _ in 0..rows {
            let length = from.count()?;
            let text = std::str::from_utf8(from.take(length)?);
            texts.push(text.map_err(|_| damaged("a text is not UTF-8"))?);
        }
    }
    match from.0 {
        [] => Ok(part),
        _ => Err(damaged("a chunk is too long")),
    }
}

/// What is left of some bytes.
struct Cursor<'b>(&'b [u8]);

impl<'b> Cursor<'b> {
    fn take(&mut self, n: usize) -> io::Result<&'b [u8]> {
        let short = || damaged("a chunk is too short");
        let (head, rest) = self.0.split_at_checked(n).ok_or_else(short)?;
        self.0 = rest;
        Ok(head)
    }

    fn number(&mut self) -> io::Result<u64> {
        let bytes = self.take(8)?.first_chunk::<8>().copied();
        Ok(u64::from_le_bytes(bytes.unwrap_or_default()))
    }

    fn count(&mut self) -> io::Result<usize> {
        usize::try_from(self.number()?).map_err(|_| damaged("a length is too large"))
    }
}
