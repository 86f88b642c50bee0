//! A line to be, in the parts by which runs of lines are aligned.

/// Which lines are aligned with each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    Const,
    Let,
    Variable,
    Plate,
    Potential,
    Column,
    /// A further line of the statement before it.
    Continuation,
    Other,
}

/// A line to be.
#[derive(Debug, Clone)]
pub(super) struct Line {
    pub(super) class: Class,
    /// A blank line stands before it.
    pub(super) after_blank: bool,
    pub(super) indent: usize,
    /// The word that begins a statement.
    pub(super) keyword: String,
    /// What is declared.
    pub(super) head: String,
    /// From the sign on.
    pub(super) tail: String,
    /// The comment at its end, and the column it had.
    pub(super) comment: Option<(String, usize)>,
}

impl Line {
    pub(super) fn new(class: Class, indent: usize, after_blank: bool) -> Line {
        Line {
            class,
            after_blank,
            indent,
            keyword: String::new(),
            head: String::new(),
            tail: String::new(),
            comment: None,
        }
    }

    /// The line without its comment.
    pub(super) fn code(&self) -> String {
        let parts = [&self.keyword, &self.head, &self.tail];
        let parts: Vec<&str> = parts
            .into_iter()
            .map(String::as_str)
            .filter(|p| !p.is_empty())
            .collect();
        format!("{}{}", " ".repeat(self.indent), parts.join(" "))
    }

    /// Appends the line, with the blank line before it.
    pub(super) fn write(&self, out: &mut String) {
        if self.after_blank && !out.is_empty() {
            out.push('\n');
        }
        let mut line = self.code();
        if let Some((comment, column)) = &self.comment {
            let width = line.trim_end().chars().count();
            if width > 0 {
                line.truncate(line.trim_end().len());
                line.push_str(&" ".repeat(column.saturating_sub(width)));
            }
            line.push_str(comment);
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }

    /// Adds text to the part that is being written.
    pub(super) fn push(&mut self, text: &str, space: bool) {
        let part = if !self.tail.is_empty() {
            &mut self.tail
        } else if !self.head.is_empty() {
            &mut self.head
        } else {
            &mut self.keyword
        };
        if space && !part.is_empty() {
            part.push(' ');
        }
        part.push_str(text);
    }
}
