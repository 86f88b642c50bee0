//! What lies beyond the ends of the coordinate, in closed form.
//!
//! ```text
//! log p = r log d + c d,   d the distance that goes to 0, from three points a factor of two apart
//! int p = exp(log p) / r (1 - c d / (1 + r))       f constant, linear in log d, or a power of d
//! ```

use super::{Density, Improper, Support};

/// The mass beyond an end of u, and how fast it falls: in proportion to exp(-rate log-distance).
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Tail {
    pub(super) mass: f64,
    pub(super) rate: f64,
    pub(super) upper: bool,
}

/// Adds what lies beyond an end of u: with v the log of the distance, density and functions are exponential in v, or the
/// functions linear, as log x is, or near a limit.
pub(super) fn add_tail(
    support: Support,
    upper: bool,
    density: &mut Density,
    values: &dyn Fn(f64, &mut [f64]),
    top: f64,
    level: f64,
    sums: &mut [f64],
) -> Result<Tail, Improper> {
    const STEADY: f64 = 1e-9;
    let points = support.tail(upper);
    let g = points.x.map(|x| density.at(x));
    let [far, near, nearer] = [0, 1, 2].map(|i: usize| g[i] + points.log_slopes[i] - top);
    let none = Tail {
        mass: 0.0,
        rate: 1.0,
        upper,
    };
    if far == f64::NEG_INFINITY {
        return Ok(none);
    }
    // log p = rate log d + bend d, with d the distance that goes to 0: far out d, then 2 d, then 4 d.
    let bend = (nearer - near) - (near - far);
    let rate = (near - far - bend) / std::f64::consts::LN_2;
    if rate.is_nan() || rate <= STEADY {
        return Err(Improper::InfiniteMass);
    }
    let mass = far.exp() / rate * (1.0 - bend / (1.0 + rate));
    let n = sums.len();
    let mut f = [vec![0.0; n], vec![0.0; n], vec![0.0; n]];
    for i in 0..3 {
        values(points.x[i], &mut f[i]);
        f[i][3] = g[i] - level;
    }
    for k in 0..n {
        let (rise, before) = (f[0][k] - f[1][k], f[1][k] - f[2][k]);
        sums[k] += if rise.abs() <= 1e-6 * f[0][k].abs() {
            // Almost at its limit, which it nears as d.
            mass * (f[0][k] + rise / (1.0 + rate))
        } else if (rise - before).abs() <= 0.01 * rise.abs() {
            mass * (f[0][k] + rise / std::f64::consts::LN_2 / rate)
        } else {
            // |f| p falls at its own rate, or does not fall.
            let own = rate - (f[0][k] / f[1][k]).abs().log2();
            if own > STEADY {
                far.exp() * f[0][k] / own
            } else {
                f64::INFINITY
            }
        };
    }
    Ok(Tail { mass, rate, upper })
}
