//! Text to syntax tree, and back.
//!
//! in: [`SourceFile`](crate::source::SourceFile) -> out: [`ast::File`] or diagnostics E01xx, E02xx.
//!
//! logos finds lexical errors, names what was found, and keeps the comments; pest alone decides structure. A test over
//! all models holds the two together: tokens tile the text, and each terminal of the grammar is a whole number of them.

pub mod ast;
mod lexical;
mod parser;
mod print;
mod token;

pub use parser::parse;
pub use print::{format, print_ast, print_tokens};
pub use token::{
    CLAUSE_WORDS, DISTRIBUTIONS, STATEMENT_WORDS, Token, TokenKind, decode, is_reserved, normalise,
    tokenize,
};
