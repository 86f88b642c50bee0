//! Draws of joint states.
//!
//! ```text
//! down, parents first:   r ~ p(r | s),   s being drawn already
//! ```
//!
//! On a chain this is forward filtering, backward sampling.

use rand::{Rng, RngExt};

use super::{Conditionals, SumProduct};

impl SumProduct {
    /// Draws a joint state, one number per site.
    pub fn sample(&self, conditionals: &Conditionals, rng: &mut impl Rng) -> Vec<u32> {
        let mut states = vec![0u32; self.states.len()];
        for c in (0..self.tree.len()).rev() {
            let row = &conditionals.tables[self.row(c, &states)];
            let mut left: f64 = rng.random();
            // Where rounding leaves the sum of a row below the draw, its last possible entry is taken.
            let mut drawn = 0;
            for (r, &p) in row.iter().enumerate() {
                if p > 0.0 {
                    drawn = r;
                    left -= p;
                }
                if left < 0.0 {
                    break;
                }
            }
            self.assign(c, drawn, &mut states);
        }
        states
    }
}
