//! The factor graph as text, for `pmc emit graph`.

use std::fmt::Write;

use crate::model::{Model, PlateId};

use super::{FactorGraph, Node, build, name, plates, role};

fn with_plates(model: &Model, n: Node) -> String {
    let list = plates(model, n);
    bracketed(model, name(model, n), &list)
}

pub(super) fn bracketed(model: &Model, name: &str, list: &[PlateId]) -> String {
    if list.is_empty() {
        return name.to_string();
    }
    let names: Vec<&str> = list.iter().map(|p| model.plate(*p).name.as_str()).collect();
    format!("{name}[{}]", names.join(", "))
}

fn names(model: &Model, list: &[Node]) -> String {
    if list.is_empty() {
        return "-".into();
    }
    let list: Vec<&str> = list.iter().map(|n| name(model, *n)).collect();
    list.join(", ")
}

/// Quantities with their neighbours, then statements with the role of each quantity.
pub fn print_graph(model: &Model) -> String {
    let g: FactorGraph = build(model);
    let mut out = String::from("quantities\n");
    for n in &g.nodes {
        let _ = writeln!(
            out,
            "  {:<24} {:<16} parents {}; children {}; co-parents {}; Markov blanket {}",
            with_plates(model, *n),
            role(model, &g, *n),
            names(model, &g.parents(*n)),
            names(model, &g.children(*n)),
            names(model, &g.co_parents(*n)),
            names(model, &g.markov_blanket(*n)),
        );
    }
    out.push_str("factors\n");
    for (i, f) in g.factors.iter().enumerate() {
        let edges: Vec<String> = f
            .edges
            .iter()
            .map(|e| format!("{} ({})", name(model, e.node), e.role.word()))
            .collect();
        let _ = writeln!(
            out,
            "  {:<24} {}",
            bracketed(model, &format!("f{} {}", i + 1, f.distribution), &f.plates),
            edges.join(", ")
        );
    }
    out
}
