//! Messages as pieces: what a block collects for one of its statistics, at the letters of the block.
//!
//! ```text
//! eta_B = d E_q[log p] / d E[t_B]:  the item without t_B, its axes renamed to the block's, other subscripts as conditions
//! ```
//!
//! Exact simplifications only: an indicator summed over its own value alone is 1; a sum without unknowns that holds a number is
//! taken apart; equal pieces add up.

use crate::algebra::piece::{Condition, MatrixFactor, Piece, Square, SquareKind};
use crate::algebra::{Known, Statistic, Subscript, UnknownId};
use crate::derive::{Block, Derivation, Form};
use crate::family::StatisticKind;
use crate::model::{Axis, PlateId};

use super::items::Item;

/// Axis ids of block letters start here, above canonical ones.
const FIRST_ID: u32 = 1 << 28;

/// The letters of a block.
#[derive(Debug, Clone, PartialEq)]
pub struct Slots {
    /// For each unknown, an axis per slot, value slots included.
    pub of: Vec<Vec<Axis>>,
    /// For each discrete unknown, the axis of its value.
    pub value: Vec<Option<Axis>>,
    /// For each unknown, the axis of each inside slot a second time, for pairs.
    pub second: Vec<Vec<Axis>>,
}

impl Slots {
    /// Batch plates share one axis; every other slot has its own.
    pub fn of(d: &Derivation, b: &Block) -> Slots {
        let mut next = FIRST_ID;
        let mut fresh = |plate: PlateId| {
            next += 1;
            Axis {
                plate,
                id: next - 1,
            }
        };
        let batch: Vec<Axis> = b.batch.iter().map(|p| fresh(*p)).collect();
        let mut of = vec![];
        for (u, slots) in b.unknowns.iter().zip(&b.batch_slots) {
            let axes = d
                .unknowns
                .get(*u)
                .slots
                .iter()
                .enumerate()
                .map(|(i, p)| match slots.iter().position(|s| *s == i) {
                    Some(at) => batch.get(at).copied().unwrap_or_else(|| fresh(*p)),
                    None => fresh(*p),
                })
                .collect();
            of.push(axes);
        }
        let value = b
            .unknowns
            .iter()
            .map(|u| d.unknowns.get(*u).element_plate().map(&mut fresh))
            .collect();
        let second = b
            .unknowns
            .iter()
            .zip(&b.inside_slots)
            .map(|(u, s)| {
                s.iter()
                    .map(|i| fresh(d.unknowns.get(*u).slots[*i]))
                    .collect()
            })
            .collect();
        Slots { of, value, second }
    }

    /// All first axes in the order letters should be given out.
    pub fn axes(&self) -> Vec<Axis> {
        let mut out: Vec<Axis> = vec![];
        for a in self.of.iter().flatten().chain(self.value.iter().flatten()) {
            if !out.contains(a) {
                out.push(*a);
            }
        }
        out
    }

    /// The inside axes of an unknown.
    pub fn inside(&self, b: &Block, i: usize) -> Vec<Axis> {
        b.inside_slots[i].iter().map(|s| self.of[i][*s]).collect()
    }
}

/// What a block collects, by statistic.
#[derive(Debug, Clone, PartialEq)]
pub enum Target {
    /// A statistic of one unknown (by position in the block).
    Single(usize, StatisticKind),
    /// v_I v_J
    Pair(usize, usize),
    /// V w
    Cross,
    /// w' V w
    Quadratic,
    /// A joint state.
    State,
}

/// All messages to a block.
pub fn messages(d: &Derivation, items: &[Item], b: &Block, slots: &Slots) -> Vec<(Target, Piece)> {
    let mut out = vec![];
    for item in items {
        let own = |u: &UnknownId| b.unknowns.contains(u);
        if !item
            .terms
            .iter()
            .any(|t| t.stats.iter().any(|s| own(&s.of)))
        {
            continue;
        }
        let inside_roots = item
            .piece
            .square
            .as_ref()
            .is_some_and(|s| s.roots.iter().any(|r| r.stats.iter().any(|s| own(&s.of))));
        let gaussian = matches!(
            b.form,
            Form::Gaussian | Form::GaussianWishart | Form::GaussianGamma
        );
        if item.piece.square.is_some() && !inside_roots && !gaussian {
            out.extend(of_piece(b, slots, &item.piece));
        } else {
            for t in &item.terms {
                out.extend(of_piece(b, slots, &Piece::from(t)));
            }
        }
    }
    let mut out: Vec<(Target, Piece)> = out
        .into_iter()
        .flat_map(|(t, p)| simplify(d, p).into_iter().map(move |p| (t.clone(), p)))
        .collect();
    merge(&mut out);
    out
}

/// The message of one piece; none where it holds nothing of the block.
fn of_piece(b: &Block, slots: &Slots, p: &Piece) -> Option<(Target, Piece)> {
    let position = |u: UnknownId| b.unknowns.iter().position(|x| *x == u);
    let mine: Vec<&Statistic> = p
        .stats
        .iter()
        .filter(|s| position(s.of).is_some())
        .collect();
    let mut rest = p.clone();
    rest.stats.retain(|s| position(s.of).is_none());
    // The block is the matrix of a square: (x - m)(x - m)' is what it collects.
    if let Some(Square {
        roots,
        kind: SquareKind::Form(MatrixFactor::Statistic(m), d, e),
    }) = &p.square
        && let Some(i) = position(m.of)
    {
        let axes = &slots.of[i];
        let [.., x, y] = axes.as_slice() else {
            return None;
        };
        rest.square = Some(Square {
            roots: roots.clone(),
            kind: SquareKind::Outer(*d, *x, *y),
        });
        rest.axes.retain(|a| a != d && a != e);
        let n = m.index.len() - 2;
        let pairs = m.index[..n].iter().cloned().zip(axes.iter().copied());
        return Some((Target::Single(i, m.kind), aim(rest, pairs.collect())));
    }
    if mine.is_empty() {
        return None;
    }
    if matches!(b.form, Form::Discrete) {
        let mut pairs = vec![];
        for s in &mine {
            let i = position(s.of)?;
            pairs.extend(
                s.index
                    .iter()
                    .cloned()
                    .zip(slots.of[i].iter().copied().chain(slots.value[i])),
            );
        }
        return Some((Target::State, aim(rest, pairs)));
    }
    let batch = |s: &Statistic, i: usize| -> Vec<(Subscript, Axis)> {
        b.batch_slots[i]
            .iter()
            .filter_map(|p| Some((s.index.get(*p)?.clone(), slots.of[i][*p])))
            .collect()
    };
    let inside = |s: &Statistic, i: usize, to: &[Axis]| -> Vec<(Subscript, Axis)> {
        b.inside_slots[i]
            .iter()
            .zip(to)
            .filter_map(|(p, a)| Some((s.index.get(*p)?.clone(), *a)))
            .collect()
    };
    if matches!(b.form, Form::GaussianWishart | Form::GaussianGamma) {
        let v = mine.iter().find(|s| position(s.of) == Some(1))?;
        let ws: Vec<&&Statistic> = mine.iter().filter(|s| position(s.of) == Some(0)).collect();
        let matrix = matches!(b.form, Form::GaussianWishart);
        let mut pairs = vec![];
        let target = match ws.as_slice() {
            [] => {
                pairs.extend(v.index.iter().cloned().zip(slots.of[1].iter().copied()));
                Target::Single(1, v.kind)
            }
            [w] if matrix => {
                let [.., x, y] = v.index.as_slice() else {
                    return None;
                };
                let at = &w.index[*b.inside_slots[0].first()?];
                let other = if at == x { y } else { x };
                rest.axes.retain(|a| Subscript::Axis(*a) != *at);
                pairs.extend(batch(w, 0));
                pairs.push((other.clone(), *slots.inside(b, 0).first()?));
                Target::Cross
            }
            [w] => {
                pairs.extend(batch(w, 0));
                pairs.extend(inside(w, 0, &slots.inside(b, 0)));
                Target::Cross
            }
            [w, x] => {
                pairs.extend(batch(w, 0));
                if matrix {
                    let n = v.index.len() - 2;
                    rest.axes
                        .retain(|a| !v.index[n..].contains(&Subscript::Axis(*a)));
                } else {
                    pairs.extend(inside(w, 0, &slots.inside(b, 0)));
                    pairs.extend(inside(x, 0, &slots.second[0]));
                }
                Target::Quadratic
            }
            _ => return None,
        };
        return Some((target, aim(rest, pairs)));
    }
    match mine.as_slice() {
        [s] => {
            let i = position(s.of)?;
            let pairs = s.index.iter().cloned().zip(slots.of[i].iter().copied());
            Some((Target::Single(i, s.kind), aim(rest, pairs.collect())))
        }
        [s, t] => {
            let (i, j) = (position(s.of)?, position(t.of)?);
            let mut pairs = batch(s, i);
            pairs.extend(inside(s, i, &slots.inside(b, i)));
            let to = if i == j {
                slots.second[j].clone()
            } else {
                slots.inside(b, j)
            };
            pairs.extend(inside(t, j, &to));
            Some((Target::Pair(i, j), aim(rest, pairs)))
        }
        _ => None,
    }
}

/// Renames the axes of the statistic to the block's; what is no axis, or is one twice, becomes a condition.
fn aim(mut p: Piece, pairs: Vec<(Subscript, Axis)>) -> Piece {
    let mut map: Vec<(Axis, Axis)> = vec![];
    let mut given = vec![];
    for (s, t) in pairs {
        let seen = match &s {
            Subscript::Axis(a) => map.iter().find(|(x, _)| x == a).map(|(_, y)| *y),
            _ => None,
        };
        match (s, seen) {
            (Subscript::Axis(_), Some(x)) if x == t => {}
            (Subscript::Axis(_), Some(x)) => given.push((Subscript::Axis(x), t)),
            (Subscript::Axis(a), None) => map.push((a, t)),
            (other, _) => given.push((other, t)),
        }
    }
    p.axes.retain(|a| !map.iter().any(|(x, _)| x == a));
    p.given.extend(given.into_iter().map(|(s, t)| {
        let t_is = Subscript::Axis(t);
        let (left, right) = match s {
            Subscript::Element(_) => (t_is, s),
            _ => (s, t_is),
        };
        Condition {
            left,
            right,
            plate: t.plate,
        }
    }));
    let p = p.rename(&map);
    // Where `doc_n = d` holds, `v[doc_n]` is `v[d]`.
    let known: Vec<(Subscript, Subscript)> = p
        .given
        .iter()
        .filter(|c| matches!(c.left, Subscript::Column(..)))
        .map(|c| (c.left.clone(), c.right.clone()))
        .collect();
    if known.is_empty() {
        return p;
    }
    p.map(&|s| gathered(s, &known))
}

fn gathered(s: &Subscript, known: &[(Subscript, Subscript)]) -> Subscript {
    if let Some((_, to)) = known.iter().find(|(x, _)| x == s) {
        return to.clone();
    }
    match s {
        Subscript::Column(c, i) => {
            Subscript::Column(*c, i.iter().map(|x| gathered(x, known)).collect())
        }
        other => other.clone(),
    }
}

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

/// See the module.
fn simplify(d: &Derivation, mut p: Piece) -> Vec<Piece> {
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
fn merge(list: &mut Vec<(Target, Piece)>) {
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
    *list = out;
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
        )
    });
    out
}
