//! Quadratic terms beside |v| or v > 0: the factors of a Bayesian lasso by quadrature, points by their optimality conditions.

use crate::fixture::{fit, same};
use crate::special::{ln_gamma_pdf, ln_laplace, ln_normal};

const X: [[f64; 3]; 8] = [
    [0.5, -1.2, 0.3],
    [1.5, 0.3, -0.8],
    [-0.7, 0.8, 1.1],
    [2.1, -0.4, 0.2],
    [-1.6, 1.1, -0.9],
    [0.2, 0.1, 0.6],
    [0.9, 2.2, -1.3],
    [-0.3, -1.9, 0.4],
];
const Y: [f64; 8] = [1.4, 2.6, -1.1, 4.3, -2.9, 0.1, 1.2, 0.6];

fn csv() -> String {
    let lines = X
        .iter()
        .zip(Y)
        .map(|(x, y)| format!("{},{},{},{y}\n", x[0], x[1], x[2]));
    format!("x1,x2,x3,y\n{}", lines.collect::<String>())
}

fn dot(w: &[f64], n: usize) -> f64 {
    w.iter().zip(X[n]).map(|(w, x)| w * x).sum()
}

/// Normaliser, mean, variance and entropy of exp(f), on fine steps on either side of `kink`.
fn quadrature(kink: f64, f: &dyn Fn(f64) -> f64) -> (f64, f64, f64, f64) {
    let n = 400_000;
    let step = 40.0 / f64::from(n);
    let at = |i: i32| kink - 20.0 + step * (f64::from(i) + 0.5);
    let top = (0..n).map(|i| f(at(i))).fold(f64::NEG_INFINITY, f64::max);
    let (mut z, mut first, mut second, mut energy) = (0.0, 0.0, 0.0, 0.0);
    for i in 0..n {
        let (v, p) = (at(i), (f(at(i)) - top).exp());
        z += p;
        first += p * v;
        second += p * v * v;
        energy += p * f(v);
    }
    let log_z = top + (z * step).ln();
    let mean = first / z;
    (log_z, mean, second / z - mean * mean, log_z - energy / z)
}

/// Every factor is exp E[log p] of the others, and the bound is E[log p] plus entropies.
#[test]
fn bayesian_lasso() {
    let f = fit(
        "data row { y : real  x[f] : real = \"x*\" }
         latent w[f] ~ Laplace(0, scale = 0.5)
         latent tau ~ Gamma(2, rate = 1)
         observe y[row] ~ Gaussian(sum(w * x over f), precision = tau)",
        &csv(),
        None,
        3000,
    );
    assert_eq!((f.method, f.objective), ("variational Bayes", "elbo"));
    let (m, v) = (f.get("w", "mean"), f.get("w", "variance"));
    let (shape, rate) = (f.get("tau", "shape")[0], f.get("tau", "rate")[0]);
    let tau = shape / rate;
    let mut entropy = 0.0;
    let mut absolute = 0.0;
    for i in 0..3 {
        let a: f64 = tau * X.iter().map(|x| x[i] * x[i]).sum::<f64>();
        let r: f64 = tau
            * (0..8)
                .map(|n| X[n][i] * (Y[n] - dot(&m, n) + m[i] * X[n][i]))
                .sum::<f64>();
        let log_q = |v: f64| -0.5 * a * v * v + r * v - 2.0 * v.abs();
        let (log_z, mean, variance, h) = quadrature(0.0, &log_q);
        same("mean", m[i], mean, 1e-8);
        same("variance", v[i], variance, 1e-8);
        entropy += h;
        // E|w| from the energy: log Z - H = -a E[w^2] / 2 + r E[w] - 2 E|w|
        absolute += 0.5 * (h - log_z - 0.5 * a * (variance + mean * mean) + r * mean);
    }
    // E[sum of squares] of the residuals.
    let squares: f64 = (0..8)
        .map(|n| {
            let spread: f64 = (0..3).map(|i| X[n][i] * X[n][i] * v[i]).sum();
            (Y[n] - dot(&m, n)).powi(2) + spread
        })
        .sum();
    same("shape", shape, 6.0, 1e-12);
    same("rate", rate, 1.0 + 0.5 * squares, 1e-8);
    let log_tau = crate::special::digamma(shape) - rate.ln();
    let data = 4.0 * (log_tau - std::f64::consts::TAU.ln()) - 0.5 * tau * squares;
    let laplace = -2.0 * absolute; // 3 log(1 / (2 * 0.5)) is nothing
    let gamma = log_tau - tau;
    let gamma_entropy = -((shape - 1.0) * log_tau - rate * tau + shape * rate.ln()
        - statrs::function::gamma::ln_gamma(shape));
    same(
        "bound",
        f.last(),
        data + laplace + gamma + entropy + gamma_entropy,
        1e-8,
    );
}

/// One coefficient, known noise: the factor is the posterior and the bound is the evidence.
#[test]
fn one_coefficient_under_a_laplace_prior() {
    let lines = (0..8).map(|n| format!("{},{}\n", X[n][0], Y[n]));
    let f = fit(
        "data row { x : real  y : real }
         latent w ~ Laplace(0.7, scale = 0.4)
         observe y[row] ~ Gaussian(w * x, var = 0.8)",
        &format!("x,y\n{}", lines.collect::<String>()),
        None,
        1,
    );
    let (log_z, mean, variance, _) = quadrature(0.7, &|w| {
        let data = (0..8).map(|n| ln_normal(Y[n], w * X[n][0], 0.8));
        ln_laplace(w, 0.7, 0.4) + data.sum::<f64>()
    });
    same("evidence", f.last(), log_z, 1e-8);
    same("mean", f.get("w", "mean")[0], mean, 1e-8);
    same("variance", f.get("w", "variance")[0], variance, 1e-8);
}

/// The same with an exponential prior, whose factor lives above zero.
#[test]
fn one_coefficient_under_an_exponential_prior() {
    let lines = (0..8).map(|n| format!("{},{}\n", X[n][1], Y[n]));
    let f = fit(
        "data row { x : real  y : real }
         latent w ~ Exponential(rate = 1.5)
         observe y[row] ~ Gaussian(w * x, var = 0.8)",
        &format!("x,y\n{}", lines.collect::<String>()),
        None,
        1,
    );
    let (log_z, ..) = quadrature(20.0, &|w| {
        let data = (0..8).map(|n| ln_normal(Y[n], w * X[n][1], 0.8));
        ln_gamma_pdf(w, 1.0, 1.5) + data.sum::<f64>()
    });
    same("evidence", f.last(), log_z, 1e-8);
    let a: f64 = X.iter().map(|x| x[1] * x[1] / 0.8).sum();
    let b: f64 = (0..8).map(|n| X[n][1] * Y[n] / 0.8).sum();
    same("precision", f.get("w", "precision")[0], a, 1e-12);
    same("linear", f.get("w", "linear")[0], b - 1.5, 1e-12);
}

/// X'(y - Xw) / var = gradient of the penalty: its sign where w is not zero, within it where w is.
#[test]
fn lasso() {
    for scale in [0.02, 0.1, 0.3, 1.0] {
        let f = fit(
            &format!(
                "data row {{ y : real  x[f] : real = \"x*\" }}
                 param w[f] ~ Laplace(0, scale = {scale})
                 param w0 : real
                 observe y[row] ~ Gaussian(sum(w * x over f) + w0, var = 0.5)"
            ),
            &csv(),
            None,
            2,
        );
        let (w, w0) = (f.get("w", "value"), f.get("w0", "value")[0]);
        let left = |n: usize| (Y[n] - dot(&w, n) - w0) / 0.5;
        let sum: f64 = (0..8).map(left).sum();
        assert!(sum.abs() < 1e-10, "intercept at {scale}: {sum}");
        for i in 0..3 {
            let pull: f64 = (0..8).map(|n| X[n][i] * left(n)).sum();
            if w[i] == 0.0 {
                assert!(pull.abs() <= 1.0 / scale + 1e-10, "{i} at {scale}: {pull}");
            } else {
                same("pull", pull, w[i].signum() / scale, 1e-10);
            }
        }
        let l: f64 = (0..8)
            .map(|n| ln_normal(Y[n], dot(&w, n) + w0, 0.5))
            .chain(w.iter().map(|w| ln_laplace(*w, 0.0, scale)))
            .sum();
        same("log joint", f.last(), l, 1e-12);
    }
}

/// A prior about another point than zero: the kink moves with it.
#[test]
fn lasso_about_a_known_point() {
    let f = fit(
        "data row { y : real  x[f] : real = \"x*\" }
         const centre[f] = [1, -0.5, 0.25]
         param w[f] ~ Laplace(centre, scale = 0.1)
         observe y[row] ~ Gaussian(sum(w * x over f), var = 0.5)",
        &csv(),
        None,
        2,
    );
    let w = f.get("w", "value");
    let centre = [1.0, -0.5, 0.25];
    let mut kept = 0;
    for i in 0..3 {
        let pull: f64 = (0..8).map(|n| X[n][i] * (Y[n] - dot(&w, n)) / 0.5).sum();
        if w[i] == centre[i] {
            kept += 1;
            assert!(pull.abs() <= 10.0 + 1e-10, "{i}: {pull}");
        } else {
            same("pull", pull, (w[i] - centre[i]).signum() * 10.0, 1e-10);
        }
    }
    assert!(kept > 0, "{w:?}");
}

/// Flat positive coefficients: the gradient is zero where they are above zero and not positive where they are zero.
#[test]
fn non_negative_least_squares() {
    let f = fit(
        "data row { y : real  x[f] : real = \"x*\" }
         param w[f] : positive
         observe y[row] ~ Gaussian(sum(w * x over f), var = 1)",
        &csv(),
        None,
        3,
    );
    let w = f.get("w", "value");
    let mut zeros = 0;
    for i in 0..3 {
        let pull: f64 = (0..8).map(|n| X[n][i] * (Y[n] - dot(&w, n))).sum();
        assert!(w[i] >= 0.0);
        if w[i] == 0.0 {
            zeros += 1;
            assert!(pull <= 1e-10, "{i}: {pull}");
        } else {
            assert!(pull.abs() < 1e-10, "{i}: {pull}");
        }
    }
    assert!(zeros > 0 && zeros < 3, "{w:?}");
}

const W: [[f64; 4]; 5] = [
    [0.5, -0.2, 0.7, 0.1],
    [0.3, 0.8, -0.4, 0.2],
    [-0.6, 0.1, 0.5, 0.9],
    [0.2, 0.5, 0.3, -0.7],
    [0.4, -0.3, 0.2, 0.6],
];

/// Codes of rows with blank pixels: each row has its own quadratic part, made of the pixels it has.
#[test]
fn codes_with_blank_pixels() {
    let rows: [[Option<f64>; 5]; 5] = [
        [Some(1.2), Some(0.3), None, Some(0.8), Some(1.1)],
        [None, Some(-1.5), Some(0.4), None, None],
        [Some(0.1), Some(0.2), Some(-0.1), Some(0.0), Some(0.1)],
        [None, None, None, None, None],
        [Some(-2.0), None, Some(1.7), Some(-0.9), Some(0.2)],
    ];
    let cell = |x: &Option<f64>| x.map_or(String::new(), |x| x.to_string());
    let line = |r: &[Option<f64>; 5]| r.iter().map(cell).collect::<Vec<_>>().join(",") + ",0\n";
    let csv = format!(
        "p1,p2,p3,p4,p5,other\n{}",
        rows.iter().map(line).collect::<String>()
    );
    for (prior, positive) in [
        ("Laplace(0, scale = 2)", false),
        ("Exponential(rate = 0.5)", true),
    ] {
        let f = fit(
            &format!(
                "data row {{ x[pixel] : real = \"p*\" }}
                 plate atom(4)
                 const W[pixel, atom] = {W:?}
                 latent h[row, atom] ~ {prior} as dirac
                 observe x[row, pixel] ~ Gaussian(sum(W * h over atom), precision = 3)"
            ),
            &csv,
            None,
            1,
        );
        let h = f.get("h", "value");
        let mut l = 0.0;
        for (n, row) in rows.iter().enumerate() {
            let h = &h[n * 4..n * 4 + 4];
            let mean = |p: usize| (0..4).map(|k| W[p][k] * h[k]).sum::<f64>();
            for k in 0..4 {
                let pull: f64 = (0..5)
                    .filter_map(|p| row[p].map(|x| 3.0 * W[p][k] * (x - mean(p))))
                    .sum();
                if h[k] != 0.0 {
                    same("pull", pull, 0.5 * h[k].signum(), 1e-10);
                } else if positive {
                    assert!(pull <= 0.5 + 1e-10, "{n} {k}: {pull}");
                } else {
                    assert!(pull.abs() <= 0.5 + 1e-10, "{n} {k}: {pull}");
                }
                assert!(!positive || h[k] >= 0.0);
                l += if positive {
                    0.5f64.ln() - 0.5 * h[k]
                } else {
                    ln_laplace(h[k], 0.0, 2.0)
                };
            }
            l += (0..5)
                .filter_map(|p| row[p].map(|x| ln_normal(x, mean(p), 1.0 / 3.0)))
                .sum::<f64>();
        }
        // The codes of a row without a pixel are at the mode of their prior.
        assert_eq!(h[12..16], [0.0; 4]);
        same("log joint", f.last(), l, 1e-12);
    }
}
