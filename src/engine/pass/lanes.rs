//! Chunks of rows side by side: features, eta and q have one row of numbers per feature or state, as wide as the chunk.
//!
//! ```text
//! eta = T' X              r = softmax(eta) state by state          A = X r'
//! ```
//!
//! X, the features, is made once per chunk, so that every step after that runs along the rows.

use ndarray::Array2;

use crate::numeric::lanes::{accumulate, padded, product, softmax};

use super::chain::{self, Transitions};
use super::features::{Collected, Features};
use super::{BoundPass, Part, RowResults, Source, Table, hard_max};

/// The program of a pass in lanes.
pub(super) struct Lanes<'a> {
    /// (key, its first feature).
    dense: Vec<(usize, usize)>,
    features: Features,
    /// T, features x width.
    matrix: Array2<f64>,
    /// Keys with gathers, in eta and in A.
    gathered: Vec<usize>,
    tables: Option<&'a [Table]>,
}

/// Buffers of a chunk; what they hold before does not matter.
#[derive(Default)]
pub(super) struct Buffers {
    x: Vec<f64>,
    r: Vec<f64>,
    log_z: Vec<f64>,
    row: Vec<f64>,
}

impl<'a> Lanes<'a> {
    pub(super) fn new(pass: &BoundPass, source: Source<'a>) -> Lanes<'a> {
        let width = pass.width();
        let mut features = Collected::default();
        let mut dense = vec![];
        let mut gathered = vec![];
        let coupled = |i: usize| pass.chain.as_ref().is_some_and(|c| c.is_step(i));
        for (i, k) in pass.keys.iter().enumerate().filter(|(i, _)| !coupled(*i)) {
            if k.dense() {
                dense.push((i, features.add(pass, i)));
            } else {
                gathered.push(i);
            }
        }
        let tables = match source {
            Source::Tables(t) => Some(t),
            Source::Given(_) => None,
        };
        let features = features.arranged(pass);
        let mut matrix = Array2::zeros((features.count, width));
        for (i, first) in &dense {
            let Some(tables) = tables else { continue };
            let t = &tables[*i];
            let mut at = *first;
            pass.keys[*i].each_feature(|both| {
                let mut row = matrix.row_mut(at);
                for p in both {
                    for (x, t) in row.iter_mut().zip(&t[p * width..(p + 1) * width]) {
                        *x += t;
                    }
                }
                at += 1;
            });
        }
        Lanes {
            dense,
            features,
            matrix,
            gathered,
            tables,
        }
    }

    /// Runs chunks into one partial sum.
    pub(super) fn part(
        &self,
        pass: &BoundPass,
        source: Source<'_>,
        transitions: Option<&Transitions>,
        chunks: &[(usize, usize)],
        keep: bool,
        b: &mut Buffers,
    ) -> Part {
        let width = pass.width();
        let mut result = pass.nothing();
        let mut kept = vec![];
        let mut sum = vec![0.0; self.features.count * width];
        let mut chains = chain::Buffers::new(pass);
        if keep {
            chains.keep();
        }
        for &(from, to) in chunks {
            let m = padded(to - from);
            b.r.resize(width * m, 0.0);
            b.log_z.clear();
            b.log_z.resize((to - from) * pass.elements, 0.0);
            self.features.fill(pass, from, to, m, &mut b.x);
            let mut rows = RowResults::default();
            match source {
                Source::Tables(_) => {
                    self.eta(pass, from, to, m, b);
                    if let (Some(c), Some(t)) = (&pass.chain, transitions) {
                        let failed =
                            c.solve(pass, t, from, to, m, &mut b.r, &mut b.log_z, &mut chains);
                        if let Some(n) = failed {
                            result.impossible = Some(result.impossible.map_or(n, |x| x.min(n)));
                        }
                    } else {
                        self.normalise(pass, to - from, m, b);
                    }
                    pass.check(&mut result, &b.log_z, from);
                }
                Source::Given(q) => {
                    result.entropy += given(pass, q, from, to, m, &mut b.r);
                    if let Some(c) = &pass.chain {
                        c.independent(pass, q, from, to, &mut chains);
                    }
                }
            }
            if keep {
                for i in 0..to - from {
                    rows.q.extend((0..width).map(|w| b.r[w * m + i]));
                }
                rows.log_z.extend_from_slice(&b.log_z);
                rows.pairs.extend_from_slice(chains.pairs());
                kept.push((from, rows));
            }
            if pass.weights.is_some() {
                for lane in b.r.chunks_mut(m) {
                    for (i, x) in lane[..to - from].iter_mut().enumerate() {
                        *x *= pass.weight(from + i);
                    }
                }
            }
            accumulate(&b.x, &b.r, self.features.count, width, m, &mut sum);
            if !self.gathered.is_empty() {
                b.row.resize(width, 0.0);
                for i in 0..to - from {
                    for (w, x) in b.row.iter_mut().enumerate() {
                        *x = b.r[w * m + i];
                    }
                    pass.accumulate_gathered(
                        &self.gathered,
                        from + i,
                        &b.row,
                        &mut result.accumulated,
                    );
                }
            }
            if let Some(c) = &pass.chain {
                c.accumulate(
                    pass,
                    transitions,
                    from,
                    to,
                    &mut chains,
                    &mut result.accumulated,
                );
            }
        }
        if let (Some(c), Some(t)) = (&pass.chain, transitions) {
            c.finish(pass, t, &chains, &mut result.accumulated);
        }
        for (i, first) in &self.dense {
            let out = &mut result.accumulated[*i];
            let mut at = *first;
            pass.keys[*i].each_feature(|both| {
                for p in both {
                    let from = &sum[at * width..(at + 1) * width];
                    for (o, x) in out[p * width..(p + 1) * width].iter_mut().zip(from) {
                        *o += x;
                    }
                }
                at += 1;
            });
        }
        Part {
            result,
            kept,
            wide: vec![],
        }
    }

    /// eta of a chunk.
    fn eta(&self, pass: &BoundPass, from: usize, to: usize, m: usize, b: &mut Buffers) {
        let width = pass.width();
        let t = self.matrix.as_slice().unwrap_or(&[]);
        // The next chunk is on its way while this one is worked on.
        let ahead = self.features.cells(pass, to, 2 * to - from);
        product(t, &b.x, self.features.count, width, m, &mut b.r, &ahead);
        if self.gathered.is_empty() && pass.clamps.is_empty() {
            return;
        }
        let states = pass.states;
        b.row.resize(states, 0.0);
        for n in from..to {
            for e in 0..pass.elements {
                b.row.fill(0.0);
                if let Some(tables) = self.tables {
                    pass.gather_eta(&self.gathered, tables, n, e, &mut b.row);
                }
                pass.clamp(n, e, &mut b.row);
                for (s, x) in b.row.iter().enumerate() {
                    b.r[(e * states + s) * m + n - from] += x;
                }
            }
        }
    }

    /// eta to q and log Z.
    fn normalise(&self, pass: &BoundPass, rows: usize, m: usize, b: &mut Buffers) {
        let states = pass.states;
        let elements = pass.elements;
        let mut z = vec![0.0; m];
        for e in 0..elements {
            let r = &mut b.r[e * states * m..(e + 1) * states * m];
            if pass.hard {
                b.row.resize(states, 0.0);
                for i in 0..rows {
                    for (s, x) in b.row.iter_mut().enumerate() {
                        *x = r[s * m + i];
                    }
                    z[i] = hard_max(&mut b.row);
                    for (s, x) in b.row.iter().enumerate() {
                        r[s * m + i] = *x;
                    }
                }
            } else {
                softmax(r, m, &mut z);
            }
            for (i, z) in z[..rows].iter().enumerate() {
                b.log_z[i * elements + e] = *z;
            }
        }
    }
}

/// Puts given q into lanes; returns the sum of w times its entropy.
fn given(pass: &BoundPass, q: &[f64], from: usize, to: usize, m: usize, r: &mut [f64]) -> f64 {
    let width = pass.width();
    let mut entropy = 0.0;
    for n in from..to {
        let row = &q[n * width..(n + 1) * width];
        let h: f64 = row.iter().filter(|p| **p > 0.0).map(|p| -p * p.ln()).sum();
        entropy += pass.weight(n) * h;
        for (w, x) in row.iter().enumerate() {
            r[w * m + n - from] = *x;
        }
    }
    entropy
}
