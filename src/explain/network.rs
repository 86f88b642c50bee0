//! Updates of coupled elements: what one element collects, what a pair of neighbours collects, and the recursion that turns
//! them into marginals.
//!
//! ```text
//! discrete   ln q(z) = sum of ln rho at each element, of ln tau at each group of neighbours, - ln Z
//!            chain: alpha_tk = rho_tk Σ_j alpha_{t-1, j} tau_tjk,  beta_tj = Σ_k tau_{t+1, jk} rho_{t+1, k} beta_{t+1, k}
//! Gaussian   ln q(v) = b'v - v'A v / 2 + const, A nonzero between neighbours only
//! ```

use crate::algebra::formula::Formula;
use crate::algebra::layout::Layout;
use crate::algebra::letters::Names;
use crate::algebra::piece::Piece;
use crate::algebra::{Statistic, Subscript};
use crate::derive::{Form, Structure};
use crate::family::StatisticKind as K;
use crate::model::Axis;

use super::message::aim;
use super::simplify::{add, simplify};
use super::update::{Collected, Equation};

/// Axis ids of compounds start here, above those of blocks.
const FIRST_ID: u32 = 1 << 29;

/// What a product of the block's statistics collects.
struct Collects {
    /// The statistics, at the letters of the page.
    stats: Vec<Statistic>,
    /// The axes that pick elements, then those that are values.
    axes: Vec<Axis>,
    pieces: Vec<Piece>,
}

fn line(a: Formula, b: Formula) -> Equation {
    Equation::new("", Formula::equation(a, b))
}

/// See the module.
pub fn network(c: &Collected<'_, '_>) -> Vec<Equation> {
    let mut list = collect(c);
    // One element first, then pairs.
    list.sort_by_key(|x| x.stats.len());
    match c.block.form {
        Form::Network => discrete(c, &list),
        Form::GaussianNetwork => gaussian(c, &list),
        _ => vec![],
    }
}

/// The pieces of every compound, by compound.
fn collect(c: &Collected<'_, '_>) -> Vec<Collects> {
    let d = c.page.d;
    let own = |s: &Statistic| c.block.unknowns.contains(&s.of);
    let mut out: Vec<Option<Collects>> = c.block.compounds.iter().map(|_| None).collect();
    let mut pieces: Vec<Piece> = vec![];
    for item in &c.page.items {
        let whole = item.piece.square.as_ref().is_some_and(|s| {
            !s.roots.iter().any(|r| r.stats.iter().any(own)) && item.piece.stats.iter().any(own)
        });
        if whole {
            pieces.push(item.piece.clone());
        } else {
            pieces.extend(item.terms.iter().map(Piece::from));
        }
    }
    for p in pieces {
        let mine: Vec<&Statistic> = p.stats.iter().filter(|s| own(s)).collect();
        if mine.is_empty() {
            continue;
        }
        let Some((at, axes)) = c.block.compound(&mine, &d.unknowns) else {
            continue;
        };
        let Some(form) = c.block.compounds.get(at as usize) else {
            continue;
        };
        let letters = letters(c, at, &form.stats, &form.axes);
        let mut rest = p.clone();
        rest.stats.retain(|s| !own(s));
        let pairs = axes
            .iter()
            .zip(&letters)
            .map(|(a, l)| (Subscript::Axis(*a), *l))
            .collect();
        let rest = aim(rest, pairs);
        let map: Vec<(Axis, Subscript)> = form
            .axes
            .iter()
            .zip(&letters)
            .map(|(a, l)| (*a, Subscript::Axis(*l)))
            .collect();
        let slot = out[at as usize].get_or_insert_with(|| Collects {
            stats: form
                .stats
                .iter()
                .map(|s| Statistic {
                    index: s.index.iter().map(|i| i.substitute(&map)).collect(),
                    ..s.clone()
                })
                .collect(),
            axes: letters.clone(),
            pieces: vec![],
        });
        slot.pieces.extend(simplify(d, rest));
    }
    out.into_iter()
        .flatten()
        .map(|x| Collects {
            pieces: add(x.pieces),
            ..x
        })
        .collect()
}

/// A letter for each axis of a compound: those of the block for the first element, further ones for its neighbours.
fn letters(c: &Collected<'_, '_>, at: u32, stats: &[Statistic], axes: &[Axis]) -> Vec<Axis> {
    let mut map: Vec<(Axis, Axis)> = vec![];
    let plain = |s: &&Statistic| s.index.iter().all(|i| matches!(i, Subscript::Axis(_)));
    for s in stats.iter().filter(plain) {
        let i = c.block.unknowns.iter().position(|u| *u == s.of);
        let Some(i) = i else { continue };
        let targets = c.slots.of[i].iter().copied().chain(c.slots.value[i]);
        for (sub, to) in s.index.iter().zip(targets) {
            if let Subscript::Axis(a) = sub
                && !map.iter().any(|(x, y)| x == a || *y == to)
            {
                map.push((*a, to));
            }
        }
    }
    axes.iter()
        .enumerate()
        .map(|(i, a)| {
            let found = map.iter().find(|(x, _)| x == a).map(|(_, y)| *y);
            found.unwrap_or(Axis {
                plate: a.plate,
                id: FIRST_ID + at * 64 + i as u32,
            })
        })
        .collect()
}

fn names(c: &Collected<'_, '_>, x: &Collects) -> Names {
    c.names.bind(c.page.writer.letters, x.axes.iter().copied())
}

fn symbol(name: &str, axes: &[Axis], names: &Names) -> Formula {
    let below = axes.iter().filter_map(|a| names.get(*a)).map(Formula::name);
    Formula::Symbol(name.into(), below.collect())
}

fn sum(c: &Collected<'_, '_>, x: &Collects, names: &Names) -> Formula {
    let f = c.page.sum(&x.pieces, names, Layout::Index);
    f.unwrap_or(Formula::Number(0.0))
}

fn discrete(c: &Collected<'_, '_>, list: &[Collects]) -> Vec<Equation> {
    let one = c.page.unused(&["rho", "lambda", "phi"]);
    let more = c.page.unused(&["tau", "kappa", "chi"]);
    let mut parts = vec![];
    let mut out = vec![];
    let mut pairs = 0;
    for x in list {
        let names = names(c, x);
        let name = match x.stats.len() {
            1 => one.clone(),
            _ => {
                pairs += 1;
                format!("{more}{}", "'".repeat(pairs - 1))
            }
        };
        let factor = symbol(&name, &x.axes, &names).log();
        let events = x.stats.iter().map(|s| c.page.writer.statistic(s, &names));
        let over = x.axes.iter().filter_map(|a| names.get(*a));
        parts.push(Formula::total(
            over.map(Formula::name).collect(),
            vec![],
            Formula::product(events.chain([factor.clone()])),
        ));
        out.push(line(factor, sum(c, x, &names)));
    }
    let whole: Vec<Formula> = (0..c.block.unknowns.len()).map(|i| c.whole(i)).collect();
    let z = Formula::name(c.page.unused(&["Z", "norm"]));
    parts.push(z.clone().log().negated());
    let left = Formula::Apply("q".into(), whole).log();
    out.insert(0, line(left, Formula::sum(parts)));
    match (c.block.structure, list) {
        (Structure::Chain(_), [single, pair])
            if single.stats.len() == 1 && pair.stats.len() == 2 =>
        {
            out.extend(forward_backward(c, single, pair, &one, &more, z));
        }
        _ => {}
    }
    out
}

/// The recursion of a chain: t forward, t backward, marginals of one element and of two neighbours.
fn forward_backward(
    c: &Collected<'_, '_>,
    single: &Collects,
    pair: &Collects,
    rho: &str,
    tau: &str,
    z: Formula,
) -> Vec<Equation> {
    let names = names(c, pair);
    let (Some(value), Some(inside)) = (
        c.slots.value[0],
        c.slots.inside(c.block, 0).first().copied(),
    ) else {
        return vec![];
    };
    let (Some(t), Some(k)) = (names.get(inside), names.get(value)) else {
        return vec![];
    };
    let other = pair
        .axes
        .iter()
        .find(|a| **a != value && a.plate == value.plate);
    let Some(j) = other.and_then(|a| names.get(*a)) else {
        return vec![];
    };
    // The subscripts of an array of the chain, at another step or other values.
    let at = |name: &str, axes: &[Axis], step: f64, from: &str, to: &str| {
        let below = axes.iter().filter_map(|a| {
            let letter = names.get(*a)?;
            Some(match () {
                () if *a == inside && step != 0.0 => {
                    Formula::sum([Formula::name(t), Formula::Number(step)])
                }
                () if *a == value => Formula::name(to),
                () if letter == j => Formula::name(from),
                () => Formula::name(letter),
            })
        });
        Formula::Symbol(name.into(), below.collect())
    };
    let (a, b) = (
        c.page.unused(&["alpha", "forward"]),
        c.page.unused(&["beta", "backward"]),
    );
    let ones = &single.axes;
    let f = |step, v| at(&a, ones, step, j, v);
    let g = |step, v| at(&b, ones, step, j, v);
    let start = |f: Formula| f.replace(&Formula::name(t), &Formula::Number(1.0));
    let over = |l: &str, body: Formula| Formula::total(vec![Formula::name(l)], vec![], body);
    let size = c.page.writer.letters.size(inside.plate);
    let last = |f: Formula| f.replace(&Formula::name(t), &size);
    let mut out = vec![
        Equation::new(
            "forward",
            Formula::equation(
                f(0.0, k),
                Formula::product([
                    at(rho, ones, 0.0, j, k),
                    over(
                        j,
                        Formula::product([f(-1.0, j), at(tau, &pair.axes, 0.0, j, k)]),
                    ),
                ]),
            ),
        ),
        line(start(f(0.0, k)), start(at(rho, ones, 0.0, j, k))),
        Equation::new(
            "backward",
            Formula::equation(
                g(0.0, k),
                over(
                    j,
                    Formula::product([
                        at(tau, &pair.axes, 1.0, k, j),
                        at(rho, ones, 1.0, j, j),
                        g(1.0, j),
                    ]),
                ),
            ),
        ),
        line(last(g(0.0, k)), Formula::Number(1.0)),
        line(z.clone(), over(k, last(f(0.0, k)))),
    ];
    let of_one: Vec<&Statistic> = single.stats.iter().collect();
    let of_two: Vec<&Statistic> = pair.stats.iter().collect();
    out.push(Equation::new(
        "marginals",
        Formula::equation(
            c.page.writer.probability(&of_one, &names),
            Formula::ratio(Formula::product([f(0.0, k), g(0.0, k)]), z.clone()),
        ),
    ));
    out.push(line(
        c.page.writer.probability(&of_two, &names),
        Formula::ratio(
            Formula::product([
                f(-1.0, j),
                at(tau, &pair.axes, 0.0, j, k),
                at(rho, ones, 0.0, j, k),
                g(0.0, k),
            ]),
            z,
        ),
    ));
    out
}

/// The entries of the sparse precision and of the linear part.
fn gaussian(c: &Collected<'_, '_>, list: &[Collects]) -> Vec<Equation> {
    let whole: Vec<Formula> = (0..c.block.unknowns.len()).map(|i| c.whole(i)).collect();
    let (a, b) = (
        c.page.unused(&["A", "P", "Q", "AA"]),
        c.page.unused(&["b", "g", "u", "bb"]),
    );
    let of = |name: &str, x: Vec<Formula>| Formula::Of(name.into(), Box::new(Formula::List(x)));
    let word = |w: &str| Formula::Word(w.into());
    let mut out = vec![
        line(
            Formula::Apply("q".into(), whole.clone()),
            Formula::Apply("Gaussian".into(), vec![word("mean"), word("covariance")]),
        ),
        line(of("Cov", whole.clone()).inverse(), Formula::name(&a)),
        line(
            of("E", whole),
            Formula::product([Formula::name(&a).inverse(), Formula::name(&b)]),
        ),
    ];
    for x in list {
        let names = names(c, x);
        let at: Vec<Formula> = x
            .stats
            .iter()
            .map(|s| c.page.writer.statistic(s, &names))
            .collect();
        let (name, times) = match x.stats.as_slice() {
            [_] => (&b, 1.0),
            [s, r] if s == r => (&a, -2.0),
            _ => (&a, -1.0),
        };
        let scaled = Collects {
            pieces: x
                .pieces
                .iter()
                .map(|p| Piece {
                    coef: p.coef * times,
                    ..p.clone()
                })
                .collect(),
            stats: x.stats.clone(),
            axes: x.axes.clone(),
        };
        out.push(line(of(name, at), sum(c, &scaled, &names)));
    }
    out
}

/// True where the block's equations are written here.
pub fn is_network(c: &Collected<'_, '_>) -> bool {
    matches!(c.block.form, Form::Network | Form::GaussianNetwork)
        && c.block.compounds.iter().all(|x| {
            x.stats
                .iter()
                .all(|s| matches!(s.kind, K::Indicator | K::Value))
        })
}
