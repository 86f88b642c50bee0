//! Every distribution of the language at numbers, against statrs and formulas written out: this evaluator judges the rest.

use statrs::distribution::{
    Bernoulli, Beta, Binomial, Exp, Gamma, InverseGamma, Laplace, Normal, Poisson, StudentsT,
    Uniform,
};
use statrs::distribution::{Continuous, Discrete};
use statrs::function::factorial::ln_factorial;

use super::{assign, bound, close};
use crate::naive::{Assignment, inadmissible, log_joint, log_joint_by_factor};

fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

/// `x ~ DIST` with one unknown `e` at each of some numbers, for each of some observed values.
fn each(column: &str, dist: &str, es: &[f64], xs: &[f64], want: &dyn Fn(f64, f64) -> f64) {
    for x in xs {
        let (model, data) = bound(
            &format!("data row {{ x : {column} }} param e : real observe x[row] ~ {dist}"),
            &format!("x\n{x}\n"),
        );
        for e in es {
            let found = log_joint(&model, &data, &assign(&model, &[("e", &[], &[*e])]));
            let wanted = want(*x, *e);
            assert!(
                (found - wanted).abs() < 1e-10 * (1.0 + wanted.abs()),
                "{dist} at x = {x}, e = {e}: {found} is not {wanted}"
            );
        }
    }
}

#[test]
fn numbers_on_the_line() {
    let (es, xs) = ([-1.5, 0.0, 0.7], [-3.0, -0.2, 0.7, 5.0]);
    let laplace = |x: f64, e: f64| Laplace::new(e, 0.4).unwrap().ln_pdf(x);
    each("real", "Laplace(e, scale = 0.4)", &es, &xs, &laplace);
    each("real", "Laplace(e, rate = 2.5)", &es, &xs, &laplace);
    each("real", "Laplace(0, scale = exp(e))", &es, &xs, &|x, e| {
        -x.abs() / e.exp() - 2f64.ln() - e
    });
    each("real", "StudentT(3, e, scale = 2)", &es, &xs, &|x, e| {
        StudentsT::new(e, 2.0, 3.0).unwrap().ln_pdf(x)
    });
    each("real", "Uniform(-4, 6)", &es, &xs, &|x, _| {
        Uniform::new(-4.0, 6.0).unwrap().ln_pdf(x)
    });
    each("real", "Uniform(-1, 1)", &[0.0], &[-0.5], &|_, _| {
        -2f64.ln()
    });
    for (spread, sd) in [("var = 4", 2.0), ("sd = 3", 3.0), ("precision = 4", 0.5)] {
        each(
            "real",
            &format!("Gaussian(e, {spread})"),
            &es,
            &xs,
            &|x, e| Normal::new(e, sd).unwrap().ln_pdf(x),
        );
    }
}

#[test]
fn positive_numbers_and_probabilities() {
    let (es, xs) = ([-1.0, 0.0, 0.8], [0.2, 1.0, 3.5]);
    each(
        "positive",
        "Gamma(2.5, rate = exp(e))",
        &es,
        &xs,
        &|x, e| Gamma::new(2.5, e.exp()).unwrap().ln_pdf(x),
    );
    each(
        "positive",
        "Gamma(2.5, scale = exp(e))",
        &es,
        &xs,
        &|x, e| Gamma::new(2.5, (-e).exp()).unwrap().ln_pdf(x),
    );
    each(
        "positive",
        "Exponential(rate = exp(e))",
        &es,
        &xs,
        &|x, e| Exp::new(e.exp()).unwrap().ln_pdf(x),
    );
    each(
        "positive",
        "Exponential(scale = exp(e))",
        &es,
        &xs,
        &|x, e| Exp::new((-e).exp()).unwrap().ln_pdf(x),
    );
    each(
        "positive",
        "InverseGamma(3, scale = exp(e))",
        &es,
        &xs,
        &|x, e| InverseGamma::new(3.0, e.exp()).unwrap().ln_pdf(x),
    );
    each(
        "probability",
        "Beta(exp(e), 2)",
        &es,
        &[0.1, 0.6],
        &|x, e| Beta::new(e.exp(), 2.0).unwrap().ln_pdf(x),
    );
}

#[test]
fn counts_and_their_links() {
    let (es, xs) = ([-2.0, 0.0, 1.3], [0.0, 1.0, 4.0]);
    each("count", "Poisson(exp(e))", &es, &xs, &|x, e| {
        Poisson::new(e.exp()).unwrap().ln_pmf(x as u64)
    });
    each("count", "Poisson(log = e)", &es, &xs, &|x, e| {
        Poisson::new(e.exp()).unwrap().ln_pmf(x as u64)
    });
    let binomial = |x: f64, e: f64| Binomial::new(sigmoid(e), 6).unwrap().ln_pmf(x as u64);
    each(
        "count",
        "Binomial(logit = e, total = 6)",
        &es,
        &xs,
        &binomial,
    );
    each(
        "count",
        "Binomial(1 / (1 + exp(-e)), total = 6)",
        &es,
        &xs,
        &binomial,
    );
    let bernoulli = |x: f64, e: f64| Bernoulli::new(sigmoid(e)).unwrap().ln_pmf(x as u64);
    each("binary", "Bernoulli(logit = e)", &es, &xs[..2], &bernoulli);
    each(
        "binary",
        "Bernoulli(1 / (1 + exp(-e)))",
        &es,
        &xs[..2],
        &bernoulli,
    );
}

#[test]
fn links_keep_logarithms_far_out() {
    // log sigmoid(-700) = -700 up to e^-700; log Phi by the continued fraction of Mills with 50 digits
    each(
        "binary",
        "Bernoulli(logit = e)",
        &[-700.0],
        &[1.0],
        &|_, e| e,
    );
    each(
        "count",
        "Binomial(logit = e, total = 2)",
        &[-800.0],
        &[2.0],
        &|_, e| 2.0 * e,
    );
    for (e, want) in [
        (-6.0, -20.736_768_949_974_926),
        (-40.0, -804.608_442_013_753_9),
        (-300.0, -45_006.622_732_118_66),
    ] {
        each("binary", "Bernoulli(probit = e)", &[e], &[1.0], &|_, _| {
            want
        });
        each("binary", "Bernoulli(probit = e)", &[-e], &[0.0], &|_, _| {
            want
        });
    }
}

#[test]
fn categories_by_logits() {
    let (model, data) = bound(
        "data row { l : label  u : real }
         param s[l] : real
         observe l[row] ~ Categorical(logit = s[c] * u) over c in l",
        "l,u\nb,2\na,-1\nc,0.5\n",
    );
    let s: [f64; 3] = [0.3, -1.2, 2.0];
    let wanted: f64 = [(1, 2.0), (0, -1.0), (2, 0.5)]
        .map(|(k, u)| {
            let z: f64 = s.iter().map(|s| (s * u).exp()).sum();
            s[k] * u - z.ln()
        })
        .iter()
        .sum();
    let values = assign(&model, &[("s", &[3], &s)]);
    close(log_joint(&model, &data, &values), wanted);
}

#[test]
fn multinomial_of_a_sum_of_products() {
    let (model, data) = bound(
        "data doc { n[word] : count = (a, b, c) }
         plate topic(2)
         param theta[topic] : simplex over word
         param pi[doc]      : simplex over topic
         observe n[doc] ~ Multinomial(sum(pi * theta over topic)) over word",
        "a,b,c\n1,2,0\n0,3,4\n",
    );
    let theta = [0.2, 0.5, 0.3, 0.1, 0.1, 0.8];
    let pi = [0.3, 0.7, 0.9, 0.1];
    let counts = [[1u64, 2, 0], [0, 3, 4]];
    let wanted: f64 = (0..2)
        .map(|d| {
            let p: Vec<f64> = (0..3)
                .map(|w| (0..2).map(|t| pi[2 * d + t] * theta[3 * t + w]).sum())
                .collect();
            let n: u64 = counts[d].iter().sum();
            let each = counts[d].iter().zip(&p);
            each.map(|(n, p)| *n as f64 * p.ln() - ln_factorial(*n))
                .sum::<f64>()
                + ln_factorial(n)
        })
        .sum();
    let values = assign(&model, &[("theta", &[2, 3], &theta), ("pi", &[2, 2], &pi)]);
    close(log_joint(&model, &data, &values), wanted);
}

#[test]
fn mixed_families_chosen_by_a_latent() {
    let text = "data row { x : real }
         plate kind { point, wide, flat }
         param m : real
         latent z[row] ~ Categorical(w) over kind
         param w : simplex over kind
         observe x[row] ~ case z { flat: Uniform(-9, 9)  wide: StudentT(2, m, scale = 3)  point: Laplace(m, scale = 0.1) }";
    let (model, data) = bound(text, "x\n0.5\n4\n-7\n");
    let w = [0.5, 0.3, 0.2];
    let m = 0.4;
    let wanted = w.iter().map(|w: &f64| w.ln()).sum::<f64>()
        + Laplace::new(m, 0.1).unwrap().ln_pdf(0.5)
        + StudentsT::new(m, 3.0, 2.0).unwrap().ln_pdf(4.0)
        - 18f64.ln();
    let values = assign(
        &model,
        &[
            ("m", &[], &[m]),
            ("w", &[3], &w),
            ("z", &[3], &[0.0, 1.0, 2.0]),
        ],
    );
    close(log_joint(&model, &data, &values), wanted);
    // outside the flat branch
    let (_, far) = bound(text, "x\n0.5\n4\n-70\n");
    assert_eq!(log_joint(&model, &far, &values), f64::NEG_INFINITY);
}

#[test]
fn sparse_codes_as_points_and_a_dictionary_of_unit_norm() {
    let (model, data) = bound(
        "data patch { x[pixel] : real = (a, b) }
         plate atom(3)
         param  W[pixel, atom] : real, unit norm over pixel
         latent h[patch, atom] ~ Laplace(0, scale = 0.5) as dirac
         observe x[patch, pixel] ~ Gaussian(sum(W * h over atom), precision = 10)",
        "a,b\n1,2\n-1,0.5\n",
    );
    let w = [0.6, 1.0, 0.0, 0.8, 0.0, -1.0];
    let h = [0.0, 0.4, -1.5, 2.0, 0.0, 0.1];
    let x = [[1.0, 2.0], [-1.0, 0.5]];
    let mut wanted = h
        .iter()
        .map(|h| Laplace::new(0.0, 0.5).unwrap().ln_pdf(*h))
        .sum::<f64>();
    for n in 0..2 {
        for (d, x) in x[n].iter().enumerate() {
            let mean: f64 = (0..3).map(|k| w[3 * d + k] * h[3 * n + k]).sum();
            wanted += Normal::new(mean, 0.1f64.sqrt()).unwrap().ln_pdf(*x);
        }
    }
    let mut values = assign(&model, &[("W", &[2, 3], &w), ("h", &[2, 3], &h)]);
    close(log_joint(&model, &data, &values), wanted);
    assert_eq!(inadmissible(&model, &data, &values, 1e-12), None);
    let longer: Vec<f64> = w.iter().map(|w| 1.001 * w).collect();
    values.set(&model, "W", super::array(&[2, 3], &longer));
    let why = inadmissible(&model, &data, &values, 1e-12).unwrap();
    assert!(why.starts_with("`W`: [0.60"), "{why}");
}

#[test]
fn potentials_of_continuous_and_coupled_units() {
    let (model, data) = bound(
        "data image { v[pixel] : binary = (a, b, c) }
         plate unit(2)
         const b over pixel = [0.5, -1, 2]
         param W[pixel, unit] : real
         latent h[image, unit] : binary
         observe v[image, pixel]
         potential[image, pixel, unit] W * v * h
         potential[image, pixel] b * v
         potential[image] -0.3 * sum(h over unit)^2",
        "a,b,c\n1,0,1\n0,1,1\n",
    );
    let (v, h) = ([[1.0, 0.0, 1.0], [0.0, 1.0, 1.0]], [[1.0, 1.0], [0.0, 1.0]]);
    let (w, b) = ([0.2, -0.4, 1.0, 0.3, -0.7, 0.9], [0.5, -1.0, 2.0]);
    let mut wanted = 0.0;
    for n in 0..2 {
        let on: f64 = h[n].iter().sum();
        wanted -= 0.3 * on * on;
        for p in 0..3 {
            wanted += b[p] * v[n][p];
            wanted += (0..2)
                .map(|u| w[2 * p + u] * v[n][p] * h[n][u])
                .sum::<f64>();
        }
    }
    let values = assign(&model, &[("W", &[3, 2], &w), ("h", &[2, 2], &h.concat())]);
    close(log_joint(&model, &data, &values), wanted);
}

/// Every constraint at numbers that meet it and at ones that do not.
#[test]
fn constraints_and_domains_of_given_numbers() {
    let (model, data) = bound(
        "data row { x : real }
         plate a(2)
         plate b(3)
         param n[a, b] : real, unit norm over b
         param l[a, b] : real, unit ball over b
         param c[a]    : real over b, increasing over b
         param s[a, i in a] : real, symmetric
         param p[a]    : simplex over b
         param V       : covariance over a
         param t       : positive
         observe x[row] ~ Gaussian(0, var = 1)",
        "x\n1\n",
    );
    let good: [(&str, &[usize], &[f64]); 7] = [
        ("n", &[2, 3], &[0.6, 0.0, -0.8, 0.0, 1.0, 0.0]),
        ("l", &[2, 3], &[0.6, 0.0, 0.8, 0.1, 0.0, 0.0]),
        ("c", &[2, 3], &[-1.0, 0.0, 0.0, 2.0, 3.0, 9.0]),
        ("s", &[2, 2], &[1.0, 5.0, 5.0, -2.0]),
        ("p", &[2, 3], &[0.2, 0.3, 0.5, 0.0, 1.0, 0.0]),
        ("V", &[2, 2], &[2.0, 0.9, 0.9, 0.5]),
        ("t", &[], &[0.1]),
    ];
    let bad: [(&str, &[usize], &[f64]); 11] = [
        ("n", &[2, 3], &[0.6, 0.0, -0.8, 0.0, 0.99, 0.0]),
        ("l", &[2, 3], &[0.6, 0.0, 0.8, 1.1, 0.0, 0.0]),
        ("c", &[2, 3], &[-1.0, 0.0, -0.1, 2.0, 3.0, 9.0]),
        ("s", &[2, 2], &[1.0, 5.0, 4.0, -2.0]),
        ("p", &[2, 3], &[0.2, 0.3, 0.4, 0.0, 1.0, 0.0]),
        ("p", &[2, 3], &[0.2, 0.3, 0.5, -0.1, 1.1, 0.0]),
        ("V", &[2, 2], &[2.0, 1.1, 1.1, 0.5]),
        ("V", &[2, 2], &[2.0, 0.9, 0.8, 0.5]),
        ("t", &[], &[0.0]),
        ("t", &[], &[f64::INFINITY]),
        ("n", &[3, 2], &[0.0; 6]),
    ];
    let values = assign(&model, &good);
    assert_eq!(inadmissible(&model, &data, &values, 1e-12), None);
    for (name, shape, numbers) in bad {
        let mut values: Assignment = values.clone();
        values.set(&model, name, super::array(shape, numbers));
        let why = inadmissible(&model, &data, &values, 1e-12);
        let why = why.unwrap_or_else(|| panic!("{name} at {numbers:?} is let through"));
        assert!(why.starts_with(&format!("`{name}`")), "{why}");
    }
}

#[test]
fn an_element_of_a_plate_of_one_needs_no_value() {
    let (model, data) = bound(
        "data row { x : real }
         plate k(1)
         param mu[k] : real
         param z[row] ~ Categorical(w)
         const w over k = [1]
         observe x[row] ~ Gaussian(mu[z], var = 1)",
        "x\n1\n3\n",
    );
    let values = assign(&model, &[("mu", &[1], &[0.5])]);
    let unit = Normal::standard();
    let shares = log_joint_by_factor(&model, &data, &values).unwrap();
    close(shares.iter().sum(), unit.ln_pdf(0.5) + unit.ln_pdf(2.5));
}
