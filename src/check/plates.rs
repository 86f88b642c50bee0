//! Plates: where each comes from (language rule 2).
//!
//! in: `plate` statements, data blocks, label columns and column groups -> out: [`Plate`]s with their kinds.
//!
//! Declared plates and tables are entered first, so that a label column may refer to one that stands further down.

use std::collections::BTreeMap;

use super::{Checker, errors};
use crate::model::{BINARY, Expr, Plate, PlateId, PlateKind, TableId};
use crate::source::Span;
use crate::syntax::ast::{self, PlateElements, StatementKind};

impl Checker<'_> {
    /// Enters `plate` statements and the rows of data blocks.
    pub(super) fn declare_plates(&mut self) {
        let mut tables = 0_usize;
        for statement in &self.file.statements {
            match &statement.kind {
                StatementKind::Plate(p) => {
                    let kind = match &p.elements {
                        PlateElements::Count(_) => PlateKind::Counted {
                            expr: Expr::Number(0.0),
                            size: None,
                        },
                        PlateElements::Listed(labels) => PlateKind::Listed(self.labels(labels)),
                    };
                    self.declare_plate(&p.name, kind);
                }
                StatementKind::Data(d) => {
                    self.declare_plate(&d.name, PlateKind::Rows(TableId::from(tables)));
                    tables += 1;
                }
                StatementKind::Model(_)
                | StatementKind::Definition(_)
                | StatementKind::Variable(_)
                | StatementKind::Observe(_)
                | StatementKind::Potential(_)
                | StatementKind::Infer(_) => {}
            }
        }
    }

    /// The labels of a listed plate, each once.
    fn labels(&mut self, names: &[ast::Name]) -> Vec<String> {
        let mut first: BTreeMap<&str, Span> = BTreeMap::new();
        for name in names {
            match first.get(name.text.as_str()) {
                Some(&span) => self.report(errors::declared_twice(name, span, "element")),
                None => {
                    first.insert(&name.text, name.span);
                }
            }
        }
        names.iter().map(|n| n.text.clone()).collect()
    }

    /// Enters a plate; a name that is taken is reported and its plate is kept.
    fn declare_plate(&mut self, name: &ast::Name, kind: PlateKind) {
        if let Some(&earlier) = self.plate_names.get(&name.text) {
            if earlier == BINARY {
                self.report(errors::binary_is_built_in(name));
            } else {
                let span = self.model.plate(earlier).span;
                self.report(errors::declared_twice(name, span, "plate"));
            }
            return;
        }
        self.add_plate(name, kind);
    }

    fn add_plate(&mut self, name: &ast::Name, kind: PlateKind) -> PlateId {
        let id = PlateId::from(self.model.plates.len());
        self.model.plates.push(Plate {
            name: name.text.clone(),
            kind,
            span: name.span,
        });
        self.plate_names.insert(name.text.clone(), id);
        id
    }

    /// The plate of a label column's cells; a name that is not yet a plate becomes one.
    pub(super) fn label_plate(&mut self, name: &ast::Name) -> Option<PlateId> {
        let Some(&plate) = self.plate_names.get(&name.text) else {
            return Some(self.add_plate(name, PlateKind::Labels(Vec::new())));
        };
        self.plates_used.insert(plate);
        if let PlateKind::Group(_) = self.model.plate(plate).kind {
            let span = self.model.plate(plate).span;
            self.report(errors::group_and_labels(name, span));
            return None;
        }
        Some(plate)
    }

    /// The plate of a column group; a name that is not yet a plate becomes one.
    pub(super) fn group_plate(&mut self, name: &ast::Name) -> Option<PlateId> {
        let Some(&plate) = self.plate_names.get(&name.text) else {
            return Some(self.add_plate(name, PlateKind::Group(Vec::new())));
        };
        match self.model.plate(plate).kind {
            PlateKind::Group(_) => Some(plate),
            PlateKind::Binary => {
                self.report(errors::binary_is_built_in(name));
                None
            }
            PlateKind::Counted { .. }
            | PlateKind::Listed(_)
            | PlateKind::Rows(_)
            | PlateKind::Keyed(..)
            | PlateKind::Labels(_) => {
                let span = self.model.plate(plate).span;
                self.report(errors::declared_twice(name, span, "plate"));
                None
            }
        }
    }

    /// How many elements a plate has, where it is known without data.
    pub(super) fn plate_size(&self, plate: PlateId) -> Option<usize> {
        match &self.model.plate(plate).kind {
            PlateKind::Binary => Some(2),
            PlateKind::Counted { size, .. } => *size,
            PlateKind::Listed(labels) => Some(labels.len()),
            PlateKind::Group(columns) => {
                columns
                    .iter()
                    .find_map(|c| match &self.model.column(*c).source {
                        crate::model::Source::List(names) => Some(names.len()),
                        crate::model::Source::Header(_)
                        | crate::model::Source::Pattern(_)
                        | crate::model::Source::Rest
                        | crate::model::Source::Listed => None,
                    })
            }
            PlateKind::Rows(_) | PlateKind::Keyed(..) | PlateKind::Labels(_) => None,
        }
    }

    /// The name of an element of a plate whose elements are known without data.
    pub(super) fn element_name(&self, plate: PlateId, position: usize) -> String {
        match &self.model.plate(plate).kind {
            PlateKind::Binary => position.to_string(),
            PlateKind::Listed(labels) => labels.get(position).cloned().unwrap_or_default(),
            PlateKind::Group(columns) => columns
                .iter()
                .find_map(|c| match &self.model.column(*c).source {
                    crate::model::Source::List(names) => names.get(position).cloned(),
                    crate::model::Source::Header(_)
                    | crate::model::Source::Pattern(_)
                    | crate::model::Source::Rest
                    | crate::model::Source::Listed => None,
                })
                .unwrap_or_else(|| (position + 1).to_string()),
            PlateKind::Counted { .. }
            | PlateKind::Rows(_)
            | PlateKind::Keyed(..)
            | PlateKind::Labels(_) => (position + 1).to_string(),
        }
    }

    /// Whether the elements of a plate have an order, so that `i-k` means something.
    pub(super) fn has_order(&self, plate: PlateId) -> bool {
        match &self.model.plate(plate).kind {
            PlateKind::Binary
            | PlateKind::Counted { .. }
            | PlateKind::Listed(_)
            | PlateKind::Group(_) => true,
            PlateKind::Rows(table) | PlateKind::Keyed(table, _) => self
                .model
                .tables
                .get(table.index())
                .is_some_and(|t| t.ordered.is_some()),
            PlateKind::Labels(_) => false,
        }
    }
}
