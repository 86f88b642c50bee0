//! `pmc fit`: learn, write the fit, say what was found.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use serde_json::json;

use super::files;
use super::options::FitArgs;
use super::output::{Failure, Output, refuse, say, show};
use super::progress::Shown;
use super::timings::Laps;
use crate::data::Shelf;
use crate::fit::{self, Fit, Request, summary};

pub(super) fn run(args: &FitArgs, out: &mut Output) -> Result<(), Failure> {
    args.bits.apply();
    let source = files::model(&args.model)?;
    let data = files::data(args.data.as_ref(), &args.blocks)?;
    let init = args.init.as_deref().map(files::data_file).transpose()?;
    if let Some(path) = &args.output {
        files::check_writable(path)?;
    }
    // The pool is made once in a process, before anything runs in it; this thread works in it, so that nothing is handed over.
    let pool = rayon::ThreadPoolBuilder::new().use_current_thread();
    let pool = pool.num_threads(args.threads.unwrap_or(0)).build_global();
    pool.map_err(|e| Failure::Usage(format!("cannot start the threads: {e}")))?;
    let asked = interrupts();
    let mut shown = Shown::new(args.quiet, args.max_iter, args.restarts);
    let settings = args.settings();
    let mut laps = Laps::default();
    // Rows that stay on disk need a column file: one that lasts as long as the fit where no folder is named.
    let passing = match (&args.cache, args.memory) {
        (None, Some(_)) => Some(files::passing_folder()?),
        _ => None,
    };
    let named = args.cache.as_deref();
    let folder = named
        .or(passing.as_ref().map(|f| f.path()))
        .map(files::folder_for)
        .transpose()?;
    let learned = fit::fit_with(Request {
        shelf: folder.as_ref().map(|f| f as &dyn Shelf),
        memory: args.memory,
        source: &source,
        data,
        settings: &settings,
        init: init.as_ref(),
        read: &|name| std::fs::read(name),
        progress: &mut |p| {
            asked.running.store(true, Ordering::Relaxed);
            shown.tell(p);
            laps.end_of(p);
            !asked.stop.load(Ordering::Relaxed)
        },
    });
    shown.finish();
    let learned = learned.map_err(|e| refuse(&e, &source))?;
    show(&learned.warnings, &source);
    let fit = &learned.fit;
    for w in fit.warnings.iter().filter(|w| w.code == "internal") {
        say(&format!(
            "internal compiler error: {}; please report it with the model",
            w.message
        ));
    }
    let path = args
        .output
        .clone()
        .unwrap_or_else(|| PathBuf::from(format!("{}.fit.json", fit.model.name)));
    let clock = Instant::now();
    files::write(&path, fit.to_json().as_bytes())?;
    if args.timings {
        say(&laps.text(&learned.stages, clock.elapsed().as_secs_f64()));
    }
    if args.json {
        out.write(&as_json(fit, &path.display().to_string()))?;
    } else if !args.quiet {
        out.write(&summary::text(fit, &learned.data))?;
        if args.verbose {
            out.write(&format!("\n{}\n", blocks(fit)))?;
        }
        out.write(&format!(
            "\nwritten to {}; {}\n",
            path.display(),
            summary::timing(fit)
        ))?;
    }
    if fit.stop.reason == "interrupted" {
        say(&format!(
            "interrupted after {} iterations; what was reached is in {}",
            fit.stop.iterations,
            path.display()
        ));
        out.flush()?;
        return Err(Failure::Interrupted);
    }
    Ok(())
}

struct Interrupts {
    stop: Arc<AtomicBool>,
    running: Arc<AtomicBool>,
}

/// Ctrl-C ends the run after the current iteration; before the first one, or a second time, it ends the program.
fn interrupts() -> Interrupts {
    let stop = Arc::new(AtomicBool::new(false));
    let running = Arc::new(AtomicBool::new(false));
    let (s, r) = (stop.clone(), running.clone());
    // Where no handler can be set, Ctrl-C ends the program at once.
    let _ = ctrlc::set_handler(move || {
        if s.swap(true, Ordering::Relaxed) || !r.load(Ordering::Relaxed) {
            std::process::exit(3);
        }
    });
    Interrupts { stop, running }
}

fn blocks(fit: &Fit) -> String {
    let latents = fit.exactness.0.iter();
    let lines: Vec<String> = latents
        .map(|(name, how)| match fit.variables.get(name) {
            Some(e) => format!("q({name}): {}, {how}", e.family),
            None => format!("q({name}): row by row, {how}"),
        })
        .collect();
    lines.join("\n")
}

/// The summary as JSON: the fit without source, trace and what other programs do not read.
fn as_json(fit: &Fit, path: &str) -> String {
    let mut variables = serde_json::Map::new();
    for (name, e) in &fit.variables.0 {
        let mut e = e.clone();
        e.expectations = None;
        variables.insert(name.clone(), json!(e));
    }
    let object = json!({
        "model": fit.model.name,
        "file": path,
        "method": fit.method,
        "exactness": fit.exactness,
        "objective": { "kind": fit.objective.kind, "value": fit.objective.value },
        "stop": fit.stop,
        "start": fit.start,
        "restarts": fit.restarts,
        "data": fit.data,
        "plates": fit.plates,
        "variables": variables,
        "timing": fit.timing,
        "warnings": fit.warnings,
    });
    fit::json::to_text(&object)
}
