//! The typed model as text, for `pmc emit model`.
//!
//! in: a [`Model`] -> out: plates, tables, definitions, variables and factors, every index written.

use std::fmt::Write;

use super::{
    Argument, ArgumentName, Axis, Body, Case, Column, ColumnType, Conditional, Constraint,
    DirectiveKind, Distribution, DistributionKind, Domain, Every, Expr, FactorKind, Fold, Function,
    Index, Matrix, Model, PlateKind, Role, Source,
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
    fn name(&self, plate: super::PlateId) -> &str {
        &self.model.plate(plate).name
    }

    fn list(&self, plates: &[super::PlateId]) -> String {
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

    fn columns(&self, columns: &[super::ColumnId]) -> String {
        let text = |c: &super::ColumnId| {
            let column = self.model.column(*c);
            format!("{}.{}", self.model.table(column.table).name, column.name)
        };
        columns.iter().map(text).collect::<Vec<_>>().join(", ")
    }

    fn plate(&self, plate: &super::Plate) -> String {
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

    fn table(&self, table: &super::Table) -> String {
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
        let name = |c: &super::ColumnId| self.model.column(*c).name.clone();
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

    fn definition(&self, d: &super::Definition) -> String {
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

    fn variable(&self, v: &super::Variable) -> String {
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

    fn factor(&self, f: &super::Factor) -> String {
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

    fn conditional(&self, c: &Conditional, names: &Names) -> String {
        let usual = self.case(&c.usual, names);
        match &c.first {
            Some(first) => format!("{usual} first {}", self.case(first, names)),
            None => usual,
        }
    }

    fn case(&self, case: &Case, names: &Names) -> String {
        match case {
            Case::Always(d) => self.distribution(d, names),
            Case::By {
                selector, branches, ..
            } => {
                let branch = |(e, b): &(u32, Case)| format!("{e}: {}", self.case(b, names));
                let branches: Vec<String> = branches.iter().map(branch).collect();
                format!(
                    "case {} {{ {} }}",
                    self.index(selector, names),
                    branches.join("  ")
                )
            }
        }
    }

    fn distribution(&self, d: &Distribution, names: &Names) -> String {
        let names = self.bind(names, d.over);
        let argument = |(name, value, _): &(ArgumentName, Argument, crate::source::Span)| {
            let value = match value {
                Argument::Scalar(e) => self.expr(e, &names, 0),
                Argument::Matrix(m) => self.matrix(m, &names),
            };
            format!("{} = {value}", name.word())
        };
        let arguments: Vec<String> = d.arguments.iter().map(argument).collect();
        let kind: DistributionKind = d.kind;
        let over = match (d.over, names.0.last()) {
            (Some(axis), Some((_, name))) => over(&[(axis, name.clone())]),
            _ => String::new(),
        };
        format!("{kind:?}({}){over}", arguments.join(", "))
    }

    fn index(&self, index: &Index, names: &Names) -> String {
        let axis = |a: &Axis| {
            let found = names.0.iter().find(|(b, _)| b == a);
            found.map_or_else(|| format!("?{}", a.id), |(_, n)| n.clone())
        };
        match index {
            Index::Axis(a) => axis(a),
            Index::Lag(a, k) => format!("{}-{k}", axis(a)),
            Index::Column(c, i) => self.reference(&self.model.column(*c).name, i, names),
            Index::Variable(v, i) => self.reference(&self.model.variable(*v).name, i, names),
            Index::Element(e) => format!("#{e}"),
        }
    }

    fn reference(&self, name: &str, indices: &[Index], names: &Names) -> String {
        if indices.is_empty() {
            return name.to_string();
        }
        let indices: Vec<String> = indices.iter().map(|i| self.index(i, names)).collect();
        format!("{name}[{}]", indices.join(", "))
    }

    /// An expression; brackets are put where `outer` binds tighter (1 sums, 2 products, 3 powers).
    fn expr(&self, e: &Expr, names: &Names, outer: u8) -> String {
        let two = |a: &Expr, op: &str, b: &Expr, own: u8, left: u8, right: u8| {
            let text = format!(
                "{} {op} {}",
                self.expr(a, names, left),
                self.expr(b, names, right)
            );
            if own < outer {
                format!("({text})")
            } else {
                text
            }
        };
        match e {
            Expr::Number(v) => v.to_string(),
            Expr::Definition(d, i) => self.reference(&self.model.definition(*d).name, i, names),
            Expr::Column(c, i) => self.reference(&self.model.column(*c).name, i, names),
            Expr::Variable(v, i) => self.reference(&self.model.variable(*v).name, i, names),
            Expr::Size(p) => format!("size({})", self.name(*p)),
            Expr::Negate(a) => {
                let text = format!("-{}", self.expr(a, names, 3));
                if outer > 1 { format!("({text})") } else { text }
            }
            Expr::Add(a, b) => two(a, "+", b, 1, 1, 2),
            Expr::Subtract(a, b) => two(a, "-", b, 1, 1, 2),
            Expr::Multiply(a, b) => two(a, "*", b, 2, 2, 3),
            Expr::Divide(a, b) => two(a, "/", b, 2, 2, 3),
            Expr::Power(a, b) => two(a, "^", b, 3, 4, 3),
            Expr::Call(f, a) => {
                let word = match f {
                    Function::Log => "log",
                    Function::Exp => "exp",
                    Function::Sqrt => "sqrt",
                    Function::Abs => "abs",
                };
                format!("{word}({})", self.expr(a, names, 0))
            }
            Expr::Fold {
                fold,
                axes,
                restriction,
                body,
            } => {
                let inner = self.bind(names, axes.iter().copied());
                let word = match fold {
                    Fold::Sum => "sum",
                    Fold::Mean => "mean",
                    Fold::Sd => "sd",
                };
                let own = inner.0.get(names.0.len()..).unwrap_or(&[]);
                let mut text = format!("{word}({}{}", self.expr(body, &inner, 0), over(own));
                if let Some(r) = restriction {
                    let row = [Index::Axis(r.row)];
                    let left = self.reference(&self.model.column(r.column).name, &row, &inner);
                    let right = self.index(&Index::Axis(r.element), &inner);
                    let _ = write!(text, " where {left} = {right}");
                }
                text + ")"
            }
        }
    }

    fn matrix(&self, m: &Matrix, names: &Names) -> String {
        match m {
            Matrix::Identity => "identity".to_string(),
            Matrix::Diagonal(e) => format!("diagonal({})", self.expr(e, names, 0)),
            Matrix::Definition(d, i) => self.reference(&self.model.definition(*d).name, i, names),
            Matrix::Variable(v, i) => self.reference(&self.model.variable(*v).name, i, names),
            Matrix::Scaled(e, m) => {
                format!("{} * {}", self.expr(e, names, 2), self.matrix(m, names))
            }
            Matrix::Sum(a, b) => format!("{} + {}", self.matrix(a, names), self.matrix(b, names)),
            Matrix::Inverse(m) => format!("inverse({})", self.matrix(m, names)),
        }
    }

    fn directive(&self, kind: &DirectiveKind) -> String {
        let list = |v: &[super::VariableId]| {
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
