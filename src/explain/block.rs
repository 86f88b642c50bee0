//! One block explained: what it is, what it meets, and its update.

use crate::algebra::formula::Formula;
use crate::algebra::{Origin, UnknownId};
use crate::derive::{Block, BlockId, Exactness, Form};
use crate::graph::{ArgumentRole, FactorGraph, FactorNode, Node};
use crate::model::{ArgumentName, Auxiliary, FactorId, Role};
use crate::source::Span;

use super::page::{Page, family_name};
use super::paths::Paths;
use super::update::{Collected, Equation, equations};
use super::{SourceLine, auxiliary, predicted, prose, read, with_plates};

/// A block for people.
#[derive(Debug, Clone, PartialEq)]
pub struct BlockExplanation {
    /// Its unknowns with their plates.
    pub unknowns: Vec<String>,
    /// param, latent, latent as dirac.
    pub role: String,
    /// Its family.
    pub family: String,
    /// exact, mean-field, mode.
    pub exactness: String,
    /// Independence, exactness and couplings, one sentence each.
    pub sentences: Vec<String>,
    /// The statements it meets.
    pub statements: Vec<SourceLine>,
    /// Where the update comes from: ln q = sum of expected log densities.
    pub start: Formula,
    /// The update.
    pub equations: Vec<Equation>,
    /// Short names used in it.
    pub definitions: Vec<Formula>,
    /// Expectations that other blocks read.
    pub read: Vec<Equation>,
}

/// Explains a block.
pub fn explain(
    page: &Page<'_>,
    g: &FactorGraph,
    id: BlockId,
    line: &dyn Fn(Span) -> SourceLine,
    paths: &Paths<'_>,
) -> BlockExplanation {
    let d = page.d;
    let b = d.block(id);
    let c = Collected::new(page, b);
    let equations = equations(&c);
    let read = read::expectations(&c);
    let formulas: Vec<&Formula> = equations.iter().chain(&read).map(|e| &e.formula).collect();
    let mut definitions = page.definitions(&formulas);
    definitions.extend(predicted::mentioned(d, &page.writer, &formulas));
    let mut met: Vec<FactorId> = vec![];
    for t in &d.terms.items {
        if t.stats.iter().any(|s| b.holds(s.of)) {
            for f in &t.from {
                if !met.contains(f) {
                    met.push(*f);
                }
            }
        }
    }
    met.sort();
    let mut statements: Vec<SourceLine> =
        met.iter().map(|f| line(d.model.factor(*f).span)).collect();
    statements.dedup();
    BlockExplanation {
        unknowns: b
            .unknowns
            .iter()
            .map(|u| {
                let u = d.unknowns.get(*u);
                with_plates(d, &u.name, u.plates())
            })
            .collect(),
        role: match b.role {
            Role::Param if b.touches_bound(&d.unknowns) => "where a bound touches",
            Role::Param => "param",
            Role::Latent if auxiliary::is_auxiliary(d, b) => "auxiliary",
            Role::Latent => "latent",
            Role::Dirac => "latent as dirac",
        }
        .to_string(),
        family: match b.form {
            Form::Deviation => "standard deviation".into(),
            _ => family_name(b).to_string(),
        },
        exactness: b.exactness.word().to_string(),
        sentences: prose::sentences(d, id, line, paths),
        statements,
        start: start(page, g, b, &met),
        equations,
        definitions,
        read,
    }
}

/// ln q(v) = E[ln p(a | v)] + ln p(v) + const; a point maximises the same sum.
fn start(page: &Page<'_>, g: &FactorGraph, b: &Block, met: &[FactorId]) -> Formula {
    let d = page.d;
    let own: Vec<Formula> = b
        .unknowns
        .iter()
        .map(|u| Formula::name(&d.unknowns.get(*u).name))
        .collect();
    let mut parts: Vec<Formula> = vec![];
    for f in met {
        let Some(node) = g.factors.get(f.index()) else {
            continue;
        };
        let density = density(page, node);
        let other = node
            .edges
            .iter()
            .filter_map(|e| unknown(page, e.node))
            .any(|u| !b.unknowns.contains(&u) && page.writer.latent[u.index()].is_some());
        parts.push(if other {
            density.log().expected()
        } else {
            density.log()
        });
    }
    if b.exactness == Exactness::Mode {
        return Formula::equation(
            match own.as_slice() {
                [one] => one.clone(),
                _ => Formula::Apply(String::new(), own),
            },
            Formula::Apply("argmax".into(), vec![Formula::sum(parts)]),
        );
    }
    parts.push(Formula::Word("const".into()));
    Formula::equation(Formula::Apply("q".into(), own).log(), Formula::sum(parts))
}

fn density(page: &Page<'_>, node: &FactorNode) -> Formula {
    let name = |n: Node| Formula::name(crate::graph::name(&page.d.model, n));
    let mut parents: Vec<Formula> = vec![];
    let mut children: Vec<Formula> = node.child.into_iter().map(name).collect();
    let mut bound = false;
    for e in &node.edges {
        let n = name(e.node);
        let Some(u) = unknown(page, e.node) else {
            continue;
        };
        if Some(e.node) == node.child || parents.contains(&n) || children.contains(&n) {
            continue;
        }
        // An auxiliary stands beside what it was added for; where a bound touches it is a parent.
        let own = matches!(e.role, ArgumentRole::In(ArgumentName::Auxiliary));
        match page.d.unknowns.get(u).auxiliary {
            Some(Auxiliary::Centre | Auxiliary::Width) => {
                bound = true;
                parents.push(n);
            }
            Some(_) if own => children.push(n),
            _ => parents.push(n),
        }
    }
    let child = match children.len() {
        0 => None,
        1 => children.pop(),
        _ => Some(Formula::List(children)),
    };
    let inner = match (child, parents.is_empty()) {
        (Some(c), true) => c,
        (Some(c), false) => Formula::Given(Box::new(c), Box::new(Formula::List(parents))),
        (None, _) => Formula::List(parents),
    };
    let p = if bound {
        auxiliary::bound_name(page)
    } else {
        "p".into()
    };
    Formula::Apply(p, vec![inner])
}

fn unknown(page: &Page<'_>, n: Node) -> Option<UnknownId> {
    page.d
        .unknowns
        .ids()
        .find(|u| match (page.d.unknowns.get(*u).origin, n) {
            (Origin::Variable(v), Node::Variable(w)) => v == w,
            (Origin::Column(c), Node::Column(x)) => c == x,
            _ => false,
        })
}
