//! Starts that no update would leave: elements of a plate all alike, or zero where unknowns are multiplied.
//!
//! ```text
//! alike   terms and state are the same under any exchange of the elements of a plate: so is every later state
//! zero    E[v] = 0 of a real value that stands in terms only beside other real values: one sweep leaves it at 0
//! ```
//!
//! Both are stationary points of the objective, as a rule saddles. They are found by trying one sweep on a copy. Then rows
//! of a discrete latent are drawn anew, or the given numbers get noise as large as they are (1 where they are 0).

use ndarray::{ArrayD, Axis as Dim};
use rand_chacha::ChaCha8Rng;

use crate::algebra::{Subscript, UnknownId};
use crate::derive::{BlockId, Form, MomentKind};
use crate::engine::Engine;
use crate::engine::prototypes::normal;
use crate::engine::state::State;
use crate::family::StatisticKind;
use crate::model::{PlateId, PlateKind, Role};
use crate::plan::Step;

use super::entry;
use super::open::{multiplied, start_rows};
use super::publish::publish_point;

/// Numbers that differ by less than this part of the largest are alike.
const ALIKE: f64 = 1e-10;

/// Leaves a start that is a saddle, and says how.
pub(super) fn leave(engine: &Engine<'_>, state: &mut State, rng: &mut ChaCha8Rng) -> Vec<String> {
    let plates = exchangeable(engine);
    let alike: Vec<PlateId> = plates
        .iter()
        .copied()
        .filter(|p| same(engine, state, *p, true))
        .collect();
    let zero = zeros(engine, state, &plates, None);
    if alike.is_empty() && zero.is_empty() {
        return vec![];
    }
    let mut after = state.clone();
    if sweep(engine, &mut after).is_err() {
        // The run itself reports what is wrong.
        return vec![];
    }
    let mut said = vec![];
    for p in alike {
        if same(engine, &after, p, false)
            && let Some(what) = tell_apart(engine, state, p, rng)
        {
            let plate = &engine.derivation.model.plate(p).name;
            said.push(format!(
                "{what}, because the start had the elements of {plate} alike, which no update changes"
            ));
        }
    }
    if said.is_empty() {
        for (u, at) in zeros(engine, &after, &plates, Some(&zero)) {
            noise(engine, state, u, at, rng);
            let name = &engine.derivation.unknowns.get(u).name;
            said.push(format!(
                "{name} at random where its start was 0, which no update leaves"
            ));
        }
        said.dedup();
    }
    said
}

/// The steps of the first iteration, on a copy.
fn sweep(engine: &Engine<'_>, state: &mut State) -> Result<(), crate::diag::Diagnostic> {
    let d = engine.derivation;
    let steps = &engine.plan.steps;
    let entry = entry(engine, state);
    let e_step = |s: &Step| match s {
        Step::Pass(_) => true,
        Step::Update(b) => d.block(*b).role == Role::Latent,
    };
    let mut order: Vec<Step> = vec![];
    if d.method.is_em() {
        let (e, m): (Vec<Step>, Vec<Step>) = steps.iter().partition(|s| e_step(s));
        if steps.get(entry).is_some_and(|s| !e_step(s)) {
            order.extend(&m);
        }
        order.extend(e);
        order.extend(m);
    } else {
        order.extend(&steps[entry..]);
        order.extend(&steps[..entry]);
    }
    for s in order {
        match s {
            Step::Pass(p) => engine.run_pass(state, p)?,
            Step::Update(b) => engine.update(state, b).map(|_| ())?,
        }
    }
    Ok(())
}

/// Plates whose elements the model and the data do not tell apart, and that at least two blocks have.
fn exchangeable(engine: &Engine<'_>) -> Vec<PlateId> {
    let d = engine.derivation;
    let counted = |p: &PlateId| {
        matches!(
            d.model.plate(*p).kind,
            PlateKind::Counted { .. } | PlateKind::Listed(_)
        ) && engine.plate_size(*p) > 1
    };
    let plates = (0..d.model.plates.len()).map(PlateId::from);
    plates
        .filter(counted)
        .filter(|p| {
            let blocks = d.blocks.iter();
            let with = blocks.filter(|b| b.unknowns.iter().any(|u| has(engine, *u, *p)));
            with.count() > 1
        })
        .filter(|p| {
            d.terms.items.iter().all(|t| {
                t.stats.iter().all(|s| {
                    let of = dimensions(engine, MomentKind::Statistic(s.of, s.kind));
                    let mut at = of.iter().zip(&s.index);
                    at.all(|(plate, i)| plate != p || matches!(i, Subscript::Axis(_)))
                }) && t.data.iter().all(|k| {
                    if k.axes().iter().all(|a| a.plate != *p) {
                        return true;
                    }
                    let t = engine.known(k);
                    let of: Vec<PlateId> = t.axes.iter().map(|a| a.plate).collect();
                    invariant(&t.values, &of, *p)
                })
            })
        })
        .collect()
}

fn has(engine: &Engine<'_>, u: UnknownId, p: PlateId) -> bool {
    let unknown = engine.derivation.unknowns.get(u);
    unknown.slots.contains(&p) || unknown.element_plate() == Some(p)
}

/// The plates of an expectation's dimensions.
fn dimensions(engine: &Engine<'_>, kind: MomentKind) -> Vec<PlateId> {
    let d = engine.derivation;
    match kind {
        MomentKind::Statistic(u, k) => {
            let unknown = d.unknowns.get(u);
            let mut out = unknown.slots.clone();
            match k {
                StatisticKind::Indicator => out.extend(unknown.element_plate()),
                StatisticKind::Log if unknown.domain.value_slots() == 2 => {
                    out.truncate(out.len() - 2);
                }
                StatisticKind::LogSumExp => {
                    out.pop();
                }
                _ => {}
            }
            out
        }
        MomentKind::Cross(u) | MomentKind::Variance(u) => d.unknowns.get(u).slots.clone(),
        // Only during a run.
        MomentKind::Map(..) => vec![],
        MomentKind::Covariance(u, v) => {
            let Some(b) = d.block_of(u).map(|b| d.block(b)) else {
                return vec![];
            };
            let inside = |u: UnknownId| {
                let i = b.unknowns.iter().position(|x| *x == u).unwrap_or(0);
                let slots = &d.unknowns.get(u).slots;
                b.inside_slots[i].iter().map(move |s| slots[*s])
            };
            let batch = b.varying().map(|i| b.batch[i]);
            batch.chain(inside(u)).chain(inside(v)).collect()
        }
        MomentKind::Compound(u, at) => d
            .block_of(u)
            .and_then(|b| d.block(b).compounds.get(at as usize))
            .map_or_else(Vec::new, |c| c.axes.iter().map(|a| a.plate).collect()),
        MomentKind::Quadratic(u) => d
            .block_of(u)
            .map(|b| d.block(b).batch.clone())
            .unwrap_or_default(),
    }
}

/// The array does not change when two neighbours along a plate change places in all its dimensions over that plate.
fn invariant(a: &ArrayD<f64>, plates: &[PlateId], p: PlateId) -> bool {
    let over: Vec<usize> = (0..a.ndim())
        .filter(|i| plates.get(*i) == Some(&p))
        .collect();
    let Some(n) = over.first().map(|i| a.len_of(Dim(*i))) else {
        return true;
    };
    let largest = a.iter().fold(0.0f64, |m, x| m.max(x.abs()));
    (1..n).all(|e| {
        let mut order: Vec<usize> = (0..n).collect();
        order.swap(e - 1, e);
        let mut swapped = a.clone();
        for i in &over {
            swapped = swapped.select(Dim(*i), &order);
        }
        let mut pairs = a.iter().zip(&swapped);
        pairs.all(|(x, y)| (x - y).abs() <= ALIKE * largest)
    })
}

/// What the state holds about a plate is alike for its elements; with `given`, only what is not recomputed at once.
fn same(engine: &Engine<'_>, state: &State, p: PlateId, given: bool) -> bool {
    let d = engine.derivation;
    let initialised = |u: UnknownId| {
        let b = d.block_of(u);
        b.is_some_and(|b| !given || state.blocks[b.index()].initialised)
    };
    let mut found = false;
    for (kind, a) in state.moments.iter() {
        let (MomentKind::Statistic(u, _)
        | MomentKind::Covariance(u, _)
        | MomentKind::Cross(u)
        | MomentKind::Quadratic(u)
        | MomentKind::Variance(u)
        | MomentKind::Compound(u, _)
        | MomentKind::Map(u, _)) = kind;
        let plates = dimensions(engine, *kind);
        // Real values of a start leave more statistics than a Gaussian publishes.
        let left_over = matches!(kind, MomentKind::Statistic(_, k) if *k != StatisticKind::Value)
            && d.block_of(*u)
                .is_some_and(|b| matches!(d.block(b).form, Form::Gaussian | Form::GaussianNetwork));
        if left_over || !initialised(*u) || !plates.contains(&p) {
            continue;
        }
        found = true;
        if plates.len() == a.ndim() && !invariant(a, &plates, p) {
            return false;
        }
    }
    for (key, a) in engine.plan.keys.iter().zip(&state.accumulated) {
        let plates: Vec<PlateId> = key.axes.iter().map(|a| a.plate).collect();
        let (Some(a), true) = (a, plates.contains(&p)) else {
            continue;
        };
        found |= !key.local.is_empty();
        if !invariant(a, &plates, p) {
            return false;
        }
    }
    found
}

/// Draws the rows of a discrete latent over the plate anew, else adds noise to real values over it.
fn tell_apart(
    engine: &Engine<'_>,
    state: &mut State,
    p: PlateId,
    rng: &mut ChaCha8Rng,
) -> Option<String> {
    let d = engine.derivation;
    let names = |list: &[UnknownId]| -> String {
        let names: Vec<&str> = list
            .iter()
            .map(|u| d.unknowns.get(*u).name.as_str())
            .collect();
        names.join(", ")
    };
    for (pass, blocks) in engine.bound.iter().enumerate() {
        for (i, b) in blocks.iter().enumerate() {
            let block = d.block(b.block);
            let over = |u: &UnknownId| d.unknowns.get(*u).element_plate() == Some(p);
            if !block.unknowns.iter().any(over) {
                continue;
            }
            let what = start_rows(engine, state, pass, i, b, rng);
            // What was given is read until its update, which now comes first.
            for (other, s) in d.blocks.iter().zip(&mut state.blocks) {
                if other.rows.is_none() && other.unknowns.iter().any(|u| has(engine, *u, p)) {
                    s.initialised = false;
                }
            }
            return Some(format!("{} {what}", names(&block.unknowns)));
        }
    }
    let real: Vec<(UnknownId, bool)> = d
        .blocks
        .iter()
        .enumerate()
        .filter(|(i, b)| matches!(b.form, Form::Gaussian) && state.blocks[*i].initialised)
        .flat_map(|(i, b)| {
            let times = multiplied(engine, BlockId(i as u32));
            b.unknowns.iter().map(move |u| (*u, times))
        })
        .filter(|(u, _)| has(engine, *u, p))
        .collect();
    let mut chosen: Vec<UnknownId> = real.iter().filter(|(_, t)| *t).map(|(u, _)| *u).collect();
    if chosen.is_empty() {
        chosen.extend(real.first().map(|(u, _)| *u));
    }
    for u in &chosen {
        noise(engine, state, *u, None, rng);
    }
    (!chosen.is_empty()).then(|| format!("{} with noise", names(&chosen)))
}

/// A part of an unknown: all of it, or one element along a slot.
type Part = Option<(usize, usize)>;

fn part(a: &ArrayD<f64>, at: Part) -> ArrayD<f64> {
    match at {
        Some((slot, e)) => a.index_axis(Dim(slot), e).to_owned(),
        None => a.clone(),
    }
}

/// Initialised real values that are multiplied with others and 0: whole unknowns, else elements along exchangeable plates;
/// or those of a list that are.
fn zeros(
    engine: &Engine<'_>,
    state: &State,
    plates: &[PlateId],
    among: Option<&[(UnknownId, Part)]>,
) -> Vec<(UnknownId, Part)> {
    let d = engine.derivation;
    let zero = |u: UnknownId, at: Part| {
        let value = state
            .moments
            .get(&MomentKind::Statistic(u, StatisticKind::Value));
        value.is_some_and(|a| !a.is_empty() && part(a, at).iter().all(|x| *x == 0.0))
    };
    if let Some(list) = among {
        let kept = list.iter().copied();
        return kept.filter(|(u, at)| zero(*u, *at)).collect();
    }
    let mut out = vec![];
    for (i, b) in d.blocks.iter().enumerate() {
        if !state.blocks[i].initialised || !multiplied(engine, BlockId(i as u32)) {
            continue;
        }
        for u in &b.unknowns {
            if zero(*u, None) {
                out.push((*u, None));
                continue;
            }
            for (slot, p) in d.unknowns.get(*u).slots.iter().enumerate() {
                if plates.contains(p) {
                    let elements = (0..engine.plate_size(*p)).map(|e| Some((slot, e)));
                    out.extend(elements.filter(|at| zero(*u, *at)).map(|at| (*u, at)));
                }
            }
        }
    }
    out
}

/// Adds noise as large as the values of the part are, 1 where they are 0.
fn noise(engine: &Engine<'_>, state: &mut State, u: UnknownId, at: Part, rng: &mut ChaCha8Rng) {
    let kind = MomentKind::Statistic(u, StatisticKind::Value);
    let Some(mut value) = state.moments.get(&kind).cloned() else {
        return;
    };
    let old = part(&value, at);
    let square = old.iter().map(|x| x * x).sum::<f64>() / (old.len().max(1) as f64);
    let scale = if square > 0.0 { square.sqrt() } else { 1.0 };
    let mut draw = |x: &mut f64| *x += scale * normal(rng);
    match at {
        Some((slot, e)) => value
            .index_axis_mut(Dim(slot), e)
            .iter_mut()
            .for_each(&mut draw),
        None => value.iter_mut().for_each(&mut draw),
    }
    if let Some(id) = engine.derivation.block_of(u) {
        let i = engine
            .derivation
            .block(id)
            .unknowns
            .iter()
            .position(|x| *x == u);
        let list = &mut state.blocks[id.index()].parameters;
        list.retain(|(of, _, _)| Some(*of) != i);
    }
    // Real values are inside their domain whatever the noise.
    let _ = publish_point(engine, state, u, value);
}
