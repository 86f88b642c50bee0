//! Points that a constraint ties together: vectors of norm 1 or at most 1, elements that do not decrease.
//!
//! ```text
//! unit vectors   max sum_j b_j'w_j - sum_ij A_ij w_i'w_j / 2   over columns |w_j| = 1 (or <= 1), one column after the other
//! increasing     max of the sum of log densities under v_1 <= v_2 <= ...: pooled neighbours, or a quadratic program
//! ```

use ndarray::{ArrayD, IxDyn};

use crate::derive::{BlockId, MomentKind, Target};
use crate::diag::Diagnostic;
use crate::engine::Engine;
use crate::engine::bind::unflatten;
use crate::engine::state::{BlockState, State};
use crate::family::{StatisticKind, Support, by_signature};
use crate::model::{Constraint, Domain, Role};
use crate::numeric::isotonic;
use crate::numeric::unit_vectors::{Length, best_unit_columns_within};

use super::{Messages, Noticed};

/// Products that one update of unit vectors may take. Where columns are nearly collinear, the passes that these allow do not end
/// at the maximum; the next sweep goes on from there, and none is lower than its start.
const WORK: usize = 100_000_000;

impl Engine<'_> {
    pub(super) fn update_unit_vectors(
        &self,
        state: &mut State,
        id: BlockId,
        messages: &Messages,
        next: &mut BlockState,
        noticed: &mut Noticed,
    ) -> Result<(), Diagnostic> {
        let block = self.derivation.block(id);
        let u = block.unknowns[0];
        let (plate, length) = match self.derivation.unknowns.get(u).constraint {
            Some(Constraint::UnitBall(p)) => (p, Length::AtMostOne),
            Some(Constraint::UnitNorm(p)) => (p, Length::One),
            _ => return Ok(()),
        };
        let q = self.quadratic(id, messages);
        let k = q.n;
        let shape: Vec<usize> = block.batch.iter().map(|p| self.plate_size(*p)).collect();
        let Some(along) = block.batch.iter().position(|p| *p == plate) else {
            return Ok(());
        };
        let m = shape[along];
        // Vectors lie along the plate of the norm: one group for each element of the rest of the batch.
        let mut groups: Vec<Vec<usize>> = vec![];
        let mut seen: std::collections::BTreeMap<Vec<usize>, usize> = Default::default();
        for b in 0..q.batch {
            let mut at = unflatten(b, &shape);
            at.remove(along);
            let next = seen.len();
            let g = *seen.entry(at).or_insert(next);
            if g == groups.len() {
                groups.push(vec![]);
            }
            groups[g].push(b);
        }
        let mut values = vec![0.0; q.batch * k];
        let mut dead = 0;
        for group in groups {
            let half = &q.precisions.matrices[q.precisions.of[group[0]]];
            let a: Vec<f64> = (0..k * k)
                .map(|x| -(half[x] + half[(x % k) * k + x / k]))
                .collect();
            let mut w = vec![0.0; m * k];
            let mut linear = vec![0.0; m * k];
            for (row, b) in group.iter().enumerate() {
                linear[row * k..(row + 1) * k].copy_from_slice(&q.linear[b * k..(b + 1) * k]);
                self.current(
                    state,
                    id,
                    &q.layouts,
                    &q.offsets,
                    *b,
                    &mut w[row * k..(row + 1) * k],
                );
            }
            let passes = (WORK / (m * k * k).max(1)).clamp(300, 20_000);
            dead += best_unit_columns_within(&linear, &a, k, length, passes, &mut w)
                .dead
                .len();
            for (row, b) in group.iter().enumerate() {
                values[b * k..(b + 1) * k].copy_from_slice(&w[row * k..(row + 1) * k]);
            }
        }
        if dead > 0 {
            noticed.kept.push((u, dead));
        }
        let kind = |u| MomentKind::Statistic(u, StatisticKind::Value);
        for a in self.publish_flat(state, id, &q, &kind, &values) {
            next.parameters.push((0, "value", a));
        }
        Ok(())
    }

    pub(super) fn update_increasing(
        &self,
        state: &mut State,
        id: BlockId,
        messages: &Messages,
        next: &mut BlockState,
    ) -> Result<(), Diagnostic> {
        let block = self.derivation.block(id);
        debug_assert!(block.role != Role::Latent);
        let u = block.unknowns[0];
        let unknown = self.derivation.unknowns.get(u);
        let Some(Constraint::Increasing(plate)) = unknown.constraint else {
            return Ok(());
        };
        let quadratic = unknown.domain == Domain::Real
            && messages.keys().all(|t| {
                matches!(
                    t,
                    Target::Pair(..) | Target::Single(_, StatisticKind::Value)
                )
            });
        let value = if quadratic {
            self.increasing_quadratic(state, id, plate, messages)?
        } else {
            self.increasing_family(state, id, plate, messages)?
        };
        // Points publish every statistic of their value.
        crate::engine::init::publish_point(self, state, u, value.clone())
            .map_err(|reason| self.unbounded(u, 0, &reason))?;
        next.parameters.push((0, "value", value));
        Ok(())
    }

    fn increasing_quadratic(
        &self,
        state: &State,
        id: BlockId,
        plate: crate::model::PlateId,
        messages: &Messages,
    ) -> Result<ArrayD<f64>, Diagnostic> {
        let block = self.derivation.block(id);
        let u = block.unknowns[0];
        let q = self.quadratic(id, messages);
        let mut values = vec![0.0; q.batch * q.n];
        for (b, row) in values.chunks_mut(q.n.max(1)).enumerate() {
            self.current(state, id, &q.layouts, &q.offsets, b, row);
        }
        let unbounded = |b: usize, e: String| self.unbounded(u, b, &e);
        match block.batch.iter().position(|p| *p == plate) {
            None => {
                let n = q.n;
                for (b, row) in values.chunks_mut(n.max(1)).enumerate() {
                    let half = &q.precisions.matrices[q.precisions.of[b]];
                    let a: Vec<f64> = (0..n * n)
                        .map(|x| -(half[x] + half[(x % n) * n + x / n]))
                        .collect();
                    isotonic::increasing_quadratic(&a, &q.linear[b * n..(b + 1) * n], row)
                        .map_err(|_| unbounded(b, "its terms grow without bound".into()))?;
                }
            }
            Some(along) => {
                for lane in self.lanes(id, along) {
                    let weights: Vec<f64> = lane
                        .iter()
                        .map(|b| -2.0 * q.precisions.matrices[q.precisions.of[*b]][0])
                        .collect();
                    let mut v: Vec<f64> = lane.iter().map(|b| values[*b]).collect();
                    let best: Vec<f64> = lane
                        .iter()
                        .zip(&weights)
                        .zip(&v)
                        .map(|((b, w), old)| if *w > 0.0 { q.linear[*b] / w } else { *old })
                        .collect();
                    isotonic::isotonic_regression(&best, &weights, &mut v);
                    for (b, x) in lane.iter().zip(v) {
                        values[*b] = x;
                    }
                }
            }
        }
        let shape = self.shape(u);
        Ok(ArrayD::from_shape_vec(IxDyn(&shape), q.part(0, &values))
            .unwrap_or_else(|_| ArrayD::zeros(IxDyn(&shape))))
    }

    /// The elements of the batch in lanes along one of its plates.
    fn lanes(&self, id: BlockId, along: usize) -> Vec<Vec<usize>> {
        let block = self.derivation.block(id);
        let shape: Vec<usize> = block.batch.iter().map(|p| self.plate_size(*p)).collect();
        let mut lanes: std::collections::BTreeMap<Vec<usize>, Vec<usize>> = Default::default();
        for b in 0..shape.iter().product() {
            let mut at = unflatten(b, &shape);
            at.remove(along);
            lanes.entry(at).or_default().push(b);
        }
        lanes.into_values().collect()
    }

    /// Neighbours whose modes decrease share the mode of their added messages.
    fn increasing_family(
        &self,
        state: &State,
        id: BlockId,
        plate: crate::model::PlateId,
        messages: &Messages,
    ) -> Result<ArrayD<f64>, Diagnostic> {
        let block = self.derivation.block(id);
        let u = block.unknowns[0];
        let unknown = self.derivation.unknowns.get(u);
        let shape = self.shape(u);
        let kinds: Vec<StatisticKind> = messages
            .keys()
            .filter_map(|t| match t {
                Target::Single(_, k) => Some(*k),
                _ => None,
            })
            .collect();
        let old = state
            .moments
            .get(&MomentKind::Statistic(u, StatisticKind::Value))
            .cloned()
            .unwrap_or_else(|| ArrayD::zeros(IxDyn(&shape)));
        let Some(family) = Support::of(unknown.domain).and_then(|s| by_signature(s, &kinds)) else {
            return Ok(old);
        };
        let Some(along) = block.batch.iter().position(|p| *p == plate) else {
            return Ok(old);
        };
        let (positions, _) = self.layout(id, 0);
        let mut out: Vec<f64> = old.iter().copied().collect();
        let eta = |b: usize| -> Vec<f64> {
            family
                .signature()
                .iter()
                .map(|k| {
                    messages
                        .get(&Target::Single(u, *k))
                        .and_then(|a| a.as_slice())
                        .map_or(0.0, |a| a[positions[b]])
                })
                .collect()
        };
        for lane in self.lanes(id, along) {
            let etas: Vec<Vec<f64>> = lane.iter().map(|b| eta(*b)).collect();
            let mut failed = None;
            let mode = |e: &Vec<f64>| -> Option<f64> {
                if e.iter().all(|x| *x == 0.0) {
                    return None;
                }
                let mut v = [0.0];
                match family.mode(e, 1, &mut v) {
                    Ok(_) => Some(v[0]),
                    Err(e) => {
                        failed = Some(e.reason);
                        None
                    }
                }
            };
            let add = |a: &mut Vec<f64>, b: Vec<f64>| {
                a.iter_mut().zip(b).for_each(|(x, y)| *x += y);
            };
            let pools = isotonic::pool(etas, add, mode);
            if let Some(reason) = failed {
                return Err(self.unbounded(u, lane[0], &reason));
            }
            for pool in pools {
                // Where nothing pulls, an element keeps its value.
                if pool.statistics.iter().any(|x| *x != 0.0) {
                    for b in &lane[pool.start..pool.end] {
                        out[positions[*b]] = pool.value;
                    }
                }
            }
        }
        Ok(ArrayD::from_shape_vec(IxDyn(&shape), out).unwrap_or(old))
    }
}
