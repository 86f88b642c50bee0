//! What a model may write: its distributions.

pub mod scalar;
