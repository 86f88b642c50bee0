//! Quadratic blocks with |v| in the exponent or v > 0: sparse codes, the lasso, non-negative least squares.
//!
//! ```text
//! points    v = argmax b'v - v'A v / 2 - Σ_i l_i |v_i|       v_i = sign(r_i) max(|r_i| - l_i, 0) / A_ii,  r_i = b_i - Σ_j≠i A_ij v_j
//! latents   q(v_i) ∝ exp(r_i v - A_ii v^2 / 2 - l_i |v|)     r_i = b_i - Σ_j≠i A_ij E[v_j]
//! halves    Z± = sqrt(pi / 2a) erfcx((l ∓ r) / sqrt(2a)),  E± = (r ∓ l) / a ± 1 / (a Z±),  s = Z+ / (Z+ + Z-)
//!           E[v] = s E+ + (1 - s) E-,  E|v| = s E+ - (1 - s) E-,  E[v^2] = (1 + r E[v] - l E|v|) / a
//! v > 0     Z = sqrt(pi / 2a) erfcx(-r / sqrt(2a)),  E[v] = r / a + 1 / (a Z),  E[v^2] = (1 + r E[v]) / a
//! ```

mod element;

use crate::algebra::formula::Formula;
use crate::algebra::letters::Names;
use crate::algebra::piece::Piece;
use crate::algebra::{Statistic, Subscript};
use crate::family::StatisticKind as K;
use crate::model::{Axis, Domain, Role};

use super::factor::together;
use super::gaussian::pairs;
use super::items::without_centre;
use super::message::Target;
use super::normal_equations::{block, entries, system, vector};
use super::update::{Collected, Equation};

use element::Element;

fn line(lead: &str, a: Formula, b: Formula) -> Equation {
    Equation::new(lead, Formula::equation(a, b))
}

fn number(x: f64) -> Formula {
    Formula::Number(x)
}

/// Names of the page for what a penalised block needs.
struct Symbols {
    a: String,
    b: String,
    r: String,
    l: String,
}

impl Symbols {
    fn new(c: &Collected<'_, '_>) -> Symbols {
        Symbols {
            a: c.page.free(&["A", "P", "Q", "AA"]),
            b: c.page.free(&["b", "g", "u", "bb"]),
            r: c.page.free(&["r", "s", "t", "rr"]),
            l: c.page.free(&["l", "c", "p", "ll"]),
        }
    }
}

/// The numbers an unknown of the block is above 0, or real.
fn positive(c: &Collected<'_, '_>, i: usize) -> bool {
    c.page.d.unknowns.get(c.block.unknowns[i]).domain == Domain::Positive
}

/// |v - o| at the letters of the block, and o.
fn distance(c: &Collected<'_, '_>, i: usize) -> (Formula, Option<Formula>) {
    let of = c.block.unknowns[i];
    let found = c
        .page
        .d
        .terms
        .items
        .iter()
        .flat_map(|t| &t.stats)
        .find(|s| s.of == of && s.kind == K::Abs && s.offset.is_some());
    let offset = found.and_then(|s| {
        let map: Vec<(Axis, Subscript)> = s
            .index
            .iter()
            .zip(&c.slots.of[i])
            .filter_map(|(x, a)| match x {
                Subscript::Axis(x) => Some((*x, Subscript::Axis(*a))),
                _ => None,
            })
            .collect();
        s.offset
            .as_ref()
            .map(|k| without_centre(&k.map(&|x| x.substitute(&map))))
            .filter(|k| k.as_number() != Some(0.0))
    });
    let index = c.slots.of[i].iter().map(|a| Subscript::Axis(*a)).collect();
    let at = offset.as_ref().map(|k| c.page.writer.known(k, &c.names));
    let statistic = Statistic {
        of,
        kind: K::Abs,
        index,
        offset,
    };
    (c.page.writer.statistic(&statistic, &c.names), at)
}

/// The rate of |v|: as it stands where it is one product, else under a name that is defined.
fn rate(c: &Collected<'_, '_>, i: usize, name: &str, out: &mut Vec<Equation>) -> Option<Formula> {
    let pieces = c.message(&Target::Single(i, K::Abs), -1.0);
    match pieces.as_slice() {
        [] => None,
        [one] if one.axes.is_empty() => Some(c.sum(&pieces)),
        _ => {
            let f = Formula::Symbol(name.into(), letters(&c.slots.of[i], &c.names));
            out.push(line("", f.clone(), c.sum(&pieces)));
            Some(f)
        }
    }
}

fn letters(axes: &[Axis], names: &Names) -> Vec<Formula> {
    axes.iter()
        .filter_map(|a| names.get(*a).map(Formula::name))
        .collect()
}

/// The letters of the batch; for what is shared along some of its plates, of the others only.
fn batch(c: &Collected<'_, '_>, all: bool) -> Vec<Axis> {
    (0..c.block.batch.len())
        .filter(|i| all || !c.block.shared.contains(i))
        .filter_map(|i| {
            let slot = c.block.batch_slots[0].get(i)?;
            c.slots.of[0].get(*slot).copied()
        })
        .collect()
}

/// See the module.
pub fn penalised(c: &Collected<'_, '_>) -> Vec<Equation> {
    if c.block.unknowns.len() > 1 {
        return several(c);
    }
    let inside = c.slots.inside(c.block, 0);
    if inside.is_empty() {
        return alone(c);
    }
    let (s, latent) = (Symbols::new(c), c.block.role == Role::Latent);
    let second = c.slots.second[0].clone();
    let names = c.names.bind(c.page.writer.letters, second.iter().copied());
    let symbol = |name: &str, axes: &[Axis]| Formula::Symbol(name.into(), letters(axes, &names));
    let (all, some) = (batch(c, true), batch(c, false));
    let join = |x: &[Axis], y: &[Axis]| [x, y].concat();
    let mut defined = vec![];
    let l = rate(c, 0, &s.l, &mut defined);
    let (v, whole) = (c.symbol(0), c.whole(0));
    let entry = symbol(&s.a, &join(&some, &join(&inside, &second)));
    let diagonal = symbol(&s.a, &join(&some, &join(&inside, &inside)));
    let (b, r) = (
        symbol(&s.b, &join(&all, &inside)),
        symbol(&s.r, &join(&all, &inside)),
    );
    let mut other = c.slots.of[0].clone();
    for (slot, a) in c.block.inside_slots[0].iter().zip(&second) {
        other[*slot] = *a;
    }
    let neighbour = c.page.symbol(c.block.unknowns[0], &other, &names, &[]);
    let (distance, offset) = distance(c, 0);
    let mut out = vec![];
    if !latent {
        let (a_all, b_all) = (symbol(&s.a, &some), symbol(&s.b, &all));
        let mut parts = vec![
            Formula::product([b_all.transposed(), whole.clone()]),
            Formula::product([
                number(-0.5),
                whole.clone().transposed(),
                a_all,
                whole.clone(),
            ]),
        ];
        if let Some(l) = &l {
            parts.push(penalty(letters(&inside, &names), l.clone(), distance.clone()).negated());
        }
        let lead = match positive(c, 0) {
            true => format!("the maximum over {} ≥ 0", v.text()),
            false => String::new(),
        };
        out.push(line(
            &lead,
            whole.clone(),
            Formula::Apply("argmax".into(), vec![Formula::sum(parts)]),
        ));
    }
    // What A and b are: in matrix form where there is one.
    let quadratic = pairs(c, 0);
    let linear = c.message(&Target::Single(0, K::Value), 1.0);
    match block(c, 0, 0, &quadratic) {
        Some(f) => out.push(line("", symbol(&s.a, &some), f)),
        None => out.push(line("", entry.clone(), in_letters(c, &quadratic, &names))),
    }
    match vector(c, 0, &linear) {
        Some(f) => out.push(line("", symbol(&s.b, &all), f)),
        None => out.push(line("", b.clone(), in_letters(c, &linear, &names))),
    }
    out.extend(defined);
    let expected = if latent {
        neighbour.expected()
    } else {
        neighbour
    };
    let others = Formula::total(
        not_own(letters(&second, &names), letters(&inside, &names)),
        vec![],
        Formula::product([entry, expected]),
    );
    let lead = if latent {
        "element by element"
    } else {
        "so that in each element"
    };
    out.push(line(lead, r.clone(), Formula::sum([b, others.negated()])));
    let element = Element {
        v,
        r,
        a: diagonal,
        l,
        positive: positive(c, 0),
        distance,
        offset,
    };
    out.extend(if latent {
        element.factor(c)
    } else {
        element.conditions()
    });
    out
}

/// `j ≠ k`; several letters as tuples.
pub(super) fn not_own(others: Vec<Formula>, own: Vec<Formula>) -> Vec<Formula> {
    let tuple = |mut l: Vec<Formula>| match l.len() {
        1 => l.remove(0),
        _ => Formula::Apply(String::new(), l),
    };
    if others.is_empty() {
        return vec![];
    }
    vec![Formula::relation(tuple(others), "≠", tuple(own))]
}

/// The sum of a rate times distances; what the rate shares stands before the sum.
fn penalty(over: Vec<Formula>, l: Formula, distance: Formula) -> Formula {
    let varies = over
        .iter()
        .any(|k| l.replace(k, &Formula::Word(String::new())) != l);
    if varies {
        return Formula::total(over, vec![], Formula::product([l, distance]));
    }
    Formula::product([l, Formula::total(over, vec![], distance)])
}

/// Pieces with every letter written.
fn in_letters(c: &Collected<'_, '_>, pieces: &[Piece], names: &Names) -> Formula {
    together(Formula::sum(
        pieces.iter().map(|p| c.page.writer.piece(p, names)),
    ))
}

/// Points of several unknowns: all their numbers under one letter.
fn several(c: &Collected<'_, '_>) -> Vec<Equation> {
    let s = Symbols::new(c);
    let latent = c.block.role == Role::Latent;
    let v_name = c.page.free(&["v", "x", "w", "vv"]);
    let (v, a, b) = (
        Formula::name(&v_name),
        Formula::name(&s.a),
        Formula::name(&s.b),
    );
    let whole: Vec<Formula> = (0..c.block.unknowns.len()).map(|i| c.whole(i)).collect();
    let mut defined = vec![];
    let (mut penalties, mut free, mut located) = (vec![], vec![], vec![]);
    for (i, name) in whole.iter().enumerate() {
        match rate(c, i, &s.l, &mut defined) {
            Some(l) => {
                let over = letters(&c.slots.inside(c.block, i), &c.names);
                let (d, at) = distance(c, i);
                located.extend(at.map(|at| format!("{} for {}", at.text(), c.symbol(i).text())));
                penalties.push(penalty(over, l, d).negated());
            }
            None => free.push(name.text()),
        }
    }
    let mut parts = vec![
        Formula::product([b.clone().transposed(), v.clone()]),
        Formula::product([number(-0.5), v.clone().transposed(), a, v.clone()]),
    ];
    parts.extend(penalties);
    let all = match latent {
        false => Formula::Apply("argmax".into(), vec![Formula::sum(parts)]),
        true => Formula::Apply("exp".into(), vec![Formula::sum(parts)]),
    };
    let above: Vec<String> = (0..whole.len())
        .filter(|i| positive(c, *i))
        .map(|i| format!("{} ≥ 0", c.symbol(i).text()))
        .collect();
    let lead = match above.as_slice() {
        [] => format!("with {v_name} for all numbers of the block"),
        list => format!(
            "with {v_name} for all numbers of the block, where {}",
            super::prose::list(list)
        ),
    };
    let own = Formula::Apply(String::new(), whole);
    let mut out = vec![match latent {
        false => Equation::new(lead, Formula::equation(v, Formula::equation(own, all))),
        true => Equation::new(
            lead,
            Formula::relation(Formula::Apply("p".into(), vec![v]), "∝", all),
        ),
    }];
    out.extend(entries(c, &system(c), &s.a, &s.b));
    out.extend(defined);
    let (i, j) = (Formula::name("i"), Formula::name("j"));
    let at = |n: &str, k: &[&Formula]| {
        Formula::Symbol(n.into(), k.iter().map(|x| (*x).clone()).collect())
    };
    let neighbour = at(&v_name, &[&j]);
    let expected = if latent {
        neighbour.expected()
    } else {
        neighbour
    };
    let others = Formula::total(
        not_own(vec![j.clone()], vec![i.clone()]),
        vec![],
        Formula::product([at(&s.a, &[&i, &j]), expected]),
    );
    let o = at(&c.page.free(&["o", "loc", "at"]), &[&i]);
    let mut lead = format!(
        "for number i of {v_name}, {} the rate of its absolute value{}",
        at(&s.l, &[&i]).text(),
        match free.as_slice() {
            [] => String::new(),
            list => format!(" (0 for {})", super::prose::list(list)),
        }
    );
    if !located.is_empty() {
        lead += &format!(
            ", {} its location ({}, else 0)",
            o.text(),
            super::prose::list(&located)
        );
    }
    let offset = (!located.is_empty()).then_some(o);
    let size = match &offset {
        Some(o) => Formula::sum([at(&v_name, &[&i]), o.clone().negated()]),
        None => at(&v_name, &[&i]),
    };
    out.push(line(
        &lead,
        at(&s.r, &[&i]),
        Formula::sum([at(&s.b, &[&i]), others.negated()]),
    ));
    let element = Element {
        v: at(&v_name, &[&i]),
        r: at(&s.r, &[&i]),
        a: at(&s.a, &[&i, &i]),
        l: Some(at(&s.l, &[&i])),
        positive: false,
        distance: Formula::Bars(Box::new(size)),
        offset,
    };
    out.extend(if latent {
        element.factor(c)
    } else {
        element.conditions()
    });
    out
}

/// An element that meets no other: the family itself.
pub fn alone(c: &Collected<'_, '_>) -> Vec<Equation> {
    let s = Symbols::new(c);
    let symbol = |n: &str| Formula::Symbol(n.into(), letters(&c.slots.of[0], &c.names));
    let mut out = vec![];
    let (a, r) = (symbol(&s.a), symbol(&s.r));
    let mut defined = vec![];
    let l = rate(c, 0, &s.l, &mut defined);
    // A number needs no letter.
    let curvature = together(c.sum(&pairs(c, 0)));
    let a = match curvature {
        Formula::Number(_) => curvature,
        other => {
            out.push(line("", a.clone(), other));
            a
        }
    };
    out.push(line(
        "",
        r.clone(),
        together(c.sum(&c.message(&Target::Single(0, K::Value), 1.0))),
    ));
    out.extend(defined);
    let (distance, offset) = distance(c, 0);
    let element = Element {
        v: c.symbol(0),
        r,
        a,
        l,
        positive: positive(c, 0),
        distance,
        offset,
    };
    out.extend(match c.block.role {
        Role::Latent => element.factor(c),
        _ => element.closed(),
    });
    out
}
