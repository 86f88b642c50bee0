//! One sweep: every step once, with a cut at which an accelerator may leap.
//!
//! In EM the cut lies between M-steps and E-steps, after which the objective is known at the current params.

use crate::diag::Diagnostic;
use crate::model::Role;
use crate::plan::Step;

use super::Engine;
use super::accelerate::{self, Accelerator};
use super::init;
use super::state::State;
use super::update::Noticed;

/// The steps of a sweep.
pub(super) struct Sweep<'a> {
    engine: &'a Engine<'a>,
    before: Vec<Step>,
    after: Vec<Step>,
    /// The start determines values that only the steps before the cut turn into a state.
    pub(super) starts_before_cut: bool,
    /// What the updates of this sweep noticed.
    pub(super) noticed: Noticed,
    noticed_at_cut: Noticed,
    accelerator: Option<Accelerator>,
}

impl<'a> Sweep<'a> {
    /// A sweep that begins where the start leads.
    pub(super) fn new(engine: &'a Engine<'a>, state: &State, accelerated: bool) -> Self {
        let d = engine.derivation;
        let steps = &engine.plan.steps;
        let entry = init::entry(engine, state);
        let is_e = |s: &Step| match s {
            Step::Pass(_) => true,
            Step::Update(b) => d.block(*b).role == Role::Latent,
        };
        let (before, after, carried);
        if d.method.is_em() {
            (after, before) = steps.iter().partition::<Vec<Step>, _>(|s| is_e(s));
            let whole: Vec<Step> = before.iter().chain(&after).copied().collect();
            (_, carried) = accelerate::carried(engine, &whole, before.len());
        } else {
            let mut whole = steps[entry..].to_vec();
            whole.extend(&steps[..entry]);
            let at;
            (at, carried) = accelerate::cut(engine, &whole);
            after = whole.split_off(at);
            before = whole;
        }
        Sweep {
            engine,
            before,
            after,
            starts_before_cut: steps.get(entry).is_some_and(|s| !is_e(s)),
            noticed: Noticed::default(),
            noticed_at_cut: Noticed::default(),
            accelerator: accelerated.then(|| Accelerator::new(engine, &carried)),
        }
    }

    /// Runs the steps up to the cut.
    ///
    /// # Errors
    /// Those of the updates.
    pub(super) fn before(&mut self, state: &mut State) -> Result<(), Diagnostic> {
        self.noticed = Noticed::default();
        for i in 0..self.before.len() {
            self.step(self.before[i], state)?;
        }
        Ok(())
    }

    /// Runs the steps from the cut on.
    ///
    /// # Errors
    /// Those of the updates.
    pub(super) fn after(&mut self, state: &mut State) -> Result<(), Diagnostic> {
        for i in 0..self.after.len() {
            self.step(self.after[i], state)?;
        }
        Ok(())
    }

    fn step(&mut self, step: Step, state: &mut State) -> Result<(), Diagnostic> {
        match step {
            Step::Pass(p) => self.engine.run_pass(state, p),
            Step::Update(b) if self.engine.update_affine(state, b) => Ok(()),
            Step::Update(b) => {
                let messages = self.engine.messages(state, b, false);
                let noticed = self.engine.read_out(state, b, &messages)?;
                self.engine.refresh_sums(state, b);
                self.noticed.boundary.extend(noticed.boundary);
                self.noticed.kept.extend(noticed.kept);
                if let Some(a) = &mut self.accelerator {
                    a.keep(b, messages);
                }
                Ok(())
            }
        }
    }

    /// At the cut: true if the state was replaced by an extrapolated one.
    pub(super) fn leap(&mut self, state: &mut State) -> bool {
        let engine = self.engine;
        self.noticed_at_cut = self.noticed.clone();
        let a = self.accelerator.as_mut();
        let leapt = a.is_some_and(|a| a.leap(engine, state));
        if leapt {
            engine.forget_sums(state);
        }
        leapt
    }

    /// The objective after the leap is no lower than before it.
    pub(super) fn land(&mut self) {
        if let Some(a) = &mut self.accelerator {
            a.land();
        }
    }

    /// It is lower: back to the state at the cut.
    pub(super) fn fall_back(&mut self, state: &mut State) {
        self.noticed = std::mem::take(&mut self.noticed_at_cut);
        if let Some(a) = &mut self.accelerator {
            a.fall_back(state);
        }
    }

    /// No leap in the next sweep.
    pub(super) fn rest(&mut self) {
        if let Some(a) = &mut self.accelerator {
            a.rest();
        }
    }
}
