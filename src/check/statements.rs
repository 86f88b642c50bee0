//! Statements with `~`, and potentials: the factors of the log joint.
//!
//! in: priors, `observe`, `potential` in file order -> out: [`Factor`]s.

use std::collections::BTreeMap;

use super::fit::Target;
use super::names::{Symbol, Value};
use super::scope::{BoundBy, Scope};
use super::{Checker, errors};
use crate::model::{ColumnId, ColumnType, Factor, FactorId, FactorKind, PlateId, VariableId};
use crate::source::Span;
use crate::syntax::ast::{self, Prior, StatementKind};

impl Checker<'_> {
    /// Reads all arguments.
    pub(super) fn check_statements(&mut self) {
        let mut observed: BTreeMap<Value, Span> = BTreeMap::new();
        let file = self.file;
        for (i, statement) in file.statements.iter().enumerate() {
            match &statement.kind {
                StatementKind::Variable(v) => {
                    if let Some(&id) = self.variable_of.get(&i) {
                        self.prior(id, v, statement.span);
                    }
                }
                StatementKind::Observe(o) => self.observe(o, statement.span, &mut observed),
                StatementKind::Potential(p) => self.potential(p, statement.span),
                StatementKind::Model(_)
                | StatementKind::Plate(_)
                | StatementKind::Definition(_)
                | StatementKind::Data(_)
                | StatementKind::Infer(_) => {}
            }
        }
        self.mark_observed();
    }

    fn add_factor(&mut self, factor: Factor) -> FactorId {
        let id = FactorId::from(self.model.factors.len());
        self.model.factors.push(factor);
        id
    }

    fn prior(&mut self, id: VariableId, v: &ast::Variable, span: Span) {
        let Prior::Distributed(c) = &v.prior else {
            return;
        };
        let known =
            matches!(self.symbols.get(&v.name.text), Some((Symbol::Variable(d), _)) if *d == id);
        if !known {
            return;
        }
        let Some(level) = self.bind(&v.plates, BoundBy::Bracket) else {
            return;
        };
        let axes: Vec<_> = level.iter().map(|b| b.axis).collect();
        let target = Target {
            value: Value::Variable(id),
            brackets: axes.iter().map(|a| a.plate).collect(),
            span: v.name.span,
        };
        self.about = Some(Value::Variable(id));
        let found = self.conditional(c, &mut Scope::of(level), &target);
        self.about = None;
        let dropped = self.options.flat.contains(&v.name.text);
        self.uses.close(Value::Variable(id));
        if let (Some(conditional), false) = (found, dropped) {
            let factor = self.add_factor(Factor {
                axes,
                kind: FactorKind::Prior(id, conditional),
                span,
            });
            self.model.variables[id.index()].prior = Some(factor);
        }
    }

    fn observe(&mut self, o: &ast::Observe, span: Span, observed: &mut BTreeMap<Value, Span>) {
        let Some(level) = self.bind(&o.plates, BoundBy::Bracket) else {
            return;
        };
        let axes: Vec<_> = level.iter().map(|b| b.axis).collect();
        let brackets: Vec<PlateId> = axes.iter().map(|a| a.plate).collect();
        let Some(value) = self.observed_value(&o.name, &brackets) else {
            return;
        };
        if let Some(first) = observed.insert(value, o.name.span) {
            self.report(errors::observed_twice(&o.name, first));
        }
        self.uses.observe(value);
        let target = Target {
            value,
            brackets: brackets.clone(),
            span: o.name.span,
        };
        let kind = match &o.model {
            Some(c) => {
                self.about = Some(value);
                let found = self.conditional(c, &mut Scope::of(level), &target);
                self.about = None;
                self.uses.close(value);
                let Some(conditional) = found else { return };
                match value {
                    Value::Column(c) => FactorKind::ObservedColumn(c, conditional),
                    Value::Definition(d) => FactorKind::ObservedDefinition(d, conditional),
                    Value::Variable(_) => return,
                }
            }
            None => {
                let Some(column) = self.observed_only(value, &target) else {
                    return;
                };
                FactorKind::ObservedOnly(column)
            }
        };
        self.add_factor(Factor { axes, kind, span });
    }

    /// What an `observe` is about: a column, or a definition of data and constants alone.
    fn observed_value(&mut self, name: &ast::Name, brackets: &[PlateId]) -> Option<Value> {
        match self.symbols.get(&name.text).cloned() {
            Some((Symbol::Broken, _)) => None,
            Some((Symbol::Columns(columns), _)) => {
                let rows = |c: &ColumnId| self.model.column(*c).slots.first().copied();
                let own = columns
                    .iter()
                    .find(|c| rows(c) == brackets.first().copied());
                let column = own.or(columns.first()).copied()?;
                if self.model.column(column).ty == ColumnType::Weight {
                    let span = self.model.column(column).span;
                    self.report(errors::observed_weight(name, span));
                    return None;
                }
                Some(Value::Column(column))
            }
            Some((Symbol::Definition(d), span)) => {
                let definition = self.model.definition(d);
                if definition.constant || self.constants.is_constant(d) || !definition.known {
                    let what = if definition.known {
                        "constant"
                    } else {
                        "unknown"
                    };
                    self.report(errors::observed_no_data(name, what, span));
                    return None;
                }
                Some(Value::Definition(d))
            }
            Some((Symbol::Variable(_), span)) => {
                self.report(errors::observed_no_data(name, "variable", span));
                None
            }
            None if self.plate_names.contains_key(&name.text) => {
                let plate = self.plate_names.get(&name.text)?;
                let span = self.model.plate(*plate).span;
                self.report(errors::observed_no_data(name, "plate", span));
                None
            }
            None => {
                let near = self.near_name(&name.text, &[]);
                self.report(errors::unknown_name(name, near.as_deref()));
                None
            }
        }
    }

    /// `observe` without a distribution: a column with all its slots in brackets.
    fn observed_only(&mut self, value: Value, target: &Target) -> Option<ColumnId> {
        let slots = self.slots(value);
        let declared = self.value_span(value);
        let name = self.value_name(value).to_string();
        let Value::Column(column) = value else {
            self.report(errors::observed_without_distribution(
                target.span,
                &name,
                declared,
            ));
            return None;
        };
        if slots != target.brackets {
            let names: Vec<&str> = slots.iter().map(|p| self.plate_name(*p)).collect();
            let names = names.join(", ");
            let error = errors::brackets_differ(target.span, &name, &names, &names, None, declared);
            self.report(error);
            return None;
        }
        Some(column)
    }

    fn potential(&mut self, p: &ast::Potential, span: Span) {
        let Some(level) = self.bind(&p.plates, BoundBy::Bracket) else {
            return;
        };
        let axes: Vec<_> = level.iter().map(|b| b.axis).collect();
        let mut scope = Scope::of(level);
        let found = self.number(&p.expr, &mut scope);
        if let Some((_, _, span)) = scope.lags.first() {
            self.report(errors::lag_without_first(*span, None));
        }
        self.uses.close_potential();
        if let Some(expr) = found {
            self.add_factor(Factor {
                axes,
                kind: FactorKind::Potential(expr),
                span,
            });
        }
    }

    /// Columns that are observed, directly or as the data of an observed definition, and columns that others use.
    fn mark_observed(&mut self) {
        let conditioned = self.uses.conditioned();
        let behind = self.uses.behind_observed();
        for (i, column) in self.model.columns.iter_mut().enumerate() {
            let id = ColumnId::from(i);
            let direct = self.uses.is_observed(Value::Column(id));
            column.observed = direct || behind.contains(&id) && !conditioned.contains(&id);
            column.used = self.uses.is_mentioned(Value::Column(id));
        }
    }
}
