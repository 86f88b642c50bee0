//! What stands between two tokens of a line.
//!
//! in: two tokens and the brackets around them -> out: a blank or nothing.

use crate::syntax::token::{TokenKind, begins_statement, is_distribution, is_reserved};

/// A bracket that is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Bracket {
    /// `( )`
    Parenthesis,
    /// `[ ]` after a name: indices or plates.
    Index,
    /// `[ ]` of a table.
    Table,
    /// `{ }` of a `case`.
    Choice,
    /// Any other `{ }`.
    Brace,
}

/// A token with its text.
#[derive(Debug, Clone, Copy)]
pub(super) struct Word<'a> {
    pub(super) kind: TokenKind,
    pub(super) text: &'a str,
}

impl Word<'_> {
    /// True if a value may end with this token, so that a minus sign after it is a difference.
    pub(super) fn ends_value(self) -> bool {
        match self.kind {
            TokenKind::Word => {
                !is_reserved(self.text) || self.text == "identity" || is_distribution(self.text)
            }
            TokenKind::Number | TokenKind::RightParenthesis | TokenKind::RightBracket => true,
            _ => false,
        }
    }

    /// True if a bracket right after it belongs to it.
    pub(super) fn takes_bracket(self, bracket: TokenKind) -> bool {
        if self.kind != TokenKind::Word {
            return false;
        }
        match bracket {
            TokenKind::LeftBracket => self.ends_value() || self.text == "potential",
            _ => self.ends_value() && !begins_statement(self.text),
        }
    }
}

/// True if a blank stands between `left` and `right`; `before` is the token before `left`, `within` the innermost bracket.
pub(super) fn blank(
    before: Option<Word>,
    left: Word,
    right: Word,
    within: Option<Bracket>,
) -> bool {
    let sign = |word: Word, previous: Option<Word>| {
        // in a block a minus sign follows `else` only, which may be a name elsewhere
        let after_value = previous.is_some_and(Word::ends_value) && within != Some(Bracket::Brace);
        word.kind == TokenKind::Minus && !after_value
    };
    match (left.kind, right.kind) {
        (TokenKind::LeftBrace, TokenKind::RightBrace) => false,
        (TokenKind::LeftParenthesis | TokenKind::LeftBracket | TokenKind::Caret, _)
        | (
            _,
            TokenKind::RightParenthesis
            | TokenKind::RightBracket
            | TokenKind::Comma
            | TokenKind::Caret,
        ) => false,
        (_, TokenKind::Colon) => within != Some(Bracket::Choice),
        (TokenKind::Minus, _) if sign(left, before) => false,
        (TokenKind::Minus, _) | (_, TokenKind::Minus) if within == Some(Bracket::Index) => false,
        (_, TokenKind::LeftParenthesis | TokenKind::LeftBracket) => !left.takes_bracket(right.kind),
        _ => true,
    }
}
