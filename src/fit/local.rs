//! q of row-level blocks, unknown by unknown.
//!
//! ```text
//! q(z_n = k) = sum over joint states s of the block with s_z = k of r_ns
//! ```

use ndarray::{ArrayD, IxDyn};

use crate::algebra::UnknownId;
use crate::derive::BlockId;
use crate::engine::Engine;
use crate::engine::bind::{BoundBlock, unflatten};
use crate::engine::state::State;

/// The marginal of each unknown of a local block, over its slots and its values, and log Z by (row, element).
pub fn marginals(
    engine: &Engine<'_>,
    state: &State,
    b: &BoundBlock,
) -> (Vec<(UnknownId, ArrayD<f64>)>, Vec<f64>) {
    let results = engine.row_results(state, b);
    let block = engine.derivation.block(b.block);
    let states = b.rows.states.max(1);
    let other: Vec<usize> = (0..block.batch.len())
        .filter(|i| Some(block.batch[*i]) != block.rows)
        .collect();
    let mut out = vec![];
    for (i, u) in block.unknowns.iter().enumerate() {
        let mut shape = engine.shape(*u);
        let slots = shape.len();
        shape.push(b.state_shape.get(i).copied().unwrap_or(1));
        let component: Vec<usize> = (0..states)
            .map(|s| unflatten(s, &b.state_shape).get(i).copied().unwrap_or(0))
            .collect();
        // In the batch, or along a chain inside.
        let slots_of = &engine.derivation.unknowns.get(*u).slots;
        let row_at = slots_of.iter().position(|p| Some(*p) == block.rows);
        let mut q = ArrayD::<f64>::zeros(IxDyn(&shape));
        let mut at = vec![0usize; slots + 1];
        for (n, r) in results.q.chunks(states).enumerate() {
            let row = n / b.rows.elements.max(1);
            let element = unflatten(n % b.rows.elements.max(1), &b.element_shape);
            if let Some(slot) = row_at {
                at[slot] = row;
            }
            for (e, p) in element.iter().zip(&other) {
                if let Some(slot) = block.batch_slots[i].get(*p) {
                    at[*slot] = *e;
                }
            }
            for (p, k) in r.iter().zip(&component) {
                at[slots] = *k;
                if let Some(x) = q.get_mut(IxDyn(&at)) {
                    *x += p;
                }
            }
        }
        out.push((*u, q));
    }
    (out, results.log_z)
}

/// The bound block of an id.
pub fn bound<'e, 'a>(engine: &'e Engine<'a>, id: BlockId) -> Option<&'e BoundBlock> {
    engine.bound.iter().flatten().find(|b| b.block == id)
}
