//! Publishes the statistics of a value, or of q in textbook parameters.

use ndarray::{ArrayD, IxDyn};

use crate::algebra::UnknownId;
use crate::derive::{BlockId, Form, MomentKind};
use crate::engine::Engine;
use crate::engine::state::State;
use crate::family::{Parameter, StatisticKind};
use crate::model::{Constraint, Domain, Role};
use crate::numeric::log_or_floor;

/// Publishes the statistics of a value; for a latent that is q as if it were a point there.
pub(in crate::engine) fn publish_point(
    engine: &Engine<'_>,
    state: &mut State,
    u: UnknownId,
    value: ArrayD<f64>,
) -> Result<(), String> {
    let d = engine.derivation;
    let shape = engine.shape(u);
    if value.shape() != shape.as_slice() {
        return Err(format!(
            "it has {} numbers along its slots, its plates have {}",
            sizes(value.shape()),
            sizes(&shape)
        ));
    }
    let value = value.as_standard_layout().into_owned();
    let unknown = d.unknowns.get(u);
    let flat = value.as_slice().unwrap_or(&[]);
    let ok = match unknown.domain {
        // A rate may be 0, as an update may leave it; what some term inverts may not.
        Domain::Positive => {
            let inverted = d
                .terms
                .items
                .iter()
                .flat_map(|t| &t.stats)
                .any(|s| s.of == u && matches!(s.kind, StatisticKind::Power(p) if p < 0));
            flat.iter().all(|x| *x > 0.0 || (*x == 0.0 && !inverted))
        }
        Domain::Probability | Domain::Simplex => flat.iter().all(|x| (0.0..=1.0).contains(x)),
        _ => flat.iter().all(|x| x.is_finite()),
    };
    if !ok {
        return Err("a value lies outside its domain".into());
    }
    constrained(unknown, &value)?;
    if unknown.domain == Domain::Simplex {
        let k = shape.last().copied().unwrap_or(1).max(1);
        if flat
            .chunks(k)
            .any(|row| (row.iter().sum::<f64>() - 1.0).abs() > 1e-6)
        {
            return Err("its probabilities do not sum to 1".into());
        }
    }
    let Some(id) = d.block_of(u) else {
        return Ok(());
    };
    let put = |state: &mut State, kind: MomentKind, v: Vec<f64>| {
        if let Ok(a) = ArrayD::from_shape_vec(IxDyn(&engine.moment_shape(kind)), v) {
            state.moments.insert(kind, a);
        }
    };
    let single = |k| MomentKind::Statistic(u, k);
    match unknown.domain {
        Domain::Covariance | Domain::Precision => {
            let n = shape.last().copied().unwrap_or(0);
            let (mut logs, mut inverses) = (vec![], vec![]);
            for m in flat.chunks((n * n).max(1)) {
                let mut inv = vec![0.0; n * n];
                let log = crate::numeric::linalg::inverse_spd(m, n, &mut inv)
                    .map_err(|_| "a matrix is not symmetric positive definite".to_string())?;
                logs.push(log);
                inverses.extend(inv);
            }
            put(state, single(StatisticKind::Log), logs);
            put(state, single(StatisticKind::Power(-1)), inverses);
        }
        Domain::Positive => {
            put(
                state,
                single(StatisticKind::Log),
                flat.iter().map(|x| log_or_floor(*x)).collect(),
            );
            for p in [-2i8, -1, 2] {
                put(
                    state,
                    single(StatisticKind::Power(p)),
                    flat.iter().map(|x| x.powi(i32::from(p))).collect(),
                );
            }
        }
        Domain::Probability | Domain::Simplex => {
            put(
                state,
                single(StatisticKind::Log),
                flat.iter().map(|x| log_or_floor(*x)).collect(),
            );
            put(
                state,
                single(StatisticKind::Log1m),
                flat.iter()
                    .map(|x| {
                        if *x == 1.0 {
                            log_or_floor(0.0)
                        } else {
                            (-x).ln_1p()
                        }
                    })
                    .collect(),
            );
        }
        _ => put(
            state,
            single(StatisticKind::Abs),
            match engine.offset(u) {
                Some(o) => flat.iter().zip(&o).map(|(x, o)| (x - o).abs()).collect(),
                None => flat.iter().map(|x| x.abs()).collect(),
            },
        ),
    }
    engine.publish_functions(state, u, &value);
    state
        .moments
        .insert(single(StatisticKind::Value), value.clone());
    let block = d.block(id);
    if matches!(block.form, Form::GaussianWishart | Form::GaussianGamma) {
        publish_scale_point(engine, state, id);
    }
    let i = block.unknowns.iter().position(|x| *x == u).unwrap_or(0);
    state.blocks[id.index()].parameters.push((
        i,
        if block.role == Role::Latent {
            "mean"
        } else {
            "value"
        },
        value,
    ));
    Ok(())
}

/// The value keeps its constraint.
fn constrained(unknown: &crate::algebra::Unknown, value: &ArrayD<f64>) -> Result<(), String> {
    let Some(c @ (Constraint::UnitNorm(p) | Constraint::UnitBall(p) | Constraint::Increasing(p))) =
        unknown.constraint
    else {
        return Ok(());
    };
    let Some(slot) = unknown.slots.iter().position(|s| *s == p) else {
        return Ok(());
    };
    for lane in value.lanes(ndarray::Axis(slot)) {
        let norm = lane.iter().map(|x| x * x).sum::<f64>().sqrt();
        let falls = lane.iter().zip(lane.iter().skip(1)).any(|(a, b)| a > b);
        match c {
            Constraint::UnitNorm(_) if (norm - 1.0).abs() > 1e-6 => {
                return Err(format!("its norm is {norm}, not 1"));
            }
            Constraint::UnitBall(_) if norm > 1.0 + 1e-6 => {
                return Err(format!("its norm is {norm}, above 1"));
            }
            Constraint::Increasing(_) if falls => return Err("it decreases".into()),
            _ => {}
        }
    }
    Ok(())
}

/// V w and w' V w of a mean and a precision that are points; a part that is not given yet counts as its default.
fn publish_scale_point(engine: &Engine<'_>, state: &mut State, id: BlockId) {
    let block = engine.derivation.block(id);
    let (w, v) = (block.unknowns[0], block.unknowns[1]);
    let value = |u: UnknownId| {
        state
            .moments
            .get(&MomentKind::Statistic(u, StatisticKind::Value))
            .map(|a| a.iter().copied().collect::<Vec<f64>>())
    };
    let mean = value(w).unwrap_or_else(|| vec![0.0; engine.shape(w).iter().product()]);
    let Some(precision) = value(v) else {
        return;
    };
    let (means, inside) = engine.layout(id, 0);
    let (precisions, _) = engine.layout(id, 1);
    let matrix = matches!(block.form, Form::GaussianWishart);
    let d = if matrix { inside } else { 1 };
    let mut cross = vec![0.0; mean.len()];
    let mut square = vec![];
    for (b, p) in precisions.iter().enumerate() {
        let at = |k: usize| means[b * inside + k];
        let first = p / (d * d).max(1) * d * d;
        let v = &precision[first..first + d * d];
        if matrix {
            let mut total = 0.0;
            for i in 0..inside {
                let vm: f64 = (0..inside).map(|j| v[i * d + j] * mean[at(j)]).sum();
                cross[at(i)] = vm;
                total += vm * mean[at(i)];
            }
            square.push(total);
        } else {
            for i in 0..inside {
                cross[at(i)] = v[0] * mean[at(i)];
                for j in 0..inside {
                    square.push(v[0] * mean[at(i)] * mean[at(j)]);
                }
            }
        }
    }
    for (kind, values) in [
        (MomentKind::Cross(w), cross),
        (MomentKind::Quadratic(w), square),
    ] {
        if let Ok(a) = ArrayD::from_shape_vec(IxDyn(&engine.moment_shape(kind)), values) {
            state.moments.insert(kind, a);
        }
    }
}

fn sizes(shape: &[usize]) -> String {
    if shape.is_empty() {
        return "1".into();
    }
    shape
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(" x ")
}

pub(super) fn publish_parameters(
    engine: &Engine<'_>,
    state: &mut State,
    u: UnknownId,
    id: BlockId,
    list: &[(String, ArrayD<f64>)],
) -> Result<(), String> {
    let d = engine.derivation;
    let block = d.block(id);
    let unknown = d.unknowns.get(u);
    let shape = engine.shape(u);
    let plates = unknown.plates().len();
    let count: usize = shape[..plates].iter().product();
    let size = if unknown.domain.value_slots() > 0 {
        shape[plates]
    } else {
        1
    };
    let Form::Family(family) = &block.form else {
        if let Some((_, mean)) = list.iter().find(|(n, _)| n == "mean" || n == "value") {
            let mut mean = mean.clone();
            if let Some(c) = engine.centre(u) {
                mean -= &c;
            }
            return publish_point(engine, state, u, mean);
        }
        return Err("give its `mean`".into());
    };
    let flat: Vec<(&str, Vec<f64>)> = list
        .iter()
        .map(|(n, a)| (n.as_str(), a.iter().copied().collect()))
        .collect();
    let lengths = family.lengths(size);
    let total: usize = lengths.iter().sum();
    let mut published: Vec<Vec<f64>> = vec![vec![]; lengths.len()];
    let mut statistics = vec![0.0; total];
    let mut entropy = 0.0;
    let is_element = engine.elements(u);
    for i in 0..count {
        let parameters: Vec<Parameter> = flat
            .iter()
            .filter_map(|(n, v)| {
                let len = v.len() / count.max(1);
                Some(Parameter {
                    name: known_parameter(n)?,
                    shape: vec![len],
                    values: v.get(i * len..(i + 1) * len)?.to_vec(),
                })
            })
            .collect();
        let eta = family
            .natural(&parameters, size)
            .map_err(|e| e.reason.clone())?;
        let log_z = family
            .expectations(&eta, size, &mut statistics)
            .map_err(|e| e.reason.clone())?;
        if is_element.get(i) != Some(&false) {
            entropy += log_z - eta.iter().zip(&statistics).map(|(a, b)| a * b).sum::<f64>();
        }
        let mut at = 0;
        for (out, len) in published.iter_mut().zip(&lengths) {
            out.extend_from_slice(&statistics[at..at + len]);
            at += len;
        }
    }
    for (k, v) in family.signature().iter().zip(published) {
        if *k != StatisticKind::Pair {
            let kind = MomentKind::Statistic(u, *k);
            if let Ok(a) = ArrayD::from_shape_vec(IxDyn(&engine.moment_shape(kind)), v) {
                state.moments.insert(kind, a);
            }
        }
    }
    state.blocks[id.index()].entropy = entropy;
    state.blocks[id.index()].updated = true;
    Ok(())
}

fn known_parameter(n: &str) -> Option<&'static str> {
    [
        "concentration",
        "shape",
        "rate",
        "scale",
        "mean",
        "covariance",
        "variance",
        "df",
        "inverse_scale",
        "probabilities",
        "probability",
        "a",
        "b",
    ]
    .into_iter()
    .find(|x| *x == n)
}
