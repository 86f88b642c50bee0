//! Which file feeds which tables, and all files read.
//!
//! in: the files given on the command line -> out: one [`RawTable`] per data block, label interners by plate, the files'
//! digests; E0701 where a block has no file. A file that feeds several blocks is read once.

use super::cache::{Shelf, file_name, find, layout_text};
use super::labels::Interner;
use super::layout::{Layout, match_header};
use super::opened::Opened;
use super::raw::RawTable;
use super::records::unwritable;
use super::store::{About, Store, Writer};
use super::usage::blank_allowed;
use super::{DataFile, Files, Lines};
use crate::diag::{Code, Diagnostic};
use crate::model::{ColumnType, Model, Source, TableId};

/// Bytes of a file that are parsed as one, roughly.
const PIECE: usize = 1 << 18;

/// All tables in file order.
pub(super) struct Tables {
    /// By table.
    pub(super) raw: Vec<RawTable>,
    /// By table: the file's name and its SHA-256.
    pub(super) files: Vec<(String, String)>,
    /// By plate.
    pub(super) interners: Vec<Interner>,
    /// The rows of the table that is not in memory.
    pub(super) stored: Option<Stored>,
}

/// Rows in a column file.
pub(super) struct Stored {
    pub(super) store: Store,
    /// By plate: from the labels of the column file to those of the interners.
    pub(super) numbers: Vec<Vec<u32>>,
    /// The table without rows.
    pub(super) form: RawTable,
}

/// How files are read.
pub(super) struct How<'a> {
    /// Bytes that are parsed as one, roughly.
    pub(super) piece: usize,
    /// Where column files are.
    pub(super) shelf: Option<&'a dyn Shelf>,
    /// The table whose rows stay in a column file.
    pub(super) streamed: Option<TableId>,
}

impl Default for How<'_> {
    fn default() -> Self {
        How {
            piece: PIECE,
            shelf: None,
            streamed: None,
        }
    }
}

/// Reads every file once.
pub(super) fn read_files(
    model: &Model,
    files: &Files,
    how: &How,
) -> Result<Tables, Vec<Diagnostic>> {
    let mut found = Vec::new();
    let mut jobs: Vec<(&DataFile, Vec<TableId>)> = Vec::new();
    for (i, table) in model.tables.iter().enumerate() {
        let id = TableId::from(i);
        let own = files.by_table.iter().find(|(t, _)| *t == id);
        let Some(file) = own.map(|(_, f)| f).or(files.main.as_ref()) else {
            found.push(
                Diagnostic::new(Code::E0701, "data block without a file")
                    .at(table.span, format!("`{}` is read from a file", table.name))
                    .help(format!(
                        "give a main data file, or `--data {}=FILE`",
                        table.name
                    )),
            );
            continue;
        };
        match jobs.iter_mut().find(|(f, _)| std::ptr::eq(*f, file)) {
            Some((_, tables)) => tables.push(id),
            None => jobs.push((file, vec![id])),
        }
    }
    let may_be_blank = blank_allowed(model);
    let mut interners: Vec<Interner> = Vec::new();
    interners.resize_with(model.plates.len(), Interner::default);
    let mut read: Vec<(RawTable, String, String)> = Vec::new();
    let mut stored = None;
    for (file, ids) in jobs {
        match read_file(model, file, &ids, how, &may_be_blank, &mut interners) {
            Ok((tables, digest, own)) => {
                let named = |t| (t, file.name.clone(), digest.clone());
                read.extend(tables.into_iter().map(named));
                stored = stored.or(own);
            }
            Err(problems) => found.extend(problems),
        }
    }
    if !found.is_empty() {
        return Err(found);
    }
    read.sort_by_key(|(raw, _, _)| raw.table);
    let (raw, files) = read
        .into_iter()
        .map(|(raw, name, digest)| (raw, (name, digest)))
        .unzip();
    Ok(Tables {
        raw,
        files,
        interners,
        stored,
    })
}

type FileTables = (Vec<RawTable>, String, Option<Stored>);

fn read_file(
    model: &Model,
    file: &DataFile,
    ids: &[TableId],
    how: &How,
    may_be_blank: &[bool],
    interners: &mut [Interner],
) -> Result<FileTables, Vec<Diagnostic>> {
    let opened = Opened::open(file, how.piece).map_err(|e| vec![*e])?;
    let mut found = Vec::new();
    let mut tables = Vec::new();
    for id in ids {
        let table = model.table(*id);
        match match_header(model, table, &file.name, opened.names()) {
            Ok(layout) => {
                let raw = RawTable::new(model, *id, &layout, opened.names(), may_be_blank);
                tables.push((raw, layout));
            }
            Err(problems) => found.extend(problems),
        }
        if table.every.is_some() {
            intern_fillers(model, *id, interners);
        }
    }
    if !found.is_empty() {
        // a file that is no text has no columns to be told of
        return Err(match opened.broken(file) {
            Some(broken) => vec![*broken],
            None => found,
        });
    }
    let Some(shelf) = how.shelf else {
        let digest = opened.read(model, file, &mut tables, interners, None)?;
        let tables = tables.into_iter().map(|(raw, _)| raw).collect();
        return Ok((tables, digest, None));
    };
    let shelved = Shelved {
        file,
        shelf,
        layouts: tables.iter().map(|(r, l)| layout_text(r, l)).collect(),
        streamed: how.streamed,
    };
    if let Some(read) = shelved.load(&tables, interners) {
        return Ok(read);
    }
    let streamed =
        (0..tables.len()).find(|i| tables.get(*i).is_some_and(|(r, _)| shelved.is_streamed(r)));
    let digest = match streamed {
        None => opened.read(model, file, &mut tables, interners, None)?,
        Some(at) => {
            let mut opened = Some(opened);
            let mut result = Ok(String::new());
            let written = shelved.put(at, &mut |out| {
                let Some(opened) = opened.take() else {
                    return Ok(());
                };
                let columns = tables.get(at).map_or(0, |(raw, _)| raw.columns.len());
                let mut writer = Writer::new(out, columns)?;
                let to = Some((at, &mut writer));
                result = opened.read(model, file, &mut tables, interners, to);
                match &result {
                    Ok(digest) => writer.finish(shelved.about(at, digest), interners),
                    Err(_) => Err(std::io::ErrorKind::InvalidData.into()),
                }
            });
            let digest = result?;
            written?;
            digest
        }
    };
    for (at, (raw, _)) in tables.iter().enumerate() {
        if Some(at) != streamed {
            shelved.put(at, &mut |out| {
                let mut writer = Writer::new(out, raw.columns.len())?;
                for from in (0..raw.rows()).step_by(CHUNK) {
                    writer.write(&raw.slice(from, raw.rows().min(from + CHUNK)))?;
                }
                writer.finish(shelved.about(at, &digest), interners)
            })?;
        }
    }
    if streamed.is_none() {
        let tables = tables.into_iter().map(|(raw, _)| raw).collect();
        return Ok((tables, digest, None));
    }
    // what the other tables hold is in memory already
    let at = streamed.unwrap_or_default();
    let stored = tables
        .get(at)
        .and_then(|(raw, _)| shelved.store(at, raw, interners));
    let Some(stored) = stored else {
        let lost = std::io::Error::other("what was written cannot be read");
        return Err(vec![*unwritable(&file.name, &lost)]);
    };
    let mut tables: Vec<RawTable> = tables.into_iter().map(|(raw, _)| raw).collect();
    if let Some(raw) = tables.get_mut(at) {
        raw.lines = stored.counted();
    }
    Ok((tables, digest, Some(stored)))
}

/// Rows of a chunk of a table that was read whole.
const CHUNK: usize = 1 << 14;

impl Stored {
    /// Stands for the lines of rows that are not in memory.
    fn counted(&self) -> Lines {
        Lines::Consecutive {
            first: 1,
            rows: self.store.rows(),
        }
    }
}

/// A data file and its column files.
struct Shelved<'a> {
    file: &'a DataFile,
    shelf: &'a dyn Shelf,
    /// By table of the file.
    layouts: Vec<String>,
    streamed: Option<TableId>,
}

impl Shelved<'_> {
    fn is_streamed(&self, raw: &RawTable) -> bool {
        self.streamed == Some(raw.table)
    }

    fn layout(&self, at: usize) -> &str {
        self.layouts.get(at).map_or("", String::as_str)
    }

    fn about(&self, at: usize, digest: &str) -> About {
        About {
            csv: self.file.name.clone(),
            stamp: self.file.stamp,
            sha256: digest.to_string(),
            layout: self.layout(at).to_string(),
            ..About::default()
        }
    }

    fn put(
        &self,
        at: usize,
        fill: &mut dyn FnMut(&mut (dyn std::io::Write + Send)) -> std::io::Result<()>,
    ) -> Result<(), Vec<Diagnostic>> {
        let name = file_name(&self.file.name, self.layout(at));
        let written = self.shelf.put(&name, fill);
        written.map_err(|e| vec![*unwritable(&self.file.name, &e)])
    }

    fn store(&self, at: usize, form: &RawTable, interners: &mut [Interner]) -> Option<Stored> {
        let name = file_name(&self.file.name, self.layout(at));
        let store = Store::open(self.shelf.find(&name).ok()?).ok()?;
        Some(Stored {
            numbers: store.numbers(interners),
            store,
            form: form.fresh(),
        })
    }

    /// All tables from their column files; `None` if one is not there or not as it should be.
    fn load(
        &self,
        tables: &[(RawTable, Layout)],
        interners: &mut [Interner],
    ) -> Option<FileTables> {
        let found: Option<Vec<Store>> = (0..tables.len())
            .map(|at| find(self.shelf, self.file, self.layout(at)))
            .collect();
        let found = found?;
        let digest = found.first()?.about.sha256.clone();
        // labels are interned only once everything was read
        let mut read = Vec::with_capacity(tables.len());
        for (store, (form, _)) in found.iter().zip(tables) {
            let mut raw = form.fresh();
            for chunk in 0..store.chunks() {
                let rows = store.read(chunk, form).ok()?;
                if !self.is_streamed(form) {
                    raw.append(rows, (0, 0));
                }
            }
            read.push(raw);
        }
        let mut stored = None;
        for ((store, (form, _)), raw) in found.into_iter().zip(tables).zip(&mut read) {
            let numbers = store.numbers(interners);
            if self.is_streamed(form) {
                let own = Stored {
                    store,
                    numbers,
                    form: form.fresh(),
                };
                raw.lines = own.counted();
                stored = Some(own);
            } else {
                raw.renumber(&numbers);
            }
        }
        Some((read, digest, stored))
    }
}

/// Rows that `every` adds hold the `else` of a label column, so its label exists even if no cell of the file has it.
fn intern_fillers(model: &Model, id: TableId, interners: &mut [Interner]) {
    for column in &model.table(id).columns {
        let column = model.column(*column);
        if let (ColumnType::Label(plate), Some(value)) = (column.ty, column.default)
            && column.source != Source::Listed
            && let Some(interner) = interners.get_mut(plate.index())
        {
            interner.intern(&value.to_string());
        }
    }
}
