//! Sentences: the method and why, what makes a block exact or split, how a sweep runs.

use crate::algebra::UnknownId;
use crate::derive::{Block, BlockId, Derivation, Exactness, Form, Method, Structure};
use crate::family::StatisticKind;
use crate::model::{Constraint, Domain, FactorId, Role};
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
pub(super) fn arguments(d: &Derivation, u: &[UnknownId]) -> String {
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
        .filter(|b| f(b.role, b.exactness) && !b.touches_bound(&d.unknowns))
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
            "Generalised EM: q({}) is the posterior given the parameters; {} by the gradient, which never lowers the {objective}.",
            exact.join(") q("),
            raised(d)
        ),
        Method::VariationalEm => format!(
            "Variational EM: {}, and {} maximised under it; every step raises the {objective}, a lower bound of the log-likelihood.",
            match (coupled(d), bounded(d)) {
                (true, true) => "coupled latents are split in q, bounds stand in place of statements",
                (false, true) => "bounds stand in place of statements",
                (_, false) => "coupled latents are split in q",
            },
            is_are(&params)
        ),
        Method::VariationalBayes => format!(
            "Variational Bayes: q is a product over blocks, each set to its best given the others, which raises the {objective}, a lower bound of the log evidence."
        ),
        Method::ExactPosterior => format!(
            "Exact posterior: no two latent blocks share a term, so q is the posterior itself and the {objective} is the log evidence."
        ),
        Method::Map => format!(
            "MAP: {} the most probable point given the data{}.",
            is_are(&points),
            held(&points, &format!(": the maximum of the {objective}"), &format!("; each block maximises the {objective} with the others held"))
        ),
        Method::MaximumLikelihood => format!(
            "Maximum likelihood: {} set where the {objective} is largest{}.",
            is_are(&points),
            held(&points, "", "; each block with the others held")
        ),
    });
    if d.method != Method::GeneralisedEm && !raised(d).is_empty() {
        out.push(format!(
            "{} by the gradient; a step that would lower the objective is not taken.",
            raised(d)
        ));
    }
    let touching: Vec<String> = d
        .blocks
        .iter()
        .filter(|b| b.touches_bound(&d.unknowns))
        .map(|b| names(d, &b.unknowns))
        .collect();
    if !touching.is_empty() {
        out.push(format!(
            "{} only where bounds on the statements touch; raising the objective in {} tightens them.",
            match touching.len() {
                1 => format!("{} says", touching[0]),
                _ => format!("{} say", list(&touching)),
            },
            if touching.len() == 1 { "it" } else { "them" }
        ));
    }
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
            let added = |b: &Block| super::auxiliary::is_auxiliary(d, b);
            let stated = !added(b) && !added(other);
            if both && stated && !told.contains(&(c.block, id)) {
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
    for b in d.order.iter().map(|b| d.block(*b)) {
        if b.role != Role::Latent || !super::auxiliary::is_auxiliary(d, b) {
            continue;
        }
        let others: Vec<String> = b
            .couplings
            .iter()
            .filter(|c| d.block(c.block).role == Role::Latent)
            .map(|c| format!("q({})", arguments(d, &d.block(c.block).unknowns)))
            .collect();
        if !others.is_empty() {
            out.push(format!(
                "q({}), of what was added to a statement, is split from {}.",
                arguments(d, &b.unknowns),
                list(&others)
            ));
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

/// Two latent blocks share a term.
fn coupled(d: &Derivation) -> bool {
    let latent = |b: &Block| b.role == Role::Latent;
    d.blocks.iter().filter(|b| latent(b)).any(|b| {
        b.structure == Structure::Sequential || b.couplings.iter().any(|c| latent(d.block(c.block)))
    })
}

/// Some statement is bounded.
fn bounded(d: &Derivation) -> bool {
    d.blocks.iter().any(|b| b.touches_bound(&d.unknowns))
}

fn is_are(list_of: &[String]) -> String {
    let names: Vec<String> = list_of
        .iter()
        .flat_map(|s| s.split(", ").map(str::to_string))
        .collect();
    format!(
        "{} {}",
        list(&names),
        if names.len() == 1 { "is" } else { "are" }
    )
}

/// How one block is told, and how several are.
fn held(blocks: &[String], one: &str, several: &str) -> String {
    (if blocks.len() == 1 { one } else { several }).to_string()
}

/// `nu matches no family and is raised`; empty where no block is raised by its gradient.
fn raised(d: &Derivation) -> String {
    let blocks: Vec<String> = d
        .order
        .iter()
        .map(|b| d.block(*b))
        .filter(|b| matches!(b.form, Form::Optimised))
        .flat_map(|b| b.unknowns.iter().map(|u| d.unknowns.get(*u).name.clone()))
        .collect();
    match blocks.as_slice() {
        [] => String::new(),
        [one] => format!("{one} matches no family and is raised"),
        many => format!("{} match no family and are raised", list(many)),
    }
}

/// What stands beside the quadratic.
fn penalty(d: &Derivation, b: &Block) -> &'static str {
    let positive = |u: &UnknownId| d.unknowns.get(*u).domain == Domain::Positive;
    let signs = b.unknowns.iter().any(positive);
    let absolute = d
        .terms
        .items
        .iter()
        .flat_map(|t| &t.stats)
        .any(|s| s.kind == StatisticKind::Abs && b.unknowns.contains(&s.of));
    match (absolute, signs) {
        (true, true) => "Its terms are quadratic, with absolute values and positive numbers",
        (true, false) => "Its terms are quadratic, with absolute values",
        (false, _) => "Its terms are quadratic, over positive numbers",
    }
}

/// How a form that is no family is solved.
fn form(d: &Derivation, b: &Block) -> Option<String> {
    let plate = |p: crate::model::PlateId| d.model.plate(p).name.clone();
    let constraint = b
        .unknowns
        .first()
        .and_then(|u| d.unknowns.get(*u).constraint);
    let kept = "what nothing pulls at keeps its value, and the fit says so (W0701)";
    let point = b.role != Role::Latent;
    Some(match (&b.form, constraint) {
        (Form::Penalised, _) if point => format!(
            "{}: the maximum is found to its KKT conditions by an active set; {kept}.",
            penalty(d, b)
        ),
        (Form::Penalised, _) if b.structure == Structure::Parallel => {
            format!("{}: q has a closed form.", penalty(d, b))
        }
        (Form::Penalised, _) => format!(
            "{}: given the means of the others each element has a closed form.",
            penalty(d, b)
        ),
        (Form::UnitVectors, Some(Constraint::UnitNorm(p))) => format!(
            "Vectors along {} have norm 1: each is the direction of what pulls at it, in turn until none moves; {kept}.",
            plate(p)
        ),
        (Form::UnitVectors, Some(Constraint::UnitBall(p))) => format!(
            "Vectors along {} have norm at most 1: each is its best value, shortened where it is longer, in turn until none moves; {kept}.",
            plate(p)
        ),
        (Form::Increasing, Some(Constraint::Increasing(p))) if b.inside_slots.iter().any(|s| !s.is_empty()) => format!(
            "Elements may not fall along {}, and terms hold several of them: a quadratic program in the steps between neighbours, solved to its KKT conditions.",
            plate(p)
        ),
        (Form::Increasing, Some(Constraint::Increasing(p))) => format!(
            "Elements may not fall along {}: neighbours that would are pooled (pool adjacent violators) and share one value.",
            plate(p)
        ),
        (Form::Optimised, _) => {
            let of = |x: Domain| b.unknowns.iter().any(|u| d.unknowns.get(*u).domain == x);
            let space = match (of(Domain::Positive), of(Domain::Probability)) {
                (true, true) => " Positive numbers are raised in their logarithm, probabilities in their logit.",
                (true, false) => " Positive numbers are raised in their logarithm.",
                (false, true) => " Probabilities are raised in their logit.",
                (false, false) => "",
            };
            format!(
                "Its terms match no family: F below is raised by a quasi-Newton method (L-BFGS), and by Newton's where that has not settled and there are at most 60 numbers.{space} F never falls."
            )
        }
        (Form::LeastAbsolute, _) => {
            "Absolute values of sums of its unknowns: the least sum of distances is found exactly.".into()
        }
        (Form::Quadrature, _) => {
            "Its terms match no family: q is proportional to exp of its expected terms, element by element, and normalised by adaptive quadrature.".into()
        }
        _ => return None,
    })
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
    // A norm or an order ties what terms leave independent.
    let tied = match b
        .unknowns
        .first()
        .and_then(|u| d.unknowns.get(*u).constraint)
    {
        Some(Constraint::UnitNorm(p) | Constraint::UnitBall(p) | Constraint::Increasing(p)) => {
            Some(p)
        }
        _ => None,
    };
    let batch: Vec<String> = b
        .batch
        .iter()
        .filter(|p| Some(**p) != tied)
        .map(plate)
        .collect();
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
        let how = match (&b.form, b.structure) {
            (_, Structure::Sequential) => "are solved for one after the other",
            (Form::Optimised, _) => "are raised together",
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
            Form::Optimised | Form::LeastAbsolute => format!(
                "{} form one block: they stand in one sum under a function.",
                names(d, &b.unknowns)
            ),
            Form::Penalised => format!(
                "{} form one block: the terms are jointly quadratic in them, beside |v| or v > 0 of single numbers.",
                names(d, &b.unknowns)
            ),
            _ => format!(
                "{} form one block: the terms are jointly quadratic in them.",
                names(d, &b.unknowns)
            ),
        });
    }
    out.extend(form(d, b));
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
    let bounded = b
        .couplings
        .iter()
        .any(|c| d.block(c.block).touches_bound(&d.unknowns));
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
            Form::Penalised => "Mean-field: its own elements are split from each other.".into(),
            _ if bounded => "Mean-field: a bound stands in place of a statement it meets.".into(),
            _ => "Mean-field: its own elements are split from each other, as asked.".into(),
        }),
        Exactness::MeanField => out.push(format!(
            "Mean-field: split from {}{}.",
            list(&latent),
            match (&b.form, b.structure) {
                (Form::Penalised, Structure::Sequential) => ", and its own elements from each other",
                _ => "",
            }
        )),
        Exactness::Mode if b.touches_bound(&d.unknowns) => {
            out.push("It says where a bound touches: the tightest bound, given the rest.".into());
        }
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
                let chained = |b: &BlockId| matches!(d.block(*b).structure, Structure::Chain(_));
                format!(
                    "one pass over the rows of {}: {} {}, and the sums that the others need",
                    d.model.plate(pass.plate).name,
                    list(&blocks),
                    match pass.blocks.iter().any(chained) {
                        true => "forward and backward along each chain",
                        false => "row by row",
                    }
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
