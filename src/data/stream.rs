//! Rows some at a time: data larger than memory.
//!
//! in: a model, its files, a [`Shelf`] for the column file, one table -> out: [`Stream`]: everything but that table's
//! rows, and any of them on demand.
//!
//! Opening reads the files once (or their column files, if those still fit), writes the rows of the table to a column
//! file and checks every one of them; all findings are those of [`super::bind`]. From then on [`Stream::block`] and
//! [`Stream::load`] give rows `from..to` in the order of the file, as often as wanted and in any order; reading on where
//! the last block ended is fastest. At most the rows of one block and of one chunk of the column file are held.
//!
//! ```text
//! let stream = Stream::open(&model, &files, None, &shelf)?;
//! let mut data = stream.frame.clone();
//! for (from, to) in stream.blocks(100_000) {
//!     stream.load(from, to, &mut data)?;       // data.tables[stream.table].rows == to - from
//! }
//! ```

use super::bind::{array, bind_tables};
use super::coupled::coupled;
use super::elements::{Target, order_group, position_of};
use super::finding::Places;
use super::labels::Interner;
use super::raw::RawTable;
use super::read::{How, Stored, read_files};
use super::records::unreadable;
use super::support::check_supports;
use super::{BLANK, Dataset, Files, Shelf};
use crate::diag::{Code, Diagnostic};
use crate::model::{ColumnId, ColumnType, Model, PlateKind, TableId};

/// Rows of a block while rows are checked.
const CHECKED: usize = 1 << 16;

/// The data of a model of which one table stays on disk.
pub struct Stream<'m> {
    /// The table whose rows are read some at a time.
    pub table: TableId,
    /// How many rows it has.
    pub rows: usize,
    /// All plates with their sizes and labels (the plate of the streamed rows with all of them), all other tables with
    /// their cells. The columns of the streamed table have zero rows; its `TableData` tells the number of all its rows and
    /// of blank cells in them.
    pub frame: Dataset,
    /// Findings that do not stop the run.
    pub warnings: Vec<Diagnostic>,
    model: &'m Model,
    stored: Stored,
    /// By plate: the position of each label of the column file.
    positions: Vec<Vec<u32>>,
}

/// The table that is streamed where none is asked for: the last one whose rows are not coupled.
pub fn streamable(model: &Model) -> Option<TableId> {
    let mut tables = (0..model.tables.len()).map(TableId::from);
    tables.rfind(|t| coupled(model, *t).is_none())
}

impl<'m> Stream<'m> {
    /// Reads and checks the files. The table is [`streamable`] where none is given.
    ///
    /// # Errors
    /// As [`super::bind`]; E0603 where the rows are coupled; E0701 where the column file cannot be written.
    pub fn open(
        model: &'m Model,
        files: &Files,
        table: Option<TableId>,
        shelf: &dyn Shelf,
    ) -> Result<Self, Vec<Diagnostic>> {
        let first = (!model.tables.is_empty()).then(|| TableId::from(0));
        let Some(table) = table.or_else(|| streamable(model)).or(first) else {
            let none = Diagnostic::new(Code::E0603, "there are no rows to read in parts");
            return Err(vec![none.note("the model has no data block")]);
        };
        if let Some(why) = coupled(model, table) {
            return Err(vec![why]);
        }
        let how = How {
            shelf: Some(shelf),
            streamed: Some(table),
            ..How::default()
        };
        let read = read_files(model, files, &how)?;
        let (bound, (stored, interners)) = bind_tables(model, read, None)?;
        let mut frame = bound.dataset;
        let (Some(stored), Some(data)) = (stored, frame.tables.get_mut(table.index())) else {
            let none = Diagnostic::new(Code::E0603, "there are no rows to read in parts");
            return Err(vec![none.note("the table has no column file")]);
        };
        let blank = stored.form.columns.iter().zip(&stored.store.about.blank);
        data.missing = blank
            .map(|(c, blank)| (model.column(c.id), *blank))
            .filter(|(column, blank)| column.observed || *blank > 0)
            .map(|(column, blank)| (column.name.clone(), blank))
            .collect();
        data.lines = super::Lines::default();
        let mut stream = Stream {
            table,
            rows: stored.store.rows(),
            frame,
            warnings: bound.warnings,
            model,
            stored,
            positions: Vec::new(),
        };
        stream.place_labels(&interners)?;
        stream.check()?;
        Ok(stream)
    }

    /// Looks up every label once; E0705 for those that their plate does not have.
    fn place_labels(&mut self, interners: &[Interner]) -> Result<(), Vec<Diagnostic>> {
        let plates = self.frame.plates.iter().zip(interners);
        let all: Vec<Vec<u32>> = plates.map(|(p, i)| position_of(p, i)).collect();
        let of_plate = |(numbers, positions): (&Vec<u32>, &Vec<u32>)| {
            let place = |n: &u32| positions.get(*n as usize).copied().unwrap_or(BLANK);
            numbers.iter().map(place).collect::<Vec<u32>>()
        };
        let numbers = self.stored.numbers.iter().zip(&all);
        self.positions = numbers.map(of_plate).collect();
        let lost = |p: usize| {
            let pairs = self.stored.numbers.get(p).zip(self.positions.get(p));
            pairs.is_some_and(|(n, to)| n.iter().zip(to).any(|(n, to)| *n != BLANK && *to == BLANK))
        };
        let file = self.file();
        let mut found = Vec::new();
        for column in &self.stored.form.columns {
            let ColumnType::Label(plate) = column.ty else {
                continue;
            };
            let (true, Some(data), Some(interner), Some(position)) = (
                lost(plate.index()),
                self.frame.plates.get(plate.index()),
                interners.get(plate.index()),
                all.get(plate.index()),
            ) else {
                continue;
            };
            let target = Target {
                model: self.model,
                id: column.id,
                plate: data,
                interner,
                file,
            };
            let mut strange = Places::default();
            for chunk in 0..self.stored.store.chunks() {
                let mut raw = self.chunk(chunk)?;
                raw.renumber(&self.stored.numbers);
                target.replace(&mut raw, position, &mut strange);
            }
            if let Err(problems) = target.told(&strange, &self.stored.form.headers, false) {
                found.extend(problems);
            }
        }
        if found.is_empty() { Ok(()) } else { Err(found) }
    }

    /// What only the numbers can tell.
    fn check(&self) -> Result<(), Vec<Diagnostic>> {
        let mut data = self.frame.clone();
        for (from, to) in self.blocks(CHECKED) {
            self.load(from, to, &mut data)?;
            let wrong = check_supports(self.model, &data);
            if !wrong.is_empty() {
                return Err(wrong);
            }
        }
        Ok(())
    }

    fn file(&self) -> &str {
        let data = self.frame.tables.get(self.table.index());
        data.map_or("", |t| t.file.as_str())
    }

    fn chunk(&self, chunk: usize) -> Result<RawTable, Vec<Diagnostic>> {
        let read = self.stored.store.read(chunk, &self.stored.form);
        read.map_err(|e| vec![*unreadable(self.file(), &e)])
    }

    /// What the streamed columns would need in memory.
    pub fn bytes(&self) -> u64 {
        let width = |c: &ColumnId| {
            let slots = self.model.column(*c).slots.iter().skip(1);
            let sizes = slots.filter_map(|p| self.frame.plates.get(p.index()));
            sizes.map(|p| p.size as u64).product::<u64>()
        };
        let own = self.stored.form.columns.iter();
        let each = own.map(|c| match self.frame.columns.get(c.id.index()) {
            Some(super::Cells::Elements(_)) => 4 * width(&c.id),
            _ => 8 * width(&c.id),
        });
        self.rows as u64 * each.sum::<u64>()
    }

    /// All rows in blocks of so many, the last one shorter.
    pub fn blocks(&self, rows: usize) -> impl Iterator<Item = (usize, usize)> + use<> {
        let (rows, all) = (rows.max(1), self.rows);
        let starts = (0..all).step_by(rows);
        starts.map(move |from| (from, all.min(from.saturating_add(rows))))
    }

    /// The rows `from..to` with everything else.
    ///
    /// # Errors
    /// As [`Stream::load`].
    pub fn block(&self, from: usize, to: usize) -> Result<Dataset, Vec<Diagnostic>> {
        let mut data = self.frame.clone();
        self.load(from, to, &mut data)?;
        Ok(data)
    }

    /// Puts the rows `from..to` in the place of those that `data`, a clone of the frame, holds. Its plate of rows has as
    /// many elements then; the numbers of blank cells stay those of all rows.
    ///
    /// # Errors
    /// E0711 where the column file cannot be read any more.
    pub fn load(&self, from: usize, to: usize, data: &mut Dataset) -> Result<(), Vec<Diagnostic>> {
        self.gather(&[(from, to)], data)
    }

    /// Chosen rows, in rising order, with everything else.
    ///
    /// # Errors
    /// As [`Stream::load`].
    pub fn rows_at(&self, rows: &[usize]) -> Result<Dataset, Vec<Diagnostic>> {
        let mut data = self.frame.clone();
        let ranges: Vec<(usize, usize)> = rows.iter().map(|n| (*n, n + 1)).collect();
        self.gather(&ranges, &mut data)?;
        Ok(data)
    }

    fn gather(&self, ranges: &[(usize, usize)], data: &mut Dataset) -> Result<(), Vec<Diagnostic>> {
        let mut raw = self.stored.form.fresh();
        let mut last: Option<(usize, RawTable)> = None;
        for (from, to) in ranges {
            let to = (*to).min(self.rows);
            let from = (*from).min(to);
            for chunk in self.stored.store.covering(from, to) {
                let rows = match last.take() {
                    Some((at, rows)) if at == chunk => rows,
                    _ => self.chunk(chunk)?,
                };
                let start = self.stored.store.start(chunk);
                let (first, end) = (from.saturating_sub(start), rows.rows().min(to - start));
                if (first, end) == (0, rows.rows()) {
                    raw.append(rows, (0, 0));
                } else {
                    raw.append(rows.slice(first, end), (0, 0));
                    last = Some((chunk, rows));
                }
            }
        }
        raw.renumber(&self.positions);
        let rows = raw.rows();
        for column in &mut raw.columns {
            let slots = &self.model.column(column.id).slots;
            if let Some(plate) = slots.get(1)
                && let Some(elements) = self.frame.plates.get(plate.index())
            {
                order_group(self.model, column, *plate, elements, self.file())
                    .map_err(|e| vec![*e])?;
            }
        }
        if let Some(table) = data.tables.get_mut(self.table.index()) {
            table.rows = rows;
            table.lines = raw.lines;
        }
        for column in raw.columns {
            if let Some(cells) = data.columns.get_mut(column.id.index()) {
                *cells = array(self.model, column);
            }
        }
        for (plate, now) in self.model.plates.iter().zip(&mut data.plates) {
            if matches!(plate.kind, PlateKind::Rows(t) if t == self.table) {
                now.size = rows;
            }
        }
        Ok(())
    }
}
