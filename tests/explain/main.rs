//! Whole pages of `pmc explain`, as they are read: `INSTA_UPDATE=always cargo test --test explain` writes them again.
//!
//! Every equation of a page was checked by hand against the model when it was accepted; a change here is a change of a
//! derivation or of its notation, and is to be read as such.

mod functions;
mod independence;

use pmc::check;
use pmc::compile;
use pmc::derive::{self, Blanks};
use pmc::diag::render_plain;
use pmc::explain;
use pmc::plan;
use pmc::source::SourceFile;

/// The page of a shipped model whose columns `blank` hold blank cells.
fn page(name: &str, blank: &[&str]) -> String {
    let path = format!("models/{name}/model.pmod");
    let text = std::fs::read_to_string(format!("{}/{path}", env!("CARGO_MANIFEST_DIR")));
    explain::text(&explained(
        &SourceFile::new(&path, text.expect("a model")),
        blank,
    ))
}

/// The explanation of a model.
fn explained(source: &SourceFile, blank: &[&str]) -> explain::Explanation {
    let die = |e: Vec<pmc::diag::Diagnostic>| -> ! { panic!("{}", render_plain(&e, source)) };
    let (model, _) = compile::model(source, &check::Options::default()).unwrap_or_else(|e| die(e));
    let blanks = Blanks {
        column: &|c| blank.contains(&model.column(c).name.as_str()),
        definition: &|_| false,
        width: &|_| derive::Width::Unseen,
    };
    let d = derive::derive(&model, &blanks).unwrap_or_else(|e| die(e));
    let plan = plan::plan(&d).unwrap_or_else(|e| die(e));
    explain::explain(source, &d, &plan)
}

#[test]
fn ppca() {
    insta::assert_snapshot!("ppca", page("ppca", &[]));
}

#[test]
fn lda() {
    insta::assert_snapshot!("lda", page("lda", &[]));
}

/// With everything but the grass unknown.
#[test]
fn sprinkler() {
    let blank = ["cloudy", "sprinkler", "rain"];
    insta::assert_snapshot!("sprinkler", page("sprinkler", &blank));
}

#[test]
fn hmm() {
    insta::assert_snapshot!("hmm_gaussian", page("hmm_gaussian", &[]));
}

#[test]
fn lasso() {
    insta::assert_snapshot!("lasso", page("lasso", &[]));
}

#[test]
fn logistic_regression() {
    insta::assert_snapshot!("logistic_regression", page("logistic_regression", &[]));
}

#[test]
fn student_t_regression() {
    insta::assert_snapshot!("student_t_regression", page("student_t_regression", &[]));
}

#[test]
fn sparse_coding() {
    insta::assert_snapshot!("sparse_coding", page("sparse_coding", &[]));
}
