//! Completion of a statement: latent indices become axes with indicators.
//!
//! `mu[z]` and `Sigma[z]` of one statement share an axis k and one factor 1[z = k], so `(x - mu[z])^2` has no k != k'. Only
//! when the whole log density stands may this be done.

use crate::family::StatisticKind;
use crate::model::Axis;

use super::expand::Expander;
use super::known::{Known, KnownMatrix};
use super::term::{Statistic, Subscript, Term};

/// Replaces every distinct latent subscript of a term, inner ones first, and joins indicators of one element.
/// `None` if two indicators of one element contradict each other: the term is zero.
pub fn complete(expander: &Expander<'_>, mut t: Term) -> Option<Term> {
    while let Some((u, index)) = innermost_latent(&t) {
        let plate = expander.unknowns.get(u).element_plate()?;
        let k = expander.fresh(plate);
        let target = Subscript::Latent(u, index.clone());
        t = t.map(&|s| replace(s, &target, &Subscript::Axis(k)));
        let mut index = index;
        index.push(Subscript::Axis(k));
        t.stats.push(Statistic {
            of: u,
            kind: StatisticKind::Indicator,
            index,
            offset: None,
        });
        t.axes.push(k);
    }
    join_indicators(t)
}

/// Two indicators of one element are one: 1[z = k] 1[z = l] is 1[z = k] at l = k.
fn join_indicators(mut t: Term) -> Option<Term> {
    'again: loop {
        for i in 0..t.stats.len() {
            for j in i + 1..t.stats.len() {
                let (a, b) = (&t.stats[i], &t.stats[j]);
                if a.of != b.of
                    || a.kind != StatisticKind::Indicator
                    || b.kind != StatisticKind::Indicator
                {
                    continue;
                }
                let n = a.index.len() - 1;
                if a.index[..n] != b.index[..n] {
                    continue;
                }
                let (k, l) = (a.index[n].clone(), b.index[n].clone());
                let map: Option<(Axis, Subscript)> = match (&k, &l) {
                    _ if k == l => None,
                    (_, Subscript::Axis(l)) if t.axes.contains(l) => Some((*l, k.clone())),
                    (Subscript::Axis(k), _) if t.axes.contains(k) => Some((*k, l.clone())),
                    (Subscript::Element(_), Subscript::Element(_)) => return None,
                    _ => {
                        // A gather against another: both known, so the product is 1[k = l] of the data.
                        continue;
                    }
                };
                t.stats.remove(j);
                if let Some(m) = map {
                    t = t.substitute(&[m]);
                }
                continue 'again;
            }
        }
        return Some(t);
    }
}

/// A latent subscript that holds no other.
fn innermost_latent(t: &Term) -> Option<(super::UnknownId, Vec<Subscript>)> {
    let mut found = None;
    let mut visit = |s: &Subscript| {
        if found.is_none() {
            found = innermost(s);
        }
    };
    for k in &t.data {
        visit_known(k, &mut visit);
    }
    for s in &t.stats {
        s.index.iter().for_each(&mut visit);
        if let Some(k) = &s.offset {
            visit_known(k, &mut visit);
        }
    }
    found
}

fn visit_known(k: &Known, visit: &mut dyn FnMut(&Subscript)) {
    k.subscripts(&mut |s| visit(s));
    if let Known::Entry(m, ..) | Known::LogDet(m, _) = k {
        visit_matrix(m, visit);
    }
}

fn visit_matrix(m: &KnownMatrix, visit: &mut dyn FnMut(&Subscript)) {
    match m {
        KnownMatrix::Identity => {}
        KnownMatrix::Diagonal(_, k) => visit_known(k, visit),
        KnownMatrix::Definition(_, s) => s.iter().for_each(visit),
        KnownMatrix::Scaled(k, m) => {
            visit_known(k, visit);
            visit_matrix(m, visit);
        }
        KnownMatrix::Sum(a, b) => {
            visit_matrix(a, visit);
            visit_matrix(b, visit);
        }
        KnownMatrix::Inverse(m) => visit_matrix(m, visit),
    }
}

fn innermost(s: &Subscript) -> Option<(super::UnknownId, Vec<Subscript>)> {
    match s {
        Subscript::Axis(_) | Subscript::Lag(..) | Subscript::Element(_) => None,
        Subscript::Column(_, inner) => inner.iter().find_map(innermost),
        Subscript::Latent(u, inner) => inner
            .iter()
            .find_map(innermost)
            .or_else(|| Some((*u, inner.clone()))),
    }
}

fn replace(s: &Subscript, target: &Subscript, by: &Subscript) -> Subscript {
    if s == target {
        return by.clone();
    }
    match s {
        Subscript::Axis(_) | Subscript::Lag(..) | Subscript::Element(_) => s.clone(),
        Subscript::Column(c, i) => {
            Subscript::Column(*c, i.iter().map(|x| replace(x, target, by)).collect())
        }
        Subscript::Latent(u, i) => {
            Subscript::Latent(*u, i.iter().map(|x| replace(x, target, by)).collect())
        }
    }
}
