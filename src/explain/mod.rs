//! The derivation for people.
mod gaussian;
mod items;
mod message;
mod page;
mod update;
pub use update::{Equation, equations, Collected};
pub use page::Page;
