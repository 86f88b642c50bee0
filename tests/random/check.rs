//! What must hold of any model: it is refused with a finding, or it runs and what can be checked about it is right.
//!
//! in: a [`Spec`] -> out: a [`Verdict`].

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc;
use std::sync::{Mutex, OnceLock};
use std::time::Duration;

use pmc::algebra::Origin;
use pmc::data::DataFile;
use pmc::derive::Derivation;
use pmc::diag::{Diagnostic, render_plain};
use pmc::engine::Engine;
use pmc::engine::run::{Options, Outcome, run};
use pmc::fit::{Data, Settings};
use pmc::model::{Domain, Model, Role};
use pmc::naive::{Assignment, log_joint_by_factor};
use pmc::plan::{Rewrites, plan_with};
use pmc::source::SourceFile;
use pmc::{check, compile, data, explain, fit, verify};

use crate::print;
use crate::tree::{Spec, Switch};

/// How a model ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    /// It ran; the method's name.
    Accepted(&'static str),
    /// It was refused with a finding that a well-typed model may have.
    Refused(String),
    /// Something is wrong.
    Failed(Failure),
}

/// What is wrong: the kind stays the same while the model is made smaller.
#[derive(Debug, Clone, PartialEq)]
pub struct Failure {
    pub kind: String,
    pub text: String,
}

fn failed(kind: impl Into<String>, text: impl Into<String>) -> Verdict {
    Verdict::Failed(Failure {
        kind: kind.into(),
        text: text.into(),
    })
}

/// How long one model may take.
const SECONDS: u64 = 120;
/// Iterations of a run.
const ITERATIONS: usize = 6;

static PANIC: Mutex<String> = Mutex::new(String::new());

/// Panics of models are remembered with their place, not printed.
fn watch_panics() {
    static ONCE: OnceLock<()> = OnceLock::new();
    ONCE.get_or_init(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            let name = std::thread::current().name().unwrap_or("").to_string();
            if name.starts_with("model") {
                let place = info
                    .location()
                    .map_or(String::new(), |l| format!("{}:{}", l.file(), l.line()));
                if let Ok(mut p) = PANIC.lock() {
                    *p = format!("{place}\n{info}");
                }
            } else {
                before(info);
            }
        }));
    });
}

fn pool(threads: usize) -> &'static rayon::ThreadPool {
    static POOLS: OnceLock<Vec<rayon::ThreadPool>> = OnceLock::new();
    let pools = POOLS.get_or_init(|| {
        (1..=2)
            .map(|n| {
                rayon::ThreadPoolBuilder::new()
                    .num_threads(n)
                    .thread_name(|i| format!("model-{i}"))
                    .build()
                    .expect("threads")
            })
            .collect()
    });
    &pools[threads - 1]
}

/// Checks a model with its data.
pub fn verdict(spec: &Spec) -> Verdict {
    watch_panics();
    let (send, receive) = mpsc::channel();
    let copy = spec.clone();
    let spawned = std::thread::Builder::new()
        .name("model".into())
        .stack_size(16 << 20)
        .spawn(move || {
            let result = catch_unwind(AssertUnwindSafe(|| judge(&copy)));
            let verdict = result.unwrap_or_else(|_| {
                let text = PANIC.lock().map_or(String::new(), |p| p.clone());
                let place = text.lines().next().unwrap_or("").to_string();
                failed(format!("panic at {place}"), text)
            });
            // Nobody listens after the time is over.
            let _ = send.send(verdict);
        });
    spawned.expect("a thread");
    receive
        .recv_timeout(Duration::from_secs(SECONDS))
        .unwrap_or_else(|_| failed("time", format!("not finished after {SECONDS} seconds")))
}

fn code(found: &[Diagnostic]) -> String {
    found
        .iter()
        .find(|d| d.code.as_str().starts_with('E'))
        .map_or("no code".into(), |d| d.code.as_str().to_string())
}

/// A refusal with one of these codes is an answer; any other means that the model was not what it was meant to be.
fn refused(found: &[Diagnostic], source: &SourceFile, may: &[&str]) -> Verdict {
    let text = render_plain(found, source);
    let c = code(found);
    let bad = found
        .iter()
        .map(|d| d.code.as_str())
        .find(|c| !may.iter().any(|m| c.starts_with(m)));
    match bad {
        Some(bad) if bad.starts_with('E') => failed(format!("rejected with {bad}"), text),
        _ => {
            let title = found.first().map_or("", |d| d.title.as_str());
            // Names and numbers aside, the title says which refusal it is.
            let kind: Vec<&str> = title.split('`').step_by(2).collect();
            Verdict::Refused(format!("{c} {}", kind.join("..")))
        }
    }
}

/// The files of a spec.
pub fn files(spec: &Spec) -> Data {
    if let Some(text) = print::flat(spec) {
        return Data::csv("data.csv", text);
    }
    let blocks = spec.tables.iter().map(|t| {
        let file = DataFile::held(format!("{}.csv", t.name), print::csv(t).into_bytes());
        (t.name.clone(), file)
    });
    Data {
        main: None,
        blocks: blocks.collect(),
    }
}

/// Its switches.
pub fn options(spec: &Spec) -> check::Options {
    let mut out = check::Options::default();
    if let Some((switch, name)) = &spec.switch {
        let list = match switch {
            Switch::Param => &mut out.param,
            Switch::Latent => &mut out.latent,
            Switch::Flat => &mut out.flat,
        };
        list.push(name.clone());
    }
    out
}

fn judge(spec: &Spec) -> Verdict {
    let source = SourceFile::new("model.pmod", print::model(spec));
    let switches = options(spec);
    let model = match compile::model(&source, &switches) {
        Ok((m, warnings)) => {
            render_plain(&warnings, &source);
            m
        }
        Err(e) => return refused(&e, &source, &["E05"]),
    };
    let bound = match files(spec)
        .files(&model)
        .and_then(|f| data::bind(&model, &f))
    {
        Ok(b) => b,
        Err(e) => return refused(&e, &source, &["E0710"]),
    };
    let (derivation, plan) = match compile::compile(&model, Some(&bound.dataset)) {
        Ok(x) => x,
        Err(e) => return refused(&e, &source, &["E05", "E06"]),
    };
    let run_codes = ["E0502", "E0505", "E0601", "E0710", "E0715"];
    let engine = match Engine::new(&derivation, &plan, &bound.dataset, None) {
        Ok(e) => e,
        Err(e) => return refused(&e, &source, &run_codes),
    };
    let mut answers: Vec<Result<Ran, Verdict>> = vec![];
    for (threads, seed) in [(1, 0), (2, 0), (1, 1)] {
        let options = Options {
            max_iter: ITERATIONS,
            tol: 0.0,
            seed,
            restarts: 1,
            // Every other time: steps between sweeps must keep the objective from falling too.
            accelerate: seed == 1,
        };
        // The engine is made again: what it remembers must not matter.
        let (d, p, set) = (&derivation, &plan, &bound.dataset);
        let answer = pool(threads).install(|| {
            let engine = Engine::new(d, p, set, None)?;
            run(&engine, None, &options, &mut |_| true).map(|(o, _)| o)
        });
        answers.push(match answer {
            Ok(o) => match sound(d, &o) {
                None => Ok(Ran::of(o)),
                Some(bad) => return Verdict::Failed(bad),
            },
            Err(e) => Err(refused(&e, &source, &run_codes)),
        });
    }
    match (&answers[0], &answers[1]) {
        (Ok(a), Ok(b)) if a.bits != b.bits => {
            return failed("threads", "one thread and two give different numbers");
        }
        (Ok(_), Err(v)) | (Err(v), Ok(_)) => return failed("threads", format!("{v:?}")),
        _ => {}
    }
    for a in &answers {
        if let Err(v @ Verdict::Failed(_)) = a {
            return v.clone();
        }
    }
    if answers[0].is_ok()
        && let Some(bad) = rewritten(&derivation, &bound.dataset)
    {
        return Verdict::Failed(bad);
    }
    if let Ok(ran) = &answers[0]
        && let Some(bad) = joint(&model, &derivation, &engine, &bound.dataset, &ran.outcome)
    {
        return Verdict::Failed(bad);
    }
    if let Some(bad) = checked(
        &model,
        &bound.dataset,
        &derivation,
        answers[0].as_ref().ok(),
    ) {
        return Verdict::Failed(bad);
    }
    if let Some(v) = whole(spec, &source, &derivation, &plan) {
        return v;
    }
    match answers.swap_remove(0) {
        Ok(_) => Verdict::Accepted(derivation.method.name()),
        Err(v) => v,
    }
}

/// Every rewrite used wherever it can be, and none of them: the same numbers but for rounding, over few iterations.
fn rewritten(d: &Derivation, data: &data::Dataset) -> Option<Failure> {
    let go = |rewrites: Rewrites| -> Option<Outcome> {
        let plan = plan_with(d, rewrites).ok()?;
        let engine = Engine::new(d, &plan, data, None).ok()?;
        let options = Options {
            max_iter: 3,
            tol: 0.0,
            ..Options::default()
        };
        run(&engine, None, &options, &mut |_| true)
            .ok()
            .map(|(o, _)| o)
    };
    let (all, none) = (go(Rewrites::default().eager())?, go(Rewrites::none())?);
    if collapsed(d, &all, 1e-5) {
        return None;
    }
    let bad = |text: String| {
        Some(Failure {
            kind: "rewrites".into(),
            text,
        })
    };
    let near = |x: f64, y: f64| (x - y).abs() <= 1e-7 * y.abs().max(1.0);
    if all.trace.len() != none.trace.len()
        || all
            .trace
            .iter()
            .zip(&none.trace)
            .any(|(x, y)| !near(*x, *y))
    {
        return bad(format!("{:?} and without {:?}", all.trace, none.trace));
    }
    let kinds = |o: &Outcome| o.state.moments.keys().copied().collect::<Vec<_>>();
    if kinds(&all) != kinds(&none) {
        return bad(format!("{:?} and without {:?}", kinds(&all), kinds(&none)));
    }
    None
}

/// A run with everything it left, bit by bit.
struct Ran {
    outcome: Outcome,
    bits: Vec<u64>,
}

impl Ran {
    fn of(outcome: Outcome) -> Ran {
        let mut bits: Vec<u64> = outcome.trace.iter().map(|x| x.to_bits()).collect();
        for b in &outcome.state.blocks {
            for (_, _, a) in &b.parameters {
                bits.extend(a.iter().map(|x| x.to_bits()));
            }
        }
        Ran { outcome, bits }
    }
}

/// The objective is a number and never falls; where a spread collapses, beyond what numbers can hold.
fn sound(d: &Derivation, o: &Outcome) -> Option<Failure> {
    let collapsed = collapsed(d, o, 1e-9);
    let bad = |kind: &str, text: String| {
        Some(Failure {
            kind: kind.into(),
            text,
        })
    };
    if let Some((i, from, to)) = o.decreased.filter(|_| !collapsed) {
        return bad("decrease", format!("iteration {i}: from {from} to {to}"));
    }
    if o.trace.iter().any(|x| x.is_nan()) {
        return bad("objective is no number", format!("{:?}", o.trace));
    }
    for w in o.trace.windows(2) {
        if w[1] < w[0] - 1e-8 * w[0].abs().max(1.0) && !collapsed {
            return bad("decrease", format!("trace {:?}", o.trace));
        }
    }
    None
}

/// A point that is a spread goes to 0: differences are divided by almost nothing, and no digit of them is left.
fn collapsed(d: &Derivation, o: &Outcome, small: f64) -> bool {
    d.blocks.iter().zip(&o.state.blocks).any(|(b, s)| {
        s.parameters.iter().any(|(i, name, a)| {
            let domain = d.unknowns.get(b.unknowns[*i]).domain;
            let spread = matches!(
                domain,
                Domain::Positive | Domain::Covariance | Domain::Precision
            );
            let far = |x: &f64| x.abs() < small || x.abs() > 1.0 / small;
            spread && *name == "value" && a.iter().any(far)
        })
    })
}

/// Where every unknown is a point, the objective is the log joint at these points.
fn joint(
    model: &Model,
    d: &Derivation,
    engine: &Engine<'_>,
    data: &data::Dataset,
    outcome: &Outcome,
) -> Option<Failure> {
    if d.blocks.iter().any(|b| b.role == Role::Latent) {
        return None;
    }
    if collapsed(d, outcome, 1e-5) {
        return None;
    }
    let last = *outcome.trace.last()?;
    let mut at = Assignment::empty(model);
    for (b, s) in d.blocks.iter().zip(&outcome.state.blocks) {
        for (i, name, a) in &s.parameters {
            let u = b.unknowns[*i];
            let Origin::Variable(v) = d.unknowns.get(u).origin else {
                return None;
            };
            if *name != "value" {
                return None;
            }
            let mut a = a.clone();
            if let Some(c) = engine.centre(u) {
                a += &c;
            }
            at.variables[v.index()] = Some(a);
        }
    }
    // Nobody asks for a point that stands in no term that varies; it has no value.
    if at.variables.iter().any(Option::is_none) {
        return None;
    }
    let (want, words) = match log_joint_by_factor(model, data, &at) {
        Ok(list) => (list.iter().sum::<f64>(), format!("by statement {list:?}")),
        Err(e) => (f64::NAN, e.to_string()),
    };
    // Boundaries: log 0 is a large negative number in the engine.
    if (last - want).abs() <= 1e-7 * want.abs().max(1.0) || last < -1e20 || want.is_infinite() {
        return None;
    }
    Some(Failure {
        kind: "log joint".into(),
        text: format!("{last} by the engine, {want} evaluated plainly; {words}"),
    })
}

/// `verify` finds nothing wrong.
fn checked(
    model: &Model,
    data: &data::Dataset,
    d: &Derivation,
    ran: Option<&Ran>,
) -> Option<Failure> {
    let report = verify::verify(model, data, &verify::Options::quick(0)).ok()?;
    // Where a spread collapses, densities are infinite.
    if ran.is_none_or(|r| collapsed(d, &r.outcome, 1e-5)) {
        return None;
    }
    let first = report.failures().next()?;
    Some(Failure {
        kind: format!("verify {}", first.kind.name()),
        text: report.text(),
    })
}

/// The rest of the way: fit, fit file, scores, predictions, explanations. They may refuse, not break.
fn whole(
    spec: &Spec,
    source: &SourceFile,
    derivation: &Derivation,
    plan: &pmc::plan::Plan,
) -> Option<Verdict> {
    let page = explain::explain(source, derivation, plan);
    explain::text(&page);
    explain::markdown(&page);
    explain::latex(&page);
    explain::json(&page);
    let settings = Settings {
        switches: options(spec),
        run: Options {
            max_iter: 3,
            ..Options::default()
        },
        ..Settings::default()
    };
    let learned = match fit::fit(source, files(spec), &settings) {
        Ok(l) => l,
        Err(e) => {
            return match refused(&e, source, &["E05", "E06", "E0710", "E0715"]) {
                v @ Verdict::Failed(_) => Some(v),
                _ => None,
            };
        }
    };
    let text = learned.fit.to_json();
    match fit::Fit::load(text.as_bytes()) {
        Ok(again) if again.to_json() == text => {}
        Ok(_) => return Some(failed("fit file", "loaded and written again it differs")),
        Err(e) => return Some(failed("fit file", render_plain(&e, source))),
    }
    fit::summary::text(&learned.fit, &learned.data);
    for found in [
        fit::score(&learned.fit, files(spec)).err(),
        fit::predict(&learned.fit, files(spec), &[]).err(),
    ]
    .into_iter()
    .flatten()
    {
        if let v @ Verdict::Failed(_) =
            refused(&found, source, &["E05", "E06", "E0710", "E0713", "E0715"])
        {
            return Some(v);
        }
    }
    None
}
