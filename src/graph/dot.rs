//! The plate diagram for Graphviz, the factor graph for Mermaid.
//!
//! Graphviz: plates are clusters, observed quantities shaded, points dots, arrows lead from parents to children. Mermaid:
//! points are diamonds, factors small boxes.

use std::fmt::Write;

use crate::derive::Derivation;
use crate::model::{Model, Role};

use super::plates::{COLOURS, Diagram, OBSERVED, Shape, diagram};
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
            '\\' => '/',
            '\n' | '\r' => ' ',
            c => c,
        })
        .collect()
}

fn is_point(model: &Model, n: Node) -> bool {
    matches!(n, Node::Variable(v) if model.variable(v).role != Role::Latent)
}

/// The plate diagram for Graphviz.
pub fn to_dot(model: &Model, derivation: Option<&Derivation>) -> String {
    let d = diagram(model, derivation);
    let mut out = format!(
        "digraph \"{}\" {{\n  rankdir=TB;\n  node [fontname=\"Helvetica\"];\n",
        label(&d.title)
    );
    inside(&mut out, &d, None, "  ");
    for a in &d.arrows {
        let (Some(from), Some(to)) = (d.nodes.get(a.from), d.nodes.get(a.to)) else {
            continue;
        };
        let how = match (a.plain, a.back) {
            (true, _) => " [dir=none]",
            (false, true) => " [label=\"the one before\", fontsize=9]",
            (false, false) => "",
        };
        let _ = writeln!(out, "  {} -> {}{how};", from.id, to.id);
    }
    if !d.blocks.is_empty() {
        let rows: Vec<String> = d
            .blocks
            .iter()
            .enumerate()
            .map(|(i, b)| {
                let text = html(&format!("{}: {}", b.names, b.text));
                format!(
                    "<tr><td bgcolor=\"{}\">   </td><td align=\"left\">{text}</td></tr>",
                    colour(i)
                )
            })
            .collect();
        let method = html(d.method.as_deref().unwrap_or_default());
        let _ = writeln!(
            out,
            "  legend [shape=plaintext, label=<<table border=\"0\" cellspacing=\"2\">{}<tr><td></td><td align=\"left\">{method}</td></tr></table>>];",
            rows.concat()
        );
    }
    out.push_str("}\n");
    out
}

/// The nodes of a box, then the boxes in it.
fn inside(out: &mut String, d: &Diagram, plate: Option<usize>, indent: &str) {
    for n in d.nodes.iter().filter(|n| n.plate == plate) {
        let fill = match n.block {
            Some(b) => format!(", style=filled, fillcolor=\"{}\"", colour(b)),
            None => String::new(),
        };
        let look = match n.shape {
            Shape::Latent => format!("shape=ellipse{fill}"),
            Shape::Dirac => format!("shape=ellipse, peripheries=2{fill}"),
            Shape::Param => format!(
                "shape=point, width=0.15, xlabel=\"{}\"{fill}",
                label(&n.label)
            ),
            Shape::Observed => format!("shape=ellipse, style=filled, fillcolor=\"{OBSERVED}\""),
            Shape::Given => "shape=box, style=\"filled,dashed\", fillcolor=\"#eeeeee\"".to_string(),
            Shape::Potential => {
                "shape=square, width=0.15, style=filled, fillcolor=black".to_string()
            }
        };
        let text = if n.shape == Shape::Param {
            ""
        } else {
            &n.label
        };
        let _ = writeln!(out, "{indent}{} [label=\"{}\", {look}];", n.id, label(text));
    }
    for (i, b) in d.boxes.iter().enumerate() {
        if b.inside == plate {
            let _ = writeln!(out, "{indent}subgraph cluster_{i} {{");
            let _ = writeln!(
                out,
                "{indent}  label=\"{}\"; labeljust=r; labelloc=b; fontname=\"Helvetica\"; fontsize=11;",
                label(&b.label)
            );
            inside(out, d, Some(i), &format!("{indent}  "));
            let _ = writeln!(out, "{indent}}}");
        }
    }
}

fn colour(block: usize) -> &'static str {
    COLOURS
        .get(block % COLOURS.len())
        .copied()
        .unwrap_or("#ffffff")
}

fn html(text: &str) -> String {
    label(text)
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
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
