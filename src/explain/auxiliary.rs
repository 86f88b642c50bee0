//! Auxiliaries in words: which statement needs one, the identity or the bound behind it, and what it costs in q.
//!
//! ```text
//! StudentT                u_n ~ Gamma(nu/2, rate = nu/2),  y_n | u_n ~ Gaussian(m, precision = u_n / s^2)
//! logit                   1 / (1 + exp(-x)) = exp(x/2) / 2 E[exp(-omega x^2 / 2)],  omega ~ PolyaGamma(1, 0)
//! probit                  Φ(x) = probability of g > 0 under Gaussian(x, 1)
//! logits of categories    ln Σ_k exp(x_k) ≤ c + Σ_k ln(1 + exp(x_k - c))
//! Laplace                 |x| ≤ (x^2 / xi + xi) / 2, equal at xi = |x|
//! a sum under a log       ln Σ_k a_k ≥ Σ_k q_k ln(a_k / q_k), equal at q_k = a_k / Σ a
//! ```

mod stated;

use crate::algebra::formula::Formula;
use crate::algebra::letters::Names;
use crate::algebra::{Origin, UnknownId};
use crate::derive::{Block, Derivation, Exactness};
use crate::model::{
    Argument, ArgumentName, Auxiliary, Axis, Case, Distribution, DistributionKind, Expr, Factor,
    FactorKind, Role, Variable, as_sum,
};
use crate::source::Span;

use super::page::Page;
use super::update::Equation;
use super::{SourceLine, prose, statement, with_plates};

use stated::Stated;

/// What the compiler added to one statement.
#[derive(Debug, Clone, PartialEq)]
pub struct AuxiliaryExplanation {
    /// The added quantities with their plates.
    pub names: Vec<String>,
    /// The statement.
    pub source: SourceLine,
    /// True if the statement is what is left when they are summed out; false where they make it a bound.
    pub exact: bool,
    /// What it is for, whether it is exact, what q splits, one sentence each.
    pub sentences: Vec<String>,
    /// The identity or bound.
    pub equations: Vec<Equation>,
}

/// Every unknown of the block was added by the compiler.
pub fn is_auxiliary(d: &Derivation, b: &Block) -> bool {
    let added = |u: &UnknownId| d.unknowns.get(*u).auxiliary.is_some();
    !b.unknowns.is_empty() && b.unknowns.iter().all(added)
}

/// The letter of a bound on a density.
pub fn bound_name(page: &Page<'_>) -> String {
    page.unused(&["b", "bound"])
}

/// One for each distribution that was augmented, in the order of the file.
pub fn auxiliaries(
    page: &Page<'_>,
    line: &dyn Fn(Span) -> SourceLine,
) -> Vec<AuxiliaryExplanation> {
    let d = page.d;
    let mut groups: Vec<Vec<&Variable>> = vec![];
    for v in d.model.variables.iter().filter(|v| v.auxiliary.is_some()) {
        match groups
            .iter_mut()
            .find(|g| g[0].span == v.span && g[0].name_span == v.name_span)
        {
            Some(g) => g.push(v),
            None => groups.push(vec![v]),
        }
    }
    groups.sort_by_key(|g| g[0].span.start);
    groups.iter().filter_map(|g| one(page, g, line)).collect()
}

fn one(
    page: &Page<'_>,
    added: &[&Variable],
    line: &dyn Fn(Span) -> SourceLine,
) -> Option<AuxiliaryExplanation> {
    let d = page.d;
    let first = added[0];
    let factor = d.written.factors.iter().find(|f| f.span == first.span)?;
    let distribution = find(factor, first.name_span)?;
    let s = Stated::new(page, factor, distribution);
    let exact = added
        .iter()
        .all(|v| !matches!(v.auxiliary, Some(Auxiliary::Centre | Auxiliary::Width)));
    let (what, equations) = s.told(added)?;
    let number = line(first.span).line;
    let plates = |v: &Variable| with_plates(d, &v.name, &v.slots);
    let names: Vec<String> = added.iter().map(|v| plates(v)).collect();
    let mut sentences = vec![format!("Line {number}: {what}")];
    if added
        .iter()
        .any(|v| of(d, v).is_some_and(|u| d.unknowns.get(u).copies.is_some()))
    {
        let copies = added.iter().find_map(|v| {
            let (axes, k) = d.unknowns.get(of(d, v)?).copies.as_ref()?;
            let names = Names::default().bind(page.writer.letters, axes.iter().copied());
            Some(page.writer.known(k, &names).text())
        });
        sentences.push(format!(
            "Each {} stands for {} copies that share one q.",
            first.name,
            copies.unwrap_or_else(|| "several".into())
        ));
    }
    sentences.push(if exact {
        "Exact: summed out, it gives the statement back as it is written.".to_string()
    } else {
        "A bound: the objective holds it in place of the statement, so it is a lower bound."
            .to_string()
    });
    sentences.extend(added.iter().filter_map(|v| split(d, v)));
    Some(AuxiliaryExplanation {
        names,
        source: line(first.span),
        exact,
        sentences,
        equations,
    })
}

fn of(d: &Derivation, v: &Variable) -> Option<UnknownId> {
    d.unknowns.ids().find(|u| match d.unknowns.get(*u).origin {
        Origin::Variable(w) => d.model.variable(w).name == v.name,
        _ => false,
    })
}

/// Whom q splits it from, and what that makes of the objective.
fn split(d: &Derivation, v: &Variable) -> Option<String> {
    let b = d.block(d.block_of(of(d, v)?)?);
    if b.role != Role::Latent {
        return Some(format!(
            "{} is where the bound touches: it is set to the best one in every sweep and is no parameter of the model.",
            v.name
        ));
    }
    if b.exactness == Exactness::Exact {
        return Some(format!(
            "q({}) is its posterior given the parameters, so nothing is lost.",
            v.name
        ));
    }
    let others: Vec<String> = b
        .couplings
        .iter()
        .filter(|c| d.block(c.block).role == Role::Latent)
        .map(|c| format!("({})", prose::arguments(d, &d.block(c.block).unknowns)))
        .collect();
    if others.is_empty() {
        return None;
    }
    let bound = match d
        .model
        .variables
        .iter()
        .any(|v| v.role == Role::Param && v.auxiliary.is_none())
    {
        true => "log-likelihood",
        false => "log evidence",
    };
    Some(format!(
        "q splits {} from {}, so the objective is a lower bound of the {bound}.",
        v.name,
        prose::list(&others)
    ))
}

/// The distribution at a place of the source.
fn find(factor: &Factor, at: Span) -> Option<&Distribution> {
    fn case(c: &Case, at: Span) -> Option<&Distribution> {
        match c {
            Case::Always(d) => (d.span == at).then_some(d),
            Case::By { branches, .. } => branches.iter().find_map(|(_, b)| case(b, at)),
        }
    }
    match &factor.kind {
        FactorKind::Prior(_, c)
        | FactorKind::ObservedColumn(_, c)
        | FactorKind::ObservedDefinition(_, c) => {
            case(&c.usual, at).or_else(|| c.first.as_ref().and_then(|f| case(f, at)))
        }
        FactorKind::ObservedOnly(_) | FactorKind::Potential(_) => None,
    }
}

fn number(x: f64) -> Formula {
    Formula::Number(x)
}

fn half(f: Formula) -> Formula {
    Formula::product([number(0.5), f])
}

fn exp(f: Formula) -> Formula {
    Formula::apply("exp", f)
}

/// The density of an auxiliary before it is tilted.
fn polya_gamma(omega: &Formula) -> Formula {
    Formula::Apply(
        "PolyaGamma".into(),
        vec![Formula::Given(
            Box::new(omega.clone()),
            Box::new(Formula::List(vec![number(1.0), number(0.0)])),
        )],
    )
}

fn logistic_of(x: Formula) -> Formula {
    Formula::ratio(number(1.0), Formula::sum([number(1.0), exp(x.negated())]))
}
