//! Quantiles of a density from the masses of its panels; a uniform number gives a draw.

use super::rule::Panel;
use super::tail::Tail;
use super::{Quadrature, Support};

impl Quadrature {
    /// The x below which a part `probability` of the mass lies; `g` is the function that was integrated.
    ///
    /// A uniform number gives a draw.
    ///
    /// ```
    /// use pmc::numeric::quadrature::{Support, density};
    /// let g = |x: f64| -2.0 * x;
    /// let found = density(&g, Support::Positive, None, &[]).expect("is proper");
    /// assert!((found.quantile(&g, 0.75) - 0.5 * 4f64.ln()).abs() < 1e-10);
    /// ```
    #[must_use]
    pub fn quantile(&self, g: &dyn Fn(f64) -> f64, probability: f64) -> f64 {
        let tail = |i: usize| self.tails[i].map_or(0.0, |t| t.mass);
        let inside: f64 = self.masses.iter().map(|m| m.2).sum();
        let mut rest = probability.clamp(0.0, 1.0) * (tail(0) + inside + tail(1));
        if let Some(t) = self.tails[0]
            && rest < t.mass
        {
            return self.beyond(t, rest);
        }
        rest -= tail(0);
        for &(low, high, mass) in &self.masses {
            if rest <= mass {
                return self.map.x(self.within(g, low, high, rest, mass));
            }
            rest -= mass;
        }
        match (self.tails[1], self.masses.last()) {
            (Some(t), _) if t.mass > 0.0 => self.beyond(t, (t.mass - rest).max(0.0)),
            (_, Some(&(_, high, _))) => self.map.x(high),
            _ => self.mode,
        }
    }

    /// The point of a tail beyond which a mass lies.
    fn beyond(&self, tail: Tail, mass: f64) -> f64 {
        let points = self.map.support.tail(tail.upper);
        let shrink = (mass / tail.mass).ln() / tail.rate;
        match (self.map.support, tail.upper) {
            (Support::Unit, true) => 1.0 - (points.log_slopes[0] + shrink).exp(),
            (Support::Positive | Support::Unit, false) => {
                (points.log_slopes[0] + shrink).exp().max(f64::MIN_POSITIVE)
            }
            _ => (points.x[0] * (-shrink).exp()).clamp(-f64::MAX, f64::MAX),
        }
    }

    /// The s of a panel below which `mass` of its mass lies, by Newton steps in a bracket.
    fn within(&self, g: &dyn Fn(f64) -> f64, low: f64, high: f64, mass: f64, whole: f64) -> f64 {
        let at = |s: f64| {
            let p = (g(self.map.x(s)) + self.map.log_slope(s) - self.top).exp();
            if p.is_finite() { p } else { 0.0 }
        };
        let (mut from, mut to) = (low, high);
        let mut s = low + (high - low) * if whole > 0.0 { mass / whole } else { 0.5 };
        for _ in 0..60 {
            let below = Panel::new(low, s, 1, &mut |v, out| out[0] = at(v)).integral[0];
            let excess = below - mass;
            if excess > 0.0 {
                to = s
            } else {
                from = s
            }
            let newton = s - excess / at(s);
            let next = if newton > from && newton < to {
                newton
            } else {
                0.5 * (from + to)
            };
            if (next - s).abs() <= 1e-14 * s.abs().max(1e-3) {
                return next;
            }
            s = next;
        }
        s
    }
}
