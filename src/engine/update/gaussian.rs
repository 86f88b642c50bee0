//! Gaussian blocks: solve with the collected linear and quadratic messages.
//!
//! ```text
//! log q = b'v + v'Qv + const        C = (-(Q + Q'))^-1        m = C b
//! ```

use ndarray::{ArrayD, IxDyn};

use crate::derive::{BlockId, MomentKind, Target};
use crate::diag::Diagnostic;
use crate::engine::Engine;
use crate::engine::state::{BlockState, State};
use crate::family::{StatisticKind, gaussian};
use crate::model::Role;

use super::{Messages, Noticed};

impl Engine<'_> {
    pub(super) fn update_gaussian(
        &self,
        state: &mut State,
        id: BlockId,
        messages: &Messages,
        next: &mut BlockState,
        noticed: &mut Noticed,
    ) -> Result<(), Diagnostic> {
        let block = self.derivation.block(id);
        let batch: usize = block.batch.iter().map(|p| self.plate_size(*p)).product();
        let layouts: Vec<(Vec<usize>, usize)> = (0..block.unknowns.len())
            .map(|i| self.layout(id, i))
            .collect();
        let offsets: Vec<usize> = layouts
            .iter()
            .scan(0, |at, (_, n)| {
                let o = *at;
                *at += n;
                Some(o)
            })
            .collect();
        let n: usize = layouts.iter().map(|(_, n)| n).sum();
        let mut linear = vec![0.0; batch * n];
        let mut quadratic = vec![0.0; batch * n * n];
        for (target, a) in messages {
            let Some(a) = a.as_slice() else { continue };
            match target {
                Target::Single(u, _) => {
                    let i = block.unknowns.iter().position(|x| x == u).unwrap_or(0);
                    let (positions, len) = &layouts[i];
                    for (k, p) in positions.iter().enumerate() {
                        linear[(k / len) * n + offsets[i] + k % len] += a[*p];
                    }
                }
                Target::Pair(u, v) => {
                    let i = block.unknowns.iter().position(|x| x == u).unwrap_or(0);
                    let j = block.unknowns.iter().position(|x| x == v).unwrap_or(0);
                    let (ni, nj) = (layouts[i].1, layouts[j].1);
                    for b in 0..batch {
                        for x in 0..ni {
                            for y in 0..nj {
                                quadratic[b * n * n + (offsets[i] + x) * n + offsets[j] + y] +=
                                    a[b * ni * nj + x * nj + y];
                            }
                        }
                    }
                }
                Target::Cross | Target::Quadratic => {}
            }
        }
        let latent = block.role == Role::Latent;
        let mut mean = vec![0.0; batch * n];
        let mut covariance = vec![0.0; if latent { batch * n * n } else { 0 }];
        let weights = self.element_weights(id, &block.batch);
        let mut kept = 0;
        for b in 0..batch {
            let l = &linear[b * n..(b + 1) * n];
            let q = &quadratic[b * n * n..(b + 1) * n * n];
            let m = &mut mean[b * n..(b + 1) * n];
            if latent {
                let c = &mut covariance[b * n * n..(b + 1) * n * n];
                let log_z = gaussian::solve(l, q, n, m, c)
                    .map_err(|e| self.improper(block.unknowns[0], b, &e))?;
                // H = A - b'm - tr(Q (C + mm'))
                let mut inner: f64 = l.iter().zip(m.iter()).map(|(x, y)| x * y).sum();
                for i in 0..n {
                    for j in 0..n {
                        inner += q[i * n + j] * (c[i * n + j] + m[i] * m[j]);
                    }
                }
                next.entropy += weights[b] * (log_z - inner);
            } else if l.iter().all(|x| *x == 0.0) && q.iter().all(|x| *x == 0.0) {
                // No data reach it: it keeps its value.
                for (i, (positions, len)) in layouts.iter().enumerate() {
                    let kind = MomentKind::Statistic(block.unknowns[i], StatisticKind::Value);
                    if let Some(old) = state.moments.get(&kind).and_then(|a| a.as_slice()) {
                        for k in 0..*len {
                            m[offsets[i] + k] = old[positions[b * len + k]];
                        }
                    }
                }
                kept += 1;
            } else {
                gaussian::maximise(l, q, n, m)
                    .map_err(|e| self.unbounded(block.unknowns[0], b, &e.reason))?;
            }
        }
        if kept > 0 {
            noticed.kept.push((block.unknowns[0], kept));
        }
        for (i, u) in block.unknowns.iter().enumerate() {
            let (positions, len) = &layouts[i];
            let mut value = vec![0.0; positions.len()];
            for (k, p) in positions.iter().enumerate() {
                value[*p] = mean[(k / len) * n + offsets[i] + k % len];
            }
            let Ok(value) = ArrayD::from_shape_vec(IxDyn(&self.shape(*u)), value) else {
                continue;
            };
            state.moments.insert(
                MomentKind::Statistic(*u, StatisticKind::Value),
                value.clone(),
            );
            next.parameters
                .push((i, if latent { "mean" } else { "value" }, value));
            if !latent {
                continue;
            }
            for (j, v) in block.unknowns.iter().enumerate() {
                let (ni, nj) = (*len, layouts[j].1);
                let mut c = Vec::with_capacity(batch * ni * nj);
                for b in 0..batch {
                    for x in 0..ni {
                        for y in 0..nj {
                            c.push(covariance[b * n * n + (offsets[i] + x) * n + offsets[j] + y]);
                        }
                    }
                }
                if let Ok(c) = ArrayD::from_shape_vec(IxDyn(&self.pair_shape(*u, *v)), c) {
                    if i == j {
                        let name = if block.inside_slots[i].is_empty() {
                            "variance"
                        } else {
                            "covariance"
                        };
                        next.parameters.push((i, name, c.clone()));
                    }
                    state.moments.insert(MomentKind::Covariance(*u, *v), c);
                }
            }
        }
        Ok(())
    }
}
