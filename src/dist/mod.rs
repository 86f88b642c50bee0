//! What a model may write: its distributions.

pub mod discrete;
pub mod gaussian;
pub mod log_density;
pub mod matrix;
pub mod positive;
pub mod scalar;
pub mod signature;
pub mod simplex;
