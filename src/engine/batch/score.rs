//! The objective in two parts: the terms of some elements, and those of none.

use ndarray::{ArrayD, IxDyn};

use crate::engine::Engine;
use crate::engine::passes::weighted_sum;
use crate::engine::state::State;

use super::parts::owned_pass;
use super::step::Batches;

impl Batches<'_, '_> {
    /// The terms of the objective that belong to these elements: as they are, and scaled.
    pub(super) fn objective(&self, here: &Engine<'_>, own: &State, scale: &[f64]) -> (f64, f64) {
        let (mut plain, mut scaled) = (0.0, 0.0);
        let mut add = |x: f64, m: usize| {
            plain += x;
            scaled += scale[m] * x;
        };
        for how in &here.plan.expectation {
            if let Some(m) = self.parts.counted(here, how) {
                let mut out = ArrayD::zeros(IxDyn(&[]));
                here.add_planned(own, how, &[], &mut out);
                add(out.first().copied().unwrap_or(0.0), m);
            }
        }
        for (p, blocks) in here.bound.iter().enumerate() {
            let Some(m) = self.parts.reach.position(here.plan.passes[p].plate) else {
                continue;
            };
            for k in blocks.iter().flat_map(|b| &b.keys) {
                if let Some(a) = &own.accumulated[k.index()] {
                    let t = here.table(own, *k);
                    add(weighted_sum(&t, a.as_slice().unwrap_or(&[])), m);
                }
            }
            add(own.passes[p].entropy, m);
        }
        for (i, b) in here.derivation.blocks.iter().enumerate() {
            let member = b.batch.iter().find_map(|p| self.parts.reach.position(*p));
            if let Some(m) = member.filter(|_| self.parts.local[i]) {
                add(own.blocks[i].entropy, m);
            }
        }
        (plain, scaled)
    }

    /// The terms of the objective that belong to no element.
    pub fn global_objective(&self, state: &State) -> f64 {
        let whole = self.engine;
        let mut out = ArrayD::zeros(IxDyn(&[]));
        for how in &whole.plan.expectation {
            if self.parts.counted(whole, how).is_none() {
                whole.add_planned(state, how, &[], &mut out);
            }
        }
        let mut l = out.first().copied().unwrap_or(0.0);
        for (p, blocks) in whole.bound.iter().enumerate() {
            if owned_pass(&self.parts.reach, whole, p) {
                continue;
            }
            for k in blocks.iter().flat_map(|b| &b.keys) {
                if let Some(a) = &state.accumulated[k.index()] {
                    let t = whole.table(state, *k);
                    l += weighted_sum(&t, a.as_slice().unwrap_or(&[]));
                }
            }
            l += state.passes[p].entropy;
        }
        let global = state.blocks.iter().zip(&self.parts.local);
        l + global
            .filter(|(_, local)| !**local)
            .map(|(b, _)| b.entropy)
            .sum::<f64>()
    }
}
