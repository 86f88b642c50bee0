//! Coupling from the terms: which unknowns form one block, and along which plates it is a batch.
//!
//! ```text
//! batch(G)   positions, one per unknown of G and of one plate, at which in every term all occurrences of G's unknowns
//!            carry the identical subscript: elements that differ there are independent given the rest
//! ```
//!
//! Closure rules, tried in order until nothing changes; a merge must keep the batch of both sides, or be asked for:
//!
//! ```text
//! quadratic   one role, real, values only, some term holds both, no term has degree > 2 in the union
//! scale       w real, V positive or a matrix, both latent: every term with w holds V's value exactly once
//! discrete    both discrete latents, some term holds both: all joint states of an element
//! predictor   points that stand in one sum under a function: always one block
//! conditional z discrete, H a closed Gaussian of latents, batch(z) = batch(H) = all plates of z: q(z) q(H | z)
//! ```

use crate::algebra::{Predictor, Statistic, Subscript, Term, UnknownId, Unknowns};
use crate::family::StatisticKind;
use crate::model::{DirectiveKind, Domain, Model, PlateId, Role};

/// A group of unknowns with its batch.
#[derive(Debug, Clone, PartialEq)]
pub struct Group {
    /// The unknowns; for a scale group the mean first, then the precision.
    pub unknowns: Vec<UnknownId>,
    /// How it came about.
    pub rule: Rule,
    /// Batch plates.
    pub batch: Vec<PlateId>,
    /// The slot of each batch plate, per unknown.
    pub batch_slots: Vec<Vec<usize>>,
    /// The other plates' slots, per unknown.
    pub inside_slots: Vec<Vec<usize>>,
}

/// The rule that made a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// One unknown.
    Alone,
    /// Jointly quadratic.
    Quadratic,
    /// Mean and precision.
    Scale,
    /// Discrete, joint states.
    Discrete,
    /// A discrete unknown (the first), and a Gaussian given each of its values.
    Conditional,
    /// Points in one predictor: a sum under a function.
    Predictor,
}

/// Which statistics of an unknown the terms hold, in order; `Pair` where two values meet in one term.
pub fn kinds_of(u: UnknownId, terms: &[Term]) -> Vec<StatisticKind> {
    let mut out = vec![];
    for t in terms {
        let mine: Vec<&Statistic> = t.stats.iter().filter(|s| s.of == u).collect();
        for s in &mine {
            out.push(s.kind);
        }
        if mine
            .iter()
            .filter(|s| s.kind == StatisticKind::Value)
            .count()
            > 1
        {
            out.push(StatisticKind::Pair);
        }
    }
    out.sort();
    out.dedup();
    out
}

/// Forms the groups.
pub fn group(
    model: &Model,
    unknowns: &Unknowns,
    terms: &[Term],
    predictors: &[Predictor],
) -> Vec<Group> {
    let ctx = Coupling {
        model,
        unknowns,
        terms,
    };
    let mut groups: Vec<(Vec<UnknownId>, Rule)> = unknowns
        .ids()
        .filter(|u| !unknowns.is_predictor(*u))
        .filter(|u| {
            terms.iter().any(|t| t.stats.iter().any(|s| s.of == *u))
                || predictors.iter().any(|p| p.unknowns().contains(u))
        })
        .map(|u| (vec![u], Rule::Alone))
        .collect();
    // Points under one function are raised together.
    for p in predictors {
        let of = p.unknowns();
        if of.iter().any(|u| unknowns.get(*u).role == Role::Latent) {
            continue;
        }
        let (mine, rest): (Vec<_>, Vec<_>) = groups
            .into_iter()
            .partition(|(g, _)| g.iter().any(|u| of.contains(u)));
        groups = rest;
        let mut union: Vec<UnknownId> = mine.into_iter().flat_map(|(g, _)| g).collect();
        union.sort();
        if !union.is_empty() {
            groups.push((union, Rule::Predictor));
        }
    }
    groups.sort_by_key(|(g, _)| g.first().copied());
    for rule in [
        Rule::Quadratic,
        Rule::Scale,
        Rule::Discrete,
        Rule::Conditional,
    ] {
        'again: loop {
            for i in 0..groups.len() {
                for j in 0..groups.len() {
                    let ordered = matches!(rule, Rule::Scale | Rule::Conditional);
                    if i == j || (!ordered && i > j) {
                        continue;
                    }
                    let (g, h) = (&groups[i], &groups[j]);
                    if !ctx.applies(rule, g, h) {
                        continue;
                    }
                    let union: Vec<UnknownId> = g.0.iter().chain(&h.0).copied().collect();
                    if !(ctx.keeps_batch(&g.0, &h.0, &union) || ctx.asked_joint(&union)) {
                        continue;
                    }
                    let (lo, hi) = (i.min(j), i.max(j));
                    groups[lo] = (union, rule);
                    groups.remove(hi);
                    continue 'again;
                }
            }
            break;
        }
    }
    groups
        .into_iter()
        .map(|(members, rule)| {
            let (batch, batch_slots) = match rule {
                Rule::Predictor => (vec![], vec![vec![]; members.len()]),
                _ => ctx.batch(&members),
            };
            let inside_slots = members
                .iter()
                .zip(&batch_slots)
                .map(|(u, b)| {
                    (0..unknowns.get(*u).plates().len())
                        .filter(|s| !b.contains(s))
                        .collect()
                })
                .collect();
            Group {
                unknowns: members,
                rule,
                batch,
                batch_slots,
                inside_slots,
            }
        })
        .collect()
}

struct Coupling<'a> {
    model: &'a Model,
    unknowns: &'a Unknowns,
    terms: &'a [Term],
}

impl Coupling<'_> {
    fn occurrences<'t>(&self, t: &'t Term, g: &[UnknownId]) -> Vec<&'t Statistic> {
        t.stats.iter().filter(|s| g.contains(&s.of)).collect()
    }

    /// The batch plates of a set of unknowns and, per unknown, their slots.
    fn batch(&self, g: &[UnknownId]) -> (Vec<PlateId>, Vec<Vec<usize>>) {
        let occurrences: Vec<Vec<&Statistic>> = self
            .terms
            .iter()
            .map(|t| self.occurrences(t, g))
            .filter(|o| !o.is_empty())
            .collect();
        let plates: Vec<&[PlateId]> = g.iter().map(|u| self.unknowns.get(*u).plates()).collect();
        let mut batch = vec![];
        let mut slots: Vec<Vec<usize>> = vec![vec![]; g.len()];
        for p in 0..plates[0].len() {
            // One slot per unknown, all of one plate: the first free combination that every term agrees on.
            let mut choice = vec![p];
            if self.choose(&plates, &slots, &occurrences, g, &mut choice) {
                batch.push(plates[0][p]);
                for (s, c) in slots.iter_mut().zip(&choice) {
                    s.push(*c);
                }
            }
        }
        (batch, slots)
    }

    fn choose(
        &self,
        plates: &[&[PlateId]],
        used: &[Vec<usize>],
        occurrences: &[Vec<&Statistic>],
        g: &[UnknownId],
        choice: &mut Vec<usize>,
    ) -> bool {
        let depth = choice.len();
        let p = choice[depth - 1];
        if used[depth - 1].contains(&p) || plates[depth - 1][p] != plates[0][choice[0]] {
            return false;
        }
        if depth == g.len() {
            return occurrences.iter().all(|o| {
                let mut at = o.iter().map(|s| {
                    let i = g.iter().position(|u| *u == s.of).unwrap_or(0);
                    s.index.get(choice[i])
                });
                let first = at.next().flatten();
                first.is_some() && at.all(|x| x == first)
            });
        }
        for q in 0..plates[depth].len() {
            choice.push(q);
            if self.choose(plates, used, occurrences, g, choice) {
                return true;
            }
            choice.pop();
        }
        false
    }

    fn keeps_batch(&self, g: &[UnknownId], h: &[UnknownId], union: &[UnknownId]) -> bool {
        let n = self.batch(union).0.len();
        n == self.batch(g).0.len() && n == self.batch(h).0.len()
    }

    fn asked_joint(&self, union: &[UnknownId]) -> bool {
        self.model.directives.iter().any(|d| match &d.kind {
            DirectiveKind::Joint(vars) => union
                .iter()
                .all(|u| vars.iter().any(|v| self.unknowns.variable(*v) == *u)),
            DirectiveKind::Order(_) | DirectiveKind::Factorise(..) => false,
        })
    }

    fn split_asked(&self, u: UnknownId) -> bool {
        self.unknowns.get(u).factorised
            || self.model.directives.iter().any(|d| match &d.kind {
                DirectiveKind::Factorise(v, _) => self.unknowns.variable(*v) == u,
                DirectiveKind::Joint(_) | DirectiveKind::Order(_) => false,
            })
    }

    fn held_together(&self, g: &[UnknownId], h: &[UnknownId]) -> bool {
        self.terms.iter().any(|t| {
            t.stats.iter().any(|s| g.contains(&s.of)) && t.stats.iter().any(|s| h.contains(&s.of))
        })
    }

    fn applies(&self, rule: Rule, g: &(Vec<UnknownId>, Rule), h: &(Vec<UnknownId>, Rule)) -> bool {
        let union: Vec<UnknownId> = g.0.iter().chain(&h.0).copied().collect();
        // An element of a symmetric unknown stands at two places of the others: it is updated by itself. So is what a
        // constraint ties together.
        let alone = |u: &UnknownId| {
            self.split_asked(*u)
                || self.unknowns.get(*u).symmetric
                || self.unknowns.get(*u).constraint.is_some()
        };
        if union.iter().any(alone) || !self.held_together(&g.0, &h.0) {
            return false;
        }
        let role = self.unknowns.get(g.0[0]).role;
        if g.1 == Rule::Predictor || h.1 == Rule::Predictor {
            return false;
        }
        match rule {
            Rule::Alone | Rule::Predictor => false,
            Rule::Quadratic => {
                union.iter().all(|u| {
                    let v = self.unknowns.get(*u);
                    // Points may have |v| or v > 0 beside: they are solved together all the same.
                    v.role == role
                        && (v.domain == Domain::Real
                            || (role != Role::Latent && v.domain == Domain::Positive))
                        && kinds_of(*u, self.terms).iter().all(|k| match k {
                            StatisticKind::Value | StatisticKind::Pair => true,
                            StatisticKind::Abs => role != Role::Latent,
                            _ => false,
                        })
                }) && self
                    .terms
                    .iter()
                    .all(|t| self.occurrences(t, &union).len() <= 2)
            }
            Rule::Scale => {
                g.1 != Rule::Scale
                    && g.0.len() == 1
                    && h.0.len() == 1
                    && self.is_mean_of(g.0[0], h.0[0])
            }
            Rule::Discrete => {
                union.iter().all(|u| {
                    let v = self.unknowns.get(*u);
                    v.role == Role::Latent && v.element_plate().is_some()
                }) && (g.1 == Rule::Alone || g.1 == Rule::Discrete)
                    && (h.1 == Rule::Alone || h.1 == Rule::Discrete)
            }
            Rule::Conditional => {
                let [z] = g.0.as_slice() else { return false };
                let z = self.unknowns.get(*z);
                z.role == Role::Latent
                    && z.element_plate().is_some()
                    && g.1 == Rule::Alone
                    && matches!(h.1, Rule::Alone | Rule::Quadratic)
                    && self.batch(&g.0).0.len() == z.plates().len()
                    && self.batch(&h.0).0.len() == z.plates().len()
                    && h.0.iter().all(|u| {
                        let v = self.unknowns.get(*u);
                        v.role == Role::Latent
                            && v.domain == Domain::Real
                            && kinds_of(*u, self.terms)
                                .iter()
                                .all(|k| matches!(k, StatisticKind::Value | StatisticKind::Pair))
                    })
            }
        }
    }

    /// Every term with w holds V's value exactly once, contracted with nothing but w and one known or foreign vector.
    fn is_mean_of(&self, w: UnknownId, v: UnknownId) -> bool {
        let (wu, vu) = (self.unknowns.get(w), self.unknowns.get(v));
        if wu.role != Role::Latent || vu.role != Role::Latent || wu.domain != Domain::Real {
            return false;
        }
        let matrix = vu.domain == Domain::Precision;
        if !(matrix || vu.domain == Domain::Positive) {
            return false;
        }
        if !kinds_of(v, self.terms)
            .iter()
            .all(|k| matches!(k, StatisticKind::Value | StatisticKind::Log))
        {
            return false;
        }
        let (batch, slots) = self.batch(&[w, v]);
        let inside: Vec<usize> = (0..wu.plates().len())
            .filter(|s| !slots[0].contains(s))
            .collect();
        // The precision's own plates must all be batch, and a matrix's mean must be one vector.
        if batch.len() != vu.plates().len() || (matrix && inside.len() != 1) {
            return false;
        }
        self.terms.iter().all(|t| {
            let ws: Vec<&Statistic> = t.stats.iter().filter(|s| s.of == w).collect();
            if ws.is_empty() {
                return true;
            }
            let vs: Vec<&Statistic> = t.stats.iter().filter(|s| s.of == v).collect();
            if vs.len() != 1 || vs[0].kind != StatisticKind::Value || ws.len() > 2 {
                return false;
            }
            if ws.iter().any(|s| s.kind != StatisticKind::Value) {
                return false;
            }
            !matrix || contracted(t, vs[0], &ws, inside[0])
        })
    }
}

/// The axes of V_de that meet w stand in no other factor.
fn contracted(t: &Term, v: &Statistic, ws: &[&Statistic], slot: usize) -> bool {
    let n = v.index.len();
    let de = [&v.index[n - 2], &v.index[n - 1]];
    let mut met = vec![];
    for w in ws {
        let Some(Subscript::Axis(a)) = w.index.get(slot) else {
            return false;
        };
        if !de.contains(&&Subscript::Axis(*a)) || met.contains(a) {
            return false;
        }
        met.push(*a);
    }
    met.iter().all(|a| {
        let in_data = t.data.iter().any(|k| k.axes().contains(a));
        let in_stats = t.stats.iter().filter(|s| s.has_axis(*a)).count();
        !in_data && in_stats == 2
    })
}
