//! Runs a sum over rows on several threads, with the same bits for any number of them.

use rayon::prelude::*;

use crate::engine::evaluate::RowsOf;
use crate::numeric::gathers::{Rows, Sum, add_rows};

use super::{BLOCK, SEGMENTS};

/// Numbers that rows add for every number of a partial sum.
const ADDED: usize = 8;
/// Stretches of elements that threads share.
const STRETCHES: usize = 64;

/// How far a row goes in the target from where it begins.
fn reach(sum: &Sum<'_>) -> usize {
    let outer = sum.target.outer.iter().max().copied().unwrap_or(0);
    outer + sum.length.saturating_sub(1) * sum.target.inner
}

/// Element by element: each has a stretch of the target for itself, so that nothing is merged. A target in which elements
/// lie among each other is summed by pieces of rows.
pub(super) fn by_element(sum: &Sum<'_>, own: &RowsOf, out: &mut [f64]) {
    let elements = own.starts.len().saturating_sub(1);
    let stride = match sum.target.gathers.as_slice() {
        [(_, stride)] if sum.target.row == 0 && reach(sum) < *stride => *stride,
        [(by_row, _)] => return run(sum, by_row.len(), out),
        _ => return,
    };
    let mut stretches = vec![];
    let (mut first, mut rest) = (0, out);
    for s in 1..=STRETCHES {
        // About as many rows in each.
        let row = own.rows.len() * s / STRETCHES;
        let end = match s {
            STRETCHES => elements,
            _ => own.starts.partition_point(|x| *x < row).min(elements),
        };
        if end <= first {
            continue;
        }
        let (here, after) = rest.split_at_mut(((end - first) * stride).min(rest.len()));
        rest = after;
        let rows = &own.rows[own.starts[first]..own.starts[end]];
        stretches.push((first * stride, rows, here));
        first = end;
    }
    stretches
        .into_par_iter()
        .for_each(|(begin, rows, out)| add_rows(sum, Rows::List(rows), begin, out));
}

/// Pieces of fixed lengths, added in order: rows that come a block at a time give the same bits.
pub(super) fn run(sum: &Sum<'_>, n: usize, out: &mut [f64]) {
    let step = sum.target.row;
    if step > 0 && sum.target.gathers.is_empty() && reach(sum) < step {
        let piece = BLOCK / SEGMENTS;
        out.par_chunks_mut(piece * step)
            .enumerate()
            .for_each(|(c, out)| {
                let from = c * piece;
                let rows = Rows::Range(from..(from + piece).min(n));
                add_rows(sum, rows, from * step, out);
            });
        return;
    }
    if step > 0 {
        add_rows(sum, Rows::Range(0..n), 0, out);
        return;
    }
    // As many partial sums as are worth merging, by shapes alone.
    let added = BLOCK.saturating_mul(sum.target.outer.len() * sum.length);
    let parts = (added / (ADDED * out.len()).max(1)).clamp(1, SEGMENTS);
    let piece = BLOCK.div_ceil(parts);
    for from in (0..n).step_by(BLOCK) {
        let to = (from + BLOCK).min(n);
        let parts: Vec<Vec<f64>> = (0..(to - from).div_ceil(piece))
            .into_par_iter()
            .map(|s| {
                let mut part = vec![0.0; out.len()];
                let start = from + s * piece;
                let rows = Rows::Range(start..(start + piece).min(to));
                add_rows(sum, rows, 0, &mut part);
                part
            })
            .collect();
        for p in parts {
            for (o, x) in out.iter_mut().zip(p) {
                *o += x;
            }
        }
    }
}
