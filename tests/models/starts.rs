//! The default start over many seeds: no run ends with two elements of a plate alike.

use ndarray::{ArrayD, Axis};

use pmc::check::Options as Roles;
use pmc::engine::run::Options;

use crate::fixture::{Fitted, Table, data, model, run_engine, with_engine};

const SEEDS: u64 = 50;

/// The smallest over pairs of the largest difference between two elements along `axis`.
fn closest(a: &ArrayD<f64>, axis: usize) -> f64 {
    let n = a.len_of(Axis(axis));
    let mut best = f64::INFINITY;
    for i in 0..n {
        for j in 0..i {
            let (x, y) = (a.index_axis(Axis(axis), i), a.index_axis(Axis(axis), j));
            let d = x
                .iter()
                .zip(y)
                .map(|(x, y)| (x - y).abs())
                .fold(0.0, f64::max);
            best = best.min(d);
        }
    }
    best
}

/// Fits from each seed; what ends with an error is said by its code.
fn seeds(
    text: &str,
    bytes: Vec<u8>,
    max_iter: usize,
    tol: f64,
) -> Vec<(u64, Result<Fitted, String>)> {
    with_engine(text, &Roles::default(), bytes, |engine, _| {
        (0..SEEDS)
            .map(|seed| {
                let options = Options {
                    max_iter,
                    tol,
                    seed,
                    restarts: 1,
                    accelerate: false,
                };
                let f =
                    run_engine(engine, None, &options).map_err(|e| e[0].code.as_str().to_string());
                (seed, f)
            })
            .collect()
    })
}

fn show(name: &str, runs: &[(u64, Result<Fitted, String>)]) {
    for (seed, f) in runs {
        match f {
            Ok(f) => println!(
                "{name} seed {seed}: {:.4} after {}",
                f.last(),
                f.outcome.iterations
            ),
            Err(e) => println!("{name} seed {seed}: {e}"),
        }
    }
}

fn distinct(
    name: &str,
    variable: &str,
    parameter: &str,
    axis: usize,
    runs: &[(u64, Result<Fitted, String>)],
) {
    show(name, runs);
    for (seed, f) in runs {
        match f {
            Ok(f) => {
                let d = closest(f.get(variable, parameter), axis);
                assert!(
                    d > 1e-6,
                    "{name}, seed {seed}: two elements of {variable} are alike"
                );
            }
            Err(e) => assert_eq!(e, "E0715", "{name}, seed {seed}"),
        }
    }
}

#[test]
fn gmm() {
    let runs = seeds(&model("gmm"), data("gmm"), 200, 1e-8);
    distinct("gmm", "mu", "value", 0, &runs);
}

/// The best known maximum inside the parameter space; collapsed clusters would have more, without bound.
#[test]
fn gmm_restarts_find_the_best_known_optimum() {
    with_engine(
        &model("gmm"),
        &Roles::default(),
        data("gmm"),
        |engine, _| {
            let options = Options {
                max_iter: 300,
                tol: 1e-9,
                seed: 0,
                restarts: 20,
                accelerate: false,
            };
            let f = run_engine(engine, None, &options).unwrap_or_else(|e| panic!("{e:?}"));
            for r in &f.restarts {
                println!(
                    "seed {}: {:?} {} {}",
                    r.seed,
                    r.objective,
                    r.iterations,
                    r.stop.name()
                );
            }
            assert!((f.last() + 180.1855).abs() < 1e-3, "{}", f.last());
        },
    );
}

#[test]
fn latent_class() {
    let runs = seeds(&model("latent_class"), data("latent_class"), 100, 1e-8);
    distinct("latent_class", "p", "value", 0, &runs);
}

/// Where some classes are known the start is theirs: no seed loses what twenty known rows say.
#[test]
fn naive_bayes() {
    let runs = seeds(&model("naive_bayes"), data("naive_bayes"), 100, 1e-8);
    distinct("naive_bayes", "mu", "value", 0, &runs);
    for (seed, f) in &runs {
        let l = f.as_ref().map(Fitted::last).unwrap_or(f64::NAN);
        assert!((l + 1260.8506).abs() < 1e-2, "seed {seed}: {l}");
    }
}

#[test]
fn dawid_skene() {
    let runs = seeds(&model("dawid_skene"), data("dawid_skene"), 60, 1e-8);
    distinct("dawid_skene", "confusion", "value", 1, &runs);
}

#[test]
fn lda() {
    let mut t = Table::read(&data("plsa"));
    t.rows.truncate(200);
    let text = model("lda").replace("const K     = 10", "const K     = 3");
    let runs = seeds(&text, t.bytes(), 60, 1e-8);
    distinct("lda", "theta", "concentration", 0, &runs);
}

/// Old Faithful is not part of the project; where it lies beside it, two clusters are found.
#[test]
fn faithful_restarts() {
    let root = std::env::var_os("PMC_SHARED").map_or_else(
        || std::path::PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared"),
        std::path::PathBuf::from,
    );
    let Ok(bytes) = std::fs::read(root.join("data/faithful.csv")) else {
        println!("no data beside the project: nothing compared");
        return;
    };
    let text = model("gmm").replace("K = 3", "K = 2").replace(
        "(sepal_length, sepal_width, petal_length, petal_width)",
        "(eruptions, waiting)",
    );
    with_engine(&text, &Roles::default(), bytes, |engine, _| {
        let options = Options {
            max_iter: 200,
            tol: 1e-10,
            seed: 0,
            restarts: 10,
            accelerate: false,
        };
        let f = run_engine(engine, None, &options).unwrap_or_else(|e| panic!("{e:?}"));
        for r in &f.restarts {
            println!(
                "faithful seed {}: {:?} {}",
                r.seed,
                r.objective,
                r.stop.name()
            );
        }
        assert!((f.last() + 1130.26396).abs() < 1e-4, "{}", f.last());
    });
}
