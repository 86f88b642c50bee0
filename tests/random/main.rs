//! Random well-typed models with data, run through everything that can be said to be right about them.
//!
//! `cargo test --test random` runs a fixed set. A long run with other seeds:
//!
//! ```text
//! PMC_RANDOM_SEED=7 PMC_RANDOM_COUNT=5000 cargo test --release --test random random_models -- --nocapture
//! ```
//!
//! `PMC_RANDOM_FIRST=2964` begins there: with `PMC_RANDOM_COUNT=1` it runs the model of seed 7002964 alone.
//!
//! A failure is made smaller and written to `target/random-failures/`, model and data in one text. docs/random_models.md
//! says what is drawn and what is checked.

mod arguments;
mod cells;
mod check;
mod grow;
mod observe;
mod print;
mod random;
mod scope;
mod shrink;
mod simulate;
mod tables;
mod tree;

use std::collections::BTreeMap;
use std::path::Path;

use check::{Failure, Verdict, verdict};

/// How many models the fixed run has.
const COUNT: u64 = 500;
/// Tries to make one failure smaller.
const TRIES: usize = 1500;

/// The model of a seed; half of them with data drawn from the model, half with arbitrary ones.
fn model_of(seed: u64) -> tree::Spec {
    let spec = grow::model(seed);
    if seed.is_multiple_of(2) {
        simulate::simulated(&spec, seed)
    } else {
        spec
    }
}

fn from_environment(name: &str, otherwise: u64) -> u64 {
    let text = std::env::var(name).ok();
    text.map_or(otherwise, |t| {
        t.parse()
            .unwrap_or_else(|_| panic!("{name} is no number: {t}"))
    })
}

#[test]
fn random_models() {
    let seed = from_environment("PMC_RANDOM_SEED", 1);
    let count = from_environment("PMC_RANDOM_COUNT", COUNT);
    let first = from_environment("PMC_RANDOM_FIRST", 0);
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/random-failures");
    std::fs::create_dir_all(&folder).expect("a folder for failures");
    let mut accepted: BTreeMap<&str, usize> = BTreeMap::new();
    let mut refused: BTreeMap<String, usize> = BTreeMap::new();
    let mut failures: BTreeMap<String, (usize, u64, Failure)> = BTreeMap::new();
    for i in first..first + count {
        let this = seed.wrapping_mul(1_000_000).wrapping_add(i);
        match verdict(&model_of(this)) {
            Verdict::Accepted(method) => *accepted.entry(method).or_default() += 1,
            Verdict::Refused(why) => *refused.entry(why).or_default() += 1,
            Verdict::Failed(f) => {
                let entry = failures.entry(f.kind.clone()).or_insert((0, this, f));
                entry.0 += 1;
            }
        }
    }
    let runs: usize = accepted.values().sum();
    println!("{count} models from seed {seed}: {runs} accepted {accepted:?}");
    for (why, n) in &refused {
        println!("{n:6} refused: {why}");
    }
    for (kind, (n, seed, _)) in &failures {
        println!("{n:6} FAILED: {kind}, first with seed {seed}");
    }
    let mut texts = vec![];
    for (kind, (_, seed, _)) in &failures {
        let small = shrink::shrink(
            &model_of(*seed),
            TRIES,
            &mut |s| matches!(verdict(s), Verdict::Failed(f) if f.kind == *kind),
        );
        let Verdict::Failed(f) = verdict(&small) else {
            continue;
        };
        let text = format!(
            "// seed {seed}: {kind}\n{}\n{}\n",
            print::whole(&small),
            f.text
        );
        let name: String = kind
            .chars()
            .map(|c| if c.is_alphanumeric() { c } else { '_' })
            .collect();
        std::fs::write(folder.join(format!("{name}.txt")), &text).expect("a file for the failure");
        let whole = print::whole(&model_of(*seed));
        std::fs::write(folder.join(format!("{name}_whole.txt")), whole).expect("a file");
        println!("{text}");
        texts.push(text);
    }
    assert!(
        texts.is_empty(),
        "{} kinds of failure; see above",
        texts.len()
    );
    assert!(
        2 * runs as u64 >= count,
        "only {runs} of {count} models are accepted"
    );
}
