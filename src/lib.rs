//! pmc: a probabilistic model compiler.
#![warn(missing_docs)]

pub mod algebra;
pub mod check;
pub mod cli;
pub mod compile;
pub mod data;
pub mod derive;
pub mod diag;
pub mod dist;
pub mod engine;
pub mod family;
pub mod fit;
pub mod model;
pub mod numeric;
pub mod plan;
pub mod source;
pub mod syntax;
