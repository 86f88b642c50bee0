//! Blocks with updates of their own: a discrete latent that is not row by row, a standard deviation as a point.

use ndarray::{ArrayD, IxDyn};

use crate::data::BLANK;
use crate::derive::{BlockId, MomentKind, Target};
use crate::diag::Diagnostic;
use crate::engine::Engine;
use crate::engine::conditional::known_states;
use crate::engine::state::{BlockState, State};
use crate::family::StatisticKind;
use crate::model::Role;
use crate::numeric::log_or_floor;

use super::Messages;

impl Engine<'_> {
    pub(super) fn update_discrete(
        &self,
        state: &mut State,
        id: BlockId,
        messages: &Messages,
        next: &mut BlockState,
    ) {
        let block = self.derivation.block(id);
        let u = block.unknowns[0];
        let kind = MomentKind::Statistic(u, StatisticKind::Indicator);
        let shape = self.moment_shape(kind);
        let k = shape.last().copied().unwrap_or(1).max(1);
        let mut eta = messages
            .get(&Target::Single(u, StatisticKind::Indicator))
            .cloned()
            .unwrap_or_else(|| ArrayD::zeros(IxDyn(&shape)));
        let weights = self.element_weights(id, self.derivation.unknowns.get(u).plates());
        let known = known_states(self, block);
        let copies = self.copies(u);
        if let Some(flat) = eta.as_slice_mut() {
            for (n, (row, w)) in flat.chunks_mut(k).zip(&weights).enumerate() {
                // A cell that is not blank is no unknown: its value is certain and has no entropy.
                if let Some(v) = known.get(n).filter(|v| **v != BLANK) {
                    row.fill(0.0);
                    if let Some(r) = row.get_mut(*v as usize) {
                        *r = 1.0;
                    }
                    continue;
                }
                // Copies share one q: each has its part of the message, and all count.
                let copies = copies
                    .as_ref()
                    .and_then(|c| c.get(n))
                    .copied()
                    .unwrap_or(1.0);
                for x in row.iter_mut() {
                    *x = if copies > 0.0 { *x / copies } else { 0.0 };
                }
                let before = row.to_vec();
                let log_z = crate::numeric::logsumexp::softmax_in_place(row);
                if block.role == Role::Latent {
                    let inner: f64 = row
                        .iter()
                        .zip(&before)
                        .map(|(r, e)| if *r == 0.0 { 0.0 } else { r * e })
                        .sum();
                    next.entropy += w * copies * (log_z - inner);
                } else {
                    let best = before
                        .iter()
                        .enumerate()
                        .fold(0, |b, (i, v)| if *v > before[b] { i } else { b });
                    for (i, r) in row.iter_mut().enumerate() {
                        *r = f64::from(u8::from(i == best));
                    }
                }
            }
        }
        next.parameters.push((0, "probabilities", eta.clone()));
        state.moments.insert(kind, eta);
    }

    /// a log s + b s^-2 with a, b < 0 is largest at s^2 = 2b / a.
    pub(super) fn update_deviation(
        &self,
        state: &mut State,
        id: BlockId,
        messages: &Messages,
        next: &mut BlockState,
    ) -> Result<(), Diagnostic> {
        let u = self.derivation.block(id).unknowns[0];
        let shape = self.shape(u);
        let zero = ArrayD::zeros(IxDyn(&shape));
        let a = messages
            .get(&Target::Single(u, StatisticKind::Log))
            .unwrap_or(&zero);
        let b = messages
            .get(&Target::Single(u, StatisticKind::Power(-2)))
            .unwrap_or(&zero);
        let value = ArrayD::from_shape_fn(IxDyn(&shape), |i| (2.0 * b[&i] / a[&i]).sqrt());
        if let Some(i) = value.iter().position(|s| !s.is_finite() || *s <= 0.0) {
            return Err(self.unbounded(u, i, "its best value lies where the density is unbounded"));
        }
        let put = |f: fn(f64) -> f64| value.mapv(f);
        state.moments.insert(
            MomentKind::Statistic(u, StatisticKind::Log),
            put(log_or_floor),
        );
        state.moments.insert(
            MomentKind::Statistic(u, StatisticKind::Power(-2)),
            put(|s| s.powi(-2)),
        );
        state.moments.insert(
            MomentKind::Statistic(u, StatisticKind::Value),
            value.clone(),
        );
        next.parameters.push((0, "value", value));
        Ok(())
    }
}
