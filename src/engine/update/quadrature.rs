//! Scalar latents that match no family: exp E[log p], normalised and integrated numerically.
//!
//! ```text
//! q(v) = exp(g(v)) / Z,  g = sum over statistics of message * t(v) + sum over the predictors' rows of c_n f(a_n + b_n v)
//! H = log Z - E[g]
//! ```

use ndarray::{ArrayD, IxDyn};

use crate::derive::{BlockId, MomentKind, Target};
use crate::diag::Diagnostic;
use crate::engine::Engine;
use crate::engine::state::{BlockState, State};
use crate::family::{Improper, StatisticKind};
use crate::model::Domain;
use crate::numeric::link::Link;
use crate::numeric::log_or_floor;
use crate::numeric::quadrature::{self, Support};

use super::Messages;

/// A place of a predictor that an element stands at: c f(a + b v).
struct Place {
    predictor: usize,
    flat: usize,
    link: Link,
    coefficient: f64,
    base: f64,
    slope: f64,
}

impl Engine<'_> {
    pub(super) fn update_quadrature(
        &self,
        state: &mut State,
        id: BlockId,
        messages: &Messages,
        next: &mut BlockState,
    ) -> Result<(), Diagnostic> {
        let block = self.derivation.block(id);
        let u = block.unknowns[0];
        let unknown = self.derivation.unknowns.get(u);
        let shape = self.shape(u);
        let count: usize = shape.iter().product();
        let support = match unknown.domain {
            Domain::Positive => Support::Positive,
            Domain::Probability => Support::Unit,
            _ => Support::Real,
        };
        let kinds: Vec<StatisticKind> = messages
            .keys()
            .filter_map(|t| match t {
                Target::Single(of, k) if *of == u => Some(*k),
                Target::Pair(..) => Some(StatisticKind::Pair),
                _ => None,
            })
            .collect();
        let message = |k: StatisticKind, i: usize| {
            let target = match k {
                StatisticKind::Pair => Target::Pair(u, u),
                k => Target::Single(u, k),
            };
            messages
                .get(&target)
                .and_then(|a| a.as_slice())
                .map_or(0.0, |a| a[i])
        };
        let (places, shapes) = self.places_of(state, id, messages);
        // What is published: every statistic that terms hold, the value and its square.
        let mut wanted: Vec<StatisticKind> = self
            .derivation
            .terms
            .items
            .iter()
            .flat_map(|t| &t.stats)
            .filter(|s| s.of == u)
            .map(|s| s.kind)
            .collect();
        wanted.extend([StatisticKind::Value, StatisticKind::Pair]);
        wanted.sort();
        wanted.dedup();
        let mut published = vec![vec![0.0; count]; wanted.len()];
        let mut functions: Vec<Vec<f64>> = shapes
            .iter()
            .map(|s| vec![0.0; s.iter().product()])
            .collect();
        let weights = self.element_weights(id, unknown.plates());
        for i in 0..count {
            let eta: Vec<(StatisticKind, f64)> =
                kinds.iter().map(|k| (*k, message(*k, i))).collect();
            let here = &places[i];
            let g = |v: f64| -> f64 {
                let own: f64 = eta
                    .iter()
                    .filter(|(_, m)| *m != 0.0)
                    .map(|(k, m)| m * statistic(*k, v))
                    .sum();
                own + here
                    .iter()
                    .map(|p| p.coefficient * p.link.value(p.base + p.slope * v))
                    .sum::<f64>()
            };
            let mut list: Vec<Box<dyn Fn(f64) -> f64 + '_>> = wanted
                .iter()
                .map(|k| {
                    let k = *k;
                    Box::new(move |v: f64| statistic(k, v)) as Box<dyn Fn(f64) -> f64>
                })
                .collect();
            for p in here {
                list.push(Box::new(move |v: f64| p.link.value(p.base + p.slope * v)));
            }
            let list: Vec<&dyn Fn(f64) -> f64> = list.iter().map(|f| f.as_ref()).collect();
            let found = quadrature::density(&g, support, None, &list)
                .map_err(|e| self.improper(u, i, &Improper::new(e.to_string())))?;
            let needed = |k: &StatisticKind| *k != StatisticKind::Pair;
            let finite = |(k, e): (&StatisticKind, &f64)| !needed(k) || e.is_finite();
            if !wanted.iter().zip(&found.expectations).all(finite) || !found.entropy.is_finite() {
                let reason = "an expectation that other updates read is infinite";
                return Err(self.improper(u, i, &Improper::new(reason)));
            }
            next.entropy += weights[i] * found.entropy;
            for (slot, e) in published.iter_mut().zip(&found.expectations) {
                slot[i] = *e;
            }
            for (p, e) in here.iter().zip(&found.expectations[wanted.len()..]) {
                functions[p.predictor][p.flat] = *e;
            }
        }
        let value = wanted.iter().position(|k| *k == StatisticKind::Value);
        let pair = wanted.iter().position(|k| *k == StatisticKind::Pair);
        if let (Some(m), Some(s)) = (value, pair) {
            let variance: Vec<f64> = published[m]
                .iter()
                .zip(&published[s])
                .map(|(m, s)| f64::max(s - m * m, 0.0))
                .map(|v| if v.is_finite() { v } else { 0.0 })
                .collect();
            let kind = MomentKind::Covariance(u, u);
            if let Ok(a) = ArrayD::from_shape_vec(IxDyn(&self.pair_shape(u, u)), variance.clone()) {
                state.moments.insert(kind, a);
            }
            for (name, v) in [("mean", published[m].clone()), ("variance", variance)] {
                if let Ok(a) = ArrayD::from_shape_vec(IxDyn(&shape), v) {
                    next.parameters.push((0, name, a));
                }
            }
        }
        for (k, v) in wanted.iter().zip(published) {
            if *k == StatisticKind::Pair {
                continue;
            }
            if let Ok(a) = ArrayD::from_shape_vec(IxDyn(&shape), v) {
                state.moments.insert(MomentKind::Statistic(u, *k), a);
            }
        }
        for ((p, v), shape) in block.predictors.iter().zip(functions).zip(shapes) {
            let kind = self
                .derivation
                .predictors
                .iter()
                .find(|x| x.id == *p)
                .map(|x| x.kind);
            if let (Some(kind), Ok(a)) = (kind, ArrayD::from_shape_vec(IxDyn(&shape), v)) {
                state.moments.insert(MomentKind::Statistic(*p, kind), a);
            }
        }
        Ok(())
    }

    /// For each element, the places of the block's predictors that it stands at; and the predictors' shapes.
    fn places_of(
        &self,
        state: &State,
        id: BlockId,
        messages: &Messages,
    ) -> (Vec<Vec<Place>>, Vec<Vec<usize>>) {
        let block = self.derivation.block(id);
        let u = block.unknowns[0];
        let shape = self.shape(u);
        let count: usize = shape.iter().product();
        let mut places: Vec<Vec<Place>> = (0..count).map(|_| vec![]).collect();
        let mut shapes = vec![];
        let value = MomentKind::Statistic(u, StatisticKind::Value);
        let unknown_plates = self.derivation.unknowns.get(u).plates();
        for (k, id) in block.predictors.iter().enumerate() {
            let own = self.shape(*id);
            shapes.push(own.clone());
            let Some(p) = self.derivation.predictors.iter().find(|p| p.id == *id) else {
                continue;
            };
            let StatisticKind::Of(link) = p.kind else {
                continue;
            };
            let mut trial = state.clone();
            let mut at = |x: f64| {
                let v = ArrayD::from_elem(IxDyn(&shape), x);
                trial.moments.insert(value, v);
                self.predictor_value(&trial, *id)
            };
            let base = at(0.0);
            let slope = at(1.0) - &base;
            let Some(index) = p
                .body
                .iter()
                .flat_map(|t| &t.stats)
                .find(|s| s.of == u)
                .map(|s| &s.index)
            else {
                continue;
            };
            let numbers: Vec<f64> = (0..count).map(|i| i as f64).collect();
            let Ok(numbers) = ArrayD::from_shape_vec(IxDyn(&shape), numbers) else {
                continue;
            };
            let size = |a| self.size(a);
            let elements = self
                .evaluator
                .gather(&numbers, index)
                .broadcast(&p.axes, &size);
            let zero = ArrayD::zeros(IxDyn(&own));
            let c = messages.get(&Target::Single(*id, p.kind)).unwrap_or(&zero);
            let weights = self.predictor_weights(*id, unknown_plates);
            for (flat, (((e, a), b), (c, w))) in elements
                .iter()
                .zip(&base)
                .zip(&slope)
                .zip(c.iter().zip(&weights))
                .enumerate()
            {
                if e.is_nan() {
                    continue;
                }
                if let Some(list) = places.get_mut(*e as usize) {
                    list.push(Place {
                        predictor: k,
                        flat,
                        link,
                        coefficient: c * w,
                        base: *a,
                        slope: *b,
                    });
                }
            }
        }
        (places, shapes)
    }
}

/// t(v)
fn statistic(kind: StatisticKind, v: f64) -> f64 {
    match kind {
        StatisticKind::Value => v,
        StatisticKind::Pair => v * v,
        StatisticKind::Power(p) => v.powi(i32::from(p)),
        StatisticKind::Log => log_or_floor(v),
        StatisticKind::Log1m => {
            if v < 1.0 {
                (-v).ln_1p()
            } else {
                log_or_floor(0.0)
            }
        }
        StatisticKind::Abs => v.abs(),
        StatisticKind::Of(link) => link.value(v),
        StatisticKind::Indicator | StatisticKind::LogSumExp | StatisticKind::Slope => 0.0,
    }
}
