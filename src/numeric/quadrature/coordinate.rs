//! The coordinates in which a density is looked for and integrated.
//!
//! ```text
//! u = x on the real line, log x on the half line, log x - log(1 - x) on (0, 1)          L(u) = g(x) + log dx/du
//! u = m + w sinh s,  m a mode of L, w its width: power tails become exponential, exponential ones doubly so
//! ```
//!
//! Where x or 1 - x can no longer be told from 0 the coordinate u ends; the tail beyond is a power of x or 1 - x, which is
//! exponential in u and integrated in closed form.

use super::Support;
use crate::numeric::link::Link;
use crate::numeric::transform::Transform;

/// log2 of the smallest and the largest x: 1/x is finite too.
const POWER: i32 = 995;
/// log2 of the least 1 - x that is looked at: below it, its digits run out.
const COMPLEMENT: i32 = 30;
/// log2 of the largest |x| on the real line: its square is finite.
const REAL_POWER: i32 = 498;

/// Points a factor of two apart in the distance that goes to 0 or to infinity, from the outside inwards, and its log.
pub(super) struct TailPoints {
    pub(super) x: [f64; 3],
    pub(super) log_slopes: [f64; 3],
}

impl Support {
    /// The coordinate u.
    pub(super) fn transform(self) -> Transform {
        match self {
            Support::Real => Transform::Identity,
            Support::Positive => Transform::Log,
            Support::Unit => Transform::Logit,
        }
    }

    /// The ends of u.
    pub(super) fn ends(self) -> (f64, f64) {
        let free = |x: f64| self.transform().free(x);
        (free(self.tail(false).x[0]), free(self.tail(true).x[0]))
    }

    /// Three points at an end of u.
    pub(super) fn tail(self, upper: bool) -> TailPoints {
        let at = |inwards: i32| match (self, upper) {
            (Support::Real, true) => 2f64.powi(REAL_POWER - inwards),
            (Support::Real, false) => -(2f64.powi(REAL_POWER - inwards)),
            (Support::Positive, true) => 2f64.powi(POWER - inwards),
            (Support::Positive | Support::Unit, false) => 2f64.powi(inwards - POWER),
            (Support::Unit, true) => 1.0 - 2f64.powi(inwards - COMPLEMENT),
        };
        let log_slope = |x: f64| match (self, upper) {
            (Support::Unit, true) => (1.0 - x).ln(),
            _ => x.abs().ln(),
        };
        TailPoints {
            x: [0, 1, 2].map(at),
            log_slopes: [0, 1, 2].map(|i| log_slope(at(i))),
        }
    }

    /// log dx/du
    pub(super) fn log_slope(self, u: f64) -> f64 {
        match self {
            Support::Real => 0.0,
            Support::Positive => u,
            Support::Unit => -Link::Softplus.value(u) - Link::Softplus.value(-u),
        }
    }

    /// Where to look for a mode: sorted, about evenly spread over magnitudes, and finer around a hint.
    pub(super) fn grid(self, hint: Option<(f64, f64)>) -> Vec<f64> {
        let (low, high) = self.ends();
        let mut grid = vec![0.0];
        match self {
            Support::Real => {
                for k in -40..=64 {
                    grid.push(10f64.powf(0.25 * f64::from(k)));
                }
                grid.extend([1e20, 1e30, 1e50, 1e100]);
            }
            Support::Positive | Support::Unit => {
                grid.extend((1..60).map(|k| 0.5 * f64::from(k)));
                grid.extend((6..138).map(|k| 5.0 * f64::from(k)));
            }
        }
        let mirrored: Vec<f64> = grid.iter().map(|u| -u).collect();
        grid.extend(mirrored);
        grid.extend([low, high]);
        if let Some((centre, width)) = hint
            && self.transform().inside(centre)
            && width > 0.0
            && width.is_finite()
        {
            let u = self.transform().free(centre);
            let width = width / self.transform().slopes(u).0;
            grid.push(u);
            for k in -3..30 {
                let away = width * 2f64.powi(k);
                grid.extend([u - away, u + away]);
            }
        }
        grid.retain(|u| u.is_finite() && *u >= low && *u <= high);
        grid.sort_by(f64::total_cmp);
        grid.dedup();
        grid
    }
}

/// A local maximum.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Peak {
    pub(super) u: f64,
    pub(super) value: f64,
}

/// The highest local maxima over a sorted grid, each refined by golden section between its neighbours; best first.
pub(super) fn peaks(f: &mut dyn FnMut(f64) -> f64, grid: &[f64], most: usize) -> Vec<Peak> {
    let values: Vec<f64> = grid.iter().map(|&u| f(u)).collect();
    let mut found: Vec<usize> = (0..grid.len())
        .filter(|&i| {
            values[i] > f64::NEG_INFINITY
                && (i == 0 || values[i] > values[i - 1])
                && (i + 1 == grid.len() || values[i] >= values[i + 1])
        })
        .collect();
    found.sort_by(|&a, &b| values[b].total_cmp(&values[a]).then(a.cmp(&b)));
    found.truncate(most);
    let mut out: Vec<Peak> = found
        .iter()
        .map(|&i| {
            let (low, high) = (grid[i.saturating_sub(1)], grid[(i + 1).min(grid.len() - 1)]);
            let at = Peak {
                u: grid[i],
                value: values[i],
            };
            golden(f, low, high, at)
        })
        .collect();
    out.sort_by(|a, b| b.value.total_cmp(&a.value).then(a.u.total_cmp(&b.u)));
    out
}

/// The maximum between two points where a third between them is higher.
fn golden(f: &mut dyn FnMut(f64) -> f64, mut low: f64, mut high: f64, mut best: Peak) -> Peak {
    const PART: f64 = 0.381_966_011_250_105;
    for _ in 0..200 {
        // Into the longer part; beside the best point, never onto it.
        let (left, right) = (best.u - low, high - best.u);
        let u = if right >= left {
            best.u + PART * right
        } else {
            best.u - PART * left
        };
        if u == best.u || high - low <= 2.0 * f64::EPSILON * best.u.abs() {
            break;
        }
        let value = f(u);
        if value > best.value {
            if u > best.u {
                low = best.u
            } else {
                high = best.u
            }
            best = Peak { u, value };
        } else if u > best.u {
            high = u;
        } else {
            low = u;
        }
    }
    best
}

/// The distance from a peak to where f has fallen by 1, the shorter of the two; within a factor of two.
pub(super) fn width(
    f: &mut dyn FnMut(f64) -> f64,
    peak: Peak,
    ends: (f64, f64),
    guess: f64,
) -> f64 {
    let mut side = |sign: f64, end: f64| {
        let room = (end - peak.u).abs();
        let smallest = 4.0 * f64::EPSILON * peak.u.abs() + f64::MIN_POSITIVE;
        let mut fallen = |away: f64| f(peak.u + sign * away) < peak.value - 1.0;
        let mut away = guess.clamp(smallest, room.max(smallest));
        if fallen(away) {
            while away > smallest && fallen(0.5 * away) {
                away *= 0.5;
            }
        } else {
            while away < room && !fallen(away) {
                away *= 2.0;
            }
        }
        away
    };
    side(-1.0, ends.0).min(side(1.0, ends.1))
}
