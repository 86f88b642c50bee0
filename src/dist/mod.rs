//! What a model may write: its distributions.
//!
//! in: a checked distribution -> out: its log density as canonical terms ([`log_density`]), its scalar log density and a
//! sampler that share no code with the terms ([`scalar`]), and the table of its arguments ([`Signature`]).

pub mod discrete;
pub mod gaussian;
pub mod log_density;
pub mod matrix;
pub mod positive;
pub mod scalar;
mod signature;
pub mod simplex;

pub use signature::{
    ArgumentSupport, Choice, Over, Parameter, Shape, Signature, ValueSupport, all, by_name,
    signature,
};
