//! Values given by `--init`, matched to the blocks and published.

use ndarray::{ArrayD, Dimension, IxDyn};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use crate::algebra::UnknownId;
use crate::data::InitValue;
use crate::derive::{BlockId, Form, MomentKind};
use crate::diag::{Code, Diagnostic};
use crate::engine::Engine;
use crate::engine::state::State;
use crate::engine::symmetric::agrees;
use crate::family::StatisticKind;
use crate::model::Role;

use super::publish::{publish_parameters, publish_point};

fn mismatch(name: &str, why: impl Into<String>) -> Diagnostic {
    Diagnostic::new(Code::E0714, format!("init of `{name}` does not match"))
        .note(why)
        .help("see `pmc explain` for the blocks and their families")
}

pub(super) fn apply(
    engine: &Engine<'_>,
    state: &mut State,
    name: &str,
    value: &InitValue,
) -> Result<(), Diagnostic> {
    let d = engine.derivation;
    let Some(u) = d.unknowns.ids().find(|u| d.unknowns.get(*u).name == name) else {
        return Err(mismatch(
            name,
            "no unknown of this name takes part in inference",
        ));
    };
    let Some(id) = d.block_of(u) else {
        return Ok(());
    };
    let block = d.block(id);
    if matches!(
        block.form,
        Form::Discrete | Form::Network | Form::Conditional
    ) && d.unknowns.get(u).element_plate().is_some()
    {
        return apply_discrete(engine, state, name, u, id, value);
    }
    if let Some(slot) = engine.symmetric_slot(u) {
        let same = match value {
            InitValue::Value(v) => agrees(v, slot),
            InitValue::Parameters(list) => list.iter().all(|(_, a)| agrees(a, slot)),
            InitValue::Labels(_) => true,
        };
        if !same {
            return Err(mismatch(
                name,
                "it is declared `symmetric`: both orders of an index pair hold one number",
            ));
        }
    }
    match value {
        InitValue::Value(v) => {
            let mut v = v.clone();
            if let Some(c) = engine.centre(u) {
                v -= &c;
            }
            publish_point(engine, state, u, v).map_err(|why| mismatch(name, why))?;
        }
        InitValue::Parameters(list) => {
            if block.unknowns.len() > 1 {
                // A joint block starts from the means of its parts.
                let Some(mut mean) = joint_mean(list) else {
                    return Err(mismatch(
                        name,
                        "its block is joint with other unknowns: give its mean or value",
                    ));
                };
                if let Some(c) = engine.centre(u) {
                    mean -= &c;
                }
                publish_point(engine, state, u, mean).map_err(|why| mismatch(name, why))?;
                state.blocks[id.index()].initialised = true;
                return Ok(());
            }
            publish_parameters(engine, state, u, id, list).map_err(|why| mismatch(name, why))?;
        }
        InitValue::Labels(_) => {
            return Err(mismatch(name, "labels are for discrete latents"));
        }
    }
    state.blocks[id.index()].initialised = true;
    Ok(())
}

/// The mean of one part of a joint block from its textbook parameters: `df * inverse_scale^-1` of a precision matrix,
/// `shape / rate` of a precision.
fn joint_mean(list: &[(String, ArrayD<f64>)]) -> Option<ArrayD<f64>> {
    let get = |n: &str| list.iter().find(|(x, _)| x == n).map(|(_, a)| a);
    if let Some(m) = get("mean").or_else(|| get("value")) {
        return Some(m.clone());
    }
    if let (Some(shape), Some(rate)) = (get("shape"), get("rate")) {
        return Some(shape / rate);
    }
    let (df, scale) = (get("df")?, get("inverse_scale")?);
    let n = *scale.shape().last()?;
    let mut out = scale.as_standard_layout().into_owned();
    let flat = out.as_slice_mut()?;
    for (m, df) in flat.chunks_mut((n * n).max(1)).zip(df.iter()) {
        let mut inverse = vec![0.0; n * n];
        crate::numeric::linalg::inverse_spd(m, n, &mut inverse).ok()?;
        for (x, y) in m.iter_mut().zip(inverse) {
            *x = df * y;
        }
    }
    Some(out)
}

fn apply_discrete(
    engine: &Engine<'_>,
    state: &mut State,
    name: &str,
    u: UnknownId,
    id: BlockId,
    value: &InitValue,
) -> Result<(), Diagnostic> {
    let block = engine.derivation.block(id);
    let shape = engine.moment_shape(MomentKind::Statistic(u, StatisticKind::Indicator));
    let k = shape.last().copied().unwrap_or(1);
    let q: ArrayD<f64> = match value {
        InitValue::Value(v) if v.shape() == shape.as_slice() => v.clone(),
        InitValue::Parameters(list) => match list.iter().find(|(n, _)| n == "probabilities") {
            Some((_, v)) if v.shape() == shape.as_slice() => v.clone(),
            _ => {
                return Err(mismatch(
                    name,
                    "expected probabilities over its plates and values",
                ));
            }
        },
        InitValue::Labels(l) if l.shape() == &shape[..shape.len() - 1] => {
            ArrayD::from_shape_fn(IxDyn(&shape), |i| {
                let n = i.ndim() - 1;
                f64::from(u8::from(l[IxDyn(&i.slice()[..n])] as usize == i[n]))
            })
        }
        InitValue::Value(_) | InitValue::Labels(_) => {
            return Err(mismatch(
                name,
                "its shape is not that of its plates and values",
            ));
        }
    };
    let flat: Vec<f64> = q.iter().copied().collect();
    for row in flat.chunks(k.max(1)) {
        let s: f64 = row.iter().sum();
        if !(s - 1.0).abs().le(&1e-6) || row.iter().any(|p| *p < 0.0) {
            return Err(mismatch(
                name,
                "probabilities must be at least 0 and sum to 1 for each element",
            ));
        }
    }
    if block.rows.is_none() {
        state.moments.insert(
            MomentKind::Statistic(u, StatisticKind::Indicator),
            q.clone(),
        );
        let s = &mut state.blocks[id.index()];
        s.initialised = true;
        s.updated = true;
        s.entropy = match block.role {
            Role::Latent => flat.iter().filter(|p| **p > 0.0).map(|p| -p * p.ln()).sum(),
            Role::Param | Role::Dirac => 0.0,
        };
        s.parameters = vec![(0, "probabilities", q)];
        if block.by_compound() {
            // Elements start independent of each other, Gaussians given them around 0.
            let mut rng = ChaCha8Rng::seed_from_u64(0);
            super::network::publish(engine, state, id, &mut rng);
        }
        return Ok(());
    }
    if block.unknowns.len() > 1 {
        return Err(mismatch(
            name,
            "its states are enumerated jointly with other unknowns; start values for a part are not taken",
        ));
    }
    for (p, blocks) in engine.bound.iter().enumerate() {
        for (i, b) in blocks.iter().enumerate() {
            if b.block == id {
                engine.give_rows(state, p, i, &flat);
            }
        }
    }
    Ok(())
}
