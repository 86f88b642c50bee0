//! The command: its table, its JSON, its exit codes.

use std::process::{Command, Output};

use crate::fixture::folder;

fn run(args: &[&str]) -> Output {
    let mut pmc = Command::new(env!("CARGO_BIN_EXE_pmc"));
    pmc.current_dir(folder()).arg("verify").args(args);
    pmc.output().expect("pmc runs")
}

fn text(out: &Output) -> String {
    String::from_utf8(out.stdout.clone()).expect("text")
}

#[test]
fn a_table_without_data_and_with() {
    let drawn = run(&["beta_bernoulli/model.pmod", "--rows", "9"]);
    assert_eq!(drawn.status.code(), Some(0));
    let said = text(&drawn);
    assert!(
        said.starts_with("beta_bernoulli: exact posterior\n"),
        "{said}"
    );
    assert!(said.contains("data drawn from the model, seed 0"), "{said}");
    assert!(said.contains("9 rows"), "{said}");
    assert!(said.contains(" 0 failed"), "{said}");
    assert_eq!(
        text(&run(&["beta_bernoulli/model.pmod", "--rows", "9"])),
        said
    );
    let given = run(&["beta_bernoulli/model.pmod", "beta_bernoulli/data.csv"]);
    assert_eq!(given.status.code(), Some(0));
    assert!(text(&given).contains("40 rows"), "{}", text(&given));
}

#[test]
fn json_is_one_object() {
    let out = run(&["beta_bernoulli/model.pmod", "--json", "--seed", "4"]);
    let v: serde_json::Value = serde_json::from_slice(&out.stdout).expect("JSON");
    assert_eq!(v["model"], "beta_bernoulli");
    let checks = v["checks"].as_array().expect("checks");
    let of = |kind: &str| checks.iter().find(|c| c["kind"] == kind);
    assert_eq!(of("expectation").expect("made")["outcome"], "ok");
    assert!(of("evidence").expect("listed")["outcome"]["skipped"].is_string());
}

#[test]
fn what_is_not_derived_is_refused() {
    let file = tempfile::NamedTempFile::new().expect("a file");
    let model = "data row { x : real }\nlatent m ~ Gaussian(0, var = 1)\nobserve x[row] ~ Gaussian(m ^ 2, var = 1)\n";
    std::fs::write(file.path(), model).expect("written");
    let out = run(&[file.path().to_str().expect("a path")]);
    assert_eq!(out.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&out.stderr).contains("E0501"));
    assert_eq!(run(&["nothing.pmod"]).status.code(), Some(2));
}
