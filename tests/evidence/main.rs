//! Does what the compiler derives equal what shares no code with it? Log-likelihoods, posteriors, evidences and M-steps here
//! are plain loops and closed forms over statrs, written by hand for each model.
// Loops over plain indices are how the formulas read.
#![allow(
    clippy::needless_range_loop,
    clippy::type_complexity,
    clippy::too_many_arguments
)]

mod addends;
mod blanks;
mod bounds;
mod chains;
mod classifiers;
mod conjugate;
mod constraints;
mod counts;
mod degenerate;
mod exact;
mod families;
mod fixture;
mod forms;
mod gaussian_chains;
mod latents;
mod lines;
mod links;
mod matrices;
mod mixtures;
mod networks;
mod one_latent;
mod penalties;
mod points;
mod priors;
mod records;
mod robust;
mod rows;
mod saddles;
mod shapes;
mod special;
mod vectors;
