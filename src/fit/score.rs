//! Held-out log predictive density of new rows under a fit.
//!
//! ```text
//! points and exact q   s_n = log p(row n | params) = log Z_n + the row's terms without latents
//! latent globals       s_n = E_q[log p(row n, z_n | globals)] + H(q(z_n))  <=  log of the predictive density (Jensen)
//! total                sum_n w_n s_n + the prior terms and entropies of labels that are new
//! ```

use ndarray::{ArrayD, Axis as Dim, Dimension, IxDyn};

use super::apply::{Applied, apply};
use super::{Data, Fit, entropy, local};
use crate::algebra::{Subscript, Term};
use crate::derive::moments::BlockOf;
use crate::derive::{BlockId, Exactness};
use crate::diag::Diagnostic;
use crate::model::Axis;
use crate::model::{FactorKind, PlateId, Role};
use crate::numeric::LOG_ZERO;
use crate::plan::Planned;

/// What new rows score.
#[derive(Debug, Clone, PartialEq)]
pub struct Score {
    /// The model's name.
    pub model: String,
    /// What the number is.
    pub kind: ScoreKind,
    /// All rows, each as often as its weight says, and new labels.
    pub total: f64,
    /// Rows that count, by weight, over all tables with scores.
    pub weight: f64,
    /// By table that has scores.
    pub tables: Vec<TableScore>,
    /// False where rows are coupled so that single rows have no score of their own.
    pub by_row: bool,
    /// What the data reader noticed.
    pub warnings: Vec<Diagnostic>,
}

/// What a score is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScoreKind {
    /// log p(row | params)
    Exact,
    /// A lower bound of the log predictive density.
    Bound,
    /// The log joint density at points.
    Joint,
}

impl ScoreKind {
    /// As printed.
    pub fn words(self) -> &'static str {
        match self {
            ScoreKind::Exact => "log predictive density",
            ScoreKind::Bound => "lower bound on the log predictive density",
            ScoreKind::Joint => "log joint density at the points",
        }
    }

    /// As in JSON.
    pub fn name(self) -> &'static str {
        match self {
            ScoreKind::Exact => "log_predictive_density",
            ScoreKind::Bound => "lower_bound",
            ScoreKind::Joint => "log_joint",
        }
    }
}

/// The scores of a table's rows.
#[derive(Debug, Clone, PartialEq)]
pub struct TableScore {
    /// The table.
    pub table: String,
    /// (line of the file, score of one copy of the row), in the order of the file.
    pub rows: Vec<(u64, f64)>,
}

/// Scores new rows.
///
/// # Errors
/// Findings about the data, E0713 and E0714.
pub fn score(fit: &Fit, data: Data) -> Result<Score, Vec<Diagnostic>> {
    apply(fit, data, |applied| Ok(of(applied)))
}

/// Sums while they are collected.
struct Sums {
    /// By table: by row.
    rows: Vec<Vec<f64>>,
    /// What belongs to no row.
    other: f64,
    /// Rows are told apart.
    by_row: bool,
}

fn of(a: &Applied<'_, '_>) -> Score {
    let engine = a.engine;
    let d = engine.derivation;
    let mut sums = Sums {
        rows: engine
            .evaluator
            .data
            .tables
            .iter()
            .map(|t| vec![0.0; t.rows])
            .collect(),
        other: 0.0,
        by_row: true,
    };
    for b in engine.bound.iter().flatten() {
        let (_, log_z) = local::marginals(engine, &a.state, b);
        let table = d.block(b.block).rows.and_then(|p| d.model.table_of(p));
        if let Some(rows) = table.and_then(|t| sums.rows.get_mut(t.index())) {
            let elements = b.rows.elements.max(1);
            for (row, z) in rows.iter_mut().zip(log_z.chunks(elements)) {
                *row += z.iter().sum::<f64>();
            }
        }
    }
    for t in &d.terms.items {
        let in_pass = t
            .stats
            .iter()
            .any(|s| d.block_of(s.of).is_some_and(|b| d.block(b).rows.is_some()));
        if !in_pass {
            add_term(a, t, &mut sums);
        }
    }
    for id in &a.open {
        add_entropy(a, *id, &mut sums);
    }
    finish(a, sums)
}

/// A term without row-level latents of a pass: by row, or for the labels that are new.
fn add_term(a: &Applied<'_, '_>, t: &Term, sums: &mut Sums) {
    let engine = a.engine;
    let d = engine.derivation;
    let is_prior = |f: &crate::model::FactorId| {
        matches!(
            d.model.factor(*f).kind,
            FactorKind::Prior(..) | FactorKind::Potential(_)
        )
    };
    let prior = t.from.iter().all(is_prior);
    let row = t
        .axes
        .iter()
        .copied()
        .find(|x| d.model.table_of(x.plate).is_some());
    let gained: Vec<Axis> = t
        .axes
        .iter()
        .copied()
        .filter(|x| a.maps.get(x.plate.index()).is_some_and(Option::is_some) && row.is_none())
        .collect();
    let target: Vec<Axis> = match row {
        Some(r) => vec![r],
        None if gained.is_empty() => return,
        None => gained,
    };
    let of = BlockOf {
        blocks: &d.blocks,
        unknowns: &d.unknowns,
    };
    let index: Vec<Subscript> = target.iter().map(|x| Subscript::Axis(*x)).collect();
    let shape: Vec<usize> = target.iter().map(|x| engine.size(*x)).collect();
    let mut out = ArrayD::zeros(IxDyn(&shape));
    // The derivation was made, so every term has expectations.
    for c in of.expect(t, &index).unwrap_or_default() {
        match row {
            Some(r) => {
                let planned = Planned::Rows {
                    row: r,
                    direct: c,
                    hoisted: None,
                };
                engine.add_planned(&a.state, &planned, &[r.plate], &mut out);
            }
            None => engine.add_planned(&a.state, &Planned::Global(c), &[], &mut out),
        }
    }
    match row {
        Some(r) => {
            let table = d.model.table_of(r.plate);
            let rows = table.and_then(|t| sums.rows.get_mut(t.index()));
            for (n, (s, x)) in rows.into_iter().flatten().zip(&out).enumerate() {
                if !prior || a.is_new(r.plate, n) {
                    *s += x;
                }
            }
        }
        None => {
            for (i, x) in out.indexed_iter() {
                let new = target
                    .iter()
                    .enumerate()
                    .any(|(dim, p)| a.is_new(p.plate, i[dim]));
                if new {
                    sums.other += x;
                }
            }
        }
    }
}

/// The entropy of what is new in a stored block.
fn add_entropy(a: &Applied<'_, '_>, id: BlockId, sums: &mut Sums) {
    let d = a.engine.derivation;
    let block = d.block(id);
    if block.role != Role::Latent {
        return;
    }
    let is_table = |p: &PlateId| d.model.table_of(*p).is_some();
    let Some(h) = entropy::by_element(a.engine, &a.state, id) else {
        sums.other += a.state.blocks[id.index()].entropy;
        sums.by_row = false;
        return;
    };
    let row = block.batch.iter().position(is_table);
    let plates: Vec<PlateId> = block.batch.clone();
    let new = |i: &[usize]| plates.iter().zip(i).any(|(p, e)| a.is_new(*p, *e));
    match row {
        Some(at) => {
            let table = block.batch.get(at).and_then(|p| d.model.table_of(*p));
            let rows = table.and_then(|t| sums.rows.get_mut(t.index()));
            let by_row = h.axis_iter(Dim(at));
            for (n, (s, part)) in rows.into_iter().flatten().zip(by_row).enumerate() {
                if block.batch.get(at).is_some_and(|p| a.is_new(*p, n)) {
                    *s += part.sum();
                }
            }
        }
        None => {
            let coupled = block
                .unknowns
                .iter()
                .any(|u| d.unknowns.get(*u).plates().iter().any(is_table));
            sums.by_row &= !coupled;
            for (i, x) in h.indexed_iter() {
                if coupled || new(i.slice()) {
                    sums.other += x;
                }
            }
        }
    }
}

fn finish(a: &Applied<'_, '_>, sums: Sums) -> Score {
    let engine = a.engine;
    let d = engine.derivation;
    let mut total = sums.other;
    let mut weight = 0.0;
    let mut tables = vec![];
    for ((table, data), rows) in d
        .model
        .tables
        .iter()
        .zip(&engine.evaluator.data.tables)
        .zip(sums.rows)
    {
        let observed = d.model.factors.iter().any(|f| match f.kind {
            FactorKind::ObservedColumn(..) | FactorKind::ObservedDefinition(..) => {
                f.axes.iter().any(|x| x.plate == table.plate)
            }
            FactorKind::Prior(..) | FactorKind::ObservedOnly(_) | FactorKind::Potential(_) => false,
        });
        let w = engine.evaluator.weights(table.plate);
        let w = |n: usize| w.as_ref().map_or(1.0, |w| w[n]);
        for (n, s) in rows.iter().enumerate() {
            if w(n) > 0.0 {
                total += w(n) * s;
            }
        }
        if !observed {
            continue;
        }
        weight += (0..rows.len()).map(w).sum::<f64>();
        let mut lines: Vec<(u64, f64)> = data
            .lines
            .iter()
            .zip(rows)
            .map(|(l, s)| (l, floor(s)))
            .collect();
        lines.sort_by_key(|(l, _)| *l);
        tables.push(TableScore {
            table: table.name.clone(),
            rows: lines,
        });
    }
    let latent = d
        .blocks
        .iter()
        .enumerate()
        .filter(|(_, b)| b.role == Role::Latent);
    let exact = latent.into_iter().all(|(i, b)| {
        let new = b.rows.is_some() || a.open.contains(&BlockId(i as u32));
        b.exactness == Exactness::Exact && new
    });
    let kind = if d.blocks.iter().any(|b| b.role == Role::Dirac) {
        ScoreKind::Joint
    } else if exact {
        ScoreKind::Exact
    } else {
        ScoreKind::Bound
    };
    Score {
        model: d.model.name.clone(),
        kind,
        total: floor(total),
        weight,
        tables,
        by_row: sums.by_row,
        warnings: a.warnings.clone(),
    }
}

/// Near the floor that stands for log 0 a row is impossible.
fn floor(x: f64) -> f64 {
    if x < 0.5 * LOG_ZERO {
        f64::NEG_INFINITY
    } else {
        x
    }
}
