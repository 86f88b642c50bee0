//! What `predict` says of blank cells, against conditional distributions in closed form.

use pmc::fit::{Data, Fit, predict};

fn fitted(model: &str, csv: &str) -> Fit {
    crate::fitted(model, csv, 200)
}

/// A value of the fit, row-major.
fn value(f: &Fit, name: &str) -> Vec<f64> {
    f.estimate(name).expect("a value").iter().copied().collect()
}

/// A column of the predictions as text.
fn predicted(f: &Fit, csv: &str, column: &str) -> Vec<String> {
    let found = predict(f, Data::csv("n.csv", csv), &[]).unwrap_or_else(|e| panic!("{e:?}"));
    for t in &found.tables {
        let mut lines = t
            .csv
            .lines()
            .map(|l| l.split(',').map(String::from).collect::<Vec<_>>());
        let header = lines.next().expect("a header");
        if let Some(at) = header.iter().position(|h| h == column) {
            return lines.map(|l| l[at].clone()).collect();
        }
    }
    panic!("no column {column} in {:?}", found.tables);
}

fn close(what: &str, got: &[String], want: &[f64]) {
    assert_eq!(got.len(), want.len(), "{what}: {got:?} {want:?}");
    for (g, w) in got.iter().zip(want) {
        let g: f64 = g.parse().expect("a number");
        assert!(
            (g - w).abs() <= 1e-9 * w.abs().max(1.0),
            "{what}: {g} instead of {w}"
        );
    }
}

#[test]
fn the_response_of_a_regression() {
    let model = "data row { x : real  y : real }
        param a : real
        param b : real
        param t : positive
        observe y[row] ~ Gaussian(a * x + b, var = t)";
    let f = fitted(model, "x,y\n0,1.1\n1,2.9\n2,5.2\n3,6.8\n4,9.1\n");
    let (a, b, t) = (value(&f, "a")[0], value(&f, "b")[0], value(&f, "t")[0]);
    let new = "x,y\n2.5,\n1,7\n-3,\n";
    close(
        "y",
        &predicted(&f, new, "y"),
        &[2.5 * a + b, 7.0, -3.0 * a + b],
    );
    close(
        "y_sd",
        &predicted(&f, new, "y_sd"),
        &[t.sqrt(), 0.0, t.sqrt()],
    );
}

#[test]
fn a_covariate_that_the_response_tells_about() {
    let model = "data row { x : real  y : real }
        param m : real
        param s : positive
        param a : real
        param b : real
        param t : positive
        observe x[row] ~ Gaussian(m, var = s)
        observe y[row] ~ Gaussian(a * x + b, var = t)";
    let f = fitted(model, "x,y\n0,1.1\n1,\n2,5.2\n,6.8\n4,9.1\n2,4.1\n,3.3\n");
    let [m, s, a, b, t] = ["m", "s", "a", "b", "t"].map(|n| value(&f, n)[0]);
    let new = "x,y\n,6\n,\n3,\n";
    let gain = a * s / (a * a * s + t);
    let x = [m + gain * (6.0 - a * m - b), m, 3.0];
    close("x", &predicted(&f, new, "x"), &x);
    let spread = (s - gain * a * s).sqrt();
    close(
        "x_sd",
        &predicted(&f, new, "x_sd"),
        &[spread, s.sqrt(), 0.0],
    );
    close(
        "y",
        &predicted(&f, new, "y"),
        &[6.0, a * m + b, 3.0 * a + b],
    );
    let sd = [0.0, (a * a * s + t).sqrt(), t.sqrt()];
    close("y_sd", &predicted(&f, new, "y_sd"), &sd);
}

#[test]
fn a_vector_given_its_other_cells() {
    let model = "data row { x[feature] : real = (p, q) }
        param mu : real over feature
        param Sigma : covariance over feature
        observe x[row] ~ Gaussian(mu, cov = Sigma) over feature";
    let f = fitted(model, "p,q\n0,1.1\n1,\n2,5.2\n,6.8\n4,7.1\n2,4.1\n3,3.3\n");
    let (mu, s) = (value(&f, "mu"), value(&f, "Sigma"));
    let new = "p,q\n1.5,\n,\n,4\n2,3\n";
    let p = mu[0] + s[1] / s[3] * (4.0 - mu[1]);
    let q = mu[1] + s[1] / s[0] * (1.5 - mu[0]);
    let want = [1.5, q, mu[0], mu[1], p, 4.0, 2.0, 3.0];
    close("x", &predicted(&f, new, "x"), &want);
    let (sp, sq) = (s[0] - s[1] * s[1] / s[3], s[3] - s[1] * s[1] / s[0]);
    let want = [0.0, sq, s[0], s[3], sp, 0.0, 0.0, 0.0].map(f64::sqrt);
    close("x_sd", &predicted(&f, new, "x_sd"), &want);
}

#[test]
fn cells_of_one_factor() {
    let model = "data row { x[feature] : real = (a, b, c) }
        latent h[row] ~ Gaussian(0, var = 1)
        param W[feature] : real
        param m[feature] : real
        param s[feature] : positive
        observe x[row, feature] ~ Gaussian(W * h + m, var = s)";
    let csv = "a,b,c\n1,2.1,0.4\n-1,-1.8,0.1\n0.5,1.4,-0.7\n2,3.7,1.2\n-0.4,-1.1,-0.3\n1.4,2.2,0.9\n-2,-3.5,-0.6\n";
    let f = fitted(model, csv);
    let (w, m, s) = (value(&f, "W"), value(&f, "m"), value(&f, "s"));
    // Given a alone, x is Gaussian with covariance W W' + s.
    let v = w[0] * w[0] + s[0];
    let at = |d: usize| m[d] + w[d] * w[0] / v * (3.0 - m[0]);
    let sd = |d: usize| (w[d] * w[d] + s[d] - (w[d] * w[0]).powi(2) / v).sqrt();
    let new = "a,b,c\n3,,\n";
    close("x", &predicted(&f, new, "x"), &[3.0, at(1), at(2)]);
    close("x_sd", &predicted(&f, new, "x_sd"), &[0.0, sd(1), sd(2)]);
}

#[test]
fn cells_of_a_mixture() {
    let model = "data row { x[feature] : real = (a, b)  n : count  c : label }
        plate k(2)
        param w : simplex over k
        param mu[k, feature] : real
        param s[k] : positive
        param r[k] : positive
        param p[k] : simplex over c
        latent z[row] ~ Categorical(w)
        observe x[row, feature] ~ Gaussian(mu[z, feature], var = s[z])
        observe n[row] ~ Poisson(r[z])
        observe c[row] ~ Categorical(p[z])";
    let csv = "a,b,n,c\n0,0.2,1,u\n0.4,-0.3,0,v\n-0.5,0.1,2,u\n4,4.1,7,v\n4.4,3.6,5,v\n3.5,4.4,9,u\n0.1,0.5,1,u\n3.9,4,6,v\n";
    let f = fitted(model, csv);
    let get = |n| value(&f, n);
    let (w, mu, s, r, p) = (get("w"), get("mu"), get("s"), get("r"), get("p"));
    // Given a = 2 alone.
    let joint = |k: usize| {
        let d = 2.0 - mu[2 * k];
        w[k] * (-d * d / (2.0 * s[k])).exp() / s[k].sqrt()
    };
    let q = [0, 1].map(|k| joint(k) / (joint(0) + joint(1)));
    let mean = |of: &dyn Fn(usize) -> f64| q[0] * of(0) + q[1] * of(1);
    let b = mean(&|k| mu[2 * k + 1]);
    let square = mean(&|k| s[k] + mu[2 * k + 1].powi(2));
    let new = "a,b,n,c\n2,,,\n";
    close("x", &predicted(&f, new, "x"), &[2.0, b]);
    close(
        "x_sd",
        &predicted(&f, new, "x_sd"),
        &[0.0, (square - b * b).sqrt()],
    );
    let n = mean(&|k| r[k]);
    let square = mean(&|k| r[k] + r[k] * r[k]);
    close("n", &predicted(&f, new, "n"), &[n]);
    close(
        "n_sd",
        &predicted(&f, new, "n_sd"),
        &[(square - n * n).sqrt()],
    );
    let u = mean(&|k| p[2 * k]);
    close("c=u", &predicted(&f, new, "c=u"), &[u]);
    close("c=v", &predicted(&f, new, "c=v"), &[1.0 - u]);
    let best = if u >= 0.5 { "u" } else { "v" };
    assert_eq!(predicted(&f, new, "c"), [best]);
}

#[test]
fn a_precision_that_is_itself_uncertain() {
    let model = "data row { y : real  b : binary }
        latent tau ~ Gamma(3, rate = 2)
        latent p ~ Beta(2, 3)
        observe y[row] ~ Gaussian(1, precision = tau)
        observe b[row] ~ Bernoulli(p)";
    let f = fitted(model, "y,b\n0,1\n2.5,0\n1.5,1\n");
    // tau: Gamma(3 + 3/2, 2 + 3.5/2); E[1/tau] = rate / (shape - 1)
    let new = "y,b\n,\n";
    close("y", &predicted(&f, new, "y"), &[1.0]);
    let variance: f64 = (2.0 + 1.75) / 3.5;
    close("y_sd", &predicted(&f, new, "y_sd"), &[variance.sqrt()]);
    close("b=1", &predicted(&f, new, "b=1"), &[4.0 / 8.0]);
}

const CLASSES: &str = "x,y\n-2,0\n-1,0\n-0.5,1\n0.3,0\n0.7,1\n1,1\n2,1\n";

/// Points under a function: the function of the fitted sum.
#[test]
fn the_response_of_a_classifier_by_points() {
    let model = |link: &str| {
        format!(
            "data row {{ x : real  y : binary }}
            param w ~ Gaussian(0, var = 4)
            param b ~ Gaussian(0, var = 4)
            observe y[row] ~ Bernoulli({link} = w * x + b)"
        )
    };
    let new = "x,y\n0.4,\n-1,1\n";
    let f = fitted(&model("logit"), CLASSES);
    let eta = 0.4 * value(&f, "w")[0] + value(&f, "b")[0];
    close(
        "logit",
        &predicted(&f, new, "y=1"),
        &[1.0 / (1.0 + (-eta).exp()), 1.0],
    );
    let f = fitted(&model("probit"), CLASSES);
    let eta = 0.4 * value(&f, "w")[0] + value(&f, "b")[0];
    let half = statrs::function::erf::erfc(-eta / 2f64.sqrt()) / 2.0;
    close("probit", &predicted(&f, new, "y=1"), &[half, 1.0]);
}

/// A latent weight alone: its sum is Gaussian, and the mean of the function over it is taken by a fine sum here.
#[test]
fn the_response_of_a_classifier_by_latents() {
    let model = "data row { x : real  y : binary }
        latent w ~ Gaussian(0, var = 4)
        observe y[row] ~ Bernoulli(logit = w * x)";
    let f = fitted(model, CLASSES);
    let e = f.variables.get("w").expect("an estimate");
    let q = |n: &str| -> Option<f64> {
        let all = e.parameters.as_ref()?;
        all.get(n)?.0.iter().next().copied()
    };
    let (m, v) = (
        q("mean").expect("a mean"),
        q("variance").expect("a variance"),
    );
    let (mut sum, mut total) = (0.0, 0.0);
    for i in -60_000..=60_000 {
        let z = 2e-4 * f64::from(i);
        let weight = (-0.5 * z * z).exp();
        total += weight;
        sum += weight / (1.0 + f64::exp(-3.0 * (m + v.sqrt() * z)));
    }
    close("y", &predicted(&f, "x,y\n3,\n", "y=1"), &[sum / total]);
}

#[test]
fn responses_with_other_noise() {
    let rows = "x,y\n0,1.1\n1,2.9\n2,5.2\n3,6.8\n4,9.9\n";
    let student = "data row { x : real  y : real }
        param a : real
        param b : real
        observe y[row] ~ StudentT(5, a * x + b, scale = 2)";
    let f = fitted(student, rows);
    let mean = 6.0 * value(&f, "a")[0] + value(&f, "b")[0];
    close("student", &predicted(&f, "x,y\n6,\n", "y"), &[mean]);
    let sd = (4.0f64 * 5.0 / 3.0).sqrt();
    close("student sd", &predicted(&f, "x,y\n6,\n", "y_sd"), &[sd]);
    let laplace = "data row { x : real  y : real }
        param a : real
        param b : real
        param s : positive
        observe y[row] ~ Laplace(a * x + b, scale = s)";
    let f = fitted(laplace, rows);
    let mean = 6.0 * value(&f, "a")[0] + value(&f, "b")[0];
    close("laplace", &predicted(&f, "x,y\n6,\n", "y"), &[mean]);
    let sd = 2f64.sqrt() * value(&f, "s")[0];
    close("laplace sd", &predicted(&f, "x,y\n6,\n", "y_sd"), &[sd]);
    let poisson = "data row { x : real  y : count }
        param a : real
        param b : real
        observe y[row] ~ Poisson(log = a * x + b)";
    let f = fitted(poisson, "x,y\n0,1\n1,2\n2,5\n3,9\n");
    let rate = (1.5 * value(&f, "a")[0] + value(&f, "b")[0]).exp();
    close("poisson", &predicted(&f, "x,y\n1.5,\n", "y"), &[rate]);
    close(
        "poisson sd",
        &predicted(&f, "x,y\n1.5,\n", "y_sd"),
        &[rate.sqrt()],
    );
}
