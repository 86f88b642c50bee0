//! Gaussian latents: probabilistic PCA, factor analysis, Bayesian PCA with blanks, a hierarchical normal model.

use serde_json::json;

use pmc::check::Options;

use crate::fixture::{csv_bytes, data_bytes, fit, numbers, oracle, same_trajectory, table};

fn factors(name: &str, file: &str, drop: &str, q: usize, diagonal: bool) {
    let Some(o) = oracle(name) else { return };
    let noise = if diagonal { "noise[feature]" } else { "noise" };
    let model = format!(
        "data row {{ {drop} : label  x[feature] : real = rest }}\n\
         let u[row, feature] = (x - mean(x over row)) / sd(x over row)\nplate factor({q})\n\
         latent h[row, factor] ~ Gaussian(0, var = 1)\nparam W[feature, factor] : real\n\
         param {noise} : positive\n\
         observe u[row, feature] ~ Gaussian(sum(W * h over factor), var = noise)"
    );
    let init = json!({
        "W": o["init"]["W"],
        "noise": if diagonal { &o["init"]["psi"] } else { &o["init"]["sigma2"] },
    });
    let want = numbers(&o["trajectory"]["loglik"]);
    let f = fit(
        &model,
        &Options::default(),
        data_bytes(file),
        Some(init),
        want.len() - 1,
    );
    assert_eq!((f.method, f.objective), ("exact EM", "log_likelihood"));
    same_trajectory(name, &f.outcome.trace, &want, 1e-9);
}

#[test]
fn ppca_q2_iris() {
    factors("ppca_q2_iris", "iris.csv", "species", 2, false);
}

#[test]
fn ppca_q3_wine() {
    factors("ppca_q3_wine", "wine.csv", "cultivar", 3, false);
}

#[test]
fn fa_q1_iris() {
    factors("fa_q1_iris", "iris.csv", "species", 1, true);
}

#[test]
fn fa_q3_wine() {
    factors("fa_q3_wine", "wine.csv", "cultivar", 3, true);
}

#[test]
fn hier_normal_eight_schools() {
    let name = "hier_normal_eight_schools";
    let Some(o) = oracle(name) else { return };
    let model = "data school { school : label  y : real  sigma : positive }\n\
        latent mu ~ Gaussian(0, var = 25)\nlatent tau ~ Gamma(2, rate = 50)\n\
        latent theta[school] ~ Gaussian(mu, precision = tau)\n\
        observe y[school] ~ Gaussian(theta, sd = sigma)";
    let want = numbers(&o["trajectory"]["elbo"]);
    let init = json!({"mu": 0.0, "tau": 0.04});
    let f = fit(
        model,
        &Options::default(),
        data_bytes("eight_schools.csv"),
        Some(init),
        want.len(),
    );
    assert_eq!(f.method, "variational Bayes");
    same_trajectory(name, &f.outcome.trace, &want, 1e-9);
}

#[test]
fn bpca_ard_missing_wine() {
    let name = "bpca_ard_missing_wine";
    let Some(o) = oracle(name) else { return };
    let h = &o["hyperparameters"];
    let model = format!(
        "data wine {{ cultivar : label  x[feature] : real = rest }}\nplate factor(5)\n\
         let u[wine, feature] = (x - mean(x over wine)) / sd(x over wine)\n\
         latent h[wine, factor] ~ Gaussian(0, var = 1)\n\
         latent alpha[factor] ~ Gamma({}, rate = {})\n\
         latent W[feature, factor] ~ Gaussian(0, precision = alpha)\n\
         latent tau ~ Gamma({}, rate = {})\n\
         observe u[wine, feature] ~ Gaussian(sum(W * h over factor), precision = tau)",
        h["a0"], h["b0"], h["c0"], h["d0"]
    );
    let (header, rows) = table("wine.csv");
    let rows: Vec<Vec<String>> = rows
        .into_iter()
        .enumerate()
        .map(|(i, r)| {
            r.into_iter()
                .enumerate()
                .map(|(j, c)| {
                    if j < 13 && (7 * i + 3 * j) % 10 == 0 {
                        String::new()
                    } else {
                        c
                    }
                })
                .collect()
        })
        .collect();
    let init = json!({"W": o["init"]["W mean"], "alpha": vec![1.0; 5], "tau": 1.0});
    let want = numbers(&o["trajectory"]["elbo"]);
    let f = fit(
        &model,
        &Options::default(),
        csv_bytes(&header, &rows),
        Some(init),
        want.len(),
    );
    same_trajectory(name, &f.outcome.trace, &want, 1e-9);
}

fn local_level(name: &str, blank: impl Fn(usize) -> bool) {
    let Some(o) = oracle(name) else { return };
    let model = "data step ordered by year { volume : real }\nparam q : positive\nparam r : positive\n\
        latent level[step] ~ Gaussian(level[step-1], var = q) first Gaussian(1000, var = 1e5)\n\
        observe volume[step] ~ Gaussian(level, var = r)";
    let (header, mut rows) = table("nile.csv");
    let at = header.iter().position(|h| h == "volume").expect("a column");
    for (i, r) in rows.iter_mut().enumerate() {
        if blank(i) {
            r[at].clear();
        }
    }
    let init = json!({"q": o["init"]["q"], "r": o["init"]["r"]});
    let want = numbers(&o["trajectory"]["loglik"]);
    let f = fit(
        model,
        &Options::default(),
        csv_bytes(&header, &rows),
        Some(init),
        want.len() - 1,
    );
    assert_eq!((f.method, f.objective), ("exact EM", "log_likelihood"));
    same_trajectory(name, &f.outcome.trace, &want, 1e-9);
}

#[test]
fn lds_local_level_nile() {
    local_level("lds_local_level_nile", |_| false);
}

#[test]
fn lds_local_level_missing_nile() {
    local_level("lds_local_level_missing_nile", |i| {
        (20..40).contains(&i) || (60..80).contains(&i)
    });
}
