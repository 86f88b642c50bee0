//! Tables that start a local block: random for labels, distances to prototype rows for numbers.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

use super::Engine;
use super::bind::BoundBlock;

/// A draw from the standard Gaussian.
pub fn normal(rng: &mut ChaCha8Rng) -> f64 {
    StandardNormal.sample(rng)
}

/// Random log tables; a label of the latent's own plate pulls towards itself.
pub fn fill_gathered(
    engine: &Engine<'_>,
    key: &crate::plan::Key,
    t: &mut [f64],
    rng: &mut ChaCha8Rng,
) {
    let sizes: Vec<usize> = key.axes.iter().map(|a| engine.size(*a)).collect();
    let same: Vec<(usize, usize)> = key
        .selectors
        .iter()
        .flat_map(|(_, g)| {
            let at = key.axes.iter().position(|a| a == g).unwrap_or(0);
            key.axes
                .iter()
                .enumerate()
                .filter(move |(i, a)| {
                    *i != at && a.plate == g.plate && !key.selectors.iter().any(|(_, s)| s == *a)
                })
                .map(move |(i, _)| (at, i))
        })
        .collect();
    for (i, x) in t.iter_mut().enumerate() {
        let at = super::bind::unflatten(i, &sizes);
        if same.is_empty() {
            *x = normal(rng);
        } else {
            *x = if same.iter().any(|(a, b)| at[*a] == at[*b]) {
                1.5
            } else {
                0.0
            };
        }
    }
}

/// Rows among which prototypes are chosen.
const PROTOTYPE_ROWS: usize = 10_000;

/// Tables that make eta the negative squared distance to prototype rows, features scaled by their spread.
pub fn prototypes(
    b: &BoundBlock,
    numeric: &[usize],
    tables: &mut [Vec<f64>],
    rng: &mut ChaCha8Rng,
) {
    let states = b.rows.elements * b.rows.states;
    if b.rows.rows == 0 {
        return;
    }
    // Evenly spaced rows decide: the prototypes of a million rows are no better than those of ten thousand.
    let rows = b.rows.rows.min(PROTOTYPE_ROWS);
    let step = b.rows.rows as f64 / rows as f64;
    // Features of a row: every data position of every numeric key.
    let features: Vec<(usize, usize)> = numeric
        .iter()
        .flat_map(|k| (0..b.rows.keys[*k].positions).map(move |a| (*k, a)))
        .collect();
    let value = |i: usize, f: (usize, usize)| -> f64 {
        let n = (i as f64 * step) as usize;
        let k = &b.rows.keys[f.0];
        k.data.iter().map(|d| d.number(n, d.by_data[f.1])).product()
    };
    let scale: Vec<f64> = features
        .iter()
        .map(|f| {
            let (mut s, mut q) = (0.0, 0.0);
            for n in 0..rows {
                let v = value(n, *f);
                s += v;
                q += v * v;
            }
            let m = s / rows as f64;
            let v = q / rows as f64 - m * m;
            if v > 0.0 { 1.0 / v } else { 0.0 }
        })
        .collect();
    let distance = |n: usize, c: &[f64]| -> f64 {
        features
            .iter()
            .zip(c)
            .zip(&scale)
            .map(|((f, c), s)| {
                let d = value(n, *f) - c;
                d * d * s
            })
            .sum()
    };
    let row = |n: usize| -> Vec<f64> { features.iter().map(|f| value(n, *f)).collect() };
    let mut chosen: Vec<Vec<f64>> = vec![row(rng.random_range(0..rows))];
    let mut nearest: Vec<f64> = (0..rows).map(|n| distance(n, &chosen[0])).collect();
    while chosen.len() < states.max(1) {
        let total: f64 = nearest.iter().sum();
        let pick = if total > 0.0 {
            let mut u = rng.random::<f64>() * total;
            let mut at = rows - 1;
            for (n, d) in nearest.iter().enumerate() {
                if u < *d {
                    at = n;
                    break;
                }
                u -= d;
            }
            at
        } else {
            rng.random_range(0..rows)
        };
        let c = row(pick);
        for (n, d) in nearest.iter_mut().enumerate() {
            *d = d.min(distance(n, &c));
        }
        chosen.push(c);
    }
    // A few rounds of Lloyd, so that a start is not decided by single rows.
    for _ in 0..3 {
        let mut sums = vec![vec![0.0; features.len()]; states];
        let mut counts = vec![0.0; states];
        for n in 0..rows {
            let mut best = (0, f64::INFINITY);
            for (k, c) in chosen.iter().enumerate() {
                let d = distance(n, c);
                if d < best.1 {
                    best = (k, d);
                }
            }
            counts[best.0] += 1.0;
            for (s, f) in sums[best.0].iter_mut().zip(&features) {
                *s += value(n, *f);
            }
        }
        for (k, c) in chosen.iter_mut().enumerate() {
            if counts[k] > 0.0 {
                for (x, s) in c.iter_mut().zip(&sums[k]) {
                    *x = s / counts[k];
                }
            }
        }
    }
    let sharp = 4.0;
    let constant = b
        .rows
        .keys
        .iter()
        .position(|k| k.data.is_empty() && k.selectors.is_empty());
    for (j, (k, a)) in features.iter().enumerate() {
        let key = &b.rows.keys[*k];
        for (state, offset) in &key.map {
            let c = chosen[*state % chosen.len()][j];
            tables[*k][a * key.stride + offset] = sharp * c * scale[j];
        }
    }
    if let Some(k) = constant {
        let key = &b.rows.keys[k];
        for (state, offset) in &key.map {
            let c = &chosen[*state % chosen.len()];
            tables[k][*offset] =
                -0.5 * sharp * c.iter().zip(&scale).map(|(x, s)| x * x * s).sum::<f64>();
        }
    }
}
