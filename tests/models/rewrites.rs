//! Rewrites change how numbers are computed, not the numbers: runs with and without each of them agree, state and all.

use ndarray::ArrayD;
use pmc::data::{self, DataFile, Files};
use pmc::diag::render_plain;
use pmc::engine::Engine;
use pmc::engine::run::{Outcome, run};
use pmc::plan::{Rewrite, Rewrites};
use pmc::source::SourceFile;
use pmc::{check, compile};

use crate::fixture::{data, exactly, model, names};

/// One run, and the names of the blocks whose means are a map.
fn run_with(text: &str, bytes: Vec<u8>, rewrites: Rewrites, n: usize) -> (Outcome, Vec<String>) {
    let source = SourceFile::new("model.pmod", text);
    let die = |e: Vec<pmc::diag::Diagnostic>| -> ! { panic!("{}", render_plain(&e, &source)) };
    let (m, _) = compile::model(&source, &check::Options::default()).unwrap_or_else(|e| die(e));
    let files = Files {
        main: Some(DataFile::held("data.csv", bytes)),
        by_table: vec![],
    };
    let bound = data::bind(&m, &files).unwrap_or_else(|e| die(e));
    let (d, plan) =
        compile::compile_with(&m, Some(&bound.dataset), rewrites).unwrap_or_else(|e| die(e));
    let engine = Engine::new(&d, &plan, &bound.dataset, None).unwrap_or_else(|e| die(e));
    let (outcome, _) = run(&engine, None, &exactly(n), &mut |_| true).unwrap_or_else(|e| die(e));
    let mapped = plan.affine.iter().zip(&d.blocks);
    let mapped = mapped
        .filter(|(a, _)| a.is_some())
        .map(|(_, b)| d.unknowns.get(b.unknowns[0]).name.clone())
        .collect();
    (outcome, mapped)
}

fn assert_close(what: &str, a: &ArrayD<f64>, b: &ArrayD<f64>) {
    assert_eq!(a.shape(), b.shape(), "{what}");
    let scale = b.iter().fold(0.0f64, |m, x| m.max(x.abs()));
    for (x, y) in a.iter().zip(b) {
        assert!((x - y).abs() <= 1e-9 * scale, "{what}: {x} and {y}");
    }
}

fn assert_same(what: &str, a: &Outcome, b: &Outcome) {
    assert_eq!(a.trace.len(), b.trace.len(), "{what}: iterations");
    for (i, (x, y)) in a.trace.iter().zip(&b.trace).enumerate() {
        let near = (x - y).abs() <= 1e-9 * y.abs();
        assert!(near, "{what}: {x} and {y} in iteration {i}");
    }
    let kinds = |o: &Outcome| o.state.moments.keys().copied().collect::<Vec<_>>();
    assert_eq!(kinds(a), kinds(b), "{what}: what is published");
    for (kind, x) in a.state.moments.iter() {
        let y = b.state.moments.get(kind).expect("the same kinds");
        assert_close(&format!("{what}: {kind:?}"), x, y);
    }
    for (x, y) in a.state.blocks.iter().zip(&b.state.blocks) {
        assert_eq!(x.parameters.len(), y.parameters.len(), "{what}");
        for ((i, p, x), (j, q, y)) in x.parameters.iter().zip(&y.parameters) {
            assert_eq!((i, p), (j, q), "{what}");
            assert_close(&format!("{what}: {p}"), x, y);
        }
    }
}

fn variants() -> Vec<(String, Rewrites)> {
    let one = |r: Rewrite| (r.name().to_string(), Rewrites::default().without(r));
    let mut out: Vec<_> = Rewrite::ALL.into_iter().map(one).collect();
    out.push(("all".into(), Rewrites::none()));
    out
}

#[test]
fn shipped_models_are_the_same_without_each_rewrite() {
    for n in names() {
        let iterations = if n == "lda" { 2 } else { 4 };
        let go = |rewrites| run_with(&model(&n), data(&n), rewrites, iterations);
        let (with, _) = go(Rewrites::default());
        for (name, rewrites) in variants() {
            assert_same(&format!("{n} without {name}"), &go(rewrites).0, &with);
        }
    }
}

/// Numbers that repeat only after long.
fn numbers() -> impl FnMut() -> f64 {
    let mut x = 1u64;
    move || {
        x = x
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (x >> 33) as f64 / f64::from(1u32 << 31) - 0.5
    }
}

/// 300 rows of weight, class and six features of rank two and noise.
fn table() -> Vec<u8> {
    let mut u = numbers();
    let loads: Vec<(f64, f64)> = (0..6).map(|_| (2.0 * u(), 2.0 * u())).collect();
    let mut out = String::from("w,class,a,b,c,d,e,f\n");
    for n in 0..300 {
        let (s, t) = (2.0 * u(), u());
        out += &format!("{},{}", 1 + n % 3, ["p", "q", "r"][n * n % 7 % 3]);
        for (j, (l, m)) in loads.iter().enumerate() {
            let x = 3.0 + j as f64 + s * l + t * m + 0.3 * (u() + u());
            out += &format!(",{x:.4}");
        }
        out += "\n";
    }
    out.into_bytes()
}

/// Rows whose means are maps in other ways than in the shipped models, with everything switched off for comparison.
#[test]
fn means_of_rows_as_maps() {
    let x = "x[feature] : real = (a, b, c, d, e, f)";
    let globals = "param W[feature, factor] : real\nparam b[feature] : real\nparam s : positive\n";
    let latent = "latent h[row, factor] ~ Gaussian(0, var = 1)\n";
    let observe = |mean: &str| format!("observe x[row, feature] ~ Gaussian({mean}, var = s)\n");
    let sum = "sum(W * h over factor)";
    let models = [
        (
            "weights",
            format!("w : weight   {x}"),
            format!("{globals}{latent}{}", observe(&format!("{sum} + b"))),
        ),
        (
            "labels of the row",
            format!("class : label   {x}"),
            format!(
                "{globals}{latent}latent c[class, feature] ~ Gaussian(0, var = 4)\n{}",
                observe(&format!("{sum} + b + c[class[row], feature]"))
            ),
        ),
        (
            "a point",
            x.to_string(),
            format!(
                "{globals}param h[row, factor] ~ Gaussian(0, var = 1)\n{}",
                observe(&format!("{sum} + b"))
            ),
        ),
        (
            "two unknowns",
            x.to_string(),
            format!(
                "{globals}{latent}param V[feature] : real\nlatent g[row] ~ Gaussian(0.5, var = 2)\n{}",
                observe(&format!("{sum} + V * g + b"))
            ),
        ),
        (
            "independent numbers of a row",
            x.to_string(),
            format!(
                "param m[feature] : real\nparam v : positive\nlatent h[row, feature] ~ Gaussian(m, var = v)\n{}",
                "observe x[row, feature] ~ Gaussian(h, var = 0.1)\n"
            ),
        ),
    ];
    for (what, columns, body) in models {
        let text = format!("model m\ndata row {{ {columns} }}\nplate factor(2)\n{body}");
        let (with, mapped) = run_with(&text, table(), Rewrites::default(), 6);
        assert!(!mapped.is_empty(), "{what}: nothing is a map");
        for (name, rewrites) in variants() {
            let (without, mapped) = run_with(&text, table(), rewrites, 6);
            let off = ["affine", "hoist", "all"].contains(&name.as_str());
            assert_eq!(mapped.is_empty(), off, "{what} without {name}");
            assert_same(&format!("{what} without {name}"), &without, &with);
        }
    }
}
