//! Linear regression: the exact posterior at known precisions, relevance precisions at their end, mixtures of lines.

use serde_json::{Value, json};

use pmc::check::Options;

use crate::fixture::{
    Fitted, csv_bytes, data_bytes, fit, numbers, oracle, same_trajectory, same_values, table,
};

/// Covariates and response less their mean, over their standard deviation.
const STANDARDISED: &str = "data person { y : real = \"target\"  x[feature] : real = rest }\n\
    let xs[person, feature] = (x - mean(x over person)) / sd(x over person)\n\
    let ys[person] = (y - mean(y over person)) / sd(y over person)\n";

fn number(v: &Value) -> f64 {
    v.as_f64().expect("a number")
}

fn last(f: &Fitted) -> f64 {
    *f.outcome.trace.last().expect("a trace")
}

/// Standard deviations from the covariance of q, the last two axes of its parameter.
fn sds(f: &Fitted, name: &str) -> Vec<f64> {
    let c = f.get(name, "covariance");
    let d = *c.shape().last().expect("two axes");
    let flat: Vec<f64> = c.iter().copied().collect();
    (0..d).map(|i| flat[i * d + i].sqrt()).collect()
}

/// One block: the ELBO is the log evidence after a single update.
#[test]
fn blr_exact_diabetes() {
    let name = "blr_exact_diabetes";
    let Some(o) = oracle(name) else { return };
    let h = &o["hyperparameters"];
    let model = format!(
        "{STANDARDISED}latent w[feature] ~ Gaussian(0, precision = {})\n\
         observe ys[person] ~ Gaussian(sum(w * xs over feature), precision = {})",
        h["alpha"], h["tau"]
    );
    let f = fit(
        &model,
        &Options::default(),
        data_bytes("diabetes.csv"),
        None,
        1,
    );
    assert_eq!(f.method, "exact posterior");
    let want = number(&o["final"]["log_evidence"]);
    same_trajectory(name, &f.outcome.trace, &[want], 1e-10);
    same_values(name, f.get("w", "mean"), &o["final"]["w_mean"], 1e-9, 0.0);
    for (s, want) in sds(&f, "w").iter().zip(numbers(&o["final"]["w_sd"])) {
        assert!((s - want).abs() < 1e-9, "{name}: {s} instead of {want}");
    }
}

/// The first sweeps one by one; at the end all of q.
#[test]
fn blr_ard_diabetes() {
    let name = "blr_ard_diabetes";
    let Some(o) = oracle(name) else { return };
    let h = &o["hyperparameters"];
    let model = format!(
        "{STANDARDISED}latent alpha[feature] ~ Gamma({}, rate = {})\n\
         latent w[feature] ~ Gaussian(0, precision = alpha)\n\
         latent tau ~ Gamma({}, rate = {})\n\
         observe ys[person] ~ Gaussian(sum(w * xs over feature), precision = tau)",
        h["a0"], h["b0"], h["c0"], h["d0"]
    );
    let run = |n: usize| {
        let init = json!({"alpha": vec![1.0; 10], "tau": 1.0});
        let bytes = data_bytes("diabetes.csv");
        fit(&model, &Options::default(), bytes, Some(init), n)
    };
    let want = numbers(&o["trajectory"]["elbo"]);
    let short = run(want.len());
    assert_eq!(short.method, "variational Bayes");
    same_trajectory(name, &short.outcome.trace, &want, 1e-9);
    let end = &o["final"];
    let f = run(end["sweeps"].as_u64().expect("sweeps") as usize);
    let (mine, want) = (last(&f), number(&end["elbo"]));
    assert!(
        (mine - want).abs() <= 1e-9 * want.abs(),
        "{name}: {mine} instead of {want}"
    );
    same_values(name, f.get("w", "mean"), &end["w_mean"], 1e-8, 0.0);
    for (s, want) in sds(&f, "w").iter().zip(numbers(&end["w_sd"])) {
        assert!((s - want).abs() < 1e-8, "{name}: {s} instead of {want}");
    }
    for (unknown, parameter) in [
        ("alpha", "shape"),
        ("alpha", "rate"),
        ("tau", "shape"),
        ("tau", "rate"),
    ] {
        let want = numbers(&end[format!("{unknown}_{parameter}")]);
        let mine = f.get(unknown, parameter);
        for (i, m) in mine.iter().enumerate() {
            let w = want.get(i).or(want.first()).expect("a number");
            assert!(
                (m - w).abs() <= 1e-6 * w.abs(),
                "{name}: {parameter} of {unknown} {i}: {m} instead of {w}"
            );
        }
    }
}

/// Rows with a blank among these columns are not read.
fn complete(file: &str, columns: &[&str]) -> Vec<u8> {
    let (header, rows) = table(file);
    let at: Vec<usize> = columns
        .iter()
        .map(|c| header.iter().position(|h| h == c).expect("a column"))
        .collect();
    let whole: Vec<Vec<String>> = rows
        .into_iter()
        .filter(|r| at.iter().all(|i| !r[*i].is_empty() && r[*i] != "NA"))
        .collect();
    csv_bytes(&header, &whole)
}

fn lines(name: &str, file: &str, x: &str, y: &str) {
    let Some(o) = oracle(name) else { return };
    let c = o["init"]["coefficients [intercept, slope]"]
        .as_array()
        .expect("lines");
    let column = |i: usize| c.iter().map(|r| r[i].clone()).collect::<Vec<_>>();
    let model = format!(
        "data row {{ x : real = \"{x}\"  y : real = \"{y}\" }}\nplate line({})\n\
         param weight : simplex over line\nparam a[line] : real\nparam b[line] : real\n\
         param s2[line] : positive\nlatent z[row] ~ Categorical(weight)\n\
         observe y[row] ~ Gaussian(a[z] + b[z] * x, var = s2[z])",
        c.len()
    );
    let init = json!({
        "weight": o["init"]["pi"], "s2": o["init"]["s2"], "a": column(0), "b": column(1),
    });
    let run = |n: usize| {
        let bytes = complete(file, &[x, y]);
        fit(&model, &Options::default(), bytes, Some(init.clone()), n)
    };
    let want = numbers(&o["trajectory"]["loglik"]);
    let short = run(want.len() - 1);
    assert_eq!(
        (short.method, short.objective),
        ("exact EM", "log_likelihood")
    );
    same_trajectory(name, &short.outcome.trace, &want, 1e-10);
    let n = o["final"]["iterations_run"].as_u64().expect("iterations") as usize;
    let f = run(n.max(700));
    let end = &o["final"];
    let (mine, want) = (last(&f), number(&end["loglik"]));
    assert!(
        (mine - want).abs() <= 1e-9 * want.abs(),
        "{name}: {mine} instead of {want}"
    );
    let final_lines: Vec<Vec<f64>> =
        serde_json::from_value(end["coefficients"].clone()).expect("lines");
    let column = |i: usize| json!(final_lines.iter().map(|r| r[i]).collect::<Vec<_>>());
    for (what, want) in [
        ("weight", end["pi"].clone()),
        ("a", column(0)),
        ("b", column(1)),
        ("s2", end["s2"].clone()),
    ] {
        same_values(name, f.get(what, "value"), &want, 1e-6, 1e-4);
    }
}

#[test]
fn mixreg_k2_faithful() {
    lines("mixreg_k2_faithful", "faithful.csv", "eruptions", "waiting");
}

#[test]
fn mixreg_k3_penguins() {
    lines(
        "mixreg_k3_penguins",
        "penguins.csv",
        "bill_depth_mm",
        "bill_length_mm",
    );
}
