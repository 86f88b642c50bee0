//! Model expressions to polynomials in statistics.
//!
//! in: a resolved [`Expr`] -> out: a [`Polynomial`], a list of terms. Subexpressions of data and constants alone become
//! one known factor each; products rename the bound axes of one side, so that the square of a sum is a double sum.

use std::cell::Cell;
use std::collections::BTreeMap;

use crate::family::StatisticKind;
use crate::model::{
    Axis, Body, ColumnId, DefinitionId, Domain, Expr, Fold, Function, Index, Model,
};

use super::known::{Known, KnownFunction, KnownMatrix};
use super::term::{Subscript, Term};
use super::unknown::{UnknownId, Unknowns};

/// Refused: language rule 11 with unknowns in the fold.
pub const FOLD_OVER_ROWS: &str = "a fold of unknowns over the rows that refer to an element";

/// The most terms of one expression; the square of a mean has their square.
const LONGEST: usize = 256;

/// A sum of terms whose free axes are those in scope.
pub type Polynomial = Vec<Term>;

/// Why an expression has no polynomial.
#[derive(Debug, Clone, PartialEq)]
pub enum Refusal {
    /// No conjugate family exists for this form (E0501).
    NoFamily(String),
    /// It could be derived, but is not yet (E0508).
    NotDerived(String),
    /// It must be known (E0506).
    MustBeKnown(String),
}

/// Where a variable's centre comes from: for each slot of the column, the slot of the variable that carries it.
#[derive(Debug, Clone, PartialEq)]
pub struct Centre {
    /// The observed column whose mean is taken.
    pub column: ColumnId,
    /// One entry per slot of the column: the variable's slot, or `None` where the mean runs over it.
    pub slots: Vec<Option<usize>>,
}

/// Expands expressions of one model.
pub struct Expander<'a> {
    /// The model.
    pub model: &'a Model,
    /// Its unknowns.
    pub unknowns: &'a Unknowns,
    /// Which observed columns may hold blanks.
    pub blank: &'a dyn Fn(ColumnId) -> bool,
    /// Which known definitions may hold blanks.
    pub blank_definition: &'a dyn Fn(DefinitionId) -> bool,
    /// Variables expressed relative to a centre: v = v' + centre, and it is v' that statistics are about.
    pub centres: BTreeMap<UnknownId, Centre>,
    /// Auxiliaries each element of which stands for many copies: over these subscripts.
    pub copies: std::cell::RefCell<Vec<(UnknownId, Vec<Subscript>, Known)>>,
    /// The sums under functions met so far.
    pub predictors: std::cell::RefCell<Vec<super::Predictor>>,
    next_axis: Cell<u32>,
}

impl<'a> Expander<'a> {
    /// An expander whose fresh axes come after the model's.
    pub fn new(
        model: &'a Model,
        unknowns: &'a Unknowns,
        blank: &'a dyn Fn(ColumnId) -> bool,
        blank_definition: &'a dyn Fn(DefinitionId) -> bool,
    ) -> Self {
        Expander {
            model,
            unknowns,
            blank,
            blank_definition,
            centres: BTreeMap::new(),
            copies: std::cell::RefCell::default(),
            predictors: std::cell::RefCell::default(),
            next_axis: Cell::new(model.next_axis),
        }
    }

    /// An axis over `plate` that no other term has.
    pub fn fresh(&self, plate: crate::model::PlateId) -> Axis {
        let id = self.next_axis.get();
        self.next_axis.set(id + 1);
        Axis { plate, id }
    }

    /// The subscript of a resolved index.
    pub fn subscript(&self, index: &Index) -> Subscript {
        match index {
            Index::Axis(a) => Subscript::Axis(*a),
            Index::Lag(a, k) => Subscript::Lag(*a, *k),
            Index::Element(e) => Subscript::Element(*e),
            Index::Column(c, inner) => {
                let inner = self.subscripts(inner);
                match self.unknowns.column(*c) {
                    Some(u) => Subscript::Latent(u, inner),
                    None => Subscript::Column(*c, inner),
                }
            }
            Index::Variable(v, inner) => {
                Subscript::Latent(self.unknowns.variable(*v), self.subscripts(inner))
            }
        }
    }

    /// One subscript per index.
    pub fn subscripts(&self, indices: &[Index]) -> Vec<Subscript> {
        indices.iter().map(|i| self.subscript(i)).collect()
    }

    /// The expression as a known number, if no unknown's value occurs in it (its indices may be latent).
    pub fn known(&self, expr: &Expr) -> Option<Known> {
        self.known_in(expr, &[])
    }

    /// The same inside folds over these axes: a fold over the rows of a column skips its blanks, so it is known.
    fn known_in(&self, expr: &Expr, folded: &[Axis]) -> Option<Known> {
        let known = |e: &Expr| self.known_in(e, folded);
        Some(match expr {
            Expr::Number(x) => Known::number(*x),
            Expr::Definition(d, idx) => {
                let def = self.model.definition(*d);
                if !def.known || !self.definition_known(&def.body, folded) {
                    return None;
                }
                match &def.body {
                    Body::Expr(Expr::Number(x)) => Known::number(*x).or_named(*d, def.constant),
                    _ => Known::Definition(*d, self.subscripts(idx)),
                }
            }
            Expr::Column(c, idx) => {
                let own = self.model.column(*c).slots.first();
                let skipped = folded.iter().any(|a| Some(&a.plate) == own);
                if self.unknowns.column(*c).is_some() && !skipped {
                    return None;
                }
                Known::Column(*c, self.subscripts(idx))
            }
            Expr::Variable(..) => return None,
            Expr::Size(p) => Known::Size(*p),
            Expr::Negate(a) => known(a)?.negated(),
            Expr::Add(a, b) => Known::sum([known(a)?, known(b)?]),
            Expr::Subtract(a, b) => Known::sum([known(a)?, known(b)?.negated()]),
            Expr::Multiply(a, b) => Known::product([known(a)?, known(b)?]),
            Expr::Divide(a, b) => Known::product([known(a)?, known(b)?.power(-1.0)]),
            Expr::Power(a, b) => {
                let (a, b) = (known(a)?, known(b)?);
                match b.as_number() {
                    Some(p) => a.power(p),
                    None => Known::Power(Box::new(a), Box::new(b)),
                }
            }
            Expr::Call(f, a) => {
                let f = match f {
                    Function::Log => KnownFunction::Log,
                    Function::Exp => KnownFunction::Exp,
                    Function::Sqrt => KnownFunction::Sqrt,
                    Function::Abs => KnownFunction::Abs,
                };
                Known::call(f, known(a)?)
            }
            Expr::Fold {
                fold,
                axes,
                restriction,
                body,
            } => Known::Fold {
                fold: *fold,
                axes: axes.clone(),
                restriction: restriction
                    .as_ref()
                    .map(|r| (r.column, r.row, Subscript::Axis(r.element))),
                body: {
                    let all: Vec<Axis> = folded.iter().chain(axes).copied().collect();
                    let body = self.known_in(body, &all)?;
                    // A latent of each folded element makes the sum one of indicators.
                    let mut latent = false;
                    body.subscripts(&mut |s| latent |= latent_within(s, axes));
                    if latent {
                        return None;
                    }
                    Box::new(body)
                },
            },
        })
    }

    /// No blank cell that is an unknown stands in the definition.
    fn definition_known(&self, body: &Body, folded: &[Axis]) -> bool {
        if self.unknowns.columns().next().is_none() {
            return true;
        }
        match body {
            Body::Expr(e) => self.known_in(e, folded).is_some(),
            Body::Table { entries, .. } => {
                entries.iter().all(|e| self.known_in(e, folded).is_some())
            }
        }
    }

    /// The expression as a polynomial in statistics.
    ///
    /// # Errors
    /// [`Refusal`] where an unknown stands in a place that no sum of products can express, or where the sum is too long.
    pub fn expand(&self, expr: &Expr) -> Result<Polynomial, Refusal> {
        let out = self.expand_all(expr)?;
        if out.len() > LONGEST {
            return Err(Refusal::NotDerived(format!(
                "a sum of {} products: at most {LONGEST} are multiplied out",
                out.len()
            )));
        }
        Ok(out)
    }

    fn expand_all(&self, expr: &Expr) -> Result<Polynomial, Refusal> {
        if let Some(k) = self.known(expr) {
            return Ok(vec![Term::known(k)]);
        }
        match expr {
            Expr::Variable(v, idx) => {
                let u = self.unknowns.variable(*v);
                Ok(self.value(u, self.subscripts(idx)))
            }
            Expr::Column(c, idx) => match self.unknowns.column(*c) {
                Some(u) => Ok(self.value(u, self.subscripts(idx))),
                None => Ok(vec![Term::known(Known::Column(*c, self.subscripts(idx)))]),
            },
            Expr::Definition(d, idx) => self.inline(*d, idx),
            Expr::Negate(a) => Ok(scaled(-1.0, self.expand(a)?)),
            Expr::Add(a, b) => Ok(merge_known([self.expand(a)?, self.expand(b)?].concat())),
            Expr::Subtract(a, b) => Ok(merge_known(
                [self.expand(a)?, scaled(-1.0, self.expand(b)?)].concat(),
            )),
            Expr::Multiply(a, b) => Ok(self.multiply(&self.expand(a)?, &self.expand(b)?)),
            Expr::Divide(a, b) => match self.known(b) {
                Some(k) => Ok(self.multiply(&self.expand(a)?, &[Term::known(k.power(-1.0))])),
                None => Err(Refusal::NoFamily(
                    "a mean divides by an unknown: only products of unknowns have expected statistics"
                        .into(),
                )),
            },
            Expr::Power(a, b) => match self.known(b).and_then(|k| k.as_number()) {
                Some(p) if p.fract() == 0.0 && (1.0..=4.0).contains(&p) => {
                    let base = self.expand(a)?;
                    let mut out = base.clone();
                    for _ in 1..p as usize {
                        out = self.multiply(&out, &base);
                        if out.len() > LONGEST {
                            break;
                        }
                    }
                    Ok(out)
                }
                _ => Err(Refusal::NoFamily(
                    "an unknown under a power that is not 1, 2, 3 or 4".into(),
                )),
            },
            Expr::Call(f, _) => Err(Refusal::NoFamily(format!(
                "`{}` of an unknown is no sum of products of statistics",
                match f {
                    Function::Log => "log",
                    Function::Exp => "exp",
                    Function::Sqrt => "sqrt",
                    Function::Abs => "abs",
                }
            ))),
            Expr::Fold {
                fold,
                axes,
                restriction,
                body,
            } => {
                if restriction.is_some() {
                    return Err(Refusal::NotDerived(FOLD_OVER_ROWS.into()));
                }
                let inner = self.expand(body)?;
                let mut out: Polynomial = inner
                    .into_iter()
                    .map(|mut t| {
                        t.axes.extend(axes);
                        t
                    })
                    .collect();
                match fold {
                    Fold::Sum => {}
                    Fold::Mean => {
                        if axes
                            .iter()
                            .any(|a| self.model.table_of(a.plate).is_some_and(|t| {
                                self.model.table(t).weight.is_some()
                            }))
                        {
                            return Err(Refusal::NotDerived(
                                "a mean of unknowns over the rows of a weighted table".into(),
                            ));
                        }
                        for t in &mut out {
                            for a in axes {
                                t.data.push(Known::Size(a.plate).power(-1.0));
                            }
                        }
                    }
                    Fold::Sd => {
                        return Err(Refusal::MustBeKnown("`sd` of an unknown".into()));
                    }
                }
                Ok(out)
            }
            Expr::Number(_) | Expr::Size(_) => Ok(vec![]),
        }
    }

    /// The value statistic of an unknown, plus its centre where it has one.
    pub fn value(&self, u: UnknownId, index: Vec<Subscript>) -> Polynomial {
        let mut out = vec![];
        if let Some(c) = self.centres.get(&u) {
            let slots = c
                .slots
                .iter()
                .map(|s| s.and_then(|s| index.get(s).cloned()))
                .collect();
            out.push(Term::known(Known::Centre(c.column, slots)));
        }
        match self.unknowns.get(u).domain {
            Domain::Binary => {
                let mut index = index;
                index.push(Subscript::Element(1));
                out.push(Term::statistic(u, StatisticKind::Indicator, index));
            }
            _ => out.push(Term::statistic(u, StatisticKind::Value, index)),
        }
        out
    }

    /// A definition with unknowns in it, resolved where it stands.
    fn inline(&self, d: DefinitionId, idx: &[Index]) -> Result<Polynomial, Refusal> {
        let def = self.model.definition(d);
        let map: Vec<(Axis, Subscript)> =
            def.axes.iter().copied().zip(self.subscripts(idx)).collect();
        let place = |p: Polynomial| -> Polynomial {
            p.iter().map(|t| self.freshen(t).substitute(&map)).collect()
        };
        match &def.body {
            Body::Expr(e) => Ok(place(self.expand(e)?)),
            Body::Table { shape, entries } => {
                let last = &map[map.len() - shape.len()..];
                let mut out = vec![];
                for (i, entry) in entries.iter().enumerate() {
                    let mut rest = i;
                    let mut masks = vec![];
                    for (size, (_, s)) in shape.iter().zip(last).rev() {
                        masks.push(Known::IsElement(s.clone(), (rest % size) as u32));
                        rest /= size;
                    }
                    for mut t in place(self.expand(entry)?) {
                        t.data.extend(masks.iter().cloned());
                        out.push(t);
                    }
                }
                Ok(out)
            }
        }
    }

    /// The term with its own axes renamed fresh.
    pub fn freshen(&self, t: &Term) -> Term {
        let map: Vec<(Axis, Subscript)> = t
            .axes
            .iter()
            .map(|a| (*a, Subscript::Axis(self.fresh(a.plate))))
            .collect();
        if map.is_empty() {
            t.clone()
        } else {
            t.substitute(&map)
        }
    }

    /// The product of two polynomials.
    pub fn multiply(&self, a: &[Term], b: &[Term]) -> Polynomial {
        let mut out = Vec::with_capacity(a.len() * b.len());
        for s in a {
            for t in b {
                let t = self.freshen(t);
                let mut u = s.clone();
                u.coef *= t.coef;
                u.data.extend(t.data);
                u.stats.extend(t.stats);
                u.axes.extend(t.axes);
                out.push(u);
            }
        }
        out
    }
}

impl Known {
    /// A constant is shown by its name where it has one.
    fn or_named(self, d: DefinitionId, constant: bool) -> Known {
        if constant {
            Known::Definition(d, vec![])
        } else {
            self
        }
    }
}

/// The polynomial times a number.
pub fn scaled(c: f64, mut p: Polynomial) -> Polynomial {
    for t in &mut p {
        t.coef *= c;
    }
    p
}

/// Adds axes that every term is summed over.
pub fn summed(p: Polynomial, axes: &[Axis]) -> Polynomial {
    p.into_iter()
        .map(|mut t| {
            t.axes.extend(axes);
            t
        })
        .collect()
}

/// Joins the terms without unknowns and without own axes into one known factor, so that `x - c` is one number before it
/// is squared (data far from 0 would cancel otherwise).
pub fn merge_known(p: Polynomial) -> Polynomial {
    let (known, mut rest): (Vec<Term>, Vec<Term>) = p
        .into_iter()
        .partition(|t| t.stats.is_empty() && t.axes.is_empty());
    if known.is_empty() {
        return rest;
    }
    // A centre that is added and taken away again leaves nothing.
    let mut parts: Vec<Term> = vec![];
    for t in known {
        match parts.iter_mut().find(|p| p.data == t.data) {
            Some(p) => p.coef += t.coef,
            None => parts.push(t),
        }
    }
    parts.retain(|p| p.coef != 0.0);
    let known = parts;
    let sum = Known::sum(
        known
            .into_iter()
            .map(|t| Known::product(std::iter::once(Known::number(t.coef)).chain(t.data))),
    );
    if sum.as_number() != Some(0.0) {
        rest.insert(
            0,
            match sum {
                Known::Number(n) => Term::number(n.0),
                k @ Known::Add(_) => Term {
                    data: vec![k],
                    ..Term::number(1.0)
                },
                k => Term::known(k),
            },
        );
    }
    rest
}

/// The subscript is the element of a latent that one of these axes picks.
fn latent_within(s: &Subscript, axes: &[Axis]) -> bool {
    match s {
        Subscript::Latent(_, inner) => {
            inner.iter().any(|i| axes.iter().any(|a| i.has_axis(*a)))
                || inner.iter().any(|i| latent_within(i, axes))
        }
        Subscript::Column(_, inner) => inner.iter().any(|i| latent_within(i, axes)),
        Subscript::Axis(_) | Subscript::Lag(..) | Subscript::Element(_) => false,
    }
}

/// A sum, a product or a diagonal inside the expression runs over elements each of which picks a latent of its own: with the
/// latents unknown it is no product of indicators.
pub fn folds_latents(k: &Known) -> bool {
    let within = |k: &Known, axes: &[Axis]| {
        let mut found = false;
        k.subscripts(&mut |s| found |= latent_within(s, axes));
        found
    };
    match k {
        Known::Add(parts) | Known::Multiply(parts) => parts.iter().any(folds_latents),
        Known::Between(parts) => parts.iter().any(folds_latents),
        Known::Power(a, b) => folds_latents(a) || folds_latents(b),
        Known::Call(_, a) | Known::MultivariateLnGamma(a, _) => folds_latents(a),
        Known::Fold { axes, body, .. } => within(body, axes) || folds_latents(body),
        Known::Entry(m, ..) | Known::LogDet(m, _) => diagonal_of_latents(m),
        _ => false,
    }
}

fn diagonal_of_latents(m: &KnownMatrix) -> bool {
    match m {
        KnownMatrix::Identity | KnownMatrix::Definition(..) => false,
        KnownMatrix::Diagonal(axis, k) => {
            let mut found = false;
            k.subscripts(&mut |s| found |= latent_within(s, &[*axis]));
            found || folds_latents(k)
        }
        KnownMatrix::Scaled(k, m) => folds_latents(k) || diagonal_of_latents(m),
        KnownMatrix::Sum(a, b) => diagonal_of_latents(a) || diagonal_of_latents(b),
        KnownMatrix::Inverse(m) => diagonal_of_latents(m),
    }
}
