//! Standard output and error, and how a command ends.

use std::io::{self, BufWriter, ErrorKind, IsTerminal, Stdout, Write};

use crate::diag::{self, Code, Diagnostic, Severity};
use crate::source::SourceFile;

/// Why a command did not finish.
#[derive(Debug)]
pub(super) enum Failure {
    /// Nobody reads standard output any more: success.
    Closed,
    /// The model or the data is wrong; it was said.
    Wrong,
    /// The command line or a file; still to be said.
    Usage(String),
    /// The user asked; what was reached is written.
    Interrupted,
}

/// Standard output.
pub(super) struct Output {
    to: BufWriter<Stdout>,
}

impl Output {
    pub(super) fn new() -> Self {
        Output {
            to: BufWriter::new(io::stdout()),
        }
    }

    /// Writes text as it stands.
    pub(super) fn write(&mut self, text: &str) -> Result<(), Failure> {
        self.to.write_all(text.as_bytes()).map_err(failed)
    }

    pub(super) fn flush(&mut self) -> Result<(), Failure> {
        self.to.flush().map_err(failed)
    }
}

fn failed(e: io::Error) -> Failure {
    if e.kind() == ErrorKind::BrokenPipe {
        Failure::Closed
    } else {
        Failure::Usage(format!("cannot write to standard output: {e}"))
    }
}

/// A line on standard error; that nobody reads it is no failure.
pub(super) fn say(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// Shows findings on standard error, in colour on a terminal unless NO_COLOR is set.
pub(super) fn show(findings: &[Diagnostic], source: &SourceFile) {
    if findings.is_empty() {
        return;
    }
    let plain = std::env::var_os("NO_COLOR").is_some_and(|v| !v.is_empty());
    let text = if io::stderr().is_terminal() && !plain {
        diag::render(findings, source)
    } else {
        diag::render_plain(findings, source)
    };
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// Shows findings that end a command. A file that cannot be read is no fault of the model.
pub(super) fn refuse(findings: &[Diagnostic], source: &SourceFile) -> Failure {
    show(findings, source);
    let errors: Vec<&Diagnostic> = findings
        .iter()
        .filter(|d| d.severity == Severity::Error)
        .collect();
    if !errors.is_empty() && errors.iter().all(|d| d.code == Code::E0701) {
        Failure::Usage("not all data files could be read".into())
    } else {
        Failure::Wrong
    }
}
