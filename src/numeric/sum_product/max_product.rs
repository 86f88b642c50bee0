//! The most probable joint state.
//!
//! ```text
//! up:    m_C(s) = max over r of f_C(s, r)         down:  r = argmax over r of f_C(s, r)
//! ```
//!
//! Koller and Friedman (2009), section 13.3. On a chain this is Viterbi's algorithm.

use super::{IMPOSSIBLE, SumProduct, SumProductError, size};
use crate::numeric::LOG_ZERO;

/// A joint state that no other beats.
#[derive(Debug, Clone, PartialEq)]
pub struct MostProbable {
    /// Per site: its state.
    pub states: Vec<u32>,
    /// The sum of the tables' entries at it: its log probability plus log Z.
    pub value: f64,
}

impl SumProduct {
    /// The most probable joint state; among equals in a clique, the lowest states of its lowest sites.
    ///
    /// # Errors
    /// [`SumProductError`].
    pub fn most_probable(&self, tables: &[f64]) -> Result<MostProbable, SumProductError> {
        let mut values = self.potentials(tables)?;
        self.upward(&mut values, |row| {
            row.iter().copied().fold(f64::NEG_INFINITY, f64::max)
        })?;
        let mut states = vec![0u32; self.states.len()];
        for c in (0..self.tree.len()).rev() {
            let row = &values[self.row(c, &states)];
            let mut best = 0;
            for (r, &value) in row.iter().enumerate() {
                if value > row[best] {
                    best = r;
                }
            }
            self.assign(c, best, &mut states);
        }
        let value = self.value(tables, &states);
        Ok(MostProbable { states, value })
    }

    /// The sum of the tables' entries at a joint state; no more than [`LOG_ZERO`] if one of them is impossible.
    #[must_use]
    pub fn value(&self, tables: &[f64], states: &[u32]) -> f64 {
        let mut total = 0.0;
        for (scope, &start) in self.scopes.iter().zip(&self.scope_starts) {
            let entry = tables[start + self.entry(scope, states)].max(LOG_ZERO);
            if entry < IMPOSSIBLE {
                return LOG_ZERO;
            }
            total += entry;
        }
        total
    }

    /// The entry of a row-major table over some sites at a joint state.
    fn entry(&self, sites: &[u32], states: &[u32]) -> usize {
        sites.iter().fold(0, |entry, &v| {
            entry * self.states[v as usize] + states[v as usize] as usize
        })
    }

    /// The entries of a clique's table at the state of its separator.
    pub(super) fn row(&self, clique: usize, states: &[u32]) -> std::ops::Range<usize> {
        let width = size(&self.states, self.tree.residual(clique));
        let row = self.entry(self.tree.separator(clique), states);
        let start = self.clique_starts[clique] + row * width;
        start..start + width
    }

    /// Writes the states of a clique's residual from its entry's place in a row.
    pub(super) fn assign(&self, clique: usize, mut entry: usize, states: &mut [u32]) {
        for &v in self.tree.residual(clique).iter().rev() {
            states[v as usize] = (entry % self.states[v as usize]) as u32;
            entry /= self.states[v as usize];
        }
    }
}
