//! What to write instead, and clauses out of order.
//!
//! in: a failure with the tokens around it -> out: E0205 where a clause comes too late, the form of the statement, and a
//! remedy for slips that are common in other languages.

use super::explain::Failure;
use super::{Piece, Rule, Tokens};
use crate::diag::{Code, Diagnostic};
use crate::syntax::token::TokenKind;

/// True if a token is the first of its line.
pub(super) fn begins_line(tokens: &Tokens, idx: usize) -> bool {
    let Some(previous) = idx.checked_sub(1) else {
        return true;
    };
    let (from, to) = (tokens.span(previous).end, tokens.span(idx).start);
    tokens
        .source
        .text
        .get(from..to)
        .is_some_and(|gap| gap.contains('\n'))
}

/// The clauses of a part of a statement, each with its place in the order.
#[derive(Clone, Copy)]
enum Order {
    Header,
    Column,
    Variable,
    Definition,
}

impl Order {
    fn rank(self, word: &str) -> Option<usize> {
        let rank = match (self, word) {
            (Order::Header, "ordered") | (Order::Column, "of") | (Order::Definition, "[") => 0,
            (Order::Header, "by") | (Order::Column, "=") | (Order::Definition, "over") => 1,
            (Order::Header, "within") | (Order::Column, "else") | (Order::Definition, "=") => 2,
            (Order::Header, "every") => 3,
            (Order::Variable, "[") => 0,
            (Order::Variable, ":" | "~") => 1,
            (Order::Variable, "over" | "first") => 2,
            (Order::Variable, ",") => 3,
            (Order::Variable, "as") => 4,
            _ => return None,
        };
        Some(rank)
    }

    fn text(self) -> &'static str {
        match self {
            Order::Header => "the order is `ordered`, `by`, `within`, `every`",
            Order::Column => "the order is `NAME : TYPE of PLATE = SOURCE else NUMBER`",
            Order::Variable => {
                "the order is brackets, `~` or `:`, `over` or `first`, `, constraint`, `as`"
            }
            Order::Definition => "the order is brackets, `over`, `=`",
        }
    }
}

/// E0205 where the clause found belongs before one that has been read.
pub(super) fn out_of_order(
    tokens: &Tokens,
    piece: Piece,
    failure: &Failure,
    innermost: Option<usize>,
) -> Option<Diagnostic> {
    let (order, start) = match (tokens.text(piece.first), innermost) {
        ("data", None) => (Order::Header, piece.first + 2),
        ("data", Some(brace)) if tokens.text(brace) == "{" => {
            let colon = |i: &usize| tokens.kind(*i) == Some(TokenKind::Colon);
            (Order::Column, (brace..failure.token).rev().find(colon)?)
        }
        ("param" | "latent" | "observe", None) => (Order::Variable, piece.first + 2),
        ("const" | "let", None) => (Order::Definition, piece.first + 2),
        _ => return None,
    };
    // a clause word that is not reserved has been tried as the name of the next column
    let tried_as_name = matches!(order, Order::Column)
        && failure.expects(Rule::colon)
        && tokens.kind(failure.token) == Some(TokenKind::Word);
    let late = if tried_as_name {
        failure.token.checked_sub(1)?
    } else {
        failure.token
    };
    let rank = order.rank(tokens.text(late))?;
    let mut depth = 0_usize;
    let mut passed = None;
    for idx in start..late.min(piece.end) {
        let kind = tokens.kind(idx)?;
        if depth == 0 && passed.is_none() && order.rank(tokens.text(idx)).is_some_and(|r| r > rank)
        {
            passed = Some(idx);
        }
        if kind.closer().is_some() {
            depth += 1;
        } else if kind.is_closer() {
            depth = depth.saturating_sub(1);
        }
    }
    let passed = passed?;
    let (word, before) = (tokens.text(late), tokens.text(passed));
    let what = match word {
        "[" => "brackets".to_string(),
        "," => "constraint".to_string(),
        _ => format!("`{word}`"),
    };
    Some(
        Diagnostic::new(
            Code::E0205,
            format!("{what} after `{before}`: clauses out of order"),
        )
        .at(tokens.span(late), format!("belongs before `{before}`"))
        .also(tokens.span(passed), "this clause comes after it")
        .help(order.text()),
    )
}

/// The form of the statement, or of what stands in its bracket.
pub(super) fn form(statement: &str, bracket: Option<&str>) -> Option<String> {
    let form = match (statement, bracket) {
        ("model", _) => "model NAME",
        ("const", _) => "const NAME[plates] over PLATE = VALUE",
        ("let", _) => "let NAME[plates] over PLATE = VALUE",
        ("plate", _) => "plate NAME(SIZE)` or `plate NAME { a, b, \"c d\" }",
        ("data", Some("{")) => {
            return Some(
                "a column reads `NAME : TYPE of PLATE = SOURCE else NUMBER`, the last three optional"
                    .to_string(),
            );
        }
        ("data", _) => "data NAME ordered by COLUMN within COLUMN every COLUMNS { columns }",
        ("param", None) => "param NAME[plates] : DOMAIN` or `param NAME[plates] ~ DISTRIBUTION",
        ("latent", None) => "latent NAME[plates] ~ DISTRIBUTION",
        ("observe", None) => "observe NAME[plates] ~ DISTRIBUTION",
        ("potential", None) => "potential[plates] EXPRESSION",
        ("infer", _) => "infer { joint a, b  factorise c over PLATE  order d, e }",
        _ => return None,
    };
    Some(format!("the statement reads `{form}`"))
}

/// An edit that puts it right, where the slip is a known one.
pub(super) fn remedy(
    tokens: &Tokens,
    piece: Piece,
    failure: &Failure,
    innermost: Option<usize>,
) -> Option<String> {
    let at = failure.token;
    let (found, before) = (tokens.text(at), tokens.text(at.checked_sub(1)?));
    let statement = tokens.text(piece.first);
    let operator_expected = failure.expects(Rule::plus) || failure.expects(Rule::star);
    let remedy = match (before, found) {
        ("=", "=") => "one `=` is enough".to_string(),
        ("*", "*") => "a power is written `^`".to_string(),
        (",", ")" | "]" | "}") => "leave out the last comma".to_string(),
        (_, "<") if tokens.text(at + 1) == "-" => "write `~`, or `=` in a `let`".to_string(),
        (_, "=") if failure.expects(Rule::tilde) && statement == "observe" => {
            "write `~` and a distribution".to_string()
        }
        (_, "=") if failure.expects(Rule::tilde) => {
            "write `~` and a distribution; a known value is a `const`, an expression a `let`"
                .to_string()
        }
        (_, ":") if statement == "observe" && failure.expects(Rule::tilde) => {
            "write `~` and a distribution".to_string()
        }
        (_, "~" | ":") if failure.expects(Rule::equals) && matches!(statement, "let" | "const") => {
            "write `=` and a value; what has a distribution is a `latent` or a `param`".to_string()
        }
        (_, "unit" | "increasing" | "symmetric") if failure.expects(Rule::comma) => {
            format!("a constraint follows a comma: `, {found}`")
        }
        (_, ",") if is_function(tokens, innermost) && operator_expected => {
            "a function takes one argument; plates follow `over`".to_string()
        }
        (_, ",") if failure.expects(Rule::label) || failure.expects(Rule::integer) => {
            "branches follow one another without commas".to_string()
        }
        ("=", _) if failure.expects(Rule::source) => match tokens.kind(at) {
            Some(TokenKind::Word) => {
                format!("a column of the file stands in quotes: `\"{found}\"`")
            }
            _ => "a source is `\"COLUMN\"`, `(a, b)`, `rest` or `listed`".to_string(),
        },
        (_, ")" | "]" | "}") if failure.expects(Rule::EOI) => {
            "leave it out: no bracket is open here".to_string()
        }
        _ if operator_expected && starts_value(tokens, at) => match innermost {
            Some(_) if failure.expects(Rule::comma) => {
                format!("put a `,` before `{found}`, or `*` for a product")
            }
            _ if begins_line(tokens, at) => return None,
            _ => format!("a product is written with `*`: `{before} * {found}`"),
        },
        _ if failure.expects(Rule::comma)
            && innermost.is_some()
            && tokens.kind(at) == Some(TokenKind::Word) =>
        {
            format!("put a `,` before `{found}`")
        }
        _ => return None,
    };
    Some(remedy)
}

/// True if this token may be the first of a value.
fn starts_value(tokens: &Tokens, idx: usize) -> bool {
    matches!(
        tokens.kind(idx),
        Some(TokenKind::Word | TokenKind::Number | TokenKind::LeftParenthesis)
    )
}

/// True if the bracket belongs to a function of an expression.
fn is_function(tokens: &Tokens, bracket: Option<usize>) -> bool {
    let before = bracket.and_then(|b| b.checked_sub(1));
    before.is_some_and(|b| {
        tokens.kind(b) == Some(TokenKind::Word)
            && !crate::syntax::token::is_distribution(tokens.text(b))
    })
}
