//! Cells of the right type for every column, independent of the model, and blanks where a column is observed.

use std::collections::BTreeMap;

use crate::random::Random;
use crate::tree::{Column, Every, Plate, Spec, Table, Type};

fn number(r: &mut Random, kind: Type, most: usize) -> String {
    let x = match kind {
        Type::Real => ((r.normal() * 1.5).clamp(-4.0, 4.0) * 100.0).round() / 100.0,
        Type::Positive => r.short(0.2, 3.0),
        Type::Probability => r.short(0.05, 0.95),
        Type::Count => r.below(most + 1) as f64,
        Type::Binary => r.below(2) as f64,
        Type::Weight => *r.pick(&[0.0, 0.5, 1.0, 1.0, 2.0, 3.0]),
        Type::Label => 0.0,
    };
    format!("{x}")
}

/// Fills all cells. `most` is the largest count of a column, where one is set.
pub fn fill(
    r: &mut Random,
    spec: &mut Spec,
    labels: &[(String, Vec<String>)],
    most: &BTreeMap<String, (usize, usize)>,
    blanks: usize,
) {
    let mut plates: BTreeMap<String, Vec<String>> = labels.iter().cloned().collect();
    for p in &spec.plates {
        let list = match p {
            Plate::Counted { size, .. } => (1..=*size).map(|i| i.to_string()).collect(),
            Plate::Listed { labels, .. } => labels.clone(),
        };
        plates.insert(p.name().to_string(), list);
    }
    for t in &mut spec.tables {
        let pairs = pairs(r, t, &plates);
        let rows = t.rows;
        for c in t.undeclared.iter_mut().chain(&mut t.columns) {
            let (low, high) = most.get(&c.name).copied().unwrap_or((0, 5));
            c.cells = cells(r, c, &t.name, rows, &plates, low, high, pairs.as_deref());
            if c.observed {
                for cell in &mut c.cells {
                    if blanks > 0 && r.chance(blanks) {
                        *cell = String::new();
                    }
                }
            }
        }
    }
}

/// Distinct pairs of labels for the columns of `every`.
fn pairs(
    r: &mut Random,
    t: &Table,
    plates: &BTreeMap<String, Vec<String>>,
) -> Option<Vec<(String, String)>> {
    let every = t.every.as_ref()?;
    let nodes = plates.get("node")?;
    let mut out = vec![];
    for (i, a) in nodes.iter().enumerate() {
        for (j, b) in nodes.iter().enumerate() {
            let wanted = match every {
                Every::Less(..) => i < j,
                Every::Differ(..) => i != j,
                Every::All(_) => true,
            };
            // An unordered pair may be listed either way round.
            if wanted && matches!(every, Every::Less(..)) && r.chance(50) {
                out.push((b.clone(), a.clone()));
            } else if wanted {
                out.push((a.clone(), b.clone()));
            }
        }
    }
    r.shuffle(&mut out);
    Some(out)
}

#[allow(clippy::too_many_arguments)]
fn cells(
    r: &mut Random,
    c: &Column,
    table: &str,
    rows: usize,
    plates: &BTreeMap<String, Vec<String>>,
    low: usize,
    high: usize,
    pairs: Option<&[(String, String)]>,
) -> Vec<String> {
    if c.name == "t" {
        let mut t: Vec<usize> = (1..=rows).map(|i| 3 * i).collect();
        r.shuffle(&mut t);
        return t.iter().map(|x| x.to_string()).collect();
    }
    let n = rows * c.width();
    if c.kind != Type::Label {
        return (0..n)
            .map(|_| match c.kind {
                Type::Count => format!("{}", r.between(low, high)),
                kind => number(r, kind, high),
            })
            .collect();
    }
    let none = vec![];
    let list = c.label_plate().and_then(|p| plates.get(p)).unwrap_or(&none);
    if let Some(pairs) = pairs
        && matches!(c.name.as_str(), "a" | "b")
    {
        let side = |p: &(String, String)| {
            if c.name == "a" {
                p.0.clone()
            } else {
                p.1.clone()
            }
        };
        return pairs.iter().take(rows).map(side).collect();
    }
    if c.name == table {
        return list.iter().take(rows).cloned().collect();
    }
    (0..n).map(|_| r.pick(list).clone()).collect()
}
