//! Source text to syntax tree; the only importer of pest.
//!
//! in: [`SourceFile`] -> out: [`File`], or every lexical and syntax error (E01xx, E02xx) of the file.
//!
//! The text is cut where a reserved word begins a statement, and each piece is read on its own by the grammar's rule
//! `single`, so that an error in one statement does not hide those of the next. Pieces keep their place in the file.
//! Nesting is measured on the tokens first: the grammar's functions call each other as deep as the brackets go.

mod advice;
mod build;
mod data;
mod explain;
mod expression;
mod nesting;
mod statement;
mod word;
mod wording;

use pest::Parser;

use super::ast::{File, Statement, StatementKind};
use super::token::{self, Token, TokenKind, tokenize};
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::source::{SourceFile, Span};
use build::Builder;

#[derive(pest_derive::Parser)]
#[grammar = "grammar/pmod.pest"]
struct Grammar;

/// A piece of the file that holds one statement: a range of significant tokens.
#[derive(Debug, Clone, Copy)]
struct Piece {
    first: usize,
    end: usize,
}

/// The tokens that are no trivia, with the file they stand in.
struct Tokens<'a> {
    source: &'a SourceFile,
    items: Vec<Token>,
}

impl Tokens<'_> {
    /// The place where the file ends, for findings about what is missing there.
    fn end_of_file(&self) -> Span {
        let end = self.items.last().map_or(0, |t| t.span.end);
        Span::new(end, end)
    }

    /// The text of a token, empty past the end.
    fn text(&self, idx: usize) -> &str {
        self.items
            .get(idx)
            .map_or("", |t| self.source.slice(t.span))
    }

    /// The kind of a token.
    fn kind(&self, idx: usize) -> Option<TokenKind> {
        self.items.get(idx).map(|t| t.kind)
    }

    /// The place of a token, the end of the file past it.
    fn span(&self, idx: usize) -> Span {
        self.items.get(idx).map_or(self.end_of_file(), |t| t.span)
    }

    /// The first token that ends after `offset`.
    fn at(&self, offset: usize) -> usize {
        self.items.partition_point(|t| t.span.end <= offset)
    }

    /// `span` without the trivia at its end.
    fn trimmed(&self, span: Span) -> Span {
        let idx = self.items.partition_point(|t| t.span.end <= span.end);
        let end = idx.checked_sub(1).map_or(span.end, |i| self.span(i).end);
        Span::new(span.start, end.max(span.start))
    }

    /// True if this token begins a statement.
    fn begins_statement(&self, idx: usize) -> bool {
        self.kind(idx) == Some(TokenKind::Word) && token::begins_statement(self.text(idx))
    }
}

/// The syntax tree of a file.
pub fn parse(source: &SourceFile) -> Result<File, Vec<Diagnostic>> {
    let (all, lexical) = tokenize(source);
    let broken: Vec<usize> = lexical
        .iter()
        .filter_map(|d| d.primary.as_ref().map(|l| l.span.start))
        .collect();
    let items = all.into_iter().filter(|t| !t.kind.is_trivia()).collect();
    let tokens = Tokens { source, items };
    let mut found = Diagnostics { items: lexical };
    let mut file = File::default();

    let pieces = cut(&tokens, &mut found);
    let mut remaining = pieces.as_slice();
    while let [piece, rest @ ..] = remaining {
        remaining = rest;
        let span = tokens
            .span(piece.first)
            .to(tokens.span(piece.end.saturating_sub(1)));
        if broken.iter().any(|&b| span.start <= b && b < span.end) {
            continue;
        }
        if let Some(deep) = nesting::check(&tokens, *piece) {
            found.push(deep);
            continue;
        }
        let n_absorbed = read(&tokens, *piece, rest, &mut file, &mut found);
        remaining = rest.get(n_absorbed..).unwrap_or(&[]);
    }
    check_model_statement(&file, &mut found);
    if found.has_errors() {
        return Err(found.sorted());
    }
    Ok(file)
}

/// Cuts the file at the words that begin statements; what stands before the first is an error.
fn cut(tokens: &Tokens, found: &mut Diagnostics) -> Vec<Piece> {
    let mut starts: Vec<usize> = (0..tokens.items.len())
        .filter(|&i| tokens.begins_statement(i))
        .collect();
    if starts.first() != Some(&0) && !tokens.items.is_empty() {
        found.push(explain::no_statement(tokens));
    }
    starts.push(tokens.items.len());
    starts
        .windows(2)
        .filter_map(|w| match w {
            [first, end] => Some(Piece {
                first: *first,
                end: *end,
            }),
            _ => None,
        })
        .collect()
}

/// Reads one statement into `file`; returns how many of the pieces after it turned out to belong to it.
///
/// A reserved word used as a name is reported, masked by a name of its length, and the statement read again, so that
/// its other errors are found. Where that word begins statements, the piece it began is part of this one.
fn read(
    tokens: &Tokens,
    piece: Piece,
    rest: &[Piece],
    file: &mut File,
    found: &mut Diagnostics,
) -> usize {
    /// Beyond this a file is not a model with slips but something else.
    const MASKS: usize = 20;
    let mut piece = piece;
    let mut masked: Option<String> = None;
    let mut n_absorbed = 0;
    for _ in 0..MASKS {
        let text = masked.as_deref().unwrap_or(&tokens.source.text);
        let failure = match single(tokens, piece, text) {
            Ok(pair) => {
                let mut builder = Builder::new(tokens, tokens.span(piece.first).start);
                match builder.statement(pair) {
                    Ok(statement) if masked.is_none() => file.statements.push(statement),
                    Ok(_) => {}
                    Err(inner) => found.push(*inner),
                }
                found.items.append(&mut builder.found);
                return n_absorbed;
            }
            Err(failure) => failure,
        };
        let next = rest.get(n_absorbed);
        let absorbs =
            failure.token == piece.end && next.is_some_and(|n| fails_after_its_word(tokens, *n));
        let inside = failure.token < piece.end || absorbs;
        let Some(reserved) = failure.reserved_as_name(tokens).filter(|_| inside) else {
            found.push(explain::explain(tokens, piece, &failure));
            return n_absorbed;
        };
        found.push(reserved);
        let mut text = text.to_string();
        let span = tokens.span(failure.token);
        text.replace_range(span.start..span.end, &"_".repeat(span.end - span.start));
        masked = Some(text);
        if let Some(next) = next.filter(|_| absorbs) {
            piece.end = next.end;
            n_absorbed += 1;
        }
    }
    n_absorbed
}

/// True if a piece makes no sense from its second token on: its first word was probably meant as a name.
fn fails_after_its_word(tokens: &Tokens, piece: Piece) -> bool {
    single(tokens, piece, &tokens.source.text)
        .err()
        .is_some_and(|failure| failure.token == piece.first + 1)
}

/// One statement by the grammar, or where it fails and what was expected there.
fn single<'i>(
    tokens: &Tokens,
    piece: Piece,
    text: &'i str,
) -> Result<build::Pair<'i>, explain::Failure> {
    let start = tokens.span(piece.first).start;
    let end = tokens.span(piece.end.saturating_sub(1)).end;
    let slice = text.get(start..end).unwrap_or("");
    match Grammar::parse(Rule::single, slice) {
        Ok(mut pairs) => pairs
            .next()
            .ok_or_else(|| explain::Failure::nothing(piece.first)),
        Err(error) => Err(explain::Failure::of(tokens, piece, start, &error)),
    }
}

/// `model` stands once, and first (E0208).
fn check_model_statement(file: &File, found: &mut Diagnostics) {
    let models: Vec<(usize, &Statement)> = file
        .statements
        .iter()
        .enumerate()
        .filter(|(_, s)| matches!(s.kind, StatementKind::Model(_)))
        .collect();
    let Some(((first_idx, first), more)) = models.split_first() else {
        return;
    };
    for (_, again) in more {
        found.push(
            Diagnostic::new(Code::E0208, "`model` stands twice")
                .at(again.span, "a second name for the model")
                .also(first.span, "the model is named here")
                .help("leave one of them out; two models are two files"),
        );
    }
    if let Some(before) = file.statements.first().filter(|_| *first_idx > 0) {
        found.push(
            Diagnostic::new(Code::E0208, "`model` is not the first statement")
                .at(first.span, "the name comes late")
                .also(before.span, "this stands before it")
                .help("move it to the top of the file, or leave it out"),
        );
    }
}

#[cfg(test)]
pub(crate) mod tests;
