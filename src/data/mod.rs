//! Data files to typed columns bound to the plates of a model.
//!
//! in: a checked [`Model`](crate::model::Model) and the bytes of CSV files -> out: a [`Dataset`], or diagnostics E07xx.
//!
//! Label cells become positions in their plate; blanks become [`BLANK`] (elements) or NaN (numbers) and occur only where
//! the model allows a missing cell. Rows of ordered tables are sorted: groups (`within`) contiguous, in order inside.
//! Not here: opening files (see `cli`), evaluation of definitions (see `engine`).

use ndarray::ArrayD;

/// The element of a blank label or binary cell.
pub const BLANK: u32 = u32::MAX;

/// Everything that a model needs of its data.
#[derive(Debug, Clone, PartialEq)]
pub struct Dataset {
    /// By `PlateId`.
    pub plates: Vec<PlateData>,
    /// By `TableId`.
    pub tables: Vec<TableData>,
    /// By `ColumnId`.
    pub columns: Vec<Cells>,
}

/// A plate once its data are known.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct PlateData {
    /// Number of elements.
    pub size: usize,
    /// Their labels in order; empty for rows without a key. Counted plates have "1", "2", ...; `binary` has "0", "1".
    pub labels: Vec<String>,
}

/// A table once it is read.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct TableData {
    /// Number of rows (elements of its plate).
    pub rows: usize,
    /// The 1-based line of the file each row came from; 0 for a row that `every` added.
    pub lines: Vec<u64>,
    /// For ordered tables: the row before in its group, or [`BLANK`].
    pub previous: Vec<u32>,
    /// The file's name.
    pub file: String,
    /// Its SHA-256 in hexadecimal.
    pub sha256: String,
    /// Blank cells of each observed column, by column name.
    pub missing: Vec<(String, usize)>,
}

/// The cells of a column; the shape is the sizes of its slots.
#[derive(Debug, Clone, PartialEq)]
pub enum Cells {
    /// real, positive, probability, count, weight; NaN = blank.
    Numbers(ArrayD<f64>),
    /// label and binary (0, 1); [`BLANK`] = blank.
    Elements(ArrayD<u32>),
}
