//! The plan: a derivation as an ordered list of block updates over named tables, still without numbers.
//!
//! in: a [`Derivation`] -> out: a [`Plan`]: keys, passes over rows, contractions for every message and for the ELBO.
//!
//! ```text
//! sum of row terms = sum over keys <T_key, A_key>
//! A_key = sum_n w_n data_n (x) onehot(column[n]) (x) E[t_n]        T_key = contraction of globals
//! ```
//!
//! The row part of a term (data and local statistics with the row axis) is its key; terms with one key add up. Before a pass
//! the T are made from the globals; the pass computes eta_n = sum over keys data_n `T_key[column[n]]`, the local factor, and
//! adds to the A; the global step sees the A only. A key without local statistic is hoisted: computed once.
//!
//! Not here: arrays, sizes, threads (see `engine`).

mod cut;
pub mod print;
pub mod rewrite;

pub use cut::{Cut, cut};
pub use rewrite::{Affine, Rewrite, Rewrites, RowSum};

use crate::algebra::{Known, Statistic, Subscript, Term};
use crate::derive::moments::BlockOf;
use crate::derive::refusal::no_pass;
use crate::derive::{BlockId, Contraction, Derivation, Form, Message, Target};
use crate::diag::Diagnostic;
use crate::model::{Axis, PlateId, Role};

/// A key, by position.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyId(pub u32);

impl KeyId {
    /// The position in its vector.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// The canonical row part of terms.
#[derive(Debug, Clone, PartialEq)]
pub struct Key {
    /// The plate of the rows.
    pub plate: PlateId,
    /// The row axis in the names of this key.
    pub row: Axis,
    /// Known factors with the row axis.
    pub data: Vec<Known>,
    /// Gathers: the subscript and the table axis it selects on.
    pub selectors: Vec<(Subscript, Axis)>,
    /// Statistics of the local block; empty for a hoisted key.
    pub local: Vec<Statistic>,
    /// The axes of T and A: data axes, selectors, local axes.
    pub axes: Vec<Axis>,
    /// Contractions of globals that add up to T (local keys only).
    pub tables: Vec<Contraction>,
}

/// A contraction with the way its row sum is taken.
#[derive(Debug, Clone, PartialEq)]
pub enum Planned {
    /// No rows.
    Global(Contraction),
    /// A local key's accumulated statistic times globals; `axes` are the key's axes in the contraction's names.
    Keyed {
        /// Whose A.
        key: KeyId,
        /// Its axes here.
        axes: Vec<Axis>,
        /// The rest.
        rest: Contraction,
    },
    /// A sum over rows of globals and data: directly, or by a hoisted key where that is small.
    Rows {
        /// The row axis.
        row: Axis,
        /// The sum as it stands.
        direct: Contraction,
        /// The same through a hoisted key.
        hoisted: Option<(KeyId, Vec<Axis>, Contraction)>,
    },
}

/// A message with its contractions.
#[derive(Debug, Clone, PartialEq)]
pub struct PlannedMessage {
    /// Which statistic.
    pub target: Target,
    /// How it is computed.
    pub how: Planned,
}

/// A pass over the rows of a plate.
#[derive(Debug, Clone, PartialEq)]
pub struct Pass {
    /// The plate.
    pub plate: PlateId,
    /// Its local blocks.
    pub blocks: Vec<BlockId>,
    /// For each block, its keys.
    pub keys: Vec<Vec<KeyId>>,
}

/// A step of a sweep.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Run a pass: its local blocks and their accumulated statistics.
    Pass(usize),
    /// Update a block from its messages.
    Update(BlockId),
}

/// The plan.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// Keys.
    pub keys: Vec<Key>,
    /// Passes.
    pub passes: Vec<Pass>,
    /// For each block, its messages (empty for local blocks, whose messages are the keys' tables).
    pub messages: Vec<Vec<PlannedMessage>>,
    /// For each block, what the slopes of its predictors say to its unknowns.
    pub slopes: Vec<Vec<PlannedMessage>>,
    /// For each predictor, its body over its axes.
    pub predictors: Vec<Vec<Planned>>,
    /// For each block that is raised by its gradient, the terms that hold it.
    pub values: Vec<Vec<Planned>>,
    /// E_q[log p]: all terms that no pass covers.
    pub expectation: Vec<Planned>,
    /// The steps of a sweep.
    pub steps: Vec<Step>,
    /// Sums over rows of published expectations that contractions share: they name them as if they were hoisted.
    pub sums: Vec<RowSum>,
    /// For each block, its means as a map from the data of the row, where they are one.
    pub affine: Vec<Option<Affine>>,
    /// Which rewrites the engine may use.
    pub rewrites: Rewrites,
}

/// Makes the plan with all rewrites.
///
/// # Errors
/// E0508: two split row-level blocks in one term, and other forms without a pass.
pub fn plan(d: &Derivation) -> Result<Plan, Vec<Diagnostic>> {
    plan_with(d, Rewrites::default())
}

/// Makes the plan.
///
/// # Errors
/// As [`plan`].
pub fn plan_with(d: &Derivation, rewrites: Rewrites) -> Result<Plan, Vec<Diagnostic>> {
    let of = BlockOf {
        blocks: &d.blocks,
        unknowns: &d.unknowns,
    };
    let mut plan = Plan {
        keys: vec![],
        passes: vec![],
        messages: vec![vec![]; d.blocks.len()],
        slopes: vec![vec![]; d.blocks.len()],
        predictors: vec![vec![]; d.predictors.len()],
        values: vec![vec![]; d.blocks.len()],
        expectation: vec![],
        steps: vec![],
        sums: vec![],
        affine: vec![None; d.blocks.len()],
        rewrites,
    };
    for id in &d.order {
        let b = d.block(*id);
        match b.rows {
            Some(p) => {
                let slot = match plan.passes.iter().position(|x| x.plate == p) {
                    Some(i) => i,
                    None => {
                        plan.passes.push(Pass {
                            plate: p,
                            blocks: vec![],
                            keys: vec![],
                        });
                        plan.steps.push(Step::Pass(plan.passes.len() - 1));
                        plan.passes.len() - 1
                    }
                };
                if !plan.passes[slot].blocks.contains(id) {
                    plan.passes[slot].blocks.push(*id);
                    plan.passes[slot].keys.push(vec![]);
                }
            }
            None => plan.steps.push(Step::Update(*id)),
        }
    }
    let mut errors = vec![];
    for t in &d.terms.items {
        for c in of.expect(t, &[]).unwrap_or_default() {
            match cut(d, &mut plan.keys, &c) {
                Ok(Cut::Local { key, axes, rest }) => {
                    register(d, &mut plan, key, &c);
                    let target = plan.keys[key.index()]
                        .axes
                        .iter()
                        .zip(&axes)
                        .map(|(_, a)| Subscript::Axis(*a))
                        .collect();
                    plan.keys[key.index()]
                        .tables
                        .push(Contraction { target, ..rest });
                }
                Ok(Cut::Planned(p)) => plan.expectation.push(p),
                Err(what) => errors.push(no_pass(&d.model, t, what)),
            }
        }
    }
    for (i, b) in d.blocks.iter().enumerate() {
        if b.rows.is_some() {
            continue;
        }
        plan.messages[i] = planned(d, &of, &mut plan.keys, &b.messages, &mut errors);
        plan.slopes[i] = planned(d, &of, &mut plan.keys, &b.slopes, &mut errors);
        if matches!(b.form, Form::Optimised) {
            let own = |t: &&Term| t.stats.iter().any(|s| b.holds(s.of));
            for t in d.terms.items.iter().filter(own) {
                plan.values[i].extend(sums(d, &of, &mut plan.keys, t, &[], &mut errors));
            }
        }
    }
    for (i, p) in d.predictors.iter().enumerate() {
        let target: Vec<Subscript> = p.axes.iter().map(|a| Subscript::Axis(*a)).collect();
        for t in &p.body {
            let mut t = t.clone();
            t.axes.extend(&p.axes);
            let sums = sums(d, &of, &mut plan.keys, &t, &target, &mut errors);
            plan.predictors[i].extend(sums);
        }
    }
    if errors.is_empty() {
        rewrite::rewrite(d, &mut plan);
        Ok(plan)
    } else {
        errors.dedup();
        Err(errors)
    }
}

/// Messages with the way each is computed.
fn planned(
    d: &Derivation,
    of: &BlockOf<'_>,
    keys: &mut Vec<Key>,
    messages: &[Message],
    errors: &mut Vec<Diagnostic>,
) -> Vec<PlannedMessage> {
    let mut out = vec![];
    for m in messages {
        let target = m.target;
        let sums = sums(d, of, keys, &m.rest, &m.index, errors);
        out.extend(sums.into_iter().map(|how| PlannedMessage { target, how }));
    }
    out
}

/// A term summed into a target.
fn sums(
    d: &Derivation,
    of: &BlockOf<'_>,
    keys: &mut Vec<Key>,
    term: &Term,
    target: &[Subscript],
    errors: &mut Vec<Diagnostic>,
) -> Vec<Planned> {
    let mut out = vec![];
    for c in of.expect(term, target).unwrap_or_default() {
        match cut(d, keys, &c) {
            Ok(Cut::Local { key, axes, rest }) => out.push(Planned::Keyed { key, axes, rest }),
            Ok(Cut::Planned(p)) => out.push(p),
            Err(what) => errors.push(no_pass(&d.model, term, what)),
        }
    }
    out
}

/// Notes that a pass needs a key.
fn register(d: &Derivation, plan: &mut Plan, key: KeyId, c: &Contraction) {
    for pass in &mut plan.passes {
        for (b, keys) in pass.blocks.iter().zip(&mut pass.keys) {
            let local = d.block(*b);
            if c.local.iter().any(|s| local.unknowns.contains(&s.of)) && !keys.contains(&key) {
                keys.push(key);
            }
        }
    }
}

impl Plan {
    /// True if no latent block is stored and there is one pass: log p of the data is the sum of its log Z.
    pub fn single_pass(&self, d: &Derivation) -> bool {
        self.passes.len() == 1
            && d.blocks
                .iter()
                .all(|b| b.role != Role::Latent || b.rows.is_some())
    }
}
