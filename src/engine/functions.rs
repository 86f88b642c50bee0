//! Predictors and functions of unknowns at their current values.
//!
//! ```text
//! eta = sum of products over its axes         f(eta), log sum_k exp eta_k         slope = dL/df f'(eta)
//! ```

use ndarray::{ArrayD, Axis as Dim, IxDyn};

use crate::algebra::UnknownId;
use crate::derive::{BlockId, Form, MomentKind};
use crate::family::StatisticKind;
use crate::model::{Domain, PlateId};

use super::Engine;
use super::state::State;

impl Engine<'_> {
    /// How many copies each element of an auxiliary stands for, over its slots.
    pub fn copies(&self, u: UnknownId) -> Option<Vec<f64>> {
        let (axes, k) = self.derivation.unknowns.get(u).copies.as_ref()?;
        let size = |a| self.size(a);
        Some(
            self.known(k)
                .broadcast(axes, &size)
                .iter()
                .copied()
                .collect(),
        )
    }

    /// The position of a predictor.
    fn predictor(&self, id: UnknownId) -> Option<usize> {
        self.derivation.predictors.iter().position(|p| p.id == id)
    }

    /// Points before anything is known: 0, 1 or equal shares.
    pub fn start_points(&self, state: &mut State, id: BlockId) {
        for u in &self.derivation.block(id).unknowns {
            let shape = IxDyn(&self.shape(*u));
            let value = match self.derivation.unknowns.get(*u).domain {
                Domain::Positive => ArrayD::from_elem(shape, 1.0),
                Domain::Probability => ArrayD::from_elem(shape, 0.5),
                _ => ArrayD::zeros(shape),
            };
            // A default value is inside its domain by construction.
            let _ = super::init::publish_point(self, state, *u, value);
        }
        state.blocks[id.index()].parameters.clear();
    }

    /// The body of a predictor at the current values, over its axes. Rows are not weighted.
    pub(super) fn predictor_value(&self, state: &State, id: UnknownId) -> ArrayD<f64> {
        let mut out = ArrayD::zeros(IxDyn(&self.shape(id)));
        if let Some(at) = self.predictor(id) {
            let own: Vec<PlateId> = self.derivation.unknowns.get(id).slots.clone();
            for p in &self.plan.predictors[at] {
                self.add_planned(state, p, &own, &mut out);
            }
        }
        out
    }

    /// Publishes the predictors of a block, and their functions, at the current points.
    pub(super) fn publish_predictors(&self, state: &mut State, id: BlockId) {
        let block = self.derivation.block(id);
        if matches!(block.form, Form::Quadrature) {
            return;
        }
        for p in &block.predictors {
            let value = self.predictor_value(state, *p);
            let Some(at) = self.predictor(*p) else {
                continue;
            };
            let kind = self.derivation.predictors[at].kind;
            let function = match kind {
                StatisticKind::Of(link) => value.mapv(|x| link.value(x)),
                StatisticKind::LogSumExp => log_sum_exp(&value),
                _ => continue,
            };
            state
                .moments
                .insert(MomentKind::Statistic(*p, kind), function);
            let value_kind = MomentKind::Statistic(*p, StatisticKind::Value);
            state.moments.insert(value_kind, value);
        }
    }

    /// Publishes the predictors of all points, after a start.
    pub fn publish_all_predictors(&self, state: &mut State) {
        for i in 0..self.derivation.blocks.len() {
            self.publish_predictors(state, BlockId(i as u32));
        }
    }

    /// dL/deta of a predictor from dL/df over the statistic's axes.
    pub(super) fn slope(&self, state: &State, id: UnknownId, of: &ArrayD<f64>) -> ArrayD<f64> {
        let shape = self.shape(id);
        let zeros = || ArrayD::zeros(IxDyn(&shape));
        let value_kind = MomentKind::Statistic(id, StatisticKind::Value);
        let (Some(at), Some(value)) = (self.predictor(id), state.moments.get(&value_kind)) else {
            return zeros();
        };
        match self.derivation.predictors[at].kind {
            StatisticKind::Of(link) => {
                let mut out = of.clone();
                // Where nothing reads the function its slope may be infinite.
                out.zip_mut_with(value, |c, x| {
                    if *c != 0.0 {
                        *c *= link.derivative(*x);
                    }
                });
                out
            }
            StatisticKind::LogSumExp => {
                let mut out = value.clone();
                let last = Dim(out.ndim().saturating_sub(1));
                let mut flat = of.iter();
                for mut lane in out.lanes_mut(last) {
                    let c = flat.next().copied().unwrap_or(0.0);
                    let top = lane.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                    lane.mapv_inplace(|x| (x - top).exp());
                    let total: f64 = lane.sum();
                    lane.mapv_inplace(|x| c * x / total);
                }
                out
            }
            _ => zeros(),
        }
    }
}

/// log sum exp along the last dimension.
fn log_sum_exp(value: &ArrayD<f64>) -> ArrayD<f64> {
    let last = Dim(value.ndim().saturating_sub(1));
    value.map_axis(last, |lane| {
        let top = lane.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        if top == f64::NEG_INFINITY {
            return top;
        }
        top + lane.iter().map(|x| (x - top).exp()).sum::<f64>().ln()
    })
}
