//! Parquet files: their columns read as if they had been written as CSV.
//!
//! in: a [`DataFile`] -> out: [`Opened`], the names of its columns, and its rows read into tables; E0716 where the file is
//! damaged or a column that is needed holds what a table cannot; otherwise the findings of a CSV.
//!
//! Only columns that a table needs are read. Row groups are read one after the other, some rows at a time: all columns
//! of some batches in parallel, then the batches into tables in parallel, while the batches before are put together in
//! order. What is held does not depend on the size of row groups, but for one page of each column. Not here: tables
//! (see `whole`), what cells mean (see `fill`).

mod csv;
mod decode;
mod group;
mod guard;
mod kind;
mod part;
mod source;

use std::collections::BTreeSet;

use ::parquet::basic::Compression;
use ::parquet::file::reader::{FileReader, SerializedFileReader};
use ::parquet::schema::types::{SchemaDescriptor, Type};
use rayon::iter::{IntoParallelIterator, ParallelIterator};
use unicode_normalization::UnicodeNormalization;

use super::DataFile;
use super::finding::clip;
use super::labels::Interner;
use super::opened::refused;
use super::records::{Header, unreadable};
use super::whole::{Part, Reading, Streamed, Whole};
use crate::diag::{Code, Diagnostic};
use crate::model::Model;
use group::Group;
use guard::guarded;
use kind::Kind;
use part::{Rows, View};
use source::Source;

/// Cells of a batch, over all columns that are read.
const BATCH: usize = 1 << 17;
/// Rows of a batch, however many columns there are.
const ROWS: std::ops::RangeInclusive<usize> = 64..=1 << 15;

/// A Parquet file whose columns are known.
pub(super) struct Opened {
    reader: SerializedFileReader<Source>,
    pub(super) header: Header,
    /// By column.
    columns: Vec<Column>,
}

/// A column as the file has it: where its values are and what they mean, or what it holds instead, in words.
type Column = Result<(usize, Kind), &'static str>;

/// A column that is read: its position in the file, where its values are, what they mean.
#[derive(Clone, Copy)]
struct Wanted {
    field: usize,
    leaf: usize,
    kind: Kind,
}

fn damaged(file: &DataFile, why: &str) -> Diagnostic {
    refused(file, "Parquet file is damaged", why).help("write or copy the file again")
}

impl Opened {
    /// Reads what the file says of itself.
    pub(super) fn open(file: &DataFile) -> Result<Self, Box<Diagnostic>> {
        let source = Source::new(file).map_err(|e| unreadable(&file.name, &e))?;
        let reader = guarded(|| SerializedFileReader::new(source));
        let reader = reader.map_err(|why| Box::new(damaged(file, &why)))?;
        let schema = reader.metadata().file_metadata().schema_descr();
        let names = schema.root_schema().get_fields().iter();
        let header = Header {
            names: names.map(|f| f.name().trim().nfc().collect()).collect(),
            newlines: 0,
            open_quote: None,
        };
        let columns = columns(schema);
        Ok(Opened {
            columns,
            header,
            reader,
        })
    }

    /// Reads all rows into all tables of the file; its SHA-256.
    pub(super) fn read(
        &self,
        model: &Model,
        file: &DataFile,
        tables: &mut [Reading],
        interners: &mut [Interner],
        streamed: Streamed<'_, '_>,
    ) -> Result<String, Vec<Diagnostic>> {
        let mut needed = BTreeSet::new();
        for (_, layout) in &*tables {
            needed.extend(layout.by.iter().chain(&layout.within));
            needed.extend(layout.columns.iter().flat_map(|c| &c.fields));
        }
        let wanted = self.wanted(file, needed)?;
        if self.rows(file)? == 0 {
            let none = Diagnostic::new(Code::E0709, "data file has no rows");
            return Err(vec![
                none.note(format!("{} has columns, but no rows", file.name)),
            ]);
        }
        let view = View {
            tables: tables.iter().map(|(raw, _)| raw.fresh()).collect(),
            layouts: tables.iter().map(|(_, layout)| layout.clone()).collect(),
            plates: interners.len(),
        };
        let mut whole = Whole::new(file, &self.header, tables, interners, streamed);
        let (read, digest) = rayon::join(
            || {
                self.batches(file, &wanted, |rows| view.part(&rows), &mut |part: Part| {
                    whole.append(part);
                    !whole.is_over()
                })
            },
            || file.sha256(),
        );
        read?;
        whole.findings(model)?;
        digest.map_err(|e| vec![*unreadable(&file.name, &e)])
    }

    /// These columns, if all of them can be read.
    fn wanted(
        &self,
        file: &DataFile,
        fields: impl IntoIterator<Item = usize>,
    ) -> Result<Vec<Wanted>, Vec<Diagnostic>> {
        let mut found = Vec::new();
        let mut wanted = Vec::new();
        for field in fields {
            match self.columns.get(field) {
                Some(Ok((leaf, kind))) => {
                    match self.codec(*leaf) {
                        None => wanted.push(Wanted {
                            field,
                            leaf: *leaf,
                            kind: *kind,
                        }),
                        Some(codec) => {
                            let title = format!("{codec} compression is not read");
                            let why = format!("column `{}` is written with it", self.name(field));
                            found.push(refused(file, &title, &why).help(
                                "write the file with snappy, zstd, gzip, lz4 or no compression",
                            ));
                        }
                    }
                }
                Some(Err(what)) => {
                    let title = format!("`{}` holds {what}", clip(self.name(field), 20));
                    let why = format!("column `{}` holds {what}", self.name(field));
                    found.push(refused(file, &title, &why).help(
                        "write the column as numbers, truth values, text or dates, one value in each row",
                    ));
                }
                None => {}
            }
        }
        if found.is_empty() {
            Ok(wanted)
        } else {
            Err(found)
        }
    }

    fn name(&self, field: usize) -> &str {
        self.header.names.get(field).map_or("", String::as_str)
    }

    /// A compression of a column that the program is built without.
    fn codec(&self, leaf: usize) -> Option<&'static str> {
        let groups = self.reader.metadata().row_groups().iter();
        groups
            .filter_map(|group| group.columns().get(leaf))
            .find_map(|column| match column.compression() {
                Compression::BROTLI(_) => Some("Brotli"),
                Compression::LZO => Some("LZO"),
                _ => None,
            })
    }

    /// How many rows there are.
    fn rows(&self, file: &DataFile) -> Result<usize, Vec<Diagnostic>> {
        let about = self.reader.metadata();
        let groups = about.row_groups().iter().map(|g| g.num_rows());
        let sum = groups
            .map(u64::try_from)
            .try_fold(0u64, |sum, n| n.ok().and_then(|n| sum.checked_add(n)));
        let stated = u64::try_from(about.file_metadata().num_rows()).ok();
        match sum.filter(|sum| Some(*sum) == stated) {
            Some(rows) => Ok(rows as usize),
            None => Err(vec![damaged(file, "its numbers of rows disagree")]),
        }
    }

    /// All rows, batch by batch: `make` in parallel, `take` in order until it answers that it is enough.
    fn batches<T: Send>(
        &self,
        file: &DataFile,
        wanted: &[Wanted],
        make: impl Fn(Rows) -> T + Sync,
        take: &mut (dyn FnMut(T) -> bool + Send),
    ) -> Result<(), Vec<Diagnostic>> {
        let size = (BATCH / wanted.len().max(1)).clamp(*ROWS.start(), *ROWS.end());
        let at_once = rayon::current_num_threads().clamp(1, 16);
        let mut made: Vec<T> = Vec::new();
        for index in 0..self.reader.num_row_groups() {
            let mut group = Group::open(self, file, wanted, index)?;
            let starts: Vec<usize> = (0..group.rows).step_by(size).collect();
            let rows = group.rows;
            for starts in starts.chunks(at_once) {
                let sizes = starts.iter().map(|from| size.min(rows - from)).collect();
                let (now, go_on) = rayon::join(
                    || {
                        let batches = group.next_rows(sizes)?;
                        let each = (0..batches.len()).into_par_iter();
                        let made = each.map(|at| make(batches.get(at))).collect::<Vec<T>>();
                        Ok::<_, Vec<Diagnostic>>(made)
                    },
                    || made.drain(..).all(&mut *take),
                );
                made = now?;
                if !go_on {
                    return Ok(());
                }
            }
            group.end()?;
        }
        made.drain(..).all(&mut *take);
        Ok(())
    }
}

/// What each column of a table is: a column of columns or of lists has no single value in a row.
fn columns(schema: &SchemaDescriptor) -> Vec<Column> {
    let fields = schema.root_schema().get_fields();
    let mut leaf = 0;
    let mut columns = Vec::with_capacity(fields.len());
    for field in fields {
        let inside = leaves(field);
        columns.push(match field.is_primitive() {
            _ if field.get_basic_info().has_repetition() && is_repeated(field) => Err("lists"),
            true => kind::kind(&schema.column(leaf)).map(|kind| (leaf, kind)),
            false => Err("lists or columns of its own"),
        });
        leaf += inside;
    }
    columns
}

fn is_repeated(field: &Type) -> bool {
    let info = field.get_basic_info();
    info.has_repetition() && info.repetition() == ::parquet::basic::Repetition::REPEATED
}

/// How many columns of single values there are in a field.
fn leaves(field: &Type) -> usize {
    match field {
        Type::PrimitiveType { .. } => 1,
        Type::GroupType { fields, .. } => fields.iter().map(|f| leaves(f)).sum(),
    }
}
