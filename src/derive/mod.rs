//! The derivation: a model to blocks with families, messages, exactness, method and order.
//!
//! in: a checked model and which observed columns hold blanks -> out: a [`Derivation`].
//!
//! ```text
//! L(q, theta) = E_q[log p] + H(q)              coordinate ascent, block by block:
//! latent   q_B proportional to exp(eta_B . t_B)      eta_B = d E_q[log p] / d E[t_B]
//! param    the mode of the same factor
//! ```
//!
//! Neal and Hinton 1999; Winn and Bishop 2005. No stage knows the name or shape of any model; no arrays, no sizes.

mod augment;
pub mod block;
mod family_match;
pub mod group;
pub mod method;
pub mod moments;
mod order;
pub mod print;
pub mod refusal;
mod shared;
mod slopes;
pub mod structure;
pub mod terms;

pub use block::{
    Block, BlockId, Compound, Contraction, Coupling, Exactness, Form, Message, Moment, MomentKind,
    Structure, Target,
};
pub use method::{Method, Objective};

use crate::algebra::expand::Centre;
use crate::algebra::{Predictor, Statistic, Terms, UnknownId, Unknowns};
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::model::{ColumnId, Constraint, DefinitionId, DirectiveKind, FactorKind, Model, Role};

use moments::BlockOf;

/// Which observed cells may be blank.
pub struct Blanks<'a> {
    /// Observed columns that hold blanks.
    pub column: &'a dyn Fn(ColumnId) -> bool,
    /// Observed definitions that hold blanks.
    pub definition: &'a dyn Fn(DefinitionId) -> bool,
    /// Whether the data allow the coupled elements of a discrete unknown to be eliminated.
    pub width: &'a dyn Fn(UnknownId) -> Width,
}

/// Whether coupled discrete elements can be eliminated one by one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Width {
    /// No table on the way is too large.
    Narrow,
    /// Some is.
    Wide,
    /// There are no data yet.
    Unseen,
}

/// What the compiler derived.
#[derive(Debug, Clone)]
pub struct Derivation {
    /// The model it is about.
    pub model: Model,
    /// Its unknowns.
    pub unknowns: Unknowns,
    /// The canonical terms of log p.
    pub terms: Terms,
    /// The sums under functions.
    pub predictors: Vec<Predictor>,
    /// Variables expressed relative to the centre of their data.
    pub centres: Vec<(UnknownId, Centre)>,
    /// The blocks.
    pub blocks: Vec<Block>,
    /// The algorithm's name.
    pub method: Method,
    /// What it climbs.
    pub objective: Objective,
    /// The blocks in the order of a sweep.
    pub order: Vec<BlockId>,
    /// Warnings.
    pub warnings: Vec<Diagnostic>,
}

impl Derivation {
    /// The block that holds an unknown.
    pub fn block_of(&self, u: UnknownId) -> Option<BlockId> {
        self.blocks
            .iter()
            .position(|b| b.unknowns.contains(&u))
            .map(|i| BlockId(i as u32))
    }

    /// A block by id.
    pub fn block(&self, id: BlockId) -> &Block {
        &self.blocks[id.index()]
    }
}

/// Derives the inference algorithm of a model.
///
/// # Errors
/// E05xx: the statements or blocks that have no derivation, each with the reason.
pub fn derive(model: &Model, blanks: &Blanks<'_>) -> Result<Derivation, Vec<Diagnostic>> {
    let model = &augment::augment(model);
    let unknowns = Unknowns::of(model, blanks.column);
    let built = terms::build(model, &unknowns, blanks.column, blanks.definition)?;
    let unknowns = built.unknowns;
    let predictors = built.predictors;
    let groups = group::group(model, &unknowns, &built.terms.items, &predictors);
    let mut blocks = vec![];
    let mut errors = vec![];
    for g in &groups {
        let widths: Vec<Width> = g.unknowns.iter().map(|u| (blanks.width)(*u)).collect();
        let width = [Width::Wide, Width::Unseen]
            .into_iter()
            .find(|w| widths.contains(w))
            .unwrap_or(Width::Narrow);
        match family_match::block(model, &unknowns, g, &built.terms.items, &predictors, width) {
            Ok(mut b) => {
                collect_compounds(&mut b, &built.terms, &unknowns);
                blocks.push(b);
            }
            Err(d) => errors.push(*d),
        }
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    couple(&mut blocks, &built.terms, &unknowns);
    shared::mark(model, &unknowns, &mut blocks, &built.terms.items);
    let mut refused = asked_joint(model, &unknowns, &blocks);
    refused.extend(uneven_norms(model, &unknowns, &blocks));
    if !refused.is_empty() {
        return Err(refused);
    }
    let mut all_messages = vec![];
    let mut all_slopes = vec![];
    {
        let of = BlockOf {
            blocks: &blocks,
            unknowns: &unknowns,
        };
        for t in &built.terms.items {
            if let Err(e) = of.expect(t, &[]) {
                errors.push(refusal::no_moment(model, &unknowns, t, &e));
            }
        }
        for b in &blocks {
            let mut messages = vec![];
            for t in &built.terms.items {
                match of.messages(b, t) {
                    Ok(m) => messages.extend(m),
                    Err(e) => errors.push(refusal::no_moment(model, &unknowns, t, &e)),
                }
            }
            all_slopes.push(slopes::of_block(b, &predictors));
            all_messages.push(messages);
        }
    }
    if !errors.is_empty() {
        errors.dedup();
        return Err(errors);
    }
    for ((b, m), s) in blocks.iter_mut().zip(all_messages).zip(all_slopes) {
        b.messages = m;
        b.slopes = s;
    }
    let (method, objective) = method::name(model, &unknowns, &blocks, &built.terms.items);
    let order = order::order(model, &unknowns, &blocks, method, &built.terms.items)?;
    let warnings = warn(model, &unknowns, &blocks, &built.terms);
    Ok(Derivation {
        model: model.clone(),
        unknowns,
        terms: built.terms,
        predictors,
        centres: built.centres,
        blocks,
        method,
        objective,
        order,
        warnings,
    })
}

/// The products of its statistics that terms hold.
fn collect_compounds(block: &mut Block, terms: &Terms, unknowns: &Unknowns) {
    if !block.by_compound() {
        return;
    }
    for t in &terms.items {
        let mine: Vec<&Statistic> = t
            .stats
            .iter()
            .filter(|s| block.unknowns.contains(&s.of))
            .collect();
        if mine.is_empty() {
            continue;
        }
        let (c, _) = Compound::of(&mine, unknowns);
        if !block.compounds.contains(&c) {
            block.compounds.push(c);
        }
    }
}

/// E0508: vectors of unit norm whose quadratic part is not the same for all their elements.
fn uneven_norms(model: &Model, unknowns: &Unknowns, blocks: &[Block]) -> Vec<Diagnostic> {
    let mut out = vec![];
    for b in blocks
        .iter()
        .filter(|b| matches!(b.form, Form::UnitVectors))
    {
        let u = unknowns.get(b.unknowns[0]);
        let Some(Constraint::UnitNorm(p) | Constraint::UnitBall(p)) = u.constraint else {
            continue;
        };
        let at = b.batch.iter().position(|x| *x == p);
        if !at.is_some_and(|i| b.shared.contains(&i)) {
            out.push(refusal::group(
                model,
                unknowns,
                b.unknowns[0],
                format!(
                    "what `{}` is multiplied with differs along `{}`: the vectors have no common curvature",
                    u.name,
                    model.plate(p).name
                ),
                "leave the norm out: a Gaussian prior on it keeps its scale from drifting",
            ));
        }
    }
    out
}

/// E0504: unknowns that `infer { joint }` asks for in one block and that no rule joins.
fn asked_joint(model: &Model, unknowns: &Unknowns, blocks: &[Block]) -> Vec<Diagnostic> {
    let mut out = vec![];
    for d in &model.directives {
        let DirectiveKind::Joint(vars) = &d.kind else {
            continue;
        };
        let of = |v: &crate::model::VariableId| {
            let u = unknowns.variable(*v);
            blocks.iter().position(|b| b.unknowns.contains(&u))
        };
        let (Some(first), Some(last)) = (vars.first(), vars.last()) else {
            continue;
        };
        let apart = vars.iter().filter_map(of).any(|b| Some(b) != of(first));
        if apart {
            let name = |v: &crate::model::VariableId| model.variable(*v).name.clone();
            out.push(
                Diagnostic::new(Code::E0504, "this group cannot be joint")
                    .at(
                        d.span,
                        format!(
                            "no family holds `{}` and `{}` in one factor of q",
                            name(first),
                            name(last)
                        ),
                    )
                    .help("leave the rule out: they are then split from each other"),
            );
        }
    }
    out
}

/// Finds which blocks share terms, and from that which latent blocks are exact.
fn couple(blocks: &mut [Block], terms: &Terms, unknowns: &Unknowns) {
    let n = blocks.len();
    let mut couplings: Vec<Vec<Coupling>> = vec![vec![]; n];
    for t in &terms.items {
        let held: Vec<usize> = (0..n)
            .filter(|i| t.stats.iter().any(|s| blocks[*i].holds(s.of)))
            .collect();
        for &i in &held {
            for &j in &held {
                if i == j {
                    continue;
                }
                let id = BlockId(j as u32);
                let slot = match couplings[i].iter().position(|c| c.block == id) {
                    Some(p) => p,
                    None => {
                        couplings[i].push(Coupling {
                            block: id,
                            through: vec![],
                        });
                        couplings[i].len() - 1
                    }
                };
                for f in &t.from {
                    if !couplings[i][slot].through.contains(f) {
                        couplings[i][slot].through.push(*f);
                    }
                }
            }
        }
    }
    // Where a bound touches a block, its q is not its posterior.
    let latent: Vec<bool> = blocks
        .iter()
        .map(|b| b.role == Role::Latent || b.touches_bound(unknowns))
        .collect();
    for (i, c) in couplings.into_iter().enumerate() {
        let b = &mut blocks[i];
        b.exactness = if b.role != Role::Latent {
            Exactness::Mode
        } else if c.iter().any(|c| latent[c.block.index()]) || b.structure == Structure::Sequential
        {
            Exactness::MeanField
        } else {
            Exactness::Exact
        };
        b.couplings = c;
    }
}

/// W0501: an unknown that no path of terms joins to data; W0503: a split block of a kind whose spread shrinks.
fn warn(model: &Model, unknowns: &Unknowns, blocks: &[Block], terms: &Terms) -> Vec<Diagnostic> {
    let mut out = vec![];
    let observed = |f: crate::model::FactorId| {
        matches!(
            model.factor(f).kind,
            FactorKind::ObservedColumn(..) | FactorKind::ObservedDefinition(..)
        )
    };
    let mut reached = vec![false; blocks.len()];
    for t in &terms.items {
        if t.from.iter().any(|f| observed(*f)) {
            for (i, b) in blocks.iter().enumerate() {
                reached[i] |= t.stats.iter().any(|s| b.holds(s.of));
            }
        }
    }
    loop {
        let mut changed = false;
        for (i, b) in blocks.iter().enumerate() {
            if reached[i] {
                for c in &b.couplings {
                    changed |= !std::mem::replace(&mut reached[c.block.index()], true);
                }
            }
        }
        if !changed {
            break;
        }
    }
    for (b, reached) in blocks.iter().zip(reached) {
        if reached {
            continue;
        }
        for u in &b.unknowns {
            if let crate::algebra::Origin::Variable(v) = unknowns.get(*u).origin {
                let v = model.variable(v);
                out.push(
                    Diagnostic::new(Code::W0501, format!("`{}` meets no data", v.name))
                        .at(v.name_span, "its result is its prior")
                        .help("let an `observe` statement depend on it, or leave it out"),
                );
            }
        }
    }
    Diagnostics { items: out }.sorted()
}
