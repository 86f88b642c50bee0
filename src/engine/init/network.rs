//! Starts of discrete elements that are coupled with each other, and of a discrete unknown with Gaussians given it.
//!
//! Elements start independent: by their distance to prototypes in the numbers they meet, by random tables of the labels they
//! meet, else at random. What terms hold of several elements is then the product.

use ndarray::{ArrayD, IxDyn};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use crate::algebra::{Known, Statistic, Subscript, UnknownId};
use crate::derive::{BlockId, Form, MomentKind};
use crate::engine::Engine;
use crate::engine::prototypes::normal;
use crate::engine::state::State;
use crate::family::StatisticKind;
use crate::model::Axis;
use crate::numeric::logsumexp::softmax_in_place;

/// Sets q of the block and says how.
pub(super) fn start_network(
    engine: &Engine<'_>,
    state: &mut State,
    id: BlockId,
    rng: &mut ChaCha8Rng,
) -> String {
    let block = engine.derivation.block(id);
    let mut what = "at random".to_string();
    for u in &block.unknowns {
        if engine.derivation.unknowns.get(*u).element_plate().is_none() {
            continue;
        }
        let kind = MomentKind::Statistic(*u, StatisticKind::Indicator);
        if state.moments.contains_key(&kind) {
            continue;
        }
        let shape = engine.moment_shape(kind);
        let states = shape.last().copied().unwrap_or(1).max(1);
        let places: usize = shape.iter().rev().skip(1).product();
        let mut eta = vec![0.0; places * states];
        let numbers = features(engine, *u, &shape);
        if !numbers.is_empty() {
            by_distance(&numbers, &shape, states, &mut eta, rng);
            what = "by distance to elements drawn as in k-means++".into();
        } else if by_labels(engine, *u, &shape, &mut eta, rng) {
            what = "from random tables of the labels it meets".into();
        } else {
            // Gamma(1/2) draws, normalised: a Dirichlet(1/2).
            for x in &mut eta {
                *x = (0.5 * normal(rng).powi(2) + 1e-3).ln();
            }
        }
        for row in eta.chunks_mut(states) {
            softmax_in_place(row);
        }
        if let Ok(q) = ArrayD::from_shape_vec(IxDyn(&shape), eta) {
            state.moments.insert(kind, q);
        }
    }
    publish(engine, state, id, rng);
    what
}

/// Publishes what follows from the probabilities of the elements, Gaussians given them at random.
pub(super) fn publish(engine: &Engine<'_>, state: &mut State, id: BlockId, rng: &mut ChaCha8Rng) {
    match engine.derivation.block(id).form {
        Form::Conditional => engine.start_conditional(state, id, &mut || normal(rng)),
        _ => engine.publish_product(state, id),
    }
}

/// The numbers that the elements of an unknown meet: arrays over the slots they vary along, then their own axes.
struct Feature {
    /// Slots of the unknown that the first dimensions run over.
    slots: Vec<usize>,
    values: ArrayD<f64>,
}

fn features(engine: &Engine<'_>, u: UnknownId, shape: &[usize]) -> Vec<Feature> {
    let d = engine.derivation;
    let slots = shape.len() - 1;
    let mut seen: Vec<Known> = vec![];
    let mut out = vec![];
    for t in &d.terms.items {
        let Some(s) = t.stats.iter().find(|s| s.of == u) else {
            continue;
        };
        let Some(axes) = plain(&s.index[..slots]) else {
            continue;
        };
        let mut numeric = t.data.iter().filter(|k| {
            axes.iter().any(|a| k.axes().contains(a))
                && engine
                    .known(k)
                    .values
                    .iter()
                    .any(|v| *v != 0.0 && *v != 1.0)
        });
        let (Some(k), None) = (numeric.next(), numeric.next()) else {
            continue;
        };
        let tensor = engine.known(k);
        let own: Vec<usize> = (0..slots)
            .filter(|i| tensor.axes.contains(&axes[*i]))
            .collect();
        let mut order: Vec<usize> = own
            .iter()
            .filter_map(|i| tensor.axes.iter().position(|a| *a == axes[*i]))
            .collect();
        order.extend(
            (0..tensor.axes.len())
                .filter(|i| !order.contains(i))
                .collect::<Vec<_>>(),
        );
        let map: Vec<(Axis, Subscript)> = tensor
            .axes
            .iter()
            .enumerate()
            .map(|(i, a)| {
                (
                    *a,
                    Subscript::Axis(Axis {
                        plate: a.plate,
                        id: i as u32,
                    }),
                )
            })
            .collect();
        let name = k.map(&|s| s.substitute(&map));
        if seen.contains(&name) {
            continue;
        }
        seen.push(name);
        out.push(Feature {
            slots: own,
            values: tensor
                .values
                .permuted_axes(IxDyn(&order))
                .as_standard_layout()
                .into_owned(),
        });
    }
    out
}

fn plain(index: &[Subscript]) -> Option<Vec<Axis>> {
    let axes: Vec<Axis> = index
        .iter()
        .map(|s| match s {
            Subscript::Axis(a) => Some(*a),
            _ => None,
        })
        .collect::<Option<_>>()?;
    let distinct = (0..axes.len()).all(|i| !axes[..i].contains(&axes[i]));
    distinct.then_some(axes)
}

/// Negative squared distances to prototypes, numbers scaled by their spread; elements that meet the same numbers, such as the
/// chains of one series, have prototypes of their own.
fn by_distance(
    features: &[Feature],
    shape: &[usize],
    states: usize,
    eta: &mut [f64],
    rng: &mut ChaCha8Rng,
) {
    let plates = &shape[..shape.len() - 1];
    let varies: Vec<bool> = (0..plates.len())
        .map(|i| features.iter().any(|f| f.slots.contains(&i)))
        .collect();
    let repeats: usize = (0..plates.len())
        .filter(|i| !varies[*i])
        .map(|i| plates[i])
        .product();
    let rows: Vec<Vec<f64>> = positions(plates, &varies)
        .iter()
        .map(|at| row_of(features, at))
        .collect();
    let width = rows.first().map_or(0, Vec::len);
    let scale: Vec<f64> = (0..width)
        .map(|j| {
            let n = rows.len() as f64;
            let m = rows.iter().map(|r| r[j]).sum::<f64>() / n;
            let v = rows.iter().map(|r| (r[j] - m).powi(2)).sum::<f64>() / n;
            if v > 0.0 { 1.0 / v } else { 0.0 }
        })
        .collect();
    let distance = |a: &[f64], b: &[f64]| -> f64 {
        a.iter()
            .zip(b)
            .zip(&scale)
            .map(|((x, y), s)| (x - y).powi(2) * s)
            .sum()
    };
    // With several copies no single one explains the data: their starts stay soft.
    let sharp = if repeats > 1 { 0.5 } else { 2.0 };
    let groups: Vec<Vec<Vec<f64>>> = (0..repeats.max(1))
        .map(|_| prototypes(&rows, states, &distance, rng))
        .collect();
    let row_index: std::collections::BTreeMap<Vec<usize>, usize> = positions(plates, &varies)
        .into_iter()
        .enumerate()
        .map(|(i, at)| (at, i))
        .collect();
    for (i, out) in eta.chunks_mut(states).enumerate() {
        let at = crate::engine::bind::unflatten(i, plates);
        let key: Vec<usize> = at
            .iter()
            .zip(&varies)
            .map(|(x, v)| if *v { *x } else { 0 })
            .collect();
        let repeat = at
            .iter()
            .zip(&varies)
            .zip(plates)
            .filter(|((_, v), _)| !**v)
            .fold(0, |a, ((x, _), n)| a * n + x);
        let row = &rows[row_index.get(&key).copied().unwrap_or(0)];
        for (x, c) in out.iter_mut().zip(&groups[repeat % groups.len()]) {
            *x = -sharp * distance(row, c);
        }
    }
}

/// All positions of the slots that vary, 0 elsewhere.
fn positions(plates: &[usize], varies: &[bool]) -> Vec<Vec<usize>> {
    let sizes: Vec<usize> = plates
        .iter()
        .zip(varies)
        .map(|(n, v)| if *v { *n } else { 1 })
        .collect();
    (0..sizes.iter().product())
        .map(|i| crate::engine::bind::unflatten(i, &sizes))
        .collect()
}

fn row_of(features: &[Feature], at: &[usize]) -> Vec<f64> {
    let mut row = vec![];
    for f in features {
        let width: usize = f.values.shape()[f.slots.len()..].iter().product();
        let first = f
            .slots
            .iter()
            .zip(f.values.shape())
            .fold(0, |a, (s, n)| a * n + at[*s]);
        if let Some(v) = f.values.as_slice() {
            row.extend_from_slice(&v[first * width..(first + 1) * width]);
        }
    }
    row
}

/// k-means++ and three rounds of Lloyd.
fn prototypes(
    rows: &[Vec<f64>],
    count: usize,
    distance: &dyn Fn(&[f64], &[f64]) -> f64,
    rng: &mut ChaCha8Rng,
) -> Vec<Vec<f64>> {
    let Some(first) = rows.first() else {
        return vec![vec![]; count];
    };
    let mut chosen = vec![rows[rng.random_range(0..rows.len())].clone()];
    let mut nearest: Vec<f64> = rows.iter().map(|r| distance(r, &chosen[0])).collect();
    while chosen.len() < count {
        let total: f64 = nearest.iter().sum();
        let mut left = rng.random::<f64>() * total;
        let pick = nearest
            .iter()
            .position(|d| {
                left -= d;
                left < 0.0
            })
            .unwrap_or_else(|| rng.random_range(0..rows.len()));
        for (n, r) in nearest.iter_mut().zip(rows) {
            *n = n.min(distance(r, &rows[pick]));
        }
        chosen.push(rows[pick].clone());
    }
    for _ in 0..3 {
        let mut sums = vec![vec![0.0; first.len()]; count];
        let mut counts = vec![0.0; count];
        for r in rows {
            let best = (0..count).fold(0, |b, k| {
                if distance(r, &chosen[k]) < distance(r, &chosen[b]) {
                    k
                } else {
                    b
                }
            });
            counts[best] += 1.0;
            for (s, x) in sums[best].iter_mut().zip(r) {
                *s += x;
            }
        }
        for ((c, s), n) in chosen.iter_mut().zip(&sums).zip(&counts) {
            if *n > 0.0 {
                for (x, y) in c.iter_mut().zip(s) {
                    *x = y / n;
                }
            }
        }
    }
    chosen
}

/// Adds a random number for each label that an element meets and each state. True if there is such a label.
fn by_labels(
    engine: &Engine<'_>,
    u: UnknownId,
    shape: &[usize],
    eta: &mut [f64],
    rng: &mut ChaCha8Rng,
) -> bool {
    let d = engine.derivation;
    let slots = shape.len() - 1;
    let states = shape[slots].max(1);
    let mut seen: Vec<Subscript> = vec![];
    let mut found = false;
    for t in &d.terms.items {
        let Some(s) = t.stats.iter().find(|s| s.of == u) else {
            continue;
        };
        let Some(axes) = plain(&s.index[..slots]) else {
            continue;
        };
        for label in labels(&t.stats, u, &axes) {
            let map: Vec<(Axis, Subscript)> = axes
                .iter()
                .enumerate()
                .map(|(i, a)| {
                    (
                        *a,
                        Subscript::Axis(Axis {
                            plate: a.plate,
                            id: i as u32,
                        }),
                    )
                })
                .collect();
            let name = label.substitute(&map);
            if seen.contains(&name) {
                continue;
            }
            seen.push(name);
            let (own, values) = engine.evaluator.subscript(label);
            let mut table: std::collections::BTreeMap<u32, Vec<f64>> = Default::default();
            let mut distinct: Vec<u32> = values.iter().copied().collect();
            distinct.sort_unstable();
            distinct.dedup();
            for v in distinct {
                table.insert(v, (0..states).map(|_| normal(rng)).collect());
            }
            let map: Vec<usize> = own
                .iter()
                .map(|a| axes.iter().position(|b| a == b).unwrap_or(0))
                .collect();
            for (i, out) in eta.chunks_mut(states).enumerate() {
                let at = crate::engine::bind::unflatten(i, &shape[..slots]);
                let pick: Vec<usize> = map.iter().map(|m| at[*m]).collect();
                if let Some(v) = values.get(IxDyn(&pick))
                    && *v != crate::data::BLANK
                    && let Some(row) = table.get(v)
                {
                    for (x, y) in out.iter_mut().zip(row) {
                        *x += y;
                    }
                }
            }
            found = true;
        }
    }
    found
}

/// Label columns of the element that other statistics of the term are read at.
fn labels<'t>(stats: &'t [Statistic], u: UnknownId, axes: &[Axis]) -> Vec<&'t Subscript> {
    stats
        .iter()
        .filter(|s| s.of != u)
        .flat_map(|s| &s.index)
        .filter(|s| matches!(s, Subscript::Column(..)) && s.axes().iter().all(|a| axes.contains(a)))
        .collect()
}
