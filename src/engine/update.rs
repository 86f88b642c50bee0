//! Updates of blocks that are not row by row: collect the messages, read out the family.
//!
//! `latent` publishes `E[t]` and the entropy; `param` and `as dirac` publish t(mode).

use std::collections::BTreeMap;

use ndarray::{ArrayD, IxDyn};

use crate::algebra::{Origin, UnknownId};
use crate::derive::{BlockId, Form, MomentKind, Target};
use crate::diag::{Code, Diagnostic};
use crate::family::gaussian_wishart::GaussianWishart;
use crate::family::{Family, Improper, ModeKind, Parameter, StatisticKind, gaussian};
use crate::model::{PlateId, Role};
use crate::numeric::log_or_floor;
use crate::plan::Planned;

use super::Engine;
use super::bind::unflatten;
use super::state::State;

/// What an update noticed.
#[derive(Debug, Clone, Default)]
pub struct Noticed {
    /// Elements whose mode lies on the boundary of its support: (unknown, how many).
    pub boundary: Vec<(UnknownId, usize)>,
    /// Elements that no data reached and that kept their value: (unknown, how many).
    pub kept: Vec<(UnknownId, usize)>,
}

/// Messages by statistic: the natural parameter of a block.
pub(super) type Messages = BTreeMap<Target, ArrayD<f64>>;

impl Engine<'_> {
    /// Updates a block.
    ///
    /// # Errors
    /// E0502 a latent whose factor is improper, E0715 a point without a finite maximum.
    pub fn update(&self, state: &mut State, id: BlockId) -> Result<Noticed, Diagnostic> {
        let messages = self.messages(state, id, false);
        self.read_out(state, id, &messages)
    }

    /// Updates a block from the messages that hold no other unknown: its prior, where that is conjugate by itself.
    ///
    /// # Errors
    /// As [`Engine::update`].
    pub fn update_from_prior(&self, state: &mut State, id: BlockId) -> Result<(), Diagnostic> {
        let messages = self.messages(state, id, true);
        self.read_out(state, id, &messages).map(|_| ())
    }

    /// Gives a block the q, or the point, of a natural parameter.
    pub(super) fn read_out(
        &self,
        state: &mut State,
        id: BlockId,
        messages: &Messages,
    ) -> Result<Noticed, Diagnostic> {
        let block = self.derivation.block(id);
        let mut noticed = Noticed::default();
        let mut next = super::state::BlockState {
            initialised: true,
            updated: true,
            ..Default::default()
        };
        match &block.form {
            Form::Family(f) => {
                self.update_family(state, id, *f, messages, &mut next, &mut noticed)?
            }
            Form::Gaussian => self.update_gaussian(state, id, messages, &mut next, &mut noticed)?,
            Form::GaussianWishart | Form::GaussianGamma => {
                self.update_scale(state, id, messages, &mut next)?;
            }
            Form::Discrete => self.update_discrete(state, id, messages, &mut next),
            Form::Deviation => self.update_deviation(state, id, messages, &mut next)?,
        }
        state.blocks[id.index()] = next;
        Ok(noticed)
    }

    /// The natural parameter, by statistic.
    pub(super) fn messages(&self, state: &State, id: BlockId, prior_only: bool) -> Messages {
        let block = self.derivation.block(id);
        let own_rows: Vec<PlateId> = block
            .batch
            .iter()
            .copied()
            .filter(|p| self.derivation.model.table_of(*p).is_some())
            .collect();
        let mut out: Messages = BTreeMap::new();
        for m in &self.plan.messages[id.index()] {
            if prior_only && !matches!(&m.how, Planned::Global(c) if c.moments.is_empty()) {
                continue;
            }
            let shape = match m.target {
                Target::Single(u, k) => self.moment_shape(MomentKind::Statistic(u, k)),
                Target::Pair(u, v) => self.pair_shape(u, v),
                Target::Cross => self.moment_shape(MomentKind::Cross(block.unknowns[0])),
                Target::Quadratic => self.moment_shape(MomentKind::Quadratic(block.unknowns[0])),
            };
            let slot = out
                .entry(m.target)
                .or_insert_with(|| ArrayD::zeros(IxDyn(&shape)));
            self.add_planned(state, &m.how, &own_rows, slot);
        }
        out
    }

    /// Weights of the elements of an unknown's plates, flat; all 1 where no batch plate has weights.
    fn element_weights(&self, plates: &[PlateId]) -> Vec<f64> {
        let shape: Vec<usize> = plates.iter().map(|p| self.plate_size(*p)).collect();
        let weights: Vec<Option<Vec<f64>>> =
            plates.iter().map(|p| self.evaluator.weights(*p)).collect();
        (0..shape.iter().product())
            .map(|i| {
                let at = unflatten(i, &shape);
                weights
                    .iter()
                    .zip(at)
                    .map(|(w, i)| w.as_ref().map_or(1.0, |w| w[i]))
                    .product()
            })
            .collect()
    }

    fn update_family(
        &self,
        state: &mut State,
        id: BlockId,
        family: &'static dyn Family,
        messages: &Messages,
        next: &mut super::state::BlockState,
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
        let weights = self.element_weights(plates);
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
        let latent = block.role == Role::Latent;
        for i in 0..count {
            let mut at = 0;
            for (part, len) in parts.iter().zip(&lengths) {
                match part {
                    Some(p) => eta[at..at + len].copy_from_slice(&p[i * len..(i + 1) * len]),
                    None => eta[at..at + len].fill(0.0),
                }
                at += len;
            }
            if latent {
                let log_z = family
                    .expectations(&eta, d, &mut statistics)
                    .map_err(|e| self.improper(u, i, &e))?;
                let inner: f64 = eta.iter().zip(&statistics).map(|(a, b)| a * b).sum();
                next.entropy += weights[i] * (log_z - inner);
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
                        kept += 1;
                    }
                    _ => {
                        match family.mode_statistics(&eta, d, value, &mut statistics) {
                            Ok(ModeKind::Interior) => {}
                            Ok(ModeKind::Boundary) => boundary += 1,
                            Err(e) => return Err(self.unbounded(u, i, &e.reason)),
                        }
                        let sparse = matches!(
                            unknown.domain,
                            crate::model::Domain::Simplex | crate::model::Domain::Probability
                        );
                        // A logarithm at its floor counts where something multiplies it: 0 log 0 = 0.
                        let floored = |(x, e): (&f64, &f64)| x.abs() >= 1e29 && *e != 0.0;
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
            if family.expectations(&eta, d, &mut statistics).is_ok() {
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

    /// For each unknown of a block: flat positions of its elements by (batch, inside).
    pub fn layout(&self, id: BlockId, i: usize) -> (Vec<usize>, usize) {
        let block = self.derivation.block(id);
        let shape = self.shape(block.unknowns[i]);
        let batch: Vec<usize> = block.batch_slots[i].iter().map(|s| shape[*s]).collect();
        let inside: Vec<usize> = block.inside_slots[i].iter().map(|s| shape[*s]).collect();
        let n: usize = inside.iter().product();
        let b: usize = batch.iter().product();
        let mut positions = Vec::with_capacity(n * b);
        for x in 0..b {
            let bx = unflatten(x, &batch);
            for y in 0..n {
                let iy = unflatten(y, &inside);
                let mut at = vec![0; shape.len()];
                for (s, v) in block.batch_slots[i].iter().zip(&bx) {
                    at[*s] = *v;
                }
                for (s, v) in block.inside_slots[i].iter().zip(&iy) {
                    at[*s] = *v;
                }
                positions.push(at.iter().zip(&shape).fold(0, |p, (a, s)| p * s + a));
            }
        }
        (positions, n)
    }

    fn update_gaussian(
        &self,
        state: &mut State,
        id: BlockId,
        messages: &Messages,
        next: &mut super::state::BlockState,
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
        let weights = self.element_weights(&block.batch);
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

    fn update_scale(
        &self,
        state: &mut State,
        id: BlockId,
        messages: &Messages,
        next: &mut super::state::BlockState,
    ) -> Result<(), Diagnostic> {
        let block = self.derivation.block(id);
        let (w, v) = (block.unknowns[0], block.unknowns[1]);
        let batch: usize = block.batch.iter().map(|p| self.plate_size(*p)).product();
        let (positions, inside) = self.layout(id, 0);
        let matrix = matches!(block.form, Form::GaussianWishart);
        let family = if matrix {
            GaussianWishart {
                d: inside,
                count: 1,
            }
        } else {
            GaussianWishart {
                d: 1,
                count: inside,
            }
        };
        let (d, c) = (family.d, family.count);
        // The precision's own elements in batch order.
        let v_positions: Vec<usize> = self.layout(id, 1).0.iter().map(|p| p / (d * d)).collect();
        let get = |t: Target| messages.get(&t).and_then(|a| a.as_slice());
        let log = get(Target::Single(v, StatisticKind::Log));
        let value = get(Target::Single(v, StatisticKind::Value));
        let cross = get(Target::Cross);
        let square = get(Target::Quadratic);
        let weights = self.element_weights(&block.batch);
        let mut eta = vec![0.0; family.length()];
        let mut expected = vec![0.0; family.length()];
        let mut out_log = vec![0.0; batch];
        let mut out_value = vec![0.0; batch * d * d];
        let mut out_cross = vec![0.0; positions.len()];
        let mut out_square = vec![0.0; batch * c * c];
        let mut out_mean = vec![0.0; positions.len()];
        let mut parameters: Vec<Parameter> = vec![];
        for b in 0..batch {
            let p = v_positions[b];
            eta[0] = log.map_or(0.0, |a| a[p]);
            for k in 0..d * d {
                eta[1 + k] = value.map_or(0.0, |a| a[p * d * d + k]);
            }
            let at = 1 + d * d;
            for k in 0..inside {
                eta[at + k] = cross.map_or(0.0, |a| a[positions[b * inside + k]]);
            }
            let at = at + d * c;
            for k in 0..c * c {
                eta[at + k] = square.map_or(0.0, |a| a[b * c * c + k]);
            }
            let log_z = family
                .expectations(&eta, &mut expected)
                .map_err(|e| self.improper(w, b, &e))?;
            let inner: f64 = eta.iter().zip(&expected).map(|(a, b)| a * b).sum();
            next.entropy += weights[b] * (log_z - inner);
            out_log[p] = expected[0];
            out_value[p * d * d..(p + 1) * d * d].copy_from_slice(&expected[1..=d * d]);
            let mut mean = vec![0.0; d * c];
            family
                .mean(&eta, &mut mean)
                .map_err(|e| self.improper(w, b, &e))?;
            for k in 0..inside {
                out_cross[positions[b * inside + k]] = expected[1 + d * d + k];
                out_mean[positions[b * inside + k]] = mean[k];
            }
            let at = 1 + d * d + d * c;
            out_square[b * c * c..(b + 1) * c * c].copy_from_slice(&expected[at..at + c * c]);
            let p = family
                .parameters(&eta)
                .map_err(|e| self.improper(w, b, &e))?;
            if parameters.is_empty() {
                parameters = p;
            } else {
                for (a, b) in parameters.iter_mut().zip(p) {
                    a.values.extend(b.values);
                }
            }
        }
        let mut put = |kind: MomentKind, values: Vec<f64>| {
            if let Ok(a) = ArrayD::from_shape_vec(IxDyn(&self.moment_shape(kind)), values) {
                state.moments.insert(kind, a);
            }
        };
        put(MomentKind::Statistic(v, StatisticKind::Log), out_log);
        put(MomentKind::Statistic(v, StatisticKind::Value), out_value);
        put(MomentKind::Cross(w), out_cross);
        put(MomentKind::Quadratic(w), out_square);
        put(
            MomentKind::Statistic(w, StatisticKind::Value),
            out_mean.clone(),
        );
        let batch_shape: Vec<usize> = block.batch.iter().map(|p| self.plate_size(*p)).collect();
        if let Ok(mean) = ArrayD::from_shape_vec(IxDyn(&self.shape(w)), out_mean) {
            next.parameters.push((0, "mean", mean));
        }
        for p in parameters {
            if p.name == "mean" {
                continue;
            }
            let of = usize::from(p.name != "beta");
            let mut full = batch_shape.clone();
            full.extend(&p.shape);
            if let Ok(a) = ArrayD::from_shape_vec(IxDyn(&full), p.values) {
                next.parameters.push((of, p.name, a));
            }
        }
        if !matrix {
            // In one dimension the Wishart is a Gamma: shape df / 2, rate inverse scale / 2.
            for (_, name, a) in &mut next.parameters {
                let renamed = match *name {
                    "df" => "shape",
                    "inverse_scale" => "rate",
                    _ => continue,
                };
                *name = renamed;
                a.mapv_inplace(|x| x / 2.0);
                if let Ok(b) = a.to_shape(IxDyn(&batch_shape)) {
                    *a = b.into_owned();
                }
            }
        }
        Ok(())
    }

    fn update_discrete(
        &self,
        state: &mut State,
        id: BlockId,
        messages: &Messages,
        next: &mut super::state::BlockState,
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
        let weights = self.element_weights(self.derivation.unknowns.get(u).plates());
        if let Some(flat) = eta.as_slice_mut() {
            for (row, w) in flat.chunks_mut(k).zip(&weights) {
                let before = row.to_vec();
                let log_z = crate::numeric::logsumexp::softmax_in_place(row);
                if block.role == Role::Latent {
                    let inner: f64 = row
                        .iter()
                        .zip(&before)
                        .map(|(r, e)| if *r == 0.0 { 0.0 } else { r * e })
                        .sum();
                    next.entropy += w * (log_z - inner);
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
    fn update_deviation(
        &self,
        state: &mut State,
        id: BlockId,
        messages: &Messages,
        next: &mut super::state::BlockState,
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

    /// The element of an unknown in the model's words: `Sigma[cluster = 2]`.
    pub fn element_name(&self, u: UnknownId, flat: usize) -> String {
        let unknown = self.derivation.unknowns.get(u);
        let block = self.derivation.block_of(u);
        let plates: Vec<PlateId> = block.map_or_else(
            || unknown.plates().to_vec(),
            |b| self.derivation.block(b).batch.clone(),
        );
        let shape: Vec<usize> = plates.iter().map(|p| self.plate_size(*p)).collect();
        let at = unflatten(flat, &shape);
        let parts: Vec<String> = plates
            .iter()
            .zip(at)
            .map(|(p, i)| {
                let data = &self.evaluator.data.plates[p.index()];
                let label = data
                    .labels
                    .get(i)
                    .cloned()
                    .unwrap_or_else(|| (i + 1).to_string());
                format!("{} = {label}", self.derivation.model.plate(*p).name)
            })
            .collect();
        if parts.is_empty() {
            unknown.name.clone()
        } else {
            format!("{}[{}]", unknown.name, parts.join(", "))
        }
    }

    /// Where an unknown is declared.
    pub(super) fn place(&self, u: UnknownId) -> crate::source::Span {
        match self.derivation.unknowns.get(u).origin {
            Origin::Variable(v) => self.derivation.model.variable(v).name_span,
            Origin::Column(c) => self.derivation.model.column(c).span,
        }
    }

    fn improper(&self, u: UnknownId, flat: usize, e: &Improper) -> Diagnostic {
        Diagnostic::new(Code::E0502, "a latent's factor is improper")
            .at(
                self.place(u),
                format!("{}: {}", self.element_name(u, flat), e.reason),
            )
            .help(
                "give it a proper prior with a larger shape, df or precision, or make it a `param`",
            )
    }

    fn unbounded(&self, u: UnknownId, flat: usize, reason: &str) -> Diagnostic {
        Diagnostic::new(Code::E0715, "objective without bound")
            .at(
                self.place(u),
                format!("{}: {reason}", self.element_name(u, flat)),
            )
            .help("give it a prior (`~` instead of `:`), use fewer elements, or start elsewhere (--seed, --init)")
    }
}
