//! Every model of `models/`, on a few rows of its data.

use pmc::verify::{Kind, Options, Outcome, Report};

use crate::fixture::{folder, report, some_rows};

/// Rows enough that no spread collapses, and constants that keep it small.
fn sizes(name: &str) -> (usize, &'static [(&'static str, f64)]) {
    match name {
        "lda" | "plsa" => (16, &[("K", 2.0)]),
        "gmm" | "gmm_tied" | "gmm_diag" | "naive_bayes" => (60, &[]),
        "bayesian_gmm" => (15, &[("K", 3.0)]),
        _ => (12, &[]),
    }
}

fn of_folder(name: &str) -> Report {
    let read = |f: &str| std::fs::read_to_string(folder().join(name).join(f)).expect("a file");
    let (rows, set) = sizes(name);
    let csv = some_rows(&read("data.csv"), rows);
    report(&read("model.pmod"), set, &csv, &Options::default())
}

#[test]
fn every_model_passes() {
    let mut names: Vec<String> = std::fs::read_dir(folder())
        .expect("models/")
        .map(|e| e.expect("an entry").file_name().into_string().expect("a name"))
        .collect();
    names.sort();
    let mut wrong = vec![];
    for name in names {
        let clock = std::time::Instant::now();
        let r = of_folder(&name);
        println!("{}{:?}\n", r.text(), clock.elapsed());
        if !r.passed() {
            wrong.push(r.text());
        }
        // What every model must have been asked, with an answer.
        for kind in [Kind::Expectation, Kind::Entropy, Kind::Update, Kind::Monotone] {
            let made = |c: &&pmc::verify::Check| c.kind == kind && c.outcome == Outcome::Ok;
            if r.checks.iter().find(made).is_none() {
                wrong.push(format!("{name} has no check of {}:\n{}", kind.name(), r.text()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
