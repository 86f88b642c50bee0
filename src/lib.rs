//! pmc: a probabilistic model compiler.
//!
//! ```
//! use pmc::fit::{Data, Settings, fit, score};
//! use pmc::source::SourceFile;
//!
//! let model = "
//! data row { x : real }
//! param   mean   : real
//! param   spread : positive
//! observe x[row] ~ Gaussian(mean, var = spread)";
//! let data = Data::csv("x.csv", "x\n1\n2\n3\n6\n");
//! let learned = fit(&SourceFile::new("example.pmod", model), data, &Settings::default()).expect("fits");
//! assert_eq!(learned.fit.method, "maximum likelihood");
//! assert_eq!(learned.fit.estimate("mean").and_then(|a| a.first()), Some(&3.0));
//! assert_eq!(learned.fit.estimate("spread").and_then(|a| a.first()), Some(&3.5));
//! let new = score(&learned.fit, Data::csv("new.csv", "x\n3\n")).expect("scores");
//! assert!((new.total + 0.5 * (2.0 * std::f64::consts::PI * 3.5).ln()).abs() < 1e-12);
//! ```
#![warn(missing_docs)]
#![deny(unsafe_code)]
// What a user writes never panics; what is printed does not depend on the order of a hash map.
#![cfg_attr(
    not(test),
    warn(
        clippy::dbg_macro,
        clippy::expect_used,
        clippy::iter_over_hash_type,
        clippy::panic,
        clippy::print_stderr,
        clippy::print_stdout,
        clippy::unwrap_used,
    )
)]

pub mod algebra;
pub mod check;
pub mod cli;
pub mod compile;
pub mod data;
pub mod derive;
pub mod diag;
pub mod dist;
pub mod engine;
pub mod explain;
pub mod family;
pub mod fit;
pub mod graph;
pub mod model;
pub mod naive;
pub mod numeric;
pub mod plan;
pub mod source;
pub mod syntax;
pub mod verify;
