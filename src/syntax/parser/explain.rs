//! Why a statement does not follow the grammar, in the words of the language.
//!
//! in: where pest failed and the rules it tried there -> out: one finding: E0201, E0202, E0203 or E0205.
//!
//! The finding is the most specific that fits: a reserved word where a name must stand, a bracket that nothing closes,
//! a clause that comes too late, and else what was expected and what was found.

use pest::error::{Error, ErrorVariant, InputLocation};

use super::advice;
use super::word::shortened;
use super::wording::{expected_list, listed};
use super::{Piece, Rule, Tokens};
use crate::diag::{Code, Diagnostic, nearest};
use crate::source::Span;
use crate::syntax::token::{self, STATEMENT_WORDS, TokenKind, describe};

/// Where a piece fails: the token there, perhaps the one after the piece, and the rules that might have followed.
pub(super) struct Failure {
    pub(super) token: usize,
    pub(super) expected: Vec<Rule>,
}

impl Failure {
    /// pest's error for a piece that begins at byte `base`.
    pub(super) fn of(tokens: &Tokens, piece: Piece, base: usize, error: &Error<Rule>) -> Failure {
        let offset = match error.location {
            InputLocation::Pos(offset) | InputLocation::Span((offset, _)) => offset,
        };
        let expected = match &error.variant {
            ErrorVariant::ParsingError { positives, .. } => positives.clone(),
            ErrorVariant::CustomError { .. } => Vec::new(),
        };
        Failure {
            token: tokens.at(base + offset).min(piece.end),
            expected,
        }
    }

    /// A failure without expectations.
    pub(super) fn nothing(token: usize) -> Failure {
        Failure {
            token,
            expected: Vec::new(),
        }
    }

    pub(super) fn expects(&self, rule: Rule) -> bool {
        self.expected.contains(&rule)
    }

    /// True where any expression might stand.
    pub(super) fn expects_value(&self) -> bool {
        // pest names the largest rule of which several parts were tried
        const VALUES: [Rule; 6] = [
            Rule::expression,
            Rule::term,
            Rule::unary,
            Rule::power,
            Rule::index,
            Rule::argument,
        ];
        VALUES.iter().any(|&value| self.expects(value))
    }

    /// True where only a name of some kind might stand, or a mark.
    fn expects_name(&self) -> bool {
        const NAMES: [Rule; 18] = [
            Rule::name,
            Rule::plate_name,
            Rule::column_name,
            Rule::type_name,
            Rule::domain_name,
            Rule::constraint_word,
            Rule::rule_word,
            Rule::treatment_word,
            Rule::argument_name,
            Rule::binder,
            Rule::column,
            Rule::domain,
            Rule::label,
            Rule::branch,
            Rule::source,
            Rule::every_pair,
            Rule::constraint,
            Rule::inference_rule,
        ];
        NAMES.iter().any(|&rule| self.expects(rule))
    }

    /// E0202 if the word found is reserved and a name was expected.
    pub(super) fn reserved_as_name(&self, tokens: &Tokens) -> Option<Diagnostic> {
        let word = tokens.text(self.token);
        if tokens.kind(self.token) != Some(TokenKind::Word) || !token::is_reserved(word) {
            return None;
        }
        let span = tokens.span(self.token);
        let followed_by_word = tokens.kind(self.token + 1) == Some(TokenKind::Word);
        let misplaced_clause = matches!(word, "over" | "in" | "as" | "first" | "case")
            && (followed_by_word || self.expects_value());
        let begins_line = advice::begins_line(tokens, self.token);
        let forgotten_value = token::begins_statement(word) && self.expects_value() && begins_line;
        let is_call = token::is_distribution(word) && self.expects_value();
        if is_call
            || !(self.expects_name() || self.expects_value())
            || misplaced_clause
            || forgotten_value
        {
            return None;
        }
        let role = if token::is_distribution(word) {
            "names a distribution"
        } else if token::begins_statement(word) {
            "begins a statement"
        } else {
            "is part of the language"
        };
        let found = Diagnostic::new(Code::E0202, format!("reserved word `{word}` as a name"))
            .at(span, format!("`{word}` {role}"));
        let spare = format!("{word}_");
        let takes_text = [Rule::label, Rule::branch, Rule::source, Rule::text];
        Some(if takes_text.iter().any(|&place| self.expects(place)) {
            found.help(format!(
                "write it in quotes, `\"{word}\"`, or use another name"
            ))
        } else if self.expects(Rule::column) || self.expects(Rule::column_name) {
            found.help(format!(
                "name the column `{spare}` and read it by `{spare} : TYPE = \"{word}\"`"
            ))
        } else {
            found.help(format!("use another name, for example `{spare}`"))
        })
    }
}

/// The finding for a failure that is not E0202.
pub(super) fn explain(tokens: &Tokens, piece: Piece, failure: &Failure) -> Diagnostic {
    let brackets = Brackets::of(tokens, piece, failure.token);
    if let Some(opener) = brackets.unclosed {
        return not_closed(tokens, opener, failure);
    }
    if let Some(misplaced) = advice::out_of_order(tokens, piece, failure, brackets.innermost) {
        return misplaced;
    }
    let word = tokens.text(failure.token);
    if token::is_distribution(word) && failure.expects_value() {
        return Diagnostic::new(
            Code::E0202,
            format!("`{word}` is a distribution, not a value"),
        )
        .at(
            tokens.span(failure.token),
            "stands where a value is expected",
        )
        .help(format!(
            "give it a name, `latent NAME ~ {word}(...)`, and use that here"
        ));
    }
    let expected = expected_list(failure);
    let found = found_text(tokens, failure.token);
    let span = tokens.span(failure.token);
    let mut finding = unexpected(&expected, &found, span);
    if failure.expects(Rule::EOI)
        && tokens.kind(failure.token) == Some(TokenKind::Word)
        && let Some(near) = nearest(word, STATEMENT_WORDS)
    {
        finding = finding.help(format!("did you mean `{near}`?"));
    } else if let Some(remedy) = advice::remedy(tokens, piece, failure, brackets.innermost) {
        finding = finding.help(remedy);
    }
    match advice::form(
        tokens.text(piece.first),
        brackets.innermost.map(|i| tokens.text(i)),
    ) {
        Some(form) => finding.note(form),
        None => finding,
    }
}

/// What stands before the first statement.
pub(super) fn no_statement(tokens: &Tokens) -> Diagnostic {
    let found = found_text(tokens, 0);
    let finding = unexpected(&["a statement".to_string()], &found, tokens.span(0));
    match nearest(tokens.text(0), STATEMENT_WORDS) {
        Some(near) => finding.help(format!("did you mean `{near}`?")),
        None => finding.help(format!(
            "a statement begins with one of `{}`",
            STATEMENT_WORDS.join("`, `")
        )),
    }
}

/// E0201
fn unexpected(expected: &[String], found: &str, span: Span) -> Diagnostic {
    let list = listed(expected);
    let full = format!("expected {list}, found {found}");
    let title = if full.chars().count() <= 60 && !list.is_empty() {
        full
    } else {
        format!("{found} cannot stand here")
    };
    let label = if list.is_empty() {
        "unexpected".to_string()
    } else {
        format!("expected {list}")
    };
    Diagnostic::new(Code::E0201, title).at(span, label)
}

/// E0203
fn not_closed(tokens: &Tokens, opener: usize, failure: &Failure) -> Diagnostic {
    let text = tokens.text(opener);
    let closer = match text {
        "(" => ")",
        "[" => "]",
        _ => "}",
    };
    let found = found_text(tokens, failure.token);
    Diagnostic::new(Code::E0203, format!("`{text}` is not closed"))
        .at(
            tokens.span(failure.token),
            format!("expected `{closer}` before {found}"),
        )
        .also(tokens.span(opener), "opened here")
        .help(format!("write `{closer}` before {found}"))
}

/// The token in words, the end of the file past the last.
fn found_text(tokens: &Tokens, idx: usize) -> String {
    match tokens.items.get(idx) {
        Some(token) if token.kind == TokenKind::Word => {
            format!("`{}`", shortened(tokens.text(idx)))
        }
        Some(token) => describe(token, tokens.source),
        None => "the end of the file".to_string(),
    }
}

/// The brackets around the failure.
struct Brackets {
    /// The innermost open one.
    innermost: Option<usize>,
    /// The same, if nothing closes it.
    unclosed: Option<usize>,
}

impl Brackets {
    fn of(tokens: &Tokens, piece: Piece, at: usize) -> Brackets {
        let mut stack: Vec<usize> = Vec::new();
        let mut innermost = None;
        let mut is_closed = false;
        for idx in piece.first..piece.end {
            let Some(kind) = tokens.kind(idx) else { break };
            if idx == at {
                innermost = stack.last().copied();
            }
            if kind.closer().is_some() {
                stack.push(idx);
            } else if kind.is_closer() {
                let matches = |o: &usize| tokens.kind(*o).and_then(TokenKind::closer) == Some(kind);
                if let Some(position) = stack.iter().rposition(matches) {
                    is_closed |= idx >= at && stack.get(position).copied() == innermost;
                    stack.truncate(position);
                }
            }
        }
        if at >= piece.end {
            innermost = stack.last().copied();
        }
        Brackets {
            innermost,
            unclosed: innermost.filter(|_| !is_closed),
        }
    }
}
