//! Known expressions: numbers that data and constants alone decide, as functions of bound axes.
//!
//! A term's data are a product of these. They stay symbolic until data are bound; then the engine evaluates each over its
//! free axes. Equality is structural, which is what makes canonical terms comparable.

use crate::model::{Axis, ColumnId, DefinitionId, Fold, PlateId};
use crate::numeric::link::Link;

use super::Subscript;

/// A float with a total order, so that known expressions can be compared and sorted.
#[derive(Debug, Clone, Copy)]
pub struct Number(pub f64);

impl PartialEq for Number {
    fn eq(&self, other: &Self) -> bool {
        self.0.total_cmp(&other.0).is_eq()
    }
}
impl Eq for Number {}
impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Number {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.total_cmp(&other.0)
    }
}

/// A function of one known number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum KnownFunction {
    /// Natural logarithm; log 0 is the floor `LOG_ZERO`.
    Log,
    /// log(1 - x), with the same floor.
    Log1m,
    /// e to the power.
    Exp,
    /// Square root.
    Sqrt,
    /// Absolute value.
    Abs,
    /// log Gamma(x)
    LnGamma,
    /// Another function of a predictor that turned out to be known.
    Of(Link),
}

/// A number known once data are bound.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Known {
    /// A literal.
    Number(Number),
    /// A cell.
    Column(ColumnId, Vec<Subscript>),
    /// 1 where the cell is not blank, else 0.
    Present(ColumnId, Vec<Subscript>),
    /// A `const` or known `let`.
    Definition(DefinitionId, Vec<Subscript>),
    /// 1 where the value of a known `let` is not blank, else 0.
    PresentDefinition(DefinitionId, Vec<Subscript>),
    /// Number of elements.
    Size(PlateId),
    /// 1 where `axis - k` exists, else 0.
    HasLag(Axis, u32),
    /// 1 where the subscript is this element, else 0.
    IsElement(Subscript, u32),
    /// 1 where the first element is the second or stands before it in their plate, else 0.
    Ordered(Subscript, Subscript),
    /// 1 where low <= x <= high, else 0.
    Between(Box<[Known; 3]>),
    /// Sum.
    Add(Vec<Known>),
    /// Product.
    Multiply(Vec<Known>),
    /// Base and exponent.
    Power(Box<Known>, Box<Known>),
    /// A function.
    Call(KnownFunction, Box<Known>),
    /// log of the multivariate Gamma function of dimension `size(plate)`.
    MultivariateLnGamma(Box<Known>, PlateId),
    /// A fold over axes; with a restriction to the rows at which a column holds an outer element.
    Fold {
        /// Which.
        fold: Fold,
        /// Bound axes.
        axes: Vec<Axis>,
        /// (column, row axis, element): only rows with `column[row] = element`.
        restriction: Option<(ColumnId, Axis, Subscript)>,
        /// Folded.
        body: Box<Known>,
    },
    /// An entry of a known matrix.
    Entry(KnownMatrix, Subscript, Subscript),
    /// log determinant of a known matrix over this plate.
    LogDet(KnownMatrix, PlateId),
    /// The mean of a column over its rows, blanks left out: the centre that `recentre` subtracts.
    Centre(ColumnId, Vec<Option<Subscript>>),
}

/// A known matrix over one plate twice.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum KnownMatrix {
    /// 1 on the diagonal.
    Identity,
    /// The expression, a function of the axis, on the diagonal.
    Diagonal(Axis, Box<Known>),
    /// A known table: all subscripts but the last two.
    Definition(DefinitionId, Vec<Subscript>),
    /// number * matrix
    Scaled(Box<Known>, Box<KnownMatrix>),
    /// matrix + matrix
    Sum(Box<KnownMatrix>, Box<KnownMatrix>),
    /// Inverse.
    Inverse(Box<KnownMatrix>),
}

impl Known {
    /// A literal.
    pub fn number(x: f64) -> Known {
        Known::Number(Number(x))
    }

    /// The literal's value, if it is one.
    pub fn as_number(&self) -> Option<f64> {
        match self {
            Known::Number(n) => Some(n.0),
            _ => None,
        }
    }

    /// A sum, with literals folded and nested sums flattened.
    pub fn sum(parts: impl IntoIterator<Item = Known>) -> Known {
        let mut total = 0.0;
        let mut rest = Vec::new();
        for part in parts {
            match part {
                Known::Number(n) => total += n.0,
                Known::Add(inner) => {
                    for p in inner {
                        match p {
                            Known::Number(n) => total += n.0,
                            other => rest.push(other),
                        }
                    }
                }
                other => rest.push(other),
            }
        }
        if total != 0.0 || rest.is_empty() {
            rest.push(Known::number(total));
        }
        match <[Known; 1]>::try_from(rest) {
            Ok([one]) => one,
            Err(rest) => Known::Add(rest),
        }
    }

    /// A product, with literals folded and nested products flattened.
    pub fn product(parts: impl IntoIterator<Item = Known>) -> Known {
        let mut total = 1.0;
        let mut rest = Vec::new();
        for part in parts {
            match part {
                Known::Number(n) => total *= n.0,
                Known::Multiply(inner) => {
                    for p in inner {
                        match p {
                            Known::Number(n) => total *= n.0,
                            other => rest.push(other),
                        }
                    }
                }
                other => rest.push(other),
            }
        }
        if total == 0.0 {
            return Known::number(0.0);
        }
        if total != 1.0 || rest.is_empty() {
            rest.insert(0, Known::number(total));
        }
        match <[Known; 1]>::try_from(rest) {
            Ok([one]) => one,
            Err(rest) => Known::Multiply(rest),
        }
    }

    /// -x
    pub fn negated(self) -> Known {
        Known::product([Known::number(-1.0), self])
    }

    /// x^p, with literals folded.
    pub fn power(self, p: f64) -> Known {
        if p == 1.0 {
            return self;
        }
        match self {
            Known::Number(n) => Known::number(n.0.powf(p)),
            Known::Power(base, e) if e.as_number().is_some_and(|e| e == -1.0 && p == -1.0) => *base,
            other => Known::Power(Box::new(other), Box::new(Known::number(p))),
        }
    }

    /// f(x), with literals folded where that is exact enough.
    pub fn call(f: KnownFunction, x: Known) -> Known {
        match (f, x.as_number()) {
            (KnownFunction::Log, Some(v)) if v > 0.0 => Known::number(v.ln()),
            (KnownFunction::Log1m, Some(v)) if v < 1.0 => Known::number((-v).ln_1p()),
            (KnownFunction::Exp, Some(v)) => Known::number(v.exp()),
            (KnownFunction::Sqrt, Some(v)) if v >= 0.0 => Known::number(v.sqrt()),
            (KnownFunction::Abs, Some(v)) => Known::number(v.abs()),
            _ => Known::Call(f, Box::new(x)),
        }
    }

    /// Visits every subscript, those inside subscripts excluded.
    pub fn subscripts<'a>(&'a self, visit: &mut dyn FnMut(&'a Subscript)) {
        match self {
            Known::Number(_) | Known::Size(_) | Known::HasLag(..) => {}
            Known::Column(_, s)
            | Known::Present(_, s)
            | Known::Definition(_, s)
            | Known::PresentDefinition(_, s) => s.iter().for_each(visit),
            Known::Centre(_, s) => s.iter().flatten().for_each(visit),
            Known::IsElement(s, _) => visit(s),
            Known::Ordered(a, b) => {
                visit(a);
                visit(b);
            }
            Known::Between(parts) => parts.iter().for_each(|k| k.subscripts(visit)),
            Known::Add(parts) | Known::Multiply(parts) => {
                parts.iter().for_each(|k| k.subscripts(visit));
            }
            Known::Power(a, b) => {
                a.subscripts(visit);
                b.subscripts(visit);
            }
            Known::Call(_, a) | Known::MultivariateLnGamma(a, _) => a.subscripts(visit),
            Known::Fold {
                restriction, body, ..
            } => {
                if let Some((_, _, e)) = restriction {
                    visit(e);
                }
                body.subscripts(visit);
            }
            Known::Entry(m, a, b) => {
                m.subscripts(visit);
                visit(a);
                visit(b);
            }
            Known::LogDet(m, _) => m.subscripts(visit),
        }
    }

    /// The free axes in order of first appearance.
    pub fn axes(&self) -> Vec<Axis> {
        let mut out = Vec::new();
        self.collect_axes(&mut out);
        out
    }

    /// Adds the free axes that `out` does not hold yet.
    pub fn collect_axes(&self, out: &mut Vec<Axis>) {
        let mut bound = Vec::new();
        self.free_axes(&mut bound, out);
    }

    fn free_axes(&self, bound: &mut Vec<Axis>, out: &mut Vec<Axis>) {
        let add = |s: &Subscript, bound: &Vec<Axis>, out: &mut Vec<Axis>| {
            s.visit_axes(&mut |a| {
                if !bound.contains(&a) && !out.contains(&a) {
                    out.push(a);
                }
            });
        };
        match self {
            Known::Number(_) | Known::Size(_) => {}
            Known::HasLag(a, _) => add(&Subscript::Axis(*a), bound, out),
            Known::Column(_, s)
            | Known::Present(_, s)
            | Known::Definition(_, s)
            | Known::PresentDefinition(_, s) => s.iter().for_each(|i| add(i, bound, out)),
            Known::Centre(_, s) => s.iter().flatten().for_each(|i| add(i, bound, out)),
            Known::IsElement(s, _) => add(s, bound, out),
            Known::Ordered(a, b) => {
                add(a, bound, out);
                add(b, bound, out);
            }
            Known::Between(parts) => parts.iter().for_each(|k| k.free_axes(bound, out)),
            Known::Add(parts) | Known::Multiply(parts) => {
                parts.iter().for_each(|k| k.free_axes(bound, out));
            }
            Known::Power(a, b) => {
                a.free_axes(bound, out);
                b.free_axes(bound, out);
            }
            Known::Call(_, a) | Known::MultivariateLnGamma(a, _) => a.free_axes(bound, out),
            Known::Fold {
                axes,
                restriction,
                body,
                ..
            } => {
                if let Some((_, _, e)) = restriction {
                    add(e, bound, out);
                }
                let n = bound.len();
                bound.extend(axes);
                body.free_axes(bound, out);
                bound.truncate(n);
            }
            Known::Entry(m, a, b) => {
                m.free_axes(bound, out);
                add(a, bound, out);
                add(b, bound, out);
            }
            Known::LogDet(m, _) => m.free_axes(bound, out),
        }
    }

    /// The same with every subscript mapped. Bound axes of folds are left alone: they are unique in the model.
    #[must_use]
    pub fn map(&self, f: &dyn Fn(&Subscript) -> Subscript) -> Known {
        let all = |s: &[Subscript]| s.iter().map(f).collect();
        match self {
            Known::Number(_) | Known::Size(_) => self.clone(),
            Known::HasLag(a, k) => match f(&Subscript::Axis(*a)) {
                Subscript::Axis(b) => Known::HasLag(b, *k),
                _ => self.clone(),
            },
            Known::Column(c, s) => Known::Column(*c, all(s)),
            Known::Present(c, s) => Known::Present(*c, all(s)),
            Known::Definition(d, s) => Known::Definition(*d, all(s)),
            Known::PresentDefinition(d, s) => Known::PresentDefinition(*d, all(s)),
            Known::Centre(c, s) => Known::Centre(*c, s.iter().map(|o| o.as_ref().map(f)).collect()),
            Known::IsElement(s, e) => Known::IsElement(f(s), *e),
            Known::Ordered(a, b) => Known::Ordered(f(a), f(b)),
            Known::Between(p) => Known::Between(Box::new([p[0].map(f), p[1].map(f), p[2].map(f)])),
            Known::Add(p) => Known::Add(p.iter().map(|k| k.map(f)).collect()),
            Known::Multiply(p) => Known::Multiply(p.iter().map(|k| k.map(f)).collect()),
            Known::Power(a, b) => Known::Power(Box::new(a.map(f)), Box::new(b.map(f))),
            Known::Call(g, a) => Known::Call(*g, Box::new(a.map(f))),
            Known::MultivariateLnGamma(a, p) => Known::MultivariateLnGamma(Box::new(a.map(f)), *p),
            Known::Fold {
                fold,
                axes,
                restriction,
                body,
            } => Known::Fold {
                fold: *fold,
                axes: axes.clone(),
                restriction: restriction.as_ref().map(|(c, a, e)| (*c, *a, f(e))),
                body: Box::new(body.map(f)),
            },
            Known::Entry(m, a, b) => Known::Entry(m.map(f), f(a), f(b)),
            Known::LogDet(m, p) => Known::LogDet(m.map(f), *p),
        }
    }
}

impl KnownMatrix {
    fn subscripts<'a>(&'a self, visit: &mut dyn FnMut(&'a Subscript)) {
        match self {
            KnownMatrix::Identity => {}
            KnownMatrix::Diagonal(_, k) => k.subscripts(visit),
            KnownMatrix::Definition(_, s) => s.iter().for_each(visit),
            KnownMatrix::Scaled(k, m) => {
                k.subscripts(visit);
                m.subscripts(visit);
            }
            KnownMatrix::Sum(a, b) => {
                a.subscripts(visit);
                b.subscripts(visit);
            }
            KnownMatrix::Inverse(m) => m.subscripts(visit),
        }
    }

    fn free_axes(&self, bound: &mut Vec<Axis>, out: &mut Vec<Axis>) {
        match self {
            KnownMatrix::Identity => {}
            KnownMatrix::Diagonal(a, k) => {
                bound.push(*a);
                k.free_axes(bound, out);
                bound.pop();
            }
            KnownMatrix::Definition(_, s) => s.iter().for_each(|i| {
                i.visit_axes(&mut |a| {
                    if !bound.contains(&a) && !out.contains(&a) {
                        out.push(a);
                    }
                });
            }),
            KnownMatrix::Scaled(k, m) => {
                k.free_axes(bound, out);
                m.free_axes(bound, out);
            }
            KnownMatrix::Sum(a, b) => {
                a.free_axes(bound, out);
                b.free_axes(bound, out);
            }
            KnownMatrix::Inverse(m) => m.free_axes(bound, out),
        }
    }

    /// The free axes.
    pub fn axes(&self) -> Vec<Axis> {
        let mut out = Vec::new();
        self.free_axes(&mut Vec::new(), &mut out);
        out
    }

    fn map(&self, f: &dyn Fn(&Subscript) -> Subscript) -> KnownMatrix {
        match self {
            KnownMatrix::Identity => KnownMatrix::Identity,
            KnownMatrix::Diagonal(a, k) => KnownMatrix::Diagonal(*a, Box::new(k.map(f))),
            KnownMatrix::Definition(d, s) => KnownMatrix::Definition(*d, s.iter().map(f).collect()),
            KnownMatrix::Scaled(k, m) => {
                KnownMatrix::Scaled(Box::new(k.map(f)), Box::new(m.map(f)))
            }
            KnownMatrix::Sum(a, b) => KnownMatrix::Sum(Box::new(a.map(f)), Box::new(b.map(f))),
            KnownMatrix::Inverse(m) => KnownMatrix::Inverse(Box::new(m.map(f))),
        }
    }

    /// The inverse; two inverses cancel.
    #[must_use]
    pub fn inverse(self) -> KnownMatrix {
        match self {
            KnownMatrix::Identity => KnownMatrix::Identity,
            KnownMatrix::Inverse(m) => *m,
            other => KnownMatrix::Inverse(Box::new(other)),
        }
    }
}
