//! Params with priors: the objective is log-likelihood + log prior density in the declared variable, the M-step its mode.

use serde_json::json;

use crate::exact::{Exact, Shape, mixture};
use crate::special::{
    inverse, ln_beta, ln_det, ln_dirichlet, ln_gamma_d, ln_gamma_pdf, ln_inverse_gamma, ln_mvn,
    ln_normal, ln_poisson, rows_of,
};

const Y: [f64; 9] = [0.0, 0.7, -0.4, 1.1, 5.2, 4.0, 6.1, 5.5, 2.0];

fn column(name: &str, y: &[f64]) -> String {
    let lines: Vec<String> = y.iter().map(ToString::to_string).collect();
    format!("{name}\n{}\n", lines.join("\n"))
}

/// A mixture of two Gaussians, every param with a prior; the scale `s` enters as `argument`.
fn gaussians(
    prior: &str,
    argument: &str,
    method: &str,
    var: fn(f64) -> f64,
    ln_prior: fn(f64) -> f64,
    mode: fn(f64, f64) -> f64,
    level: bool,
) {
    let joint =
        |t: &[f64], n: usize, k: usize| t[k].ln() + ln_normal(Y[n], t[2 + k], var(t[4 + k]));
    let l = |t: &[f64]| {
        mixture(9, 2, |_| 1.0, |n, k| joint(t, n, k)).0
            + ln_dirichlet(&t[..2], &[2.0, 2.0])
            + (0..2)
                .map(|k| ln_normal(t[2 + k], 1.0, 4.0) + ln_prior(t[4 + k]))
                .sum::<f64>()
    };
    let model = format!(
        "data row {{ y : real }}
        plate k(2)
        param weight ~ Dirichlet(2) over k
        param mu[k] ~ Gaussian(1, var = 4)
        param s[k] ~ {prior}
        latent z[row] ~ Categorical(weight)
        observe y[row] ~ Gaussian(mu[z], {argument})"
    );
    let case = Exact {
        model: &model,
        csv: &column("y", &Y),
        init: json!({"weight": [0.4, 0.6], "mu": [0.5, 4.5], "s": [1.5, 0.8]}),
        params: &[
            ("weight", Shape::Simplex(1, 2)),
            ("mu", Shape::Free(2)),
            ("s", Shape::Free(2)),
        ],
        method,
        objective: "log_posterior",
        log_likelihood: &l,
    };
    let start = case.start();
    let r = mixture(9, 2, |_| 1.0, |n, k| joint(&start, n, k)).1;
    let sum = |k: usize, f: &dyn Fn(f64) -> f64| (0..9).map(|n| r[n][k] * f(Y[n])).sum::<f64>();
    let mut want: Vec<f64> = (0..2).map(|k| (1.0 + sum(k, &|_| 1.0)) / 11.0).collect();
    // means first, at the old scale; then the scale
    let mu: Vec<f64> = (0..2)
        .map(|k| {
            let v = var(start[4 + k]);
            (0.25 + sum(k, &|y| y) / v) / (0.25 + sum(k, &|_| 1.0) / v)
        })
        .collect();
    want.extend(&mu);
    want.extend((0..2).map(|k| mode(sum(k, &|_| 1.0), sum(k, &|y| (y - mu[k]).powi(2)))));
    case.first_step(&want);
    if level {
        case.level(3000);
    }
}

#[test]
fn variances_under_an_inverse_gamma() {
    gaussians(
        "InverseGamma(1.5, scale = 2)",
        "var = s[z]",
        "ECM",
        |s| s,
        |s| ln_inverse_gamma(s, 1.5, 2.0),
        |n, q| (2.0 + q / 2.0) / (2.5 + n / 2.0),
        true,
    );
}

#[test]
fn precisions_under_a_gamma() {
    gaussians(
        "Gamma(1.5, rate = 2)",
        "precision = s[z]",
        "ECM",
        |s| 1.0 / s,
        |s| ln_gamma_pdf(s, 1.5, 2.0),
        |n, q| (0.5 + n / 2.0) / (2.0 + q / 2.0),
        true,
    );
}

#[test]
fn precisions_under_an_exponential() {
    gaussians(
        "Exponential(rate = 3)",
        "precision = s[z]",
        "ECM",
        |s| 1.0 / s,
        |s| 3f64.ln() - 3.0 * s,
        |n, q| (n / 2.0) / (3.0 + q / 2.0),
        true,
    );
}

#[test]
fn variances_under_a_gamma_are_generalised_inverse_gaussian() {
    // (shape - 1 - n/2) log s - rate s - q/2 / s has its mode at the positive root
    gaussians(
        "Gamma(1.5, rate = 2)",
        "var = s[z]",
        "ECM",
        |s| s,
        |s| ln_gamma_pdf(s, 1.5, 2.0),
        |n, q| {
            let c = 0.5 - n / 2.0;
            (c + (c * c + 4.0 * 2.0 * q / 2.0).sqrt()) / 4.0
        },
        true,
    );
}

#[test]
fn means_tied_to_their_precision() {
    let joint =
        |t: &[f64], n: usize, k: usize| t[k].ln() + ln_normal(Y[n], t[2 + k], 1.0 / t[4 + k]);
    let l = |t: &[f64]| {
        mixture(9, 2, |_| 1.0, |n, k| joint(t, n, k)).0
            + (0..2)
                .map(|k| {
                    ln_normal(t[2 + k], 1.0, 1.0 / (0.5 * t[4 + k]))
                        + ln_gamma_pdf(t[4 + k], 2.5, 1.2)
                })
                .sum::<f64>()
    };
    let case = Exact {
        model: "data row { y : real }
            plate k(2)
            param weight : simplex over k
            param tau[k] ~ Gamma(2.5, rate = 1.2)
            param mu[k] ~ Gaussian(1, precision = 0.5 * tau)
            latent z[row] ~ Categorical(weight)
            observe y[row] ~ Gaussian(mu[z], precision = tau[z])",
        csv: &column("y", &Y),
        init: json!({"weight": [0.4, 0.6], "mu": [0.5, 4.5], "tau": [1.5, 0.8]}),
        params: &[
            ("weight", Shape::Simplex(1, 2)),
            ("mu", Shape::Free(2)),
            ("tau", Shape::Free(2)),
        ],
        method: "exact EM",
        objective: "log_posterior",
        log_likelihood: &l,
    };
    let r = mixture(9, 2, |_| 1.0, |n, k| joint(&case.start(), n, k)).1;
    let sum = |k: usize, f: &dyn Fn(f64) -> f64| (0..9).map(|n| r[n][k] * f(Y[n])).sum::<f64>();
    let mut want: Vec<f64> = (0..2).map(|k| sum(k, &|_| 1.0) / 9.0).collect();
    let mu: Vec<f64> = (0..2)
        .map(|k| (0.5 + sum(k, &|y| y)) / (0.5 + sum(k, &|_| 1.0)))
        .collect();
    want.extend(&mu);
    want.extend((0..2).map(|k| {
        let q = sum(k, &|y| (y - mu[k]).powi(2)) + 0.5 * (mu[k] - 1.0).powi(2);
        (1.5 + 0.5 + sum(k, &|_| 1.0) / 2.0) / (1.2 + q / 2.0)
    }));
    case.first_step(&want);
    case.level(3000);
}

#[test]
fn probabilities_and_rates_under_beta_and_gamma() {
    let rows = [
        (3.0, 1.0),
        (0.0, 0.0),
        (7.0, 1.0),
        (9.0, 0.0),
        (1.0, 1.0),
        (0.0, 1.0),
    ];
    let csv: String = rows.iter().map(|(n, v)| format!("{n},{v}\n")).collect();
    let joint = |t: &[f64], n: usize, k: usize| {
        let (c, v) = rows[n];
        let p = t[4 + k];
        t[k].ln() + ln_poisson(c, t[2 + k]) + if v == 1.0 { p.ln() } else { (-p).ln_1p() }
    };
    let l = |t: &[f64]| {
        mixture(6, 2, |_| 1.0, |n, k| joint(t, n, k)).0
            + (0..2)
                .map(|k| {
                    let p = t[4 + k];
                    ln_gamma_pdf(t[2 + k], 2.0, 0.5) + 1.5 * p.ln() + 0.2 * (-p).ln_1p()
                        - ln_beta(2.5, 1.2)
                })
                .sum::<f64>()
    };
    let case = Exact {
        model: "data row { n : count  v : binary }
            plate k(2)
            param weight : simplex over k
            param rate[k] ~ Gamma(2, rate = 0.5)
            param p[k] ~ Beta(2.5, 1.2)
            latent z[row] ~ Categorical(weight)
            observe n[row] ~ Poisson(rate[z])
            observe v[row] ~ Bernoulli(p[z])",
        csv: &format!("n,v\n{csv}"),
        init: json!({"weight": [0.5, 0.5], "rate": [1, 6], "p": [0.6, 0.4]}),
        params: &[
            ("weight", Shape::Simplex(1, 2)),
            ("rate", Shape::Free(2)),
            ("p", Shape::Free(2)),
        ],
        method: "exact EM",
        objective: "log_posterior",
        log_likelihood: &l,
    };
    let r = mixture(6, 2, |_| 1.0, |n, k| joint(&case.start(), n, k)).1;
    let sum = |k: usize, f: &dyn Fn(&(f64, f64)) -> f64| {
        rows.iter().zip(&r).map(|(x, r)| r[k] * f(x)).sum::<f64>()
    };
    let mut want: Vec<f64> = (0..2).map(|k| sum(k, &|_| 1.0) / 6.0).collect();
    want.extend((0..2).map(|k| (1.0 + sum(k, &|x| x.0)) / (0.5 + sum(k, &|_| 1.0))));
    want.extend((0..2).map(|k| (1.5 + sum(k, &|x| x.1)) / (1.7 + sum(k, &|_| 1.0))));
    case.first_step(&want);
    case.level(3000);
}

const X: [[f64; 2]; 7] = [
    [0.0, 1.0],
    [1.0, 3.0],
    [2.0, 0.5],
    [5.0, 6.0],
    [6.0, 4.5],
    [4.0, 7.0],
    [0.5, 0.0],
];

/// Full-covariance components under a Wishart or inverse Wishart; the mode is in the declared matrix.
fn matrices(
    prior: &str,
    argument: &str,
    cov: fn(&[Vec<f64>]) -> Vec<Vec<f64>>,
    ln_prior: fn(&[Vec<f64>]) -> f64,
    mode: fn(f64, Vec<Vec<f64>>) -> Vec<Vec<f64>>,
) {
    let m = |t: &[f64], k: usize| rows_of(&t[6 + 4 * k..10 + 4 * k], 2);
    let joint = |t: &[f64], n: usize, k: usize| {
        t[k].ln() + ln_mvn(&X[n], &t[2 + 2 * k..4 + 2 * k], &cov(&m(t, k)))
    };
    let l = |t: &[f64]| {
        mixture(7, 2, |_| 1.0, |n, k| joint(t, n, k)).0 + ln_prior(&m(t, 0)) + ln_prior(&m(t, 1))
    };
    let model = format!(
        "data row {{ x[f] : real = (a, b) }}
        plate k(2)
        const P[f, f] = [[2, 0.4], [0.4, 1.5]]
        param weight : simplex over k
        param mu[k] : real over f
        param V[k] ~ {prior} over f
        latent z[row] ~ Categorical(weight)
        observe x[row] ~ Gaussian(mu[z], {argument}) over f"
    );
    let csv: String = X.iter().map(|x| format!("{},{}\n", x[0], x[1])).collect();
    let case = Exact {
        model: &model,
        csv: &format!("a,b\n{csv}"),
        init: json!({"weight": [0.5, 0.5], "mu": [[1, 1], [5, 5]],
            "V": [[[1.5, 0.2], [0.2, 1.2]], [[1, -0.3], [-0.3, 2]]]}),
        params: &[
            ("weight", Shape::Simplex(1, 2)),
            ("mu", Shape::Free(4)),
            ("V", Shape::Matrix(2, 2)),
        ],
        method: "exact EM",
        objective: "log_posterior",
        log_likelihood: &l,
    };
    let r = mixture(7, 2, |_| 1.0, |n, k| joint(&case.start(), n, k)).1;
    let mass: Vec<f64> = (0..2).map(|k| r.iter().map(|r| r[k]).sum()).collect();
    let mut want: Vec<f64> = mass.iter().map(|m| m / 7.0).collect();
    let mu: Vec<[f64; 2]> = (0..2)
        .map(|k| [0, 1].map(|d| (0..7).map(|n| r[n][k] * X[n][d]).sum::<f64>() / mass[k]))
        .collect();
    want.extend(mu.iter().flatten());
    for k in 0..2 {
        let s: Vec<Vec<f64>> = (0..2)
            .map(|d| {
                (0..2)
                    .map(|e| {
                        let c = |n: usize| r[n][k] * (X[n][d] - mu[k][d]) * (X[n][e] - mu[k][e]);
                        [[2.0, 0.4], [0.4, 1.5]][d][e] + (0..7).map(c).sum::<f64>()
                    })
                    .collect()
            })
            .collect();
        want.extend(mode(mass[k], s).concat());
    }
    case.first_step(&want);
    case.level(3000);
}

fn psi() -> Vec<Vec<f64>> {
    vec![vec![2.0, 0.4], vec![0.4, 1.5]]
}

fn trace_of_product(a: &[Vec<f64>], b: &[Vec<f64>]) -> f64 {
    (0..2)
        .map(|i| (0..2).map(|j| a[i][j] * b[j][i]).sum::<f64>())
        .sum()
}

#[test]
fn covariances_under_an_inverse_wishart() {
    matrices(
        "InverseWishart(4.5, scale = P)",
        "cov = V[z]",
        |v| v.to_vec(),
        |v| {
            4.5 / 2.0 * ln_det(&psi())
                - 4.5 * 2f64.ln()
                - ln_gamma_d(2.25, 2)
                - (4.5 + 3.0) / 2.0 * ln_det(v)
                - 0.5 * trace_of_product(&psi(), &inverse(v))
        },
        |n, s| {
            s.iter()
                .map(|r| r.iter().map(|x| x / (4.5 + 3.0 + n)).collect())
                .collect()
        },
    );
}

#[test]
fn precisions_under_a_wishart() {
    matrices(
        "Wishart(4.5, inverse_scale = P)",
        "precision = V[z]",
        inverse,
        |v| {
            4.5 / 2.0 * ln_det(&psi()) - 4.5 * 2f64.ln() - ln_gamma_d(2.25, 2)
                + (4.5 - 3.0) / 2.0 * ln_det(v)
                - 0.5 * trace_of_product(&psi(), v)
        },
        |n, s| {
            inverse(&s)
                .iter()
                .map(|r| r.iter().map(|x| x * (4.5 - 3.0 + n)).collect())
                .collect()
        },
    );
}
