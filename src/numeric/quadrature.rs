//! Moments of a density of one variable that is known up to a constant, by adaptive quadrature.
//!
//! ```text
//! p(x) = exp(g(x)) / Z        log Z,   E[f(x)],   E[x], E[x^2],   H = log Z - E[g(x)],   mode,   quantiles
//! ```
//!
//! g on a support -> those numbers, or why there are none. The modes are looked for over a grid of magnitudes (and around
//! a hint), the integrals taken in the coordinates of [`coordinate`] by the rule of [`rule`]. A density narrower than the
//! gaps of the grid is found if it rises towards its mode over them, as a log-concave one does; a second mode hidden
//! between two points of the grid is not. At most 50 000 evaluations of g.

mod coordinate;
mod quantile;
pub mod rule;
mod tail;

use super::link::Link;
use coordinate::{Peak, peaks, width};
use rule::{Accuracy, Panel, refine};
use tail::{Tail, add_tail};

/// The relative error asked for.
const TOLERANCE: f64 = 1e-12;
/// Evaluations inside the panels.
const BUDGET: usize = 40_000;
/// The modes followed.
const MODES: usize = 6;
/// A fall of a log density that leaves nothing.
const NEGLIGIBLE: f64 = 45.0;
/// Moments that are always taken: 1, x, x^2, g.
const FIXED: usize = 4;

/// Where a variable lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Support {
    /// The real line.
    Real,
    /// x > 0
    Positive,
    /// 0 < x < 1
    Unit,
}

/// Why there is no density.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Improper {
    /// exp(g) is 0, or no number, wherever it was looked at.
    #[error("the density is zero everywhere")]
    NoMass,
    /// The integral of exp(g) diverges at an end of the support.
    #[error("the density has infinite mass")]
    InfiniteMass,
    /// g is infinite at a point inside the support.
    #[error("the density is infinite at a point")]
    Unbounded,
}

/// The moments of a density.
#[derive(Debug, Clone, PartialEq)]
pub struct Quadrature {
    /// log of the integral of exp(g).
    pub log_normaliser: f64,
    /// `E[x]`; infinite if the integral diverges, as for the others.
    pub mean: f64,
    /// `E[x^2]`
    pub second: f64,
    /// The differential entropy.
    pub entropy: f64,
    /// Where g is largest; 0 or 1 if it rises towards that end of its support.
    pub mode: f64,
    /// `E[f(x)]` for each function asked for.
    pub expectations: Vec<f64>,
    /// An estimate of the relative error of the normaliser and the moments that exist.
    pub error: f64,
    map: Map,
    /// The log density in s that stands for 1 in the masses.
    top: f64,
    /// Ends and mass of each panel, in order.
    masses: Vec<(f64, f64, f64)>,
    tails: [Option<Tail>; 2],
}

/// u = m + w sinh s
#[derive(Debug, Clone, Copy, PartialEq)]
struct Map {
    support: Support,
    m: f64,
    w: f64,
}

impl Map {
    fn u(&self, s: f64) -> f64 {
        let (low, high) = self.support.ends();
        (self.m + self.w * s.sinh()).clamp(low, high)
    }

    fn s(&self, u: f64) -> f64 {
        ((u - self.m) / self.w).asinh()
    }

    fn x(&self, s: f64) -> f64 {
        self.support.transform().bounded(self.u(s))
    }

    /// log dx/ds
    fn log_slope(&self, s: f64) -> f64 {
        self.support.log_slope(self.u(s)) + self.w.ln() + Link::LogCosh.value(2.0 * s)
    }
}

/// g, remembering whether it was infinite.
struct Density<'a> {
    g: &'a dyn Fn(f64) -> f64,
    unbounded: bool,
}

impl Density<'_> {
    fn at(&mut self, x: f64) -> f64 {
        let g = (self.g)(x);
        self.unbounded |= g == f64::INFINITY;
        if g.is_finite() { g } else { f64::NEG_INFINITY }
    }
}

/// The moments of the density in proportion to exp(g), and of `functions` under it.
///
/// `hint` is a place and a width where mass is expected; it speeds nothing up, but finds a narrow mode among others. Where
/// g is not a number the density counts as 0.
///
/// # Errors
///
/// [`Improper`], if exp(g) cannot be normalised.
///
/// ```
/// use pmc::numeric::quadrature::{Support, density};
/// // an exponential with rate 2
/// let found = density(&|x| -2.0 * x, Support::Positive, None, &[&f64::ln]).expect("is proper");
/// assert!((found.log_normaliser + 2f64.ln()).abs() < 1e-11);
/// assert!((found.mean - 0.5).abs() < 1e-11);
/// assert!((found.expectations[0] + 0.577_215_664_901_532_9 + 2f64.ln()).abs() < 1e-11);
/// ```
pub fn density(
    g: &dyn Fn(f64) -> f64,
    support: Support,
    hint: Option<(f64, f64)>,
    functions: &[&dyn Fn(f64) -> f64],
) -> Result<Quadrature, Improper> {
    let mut density = Density {
        g,
        unbounded: false,
    };
    let transform = support.transform();
    let grid = support.grid(hint);
    let mut in_u = |u: f64| density.at(transform.bounded(u)) + support.log_slope(u);
    let modes = peaks(&mut in_u, &grid, MODES);
    let first = *modes.first().ok_or(Improper::NoMass)?;
    let guess = |peak: &Peak| match support {
        Support::Real => peak.u.abs().max(1.0),
        Support::Positive | Support::Unit => 1.0,
    };
    let widths: Vec<f64> = modes
        .iter()
        .map(|p| width(&mut in_u, *p, support.ends(), guess(p)))
        .collect();
    let map = Map {
        support,
        m: first.u,
        w: widths.first().copied().unwrap_or(1.0),
    };

    let n = FIXED + functions.len();
    let values = |x: f64, out: &mut [f64]| {
        out[..3].copy_from_slice(&[1.0, x, x * x]);
        for (v, f) in out[FIXED..].iter_mut().zip(functions) {
            *v = f(x);
        }
    };
    let significant: Vec<f64> = modes
        .iter()
        .filter(|p| p.value > first.value - NEGLIGIBLE)
        .map(|p| map.s(p.u))
        .collect();
    let reach = |sign: f64| significant.iter().fold(0.0, |m: f64, s| m.max(s * sign));
    let low = walk(&map, -1.0, reach(-1.0), &mut density, &values, n);
    let high = walk(&map, 1.0, reach(1.0), &mut density, &values, n);

    // Panels begin and end at modes, so that a kink there costs nothing.
    let (from, to) = (-low.reach, high.reach);
    let mut breaks: Vec<f64> = (0..=16)
        .map(|i| from + (to - from) * f64::from(i) / 16.0)
        .collect();
    for (peak, width) in modes.iter().zip(&widths) {
        breaks.extend([-4.0, -1.0, 0.0, 1.0, 4.0].map(|k| map.s(peak.u + k * width)));
    }
    let mut in_s = |s: f64| density.at(map.x(s)) + map.log_slope(s);
    let even: Vec<f64> = (0..=160)
        .map(|i| from + (to - from) * f64::from(i) / 160.0)
        .collect();
    let more = peaks(&mut in_s, &even, 2 * MODES);
    let top = breaks
        .iter()
        .fold(f64::NEG_INFINITY, |m, &s| m.max(in_s(s)));
    let top = more.iter().fold(top, |m, p| m.max(p.value));
    breaks.extend(more.iter().map(|p| p.u));
    for s in &mut breaks {
        *s = s.clamp(from, to);
    }
    breaks.extend([from, to]);
    breaks.sort_by(f64::total_cmp);
    breaks.dedup();

    // The mode of g itself, over the same places.
    let mut places = grid;
    places.extend(even.iter().map(|&s| map.u(s)));
    places.sort_by(f64::total_cmp);
    places.dedup();
    let mut alone = |u: f64| density.at(transform.bounded(u));
    let highest = peaks(&mut alone, &places, 2);
    let highest = *highest.first().ok_or(Improper::NoMass)?;
    let ends = support.ends();
    let mode = match support {
        Support::Positive | Support::Unit if highest.u <= ends.0 => 0.0,
        Support::Unit if highest.u >= ends.1 => 1.0,
        Support::Positive if highest.u >= ends.1 => f64::INFINITY,
        _ => transform.bounded(highest.u),
    };
    // A typical value of g, so that entropy and its parts are of one size.
    let level = alone(first.u);

    let mut diverges = vec![false; n];
    let mut integrands = |s: f64, out: &mut [f64]| {
        let x = map.x(s);
        let g = density.at(x);
        let p = (g + map.log_slope(s) - top).exp();
        if p > 0.0 {
            values(x, out);
            out[3] = g - level;
            for (k, v) in out.iter_mut().enumerate() {
                *v *= p;
                if !v.is_finite() {
                    diverges[k] = true;
                    *v = 0.0;
                }
            }
        } else {
            out.fill(0.0);
        }
    };
    // Rounding of u, and of g, beyond which no refinement gains anything.
    let noise = f64::EPSILON * (map.m.abs() / map.w + level.abs() + top.abs());
    // Near 1 the digits of 1 - x run out before those of u do.
    let rounding = |s: f64| match support {
        Support::Unit => 4.0 * f64::EPSILON / (1.0 - map.x(s)).max(f64::EPSILON),
        Support::Real | Support::Positive => 0.0,
    };
    let accuracy = Accuracy {
        tolerance: TOLERANCE.max(4.0 * noise),
        rounding: &rounding,
        budget: BUDGET,
    };
    let panels = refine(&breaks, n, &mut integrands, &accuracy);
    if density.unbounded || diverges[0] {
        return Err(Improper::Unbounded);
    }

    let mut sums: Vec<f64> = (0..n)
        .map(|k| panels.iter().map(|p| p.integral[k]).sum())
        .collect();
    let scale = |p: &Panel, k: usize| p.absolute[k];
    let relative = |k: usize| {
        let whole: f64 = panels.iter().map(|p| scale(p, k)).sum();
        let error: f64 = panels.iter().map(|p| p.error[k]).sum();
        if whole > 0.0 { error / whole } else { 0.0 }
    };
    let error = (0..n).map(relative).fold(noise, f64::max);
    let mut tails = [None, None];
    for (slot, (end, upper)) in tails.iter_mut().zip([(&low, false), (&high, true)]) {
        if end.open {
            let tail = add_tail(support, upper, &mut density, &values, top, level, &mut sums)?;
            *slot = Some(tail);
        }
    }
    if sums[0].is_nan() || sums[0] <= 0.0 {
        return Err(Improper::NoMass);
    }
    let log_normaliser = top + sums[0].ln();
    let expectation = |k: usize| {
        if diverges[k] || !sums[k].is_finite() {
            f64::INFINITY
        } else {
            sums[k] / sums[0]
        }
    };
    let masses = panels.iter().map(|p| (p.low, p.high, p.integral[0]));
    Ok(Quadrature {
        log_normaliser,
        mean: expectation(1),
        second: expectation(2),
        entropy: log_normaliser - level - expectation(3),
        mode,
        expectations: (FIXED..n).map(expectation).collect(),
        error,
        map,
        top,
        masses: masses.collect(),
        tails,
    })
}

/// How far from the mode there is something to integrate.
struct End {
    reach: f64,
    /// Whether the coordinate ended first.
    open: bool,
}

/// Walks outwards until the density, and each function times it, has fallen to nothing.
fn walk(
    map: &Map,
    sign: f64,
    beyond: f64,
    density: &mut Density,
    values: &dyn Fn(f64, &mut [f64]),
    n: usize,
) -> End {
    let ends = map.support.ends();
    let last = sign * map.s(if sign > 0.0 { ends.1 } else { ends.0 });
    let mut out = vec![0.0; n];
    let mut highest = vec![f64::NEG_INFINITY; n];
    let (mut s, mut quiet) = (0.0f64, 0);
    while s < last {
        let x = map.x(sign * s);
        let log_p = density.at(x) + map.log_slope(sign * s);
        values(x, &mut out);
        out[3] = 1.0;
        let mut small = true;
        for (top, v) in highest.iter_mut().zip(&out) {
            let weight = log_p + v.abs().ln();
            *top = top.max(weight);
            small &= weight.is_nan() || weight == f64::NEG_INFINITY || weight < *top - NEGLIGIBLE;
        }
        quiet = if small && s > beyond { quiet + 1 } else { 0 };
        if quiet == 2 {
            return End {
                reach: s,
                open: false,
            };
        }
        s += 0.25 * (0.25 * s).max(1.0);
    }
    End {
        reach: last,
        open: true,
    }
}

#[cfg(test)]
mod tests;
