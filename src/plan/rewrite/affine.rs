//! Posterior means that are linear in the data of their row, and what that makes of sums over rows.
//!
//! ```text
//! b_n = sum_j T_j D_j(n)        m_n = C b_n = sum_j M_j D_j(n)        D_j data of row n, C and T_j the same for all rows
//! sum_n w_n x_n (x) m_n         = sum_j  M_j (sum_n w_n x_n (x) D_j(n))
//! sum_n w_n m_n (x) m_n         = sum_jk M_j M_k (sum_n w_n D_j(n) (x) D_k(n))
//! ```
//!
//! The sums on the right are of data alone, so they are hoisted; what is left of an iteration does not know the number of
//! rows. A block has this form where all its rows have one precision matrix, its linear messages hold no expectation of
//! the row, and everything that reads its means does so through a row sum that becomes such a product.

use crate::algebra::{Known, Statistic, Subscript, UnknownId};
use crate::derive::{Block, BlockId, Contraction, Derivation, Form, Moment, MomentKind, Target};
use crate::family::StatisticKind;
use crate::model::{Axis, PlateId};
use crate::plan::cut::split;
use crate::plan::{Cut, Key, Plan, Planned, cut};

use super::sums::{open_axes, target};

/// The axes of the rows' values begin here.
const FIRST_ID: u32 = 1 << 23;

/// The means of a block as a map from the data of the row.
#[derive(Debug, Clone, PartialEq)]
pub struct Affine {
    /// The plate of the rows.
    pub plate: PlateId,
    /// Its position in the block's batch.
    pub place: usize,
    /// The data D_j of a row: keys without statistics, whose sum is not taken.
    pub features: Vec<Key>,
    /// What adds up to T_j: (position of the unknown in the block, j), into its slots without the row, then the axes of D_j.
    pub tables: Vec<(usize, usize, Contraction)>,
    /// For each unknown, the means row by row.
    pub values: Vec<Vec<Planned>>,
}

/// Finds the blocks of this form and the pushed form of the row sums that hold their means.
pub fn find(d: &Derivation, plan: &mut Plan) {
    let mut found: Vec<Option<Affine>> = (0..d.blocks.len())
        .map(|i| of_block(d, plan, BlockId(i as u32)))
        .collect();
    let mut sums = std::mem::take(&mut plan.sums);
    for s in &mut sums {
        let [id] = s.blocks.as_slice() else {
            continue;
        };
        if let Some(a) = &found[id.index()] {
            let key = plan.keys[s.key.index()].clone();
            s.pushed = pushed(d, plan, d.block(*id), a, &key);
        }
    }
    plan.sums = sums;
    for (i, a) in found.iter_mut().enumerate() {
        let id = BlockId(i as u32);
        if a.is_some() && !covered(d, plan, id) {
            *a = None;
            let own = plan.sums.iter_mut().filter(|s| s.blocks.contains(&id));
            own.for_each(|s| s.pushed = None);
        }
    }
    plan.affine = found;
}

/// The map of a block, if its messages allow one.
fn of_block(d: &Derivation, plan: &Plan, id: BlockId) -> Option<Affine> {
    let block = d.block(id);
    let rowwise = block.rows.is_some() || !block.predictors.is_empty();
    if !matches!(block.form, Form::Gaussian) || rowwise || !plan.slopes[id.index()].is_empty() {
        return None;
    }
    let place = *block.shared.first()?;
    let plate = block.batch[place];
    let mut features: Vec<Key> = vec![];
    let mut tables = vec![];
    for m in &plan.messages[id.index()] {
        let u = match m.target {
            Target::Pair(..) => continue,
            Target::Single(u, StatisticKind::Value) => u,
            _ => return None,
        };
        let Planned::Rows { row, direct, .. } = &m.how else {
            return None;
        };
        let i = block.unknowns.iter().position(|x| *x == u)?;
        let slot = block.batch_slots[i][place];
        let mut c = direct.clone();
        if row.plate != plate || c.target.get(slot) != Some(&Subscript::Axis(*row)) {
            return None;
        }
        let rows = |a: &Axis| d.model.table_of(a.plate).is_some();
        let targets = c.target.iter().flat_map(Subscript::axes);
        if c.axes
            .iter()
            .copied()
            .chain(targets)
            .any(|a| a != *row && rows(&a))
        {
            return None;
        }
        c.target.remove(slot);
        let (key, axes, mut rest) = split(d, &mut features, &c, *row)?;
        rest.target.extend(axes.into_iter().map(Subscript::Axis));
        tables.push((i, key.index(), rest));
    }
    if features.is_empty() {
        return None;
    }
    let mut out = Affine {
        plate,
        place,
        features,
        tables,
        values: vec![],
    };
    for u in &block.unknowns {
        let axes = d.unknowns.get(*u).slots.iter().zip(FIRST_ID..);
        let index: Vec<Subscript> = axes
            .map(|(p, id)| Subscript::Axis(Axis { plate: *p, id }))
            .collect();
        out.values.push(values(&out, block, *u, &index)?);
    }
    Some(out)
}

/// The means of one unknown row by row, over its slots.
fn values(a: &Affine, block: &Block, u: UnknownId, index: &[Subscript]) -> Option<Vec<Planned>> {
    let i = block.unknowns.iter().position(|x| *x == u)?;
    let Subscript::Axis(row) = index.get(block.batch_slots[i][a.place])? else {
        return None;
    };
    let mut next = FIRST_ID + index.len() as u32;
    let all = (0..a.features.len()).map(|j| {
        let part = mapped(a, block, u, index, j, &mut next)?;
        let mut axes: Vec<Axis> = index.iter().flat_map(Subscript::axes).collect();
        axes.extend(part.axes);
        Some(Planned::Rows {
            row: *row,
            direct: Contraction {
                coef: 1.0,
                data: part.data,
                moments: vec![part.map],
                local: vec![],
                axes,
                target: index.to_vec(),
            },
            hoisted: None,
        })
    });
    all.collect()
}

/// M_j D_j(n) in place of a mean.
struct Part {
    data: Vec<Known>,
    map: Moment,
    axes: Vec<Axis>,
}

/// One part of the mean of an unknown at an index whose row slot is a bare axis.
fn mapped(
    a: &Affine,
    block: &Block,
    u: UnknownId,
    index: &[Subscript],
    j: usize,
    next: &mut u32,
) -> Option<Part> {
    let i = block.unknowns.iter().position(|x| *x == u)?;
    let slot = block.batch_slots[i][a.place];
    let row @ Subscript::Axis(axis) = index.get(slot)? else {
        return None;
    };
    if axis.plate != a.plate {
        return None;
    }
    let feature = a.features.get(j)?;
    let mut names = vec![(feature.row, row.clone())];
    let mut axes = vec![];
    for old in open_axes(feature).into_iter().skip(1) {
        let new = Axis {
            plate: old.plate,
            id: *next,
        };
        *next += 1;
        axes.push(new);
        names.push((old, Subscript::Axis(new)));
    }
    let rename = |s: &Subscript| s.substitute(&names);
    let mut at: Vec<Subscript> = index.to_vec();
    at.remove(slot);
    at.extend(target(feature).iter().map(rename));
    Some(Part {
        data: feature.data.iter().map(|k| k.map(&rename)).collect(),
        map: Moment {
            kind: MomentKind::Map(u, j as u32),
            index: at,
        },
        axes,
    })
}

/// A row sum of means through maps and sums of data; `None` where some of it is no such sum.
fn pushed(
    d: &Derivation,
    plan: &mut Plan,
    block: &Block,
    a: &Affine,
    key: &Key,
) -> Option<Vec<Planned>> {
    let ids = key.axes.iter().chain([&key.row]).map(|x| x.id);
    let mut next = ids.max().unwrap_or(0) + 1;
    let whole = Contraction {
        coef: 1.0,
        data: key.data.clone(),
        moments: vec![],
        local: vec![],
        axes: open_axes(key),
        target: target(key),
    };
    let mut sums = vec![whole];
    for s in &key.local {
        let Statistic {
            of,
            kind: StatisticKind::Value,
            index,
            offset: None,
        } = s
        else {
            return None;
        };
        let mut product = vec![];
        for c in &sums {
            for j in 0..a.features.len() {
                let part = mapped(a, block, *of, index, j, &mut next)?;
                let mut c = c.clone();
                c.data.extend(part.data);
                c.moments.push(part.map);
                c.axes.extend(part.axes);
                product.push(c);
            }
        }
        sums = product;
    }
    let mut out = vec![];
    for c in &sums {
        match cut(d, &mut plan.keys, c) {
            Ok(Cut::Planned(p @ Planned::Rows { .. })) if hoisted(plan, &p) => out.push(p),
            _ => return None,
        }
    }
    Some(out)
}

fn hoisted(plan: &Plan, p: &Planned) -> bool {
    match p {
        Planned::Rows {
            hoisted: Some((k, _, _)),
            ..
        } => plan.keys[k.index()].local.is_empty(),
        _ => false,
    }
}

/// Everything that reads the means of the block reads them through a row sum that is pushed.
fn covered(d: &Derivation, plan: &Plan, id: BlockId) -> bool {
    let block = d.block(id);
    let holds = |c: &Contraction| {
        let mean = |m: &Moment| matches!(m.kind, MomentKind::Statistic(u, _) if block.holds(u));
        c.moments.iter().any(mean)
    };
    let is_pushed = |k| {
        let of_key = |s: &&super::RowSum| s.key == k;
        let found = plan.sums.iter().find(of_key);
        found.is_some_and(|s| s.pushed.is_some())
    };
    // Rows that the receiver has of its own are summed without their weights.
    let fits = |p: &Planned, own: &[PlateId]| match p {
        Planned::Global(c) | Planned::Keyed { rest: c, .. } => !holds(c),
        Planned::Rows {
            row,
            direct,
            hoisted,
        } => {
            let by_sum = |k| is_pushed(k) && !own.contains(&row.plate);
            !holds(direct) || hoisted.as_ref().is_some_and(|(k, _, _)| by_sum(*k))
        }
    };
    let mut lists = plan.messages.iter().zip(&plan.slopes).zip(&d.blocks);
    let messages = lists.all(|((m, s), b)| m.iter().chain(s).all(|m| fits(&m.how, &b.batch)));
    let plain = plan.predictors.iter().chain(&plan.values).flatten();
    messages
        && plain.clone().all(|p| match p {
            Planned::Global(c)
            | Planned::Keyed { rest: c, .. }
            | Planned::Rows { direct: c, .. } => !holds(c),
        })
        && plan.expectation.iter().all(|p| fits(p, &[]))
        && plan.keys.iter().all(|k| !k.tables.iter().any(holds))
}
