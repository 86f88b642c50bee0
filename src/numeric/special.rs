//! Gamma-type and error-type functions of one real argument.
//!
//! ```text
//! log Gamma_d(a) = d (d-1)/4 log pi + sum_i log Gamma(a - i/2)      i = 0 .. d-1
//! erfc(x) = 2/sqrt(pi) int_x^inf exp(-t^2) dt        erfcx(x) = exp(x^2) erfc(x)
//! ```
//!
//! Abramowitz & Stegun, chapters 6 and 7. Outside its domain a function returns NaN or an infinity as stated; it never
//! panics.

use special::{Error, Gamma};
use std::f64::consts::{LN_2, PI};

const FRAC_1_SQRT_PI: f64 = 0.564_189_583_547_756_3;

/// log Gamma(x) for x > 0; infinite at 0.
///
/// ```
/// assert!((pmc::numeric::special::ln_gamma(5.0) - 24f64.ln()).abs() < 1e-14);
/// ```
#[must_use]
pub fn ln_gamma(x: f64) -> f64 {
    Gamma::ln_gamma(x).0
}

/// The derivative of log Gamma for x > 0; minus infinity at 0, NaN below.
#[must_use]
pub fn digamma(x: f64) -> f64 {
    super::vector::portable_digamma(x)
}

/// The second derivative of log Gamma for x > 0; infinite at 0, NaN below.
#[must_use]
pub fn trigamma(x: f64) -> f64 {
    if x > 0.0 {
        Gamma::trigamma(&x)
    } else if x == 0.0 {
        f64::INFINITY
    } else {
        f64::NAN
    }
}

/// log of the multivariate gamma function, for a > (d - 1) / 2.
#[must_use]
pub fn multivariate_ln_gamma(a: f64, d: usize) -> f64 {
    let n = d as f64;
    let sum: f64 = (0..d).map(|i| ln_gamma(a - 0.5 * i as f64)).sum();
    sum + 0.25 * n * (n - 1.0) * PI.ln()
}

/// The derivative of [`multivariate_ln_gamma`] in a.
#[must_use]
pub fn multivariate_digamma(a: f64, d: usize) -> f64 {
    (0..d).map(|i| digamma(a - 0.5 * i as f64)).sum()
}

/// The scaled complementary error function exp(x^2) erfc(x); overflows to infinity below -26.6.
///
/// ```
/// assert!((pmc::numeric::special::erfcx(1.0) - 0.427_583_576_155_807_0).abs() < 1e-15);
/// ```
#[must_use]
pub fn erfcx(x: f64) -> f64 {
    if x < 20.0 {
        let (square, rest) = exact_square(x);
        square.exp() * (1.0 + rest) * x.compl_error()
    } else {
        // Asymptotic in 1 / (2 x^2) <= 1/800: the first omitted term is below 1e-18.
        let t = 0.5 / (x * x);
        let mut series = 1.0;
        for k in (1..=8).rev() {
            series = 1.0 - f64::from(2 * k - 1) * t * series;
        }
        FRAC_1_SQRT_PI / x * series
    }
}

/// log erfc(x), without underflow.
#[must_use]
pub fn log_erfc(x: f64) -> f64 {
    if x < 0.5 {
        (-x.error()).ln_1p()
    } else if x < 20.0 {
        x.compl_error().ln()
    } else {
        erfcx(x).ln() - x * x
    }
}

/// log erfcx(x), without overflow.
#[must_use]
pub fn log_erfcx(x: f64) -> f64 {
    if x < -20.0 {
        // erfc is 2 to the last digit.
        x * x + LN_2
    } else if x < 0.5 {
        x * x + (-x.error()).ln_1p()
    } else {
        erfcx(x).ln()
    }
}

/// x^2 as a rounded product and what rounding took away.
fn exact_square(x: f64) -> (f64, f64) {
    let square = x * x;
    (square, x.mul_add(x, -square))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(got: f64, want: f64, tolerance: f64, what: &str) {
        assert!(
            got == want || (got - want).abs() <= tolerance * want.abs(),
            "{what}: {got:e} is not {want:e}"
        );
    }

    // Forty-digit values of mpmath: erfc(x), exp(x^2) erfc(x), log erfc(x), log(exp(x^2) erfc(x)).
    #[rustfmt::skip]
    const ERROR: &[(f64, f64, f64, f64)] = &[
        (-1000000.0, f64::INFINITY, LN_2, 1000000000000.6931),
        (-300.0, f64::INFINITY, LN_2, 90000.69314718056),
        (-26.0, 7.657724931490568e+293, LN_2, 676.6931471805599),
        (-20.5, 6.50557990548002e+182, LN_2, 420.94314718055995),
        (-19.9, 1.9319139309186497e+172, LN_2, 396.7031471805599),
        (-6.0, 8622463094230390.0, LN_2, 36.69314718055995),
        (-3.0, 16205.988853999586, 0.6931361352504468, 9.693136135250446),
        (-1.0, 5.008980080762283, 0.6112323176780705, 1.6112323176780705),
        (-0.5, 1.952360489182557, 0.41903914777555956, 0.6690391477755596),
        (-0.1, 1.1236433541992095, 0.10657640058652249, 0.1165764005865225),
        (-0.001, 1.0011293799198486, 0.0011277426501148766, 0.0011287426501148765),
        (-1e-08, 1.0000000112837917, 1.1283791607293149e-08, 1.1283791707293149e-08),
        (-1e-300, 1.0, 1.1283791670955126e-300, 1.1283791670955126e-300),
        (1e-300, 1.0, -1.1283791670955126e-300, -1.1283791670955126e-300),
        (1e-12, 0.9999999999988716, -1.1283791670961491e-12, -1.1283791670951493e-12),
        (1e-05, 0.9999887163083283, -1.1283855333035136e-05, -1.1283755333035136e-05),
        (0.01, 0.9888154610463425, -0.011347556229491487, -0.011247556229491487),
        (0.1, 0.8964569799691267, -0.11930497373739561, -0.1093049737373956),
        (0.3, 0.7345993345676551, -0.39843005144008525, -0.3084300514400853),
        (0.499, 0.616203392583896, -0.7331791871808859, -0.4841781871808859),
        (0.5, 0.6156903441929259, -0.7350111298370844, -0.4850111298370844),
        (0.7, 0.525930337349441, -1.1325865135143411, -0.6425865135143413),
        (0.9, 0.456531651323117, -1.5940972465793173, -0.7840972465793173),
        (1.0, 0.427583576155807, -1.8496055099332482, -0.8496055099332482),
        (1.2, 0.37853741692923976, -2.4114403551669295, -0.9714403551669297),
        (1.7, 0.2916632970753435, -4.122155234243904, -1.2321552342439042),
        (2.0, 0.25539567631050575, -5.364941264616638, -1.3649412646166377),
        (3.0, 0.17900115118138996, -10.720363041981113, -1.7203630419811127),
        (5.0, 0.11070463773306863, -27.200889545537436, -2.2008895455374344),
        (8.0, 0.06998516620088092, -66.65947197080516, -2.6594719708051615),
        (13.0, 0.043271921864609694, -172.14025131009475, -3.140251310094765),
        (19.99, 0.028188407919037515, -403.1689444522499, -3.568844452249943),
        (20.0, 0.02817434874105132, -403.56934333410425, -3.569343334104235),
        (20.01, 0.028160303563002958, -403.9699419678143, -3.569841967814214),
        (25.0, 0.02254957243264136, -628.7920391740716, -3.7920391740716854),
        (26.5, 0.021275046685371106, -706.100220410148, -3.850220410148087),
        (40.0, 0.014100335983377814, -1604.2615566532736, -4.261556653273556),
        (1000.0, 0.0005641893014533876, -1000007.4801207219, -7.4801207219062125),
        (1000000.0, 5.641895835474742e-07, -1000000000014.3878, -14.387875500889475),
        (1e+100, 5.6418958354775625e-101, -1e+200, -230.83087424232926),
    ];
    // Forty-digit values of mpmath: log Gamma, digamma, trigamma.
    #[rustfmt::skip]
    const GAMMA: &[(f64, f64, f64, f64)] = &[
        (1e-300, 690.7755278982137, -9.999999999999999e+299, f64::INFINITY),
        (1e-10, 23.025850929882736, -10000000000.577215, 1e+20),
        (0.001, 6.907178885383853, -1000.5755719318103, 1000001.6425331958),
        (0.1, 2.252712651734206, -10.423754940411076, 101.43329915079275),
        (0.5, 0.5723649429247001, -1.9635100260214235, 4.934802200544679),
        (0.9, 0.06637623973474295, -0.7549269499470513, 1.9225399594772035),
        (1.5, -0.12078223763524522, 0.03648997397857652, 0.9348022005446793),
        (2.5, 0.2846828704729192, 0.7031566406452432, 0.49035775610023485),
        (3.0, LN_2, 0.9227843350984671, 0.39493406684822646),
        (5.0, 3.1780538303479458, 1.5061176684318005, 0.22132295573711533),
        (7.9, 8.32426586800881, 2.002238487563571, 0.13493078345663442),
        (8.0, 8.525161361065415, 2.01564147795561, 0.1331370146940314),
        (8.1, 8.72738826343204, 2.0288674570805814, 0.13139024657674372),
        (20.0, 39.339884187199495, 2.970523992242149, 0.05127082293520312),
        (100.0, 359.1342053695754, 4.600161852738087, 0.010050166663333571),
        (12345.6, 103959.18506616846, 9.421014502465397, 8.100379903388379e-05),
        (100000000.0, 1742068066.1038346, 18.420680738952367, 1.000000005e-08),
        (1000000000000000.0, 3.3538776394910668e+16, 34.538776394910684, 1.0000000000000005e-15),
    ];

    #[test]
    fn error_functions_keep_thirteen_digits() {
        for &(x, scaled, log, log_scaled) in ERROR {
            if scaled.is_finite() {
                close(erfcx(x), scaled, 1e-13, &format!("erfcx({x})"));
            } else {
                assert_eq!(erfcx(x), f64::INFINITY);
            }
            close(log_erfc(x), log, 1e-13, &format!("log_erfc({x})"));
            close(log_erfcx(x), log_scaled, 1e-13, &format!("log_erfcx({x})"));
        }
    }

    #[test]
    fn gamma_functions_keep_twelve_digits() {
        for &(x, ln, di, tri) in GAMMA {
            close(ln_gamma(x), ln, 1e-12, &format!("ln_gamma({x})"));
            close(digamma(x), di, 1e-12, &format!("digamma({x})"));
            close(trigamma(x), tri, 1e-12, &format!("trigamma({x})"));
        }
    }

    #[test]
    fn edges_are_defined() {
        assert_eq!(digamma(0.0), f64::NEG_INFINITY);
        assert!(digamma(-1e9).is_nan());
        assert_eq!(trigamma(0.0), f64::INFINITY);
        assert!(trigamma(-0.5).is_nan());
        assert_eq!(ln_gamma(0.0), f64::INFINITY);
        assert_eq!(log_erfc(f64::NEG_INFINITY), LN_2);
        assert_eq!(erfcx(f64::INFINITY), 0.0);
    }

    #[test]
    fn one_dimension_is_the_ordinary_function() {
        assert_eq!(multivariate_ln_gamma(2.3, 1), ln_gamma(2.3));
        assert_eq!(multivariate_digamma(2.3, 1), digamma(2.3));
        // Gamma_2(a) = sqrt(pi) Gamma(a) Gamma(a - 1/2) = 2^(2 - 2a) pi Gamma(2a - 1), by duplication.
        let a = 3.7;
        let duplicated = (2.0 - 2.0 * a) * LN_2 + PI.ln() + ln_gamma(2.0 * a - 1.0);
        close(multivariate_ln_gamma(a, 2), duplicated, 1e-14, "Gamma_2");
    }
}
