//! An elimination order of an undirected graph and the clique tree it makes.
//!
//! weights of sites, scopes (sets of sites that some term couples) -> a forest of cliques, every scope inside one
//!
//! ```text
//! eliminate v:   C_v = {v} + neighbours of v not yet eliminated;  join the neighbours pairwise;  remove v
//! separator S_v = C_v - {v};   parent of C_v = the clique of the first site of S_v to be eliminated
//! C_p = S_v: the clique of p is no clique of its own, it joins that of v
//! ```
//!
//! The next site is the one whose clique weighs least, the lowest site among equals; the graph that elimination leaves is
//! triangulated and its cliques hold the running intersection property: the cliques of a site are connected. With the log of
//! the number of states as weight, a clique's weight is the log of the entries of its table. Koller and Friedman (2009),
//! sections 9.4 and 10.4; Lauritzen and Spiegelhalter (1988).
//!
//! An edge is looked up in one hash set and neighbours are removed when their list is next read, so that a hub with a
//! million leaves costs no more than a chain: the work is the edges plus, per clique, the square of its size.

#[cfg(test)]
mod tests;

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashSet};

use super::site_lists::SiteLists;

const NONE: u32 = u32::MAX;

/// Elimination would make a clique above the limit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TooWide {
    /// The weight of the lightest clique that was left to make.
    pub weight: f64,
    /// How many sites it has.
    pub sites: usize,
}

/// A forest of cliques in which children come before their parents.
#[derive(Debug, Clone, PartialEq)]
pub struct CliqueTree {
    /// Per clique: the separator, then the rest.
    cliques: SiteLists,
    /// Per clique: how many of its sites are the separator.
    separators: Vec<u32>,
    parents: Vec<u32>,
    /// Per scope: the clique it is in.
    homes: Vec<u32>,
    /// Per site: the clique whose residual it is in.
    residents: Vec<u32>,
    order: Vec<u32>,
    weight: f64,
}

impl CliqueTree {
    /// How many cliques there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.cliques.len()
    }

    /// Whether there are no cliques, because there are no sites.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.cliques.is_empty()
    }

    /// The sites of a clique: those of its separator, then those of its residual.
    #[must_use]
    pub fn sites(&self, clique: usize) -> &[u32] {
        self.cliques.get(clique)
    }

    /// The sites that a clique shares with its parent, in increasing order.
    #[must_use]
    pub fn separator(&self, clique: usize) -> &[u32] {
        &self.sites(clique)[..self.separators[clique] as usize]
    }

    /// The sites of a clique that its parent has not, in increasing order; every site is in one clique's residual.
    #[must_use]
    pub fn residual(&self, clique: usize) -> &[u32] {
        &self.sites(clique)[self.separators[clique] as usize..]
    }

    /// The parent, of a higher number than its child; none for a root.
    #[must_use]
    pub fn parent(&self, clique: usize) -> Option<usize> {
        let parent = self.parents[clique];
        (parent != NONE).then_some(parent as usize)
    }

    /// The clique that a scope was put into; none for a scope without sites.
    #[must_use]
    pub fn home(&self, scope: usize) -> Option<usize> {
        let home = self.homes[scope];
        (home != NONE).then_some(home as usize)
    }

    /// The clique whose residual a site is in.
    #[must_use]
    pub fn resident(&self, site: usize) -> usize {
        self.residents[site] as usize
    }

    /// The sites in the order of their elimination.
    #[must_use]
    pub fn order(&self) -> &[u32] {
        &self.order
    }

    /// The weight of the heaviest clique.
    #[must_use]
    pub fn weight(&self) -> f64 {
        self.weight
    }

    /// How many sites the largest clique has.
    #[must_use]
    pub fn largest(&self) -> usize {
        self.cliques.iter().map(<[u32]>::len).max().unwrap_or(0)
    }
}

/// The clique tree of a graph in which the sites of each scope are joined pairwise.
///
/// No clique weighs more than `limit`, or than the heaviest scope if that is more: scopes are always allowed. Elimination
/// stops at the first clique above it. Scopes list sites below `weights.len()`, in any order.
///
/// ```
/// use pmc::numeric::clique_tree::clique_tree;
/// // A ring of four: one chord, so two cliques of three.
/// let ring = [[0, 1], [1, 2], [2, 3], [3, 0]].iter().collect();
/// let tree = clique_tree(&[1.0; 4], &ring, 10.0).unwrap();
/// assert_eq!((tree.len(), tree.largest()), (2, 3));
/// assert_eq!((tree.sites(0), tree.separator(0), tree.parent(0)), (&[1, 3, 0][..], &[1, 3][..], Some(1)));
/// assert_eq!(clique_tree(&[1.0; 4], &ring, 2.0).unwrap_err().weight, 3.0);
/// ```
///
/// # Errors
/// [`TooWide`].
pub fn clique_tree(weights: &[f64], scopes: &SiteLists, limit: f64) -> Result<CliqueTree, TooWide> {
    let eliminated = eliminate(weights, scopes, limit)?;
    let mut tree = join(weights.len(), eliminated);
    let weight = |c: &[u32]| c.iter().map(|&s| weights[s as usize]).sum::<f64>();
    tree.weight = tree.cliques.iter().map(weight).fold(0.0, f64::max);
    // Whichever site of a scope goes first finds the others beside it.
    tree.homes = scopes
        .iter()
        .map(|s| s.iter().map(|&v| tree.residents[v as usize]).min())
        .map(|home| home.unwrap_or(NONE))
        .collect();
    Ok(tree)
}

/// Sites in the order of their elimination, each with its neighbours at that time in increasing order.
struct Eliminated {
    order: Vec<u32>,
    later: SiteLists,
}

/// Weights are compared as whole multiples of 2^-32, so that sums in different orders tie.
const UNIT: f64 = 4_294_967_296.0;

/// What rounding may add to a sum of weights.
const SLACK: u64 = 1 << 12;

fn units(weight: f64) -> u64 {
    (weight * UNIT).round() as u64
}

fn eliminate(weights: &[f64], scopes: &SiteLists, limit: f64) -> Result<Eliminated, TooWide> {
    let n = weights.len();
    let own: Vec<u64> = weights.iter().map(|&w| units(w)).collect();
    let sum = |sites: &[u32]| {
        let add = |sum: u64, &s: &u32| sum.saturating_add(own[s as usize]);
        sites.iter().fold(0, add)
    };
    let limit = scopes.iter().map(sum).fold(units(limit), u64::max);
    let limit = limit.saturating_add(SLACK);

    let mut graph = Graph {
        edges: HashSet::with_capacity(scopes.len()),
        neighbours: vec![Vec::new(); n],
        clique: own.clone(),
    };
    for scope in scopes.iter() {
        for (k, &a) in scope.iter().enumerate() {
            for &b in &scope[..k] {
                graph.join(a, b, &own);
            }
        }
    }

    // Every site left has an entry that is at most its clique's weight now: one is added when that falls, and an entry found
    // too low goes back.
    let mut heap: BinaryHeap<Reverse<(u64, u32)>> = (0..n)
        .map(|v| Reverse((graph.clique[v], v as u32)))
        .collect();
    let mut gone = vec![false; n];
    let mut out = Eliminated {
        order: Vec::with_capacity(n),
        later: SiteLists::with_capacity(n, n),
    };
    let mut before: Vec<u64> = vec![];
    while let Some(Reverse((weight, v))) = heap.pop() {
        let site = v as usize;
        if gone[site] || weight > graph.clique[site] {
            continue;
        }
        if weight < graph.clique[site] {
            heap.push(Reverse((graph.clique[site], v)));
            continue;
        }
        let mut beside = std::mem::take(&mut graph.neighbours[site]);
        beside.retain(|&u| !gone[u as usize]);
        beside.sort_unstable();
        if weight > limit {
            let all = beside.iter().chain([&v]);
            return Err(TooWide {
                weight: all.map(|&u| weights[u as usize]).sum(),
                sites: beside.len() + 1,
            });
        }
        gone[site] = true;
        before.clear();
        for &u in &beside {
            before.push(graph.clique[u as usize]);
            graph.clique[u as usize] = graph.clique[u as usize].saturating_sub(own[site]);
        }
        for (k, &a) in beside.iter().enumerate() {
            for &b in &beside[..k] {
                graph.join(a, b, &own);
            }
        }
        for (&u, &before) in beside.iter().zip(&before) {
            if graph.clique[u as usize] < before {
                heap.push(Reverse((graph.clique[u as usize], u)));
            }
        }
        out.order.push(v);
        out.later.push(&beside);
    }
    Ok(out)
}

struct Graph {
    /// Only asked, never listed: the order of a hash set reaches nothing.
    edges: HashSet<u64>,
    /// May name sites that are gone.
    neighbours: Vec<Vec<u32>>,
    /// Per site: the weight of the clique that its elimination would make now.
    clique: Vec<u64>,
}

impl Graph {
    fn join(&mut self, a: u32, b: u32, own: &[u64]) {
        let key = u64::from(a.min(b)) << 32 | u64::from(a.max(b));
        if a == b || !self.edges.insert(key) {
            return;
        }
        for (u, v) in [(a as usize, b), (b as usize, a)] {
            self.neighbours[u].push(v);
            self.clique[u] = self.clique[u].saturating_add(own[v as usize]);
        }
    }
}

/// The maximal cliques of an elimination, children first.
fn join(n: usize, Eliminated { order, later }: Eliminated) -> CliqueTree {
    let mut place = vec![0u32; n];
    for (p, &v) in order.iter().enumerate() {
        place[v as usize] = p as u32;
    }
    let parents: Vec<u32> = later
        .iter()
        .map(|l| l.iter().map(|&v| place[v as usize]).min().unwrap_or(NONE))
        .collect();
    // The first child whose separator is all of a clique stands for it.
    let mut heir = vec![NONE; n];
    for (p, &parent) in parents.iter().enumerate() {
        if parent != NONE
            && heir[parent as usize] == NONE
            && later.get(p).len() == later.get(parent as usize).len() + 1
        {
            heir[parent as usize] = p as u32;
        }
    }
    // A run of heirs is one clique; its bottom has the sites, its top the separator and the parent.
    let mut bottom: Vec<u32> = (0..n as u32).collect();
    let mut top = vec![true; n];
    for p in 0..n {
        if heir[p] != NONE {
            bottom[p] = bottom[heir[p] as usize];
            top[heir[p] as usize] = false;
        }
    }
    let mut tree = CliqueTree {
        cliques: SiteLists::with_capacity(n, n),
        separators: vec![],
        parents: vec![],
        homes: vec![],
        residents: vec![NONE; n],
        order,
        weight: 0.0,
    };
    // Cliques are numbered by their tops, so that a child, eliminated before, comes before.
    let mut number = vec![NONE; n];
    let mut list = vec![];
    for p in (0..n).filter(|&p| top[p]) {
        let separator = later.get(p);
        let first = bottom[p] as usize;
        list.clear();
        list.extend_from_slice(separator);
        let rest = later.get(first).iter().chain([&tree.order[first]]);
        list.extend(rest.filter(|v| separator.binary_search(v).is_err()));
        list[separator.len()..].sort_unstable();
        let clique = tree.cliques.len() as u32;
        number[first] = clique;
        for &v in &list[separator.len()..] {
            tree.residents[v as usize] = clique;
        }
        tree.cliques.push(&list);
        tree.separators.push(separator.len() as u32);
        tree.parents.push(parents[p]);
    }
    for parent in &mut tree.parents {
        if *parent != NONE {
            *parent = number[bottom[*parent as usize] as usize];
        }
    }
    tree
}
