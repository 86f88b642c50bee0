//! Starting values: those given, then whatever breaks the symmetry of exchangeable elements, then prior expectations.
//!
//! A discrete latent whose globals are not known starts from a random q: rows are drawn to prototypes chosen like k-means++
//! in their numeric features, labels get random tables, a label of the latent's own plate pulls towards itself; where some
//! cells of the latent are known, those rows decide. Real unknowns
//! that are multiplied with each other start at random. What else is read before it was updated has its prior's expectation
//! where that is proper, else 0, 1, or equal probabilities. A start that no update would leave is broken (`symmetry`).

mod given;
mod network;
mod open;
mod publish;
mod symmetry;

use ndarray::Axis as Dim;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use crate::algebra::{Subscript, UnknownId};
use crate::data::Init;
use crate::derive::{BlockId, Form, MomentKind};
use crate::diag::Diagnostic;
use crate::family::StatisticKind;
use crate::model::{PlateId, Role};
use crate::plan::Step;

pub(super) use publish::publish_point;

use given::apply;
use network::start_network;
use open::{start_block, start_discrete, start_rows};

use super::Engine;
use super::state::State;

/// Sets the state to its start and says in words what it did.
///
/// # Errors
/// E0714: a given value that the model cannot take.
pub fn start(
    engine: &Engine<'_>,
    state: &mut State,
    given: Option<&Init>,
    seed: u64,
) -> Result<Vec<String>, Vec<Diagnostic>> {
    let mut said = vec![];
    if let Some(init) = given {
        let mut errors = vec![];
        for (name, value) in &init.values {
            match apply(engine, state, name, value) {
                Ok(()) => said.push(format!("{name} as given")),
                Err(e) => errors.push(e),
            }
        }
        if !errors.is_empty() {
            return Err(errors);
        }
    }
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    for (p, blocks) in engine.bound.iter().enumerate() {
        for (i, b) in blocks.iter().enumerate() {
            if state.blocks[b.block.index()].initialised
                || reads_known(engine, state, b.block)
                || told_apart(engine, state, b.block)
            {
                continue;
            }
            let what = start_rows(engine, state, p, i, b, &mut rng);
            said.push(format!("{} {what}", block_names(engine, b.block)));
        }
    }
    for i in 0..engine.derivation.blocks.len() {
        let id = BlockId(i as u32);
        let block = engine.derivation.block(id);
        if block.rows.is_some()
            || state.blocks[i].initialised
            || !matches!(
                block.form,
                Form::Discrete | Form::Network | Form::Conditional
            )
            || reads_known(engine, state, id)
            || (!matches!(block.form, Form::Discrete) && told_apart(engine, state, id))
        {
            continue;
        }
        let what = match block.form {
            Form::Discrete => start_discrete(engine, state, id, &mut rng),
            _ => start_network(engine, state, id, &mut rng),
        };
        said.push(format!("{} {what}", block_names(engine, id)));
    }
    // Whatever is still open and read by others gets a value; it does not count as initialised, so that it is updated first.
    for i in 0..engine.derivation.blocks.len() {
        let id = BlockId(i as u32);
        if engine.derivation.block(id).rows.is_some() {
            continue;
        }
        if !state.blocks[i].initialised && start_block(engine, state, id, &mut rng) {
            said.push(format!("{} at random", block_names(engine, id)));
        }
    }
    engine.publish_all_predictors(state);
    said.extend(symmetry::leave(engine, state, &mut rng));
    engine.publish_all_predictors(state);
    Ok(said)
}

fn block_names(engine: &Engine<'_>, id: BlockId) -> String {
    engine
        .derivation
        .block(id)
        .unknowns
        .iter()
        .map(|u| engine.derivation.unknowns.get(*u).name.as_str())
        .collect::<Vec<_>>()
        .join(", ")
}

/// True where a discrete point has no value yet, or begins as a spread over its values: its first update makes it one of
/// them, and the objective before that is not one of points.
pub(super) fn has_spread_point(engine: &Engine<'_>, state: &State) -> bool {
    let d = engine.derivation;
    d.blocks.iter().any(|b| {
        b.role != Role::Latent
            && b.rows.is_none()
            && b.unknowns.iter().any(|u| {
                let kind = MomentKind::Statistic(*u, StatisticKind::Indicator);
                let q = state.moments.get(&kind);
                d.unknowns.get(*u).element_plate().is_some()
                    && q.is_none_or(|q| q.iter().any(|p| *p != 0.0 && *p != 1.0))
            })
    })
}

/// True if every block that shares a term with this one has a value.
fn reads_known(engine: &Engine<'_>, state: &State, id: BlockId) -> bool {
    engine
        .derivation
        .block(id)
        .couplings
        .iter()
        .all(|c| state.blocks[c.block.index()].initialised)
}

/// True if a given value differs between the elements of a discrete latent and meets data of the row beside it: then q
/// follows from it, and a random start would only overwrite what was given.
fn told_apart(engine: &Engine<'_>, state: &State, id: BlockId) -> bool {
    let d = engine.derivation;
    let block = d.block(id);
    let given = |u: UnknownId| {
        d.block_of(u)
            .is_some_and(|b| state.blocks[b.index()].initialised)
    };
    let differs = |u: UnknownId, plate: PlateId| {
        let slots = &d.unknowns.get(u).slots;
        [StatisticKind::Value, StatisticKind::Log]
            .iter()
            .filter_map(|k| state.moments.get(&MomentKind::Statistic(u, *k)))
            .any(|a| {
                slots.iter().take(a.ndim()).enumerate().any(|(i, p)| {
                    *p == plate
                        && a.lanes(Dim(i))
                            .into_iter()
                            .any(|l| l.iter().any(|x| *x != l[0]))
                })
            })
    };
    block.unknowns.iter().any(|z| {
        d.unknowns.get(*z).element_plate().is_some_and(|plate| {
            d.terms.items.iter().any(|t| {
                t.stats.iter().any(|s| s.of == *z)
                    && t.stats.iter().any(|s| {
                        let gathered = s.index.iter().any(|i| matches!(i, Subscript::Column(..)));
                        (gathered || !t.data.is_empty()) && given(s.of) && differs(s.of, plate)
                    })
            })
        })
    })
}

/// The step at which the first sweep begins: the first block without a value all of whose neighbours have one; else the
/// first without a value that reads some initialised block; else the first.
pub fn entry(engine: &Engine<'_>, state: &State) -> usize {
    let open = |s: &Step, strict: bool| -> bool {
        let ids: Vec<BlockId> = match s {
            Step::Pass(p) => engine.plan.passes[*p].blocks.clone(),
            Step::Update(b) => vec![*b],
        };
        ids.iter().any(|b| {
            !state.blocks[b.index()].initialised
                && if strict {
                    reads_known(engine, state, *b)
                } else {
                    engine
                        .derivation
                        .block(*b)
                        .couplings
                        .iter()
                        .any(|c| state.blocks[c.block.index()].initialised)
                }
        })
    };
    let steps = &engine.plan.steps;
    let latent = |at: &usize| match &steps[*at] {
        Step::Pass(_) => true,
        Step::Update(b) => engine.is_latent(*b),
    };
    let strict = steps.iter().position(|s| open(s, true));
    let loose = steps.iter().position(|s| open(s, false));
    match (strict, loose) {
        // A point must not be set from a latent that was never updated: its default has no spread.
        (Some(s), Some(l)) if l < s && latent(&l) && !latent(&s) => l,
        (Some(s), _) => s,
        (None, l) => l.unwrap_or(0),
    }
}
