//! From a model's text and data to a [`Fit`], every stage in order.
//!
//! in: source, data, [`Settings`] -> out: [`Learned`], or the findings of the stage that failed.

use std::time::Instant;

use sha2::{Digest, Sha256};

use super::record::record;
use super::{Fit, Timing, order};
use crate::data::{self, DataFile, Files, ReadFile, Shelf, Stream};
use crate::diag::{Code, Diagnostic, nearest};
use crate::engine::Engine;
use crate::engine::batch;
use crate::engine::run::{self, Progress};
use crate::engine::stream::{Streamed, fitted};
use crate::model::Model;
use crate::plan::Rewrites;
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
            main: Some(DataFile::held(name, bytes)),
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
    /// Which rewrites of the plan are used; the result does not depend on it.
    pub rewrites: Rewrites,
    /// Batches of rows instead of all of them in every iteration.
    pub batch: Option<batch::Options>,
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
    /// Where column files of the data are kept, if anywhere.
    pub shelf: Option<&'a dyn Shelf>,
    /// With a shelf: columns that need more bytes than this are read from it some rows at a time.
    pub memory: Option<u64>,
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
    /// How long the stages took.
    pub stages: Stages,
}

/// Seconds of each stage of a fit.
#[derive(Debug, Clone, Copy, Default)]
pub struct Stages {
    /// Data files to columns.
    pub read: f64,
    /// The model to a plan.
    pub compile: f64,
    /// The plan to arrays.
    pub bind: f64,
    /// Starts and iterations.
    pub run: f64,
    /// The state to a fit.
    pub record: f64,
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
        shelf: None,
        memory: None,
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
    let (dataset, stream) = match (request.shelf, request.memory) {
        (Some(shelf), Some(limit)) => {
            let stream = Stream::open(&model, &files, None, shelf)?;
            warnings.extend(stream.warnings.iter().cloned());
            if stream.bytes() <= limit {
                (stream.block(0, stream.rows)?, None)
            } else {
                check_streamed(&request.settings.keep)?;
                let plate = model.table(stream.table).plate;
                let sample = Streamed {
                    plate,
                    stream: &stream,
                }
                .sample()?;
                (sample, Some((stream, plate)))
            }
        }
        (shelf, _) => {
            let bound = match shelf {
                Some(shelf) => data::bind_cached(&model, &files, shelf)?,
                None => data::bind(&model, &files)?,
            };
            warnings.extend(bound.warnings);
            (bound.dataset, None)
        }
    };
    drop(files);
    let load_s = clock.elapsed().as_secs_f64();
    // What was read, where the rows themselves stay on disk.
    let read = stream.as_ref().map_or(&dataset, |(s, _)| &s.frame);

    let clock = Instant::now();
    let (derivation, plan) =
        compile::compile_with(&model, Some(&dataset), request.settings.rewrites)?;
    let compile_s = checked + clock.elapsed().as_secs_f64();
    warnings.extend(derivation.warnings.iter().cloned());

    let init = request
        .init
        .map(|f| data::read_init(&model, &read.plates, f, request.read))
        .transpose()?;
    let clock = Instant::now();
    let engine = match &stream {
        Some((stream, plate)) => {
            let rows = Streamed {
                plate: *plate,
                stream,
            };
            let numbers = fitted(&derivation, rows, &dataset)?;
            Engine::streaming(&derivation, &plan, &dataset, numbers, rows)?
        }
        None => Engine::new(&derivation, &plan, &dataset, None)?,
    };
    let bind_s = clock.elapsed().as_secs_f64();
    let (init, how) = (init.as_ref(), &request.settings.run);
    let (outcome, restarts) = match &request.settings.batch {
        Some(b) if stream.is_none() => batch::run(&engine, init, how, b, request.progress)?,
        Some(_) => return Err(vec![no_batches()]),
        None => run::run(&engine, init, how, request.progress)?,
    };
    let fit_s = clock.elapsed().as_secs_f64();
    warnings.extend(outcome.warnings.iter().cloned());

    let iterations: usize = restarts.iter().map(|r| r.iterations).sum();
    let timing = Timing {
        load_s,
        compile_s,
        fit_s,
        per_iteration_ms: 1e3 * fit_s / iterations.max(1) as f64,
    };
    let clock = Instant::now();
    let orders = match init {
        None => order::canonical(&engine, &outcome.state),
        Some(_) => vec![],
    };
    let fit = record(
        &request, &engine, read, &outcome, &restarts, &orders, timing, &warnings,
    );
    Ok(Learned {
        fit,
        warnings,
        data: data::summary(&model, read),
        stages: Stages {
            read: load_s,
            compile: compile_s,
            bind: bind_s,
            run: fit_s - bind_s,
            record: clock.elapsed().as_secs_f64(),
        },
    })
}

/// E0604: batches are asked for, and the rows are on disk.
fn no_batches() -> Diagnostic {
    Diagnostic::new(Code::E0604, "batches are made of rows in memory")
        .note("the data are larger than `--memory` allows, and rows on disk are only read from end to end")
        .help("leave `--memory` out, or allow more, to learn by batches; leave `--batch` out to read all rows from disk in every iteration")
}

/// E0603: q of every row is asked for, and the rows are on disk.
fn check_streamed(keep: &[String]) -> Result<(), Vec<Diagnostic>> {
    if keep.is_empty() {
        return Ok(());
    }
    Err(vec![
        Diagnostic::new(Code::E0603, "q of all rows does not fit in memory")
            .note("the data are larger than `--memory` allows, and `--keep` asks for as much again")
            .help("fit without `--keep`, then `pmc predict` the rows wanted"),
    ])
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
