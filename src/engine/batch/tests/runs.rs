//! Whole runs: they end close to a fit to all rows, with the same bits for any number of threads, or are refused.

use super::super::{parts, run};
use super::*;
use crate::diag::{Code, Diagnostic};
use crate::engine::run as whole;

#[test]
fn batches_come_close_to_all_rows() {
    // The bound is no less than that of 100 iterations but for this part of it.
    let cases = [
        (MIXTURE, clusters(3000), 100, 1e-3),
        (BAYESIAN, clusters(3000), 100, 1e-3),
        (TOPICS, documents(300), 20, 5e-3),
        (FACTORS, factors(2000), 50, 5e-3),
        (BLANKS, with_blanks(2000), 50, 1e-2),
        (EFFECTS, effects(500), 25, 1e-3),
        (HYPER, effects(500), 25, 5e-3),
        (SLOPES, effects(500), 25, 5e-3),
        (REGRESSION, effects(500), 25, 1e-6),
        (ROBUST, effects(500), 25, 1e-3),
        (CHAINS, sessions(100), 10, 2e-3),
    ];
    let mut far = vec![];
    for (text, csv, size, by) in cases {
        on(text, &csv, |engine| {
            let full = whole::run(engine, None, &how(100), &mut |_| true);
            let full = full.expect("runs").0.objective().expect("a number");
            let (some, _) =
                run(engine, None, &how(20), &options(size), &mut |_| true).expect("runs");
            let l = some.objective().expect("a number");
            let estimate = *some.trace.last().expect("a trace");
            if l < full - by * full.abs() || !close(estimate, l, 0.2) {
                far.push(format!("{text}: {l} for {full}, estimated as {estimate}"));
            }
        });
    }
    assert!(far.is_empty(), "{}", far.join("\n"));
}

#[test]
fn a_batch_of_everything_is_a_fit_to_all_rows() {
    // More than there are, and none held out.
    let everything = Options {
        hold_out: 0.0,
        ..options(10_000)
    };
    for (text, csv) in [(MIXTURE, clusters(200)), (FACTORS, factors(200))] {
        on(text, &csv, |engine| {
            let full = whole::run(engine, None, &how(12), &mut |_| true);
            let full = full.expect("runs").0;
            let (b, _) = run(engine, None, &how(8), &everything, &mut |_| true).expect("runs");
            // The end is a sweep of its own; where EM begins at its data, so is the start.
            let l = b.objective().expect("a number");
            let met = full.trace.iter().any(|x| close(*x, l, 1e-10));
            assert!(met, "{text}: {l} in {:?}", full.trace);
        });
    }
}

#[test]
fn conjugate_models_end_at_their_evidence() {
    for (text, csv) in [(COINS, tosses(300)), (LEVEL, levels(300))] {
        on(text, &csv, |engine| {
            let exact = whole::run(engine, None, &how(3), &mut |_| true);
            let exact = exact.expect("runs").0.objective().expect("a number");
            let (b, _) = run(engine, None, &how(3), &options(16), &mut |_| true).expect("runs");
            let l = b.objective().expect("a number");
            assert!(close(l, exact, 1e-10), "{text}: {l} for {exact}");
        });
    }
}

#[test]
fn the_same_seed_gives_the_same_bits_for_any_number_of_threads() {
    for (text, csv) in [(TOPICS, documents(60)), (FACTORS, factors(300))] {
        let bits = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
            pool.build().expect("threads").install(|| {
                on(text, &csv, |engine| {
                    let (o, _) =
                        run(engine, None, &how(3), &options(16), &mut |_| true).expect("runs");
                    let all = o.state.moments.values().flatten().chain(&o.trace);
                    all.map(|x| x.to_bits()).collect::<Vec<_>>()
                })
            })
        };
        assert_eq!(bits(1), bits(3));
    }
}

fn refusal(text: &str, csv: &str, by: Option<&str>) -> Diagnostic {
    on(text, csv, |engine| {
        let o = Options {
            by: by.map(str::to_string),
            ..Options::default()
        };
        let e = run(engine, None, &how(3), &o, &mut |_| true).expect_err("is refused");
        e.into_iter().next().expect("a reason")
    })
}

#[test]
fn what_couples_elements_is_refused() {
    let chain = CHAINS.replace(" within session { session : label ", " { ");
    let csv = "t,y\n1,0\n2,1\n3,5\n4,4\n";
    let e = refusal(&chain, csv, None);
    assert_eq!(e.code, Code::E0604);
    assert!(e.notes[0].contains("two elements at once"), "{e:?}");
    // Words are what all documents share.
    let e = refusal(TOPICS, &documents(10), Some("word"));
    assert_eq!(e.code, Code::E0604);
    let e = refusal(TOPICS, &documents(10), Some("topic"));
    assert!(e.notes[0].contains("`doc`"), "{e:?}");
    // Every row's weight depends on how many there are.
    let counted = "model m\ndata row { y : real }\nlatent a ~ Gaussian(0, var = 1)\n\
                   observe y[row] ~ Gaussian(a, var = size(row))\n";
    let e = refusal(counted, "y\n1\n2\n3\n", None);
    assert_eq!(e.code, Code::E0604);
    assert!(e.notes[0].contains("number"), "{e:?}");
    // A function of unknowns in every row is no sum that could be kept.
    let logistic = "model m\ndata row { x : real  y : binary }\nparam w : real\n\
                    observe y[row] ~ Bernoulli(logit = w * x)\n";
    let e = refusal(logistic, "x,y\n1,0\n2,1\n3,1\n4,0\n", None);
    assert_eq!(e.code, Code::E0604);
}

#[test]
fn documents_make_batches_and_sessions_do_where_they_are_labels() {
    let plate = |text: &str, csv: &str| {
        on(text, csv, |e| {
            let p = parts::choose(e, None).expect("has batches");
            e.derivation.model.plate(p.reach.plate()).name.clone()
        })
    };
    assert_eq!(plate(TOPICS, &documents(10)), "doc");
    assert_eq!(plate(EFFECTS, &effects(10)), "group");
    assert_eq!(plate(HYPER, &effects(10)), "group");
    assert_eq!(plate(REGRESSION, &effects(10)), "row");
    assert_eq!(plate(MIXTURE, &clusters(10)), "row");
    assert_eq!(plate(CHAINS, &sessions(4)), "session");
}
