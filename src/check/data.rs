//! Data blocks: columns, their types and sources, the order and completeness of rows.
//!
//! in: `data` statements -> out: [`Table`]s and [`Column`]s; label and group plates on the way.

use super::names::Symbol;
use super::{Checker, errors};
use crate::diag::nearest;
use crate::model::{
    BINARY, Column, ColumnId, ColumnType, Every, Order, PlateId, PlateKind, Source, Table, TableId,
};
use crate::source::Span;
use crate::syntax::ast::{self, StatementKind};

/// The words for types of columns.
const TYPES: [&str; 7] = [
    "real",
    "positive",
    "probability",
    "count",
    "binary",
    "label",
    "weight",
];

impl Checker<'_> {
    /// Enters all tables and columns, then checks what needs all of them.
    pub(super) fn declare_tables(&mut self) {
        let mut blocks = Vec::new();
        for statement in &self.file.statements {
            if let StatementKind::Data(data) = &statement.kind {
                blocks.push((data, statement.span));
            }
        }
        for (data, span) in &blocks {
            let Some(&plate) = self.plate_names.get(&data.name.text) else {
                continue;
            };
            let id = TableId::from(self.model.tables.len());
            self.model.tables.push(Table {
                name: data.name.text.clone(),
                plate,
                columns: Vec::new(),
                ordered: None,
                every: None,
                weight: None,
                key: None,
                span: *span,
            });
            for column in &data.columns {
                self.column(id, plate, column);
            }
        }
        for (i, (data, _)) in blocks.iter().enumerate() {
            let id = TableId::from(i);
            if i < self.model.tables.len() {
                self.rows(id, data);
            }
        }
        self.check_labels();
    }

    /// Enters one column.
    fn column(&mut self, table: TableId, rows: PlateId, column: &ast::Column) {
        let group = match column.plates.as_slice() {
            [] => None,
            [one] => match self.group_plate(&one.plate) {
                Some(plate) => Some(plate),
                None => return self.broken(&column.name),
            },
            [_, second, ..] => {
                self.report(errors::group_of_two_plates(&second.plate));
                return self.broken(&column.name);
            }
        };
        let Some(ty) = self.column_type(column) else {
            return self.broken(&column.name);
        };
        let Some(source) = self.source(column, group.is_some()) else {
            return self.broken(&column.name);
        };
        self.check_cells(column, ty, &source);
        let id = ColumnId::from(self.model.columns.len());
        let element = match ty {
            ColumnType::Label(plate) => Some(plate),
            ColumnType::Binary => Some(BINARY),
            ColumnType::Real
            | ColumnType::Positive
            | ColumnType::Probability
            | ColumnType::Count
            | ColumnType::Weight => None,
        };
        self.model.columns.push(Column {
            name: column.name.text.clone(),
            table,
            slots: [Some(rows), group].into_iter().flatten().collect(),
            ty,
            source,
            default: column.default.map(|(v, _)| v),
            observed: false,
            used: false,
            span: column.span,
        });
        self.model.tables[table.index()].columns.push(id);
        if !self.declare_value(&column.name, Symbol::Columns(vec![id]), element) {
            return;
        }
        if let Some(plate) = group
            && let PlateKind::Group(columns) = &mut self.model.plates[plate.index()].kind
        {
            columns.push(id);
        }
        if let ColumnType::Label(plate) = ty {
            let own = plate == rows && group.is_none();
            if own && column.name.text == self.model.tables[table.index()].name {
                self.model.tables[table.index()].key = Some(id);
                self.model.plates[plate.index()].kind = PlateKind::Keyed(table, id);
            }
            if let PlateKind::Labels(columns) = &mut self.model.plates[plate.index()].kind {
                columns.push(id);
            }
        }
        if ty == ColumnType::Weight {
            self.weight(table, id, column);
        }
    }

    /// Makes a name known that nothing more shall be said about.
    pub(super) fn broken(&mut self, name: &ast::Name) {
        let entry = (Symbol::Broken, name.span);
        self.symbols.entry(name.text.clone()).or_insert(entry);
    }

    fn weight(&mut self, table: TableId, id: ColumnId, column: &ast::Column) {
        if let Some(first) = self.model.tables[table.index()].weight {
            let span = self.model.column(first).span;
            self.report(errors::second_weight(column.span, span));
        }
        if let Some(plate) = column.plates.first() {
            self.report(errors::weight_group(column.span, &plate.plate.text));
        }
        self.model.tables[table.index()].weight = Some(id);
    }

    /// The type of a column's cells.
    fn column_type(&mut self, column: &ast::Column) -> Option<ColumnType> {
        let ty = match column.ty.text.as_str() {
            "real" => ColumnType::Real,
            "positive" => ColumnType::Positive,
            "probability" => ColumnType::Probability,
            "count" => ColumnType::Count,
            "binary" => ColumnType::Binary,
            "weight" => ColumnType::Weight,
            "label" => {
                let plate = self.label_plate(column.of.as_ref().unwrap_or(&column.name))?;
                return Some(if plate == BINARY {
                    ColumnType::Binary
                } else {
                    ColumnType::Label(plate)
                });
            }
            other => {
                let near = nearest(other, TYPES);
                self.report(errors::unknown_word(&column.ty, "type", near, &TYPES));
                return None;
            }
        };
        if let Some(of) = &column.of {
            self.report(errors::of_without_label(of, &column.ty.text));
        }
        Some(ty)
    }

    /// Where a column's cells come from.
    fn source(&mut self, column: &ast::Column, group: bool) -> Option<Source> {
        let found = match &column.source {
            None if !group => return Some(Source::Header(column.name.text.clone())),
            Some(ast::Source::Header(name)) if !group => {
                return Some(Source::Header(name.text.clone()));
            }
            Some(ast::Source::Listed(_)) if !group => return Some(Source::Listed),
            Some(ast::Source::Header(name)) if name.text.matches('*').count() == 1 => {
                return Some(Source::Pattern(name.text.clone()));
            }
            Some(ast::Source::List(names)) if group => {
                let names = names.iter().map(|n| n.text.clone()).collect();
                return Some(Source::List(names));
            }
            Some(ast::Source::Rest(_)) if group => return Some(Source::Rest),
            None => column.span,
            Some(ast::Source::Header(name)) => name.span,
            Some(ast::Source::List(names)) => names
                .iter()
                .map(|n| n.span)
                .reduce(Span::to)
                .unwrap_or(column.span),
            Some(ast::Source::Rest(span) | ast::Source::Listed(span)) => *span,
        };
        self.report(errors::source_does_not_fit(found, &column.name.text, group));
        None
    }

    /// `else` and `listed` against the type.
    fn check_cells(&mut self, column: &ast::Column, ty: ColumnType, source: &Source) {
        let holds = |v: f64| match ty {
            ColumnType::Real => v.is_finite(),
            ColumnType::Positive => v > 0.0,
            ColumnType::Probability => (0.0..=1.0).contains(&v),
            ColumnType::Count => v >= 0.0 && v.fract() == 0.0,
            ColumnType::Binary => v == 0.0 || v == 1.0,
            ColumnType::Weight => v >= 0.0,
            ColumnType::Label(_) => false,
        };
        if let Some((v, span)) = column.default
            && !holds(v)
        {
            let text = &column.ty.text;
            self.report(errors::cell_outside(
                span,
                &v.to_string(),
                text,
                column.ty.span,
            ));
        }
        if *source == Source::Listed && !holds(1.0) {
            let text = &column.ty.text;
            self.report(errors::cell_outside(column.span, "1", text, column.ty.span));
        }
    }

    /// `ordered` and `every`.
    fn rows(&mut self, id: TableId, data: &ast::Data) {
        if let Some(ordered) = &data.ordered {
            let by = self.file_columns(id, &ordered.by, "by");
            let within = self.file_columns(id, &ordered.within, "within");
            self.model.tables[id.index()].ordered = Some(Order { by, within });
        }
        let every = match &data.every {
            None => None,
            Some(ast::Every::All(names)) => {
                let columns = names.iter().map(|n| self.label_column(id, n));
                let columns: Vec<Option<ColumnId>> = columns.collect();
                columns
                    .into_iter()
                    .collect::<Option<Vec<_>>>()
                    .map(Every::All)
            }
            Some(ast::Every::Less(a, b)) => self.pair(id, a, b).map(|(a, b)| Every::Less(a, b)),
            Some(ast::Every::Unequal(a, b)) => {
                self.pair(id, a, b).map(|(a, b)| Every::Unequal(a, b))
            }
        };
        self.model.tables[id.index()].every = every;
        if let Some(weight) = self.model.tables[id.index()].weight {
            let span = self.model.column(weight).span;
            if let Some(ordered) = &data.ordered {
                self.report(errors::weight_not_here(span, "ordered", ordered.span));
            } else if data.every.is_some() {
                self.report(errors::weight_not_here(span, "every", data.name.span));
            }
        }
    }

    /// Names of file columns that sort or group; they need no declaration.
    fn file_columns(&mut self, table: TableId, names: &[ast::Name], word: &str) -> Vec<String> {
        let mut found = Vec::new();
        for name in names {
            match self.own_column(table, &name.text) {
                None => found.push(name.text.clone()),
                Some(c) => match &self.model.column(c).source {
                    Source::Header(header) => found.push(header.clone()),
                    Source::Pattern(_) | Source::List(_) | Source::Rest | Source::Listed => {
                        let span = self.model.column(c).span;
                        self.report(errors::no_single_column(name, word, span));
                    }
                },
            }
        }
        found
    }

    fn own_column(&self, table: TableId, name: &str) -> Option<ColumnId> {
        let columns = &self.model.table(table).columns;
        columns
            .iter()
            .copied()
            .find(|c| self.model.column(*c).name == name)
    }

    /// A label column of this table, for `every`.
    fn label_column(&mut self, table: TableId, name: &ast::Name) -> Option<ColumnId> {
        if let Some(c) = self.own_column(table, &name.text) {
            let column = self.model.column(c);
            if matches!(column.ty, ColumnType::Label(_)) && column.slots.len() == 1 {
                return Some(c);
            }
            let span = column.span;
            self.report(errors::every_of_no_label(name, span));
            return None;
        }
        if matches!(self.symbols.get(&name.text), Some((Symbol::Broken, _))) {
            return None;
        }
        let columns = self.model.table(table).columns.clone();
        let labels = columns
            .iter()
            .map(|c| self.model.column(*c))
            .filter(|c| matches!(c.ty, ColumnType::Label(_)));
        let near = nearest(&name.text, labels.map(|c| c.name.as_str())).map(str::to_string);
        let table = self.model.table(table).name.clone();
        self.report(errors::every_of_no_column(name, &table, near.as_deref()));
        None
    }

    fn pair(&mut self, t: TableId, a: &ast::Name, b: &ast::Name) -> Option<(ColumnId, ColumnId)> {
        let (first, second) = (self.label_column(t, a), self.label_column(t, b));
        let (first, second) = (first?, second?);
        let plate = |c: ColumnId| match self.model.column(c).ty {
            ColumnType::Label(p) => Some(self.plate_name(p).to_string()),
            _ => None,
        };
        let (p, q) = (plate(first)?, plate(second)?);
        if p != q {
            let span = self.model.column(second).span;
            self.report(errors::pair_of_two_plates(a, &p, b, &q, span));
            return None;
        }
        Some((first, second))
    }

    /// A label column may refer to a table only if the table has a key.
    fn check_labels(&mut self) {
        for c in self.model.columns.clone() {
            let ColumnType::Label(plate) = c.ty else {
                continue;
            };
            if let PlateKind::Rows(table) = self.model.plate(plate).kind {
                let table = self.model.table(table);
                let (name, span) = (table.name.clone(), self.model.plate(plate).span);
                self.report(errors::no_key(c.span, &name, span));
            }
        }
    }
}
