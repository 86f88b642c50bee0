//! Tests over whole models: what the compiler says, what it derives, what it survives.
mod common;
mod derivations;
mod diagnostics;
mod examples;
mod graph;
mod robustness;
mod tidy;
