//! Sentences: the method and why, what makes a block exact or split, how a sweep runs.

use crate::algebra::UnknownId;
use crate::derive::{BlockId, Derivation, Exactness, Form, Method, Structure};
use crate::model::{FactorId, Role};
use crate::plan::{Plan, Step};
use crate::source::Span;

use super::SourceLine;
use super::paths::Paths;

/// `a, b and c`
pub(super) fn list(parts: &[String]) -> String {
    match parts {
        [] => String::new(),
        [one] => one.clone(),
        [head @ .., last] => format!("{} and {last}", head.join(", ")),
    }
}

fn names(d: &Derivation, u: &[UnknownId]) -> String {
    let parts: Vec<String> = u.iter().map(|u| d.unknowns.get(*u).name.clone()).collect();
    list(&parts)
}

/// As arguments: `mu, Lambda`.
fn arguments(d: &Derivation, u: &[UnknownId]) -> String {
    let parts: Vec<&str> = u.iter().map(|u| d.unknowns.get(*u).name.as_str()).collect();
    parts.join(", ")
}

fn lines(d: &Derivation, f: &[FactorId], line: &dyn Fn(Span) -> SourceLine) -> String {
    let mut n: Vec<usize> = f
        .iter()
        .map(|f| line(d.model.factor(*f).span).line)
        .collect();
    n.sort_unstable();
    n.dedup();
    let word = if n.len() == 1 { "line" } else { "lines" };
    let n: Vec<String> = n.iter().map(usize::to_string).collect();
    format!("{word} {}", list(&n))
}

fn blocks_where(d: &Derivation, f: impl Fn(Role, Exactness) -> bool) -> Vec<String> {
    d.order
        .iter()
        .map(|b| d.block(*b))
        .filter(|b| f(b.role, b.exactness))
        .map(|b| arguments(d, &b.unknowns))
        .collect()
}

/// What the method is and why.
pub fn why(d: &Derivation, line: &dyn Fn(Span) -> SourceLine, paths: &Paths<'_>) -> Vec<String> {
    let exact = blocks_where(d, |_, e| e == Exactness::Exact);
    let points = blocks_where(d, |_, e| e == Exactness::Mode);
    let params = blocks_where(d, |r, _| r == Role::Param);
    if d.blocks.is_empty() {
        return vec!["Nothing is unknown: the objective is a number.".into()];
    }
    let mut out = vec![];
    let objective = d.objective.words();
    out.push(match d.method {
        Method::ExactEm => format!(
            "Exact EM: q({}) is the posterior given the parameters, and the parameters are maximised jointly, so every sweep raises the {objective}.",
            exact.join(") q(")
        ),
        Method::Ecm => format!(
            "ECM: q({}) is the posterior given the parameters; the parameters are maximised one block after the other, which still never lowers the {objective}.",
            exact.join(") q(")
        ),
        Method::GeneralisedEm => format!(
            "Generalised EM: q({}) is the posterior given the parameters; some parameters match no family and are raised by their gradient, which never lowers the {objective}.",
            exact.join(") q(")
        ),
        Method::VariationalEm => format!(
            "Variational EM: coupled latents are split in q, and {} maximised under it; every step raises the {objective}, a lower bound of the log-likelihood.",
            is_are(&params)
        ),
        Method::VariationalBayes => format!(
            "Variational Bayes: q is a product over blocks, each set to its best given the others, which raises the {objective}, a lower bound of the log evidence."
        ),
        Method::ExactPosterior => format!(
            "Exact posterior: no two latent blocks share a term, so q is the posterior itself and the {objective} is the log evidence."
        ),
        Method::Map => format!(
            "MAP: {} the most probable point given the data; each block maximises the {objective} with the others held.",
            is_are(&points)
        ),
        Method::MaximumLikelihood => format!(
            "Maximum likelihood: {} set where the {objective} is largest; each block with the others held.",
            is_are(&points)
        ),
    });
    if d.method.is_em() && !exact.is_empty() {
        out.push(if exact.len() == 1 {
            format!(
                "There is one latent block, ({}), so nothing is split: its factor is exact.",
                exact[0]
            )
        } else {
            "No two latent blocks share a term: given the parameters they are independent in the posterior too.".to_string()
        });
    }
    if d.method == Method::ExactEm && points.len() > 1 {
        out.push(format!(
            "The blocks of {} are maximised jointly: no term holds two of them, or one is the scale of the other and does not move its maximum.",
            list(&points)
        ));
    }
    let mut told: Vec<(BlockId, BlockId)> = vec![];
    for (i, b) in d.blocks.iter().enumerate() {
        let id = BlockId(i as u32);
        for c in &b.couplings {
            let other = d.block(c.block);
            let both = b.role == Role::Latent && other.role == Role::Latent;
            if both && !told.contains(&(c.block, id)) {
                told.push((id, c.block));
                let path = paths
                    .between(id, c.block)
                    .map_or_else(String::new, |p| format!(": {p}"));
                out.push(format!(
                    "({0}) and ({1}) share terms of {2}, so q({0}, {1}) is split into q({0}) q({1}){path}.",
                    arguments(d, &b.unknowns),
                    arguments(d, &other.unknowns),
                    lines(d, &c.through, line),
                ));
            }
        }
    }
    let centred: Vec<String> = d
        .centres
        .iter()
        .map(|(u, c)| {
            format!(
                "{} about the mean of {}",
                d.unknowns.get(*u).name,
                d.model.column(c.column).name
            )
        })
        .collect();
    if !centred.is_empty() {
        out.push(format!(
            "Computed with {}, so that large values do not cancel; results and the equations here are in the original units.",
            list(&centred)
        ));
    }
    out
}

fn is_are(list_of: &[String]) -> String {
    let many = list_of.len() != 1 || list_of.iter().any(|s| s.contains(", "));
    format!("{} {}", list(list_of), if many { "are" } else { "is" })
}

/// What a block is: independence, exactness, couplings.
pub fn sentences(
    d: &Derivation,
    id: BlockId,
    line: &dyn Fn(Span) -> SourceLine,
    paths: &Paths<'_>,
) -> Vec<String> {
    let b = d.block(id);
    let mut out = vec![];
    let plate = |p: &crate::model::PlateId| d.model.plate(*p).name.clone();
    let batch: Vec<String> = b.batch.iter().map(plate).collect();
    let mut inside: Vec<String> = vec![];
    for (u, slots) in b.unknowns.iter().zip(&b.inside_slots) {
        for s in slots {
            let n = plate(&d.unknowns.get(*u).slots[*s]);
            if !inside.contains(&n) {
                inside.push(n);
            }
        }
    }
    if !batch.is_empty() {
        out.push(format!(
            "Elements along {} are independent given the rest, and are updated in parallel.",
            list(&batch)
        ));
        out.extend(paths.apart(id));
    }
    if !inside.is_empty() {
        let how = match b.structure {
            Structure::Sequential => "are solved for one after the other",
            _ => "are solved for together",
        };
        out.push(format!(
            "Elements along {} meet in one term, and {how}.",
            list(&inside)
        ));
    }
    for u in &b.unknowns {
        let u = d.unknowns.get(*u);
        if u.symmetric {
            out.push(format!(
                "{} is symmetric: both orders of its last two indices are one element, and what either of them collects is added up.",
                u.name
            ));
        }
    }
    if b.unknowns.len() > 1 {
        out.push(match b.form {
            Form::GaussianWishart | Form::GaussianGamma => format!(
                "{} form one block: every quadratic term of the mean holds the precision once, so their joint factor has a closed form.",
                names(d, &b.unknowns)
            ),
            Form::Conditional => format!(
                "{} form one block: given each value of {}, the terms are quadratic in the rest.",
                names(d, &b.unknowns),
                names(d, &b.unknowns[..1]),
            ),
            Form::Network => format!(
                "{} form one block: they are discrete, and terms hold them together.",
                names(d, &b.unknowns)
            ),
            Form::Discrete => format!(
                "{} form one block: all their joint states are enumerated.",
                names(d, &b.unknowns)
            ),
            _ => format!(
                "{} form one block: the terms are jointly quadratic in them.",
                names(d, &b.unknowns)
            ),
        });
    }
    if (!inside.is_empty() || b.unknowns.len() > 1)
        && let Some(path) = paths.within(id)
    {
        out.push(format!("Given the data they are dependent: {path}."));
    }
    let latent: Vec<String> = b
        .couplings
        .iter()
        .filter(|c| d.block(c.block).role == Role::Latent)
        .map(|c| {
            format!(
                "({}) through {}",
                arguments(d, &d.block(c.block).unknowns),
                lines(d, &c.through, line)
            )
        })
        .collect();
    match b.exactness {
        Exactness::Exact => out.push(
            "Exact: it shares no term with another latent block, so q is its posterior given the parameters."
                .into(),
        ),
        Exactness::MeanField if latent.is_empty() => out.push(match b.form {
            Form::Network => {
                "Mean-field: its own elements are split from each other. Where the data couple few enough of them they are eliminated exactly instead, and the fit says so."
                    .into()
            }
            _ => "Mean-field: its own elements are split from each other, as asked.".into(),
        }),
        Exactness::MeanField => out.push(format!("Mean-field: split from {}.", list(&latent))),
        Exactness::Mode if latent.is_empty() => {
            out.push("A point: the maximum of its terms.".into());
        }
        Exactness::Mode => out.push(format!(
            "A point: the maximum of its expected terms; it meets {}.",
            list(&latent)
        )),
    }
    let points: Vec<String> = b
        .couplings
        .iter()
        .filter(|c| d.block(c.block).role != Role::Latent)
        .map(|c| {
            format!(
                "({}) through {}",
                arguments(d, &d.block(c.block).unknowns),
                lines(d, &c.through, line)
            )
        })
        .collect();
    if !points.is_empty() {
        out.push(format!("It reads the points {}.", list(&points)));
    }
    out
}

/// The steps of a sweep.
pub fn sweep(d: &Derivation, plan: &Plan) -> Vec<String> {
    plan.steps
        .iter()
        .map(|s| match s {
            Step::Pass(i) => {
                let Some(pass) = plan.passes.get(*i) else {
                    return String::new();
                };
                let blocks: Vec<String> = pass
                    .blocks
                    .iter()
                    .map(|b| format!("q({})", arguments(d, &d.block(*b).unknowns)))
                    .collect();
                format!(
                    "one pass over the rows of {}: {} row by row, and the sums that the others need",
                    d.model.plate(pass.plate).name,
                    list(&blocks)
                )
            }
            Step::Update(b) => {
                let b = d.block(*b);
                match b.role {
                    Role::Latent => format!("update q({})", arguments(d, &b.unknowns)),
                    _ => format!("update {}", names(d, &b.unknowns)),
                }
            }
        })
        .collect()
}
