//! Gaussian blocks: solve with the collected linear and quadratic messages.
//!
//! ```text
//! log q = b'v + v'Qv + const        C = (-(Q + Q'))^-1        m = C b
//! ```
//!
//! Elements with one Q are solved together: one factorisation, their b as the columns of one right-hand side.

use ndarray::{ArrayD, IxDyn};
use rayon::prelude::*;

use crate::derive::{BlockId, MomentKind};
use crate::diag::Diagnostic;
use crate::engine::Engine;
use crate::engine::state::{BlockState, State};
use crate::family::gaussian::{self, Factored};
use crate::family::{Improper, StatisticKind};
use crate::model::Role;

use super::precision::Precisions;
use super::quadratic::Quadratic;
use super::{Messages, Noticed};

/// Elements that are solved in one go.
const COLUMNS: usize = 512;
/// Below so many multiplications threads cost more than they save.
const LIGHT: usize = 1 << 16;

/// One result per item, on several threads where `work` multiplications are worth it.
fn each<T: Sync, R: Send>(items: &[T], work: usize, f: impl Fn(&T) -> R + Sync + Send) -> Vec<R> {
    if work < LIGHT {
        items.iter().map(f).collect()
    } else {
        items.par_iter().map(f).collect()
    }
}

/// Means by element of the batch, and the covariance of each matrix where it is wanted.
struct Solved {
    mean: Vec<f64>,
    covariances: Vec<Vec<f64>>,
}

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
        let Quadratic {
            layouts,
            offsets,
            sizes,
            n,
            batch,
            mut linear,
            mut precisions,
        } = self.quadratic(id, messages);
        let cells: Vec<Option<ArrayD<f64>>> =
            block.unknowns.iter().map(|u| self.cells(*u)).collect();
        let known = cells.iter().any(Option::is_some).then(|| {
            let mut known = vec![f64::NAN; batch * n];
            for (i, (positions, len)) in layouts.iter().enumerate() {
                let Some(c) = cells[i].as_ref().and_then(|c| c.as_slice()) else {
                    continue;
                };
                for (k, p) in positions.iter().enumerate() {
                    known[(k / len) * n + offsets[i] + k % len] = c[*p];
                }
            }
            known
        });
        if let Some(known) = &known {
            precisions.condition(known, &mut linear);
        }
        let latent = block.role == Role::Latent;
        let solved = if latent {
            let mut solved = self.expectation(id, &precisions, &linear, next)?;
            for (m, v) in solved.mean.iter_mut().zip(known.iter().flatten()) {
                if !v.is_nan() {
                    *m = *v;
                }
            }
            solved
        } else {
            let old = |b: usize, m: &mut [f64]| {
                self.current(state, id, &layouts, &offsets, b, m);
            };
            self.maximum(id, &precisions, &linear, &old, noticed)?
        };
        for (i, u) in block.unknowns.iter().enumerate() {
            let (positions, len) = &layouts[i];
            let mut value = vec![0.0; positions.len()];
            for (k, p) in positions.iter().enumerate() {
                value[*p] = solved.mean[(k / len) * n + offsets[i] + k % len];
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
                let Some(c) = precisions.spread(
                    &solved.covariances,
                    (offsets[i], sizes[i]),
                    (offsets[j], sizes[j]),
                    &self.pair_shape(*u, *v),
                ) else {
                    continue;
                };
                if i == j {
                    let name = self.covariance_name(id, i);
                    next.parameters.push((i, name, c.clone()));
                }
                state.moments.insert(MomentKind::Covariance(*u, *v), c);
            }
        }
        Ok(())
    }

    /// What the spread of an unknown of a Gaussian block is called.
    pub(in crate::engine) fn covariance_name(&self, id: BlockId, i: usize) -> &'static str {
        match self.derivation.block(id).inside_slots[i].is_empty() {
            true => "variance",
            false => "covariance",
        }
    }

    /// Means, covariances and the entropy of a latent block.
    fn expectation(
        &self,
        id: BlockId,
        precisions: &Precisions,
        linear: &[f64],
        next: &mut BlockState,
    ) -> Result<Solved, Diagnostic> {
        let block = self.derivation.block(id);
        let n = precisions.n;
        let members = precisions.members();
        let matrices: Vec<(&Vec<f64>, usize)> = precisions
            .matrices
            .iter()
            .zip(precisions.free.iter().map(Vec::len))
            .collect();
        let work = matrices.len() * n.pow(3);
        let factors = each(&matrices, work, |(q, free)| Factored::new(q, *free));
        let weights = self.element_weights(id, &block.batch);
        let mut all = vec![];
        for (f, group) in factors.into_iter().zip(&members) {
            match (f, group.first()) {
                (Ok(f), _) => {
                    let weight: f64 = group.iter().map(|b| weights[*b]).sum();
                    if weight != 0.0 {
                        next.entropy += weight * f.entropy();
                    }
                    all.push(Some(f));
                }
                // No element has this matrix: there are no rows.
                (Err(_), None) => all.push(None),
                (Err(e), Some(b)) => return Err(self.improper(block.unknowns[0], *b, &e)),
            }
        }
        let covariance = |(f, free): &(&Option<Factored>, &Vec<usize>)| {
            let mut c = vec![0.0; n * n];
            if let Some(f) = f {
                let m = free.len();
                let mut part = vec![0.0; m * m];
                f.covariance(&mut part);
                for (i, row) in free.iter().zip(part.chunks(m.max(1))) {
                    for (j, x) in free.iter().zip(row) {
                        c[i * n + j] = *x;
                    }
                }
            }
            c
        };
        let both: Vec<_> = all.iter().zip(&precisions.free).collect();
        let covariances = each(&both, work, covariance);
        let mean = solve_all(&all, precisions, &members, linear)
            .map_err(|(b, e)| self.improper(block.unknowns[0], b, &e))?;
        Ok(Solved { mean, covariances })
    }

    /// The maximum of a point; an element without data keeps what `old` writes.
    fn maximum(
        &self,
        id: BlockId,
        precisions: &Precisions,
        linear: &[f64],
        old: &dyn Fn(usize, &mut [f64]),
        noticed: &mut Noticed,
    ) -> Result<Solved, Diagnostic> {
        let u = self.derivation.block(id).unknowns[0];
        let n = precisions.n;
        let members = precisions.members();
        let work = precisions.matrices.len() * n.pow(3);
        let factors = each(&precisions.matrices, work, |q| Factored::regular(q, n));
        let mut mean = solve_all(&factors, precisions, &members, linear)
            .map_err(|(b, e)| self.unbounded(u, b, &e.reason))?;
        let mut kept = 0;
        for ((f, q), group) in factors.iter().zip(&precisions.matrices).zip(&members) {
            if f.is_some() {
                continue;
            }
            let empty = q.iter().all(|x| *x == 0.0);
            for b in group {
                let l = &linear[b * n..(b + 1) * n];
                let m = &mut mean[b * n..(b + 1) * n];
                if empty && l.iter().all(|x| *x == 0.0) {
                    old(*b, m);
                    kept += 1;
                } else {
                    gaussian::maximise(l, q, n, m).map_err(|e| self.unbounded(u, *b, &e.reason))?;
                }
            }
        }
        if kept > 0 {
            noticed.kept.push((u, kept));
        }
        Ok(Solved {
            mean,
            covariances: vec![],
        })
    }
}

/// The means of all elements whose matrix has a factor; the others stay 0.
fn solve_all(
    factors: &[Option<Factored>],
    precisions: &Precisions,
    members: &[Vec<usize>],
    linear: &[f64],
) -> Result<Vec<f64>, (usize, Improper)> {
    let n = precisions.n;
    let work: Vec<(&Factored, &[usize], &[usize])> = factors
        .iter()
        .zip(&precisions.free)
        .zip(members)
        .filter_map(|((f, free), group)| Some((f.as_ref()?, free.as_slice(), group)))
        .flat_map(|(f, free, group)| group.chunks(COLUMNS).map(move |part| (f, free, part)))
        .collect();
    let multiplications = linear.len() * n;
    let solved = each(&work, multiplications, |(f, free, part)| {
        let m = part.len();
        let mut columns = vec![0.0; free.len() * m];
        for (c, b) in part.iter().enumerate() {
            for (x, i) in free.iter().enumerate() {
                columns[x * m + c] = linear[b * n + i];
            }
        }
        f.means(&mut columns, m)?;
        Ok(columns)
    });
    let mut mean = vec![0.0; linear.len()];
    for ((_, free, part), columns) in work.iter().zip(solved) {
        let columns: Vec<f64> = columns.map_err(|e| (part[0], e))?;
        let m = part.len();
        for (c, b) in part.iter().enumerate() {
            for (x, i) in free.iter().enumerate() {
                mean[b * n + i] = columns[x * m + c];
            }
        }
    }
    Ok(mean)
}
