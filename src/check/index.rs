//! Indices: what a name means, which slot an index fills, what fills the rest (language rules 5 to 7).
//!
//! in: a name or reference and the scope it stands in -> out: one [`Index`] per slot.
//!
//! ```text
//! name     innermost bound element of that name; else the value of that name; else, of a plate, its implied element
//! index    goes to the first free slot of its plate, left to right
//! implied  the one element bound at the innermost level that binds the plate; where none does, the one label column
//!          of the plate in the bound tables; a latent never, a binary column never
//! ```

use super::names::{Symbol, Value};
use super::scope::{Bound, BoundBy, Lookup, Scope};
use super::{Checker, errors};
use crate::model::{ColumnId, ColumnType, Index, PlateId, PlateKind};
use crate::source::Span;
use crate::syntax::ast;

/// What a name means in an expression.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Named {
    /// A bound element.
    Element(Bound),
    /// A value.
    Value(Value),
    /// The implied element of a plate.
    Plate(PlateId),
}

/// Why a plate has no implied element.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Implied {
    /// This fills the slot.
    Index(Index),
    /// Nothing in scope.
    Nothing,
    /// These could.
    Several(Vec<(String, Span)>),
}

impl Checker<'_> {
    /// What a name means (rule 5). Reports unknown and ambiguous names.
    pub(super) fn named(&mut self, name: &ast::Name, scope: &Scope) -> Option<Named> {
        match scope.named(&name.text) {
            Lookup::One(bound) => return Some(Named::Element(bound)),
            Lookup::Several(bounds) => {
                let places = bounds.into_iter().map(|b| (b.name, b.span)).collect();
                self.report(errors::same_name_at_one_level(name, places));
                return None;
            }
            Lookup::None => {}
        }
        match self.symbols.get(&name.text) {
            Some((Symbol::Broken, _)) => return None,
            Some((Symbol::Definition(d), _)) => return Some(Named::Value(Value::Definition(*d))),
            Some((Symbol::Variable(v), _)) => return Some(Named::Value(Value::Variable(*v))),
            Some((Symbol::Columns(columns), _)) => {
                let columns = columns.clone();
                return self
                    .column_in_scope(name, &columns, scope)
                    .map(Named::Value);
            }
            None => {}
        }
        if let Some(&plate) = self.plate_names.get(&name.text) {
            self.plates_used.insert(plate);
            return Some(Named::Plate(plate));
        }
        let near = self.near_name(&name.text, &scope.names());
        self.report(errors::unknown_name(name, near.as_deref()));
        None
    }

    /// Of a column of several tables, the one whose row is bound.
    fn column_in_scope(
        &mut self,
        name: &ast::Name,
        columns: &[ColumnId],
        scope: &Scope,
    ) -> Option<Value> {
        if let [one] = columns {
            return Some(Value::Column(*one));
        }
        let rows = |c: &ColumnId| self.model.table(self.model.column(*c).table).plate;
        for level in scope.levels.iter().rev() {
            let here: Vec<ColumnId> = columns
                .iter()
                .copied()
                .filter(|c| level.iter().any(|b| b.axis.plate == rows(c)))
                .collect();
            match here.as_slice() {
                [] => {}
                [one] => return Some(Value::Column(*one)),
                several => {
                    let places = self.column_places(several);
                    self.report(errors::same_name_at_one_level(name, places));
                    return None;
                }
            }
        }
        let places = self.column_places(columns);
        self.report(errors::no_row_in_scope(name, &places));
        None
    }

    fn column_places(&self, columns: &[ColumnId]) -> Vec<(String, Span)> {
        let place = |c: &ColumnId| {
            let column = self.model.column(*c);
            let table = &self.model.table(column.table).name;
            (format!("{} of {table}", column.name), column.span)
        };
        columns.iter().map(place).collect()
    }

    /// The implied element of a plate (rule 7).
    pub(super) fn implied(&mut self, plate: PlateId, scope: &Scope) -> Implied {
        match scope.of_plate(plate) {
            Lookup::One(bound) => return Implied::Index(Index::Axis(bound.axis)),
            Lookup::Several(bounds) => {
                return Implied::Several(bounds.into_iter().map(|b| (b.name, b.span)).collect());
            }
            Lookup::None => {}
        }
        let mut found = Vec::new();
        for (i, column) in self.model.columns.iter().enumerate() {
            let rows = self.model.table(column.table).plate;
            if column.slots.len() == 1 && column.ty == ColumnType::Label(plate) && scope.binds(rows)
            {
                found.push((ColumnId::from(i), rows));
            }
        }
        match found.as_slice() {
            [] => Implied::Nothing,
            [(column, rows)] => match scope.of_plate(*rows) {
                Lookup::One(row) => {
                    self.mention(Value::Column(*column), false);
                    Implied::Index(Index::Column(*column, vec![Index::Axis(row.axis)]))
                }
                Lookup::None => Implied::Nothing,
                Lookup::Several(rows) => {
                    let name = self.model.column(*column).name.clone();
                    let of = |b: &Bound| (format!("{name}[{}]", b.name), b.span);
                    Implied::Several(rows.iter().map(of).collect())
                }
            },
            several => {
                let place = |(c, _): &(ColumnId, PlateId)| {
                    let column = self.model.column(*c);
                    (column.name.clone(), column.span)
                };
                Implied::Several(several.iter().map(place).collect())
            }
        }
    }

    /// A written index and the plate it is an element of.
    pub(super) fn index(
        &mut self,
        index: &ast::Index,
        scope: &mut Scope,
    ) -> Option<(Index, PlateId)> {
        let reference = &index.reference;
        let named = self.named(&reference.name, scope)?;
        if index.lag > 0 {
            return self.lag(index, named, scope);
        }
        match named {
            Named::Element(bound) => {
                if let Some(first) = reference.indices.first() {
                    self.report(errors::index_on_element(&reference.name, first.span));
                    return None;
                }
                Some((Index::Axis(bound.axis), bound.axis.plate))
            }
            Named::Plate(plate) => {
                if let Some(first) = reference.indices.first() {
                    self.report(errors::index_on_element(&reference.name, first.span));
                    return None;
                }
                match self.implied(plate, scope) {
                    Implied::Index(index) => Some((index, plate)),
                    Implied::Several(places) => {
                        self.report(errors::named_by_plate(&reference.name, &places));
                        None
                    }
                    Implied::Nothing => {
                        let candidates = self.candidates(plate, scope);
                        self.report(errors::plate_as_index(&reference.name, &candidates));
                        None
                    }
                }
            }
            Named::Value(value) => {
                let Some(plate) = self.element_plate(value) else {
                    let span = self.value_span(value);
                    self.report(errors::number_as_index(&reference.name, span));
                    return None;
                };
                let indices = self.fill(value, reference, 0, scope)?;
                let index = match value {
                    Value::Column(c) => Index::Column(c, indices),
                    Value::Variable(v) => Index::Variable(v, indices),
                    Value::Definition(_) => return None,
                };
                Some((index, plate))
            }
        }
    }

    /// `i-k`: a bracket's element of a plate with an order.
    fn lag(
        &mut self,
        index: &ast::Index,
        named: Named,
        scope: &mut Scope,
    ) -> Option<(Index, PlateId)> {
        let name = &index.reference.name;
        let bound = match named {
            Named::Element(bound) => bound,
            Named::Plate(plate) => match scope.of_plate(plate) {
                Lookup::One(bound) => bound,
                Lookup::None | Lookup::Several(_) => {
                    self.report(errors::lag_of_unbound(name, index.span));
                    return None;
                }
            },
            Named::Value(_) => {
                self.report(errors::lag_of_unbound(name, index.span));
                return None;
            }
        };
        let plate = bound.axis.plate;
        if !index.reference.indices.is_empty() {
            self.report(errors::lag_of_unbound(name, index.span));
            return None;
        }
        if !self.has_order(plate) {
            let declared = self.model.plate(plate);
            let table = matches!(declared.kind, PlateKind::Rows(_) | PlateKind::Keyed(..));
            let (plate, span) = (declared.name.clone(), declared.span);
            self.report(errors::no_order(index.span, &plate, span, table));
            return None;
        }
        if bound.by != BoundBy::Bracket {
            self.report(errors::lag_of_fold(name, index.span, bound.span));
            return None;
        }
        scope.lags.push((bound.axis, index.lag, index.span));
        Some((Index::Lag(bound.axis, index.lag), plate))
    }

    /// One index per slot of a value, but for the last `keep` slots (a matrix argument keeps two).
    pub(super) fn fill(
        &mut self,
        value: Value,
        reference: &ast::Reference,
        keep: usize,
        scope: &mut Scope,
    ) -> Option<Vec<Index>> {
        let mut slots = self.slots(value);
        slots.truncate(slots.len().saturating_sub(keep));
        let mut filled: Vec<Option<Index>> = vec![None; slots.len()];
        let mut complete = true;
        for written in &reference.indices {
            let Some((index, plate)) = self.index(written, scope) else {
                // What it was meant to be is not known: it closes no circle.
                self.mention(value, true);
                return None;
            };
            let free = (0..slots.len()).find(|&s| slots[s] == plate && filled[s].is_none());
            match free {
                Some(s) => filled[s] = Some(index),
                None => {
                    complete = false;
                    self.no_slot(value, written, plate, &slots);
                }
            }
        }
        let lagged = filled.iter().flatten().any(|i| matches!(i, Index::Lag(..)));
        self.mention(value, lagged);
        if !complete {
            return None;
        }
        for s in 0..slots.len() {
            if filled[s].is_some() {
                continue;
            }
            let plate = slots[s];
            let twice = (s + 1..slots.len()).any(|t| slots[t] == plate && filled[t].is_none());
            if twice {
                let name = self.value_name(value).to_string();
                let (plate, span) = (self.plate_name(plate).to_string(), self.value_span(value));
                self.report(errors::two_free_slots(reference.span, &name, &plate, span));
                return None;
            }
            match self.implied(plate, scope) {
                Implied::Index(index) => filled[s] = Some(index),
                failure => {
                    complete = false;
                    self.missing_index(value, reference, plate, &failure, scope);
                }
            }
        }
        complete.then(|| filled.into_iter().flatten().collect())
    }

    fn no_slot(&mut self, value: Value, written: &ast::Index, plate: PlateId, slots: &[PlateId]) {
        let name = self.value_name(value).to_string();
        let span = self.value_span(value);
        let plate_name = self.plate_name(plate).to_string();
        let plates: Vec<String> = slots
            .iter()
            .map(|p| self.plate_name(*p).to_string())
            .collect();
        let index = &written.reference.name.text;
        let error = if slots.is_empty() || slots.contains(&plate) {
            errors::no_free_slot(written.span, &name, index, &plate_name, &plates, span)
        } else {
            errors::wrong_plate(written.span, &name, index, &plate_name, &plates, span)
        };
        self.report(error);
    }

    fn missing_index(
        &mut self,
        value: Value,
        reference: &ast::Reference,
        plate: PlateId,
        failure: &Implied,
        scope: &Scope,
    ) {
        let name = self.value_name(value).to_string();
        let declared = self.value_span(value);
        let plate_name = self.plate_name(plate).to_string();
        let error = match failure {
            Implied::Several(places) => {
                errors::several_candidates(reference, &name, &plate_name, places, declared)
            }
            Implied::Nothing | Implied::Index(_) => {
                let candidates = self.candidates(plate, scope);
                let rows = match value {
                    Value::Column(c) => self.model.table(self.model.column(c).table).plate == plate,
                    Value::Definition(_) | Value::Variable(_) => false,
                };
                errors::no_element(reference, &name, &plate_name, &candidates, declared, rows)
            }
        };
        self.report(error);
    }

    /// Names that could be written as an index of this plate: discrete variables and columns whose own slots have
    /// elements in scope. The flag says that it is a variable.
    fn candidates(&mut self, plate: PlateId, scope: &Scope) -> Vec<(String, bool)> {
        let mut found = Vec::new();
        let variables = (0..self.model.variables.len()).map(|i| Value::Variable(i.into()));
        let columns = (0..self.model.columns.len()).map(|i| Value::Column(i.into()));
        for value in variables.chain(columns).collect::<Vec<_>>() {
            if self.element_plate(value) != Some(plate) || Some(value) == self.about {
                continue;
            }
            let slots = self.slots(value);
            let mentions = self.uses.open.len();
            let reachable = slots
                .iter()
                .all(|p| matches!(self.implied(*p, scope), Implied::Index(_)));
            self.uses.open.truncate(mentions);
            let variable = matches!(value, Value::Variable(_));
            let name = self.value_name(value).to_string();
            if reachable && found.len() < 4 && !found.iter().any(|(n, _)| *n == name) {
                found.push((name, variable));
            }
        }
        found
    }
}
