//! The state of some elements: taken out of that of all, and put back.

use ndarray::{ArrayD, Axis as Dim, IxDyn};

use crate::derive::MomentKind;
use crate::engine::Engine;
use crate::engine::state::{BlockState, State};

use super::step::Batches;
use super::subset::Chosen;

impl Batches<'_, '_> {
    /// True for what a local block publishes.
    pub(super) fn is_local(&self, kind: &MomentKind) -> bool {
        let block = self.engine.derivation.block_of(kind.unknown());
        block.is_some_and(|b| self.parts.local[b.index()])
    }

    /// The dimensions of a local expectation that run over elements, each with its member of the reach.
    fn cut_dims(&self, kind: &MomentKind) -> Vec<(usize, usize)> {
        let plates = self.engine.moment_plates(*kind);
        let own = plates.iter().enumerate();
        own.filter_map(|(i, p)| Some((i, self.parts.reach.position(*p)?)))
            .collect()
    }

    /// The state of chosen elements. What belongs to no element goes over to it until it is put back.
    pub(super) fn take_out(&self, here: &Engine<'_>, chosen: &Chosen, state: &mut State) -> State {
        let mut own = here.empty_state();
        let kinds: Vec<MomentKind> = state.moments.keys().copied().collect();
        for kind in kinds {
            if !self.is_local(&kind) {
                if let Some(a) = state.moments.remove(&kind) {
                    own.moments.insert(kind, a);
                }
                continue;
            }
            let Some(all) = state.moments.get(&kind) else {
                continue;
            };
            let mut part: Option<ArrayD<f64>> = None;
            for (dim, m) in self.cut_dims(&kind) {
                let from = part.as_ref().unwrap_or(all);
                if dim < from.ndim() {
                    part = Some(from.select(Dim(dim), &chosen.elements[m]));
                }
            }
            own.moments
                .insert(kind, part.unwrap_or_else(|| all.clone()));
        }
        for (i, b) in state.blocks.iter_mut().enumerate() {
            own.blocks[i] = match self.parts.local[i] {
                true => BlockState::default(),
                false => std::mem::take(b),
            };
        }
        for (i, key) in here.plan.keys.iter().enumerate() {
            if !self.parts.reach.holds(key.plate) {
                own.accumulated[i] = state.accumulated[i].clone();
            }
        }
        own
    }

    /// Puts back what belongs to no element, and the expectations of the chosen ones; returns what all elements share.
    pub(super) fn put_back(
        &self,
        own: State,
        chosen: &Chosen,
        state: &mut State,
    ) -> Vec<(MomentKind, ArrayD<f64>)> {
        let mut shared = vec![];
        for (i, b) in own.blocks.into_iter().enumerate() {
            if !self.parts.local[i] {
                state.blocks[i] = b;
            }
        }
        for (kind, a) in own.moments.into_arrays() {
            if !self.is_local(&kind) {
                state.moments.insert(kind, a);
                continue;
            }
            match self.cut_dims(&kind).as_slice() {
                [] => shared.push((kind, a)),
                [(dim, m)] => {
                    let shape = self.engine.moment_shape(kind);
                    let all = state.moments.entry(kind);
                    let all = all.or_insert_with(|| ArrayD::zeros(IxDyn(&shape)));
                    if *dim >= all.ndim() {
                        continue;
                    }
                    for (from, to) in chosen.elements[*m].iter().enumerate() {
                        all.index_axis_mut(Dim(*dim), *to)
                            .assign(&a.index_axis(Dim(*dim), from));
                    }
                }
                // Of two elements at once: made anew at every visit.
                _ => {}
            }
        }
        shared
    }
}
