//! Sums over rows that one update made and another contraction holds.
//!
//! ```text
//! message to v:   A[h] = sum over n with h(n) = h of T[g(n)]        then, as long as T is what it was:
//! sum_n <T[g(n)], c[h(n)]> = sum_h <A[h], c[h]>
//! ```

use std::collections::VecDeque;

use crate::engine::contract::Layout;
use crate::model::{Axis, PlateId};

use super::product::Recipe;

/// Sums that are kept, at most.
const SUMS: usize = 16;
/// Numbers that they hold together, at most.
const NUMBERS: usize = 1 << 24;

/// The sums made last.
#[derive(Debug, Default)]
pub struct KeptSums {
    /// Rows may come a block at a time, with the same bits as all at once.
    pub(super) in_blocks: bool,
    sums: VecDeque<Kept>,
}

#[derive(Debug)]
struct Kept {
    /// Rows of which plate, and whether by their weights.
    over: (PlateId, bool),
    tables: Vec<Recipe>,
    layout: Layout,
    values: Vec<f64>,
}

impl KeptSums {
    /// For sums whose rows may come a block at a time.
    pub fn in_blocks() -> KeptSums {
        KeptSums {
            in_blocks: true,
            ..KeptSums::default()
        }
    }

    /// The sum of the product of tables over the axes of a layout.
    pub(super) fn find(
        &self,
        over: (PlateId, bool),
        tables: &[&Recipe],
        layout: &Layout,
    ) -> Option<(&Layout, &[f64])> {
        let sorted = |l: &Layout| {
            let mut axes: Vec<Axis> = l.axes().collect();
            axes.sort();
            axes
        };
        let wanted = sorted(layout);
        let found = self.sums.iter().find(|k| {
            k.over == over
                && k.tables.len() == tables.len()
                && k.tables.iter().zip(tables).all(|(a, b)| a == *b)
                && sorted(&k.layout) == wanted
        });
        found.map(|k| (&k.layout, k.values.as_slice()))
    }

    /// Keeps a sum, and lets go of the oldest ones.
    pub(super) fn keep(
        &mut self,
        over: (PlateId, bool),
        tables: Vec<Recipe>,
        layout: Layout,
        values: Vec<f64>,
    ) {
        // What was made of other versions is not asked for again.
        self.sums.retain(|k| {
            let same = |(a, b): (&Recipe, &Recipe)| a.is_like(b);
            let mut both = k.tables.iter().zip(&tables);
            k.over != over
                || k.tables.len() != tables.len()
                || k.layout != layout
                || !both.all(same)
        });
        self.sums.push_back(Kept {
            over,
            tables,
            layout,
            values,
        });
        let numbers = |sums: &VecDeque<Kept>| sums.iter().map(|k| k.values.len()).sum::<usize>();
        while self.sums.len() > SUMS || numbers(&self.sums) > NUMBERS {
            self.sums.pop_front();
        }
    }
}
