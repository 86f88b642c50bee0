//! Exact simplifications of messages: what a person would do before writing them down.
//!
//! ```text
//! Σ_k 1[z = k] = 1      Σ_n (1 - x_n) = N - Σ_n x_n      a + a = 2 a      -(Q + Q') = -2 Q  where Q is symmetric
//! ```

use crate::algebra::piece::Piece;
use crate::algebra::{Known, Subscript, UnknownId};
use crate::derive::Derivation;
use crate::family::StatisticKind;
use crate::model::{Axis, BINARY};

use super::message::Target;

/// The message of v_I v_J as entries of -(Q + Q'): twice where it is symmetric in I and J, else both orders.
pub fn symmetric(
    list: Vec<Piece>,
    first: &[Axis],
    second: &[Axis],
    is_matrix: &dyn Fn(UnknownId) -> bool,
) -> Vec<Piece> {
    let swap: Vec<(Axis, Axis)> = first
        .iter()
        .zip(second)
        .flat_map(|(a, b)| [(*a, *b), (*b, *a)])
        .collect();
    let mut out = vec![];
    for p in list {
        let other = p.rename(&swap);
        if ordered(&p, is_matrix) == ordered(&other, is_matrix) {
            out.push(Piece {
                coef: -2.0 * p.coef,
                ..p
            });
        } else {
            out.extend([p, other].map(|p| Piece { coef: -p.coef, ..p }));
        }
    }
    add(out)
}

/// Factors in an order that does not depend on how they were written.
fn ordered(p: &Piece, is_matrix: &dyn Fn(UnknownId) -> bool) -> Piece {
    let mut p = p.clone();
    for c in p.given.clone() {
        if let (Subscript::Axis(a), Subscript::Axis(b)) = (&c.left, &c.right) {
            let (low, high) = (*a.min(b), *a.max(b));
            p = p.map(&|s| s.substitute(&[(high, Subscript::Axis(low))]));
        }
    }
    for s in &mut p.stats {
        if is_matrix(s.of)
            && let [.., a, b] = s.index.as_mut_slice()
            && a > b
        {
            std::mem::swap(a, b);
        }
    }
    p.stats.sort();
    p.data.sort();
    for c in &mut p.given {
        if c.left > c.right {
            std::mem::swap(&mut c.left, &mut c.right);
        }
    }
    p.given
        .sort_by(|a, b| (&a.left, &a.right).cmp(&(&b.left, &b.right)));
    p
}

/// An indicator over its own value alone is 1; sums of constants come apart; idle axes are sizes.
pub fn simplify(d: &Derivation, mut p: Piece) -> Vec<Piece> {
    let latent = |u: UnknownId| {
        d.block_of(u)
            .is_some_and(|b| d.block(b).role == crate::model::Role::Latent)
    };
    while let Some(i) = p.stats.iter().position(|s| {
        s.kind == StatisticKind::Indicator
            && latent(s.of)
            && matches!(s.index.last(), Some(Subscript::Axis(a))
                if p.axes.contains(a) && occurrences(&p, *a) == 1)
    }) {
        let s = p.stats.remove(i);
        if let Some(Subscript::Axis(a)) = s.index.last() {
            p.axes.retain(|x| x != a);
        }
    }
    let mut out = vec![];
    for mut q in distribute(p) {
        // An axis that nothing carries is a size, unless its rows have weights.
        let carried = q.carried_axes();
        let weighted = |a: &Axis| {
            d.model
                .table_of(a.plate)
                .is_some_and(|t| d.model.table(t).weight.is_some())
        };
        let (sizes, axes): (Vec<Axis>, Vec<Axis>) = q
            .axes
            .iter()
            .copied()
            .partition(|a| !carried.contains(a) && !weighted(a));
        q.data.extend(sizes.iter().map(|a| Known::Size(a.plate)));
        q.axes = axes;
        q.data.sort();
        out.push(q);
    }
    out
}

fn occurrences(p: &Piece, a: Axis) -> usize {
    p.data.iter().filter(|k| k.axes().contains(&a)).count()
        + p.stats.iter().filter(|s| s.has_axis(a)).count()
        + p.given
            .iter()
            .filter(|c| c.left.has_axis(a) || c.right.has_axis(a))
            .count()
        + usize::from(p.square.as_ref().is_some_and(|s| s.axes().contains(&a)))
}

/// A sum of known numbers that holds a literal or a size, times nothing unknown, comes apart.
fn distribute(p: Piece) -> Vec<Piece> {
    if !p.stats.is_empty() || p.square.is_some() {
        return vec![p];
    }
    let sums: Vec<usize> = (0..p.data.len())
        .filter(|i| matches!(p.data[*i], Known::Add(_)))
        .collect();
    let [i] = sums[..] else { return vec![p] };
    let mut rest = p.clone();
    let Known::Add(parts) = rest.data.remove(i) else {
        return vec![p];
    };
    let plain = |k: &Known| matches!(k, Known::Number(_) | Known::Size(_));
    let alone = rest.data.is_empty();
    if (p.axes.is_empty() && !alone) || (!p.axes.is_empty() && !parts.iter().any(plain)) {
        return vec![p];
    }
    parts
        .into_iter()
        .map(|k| {
            let mut q = rest.clone();
            absorb(&mut q, k);
            q
        })
        .collect()
}

/// The piece times a known number.
pub fn absorb(p: &mut Piece, k: Known) {
    match k {
        Known::Number(n) => p.coef *= n.0,
        Known::Multiply(parts) => parts.into_iter().for_each(|x| absorb(p, x)),
        other => p.data.push(other),
    }
}

/// Equal pieces add up; zeros vanish; pieces without sums come first.
pub fn merge(list: &mut Vec<(Target, Piece)>) {
    let mut out: Vec<(Target, Piece)> = vec![];
    for (t, p) in list.drain(..) {
        let same = |q: &Piece| {
            Piece {
                coef: 0.0,
                ..q.clone()
            } == Piece {
                coef: 0.0,
                ..p.clone()
            }
        };
        match out.iter_mut().find(|(u, q)| *u == t && same(q)) {
            Some((_, q)) => q.coef = rounded(q.coef + p.coef, q.coef.abs().max(p.coef.abs())),
            None => out.push((t, p)),
        }
    }
    out.retain(|(_, p)| p.coef != 0.0);
    exhaust(&mut out);
    *list = out;
}

/// What holds at 0 and at 1 of a binary letter alike holds always.
fn exhaust(list: &mut Vec<(Target, Piece)>) {
    'again: loop {
        for i in 0..list.len() {
            for j in i + 1..list.len() {
                if list[i].0 == list[j].0
                    && let Some(p) = both(&list[i].1, &list[j].1)
                {
                    list[i].1 = p;
                    list.remove(j);
                    continue 'again;
                }
            }
        }
        return;
    }
}

fn both(p: &Piece, q: &Piece) -> Option<Piece> {
    let without = |p: &Piece, i: usize| {
        let mut p = p.clone();
        p.given.remove(i);
        p
    };
    for (i, a) in p.given.iter().enumerate() {
        for (j, b) in q.given.iter().enumerate() {
            let (Subscript::Element(x), Subscript::Element(y)) = (&a.right, &b.right) else {
                continue;
            };
            if a.left == b.left && a.plate == BINARY && x + y == 1 {
                let (rest, other) = (without(p, i), without(q, j));
                if rest == other {
                    return Some(rest);
                }
            }
        }
    }
    None
}

/// A sum of decimals as a person adds them: without the last bits of binary fractions.
fn rounded(x: f64, size: f64) -> f64 {
    let unit = size.log2().ceil().exp2();
    let scale = 1e14 / unit;
    let near = (x * 1e12 / unit).round() * unit / 1e12;
    let decimal = format!("{near:.12}").parse().unwrap_or(near);
    if f64::abs(decimal - x) * scale < 10.0 {
        decimal
    } else {
        x
    }
}

/// Adds pieces up as [`merge`] does, without targets; constants first.
pub fn add(pieces: Vec<Piece>) -> Vec<Piece> {
    let mut list: Vec<(Target, Piece)> = pieces.into_iter().map(|p| (Target::State, p)).collect();
    merge(&mut list);
    let mut out: Vec<Piece> = list.into_iter().map(|(_, p)| p).collect();
    out.sort_by_key(|p| {
        (
            !p.axes.is_empty() || p.square.is_some(),
            !p.stats.is_empty(),
            p.coef < 0.0,
            p.data.iter().any(|k| matches!(k, Known::Size(_))),
        )
    });
    out
}
