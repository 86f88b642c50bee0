//! The values of one column, some rows at a time.
//!
//! in: the pages of a column in a row group -> out: [`Decoded`], a value for each row, checked to be one that its kind
//! can have; errors in words. Not here: what values mean to a model (see `part`).

use ::parquet::column::reader::{ColumnReader, ColumnReaderImpl, get_column_reader};
use ::parquet::data_type::{ByteArray, DataType};
use ::parquet::errors::{ParquetError, Result};
use ::parquet::file::reader::RowGroupReader;

use super::kind::Kind;
use super::source::Checked;

/// A column of a row group being read.
pub(super) struct Reading {
    reader: ColumnReader,
    kind: Kind,
    /// Cells can be blank.
    optional: bool,
    levels: Vec<i16>,
}

/// Consecutive values of a column.
pub(super) struct Decoded {
    kind: Kind,
    values: Values,
    /// By row; empty if none is blank.
    blank: Vec<bool>,
}

enum Values {
    Truth(Vec<bool>),
    Whole(Vec<i64>),
    /// Unsigned numbers and decimals.
    Wide(Vec<i128>),
    /// NaN where blank.
    Real(Vec<f64>),
    Text(Vec<ByteArray>),
}

fn fails<T>(why: &str) -> Result<T> {
    Err(ParquetError::General(why.to_string()))
}

impl Reading {
    /// Starts at the first row of a row group.
    pub(super) fn open(group: &dyn RowGroupReader, leaf: usize, kind: Kind) -> Result<Self> {
        let about = group.metadata().column(leaf);
        let column = about.column_descr_ptr();
        let pages = group.get_column_page_reader(leaf)?;
        // the length of a value is stated for one type only
        let length = column.self_type();
        let length = match length {
            ::parquet::schema::types::Type::PrimitiveType { type_length, .. } => *type_length,
            ::parquet::schema::types::Type::GroupType { .. } => 0,
        };
        let values = u64::try_from(about.num_values())?;
        let pages = Checked::new(pages, column.physical_type(), length, values);
        Ok(Reading {
            kind,
            optional: column.max_def_level() > 0,
            levels: Vec::new(),
            reader: get_column_reader(column, Box::new(pages)),
        })
    }

    /// The next rows, exactly so many.
    pub(super) fn next_rows(&mut self, rows: usize) -> Result<Decoded> {
        let mut levels = std::mem::take(&mut self.levels);
        levels.clear();
        let to = self.optional.then_some(&mut levels);
        let kind = self.kind;
        let values = match &mut self.reader {
            ColumnReader::BoolColumnReader(r) => Values::Truth(read(r, rows, to)?),
            ColumnReader::Int32ColumnReader(r) => {
                let read = read(r, rows, to)?.into_iter();
                match kind {
                    Kind::Unsigned => {
                        Values::Whole(read.map(|v| i64::from(v.cast_unsigned())).collect())
                    }
                    _ => Values::Whole(read.map(i64::from).collect()),
                }
            }
            ColumnReader::Int64ColumnReader(r) => {
                let read = read(r, rows, to)?;
                match kind {
                    Kind::Unsigned => Values::Wide(
                        (read.into_iter().map(|v| i128::from(v.cast_unsigned()))).collect(),
                    ),
                    _ => Values::Whole(read),
                }
            }
            ColumnReader::FloatColumnReader(r) => {
                Values::Real(read(r, rows, to)?.into_iter().map(f64::from).collect())
            }
            ColumnReader::DoubleColumnReader(r) => Values::Real(read(r, rows, to)?),
            ColumnReader::ByteArrayColumnReader(r) => match kind {
                Kind::Decimal(_) => wide(read(r, rows, to)?.iter().map(ByteArray::data))?,
                _ => Values::Text(read(r, rows, to)?),
            },
            ColumnReader::FixedLenByteArrayColumnReader(r) => {
                wide(read(r, rows, to)?.iter().map(|v| v.data()))?
            }
            ColumnReader::Int96ColumnReader(_) => return fails("its type is not read"),
        };
        check(kind, &values)?;
        let mut decoded = Decoded {
            kind,
            values,
            blank: Vec::new(),
        };
        if self.optional {
            decoded.spread(&levels);
        }
        self.levels = levels;
        Ok(decoded)
    }

    /// An error if there are more rows.
    pub(super) fn end(&mut self) -> Result<()> {
        let more = match &mut self.reader {
            ColumnReader::BoolColumnReader(r) => some(r),
            ColumnReader::Int32ColumnReader(r) => some(r),
            ColumnReader::Int64ColumnReader(r) => some(r),
            ColumnReader::Int96ColumnReader(r) => some(r),
            ColumnReader::FloatColumnReader(r) => some(r),
            ColumnReader::DoubleColumnReader(r) => some(r),
            ColumnReader::ByteArrayColumnReader(r) => some(r),
            ColumnReader::FixedLenByteArrayColumnReader(r) => some(r),
        };
        match more? {
            true => fails("it has more rows than its row group"),
            false => Ok(()),
        }
    }
}

/// The values that are not blank of the next rows.
fn read<T: DataType>(
    reader: &mut ColumnReaderImpl<T>,
    rows: usize,
    levels: Option<&mut Vec<i16>>,
) -> Result<Vec<T::T>> {
    let mut values = Vec::with_capacity(rows);
    let (read, _, _) = reader.read_records(rows, levels, None, &mut values)?;
    if read == rows {
        Ok(values)
    } else {
        fails("it has fewer rows than its row group")
    }
}

fn some<T: DataType>(reader: &mut ColumnReaderImpl<T>) -> Result<bool> {
    let (read, _, _) = reader.read_records(1, Some(&mut Vec::new()), None, &mut Vec::new())?;
    Ok(read > 0)
}

/// Whole numbers of up to 16 bytes, the highest first.
fn wide<'v>(values: impl Iterator<Item = &'v [u8]>) -> Result<Values> {
    let number = |bytes: &[u8]| {
        let Some(first) = bytes.first().filter(|_| bytes.len() <= 16) else {
            return fails("a decimal has no or too many digits");
        };
        let sign = if *first >= 128 { -1i128 } else { 0 };
        Ok(bytes.iter().fold(sign, |n, b| (n << 8) | i128::from(*b)))
    };
    values.map(number).collect::<Result<_>>().map(Values::Wide)
}

/// Texts are UTF-8, days and moments can be written.
fn check(kind: Kind, values: &Values) -> Result<()> {
    match values {
        Values::Text(texts) if texts.iter().any(|t| std::str::from_utf8(t.data()).is_err()) => {
            fails("a text is not UTF-8")
        }
        Values::Whole(numbers) if !numbers.iter().all(|n| kind.can_write(*n)) => {
            fails("a date is not in the years 1 to 9999")
        }
        _ => Ok(()),
    }
}

impl Decoded {
    /// Puts values where their level says that there is one.
    fn spread(&mut self, levels: &[i16]) {
        let blank = levels.iter().filter(|level| **level == 0).count();
        if blank == 0 {
            return;
        }
        match &mut self.values {
            Values::Truth(v) => spread(v, levels, false),
            Values::Whole(v) => spread(v, levels, 0),
            Values::Wide(v) => spread(v, levels, 0),
            Values::Real(v) => spread(v, levels, f64::NAN),
            Values::Text(v) => spread(v, levels, ByteArray::from("")),
        }
        self.blank = levels.iter().map(|level| *level == 0).collect();
    }

    /// The numbers of a column without any text: NaN where blank.
    pub(super) fn reals(&self) -> Option<&[f64]> {
        match &self.values {
            Values::Real(values) => Some(values),
            _ => None,
        }
    }

    fn is_blank(&self, row: usize) -> bool {
        self.blank.get(row).copied().unwrap_or(false)
    }

    /// The number that the text of a row reads as, where that is known without writing it.
    pub(super) fn number(&self, row: usize) -> Option<f64> {
        if self.is_blank(row) {
            return None;
        }
        match (&self.values, self.kind) {
            (Values::Real(v), _) => v.get(row).copied().filter(|v| v.is_finite()),
            (Values::Whole(v), Kind::Whole | Kind::Unsigned) => v.get(row).map(|v| *v as f64),
            (Values::Wide(v), Kind::Unsigned) => v.get(row).map(|v| *v as f64),
            _ => None,
        }
    }

    /// The whole number or truth value behind the text of a row: equal ones have equal texts.
    pub(super) fn key(&self, row: usize) -> Option<i64> {
        if self.is_blank(row) {
            return None;
        }
        match &self.values {
            Values::Truth(v) => v.get(row).map(|v| i64::from(*v)),
            Values::Whole(v) => v.get(row).copied(),
            _ => None,
        }
    }

    /// The text of a row as a CSV would have it; nothing where it is blank. `room` is written over if need be.
    pub(super) fn text<'t>(&'t self, row: usize, room: &'t mut String) -> &'t str {
        if self.is_blank(row) {
            return "";
        }
        room.clear();
        match &self.values {
            Values::Text(v) => {
                let bytes = v.get(row).map(ByteArray::data);
                return bytes.map_or("", |b| std::str::from_utf8(b).unwrap_or_default());
            }
            Values::Truth(v) => {
                let truth = v.get(row).copied().unwrap_or(false);
                room.push_str(if truth { "true" } else { "false" });
            }
            Values::Whole(v) => v
                .get(row)
                .map_or((), |v| self.kind.write(i128::from(*v), room)),
            Values::Wide(v) => v.get(row).map_or((), |v| self.kind.write(*v, room)),
            Values::Real(v) => room.push_str(&v.get(row).map_or(String::new(), f64::to_string)),
        }
        room
    }
}

/// From the values that are there to one for each level.
fn spread<T: Clone>(values: &mut Vec<T>, levels: &[i16], none: T) {
    let mut there = values.len();
    values.resize(levels.len(), none.clone());
    for (at, level) in levels.iter().enumerate().rev() {
        if *level > 0 {
            there = there.saturating_sub(1);
            values.swap(at, there);
        } else if let Some(value) = values.get_mut(at) {
            *value = none.clone();
        }
    }
}
