//! A trail between two quantities in words: what stands on it, and why each node opens or closes it.
//!
//! in: a model, what is known besides the data and the points -> out: [`Trail`]s between nodes of its network.
//!
//! ```text
//! a -> v -> b    chain            open unless v is known
//! a <- v -> b    shared parent    open unless v is known
//! a -> v <- b    shared child     open if v, or something below it, is known: explaining away
//! ```
//!
//! Known are the data, every param and every `latent .. as dirac` (points, given the fit), and what the question adds;
//! the two quantities asked about are not, whatever they are.

use std::collections::BTreeSet;

use crate::model::{ColumnId, Model, Role};

use super::ground::{Ground, Network};
use super::lift::{Lift, Line};
use super::separation::{Separation, Turn};
use super::{FactorGraph, Node, name, role};

/// A model with its network.
pub struct Study<'a> {
    /// The model.
    pub model: &'a Model,
    /// Its graph at the level of plates.
    pub graph: &'a FactorGraph,
    /// Its network over representative elements.
    pub net: Network,
    /// Quantities that are known too.
    pub given: Vec<Node>,
    /// Columns that are blank throughout.
    pub blank: Vec<ColumnId>,
    /// The line of a place in the file.
    pub line: Line<'a>,
}

/// A node on a trail.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Step {
    /// Its name.
    pub name: String,
    /// How it stands; `None` at the ends.
    pub turn: Option<Turn>,
    /// Why it opens or closes the trail; empty at the ends.
    pub reason: String,
    /// Whether it closes the trail.
    pub closes: bool,
    /// The arrow to the next node.
    pub arrow: &'static str,
    /// The known node below a collider that is not known itself.
    pub below: Option<String>,
}

/// A trail.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Trail {
    /// Its nodes, ends included.
    pub steps: Vec<Step>,
    /// Names of quantities without indices, and arrows: trails of one shape tell the same story.
    pub shape: Vec<String>,
    /// The nodes of the network.
    pub nodes: Vec<usize>,
}

impl Trail {
    /// `z[token] <- pi[doc] -> z[token']`
    pub fn text(&self) -> String {
        let mut out = String::new();
        for s in &self.steps {
            out.push_str(&s.name);
            if !s.arrow.is_empty() {
                out.push(' ');
                out.push_str(s.arrow);
                out.push(' ');
            }
        }
        out
    }
}

impl<'a> Study<'a> {
    /// A model under its own data.
    pub fn new(model: &'a Model, graph: &'a FactorGraph, line: Line<'a>) -> Self {
        Study {
            model,
            graph,
            net: Network::of(model, graph, &BTreeSet::new()),
            given: vec![],
            blank: vec![],
            line,
        }
    }

    /// Columns are blank in every row.
    pub fn set_blank(&mut self, blank: Vec<ColumnId>) {
        self.blank = blank;
        self.open_labels(&[]);
    }

    /// The network when the labels in the blank columns, and in these cells, are not known.
    pub fn open_labels(&mut self, cells: &[usize]) {
        let mut open: BTreeSet<(ColumnId, usize)> = BTreeSet::new();
        for g in &self.net.nodes {
            if let Ground::Quantity(Node::Column(c), at) = g
                && self.blank.contains(c)
            {
                open.extend(at.first().map(|r| (*c, *r)));
            }
        }
        for id in cells {
            if let Some(Ground::Quantity(Node::Column(c), at)) = self.net.nodes.get(*id) {
                open.extend(at.first().map(|r| (*c, *r)));
            }
        }
        self.net = Network::of(self.model, self.graph, &open);
    }

    /// Why a node is known, if it is.
    pub fn known(&self, id: usize) -> Option<&'static str> {
        let Some(Ground::Quantity(n, _)) = self.net.nodes.get(id) else {
            return Some("fixed");
        };
        if self.given.contains(n) {
            return Some("given");
        }
        match n {
            Node::Column(c) if self.blank.contains(c) => None,
            Node::Column(_) | Node::Definition(_) => Some("observed"),
            Node::Variable(v) => match self.model.variable(*v).role {
                Role::Latent => None,
                Role::Param | Role::Dirac => Some("a point, known given the fit"),
            },
        }
    }

    /// The graph with everything known that is, but for these nodes.
    pub fn separation(&self, asked: &[usize]) -> Separation<'_> {
        let given = (0..self.net.nodes.len())
            .map(|i| !asked.contains(&i) && self.known(i).is_some())
            .collect();
        Separation::new(&self.net.parents, given)
    }

    /// A shortest open trail.
    pub fn open(&self, a: usize, b: usize) -> Option<Trail> {
        let s = self.separation(&[a, b]);
        s.open_trail(a, b).map(|t| self.tell(&s, t))
    }

    /// Up to three short trails that are closed, each by other nodes.
    pub fn closed(&self, a: usize, b: usize) -> Vec<Trail> {
        let s = self.separation(&[a, b]);
        let mut banned: BTreeSet<String> = BTreeSet::new();
        let mut out: Vec<Trail> = vec![];
        while out.len() < 3 {
            let without = |v: usize| banned.contains(&self.quantity_name(v));
            let Some(t) = s.any_trail(a, b, &without) else {
                break;
            };
            let closing: Vec<usize> = (0..t.len()).filter(|i| s.closes(&t, *i)).collect();
            let before = banned.len();
            banned.extend(
                closing
                    .iter()
                    .filter_map(|i| t.get(*i))
                    .map(|v| self.quantity_name(*v)),
            );
            if banned.len() == before {
                break;
            }
            out.push(self.tell(&s, t));
        }
        out
    }

    /// The quantities that close all trails between two nodes, as far as short trails show.
    pub fn closers(&self, a: usize, b: usize) -> Vec<String> {
        let mut out: Vec<String> = vec![];
        for t in self.closed(a, b) {
            for (s, id) in t.steps.iter().zip(&t.nodes) {
                let n = self.quantity_name(*id);
                if s.closes && !out.contains(&n) {
                    out.push(n);
                }
            }
        }
        out
    }

    fn quantity_name(&self, id: usize) -> String {
        match self.net.nodes.get(id) {
            Some(Ground::Quantity(n, _)) => name(self.model, *n).to_string(),
            Some(Ground::Potential(f, _)) => format!("potential {}", f.index()),
            None => String::new(),
        }
    }

    fn is_potential(&self, id: usize) -> bool {
        matches!(self.net.nodes.get(id), Some(Ground::Potential(..)))
    }

    fn tell(&self, s: &Separation<'_>, nodes: Vec<usize>) -> Trail {
        let mut lift = Lift::new(self.model, &self.net, self.line);
        // The two ends are named first: z[token] and z[token'].
        for end in [nodes.first(), nodes.last()].into_iter().flatten() {
            lift.name(*end);
        }
        let names: Vec<String> = nodes.iter().map(|v| lift.name(*v)).collect();
        let mut steps = vec![];
        let mut shape = vec![];
        for (i, (v, name)) in nodes.iter().zip(&names).enumerate() {
            let turn = s.turn(&nodes, i);
            let arrow = match nodes.get(i + 1) {
                None => "",
                Some(w) if self.is_potential(*v) || self.is_potential(*w) => "--",
                Some(w) if self.net.parents.get(*w).is_some_and(|p| p.contains(v)) => "->",
                Some(_) => "<-",
            };
            let below = match turn {
                Some(Turn::Collider) if !s.is_given(*v) => s.given_below(*v),
                _ => None,
            };
            let near = |k: usize| names.get(k).map_or("", String::as_str);
            let reason = match turn {
                None => String::new(),
                Some(Turn::Collider) if self.is_potential(*v) => {
                    format!("holds {} and {}", near(i.wrapping_sub(1)), near(i + 1))
                }
                Some(_) if i > 0 && nodes.get(i + 1).is_some_and(|w| self.is_potential(*w)) => {
                    match self.known_in(s, *v) {
                        None => "unknown, passes it on".to_string(),
                        Some(why) => format!("{why}: closes the path"),
                    }
                }
                Some(Turn::Chain) => match self.known_in(s, *v) {
                    None => "unknown, passes it on: a chain".to_string(),
                    Some(why) => format!("{why}: closes the chain"),
                },
                Some(Turn::Fork) => match self.known_in(s, *v) {
                    None => "shared parent, unknown: a common cause".to_string(),
                    Some(why) => format!("shared parent, {why}: closes the path"),
                },
                Some(Turn::Collider) => {
                    let of = format!("child of {} and {}", near(i.wrapping_sub(1)), near(i + 1));
                    match (self.known_in(s, *v), below) {
                        (Some(why), _) => format!("{of}, {why}: explaining away"),
                        (None, Some(w)) => format!(
                            "{of}; {} below it is {}: explaining away",
                            lift.clone().name(w),
                            self.known(w).unwrap_or("known")
                        ),
                        (None, None) => {
                            "shared child, unknown, nothing known below it: closes the path".into()
                        }
                    }
                }
            };
            shape.push(self.quantity_name(*v));
            shape.push(arrow.to_string());
            steps.push(Step {
                name: name.clone(),
                turn,
                reason,
                closes: s.closes(&nodes, i),
                arrow,
                below: below.map(|w| lift.clone().name(w)),
            });
        }
        Trail {
            steps,
            shape,
            nodes,
        }
    }

    fn known_in(&self, s: &Separation<'_>, v: usize) -> Option<&'static str> {
        s.is_given(v).then(|| self.known(v).unwrap_or("known"))
    }

    /// Roles of the quantities as printed in lists.
    pub fn is_point(&self, n: Node) -> bool {
        matches!(n, Node::Variable(v) if self.model.variable(v).role != Role::Latent)
    }

    /// Whether data decide it.
    pub fn is_observed(&self, n: Node) -> bool {
        role(self.model, self.graph, n) == "observed"
    }
}
