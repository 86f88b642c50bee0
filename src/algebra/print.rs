//! tmp
use super::known::Known;
use crate::model::Model;
/// k
pub fn known(_m: &Model, k: &Known) -> String {
    format!("{k:?}")
}
