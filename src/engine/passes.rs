//! Passes of local blocks: tables from the globals, rows, accumulated statistics kept in the state.

use ndarray::{ArrayD, IxDyn};

use crate::diag::{Code, Diagnostic};
use crate::plan::KeyId;

use super::Engine;
use super::bind::BoundBlock;
use super::pass::{RowResults, Source};
use super::state::{PassState, State};

/// sum over keys <T, A>; what no row chose counts 0 even where T is the floor of log 0.
fn inner(tables: &[Vec<f64>], accumulated: &[Vec<f64>]) -> f64 {
    tables
        .iter()
        .zip(accumulated)
        .map(|(t, a)| {
            t.iter()
                .zip(a)
                .map(|(x, y)| if *y == 0.0 { 0.0 } else { x * y })
                .sum::<f64>()
        })
        .sum()
}

impl Engine<'_> {
    /// The table T of a key, over its axes.
    pub(super) fn table(&self, state: &State, key: KeyId) -> ArrayD<f64> {
        let k = &self.plan.keys[key.index()];
        let shape: Vec<usize> = k.axes.iter().map(|a| self.size(*a)).collect();
        let mut out = ArrayD::zeros(IxDyn(&shape));
        for c in &k.tables {
            self.add_contraction(state, c, None, &mut out);
        }
        out
    }

    /// The tables of a bound block, flat.
    pub fn tables(&self, state: &State, b: &BoundBlock) -> Vec<Vec<f64>> {
        b.keys
            .iter()
            .map(|k| self.table(state, *k).iter().copied().collect())
            .collect()
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
        for b in &self.bound[pass] {
            let tables = self.tables(state, b);
            let rows = b.collapsed.as_ref().map_or(&b.rows, |(rows, _)| rows);
            let (result, _) = rows.run(Source::Tables(&tables), false);
            if let Some(n) = result.impossible {
                let n = b.collapsed.as_ref().map_or(n, |(_, first)| first[n]);
                return Err(self.impossible(b, n));
            }
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
    pub fn give_tables(&self, state: &mut State, pass: usize, block: usize, tables: &[Vec<f64>]) {
        let b = &self.bound[pass][block];
        let (result, _) = b.rows.run(Source::Tables(tables), false);
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

    fn impossible(&self, b: &BoundBlock, n: usize) -> Diagnostic {
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
