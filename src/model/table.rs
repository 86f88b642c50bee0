//! Data blocks and their columns, as declared.

use super::{ColumnId, PlateId, TableId};
use crate::source::Span;

/// A data block.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    /// Its name: `--data NAME=FILE` reads it.
    pub name: String,
    /// The plate of its rows.
    pub plate: PlateId,
    /// Its columns in order.
    pub columns: Vec<ColumnId>,
    /// `ordered`
    pub ordered: Option<Order>,
    /// `every`
    pub every: Option<Every>,
    /// The weight column.
    pub weight: Option<ColumnId>,
    /// The label column that names the rows.
    pub key: Option<ColumnId>,
    /// Its statement.
    pub span: Span,
}

/// `ordered by .. within ..`: names of columns of the file (a declared column's source, else the name itself).
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Order {
    /// Sort columns as they are called in the file; empty = file order.
    pub by: Vec<String>,
    /// Group columns as they are called in the file.
    pub within: Vec<String>,
}

/// `every`: which combinations of labels have a row.
#[derive(Debug, Clone, PartialEq)]
pub enum Every {
    /// All combinations of the labels of these columns.
    All(Vec<ColumnId>),
    /// Each unordered pair once, in the order of the plate.
    Less(ColumnId, ColumnId),
    /// All ordered pairs but those with itself.
    Unequal(ColumnId, ColumnId),
}

/// A column.
#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    /// Its name in the model.
    pub name: String,
    /// Its table.
    pub table: TableId,
    /// Its slots: the table's plate, then the plate of the group (if it is one).
    pub slots: Vec<PlateId>,
    /// The type of its cells.
    pub ty: ColumnType,
    /// Where its cells come from.
    pub source: Source,
    /// `else v`
    pub default: Option<f64>,
    /// It is the left side of an `observe`: a blank cell is missing, not an error.
    pub observed: bool,
    /// Another statement's arguments or a `let` refer to it.
    pub used: bool,
    /// Its declaration.
    pub span: Span,
}

/// Types of cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ColumnType {
    /// A finite number.
    Real,
    /// A number above 0.
    Positive,
    /// 0 to 1.
    Probability,
    /// 0, 1, 2, ...
    Count,
    /// 0 or 1.
    Binary,
    /// An element of this plate.
    Label(PlateId),
    /// How often the row counts, at least 0.
    Weight,
}

/// Where cells come from.
#[derive(Debug, Clone, PartialEq)]
pub enum Source {
    /// The column of the file with this header.
    Header(String),
    /// All columns whose header matches, `*` once: a group.
    Pattern(String),
    /// These columns: a group.
    List(Vec<String>),
    /// All columns of the file that no other column of the block (by, within included) names: a group.
    Rest,
    /// 1 in every row that the file has.
    Listed,
}
