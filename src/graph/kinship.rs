//! How two replicated quantities stand to each other: same document, another word, the next step.
//!
//! in: two nodes of a network -> out: one [`Relation`] per plate that both have, through their own indices or through
//! the labels of their rows.

use crate::model::{ColumnType, Model, PlateId};

use super::ground::{Ground, Network, own_plates};

/// How two elements of one plate stand to each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kin {
    /// The same element.
    Same,
    /// One step apart on a chain.
    Next,
    /// Further apart on a chain.
    Apart,
    /// Another element; another sequence.
    Other,
}

/// A plate by the name under which both have it, and how their elements stand.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Relation {
    /// The plate, or the label column.
    pub label: String,
    /// How they stand.
    pub kin: Kin,
}

impl Relation {
    /// In words.
    pub fn words(&self) -> String {
        match self.kin {
            Kin::Same => format!("same {}", self.label),
            Kin::Next => format!("next {}", self.label),
            Kin::Apart => format!("{} further apart", self.label),
            Kin::Other => format!("another {}", self.label),
        }
    }
}

/// An element that a node has.
struct Attribute {
    label: String,
    plate: PlateId,
    element: usize,
    /// The index of the node that it comes from.
    slot: usize,
}

/// The relations of two nodes.
pub fn relations(model: &Model, net: &Network, a: usize, b: usize) -> Vec<Relation> {
    let (xs, ys) = (attributes(model, net, a), attributes(model, net, b));
    let once = |list: &[Attribute], p: PlateId| list.iter().filter(|x| x.plate == p).count() == 1;
    let mut out: Vec<Relation> = vec![];
    let mut same: Vec<usize> = vec![];
    for x in &xs {
        // One row has one label of each kind: that the row is the same says it all.
        if same.contains(&x.slot) {
            continue;
        }
        let partner = ys
            .iter()
            .find(|y| y.plate == x.plate && y.label == x.label)
            .or_else(|| {
                let alone = once(&xs, x.plate) && once(&ys, x.plate);
                ys.iter().find(|y| alone && y.plate == x.plate)
            });
        let Some(y) = partner else { continue };
        if model.table_of(x.plate).is_some() && x.plate == y.plate && x.element == y.element {
            same.push(x.slot);
        }
        let found = relation(model, net, x, y);
        out.extend(
            found
                .into_iter()
                .filter(|r| !out.contains(r))
                .collect::<Vec<_>>(),
        );
    }
    out
}

fn relation(model: &Model, net: &Network, x: &Attribute, y: &Attribute) -> Vec<Relation> {
    let of = |label: &str, kin: Kin| Relation {
        label: label.to_string(),
        kin,
    };
    let p = x.plate;
    let places = (
        net.elements.place(p, x.element),
        net.elements.place(p, y.element),
    );
    if net.elements.chained(p)
        && let (Some((s, i)), Some((t, j))) = places
    {
        if s != t {
            return vec![of(&sequence_name(model, p), Kin::Other)];
        }
        return vec![of(
            &x.label,
            match i.abs_diff(j) {
                0 => Kin::Same,
                1 => Kin::Next,
                _ => Kin::Apart,
            },
        )];
    }
    let kin = if x.element == y.element {
        Kin::Same
    } else {
        Kin::Other
    };
    vec![of(&x.label, kin)]
}

/// The names of the columns that tell sequences apart.
fn sequence_name(model: &Model, p: PlateId) -> String {
    let within = model
        .table_of(p)
        .and_then(|t| model.table(t).ordered.as_ref())
        .map(|o| o.within.join(", "))
        .unwrap_or_default();
    if within.is_empty() {
        "sequence".into()
    } else {
        within
    }
}

fn attributes(model: &Model, net: &Network, id: usize) -> Vec<Attribute> {
    let mut out = vec![];
    if let Some(Ground::Quantity(n, at)) = net.nodes.get(id) {
        for (slot, (p, e)) in own_plates(model, *n).iter().zip(at).enumerate() {
            let label = model.plate(*p).name.clone();
            collect(model, net, (label, *p, *e), slot, 0, &mut out);
        }
    }
    out
}

fn collect(
    model: &Model,
    net: &Network,
    (label, plate, element): (String, PlateId, usize),
    slot: usize,
    depth: usize,
    out: &mut Vec<Attribute>,
) {
    out.push(Attribute {
        label,
        plate,
        element,
        slot,
    });
    let Some(t) = model.table_of(plate) else {
        return;
    };
    if depth > 3 {
        return;
    }
    for c in net.elements.index_columns(t) {
        let column = model.column(*c);
        if let (ColumnType::Label(q), Some(l)) = (column.ty, net.elements.label(*c, element)) {
            collect(
                model,
                net,
                (column.name.clone(), q, l),
                slot,
                depth + 1,
                out,
            );
        }
    }
}
