//! Families taken element by element: expectations and entropy of a latent, the mode of a point.

use ndarray::{ArrayD, IxDyn};

use crate::algebra::UnknownId;
use crate::derive::{BlockId, MomentKind, Target};
use crate::diag::Diagnostic;
use crate::engine::Engine;
use crate::engine::state::{BlockState, State};
use crate::family::{Family, ModeKind, Parameter, StatisticKind};
use crate::model::Role;

use super::{Messages, Noticed};

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
        let count: usize = shape[..plates.len()].iter().product();
        let d = if unknown.domain.value_slots() > 0 {
            shape[plates.len()]
        } else {
            1
        };
        let lengths = family.lengths(d);
        let signature = family.signature();
        let total: usize = lengths.iter().sum();
        let parts: Vec<Option<&[f64]>> = signature
            .iter()
            .map(|k| {
                let target = match k {
                    StatisticKind::Pair => Target::Pair(u, u),
                    other => Target::Single(u, *other),
                };
                messages.get(&target).and_then(|a| a.as_slice())
            })
            .collect();
        let mut weights = self.element_weights(id, plates);
        let copies = self.copies(u);
        if let Some(copies) = &copies {
            weights.iter_mut().zip(copies).for_each(|(w, c)| *w *= c);
        }
        let mut eta = vec![0.0; total];
        let mut published: Vec<Vec<f64>> = lengths
            .iter()
            .map(|l| Vec::with_capacity(l * count))
            .collect();
        let mut parameters: Vec<Parameter> = vec![];
        let value_length = family.value_length(d);
        let mut values = vec![0.0; count * value_length];
        let mut statistics = vec![0.0; total];
        let (mut boundary, mut kept) = (0, 0);
        let is_element = self.elements(u);
        let latent = block.role == Role::Latent;
        let cells = self.cells(u);
        let cell = |i: usize| {
            let x = cells.as_ref()?.as_slice()?.get(i)?;
            (!x.is_nan()).then_some(*x)
        };
        for i in 0..count {
            let mut at = 0;
            for (part, len) in parts.iter().zip(&lengths) {
                match part {
                    Some(p) => eta[at..at + len].copy_from_slice(&p[i * len..(i + 1) * len]),
                    None => eta[at..at + len].fill(0.0),
                }
                at += len;
            }
            // Copies share one q: each has its part of the message.
            if let Some(c) = copies.as_ref().and_then(|c| c.get(i)) {
                let share = if *c > 0.0 { 1.0 / c } else { 0.0 };
                eta.iter_mut().for_each(|x| *x *= share);
            }
            if latent {
                let log_z = family
                    .expectations(&eta, d, &mut statistics)
                    .map_err(|e| self.improper(u, i, &e))?;
                let inner: f64 = eta.iter().zip(&statistics).map(|(a, b)| a * b).sum();
                match cell(i) {
                    Some(x) => family.statistics(&[x], d, &mut statistics),
                    None => next.entropy += weights[i] * (log_z - inner),
                }
                let p = family
                    .parameters(&eta, d)
                    .map_err(|e| self.improper(u, i, &e))?;
                if parameters.is_empty() {
                    parameters = p;
                } else {
                    for (a, b) in parameters.iter_mut().zip(p) {
                        a.values.extend(b.values);
                    }
                }
            } else {
                let value = &mut values[i * value_length..(i + 1) * value_length];
                let weightless = eta.iter().all(|x| *x == 0.0);
                let old = state
                    .moments
                    .get(&MomentKind::Statistic(u, StatisticKind::Value))
                    .and_then(|v| v.as_slice())
                    .and_then(|v| v.get(i * value_length..(i + 1) * value_length));
                match (weightless, old) {
                    (true, Some(old)) => {
                        value.copy_from_slice(old);
                        family.statistics(value, d, &mut statistics);
                        kept += usize::from(is_element[i]);
                    }
                    _ => {
                        match family.mode_statistics(&eta, d, value, &mut statistics) {
                            Ok(ModeKind::Interior) => {}
                            Ok(ModeKind::Boundary) => boundary += usize::from(is_element[i]),
                            Err(e) => return Err(self.unbounded(u, i, &e.reason)),
                        }
                        let sparse = matches!(
                            unknown.domain,
                            crate::model::Domain::Simplex | crate::model::Domain::Probability
                        );
                        // A logarithm at its floor counts where something multiplies it: 0 log 0 = 0. A value that was
                        // rounded to 0 has an x log x that is as good as 0.
                        let negligible = -1e-200..=0.0;
                        let floored = |(x, e): (&f64, &f64)| {
                            x.abs() >= 1e29 && !negligible.contains(&(x * e))
                        };
                        if statistics.iter().any(|x| !x.is_finite())
                            || (!sparse && statistics.iter().zip(&eta).any(floored))
                        {
                            return Err(self.unbounded(
                                u,
                                i,
                                "its best value lies where the density is unbounded",
                            ));
                        }
                    }
                }
            }
            let mut at = 0;
            for (out, len) in published.iter_mut().zip(&lengths) {
                out.extend_from_slice(&statistics[at..at + len]);
                at += len;
            }
        }
        if boundary > 0 {
            noticed.boundary.push((u, boundary));
        }
        if kept > 0 {
            noticed.kept.push((u, kept));
        }
        for (k, v) in signature.iter().zip(published) {
            if *k == StatisticKind::Pair {
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
        if latent {
            for p in parameters {
                let mut full: Vec<usize> = shape[..plates.len()].to_vec();
                full.extend(&p.shape);
                if let Ok(a) = ArrayD::from_shape_vec(IxDyn(&full), p.values) {
                    next.parameters.push((0, p.name, a));
                }
            }
        } else if let Ok(a) = ArrayD::from_shape_vec(IxDyn(&shape), values) {
            state
                .moments
                .insert(MomentKind::Statistic(u, StatisticKind::Value), a.clone());
            next.parameters.push((0, "value", a));
        }
        Ok(())
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
