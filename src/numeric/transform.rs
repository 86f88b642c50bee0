//! Coordinates without bounds for numbers that have them.
//!
//! ```text
//! real      x = u                  dx/du = 1            d2x/du2 = 0
//! positive  x = e^u                dx/du = x            d2x/du2 = x
//! unit      x = 1/(1 + e^-u)       dx/du = x (1 - x)    d2x/du2 = x (1 - x) (1 - 2x)
//! ```
//!
//! They move an optimiser, not a density: no Jacobian is added, so the maximiser in u is that in x.

use super::link::sigmoid;

/// How a bounded number x is written by a free one, u.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Transform {
    /// x = u
    #[default]
    Identity,
    /// x > 0, u = log x
    Log,
    /// 0 < x < 1, u = log x - log(1 - x)
    Logit,
}

impl Transform {
    /// u of x. A number on a bound is taken as the next one inside, so that the result is finite.
    ///
    /// ```
    /// use pmc::numeric::transform::Transform;
    /// assert_eq!(Transform::Logit.free(0.5), 0.0);
    /// assert!(Transform::Log.free(0.0).is_finite());
    /// ```
    #[must_use]
    pub fn free(self, x: f64) -> f64 {
        match self {
            Transform::Identity => x,
            Transform::Log if x < f64::MIN_POSITIVE => f64::MIN_POSITIVE.ln(),
            Transform::Log => x.ln(),
            Transform::Logit => {
                let inside = x.clamp(f64::MIN_POSITIVE, 1.0 - 0.5 * f64::EPSILON);
                inside.ln() - (-inside).ln_1p()
            }
        }
    }

    /// x of u; on a bound, or infinite, where the number is too far out for a double.
    #[must_use]
    pub fn bounded(self, u: f64) -> f64 {
        match self {
            Transform::Identity => u,
            Transform::Log => u.exp(),
            Transform::Logit => sigmoid(u),
        }
    }

    /// dx/du and d2x/du2 where x is the image of u.
    #[must_use]
    pub fn slopes(self, u: f64) -> (f64, f64) {
        match self {
            Transform::Identity => (1.0, 0.0),
            Transform::Log => (u.exp(), u.exp()),
            Transform::Logit => {
                let (low, high) = (sigmoid(u), sigmoid(-u));
                (low * high, low * high * (high - low))
            }
        }
    }

    /// Whether x is strictly inside the bounds, and finite.
    #[must_use]
    pub fn inside(self, x: f64) -> bool {
        match self {
            Transform::Identity => x.is_finite(),
            Transform::Log => x > 0.0 && x.is_finite(),
            Transform::Logit => x > 0.0 && x < 1.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_goes_there_and_back() {
        for x in [1e-300, 1e-9, 0.1, 0.5, 0.9, 1.0 - 1e-9] {
            for t in [Transform::Identity, Transform::Log, Transform::Logit] {
                let back = t.bounded(t.free(x));
                assert!((back - x).abs() <= 1e-13 * x, "{t:?} {x} {back}");
                assert!(t.inside(x));
            }
        }
        assert!(!Transform::Logit.inside(1.0));
        assert!(!Transform::Log.inside(f64::INFINITY));
        assert!(!Transform::Identity.inside(f64::NAN));
        for t in [Transform::Log, Transform::Logit] {
            assert!(!t.inside(0.0));
            assert!(t.inside(t.bounded(t.free(0.0))));
        }
        assert!(Transform::Log.free(f64::NAN).is_nan() && Transform::Logit.free(f64::NAN).is_nan());
        assert!(Transform::Logit.inside(Transform::Logit.bounded(Transform::Logit.free(1.0))));
    }

    #[test]
    fn slopes_are_those_of_the_map() {
        for t in [Transform::Identity, Transform::Log, Transform::Logit] {
            for u in [-3.0, -0.4, 0.0, 1.3, 2.5] {
                let h = 1e-4;
                let (first, second) = t.slopes(u);
                let (up, at, down) = (t.bounded(u + h), t.bounded(u), t.bounded(u - h));
                assert!((first - (up - down) / (2.0 * h)).abs() < 1e-6 * (1.0 + first));
                assert!((second - (up - 2.0 * at + down) / (h * h)).abs() < 1e-5 * (1.0 + first));
            }
        }
    }
}
