//! Predictions and scores of new rows, against direct formulas.

use pmc::fit::{Data, Fit, ScoreKind, predict, score};

use crate::{MIXTURE, Numbers, Place, numbers, two_clusters};

fn fitted(model: &str, csv: &str) -> Fit {
    crate::fitted(model, csv, 60)
}

/// log sum_k w_k N(x; mu_k, s_k I)
fn log_density(f: &Fit, x: &[f64]) -> f64 {
    let get = |n: &str| f.estimate(n).expect("a value").clone();
    let (w, mu, s) = (get("weight"), get("mu"), get("s"));
    let p: f64 = (0..w.len())
        .map(|k| {
            let d: f64 = (0..2).map(|j| (x[j] - mu[[k, j]]).powi(2)).sum();
            w[[k]] * (-d / (2.0 * s[[k]])).exp() / (2.0 * std::f64::consts::PI * s[[k]])
        })
        .sum();
    p.ln()
}

#[test]
fn the_training_data_score_the_log_likelihood() {
    let csv = two_clusters(90);
    let f = fitted(MIXTURE, &csv);
    let s = score(&f, Data::csv("d.csv", csv.clone())).expect("scores");
    assert_eq!(s.kind, ScoreKind::Exact);
    let l = f.objective.value.expect("a value");
    assert!((s.total - l).abs() < 1e-9 * l.abs(), "{} {l}", s.total);
    assert_eq!((s.weight, s.tables.len(), s.by_row), (90.0, 1, true));
    for ((line, got), (i, x)) in s.tables[0]
        .rows
        .iter()
        .zip(numbers(&csv).iter().enumerate())
    {
        assert_eq!(*line as usize, i + 2);
        let want = log_density(&f, x);
        assert!(
            (got - want).abs() < 1e-9 * want.abs(),
            "row {i}: {got} {want}"
        );
    }
}

#[test]
fn new_rows_are_scored_by_the_fitted_density_whatever_stands_beside_them() {
    let f = fitted(MIXTURE, &two_clusters(90));
    let alone = score(&f, Data::csv("n.csv", "b,a,c\n31.5,19,x\n")).expect("scores");
    let want = log_density(&f, &[19.0, 31.5]);
    assert!((alone.total - want).abs() < 1e-9 * want.abs());
    let two = score(&f, Data::csv("n.csv", "a,b\n1,1\n19,31.5\n")).expect("scores");
    assert!((two.tables[0].rows[1].1 - want).abs() < 1e-9 * want.abs());
}

#[test]
fn weights_count() {
    let model = MIXTURE.replace("data row { x", "data row { n : weight  x");
    let csv: String = two_clusters(60)
        .lines()
        .enumerate()
        .map(|(i, l)| match i {
            0 => format!("n,{l}\n"),
            _ => format!("{},{l}\n", i % 3),
        })
        .collect();
    let f = fitted(&model, &csv);
    let s = score(&f, Data::csv("d.csv", csv)).expect("scores");
    let l = f.objective.value.expect("a value");
    assert!((s.total - l).abs() < 1e-9 * l.abs(), "{} {l}", s.total);
    assert_eq!(s.weight, 60.0);
}

#[test]
fn latents_stored_by_row_score_too() {
    let mut r = Numbers::new(3);
    let mut csv = String::from("a,b,c\n");
    for _ in 0..80 {
        let h = r.bell();
        csv.push_str(&format!(
            "{},{},{}\n",
            5.0 + h + 0.3 * r.bell(),
            2.0 * h + 0.3 * r.bell(),
            0.3 * r.bell() - h
        ));
    }
    let model = "\
model ppca
data row { x[feature] : real = rest }
plate factor(1)
latent  h[row, factor]     ~ Gaussian(0, var = 1)
param   W[feature, factor] : real
param   b[feature]         : real
param   noise              : positive
observe x[row, feature]    ~ Gaussian(sum(W * h over factor) + b, var = noise)
";
    let f = fitted(model, &csv);
    let s = score(&f, Data::csv("d.csv", csv.clone())).expect("scores");
    // x ~ N(b, W W' + noise I): determinant and inverse of a rank-one update.
    let get = |n: &str| f.estimate(n).expect("a value").clone();
    let (w, b, noise) = (
        get("W"),
        get("b"),
        get("noise").first().copied().expect("one"),
    );
    let ww: f64 = w.iter().map(|x| x * x).sum();
    let mut total = 0.0;
    for (row, x) in numbers(&csv).iter().enumerate() {
        let d: Vec<f64> = (0..3).map(|j| x[j] - b[[j]]).collect();
        let dd: f64 = d.iter().map(|x| x * x).sum();
        let wd: f64 = (0..3).map(|j| w[[j, 0]] * d[j]).sum();
        let quadratic = (dd - wd * wd / (noise + ww)) / noise;
        let log_det = 2.0 * noise.ln() + (noise + ww).ln();
        let want = -0.5 * (3.0 * (2.0 * std::f64::consts::PI).ln() + log_det + quadratic);
        let got = s.tables[0].rows[row].1;
        assert!(
            (got - want).abs() < 1e-8 * want.abs().max(1.0),
            "row {row}: {got} {want}"
        );
        total += want;
    }
    assert_eq!(s.kind, ScoreKind::Exact);
    assert!((s.total - total).abs() < 1e-8 * total.abs());
    let l = f.objective.value.expect("a value");
    assert!((s.total - l).abs() < 1e-8 * l.abs(), "{} {l}", s.total);
}

#[test]
fn numbers_of_the_fitted_data_are_kept() {
    let model = "\
model standardised
data row { x : real  y : real }
let     u[row] = (x - mean(x over row)) / sd(x over row)
param   a     : real
param   c     : real
param   s     : positive
observe y[row] ~ Gaussian(a + c * u, var = s)
";
    let csv = "x,y\n1,2\n2,4.1\n3,5.9\n4,8\n7,14.2\n";
    let f = fitted(model, csv);
    let all = score(&f, Data::csv("d.csv", csv)).expect("scores");
    let one = score(&f, Data::csv("n.csv", "x,y\n7,14.2\n")).expect("scores");
    assert!((one.total - all.tables[0].rows[4].1).abs() < 1e-10);
    // Directly: mean 3.4, sd by n.
    let value = |n: &str| f.estimate(n).and_then(|a| a.first().copied()).expect("one");
    let xs = [1.0f64, 2.0, 3.0, 4.0, 7.0];
    let m = xs.iter().sum::<f64>() / 5.0;
    let sd = (xs.iter().map(|x| (x - m).powi(2)).sum::<f64>() / 5.0).sqrt();
    let (a, c, s) = (value("a"), value("c"), value("s"));
    let d = 14.2 - a - c * (7.0 - m) / sd;
    let want = -0.5 * ((2.0 * std::f64::consts::PI * s).ln() + d * d / s);
    assert!((one.total - want).abs() < 1e-10, "{} {want}", one.total);
}

#[test]
fn rows_get_the_label_of_their_cluster_in_the_order_of_the_file() {
    let p = Place::mixture();
    p.ok("fit m.pmod d.csv -q -o f.json");
    std::fs::write(p.path("n.csv"), "a,b\n20,30\n0.5,-0.5\n19,33\n").expect("writes");
    let text = p.ok("predict f.json n.csv");
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some("line,z,z=1,z=2"));
    let rows: Vec<Vec<String>> = lines
        .map(|l| l.split(',').map(String::from).collect())
        .collect();
    assert_eq!(rows.len(), 3);
    for (row, (line, z)) in rows.iter().zip([("2", "1"), ("3", "2"), ("4", "1")]) {
        assert_eq!((row[0].as_str(), row[1].as_str()), (line, z));
        let q: f64 = row[2..]
            .iter()
            .map(|x| x.parse::<f64>().expect("number"))
            .sum();
        assert!((q - 1.0).abs() < 1e-12);
    }
    p.ok("predict f.json n.csv -o out.csv");
    assert_eq!(p.read("out.csv"), text);
    let out = p.run("predict f.json n.csv --only y");
    assert_eq!(out.status.code(), Some(1));
}

#[test]
fn ordered_rows_come_out_in_the_order_of_the_file() {
    let model = MIXTURE.replace("data row {", "data row ordered by t {");
    let f = fitted(&model, &with_time(&two_clusters(30)));
    let csv = "t,a,b\n3,20,30\n1,0,0\n2,20,30\n";
    let found = predict(&f, Data::csv("n.csv", csv), &[]).expect("predicts");
    let z: Vec<&str> = found.tables[0]
        .csv
        .lines()
        .skip(1)
        .filter_map(|l| l.split(',').nth(1))
        .collect();
    assert_eq!(z, ["1", "2", "1"]);
}

fn with_time(csv: &str) -> String {
    let lines = csv.lines().enumerate();
    lines
        .map(|(i, l)| match i {
            0 => format!("t,{l}\n"),
            _ => format!("{i},{l}\n"),
        })
        .collect()
}

const VOTES: &str = "\
model votes
data vote { item : label  worker : label  answer : label of class }
param   prior                    : simplex over class
param   confusion[worker, class] ~ Dirichlet(2) over class
latent  truth[item]  ~ Categorical(prior)
observe answer[vote] ~ Categorical(confusion[worker, truth])
";

fn votes() -> String {
    let mut r = Numbers::new(1);
    let mut csv = String::from("item,worker,answer\n");
    for item in 0..30 {
        for worker in 0..4 {
            let right = r.draw() < 0.85;
            let yes = (item % 3 == 0) == right;
            csv.push_str(&format!(
                "i{item:02},w{worker},{}\n",
                if yes { "yes" } else { "no" }
            ));
        }
    }
    csv
}

#[test]
fn new_labels_are_inferred_with_the_fitted_ones_held() {
    let f = fitted(VOTES, &votes());
    let new = "item,worker,answer\nnew,w0,yes\nnew,w1,yes\nnew,w2,no\ni00,w0,no\n";
    let found = predict(&f, Data::csv("n.csv", new), &[]).expect("predicts");
    let lines: Vec<&str> = found.tables[0].csv.lines().collect();
    assert_eq!(lines[0], "item,truth,truth=no,truth=yes");
    assert_eq!(
        lines.len(),
        3,
        "only the items that are asked about: {lines:?}"
    );
    let cells = |l: &str| l.split(',').map(String::from).collect::<Vec<_>>();
    let (old, got) = (cells(lines[1]), cells(lines[2]));
    assert_eq!((old[0].as_str(), got[0].as_str()), ("i00", "new"));
    // A fitted item keeps its q.
    let q = &f
        .variables
        .get("truth")
        .and_then(|e| e.parameters.as_ref())
        .expect("q")
        .0[0]
        .1
        .0;
    assert_eq!(old[3].parse::<f64>().expect("number"), q[[0, 1]]);
    // A new one: Bayes' rule at the fitted points.
    let prior = f.estimate("prior").expect("value");
    let c = f.estimate("confusion").expect("value");
    let p: Vec<f64> = (0..2)
        .map(|t| prior[[t]] * c[[0, t, 1]] * c[[1, t, 1]] * c[[2, t, 0]])
        .collect();
    let want = p[1] / (p[0] + p[1]);
    let yes: f64 = got[3].parse().expect("number");
    assert!((yes - want).abs() < 1e-12, "{yes} {want}");
    // A score of new items alone is their evidence.
    let new = "item,worker,answer\nnew,w0,yes\nnew,w1,yes\nnew,w2,no\n";
    let s = score(&f, Data::csv("n.csv", new)).expect("scores");
    assert!((s.total - (p[0] + p[1]).ln()).abs() < 1e-10, "{}", s.total);
    assert_eq!(s.kind, ScoreKind::Exact);
    // A worker whom the fit does not know has no confusion matrix.
    let e = score(&f, Data::csv("n.csv", "item,worker,answer\nnew,w9,yes\n")).expect_err("new");
    assert_eq!(e[0].code.as_str(), "E0713");
}

#[test]
fn blank_labels_are_filled_in() {
    let model = "\
model classes
data row { kind : label  x : real }
param   p         : simplex over kind
param   mu[kind]  : real
param   s         : positive
observe kind[row] ~ Categorical(p)
observe x[row]    ~ Gaussian(mu[kind], var = s)
";
    let csv = "kind,x\na,1\na,1.2\na,0.8\nb,5\nb,5.3\n";
    let f = fitted(model, csv);
    assert_eq!(f.method, "maximum likelihood");
    let found =
        predict(&f, Data::csv("n.csv", "kind,x\n,1.1\nb,1\n,4.9\n"), &[]).expect("predicts");
    let lines: Vec<Vec<&str>> = found.tables[0]
        .csv
        .lines()
        .map(|l| l.split(',').collect())
        .collect();
    assert_eq!(lines[0], ["line", "kind", "kind=a", "kind=b"]);
    let kinds: Vec<&str> = lines[1..].iter().map(|l| l[1]).collect();
    assert_eq!(kinds, ["a", "b", "b"]);
    assert_eq!(lines[2][3], "1", "a known cell is certain");
    // Bayes' rule for the first row.
    let value = |n: &str, i: usize| {
        f.estimate(n)
            .and_then(|a| a.iter().nth(i).copied())
            .expect("one")
    };
    let s = value("s", 0);
    let l: Vec<f64> = (0..2)
        .map(|k| value("p", k) * (-(1.1 - value("mu", k)).powi(2) / (2.0 * s)).exp())
        .collect();
    let got: f64 = lines[1][2].parse().expect("number");
    assert!((got - l[0] / (l[0] + l[1])).abs() < 1e-12);
}

#[test]
fn nothing_local_is_said() {
    let p = Place::new(&[
        (
            "m.pmod",
            "model mean\ndata row { x : real }\nparam m : real\nparam s : positive\nobserve x[row] ~ Gaussian(m, var = s)\n",
        ),
        ("d.csv", "x\n1\n2\n4\n"),
    ]);
    p.ok("fit m.pmod d.csv -q -o f.json");
    let out = p.run("predict f.json d.csv");
    assert_eq!((out.status.code(), out.stdout.len()), (Some(0), 0));
    assert!(crate::err(&out).contains("nothing to predict"));
    let text = p.ok("score f.json d.csv --per-row");
    assert_eq!(text.lines().next(), Some("line,log_predictive_density"));
    // m = 7/3, s = 14/9: the mean squared residual makes the sum of squares 3.
    let total = -1.5 * ((2.0 * std::f64::consts::PI * 14.0 / 9.0).ln() + 1.0);
    let v: serde_json::Value =
        serde_json::from_str(&p.ok("score f.json d.csv --json")).expect("JSON");
    assert!((v["total"].as_f64().expect("number") - total).abs() < 1e-9);
    let sum: f64 = numbers(&text).iter().map(|r| r[1]).sum();
    assert!((sum - total).abs() < 1e-9);
}

/// Elements that pick elements, as points: the fit keeps them, so that new rows can be scored.
#[test]
fn nested_discrete_points_are_kept() {
    let model = "\
data row { x : real  c : label of k }
plate k(2)
const w over k = [0.5, 0.5]
latent z[i in k] ~ Categorical(w[k]) over k as dirac
param mu[k] : real
observe x[row] ~ Gaussian(mu[z[z[c]]], var = 1)
";
    let csv = "x,c\n0,1\n1,2\n3,1\n2.5,2\n";
    let f = fitted(model, csv);
    let s = score(&f, Data::csv("d.csv", csv)).expect("scores");
    assert_eq!(s.kind, ScoreKind::Joint);
    let l = f.objective.value.expect("a value");
    // The fitted z is a point that is held: the rows alone count.
    let prior = 2.0 * 0.5f64.ln();
    assert!(
        (s.total + prior - l).abs() < 1e-9 * l.abs(),
        "{} {l}",
        s.total
    );
    predict(&f, Data::csv("d.csv", csv), &[]).expect("predicts");
}

#[test]
fn small_probabilities_are_short() {
    let csv = two_clusters(90);
    let f = fitted(MIXTURE, &csv);
    let p = predict(&f, Data::csv("n.csv", "a,b\n0,0\n20,30\n"), &[]).expect("predicts");
    let lines: Vec<Vec<&str>> = p.tables[0]
        .csv
        .lines()
        .map(|l| l.split(',').collect())
        .collect();
    for line in &lines[1..] {
        let small = line.iter().filter(|c| c.contains("e-")).count();
        assert_eq!(small, 1, "{line:?}");
        assert!(line.iter().all(|c| c.len() < 20), "{line:?}");
    }
}
