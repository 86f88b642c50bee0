//! An explanation as plain text for a terminal.

use std::fmt::Write;

use crate::algebra::formula::Formula;

use super::update::Equation;
use super::{BlockExplanation, Explanation};

const WIDTH: usize = 96;

/// Plain text, at most 96 columns where a formula allows.
pub fn text(e: &Explanation) -> String {
    let mut out = String::new();
    let title = format!("{} ({})", e.title, e.file);
    let _ = writeln!(out, "{title}\n{}", "=".repeat(title.chars().count()));
    heading(&mut out, "Model");
    let left: Vec<String> = e.statements.iter().map(|s| s.formula.text()).collect();
    let wide = left
        .iter()
        .map(|s| s.chars().count())
        .max()
        .unwrap_or(0)
        .min(60);
    for (s, f) in e.statements.iter().zip(&left) {
        let ranges: Vec<String> = s.ranges.iter().map(range).collect();
        let pad = wide.saturating_sub(f.chars().count());
        let _ = writeln!(
            out,
            "{}",
            format!(
                "  line {:>3}   {f}{}   {}",
                s.source.line,
                " ".repeat(pad),
                ranges.join(", ")
            )
            .trim_end()
        );
    }
    out.push('\n');
    for l in &e.letters {
        let _ = writeln!(
            out,
            "  {:<6} {:<40} {}",
            l.letter,
            l.meaning,
            range(&l.range)
        );
    }
    if !e.auxiliaries.is_empty() {
        heading(&mut out, "Auxiliary variables");
    }
    for (i, a) in e.auxiliaries.iter().enumerate() {
        if i > 0 {
            out.push('\n');
        }
        let _ = writeln!(out, "  {}", a.names.join(", "));
        for s in &a.sentences {
            wrap(&mut out, "    ", s);
        }
        for q in &a.equations {
            equation(&mut out, q);
        }
    }
    heading(&mut out, "Log joint");
    out.push_str("  ln p is the sum of:\n");
    for p in &e.joint {
        let lines: Vec<String> = p.lines.iter().map(usize::to_string).collect();
        let _ = writeln!(out, "  {} (line {})", p.name, lines.join(", "));
        let sum = Formula::sum(p.terms.iter().cloned()).text();
        wrap_formula(&mut out, "    ", &sum);
    }
    for (i, p) in e.predictors.iter().enumerate() {
        if i == 0 {
            out.push_str("  with\n");
        }
        wrap_formula(&mut out, "    ", &p.text());
    }
    heading(&mut out, "Factor graph");
    for n in &e.graph {
        let _ = writeln!(out, "  {:<24} {}", n.name, n.role);
        if n.role != "given" {
            wrap(
                &mut out,
                "      ",
                &format!("Markov blanket: {}", names(&n.blanket)),
            );
        }
    }
    heading(&mut out, "Method");
    let _ = writeln!(out, "  {}; objective: {}", e.method, e.objective);
    for s in &e.why {
        wrap(&mut out, "  ", s);
    }
    for (i, b) in e.blocks.iter().enumerate() {
        block(&mut out, i + 1, b);
    }
    heading(&mut out, "One sweep");
    for (i, s) in e.sweep.iter().enumerate() {
        wrap(&mut out, "  ", &format!("{}. {s}", i + 1));
    }
    out
}

fn block(out: &mut String, i: usize, b: &BlockExplanation) {
    heading(
        out,
        &format!(
            "Block {i}: {} ({}, {}, {})",
            b.unknowns.join(", "),
            b.role,
            b.family,
            b.exactness
        ),
    );
    for s in &b.sentences {
        wrap(out, "  ", s);
    }
    out.push_str("\n  from\n");
    for s in &b.statements {
        let _ = writeln!(out, "    line {:>3}   {}", s.line, s.text);
    }
    out.push('\n');
    wrap_formula(out, "    ", &b.start.text());
    out.push('\n');
    for e in &b.equations {
        equation(out, e);
    }
    for d in &b.definitions {
        wrap_formula(out, "      with ", &d.text());
    }
    if !b.read.is_empty() {
        out.push_str("\n  read by other blocks\n");
        for e in &b.read {
            equation(out, e);
        }
    }
}

fn equation(out: &mut String, e: &Equation) {
    if !e.lead.is_empty() {
        let _ = writeln!(out, "    {}:", e.lead);
    }
    wrap_formula(out, "    ", &e.formula.text());
}

fn heading(out: &mut String, title: &str) {
    let _ = writeln!(out, "\n{title}\n{}", "-".repeat(title.chars().count()));
}

fn names(list: &[String]) -> String {
    if list.is_empty() {
        "empty".into()
    } else {
        list.join(", ")
    }
}

/// `n = 1..N`
fn range(f: &Formula) -> String {
    match f {
        Formula::Relation(a, op, b) => match b.as_ref() {
            Formula::Apply(dots, ends) if dots == ".." => {
                let ends: Vec<String> = ends.iter().map(Formula::text).collect();
                format!("{} {op} {}", a.text(), ends.join(".."))
            }
            _ => f.text(),
        },
        _ => f.text(),
    }
}

/// Breaks between words.
fn wrap(out: &mut String, indent: &str, text: &str) {
    let mut line = String::new();
    for word in text.split(' ') {
        let n = line.chars().count() + word.chars().count() + 1 + indent.len();
        if !line.is_empty() && n > WIDTH {
            let _ = writeln!(out, "{indent}{line}");
            line.clear();
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    let _ = writeln!(out, "{indent}{line}");
}

/// Breaks before + and - outside brackets; inside them too where a part is still too long.
fn wrap_formula(out: &mut String, indent: &str, text: &str) {
    let room = WIDTH.saturating_sub(indent.chars().count() + 4);
    let mut parts = vec![text.to_string()];
    for depth in 0..3 {
        parts = parts
            .into_iter()
            .flat_map(|p| {
                if p.chars().count() > room {
                    split(&p, depth)
                } else {
                    vec![p]
                }
            })
            .collect();
    }
    let mut line = String::new();
    let mut first = true;
    for p in parts {
        let margin = if first { 0 } else { 4 };
        let n = line.chars().count() + p.chars().count() + 1 + indent.chars().count() + margin;
        if !line.is_empty() && n > WIDTH {
            let _ = writeln!(out, "{}{line}", margin_of(indent, first));
            first = false;
            line.clear();
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(&p);
    }
    let _ = writeln!(out, "{}{line}", margin_of(indent, first));
}

/// Splits before operators at most this deep in brackets.
fn split(text: &str, most: i32) -> Vec<String> {
    let mut parts: Vec<String> = vec![String::new()];
    let mut depth = 0i32;
    let chars: Vec<char> = text.chars().collect();
    for (i, c) in chars.iter().enumerate() {
        match c {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth -= 1,
            _ => {}
        }
        let operator = matches!(chars.get(i + 1), Some('+' | '-' | '=' | '/'))
            && chars.get(i + 2) == Some(&' ');
        if *c == ' ' && depth <= most && operator {
            parts.push(String::new());
        } else if let Some(last) = parts.last_mut() {
            last.push(*c);
        }
    }
    parts
}

fn margin_of(indent: &str, first: bool) -> String {
    if first {
        indent.to_string()
    } else {
        " ".repeat(indent.chars().count() + 4)
    }
}
