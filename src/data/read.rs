//! Which file feeds which tables, and all files read.
//!
//! in: the files given on the command line -> out: one [`RawTable`] per data block, label interners by plate, the files'
//! digests; E0701 where a block has no file. A file that feeds several blocks is read once.

use super::labels::Interner;
use super::layout::match_header;
use super::raw::RawTable;
use super::records::{find_not_text, open};
use super::rows::read_rows;
use super::usage::blank_allowed;
use super::{DataFile, Files};
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
}

/// Reads every file once.
pub(super) fn read_files(model: &Model, files: &Files) -> Result<Tables, Vec<Diagnostic>> {
    read_in_pieces(model, files, PIECE)
}

/// The same in pieces of about this many bytes.
pub(super) fn read_in_pieces(
    model: &Model,
    files: &Files,
    piece: usize,
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
    for (file, ids) in jobs {
        match read_file(model, file, &ids, piece, &may_be_blank, &mut interners) {
            Ok((tables, digest)) => {
                read.extend(
                    tables
                        .into_iter()
                        .map(|t| (t, file.name.clone(), digest.clone())),
                );
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
    })
}

fn read_file(
    model: &Model,
    file: &DataFile,
    ids: &[TableId],
    piece: usize,
    may_be_blank: &[bool],
    interners: &mut [Interner],
) -> Result<(Vec<RawTable>, String), Vec<Diagnostic>> {
    let (header, pieces) = open(file, piece).map_err(|e| vec![*e])?;
    let mut found = Vec::new();
    let mut tables = Vec::new();
    for id in ids {
        let table = model.table(*id);
        match match_header(model, table, &file.name, &header.names) {
            Ok(layout) => {
                let raw = RawTable::new(model, *id, &layout, &header.names, may_be_blank);
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
        return Err(match find_not_text(file, &header, pieces) {
            Some(broken) => vec![*broken],
            None => found,
        });
    }
    let digest = read_rows(model, file, &header, pieces, &mut tables, interners)?;
    Ok((tables.into_iter().map(|(raw, _)| raw).collect(), digest))
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
