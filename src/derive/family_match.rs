//! Family match: support and collected statistics pick the family; what matches none is refused with the reason.

use crate::algebra::{Statistic, Subscript, Term, UnknownId, Unknowns};
use crate::diag::{Code, Diagnostic};
use crate::family::{StatisticKind, Support, by_signature};
use crate::model::{Domain, Model, PlateId, Role};

use super::block::{Block, Exactness, Form};
use super::group::{Group, Rule, kinds_of};
use super::moments::NoMoment;

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
    let not_yet = |what: String| Box::new(not_derived(model, unknowns, g.unknowns[0], what));
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
            return Err(not_yet(if lagged {
                format!("`{}` is a chain along an ordered plate", first.name)
            } else {
                format!(
                    "elements of `{}` are coupled with each other along {}",
                    first.name,
                    inside_names(model, unknowns, g)
                )
            }));
        }
        rows = row_plate(model, g, terms);
        if g.unknowns.len() > 1 && rows.is_none() {
            return Err(not_yet(format!(
                "{} are coupled discrete latents that are not elements of a table's rows",
                names(unknowns, &g.unknowns)
            )));
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
        let support = match first.domain {
            Domain::Real => Support::Real,
            Domain::Positive => Support::Positive,
            Domain::Probability => Support::Probability,
            Domain::Simplex => Support::Simplex,
            Domain::Covariance | Domain::Precision => Support::Matrix,
            Domain::Binary => Support::Binary,
            Domain::Element(_) => Support::Element,
            Domain::Count => {
                return Err(Box::new(no_family(
                    model,
                    unknowns,
                    g.unknowns[0],
                    &kinds,
                    terms,
                )));
            }
        };
        let Some(family) = by_signature(support, &kinds) else {
            return Err(Box::new(no_family(
                model,
                unknowns,
                g.unknowns[0],
                &kinds,
                terms,
            )));
        };
        if inside {
            return Err(not_yet(format!(
                "elements of `{}` are coupled with each other along {} and have a {} factor each",
                first.name,
                inside_names(model, unknowns, g),
                family.name()
            )));
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

/// A statistic as the user would write it.
pub fn statistic_words(name: &str, kinds: &[StatisticKind]) -> String {
    let one = |k: &StatisticKind| match k {
        StatisticKind::Value => name.to_string(),
        StatisticKind::Power(p) => format!("{name}^{p}"),
        StatisticKind::Log => format!("log {name}"),
        StatisticKind::Log1m => format!("log(1 - {name})"),
        StatisticKind::Abs => format!("|{name}|"),
        StatisticKind::Indicator => format!("1[{name} = k]"),
        StatisticKind::Pair => format!("{name}^2"),
    };
    kinds.iter().map(one).collect::<Vec<_>>().join(", ")
}

fn place(model: &Model, unknowns: &Unknowns, u: UnknownId) -> crate::source::Span {
    match unknowns.get(u).origin {
        crate::algebra::Origin::Variable(v) => model.variable(v).name_span,
        crate::algebra::Origin::Column(c) => model.column(c).span,
    }
}

fn not_derived(model: &Model, unknowns: &Unknowns, u: UnknownId, what: String) -> Diagnostic {
    Diagnostic::new(Code::E0508, "form not derived yet")
        .at(place(model, unknowns, u), what)
        .note("pmc refuses what it cannot derive exactly; it never approximates in silence")
}

fn no_family(
    model: &Model,
    unknowns: &Unknowns,
    u: UnknownId,
    kinds: &[StatisticKind],
    terms: &[Term],
) -> Diagnostic {
    let name = &unknowns.get(u).name;
    let mut d = Diagnostic::new(Code::E0501, format!("no family for `{name}`")).at(
        place(model, unknowns, u),
        format!(
            "its terms hold {}: no family has these statistics",
            statistic_words(name, kinds)
        ),
    );
    let mut seen = vec![];
    for t in terms {
        if t.stats.iter().any(|s| s.of == u) {
            for f in &t.from {
                if !seen.contains(f) {
                    seen.push(*f);
                    d = d.also(model.factor(*f).span, "meets it here");
                }
            }
        }
    }
    d.help(match unknowns.get(u).role {
        Role::Latent => {
            "give it a conjugate prior, make it a `param`, or take a point with `as dirac`"
        }
        Role::Param | Role::Dirac => "give it a prior that fits, or make it a `const`",
    })
}

/// A term whose product of statistics a block does not publish.
pub fn no_moment(model: &Model, unknowns: &Unknowns, t: &Term, e: &NoMoment) -> Diagnostic {
    let name = &unknowns.get(e.unknown).name;
    let offset = t
        .stats
        .iter()
        .any(|s| s.of == e.unknown && s.offset.is_some());
    let mut d = if offset {
        Diagnostic::new(Code::E0508, "form not derived yet").note(
            "a Laplace likelihood with an unknown location is not derived yet; a Gaussian likelihood is",
        )
    } else {
        Diagnostic::new(Code::E0501, format!("no family for `{name}`"))
    };
    d = d.at(
        place(model, unknowns, e.unknown),
        format!("one term holds the product {}", {
            let words: Vec<String> = e
                .kinds
                .iter()
                .map(|k| statistic_words(name, std::slice::from_ref(k)))
                .collect();
            words.join(" * ")
        }),
    );
    for f in &t.from {
        d = d.also(model.factor(*f).span, "the term comes from here");
    }
    d.help("split the product into different unknowns, or make one of them a `param`")
}
