//! Blocks that match no family: their objective as it stands, its gradient, and how it is raised or normalised.
//!
//! ```text
//! F(v) = the expected terms that hold v        ∂F/∂v = Σ message_t dt/dv + Σ_eta (∂F/∂eta) (∂eta/∂v)
//! points  v = argmax F(v)                      latents  q(v) = exp(F(v)) / Z
//! ```

use crate::algebra::formula::Formula;
use crate::algebra::letters::Names;
use crate::algebra::piece::Piece;
use crate::algebra::print::{Writer, derivative};
use crate::algebra::{Predictor, Statistic, Subscript, Term};
use crate::derive::Form;
use crate::family::StatisticKind as K;
use crate::model::{Axis, Domain};

use super::items::Item;
use super::message::aim;
use super::predicted;
use super::simplify::{add, simplify};
use super::update::{Collected, Equation};

/// Letters of predictors start here, above those of blocks.
const FIRST_ID: u32 = 3 << 28;

/// The items that hold the block, itself or in a predictor.
fn held<'p>(c: &'p Collected<'_, '_>) -> Vec<&'p Item> {
    let own = |s: &Statistic| c.block.holds(s.of);
    c.page
        .items
        .iter()
        .filter(|i| i.terms.iter().any(|t| t.stats.iter().any(own)))
        .collect()
}

/// A writer for which the block's own quantities are arguments, not expectations.
fn inside<'a>(c: &Collected<'_, 'a>) -> Writer<'a> {
    let own = c
        .page
        .d
        .blocks
        .iter()
        .position(|b| b.unknowns == c.block.unknowns);
    let w = &c.page.writer;
    Writer {
        model: w.model,
        unknowns: w.unknowns,
        letters: w.letters,
        latent: w
            .latent
            .iter()
            .map(|b| b.filter(|b| Some(*b) != own))
            .collect(),
        responsibility: w.responsibility.clone(),
    }
}

fn tuple(c: &Collected<'_, '_>) -> Vec<Formula> {
    c.block
        .unknowns
        .iter()
        .map(|u| Formula::name(&c.page.d.unknowns.get(*u).name))
        .collect()
}

fn vector(mut list: Vec<Formula>) -> Formula {
    match list.len() {
        1 => list.remove(0),
        _ => Formula::Apply(String::new(), list),
    }
}

/// Σ of the items, each times a number.
fn sum(c: &Collected<'_, '_>, w: &Writer<'_>, times: f64) -> Formula {
    Formula::sum(held(c).into_iter().map(|i| {
        let piece = Piece {
            coef: i.piece.coef * times,
            ..i.piece.clone()
        };
        w.piece(&piece, &Names::default())
    }))
}

/// F and its gradient.
pub fn optimised(c: &Collected<'_, '_>) -> Vec<Equation> {
    let w = inside(c);
    let own = tuple(c);
    let f = Formula::Apply("F".into(), own.clone());
    let mut out = vec![
        Equation::new(
            "",
            Formula::equation(
                vector(own),
                Formula::Apply("argmax".into(), vec![f.clone()]),
            ),
        ),
        Equation::new("", Formula::equation(f, sum(c, &w, 1.0))),
    ];
    let mut lead = "with the gradient";
    for p in of_block(c) {
        if let Some(e) = slope(c, &w, p) {
            out.push(Equation::new(lead, e));
            lead = "";
        }
    }
    for i in 0..c.block.unknowns.len() {
        let names = names_of(c, i);
        let v = c
            .page
            .symbol(c.block.unknowns[i], &c.slots.of[i], &names, &[]);
        let left = Formula::derivative(Formula::name("F"), v);
        out.push(Equation::new(
            std::mem::take(&mut lead),
            Formula::equation(left, gradient(c, &w, i)),
        ));
    }
    out
}

/// q(v) ∝ exp F(v).
pub fn quadrature(c: &Collected<'_, '_>) -> Vec<Equation> {
    let w = inside(c);
    let own = tuple(c);
    let domain = c.page.d.unknowns.get(c.block.unknowns[0]).domain;
    let over = match domain {
        Domain::Positive => " over the positive numbers",
        Domain::Probability => " from 0 to 1",
        _ => " over the real line",
    };
    let z = Formula::name(c.page.free(&["Z", "norm"]));
    let q = Formula::Apply("q".into(), own);
    vec![Equation::new(
        format!("element by element; Z and expectations by adaptive quadrature{over}"),
        Formula::equation(
            q.clone().log(),
            Formula::sum([sum(c, &w, 1.0), z.log().negated()]),
        ),
    )]
}

/// The least sum of absolute distances.
pub fn least_absolute(c: &Collected<'_, '_>) -> Vec<Equation> {
    let w = inside(c);
    let lead = if is_median(c) {
        "a weighted median"
    } else {
        "least absolute deviations"
    };
    vec![Equation::new(
        lead,
        Formula::equation(
            vector(tuple(c)),
            Formula::Apply("argmin".into(), vec![sum(c, &w, -1.0)]),
        ),
    )]
}

/// One number that stands alone in each distance, and nothing else pulls at it.
pub fn is_median(c: &Collected<'_, '_>) -> bool {
    let [u] = c.block.unknowns.as_slice() else {
        return false;
    };
    matches!(c.block.form, Form::LeastAbsolute)
        && c.page.d.unknowns.get(*u).slots.is_empty()
        && c.targets().is_empty()
        && of_block(c).all(|p| {
            p.body
                .iter()
                .filter(|t| t.stats.iter().any(|s| s.of == *u))
                .all(|t| t.coef.abs() == 1.0 && t.data.is_empty() && t.axes.is_empty())
        })
}

fn of_block<'p>(c: &'p Collected<'_, '_>) -> impl Iterator<Item = &'p Predictor> {
    let own = &c.block.predictors;
    c.page.d.predictors.iter().filter(|p| own.contains(&p.id))
}

/// Letters for the axes of a predictor, and their names.
fn own_letters(c: &Collected<'_, '_>, p: &Predictor) -> (Vec<Axis>, Names) {
    let axes: Vec<Axis> = p
        .axes
        .iter()
        .enumerate()
        .map(|(i, a)| Axis {
            plate: a.plate,
            id: FIRST_ID + i as u32,
        })
        .collect();
    let names = Names::default().bind(c.page.writer.letters, axes.iter().copied());
    (axes, names)
}

/// Pieces simplified and added up, as a sum.
fn written(c: &Collected<'_, '_>, w: &Writer<'_>, list: Vec<Piece>, names: &Names) -> Formula {
    let list = list
        .into_iter()
        .flat_map(|p| simplify(c.page.d, p))
        .collect();
    Formula::sum(add(list).iter().map(|p| w.piece(p, names)))
}

/// ∂F/∂eta at the letters of a predictor.
fn slope(c: &Collected<'_, '_>, w: &Writer<'_>, p: &Predictor) -> Option<Formula> {
    let (axes, names) = own_letters(c, p);
    let eta = {
        let index: Vec<Subscript> = axes.iter().map(|a| Subscript::Axis(*a)).collect();
        let u = c.page.d.unknowns.get(p.id);
        w.symbol(&u.name, &u.slots, &index, &names)
    };
    let mut parts = vec![];
    for kind in [K::Value, p.kind] {
        let mut list = vec![];
        for item in &c.page.items {
            for (i, s) in item.piece.stats.iter().enumerate() {
                if s.of != p.id || s.kind != kind {
                    continue;
                }
                let mut rest = item.piece.clone();
                rest.stats.remove(i);
                let pairs = s.index.iter().cloned().zip(axes.iter().copied()).collect();
                list.push(aim(rest, pairs));
            }
        }
        if list.is_empty() {
            continue;
        }
        let message = written(c, w, list, &names);
        parts.push(match kind {
            K::Of(link) => Formula::product([message, derivative(link, eta.clone())]),
            K::LogSumExp => {
                let k = axes.last().copied()?;
                let other = Axis {
                    plate: k.plate,
                    id: FIRST_ID + 64,
                };
                let inner = names.bind(c.page.writer.letters, [other]);
                let mut all = axes.clone();
                if let Some(last) = all.last_mut() {
                    *last = other;
                }
                let index: Vec<Subscript> = all.iter().map(|a| Subscript::Axis(*a)).collect();
                let u = c.page.d.unknowns.get(p.id);
                let at = w.symbol(&u.name, &u.slots, &index, &inner);
                let letter = inner.get(other).map(Formula::name).into_iter().collect();
                let exp = |f: Formula| Formula::apply("exp", f);
                let share =
                    Formula::ratio(exp(eta.clone()), Formula::total(letter, vec![], exp(at)));
                Formula::product([message, share])
            }
            _ => message,
        });
    }
    if parts.is_empty() {
        return None;
    }
    Some(Formula::equation(
        Formula::derivative(Formula::name("F"), eta),
        Formula::sum(parts),
    ))
}

/// Letters of one unknown on its own.
fn names_of(c: &Collected<'_, '_>, i: usize) -> Names {
    Names::default().bind(c.page.writer.letters, c.slots.of[i].iter().copied())
}

/// ∂F/∂v of an unknown at its letters: by its own statistics, then through the predictors.
fn gradient(c: &Collected<'_, '_>, w: &Writer<'_>, i: usize) -> Formula {
    let u = c.block.unknowns[i];
    let names = names_of(c, i);
    let v = c.page.symbol(u, &c.slots.of[i], &names, &[]);
    let mut by_kind: Vec<(K, Vec<Piece>)> = vec![];
    let put = |kind: K, piece: Piece, by_kind: &mut Vec<(K, Vec<Piece>)>| match by_kind
        .iter_mut()
        .find(|(k, _)| *k == kind)
    {
        Some((_, list)) => list.push(piece),
        None => by_kind.push((kind, vec![piece])),
    };
    let occurrences =
        |t: &Term| -> Vec<usize> { (0..t.stats.len()).filter(|j| t.stats[*j].of == u).collect() };
    let at = |s: &Statistic| -> Vec<(Subscript, Axis)> {
        s.index
            .iter()
            .cloned()
            .zip(c.slots.of[i].iter().copied())
            .collect()
    };
    // Through the predictors.
    let through = |t: &Term, p: &Predictor, by_kind: &mut Vec<(K, Vec<Piece>)>| {
        for j in occurrences(t) {
            let mut rest = t.clone();
            let s = rest.stats.remove(j);
            rest.stats.push(Statistic {
                of: p.id,
                kind: K::Slope,
                index: p.axes.iter().map(|a| Subscript::Axis(*a)).collect(),
                offset: None,
            });
            rest.axes.extend(&p.axes);
            put(s.kind, aim(Piece::from(&rest), at(&s)), by_kind);
        }
    };
    for p in of_block(c) {
        for t in predicted::body(p) {
            through(&t, p, &mut by_kind);
        }
    }
    for item in &c.page.items {
        if item
            .piece
            .stats
            .iter()
            .any(|s| c.block.predictors.contains(&s.of))
        {
            continue;
        }
        for t in &item.terms {
            for j in occurrences(t) {
                let mut rest = t.clone();
                let s = rest.stats.remove(j);
                // v / v = 1
                let value = rest
                    .stats
                    .iter()
                    .position(|x| x.of == u && x.kind == K::Value && x.index == s.index);
                let kind = match (s.kind, value) {
                    (K::Log, Some(at)) => {
                        // Not added to other constants: those may be logarithms.
                        rest.stats.remove(at);
                        K::Power(1)
                    }
                    (kind, _) => kind,
                };
                put(kind, aim(Piece::from(&rest), at(&s)), &mut by_kind);
            }
        }
    }
    Formula::sum(by_kind.into_iter().map(|(kind, list)| {
        let list: Vec<Piece> = match kind {
            K::Power(p) => list
                .into_iter()
                .map(|x| Piece {
                    coef: x.coef * f64::from(p),
                    ..x
                })
                .collect(),
            _ => list,
        };
        let message = written(c, w, list, &names);
        let over = |x: Formula| match message.clone() {
            Formula::Negative(m) => Formula::ratio(*m, x).negated(),
            m => Formula::ratio(m, x),
        };
        match kind {
            K::Power(p) if p > 1 => {
                Formula::product([message, v.clone().power(Formula::Number(f64::from(p - 1)))])
            }
            K::Power(p) if p < 0 => over(v.clone().power(Formula::Number(f64::from(1 - p)))),
            K::Log => over(v.clone()),
            K::Log1m => over(Formula::sum([Formula::Number(1.0), v.clone().negated()])).negated(),
            K::Abs => Formula::product([message, Formula::apply("sign", v.clone())]),
            K::Of(link) => Formula::product([message, derivative(link, v.clone())]),
            _ => message,
        }
    }))
}
