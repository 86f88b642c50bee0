//! Canonical terms: equal terms become equal, and their coefficients add up.
//!
//! Factors are sorted by a pattern that ignores the axes' ids, axes numbered by first appearance; among the orders that
//! ties and symmetric matrices (x'Vm = m'Vx) allow, the smallest form wins. Two terms are equal iff their forms are.

use crate::family::StatisticKind;
use crate::model::{Axis, PlateId};

use super::Terms;
use super::known::Known;
use super::term::{Statistic, Subscript, Term};
use super::unknown::{UnknownId, Unknowns};

/// At most this many orders are tried for one term; beyond it the first is taken (terms may then stay apart, which costs
/// work and changes nothing else).
const ORDERS: usize = 720;

/// Canonical axis ids start here, above every id that a fold inside a known expression binds.
const FIRST_ID: u32 = 1 << 24;

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Form {
    data: Vec<Known>,
    stats: Vec<Statistic>,
    axes: Vec<Axis>,
}

/// The canonical form of a sum of terms.
pub fn canonicalise(terms: Vec<Term>, unknowns: &Unknowns) -> Terms {
    let mut forms: Vec<Form> = Vec::new();
    let mut items: Vec<Term> = Vec::new();
    for t in terms {
        if t.coef == 0.0 {
            continue;
        }
        let t = absorb_numbers(t);
        let form = smallest(&t, unknowns);
        match forms.iter().position(|f| *f == form) {
            Some(i) => {
                items[i].coef += t.coef;
                for f in t.from {
                    if !items[i].from.contains(&f) {
                        items[i].from.push(f);
                    }
                }
            }
            None => {
                items.push(Term {
                    coef: t.coef,
                    data: form.data.clone(),
                    stats: form.stats.clone(),
                    axes: form.axes.clone(),
                    from: t.from,
                });
                forms.push(form);
            }
        }
    }
    items.retain(|t| t.coef != 0.0);
    Terms { items }
}

/// Literal data join the coefficient; nested products come apart.
fn absorb_numbers(mut t: Term) -> Term {
    let mut data = Vec::with_capacity(t.data.len());
    let mut stack = std::mem::take(&mut t.data);
    stack.reverse();
    while let Some(k) = stack.pop() {
        match k {
            Known::Number(n) => t.coef *= n.0,
            Known::Multiply(parts) => stack.extend(parts.into_iter().rev()),
            other => data.push(other),
        }
    }
    t.data = data;
    t
}

/// One term in canonical form, and what each of its axes became. Coefficient and provenance are kept.
pub fn canonical_form(t: &Term, unknowns: &Unknowns) -> (Term, Vec<(Axis, Axis)>) {
    let (form, map) = smallest_with_map(t, unknowns);
    (
        Term {
            coef: t.coef,
            data: form.data,
            stats: form.stats,
            axes: form.axes,
            from: t.from.clone(),
        },
        map,
    )
}

fn smallest(t: &Term, unknowns: &Unknowns) -> Form {
    smallest_with_map(t, unknowns).0
}

/// The smallest form among the allowed orders.
fn smallest_with_map(t: &Term, unknowns: &Unknowns) -> (Form, Vec<(Axis, Axis)>) {
    let mut best: Option<(Form, Vec<(Axis, Axis)>)> = None;
    for variant in symmetric_variants(t, unknowns) {
        for order in orders(&variant) {
            let form = number(&variant, &order);
            if best.as_ref().is_none_or(|(b, _)| form.0 < *b) {
                best = Some(form);
            }
        }
    }
    best.unwrap_or_else(|| number(t, &(0..t.stats.len() + t.data.len()).collect::<Vec<_>>()))
}

/// The term with the two value slots of each symmetric matrix in both orders.
fn symmetric_variants(t: &Term, unknowns: &Unknowns) -> Vec<Term> {
    let mut out = vec![t.clone()];
    for i in 0..t.stats.len() {
        let s = &t.stats[i];
        let matrix = unknowns.get(s.of).domain.value_slots() == 2
            && matches!(s.kind, StatisticKind::Value | StatisticKind::Power(_));
        if matrix && out.len() <= 8 {
            let n = s.index.len();
            let more: Vec<Term> = out
                .iter()
                .map(|v| {
                    let mut v = v.clone();
                    v.stats[i].index.swap(n - 1, n - 2);
                    v
                })
                .collect();
            out.extend(more);
        }
    }
    for i in 0..t.data.len() {
        if matches!(&t.data[i], Known::Entry(..)) && out.len() <= 8 {
            let more: Vec<Term> = out
                .iter()
                .map(|v| {
                    let mut v = v.clone();
                    if let Known::Entry(_, a, b) = &mut v.data[i] {
                        std::mem::swap(a, b);
                    }
                    v
                })
                .collect();
            out.extend(more);
        }
    }
    out
}

/// What a factor looks like when axes are known by their plates only.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Pattern {
    Data(Known),
    Stat(UnknownId, StatisticKind, Vec<Subscript>),
}

fn anonymous(s: &Subscript) -> Subscript {
    match s {
        Subscript::Axis(a) => Subscript::Axis(Axis {
            plate: a.plate,
            id: 0,
        }),
        Subscript::Lag(a, k) => Subscript::Lag(
            Axis {
                plate: a.plate,
                id: 0,
            },
            *k,
        ),
        Subscript::Element(_) => s.clone(),
        Subscript::Column(c, i) => Subscript::Column(*c, i.iter().map(anonymous).collect()),
        Subscript::Latent(u, i) => Subscript::Latent(*u, i.iter().map(anonymous).collect()),
    }
}

/// The orders of factors (data first, by position in data ++ stats) to try.
fn orders(t: &Term) -> Vec<Vec<usize>> {
    let patterns: Vec<Pattern> = t
        .data
        .iter()
        .map(|k| Pattern::Data(k.map(&anonymous)))
        .chain(
            t.stats
                .iter()
                .map(|s| Pattern::Stat(s.of, s.kind, s.index.iter().map(anonymous).collect())),
        )
        .collect();
    let mut base: Vec<usize> = (0..patterns.len()).collect();
    base.sort_by(|a, b| patterns[*a].cmp(&patterns[*b]));
    let mut out = vec![vec![]];
    let mut i = 0;
    while i < base.len() {
        let mut j = i + 1;
        while j < base.len() && patterns[base[j]] == patterns[base[i]] {
            j += 1;
        }
        let group = permutations(
            &base[i..j],
            if out.len().saturating_mul(factorial(j - i)) > ORDERS {
                1
            } else {
                usize::MAX
            },
        );
        out = out
            .into_iter()
            .flat_map(|o: Vec<usize>| {
                group.iter().map(move |g| {
                    let mut o = o.clone();
                    o.extend(g);
                    o
                })
            })
            .collect();
        i = j;
    }
    out
}

fn factorial(n: usize) -> usize {
    (1..=n).fold(1, usize::saturating_mul)
}

fn permutations(items: &[usize], most: usize) -> Vec<Vec<usize>> {
    if items.len() <= 1 || most == 1 {
        return vec![items.to_vec()];
    }
    let mut out = vec![];
    for i in 0..items.len() {
        let mut rest = items.to_vec();
        let first = rest.remove(i);
        for mut p in permutations(&rest, most) {
            p.insert(0, first);
            out.push(p);
        }
    }
    out
}

/// Numbers the axes by first appearance in this order of factors; axes that no factor carries come last.
fn number(t: &Term, order: &[usize]) -> (Form, Vec<(Axis, Axis)>) {
    let mut map: Vec<(Axis, Axis)> = vec![];
    let mut counts: Vec<(PlateId, u32)> = vec![];
    let mut next = |a: Axis, map: &mut Vec<(Axis, Axis)>| {
        if !map.iter().any(|(b, _)| *b == a) {
            let slot = match counts.iter_mut().find(|(p, _)| *p == a.plate) {
                Some(s) => s,
                None => {
                    counts.push((a.plate, 0));
                    counts
                        .last_mut()
                        .unwrap_or_else(|| unreachable!("just pushed"))
                }
            };
            map.push((
                a,
                Axis {
                    plate: a.plate,
                    id: FIRST_ID + slot.1,
                },
            ));
            slot.1 += 1;
        }
    };
    let n = t.data.len();
    for &i in order {
        if i < n {
            for a in t.data[i].axes() {
                next(a, &mut map);
            }
        } else {
            for s in &t.stats[i - n].index {
                s.visit_axes(&mut |a| next(a, &mut map));
            }
            if let Some(k) = &t.stats[i - n].offset {
                for a in k.axes() {
                    next(a, &mut map);
                }
            }
        }
    }
    let mut idle: Vec<Axis> = t
        .axes
        .iter()
        .copied()
        .filter(|a| !map.iter().any(|(b, _)| b == a))
        .collect();
    idle.sort_by_key(|a| a.plate);
    for a in idle {
        next(a, &mut map);
    }
    let subst: Vec<(Axis, Subscript)> =
        map.iter().map(|(a, b)| (*a, Subscript::Axis(*b))).collect();
    let renamed = t.substitute(&subst);
    let mut data: Vec<Known> = vec![];
    let mut stats: Vec<Statistic> = vec![];
    for &i in order {
        if i < n {
            data.push(renamed.data[i].clone());
        } else {
            stats.push(renamed.stats[i - n].clone());
        }
    }
    let mut axes = renamed.axes;
    axes.sort();
    (Form { data, stats, axes }, map)
}
