//! d-separation in a directed acyclic graph: which trails are open given what is known, by which nodes.
//!
//! in: the parents of every node, which nodes are given -> out: a shortest open trail between two nodes, or none.
//!
//! ```text
//! a trail is open iff   every chain or fork node on it is not given, and
//!                       every collider on it is given or has a given descendant
//! x and y independent given Z in every distribution that factorises  <=>  no trail between them is open
//! ```
//!
//! Breadth-first over (node, direction of arrival): Koller and Friedman, algorithm 3.1; Shachter's Bayes-ball. A shortest
//! open walk repeats no node, so it is a trail.

use std::collections::VecDeque;

/// A graph with some nodes given.
#[derive(Debug, Clone)]
pub struct Separation<'a> {
    parents: &'a [Vec<usize>],
    children: Vec<Vec<usize>>,
    given: Vec<bool>,
    /// Given, or with a given descendant.
    above_given: Vec<bool>,
}

/// How a node stands on a trail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Turn {
    /// a -> v -> b, or the other way round.
    Chain,
    /// a <- v -> b
    Fork,
    /// a -> v <- b
    Collider,
}

impl<'a> Separation<'a> {
    /// Prepares the questions about one set of given nodes.
    pub fn new(parents: &'a [Vec<usize>], given: Vec<bool>) -> Self {
        let mut children = vec![vec![]; parents.len()];
        for (v, list) in parents.iter().enumerate() {
            for p in list {
                if let Some(c) = children.get_mut(*p) {
                    c.push(v);
                }
            }
        }
        let mut above_given = given.clone();
        above_given.resize(parents.len(), false);
        let mut stack: Vec<usize> = (0..parents.len())
            .filter(|v| given.get(*v) == Some(&true))
            .collect();
        while let Some(v) = stack.pop() {
            for p in parents.get(v).into_iter().flatten() {
                if let Some(mark) = above_given.get_mut(*p)
                    && !std::mem::replace(mark, true)
                {
                    stack.push(*p);
                }
            }
        }
        Separation {
            parents,
            children,
            given,
            above_given,
        }
    }

    /// Whether a node is given.
    pub fn is_given(&self, v: usize) -> bool {
        self.given.get(v) == Some(&true)
    }

    /// A shortest open trail, ends included.
    pub fn open_trail(&self, from: usize, to: usize) -> Option<Vec<usize>> {
        let n = self.parents.len();
        if from >= n || to >= n || from == to {
            return None;
        }
        // State 2v: v was reached from a child (or is the start); 2v + 1: from a parent.
        let mut before: Vec<Option<usize>> = vec![None; 2 * n];
        let mut queue = VecDeque::from([2 * from]);
        before[2 * from] = Some(2 * from);
        while let Some(state) = queue.pop_front() {
            let (v, from_parent) = (state / 2, state % 2 == 1);
            if v == to {
                return Some(unwind(&before, state));
            }
            let open = v == from || !self.is_given(v);
            let up = if from_parent {
                self.above_given[v]
            } else {
                open
            };
            if up {
                for p in &self.parents[v] {
                    visit(&mut before, &mut queue, state, 2 * p);
                }
            }
            if open {
                for c in &self.children[v] {
                    visit(&mut before, &mut queue, state, 2 * c + 1);
                }
            }
        }
        None
    }

    /// A shortest trail that avoids some nodes, open or not.
    pub fn any_trail(
        &self,
        from: usize,
        to: usize,
        without: &dyn Fn(usize) -> bool,
    ) -> Option<Vec<usize>> {
        let n = self.parents.len();
        let mut before: Vec<Option<usize>> = vec![None; n];
        *before.get_mut(from)? = Some(from);
        let mut queue = VecDeque::from([from]);
        while let Some(v) = queue.pop_front() {
            if v == to {
                let mut trail = vec![v];
                let mut at = v;
                while let Some(Some(p)) = before.get(at)
                    && *p != at
                {
                    trail.push(*p);
                    at = *p;
                }
                trail.reverse();
                return Some(trail);
            }
            for w in self.parents[v].iter().chain(&self.children[v]) {
                if before[*w].is_none() && (*w == to || !without(*w)) {
                    before[*w] = Some(v);
                    queue.push_back(*w);
                }
            }
        }
        None
    }

    /// How the node at position `i` of a trail stands on it; `None` at the ends.
    pub fn turn(&self, trail: &[usize], i: usize) -> Option<Turn> {
        let (a, v, b) = (
            *trail.get(i.checked_sub(1)?)?,
            *trail.get(i)?,
            *trail.get(i + 1)?,
        );
        let parents = self.parents.get(v)?;
        Some(match (parents.contains(&a), parents.contains(&b)) {
            (true, true) => Turn::Collider,
            (false, false) => Turn::Fork,
            _ => Turn::Chain,
        })
    }

    /// Whether the node at position `i` of a trail closes it.
    pub fn closes(&self, trail: &[usize], i: usize) -> bool {
        let Some(v) = trail.get(i) else { return false };
        match self.turn(trail, i) {
            None => false,
            Some(Turn::Collider) => self.above_given.get(*v) != Some(&true),
            Some(Turn::Chain | Turn::Fork) => self.is_given(*v),
        }
    }

    /// The nearest given node at or below a node.
    pub fn given_below(&self, v: usize) -> Option<usize> {
        let mut seen = vec![false; self.parents.len()];
        let mut queue = VecDeque::from([v]);
        while let Some(v) = queue.pop_front() {
            if self.is_given(v) {
                return Some(v);
            }
            for c in self.children.get(v)? {
                if !std::mem::replace(seen.get_mut(*c)?, true) {
                    queue.push_back(*c);
                }
            }
        }
        None
    }

    /// The children of a node.
    pub fn children(&self, v: usize) -> &[usize] {
        self.children.get(v).map_or(&[], Vec::as_slice)
    }
}

fn visit(before: &mut [Option<usize>], queue: &mut VecDeque<usize>, from: usize, to: usize) {
    if let Some(slot) = before.get_mut(to)
        && slot.is_none()
    {
        *slot = Some(from);
        queue.push_back(to);
    }
}

fn unwind(before: &[Option<usize>], end: usize) -> Vec<usize> {
    let mut trail = vec![end / 2];
    let mut at = end;
    while let Some(Some(p)) = before.get(at)
        && *p != at
    {
        trail.push(p / 2);
        at = *p;
    }
    trail.reverse();
    trail
}
