//! Model text, CSV text and a start as JSON to a fit; and the comparisons every case makes.

use ndarray::ArrayD;
use serde_json::Value;

use pmc::check;
use pmc::compile;
use pmc::data::{self, DataFile, Files};
use pmc::derive::Derivation;
use pmc::diag::Diagnostic;
use pmc::engine::Engine;
use pmc::engine::run::{Options, Outcome, run};
use pmc::source::SourceFile;

/// Numbers of nested lists, row-major.
pub fn numbers(v: &Value) -> Vec<f64> {
    match v {
        Value::Array(a) => a.iter().flat_map(numbers).collect(),
        other => vec![other.as_f64().expect("a number")],
    }
}

/// A fitted model, its values by name.
#[derive(Debug)]
pub struct Fitted {
    pub outcome: Outcome,
    pub method: &'static str,
    pub objective: &'static str,
    values: Vec<(String, String, ArrayD<f64>)>,
}

impl Fitted {
    /// A parameter of q (or "value") of a variable, row-major, in the units of the data.
    pub fn get(&self, name: &str, parameter: &str) -> Vec<f64> {
        let found = self
            .values
            .iter()
            .find(|(n, p, _)| n == name && p == parameter);
        let names: Vec<_> = self.values.iter().map(|(n, p, _)| (n, p)).collect();
        match found {
            Some((_, _, a)) => a.iter().copied().collect(),
            None => panic!("no {parameter} of {name}; there are {names:?}"),
        }
    }

    /// The values of several params, one after the other.
    pub fn points(&self, names: &[&str]) -> Vec<f64> {
        names.iter().flat_map(|n| self.get(n, "value")).collect()
    }

    /// The last entry of the trace.
    pub fn last(&self) -> f64 {
        *self.outcome.trace.last().expect("a trace")
    }

    /// Codes of the warnings of the last iteration.
    pub fn warnings(&self) -> Vec<String> {
        let codes = self.outcome.warnings.iter();
        codes.map(|w| w.code.as_str().to_string()).collect()
    }
}

/// Compiles and runs exactly `iterations`; the findings of whatever stage refuses, each rendered.
pub fn try_fit(
    model: &str,
    csv: &str,
    init: Option<Value>,
    iterations: usize,
) -> Result<Fitted, (Vec<Diagnostic>, String)> {
    let source = SourceFile::new("model.pmod", model);
    let show = |e: Vec<Diagnostic>| {
        let text = pmc::diag::render_plain(&e, &source);
        (e, text)
    };
    let (m, _) = compile::model(&source, &check::Options::default()).map_err(show)?;
    let file = |name: &str, text: String| DataFile::held(name, text.into_bytes());
    let files = Files {
        main: Some(file("data.csv", csv.to_string())),
        by_table: vec![],
    };
    let bound = data::bind(&m, &files).map_err(show)?;
    let (d, plan) = compile::compile(&m, Some(&bound.dataset)).map_err(show)?;
    let engine = Engine::new(&d, &plan, &bound.dataset, None).map_err(show)?;
    let init = match init {
        Some(v) => Some(
            data::read_init(
                &m,
                &bound.dataset.plates,
                &file("init.json", v.to_string()),
                &|f| std::fs::read(f),
            )
            .map_err(show)?,
        ),
        None => None,
    };
    let options = Options {
        max_iter: iterations,
        tol: 0.0,
        seed: 0,
        restarts: 1,
        accelerate: false,
    };
    let (outcome, _) = run(&engine, init.as_ref(), &options, &mut |_| true).map_err(show)?;
    let values = values(&d, &engine, &outcome);
    Ok(Fitted {
        method: d.method.name(),
        objective: d.objective.name(),
        outcome,
        values,
    })
}

/// As [`try_fit`] of a model that must be accepted and whose objective must never fall.
pub fn fit(model: &str, csv: &str, init: Option<Value>, iterations: usize) -> Fitted {
    let f = try_fit(model, csv, init, iterations).unwrap_or_else(|(_, text)| panic!("{text}"));
    assert_eq!(f.outcome.decreased, None, "the objective fell");
    for w in f.outcome.trace.windows(2) {
        assert!(
            w[1] >= w[0] - 1e-9 * w[0].abs().max(1.0),
            "the objective fell from {} to {}",
            w[0],
            w[1]
        );
    }
    f
}

/// The codes of a refusal, and its text.
pub fn refusal(model: &str, csv: &str, init: Option<Value>, n: usize) -> (Vec<String>, String) {
    match try_fit(model, csv, init, n) {
        Ok(f) => panic!(
            "accepted: {} after {} iterations, trace {:?}",
            f.method, f.outcome.iterations, f.outcome.trace
        ),
        Err((e, text)) => (
            e.iter().map(|d| d.code.as_str().to_string()).collect(),
            text,
        ),
    }
}

fn values(
    d: &Derivation,
    engine: &Engine<'_>,
    outcome: &Outcome,
) -> Vec<(String, String, ArrayD<f64>)> {
    let mut out = vec![];
    for (b, s) in d.blocks.iter().zip(&outcome.state.blocks) {
        for (i, name, a) in &s.parameters {
            let u = b.unknowns[*i];
            let mut a = a.clone();
            if matches!(*name, "mean" | "value")
                && let Some(c) = engine.centre(u)
            {
                a += &c;
            }
            out.push((d.unknowns.get(u).name.clone(), (*name).to_string(), a));
        }
    }
    out
}

/// |mine - want| <= tol * max(|want|, 1)
pub fn same(what: &str, mine: f64, want: f64, tol: f64) {
    assert!(
        (mine - want).abs() <= tol * want.abs().max(1.0),
        "{what}: {mine} instead of {want}, off by {:e}",
        (mine - want).abs()
    );
}

/// Lists agree number by number.
pub fn same_list(what: &str, mine: &[f64], want: &[f64], tol: f64) {
    assert_eq!(mine.len(), want.len(), "{what}: {mine:?} and {want:?}");
    for (i, (m, w)) in mine.iter().zip(want).enumerate() {
        same(
            &format!("{what}, number {i} of {mine:?} and {want:?}"),
            *m,
            *w,
            tol,
        );
    }
}

/// As [`same`], of the one number a case is about.
pub fn close(mine: f64, want: f64, tol: f64) {
    same("the number", mine, want, tol);
}
