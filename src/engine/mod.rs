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
pub mod batch;
pub mod bind;
mod checks;
mod collapse;
mod conditional;
mod contract;
mod contraction;
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
mod shifted;
pub mod state;
pub mod statistics;
pub mod stream;
mod sums;
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
use crate::diag::Diagnostic;
use crate::model::{Axis, PlateId, Role};
use crate::plan::{KeyId, Plan, Planned, Rewrite};

use bind::BoundBlock;
use evaluate::{Evaluator, Fitted};
use network::Network;
use rows::{Identity, KeptSums, Operand, Term, add_terms};
use state::{BlockState, PassState, State};
use stream::Streamed;
use tensor::Tensor;
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
    known: RefCell<BTreeMap<Known, Evaluated>>,
    contractions: contraction::BoundContractions,
    /// For each pass, its local blocks bound to the rows.
    pub bound: Vec<Vec<BoundBlock>>,
    /// For each block, its coupled discrete elements.
    pub networks: Vec<Option<Network>>,
    conditionals: Vec<Option<conditional::Conditional>>,
    gaussian_networks: Vec<Option<gaussian_network::GaussianNetwork>>,
    hoisted: Vec<Option<ArrayD<f64>>>,
    pushed: Vec<Option<hoist::Pushed>>,
    shared: Vec<usize>,
    patterns: RefCell<BTreeMap<BlockId, Option<Rc<Patterns>>>>,
    /// By key: the moments its table was made of, and the table.
    tables: RefCell<BTreeMap<KeyId, (u64, pass::Table)>>,
    /// Sums over rows that an update made and the next contractions may hold.
    row_sums: RefCell<KeptSums>,
    /// Tables that stay while only some blocks are updated.
    held: RefCell<BTreeMap<KeyId, pass::Table>>,
    /// Rows that are not here.
    streamed: Option<Streamed<'a>>,
}

/// The values of a known factor over its axes.
type Shared = (Vec<Axis>, Rc<ArrayD<f64>>);

/// The values of a known factor, and what was met on the way.
type Evaluated = (Rc<ArrayD<f64>>, Found);

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
        Engine::bound_to(derivation, plan, data, fitted, None)
    }

    /// An engine that can evaluate what data decide, and no more.
    fn bare(
        derivation: &'a Derivation,
        plan: &'a Plan,
        data: &'a Dataset,
        fitted: Fitted,
    ) -> Engine<'a> {
        let evaluator = Evaluator::with_fitted(&derivation.model, data, fitted);
        Engine::unbound(derivation, plan, evaluator, None)
    }

    fn unbound(
        derivation: &'a Derivation,
        plan: &'a Plan,
        evaluator: Evaluator<'a>,
        streamed: Option<Streamed<'a>>,
    ) -> Engine<'a> {
        Engine {
            derivation,
            plan,
            evaluator,
            known: RefCell::default(),
            contractions: contraction::BoundContractions::new(plan),
            bound: vec![],
            networks: vec![],
            conditionals: vec![],
            gaussian_networks: vec![],
            hoisted: vec![None; plan.keys.len()],
            pushed: vec![None; derivation.blocks.len()],
            shared: vec![],
            patterns: RefCell::default(),
            tables: RefCell::default(),
            row_sums: RefCell::default(),
            held: RefCell::default(),
            streamed,
        }
    }

    fn bound_to(
        derivation: &'a Derivation,
        plan: &'a Plan,
        data: &'a Dataset,
        fitted: Option<Fitted>,
        streamed: Option<Streamed<'a>>,
    ) -> Result<Engine<'a>, Vec<Diagnostic>> {
        let evaluator = match fitted {
            Some(f) => Evaluator::with_fitted(&derivation.model, data, f),
            None => Evaluator::new(&derivation.model, data),
        };
        let mut engine = Engine::unbound(derivation, plan, evaluator, streamed);
        engine.evaluator.in_pieces = streamed.map(|s| s.plate);
        engine.check_dense()?;
        engine.check_known()?;
        engine.bind()?;
        Ok(engine)
    }

    /// An engine on some of the rows of data that another engine was bound to: nothing is checked again.
    fn of_part(
        derivation: &'a Derivation,
        plan: &'a Plan,
        data: &'a Dataset,
        fitted: Fitted,
    ) -> Result<Engine<'a>, Vec<Diagnostic>> {
        let mut engine = Engine::bare(derivation, plan, data, fitted);
        engine.bind()?;
        Ok(engine)
    }

    fn bind(&mut self) -> Result<(), Vec<Diagnostic>> {
        for pass in &self.plan.passes {
            let mut blocks = vec![];
            for (b, keys) in pass.blocks.iter().zip(&pass.keys) {
                blocks.push(bind::bind_block(self, *b, keys)?);
            }
            self.bound.push(blocks);
        }
        let blocks = self.derivation.blocks.iter();
        self.networks = blocks
            .map(|b| {
                (matches!(b.form, crate::derive::Form::Network) && b.rows.is_none())
                    .then(|| Network::new(&self.evaluator, self.derivation, b))
            })
            .collect();
        self.conditionals = self.bind_conditionals();
        self.gaussian_networks = self.bind_gaussian_networks()?;
        self.hoist();
        self.shared = self.find_shared();
        Ok(())
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
        let (axes, values) = self.shared_known(k);
        Tensor {
            axes,
            values: values.as_ref().clone(),
        }
    }

    /// The same without a copy.
    fn shared_known(&self, k: &Known) -> Shared {
        let axes = k.axes();
        let canonical = canonical_known(k, &axes);
        if let Some((v, _)) = self.known.borrow().get(&canonical) {
            return (axes, v.clone());
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
        let values = Rc::new(values);
        let entry = (values.clone(), found);
        self.known.borrow_mut().insert(canonical, entry);
        (axes, values)
    }

    /// What the evaluation of a known factor met.
    fn found(&self, k: &Known) -> Found {
        let axes = k.axes();
        let row = axes
            .iter()
            .find(|a| self.derivation.model.table_of(a.plate).is_some());
        // A column that is only moved and stretched is as finite as its cells.
        if let Some(s) = row.and_then(|r| self.shifted(k, *r)) {
            return Found {
                blank: s.cells.iter().any(|x| x.is_nan()),
                infinite: false,
            };
        }
        self.known(k);
        self.known
            .borrow()
            .get(&canonical_known(k, &axes))
            .map_or_else(Found::default, |(_, f)| *f)
    }

    /// A published expectation as a tensor: fixed elements are taken, repeated axes become the diagonal.
    fn moment(&self, state: &State, m: &Moment) -> Tensor {
        let gathered = |s: &Subscript| {
            matches!(
                s,
                Subscript::Column(..) | Subscript::Lag(..) | Subscript::Latent(..)
            )
        };
        if m.index.iter().any(gathered) {
            return self.gathered(state, m);
        }
        let mut values = self.stored(state, m.kind);
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

    /// A published expectation at looked-up elements; 0 where there is no such element, which a mask in the term says.
    fn gathered(&self, state: &State, m: &Moment) -> Tensor {
        let mut t = match state.moments.get(&m.kind) {
            Some(a) => self.evaluator.gather(a, &m.index),
            None => self.evaluator.gather(&self.stored(state, m.kind), &m.index),
        };
        t.values.mapv_inplace(|x| if x.is_nan() { 0.0 } else { x });
        t
    }

    fn stored(&self, state: &State, kind: MomentKind) -> ArrayD<f64> {
        match state.moments.get(&kind) {
            Some(v) => v.clone(),
            None => ArrayD::zeros(IxDyn(&self.moment_shape(kind))),
        }
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
                    self.add_contraction(state, rest, Some((axes, a)), out);
                }
            }
            Planned::Rows {
                row,
                direct,
                hoisted,
            } => {
                let key = hoisted.as_ref().map(|h| h.0);
                match hoisted {
                    Some((k, axes, rest)) if self.is_summed(state, *row, key, own_rows) => {
                        if let Some(a) = &state.accumulated[k.index()] {
                            self.add_contraction(state, rest, Some((axes, a)), out);
                        }
                    }
                    _ => self.add_rows_of(state, direct, *row, own_rows, out),
                }
            }
        }
    }

    /// Adds several; those over the rows of one plate together, so that they share what rows look up.
    pub(super) fn add_all_planned<'p>(
        &self,
        state: &State,
        list: impl IntoIterator<Item = &'p Planned>,
        own_rows: &[PlateId],
        out: &mut ArrayD<f64>,
    ) {
        let mut by_row: BTreeMap<PlateId, Vec<(&Contraction, Axis)>> = BTreeMap::new();
        for p in list {
            match p {
                Planned::Rows {
                    row,
                    direct,
                    hoisted,
                } if !self.is_summed(state, *row, hoisted.as_ref().map(|h| h.0), own_rows) => {
                    by_row.entry(row.plate).or_default().push((direct, *row));
                }
                _ => self.add_planned(state, p, own_rows, out),
            }
        }
        for (plate, terms) in by_row {
            self.add_row_terms(state, &terms, !own_rows.contains(&plate), out);
        }
    }

    /// A sum over rows was made before and holds the rows' weights as they are wanted.
    fn is_summed(
        &self,
        state: &State,
        row: Axis,
        key: Option<KeyId>,
        own_rows: &[PlateId],
    ) -> bool {
        key.is_some_and(|k| state.accumulated[k.index()].is_some())
            && !own_rows.contains(&row.plate)
    }

    /// Adds a contraction over rows to `out`, row by row.
    fn add_rows_of(
        &self,
        state: &State,
        direct: &Contraction,
        row: Axis,
        own_rows: &[PlateId],
        out: &mut ArrayD<f64>,
    ) {
        let weighted = !own_rows.contains(&row.plate);
        self.add_row_terms(state, &[(direct, row)], weighted, out);
    }

    /// Adds contractions over the rows of one plate.
    fn add_row_terms(
        &self,
        state: &State,
        list: &[(&Contraction, Axis)],
        weighted: bool,
        out: &mut ArrayD<f64>,
    ) {
        let data: Vec<Vec<Shared>> = list
            .iter()
            .map(|(c, _)| c.data.iter().map(|k| self.shared_known(k)).collect())
            .collect();
        let moments = || list.iter().flat_map(|(c, _)| &c.moments);
        let missing: BTreeMap<MomentKind, ArrayD<f64>> = moments()
            .filter(|m| !state.moments.contains_key(&m.kind))
            .map(|m| (m.kind, self.stored(state, m.kind)))
            .collect();
        let mut terms = vec![];
        for ((c, row), data) in list.iter().zip(&data) {
            let known = data.iter().map(|(axes, values)| Operand {
                identity: Identity::Known(Rc::as_ptr(values).addr()),
                values,
                index: axes.iter().map(|a| Subscript::Axis(*a)).collect(),
            });
            let expected = c.moments.iter().filter_map(|m| {
                let values = state.moments.get(&m.kind).or_else(|| missing.get(&m.kind));
                Some(Operand {
                    identity: Identity::Moment(m.kind, state.moments.version_of(m.kind)),
                    values: values?,
                    index: m.index.clone(),
                })
            });
            terms.push(Term {
                coef: c.coef,
                operands: known.chain(expected).collect(),
                row: *row,
                axes: &c.axes,
                target: &c.target,
            });
        }
        let mut kept = self.row_sums.borrow_mut();
        let kept = self.has(Rewrite::Gather).then_some(&mut *kept);
        add_terms(&self.evaluator, terms, weighted, kept, out);
    }

    /// L = E_q[log p] + H(q) at the current state.
    pub fn objective(&self, state: &State) -> f64 {
        let mut total = ArrayD::zeros(IxDyn(&[]));
        self.add_all_planned(state, &self.plan.expectation, &[], &mut total);
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
