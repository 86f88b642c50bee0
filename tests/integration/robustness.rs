//! Damaged models: whatever a file holds, the compiler answers with findings and never panics.
//!
//! Tokens of the example models and of the diagnostic cases are deleted, doubled, swapped and replaced by tokens of other
//! models, one to three at a time, and what comes out goes through parsing, checking, derivation and planning. The choices
//! come from a fixed seed.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::common::{findings, model, pmod_files, read, root, zoo};
use pmc::diag::render_plain;
use pmc::source::SourceFile;

/// Mutations in all.
const MUTATIONS: usize = 6000;

/// SplitMix64.
struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % n.max(1) as u64) as usize
    }
}

/// Words, numbers, single signs and runs of blanks, which together are the text.
fn pieces(text: &str) -> Vec<&str> {
    let class = |c: char| match c {
        c if c.is_alphanumeric() || c == '_' || c == '.' => 0,
        c if c.is_whitespace() => 1,
        _ => 2,
    };
    let mut out = vec![];
    let mut start = 0;
    let mut before = None;
    for (i, c) in text.char_indices() {
        if before.is_some_and(|b| b != class(c) || b == 2) {
            out.push(&text[start..i]);
            start = i;
        }
        before = Some(class(c));
    }
    out.push(&text[start..]);
    out
}

fn damage<'a>(text: &'a str, pool: &[&'a str], random: &mut Random) -> String {
    let mut list = pieces(text);
    for _ in 0..=random.below(3) {
        let at = random.below(list.len());
        let other = random.below(list.len());
        match random.below(5) {
            0 => {
                list.remove(at);
            }
            1 => list.insert(at, list[at]),
            2 => list.swap(at, other),
            3 => list[at] = pool[random.below(pool.len())],
            _ => list[at] = list[other],
        }
        if list.is_empty() {
            list.push("");
        }
    }
    list.concat()
}

#[test]
fn damaged_models_never_panic() {
    let mut models = zoo();
    let cases = pmod_files(&root().join("tests/diagnostics"));
    models.extend(cases.iter().map(|p| read(p)));
    let pool: Vec<&str> = models.iter().flat_map(|m| pieces(&m.text)).collect();
    let mut random = Random(1);
    let mut checked = 0;
    for i in 0..MUTATIONS {
        let text = damage(&models[i % models.len()].text, &pool, &mut random);
        let source = SourceFile::new("damaged.pmod", text);
        let result = catch_unwind(AssertUnwindSafe(|| {
            let (m, found) = model(&source);
            render_plain(&found, &source);
            if let Some(m) = &m {
                render_plain(&findings(m, None), &source);
            }
            m.is_some()
        }));
        match result {
            Ok(fine) => checked += usize::from(fine),
            Err(_) => panic!("this model panics:\n{}", source.text),
        }
    }
    assert!(
        checked > MUTATIONS / 50,
        "only {checked} of them reached the derivation"
    );
}

#[test]
fn deep_nesting_is_refused_and_never_overflows() {
    let n = 100_000;
    let texts = [
        format!("let x = {}1{}", "(".repeat(n), ")".repeat(n)),
        format!("let x = {}1", "-".repeat(n)),
        format!("let x = 1{}", " ^ 1".repeat(n)),
        format!("let x = 1{}", " + 1".repeat(n)),
        format!("let x = {}1{}", "[".repeat(n), "]".repeat(n)),
        format!("let x = a{}{}", "[a".repeat(n), "]".repeat(n)),
        format!("let x = {}1{}", "exp(".repeat(n), ")".repeat(n)),
        "data d { x : real }\n".repeat(2000),
    ];
    for text in texts {
        let source = SourceFile::new("deep.pmod", text);
        let (m, found) = model(&source);
        let start: String = source.text.chars().take(30).collect();
        assert!(m.is_some() || !found.is_empty(), "{start}");
        if let Some(m) = m {
            findings(&m, None);
        }
    }
}

/// A chain of definitions is resolved where it is used: depth must not reach the stack.
#[test]
fn long_chains_of_definitions_do_not_overflow() {
    let n = 3000;
    let mut text = String::from("data row { y : real }\nparam w : real\nlet a0 = w\n");
    for i in 1..n {
        text += &format!("let a{i} = a{} + 1\n", i - 1);
    }
    text += &format!("observe y[row] ~ Gaussian(a{}, var = 1)\n", n - 1);
    let source = SourceFile::new("long.pmod", text);
    let (m, found) = model(&source);
    assert!(m.is_some() || !found.is_empty());
    if let Some(m) = m {
        findings(&m, None);
    }
}
