//! `fit --batch`: what a user is told, batches of any size, and how few looks at a row topics need.

use crate::Place;

fn fit(p: &Place, name: &str) -> serde_json::Value {
    serde_json::from_str(&p.read(name)).expect("a fit")
}

fn value(fit: &serde_json::Value) -> f64 {
    fit["objective"]["value"].as_f64().expect("a number")
}

#[test]
fn the_trace_is_called_an_estimate() {
    let p = Place::mixture();
    let said = p.ok("fit m.pmod d.csv --batch 10 -o f.json");
    assert!(
        said.contains("batches: the trace is an estimate from"),
        "{said}"
    );
    assert!(said.contains("elements of `row`"), "{said}");
    let f = fit(&p, "f.json");
    let how = f["objective"]["estimate"].as_str().expect("said");
    assert!(how.contains("5 held out of 90 elements"), "{how}");
    p.ok("fit m.pmod d.csv -q -o g.json");
    let g = fit(&p, "g.json");
    assert!(g["objective"]["estimate"].is_null());
    let (a, b) = (value(&f), value(&g));
    assert!((a - b).abs() <= 1e-3 * b.abs(), "{a} {b}");
    // Such a fit is used as any other.
    p.ok("predict f.json d.csv -o q.csv");
    p.ok("fit m.pmod d.csv --batch 10 --hold-out 0 --init f.json -o h.json");
    let how = fit(&p, "h.json")["objective"]["estimate"].to_string();
    assert!(how.contains("batches as they came"), "{how}");
}

#[test]
fn a_batch_may_be_larger_than_the_data() {
    let p = Place::mixture();
    p.ok("fit m.pmod d.csv -q -o g.json");
    let all = value(&fit(&p, "g.json"));
    for more in [
        "--batch 1000000 --hold-out 0",
        "--batch 90",
        "--batch 7 --hold-out 0.9",
    ] {
        p.ok(&format!("fit m.pmod d.csv -q {more} --tol 1e-9 -o f.json"));
        let l = value(&fit(&p, "f.json"));
        assert!((l - all).abs() <= 1e-3 * all.abs(), "{more}: {l} for {all}");
    }
    p.ok("fit m.pmod d.csv -q --batch 10 --max-iter 0 -o f.json");
    assert!(value(&fit(&p, "f.json")).is_finite());
}

#[test]
fn topics_take_a_tenth_of_the_looks_at_a_row() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("models/lda");
    let read = |name: &str| std::fs::read_to_string(folder.join(name)).expect("reads");
    let p = Place::new(&[
        ("m.pmod", &read("model.pmod")),
        ("d.csv", &read("data.csv")),
    ]);
    p.ok("fit m.pmod d.csv -q -o all.json");
    let all = fit(&p, "all.json");
    let iterations = all["stop"]["iterations"].as_f64().expect("a number");
    p.ok("fit m.pmod d.csv -q --batch 10 --max-iter 3 -o some.json");
    let some = fit(&p, "some.json");
    let how = some["objective"]["estimate"].as_str().expect("said");
    let looks: f64 = ["was visited ", "in steps, "]
        .iter()
        .map(|before| {
            let rest = how.split(before).nth(1).expect("said");
            let number = rest.split(' ').next().expect("said");
            number.parse::<f64>().expect("a number")
        })
        .sum();
    assert!(looks <= iterations / 10.0, "{looks} of {iterations}: {how}");
    let (l, full) = (value(&some), value(&all));
    assert!(l >= full - 0.005 * full.abs(), "{l} for {full}");
}
