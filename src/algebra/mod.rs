//! The canonical form: log p as a sum of products of sufficient statistics.
//!
//! in: a checked model and which observed columns may hold blanks -> out: [`Terms`], canonical, with provenance.
//!
//! ```text
//! log p = sum_i coef_i prod_j data_ij prod_k t_ik ,   summed over the axes of term i
//! ```
//!
//! `dist` states each log density with the operations of [`Expander`]; [`mod@complete`] turns latent indices into axes with
//! indicators once a statement is whole; [`canonical`](canonical::canonicalise) makes equal terms equal. No arrays, no
//! sizes: plates stay symbolic.

pub mod canonical;
pub mod complete;
pub mod expand;
pub mod formula;
pub mod known;
pub mod layout;
pub mod letters;
pub mod piece;
pub mod predictor;
pub mod print;
pub mod scale;
pub mod term;
pub mod unknown;

pub use complete::complete;
pub use expand::{Expander, Polynomial, Refusal};
pub use known::{Known, KnownFunction, KnownMatrix};
pub use predictor::Predictor;
pub use scale::{MatrixFactor, Scale};
pub use term::{Statistic, Subscript, Term};
pub use unknown::{Origin, Unknown, UnknownId, Unknowns};

/// The canonical terms of a model.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Terms {
    /// In order of first appearance.
    pub items: Vec<Term>,
}
