//! Special functions, vector kernels, factorisations and elimination on graphs: knows nothing of models.
//!
//! numbers, slices, row-major matrices -> numbers, slices, row-major matrices. Errors carry no spans and no names.

pub mod bounds;
pub mod clique_tree;
pub mod forward_backward;
pub mod gathers;
pub mod gaussian_elimination;
pub mod half_normal;
pub mod isotonic;
pub mod lanes;
pub mod least_absolute;
pub mod linalg;
pub mod lines;
pub mod link;
pub mod logsumexp;
pub mod mixing;
pub mod newton;
pub mod penalised;
pub mod polya_gamma;
pub mod product;
pub mod quadrature;
pub mod quasi_newton;
pub mod scalar_newton;
pub mod site_lists;
pub mod special;
pub mod sum_product;
pub mod transform;
pub mod unit_vectors;
pub mod vector;

/// The logarithm of zero: a floor that no sum of finite log densities reaches, so that `0 * LOG_ZERO = 0` without NaN.
pub const LOG_ZERO: f64 = -1e30;

/// log v, with [`LOG_ZERO`] for 0.
#[must_use]
pub fn log_or_floor(v: f64) -> f64 {
    if v == 0.0 { LOG_ZERO } else { v.ln() }
}
