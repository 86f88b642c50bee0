//! tmp
use crate::model::Model;
use super::known::Known;
/// k
pub fn known(_m: &Model, k: &Known) -> String { format!("{k:?}") }
