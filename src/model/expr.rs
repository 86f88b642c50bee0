//! Resolved expressions: numbers, references with one index per slot, arithmetic, folds, matrices.

use super::{ColumnId, DefinitionId, PlateId, VariableId};

/// A bound index variable: it runs over a plate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Axis {
    /// What it runs over.
    pub plate: PlateId,
    /// Unique in the model.
    pub id: u32,
}

/// What fills a slot of a reference.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Index {
    /// The bound element.
    Axis(Axis),
    /// `i-k` on an ordered plate, k >= 1.
    Lag(Axis, u32),
    /// The label (or binary) that a column holds at these indices.
    Column(ColumnId, Vec<Index>),
    /// The element that a discrete variable takes.
    Variable(VariableId, Vec<Index>),
    /// A fixed element, by position: a branch of `case`.
    Element(u32),
}

/// A number for each binding of the axes in scope.
#[derive(Debug, Clone, PartialEq)]
pub enum Expr {
    /// A literal.
    Number(f64),
    /// A `const` or `let`, one index per slot.
    Definition(DefinitionId, Vec<Index>),
    /// A column's cell (numbers, and binary as 0/1).
    Column(ColumnId, Vec<Index>),
    /// A variable's element (binary as 0/1).
    Variable(VariableId, Vec<Index>),
    /// `size(A)`
    Size(PlateId),
    /// `-e`
    Negate(Box<Expr>),
    /// `a + b`
    Add(Box<Expr>, Box<Expr>),
    /// `a - b`
    Subtract(Box<Expr>, Box<Expr>),
    /// `a * b`
    Multiply(Box<Expr>, Box<Expr>),
    /// `a / b`
    Divide(Box<Expr>, Box<Expr>),
    /// `a ^ b`
    Power(Box<Expr>, Box<Expr>),
    /// `log exp sqrt abs`
    Call(Function, Box<Expr>),
    /// `sum`, `mean`, `sd` over axes, perhaps over the rows of one element only.
    Fold {
        /// Which.
        fold: Fold,
        /// The axes it binds.
        axes: Vec<Axis>,
        /// Language rule 11: only the rows that refer to this bound element.
        restriction: Option<Restriction>,
        /// What is folded.
        body: Box<Expr>,
    },
}

/// Only those rows at which `column` holds the element `axis`.
#[derive(Debug, Clone, PartialEq)]
pub struct Restriction {
    /// A label column of the folded table.
    pub column: ColumnId,
    /// The row axis that the fold binds.
    pub row: Axis,
    /// The element bound outside.
    pub element: Axis,
}

/// A function of one number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Function {
    /// Natural logarithm.
    Log,
    /// e to the power.
    Exp,
    /// Square root.
    Sqrt,
    /// Absolute value.
    Abs,
}

/// A reduction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Fold {
    /// Sum.
    Sum,
    /// Mean.
    Mean,
    /// Standard deviation, divisor n.
    Sd,
}

/// A matrix argument over one plate twice.
#[derive(Debug, Clone, PartialEq)]
pub enum Matrix {
    /// 1 on the diagonal.
    Identity,
    /// The expression on the diagonal; it may use the distribution's `over` axis.
    Diagonal(Expr),
    /// A known table: indices of all slots but the last two.
    Definition(DefinitionId, Vec<Index>),
    /// A covariance or precision variable: indices of all slots but the last two.
    Variable(VariableId, Vec<Index>),
    /// number * M; the number does not vary along the matrix's plate.
    Scaled(Expr, Box<Matrix>),
    /// M + M, both known.
    Sum(Box<Matrix>, Box<Matrix>),
    /// The inverse of a known matrix.
    Inverse(Box<Matrix>),
}

/// The expression as a sum over one axis: the axis, and what is summed.
pub fn as_sum(e: &Expr) -> Option<(Axis, Expr)> {
    match e {
        Expr::Fold {
            fold: Fold::Sum,
            axes,
            restriction: None,
            body,
        } => match axes.as_slice() {
            [axis] => Some((*axis, (**body).clone())),
            _ => None,
        },
        Expr::Multiply(a, b) => match (as_sum(a), as_sum(b)) {
            (Some((axis, body)), None) => Some((axis, Expr::Multiply(Box::new(body), b.clone()))),
            (None, Some((axis, body))) => Some((axis, Expr::Multiply(a.clone(), Box::new(body)))),
            _ => None,
        },
        Expr::Divide(a, b) => {
            let (axis, body) = as_sum(a)?;
            Some((axis, Expr::Divide(Box::new(body), b.clone())))
        }
        _ => None,
    }
}
