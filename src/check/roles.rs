//! Roles, constraints and the rules of `infer`.
//!
//! in: `--param`, `--latent`, `--flat`; `, constraint`; `infer { rules }` -> out: roles, [`Constraint`]s, [`Directive`]s.

use super::names::Symbol;
use super::{Checker, errors};
use crate::diag::nearest;
use crate::model::{
    Constraint, Directive, DirectiveKind, Domain, PlateId, PlateKind, Role, VariableId,
};
use crate::source::Span;
use crate::syntax::ast::{self, ConstraintKind, Prior, RuleKind, StatementKind};

impl Checker<'_> {
    /// Applies the options that switch roles.
    pub(super) fn switch_roles(&mut self) {
        let options = self.options;
        for name in &options.param {
            if let Some((id, _)) = self.option_variable(name, "--param") {
                self.model.variables[id.index()].role = Role::Param;
            }
        }
        for name in &options.latent {
            let Some((id, flat)) = self.option_variable(name, "--latent") else {
                continue;
            };
            let variable = &mut self.model.variables[id.index()];
            if flat && variable.role == Role::Param {
                let (name, span) = (variable.name.clone(), variable.name_span);
                self.report(errors::flat_to_latent(&name, span));
            } else {
                variable.role = Role::Latent;
            }
        }
        for name in &options.flat {
            if let Some((id, _)) = self.option_variable(name, "--flat") {
                self.model.variables[id.index()].role = Role::Param;
            }
        }
    }

    /// The variable that an option names, and whether it is declared without a distribution.
    fn option_variable(&mut self, name: &str, option: &str) -> Option<(VariableId, bool)> {
        for (i, statement) in self.file.statements.iter().enumerate() {
            if let StatementKind::Variable(v) = &statement.kind
                && v.name.text == name
            {
                let flat = matches!(v.prior, Prior::Flat(_));
                return self.variable_of.get(&i).map(|id| (*id, flat));
            }
        }
        let other = self.symbols.contains_key(name) || self.plate_names.contains_key(name);
        let names = self.model.variables.iter().map(|v| v.name.as_str());
        let near = nearest(name, names).map(str::to_string);
        self.report(errors::option_of_no_variable(
            name,
            option,
            other,
            near.as_deref(),
        ));
        None
    }

    /// Constraints and the rules of `infer`.
    pub(super) fn check_rules(&mut self) {
        let file = self.file;
        for (i, statement) in file.statements.iter().enumerate() {
            match &statement.kind {
                StatementKind::Variable(v) => {
                    if let Some(&id) = self.variable_of.get(&i) {
                        for constraint in &v.constraints {
                            self.constraint(id, constraint);
                        }
                    }
                }
                StatementKind::Infer(rules) => rules.iter().for_each(|r| self.rule(r)),
                _ => {}
            }
        }
    }

    fn constraint(&mut self, id: VariableId, constraint: &ast::Constraint) {
        let variable = self.model.variable(id).clone();
        if matches!(
            self.symbols.get(&variable.name),
            Some((Symbol::Broken, _)) | None
        ) {
            return;
        }
        let span = constraint.span;
        let found = match &constraint.kind {
            ConstraintKind::UnitNorm(name) => {
                let plate = self.constrained(id, name, &[Domain::Real], "unit norm", span);
                plate.map(Constraint::UnitNorm)
            }
            ConstraintKind::UnitBall(name) => {
                let plate = self.constrained(id, name, &[Domain::Real], "unit ball", span);
                plate.map(Constraint::UnitBall)
            }
            ConstraintKind::Increasing(name) => {
                let domains = [Domain::Real, Domain::Positive, Domain::Probability];
                let plate = self.constrained(id, name, &domains, "increasing", span);
                let plate = plate.filter(|p| {
                    let ordered = self.has_order(*p);
                    if !ordered {
                        let declared = self.model.plate(*p);
                        let (plate, at) = (declared.name.clone(), declared.span);
                        let table =
                            matches!(declared.kind, PlateKind::Rows(_) | PlateKind::Keyed(..));
                        self.report(errors::increasing_without_order(span, &plate, at, table));
                    }
                    ordered
                });
                plate.map(Constraint::Increasing)
            }
            ConstraintKind::Symmetric => {
                let matrix = matches!(variable.domain, Domain::Covariance | Domain::Precision);
                let square = matches!(variable.slots.as_slice(), [.., p, q] if p == q);
                if !square || matrix {
                    let slots: Vec<&str> =
                        variable.slots.iter().map(|p| self.plate_name(*p)).collect();
                    let error = errors::symmetric_does_not_apply(
                        span,
                        &variable.name,
                        &slots.join(", "),
                        matrix,
                        variable.name_span,
                    );
                    self.report(error);
                    return;
                }
                Some(Constraint::Symmetric)
            }
        };
        if let Some(constraint) = found {
            self.model.variables[id.index()]
                .constraints
                .push(constraint);
        }
    }

    /// The plate of a constraint: one slot of the variable, whose domain it can hold for.
    fn constrained(
        &mut self,
        id: VariableId,
        name: &ast::Name,
        domains: &[Domain],
        words: &str,
        span: Span,
    ) -> Option<PlateId> {
        let plate = self.plate(name)?;
        let variable = self.model.variable(id);
        let (own, declared) = (variable.name.clone(), variable.name_span);
        let times = variable.slots.iter().filter(|p| **p == plate).count();
        let error = if !domains.contains(&variable.domain) {
            errors::constraint_of_domain(span, words, &own, declared)
        } else if times != 1 {
            errors::constraint_of_plate(span, words, &own, &name.text, times, declared)
        } else {
            return Some(plate);
        };
        self.report(error);
        None
    }

    fn rule(&mut self, rule: &ast::Rule) {
        let kind = match &rule.kind {
            RuleKind::Joint(names) => self.rule_variables(names).map(DirectiveKind::Joint),
            RuleKind::Order(names) => self.rule_variables(names).map(DirectiveKind::Order),
            RuleKind::Factorise(name, plates) => {
                let variable = self.rule_variable(name);
                let mut known = Vec::new();
                for plate in plates {
                    known.push(self.plate(plate));
                }
                let Some(id) = variable else { return };
                for (name, plate) in plates.iter().zip(&known) {
                    let Some(plate) = plate else { continue };
                    let variable = self.model.variable(id);
                    if !variable.slots.contains(plate) {
                        let (own, at) = (variable.name.clone(), variable.name_span);
                        self.report(errors::factorise_of_other_plate(name, &own, at));
                    }
                }
                let known = known.into_iter().collect::<Option<Vec<PlateId>>>();
                known.map(|plates| DirectiveKind::Factorise(id, plates))
            }
        };
        if let Some(kind) = kind {
            self.model.directives.push(Directive {
                kind,
                span: rule.span,
            });
        }
    }

    fn rule_variables(&mut self, names: &[ast::Name]) -> Option<Vec<VariableId>> {
        let found: Vec<_> = names.iter().map(|n| self.rule_variable(n)).collect();
        found.into_iter().collect()
    }

    fn rule_variable(&mut self, name: &ast::Name) -> Option<VariableId> {
        match self.symbols.get(&name.text) {
            Some((Symbol::Variable(v), _)) => Some(*v),
            Some((Symbol::Broken, _)) => None,
            Some((Symbol::Columns(_) | Symbol::Definition(_), span)) => {
                let span = *span;
                self.report(errors::rule_of_no_variable(name, span));
                None
            }
            None => {
                let names = self.model.variables.iter().map(|v| v.name.as_str());
                let near = nearest(&name.text, names).map(str::to_string);
                self.report(errors::unknown_name(name, near.as_deref()));
                None
            }
        }
    }
}
