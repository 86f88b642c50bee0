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

/// What is resolved or multiplied out later is bounded by what is written: neither depth nor length explodes.
#[test]
fn definitions_and_products_do_not_explode() {
    let chain = |n: usize, first: &str, step: &dyn Fn(usize) -> String, mean: &str| {
        let mut text = format!("data row {{ y : real   x : positive }}\nparam w : real\n{first}\n");
        for i in 1..n {
            text += &step(i);
        }
        text + &format!("observe y[row] ~ Gaussian({mean}, var = 1)\n")
    };
    let sum = |n: usize| {
        let declared: Vec<String> = (0..n).map(|i| format!("param w{i} : real")).collect();
        let names: Vec<String> = (0..n).map(|i| format!("w{i}")).collect();
        (declared.join("\n"), names.join(" + "))
    };
    let (declared, addends) = sum(40);
    let cases = [
        (
            chain(
                3000,
                "let a0 = w",
                &|i| format!("let a{i} = a{} + 1\n", i - 1),
                "a2999",
            ),
            "E0209",
        ),
        (
            chain(
                60,
                "let a0 = w",
                &|i| format!("let a{i} = a{0} + a{0}\n", i - 1),
                "a59",
            ),
            "E0209",
        ),
        (
            chain(
                60,
                "let a0[row] = x",
                &|i| format!("let a{i}[row] = a{0} * a{0}\n", i - 1),
                "a59 + w",
            ),
            "E0209",
        ),
        (
            chain(
                12,
                "let a0 = w",
                &|i| format!("let a{i} = a{0} * a{0}\n", i - 1),
                "a11",
            ),
            "E0501",
        ),
        (
            format!(
                "data row {{ y : real }}\n{declared}\nobserve y[row] ~ Gaussian(({addends}) ^ 4, var = 1)"
            ),
            "E0508",
        ),
    ];
    for (text, code) in cases {
        let source = SourceFile::new("long.pmod", text);
        let (m, mut found) = model(&source);
        if let Some(m) = m {
            found.extend(findings(&m, None));
        }
        let codes: Vec<&str> = found.iter().map(|d| d.code.as_str()).collect();
        let start: String = source.text.chars().take(80).collect();
        assert!(codes.contains(&code), "{codes:?}: {start}");
    }
}
