//! Which path of the graph couples two blocks, or keeps the elements of one apart, in a sentence.
//!
//! in: a derivation, the study of its graph -> out: sentences for the page.
//!
//! The blocks come from the terms; the graph is the reason a reader knows: a shared parent, a chain, explaining away.

use crate::algebra::{Origin, UnknownId};
use crate::derive::{BlockId, Derivation};
use crate::graph::coupling::{in_one_factor, quantity};
use crate::graph::separation::Turn;
use crate::graph::trail::{Study, Trail};
use crate::model::Role;

/// At most this many pairs of elements are looked at.
const PAIRS: usize = 64;

/// A derivation with the study of its graph.
pub struct Paths<'a> {
    d: &'a Derivation,
    study: Study<'a>,
}

impl<'a> Paths<'a> {
    /// Columns that hold blanks are unknown.
    pub fn new(d: &'a Derivation, mut study: Study<'a>) -> Self {
        let blank: Vec<_> = d
            .unknowns
            .items
            .iter()
            .filter_map(|u| match u.origin {
                Origin::Column(c) => Some(c),
                Origin::Variable(_) | Origin::Predictor(_) => None,
            })
            .collect();
        if !blank.is_empty() {
            study.set_blank(blank);
        }
        Paths { d, study }
    }

    /// Why two latent blocks are coupled.
    pub fn between(&self, a: BlockId, b: BlockId) -> Option<String> {
        let mut best: Option<Trail> = None;
        for u in &self.d.block(a).unknowns {
            for v in &self.d.block(b).unknowns {
                self.shortest(&self.pairs(*u, *v), &mut best);
            }
        }
        best.map(|t| sentence(&t))
    }

    /// Why elements of one block, or its unknowns, are solved for together.
    pub fn within(&self, id: BlockId) -> Option<String> {
        let b = self.d.block(id);
        if b.role != Role::Latent {
            return None;
        }
        let mut best: Option<Trail> = None;
        for (i, u) in b.unknowns.iter().enumerate() {
            for v in b.unknowns.iter().skip(i) {
                let mut pairs = self.pairs(*u, *v);
                pairs.retain(|(x, y)| in_one_factor(self.d, &self.study.net, *x, *y));
                self.shortest(&pairs, &mut best);
            }
        }
        best.map(|t| sentence(&t))
    }

    /// Whether elements that are updated in parallel are independent in the posterior too, and why.
    pub fn apart(&self, id: BlockId) -> Option<String> {
        let b = self.d.block(id);
        if b.role != Role::Latent || b.batch.is_empty() {
            return None;
        }
        let u = *b.unknowns.first()?;
        let mut pairs = self.pairs(u, u);
        pairs.retain(|(x, y)| !in_one_factor(self.d, &self.study.net, *x, *y));
        let (x, y) = *pairs.first()?;
        let mut best: Option<Trail> = None;
        self.shortest(&pairs, &mut best);
        let exact = b.exactness == crate::derive::Exactness::Exact;
        Some(match (best, exact) {
            (Some(t), false) => format!(
                "The posterior couples them ({}); q leaves this out.",
                t.text()
            ),
            (Some(t), true) => format!(
                "The graph joins them ({}), but no term holds two of them: they are independent in the posterior too.",
                t.text()
            ),
            (None, _) => {
                let closers = self.study.closers(x, y);
                let ends = self.study.closed(x, y).into_iter().next();
                let through = match (
                    ends.as_ref().and_then(|t| t.steps.last()),
                    closers.is_empty(),
                ) {
                    (Some(last), false) => format!(
                        "the paths to {} lead through {}, which {} known",
                        last.name,
                        super::prose::list(&closers),
                        if closers.len() == 1 { "is" } else { "are" }
                    ),
                    _ => "no path leads from one to the other".to_string(),
                };
                format!("They are independent in the posterior too: {through}.")
            }
        })
    }

    fn pairs(&self, u: UnknownId, v: UnknownId) -> Vec<(usize, usize)> {
        match (quantity(self.d, u), quantity(self.d, v)) {
            (Some(u), Some(v)) => self.study.net.pairs(u, v),
            _ => vec![],
        }
    }

    fn shortest(&self, pairs: &[(usize, usize)], best: &mut Option<Trail>) {
        for (x, y) in pairs.iter().take(PAIRS) {
            if let Some(t) = self.study.open(*x, *y)
                && best.as_ref().is_none_or(|b| t.nodes.len() < b.nodes.len())
            {
                *best = Some(t);
            }
        }
    }
}

/// `pi[doc] is a parent of z[token]`
fn sentence(t: &Trail) -> String {
    match t.steps.as_slice() {
        [a, b] if a.arrow == "->" => format!("{} is a parent of {}", a.name, b.name),
        [a, b] => format!("{} is a parent of {}", b.name, a.name),
        [a, v, b] if a.arrow == "--" => format!("{} holds {} and {}", v.name, a.name, b.name),
        [a, v, b] if v.turn == Some(Turn::Collider) => {
            let known = match &v.below {
                None => "which is observed".to_string(),
                Some(below) => format!("and {below} below it is observed"),
            };
            format!(
                "{} and {} are both parents of {}, {known} (explaining away)",
                a.name, b.name, v.name
            )
        }
        _ => format!("the path {} is open", t.text()),
    }
}
