//! Sweeps to a fixed point: the trace of the objective, the reason for stopping, restarts.
//!
//! EM reports L right after the E-step, where it is log p at the current params (+ log prior): `trace[i]` belongs to the params
//! after i iterations. Otherwise L is taken after each whole sweep and `trace[0]` exists only where the start determines it,
//! which it does not where a discrete point begins as a spread over its values.

use crate::data::Init;
use crate::diag::{Code, Diagnostic};
use crate::model::Domain;
use crate::numeric::log_or_floor;

use super::Engine;
use super::init;
use super::state::State;
use super::sweep::Sweep;
use super::update::Noticed;
use super::vanishing::Vanishing;

/// A leap that gains less than this part of the objective may gain it by rounding only.
const LEAP_GAIN: f64 = 1e-10;
/// No leap before a sweep has changed the objective by less than this part of it: far from a maximum, long steps can end
/// at a lower one than short steps.
const CALM: f64 = 1e-5;
/// But none waits longer than so many sweeps.
const PATIENCE: usize = 100;

/// How to run.
#[derive(Debug, Clone)]
pub struct Options {
    /// At most this many iterations.
    pub max_iter: usize,
    /// Stop when |L - L_before| <= tol * |L|; 0 runs all iterations.
    pub tol: f64,
    /// Seed of the first start; restart i uses seed + i.
    pub seed: u64,
    /// Number of starts.
    pub restarts: usize,
    /// Extrapolate between sweeps; the objective still never falls.
    pub accelerate: bool,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            max_iter: 200,
            tol: 1e-6,
            seed: 0,
            restarts: 1,
            accelerate: false,
        }
    }
}

/// Why a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// The relative change fell below the tolerance.
    Converged,
    /// All iterations were run.
    MaxIter,
    /// The caller asked.
    Interrupted,
    /// An update had no result.
    Failed,
}

impl Stop {
    /// As in the fit file.
    pub fn name(self) -> &'static str {
        match self {
            Stop::Converged => "converged",
            Stop::MaxIter => "max_iter",
            Stop::Interrupted => "interrupted",
            Stop::Failed => "failed",
        }
    }
}

/// One start and what became of it.
#[derive(Debug, Clone)]
pub struct Restart {
    /// Its seed.
    pub seed: u64,
    /// The objective reached; `None` where it failed before there was one.
    pub objective: Option<f64>,
    /// Iterations run.
    pub iterations: usize,
    /// Why it ended.
    pub stop: Stop,
}

/// A finished run.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The state it ended in.
    pub state: State,
    /// The objective, one entry an iteration.
    pub trace: Vec<f64>,
    /// The iteration of `trace[0]`: 0 where the start determines an objective, else 1.
    pub trace_start: usize,
    /// Iterations run.
    pub iterations: usize,
    /// Why it ended.
    pub stop: Stop,
    /// The seed it started from.
    pub seed: u64,
    /// What the start did, in words.
    pub start: Vec<String>,
    /// Warnings of the last iteration.
    pub warnings: Vec<Diagnostic>,
    /// A decrease of the objective beyond rounding: (iteration, from, to). A defect of pmc where it happens.
    pub decreased: Option<(usize, f64, f64)>,
    /// Of a run batch by batch, whose trace is an estimate.
    pub sampled: Option<Sampled>,
}

/// What a run batch by batch looked at.
#[derive(Debug, Clone, PartialEq)]
pub struct Sampled {
    /// The objective over all rows, at the end.
    pub objective: f64,
    /// The plate whose elements made the batches.
    pub plate: String,
    /// How many elements it has.
    pub elements: usize,
    /// How many of them took no part in steps: the trace is estimated from these; if 0, from the batches on the way.
    pub held_out: usize,
    /// Steps.
    pub steps: usize,
    /// How often a row was looked at, on average, by the start and all steps with their inner rounds.
    pub visits: f64,
    /// How often by the trace and by the end.
    pub looks: f64,
}

impl Outcome {
    /// The last objective: over all rows.
    pub fn objective(&self) -> Option<f64> {
        let last = self.trace.last().copied();
        self.sampled.as_ref().map(|s| s.objective).or(last)
    }
}

/// What a progress callback is told; it answers whether to go on.
pub struct Progress {
    /// Which start, from 0.
    pub restart: usize,
    /// Iteration just finished.
    pub iteration: usize,
    /// The objective.
    pub objective: f64,
    /// Its change, where there is one before.
    pub change: Option<f64>,
}

/// Runs all starts and returns the best one with the table of all.
///
/// # Errors
/// The diagnostics of the start that failed, if all did.
pub fn run(
    engine: &Engine<'_>,
    given: Option<&Init>,
    options: &Options,
    progress: &mut dyn FnMut(&Progress) -> bool,
) -> Result<(Outcome, Vec<Restart>), Vec<Diagnostic>> {
    starts(options, &mut |seed, i| {
        single(engine, given, options, seed, i, progress)
    })
}

/// The best of all starts, with the table of all.
pub(super) fn starts(
    options: &Options,
    single: &mut dyn FnMut(u64, usize) -> Result<Outcome, Failed>,
) -> Result<(Outcome, Vec<Restart>), Vec<Diagnostic>> {
    let mut best: Option<Outcome> = None;
    let mut table = vec![];
    let mut errors = vec![];
    for i in 0..options.restarts.max(1) {
        let seed = options.seed.wrapping_add(i as u64);
        match single(seed, i) {
            Ok(outcome) => {
                let objective = outcome.objective();
                let stop = outcome.stop;
                table.push(Restart {
                    seed,
                    objective,
                    iterations: outcome.iterations,
                    stop,
                });
                let better = match (&best, objective) {
                    (None, _) => true,
                    (Some(b), Some(l)) => b.objective().is_none_or(|x| l > x),
                    (Some(_), None) => false,
                };
                if better {
                    best = Some(outcome);
                }
                if stop == Stop::Interrupted {
                    break;
                }
            }
            Err((mut e, objective, iterations)) => {
                table.push(Restart {
                    seed,
                    objective,
                    iterations,
                    stop: Stop::Failed,
                });
                if errors.is_empty() {
                    errors.append(&mut e);
                }
            }
        }
    }
    match best {
        Some(b) => Ok((b, table)),
        None => Err(errors),
    }
}

/// Findings, the last objective, iterations run.
pub(super) type Failed = (Vec<Diagnostic>, Option<f64>, usize);

fn single(
    engine: &Engine<'_>,
    given: Option<&Init>,
    options: &Options,
    seed: u64,
    restart: usize,
    progress: &mut dyn FnMut(&Progress) -> bool,
) -> Result<Outcome, Failed> {
    let fail = |e: Diagnostic, trace: &[f64], i: usize| (vec![e], trace.last().copied(), i);
    let mut state = engine.empty_state();
    let start = init::start(engine, &mut state, given, seed).map_err(|e| (e, None, 0))?;
    let mut sweep = Sweep::new(engine, &state, options.accelerate);
    state.pushing = true;
    let em = engine.derivation.method.is_em();
    let mut trace: Vec<f64> = vec![];
    let mut decreased = None;
    let mut vanishing = Vanishing::new(engine);
    if em && sweep.starts_before_cut {
        sweep.before(&mut state).map_err(|e| fail(e, &trace, 0))?;
    }
    let mut trace_start = usize::from(!em);
    let mut iterations = 0;
    let mut calm = false;
    let mut stop = Stop::MaxIter;
    // EM knows the objective of its start.
    let mut whole = !em;
    loop {
        if whole {
            if iterations == options.max_iter {
                break;
            }
            sweep
                .before(&mut state)
                .map_err(|e| fail(e, &trace, iterations))?;
            iterations += 1;
        }
        let last = trace.last().copied().filter(|_| whole);
        let mut leapt = None;
        if let Some(last) = last.filter(|_| calm && iterations < options.max_iter)
            && sweep.leap(&mut state)
        {
            leapt = match sweep.after(&mut state) {
                Ok(()) => {
                    Some(engine.objective(&state)).filter(|l| *l >= last + LEAP_GAIN * last.abs())
                }
                Err(_) => None,
            };
            if leapt.is_some() {
                sweep.land();
            } else {
                sweep.fall_back(&mut state);
                // The sweep in vain counts as an iteration, in which nothing changed.
                trace.push(last);
                iterations += 1;
            }
        }
        let l = match leapt {
            Some(l) => l,
            None => {
                sweep
                    .after(&mut state)
                    .map_err(|e| fail(e, &trace, iterations))?;
                engine.objective(&state)
            }
        };
        if !whole && init::has_spread_point(engine, &state) {
            whole = true;
            trace_start = 1;
            continue;
        }
        whole = true;
        if !l.is_finite() {
            let e = Diagnostic::new(Code::E0715, "the objective is not a finite number")
                .note(format!("after {iterations} iterations it is {l}"))
                .help("give scales and probabilities a prior, or start elsewhere (--seed, --init)");
            return Err(fail(e, &trace, iterations));
        }
        // Below half the floor only a logarithm of 0 reaches: a cell of probability 0 that depends on nothing unknown.
        if l < 0.5 * log_or_floor(0.0) {
            let e = Diagnostic::new(Code::E0710, "the data are impossible under the model")
                .note("some observed cell has probability 0, whatever the unknowns are")
                .help("check the constant probabilities of 0 and 1 against the data, or give other starting values with --init");
            return Err(fail(e, &trace, iterations));
        }
        let before = trace.last().copied();
        calm |= iterations >= PATIENCE || before.is_some_and(|b| (l - b).abs() <= CALM * l.abs());
        let fall = before.filter(|b| l < b - 1e-8 * b.abs().max(1.0));
        if let Some(e) = vanishing.check(engine, &state, fall.is_some()) {
            return Err(fail(e, &trace, iterations));
        }
        if let Some(b) = fall
            && decreased.is_none()
        {
            decreased = Some((iterations, b, l));
        }
        trace.push(l);
        let go_on = progress(&Progress {
            restart,
            iteration: iterations,
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
            if leapt.is_some() {
                // A leap that gained little says nothing of the next sweep: a plain one decides.
                sweep.rest();
            } else {
                stop = Stop::Converged;
                break;
            }
        }
        // Blocks that share no term are all at the posterior after one sweep.
        if engine.derivation.method == crate::derive::Method::ExactPosterior && options.tol > 0.0 {
            stop = Stop::Converged;
            break;
        }
    }
    engine.write_out(&mut state);
    let noticed = sweep.noticed;
    let warnings = warn(engine, &noticed);
    Ok(Outcome {
        state,
        trace,
        trace_start,
        iterations,
        stop,
        seed,
        start,
        warnings,
        decreased,
        sampled: None,
    })
}

pub(super) fn warn(engine: &Engine<'_>, noticed: &Noticed) -> Vec<Diagnostic> {
    let d = engine.derivation;
    let mut out = vec![];
    let mut add = |code: Code, u: crate::algebra::UnknownId, title: String, note: String, help| {
        let mut w = Diagnostic::new(code, title).note(note).help(help);
        if let crate::algebra::Origin::Variable(v) = d.unknowns.get(u).origin {
            w = w.at(d.model.variable(v).name_span, "this variable");
        }
        out.push(w);
    };
    for (u, n) in &noticed.boundary {
        let unknown = d.unknowns.get(*u);
        let (note, help) = match unknown.domain {
            Domain::Simplex | Domain::Probability => (
                "have probabilities of exactly 0 or 1",
                "give it a Dirichlet or Beta prior above 1, which keeps it inside, or make it a `latent`",
            ),
            _ => (
                "are where the search stopped: the objective rises for ever as they go on",
                "give it a prior with finite spread, which holds it: `~` in place of `:`",
            ),
        };
        add(
            Code::W0502,
            *u,
            format!("mode of `{}` on the boundary", unknown.name),
            format!("{n} of its elements {note}"),
            help,
        );
    }
    for (u, n) in &noticed.kept {
        let name = &d.unknowns.get(*u).name;
        add(
            Code::W0701,
            *u,
            format!("component of `{name}` without weight"),
            format!("no data reach {n} of its elements; they keep their last value"),
            "use fewer elements, give it a prior, or start elsewhere (`--seed`, `--restarts`)",
        );
    }
    out
}
