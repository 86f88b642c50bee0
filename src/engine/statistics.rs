//! What rows say to everything else, as numbers that add up.
//!
//! ```text
//! accumulate   (rows, state)        -> Statistics         E-step of the rows at the state's globals
//! merge        (Statistics, other)  -> Statistics         addition
//! update       (state, Statistics)  -> state              M-step, or the coordinate updates of the globals
//! ```
//!
//! Statistics are sums over rows: of data alone, and of data times expected local statistics. They can be written down, so that
//! the rows may be anywhere: in another thread, process or machine. Every part of the rows has an [`Engine`] of its own, bound to
//! data with the same labels and with the same recorded numbers (means of columns); any of them may update.
//!
//! ```
//! # use pmc::{check, compile, data, engine, fit, source::SourceFile};
//! # use engine::{Engine, init, statistics::Statistics};
//! # fn main() -> Result<(), Vec<pmc::diag::Diagnostic>> {
//! let source = SourceFile::new(
//!     "mix.pmod".to_string(),
//!     "model mix\ndata row { x : real }\nplate group(2)\nparam w : simplex over group\nparam m[group] : real\n\
//!      param v[group] : positive\nlatent z[row] ~ Categorical(w)\nobserve x[row] ~ Gaussian(m[z], var = v[z])\n".to_string(),
//! );
//! let (model, _) = compile::model(&source, &check::Options::default())?;
//! let rows: Vec<f64> = (0..400).map(|i| f64::from(i % 7) + if i % 2 == 0 { 10.0 } else { 0.0 }).collect();
//! let bind = |rows: &[f64]| {
//!     let text: String = rows.iter().map(|x| format!("{x}\n")).collect();
//!     let files = fit::Data::csv("rows.csv", format!("x\n{text}")).files(&model)?;
//!     Ok::<_, Vec<pmc::diag::Diagnostic>>(data::bind(&model, &files)?.dataset)
//! };
//! let whole = bind(&rows)?;
//! let (derivation, plan) = compile::compile(&model, Some(&whole))?;
//! let all = Engine::new(&derivation, &plan, &whole, None)?;
//! // Four parts with the recorded numbers of the whole, and one start.
//! let datasets: Vec<_> = rows.chunks(100).map(&bind).collect::<Result<_, _>>()?;
//! let fitted = all.evaluator.fitted();
//! let parts: Vec<_> = datasets
//!     .iter()
//!     .map(|d| Engine::new(&derivation, &plan, d, Some(fitted.clone())))
//!     .collect::<Result<_, _>>()?;
//! let mut state = all.empty_state();
//! init::start(&all, &mut state, None, 0)?;
//! let mut objective = f64::NEG_INFINITY;
//! for _ in 0..5 {
//!     all.update_globals(&mut state).map_err(|e| vec![e])?;
//!     let mut sum: Option<Statistics> = None;
//!     for part in &parts {
//!         let statistics = part.accumulate(&state).map_err(|e| vec![e])?;
//!         // Here they may travel: they are plain data.
//!         let text = serde_json::to_string(&statistics).expect("numbers");
//!         let statistics: Statistics = serde_json::from_str(&text).expect("the same numbers");
//!         match &mut sum {
//!             Some(s) => s.merge(&statistics),
//!             None => sum = Some(statistics),
//!         }
//!     }
//!     all.take(&mut state, &sum.expect("four parts"));
//!     let l = all.objective(&state);
//!     assert!(l >= objective);
//!     objective = l;
//! }
//! # Ok(())
//! # }
//! ```

use ndarray::{ArrayD, IxDyn};
use serde::{Deserialize, Serialize};

use crate::diag::Diagnostic;
use crate::plan::Step;

use super::Engine;
use super::pass::Source;
use super::passes::inner;
use super::state::{PassState, State};
use super::update::Noticed;

/// Sums over rows, in the order of the plan that they belong to.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Statistics {
    /// By key of the plan: its sum, flat over the key's axes; `None` where the key is no sum of these rows.
    pub sums: Vec<Option<Vec<f64>>>,
    /// By pass: sum of w log Z.
    pub log_z: Vec<f64>,
    /// By pass: sum of w times the entropy of the local factors.
    pub entropy: Vec<f64>,
}

impl Statistics {
    /// Adds those of other rows.
    pub fn merge(&mut self, other: &Statistics) {
        for (a, b) in self.sums.iter_mut().zip(&other.sums) {
            match (a, b) {
                (Some(a), Some(b)) => {
                    for (a, b) in a.iter_mut().zip(b) {
                        *a += b;
                    }
                }
                (a @ None, Some(b)) => *a = Some(b.clone()),
                (_, None) => {}
            }
        }
        let pairs = [
            (&mut self.log_z, &other.log_z),
            (&mut self.entropy, &other.entropy),
        ];
        for (a, b) in pairs {
            for (a, b) in a.iter_mut().zip(b) {
                *a += b;
            }
        }
    }

    /// Multiplies every sum.
    pub fn scale(&mut self, by: f64) {
        let sums = self.sums.iter_mut().flatten().flatten();
        for x in sums.chain(&mut self.log_z).chain(&mut self.entropy) {
            *x *= by;
        }
    }
}

impl Engine<'_> {
    /// The sums of this engine's rows at the globals of a state, which is left as it is.
    ///
    /// # Errors
    /// E0710: a row that is impossible under the current globals.
    pub fn accumulate(&self, state: &State) -> Result<Statistics, Diagnostic> {
        let mut out = Statistics {
            sums: vec![None; self.plan.keys.len()],
            log_z: vec![0.0; self.plan.passes.len()],
            entropy: vec![0.0; self.plan.passes.len()],
        };
        for (slot, h) in out.sums.iter_mut().zip(&self.hoisted) {
            *slot = h.as_ref().map(|a| a.iter().copied().collect());
        }
        for (p, blocks) in self.bound.iter().enumerate() {
            for (i, b) in blocks.iter().enumerate() {
                let tables = self.tables(state, b);
                let result = self.run_rows(p, i, Source::Tables(&tables))?;
                out.log_z[p] += result.log_z;
                if !b.rows.hard {
                    out.entropy[p] += result.log_z - inner(&tables, &result.accumulated);
                }
                for (k, a) in b.keys.iter().zip(result.accumulated) {
                    out.sums[k.index()] = Some(a);
                }
            }
        }
        Ok(out)
    }

    /// Gives a state the sums of all rows.
    pub fn take(&self, state: &mut State, statistics: &Statistics) {
        for (i, s) in statistics.sums.iter().enumerate() {
            let (Some(s), Some(key)) = (s, self.plan.keys.get(i)) else {
                continue;
            };
            let shape: Vec<usize> = key.axes.iter().map(|a| self.size(*a)).collect();
            if let (Ok(a), Some(slot)) = (
                ArrayD::from_shape_vec(IxDyn(&shape), s.clone()),
                state.accumulated.get_mut(i),
            ) {
                *slot = Some(a);
            }
        }
        let sums = statistics.log_z.iter().zip(&statistics.entropy);
        for (p, (log_z, entropy)) in state.passes.iter_mut().zip(sums) {
            *p = PassState {
                run: true,
                log_z: *log_z,
                entropy: *entropy,
            };
        }
        for b in self.bound.iter().flatten() {
            let block = &mut state.blocks[b.block.index()];
            block.initialised = true;
            block.updated = true;
        }
    }

    /// Updates every block that is no row's own, in the order of a sweep, from the sums that the state has.
    ///
    /// # Errors
    /// E0502, E0715: those of the updates.
    pub fn update_globals(&self, state: &mut State) -> Result<Noticed, Diagnostic> {
        let mut noticed = Noticed::default();
        for step in &self.plan.steps {
            if let Step::Update(b) = step {
                let n = self.update(state, *b)?;
                noticed.boundary.extend(n.boundary);
                noticed.kept.extend(n.kept);
            }
        }
        Ok(noticed)
    }
}
