//! Discrete data with blanks: latent classes, annotators, semi-supervised naive Bayes.

use serde_json::{Value, json};

use pmc::check::Options;

use crate::fixture::{
    csv_bytes, data_bytes, fit, numbers, oracle, same_trajectory, same_values, table,
};

const CLASSES: &str = "data member { party : label  vote[bill] : binary = rest }\nplate group(K)\n";

fn latent_class(name: &str, k: usize, map: bool) {
    let Some(o) = oracle(name) else { return };
    let model = format!(
        "const K = {k}\n{CLASSES}param weight : simplex over group\n\
         param p[group, bill] {}\nlatent z[member] ~ Categorical(weight)\n\
         observe vote[member, bill] ~ Bernoulli(p[z])",
        if map {
            "~ Beta(1.5, 1.5)"
        } else {
            ": probability"
        }
    );
    let init = json!({"weight": o["init"]["pi"], "p": o["init"]["mu"]});
    let key = if map { "logjoint" } else { "loglik" };
    let want = numbers(&o["trajectory"][key]);
    let f = fit(
        &model,
        &Options::default(),
        data_bytes("housevotes84.csv"),
        Some(init.clone()),
        want.len() - 1,
    );
    assert_eq!(f.method, "exact EM");
    same_trajectory(name, &f.outcome.trace, &want, 1e-10);
    let n = o["final"]["iterations_run"].as_u64().expect("iterations") as usize;
    let f = fit(
        &model,
        &Options::default(),
        data_bytes("housevotes84.csv"),
        Some(init),
        n.max(400),
    );
    let l = o["final"][key].as_f64().expect("a number");
    let last = f.outcome.trace.last().expect("a trace");
    assert!(
        (last - l).abs() <= 1e-9 * l.abs(),
        "{name}: {last} instead of {l}"
    );
    same_values(name, f.get("weight", "value"), &o["final"]["pi"], 1e-4, 0.0);
    same_values(name, f.get("p", "value"), &o["final"]["mu"], 1e-4, 0.0);
}

#[test]
fn lca_k2_housevotes84() {
    latent_class("lca_k2_housevotes84", 2, false);
}

#[test]
fn lca_k4_housevotes84() {
    latent_class("lca_k4_housevotes84", 4, false);
}

#[test]
fn lca_map_k4_housevotes84() {
    latent_class("lca_map_k4_housevotes84", 4, true);
}

#[test]
fn bern_mixture_vb_k4_housevotes84() {
    let name = "bern_mixture_vb_k4_housevotes84";
    let Some(o) = oracle(name) else { return };
    let model = format!(
        "const K = 4\n{CLASSES}latent weight ~ Dirichlet(0.5) over group\n\
         latent p[group, bill] ~ Beta(1, 1)\nlatent z[member] ~ Categorical(weight)\n\
         observe vote[member, bill] ~ Bernoulli(p[z])"
    );
    let (header, rows) = table("housevotes84.csv");
    let at = |n: &str| header.iter().position(|h| h == n).expect("a column");
    let (a, b) = (at("physician_fee_freeze"), at("immigration"));
    let start = |rows: &[Vec<String>]| -> Value {
        let q: Vec<[f64; 4]> = rows
            .iter()
            .map(|r| {
                let k = usize::from(r[a] == "1") + 2 * usize::from(r[b] == "1");
                std::array::from_fn(|i| if i == k { 0.9 } else { 0.1 / 3.0 })
            })
            .collect();
        json!({ "z": q })
    };
    let full: Vec<Vec<String>> = rows
        .iter()
        .filter(|r| r[1..].iter().any(|c| !c.is_empty()))
        .cloned()
        .collect();
    let want = numbers(&o["trajectory"]["elbo"]);
    let f = fit(
        &model,
        &Options::default(),
        csv_bytes(&header, &full),
        Some(start(&full)),
        300,
    );
    same_trajectory(name, &f.outcome.trace, &want, 1e-9);
    let l = o["final"]["elbo"].as_f64().expect("a number");
    let last = f.outcome.trace.last().expect("a trace");
    assert!((last - l).abs() <= 1e-9 * l.abs());
    same_values(
        name,
        f.get("weight", "concentration"),
        &o["final"]["alpha"],
        0.0,
        1e-6,
    );
    same_values(name, f.get("p", "a"), &o["final"]["a"], 0.0, 1e-6);
    same_values(name, f.get("p", "b"), &o["final"]["b"], 0.0, 1e-6);
    // A row that is blank throughout keeps its latent, at the prior.
    let kept = &o["final"]["variant_with_fully_missing_rows_kept"];
    let f = fit(
        &model,
        &Options::default(),
        csv_bytes(&header, &rows),
        Some(start(&rows)),
        300,
    );
    let want = o["variant_with_fully_missing_rows_kept"]
        .get("elbo_first10")
        .or_else(|| kept.get("elbo_first10"))
        .map(numbers);
    if let Some(want) = want {
        same_trajectory("rows without votes kept", &f.outcome.trace, &want, 1e-9);
    }
}

fn dawid_skene(name: &str, map: bool) {
    let Some(o) = oracle(name) else { return };
    let model = format!(
        "data vote {{ item : label = \"image\"  worker : label  answer : label of class = \"label\" }}\n\
         param prior : simplex over class\n\
         param confusion[worker, class] {} over class\n\
         latent truth[item] ~ Categorical(prior)\n\
         observe answer[vote] ~ Categorical(confusion[worker, truth])",
        if map { "~ Dirichlet(2)" } else { ": simplex" }
    );
    let one = &o["init"]["C (same for every worker, rows = true class)"];
    let workers = o["data"]["workers"].as_u64().expect("workers") as usize;
    let confusion: Vec<&Value> = (0..workers).map(|_| one).collect();
    let init = json!({"prior": o["init"]["p"], "confusion": confusion});
    let key = if map { "logjoint" } else { "loglik" };
    let want = numbers(&o["trajectory"][key]);
    let f = fit(
        &model,
        &Options::default(),
        data_bytes("bluebirds.csv"),
        Some(init.clone()),
        want.len() - 1,
    );
    assert_eq!(f.method, "exact EM");
    same_trajectory(name, &f.outcome.trace, &want, 1e-10);
    let n = o["final"]["iterations_run"].as_u64().expect("iterations") as usize;
    let f = fit(
        &model,
        &Options::default(),
        data_bytes("bluebirds.csv"),
        Some(init),
        n,
    );
    let l = o["final"][key].as_f64().expect("a number");
    let last = f.outcome.trace.last().expect("a trace");
    assert!(
        (last - l).abs() <= 1e-9 * l.abs(),
        "{name}: {last} instead of {l}"
    );
    same_values(name, f.get("prior", "value"), &o["final"]["p"], 1e-4, 0.0);
}

#[test]
fn dawid_skene_ml_bluebirds() {
    dawid_skene("dawid_skene_ml_bluebirds", false);
}

#[test]
fn dawid_skene_map_bluebirds() {
    dawid_skene("dawid_skene_map_bluebirds", true);
}

/// The data with the class column blank but in every tenth row.
fn hidden(file: &str, column: &str) -> Vec<u8> {
    let (header, mut rows) = table(file);
    let at = header.iter().position(|h| h == column).expect("a column");
    for (i, r) in rows.iter_mut().enumerate() {
        if i % 10 != 0 {
            r[at].clear();
        }
    }
    csv_bytes(&header, &rows)
}

#[test]
fn nb_semisup_penguins() {
    let name = "nb_semisup_penguins";
    let Some(o) = oracle(name) else { return };
    let measured = [
        "bill_length_mm",
        "bill_depth_mm",
        "flipper_length_mm",
        "body_mass_g",
    ];
    let model = "data bird { species : label  sex : label\n\
          x[feature] : real = (bill_length_mm, bill_depth_mm, flipper_length_mm, body_mass_g) }\n\
        param prior : simplex over species\nparam p[species] : simplex over sex\n\
        param mu[species, feature] : real\nparam s2[species, feature] : positive\n\
        observe species[bird] ~ Categorical(prior)\n\
        observe sex[bird] ~ Categorical(p[species])\n\
        observe x[bird, feature] ~ Gaussian(mu[species], var = s2[species])";
    let by = |from: &Value, key: &str| -> Vec<Vec<f64>> {
        (0..3)
            .map(|k| {
                measured
                    .iter()
                    .map(|m| numbers(&from[*m][key])[k])
                    .collect()
            })
            .collect()
    };
    let init = json!({
        "prior": o["init"]["class_prior"],
        "p": o["init"]["sex"]["prob (rows = class)"],
        "mu": by(&o["init"], "mean"),
        "s2": by(&o["init"], "variance"),
    });
    let want = numbers(&o["trajectory"]["loglik"]);
    let f = fit(
        model,
        &Options::default(),
        hidden("penguins.csv", "species"),
        Some(init.clone()),
        want.len() - 1,
    );
    assert_eq!(f.method, "exact EM");
    same_trajectory(name, &f.outcome.trace, &want, 1e-10);
    let f = fit(
        model,
        &Options::default(),
        hidden("penguins.csv", "species"),
        Some(init),
        200,
    );
    let l = o["final"]["loglik"].as_f64().expect("a number");
    let last = f.outcome.trace.last().expect("a trace");
    assert!(
        (last - l).abs() <= 1e-9 * l.abs(),
        "{name}: {last} instead of {l}"
    );
    same_values(
        name,
        f.get("prior", "value"),
        &o["final"]["class_prior"],
        0.0,
        1e-4,
    );
    same_values(
        name,
        f.get("mu", "value"),
        &json!(by(&o["final"], "mean")),
        0.0,
        1e-4,
    );
    same_values(
        name,
        f.get("s2", "value"),
        &json!(by(&o["final"], "variance")),
        0.0,
        1e-4,
    );
}

#[test]
fn nb_semisup_housevotes84() {
    let name = "nb_semisup_housevotes84";
    let Some(o) = oracle(name) else { return };
    let model = "data member { party : label  vote[bill] : binary = rest }\n\
        param prior : simplex over party\nparam p[party, bill] : probability\n\
        observe party[member] ~ Categorical(prior)\n\
        observe vote[member, bill] ~ Bernoulli(p[party])";
    let (header, _) = table("housevotes84.csv");
    let p: Vec<Vec<f64>> = (0..2)
        .map(|k| {
            header[1..]
                .iter()
                .map(|b| numbers(&o["init"][b]["prob (rows = class)"][k])[1])
                .collect()
        })
        .collect();
    let init = json!({"prior": o["init"]["class_prior"], "p": p});
    let want = numbers(&o["trajectory"]["loglik"]);
    let f = fit(
        model,
        &Options::default(),
        hidden("housevotes84.csv", "party"),
        Some(init.clone()),
        want.len() - 1,
    );
    same_trajectory(name, &f.outcome.trace, &want, 1e-10);
    let f = fit(
        model,
        &Options::default(),
        hidden("housevotes84.csv", "party"),
        Some(init),
        200,
    );
    let l = o["final"]["loglik"].as_f64().expect("a number");
    let last = f.outcome.trace.last().expect("a trace");
    assert!(
        (last - l).abs() <= 1e-9 * l.abs(),
        "{name}: {last} instead of {l}"
    );
}
