//! Files that the tests walk, and the pipeline as one call.

use std::path::{Path, PathBuf};

use pmc::data::{DataFile, Files};
use pmc::diag::Diagnostic;
use pmc::engine::{Engine, run};
use pmc::model::Model;
use pmc::source::SourceFile;
use pmc::{check, compile, data};

/// The `.pmod` files of a folder, sorted.
pub fn pmod_files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut files: Vec<PathBuf> = entries.map(|e| e.path()).collect();
    files.retain(|p| p.extension().is_some_and(|e| e == "pmod"));
    files.sort();
    files
}

/// The folder of the crate.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Example models beside the repository; empty where there are none.
pub fn zoo() -> Vec<SourceFile> {
    let shared =
        std::env::var_os("PMC_SHARED").map_or_else(|| root().join("../shared"), PathBuf::from);
    pmod_files(&shared.join("zoo"))
        .iter()
        .map(|p| read(p))
        .collect()
}

/// A model file under its bare name.
pub fn read(path: &Path) -> SourceFile {
    let name = path.file_name().unwrap().to_string_lossy();
    SourceFile::new(name, std::fs::read_to_string(path).unwrap())
}

/// Text to a checked model with its findings.
pub fn model(source: &SourceFile) -> (Option<Model>, Vec<Diagnostic>) {
    match compile::model(source, &check::Options::default()) {
        Ok((model, found)) => (Some(model), found),
        Err(found) => (None, found),
    }
}

/// What a model finds about itself from its derivation on, run on `csv` where that is given.
pub fn findings(model: &Model, csv: Option<&str>) -> Vec<Diagnostic> {
    try_run(model, csv).unwrap_or_else(|found| found)
}

fn try_run(model: &Model, csv: Option<&str>) -> Result<Vec<Diagnostic>, Vec<Diagnostic>> {
    let Some(csv) = csv else {
        return compile::compile(model, None).map(|(d, _)| d.warnings);
    };
    let main = DataFile::held("data.csv", csv.as_bytes().to_vec());
    let bound = data::bind(
        model,
        &Files {
            main: Some(main),
            by_table: vec![],
        },
    )?;
    let (derivation, plan) = compile::compile(model, Some(&bound.dataset))?;
    let engine = Engine::new(&derivation, &plan, &bound.dataset, None)?;
    let options = run::Options {
        max_iter: 20,
        ..run::Options::default()
    };
    let (outcome, _) = run::run(&engine, None, &options, &mut |_| true)?;
    let mut found = bound.warnings;
    found.extend(derivation.warnings);
    found.extend(outcome.warnings);
    Ok(found)
}
