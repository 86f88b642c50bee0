//! What only the numbers can tell: known arguments inside their support, observed values inside their distribution's.
//!
//! in: a model and its dataset -> out: E0710 naming the element.
//!
//! Looked at are scalar arguments that hold no unknown, each for the elements it varies over, and three kinds of value:
//! a Uniform's, a Binomial's and a Multinomial's. What takes too long to evaluate here is left to the engine. Branches of
//! `case` are skipped, as each applies to some elements only.

use std::cell::Cell;
use std::collections::BTreeSet;

use super::Dataset;
use super::arguments::{is_known, mentioned, support, word};
use super::evaluate::{Bindings, Evaluator};
use super::finding::clip;
use crate::diag::{Code, Diagnostic};
use crate::model::{
    Argument, ArgumentName, Axis, Case, Conditional, Distribution, DistributionKind, Expr, Factor,
    FactorKind, Index, Model,
};
use crate::source::Span;

/// Evaluation steps spent on one argument.
const FUEL: u64 = 50_000_000;

/// What is outside its support.
pub(super) fn check_supports(model: &Model, dataset: &Dataset) -> Vec<Diagnostic> {
    let ctx = Ctx { model, dataset };
    let mut found = Vec::new();
    for factor in &model.factors {
        let conditional = match &factor.kind {
            FactorKind::Prior(_, c)
            | FactorKind::ObservedColumn(_, c)
            | FactorKind::ObservedDefinition(_, c) => c,
            FactorKind::ObservedOnly(_) | FactorKind::Potential(_) => continue,
        };
        let Conditional { usual, first, .. } = conditional;
        for case in std::iter::once(usual).chain(first) {
            if let Case::Always(distribution) = case {
                found.extend(ctx.arguments(factor, distribution));
            }
        }
        // a `first` distribution applies to some elements only
        if let (FactorKind::ObservedColumn(column, _), Case::Always(distribution), None) =
            (&factor.kind, usual, first)
        {
            let value = Expr::Column(*column, value_indices(model, factor, *column, distribution));
            found.extend(ctx.value(factor, distribution, &value));
        }
    }
    found
}

fn value_indices(
    model: &Model,
    factor: &Factor,
    column: crate::model::ColumnId,
    distribution: &Distribution,
) -> Vec<Index> {
    let slots = model.column(column).slots.len();
    let axes = factor.axes.iter().chain(&distribution.over);
    axes.take(slots).map(|a| Index::Axis(*a)).collect()
}

struct Ctx<'a> {
    model: &'a Model,
    dataset: &'a Dataset,
}

impl Ctx<'_> {
    fn evaluator(&self) -> Evaluator<'_> {
        Evaluator {
            model: self.model,
            sizes: self.dataset.plates.iter().map(|p| Some(p.size)).collect(),
            columns: &self.dataset.columns,
            previous: self
                .dataset
                .tables
                .iter()
                .map(|t| t.previous.as_slice())
                .collect(),
            fuel: Cell::new(FUEL),
        }
    }

    fn arguments(&self, factor: &Factor, distribution: &Distribution) -> Vec<Diagnostic> {
        let mut found = Vec::new();
        for (name, argument, span) in &distribution.arguments {
            let Argument::Scalar(expr) = argument else {
                continue;
            };
            if matches!(expr, Expr::Number(_)) || !is_known(self.model, expr) {
                continue;
            }
            let Some((support, words)) = support(distribution.kind, *name) else {
                continue;
            };
            let axes = self.axes(factor, distribution, &[expr]);
            let evaluator = self.evaluator();
            let outside = self.search(&axes, &evaluator, &mut |bound| {
                let value = evaluator.number(expr, bound)?;
                Some((!value.is_nan() && !support(value)).then_some(value))
            });
            if let Some((value, bound)) = outside {
                let title = format!("`{}` is {value} here", word(*name));
                found.push(self.finding(title, *span, words, &axes, &bound));
            }
        }
        found
    }

    /// The observed value against arguments that are known.
    fn value(&self, factor: &Factor, d: &Distribution, value: &Expr) -> Option<Diagnostic> {
        use ArgumentName::{High, Low, Total};
        let known = |name| match d.argument(name) {
            Some(Argument::Scalar(expr)) if is_known(self.model, expr) => Some(expr),
            _ => None,
        };
        let evaluator = self.evaluator();
        let (exprs, words): (Vec<&Expr>, &str) = match d.kind {
            DistributionKind::Uniform => (vec![value, known(Low)?, known(High)?], "low to high"),
            DistributionKind::Binomial => (vec![value, known(Total)?], "at most its total"),
            DistributionKind::Multinomial => (vec![known(Total)?], "as many as its total"),
            _ => return None,
        };
        let axes = match d.kind {
            // the value is a sum over the categories
            DistributionKind::Multinomial => factor.axes.clone(),
            _ => self.axes(factor, d, &exprs),
        };
        let over = d.over;
        let outside = self.search(&axes, &evaluator, &mut |bound| {
            let mut v = Vec::with_capacity(exprs.len());
            for expr in &exprs {
                v.push(evaluator.number(expr, bound)?);
            }
            Some(match (d.kind, v.as_slice()) {
                (DistributionKind::Uniform, [x, low, high]) => (x < low || x > high).then_some(*x),
                (DistributionKind::Binomial, [x, total]) => (x > total).then_some(*x),
                (DistributionKind::Multinomial, [total]) => {
                    let axis = over?;
                    let size = self.dataset.plates.get(axis.plate.index())?.size;
                    let mut sum = 0.0;
                    for element in 0..size {
                        bound.push((axis.id, element as u32));
                        let cell = evaluator.number(value, bound);
                        bound.pop();
                        sum += cell?;
                    }
                    (!sum.is_nan() && sum != *total).then_some(sum)
                }
                _ => None,
            })
        });
        let (value, bound) = outside?;
        let title = format!("observed value {value} is outside the support");
        Some(self.finding(title, d.span, words, &axes, &bound))
    }

    /// The axes in scope that occur in the expressions.
    fn axes(&self, factor: &Factor, distribution: &Distribution, exprs: &[&Expr]) -> Vec<Axis> {
        let mut ids = BTreeSet::new();
        exprs.iter().for_each(|e| mentioned(e, &mut ids));
        let in_scope = factor.axes.iter().chain(&distribution.over);
        let axes: Vec<Axis> = in_scope.filter(|a| ids.contains(&a.id)).copied().collect();
        axes
    }

    /// The first binding of the axes for which `test` gives a value; bindings of which it cannot tell are passed over.
    fn search(
        &self,
        axes: &[Axis],
        evaluator: &Evaluator,
        test: &mut dyn FnMut(&mut Bindings) -> Option<Option<f64>>,
    ) -> Option<(f64, Bindings)> {
        let sizes: Vec<usize> = axes
            .iter()
            .map(|a| {
                self.dataset
                    .plates
                    .get(a.plate.index())
                    .map_or(0, |p| p.size)
            })
            .collect();
        if sizes.contains(&0) {
            return None;
        }
        let mut bound: Bindings = axes.iter().map(|a| (a.id, 0)).collect();
        let mut scratch = Bindings::new();
        loop {
            scratch.clone_from(&bound);
            if let Some(value) = test(&mut scratch).flatten() {
                return Some((value, bound));
            }
            if evaluator.fuel.get() == 0 {
                return None;
            }
            let mut more = false;
            for ((_, element), size) in bound.iter_mut().zip(&sizes).rev() {
                *element += 1;
                if (*element as usize) < *size {
                    more = true;
                    break;
                }
                *element = 0;
            }
            if !more {
                return None;
            }
        }
    }

    fn finding(
        &self,
        title: String,
        span: Span,
        words: &str,
        axes: &[Axis],
        bound: &Bindings,
    ) -> Diagnostic {
        let mut diagnostic =
            Diagnostic::new(Code::E0710, title).at(span, format!("expected {words}"));
        let elements: Vec<String> = axes
            .iter()
            .zip(bound)
            .map(|(axis, (_, element))| self.element(*axis, *element))
            .collect();
        if !elements.is_empty() {
            diagnostic = diagnostic.note(format!("at {}", elements.join(", ")));
        }
        diagnostic
    }

    /// `school B`, or the file and line of a row without a name.
    fn element(&self, axis: Axis, element: u32) -> String {
        let plate = self.model.plate(axis.plate);
        let data = self.dataset.plates.get(axis.plate.index());
        let label = data.and_then(|p| p.labels.get(element as usize));
        let mut text = match label {
            Some(label) => format!("{} `{}`", plate.name, clip(label, 40)),
            None => format!("{} {}", plate.name, u64::from(element) + 1),
        };
        if let Some(table) = self.model.table_of(axis.plate)
            && let Some(data) = self.dataset.tables.get(table.index())
            && let Some(line) = data.lines.get(element as usize)
            && line > 0
        {
            text = format!("{text} ({}, line {line})", data.file);
        }
        text
    }
}
