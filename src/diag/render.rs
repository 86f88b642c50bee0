//! Diagnostics to text.
use super::Diagnostic;
use crate::source::SourceFile;

/// Renders with colour.
pub fn render(_diagnostics: &[Diagnostic], _source: &SourceFile) -> String {
    String::new()
}
/// Renders without colour.
pub fn render_plain(_diagnostics: &[Diagnostic], _source: &SourceFile) -> String {
    String::new()
}
