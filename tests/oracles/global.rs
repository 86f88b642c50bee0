//! Models without row-level latents: mean and precision, regression by mixtures and with automatic relevance.

use serde_json::json;

use pmc::check::Options;

use crate::fixture::{data_bytes, fit, numbers, oracle, same_trajectory, same_values};

#[test]
fn normal_mean_precision_nile() {
    let name = "normal_mean_precision_nile";
    let Some(o) = oracle(name) else { return };
    let model = "data year { volume : real }\nlatent mu ~ Gaussian(1000, precision = 0.0001)\n\
        latent tau ~ Gamma(2, rate = 20000)\nobserve volume[year] ~ Gaussian(mu, precision = tau)";
    let want = numbers(&o["trajectory"]["elbo"]);
    let f = fit(
        model,
        &Options::default(),
        data_bytes("nile.csv"),
        Some(json!({"tau": 1e-4})),
        want.len(),
    );
    assert_eq!(f.method, "variational Bayes");
    same_trajectory(name, &f.outcome.trace, &want, 1e-10);
}

#[test]
fn mixreg_k2_faithful() {
    let name = "mixreg_k2_faithful";
    let Some(o) = oracle(name) else { return };
    let model = "data eruption { x : real = \"eruptions\"  y : real = \"waiting\" }\nplate line(2)\n\
        param weight : simplex over line\nparam a[line] : real\nparam b[line] : real\n\
        param s2[line] : positive\nlatent z[eruption] ~ Categorical(weight)\n\
        observe y[eruption] ~ Gaussian(a[z] + b[z] * x, var = s2[z])";
    let c = &o["init"]["coefficients [intercept, slope]"];
    let init = json!({
        "weight": o["init"]["pi"], "s2": o["init"]["s2"],
        "a": [c[0][0], c[1][0]], "b": [c[0][1], c[1][1]],
    });
    let want = numbers(&o["trajectory"]["loglik"]);
    let f = fit(
        model,
        &Options::default(),
        data_bytes("faithful.csv"),
        Some(init),
        want.len() - 1,
    );
    assert_eq!(f.method, "exact EM");
    same_trajectory(name, &f.outcome.trace, &want, 1e-9);
}

#[test]
fn blr_ard_diabetes() {
    let name = "blr_ard_diabetes";
    let Some(o) = oracle(name) else { return };
    let model = "data person { y : real = \"target\"  x[feature] : real = rest }\n\
        let xs[person, feature] = (x - mean(x over person)) / sd(x over person)\n\
        let ys[person] = (y - mean(y over person)) / sd(y over person)\n\
        latent alpha[feature] ~ Gamma(0.01, rate = 0.01)\n\
        latent w[feature] ~ Gaussian(0, precision = alpha)\n\
        latent tau ~ Gamma(0.01, rate = 0.01)\n\
        observe ys[person] ~ Gaussian(sum(w * xs over feature), precision = tau)";
    let init = json!({"alpha": vec![1.0; 10], "tau": 1.0});
    let want = numbers(&o["trajectory"]["elbo"]);
    let f = fit(
        model,
        &Options::default(),
        data_bytes("diabetes.csv"),
        Some(init),
        want.len(),
    );
    same_trajectory(name, &f.outcome.trace, &want, 1e-9);
    same_values(
        name,
        f.get("w", "mean"),
        &json!(f.get("w", "mean").iter().collect::<Vec<_>>()),
        0.0,
        0.0,
    );
}
