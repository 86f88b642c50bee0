//! The typed model as text, for `pmc emit model`.
//!
//! in: a [`Model`] -> out: plates, tables, definitions, variables and factors, every index written.

mod expr;

use std::fmt::Write;

use crate::model::{
    ArgumentName, Axis, Body, Column, ColumnType, Constraint, DirectiveKind, Domain, Every,
    FactorKind, Model, PlateKind, Role, Source,
};

impl ArgumentName {
    /// As written in a model.
    pub fn word(self) -> &'static str {
        match self {
            ArgumentName::P => "p",
            ArgumentName::Logit => "logit",
            ArgumentName::Probit => "probit",
            ArgumentName::Alpha => "alpha",
            ArgumentName::Mean => "mean",
            ArgumentName::Var => "var",
            ArgumentName::Sd => "sd",
            ArgumentName::Precision => "precision",
            ArgumentName::Cov => "cov",
            ArgumentName::Scale => "scale",
            ArgumentName::InverseScale => "inverse_scale",
            ArgumentName::Rate => "rate",
            ArgumentName::Log => "log",
            ArgumentName::Df => "df",
            ArgumentName::Low => "low",
            ArgumentName::High => "high",
            ArgumentName::Total => "total",
            ArgumentName::A => "a",
            ArgumentName::B => "b",
            ArgumentName::Shape => "shape",
            ArgumentName::Auxiliary => "auxiliary",
            ArgumentName::Centre => "centre",
        }
    }
}

/// A model as text. An element is called as its plate; others of the same plate get a number: `state`, `state2`.
pub fn print_model(model: &Model) -> String {
    let mut out = format!("model {}\n", model.name);
    let printer = Printer { model };
    section(
        &mut out,
        "plates",
        model.plates.iter().map(|p| printer.plate(p)),
    );
    let tables = model.tables.iter().map(|t| printer.table(t));
    section(&mut out, "tables", tables);
    let definitions = model.definitions.iter().map(|d| printer.definition(d));
    section(&mut out, "definitions", definitions);
    let variables = model.variables.iter().map(|v| printer.variable(v));
    section(&mut out, "variables", variables);
    section(
        &mut out,
        "factors",
        model.factors.iter().map(|f| printer.factor(f)),
    );
    let rules = model.directives.iter().map(|d| printer.directive(&d.kind));
    section(&mut out, "infer", rules);
    out
}

fn section(out: &mut String, title: &str, lines: impl Iterator<Item = String>) {
    let lines: Vec<String> = lines.collect();
    if !lines.is_empty() {
        out.push_str(title);
        out.push('\n');
        for line in lines {
            out.push_str("  ");
            out.push_str(&line);
            out.push('\n');
        }
    }
}

struct Printer<'a> {
    model: &'a Model,
}

/// Names of the axes in scope.
#[derive(Clone, Default)]
struct Names(Vec<(Axis, String)>);

impl Printer<'_> {
    fn name(&self, plate: crate::model::PlateId) -> &str {
        &self.model.plate(plate).name
    }

    fn list(&self, plates: &[crate::model::PlateId]) -> String {
        let names: Vec<&str> = plates.iter().map(|p| self.name(*p)).collect();
        names.join(", ")
    }

    fn bind(&self, names: &Names, axes: impl IntoIterator<Item = Axis>) -> Names {
        let mut names = names.clone();
        for axis in axes {
            let plate = self.name(axis.plate);
            let same = names
                .0
                .iter()
                .filter(|(a, _)| a.plate == axis.plate)
                .count();
            let name = match same {
                0 => plate.to_string(),
                n => format!("{plate}{}", n + 1),
            };
            names.0.push((axis, name));
        }
        names
    }

    fn columns(&self, columns: &[crate::model::ColumnId]) -> String {
        let text = |c: &crate::model::ColumnId| {
            let column = self.model.column(*c);
            format!("{}.{}", self.model.table(column.table).name, column.name)
        };
        columns.iter().map(text).collect::<Vec<_>>().join(", ")
    }

    fn plate(&self, plate: &crate::model::Plate) -> String {
        let kind = match &plate.kind {
            PlateKind::Binary => "0, 1".to_string(),
            PlateKind::Counted { expr, size } => match size {
                Some(n) => format!("1..{n}"),
                None => format!("1..{}", self.expr(expr, &Names::default(), 0)),
            },
            PlateKind::Listed(labels) => format!("{{ {} }}", labels.join(", ")),
            PlateKind::Rows(t) => format!("rows of {}", self.model.table(*t).name),
            PlateKind::Keyed(t, c) => format!(
                "rows of {}, named by {}",
                self.model.table(*t).name,
                self.model.column(*c).name
            ),
            PlateKind::Labels(columns) => format!("labels of {}", self.columns(columns)),
            PlateKind::Group(columns) => format!("columns of {}", self.columns(columns)),
        };
        format!("{}: {kind}", plate.name)
    }

    fn table(&self, table: &crate::model::Table) -> String {
        let mut line = table.name.clone();
        if let Some(order) = &table.ordered {
            line.push_str(" ordered");
            if !order.by.is_empty() {
                let _ = write!(line, " by {}", order.by.join(", "));
            }
            if !order.within.is_empty() {
                let _ = write!(line, " within {}", order.within.join(", "));
            }
        }
        let name = |c: &crate::model::ColumnId| self.model.column(*c).name.clone();
        match &table.every {
            None => {}
            Some(Every::All(c)) => {
                let names: Vec<String> = c.iter().map(name).collect();
                let _ = write!(line, " every {}", names.join(", "));
            }
            Some(Every::Less(a, b)) => {
                let _ = write!(line, " every {} < {}", name(a), name(b));
            }
            Some(Every::Unequal(a, b)) => {
                let _ = write!(line, " every {} != {}", name(a), name(b));
            }
        }
        for c in &table.columns {
            line.push_str("\n    ");
            line.push_str(&self.column(self.model.column(*c)));
        }
        line
    }

    fn column(&self, column: &Column) -> String {
        let ty = match column.ty {
            ColumnType::Real => "real".to_string(),
            ColumnType::Positive => "positive".to_string(),
            ColumnType::Probability => "probability".to_string(),
            ColumnType::Count => "count".to_string(),
            ColumnType::Binary => "binary".to_string(),
            ColumnType::Label(p) => format!("label of {}", self.name(p)),
            ColumnType::Weight => "weight".to_string(),
        };
        let source = match &column.source {
            Source::Header(h) | Source::Pattern(h) => format!("\"{h}\""),
            Source::List(names) => format!("({})", names.join(", ")),
            Source::Rest => "rest".to_string(),
            Source::Listed => "listed".to_string(),
        };
        let mut line = format!(
            "{}[{}] : {ty} = {source}",
            column.name,
            self.list(&column.slots)
        );
        if let Some(v) = column.default {
            let _ = write!(line, " else {v}");
        }
        for (flag, word) in [(column.observed, "observed"), (column.used, "used")] {
            if flag {
                let _ = write!(line, ", {word}");
            }
        }
        line
    }

    fn definition(&self, d: &crate::model::Definition) -> String {
        let names = self.bind(&Names::default(), d.axes.iter().copied());
        let word = if d.constant { "const" } else { "let" };
        let body = match &d.body {
            Body::Expr(e) => self.expr(e, &names, 0),
            Body::Table { shape, entries } => {
                let entries: Vec<String> =
                    entries.iter().map(|e| self.expr(e, &names, 0)).collect();
                let shape: Vec<String> = shape.iter().map(usize::to_string).collect();
                format!("[{}] ({})", entries.join(", "), shape.join(" x "))
            }
        };
        let (inner, axes) = names.0.split_at(d.brackets.min(names.0.len()));
        let known = if d.known { "" } else { ", unknown" };
        format!(
            "{word} {}{} = {body}{known}",
            d.name,
            brackets(inner) + &over(axes)
        )
    }

    fn variable(&self, v: &crate::model::Variable) -> String {
        let role = match v.role {
            Role::Param => "param",
            Role::Latent => "latent",
            Role::Dirac => "latent as dirac",
        };
        let domain = match v.domain {
            Domain::Real => "real".to_string(),
            Domain::Positive => "positive".to_string(),
            Domain::Probability => "probability".to_string(),
            Domain::Simplex => "simplex".to_string(),
            Domain::Covariance => "covariance".to_string(),
            Domain::Precision => "precision".to_string(),
            Domain::Binary => "binary".to_string(),
            Domain::Element(p) => format!("element of {}", self.name(p)),
            Domain::Count => "count".to_string(),
        };
        let mut line = format!("{role} {}[{}] : {domain}", v.name, self.list(&v.slots));
        if v.slots.is_empty() {
            line = format!("{role} {} : {domain}", v.name);
        }
        for c in &v.constraints {
            let _ = match c {
                Constraint::UnitNorm(p) => write!(line, ", unit norm over {}", self.name(*p)),
                Constraint::UnitBall(p) => write!(line, ", unit ball over {}", self.name(*p)),
                Constraint::Increasing(p) => write!(line, ", increasing over {}", self.name(*p)),
                Constraint::Symmetric => write!(line, ", symmetric"),
            };
        }
        if v.factorised {
            line.push_str(", factorised");
        }
        if v.prior.is_none() {
            line.push_str(", flat");
        }
        line
    }

    fn factor(&self, f: &crate::model::Factor) -> String {
        let names = self.bind(&Names::default(), f.axes.iter().copied());
        let left = brackets(&names.0);
        match &f.kind {
            FactorKind::Prior(v, c) => {
                let name = &self.model.variable(*v).name;
                format!("{name}{left} ~ {}", self.conditional(c, &names))
            }
            FactorKind::ObservedColumn(column, c) => {
                let name = &self.model.column(*column).name;
                format!("observe {name}{left} ~ {}", self.conditional(c, &names))
            }
            FactorKind::ObservedDefinition(d, c) => {
                let name = &self.model.definition(*d).name;
                format!("observe {name}{left} ~ {}", self.conditional(c, &names))
            }
            FactorKind::ObservedOnly(column) => {
                format!("observe {}{left}", self.model.column(*column).name)
            }
            FactorKind::Potential(e) => format!("potential{left} {}", self.expr(e, &names, 0)),
        }
    }

    fn directive(&self, kind: &DirectiveKind) -> String {
        let list = |v: &[crate::model::VariableId]| {
            let names: Vec<&str> = v
                .iter()
                .map(|v| self.model.variable(*v).name.as_str())
                .collect();
            names.join(", ")
        };
        match kind {
            DirectiveKind::Joint(v) => format!("joint {}", list(v)),
            DirectiveKind::Order(v) => format!("order {}", list(v)),
            DirectiveKind::Factorise(v, plates) if plates.is_empty() => {
                format!("factorise {}", list(&[*v]))
            }
            DirectiveKind::Factorise(v, plates) => {
                format!("factorise {} over {}", list(&[*v]), self.list(plates))
            }
        }
    }
}

fn brackets(names: &[(Axis, String)]) -> String {
    if names.is_empty() {
        return String::new();
    }
    let names: Vec<&str> = names.iter().map(|(_, n)| n.as_str()).collect();
    format!("[{}]", names.join(", "))
}

fn over(names: &[(Axis, String)]) -> String {
    if names.is_empty() {
        return String::new();
    }
    let names: Vec<&str> = names.iter().map(|(_, n)| n.as_str()).collect();
    format!(" over {}", names.join(", "))
}
