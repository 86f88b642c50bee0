//! Who mentions whom: circles, names that nothing uses, latents without a statement (rule 10; E0311, E0417, W0301).
//!
//! in: the mentions that expressions leave behind -> out: diagnostics; which columns are conditioned on.
//!
//! `i-k` of a variable itself makes a chain and `i-k` of data a lag; neither closes a circle.

use std::collections::{BTreeMap, BTreeSet};

use super::names::{Symbol, Value};
use super::order::sort_by_use;
use super::{Checker, errors};
use crate::model::{ColumnId, PlateKind};
use crate::syntax::ast::{self, Prior, StatementKind};

/// Mentions of values by values.
#[derive(Debug, Default)]
pub(super) struct Uses {
    /// Mentions in the statement that is being read; the flag says `i-k`.
    pub open: Vec<(Value, bool)>,
    /// From what a `~` statement is about to what its arguments mention.
    edges: BTreeMap<Value, BTreeSet<(Value, bool)>>,
    /// The same for bodies of definitions.
    bodies: BTreeMap<Value, BTreeSet<(Value, bool)>>,
    mentioned: BTreeSet<Value>,
    observed: BTreeSet<Value>,
    in_potentials: BTreeSet<Value>,
    in_arguments: BTreeSet<Value>,
}

impl Uses {
    /// The statement that has been read is about `owner`.
    pub(super) fn close(&mut self, owner: Value) {
        for (value, lagged) in std::mem::take(&mut self.open) {
            self.mentioned.insert(value);
            if matches!(owner, Value::Definition(_)) && !self.observed.contains(&owner) {
                self.bodies
                    .entry(owner)
                    .or_default()
                    .insert((value, lagged));
            } else {
                self.edges.entry(owner).or_default().insert((value, lagged));
                self.in_arguments.insert(value);
            }
        }
    }

    /// The statement that has been read is a plate's size.
    pub(super) fn close_unowned(&mut self) {
        for (value, _) in std::mem::take(&mut self.open) {
            self.mentioned.insert(value);
        }
    }

    /// The statement that has been read is a potential.
    pub(super) fn close_potential(&mut self) {
        for (value, _) in std::mem::take(&mut self.open) {
            self.mentioned.insert(value);
            self.in_potentials.insert(value);
            self.in_arguments.insert(value);
        }
    }

    /// An `observe` is about this value.
    pub(super) fn observe(&mut self, value: Value) {
        self.observed.insert(value);
    }

    pub(super) fn is_observed(&self, value: Value) -> bool {
        self.observed.contains(&value)
    }

    pub(super) fn is_mentioned(&self, value: Value) -> bool {
        self.mentioned.contains(&value)
    }

    /// Columns that arguments mention, directly or through definitions.
    pub(super) fn conditioned(&self) -> BTreeSet<ColumnId> {
        columns(self.reached(self.in_arguments.clone()))
    }

    /// Columns of which observed definitions are made.
    pub(super) fn behind_observed(&self) -> BTreeSet<ColumnId> {
        let observed = self.observed.iter().copied();
        let definitions = observed.filter(|v| matches!(v, Value::Definition(_)));
        columns(self.reached(definitions.collect()))
    }

    /// Some values and all that the bodies of definitions among them mention.
    fn reached(&self, mut open: BTreeSet<Value>) -> BTreeSet<Value> {
        let mut reached = BTreeSet::new();
        while let Some(value) = open.pop_first() {
            if reached.insert(value) {
                let body = self.bodies.get(&value).into_iter().flatten();
                open.extend(body.map(|(v, _)| *v));
            }
        }
        reached
    }
}

fn columns(values: BTreeSet<Value>) -> BTreeSet<ColumnId> {
    let column = |v| match v {
        Value::Column(c) => Some(c),
        Value::Definition(_) | Value::Variable(_) => None,
    };
    values.into_iter().filter_map(column).collect()
}

impl Checker<'_> {
    /// A statement that is being read mentions a value.
    pub(super) fn mention(&mut self, value: Value, lagged: bool) {
        self.uses.open.push((value, lagged));
    }

    /// Circles, E0417 and W0301.
    pub(super) fn check_graph(&mut self) {
        self.check_circles();
        self.check_undirected();
        self.check_unused();
    }

    fn check_circles(&mut self) {
        // A definition of data alone is data: a prior may be centred at the mean of what it explains.
        let mut edges = self.uses.edges.clone();
        for (owner, body) in &self.uses.bodies {
            let unknown = matches!(owner, Value::Definition(d) if !self.model.definition(*d).known);
            if unknown {
                edges.entry(*owner).or_default().extend(body);
            }
        }
        let values: Vec<Value> = edges.keys().copied().collect();
        let position: BTreeMap<Value, usize> =
            values.iter().enumerate().map(|(i, v)| (*v, i)).collect();
        let known = |v: Value| match v {
            Value::Column(_) => true,
            Value::Definition(d) => self.model.definition(d).known,
            Value::Variable(_) => false,
        };
        let uses: Vec<BTreeSet<usize>> = values
            .iter()
            .map(|owner| {
                let edges = edges.get(owner).into_iter().flatten();
                edges
                    .filter(|(v, lagged)| !(*lagged && (v == owner || known(*v))))
                    .filter_map(|(v, _)| position.get(v).copied())
                    .collect()
            })
            .collect();
        for circle in sort_by_use(&uses).circles {
            let named: Vec<ast::Name> = circle
                .iter()
                .map(|i| ast::Name {
                    text: self.value_name(values[*i]).to_string(),
                    span: self.value_span(values[*i]),
                })
                .collect();
            let chain = match circle.as_slice() {
                [one] => match values[*one] {
                    Value::Variable(v) => {
                        let mut slots = self.model.variable(v).slots.iter();
                        let ordered = slots.find(|p| self.has_order(**p));
                        ordered.map(|p| self.plate_name(*p).to_string())
                    }
                    Value::Column(_) | Value::Definition(_) => None,
                },
                _ => None,
            };
            self.report(errors::circle_of_values(&named, chain.as_deref()));
        }
    }

    /// A latent without a distribution stands in a potential.
    fn check_undirected(&mut self) {
        let stated = self.uses.reached(self.uses.in_potentials.clone());
        for (i, statement) in self.file.statements.iter().enumerate() {
            let StatementKind::Variable(v) = &statement.kind else {
                continue;
            };
            let (false, Prior::Flat(domain), Some(&id)) =
                (v.param, &v.prior, self.variable_of.get(&i))
            else {
                continue;
            };
            let broken = matches!(
                self.symbols.get(&v.name.text),
                Some((Symbol::Broken, _)) | None
            );
            let point = self.model.variable(id).role == crate::model::Role::Param;
            let stated = stated.contains(&Value::Variable(id));
            if !broken && !stated && !point {
                self.found
                    .push(errors::latent_without_distribution(&v.name, domain));
            }
        }
    }

    /// Constants, lets, declared plates and flat params that no statement uses.
    fn check_unused(&mut self) {
        let mut unused = Vec::new();
        for (i, d) in self.model.definitions.iter().enumerate() {
            let value = Value::Definition(i.into());
            if !self.uses.is_mentioned(value) && !self.uses.is_observed(value) {
                let what = if d.constant { "const" } else { "let" };
                unused.push((what, d.name.clone(), self.value_span(value)));
            }
        }
        for (i, v) in self.model.variables.iter().enumerate() {
            let flat = v.prior.is_none() && v.role == crate::model::Role::Param;
            let declared_flat = !self.options.flat.contains(&v.name);
            if flat && declared_flat && !self.uses.is_mentioned(Value::Variable(i.into())) {
                unused.push(("param", v.name.clone(), v.name_span));
            }
        }
        for (i, p) in self.model.plates.iter().enumerate() {
            let declared = matches!(p.kind, PlateKind::Counted { .. } | PlateKind::Listed(_));
            if declared && !self.plates_used.contains(&i.into()) {
                unused.push(("plate", p.name.clone(), p.span));
            }
        }
        // After an error the rest of a statement was not read, so that what it uses is not known.
        if !self.found.has_errors() {
            for (what, name, span) in unused {
                self.report(errors::never_used(what, &name, span));
            }
        }
    }
}
