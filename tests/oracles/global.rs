//! Models without row-level latents: mean and precision of one Gaussian.

use serde_json::json;

use pmc::check::Options;

use crate::fixture::{data_bytes, fit, numbers, oracle, same_trajectory};

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
