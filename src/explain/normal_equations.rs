//! Several unknowns that are solved for together: their linear system, block by block.
//!
//! ```text
//! a point   Σ_j A_ij v_j = b_i, one line for each unknown, what all of them hold cancelled
//! latent    Cov[v]^-1 = A, E[v] = A^-1 b, then the blocks of A and b
//! ```
//!
//! A block is a matrix, a vector or a number where its unknowns are; entry by entry where they are more than vectors.

use crate::algebra::formula::Formula;
use crate::algebra::layout::Layout;
use crate::algebra::piece::Piece;
use crate::family::StatisticKind as K;
use crate::model::{Axis, Role};

use super::factor::together;
use super::gaussian::{cancel_factors, head, pairs};
use super::message::Target;
use super::update::{Collected, Equation, cancel};

fn of(name: &str, x: Formula) -> Formula {
    Formula::Of(name.to_string(), Box::new(x))
}

/// Precision pieces by pairs (i, j), j >= i, and linear pieces by i.
pub(super) struct System {
    /// A
    pub quadratic: Vec<(usize, usize, Vec<Piece>)>,
    /// b
    pub linear: Vec<Vec<Piece>>,
}

/// See the module.
pub fn joint(c: &Collected<'_, '_>) -> Vec<Equation> {
    let system = system(c);
    if c.block.role != Role::Latent
        && c.block.unknowns.len() > 1
        && let Some(lines) = lines(c, &system)
    {
        return lines;
    }
    named(c, &system)
}

/// What a block collects for its values and for their products.
pub(super) fn system(c: &Collected<'_, '_>) -> System {
    let n = c.block.unknowns.len();
    let mut system = System {
        quadratic: vec![],
        linear: (0..n)
            .map(|i| c.message(&Target::Single(i, K::Value), 1.0))
            .collect(),
    };
    for i in 0..n {
        for j in i..n {
            let list = if i == j {
                pairs(c, i)
            } else {
                c.message(&Target::Pair(i, j), -1.0)
            };
            if !list.is_empty() {
                system.quadratic.push((i, j, list));
            }
        }
    }
    system
}

/// The inside axis of a vector, none for a number; `None` for more.
fn axis(c: &Collected<'_, '_>, i: usize) -> Option<Option<Axis>> {
    match c.slots.inside(c.block, i).as_slice() {
        [] => Some(None),
        [a] => Some(Some(*a)),
        _ => None,
    }
}

/// A block of the precision as it multiplies the second unknown from the left.
pub(super) fn block(c: &Collected<'_, '_>, i: usize, j: usize, list: &[Piece]) -> Option<Formula> {
    match (axis(c, i)?, axis(c, j)?) {
        (None, None) => Some(c.sum(list)),
        (Some(d), None) | (None, Some(d)) => {
            c.page.sum(list, &c.names.hiding(d), Layout::Vector(d))
        }
        (Some(d), Some(e)) => {
            let e = if i == j {
                *c.slots.second[j].first()?
            } else {
                e
            };
            let names = c.names.bind(c.page.writer.letters, [e]);
            c.page.sum_matrix(list, &names, d, e)
        }
    }
}

pub(super) fn vector(c: &Collected<'_, '_>, i: usize, list: &[Piece]) -> Option<Formula> {
    let f = match axis(c, i)? {
        None => c.sum(list),
        Some(d) => c.page.sum(list, &c.names.hiding(d), Layout::Vector(d))?,
    };
    Some(together(f))
}

/// One linear equation for each unknown of a point.
fn lines(c: &Collected<'_, '_>, system: &System) -> Option<Vec<Equation>> {
    // What every piece holds, a scale mostly, cancels.
    let mut top: Vec<Piece> = system.linear.concat();
    let mut bottom: Vec<Piece> = system.quadratic.iter().flat_map(|q| q.2.clone()).collect();
    cancel_factors(&mut top, &mut bottom);
    cancel(&mut top, &mut bottom);
    let (mut top, mut bottom) = (top.into_iter(), bottom.into_iter());
    let linear: Vec<Vec<Piece>> = system
        .linear
        .iter()
        .map(|l| top.by_ref().take(l.len()).collect())
        .collect();
    let quadratic: Vec<(usize, usize, Vec<Piece>)> = system
        .quadratic
        .iter()
        .map(|(i, j, l)| (*i, *j, bottom.by_ref().take(l.len()).collect()))
        .collect();
    let mut out = vec![];
    for (i, right) in linear.iter().enumerate() {
        let mut left = vec![];
        for (a, b, list) in &quadratic {
            let j = match (*a == i, *b == i) {
                (true, _) => *b,
                (false, true) => *a,
                _ => continue,
            };
            let mut f = block(c, *a, *b, list)?;
            // The first unknown's block is a column; as a row, or below the diagonal, it is transposed.
            let turned = match (axis(c, *a)?, axis(c, *b)?) {
                (None, None) => false,
                (Some(_), Some(_)) => *a != i,
                (Some(_), None) => *a != i,
                (None, Some(_)) => *a == i,
            };
            if turned {
                f = f.transposed();
            }
            left.push(Formula::product([f, c.whole(j)]));
        }
        let lead = if i == 0 { "solved together" } else { "" };
        out.push(Equation::new(
            lead,
            Formula::equation(Formula::sum(left), vector(c, i, right)?),
        ));
    }
    Some(out)
}

/// A and b under names of their own, block by block, or entry by entry where a block has no such form.
fn named(c: &Collected<'_, '_>, system: &System) -> Vec<Equation> {
    let n = c.block.unknowns.len();
    let list: Vec<Formula> = (0..n).map(|i| c.whole(i)).collect();
    let v = match list.as_slice() {
        [one] => one.clone(),
        _ => Formula::List(list.clone()),
    };
    let (a_name, b_name) = (
        c.page.unused(&["A", "P", "Q", "AA"]),
        c.page.unused(&["b", "g", "u", "bb"]),
    );
    let (a, b) = (Formula::name(&a_name), Formula::name(&b_name));
    let mean = Formula::product([a.clone().inverse(), b]);
    let line = |x: Formula, y: Formula| Equation::new("", Formula::equation(x, y));
    let mut out = vec![];
    if c.block.role == Role::Latent {
        out.push(head(c));
        out.push(line(of("Cov", v.clone()).inverse(), a));
        out.push(line(of("E", v), mean));
    } else {
        let left = match list.as_slice() {
            [one] => one.clone(),
            _ => Formula::Apply(String::new(), list),
        };
        out.push(line(left, mean));
    }
    out.extend(entries(c, system, &a_name, &b_name));
    out
}

/// A and b block by block, each at the unknowns it stands between.
pub(super) fn entries(
    c: &Collected<'_, '_>,
    system: &System,
    a_name: &str,
    b_name: &str,
) -> Vec<Equation> {
    let line = |x: Formula, y: Formula| Equation::new("", Formula::equation(x, y));
    let mut out = vec![];
    let at = |f: &str, names: Vec<Formula>| of(f, Formula::List(names));
    for (i, j, list) in &system.quadratic {
        if let Some(f) = block(c, *i, *j, list) {
            // A block with a number is a column.
            let (x, y) = match (axis(c, *i), axis(c, *j)) {
                (Some(None), Some(Some(_))) => (*j, *i),
                _ => (*i, *j),
            };
            out.push(line(at(a_name, vec![c.whole(x), c.whole(y)]), f));
            continue;
        }
        let names = c
            .names
            .bind(c.page.writer.letters, c.slots.second[*j].iter().copied());
        let mut axes = c.slots.of[*j].clone();
        if i == j {
            for (s, a) in c.block.inside_slots[*j].iter().zip(&c.slots.second[*j]) {
                axes[*s] = *a;
            }
        }
        let right = c.page.symbol(c.block.unknowns[*j], &axes, &names, &[]);
        let f = c
            .page
            .sum(list, &names, Layout::Index)
            .unwrap_or(Formula::Number(0.0));
        out.push(line(at(a_name, vec![c.symbol(*i), right]), f));
    }
    for (i, list) in system.linear.iter().enumerate() {
        let (name, f) = match vector(c, i, list) {
            Some(f) => (c.whole(i), f),
            None => (c.symbol(i), c.sum(list)),
        };
        out.push(line(at(b_name, vec![name]), f));
    }
    out
}
