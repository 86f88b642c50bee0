//! Forms of q that few models have: each is read, and its checks are made.

use pmc::verify::{Kind, Options, Outcome, Report, verify};

use crate::fixture::{bound, model};

const CSV: &str =
    "u,x,w,c\n0.3,1.4,1,a\n1.1,0.6,2,b\n2.0,3.1,0.5,a\n0.9,0.2,1,b\n0.4,1.9,3,a\n1.6,1.2,1,b\n";

fn passed(text: &str) -> Report {
    let model = model(text, &[]);
    let data = bound(&model, CSV);
    let r = match verify(&model, &data, &Options::default()) {
        Ok(r) => r,
        Err(e) => panic!("{text}\n{e:#?}"),
    };
    println!("{}", r.text());
    assert!(r.passed() && r.notes.is_empty(), "{text}\n{}", r.text());
    for kind in [Kind::Expectation, Kind::Entropy, Kind::Update] {
        let of_kind: Vec<_> = r.checks.iter().filter(|c| c.kind == kind).collect();
        let ok = of_kind.iter().all(|c| c.outcome == Outcome::Ok);
        assert!(!of_kind.is_empty() && ok, "{text}\n{}", r.text());
    }
    r
}

fn is_ok(r: &Report, kind: Kind) -> bool {
    r.checks
        .iter()
        .any(|c| c.kind == kind && c.outcome == Outcome::Ok)
}

#[test]
fn truncated_gaussian() {
    let r = passed(
        "data row { x : real }\nlatent m ~ Exponential(rate = 0.7)\nobserve x[row] ~ Gaussian(m, var = 2)",
    );
    assert!(is_ok(&r, Kind::Posterior));
}

#[test]
fn generalised_inverse_gaussian() {
    let r = passed(
        "data row { x : real }\nlatent s ~ Gamma(2, rate = 0.7)\nobserve x[row] ~ Gaussian(0, var = s)",
    );
    assert!(is_ok(&r, Kind::Posterior));
}

#[test]
fn matrices_and_their_inverses() {
    passed(
        "data row { x[d] : real = (u, x) }\nlatent S ~ InverseWishart(5, scale = 0.7 * identity) over d\nobserve x[row] ~ Gaussian(1, cov = S) over d",
    );
    passed(
        "data row { x[d] : real = (u, x) }\nlatent V ~ Wishart(5, inverse_scale = 0.7 * identity) over d\nlatent m ~ Gaussian(0, var = 4) over d\nobserve x[row] ~ Gaussian(m, precision = V) over d",
    );
}

#[test]
fn weighted_rows() {
    let r = passed(
        "data row { x : real  w : weight }\nplate k(2)\nparam p ~ Dirichlet(2) over k\nparam mu[k] ~ Gaussian(0, var = 4)\nlatent z[row] ~ Categorical(p)\nobserve x[row] ~ Gaussian(mu[z], var = 1)",
    );
    assert!(is_ok(&r, Kind::Posterior));
    let r = passed(
        "data row { x : real  w : weight }\nlatent p ~ Gamma(2, rate = 1)\nobserve x[row] ~ Gaussian(0.5, precision = p)",
    );
    assert!(is_ok(&r, Kind::Posterior));
}

#[test]
fn points_of_every_support() {
    passed(
        "data row { x : real  c : label }\nparam p : simplex over c\nparam s : positive\nparam m : real\nobserve c[row] ~ Categorical(p)\nobserve x[row] ~ Gaussian(m, sd = s)",
    );
    passed(
        "data row { x[d] : real = (u, x) }\nparam S : covariance over d\nparam m : real over d\nobserve x[row] ~ Gaussian(m, cov = S) over d",
    );
}

#[test]
fn binary_codes_split_and_joint() {
    for how in ["", " as factorised"] {
        let text = format!(
            "data row {{ x : real }}\nplate f(2)\nparam w[f] ~ Gaussian(0, var = 2)\nparam b : real\nlatent s[row, f] ~ Bernoulli(0.3){how}\nobserve x[row] ~ Gaussian(b + sum(w * s over f), var = 0.7)"
        );
        let model = model(&text, &[]);
        let data = bound(&model, CSV);
        let r = verify(&model, &data, &Options::default()).unwrap_or_else(|e| panic!("{e:#?}"));
        println!("{}", r.text());
        assert!(r.passed(), "{}", r.text());
        assert!(is_ok(&r, Kind::Expectation) && is_ok(&r, Kind::Entropy));
        assert_eq!(is_ok(&r, Kind::Evidence), how.is_empty(), "{}", r.text());
    }
}

/// No check fails, and some update was checked, of what verify gives for a model.
fn quiet(text: &str, csv: &str) -> Report {
    let model = model(text, &[]);
    let data = bound(&model, csv);
    let r = verify(&model, &data, &Options::default()).unwrap_or_else(|e| panic!("{text} {e:#?}"));
    assert!(r.passed() && r.notes.is_empty(), "{text}\n{}", r.text());
    r
}

/// Discrete points begin as spreads, which are no points: what is read before their first update counts for nothing.
#[test]
fn discrete_points() {
    for w in ["param", "latent"] {
        let text = format!(
            "data row {{ x : real }}\nplate k(2)\nconst p over k = [0.4, 0.6]\n{w} mu[k] ~ Gaussian(0, var = 4)\nparam z ~ Categorical(p) over k\nparam y[i in k] ~ Categorical(p[k]) over k\nobserve x[row] ~ Gaussian(mu[y[z]], var = 1)"
        );
        let r = quiet(&text, CSV);
        assert!(
            is_ok(&r, Kind::Update) && is_ok(&r, Kind::Monotone),
            "{}",
            r.text()
        );
    }
}

/// A Dirichlet below 1 has its mode in a corner, where the density is infinite; a count of 0 has a finite one there.
#[test]
fn modes_on_the_boundary() {
    let r = quiet(
        "data row { c : label }\nparam p ~ Dirichlet(0.5) over c\nobserve c[row] ~ Categorical(p)",
        "c\na\na\na\n",
    );
    assert!(is_ok(&r, Kind::Update), "{}", r.text());
    quiet(
        "data row { x : real }\nplate k(3)\nparam p ~ Dirichlet(0.7) over k\nparam z ~ Categorical(p) over k\nparam mu[k] ~ Gaussian(0, var = 4)\nobserve x[row] ~ Gaussian(mu[z], var = 1)",
        CSV,
    );
    let r = quiet(
        "data row { x : real }\nplate k(2)\nparam p : simplex over k\nparam z[row] ~ Categorical(p) over k\nparam mu[k] ~ Gaussian(0, var = 400)\nobserve x[row] ~ Gaussian(mu[z], var = 9)",
        CSV,
    );
    assert!(is_ok(&r, Kind::Update), "{}", r.text());
}

/// The mode under a Laplace prior lies in its kink where the data do not pull hard enough.
#[test]
fn modes_in_a_kink() {
    for scale in ["0.01", "0.3", "5"] {
        let r = quiet(
            &format!(
                "data row {{ x : real  u : real }}\nparam w ~ Laplace(0, scale = {scale})\nparam v ~ Laplace(0, scale = {scale})\nparam b : real\nobserve x[row] ~ Gaussian(w * u + v * u^2 + b, var = 1)"
            ),
            CSV,
        );
        assert!(is_ok(&r, Kind::Update), "{}", r.text());
    }
}
