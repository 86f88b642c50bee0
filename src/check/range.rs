//! Ranges of numbers: what signs and types say about an expression (language rule 14).
//!
//! in: the ranges of the parts -> out: the range of the whole, never too small.
//!
//! A range has a least and a greatest bound, each included or not, and knows whether all its numbers are whole.

/// One end of a range.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Bound {
    /// The number; infinite bounds are never included.
    pub at: f64,
    /// The number itself is outside.
    pub open: bool,
}

/// The numbers between two bounds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Range {
    pub low: Bound,
    pub high: Bound,
    /// Whole numbers only.
    pub whole: bool,
}

impl Bound {
    const fn new(at: f64, open: bool) -> Self {
        Bound { at, open }
    }

    /// The product of two ends: 0 is reached as soon as one of the factors is an included 0.
    fn times(self, other: Bound) -> Bound {
        let zero = (self.at == 0.0 && !self.open) || (other.at == 0.0 && !other.open);
        if zero {
            return Bound::new(0.0, false);
        }
        let at = if self.at == 0.0 || other.at == 0.0 {
            0.0
        } else {
            self.at * other.at
        };
        Bound::new(at, self.open || other.open)
    }
}

impl Range {
    pub(super) const REAL: Range = Range::open(f64::NEG_INFINITY, f64::INFINITY);
    pub(super) const POSITIVE: Range = Range::open(0.0, f64::INFINITY);
    pub(super) const NON_NEGATIVE: Range = Range {
        low: Bound::new(0.0, false),
        high: Bound::new(f64::INFINITY, true),
        whole: false,
    };
    pub(super) const PROBABILITY: Range = Range::closed(0.0, 1.0);
    pub(super) const COUNT: Range = Range {
        whole: true,
        ..Range::NON_NEGATIVE
    };
    pub(super) const BINARY: Range = Range {
        whole: true,
        ..Range::PROBABILITY
    };

    const fn open(low: f64, high: f64) -> Self {
        Range {
            low: Bound::new(low, true),
            high: Bound::new(high, true),
            whole: false,
        }
    }

    /// From `low` to `high`, both included.
    pub(super) const fn closed(low: f64, high: f64) -> Self {
        Range {
            low: Bound::new(low, false),
            high: Bound::new(high, false),
            whole: false,
        }
    }

    /// One number.
    pub(super) fn point(v: f64) -> Self {
        if v.is_nan() {
            return Range::REAL;
        }
        Range {
            whole: v.fract() == 0.0,
            ..Range::closed(v, v)
        }
    }

    /// The number, if there is only one.
    fn single(self) -> Option<f64> {
        (self.low.at == self.high.at && !self.low.open).then_some(self.low.at)
    }

    /// The smallest range that holds both.
    pub(super) fn hull(self, other: Range) -> Range {
        Range {
            low: lower(self.low, other.low),
            high: higher(self.high, other.high),
            whole: self.whole && other.whole,
        }
    }

    /// All numbers of this are in `other`.
    pub(super) fn inside(self, other: Range) -> bool {
        let low = self.low.at > other.low.at
            || self.low.at == other.low.at && (self.low.open || !other.low.open);
        let high = self.high.at < other.high.at
            || self.high.at == other.high.at && (self.high.open || !other.high.open);
        low && high && (self.whole || !other.whole)
    }

    /// No number of this is in `other`.
    pub(super) fn outside(self, other: Range) -> bool {
        let apart = |high: Bound, low: Bound| {
            high.at < low.at || high.at == low.at && (high.open || low.open)
        };
        let fraction = other.whole && self.single().is_some_and(|v| v.fract() != 0.0);
        apart(self.high, other.low) || apart(other.high, self.low) || fraction
    }

    pub(super) fn negate(self) -> Range {
        Range {
            low: Bound::new(-self.high.at, self.high.open),
            high: Bound::new(-self.low.at, self.low.open),
            whole: self.whole,
        }
    }

    pub(super) fn add(self, other: Range) -> Range {
        let plus = |a: Bound, b: Bound| Bound::new(a.at + b.at, a.open || b.open);
        Range {
            low: plus(self.low, other.low),
            high: plus(self.high, other.high),
            whole: self.whole && other.whole,
        }
    }

    pub(super) fn multiply(self, other: Range) -> Range {
        let ends = [
            self.low.times(other.low),
            self.low.times(other.high),
            self.high.times(other.low),
            self.high.times(other.high),
        ];
        let mut range = Range {
            low: ends.into_iter().reduce(lower).unwrap_or(Range::REAL.low),
            high: ends.into_iter().reduce(higher).unwrap_or(Range::REAL.high),
            whole: self.whole && other.whole,
        };
        // A zero inside one factor is a zero of the product, though no end shows it.
        let zero = |r: Range| !r.outside(Range::closed(0.0, 0.0));
        if zero(self) || zero(other) {
            range = range.hull(Range {
                whole: range.whole,
                ..Range::closed(0.0, 0.0)
            });
        }
        range
    }

    pub(super) fn divide(self, other: Range) -> Range {
        let quotient = if other.low.at >= 0.0 {
            self.multiply(reciprocal(other))
        } else if other.high.at <= 0.0 {
            self.negate().multiply(reciprocal(other.negate()))
        } else {
            Range::REAL
        };
        Range {
            whole: false,
            ..quotient
        }
    }

    pub(super) fn power(self, exponent: Range) -> Range {
        let Some(k) = exponent.single() else {
            return if self.low.at > 0.0 || self.low.at == 0.0 && self.low.open {
                Range::POSITIVE
            } else if self.low.at >= 0.0 {
                Range::NON_NEGATIVE
            } else {
                Range::REAL
            };
        };
        if k == 0.0 {
            return Range::point(1.0);
        }
        let whole = self.whole && k > 0.0 && k.fract() == 0.0;
        let base = if k % 2.0 == 0.0 { self.abs() } else { self };
        let raise = |r: Range| {
            let end = |b: Bound| Bound::new(b.at.powf(k.abs()), b.open);
            let raised = Range {
                low: end(r.low),
                high: end(r.high),
                whole: false,
            };
            if k < 0.0 { reciprocal(raised) } else { raised }
        };
        let range = if base.low.at >= 0.0 {
            raise(base)
        } else if k.fract() == 0.0 && base.high.at <= 0.0 {
            raise(base.negate()).negate()
        } else if k.fract() == 0.0 && k > 0.0 {
            let end = |b: Bound| Bound::new(b.at.signum() * b.at.abs().powf(k), b.open);
            Range {
                low: end(base.low),
                high: end(base.high),
                whole: false,
            }
        } else {
            Range::REAL
        };
        Range { whole, ..range }
    }

    pub(super) fn exp(self) -> Range {
        let low = Bound::new(self.low.at.exp(), self.low.open);
        let high = Bound::new(self.high.at.exp(), self.high.open);
        Range {
            low,
            high,
            whole: false,
        }
    }

    pub(super) fn log(self) -> Range {
        let end = |b: Bound| Bound::new(b.at.max(0.0).ln(), b.open || b.at <= 0.0);
        Range {
            low: end(self.low),
            high: end(self.high),
            whole: false,
        }
    }

    pub(super) fn sqrt(self) -> Range {
        let end = |b: Bound| Bound::new(b.at.max(0.0).sqrt(), b.open && b.at >= 0.0);
        Range {
            low: end(self.low),
            high: end(self.high),
            whole: false,
        }
    }

    pub(super) fn abs(self) -> Range {
        if self.low.at >= 0.0 {
            self
        } else if self.high.at <= 0.0 {
            self.negate()
        } else {
            Range {
                low: Bound::new(0.0, false),
                high: higher(self.high, self.negate().high),
                whole: self.whole,
            }
        }
    }

    /// The sum of one or more numbers of this range; `empty` says that it may also be of none.
    pub(super) fn sum(self, empty: bool) -> Range {
        let mut low = self.low;
        let mut high = self.high;
        if low.at < 0.0 {
            low = Range::REAL.low;
        }
        if high.at > 0.0 {
            high = Range::REAL.high;
        }
        let sum = Range {
            low,
            high,
            whole: self.whole,
        };
        if empty {
            sum.hull(Range::point(0.0))
        } else {
            sum
        }
    }
}

/// 1 / r for r at or above 0; division by 0 itself does not occur.
fn reciprocal(r: Range) -> Range {
    let low = if r.high.at.is_infinite() {
        Bound::new(0.0, true)
    } else {
        Bound::new(1.0 / r.high.at, r.high.open)
    };
    let high = if r.low.at == 0.0 {
        Bound::new(f64::INFINITY, true)
    } else {
        Bound::new(1.0 / r.low.at, r.low.open)
    };
    Range {
        low,
        high,
        whole: false,
    }
}

fn lower(a: Bound, b: Bound) -> Bound {
    if a.at < b.at || a.at == b.at && !a.open {
        a
    } else {
        b
    }
}

fn higher(a: Bound, b: Bound) -> Bound {
    if a.at > b.at || a.at == b.at && !a.open {
        a
    } else {
        b
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sample points of a range, its included ends among them.
    fn points(r: Range) -> Vec<f64> {
        let mut found: Vec<f64> = [-7.0, -2.5, -1.0, -0.25, 0.0, 0.25, 0.5, 1.0, 3.0, 8.0]
            .into_iter()
            .filter(|v| Range::closed(*v, *v).inside(Range { whole: false, ..r }))
            .filter(|v| !r.whole || v.fract() == 0.0)
            .collect();
        found.extend([r.low, r.high].iter().filter(|b| !b.open).map(|b| b.at));
        found
    }

    /// Ends are computed with rounding, so that a value may lie a few units outside.
    fn holds(r: Range, v: f64) -> bool {
        let near = [1.0, 1.0 + 1e-12, 1.0 - 1e-12];
        v.is_nan()
            || v.is_infinite()
            || near
                .iter()
                .any(|n| Range::point(v * n).inside(Range { whole: false, ..r }))
                && (!r.whole || v.fract() == 0.0)
    }

    #[test]
    fn results_hold_all_values_of_sampled_operands() {
        let ranges = [
            Range::REAL,
            Range::POSITIVE,
            Range::NON_NEGATIVE,
            Range::PROBABILITY,
            Range::COUNT,
            Range::BINARY,
            Range::point(2.0),
            Range::point(-3.0),
            Range::closed(-2.5, 3.0),
            Range::POSITIVE.negate(),
        ];
        for a in ranges {
            for x in points(a) {
                assert!(holds(a.negate(), -x));
                assert!(holds(a.exp(), x.exp()), "{a:?} {x}");
                assert!(holds(a.abs(), x.abs()));
                assert!(holds(a.log(), x.ln()));
                assert!(holds(a.sqrt(), x.sqrt()));
                for k in [-2.0, -1.0, 0.5, 1.0, 2.0, 3.0] {
                    assert!(
                        holds(a.power(Range::point(k)), x.powf(k)),
                        "{a:?} {x} ^ {k}"
                    );
                }
                assert!(holds(a.sum(false), x + x + x));
            }
            for b in ranges {
                for (x, y) in points(a)
                    .into_iter()
                    .flat_map(|x| points(b).into_iter().map(move |y| (x, y)))
                {
                    assert!(holds(a.add(b), x + y));
                    assert!(holds(a.multiply(b), x * y), "{a:?} {b:?} {x} {y}");
                    assert!(y == 0.0 || holds(a.divide(b), x / y), "{a:?} {b:?} {x} {y}");
                }
            }
        }
    }

    #[test]
    fn signs_of_common_arguments_are_seen() {
        let p = Range::POSITIVE;
        assert!(p.multiply(p).inside(p));
        assert!(Range::point(1.0).divide(p).inside(p));
        assert!(Range::REAL.exp().inside(p));
        assert!(p.power(Range::point(-0.5)).inside(p));
        assert!(p.add(Range::REAL.power(Range::point(2.0))).inside(p));
        assert!(
            Range::point(1.0)
                .add(Range::PROBABILITY.negate())
                .inside(Range::PROBABILITY)
        );
        assert!(p.multiply(p).sum(false).inside(p));
        assert!(!Range::REAL.power(Range::point(2.0)).inside(p));
        assert!(!p.add(p.negate()).inside(p));
        assert!(Range::point(-1.0).outside(p));
        assert!(Range::point(0.5).outside(Range::COUNT));
        assert!(!Range::REAL.outside(p));
    }
}
