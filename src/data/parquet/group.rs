//! A row group: the columns that are wanted of it, some rows at a time, under the guard.
//!
//! in: an opened file, which columns -> out: batches of [`Decoded`] columns, all columns in parallel; E0716 that names
//! the column where one cannot be decoded.

use rayon::iter::{IntoParallelRefMutIterator, ParallelIterator};

use ::parquet::file::reader::FileReader;

use super::super::DataFile;
use super::decode::{Decoded, Reading};
use super::guard::guarded;
use super::part::Rows;
use super::{Opened, Wanted, damaged};
use crate::diag::Diagnostic;

/// A row group being read.
pub(super) struct Group<'o> {
    opened: &'o Opened,
    file: &'o DataFile,
    wanted: &'o [Wanted],
    /// Its position in the file.
    index: usize,
    /// How many rows it has.
    pub(super) rows: usize,
    /// By wanted column.
    readers: Vec<Reading>,
}

/// Columns of consecutive batches of rows.
pub(super) struct Batches<'o> {
    wanted: &'o [Wanted],
    /// Columns of the file.
    width: usize,
    /// Rows of each batch.
    sizes: Vec<usize>,
    /// By wanted column, by batch.
    columns: Vec<Vec<Decoded>>,
}

impl<'o> Group<'o> {
    /// Starts at the first row.
    pub(super) fn open(
        opened: &'o Opened,
        file: &'o DataFile,
        wanted: &'o [Wanted],
        index: usize,
    ) -> Result<Self, Vec<Diagnostic>> {
        let group = guarded(|| opened.reader.get_row_group(index));
        let group = group.map_err(|why| vec![damaged(file, &why)])?;
        let mut this = Group {
            opened,
            file,
            wanted,
            index,
            rows: usize::try_from(group.metadata().num_rows()).unwrap_or(0),
            readers: Vec::with_capacity(wanted.len()),
        };
        for w in wanted {
            let reader = guarded(|| Reading::open(&*group, w.leaf, w.kind));
            this.readers
                .push(reader.map_err(|why| this.fails(w, &why))?);
        }
        Ok(this)
    }

    fn fails(&self, wanted: &Wanted, why: &str) -> Vec<Diagnostic> {
        let name = self.opened.name(wanted.field);
        let place = format!("in column `{name}`, row group {}", self.index + 1);
        vec![damaged(self.file, why).note(place)]
    }

    /// The next rows in batches of these sizes; the finding of the first column that fails.
    pub(super) fn next_rows(&mut self, sizes: Vec<usize>) -> Result<Batches<'o>, Vec<Diagnostic>> {
        let read = |reader: &mut Reading| {
            let next = |n: &usize| guarded(|| reader.next_rows(*n));
            sizes
                .iter()
                .map(next)
                .collect::<Result<Vec<Decoded>, String>>()
        };
        let columns: Vec<_> = self.readers.par_iter_mut().map(read).collect();
        let columns = self.wanted.iter().zip(columns);
        let columns = columns.map(|(w, column)| column.map_err(|why| self.fails(w, &why)));
        Ok(Batches {
            wanted: self.wanted,
            width: self.opened.header.names.len(),
            columns: columns.collect::<Result<_, _>>()?,
            sizes,
        })
    }

    /// An error if a column has more rows than the group.
    pub(super) fn end(mut self) -> Result<(), Vec<Diagnostic>> {
        let mut readers = std::mem::take(&mut self.readers);
        for (w, reader) in self.wanted.iter().zip(&mut readers) {
            guarded(|| reader.end()).map_err(|why| self.fails(w, &why))?;
        }
        Ok(())
    }
}

impl Batches<'_> {
    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.sizes.len()
    }

    /// The columns of one of them.
    pub(super) fn get(&self, at: usize) -> Rows<'_> {
        let mut columns = vec![None; self.width];
        for (w, batches) in self.wanted.iter().zip(&self.columns) {
            if let Some(place) = columns.get_mut(w.field) {
                *place = batches.get(at);
            }
        }
        Rows {
            rows: self.sizes.get(at).copied().unwrap_or(0),
            columns,
        }
    }
}
