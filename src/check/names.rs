//! The two sets of names, plates and values, and what is known of a value.
//!
//! in: declarations -> out: [`Symbol`]s by name; slots and kind of each [`Value`].
//!
//! A value may share the name of a plate only if it is an element of that plate (language rule 1).

use super::{Checker, errors};
use crate::diag::nearest;
use crate::model::{BINARY, ColumnId, ColumnType, DefinitionId, Domain, PlateId, VariableId};
use crate::source::Span;
use crate::syntax::ast;

/// What a value's name stands for.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Symbol {
    /// A `const` or `let`.
    Definition(DefinitionId),
    /// A column; of several tables where it is named like its plate.
    Columns(Vec<ColumnId>),
    /// A `param` or `latent`.
    Variable(VariableId),
    /// A declaration with an error of its own: nothing more is said about it.
    Broken,
}

/// A value that a reference can mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Value {
    Definition(DefinitionId),
    Column(ColumnId),
    Variable(VariableId),
}

/// What one element of a value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Number,
    Binary,
    Element(PlateId),
    Matrix,
}

impl Checker<'_> {
    /// The slots of a value.
    pub(super) fn slots(&self, value: Value) -> Vec<PlateId> {
        match value {
            Value::Definition(d) => {
                let axes = &self.model.definition(d).axes;
                axes.iter().map(|a| a.plate).collect()
            }
            Value::Column(c) => self.model.column(c).slots.clone(),
            Value::Variable(v) => self.model.variable(v).slots.clone(),
        }
    }

    /// What one element of a value is.
    pub(super) fn kind(&self, value: Value) -> Kind {
        match value {
            Value::Definition(_) => Kind::Number,
            Value::Column(c) => match self.model.column(c).ty {
                ColumnType::Label(plate) => Kind::Element(plate),
                ColumnType::Binary => Kind::Binary,
                ColumnType::Real
                | ColumnType::Positive
                | ColumnType::Probability
                | ColumnType::Count
                | ColumnType::Weight => Kind::Number,
            },
            Value::Variable(v) => match self.model.variable(v).domain {
                Domain::Element(plate) => Kind::Element(plate),
                Domain::Binary => Kind::Binary,
                Domain::Covariance | Domain::Precision => Kind::Matrix,
                Domain::Real
                | Domain::Positive
                | Domain::Probability
                | Domain::Simplex
                | Domain::Count => Kind::Number,
            },
        }
    }

    /// The plate whose element a value is, binary among them.
    pub(super) fn element_plate(&self, value: Value) -> Option<PlateId> {
        match self.kind(value) {
            Kind::Element(plate) => Some(plate),
            Kind::Binary => Some(BINARY),
            Kind::Number | Kind::Matrix => None,
        }
    }

    /// A value's name.
    pub(super) fn value_name(&self, value: Value) -> &str {
        match value {
            Value::Definition(d) => &self.model.definition(d).name,
            Value::Column(c) => &self.model.column(c).name,
            Value::Variable(v) => &self.model.variable(v).name,
        }
    }

    /// Where a value is declared.
    pub(super) fn value_span(&self, value: Value) -> Span {
        match value {
            Value::Definition(d) => {
                let definition = self.model.definition(d);
                let name = self.symbols.get(&definition.name);
                name.map_or(definition.span, |(_, span)| *span)
            }
            Value::Column(c) => self.model.column(c).span,
            Value::Variable(v) => self.model.variable(v).name_span,
        }
    }

    /// The plate of this name, marked as used; reports an unknown one.
    pub(super) fn plate(&mut self, name: &ast::Name) -> Option<PlateId> {
        if let Some(&plate) = self.plate_names.get(&name.text) {
            self.plates_used.insert(plate);
            return Some(plate);
        }
        let value = self.symbols.get(&name.text).map(|(_, span)| *span);
        let near = nearest(&name.text, self.plate_names.keys().map(String::as_str));
        let near = near.map(str::to_string);
        self.report(errors::unknown_plate(name, value, near.as_deref()));
        None
    }

    /// The known value of this name nearest to a misspelt one; plates and `extra` count too.
    pub(super) fn near_name(&self, name: &str, extra: &[String]) -> Option<String> {
        let known = self.symbols.keys().map(String::as_str);
        let plates = self.plate_names.keys().map(String::as_str);
        nearest(
            name,
            extra.iter().map(String::as_str).chain(known).chain(plates),
        )
        .map(str::to_string)
    }

    /// Enters a value's name. `plate` is the plate whose element it is. Reports a clash and returns false.
    pub(super) fn declare_value(
        &mut self,
        name: &ast::Name,
        symbol: Symbol,
        plate: Option<PlateId>,
    ) -> bool {
        if let Some((earlier, span)) = self.symbols.get_mut(&name.text) {
            if let (Symbol::Columns(have), Symbol::Columns(new)) = (&mut *earlier, &symbol) {
                let named_like_plate =
                    plate.is_some() && self.plate_names.get(&name.text).copied() == plate;
                let table = new.first().map(|c| self.model.columns[c.index()].table);
                let elsewhere = have
                    .iter()
                    .all(|c| Some(self.model.columns[c.index()].table) != table);
                if named_like_plate && elsewhere {
                    have.extend(new);
                    return true;
                }
            }
            let span = *span;
            self.report(errors::declared_twice(name, span, "value"));
            return false;
        }
        let mut fits = true;
        if let Some(&same) = self.plate_names.get(&name.text)
            && Some(same) != plate
        {
            let at = self.model.plate(same).span;
            let element = plate.map(|p| self.plate_name(p).to_string());
            self.report(errors::plate_and_value(name, at, element.as_deref()));
            fits = false;
        }
        self.symbols.insert(name.text.clone(), (symbol, name.span));
        fits
    }
}
