//! What is done with the rows of some elements: local blocks brought to their optimum, sums for the global ones, the objective.

use ndarray::{ArrayD, Axis as Dim, IxDyn};

use crate::data::Dataset;
use crate::derive::MomentKind;
use crate::diag::Diagnostic;
use crate::engine::Engine;
use crate::engine::evaluate::Fitted;
use crate::engine::passes::weighted_sum;
use crate::engine::state::{BlockState, State};
use crate::engine::update::Noticed;
use crate::plan::{KeyId, Step};

use super::parts::{Parts, owned_pass};
use super::subset::Chosen;

/// Local blocks are at their optimum when the sums that they take change by no more than this part.
pub const SETTLED: f64 = 1e-3;
/// At most so many rounds of passes and updates within a batch.
pub const ROUNDS: usize = 30;

/// An engine that works on elements of a plate.
pub(in crate::engine) struct Batches<'e, 'a> {
    /// That of all rows.
    pub engine: &'e Engine<'a>,
    /// The model cut at the plate.
    pub parts: Parts,
    /// Rounds within a batch, at most.
    pub rounds: usize,
    fitted: Fitted,
}

/// What some elements came to.
pub(in crate::engine) struct Visit {
    /// The sums for global blocks, in the order of `Parts::keys`, as they are.
    pub sums: Vec<ArrayD<f64>>,
    /// For each member of the reach, how much more weight all elements have.
    pub scale: Vec<f64>,
    /// The terms of these elements in the objective: as they are, and scaled to all.
    pub objective: (f64, f64),
    /// Rows looked at.
    pub rows: usize,
}

impl<'e, 'a> Batches<'e, 'a> {
    /// For a model that was cut.
    pub fn new(engine: &'e Engine<'a>, parts: Parts) -> Self {
        Batches {
            engine,
            parts,
            rounds: ROUNDS,
            fitted: engine.evaluator.fitted(),
        }
    }

    /// Visits elements: their local blocks, begun from the prior where `fresh`, are updated until they move by no more than
    /// `settled`, and put into the state.
    ///
    /// # Errors
    /// Those of passes and updates.
    pub fn visit(
        &self,
        state: &mut State,
        elements: &[usize],
        fresh: bool,
        settled: f64,
    ) -> Result<Visit, Vec<Diagnostic>> {
        let whole = self.engine;
        let reach = &self.parts.reach;
        let chosen = reach.choose(elements);
        let data: Dataset = reach.cut(&whole.derivation.model, whole.evaluator.data, &chosen);
        let here = Engine::new(
            whole.derivation,
            whole.plan,
            &data,
            Some(self.fitted.clone()),
        )?;
        let mut own = self.narrowed(&here, &chosen, state);
        if fresh {
            self.begin(&here, &mut own);
        }
        let rows = self.settle(&here, &mut own, settled).map_err(|e| vec![e])?;
        let scale: Vec<f64> = reach
            .members
            .iter()
            .zip(&chosen.weight)
            .map(|(m, w)| if *w > 0.0 { m.total / w } else { 0.0 })
            .collect();
        let sums = self.parts.keys.iter().map(|k| sum(&here, &own, *k));
        let visit = Visit {
            sums: sums.collect(),
            objective: self.objective(&here, &own, &scale),
            scale,
            rows,
        };
        self.keep(&own, &chosen, state);
        Ok(visit)
    }

    /// Local blocks at their priors, where those stand by themselves.
    fn begin(&self, here: &Engine<'_>, own: &mut State) {
        if self.parts.local_steps.len() < 2 {
            return;
        }
        for step in &self.parts.local_steps {
            if let Step::Update(b) = step {
                let before = own.clone();
                if here.update_from_prior(own, *b).is_err() {
                    *own = before;
                }
            }
        }
    }

    /// Runs local passes and updates until they agree; the number of rows looked at.
    ///
    /// # Errors
    /// Those of passes and updates.
    pub fn settle(
        &self,
        here: &Engine<'_>,
        own: &mut State,
        settled: f64,
    ) -> Result<usize, Diagnostic> {
        let rows = self.rows(here);
        let rounds = match self.parts.local_steps.len() {
            0 | 1 => 1,
            _ => self.rounds.max(1),
        };
        let mut last: Vec<ArrayD<f64>> = vec![];
        let mut visits = 0;
        for _ in 0..rounds {
            for step in &self.parts.local_steps {
                match step {
                    Step::Pass(p) => here.run_pass(own, *p)?,
                    Step::Update(b) => {
                        here.update(own, *b)?;
                    }
                }
            }
            visits += rows;
            if rounds == 1 {
                break;
            }
            let now = self.watched(own);
            let still = moved(&last, &now) <= settled;
            last = now;
            if still {
                break;
            }
        }
        Ok(visits)
    }

    /// Rows of all tables that belong to elements.
    pub fn rows(&self, here: &Engine<'_>) -> usize {
        let model = &here.derivation.model;
        let members = self.parts.reach.members.iter();
        let tables = members.filter(|m| model.table_of(m.plate).is_some());
        tables.map(|m| here.plate_size(m.plate)).sum()
    }

    fn watched(&self, own: &State) -> Vec<ArrayD<f64>> {
        let keys = self.parts.watched.iter();
        let sums: Vec<ArrayD<f64>> = keys
            .filter_map(|k| own.accumulated[k.index()].clone())
            .collect();
        if !sums.is_empty() {
            return sums;
        }
        let local = own.moments.iter().filter(|(k, _)| self.is_local(k));
        local.map(|(_, a)| a.clone()).collect()
    }

    fn is_local(&self, kind: &MomentKind) -> bool {
        let d = self.engine.derivation;
        let block = d.block_of(unknown(kind));
        block.is_some_and(|b| self.parts.local[b.index()])
    }

    /// The dimensions of a local expectation that are cut, each with its member of the reach.
    fn cut_dims(&self, kind: &MomentKind) -> Option<Vec<(usize, usize)>> {
        let (MomentKind::Statistic(u, _) | MomentKind::Variance(u)) = kind else {
            return None;
        };
        let slots = self.engine.derivation.unknowns.get(*u).slots.iter();
        let own = slots
            .enumerate()
            .filter_map(|(i, p)| Some((i, self.parts.reach.position(*p)?)));
        Some(own.collect())
    }

    /// The state of chosen elements.
    fn narrowed(&self, here: &Engine<'_>, chosen: &Chosen, state: &State) -> State {
        let mut own = here.empty_state();
        for (kind, a) in state.moments.iter() {
            if !self.is_local(kind) {
                own.moments.insert(*kind, a.clone());
            } else if let Some(dims) = self.cut_dims(kind) {
                let mut a = a.clone();
                for (dim, m) in dims {
                    if dim < a.ndim() {
                        a = a.select(Dim(dim), &chosen.elements[m]);
                    }
                }
                own.moments.insert(*kind, a);
            }
        }
        for (i, b) in state.blocks.iter().enumerate() {
            own.blocks[i] = match self.parts.local[i] {
                true => BlockState::default(),
                false => b.clone(),
            };
        }
        for (i, key) in here.plan.keys.iter().enumerate() {
            if !self.parts.reach.holds(key.plate) {
                own.accumulated[i] = state.accumulated[i].clone();
            }
        }
        own
    }

    /// Puts the expectations of chosen elements back.
    fn keep(&self, own: &State, chosen: &Chosen, state: &mut State) {
        for (kind, a) in own.moments.iter().filter(|(k, _)| self.is_local(k)) {
            let Some(dims) = self.cut_dims(kind) else {
                continue;
            };
            let [(dim, m)] = dims.as_slice() else {
                continue;
            };
            let shape = self.engine.moment_shape(*kind);
            let all = state
                .moments
                .entry(*kind)
                .or_insert_with(|| ArrayD::zeros(IxDyn(&shape)));
            if *dim >= all.ndim() {
                continue;
            }
            for (from, to) in chosen.elements[*m].iter().enumerate() {
                all.index_axis_mut(Dim(*dim), *to)
                    .assign(&a.index_axis(Dim(*dim), from));
            }
        }
    }

    /// The terms of the objective that belong to these elements: as they are, and scaled.
    fn objective(&self, here: &Engine<'_>, own: &State, scale: &[f64]) -> (f64, f64) {
        let (mut plain, mut scaled) = (0.0, 0.0);
        let mut add = |x: f64, m: usize| {
            plain += x;
            scaled += scale[m] * x;
        };
        for how in &here.plan.expectation {
            if let Some(m) = self.parts.counted(here, how) {
                let mut out = ArrayD::zeros(IxDyn(&[]));
                here.add_planned(own, how, &[], &mut out);
                add(out.first().copied().unwrap_or(0.0), m);
            }
        }
        for (p, blocks) in here.bound.iter().enumerate() {
            let Some(m) = self.parts.reach.position(here.plan.passes[p].plate) else {
                continue;
            };
            for k in blocks.iter().flat_map(|b| &b.keys) {
                if let Some(a) = &own.accumulated[k.index()] {
                    let t = here.table(own, *k);
                    add(weighted_sum(&t, a.as_slice().unwrap_or(&[])), m);
                }
            }
            add(own.passes[p].entropy, m);
        }
        for (i, b) in here.derivation.blocks.iter().enumerate() {
            let member = b.batch.iter().find_map(|p| self.parts.reach.position(*p));
            if let Some(m) = member.filter(|_| self.parts.local[i]) {
                add(own.blocks[i].entropy, m);
            }
        }
        (plain, scaled)
    }

    /// The terms of the objective that belong to no element.
    pub fn global_objective(&self, state: &State) -> f64 {
        let whole = self.engine;
        let mut out = ArrayD::zeros(IxDyn(&[]));
        for how in &whole.plan.expectation {
            if self.parts.counted(whole, how).is_none() {
                whole.add_planned(state, how, &[], &mut out);
            }
        }
        let mut l = out.first().copied().unwrap_or(0.0);
        for (p, blocks) in whole.bound.iter().enumerate() {
            if owned_pass(&self.parts.reach, whole, p) {
                continue;
            }
            for k in blocks.iter().flat_map(|b| &b.keys) {
                if let Some(a) = &state.accumulated[k.index()] {
                    let t = whole.table(state, *k);
                    l += weighted_sum(&t, a.as_slice().unwrap_or(&[]));
                }
            }
            l += state.passes[p].entropy;
        }
        let global = state.blocks.iter().zip(&self.parts.local);
        l + global
            .filter(|(_, local)| !**local)
            .map(|(b, _)| b.entropy)
            .sum::<f64>()
    }

    /// Mixes the sums of a batch into those of the state: A <- (1 - rate) A + rate * scale * sum.
    pub fn mix(&self, state: &mut State, visit: Visit, rate: f64) {
        for (k, sum) in self.parts.keys.iter().zip(visit.sums) {
            let plate = self.engine.plan.keys[k.index()].plate;
            let m = self.parts.reach.position(plate).unwrap_or(0);
            let by = visit.scale[m];
            if by == 0.0 {
                continue;
            }
            match &mut state.accumulated[k.index()] {
                Some(a) => a.zip_mut_with(&sum, |a, s| *a += rate * (by * s - *a)),
                slot @ None => *slot = Some(sum * by),
            }
        }
    }

    /// Updates the global blocks in the order of a sweep.
    ///
    /// # Errors
    /// Those of passes and updates.
    pub fn update_globals(&self, state: &mut State) -> Result<Noticed, Diagnostic> {
        let mut noticed = Noticed::default();
        for step in &self.parts.global_steps {
            match step {
                Step::Pass(p) => self.engine.run_pass(state, *p)?,
                Step::Update(b) => {
                    let n = self.engine.update(state, *b)?;
                    noticed.boundary.extend(n.boundary);
                    noticed.kept.extend(n.kept);
                }
            }
        }
        Ok(noticed)
    }

    /// Brings the local blocks of all elements to their optimum and forgets the mixed sums; the number of rows looked at.
    ///
    /// # Errors
    /// Those of passes and updates.
    pub fn finish(&self, state: &mut State) -> Result<usize, Diagnostic> {
        for k in &self.parts.keys {
            state.accumulated[k.index()] = self.engine.hoisted[k.index()].clone();
        }
        self.settle(self.engine, state, SETTLED)
    }
}

/// The sum of a key over the rows at hand.
fn sum(here: &Engine<'_>, own: &State, key: KeyId) -> ArrayD<f64> {
    let k = &here.plan.keys[key.index()];
    let shape: Vec<usize> = k.axes.iter().map(|x| here.size(*x)).collect();
    let mut out = ArrayD::zeros(IxDyn(&shape));
    if let Some(s) = here.plan.sums.iter().find(|s| s.key == key) {
        here.add_rows_of(own, &s.direct, s.row, &[], &mut out);
    } else if k.local.is_empty() {
        match &here.hoisted[key.index()] {
            Some(a) => out.assign(a),
            None => here.add_hoisted(key, &mut out),
        }
    } else if let Some(a) = &own.accumulated[key.index()] {
        out.assign(a);
    }
    out
}

fn unknown(kind: &MomentKind) -> crate::algebra::UnknownId {
    match kind {
        MomentKind::Statistic(u, _)
        | MomentKind::Covariance(u, _)
        | MomentKind::Cross(u)
        | MomentKind::Quadratic(u)
        | MomentKind::Variance(u)
        | MomentKind::Compound(u, _)
        | MomentKind::Map(u, _) => *u,
    }
}

/// How far arrays moved, as a part of their size.
fn moved(last: &[ArrayD<f64>], now: &[ArrayD<f64>]) -> f64 {
    if last.len() != now.len() {
        return f64::INFINITY;
    }
    let (mut by, mut size) = (0.0, 0.0);
    for (a, b) in last.iter().zip(now) {
        if a.shape() != b.shape() {
            return f64::INFINITY;
        }
        for (x, y) in a.iter().zip(b) {
            by += (x - y).abs();
            size += y.abs();
        }
    }
    if size > 0.0 { by / size } else { 0.0 }
}
