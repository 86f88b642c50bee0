//! Statements of the model as generative statements: `z_n | pi ~ Categorical(pi)`, n = 1..N.
//!
//! in: a resolved statement -> out: its [`Formula`]. A vector along `over` is written without its letter where every argument is
//! a plain reference to it; otherwise the letter is shown on both sides.

use crate::algebra::formula::Formula;
use crate::algebra::letters::Names;
use crate::algebra::print::Writer;
use crate::graph::{self, FactorNode, Node};
use crate::model::{
    Argument, Axis, Case, Conditional, Constraint, Distribution, Domain, Expr, Factor, FactorKind,
    Fold, Function, Index, Matrix, PlateId, Variable,
};

/// The child of a statement with plates as index ranges.
pub fn statement(w: &Writer<'_>, f: &Factor, node: &FactorNode) -> Formula {
    let names = Names::default().bind(w.letters, f.axes.iter().copied());
    let conditional = match &f.kind {
        FactorKind::Prior(_, c)
        | FactorKind::ObservedColumn(_, c)
        | FactorKind::ObservedDefinition(_, c) => c,
        FactorKind::ObservedOnly(x) => {
            return Formula::Apply(
                "observed".into(),
                vec![left(&w.model.column(*x).name, f, None, &names)],
            );
        }
        FactorKind::Potential(e) => {
            return Formula::Apply("exp".into(), vec![expr(w, e, &names)]);
        }
    };
    let over = match &conditional.usual {
        Case::Always(d) if !plain_over(d) && takes_over(f, w) => d.over,
        _ => None,
    };
    let names = names.bind(w.letters, over);
    let child = node.child.map_or("value", |n| graph::name(w.model, n));
    let lhs = left(child, f, over, &names);
    let mut parents: Vec<Formula> = vec![];
    for e in &node.edges {
        let unknown = matches!(e.node, Node::Variable(_)) && Some(e.node) != node.child;
        let name = Formula::name(graph::name(w.model, e.node));
        if unknown && !parents.contains(&name) {
            parents.push(name);
        }
    }
    let lhs = if parents.is_empty() {
        lhs
    } else {
        Formula::Given(Box::new(lhs), Box::new(Formula::List(parents)))
    };
    Formula::relation(lhs, "~", written(w, conditional, &names))
}

/// `over` adds a slot to the left side: a Gaussian's does, a simplex's or a Categorical's does not.
fn takes_over(f: &Factor, w: &Writer<'_>) -> bool {
    let slots = match &f.kind {
        FactorKind::Prior(v, _) => {
            let v = w.model.variable(*v);
            v.slots.len() - v.domain.value_slots()
        }
        FactorKind::ObservedColumn(c, _) => w.model.column(*c).slots.len(),
        FactorKind::ObservedDefinition(d, _) => w.model.definition(*d).axes.len(),
        FactorKind::ObservedOnly(_) | FactorKind::Potential(_) => 0,
    };
    slots > f.axes.len()
}

/// Every argument that varies along `over` is a reference with it as one plain index.
fn plain_over(d: &Distribution) -> bool {
    let Some(o) = d.over else { return true };
    d.arguments.iter().all(|(_, a, _)| match a {
        Argument::Matrix(_) => true,
        Argument::Scalar(e) => match e {
            Expr::Variable(_, i) | Expr::Column(_, i) | Expr::Definition(_, i) => {
                i.iter().filter(|x| has(x, o)).count() <= 1
            }
            other => !expr_has(other, o),
        },
    })
}

fn has(i: &Index, a: Axis) -> bool {
    match i {
        Index::Axis(b) | Index::Lag(b, _) => *b == a,
        Index::Element(_) => false,
        Index::Column(_, l) | Index::Variable(_, l) => l.iter().any(|x| has(x, a)),
    }
}

fn expr_has(e: &Expr, a: Axis) -> bool {
    match e {
        Expr::Number(_) | Expr::Size(_) => false,
        Expr::Variable(_, i) | Expr::Column(_, i) | Expr::Definition(_, i) => {
            i.iter().any(|x| has(x, a))
        }
        Expr::Negate(x) | Expr::Call(_, x) | Expr::Fold { body: x, .. } => expr_has(x, a),
        Expr::Add(x, y)
        | Expr::Subtract(x, y)
        | Expr::Multiply(x, y)
        | Expr::Divide(x, y)
        | Expr::Power(x, y) => expr_has(x, a) || expr_has(y, a),
    }
}

fn left(name: &str, f: &Factor, over: Option<Axis>, names: &Names) -> Formula {
    let below = f
        .axes
        .iter()
        .copied()
        .chain(over)
        .filter_map(|a| names.get(a).map(Formula::name))
        .collect();
    Formula::Symbol(name.to_string(), below)
}

fn written(w: &Writer<'_>, c: &Conditional, names: &Names) -> Formula {
    let usual = case(w, &c.usual, names);
    match &c.first {
        None => usual,
        Some(first) => Formula::List(vec![
            usual,
            Formula::Apply("first".into(), vec![case(w, first, names)]),
        ]),
    }
}

fn case(w: &Writer<'_>, c: &Case, names: &Names) -> Formula {
    match c {
        Case::Always(d) => distribution(w, d, names),
        Case::By {
            selector, branches, ..
        } => {
            let s = index(w, selector, None, names).unwrap_or(Formula::Word("element".into()));
            let plate = match selector {
                Index::Variable(v, _) => match w.model.variable(*v).domain {
                    Domain::Element(p) => Some(p),
                    _ => Some(crate::model::BINARY),
                },
                Index::Column(c, _) => match w.model.column(*c).ty {
                    crate::model::ColumnType::Label(p) => Some(p),
                    _ => Some(crate::model::BINARY),
                },
                _ => None,
            };
            Formula::List(
                branches
                    .iter()
                    .map(|(e, b)| {
                        let at = plate.map_or(Formula::Number(f64::from(*e)), |p| w.element(p, *e));
                        Formula::Apply(
                            "if".into(),
                            vec![Formula::equation(s.clone(), at), case(w, b, names)],
                        )
                    })
                    .collect(),
            )
        }
    }
}

fn distribution(w: &Writer<'_>, d: &Distribution, names: &Names) -> Formula {
    let names = match d.over {
        Some(o) if !names.has(o) && !plain_over(d) => names.bind(w.letters, [o]),
        _ => names.clone(),
    };
    let signature = crate::dist::signature(d.kind);
    let args =
        d.arguments
            .iter()
            .map(|(name, a, _)| {
                let value = match a {
                    Argument::Scalar(e) => expr(w, e, &names),
                    Argument::Matrix(m) => matrix(w, m, &names),
                };
                let positional = signature.choices.iter().any(|c| {
                    c.positional && c.alternatives.first().is_some_and(|p| p.name == *name)
                });
                if positional {
                    value
                } else {
                    Formula::equation(Formula::Word(name.word().to_string()), value)
                }
            })
            .collect();
    Formula::Apply(signature.name.to_string(), args)
}

fn index(w: &Writer<'_>, i: &Index, plate: Option<PlateId>, names: &Names) -> Option<Formula> {
    match i {
        Index::Axis(a) => names.get(*a).map(Formula::name),
        Index::Lag(a, k) => names
            .get(*a)
            .map(|l| Formula::sum([Formula::name(l), Formula::Number(f64::from(*k)).negated()])),
        Index::Element(e) => {
            Some(plate.map_or(Formula::Number(f64::from(*e)), |p| w.element(p, *e)))
        }
        Index::Column(c, l) => Some(reference(
            w,
            &w.model.column(*c).name,
            l,
            &w.model.column(*c).slots,
            names,
        )),
        Index::Variable(v, l) => Some(reference(
            w,
            &w.model.variable(*v).name,
            l,
            &w.model.variable(*v).slots,
            names,
        )),
    }
}

fn reference(
    w: &Writer<'_>,
    name: &str,
    list: &[Index],
    plates: &[PlateId],
    names: &Names,
) -> Formula {
    let below = list
        .iter()
        .enumerate()
        .filter_map(|(i, x)| index(w, x, plates.get(i).copied(), names))
        .collect();
    Formula::Symbol(name.to_string(), below)
}

/// An expression of the model.
pub(super) fn expr(w: &Writer<'_>, e: &Expr, names: &Names) -> Formula {
    let go = |e: &Expr| expr(w, e, names);
    match e {
        Expr::Number(x) => Formula::Number(*x),
        Expr::Size(p) => w.letters.size(*p),
        Expr::Variable(v, i) => {
            let v = w.model.variable(*v);
            reference(w, &v.name, i, &v.slots, names)
        }
        Expr::Column(c, i) => {
            let c = w.model.column(*c);
            reference(w, &c.name, i, &c.slots, names)
        }
        Expr::Definition(d, i) => {
            let d = w.model.definition(*d);
            let plates: Vec<PlateId> = d.axes.iter().map(|a| a.plate).collect();
            reference(w, &d.name, i, &plates, names)
        }
        Expr::Negate(a) => go(a).negated(),
        Expr::Add(a, b) => Formula::sum([go(a), go(b)]),
        Expr::Subtract(a, b) => Formula::sum([go(a), go(b).negated()]),
        Expr::Multiply(a, b) => Formula::product([go(a), go(b)]),
        Expr::Divide(a, b) => Formula::ratio(go(a), go(b)),
        Expr::Power(a, b) => go(a).power(go(b)),
        Expr::Call(f, a) => match f {
            Function::Log => go(a).log(),
            Function::Exp => Formula::Apply("exp".into(), vec![go(a)]),
            Function::Sqrt => Formula::Apply("sqrt".into(), vec![go(a)]),
            Function::Abs => Formula::Bars(Box::new(go(a))),
        },
        Expr::Fold {
            fold,
            axes,
            restriction,
            body,
        } => {
            let inner = names.bind(w.letters, axes.iter().copied());
            let over: Vec<Formula> = axes
                .iter()
                .filter_map(|a| inner.get(*a).map(Formula::name))
                .collect();
            let given = restriction
                .iter()
                .filter_map(|r| {
                    Some(Formula::equation(
                        index(
                            w,
                            &Index::Column(r.column, vec![Index::Axis(r.row)]),
                            None,
                            &inner,
                        )?,
                        index(w, &Index::Axis(r.element), None, &inner)?,
                    ))
                })
                .collect();
            let body = expr(w, body, &inner);
            let word = match fold {
                Fold::Sum => return Formula::total(over, given, body),
                Fold::Mean => "mean",
                Fold::Sd => "sd",
            };
            let letters: Vec<String> = over.iter().map(Formula::text).collect();
            Formula::Apply(format!("{word}_{}", letters.concat()), vec![body])
        }
    }
}

fn matrix(w: &Writer<'_>, m: &Matrix, names: &Names) -> Formula {
    match m {
        Matrix::Identity => Formula::name("I"),
        Matrix::Diagonal(e) => Formula::Apply("diag".into(), vec![expr(w, e, names)]),
        Matrix::Definition(d, i) => {
            let d = w.model.definition(*d);
            let plates: Vec<PlateId> = d.axes.iter().map(|a| a.plate).collect();
            reference(w, &d.name, i, &plates, names)
        }
        Matrix::Variable(v, i) => {
            let v = w.model.variable(*v);
            reference(w, &v.name, i, &v.slots, names)
        }
        Matrix::Scaled(e, m) => Formula::product([expr(w, e, names), matrix(w, m, names)]),
        Matrix::Sum(a, b) => Formula::sum([matrix(w, a, names), matrix(w, b, names)]),
        Matrix::Inverse(m) => matrix(w, m, names).inverse(),
    }
}

/// A variable without a statement that counts: its support.
pub fn declaration(w: &Writer<'_>, v: &Variable) -> Formula {
    let mut names = Names::default();
    let mut below = vec![];
    for (i, p) in v.slots[..v.brackets.min(v.slots.len())].iter().enumerate() {
        let a = Axis {
            plate: *p,
            id: (1 << 27) + i as u32,
        };
        names = names.bind(w.letters, [a]);
        below.extend(names.get(a).map(Formula::name));
    }
    let support = match v.domain {
        Domain::Real => "real",
        Domain::Positive => "positive",
        Domain::Probability => "probability",
        Domain::Simplex => "simplex",
        Domain::Covariance => "covariance",
        Domain::Precision => "precision",
        Domain::Binary => "binary",
        Domain::Element(_) => "element",
        Domain::Count => "count",
    };
    let support = match v.slots.get(v.brackets) {
        Some(p) => format!("{support} over {}", w.model.plate(*p).name),
        None => support.to_string(),
    };
    let plate = |p: &crate::model::PlateId| w.model.plate(*p).name.clone();
    let constraints: String = v
        .constraints
        .iter()
        .map(|c| match c {
            Constraint::UnitNorm(p) => format!(", unit norm over {}", plate(p)),
            Constraint::UnitBall(p) => format!(", unit ball over {}", plate(p)),
            Constraint::Increasing(p) => format!(", increasing over {}", plate(p)),
            Constraint::Symmetric => ", symmetric".to_string(),
        })
        .collect();
    let support = support + &constraints;
    Formula::relation(
        Formula::Symbol(v.name.clone(), below),
        "∈",
        Formula::Word(support),
    )
}
