//! A model text, CSV bytes and a start as JSON to a fit. Nothing outside the project is read.

use std::path::PathBuf;

use ndarray::ArrayD;
use serde_json::Value;

use pmc::check;
use pmc::compile;
use pmc::data::{self, DataFile, Files};
use pmc::derive::Derivation;
use pmc::diag::{Diagnostic, render_plain};
use pmc::engine::Engine;
use pmc::engine::run::{Options, Outcome, Restart, run};
use pmc::source::SourceFile;

/// The folder `models/`.
pub fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("models")
}

/// Names of the folders in `models/`, sorted.
pub fn names() -> Vec<String> {
    let mut out: Vec<String> = std::fs::read_dir(folder())
        .expect("the folder models/")
        .map(|e| e.expect("an entry"))
        .filter(|e| e.path().join("model.pmod").is_file())
        .map(|e| e.file_name().into_string().expect("a plain name"))
        .collect();
    out.sort();
    out
}

pub fn model(name: &str) -> String {
    std::fs::read_to_string(folder().join(name).join("model.pmod")).expect("a model")
}

pub fn data(name: &str) -> Vec<u8> {
    std::fs::read(folder().join(name).join("data.csv")).expect("a table")
}

/// A table as header and rows of text.
pub struct Table {
    pub header: Vec<String>,
    pub rows: Vec<Vec<String>>,
}

impl Table {
    pub fn read(bytes: &[u8]) -> Table {
        let mut reader = csv::Reader::from_reader(bytes);
        let header = reader.headers().expect("a header");
        Table {
            header: header.iter().map(String::from).collect(),
            rows: reader
                .records()
                .map(|r| r.expect("a row").iter().map(String::from).collect())
                .collect(),
        }
    }

    pub fn bytes(&self) -> Vec<u8> {
        let mut w = csv::Writer::from_writer(vec![]);
        w.write_record(&self.header).expect("header");
        for r in &self.rows {
            w.write_record(r).expect("row");
        }
        w.into_inner().expect("bytes")
    }

    pub fn column(&self, name: &str) -> Vec<&str> {
        let at = self.header.iter().position(|h| h == name).expect(name);
        self.rows.iter().map(|r| r[at].as_str()).collect()
    }

    /// Rows by these columns; a blank is NaN.
    pub fn numbers(&self, names: &[&str]) -> Vec<Vec<f64>> {
        let columns: Vec<Vec<&str>> = names.iter().map(|n| self.column(n)).collect();
        (0..self.rows.len())
            .map(|n| {
                let cell = |c: &Vec<&str>| c[n].parse().unwrap_or(f64::NAN);
                columns.iter().map(cell).collect()
            })
            .collect()
    }
}

/// The sorted distinct cells that are not blank.
pub fn labels(cells: &[&str]) -> Vec<String> {
    let mut v: Vec<String> = cells
        .iter()
        .filter(|c| !c.is_empty())
        .map(|c| (*c).to_string())
        .collect();
    // As the plate has them: by number if all are numbers, else by code point.
    let number = |s: &String| s.parse::<f64>().ok();
    if v.iter().all(|s| number(s).is_some()) {
        v.sort_by(|a, b| f64::total_cmp(&number(a).unwrap_or(0.0), &number(b).unwrap_or(0.0)));
    } else {
        v.sort();
    }
    v.dedup();
    v
}

/// Positions in the plate of these labels; `None` for a blank.
pub fn elements(cells: &[&str], labels: &[String]) -> Vec<Option<usize>> {
    cells
        .iter()
        .map(|c| labels.iter().position(|l| l == c))
        .collect()
}

/// A fitted model, its values by name, in the units of the data.
pub struct Fitted {
    pub outcome: Outcome,
    pub restarts: Vec<Restart>,
    pub method: &'static str,
    pub objective: &'static str,
    /// Names of the unknowns of each block, and its form.
    pub blocks: Vec<(Vec<String>, &'static str)>,
    pub values: Vec<(String, String, ArrayD<f64>)>,
}

impl Fitted {
    pub fn get(&self, name: &str, parameter: &str) -> &ArrayD<f64> {
        let found = self
            .values
            .iter()
            .find(|(n, p, _)| n == name && p == parameter);
        &found
            .unwrap_or_else(|| panic!("no {parameter} of {name}"))
            .2
    }

    pub fn last(&self) -> f64 {
        *self.outcome.trace.last().expect("a trace")
    }

    /// Every number that a user could see is one.
    pub fn assert_finite(&self, what: &str) {
        assert!(
            self.outcome.trace.iter().all(|l| l.is_finite()),
            "{what}: objective"
        );
        for (n, p, a) in &self.values {
            assert!(a.iter().all(|x| x.is_finite()), "{what}: {p} of {n}: {a}");
        }
    }
}

/// Options that run exactly so many iterations.
pub fn exactly(iterations: usize) -> Options {
    Options {
        max_iter: iterations,
        tol: 0.0,
        seed: 0,
        restarts: 1,
        accelerate: false,
    }
}

/// Compiles, binds, and hands the engine to `f`, with a reader of starts.
pub fn with_engine<T>(
    model: &str,
    options: &check::Options,
    bytes: Vec<u8>,
    f: impl FnOnce(&Engine<'_>, &dyn Fn(&Value) -> data::Init) -> T,
) -> T {
    let source = SourceFile::new("model.pmod", model);
    let die = |e: Vec<Diagnostic>| -> ! { panic!("{}", render_plain(&e, &source)) };
    let (m, _) = compile::model(&source, options).unwrap_or_else(|e| die(e));
    let files = Files {
        main: Some(DataFile::held("data.csv", bytes)),
        by_table: vec![],
    };
    let bound = data::bind(&m, &files).unwrap_or_else(|e| die(e));
    let (d, plan) = compile::compile(&m, Some(&bound.dataset)).unwrap_or_else(|e| die(e));
    let engine = Engine::new(&d, &plan, &bound.dataset, None).unwrap_or_else(|e| die(e));
    f(&engine, &|v: &Value| {
        let file = DataFile::held("init.json", v.to_string().into_bytes());
        data::read_init(&m, &bound.dataset.plates, &file, &|f| std::fs::read(f))
            .unwrap_or_else(|e| die(e))
    })
}

/// One run of a bound engine.
pub fn run_engine(
    engine: &Engine<'_>,
    init: Option<&data::Init>,
    options: &Options,
) -> Result<Fitted, Vec<Diagnostic>> {
    let (outcome, restarts) = run(engine, init, options, &mut |_| true)?;
    assert_eq!(outcome.decreased, None, "the objective fell");
    let d = engine.derivation;
    let blocks = d
        .blocks
        .iter()
        .map(|b| {
            let name = |u: &_| d.unknowns.get(*u).name.clone();
            (b.unknowns.iter().map(name).collect(), b.form.name())
        })
        .collect();
    Ok(Fitted {
        method: d.method.name(),
        objective: d.objective.name(),
        blocks,
        values: values(d, engine, &outcome),
        outcome,
        restarts,
    })
}

pub fn try_fit(
    model: &str,
    options: &check::Options,
    bytes: Vec<u8>,
    init: Option<Value>,
    run_options: &Options,
) -> Result<Fitted, Vec<Diagnostic>> {
    with_engine(model, options, bytes, |engine, read| {
        run_engine(engine, init.as_ref().map(read).as_ref(), run_options)
    })
}

/// As the model stands; a failure ends the test with its diagnostics.
pub fn fit(model: &str, bytes: Vec<u8>, init: Option<Value>, run_options: &Options) -> Fitted {
    try_fit(model, &check::Options::default(), bytes, init, run_options).unwrap_or_else(|e| {
        panic!(
            "{}",
            render_plain(&e, &SourceFile::new("model.pmod", model))
        )
    })
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

/// Agreement to `tol`, relative for numbers above 1.
pub fn near(what: &str, mine: f64, want: f64, tol: f64) {
    assert!(
        (mine - want).abs() <= tol * want.abs().max(1.0),
        "{what}: {mine} instead of {want}, off by {:e}",
        mine - want
    );
}

/// The objective after each iteration.
pub fn same_trace(what: &str, mine: &[f64], want: &[f64], tol: f64) {
    assert_eq!(mine.len(), want.len(), "{what}: iterations");
    for (i, (m, w)) in mine.iter().zip(want).enumerate() {
        near(&format!("{what}, iteration {i}"), *m, *w, tol);
    }
}
