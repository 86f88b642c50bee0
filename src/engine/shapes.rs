//! The sizes of published expectations and messages: which plate each dimension runs over, as a number of elements.

use crate::algebra::UnknownId;
use crate::derive::{BlockId, MomentKind};

use super::Engine;

impl Engine<'_> {
    /// The dimensions of a published expectation.
    pub fn moment_shape(&self, kind: MomentKind) -> Vec<usize> {
        match kind {
            MomentKind::Statistic(u, k) => {
                let unknown = self.derivation.unknowns.get(u);
                let mut shape = self.shape(u);
                match k {
                    crate::family::StatisticKind::Log if unknown.domain.value_slots() == 2 => {
                        shape.truncate(shape.len() - 2);
                    }
                    crate::family::StatisticKind::LogSumExp => {
                        shape.pop();
                    }
                    crate::family::StatisticKind::Indicator => {
                        shape.extend(unknown.element_plate().map(|p| self.plate_size(p)));
                    }
                    _ => {}
                }
                shape
            }
            MomentKind::Covariance(u, v) => self.pair_shape(u, v),
            MomentKind::Cross(u) | MomentKind::Variance(u) => self.shape(u),
            MomentKind::Map(u, j) => self.map_shape(u, j as usize),
            MomentKind::Compound(u, at) => match self.derivation.block_of(u) {
                Some(b) => self.compound_shape(b, at),
                None => vec![],
            },
            MomentKind::Quadratic(u) => match self.derivation.block_of(u) {
                Some(b) => {
                    let block = self.derivation.block(b);
                    match block.form {
                        crate::derive::Form::GaussianGamma => self.pair_shape(u, u),
                        _ => block.batch.iter().map(|p| self.plate_size(*p)).collect(),
                    }
                }
                None => vec![],
            },
        }
    }

    /// The sizes of a compound's axes.
    pub fn compound_shape(&self, b: BlockId, at: u32) -> Vec<usize> {
        self.derivation
            .block(b)
            .compounds
            .get(at as usize)
            .map_or_else(Vec::new, |c| c.axes.iter().map(|a| self.size(*a)).collect())
    }

    /// The batch as far as the covariance varies, inside of u, inside of v.
    pub fn pair_shape(&self, u: UnknownId, v: UnknownId) -> Vec<usize> {
        let Some(b) = self.derivation.block_of(u) else {
            return vec![];
        };
        let block = self.derivation.block(b);
        let inside = |u: UnknownId| -> Vec<usize> {
            let i = block.unknowns.iter().position(|x| *x == u).unwrap_or(0);
            let slots = &self.derivation.unknowns.get(u).slots;
            block.inside_slots[i]
                .iter()
                .map(|s| self.plate_size(slots[*s]))
                .collect()
        };
        let mut shape: Vec<usize> = block
            .varying()
            .map(|i| self.plate_size(block.batch[i]))
            .collect();
        shape.extend(inside(u));
        shape.extend(inside(v));
        shape
    }
}
