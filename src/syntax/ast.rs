//! The syntax tree: what was written, with the place of every part. Nothing is resolved here.

use crate::source::Span;

/// A name as written (NFC) and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name {
    /// The text.
    pub text: String,
    /// Where it stands.
    pub span: Span,
}

/// A whole file.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct File {
    /// The statements in file order.
    pub statements: Vec<Statement>,
}

/// A statement and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Statement {
    /// What it says.
    pub kind: StatementKind,
    /// From its first to its last token.
    pub span: Span,
}

/// The kinds of statement.
#[derive(Debug, Clone, PartialEq)]
pub enum StatementKind {
    /// `model NAME`
    Model(Name),
    /// `plate NAME(expr)` or `plate NAME { labels }`
    Plate(PlateDeclaration),
    /// `const` or `let`
    Definition(Definition),
    /// `data NAME ... { columns }`
    Data(Data),
    /// `param` or `latent`
    Variable(Variable),
    /// `observe NAME[plates] ~ ...`
    Observe(Observe),
    /// `potential[plates] expr`
    Potential(Potential),
    /// `infer { rules }`
    Infer(Vec<Rule>),
}

/// A counted or listed plate.
#[derive(Debug, Clone, PartialEq)]
pub struct PlateDeclaration {
    /// The plate's name.
    pub name: Name,
    /// How its elements are given.
    pub elements: PlateElements,
}

/// The elements of a declared plate.
#[derive(Debug, Clone, PartialEq)]
pub enum PlateElements {
    /// `(expr)`: elements 1..n.
    Count(Expr),
    /// `{ a, "b c", 3 }`
    Listed(Vec<Name>),
}

/// `[NAME in] PLATE`
#[derive(Debug, Clone, PartialEq)]
pub struct Binder {
    /// The element's own name, where one is given.
    pub name: Option<Name>,
    /// The plate.
    pub plate: Name,
}

/// `const` or `let`: a name for a known value or an expression.
#[derive(Debug, Clone, PartialEq)]
pub struct Definition {
    /// `true` for `const`.
    pub constant: bool,
    /// The name.
    pub name: Name,
    /// Bracket plates.
    pub plates: Vec<Binder>,
    /// `over A`
    pub over: Option<Binder>,
    /// The value.
    pub body: Body,
}

/// The right side of a definition.
#[derive(Debug, Clone, PartialEq)]
pub enum Body {
    /// One expression.
    Expr(Expr),
    /// `[[a, b], [c, d]]`
    Table(TableBody),
}

/// A table literal: a list runs over one of the last plates.
#[derive(Debug, Clone, PartialEq)]
pub struct TableBody {
    /// The entries.
    pub entries: Vec<Body>,
    /// Where it stands.
    pub span: Span,
}

/// `data NAME ordered by .. within .. every .. { .. }`
#[derive(Debug, Clone, PartialEq)]
pub struct Data {
    /// The table's name, also the plate of its rows.
    pub name: Name,
    /// `ordered`
    pub ordered: Option<Ordered>,
    /// `every`
    pub every: Option<Every>,
    /// The columns.
    pub columns: Vec<Column>,
}

/// `ordered [by a, b] [within c, d]`
#[derive(Debug, Clone, PartialEq)]
pub struct Ordered {
    /// Where `ordered` stands.
    pub span: Span,
    /// Sort columns, empty for file order.
    pub by: Vec<Name>,
    /// Group columns.
    pub within: Vec<Name>,
}

/// `every ...`
#[derive(Debug, Clone, PartialEq)]
pub enum Every {
    /// `every a, b`
    All(Vec<Name>),
    /// `every a < b`
    Less(Name, Name),
    /// `every a != b`
    Unequal(Name, Name),
}

/// A column of a data block.
#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    /// Its name in the model.
    pub name: Name,
    /// Bracket plates of a column group.
    pub plates: Vec<Binder>,
    /// The type word.
    pub ty: Name,
    /// `of PLATE`
    pub of: Option<Name>,
    /// `= source`
    pub source: Option<Source>,
    /// `else number`
    pub default: Option<(f64, Span)>,
    /// The whole column.
    pub span: Span,
}

/// Where a column's cells come from.
#[derive(Debug, Clone, PartialEq)]
pub enum Source {
    /// `"name in the file"`, possibly with one `*`
    Header(Name),
    /// `(a, b)`
    List(Vec<Name>),
    /// `rest`
    Rest(Span),
    /// `listed`
    Listed(Span),
}

/// `param` or `latent`.
#[derive(Debug, Clone, PartialEq)]
pub struct Variable {
    /// `true` for `param`.
    pub param: bool,
    /// Its name.
    pub name: Name,
    /// Bracket plates.
    pub plates: Vec<Binder>,
    /// `: domain` or `~ model`
    pub prior: Prior,
    /// `, constraint`
    pub constraints: Vec<Constraint>,
    /// `as dirac` or `as factorised`
    pub treatment: Option<(Treatment, Span)>,
}

/// What follows the brackets.
#[derive(Debug, Clone, PartialEq)]
pub enum Prior {
    /// `: domain`
    Flat(Domain),
    /// `~ model`
    Distributed(Conditional),
}

/// `as ...`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Treatment {
    /// A point mass.
    Dirac,
    /// No joint block along its plates.
    Factorised,
}

/// `NAME [of P] [over A]`
#[derive(Debug, Clone, PartialEq)]
pub struct Domain {
    /// `real`, `positive`, ...
    pub name: Name,
    /// `of P`
    pub of: Option<Name>,
    /// `over A`
    pub over: Option<Binder>,
    /// The whole domain.
    pub span: Span,
}

/// A constraint on a variable.
#[derive(Debug, Clone, PartialEq)]
pub struct Constraint {
    /// What it says.
    pub kind: ConstraintKind,
    /// Where.
    pub span: Span,
}

/// The kinds of constraint.
#[derive(Debug, Clone, PartialEq)]
pub enum ConstraintKind {
    /// `unit norm over A`
    UnitNorm(Name),
    /// `unit ball over A`
    UnitBall(Name),
    /// `increasing over A`
    Increasing(Name),
    /// `symmetric`
    Symmetric,
}

/// `observe`
#[derive(Debug, Clone, PartialEq)]
pub struct Observe {
    /// The column or definition.
    pub name: Name,
    /// Bracket plates.
    pub plates: Vec<Binder>,
    /// `~ model`; none in undirected models.
    pub model: Option<Conditional>,
}

/// `dist [first dist]`
#[derive(Debug, Clone, PartialEq)]
pub struct Conditional {
    /// The distribution.
    pub distribution: Distribution,
    /// `first`
    pub first: Option<Distribution>,
}

/// A distribution or a choice among some.
#[derive(Debug, Clone, PartialEq)]
pub enum Distribution {
    /// `NAME(args) over A`
    Call(DistributionCall),
    /// `case z { a: D b: D }`
    Case(Case),
}

/// `NAME(args) [over A]`
#[derive(Debug, Clone, PartialEq)]
pub struct DistributionCall {
    /// Its name.
    pub name: Name,
    /// Its arguments in order.
    pub arguments: Vec<Argument>,
    /// `over A`
    pub over: Option<Binder>,
    /// The whole call.
    pub span: Span,
}

/// `[name =] expr`
#[derive(Debug, Clone, PartialEq)]
pub struct Argument {
    /// The argument's name, where written.
    pub name: Option<Name>,
    /// Its value.
    pub value: Expr,
}

/// `case ref { label: dist ... }`
#[derive(Debug, Clone, PartialEq)]
pub struct Case {
    /// What selects.
    pub selector: Reference,
    /// The branches in order.
    pub branches: Vec<(Name, Distribution)>,
    /// The whole choice.
    pub span: Span,
}

/// `potential[plates] expr`
#[derive(Debug, Clone, PartialEq)]
pub struct Potential {
    /// Bracket plates.
    pub plates: Vec<Binder>,
    /// What it adds to the log joint.
    pub expr: Expr,
}

/// A rule of `infer`.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    /// What it says.
    pub kind: RuleKind,
    /// Where.
    pub span: Span,
}

/// The kinds of rule.
#[derive(Debug, Clone, PartialEq)]
pub enum RuleKind {
    /// `joint a, b`
    Joint(Vec<Name>),
    /// `order a, b`
    Order(Vec<Name>),
    /// `factorise h over atom`
    Factorise(Name, Vec<Name>),
}

/// An expression and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Expr {
    /// What it is.
    pub kind: ExprKind,
    /// Where.
    pub span: Span,
}

/// The kinds of expression.
#[derive(Debug, Clone, PartialEq)]
pub enum ExprKind {
    /// A number; its text is in the source.
    Number(f64),
    /// A name with indices.
    Reference(Reference),
    /// `-e`
    Negate(Box<Expr>),
    /// `a op b`
    Binary(BinaryOperator, Box<Expr>, Box<Expr>),
    /// `f(e [over A, B])`
    Call(Name, Box<Expr>, Vec<Binder>),
    /// `( e )`, kept for the formatter
    Parenthesised(Box<Expr>),
}

/// `+ - * / ^`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BinaryOperator {
    /// `+`
    Add,
    /// `-`
    Subtract,
    /// `*`
    Multiply,
    /// `/`
    Divide,
    /// `^`
    Power,
}

/// `NAME[indices]`
#[derive(Debug, Clone, PartialEq)]
pub struct Reference {
    /// The name.
    pub name: Name,
    /// The indices, if brackets are written.
    pub indices: Vec<Index>,
    /// The whole reference.
    pub span: Span,
}

/// `ref [- k]`
#[derive(Debug, Clone, PartialEq)]
pub struct Index {
    /// The name, perhaps itself indexed.
    pub reference: Reference,
    /// `k` of `i-k`; 0 where absent.
    pub lag: u32,
    /// The whole index.
    pub span: Span,
}
