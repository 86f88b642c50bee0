//! An explanation as Markdown with $ math, readable on GitHub and in notebooks.

use std::fmt::Write;

use crate::algebra::formula::Formula;

use super::latex::{aligned, led, range};
use super::update::Equation;
use super::{BlockExplanation, Explanation};

/// Markdown.
pub fn markdown(e: &Explanation) -> String {
    let mut out = format!("# {}\n\nFrom `{}`.\n\n## Model\n\n", e.title, e.file);
    out.push_str("| line | statement | for |\n| ---: | --- | --- |\n");
    for s in &e.statements {
        let ranges: Vec<String> = s.ranges.iter().map(|r| format!("${}$", range(r))).collect();
        let _ = writeln!(
            out,
            "| {} | ${}$ | {} |",
            s.source.line,
            cell(&s.formula.latex()),
            ranges.join(", ")
        );
    }
    out.push_str("\n| letter | plate | range |\n| --- | --- | --- |\n");
    for l in &e.letters {
        let _ = writeln!(
            out,
            "| ${}$ | {} | ${}$ |",
            l.letter,
            cell(&l.meaning),
            cell(&range(&l.range))
        );
    }
    if !e.auxiliaries.is_empty() {
        out.push_str("\n## Auxiliary variables\n");
    }
    for a in &e.auxiliaries {
        let names: Vec<String> = a.names.iter().map(|n| format!("`{n}`")).collect();
        let _ = write!(out, "\n{}\n\n", names.join(", "));
        for s in &a.sentences {
            let _ = writeln!(out, "- {}", plain(s));
        }
        out.push('\n');
        equations(&mut out, &a.equations, &[]);
    }
    out.push_str("\n## Log joint\n\n$\\ln p$ is the sum of:\n\n");
    for p in &e.joint {
        let lines: Vec<String> = p.lines.iter().map(usize::to_string).collect();
        let sum = Formula::sum(p.terms.iter().cloned());
        let _ = writeln!(
            out,
            "`{}` (line {}):\n\n$${}$$\n",
            p.name,
            lines.join(", "),
            sum.latex()
        );
    }
    if !e.predictors.is_empty() {
        let formulas: Vec<&Formula> = e.predictors.iter().collect();
        let _ = writeln!(out, "with\n\n$$\n{}\n$$\n", aligned(&formulas));
    }
    out.push_str("## Factor graph\n\n| quantity | role | Markov blanket |\n| --- | --- | --- |\n");
    for n in &e.graph {
        let _ = writeln!(
            out,
            "| `{}` | {} | {} |",
            n.name,
            n.role,
            n.blanket
                .iter()
                .map(|b| format!("`{b}`"))
                .collect::<Vec<_>>()
                .join(", ")
        );
    }
    let _ = write!(out, "\n```mermaid\n{}```\n", e.mermaid);
    let _ = write!(
        out,
        "\n## Method\n\n**{}**; objective: {}.\n\n",
        e.method, e.objective
    );
    for s in &e.why {
        let _ = writeln!(out, "- {}", plain(s));
    }
    for (i, b) in e.blocks.iter().enumerate() {
        block(&mut out, i + 1, b);
    }
    out.push_str("\n## One sweep\n\n");
    for (i, s) in e.sweep.iter().enumerate() {
        let _ = writeln!(out, "{}. {}", i + 1, plain(s));
    }
    out
}

fn block(out: &mut String, i: usize, b: &BlockExplanation) {
    let names: Vec<String> = b.unknowns.iter().map(|u| format!("`{u}`")).collect();
    let _ = write!(
        out,
        "\n## Block {i}: {}\n\n{}, {}, {}.\n\n",
        names.join(", "),
        b.role,
        b.family,
        b.exactness
    );
    for s in &b.sentences {
        let _ = writeln!(out, "- {}", plain(s));
    }
    out.push('\n');
    for s in &b.statements {
        let _ = writeln!(out, "- line {}: `{}`", s.line, s.text);
    }
    let _ = write!(out, "\n$${}$$\n\n", b.start.latex());
    equations(out, &b.equations, &b.definitions);
    if !b.read.is_empty() {
        out.push_str("\nRead by other blocks:\n\n");
        equations(out, &b.read, &[]);
    }
}

/// Equations under the words that lead them.
fn equations(out: &mut String, list: &[Equation], definitions: &[Formula]) {
    for (i, (lead, mut formulas)) in led(list).into_iter().enumerate() {
        if i == 0 {
            formulas.extend(definitions);
        }
        if !lead.is_empty() {
            let _ = writeln!(out, "{}{}:\n", if i > 0 { "\n" } else { "" }, plain(lead));
        }
        let _ = writeln!(out, "$$\n{}\n$$", aligned(&formulas));
    }
}

/// A bar inside a table cell would end it.
fn cell(s: &str) -> String {
    s.replace("\\left|", "\\left\\vert ")
        .replace("\\right|", "\\right\\vert ")
        .replace('|', "\\|")
}

/// Underscores and stars are no emphasis.
fn plain(s: &str) -> String {
    s.replace('_', "\\_").replace('*', "\\*")
}
