//! A pass over rows: local factors and accumulated statistics, chunk by chunk.
//!
//! ```text
//! eta_n = sum over keys data_n T_key[column[n]]     r_n = softmax(eta_n)     log Z_n = logsumexp(eta_n)
//! A_key += w_n data_n (x) onehot(column[n]) (x) r_n
//! ```
//!
//! Nothing of size rows x states leaves a chunk. Three programs run on one:
//!
//! ```text
//! lanes    keys without gathers are columns of one feature matrix (1, x, packed x x'): eta is its product with the stacked T,
//!          the A its transposed product with w r; keys with gathers add table rows
//! tables   where all keys are gathers, exp is taken of the tables instead of the rows
//! chains   rows coupled with the row before: eta as above for whole chains, then forward-backward
//! ```
//!
//! The chunks of a block are dealt out in runs to at most [`PARTS`] partial sums, as many as are worth merging by shapes alone.
//! Partial sums and blocks are merged in order: the same bits for any number of threads, and for rows that come a block at a time.

mod chain;
mod columns;
mod features;
mod lanes;
mod tables;

use std::sync::Arc;

use rayon::prelude::*;

use crate::numeric::LOG_ZERO;
use crate::numeric::lines::Lines;
use crate::numeric::logsumexp::softmax_in_place;

pub use chain::BoundChain;
pub use columns::{BoundKey, Columns, Stored};

/// Partial sums of a block of rows, at most.
pub const PARTS: usize = 16;
/// The same, at least, where there are so many chunks.
const FEW_PARTS: usize = 2;
/// Chunks that every partial sum of a block has at least.
const ROUNDS: usize = 8;
/// Numbers that rows add for every number that is merged into the result.
const ADDED: usize = 16;

/// Observed cells of a partly blank column: only states that agree with the cell are possible.
#[derive(Debug, Clone)]
pub struct Clamp {
    /// The element of each row, `BLANK` where unknown.
    pub values: Arc<Vec<u32>>,
    /// The element that each state gives this unknown.
    pub component: Vec<u32>,
}

/// A local block bound to data.
#[derive(Debug, Clone)]
pub struct BoundPass {
    /// Rows.
    pub rows: usize,
    /// Weights, if any.
    pub weights: Option<Arc<Vec<f64>>>,
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
    /// Take exp of tables where every key is a gather.
    pub exp_tables: bool,
    /// Rows are coupled with the row before.
    pub chain: Option<BoundChain>,
}

/// The table T of a key, flat.
pub type Table = Arc<Vec<f64>>;

/// What a pass returns.
#[derive(Debug, Clone, Default)]
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
    /// log Z, rows x elements; along a chain that of a row given those before it.
    pub log_z: Vec<f64>,
    /// Along chains: q of (state of the row before, state), rows x states x states; 0 at the first rows.
    pub pairs: Vec<f64>,
}

/// Where q of the rows comes from.
#[derive(Clone, Copy)]
pub enum Source<'a> {
    /// From the tables T, one flat slice per key.
    Tables(&'a [Table]),
    /// Given: rows x elements x states.
    Given(&'a [f64]),
}

impl PassResult {
    /// Adds the result of further rows.
    pub fn add(&mut self, other: &PassResult) {
        for (t, x) in self.accumulated.iter_mut().zip(&other.accumulated) {
            for (t, x) in t.iter_mut().zip(x) {
                *t += x;
            }
        }
        self.log_z += other.log_z;
        self.entropy += other.entropy;
        self.impossible = match (self.impossible, other.impossible) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
    }
}

/// What runs on a chunk.
struct Program<'a> {
    tables: Option<tables::ExpTables<'a>>,
    lanes: Option<lanes::Lanes<'a>>,
    transitions: Option<chain::Transitions>,
}

/// A partial sum, and the rows of its chunks where they are kept.
struct Part {
    result: PassResult,
    kept: Vec<(usize, RowResults)>,
    /// Sums in the layout of the exponentials, where tables have some, each from a first table row on.
    wide: Vec<(usize, Lines)>,
}

impl BoundPass {
    /// States of all elements of a row.
    pub fn width(&self) -> usize {
        self.elements * self.states
    }

    /// A result with nothing added.
    pub fn nothing(&self) -> PassResult {
        PassResult {
            accumulated: self.keys.iter().map(|k| vec![0.0; k.len]).collect(),
            log_z: 0.0,
            entropy: 0.0,
            impossible: None,
        }
    }

    fn weight(&self, n: usize) -> f64 {
        self.weights.as_ref().map_or(1.0, |w| w[n])
    }

    /// Runs the pass. With `keep`, row-level q and log Z are returned too.
    pub fn run(&self, source: Source<'_>, keep: bool) -> (PassResult, RowResults) {
        let program = self.program(source);
        let block = self.block_rows();
        if block >= self.rows {
            return self.run_block(&program, source, 0, self.rows, keep);
        }
        let mut result = self.nothing();
        let mut rows = RowResults::default();
        let mut from = 0;
        while from < self.rows {
            let to = (from + block).min(self.rows);
            let (r, kept) = self.run_block(&program, source, from, to, keep);
            result.add(&r);
            rows.q.extend(kept.q);
            rows.log_z.extend(kept.log_z);
            rows.pairs.extend(kept.pairs);
            from = to;
        }
        (result, rows)
    }

    fn program<'s>(&self, source: Source<'s>) -> Program<'s> {
        let tables = match source {
            Source::Tables(t) if self.chain.is_none() => tables::ExpTables::new(self, t),
            _ => None,
        };
        Program {
            lanes: match tables {
                None => Some(lanes::Lanes::new(self, source)),
                Some(_) => None,
            },
            tables,
            transitions: match source {
                Source::Tables(t) => self.chain.as_ref().map(|c| c.transitions(self, t)),
                Source::Given(_) => None,
            },
        }
    }

    /// Partial sums of a block of so many rows: merging them is a small part of the work.
    fn parts(&self, rows: usize) -> usize {
        let total: usize = self.keys.iter().map(|k| k.len).sum();
        let positions: usize = self.keys.iter().map(|k| k.positions.max(1)).sum();
        let added = rows.saturating_mul(positions * self.width());
        (added / (ADDED * total).max(1)).clamp(FEW_PARTS, PARTS)
    }

    /// Rows whose partial sums are merged before the next rows are looked at: many times the work of merging them, by
    /// shapes alone. Rows that come in pieces of this size give the same bits as all of them at once.
    pub fn block_rows(&self) -> usize {
        if self.chain.is_some() {
            return self.rows.max(1);
        }
        let total: usize = self.keys.iter().map(|k| k.len).sum();
        let round = self.chunk_rows() * PARTS;
        (ROUNDS * round).max((4 * total).next_multiple_of(round))
    }

    fn run_block(
        &self,
        program: &Program<'_>,
        source: Source<'_>,
        from: usize,
        to: usize,
        keep: bool,
    ) -> (PassResult, RowResults) {
        let chunks = self.chunks(from, to);
        let parts = self.parts(to - from).min(chunks.len());
        let parts: Vec<Part> = (0..parts)
            .into_par_iter()
            .map_init(lanes::Buffers::default, |buffers, p| {
                let own = &chunks[p * chunks.len() / parts..(p + 1) * chunks.len() / parts];
                match (&program.tables, &program.lanes) {
                    (Some(t), _) => t.part(self, own, keep),
                    (_, Some(l)) => {
                        let transitions = program.transitions.as_ref();
                        l.part(self, source, transitions, own, keep, buffers)
                    }
                    _ => Part {
                        result: self.nothing(),
                        kept: vec![],
                        wide: vec![],
                    },
                }
            })
            .collect();
        let mut result = self.nothing();
        let mut kept = vec![];
        if let Some(t) = &program.tables {
            t.merge(&parts, self.states.max(1), &mut result.accumulated);
        }
        for p in parts {
            result.add(&p.result);
            kept.extend(p.kept);
        }
        kept.sort_by_key(|(from, _)| *from);
        let mut rows = RowResults::default();
        for (_, r) in kept {
            rows.q.extend(r.q);
            rows.log_z.extend(r.log_z);
            rows.pairs.extend(r.pairs);
        }
        (result, rows)
    }

    /// Ranges of rows that are run together: of one length, or whole chains.
    fn chunks(&self, from: usize, to: usize) -> Vec<(usize, usize)> {
        match &self.chain {
            Some(c) => c.chunks(self.rows),
            None => {
                let m = self.chunk_rows();
                (0..(to - from).div_ceil(m))
                    .map(|c| (from + c * m, (from + (c + 1) * m).min(to)))
                    .collect()
            }
        }
    }

    /// Rows of a chunk: its features and q stay in the second-level cache. An odd number of sixteens, so that the columns of
    /// a chunk do not compete for the same places of a cache.
    pub fn chunk_rows(&self) -> usize {
        let features: usize = self
            .keys
            .iter()
            .filter(|k| k.dense())
            .map(BoundKey::features)
            .sum();
        let sixteens = (65_536 / 16 / (features + self.width() + 1)).clamp(5, 48);
        16 * (sixteens - 1 + sixteens % 2)
    }

    /// Notes a log Z that no state gives.
    fn check(&self, result: &mut PassResult, log_z: &[f64], from: usize) {
        for (i, z) in log_z.iter().enumerate() {
            let n = from + i / self.elements.max(1);
            let w = self.weight(n);
            if (*z < 0.5 * LOG_ZERO || z.is_nan()) && w > 0.0 {
                result.impossible = Some(result.impossible.map_or(n, |x| x.min(n)));
            }
            result.log_z += w * z;
        }
    }

    /// eta of one element of a row from the keys with gathers.
    fn gather_eta(
        &self,
        gathered: &[usize],
        tables: &[Table],
        n: usize,
        e: usize,
        eta: &mut [f64],
    ) {
        let from = e * self.states;
        for g in gathered {
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
    fn clamp(&self, n: usize, e: usize, eta: &mut [f64]) {
        for c in &self.clamps {
            let v = if c.values.len() == self.rows {
                c.values[n]
            } else {
                c.values[n * self.elements + e]
            };
            if v != crate::data::BLANK {
                for (x, s) in eta.iter_mut().zip(&c.component) {
                    if *s != v {
                        *x = f64::NEG_INFINITY;
                    }
                }
            }
        }
    }

    /// Adds w q of a row to the keys with gathers.
    fn accumulate_gathered(
        &self,
        gathered: &[usize],
        n: usize,
        q: &[f64],
        accumulated: &mut [Vec<f64>],
    ) {
        for g in gathered {
            let k = &self.keys[*g];
            let sum = &mut accumulated[*g];
            let local = k.local_data();
            for a in 0..k.positions {
                let d = if local { 1.0 } else { k.factor(n, a) };
                if d == 0.0 {
                    continue;
                }
                let Some(base) = k.base(n, a) else { continue };
                if k.full && !local {
                    for (s, p) in sum[base..base + q.len()].iter_mut().zip(q) {
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

/// Softmax in place; returns log Z.
fn softmax(eta: &mut [f64]) -> f64 {
    softmax_in_place(eta)
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
