//! Signs and comments in columns.
//!
//! in: lines -> out: the same lines, padded so that in a run of like lines the signs stand below each other.
//!
//! A run ends at a blank line, at a comment on a line of its own and at a statement of another kind. Words that begin
//! variables share their width over the `let`s among them; the signs of each kind have a column of their own.

use super::line::{Class, Line};

/// Pads the lines in place.
pub(super) fn align(lines: &mut [Line]) {
    let is_declaration = |class| matches!(class, Class::Let | Class::Variable);
    for_runs(
        lines,
        |a, b| is_declaration(a) && is_declaration(b),
        |run| {
            let width = run.iter().map(|l| width(&l.keyword)).max().unwrap_or(0);
            run.iter_mut().for_each(|l| pad(&mut l.keyword, width));
        },
    );
    for_runs(
        lines,
        |a, b| a == b && a != Class::Other,
        |run| {
            // a potential or a column has no word and head of its own: all before the sign is in `keyword`
            let part = |line: &Line| {
                if line.head.is_empty() {
                    width(&line.keyword)
                } else {
                    width(&line.head)
                }
            };
            let with_tail = run.iter().filter(|l| !l.tail.is_empty());
            let width = with_tail.map(|l| part(l)).max().unwrap_or(0);
            for line in run.iter_mut().filter(|l| !l.tail.is_empty()) {
                if line.head.is_empty() {
                    pad(&mut line.keyword, width);
                } else {
                    pad(&mut line.head, width);
                }
            }
        },
    );
    align_comments(lines);
}

/// Calls `act` on each longest run of lines of which neighbours are `alike`; continuation lines are stepped over.
fn for_runs(
    lines: &mut [Line],
    alike: impl Fn(Class, Class) -> bool,
    act: impl Fn(&mut Vec<&mut Line>),
) {
    let mut run: Vec<&mut Line> = Vec::new();
    for line in lines {
        if line.class == Class::Continuation {
            continue;
        }
        let continues = !line.after_blank && run.last().is_some_and(|l| alike(l.class, line.class));
        if !continues {
            act(&mut run);
            run.clear();
        }
        run.push(line);
    }
    act(&mut run);
}

/// Comments at the ends of neighbouring lines that stood in one column stay in one, moved right where code needs it.
fn align_comments(lines: &mut [Line]) {
    let mut start = 0;
    while start < lines.len() {
        let column_of = |line: &Line| {
            let is_trailing = !line.code().trim().is_empty();
            line.comment
                .as_ref()
                .filter(|_| is_trailing)
                .map(|(_, column)| *column)
        };
        let Some(column) = lines.get(start).and_then(column_of) else {
            start += 1;
            continue;
        };
        let rest = lines.get_mut(start..).unwrap_or(&mut []);
        let n_lines = rest
            .iter()
            .take_while(|l| column_of(l) == Some(column))
            .count();
        let run = rest.get_mut(..n_lines).unwrap_or(&mut []);
        let needed = run
            .iter()
            .map(|l| width(l.code().trim_end()) + 1)
            .max()
            .unwrap_or(0);
        let shared = if column >= needed { column } else { needed + 1 };
        for line in run {
            if let Some((_, column)) = &mut line.comment {
                *column = shared;
            }
        }
        start += n_lines.max(1);
    }
}

fn width(text: &str) -> usize {
    text.chars().count()
}

fn pad(text: &mut String, to: usize) {
    let missing = to.saturating_sub(width(text));
    text.push_str(&" ".repeat(missing));
}
