//! A step along a direction of descent that satisfies the weak Wolfe conditions, by bracketing; always bounded.
//!
//! ```text
//! phi(a) = f(x + a d)       phi(a) <= phi(0) + c1 a phi'(0)       phi'(a) >= c2 phi'(0)
//! ```
//!
//! A step that violates the first condition, or where f is not finite, ends the bracket; one that violates the second
//! starts it. Burke, Lewis & Overton (2005); Nocedal & Wright (2006), section 3.1. Where the values differ by rounding
//! alone, the slopes decide (Hager & Zhang 2005, the approximate Wolfe conditions).

use argmin::core::{
    CostFunction, Error, Gradient, IterState, KV, Problem, Solver, State as _, TerminationReason,
};
use argmin::solver::linesearch::LineSearch;

/// The trials of one search.
const TRIALS: usize = 60;
/// The decrease asked for, as a part of what the slope promises.
const DECREASE: f64 = 1e-4;
/// The part of the slope that may be left.
const SLOPE: f64 = 0.9;

/// The state of argmin for vectors.
type Iterate = IterState<Vec<f64>, Vec<f64>, (), (), (), f64>;

/// The search; an error says that it found no step.
#[derive(Clone, Default)]
pub struct WolfeSearch {
    direction: Vec<f64>,
}

impl LineSearch<Vec<f64>, f64> for WolfeSearch {
    fn search_direction(&mut self, direction: Vec<f64>) {
        self.direction = direction;
    }

    fn initial_step_length(&mut self, _: f64) -> Result<(), Error> {
        Ok(())
    }
}

/// A point of the line.
#[derive(Clone, Copy)]
struct Trial {
    step: f64,
    value: f64,
    slope: f64,
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

/// The next step to try between two points; a third of the way from a point without a value.
fn between(near: Trial, far: Trial) -> f64 {
    let width = far.step - near.step;
    if !far.value.is_finite() || !far.slope.is_finite() {
        return near.step + 0.1 * width;
    }
    // The minimum of a parabola: by both slopes where the second is uphill, else by the far value.
    let part = if far.slope > 0.0 {
        near.slope / (near.slope - far.slope)
    } else {
        let rise = far.value - near.value - near.slope * width;
        -0.5 * near.slope * width / rise
    };
    let part = if part.is_finite() { part } else { 0.5 };
    near.step + part.clamp(0.1, 0.9) * width
}

impl<O> Solver<O, Iterate> for WolfeSearch
where
    O: CostFunction<Param = Vec<f64>, Output = f64>
        + Gradient<Param = Vec<f64>, Gradient = Vec<f64>>,
{
    fn name(&self) -> &str {
        "weak Wolfe search"
    }

    fn next_iter(
        &mut self,
        problem: &mut Problem<O>,
        mut state: Iterate,
    ) -> Result<(Iterate, Option<KV>), Error> {
        let start = state.take_param().unwrap_or_default();
        let gradient = state.take_gradient().unwrap_or_default();
        let first = Trial {
            step: 0.0,
            value: state.get_cost(),
            slope: dot(&gradient, &self.direction),
        };
        let at = |step: f64| -> Vec<f64> {
            let move_by = |(x, d): (&f64, &f64)| x + step * d;
            start.iter().zip(&self.direction).map(move_by).collect()
        };
        let mut near = first;
        let mut far: Option<Trial> = None;
        // Without memory the direction is the gradient, whose length says nothing about the step.
        let steepest = self.direction.iter().zip(&gradient).all(|(d, g)| *d == -g);
        let length = |v: &[f64]| dot(v, v).sqrt();
        let mut step = if steepest {
            (0.1 * length(&start).max(1.0) / length(&gradient)).min(1.0)
        } else {
            1.0
        };
        let noise = 8.0 * f64::EPSILON * first.value.abs();
        if first.slope < 0.0 && first.slope.is_finite() {
            for _ in 0..TRIALS {
                let point = at(step);
                if point == start || point.iter().any(|x| !x.is_finite()) {
                    break;
                }
                let value = problem.cost(&point)?;
                let slope = if value.is_finite() {
                    dot(&problem.gradient(&point)?, &self.direction)
                } else {
                    f64::NAN
                };
                let trial = Trial { step, value, slope };
                let falls = value <= first.value + DECREASE * step * first.slope;
                let level =
                    value <= first.value + noise && slope <= (1.0 - 2.0 * DECREASE) * -first.slope;
                if !slope.is_finite() || !(falls || level) {
                    far = Some(trial);
                } else if slope < SLOPE * first.slope {
                    near = trial;
                } else {
                    near = trial;
                    break;
                }
                step = match far {
                    Some(far) => between(near, far),
                    None => 4.0 * step,
                };
            }
        }
        let point = if near.step > 0.0 {
            at(near.step)
        } else {
            start
        };
        let done = TerminationReason::SolverConverged;
        let state = state.param(point).cost(near.value).terminate_with(done);
        Ok((state, None))
    }
}
