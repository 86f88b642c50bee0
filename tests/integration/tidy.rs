//! How the code is laid out: directions of use, sizes of files, what may stand where.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::common::root;

/// The stages from left to right: a module uses only what stands to its left.
const ORDER: &[&str] = &[
    "numeric", "source", "diag", "syntax", "model", "family", "algebra", "dist", "check", "derive",
    "plan", "data", "naive", "engine", "compile", "graph", "explain", "fit", "verify", "cli",
];

/// Files longer than `LINES`, and the most lines each may have: they may shrink, not grow.
const LONG: &[(&str, usize)] = &[
    ("algebra/layout.rs", 720),
    ("engine/evaluate.rs", 720),
    ("engine/mod.rs", 720),
    ("engine/pass.rs", 700),
];

/// The longest a file may be.
const LINES: usize = 600;

fn sources() -> Vec<(String, String)> {
    let mut out = vec![];
    walk(&root().join("src"), &mut out);
    out.sort();
    let short = |p: &Path| {
        let inner = p.strip_prefix(root().join("src")).unwrap();
        inner.to_string_lossy().replace('\\', "/")
    };
    out.iter()
        .map(|p| (short(p), std::fs::read_to_string(p).unwrap()))
        .collect()
}

fn walk(folder: &Path, out: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            walk(&path, out);
        } else if path.extension().is_some_and(|e| e == "rs") {
            out.push(path);
        }
    }
}

fn is_test_file(name: &str) -> bool {
    name.ends_with("tests.rs") || name.contains("tests/")
}

/// The lines that are compiled outside tests, comments left out.
fn code(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let end = lines
        .windows(2)
        .position(|w| w[0] == "#[cfg(test)]" && w[1].starts_with("mod ") && w[1].ends_with('{'))
        .unwrap_or(lines.len());
    let kept = lines[..end]
        .iter()
        .filter(|l| !l.trim_start().starts_with("//"));
    kept.copied().collect::<Vec<_>>().join("\n")
}

/// Modules of this crate that a piece of code names: `crate::a`, `crate::{a, b::c}`.
fn used(code: &str) -> BTreeSet<String> {
    let mut out = BTreeSet::new();
    let word = |s: &str| -> String {
        let end = s.find(|c: char| !(c.is_alphanumeric() || c == '_'));
        s[..end.unwrap_or(s.len())].to_string()
    };
    for part in code.split("crate::").skip(1) {
        match part.strip_prefix('{') {
            None => {
                out.insert(word(part));
            }
            Some(list) => {
                let mut depth = 0;
                let mut first = true;
                let mut item = String::new();
                for c in list.chars() {
                    match c {
                        '{' => depth += 1,
                        '}' if depth == 0 => break,
                        '}' => depth -= 1,
                        ',' if depth == 0 => first = true,
                        c if first && !c.is_whitespace() => {
                            item.clear();
                            item.push(c);
                            first = false;
                            continue;
                        }
                        _ => {}
                    }
                    if c.is_alphanumeric() || c == '_' {
                        item.push(c);
                    } else {
                        out.insert(std::mem::take(&mut item));
                    }
                }
                out.insert(item);
            }
        }
    }
    out.retain(|m| ORDER.contains(&m.as_str()));
    out
}

fn module(name: &str) -> &str {
    name.split(['/', '.']).next().unwrap_or(name)
}

#[test]
fn a_module_uses_only_what_stands_to_its_left() {
    let place: BTreeMap<&str, usize> = ORDER.iter().enumerate().map(|(i, m)| (*m, i)).collect();
    let mut wrong = vec![];
    for (name, text) in sources() {
        let own = module(&name);
        if matches!(own, "lib" | "main") || is_test_file(&name) {
            continue;
        }
        let Some(here) = place.get(own) else {
            wrong.push(format!("{own} has no place in the order"));
            continue;
        };
        for other in used(&code(&text)) {
            if other != own && place[other.as_str()] > *here {
                wrong.push(format!("{name} uses {other}, which stands to its right"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_order_in_the_architecture_page_is_the_one_checked() {
    let page = std::fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    assert!(page.contains(&ORDER.join(" -> ")), "{}", ORDER.join(" -> "));
    assert!(page.lines().count() <= 200);
    for (name, _) in sources() {
        let own = module(&name);
        let listed = ["lib", "main"].contains(&own) || page.contains(&format!("`{own}`"));
        assert!(listed, "{own} is not in ARCHITECTURE.md");
    }
}

#[test]
fn every_code_that_is_emitted_is_explained_as_such() {
    let page = std::fs::read_to_string(root().join("docs/errors.md")).unwrap();
    let (explained, _) = page.split_once("\n## Reserved\n").unwrap();
    let mut emitted = BTreeSet::new();
    for (name, text) in sources() {
        if name == "diag/code.rs" || is_test_file(&name) {
            continue;
        }
        for part in code(&text).split("Code::").skip(1) {
            let found: String = part.chars().take(5).collect();
            if found[1..].chars().all(|c| c.is_ascii_digit()) {
                emitted.insert(found);
            }
        }
    }
    assert!(emitted.len() > 60);
    for found in emitted {
        assert!(explained.contains(&format!("\n### {found} ")), "{found}");
    }
}

#[test]
fn files_stay_short_and_finished() {
    for (name, text) in sources() {
        let most = LONG.iter().find(|(n, _)| *n == name).map_or(LINES, |l| l.1);
        let lines = text.lines().count();
        assert!(lines <= most, "{name} has {lines} lines, at most {most}");
        for word in ["todo!(", "unimplemented!(", "#[ignore", "TODO", "FIXME"] {
            assert!(!text.contains(word), "{name} holds {word}");
        }
    }
}

#[test]
fn libraries_stand_where_they_belong() {
    let homes = [
        ("ariadne", "diag/render.rs"),
        ("pest", "syntax/parser"),
        ("pest_derive", "syntax/parser"),
        ("logos", "syntax/token.rs"),
        ("faer", "numeric/linalg"),
        ("argmin", "numeric/quasi_newton"),
        ("argmin_math", "numeric/quasi_newton"),
        ("clap", "cli/"),
        ("parquet", "data/parquet"),
        (":parquet", "data/parquet"),
        ("bytes", "data/parquet"),
    ];
    for (name, text) in sources() {
        for (library, home) in homes {
            let imported = text.contains(&format!("use {library}::"))
                || code(&text).contains(&format!(" {library}::"));
            assert!(!imported || name.starts_with(home), "{name} uses {library}");
        }
    }
}

#[test]
fn files_are_opened_and_lines_printed_by_the_command_line_alone() {
    for (name, text) in sources() {
        if name.starts_with("cli/") || name == "main.rs" || is_test_file(&name) {
            continue;
        }
        for word in ["std::fs", "println!", "eprintln!", "process::exit"] {
            assert!(!code(&text).contains(word), "{name} holds {word}");
        }
    }
}
