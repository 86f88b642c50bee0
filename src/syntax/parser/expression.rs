//! The grammar's pairs to distributions and expressions.
//!
//! in: `conditional` and `expression` pairs -> out: [`Conditional`], [`Expr`], and E0204, E0206, E0209.
//!
//! Operators of one strength run left to right, `^` right to left and tighter than a minus sign on its left:
//!
//! ```text
//! a - b - c = (a - b) - c        -x^2 = -(x^2)        2^3^2 = 2^(3^2)        2^-1 = 2^(-1)
//! ```

use super::Rule;
use super::build::{Builder, Built, Pair};
use super::nesting::CHAIN;
use crate::diag::{Code, Diagnostic};
use crate::source::Span;
use crate::syntax::ast::{
    Argument, BinaryOperator, Case, Conditional, Distribution, DistributionCall, Expr, ExprKind,
    Index, Reference,
};

/// An expression with its height, by which long chains of operators are bounded.
struct Measured {
    expr: Expr,
    height: usize,
}

impl Builder<'_> {
    /// `~ D first D`
    pub(super) fn conditional(&mut self, pair: Pair) -> Built<Conditional> {
        let mut parts = self.parts(pair);
        parts.required(Rule::tilde)?;
        let distribution = self.distribution(parts.required(Rule::distribution)?)?;
        let first = match parts.skip(Rule::kw_first) {
            true => Some(self.distribution(parts.required(Rule::distribution)?)?),
            false => None,
        };
        Ok(Conditional {
            distribution,
            first,
        })
    }

    fn distribution(&mut self, pair: Pair) -> Built<Distribution> {
        let inner = self.parts(pair).any()?;
        match inner.as_rule() {
            Rule::choice => Ok(Distribution::Case(self.choice(inner)?)),
            _ => Ok(Distribution::Call(self.call(inner)?)),
        }
    }

    fn choice(&mut self, pair: Pair) -> Built<Case> {
        let mut parts = self.parts(pair);
        let span = parts.span;
        parts.required(Rule::kw_case)?;
        let selector = self.reference(parts.required(Rule::reference)?)?;
        let mut branches = Vec::new();
        for branch in parts.all(Rule::branch) {
            let mut inner = self.parts(branch);
            let label = self.label(inner.required(Rule::label)?)?;
            inner.required(Rule::colon)?;
            let distribution = self.distribution(inner.required(Rule::distribution)?)?;
            branches.push((label, distribution));
        }
        Ok(Case {
            selector,
            branches,
            span,
        })
    }

    fn call(&mut self, pair: Pair) -> Built<DistributionCall> {
        let mut parts = self.parts(pair);
        let name = self.name(&parts.required(Rule::distribution_name)?);
        let mut arguments: Vec<Argument> = Vec::new();
        let list = parts.required(Rule::arguments)?;
        for argument in self.parts(list).all(Rule::argument) {
            let mut inner = self.parts(argument);
            let name = inner.optional(Rule::argument_name).map(|p| self.name(&p));
            inner.skip(Rule::equals);
            let value = self.expression(inner.required(Rule::expression)?)?;
            let named = arguments.iter().filter_map(|a| a.name.as_ref()).next_back();
            if let (None, Some(named)) = (&name, named) {
                self.found.push(
                    Diagnostic::new(Code::E0204, "positional argument after a named one")
                        .at(value.span, "its place in the order is not clear")
                        .also(named.span, "named from here on")
                        .help(format!(
                            "name it too, `NAME = {}`, or move it before `{}`",
                            self.text(value.span),
                            named.text
                        )),
                );
            }
            arguments.push(Argument { name, value });
        }
        Ok(DistributionCall {
            name,
            arguments,
            over: self.over(&mut parts)?,
            span: parts.span,
        })
    }

    /// An `expression` pair.
    pub(super) fn expression(&mut self, pair: Pair) -> Built<Expr> {
        Ok(self.chain(pair)?.expr)
    }

    /// An `expression` or a `term`: operands with operators between them, left to right.
    fn chain(&mut self, pair: Pair) -> Built<Measured> {
        let is_sum = pair.as_rule() == Rule::expression;
        let mut parts = self.parts(pair);
        let mut left = self.operand(parts.any()?, is_sum)?;
        while parts.peek().is_some() {
            let operator = match parts.any()?.as_rule() {
                Rule::plus => BinaryOperator::Add,
                Rule::minus => BinaryOperator::Subtract,
                Rule::star => BinaryOperator::Multiply,
                Rule::slash => BinaryOperator::Divide,
                _ => return Err(parts.defect()),
            };
            let right = self.operand(parts.any()?, is_sum)?;
            left = binary(operator, left, right)?;
        }
        Ok(left)
    }

    fn operand(&mut self, pair: Pair, is_sum: bool) -> Built<Measured> {
        if is_sum {
            self.chain(pair)
        } else {
            self.unary(pair)
        }
    }

    fn unary(&mut self, pair: Pair) -> Built<Measured> {
        let inner = self.parts(pair).any()?;
        let rule = inner.as_rule();
        let mut parts = self.parts(inner);
        let span = parts.span;
        if rule == Rule::negation {
            parts.required(Rule::minus)?;
            let inner = self.unary(parts.required(Rule::unary)?)?;
            let height = inner.height + 1;
            let kind = ExprKind::Negate(Box::new(inner.expr));
            return bounded(Expr { kind, span }, height);
        }
        let base = self.atom(parts.any()?)?;
        if parts.skip(Rule::caret) {
            let exponent = self.unary(parts.required(Rule::unary)?)?;
            return binary(BinaryOperator::Power, base, exponent);
        }
        Ok(base)
    }

    fn atom(&mut self, pair: Pair) -> Built<Measured> {
        let rule = pair.as_rule();
        let span = self.span(&pair);
        let (kind, height) = match rule {
            Rule::number => (ExprKind::Number(self.number(&pair).0), 1),
            Rule::reference => (ExprKind::Reference(self.reference(pair)?), 1),
            Rule::parenthesised => {
                let mut parts = self.parts(pair);
                parts.required(Rule::left_parenthesis)?;
                let inner = self.chain(parts.required(Rule::expression)?)?;
                (
                    ExprKind::Parenthesised(Box::new(inner.expr)),
                    inner.height + 1,
                )
            }
            _ => {
                let mut parts = self.parts(pair);
                let name = self.name(&parts.required(Rule::function_name)?);
                parts.required(Rule::left_parenthesis)?;
                let inner = self.chain(parts.required(Rule::expression)?)?;
                let mut plates = Vec::new();
                if let Some(fold) = parts.optional(Rule::fold) {
                    for binder in self.parts(fold).all(Rule::binder) {
                        plates.push(self.binder(binder)?);
                    }
                }
                let height = inner.height + 1;
                (ExprKind::Call(name, Box::new(inner.expr), plates), height)
            }
        };
        bounded(Expr { kind, span }, height)
    }

    /// A number and its place; its range is checked with the tokens.
    pub(super) fn number(&self, pair: &Pair) -> (f64, Span) {
        let span = self.span(pair);
        (self.text(span).parse().unwrap_or(f64::INFINITY), span)
    }

    /// NAME[indices]
    pub(super) fn reference(&mut self, pair: Pair) -> Built<Reference> {
        let mut parts = self.parts(pair);
        let span = parts.span;
        let name = self.name(&parts.any()?);
        let mut indices = Vec::new();
        if let Some(list) = parts.optional(Rule::indices) {
            for index in self.parts(list).all(Rule::index) {
                let value = self.parts(index).required(Rule::expression)?;
                let value = self.expression(value)?;
                indices.extend(self.index(value, &name.text));
            }
        }
        Ok(Reference {
            name,
            indices,
            span,
        })
    }

    /// An index is `reference` or `reference - k`; anything else is E0206.
    fn index(&mut self, value: Expr, of: &str) -> Option<Index> {
        let span = value.span;
        let shape = match value.kind {
            ExprKind::Reference(reference) => Ok((reference, 0)),
            ExprKind::Binary(BinaryOperator::Subtract, left, right) => match left.kind {
                ExprKind::Reference(reference) => self.lag(&right).map(|k| (reference, k)),
                _ => Err(None),
            },
            ExprKind::Binary(BinaryOperator::Add, left, right) => Err(match left.kind {
                ExprKind::Reference(r) if matches!(right.kind, ExprKind::Number(_)) => {
                    let (i, k) = (&r.name.text, self.text(right.span));
                    Some(format!(
                        "state the later element by the earlier one: `{of}[{i}]` by `{of}[{i}-{k}]`"
                    ))
                }
                _ => None,
            }),
            ExprKind::Number(_) => Err(Some(format!(
                "name the element: `{of}[i]` with `i in PLATE` in the brackets of the statement"
            ))),
            _ => Err(None),
        };
        match shape {
            Ok((reference, lag)) => Some(Index {
                reference,
                lag,
                span,
            }),
            Err(remedy) => {
                let remedy = remedy.unwrap_or_else(|| {
                    "write `i`, `z[i]`, or `i-1` for the element before".to_string()
                });
                self.found.push(
                    Diagnostic::new(Code::E0206, "an index is a name, not arithmetic")
                        .at(span, "expected a name, perhaps indexed, perhaps `- k`")
                        .help(remedy),
                );
                None
            }
        }
    }

    /// `k` of `i-k`: a whole number from 1.
    fn lag(&self, right: &Expr) -> Result<u32, Option<String>> {
        let text = self.text(right.span);
        match text.parse::<u32>() {
            Ok(0) => Err(Some(
                "the element itself is written without `- 0`".to_string(),
            )),
            Ok(k) => Ok(k),
            Err(_) => Err(Some(
                "a step back is a whole number written out: `i-1`, `i-2`, ...".to_string(),
            )),
        }
    }
}

fn binary(operator: BinaryOperator, left: Measured, right: Measured) -> Built<Measured> {
    let span = left.expr.span.to(right.expr.span);
    let height = left.height.max(right.height) + 1;
    let kind = ExprKind::Binary(operator, Box::new(left.expr), Box::new(right.expr));
    bounded(Expr { kind, span }, height)
}

/// E0209 where a chain of operators makes the tree too high to be walked.
fn bounded(expr: Expr, height: usize) -> Built<Measured> {
    if height <= CHAIN {
        return Ok(Measured { expr, height });
    }
    let found = Diagnostic::new(Code::E0209, "nested too deep")
        .at(
            expr.span,
            format!("more than {CHAIN} operators one after another"),
        )
        .help("give a part a name with `let`, or write a `sum(... over PLATE)`");
    Err(Box::new(found))
}
