//! The cut at a row plate: the factors of a contraction that carry the row axis become a key.

use crate::algebra::canonical::canonical_form;
use crate::algebra::{Known, Statistic, Subscript, Term};
use crate::derive::{Contraction, Derivation, Moment};
use crate::model::{Axis, PlateId};

use super::{Key, KeyId, Planned};

/// What a contraction became.
#[derive(Debug, Clone, PartialEq)]
pub enum Cut {
    /// It holds statistics of a local block: the key, its axes in the contraction's names, the rest.
    Local {
        /// The key.
        key: KeyId,
        /// Its axes here.
        axes: Vec<Axis>,
        /// The contraction without its row part.
        rest: Contraction,
    },
    /// It holds none.
    Planned(Planned),
}

/// Cuts a contraction, adding its key to `keys`.
///
/// # Errors
/// In words, where a row-level statistic of another block stands beside the local one.
pub fn cut(d: &Derivation, keys: &mut Vec<Key>, c: &Contraction) -> Result<Cut, String> {
    let rows: Vec<Axis> = c
        .axes
        .iter()
        .copied()
        .chain(target_axes(c))
        .filter(|a| d.model.table_of(a.plate).is_some())
        .fold(vec![], |mut v, a| {
            if !v.contains(&a) {
                v.push(a);
            }
            v
        });
    let local_row = |s: &Statistic| -> Option<Axis> {
        let b = d.block_of(s.of)?;
        let plate = d.block(b).rows?;
        s.index.iter().find_map(|i| match i {
            // Along a chain, the row before belongs to the row's own part.
            Subscript::Axis(a) | Subscript::Lag(a, 1) if a.plate == plate => Some(*a),
            _ => None,
        })
    };
    if !c.local.is_empty() {
        let mut row: Option<Axis> = None;
        let mut block = None;
        for s in &c.local {
            let a = local_row(s).ok_or("a row-level latent is read at another row")?;
            let b = d.block_of(s.of);
            if row.is_some_and(|r| r != a) || block.is_some_and(|x| x != b) {
                return Err(
                    "two row-level latents that are split from each other meet here".into(),
                );
            }
            row = Some(a);
            block = Some(b);
        }
        let row = row.ok_or("a row-level latent without a row")?;
        let (key, axes, rest) = split(d, keys, c, row)
            .ok_or("a row-level latent meets another quantity kept per row here")?;
        return Ok(Cut::Local { key, axes, rest });
    }
    let weighted = |a: &&Axis| {
        let table = d.model.table_of(a.plate).map(|t| d.model.table(t));
        table.is_some_and(|t| t.weight.is_some())
    };
    if rows.iter().filter(weighted).count() > 1 {
        return Err("rows of two tables with weights meet here".into());
    }
    // Weights are those of the rows summed over: a table that has some comes first.
    let Some(row) = rows.iter().find(weighted).or(rows.first()).copied() else {
        return Ok(Cut::Planned(Planned::Global(c.clone())));
    };
    if rows.len() > 1 {
        // A second row plate is an ordinary axis: the sum over it is taken first.
        return Ok(Cut::Planned(Planned::Rows {
            row,
            direct: c.clone(),
            hoisted: None,
        }));
    }
    let hoisted = split(d, keys, c, row);
    Ok(Cut::Planned(Planned::Rows {
        row,
        direct: c.clone(),
        hoisted,
    }))
}

fn target_axes(c: &Contraction) -> Vec<Axis> {
    c.target.iter().flat_map(Subscript::axes).collect()
}

/// Row part and rest; `None` if a moment or the target carries the bare row axis.
pub(super) fn split(
    d: &Derivation,
    keys: &mut Vec<Key>,
    c: &Contraction,
    row: Axis,
) -> Option<(KeyId, Vec<Axis>, Contraction)> {
    let (row_data, global_data): (Vec<Known>, Vec<Known>) = c
        .data
        .iter()
        .cloned()
        .partition(|k| k.axes().contains(&row));
    // One table axis per distinct gather.
    let mut selectors: Vec<(Subscript, Axis)> = vec![];
    let mut next = c
        .axes
        .iter()
        .map(|a| a.id)
        .chain(target_axes(c).iter().map(|a| a.id))
        .max()
        .unwrap_or(0)
        + 1;
    let mut place = |s: &Subscript| -> Option<Subscript> {
        if !s.has_axis(row) {
            return Some(s.clone());
        }
        let Subscript::Column(col, _) = s else {
            return None;
        };
        if let Some((_, a)) = selectors.iter().find(|(x, _)| x == s) {
            return Some(Subscript::Axis(*a));
        }
        let plate = column_plate(d, *col)?;
        let a = Axis { plate, id: next };
        next += 1;
        selectors.push((s.clone(), a));
        Some(Subscript::Axis(a))
    };
    let mut moments = vec![];
    for m in &c.moments {
        let index: Option<Vec<Subscript>> = m.index.iter().map(&mut place).collect();
        moments.push(Moment {
            kind: m.kind,
            index: index?,
        });
    }
    let target: Option<Vec<Subscript>> = c.target.iter().map(&mut place).collect();
    let target = target?;
    // The row part as a term of its own: a gather is a column with its table axis as one more subscript.
    let mut part = Term {
        coef: 1.0,
        data: row_data,
        stats: c.local.clone(),
        axes: vec![row],
        from: vec![],
    };
    for (s, a) in &selectors {
        if let Subscript::Column(col, idx) = s {
            let mut idx = idx.clone();
            idx.push(Subscript::Axis(*a));
            part.data.push(Known::Column(*col, idx));
        }
    }
    for a in part.carried_axes() {
        if !part.axes.contains(&a) {
            part.axes.push(a);
        }
    }
    let (form, map) = canonical_form(&part, &d.unknowns);
    let to = |a: Axis| map.iter().find(|(x, _)| *x == a).map(|(_, y)| *y);
    let back = |a: Axis| map.iter().find(|(_, y)| *y == a).map(|(x, _)| *x);
    let new_row = to(row)?;
    let new_selectors: Vec<(Subscript, Axis)> = {
        let rename: Vec<(Axis, Subscript)> =
            map.iter().map(|(x, y)| (*x, Subscript::Axis(*y))).collect();
        let mut v: Vec<(Subscript, Axis)> = selectors
            .iter()
            .filter_map(|(s, a)| Some((s.substitute(&rename), to(*a)?)))
            .collect();
        v.sort_by_key(|(_, a)| (a.id, a.plate));
        v
    };
    let is_selector = |k: &Known| match k {
        Known::Column(_, idx) => matches!(
            idx.last(),
            Some(Subscript::Axis(a)) if new_selectors.iter().any(|(_, b)| a == b)
        ),
        _ => false,
    };
    let data: Vec<Known> = form
        .data
        .iter()
        .filter(|k| !is_selector(k))
        .cloned()
        .collect();
    let local_axes: Vec<Axis> = form
        .stats
        .iter()
        .flat_map(|s| s.index.iter().flat_map(Subscript::axes))
        .filter(|a| *a != new_row)
        .fold(vec![], push_new);
    let selector_axes: Vec<Axis> = new_selectors.iter().map(|(_, a)| *a).collect();
    let mut axes: Vec<Axis> = form
        .axes
        .iter()
        .copied()
        .filter(|a| *a != new_row && !local_axes.contains(a) && !selector_axes.contains(a))
        .collect();
    axes.extend(&selector_axes);
    axes.extend(&local_axes);
    let found = keys.iter().position(|k| {
        k.plate == row.plate
            && k.data == data
            && k.selectors == new_selectors
            && k.local == form.stats
    });
    let id = match found {
        Some(i) => i,
        None => {
            keys.push(Key {
                plate: row.plate,
                row: new_row,
                data,
                selectors: new_selectors,
                local: form.stats.clone(),
                axes: axes.clone(),
                tables: vec![],
            });
            keys.len() - 1
        }
    };
    let here: Option<Vec<Axis>> = keys[id].axes.iter().map(|a| back(*a)).collect();
    let here = here?;
    let mut rest_axes: Vec<Axis> = c.axes.iter().copied().filter(|a| *a != row).collect();
    for (_, a) in &selectors {
        rest_axes.push(*a);
    }
    Some((
        KeyId(id as u32),
        here,
        Contraction {
            coef: c.coef,
            data: global_data,
            moments,
            local: vec![],
            axes: rest_axes,
            target,
        },
    ))
}

fn push_new(mut v: Vec<Axis>, a: Axis) -> Vec<Axis> {
    if !v.contains(&a) {
        v.push(a);
    }
    v
}

fn column_plate(d: &Derivation, c: crate::model::ColumnId) -> Option<PlateId> {
    match d.model.column(c).ty {
        crate::model::ColumnType::Label(p) => Some(p),
        crate::model::ColumnType::Binary => Some(crate::model::BINARY),
        _ => None,
    }
}
