//! Hidden Markov models by Baum-Welch: the forward-backward pass inside EM, iteration by iteration and at its end.

use serde_json::{Value, json};

use pmc::check::Options;

use crate::fixture::{
    Fitted, csv_bytes, data_bytes, fit, numbers, oracle, same_trajectory, same_values, table,
};

/// The first iterations, then the end; `compare` holds the final parameters.
fn baum_welch(
    name: &str,
    model: &str,
    bytes: &dyn Fn() -> Vec<u8>,
    init: &Value,
    o: &Value,
    compare: &dyn Fn(&Fitted),
) {
    let want = numbers(&o["trajectory"]["loglik"]);
    let run = |n: usize| fit(model, &Options::default(), bytes(), Some(init.clone()), n);
    let short = run(want.len() - 1);
    assert_eq!(
        (short.method, short.objective),
        ("exact EM", "log_likelihood")
    );
    same_trajectory(name, &short.outcome.trace, &want, 1e-10);
    let end = &o["final"];
    let n = end["iterations_run"].as_u64().expect("iterations") as usize;
    let f = run(n);
    let want = end["loglik"].as_f64().expect("a number");
    let mine = f.outcome.trace.last().expect("a trace");
    assert!(
        (mine - want).abs() <= 1e-9 * want.abs(),
        "{name}: {mine} instead of {want}"
    );
    same_values(name, f.get("start", "value"), &end["pi"], 1e-12, 1e-4);
    same_values(name, f.get("move", "value"), &end["A"], 1e-8, 1e-4);
    compare(&f);
}

fn gaussian(name: &str, file: &str, column: &str) {
    let Some(o) = oracle(name) else { return };
    let model = format!(
        "data step ordered {{ y : real = \"{column}\" }}\nplate state(2)\n\
         param start : simplex over state\nparam move[state] : simplex over state\n\
         param mu[state] : real\nparam s2[state] : positive\n\
         latent z[step] ~ Categorical(move[z[step-1]]) first Categorical(start)\n\
         observe y[step] ~ Gaussian(mu[z], var = s2[z])"
    );
    let i = &o["init"];
    let init = json!({"start": i["pi"], "move": i["A"], "mu": i["mean"], "s2": i["variance"]});
    baum_welch(name, &model, &|| data_bytes(file), &init, &o, &|f| {
        same_values(name, f.get("mu", "value"), &o["final"]["mean"], 0.0, 1e-6);
        same_values(
            name,
            f.get("s2", "value"),
            &o["final"]["variance"],
            0.0,
            1e-5,
        );
    });
}

#[test]
fn hmm_gauss_k2_nile() {
    gaussian("hmm_gauss_k2_nile", "nile.csv", "volume");
}

#[test]
fn hmm_gauss_k2_faithful() {
    gaussian("hmm_gauss_k2_faithful", "faithful.csv", "waiting");
}

#[test]
fn hmm_categorical_k2_faithful() {
    let name = "hmm_categorical_k2_faithful";
    let Some(o) = oracle(name) else { return };
    let (header, rows) = table("faithful.csv");
    let at = header
        .iter()
        .position(|h| h == "eruptions")
        .expect("a column");
    let symbol = |r: &Vec<String>| {
        let minutes: f64 = r[at].parse().expect("a number");
        let s = usize::from(minutes >= 3.0) + usize::from(minutes >= 4.3);
        vec![s.to_string()]
    };
    let rows: Vec<Vec<String>> = rows.iter().map(symbol).collect();
    let model = "data step ordered { symbol : label }\nplate state(2)\n\
        param start : simplex over state\nparam move[state] : simplex over state\n\
        param emit[state] : simplex over symbol\n\
        latent z[step] ~ Categorical(move[z[step-1]]) first Categorical(start)\n\
        observe symbol[step] ~ Categorical(emit[z])";
    let i = &o["init"];
    let init = json!({"start": i["pi"], "move": i["A"], "emit": i["B"]});
    let bytes = || csv_bytes(&["symbol".to_string()], &rows);
    baum_welch(name, model, &bytes, &init, &o, &|f| {
        same_values(name, f.get("emit", "value"), &o["final"]["B"], 1e-8, 1e-4);
    });
}
