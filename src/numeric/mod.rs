//! Special functions and factorisations: knows nothing of models.

/// The logarithm of zero: a floor that no sum of finite log densities reaches, so that `0 * LOG_ZERO = 0` without NaN.
pub const LOG_ZERO: f64 = -1e30;
