//! The stages: a model's text to its plan, a CSV file to columns, one pass over rows.
//!
//! `cargo bench --bench stages`

use std::fmt::Write;
use std::hint::black_box;
use std::path::Path;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use pmc::data::{self, DataFile, Files};
use pmc::engine::Engine;
use pmc::engine::run::{self, Options};
use pmc::source::SourceFile;
use pmc::{check, compile, syntax};

/// The models of the repository.
fn models() -> Vec<SourceFile> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("models");
    let mut found: Vec<SourceFile> = std::fs::read_dir(folder)
        .expect("the folder of models")
        .flatten()
        .filter_map(|f| {
            let text = std::fs::read_to_string(f.path().join("model.pmod")).ok()?;
            Some(SourceFile::new(f.file_name().to_string_lossy(), text))
        })
        .collect();
    found.sort_by(|a, b| a.name.cmp(&b.name));
    found
}

fn compiling(criterion: &mut Criterion) {
    let models = models();
    let mut group = criterion.benchmark_group(format!("all {} models", models.len()));
    group.sample_size(20);
    group.bench_function("parse", |bench| {
        bench.iter(|| models.iter().filter(|m| syntax::parse(m).is_ok()).count());
    });
    let options = check::Options::default();
    group.bench_function("parse and check", |bench| {
        bench.iter(|| {
            let checked = models
                .iter()
                .filter(|m| compile::model(m, &options).is_ok());
            checked.count()
        });
    });
    group.bench_function("text to plan", |bench| {
        bench.iter(|| {
            let planned = models.iter().filter(|m| {
                compile::model(m, &options).is_ok_and(|(m, _)| compile::compile(&m, None).is_ok())
            });
            planned.count()
        });
    });
    group.finish();
}

/// Numbers without structure in (-1, 1), by a linear congruence.
fn numbers() -> impl FnMut() -> f64 {
    let mut s = 1u64;
    move || {
        s = s
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (s >> 11) as f64 / (1u64 << 52) as f64 - 1.0
    }
}

const MIXTURE: &str = "
data row { x[feature] : real = rest }
plate cluster(10)
param   weight         : simplex over cluster
param   mu[cluster]    : real over feature
param   Sigma[cluster] : covariance over feature
latent  z[row] ~ Categorical(weight)
observe x[row] ~ Gaussian(mu[z], cov = Sigma[z]) over feature";

fn rows(n: usize) -> String {
    let mut next = numbers();
    let mut csv = (0..10)
        .map(|j| format!("x{j}"))
        .collect::<Vec<_>>()
        .join(",");
    for i in 0..n {
        let centre = (i % 10) as f64;
        let row: Vec<String> = (0..10)
            .map(|j| format!("{:.6}", centre * ((i % 10 + j) as f64).cos() + next()))
            .collect();
        let _ = write!(csv, "\n{}", row.join(","));
    }
    csv
}

const TOPICS: &str = "
data token { doc : label  word : label  count : weight }
plate topic(50)
latent  theta[topic] ~ Dirichlet(0.01) over word
latent  pi[doc]      ~ Dirichlet(0.1) over topic
latent  z[token]     ~ Categorical(pi[doc])
observe word[token]  ~ Categorical(theta[z])";

fn pairs(documents: usize) -> String {
    let mut next = numbers();
    let mut csv = "doc,word,count".to_string();
    for doc in 0..documents {
        for _ in 0..80 {
            let word = (500.0 * (1.0 + next())) as usize + 10 * (doc % 50);
            let _ = write!(
                csv,
                "\nd{doc},w{word},{}",
                1 + (2.0 * next()).abs() as usize
            );
        }
    }
    csv
}

fn passes(criterion: &mut Criterion) {
    let jobs = [
        ("Gaussian mixture", MIXTURE, rows(20_000), 20_000),
        ("topics", TOPICS, pairs(1_000), 80_000),
    ];
    for (name, model, csv, rows) in jobs {
        let mut group = criterion.benchmark_group(name);
        group.sample_size(20);
        let source = SourceFile::new("model.pmod", model);
        let (model, _) = compile::model(&source, &check::Options::default()).expect("a model");
        group.throughput(Throughput::Bytes(csv.len() as u64));
        let files = Files {
            main: Some(DataFile::held("data.csv", csv)),
            by_table: vec![],
        };
        group.bench_function("reading", |bench| {
            bench.iter(|| data::bind(black_box(&model), &files).expect("reads"));
        });
        let dataset = data::bind(&model, &files).expect("reads").dataset;
        let (derivation, plan) = compile::compile(&model, Some(&dataset)).expect("compiles");
        let engine = Engine::new(&derivation, &plan, &dataset, None).expect("binds");
        let options = Options {
            max_iter: 2,
            tol: 0.0,
            ..Options::default()
        };
        let (outcome, _) = run::run(&engine, None, &options, &mut |_| true).expect("runs");
        let mut state = outcome.state;
        group.throughput(Throughput::Elements(rows));
        group.bench_function("one pass", |bench| {
            bench.iter(|| engine.run_pass(&mut state, 0).expect("passes"));
        });
        group.finish();
    }
}

criterion_group!(benches, compiling, passes);
criterion_main!(benches);
