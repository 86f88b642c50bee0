//! Fits against reference results of trusted peers, iteration by iteration, where `../shared/oracles` (or `$PMC_SHARED`)
//! exists. Each reference file names its model, data, start and objective after every iteration.
// Loops over plain indices are how the formulas read.
#![allow(
    clippy::needless_range_loop,
    clippy::type_complexity,
    clippy::too_many_arguments
)]

mod chains;
mod fixture;
mod gaussian;
mod global;
mod mixtures;
mod networks;
mod regression;
mod sparse;
mod topics;
mod votes;
