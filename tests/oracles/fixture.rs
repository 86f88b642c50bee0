//! One comparison: model text, data, start as JSON, objective after each iteration, final values.

use std::path::PathBuf;

use ndarray::ArrayD;
use serde_json::Value;

use pmc::check;
use pmc::compile;
use pmc::data::{self, DataFile, Files};
use pmc::derive::Derivation;
use pmc::engine::Engine;
use pmc::engine::run::{Options, Outcome, run};
use pmc::source::SourceFile;

/// The folder of reference results and data; `None`, said in one line, where it is not there.
pub fn shared() -> Option<PathBuf> {
    let root = std::env::var_os("PMC_SHARED").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared"),
        PathBuf::from,
    );
    if root.join("oracles").is_dir() {
        Some(root)
    } else {
        println!("no reference results beside the project: nothing compared");
        None
    }
}

pub fn oracle(name: &str) -> Option<Value> {
    let path = shared()?.join("oracles").join(format!("{name}.json"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    Some(serde_json::from_str(&text).expect("reference files are JSON"))
}

/// A data table as header and rows of text.
pub fn table(name: &str) -> (Vec<String>, Vec<Vec<String>>) {
    let path = shared().expect("checked").join("data").join(name);
    let mut reader = csv::Reader::from_path(path).expect("a table");
    let header = reader
        .headers()
        .expect("a header")
        .iter()
        .map(String::from)
        .collect();
    let rows = reader
        .records()
        .map(|r| r.expect("a row").iter().map(String::from).collect())
        .collect();
    (header, rows)
}

pub fn csv_bytes(header: &[String], rows: &[Vec<String>]) -> Vec<u8> {
    let mut w = csv::Writer::from_writer(vec![]);
    w.write_record(header).expect("header");
    for r in rows {
        w.write_record(r).expect("row");
    }
    w.into_inner().expect("bytes")
}

pub fn data_bytes(name: &str) -> Vec<u8> {
    std::fs::read(shared().expect("checked").join("data").join(name)).expect("a table")
}

pub fn numbers(v: &Value) -> Vec<f64> {
    match v {
        Value::Array(a) => a.iter().flat_map(numbers).collect(),
        other => vec![other.as_f64().expect("a number")],
    }
}

/// A fitted model, its values by name.
pub struct Fitted {
    pub outcome: Outcome,
    pub method: &'static str,
    pub objective: &'static str,
    values: Vec<(String, String, ArrayD<f64>)>,
}

impl Fitted {
    /// A parameter of q (or "value") of a variable, in the original units.
    pub fn get(&self, name: &str, parameter: &str) -> &ArrayD<f64> {
        &self
            .values
            .iter()
            .find(|(n, p, _)| n == name && p == parameter)
            .unwrap_or_else(|| {
                panic!(
                    "no {parameter} of {name}; there are {:?}",
                    self.values
                        .iter()
                        .map(|(n, p, _)| (n, p))
                        .collect::<Vec<_>>()
                )
            })
            .2
    }
}

fn show(findings: &[pmc::diag::Diagnostic], source: &SourceFile) -> String {
    pmc::diag::render_plain(findings, source)
}

/// Compiles and runs without tolerance for exactly `iterations`.
pub fn fit(
    model: &str,
    options: &check::Options,
    bytes: Vec<u8>,
    init: Option<Value>,
    iterations: usize,
) -> Fitted {
    fit_with(
        model,
        options,
        bytes,
        init,
        &Options {
            max_iter: iterations,
            tol: 0.0,
            seed: 0,
            restarts: 1,
            accelerate: false,
        },
    )
}

pub fn fit_with(
    model: &str,
    options: &check::Options,
    bytes: Vec<u8>,
    init: Option<Value>,
    run_options: &Options,
) -> Fitted {
    let source = SourceFile::new("model.pmod", model);
    let (m, _) =
        compile::model(&source, options).unwrap_or_else(|e| panic!("{}", show(&e, &source)));
    let files = Files {
        main: Some(DataFile::held("data.csv", bytes)),
        by_table: vec![],
    };
    let bound = data::bind(&m, &files).unwrap_or_else(|e| panic!("{}", show(&e, &source)));
    let (d, plan) = compile::compile(&m, Some(&bound.dataset))
        .unwrap_or_else(|e| panic!("{}", show(&e, &source)));
    let engine = Engine::new(&d, &plan, &bound.dataset, None)
        .unwrap_or_else(|e| panic!("{}", show(&e, &source)));
    let init = init.map(|v| {
        let file = DataFile::held("init.json", v.to_string().into_bytes());
        data::read_init(&m, &bound.dataset.plates, &file, &|f| std::fs::read(f))
            .unwrap_or_else(|e| panic!("{}", show(&e, &source)))
    });
    let (outcome, _) = run(&engine, init.as_ref(), run_options, &mut |_| true)
        .unwrap_or_else(|e| panic!("{}", show(&e, &source)));
    assert_eq!(outcome.decreased, None, "the objective fell");
    let values = values(&d, &engine, &outcome);
    Fitted {
        method: d.method.name(),
        objective: d.objective.name(),
        outcome,
        values,
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

/// The objective after each iteration agrees relatively to `tol`.
pub fn same_trajectory(name: &str, mine: &[f64], want: &[f64], tol: f64) {
    assert!(
        mine.len() >= want.len(),
        "{name}: {} of {} iterations",
        mine.len(),
        want.len()
    );
    for (i, (m, w)) in mine.iter().zip(want).enumerate() {
        assert!(
            (m - w).abs() <= tol * w.abs().max(1.0),
            "{name}: iteration {i}: {m} instead of {w}"
        );
    }
}

/// Arrays agree element by element: |a - b| <= abs + rel |b|.
pub fn same_values(name: &str, mine: &ArrayD<f64>, want: &Value, abs: f64, rel: f64) {
    let want = numbers(want);
    assert_eq!(mine.len(), want.len(), "{name}: number of values");
    for (i, (m, w)) in mine.iter().zip(&want).enumerate() {
        assert!(
            (m - w).abs() <= abs + rel * w.abs(),
            "{name}: value {i}: {m} instead of {w}"
        );
    }
}
