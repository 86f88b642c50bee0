//! Starts of what no value was given for: rows, other discrete blocks, and whatever is read before its first update.

use ndarray::{ArrayD, Axis as Dim, Dimension, IxDyn};
use rand_chacha::ChaCha8Rng;

use crate::algebra::Subscript;
use crate::data::BLANK;
use crate::derive::{BlockId, Form, MomentKind, Target};
use crate::engine::Engine;
use crate::engine::bind::BoundBlock;
use crate::engine::pass::{Source, Table};
use crate::engine::prototypes::{fill_gathered, normal, prototypes};
use crate::engine::rows::{Term, add_terms};
use crate::engine::state::State;
use crate::engine::symmetric::copy_orders;
use crate::family::StatisticKind;
use crate::model::{Constraint, Domain, Role};
use crate::plan::Planned;

use super::publish::publish_point;

/// q of a local block before anything is known.
pub(super) fn start_rows(
    engine: &Engine<'_>,
    state: &mut State,
    pass: usize,
    block: usize,
    b: &BoundBlock,
    rng: &mut ChaCha8Rng,
) -> String {
    let clamped = b
        .rows
        .clamps
        .iter()
        .any(|c| c.values.iter().any(|v| *v != BLANK));
    let numeric: Vec<usize> = (0..b.keys.len())
        .filter(|i| {
            let key = &engine.plan.keys[b.keys[*i].index()];
            let k = &b.rows.keys[*i];
            k.selectors.is_empty()
                && key
                    .data
                    .iter()
                    .zip(&k.data)
                    .filter(|(_, c)| !c.is_mask())
                    .count()
                    == 1
        })
        .collect();
    let mut tables: Vec<Vec<f64>> = b.rows.keys.iter().map(|k| vec![0.0; k.len]).collect();
    let what;
    if clamped {
        for t in &mut tables {
            for x in t.iter_mut() {
                *x = 0.01 * normal(rng);
            }
        }
        what = "from the rows whose cells are known".to_string();
    } else if numeric.is_empty() {
        for (i, t) in tables.iter_mut().enumerate() {
            let key = &engine.plan.keys[b.keys[i].index()];
            fill_gathered(engine, key, t, rng);
        }
        what = "from random tables of the labels it meets".to_string();
    } else {
        prototypes(b, &numeric, &mut tables, rng);
        for (i, t) in tables.iter_mut().enumerate() {
            let key = &engine.plan.keys[b.keys[i].index()];
            if !key.selectors.is_empty() {
                for x in t.iter_mut() {
                    *x = 0.1 * normal(rng);
                }
            }
        }
        what = "by distance to rows drawn as in k-means++".to_string();
    }
    // Along chains the rows start independent of each other.
    for s in b.rows.chain.iter().flat_map(|c| &c.steps) {
        tables[*s].fill(0.0);
    }
    let tables: Vec<Table> = tables.into_iter().map(Table::new).collect();
    if clamped {
        let (_, mut rows) = b.rows.run(Source::Tables(&tables), true);
        lighten_unknown(b, &mut rows.q);
        engine.give_rows(state, pass, block, &rows.q);
    } else {
        engine.give_tables(state, pass, block, &tables);
    }
    what
}

/// Lets the rows whose cells are all known decide: the others together weigh a tenth as much, at least one row.
///
/// Counted in full, many unknown rows would start the elements nearly alike, and chance would settle what the known rows
/// say. A little of them keeps a scale open that only one known row supports. The first pass computes the whole q anew.
fn lighten_unknown(b: &BoundBlock, q: &mut [f64]) {
    let cells = b.rows.rows * b.rows.elements;
    let known = |i: usize| {
        b.rows.clamps.iter().all(|c| {
            let at = if c.values.len() == b.rows.rows {
                i / b.rows.elements.max(1)
            } else {
                i
            };
            c.values.get(at).is_some_and(|v| *v != BLANK)
        })
    };
    let there = (0..cells).filter(|i| known(*i)).count();
    if there == 0 || there == cells {
        return;
    }
    let weight = ((0.1 * there as f64).max(1.0) / (cells - there) as f64).min(1.0);
    for (i, row) in q.chunks_mut(b.rows.states.max(1)).enumerate() {
        if !known(i) {
            for x in row {
                *x *= weight;
            }
        }
    }
}

/// q of a discrete block that is not row by row.
pub(super) fn start_discrete(
    engine: &Engine<'_>,
    state: &mut State,
    id: BlockId,
    rng: &mut ChaCha8Rng,
) -> String {
    let block = engine.derivation.block(id);
    let u = block.unknowns[0];
    let kind = MomentKind::Statistic(u, StatisticKind::Indicator);
    let shape = engine.moment_shape(kind);
    let k = shape.last().copied().unwrap_or(1).max(1);
    let mut votes = ArrayD::<f64>::zeros(IxDyn(&shape));
    let mut voted = false;
    let plate = engine.derivation.unknowns.get(u).element_plate();
    for m in &engine.plan.messages[id.index()] {
        let (Target::Single(..), Planned::Rows { row, direct, .. }) = (m.target, &m.how) else {
            continue;
        };
        // A label of the latent's own plate that the same row holds is a vote for it.
        for moment in &direct.moments {
            for s in &moment.index {
                if let Subscript::Column(c, _) = s
                    && matches!(engine.derivation.model.column(*c).ty, crate::model::ColumnType::Label(p) if Some(p) == plate)
                    && let Some((_, front)) = direct.target.split_last()
                {
                    let mut target = front.to_vec();
                    target.push(s.clone());
                    let term = Term {
                        coef: 1.0,
                        operands: vec![],
                        row: *row,
                        axes: &[],
                        target: &target,
                    };
                    add_terms(&engine.evaluator, vec![term], true, None, &mut votes);
                    voted = true;
                }
            }
        }
    }
    let mut q = votes;
    if let Some(flat) = q.as_slice_mut() {
        for row in flat.chunks_mut(k) {
            for x in row.iter_mut() {
                *x += if voted {
                    0.5
                } else {
                    // Gamma(1/2) draws, normalised: a Dirichlet(1/2).
                    0.5 * normal(rng).powi(2) + 1e-3
                };
            }
            let s: f64 = row.iter().sum();
            for x in row.iter_mut() {
                *x /= s;
            }
        }
    }
    state.moments.insert(kind, q);
    state.blocks[id.index()].initialised = true;
    if voted {
        "by the majority of its labels".into()
    } else {
        "at random".into()
    }
}

/// A value for a block that others may read before its first update. True if it is random.
pub(super) fn start_block(
    engine: &Engine<'_>,
    state: &mut State,
    id: BlockId,
    rng: &mut ChaCha8Rng,
) -> bool {
    let d = engine.derivation;
    let block = d.block(id);
    let mut random = false;
    if block.role == Role::Latent && prior_expectation(engine, state, id) && !multiplied(engine, id)
    {
        return false;
    }
    for u in &block.unknowns {
        if state
            .moments
            .contains_key(&MomentKind::Statistic(*u, StatisticKind::Value))
            && !multiplied(engine, id)
        {
            continue;
        }
        let shape = engine.shape(*u);
        if let Some(cells) = engine.cells(*u) {
            // Known cells as they are, blank ones at the mean of the others, which is 0 where there is a centre.
            let there: Vec<f64> = cells.iter().copied().filter(|x| !x.is_nan()).collect();
            let mean = match (d.unknowns.get(*u).domain, there.len()) {
                (Domain::Real, _) => 0.0,
                (Domain::Probability, 0) => 0.5,
                (_, 0) => 1.0,
                (_, n) => there.iter().sum::<f64>() / n as f64,
            };
            let value = cells.mapv(|x| if x.is_nan() { mean } else { x });
            let _ = publish_point(engine, state, *u, value);
            continue;
        }
        let k = shape.last().copied().unwrap_or(1).max(1);
        let mut value = match d.unknowns.get(*u).domain {
            Domain::Real if multiplied(engine, id) => {
                random = true;
                ArrayD::from_shape_fn(IxDyn(&shape), |_| normal(rng))
            }
            Domain::Real if d.unknowns.get(*u).constraint.is_some() => {
                ArrayD::from_elem(IxDyn(&shape), 1.0)
            }
            Domain::Positive => ArrayD::from_elem(IxDyn(&shape), 1.0),
            Domain::Probability => ArrayD::from_elem(IxDyn(&shape), 0.5),
            Domain::Simplex => ArrayD::from_elem(IxDyn(&shape), 1.0 / k as f64),
            Domain::Covariance | Domain::Precision => ArrayD::from_shape_fn(IxDyn(&shape), |i| {
                let n = i.ndim();
                f64::from(u8::from(i[n - 1] == i[n - 2]))
            }),
            _ => ArrayD::zeros(IxDyn(&shape)),
        };
        if let Some(slot) = engine.symmetric_slot(*u) {
            copy_orders(&mut value, slot);
        }
        norm_one(engine, *u, &mut value);
        // A default value is inside its domain by construction.
        let _ = publish_point(engine, state, *u, value);
    }
    state.blocks[id.index()].parameters.clear();
    random
}

/// Vectors along the plate of a norm get norm 1.
fn norm_one(engine: &Engine<'_>, u: crate::algebra::UnknownId, value: &mut ArrayD<f64>) {
    let unknown = engine.derivation.unknowns.get(u);
    let Some(Constraint::UnitNorm(p) | Constraint::UnitBall(p)) = unknown.constraint else {
        return;
    };
    if let Some(slot) = unknown.slots.iter().position(|s| *s == p) {
        for mut lane in value.lanes_mut(Dim(slot)) {
            let norm = lane.iter().map(|x| x * x).sum::<f64>().sqrt();
            if norm > 0.0 {
                lane.mapv_inplace(|x| x / norm);
            }
        }
    }
}

/// Some term holds a value of the block beside a real value of another block: at 0 both would stay there.
pub(super) fn multiplied(engine: &Engine<'_>, id: BlockId) -> bool {
    let d = engine.derivation;
    let block = d.block(id);
    matches!(
        block.form,
        Form::Gaussian | Form::GaussianNetwork | Form::Penalised | Form::UnitVectors
    ) && d.terms.items.iter().any(|t| {
        let real = |s: &&crate::algebra::Statistic| {
            s.kind == StatisticKind::Value && d.unknowns.get(s.of).domain == Domain::Real
        };
        let mine = t
            .stats
            .iter()
            .filter(real)
            .filter(|s| block.unknowns.contains(&s.of))
            .count();
        let others = t
            .stats
            .iter()
            .filter(real)
            .filter(|s| !block.unknowns.contains(&s.of))
            .count();
        mine == 2 && others == 2
    })
}

/// Updates a latent block from those of its terms that hold nothing else unknown: its prior. False if that is improper.
fn prior_expectation(engine: &Engine<'_>, state: &mut State, id: BlockId) -> bool {
    let backup = state.clone();
    let mut trial = state.clone();
    // Without data and without neighbours: every accumulated statistic is absent.
    trial.accumulated = vec![None; trial.accumulated.len()];
    trial.moments.clear();
    let before = engine.plan.messages[id.index()]
        .iter()
        .any(|m| matches!(&m.how, Planned::Global(c) if c.moments.is_empty()));
    if !before {
        return false;
    }
    match engine.update_from_prior(&mut trial, id) {
        Ok(()) => {
            *state = backup;
            for (k, v) in trial.moments.into_arrays() {
                state.moments.insert(k, v);
            }
            true
        }
        Err(_) => false,
    }
}
