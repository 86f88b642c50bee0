//! Names of network nodes in the terms of the model: `z[token]`, another element `z[token']`, the next `z[step+1]`.
//!
//! in: a network, nodes in the order in which they are told -> out: their names.
//!
//! The first element of a plate that is met goes by the plate's name, the next by a prime. Along a plate on which a
//! statement looks back, elements of one sequence are told by their distance from the first.

use std::collections::BTreeMap;

use crate::model::{Model, PlateId};
use crate::source::Span;

use super::ground::{Ground, Network, own_plates};
use super::name;

/// The line of a place in the file.
pub type Line<'a> = &'a dyn Fn(Span) -> usize;

/// Names given so far.
#[derive(Clone)]
pub struct Lift<'a> {
    model: &'a Model,
    net: &'a Network,
    line: Line<'a>,
    seen: BTreeMap<PlateId, Vec<usize>>,
    /// Plates that the first node does not have are told without primes.
    loose: bool,
}

impl<'a> Lift<'a> {
    /// No element has a name yet.
    pub fn new(model: &'a Model, net: &'a Network, line: Line<'a>) -> Self {
        Lift {
            model,
            net,
            line,
            seen: BTreeMap::new(),
            loose: false,
        }
    }

    /// The name of a node.
    pub fn name(&mut self, id: usize) -> String {
        match self.net.nodes.get(id) {
            None => String::new(),
            Some(Ground::Potential(f, _)) => {
                format!(
                    "potential(line {})",
                    (self.line)(self.model.factor(*f).span)
                )
            }
            Some(Ground::Quantity(n, at)) => {
                let parts: Vec<String> = own_plates(self.model, *n)
                    .iter()
                    .zip(at)
                    .map(|(p, e)| self.element(*p, *e))
                    .collect();
                if parts.is_empty() {
                    name(self.model, *n).to_string()
                } else {
                    format!("{}[{}]", name(self.model, *n), parts.join(", "))
                }
            }
        }
    }

    /// From here on, elements of plates that have no name yet are all told alike.
    pub fn loosen(&mut self) {
        self.loose = true;
    }

    fn element(&mut self, p: PlateId, e: usize) -> String {
        let plate = &self.model.plate(p).name;
        if self.loose && !self.seen.contains_key(&p) {
            return plate.clone();
        }
        let elements = &self.net.elements;
        let seen = self.seen.entry(p).or_default();
        let sequence = |e: usize| elements.place(p, e).map(|(s, _)| s);
        // One name for each element, or for each sequence along a chain.
        let chained = elements.chained(p);
        let same = |x: &usize| *x == e || (chained && sequence(*x) == sequence(e));
        let rank = match seen.iter().position(same) {
            Some(i) => i,
            None if self.loose => 1,
            None => {
                seen.push(e);
                seen.len() - 1
            }
        };
        let mut text = format!("{plate}{}", "'".repeat(rank));
        if chained
            && let Some(first) = seen.get(rank)
            && let (Some((_, from)), Some((_, to))) =
                (elements.place(p, *first), elements.place(p, e))
        {
            if to > from {
                text.push_str(&format!("+{}", to - from));
            } else if from > to {
                text.push_str(&format!("-{}", from - to));
            }
        }
        text
    }
}
