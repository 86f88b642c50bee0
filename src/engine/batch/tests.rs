//! Models of several kinds with data drawn for them.

mod runs;
mod steps;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::Options;
use super::step::{Batches, Inner};
use crate::check;
use crate::compile;
use crate::data::{self, Dataset};
use crate::engine::Engine;
use crate::model::Model;
use crate::source::SourceFile;

const MIXTURE: &str = "\
model mixture
data row { x[feature] : real = rest }
plate cluster(3)
param   weight               : simplex over cluster
param   mu[cluster, feature] : real
param   s2[cluster, feature] : positive
latent  z[row] ~ Categorical(weight)
observe x[row, feature] ~ Gaussian(mu[z, feature], var = s2[z, feature])
";

const TOPICS: &str = "\
model lda
data token { doc : label  word : label  count : weight }
plate topic(4)
latent  theta[topic] ~ Dirichlet(0.1)   over word
latent  pi[doc]      ~ Dirichlet(0.3) over topic
latent  z[token]     ~ Categorical(pi[doc])
observe word[token]  ~ Categorical(theta[z])
";

const FACTORS: &str = "\
model factors
data row { x[feature] : real = rest }
plate factor(2)
latent  h[row, factor]     ~ Gaussian(0, var = 1)
param   W[feature, factor] : real
param   b[feature]         : real
param   noise[feature]     : positive
observe x[row, feature]    ~ Gaussian(sum(W * h over factor) + b, var = noise)
";

const EFFECTS: &str = "\
model effects
data row { group : label  x : real  y : real }
param   w : real
param   spread : positive
param   noise : positive
latent  a[group] ~ Gaussian(0, var = 2)
observe y[row] ~ Gaussian(w * x + a[group], var = noise)
";

const CHAINS: &str = "\
model chains
data step ordered by t within session { session : label  y : real }
plate state(2)
param   start       : simplex over state
param   move[state] : simplex over state
param   mu[state]   : real
param   s2[state]   : positive
latent  z[step] ~ Categorical(move[z[step-1]]) first Categorical(start)
observe y[step] ~ Gaussian(mu[z], var = s2[z])
";

/// Gaussian-Wishart clusters whose number is not known.
const BAYESIAN: &str = "\
model bayesian
data row { x[feature] : real = rest }
plate cluster(5)
latent  weight          ~ Dirichlet(0.2) over cluster
latent  Lambda[cluster] ~ Wishart(4, inverse_scale = 0.5 * identity) over feature
latent  mu[cluster]     ~ Gaussian(0, precision = 0.1 * Lambda) over feature
latent  z[row]          ~ Categorical(weight)
observe x[row]          ~ Gaussian(mu[z], precision = Lambda[z]) over feature
";

/// Effects of groups under a mean and a spread that are learned.
const HYPER: &str = "\
model hyper
data row { group : label  x : real  y : real }
param   w : real
param   m : real
param   s : positive
param   noise : positive
latent  a[group] ~ Gaussian(m, var = s)
observe y[row] ~ Gaussian(w * x + a[group], var = noise)
";

/// A line for every group, all lines under one distribution.
const SLOPES: &str = "\
model slopes
data row { group : label  x : real  y : real }
latent  m        ~ Gaussian(0, var = 100)
latent  k        ~ Gaussian(0, var = 100)
latent  t        ~ Gamma(1, rate = 1)
latent  a[group] ~ Gaussian(m, precision = t)
latent  b[group] ~ Gaussian(k, precision = t)
latent  tau      ~ Gamma(1, rate = 1)
observe y[row]   ~ Gaussian(a[group] + b[group] * x, precision = tau)
";

/// Scores whose covariances differ from row to row: cells are blank.
const BLANKS: &str = "\
model blanks
data row { x[feature] : real = rest }
plate factor(2)
latent  h[row, factor]     ~ Gaussian(0, var = 1)
param   W[feature, factor] : real
param   b[feature]         : real
param   noise              : positive
observe x[row, feature]    ~ Gaussian(sum(W * h over factor) + b, var = noise)
";

/// Regression on known columns, its noise unknown.
const REGRESSION: &str = "\
model regression
data row { group : label  x : real  y : real }
latent  w    ~ Gaussian(0, var = 10)
latent  a    ~ Gaussian(0, var = 10)
latent  tau  ~ Gamma(1, rate = 1)
observe y[row] ~ Gaussian(w * x + a, precision = tau)
";

/// Errors with heavy tails: every row has a scale of its own.
const ROBUST: &str = "\
model robust
data row { group : label  x : real  y : real }
param   w : real
param   a : real
param   s : positive
observe y[row] ~ StudentT(4, w * x + a, scale = s)
";

/// Conjugate: the posterior and the evidence are known.
const COINS: &str = "\
model coins
data toss { heads : binary }
latent  p           ~ Beta(2, 2)
observe heads[toss] ~ Bernoulli(p)
";

const LEVEL: &str = "\
model level
data row { x : real }
latent  tau ~ Gamma(2, rate = 3)
latent  mu  ~ Gaussian(1, precision = 0.1 * tau)
observe x[row] ~ Gaussian(mu, precision = tau)
";

fn rng() -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(11)
}

/// Roughly Gaussian.
fn bell(rng: &mut ChaCha8Rng) -> f64 {
    (0..12).map(|_| rng.random_range(0.0..1.0)).sum::<f64>() - 6.0
}

fn clusters(rows: usize) -> String {
    let mut r = rng();
    let mut out = String::from("a,b\n");
    for i in 0..rows {
        let (a, b) = [(0.0, 0.0), (6.0, 2.0), (-3.0, 7.0)][i % 3];
        out += &format!("{},{}\n", a + bell(&mut r), b + bell(&mut r));
    }
    out
}

/// Documents of one or two topics, each topic with 10 of 40 words.
fn documents(count: usize) -> String {
    let mut r = rng();
    let mut out = String::from("doc,word,count\n");
    for d in 0..count {
        let topics = [r.random_range(0..4), r.random_range(0..4)];
        let mut counts = [0; 40];
        for _ in 0..60 {
            let k = topics[r.random_range(0..2)];
            counts[10 * k + r.random_range(0..10)] += 1;
        }
        for (w, n) in counts.iter().enumerate().filter(|(_, n)| **n > 0) {
            out += &format!("d{d},w{w},{n}\n");
        }
    }
    out
}

fn factors(rows: usize) -> String {
    let mut r = rng();
    let mut out = String::from("a,b,c,d\n");
    for _ in 0..rows {
        let (f, g) = (bell(&mut r), bell(&mut r));
        let x = [f, 2.0 * f - g, g + 1.0, f + g].map(|x| x + 0.3 * bell(&mut r));
        out += &format!("{},{},{},{}\n", x[0], x[1], x[2], x[3]);
    }
    out
}

/// The same where every seventh cell is not there.
fn with_blanks(rows: usize) -> String {
    let text = factors(rows);
    let lines = text.lines().enumerate().map(|(n, line)| {
        let cells = line.split(',').enumerate();
        let cells = cells.map(|(i, c)| if n > 0 && (4 * n + i) % 7 == 0 { "" } else { c });
        cells.collect::<Vec<_>>().join(",") + "\n"
    });
    lines.collect()
}

fn effects(groups: usize) -> String {
    let mut r = rng();
    let mut out = String::from("group,x,y\n");
    for g in 0..groups {
        let a = bell(&mut r);
        for _ in 0..1 + g % 5 {
            let x = bell(&mut r);
            out += &format!("g{g},{x},{}\n", 1.5 * x + a + 0.5 * bell(&mut r));
        }
    }
    out
}

fn sessions(count: usize) -> String {
    let mut r = rng();
    let mut out = String::from("session,t,y\n");
    for s in 0..count {
        let mut state = 0.0;
        for t in 0..20 {
            if r.random_range(0.0..1.0) < 0.2 {
                state = 4.0 - state;
            }
            out += &format!("s{s},{t},{}\n", state + bell(&mut r));
        }
    }
    out
}

fn tosses(count: usize) -> String {
    let mut r = rng();
    let mut out = String::from("heads\n");
    for _ in 0..count {
        out += ["0\n", "1\n"][usize::from(r.random_range(0.0..1.0) < 0.3)];
    }
    out
}

fn levels(count: usize) -> String {
    let mut r = rng();
    let mut out = String::from("x\n");
    for _ in 0..count {
        out += &format!("{}\n", 2.0 + 1.5 * bell(&mut r));
    }
    out
}

fn read(text: &str, csv: &str) -> (Model, Dataset) {
    let source = SourceFile::new("m.pmod", text);
    let (model, _) = compile::model(&source, &check::Options::default()).expect("a model");
    let files = data::Files {
        main: Some(data::DataFile::held("d.csv", csv.as_bytes().to_vec())),
        by_table: vec![],
    };
    let dataset = data::bind(&model, &files).expect("data").dataset;
    (model, dataset)
}

fn on<R>(text: &str, csv: &str, f: impl FnOnce(&Engine<'_>) -> R) -> R {
    let (model, dataset) = read(text, csv);
    let (d, plan) = compile::compile(&model, Some(&dataset)).expect("derived");
    let engine = Engine::new(&d, &plan, &dataset, None).expect("bound");
    f(&engine)
}

fn close(a: f64, b: f64, by: f64) -> bool {
    (a - b).abs() <= by * a.abs().max(b.abs()).max(1.0)
}

/// A model with data, bound and cut.
fn cut_on<R>(text: &str, csv: &str, mut f: impl FnMut(&Batches<'_, '_>) -> R) -> R {
    on(text, csv, |engine| {
        super::cut(engine, None, &mut f).expect("has batches")
    })
}

fn all(b: &Batches<'_, '_>) -> Vec<usize> {
    (0..b.parts.reach.count()).collect()
}

/// So many rounds, whatever they change.
fn rounds(rounds: usize) -> Inner {
    Inner {
        fresh: false,
        rounds,
        settled: 0.0,
    }
}

fn options(size: usize) -> Options {
    Options {
        size,
        ..Options::default()
    }
}

fn how(max_iter: usize) -> crate::engine::run::Options {
    crate::engine::run::Options {
        max_iter,
        tol: 0.0,
        seed: 1,
        ..Default::default()
    }
}
