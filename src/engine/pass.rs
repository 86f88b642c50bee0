//! A pass over rows: local factors and accumulated statistics, chunk by chunk.
//!
//! ```text
//! eta_n = sum over keys data_n T_key[column[n]]     r_n = softmax(eta_n)     log Z_n = logsumexp(eta_n)
//! A_key += w_n data_n (x) onehot(column[n]) (x) r_n
//! ```
//!
//! Nothing of size rows x states leaves a chunk. Keys without gathers are columns of one feature matrix (1, x, packed x x'):
//! eta is its product with the stacked T, the A its transposed product with w r. Keys with gathers read table rows; where
//! all keys do, exp is taken of the tables instead of the rows. Segments are merged in order: the same bits for any number
//! of threads.

mod columns;

use ndarray::{Array2, ArrayView2, ArrayViewMut2, linalg::general_mat_mul};
use rayon::prelude::*;

use crate::numeric::LOG_ZERO;
use crate::numeric::vector::exp_in_place;

pub use columns::{BoundKey, Columns};

/// Observed cells of a partly blank column: only states that agree with the cell are possible.
#[derive(Debug, Clone)]
pub struct Clamp {
    /// The element of each row, `BLANK` where unknown.
    pub values: std::sync::Arc<Vec<u32>>,
    /// The element that each state gives this unknown.
    pub component: Vec<u32>,
}

/// A local block bound to data.
#[derive(Debug, Clone)]
pub struct BoundPass {
    /// Rows.
    pub rows: usize,
    /// Weights, if any.
    pub weights: Option<std::sync::Arc<Vec<f64>>>,
    /// Independent elements per row (other batch plates).
    pub elements: usize,
    /// Joint states per element.
    pub states: usize,
    /// Keys.
    pub keys: Vec<BoundKey>,
    /// Clamps.
    pub clamps: Vec<Clamp>,
    /// A point instead of a distribution.
    pub hard: bool,
}

/// What a pass returns.
#[derive(Debug, Clone)]
pub struct PassResult {
    /// A per key, flat.
    pub accumulated: Vec<Vec<f64>>,
    /// Sum of w log Z.
    pub log_z: f64,
    /// Sum of w times entropy, for q that were given.
    pub entropy: f64,
    /// The first row with no possible state.
    pub impossible: Option<usize>,
}

/// Row-level results, where they are asked for.
#[derive(Debug, Clone, Default)]
pub struct RowResults {
    /// r, rows x elements x states.
    pub q: Vec<f64>,
    /// log Z, rows x elements.
    pub log_z: Vec<f64>,
}

/// Where q of the rows comes from.
#[derive(Clone, Copy)]
pub enum Source<'a> {
    /// From the tables T, one flat slice per key.
    Tables(&'a [Vec<f64>]),
    /// Given: rows x elements x states.
    Given(&'a [f64]),
}

struct Prepared {
    /// (key, first feature)
    dense: Vec<(usize, usize)>,
    features: usize,
    /// features x width
    matrix: Array2<f64>,
    gathered: Vec<usize>,
    /// exp tables by gathered key, with the shift of each table row.
    hoisted: Option<Vec<(Vec<f64>, Vec<f64>)>>,
}

impl BoundPass {
    fn width(&self) -> usize {
        self.elements * self.states
    }

    /// Runs the pass. With `rows_out`, row-level q and log Z are kept.
    pub fn run(&self, source: Source<'_>, keep: bool) -> (PassResult, RowResults) {
        let prepared = self.prepare(source);
        let width = self.width();
        let chunk = (32_768 / (prepared.features + width + 1)).clamp(64, 4096);
        let total: usize = self.keys.iter().map(|k| k.len).sum();
        let most = if total > 1 << 20 {
            4
        } else {
            super::rows::SEGMENTS
        };
        let segments = most.min(self.rows.div_ceil(chunk)).max(1);
        let step = self.rows.div_ceil(segments).max(1);
        let parts: Vec<(PassResult, RowResults)> = (0..segments)
            .into_par_iter()
            .map(|s| {
                let from = (s * step).min(self.rows);
                let to = ((s + 1) * step).min(self.rows);
                self.segment(source, &prepared, from, to, chunk, keep)
            })
            .collect();
        let mut result = PassResult {
            accumulated: self.keys.iter().map(|k| vec![0.0; k.len]).collect(),
            log_z: 0.0,
            entropy: 0.0,
            impossible: None,
        };
        let mut rows = RowResults::default();
        for (p, r) in parts {
            for (t, x) in result.accumulated.iter_mut().zip(p.accumulated) {
                for (t, x) in t.iter_mut().zip(x) {
                    *t += x;
                }
            }
            result.log_z += p.log_z;
            result.entropy += p.entropy;
            result.impossible = result.impossible.or(p.impossible);
            rows.q.extend(r.q);
            rows.log_z.extend(r.log_z);
        }
        (result, rows)
    }

    fn prepare(&self, source: Source<'_>) -> Prepared {
        let mut dense = vec![];
        let mut gathered = vec![];
        let mut features = 0;
        for (i, k) in self.keys.iter().enumerate() {
            if k.dense() {
                dense.push((i, features));
                features += k.features();
            } else {
                gathered.push(i);
            }
        }
        let width = self.width();
        let mut matrix = Array2::zeros((features, width));
        let mut hoisted = None;
        if let Source::Tables(tables) = source {
            for (i, first) in &dense {
                let k = &self.keys[*i];
                let t = &tables[*i];
                match k.symmetric {
                    Some(d) => {
                        let mut f = *first;
                        for a in 0..d {
                            for b in a..d {
                                for (w, x) in matrix.row_mut(f).iter_mut().enumerate() {
                                    let ab = t[(a * d + b) * width + w];
                                    *x = if a == b {
                                        ab
                                    } else {
                                        ab + t[(b * d + a) * width + w]
                                    };
                                }
                                f += 1;
                            }
                        }
                    }
                    None => {
                        for a in 0..k.positions {
                            for (w, x) in matrix.row_mut(first + a).iter_mut().enumerate() {
                                *x = t[a * width + w];
                            }
                        }
                    }
                }
            }
            let constants_only = dense.iter().all(|(i, _)| self.keys[*i].data.is_empty());
            let tables_only = gathered.iter().all(|i| {
                let k = &self.keys[*i];
                k.mask && !k.local_data() && k.full
            });
            if constants_only && tables_only && !gathered.is_empty() && !self.hard {
                hoisted = Some(
                    gathered
                        .iter()
                        .map(|i| {
                            let mut values = tables[*i].clone();
                            let mut shifts = Vec::with_capacity(values.len() / width.max(1));
                            for row in values.chunks_mut(self.states.max(1)) {
                                let m = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                                shifts.push(m);
                                for x in row.iter_mut() {
                                    *x -= m;
                                }
                            }
                            exp_in_place(&mut values);
                            (values, shifts)
                        })
                        .collect(),
                );
            }
        }
        Prepared {
            dense,
            features,
            matrix,
            gathered,
            hoisted,
        }
    }

    fn segment(
        &self,
        source: Source<'_>,
        prepared: &Prepared,
        from: usize,
        to: usize,
        chunk: usize,
        keep: bool,
    ) -> (PassResult, RowResults) {
        let width = self.width();
        let mut result = PassResult {
            accumulated: self.keys.iter().map(|k| vec![0.0; k.len]).collect(),
            log_z: 0.0,
            entropy: 0.0,
            impossible: None,
        };
        let mut dense_sum = Array2::<f64>::zeros((prepared.features, width));
        let mut rows = RowResults::default();
        let mut x = vec![0.0; chunk * prepared.features];
        let mut r = vec![0.0; chunk * width];
        let mut log_z = vec![0.0; chunk * self.elements];
        let mut start = from;
        while start < to {
            let m = chunk.min(to - start);
            let x = &mut x[..m * prepared.features];
            let r = &mut r[..m * width];
            let log_z = &mut log_z[..m * self.elements];
            self.fill_features(prepared, start, m, x);
            match source {
                Source::Tables(tables) => {
                    self.local_factors(prepared, tables, start, m, x, r, log_z);
                    for (i, z) in log_z.iter().enumerate() {
                        let n = start + i / self.elements.max(1);
                        let w = self.weights.as_ref().map_or(1.0, |w| w[n]);
                        if (*z < 0.5 * LOG_ZERO || z.is_nan()) && w > 0.0 {
                            result.impossible = result.impossible.or(Some(n));
                        }
                        result.log_z += w * z;
                    }
                }
                Source::Given(q) => {
                    r.copy_from_slice(&q[start * width..(start + m) * width]);
                    for (i, row) in r.chunks(width.max(1)).enumerate() {
                        let w = self.weights.as_ref().map_or(1.0, |w| w[start + i]);
                        let h: f64 = row.iter().filter(|p| **p > 0.0).map(|p| -p * p.ln()).sum();
                        result.entropy += w * h;
                    }
                }
            }
            if keep {
                rows.q.extend_from_slice(r);
                rows.log_z.extend_from_slice(log_z);
            }
            if let Some(w) = &self.weights {
                for (i, row) in r.chunks_mut(width.max(1)).enumerate() {
                    let w = w[start + i];
                    for p in row {
                        *p *= w;
                    }
                }
            }
            self.accumulate(prepared, start, m, x, r, &mut dense_sum, &mut result);
            start += m;
        }
        self.unpack(prepared, &dense_sum, &mut result);
        (result, rows)
    }

    /// Features of a chunk, row-major.
    fn fill_features(&self, prepared: &Prepared, start: usize, m: usize, x: &mut [f64]) {
        let f = prepared.features;
        if f == 0 {
            return;
        }
        for (i, first) in &prepared.dense {
            let k = &self.keys[*i];
            for row in 0..m {
                let n = start + row;
                let out = &mut x[row * f + first..row * f + first + k.features()];
                match k.symmetric {
                    Some(d) => {
                        let c = &k.data[0];
                        let v = &c.values[n * c.width..n * c.width + d];
                        let mut at = 0;
                        for a in 0..d {
                            let va = v[a];
                            for vb in &v[a..] {
                                out[at] = va * vb;
                                at += 1;
                            }
                        }
                    }
                    None => {
                        for (a, o) in out.iter_mut().enumerate() {
                            *o = k.factor(n, a);
                        }
                    }
                }
            }
        }
    }

    fn local_factors(
        &self,
        prepared: &Prepared,
        tables: &[Vec<f64>],
        start: usize,
        m: usize,
        x: &[f64],
        r: &mut [f64],
        log_z: &mut [f64],
    ) {
        let width = self.width();
        let states = self.states.max(1);
        self.dense_eta(prepared, m, x, r);
        if let Some(hoisted) = &prepared.hoisted {
            let mut weight = vec![1.0; states];
            for row in 0..m {
                for e in 0..self.elements {
                    let eta = &mut r[row * width + e * states..row * width + (e + 1) * states];
                    let n = start + row;
                    let mut shift = eta.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                    for (w, c) in weight.iter_mut().zip(eta.iter()) {
                        *w = if *c == shift { 1.0 } else { (c - shift).exp() };
                    }
                    for (g, (values, shifts)) in prepared.gathered.iter().zip(hoisted) {
                        let k = &self.keys[*g];
                        for a in 0..k.positions {
                            if k.factor(n, a) == 0.0 {
                                continue;
                            }
                            let Some(base) = k.base(n, a) else { continue };
                            let base = base + e * states;
                            shift += shifts[base / states];
                            for (w, v) in weight.iter_mut().zip(&values[base..base + states]) {
                                *w *= v;
                            }
                        }
                    }
                    let clamped = self.clamp(n, e, &mut weight, 0.0);
                    let sum: f64 = weight.iter().sum();
                    if sum > 1e-200 && sum.is_finite() {
                        for (o, w) in eta.iter_mut().zip(&weight) {
                            *o = w / sum;
                        }
                        log_z[row * self.elements + e] = sum.ln() + shift;
                    } else {
                        // The product of tables underflows: this row in log space.
                        self.gather_eta(prepared, tables, n, e, eta);
                        if clamped {
                            self.clamp(n, e, eta, f64::NEG_INFINITY);
                        }
                        log_z[row * self.elements + e] = softmax(eta);
                    }
                }
            }
            return;
        }
        for row in 0..m {
            for e in 0..self.elements {
                let eta = &mut r[row * width + e * states..row * width + (e + 1) * states];
                self.gather_eta(prepared, tables, start + row, e, eta);
                self.clamp(start + row, e, eta, f64::NEG_INFINITY);
            }
        }
        if self.hard {
            for (eta, z) in r.chunks_mut(states).zip(log_z.iter_mut()) {
                *z = hard_max(eta);
            }
            return;
        }
        for (eta, z) in r.chunks_mut(states).zip(log_z.iter_mut()) {
            let top = eta.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            *z = top;
            for v in eta.iter_mut() {
                *v -= top;
            }
        }
        exp_in_place(r);
        for (eta, z) in r.chunks_mut(states).zip(log_z.iter_mut()) {
            let sum: f64 = eta.iter().sum();
            *z += sum.ln();
            for v in eta.iter_mut() {
                *v /= sum;
            }
        }
    }

    /// eta from the dense keys: one matrix product.
    fn dense_eta(&self, prepared: &Prepared, m: usize, x: &[f64], r: &mut [f64]) {
        let width = self.width();
        if prepared.features == 0 {
            r.fill(0.0);
            return;
        }
        let left = ArrayView2::from_shape((m, prepared.features), x);
        let out = ArrayViewMut2::from_shape((m, width), r);
        if let (Ok(left), Ok(mut out)) = (left, out) {
            general_mat_mul(1.0, &left, &prepared.matrix, 0.0, &mut out);
        }
    }

    fn gather_eta(
        &self,
        prepared: &Prepared,
        tables: &[Vec<f64>],
        n: usize,
        e: usize,
        eta: &mut [f64],
    ) {
        let from = e * self.states;
        for g in &prepared.gathered {
            let k = &self.keys[*g];
            let local = k.local_data();
            for a in 0..k.positions {
                let d = if local { 1.0 } else { k.factor(n, a) };
                if d == 0.0 {
                    continue;
                }
                let Some(base) = k.base(n, a) else { continue };
                for (state, offset) in &k.map {
                    if *state < from || *state >= from + self.states {
                        continue;
                    }
                    let d = if local {
                        k.local_factor(n, a, *offset)
                    } else {
                        d
                    };
                    if d != 0.0 {
                        eta[state - from] += d * tables[*g][base + offset];
                    }
                }
            }
        }
    }

    /// Rules out the states that contradict observed cells.
    fn clamp(&self, n: usize, e: usize, eta: &mut [f64], out: f64) -> bool {
        let mut any = false;
        for c in &self.clamps {
            let v = if c.values.len() == self.rows {
                c.values[n]
            } else {
                c.values[n * self.elements + e]
            };
            if v != crate::data::BLANK {
                any = true;
                for (x, s) in eta.iter_mut().zip(&c.component) {
                    if *s != v {
                        *x = out;
                    }
                }
            }
        }
        any
    }

    fn accumulate(
        &self,
        prepared: &Prepared,
        start: usize,
        m: usize,
        x: &[f64],
        r: &[f64],
        dense_sum: &mut Array2<f64>,
        result: &mut PassResult,
    ) {
        let width = self.width();
        if prepared.features > 0 {
            let left = ArrayView2::from_shape((m, prepared.features), x);
            let right = ArrayView2::from_shape((m, width), r);
            if let (Ok(left), Ok(right)) = (left, right) {
                general_mat_mul(1.0, &left.t(), &right, 1.0, dense_sum);
            }
        }
        for g in &prepared.gathered {
            let k = &self.keys[*g];
            let sum = &mut result.accumulated[*g];
            let local = k.local_data();
            for row in 0..m {
                let n = start + row;
                let q = &r[row * width..(row + 1) * width];
                for a in 0..k.positions {
                    let d = if local { 1.0 } else { k.factor(n, a) };
                    if d == 0.0 {
                        continue;
                    }
                    let Some(base) = k.base(n, a) else { continue };
                    if k.full && !local {
                        for (s, p) in sum[base..base + width].iter_mut().zip(q) {
                            *s += d * p;
                        }
                    } else {
                        for (state, offset) in &k.map {
                            let d = if local {
                                k.local_factor(n, a, *offset)
                            } else {
                                d
                            };
                            sum[base + offset] += d * q[*state];
                        }
                    }
                }
            }
        }
    }

    /// The dense sums back to each key's table.
    fn unpack(&self, prepared: &Prepared, dense: &Array2<f64>, result: &mut PassResult) {
        let width = self.width();
        for (i, first) in &prepared.dense {
            let k = &self.keys[*i];
            let out = &mut result.accumulated[*i];
            match k.symmetric {
                Some(d) => {
                    let mut f = *first;
                    for a in 0..d {
                        for b in a..d {
                            for (w, v) in dense.row(f).iter().enumerate() {
                                out[(a * d + b) * width + w] += v;
                                if a != b {
                                    out[(b * d + a) * width + w] += v;
                                }
                            }
                            f += 1;
                        }
                    }
                }
                None => {
                    for a in 0..k.positions {
                        for (w, v) in dense.row(first + a).iter().enumerate() {
                            out[a * width + w] += v;
                        }
                    }
                }
            }
        }
    }
}

/// Softmax in place; returns log Z.
fn softmax(eta: &mut [f64]) -> f64 {
    crate::numeric::logsumexp::softmax_in_place(eta)
}

/// 1 at the first maximum, 0 elsewhere; returns the maximum.
fn hard_max(eta: &mut [f64]) -> f64 {
    let mut best = 0;
    for (i, v) in eta.iter().enumerate() {
        if *v > eta[best] {
            best = i;
        }
    }
    let top = eta[best];
    for (i, v) in eta.iter_mut().enumerate() {
        *v = f64::from(u8::from(i == best));
    }
    top
}
