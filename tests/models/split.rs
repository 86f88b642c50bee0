//! The Bayesian mixture with its joint Gaussian-Wishart factor, and with mean and precision split.

use serde_json::{Value, json};

use crate::fixture::{Fitted, Table, data, exactly, fit, model};

/// A start that both share: q(z) mostly at one cluster by petal length.
fn start() -> Value {
    let t = Table::read(&data("bayesian_gmm"));
    let q: Vec<Vec<f64>> = t
        .numbers(&["petal_length"])
        .into_iter()
        .map(|r| {
            let k = [1.4, 2.5, 4.2, 5.0, 5.8]
                .iter()
                .filter(|c| r[0] > **c)
                .count();
            (0..6).map(|i| if i == k { 0.75 } else { 0.05 }).collect()
        })
        .collect();
    json!({ "z": q })
}

fn together(f: &Fitted, a: &str, b: &str) -> bool {
    f.blocks
        .iter()
        .any(|(names, _)| names.iter().any(|n| n == a) && names.iter().any(|n| n == b))
}

#[test]
fn joint_and_split() {
    let text = model("bayesian_gmm");
    let run = |text: &str| fit(text, data("bayesian_gmm"), Some(start()), &exactly(150));
    let joint = run(&text);
    assert!(together(&joint, "mu", "Lambda"), "{:?}", joint.blocks);
    assert!(
        joint
            .blocks
            .iter()
            .any(|(_, form)| *form == "Gaussian-Wishart"),
        "{:?}",
        joint.blocks
    );
    let by_rule = run(&format!("{text}infer {{ factorise mu }}\n"));
    let marked = text.replace(
        "0.1 * Lambda) over feature",
        "0.1 * Lambda) over feature as factorised",
    );
    assert_ne!(marked, text);
    let by_word = run(&marked);
    assert_eq!(by_rule.outcome.trace, by_word.outcome.trace);
    assert!(!together(&by_rule, "mu", "Lambda"), "{:?}", by_rule.blocks);
    for (name, f) in [("joint", &joint), ("split", &by_rule)] {
        f.assert_finite(name);
        assert_eq!(f.method, "variational Bayes");
        for w in f.outcome.trace.windows(2) {
            assert!(w[1] >= w[0] - 1e-9 * w[0].abs(), "{name}: {w:?}");
        }
    }
    println!("joint {} split {}", joint.last(), by_rule.last());
    assert!(
        joint.last() >= by_rule.last(),
        "{} {}",
        joint.last(),
        by_rule.last()
    );
}
