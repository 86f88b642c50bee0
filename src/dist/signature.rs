//! tmp
use crate::model::ArgumentName;
/// word
pub fn word(name: ArgumentName) -> String { format!("{name:?}").to_lowercase() }
