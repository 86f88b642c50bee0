//! The maximum of a smooth function of a few numbers from its values, gradients and Hessians, by damped Newton steps.
//!
//! ```text
//! u <- u + a (r I - H)^-1 g      r >= 0 the least ridge tried that makes r I - H positive definite, a = 1, 1/2, 1/4, ...
//! g_i = df/dx_i x_i'             H_ij = d2f/dx_i dx_j x_i' x_j' + [i = j] df/dx_i x_i''
//! ```
//!
//! start, value, gradient and Hessian -> a point whose value is not below that of the start, with a gradient at rounding
//! where the function is concave. Nocedal & Wright (2006), sections 3.4 and 6.1. For many numbers see
//! [`super::quasi_newton`].

use super::linalg::{cholesky, solve_cholesky};
use super::quasi_newton::{Ascent, Options};
use super::transform::Transform;

/// Halvings of one step.
const HALVINGS: usize = 60;
/// Ridges tried, each ten times the last.
const RIDGES: usize = 40;
/// The increase asked for, as a part of what the slope promises.
const INCREASE: f64 = 1e-4;

/// Value, gradient and Hessian at a point: it returns the first, and writes the second and the third (row-major).
pub type Evaluate<'a> = dyn FnMut(&[f64], &mut [f64], &mut [f64]) -> f64 + 'a;

/// A point in free coordinates.
#[derive(Clone)]
struct Point {
    free: Vec<f64>,
    value: f64,
    gradient: Vec<f64>,
    hessian: Vec<f64>,
}

impl Point {
    fn norm(&self) -> f64 {
        self.gradient.iter().fold(0.0, |m, g| g.abs().max(m))
    }
}

fn transform(transforms: &[Transform], i: usize) -> Transform {
    transforms.get(i).copied().unwrap_or_default()
}

/// The point at `free`; none outside the bounds or where anything is not finite.
fn visit(free: Vec<f64>, transforms: &[Transform], evaluate: &mut Evaluate) -> Option<Point> {
    let n = free.len();
    let maps = || (0..n).map(|i| transform(transforms, i));
    let x: Vec<f64> = maps().zip(&free).map(|(t, &u)| t.bounded(u)).collect();
    if !maps().zip(&x).all(|(t, &x)| t.inside(x)) {
        return None;
    }
    let (mut gradient, mut hessian) = (vec![0.0; n], vec![0.0; n * n]);
    let value = evaluate(&x, &mut gradient, &mut hessian);
    let slopes: Vec<(f64, f64)> = maps().zip(&free).map(|(t, &u)| t.slopes(u)).collect();
    for i in 0..n {
        for j in 0..n {
            hessian[i * n + j] *= slopes[i].0 * slopes[j].0;
        }
        hessian[i * n + i] += gradient[i] * slopes[i].1;
        gradient[i] *= slopes[i].0;
    }
    let finite = value.is_finite() && gradient.iter().chain(&hessian).all(|v| v.is_finite());
    finite.then_some(Point {
        free,
        value,
        gradient,
        hessian,
    })
}

/// (r I - H)^-1 g, with the least ridge tried that makes the matrix positive definite.
fn direction(at: &Point) -> Option<Vec<f64>> {
    let n = at.free.len();
    let scale = (0..n).fold(0.0, |m: f64, i| m.max(at.hessian[i * n + i].abs()));
    let floor = 1e-12 * if scale > 0.0 { scale } else { at.norm() };
    let mut factor = vec![0.0; n * n];
    for ridge in 0..RIDGES {
        let added = if ridge == 0 {
            0.0
        } else {
            floor * 10f64.powi(ridge as i32 - 1)
        };
        let mut matrix: Vec<f64> = at.hessian.iter().map(|h| -h).collect();
        for i in 0..n {
            matrix[i * n + i] += added;
        }
        if cholesky(&matrix, n, &mut factor).is_ok() {
            let mut step = at.gradient.clone();
            solve_cholesky(&factor, n, &mut step, 1);
            let rise: f64 = step.iter().zip(&at.gradient).map(|(s, g)| s * g).sum();
            if rise > 0.0 && step.iter().all(|s| s.is_finite()) {
                // A Hessian that is almost singular promises a maximum beyond where it says anything.
                let length = step.iter().fold(0.0, |m: f64, s| m.max(s.abs()));
                let most = 100.0 * at.free.iter().fold(1.0, |m: f64, u| m.max(u.abs()));
                let part = (most / length).min(1.0);
                return Some(step.iter().map(|s| part * s).collect());
            }
        }
    }
    None
}

/// Moves `start` to a local maximum of the function, or up as far as the options allow.
///
/// Everything is in the coordinates of `start`, entry i of which is bounded as `transforms[i]` says (a real number where
/// there is none). A point where value, gradient or Hessian are not finite is rejected. Of values that differ by rounding
/// alone the flatter point is kept, never one below the start.
///
/// ```
/// use pmc::numeric::newton::maximise;
/// use pmc::numeric::quasi_newton::Options;
/// // 2 x - e^x is largest at log 2
/// let mut x = [5.0];
/// let mut f = |x: &[f64], g: &mut [f64], h: &mut [f64]| {
///     g[0] = 2.0 - x[0].exp();
///     h[0] = -x[0].exp();
///     2.0 * x[0] - x[0].exp()
/// };
/// let ascent = maximise(&mut x, &[], &mut f, &Options::default());
/// assert!(ascent.converged && (x[0] - 2f64.ln()).abs() < 1e-15);
/// ```
pub fn maximise(
    start: &mut [f64],
    transforms: &[Transform],
    evaluate: &mut Evaluate,
    options: &Options,
) -> Ascent {
    let n = start.len();
    let start_value = evaluate(start, &mut vec![0.0; n], &mut vec![0.0; n * n]);
    let mut ascent = Ascent {
        value: start_value,
        start_value,
        iterations: 0,
        evaluations: 1,
        gradient_norm: f64::INFINITY,
        converged: false,
    };
    let places = start.iter().enumerate();
    let free = places.map(|(i, &x)| transform(transforms, i).free(x));
    let first = visit(free.collect(), transforms, evaluate);
    ascent.evaluations += 1;
    let Some(mut at) = first.filter(|_| start_value.is_finite()) else {
        return ascent;
    };
    let mut moved = false;
    let settled = |p: &Point| {
        let scale = p.value.abs().min(start_value.abs()).max(1.0);
        p.norm() <= options.gradient_tolerance * scale
    };
    while ascent.iterations < options.max_iterations && at.norm() > 0.0 {
        let Some(step) = direction(&at) else { break };
        let rise: f64 = step.iter().zip(&at.gradient).map(|(s, g)| s * g).sum();
        let noise = 8.0 * f64::EPSILON * at.value.abs();
        let was_settled = settled(&at);
        let mut next = None;
        let mut part = 1.0;
        for _ in 0..HALVINGS {
            let move_by = |(u, s): (&f64, &f64)| u + part * s;
            let free: Vec<f64> = at.free.iter().zip(&step).map(move_by).collect();
            if free == at.free {
                break;
            }
            ascent.evaluations += 1;
            next = visit(free, transforms, evaluate).filter(|p| {
                let rises = p.value >= at.value + INCREASE * part * rise && p.value > at.value;
                let level = p.value >= at.value - noise && p.norm() < at.norm();
                p.value >= start_value && (rises || level)
            });
            // At the solution a step either gains digits at once or there are none to gain.
            if next.is_some() || was_settled {
                break;
            }
            part *= 0.5;
        }
        let Some(next) = next.filter(|p| !was_settled || p.norm() < at.norm()) else {
            break;
        };
        at = next;
        moved = true;
        ascent.iterations += 1;
        // One step from within the tolerance squares the error; more would only rattle.
        if was_settled {
            break;
        }
    }
    ascent.gradient_norm = at.norm();
    ascent.converged = settled(&at);
    if moved {
        ascent.value = at.value;
        for (i, (x, &u)) in start.iter_mut().zip(&at.free).enumerate() {
            *x = transform(transforms, i).bounded(u);
        }
    }
    ascent
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::numeric::link::{Link, sigmoid};
    use crate::numeric::special::{digamma, ln_gamma, trigamma};

    // A bias, a regressor, an outcome of 0 or 1, and a count.
    const ROWS: [(f64, f64, f64); 9] = [
        (-2.0, 0.0, 0.0),
        (-1.5, 0.0, 1.0),
        (-1.0, 1.0, 0.0),
        (-0.2, 0.0, 2.0),
        (0.1, 1.0, 1.0),
        (0.7, 0.0, 4.0),
        (1.1, 1.0, 2.0),
        (1.9, 1.0, 7.0),
        (2.5, 1.0, 9.0),
    ];

    fn accumulate(g: &mut [f64], h: &mut [f64], a: f64, slope: f64, curvature: f64) {
        let v = [1.0, a];
        for i in 0..2 {
            g[i] += slope * v[i];
            for j in 0..2 {
                h[2 * i + j] += curvature * v[i] * v[j];
            }
        }
    }

    #[test]
    fn logistic_and_poisson_regressions_reach_rounding() {
        let mut logistic = |b: &[f64], g: &mut [f64], h: &mut [f64]| {
            g.fill(0.0);
            h.fill(0.0);
            let terms = ROWS.iter().map(|&(a, y, _)| {
                let eta = b[0] + b[1] * a;
                let p = Link::Softplus.derivative(eta);
                accumulate(g, h, a, y - p, -Link::Softplus.second(eta));
                y * eta - Link::Softplus.value(eta)
            });
            terms.sum()
        };
        let mut poisson = |b: &[f64], g: &mut [f64], h: &mut [f64]| {
            g.fill(0.0);
            h.fill(0.0);
            let terms = ROWS.iter().map(|&(a, _, y)| {
                let eta = b[0] + b[1] * a;
                accumulate(g, h, a, y - eta.exp(), -eta.exp());
                y * eta - eta.exp()
            });
            terms.sum()
        };
        for start in [[0.0, 0.0], [3.0, -4.0], [-5.0, 10.0]] {
            for counts in [false, true] {
                let mut b = start;
                let ascent = if counts {
                    maximise(&mut b, &[], &mut poisson, &Options::default())
                } else {
                    maximise(&mut b, &[], &mut logistic, &Options::default())
                };
                assert!(ascent.converged && ascent.iterations < 40, "{ascent:?}");
                // Plain iterations by Cramer's rule from near the solution, and the score itself.
                let mut want = b.map(|v| v + 0.01);
                for _ in 0..20 {
                    let (mut g, mut h) = ([0.0; 2], [0.0; 3]);
                    for &(a, y, count) in &ROWS {
                        let eta = want[0] + want[1] * a;
                        let (mean, weight) = if counts {
                            (eta.exp(), eta.exp())
                        } else {
                            (1.0 / (1.0 + (-eta).exp()), sigmoid(eta) * sigmoid(-eta))
                        };
                        let rest = if counts { count } else { y } - mean;
                        g = [g[0] + rest, g[1] + rest * a];
                        h = [h[0] + weight, h[1] + weight * a, h[2] + weight * a * a];
                    }
                    let det = h[0] * h[2] - h[1] * h[1];
                    want[0] += (h[2] * g[0] - h[1] * g[1]) / det;
                    want[1] += (h[0] * g[1] - h[1] * g[0]) / det;
                }
                for i in 0..2 {
                    assert!((b[i] - want[i]).abs() < 1e-12, "{b:?} {want:?}");
                }
                assert!(ascent.gradient_norm < 1e-12, "{ascent:?}");
            }
        }
    }

    #[test]
    fn a_gamma_shape_solves_its_equation_in_the_bounded_coordinate() {
        for gap in [1e-4, 0.1, 1.0, 20.0] {
            // a (log a - 1 - s) - log Gamma(a): stationary where log a - digamma(a) = s.
            let mut f = |x: &[f64], g: &mut [f64], h: &mut [f64]| {
                let a = x[0];
                g[0] = a.ln() - digamma(a) - gap;
                h[0] = 1.0 / a - trigamma(a);
                a * (a.ln() - 1.0 - gap) - ln_gamma(a)
            };
            let mut x = [1.0];
            let ascent = maximise(&mut x, &[Transform::Log], &mut f, &Options::default());
            assert!(ascent.converged, "{ascent:?}");
            let left = x[0].ln() - statrs::function::gamma::digamma(x[0]);
            assert!((left / gap - 1.0).abs() < 1e-8, "{gap} {} {left}", x[0]);
        }
    }

    #[test]
    fn saddles_walls_and_planes_are_left_upwards() {
        // A saddle at the start's side, maxima at (+-1, 0).
        let mut f = |x: &[f64], g: &mut [f64], h: &mut [f64]| {
            g.copy_from_slice(&[4.0 * x[0] - 4.0 * x[0].powi(3), -2.0 * x[1]]);
            h.copy_from_slice(&[4.0 - 12.0 * x[0] * x[0], 0.0, 0.0, -2.0]);
            2.0 * x[0].powi(2) - x[0].powi(4) - x[1].powi(2)
        };
        let mut x = [0.01, 3.0];
        let ascent = maximise(&mut x, &[], &mut f, &Options::default());
        assert!(ascent.converged && (x[0].abs() - 1.0).abs() < 1e-9, "{x:?}");
        // NaN beyond 1, where the full step lands.
        let mut f = |x: &[f64], g: &mut [f64], h: &mut [f64]| {
            (g[0], h[0]) = (1.0 / x[0] - 2.0, -1.0 / x[0] / x[0]);
            if x[0] > 1.0 {
                f64::NAN
            } else {
                x[0].ln() - 2.0 * x[0]
            }
        };
        let mut x = [0.9];
        let ascent = maximise(&mut x, &[], &mut f, &Options::default());
        assert!(ascent.converged && (x[0] - 0.5).abs() < 1e-12, "{x:?}");
        // A plane has no maximum: the value grows, nothing overflows, and it ends.
        let mut f = |x: &[f64], g: &mut [f64], h: &mut [f64]| {
            (g[0], h[0]) = (2.0, 0.0);
            2.0 * x[0]
        };
        let mut x = [0.0];
        let ascent = maximise(&mut x, &[], &mut f, &Options::default());
        assert!(ascent.value > 10.0 && !ascent.converged && x[0].is_finite());
        // A constant is left as it is, NaN too.
        let mut x = [4.0];
        let flat = maximise(
            &mut x,
            &[],
            &mut |_, g, h| (g.fill(0.0), h.fill(0.0), 3.0).2,
            &Options::default(),
        );
        assert!(flat.converged && flat.value == 3.0 && x == [4.0]);
        let nan = maximise(&mut x, &[], &mut |_, _, _| f64::NAN, &Options::default());
        assert!(!nan.converged && x == [4.0]);
    }
}
