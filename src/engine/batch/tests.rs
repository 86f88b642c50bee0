use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::step::Batches;
use super::{Options, first_updates, parts, run};
use crate::check;
use crate::compile;
use crate::data::{self, Dataset};
use crate::diag::{Code, Diagnostic};
use crate::engine::state::State;
use crate::engine::{Engine, init};
use crate::model::Model;
use crate::plan::Step;
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

fn same_moments(a: &State, b: &State) {
    assert_eq!(a.moments.len(), b.moments.len());
    for (kind, x) in a.moments.iter() {
        let y = &b.moments[kind];
        for (x, y) in x.iter().zip(y) {
            assert!(close(*x, *y, 1e-9), "{kind:?}: {x} {y}");
        }
    }
}

fn all(b: &Batches<'_, '_>) -> Vec<usize> {
    (0..b.parts.reach.count()).collect()
}

/// A start and whatever a sweep does before its passes.
fn begun(engine: &Engine<'_>) -> State {
    let mut state = engine.empty_state();
    init::start(engine, &mut state, None, 3).expect("starts");
    engine.update_globals(&mut state).expect("updates");
    state
}

#[test]
fn one_step_with_all_rows_and_full_length_is_one_sweep() {
    let cases = [
        (MIXTURE, clusters(300)),
        (TOPICS, documents(30)),
        (CHAINS, sessions(12)),
    ];
    for (text, csv) in cases {
        on(text, &csv, |engine| {
            let start = begun(engine);
            let mut batches =
                Batches::new(engine, parts::choose(engine, None).expect("has batches"));
            batches.rounds = 1;
            let mut stepped = start.clone();
            let visit = batches.visit(&mut stepped, &all(&batches), false, 0.0);
            batches.mix(&mut stepped, visit.expect("visits"), 1.0);
            batches.update_globals(&mut stepped).expect("updates");
            let mut swept = start;
            engine.run_pass(&mut swept, 0).expect("passes");
            let updates = batches.parts.local_steps.iter();
            for s in updates.chain(&batches.parts.global_steps) {
                if let Step::Update(b) = s {
                    engine.update(&mut swept, *b).expect("updates");
                }
            }
            same_moments(&swept, &stepped);
        });
    }
}

#[test]
fn parts_add_up_to_the_whole() {
    let cases = [
        (MIXTURE, clusters(200)),
        (FACTORS, factors(200)),
        (EFFECTS, effects(60)),
        (CHAINS, sessions(12)),
    ];
    for (text, csv) in cases {
        on(text, &csv, |engine| {
            let mut state = begun(engine);
            let batches = Batches::new(engine, parts::choose(engine, None).expect("has batches"));
            let list = all(&batches);
            let whole = batches.visit(&mut state.clone(), &list, false, 0.0);
            let whole = whole.expect("visits");
            let (mut objective, mut sums) = (0.0, vec![]);
            // The elements in two parts, taken by turns.
            for part in [0, 1] {
                let part: Vec<usize> = list.iter().copied().filter(|i| i % 2 == part).collect();
                let visit = batches
                    .visit(&mut state, &part, false, 0.0)
                    .expect("visits");
                objective += visit.objective.0;
                assert!(visit.scale.iter().all(|s| *s > 1.0));
                sums.push(visit.sums);
            }
            for ((a, b), c) in sums[0].iter().zip(&sums[1]).zip(&whole.sums) {
                for ((a, b), c) in a.iter().zip(b).zip(c) {
                    assert!(close(a + b, *c, 1e-9), "{text}: {a} + {b} is not {c}");
                }
            }
            objective += batches.global_objective(&state);
            batches.finish(&mut state).expect("ends");
            let l = engine.objective(&state);
            assert!(close(objective, l, 1e-9), "{text}: {objective} {l}");
        });
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

#[test]
fn batches_come_close_to_all_rows() {
    let cases = [
        (MIXTURE, clusters(3000), 100),
        (TOPICS, documents(300), 20),
        (FACTORS, factors(2000), 100),
        (EFFECTS, effects(500), 25),
        (CHAINS, sessions(100), 10),
    ];
    for (text, csv, size) in cases {
        on(text, &csv, |engine| {
            let full = crate::engine::run::run(engine, None, &how(100), &mut |_| true);
            let full = full.expect("runs").0.objective().expect("a number");
            let (some, _) =
                run(engine, None, &how(10), &options(size), &mut |_| true).expect("runs");
            let l = some.objective().expect("a number");
            assert!(l >= full - 0.005 * full.abs(), "{text}: {l} of {full}");
            let estimate = some.trace.last().expect("a trace");
            assert!(close(*estimate, l, 0.2), "{text}: {estimate} for {l}");
        });
    }
}

#[test]
fn the_same_seed_gives_the_same_bits_for_any_number_of_threads() {
    let bits = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
        pool.build().expect("threads").install(|| {
            on(TOPICS, &documents(60), |engine| {
                let (o, _) = run(engine, None, &how(3), &options(16), &mut |_| true).expect("runs");
                let all = o.state.moments.values().flatten().chain(&o.trace);
                all.map(|x| x.to_bits()).collect::<Vec<_>>()
            })
        })
    };
    assert_eq!(bits(1), bits(3));
}

fn refusal(text: &str, csv: &str, by: Option<&str>) -> Diagnostic {
    on(text, csv, |engine| {
        let o = Options {
            by: by.map(str::to_string),
            ..Options::default()
        };
        let e = run(engine, None, &how(3), &o, &mut |_| true).expect_err("is refused");
        e.into_iter().next().expect("a reason")
    })
}

#[test]
fn what_couples_elements_is_refused() {
    let chain = CHAINS.replace(" within session { session : label ", " { ");
    let csv = "t,y\n1,0\n2,1\n3,5\n4,4\n";
    let e = refusal(&chain, csv, None);
    assert_eq!(e.code, Code::E0604);
    assert!(e.notes[0].contains("two elements at once"), "{e:?}");
    // Words are what all documents share.
    let e = refusal(TOPICS, &documents(10), Some("word"));
    assert_eq!(e.code, Code::E0604);
    let e = refusal(TOPICS, &documents(10), Some("topic"));
    assert!(e.notes[0].contains("`doc`"), "{e:?}");
    // Every row's weight depends on how many there are.
    let counted = "model m\ndata row { y : real }\nlatent a ~ Gaussian(0, var = 1)\n\
                   observe y[row] ~ Gaussian(a, var = size(row))\n";
    let e = refusal(counted, "y\n1\n2\n3\n", None);
    assert_eq!(e.code, Code::E0604);
    assert!(e.notes[0].contains("number"), "{e:?}");
}

#[test]
fn documents_make_batches_and_sessions_do_where_they_are_labels() {
    let plate = |text: &str, csv: &str| {
        on(text, csv, |e| {
            let p = parts::choose(e, None).expect("has batches");
            e.derivation.model.plate(p.reach.plate()).name.clone()
        })
    };
    assert_eq!(plate(TOPICS, &documents(10)), "doc");
    assert_eq!(plate(EFFECTS, &effects(10)), "group");
    assert_eq!(plate(MIXTURE, &clusters(10)), "row");
    assert_eq!(plate(CHAINS, &sessions(4)), "session");
}

#[test]
fn an_epoch_sees_every_element_once() {
    let mut e = super::Elements::new(103, 0.1, 5);
    assert_eq!((e.held_out.len(), e.rest.len()), (10, 93));
    for _ in 0..2 {
        let lists = e.epoch(25);
        assert!(lists.iter().all(|l| l.len() == 23 || l.len() == 24));
        let mut seen: Vec<usize> = lists.concat();
        seen.extend(&e.held_out);
        seen.sort_unstable();
        assert_eq!(seen, (0..103).collect::<Vec<_>>());
    }
}

#[test]
fn the_first_updates_take_the_sums_of_the_start() {
    on(TOPICS, &documents(20), |engine| {
        let batches = Batches::new(engine, parts::choose(engine, None).expect("has batches"));
        let mut state = engine.empty_state();
        init::start(engine, &mut state, None, 0).expect("starts");
        first_updates(&batches, &mut state).expect("updates");
        let updated: Vec<bool> = state.blocks.iter().map(|b| b.updated).collect();
        let local = &batches.parts.local;
        let global = updated.iter().zip(local).filter(|(_, l)| !**l);
        assert!(global.clone().count() > 0 && global.clone().all(|(u, _)| *u));
    });
}
