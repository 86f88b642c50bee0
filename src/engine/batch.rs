//! Learning from some rows at a time: stochastic variational inference and stepwise EM.
//!
//! in: an [`Engine`], the size of a batch -> out: an [`Outcome`] whose trace is an estimate from elements that took no part.
//!
//! ```text
//! A   <- (1 - rho_t) A + rho_t (W / w) A_batch       rho_t = (t + delay)^-forgetting       w, W: weight of the batch, of all
//! eta  = prior + linear(A)                           for conjugate blocks: a natural gradient step of length rho_t
//! M(A)                                               for points: stepwise EM
//! ```
//!
//! (Hoffman, Blei, Wang, Paisley 2013; Cappe and Moulines 2009; Liang and Klein 2009.) A batch is made of whole elements of one
//! plate. What belongs to an element (its rows, and blocks indexed by it) is brought to its optimum within the batch;
//! [`parts`](self) finds it from the terms. An epoch is one iteration: a seeded permutation of all elements, cut into batches.

mod parts;
mod step;
mod subset;
#[cfg(test)]
mod tests;

use rand::RngExt;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use crate::data::Init;
use crate::diag::{Code, Diagnostic};
use crate::plan::{KeyId, Planned, Step};

use super::Engine;
use super::init;
use super::run::{self, Failed, Outcome, Progress, Restart, Sampled, Stop};
use super::state::State;
use super::update::Noticed;
use super::vanishing::Vanishing;

use step::{Batches, SETTLED};

/// Local blocks of a batch are as exact as this part of the step that follows, early on.
const ERROR: f64 = 0.1;

/// How batches are made and weighed.
#[derive(Debug, Clone, PartialEq)]
pub struct Options {
    /// Elements of a batch.
    pub size: usize,
    /// The plate that they are elements of; found from the model where it is not given.
    pub by: Option<String>,
    /// The exponent kappa of the step length.
    pub forgetting: f64,
    /// The delay tau of the step length.
    pub delay: f64,
    /// The share of the elements that is held out for the trace.
    pub hold_out: f64,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            size: 256,
            by: None,
            forgetting: 0.7,
            delay: 1.0,
            hold_out: 0.05,
        }
    }
}

/// Runs all starts batch by batch and returns the best one with the table of all.
///
/// # Errors
/// E0604: the model has no such form. Else the diagnostics of the start that failed, if all did.
pub fn run(
    engine: &Engine<'_>,
    given: Option<&Init>,
    options: &run::Options,
    batch: &Options,
    progress: &mut dyn FnMut(&Progress) -> bool,
) -> Result<(Outcome, Vec<Restart>), Vec<Diagnostic>> {
    let parts = parts::choose(engine, batch.by.as_deref())?;
    let batches = Batches::new(engine, parts);
    run::starts(options, &mut |seed, restart| {
        single(&batches, given, options, batch, seed, restart, progress)
    })
}

/// The sets of elements of a run.
struct Elements {
    /// Those that take no part in steps.
    held_out: Vec<usize>,
    /// The others.
    rest: Vec<usize>,
    rng: ChaCha8Rng,
}

impl Elements {
    fn new(count: usize, hold_out: f64, seed: u64) -> Elements {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        // Another stream than that of the start.
        rng.set_stream(1);
        let mut all: Vec<usize> = (0..count).collect();
        permute(&mut all, &mut rng);
        let out = match hold_out > 0.0 {
            true => ((hold_out * count as f64).round() as usize).clamp(1, count - 1),
            false => 0,
        };
        let rest = all.split_off(out);
        Elements {
            held_out: all,
            rest,
            rng,
        }
    }

    /// The batches of an epoch: as few as there can be of at most this size, all nearly as large.
    fn epoch(&mut self, size: usize) -> Vec<Vec<usize>> {
        permute(&mut self.rest, &mut self.rng);
        let n = self.rest.len();
        let count = n.div_ceil(size.max(1)).max(1);
        (0..count)
            .map(|i| self.rest[i * n / count..(i + 1) * n / count].to_vec())
            .collect()
    }
}

/// Fisher and Yates.
fn permute(list: &mut [usize], rng: &mut ChaCha8Rng) {
    for i in (1..list.len()).rev() {
        list.swap(i, rng.random_range(0..=i));
    }
}

fn single(
    batches: &Batches<'_, '_>,
    given: Option<&Init>,
    options: &run::Options,
    batch: &Options,
    seed: u64,
    restart: usize,
    progress: &mut dyn FnMut(&Progress) -> bool,
) -> Result<Outcome, Failed> {
    let engine = batches.engine;
    let mut trace: Vec<f64> = vec![];
    let mut state = engine.empty_state();
    let start = init::start(engine, &mut state, given, seed).map_err(|e| (e, None, 0))?;
    let mut looked = 0;
    let mut visited = state.passes.iter().any(|p| p.run) as usize * batches.rows(engine);
    let mut elements = Elements::new(batches.parts.reach.count(), batch.hold_out, seed);
    first_updates(batches, &mut state).map_err(|e| (vec![e], None, 0))?;
    let mut noticed = Noticed::default();
    let mut vanishing = Vanishing::new(engine);
    let mut steps = 0;
    let mut epochs = 0;
    let mut stop = Stop::MaxIter;
    while epochs < options.max_iter {
        let fresh = epochs == 0;
        let fail = |e: Vec<Diagnostic>, trace: &[f64]| (e, trace.last().copied(), epochs);
        let mut parts = 0.0;
        for list in elements.epoch(batch.size) {
            steps += 1;
            let rate = (steps as f64 + batch.delay).powf(-batch.forgetting);
            let rate = rate.min(1.0);
            let visit = batches.visit(&mut state, &list, fresh, SETTLED.max(ERROR * rate));
            let visit = visit.map_err(|e| fail(e, &trace))?;
            visited += visit.rows;
            parts += visit.objective.0;
            batches.mix(&mut state, visit, rate);
            let updated = batches.update_globals(&mut state);
            noticed = updated.map_err(|e| fail(vec![e], &trace))?;
        }
        if !elements.held_out.is_empty() {
            let visit = batches.visit(&mut state, &elements.held_out, fresh, SETTLED);
            let visit = visit.map_err(|e| fail(e, &trace))?;
            looked += visit.rows;
            parts = visit.objective.1;
        }
        epochs += 1;
        let l = parts + batches.global_objective(&state);
        if !l.is_finite() {
            let e = Diagnostic::new(Code::E0715, "the objective is not a finite number")
                .note(format!("after {epochs} epochs its estimate is {l}"))
                .help("give scales and probabilities a prior, or start elsewhere (--seed, --init)");
            return Err((vec![e], trace.last().copied(), epochs));
        }
        if let Some(e) = vanishing.check(engine, &state, false) {
            return Err((vec![e], trace.last().copied(), epochs));
        }
        let before = trace.last().copied();
        trace.push(l);
        let go_on = progress(&Progress {
            restart,
            iteration: epochs,
            objective: l,
            change: before.map(|b| l - b),
        });
        if !go_on {
            stop = Stop::Interrupted;
            break;
        }
        if let Some(b) = before
            && options.tol > 0.0
            && (l - b).abs() <= options.tol * l.abs()
        {
            stop = Stop::Converged;
            break;
        }
    }
    let last = trace.last().copied();
    let finished = batches.finish(&mut state);
    looked += finished.map_err(|e| (vec![e], last, epochs))?;
    engine.write_out(&mut state);
    let objective = engine.objective(&state);
    let plate = engine.derivation.model.plate(batches.parts.reach.plate());
    let per_row = |n: usize| n as f64 / batches.rows(engine).max(1) as f64;
    let sampled = Sampled {
        objective,
        plate: plate.name.clone(),
        elements: batches.parts.reach.count(),
        held_out: elements.held_out.len(),
        steps,
        visits: per_row(visited),
        looks: per_row(looked),
    };
    Ok(Outcome {
        warnings: run::warn(engine, &noticed),
        state,
        trace,
        trace_start: 1,
        iterations: epochs,
        stop,
        seed,
        start,
        decreased: None,
        sampled: Some(sampled),
    })
}

/// Where the start gave rows a q, the global blocks that read its sums take them.
fn first_updates(batches: &Batches<'_, '_>, state: &mut State) -> Result<(), Diagnostic> {
    let engine = batches.engine;
    let passed = |k: &KeyId| {
        let key = &engine.plan.keys[k.index()];
        !key.local.is_empty() && !engine.plan.sums.iter().any(|s| s.key == *k)
    };
    for step in &batches.parts.global_steps {
        let Step::Update(b) = step else { continue };
        let keys: Vec<KeyId> = engine.plan.messages[b.index()]
            .iter()
            .filter_map(|m| match &m.how {
                Planned::Keyed { key, .. } => Some(*key),
                Planned::Rows { hoisted, .. } => hoisted.as_ref().map(|(k, _, _)| *k),
                Planned::Global(_) => None,
            })
            .filter(|k| batches.parts.keys.contains(k))
            .collect();
        let known = |k: &KeyId| state.accumulated[k.index()].is_some();
        if keys.iter().any(passed) && keys.iter().all(known) && !state.blocks[b.index()].initialised
        {
            engine.update(state, *b)?;
        }
    }
    Ok(())
}
