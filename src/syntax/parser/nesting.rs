//! How deep a statement is nested, measured on its tokens (E0209).
//!
//! in: the tokens of a piece -> out: a finding where brackets, minus signs and powers nest deeper than [`LIMIT`].
//!
//! The grammar's functions recurse once for each open bracket, each minus sign before a value and each `^`; this bound
//! keeps them, and everything that walks the tree, within the stack.

use super::{Piece, Tokens};
use crate::diag::{Code, Diagnostic};
use crate::syntax::token::TokenKind;

/// The deepest nesting of brackets, signs and powers.
pub(super) const LIMIT: usize = 64;

/// The longest chain of operators, counted along the deepest path of the tree.
pub(super) const CHAIN: usize = 256;

/// E0209 where the piece nests too deep.
pub(super) fn check(tokens: &Tokens, piece: Piece) -> Option<Diagnostic> {
    // for each open bracket: the minus signs and powers that are open inside it
    let mut open: Vec<usize> = vec![0];
    let mut after_value = false;
    for idx in piece.first..piece.end {
        let kind = tokens.kind(idx)?;
        let chain = open.last_mut()?;
        match kind {
            _ if kind.closer().is_some() => open.push(0),
            _ if kind.is_closer() => {
                if open.len() > 1 {
                    open.pop();
                }
            }
            TokenKind::Caret => *chain += 1,
            TokenKind::Minus if !after_value => *chain += 1,
            TokenKind::Word | TokenKind::Number | TokenKind::String => {}
            _ => *chain = 0,
        }
        after_value = kind.is_closer()
            || matches!(
                kind,
                TokenKind::Word | TokenKind::Number | TokenKind::String
            );
        if open.len() - 1 + open.iter().sum::<usize>() > LIMIT {
            return Some(
                Diagnostic::new(Code::E0209, "nested too deep")
                    .at(
                        tokens.span(idx),
                        format!("level {} of at most {LIMIT}", LIMIT + 1),
                    )
                    .help("give an inner part a name with `let` and use that name here"),
            );
        }
    }
    None
}
