//! Why a statement does not follow the grammar, in the words of the language.
//!
//! in: where pest failed and the rules it tried there -> out: one finding: E0201, E0202, E0203 or E0205.
//!
//! The finding is the most specific that fits: a reserved word where a name must stand, a bracket that nothing closes,
//! a clause that comes too late, and else what was expected and what was found.

use pest::error::{Error, ErrorVariant, InputLocation};

use super::advice;
use super::{Piece, Rule, Tokens, build::shortened};
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
        const NAMES: [Rule; 16] = [
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
        Some(if self.expects(Rule::label) || self.expects(Rule::text) {
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

/// The rules tried, in the language's words: kinds of thing first, then marks and words.
fn expected_list(failure: &Failure) -> Vec<String> {
    let mut things: Vec<&str> = Vec::new();
    let mut marks: Vec<&str> = Vec::new();
    let mut hidden: Vec<Rule> = Vec::new();
    if failure.expects_value() {
        things.push("an expression");
        hidden.extend([
            Rule::number,
            Rule::left_parenthesis,
            Rule::minus,
            Rule::left_bracket,
        ]);
        hidden.extend([
            Rule::name,
            Rule::identity,
            Rule::function_name,
            Rule::argument_name,
        ]);
    }
    let after_value = failure.expects(Rule::plus) || failure.expects(Rule::star);
    if after_value {
        hidden.extend([
            Rule::plus,
            Rule::minus,
            Rule::star,
            Rule::slash,
            Rule::caret,
        ]);
        hidden.extend([Rule::left_bracket, Rule::left_parenthesis]);
    }
    if failure.expects(Rule::EOI) {
        hidden.push(Rule::EOI);
    }
    if failure.expects(Rule::number) || failure.expects(Rule::plate_name) {
        // `of` and `else` have also been tried as names of columns
        hidden.extend([Rule::colon, Rule::left_bracket]);
    }
    if failure.expected.len() > 1 {
        hidden.push(Rule::kw_in);
    }
    for &rule in &failure.expected {
        if hidden.contains(&rule) {
            continue;
        }
        let (word, is_thing) = wording(rule);
        let list = if is_thing { &mut things } else { &mut marks };
        if !list.contains(&word) {
            list.push(word);
        }
    }
    let mut all: Vec<String> = things.into_iter().map(str::to_string).collect();
    all.extend(marks.into_iter().map(|m| format!("`{m}`")));
    if after_value {
        all.push("an operator".to_string());
    }
    if failure.expects(Rule::EOI) {
        all.push("the next statement".to_string());
    }
    all
}

/// A rule in words, and whether that is a kind of thing rather than a mark.
fn wording(rule: Rule) -> (&'static str, bool) {
    match rule {
        Rule::name => ("a name", true),
        Rule::plate_name | Rule::binder => ("a plate", true),
        Rule::column_name | Rule::column => ("a column", true),
        Rule::type_name => ("a type", true),
        Rule::domain_name | Rule::domain => ("a domain", true),
        Rule::function_name => ("a function", true),
        Rule::argument_name => ("an argument", true),
        Rule::constraint_word | Rule::constraint => ("a constraint", true),
        Rule::rule_word | Rule::inference_rule => ("a rule", true),
        Rule::treatment_word => ("`dirac` or `factorised`", true),
        Rule::distribution_name => ("a distribution", true),
        Rule::number => ("a number", true),
        Rule::integer => ("a whole number", true),
        Rule::text => ("a text in quotes", true),
        Rule::label => ("a label", true),
        Rule::left_parenthesis => ("(", false),
        Rule::right_parenthesis => (")", false),
        Rule::left_bracket => ("[", false),
        Rule::right_bracket => ("]", false),
        Rule::left_brace => ("{", false),
        Rule::right_brace => ("}", false),
        Rule::comma => (",", false),
        Rule::colon => (":", false),
        Rule::tilde => ("~", false),
        Rule::equals => ("=", false),
        Rule::unequal => ("!=", false),
        Rule::less => ("<", false),
        Rule::plus => ("+", false),
        Rule::minus => ("-", false),
        Rule::star => ("*", false),
        Rule::slash => ("/", false),
        Rule::caret => ("^", false),
        Rule::kw_over => ("over", false),
        Rule::kw_in => ("in", false),
        Rule::kw_as => ("as", false),
        Rule::kw_first => ("first", false),
        Rule::kw_case => ("case", false),
        Rule::kw_ordered => ("ordered", false),
        Rule::kw_by => ("by", false),
        Rule::kw_within => ("within", false),
        Rule::kw_every => ("every", false),
        Rule::kw_of => ("of", false),
        Rule::kw_else => ("else", false),
        Rule::kw_rest => ("rest", false),
        Rule::kw_listed => ("listed", false),
        Rule::identity => ("identity", false),
        Rule::EOI => ("the next statement", true),
        Rule::over => ("over", false),
        Rule::of => ("of", false),
        Rule::table => ("a table", true),
        Rule::plates | Rule::indices => ("[", false),
        Rule::otherwise => ("else", false),
        Rule::treatment => ("as", false),
        Rule::ordered => ("ordered", false),
        Rule::ordered_by => ("by", false),
        Rule::ordered_within => ("within", false),
        Rule::every => ("every", false),
        Rule::arguments | Rule::parenthesised | Rule::source_list | Rule::plate_count => {
            ("(", false)
        }
        Rule::plate_labels => ("{", false),
        Rule::fold | Rule::rule_over => ("over", false),
        Rule::flat => (":", false),
        Rule::conditional => ("~", false),
        Rule::distribution | Rule::choice | Rule::call => ("a distribution", true),
        Rule::branch => ("a branch", true),
        Rule::source => ("a source", true),
        Rule::every_pair => ("a column", true),
        _ => ("an expression", true),
    }
}

/// `a, b or c`; of many, the first few.
fn listed(items: &[String]) -> String {
    const SHOWN: usize = 6;
    match items {
        [] => String::new(),
        [one] => one.clone(),
        [init @ .., last] if init.len() < SHOWN => format!("{} or {last}", init.join(", ")),
        _ => {
            let shown: Vec<&str> = items.iter().take(SHOWN).map(String::as_str).collect();
            format!("{}, ...", shown.join(", "))
        }
    }
}
