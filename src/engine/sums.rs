//! Sums over rows of posterior expectations that several contractions hold, made once after each update.
//!
//! ```text
//! A = sum_n w_n data_n (x) E[t_n]        kept where some contraction needs no less than A, and another holds it as well
//! ```
//!
//! Only a run keeps them, and only for blocks whose update reads no sum of its own expectations.

use ndarray::{ArrayD, IxDyn};

use crate::algebra::Subscript;
use crate::derive::{BlockId, Form};
use crate::model::Axis;
use crate::plan::{Planned, Rewrite, RowSum};

use super::Engine;
use super::state::State;

impl Engine<'_> {
    /// The row sums that are kept, as positions in the plan; those of maps are not among them.
    pub(super) fn find_shared(&self) -> Vec<usize> {
        if !self.has(Rewrite::Shared) {
            return vec![];
        }
        let p = self.plan;
        let all: Vec<&Planned> = p
            .messages
            .iter()
            .chain(&p.slopes)
            .flatten()
            .map(|m| &m.how)
            .chain(p.predictors.iter().chain(&p.values).flatten())
            .chain(&p.expectation)
            .collect();
        let worth = |s: &RowSum| {
            let [id] = s.blocks.as_slice() else {
                return false;
            };
            let plain = matches!(
                self.derivation.block(*id).form,
                Form::Gaussian | Form::Family(_)
            );
            let uses = all.iter().filter_map(|p| match p {
                Planned::Rows {
                    hoisted: Some((k, axes, rest)),
                    ..
                } if *k == s.key => Some((axes, &rest.target)),
                _ => None,
            });
            let whole = |(axes, target): (&Vec<Axis>, &Vec<Subscript>)| {
                axes.iter().all(|a| target.contains(&Subscript::Axis(*a)))
            };
            plain && !self.is_pushed(*id) && uses.clone().count() > 1 && uses.clone().any(whole)
        };
        let sums = p.sums.iter().enumerate();
        sums.filter(|(_, s)| worth(s)).map(|(i, _)| i).collect()
    }

    /// Makes the kept sums of a block that was just updated.
    pub(super) fn refresh_sums(&self, state: &mut State, id: BlockId) {
        for i in &self.shared {
            let s = &self.plan.sums[*i];
            if !state.pushing || s.blocks != [id] {
                continue;
            }
            let key = &self.plan.keys[s.key.index()];
            let shape: Vec<usize> = key.axes.iter().map(|x| self.size(*x)).collect();
            let mut out = ArrayD::zeros(IxDyn(&shape));
            self.add_rows_of(state, &s.direct, s.row, &[], &mut out);
            state.accumulated[s.key.index()] = Some(out);
        }
    }

    /// Forgets them: expectations were changed by something other than an update.
    pub(super) fn forget_sums(&self, state: &mut State) {
        for i in &self.shared {
            state.accumulated[self.plan.sums[*i].key.index()] = None;
        }
    }
}
