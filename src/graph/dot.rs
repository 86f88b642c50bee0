//! The factor graph for Graphviz and Mermaid. Observed quantities are shaded, points are diamonds, factors small boxes.

use std::fmt::Write;

use crate::model::{Model, Role};

use super::print::bracketed;
use super::{FactorGraph, Node, name, plates, role};

fn id(n: Node) -> String {
    match n {
        Node::Variable(v) => format!("v{}", v.index()),
        Node::Column(c) => format!("c{}", c.index()),
        Node::Definition(d) => format!("d{}", d.index()),
    }
}

/// Quotes and line breaks would end the label.
fn label(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '"' => '\'',
            '\n' | '\r' => ' ',
            c => c,
        })
        .collect()
}

fn is_point(model: &Model, n: Node) -> bool {
    matches!(n, Node::Variable(v) if model.variable(v).role != Role::Latent)
}

/// Graphviz text.
pub fn to_dot(model: &Model, g: &FactorGraph) -> String {
    let mut out = format!(
        "graph \"{}\" {{\n  rankdir=TB;\n  node [fontname=\"Helvetica\"];\n",
        label(&model.name)
    );
    for n in &g.nodes {
        let shape = if is_point(model, *n) {
            "diamond"
        } else {
            "ellipse"
        };
        let style = match role(model, g, *n) {
            "observed" => ", style=filled, fillcolor=\"#d0d0d0\"",
            "given" => ", style=\"filled,dashed\", fillcolor=\"#eeeeee\"",
            _ => "",
        };
        let text = label(&bracketed(model, name(model, *n), &plates(model, *n)));
        let _ = writeln!(
            out,
            "  {} [label=\"{text}\", shape={shape}{style}];",
            id(*n)
        );
    }
    for (i, f) in g.factors.iter().enumerate() {
        let text = label(&bracketed(model, &f.distribution, &f.plates));
        let _ = writeln!(
            out,
            "  f{i} [label=\"{text}\", shape=box, fontsize=10, margin=0.05];"
        );
        for e in &f.edges {
            let _ = writeln!(
                out,
                "  f{i} -- {} [label=\"{}\", fontsize=9];",
                id(e.node),
                e.role.word()
            );
        }
    }
    out.push_str("}\n");
    out
}

/// Mermaid text.
pub fn to_mermaid(model: &Model, g: &FactorGraph) -> String {
    let mut out = String::from("graph TD\n");
    for n in &g.nodes {
        let text = label(&bracketed(model, name(model, *n), &plates(model, *n)));
        let (open, close) = if is_point(model, *n) {
            ("{\"", "\"}")
        } else {
            ("([\"", "\"])")
        };
        let class = match role(model, g, *n) {
            "observed" => ":::observed",
            "given" => ":::given",
            _ => "",
        };
        let _ = writeln!(out, "  {}{open}{text}{close}{class}", id(*n));
    }
    for (i, f) in g.factors.iter().enumerate() {
        let text = label(&bracketed(model, &f.distribution, &f.plates));
        let _ = writeln!(out, "  f{i}[\"{text}\"]");
        for e in &f.edges {
            if Some(e.node) == f.child {
                let _ = writeln!(out, "  f{i} -->|{}| {}", e.role.word(), id(e.node));
            } else {
                let _ = writeln!(out, "  {} ---|{}| f{i}", id(e.node), e.role.word());
            }
        }
    }
    out.push_str(
        "  classDef observed fill:#d0d0d0\n  classDef given fill:#eeeeee,stroke-dasharray:4\n",
    );
    out
}
