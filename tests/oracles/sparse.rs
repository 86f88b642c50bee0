//! Sparse codes as points, a learnt dictionary, and binary sparse coding by variational EM, on patches of digits.

use serde_json::{Value, json};

use pmc::check::Options;

use crate::fixture::{
    Fitted, csv_bytes, fit, numbers, oracle, same_trajectory, same_values, table,
};

fn last(f: &Fitted) -> f64 {
    *f.outcome.trace.last().expect("a trace")
}

fn number(v: &Value) -> f64 {
    v.as_f64().expect("a number")
}

/// The 64 pixels of every digit, divided by 16; and their names.
fn digits() -> (Vec<String>, Vec<Vec<f64>>) {
    let (header, rows) = table("digits.csv");
    let pixels = header[..64].to_vec();
    let cell = |c: &String| c.parse::<f64>().expect("a number") / 16.0;
    let rows = rows
        .iter()
        .map(|r| r[..64].iter().map(cell).collect())
        .collect();
    (pixels, rows)
}

fn csv(header: &[String], rows: &[&Vec<f64>]) -> Vec<u8> {
    let text = |r: &&Vec<f64>| r.iter().map(f64::to_string).collect();
    csv_bytes(header, &rows.iter().map(text).collect::<Vec<_>>())
}

/// By pixel and atom: row `atoms[k]` less `b`, divided by its norm.
fn dictionary(rows: &[Vec<f64>], atoms: &Value, b: &[f64]) -> Vec<Vec<f64>> {
    let columns: Vec<Vec<f64>> = numbers(atoms)
        .iter()
        .map(|n| {
            let c: Vec<f64> = rows[*n as usize]
                .iter()
                .zip(b)
                .map(|(x, b)| x - b)
                .collect();
            let norm = c.iter().map(|x| x * x).sum::<f64>().sqrt();
            c.iter().map(|x| x / norm).collect()
        })
        .collect();
    (0..64)
        .map(|p| columns.iter().map(|c| c[p]).collect())
        .collect()
}

/// Everything of the log joint that neither codes nor dictionary change, for `rows` rows.
fn constant(rows: usize, atoms: usize, beta: f64, log_rate: f64) -> f64 {
    let gaussian = 32.0 * (beta / std::f64::consts::TAU).ln();
    rows as f64 * (gaussian + atoms as f64 * log_rate)
}

/// Codes under a dictionary that is given: one strictly concave problem for each row.
fn codes(name: &str, prior: &str, log_rate: f64) {
    let Some(o) = oracle(name) else { return };
    let (pixels, rows) = digits();
    let b = numbers(&o["constants"]["b"]);
    let w = dictionary(&rows, &o["constants"]["atoms"], &[0.0; 64]);
    let model = format!(
        "data patch {{ x[pixel] : real = \"p*\" }}\nplate atom(24)\nconst W[pixel, atom] = {w:?}\n\
         const b[pixel] = {b:?}\nlatent h[patch, atom] ~ {prior} as dirac\n\
         observe x[patch, pixel] ~ Gaussian(sum(W * h over atom) + b, precision = 4)"
    );
    let chosen: Vec<&Vec<f64>> = numbers(&o["data"]["rows_used_0based"])
        .iter()
        .map(|n| &rows[*n as usize])
        .collect();
    let all = fit(&model, &Options::default(), csv(&pixels, &chosen), None, 1);
    let end = &o["final"];
    let want = number(&end["logjoint_total"]);
    assert!(
        (last(&all) - want).abs() <= 1e-10 * want.abs(),
        "{name}: {} instead of {want}",
        last(&all)
    );
    let objective = constant(12, 24, 4.0, log_rate) - last(&all);
    let want = number(&end["objective_total"]);
    assert!((objective - want).abs() <= 1e-10 * want, "{name}");
    let h = all.get("h", "value");
    same_values(name, h, &end["h"], 1e-9, 0.0);
    // The dictionary has full rank, so the set of atoms in use is unique.
    for (mine, want) in h.iter().zip(numbers(&end["h"])) {
        assert_eq!(*mine == 0.0, want == 0.0, "{name}: {mine} and {want}");
    }
    let each = numbers(&end["objective_per_row"]);
    for (row, want) in chosen.iter().zip(each) {
        let f = fit(&model, &Options::default(), csv(&pixels, &[row]), None, 1);
        let objective = constant(1, 24, 4.0, log_rate) - last(&f);
        assert!(
            (objective - want).abs() <= 1e-10 * want,
            "{name}: {objective} instead of {want}"
        );
    }
}

#[test]
fn sparse_coding_laplace_digits() {
    codes(
        "sparse_coding_laplace_digits",
        "Laplace(0, scale = 2)",
        0.25f64.ln(),
    );
}

#[test]
fn sparse_coding_exponential_digits() {
    codes(
        "sparse_coding_exponential_digits",
        "Exponential(rate = 0.5)",
        0.5f64.ln(),
    );
}

/// The reference moves each atom once between codes; here they are cycled until none moves, which is the exact constrained
/// M-step. So the first codes agree, the first dictionary is at least as good, and later trajectories are two roads of which
/// both must end about as low.
#[test]
fn dictionary_learning_digits() {
    let name = "dictionary_learning_digits";
    let Some(o) = oracle(name) else { return };
    let (pixels, rows) = digits();
    let b = numbers(&o["constants"]["b"]);
    let start = dictionary(&rows, &o["init"]["atoms"], &b);
    let used: Vec<&Vec<f64>> = rows[..200].iter().collect();
    let model = |dictionary: &str| {
        format!(
            "data patch {{ x[pixel] : real = \"p*\" }}\nplate atom(16)\n{dictionary}\n\
             const b[pixel] = {b:?}\nlatent h[patch, atom] ~ Laplace(0, scale = 2) as dirac\n\
             observe x[patch, pixel] ~ Gaussian(sum(W * h over atom) + b, precision = 4)"
        )
    };
    let all = constant(200, 16, 4.0, 0.25f64.ln());
    let run = |dictionary: &str, init: Option<Value>, n: usize| {
        let text = model(dictionary);
        fit(&text, &Options::default(), csv(&pixels, &used), init, n)
    };
    let trajectory = &o["trajectory"];
    let known = run(&format!("const W[pixel, atom] = {start:?}"), None, 1);
    let want = numbers(&trajectory["objective_after_h"])[0];
    assert!(
        (all - last(&known) - want).abs() <= 1e-8 * want,
        "{} instead of {want}",
        all - last(&known)
    );
    let learnt = run(
        "param W[pixel, atom] : real, unit ball over pixel",
        Some(json!({ "W": start })),
        60,
    );
    let mine: Vec<f64> = learnt.outcome.trace.iter().map(|l| all - l).collect();
    let after = numbers(&trajectory["objective_after_W"])[0];
    assert!(
        mine[0] <= after * (1.0 + 1e-8),
        "{} instead of {after}",
        mine[0]
    );
    // Exact, so below one pass over the atoms, and not by much: the codes are the same.
    assert!(mine[0] > 0.9 * after, "{} instead of {after}", mine[0]);
    let end = number(&o["final"]["objective"]);
    let found = *mine.last().expect("a trace");
    assert!(found <= 1.02 * end, "{found} instead of {end}");
    let w = learnt.get("W", "value");
    for column in w.axis_iter(ndarray::Axis(1)) {
        let norm = column.iter().map(|x| x * x).sum::<f64>().sqrt();
        assert!(norm <= 1.0 + 1e-12, "{norm}");
    }
}

/// One iteration: three sweeps over the causes, each with the newest others, then W, then p, then beta.
#[test]
fn bsc_variational_em_digits() {
    let name = "bsc_variational_em_digits";
    let Some(o) = oracle(name) else { return };
    let (header, rows) = table("digits.csv");
    let columns: Vec<String> =
        serde_json::from_value(o["data"]["columns"].clone()).expect("columns");
    let at: Vec<usize> = columns
        .iter()
        .map(|c| header.iter().position(|h| h == c).expect("a column"))
        .collect();
    let cell = |r: &Vec<String>, i: usize| r[i].parse::<f64>().expect("a number") / 16.0;
    let used: Vec<Vec<f64>> = rows[..500]
        .iter()
        .map(|r| at.iter().map(|i| cell(r, *i)).collect())
        .collect();
    let bytes = csv(&columns, &used.iter().collect::<Vec<_>>());
    let model = "data row { v[pixel] : real = \"p*\" }\nplate cause(6)\nparam p[cause] : probability\n\
         param W[pixel, cause] : real\nparam beta : positive\nlatent h[row, cause] ~ Bernoulli(p) as factorised\n\
         observe v[row, pixel] ~ Gaussian(sum(W * h over cause), precision = beta)\n\
         infer { order h, h, h, W, p, beta }";
    let start = &o["init"];
    let p: Vec<f64> = numbers(&start["b"])
        .iter()
        .map(|b| 1.0 / (1.0 + (-b).exp()))
        .collect();
    let run = |n: usize| {
        let h = vec![vec![[0.5, 0.5]; 6]; 500];
        let init = json!({"h": h, "p": p, "W": start["W"], "beta": start["beta"]});
        fit(model, &Options::default(), bytes.clone(), Some(init), n)
    };
    let want = numbers(&o["trajectory"]["elbo"]);
    let f = run(want.len());
    assert_eq!(f.method, "variational EM");
    same_trajectory(name, &f.outcome.trace, &want, 1e-9);
    let end = &o["final"];
    let f = run(100);
    let elbo = number(&end["elbo"]);
    assert!((last(&f) - elbo).abs() <= 1e-6 * elbo.abs(), "{}", last(&f));
    same_values(name, f.get("W", "value"), &end["W"], 1e-5, 0.0);
    same_values(name, f.get("beta", "value"), &end["beta"], 0.0, 1e-5);
    let p: Vec<f64> = numbers(&end["b"])
        .iter()
        .map(|b| 1.0 / (1.0 + (-b).exp()))
        .collect();
    same_values(name, f.get("p", "value"), &json!(p), 1e-6, 0.0);
}
