//! One start of the engine, step by step, with the checks that each point of the way allows.

use crate::derive::{BlockId, Method};
use crate::engine::Engine;
use crate::engine::init;
use crate::engine::state::State;
use crate::model::{Domain, Role};
use crate::plan::Step;

use super::checks::Checks;
use super::expect::World;
use super::factor::Factor;
use super::report::{Kind, Report};
use super::{Options, read};

/// The factors of q as last read, by block.
type Known = Vec<Option<Vec<Factor>>>;

/// Runs a start and records what its checks say.
pub fn ascend(
    engine: &Engine<'_>,
    options: &Options,
    start: usize,
    tamper: &mut dyn FnMut(&mut State, Step),
    report: &mut Report,
) {
    let d = engine.derivation;
    let seed = options.seed.wrapping_add(start as u64);
    let mut state = engine.empty_state();
    if let Err(e) = init::start(engine, &mut state, None, seed) {
        let why = e.first().map_or_else(String::new, |e| e.title.clone());
        report.note(format!("start {start} did not begin: {why}"));
        return;
    }
    let order = order(engine, &state);
    let mut known: Known = vec![None; d.blocks.len()];
    // Points have values from the start on, but for rows and for discrete ones that begin as a spread over their values.
    for (b, known) in known.iter_mut().enumerate() {
        let id = BlockId(b as u32);
        let block = d.block(id);
        if block.role != Role::Latent && block.rows.is_none() && state.blocks[b].initialised {
            *known = read::factors(engine, &state, id).ok();
        }
    }
    let started: Vec<bool> = known.iter().map(Option::is_some).collect();
    // What a start gives rows need not be a distribution that the model allows; it counts once it was updated here.
    let mut stepped = vec![false; d.blocks.len()];
    let mut checks: Option<Checks<'_, '_>> = None;
    let mut before: Option<f64> = None;
    let last_latent = order.iter().rposition(|s| is_latent(engine, *s));
    for sweep in 0..options.sweeps.max(1) {
        for (i, step) in order.iter().enumerate() {
            let done = match step {
                Step::Pass(p) => engine.run_pass(&mut state, *p),
                Step::Update(b) => engine.update(&mut state, *b).map(|_| ()),
            };
            if let Err(e) = done {
                report.note(format!(
                    "start {start} ended in sweep {}: {}",
                    sweep + 1,
                    e.title
                ));
                return;
            }
            tamper(&mut state, *step);
            for b in blocks(engine, *step) {
                stepped[b.index()] = true;
                match read::factors(engine, &state, b) {
                    Ok(f) => known[b.index()] = Some(f),
                    Err(why) => {
                        skip_all(engine, report, &why);
                        // Without q of one block only the objective itself can be watched.
                        known[b.index()] = None;
                    }
                }
            }
            let everything: Option<Vec<Factor>> = known
                .iter()
                .cloned()
                .collect::<Option<Vec<_>>>()
                .map(|v| v.into_iter().flatten().collect());
            let place = format!(
                "start {start}, sweep {}, after {}",
                sweep + 1,
                name(engine, *step)
            );
            let complete = stepped.iter().zip(&started).all(|(a, b)| *a || *b);
            if complete {
                let l = engine.objective(&state);
                if let Some(b) = before {
                    let fall = ((b - l) / b.abs().max(1.0)).max(0.0);
                    let words = format!("{place}: from {b} to {l}");
                    let difference = if l.is_finite() { fall } else { f64::NAN };
                    report.measure(
                        Kind::Monotone,
                        "objective from update to update",
                        difference,
                        &words,
                    );
                }
                before = Some(l);
            }
            let Some(q) = everything else { continue };
            if checks.is_none() {
                match World::new(&d.model, engine.evaluator.data, &d.unknowns, &q) {
                    Ok(w) => checks = Some(Checks::new(engine, w, options, seed)),
                    Err(why) => {
                        skip_all(engine, report, &why);
                        continue;
                    }
                }
            }
            let Some(c) = checks.as_mut() else { continue };
            c.q = q;
            // Both take the whole of E_q[log p]: where it is compared, once a sweep, and where a spread may have collapsed.
            let compared =
                Some(i) == last_latent || i + 1 == order.len() || sets_spread(engine, *step);
            if compared && !c.measure() {
                report.note(format!("start {start} collapsed in sweep {}: a spread is tiny beside its data; nothing more is compared", sweep + 1));
                return;
            }
            for b in blocks(engine, *step) {
                c.update(b, &place, report);
            }
            if complete && i + 1 == order.len() {
                c.totals(&state, &place, report);
            }
            let exact = d.method.is_em() || d.method == Method::ExactPosterior;
            if complete && exact && Some(i) == last_latent {
                c.posterior(&state, &place, report);
                c.evidence(&state, &place, report);
                c.gradient(&place, report);
            }
        }
    }
}

fn skip_all(engine: &Engine<'_>, report: &mut Report, why: &str) {
    report.skip(Kind::Expectation, super::checks::EXPECTATION, why);
    report.skip(Kind::Entropy, super::checks::ENTROPY, why);
    for b in 0..engine.derivation.blocks.len() {
        report.skip(Kind::Update, &block_name(engine, BlockId(b as u32)), why);
    }
}

/// A step after which a point that may be a spread has a new value.
fn sets_spread(engine: &Engine<'_>, step: Step) -> bool {
    let d = engine.derivation;
    let Step::Update(b) = step else { return false };
    let block = d.block(b);
    let positive = |u: &crate::algebra::UnknownId| {
        matches!(
            d.unknowns.get(*u).domain,
            Domain::Positive | Domain::Covariance | Domain::Precision
        )
    };
    block.role != Role::Latent && block.unknowns.iter().any(positive)
}

/// Whether a step updates distributions.
fn is_latent(engine: &Engine<'_>, s: Step) -> bool {
    blocks(engine, s)
        .iter()
        .any(|b| engine.derivation.block(*b).role == Role::Latent)
}

fn blocks(engine: &Engine<'_>, s: Step) -> Vec<BlockId> {
    match s {
        Step::Pass(p) => engine.plan.passes[p].blocks.clone(),
        Step::Update(b) => vec![b],
    }
}

/// The names of a block's unknowns.
pub fn block_name(engine: &Engine<'_>, b: BlockId) -> String {
    let d = engine.derivation;
    let names = d.block(b).unknowns.iter();
    let names: Vec<&str> = names.map(|u| d.unknowns.get(*u).name.as_str()).collect();
    names.join(", ")
}

fn name(engine: &Engine<'_>, s: Step) -> String {
    let names: Vec<String> = blocks(engine, s)
        .iter()
        .map(|b| block_name(engine, *b))
        .collect();
    names.join(", ")
}

/// The steps of a sweep as the engine runs them from this start: latents first in EM, else from the entry on.
fn order(engine: &Engine<'_>, state: &State) -> Vec<Step> {
    let steps = &engine.plan.steps;
    let entry = init::entry(engine, state);
    if !engine.derivation.method.is_em() {
        let mut out = steps[entry..].to_vec();
        out.extend(&steps[..entry]);
        return out;
    }
    let (mut first, mut second): (Vec<Step>, Vec<Step>) =
        steps.iter().partition(|s| is_latent(engine, **s));
    if steps.get(entry).is_some_and(|s| !is_latent(engine, *s)) {
        std::mem::swap(&mut first, &mut second);
    }
    first.extend(second);
    first
}
