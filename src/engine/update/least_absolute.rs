//! Points under absolute values: least absolute deviations, beside quadratic terms and absolute values of their own.
//!
//! ```text
//! max over v   -sum_i c_i |y_i + x_i'v| + b'v + v'Qv - sum_j l_j |v_j|
//! ```
//!
//! c is the message to the absolute value of each predictor, y and x_i its body: y where v is 0, x a column at a time.

use ndarray::{ArrayD, IxDyn};

use crate::algebra::UnknownId;
use crate::derive::{BlockId, MomentKind, Target};
use crate::diag::Diagnostic;
use crate::engine::Engine;
use crate::engine::init::publish_point;
use crate::engine::state::{BlockState, State};
use crate::family::StatisticKind;
use crate::model::PlateId;
use crate::numeric::least_absolute::{Deviations, weighted_median};
use crate::numeric::link::Link;

use super::Messages;

impl Engine<'_> {
    pub(super) fn update_least_absolute(
        &self,
        state: &mut State,
        id: BlockId,
        messages: &Messages,
        next: &mut BlockState,
    ) -> Result<(), Diagnostic> {
        let block = self.derivation.block(id);
        let u = block.unknowns[0];
        let q = self.quadratic(id, messages);
        let n = q.n;
        let mut v = vec![0.0; n];
        self.current(state, id, &q.layouts, &q.offsets, 0, &mut v);
        let rates: Vec<f64> = q
            .collect(&block.unknowns, StatisticKind::Abs, messages)
            .iter()
            .map(|l| (-l).max(0.0))
            .collect();
        let mut weights: Vec<f64> = vec![];
        for p in &block.predictors {
            let target = Target::Single(*p, StatisticKind::Of(Link::Abs));
            let own = self.predictor_weights(*p, &[]);
            match messages.get(&target) {
                Some(c) => weights.extend(c.iter().zip(&own).map(|(c, w)| (-c).max(0.0) * w)),
                None => weights.extend(own.iter().map(|_| 0.0)),
            }
        }
        let at = |state: &mut State, x: &[f64]| -> Vec<f64> {
            for (i, u) in block.unknowns.iter().enumerate() {
                let shape = self.shape(*u);
                if let Ok(a) = ArrayD::from_shape_vec(IxDyn(&shape), q.part(i, x)) {
                    let kind = MomentKind::Statistic(*u, StatisticKind::Value);
                    state.moments.insert(kind, a);
                }
            }
            let mut out = vec![];
            for p in &block.predictors {
                out.extend(self.predictor_value(state, *p).iter());
            }
            out
        };
        let base = at(state, &vec![0.0; n]);
        let rows = base.len();
        let mut x = vec![0.0; rows * n];
        for j in 0..n {
            let mut unit = vec![0.0; n];
            unit[j] = 1.0;
            for (i, (e, o)) in at(state, &unit).iter().zip(&base).enumerate() {
                x[i * n + j] = e - o;
            }
        }
        let a: Vec<f64> = match q.precisions.matrices.first() {
            Some(half) => (0..n * n)
                .map(|k| -(half[k] + half[(k % n) * n + k / n]))
                .collect(),
            None => vec![0.0; n * n],
        };
        // |y + x'v| = |(-y) - x'v|
        let y: Vec<f64> = base.iter().map(|y| -y).collect();
        let free = |list: &[f64]| list.iter().all(|x| *x == 0.0);
        let plain = free(&a) && free(&q.linear) && free(&rates);
        let median = (n == 1 && plain)
            .then(|| median(&x, &y, &weights))
            .flatten();
        match median {
            Some(m) => v[0] = m,
            None => {
                let problem = Deviations {
                    x: &x,
                    y: &y,
                    weights: &weights,
                    a: &a,
                    b: &q.linear,
                    l: &rates,
                };
                problem
                    .minimise(&mut v)
                    .map_err(|_| self.unbounded(u, 0, "its terms grow without bound"))?;
            }
        }
        for (i, u) in block.unknowns.iter().enumerate() {
            let shape = self.shape(*u);
            if let Ok(a) = ArrayD::from_shape_vec(IxDyn(&shape), q.part(i, &v)) {
                publish_point(self, state, *u, a.clone())
                    .map_err(|reason| self.unbounded(*u, 0, &reason))?;
                next.parameters.push((i, "value", a));
            }
        }
        state.blocks[id.index()].parameters.clear();
        self.publish_predictors(state, id);
        Ok(())
    }

    /// The weight of each place of a predictor: that of its row, where its table has weights and its elements are not those
    /// of `own` plates, whose weights multiply the whole factor.
    pub(super) fn predictor_weights(&self, p: UnknownId, own: &[PlateId]) -> Vec<f64> {
        let slots = &self.derivation.unknowns.get(p).slots;
        let shape = self.shape(p);
        let mut out = ArrayD::from_elem(IxDyn(&shape), 1.0);
        for (i, plate) in slots.iter().enumerate() {
            if let Some(w) = self
                .evaluator
                .weights(*plate)
                .filter(|_| !own.contains(plate))
            {
                for (mut part, w) in out.axis_iter_mut(ndarray::Axis(i)).zip(w) {
                    part.mapv_inplace(|x| x * w);
                }
            }
        }
        out.iter().copied().collect()
    }
}

/// The weighted median of y / x, the middle of all that are as good; none if no row counts.
fn median(x: &[f64], y: &[f64], weights: &[f64]) -> Option<f64> {
    let (at, weight): (Vec<f64>, Vec<f64>) = x
        .iter()
        .zip(y)
        .zip(weights)
        .filter(|((x, _), w)| **x != 0.0 && **w > 0.0)
        .map(|((x, y), w)| (y / x, w * x.abs()))
        .unzip();
    weighted_median(&at, &weight)
}
