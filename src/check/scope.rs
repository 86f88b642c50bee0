//! Bound elements: the levels of a statement and its folds (language rule 4).
//!
//! in: binders `[i in P, Q]`, `over A` -> out: a [`Scope`], innermost level last.

use super::{Checker, errors};
use crate::model::{Axis, PlateId};
use crate::source::Span;
use crate::syntax::ast;

/// What bound an element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BoundBy {
    /// The brackets of the statement.
    Bracket,
    /// `over` of a distribution or definition.
    Over,
    /// `sum`, `mean`, `sd`.
    Fold,
}

/// A bound element.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Bound {
    /// What it is called: its own name, else its plate's.
    pub name: String,
    /// The element.
    pub axis: Axis,
    /// Where it is bound.
    pub span: Span,
    /// By what.
    pub by: BoundBy,
}

/// The elements bound at each level, and the lags that expressions in it used.
#[derive(Debug, Clone, Default)]
pub(super) struct Scope {
    /// Outermost first.
    pub levels: Vec<Vec<Bound>>,
    /// `i-k` as they were met: axis, k, place.
    pub lags: Vec<(Axis, u32, Span)>,
}

/// The result of looking a bound element up.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Lookup {
    /// This one.
    One(Bound),
    /// None.
    None,
    /// Several at the same level.
    Several(Vec<Bound>),
}

impl Scope {
    /// A scope whose only level binds these.
    pub(super) fn of(level: Vec<Bound>) -> Self {
        Scope {
            levels: vec![level],
            lags: Vec::new(),
        }
    }

    /// The innermost element that is called so (rule 5).
    pub(super) fn named(&self, name: &str) -> Lookup {
        self.innermost(|b| b.name == name)
    }

    /// The element bound at the innermost level that binds this plate (rule 7).
    pub(super) fn of_plate(&self, plate: PlateId) -> Lookup {
        self.innermost(|b| b.axis.plate == plate)
    }

    fn innermost(&self, wanted: impl Fn(&Bound) -> bool) -> Lookup {
        for level in self.levels.iter().rev() {
            let found: Vec<Bound> = level.iter().filter(|b| wanted(b)).cloned().collect();
            match found.len() {
                0 => {}
                1 => return found.into_iter().next().map_or(Lookup::None, Lookup::One),
                _ => return Lookup::Several(found),
            }
        }
        Lookup::None
    }

    /// Whether any level binds this plate.
    pub(super) fn binds(&self, plate: PlateId) -> bool {
        self.levels.iter().flatten().any(|b| b.axis.plate == plate)
    }

    /// The names of all bound elements.
    pub(super) fn names(&self) -> Vec<String> {
        let all = self.levels.iter().flatten();
        all.map(|b| b.name.clone()).collect()
    }
}

impl Checker<'_> {
    /// Binds elements with fresh axes. Reports unknown plates and names that are taken; then there is no level.
    pub(super) fn bind(&mut self, binders: &[ast::Binder], by: BoundBy) -> Option<Vec<Bound>> {
        let mut level: Vec<Bound> = Vec::new();
        let mut complete = true;
        for binder in binders {
            let Some(plate) = self.plate(&binder.plate) else {
                complete = false;
                continue;
            };
            let name = binder.name.as_ref().unwrap_or(&binder.plate);
            if let Some(own) = &binder.name {
                complete &= self.check_new_name(own, &level);
            }
            let axis = self.model.fresh_axis(plate);
            level.push(Bound {
                name: name.text.clone(),
                axis,
                span: name.span,
                by,
            });
        }
        complete.then_some(level)
    }

    /// An element's own name is a new one.
    fn check_new_name(&mut self, own: &ast::Name, level: &[Bound]) -> bool {
        let taken = self
            .symbols
            .get(&own.text)
            .map(|(_, span)| *span)
            .or_else(|| {
                let plate = self.plate_names.get(&own.text);
                plate.map(|p| self.model.plate(*p).span)
            })
            .or_else(|| level.iter().find(|b| b.name == own.text).map(|b| b.span));
        if let Some(span) = taken {
            self.report(errors::declared_twice(own, span, "element"));
        }
        taken.is_none()
    }
}
