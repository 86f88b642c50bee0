//! Wrong input is refused with the right exit code, and never with a panic.

use crate::{MIXTURE, Place, err, out_text};

/// Runs and expects this exit code and text on standard error, and nothing on standard output.
fn refused(p: &Place, arguments: &str, code: i32, text: &str) {
    let out = p.run(arguments);
    let said = err(&out);
    assert_eq!(out.status.code(), Some(code), "{arguments}: {said}");
    assert!(said.contains(text), "{arguments}: {said}");
    assert!(!said.contains("panicked"), "{arguments}: {said}");
    assert_eq!(out_text(&out), "", "{arguments}");
}

#[test]
fn usage_and_files_exit_with_2() {
    let p = Place::mixture();
    for (arguments, text) in [
        ("", "Usage"),
        ("fot m.pmod", "fit"),
        ("fit", "MODEL"),
        ("fit m.pmod d.csv --restarts 0", "1 or more"),
        ("fit m.pmod d.csv --tol -1", "tol"),
        ("fit m.pmod d.csv --tol nan", "0 or more"),
        ("fit m.pmod d.csv --seed x", "seed"),
        ("fit m.pmod d.csv --set K", "NAME=VALUE"),
        ("fit m.pmod d.csv --set K=two", "no number"),
        ("fit m.pmod d.csv --set K=inf", "not finite"),
        ("fit m.pmod d.csv --threads 0", "1 or more"),
        ("fit m.pmod d.csv --data row", "BLOCK=FILE"),
        ("fit m.pmod d.csv --batch 0", "1 or more"),
        ("fit m.pmod d.csv --batch-by row", "--batch <N>"),
        ("fit m.pmod d.csv --batch 10 --hold-out 1.0", "below 1"),
        ("fit m.pmod d.csv --batch 10 --hold-out=-0.1", "below 1"),
        ("fit m.pmod d.csv --batch 10 --forgetting 0.5", "above 0.5"),
        ("fit m.pmod d.csv --batch 10 --forgetting 1.5", "at most 1"),
        ("fit m.pmod d.csv --batch 10 --delay nan", "0 or more"),
        ("fit m.pmod d.csv --batch 10 --accelerate", "cannot be used"),
        ("fit m.pmod d.csv -q -v", "cannot be used"),
        ("fit none.pmod d.csv", "cannot read `none.pmod`"),
        ("fit m.pmod none.csv", "cannot read `none.csv`"),
        (
            "fit m.pmod d.csv --init none.json",
            "cannot read `none.json`",
        ),
        ("fit m.pmod d.csv -o nowhere/f.json", "no folder"),
        ("fit m.pmod d.csv -o .", "is a folder"),
        ("fit m.pmod", "E0701"),
        ("emit nothing m.pmod", "tokens"),
        ("score none.json d.csv", "cannot read"),
        ("predict none.json d.csv", "cannot read"),
        ("fmt none.pmod", "cannot read"),
        ("completions tcsh", "bash"),
    ] {
        refused(&p, arguments, 2, text);
    }
    assert_eq!(p.names(), ["d.csv", "m.pmod"], "nothing is left behind");
}

#[test]
fn wrong_models_and_data_exit_with_1() {
    let p = Place::mixture();
    std::fs::write(p.path("latin.pmod"), b"model m // \xe9\n").expect("writes");
    std::fs::write(p.path("words.csv"), "a,b\n1,x\n").expect("writes");
    std::fs::write(p.path("other.csv"), "c,d\n1,2\n").expect("writes");
    std::fs::write(p.path("empty.csv"), "").expect("writes");
    std::fs::write(p.path("header.csv"), "a,b\n").expect("writes");
    std::fs::write(p.path("i.json"), "{\"mu\": [[1, 2, 3]]}").expect("writes");
    std::fs::write(p.path("j.json"), "[1, 2").expect("writes");
    std::fs::write(p.path("bad.pmod"), MIXTURE.replace("mu[z]", "my[z]")).expect("writes");
    for (arguments, text) in [
        ("fit latin.pmod d.csv", "E0105"),
        ("fit bad.pmod d.csv", "E0301"),
        ("check bad.pmod", "E0301"),
        ("fit m.pmod words.csv", "E0703"),
        ("fit m.pmod other.csv", "E0702"),
        ("fit m.pmod empty.csv", "E0709"),
        ("fit m.pmod header.csv", "E0709"),
        ("fit m.pmod d.csv --set L=3", "error["),
        ("fit m.pmod d.csv --param nu", "error["),
        ("fit m.pmod d.csv --data rows=d.csv", "did you mean `row`"),
        ("fit m.pmod d.csv --keep zz", "no variable `zz`"),
        ("fit m.pmod d.csv --init i.json", "E0714"),
        ("fit m.pmod d.csv --init j.json", "E0714"),
        (
            "fit m.pmod d.csv --batch 10 --batch-by rows",
            "there is `row`",
        ),
        ("fit m.pmod d.csv --batch 10 --batch-by cluster", "E0604"),
        (
            "fit m.pmod d.csv --batch 10 --memory 1kB",
            "leave `--memory` out",
        ),
        ("score d.csv d.csv", "E0714"),
        ("predict i.json d.csv", "E0714"),
    ] {
        refused(&p, arguments, 1, text);
    }
    assert!(!p.path("mixture.fit.json").exists());
}

#[test]
fn a_failed_run_leaves_the_old_file_alone() {
    let p = Place::mixture();
    p.ok("fit m.pmod d.csv -q -o f.json");
    let before = p.read("f.json");
    std::fs::write(p.path("words.csv"), "a,b\n1,x\n").expect("writes");
    refused(&p, "fit m.pmod words.csv -o f.json", 1, "E0703");
    assert_eq!(p.read("f.json"), before);
    let p = Place::new(&[("m.pmod", MIXTURE), ("d.csv", "a,b\n1,1\n1,1\n1,1\n")]);
    // Equal rows: the likelihood grows without bound.
    let out = p.run("fit m.pmod d.csv -o f.json");
    assert_eq!(out.status.code(), Some(1), "{}", err(&out));
    assert!(err(&out).contains("error[E07"), "{}", err(&out));
    assert_eq!(p.names(), ["d.csv", "m.pmod"]);
}

#[test]
fn colour_is_for_terminals() {
    let p = Place::mixture();
    let out = p.run("fit m.pmod d.csv --keep zz");
    assert!(!out.stderr.contains(&0x1b));
}
