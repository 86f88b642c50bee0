//! An explanation as a LaTeX article (amsmath only).

use std::fmt::Write;

use crate::algebra::formula::{Formula, escaped};

use super::update::Equation;
use super::{BlockExplanation, Explanation};

/// A document that compiles with `article` and `amsmath`.
pub fn latex(e: &Explanation) -> String {
    let mut out = String::from(
        "\\documentclass{article}\n\\usepackage{amsmath}\n\\allowdisplaybreaks\n\\begin{document}\n",
    );
    let _ = write!(
        out,
        "\\section*{{{}}}\nFrom \\texttt{{{}}}.\n",
        prose(&e.title),
        prose(&e.file)
    );
    out.push_str("\\subsection*{Model}\n\\begin{align*}\n");
    let rows: Vec<String> = e
        .statements
        .iter()
        .map(|s| {
            let ranges: Vec<String> = s.ranges.iter().map(range).collect();
            format!(
                "&{} && {} && \\text{{line {}}}",
                s.formula.latex(),
                ranges.join(",\\; "),
                s.source.line
            )
        })
        .collect();
    out.push_str(&rows.join(" \\\\\n"));
    out.push_str("\n\\end{align*}\n\\begin{itemize}\n");
    for l in &e.letters {
        let _ = writeln!(
            out,
            "\\item ${}$: {}, ${}$",
            l.letter,
            prose(&l.meaning),
            range(&l.range)
        );
    }
    out.push_str("\\end{itemize}\n");
    if !e.auxiliaries.is_empty() {
        out.push_str("\\subsection*{Auxiliary variables}\n");
    }
    for a in &e.auxiliaries {
        let _ = writeln!(out, "\\texttt{{{}}}\n", prose(&a.names.join(", ")));
        for s in &a.sentences {
            let _ = writeln!(out, "{}", prose(s));
        }
        equations(&mut out, &a.equations, &[]);
    }
    out.push_str("\\subsection*{Log joint}\n$\\ln p$ is the sum of:\n");
    for p in &e.joint {
        let lines: Vec<String> = p.lines.iter().map(usize::to_string).collect();
        let _ = write!(
            out,
            "\n\\texttt{{{}}} (line {})\n\\begin{{align*}}\n&{}\n\\end{{align*}}\n",
            prose(&p.name),
            lines.join(", "),
            broken(&p.terms)
        );
    }
    if !e.predictors.is_empty() {
        let formulas: Vec<&Formula> = e.predictors.iter().collect();
        let _ = write!(out, "with\n\\[\n{}\n\\]\n", aligned(&formulas));
    }
    out.push_str("\\subsection*{Factor graph}\n\\begin{itemize}\n");
    for n in &e.graph {
        let _ = writeln!(
            out,
            "\\item \\texttt{{{}}} ({}); Markov blanket: {}",
            prose(&n.name),
            n.role,
            prose(&n.blanket.join(", "))
        );
    }
    let _ = write!(
        out,
        "\\end{{itemize}}\n\\subsection*{{Method}}\n\\textbf{{{}}}; objective: {}.\n\n",
        prose(&e.method),
        prose(&e.objective)
    );
    for s in &e.why {
        let _ = writeln!(out, "{}\n", prose(s));
    }
    for (i, b) in e.blocks.iter().enumerate() {
        block(&mut out, i + 1, b);
    }
    out.push_str("\\subsection*{One sweep}\n\\begin{enumerate}\n");
    for s in &e.sweep {
        let _ = writeln!(out, "\\item {}", prose(s));
    }
    out.push_str("\\end{enumerate}\n\\end{document}\n");
    out
}

fn block(out: &mut String, i: usize, b: &BlockExplanation) {
    let _ = write!(
        out,
        "\\subsection*{{Block {i}: {}}}\n{}, {}, {}. ",
        prose(&b.unknowns.join(", ")),
        prose(&b.role),
        prose(&b.family),
        prose(&b.exactness)
    );
    for s in &b.sentences {
        let _ = writeln!(out, "{}", prose(s));
    }
    out.push_str("\\begin{itemize}\n");
    for s in &b.statements {
        let _ = writeln!(
            out,
            "\\item line {}: \\texttt{{{}}}",
            s.line,
            prose(&s.text)
        );
    }
    out.push_str("\\end{itemize}\n");
    let _ = write!(out, "\\[\n{}\n\\]\n", aligned(&[&b.start]));
    equations(out, &b.equations, &b.definitions);
    if !b.read.is_empty() {
        out.push_str("Read by other blocks:\n");
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
            let _ = writeln!(out, "{}:", prose(lead));
        }
        let _ = write!(out, "\\[\n{}\n\\]\n", aligned(&formulas));
    }
}

/// Equations by the words that stand before them.
pub(super) fn led(list: &[Equation]) -> Vec<(&str, Vec<&Formula>)> {
    let mut out: Vec<(&str, Vec<&Formula>)> = vec![];
    for e in list {
        match out.last_mut() {
            Some((_, formulas)) if e.lead.is_empty() => formulas.push(&e.formula),
            _ => out.push((&e.lead, vec![&e.formula])),
        }
    }
    out
}

/// Equations under each other, aligned at their sign.
pub(super) fn aligned(formulas: &[&Formula]) -> String {
    let rows: Vec<String> = formulas
        .iter()
        .map(|f| match f {
            Formula::Relation(a, op, b) => {
                let all = Formula::relation(Formula::Word(String::new()), op, *b.clone()).latex();
                let right = all.strip_prefix("\\mathrm{}").unwrap_or(&all);
                format!("{} &{}", a.latex(), right.trim_start())
            }
            other => format!("& {}", other.latex()),
        })
        .collect();
    format!(
        "\\begin{{aligned}}\n{}\n\\end{{aligned}}",
        rows.join(" \\\\\n")
    )
}

/// One addend a line.
fn broken(terms: &[Formula]) -> String {
    let mut out = String::new();
    for (i, t) in terms.iter().enumerate() {
        let s = t.latex();
        match (i, s.starts_with('-')) {
            (0, _) => out.push_str(&s),
            (_, true) => {
                let _ = write!(out, " \\\\\n&{s}");
            }
            (_, false) => {
                let _ = write!(out, " \\\\\n&+ {s}");
            }
        }
    }
    out
}

/// `n = 1, \ldots, N`
pub(super) fn range(f: &Formula) -> String {
    match f {
        Formula::Relation(a, op, b) => match b.as_ref() {
            Formula::Apply(dots, ends) if dots == ".." => {
                let ends: Vec<String> = ends.iter().map(Formula::latex).collect();
                format!("{} {op} {}", a.latex(), ends.join(", \\ldots, "))
            }
            _ => f.latex(),
        },
        _ => f.latex(),
    }
}

/// Text outside of math.
fn prose(s: &str) -> String {
    let mut out = String::new();
    for c in s.chars() {
        match c {
            '`' => {}
            '^' => out.push_str("\\textasciicircum{}"),
            '~' => out.push_str("\\textasciitilde{}"),
            '\\' => out.push_str("\\textbackslash{}"),
            '<' => out.push_str("\\textless{}"),
            '>' => out.push_str("\\textgreater{}"),
            '|' => out.push_str("\\textbar{}"),
            '"' => out.push_str("\\textquotedbl{}"),
            '≤' => out.push_str("$\\le$"),
            '≥' => out.push_str("$\\ge$"),
            '≠' => out.push_str("$\\ne$"),
            'Σ' => out.push_str("$\\Sigma$"),
            c => out.push_str(&escaped(&c.to_string())),
        }
    }
    out.replace("\\textquotedbl{}", "''")
}
