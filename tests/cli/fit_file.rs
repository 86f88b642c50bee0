//! The fit file: what it holds, that it comes back as it was, and that no file makes the reader panic.

use pmc::fit::{Data, Fit, Settings, fit};
use pmc::source::SourceFile;
use serde_json::Value;

use crate::{MIXTURE, Place, timeless, two_clusters};

fn mixture() -> Fit {
    let data = Data::csv("d.csv", two_clusters(60));
    fit(
        &SourceFile::new("m.pmod", MIXTURE),
        data,
        &Settings::default(),
    )
    .expect("fits")
    .fit
}

#[test]
fn a_fit_comes_back_as_it_was() {
    let f = mixture();
    let text = f.to_json();
    let again = Fit::load(text.as_bytes()).expect("loads");
    assert_eq!(again, f);
    assert_eq!(again.to_json(), text);
}

#[test]
fn the_file_has_its_fields_in_order() {
    let v: Value = serde_json::from_str(&mixture().to_json()).expect("JSON");
    let fields: Vec<&str> = v
        .as_object()
        .expect("object")
        .keys()
        .map(String::as_str)
        .collect();
    assert_eq!(
        fields,
        [
            "format",
            "pmc",
            "model",
            "options",
            "constants",
            "roles",
            "seed",
            "method",
            "exactness",
            "objective",
            "start",
            "stop",
            "restarts",
            "data",
            "plates",
            "variables",
            "known",
            "timing",
            "warnings"
        ]
    );
    assert_eq!(v["format"], "pmc.fit/1");
    assert_eq!(v["model"]["source"], MIXTURE);
    assert_eq!(v["constants"].to_string(), "{\"K\":2}");
    assert_eq!(v["roles"]["z"], "latent");
    assert_eq!(v["exactness"]["z"], "exact");
    assert_eq!(v["data"]["row"]["rows"], 60);
    assert_eq!(v["data"]["row"]["missing"]["x"], 0);
    assert_eq!(v["plates"]["cluster"]["size"], 2);
    assert_eq!(
        v["plates"]["feature"]["labels"],
        serde_json::json!(["a", "b"])
    );
    let mu = &v["variables"]["mu"];
    assert_eq!(mu["axes"], serde_json::json!(["cluster", "feature"]));
    assert_eq!(
        (&mu["role"], &mu["family"]),
        (&"param".into(), &"point".into())
    );
    // SHA-256 of the empty text is known; that of the source follows from the same function.
    assert_eq!(
        pmc::fit::learn::sha256(b""),
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    );
    let trace = v["objective"]["trace"].as_array().expect("list");
    assert_eq!(v["objective"]["trace_start"], 0);
    assert_eq!(trace.last(), Some(&v["objective"]["value"]));
}

#[test]
fn a_fit_is_a_start() {
    let p = Place::mixture();
    p.ok("fit m.pmod d.csv -q -o f.json --tol 0 --max-iter 30");
    p.ok("fit m.pmod d.csv -q -o g.json --init f.json --max-iter 3");
    let (f, g) = (timeless(&p.read("f.json")), timeless(&p.read("g.json")));
    let reached = f["objective"]["value"].as_f64().expect("number");
    let start = g["objective"]["trace"][0].as_f64().expect("number");
    assert!(
        (start - reached).abs() < 1e-9 * reached.abs(),
        "{start} {reached}"
    );
    assert!(
        g["plates"]["cluster"].get("order").is_none(),
        "given order is kept"
    );
}

#[test]
fn truncated_and_foreign_files_are_refused() {
    let text = mixture().to_json();
    for n in (0..text.len()).step_by(97) {
        if text.is_char_boundary(n) {
            assert!(Fit::load(&text.as_bytes()[..n]).is_err(), "{n}");
        }
    }
    for bytes in [
        &b""[..],
        b"null",
        b"[]",
        b"{}",
        b"{\"format\": \"pmc.fit/1\"}",
        b"{\"format\": 1}",
        b"\xff\xfe",
    ] {
        assert!(Fit::load(bytes).is_err());
    }
    let deep = format!("{{\"format\": {}", "[".repeat(100_000));
    assert!(Fit::load(deep.as_bytes()).is_err());
    let other = text.replace("pmc.fit/1", "pmc.fit/2");
    let e = Fit::load(other.as_bytes()).expect_err("another version");
    assert!(e[0].notes[0].contains("pmc.fit/2"), "{e:?}");
    let edited = text.replace("const K = 2", "const K = 3");
    assert!(
        Fit::load(edited.as_bytes()).is_err(),
        "the source was edited"
    );
}

/// Every value of the file replaced by every kind of wrong one: an error or a result, never a panic.
#[test]
fn no_file_makes_the_reader_panic() {
    let good: Value = serde_json::from_str(&mixture().to_json()).expect("JSON");
    let mut paths = vec![];
    collect(&good, &mut vec![], &mut paths);
    let wrong = [
        Value::Null,
        Value::from(-1),
        Value::from(1e300),
        Value::from(u64::MAX),
        Value::from("x"),
        serde_json::json!([]),
        serde_json::json!([[1.0], [2.0]]),
        serde_json::json!({}),
        serde_json::json!([0.5, 0.5, 0.5]),
    ];
    let mut loaded = 0;
    for path in &paths {
        for w in &wrong {
            let mut bad = good.clone();
            if let Some(slot) = bad.pointer_mut(path) {
                *slot = w.clone();
            }
            let Ok(f) = Fit::load(bad.to_string().as_bytes()) else {
                continue;
            };
            loaded += 1;
            let rows = || Data::csv("n.csv", "a,b\n1,2\n20,31\n");
            let _ = pmc::fit::score(&f, rows());
            let _ = pmc::fit::predict(&f, rows(), &[]);
            let _ = pmc::fit::summary::text(&f, "");
        }
    }
    assert!(loaded > 50, "{loaded} of them were taken");
}

fn collect(v: &Value, at: &mut Vec<String>, out: &mut Vec<String>) {
    let name: String = at.iter().map(|s| format!("/{s}")).collect();
    out.push(name);
    let mut go = |key: String, v: &Value| {
        at.push(key);
        collect(v, at, out);
        at.pop();
    };
    match v {
        Value::Object(m) => m
            .iter()
            .for_each(|(k, v)| go(k.replace('~', "~0").replace('/', "~1"), v)),
        Value::Array(l) if l.len() < 4 => {
            l.iter().enumerate().for_each(|(i, v)| go(i.to_string(), v));
        }
        _ => {}
    }
}

/// Numbers that the fitted data decided stand under the expression as the language writes it, and new rows meet them.
#[test]
fn known_numbers_are_named_in_the_language() {
    let model = "data row { x[d] : real = (p, q)  y : real  w : positive }
        let u[row, d] = (x - mean(x over row)) / sd(x over row)
        let v[row] = w / mean(log(w + 1) over row)
        param b[d] : real
        param s : positive
        observe y[row] ~ Gaussian(sum(b * u over d) + v, var = s)";
    let csv = "p,q,y,w\n1,2,1,1\n2,1,3,2\n0,1,2,1\n3,3,1,2\n1,0,0.5,1\n";
    let source = SourceFile::new("m.pmod", model);
    let learned = fit(&source, Data::csv("d.csv", csv), &Settings::default());
    let f = learned.expect("fits").fit;
    let names: Vec<&str> = f.known.0.iter().map(|(n, _)| n.as_str()).collect();
    assert_eq!(
        names,
        [
            "mean(log(w[row] + 1) over row)",
            "mean(x[row, d] over row)",
            "sd(x[row, d] over row)",
        ]
    );
    let mean = (3.0 * 2f64.ln() + 2.0 * 3f64.ln()) / 5.0;
    assert!((f.known.0[0].1.values[0] - mean).abs() < 1e-12);
    let again = Fit::load(f.to_json().as_bytes()).expect("loads");
    let one = "p,q,y,w\n1,2,1,1\n";
    let alone = pmc::fit::score(&again, Data::csv("n.csv", one)).expect("scores");
    let all = pmc::fit::score(&again, Data::csv("d.csv", csv)).expect("scores");
    let (a, b) = (alone.tables[0].rows[0].1, all.tables[0].rows[0].1);
    assert!((a - b).abs() < 1e-12, "{a} {b}");
}
