//! Updates of blocks that are not row by row: collect the messages, read out the family.
//!
//! `latent` publishes `E[t]` and the entropy; `param` and `as dirac` publish t(mode).

mod constrained;
mod discrete;
mod family;
mod gaussian;
mod least_absolute;
mod optimised;
mod penalised;
mod precision;
mod quadratic;
mod quadrature;
mod scale;

pub use precision::Patterns;

use std::collections::BTreeMap;

use ndarray::{ArrayD, IxDyn};
use rayon::prelude::*;

use crate::algebra::{Origin, UnknownId};
use crate::data::Cells;
use crate::derive::{BlockId, Form, MomentKind, Target};
use crate::diag::{Code, Diagnostic};
use crate::family::Improper;
use crate::model::PlateId;
use crate::plan::{Planned, PlannedMessage};

use super::Engine;
use super::bind::unflatten;
use super::state::State;
use super::symmetric::add_orders;

/// Elements that one task copies at least.
const ELEMENTS: usize = 256;

/// What an update noticed.
#[derive(Debug, Clone, Default)]
pub struct Noticed {
    /// Elements whose mode lies on the boundary of its support: (unknown, how many).
    pub boundary: Vec<(UnknownId, usize)>,
    /// Elements that no data reached and that kept their value: (unknown, how many).
    pub kept: Vec<(UnknownId, usize)>,
}

/// The natural parameter of a block, by statistic.
pub(super) type Messages = BTreeMap<Target, ArrayD<f64>>;

impl Engine<'_> {
    /// Updates a block.
    ///
    /// # Errors
    /// E0502 a latent whose factor is improper, E0715 a point without a finite maximum.
    pub fn update(&self, state: &mut State, id: BlockId) -> Result<Noticed, Diagnostic> {
        let messages = self.messages(state, id, false);
        self.read_out(state, id, &messages)
    }

    /// Updates a block from the messages that hold no other unknown: its prior, where that is conjugate by itself.
    ///
    /// # Errors
    /// As [`Engine::update`].
    pub fn update_from_prior(&self, state: &mut State, id: BlockId) -> Result<(), Diagnostic> {
        let messages = self.messages(state, id, true);
        self.read_out(state, id, &messages).map(|_| ())
    }

    /// Gives a block the q, or the point, of a natural parameter.
    pub(super) fn read_out(
        &self,
        state: &mut State,
        id: BlockId,
        messages: &Messages,
    ) -> Result<Noticed, Diagnostic> {
        let block = self.derivation.block(id);
        let mut noticed = Noticed::default();
        let mut next = super::state::BlockState {
            initialised: true,
            updated: true,
            ..Default::default()
        };
        match &block.form {
            Form::Family(f) => {
                self.update_family(state, id, *f, messages, &mut next, &mut noticed)?
            }
            Form::Gaussian => self.update_gaussian(state, id, messages, &mut next, &mut noticed)?,
            Form::GaussianWishart | Form::GaussianGamma => {
                self.update_scale(state, id, messages, &mut next)?;
            }
            Form::Discrete => self.update_discrete(state, id, messages, &mut next),
            Form::Deviation => self.update_deviation(state, id, messages, &mut next)?,
            Form::Network => self.update_network(state, id, messages, &mut next)?,
            Form::GaussianNetwork => {
                self.update_gaussian_network(state, id, messages, &mut next)?
            }
            Form::Conditional => self.update_conditional(state, id, messages, &mut next)?,
            Form::Penalised => {
                self.update_penalised(state, id, messages, &mut next, &mut noticed)?;
            }
            Form::UnitVectors => {
                self.update_unit_vectors(state, id, messages, &mut next, &mut noticed)?;
            }
            Form::Increasing => self.update_increasing(state, id, messages, &mut next)?,
            Form::Optimised => self.update_optimised(state, id, &mut next, &mut noticed)?,
            Form::LeastAbsolute => {
                self.update_least_absolute(state, id, messages, &mut next)?;
            }
            Form::Quadrature => self.update_quadrature(state, id, messages, &mut next)?,
        }
        state.blocks[id.index()] = next;
        Ok(noticed)
    }

    /// The natural parameter, by statistic.
    pub(super) fn messages(&self, state: &State, id: BlockId, prior_only: bool) -> Messages {
        let prior =
            |m: &PlannedMessage| matches!(&m.how, Planned::Global(c) if c.moments.is_empty());
        self.messages_to(state, id, &|m| !prior_only || prior(m))
    }

    /// Those of the messages that are wanted, by statistic.
    pub(super) fn messages_to(
        &self,
        state: &State,
        id: BlockId,
        wanted: &dyn Fn(&PlannedMessage) -> bool,
    ) -> Messages {
        let block = self.derivation.block(id);
        // Such a block takes its messages at each candidate.
        if matches!(block.form, Form::Optimised) {
            return Messages::new();
        }
        let own_rows: Vec<PlateId> = block
            .batch
            .iter()
            .copied()
            .filter(|p| self.derivation.model.table_of(*p).is_some())
            .collect();
        let mut out: Messages = BTreeMap::new();
        let mut lists: BTreeMap<Target, Vec<&Planned>> = BTreeMap::new();
        for m in &self.plan.messages[id.index()] {
            if !wanted(m) {
                continue;
            }
            let shape = match m.target {
                Target::Single(u, k) => self.moment_shape(MomentKind::Statistic(u, k)),
                Target::Pair(u, v) => self.pair_shape(u, v),
                Target::Cross => self.moment_shape(MomentKind::Cross(block.unknowns[0])),
                Target::Quadratic => self.moment_shape(MomentKind::Quadratic(block.unknowns[0])),
                Target::Compound(at) => self.compound_shape(id, at),
            };
            if let (Target::Pair(..), Some(p)) = (m.target, self.patterns(id)) {
                let shape = self.pattern_shape(shape, &p);
                let slot = out
                    .entry(m.target)
                    .or_insert_with(|| ArrayD::zeros(IxDyn(&shape)));
                self.pattern_message(state, &m.how, &p, slot);
                continue;
            }
            out.entry(m.target)
                .or_insert_with(|| ArrayD::zeros(IxDyn(&shape)));
            lists.entry(m.target).or_default().push(&m.how);
        }
        for (target, list) in lists {
            let Some(slot) = out.get_mut(&target) else {
                continue;
            };
            let own = match target {
                Target::Single(u, _) if self.derivation.unknowns.is_predictor(u) => {
                    &self.derivation.unknowns.get(u).slots
                }
                _ => &own_rows,
            };
            self.add_all_planned(state, list, own, slot);
        }
        if let Some(slot) = self.symmetric_slot(block.unknowns[0]) {
            out.values_mut().for_each(|a| add_orders(a, slot));
        }
        out
    }

    /// Weights of the elements of a block along these plates, flat; all 1 where no plate has weights. The second place of
    /// a symmetric element counts nothing.
    pub(super) fn element_weights(&self, id: BlockId, plates: &[PlateId]) -> Vec<f64> {
        let shape: Vec<usize> = plates.iter().map(|p| self.plate_size(*p)).collect();
        let weights: Vec<Option<Vec<f64>>> =
            plates.iter().map(|p| self.evaluator.weights(*p)).collect();
        let count = shape.iter().product();
        let counts = |is: &bool| if *is { 1.0 } else { 0.0 };
        if weights.iter().all(Option::is_none) {
            return self.elements_of(id, count).iter().map(counts).collect();
        }
        (0..count)
            .map(|i| {
                let at = unflatten(i, &shape);
                weights
                    .iter()
                    .zip(at)
                    .map(|(w, i)| w.as_ref().map_or(1.0, |w| w[i]))
                    .product()
            })
            .zip(self.elements_of(id, count))
            .map(|(w, is): (f64, bool)| if is { w } else { 0.0 })
            .collect()
    }

    fn elements_of(&self, id: BlockId, count: usize) -> Vec<bool> {
        let u = self.derivation.block(id).unknowns[0];
        match self.symmetric_slot(u) {
            Some(_) => self.elements(u),
            None => vec![true; count],
        }
    }

    /// For each unknown of a block: flat positions of its elements by (batch, inside).
    pub fn layout(&self, id: BlockId, i: usize) -> (Vec<usize>, usize) {
        self.layout_of(id, i, &self.shape(self.derivation.block(id).unknowns[i]))
    }

    /// The same in an array whose slots have other sizes.
    pub(super) fn layout_of(&self, id: BlockId, i: usize, shape: &[usize]) -> (Vec<usize>, usize) {
        let block = self.derivation.block(id);
        let batch: Vec<usize> = block.batch_slots[i].iter().map(|s| shape[*s]).collect();
        let inside: Vec<usize> = block.inside_slots[i].iter().map(|s| shape[*s]).collect();
        // How far one step along each slot goes in the flat order.
        let mut strides = vec![1; shape.len()];
        for k in (1..shape.len()).rev() {
            strides[k - 1] = strides[k] * shape[k];
        }
        let offsets = |slots: &[usize], sizes: &[usize]| -> Vec<usize> {
            (0..sizes.iter().product())
                .map(|x| {
                    let at = unflatten(x, sizes);
                    slots.iter().zip(at).map(|(s, v)| strides[*s] * v).sum()
                })
                .collect()
        };
        let within = offsets(&block.inside_slots[i], &inside);
        let n = within.len();
        let elements = offsets(&block.batch_slots[i], &batch);
        let mut positions = vec![0; elements.len() * n];
        positions
            .par_chunks_mut(n.max(1))
            .with_min_len(ELEMENTS)
            .zip(&elements)
            .for_each(|(own, b)| {
                for (p, w) in own.iter_mut().zip(&within) {
                    *p = b + w;
                }
            });
        (positions, n)
    }

    /// The element of an unknown in the model's words: `Sigma[cluster = 2]`.
    pub fn element_name(&self, u: UnknownId, flat: usize) -> String {
        let unknown = self.derivation.unknowns.get(u);
        let block = self.derivation.block_of(u);
        let plates: Vec<PlateId> = block.map_or_else(
            || unknown.plates().to_vec(),
            |b| self.derivation.block(b).batch.clone(),
        );
        let shape: Vec<usize> = plates.iter().map(|p| self.plate_size(*p)).collect();
        let at = unflatten(flat, &shape);
        let parts: Vec<String> = plates
            .iter()
            .zip(at)
            .map(|(p, i)| {
                let data = &self.evaluator.data.plates[p.index()];
                let label = data
                    .labels
                    .get(i)
                    .cloned()
                    .unwrap_or_else(|| (i + 1).to_string());
                format!("{} = {label}", self.derivation.model.plate(*p).name)
            })
            .collect();
        if parts.is_empty() {
            unknown.name.clone()
        } else {
            format!("{}[{}]", unknown.name, parts.join(", "))
        }
    }

    /// The cells of a number column that is partly unknown, relative to its centre; NaN where blank.
    pub fn cells(&self, u: UnknownId) -> Option<ArrayD<f64>> {
        let Origin::Column(c) = self.derivation.unknowns.get(u).origin else {
            return None;
        };
        let Cells::Numbers(v) = &self.evaluator.data.columns[c.index()] else {
            return None;
        };
        let mut v = v.to_owned();
        if let Some(c) = self.centre(u) {
            v -= &c;
        }
        Some(v)
    }

    /// Where an unknown is declared.
    pub(super) fn place(&self, u: UnknownId) -> crate::source::Span {
        match self.derivation.unknowns.get(u).origin {
            Origin::Variable(v) => self.derivation.model.variable(v).name_span,
            Origin::Column(c) => self.derivation.model.column(c).span,
            Origin::Predictor(_) => crate::source::Span::default(),
        }
    }

    pub(super) fn improper(&self, u: UnknownId, flat: usize, e: &Improper) -> Diagnostic {
        Diagnostic::new(Code::E0502, "a latent's factor is improper")
            .at(
                self.place(u),
                format!("{}: {}", self.element_name(u, flat), e.reason),
            )
            .help(
                "give it a proper prior with a larger shape, df or precision, or make it a `param`",
            )
    }

    pub(super) fn unbounded(&self, u: UnknownId, flat: usize, reason: &str) -> Diagnostic {
        Diagnostic::new(Code::E0715, "objective without bound")
            .at(
                self.place(u),
                format!("{}: {reason}", self.element_name(u, flat)),
            )
            .help("give it a prior (`~` instead of `:`), use fewer elements, or start elsewhere (--seed, --init)")
    }
}
