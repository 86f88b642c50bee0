//! Points whose terms match no family: raised by the gradient of the expected log joint.
//!
//! ```text
//! F(v) = the expected terms that hold v       dF/dv = sum over statistics t of  message_t dt/dv  + through predictors
//! ```
//!
//! Positive numbers are raised in their logarithm, probabilities in their logit; the maximum is that of F in v itself. A step
//! that does not raise F is not taken, so the objective of the whole never falls: generalised EM (Neal and Hinton 1999).

use ndarray::{ArrayD, IxDyn};

use crate::algebra::UnknownId;
use crate::derive::{BlockId, MomentKind, Target};
use crate::diag::Diagnostic;
use crate::engine::Engine;
use crate::engine::init::publish_point;
use crate::engine::state::{BlockState, State};
use crate::family::StatisticKind;
use crate::model::Domain;
use crate::numeric::newton;
use crate::numeric::quasi_newton::{Options, maximise};
use crate::numeric::transform::Transform;

use super::{Messages, Noticed};

/// Up to this many numbers the curvature is taken from differences of gradients, beyond it from past steps.
const NEWTON: usize = 60;
/// Free coordinates beyond it are tried twice as far out.
const FAR: f64 = 8.0;

impl Engine<'_> {
    pub(super) fn update_optimised(
        &self,
        state: &mut State,
        id: BlockId,
        next: &mut BlockState,
        noticed: &mut Noticed,
    ) -> Result<(), Diagnostic> {
        let block = self.derivation.block(id);
        let u = block.unknowns[0];
        let mut start: Vec<f64> = vec![];
        let mut transforms = vec![];
        for u in &block.unknowns {
            let unknown = self.derivation.unknowns.get(*u);
            let transform = match unknown.domain {
                Domain::Positive => Transform::Log,
                Domain::Probability => Transform::Logit,
                _ => Transform::Identity,
            };
            let kind = MomentKind::Statistic(*u, StatisticKind::Value);
            let count: usize = self.shape(*u).iter().product();
            match state.moments.get(&kind) {
                Some(v) => start.extend(v.iter()),
                None => start.extend(std::iter::repeat_n(
                    if unknown.domain == Domain::Real {
                        0.0
                    } else {
                        0.5
                    },
                    count,
                )),
            }
            transforms.extend(std::iter::repeat_n(transform, count));
        }
        let mut x = start.clone();
        let options = Options {
            max_iterations: 500,
            gradient_tolerance: 1e-10,
        };
        let mut evaluate = |x: &[f64], gradient: &mut [f64]| -> f64 {
            if self.put(state, id, x).is_err() {
                gradient.fill(f64::NAN);
                return f64::NEG_INFINITY;
            }
            self.gradient(state, id, gradient);
            self.value(state, id)
        };
        let mut ascent = maximise(&mut x, &transforms, &mut evaluate, &options);
        if !ascent.converged && x.len() <= NEWTON {
            let mut curved = |x: &[f64], gradient: &mut [f64], hessian: &mut [f64]| -> f64 {
                let value = evaluate(x, gradient);
                differences(x, hessian, &mut |x, g| {
                    evaluate(x, g);
                });
                value
            };
            ascent = newton::maximise(&mut x, &transforms, &mut curved, &options);
        }
        let (endless, pole) = endless(&x, &transforms, ascent.value, &mut evaluate);
        if pole {
            return Err(self.unbounded(u, 0, "its terms grow for ever as it goes on"));
        }
        self.put(state, id, &x)
            .map_err(|reason| self.unbounded(u, 0, &reason))?;
        if !ascent.value.is_finite() {
            return Err(self.unbounded(u, 0, "its terms have no finite value where it stands"));
        }
        let mut at = 0;
        for (i, u) in block.unknowns.iter().enumerate() {
            let shape = self.shape(*u);
            let n: usize = shape.iter().product();
            if let Ok(a) = ArrayD::from_shape_vec(IxDyn(&shape), x[at..at + n].to_vec()) {
                next.parameters.push((i, "value", a));
            }
            let rising = endless.iter().filter(|j| (at..at + n).contains(*j)).count();
            if rising > 0 {
                noticed.boundary.push((*u, rising));
            }
            at += n;
        }
        Ok(())
    }

    /// Publishes a candidate.
    fn put(&self, state: &mut State, id: BlockId, x: &[f64]) -> Result<(), String> {
        let block = self.derivation.block(id);
        let mut at = 0;
        for u in &block.unknowns {
            let shape = self.shape(*u);
            let n: usize = shape.iter().product();
            let v = ArrayD::from_shape_vec(IxDyn(&shape), x[at..at + n].to_vec())
                .map_err(|e| e.to_string())?;
            publish_point(self, state, *u, v)?;
            at += n;
        }
        state.blocks[id.index()].parameters.clear();
        self.publish_predictors(state, id);
        Ok(())
    }

    /// The expected terms that hold the block.
    fn value(&self, state: &State, id: BlockId) -> f64 {
        let mut total = ArrayD::zeros(IxDyn(&[]));
        for p in &self.plan.values[id.index()] {
            self.add_planned(state, p, &[], &mut total);
        }
        total.first().copied().unwrap_or(f64::NAN)
    }

    /// The derivative of [`Engine::value`] in the numbers of the block.
    fn gradient(&self, state: &mut State, id: BlockId, out: &mut [f64]) {
        let block = self.derivation.block(id);
        let direct = self.derivatives(state, id, &self.plan.messages[id.index()]);
        for p in &block.predictors {
            let mut slope = ArrayD::zeros(IxDyn(&self.shape(*p)));
            for (target, a) in &direct {
                if let Target::Single(of, _) = target
                    && of == p
                {
                    slope += &self.slope(state, *p, a);
                }
            }
            state
                .moments
                .insert(MomentKind::Statistic(*p, StatisticKind::Slope), slope);
        }
        let through = self.derivatives(state, id, &self.plan.slopes[id.index()]);
        out.fill(0.0);
        let mut at = 0;
        for u in &block.unknowns {
            let n: usize = self.shape(*u).iter().product();
            let kind = MomentKind::Statistic(*u, StatisticKind::Value);
            if let Some(v) = state.moments.get(&kind) {
                for (target, a) in direct.iter().chain(&through) {
                    let Target::Single(of, k) = target else {
                        continue;
                    };
                    if of == u {
                        for ((g, m), x) in out[at..at + n].iter_mut().zip(a).zip(v) {
                            *g += m * derivative(*k, *x);
                        }
                    }
                }
            }
            at += n;
        }
    }

    /// Messages with every row weighted; those to a predictor leave out the weights of its own rows, which its slope carries
    /// on to the sum over them.
    fn derivatives(
        &self,
        state: &State,
        _id: BlockId,
        list: &[crate::plan::PlannedMessage],
    ) -> Messages {
        let mut out = Messages::new();
        for m in list {
            let Target::Single(u, k) = m.target else {
                continue;
            };
            let shape = self.moment_shape(MomentKind::Statistic(u, k));
            let own: Vec<_> = if self.derivation.unknowns.is_predictor(u) {
                self.derivation.unknowns.get(u).slots.clone()
            } else {
                vec![]
            };
            let slot = out
                .entry(m.target)
                .or_insert_with(|| ArrayD::zeros(IxDyn(&shape)));
            self.add_planned(state, &m.how, &own, slot);
        }
        out
    }

    /// Publishes the functions that terms hold of an unknown itself.
    pub(in crate::engine) fn publish_functions(
        &self,
        state: &mut State,
        u: UnknownId,
        v: &ArrayD<f64>,
    ) {
        let kinds: Vec<StatisticKind> = self
            .derivation
            .terms
            .items
            .iter()
            .flat_map(|t| &t.stats)
            .filter(|s| s.of == u)
            .map(|s| s.kind)
            .collect();
        for kind in kinds {
            if let StatisticKind::Of(link) = kind {
                let f = v.mapv(|x| link.value(x));
                state.moments.insert(MomentKind::Statistic(u, kind), f);
            }
        }
    }
}

/// The numbers along which the value does not fall as they go twice as far, in coordinates without bounds: it rises towards a
/// limit that no finite number reaches (classes that a line separates, counts that are all 0). And whether there is no such limit.
fn endless(
    x: &[f64],
    transforms: &[Transform],
    value: f64,
    evaluate: &mut dyn FnMut(&[f64], &mut [f64]) -> f64,
) -> (Vec<usize>, bool) {
    let mut out = vec![];
    let mut pole = false;
    let mut gradient = vec![0.0; x.len()];
    for (i, t) in transforms.iter().enumerate() {
        let free = t.free(x[i]);
        if free.abs() < FAR || out.len() >= NEWTON {
            continue;
        }
        let mut far = x.to_vec();
        far[i] = t.bounded(2.0 * free);
        let rise = evaluate(&far, &mut gradient) - value;
        if rise >= 0.0 {
            out.push(i);
        }
        // Towards a limit there is nothing left to gain this far out; a density without bound still has.
        pole |= rise > 1e-3 * value.abs().max(1.0);
    }
    (out, pole)
}

/// Second derivatives, as central differences of the gradient, made symmetric.
fn differences(x: &[f64], hessian: &mut [f64], gradient: &mut dyn FnMut(&[f64], &mut [f64])) {
    let n = x.len();
    let mut at = x.to_vec();
    let (mut up, mut down) = (vec![0.0; n], vec![0.0; n]);
    for i in 0..n {
        let h = 1e-5 * x[i].abs().max(1e-3);
        at[i] = x[i] + h;
        gradient(&at, &mut up);
        at[i] = x[i] - h;
        gradient(&at, &mut down);
        at[i] = x[i];
        for j in 0..n {
            hessian[i * n + j] = (up[j] - down[j]) / (2.0 * h);
        }
    }
    for i in 0..n {
        for j in 0..i {
            let mean = 0.5 * (hessian[i * n + j] + hessian[j * n + i]);
            hessian[i * n + j] = mean;
            hessian[j * n + i] = mean;
        }
    }
}

/// dt/dv of a statistic.
fn derivative(kind: StatisticKind, v: f64) -> f64 {
    match kind {
        StatisticKind::Value => 1.0,
        StatisticKind::Power(p) => f64::from(p) * v.powi(i32::from(p) - 1),
        StatisticKind::Log => 1.0 / v,
        StatisticKind::Log1m => -1.0 / (1.0 - v),
        StatisticKind::Abs => v.signum(),
        StatisticKind::Of(link) => link.derivative(v),
        StatisticKind::Indicator
        | StatisticKind::LogSumExp
        | StatisticKind::Slope
        | StatisticKind::Pair => 0.0,
    }
}
