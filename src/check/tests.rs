//! The checker over whole models: the zoo, the diagnostics cases, resolved indices.

use std::path::{Path, PathBuf};

use super::{Options, check};
use crate::diag::{Diagnostic, Severity};
use crate::model::{Model, Role, print_model};
use crate::source::SourceFile;
use crate::syntax;

fn run(name: &str, text: &str, options: &Options) -> (Option<Model>, Vec<Diagnostic>) {
    let source = SourceFile::new(name, text);
    match syntax::parse(&source) {
        Ok(file) => check(&file, &source, options),
        Err(found) => (None, found),
    }
}

fn model(text: &str) -> Model {
    with(text, &Options::default())
}

fn with(text: &str, options: &Options) -> Model {
    let (model, found) = run("test.pmod", text, options);
    model.unwrap_or_else(|| panic!("{found:#?}"))
}

/// The factors as printed, one a line.
fn factors(text: &str) -> Vec<String> {
    let printed = print_model(&model(text));
    let section = printed.split("factors\n").nth(1).unwrap_or_default();
    let lines = section.lines().take_while(|l| l.starts_with("  "));
    lines.map(|l| l.trim().to_string()).collect()
}

fn pmod_files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut files: Vec<PathBuf> = entries.map(|e| e.path()).collect();
    files.retain(|p| p.extension().is_some_and(|e| e == "pmod"));
    files.sort();
    files
}

#[test]
fn all_models_of_the_zoo_check() {
    let shared = std::env::var_os("PMC_SHARED").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared"),
        PathBuf::from,
    );
    let files = pmod_files(&shared.join("zoo"));
    if files.is_empty() {
        println!("no zoo beside the repository: not tested");
        return;
    }
    let mut wrong = Vec::new();
    for path in &files {
        let text = std::fs::read_to_string(path).unwrap();
        let (model, found) = run(&path.to_string_lossy(), &text, &Options::default());
        if model.is_none() || !found.is_empty() {
            wrong.push(format!("{}: {found:#?}", path.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
