//! From a model's text and data to a [`Fit`], every stage in order.
//!
//! in: source, data, [`Settings`] -> out: [`Learned`], or the findings of the stage that failed.

use std::time::Instant;

use sha2::{Digest, Sha256};

use super::collect::{Orders, estimate, role_word};
use super::json::Ordered;
use super::{
    FORMAT, Fit, KnownRecord, ModelText, ObjectiveRecord, PlateRecord, RestartRecord, StopRecord,
    Switches, TableRecord, Timing, WarningRecord, elements, order,
};
use crate::data::{self, DataFile, Dataset, Files, ReadFile};
use crate::derive::Derivation;
use crate::diag::{Code, Diagnostic, nearest};
use crate::engine::Engine;
use crate::engine::run::{self, Outcome, Progress, Restart};
use crate::model::{Model, PlateKind, Role};
use crate::source::SourceFile;
use crate::{check, compile};

/// Data files by the block that reads them.
#[derive(Debug, Clone, Default)]
pub struct Data {
    /// Read by every block without a file of its own.
    pub main: Option<DataFile>,
    /// Files of single blocks.
    pub blocks: Vec<(String, DataFile)>,
}

impl Data {
    /// One CSV file for all blocks.
    pub fn csv(name: impl Into<String>, bytes: impl Into<Vec<u8>>) -> Data {
        Data {
            main: Some(DataFile {
                name: name.into(),
                bytes: bytes.into(),
            }),
            blocks: vec![],
        }
    }

    /// The files by table.
    ///
    /// # Errors
    /// E0301: a block that the model does not have.
    pub fn files(self, model: &Model) -> Result<Files, Vec<Diagnostic>> {
        let mut files = Files {
            main: self.main,
            by_table: vec![],
        };
        let mut errors = vec![];
        for (name, file) in self.blocks {
            match model.tables.iter().position(|t| t.name == name) {
                Some(i) => files.by_table.push((i.into(), file)),
                None => errors.push(unknown(
                    "data block",
                    &name,
                    model.tables.iter().map(|t| t.name.as_str()),
                )),
            }
        }
        if errors.is_empty() {
            Ok(files)
        } else {
            Err(errors)
        }
    }
}

fn unknown<'a>(what: &str, name: &str, known: impl Iterator<Item = &'a str> + Clone) -> Diagnostic {
    let d = Diagnostic::new(Code::E0301, format!("no {what} `{name}` in the model"));
    match nearest(name, known.clone()) {
        Some(near) => d.help(format!("did you mean `{near}`?")),
        None => d.note(format!(
            "there is {}",
            known
                .map(|n| format!("`{n}`"))
                .collect::<Vec<_>>()
                .join(", ")
        )),
    }
}

/// How to fit.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// Changes to the model.
    pub switches: check::Options,
    /// Iterations, tolerance, seeds.
    pub run: run::Options,
    /// Row-level variables whose q the fit keeps.
    pub keep: Vec<String>,
}

/// Everything a fit needs.
pub struct Request<'a> {
    /// The model.
    pub source: &'a SourceFile,
    /// The data.
    pub data: Data,
    /// How.
    pub settings: &'a Settings,
    /// Starting values or an earlier fit.
    pub init: Option<&'a DataFile>,
    /// Opens files that the init file names.
    pub read: ReadFile<'a>,
    /// Told of each iteration; answers whether to go on.
    pub progress: &'a mut dyn FnMut(&Progress) -> bool,
}

/// A fit and what was noticed on the way.
#[derive(Debug, Clone)]
pub struct Learned {
    /// The fit.
    pub fit: Fit,
    /// Warnings with their places in the model.
    pub warnings: Vec<Diagnostic>,
    /// What was read, in words.
    pub data: String,
}

/// Fits with the default way of opening nothing else, and without being told of progress.
///
/// # Errors
/// The findings of the first stage that fails.
pub fn fit(
    source: &SourceFile,
    data: Data,
    settings: &Settings,
) -> Result<Learned, Vec<Diagnostic>> {
    fit_with(Request {
        source,
        data,
        settings,
        init: None,
        read: &|name| {
            Err(std::io::Error::new(
                std::io::ErrorKind::NotFound,
                format!("{name} is not opened here"),
            ))
        },
        progress: &mut |_| true,
    })
}

/// Fits.
///
/// # Errors
/// The findings of the first stage that fails.
pub fn fit_with(mut request: Request<'_>) -> Result<Learned, Vec<Diagnostic>> {
    let clock = Instant::now();
    let (model, mut warnings) = compile::model(request.source, &request.settings.switches)?;
    check_keep(&model, &request.settings.keep)?;
    let checked = clock.elapsed().as_secs_f64();

    let clock = Instant::now();
    let files = std::mem::take(&mut request.data).files(&model)?;
    let bound = data::bind(&model, &files)?;
    drop(files);
    let load_s = clock.elapsed().as_secs_f64();
    warnings.extend(bound.warnings);
    let dataset = bound.dataset;

    let clock = Instant::now();
    let (derivation, plan) = compile::compile(&model, Some(&dataset))?;
    let compile_s = checked + clock.elapsed().as_secs_f64();
    warnings.extend(derivation.warnings.iter().cloned());

    let init = request
        .init
        .map(|f| data::read_init(&model, &dataset.plates, f, request.read))
        .transpose()?;
    let clock = Instant::now();
    let engine = Engine::new(&derivation, &plan, &dataset, None)?;
    let (outcome, restarts) = run::run(
        &engine,
        init.as_ref(),
        &request.settings.run,
        request.progress,
    )?;
    let fit_s = clock.elapsed().as_secs_f64();
    warnings.extend(outcome.warnings.iter().cloned());

    let iterations: usize = restarts.iter().map(|r| r.iterations).sum();
    let timing = Timing {
        load_s,
        compile_s,
        fit_s,
        per_iteration_ms: 1e3 * fit_s / iterations.max(1) as f64,
    };
    let orders = match init {
        None => order::canonical(&engine, &outcome.state),
        Some(_) => vec![],
    };
    let fit = record(
        &request, &engine, &outcome, &restarts, &orders, timing, &warnings,
    );
    Ok(Learned {
        fit,
        warnings,
        data: data::summary(&model, &dataset),
    })
}

fn check_keep(model: &Model, keep: &[String]) -> Result<(), Vec<Diagnostic>> {
    let names = || {
        let columns = model.columns.iter().filter(|c| c.observed);
        let variables = model.variables.iter().map(|v| v.name.as_str());
        variables
            .chain(columns.map(|c| c.name.as_str()))
            .collect::<Vec<_>>()
    };
    let errors: Vec<Diagnostic> = keep
        .iter()
        .filter(|k| !names().contains(&k.as_str()))
        .map(|k| unknown("variable", k, names().into_iter()))
        .collect();
    if errors.is_empty() {
        Ok(())
    } else {
        Err(errors)
    }
}

/// A digest in hexadecimal.
pub fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .map(|b| format!("{b:02x}"))
        .collect()
}

fn record(
    request: &Request<'_>,
    engine: &Engine<'_>,
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
            value: outcome.trace.last().copied(),
            trace_start: outcome.trace_start,
            trace: outcome.trace.clone(),
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
        data: tables(model, engine.evaluator.data),
        plates: plates(model, engine.evaluator.data, orders),
        variables,
        known: known.collect(),
        timing,
        warnings: said,
    }
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
