//! Scalar functions of a predictor as they stand in log densities: value, first and second derivative.
//!
//! ```text
//! softplus x       = log(1 + e^x)          s = 1/(1 + e^-x)              s (1 - s)
//! log Phi(x)                               r = phi(x) / Phi(x)           -r (x + r)
//! log cosh(x/2)                            tanh(x/2) / 2                 1 / (4 cosh^2(x/2))
//! tanh(x/2)/(2x)   the mean of a Polya-Gamma PG(1, x)
//! log Gamma(x), x log x, log x, 1/x, sqrt x, e^x, |x|
//! log sum_i e^(x_i)                        softmax(x)
//! ```
//!
//! phi and Phi are the density and the distribution function of a standard normal, r its inverse Mills ratio. In the far
//! left tail x + r cancels; it is the mean excess of [`super::half_normal`], which does not. At an infinity each function
//! has its limit; outside its domain it is NaN. Abramowitz & Stegun, chapters 4, 6, 7; Polson, Scott & Windle (2013).

use super::half_normal::excess;
use super::logsumexp::softmax_in_place;
use super::special::{digamma, erfcx, ln_gamma, log_erfc, trigamma};
use std::f64::consts::{FRAC_1_SQRT_2, LN_2, PI};

/// A function of one predictor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Link {
    /// log(1 + e^x), the negative log of a Bernoulli's probability of zero under a logit x.
    Softplus,
    /// e^x
    Exp,
    /// log Phi(x), the log of a probit.
    LogNormalCdf,
    /// log cosh(x/2), the even part of the softplus.
    LogCosh,
    /// tanh(x/2)/(2x), even; 1/4 at 0.
    PolyaGammaMean,
    /// log Gamma(x)
    LnGamma,
    /// log x
    Log,
    /// x log x; 0 at 0.
    XLogX,
    /// 1/x
    Reciprocal,
    /// The square root.
    Sqrt,
    /// |x|; the derivative at 0 is given as 0.
    Abs,
}

/// Where a link is defined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Domain {
    /// Every real number.
    Real,
    /// Positive numbers; the values at 0 are limits.
    Positive,
}

impl Link {
    /// Every link.
    pub const ALL: &[Link] = &[
        Link::Softplus,
        Link::Exp,
        Link::LogNormalCdf,
        Link::LogCosh,
        Link::PolyaGammaMean,
        Link::LnGamma,
        Link::Log,
        Link::XLogX,
        Link::Reciprocal,
        Link::Sqrt,
        Link::Abs,
    ];

    /// Its name in a file.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Link::Softplus => "softplus",
            Link::Exp => "exp",
            Link::LogNormalCdf => "log_normal_cdf",
            Link::LogCosh => "log_cosh",
            Link::PolyaGammaMean => "polya_gamma_mean",
            Link::LnGamma => "lgamma",
            Link::Log => "log",
            Link::XLogX => "x_log_x",
            Link::Reciprocal => "reciprocal",
            Link::Sqrt => "sqrt",
            Link::Abs => "abs",
        }
    }

    /// Where the function is defined.
    #[must_use]
    pub fn domain(self) -> Domain {
        match self {
            Link::Softplus
            | Link::Exp
            | Link::LogNormalCdf
            | Link::LogCosh
            | Link::PolyaGammaMean
            | Link::Abs => Domain::Real,
            Link::LnGamma | Link::Log | Link::XLogX | Link::Reciprocal | Link::Sqrt => {
                Domain::Positive
            }
        }
    }

    /// Whether x is a number outside the domain or none.
    fn outside(self, x: f64) -> bool {
        x.is_nan() || (self.domain() == Domain::Positive && x < 0.0)
    }

    /// The function at x.
    ///
    /// ```
    /// use pmc::numeric::link::Link;
    /// assert_eq!(Link::Softplus.value(0.0), 2f64.ln());
    /// assert_eq!(Link::Softplus.value(1e4), 1e4);
    /// ```
    #[must_use]
    pub fn value(self, x: f64) -> f64 {
        if self.outside(x) {
            return f64::NAN;
        }
        match self {
            Link::Softplus => x.max(0.0) + (-x.abs()).exp().ln_1p(),
            Link::Exp => x.exp(),
            Link::LogNormalCdf if x < 0.0 => log_erfc(-x * FRAC_1_SQRT_2) - LN_2,
            Link::LogNormalCdf => (-upper_tail(x)).ln_1p(),
            Link::LogCosh => {
                // log cosh = log(1 + sinh^2) / 2, which keeps the digits of x^2/8 near 0.
                let a = 0.5 * x.abs();
                if a < 1.0 {
                    0.5 * a.sinh().powi(2).ln_1p()
                } else {
                    a + (-2.0 * a).exp().ln_1p() - LN_2
                }
            }
            Link::PolyaGammaMean => polya_gamma_mean(x)[0],
            Link::LnGamma => ln_gamma(x),
            Link::Log => x.ln(),
            Link::XLogX if x == 0.0 => 0.0,
            Link::XLogX => x * x.ln(),
            // The domain ends at 0 from above, also for a zero that carries a minus sign.
            Link::Reciprocal => 1.0 / x.abs(),
            Link::Sqrt => x.sqrt(),
            Link::Abs => x.abs(),
        }
    }

    /// The first derivative at x.
    #[must_use]
    pub fn derivative(self, x: f64) -> f64 {
        if self.outside(x) {
            return f64::NAN;
        }
        match self {
            Link::Softplus => sigmoid(x),
            Link::Exp => x.exp(),
            Link::LogNormalCdf => inverse_mills(x),
            Link::LogCosh => 0.5 * (0.5 * x).tanh(),
            Link::PolyaGammaMean => polya_gamma_mean(x)[1],
            Link::LnGamma => digamma(x.abs()),
            Link::Log => 1.0 / x.abs(),
            Link::XLogX => 1.0 + x.ln(),
            Link::Reciprocal => -1.0 / x.abs() / x.abs(),
            Link::Sqrt => 0.5 / x.abs().sqrt(),
            Link::Abs if x == 0.0 => 0.0,
            Link::Abs => x.signum(),
        }
    }

    /// The second derivative at x.
    #[must_use]
    pub fn second(self, x: f64) -> f64 {
        if self.outside(x) {
            return f64::NAN;
        }
        match self {
            Link::Softplus | Link::LogCosh => sigmoid(x) * sigmoid(-x),
            Link::Exp => x.exp(),
            Link::LogNormalCdf => {
                // r (x + r), each factor accurate where it is small.
                if x == f64::NEG_INFINITY {
                    -1.0
                } else if x < 0.0 {
                    let over = excess(-x).mean;
                    -(over - x) * over
                } else {
                    let r = inverse_mills(x);
                    if r == 0.0 { 0.0 } else { -r * (x + r) }
                }
            }
            Link::PolyaGammaMean => polya_gamma_mean(x)[2],
            Link::LnGamma => trigamma(x.abs()),
            Link::Log => -1.0 / x.abs() / x.abs(),
            Link::XLogX => 1.0 / x.abs(),
            Link::Reciprocal => 2.0 / x.abs() / x.abs() / x.abs(),
            Link::Sqrt => -0.25 / x.abs() / x.abs().sqrt(),
            Link::Abs => 0.0,
        }
    }
}

/// 1/(1 + e^-x), with the digits of e^x where that is small.
///
/// ```
/// assert_eq!(pmc::numeric::link::sigmoid(-700.0), (-700f64).exp());
/// ```
#[must_use]
pub fn sigmoid(x: f64) -> f64 {
    let small = (-x.abs()).exp();
    if x < 0.0 {
        small / (1.0 + small)
    } else {
        1.0 / (1.0 + small)
    }
}

/// log sum exp of x, its gradient (the softmax) written to `gradient`, which has the length of x.
///
/// ```
/// let mut softmax = [0.0; 2];
/// let value = pmc::numeric::link::log_sum_exp(&[1e4, 1e4], &mut softmax);
/// assert_eq!(value, 1e4 + 2f64.ln());
/// assert_eq!(softmax, [0.5, 0.5]);
/// ```
pub fn log_sum_exp(x: &[f64], gradient: &mut [f64]) -> f64 {
    gradient.copy_from_slice(x);
    softmax_in_place(gradient)
}

/// The mass of a standard normal above x >= 0. The rounding of x^2 is put back, for at x = 37 it costs three digits.
fn upper_tail(x: f64) -> f64 {
    let tail = 0.5 * erfcx(x * FRAC_1_SQRT_2) * gaussian(x);
    if tail.is_nan() { 0.0 } else { tail }
}

/// exp(-x^2/2).
fn gaussian(x: f64) -> f64 {
    if x.abs() > 1e3 {
        return 0.0;
    }
    let square = x * x;
    let rest = x.mul_add(x, -square);
    (-0.5 * square).exp() * (1.0 - 0.5 * rest)
}

/// phi(x)/Phi(x), the inverse Mills ratio; asymptotically -x on the left.
fn inverse_mills(x: f64) -> f64 {
    if x < 0.0 {
        (2.0 / PI).sqrt() / erfcx(-x * FRAC_1_SQRT_2)
    } else {
        gaussian(x) / (2.0 * PI).sqrt() / (1.0 - upper_tail(x))
    }
}

/// tanh(x/2)/(2x) with two derivatives.
fn polya_gamma_mean(x: f64) -> [f64; 3] {
    // tanh y = sum_k c_k y^(2k+1): at |y| < 1/4 the first omitted term is below 1e-17 of the sum, derivatives included.
    const C: [f64; 11] = [
        1.0,
        -1.0 / 3.0,
        2.0 / 15.0,
        -17.0 / 315.0,
        62.0 / 2835.0,
        -1382.0 / 155_925.0,
        21_844.0 / 6_081_075.0,
        -929_569.0 / 638_512_875.0,
        6_404_582.0 / 10_854_718_875.0,
        -443_861_162.0 / 1_856_156_927_625.0,
        18_888_466_084.0 / 194_896_477_400_625.0,
    ];
    if x.abs() < 0.5 {
        // tanh(y)/(4 y) as a function of z = y^2, dz/dx = x/2.
        let z = 0.25 * x * x;
        let (mut value, mut first, mut second) = (0.0, 0.0, 0.0);
        for (k, c) in C.iter().enumerate().rev() {
            let n = k as f64;
            value = value * z + c;
            if k >= 1 {
                first = first * z + n * c;
            }
            if k >= 2 {
                second = second * z + n * (n - 1.0) * c;
            }
        }
        [
            0.25 * value,
            0.125 * x * first,
            0.125 * first + 0.0625 * x * x * second,
        ]
    } else {
        let t = (0.5 * x).tanh();
        let s = 4.0 * sigmoid(x) * sigmoid(-x); // 1 - t^2
        [
            0.5 * t / x,
            0.25 * s / x - 0.5 * t / x / x,
            -0.25 * t * s / x - 0.5 * s / x / x + t / x / x / x,
        ]
    }
}

#[cfg(test)]
mod tests;
