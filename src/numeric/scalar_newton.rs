//! The maximum of a smooth function of one number, concave or not, by Newton steps inside a bracket.
//!
//! ```text
//! u <- u - f'(u) / f''(u),  or the middle of the bracket where that leaves it or gains too little
//! ```
//!
//! start, (f, f', f'') -> a local maximum whose value is not below that of the start, or the news that f still rises at
//! the end of the line, as for the shape of a Gamma whose data are all equal. The bracket is found by steps that double,
//! in the direction in which f rises; it stays [near, far] with f' pointing from near to far, and f not lower at near than
//! at any near before. It ends at far because f' points back there, f has fallen, or is not finite. Every step is bounded
//! in number: nothing can diverge.

use super::transform::Transform;

/// Doublings of the first step.
const DOUBLINGS: usize = 1100;
/// Steps inside the bracket.
const STEPS: usize = 200;

/// What was found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Maximum {
    /// A local maximum at x.
    At {
        /// Where.
        x: f64,
        /// The value there.
        value: f64,
    },
    /// f rises, or levels out, towards a bound of its support that it does not reach.
    Boundary {
        /// The bound: an infinity, 0, or 1.
        towards: f64,
        /// The last point seen.
        x: f64,
        /// The value there.
        value: f64,
    },
    /// The value or the derivative at the start is not finite.
    Undefined,
}

/// A point in the free coordinate: value, first and second derivative.
#[derive(Clone, Copy)]
struct Point {
    u: f64,
    value: f64,
    slope: f64,
    curvature: f64,
}

/// The local maximum that is reached by rising from `start`. `evaluate` gives f and its two derivatives in x, where x is
/// bounded as `support` says; a second derivative that is not finite costs speed alone. A function that still rises at an
/// end of `reach` counts as rising to the bound: there values may be lost in rounding long before doubles end.
///
/// ```
/// use pmc::numeric::scalar_newton::{Maximum, maximise};
/// use pmc::numeric::transform::Transform;
/// // 3 log x - x
/// let mut f = |x: f64| [3.0 * x.ln() - x, 3.0 / x - 1.0, -3.0 / x / x];
/// let everywhere = (0.0, f64::INFINITY);
/// let Maximum::At { x, .. } = maximise(100.0, Transform::Log, everywhere, &mut f) else { unreachable!() };
/// assert!((x - 3.0).abs() < 1e-14);
/// let rises = maximise(1.0, Transform::Log, (1e-9, 1e9), &mut |x| [x.ln(), 1.0 / x, -1.0 / x / x]);
/// assert!(matches!(rises, Maximum::Boundary { towards: f64::INFINITY, .. }));
/// ```
pub fn maximise(
    start: f64,
    support: Transform,
    reach: (f64, f64),
    evaluate: &mut dyn FnMut(f64) -> [f64; 3],
) -> Maximum {
    let mut visit = |u: f64| -> Option<Point> {
        let x = support.bounded(u);
        if !support.inside(x) {
            return None;
        }
        let [value, slope, curvature] = evaluate(x);
        let (first, second) = support.slopes(u);
        let point = Point {
            u,
            value,
            slope: slope * first,
            curvature: curvature * first * first + slope * second,
        };
        (value.is_finite() && point.slope.is_finite()).then_some(point)
    };
    let Some(first) = visit(support.free(start)) else {
        return Maximum::Undefined;
    };
    if first.slope == 0.0 {
        return found(support, first);
    }
    let sign = first.slope.signum();
    let end = support.free(if sign > 0.0 { reach.1 } else { reach.0 });
    let (near, far) = match bracket(first, sign, end, support, &mut visit) {
        Ok(ends) => ends,
        Err(boundary) => return boundary,
    };
    close_in(near, far, sign, support, &mut visit)
}

fn found(support: Transform, at: Point) -> Maximum {
    Maximum::At {
        x: support.bounded(at.u),
        value: at.value,
    }
}

/// Whether the maximum that `near` points at lies before this point.
fn is_past(near: &Point, point: Option<&Point>, sign: f64) -> bool {
    point.is_none_or(|p| {
        let noise = 16.0 * f64::EPSILON * near.value.abs();
        p.slope * sign < 0.0 || p.value < near.value - noise
    })
}

/// Doubles the step until the maximum is passed. The end of the bracket may be a place without a value.
fn bracket(
    first: Point,
    sign: f64,
    end: f64,
    support: Transform,
    visit: &mut dyn FnMut(f64) -> Option<Point>,
) -> Result<(Point, f64), Maximum> {
    let towards = match (support, sign > 0.0) {
        (Transform::Identity | Transform::Log, true) => f64::INFINITY,
        (Transform::Identity, false) => f64::NEG_INFINITY,
        (Transform::Logit, true) => 1.0,
        (Transform::Log | Transform::Logit, false) => 0.0,
    };
    let mut near = first;
    // A Newton step says how far the maximum is, if the function is concave there.
    let newton = (first.slope / first.curvature).abs();
    let unit = match support {
        Transform::Identity => first.u.abs().max(1.0),
        Transform::Log | Transform::Logit => 1.0,
    };
    let mut step = if first.curvature < 0.0 && newton.is_finite() && newton > 0.0 {
        (1.5 * newton).min(16.0 * unit)
    } else {
        unit
    };
    for _ in 0..DOUBLINGS {
        let u = near.u + sign * step;
        let u = if (end - u) * sign < 0.0 { end } else { u };
        if (u - near.u) * sign <= 0.0 {
            return Err(Maximum::Boundary {
                towards,
                x: support.bounded(near.u),
                value: near.value,
            });
        }
        let point = if u.is_finite() { visit(u) } else { None };
        if let Some(p) = point
            && !is_past(&near, point.as_ref(), sign)
        {
            // Level to the last digit over a step of this size, and flat beyond what the values can show: no maximum
            // ahead that could be told from the bound.
            let level = (p.value - near.value).abs() <= 4.0 * f64::EPSILON * p.value.abs();
            let flat = p.slope.abs() * step <= 64.0 * f64::EPSILON * p.value.abs().max(1.0);
            if level && flat && step > unit {
                return Err(Maximum::Boundary {
                    towards,
                    x: support.bounded(p.u),
                    value: p.value,
                });
            }
            near = p;
            step *= 2.0;
            continue;
        }
        if point.is_none() && !(u.is_finite() && support.inside(support.bounded(u))) {
            // The end of what a double can hold, still rising: halve towards it a few times at most.
            if step > 1e-3 * unit.max(near.u.abs()) {
                step *= 0.25;
                continue;
            }
            return Err(Maximum::Boundary {
                towards,
                x: support.bounded(near.u),
                value: near.value,
            });
        }
        return Ok((near, u));
    }
    Err(Maximum::Boundary {
        towards,
        x: support.bounded(near.u),
        value: near.value,
    })
}

/// Newton steps and halvings inside the bracket, until no double is left between its ends or the step is lost in rounding.
fn close_in(
    mut near: Point,
    mut far: f64,
    sign: f64,
    support: Transform,
    visit: &mut dyn FnMut(f64) -> Option<Point>,
) -> Maximum {
    let mut base = near;
    let mut width = (far - near.u).abs();
    for _ in 0..STEPS {
        let newton = base.u - base.slope / base.curvature;
        let (low, high) = (near.u.min(far), near.u.max(far));
        // Halve where Newton leaves the bracket, or where the bracket has not halved in the last two steps.
        let inside = base.curvature < 0.0 && newton > low && newton < high;
        let u = if inside {
            newton
        } else {
            near.u + 0.5 * (far - near.u)
        };
        if u == near.u || u == far || (u - base.u).abs() <= f64::EPSILON * u.abs() {
            break;
        }
        let point = visit(u);
        let small = (u - base.u).abs() <= 1e-9 * u.abs().max(1e-300);
        match point {
            Some(p) if !is_past(&near, point.as_ref(), sign) => {
                (near, base) = (p, p);
                if p.slope == 0.0 {
                    return found(support, p);
                }
            }
            Some(p) if p.slope * sign < 0.0 && p.value >= near.value => {
                far = u;
                base = p;
            }
            _ => {
                far = u;
                base = near;
            }
        }
        // The step after one that small is below rounding: Newton doubles the digits.
        if inside && small {
            break;
        }
        let now = (far - near.u).abs();
        if inside && now > 0.5 * width {
            // Newton creeps along one side: the next step halves, from the middle.
            let middle = near.u + 0.5 * (far - near.u);
            let point = visit(middle);
            match point {
                Some(p) if !is_past(&near, point.as_ref(), sign) => near = p,
                _ => far = middle,
            }
        }
        width = (far - near.u).abs();
    }
    let best = if base.value >= near.value && base.slope.abs() <= near.slope.abs() {
        base
    } else {
        near
    };
    found(support, best)
}

#[cfg(test)]
mod tests;
