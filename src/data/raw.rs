//! The rows of a table as they stand in a file: cells by column, labels by number of first sight.
//!
//! in: a [`Layout`] -> out: an empty [`RawTable`], filled by `rows`, whose rows later stages select and sort. Not here:
//! which labels a plate has, keys, order, `every`.

use super::finding::{Places, row_and_line};
use super::layout::Layout;
use crate::model::{ColumnId, ColumnType, Model, TableId};

/// A table in file order.
#[derive(Debug)]
pub(super) struct RawTable {
    pub(super) table: TableId,
    /// 1-based line of each row; 0 for rows that `every` adds.
    pub(super) lines: Vec<u64>,
    /// 1-based data row of the file of each row; 0 for rows that `every` adds.
    pub(super) numbers: Vec<u32>,
    pub(super) columns: Vec<RawColumn>,
    pub(super) by: Vec<Texts>,
    pub(super) within: Vec<Texts>,
    /// The names in the file's header.
    pub(super) headers: Vec<String>,
}

/// A column: `width` cells for each row, row after row.
#[derive(Debug)]
pub(super) struct RawColumn {
    pub(super) id: ColumnId,
    /// Positions in the file; empty for `listed`.
    pub(super) fields: Vec<usize>,
    /// The elements of a group.
    pub(super) elements: Vec<String>,
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
                elements: entry.elements.clone(),
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
            lines: Vec::new(),
            numbers: Vec::new(),
            columns: columns.collect(),
            by: vec![Texts::default(); layout.by.len()],
            within: vec![Texts::default(); layout.within.len()],
            headers: headers.to_vec(),
        }
    }

    /// How many rows it has.
    pub(super) fn rows(&self) -> usize {
        self.lines.len()
    }

    /// `row 3 (line 4)` of the file for a row of the table.
    pub(super) fn place(&self, row: u32) -> String {
        let row = row as usize;
        match (self.numbers.get(row), self.lines.get(row)) {
            (Some(number), Some(line)) if *line > 0 => row_and_line(*number as usize, *line),
            _ => "a row that `every` adds".to_string(),
        }
    }

    /// The column with this id.
    pub(super) fn column(&self, id: ColumnId) -> Option<&RawColumn> {
        self.columns.iter().find(|c| c.id == id)
    }

    /// Keeps these rows, in this order.
    pub(super) fn select(&mut self, rows: &[u32]) {
        self.lines = pick(&self.lines, rows, 1);
        self.numbers = pick(&self.numbers, rows, 1);
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
