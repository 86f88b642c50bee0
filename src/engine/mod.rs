//! The engine: runs a plan on data.
//!
//! in: a [`Derivation`], its [`Plan`], a [`Dataset`] -> out: a [`State`] at a fixed point, with the trace of the objective.
//!
//! ```text
//! L = E_q[log p] + H(q) = sum of contractions + sum over passes (<T, A> + H_local) + sum over blocks H
//! ```
//!
//! Three functions carry everything: a pass *accumulates* A over segments of rows, segments *merge* by addition in a fixed
//! order, blocks *update* from the A alone. Not here: files and printing.

mod accelerate;
pub mod bind;
mod checks;
mod collapse;
mod conditional;
mod coordinates;
mod coupled;
pub mod evaluate;
mod extrapolate;
mod functions;
mod gaussian_network;
pub mod init;
mod known_name;
pub mod network;
pub mod pass;
pub mod places;
mod prototypes;
mod row_products;
pub mod rows;
pub mod run;
pub mod state;
mod sweep;
pub mod symmetric;
pub mod tensor;
pub mod update;
mod vanishing;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use ndarray::{ArrayD, Axis as Dim, IxDyn};

use crate::algebra::{Known, Subscript, UnknownId};
use crate::data::Dataset;
use crate::derive::{BlockId, Contraction, Derivation, Moment, MomentKind};
use crate::diag::{Code, Diagnostic};
use crate::model::{Axis, PlateId, Role};
use crate::plan::{KeyId, Plan, Planned};

use bind::BoundBlock;
use evaluate::{Evaluator, Fitted};
use network::Network;
use pass::{RowResults, Source};
use rows::{Operand, add_rows};
use state::{BlockState, PassState, State};
use tensor::{Tensor, contract};
use update::Patterns;

/// At most this many coupled numbers form one joint Gaussian.
pub const DENSE_INSIDE: usize = 3000;
/// At most this many bytes of covariances are kept for one block.
const DENSE_BYTES: f64 = 2e9;

/// A plan bound to data.
pub struct Engine<'a> {
    /// What was derived.
    pub derivation: &'a Derivation,
    /// Its plan.
    pub plan: &'a Plan,
    /// Evaluates known expressions.
    pub evaluator: Evaluator<'a>,
    known: RefCell<BTreeMap<Known, (ArrayD<f64>, Found)>>,
    /// For each pass, its local blocks bound to the rows.
    pub bound: Vec<Vec<BoundBlock>>,
    /// For each block, its coupled discrete elements.
    pub networks: Vec<Option<Network>>,
    conditionals: Vec<Option<conditional::Conditional>>,
    gaussian_networks: Vec<Option<gaussian_network::GaussianNetwork>>,
    hoisted: Vec<Option<ArrayD<f64>>>,
    patterns: RefCell<BTreeMap<BlockId, Option<Rc<Patterns>>>>,
}

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

/// What the evaluation of a known factor met beside numbers.
#[derive(Debug, Clone, Copy, Default)]
struct Found {
    blank: bool,
    infinite: bool,
}

/// A known factor with its axes named by position, so that one evaluation serves all uses.
fn canonical_known(k: &Known, axes: &[Axis]) -> Known {
    let map: Vec<(Axis, Subscript)> = axes
        .iter()
        .enumerate()
        .map(|(i, a)| {
            let id = (1 << 26) + i as u32;
            (*a, Subscript::Axis(Axis { plate: a.plate, id }))
        })
        .collect();
    k.map(&|s| s.substitute(&map))
}

impl<'a> Engine<'a> {
    /// Binds a plan to data: evaluates what data and constants decide, hoists what no update changes.
    ///
    /// # Errors
    /// E0505 too many joint states, E0710 a known value outside the support of its distribution.
    pub fn new(
        derivation: &'a Derivation,
        plan: &'a Plan,
        data: &'a Dataset,
        fitted: Option<Fitted>,
    ) -> Result<Engine<'a>, Vec<Diagnostic>> {
        let evaluator = match fitted {
            Some(f) => Evaluator::with_fitted(&derivation.model, data, f),
            None => Evaluator::new(&derivation.model, data),
        };
        let mut engine = Engine {
            derivation,
            plan,
            evaluator,
            known: RefCell::default(),
            bound: vec![],
            networks: vec![],
            conditionals: vec![],
            gaussian_networks: vec![],
            hoisted: vec![None; plan.keys.len()],
            patterns: RefCell::default(),
        };
        engine.check_dense()?;
        engine.check_known()?;
        for pass in &plan.passes {
            let mut blocks = vec![];
            for (b, keys) in pass.blocks.iter().zip(&pass.keys) {
                blocks.push(bind::bind_block(&engine, *b, keys)?);
            }
            engine.bound.push(blocks);
        }
        engine.networks = derivation
            .blocks
            .iter()
            .map(|b| {
                matches!(b.form, crate::derive::Form::Network)
                    .then(|| Network::new(&engine.evaluator, derivation, b))
            })
            .collect();
        engine.conditionals = engine.bind_conditionals();
        engine.gaussian_networks = engine.bind_gaussian_networks()?;
        engine.hoist();
        Ok(engine)
    }

    /// A state in which nothing is known yet.
    pub fn empty_state(&self) -> State {
        State {
            moments: BTreeMap::new(),
            blocks: vec![BlockState::default(); self.derivation.blocks.len()],
            accumulated: self.hoisted.clone(),
            passes: vec![PassState::default(); self.plan.passes.len()],
        }
    }

    /// Elements along an axis.
    pub fn size(&self, a: Axis) -> usize {
        self.evaluator.size(a)
    }

    /// The sizes of an unknown's slots.
    pub fn shape(&self, u: UnknownId) -> Vec<usize> {
        self.derivation
            .unknowns
            .get(u)
            .slots
            .iter()
            .map(|p| self.plate_size(*p))
            .collect()
    }

    /// Elements of a plate.
    pub fn plate_size(&self, p: PlateId) -> usize {
        self.evaluator.data.plates[p.index()].size
    }

    /// A known expression over its axes in order of first appearance; blanks are 0 (their terms are masked).
    pub fn known(&self, k: &Known) -> Tensor {
        let axes = k.axes();
        let canonical = canonical_known(k, &axes);
        if let Some((v, _)) = self.known.borrow().get(&canonical) {
            return Tensor {
                axes,
                values: v.clone(),
            };
        }
        let size = |a: Axis| self.size(a);
        let mut values = self.evaluator.evaluate(k).broadcast(&axes, &size);
        let mut found = Found::default();
        values.mapv_inplace(|x| {
            found.infinite |= x.is_infinite();
            if x.is_nan() {
                found.blank = true;
                0.0
            } else {
                x
            }
        });
        self.known
            .borrow_mut()
            .insert(canonical, (values.clone(), found));
        Tensor { axes, values }
    }

    /// What the evaluation of a known factor met.
    fn found(&self, k: &Known) -> Found {
        let axes = k.axes();
        self.known(k);
        self.known
            .borrow()
            .get(&canonical_known(k, &axes))
            .map_or_else(Found::default, |(_, f)| *f)
    }

    /// Computes the hoisted keys that are small; the others are summed row by row when needed.
    fn hoist(&mut self) {
        let planned: Vec<&Planned> = self
            .plan
            .expectation
            .iter()
            .chain(self.plan.messages.iter().flatten().map(|m| &m.how))
            .collect();
        let mut wanted: Vec<KeyId> = vec![];
        for p in planned {
            if let Planned::Rows {
                hoisted: Some((k, _, _)),
                ..
            } = p
                && !wanted.contains(k)
            {
                wanted.push(*k);
            }
        }
        for id in wanted {
            let key = &self.plan.keys[id.index()];
            let len: f64 = key.axes.iter().map(|a| self.size(*a) as f64).product();
            let rows = self.plate_size(key.plate);
            if len > (2 * rows).max(65_536) as f64 {
                continue;
            }
            let shape: Vec<usize> = key.axes.iter().map(|a| self.size(*a)).collect();
            let mut out = ArrayD::zeros(IxDyn(&shape));
            let data: Vec<Tensor> = key.data.iter().map(|k| self.known(k)).collect();
            let operands: Vec<Operand<'_>> = data
                .iter()
                .map(|t| Operand {
                    values: &t.values,
                    index: t.axes.iter().map(|a| Subscript::Axis(*a)).collect(),
                })
                .collect();
            let target: Vec<Subscript> = key
                .axes
                .iter()
                .map(|a| {
                    key.selectors
                        .iter()
                        .find(|(_, b)| a == b)
                        .map_or(Subscript::Axis(*a), |(s, _)| s.clone())
                })
                .collect();
            add_rows(
                &self.evaluator,
                1.0,
                &operands,
                key.row,
                &[],
                &target,
                true,
                &mut out,
            );
            self.hoisted[id.index()] = Some(out);
        }
    }

    /// A published expectation as a tensor: fixed elements are taken, repeated axes become the diagonal.
    fn moment(&self, state: &State, m: &Moment) -> Tensor {
        let mut values = match state.moments.get(&m.kind) {
            Some(v) => v.clone(),
            None => ArrayD::zeros(IxDyn(&self.moment_shape(m.kind))),
        };
        let gathered = |s: &Subscript| {
            matches!(
                s,
                Subscript::Column(..) | Subscript::Lag(..) | Subscript::Latent(..)
            )
        };
        if m.index.iter().any(gathered) {
            // Where there is no such element, a mask in the term says so.
            let mut t = self.evaluator.gather(&values, &m.index);
            t.values.mapv_inplace(|x| if x.is_nan() { 0.0 } else { x });
            return t;
        }
        let mut axes = vec![];
        let mut dim = 0;
        for s in &m.index {
            match s {
                Subscript::Axis(a) => {
                    axes.push(*a);
                    dim += 1;
                }
                Subscript::Element(e) => values = values.index_axis_move(Dim(dim), *e as usize),
                Subscript::Column(..) | Subscript::Lag(..) | Subscript::Latent(..) => {}
            }
        }
        Tensor::with_diagonal(axes, values)
    }

    /// The dimensions of a published expectation.
    pub fn moment_shape(&self, kind: MomentKind) -> Vec<usize> {
        match kind {
            MomentKind::Statistic(u, k) => {
                let unknown = self.derivation.unknowns.get(u);
                let mut shape = self.shape(u);
                match k {
                    crate::family::StatisticKind::Log if unknown.domain.value_slots() == 2 => {
                        shape.truncate(shape.len() - 2);
                    }
                    crate::family::StatisticKind::LogSumExp => {
                        shape.pop();
                    }
                    crate::family::StatisticKind::Indicator => {
                        shape.extend(unknown.element_plate().map(|p| self.plate_size(p)));
                    }
                    _ => {}
                }
                shape
            }
            MomentKind::Covariance(u, v) => self.pair_shape(u, v),
            MomentKind::Cross(u) | MomentKind::Variance(u) => self.shape(u),
            MomentKind::Compound(u, at) => match self.derivation.block_of(u) {
                Some(b) => self.compound_shape(b, at),
                None => vec![],
            },
            MomentKind::Quadratic(u) => match self.derivation.block_of(u) {
                Some(b) => {
                    let block = self.derivation.block(b);
                    match block.form {
                        crate::derive::Form::GaussianGamma => self.pair_shape(u, u),
                        _ => block.batch.iter().map(|p| self.plate_size(*p)).collect(),
                    }
                }
                None => vec![],
            },
        }
    }

    /// The sizes of a compound's axes.
    pub fn compound_shape(&self, b: BlockId, at: u32) -> Vec<usize> {
        self.derivation
            .block(b)
            .compounds
            .get(at as usize)
            .map_or_else(Vec::new, |c| c.axes.iter().map(|a| self.size(*a)).collect())
    }

    /// The batch as far as the covariance varies, inside of u, inside of v.
    pub fn pair_shape(&self, u: UnknownId, v: UnknownId) -> Vec<usize> {
        let Some(b) = self.derivation.block_of(u) else {
            return vec![];
        };
        let block = self.derivation.block(b);
        let inside = |u: UnknownId| -> Vec<usize> {
            let i = block.unknowns.iter().position(|x| *x == u).unwrap_or(0);
            let slots = &self.derivation.unknowns.get(u).slots;
            block.inside_slots[i]
                .iter()
                .map(|s| self.plate_size(slots[*s]))
                .collect()
        };
        let mut shape: Vec<usize> = block
            .varying()
            .map(|i| self.plate_size(block.batch[i]))
            .collect();
        shape.extend(inside(u));
        shape.extend(inside(v));
        shape
    }

    /// Adds a contraction without rows to `out`.
    fn add_contraction(
        &self,
        state: &State,
        c: &Contraction,
        extra: Option<Tensor>,
        out: &mut ArrayD<f64>,
    ) {
        let mut operands: Vec<Tensor> = c.data.iter().map(|k| self.known(k)).collect();
        operands.extend(c.moments.iter().map(|m| self.moment(state, m)));
        operands.extend(extra);
        let mut axes: Vec<Axis> = vec![];
        for s in &c.target {
            s.visit_axes(&mut |a| {
                if !axes.contains(&a) {
                    axes.push(a);
                }
            });
        }
        let size = |a: Axis| self.size(a);
        let v = contract(c.coef, operands, &c.axes, &axes, &size);
        let plain = c
            .target
            .iter()
            .map(|s| match s {
                Subscript::Axis(a) => Some(*a),
                _ => None,
            })
            .collect::<Option<Vec<Axis>>>();
        if plain.as_ref() == Some(&axes) {
            *out += &v;
            return;
        }
        self.evaluator.scatter(&v, &axes, &c.target, out);
    }

    /// Adds a planned contraction to `out`; `own_rows` is the row plate of the block that receives it, whose weights it omits.
    pub fn add_planned(
        &self,
        state: &State,
        p: &Planned,
        own_rows: &[PlateId],
        out: &mut ArrayD<f64>,
    ) {
        match p {
            Planned::Global(c) => self.add_contraction(state, c, None, out),
            Planned::Keyed { key, axes, rest } => {
                if let Some(a) = &state.accumulated[key.index()] {
                    let t = Tensor {
                        axes: axes.clone(),
                        values: a.clone(),
                    };
                    self.add_contraction(state, rest, Some(t), out);
                }
            }
            Planned::Rows {
                row,
                direct,
                hoisted,
            } => {
                if let Some((key, axes, rest)) = hoisted
                    && let Some(a) = &state.accumulated[key.index()]
                    && !own_rows.contains(&row.plate)
                {
                    let t = Tensor {
                        axes: axes.clone(),
                        values: a.clone(),
                    };
                    self.add_contraction(state, rest, Some(t), out);
                    return;
                }
                let data: Vec<Tensor> = direct.data.iter().map(|k| self.known(k)).collect();
                let zeros: Vec<ArrayD<f64>> = direct
                    .moments
                    .iter()
                    .map(|m| ArrayD::zeros(IxDyn(&self.moment_shape(m.kind))))
                    .collect();
                let mut operands: Vec<Operand<'_>> = data
                    .iter()
                    .map(|t| Operand {
                        values: &t.values,
                        index: t.axes.iter().map(|a| Subscript::Axis(*a)).collect(),
                    })
                    .collect();
                for (m, z) in direct.moments.iter().zip(&zeros) {
                    operands.push(Operand {
                        values: state.moments.get(&m.kind).unwrap_or(z),
                        index: m.index.clone(),
                    });
                }
                add_rows(
                    &self.evaluator,
                    direct.coef,
                    &operands,
                    *row,
                    &direct.axes,
                    &direct.target,
                    !own_rows.contains(&row.plate),
                    out,
                );
            }
        }
    }

    /// The table T of a key, over its axes.
    fn table(&self, state: &State, key: KeyId) -> ArrayD<f64> {
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
        let line = table.and_then(|t| self.evaluator.data.tables[t.index()].lines.get(n).copied());
        Diagnostic::new(Code::E0710, "a row is impossible under the model")
            .note(format!(
                "row {} of `{}`{} has probability 0 in every state",
                n + 1,
                table.map_or("", |t| model.table(t).name.as_str()),
                line.map_or(String::new(), |l| format!(" (line {l} of the file)")),
            ))
            .help("a prior keeps probabilities away from 0; or give other starting values with --init")
    }

    /// L = E_q[log p] + H(q) at the current state.
    pub fn objective(&self, state: &State) -> f64 {
        let mut total = ArrayD::zeros(IxDyn(&[]));
        for p in &self.plan.expectation {
            self.add_planned(state, p, &[], &mut total);
        }
        let mut l = total.first().copied().unwrap_or(0.0);
        for (pass, blocks) in self.bound.iter().enumerate() {
            for b in blocks {
                for k in &b.keys {
                    if let Some(a) = &state.accumulated[k.index()] {
                        let t = self.table(state, *k);
                        l += t
                            .iter()
                            .zip(a.iter())
                            .map(|(x, y)| if *y == 0.0 { 0.0 } else { x * y })
                            .sum::<f64>();
                    }
                }
            }
            l += state.passes[pass].entropy;
        }
        l + state.blocks.iter().map(|b| b.entropy).sum::<f64>()
    }

    /// The centre of a recentred unknown, over its slots; `None` where it has none.
    pub fn centre(&self, u: UnknownId) -> Option<ArrayD<f64>> {
        let (_, c) = self.derivation.centres.iter().find(|(x, _)| *x == u)?;
        let unknown = self.derivation.unknowns.get(u);
        let axes: Vec<Axis> = unknown
            .slots
            .iter()
            .enumerate()
            .map(|(i, p)| Axis {
                plate: *p,
                id: (1 << 27) + i as u32,
            })
            .collect();
        let slots = c
            .slots
            .iter()
            .map(|s| s.map(|s| Subscript::Axis(axes[s])))
            .collect();
        let size = |a: Axis| self.size(a);
        Some(
            self.evaluator
                .evaluate(&Known::Centre(c.column, slots))
                .broadcast(&axes, &size),
        )
    }

    /// True if the block's q is a distribution.
    pub fn is_latent(&self, b: BlockId) -> bool {
        self.derivation.block(b).role == Role::Latent
    }
}
