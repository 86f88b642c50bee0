//! A small builder of models for the tests of this module: plates, tables and columns by name.

use crate::data::{Bound, Cells, DataFile, Dataset, Files, PlateData, bind, bind_new};
use crate::diag::{Code, Diagnostic};
use crate::model::{
    Axis, Column, ColumnId, ColumnType, Definition, Domain, Every, Expr, Factor, FactorId,
    FactorKind, Index, Model, Order, Plate, PlateId, PlateKind, Role, Source, Table, TableId,
    Variable,
};
use crate::source::Span;

pub struct Build {
    pub model: Model,
}

impl Build {
    pub fn new() -> Self {
        let binary = Plate {
            name: "binary".to_string(),
            kind: PlateKind::Binary,
            span: Span::default(),
        };
        Build {
            model: Model {
                name: "test".to_string(),
                plates: vec![binary],
                tables: Vec::new(),
                columns: Vec::new(),
                definitions: Vec::<Definition>::new(),
                variables: Vec::new(),
                factors: Vec::new(),
                directives: Vec::new(),
                next_axis: 0,
            },
        }
    }

    pub fn find_plate(&self, name: &str) -> Option<PlateId> {
        let found = self.model.plates.iter().position(|p| p.name == name);
        found.map(PlateId::from)
    }

    pub fn plate(&mut self, name: &str, kind: PlateKind) -> PlateId {
        self.model.plates.push(Plate {
            name: name.to_string(),
            kind,
            span: Span::default(),
        });
        PlateId::from(self.model.plates.len() - 1)
    }

    pub fn counted(&mut self, name: &str, size: usize) -> PlateId {
        let expr = Expr::Number(size as f64);
        let size = Some(size);
        self.plate(name, PlateKind::Counted { expr, size })
    }

    pub fn listed(&mut self, name: &str, labels: &[&str]) -> PlateId {
        let labels = labels.iter().map(|l| (*l).to_string()).collect();
        self.plate(name, PlateKind::Listed(labels))
    }

    pub fn table(&mut self, name: &str) -> TableId {
        let id = TableId::from(self.model.tables.len());
        let plate = self.plate(name, PlateKind::Rows(id));
        self.model.tables.push(Table {
            name: name.to_string(),
            plate,
            columns: Vec::new(),
            ordered: None,
            every: None,
            weight: None,
            key: None,
            span: Span::default(),
        });
        id
    }

    pub fn order(&mut self, table: TableId, by: &[&str], within: &[&str]) {
        let names = |names: &[&str]| names.iter().map(|n| (*n).to_string()).collect();
        self.model.tables[table.index()].ordered = Some(Order {
            by: names(by),
            within: names(within),
        });
    }

    pub fn every(&mut self, table: TableId, every: Every) {
        self.model.tables[table.index()].every = Some(every);
    }

    /// A column of the file's column of the same name.
    pub fn column(&mut self, table: TableId, name: &str, ty: ColumnType) -> ColumnId {
        let id = ColumnId::from(self.model.columns.len());
        self.model.columns.push(Column {
            name: name.to_string(),
            table,
            slots: vec![self.model.table(table).plate],
            ty,
            source: Source::Header(name.to_string()),
            default: None,
            observed: false,
            used: true,
            span: Span::default(),
        });
        self.model.tables[table.index()].columns.push(id);
        if ty == ColumnType::Weight {
            self.model.tables[table.index()].weight = Some(id);
        }
        id
    }

    pub fn label(&mut self, table: TableId, name: &str, plate: &str) -> ColumnId {
        if name == self.model.table(table).name {
            let plate = self.model.table(table).plate;
            let id = self.column(table, name, ColumnType::Label(plate));
            self.model.plates[plate.index()].kind = PlateKind::Keyed(table, id);
            self.model.tables[table.index()].key = Some(id);
            return id;
        }
        let plate = match self.find_plate(plate) {
            Some(plate) => plate,
            None => self.plate(plate, PlateKind::Labels(Vec::new())),
        };
        let id = self.column(table, name, ColumnType::Label(plate));
        if let PlateKind::Labels(columns) = &mut self.model.plates[plate.index()].kind {
            columns.push(id);
        }
        id
    }

    pub fn group(
        &mut self,
        table: TableId,
        name: &str,
        plate: &str,
        ty: ColumnType,
        source: Source,
    ) -> ColumnId {
        let id = self.column(table, name, ty);
        let plate = match self.find_plate(plate) {
            Some(plate) => plate,
            None => self.plate(plate, PlateKind::Group(Vec::new())),
        };
        if let PlateKind::Group(columns) = &mut self.model.plates[plate.index()].kind {
            columns.push(id);
        }
        let column = &mut self.model.columns[id.index()];
        column.slots.push(plate);
        column.source = source;
        id
    }

    pub fn source(&mut self, column: ColumnId, source: Source) {
        self.model.columns[column.index()].source = source;
    }

    pub fn otherwise(&mut self, column: ColumnId, value: f64) {
        self.model.columns[column.index()].default = Some(value);
    }

    pub fn observe(&mut self, column: ColumnId) {
        self.model.columns[column.index()].observed = true;
        self.factor(FactorKind::ObservedOnly(column), &[]);
    }

    pub fn factor(&mut self, kind: FactorKind, axes: &[Axis]) -> FactorId {
        self.model.factors.push(Factor {
            axes: axes.to_vec(),
            kind,
            span: Span::default(),
        });
        FactorId::from(self.model.factors.len() - 1)
    }

    /// A statement that is conditioned on the column.
    pub fn condition(&mut self, column: ColumnId) {
        let axis = self.row_axis(column);
        let about = self.model.column(column);
        let index = vec![Index::Axis(axis)];
        let expr = match about.ty {
            ColumnType::Label(_) => Expr::Variable(
                crate::model::VariableId(0),
                vec![Index::Column(column, index)],
            ),
            _ => Expr::Column(column, index),
        };
        self.factor(FactorKind::Potential(expr), &[axis]);
    }

    pub fn row_axis(&mut self, column: ColumnId) -> Axis {
        let plate = self.model.column(column).slots[0];
        self.model.fresh_axis(plate)
    }

    pub fn variable(&mut self, name: &str, slots: &[PlateId], over: usize, domain: Domain) {
        self.model.variables.push(Variable {
            name: name.to_string(),
            role: Role::Param,
            slots: slots.to_vec(),
            brackets: slots.len() - over,
            domain,
            prior: None,
            factorised: false,
            constraints: Vec::new(),
            auxiliary: None,
            span: Span::default(),
            name_span: Span::default(),
        });
    }

    pub fn bind(&self, text: &str) -> Result<Bound, Vec<Diagnostic>> {
        bind(&self.model, &main(text))
    }

    pub fn data(&self, text: &str) -> Dataset {
        match self.bind(text) {
            Ok(bound) => bound.dataset,
            Err(found) => panic!("{found:#?}"),
        }
    }

    pub fn bind_new(&self, fitted: &[PlateData], text: &str) -> Result<Bound, Vec<Diagnostic>> {
        bind_new(&self.model, fitted, &main(text))
    }

    pub fn labels<'d>(&self, data: &'d Dataset, plate: &str) -> &'d [String] {
        let plate = self.find_plate(plate).expect("plate exists");
        &data.plates[plate.index()].labels
    }

    /// Expects findings of one code and returns the first.
    pub fn fails(&self, code: Code, text: &str) -> Diagnostic {
        check_found(code, self.bind(text))
    }
}

pub fn check_found(code: Code, bound: Result<Bound, Vec<Diagnostic>>) -> Diagnostic {
    let found = bound.expect_err("findings");
    assert!(found.iter().all(|d| d.code == code), "{found:#?}");
    for diagnostic in &found {
        assert!(
            diagnostic.title.chars().count() <= 60,
            "{}",
            diagnostic.title
        );
    }
    found.into_iter().next().expect("at least one")
}

pub fn csv(text: &str) -> DataFile {
    DataFile::held("t.csv", text.as_bytes().to_vec())
}

pub fn main(text: &str) -> Files {
    Files {
        main: Some(csv(text)),
        by_table: Vec::new(),
    }
}

pub fn numbers(data: &Dataset, column: ColumnId) -> Vec<f64> {
    match &data.columns[column.index()] {
        Cells::Numbers(v) => v.iter().copied().collect(),
        Cells::Elements(_) => panic!("elements, not numbers"),
    }
}

pub fn elements(data: &Dataset, column: ColumnId) -> Vec<u32> {
    match &data.columns[column.index()] {
        Cells::Elements(v) => v.iter().copied().collect(),
        Cells::Numbers(_) => panic!("numbers, not elements"),
    }
}
