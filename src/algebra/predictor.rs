//! Predictors: sums of products of unknowns under a function that is no sum of products itself.
//!
//! ```text
//! log(1 + exp(sum_f w_f x_nf + b))     predictor eta_n = sum_f w_f x_nf + b,  statistic softplus(eta_n)
//! ```
//!
//! A predictor is listed with the unknowns, so that `softplus(eta_n)` is a statistic like any other and a term stays a
//! product. What it is made of, its body, is kept beside: the update of its unknowns goes through it by the chain rule.
//! An element of a latent inside the body becomes an axis of the predictor; the statistic is then read at that element.

use crate::family::StatisticKind;
use crate::model::{Axis, Fold, PlateId};
use crate::numeric::link::Link;

use super::expand::{Expander, Polynomial};
use super::known::{Known, KnownFunction};
use super::term::{Statistic, Subscript, Term};
use super::unknown::{UnknownId, Unknowns};

/// A sum of products that stands under a function.
#[derive(Debug, Clone, PartialEq)]
pub struct Predictor {
    /// Its id among the unknowns.
    pub id: UnknownId,
    /// Its axes; the last one is that of the categories for a log of a sum of exponentials.
    pub axes: Vec<Axis>,
    /// What it is, over its axes.
    pub body: Polynomial,
    /// The function that terms hold of it.
    pub kind: StatisticKind,
}

impl Predictor {
    /// The unknowns in its body.
    pub fn unknowns(&self) -> Vec<UnknownId> {
        let mut out: Vec<UnknownId> = self
            .body
            .iter()
            .flat_map(|t| t.stats.iter().map(|s| s.of))
            .collect();
        out.sort();
        out.dedup();
        out
    }

    /// Its plates.
    pub fn slots(&self) -> Vec<PlateId> {
        self.axes.iter().map(|a| a.plate).collect()
    }
}

impl Expander<'_> {
    /// The function `kind` of a sum, as a term; `over` is the axis that a log of a sum of exponentials runs over.
    pub fn function_of(&self, body: Polynomial, kind: StatisticKind, over: Option<Axis>) -> Term {
        // A function of one unknown alone is a statistic of its own.
        if let ([t], StatisticKind::Of(_)) = (body.as_slice(), kind)
            && t.coef == 1.0
            && t.data.is_empty()
            && t.axes.is_empty()
            && let [s] = t.stats.as_slice()
            && s.kind == StatisticKind::Value
            && s.offset.is_none()
        {
            return Term::statistic(s.of, kind, s.index.clone());
        }
        if let Some(known) = self.known_function(&body, kind, over) {
            return Term::known(known);
        }
        let mut axes: Vec<Axis> = vec![];
        let mut index: Vec<Subscript> = vec![];
        let mut map: Vec<(Subscript, Axis)> = vec![];
        for t in &body {
            let mut visit = |s: &Subscript| {
                for l in latents(s) {
                    if map.iter().all(|(x, _)| *x != l)
                        && let Subscript::Latent(u, _) = &l
                        && let Some(p) = self.unknowns.get(*u).element_plate()
                    {
                        map.push((l, self.fresh(p)));
                    }
                }
            };
            t.data.iter().for_each(|k| k.subscripts(&mut |s| visit(s)));
            t.stats.iter().flat_map(|s| &s.index).for_each(&mut visit);
        }
        let body: Polynomial = body
            .iter()
            .map(|t| {
                t.map(&|s| {
                    map.iter()
                        .fold(s.clone(), |s, (from, to)| replaced(&s, from, *to))
                })
            })
            .collect();
        for t in &body {
            for a in t.carried_axes() {
                if !t.axes.contains(&a) && !axes.contains(&a) && Some(a) != over {
                    axes.push(a);
                    index.push(
                        map.iter()
                            .find(|(_, b)| *b == a)
                            .map_or(Subscript::Axis(a), |(s, _)| s.clone()),
                    );
                }
            }
        }
        axes.extend(over);
        // The body has axes of its own, so that no later renaming of the statement reaches into it.
        let fresh: Vec<(Axis, Subscript)> = axes
            .iter()
            .map(|a| (*a, Subscript::Axis(self.fresh(a.plate))))
            .collect();
        let body: Polynomial = body
            .iter()
            .map(|t| self.freshen(t).substitute(&fresh))
            .collect();
        let own: Vec<Axis> = fresh
            .iter()
            .filter_map(|(_, s)| match s {
                Subscript::Axis(a) => Some(*a),
                _ => None,
            })
            .collect();
        let mut list = self.predictors.borrow_mut();
        let id = UnknownId((self.unknowns.items.len() + list.len()) as u32);
        list.push(Predictor {
            id,
            axes: own,
            body,
            kind,
        });
        Term {
            stats: vec![Statistic {
                of: id,
                kind,
                index,
                offset: None,
            }],
            ..Term::number(1.0)
        }
    }
}

impl Expander<'_> {
    /// The function of a sum in which nothing is unknown.
    fn known_function(
        &self,
        body: &[Term],
        kind: StatisticKind,
        over: Option<Axis>,
    ) -> Option<Known> {
        if body.iter().any(|t| !t.stats.is_empty()) {
            return None;
        }
        let sum = Known::sum(body.iter().map(|t| {
            let product = Known::product(
                std::iter::once(Known::number(t.coef)).chain(t.data.iter().cloned()),
            );
            match t.axes.as_slice() {
                [] => product,
                axes => Known::Fold {
                    fold: Fold::Sum,
                    axes: axes.to_vec(),
                    restriction: None,
                    body: Box::new(product),
                },
            }
        }));
        match (kind, over) {
            (StatisticKind::Of(Link::LnGamma), _) => Some(Known::call(KnownFunction::LnGamma, sum)),
            (StatisticKind::Of(link), _) => Some(Known::call(KnownFunction::Of(link), sum)),
            (StatisticKind::LogSumExp, Some(k)) => {
                let own = self.fresh(k.plate);
                let at = sum.map(&|s| s.substitute(&[(k, Subscript::Axis(own))]));
                let total = Known::Fold {
                    fold: Fold::Sum,
                    axes: vec![own],
                    restriction: None,
                    body: Box::new(Known::call(KnownFunction::Exp, at)),
                };
                Some(Known::call(KnownFunction::Log, total))
            }
            _ => None,
        }
    }
}

/// The outermost elements of latents in a subscript.
fn latents(s: &Subscript) -> Vec<Subscript> {
    match s {
        Subscript::Latent(..) => vec![s.clone()],
        Subscript::Column(_, inner) => inner.iter().flat_map(latents).collect(),
        Subscript::Axis(_) | Subscript::Lag(..) | Subscript::Element(_) => vec![],
    }
}

fn replaced(s: &Subscript, from: &Subscript, to: Axis) -> Subscript {
    if s == from {
        return Subscript::Axis(to);
    }
    match s {
        Subscript::Column(c, inner) => {
            Subscript::Column(*c, inner.iter().map(|x| replaced(x, from, to)).collect())
        }
        other => other.clone(),
    }
}

/// The unknowns with the predictors behind them.
pub fn listed(unknowns: &Unknowns, predictors: &[Predictor]) -> Unknowns {
    let mut out = unknowns.clone();
    for p in predictors {
        out.push_predictor(p);
    }
    out
}
