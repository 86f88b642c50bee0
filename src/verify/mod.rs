//! Checks of a derivation against an evaluation that shares no code with the algebra.
//!
//! in: a model with its derivation and plan, data -> out: a [`Report`], one line a check.
//!
//! ```text
//! expectation   the engine's E_q[log p]             = sum over elements of E_q[naive log density], exact
//! entropy       the engine's H(q)                   = - E log q of the published parameters
//! update        an updated block is a maximum       : no neighbour of its q raises E_q[log p] + H(q)
//! posterior     where q is the posterior            : log p(v, h) - log q(h) is the objective, whatever h is drawn
//! evidence      where q is the posterior            : the objective = log sum over h of p(v, h), enumerated and integrated
//! gradient      the same, in the params             : d log p(v) = d E_q[log p] at fixed q (Fisher's identity)
//! monotone      no update lowers the objective
//! threads       one thread and two give the same bits
//! ```
//!
//! What the engine publishes is read in `read`, written again as densities in `factor` and as finite rules in `rule`;
//! `expect` takes the log density of single elements from [`crate::naive`] under them. Starts are the engine's own, and the
//! checks are made in the first sweeps, far from convergence, where errors show. Not here: simulated data, printing.

mod ascent;
mod checks;
mod coupled;
mod digamma;
mod evidence;
mod expect;
mod factor;
mod line;
mod neighbour;
mod precision;
mod read;
mod report;
mod rule;
mod simulated;
mod square;
#[cfg(test)]
mod tests;

pub use report::{Check, Kind, Outcome, Report};
pub use simulated::simulated;

use crate::compile;
use crate::data::Dataset;
use crate::derive::Derivation;
use crate::diag::Diagnostic;
use crate::engine::Engine;
use crate::engine::state::State;
use crate::model::Model;
use crate::plan::{Plan, Step};

/// How much is checked.
#[derive(Debug, Clone, PartialEq)]
pub struct Options {
    /// Of starts, directions and draws.
    pub seed: u64,
    /// Random starts; start i uses seed + i.
    pub starts: usize,
    /// Sweeps of each.
    pub sweeps: usize,
    /// At most this many factors of q of one block are moved after an update.
    pub factors: usize,
    /// Directions in which each is moved.
    pub directions: usize,
    /// Values of the latents drawn for the posterior check.
    pub draws: usize,
    /// At most this many evaluations of an element for one number by brute force.
    pub budget: usize,
    /// Also run with one and with two threads.
    pub threads: bool,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            seed: 0,
            starts: 2,
            sweeps: 2,
            factors: 8,
            directions: 2,
            draws: 3,
            budget: 50_000,
            threads: true,
        }
    }
}

impl Options {
    /// Less of everything, for many small models.
    #[must_use]
    pub fn quick(seed: u64) -> Options {
        Options {
            seed,
            starts: 1,
            sweeps: 2,
            factors: 4,
            directions: 1,
            draws: 2,
            budget: 10_000,
            threads: false,
        }
    }
}

/// Compiles a model for data and checks what was derived.
///
/// # Errors
/// The findings of compilation: the model has no derivation, or the data do not fit it.
pub fn verify(model: &Model, data: &Dataset, options: &Options) -> Result<Report, Vec<Diagnostic>> {
    let (derivation, plan) = compile::compile(model, Some(data))?;
    verify_derived(&derivation, &plan, data, options, &mut |_, _| {})
}

/// Checks a derivation. `tamper` sees the state after each step; a caller who wants to know that errors are found changes
/// it there, or the derivation before.
///
/// # Errors
/// The findings of binding the plan to the data.
pub fn verify_derived(
    derivation: &Derivation,
    plan: &Plan,
    data: &Dataset,
    options: &Options,
    tamper: &mut dyn FnMut(&mut State, Step),
) -> Result<Report, Vec<Diagnostic>> {
    let engine = Engine::new(derivation, plan, data, None)?;
    let mut report = Report::new(&derivation.model.name, derivation.method.name());
    for start in 0..options.starts.max(1) {
        ascent::ascend(&engine, options, start, tamper, &mut report);
    }
    if options.threads {
        checks::threads(derivation, plan, data, options, &mut report);
    }
    report.finish();
    Ok(report)
}
