//! Statements and expressions as text: distributions, indices, arithmetic, matrices.

use std::fmt::Write;

use super::{Names, Printer, over};
use crate::model::{
    Argument, ArgumentName, Axis, Case, Conditional, Distribution, DistributionKind, Expr, Fold,
    Function, Index, Matrix,
};

impl Printer<'_> {
    pub(super) fn conditional(&self, c: &Conditional, names: &Names) -> String {
        let usual = self.case(&c.usual, names);
        match &c.first {
            Some(first) => format!("{usual} first {}", self.case(first, names)),
            None => usual,
        }
    }

    pub(super) fn case(&self, case: &Case, names: &Names) -> String {
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

    pub(super) fn distribution(&self, d: &Distribution, names: &Names) -> String {
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

    pub(super) fn index(&self, index: &Index, names: &Names) -> String {
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

    pub(super) fn reference(&self, name: &str, indices: &[Index], names: &Names) -> String {
        if indices.is_empty() {
            return name.to_string();
        }
        let indices: Vec<String> = indices.iter().map(|i| self.index(i, names)).collect();
        format!("{name}[{}]", indices.join(", "))
    }

    /// An expression; brackets are put where `outer` binds tighter (1 sums, 2 products, 3 powers).
    pub(super) fn expr(&self, e: &Expr, names: &Names, outer: u8) -> String {
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

    pub(super) fn matrix(&self, m: &Matrix, names: &Names) -> String {
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
}
