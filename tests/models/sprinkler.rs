//! The sprinkler network against sums over all of its sixteen states.

use crate::fixture::{data, exactly, model, run_engine, with_engine};

const NAMES: [&str; 4] = ["cloudy", "sprinkler", "rain", "wet"];

/// p of a full state, from the textbook tables.
fn joint(x: [usize; 4]) -> f64 {
    let [c, s, r, w] = x;
    let bernoulli = |p: f64, v: usize| if v == 1 { p } else { 1.0 - p };
    bernoulli(0.5, c)
        * bernoulli([0.5, 0.1][c], s)
        * bernoulli([0.2, 0.8][c], r)
        * bernoulli([[0.0, 0.9], [0.9, 0.99]][s][r], w)
}

/// p(evidence), and p(variable = 1 | evidence) of each variable.
fn enumerate(row: [Option<usize>; 4]) -> (f64, [f64; 4]) {
    let (mut total, mut ones) = (0.0, [0.0; 4]);
    for state in 0..16 {
        let x = [state >> 3 & 1, state >> 2 & 1, state >> 1 & 1, state & 1];
        if row.iter().zip(x).any(|(e, v)| e.is_some_and(|e| e != v)) {
            continue;
        }
        let p = joint(x);
        total += p;
        for (o, v) in ones.iter_mut().zip(x) {
            *o += p * v as f64;
        }
    }
    (total, ones.map(|o| o / total))
}

/// The ELBO, and p(variable = 1) by row and variable; `None` where a column has no blank.
fn infer(rows: &[[Option<usize>; 4]]) -> (f64, Vec<[Option<f64>; 4]>) {
    let mut csv = NAMES.join(",") + "\n";
    for r in rows {
        let cells: Vec<String> = r
            .iter()
            .map(|c| c.map_or(String::new(), |v| v.to_string()))
            .collect();
        csv += &(cells.join(",") + "\n");
    }
    let options = pmc::check::Options::default();
    with_engine(
        &model("sprinkler"),
        &options,
        csv.into_bytes(),
        |engine, _| {
            let f =
                run_engine(engine, None, &exactly(1)).unwrap_or_else(|e| panic!("{rows:?}: {e:?}"));
            let mut out = vec![[None; 4]; rows.len()];
            for b in engine.bound.iter().flatten() {
                let q = engine.row_results(&f.outcome.state, b).q;
                assert_eq!(q.len(), rows.len() * b.rows.states);
                let block = engine.derivation.block(b.block);
                for (i, u) in block.unknowns.iter().enumerate() {
                    let name = &engine.derivation.unknowns.get(*u).name;
                    let v = NAMES.iter().position(|n| n == name).expect("a column");
                    let stride: usize = b.state_shape[i + 1..].iter().product();
                    for (n, row) in q.chunks(b.rows.states).enumerate() {
                        let one = row.iter().enumerate();
                        let p = one
                            .filter(|(s, _)| s / stride % 2 == 1)
                            .map(|(_, p)| p)
                            .sum();
                        assert!(out[n][v].is_none(), "{name} in two blocks");
                        out[n][v] = Some(p);
                    }
                }
            }
            (f.last(), out)
        },
    )
}

fn check(rows: &[[Option<usize>; 4]]) {
    let (elbo, q) = infer(rows);
    let mut evidence = 0.0;
    for (n, row) in rows.iter().enumerate() {
        let (p, ones) = enumerate(*row);
        evidence += p.ln();
        for v in 0..4 {
            let blank = row[v].is_none();
            let Some(mine) = q[n][v] else {
                // Nothing depends on a blank `wet`, so its terms drop out and it needs no q.
                assert!(!blank || v == 3, "{row:?}: {} has no q", NAMES[v]);
                continue;
            };
            assert!(
                (mine - ones[v]).abs() < 1e-12,
                "{row:?}: {} {mine} instead of {}",
                NAMES[v],
                ones[v]
            );
        }
    }
    assert!(
        (elbo - evidence).abs() < 1e-12 * evidence.abs().max(1.0),
        "{rows:?}: {elbo} instead of {evidence}"
    );
}

#[test]
fn classic_numbers() {
    let (elbo, q) = infer(&[[None, None, None, Some(1)]]);
    let p = |v: usize| q[0][v].expect("blank");
    assert!((p(1) - 0.430).abs() < 5e-4, "{}", p(1));
    assert!((p(2) - 0.708).abs() < 5e-4, "{}", p(2));
    assert!((elbo - 0.6471f64.ln()).abs() < 1e-12);
    assert_eq!(
        String::from_utf8(data("sprinkler")).expect("text").trim(),
        "cloudy,sprinkler,rain,wet\n,,,1"
    );
    // Rain explains the wet grass away.
    let (_, q) = infer(&[[None, None, Some(1), Some(1)]]);
    assert!((q[0][1].expect("blank") - 0.1945).abs() < 5e-5);
}

/// Every pattern of blanks of one row, with every observed value that is possible.
#[test]
fn every_pattern_alone() {
    for code in 0..81 {
        let cell = |i: u32| [None, Some(0), Some(1)][code / 3usize.pow(i) % 3];
        let row = [cell(0), cell(1), cell(2), cell(3)];
        if row.iter().all(Option::is_some) || enumerate(row).0 == 0.0 {
            continue;
        }
        check(&[row]);
    }
}

#[test]
fn patterns_mixed_in_one_table() {
    check(&[
        [None, None, None, Some(1)],
        [Some(1), None, None, None],
        [None, Some(0), None, Some(1)],
        [None, None, None, None],
        [Some(0), Some(1), Some(0), Some(1)],
        [None, None, Some(0), Some(0)],
    ]);
}

/// Nothing unknown is left: the log likelihood itself.
#[test]
fn no_blanks() {
    check(&[[Some(1), Some(0), Some(1), Some(1)], [Some(0); 4]]);
}

/// Wet grass without sprinkler and rain cannot be: an error, not a number.
#[test]
fn impossible_evidence() {
    let options = pmc::check::Options::default();
    let csv = b"cloudy,sprinkler,rain,wet\n,0,0,1\n".to_vec();
    with_engine(&model("sprinkler"), &options, csv, |engine, _| {
        let e = run_engine(engine, None, &exactly(1)).map(|f| f.last());
        let e = e.expect_err("a row of probability 0");
        assert_eq!(e[0].code.as_str(), "E0710", "{e:?}");
    });
}
