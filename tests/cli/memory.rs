//! `fit --memory`: rows that stay on disk give the same fit, bit for bit; models that need their rows are refused.

use std::fmt::Write;

use crate::{Place, err};

/// Numbers without an order that could help.
fn numbers(n: usize, columns: &[&str], of: impl Fn(usize, usize) -> f64) -> String {
    let mut text = columns.join(",") + "\n";
    for i in 0..n {
        let row: Vec<String> = (0..columns.len())
            .map(|j| format!("{:.6}", of(i, j)))
            .collect();
        let _ = writeln!(text, "{}", row.join(","));
    }
    text
}

fn noise(i: usize, j: usize) -> f64 {
    let x = (i * 7919 + j * 104_729 + 17) % 10_007;
    x as f64 / 10_007.0 - 0.5
}

fn same_fit(model: &str, data: &str) {
    let place = Place::new(&[("m.pmod", model), ("d.csv", data)]);
    place.ok("fit m.pmod d.csv -o a.json --max-iter 6 --no-rewrite collapse");
    place.ok("fit m.pmod d.csv -o b.json --max-iter 6 --no-rewrite collapse --memory 1kB");
    place
        .ok("fit m.pmod d.csv -o c.json --max-iter 6 --no-rewrite collapse --memory 1GB --cache k");
    for other in ["b.json", "c.json"] {
        let [a, b] = ["a.json", other].map(|f| {
            let fit: serde_json::Value = serde_json::from_str(&place.read(f)).expect("a fit");
            let of = |name: &str| fit[name].clone();
            ["objective", "variables", "known", "data", "start", "stop"].map(of)
        });
        assert_eq!(a, b, "{other}");
    }
}

#[test]
fn a_mixture_from_disk() {
    // More rows than a sample of them has, and than a block.
    let data = numbers(150_000, &["a", "b"], |i, j| {
        noise(i, j) + 3.0 * (i % 3) as f64
    });
    same_fit(
        "model m\ndata row { x[feature] : real = rest }\nplate cluster(3)\nparam weight : simplex over cluster\n\
         param mu[cluster] : real over feature\nparam S[cluster] : covariance over feature\n\
         latent z[row] ~ Categorical(weight)\nobserve x[row] ~ Gaussian(mu[z], cov = S[z]) over feature\n",
        &data,
    );
}

#[test]
fn factors_of_standardised_columns_from_disk() {
    let data = numbers(70_000, &["a", "b", "c", "d"], |i, j| {
        5.0 + noise(i, j) + (j + 1) as f64 * noise(i, 9)
    });
    same_fit(
        "model m\ndata row { x[feature] : real = rest }\nplate factor(1)\n\
         let u[row, feature] = (x - mean(x over row)) / sd(x over row)\nlatent h[row, factor] ~ Gaussian(0, var = 1)\n\
         latent tau ~ Gamma(1, rate = 1)\nlatent W[feature, factor] ~ Gaussian(0, precision = 1)\n\
         observe u[row, feature] ~ Gaussian(sum(W * h over factor), precision = tau)\n",
        &data,
    );
}

#[test]
fn topics_of_weighted_labels_from_disk() {
    let mut data = String::from("doc,word,n\n");
    for i in 0..30_000 {
        let doc = i % 211;
        let word = (i * 31 + doc * 7) % 97 / (1 + doc % 3);
        let _ = writeln!(data, "d{doc},w{word},{}", 1 + i % 4);
    }
    same_fit(
        "model m\ndata token { doc : label\n word : label\n n : weight }\nplate topic(3)\n\
         latent theta[topic] ~ Dirichlet(0.1) over word\nlatent pi[doc] ~ Dirichlet(0.5) over topic\n\
         latent z[token] ~ Categorical(pi[doc])\nobserve word[token] ~ Categorical(theta[z])\n",
        &data,
    );
}

#[test]
fn rows_that_are_needed_one_by_one_are_refused() {
    let chain = "model m\ndata step ordered by t { y : real }\nparam q : positive\nparam s : positive\n\
                 latent x[step] ~ Gaussian(x[step-1], var = q) first Gaussian(0, var = 9)\n\
                 observe y[step] ~ Gaussian(x, var = s)\n";
    let blanks = "model m\ndata row { y : real }\nlet c = 1\nparam a : real\nparam b : positive\n\
                  observe y[row] ~ StudentT(a, scale = b, df = 4)\n";
    for (model, data) in [(chain, "t,y\n1,1\n2,1.5\n"), (blanks, "y\n1\n2\n4\n")] {
        let place = Place::new(&[("m.pmod", model), ("d.csv", data)]);
        let out = place.run("fit m.pmod d.csv -o a.json --memory 1B");
        assert_eq!(out.status.code(), Some(1), "{}", err(&out));
        assert!(err(&out).contains("E0603"), "{}", err(&out));
    }
    let kept = "model m\ndata row { y : real }\nparam a : real\nparam b : positive\nlatent z[row] ~ Gaussian(a, var = b)\nobserve y[row] ~ Gaussian(z, var = 1)\n";
    let place = Place::new(&[("m.pmod", kept), ("d.csv", "y\n1\n2\n4\n")]);
    let out = place.run("fit m.pmod d.csv -o a.json --memory 1B --keep z");
    assert!(err(&out).contains("E0603"), "{}", err(&out));
    for size in ["0", "12XB", "-1MB", "1e3", "99999999999GB"] {
        let out = place.run(&format!("fit m.pmod d.csv --memory {size}"));
        assert_eq!(out.status.code(), Some(2), "{size}: {}", err(&out));
    }
}
