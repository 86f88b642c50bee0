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
//! plate. What belongs to an element (its rows, and blocks indexed by it) is updated within the batch; `parts`
//! finds it from the terms. An epoch is one iteration: a seeded permutation of all elements, cut into batches.

mod parts;
mod portion;
mod score;
mod step;
mod subset;
mod sums;
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
use super::vanishing::Vanishing;

use step::{Batches, Inner};

/// Rounds of passes and updates of local blocks at a visit: the first, which begins at priors, and later ones, which begin
/// where the last one ended. Where a step is long and the next visit not far, closer to the optimum gains nothing.
const FIRST: usize = 5;
const LATER: usize = 2;
/// No further round where the sums that local blocks take moved by no more than this part.
const SETTLED: f64 = 0.02;

/// The relative change of the estimate over an epoch at which a run may stop, where the caller says nothing else: what later
/// epochs gain is of this order, as steps grow short.
pub const TOLERANCE: f64 = 1e-3;

/// So many epochs in a row change the estimate no more than that before a run stops.
const STILL: usize = 2;

/// How batches are made and weighed.
#[derive(Debug, Clone, PartialEq)]
pub struct Options {
    /// Elements of a batch.
    pub size: usize,
    /// The plate that they are elements of; found from the model where it is not given.
    pub by: Option<String>,
    /// The exponent kappa of the step length.
    pub forgetting: f64,
    /// The delay tau of the step length; where it is not given, 0 if every global unknown has a distribution, whose prior keeps
    /// what a single batch says within bounds, else 1. The sums of the start weigh nothing with 0.
    pub delay: Option<f64>,
    /// The share of the elements that is held out for the trace.
    pub hold_out: f64,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            size: 256,
            by: None,
            forgetting: 0.6,
            delay: None,
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
    let (mut outcome, restarts) = cut(engine, batch.by.as_deref(), &mut |batches| {
        run::starts(options, &mut |seed, restart| {
            single(batches, given, options, batch, seed, restart, progress)
        })
    })??;
    // What is kept for batches alone is not in the plan of the caller.
    outcome.state.accumulated.truncate(engine.plan.keys.len());
    Ok((outcome, restarts))
}

/// Cuts a model at the plate asked for, or found, and hands it over with an engine whose plan has the sums of its elements.
///
/// # Errors
/// E0604: it cannot be cut.
fn cut<R>(
    engine: &Engine<'_>,
    by: Option<&str>,
    f: &mut dyn FnMut(&Batches<'_, '_>) -> R,
) -> Result<R, Vec<Diagnostic>> {
    let mut parts = parts::choose(engine, by)?;
    let Some(plan) = parts.plan.take() else {
        return Ok(f(&Batches::new(engine, parts)));
    };
    let e = &engine.evaluator;
    let own = Engine::of_part(engine.derivation, &plan, e.data, e.fitted())?;
    Ok(f(&Batches::new(&own, parts)))
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
    let mut vanishing = Vanishing::new(engine);
    let mut steps = 0;
    let mut epochs = 0;
    let mut stop = Stop::MaxIter;
    let delay = batch.delay.unwrap_or(batches.delay());
    let on_the_way = elements.held_out.is_empty();
    while epochs < options.max_iter {
        let fail = |e: Vec<Diagnostic>, trace: &[f64]| (e, trace.last().copied(), epochs);
        let inner = Inner {
            fresh: epochs == 0,
            rounds: if epochs == 0 { FIRST } else { LATER },
            settled: SETTLED,
        };
        let mut parts = 0.0;
        let lists = elements.epoch(batch.size);
        // Where one batch holds all there is, nothing varies that older sums could level out.
        let alone = lists.len() == 1;
        for list in lists {
            steps += 1;
            let rate = match alone {
                true => 1.0,
                false => (steps as f64 + delay).powf(-batch.forgetting).min(1.0),
            };
            let visit = batches.visit(&mut state, &list, inner, on_the_way);
            let visit = visit.map_err(|e| fail(e, &trace))?;
            visited += visit.rows;
            parts += visit.objective.0;
            batches.mix(&mut state, visit, rate);
            let updated = batches.update_globals(&mut state);
            updated.map_err(|e| fail(vec![e], &trace))?;
        }
        if !on_the_way {
            let visit = batches.visit(&mut state, &elements.held_out, inner, true);
            let visit = visit.map_err(|e| fail(e, &trace))?;
            looked += visit.rows;
            parts = visit.objective.1;
        }
        epochs += 1;
        let fail = |e: Vec<Diagnostic>, trace: &[f64]| (e, trace.last().copied(), epochs);
        let l = parts + batches.global_objective(&state);
        if !l.is_finite() {
            return Err(fail(vec![not_finite(epochs, l)], &trace));
        }
        if let Some(e) = vanishing.check(engine, &state, false) {
            return Err(fail(vec![e], &trace));
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
        // One small change may be the noise of the steps.
        let small = |w: &[f64]| (w[1] - w[0]).abs() <= options.tol * w[1].abs();
        let last = &trace[trace.len().saturating_sub(STILL + 1)..];
        if options.tol > 0.0 && last.len() > STILL && last.windows(2).all(small) {
            stop = Stop::Converged;
            break;
        }
    }
    let last = trace.last().copied();
    let inner = Inner {
        fresh: false,
        rounds: 1,
        settled: SETTLED,
    };
    let (noticed, rows) = batches
        .finish(&mut state, inner)
        .map_err(|e| (vec![e], last, epochs))?;
    looked += rows;
    engine.write_out(&mut state);
    let objective = engine.objective(&state);
    if !objective.is_finite() {
        return Err((vec![not_finite(epochs, objective)], last, epochs));
    }
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

/// E0715: the objective, or its estimate, after so many epochs.
fn not_finite(epochs: usize, l: f64) -> Diagnostic {
    Diagnostic::new(Code::E0715, "the objective is not a finite number")
        .note(format!("after {epochs} epochs it is {l}"))
        .help("give scales and probabilities a prior, or start elsewhere (--seed, --init)")
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
            .filter(|k| batches.parts.sums.iter().any(|s| s.key == *k))
            .collect();
        let known = |k: &KeyId| state.accumulated[k.index()].is_some();
        if keys.iter().any(passed) && keys.iter().all(known) && !state.blocks[b.index()].initialised
        {
            engine.update(state, *b)?;
        }
    }
    Ok(())
}
