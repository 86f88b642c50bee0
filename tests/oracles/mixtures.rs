//! Gaussian mixtures: full, diagonal, tied by EM; Bayesian with joint and with independent priors. Poisson mixtures.

use serde_json::{Value, json};

use pmc::check::Options;

use crate::fixture::{
    Fitted, data_bytes, fit, numbers, oracle, same_trajectory, same_values, table,
};

fn columns(o: &Value) -> String {
    let c: Vec<&str> = o["data"]["columns"]
        .as_array()
        .expect("columns")
        .iter()
        .map(|c| c.as_str().expect("a name"))
        .collect();
    c.join(", ")
}

fn file(o: &Value) -> String {
    o["data"]["file"]
        .as_str()
        .expect("a file")
        .replace("data/", "")
}

fn em(name: &str, full: bool, tied: bool) {
    let Some(o) = oracle(name) else { return };
    let k = o["init"]["pi"].as_array().expect("weights").len();
    let columns = columns(&o);
    let model = format!(
        "data row {{ x[feature] : real = ({columns}) }}\nplate cluster({k})\nparam weight : simplex over cluster\n{}latent z[row] ~ Categorical(weight)\n",
        match (full, tied) {
            (true, false) =>
                "param mu[cluster] : real over feature\nparam S[cluster] : covariance over feature\nobserve x[row] ~ Gaussian(mu[z], cov = S[z]) over feature\n",
            (true, true) =>
                "param mu[cluster] : real over feature\nparam S : covariance over feature\nobserve x[row] ~ Gaussian(mu[z], cov = S) over feature\n",
            _ =>
                "param mu[cluster, feature] : real\nparam S[cluster, feature] : positive\nobserve x[row, feature] ~ Gaussian(mu[z], var = S[z])\n",
        }
    );
    let init = json!({"weight": o["init"]["pi"], "mu": o["init"]["mu"], "S": o["init"]["cov"]});
    let want = numbers(&o["trajectory"]["loglik"]);
    let short = fit(
        &model,
        &Options::default(),
        data_bytes(&file(&o)),
        Some(init.clone()),
        want.len() - 1,
    );
    assert_eq!(
        (short.method, short.objective),
        ("exact EM", "log_likelihood")
    );
    assert_eq!(short.outcome.trace_start, 0);
    same_trajectory(name, &short.outcome.trace, &want, 1e-9);
    let long = fit(
        &model,
        &Options::default(),
        data_bytes(&file(&o)),
        Some(init),
        500,
    );
    let last = long.outcome.trace.last().expect("a trace");
    let l = o["final"]["loglik"].as_f64().expect("a number");
    assert!(
        (last - l).abs() <= 1e-9 * l.abs(),
        "{name}: final {last} instead of {l}"
    );
    for (mine, theirs) in [("weight", "pi"), ("mu", "mu"), ("S", "cov")] {
        same_values(
            name,
            long.get(mine, "value"),
            &o["final"][theirs],
            1e-5,
            0.0,
        );
    }
}

#[test]
fn gmm_full_faithful() {
    em("gmm_full_faithful", true, false);
}

#[test]
fn gmm_full_iris() {
    em("gmm_full_iris", true, false);
}

#[test]
fn gmm_diag_faithful() {
    em("gmm_diag_faithful", false, false);
}

#[test]
fn gmm_diag_iris() {
    em("gmm_diag_iris", false, false);
}

#[test]
fn gmm_tied_faithful() {
    em("gmm_tied_faithful", true, true);
}

#[test]
fn gmm_tied_iris() {
    em("gmm_tied_iris", true, true);
}

/// q(z) as the reference files state it: 0.9 for the number of thresholds that a column exceeds, the rest shared.
fn thresholds(o: &Value, k: usize) -> Value {
    let (header, rows) = table(&file(o));
    let column = o["init"]["threshold_column"].as_str().expect("a column");
    let at = header.iter().position(|h| h == column).expect("a column");
    let cuts = numbers(&o["init"]["thresholds"]);
    let q: Vec<Vec<f64>> = rows
        .iter()
        .map(|r| {
            let v: f64 = r[at].parse().expect("a number");
            let best = cuts.iter().filter(|c| v > **c).count();
            (0..k)
                .map(|i| if i == best { 0.9 } else { 0.1 / (k - 1) as f64 })
                .collect()
        })
        .collect();
    json!(q)
}

fn bayesian(name: &str, prior: &str, k: usize, extra: Value) -> Option<(Fitted, Value)> {
    let o = oracle(name)?;
    let columns = columns(&o);
    let h = &o["hyperparameters"];
    let list = |key: &str| h[key].to_string();
    let alpha = h["alpha0"].as_f64().expect("alpha0");
    let model = match prior {
        "joint" => format!(
            "const m0[feature] = {}\nconst V0[feature, feature] = {}\n\
             data row {{ x[feature] : real = ({columns}) }}\nplate cluster({k})\n\
             latent weight ~ Dirichlet({alpha}) over cluster\n\
             latent Lambda[cluster] ~ Wishart({}, inverse_scale = V0) over feature\n\
             latent mu[cluster] ~ Gaussian(m0, precision = {} * Lambda) over feature\n\
             latent z[row] ~ Categorical(weight)\n\
             observe x[row] ~ Gaussian(mu[z], precision = Lambda[z]) over feature",
            list("m0"),
            list("V0"),
            h["n0"],
            h["b0"]
        ),
        "independent" => format!(
            "const m0[feature] = {}\nconst V0[feature, feature] = {}\nconst P0[feature, feature] = {}\n\
             data row {{ x[feature] : real = ({columns}) }}\nplate cluster({k})\n\
             latent weight ~ Dirichlet({alpha}) over cluster\n\
             latent Lambda[cluster] ~ Wishart({}, inverse_scale = V0) over feature\n\
             latent mu[cluster] ~ Gaussian(m0, precision = P0) over feature\n\
             latent z[row] ~ Categorical(weight)\n\
             observe x[row] ~ Gaussian(mu[z], precision = Lambda[z]) over feature",
            list("m0"),
            list("V0"),
            list("P0"),
            h["n0"]
        ),
        _ => format!(
            "const m0[feature] = {}\nconst p0[feature] = {}\nconst b0[feature] = {}\n\
             data row {{ x[feature] : real = ({columns}) }}\nplate cluster({k})\n\
             latent weight ~ Dirichlet({alpha}) over cluster\n\
             latent mu[cluster, feature] ~ Gaussian(m0, precision = p0)\n\
             latent tau[cluster, feature] ~ Gamma({}, rate = b0)\n\
             latent z[row] ~ Categorical(weight)\n\
             observe x[row, feature] ~ Gaussian(mu[z], precision = tau[z])",
            list("m0"),
            list("p0"),
            list("b0"),
            h["a0"]
        ),
    };
    let mut init = json!({"z": thresholds(&o, k)});
    if let (Value::Object(a), Value::Object(b)) = (&mut init, extra) {
        a.extend(b);
    }
    let want = numbers(&o["trajectory"]["elbo"]);
    let short = fit(
        &model,
        &Options::default(),
        data_bytes(&file(&o)),
        Some(init.clone()),
        want.len(),
    );
    assert_eq!(
        (short.method, short.objective),
        ("variational Bayes", "elbo")
    );
    same_trajectory(name, &short.outcome.trace, &want, 1e-8);
    let sweeps = o["final"]["sweeps"].as_u64().expect("sweeps") as usize;
    let long = fit(
        &model,
        &Options::default(),
        data_bytes(&file(&o)),
        Some(init),
        sweeps,
    );
    let last = long.outcome.trace.last().expect("a trace");
    let l = o["final"]["elbo"].as_f64().expect("a number");
    assert!(
        (last - l).abs() <= 1e-8 * l.abs(),
        "{name}: final {last} instead of {l}"
    );
    let q = &o["final"]["q_parameters"];
    same_values(
        name,
        long.get("weight", "concentration"),
        &q["alpha"],
        0.0,
        1e-4,
    );
    same_values(name, long.get("mu", "mean"), &q["m"], 0.0, 1e-4);
    Some((long, o))
}

fn joint(name: &str, k: usize) {
    if let Some((f, o)) = bayesian(name, "joint", k, json!({})) {
        let q = &o["final"]["q_parameters"];
        same_values(name, f.get("mu", "beta"), &q["beta"], 0.0, 1e-4);
        same_values(name, f.get("Lambda", "df"), &q["nu"], 0.0, 1e-4);
        same_values(
            name,
            f.get("Lambda", "inverse_scale"),
            &q["V_inverse_scale"],
            0.0,
            1e-4,
        );
    }
}

#[test]
fn bgmm_gw_k2_faithful() {
    joint("bgmm_gw_k2_faithful", 2);
}

#[test]
fn bgmm_gw_k6_faithful() {
    joint("bgmm_gw_k6_faithful", 6);
}

#[test]
fn bgmm_indep_k2_faithful() {
    let Some(o) = oracle("bgmm_indep_k2_faithful") else {
        return;
    };
    let l = &o["init"]["E_q[Lambda_k] used by the first mu update"];
    if let Some((f, o)) = bayesian(
        "bgmm_indep_k2_faithful",
        "independent",
        2,
        json!({"Lambda": [l, l]}),
    ) {
        let q = &o["final"]["q_parameters"];
        same_values("Lambda", f.get("Lambda", "df"), &q["nu"], 0.0, 1e-4);
        same_values(
            "Lambda",
            f.get("Lambda", "inverse_scale"),
            &q["V_inverse_scale"],
            0.0,
            1e-4,
        );
    }
}

fn diagonal(name: &str, k: usize) {
    let Some(o) = oracle(name) else { return };
    let t = &o["init"]["E_q[tau_kd] used by the first mu update"];
    let tau: Vec<&Value> = (0..k).map(|_| t).collect();
    if let Some((f, o)) = bayesian(name, "diagonal", k, json!({"tau": tau})) {
        let q = &o["final"]["q_parameters"];
        same_values(name, f.get("tau", "shape"), &q["a_shape"], 0.0, 1e-4);
        same_values(name, f.get("tau", "rate"), &q["b_rate"], 0.0, 1e-4);
    }
}

#[test]
fn bgmm_diag_k2_faithful() {
    diagonal("bgmm_diag_k2_faithful", 2);
}

#[test]
fn bgmm_diag_k3_iris() {
    diagonal("bgmm_diag_k3_iris", 3);
}

#[test]
fn poisson_mixture_k2() {
    let name = "poisson_mixture_k2_bundesliga_2008";
    let Some(o) = oracle(name) else { return };
    let model = "data match { goals[side] : count = (home_goals, away_goals) }\nplate kind(2)\n\
        param weight : simplex over kind\nparam rate[kind, side] : positive\n\
        latent z[match] ~ Categorical(weight)\nobserve goals[match, side] ~ Poisson(rate[z])";
    let want = numbers(&o["trajectory"]["loglik"]);
    let init = json!({"weight": o["init"]["pi"], "rate": o["init"]["lambda"]});
    let f = fit(
        model,
        &Options::default(),
        data_bytes(&file(&o)),
        Some(init),
        want.len() - 1,
    );
    assert_eq!(f.method, "exact EM");
    same_trajectory(name, &f.outcome.trace, &want, 1e-10);
}

#[test]
fn poisson_mixture_vb_k2() {
    let name = "poisson_mixture_vb_k2_bundesliga_2008";
    let Some(o) = oracle(name) else { return };
    let model = "data match { goals[side] : count = (home_goals, away_goals) }\nplate kind(2)\n\
        latent weight ~ Dirichlet(1) over kind\nlatent rate[kind, side] ~ Gamma(1, rate = 1)\n\
        latent z[match] ~ Categorical(weight)\nobserve goals[match, side] ~ Poisson(rate[z])";
    let (header, rows) = table("bundesliga_2008.csv");
    let at = |n: &str| header.iter().position(|h| h == n).expect("a column");
    let (home, away) = (at("home_goals"), at("away_goals"));
    let q: Vec<[f64; 2]> = rows
        .iter()
        .map(|r| {
            let v = |i: usize| r[i].parse::<f64>().expect("a number");
            if v(home) > v(away) {
                [0.2, 0.8]
            } else {
                [0.8, 0.2]
            }
        })
        .collect();
    let want = numbers(&o["trajectory"]["elbo"]);
    let f = fit(
        model,
        &Options::default(),
        data_bytes(&file(&o)),
        Some(json!({ "z": q })),
        want.len(),
    );
    assert_eq!(f.method, "variational Bayes");
    same_trajectory(name, &f.outcome.trace, &want, 1e-9);
}
