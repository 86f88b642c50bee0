//! `ordered by t within session`: rows sorted so that groups are contiguous and in order inside.
//!
//! in: a [`RawTable`] with the texts of its `by` and `within` columns -> out: the table sorted, and for each row the one
//! before it in its group; E0712 for a position that is blank or taken twice.
//!
//! Groups come in the order of their labels, rows by position, both by number if all of a column's texts are numbers,
//! else by code point. Equal numbers in different spelling are the same position.

use std::cmp::Ordering;

use super::BLANK;
use super::cell;
use super::finding::clip;
use super::labels::compare;
use super::raw::{RawTable, Texts};
use crate::diag::{Code, Diagnostic};
use crate::model::{Order, Table};

/// Sorts the rows; returns the row before each in its group, or [`BLANK`].
pub(super) fn sort_rows(
    declared: &Table,
    order: &Order,
    raw: &mut RawTable,
    file: &str,
) -> Result<Vec<u32>, Vec<Diagnostic>> {
    let blank: Vec<Diagnostic> = order
        .by
        .iter()
        .zip(&raw.by)
        .chain(order.within.iter().zip(&raw.within))
        .filter_map(|(name, texts)| blank_position(declared, name, texts, raw, file))
        .collect();
    if !blank.is_empty() {
        return Err(blank);
    }
    let groups: Vec<Vec<u32>> = raw.within.iter().map(ranks).collect();
    let positions: Vec<Vec<u32>> = raw.by.iter().map(ranks).collect();
    let by_keys = |keys: &[Vec<u32>], a: u32, b: u32| {
        keys.iter()
            .map(|k| k.get(a as usize).cmp(&k.get(b as usize)))
            .find(|o| *o != Ordering::Equal)
            .unwrap_or(Ordering::Equal)
    };
    let mut rows: Vec<u32> = (0..raw.rows() as u32).collect();
    rows.sort_by(|a, b| by_keys(&groups, *a, *b).then_with(|| by_keys(&positions, *a, *b)));

    let same_group = |a: u32, b: u32| by_keys(&groups, a, b) == Ordering::Equal;
    if !positions.is_empty() {
        let twice: Vec<(u32, u32)> = rows
            .windows(2)
            .filter_map(|pair| <[u32; 2]>::try_from(pair).ok())
            .filter(|[a, b]| same_group(*a, *b) && by_keys(&positions, *a, *b) == Ordering::Equal)
            .map(|[a, b]| (a, b))
            .collect();
        if !twice.is_empty() {
            return Err(vec![position_twice(declared, order, raw, file, &twice)]);
        }
    }
    let mut previous = vec![BLANK; rows.len()];
    for (at, pair) in rows.windows(2).enumerate() {
        if let [a, b] = pair
            && same_group(*a, *b)
            && let Some(place) = previous.get_mut(at + 1)
        {
            *place = at as u32;
        }
    }
    if rows.iter().enumerate().any(|(at, row)| at as u32 != *row) {
        raw.select(&rows);
    }
    Ok(previous)
}

/// Each row's place among the distinct texts of a column.
fn ranks(texts: &Texts) -> Vec<u32> {
    let numbers: Option<Vec<f64>> = (0..texts.len())
        .map(|row| cell::number(texts.get(row).as_bytes()))
        .collect();
    let order = |a: &u32, b: &u32| {
        let (a, b) = (*a as usize, *b as usize);
        match &numbers {
            Some(v) => match (v.get(a), v.get(b)) {
                (Some(a), Some(b)) => compare(*a, *b),
                _ => Ordering::Equal,
            },
            None => texts.get(a).cmp(texts.get(b)),
        }
    };
    let mut rows: Vec<u32> = (0..texts.len() as u32).collect();
    rows.sort_by(order);
    let mut ranks = vec![0; rows.len()];
    let mut rank = 0;
    let mut before: Option<u32> = None;
    for row in rows {
        if before.is_some_and(|b| order(&b, &row) != Ordering::Equal) {
            rank += 1;
        }
        before = Some(row);
        if let Some(place) = ranks.get_mut(row as usize) {
            *place = rank;
        }
    }
    ranks
}

fn blank_position(
    declared: &Table,
    name: &str,
    texts: &Texts,
    raw: &RawTable,
    file: &str,
) -> Option<Diagnostic> {
    let blank: Vec<usize> = (0..texts.len())
        .filter(|row| texts.get(*row).is_empty())
        .collect();
    let first = blank.first()?;
    let place = raw.place(*first as u32);
    let mut diagnostic = Diagnostic::new(
        Code::E0712,
        format!("blank cell in `{}`, which orders the rows", clip(name, 20)),
    )
    .at(declared.span, format!("`{}` is ordered", declared.name))
    .note(format!("{file}, {place}, column `{name}`: a blank cell"));
    if blank.len() > 1 {
        diagnostic = diagnostic.note(format!("and {} more in this column", blank.len() - 1));
    }
    Some(diagnostic)
}

fn position_twice(
    declared: &Table,
    order: &Order,
    raw: &RawTable,
    file: &str,
    twice: &[(u32, u32)],
) -> Diagnostic {
    let texts = |names: &[String], columns: &[Texts], row: u32| {
        let parts: Vec<String> = names
            .iter()
            .zip(columns)
            .map(|(name, texts)| format!("{name} `{}`", clip(texts.get(row as usize), 40)))
            .collect();
        parts.join(", ")
    };
    let mut diagnostic = Diagnostic::new(
        Code::E0712,
        format!(
            "two rows of `{}` have the same position",
            clip(&declared.name, 20)
        ),
    )
    .at(declared.span, format!("`{}` is ordered", declared.name));
    for (a, b) in twice.iter().take(5) {
        let group = match texts(&order.within, &raw.within, *a) {
            none if none.is_empty() => none,
            some => format!(" within {some}"),
        };
        diagnostic = diagnostic.note(format!(
            "{file}, {} and {}: {}{group}",
            raw.place(*a),
            raw.place(*b),
            texts(&order.by, &raw.by, *a)
        ));
    }
    if twice.len() > 5 {
        diagnostic = diagnostic.note(format!("and {} more pairs of rows", twice.len() - 5));
    }
    if order.within.is_empty() {
        diagnostic = diagnostic.help(
            "if the file holds several sequences, add `within` and the column that tells them apart",
        );
    }
    diagnostic
}
