//! The collected messages of a quadratic block as numbers: b by element, Q by distinct matrix.
//!
//! ```text
//! log q = b'v + v'Qv + what the form adds (|v|, v > 0, a constraint)
//! ```
//!
//! An element of the batch is a vector: the inside elements of the block's unknowns, one unknown after the other.

use ndarray::{ArrayD, IxDyn};
use rayon::prelude::*;

use crate::algebra::UnknownId;
use crate::derive::{BlockId, MomentKind, Target};
use crate::engine::Engine;
use crate::engine::state::State;
use crate::family::StatisticKind;

use super::precision::Precisions;
use super::{ELEMENTS, Messages};

/// The quadratic part of a block.
pub(super) struct Quadratic {
    /// For each unknown: flat positions of its elements by (batch, inside), and how many are inside.
    pub layouts: Vec<(Vec<usize>, usize)>,
    /// Where each unknown begins in an element.
    pub offsets: Vec<usize>,
    /// How many numbers of an element each unknown has.
    pub sizes: Vec<usize>,
    /// Numbers of an element.
    pub n: usize,
    /// Elements.
    pub batch: usize,
    /// b, by element.
    pub linear: Vec<f64>,
    /// Q.
    pub precisions: Precisions,
}

impl Engine<'_> {
    /// b and Q of a block.
    pub(super) fn quadratic(&self, id: BlockId, messages: &Messages) -> Quadratic {
        let block = self.derivation.block(id);
        let batch: usize = block.batch.iter().map(|p| self.plate_size(*p)).product();
        let layouts: Vec<(Vec<usize>, usize)> = (0..block.unknowns.len())
            .map(|i| self.layout(id, i))
            .collect();
        let sizes: Vec<usize> = layouts.iter().map(|(_, n)| *n).collect();
        let offsets: Vec<usize> = sizes
            .iter()
            .scan(0, |at, n| {
                let o = *at;
                *at += n;
                Some(o)
            })
            .collect();
        let n: usize = sizes.iter().sum();
        let mut out = Quadratic {
            precisions: self.precisions(id, messages, &offsets, &sizes),
            linear: vec![],
            layouts,
            offsets,
            sizes,
            n,
            batch,
        };
        out.linear = out.collect(&block.unknowns, StatisticKind::Value, messages);
        out
    }

    /// The values that an element has now.
    pub(super) fn current(
        &self,
        state: &State,
        id: BlockId,
        layouts: &[(Vec<usize>, usize)],
        offsets: &[usize],
        b: usize,
        m: &mut [f64],
    ) {
        for (i, (positions, len)) in layouts.iter().enumerate() {
            let kind =
                MomentKind::Statistic(self.derivation.block(id).unknowns[i], StatisticKind::Value);
            if let Some(old) = state.moments.get(&kind).and_then(|a| a.as_slice()) {
                for k in 0..*len {
                    m[offsets[i] + k] = old[positions[b * len + k]];
                }
            }
        }
    }

    /// Publishes a statistic of the unknowns of a quadratic block.
    pub(super) fn publish_flat(
        &self,
        state: &mut State,
        id: BlockId,
        q: &Quadratic,
        kind: &dyn Fn(UnknownId) -> MomentKind,
        values: &[f64],
    ) -> Vec<ArrayD<f64>> {
        let unknowns = &self.derivation.block(id).unknowns;
        let arrays = self.arrays(id, q, values);
        for (u, a) in unknowns.iter().zip(&arrays) {
            state.moments.insert(kind(*u), a.clone());
        }
        arrays
    }

    /// A list by element as an array for each unknown.
    pub(super) fn arrays(&self, id: BlockId, q: &Quadratic, values: &[f64]) -> Vec<ArrayD<f64>> {
        let unknowns = &self.derivation.block(id).unknowns;
        let of = |(i, u): (usize, &UnknownId)| {
            ArrayD::from_shape_vec(IxDyn(&self.shape(*u)), q.part(i, values)).ok()
        };
        unknowns.iter().enumerate().filter_map(of).collect()
    }
}

impl Quadratic {
    /// The messages to one kind of statistic, by element.
    pub fn collect(
        &self,
        unknowns: &[UnknownId],
        kind: StatisticKind,
        messages: &Messages,
    ) -> Vec<f64> {
        let arrays: Vec<Option<&ArrayD<f64>>> = unknowns
            .iter()
            .map(|u| messages.get(&Target::Single(*u, kind)))
            .collect();
        self.gather(&arrays)
    }

    /// Arrays over the slots of the unknowns, by element; 0 where there is none.
    pub fn gather(&self, arrays: &[Option<&ArrayD<f64>>]) -> Vec<f64> {
        let mut out = vec![0.0; self.batch * self.n];
        for (i, (positions, len)) in self.layouts.iter().enumerate() {
            let Some(a) = arrays[i].and_then(|a| a.as_slice()) else {
                continue;
            };
            out.par_chunks_mut(self.n.max(1))
                .with_min_len(ELEMENTS)
                .zip(positions.par_chunks((*len).max(1)))
                .for_each(|(row, from)| {
                    for (x, p) in row[self.offsets[i]..].iter_mut().zip(from) {
                        *x = a[*p];
                    }
                });
        }
        out
    }

    /// What of a list by element belongs to one unknown, over its slots.
    pub fn part(&self, i: usize, values: &[f64]) -> Vec<f64> {
        let (positions, len) = &self.layouts[i];
        let mut out = vec![0.0; positions.len()];
        let from = self.offsets[i];
        let in_order = positions.par_iter().with_min_len(1 << 12).enumerate();
        if in_order.all(|(at, p)| at == *p) {
            out.par_chunks_mut((*len).max(1))
                .with_min_len(ELEMENTS)
                .zip(values.par_chunks(self.n.max(1)))
                .for_each(|(own, row)| own.copy_from_slice(&row[from..from + own.len()]));
            return out;
        }
        for (row, to) in values
            .chunks(self.n.max(1))
            .zip(positions.chunks((*len).max(1)))
        {
            for (x, p) in row[self.offsets[i]..].iter().zip(to) {
                out[*p] = *x;
            }
        }
        out
    }
}
