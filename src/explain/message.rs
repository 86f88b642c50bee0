//! Messages as pieces: what a block collects for one of its statistics, at the letters of the block.
//!
//! ```text
//! eta_B = d E_q[log p] / d E[t_B]:  the item without t_B, its axes renamed to the block's, other subscripts as conditions
//! ```
//!
//! Simplified as in `simplify`.

use crate::algebra::piece::{Condition, MatrixFactor, Piece, Square, SquareKind};
use crate::algebra::{Statistic, Subscript, UnknownId};
use crate::derive::{Block, Derivation, Form};
use crate::family::StatisticKind;
use crate::model::{Axis, PlateId};

use super::items::Item;
use super::simplify::{merge, simplify};

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

    /// A letter for each axis of a compound: those of the block where they are free, else further ones.
    pub fn of_compound(&self, b: &Block, at: usize) -> Vec<Axis> {
        let Some(c) = b.compounds.get(at) else {
            return vec![];
        };
        let mut out: Vec<Option<Axis>> = vec![None; c.axes.len()];
        // What stands at the element itself takes the block's letters before what stands at its predecessor.
        let mut stats: Vec<&Statistic> = c.stats.iter().collect();
        let lags = |s: &Statistic| s.index.iter().any(|i| matches!(i, Subscript::Lag(..)));
        stats.sort_by_key(|s| lags(s));
        for s in stats {
            let Some(u) = b.unknowns.iter().position(|u| *u == s.of) else {
                continue;
            };
            for (slot, i) in s.index.iter().enumerate() {
                let own = self.of[u].get(slot).copied().or(self.value[u]);
                i.visit_axes(&mut |a| {
                    let Some(p) = c.axes.iter().position(|x| *x == a) else {
                        return;
                    };
                    if out[p].is_none() {
                        let mut letter = Axis {
                            plate: a.plate,
                            id: own.map_or(FIRST_ID, |o| o.id),
                        };
                        while out.contains(&Some(letter)) {
                            letter.id += 1 << 20;
                        }
                        out[p] = Some(letter);
                    }
                });
            }
        }
        out.into_iter()
            .zip(&c.axes)
            .map(|(x, a)| x.unwrap_or(*a))
            .collect()
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
    /// A product of statistics, by position among the block's compounds.
    Compound(usize),
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
            Form::Gaussian
                | Form::GaussianWishart
                | Form::GaussianGamma
                | Form::GaussianNetwork
                | Form::Conditional
        );
        // A predictor of other unknowns stays whole.
        let whole = item.piece.square.is_none()
            && item
                .piece
                .stats
                .iter()
                .any(|s| d.unknowns.is_predictor(s.of))
            && item.piece.stats.iter().any(|s| own(&s.of));
        if (item.piece.square.is_some() && !inside_roots && !gaussian) || whole {
            out.extend(of_piece(d, b, slots, &item.piece));
        } else {
            for t in &item.terms {
                out.extend(of_piece(d, b, slots, &Piece::from(t)));
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
fn of_piece(d: &Derivation, b: &Block, slots: &Slots, p: &Piece) -> Option<(Target, Piece)> {
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
        kind: SquareKind::Form(MatrixFactor::Statistic(m), left, right),
    }) = &p.square
        && let Some(i) = position(m.of)
    {
        let axes = &slots.of[i];
        let [.., x, y] = axes.as_slice() else {
            return None;
        };
        rest.square = Some(Square {
            roots: roots.clone(),
            kind: SquareKind::Outer(*left, *x, *y),
        });
        rest.axes.retain(|a| a != left && a != right);
        let n = m.index.len() - 2;
        let pairs = m.index[..n].iter().cloned().zip(axes.iter().copied());
        return Some((Target::Single(i, m.kind), aim(rest, pairs.collect())));
    }
    if mine.is_empty() {
        return None;
    }
    if b.by_compound() {
        let (at, own) = b.compound(&mine, &d.unknowns)?;
        let letters = slots.of_compound(b, at as usize);
        let pairs = own.into_iter().map(Subscript::Axis).zip(letters).collect();
        return Some((Target::Compound(at as usize), aim(rest, pairs)));
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
pub(super) fn aim(mut p: Piece, pairs: Vec<(Subscript, Axis)>) -> Piece {
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
