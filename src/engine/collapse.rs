//! Rows with the same key data have the same q: they are run once, with the sum of their weights.

use std::collections::HashMap;
use std::sync::Arc;

use super::pass::{BoundPass, Clamp, Columns, Stored};

/// Rows looked at before deciding whether collapsing is worth a scan of all.
const SAMPLE: usize = 2048;

/// The pass over distinct rows and, for each of them, the first row it stands for; `None` where most rows differ.
pub fn collapse(pass: &BoundPass) -> Option<(BoundPass, Vec<usize>)> {
    if pass.rows < 2 {
        return None;
    }
    let parts = Parts::of(pass);
    let sample = SAMPLE.min(pass.rows);
    if 10 * parts.distinct(sample).1.len() > 8 * sample {
        return None;
    }
    let (group, first) = parts.distinct(pass.rows);
    if 10 * first.len() > 8 * pass.rows {
        return None;
    }
    let mut weights = vec![0.0; first.len()];
    for (n, g) in group.iter().enumerate() {
        weights[*g] += pass.weights.as_ref().map_or(1.0, |w| w[n]);
    }
    let mut out = pass.clone();
    out.rows = first.len();
    out.weights = Some(Arc::new(weights));
    for k in &mut out.keys {
        for c in &mut k.data {
            *c = pick(c, &first);
        }
        for (c, _) in &mut k.selectors {
            *c = pick(c, &first);
        }
    }
    for c in &mut out.clamps {
        let width = c.values.len() / pass.rows;
        *c = Clamp {
            values: Arc::new(
                first
                    .iter()
                    .flat_map(|n| c.values[n * width..(n + 1) * width].iter().copied())
                    .collect(),
            ),
            component: c.component.clone(),
        };
    }
    Some((out, first))
}

fn pick<T: Copy>(c: &Columns<T>, rows: &[usize]) -> Columns<T> {
    Columns {
        values: Stored::Made(Arc::new(
            rows.iter()
                .flat_map(|n| c.values[n * c.width..(n + 1) * c.width].iter().copied())
                .collect(),
        )),
        moved: c.moved.clone(),
        width: c.width,
        by_data: c.by_data.clone(),
        by_local: c.by_local.clone(),
    }
}

/// What decides q of a row: each array once.
struct Parts<'a> {
    numbers: Vec<(&'a [f64], usize)>,
    elements: Vec<(&'a [u32], usize)>,
}

impl<'a> Parts<'a> {
    fn of(pass: &'a BoundPass) -> Parts<'a> {
        let mut numbers: Vec<(&[f64], usize)> = vec![];
        let mut elements: Vec<(&[u32], usize)> = vec![];
        for k in &pass.keys {
            for c in &k.data {
                if !numbers.iter().any(|(v, _)| std::ptr::eq(*v, &*c.values)) {
                    numbers.push((&c.values, c.width));
                }
            }
            for (c, _) in &k.selectors {
                elements.push((&c.values, c.width));
            }
        }
        for c in &pass.clamps {
            elements.push((&c.values, c.values.len() / pass.rows));
        }
        Parts { numbers, elements }
    }

    /// The group of each of the first `rows` rows, and the first row of each group.
    fn distinct(&self, rows: usize) -> (Vec<usize>, Vec<usize>) {
        let mut seen: HashMap<Vec<u64>, usize> = HashMap::new();
        let mut group = Vec::with_capacity(rows);
        let mut first = vec![];
        for n in 0..rows {
            let mut key = vec![];
            for (v, w) in &self.numbers {
                key.extend(v[n * w..(n + 1) * w].iter().map(|x| x.to_bits()));
            }
            for (v, w) in &self.elements {
                key.extend(v[n * w..(n + 1) * w].iter().map(|x| u64::from(*x)));
            }
            let g = *seen.entry(key).or_insert_with(|| {
                first.push(n);
                first.len() - 1
            });
            group.push(g);
        }
        (group, first)
    }
}
