//! Every model of `models/`, on a few rows of its data.

use pmc::verify::{Kind, Options, Outcome, Report};

use crate::fixture::{folder, report, some_rows};

fn of_folder(name: &str, rows: usize, set: &[(&str, f64)]) -> Report {
    let read = |f: &str| std::fs::read_to_string(folder().join(name).join(f)).expect("a file");
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
    let mut failed = vec![];
    for name in names {
        let clock = std::time::Instant::now();
        let r = of_folder(&name, 8, &[]);
        println!("{}\n{:?}\n", r.text(), clock.elapsed());
        if !r.passed() {
            failed.push(r.text());
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}
