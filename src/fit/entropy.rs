//! The entropy of q element by element, where the engine keeps their sum.
//!
//! ```text
//! exponential family  H = A(eta) - eta . E[t]        Gaussian  H = (n log 2 pi e + log |C|) / 2
//! discrete            H = - sum p log p
//! ```

use ndarray::{ArrayD, IxDyn};

use super::collect::parameters;
use crate::derive::{Block, BlockId, Form, MomentKind};
use crate::engine::Engine;
use crate::engine::bind::unflatten;
use crate::engine::state::State;
use crate::family::gaussian_wishart::GaussianWishart;
use crate::family::{Parameter, StatisticKind};
use crate::numeric::linalg::log_det_spd;

/// The entropy of each batch element of a stored latent block, over its batch plates; `None` where its elements are not
/// told apart.
pub fn by_element(engine: &Engine<'_>, state: &State, id: BlockId) -> Option<ArrayD<f64>> {
    let block = engine.derivation.block(id);
    let mut h = whole(engine, state, block)?;
    // The second place of a symmetric element has none of its own. Such a block is one unknown, all its plates in order.
    let u = *block.unknowns.first()?;
    if engine.symmetric_slot(u).is_some() {
        for (h, is_element) in h.iter_mut().zip(engine.elements(u)) {
            *h *= f64::from(u8::from(is_element));
        }
    }
    Some(h)
}

fn whole(engine: &Engine<'_>, state: &State, block: &Block) -> Option<ArrayD<f64>> {
    match &block.form {
        Form::Family(_) => family(engine, state, block),
        Form::Gaussian => gaussian(engine, state, block),
        Form::GaussianWishart | Form::GaussianGamma => scale(engine, state, block),
        Form::Discrete => {
            let u = *block.unknowns.first()?;
            let kind = MomentKind::Statistic(u, StatisticKind::Indicator);
            let q = state.moments.get(&kind)?;
            let k = q.shape().last().copied().unwrap_or(1).max(1);
            let flat: Vec<f64> = q.iter().copied().collect();
            let h = flat
                .chunks(k)
                .map(|r| r.iter().filter(|p| **p > 0.0).map(|p| -p * p.ln()).sum())
                .collect();
            by_batch(engine, block, h)
        }
        // Elements are coupled with each other: their entropy is that of the whole.
        Form::Network | Form::GaussianNetwork | Form::Conditional | Form::Deviation => None,
        // A penalised element's numbers are split, but published without their entropies; the others are points.
        Form::Penalised
        | Form::UnitVectors
        | Form::Increasing
        | Form::Optimised
        | Form::LeastAbsolute
        | Form::Quadrature => None,
    }
}

/// From the order of the first unknown's slots to that of the batch.
fn by_batch(engine: &Engine<'_>, block: &Block, values: Vec<f64>) -> Option<ArrayD<f64>> {
    let u = *block.unknowns.first()?;
    let unknown = engine.derivation.unknowns.get(u);
    let plates = unknown.plates().len();
    let slots = block.batch_slots.first()?;
    if slots.len() != plates {
        return None;
    }
    let shape: Vec<usize> = engine.shape(u).into_iter().take(plates).collect();
    let a = ArrayD::from_shape_vec(IxDyn(&shape), values).ok()?;
    Some(a.permuted_axes(IxDyn(slots)))
}

fn family(engine: &Engine<'_>, state: &State, block: &Block) -> Option<ArrayD<f64>> {
    let Form::Family(family) = &block.form else {
        return None;
    };
    let u = *block.unknowns.first()?;
    let unknown = engine.derivation.unknowns.get(u);
    let shape = engine.shape(u);
    let plates = unknown.plates().len();
    let count: usize = shape.iter().take(plates).product();
    let d = match unknown.domain.value_slots() {
        0 => 1,
        _ => *shape.get(plates)?,
    };
    let given = parameters(engine, state, block, u);
    let flat: Vec<(&'static str, Vec<f64>)> = given
        .iter()
        .map(|(n, a)| (*n, a.iter().copied().collect()))
        .collect();
    let mut expected = vec![0.0; family.lengths(d).iter().sum()];
    let mut out = Vec::with_capacity(count);
    let cells = engine.cells(u);
    for i in 0..count {
        let cell = cells.as_ref().and_then(|c| c.as_slice()?.get(i));
        if cell.is_some_and(|x| !x.is_nan()) {
            out.push(0.0);
            continue;
        }
        let eta = family.natural(&slice(&flat, i, count)?, d).ok()?;
        let log_z = family.expectations(&eta, d, &mut expected).ok()?;
        out.push(log_z - dot(&eta, &expected));
    }
    by_batch(engine, block, out)
}

/// The parameters of element i of `count`.
fn slice(flat: &[(&'static str, Vec<f64>)], i: usize, count: usize) -> Option<Vec<Parameter>> {
    flat.iter()
        .map(|(name, v)| {
            let len = v.len() / count.max(1);
            Some(Parameter {
                name,
                shape: vec![len],
                values: v.get(i * len..(i + 1) * len)?.to_vec(),
            })
        })
        .collect()
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

fn batch_shape(engine: &Engine<'_>, block: &Block) -> Vec<usize> {
    block.batch.iter().map(|p| engine.plate_size(*p)).collect()
}

/// How many coupled elements each unknown has.
fn coupled(engine: &Engine<'_>, block: &Block) -> Vec<usize> {
    let of = block.unknowns.iter().zip(&block.inside_slots);
    of.map(|(u, slots)| {
        let shape = engine.shape(*u);
        slots.iter().filter_map(|s| shape.get(*s)).product()
    })
    .collect()
}

fn gaussian(engine: &Engine<'_>, state: &State, block: &Block) -> Option<ArrayD<f64>> {
    let sizes = coupled(engine, block);
    let n: usize = sizes.iter().sum();
    let varying: Vec<usize> = block
        .varying()
        .map(|i| engine.plate_size(block.batch[i]))
        .collect();
    let batch: usize = varying.iter().product();
    let mut all = vec![0.0; batch * n * n];
    let mut row = 0;
    for (u, r) in block.unknowns.iter().zip(&sizes) {
        let mut column = 0;
        for (v, c) in block.unknowns.iter().zip(&sizes) {
            let part = state.moments.get(&MomentKind::Covariance(*u, *v))?;
            let part: Vec<f64> = part.iter().copied().collect();
            for b in 0..batch {
                for i in 0..*r {
                    for j in 0..*c {
                        let x = *part.get((b * r + i) * c + j)?;
                        *all.get_mut((b * n + row + i) * n + column + j)? = x;
                    }
                }
            }
            column += c;
        }
        row += r;
    }
    let constant = 1.0 + (2.0 * std::f64::consts::PI).ln();
    let h: Option<Vec<f64>> = (0..batch)
        .map(|b| {
            let c = all.get(b * n * n..(b + 1) * n * n)?;
            // A known cell has no spread and no entropy.
            let free: Vec<usize> = (0..n).filter(|i| c[i * n + i] > 0.0).collect();
            let part = free
                .iter()
                .flat_map(|i| free.iter().map(move |j| c[i * n + j]));
            let part: Vec<f64> = part.collect();
            let m = free.len();
            Some(0.5 * (m as f64 * constant + log_det_spd(&part, m).ok()?))
        })
        .collect();
    let mut h = ArrayD::from_shape_vec(IxDyn(&varying), h?).ok()?;
    for i in &block.shared {
        h = h.insert_axis(ndarray::Axis(*i));
    }
    let all = h.broadcast(IxDyn(&batch_shape(engine, block)))?.to_owned();
    Some(all)
}

fn scale(engine: &Engine<'_>, state: &State, block: &Block) -> Option<ArrayD<f64>> {
    let (w, v) = (*block.unknowns.first()?, *block.unknowns.get(1)?);
    let n = *coupled(engine, block).first()?;
    let matrix = matches!(block.form, Form::GaussianWishart);
    let family = if matrix {
        GaussianWishart { d: n, count: 1 }
    } else {
        GaussianWishart { d: 1, count: n }
    };
    let shape = batch_shape(engine, block);
    let batch: usize = shape.iter().product();
    let own = engine.shape(w);
    let of_w = parameters(engine, state, block, w);
    let mean = &of_w.iter().find(|(n, _)| *n == "mean")?.1;
    // The mean by (batch, inside) instead of by slots.
    let (slots, inner) = (block.batch_slots.first()?, block.inside_slots.first()?);
    let inner_shape: Vec<usize> = inner.iter().filter_map(|s| own.get(*s).copied()).collect();
    let mut means = Vec::with_capacity(batch * n);
    for b in 0..batch {
        for i in 0..n {
            let mut at = vec![0; own.len()];
            let places = unflatten(b, &shape)
                .into_iter()
                .chain(unflatten(i, &inner_shape));
            for (s, x) in slots.iter().chain(inner).zip(places) {
                *at.get_mut(*s)? = x;
            }
            means.push(*mean.get(IxDyn(&at))?);
        }
    }
    let mut flat: Vec<(&'static str, Vec<f64>)> = vec![("mean", means)];
    let others = of_w
        .iter()
        .chain(&parameters(engine, state, block, v))
        .cloned()
        .collect::<Vec<_>>();
    for (name, a) in others {
        let values = a.iter().copied();
        match name {
            "beta" => flat.push(("beta", values.collect())),
            "df" | "inverse_scale" => flat.push((name, values.collect())),
            // In one dimension: shape = df / 2, rate = inverse scale / 2.
            "shape" => flat.push(("df", values.map(|x| 2.0 * x).collect())),
            "rate" => flat.push(("inverse_scale", values.map(|x| 2.0 * x).collect())),
            _ => {}
        }
    }
    let mut expected = vec![0.0; family.length()];
    let h: Option<Vec<f64>> = (0..batch)
        .map(|b| {
            let eta = family.natural(&slice(&flat, b, batch)?).ok()?;
            let log_z = family.expectations(&eta, &mut expected).ok()?;
            Some(log_z - dot(&eta, &expected))
        })
        .collect();
    ArrayD::from_shape_vec(IxDyn(&shape), h?).ok()
}
