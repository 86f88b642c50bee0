//! Independence as the terms of log p show it: unknowns that no chain of terms joins are independent.
//!
//! in: a derivation, a network, which nodes are known -> out: groups of nodes that terms hold together.
//!
//! ```text
//! log p = sum_i t_i(x_i)     and no x_i meets both sides     =>     p(a, b) proportional to f(a) g(b)
//! ```
//!
//! This sees more than the graph does: a statement with two parents may fall into terms that hold one each. A function of a
//! sum holds all that the sum is made of; an auxiliary is no quantity of the model, but what it meets it joins.

use std::collections::BTreeMap;

use crate::algebra::{Known, Origin, Statistic, Subscript, Term, UnknownId};
use crate::derive::Derivation;
use crate::model::{Axis, ColumnType, PlateId};

use super::Node;
use super::ground::{Ground, Network, bindings, own_plates, symmetric};

/// At most this many bindings of a term's axes are looked at.
const BINDINGS: usize = 1 << 13;

/// Whether terms join two nodes when others are known; `None` where the derivation does not know one of them.
pub fn joined(
    d: &Derivation,
    net: &Network,
    known: &dyn Fn(usize) -> bool,
    a: usize,
    b: usize,
) -> Option<bool> {
    let ids: BTreeMap<&Ground, usize> = net.nodes.iter().enumerate().map(|(i, g)| (g, i)).collect();
    let mut c = Coupling {
        d,
        net,
        ids,
        added: BTreeMap::new(),
    };
    let mut set = Sets((0..net.nodes.len()).collect());
    let mut met = vec![false; net.nodes.len()];
    for t in &d.terms.items {
        for env in environments(net, &t.axes)? {
            let held = c.held(t, &env)?;
            let mut first: Option<usize> = None;
            for n in held {
                set.make(n);
                match met.get_mut(n) {
                    Some(_) if known(n) => continue,
                    Some(m) => *m = true,
                    None => {}
                }
                set.join(*first.get_or_insert(n), n);
            }
        }
    }
    (met.get(a) == Some(&true) && met.get(b) == Some(&true)).then(|| set.root(a) == set.root(b))
}

/// Whether both nodes are in one factor of q: one block, and the same element along every plate of its batch.
pub fn in_one_factor(d: &Derivation, net: &Network, a: usize, b: usize) -> bool {
    let (Some(Ground::Quantity(n, x)), Some(Ground::Quantity(m, y))) =
        (net.nodes.get(a), net.nodes.get(b))
    else {
        return false;
    };
    let (Some(u), Some(v)) = (unknown(d, *n), unknown(d, *m)) else {
        return false;
    };
    let (Some(i), Some(j)) = (d.block_of(u), d.block_of(v)) else {
        return false;
    };
    let block = d.block(i);
    let slots = |w: UnknownId| {
        block
            .unknowns
            .iter()
            .position(|k| *k == w)
            .and_then(|k| block.batch_slots.get(k))
    };
    i == j
        && match (slots(u), slots(v)) {
            (Some(s), Some(t)) => s.iter().zip(t).all(|(s, t)| x.get(*s) == y.get(*t)),
            _ => false,
        }
}

/// The unknown of the derivation that a quantity is.
pub fn unknown(d: &Derivation, n: Node) -> Option<UnknownId> {
    d.unknowns
        .ids()
        .find(|u| match (d.unknowns.get(*u).origin, n) {
            (Origin::Variable(v), Node::Variable(w)) => v == w,
            (Origin::Column(c), Node::Column(x)) => c == x,
            _ => false,
        })
}

/// The quantity that an unknown of the derivation is; a predictor is none.
pub fn quantity(d: &Derivation, u: UnknownId) -> Option<Node> {
    match d.unknowns.get(u).origin {
        Origin::Variable(v) => Some(Node::Variable(v)),
        Origin::Column(c) => Some(Node::Column(c)),
        Origin::Predictor(_) => None,
    }
}

/// Every binding of some axes; `None` where there are too many.
fn environments(net: &Network, axes: &[Axis]) -> Option<Vec<BTreeMap<Axis, usize>>> {
    let sizes: Vec<usize> = axes.iter().map(|x| net.elements.size(x.plate)).collect();
    sizes
        .iter()
        .try_fold(1usize, |n, s| n.checked_mul(*s).filter(|n| *n <= BINDINGS))?;
    let at = bindings(&sizes).into_iter();
    Some(
        at.map(|at| axes.iter().copied().zip(at).collect())
            .collect(),
    )
}

struct Coupling<'a> {
    d: &'a Derivation,
    net: &'a Network,
    ids: BTreeMap<&'a Ground, usize>,
    /// Elements of auxiliaries, behind the nodes.
    added: BTreeMap<Ground, usize>,
}

impl Coupling<'_> {
    /// The nodes in a term at one binding; none where a known factor of it is 0.
    fn held(&mut self, t: &Term, env: &BTreeMap<Axis, usize>) -> Option<Vec<usize>> {
        let zero = t.data.iter().any(|k| match k {
            Known::IsElement(s, e) => self
                .subscript(s, env, None)
                .is_some_and(|found| !found.contains(&(*e as usize))),
            Known::HasLag(a, k) => env
                .get(a)
                .is_some_and(|e| self.net.elements.back(a.plate, *e, *k).is_none()),
            _ => false,
        });
        let mut out = vec![];
        if zero {
            return Some(out);
        }
        for s in &t.stats {
            match quantity(self.d, s.of) {
                Some(n) => self.elements(s, n, env, &mut out),
                None => self.through(s, env, &mut out)?,
            }
        }
        Some(out)
    }

    /// What a predictor is made of, where the statistic reads it.
    fn through(
        &mut self,
        s: &Statistic,
        env: &BTreeMap<Axis, usize>,
        out: &mut Vec<usize>,
    ) -> Option<()> {
        let d = self.d;
        let Some(p) = d.predictors.iter().find(|p| p.id == s.of) else {
            return Some(());
        };
        // The last axis of a log of a sum of exponentials is summed inside it.
        let choices: Vec<Vec<usize>> = p
            .axes
            .iter()
            .enumerate()
            .map(|(i, a)| {
                s.index
                    .get(i)
                    .and_then(|x| self.subscript(x, env, Some(a.plate)))
                    .unwrap_or_else(|| (0..self.net.elements.size(a.plate)).collect())
            })
            .collect();
        let sizes: Vec<usize> = choices.iter().map(Vec::len).collect();
        sizes
            .iter()
            .try_fold(1usize, |n, s| n.checked_mul(*s).filter(|n| *n <= BINDINGS))?;
        for pick in bindings(&sizes) {
            let own: BTreeMap<Axis, usize> = p
                .axes
                .iter()
                .zip(choices.iter().zip(&pick))
                .filter_map(|(a, (l, i))| Some((*a, *l.get(*i)?)))
                .collect();
            for t in &p.body {
                for inner in environments(self.net, &t.axes)? {
                    let mut at = own.clone();
                    at.extend(inner);
                    for s in &t.stats {
                        if let Some(n) = quantity(d, s.of) {
                            self.elements(s, n, &at, out);
                        }
                    }
                }
            }
        }
        Some(())
    }

    /// The elements of a quantity that a statistic may be about.
    fn elements(
        &mut self,
        s: &Statistic,
        n: Node,
        env: &BTreeMap<Axis, usize>,
        out: &mut Vec<usize>,
    ) {
        let model = &self.d.model;
        let choices: Vec<Vec<usize>> = own_plates(model, n)
            .iter()
            .enumerate()
            .map(|(k, p)| {
                s.index
                    .get(k)
                    .and_then(|i| self.subscript(i, env, Some(*p)))
                    .unwrap_or_else(|| (0..self.net.elements.size(*p)).collect())
            })
            .collect();
        let auxiliary = self.d.unknowns.get(s.of).auxiliary.is_some();
        let sizes: Vec<usize> = choices.iter().map(Vec::len).collect();
        for pick in bindings(&sizes) {
            let at = choices
                .iter()
                .zip(&pick)
                .filter_map(|(l, i)| l.get(*i).copied());
            let at = symmetric(model, n, at.collect());
            let ground = Ground::Quantity(n, at);
            match self.ids.get(&ground) {
                Some(i) => out.push(*i),
                None if auxiliary => {
                    let next = self.net.nodes.len() + self.added.len();
                    out.push(*self.added.entry(ground).or_insert(next));
                }
                None => {}
            }
        }
    }

    /// The elements that a subscript may mean; `None` where that is any.
    fn subscript(
        &self,
        s: &Subscript,
        env: &BTreeMap<Axis, usize>,
        slot: Option<PlateId>,
    ) -> Option<Vec<usize>> {
        let elements = &self.net.elements;
        match s {
            Subscript::Axis(a) => env.get(a).map(|e| vec![*e]),
            Subscript::Lag(a, k) => {
                let e = env.get(a)?;
                Some(elements.back(a.plate, *e, *k).into_iter().collect())
            }
            Subscript::Element(e) => {
                let n = slot.map_or(usize::MAX, |p| elements.size(p)).max(1);
                Some(vec![*e as usize % n])
            }
            Subscript::Column(c, inner) => {
                let column = self.d.model.column(*c);
                let binary = matches!(column.ty, ColumnType::Label(_) | ColumnType::Binary);
                let rows = self.subscript(inner.first()?, env, column.slots.first().copied())?;
                let found: Vec<usize> =
                    rows.iter().filter_map(|r| elements.label(*c, *r)).collect();
                (binary && !found.is_empty()).then_some(found)
            }
            Subscript::Latent(..) => None,
        }
    }
}

/// Disjoint sets.
struct Sets(Vec<usize>);

impl Sets {
    /// Makes room for an element.
    fn make(&mut self, v: usize) {
        while self.0.len() <= v {
            self.0.push(self.0.len());
        }
    }

    fn root(&self, mut v: usize) -> usize {
        while let Some(p) = self.0.get(v)
            && *p != v
        {
            v = *p;
        }
        v
    }

    fn join(&mut self, a: usize, b: usize) {
        let (a, b) = (self.root(a), self.root(b));
        if let Some(slot) = self.0.get_mut(a.max(b)) {
            *slot = a.min(b);
        }
    }
}
