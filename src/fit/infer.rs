//! Inference of what is new while everything fitted is held.
//!
//! in: globals as fitted, new elements at their prior -> out: their q where L no longer rises. Blocks are updated whole and
//! their fitted elements written back, so the engine knows nothing of what is new.

use ndarray::ArrayD;

use super::apply::Applied;
use super::collect::parameters;
use super::elements::{is_row_level, of_moment, of_parameter, owner};
use crate::derive::{BlockId, MomentKind};
use crate::diag::Diagnostic;
use crate::model::PlateId;
use crate::plan::Step;

impl Applied<'_, '_> {
    /// Updates what is new until nothing moves.
    pub(super) fn infer(&mut self) -> Result<(), Vec<Diagnostic>> {
        if self.open.is_empty() {
            return Ok(());
        }
        let fitted: Vec<(MomentKind, ArrayD<f64>)> = self
            .state
            .moments
            .iter()
            .filter(|(k, _)| {
                let block = self.engine.derivation.block_of(owner(**k));
                block.is_some_and(|b| self.open.contains(&b))
            })
            .filter_map(|(k, _)| {
                let d = self.engine.derivation;
                let e = self.fit.variables.get(&d.unknowns.get(owner(*k)).name)?;
                let a = self.fitted_moment(e, owner(*k), *k).ok()?;
                (!is_row_level(d, owner(*k))).then_some((*k, a))
            })
            .collect();
        let mut before: Option<f64> = None;
        for _ in 0..200 {
            for step in &self.engine.plan.steps {
                match step {
                    Step::Pass(p) => self
                        .engine
                        .run_pass(&mut self.state, *p)
                        .map_err(|e| vec![e])?,
                    Step::Update(b) if self.open.contains(b) => {
                        self.engine
                            .update(&mut self.state, *b)
                            .map_err(|e| vec![e])?;
                        self.hold(&fitted, *b);
                    }
                    Step::Update(_) => {}
                }
            }
            let l = self.engine.objective(&self.state);
            if before.is_some_and(|b| (l - b).abs() <= 1e-11 * l.abs().max(1.0)) {
                break;
            }
            before = Some(l);
        }
        Ok(())
    }

    /// Fitted elements keep what they have.
    fn hold(&mut self, fitted: &[(MomentKind, ArrayD<f64>)], b: BlockId) {
        let d = self.engine.derivation;
        for (kind, then) in fitted {
            if d.block_of(owner(*kind)) != Some(b) {
                continue;
            }
            let plates: Vec<Option<PlateId>> = of_moment(d, *kind).into_iter().map(Some).collect();
            if let Some(mut now) = self.state.moments.remove(kind) {
                if now.ndim() == plates.len() && then.ndim() == plates.len() {
                    self.overlay(&mut now, then, &plates);
                }
                self.state.moments.insert(*kind, now);
            }
        }
        let block = d.block(b);
        for u in &block.unknowns {
            let Some(e) = self.fit.variables.get(&d.unknowns.get(*u).name) else {
                continue;
            };
            for (name, mut now) in parameters(self.engine, &self.state, block, *u) {
                let Some(then) = e.parameters.as_ref().and_then(|p| p.get(name)) else {
                    continue;
                };
                let plates = of_parameter(d, block, *u, name, now.ndim());
                if then.0.ndim() != now.ndim() {
                    continue;
                }
                let mut then = then.0.clone();
                if name == "mean"
                    && let Some(c) = self.engine.centre(*u)
                    && c.shape() == then.shape()
                {
                    then -= &c;
                }
                self.overlay(&mut now, &then, &plates);
                let at = block.unknowns.iter().position(|x| x == u).unwrap_or(0);
                let list = &mut self.state.blocks[b.index()].parameters;
                if let Some(slot) = list.iter_mut().find(|(i, n, _)| *i == at && *n == name) {
                    slot.2 = now;
                }
            }
        }
    }
}
