//! Init files in all their forms.

use ndarray::{ArrayD, array};

use super::build::{Build, csv};
use crate::data::{Dataset, Init, InitValue, read_init};
use crate::diag::{Code, Diagnostic};
use crate::model::{BINARY, Domain};

/// mu[cluster, feature], weight over cluster, z[doc] of cluster, s[doc] binary, w[word, word], W[word, cluster].
fn model() -> (Build, Dataset) {
    let mut b = Build::new();
    let cluster = b.counted("cluster", 2);
    let feature = b.listed("feature", &["long", "wide", "high"]);
    let t = b.table("token");
    b.label(t, "doc", "doc");
    b.label(t, "word", "word");
    let data = b.data("doc,word\nd1,x\nd2,y\nd3,y\n");
    let doc = b.find_plate("doc").expect("plate");
    let word = b.find_plate("word").expect("plate");
    b.variable("mu", &[cluster, feature], 1, Domain::Real);
    b.variable("weight", &[cluster], 1, Domain::Simplex);
    b.variable("z", &[doc], 0, Domain::Element(cluster));
    b.variable("s", &[doc], 0, Domain::Binary);
    b.variable("w", &[word, word], 0, Domain::Real);
    b.variable("W", &[word, cluster], 0, Domain::Real);
    b.variable("q", &[], 0, Domain::Positive);
    assert_eq!(b.model.plate(BINARY).name, "binary");
    (b, data)
}

fn read(json: &str) -> Result<Init, Vec<Diagnostic>> {
    let (b, data) = model();
    let files = |name: &str| match name {
        "w.csv" => Ok(b"word,word,v\ny,x,3\nx,x,1\nx,y,2\ny,y,4\n".to_vec()),
        "W0.csv" => Ok(b"cluster,word,v\n0,x,1\n1,x,2\n0,y,3\n1,y,4\n".to_vec()),
        "W1.csv" => Ok(b"cluster,word,v\n1,x,1\n2,x,2\n1,y,3\n2,y,4\n".to_vec()),
        "gap.csv" => Ok(b"cluster,word,v\n1,x,1\n1,y,3\n2,y,4\n".to_vec()),
        "twice.csv" => Ok(b"cluster,word,v\n1,x,1\n1,x,2\n1,y,3\n2,y,4\n".to_vec()),
        "odd.csv" => Ok(b"cluster,word,v\n1,x,1\n2,z,2\n1,y,3\n2,y,4\n".to_vec()),
        "text.csv" => Ok(b"cluster,word,v\n1,x,1\n2,x,many\n1,y,3\n2,y,4\n".to_vec()),
        "z.csv" => Ok(b"doc,group\nd3,2\nd1,1\nd2,2\n".to_vec()),
        _ => Err(std::io::Error::new(
            std::io::ErrorKind::NotFound,
            "not there",
        )),
    };
    read_init(&b.model, &data.plates, &csv(json), &files)
}

fn value(json: &str) -> InitValue {
    match read(json) {
        Ok(init) => init.values[0].1.clone(),
        Err(found) => panic!("{found:#?}"),
    }
}

fn fails(json: &str) -> Diagnostic {
    let found = read(json).expect_err("a finding");
    assert_eq!(found.len(), 1, "{found:#?}");
    assert_eq!(found[0].code, Code::E0714, "{found:#?}");
    assert!(found[0].title.chars().count() <= 60);
    found[0].clone()
}

fn numbers(a: impl Into<ArrayD<f64>>) -> InitValue {
    InitValue::Value(a.into())
}

#[test]
fn values_follow_the_slots() {
    let mu = array![[2.0, 50.0, 1.0], [4.5, 80.0, 1.0]].into_dyn();
    assert_eq!(
        value(r#"{ "mu": [[2, 50, 1], [4.5, 80, 1]] }"#),
        numbers(mu)
    );
    assert_eq!(
        value(r#"{ "q": 3 }"#),
        numbers(ndarray::arr0(3.0).into_dyn())
    );
    let found = fails(r#"{ "mu": [[2, 50], [4.5, 80]] }"#);
    assert!(found.notes[0].contains("2 lists of 2 entries"), "{found:?}");
    assert!(
        found.notes[1].contains("cluster (2), feature (3)"),
        "{found:?}"
    );
    fails(r#"{ "mu": [[2, 50, 1], [4.5, 80]] }"#);
    fails(r#"{ "mu": [[2, 50, "x"], [4.5, 80, 1]] }"#);
    fails(r#"{ "q": [3] }"#);
    let found = fails(r#"{ "muu": 1 }"#);
    assert_eq!(found.help, ["did you mean `mu`?"]);
    fails("[1, 2]");
    fails("{");
}

#[test]
fn parameters_begin_with_the_bracket_plates() {
    let json = r#"{ "mu": { "mean": [[1, 2, 3], [4, 5, 6]],
        "covariance": [[[1,0,0],[0,1,0],[0,0,1]], [[1,0,0],[0,1,0],[0,0,1]]], "df": [7, 8] } }"#;
    let InitValue::Parameters(parts) = value(json) else {
        panic!("parameters");
    };
    let shapes: Vec<(&str, &[usize])> =
        parts.iter().map(|(n, a)| (n.as_str(), a.shape())).collect();
    let expected: [(&str, &[usize]); 3] =
        [("mean", &[2, 3]), ("covariance", &[2, 3, 3]), ("df", &[2])];
    assert_eq!(shapes, expected);
    let found = fails(r#"{ "weight": { "concentration": [1, 2, 3] } }"#);
    assert!(
        found
            .notes
            .last()
            .is_some_and(|n| n.contains("`concentration`"))
    );
    fails(r#"{ "mu": {} }"#);
}

#[test]
fn discrete_latents_take_labels_or_probabilities() {
    let labels = InitValue::Labels(array![0u32, 1, 0].into_dyn());
    assert_eq!(
        value(r#"{ "z": { "label": [0, 1, 0] } }"#),
        labels,
        "positions"
    );
    assert_eq!(
        value(r#"{ "z": { "label": ["1", "2", "1"] } }"#),
        labels,
        "labels"
    );
    let mixed = r#"{ "s": { "label": [true, 0, "1"] } }"#;
    assert_eq!(
        value(mixed),
        InitValue::Labels(array![1u32, 0, 1].into_dyn())
    );
    let json = r#"{ "z": { "label": { "csv": "z.csv", "value": "group" } } }"#;
    assert_eq!(
        value(json),
        InitValue::Labels(array![0u32, 1, 1].into_dyn())
    );

    let rows = array![[0.2, 0.8], [0.5, 0.5], [1.0, 0.0]];
    let json = r#"{ "z": [[0.2, 0.8], [0.5, 0.5], [1, 0]] }"#;
    assert_eq!(value(json), numbers(rows.clone().into_dyn()));
    // for a binary the probability of 1 is enough
    assert_eq!(value(r#"{ "s": [0.8, 0.5, 0] }"#), {
        let InitValue::Value(both) = value(r#"{ "s": [[0.2, 0.8], [0.5, 0.5], [1, 0]] }"#) else {
            panic!("a value");
        };
        numbers(both.mapv(|p| if p == 0.2 { 1.0 - 0.8 } else { p }))
    });
    fails(r#"{ "z": { "label": [0, 2, 0] } }"#);
    fails(r#"{ "z": { "label": [0, 1] } }"#);
    fails(r#"{ "z": { "label": ["1", "3", "1"] } }"#);
    fails(r#"{ "mu": { "label": [0, 1] } }"#);
    let found = fails(r#"{ "z": [0, 1, 0] }"#);
    assert!(found.help[0].contains("label"));
}

#[test]
fn arrays_in_long_form() {
    let pairs = array![[1.0, 2.0], [3.0, 4.0]].into_dyn();
    assert_eq!(
        value(r#"{ "w": { "csv": "w.csv", "value": "v" } }"#),
        numbers(pairs.clone())
    );
    for file in ["W0.csv", "W1.csv"] {
        let json = format!(r#"{{ "W": {{ "csv": "{file}", "value": "v" }} }}"#);
        assert_eq!(value(&json), numbers(pairs.clone()), "{file}");
    }
    for (file, fact) in [
        ("gap.csv", "no line for word `x`, cluster `2`"),
        ("twice.csv", "lines 2 and 3: word `x`, cluster `1` twice"),
        ("odd.csv", "`z` in column `word`"),
        ("text.csv", "`many`"),
    ] {
        let json = format!(r#"{{ "W": {{ "csv": "{file}", "value": "v" }} }}"#);
        let found = fails(&json);
        assert!(found.notes[0].contains(fact), "{found:?}");
    }
    fails(r#"{ "W": { "csv": "W0.csv", "value": "w" } }"#);
    fails(r#"{ "mu": { "csv": "W0.csv", "value": "v" } }"#);
    let found = read(r#"{ "W": { "csv": "none.csv", "value": "v" } }"#).err();
    assert_eq!(found.expect("no file")[0].code, Code::E0701);
}

#[test]
fn a_fit_file_is_put_in_the_order_of_the_present_labels() {
    let fit = |labels: &str| {
        format!(
            r#"{{ "format": "pmc.fit/1", "plates": {{ "word": {{ "size": 3, "labels": {labels} }} }},
            "variables": {{
              "W": {{ "role": "param", "value": [[1, 2], [3, 4], [5, 6]] }},
              "weight": {{ "parameters": {{ "concentration": [3, 4] }}, "mean": [0.4, 0.6] }},
              "gone": {{ "value": 1 }} }} }}"#
        )
    };
    let init = read(&fit(r#"["y", "q", "x"]"#)).expect("reads");
    let expected = array![[5.0, 6.0], [1.0, 2.0]].into_dyn();
    let concentration = array![3.0, 4.0].into_dyn();
    assert_eq!(
        init.values,
        [
            ("W".to_string(), numbers(expected)),
            (
                "weight".to_string(),
                InitValue::Parameters(vec![("concentration".to_string(), concentration)])
            ),
        ]
    );
    let found = fails(&fit(r#"["y", "q", "z"]"#));
    assert!(
        found.notes[0].contains("no `x` in plate `word`"),
        "{found:?}"
    );
}
