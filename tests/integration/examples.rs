//! The examples of docs/errors.md do what their headings say.

use std::collections::BTreeSet;

use crate::common::{findings, model, root};
use pmc::diag::{Severity, register, render_plain};
use pmc::source::SourceFile;

/// An entry of the page: its code and its examples, each a model and perhaps data.
struct Entry {
    code: String,
    examples: Vec<(String, Option<String>)>,
}

fn entries(page: &str) -> Vec<Entry> {
    let mut out: Vec<Entry> = vec![];
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        if let Some(heading) = line.strip_prefix("### ") {
            out.push(Entry {
                code: heading.chars().take(5).collect(),
                examples: vec![],
            });
        }
        let fenced = |lines: &mut std::str::Lines<'_>| -> String {
            let inside: Vec<&str> = lines.take_while(|l| *l != "```").collect();
            inside.join("\n") + "\n"
        };
        let entry = out.last_mut();
        match (line, entry) {
            ("```pmod", Some(e)) => e.examples.push((fenced(&mut lines), None)),
            ("```csv", Some(e)) => e.examples.last_mut().unwrap().1 = Some(fenced(&mut lines)),
            _ => {}
        }
    }
    out
}

#[test]
fn examples_lead_to_the_code_of_their_heading() {
    let page = std::fs::read_to_string(root().join("docs/errors.md")).unwrap();
    let mut wrong = vec![];
    let mut shown = BTreeSet::new();
    for entry in entries(&page) {
        for (text, csv) in &entry.examples {
            let source = SourceFile::new("example.pmod", text.as_str());
            let (m, mut found) = model(&source);
            if let Some(m) = m {
                found.extend(findings(&m, csv.as_deref()));
            }
            if entry.code.starts_with('E') {
                found.retain(|d| d.severity == Severity::Error);
            }
            let codes: BTreeSet<&str> = found.iter().map(|d| d.code.as_str()).collect();
            let one = codes.len() == 1 && codes.contains(entry.code.as_str());
            if !one {
                wrong.push(format!("{}: {}", entry.code, render_plain(&found, &source)));
            }
            shown.insert(entry.code.clone());
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(shown.len() >= 60, "{}", shown.len());
}

#[test]
fn every_code_has_one_entry() {
    let page = std::fs::read_to_string(root().join("docs/errors.md")).unwrap();
    let (used, reserved) = page.split_once("\n## Reserved\n").unwrap();
    for (code, summary) in register() {
        let code = code.as_str();
        let entry = format!("\n### {code} {summary}\n");
        let line = format!("\n- {code} {summary}\n");
        let count = used.matches(&entry).count() + reserved.matches(&line).count();
        assert_eq!(count, 1, "{code} {summary}");
    }
}

#[test]
fn models_of_the_language_page_compile() {
    let page = std::fs::read_to_string(root().join("docs/language.md")).unwrap();
    let models: Vec<&str> = page
        .split("```pmod\n")
        .skip(1)
        .filter_map(|s| s.split("```").next())
        .collect();
    assert!(!models.is_empty());
    for text in models {
        let source = SourceFile::new("language.pmod", text);
        let (m, mut found) = model(&source);
        if let Some(m) = m {
            found.extend(findings(&m, None));
        }
        assert!(found.is_empty(), "{}", render_plain(&found, &source));
    }
}
