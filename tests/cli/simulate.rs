//! `pmc simulate`: files that read back, values that a fit finds again, draws from a fit against its q.

use ndarray::ArrayD;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use serde_json::Value;

use pmc::compile;
use pmc::data::{self, DataFile, Files};
use pmc::fit::{Data, Fit, Settings, draw, fit};
use pmc::naive::{Assignment, simulate};
use pmc::source::SourceFile;

use crate::{MIXTURE, Place, err, numbers};

const INIT: &str = "{ \"weight\": [0.3, 0.7], \"mu\": [[0, 0], [6, -4]], \"s\": [1, 0.25] }";

fn json_of(p: &Place, name: &str) -> Value {
    serde_json::from_str(&p.read(name)).expect("JSON")
}

fn column(text: &str, name: &str) -> Vec<String> {
    let mut lines = text.lines();
    let header = lines.next().expect("a header");
    let place = header.split(',').position(|h| h == name);
    let place = place.unwrap_or_else(|| panic!("no {name} in {header}"));
    let cell = |l: &str| l.split(',').nth(place).expect("a cell").to_string();
    lines.map(cell).collect()
}

#[test]
fn a_fit_finds_what_the_rows_were_drawn_with() {
    let p = Place::new(&[("m.pmod", MIXTURE), ("true.json", INIT)]);
    p.ok("simulate m.pmod --rows 600 --init true.json -o d.csv --truth t.json");
    assert_eq!(numbers(&p.read("d.csv")).len(), 600);
    p.ok("fit m.pmod d.csv -q -o f.json --restarts 3");
    let fit = json_of(&p, "f.json");
    let found = |name: &str| pmc_numbers(&fit["variables"][name]["value"]);
    // five standard errors with 180 and 420 rows; the lighter cluster comes last in the fit
    for (found, wanted, error) in [
        (found("weight"), vec![0.7, 0.3], 0.019),
        (found("mu"), vec![6.0, -4.0, 0.0, 0.0], 0.075),
        (found("s"), vec![0.25, 1.0], 0.06),
    ] {
        for (f, w) in found.iter().zip(&wanted) {
            assert!((f - w).abs() < 5.0 * error, "{found:?} is not {wanted:?}");
        }
        assert_eq!(found.len(), wanted.len());
    }
    // what was drawn is a start
    let truth = json_of(&p, "t.json");
    assert_eq!(pmc_numbers(&truth["mu"]), [0.0, 0.0, 6.0, -4.0]);
    assert_eq!(truth["z"]["label"].as_array().map(Vec::len), Some(600));
    p.ok("fit m.pmod d.csv -q -o g.json --init t.json");
    let value = |v: &Value| v["objective"]["value"].as_f64().expect("a number");
    let (a, b) = (value(&fit), value(&json_of(&p, "g.json")));
    assert!((a - b).abs() < 1e-4 * a.abs(), "{a} {b}");
}

fn pmc_numbers(v: &Value) -> Vec<f64> {
    match v {
        Value::Array(a) => a.iter().flat_map(pmc_numbers).collect(),
        other => vec![other.as_f64().expect("a number")],
    }
}

#[test]
fn the_same_seed_writes_the_same_bytes() {
    let p = Place::new(&[("m.pmod", MIXTURE), ("true.json", INIT)]);
    let run = |seed: u32| {
        p.ok(&format!(
            "simulate m.pmod --rows 20 --init true.json --seed {seed}"
        ))
    };
    assert_eq!(run(0), p.ok("simulate m.pmod --rows 20 --init true.json"));
    assert_eq!(run(5), run(5));
    assert_ne!(run(0), run(5));
}

#[test]
fn tables_are_made_up_as_the_model_asks() {
    let lda = "data token { doc : label  word : label  count : weight }
        plate topic(2)
        latent  theta[topic] ~ Dirichlet(0.5) over word
        latent  pi[doc]      ~ Dirichlet(0.5) over topic
        latent  z[token]     ~ Categorical(pi[doc])
        observe word[token]  ~ Categorical(theta[z])";
    let hmm = "data step ordered by t within session { y : real }
        plate state(2)
        const   start over state = [0.5, 0.5]
        const   move[state] over state = [[0.9, 0.1], [0.1, 0.9]]
        latent  z[step] ~ Categorical(move[z[step-1]]) first Categorical(start)
        latent  mu[state] ~ Gaussian(0, var = 9)
        observe y[step] ~ Gaussian(mu[z], var = 1)";
    let blocks = "data pair every a < b { a : label of node = \"source\"   b : label of node = \"target\"   linked : binary = listed }
        plate block(2)
        latent  weight          ~ Dirichlet(5) over block
        latent  p[block, block] ~ Beta(4, 4), symmetric
        latent  z[node]         ~ Categorical(weight)
        observe linked[pair]    ~ Bernoulli(p[z[a], z[b]])";
    let skill = "data game { winner : label of player  loser : label of player  won : binary }
        latent  skill[player] ~ Gaussian(0, var = 1)
        observe won[game] ~ Bernoulli(probit = skill[winner] - skill[loser])";
    let p = Place::new(&[
        ("lda.pmod", lda),
        ("hmm.pmod", hmm),
        ("blocks.pmod", blocks),
        ("skill.pmod", skill),
    ]);
    let text = p.ok("simulate lda.pmod --rows 300 --plate doc=10 --plate word=6");
    let docs = column(&text, "doc");
    for doc in 1..=10 {
        let n = docs.iter().filter(|d| **d == doc.to_string()).count();
        // 300 rows over 10 documents, within five standard deviations
        assert!((4..57).contains(&n), "{n} rows of {doc}");
    }
    assert!(column(&text, "count").iter().all(|c| c == "1"));
    let words = column(&text, "word");
    assert!(
        words
            .iter()
            .all(|w| ["1", "2", "3", "4", "5", "6"].contains(&w.as_str()))
    );

    let text = p.ok("simulate hmm.pmod --rows 100 --plate session=4");
    let (t, session) = (column(&text, "t"), column(&text, "session"));
    assert_eq!(
        (t[0].as_str(), t[24].as_str(), t[25].as_str()),
        ("1", "25", "1")
    );
    assert_eq!((session[24].as_str(), session[25].as_str()), ("1", "2"));
    std::fs::write(p.path("hmm.csv"), &text).expect("writes");
    p.ok("check hmm.pmod hmm.csv");

    let text = p.ok("simulate blocks.pmod --plate node=30");
    assert!(text.starts_with("source,target\n"), "{text}");
    let pairs = column(&text, "source")
        .into_iter()
        .zip(column(&text, "target"));
    let pairs: Vec<(u32, u32)> = pairs
        .map(|(a, b)| (a.parse().expect("a number"), b.parse().expect("a number")))
        .collect();
    assert!(pairs.iter().all(|(a, b)| a < b && *b <= 30));
    assert!((20..415).contains(&pairs.len()), "{}", pairs.len());

    let text = p.ok("simulate skill.pmod --rows 200 --plate player=3");
    let games = column(&text, "winner")
        .into_iter()
        .zip(column(&text, "loser"));
    assert!(games.into_iter().all(|(w, l)| w != l));
}

#[test]
fn given_columns_are_kept_and_the_observed_ones_filled_in() {
    let model = "data school { school : label  size : positive }
        data pupil { school : label  x : real  y : real = \"the mark\"  kind : label }
        param   slope ~ Gaussian(0, var = 1)
        latent  a[school] ~ Gaussian(log(size), var = 0.0001)
        latent  p ~ Dirichlet(5) over kind
        observe kind[pupil] ~ Categorical(p)
        observe y[pupil] ~ Gaussian(a[school] + slope * x, var = 0.0001)";
    let p = Place::new(&[
        ("m.pmod", model),
        ("s.csv", "school,size\n\"North, old\",100\nNA1,1\n"),
        (
            "p.csv",
            "x,school,unused\r\n2,NA1,7\r\n-1,\"North, old\",8\r\n0,NA1,9\r\n",
        ),
        ("true.json", "{ \"slope\": 3 }"),
    ]);
    let said = p.run(
        "simulate m.pmod --data school=s.csv --data pupil=p.csv --plate kind=2 --init true.json",
    );
    assert_eq!(said.status.code(), Some(2), "{}", err(&said));
    std::fs::create_dir(p.path("out")).expect("makes a folder");
    p.ok("simulate m.pmod --data school=s.csv --data pupil=p.csv --plate kind=2 --init true.json -o out");
    assert_eq!(
        p.read("out/school.csv"),
        "school,size\n\"North, old\",100\nNA1,1\n"
    );
    let text = p.read("out/pupil.csv");
    assert!(text.starts_with("school,x,the mark,kind\nNA1,2,"), "{text}");
    assert!(text.contains("\n\"North, old\",-1,"), "{text}");
    // log 100 = 4.605: intercepts and slopes with a standard deviation of 0.01 each
    let marks: Vec<f64> = text
        .lines()
        .skip(1)
        .map(|l| {
            l.rsplit(',')
                .nth(1)
                .expect("a mark")
                .parse()
                .expect("a number")
        })
        .collect();
    for (mark, wanted) in marks.iter().zip([6.0, 100f64.ln() - 3.0, 0.0]) {
        assert!((mark - wanted).abs() < 0.1, "{marks:?}");
    }
    p.ok("simulate m.pmod --rows 40 --plate school=5 --plate kind=2 --init true.json -o new.csv");
    p.ok("check m.pmod --data school=new.school.csv --data pupil=new.pupil.csv");
    assert_eq!(
        column(&p.read("new.school.csv"), "school"),
        ["1", "2", "3", "4", "5"]
    );
}

#[test]
fn what_is_missing_is_named() {
    let p = Place::new(&[
        ("m.pmod", MIXTURE),
        ("true.json", INIT),
        (
            "probabilities.json",
            "{ \"weight\": { \"concentration\": [1, 1] } }",
        ),
    ]);
    let refused = |arguments: &str, words: &str| {
        let out = p.run(arguments);
        assert_eq!(out.status.code(), Some(2), "{arguments}");
        assert!(err(&out).contains(words), "{}", err(&out));
    };
    refused(
        "simulate m.pmod --rows 5",
        "no prior to draw `weight`, `mu`, `s` from: give a value with --init FILE",
    );
    refused(
        "simulate m.pmod --init true.json",
        "the rows of `row` are missing: --rows N",
    );
    refused(
        "simulate m.pmod --rows 5 --plate cluster=3 --init true.json",
        "--plate cluster=...",
    );
    refused(
        "simulate m.pmod --rows 0 --init true.json",
        "expected a whole number",
    );
    refused(
        "simulate m.pmod --rows wor=5 --init true.json",
        "no data block `wor`",
    );
    refused(
        "simulate m.pmod --rows 5 --init probabilities.json",
        "`weight` is given by a distribution",
    );
}

/// Many draws of a fit's values and rows; what `of` makes of each has this mean.
fn mean_of(fit: &Fit, csv: &str, n: usize, of: &dyn Fn(&Assignment) -> Vec<f64>) -> Vec<f64> {
    let source = fit.source();
    let (model, _) = compile::model(&source, &fit.switches()).expect("checks");
    let plates = draw::plates(&model, fit).expect("has plates");
    let file = DataFile::held("d.csv", csv.as_bytes().to_vec());
    let files = Files {
        main: Some(file),
        by_table: vec![],
    };
    let data = data::bind_new(&model, &plates, &files)
        .expect("binds")
        .dataset;
    let mut rng = ChaCha8Rng::seed_from_u64(11);
    let mut sum = vec![];
    for _ in 0..n {
        let given = draw::given(&model, fit, &data, &mut rng).expect("draws");
        let values = simulate(&model, &data, &given, &mut rng).expect("draws");
        let found = of(&values);
        sum.resize(found.len(), 0.0);
        sum.iter_mut()
            .zip(&found)
            .for_each(|(s, f)| *s += f / n as f64);
    }
    sum
}

fn fitted(model: &str, csv: &str) -> Fit {
    let source = SourceFile::new("m.pmod", model);
    let fitted = fit(&source, Data::csv("d.csv", csv), &Settings::default());
    fitted.unwrap_or_else(|e| panic!("{e:?}")).fit
}

#[test]
fn globals_follow_the_q_of_a_fit_and_rows_their_prior() {
    // y_i ~ N(m, 1/t) with m given t and t Gamma jointly exact: see the closed form below
    let model = "data row { y : real }
        latent t ~ Gamma(3, rate = 2)
        latent m ~ Gaussian(1, precision = 2 * t)
        observe y[row] ~ Gaussian(m, precision = t)";
    let f = fitted(model, "y\n2\n3\n4\n");
    // beta = 2 + 3, mean = (2 + 9) / 5, shape = 3 + 3/2, rate = 2 + sum (y - 3)^2 / 2 + 2 * 3 (3 - 1)^2 / (2 * 5)
    let (beta, mean, shape, rate): (f64, f64, f64, f64) = (5.0, 2.2, 4.5, 2.0 + 1.0 + 2.4);
    let one = |v: &Option<ArrayD<f64>>| *v.as_ref().and_then(|v| v.first()).expect("a number");
    let n = 20_000;
    let found = mean_of(&f, "y\n0\n", n, &|v| {
        let (t, m) = (one(&v.variables[0]), one(&v.variables[1]));
        let y = v.cells.values().next().and_then(|c| c.first()).copied();
        let d = m - mean;
        vec![t, m, d * d * t, y.expect("a cell")]
    });
    // y is Student-t with mean 2.2; its variance is E[1/t] (1 + 1/beta), E[1/t] = rate / (shape - 1)
    let spread = (rate / (shape - 1.0) * (1.0 + 1.0 / beta)).sqrt();
    let spread_m = (rate / (shape - 1.0) / beta).sqrt();
    for (found, (wanted, sd)) in found.iter().zip([
        (shape / rate, shape.sqrt() / rate),
        (mean, spread_m),
        (1.0 / beta, 2f64.sqrt() / beta),
        (mean, spread),
    ]) {
        let error = sd / (n as f64).sqrt();
        assert!(
            (found - wanted).abs() < 5.0 * error,
            "{found} is not {wanted} +- {error}"
        );
    }
}

#[test]
fn labels_of_a_fit_keep_their_values_and_new_ones_follow_the_prior() {
    let model = "data row { g : label  w : label  y : real }
        latent  e[g] ~ Gaussian(5, var = 1)
        latent  p[g] ~ Dirichlet(1) over w
        observe w[row] ~ Categorical(p[g])
        observe y[row] ~ Gaussian(e[g], var = 1)";
    let csv = format!("g,w,y\n{}{}", "a,u,-3\n".repeat(99), "b,v,8\n".repeat(99));
    let f = fitted(model, &csv);
    let n = 4000;
    let found = mean_of(&f, "g,w,y\nb,u,0\nnew,u,0\na,v,0\n", n, &|v| {
        let y = v.cells.values().last().expect("cells");
        let w = v.cells.values().next().expect("cells");
        y.iter().chain(w.iter()).copied().collect()
    });
    // posterior means (5 + 99 y) / 100; a word has probability 100 / 101; the prior of a new label
    let b = (5.0 + 99.0 * 8.0) / 100.0;
    let a = (5.0 - 99.0 * 3.0) / 100.0;
    let wanted = [
        (b, 1.01f64.sqrt()),
        (5.0, 2f64.sqrt()),
        (a, 1.01f64.sqrt()),
        (100.0 / 101.0, 0.1),
        (0.5, 0.5),
        (1.0 / 101.0, 0.1),
    ];
    for (found, (wanted, sd)) in found.iter().zip(wanted) {
        let error = sd / (n as f64).sqrt();
        assert!(
            (found - wanted).abs() < 5.0 * error,
            "{found} is not {wanted} +- {error}"
        );
    }
}

#[test]
fn a_fit_simulates_from_the_command_line() {
    let p = Place::mixture();
    p.ok("fit m.pmod d.csv -q -o f.json");
    let text = p.ok("simulate f.json --rows 500 --seed 3");
    assert!(text.starts_with("a,b\n"));
    // clusters at (0, 0), a third of the rows, and (20, 30)
    let rows = numbers(&text);
    let far = rows.iter().filter(|r| r[0] > 10.0).count() as f64 / 500.0;
    assert!(
        (far - 2.0 / 3.0).abs() < 5.0 * (2.0f64 / 9.0 / 500.0).sqrt(),
        "{far}"
    );
    assert_eq!(text, p.ok("simulate f.json --rows 500 --seed 3"));
    let out = p.run("simulate f.json --rows 5 --set K=3");
    assert_eq!(out.status.code(), Some(2));
}
