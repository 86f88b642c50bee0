//! What is done with the rows of some elements: local blocks brought near their optimum, sums for the global ones, a step.

use ndarray::ArrayD;

use crate::data::Dataset;
use crate::derive::MomentKind;
use crate::diag::Diagnostic;
use crate::engine::Engine;
use crate::engine::evaluate::Fitted;
use crate::engine::state::State;
use crate::engine::update::Noticed;
use crate::model::Role;
use crate::plan::Step;

use super::parts::Parts;
use super::sums::Sum;

/// An engine that works on elements of a plate.
pub(in crate::engine) struct Batches<'e, 'a> {
    /// That of all rows.
    pub engine: &'e Engine<'a>,
    /// The model cut at the plate.
    pub parts: Parts,
    fitted: Fitted,
}

/// How far local blocks are brought to their optimum.
#[derive(Debug, Clone, Copy)]
pub(in crate::engine) struct Inner {
    /// Their elements were not visited before: they begin at their priors.
    pub fresh: bool,
    /// Rounds of passes and updates, at most.
    pub rounds: usize,
    /// No further round where the sums that the blocks take changed by no more than this part.
    pub settled: f64,
}

/// What some elements came to.
pub(in crate::engine) struct Visit {
    /// The sums for global blocks, in the order of `Parts::sums`, as they are.
    pub sums: Vec<ArrayD<f64>>,
    /// Expectations of local blocks that are the same for all elements, such as a covariance that no row varies.
    pub shared: Vec<(MomentKind, ArrayD<f64>)>,
    /// For each member of the reach, how much more weight all elements have.
    pub scale: Vec<f64>,
    /// The terms of these elements in the objective, where they were asked for: as they are, and scaled to all.
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
            fitted: engine.evaluator.fitted(),
        }
    }

    /// The delay of the steps where none is given.
    pub fn delay(&self) -> f64 {
        let blocks = self.engine.derivation.blocks.iter();
        let mut global = blocks.zip(&self.parts.local).filter(|(_, local)| !**local);
        match global.all(|(b, _)| b.role == Role::Latent) {
            true => 0.0,
            false => 1.0,
        }
    }

    /// Visits elements: their local blocks are updated by turns with their passes, and put into the state. With `score`, the
    /// terms of the objective are taken.
    ///
    /// # Errors
    /// Those of passes and updates.
    pub fn visit(
        &self,
        state: &mut State,
        elements: &[usize],
        inner: Inner,
        score: bool,
    ) -> Result<Visit, Vec<Diagnostic>> {
        let whole = self.engine;
        let reach = &self.parts.reach;
        let chosen = reach.choose(elements);
        let data: Dataset = reach.cut(&whole.derivation.model, whole.evaluator.data, &chosen);
        let fitted = self.fitted.clone();
        let here = Engine::of_part(whole.derivation, whole.plan, &data, fitted)?;
        let mut own = self.take_out(&here, &chosen, state);
        if inner.fresh {
            self.begin(&here, &mut own, state);
        }
        let rows = self.settle(&here, &mut own, inner).map_err(|e| vec![e])?;
        let scale: Vec<f64> = reach
            .members
            .iter()
            .zip(&chosen.weight)
            .map(|(m, w)| if *w > 0.0 { m.total / w } else { 0.0 })
            .collect();
        let objective = match score {
            true => self.objective(&here, &own, &scale),
            false => (f64::NAN, f64::NAN),
        };
        let sums = self.parts.sums.iter();
        let sums = sums.map(|s| s.over(&here, &mut own)).collect();
        here.release_tables();
        let shared = self.put_back(own, &chosen, state);
        Ok(Visit {
            sums,
            shared,
            objective,
            scale,
            rows,
        })
    }

    /// Local blocks at their priors, where the start gave them nothing and the priors stand by themselves.
    fn begin(&self, here: &Engine<'_>, own: &mut State, state: &State) {
        if self.parts.local_steps.len() < 2 {
            return;
        }
        for step in &self.parts.local_steps {
            if let Step::Update(b) = step
                && !state.blocks[b.index()].initialised
            {
                let before = own.clone();
                if here.update_from_prior(own, *b).is_err() {
                    *own = before;
                }
            }
        }
    }

    /// Runs local passes and updates by turns; the number of rows looked at. What only global blocks decide is made once, and
    /// kept until the caller lets it go.
    ///
    /// # Errors
    /// Those of passes and updates.
    pub fn settle(
        &self,
        here: &Engine<'_>,
        own: &mut State,
        inner: Inner,
    ) -> Result<usize, Diagnostic> {
        here.hold_tables(own, &|kind| self.is_local(&kind));
        let rows = self.rows(here);
        let rounds = match self.parts.local_steps.len() {
            0 | 1 => 1,
            _ => inner.rounds.max(1),
        };
        let mut last: Vec<ArrayD<f64>> = vec![];
        for round in 1..=rounds {
            for step in &self.parts.local_steps {
                match step {
                    Step::Pass(p) => here.run_pass(own, *p)?,
                    Step::Update(b) => {
                        here.update(own, *b)?;
                    }
                }
            }
            if round == rounds {
                break;
            }
            let now = self.watched(own);
            if moved(&last, &now) <= inner.settled {
                return Ok(round * rows);
            }
            last = now;
        }
        Ok(rounds * rows)
    }

    /// Rows of all tables that belong to elements.
    pub fn rows(&self, here: &Engine<'_>) -> usize {
        let model = &here.derivation.model;
        let members = self.parts.reach.members.iter();
        let tables = members.filter(|m| model.table_of(m.plate).is_some());
        tables.map(|m| here.plate_size(m.plate)).sum()
    }

    /// What tells whether local blocks still move: the sums that they take, else what they publish.
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

    /// Mixes the sums of a batch into those of the state: A <- (1 - rate) A + rate * scale * sum. What is the same for all
    /// elements is such a sum by its count, which stays: it is mixed as it is.
    pub fn mix(&self, state: &mut State, visit: Visit, rate: f64) {
        for (s, sum) in self.parts.sums.iter().zip(visit.sums) {
            let by = visit.scale[s.member];
            if by == 0.0 {
                continue;
            }
            match &mut state.accumulated[s.key.index()] {
                Some(a) => a.zip_mut_with(&sum, |a, s| *a += rate * (by * s - *a)),
                slot @ None => *slot = Some(sum * by),
            }
        }
        if visit.scale.iter().all(|s| *s == 0.0) {
            return;
        }
        for (kind, now) in visit.shared {
            match state.moments.get_mut(&kind) {
                Some(a) if a.shape() == now.shape() => {
                    a.zip_mut_with(&now, |a, s| *a += rate * (s - *a));
                }
                _ => {
                    state.moments.insert(kind, now);
                }
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

    /// Ends a run with a sweep over all rows, whose sums take the place of the mixed ones; in EM the local blocks are then
    /// those of the new params. What was noticed, and the number of rows looked at.
    ///
    /// # Errors
    /// Those of passes and updates.
    pub fn finish(&self, state: &mut State, inner: Inner) -> Result<(Noticed, usize), Diagnostic> {
        let mut rows = self.settle_all(state, inner)?;
        let noticed = self.update_globals(state)?;
        if self.engine.derivation.method.is_em() {
            rows += self.settle_all(state, inner)?;
        }
        Ok((noticed, rows))
    }

    /// The local blocks of all elements, and the sums of all rows.
    pub(super) fn settle_all(&self, state: &mut State, inner: Inner) -> Result<usize, Diagnostic> {
        let (keys, made): (Vec<&Sum>, Vec<&Sum>) = self.parts.sums.iter().partition(|s| s.is_key());
        for s in keys {
            state.accumulated[s.key.index()] = self.engine.hoisted[s.key.index()].clone();
        }
        let rows = self.settle(self.engine, state, inner);
        self.engine.release_tables();
        for s in made {
            state.accumulated[s.key.index()] = Some(s.over(self.engine, state));
        }
        rows
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
