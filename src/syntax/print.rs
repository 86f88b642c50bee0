//! Syntax back to text: the formatter, and listings of tokens and trees.
//!
//! in: [`SourceFile`] -> out: the same model in the house layout ([`format()`]), its tokens ([`print_tokens`]) or, from a
//! [`File`](super::ast::File), its tree ([`print_ast`]).
//!
//! The formatter writes the tokens anew and keeps the comments: one statement a line, at most one blank line in a row, a
//! block over several lines exactly where the source has one, and signs aligned in runs of like lines. What it writes
//! means the same and is not changed by formatting it again.

mod align;
mod line;
mod lines;
mod spacing;
mod tree;

pub use tree::print_ast;

use super::lexical::lexical_error;
use super::parser::parse;
use super::token::{TokenKind, tokenize};
use crate::diag::Diagnostic;
use crate::source::SourceFile;

/// The file in the house layout, or what keeps it from being read.
pub fn format(source: &SourceFile) -> Result<String, Vec<Diagnostic>> {
    let file = parse(source)?;
    let (tokens, _) = tokenize(source);
    let mut lines = lines::of_file(&file, &tokens, source);
    align::align(&mut lines);
    let mut out = String::new();
    for line in &lines {
        line.write(&mut out);
    }
    Ok(out)
}

/// One token a line, with its place and kind; blanks are left out.
pub fn print_tokens(source: &SourceFile) -> String {
    let (tokens, _) = tokenize(source);
    let mut out = String::new();
    for token in tokens.iter().filter(|t| t.kind != TokenKind::Blank) {
        let (line, column) = source.line_column(token.span.start);
        let kind = match lexical_error(token, source) {
            Some(error) => error.code.as_str(),
            None => token.kind.label(),
        };
        let place = format!("{line}:{column}");
        out.push_str(&format!(
            "{place:<8}{kind:<9}{}\n",
            source.slice(token.span)
        ));
    }
    out
}

#[cfg(test)]
mod tests;
