//! pmc: a probabilistic model compiler.
#![warn(missing_docs)]

pub mod check;
pub mod data;
pub mod diag;
pub mod dist;
pub mod family;
pub mod model;
pub mod numeric;
pub mod source;
pub mod syntax;
