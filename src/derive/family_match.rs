//! Family match: support and collected statistics pick the family; what matches none is refused with the reason.

use crate::algebra::{Statistic, Subscript, Term, UnknownId, Unknowns};
use crate::diag::Diagnostic;
use crate::family::{StatisticKind, Support, by_signature};
use crate::model::{DirectiveKind, Domain, Model, PlateId, Role};

use super::block::{Block, Exactness, Form};
use super::group::{Group, Rule, kinds_of};
use super::refusal;

/// The block of a group.
///
/// # Errors
/// E0501 no family, E0508 a family whose coupled elements are not solved yet.
pub fn block(
    model: &Model,
    unknowns: &Unknowns,
    g: &Group,
    terms: &[Term],
) -> Result<Block, Box<Diagnostic>> {
    let first = unknowns.get(g.unknowns[0]);
    let inside = g.inside_slots.iter().any(|s| !s.is_empty());
    let kinds = kinds_of(g.unknowns[0], terms);
    let not_yet = |what: String, help: &str| {
        Box::new(refusal::group(model, unknowns, g.unknowns[0], what, help))
    };
    let split_asked = g.unknowns.iter().any(|u| {
        unknowns.get(*u).factorised
            || model.directives.iter().any(|d| {
                matches!(&d.kind, DirectiveKind::Factorise(v, _) if unknowns.variable(*v) == *u)
            })
    });
    // The axes of a vector stay together: `as factorised` splits elements of bracket plates.
    let bracket_inside = g.unknowns.iter().zip(&g.inside_slots).any(|(u, slots)| {
        let brackets = match unknowns.get(*u).origin {
            crate::algebra::Origin::Variable(v) => model.variable(v).brackets,
            crate::algebra::Origin::Column(c) => model.column(c).slots.len(),
        };
        slots.iter().any(|s| *s < brackets)
    });
    if bracket_inside && split_asked && first.element_plate().is_none() {
        return Err(not_yet(
            format!(
                "`{}` is asked to be split element by element along {}",
                first.name,
                inside_names(model, unknowns, g)
            ),
            "without `factorised` its elements are solved together, which is closer to the posterior",
        ));
    }
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
    let form = if g.rule == Rule::Scale {
        if unknowns.get(g.unknowns[1]).domain == Domain::Precision {
            Form::GaussianWishart
        } else {
            Form::GaussianGamma
        }
    } else if first.element_plate().is_some() {
        if inside {
            let lagged = terms.iter().any(|t| {
                t.stats.iter().any(|s| {
                    g.unknowns.contains(&s.of)
                        && s.index.iter().any(|i| matches!(i, Subscript::Lag(..)))
                })
            });
            return Err(if lagged {
                not_yet(
                    format!("`{}` is a chain along an ordered plate", first.name),
                    "without the lag it is a mixture, which is derived, and so is a chain of Gaussians",
                )
            } else {
                not_yet(
                    format!(
                        "elements of `{}` are coupled with each other along {}",
                        first.name,
                        inside_names(model, unknowns, g)
                    ),
                    if first.domain == Domain::Binary {
                        "let one latent pick among all values instead, or give the elements a Gaussian prior"
                    } else {
                        "a latent of each row in its place is derived: put the rows in its brackets"
                    },
                )
            });
        }
        rows = row_plate(model, g, terms);
        if g.unknowns.len() > 1 && rows.is_none() {
            return Err(not_yet(
                format!(
                    "{} are coupled discrete latents that are not elements of a table's rows",
                    names(unknowns, &g.unknowns)
                ),
                "write `as factorised` after one of them: they are then updated one after the other",
            ));
        }
        Form::Discrete
    } else if first.domain == Domain::Real
        && kinds
            .iter()
            .all(|k| matches!(k, StatisticKind::Value | StatisticKind::Pair))
    {
        Form::Gaussian
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
        form,
        rows,
        exactness: Exactness::Mode,
        couplings: vec![],
        messages: vec![],
    })
}

/// The row plate along which the block can be updated chunk by chunk: every occurrence has the bare row axis there.
fn row_plate(model: &Model, g: &Group, terms: &[Term]) -> Option<PlateId> {
    g.batch.iter().enumerate().find_map(|(i, p)| {
        model.table_of(*p)?;
        let bare = |s: &Statistic| {
            let u = g.unknowns.iter().position(|u| *u == s.of).unwrap_or(0);
            matches!(s.index.get(g.batch_slots[u][i]), Some(Subscript::Axis(_)))
        };
        terms
            .iter()
            .flat_map(|t| &t.stats)
            .filter(|s| g.unknowns.contains(&s.of))
            .all(bare)
            .then_some(*p)
    })
}

fn names(unknowns: &Unknowns, list: &[UnknownId]) -> String {
    let names: Vec<String> = list
        .iter()
        .map(|u| format!("`{}`", unknowns.get(*u).name))
        .collect();
    names.join(", ")
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
