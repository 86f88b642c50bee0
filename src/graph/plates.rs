//! The plate diagram: quantities in nested boxes, arrows from parents to children, blocks of the derivation.
//!
//! in: a model, its derivation where there is one -> out: a [`Diagram`], which `dot` and `svg` write.
//!
//! A quantity stands in one box for each plate of its brackets. Where plates cross, as rows and columns do, the box of
//! one is drawn again inside the other; the order of nesting is the one that needs the fewest boxes. The rows of a table
//! lie inside the plate of a label column, if one such plate holds quantities of its own; the box of rows that refer to
//! several names them. Label columns that only select elements are not drawn.

use std::collections::{BTreeMap, BTreeSet};

use crate::derive::Derivation;
use crate::model::{ColumnType, FactorId, FactorKind, Model, PlateId, PlateKind, Role};

use super::{ArgumentRole, FactorGraph, Node, build, coupling, name, role};

/// What a node is drawn as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Unknown, with a distribution: a circle.
    Latent,
    /// Unknown, a point with a distribution: a double circle.
    Dirac,
    /// A point: a dot.
    Param,
    /// Observed: a shaded circle.
    Observed,
    /// A column that other statements use: a small shaded box.
    Given,
    /// A potential: a black square.
    Potential,
}

/// A node of the diagram.
#[derive(Debug, Clone)]
pub struct Drawn {
    /// Its name in files.
    pub id: String,
    /// Its name.
    pub label: String,
    /// What it is.
    pub shape: Shape,
    /// Its block, by position in [`Diagram::blocks`].
    pub block: Option<usize>,
    /// The box it stands in; `None` outside all.
    pub plate: Option<usize>,
}

/// A box.
#[derive(Debug, Clone)]
pub struct PlateBox {
    /// `row`, `cluster (2)`
    pub label: String,
    /// The box around it.
    pub inside: Option<usize>,
}

/// An arrow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arrow {
    /// The parent.
    pub from: usize,
    /// The child.
    pub to: usize,
    /// Without a head: to a potential.
    pub plain: bool,
    /// From the element before: a chain.
    pub back: bool,
}

/// A block of the derivation.
#[derive(Debug, Clone)]
pub struct BlockLegend {
    /// `z`, `W, b`
    pub names: String,
    /// `Categorical, exact`
    pub text: String,
}

/// The diagram.
#[derive(Debug, Clone)]
pub struct Diagram {
    /// The model's name.
    pub title: String,
    /// The nodes.
    pub nodes: Vec<Drawn>,
    /// The boxes; one stands after the box around it.
    pub boxes: Vec<PlateBox>,
    /// The arrows.
    pub arrows: Vec<Arrow>,
    /// The blocks.
    pub blocks: Vec<BlockLegend>,
    /// The method.
    pub method: Option<String>,
}

/// Fill colours of blocks, in order; they start again after the last.
pub const COLOURS: &[&str] = &[
    "#a6cee3", "#fdbf6f", "#b2df8a", "#cab2d6", "#fb9a99", "#ffff99", "#99d8c9", "#fcc5c0",
    "#d9d2b6", "#c7e9c0", "#bcbddc", "#e5c494",
];

/// The fill of what is observed.
pub const OBSERVED: &str = "#d0d0d0";

/// Draws a model.
pub fn diagram(model: &Model, derivation: Option<&Derivation>) -> Diagram {
    let g = build(model);
    let mut out = Diagram {
        title: model.name.clone(),
        nodes: vec![],
        boxes: vec![],
        arrows: vec![],
        blocks: vec![],
        method: derivation.map(|d| d.method.name().to_string()),
    };
    for id in derivation.iter().flat_map(|d| &d.order) {
        let Some(d) = derivation else { continue };
        let b = d.block(*id);
        let names: Vec<&str> = b
            .unknowns
            .iter()
            .map(|u| d.unknowns.get(*u).name.as_str())
            .collect();
        let names = names.join(", ");
        let legend = BlockLegend {
            text: format!(
                "{}, {}",
                b.form.name().replace("Inverse", "inverse "),
                b.exactness.word()
            ),
            names: if b.role == Role::Latent {
                format!("q({names})")
            } else {
                names
            },
        };
        // A sweep may visit a block twice.
        if !out.blocks.iter().any(|l| l.names == legend.names) {
            out.blocks.push(legend);
        }
    }
    let mut at: BTreeMap<Node, usize> = BTreeMap::new();
    let mut paths: Vec<Vec<PlateId>> = vec![];
    for n in &g.nodes {
        if selects_only(model, &g, *n) {
            continue;
        }
        at.insert(*n, out.nodes.len());
        paths.push(brackets(model, *n));
        out.nodes.push(Drawn {
            id: id(*n),
            label: name(model, *n).to_string(),
            shape: shape(model, &g, *n),
            block: derivation.and_then(|d| block_of(d, &out.blocks, *n)),
            plate: None,
        });
    }
    for (i, f) in g.factors.iter().enumerate() {
        let ends = |e: &super::Edge| at.get(&e.node).copied();
        let child = match f.child {
            Some(c) => at.get(&c).copied(),
            None => {
                paths.push(f.plates.clone());
                out.nodes.push(Drawn {
                    id: format!("f{i}"),
                    label: String::new(),
                    shape: Shape::Potential,
                    block: None,
                    plate: None,
                });
                Some(out.nodes.len() - 1)
            }
        };
        let Some(to) = child else { continue };
        let chain = looks_back(model, f.factor);
        for e in &f.edges {
            let own = Some(e.node) == f.child;
            if own && (e.role == ArgumentRole::Value || !chain) {
                continue;
            }
            let Some(from) = ends(e) else { continue };
            let arrow = Arrow {
                from,
                to,
                plain: f.child.is_none(),
                back: own,
            };
            if !out.arrows.contains(&arrow) {
                out.arrows.push(arrow);
            }
        }
    }
    place(model, &mut out, paths);
    out
}

fn looks_back(model: &Model, f: FactorId) -> bool {
    match &model.factor(f).kind {
        FactorKind::Prior(_, c)
        | FactorKind::ObservedColumn(_, c)
        | FactorKind::ObservedDefinition(_, c) => !c.lags.is_empty(),
        FactorKind::ObservedOnly(_) | FactorKind::Potential(_) => false,
    }
}

fn id(n: Node) -> String {
    match n {
        Node::Variable(v) => format!("v{}", v.index()),
        Node::Column(c) => format!("c{}", c.index()),
        Node::Definition(d) => format!("d{}", d.index()),
    }
}

/// A label column without a statement: it only says which element a row refers to.
fn selects_only(model: &Model, g: &FactorGraph, n: Node) -> bool {
    let label = matches!(n, Node::Column(c) if matches!(model.column(c).ty, ColumnType::Label(_)));
    label && role(model, g, n) == "given"
}

fn shape(model: &Model, g: &FactorGraph, n: Node) -> Shape {
    match role(model, g, n) {
        "param" => Shape::Param,
        "latent as dirac" => Shape::Dirac,
        "latent" => Shape::Latent,
        "observed" => Shape::Observed,
        _ => Shape::Given,
    }
}

fn block_of(d: &Derivation, legends: &[BlockLegend], n: Node) -> Option<usize> {
    let u = coupling::unknown(d, n)?;
    let b = d.block(d.block_of(u)?);
    let names: Vec<&str> = b
        .unknowns
        .iter()
        .map(|u| d.unknowns.get(*u).name.as_str())
        .collect();
    let names = names.join(", ");
    legends
        .iter()
        .position(|l| l.names == names || l.names == format!("q({names})"))
}

/// The plates of the brackets.
fn brackets(model: &Model, n: Node) -> Vec<PlateId> {
    let statement = model.factors.iter().find(|f| match (&f.kind, n) {
        (FactorKind::Prior(v, _), Node::Variable(w)) => *v == w,
        (FactorKind::ObservedColumn(c, _), Node::Column(d)) => *c == d,
        (FactorKind::ObservedDefinition(c, _), Node::Definition(d)) => *c == d,
        _ => false,
    });
    match (statement, n) {
        (Some(f), _) => f.axes.iter().map(|a| a.plate).collect(),
        (None, Node::Variable(v)) => {
            let v = model.variable(v);
            v.slots.iter().take(v.brackets).copied().collect()
        }
        (None, _) => super::plates(model, n),
    }
}

/// Puts nodes into nested boxes.
fn place(model: &Model, out: &mut Diagram, mut paths: Vec<Vec<PlateId>>) {
    let held: BTreeSet<PlateId> = paths.iter().flatten().copied().collect();
    // Rows lie inside the plate of their one label column that holds something.
    let mut around: BTreeMap<PlateId, PlateId> = BTreeMap::new();
    let mut crossed: BTreeMap<PlateId, Vec<&str>> = BTreeMap::new();
    for (i, _) in model.tables.iter().enumerate() {
        let t = model.table(crate::model::TableId::from(i));
        let mut labels: Vec<PlateId> = t
            .columns
            .iter()
            .filter_map(|c| match model.column(*c).ty {
                ColumnType::Label(p) if t.key != Some(*c) && p != t.plate => {
                    (!model.column(*c).observed).then_some(p)
                }
                _ => None,
            })
            .filter(|p| {
                held.contains(p)
                    && matches!(
                        model.plate(*p).kind,
                        PlateKind::Labels(_) | PlateKind::Keyed(..)
                    )
            })
            .collect();
        labels.dedup();
        if let [one] = labels[..] {
            around.insert(t.plate, one);
        } else if labels.len() > 1 {
            let names = labels.iter().map(|p| model.plate(*p).name.as_str());
            crossed.insert(t.plate, names.collect());
        }
    }
    for path in &mut paths {
        path.sort();
        path.dedup();
        for _ in 0..around.len() {
            let more: Vec<PlateId> = path
                .iter()
                .filter_map(|p| around.get(p))
                .filter(|q| !path.contains(q))
                .copied()
                .collect();
            path.extend(more);
        }
    }
    let mut plates: Vec<PlateId> = paths.iter().flatten().copied().collect();
    plates.sort_by_key(|p| (model.table_of(*p).is_none(), *p));
    plates.dedup();
    let order = nesting(&plates, &paths, &around);
    let rank = |p: &PlateId| order.iter().position(|q| q == p);
    let mut known: BTreeMap<Vec<PlateId>, usize> = BTreeMap::new();
    for (path, node) in paths.iter_mut().zip(&mut out.nodes) {
        path.sort_by_key(rank);
        path.dedup();
        let mut inside: Option<usize> = None;
        for k in 1..=path.len() {
            let Some(prefix) = path.get(..k) else { break };
            let next = out.boxes.len();
            let b = *known.entry(prefix.to_vec()).or_insert(next);
            if b == next {
                out.boxes.push(PlateBox {
                    label: path
                        .get(k - 1)
                        .map_or_else(String::new, |p| match crossed.get(p) {
                            Some(of) => format!("{} ({})", model.plate(*p).name, of.join(" x ")),
                            None => plate_label(model, *p),
                        }),
                    inside,
                });
            }
            inside = Some(b);
        }
        node.plate = inside;
    }
}

fn plate_label(model: &Model, p: PlateId) -> String {
    let plate = model.plate(p);
    match &plate.kind {
        PlateKind::Counted { size: Some(n), .. } => format!("{} ({n})", plate.name),
        PlateKind::Listed(names) => format!("{} ({})", plate.name, names.len()),
        _ => plate.name.clone(),
    }
}

/// The order of plates, outer first, that needs the fewest boxes; of equals the first, with tables outside.
fn nesting(
    plates: &[PlateId],
    paths: &[Vec<PlateId>],
    around: &BTreeMap<PlateId, PlateId>,
) -> Vec<PlateId> {
    let boxes = |order: &[PlateId]| -> usize {
        let mut prefixes: BTreeSet<Vec<PlateId>> = BTreeSet::new();
        for path in paths {
            let mut prefix = vec![];
            for p in order.iter().filter(|p| path.contains(p)) {
                prefix.push(*p);
                prefixes.insert(prefix.clone());
            }
        }
        prefixes.len()
    };
    let lawful = |order: &[PlateId]| {
        let at = |p: &PlateId| order.iter().position(|q| q == p);
        around
            .iter()
            .all(|(inner, outer)| match (at(inner), at(outer)) {
                (Some(i), Some(o)) => o < i,
                _ => true,
            })
    };
    let mut best: Option<(usize, Vec<PlateId>)> = None;
    let mut consider = |order: &[PlateId]| {
        if lawful(order) {
            let n = boxes(order);
            if best.as_ref().is_none_or(|(m, _)| n < *m) {
                best = Some((n, order.to_vec()));
            }
        }
    };
    if plates.len() <= 6 {
        permute(plates, &mut vec![], &mut consider);
    } else {
        let mut order = plates.to_vec();
        order.sort_by_key(|p| (around.contains_key(p), *p));
        consider(&order);
    }
    best.map_or_else(|| plates.to_vec(), |(_, o)| o)
}

fn permute(rest: &[PlateId], done: &mut Vec<PlateId>, visit: &mut dyn FnMut(&[PlateId])) {
    if rest.is_empty() {
        visit(done);
    }
    for (i, p) in rest.iter().enumerate() {
        let mut others = rest.to_vec();
        others.remove(i);
        done.push(*p);
        permute(&others, done, visit);
        done.pop();
    }
}
