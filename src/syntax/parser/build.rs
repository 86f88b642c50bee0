//! What all tree builders share: reading the children of a pair, places, names, plates.
//!
//! in: a pair of the grammar -> out: its parts in the syntax tree, with their places in the file.
//!
//! The builders of statements, data blocks and expressions are further `impl`s of [`Builder`]. Each function reads the
//! children of its rule in the grammar's order with [`Parts`]. A missing child would be a defect of a builder against the
//! grammar; it comes out as an error of the compiler, not as a crash.

use std::iter::Peekable;

use pest::iterators::Pairs;

use super::{Rule, Tokens};
use crate::diag::{Code, Diagnostic};
use crate::source::Span;
use crate::syntax::ast::{Binder, Name};
use crate::syntax::token::normalise;

pub(super) type Pair<'i> = pest::iterators::Pair<'i, Rule>;
pub(super) type Built<T> = Result<T, Box<Diagnostic>>;

/// The children of a pair, read in the grammar's order.
pub(super) struct Parts<'i> {
    rule: Rule,
    pub(super) span: Span,
    pub(super) pairs: Peekable<Pairs<'i, Rule>>,
}

impl<'i> Parts<'i> {
    /// The next child if it is of this rule.
    pub(super) fn optional(&mut self, rule: Rule) -> Option<Pair<'i>> {
        self.pairs.next_if(|p| p.as_rule() == rule)
    }

    /// True, and the child passed, if the next one is of this rule.
    pub(super) fn skip(&mut self, rule: Rule) -> bool {
        self.optional(rule).is_some()
    }

    /// The next child, which the grammar says is of this rule.
    pub(super) fn required(&mut self, rule: Rule) -> Built<Pair<'i>> {
        self.optional(rule).ok_or_else(|| self.defect())
    }

    /// The next child whatever it is.
    pub(super) fn any(&mut self) -> Built<Pair<'i>> {
        self.pairs.next().ok_or_else(|| self.defect())
    }

    /// The rule of the next child.
    pub(super) fn peek(&mut self) -> Option<Rule> {
        self.pairs.peek().map(Pair::as_rule)
    }

    /// The remaining children of this rule, others passed over.
    pub(super) fn all(&mut self, rule: Rule) -> Vec<Pair<'i>> {
        self.pairs
            .by_ref()
            .filter(|p| p.as_rule() == rule)
            .collect()
    }

    /// The grammar and this file disagree.
    pub(super) fn defect(&self) -> Box<Diagnostic> {
        let found = Diagnostic::new(Code::E0201, "internal compiler error in the parser")
            .at(
                self.span,
                format!("rule `{:?}` has other parts than expected", self.rule),
            )
            .help("please report this model");
        Box::new(found)
    }
}

/// Builds the tree of one piece.
pub(super) struct Builder<'a> {
    tokens: &'a Tokens<'a>,
    base: usize,
    pub(super) found: Vec<Diagnostic>,
}

impl<'a> Builder<'a> {
    /// For a piece that begins at byte `base` of the file.
    pub(super) fn new(tokens: &'a Tokens<'a>, base: usize) -> Self {
        Builder {
            tokens,
            base,
            found: Vec::new(),
        }
    }

    /// A pair's place in the file, without trivia at its end.
    pub(super) fn span(&self, pair: &Pair) -> Span {
        let span = pair.as_span();
        self.tokens
            .trimmed(Span::new(self.base + span.start(), self.base + span.end()))
    }

    /// The text at a place.
    pub(super) fn text(&self, span: Span) -> &'a str {
        self.tokens.source.slice(span)
    }

    /// The children of a pair.
    pub(super) fn parts<'i>(&self, pair: Pair<'i>) -> Parts<'i> {
        Parts {
            rule: pair.as_rule(),
            span: self.span(&pair),
            pairs: pair.into_inner().peekable(),
        }
    }

    /// A word as a name.
    pub(super) fn name(&self, pair: &Pair) -> Name {
        let span = self.span(pair);
        Name {
            text: normalise(self.text(span)),
            span,
        }
    }

    /// A name, a text in quotes or an integer as a label.
    pub(super) fn quoted(&self, pair: &Pair) -> Name {
        let mut name = self.name(pair);
        if pair.as_rule() == Rule::text {
            let inner = name
                .text
                .strip_prefix('"')
                .and_then(|t| t.strip_suffix('"'));
            name.text = inner.unwrap_or_default().to_string();
        }
        name
    }

    pub(super) fn label(&self, pair: Pair) -> Built<Name> {
        let inner = self.parts(pair).any()?;
        Ok(self.quoted(&inner))
    }

    pub(super) fn names(&self, pairs: Vec<Pair>) -> Vec<Name> {
        pairs.iter().map(|p| self.name(p)).collect()
    }

    /// `[ binders ]`, empty where absent.
    pub(super) fn plates(&mut self, parts: &mut Parts) -> Built<Vec<Binder>> {
        let Some(pair) = parts.optional(Rule::plates) else {
            return Ok(Vec::new());
        };
        let binders = self.parts(pair).all(Rule::binder);
        binders.into_iter().map(|b| self.binder(b)).collect()
    }

    /// `over A`
    pub(super) fn over(&mut self, parts: &mut Parts) -> Built<Option<Binder>> {
        let Some(pair) = parts.optional(Rule::over) else {
            return Ok(None);
        };
        let mut inner = self.parts(pair);
        inner.required(Rule::kw_over)?;
        Ok(Some(self.binder(inner.required(Rule::binder)?)?))
    }

    /// `[NAME in] PLATE`
    pub(super) fn binder(&self, pair: Pair) -> Built<Binder> {
        let mut parts = self.parts(pair);
        let name = parts.optional(Rule::name).map(|p| self.name(&p));
        parts.skip(Rule::kw_in);
        let plate = self.name(&parts.required(Rule::plate_name)?);
        Ok(Binder { name, plate })
    }

    /// `of PLATE`
    pub(super) fn of(&mut self, parts: &mut Parts) -> Built<Option<Name>> {
        let Some(pair) = parts.optional(Rule::of) else {
            return Ok(None);
        };
        let mut inner = self.parts(pair);
        inner.required(Rule::kw_of)?;
        Ok(Some(self.name(&inner.required(Rule::plate_name)?)))
    }
}
