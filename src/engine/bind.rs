//! Local blocks bound to rows: which state meets which entry of which table.

use std::sync::Arc;

use ndarray::{ArcArray, IxDyn};

use crate::algebra::{Origin, Subscript};
use crate::data::{BLANK, Cells};
use crate::derive::{BlockId, Structure};
use crate::diag::{Code, Diagnostic};
use crate::model::{Axis, PlateId, Role};
use crate::plan::{Key, KeyId, Rewrite};

use super::Engine;
use super::pass::{BoundChain, BoundKey, BoundPass, Clamp, Columns, Stored};

/// At most this many joint states of an element are enumerated.
pub const JOINT_STATES: usize = 4096;

/// A local block with its keys and rows.
pub struct BoundBlock {
    /// The block.
    pub block: BlockId,
    /// Its keys, in the order of `rows.keys`.
    pub keys: Vec<KeyId>,
    /// The rows.
    pub rows: BoundPass,
    /// Distinct rows with the sum of their weights, and the first row each stands for, where many are equal.
    pub collapsed: Option<(BoundPass, Vec<usize>)>,
    /// Sizes of the other batch plates.
    pub element_shape: Vec<usize>,
    /// States of each unknown.
    pub state_shape: Vec<usize>,
}

/// Binds a local block.
///
/// # Errors
/// E0505: more joint states than are enumerated.
pub fn bind_block(
    engine: &Engine<'_>,
    id: BlockId,
    keys: &[KeyId],
) -> Result<BoundBlock, Vec<Diagnostic>> {
    let d = engine.derivation;
    let block = d.block(id);
    let plate = block.rows.unwrap_or(crate::model::BINARY);
    let elements: Vec<usize> = (0..block.batch.len())
        .filter(|i| block.batch[*i] != plate)
        .collect();
    let element_shape: Vec<usize> = elements
        .iter()
        .map(|i| engine.plate_size(block.batch[*i]))
        .collect();
    let state_shape: Vec<usize> = block
        .unknowns
        .iter()
        .filter_map(|u| d.unknowns.get(*u).element_plate())
        .map(|p| engine.plate_size(p))
        .collect();
    let states: f64 = state_shape.iter().map(|s| *s as f64).product();
    if states > JOINT_STATES as f64 {
        let names: Vec<String> = block
            .unknowns
            .iter()
            .map(|u| format!("`{}`", d.unknowns.get(*u).name))
            .collect();
        return Err(vec![
            Diagnostic::new(Code::E0505, "too many joint states")
                .at(engine.place(block.unknowns[0]), "its joint states are enumerated")
                .note(format!(
                    "{} are coupled: {states} joint states per element, at most {JOINT_STATES} are enumerated",
                    names.join(", ")
                ))
                .help("make one of them `as factorised`, or give its plate fewer elements"),
        ]);
    }
    let rows = engine.plate_size(plate);
    let element_count: usize = element_shape.iter().product();
    let state_count = states as usize;
    let bound_keys = keys
        .iter()
        .map(|k| {
            bind_key(
                engine,
                id,
                &engine.plan.keys[k.index()],
                &elements,
                &element_shape,
                &state_shape,
            )
        })
        .collect();
    let mut clamps = vec![];
    for (i, u) in block.unknowns.iter().enumerate() {
        if let Origin::Column(c) = d.unknowns.get(*u).origin
            && let Cells::Elements(v) = &engine.evaluator.data.columns[c.index()]
        {
            let component = (0..state_count)
                .map(|s| unflatten(s, &state_shape)[i] as u32)
                .collect();
            clamps.push(Clamp {
                values: Arc::new(v.iter().copied().collect()),
                component,
            });
        }
    }
    let rows = BoundPass {
        rows,
        weights: engine.evaluator.weights(plate).map(Arc::new),
        elements: element_count,
        states: state_count,
        keys: bound_keys,
        clamps,
        hard: block.role != Role::Latent,
        exp_tables: engine.has(Rewrite::Tables),
        chain: None,
        few: None,
    };
    let rows = match block.structure {
        Structure::Chain(plate) => chained(engine, keys, plate, rows),
        _ => rows,
    };
    let collapsed = match rows.chain {
        None if engine.has(Rewrite::Collapse) => super::collapse::collapse(&rows),
        _ => None,
    };
    Ok(BoundBlock {
        block: id,
        keys: keys.to_vec(),
        rows,
        collapsed,
        element_shape,
        state_shape,
    })
}

/// A pass along chains of rows: where they begin, which keys couple a row with the one before, and the weights, which are
/// those of the first rows.
fn chained(engine: &Engine<'_>, keys: &[KeyId], plate: PlateId, mut pass: BoundPass) -> BoundPass {
    let row = Axis { plate, id: 0 };
    let (_, previous) = engine.evaluator.subscript(&Subscript::Lag(row, 1));
    let starts: Vec<usize> = previous
        .iter()
        .enumerate()
        .filter(|(_, p)| **p == BLANK)
        .map(|(n, _)| n)
        .collect();
    let steps: Vec<usize> = (0..keys.len())
        .filter(|i| steps_back(&engine.plan.keys[keys[*i].index()]))
        .collect();
    let one = |k: &BoundKey| {
        k.selectors.is_empty()
            && previous
                .iter()
                .enumerate()
                .all(|(n, p)| *p == BLANK || (0..k.positions).all(|a| k.factor(n, a) == 1.0))
    };
    let constant = steps.iter().all(|s| one(&pass.keys[*s]));
    if let Some(w) = &mut pass.weights {
        let mut own: Vec<f64> = w.to_vec();
        for (n, p) in previous.iter().enumerate() {
            if *p != BLANK {
                own[n] = own[n - 1];
            }
        }
        *w = Arc::new(own);
    }
    pass.chain = Some(BoundChain {
        starts,
        steps,
        constant,
    });
    pass
}

/// True if a key holds a statistic of the row before.
fn steps_back(key: &Key) -> bool {
    key.local
        .iter()
        .any(|s| matches!(s.index.first(), Some(Subscript::Lag(..))))
}

/// The multi-index of a flat position.
pub fn unflatten(mut flat: usize, shape: &[usize]) -> Vec<usize> {
    let mut at = vec![0; shape.len()];
    for (i, s) in shape.iter().enumerate().rev() {
        at[i] = flat % s.max(&1);
        flat /= s.max(&1);
    }
    at
}

fn bind_key(
    engine: &Engine<'_>,
    id: BlockId,
    key: &Key,
    elements: &[usize],
    element_shape: &[usize],
    state_shape: &[usize],
) -> BoundKey {
    let block = engine.derivation.block(id);
    let local_axes: Vec<Axis> = {
        let mut v: Vec<Axis> = vec![];
        for s in &key.local {
            for i in &s.index {
                i.visit_axes(&mut |a| {
                    if a != key.row && !v.contains(&a) {
                        v.push(a);
                    }
                });
            }
        }
        v
    };
    let first_local = key.axes.len() - local_axes.len();
    let first_selector = first_local - key.selectors.len();
    let sizes: Vec<usize> = key.axes.iter().map(|a| engine.size(*a)).collect();
    let data_sizes = &sizes[..first_selector];
    let positions: usize = data_sizes.iter().product();
    let stride: usize = sizes[first_selector..].iter().product();
    let local_sizes = &sizes[first_local..];
    let local_len: usize = local_sizes.iter().product();
    let position_at: Vec<Vec<usize>> = (0..positions).map(|p| unflatten(p, data_sizes)).collect();
    let local_at: Vec<Vec<usize>> = (0..local_len).map(|p| unflatten(p, local_sizes)).collect();

    // Each state determines every local axis; along a chain the state of the row before and that of the row do.
    let step = steps_back(key);
    let both: Vec<usize> = state_shape.iter().chain(state_shape).copied().collect();
    let state_shape = if step { both.as_slice() } else { state_shape };
    let element_count: usize = element_shape.iter().product();
    let state_count: usize = state_shape.iter().product();
    let mut map = vec![];
    for e in 0..element_count {
        let element = unflatten(e, element_shape);
        'states: for s in 0..state_count {
            let state = unflatten(s, state_shape);
            let mut at: Vec<Option<usize>> = vec![None; local_axes.len()];
            for stat in &key.local {
                let u = block
                    .unknowns
                    .iter()
                    .position(|x| *x == stat.of)
                    .unwrap_or(0);
                let last = stat.index.len() - 1;
                let now = step && !matches!(stat.index.first(), Some(Subscript::Lag(..)));
                for (slot, sub) in stat.index.iter().enumerate() {
                    let value = if slot == last {
                        state[u + usize::from(now)]
                    } else {
                        match elements
                            .iter()
                            .position(|i| block.batch_slots[u][*i] == slot)
                        {
                            Some(i) => element[i],
                            None => continue,
                        }
                    };
                    match sub {
                        Subscript::Axis(a) => {
                            if let Some(p) = local_axes.iter().position(|x| x == a) {
                                if at[p].is_some_and(|v| v != value) {
                                    continue 'states;
                                }
                                at[p] = Some(value);
                            }
                        }
                        Subscript::Element(k) if *k as usize != value => continue 'states,
                        _ => {}
                    }
                }
            }
            let mut offset = 0;
            for (v, size) in at.iter().zip(local_sizes) {
                offset = offset * size + v.unwrap_or(0);
            }
            map.push((e * state_count + s, offset));
        }
    }
    let width = element_count * state_count;
    let full = map.len() == width
        && local_len == width
        && map.iter().enumerate().all(|(i, (s, o))| *s == i && *o == i);

    let data: Vec<Columns<f64>> = key
        .data
        .iter()
        .map(|k| {
            if let Some(s) = engine.shifted(k, key.row) {
                let mut c = columns(
                    engine,
                    key,
                    Stored::Cells(s.cells),
                    &s.own,
                    first_selector,
                    &position_at,
                    &local_axes,
                    &local_at,
                );
                let plain = s.scale.iter().all(|x| *x == 1.0) && s.shift.iter().all(|x| *x == 0.0);
                c.moved = (!plain).then_some((s.scale, s.shift));
                return c;
            }
            let t = engine.known(k);
            let row_at = t.axes.iter().position(|a| *a == key.row).unwrap_or(0);
            let mut order = vec![row_at];
            order.extend((0..t.axes.len()).filter(|i| *i != row_at));
            let own: Vec<Axis> = order[1..].iter().map(|i| t.axes[*i]).collect();
            let values: Vec<f64> = t
                .values
                .view()
                .permuted_axes(IxDyn(&order))
                .iter()
                .copied()
                .collect();
            columns(
                engine,
                key,
                Stored::Made(Arc::new(values)),
                &own,
                first_selector,
                &position_at,
                &local_axes,
                &local_at,
            )
        })
        .collect();
    let mut selectors = vec![];
    for (i, (s, _)) in key.selectors.iter().enumerate() {
        let stride: usize = sizes[first_selector + i + 1..].iter().product();
        if let Some((cells, own)) = cells_of(engine, s, key.row) {
            let c = columns(
                engine,
                key,
                Stored::Cells(cells),
                &own,
                first_selector,
                &position_at,
                &local_axes,
                &local_at,
            );
            selectors.push((c, stride));
            continue;
        }
        let (axes, v) = engine.evaluator.subscript(s);
        let row_at = axes.iter().position(|a| *a == key.row).unwrap_or(0);
        let mut order = vec![row_at];
        order.extend((0..axes.len()).filter(|i| *i != row_at));
        let own: Vec<Axis> = order[1..].iter().map(|i| axes[*i]).collect();
        let values: Vec<u32> = v
            .view()
            .permuted_axes(IxDyn(&order))
            .iter()
            .copied()
            .collect();
        let c = columns(
            engine,
            key,
            Stored::Made(Arc::new(values)),
            &own,
            first_selector,
            &position_at,
            &local_axes,
            &local_at,
        );
        selectors.push((c, stride));
    }
    let mask = key.data.iter().zip(&data).all(|(_, c)| c.is_mask());
    let symmetric = symmetric(engine, key, &data, first_selector, positions)
        .filter(|_| engine.has(Rewrite::Symmetric));
    BoundKey {
        data,
        mask,
        selectors,
        positions,
        stride,
        map,
        full,
        symmetric,
        len: sizes.iter().product(),
    }
}

/// The elements of a column of labels at bare axes, the row's first, as they are.
fn cells_of(
    engine: &Engine<'_>,
    s: &Subscript,
    row: Axis,
) -> Option<(ArcArray<u32, IxDyn>, Vec<Axis>)> {
    let Subscript::Column(c, inner) = s else {
        return None;
    };
    let axes: Option<Vec<Axis>> = inner
        .iter()
        .map(|s| match s {
            Subscript::Axis(a) => Some(*a),
            _ => None,
        })
        .collect();
    let axes = axes?;
    let distinct = (0..axes.len()).all(|i| !axes[..i].contains(&axes[i]));
    match &engine.evaluator.data.columns[c.index()] {
        Cells::Elements(v) if distinct && axes.first() == Some(&row) && v.as_slice().is_some() => {
            Some((v.clone(), axes[1..].to_vec()))
        }
        _ => None,
    }
}

#[allow(clippy::too_many_arguments)]
fn columns<T>(
    engine: &Engine<'_>,
    key: &Key,
    values: Stored<T>,
    own: &[Axis],
    data_axes: usize,
    position_at: &[Vec<usize>],
    local_axes: &[Axis],
    local_at: &[Vec<usize>],
) -> Columns<T> {
    let mut strides = vec![1usize; own.len()];
    for i in (0..own.len().saturating_sub(1)).rev() {
        strides[i] = strides[i + 1] * engine.size(own[i + 1]);
    }
    let width: usize = own.iter().map(|a| engine.size(*a)).product();
    let by_data = position_at
        .iter()
        .map(|at| {
            own.iter()
                .zip(&strides)
                .map(|(a, s)| {
                    key.axes[..data_axes]
                        .iter()
                        .position(|x| x == a)
                        .map_or(0, |p| at[p] * s)
                })
                .sum()
        })
        .collect();
    let depends = own.iter().any(|a| local_axes.contains(a));
    let by_local = if depends {
        local_at
            .iter()
            .map(|at| {
                own.iter()
                    .zip(&strides)
                    .map(|(a, s)| {
                        local_axes
                            .iter()
                            .position(|x| x == a)
                            .map_or(0, |p| at[p] * s)
                    })
                    .sum()
            })
            .collect()
    } else {
        vec![]
    };
    Columns {
        values,
        moved: None,
        width,
        by_data,
        by_local,
    }
}

/// Two factors that are one array at two axes: x x' is packed.
fn symmetric(
    engine: &Engine<'_>,
    key: &Key,
    data: &[Columns<f64>],
    data_axes: usize,
    positions: usize,
) -> Option<usize> {
    let ([a, b], 2) = (key.data.as_slice(), data_axes) else {
        return None;
    };
    let (x, y) = (key.axes[0], key.axes[1]);
    if x.plate != y.plate || !key.selectors.is_empty() {
        return None;
    }
    let swapped = a.map(&|s| s.substitute(&[(x, Subscript::Axis(y)), (y, Subscript::Axis(x))]));
    let n = engine.size(x);
    let one = |k: &crate::algebra::Known, at: Axis, not: Axis| {
        let axes = k.axes();
        axes.contains(&at) && !axes.contains(&not)
    };
    let ok = swapped == *b
        && positions == n * n
        && data.iter().all(|c| c.width == n && c.by_local.is_empty())
        && ((one(a, x, y) && one(b, y, x)) || (one(a, y, x) && one(b, x, y)));
    ok.then_some(n)
}
