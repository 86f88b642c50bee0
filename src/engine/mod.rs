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
mod affine;
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
mod hoist;
pub mod init;
mod known_name;
pub mod network;
pub mod pass;
mod passes;
pub mod places;
mod prototypes;
mod row_products;
pub mod rows;
pub mod run;
mod shapes;
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
use crate::derive::{BlockId, Contraction, Derivation, Moment};
use crate::diag::Diagnostic;
use crate::model::{Axis, PlateId, Role};
use crate::plan::{KeyId, Plan, Planned, Rewrite};

use bind::BoundBlock;
use evaluate::{Evaluator, Fitted};
use network::Network;
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
    pushed: Vec<Option<hoist::Pushed>>,
    patterns: RefCell<BTreeMap<BlockId, Option<Rc<Patterns>>>>,
    /// By key: the moments its table was made of, and the table.
    tables: RefCell<BTreeMap<KeyId, (u64, pass::Table)>>,
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
            pushed: vec![None; derivation.blocks.len()],
            patterns: RefCell::default(),
            tables: RefCell::default(),
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
                (matches!(b.form, crate::derive::Form::Network) && b.rows.is_none())
                    .then(|| Network::new(&engine.evaluator, derivation, b))
            })
            .collect();
        engine.conditionals = engine.bind_conditionals();
        engine.gaussian_networks = engine.bind_gaussian_networks()?;
        engine.hoist();
        Ok(engine)
    }

    /// True if the plan may be executed in the way that a rewrite gives.
    pub fn has(&self, rewrite: Rewrite) -> bool {
        self.plan.rewrites.has(rewrite)
    }

    /// A state in which nothing is known yet.
    pub fn empty_state(&self) -> State {
        State {
            moments: state::Moments::default(),
            blocks: vec![BlockState::default(); self.derivation.blocks.len()],
            accumulated: self.hoisted.clone(),
            passes: vec![PassState::default(); self.plan.passes.len()],
            pushing: false,
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
                        l += passes::weighted_sum(&t, a.as_slice().unwrap_or(&[]));
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
