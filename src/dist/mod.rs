//! What a model may write: the distributions and their arguments.
//!
//! in: nothing (a table) -> out: [`Signature`]s, read by `check` to accept a call and by the densities to know its parts.
//!
//! Not here: densities as terms (see `algebra`), exponential families of q (see `family`).

mod signature;

pub use signature::{
    ArgumentSupport, Choice, Over, Parameter, Shape, Signature, ValueSupport, all, by_name,
    signature,
};
