//! Files without the observed columns: they get place holders, so that the rest can be read.
//!
//! in: a file with the conditioning columns of a table -> out: the same bytes with a cell more in each row for every
//! observed column that the header lacks.

use super::skeleton::{Ctx, SizeProblem, Sizes, generated};
use super::write::field;
use crate::data::PlateData;
use crate::model::{ColumnId, Model, Source, TableId};

/// The file of a table with a column for everything observed that it does not have.
///
/// # Errors
/// [`SizeProblem`] where the labels of such a column are not known.
pub fn with_missing_columns(
    model: &Model,
    fitted: Option<&[PlateData]>,
    sizes: &Sizes,
    table: TableId,
    file: &[u8],
) -> Result<Vec<u8>, SizeProblem> {
    let bytes = file.strip_prefix(b"\xef\xbb\xbf").unwrap_or(file);
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .from_reader(bytes);
    let mut starts = Vec::new();
    let mut present = Vec::new();
    for (i, record) in reader.byte_records().flatten().enumerate() {
        if i == 0 {
            let names = record.iter().map(String::from_utf8_lossy);
            present = names.map(|n| n.trim().to_string()).collect();
        }
        let start = record.position().map_or(0, |p| p.byte() as usize);
        // the position may be in front of line ends that are passed over
        let ends = bytes.iter().skip(start);
        let ends = ends.take_while(|b| matches!(b, b'\r' | b'\n')).count();
        starts.push(start + ends);
    }
    let ctx = Ctx {
        model,
        fitted,
        sizes,
        generated: generated(model),
    };
    let rows = starts.len().saturating_sub(1);
    let mut missing: Vec<(String, Vec<String>)> = Vec::new();
    for (id, element, name) in lacking(&ctx, table, &present) {
        missing.push((name, ctx.holders(id, element, rows)?));
    }
    if missing.is_empty() {
        return Ok(file.to_vec());
    }
    let mut out = Vec::with_capacity(2 * bytes.len());
    for (i, start) in starts.iter().enumerate() {
        let end = starts.get(i + 1).copied().unwrap_or(bytes.len());
        let record = bytes.get(*start..end).unwrap_or_default();
        let last = record.iter().rposition(|b| !matches!(b, b'\r' | b'\n'));
        let (record, line_ends) = record.split_at(last.map_or(0, |l| l + 1));
        out.extend_from_slice(record);
        for (name, cells) in &missing {
            let cell = match i.checked_sub(1) {
                None => field(name),
                Some(row) => cells.get(row).cloned().unwrap_or_default(),
            };
            out.extend_from_slice(format!(",{cell}").as_bytes());
        }
        let line_ends = if line_ends.is_empty() {
            b"\n"
        } else {
            line_ends
        };
        out.extend_from_slice(line_ends);
    }
    Ok(out)
}

/// Generated columns with names of their own that a header does not have: column, element of its group, name.
fn lacking(ctx: &Ctx, table: TableId, present: &[String]) -> Vec<(ColumnId, usize, String)> {
    let mut found = Vec::new();
    for id in &ctx.model.table(table).columns {
        let names = match &ctx.model.column(*id).source {
            Source::Header(name) => vec![name.clone()],
            Source::List(names) => names.clone(),
            Source::Pattern(_) | Source::Rest | Source::Listed => vec![],
        };
        for (element, name) in names.into_iter().enumerate() {
            if ctx.generated.get(id.index()) == Some(&true) && !present.contains(&name) {
                found.push((*id, element, name));
            }
        }
    }
    found
}
