//! A few lines on what was read.

use std::fmt::Write;

use super::Dataset;
use crate::model::{Model, PlateKind};

/// Rows of each table, sizes of the other plates, blank cells.
pub fn summary(model: &Model, dataset: &Dataset) -> String {
    let mut text = String::new();
    for (table, data) in model.tables.iter().zip(&dataset.tables) {
        let added = data.lines.added();
        let rows = plural(data.rows, "row");
        let _ = write!(text, "{}: {rows} from {}", table.name, data.file);
        if added > 0 {
            let _ = write!(text, " ({added} added by `every`)");
        }
        if table.ordered.is_some() {
            let starts = data.previous.iter().filter(|p| **p == super::BLANK);
            let _ = write!(text, " in {}", plural(starts.count(), "group"));
        }
        let missing: Vec<String> = data
            .missing
            .iter()
            .filter(|(_, n)| *n > 0)
            .map(|(name, n)| format!("{name} {n}"))
            .collect();
        if !missing.is_empty() {
            let _ = write!(text, ", blank cells: {}", missing.join(", "));
        }
        text.push('\n');
    }
    let plates: Vec<String> = model
        .plates
        .iter()
        .zip(&dataset.plates)
        .filter(|(plate, _)| !matches!(plate.kind, PlateKind::Binary | PlateKind::Rows(_)))
        .map(|(plate, data)| format!("{} {}", plate.name, data.size))
        .collect();
    if !plates.is_empty() {
        let _ = writeln!(text, "plates: {}", plates.join(", "));
    }
    text
}

fn plural(n: usize, thing: &str) -> String {
    format!("{n} {thing}{}", if n == 1 { "" } else { "s" })
}
