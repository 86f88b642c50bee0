//! `--deterministic` and `--timings`.

use crate::Place;

/// What a C library computes: exponentials, powers, logarithms, and draws that are made of them.
const MODEL: &str = "\
model elementary
data row { a : real  y : real }
observe y[row] ~ Gaussian(exp(a) + abs(a) ^ 1.3 + log(1 + a ^ 2), var = 1)
";

#[test]
fn the_c_library_has_no_part_in_the_bits() {
    // So many rows that two variants of the C library differ in some.
    let mut rows = "a,y".to_string();
    for i in 0..4000u32 {
        rows += &format!("\n{:.5},0", f64::from(i * 37 % 4001) / 1231.0 - 1.6);
    }
    let place = Place::new(&[("m.pmod", MODEL), ("d.csv", &rows)]);
    let drawn = |hidden: &str, out: &str| {
        let run = place
            .command(&format!("simulate m.pmod --data d.csv -o {out}"))
            .env("GLIBC_TUNABLES", format!("glibc.cpu.hwcaps={hidden}"))
            .output()
            .expect("runs");
        assert!(run.status.success(), "{}", crate::err(&run));
        place.read(out)
    };
    let all = drawn("", "all.csv");
    // A C library that is told to know none of these takes its oldest variants.
    assert!(all == drawn("-AVX512F,-AVX2,-AVX,-FMA,-FMA4", "few.csv"));
    assert_eq!(all.lines().count(), 4001);
}

#[test]
fn deterministic_runs_are_close_to_the_others() {
    let place = Place::mixture();
    place.ok("fit m.pmod d.csv -o fast.json -q");
    place.ok("fit m.pmod d.csv -o same.json -q --deterministic");
    let means = |name: &str| {
        let v: serde_json::Value = serde_json::from_str(&place.read(name)).expect("JSON");
        let value = &v["variables"]["mu"]["value"];
        let flat = value
            .as_array()
            .expect("array")
            .iter()
            .flat_map(|r| r.as_array().cloned());
        flat.flatten()
            .map(|x| x.as_f64().expect("number"))
            .collect::<Vec<_>>()
    };
    let (fast, same) = (means("fast.json"), means("same.json"));
    assert_eq!(fast.len(), 4);
    assert!(fast.iter().zip(&same).all(|(a, b)| (a - b).abs() < 1e-9));
    let score = place.ok("score same.json d.csv --deterministic");
    assert!(score.contains("90 rows"), "{score}");
    assert!(
        place
            .ok("predict same.json d.csv --deterministic")
            .lines()
            .count()
            > 90
    );
}

#[test]
fn timings_are_told_on_standard_error() {
    let place = Place::mixture();
    let run = place.run("fit m.pmod d.csv -q --timings --max-iter 5 --tol 0");
    assert!(run.status.success());
    assert!(run.stdout.is_empty());
    let said = String::from_utf8_lossy(&run.stderr).into_owned();
    assert!(said.starts_with("timings: read "), "{said}");
    for stage in ["compile", "bind", "start", "iterations", "record", "write"] {
        let at = said.split(&format!(" {stage} ")).nth(1).expect(stage);
        let number: String = at
            .chars()
            .take_while(|c| c.is_ascii_digit() || *c == '.')
            .collect();
        assert!(
            number
                .parse::<f64>()
                .is_ok_and(|s| (0.0..60.0).contains(&s)),
            "{said}"
        );
    }
    assert!(
        said.contains("; 5 iterations after the first: median "),
        "{said}"
    );
}
