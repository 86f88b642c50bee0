//! Numbers as unevaluated sums of two doubles, about 106 bits: references for kernels in single doubles.

/// high + low, with |low| at most half a unit in the last place of high.
#[derive(Clone, Copy, Debug)]
pub struct Double {
    pub high: f64,
    pub low: f64,
}

pub const LN_2: Double = Double {
    high: std::f64::consts::LN_2,
    low: 2.319_046_813_846_299_6e-17,
};

impl From<f64> for Double {
    fn from(high: f64) -> Double {
        Double { high, low: 0.0 }
    }
}

/// Knuth: the rounded sum and what rounding took away.
fn exact_sum(a: f64, b: f64) -> Double {
    let high = a + b;
    let part = high - a;
    Double {
        high,
        low: (a - (high - part)) + (b - part),
    }
}

impl Double {
    pub fn plus(self, other: Double) -> Double {
        let high = exact_sum(self.high, other.high);
        let low = exact_sum(self.low, other.low);
        let sum = exact_sum(high.high, high.low + low.high);
        exact_sum(sum.high, sum.low + low.low)
    }

    pub fn negative(self) -> Double {
        Double {
            high: -self.high,
            low: -self.low,
        }
    }

    pub fn minus(self, other: Double) -> Double {
        self.plus(other.negative())
    }

    pub fn times(self, other: Double) -> Double {
        let high = self.high * other.high;
        let low = self.high.mul_add(other.high, -high);
        exact_sum(high, low + (self.high * other.low + self.low * other.high))
    }

    /// Long division, three quotients.
    pub fn over(self, other: Double) -> Double {
        let mut rest = self;
        let mut quotient = Double::from(0.0);
        for _ in 0..3 {
            let q = rest.high / other.high;
            rest = rest.minus(other.times(q.into()));
            quotient = quotient.plus(q.into());
        }
        quotient
    }

    /// exp, for arguments whose result is neither overflowing nor subnormal.
    pub fn exp(self) -> Double {
        let n = (self.high / LN_2.high).round();
        let r = self.minus(LN_2.times(n.into()));
        // exp r = (exp(r / 2^6))^(2^6)
        let r = r.times((1.0 / 64.0).into());
        let mut sum = Double::from(1.0);
        for k in (1..=16).rev() {
            sum = Double::from(1.0).plus(r.times(sum).over(f64::from(k).into()));
        }
        for _ in 0..6 {
            sum = sum.times(sum);
        }
        // In two steps, as 2^1024 is no double.
        let half = (0.5 * n).floor();
        let scale = |s: Double, n: f64| {
            let power = f64::from_bits(((n + 1023.0) as u64) << 52);
            Double {
                high: s.high * power,
                low: s.low * power,
            }
        };
        scale(scale(sum, half), n - half)
    }

    /// log of a number well inside the range of doubles, by two Newton steps on exp.
    pub fn ln(self) -> Double {
        let mut l = Double::from(self.high.ln());
        for _ in 0..2 {
            let error = self.times(l.negative().exp()).minus(1.0.into());
            l = l.plus(error.minus(error.times(error).times(0.5.into())));
        }
        l
    }
}

/// The distance of `got` from a reference in units of the reference's last place, subnormal ones included.
pub fn ulps(got: f64, want: Double) -> f64 {
    if got == want.high {
        return want.low.abs() / unit(want.high);
    }
    ((got - want.high) - want.low).abs() / unit(want.high)
}

fn unit(x: f64) -> f64 {
    let exponent = ((x.to_bits() >> 52) & 0x7ff) as i32;
    // 2^(exponent - 1023 - 52), subnormal where the exponent is small.
    2f64.powi((exponent - 1075).max(-1074) / 2)
        * 2f64.powi({
            let e = (exponent - 1075).max(-1074);
            e - e / 2
        })
}
