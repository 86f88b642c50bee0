//! The tail of a normal density beyond a point: log mass and moments of the excess, accurate far into both tails.
//!
//! ```text
//! y >= 0 with density exp(-y^2/2 - u y) / Z,  that is z - u for a standard normal z given z > u
//! Z = sqrt(pi/2) erfcx(u / sqrt 2)      E[y] = 1/Z - u      E[y^2] = 1 - u E[y]
//! E[y] = 1/(u + 2/(u + 3/(u + ...))),   u > 0           (Laplace's continued fraction)
//! ```
//!
//! The differences cancel for large u; the fraction is a quotient of sums of positive numbers and does not.

use super::special::{erfcx, log_erfcx};
use std::f64::consts::{FRAC_1_SQRT_2, LN_2, PI};

/// Log mass and moments of the excess.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Excess {
    /// log Z
    pub log_mass: f64,
    /// `E[y]`
    pub mean: f64,
    /// `E[y^2]`
    pub second: f64,
}

/// The excess of a standard normal over u.
#[must_use]
pub fn excess(u: f64) -> Excess {
    let log_mass = log_erfcx(u * FRAC_1_SQRT_2) + 0.5 * (PI.ln() - LN_2);
    let (mean, second) = if u < 2.0 {
        // Z as sqrt(pi/2) erfcx; infinite far on the left, where 1/Z = 0.
        let mean = 1.0 / ((0.5 * PI).sqrt() * erfcx(u * FRAC_1_SQRT_2)) - u;
        (mean, 1.0 - u * mean)
    } else {
        // From u = 2 on, 200 levels leave an error below 1e-17; the further out, the fewer are needed.
        let levels = (800.0 / (u * u)).clamp(12.0, 200.0) as u32;
        let mut tail = u;
        for k in (3..levels + 3).rev() {
            tail = u + f64::from(k) / tail;
        }
        let rest = 2.0 / tail;
        let mean = 1.0 / (u + rest);
        (mean, rest * mean)
    };
    Excess {
        log_mass,
        mean,
        second,
    }
}

/// The half line h >= 0 with log density -a h^2/2 - k h - log Z: log Z, `E[h]`, `E[h^2]`. None if it has no finite mass.
///
/// For a = 0 this is the exponential with rate k.
#[must_use]
pub fn half_line(a: f64, k: f64) -> Option<Excess> {
    if a > 0.0 && a.is_finite() && k.is_finite() {
        let root = a.sqrt();
        let y = excess(k / root);
        Some(Excess {
            log_mass: y.log_mass - root.ln(),
            mean: y.mean / root,
            second: y.second / root / root,
        })
    } else if a == 0.0 && k > 0.0 && k.is_finite() {
        Some(Excess {
            log_mass: -k.ln(),
            mean: 1.0 / k,
            second: 2.0 / k / k,
        })
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // (u, log Z, E[y], E[y^2]): mpmath at 60 digits, by quadrature of the definition.
    #[rustfmt::skip]
    const TABLE: &[(f64, f64, f64, f64)] = &[
        (-100000.0, 5000000000.918939, 100000.0, 10000000001.0),
        (-300.0, 45000.91893853321, 300.0, 90001.0),
        (-40.0, 800.9189385332047, 40.0, 1601.0),
        (-8.0, 32.918938533204674, 8.000000000000005, 65.00000000000004),
        (-2.0, 2.8959256238757094, 2.05524786267899, 5.11049572535798),
        (-0.5, 0.6749921179160163, 1.0091604338370335, 1.5045802169185167),
        (0.0, 0.22579135264472744, 0.7978845608028654, 1.0),
        (0.3, 0.0018357150358220818, 0.6981659688584834, 0.790550209342455),
        (1.0, -0.42208311180459074, 0.5251352761609812, 0.4748647238390188),
        (1.999, -0.8638725277950919, 0.3733298416077571, 0.25371364662609347),
        (2.0, -0.8642458004773592, 0.37321553282284087, 0.25356893435431827),
        (2.5, -1.0377097440740177, 0.32274479766390723, 0.19313800584023189),
        (3.0, -1.1887876883056767, 0.2830986549304365, 0.15070403520869047),
        (5.0, -1.646059860784053, 0.1865039671258421, 0.06748016437078942),
        (9.0, -2.2092105801274426, 0.1085231050028688, 0.02329205497418082),
        (15.0, -2.7124463125070224, 0.06608682716782203, 0.008697592482669474),
        (40.0, -3.6895034805491154, 0.024968847207263722, 0.0012461117094510702),
        (300.0, -5.703793585458687, 0.0033332592633741475, 2.2220987755819144e-05),
        (100000.0, -11.512925465070229, 9.999999998e-06, 1.999999999e-10),
        (100000000.0, -18.420680743952367, 9.999999999999999e-09, 1.999999999999999e-16),
    ];

    #[test]
    fn moments_keep_twelve_digits_in_both_tails() {
        for &(u, log_mass, mean, second) in TABLE {
            let got = excess(u);
            for (name, a, b) in [
                ("log mass", got.log_mass, log_mass),
                ("mean", got.mean, mean),
                ("second", got.second, second),
            ] {
                assert!(
                    (a - b).abs() <= 1e-12 * b.abs(),
                    "{name} at {u}: {a:e}, {b:e}"
                );
            }
        }
    }

    #[test]
    fn a_vanishing_quadratic_is_an_exponential() {
        let limit = half_line(0.0, 3.0).unwrap();
        let near = half_line(1e-14, 3.0).unwrap();
        assert!((limit.log_mass - near.log_mass).abs() < 1e-12);
        assert!((limit.mean - near.mean).abs() < 1e-12);
        assert!((limit.second - near.second).abs() < 1e-12);
        assert!(half_line(0.0, 0.0).is_none());
        assert!(half_line(-1.0, 5.0).is_none());
        assert!(half_line(f64::NAN, 5.0).is_none());
    }
}
