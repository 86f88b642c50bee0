//! One latent number that matches no family: its factor is exact, so the bound is the log evidence, here by a fine
//! trapezium rule.

use statrs::distribution::{Beta, Continuous};

use crate::fixture::{fit, same, same_list};
use crate::special::{ln_gamma_pdf, ln_normal, ln_poisson};

/// log of the integral of exp(f), the mean and the variance, on equal steps from `low` to `high`.
fn trapezium(low: f64, high: f64, f: &dyn Fn(f64) -> f64) -> (f64, f64, f64) {
    let n = 200_000;
    let step = (high - low) / f64::from(n);
    let at = |i: i32| low + step * (f64::from(i) + 0.5);
    let top = (0..n).map(|i| f(at(i))).fold(f64::NEG_INFINITY, f64::max);
    let (mut z, mut first, mut second) = (0.0, 0.0, 0.0);
    for i in 0..n {
        let p = (f(at(i)) - top).exp();
        z += p;
        first += p * at(i);
        second += p * at(i) * at(i);
    }
    let mean = first / z;
    (top + (z * step).ln(), mean, second / z - mean * mean)
}

fn column(name: &str, x: &[f64]) -> String {
    let lines = x.iter().map(|x| format!("{x}\n"));
    format!("{name}\n{}", lines.collect::<String>())
}

#[test]
fn a_log_rate() {
    let n = [3.0, 0.0, 2.0, 5.0, 1.0, 2.0];
    let f = fit(
        "data row { n : count }
         latent v ~ Gaussian(0.5, var = 2)
         observe n[row] ~ Poisson(log = v)",
        &column("n", &n),
        None,
        1,
    );
    let (log_z, mean, variance) = trapezium(-6.0, 6.0, &|v| {
        ln_normal(v, 0.5, 2.0) + n.iter().map(|n| ln_poisson(*n, v.exp())).sum::<f64>()
    });
    same("evidence", f.last(), log_z, 1e-10);
    same("mean", f.get("v", "mean")[0], mean, 1e-9);
    same("variance", f.get("v", "variance")[0], variance, 1e-9);
}

/// One for each group, with a known exposure and a slope; a group without rows keeps its prior.
#[test]
fn a_log_rate_of_each_group() {
    let rows = [
        (1, 4.0, 0.2, 0.5),
        (1, 0.0, -0.1, 1.0),
        (2, 9.0, 1.0, 1.5),
        (1, 2.0, 0.0, 2.0),
        (2, 3.0, -0.5, 1.0),
    ];
    let lines = rows.iter().map(|(g, n, o, x)| format!("{g},{n},{o},{x}\n"));
    let f = fit(
        "plate group(3)
         data row { g : label of group  n : count  o : real  x : real }
         latent v[group] ~ Gaussian(0, var = 1)
         observe n[row] ~ Poisson(log = o + x * v[g])",
        &format!("g,n,o,x\n{}", lines.collect::<String>()),
        None,
        1,
    );
    let (mut total, mut means, mut variances) = (0.0, vec![], vec![]);
    for g in 1..=3 {
        let (log_z, mean, variance) = trapezium(-8.0, 8.0, &|v| {
            let data = rows.iter().filter(|r| r.0 == g);
            ln_normal(v, 0.0, 1.0)
                + data
                    .map(|(_, n, o, x)| ln_poisson(*n, (o + x * v).exp()))
                    .sum::<f64>()
        });
        total += log_z;
        means.push(mean);
        variances.push(variance);
    }
    same("evidence", f.last(), total, 1e-10);
    same_list("means", &f.get("v", "mean"), &means, 1e-9);
    same_list("variances", &f.get("v", "variance"), &variances, 1e-9);
}

#[test]
fn a_latent_shape() {
    let x = [0.4, 1.7, 2.2, 0.9, 3.8];
    let f = fit(
        "data row { x : positive }
         latent a ~ Gamma(2, rate = 1)
         observe x[row] ~ Gamma(a, rate = 1.5)",
        &column("x", &x),
        None,
        1,
    );
    let (log_z, mean, variance) = trapezium(0.0, 14.0, &|a| {
        ln_gamma_pdf(a, 2.0, 1.0) + x.iter().map(|x| ln_gamma_pdf(*x, a, 1.5)).sum::<f64>()
    });
    same("evidence", f.last(), log_z, 1e-9);
    same("mean", f.get("a", "mean")[0], mean, 1e-8);
    same("variance", f.get("a", "variance")[0], variance, 1e-8);
}

/// The same under rows of a Beta.
#[test]
fn a_latent_beta_shape() {
    let x = [0.3, 0.55, 0.8, 0.2, 0.45];
    let f = fit(
        "data row { x : probability }
         latent a ~ Gamma(2, rate = 0.5)
         observe x[row] ~ Beta(a, 2)",
        &column("x", &x),
        None,
        1,
    );
    let (log_z, mean, _) = trapezium(0.0, 40.0, &|a| {
        let beta = |x: &f64| Beta::new(a, 2.0).expect("beta").ln_pdf(*x);
        ln_gamma_pdf(a, 2.0, 0.5) + x.iter().map(beta).sum::<f64>()
    });
    same("evidence", f.last(), log_z, 1e-8);
    same("mean", f.get("a", "mean")[0], mean, 1e-7);
}
