//! Tokens to lines.
//!
//! in: the tree, all tokens, the source -> out: [`Line`]s, each with the parts by which runs of lines are aligned.
//!
//! A statement is one line. A block of columns, branches or rules that spans several lines in the source has one line
//! for each item. A table, and a statement longer than [`WIDTH`], keep the line breaks they have.

use std::collections::BTreeSet;

use super::line::{Class, Line};
use super::spacing::{Bracket, Word, blank};
use crate::source::SourceFile;
use crate::syntax::ast::{Distribution, File, Prior, Statement, StatementKind};
use crate::syntax::token::{Token, TokenKind};

/// Longer statements keep their line breaks.
const WIDTH: usize = 110;

/// The lines of a file.
pub(super) fn of_file(file: &File, tokens: &[Token], source: &SourceFile) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut idx = 0;
    for statement in &file.statements {
        let first = tokens.partition_point(|t| t.span.start < statement.span.start);
        let end = tokens.partition_point(|t| t.span.start < statement.span.end);
        between(tokens.get(idx..first).unwrap_or(&[]), source, &mut lines);
        let after_blank = gap(tokens, first, source) > 1;
        let part = tokens.get(first..end).unwrap_or(&[]);
        let mut layout = Layout::new(statement, part, source, false, after_blank);
        let mut own = layout.lines();
        if own.iter().any(|l| l.code().chars().count() > WIDTH) {
            layout = Layout::new(statement, part, source, true, after_blank);
            own = layout.lines();
        }
        lines.append(&mut own);
        idx = end;
    }
    between(tokens.get(idx..).unwrap_or(&[]), source, &mut lines);
    lines
}

/// The number of line breaks right before a token.
fn gap(tokens: &[Token], idx: usize, source: &SourceFile) -> usize {
    let before = idx.checked_sub(1).and_then(|i| tokens.get(i));
    before
        .filter(|t| t.kind == TokenKind::Blank)
        .map_or(0, |t| source.slice(t.span).matches('\n').count())
}

/// Comments between statements: at the end of the last line, or on lines of their own.
fn between(trivia: &[Token], source: &SourceFile, lines: &mut Vec<Line>) {
    for (idx, token) in trivia.iter().enumerate() {
        if token.kind != TokenKind::Comment {
            continue;
        }
        let n_breaks = gap(trivia, idx, source);
        match lines.last_mut() {
            Some(last) if n_breaks == 0 && last.comment.is_none() => {
                last.comment = Some(comment(token, source));
            }
            _ => {
                let mut line = Line::new(Class::Other, 0, n_breaks > 1);
                line.comment = Some(comment(token, source));
                lines.push(line);
            }
        }
    }
}

/// A comment's text and the column it begins at, counted from 0.
fn comment(token: &Token, source: &SourceFile) -> (String, usize) {
    let text = source.slice(token.span).trim_end().to_string();
    let before = source.text.get(..token.span.start).unwrap_or("");
    let line = before.rsplit('\n').next().unwrap_or("");
    (text, line.chars().count())
}

/// The layout of one statement.
struct Layout<'a> {
    source: &'a SourceFile,
    tokens: &'a [Token],
    class: Class,
    /// Where columns, branches and rules begin.
    items: BTreeSet<usize>,
    keeps_breaks: bool,
    after_blank: bool,
}

/// A bracket that is open, and whether its items stand on lines of their own.
struct Open {
    bracket: Bracket,
    is_tall: bool,
}

impl<'a> Layout<'a> {
    fn new(
        statement: &Statement,
        tokens: &'a [Token],
        source: &'a SourceFile,
        keeps_breaks: bool,
        after_blank: bool,
    ) -> Self {
        let class = match &statement.kind {
            StatementKind::Definition(d) if d.constant => Class::Const,
            StatementKind::Definition(_) => Class::Let,
            StatementKind::Variable(_) | StatementKind::Observe(_) => Class::Variable,
            StatementKind::Plate(_) => Class::Plate,
            StatementKind::Potential(_) => Class::Potential,
            _ => Class::Other,
        };
        Layout {
            source,
            tokens,
            class,
            items: item_starts(statement),
            keeps_breaks,
            after_blank,
        }
    }

    fn word(&self, token: &Token) -> Word<'a> {
        Word {
            kind: token.kind,
            text: self.source.slice(token.span),
        }
    }

    /// True if the block that opens at `idx` spans several lines.
    fn is_tall(&self, idx: usize) -> bool {
        let mut depth = 0_usize;
        for token in self.tokens.iter().skip(idx) {
            if token.kind.closer().is_some() {
                depth += 1;
            } else if token.kind.is_closer() {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return false;
                }
            } else if token.kind.is_trivia() && self.source.slice(token.span).contains('\n') {
                return true;
            }
        }
        false
    }

    fn lines(&self) -> Vec<Line> {
        let mut lines = vec![Line::new(self.class, 0, self.after_blank)];
        let mut open: Vec<Open> = Vec::new();
        let mut left: Option<Word> = None;
        let mut before: Option<Word> = None;
        let mut after_comment = false;
        for (idx, token) in self.tokens.iter().enumerate() {
            if token.kind == TokenKind::Blank {
                continue;
            }
            let n_breaks = gap(self.tokens, idx, self.source);
            let depth = open.iter().filter(|o| o.is_tall).count();
            if token.kind == TokenKind::Comment {
                let trails = n_breaks == 0 && lines.last().is_some_and(|l| l.comment.is_none());
                if !trails {
                    let blank_line =
                        n_breaks > 1 && left.map(|l| l.kind) != Some(TokenKind::LeftBrace);
                    lines.push(Line::new(Class::Other, 2 * depth.max(1), blank_line));
                }
                if let Some(line) = lines.last_mut() {
                    line.comment = Some(comment(token, self.source));
                }
                after_comment = true;
                continue;
            }
            let word = self.word(token);
            let within = open.last();
            let is_item = self.items.contains(&token.span.start);
            let in_tall = within.is_some_and(|o| o.is_tall);
            if is_separator(self.tokens, idx, &self.items, within) {
                continue;
            }
            let in_block =
                within.is_some_and(|o| matches!(o.bracket, Bracket::Brace | Bracket::Choice));
            let class = match is_item && in_block && self.is_data() {
                true => Class::Column,
                false => Class::Continuation,
            };
            let is_first = left.is_some_and(|l| l.kind == TokenKind::LeftBrace) && !after_comment;
            if is_item && in_tall {
                lines.push(Line::new(class, 2 * depth, n_breaks > 1 && !is_first));
            } else if token.kind == TokenKind::RightBrace && in_tall {
                lines.push(Line::new(Class::Continuation, 2 * (depth - 1), false));
            } else if after_comment || (n_breaks > 0 && self.keeps(within)) {
                let indent = 2 * (depth + 1);
                lines.push(Line::new(Class::Continuation, indent, false));
            }
            after_comment = false;

            let bracket = self.bracket(idx, left, word);
            if token.kind.is_closer() {
                open.pop();
            }
            if let Some(line) = lines.last_mut() {
                let parent = open.last().map(|o| o.bracket);
                let space = left.is_some_and(|l| blank(before, l, word, parent));
                let next_item = is_item && !in_tall && !is_first;
                let begins_value = self.put(line, word, space, next_item, open.is_empty());
                left = left.filter(|_| !begins_value);
            }
            if let Some(bracket) = bracket {
                let has_items = matches!(bracket, Bracket::Brace | Bracket::Choice);
                let is_tall = has_items && self.class != Class::Plate && self.is_tall(idx);
                open.push(Open { bracket, is_tall });
            }
            before = left;
            left = Some(word);
        }
        lines
    }

    fn is_data(&self) -> bool {
        self.tokens
            .first()
            .is_some_and(|t| self.source.slice(t.span) == "data")
    }

    /// True if a line break of the source is kept.
    fn keeps(&self, within: Option<&Open>) -> bool {
        self.keeps_breaks
            || self.class == Class::Plate
            || within.is_some_and(|o| o.bracket == Bracket::Table)
    }

    fn bracket(&self, idx: usize, left: Option<Word>, word: Word) -> Option<Bracket> {
        match word.kind {
            TokenKind::LeftParenthesis => Some(Bracket::Parenthesis),
            TokenKind::LeftBracket if left.is_some_and(|l| l.takes_bracket(word.kind)) => {
                Some(Bracket::Index)
            }
            TokenKind::LeftBracket => Some(Bracket::Table),
            TokenKind::LeftBrace if self.class == Class::Variable && idx > 0 => {
                Some(Bracket::Choice)
            }
            TokenKind::LeftBrace => Some(Bracket::Brace),
            _ => None,
        }
    }

    /// Writes a token into the part of the line it belongs to; true if it begins the value of a potential.
    fn put(
        &self,
        line: &mut Line,
        word: Word,
        space: bool,
        next_item: bool,
        outermost: bool,
    ) -> bool {
        let starts_tail = match (line.class, word.kind) {
            (Class::Const | Class::Let, TokenKind::Equals)
            | (Class::Variable, TokenKind::Colon | TokenKind::Tilde)
            | (Class::Plate, TokenKind::LeftBrace) => outermost,
            (Class::Column, TokenKind::Colon) => true,
            (Class::Potential, _) => outermost && space,
            _ => false,
        };
        let starts_tail = starts_tail && line.tail.is_empty();
        let starts_head = matches!(
            line.class,
            Class::Const | Class::Let | Class::Variable | Class::Plate
        ) && !line.keyword.is_empty();
        if starts_tail {
            line.tail.push_str(word.text);
        } else if starts_head && line.head.is_empty() && line.tail.is_empty() {
            line.head.push_str(word.text);
        } else {
            line.push(if next_item { "  " } else { "" }, false);
            line.push(word.text, space);
        }
        line.class == Class::Potential && starts_tail
    }
}

/// True for a comma between columns, which says nothing.
fn is_separator(
    tokens: &[Token],
    idx: usize,
    items: &BTreeSet<usize>,
    within: Option<&Open>,
) -> bool {
    let in_block = within.is_some_and(|o| o.bracket == Bracket::Brace);
    let next = tokens.iter().skip(idx + 1).find(|t| !t.kind.is_trivia());
    in_block
        && tokens.get(idx).is_some_and(|t| t.kind == TokenKind::Comma)
        && !items.is_empty()
        && next.is_some_and(|n| items.contains(&n.span.start) || n.kind == TokenKind::RightBrace)
}

/// Where the columns, rules and branches of a statement begin.
fn item_starts(statement: &Statement) -> BTreeSet<usize> {
    let mut starts = BTreeSet::new();
    match &statement.kind {
        StatementKind::Data(data) => starts.extend(data.columns.iter().map(|c| c.span.start)),
        StatementKind::Infer(rules) => starts.extend(rules.iter().map(|r| r.span.start)),
        StatementKind::Variable(variable) => {
            if let Prior::Distributed(model) = &variable.prior {
                branch_starts(&model.distribution, &mut starts);
                model
                    .first
                    .iter()
                    .for_each(|d| branch_starts(d, &mut starts));
            }
        }
        StatementKind::Observe(observe) => {
            if let Some(model) = &observe.model {
                branch_starts(&model.distribution, &mut starts);
                model
                    .first
                    .iter()
                    .for_each(|d| branch_starts(d, &mut starts));
            }
        }
        _ => {}
    }
    starts
}

fn branch_starts(distribution: &Distribution, starts: &mut BTreeSet<usize>) {
    if let Distribution::Case(case) = distribution {
        for (label, branch) in &case.branches {
            starts.insert(label.span.start);
            branch_starts(branch, starts);
        }
    }
}
