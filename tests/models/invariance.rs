//! What must not matter: the order of rows and statements, names, the origin of the data.

use serde_json::{Value, json};

use crate::fixture::{Fitted, Table, data, exactly, fit, model, near, same_trace};

const MEASURED: [&str; 4] = ["sepal_length", "sepal_width", "petal_length", "petal_width"];

fn gmm_start(shift: f64) -> Value {
    let mu: Vec<Vec<f64>> = [
        [5.0, 3.4, 1.5, 0.2],
        [6.0, 2.8, 4.3, 1.3],
        [6.6, 3.0, 5.5, 2.0],
    ]
    .iter()
    .map(|m| m.iter().map(|x| x + shift).collect())
    .collect();
    let s: Vec<Vec<f64>> = (0..4)
        .map(|i| {
            let v = [0.5, 0.2, 0.5, 0.2];
            (0..4).map(|j| if i == j { v[i] } else { 0.0 }).collect()
        })
        .collect();
    json!({"weight": [1.0 / 3.0, 1.0 / 3.0, 1.0 / 3.0], "mu": mu, "Sigma": [s, s, s]})
}

/// Row n moves to 7 n + 3 mod N, a permutation as N has no factor 7.
fn shuffled<T: Clone>(rows: &[T]) -> Vec<T> {
    assert_ne!(rows.len() % 7, 0);
    let mut out = rows.to_vec();
    for (n, r) in rows.iter().enumerate() {
        out[(7 * n + 3) % rows.len()] = r.clone();
    }
    out
}

fn shuffled_table(bytes: &[u8]) -> Vec<u8> {
    let mut t = Table::read(bytes);
    t.rows = shuffled(&t.rows);
    t.bytes()
}

#[test]
fn rows_in_any_order() {
    let run = |bytes| fit(&model("gmm"), bytes, Some(gmm_start(0.0)), &exactly(15));
    let (a, b) = (run(data("gmm")), run(shuffled_table(&data("gmm"))));
    same_trace("gmm", &b.outcome.trace, &a.outcome.trace, 1e-10);

    let q: Vec<Vec<f64>> = (0..150)
        .map(|n| {
            (0..6)
                .map(|k| if k == n / 25 { 0.8 } else { 0.04 })
                .collect()
        })
        .collect();
    let run = |bytes, q: &[Vec<f64>]| {
        fit(
            &model("bayesian_gmm"),
            bytes,
            Some(json!({ "z": q })),
            &exactly(15),
        )
    };
    let a = run(data("bayesian_gmm"), &q);
    let b = run(shuffled_table(&data("bayesian_gmm")), &shuffled(&q));
    same_trace("bayesian_gmm", &b.outcome.trace, &a.outcome.trace, 1e-10);

    let confusion = vec![[[0.8, 0.1, 0.1], [0.1, 0.8, 0.1], [0.1, 0.1, 0.8]]; 12];
    let run = |bytes| {
        let init = json!({"prior": [0.4, 0.3, 0.3], "confusion": confusion});
        fit(&model("dawid_skene"), bytes, Some(init), &exactly(15))
    };
    let a = run(data("dawid_skene"));
    let b = run(shuffled_table(&data("dawid_skene")));
    same_trace("dawid_skene", &b.outcome.trace, &a.outcome.trace, 1e-10);
}

fn same_fit(name: &str, a: &Fitted, b: &Fitted) {
    same_trace(name, &b.outcome.trace, &a.outcome.trace, 1e-10);
}

#[test]
fn names_and_order_of_statements() {
    let renamed = "observe zz[row] ~ Gaussian(a[b], cov = C[b]) over f\n\
        latent b[row] ~ Categorical(share)\n\
        param C[part] : covariance over f\n\
        param a[part] : real over f\n\
        param share : simplex over part\n\
        plate part(3)\n\
        data row { zz[f] : real = (sepal_length, sepal_width, petal_length, petal_width) }\n";
    let init = gmm_start(0.0);
    let a = fit(&model("gmm"), data("gmm"), Some(init.clone()), &exactly(15));
    let other = json!({"share": init["weight"], "a": init["mu"], "C": init["Sigma"]});
    let b = fit(renamed, data("gmm"), Some(other), &exactly(15));
    same_fit("gmm", &a, &b);

    // Variational: the blocks of a sweep between two passes do not read each other here.
    let reversed: String = {
        let text = model("lda");
        let at = text.find("plate topic").expect("statements");
        let (head, tail) = text.split_at(at);
        let lines: Vec<&str> = tail.lines().rev().collect();
        format!("{head}{}\n", lines.join("\n"))
    };
    let t = Table::read(&data("plsa"));
    let q: Vec<Vec<f64>> = (0..t.rows.len())
        .map(|n| {
            (0..10)
                .map(|k| if k == n * n % 10 { 0.55 } else { 0.05 })
                .collect()
        })
        .collect();
    let run = |text: &str| fit(text, data("plsa"), Some(json!({ "z": q })), &exactly(8));
    same_fit("lda", &run(&model("lda")), &run(&reversed));
}

/// Far from zero the squares of the data have no digits left for their spread.
#[test]
fn far_from_the_origin() {
    let shift = 1e6;
    let mut t = Table::read(&data("gmm"));
    for m in MEASURED {
        let at = t.header.iter().position(|h| h == m).expect("a column");
        for r in &mut t.rows {
            // Added in text, so that no digit is lost before pmc reads the cell.
            let (whole, part) = r[at].split_once('.').expect("a decimal");
            r[at] = format!(
                "{}.{part}",
                1_000_000 + whole.parse::<i64>().expect("a number")
            );
        }
    }
    let a = fit(
        &model("gmm"),
        data("gmm"),
        Some(gmm_start(0.0)),
        &exactly(60),
    );
    let b = fit(
        &model("gmm"),
        t.bytes(),
        Some(gmm_start(shift)),
        &exactly(60),
    );
    same_trace("log likelihood", &b.outcome.trace, &a.outcome.trace, 1e-7);
    for (x, y) in a.get("mu", "value").iter().zip(b.get("mu", "value")) {
        assert!((y - shift - x).abs() < 1e-6, "{y} for {x}");
    }
    for (x, y) in a.get("Sigma", "value").iter().zip(b.get("Sigma", "value")) {
        near("Sigma", *y, *x, 1e-6);
    }
    // The default start lands at the same place, too.
    let a = fit(&model("gmm"), data("gmm"), None, &exactly(60));
    let b = fit(&model("gmm"), t.bytes(), None, &exactly(60));
    near("default start", b.last(), a.last(), 1e-6);
}
