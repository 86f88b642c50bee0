//! Diagnostics to text; the only importer of ariadne.
//!
//! in: [`Diagnostic`]s and the file they speak of -> out: text for a terminal ([`render`]) or a file ([`render_plain`]).
//!
//! ariadne draws the piece of source with its labels; the heading, notes and help are the same for findings with and
//! without a place, and are written here. Places are brought inside the file first: a finding about the end of the file,
//! about nothing (an empty place) or about more than the file must still be shown.

use std::fmt::Write;

use ariadne::{CharSet, Color, Config, Fmt, IndexType, Label, Report, ReportKind, Source};

use super::{Diagnostic, Severity};
use crate::source::{SourceFile, Span};

/// Renders with colour.
pub fn render(diagnostics: &[Diagnostic], source: &SourceFile) -> String {
    render_all(diagnostics, source, true)
}

/// Renders without colour.
pub fn render_plain(diagnostics: &[Diagnostic], source: &SourceFile) -> String {
    render_all(diagnostics, source, false)
}

fn render_all(diagnostics: &[Diagnostic], source: &SourceFile, colour: bool) -> String {
    let shown = SourceFile::new(one_line(&source.name), with_plain_lines(&source.text));
    let blocks: Vec<String> = diagnostics
        .iter()
        .map(|diagnostic| render_one(diagnostic, &shown, colour))
        .collect();
    blocks.join("\n")
}

fn render_one(diagnostic: &Diagnostic, source: &SourceFile, colour: bool) -> String {
    let (word, tint) = match diagnostic.severity {
        Severity::Error => ("error", Color::Red),
        Severity::Warning => ("warning", Color::Yellow),
    };
    let heading = format!("{word}[{}]:", diagnostic.code.as_str());
    let mut out = format!(
        "{} {}\n",
        tinted(&heading, tint, colour),
        one_line(&diagnostic.title)
    );
    out.push_str(&snippet(diagnostic, source, tint, colour));
    for (word, lines) in [("note", &diagnostic.notes), ("help", &diagnostic.help)] {
        for text in lines {
            let text = text.trim_end().replace('\n', "\n        ");
            // writing to a string does not fail
            let _ = writeln!(out, "  {}: {text}", tinted(word, Color::Cyan, colour));
        }
    }
    out
}

/// The source with the labels; nothing for a finding without a place.
fn snippet(diagnostic: &Diagnostic, source: &SourceFile, tint: Color, colour: bool) -> String {
    let Some(primary) = &diagnostic.primary else {
        return String::new();
    };
    let name = source.name.as_str();
    let place = |span: Span| {
        let inside = inside(span, &source.text);
        (name, inside.start..inside.end)
    };
    let config = Config::new()
        .with_color(colour)
        .with_char_set(CharSet::Unicode)
        .with_index_type(IndexType::Byte)
        .with_tab_width(2);
    let mut report = Report::build(ReportKind::Error, place(primary.span)).with_config(config);
    let others = diagnostic.secondary.iter().map(|l| (l, Color::Blue));
    let mut labels: Vec<(&super::Label, Color)> =
        std::iter::once((primary, tint)).chain(others).collect();
    // ariadne draws one excerpt for labels that come in the order of the lines
    labels.sort_by_key(|(label, _)| inside(label.span, &source.text));
    for (label, tint) in labels {
        let mut drawn = Label::new(place(label.span)).with_color(tint);
        if !label.text.is_empty() {
            drawn = drawn.with_message(one_line(&label.text));
        }
        report = report.with_label(drawn);
    }
    let mut drawn = Vec::new();
    let cache = (name, Source::from(source.text.as_str()));
    if report.finish().write(cache, &mut drawn).is_err() {
        return String::new();
    }
    let text = String::from_utf8_lossy(&drawn);
    // the first line is ariadne's heading
    let lines: Vec<&str> = text.lines().skip(1).map(str::trim_end).collect();
    lines.iter().map(|line| format!("{line}\n")).collect()
}

/// The place moved inside the text, on whole characters, without blanks at its end.
fn inside(span: Span, text: &str) -> Span {
    let floor = |mut at: usize| {
        at = at.min(text.len());
        while !text.is_char_boundary(at) {
            at -= 1;
        }
        at
    };
    let start = floor(span.start);
    let end = floor(span.end).max(start);
    let covered = text.get(start..end).unwrap_or("").trim_end();
    if !covered.is_empty() {
        return Span::new(start, start + covered.len());
    }
    if start < text.len() {
        return Span::new(start, start);
    }
    // at the end of the file: right after its last character
    let last = text.trim_end().len();
    Span::new(last, last)
}

/// Only line feeds end lines here; other separators become blanks of the same length, so that places stay.
fn with_plain_lines(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '\r' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}' => {
                " ".repeat(c.len_utf8())
            }
            _ => c.to_string(),
        })
        .collect()
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn tinted(text: &str, tint: Color, colour: bool) -> String {
    if colour {
        text.fg(tint).to_string()
    } else {
        text.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diag::Code;

    fn finding(span: Span) -> Diagnostic {
        Diagnostic::new(Code::E0201, "expected a name, found `3`")
            .at(span, "here")
            .note("a note")
            .help("a way out\nin two lines")
    }

    #[test]
    fn a_finding_shows_its_place_and_every_line() {
        let source = SourceFile::new("m.pmod", "model m\nconst 3 = 4\n");
        let found = finding(Span::new(14, 15)).also(Span::new(8, 13), "because of this");
        let text = render_plain(&[found.help("another")], &source);
        assert_eq!(
            text,
            "error[E0201]: expected a name, found `3`\n   ╭─[ m.pmod:2:7 ]\n   │\n 2 │ const 3 = 4\n   │ ──┬── ┬\n   │   ╰────── because of this\n   │       │\n   │       ╰── here\n───╯\n  note: a note\n  help: a way out\n        in two lines\n  help: another\n"
        );
        assert!(!text.contains('\u{1b}'));
    }

    #[test]
    fn colour_changes_nothing_but_colour() {
        let source = SourceFile::new("m.pmod", "const é = µ + 1\n");
        let found = [finding(Span::new(6, 8)), Diagnostic::new(Code::W0501, "t")];
        let coloured = render(&found, &source);
        assert!(coloured.contains("\u{1b}["));
        let mut plain = String::new();
        let mut in_escape = false;
        for c in coloured.chars() {
            match (in_escape, c) {
                (false, '\u{1b}') => in_escape = true,
                (true, 'm') => in_escape = false,
                (true, _) => {}
                (false, _) => plain.push(c),
            }
        }
        let plain: Vec<&str> = plain.lines().map(str::trim_end).collect();
        let expected = render_plain(&found, &source);
        assert_eq!(plain, expected.lines().collect::<Vec<_>>());
    }

    #[test]
    fn a_finding_without_a_place_has_heading_notes_and_help() {
        let found = Diagnostic::new(Code::E0703, "cell not of its type")
            .note("row 3, column `y`: `abc`")
            .help("write a number");
        let text = render_plain(&[found], &SourceFile::new("m.pmod", ""));
        assert_eq!(
            text,
            "error[E0703]: cell not of its type\n  note: row 3, column `y`: `abc`\n  help: write a number\n"
        );
    }

    #[test]
    fn no_place_is_too_odd_to_be_shown() {
        let texts = [
            "",
            "\n",
            "é",
            "a\r\nb\rc\u{2028}d\u{85}e\u{b}\n\n",
            "x\t= 'µ'\n\n  }\n",
            "data d {\n  x : real\n  日本 : label\n}\n",
        ];
        for text in texts {
            let source = SourceFile::new("odd.pmod", text);
            for start in 0..text.len() + 3 {
                for end in 0..text.len() + 3 {
                    let both = finding(Span::new(start, end)).also(Span::new(end, start), "there");
                    let shown = render_plain(&[both], &source);
                    assert!(shown.contains("here"), "{text:?} {start}..{end}: {shown}");
                    assert!(shown.contains("there"), "{text:?} {start}..{end}: {shown}");
                }
            }
        }
    }
}
