//! Words that mean something in their place: types, domains, constraints, rules, treatments (E0207).
//!
//! in: a word and what it should be -> out: a finding, with the nearest known word, where it is none of them.

use super::build::Builder;
use crate::diag::{Code, Diagnostic, nearest};
use crate::syntax::ast::Name;

/// What a word is asked to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Type,
    Domain,
    Constraint,
    Rule,
    Treatment,
}

impl Role {
    /// The role in a sentence.
    fn text(self) -> &'static str {
        match self {
            Role::Type => "type",
            Role::Domain => "domain",
            Role::Constraint => "constraint",
            Role::Rule => "rule",
            Role::Treatment => "treatment",
        }
    }

    /// The words that can play it.
    fn words(self) -> &'static [&'static str] {
        match self {
            Role::Type => &[
                "real",
                "positive",
                "probability",
                "count",
                "binary",
                "label",
                "weight",
            ],
            Role::Domain => &[
                "real",
                "positive",
                "probability",
                "simplex",
                "covariance",
                "precision",
                "binary",
                "label",
            ],
            Role::Constraint => &["unit norm", "unit ball", "increasing", "symmetric"],
            Role::Rule => &["joint", "factorise", "order"],
            Role::Treatment => &["dirac", "factorised"],
        }
    }

    /// The word meant by one of another language.
    fn synonym(self, word: &str) -> Option<&'static str> {
        match (self, word) {
            (Role::Type, "int" | "integer" | "natural") => Some("count"),
            (Role::Type, "string" | "text" | "category" | "factor" | "categorical") => {
                Some("label")
            }
            (Role::Type | Role::Domain, "bool" | "boolean" | "bit") => Some("binary"),
            (Role::Type | Role::Domain, "float" | "double" | "number" | "vector") => Some("real"),
            (Role::Treatment, "point" | "delta" | "map" | "MAP") => Some("dirac"),
            (Role::Treatment, "factorized") => Some("factorised"),
            (Role::Rule, "factorize") => Some("factorise"),
            _ => None,
        }
    }
}

impl Builder<'_> {
    /// E0207 if the word is none of those that may stand here.
    pub(super) fn verify_word(&mut self, word: &Name, role: Role) {
        let known = role.words();
        if known.contains(&word.text.as_str()) {
            return;
        }
        let what = role.text();
        let near = role
            .synonym(&word.text)
            .or_else(|| nearest(&word.text, known.iter().copied()));
        let list = in_words(known);
        let found = Diagnostic::new(
            Code::E0207,
            format!("unknown {what} `{}`", shortened(&word.text)),
        )
        .at(word.span, format!("no {what} of this name"))
        .note(format!("the {what}s are {list}"));
        self.found.push(match near {
            Some(near) => found.help(format!("did you mean `{near}`?")),
            None => found.help(format!("write one of {list}")),
        });
    }
}

/// A word short enough for a title.
pub(super) fn shortened(word: &str) -> String {
    match word.char_indices().nth(24) {
        Some((end, _)) => format!("{}...", word.get(..end).unwrap_or(word)),
        None => word.to_string(),
    }
}

/// `a`, `b` and `c`
fn in_words(words: &[&str]) -> String {
    match words {
        [] => String::new(),
        [one] => format!("`{one}`"),
        [init @ .., last] => format!("`{}` and `{last}`", init.join("`, `")),
    }
}
