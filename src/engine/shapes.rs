//! The sizes of published expectations and messages: which plate each dimension runs over, as a number of elements.

use crate::algebra::UnknownId;
use crate::derive::{BlockId, Form, MomentKind};
use crate::family::StatisticKind;
use crate::model::PlateId;

use super::Engine;

impl Engine<'_> {
    /// The dimensions of a published expectation.
    pub fn moment_shape(&self, kind: MomentKind) -> Vec<usize> {
        match kind {
            MomentKind::Map(u, j) => self.map_shape(u, j as usize),
            _ => self.sizes(self.moment_plates(kind)),
        }
    }

    /// The plate of every dimension of a published expectation; none for a map, whose dimensions are not all plates.
    pub fn moment_plates(&self, kind: MomentKind) -> Vec<PlateId> {
        let slots = |u: UnknownId| self.derivation.unknowns.get(u).slots.clone();
        match kind {
            MomentKind::Statistic(u, k) => {
                let unknown = self.derivation.unknowns.get(u);
                let mut plates = slots(u);
                match k {
                    StatisticKind::Log if unknown.domain.value_slots() == 2 => {
                        plates.truncate(plates.len() - 2);
                    }
                    StatisticKind::LogSumExp => {
                        plates.pop();
                    }
                    StatisticKind::Indicator => plates.extend(unknown.element_plate()),
                    _ => {}
                }
                plates
            }
            MomentKind::Covariance(u, v) => self.pair_plates(u, v),
            MomentKind::Cross(u) | MomentKind::Variance(u) => slots(u),
            MomentKind::Map(..) => vec![],
            MomentKind::Compound(u, at) => match self.derivation.block_of(u) {
                Some(b) => self.compound_plates(b, at),
                None => vec![],
            },
            MomentKind::Quadratic(u) => match self.derivation.block_of(u) {
                Some(b) => {
                    let block = self.derivation.block(b);
                    match block.form {
                        Form::GaussianGamma => self.pair_plates(u, u),
                        _ => block.batch.clone(),
                    }
                }
                None => vec![],
            },
        }
    }

    /// The sizes of a compound's axes.
    pub fn compound_shape(&self, b: BlockId, at: u32) -> Vec<usize> {
        self.sizes(self.compound_plates(b, at))
    }

    /// The batch as far as the covariance varies, inside of u, inside of v.
    pub fn pair_shape(&self, u: UnknownId, v: UnknownId) -> Vec<usize> {
        self.sizes(self.pair_plates(u, v))
    }

    fn sizes(&self, plates: Vec<PlateId>) -> Vec<usize> {
        plates.into_iter().map(|p| self.plate_size(p)).collect()
    }

    fn compound_plates(&self, b: BlockId, at: u32) -> Vec<PlateId> {
        let compound = self.derivation.block(b).compounds.get(at as usize);
        let axes = compound.iter().flat_map(|c| &c.axes);
        axes.map(|a| a.plate).collect()
    }

    fn pair_plates(&self, u: UnknownId, v: UnknownId) -> Vec<PlateId> {
        let Some(b) = self.derivation.block_of(u) else {
            return vec![];
        };
        let block = self.derivation.block(b);
        let inside = |u: UnknownId| {
            let i = block.unknowns.iter().position(|x| *x == u).unwrap_or(0);
            let slots = &self.derivation.unknowns.get(u).slots;
            block.inside_slots[i].iter().map(move |s| slots[*s])
        };
        let varying = block.varying().map(|i| block.batch[i]);
        varying.chain(inside(u)).chain(inside(v)).collect()
    }
}
