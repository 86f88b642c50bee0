//! Discrete unknowns coupled within a row or through an edge list: a stochastic block model, binary sparse coding.

use serde_json::{Value, json};

use pmc::check::Options;

use crate::fixture::{
    Fitted, csv_bytes, data_bytes, fit, numbers, oracle, same_trajectory, same_values, table,
};

fn last(f: &Fitted) -> f64 {
    *f.outcome.trace.last().expect("a trace")
}

/// Nodes one after the other, each with the newest q of the others.
#[test]
fn sbm_vb_k2_karate() {
    let name = "sbm_vb_k2_karate";
    let Some(o) = oracle(name) else { return };
    let model = "data pair every a < b {\n\
        a : label of node = \"source\"\n b : label of node = \"target\"\n linked : binary = listed\n}\n\
        plate block(2)\nlatent weight ~ Dirichlet(1) over block\n\
        latent p[block, block] ~ Beta(1, 1), symmetric\nlatent z[node] ~ Categorical(weight) as factorised\n\
        observe linked[pair] ~ Bernoulli(p[z[a], z[b]])\ninfer { order weight, p, z }";
    let q: Vec<[f64; 2]> = (1..=34)
        .map(|i| if i <= 17 { [0.7, 0.3] } else { [0.3, 0.7] })
        .collect();
    let run = |n: usize| {
        let init = json!({ "z": q });
        let bytes = data_bytes("karate.csv");
        fit(model, &Options::default(), bytes, Some(init), n)
    };
    let want = numbers(&o["trajectory"]["elbo"]);
    let short = run(want.len());
    assert_eq!(short.method, "variational Bayes");
    same_trajectory(name, &short.outcome.trace, &want, 1e-10);
    let end = &o["final"];
    let f = run(end["sweeps"].as_u64().expect("sweeps") as usize);
    let want = end["elbo"].as_f64().expect("a number");
    assert!((last(&f) - want).abs() <= 1e-9 * want.abs(), "{}", last(&f));
    same_values(name, f.get("z", "probabilities"), &end["q(z)"], 1e-7, 0.0);
    same_values(
        name,
        f.get("weight", "concentration"),
        &end["alpha"],
        0.0,
        1e-7,
    );
    same_values(name, f.get("p", "a"), &end["a"], 0.0, 1e-7);
    same_values(name, f.get("p", "b"), &end["b"], 0.0, 1e-7);
}

/// The rows and pixels of an oracle, divided by 16.
fn pixels(o: &Value) -> Vec<u8> {
    let (header, rows) = table("digits.csv");
    let columns: Vec<String> =
        serde_json::from_value(o["data"]["columns"].clone()).expect("columns");
    let at: Vec<usize> = columns
        .iter()
        .map(|c| header.iter().position(|h| h == c).expect("a column"))
        .collect();
    let range = o["data"]["rows_used_0based"].as_str().expect("a range");
    let (from, to) = range.split_once("..").expect("a range");
    let (from, to): (usize, usize) = (from.parse().expect("a row"), to.parse().expect("a row"));
    let cell = |r: &Vec<String>, i: usize| r[i].parse::<f64>().expect("a number") / 16.0;
    let rows: Vec<Vec<String>> = rows[from..=to]
        .iter()
        .map(|r| at.iter().map(|i| cell(r, *i).to_string()).collect())
        .collect();
    csv_bytes(&columns, &rows)
}

/// By enumeration of the joint states of a row the likelihood is exact; split, the bound and every sweep of it.
#[test]
fn bsc_meanfield_digits() {
    let name = "bsc_meanfield_digits";
    let Some(o) = oracle(name) else { return };
    let c = &o["constants"];
    let p: Vec<f64> = numbers(&c["b"])
        .iter()
        .map(|b| 1.0 / (1.0 + (-b).exp()))
        .collect();
    let model = format!(
        "data row {{ v[pixel] : real = \"p*\" }}\nplate cause({})\nconst W[pixel, cause] = {}\n\
         const p[cause] = {p:?}\nlatent h[row, cause] ~ Bernoulli(p)\n\
         observe v[row, pixel] ~ Gaussian(sum(W * h over cause), precision = {})",
        p.len(),
        c["W (rows = visible, columns = causes)"],
        c["beta"]
    );
    let end = &o["final"];
    let joint = fit(&model, &Options::default(), pixels(&o), None, 1);
    assert_eq!(joint.method, "exact posterior");
    let exact = numbers(&end["exact_loglik"]);
    same_trajectory(name, &joint.outcome.trace, &exact, 1e-10);
    let split = model.replace("Bernoulli(p)", "Bernoulli(p) as factorised");
    let start = vec![vec![[0.5, 0.5]; p.len()]; 20];
    let run = |n: usize| {
        let init = json!({ "h": start });
        fit(&split, &Options::default(), pixels(&o), Some(init), n)
    };
    let want = numbers(&o["trajectory"]["elbo"]);
    let f = run(want.len() - 1);
    same_trajectory(name, &f.outcome.trace, &want[1..], 1e-10);
    let f = run(200);
    let elbo = end["elbo"].as_f64().expect("a number");
    assert!(
        (last(&f) - elbo).abs() <= 1e-10 * elbo.abs(),
        "{}",
        last(&f)
    );
    let ones: Vec<f64> = f
        .get("h", "probabilities")
        .iter()
        .skip(1)
        .step_by(2)
        .copied()
        .collect();
    for (mine, want) in ones.iter().zip(numbers(&end["hhat"])) {
        assert!((mine - want).abs() <= 1e-8, "{mine} instead of {want}");
    }
}
