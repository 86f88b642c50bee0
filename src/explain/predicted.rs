//! Predictors on a page: what they are, and where terms hold one whole.
//!
//! ```text
//! Σ_nd y_n x_nd w_d + Σ_n y_n w0      ->      Σ_n y_n eta_n      with eta_n = Σ_d x_nd w_d + w0
//! ```
//!
//! As with squares, what is put together is multiplied out and subtracted from the terms: it stands for them only if nothing of
//! it is left over.

use crate::algebra::canonical::canonicalise;
use crate::algebra::formula::Formula;
use crate::algebra::letters::Names;
use crate::algebra::piece::Piece;
use crate::algebra::print::Writer;
use crate::algebra::{Known, Predictor, Statistic, Subscript, Term};
use crate::derive::Derivation;
use crate::family::StatisticKind;
use crate::model::{Axis, ColumnType, PlateId};

use super::items::{Item, uncentred};

/// At most this many ways to read one term are tried.
const WAYS: usize = 64;

/// Axes of an addend that is multiplied out start here: no term has them.
const FIRST_ID: u32 = 1 << 26;

/// The body of a predictor about the variables as written.
pub fn body(p: &Predictor) -> Vec<Term> {
    p.body
        .iter()
        .map(uncentred)
        .filter(|t| t.coef != 0.0 && !t.data.iter().any(|k| k.as_number() == Some(0.0)))
        .collect()
}

/// `eta_n = Σ_d x_nd w_d + w0`, for each predictor.
pub fn definitions(d: &Derivation, w: &Writer<'_>) -> Vec<Formula> {
    defined(d, w, &|_| true)
}

/// The definitions of the predictors that some formula mentions.
pub fn mentioned(d: &Derivation, w: &Writer<'_>, formulas: &[&Formula]) -> Vec<Formula> {
    let plain = Writer::plain(w.model, w.unknowns, w.letters);
    defined(d, &plain, &|p| {
        let name = &d.unknowns.get(p.id).name;
        formulas.iter().any(|f| f.mentions(name))
    })
}

fn defined(d: &Derivation, w: &Writer<'_>, which: &dyn Fn(&Predictor) -> bool) -> Vec<Formula> {
    d.predictors
        .iter()
        .filter(|p| which(p))
        .map(|p| {
            let names = Names::default().bind(w.letters, p.axes.iter().copied());
            let parts = body(p);
            let parts = parts.iter().map(|t| w.piece(&Piece::from(t), &names));
            Formula::equation(symbol(d, w, p, &names), Formula::sum(ordered(parts)))
        })
        .collect()
}

/// What is subtracted comes last.
fn ordered(parts: impl Iterator<Item = Formula>) -> Vec<Formula> {
    let mut out: Vec<Formula> = parts.collect();
    out.sort_by_key(|f| {
        matches!(f, Formula::Negative(_)) || matches!(f, Formula::Number(x) if *x < 0.0)
    });
    out
}

/// A predictor at its axes.
pub fn symbol(d: &Derivation, w: &Writer<'_>, p: &Predictor, names: &Names) -> Formula {
    let index: Vec<Subscript> = p.axes.iter().map(|a| Subscript::Axis(*a)).collect();
    let u = d.unknowns.get(p.id);
    w.symbol(&u.name, &u.slots, &index, names)
}

/// The items that hold a predictor whole, and the terms that are left.
pub fn predicted(d: &Derivation, mut terms: Vec<Term>) -> (Vec<Item>, Vec<Term>) {
    let mut out = vec![];
    for p in &d.predictors {
        let body = body(p);
        let Some(pivot) = body
            .iter()
            .filter(|t| !t.stats.is_empty())
            .min_by_key(|t| (t.axes.len(), t.data.len()))
        else {
            continue;
        };
        if body.len() < 2 && pivot.axes.is_empty() {
            continue;
        }
        'again: loop {
            for t in &terms {
                for held in readings(d, p, pivot, t) {
                    let expansion = multiplied(d, p, &body, &held);
                    let mut rest = terms.clone();
                    rest.extend(expansion.iter().map(|t| Term {
                        coef: -t.coef,
                        ..t.clone()
                    }));
                    let mut rest = canonicalise(rest, &d.unknowns).items;
                    rest.retain(|t| t.coef.abs() > 1e-9);
                    if rest.len() + expansion.len() == terms.len() {
                        out.push(Item {
                            from: held.from.clone(),
                            piece: Piece::from(&held),
                            terms: expansion,
                        });
                        terms = rest;
                        continue 'again;
                    }
                }
            }
            break;
        }
    }
    (out, terms)
}

/// The term with one addend of a predictor replaced by the predictor, in every way it can be read so.
fn readings(d: &Derivation, p: &Predictor, pivot: &Term, t: &Term) -> Vec<Term> {
    let wanted: Vec<Axis> = p.axes.iter().chain(&pivot.axes).copied().collect();
    let mut ways: Vec<Vec<Subscript>> = vec![vec![]];
    for a in &wanted {
        let found = candidates(d, t, a.plate);
        ways = ways
            .iter()
            .flat_map(|w| {
                found.iter().map(move |s| {
                    let mut w = w.clone();
                    w.push(s.clone());
                    w
                })
            })
            .take(WAYS)
            .collect();
    }
    ways.iter()
        .filter_map(|way| {
            let map: Vec<(Axis, Subscript)> = wanted.iter().copied().zip(way.clone()).collect();
            let addend = pivot.substitute(&map);
            let mut held = t.clone();
            for k in &addend.data {
                let i = held.data.iter().position(|x| x == k)?;
                held.data.remove(i);
            }
            for s in &addend.stats {
                let i = held.stats.iter().position(|x| x == s)?;
                held.stats.remove(i);
            }
            held.coef /= addend.coef;
            // The addend's own sum goes with it.
            for s in &way[p.axes.len()..] {
                let Subscript::Axis(a) = s else { return None };
                held.axes.retain(|x| x != a);
            }
            let index = way[..p.axes.len()].to_vec();
            held.stats.push(Statistic {
                of: p.id,
                kind: StatisticKind::Value,
                index,
                offset: None,
            });
            held.carried_axes()
                .iter()
                .all(|a| held.axes.contains(a))
                .then_some(held)
        })
        .collect()
}

/// What an axis of a plate may be in a term.
fn candidates(d: &Derivation, t: &Term, plate: PlateId) -> Vec<Subscript> {
    let mut out: Vec<Subscript> = t
        .axes
        .iter()
        .filter(|a| a.plate == plate)
        .map(|a| Subscript::Axis(*a))
        .collect();
    let mut visit = |s: &Subscript| {
        if let Subscript::Column(c, _) = s
            && d.model.column(*c).ty == ColumnType::Label(plate)
            && !out.contains(s)
        {
            out.push(s.clone());
        }
    };
    t.stats.iter().flat_map(|s| &s.index).for_each(&mut visit);
    t.data
        .iter()
        .for_each(|k: &Known| k.subscripts(&mut |s| visit(s)));
    out
}

/// A term that holds a predictor, with the predictor multiplied out.
fn multiplied(d: &Derivation, p: &Predictor, body: &[Term], held: &Term) -> Vec<Term> {
    let Some(at) = held.stats.iter().position(|s| s.of == p.id) else {
        return vec![];
    };
    let map: Vec<(Axis, Subscript)> = p
        .axes
        .iter()
        .copied()
        .zip(held.stats[at].index.iter().cloned())
        .collect();
    let terms = body
        .iter()
        .map(|b| {
            let own = b.axes.iter().enumerate().map(|(i, a)| {
                let id = FIRST_ID + i as u32;
                (*a, Subscript::Axis(Axis { plate: a.plate, id }))
            });
            let map: Vec<(Axis, Subscript)> = map.iter().cloned().chain(own).collect();
            let b = b.substitute(&map);
            let mut t = held.clone();
            t.stats.remove(at);
            t.coef *= b.coef;
            t.data.extend(b.data);
            t.stats.extend(b.stats);
            t.axes.extend(b.axes);
            t
        })
        .collect();
    canonicalise(terms, &d.unknowns).items
}
