//! The syntax tree as indented text, without places: `pmc emit ast`.
//!
//! in: [`File`] -> out: one line for each statement, its parts below it; expressions in prefix form, so that what an
//! operator takes can be read off. Two files print the same tree exactly if they say the same.

use crate::syntax::ast::{
    BinaryOperator, Binder, Body, Column, Conditional, ConstraintKind, Data, Definition,
    Distribution, Every, Expr, ExprKind, File, Name, PlateElements, Prior, Reference, Rule,
    RuleKind, Source, Statement, StatementKind, Treatment, Variable,
};

/// The tree of a file.
pub fn print_ast(file: &File) -> String {
    let mut out = Tree::default();
    for statement in &file.statements {
        out.statement(statement);
    }
    out.text
}

#[derive(Default)]
struct Tree {
    text: String,
    depth: usize,
}

impl Tree {
    fn line(&mut self, line: &str) {
        self.text.push_str(&"  ".repeat(self.depth));
        self.text.push_str(line);
        self.text.push('\n');
    }

    fn inside(&mut self, parts: impl FnOnce(&mut Tree)) {
        self.depth += 1;
        parts(self);
        self.depth -= 1;
    }

    fn statement(&mut self, statement: &Statement) {
        match &statement.kind {
            StatementKind::Model(name) => self.line(&format!("model {}", name.text)),
            StatementKind::Plate(plate) => {
                self.line(&format!("plate {}", plate.name.text));
                self.inside(|t| match &plate.elements {
                    PlateElements::Count(size) => t.line(&format!("size {}", expr(size))),
                    PlateElements::Listed(labels) => t.line(&format!("labels {}", quoted(labels))),
                });
            }
            StatementKind::Definition(definition) => self.definition(definition),
            StatementKind::Data(data) => self.data(data),
            StatementKind::Variable(variable) => self.variable(variable),
            StatementKind::Observe(observe) => {
                self.line(&format!(
                    "observe {}{}",
                    observe.name.text,
                    plates(&observe.plates)
                ));
                self.inside(|t| {
                    if let Some(model) = &observe.model {
                        t.conditional(model);
                    }
                });
            }
            StatementKind::Potential(potential) => {
                self.line(&format!("potential{}", plates(&potential.plates)));
                self.inside(|t| t.line(&expr(&potential.expr)));
            }
            StatementKind::Infer(rules) => {
                self.line("infer");
                self.inside(|t| {
                    for rule in rules {
                        t.rule(rule);
                    }
                });
            }
        }
    }

    fn definition(&mut self, definition: &Definition) {
        let word = if definition.constant { "const" } else { "let" };
        let head = format!(
            "{word} {}{}",
            definition.name.text,
            plates(&definition.plates)
        );
        self.line(&format!("{head}{}", over(definition.over.as_ref())));
        self.inside(|t| t.body(&definition.body));
    }

    fn body(&mut self, body: &Body) {
        match body {
            Body::Expr(value) => self.line(&expr(value)),
            Body::Table(table) => {
                self.line("table");
                self.inside(|t| {
                    for entry in &table.entries {
                        t.body(entry);
                    }
                });
            }
        }
    }

    fn data(&mut self, data: &Data) {
        self.line(&format!("data {}", data.name.text));
        self.inside(|t| {
            if let Some(ordered) = &data.ordered {
                let (by, within) = (names(&ordered.by), names(&ordered.within));
                t.line(&format!("ordered by ({by}) within ({within})"));
            }
            match &data.every {
                Some(Every::All(columns)) => t.line(&format!("every {}", names(columns))),
                Some(Every::Less(a, b)) => t.line(&format!("every {} < {}", a.text, b.text)),
                Some(Every::Unequal(a, b)) => t.line(&format!("every {} != {}", a.text, b.text)),
                None => {}
            }
            for column in &data.columns {
                t.column(column);
            }
        });
    }

    fn column(&mut self, column: &Column) {
        let mut line = format!("column {}{}", column.name.text, plates(&column.plates));
        line.push_str(&format!(" : {}", column.ty.text));
        if let Some(of) = &column.of {
            line.push_str(&format!(" of {}", of.text));
        }
        match &column.source {
            Some(Source::Header(header)) => line.push_str(&format!(" = {:?}", header.text)),
            Some(Source::List(list)) => line.push_str(&format!(" = ({})", quoted(list))),
            Some(Source::Rest(_)) => line.push_str(" = rest"),
            Some(Source::Listed(_)) => line.push_str(" = listed"),
            None => {}
        }
        if let Some((value, _)) = column.default {
            line.push_str(&format!(" else {value:?}"));
        }
        self.line(&line);
    }

    fn variable(&mut self, variable: &Variable) {
        let word = if variable.param { "param" } else { "latent" };
        let name = &variable.name.text;
        self.line(&format!("{word} {name}{}", plates(&variable.plates)));
        self.inside(|t| {
            match &variable.prior {
                Prior::Flat(domain) => {
                    let of = domain.of.as_ref().map(|p| format!(" of {}", p.text));
                    t.line(&format!(
                        ": {}{}{}",
                        domain.name.text,
                        of.unwrap_or_default(),
                        over(domain.over.as_ref())
                    ));
                }
                Prior::Distributed(model) => t.conditional(model),
            }
            for constraint in &variable.constraints {
                t.line(&match &constraint.kind {
                    ConstraintKind::UnitNorm(plate) => format!("unit norm over {}", plate.text),
                    ConstraintKind::UnitBall(plate) => format!("unit ball over {}", plate.text),
                    ConstraintKind::Increasing(plate) => format!("increasing over {}", plate.text),
                    ConstraintKind::Symmetric => "symmetric".to_string(),
                });
            }
            match variable.treatment {
                Some((Treatment::Dirac, _)) => t.line("as dirac"),
                Some((Treatment::Factorised, _)) => t.line("as factorised"),
                None => {}
            }
        });
    }

    fn conditional(&mut self, model: &Conditional) {
        self.distribution("~", &model.distribution);
        if let Some(first) = &model.first {
            self.distribution("first", first);
        }
    }

    fn distribution(&mut self, lead: &str, distribution: &Distribution) {
        match distribution {
            Distribution::Call(call) => {
                let over = over(call.over.as_ref());
                self.line(&format!("{lead} {}{over}", call.name.text));
                self.inside(|t| {
                    for argument in &call.arguments {
                        let value = expr(&argument.value);
                        match &argument.name {
                            Some(name) => t.line(&format!("{} = {value}", name.text)),
                            None => t.line(&value),
                        }
                    }
                });
            }
            Distribution::Case(case) => {
                self.line(&format!("{lead} case {}", reference(&case.selector)));
                self.inside(|t| {
                    for (label, branch) in &case.branches {
                        t.distribution(&format!("{:?}:", label.text), branch);
                    }
                });
            }
        }
    }

    fn rule(&mut self, rule: &Rule) {
        self.line(&match &rule.kind {
            RuleKind::Joint(list) => format!("joint {}", names(list)),
            RuleKind::Order(list) => format!("order {}", names(list)),
            RuleKind::Factorise(name, over) if over.is_empty() => {
                format!("factorise {}", name.text)
            }
            RuleKind::Factorise(name, over) => {
                format!("factorise {} over {}", name.text, names(over))
            }
        });
    }
}

fn names(list: &[Name]) -> String {
    let texts: Vec<&str> = list.iter().map(|n| n.text.as_str()).collect();
    texts.join(", ")
}

fn quoted(list: &[Name]) -> String {
    let texts: Vec<String> = list.iter().map(|n| format!("{:?}", n.text)).collect();
    texts.join(", ")
}

fn binders(list: &[Binder]) -> String {
    let texts: Vec<String> = list
        .iter()
        .map(|binder| match &binder.name {
            Some(name) => format!("{} in {}", name.text, binder.plate.text),
            None => binder.plate.text.clone(),
        })
        .collect();
    texts.join(", ")
}

fn plates(list: &[Binder]) -> String {
    if list.is_empty() {
        return String::new();
    }
    format!("[{}]", binders(list))
}

fn over(binder: Option<&Binder>) -> String {
    binder.map_or_else(String::new, |b| {
        format!(" over {}", binders(std::slice::from_ref(b)))
    })
}

fn reference(reference: &Reference) -> String {
    if reference.indices.is_empty() {
        return reference.name.text.clone();
    }
    let indices: Vec<String> = reference
        .indices
        .iter()
        .map(|index| match index.lag {
            0 => self::reference(&index.reference),
            lag => format!("{}-{lag}", self::reference(&index.reference)),
        })
        .collect();
    format!("{}[{}]", reference.name.text, indices.join(", "))
}

/// Prefix form: `(multiply a (add b c))`.
fn expr(value: &Expr) -> String {
    match &value.kind {
        ExprKind::Number(number) => format!("{number:?}"),
        ExprKind::Reference(r) => reference(r),
        ExprKind::Negate(inner) => format!("(negate {})", expr(inner)),
        ExprKind::Binary(operator, left, right) => {
            let word = match operator {
                BinaryOperator::Add => "add",
                BinaryOperator::Subtract => "subtract",
                BinaryOperator::Multiply => "multiply",
                BinaryOperator::Divide => "divide",
                BinaryOperator::Power => "power",
            };
            format!("({word} {} {})", expr(left), expr(right))
        }
        ExprKind::Call(name, inner, plates) if plates.is_empty() => {
            format!("({} {})", name.text, expr(inner))
        }
        ExprKind::Call(name, inner, plates) => {
            format!("({} {} over {})", name.text, expr(inner), binders(plates))
        }
        ExprKind::Parenthesised(inner) => format!("[{}]", expr(inner)),
    }
}
