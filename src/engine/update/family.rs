//! Families of single elements: expectations and entropy of a latent, by pieces in parallel; the mode of a point.

use ndarray::{ArrayD, IxDyn};
use rayon::prelude::*;

use crate::algebra::UnknownId;
use crate::derive::{BlockId, MomentKind, Target};
use crate::diag::Diagnostic;
use crate::engine::Engine;
use crate::engine::state::{BlockState, State};
use crate::family::{Family, Improper, ModeKind, Parameter, StatisticKind};
use crate::model::{Domain, Role};
use crate::numeric::vector;

use super::{Messages, Noticed};

/// So many numbers of natural parameters are one piece of work: no less than makes a task worth its while, and no more than
/// fits the nearest cache. Sums over elements are taken by pieces, so that they do not depend on the number of threads.
const PIECE: usize = 4096;

/// What a block of one unknown is updated from.
struct Elements<'a> {
    u: UnknownId,
    family: &'static dyn Family,
    /// The dimension of a value.
    d: usize,
    count: usize,
    /// The length of each statistic's part.
    lengths: Vec<usize>,
    /// The length of all of them.
    total: usize,
    /// The message of each statistic over all elements.
    parts: Vec<Option<&'a [f64]>>,
    /// How many elements share one q.
    copies: Option<Vec<f64>>,
    /// The cells of a column that is partly unknown.
    cells: Option<ArrayD<f64>>,
}

impl Elements<'_> {
    /// Writes the natural parameters of the elements from `first` on, one after the other.
    fn natural(&self, first: usize, eta: &mut [f64]) {
        for (i, eta) in (first..).zip(eta.chunks_mut(self.total.max(1))) {
            let mut at = 0;
            for (part, len) in self.parts.iter().zip(&self.lengths) {
                match part {
                    Some(p) => eta[at..at + len].copy_from_slice(&p[i * len..(i + 1) * len]),
                    None => eta[at..at + len].fill(0.0),
                }
                at += len;
            }
            // Copies share one q: each has its part of the message.
            if let Some(c) = self.copies.as_ref().and_then(|c| c.get(i)) {
                let share = if *c > 0.0 { 1.0 / c } else { 0.0 };
                eta.iter_mut().for_each(|x| *x *= share);
            }
        }
    }

    /// The cell of an element that is known.
    fn cell(&self, i: usize) -> Option<f64> {
        let x = self.cells.as_ref()?.as_slice()?.get(i)?;
        (!x.is_nan()).then_some(*x)
    }

    /// The arrays of the statistics from the elements' `E[t]`, which stand one after the other.
    fn by_statistic(&self, all: Vec<f64>) -> Vec<Vec<f64>> {
        if self.lengths.len() == 1 {
            return vec![all];
        }
        let mut at = 0;
        let of = |len: &usize| {
            let (from, to) = (at, at + len);
            at = to;
            let elements = all.chunks_exact(self.total.max(1));
            elements.flat_map(|e| &e[from..to]).copied().collect()
        };
        self.lengths.iter().map(of).collect()
    }
}

/// What a piece of the elements of a latent adds up to.
struct Piece {
    entropy: f64,
    parameters: Vec<Parameter>,
}

impl Engine<'_> {
    pub(super) fn update_family(
        &self,
        state: &mut State,
        id: BlockId,
        family: &'static dyn Family,
        messages: &Messages,
        next: &mut BlockState,
        noticed: &mut Noticed,
    ) -> Result<(), Diagnostic> {
        let block = self.derivation.block(id);
        let u = block.unknowns[0];
        let unknown = self.derivation.unknowns.get(u);
        let plates = unknown.plates();
        let shape = self.shape(u);
        let d = if unknown.domain.value_slots() > 0 {
            shape[plates.len()]
        } else {
            1
        };
        let lengths = family.lengths(d);
        let signature = family.signature();
        let part = |k: &StatisticKind| {
            let target = match k {
                StatisticKind::Pair => Target::Pair(u, u),
                other => Target::Single(u, *other),
            };
            messages.get(&target).and_then(|a| a.as_slice())
        };
        let elements = Elements {
            u,
            family,
            d,
            count: shape[..plates.len()].iter().product(),
            total: lengths.iter().sum(),
            lengths,
            parts: signature.iter().map(part).collect(),
            copies: self.copies(u),
            cells: self.cells(u),
        };
        let latent = block.role == Role::Latent;
        let statistics = if latent {
            let mut weights = self.element_weights(id, plates);
            if let Some(copies) = &elements.copies {
                weights.iter_mut().zip(copies).for_each(|(w, c)| *w *= c);
            }
            let (statistics, parameters) = self.expect(&elements, &weights, next)?;
            for p in parameters {
                let mut full: Vec<usize> = shape[..plates.len()].to_vec();
                full.extend(&p.shape);
                if let Ok(a) = ArrayD::from_shape_vec(IxDyn(&full), p.values) {
                    next.parameters.push((0, p.name, a));
                }
            }
            statistics
        } else {
            let (statistics, values) = self.maximise(state, &elements, noticed)?;
            if let Ok(a) = ArrayD::from_shape_vec(IxDyn(&shape), values) {
                state
                    .moments
                    .insert(MomentKind::Statistic(u, StatisticKind::Value), a.clone());
                next.parameters.push((0, "value", a));
            }
            statistics
        };
        for (k, v) in signature.iter().zip(elements.by_statistic(statistics)) {
            if *k == StatisticKind::Pair || (!latent && *k == StatisticKind::Value) {
                continue;
            }
            let kind = MomentKind::Statistic(u, *k);
            if let Ok(a) = ArrayD::from_shape_vec(IxDyn(&self.moment_shape(kind)), v) {
                state.moments.insert(kind, a);
            }
        }
        if let Some(p) = signature.iter().position(|k| *k == StatisticKind::Pair)
            && latent
        {
            self.publish_variance(state, u, signature, p, messages, d, family);
        }
        Ok(())
    }

    /// `E[t]` of every element, one after the other, and the parameters of all; adds to the entropy.
    fn expect(
        &self,
        elements: &Elements<'_>,
        weights: &[f64],
        next: &mut BlockState,
    ) -> Result<(Vec<f64>, Vec<Parameter>), Diagnostic> {
        let Elements {
            family, d, total, ..
        } = *elements;
        let mut all = vec![0.0; elements.count * total];
        let many = (PIECE / total.max(1)).max(1);
        let work = |(number, statistics): (usize, &mut [f64])| {
            let first = number * many;
            let fail = |(i, e): (usize, Improper)| (first + i, e);
            let mut eta = vec![0.0; statistics.len()];
            elements.natural(first, &mut eta);
            let count = eta.len() / total.max(1);
            let mut log_z = vec![0.0; count];
            family
                .expectations_of_all(&eta, d, statistics, &mut log_z)
                .map_err(fail)?;
            let mut entropy = 0.0;
            let each = eta
                .chunks(total.max(1))
                .zip(statistics.chunks_mut(total.max(1)));
            for (i, ((eta, statistics), log_z)) in (first..).zip(each.zip(&log_z)) {
                match elements.cell(i) {
                    Some(x) => family.statistics(&[x], d, statistics),
                    None => entropy += weights[i] * (log_z - vector::dot(eta, statistics)),
                }
            }
            let parameters = family.parameters_of_all(&eta, d).map_err(fail)?;
            Ok(Piece {
                entropy,
                parameters,
            })
        };
        let pieces: Vec<Result<Piece, (usize, Improper)>> = all
            .par_chunks_mut((many * total).max(1))
            .enumerate()
            .map(work)
            .collect();
        let mut parameters: Vec<Parameter> = vec![];
        for piece in pieces {
            let piece = piece.map_err(|(i, e)| self.improper(elements.u, i, &e))?;
            next.entropy += piece.entropy;
            if parameters.is_empty() {
                parameters = piece.parameters;
                let length = |p: &Parameter| p.shape.iter().product::<usize>() * elements.count;
                for p in &mut parameters {
                    let more = length(p).saturating_sub(p.values.len());
                    p.values.reserve_exact(more);
                }
            } else {
                for (a, b) in parameters.iter_mut().zip(piece.parameters) {
                    a.values.extend(b.values);
                }
            }
        }
        Ok((all, parameters))
    }

    /// t(mode) of every element, one after the other, and the modes.
    fn maximise(
        &self,
        state: &State,
        elements: &Elements<'_>,
        noticed: &mut Noticed,
    ) -> Result<(Vec<f64>, Vec<f64>), Diagnostic> {
        let Elements {
            u,
            family,
            d,
            total,
            ..
        } = *elements;
        let sparse = matches!(
            self.derivation.unknowns.get(u).domain,
            Domain::Simplex | Domain::Probability
        );
        let is_element = self.elements(u);
        let value_length = family.value_length(d);
        let mut values = vec![0.0; elements.count * value_length];
        let mut all = vec![0.0; elements.count * total];
        let mut eta = vec![0.0; total];
        let (mut boundary, mut kept) = (0, 0);
        let old = state
            .moments
            .get(&MomentKind::Statistic(u, StatisticKind::Value))
            .and_then(|v| v.as_slice());
        for i in 0..elements.count {
            elements.natural(i, &mut eta);
            let statistics = &mut all[i * total..(i + 1) * total];
            let place = i * value_length..(i + 1) * value_length;
            let value = &mut values[place.clone()];
            let weightless = eta.iter().all(|x| *x == 0.0);
            if let (true, Some(old)) = (weightless, old.and_then(|v| v.get(place))) {
                value.copy_from_slice(old);
                family.statistics(value, d, statistics);
                kept += usize::from(is_element[i]);
                continue;
            }
            match family.mode_statistics(&eta, d, value, statistics) {
                Ok(ModeKind::Interior) => {}
                Ok(ModeKind::Boundary) => boundary += usize::from(is_element[i]),
                Err(e) => return Err(self.unbounded(u, i, &e.reason)),
            }
            // A logarithm at its floor counts where the density rises towards it: 0 log 0 = 0, and a number too small for a
            // double is no pole.
            let floored = |(x, e): (&f64, &f64)| x.abs() >= 1e29 && x * e > 0.0;
            if statistics.iter().any(|x| !x.is_finite())
                || (!sparse && statistics.iter().zip(&eta).any(floored))
            {
                let reason = "its best value lies where the density is unbounded";
                return Err(self.unbounded(u, i, reason));
            }
        }
        if boundary > 0 {
            noticed.boundary.push((u, boundary));
        }
        if kept > 0 {
            noticed.kept.push((u, kept));
        }
        Ok((all, values))
    }

    /// Var = E[v^2] - E[v]^2 of the scalar families with a second-order statistic.
    #[allow(clippy::too_many_arguments)]
    fn publish_variance(
        &self,
        state: &mut State,
        u: UnknownId,
        signature: &[StatisticKind],
        pair: usize,
        messages: &Messages,
        d: usize,
        family: &'static dyn Family,
    ) {
        let shape = self.shape(u);
        let count: usize = shape.iter().product();
        let lengths = family.lengths(d);
        let total: usize = lengths.iter().sum();
        let mut out = Vec::with_capacity(count);
        let mut statistics = vec![0.0; total];
        let cells = self.cells(u);
        for i in 0..count {
            let eta: Vec<f64> = signature
                .iter()
                .map(|k| {
                    let target = match k {
                        StatisticKind::Pair => Target::Pair(u, u),
                        other => Target::Single(u, *other),
                    };
                    messages
                        .get(&target)
                        .and_then(|a| a.as_slice())
                        .map_or(0.0, |a| a[i])
                })
                .collect();
            let value = signature.iter().position(|k| *k == StatisticKind::Value);
            let blank = cells
                .as_ref()
                .and_then(|c| c.as_slice())
                .is_none_or(|c| c[i].is_nan());
            if blank && family.expectations(&eta, d, &mut statistics).is_ok() {
                let m = value.map_or(0.0, |v| statistics[v]);
                out.push((statistics[pair] - m * m).max(0.0));
            } else {
                out.push(0.0);
            }
        }
        if let Ok(a) = ArrayD::from_shape_vec(IxDyn(&self.pair_shape(u, u)), out) {
            state.moments.insert(MomentKind::Covariance(u, u), a);
        }
    }
}
