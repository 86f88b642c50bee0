//! The maximum of a smooth function of n numbers from its values and gradients, by limited-memory BFGS.
//!
//! ```text
//! u <- u + a B grad f,     B from the last m pairs s = du, y = -d grad f       (two-loop recursion)
//! df/du_i = df/dx_i dx_i/du_i                                                  (bounded coordinates)
//! ```
//!
//! start, value and gradient -> a point whose value is not below that of the start. Nocedal & Wright (2006), chapter 7.
//!
//! The recursion is argmin's; what surrounds it here guards against what argmin does not: its searches along a line may
//! run without end or meet NaN in an interpolation ([`line_search`] replaces them), its error returns lose the point
//! (the best one is kept here), a pair with y's = 0 makes the memory NaN (the search then finds no step, the run
//! ends, and another begins without memory), and values and gradients are asked for apart (the last is kept).

pub mod line_search;

use super::transform::Transform;
use argmin::core::{CostFunction, Error, Executor, Gradient};
use argmin::solver::quasinewton::LBFGS;
use line_search::WolfeSearch;
use std::cell::RefCell;

/// The pairs that are remembered.
const MEMORY: usize = 10;

/// When to stop.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Options {
    /// The most steps; the function is evaluated at most 20 times as often, plus 100.
    pub max_iterations: usize,
    /// Reached where no entry of the gradient, in free coordinates, exceeds this times max(1, |value|),
    /// the smaller of the values at the start and now.
    pub gradient_tolerance: f64,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            max_iterations: 200,
            gradient_tolerance: 1e-9,
        }
    }
}

/// What an ascent came to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ascent {
    /// The value at the point returned; not below `start_value`.
    pub value: f64,
    /// The value at the start.
    pub start_value: f64,
    /// Steps taken.
    pub iterations: usize,
    /// Evaluations of the function.
    pub evaluations: usize,
    /// The largest entry of the gradient, in free coordinates, at the point returned.
    pub gradient_norm: f64,
    /// Whether the gradient is within the tolerance. A start with a value that is not finite never is.
    pub converged: bool,
}

/// A point in free coordinates with its value and gradient, of the function that is minimised: the negative one.
#[derive(Debug, Clone)]
struct Point {
    free: Vec<f64>,
    cost: f64,
    gradient: Vec<f64>,
}

impl Point {
    fn norm(&self) -> f64 {
        self.gradient.iter().fold(0.0, |m, g| g.abs().max(m))
    }
}

/// The function as argmin asks for it.
struct Objective<'a> {
    transforms: &'a [Transform],
    evaluate: &'a mut dyn FnMut(&[f64], &mut [f64]) -> f64,
    x: Vec<f64>,
    last: Point,
    best: Point,
    start_cost: f64,
    evaluations: usize,
    budget: usize,
}

fn transform(transforms: &[Transform], i: usize) -> Transform {
    transforms.get(i).copied().unwrap_or_default()
}

impl Objective<'_> {
    /// Evaluates at a free point, unless it is the last or the best one; an infinite cost outside the bounds or budget.
    fn visit(&mut self, free: &[f64]) {
        if self.last.free == free {
            return;
        }
        if self.best.free == free {
            self.last.clone_from(&self.best);
            return;
        }
        self.last.free.copy_from_slice(free);
        self.last.cost = f64::INFINITY;
        let mut inside = self.evaluations < self.budget;
        for (i, (x, &u)) in self.x.iter_mut().zip(free).enumerate() {
            let map = transform(self.transforms, i);
            *x = map.bounded(u);
            inside &= map.inside(*x);
        }
        if !inside {
            return;
        }
        self.evaluations += 1;
        let value = (self.evaluate)(&self.x, &mut self.last.gradient);
        for (i, (g, &u)) in self.last.gradient.iter_mut().zip(free).enumerate() {
            *g *= -transform(self.transforms, i).slopes(u).0;
        }
        if value.is_finite() && self.last.gradient.iter().all(|g| g.is_finite()) {
            self.last.cost = -value;
            // Of values that differ by rounding the flatter point is the better one.
            let noise = 4.0 * f64::EPSILON * self.best.cost.abs();
            let level = self.last.cost <= (self.best.cost + noise).min(self.start_cost);
            if level
                && (self.last.norm() < self.best.norm() || self.last.cost < self.best.cost - noise)
                || self.best.cost.is_infinite()
            {
                self.best = self.last.clone();
            }
        }
    }
}

/// Argmin takes a problem by value and asks it through a shared reference.
#[derive(Clone, Copy)]
struct Shared<'a, 'b>(&'a RefCell<Objective<'b>>);

impl CostFunction for Shared<'_, '_> {
    type Param = Vec<f64>;
    type Output = f64;

    fn cost(&self, free: &Vec<f64>) -> Result<f64, Error> {
        let mut objective = self.0.borrow_mut();
        objective.visit(free);
        Ok(objective.last.cost)
    }
}

impl Gradient for Shared<'_, '_> {
    type Param = Vec<f64>;
    type Gradient = Vec<f64>;

    fn gradient(&self, free: &Vec<f64>) -> Result<Vec<f64>, Error> {
        let mut objective = self.0.borrow_mut();
        objective.visit(free);
        Ok(objective.last.gradient.clone())
    }
}

/// Moves `start` to a local maximum of the function, or up as far as the options allow.
///
/// `evaluate` takes a point and writes the gradient; both in the coordinates of `start`, entry i of which is bounded as
/// `transforms[i]` says (a real number where there is none). A value or gradient that is not finite rejects the point.
///
/// ```
/// use pmc::numeric::quasi_newton::{Options, maximise};
/// use pmc::numeric::transform::Transform;
/// // 3 log x - x is largest at 3
/// let mut x = [1.0];
/// let mut f = |x: &[f64], g: &mut [f64]| {
///     g[0] = 3.0 / x[0] - 1.0;
///     3.0 * x[0].ln() - x[0]
/// };
/// let ascent = maximise(&mut x, &[Transform::Log], &mut f, &Options::default());
/// assert!(ascent.converged && (x[0] - 3.0).abs() < 1e-8);
/// ```
pub fn maximise(
    start: &mut [f64],
    transforms: &[Transform],
    evaluate: &mut dyn FnMut(&[f64], &mut [f64]) -> f64,
    options: &Options,
) -> Ascent {
    let n = start.len();
    let mut gradient = vec![0.0; n];
    let start_value = evaluate(start, &mut gradient);
    let mut ascent = Ascent {
        value: start_value,
        start_value,
        iterations: 0,
        evaluations: 1,
        gradient_norm: f64::INFINITY,
        converged: false,
    };
    let free: Vec<f64> = start
        .iter()
        .enumerate()
        .map(|(i, &x)| transform(transforms, i).free(x))
        .collect();
    if n == 0 {
        (ascent.gradient_norm, ascent.converged) = (0.0, start_value.is_finite());
    }
    if n == 0 || !start_value.is_finite() || free.iter().any(|u| !u.is_finite()) {
        return ascent;
    }
    let nowhere = Point {
        free: vec![f64::NAN; n],
        cost: f64::INFINITY,
        gradient: vec![f64::INFINITY; n],
    };
    let objective = RefCell::new(Objective {
        transforms,
        evaluate,
        x: start.to_vec(),
        last: nowhere.clone(),
        best: nowhere,
        start_cost: f64::INFINITY,
        evaluations: 1,
        budget: options
            .max_iterations
            .saturating_mul(20)
            .saturating_add(100),
    });
    // The free point that stands for the start: rounding, or a bound, may put it a little off.
    objective.borrow_mut().visit(&free);
    objective.borrow_mut().start_cost = -start_value;
    climb(&objective, options, &mut ascent);

    let objective = objective.into_inner();
    ascent.evaluations = objective.evaluations;
    let best = objective.best;
    if best.cost.is_finite() {
        ascent.gradient_norm = best.norm();
        ascent.converged = best.norm() <= tolerance(&best, start_value, options);
        if -best.cost >= start_value && best.free != free {
            ascent.value = -best.cost;
            for (i, (x, &u)) in start.iter_mut().zip(&best.free).enumerate() {
                *x = transform(transforms, i).bounded(u);
            }
        }
    }
    ascent
}

/// The largest entry of a gradient that counts as none.
fn tolerance(point: &Point, start_value: f64, options: &Options) -> f64 {
    options.gradient_tolerance * point.cost.abs().min(start_value.abs()).max(1.0)
}

/// Runs until the gradient vanishes, the options forbid more, or a run without memory gains nothing.
fn climb(objective: &RefCell<Objective>, options: &Options, ascent: &mut Ascent) {
    while ascent.iterations < options.max_iterations {
        let from = objective.borrow().best.clone();
        let tolerance = tolerance(&from, ascent.start_value, options);
        if !from.cost.is_finite() || from.norm() <= tolerance {
            return;
        }
        // A search without a step ends a run, not equal costs: their slopes may still differ.
        let solver = LBFGS::new(WolfeSearch::default(), MEMORY)
            .with_tolerance_grad(tolerance.max(0.0))
            .and_then(|s| s.with_tolerance_cost(0.0));
        let Ok(solver) = solver else { return };
        let left = options.max_iterations - ascent.iterations;
        // Not its cost: argmin would take that for the previous one as well, and stop for want of a change.
        let (free, gradient) = (from.free.clone(), from.gradient.clone());
        let run = Executor::new(Shared(objective), solver)
            .configure(|s| s.param(free).gradient(gradient).max_iters(left as u64))
            .timer(false)
            .ctrlc(false)
            .run();
        let steps = run.map_or(1, |r| usize::try_from(r.state.iter).unwrap_or(left));
        ascent.iterations += steps.max(1);
        let best = &objective.borrow().best;
        let gain = from.cost - best.cost;
        if gain <= 4.0 * f64::EPSILON * best.cost.abs() && best.norm() > 0.5 * from.norm() {
            return;
        }
    }
}

#[cfg(test)]
mod tests;
