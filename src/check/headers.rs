//! Headers of variables: slots, domain and role, before any argument is read (language rule 3).
//!
//! in: `param` and `latent` statements -> out: [`Variable`]s without priors.
//!
//! A Categorical or Multinomial may leave out `over` where its argument is a reference with one axis (rule 8); those
//! headers are completed after the others.

use super::names::{Symbol, Value};
use super::{Checker, errors};
use crate::diag::nearest;
use crate::dist::{self, Over, Signature, ValueSupport};
use crate::model::{Domain, PlateId, Role, Variable, VariableId};
use crate::source::Span;
use crate::syntax::ast::{self, Distribution, ExprKind, Prior, StatementKind};

/// The words for domains of variables without a distribution.
const DOMAINS: [&str; 8] = [
    "real",
    "positive",
    "probability",
    "simplex",
    "covariance",
    "precision",
    "binary",
    "label",
];

/// The slots of a value and its domain.
struct Drawn {
    axes: Vec<PlateId>,
    domain: Domain,
}

impl Checker<'_> {
    /// Enters all variables.
    pub(super) fn declare_variables(&mut self) {
        let mut waiting = Vec::new();
        for (i, statement) in self.file.statements.iter().enumerate() {
            let StatementKind::Variable(v) = &statement.kind else {
                continue;
            };
            let id = self.add_variable(v, statement.span);
            self.variable_of.insert(i, id);
            let plates: Vec<Option<PlateId>> =
                v.plates.iter().map(|b| self.plate(&b.plate)).collect();
            let Some(brackets) = plates.into_iter().collect::<Option<Vec<_>>>() else {
                self.broken(&v.name);
                continue;
            };
            let variable = &mut self.model.variables[id.index()];
            variable.brackets = brackets.len();
            variable.slots = brackets;
            match &v.prior {
                Prior::Flat(domain) => {
                    let value = self.flat_domain(domain, v);
                    self.complete(id, &v.name, value);
                }
                Prior::Distributed(c) => match self.first_call(&c.distribution) {
                    Some((call, signature)) if signature.over == Over::Implied => {
                        if call.over.is_some() {
                            let value = self.drawn(call, signature);
                            self.complete(id, &v.name, value);
                        } else {
                            waiting.push((id, &v.name, call, signature));
                        }
                    }
                    Some((call, signature)) => {
                        let value = self.drawn(call, signature);
                        self.complete(id, &v.name, value);
                    }
                    None => self.broken(&v.name),
                },
            }
        }
        for (id, name, call, signature) in waiting {
            let plate = self.implied_over(call);
            let value = plate.map(|p| value_of(signature, Some(p)));
            self.complete(id, name, value);
        }
        self.switch_roles();
    }

    fn add_variable(&mut self, v: &ast::Variable, span: Span) -> VariableId {
        let id = VariableId::from(self.model.variables.len());
        let role = match (v.param, v.treatment) {
            (true, _) => Role::Param,
            (false, Some((ast::Treatment::Dirac, _))) => Role::Dirac,
            (false, _) => Role::Latent,
        };
        if let (true, Some((_, place))) = (v.param, v.treatment) {
            self.report(errors::treatment_of_param(place, &v.name.text));
        }
        self.model.variables.push(Variable {
            name: v.name.text.clone(),
            role,
            slots: Vec::new(),
            brackets: 0,
            domain: Domain::Real,
            prior: None,
            factorised: matches!(v.treatment, Some((ast::Treatment::Factorised, _))),
            constraints: Vec::new(),
            auxiliary: None,
            span,
            name_span: v.name.span,
        });
        id
    }

    /// Adds what one value is to a header and enters the name; a header that failed makes the name broken.
    fn complete(&mut self, id: VariableId, name: &ast::Name, value: Option<Drawn>) {
        let Some(value) = value else {
            return self.broken(name);
        };
        let variable = &mut self.model.variables[id.index()];
        variable.slots.extend(value.axes);
        variable.domain = value.domain;
        let plate = self.element_plate(Value::Variable(id));
        self.declare_value(name, Symbol::Variable(id), plate);
    }

    /// The value of a variable with a flat domain.
    fn flat_domain(&mut self, d: &ast::Domain, v: &ast::Variable) -> Option<Drawn> {
        let over = match &d.over {
            None => None,
            Some(binder) => Some(self.plate(&binder.plate)?),
        };
        let word = d.name.text.as_str();
        let vector = |domain| Drawn {
            axes: over.into_iter().collect(),
            domain,
        };
        let needs = matches!(word, "simplex" | "covariance" | "precision");
        if needs && over.is_none() {
            self.report(errors::over_missing_in_domain(d.span, word));
            return None;
        }
        if let (Some(binder), "probability" | "binary" | "label") = (&d.over, word) {
            let span = binder.plate.span;
            self.report(errors::over_not_taken(
                span,
                word,
                &binder.plate.text,
                &v.name.text,
            ));
            return None;
        }
        if let (Some(of), true) = (&d.of, word != "label") {
            self.report(errors::of_without_label(of, word));
        }
        let value = match word {
            "real" => vector(Domain::Real),
            "positive" => vector(Domain::Positive),
            "probability" => vector(Domain::Probability),
            "simplex" => vector(Domain::Simplex),
            "covariance" | "precision" => {
                let plate = over?;
                Drawn {
                    axes: vec![plate, plate],
                    domain: if word == "covariance" {
                        Domain::Covariance
                    } else {
                        Domain::Precision
                    },
                }
            }
            "binary" => vector(Domain::Binary),
            "label" => {
                let Some(of) = &d.of else {
                    self.report(errors::label_without_plate(d.span));
                    return None;
                };
                let plate = self.plate(of)?;
                vector(Domain::Element(plate))
            }
            other => {
                let near = nearest(other, DOMAINS);
                self.report(errors::unknown_word(&d.name, "domain", near, &DOMAINS));
                return None;
            }
        };
        if v.param && matches!(value.domain, Domain::Binary | Domain::Element(_)) {
            self.report(errors::discrete_param(d.span, &v.name.text, word));
            return None;
        }
        Some(value)
    }

    /// The value that a distribution with a written `over`, or without one, draws.
    fn drawn(&mut self, call: &ast::DistributionCall, signature: &Signature) -> Option<Drawn> {
        let over = match (&call.over, signature.over) {
            (Some(_), Over::Never) | (None, Over::Never | Over::Optional) => None,
            (Some(binder), _) => Some(self.plate(&binder.plate)?),
            (None, Over::Needed | Over::Implied) => {
                self.report(errors::over_missing(call, signature.name));
                return None;
            }
        };
        Some(value_of(signature, over))
    }

    /// The first distribution of a choice, by which its value is known.
    fn first_call<'t>(
        &mut self,
        d: &'t Distribution,
    ) -> Option<(&'t ast::DistributionCall, &'static Signature)> {
        match d {
            Distribution::Call(call) => Some((call, self.signature(call)?)),
            Distribution::Case(case) => {
                let (_, first) = case.branches.first()?;
                self.first_call(first)
            }
        }
    }

    /// The signature of a call's distribution; reports an unknown name.
    pub(super) fn signature(&mut self, call: &ast::DistributionCall) -> Option<&'static Signature> {
        let found = dist::by_name(&call.name.text);
        if found.is_none() {
            let names = dist::all().iter().map(|s| s.name);
            let near = nearest(&call.name.text, names);
            self.report(errors::unknown_distribution(&call.name, near));
        }
        found
    }

    /// The plate of a Categorical or Multinomial that leaves out `over`: the one axis of its argument.
    pub(super) fn implied_over(&mut self, call: &ast::DistributionCall) -> Option<PlateId> {
        let reference = implied_reference(call);
        let plate = match reference {
            None => None,
            Some(r) => match self.symbols.get(&r.name.text) {
                Some((Symbol::Broken, _)) => return None,
                Some((Symbol::Definition(d), _)) => self.one_axis(Value::Definition(*d)),
                Some((Symbol::Variable(v), _)) => self.one_axis(Value::Variable(*v)),
                Some((Symbol::Columns(_), _)) => None,
                None => {
                    let near = self.near_name(&r.name.text, &[]);
                    self.report(errors::unknown_name(&r.name, near.as_deref()));
                    return None;
                }
            },
        };
        if plate.is_none() {
            self.report(errors::over_missing(call, &call.name.text));
        }
        plate
    }

    /// The one axis of a value, if it has one.
    fn one_axis(&self, value: Value) -> Option<PlateId> {
        let brackets = match value {
            Value::Definition(d) => self.model.definition(d).brackets,
            Value::Variable(v) => self.model.variable(v).brackets,
            Value::Column(_) => return None,
        };
        match self.slots(value).get(brackets..) {
            Some([plate]) => Some(*plate),
            _ => None,
        }
    }
}

/// The reference that is a call's first argument.
pub(super) fn implied_reference(call: &ast::DistributionCall) -> Option<&ast::Reference> {
    let mut argument = &call.arguments.first()?.value;
    while let ExprKind::Parenthesised(inner) = &argument.kind {
        argument = inner;
    }
    match &argument.kind {
        ExprKind::Reference(r) => Some(r),
        _ => None,
    }
}

/// Axes and domain of what a distribution draws.
fn value_of(signature: &Signature, over: Option<PlateId>) -> Drawn {
    let axes = value_axes(signature.value, over);
    let domain = match signature.value {
        ValueSupport::Element => Domain::Element(over.unwrap_or(crate::model::BINARY)),
        ValueSupport::Simplex => Domain::Simplex,
        ValueSupport::Real => Domain::Real,
        ValueSupport::Binary => Domain::Binary,
        ValueSupport::Count => Domain::Count,
        ValueSupport::Probability => Domain::Probability,
        ValueSupport::Positive => Domain::Positive,
        ValueSupport::Precision => Domain::Precision,
        ValueSupport::Covariance => Domain::Covariance,
    };
    Drawn { axes, domain }
}

/// The axes of one value of a distribution.
pub(super) fn value_axes(value: ValueSupport, over: Option<PlateId>) -> Vec<PlateId> {
    match value {
        ValueSupport::Element => Vec::new(),
        ValueSupport::Precision | ValueSupport::Covariance => {
            over.into_iter().chain(over).collect()
        }
        ValueSupport::Simplex
        | ValueSupport::Real
        | ValueSupport::Binary
        | ValueSupport::Count
        | ValueSupport::Probability
        | ValueSupport::Positive => over.into_iter().collect(),
    }
}

/// What one value of a distribution is.
pub(super) fn drawn_domain(signature: &Signature, over: Option<PlateId>) -> Domain {
    value_of(signature, over).domain
}
