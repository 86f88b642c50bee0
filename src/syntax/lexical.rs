//! What is wrong with a token on its own: E0101 to E0104.
//!
//! in: a [`Token`] -> out: a finding for characters of no token, malformed and too large numbers, strings left open.

use super::token::{Token, TokenKind};
use crate::diag::{Code, Diagnostic};
use crate::source::{SourceFile, Span};

/// What is wrong with a token on its own, if anything.
pub fn lexical_error(token: &Token, source: &SourceFile) -> Option<Diagnostic> {
    let text = source.slice(token.span);
    match token.kind {
        TokenKind::Number => number_error(text, token.span),
        TokenKind::OpenString => Some(
            Diagnostic::new(Code::E0103, "string not closed")
                .at(token.span, "no `\"` up to the end of the line")
                .help(format!("close it: `{}\"`", text.trim_end())),
        ),
        TokenKind::SingleQuoted => Some(
            Diagnostic::new(Code::E0101, "bad character `'`")
                .at(token.span, "text stands in double quotes")
                .help(format!("write `\"{}\"`", text.trim_matches('\''))),
        ),
        TokenKind::Bad => Some(bad_characters(text, token.span)),
        _ => None,
    }
}

fn bad_characters(text: &str, span: Span) -> Diagnostic {
    let first = text.chars().next().unwrap_or('?');
    let shown = if first.is_control() || first.is_whitespace() || first == '\u{feff}' {
        format!("U+{:04X}", first as u32)
    } else {
        first.to_string()
    };
    let remedy = match first {
        ';' => Some("leave it out: a statement ends where the next begins"),
        '#' | '%' => Some("comments begin with `//`"),
        '“' | '”' | '„' | '‘' | '’' | '\'' | '`' => {
            Some("text stands in double quotes: `\"text\"`")
        }
        '−' | '–' | '—' => Some("write the minus sign `-`"),
        '×' | '·' => Some("write the product with `*`"),
        '∼' => Some("write `~`"),
        '>' => Some("there is `<` and `!=` only: turn the two sides round"),
        '≠' | '!' => Some("write `!=`"),
        '.' => Some("a number has digits on both sides of its point; names have no point"),
        '\u{a0}' | '\u{feff}' => Some("put an ordinary space"),
        _ => None,
    };
    let found = Diagnostic::new(Code::E0101, format!("bad character `{shown}`"))
        .at(span, "belongs to no word, number or sign of the language");
    match remedy {
        Some(remedy) => found.help(remedy),
        None => found.help("names are letters, digits and `_`; other text stands in double quotes"),
    }
}

fn number_error(text: &str, span: Span) -> Option<Diagnostic> {
    if !well_formed(text) {
        return Some(malformed(text, span));
    }
    let value: f64 = text.parse().unwrap_or(f64::INFINITY);
    let nonzero = text
        .split(['e', 'E'])
        .next()
        .is_some_and(|digits| digits.contains(|c: char| ('1'..='9').contains(&c)));
    if value.is_finite() && (value != 0.0 || !nonzero) {
        return None;
    }
    let (label, bound) = if value.is_finite() {
        (
            "nearer to 0 than a number can be",
            "the smallest number above 0 is about 5e-324",
        )
    } else {
        (
            "larger than a number can be",
            "the largest number is about 1.8e308",
        )
    };
    let found = Diagnostic::new(Code::E0104, "number out of range").at(span, label);
    Some(
        found
            .note(bound)
            .help("measure in other units, or write the logarithm"),
    )
}

fn malformed(text: &str, span: Span) -> Diagnostic {
    let digits = text.trim_end_matches(|c: char| !c.is_ascii_digit());
    let (label, remedy) = if text.starts_with('.') && well_formed(&format!("0{text}")) {
        (
            "no digit before the point",
            Some(format!("write `0{text}`")),
        )
    } else if text.ends_with('.') && well_formed(digits) {
        (
            "no digit after the point",
            Some(format!("write `{digits}` or `{digits}.0`")),
        )
    } else if let Some(stem) = text.strip_suffix(['e', 'E', '+', '-']) {
        let stem = stem.trim_end_matches(['e', 'E']);
        let remedy = well_formed(stem).then(|| format!("write `{stem}` or `{stem}e-6`"));
        ("no digit in the exponent", remedy)
    } else if text.matches('.').count() > 1 {
        ("more than one point", None)
    } else {
        ("a letter right after a number", None)
    };
    let remedy = remedy.unwrap_or_else(|| {
        "a number is written `2`, `0.5` or `1e-6`; a product needs its `*`".to_string()
    });
    Diagnostic::new(Code::E0102, "malformed number")
        .at(span, label)
        .help(remedy)
}

/// Digits, perhaps a point and digits, perhaps an exponent.
fn well_formed(text: &str) -> bool {
    let all_digits = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (text, None),
    };
    let mantissa_stands = match mantissa.split_once('.') {
        Some((whole, fraction)) => all_digits(whole) && all_digits(fraction),
        None => all_digits(mantissa),
    };
    mantissa_stands && exponent.is_none_or(|e| all_digits(e.strip_prefix(['+', '-']).unwrap_or(e)))
}
