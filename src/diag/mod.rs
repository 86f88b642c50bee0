//! Diagnostics: what is wrong, where, why, and the way out.
//!
//! in: facts found by any stage -> out: [`Diagnostic`] values, rendered by [`render`].
//!
//! A diagnostic has a stable [`Code`], a title that states the fact, a primary label (here), secondary labels (because of
//! there) and help lines (what to write instead). Stages collect them in [`Diagnostics`] and go on, so that all
//! independent errors of a file come out in one run. Only `render` knows ariadne.

mod code;
mod render;
mod suggest;

pub use code::{Code, register};
pub use render::{render, render_plain};
pub use suggest::nearest;

use crate::source::Span;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Nothing is run.
    Error,
    /// The result stands, but look at this.
    Warning,
}

/// A place with a few words on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    /// The place in the model file.
    pub span: Span,
    /// What to say there.
    pub text: String,
}

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// Stable code, e.g. `E0308`.
    pub code: Code,
    /// Error or warning, decided by the code's first letter.
    pub severity: Severity,
    /// The fact in at most some 60 characters, lower case, no full stop.
    pub title: String,
    /// Where; `None` for findings about data files and options.
    pub primary: Option<Label>,
    /// Other places that matter.
    pub secondary: Vec<Label>,
    /// Further facts, a sentence each.
    pub notes: Vec<String>,
    /// What to write instead, a sentence each.
    pub help: Vec<String>,
}

impl Diagnostic {
    /// A finding without a place.
    pub fn new(code: Code, title: impl Into<String>) -> Self {
        let severity = if code.as_str().starts_with('W') {
            Severity::Warning
        } else {
            Severity::Error
        };
        Diagnostic {
            code,
            severity,
            title: title.into(),
            primary: None,
            secondary: Vec::new(),
            notes: Vec::new(),
            help: Vec::new(),
        }
    }

    /// The finding is here.
    #[must_use]
    pub fn at(mut self, span: Span, text: impl Into<String>) -> Self {
        self.primary = Some(Label {
            span,
            text: text.into(),
        });
        self
    }

    /// This other place matters.
    #[must_use]
    pub fn also(mut self, span: Span, text: impl Into<String>) -> Self {
        self.secondary.push(Label {
            span,
            text: text.into(),
        });
        self
    }

    /// A further fact.
    #[must_use]
    pub fn note(mut self, text: impl Into<String>) -> Self {
        self.notes.push(text.into());
        self
    }

    /// A way out.
    #[must_use]
    pub fn help(mut self, text: impl Into<String>) -> Self {
        self.help.push(text.into());
        self
    }
}

/// Findings collected by a stage.
#[derive(Debug, Clone, Default)]
pub struct Diagnostics {
    /// In the order found; [`Diagnostics::sorted`] orders them by place.
    pub items: Vec<Diagnostic>,
}

impl Diagnostics {
    /// Nothing found yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a finding.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        self.items.push(diagnostic);
    }

    /// True if at least one finding is an error.
    pub fn has_errors(&self) -> bool {
        self.items.iter().any(|d| d.severity == Severity::Error)
    }

    /// The findings by place, those without a place last; equal ones once.
    pub fn sorted(mut self) -> Vec<Diagnostic> {
        self.items
            .sort_by_key(|d| d.primary.as_ref().map_or((1, 0), |l| (0, l.span.start)));
        self.items.dedup();
        self.items
    }
}

/// What a stage returns when it cannot go on: at least one of them is an error.
pub type Failure = Vec<Diagnostic>;
