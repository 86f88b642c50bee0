//! Which columns of a file feed which columns of a table.
//!
//! in: a table's declaration and the file's header -> out: [`Layout`]; E0702, E0707 and E0711 where they do not match.

use std::collections::HashSet;

use super::finding::{at_column, clip, listing, suggest};
use super::labels::normal;
use crate::diag::{Code, Diagnostic};
use crate::model::{Column, ColumnId, Model, Source, Table};

/// A table's view of a file.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Layout {
    /// One per column of the table, in order.
    pub(super) columns: Vec<ColumnLayout>,
    /// Positions in the file of the `by` columns.
    pub(super) by: Vec<usize>,
    /// Positions in the file of the `within` columns.
    pub(super) within: Vec<usize>,
}

/// Where a column's cells stand.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ColumnLayout {
    /// The column of the model.
    pub(super) column: ColumnId,
    /// Positions in the file; empty for `listed`.
    pub(super) fields: Vec<usize>,
    /// The elements of a group, one per field; empty for a single column.
    pub(super) elements: Vec<String>,
}

struct Ctx<'a> {
    file: &'a str,
    headers: &'a [String],
    found: Vec<Diagnostic>,
}

/// Matches a table with a header.
pub(super) fn match_header(
    model: &Model,
    table: &Table,
    file: &str,
    headers: &[String],
) -> Result<Layout, Vec<Diagnostic>> {
    let mut ctx = Ctx {
        file,
        headers,
        found: Vec::new(),
    };
    let mut layout = Layout::default();
    if let Some(order) = &table.ordered {
        layout.by = ctx.order_columns(table, &order.by);
        layout.within = ctx.order_columns(table, &order.within);
    }
    let mut named: HashSet<usize> = layout.by.iter().chain(&layout.within).copied().collect();
    for id in &table.columns {
        let column = model.column(*id);
        let (fields, elements) = ctx.source(column);
        named.extend(&fields);
        layout.columns.push(ColumnLayout {
            column: *id,
            fields,
            elements,
        });
    }
    for entry in &mut layout.columns {
        let column = model.column(entry.column);
        if column.source == Source::Rest {
            entry.fields = (0..headers.len()).filter(|f| !named.contains(f)).collect();
            entry.elements = entry.fields.iter().map(|f| headers[*f].clone()).collect();
        }
        if matches!(column.source, Source::Rest | Source::Pattern(_)) {
            ctx.check_group(column, entry);
        }
    }
    if ctx.found.is_empty() {
        Ok(layout)
    } else {
        Err(ctx.found)
    }
}

impl Ctx<'_> {
    fn order_columns(&mut self, table: &Table, names: &[String]) -> Vec<usize> {
        let mut fields = Vec::new();
        for name in names {
            let missing = Diagnostic::new(Code::E0702, self.missing_title(name)).at(
                table.span,
                format!("`{}` is ordered by it", clip(&table.name, 30)),
            );
            fields.extend(self.field(name, missing));
        }
        fields
    }

    fn missing_title(&self, name: &str) -> String {
        format!("data file has no column `{}`", clip(name, 30))
    }

    fn source(&mut self, column: &Column) -> (Vec<usize>, Vec<String>) {
        let missing =
            |ctx: &Self, name: &str| at_column(Code::E0702, ctx.missing_title(name), column);
        match &column.source {
            Source::Header(name) => {
                let missing = missing(self, name);
                (self.field(name, missing).into_iter().collect(), Vec::new())
            }
            Source::List(names) => names
                .iter()
                .filter_map(|name| {
                    let missing = missing(self, name);
                    let element = normal(name).into_owned();
                    self.field(name, missing).map(|f| (f, element))
                })
                .unzip(),
            Source::Pattern(pattern) => {
                let (before, after) = pattern.split_once('*').unwrap_or((pattern, ""));
                let matched = |header: &str| {
                    let middle = header.strip_prefix(before)?.strip_suffix(after)?;
                    (!middle.is_empty()).then(|| middle.to_string())
                };
                self.headers
                    .iter()
                    .enumerate()
                    .filter_map(|(f, h)| matched(h).map(|element| (f, element)))
                    .unzip()
            }
            Source::Rest | Source::Listed => (Vec::new(), Vec::new()),
        }
    }

    /// The one column of the file with this name.
    fn field(&mut self, name: &str, missing: Diagnostic) -> Option<usize> {
        let wanted = normal(name);
        let mut places = (0..self.headers.len()).filter(|f| self.headers[*f] == wanted);
        match (places.next(), places.next()) {
            (Some(field), None) => Some(field),
            (Some(first), Some(second)) => {
                self.found.push(
                    Diagnostic::new(
                        Code::E0711,
                        format!("header names `{}` twice", clip(name, 30)),
                    )
                    .note(format!(
                        "{}: columns {} and {} of the file are both called `{name}`",
                        self.file,
                        first + 1,
                        second + 1
                    )),
                );
                None
            }
            (None, _) => {
                let headers = self.headers.iter().map(String::as_str);
                let mut missing = missing.note(format!(
                    "{} has the columns {}",
                    self.file,
                    listing(headers)
                ));
                if let [only] = self.headers
                    && only.contains([';', '\t', '|'])
                {
                    missing = missing.help("separate the columns of the file by commas");
                }
                let headers = self.headers.iter().map(String::as_str);
                self.found.push(suggest(missing, &wanted, headers));
                None
            }
        }
    }

    fn check_group(&mut self, column: &Column, entry: &ColumnLayout) {
        if entry.fields.is_empty() {
            let headers = listing(self.headers.iter().map(String::as_str));
            let title = match &column.source {
                Source::Pattern(p) => format!("no column of the file matches `{}`", clip(p, 20)),
                _ => "no column of the file is left for `rest`".to_string(),
            };
            self.found.push(
                at_column(Code::E0707, title, column)
                    .note(format!("{} has the columns {headers}", self.file)),
            );
            return;
        }
        let mut seen = HashSet::new();
        for (field, element) in entry.fields.iter().zip(&entry.elements) {
            let title = if self.headers[*field].is_empty() {
                format!("column {} of the file has no name", field + 1)
            } else if !seen.insert(element) {
                format!("header names `{}` twice", clip(&self.headers[*field], 30))
            } else {
                continue;
            };
            self.found
                .push(at_column(Code::E0711, title, column).note(format!(
                "{}: column {} belongs to the group `{}`, whose elements are named by the header",
                self.file,
                field + 1,
                column.name
            )));
        }
    }
}
