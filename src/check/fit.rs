//! What a distribution draws against what it is about (language rule 9; E0313, E0404, E0408).
//!
//! in: a [`Distribution`] and its [`Target`] -> out: whether values, brackets and `over` belong together.

use super::headers::{drawn_domain, value_axes};
use super::names::Value;
use super::{Checker, errors};
use crate::dist::{Signature, ValueSupport};
use crate::model::{BINARY, ColumnId, ColumnType, Distribution, PlateId, VariableId};
use crate::source::Span;
use crate::syntax::ast;

/// What a statement is about.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Target {
    /// A variable, an observed column or an observed definition.
    pub value: Value,
    /// The plates in the statement's brackets.
    pub brackets: Vec<PlateId>,
    /// The name and its brackets, as written.
    pub span: Span,
}

impl Target {
    /// Its values come from the data.
    pub(super) fn observed(&self) -> bool {
        !matches!(self.value, Value::Variable(_))
    }
}

impl Checker<'_> {
    /// Whether a distribution's values are those of its target.
    pub(super) fn fits(
        &mut self,
        target: &Target,
        found: &Distribution,
        signature: &Signature,
        call: &ast::DistributionCall,
    ) -> bool {
        let over = found.over.map(|a| a.plate);
        match target.value {
            Value::Variable(v) => self.fits_variable(target, v, signature, over, call),
            Value::Column(c) => {
                self.fits_slots(target, signature, over, call)
                    && self.fits_column(c, signature, over, call)
            }
            Value::Definition(d) => {
                let slots = self.fits_slots(target, signature, over, call);
                let number = !matches!(
                    signature.value,
                    ValueSupport::Element | ValueSupport::Precision | ValueSupport::Covariance
                );
                if slots && !number {
                    let name = self.model.definition(d).name.clone();
                    let span = self.value_span(target.value);
                    self.report(errors::outside(call, "a number", &name, span, None));
                }
                slots && number
            }
        }
    }

    /// All branches, and `first`, draw what the header says.
    fn fits_variable(
        &mut self,
        target: &Target,
        v: VariableId,
        signature: &Signature,
        over: Option<PlateId>,
        call: &ast::DistributionCall,
    ) -> bool {
        let variable = self.model.variable(v);
        let axes = variable.slots.get(target.brackets.len()..).unwrap_or(&[]);
        let same = variable.domain == drawn_domain(signature, over)
            && axes == value_axes(signature.value, over);
        if !same {
            let (name, span) = (variable.name.clone(), variable.name_span);
            self.report(errors::branches_differ(call, &name, span));
        }
        same
    }

    /// Brackets and `over` are the slots of what is observed, in order.
    fn fits_slots(
        &mut self,
        target: &Target,
        signature: &Signature,
        over: Option<PlateId>,
        call: &ast::DistributionCall,
    ) -> bool {
        let slots = self.slots(target.value);
        let axes = value_axes(signature.value, over);
        let written: Vec<PlateId> = target.brackets.iter().chain(&axes).copied().collect();
        if written == slots {
            return true;
        }
        let own = slots.len().saturating_sub(axes.len());
        let vector = target.brackets.as_slice()
            == slots.get(..slots.len().saturating_sub(1)).unwrap_or(&[])
            && axes.is_empty()
            && slots.len() > 1;
        let declared = self.value_span(target.value);
        let name = self.value_name(target.value).to_string();
        let text = |plates: &[PlateId]| {
            let names: Vec<&str> = plates.iter().map(|p| self.plate_name(*p)).collect();
            names.join(", ")
        };
        let brackets = if slots.get(own..) == Some(axes.as_slice()) {
            text(slots.get(..own).unwrap_or(&slots))
        } else {
            text(&slots)
        };
        let last = slots.last().map(|p| self.plate_name(*p).to_string());
        let last = last.filter(|_| vector && signature.over != crate::dist::Over::Never);
        let error = errors::brackets_differ(
            target.span,
            &name,
            &text(&slots),
            &brackets,
            last.as_deref(),
            declared,
        );
        let wrong_over = axes.first().copied().filter(|p| !slots.contains(p));
        let error = match (wrong_over, &call.over) {
            (Some(plate), Some(binder))
                if target.brackets.as_slice() == slots.get(..own).unwrap_or(&slots) =>
            {
                let plate = self.plate_name(plate).to_string();
                errors::over_of_wrong_plate(
                    binder.plate.span,
                    &plate,
                    &name,
                    &text(&slots),
                    declared,
                )
            }
            _ => error,
        };
        self.report(error);
        false
    }

    /// The type of a column is inside the support of its distribution.
    fn fits_column(
        &mut self,
        c: ColumnId,
        signature: &Signature,
        over: Option<PlateId>,
        call: &ast::DistributionCall,
    ) -> bool {
        let column = self.model.column(c);
        let (name, span, ty) = (column.name.clone(), column.span, column.ty);
        let support = signature.value;
        let inside = match ty {
            ColumnType::Label(plate) => {
                if support == ValueSupport::Element && over != Some(plate) {
                    let own = self.plate_name(plate).to_string();
                    let drawn = over.map_or("", |p| self.plate_name(p)).to_string();
                    self.report(errors::labels_of_other_plate(
                        call, &drawn, &name, &own, span,
                    ));
                    return false;
                }
                support == ValueSupport::Element
            }
            ColumnType::Binary => {
                if support == ValueSupport::Element && over != Some(BINARY) {
                    let drawn = over.map_or("", |p| self.plate_name(p)).to_string();
                    self.report(errors::labels_of_other_plate(
                        call, &drawn, &name, "binary", span,
                    ));
                    return false;
                }
                matches!(support, ValueSupport::Element | ValueSupport::Binary)
            }
            ColumnType::Real => support == ValueSupport::Real,
            ColumnType::Positive => {
                matches!(support, ValueSupport::Real | ValueSupport::Positive)
            }
            ColumnType::Probability => matches!(
                support,
                ValueSupport::Real | ValueSupport::Probability | ValueSupport::Simplex
            ),
            ColumnType::Count => matches!(support, ValueSupport::Real | ValueSupport::Count),
            ColumnType::Weight => false,
        };
        if !inside {
            let word = type_word(ty);
            let wanted = wanted_type(support);
            self.report(errors::outside(call, word, &name, span, wanted));
        }
        inside
    }
}

/// A type as written.
pub(super) fn type_word(ty: ColumnType) -> &'static str {
    match ty {
        ColumnType::Real => "real",
        ColumnType::Positive => "positive",
        ColumnType::Probability => "probability",
        ColumnType::Count => "count",
        ColumnType::Binary => "binary",
        ColumnType::Label(_) => "label",
        ColumnType::Weight => "weight",
    }
}

/// The type of column that a distribution draws.
fn wanted_type(support: ValueSupport) -> Option<&'static str> {
    match support {
        ValueSupport::Element => Some("label"),
        ValueSupport::Simplex | ValueSupport::Probability => Some("probability"),
        ValueSupport::Real => Some("real"),
        ValueSupport::Binary => Some("binary"),
        ValueSupport::Count => Some("count"),
        ValueSupport::Positive => Some("positive"),
        ValueSupport::Precision | ValueSupport::Covariance => None,
    }
}
