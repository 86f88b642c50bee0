//! Sums over rows of data alone, computed once; and which blocks keep a map in place of their rows.
//!
//! A block with a map (`plan::rewrite::affine`) is pushed where that is less work: with P numbers of data and n means a row
//! and S numbers in the sums of data that its row sums need,
//!
//! ```text
//! S n <= rows P n                          an iteration through the sums costs no more than one through the rows
//! S   <= ONCE P n                          making the sums costs no more than some tens of iterations through the rows
//! ```

use std::rc::Rc;

use ndarray::{ArrayD, IxDyn};

use crate::algebra::Subscript;
use crate::derive::BlockId;
use crate::plan::{Affine, KeyId, Planned, Rewrite};

use super::Engine;
use super::rows::{Identity, KeptSums, Operand, Term, add_terms};

/// What making the sums may cost, in products of the rows' data with their means; an iteration takes about ten such products.
const ONCE: f64 = 256.0;
/// Sums of this size are always worth making.
const SMALL: f64 = 65_536.0;

/// Where the rows are so little work nothing is gained.
const LITTLE: f64 = 1024.0;

/// A block whose row-level means are a map from the data of the row while a run goes on.
#[derive(Debug, Clone)]
pub(super) struct Pushed {
    /// The sum of the rows' weights.
    pub weight: f64,
    /// The row sums of its means, as positions in the plan.
    pub sums: Vec<usize>,
}

/// The hoisted key that a planned contraction goes through.
fn hoisted(p: &Planned) -> Option<KeyId> {
    match p {
        Planned::Rows {
            hoisted: Some((k, _, _)),
            ..
        } => Some(*k),
        _ => None,
    }
}

impl Engine<'_> {
    /// Computes the hoisted keys that are small; the others are summed row by row when needed.
    pub(super) fn hoist(&mut self) {
        if !self.has(Rewrite::Hoist) {
            return;
        }
        let messages = self.plan.messages.iter().flatten().map(|m| &m.how);
        let wanted: Vec<KeyId> = self
            .plan
            .expectation
            .iter()
            .chain(messages)
            .filter_map(hoisted)
            .collect();
        for id in wanted {
            let rows = self.rows_of(self.plan.keys[id.index()].plate);
            if self.key_length(id) <= (2 * rows).max(65_536) as f64 {
                self.hoist_key(id);
            }
        }
        if self.has(Rewrite::Affine) {
            for i in 0..self.plan.affine.len() {
                self.pushed[i] = self.push(BlockId(i as u32));
            }
        }
    }

    fn key_length(&self, id: KeyId) -> f64 {
        let axes = &self.plan.keys[id.index()].axes;
        axes.iter().map(|a| self.size(*a) as f64).product()
    }

    fn hoist_key(&mut self, id: KeyId) {
        let key = &self.plan.keys[id.index()];
        if !key.local.is_empty() || self.hoisted[id.index()].is_some() {
            return;
        }
        let shape: Vec<usize> = key.axes.iter().map(|a| self.size(*a)).collect();
        let mut out = ArrayD::zeros(IxDyn(&shape));
        self.add_hoisted(id, &mut out);
        self.hoisted[id.index()] = Some(out);
    }

    /// Adds a key's sum over the rows at hand.
    pub(super) fn add_hoisted(&self, id: KeyId, out: &mut ArrayD<f64>) {
        let key = &self.plan.keys[id.index()];
        let data: Vec<_> = key.data.iter().map(|k| self.shared_known(k)).collect();
        let operands: Vec<Operand<'_>> = data
            .iter()
            .map(|(axes, values)| Operand {
                identity: Identity::Known(Rc::as_ptr(values).addr()),
                values,
                index: axes.iter().map(|a| Subscript::Axis(*a)).collect(),
            })
            .collect();
        let gather = |a| key.selectors.iter().find(|(_, b)| a == b);
        let target: Vec<Subscript> = key
            .axes
            .iter()
            .map(|a| gather(a).map_or(Subscript::Axis(*a), |(s, _)| s.clone()))
            .collect();
        let term = Term {
            coef: 1.0,
            operands,
            row: key.row,
            axes: &[],
            target: &target,
        };
        let mut kept = KeptSums::in_blocks();
        add_terms(&self.evaluator, vec![term], true, Some(&mut kept), out);
    }

    /// Hoists what a map needs, where the map is worth it.
    fn push(&mut self, id: BlockId) -> Option<Pushed> {
        let a: &Affine = self.plan.affine[id.index()].as_ref()?;
        let all = self.plan.sums.iter().enumerate();
        let own = all.filter(|(_, s)| s.blocks.contains(&id) && s.pushed.is_some());
        let sums: Vec<usize> = own.map(|(i, _)| i).collect();
        let mut keys: Vec<KeyId> = sums
            .iter()
            .filter_map(|i| self.plan.sums[*i].pushed.as_ref())
            .flatten()
            .filter_map(hoisted)
            .collect();
        keys.sort();
        keys.dedup();
        let block = self.derivation.block(id);
        let here = self.plate_size(a.plate).max(1) as f64;
        let rows = self.rows_of(a.plate) as f64;
        let means: f64 = block
            .unknowns
            .iter()
            .map(|u| self.shape(*u).iter().map(|n| *n as f64).product::<f64>() / here)
            .sum();
        let length = |axes: &[crate::model::Axis]| -> f64 {
            axes.iter().map(|a| self.size(*a) as f64).product()
        };
        let data: f64 = a.features.iter().map(|f| length(&f.axes)).sum();
        let summed: f64 = keys.iter().map(|k| self.key_length(*k)).sum();
        let worth = rows * data * means >= LITTLE
            && summed <= rows * data
            && summed <= (ONCE * data * means).max(SMALL);
        if rows == 0.0 || !(worth || self.plan.rewrites.is_eager()) {
            return None;
        }
        for k in keys {
            self.hoist_key(k);
        }
        let weight = match self.evaluator.weights(a.plate) {
            Some(w) => w.iter().sum(),
            None => rows,
        };
        Some(Pushed { weight, sums })
    }

    /// True if the means of a block are a map while a run goes on, not numbers by row.
    pub(super) fn is_pushed(&self, id: BlockId) -> bool {
        self.pushed[id.index()].is_some()
    }
}
