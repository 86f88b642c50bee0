//! Findings about data files, worded one way: the title states the fact, notes name file, row, line, column and value.

use crate::diag::{Code, Diagnostic, nearest};
use crate::model::Column;

/// How many cells of a column are shown for one kind of problem.
const SHOWN: usize = 5;
/// How many names of a list are shown.
const LISTED: usize = 12;

/// A cell that is not as it should be.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Place {
    /// 1-based data row; 0 for a row that `every` added.
    pub(super) row: usize,
    /// 1-based line of the file.
    pub(super) line: u64,
    /// Position of the column in the file.
    pub(super) field: usize,
    /// What the cell reads.
    pub(super) value: String,
}

/// Problems of one kind in one column: the first few, and how many there are.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Places {
    pub(super) first: Vec<Place>,
    pub(super) count: usize,
}

impl Places {
    /// One more; `place` is made only if it is going to be shown.
    pub(super) fn add(&mut self, place: impl FnOnce() -> Place) {
        if self.first.len() < SHOWN {
            self.first.push(place());
        }
        self.count += 1;
    }

    /// Adds those of the next piece, before which there are so many rows and lines.
    pub(super) fn append(&mut self, more: Places, (rows, lines): (usize, u64)) {
        let room = SHOWN - self.first.len().min(SHOWN);
        let first = more.first.into_iter().take(room);
        self.first.extend(first.map(|place| Place {
            row: place.row + rows,
            line: place.line + lines,
            ..place
        }));
        self.count += more.count;
    }

    /// A note for each place shown, and how many are not.
    pub(super) fn describe(
        &self,
        mut diagnostic: Diagnostic,
        file: &str,
        headers: &[String],
        expected: &str,
    ) -> Diagnostic {
        for place in &self.first {
            let header = headers.get(place.field).map_or("", String::as_str);
            diagnostic = diagnostic.note(format!(
                "{file}, {}, column `{header}`: {}, expected {expected}",
                row_and_line(place.row, place.line),
                if place.value.trim().is_empty() {
                    "a blank cell".to_string()
                } else {
                    format!("`{}`", clip(&place.value, 60))
                },
            ));
        }
        let more = self.count.saturating_sub(self.first.len());
        if more > 0 {
            diagnostic = diagnostic.note(format!("and {more} more in this column"));
        }
        diagnostic
    }
}

/// `row 3 (line 4)`; a file whose lines are its rows has no lines: `row 3`.
pub(super) fn row_and_line(row: usize, line: u64) -> String {
    if row as u64 == line {
        return format!("row {row}");
    }
    format!("row {row} (line {line})")
}

/// A text short enough for a title.
pub(super) fn clip(text: &str, limit: usize) -> String {
    if text.chars().count() <= limit {
        return text.to_string();
    }
    let mut short: String = text.chars().take(limit.saturating_sub(1)).collect();
    short.push('\u{2026}');
    short
}

/// A finding at a column's declaration.
pub(super) fn at_column(code: Code, title: String, column: &Column) -> Diagnostic {
    Diagnostic::new(code, title).at(
        column.span,
        format!("`{}` is declared here", clip(&column.name, 30)),
    )
}

/// `a`, `b`, `c` and 9 more
pub(super) fn listing<'a>(names: impl ExactSizeIterator<Item = &'a str>) -> String {
    let total = names.len();
    let shown: Vec<String> = names
        .take(LISTED)
        .map(|n| format!("`{}`", clip(n, 40)))
        .collect();
    let more = total - shown.len();
    match (total, more) {
        (0, _) => "none".to_string(),
        (_, 0) => shown.join(", "),
        (_, more) => format!("{} and {more} more", shown.join(", ")),
    }
}

/// Adds the nearest candidate as help, if there is one.
pub(super) fn suggest<'a>(
    diagnostic: Diagnostic,
    name: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Diagnostic {
    match nearest(name, candidates) {
        Some(near) => diagnostic.help(format!("did you mean `{near}`?")),
        None => diagnostic,
    }
}
