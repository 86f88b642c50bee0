//! Conjugate models: the ELBO is the log evidence, q is the posterior.

use statrs::function::gamma::ln_gamma;

use crate::fixture::{Table, data, exactly, fit, model, near};

fn ln_beta(a: f64, b: f64) -> f64 {
    ln_gamma(a) + ln_gamma(b) - ln_gamma(a + b)
}

/// p(x) = B(a + s, b + f) / B(a, b) for s heads and f tails in a given order.
#[test]
fn beta_bernoulli() {
    let t = Table::read(&data("beta_bernoulli"));
    let heads = t.column("heads");
    let s = heads.iter().filter(|h| **h == "1").count() as f64;
    let f = heads.len() as f64 - s;
    assert!(s > 0.0 && f > 0.0);
    let fitted = fit(
        &model("beta_bernoulli"),
        data("beta_bernoulli"),
        None,
        &exactly(2),
    );
    assert_eq!(fitted.method, "exact posterior");
    let evidence = ln_beta(2.0 + s, 2.0 + f) - ln_beta(2.0, 2.0);
    for l in &fitted.outcome.trace {
        near("log evidence", *l, evidence, 1e-12);
    }
    assert_eq!(
        fitted.get("p", "a").iter().copied().collect::<Vec<_>>(),
        [2.0 + s]
    );
    assert_eq!(
        fitted.get("p", "b").iter().copied().collect::<Vec<_>>(),
        [2.0 + f]
    );
}

/// tau ~ Gamma(a, b), mu | tau ~ N(m, 1 / (k tau)), n observations with mean x and sum of squared deviations S:
///
/// ```text
/// k' = k + n,  m' = (k m + n x) / k',  a' = a + n/2,  b' = b + S/2 + k n (x - m)^2 / (2 k')
/// log p = lnG(a') - lnG(a) + a ln b - a' ln b' + ln(k / k') / 2 - n ln(2 pi) / 2
/// ```
#[test]
fn normal_gamma() {
    let (a, b, m, k) = (2.0, 4e4, 1000.0, 0.1);
    let t = Table::read(&data("normal_gamma"));
    let x: Vec<f64> = t.numbers(&["volume"]).into_iter().map(|r| r[0]).collect();
    let n = x.len() as f64;
    let mean = x.iter().sum::<f64>() / n;
    let s: f64 = x.iter().map(|v| (v - mean).powi(2)).sum();
    let (k1, a1) = (k + n, a + n / 2.0);
    let m1 = (k * m + n * mean) / k1;
    let b1 = b + s / 2.0 + k * n * (mean - m).powi(2) / (2.0 * k1);
    let evidence = ln_gamma(a1) - ln_gamma(a) + a * b.ln() - a1 * b1.ln() + 0.5 * (k / k1).ln()
        - 0.5 * n * (2.0 * std::f64::consts::PI).ln();
    let f = fit(
        &model("normal_gamma"),
        data("normal_gamma"),
        None,
        &exactly(2),
    );
    assert_eq!(f.method, "exact posterior");
    for l in &f.outcome.trace {
        near("log evidence", *l, evidence, 1e-12);
    }
    let one = |name: &str, p: &str| *f.get(name, p).first().expect("a number");
    near("mean", one("mu", "mean"), m1, 1e-12);
    near("shape", one("tau", "shape"), a1, 1e-12);
    near("rate", one("tau", "rate"), b1, 1e-12);
}
