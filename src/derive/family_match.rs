//! Family match: support and collected statistics pick the family; what matches none is refused with the reason.

use crate::algebra::{Statistic, Subscript, Term, Unknowns};
use crate::diag::Diagnostic;
use crate::family::{StatisticKind, Support, by_signature};
use crate::model::{Domain, Model, PlateId, Role};

use super::Width;
use super::block::{Block, Exactness, Form, Structure};
use super::group::{Group, Rule, kinds_of};
use super::{refusal, structure};

/// The block of a group.
///
/// # Errors
/// E0501 no family, E0508 a family whose coupled elements are not solved yet.
pub fn block(
    model: &Model,
    unknowns: &Unknowns,
    g: &Group,
    terms: &[Term],
    width: Width,
) -> Result<Block, Box<Diagnostic>> {
    let first = unknowns.get(g.unknowns[0]);
    let inside = g.inside_slots.iter().any(|s| !s.is_empty());
    let kinds = kinds_of(g.unknowns[0], terms);
    let not_yet = |what: String, help: &str| {
        Box::new(refusal::group(model, unknowns, g.unknowns[0], what, help))
    };
    if first.symmetric && (inside || first.element_plate().is_some()) {
        return Err(not_yet(
            if inside {
                format!(
                    "elements of the symmetric `{}` are coupled with each other along {}",
                    first.name,
                    inside_names(model, unknowns, g)
                )
            } else {
                format!("`{}` is discrete and symmetric", first.name)
            },
            "without `symmetric` both orders of an index pair are elements of their own",
        ));
    }
    let mut rows = None;
    let mut structure = Structure::Parallel;
    let form = if g.rule == Rule::Conditional {
        structure = Structure::Dense;
        Form::Conditional
    } else if g.rule == Rule::Scale {
        structure = Structure::Dense;
        if unknowns.get(g.unknowns[1]).domain == Domain::Precision {
            Form::GaussianWishart
        } else {
            Form::GaussianGamma
        }
    } else if first.element_plate().is_some() {
        rows = row_plate(model, g, terms).filter(|p| !inside && !beside_rows(g, *p, terms));
        if inside || (g.unknowns.len() > 1 && rows.is_none()) {
            structure = if inside {
                structure::discrete(model, unknowns, g, terms, width)
            } else {
                Structure::Elimination
            };
            Form::Network
        } else {
            Form::Discrete
        }
    } else if first.domain == Domain::Real
        && kinds
            .iter()
            .all(|k| matches!(k, StatisticKind::Value | StatisticKind::Pair))
    {
        let split = g.unknowns.iter().zip(&g.inside_slots).any(|(u, inside)| {
            structure::split_slots(model, unknowns, *u)
                .iter()
                .any(|s| inside.contains(s))
        });
        let sparse = structure::site_slots(g, terms)
            .iter()
            .any(|s| !s.is_empty());
        if split || sparse {
            structure = match structure::chain_of_sites(unknowns, g, terms) {
                _ if split => Structure::Sequential,
                Some(p) => Structure::Chain(p),
                None => Structure::Elimination,
            };
            Form::GaussianNetwork
        } else {
            if inside {
                structure = Structure::Dense;
            }
            Form::Gaussian
        }
    } else if first.domain == Domain::Positive
        && kinds
            .iter()
            .all(|k| matches!(k, StatisticKind::Log | StatisticKind::Power(-2)))
        && kinds.contains(&StatisticKind::Power(-2))
        && first.role != Role::Latent
    {
        Form::Deviation
    } else {
        let found = Support::of(first.domain).and_then(|s| by_signature(s, &kinds));
        let Some(family) = found else {
            return Err(Box::new(refusal::no_family(
                model,
                unknowns,
                g.unknowns[0],
                &kinds,
                terms,
            )));
        };
        if inside {
            return Err(not_yet(
                format!(
                    "elements of `{}` are coupled with each other along {} and are not Gaussian",
                    first.name,
                    inside_names(model, unknowns, g)
                ),
                "with a Gaussian prior in place of this one they are solved together",
            ));
        }
        Form::Family(family)
    };
    Ok(Block {
        unknowns: g.unknowns.clone(),
        role: first.role,
        batch: g.batch.clone(),
        batch_slots: g.batch_slots.clone(),
        inside_slots: g.inside_slots.clone(),
        shared: vec![],
        form,
        rows,
        structure,
        compounds: vec![],
        exactness: Exactness::Mode,
        couplings: vec![],
        messages: vec![],
    })
}

/// The row plate along which the block can be updated chunk by chunk: every occurrence has the bare row axis there, and bare
/// axes in its other slots.
fn row_plate(model: &Model, g: &Group, terms: &[Term]) -> Option<PlateId> {
    g.batch.iter().enumerate().find_map(|(i, p)| {
        model.table_of(*p)?;
        let bare = |s: &Statistic| {
            let u = g.unknowns.iter().position(|u| *u == s.of).unwrap_or(0);
            // A pass runs through all elements of a row at once: a slot reached through a label is not one of them.
            let axis = |slot: &usize| matches!(s.index.get(*slot), Some(Subscript::Axis(_)));
            axis(&g.batch_slots[u][i]) && g.batch_slots[u].iter().all(axis)
        };
        terms
            .iter()
            .flat_map(|t| &t.stats)
            .filter(|s| g.unknowns.contains(&s.of))
            .all(bare)
            .then_some(*p)
    })
}

/// A term holds the group beside another unknown kept per row of the plate: what both do there is not a sum over rows.
fn beside_rows(g: &Group, plate: PlateId, terms: &[Term]) -> bool {
    terms.iter().any(|t| {
        let axis = t
            .stats
            .iter()
            .filter(|s| g.unknowns.contains(&s.of))
            .flat_map(|s| s.index.iter())
            .find_map(|i| match i {
                Subscript::Axis(a) if a.plate == plate => Some(*a),
                _ => None,
            });
        let Some(axis) = axis else { return false };
        t.stats
            .iter()
            .filter(|s| !g.unknowns.contains(&s.of))
            .flat_map(|s| s.index.iter())
            .any(|i| !matches!(i, Subscript::Column(..)) && i.has_axis(axis))
    })
}

fn inside_names(model: &Model, unknowns: &Unknowns, g: &Group) -> String {
    let mut out: Vec<String> = vec![];
    for (u, slots) in g.unknowns.iter().zip(&g.inside_slots) {
        for s in slots {
            let n = format!("`{}`", model.plate(unknowns.get(*u).plates()[*s]).name);
            if !out.contains(&n) {
                out.push(n);
            }
        }
    }
    out.join(", ")
}
