//! The stages of binding, in order.
//!
//! in: a model and its files -> out: a [`Dataset`] in the order that the model's plates define.
//!
//! Read the files; merge lines of one key; sort ordered tables; then, as long as something becomes known: elements of
//! plates, label cells to positions, tables of `every`. Last, arrays. Positions of labels depend on all files, sizes of
//! counted plates on sizes of others, rows of `every` on both, hence the loop.

use ndarray::{ArcArray, IxDyn};

use super::elements::{Target, order_group, to_positions};
use super::every::{crossed, expand, plate_of};
use super::keys::merge_lines;
use super::labels::Interner;
use super::order::sort_rows;
use super::plates::{resolve, wrong_size};
use super::raw::{RawCells, RawColumn, RawTable};
use super::read::{How, Stored, Tables, read_files};
use super::support::check_supports;
use super::{Bound, Cells, Dataset, Files, PlateData, Shelf, TableData};
use crate::diag::Diagnostic;
use crate::model::{ColumnId, ColumnType, Model, PlateId, PlateKind, Table, TableId};

/// What is known while binding.
pub(super) struct Progress {
    /// By table.
    pub(super) tables: Vec<RawTable>,
    /// By table: all its rows are there, in order.
    finished: Vec<bool>,
    /// By plate: labels as met.
    pub(super) interners: Vec<Interner>,
    /// By plate.
    pub(super) plates: Vec<Option<PlateData>>,
    /// By column: label cells are positions in the plate.
    positioned: Vec<bool>,
    /// By table: the row before in the group.
    previous: Vec<Vec<u32>>,
    /// By table: the file's name and digest.
    files: Vec<(String, String)>,
}

impl Progress {
    /// A table whose rows are final.
    pub(super) fn finished_table(&self, id: TableId) -> Option<&RawTable> {
        let finished = self.finished.get(id.index()).copied().unwrap_or(false);
        self.tables.get(id.index()).filter(|_| finished)
    }

    /// Sizes of plates as far as known.
    pub(super) fn sizes(&self) -> Vec<Option<usize>> {
        let sizes = self.plates.iter();
        sizes.map(|p| p.as_ref().map(|p| p.size)).collect()
    }
}

/// Binds files; `fitted` are the plates of a fit that is applied to new rows.
pub(super) fn bind_files(
    model: &Model,
    files: &Files,
    fitted: Option<&[PlateData]>,
    shelf: Option<&dyn Shelf>,
) -> Result<Bound, Vec<Diagnostic>> {
    let how = How {
        shelf,
        ..How::default()
    };
    let read = read_files(model, files, &how)?;
    let (bound, _) = bind_tables(model, read, fitted)?;
    let wrong = check_supports(model, &bound.dataset);
    if wrong.is_empty() {
        Ok(bound)
    } else {
        Err(wrong)
    }
}

/// What is left where the rows of one table are not in memory: their cells hold labels by number.
pub(super) type Rest = (Option<Stored>, Vec<Interner>);

/// Binds tables that were read. A table with stored rows has its number of rows, but no cells.
pub(super) fn bind_tables(
    model: &Model,
    read: Tables,
    fitted: Option<&[PlateData]>,
) -> Result<(Bound, Rest), Vec<Diagnostic>> {
    let stored = read.stored;
    let mut progress = Progress {
        finished: vec![false; read.raw.len()],
        previous: vec![Vec::new(); read.raw.len()],
        plates: vec![None; model.plates.len()],
        positioned: vec![false; model.columns.len()],
        tables: read.raw,
        interners: read.interners,
        files: read.files,
    };
    let mut warnings = Vec::new();
    start_tables(model, &mut progress)?;
    loop {
        let plates = learn_plates(model, &mut progress, fitted)?;
        let tables = cross_tables(model, &mut progress, fitted, &mut warnings)?;
        if !plates && !tables {
            break;
        }
    }
    let open = |(i, plate): (usize, &Option<PlateData>)| {
        let unknown = plate.is_none();
        unknown.then(|| wrong_size(model, PlateId::from(i), "has a size that depends on itself"))
    };
    let open: Vec<Diagnostic> = progress
        .plates
        .iter()
        .enumerate()
        .filter_map(open)
        .collect();
    if !open.is_empty() {
        return Err(open);
    }
    position_cells(model, &mut progress, fitted, &mut warnings)?;
    let gained = gains(&progress, fitted);
    let interners = std::mem::take(&mut progress.interners);
    let dataset = assemble(model, progress);
    let bound = Bound {
        dataset,
        warnings,
        gained,
    };
    Ok((bound, (stored, interners)))
}

/// True if a table has more rows than its file: `every`, unless it crosses the key alone.
fn is_crossed(table: &Table) -> bool {
    let columns = table.every.as_ref().map(crossed);
    columns.is_some_and(|columns| !table.key.is_some_and(|key| columns.contains(&key)))
}

/// Keys and order, where they need nothing but the file.
fn start_tables(model: &Model, progress: &mut Progress) -> Result<(), Vec<Diagnostic>> {
    let mut found = Vec::new();
    for (i, table) in model.tables.iter().enumerate() {
        let (Some(raw), Some((file, _))) = (progress.tables.get_mut(i), progress.files.get(i))
        else {
            continue;
        };
        if let Some(key) = table.key {
            let labels = progress.interners.get(table.plate.index());
            let labels = labels.map_or(&[][..], |l| l.labels.as_slice());
            if let Err(problems) = merge_lines(model, key, raw, labels, file) {
                found.extend(problems);
                continue;
            }
        }
        if is_crossed(table) {
            continue;
        }
        match finish(table, raw, file) {
            Ok(previous) => {
                progress.previous[i] = previous;
                progress.finished[i] = true;
            }
            Err(problems) => found.extend(problems),
        }
    }
    if found.is_empty() { Ok(()) } else { Err(found) }
}

fn finish(table: &Table, raw: &mut RawTable, file: &str) -> Result<Vec<u32>, Vec<Diagnostic>> {
    let Some(order) = &table.ordered else {
        return Ok(Vec::new());
    };
    let previous = sort_rows(table, order, raw, file);
    // the order is in the rows now
    (raw.by, raw.within) = (Vec::new(), Vec::new());
    previous
}

/// Elements of plates that have become known; true if there was one.
fn learn_plates(
    model: &Model,
    progress: &mut Progress,
    fitted: Option<&[PlateData]>,
) -> Result<bool, Vec<Diagnostic>> {
    let mut learned = false;
    let mut found = Vec::new();
    for i in 0..model.plates.len() {
        if progress.plates[i].is_some() {
            continue;
        }
        let fitted = fitted.and_then(|f| f.get(i));
        match resolve(model, PlateId::from(i), progress, fitted) {
            Ok(None) => {}
            Ok(known) => {
                progress.plates[i] = known;
                learned = true;
            }
            Err(problem) => found.push(*problem),
        }
    }
    if found.is_empty() {
        Ok(learned)
    } else {
        Err(found)
    }
}

/// Tables of `every` whose labels have become known; true if there was one.
fn cross_tables(
    model: &Model,
    progress: &mut Progress,
    fitted: Option<&[PlateData]>,
    warnings: &mut Vec<Diagnostic>,
) -> Result<bool, Vec<Diagnostic>> {
    let mut crossed_one = false;
    let mut found = Vec::new();
    for (i, table) in model.tables.iter().enumerate() {
        let Some(every) = table.every.as_ref().filter(|_| !progress.finished[i]) else {
            continue;
        };
        let columns = crossed(every);
        let known = |c: &ColumnId| {
            plate_of(model, *c).is_some_and(|p| progress.plates[p.index()].is_some())
        };
        if !columns.iter().all(known) {
            continue;
        }
        let positioned = columns
            .iter()
            .try_for_each(|c| position_column(model, progress, *c, fitted, warnings));
        let (raw, (file, _)) = (&mut progress.tables[i], &progress.files[i]);
        let done = positioned
            .and_then(|()| expand(model, table, every, raw, &progress.plates, file))
            .and_then(|()| finish(table, raw, file));
        match done {
            Ok(previous) => progress.previous[i] = previous,
            Err(problems) => found.extend(problems),
        }
        progress.finished[i] = true;
        crossed_one = true;
    }
    if found.is_empty() {
        Ok(crossed_one)
    } else {
        Err(found)
    }
}

/// All label cells to positions, all groups to the order of their plate.
fn position_cells(
    model: &Model,
    progress: &mut Progress,
    fitted: Option<&[PlateData]>,
    warnings: &mut Vec<Diagnostic>,
) -> Result<(), Vec<Diagnostic>> {
    let mut found = Vec::new();
    for i in 0..model.columns.len() {
        let id = ColumnId::from(i);
        if let Err(problems) = position_column(model, progress, id, fitted, warnings) {
            found.extend(problems);
        }
        let column = model.column(id);
        let Some(plate) = column.slots.get(1) else {
            continue;
        };
        let (table, name) = (
            column.table.index(),
            &progress.files[column.table.index()].0,
        );
        let raw = progress.tables[table]
            .columns
            .iter_mut()
            .find(|c| c.id == id);
        if let (Some(raw), Some(data)) = (raw, &progress.plates[plate.index()])
            && let Err(problem) = order_group(model, raw, *plate, data, name)
        {
            found.push(*problem);
        }
    }
    if found.is_empty() { Ok(()) } else { Err(found) }
}

fn position_column(
    model: &Model,
    progress: &mut Progress,
    id: ColumnId,
    fitted: Option<&[PlateData]>,
    warnings: &mut Vec<Diagnostic>,
) -> Result<(), Vec<Diagnostic>> {
    let column = model.column(id);
    let ColumnType::Label(plate) = column.ty else {
        return Ok(());
    };
    if std::mem::replace(&mut progress.positioned[id.index()], true) {
        return Ok(());
    }
    let table = column.table.index();
    let (Some(data), Some(interner)) = (
        &progress.plates[plate.index()],
        progress.interners.get(plate.index()),
    ) else {
        return Ok(());
    };
    let every = model.table(column.table).every.as_ref();
    let is_crossed_column = every.is_some_and(|e| crossed(e).contains(&id));
    let new_is_blank = fitted.is_some()
        && column.observed
        && !is_crossed_column
        && matches!(model.plate(plate).kind, PlateKind::Labels(_));
    let file = &progress.files[table].0;
    let raw = &mut progress.tables[table];
    let target = Target {
        model,
        id,
        plate: data,
        interner,
        file,
    };
    let warning = to_positions(&target, raw, new_is_blank)?;
    warnings.extend(warning);
    Ok(())
}

/// Plates with more elements than in the fit.
fn gains(progress: &Progress, fitted: Option<&[PlateData]>) -> Vec<(PlateId, usize)> {
    let Some(fitted) = fitted else {
        return Vec::new();
    };
    let pairs = progress.plates.iter().zip(fitted).enumerate();
    pairs
        .filter_map(|(i, (now, then))| {
            let now = now.as_ref()?;
            let is_labelled = now.labels.starts_with(&then.labels) && !then.labels.is_empty();
            let gained = now.size.checked_sub(then.size)?;
            (is_labelled && gained > 0).then(|| (PlateId::from(i), gained))
        })
        .collect()
}

fn assemble(model: &Model, progress: Progress) -> Dataset {
    let mut columns = vec![Cells::Numbers(ArcArray::default(IxDyn(&[0]))); model.columns.len()];
    let mut tables = Vec::with_capacity(progress.tables.len());
    let parts = progress.tables.into_iter().zip(progress.files);
    for ((raw, (file, sha256)), previous) in parts.zip(progress.previous) {
        let rows = raw.rows();
        let mut missing = Vec::new();
        for column in raw.columns {
            let (id, blank) = (column.id, column.cells.blank());
            let declared = model.column(id);
            let cells = array(model, column);
            if declared.observed || blank > 0 {
                missing.push((declared.name.clone(), blank));
            }
            columns[id.index()] = cells;
        }
        tables.push(TableData {
            rows,
            lines: raw.lines,
            previous,
            file,
            sha256,
            missing,
        });
    }
    Dataset {
        plates: progress
            .plates
            .into_iter()
            .map(Option::unwrap_or_default)
            .collect(),
        tables,
        columns,
    }
}

/// The cells of a column as an array: rows, then the elements of a group.
pub(super) fn array(model: &Model, column: RawColumn) -> Cells {
    let width = column.width();
    let shape = |cells: usize| match model.column(column.id).slots.len() {
        0 | 1 => vec![cells],
        _ => vec![cells / width, width],
    };
    match column.cells {
        RawCells::Numbers(v) => {
            Cells::Numbers(ArcArray::from_shape_vec(shape(v.len()), v).unwrap_or_default())
        }
        RawCells::Elements(v) => {
            Cells::Elements(ArcArray::from_shape_vec(shape(v.len()), v).unwrap_or_default())
        }
    }
}
