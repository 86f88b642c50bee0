//! Source text to tokens.
//!
//! in: [`SourceFile`] -> out: [`Token`]s that tile it, trivia included, and every lexical error (E01xx) of the file.
//!
//! Tokens are what a person would name when pointing at the text; they serve diagnostics ("found `...`"), the formatter
//! (comments and blank lines) and recovery. Structure is the parser's business.

use logos::Logos;
use unicode_normalization::UnicodeNormalization;

use crate::diag::{Code, Diagnostic};
use crate::source::{SourceFile, Span};

/// Words that begin a statement; reserved, so that a statement ends where the next begins.
pub const STATEMENT_WORDS: [&str; 10] = [
    "model",
    "const",
    "data",
    "plate",
    "let",
    "param",
    "latent",
    "observe",
    "potential",
    "infer",
];

/// Words that are reserved inside statements.
pub const CLAUSE_WORDS: [&str; 6] = ["over", "in", "as", "first", "case", "identity"];

/// The distributions a model may name; reserved.
pub const DISTRIBUTIONS: [&str; 16] = [
    "Categorical",
    "Dirichlet",
    "Gaussian",
    "Laplace",
    "StudentT",
    "Uniform",
    "Bernoulli",
    "Binomial",
    "Poisson",
    "Multinomial",
    "Beta",
    "Gamma",
    "Exponential",
    "InverseGamma",
    "Wishart",
    "InverseWishart",
];

/// The kinds of token.
#[derive(Logos, Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenKind {
    /// A name, a reserved word or a word with a meaning in its place.
    #[regex(r"[\p{L}_][\p{L}\p{M}\p{Nd}_]*")]
    Word,
    /// Digits, perhaps with a decimal point and an exponent; also whatever begins like a number.
    #[regex(r"\.?[0-9]([eE][+-]|[0-9\p{L}\p{M}_.])*")]
    Number,
    /// `"text"` on one line.
    #[regex(r#""[^"\r\n]*""#)]
    String,
    /// `(`
    #[token("(")]
    LeftParenthesis,
    /// `)`
    #[token(")")]
    RightParenthesis,
    /// `[`
    #[token("[")]
    LeftBracket,
    /// `]`
    #[token("]")]
    RightBracket,
    /// `{`
    #[token("{")]
    LeftBrace,
    /// `}`
    #[token("}")]
    RightBrace,
    /// `,`
    #[token(",")]
    Comma,
    /// `:`
    #[token(":")]
    Colon,
    /// `~`
    #[token("~")]
    Tilde,
    /// `=`
    #[token("=")]
    Equals,
    /// `!=`
    #[token("!=")]
    Unequal,
    /// `<`
    #[token("<")]
    Less,
    /// `+`
    #[token("+")]
    Plus,
    /// `-`
    #[token("-")]
    Minus,
    /// `*`
    #[token("*")]
    Star,
    /// `/`
    #[token("/")]
    Slash,
    /// `^`
    #[token("^")]
    Caret,
    /// `// ...` to the end of the line.
    #[regex(r"//[^\r\n]*", allow_greedy = true)]
    Comment,
    /// Blanks and line breaks.
    #[regex(r"[ \t\r\n]+")]
    Blank,
    /// A string that its line does not close.
    #[regex(r#""[^"\r\n]*"#)]
    OpenString,
    /// Text in single quotes, which are no quotes here.
    #[regex(r"'[^'\r\n]*'")]
    SingleQuoted,
    /// Characters of no token.
    Bad,
}

/// A token and where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Token {
    /// Its kind.
    pub kind: TokenKind,
    /// Its bytes.
    pub span: Span,
}

impl TokenKind {
    /// True for comments and blanks.
    pub fn is_trivia(self) -> bool {
        matches!(self, TokenKind::Comment | TokenKind::Blank)
    }

    /// The closing bracket of an opening one.
    pub fn closer(self) -> Option<TokenKind> {
        match self {
            TokenKind::LeftParenthesis => Some(TokenKind::RightParenthesis),
            TokenKind::LeftBracket => Some(TokenKind::RightBracket),
            TokenKind::LeftBrace => Some(TokenKind::RightBrace),
            _ => None,
        }
    }

    /// True for `)`, `]` and `}`.
    pub fn is_closer(self) -> bool {
        matches!(
            self,
            TokenKind::RightParenthesis | TokenKind::RightBracket | TokenKind::RightBrace
        )
    }

    /// The kind's name in listings of tokens.
    pub fn label(self) -> &'static str {
        match self {
            TokenKind::Word => "word",
            TokenKind::Number => "number",
            TokenKind::String => "string",
            TokenKind::Comment => "comment",
            TokenKind::Blank => "blank",
            TokenKind::OpenString | TokenKind::SingleQuoted | TokenKind::Bad => "error",
            _ => "mark",
        }
    }
}

/// How a token is named in "found ...".
pub fn describe(token: &Token, source: &SourceFile) -> String {
    let text = source.slice(token.span);
    let shown: String = if text.chars().count() > 24 {
        text.chars().take(21).chain("...".chars()).collect()
    } else {
        text.to_string()
    };
    match token.kind {
        TokenKind::Number => format!("the number `{shown}`"),
        TokenKind::String => format!("the text `{shown}`"),
        TokenKind::Comment => "a comment".to_string(),
        TokenKind::Blank => "a blank".to_string(),
        _ => format!("`{shown}`"),
    }
}

/// True for words that begin a statement.
pub fn begins_statement(word: &str) -> bool {
    STATEMENT_WORDS.contains(&word)
}

/// True for words that cannot be names.
pub fn is_reserved(word: &str) -> bool {
    begins_statement(word) || CLAUSE_WORDS.contains(&word) || is_distribution(word)
}

/// True for the names of distributions.
pub fn is_distribution(word: &str) -> bool {
    DISTRIBUTIONS.contains(&word)
}

/// A name's canonical spelling: Unicode NFC, so that names that look alike are alike.
pub fn normalise(text: &str) -> String {
    text.nfc().collect()
}

/// The text of a model file from its bytes; bytes that are not UTF-8 are replaced and reported (E0105).
pub fn decode(name: &str, bytes: &[u8]) -> (SourceFile, Vec<Diagnostic>) {
    let bytes = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes);
    let source = SourceFile::new(name, String::from_utf8_lossy(bytes));
    let Err(error) = std::str::from_utf8(bytes) else {
        return (source, Vec::new());
    };
    let start = error.valid_up_to();
    let byte = bytes.get(start).copied().unwrap_or_default();
    let found = Diagnostic::new(Code::E0105, "the file is not UTF-8")
        .at(
            Span::new(start, start + char::REPLACEMENT_CHARACTER.len_utf8()),
            format!("byte {byte:#04x} begins no UTF-8 character"),
        )
        .help("save the file with the encoding UTF-8");
    (source, vec![found])
}

/// All tokens, trivia included, and all lexical errors.
pub fn tokenize(source: &SourceFile) -> (Vec<Token>, Vec<Diagnostic>) {
    let mut tokens: Vec<Token> = Vec::new();
    for (kind, range) in TokenKind::lexer(&source.text).spanned() {
        let kind = kind.unwrap_or(TokenKind::Bad);
        let span = Span::new(range.start, range.end);
        match tokens.last_mut() {
            // a run of bad characters is one finding
            Some(last) if kind == TokenKind::Bad && last.kind == TokenKind::Bad => {
                last.span.end = span.end;
            }
            _ => tokens.push(Token { kind, span }),
        }
    }
    let errors = tokens
        .iter()
        .filter_map(|t| lexical_error(t, source))
        .collect();
    (tokens, errors)
}

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
