//! Fits against reference results of trusted peers, iteration by iteration, where `../shared/oracles` (or `$PMC_SHARED`)
//! exists. Each reference file names its model, data, start and objective after every iteration.

mod fixture;
mod gaussian;
mod global;
mod mixtures;
mod topics;
mod votes;
