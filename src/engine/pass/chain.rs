//! Chunks of whole chains: q of rows that are coupled with the row before, by forward-backward.
//!
//! ```text
//! unary keys   statistics of a row alone: they make eta, as in every pass
//! step keys    statistics of a row and the row before: T'_n[j, k] = sum over step keys data_n T_key[column[n], j, k]
//! A_step += w q(z_(n-1) = j, z_n = k)
//! ```
//!
//! Where no step key has data or gathers, exp T' is one matrix for all rows. A chain counts by the weight of its first row. A
//! chain whose scaled weights underflow is solved again with logarithms.

use crate::numeric::forward_backward::{self, Outputs, outer_sum};
use crate::numeric::logsumexp::logsumexp;
use crate::numeric::mixing::padded;
use crate::numeric::vector::{exp_in_place, log_in_place};

use super::{BoundPass, Table};

/// Rows that a chunk of chains aims at.
const ROWS: usize = 1024;

/// How rows are coupled.
#[derive(Debug, Clone)]
pub struct BoundChain {
    /// The first row of each chain, in order.
    pub starts: Vec<usize>,
    /// The step keys, by position; their `map` is from j * states + k.
    pub steps: Vec<usize>,
    /// No step key depends on the row.
    pub constant: bool,
}

/// exp of the step keys' sum, less its maximum.
pub(super) struct Transitions {
    /// states x width, with its transpose and its maximum; `None` where it differs by row.
    constant: Option<(Vec<f64>, Vec<f64>, f64)>,
    tables: Vec<Table>,
}

/// Buffers of a chunk of chains, rows x width each.
#[derive(Default)]
pub(super) struct Buffers {
    e: Vec<f64>,
    alpha: Vec<f64>,
    b: Vec<f64>,
    q: Vec<f64>,
    scale: Vec<f64>,
    matrices: Vec<f64>,
    shifts: Vec<f64>,
    /// Pairs of the chunk, rows x states x states, where they are made row by row.
    pairs: Vec<f64>,
    /// sum of w alpha_(n-1) b_n', where the transitions are constant.
    sum: Vec<f64>,
    keep: bool,
}

impl Buffers {
    pub(super) fn new(pass: &BoundPass) -> Buffers {
        Buffers {
            sum: match pass.chain {
                Some(_) => vec![0.0; pass.states * padded(pass.states)],
                None => vec![],
            },
            ..Buffers::default()
        }
    }

    pub(super) fn pairs(&self) -> &[f64] {
        &self.pairs
    }

    /// Makes the pairs of every row, for a caller that keeps them.
    pub(super) fn keep(&mut self) {
        self.keep = true;
    }
}

impl BoundChain {
    /// True for a step key.
    pub fn is_step(&self, key: usize) -> bool {
        self.steps.contains(&key)
    }

    /// Ranges of whole chains of about [`ROWS`] rows.
    pub(super) fn chunks(&self, rows: usize) -> Vec<(usize, usize)> {
        let mut out = vec![];
        let mut from = 0;
        for start in self.starts.iter().copied().chain([rows]) {
            if start - from >= ROWS || (start == rows && start > from) {
                out.push((from, start));
                from = start;
            }
        }
        out
    }

    /// The chains within a range of rows.
    fn within(&self, from: usize, to: usize) -> impl Iterator<Item = (usize, usize)> + '_ {
        let first = self.starts.partition_point(|s| *s < from);
        (first..self.starts.len())
            .map(move |i| {
                let end = self.starts.get(i + 1).copied().unwrap_or(usize::MAX);
                (self.starts[i], end.min(to))
            })
            .take_while(move |(a, _)| *a < to)
    }

    /// The transitions that tables give.
    pub(super) fn transitions(&self, pass: &BoundPass, tables: &[Table]) -> Transitions {
        let states = pass.states;
        let width = padded(states);
        let mut out = Transitions {
            constant: None,
            tables: self
                .steps
                .iter()
                .map(|s| Table::clone(&tables[*s]))
                .collect(),
        };
        if self.constant {
            let mut eta = vec![0.0; states * states];
            self.eta(pass, &out.tables, None, &mut eta);
            let top = eta.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let mut m = vec![f64::NEG_INFINITY; states * width];
            let mut t = m.clone();
            for j in 0..states {
                for k in 0..states {
                    m[j * width + k] = eta[j * states + k] - top;
                    t[k * width + j] = eta[j * states + k] - top;
                }
            }
            exp_in_place(&mut m);
            exp_in_place(&mut t);
            out.constant = Some((m, t, top));
        }
        out
    }

    /// The sum of the step keys at a row.
    fn eta(&self, pass: &BoundPass, tables: &[Table], row: Option<usize>, eta: &mut [f64]) {
        eta.fill(0.0);
        for (s, t) in self.steps.iter().zip(tables) {
            let k = &pass.keys[*s];
            for a in 0..k.positions {
                let (d, base) = match row {
                    Some(n) => (k.factor(n, a), k.base(n, a)),
                    None => (1.0, Some(a * k.stride)),
                };
                let (true, Some(base)) = (d != 0.0, base) else {
                    continue;
                };
                for (state, offset) in &k.map {
                    eta[*state] += d * t[base + offset];
                }
            }
        }
    }

    /// eta of the rows (in lanes) to their marginals and log Z; the first row of a chain that has no possible path.
    #[allow(clippy::too_many_arguments)]
    pub(super) fn solve(
        &self,
        pass: &BoundPass,
        transitions: &Transitions,
        from: usize,
        to: usize,
        m: usize,
        r: &mut [f64],
        log_z: &mut [f64],
        b: &mut Buffers,
    ) -> Option<usize> {
        let states = pass.states;
        let width = padded(states);
        let rows = to - from;
        // e = exp(eta - its maximum), by row.
        let mut tops = vec![f64::NEG_INFINITY; m];
        for lane in r.chunks(m) {
            for (t, x) in tops.iter_mut().zip(lane) {
                *t = t.max(*x);
            }
        }
        for t in &mut tops {
            *t = t.max(f64::MIN);
        }
        b.e.clear();
        b.e.resize(rows * width, f64::NEG_INFINITY);
        for (k, lane) in r.chunks(m).enumerate() {
            for i in 0..rows {
                b.e[i * width + k] = lane[i] - tops[i];
            }
        }
        exp_in_place(&mut b.e);
        for x in [&mut b.alpha, &mut b.b, &mut b.q] {
            x.resize(rows * width, 0.0);
        }
        b.scale.clear();
        b.scale.resize(rows, 1.0);
        b.shifts.clear();
        b.shifts.resize(rows, 0.0);
        self.fill_transitions(pass, transitions, from, to, b);
        let mut failed = None;
        for (start, end) in self.within(from, to) {
            let (a, z) = (start - from, end - from);
            let span = a * width..z * width;
            let m = match &transitions.constant {
                Some((m, t, _)) => forward_backward::Transitions::Constant(m, t),
                None => forward_backward::Transitions::PerRow(
                    &b.matrices[a * states * width..z * states * width],
                ),
            };
            let out = Outputs {
                alpha: &mut b.alpha[span.clone()],
                b: &mut b.b[span.clone()],
                q: &mut b.q[span.clone()],
                scale: &mut b.scale[a..z],
            };
            if !forward_backward::forward_backward(&b.e[span], &m, states, width, out)
                && let Some(n) = self.with_logarithms(pass, transitions, from, (start, end), r, b)
            {
                failed = failed.or(Some(n));
            }
        }
        log_in_place(&mut b.scale);
        for i in 0..rows {
            log_z[i] = b.scale[i] + tops[i] + b.shifts[i];
            for (k, lane) in r.chunks_mut(m).enumerate() {
                lane[i] = b.q[i * width + k];
            }
        }
        self.make_pairs(pass, transitions, from, to, b);
        failed
    }

    /// The matrices of the rows, where they differ, and what was taken out of each row.
    fn fill_transitions(
        &self,
        pass: &BoundPass,
        transitions: &Transitions,
        from: usize,
        to: usize,
        b: &mut Buffers,
    ) {
        let states = pass.states;
        let width = padded(states);
        let own = transitions.constant.is_none();
        if own {
            b.matrices.clear();
            b.matrices
                .resize((to - from) * states * width, f64::NEG_INFINITY);
        }
        let mut eta = vec![0.0; states * states];
        for (start, end) in self.within(from, to) {
            for n in start + 1..end {
                b.shifts[n - from] = match &transitions.constant {
                    Some((_, _, top)) => *top,
                    None => {
                        self.eta(pass, &transitions.tables, Some(n), &mut eta);
                        let top = eta.iter().copied().fold(f64::MIN, f64::max);
                        let at = (n - from) * states * width;
                        for (j, row) in eta.chunks(states).enumerate() {
                            for (k, x) in row.iter().enumerate() {
                                b.matrices[at + j * width + k] = x - top;
                            }
                        }
                        top
                    }
                };
            }
        }
        if own {
            exp_in_place(&mut b.matrices);
        }
    }

    /// Pairs of every row, where they are wanted by row.
    fn make_pairs(
        &self,
        pass: &BoundPass,
        transitions: &Transitions,
        from: usize,
        to: usize,
        b: &mut Buffers,
    ) {
        b.pairs.clear();
        if transitions.constant.is_some() && !b.keep {
            return;
        }
        let states = pass.states;
        let width = padded(states);
        b.pairs.resize((to - from) * states * states, 0.0);
        for (start, end) in self.within(from, to) {
            for n in start + 1..end {
                let i = n - from;
                let matrix = match &transitions.constant {
                    Some((m, _, _)) => m.as_slice(),
                    None => &b.matrices[i * states * width..(i + 1) * states * width],
                };
                for j in 0..states {
                    for k in 0..states {
                        b.pairs[(i * states + j) * states + k] = b.alpha[(i - 1) * width + j]
                            * matrix[j * width + k]
                            * b.b[i * width + k];
                    }
                }
            }
        }
    }

    /// Pairs of rows whose q is given: they count as independent.
    pub(super) fn independent(
        &self,
        pass: &BoundPass,
        q: &[f64],
        from: usize,
        to: usize,
        b: &mut Buffers,
    ) {
        let states = pass.states;
        b.pairs.clear();
        b.pairs.resize((to - from) * states * states, 0.0);
        for (start, end) in self.within(from, to) {
            for n in start + 1..end {
                for j in 0..states {
                    for k in 0..states {
                        b.pairs[((n - from) * states + j) * states + k] =
                            q[(n - 1) * states + j] * q[n * states + k];
                    }
                }
            }
        }
    }

    /// Adds the pairs of a chunk.
    pub(super) fn accumulate(
        &self,
        pass: &BoundPass,
        transitions: Option<&Transitions>,
        from: usize,
        to: usize,
        b: &mut Buffers,
        accumulated: &mut [Vec<f64>],
    ) {
        let states = pass.states;
        let width = padded(states);
        let constant = transitions.is_some_and(|t| t.constant.is_some());
        for (start, end) in self.within(from, to) {
            let w = pass.weight(start);
            let (a, z) = (start - from, end - from);
            if constant {
                if z > a + 1 && w != 0.0 {
                    let alpha = &b.alpha[a * width..(z - 1) * width];
                    let now = &b.b[(a + 1) * width..z * width];
                    outer_sum(alpha, now, w, states, width, &mut b.sum);
                }
                continue;
            }
            for n in start + 1..end {
                let at = (n - from) * states * states;
                self.add_pairs(pass, n, w, &b.pairs[at..at + states * states], accumulated);
            }
        }
    }

    fn add_pairs(
        &self,
        pass: &BoundPass,
        n: usize,
        w: f64,
        pairs: &[f64],
        accumulated: &mut [Vec<f64>],
    ) {
        for s in &self.steps {
            let k = &pass.keys[*s];
            for a in 0..k.positions {
                let d = w * k.factor(n, a);
                let (true, Some(base)) = (d != 0.0, k.base(n, a)) else {
                    continue;
                };
                for (state, offset) in &k.map {
                    accumulated[*s][base + offset] += d * pairs[*state];
                }
            }
        }
    }

    /// The constant transitions meet the summed products.
    pub(super) fn finish(
        &self,
        pass: &BoundPass,
        transitions: &Transitions,
        b: &Buffers,
        accumulated: &mut [Vec<f64>],
    ) {
        let Some((m, _, _)) = &transitions.constant else {
            return;
        };
        let width = padded(pass.states);
        for s in &self.steps {
            let k = &pass.keys[*s];
            for a in 0..k.positions {
                for (state, offset) in &k.map {
                    let at = state / pass.states * width + state % pass.states;
                    accumulated[*s][a * k.stride + offset] += b.sum[at] * m[at];
                }
            }
        }
    }

    /// One chain with logarithms of all weights; the first row at which no path is possible.
    fn with_logarithms(
        &self,
        pass: &BoundPass,
        transitions: &Transitions,
        from: usize,
        (start, end): (usize, usize),
        r: &[f64],
        b: &mut Buffers,
    ) -> Option<usize> {
        let states = pass.states;
        let width = padded(states);
        let m = r.len() / states.max(1);
        let rows = end - start;
        let mut eta = vec![0.0; states * states];
        let step = |n: usize, top: f64, eta: &mut [f64]| {
            let row = (!self.constant).then_some(n);
            self.eta(pass, &transitions.tables, row, eta);
            eta.iter_mut().for_each(|x| *x -= top);
        };
        let mut term = vec![0.0; states];
        let mut alpha = vec![0.0; rows * states];
        let mut scale = vec![0.0; rows];
        for i in 0..rows {
            let at = start + i - from;
            let top = (0..states).map(|k| r[k * m + at]).fold(f64::MIN, f64::max);
            if i > 0 {
                step(start + i, b.shifts[at], &mut eta);
            }
            for k in 0..states {
                let before = match i {
                    0 => 0.0,
                    i => {
                        for (j, t) in term.iter_mut().enumerate() {
                            *t = alpha[(i - 1) * states + j] + eta[j * states + k];
                        }
                        logsumexp(&term)
                    }
                };
                alpha[i * states + k] = r[k * m + at] - top + before;
            }
            scale[i] = logsumexp(&alpha[i * states..(i + 1) * states]);
            if scale[i].is_nan() || scale[i] <= 0.5 * crate::numeric::LOG_ZERO {
                return Some(start + i);
            }
            for k in 0..states {
                alpha[i * states + k] -= scale[i];
            }
        }
        let mut beta = vec![0.0; states];
        for i in (0..rows).rev() {
            let at = start + i - from;
            let top = (0..states).map(|k| r[k * m + at]).fold(f64::MIN, f64::max);
            let mut back = vec![0.0; states];
            for k in 0..states {
                back[k] = r[k * m + at] - top + beta[k] - scale[i];
                let w = at * width + k;
                b.alpha[w] = alpha[i * states + k].exp();
                b.b[w] = back[k].exp();
                b.q[w] = (alpha[i * states + k] + beta[k]).exp();
            }
            if i > 0 {
                step(start + i, b.shifts[at], &mut eta);
                for (j, beta) in beta.iter_mut().enumerate() {
                    for (k, t) in term.iter_mut().enumerate() {
                        *t = eta[j * states + k] + back[k];
                    }
                    *beta = logsumexp(&term);
                }
            }
            // The caller takes the logarithm; what has none is told in the shift.
            b.scale[at] = 1.0;
            b.shifts[at] += scale[i];
        }
        None
    }
}
