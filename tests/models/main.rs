//! The models that ship with the project, on their own data: every one fits, and what it fits is right.
// Loops over plain indices are how the formulas read.
#![allow(
    clippy::needless_range_loop,
    clippy::type_complexity,
    clippy::too_many_arguments
)]

mod accelerate;
mod closed_forms;
mod fixture;
mod folders;
mod hand_chains;
mod hand_em;
mod hand_em_votes;
mod hand_gaussian;
mod invariance;
mod rewrites;
mod simulate;
mod simulate_chains;
mod simulate_rows;
mod split;
mod sprinkler;
mod starts;
mod symmetric;
mod zeros;
