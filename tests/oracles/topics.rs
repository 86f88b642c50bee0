//! One topic model, three algorithms: maximum likelihood, MAP, variational Bayes.

use serde_json::{Value, json};

use pmc::check::Options;

use crate::fixture::{Fitted, data_bytes, fit, numbers, oracle, same_trajectory, shared};

const MODEL: &str = "const alpha = 0.1\nconst eta = 0.05\n\
    data token { doc : label  word : label  count : weight }\nplate topic(5)\n\
    latent theta[topic] ~ Dirichlet(eta) over word\n\
    latent pi[doc] ~ Dirichlet(alpha) over topic\n\
    latent z[token] ~ Categorical(pi[doc])\n\
    observe word[token] ~ Categorical(theta[z])";

/// The start as the reference files state it: topics from a long table, rows in label order.
fn topics() -> (Vec<Vec<f64>>, usize) {
    let root = shared().expect("checked");
    let mut reader = csv::Reader::from_path(root.join("oracles/init/lda_reuters_topics_k5.csv"))
        .expect("a table");
    let mut cells: Vec<(usize, String, f64)> = vec![];
    for r in reader.records() {
        let r = r.expect("a row");
        cells.push((
            r[0].parse().expect("a topic"),
            r[1].to_string(),
            r[2].parse().expect("a value"),
        ));
    }
    let mut words: Vec<String> = cells.iter().map(|c| c.1.clone()).collect();
    words.sort();
    words.dedup();
    let mut out = vec![vec![0.0; words.len()]; 5];
    for (t, w, v) in cells {
        let i = words.binary_search(&w).expect("a word");
        out[t][i] = v;
    }
    let mut docs: Vec<String> = crate::fixture::table("reuters.csv")
        .1
        .into_iter()
        .map(|r| r[0].clone())
        .collect();
    docs.sort();
    docs.dedup();
    (out, docs.len())
}

fn normalised(rows: &[Vec<f64>]) -> Vec<Vec<f64>> {
    rows.iter()
        .map(|r| {
            let s: f64 = r.iter().sum();
            r.iter().map(|x| x / s).collect()
        })
        .collect()
}

fn run(name: &str, options: &Options, init: Value, iterations: usize) -> Fitted {
    let f = fit(
        MODEL,
        options,
        data_bytes("reuters.csv"),
        Some(init),
        iterations,
    );
    println!("{name}: {} iterations", f.outcome.iterations);
    f
}

fn checkpoints(name: &str, o: &Value, f: &Fitted, index: &str, key: &str, shift: usize, tol: f64) {
    let at = numbers(&o["checkpoints"][index]);
    let want = numbers(&o["checkpoints"][key]);
    for (i, w) in at.iter().zip(&want) {
        let i = *i as usize - shift;
        if let Some(l) = f.outcome.trace.get(i) {
            assert!(
                (l - w).abs() <= tol * w.abs(),
                "{name}: iteration {i}: {l} instead of {w}"
            );
        }
    }
}

#[test]
fn lda_ml_reuters() {
    let Some(o) = oracle("lda_ml_reuters") else {
        return;
    };
    let (t, docs) = topics();
    let options = Options {
        flat: vec!["pi".into(), "theta".into()],
        ..Options::default()
    };
    let init = json!({"pi": vec![[0.2; 5]; docs], "theta": normalised(&t)});
    let f = run("lda_ml", &options, init, 100);
    assert_eq!((f.method, f.objective), ("exact EM", "log_likelihood"));
    same_trajectory(
        "lda_ml",
        &f.outcome.trace,
        &numbers(&o["trajectory"]["loglik"]),
        1e-10,
    );
    checkpoints("lda_ml", &o, &f, "iteration", "loglik", 0, 2.2e-9);
}

#[test]
fn lda_map_reuters() {
    let Some(o) = oracle("lda_map_reuters") else {
        return;
    };
    let (t, docs) = topics();
    let options = Options {
        param: vec!["pi".into(), "theta".into()],
        set: vec![("alpha".into(), 1.1), ("eta".into(), 1.1)],
        ..Options::default()
    };
    let init = json!({"pi": vec![[0.2; 5]; docs], "theta": normalised(&t)});
    let f = run("lda_map", &options, init, 100);
    assert_eq!((f.method, f.objective), ("exact EM", "log_posterior"));
    same_trajectory(
        "lda_map",
        &f.outcome.trace,
        &numbers(&o["trajectory"]["logjoint"]),
        1e-10,
    );
    checkpoints("lda_map", &o, &f, "iteration", "logjoint", 0, 1.1e-7);
}

#[test]
fn lda_vb_reuters() {
    let Some(o) = oracle("lda_vb_reuters") else {
        return;
    };
    let (t, docs) = topics();
    let init = json!({
        "pi": {"concentration": vec![[1.0; 5]; docs]},
        "theta": {"concentration": t},
    });
    let f = run("lda_vb", &Options::default(), init, 100);
    assert_eq!((f.method, f.objective), ("variational Bayes", "elbo"));
    assert_eq!(f.outcome.trace_start, 1);
    same_trajectory(
        "lda_vb",
        &f.outcome.trace,
        &numbers(&o["trajectory"]["elbo"]),
        1e-10,
    );
    checkpoints("lda_vb", &o, &f, "sweep", "elbo", 1, 1.2e-8);
}
