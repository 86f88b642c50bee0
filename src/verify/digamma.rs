//! The derivative of log Gamma to the last digits.
//!
//! ```text
//! psi(x) = psi(x + 1) - 1/x       psi(x) = log x - 1/2x - sum_k B_2k / (2k x^2k)  for large x
//! ```

/// psi(x) for x > 0.
pub fn digamma(x: f64) -> f64 {
    let (mut x, mut shift) = (x, 0.0);
    while x < 20.0 {
        shift -= 1.0 / x;
        x += 1.0;
    }
    // B_2k / 2k
    let terms = [
        1.0 / 12.0,
        -1.0 / 120.0,
        1.0 / 252.0,
        -1.0 / 240.0,
        1.0 / 132.0,
        -691.0 / 32760.0,
        1.0 / 12.0,
    ];
    let y = 1.0 / (x * x);
    let series = terms.iter().rev().fold(0.0, |sum, t| y * (t + sum));
    x.ln() - 0.5 / x - series + shift
}
