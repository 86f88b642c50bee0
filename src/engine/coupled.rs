//! Updates of blocks whose messages are kept by compound statistic: networks of discrete or Gaussian elements, and Gaussians
//! given a discrete unknown.

use ndarray::{ArrayD, IxDyn};

use crate::derive::{BlockId, MomentKind, Target};
use crate::diag::{Code, Diagnostic};
use crate::family::StatisticKind;
use crate::model::Role;

use super::Engine;
use super::network::{Impossible, Network, Solved};
use super::state::{BlockState, State};
use super::update::Messages;

/// An array of this shape; the length agrees by construction.
pub(super) fn shaped(shape: &[usize], values: Vec<f64>) -> ArrayD<f64> {
    ArrayD::from_shape_vec(IxDyn(shape), values).unwrap_or_else(|_| ArrayD::zeros(IxDyn(shape)))
}

impl Engine<'_> {
    /// The messages to a block's compounds, in their order.
    pub(super) fn by_compound<'m>(
        &self,
        id: BlockId,
        messages: &'m Messages,
    ) -> Vec<Option<&'m [f64]>> {
        (0..self.derivation.block(id).compounds.len() as u32)
            .map(|i| {
                messages
                    .get(&Target::Compound(i))
                    .and_then(|a| a.as_slice())
            })
            .collect()
    }

    pub(super) fn update_network(
        &self,
        state: &mut State,
        id: BlockId,
        messages: &Messages,
        next: &mut BlockState,
    ) -> Result<(), Diagnostic> {
        let Some(network) = &self.networks[id.index()] else {
            return Ok(());
        };
        let before = match state.blocks[id.index()].network.take() {
            Some(s) => s,
            None => self.product(state, id, network),
        };
        let point = self.derivation.block(id).role != Role::Latent;
        let solved = network
            .update(&self.by_compound(id, messages), &before, point)
            .map_err(|e| self.impossible_element(id, e))?;
        self.publish_network(state, id, solved, next);
        Ok(())
    }

    /// q as a product over elements, from their published probabilities.
    fn product(&self, state: &State, id: BlockId, network: &Network) -> Solved {
        let block = self.derivation.block(id);
        let uniform: Vec<ArrayD<f64>> = block
            .unknowns
            .iter()
            .map(|u| {
                let kind = MomentKind::Statistic(*u, StatisticKind::Indicator);
                state.moments.get(&kind).cloned().unwrap_or_else(|| {
                    let shape = self.moment_shape(kind);
                    let k = shape.last().copied().unwrap_or(1).max(1);
                    ArrayD::from_elem(IxDyn(&shape), 1.0 / k as f64)
                })
            })
            .collect();
        network.product(&uniform.iter().collect::<Vec<_>>())
    }

    /// Publishes what follows from the probabilities of a network's elements as a product.
    pub(crate) fn publish_product(&self, state: &mut State, id: BlockId) {
        let Some(network) = &self.networks[id.index()] else {
            return;
        };
        let solved = self.product(state, id, network);
        let mut next = BlockState {
            initialised: true,
            ..BlockState::default()
        };
        self.publish_network(state, id, solved, &mut next);
        state.blocks[id.index()] = next;
    }

    fn publish_network(
        &self,
        state: &mut State,
        id: BlockId,
        solved: Solved,
        next: &mut BlockState,
    ) {
        let block = self.derivation.block(id);
        let Some(network) = &self.networks[id.index()] else {
            return;
        };
        for (i, u) in block.unknowns.iter().enumerate() {
            let kind = MomentKind::Statistic(*u, StatisticKind::Indicator);
            let p = shaped(&self.moment_shape(kind), network.probabilities(&solved, i));
            next.parameters.push((i, "probabilities", p.clone()));
            state.moments.insert(kind, p);
        }
        for (i, c) in block.compounds.iter().enumerate() {
            if c.stats.len() > 1 {
                let at = i as u32;
                let e = network.expectation(&solved, i);
                state.moments.insert(
                    MomentKind::Compound(block.unknowns[0], at),
                    shaped(&self.compound_shape(id, at), e),
                );
            }
        }
        next.entropy = solved.entropy;
        next.network = Some(solved);
    }

    fn impossible_element(&self, id: BlockId, e: Impossible) -> Diagnostic {
        let u = self.derivation.block(id).unknowns[e.unknown];
        Diagnostic::new(Code::E0710, "an element is impossible under the model")
            .at(self.place(u), "no joint state is possible here")
            .note(format!(
                "seen at {}: with the data it meets, every state has probability 0",
                self.element_name_of(u, e.element)
            ))
            .help("a prior keeps probabilities away from 0; or give other starting values with --init")
    }

    /// An element of an unknown over all its plates, in the model's words.
    pub(super) fn element_name_of(&self, u: crate::algebra::UnknownId, flat: usize) -> String {
        let unknown = self.derivation.unknowns.get(u);
        let shape: Vec<usize> = unknown
            .plates()
            .iter()
            .map(|p| self.plate_size(*p))
            .collect();
        let at = super::bind::unflatten(flat, &shape);
        let parts: Vec<String> = unknown
            .plates()
            .iter()
            .zip(at)
            .map(|(p, i)| {
                let data = &self.evaluator.data.plates[p.index()];
                let label = data.labels.get(i).cloned();
                format!(
                    "{} = {}",
                    self.derivation.model.plate(*p).name,
                    label.unwrap_or_else(|| (i + 1).to_string())
                )
            })
            .collect();
        format!("{}[{}]", unknown.name, parts.join(", "))
    }
}
