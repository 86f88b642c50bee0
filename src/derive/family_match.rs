//! Family match: support and collected statistics pick the family; what matches none is refused with the reason.

use crate::algebra::{Origin, Predictor, Statistic, Subscript, Term, UnknownId, Unknowns};
use crate::diag::Diagnostic;
use crate::family::{StatisticKind, Support, by_signature};
use crate::model::{Auxiliary, Constraint, Domain, Model, PlateId, Role};
use crate::numeric::link::Link;

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
    predictors: &[Predictor],
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
    let of_predictors: Vec<&Predictor> = predictors
        .iter()
        .filter(|p| p.unknowns().iter().any(|u| g.unknowns.contains(u)))
        .collect();
    // An auxiliary may have another base measure than its domain.
    let support = match first.auxiliary {
        Some(Auxiliary::PolyaGamma) => Some(Support::PolyaGamma),
        _ => Support::of(first.domain),
    };
    let form = if g.rule == Rule::Predictor {
        structure = Structure::Dense;
        under_functions(g, unknowns, terms, &of_predictors)
            .map_err(|(what, help)| not_yet(what, help))?
    } else if !of_predictors.is_empty() {
        quadrature(g, unknowns, inside, &of_predictors)
            .map_err(|(what, help)| not_yet(what, help))?
    } else if g.rule == Rule::Conditional {
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
        // What stands for copies of itself is kept element by element.
        let copies = first.copies.is_some();
        rows =
            row_plate(model, g, terms).filter(|p| !inside && !copies && !beside_rows(g, *p, terms));
        if inside || (g.unknowns.len() > 1 && rows.is_none()) {
            structure = if inside {
                structure::discrete(model, unknowns, g, terms, width)
            } else {
                Structure::Elimination
            };
            if matches!(structure, Structure::Chain(_)) && !copies {
                rows = chained_rows(model, unknowns, g, terms);
            }
            Form::Network
        } else {
            Form::Discrete
        }
    } else if let Some(c) = first.constraint {
        if inside {
            structure = Structure::Dense;
        }
        constrained(c, g, unknowns, &kinds).map_err(|(what, help)| not_yet(what, help))?
    } else if let Some(penalised) = penalised(g, unknowns, terms) {
        if inside || g.unknowns.len() > 1 {
            structure = if first.role == Role::Latent {
                Structure::Sequential
            } else {
                Structure::Dense
            };
        }
        penalised.map_err(|(what, help)| not_yet(what, help))?
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
        let found = support.and_then(|s| by_signature(s, &kinds));
        let scalar = matches!(
            first.domain,
            Domain::Real | Domain::Positive | Domain::Probability
        );
        let point = first.role != Role::Latent;
        match found {
            Some(family) if !inside => Form::Family(family),
            _ if point && scalar && first.constraint.is_none() => {
                if inside {
                    structure = Structure::Dense;
                }
                Form::Optimised
            }
            None if scalar && !inside && g.unknowns.len() == 1 && !offsets(g, terms) => {
                Form::Quadrature
            }
            None => {
                return Err(Box::new(refusal::no_family(
                    model,
                    unknowns,
                    g.unknowns[0],
                    &kinds,
                    terms,
                )));
            }
            Some(_) => {
                return Err(not_yet(
                    format!(
                        "elements of `{}` are coupled with each other along {} and are not Gaussian",
                        first.name,
                        inside_names(model, unknowns, g)
                    ),
                    "with a Gaussian prior in place of this one they are solved together",
                ));
            }
        }
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
        predictors: of_predictors.iter().map(|p| p.id).collect(),
        slopes: vec![],
    })
}

type Refusal = (String, &'static str);

/// A quadratic group in which some number has |v| in its exponent or is above 0; `None` for any other.
fn penalised(g: &Group, unknowns: &Unknowns, terms: &[Term]) -> Option<Result<Form, Refusal>> {
    let mut penalty = false;
    for u in &g.unknowns {
        let unknown = unknowns.get(*u);
        let kinds = kinds_of(*u, terms);
        let known = |k: &StatisticKind| {
            matches!(
                k,
                StatisticKind::Value | StatisticKind::Pair | StatisticKind::Abs
            )
        };
        if !kinds.iter().all(known) {
            return None;
        }
        penalty |= match unknown.domain {
            Domain::Real => kinds.contains(&StatisticKind::Abs),
            Domain::Positive => true,
            _ => return None,
        };
    }
    let inside = g.inside_slots.iter().any(|s| !s.is_empty());
    let offset = terms
        .iter()
        .flat_map(|t| &t.stats)
        .any(|s| g.unknowns.contains(&s.of) && s.offset.is_some());
    if !penalty || !(inside || offset || g.unknowns.len() > 1) {
        return None;
    }
    let one_offset = g.unknowns.iter().all(|u| {
        let mut found: Option<&Statistic> = None;
        terms
            .iter()
            .flat_map(|t| &t.stats)
            .filter(|s| s.of == *u && s.kind == StatisticKind::Abs)
            .all(|s| match found {
                None => {
                    found = Some(s);
                    true
                }
                Some(f) => f.offset == s.offset && f.index == s.index,
            })
    });
    let name = &unknowns.get(g.unknowns[0]).name;
    let partly = |u: &UnknownId| matches!(unknowns.get(*u).origin, Origin::Column(_));
    if g.unknowns.iter().any(partly) {
        return Some(Err((
            format!("blank cells of `{name}` are coupled with each other under a Laplace"),
            "with a Gaussian in place of the Laplace they are solved together",
        )));
    }
    if !one_offset {
        return Some(Err((
            format!("`{name}` stands in absolute values about several points"),
            "give it one Laplace prior; data about it may be Gaussian",
        )));
    }
    Some(Ok(Form::Penalised))
}

fn offsets(g: &Group, terms: &[Term]) -> bool {
    let mut stats = terms.iter().flat_map(|t| &t.stats);
    stats.any(|s| g.unknowns.contains(&s.of) && s.offset.is_some())
}

/// The form of points that stand under functions.
fn under_functions(
    g: &Group,
    unknowns: &Unknowns,
    terms: &[Term],
    predictors: &[&Predictor],
) -> Result<Form, Refusal> {
    for u in &g.unknowns {
        let unknown = unknowns.get(*u);
        if let Some(reason) = match unknown.domain {
            Domain::Real | Domain::Positive | Domain::Probability => None,
            _ => Some("is no number, and stands under a function"),
        } {
            return Err((
                format!("`{}` {reason}", unknown.name),
                "only real, positive and probability points are raised by a gradient",
            ));
        }
        if unknown.constraint.is_some() || unknown.symmetric {
            return Err((
                format!(
                    "`{}` has a constraint, and stands under a function",
                    unknown.name
                ),
                "leave the constraint out",
            ));
        }
    }
    let absolute = StatisticKind::Of(Link::Abs);
    if predictors.iter().all(|p| p.kind != absolute) {
        return Ok(Form::Optimised);
    }
    let name = &unknowns.get(g.unknowns[0]).name;
    let linear = predictors.iter().all(|p| {
        p.kind == absolute
            && p.body.iter().all(|t| {
                t.stats.len() <= 1 && t.stats.iter().all(|s| s.kind == StatisticKind::Value)
            })
    });
    let quadratic = g.unknowns.iter().all(|u| {
        unknowns.get(*u).domain == Domain::Real
            && kinds_of(*u, terms).iter().all(|k| {
                matches!(
                    k,
                    StatisticKind::Value | StatisticKind::Pair | StatisticKind::Abs
                )
            })
    });
    if linear && quadratic {
        return Ok(Form::LeastAbsolute);
    }
    Err((
        format!("`{name}` stands under an absolute value beside terms that are not quadratic"),
        "a location under a Laplace is a sum of known numbers times real points; its other terms are Gaussian or Laplace",
    ))
}

/// The form of a latent that stands under functions.
fn quadrature(
    g: &Group,
    unknowns: &Unknowns,
    inside: bool,
    predictors: &[&Predictor],
) -> Result<Form, Refusal> {
    let u = unknowns.get(g.unknowns[0]);
    let alone = |p: &&&Predictor| {
        p.unknowns()
            .iter()
            .filter(|u| unknowns.get(**u).role == Role::Latent)
            .count()
            == 1
    };
    let linear = predictors.iter().all(|p| {
        matches!(p.kind, StatisticKind::Of(_))
            && p.body.iter().all(|t| {
                let mine: Vec<_> = t
                    .stats
                    .iter()
                    .filter(|s| g.unknowns.contains(&s.of))
                    .collect();
                mine.len() <= 1
                    && mine.iter().all(|s| {
                        s.kind == StatisticKind::Value
                            && s.index
                                .iter()
                                .all(|i| !t.axes.iter().any(|a| i.has_axis(*a)))
                    })
            })
    });
    let one_place = predictors.iter().all(|p| {
        let mut places: Vec<&Statistic> = p
            .body
            .iter()
            .flat_map(|t| &t.stats)
            .filter(|s| g.unknowns.contains(&s.of))
            .collect();
        places.dedup_by(|a, b| a.index == b.index);
        places.len() <= 1
    });
    if u.role == Role::Latent
        && g.unknowns.len() == 1
        && !inside
        && linear
        && one_place
        && predictors.iter().all(|p| alone(&p))
    {
        return Ok(Form::Quadrature);
    }
    Err((
        format!(
            "latent `{}` stands under a function beside other latents, and no bound is known for it",
            u.name
        ),
        "make it a `param` or `as dirac`: points under a function are raised by a gradient",
    ))
}

/// The form of a point with a constraint.
fn constrained(
    c: Constraint,
    g: &Group,
    unknowns: &Unknowns,
    kinds: &[StatisticKind],
) -> Result<Form, Refusal> {
    let u = unknowns.get(g.unknowns[0]);
    let (Constraint::UnitNorm(plate) | Constraint::UnitBall(plate) | Constraint::Increasing(plate)) =
        c
    else {
        return Err((
            "`symmetric` beside another constraint".into(),
            "leave one out",
        ));
    };
    let in_batch = g.batch.contains(&plate);
    let quadratic = u.domain == Domain::Real
        && kinds
            .iter()
            .all(|k| matches!(k, StatisticKind::Value | StatisticKind::Pair));
    let inside = &g.inside_slots[0];
    match c {
        Constraint::Increasing(_) => {
            let alone = inside.len() == 1 && u.slots[inside[0]] == plate;
            if quadratic && (alone || (inside.is_empty() && in_batch)) {
                return Ok(Form::Increasing);
            }
            if inside.is_empty()
                && in_batch
                && Support::of(u.domain)
                    .and_then(|s| by_signature(s, kinds))
                    .is_some()
            {
                return Ok(Form::Increasing);
            }
            Err((
                format!(
                    "`{}` increases along one plate, and its elements are coupled along another",
                    u.name
                ),
                "leave `increasing` out, and sort the elements of the result",
            ))
        }
        _ if quadratic && in_batch => Ok(Form::UnitVectors),
        _ => Err((
            format!(
                "the elements of `{}` are coupled with each other along the plate of the norm, or are not Gaussian",
                u.name
            ),
            "leave the norm out: a Gaussian prior on it keeps its scale from drifting",
        )),
    }
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

/// The row plate along which a single latent is a chain of rows, each coupled with the one before only.
fn chained_rows(model: &Model, unknowns: &Unknowns, g: &Group, terms: &[Term]) -> Option<PlateId> {
    let [u] = g.unknowns.as_slice() else {
        return None;
    };
    let unknown = unknowns.get(*u);
    let [plate] = unknown.slots.as_slice() else {
        return None;
    };
    model.table_of(*plate)?;
    let near = |s: &Statistic| {
        matches!(
            s.index.as_slice(),
            [
                Subscript::Axis(_) | Subscript::Lag(_, 1),
                Subscript::Axis(_) | Subscript::Element(_)
            ]
        )
    };
    let own = terms.iter().flat_map(|t| &t.stats).filter(|s| s.of == *u);
    let plain =
        unknown.role == Role::Latent && own.into_iter().all(near) && !beside_rows(g, *plate, terms);
    plain.then_some(*plate)
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
                Subscript::Axis(a) | Subscript::Lag(a, _) if a.plate == plate => Some(*a),
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
