//! A model text and a few rows to a report.

use std::path::PathBuf;

use pmc::check;
use pmc::compile;
use pmc::data::{self, DataFile, Dataset, Files};
use pmc::model::Model;
use pmc::source::SourceFile;

/// The folder `models/`.
pub fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("models")
}

/// A checked model; some constants with other values.
pub fn model(text: &str, set: &[(&str, f64)]) -> Model {
    let options = check::Options {
        set: set.iter().map(|(n, v)| (n.to_string(), *v)).collect(),
        ..check::Options::default()
    };
    match compile::model(&SourceFile::new("model.pmod", text), &options) {
        Ok((m, _)) => m,
        Err(e) => panic!("{e:#?}"),
    }
}

/// Data for it.
pub fn bound(model: &Model, csv: &str) -> Dataset {
    let files = Files {
        main: Some(DataFile::held("data.csv", csv)),
        by_table: vec![],
    };
    match data::bind(model, &files) {
        Ok(b) => b.dataset,
        Err(e) => panic!("{e:#?}"),
    }
}

/// The header and `n` rows, spread evenly.
pub fn some_rows(csv: &str, n: usize) -> String {
    let mut lines = csv.lines();
    let header = lines.next().unwrap_or_default();
    let rows: Vec<&str> = lines.collect();
    let step = (rows.len() / n).max(1);
    let mut out = vec![header];
    out.extend(rows.into_iter().step_by(step).take(n));
    out.join("\n") + "\n"
}

/// The header and the first `n` rows.
pub fn first_rows(csv: &str, n: usize) -> String {
    let lines: Vec<&str> = csv.lines().take(n + 1).collect();
    lines.join("\n") + "\n"
}
