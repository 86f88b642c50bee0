//! Quadratic blocks with |v| in the exponent or v > 0: sparse codes, the lasso, non-negative least squares.
//!
//! ```text
//! log q = b'v + v'Qv - sum_i l_i |v_i - o_i|,  v_i > 0 for some i            A = -(Q + Q')
//! points    the maximum, to its KKT conditions: all inside elements of all unknowns at once
//! latents   q(v_i) = exp(-A_ii v^2 / 2 + r_i v - l_i |v - o_i|) / Z,  r_i = b_i - sum_j!=i A_ij E[v_j], one i after the other
//! ```
//!
//! A known location o is taken out: v = v' + o. Elements of the batch with one A share what is made of it.

use ndarray::ArrayD;
use rayon::prelude::*;

use crate::derive::{BlockId, MomentKind};
use crate::diag::Diagnostic;
use crate::engine::Engine;
use crate::engine::state::{BlockState, State};
use crate::family::{Family, GaussianLaplace, Improper, StatisticKind, TruncatedGaussian};
use crate::model::{Domain, Role};
use crate::numeric::penalised::{Penalised, Scratch};

use super::quadratic::Quadratic;
use super::{Messages, Noticed};

/// Rows that one task solves.
const ROWS: usize = 64;

/// What the penalties add to a quadratic block, by element.
struct Penalty {
    /// l
    rate: Vec<f64>,
    /// o; `None` where all are 0.
    offset: Option<Vec<f64>>,
    /// v > 0, for each number of an element.
    positive: Vec<bool>,
}

/// What a coordinate update leaves of an element.
struct Factors {
    mean: Vec<f64>,
    absolute: Vec<f64>,
    variance: Vec<f64>,
    linear: Vec<f64>,
    precision: Vec<f64>,
    entropy: f64,
}

impl Engine<'_> {
    pub(super) fn update_penalised(
        &self,
        state: &mut State,
        id: BlockId,
        messages: &Messages,
        next: &mut BlockState,
        noticed: &mut Noticed,
    ) -> Result<(), Diagnostic> {
        let mut q = self.quadratic(id, messages);
        let penalty = self.penalty(id, &q, messages);
        let n = q.n;
        for m in &mut q.precisions.matrices {
            let half = m.clone();
            for i in 0..n {
                for j in 0..n {
                    m[i * n + j] = -(half[i * n + j] + half[j * n + i]);
                }
            }
        }
        // b about the locations: b - A o.
        let offset = penalty.offset.as_deref();
        for (b, g) in q.precisions.of.iter().enumerate() {
            let Some(offset) = offset else { break };
            let a = &q.precisions.matrices[*g];
            let o = &offset[b * n..(b + 1) * n];
            for (j, x) in o.iter().enumerate().filter(|(_, x)| **x != 0.0) {
                for i in 0..n {
                    q.linear[b * n + i] -= a[i * n + j] * x;
                }
            }
        }
        let block = self.derivation.block(id);
        let u = block.unknowns[0];
        let value = |u| MomentKind::Statistic(u, StatisticKind::Value);
        let absolute = |u| MomentKind::Statistic(u, StatisticKind::Abs);
        let now: Vec<_> = block
            .unknowns
            .iter()
            .map(|u| state.moments.get(&value(*u)))
            .collect();
        let mut start = q.gather(&now);
        for (x, o) in start.iter_mut().zip(offset.into_iter().flatten()) {
            *x -= o;
        }
        if block.role == Role::Latent {
            let found = factors(&q, &penalty, &start).map_err(|(b, e)| self.improper(u, b, &e))?;
            let weights = self.element_weights(id, &block.batch);
            let flat = |f: &dyn Fn(&Factors) -> &Vec<f64>| -> Vec<f64> {
                found.iter().flat_map(|x| f(x).iter().copied()).collect()
            };
            next.entropy += found
                .iter()
                .zip(&weights)
                .filter(|(_, w)| **w != 0.0)
                .map(|(f, w)| w * f.entropy)
                .sum::<f64>();
            let mut mean = flat(&|f| &f.mean);
            for (m, o) in mean.iter_mut().zip(offset.into_iter().flatten()) {
                *m += o;
            }
            self.publish_flat(state, id, &q, &absolute, &flat(&|f| &f.absolute));
            let means = self.publish_flat(state, id, &q, &value, &mean);
            let variances = flat(&|f| &f.variance);
            let variances = self.publish_flat(state, id, &q, &MomentKind::Variance, &variances);
            // Those of each number about its location: what its factor is, by textbook names where there are any.
            let parts = |v: &[f64]| self.arrays(id, &q, v);
            let linear = parts(&flat(&|f| &f.linear));
            let precision = parts(&flat(&|f| &f.precision));
            let rate = parts(&penalty.rate);
            for (name, list) in [
                ("mean", means),
                ("variance", variances),
                ("linear", linear),
                ("precision", precision),
                ("rate", rate),
            ] {
                for (i, a) in list.into_iter().enumerate() {
                    next.parameters.push((i, name, a));
                }
            }
            return Ok(());
        }
        let mut solved =
            maxima(&q, &penalty, start).map_err(|(b, reason)| self.unbounded(u, b, &reason))?;
        // Where nothing pulls at a number, it keeps its value.
        let flat = |g: usize, i: usize| q.precisions.matrices[g][i * n + i] == 0.0;
        let free: Vec<Vec<usize>> = (0..q.precisions.matrices.len())
            .map(|g| (0..n).filter(|i| flat(g, *i)).collect())
            .collect();
        let mut kept = 0;
        for (b, g) in q.precisions.of.iter().enumerate() {
            let idle = free[*g]
                .iter()
                .filter(|i| q.linear[b * n + *i] == 0.0 && penalty.rate[b * n + *i] == 0.0);
            kept += idle.count();
        }
        if kept > 0 {
            noticed.kept.push((u, kept));
        }
        let sizes: Vec<f64> = solved.par_iter().map(|x| x.abs()).collect();
        for (x, o) in solved.iter_mut().zip(offset.into_iter().flatten()) {
            *x += o;
        }
        for (u, a) in block.unknowns.iter().zip(self.arrays(id, &q, &sizes)) {
            state.moments.insert(absolute(*u), a);
        }
        let values = self.publish_flat(state, id, &q, &value, &solved);
        for (i, a) in values.into_iter().enumerate() {
            next.parameters.push((i, "value", a));
        }
        Ok(())
    }

    fn penalty(&self, id: BlockId, q: &Quadratic, messages: &Messages) -> Penalty {
        let block = self.derivation.block(id);
        let rate = q.collect(&block.unknowns, StatisticKind::Abs, messages);
        let offsets: Vec<Option<ArrayD<f64>>> =
            block.unknowns.iter().map(|u| self.offset(*u)).collect();
        let arrays: Vec<Option<&ArrayD<f64>>> = offsets.iter().map(Option::as_ref).collect();
        let positive = block.unknowns.iter().zip(&q.sizes).flat_map(|(u, n)| {
            let positive = self.derivation.unknowns.get(*u).domain == Domain::Positive;
            std::iter::repeat_n(positive, *n)
        });
        Penalty {
            rate: rate.into_par_iter().map(|l| (-l).max(0.0)).collect(),
            offset: arrays
                .iter()
                .any(Option::is_some)
                .then(|| q.gather(&arrays)),
            positive: positive.collect(),
        }
    }

    /// True if an absolute value of the unknown is about another number than 0.
    pub fn located(&self, u: crate::algebra::UnknownId) -> bool {
        self.offset(u).is_some()
    }

    /// The known location of an unknown's absolute value, over its slots.
    pub(in crate::engine) fn offset(&self, u: crate::algebra::UnknownId) -> Option<ArrayD<f64>> {
        let s = self
            .derivation
            .terms
            .items
            .iter()
            .flat_map(|t| &t.stats)
            .find(|s| s.of == u && s.offset.is_some())?;
        let t = self.known(s.offset.as_ref()?);
        let axes: Option<Vec<crate::model::Axis>> = s
            .index
            .iter()
            .map(|i| match i {
                crate::algebra::Subscript::Axis(a) => Some(*a),
                _ => None,
            })
            .collect();
        let size = |a| self.size(a);
        Some(t.broadcast(&axes?, &size))
    }
}

/// The points, by element.
fn maxima(
    q: &Quadratic,
    penalty: &Penalty,
    mut start: Vec<f64>,
) -> Result<Vec<f64>, (usize, String)> {
    let n = q.n;
    let members = q.precisions.members();
    let mut solvers: Vec<Penalised> = vec![];
    for (a, group) in q.precisions.matrices.iter().zip(&members) {
        let solver = Penalised::new(a, n).map_err(|_| {
            let reason = "its quadratic part is no finite positive semidefinite matrix";
            (group.first().copied().unwrap_or(0), reason.to_string())
        })?;
        solvers.push(solver);
    }
    let failed: Vec<Option<(usize, String)>> = start
        .par_chunks_mut((ROWS * n).max(1))
        .enumerate()
        .map(|(c, rows)| {
            let mut scratch = Scratch::default();
            for (i, v) in rows.chunks_mut(n.max(1)).enumerate() {
                let b = c * ROWS + i;
                let at = b * n..(b + 1) * n;
                let solver = &solvers[q.precisions.of[b]];
                let found = solver.solve(
                    &q.linear[at.clone()],
                    &penalty.rate[at],
                    &penalty.positive,
                    v,
                    &mut scratch,
                );
                if found.is_err() {
                    let reason = "its terms grow without bound in some direction";
                    return Some((b, reason.to_string()));
                }
            }
            None
        })
        .collect();
    match failed.into_iter().flatten().next() {
        Some(e) => Err(e),
        None => Ok(start),
    }
}

/// One round of coordinate updates of each element, newest neighbours first come.
fn factors(
    q: &Quadratic,
    penalty: &Penalty,
    start: &[f64],
) -> Result<Vec<Factors>, (usize, Improper)> {
    let n = q.n;
    let one = |b: usize| -> Result<Factors, (usize, Improper)> {
        let a = &q.precisions.matrices[q.precisions.of[b]];
        let mut mean = start[b * n..(b + 1) * n].to_vec();
        let mut out = Factors {
            mean: vec![],
            absolute: vec![0.0; n],
            variance: vec![0.0; n],
            linear: vec![0.0; n],
            precision: (0..n).map(|i| a[i * n + i]).collect(),
            entropy: 0.0,
        };
        for i in 0..n {
            let row = &a[i * n..(i + 1) * n];
            let others: f64 = row.iter().zip(&mean).map(|(a, m)| a * m).sum();
            let linear = q.linear[b * n + i] - others + row[i] * mean[i];
            let family: &dyn Family = if penalty.positive[i] {
                &TruncatedGaussian
            } else {
                &GaussianLaplace
            };
            let rate = penalty.rate[b * n + i];
            out.linear[i] = if penalty.positive[i] {
                linear - rate
            } else {
                linear
            };
            let eta: Vec<f64> = family
                .signature()
                .iter()
                .map(|k| match k {
                    StatisticKind::Abs => -rate,
                    // |v| = v where v > 0.
                    StatisticKind::Value => out.linear[i],
                    _ => -0.5 * row[i],
                })
                .collect();
            let mut expected = vec![0.0; eta.len()];
            let log_z = family
                .expectations(&eta, 1, &mut expected)
                .map_err(|e| (b, e))?;
            let (mut first, mut second, mut absolute) = (0.0, 0.0, None);
            for (k, e) in family.signature().iter().zip(&expected) {
                match k {
                    StatisticKind::Abs => absolute = Some(*e),
                    StatisticKind::Value => first = *e,
                    _ => second = *e,
                }
            }
            let inner: f64 = eta.iter().zip(&expected).map(|(a, b)| a * b).sum();
            out.entropy += log_z - inner;
            out.absolute[i] = absolute.unwrap_or(first);
            out.variance[i] = (second - first * first).max(0.0);
            mean[i] = first;
        }
        out.mean = mean;
        Ok(out)
    };
    (0..q.batch).into_par_iter().map(one).collect()
}
