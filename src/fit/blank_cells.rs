//! Blank cells on which nothing depends, predicted from what their statement says.
//!
//! ```text
//! Gaussian      E[x] = E[m]       Var[x] = E[v] + E[(m - E[m])^2]
//! Laplace       E[x] = E[m]       Var[x] = 2 E[b^2] + E[(m - E[m])^2]
//! Poisson       E[x] = E[r]       Var[x] = E[r] + E[(r - E[r])^2]
//! Bernoulli     P(1) = E[p]       Categorical   P(k) = E[p_k]
//! ```
//!
//! Expectations are those of q, blocks that are split counting as independent. Cells that are there are given back with no
//! spread. Arguments under a function (`logit`, `probit`, `log`) are in `link`. Other distributions, matrix spreads and statements by case have no prediction here.

mod link;

use ndarray::{ArrayD, Dimension, IxDyn};

use super::apply::Applied;
use super::local;
use crate::algebra::expand::Polynomial;
use crate::algebra::{Expander, Subscript, complete};
use crate::data::{BLANK, Cells};
use crate::derive::moments::BlockOf;
use crate::derive::{Block, MomentKind};
use crate::engine::state::State;
use crate::family::StatisticKind;
use crate::model::{
    Argument, ArgumentName, Axis, Case, ColumnId, ColumnType, Distribution, DistributionKind, Expr,
    FactorKind, Role,
};
use crate::plan::Planned;

/// What is predicted for the cells of a column, over its slots.
pub(super) enum Filled {
    /// Mean and standard deviation.
    Number(ArrayD<f64>, ArrayD<f64>),
    /// The probability of each label, over one more axis, and the labels.
    Discrete(ArrayD<f64>, Vec<String>),
}

/// Observed columns with blank cells that are no unknowns, in the order of the model.
pub(super) fn columns(a: &Applied<'_, '_>) -> Vec<ColumnId> {
    let d = a.engine.derivation;
    let blank = |c: &ColumnId| match &a.engine.evaluator.data.columns[c.index()] {
        Cells::Numbers(v) => v.iter().any(|x| x.is_nan()),
        Cells::Elements(v) => v.iter().any(|x| *x == BLANK),
    };
    let all = (0..d.model.columns.len()).map(ColumnId::from);
    all.filter(|c| d.unknowns.column(*c).is_none() && blank(c))
        .filter(|c| statement(a, *c).is_some())
        .collect()
}

/// The axes of a column's statement and its distribution.
fn statement<'m>(a: &'m Applied<'_, '_>, c: ColumnId) -> Option<(Vec<Axis>, &'m Distribution)> {
    let model = &a.engine.derivation.model;
    let slots = model.column(c).slots.len();
    model.factors.iter().find_map(|f| match &f.kind {
        FactorKind::ObservedColumn(column, conditional) if *column == c => {
            let (Case::Always(d), None) = (&conditional.usual, &conditional.first) else {
                return None;
            };
            let mut axes = f.axes.clone();
            if axes.len() < slots {
                axes.extend(d.over);
            }
            Some((axes, d))
        }
        _ => None,
    })
}

/// The predictions of a column; `None` where its statement has none here.
pub(super) fn fill(a: &Applied<'_, '_>, c: ColumnId) -> Option<Filled> {
    let (axes, distribution) = statement(a, c)?;
    let d = a.engine.derivation;
    let none = |_| false;
    let no_definition = |_| false;
    let mut ex = Expander::new(&d.model, &d.unknowns, &none, &no_definition);
    ex.centres = d.centres.iter().cloned().collect();
    let mut q = Expectation::new(a, ex);
    let scalar = |name| match distribution.argument(name) {
        Some(Argument::Scalar(e)) => Some(e),
        _ => None,
    };
    let mut filled = match distribution.kind {
        DistributionKind::Gaussian => {
            let variance = if let Some(e) = scalar(ArgumentName::Var) {
                q.ex.scale(e).ok()?
            } else if let Some(e) = scalar(ArgumentName::Sd) {
                q.ex.scale(e).ok()?.power(2.0)
            } else {
                q.ex.scale(scalar(ArgumentName::Precision)?)
                    .ok()?
                    .power(-1.0)
            };
            let (mean, spread) = q.mean_and_variance(scalar(ArgumentName::Mean)?, &axes)?;
            let own = variance.factor().ok()?;
            let variance = q.of(&own, &axes)? + spread;
            Filled::Number(mean, variance.mapv(f64::sqrt))
        }
        DistributionKind::Laplace => {
            let variance = match scalar(ArgumentName::Scale) {
                Some(e) => q.ex.scale(e).ok()?.power(2.0),
                None => q.ex.scale(scalar(ArgumentName::Rate)?).ok()?.power(-2.0),
            };
            let (mean, spread) = q.mean_and_variance(scalar(ArgumentName::Mean)?, &axes)?;
            let own = variance.factor().ok()?;
            let variance = q.of(&own, &axes)? * 2.0 + spread;
            Filled::Number(mean, variance.mapv(f64::sqrt))
        }
        DistributionKind::Poisson if link::exponent(distribution).is_some() => {
            let (m, v) = q.gaussian_predictor(link::exponent(distribution)?, &axes)?;
            let rate = (&m + &(&v / 2.0)).mapv(f64::exp);
            let variance = &rate + &(&rate * &rate * v.mapv(f64::exp_m1));
            Filled::Number(rate, variance.mapv(f64::sqrt))
        }
        DistributionKind::Poisson => {
            let (mean, spread) = q.mean_and_variance(scalar(ArgumentName::Rate)?, &axes)?;
            let sd = (&mean + &spread).mapv(f64::sqrt);
            Filled::Number(mean, sd)
        }
        DistributionKind::Bernoulli => {
            let p = match (scalar(ArgumentName::Logit), scalar(ArgumentName::Probit)) {
                (Some(e), _) => {
                    let (m, v) = q.gaussian_predictor(e, &axes)?;
                    link::each(&m, &v, link::logistic)
                }
                (None, Some(e)) => {
                    let (m, v) = q.gaussian_predictor(e, &axes)?;
                    link::each(&m, &v, link::probit)
                }
                (None, None) => {
                    let p = q.ex.expand(scalar(ArgumentName::P)?).ok()?;
                    q.of(&p, &axes)?
                }
            };
            let mut shape = p.shape().to_vec();
            shape.push(2);
            let both = ArrayD::from_shape_fn(IxDyn(&shape), |i| {
                let n = i.slice().len() - 1;
                let yes = p[&i.slice()[..n]];
                if i[n] == 1 { yes } else { 1.0 - yes }
            });
            Filled::Discrete(both, vec!["0".into(), "1".into()])
        }
        DistributionKind::Categorical => {
            let over = distribution.over?;
            let all: Vec<Axis> = axes.iter().copied().chain([over]).collect();
            let labels = match d.model.column(c).ty {
                ColumnType::Label(p) => a.engine.evaluator.data.plates[p.index()].labels.clone(),
                _ => vec!["0".into(), "1".into()],
            };
            let p = match scalar(ArgumentName::Logit) {
                Some(e) => {
                    let (m, v) = q.gaussian_predictor(e, &all)?;
                    // The softmax of several latents has no mean in closed form.
                    if v.iter().any(|v| *v != 0.0) {
                        return None;
                    }
                    link::softmax(m)
                }
                None => {
                    let p = q.ex.expand(scalar(ArgumentName::P)?).ok()?;
                    q.of(&p, &all)?
                }
            };
            Filled::Discrete(p, labels)
        }
        _ => return None,
    };
    keep_cells(a, c, &mut filled);
    Some(filled)
}

/// Cells that are there are what they are.
fn keep_cells(a: &Applied<'_, '_>, c: ColumnId, filled: &mut Filled) {
    match (filled, &a.engine.evaluator.data.columns[c.index()]) {
        (Filled::Number(mean, sd), Cells::Numbers(v)) => {
            for (i, x) in v.indexed_iter() {
                if !x.is_nan() {
                    for (slot, value) in [(mean.get_mut(&i), *x), (sd.get_mut(&i), 0.0)] {
                        slot.into_iter().for_each(|s| *s = value);
                    }
                }
            }
        }
        (Filled::Discrete(p, _), Cells::Elements(v)) => {
            for (i, e) in v.indexed_iter() {
                if *e != BLANK {
                    let labels = p.shape().last().copied().unwrap_or(0);
                    for k in 0..labels {
                        let mut at = i.slice().to_vec();
                        at.push(k);
                        if let Some(x) = p.get_mut(IxDyn(&at)) {
                            *x = f64::from(u8::from(k == *e as usize));
                        }
                    }
                }
            }
        }
        _ => {}
    }
}

/// Expectations of polynomials under q, row-level q included.
struct Expectation<'e, 'a, 'x> {
    a: &'e Applied<'e, 'a>,
    ex: Expander<'x>,
    blocks: Vec<Block>,
    state: State,
}

impl<'e, 'a, 'x> Expectation<'e, 'a, 'x> {
    fn new(a: &'e Applied<'e, 'a>, ex: Expander<'x>) -> Self {
        let d = a.engine.derivation;
        let mut state = a.state.clone();
        let mut blocks = d.blocks.clone();
        for b in a.engine.bound.iter().flatten() {
            for (u, q) in local::marginals(a.engine, &a.state, b).0 {
                let kind = MomentKind::Statistic(u, StatisticKind::Indicator);
                state.moments.insert(kind, q);
            }
        }
        // Here q of the rows is at hand, so that no block is summed out row by row.
        blocks.iter_mut().for_each(|b| b.rows = None);
        Expectation {
            a,
            ex,
            blocks,
            state,
        }
    }

    /// E[e] and its variance under q.
    fn mean_and_variance(&mut self, e: &Expr, axes: &[Axis]) -> Option<(ArrayD<f64>, ArrayD<f64>)> {
        let all = self.ex.expand(e).ok()?;
        // What is known adds nothing to the spread, and would cancel in it.
        let (varying, known): (Polynomial, Polynomial) =
            all.into_iter().partition(|t| !t.stats.is_empty());
        let square = self.ex.multiply(&varying, &varying);
        let first = self.of(&varying, axes)?;
        let second = self.of(&square, axes)?;
        let spread = (second - &first * &first).mapv(|x| x.max(0.0));
        Some((first + self.of(&known, axes)?, spread))
    }

    /// The expectation of a polynomial over its free axes, the first of which runs over rows.
    fn of(&mut self, p: &Polynomial, axes: &[Axis]) -> Option<ArrayD<f64>> {
        let engine = self.a.engine;
        let shape: Vec<usize> = axes.iter().map(|a| engine.size(*a)).collect();
        let target: Vec<Subscript> = axes.iter().map(|a| Subscript::Axis(*a)).collect();
        let row = *axes.first()?;
        let mut out = ArrayD::zeros(IxDyn(&shape));
        for t in p {
            let Some(t) = complete(&self.ex, t.clone()) else {
                continue;
            };
            let of = BlockOf {
                blocks: &self.blocks,
                unknowns: &engine.derivation.unknowns,
            };
            for c in of.expect(&t, &target).ok()? {
                for m in &c.moments {
                    self.provide(m.kind)?;
                }
                let sum = Planned::Rows {
                    row,
                    direct: c,
                    hoisted: None,
                };
                engine.add_planned(&self.state, &sum, &[row.plate], &mut out);
            }
        }
        Some(out)
    }

    /// Makes sure that an expectation is there: powers of points, and E[1/v] of a Gamma.
    fn provide(&mut self, kind: MomentKind) -> Option<()> {
        if self.state.moments.contains_key(&kind) {
            return Some(());
        }
        let MomentKind::Statistic(u, StatisticKind::Power(p)) = kind else {
            return None;
        };
        let engine = self.a.engine;
        let unknown = engine.derivation.unknowns.get(u);
        let moment = if unknown.role == Role::Latent {
            // What belongs to rows was found for these rows, the rest stands in the fit.
            let id = engine.derivation.block_of(u)?;
            let here = &self.state.blocks.get(id.index())?.parameters;
            let get = |n: &str| -> Option<ArrayD<f64>> {
                if let Some((_, _, x)) = here.iter().find(|(i, name, _)| *i == 0 && *name == n) {
                    return Some(x.clone());
                }
                let e = self.a.fit.variables.get(&unknown.name)?;
                e.parameters.as_ref()?.get(n).map(|x| x.0.clone())
            };
            let (shape, rate) = (get("shape")?, get("rate")?);
            if p != -1 || shape.iter().any(|x| *x <= 1.0) {
                return None;
            }
            rate / (shape - 1.0)
        } else {
            let value = MomentKind::Statistic(u, StatisticKind::Value);
            let value = self.state.moments.get(&value)?;
            value.mapv(|x| x.powi(i32::from(p)))
        };
        if moment.shape() != engine.shape(u).as_slice() {
            return None;
        }
        self.state.moments.insert(kind, moment);
        Some(())
    }
}
