//! Source text to tokens.
//!
//! in: [`SourceFile`] -> out: [`Token`]s that tile it, trivia included, and every lexical error (E01xx) of the file.
//!
//! Tokens are what a person would name when pointing at the text; they serve diagnostics ("found `...`"), the formatter
//! (comments and blank lines) and recovery. Structure is the parser's business.

use logos::Logos;
use unicode_normalization::UnicodeNormalization;

use super::lexical::lexical_error;
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
