//! A finished run as a [`Fit`].
//!
//! in: the request, the engine, what the run reached -> out: every field of the fit file.

use super::collect::{Orders, estimate, role_word};
use super::json::Ordered;
use super::learn::{Request, sha256};
use super::{
    FORMAT, Fit, KnownRecord, ModelText, ObjectiveRecord, PlateRecord, RestartRecord, StopRecord,
    Switches, TableRecord, Timing, WarningRecord, elements,
};
use crate::data::Dataset;
use crate::derive::Derivation;
use crate::diag::Diagnostic;
use crate::engine::Engine;
use crate::engine::run::{Outcome, Restart, Sampled};
use crate::model::{Model, PlateKind, Role};

#[allow(clippy::too_many_arguments)]
pub(super) fn record(
    request: &Request<'_>,
    engine: &Engine<'_>,
    read: &Dataset,
    outcome: &Outcome,
    restarts: &[Restart],
    orders: &Orders,
    timing: Timing,
    warnings: &[Diagnostic],
) -> Fit {
    let d = engine.derivation;
    let model = &d.model;
    let settings = request.settings;
    let switches = &settings.switches;
    let variables = d.unknowns.ids().filter_map(|u| {
        let name = &d.unknowns.get(u).name;
        let wanted = !elements::is_row_level(d, u) || settings.keep.contains(name);
        let e = wanted.then(|| estimate(engine, &outcome.state, u, orders))??;
        Some((name.clone(), e))
    });
    let variables = variables.collect();
    let known = engine.evaluator.fitted().into_iter().map(|(name, a)| {
        let shape = a.shape().to_vec();
        let values = a.iter().copied().collect();
        (name, KnownRecord { shape, values })
    });
    let mut said: Vec<WarningRecord> = warnings
        .iter()
        .map(|w| WarningRecord {
            code: w.code.as_str().into(),
            message: std::iter::once(&w.title)
                .chain(&w.notes)
                .cloned()
                .collect::<Vec<_>>()
                .join("; "),
        })
        .collect();
    said.extend(outcome.decreased.map(|(i, from, to)| WarningRecord {
        code: "internal".into(),
        message: format!(
            "the objective fell from {from} to {to} at iteration {i}: a defect of pmc"
        ),
    }));
    Fit {
        format: FORMAT.into(),
        pmc: env!("CARGO_PKG_VERSION").into(),
        model: ModelText {
            name: model.name.clone(),
            source: request.source.text.clone(),
            sha256: sha256(request.source.text.as_bytes()),
        },
        options: Switches {
            set: Ordered(switches.set.clone()),
            param: switches.param.clone(),
            latent: switches.latent.clone(),
            flat: switches.flat.clone(),
            accelerate: settings.run.accelerate,
        },
        constants: constants(engine),
        roles: model
            .variables
            .iter()
            .map(|v| {
                let flat = switches.flat.contains(&v.name);
                let word = if flat { "flat" } else { role_word(v.role) };
                (v.name.clone(), word.to_string())
            })
            .collect(),
        seed: settings.run.seed,
        method: d.method.name().into(),
        exactness: exactness(d),
        objective: ObjectiveRecord {
            kind: d.objective.name().into(),
            value: outcome.objective(),
            trace_start: outcome.trace_start,
            trace: outcome.trace.clone(),
            estimate: outcome.sampled.as_ref().map(sampled),
        },
        start: outcome.start.clone(),
        stop: StopRecord {
            reason: outcome.stop.name().into(),
            iterations: outcome.iterations,
        },
        restarts: restarts
            .iter()
            .map(|r| RestartRecord {
                seed: r.seed,
                objective: r.objective,
                iterations: r.iterations,
                stop: r.stop.name().into(),
            })
            .collect(),
        data: tables(model, read),
        plates: plates(model, read, orders),
        variables,
        known: known.collect(),
        timing,
        warnings: said,
    }
}

/// What a trace is that was taken from some rows.
fn sampled(s: &Sampled) -> String {
    let of = match s.held_out {
        0 => "the batches as they came".to_string(),
        n => format!("{n} held out of {} elements of `{}`", s.elements, s.plate),
    };
    format!(
        "the trace is an estimate from {of}; the value is over all rows ({} steps; a row was visited {:.1} times in steps, {:.1} times for trace and end)",
        s.steps, s.visits, s.looks
    )
}

fn constants(engine: &Engine<'_>) -> Ordered<f64> {
    let model = &engine.derivation.model;
    let numbers = model.definitions.iter().enumerate();
    numbers
        .filter(|(_, c)| c.constant && c.axes.is_empty())
        .filter_map(|(i, c)| {
            let v = engine.evaluator.definition(i.into());
            Some((
                c.name.clone(),
                v.first().copied().filter(|x| x.is_finite())?,
            ))
        })
        .collect()
}

fn exactness(d: &Derivation) -> Ordered<String> {
    let of = d.unknowns.ids().filter_map(|u| {
        let unknown = d.unknowns.get(u);
        let block = d.block(d.block_of(u)?);
        (unknown.role != Role::Param)
            .then(|| (unknown.name.clone(), block.exactness.word().to_string()))
    });
    of.collect()
}

fn tables(model: &Model, data: &Dataset) -> Ordered<TableRecord> {
    model
        .tables
        .iter()
        .zip(&data.tables)
        .map(|(t, x)| {
            let record = TableRecord {
                rows: x.rows,
                sha256: x.sha256.clone(),
                missing: Ordered(x.missing.clone()),
            };
            (t.name.clone(), record)
        })
        .collect()
}

fn plates(model: &Model, data: &Dataset, orders: &Orders) -> Ordered<PlateRecord> {
    let all = model.plates.iter().zip(&data.plates).enumerate();
    all.filter(|(_, (p, _))| !matches!(p.kind, PlateKind::Binary))
        .map(|(i, (p, x))| {
            let counted = matches!(p.kind, PlateKind::Counted { .. } | PlateKind::Rows(_));
            let sorted = orders.iter().any(|(q, _)| q.index() == i);
            let record = PlateRecord {
                size: x.size,
                labels: (!counted).then(|| x.labels.clone()),
                order: sorted.then(|| "by weight".to_string()),
            };
            (p.name.clone(), record)
        })
        .collect()
}
