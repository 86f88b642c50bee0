//! Definitions and plate sizes: sorted by use, then read (language: `const`, `let`, `plate NAME(expr)`, tables).
//!
//! in: `const`, `let` and counted `plate` statements -> out: [`Definition`]s, each using earlier ones only; sizes.

use std::collections::{BTreeMap, BTreeSet};

use super::names::{Symbol, Value};
use super::order::sort_by_use;
use super::scope::{BoundBy, Scope};
use super::{Checker, errors};
use crate::diag::nearest;
use crate::model::{Axis, Body, Definition, DefinitionId, Expr, PlateKind};
use crate::source::Span;
use crate::syntax::ast::{self, ExprKind, PlateElements, StatementKind};

impl Checker<'_> {
    /// Sorts definitions by use and enters their names and slots.
    pub(super) fn declare_definitions(&mut self) {
        self.sort_definitions();
        for i in self.definition_order.clone() {
            let statement = &self.file.statements[i];
            let StatementKind::Definition(d) = &statement.kind else {
                continue;
            };
            let binders: Vec<ast::Binder> = d.plates.iter().chain(&d.over).cloned().collect();
            let known: Vec<_> = binders.iter().map(|b| self.plate(&b.plate)).collect();
            let Some(plates) = known.into_iter().collect::<Option<Vec<_>>>() else {
                self.broken(&d.name);
                continue;
            };
            let axes: Vec<Axis> = plates
                .into_iter()
                .map(|plate| self.model.fresh_axis(plate))
                .collect();
            let id = DefinitionId::from(self.model.definitions.len());
            self.model.definitions.push(Definition {
                name: d.name.text.clone(),
                constant: d.constant,
                known: true,
                axes,
                brackets: d.plates.len(),
                body: Body::Expr(Expr::Number(0.0)),
                span: statement.span,
            });
            self.definition_of.insert(i, id);
            self.declare_value(&d.name, Symbol::Definition(id), None);
        }
    }

    /// Which definitions and counted plates use which; circles are reported and their names made broken.
    fn sort_definitions(&mut self) {
        let file = self.file;
        let mut nodes: Vec<(usize, &ast::Name, Vec<&str>)> = Vec::new();
        for (i, statement) in file.statements.iter().enumerate() {
            let mut used = Vec::new();
            match &statement.kind {
                StatementKind::Definition(d) => {
                    let binders = d.plates.iter().chain(&d.over);
                    used.extend(binders.map(|b| b.plate.text.as_str()));
                    names_in_body(&d.body, &mut used);
                    nodes.push((i, &d.name, used));
                }
                StatementKind::Plate(p) => {
                    if let PlateElements::Count(e) = &p.elements {
                        names_in(e, &mut used);
                        nodes.push((i, &p.name, used));
                    }
                }
                _ => {}
            }
        }
        let mut by_name: BTreeMap<&str, usize> = BTreeMap::new();
        for (n, (_, name, _)) in nodes.iter().enumerate() {
            by_name.entry(&name.text).or_insert(n);
        }
        let uses: Vec<BTreeSet<usize>> = nodes
            .iter()
            .map(|(_, _, used)| {
                used.iter()
                    .filter_map(|u| by_name.get(u))
                    .copied()
                    .collect()
            })
            .collect();
        let sorted = sort_by_use(&uses);
        self.definition_order = sorted.order.iter().map(|n| nodes[*n].0).collect();
        for circle in &sorted.circles {
            let names: Vec<&ast::Name> = circle.iter().map(|n| nodes[*n].1).collect();
            self.report(errors::circle(&names));
        }
        let reached: BTreeSet<usize> = sorted.order.into_iter().collect();
        for (n, (i, name, _)) in nodes.iter().enumerate() {
            let definition = matches!(file.statements[*i].kind, StatementKind::Definition(_));
            if definition && !reached.contains(&n) {
                self.broken(name);
            }
        }
    }

    /// Reads the bodies of definitions and the sizes of plates.
    pub(super) fn check_definitions(&mut self) {
        self.check_set();
        self.constants.reserve(self.model.definitions.len());
        for i in self.definition_order.clone() {
            match &self.file.statements[i].kind {
                StatementKind::Definition(d) => {
                    if let Some(&id) = self.definition_of.get(&i) {
                        self.definition(id, d);
                    }
                }
                StatementKind::Plate(p) => {
                    if let PlateElements::Count(e) = &p.elements {
                        self.counted(&p.name, e);
                    }
                }
                _ => {}
            }
        }
    }

    /// `--set` names a number constant.
    fn check_set(&mut self) {
        for (name, _) in self.options.set.clone() {
            let consts = self.file.statements.iter().filter_map(|s| match &s.kind {
                StatementKind::Definition(d) if d.constant => Some(d),
                _ => None,
            });
            let consts: Vec<&ast::Definition> = consts.collect();
            let found = consts.iter().find(|d| d.name.text == name);
            let number = |d: &ast::Definition| {
                d.plates.is_empty() && d.over.is_none() && matches!(d.body, ast::Body::Expr(_))
            };
            let numbers = consts
                .iter()
                .filter(|d| number(d))
                .map(|d| d.name.text.as_str());
            if !found.is_some_and(|d| number(d)) {
                let near = nearest(&name, numbers).map(str::to_string);
                let error = errors::set_of_no_constant(&name, found.is_some(), near.as_deref());
                self.report(error);
            }
        }
    }

    fn definition(&mut self, id: DefinitionId, d: &ast::Definition) {
        let binders: Vec<ast::Binder> = d.plates.iter().chain(&d.over).cloned().collect();
        let Some(mut level) = self.bind(&binders, BoundBy::Bracket) else {
            return self.broken_definition(d);
        };
        // The axes were made with the header; binding again gives names only.
        let axes = self.model.definition(id).axes.clone();
        for (n, (bound, axis)) in level.iter_mut().zip(&axes).enumerate() {
            bound.axis = *axis;
            if n >= d.plates.len() {
                bound.by = BoundBy::Over;
            }
        }
        let set = self
            .options
            .set
            .iter()
            .rev()
            .find(|(n, _)| *n == d.name.text);
        let set = set.filter(|_| d.constant).map(|(_, v)| *v);
        let mut lags = Vec::new();
        let body = match (&d.body, set) {
            (ast::Body::Expr(_), Some(value)) => Some(Body::Expr(Expr::Number(value))),
            (ast::Body::Expr(e), None) => {
                let mut scope = Scope::of(level);
                let e = self.number(e, &mut scope);
                lags = scope.lags;
                e.map(Body::Expr)
            }
            (ast::Body::Table(t), _) => {
                let depth = depth(t);
                if depth > axes.len() {
                    let plates = axes.iter().map(|a| self.plate_name(a.plate).to_string());
                    let plates: Vec<String> = plates.collect();
                    self.report(errors::table_too_deep(t.span, &d.name.text, depth, &plates));
                    return self.broken_definition(d);
                }
                level.truncate(axes.len() - depth);
                let mut scope = Scope::of(level);
                let body = self.table(t, &axes[axes.len() - depth..], &mut scope);
                lags = scope.lags;
                body
            }
        };
        if let Some((_, _, span)) = lags.first() {
            self.report(errors::lag_without_first(*span, None));
        }
        self.uses.close(Value::Definition(id));
        let Some(body) = body else {
            return self.broken_definition(d);
        };
        let known = match &body {
            Body::Expr(e) => self.is_known(e),
            Body::Table { entries, .. } => entries.iter().all(|e| self.is_known(e)),
        };
        let constant = match &body {
            Body::Expr(e) => self.is_constant(e),
            Body::Table { entries, .. } => entries.iter().all(|e| self.is_constant(e)),
        };
        if d.constant && !constant {
            self.report(errors::const_of_data(&d.name, body_span(&d.body)));
        }
        let definition = &mut self.model.definitions[id.index()];
        definition.known = known;
        definition.body = body;
        self.constants.set_constant(id, constant);
        if constant {
            let size = |p| self.plate_size(p);
            let values = self.constants.table(self.model.definition(id), &size);
            self.constants.set_values(id, values);
        }
    }

    fn broken_definition(&mut self, d: &ast::Definition) {
        if let Some((symbol, _)) = self.symbols.get_mut(&d.name.text) {
            *symbol = Symbol::Broken;
        }
    }

    /// A table literal over these axes: rectangular, of their sizes.
    fn table(&mut self, t: &ast::TableBody, axes: &[Axis], scope: &mut Scope) -> Option<Body> {
        let mut shape = vec![None; axes.len()];
        let mut leaves = Vec::new();
        let mut error = None;
        flatten(t, 0, &mut shape, &mut leaves, &mut |span, why| {
            error.get_or_insert((span, why));
        });
        let shape: Vec<usize> = shape.into_iter().map(|n| n.unwrap_or(0)).collect();
        if let Some((span, why)) = error {
            self.report(errors::table_not_rectangular(span, &why));
            return None;
        }
        let mut fits = true;
        for (n, axis) in shape.iter().zip(axes) {
            if let Some(size) = self.plate_size(axis.plate).filter(|size| size != n) {
                let plate = self.model.plate(axis.plate);
                let (name, span) = (plate.name.clone(), plate.span);
                self.report(errors::table_does_not_fit(t.span, *n, size, &name, span));
                fits = false;
            }
        }
        let entries: Vec<Option<Expr>> = leaves.iter().map(|e| self.number(e, scope)).collect();
        let entries = entries.into_iter().collect::<Option<Vec<Expr>>>()?;
        fits.then_some(Body::Table { shape, entries })
    }

    /// The size of a counted plate.
    fn counted(&mut self, name: &ast::Name, e: &ast::Expr) {
        let found = self.number(e, &mut Scope::default());
        self.uses.close_unowned();
        let (Some(expr), Some(&plate)) = (found, self.plate_names.get(&name.text)) else {
            return;
        };
        if !self.is_constant(&expr) {
            let names = self.first_variable(&expr);
            self.report(errors::size_of_data(e.span, &name.text, names));
            return;
        }
        let value = self.constants.number(&expr, &|p| self.plate_size(p));
        let size = match value {
            None => None,
            Some(v) if v >= 1.0 && v.fract() == 0.0 && v <= f64::from(u32::MAX - 1) => {
                Some(v as usize)
            }
            Some(v) => {
                self.report(errors::size_not_whole(e.span, &name.text, v));
                return;
            }
        };
        if let PlateKind::Counted { .. } = self.model.plate(plate).kind {
            self.model.plates[plate.index()].kind = PlateKind::Counted { expr, size };
        }
    }
}

/// How deep the lists of a table are nested.
fn depth(t: &ast::TableBody) -> usize {
    match t.entries.first() {
        Some(ast::Body::Table(inner)) => 1 + depth(inner),
        Some(ast::Body::Expr(_)) | None => 1,
    }
}

/// Row-major entries; unequal lengths and mixed depths go to `wrong`.
fn flatten<'t>(
    t: &'t ast::TableBody,
    level: usize,
    shape: &mut [Option<usize>],
    leaves: &mut Vec<&'t ast::Expr>,
    wrong: &mut dyn FnMut(Span, String),
) {
    let last = level + 1 == shape.len();
    match shape.get_mut(level) {
        Some(Some(n)) if *n != t.entries.len() => {
            wrong(
                t.span,
                format!("{} entries, {n} in the list before", t.entries.len()),
            );
        }
        Some(n) => *n = Some(t.entries.len()),
        None => wrong(t.span, "a list where the others have a number".into()),
    }
    for entry in &t.entries {
        match entry {
            ast::Body::Table(inner) if !last => flatten(inner, level + 1, shape, leaves, wrong),
            ast::Body::Table(inner) => {
                wrong(inner.span, "a list where the others have a number".into())
            }
            ast::Body::Expr(e) if last => leaves.push(e),
            ast::Body::Expr(e) => wrong(e.span, "a number where the others have a list".into()),
        }
    }
}

fn body_span(body: &ast::Body) -> Span {
    match body {
        ast::Body::Expr(e) => e.span,
        ast::Body::Table(t) => t.span,
    }
}

fn names_in_body<'t>(body: &'t ast::Body, out: &mut Vec<&'t str>) {
    match body {
        ast::Body::Expr(e) => names_in(e, out),
        ast::Body::Table(t) => t.entries.iter().for_each(|b| names_in_body(b, out)),
    }
}

/// All names in an expression: values, plates and elements alike.
fn names_in<'t>(e: &'t ast::Expr, out: &mut Vec<&'t str>) {
    match &e.kind {
        ExprKind::Number(_) => {}
        ExprKind::Reference(r) => names_in_reference(r, out),
        ExprKind::Negate(a) | ExprKind::Parenthesised(a) => names_in(a, out),
        ExprKind::Binary(_, a, b) => {
            names_in(a, out);
            names_in(b, out);
        }
        ExprKind::Call(_, a, over) => {
            names_in(a, out);
            out.extend(over.iter().map(|b| b.plate.text.as_str()));
        }
    }
}

fn names_in_reference<'t>(r: &'t ast::Reference, out: &mut Vec<&'t str>) {
    out.push(&r.name.text);
    for index in &r.indices {
        names_in_reference(&index.reference, out);
    }
}
