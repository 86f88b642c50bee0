//! `symmetric`: one element per unordered pair, against counts pooled by hand over both orders.

use serde_json::json;
use statrs::function::gamma::ln_gamma;

use pmc::check::Options;
use pmc::compile;
use pmc::diag::render_plain;
use pmc::source::SourceFile;

use crate::fixture::{Fitted, exactly, fit, near, try_fit};

const LN_2PI: f64 = 1.837_877_066_409_345_5;
const PAIRS: &str = "data pair { a : label of group  b : label of group  y : TYPE }\n";

/// Rows (a, b, y) over groups 0, 1, 2: both orders of every pair but (0, 2), which stands in one order only.
fn rows() -> Vec<(usize, usize, f64)> {
    let mut out = vec![];
    for i in 0..40 {
        let (a, b) = ((i * 7 + i / 5) % 3, (i * 5 + i / 3) % 3);
        let (a, b) = if (a, b) == (2, 0) { (0, 2) } else { (a, b) };
        out.push((a, b, f64::from(u8::from((i * 13 + i / 4) % 5 < 2))));
    }
    out
}

fn csv(rows: &[(usize, usize, f64)]) -> Vec<u8> {
    let mut out = String::from("a,b,y\n");
    for (a, b, y) in rows {
        out += &format!("{a},{b},{y}\n");
    }
    out.into_bytes()
}

/// The rows of an unordered pair.
fn of(rows: &[(usize, usize, f64)], k: usize, l: usize) -> Vec<f64> {
    let pair = |a: usize, b: usize| (a.min(b), a.max(b)) == (k.min(l), k.max(l));
    let own = rows.iter().filter(|(a, b, _)| pair(*a, *b));
    own.map(|r| r.2).collect()
}

fn unordered() -> impl Iterator<Item = (usize, usize)> {
    (0..3).flat_map(|k| (k..3).map(move |l| (k, l)))
}

/// Both orders hold `want` of the pair.
fn each(f: &Fitted, name: &str, parameter: &str, want: impl Fn(usize, usize) -> f64) {
    let a = f.get(name, parameter);
    assert_eq!(a.shape(), [3, 3], "{parameter} of {name}");
    for (k, l) in unordered() {
        near(
            &format!("{parameter} {k} {l}"),
            a[[k, l]],
            want(k, l),
            1e-11,
        );
        assert_eq!(a[[k, l]].to_bits(), a[[l, k]].to_bits(), "{k} {l}");
    }
}

fn ln_beta(a: f64, b: f64) -> f64 {
    ln_gamma(a) + ln_gamma(b) - ln_gamma(a + b)
}

fn model(ty: &str, rest: &str) -> String {
    PAIRS.replace("TYPE", ty) + rest
}

#[test]
fn the_data_hold_both_orders_and_the_diagonal() {
    let r = rows();
    for (k, l) in unordered() {
        let y = of(&r, k, l);
        assert!(y.contains(&0.0) && y.contains(&1.0), "{k} {l}: {y:?}");
    }
    assert!(r.iter().any(|x| (x.0, x.1) == (0, 1)) && r.iter().any(|x| (x.0, x.1) == (1, 0)));
    assert!(!r.iter().any(|x| (x.0, x.1) == (2, 0)));
}

/// Six Beta posteriors, not nine; the ELBO is the evidence.
#[test]
fn latent_probabilities() {
    let r = rows();
    let text = model(
        "binary",
        "latent p[group, group] ~ Beta(1.5, 2.5), symmetric\nobserve y[pair] ~ Bernoulli(p[a, b])",
    );
    let f = fit(&text, csv(&r), None, &exactly(2));
    assert_eq!(f.method, "exact posterior");
    let s = |k, l| of(&r, k, l).iter().sum::<f64>();
    let n = |k, l| of(&r, k, l).len() as f64;
    each(&f, "p", "a", |k, l| 1.5 + s(k, l));
    each(&f, "p", "b", |k, l| 2.5 + n(k, l) - s(k, l));
    let evidence: f64 = unordered()
        .map(|(k, l)| ln_beta(1.5 + s(k, l), 2.5 + n(k, l) - s(k, l)) - ln_beta(1.5, 2.5))
        .sum();
    for l in &f.outcome.trace {
        near("log evidence", *l, evidence, 1e-11);
    }
    // As elements of their own, both orders have priors and posteriors of their own.
    let f = fit(&text.replace(", symmetric", ""), csv(&r), None, &exactly(2));
    assert!((f.last() - evidence).abs() > 0.1);
    assert_eq!(f.get("p", "a")[[2, 0]], 1.5);
}

#[test]
fn probabilities_as_points() {
    let r = rows();
    let s = |k, l| of(&r, k, l).iter().sum::<f64>();
    let n = |k, l| of(&r, k, l).len() as f64;
    for (domain, a, b) in [(": probability", 1.0, 1.0), ("~ Beta(2, 3)", 2.0, 3.0)] {
        let text = model(
            "binary",
            &format!(
                "param p[group, group] {domain}, symmetric\nobserve y[pair] ~ Bernoulli(p[a, b])"
            ),
        );
        let f = fit(&text, csv(&r), None, &exactly(2));
        let mode = |k, l| (s(k, l) + a - 1.0) / (n(k, l) + a + b - 2.0);
        each(&f, "p", "value", mode);
        let mut want = 0.0;
        for (k, l) in unordered() {
            let p = mode(k, l);
            want += (s(k, l) + a - 1.0) * p.ln() + (n(k, l) - s(k, l) + b - 1.0) * (1.0 - p).ln();
            want -= ln_beta(a, b);
        }
        near("objective", f.last(), want, 1e-11);
    }
}

/// Rates: Gamma(shape + sum, rate + n), and the evidence of Poisson counts.
#[test]
fn latent_rates() {
    let r: Vec<(usize, usize, f64)> = rows()
        .into_iter()
        .enumerate()
        .map(|(i, (a, b, y))| (a, b, 3.0 * y + (i % 4) as f64))
        .collect();
    let text = model(
        "count",
        "latent rate[group, group] ~ Gamma(2, rate = 0.5), symmetric\nobserve y[pair] ~ Poisson(rate[a, b])",
    );
    let f = fit(&text, csv(&r), None, &exactly(1));
    let s = |k, l| of(&r, k, l).iter().sum::<f64>();
    let n = |k, l| of(&r, k, l).len() as f64;
    each(&f, "rate", "shape", |k, l| 2.0 + s(k, l));
    each(&f, "rate", "rate", |k, l| 0.5 + n(k, l));
    let mut want = 0.0;
    for (k, l) in unordered() {
        let (shape, rate) = (2.0 + s(k, l), 0.5 + n(k, l));
        want += 2.0 * 0.5f64.ln() - ln_gamma(2.0) + ln_gamma(shape) - shape * rate.ln();
        want -= of(&r, k, l).iter().map(|y| ln_gamma(y + 1.0)).sum::<f64>();
    }
    near("log evidence", f.last(), want, 1e-11);
}

/// Gaussian elements, with a plate before the pair: N(m, 1/4 + n/s) each; the mean above them counts six, not nine.
#[test]
fn latent_reals_and_what_stands_above_them() {
    let r = rows();
    let text = model(
        "real",
        "latent w[group, group] ~ Gaussian(0.5, var = 4), symmetric\nobserve y[pair] ~ Gaussian(w[a, b], var = 0.3)",
    );
    let f = fit(&text, csv(&r), None, &exactly(2));
    assert_eq!(f.method, "exact posterior");
    let s = |k, l| of(&r, k, l).iter().sum::<f64>();
    let n = |k, l| of(&r, k, l).len() as f64;
    each(&f, "w", "variance", |k, l| 1.0 / (0.25 + n(k, l) / 0.3));
    each(&f, "w", "mean", |k, l| {
        (0.5 / 4.0 + s(k, l) / 0.3) / (0.25 + n(k, l) / 0.3)
    });
    // log N(y; m 1, 0.3 I + 4 11') by the matrix determinant lemma.
    let mut want = 0.0;
    for (k, l) in unordered() {
        let d: Vec<f64> = of(&r, k, l).iter().map(|y| y - 0.5).collect();
        let (n, sum) = (n(k, l), d.iter().sum::<f64>());
        let square: f64 = d.iter().map(|x| x * x).sum();
        want -= 0.5 * (n * (LN_2PI + 0.3f64.ln()) + (4.0 * n / 0.3).ln_1p());
        want -= 0.5 / 0.3 * (square - 4.0 * sum * sum / (0.3 + 4.0 * n));
    }
    near("log evidence", f.last(), want, 1e-11);

    let text = model(
        "real",
        "latent m ~ Gaussian(0, var = 2)\nlatent w[group, group] ~ Gaussian(m, var = 4), symmetric\n\
         observe y[pair] ~ Gaussian(w[a, b], var = 0.3)",
    );
    let f = fit(&text, csv(&r), None, &exactly(200));
    let w = f.get("w", "mean");
    let total: f64 = unordered().map(|(k, l)| w[[k, l]]).sum();
    let one = |p: &str| *f.get("m", p).first().expect("a number");
    near(
        "precision above",
        1.0 / one("variance"),
        0.5 + 6.0 / 4.0,
        1e-11,
    );
    near(
        "mean above",
        one("mean"),
        total / 4.0 * one("variance"),
        1e-9,
    );
    each(&f, "w", "mean", |k, l| {
        (one("mean") / 4.0 + s(k, l) / 0.3) / (0.25 + n(k, l) / 0.3)
    });
}

/// s_kl^2 is the mean square of both orders.
#[test]
fn spreads_as_points() {
    let r: Vec<(usize, usize, f64)> = rows()
        .into_iter()
        .enumerate()
        .map(|(i, (a, b, y))| (a, b, y - 0.3 + 0.1 * (i % 7) as f64))
        .collect();
    let square = |k, l| {
        let y = of(&r, k, l);
        y.iter().map(|y| y * y).sum::<f64>() / y.len() as f64
    };
    for (argument, power) in [("sd", 0.5), ("var", 1.0), ("precision", -1.0)] {
        let text = model(
            "real",
            &format!(
                "param s[group, group] : positive, symmetric\nobserve y[pair] ~ Gaussian(0, {argument} = s[a, b])"
            ),
        );
        let f = fit(&text, csv(&r), None, &exactly(2));
        each(&f, "s", "value", |k, l| square(k, l).powf(power));
    }
}

/// EM where a latent of the row is one of the two indices: the likelihood as a sum, and no symmetric step raises it.
#[test]
fn beside_a_latent_index() {
    let r = rows();
    let text = "data pair { b : label of group  y : binary }\nparam weight : simplex over group\n\
        param p[group, group] : probability, symmetric\nlatent z[pair] ~ Categorical(weight)\n\
        observe y[pair] ~ Bernoulli(p[z, b])";
    let mut bytes = String::from("b,y\n");
    for (_, b, y) in &r {
        bytes += &format!("{b},{y}\n");
    }
    let init = json!({
        "weight": [0.5, 0.3, 0.2],
        "p": [[0.3, 0.6, 0.5], [0.6, 0.2, 0.4], [0.5, 0.4, 0.7]],
    });
    let f = fit(text, bytes.into_bytes(), Some(init), &exactly(2000));
    assert_eq!((f.method, f.objective), ("exact EM", "log_likelihood"));
    let w: Vec<f64> = f.get("weight", "value").iter().copied().collect();
    let p = f.get("p", "value");
    let likelihood = |p: &dyn Fn(usize, usize) -> f64| {
        let row = |(_, b, y): &(usize, usize, f64)| {
            let cell = |k| if *y == 1.0 { p(k, *b) } else { 1.0 - p(k, *b) };
            (0..3).map(|k| w[k] * cell(k)).sum::<f64>().ln()
        };
        r.iter().map(row).sum::<f64>()
    };
    let here = likelihood(&|k, l| p[[k, l]]);
    near("log likelihood", f.last(), here, 1e-11);
    for (i, j) in unordered() {
        assert_eq!(p[[i, j]], p[[j, i]]);
        for step in [-1e-3, 1e-3] {
            let moved = |k: usize, l: usize| {
                let own = (k.min(l), k.max(l)) == (i, j);
                (p[[k, l]] + if own { step } else { 0.0 }).clamp(0.0, 1.0)
            };
            assert!(likelihood(&moved) <= here + 1e-7, "{i} {j} {step}");
        }
    }
}

#[test]
fn starts_are_symmetric_too() {
    let text = model(
        "binary",
        "param p[group, group] : probability, symmetric\nobserve y[pair] ~ Bernoulli(p[a, b])",
    );
    let init = json!({"p": [[0.3, 0.6, 0.5], [0.1, 0.2, 0.4], [0.5, 0.4, 0.7]]});
    let e = try_fit(
        &text,
        &Options::default(),
        csv(&rows()),
        Some(init),
        &exactly(2),
    );
    let e = e
        .map(|f| f.last())
        .expect_err("two numbers for one element");
    assert_eq!(e[0].code.as_str(), "E0714", "{e:?}");
    // A pair without rows keeps what it was given, at both places; it is counted once.
    let few: Vec<(usize, usize, f64)> = rows().into_iter().filter(|x| x.0 + x.1 != 1).collect();
    let init = json!({"p": [[0.3, 0.6, 0.5], [0.6, 0.2, 0.4], [0.5, 0.4, 0.7]]});
    let f = fit(&text, csv(&few), Some(init), &exactly(2));
    let p = f.get("p", "value");
    assert_eq!((p[[0, 1]], p[[1, 0]]), (0.6, 0.6));
    let said: Vec<String> = f
        .outcome
        .warnings
        .iter()
        .map(|w| format!("{w:?}"))
        .collect();
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(
        said[0].contains("no data reach 1 of its elements"),
        "{said:?}"
    );
}

#[test]
fn what_is_not_derived_is_refused() {
    for rest in [
        // Both orders in one mean: two places of one element are coupled.
        "latent w[group, group] ~ Gaussian(0, var = 1), symmetric\nobserve y[pair] ~ Gaussian(w[a, b] + w[b, a], var = 1)",
        "latent w[group] ~ Gaussian(0, var = 1) over group, symmetric\nobserve y[pair] ~ Gaussian(w[a, b], var = 1)",
        "plate kind(2)\nconst half[kind] = [0.5, 0.5]\nparam m[kind] : real\n\
         latent w[group, group] ~ Categorical(half) over kind, symmetric\n\
         observe y[pair] ~ Gaussian(m[w[a, b]], var = 1)",
    ] {
        let source = SourceFile::new("model.pmod", model("real", rest));
        let (m, _) = compile::model(&source, &Options::default())
            .unwrap_or_else(|e| panic!("{}", render_plain(&e, &source)));
        let e = compile::compile(&m, None).map(|_| ()).expect_err("refused");
        assert_eq!(e[0].code.as_str(), "E0508", "{e:?}");
        assert!(render_plain(&e, &source).contains("symmetric"), "{e:?}");
    }
}
