//! The structure of a group's inside coupling: a chain, a graph for elimination, or parts solved one after the other.
//!
//! in: a group and the terms -> out: [`Structure`] and, for real unknowns, which slots separate the sites of the graph.
//!
//! ```text
//! chain        every term reads the inside at `i` and `i-k` of one axis of an ordered plate, and nowhere else
//! sites        slots along which no term holds two different axes: elements meet there only through lags, gathers or others
//! ```

use crate::algebra::{Origin, Statistic, Subscript, Term, UnknownId, Unknowns};
use crate::model::{DirectiveKind, Model, PlateId};

use super::Width;
use super::block::{Block, Structure};
use super::group::Group;

/// Asked to be split: along all its brackets, along these plates, or not at all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked {
    /// Nothing was asked.
    Nothing,
    /// Element by element.
    All,
    /// Along these plates.
    Along(Vec<PlateId>),
}

/// What the model asks about splitting an unknown.
pub fn asked(model: &Model, unknowns: &Unknowns, u: UnknownId) -> Asked {
    let mut along: Vec<PlateId> = vec![];
    for d in &model.directives {
        if let DirectiveKind::Factorise(v, plates) = &d.kind
            && unknowns.variable(*v) == u
        {
            if plates.is_empty() {
                return Asked::All;
            }
            along.extend(plates);
        }
    }
    if unknowns.get(u).factorised {
        Asked::All
    } else if along.is_empty() {
        Asked::Nothing
    } else {
        Asked::Along(along)
    }
}

/// The slots of an unknown along which its elements are asked to be split; axes of a vector stay together.
pub fn split_slots(model: &Model, unknowns: &Unknowns, u: UnknownId) -> Vec<usize> {
    let unknown = unknowns.get(u);
    let brackets = match unknown.origin {
        Origin::Variable(v) => model.variable(v).brackets,
        Origin::Column(c) => model.column(c).slots.len(),
        Origin::Predictor(_) => 0,
    };
    match asked(model, unknowns, u) {
        Asked::Nothing => vec![],
        Asked::All => (0..brackets.min(unknown.plates().len())).collect(),
        Asked::Along(plates) => (0..unknown.plates().len())
            .filter(|s| plates.contains(&unknown.plates()[*s]))
            .collect(),
    }
}

fn own<'t>(t: &'t Term, g: &Group) -> Vec<&'t Statistic> {
    t.stats
        .iter()
        .filter(|s| g.unknowns.contains(&s.of))
        .collect()
}

/// The ordered plate along which alone the inside is coupled, by `i-k`.
pub fn chain(unknowns: &Unknowns, g: &Group, terms: &[Term]) -> Option<PlateId> {
    let mut plate: Option<PlateId> = None;
    let mut lagged = false;
    for t in terms {
        let mut axis = None;
        for s in own(t, g) {
            let i = g.unknowns.iter().position(|u| *u == s.of)?;
            let [slot] = g.inside_slots[i].as_slice() else {
                return None;
            };
            let p = unknowns.get(s.of).plates()[*slot];
            if plate.is_some_and(|x| x != p) {
                return None;
            }
            plate = Some(p);
            let a = match s.index.get(*slot) {
                Some(Subscript::Axis(a)) => *a,
                Some(Subscript::Lag(a, _)) => {
                    lagged = true;
                    *a
                }
                _ => return None,
            };
            if axis.is_some_and(|x| x != a) {
                return None;
            }
            axis = Some(a);
        }
    }
    plate.filter(|_| lagged)
}

/// As [`chain`], for real unknowns whose sites are vectors: the only slot that separates sites is the ordered one.
pub fn chain_of_sites(unknowns: &Unknowns, g: &Group, terms: &[Term]) -> Option<PlateId> {
    let sites = site_slots(g, terms);
    let reduced = Group {
        inside_slots: sites,
        ..g.clone()
    };
    chain(unknowns, &reduced, terms)
}

/// For each unknown, the inside slots that separate sites: no term holds two different axes there.
pub fn site_slots(g: &Group, terms: &[Term]) -> Vec<Vec<usize>> {
    g.unknowns
        .iter()
        .zip(&g.inside_slots)
        .map(|(u, inside)| {
            inside
                .iter()
                .copied()
                .filter(|slot| {
                    !terms.iter().any(|t| {
                        let mut axes =
                            t.stats.iter().filter(|s| s.of == *u).filter_map(|s| {
                                match s.index.get(*slot) {
                                    Some(Subscript::Axis(a)) => Some(*a),
                                    _ => None,
                                }
                            });
                        let first = axes.next();
                        axes.any(|a| Some(a) != first)
                    })
                })
                .collect()
        })
        .collect()
}

/// How a discrete group with coupled elements is solved, as far as it is seen whether they can be eliminated.
pub fn discrete(
    model: &Model,
    unknowns: &Unknowns,
    g: &Group,
    terms: &[Term],
    width: Width,
) -> Structure {
    let asked = g
        .unknowns
        .iter()
        .any(|u| asked(model, unknowns, *u) != Asked::Nothing);
    match (chain(unknowns, g, terms), width) {
        _ if asked => Structure::Sequential,
        (_, Width::Wide) => Structure::Sequential,
        (Some(p), _) => Structure::Chain(p),
        (None, Width::Narrow) => Structure::Elimination,
        (None, Width::Unseen) => Structure::Sequential,
    }
}

/// The slots of an unknown of a block that tell its sites apart: batch slots, slots that only lags, gathers or other unknowns
/// couple, and those asked to be split.
pub fn sites_of(
    model: &Model,
    unknowns: &Unknowns,
    block: &Block,
    i: usize,
    terms: &[Term],
) -> Vec<usize> {
    let g = Group {
        unknowns: block.unknowns.clone(),
        rule: super::group::Rule::Alone,
        batch: block.batch.clone(),
        batch_slots: block.batch_slots.clone(),
        inside_slots: block.inside_slots.clone(),
    };
    let mut out = block.batch_slots[i].clone();
    out.extend(&site_slots(&g, terms)[i]);
    out.extend(split_slots(model, unknowns, block.unknowns[i]));
    out.sort_unstable();
    out.dedup();
    out
}
