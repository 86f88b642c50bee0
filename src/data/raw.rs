//! The rows of a table as they stand in a file: cells by column, labels by number of first sight.
//!
//! in: a [`Layout`] -> out: an empty [`RawTable`], filled by `rows`, whose rows later stages select and sort. Not here:
//! which labels a plate has, keys, order, `every`.

use std::sync::Arc;

use super::finding::{Places, row_and_line};
use super::layout::Layout;
use super::{BLANK, Lines};
use crate::model::{ColumnId, ColumnType, Model, TableId};

/// A table in file order.
#[derive(Debug)]
pub(super) struct RawTable {
    pub(super) table: TableId,
    /// 1-based line of each row; 0 for rows that `every` adds.
    pub(super) lines: Lines,
    /// 1-based data row of the file of each row; 0 for rows that `every` adds.
    pub(super) numbers: Lines,
    pub(super) columns: Vec<RawColumn>,
    pub(super) by: Vec<Texts>,
    pub(super) within: Vec<Texts>,
    /// The names in the file's header.
    pub(super) headers: Arc<[String]>,
}

/// A column: `width` cells for each row, row after row.
#[derive(Debug)]
pub(super) struct RawColumn {
    pub(super) id: ColumnId,
    /// Positions in the file; empty for `listed`.
    pub(super) fields: Vec<usize>,
    /// The elements of a group.
    pub(super) elements: Arc<[String]>,
    pub(super) cells: RawCells,
    pub(super) may_be_blank: bool,
    pub(super) ty: ColumnType,
    pub(super) default: Option<f64>,
    pub(super) wrong: Places,
    pub(super) blank: Places,
}

/// The cells of a column.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum RawCells {
    /// NaN = blank.
    Numbers(Vec<f64>),
    /// Truth values, or labels by their number in the plate's [`Interner`]; [`BLANK`] = blank.
    Elements(Vec<u32>),
}

impl RawCells {
    /// How many are blank.
    pub(super) fn blank(&self) -> usize {
        match self {
            RawCells::Numbers(v) => v.iter().filter(|v| v.is_nan()).count(),
            RawCells::Elements(v) => v.iter().filter(|v| **v == BLANK).count(),
        }
    }
}

/// Texts of a `by` or `within` column, one per row.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Texts {
    text: String,
    ends: Vec<usize>,
}

impl Texts {
    /// Adds the text of the next row, trimmed.
    pub(super) fn push(&mut self, text: &str) {
        self.text.push_str(text.trim());
        self.ends.push(self.text.len());
    }

    /// The text of a row; empty = blank.
    pub(super) fn get(&self, row: usize) -> &str {
        let end = self.ends.get(row).copied().unwrap_or(0);
        let start = row
            .checked_sub(1)
            .and_then(|r| self.ends.get(r).copied())
            .unwrap_or(0);
        self.text.get(start..end).unwrap_or("")
    }

    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    /// Adds the texts of further rows.
    fn append(&mut self, more: &Texts) {
        let start = self.text.len();
        self.text.push_str(&more.text);
        self.ends.extend(more.ends.iter().map(|end| start + end));
    }
}

impl RawTable {
    /// An empty table that reads a file in this way.
    pub(super) fn new(
        model: &Model,
        table: TableId,
        layout: &Layout,
        headers: &[String],
        may_be_blank: &[bool],
    ) -> Self {
        let columns = layout.columns.iter().map(|entry| {
            let column = model.column(entry.column);
            RawColumn {
                id: entry.column,
                fields: entry.fields.clone(),
                elements: entry.elements.as_slice().into(),
                cells: match column.ty {
                    ColumnType::Label(_) | ColumnType::Binary => RawCells::Elements(Vec::new()),
                    _ => RawCells::Numbers(Vec::new()),
                },
                may_be_blank: may_be_blank
                    .get(entry.column.index())
                    .copied()
                    .unwrap_or(false),
                ty: column.ty,
                default: column.default,
                wrong: Places::default(),
                blank: Places::default(),
            }
        });
        RawTable {
            table,
            lines: Lines::default(),
            numbers: Lines::default(),
            columns: columns.collect(),
            by: vec![Texts::default(); layout.by.len()],
            within: vec![Texts::default(); layout.within.len()],
            headers: headers.into(),
        }
    }

    /// The same without rows.
    pub(super) fn fresh(&self) -> Self {
        RawTable {
            table: self.table,
            lines: Lines::default(),
            numbers: Lines::default(),
            columns: self.columns.iter().map(RawColumn::fresh).collect(),
            by: vec![Texts::default(); self.by.len()],
            within: vec![Texts::default(); self.within.len()],
            headers: self.headers.clone(),
        }
    }

    /// Adds the rows of the next piece of the file; `before` are the rows of the file in front of the piece, and the line
    /// feeds and one.
    pub(super) fn append(&mut self, part: RawTable, before: (usize, u64)) {
        let (rows, lines) = before;
        self.lines.append(&part.lines, lines);
        self.numbers.append(&part.numbers, rows as u64);
        for (column, part) in self.columns.iter_mut().zip(part.columns) {
            match (&mut column.cells, part.cells) {
                (RawCells::Numbers(all), RawCells::Numbers(more)) => all.extend_from_slice(&more),
                (RawCells::Elements(all), RawCells::Elements(more)) => all.extend_from_slice(&more),
                // both were made from one layout
                (RawCells::Numbers(_), RawCells::Elements(_))
                | (RawCells::Elements(_), RawCells::Numbers(_)) => {}
            }
            column.wrong.append(part.wrong, before);
            column.blank.append(part.blank, before);
        }
        let texts = self.by.iter_mut().zip(&part.by);
        for (all, more) in texts.chain(self.within.iter_mut().zip(&part.within)) {
            all.append(more);
        }
    }

    /// Replaces labels by others, by plate.
    pub(super) fn renumber(&mut self, labels: &[Vec<u32>]) {
        for column in &mut self.columns {
            if let (ColumnType::Label(plate), RawCells::Elements(cells)) =
                (column.ty, &mut column.cells)
            {
                let numbers = labels.get(plate.index()).map_or(&[][..], Vec::as_slice);
                for cell in cells {
                    *cell = numbers.get(*cell as usize).copied().unwrap_or(BLANK);
                }
            }
        }
    }

    /// Takes over what was found wrong in rows that are kept elsewhere.
    pub(super) fn append_findings(&mut self, rows: RawTable) {
        for (column, part) in self.columns.iter_mut().zip(rows.columns) {
            column.wrong.append(part.wrong, (0, 0));
            column.blank.append(part.blank, (0, 0));
        }
    }

    /// The rows from `from` to `to`, without what was found in them.
    pub(super) fn slice(&self, from: usize, to: usize) -> RawTable {
        let mut slice = self.fresh();
        (from..to).for_each(|row| {
            slice.lines.push(self.lines.get(row).unwrap_or(0));
            slice.numbers.push(self.numbers.get(row).unwrap_or(0));
        });
        for (to_column, column) in slice.columns.iter_mut().zip(&self.columns) {
            let cells = from * column.width()..to * column.width();
            match (&mut to_column.cells, &column.cells) {
                (RawCells::Numbers(to), RawCells::Numbers(v)) => {
                    to.extend_from_slice(v.get(cells).unwrap_or_default());
                }
                (RawCells::Elements(to), RawCells::Elements(v)) => {
                    to.extend_from_slice(v.get(cells).unwrap_or_default());
                }
                _ => {}
            }
        }
        let texts = slice.by.iter_mut().zip(&self.by);
        for (to_texts, texts) in texts.chain(slice.within.iter_mut().zip(&self.within)) {
            (from..to).for_each(|row| to_texts.push(texts.get(row)));
        }
        slice
    }

    /// How many rows it has.
    pub(super) fn rows(&self) -> usize {
        self.lines.len()
    }

    /// `row 3 (line 4)` of the file for a row of the table.
    pub(super) fn place(&self, row: u32) -> String {
        let row = row as usize;
        match (self.numbers.get(row), self.lines.get(row)) {
            (Some(number), Some(line)) if line > 0 => row_and_line(number as usize, line),
            _ => "a row that `every` adds".to_string(),
        }
    }

    /// The column with this id.
    pub(super) fn column(&self, id: ColumnId) -> Option<&RawColumn> {
        self.columns.iter().find(|c| c.id == id)
    }

    /// Keeps these rows, in this order.
    pub(super) fn select(&mut self, rows: &[u32]) {
        self.lines = self.lines.select(rows.iter().copied());
        self.numbers = self.numbers.select(rows.iter().copied());
        for column in &mut self.columns {
            let width = column.width();
            match &mut column.cells {
                RawCells::Numbers(v) => *v = pick(v, rows, width),
                RawCells::Elements(v) => *v = pick(v, rows, width),
            }
        }
        for texts in self.by.iter_mut().chain(&mut self.within) {
            let mut chosen = Texts::default();
            for row in rows {
                chosen.push(texts.get(*row as usize));
            }
            *texts = chosen;
        }
    }
}

impl RawColumn {
    fn fresh(&self) -> Self {
        RawColumn {
            id: self.id,
            fields: self.fields.clone(),
            elements: self.elements.clone(),
            cells: match self.cells {
                RawCells::Numbers(_) => RawCells::Numbers(Vec::new()),
                RawCells::Elements(_) => RawCells::Elements(Vec::new()),
            },
            may_be_blank: self.may_be_blank,
            ty: self.ty,
            default: self.default,
            wrong: Places::default(),
            blank: Places::default(),
        }
    }

    /// Cells in a row.
    pub(super) fn width(&self) -> usize {
        self.fields.len().max(1)
    }
}

fn pick<T: Copy>(from: &[T], rows: &[u32], width: usize) -> Vec<T> {
    let cells = |row: &u32| {
        let start = *row as usize * width;
        from.get(start..start + width).unwrap_or_default()
    };
    rows.iter().flat_map(cells).copied().collect()
}
