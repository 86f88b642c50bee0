//! The typed model: every name resolved, every index explicit, every shape and support checked.
//!
//! in: nothing (plain types) -> out: [`Model`], built by `check`, read by every later stage.
//!
//! A value (constant, definition, column, variable) has *slots*: the plates of its brackets, then its axes. A reference
//! gives one [`Index`] per slot, so no later stage knows of implied indices. Ids are positions in the vectors of
//! [`Model`]. Not here: names (see `check`), data (see `data`), algebra.

mod distribution;
mod expr;
mod print;
mod table;

pub use distribution::{Argument, ArgumentName, Case, Conditional, Distribution, DistributionKind};
pub use expr::{Axis, Expr, Fold, Function, Index, Matrix, Restriction, as_sum};
pub use print::print_model;
pub use table::{Column, ColumnType, Every, Order, Source, Table};

use crate::source::Span;

macro_rules! id {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(pub u32);
        impl $name {
            /// The position in its vector.
            pub fn index(self) -> usize { self.0 as usize }
        }
        impl From<usize> for $name {
            fn from(i: usize) -> Self { $name(i as u32) }
        }
    )*};
}
id! {
    /// A plate.
    PlateId;
    /// A data block.
    TableId;
    /// A column of a data block.
    ColumnId;
    /// A `const` or `let`.
    DefinitionId;
    /// A `param` or `latent`.
    VariableId;
    /// A `~` statement or a potential.
    FactorId;
}

/// The built-in plate `binary`, always the first.
pub const BINARY: PlateId = PlateId(0);

/// A checked model.
#[derive(Debug, Clone, PartialEq)]
pub struct Model {
    /// The model's name; the file's where none is given.
    pub name: String,
    /// Plates; `plates[0]` is `binary`.
    pub plates: Vec<Plate>,
    /// Data blocks in file order.
    pub tables: Vec<Table>,
    /// All columns, a table's in order.
    pub columns: Vec<Column>,
    /// `const` and `let`, sorted so that each uses earlier ones only.
    pub definitions: Vec<Definition>,
    /// `param` and `latent` in declaration order.
    pub variables: Vec<Variable>,
    /// One per `~` (priors included) and per potential, in file order.
    pub factors: Vec<Factor>,
    /// The rules of `infer`.
    pub directives: Vec<Directive>,
    /// The first axis id not in use: later stages make fresh axes from here.
    pub next_axis: u32,
}

/// A plate: a replicated index set.
#[derive(Debug, Clone, PartialEq)]
pub struct Plate {
    /// Its name.
    pub name: String,
    /// What its elements are.
    pub kind: PlateKind,
    /// Where it is first declared.
    pub span: Span,
}

/// What the elements of a plate are.
#[derive(Debug, Clone, PartialEq)]
pub enum PlateKind {
    /// 0 and 1, built in.
    Binary,
    /// 1..n; the expression is constant, `size` its value (after `--set`).
    Counted {
        /// How many, as written.
        expr: Expr,
        /// How many, where it is known without data.
        size: Option<usize>,
    },
    /// Listed labels.
    Listed(Vec<String>),
    /// The rows of a table.
    Rows(TableId),
    /// The rows of a table with a key: its label column names them.
    Keyed(TableId, ColumnId),
    /// The distinct cells of label columns.
    Labels(Vec<ColumnId>),
    /// The columns of one or more column groups.
    Group(Vec<ColumnId>),
}

/// `const` or `let`.
#[derive(Debug, Clone, PartialEq)]
pub struct Definition {
    /// Its name.
    pub name: String,
    /// `const` (no data, no variables).
    pub constant: bool,
    /// No variable occurs in it, so it can be evaluated when data are bound.
    pub known: bool,
    /// Its slots, as bound in `body`: bracket plates, then `over`.
    pub axes: Vec<Axis>,
    /// How many of `axes` stand in the brackets.
    pub brackets: usize,
    /// Its value.
    pub body: Body,
    /// Its statement.
    pub span: Span,
}

/// The value of a definition.
#[derive(Debug, Clone, PartialEq)]
pub enum Body {
    /// One expression over all of the definition's axes.
    Expr(Expr),
    /// Entries over the last `shape.len()` axes, row-major; each entry an expression over the other axes (a table of a
    /// definition that covers all axes has constant entries).
    Table {
        /// Sizes of the last axes.
        shape: Vec<usize>,
        /// The entries, row-major.
        entries: Vec<Expr>,
    },
}

/// What a variable is to the user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// A point: the mode of its factor.
    Param,
    /// A distribution: the factor itself.
    Latent,
    /// A latent with a point mass for q.
    Dirac,
}

/// The support of a variable's elements.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Domain {
    /// Any number.
    Real,
    /// Above 0.
    Positive,
    /// 0 to 1.
    Probability,
    /// Non-negative, sums to 1 over the last slot.
    Simplex,
    /// Symmetric positive definite over the last two slots, a covariance.
    Covariance,
    /// Symmetric positive definite over the last two slots, a precision.
    Precision,
    /// 0 or 1.
    Binary,
    /// An element of a plate.
    Element(PlateId),
    /// 0, 1, 2, ...
    Count,
}

impl Domain {
    /// How many of the last slots belong to one value: 1 for a simplex, 2 for a matrix.
    pub fn value_slots(self) -> usize {
        match self {
            Domain::Simplex => 1,
            Domain::Covariance | Domain::Precision => 2,
            Domain::Real
            | Domain::Positive
            | Domain::Probability
            | Domain::Binary
            | Domain::Element(_)
            | Domain::Count => 0,
        }
    }
}

/// `param` or `latent`.
#[derive(Debug, Clone, PartialEq)]
pub struct Variable {
    /// Its name.
    pub name: String,
    /// Its role after `--param`, `--latent`, `--flat` and `as dirac`.
    pub role: Role,
    /// Its slots: bracket plates, then axes (a matrix plate twice).
    pub slots: Vec<PlateId>,
    /// How many slots stand in the brackets.
    pub brackets: usize,
    /// The support of an element.
    pub domain: Domain,
    /// Its prior, where it has one that counts (none when flat).
    pub prior: Option<FactorId>,
    /// `as factorised`.
    pub factorised: bool,
    /// Constraints.
    pub constraints: Vec<Constraint>,
    /// What the compiler added it for; `None` for what the model declares.
    pub auxiliary: Option<Auxiliary>,
    /// Its statement.
    pub span: Span,
    /// Its name in the statement.
    pub name_span: Span,
}

/// What an auxiliary variable is for (see `derive::augment`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Auxiliary {
    /// The precision of a Gaussian scale mixture, with a Gamma prior.
    Mixture,
    /// A Polya-Gamma variable of a logistic density.
    PolyaGamma,
    /// The Gaussian behind a probit, by its size on the side that was observed.
    Sign,
    /// Where a bound on a log of a sum of exponentials touches.
    Centre,
    /// Where a bound on an absolute value touches.
    Width,
    /// The addend that a count comes from.
    Addend,
}

/// A constraint on a param.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Constraint {
    /// Norm 1 over this plate.
    UnitNorm(PlateId),
    /// Norm at most 1 over this plate.
    UnitBall(PlateId),
    /// Not decreasing along this plate.
    Increasing(PlateId),
    /// The last two slots, of one plate, are interchangeable.
    Symmetric,
}

/// A term of the log joint: `value[axes] ~ conditional`, or a potential.
#[derive(Debug, Clone, PartialEq)]
pub struct Factor {
    /// The bracket plates, as bound in the arguments.
    pub axes: Vec<Axis>,
    /// What it is about.
    pub kind: FactorKind,
    /// Its statement.
    pub span: Span,
}

/// What a factor says.
#[derive(Debug, Clone, PartialEq)]
pub enum FactorKind {
    /// A variable's prior.
    Prior(VariableId, Conditional),
    /// An observed column.
    ObservedColumn(ColumnId, Conditional),
    /// An observed `let` of data and constants.
    ObservedDefinition(DefinitionId, Conditional),
    /// An observed column of an undirected model (no density of its own).
    ObservedOnly(ColumnId),
    /// Adds an expression to the log joint.
    Potential(Expr),
}

/// A rule of `infer`.
#[derive(Debug, Clone, PartialEq)]
pub struct Directive {
    /// What it asks.
    pub kind: DirectiveKind,
    /// Where.
    pub span: Span,
}

/// What a rule of `infer` asks.
#[derive(Debug, Clone, PartialEq)]
pub enum DirectiveKind {
    /// One block.
    Joint(Vec<VariableId>),
    /// First updates of a sweep.
    Order(Vec<VariableId>),
    /// Split, along these plates or along all.
    Factorise(VariableId, Vec<PlateId>),
}

impl Model {
    /// The plate with this id.
    pub fn plate(&self, id: PlateId) -> &Plate {
        &self.plates[id.index()]
    }
    /// The table with this id.
    pub fn table(&self, id: TableId) -> &Table {
        &self.tables[id.index()]
    }
    /// The column with this id.
    pub fn column(&self, id: ColumnId) -> &Column {
        &self.columns[id.index()]
    }
    /// The definition with this id.
    pub fn definition(&self, id: DefinitionId) -> &Definition {
        &self.definitions[id.index()]
    }
    /// The variable with this id.
    pub fn variable(&self, id: VariableId) -> &Variable {
        &self.variables[id.index()]
    }
    /// The factor with this id.
    pub fn factor(&self, id: FactorId) -> &Factor {
        &self.factors[id.index()]
    }
    /// The table whose rows are this plate.
    pub fn table_of(&self, plate: PlateId) -> Option<TableId> {
        match self.plate(plate).kind {
            PlateKind::Rows(t) | PlateKind::Keyed(t, _) => Some(t),
            _ => None,
        }
    }
    /// An axis over `plate` with an id not used before.
    pub fn fresh_axis(&mut self, plate: PlateId) -> Axis {
        let id = self.next_axis;
        self.next_axis += 1;
        Axis { plate, id }
    }
}
