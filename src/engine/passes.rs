//! Passes of local blocks: tables from the globals, rows, accumulated statistics kept in the state.

use std::sync::Arc;

use ndarray::{ArrayD, IxDyn};

use crate::algebra::Subscript;
use crate::derive::MomentKind;
use crate::diag::{Code, Diagnostic};
use crate::family::StatisticKind;
use crate::plan::KeyId;

use rayon::prelude::*;

use super::Engine;
use super::bind::{BoundBlock, unflatten};
use super::pass::{RowResults, Source, Table};
use super::state::{PassState, State};

/// sum over keys <T, A>; what no row chose counts 0 even where T is the floor of log 0.
pub(super) fn inner(tables: &[Table], accumulated: &[Vec<f64>]) -> f64 {
    tables
        .iter()
        .zip(accumulated)
        .map(|(t, a)| weighted_sum(t, a))
        .sum()
}

/// <t, a> of flat arrays, in parallel for large ones.
pub(super) fn weighted_sum(t: &[f64], a: &[f64]) -> f64 {
    let parts: Vec<f64> = t
        .par_chunks(1 << 15)
        .zip(a.par_chunks(1 << 15))
        .map(|(t, a)| {
            let term = |(x, y): (&f64, &f64)| if *y == 0.0 { 0.0 } else { x * y };
            t.iter().zip(a).map(term).sum()
        })
        .collect();
    parts.iter().sum()
}

impl Engine<'_> {
    /// Keeps the tables of passes that read none of the blocks that `changes` is true of, until they are let go.
    pub(super) fn hold_tables(&self, state: &State, changes: &dyn Fn(MomentKind) -> bool) {
        let keys = self.bound.iter().flatten().flat_map(|b| &b.keys);
        for k in keys {
            let tables = &self.plan.keys[k.index()].tables;
            let mut read = tables.iter().flat_map(|c| &c.moments);
            if !read.any(|m| changes(m.kind)) {
                let table = self.table(state, *k);
                self.held.borrow_mut().insert(*k, table);
            }
        }
    }

    /// Lets the kept tables go.
    pub(super) fn release_tables(&self) {
        self.held.borrow_mut().clear();
    }

    /// The table T of a key, flat over its axes; made once for the same expectations.
    pub(super) fn table(&self, state: &State, key: KeyId) -> Table {
        if let Some(t) = self.held.borrow().get(&key) {
            return Arc::clone(t);
        }
        let version = state.moments.version();
        if let Some((v, t)) = self.tables.borrow().get(&key)
            && *v == version
        {
            return Arc::clone(t);
        }
        let k = &self.plan.keys[key.index()];
        let shape: Vec<usize> = k.axes.iter().map(|a| self.size(*a)).collect();
        let mut out = ArrayD::zeros(IxDyn(&shape));
        for c in &k.tables {
            self.add_contraction(state, c, None, &mut out);
        }
        let table = Arc::new(out.into_raw_vec_and_offset().0);
        self.tables
            .borrow_mut()
            .insert(key, (version, Arc::clone(&table)));
        table
    }

    /// The tables of a bound block, flat.
    pub fn tables(&self, state: &State, b: &BoundBlock) -> Vec<Table> {
        b.keys.iter().map(|k| self.table(state, *k)).collect()
    }

    /// Runs a pass: local factors, accumulated statistics, log Z and entropy.
    ///
    /// # Errors
    /// E0710: a row that is impossible under the current params.
    pub fn run_pass(&self, state: &mut State, pass: usize) -> Result<(), Diagnostic> {
        let mut total = PassState {
            run: true,
            ..PassState::default()
        };
        for (i, b) in self.bound[pass].iter().enumerate() {
            let tables = self.tables(state, b);
            let result = self.run_rows(pass, i, Source::Tables(&tables))?;
            total.log_z += result.log_z;
            if !b.rows.hard {
                total.entropy += result.log_z - inner(&tables, &result.accumulated);
            }
            self.store(state, b, result.accumulated);
        }
        state.passes[pass] = total;
        Ok(())
    }

    /// Accumulates with the q that tables chosen by the caller give, as a start.
    pub fn give_tables(&self, state: &mut State, pass: usize, block: usize, tables: &[Table]) {
        let b = &self.bound[pass][block];
        let result = match self.is_streamed(pass) {
            // What cannot be read now is told by the first pass.
            true => self.run_rows(pass, block, Source::Tables(tables)).ok(),
            false => Some(b.rows.run(Source::Tables(tables), false).0),
        };
        let result = result.unwrap_or_else(|| b.rows.nothing());
        let entropy = if b.rows.hard {
            0.0
        } else {
            result.log_z - inner(tables, &result.accumulated)
        };
        state.passes[pass] = PassState {
            run: true,
            log_z: f64::NAN,
            entropy: state.passes[pass].entropy + entropy,
        };
        self.store(state, b, result.accumulated);
    }

    /// Accumulates with q of the rows given instead of computed.
    pub fn give_rows(&self, state: &mut State, pass: usize, block: usize, q: &[f64]) {
        let b = &self.bound[pass][block];
        let (result, _) = b.rows.run(Source::Given(q), false);
        state.passes[pass] = PassState {
            run: true,
            log_z: f64::NAN,
            entropy: state.passes[pass].entropy + if b.rows.hard { 0.0 } else { result.entropy },
        };
        self.store(state, b, result.accumulated);
    }

    /// Row-level q and log Z of a local block at the current globals.
    pub fn row_results(&self, state: &State, b: &BoundBlock) -> RowResults {
        let tables = self.tables(state, b);
        b.rows.run(Source::Tables(&tables), true).1
    }

    /// Publishes q of a chain of rows as if it were kept: the probabilities of its rows, and of rows with the row before.
    pub fn publish_chain(&self, state: &mut State, b: &BoundBlock) {
        let block = self.derivation.block(b.block);
        let (Some(u), Some(_)) = (block.unknowns.first(), &b.rows.chain) else {
            return;
        };
        let results = self.row_results(state, b);
        let k = b.rows.states;
        let kind = MomentKind::Statistic(*u, StatisticKind::Indicator);
        let shape = self.moment_shape(kind);
        for (at, c) in block.compounds.iter().enumerate() {
            let shape = self.compound_shape(b.block, at as u32);
            // The states that the axes after the row's stand for, before and now; fixed ones are left to their axis.
            let values = &c.axes[c.places..];
            let sizes: Vec<usize> = values.iter().map(|a| self.size(*a)).collect();
            let width: usize = sizes.iter().product();
            let mut out = vec![0.0; shape.iter().product()];
            for (n, out) in out.chunks_mut(width.max(1)).enumerate().take(b.rows.rows) {
                for (v, x) in out.iter_mut().enumerate() {
                    let state = unflatten(v, &sizes);
                    let (mut before, mut now) = (None, None);
                    let mut possible = true;
                    for s in &c.stats {
                        let (row, value) = (s.index.first(), s.index.last());
                        let value = match value {
                            Some(Subscript::Axis(a)) => {
                                values.iter().position(|b| a == b).map(|i| state[i])
                            }
                            Some(Subscript::Element(e)) => Some(*e as usize),
                            _ => None,
                        };
                        let slot = match row {
                            Some(Subscript::Lag(..)) => &mut before,
                            _ => &mut now,
                        };
                        possible &= slot.is_none_or(|x| Some(x) == value);
                        *slot = value;
                    }
                    let pair = |j: usize, i: usize| results.pairs.get((n * k + j) * k + i);
                    let p: f64 = match (before, now) {
                        (Some(j), Some(i)) => pair(j, i).copied().unwrap_or(0.0),
                        (Some(j), None) => (0..k).filter_map(|i| pair(j, i)).sum(),
                        (None, Some(i)) => results.q.get(n * k + i).copied().unwrap_or(0.0),
                        (None, None) => 1.0,
                    };
                    *x = if possible { p } else { 0.0 };
                }
            }
            if let Ok(a) = ArrayD::from_shape_vec(IxDyn(&shape), out) {
                state.moments.insert(MomentKind::Compound(*u, at as u32), a);
            }
        }
        if let Ok(a) = ArrayD::from_shape_vec(IxDyn(&shape), results.q) {
            state.moments.insert(kind, a);
        }
    }

    fn store(&self, state: &mut State, b: &BoundBlock, accumulated: Vec<Vec<f64>>) {
        for (k, a) in b.keys.iter().zip(accumulated) {
            let shape: Vec<usize> = self.plan.keys[k.index()]
                .axes
                .iter()
                .map(|x| self.size(*x))
                .collect();
            state.accumulated[k.index()] = ArrayD::from_shape_vec(IxDyn(&shape), a).ok();
        }
        let block = &mut state.blocks[b.block.index()];
        block.initialised = true;
        block.updated = true;
    }

    pub(super) fn impossible(&self, b: &BoundBlock, n: usize) -> Diagnostic {
        let model = &self.derivation.model;
        let plate = self.derivation.block(b.block).rows;
        let table = plate.and_then(|p| model.table_of(p));
        let line = table.and_then(|t| self.evaluator.data.tables[t.index()].lines.get(n));
        Diagnostic::new(Code::E0710, "a row is impossible under the model")
            .note(format!(
                "row {} of `{}`{} has probability 0 in every state",
                n + 1,
                table.map_or("", |t| model.table(t).name.as_str()),
                line.map_or(String::new(), |l| format!(" (line {l} of the file)")),
            ))
            .help("a prior keeps probabilities away from 0; or give other starting values with --init")
    }
}
