//! Every model of `models/`: on a few rows of its data, or on data drawn from it.

use pmc::data::Dataset;
use pmc::model::Model;
use pmc::verify::{Kind, Options, Outcome, Report, simulated, verify};

use crate::fixture::{bound, first_rows, folder, model, some_rows};

/// Rows enough that no spread collapses, and sizes small enough to write everything down.
struct Size {
    rows: usize,
    labels: usize,
    set: &'static [(&'static str, f64)],
    /// Rows from the start instead of spread evenly.
    in_order: bool,
}

fn size(name: &str) -> Size {
    let usual = Size {
        rows: 12,
        labels: 3,
        set: &[],
        in_order: false,
    };
    match name {
        "lda" | "plsa" => Size {
            rows: 16,
            set: &[("K", 2.0)],
            ..usual
        },
        "gmm" | "gmm_tied" | "naive_bayes" => Size { rows: 60, ..usual },
        "gmm_diag" => Size { rows: 24, ..usual },
        "bayesian_gmm" => Size {
            rows: 15,
            set: &[("K", 3.0)],
            ..usual
        },
        "sparse_coding" | "binary_sparse_coding" | "poisson_factorisation" => Size {
            set: &[("K", 3.0)],
            ..usual
        },
        "dirichlet_concentration" => Size {
            set: &[("K", 2.0)],
            rows: 16,
            ..usual
        },
        "bayesian_pca" => Size {
            set: &[("K", 2.0)],
            rows: 12,
            ..usual
        },
        "mixture_of_factor_analysers" => Size { rows: 30, ..usual },
        "factorial_hmm" => Size { rows: 4, ..usual },
        "stochastic_block_model" => Size {
            rows: 5,
            in_order: true,
            ..usual
        },
        "hmm_categorical" | "hmm_gaussian" | "bayesian_hmm" => Size {
            rows: 6,
            labels: 2,
            in_order: true,
            ..usual
        },
        _ => Size {
            in_order: true,
            ..usual
        },
    }
}

fn small(name: &str) -> (Model, Dataset) {
    let read = |f: &str| std::fs::read_to_string(folder().join(name).join(f));
    let size = size(name);
    let model = model(&read("model.pmod").expect("a model"), size.set);
    let data = match read("data.csv") {
        Ok(csv) => {
            let rows = if size.in_order { first_rows } else { some_rows };
            bound(&model, &rows(&csv, size.rows))
        }
        Err(_) => match simulated(&model, size.rows, size.labels, 1) {
            Ok(d) => d,
            Err(why) => panic!("{name}: {why}"),
        },
    };
    (model, data)
}

#[test]
fn every_model_passes() {
    let mut names: Vec<String> = std::fs::read_dir(folder())
        .expect("models/")
        .map(|e| {
            e.expect("an entry")
                .file_name()
                .into_string()
                .expect("a name")
        })
        .filter(|n| folder().join(n).join("model.pmod").is_file())
        .collect();
    names.sort();
    let mut wrong = vec![];
    for name in names {
        println!("{name}");
        let clock = std::time::Instant::now();
        let (model, data) = small(&name);
        let r: Report = match verify(&model, &data, &Options::default()) {
            Ok(r) => r,
            Err(e) => panic!("{name}: {e:#?}"),
        };
        println!("{}{:?}\n", r.text(), clock.elapsed());
        if !r.passed() {
            wrong.push(r.text());
        }
        // What every model must have been asked, with an answer.
        for kind in [
            Kind::Expectation,
            Kind::Entropy,
            Kind::Update,
            Kind::Monotone,
        ] {
            let made = |c: &pmc::verify::Check| c.kind == kind && c.outcome == Outcome::Ok;
            if !r.checks.iter().any(made) {
                wrong.push(format!(
                    "{name} has no check of {}:\n{}",
                    kind.name(),
                    r.text()
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_same_seed_gives_the_same_report() {
    let (model, data) = small("gmm_diag");
    let run = |seed: u64| verify(&model, &data, &Options::quick(seed)).expect("a report");
    assert_eq!(run(3), run(3));
    let drawn = |seed: u64| simulated(&model, 10, 3, seed).expect("data");
    assert_eq!(drawn(5).columns, drawn(5).columns);
    assert_ne!(drawn(5).columns, drawn(6).columns);
}
