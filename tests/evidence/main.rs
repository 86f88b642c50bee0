//! Does what the compiler derives equal what shares no code with it? Log-likelihoods, posteriors, evidences and M-steps here
//! are plain loops and closed forms over statrs, written by hand for each model.

mod bounds;
mod conjugate;
mod degenerate;
mod exact;
mod fixture;
mod matrices;
mod mixtures;
mod networks;
mod points;
mod records;
mod special;
