//! Data files to typed columns bound to the plates of a model.
//!
//! in: a checked [`Model`] and the bytes of CSV or Parquet files -> out: a [`Dataset`], or diagnostics E07xx.
//!
//! Label cells become positions in their plate; blanks become [`BLANK`] (elements) or NaN (numbers) and occur only where
//! the model allows a missing cell. Rows of ordered tables are sorted: groups (`within`) contiguous, in order inside.
//! Not here: opening files (see `cli`), evaluation of definitions (see `engine`).

mod arguments;
mod bind;
mod cache;
mod cell;
mod coupled;
mod elements;
mod evaluate;
mod every;
mod file;
mod fill;
mod finding;
mod init;
mod init_array;
mod init_csv;
mod init_fit;
mod keys;
mod labels;
mod layout;
mod lines;
mod opened;
mod order;
#[cfg(feature = "parquet")]
mod parquet;
mod plates;
mod raw;
mod read;
mod records;
mod rows;
mod store;
mod stream;
mod summary;
mod support;
#[cfg(test)]
mod tests;
mod usage;
mod whole;

pub use cache::Shelf;
pub use file::{Content, DataFile, ReadSeek, Stamp};
pub use init::{Init, InitValue, ReadFile, read_init};
pub use lines::Lines;
pub use opened::as_csv;
pub use stream::{Stream, streamable};
pub use summary::summary;

use ndarray::{ArcArray, IxDyn};

use crate::diag::Diagnostic;
use crate::model::{Model, PlateId, TableId};

/// The element of a blank label or binary cell.
pub const BLANK: u32 = u32::MAX;

/// The files of a run.
#[derive(Debug, Clone, Default)]
pub struct Files {
    /// Read by every data block that has no file of its own.
    pub main: Option<DataFile>,
    /// Files of single data blocks.
    pub by_table: Vec<(TableId, DataFile)>,
}

/// What binding gives.
#[derive(Debug, Clone, PartialEq)]
pub struct Bound {
    /// The data.
    pub dataset: Dataset,
    /// Findings that do not stop the run.
    pub warnings: Vec<Diagnostic>,
    /// Label plates that have more elements than in the fit, and how many more; these are the last ones.
    pub gained: Vec<(PlateId, usize)>,
}

/// Reads the files of a fit.
///
/// # Errors
/// Findings E0701 to E0712: every independent one of the first stage that fails.
pub fn bind(model: &Model, files: &Files) -> Result<Bound, Vec<Diagnostic>> {
    bind::bind_files(model, files, None, None)
}

/// As [`bind`], from column files where there are any that still fit the files; those that are lacking are made.
///
/// # Errors
/// As [`bind`], and E0701 where a column file cannot be written.
pub fn bind_cached(
    model: &Model,
    files: &Files,
    shelf: &dyn Shelf,
) -> Result<Bound, Vec<Diagnostic>> {
    bind::bind_files(model, files, None, Some(shelf))
}

/// Reads new rows for a fit with these plates (by [`PlateId`]).
///
/// Label plates begin with the fitted labels; new labels follow them, unless a fitted value runs along the plate (a
/// simplex over words): there they are blank in observed columns. Listed, counted and group plates are those of the fit.
/// Tables, keyed ones too, hold the new rows alone.
///
/// # Errors
/// As [`bind`], and E0713 for a new element of a param.
pub fn bind_new(
    model: &Model,
    fitted_plates: &[PlateData],
    files: &Files,
) -> Result<Bound, Vec<Diagnostic>> {
    bind::bind_files(model, files, Some(fitted_plates), None)
}

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
    pub lines: Lines,
    /// For ordered tables: the row before in its group, or [`BLANK`].
    pub previous: Vec<u32>,
    /// The file's name.
    pub file: String,
    /// Its SHA-256 in hexadecimal.
    pub sha256: String,
    /// Blank cells of each observed column, by column name.
    pub missing: Vec<(String, usize)>,
}

/// The cells of a column, row-major; the shape is the sizes of its slots. A clone shares them.
#[derive(Debug, Clone, PartialEq)]
pub enum Cells {
    /// real, positive, probability, count, weight; NaN = blank.
    Numbers(ArcArray<f64, IxDyn>),
    /// label and binary (0, 1); [`BLANK`] = blank.
    Elements(ArcArray<u32, IxDyn>),
}
