//! Row sums: the row part of a contraction that holds posterior expectations of rows becomes a key with a value of its own.
//!
//! ```text
//! sum_n data_n (x) E[t_n] * T = <A, T>      A = sum_n w_n data_n (x) E[t_n], the same for all contractions that hold it
//! ```
//!
//! The contraction keeps its direct form: the engine takes the sum where it has one.

use crate::algebra::{Known, Statistic, Subscript};
use crate::derive::{BlockId, Contraction, Derivation, Moment, MomentKind};
use crate::model::Axis;
use crate::plan::cut::split;
use crate::plan::{Key, KeyId, Plan, Planned};

/// A sum over rows of expectations that blocks publish by row.
#[derive(Debug, Clone, PartialEq)]
pub struct RowSum {
    /// The key that names it.
    pub key: KeyId,
    /// The row axis.
    pub row: Axis,
    /// The sum as it stands, into the key's axes.
    pub direct: Contraction,
    /// Whose expectations it holds.
    pub blocks: Vec<BlockId>,
    /// The same through maps and sums of data alone.
    pub pushed: Option<Vec<Planned>>,
}

/// Gives every contraction that has only a direct sum over rows one through a row sum, where there is one.
pub fn find(d: &Derivation, plan: &mut Plan) {
    let Plan {
        keys,
        messages,
        slopes,
        predictors,
        values,
        expectation,
        sums,
        ..
    } = plan;
    let all = messages
        .iter_mut()
        .chain(slopes)
        .flatten()
        .map(|m| &mut m.how)
        .chain(predictors.iter_mut().chain(values).flatten())
        .chain(expectation);
    for p in all {
        let Planned::Rows {
            row,
            direct,
            hoisted: hoisted @ None,
        } = p
        else {
            continue;
        };
        let Some((key, axes, rest)) = through(d, keys, direct, *row) else {
            continue;
        };
        if !sums.iter().any(|s| s.key == key) {
            let Some(k) = keys.get(key.index()) else {
                continue;
            };
            sums.push(RowSum {
                key,
                row: k.row,
                direct: of_key(k),
                blocks: blocks(d, k),
                pushed: None,
            });
        }
        *hoisted = Some((key, axes, rest));
    }
}

/// Row part and rest of a contraction, expectations at the bare row axis taken into the row part.
fn through(
    d: &Derivation,
    keys: &mut Vec<Key>,
    c: &Contraction,
    row: Axis,
) -> Option<(KeyId, Vec<Axis>, Contraction)> {
    let target = c.target.iter().flat_map(Subscript::axes);
    let mut axes = c.axes.iter().copied().chain(target);
    if axes.any(|a| a != row && d.model.table_of(a.plate).is_some()) {
        return None;
    }
    let mut c = c.clone();
    let (local, moments): (Vec<Moment>, Vec<Moment>) = c
        .moments
        .into_iter()
        .partition(|m| m.index.contains(&Subscript::Axis(row)));
    c.moments = moments;
    if local.is_empty() {
        return None;
    }
    for m in local {
        let MomentKind::Statistic(of, kind) = m.kind else {
            return None;
        };
        // The value of a predictor changes with those it is made of.
        if d.unknowns.is_predictor(of) {
            return None;
        }
        c.local.push(Statistic {
            of,
            kind,
            index: m.index,
            offset: None,
        });
    }
    split(d, keys, &c, row)
}

fn blocks(d: &Derivation, k: &Key) -> Vec<BlockId> {
    let mut out: Vec<BlockId> = k.local.iter().filter_map(|s| d.block_of(s.of)).collect();
    out.sort();
    out.dedup();
    out
}

/// The subscripts of the array that a key's sum is: its axes, gathers where it selects.
pub(super) fn target(k: &Key) -> Vec<Subscript> {
    let place = |a: &Axis| {
        let gather = k.selectors.iter().find(|(_, b)| a == b);
        gather.map_or(Subscript::Axis(*a), |(s, _)| s.clone())
    };
    k.axes.iter().map(place).collect()
}

/// The sum that a key stands for.
fn of_key(k: &Key) -> Contraction {
    let moment = |s: &Statistic| Moment {
        kind: MomentKind::Statistic(s.of, s.kind),
        index: s.index.clone(),
    };
    let data: Vec<Known> = k.data.clone();
    Contraction {
        coef: 1.0,
        data,
        moments: k.local.iter().map(moment).collect(),
        local: vec![],
        axes: open_axes(k),
        target: target(k),
    }
}

/// The row axis and the axes of a key that are not selected on.
pub(super) fn open_axes(k: &Key) -> Vec<Axis> {
    let selected = |a: &&Axis| k.selectors.iter().any(|(_, b)| *a == b);
    let open = k.axes.iter().filter(|a| !selected(a)).copied();
    std::iter::once(k.row).chain(open).collect()
}
