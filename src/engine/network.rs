//! Discrete elements coupled with each other, bound to data: sites, tables, and the parts that are solved exactly.
//!
//! in: a block of form `Network` and bound data -> out: a [`Network`], made once.
//!
//! ```text
//! site      one element of one unknown            scope    the distinct sites that one product of indicators is about
//! component sites that scopes join                cluster  the part of a component that one elimination solves
//! ```
//!
//! A component whose elimination makes no table above the limit is one cluster: forward-backward on a chain, sum-product on a
//! tree, enumeration of a few. A wider one is cut: into its chains where lags make them, else into single sites; q is then the
//! product over clusters (Saul and Jordan 1996), and they are updated one after the other.

mod clusters;
mod compounds;
mod solve;

pub use solve::{Impossible, Solved};

use crate::algebra::{Origin, UnknownId};
use crate::data::{BLANK, Cells, Dataset};
use crate::derive::{Block, Derivation, Form, Structure};
use crate::numeric::site_lists::SiteLists;
use crate::numeric::sum_product::SumProduct;

use super::bind::unflatten;
use super::evaluate::Evaluator;
use super::places::NOWHERE;
use clusters::Graph;
use compounds::Draft;

/// Where the entries of one assignment of a compound go.
#[derive(Debug, Clone, Copy)]
struct Instance {
    /// Start of the site's or scope's table.
    at: usize,
    /// Which map of entries; [`NOWHERE`] if the assignment meets no element.
    map: u32,
    /// The table is that of one site.
    unary: bool,
}

/// A compound bound to sites.
#[derive(Debug, Clone)]
struct BoundCompound {
    /// Entries of its message per assignment.
    block: usize,
    instances: Vec<Instance>,
    /// Pairs (entry of the table, entry of the message).
    maps: Vec<Vec<(u32, u32)>>,
}

/// The sites of a scope that lie in one cluster.
#[derive(Debug, Clone)]
struct Part {
    cluster: u32,
    /// Their positions in the scope.
    positions: Vec<u32>,
    /// Start of their joint marginal: among the sites' for one site, else among the cliques'.
    at: usize,
}

/// Sites that one elimination solves.
#[derive(Debug, Clone)]
struct Cluster {
    sites: Vec<u32>,
    /// Over its inner scopes, then one scope per site; none for a single site.
    tree: Option<SumProduct>,
    /// Scope and part number of each scope with several sites here.
    inner: Vec<(u32, u32)>,
    /// Start of each inner scope's marginal.
    clique_at: Vec<usize>,
    /// Scopes that meet one site here and others elsewhere: (scope, part).
    edges: Vec<(u32, u32)>,
    /// The weight of the row it belongs to.
    weight: f64,
}

/// A network bound to data.
#[derive(Debug, Clone)]
pub struct Network {
    /// First site of each unknown.
    offsets: Vec<usize>,
    /// States of each unknown.
    states: Vec<usize>,
    /// Unknown of each site, by position in the block.
    of: Vec<u32>,
    scopes: SiteLists,
    table_at: Vec<usize>,
    /// Start of each site's table; components are contiguous.
    site_at: Vec<usize>,
    /// For each scope: its parts by cluster.
    parts: Vec<Vec<Part>>,
    compounds: Vec<BoundCompound>,
    clusters: Vec<Cluster>,
    /// Clusters, and ends of the components' ranges of sites' tables and cliques' marginals.
    components: Vec<(Vec<u32>, usize, usize)>,
    /// Known values by site, [`BLANK`] where unknown; empty where none is known.
    clamps: Vec<u32>,
    /// Some component is cut into several clusters.
    pub split: bool,
}

impl Network {
    /// Binds a block.
    pub fn new(e: &Evaluator<'_>, d: &Derivation, block: &Block) -> Network {
        let size = |p: crate::model::PlateId| e.data.plates[p.index()].size;
        let mut offsets = vec![];
        let mut states = vec![];
        let mut of: Vec<u32> = vec![];
        for (i, u) in block.unknowns.iter().enumerate() {
            let unknown = d.unknowns.get(*u);
            offsets.push(of.len());
            states.push(unknown.element_plate().map_or(1, size));
            let count: usize = unknown.plates().iter().map(|p| size(*p)).product();
            of.extend(std::iter::repeat_n(i as u32, count));
        }
        let mut draft = Draft::new(&offsets, &states, &of);
        for c in &block.compounds {
            draft.add(e, d, block, c);
        }
        let graph = Graph {
            e,
            d,
            block,
            offsets: &offsets,
            states: &states,
            of: &of,
            scopes: &draft.scopes,
            chained: &draft.chained,
        };
        let (cluster_of, clusters, components, split) = graph.clusters();
        let (scopes, compounds) = (draft.scopes, draft.compounds);
        let mut network = Network {
            table_at: vec![],
            site_at: vec![0; of.len()],
            parts: vec![],
            compounds,
            clusters,
            components,
            clamps: clamps(e, d, block, &offsets, of.len()),
            split,
            scopes,
            offsets,
            states,
            of,
        };
        network.lay_out(&cluster_of);
        network.weigh(e, d, block);
        network
    }

    fn states_of(&self, site: u32) -> usize {
        self.states[self.of[site as usize] as usize]
    }

    /// Number of entries of all sites' tables.
    fn site_entries(&self) -> usize {
        self.components.last().map_or(0, |c| c.1)
    }

    fn clique_entries(&self) -> usize {
        self.components.last().map_or(0, |c| c.2)
    }

    /// Places tables and marginals; cuts scopes into parts by cluster.
    fn lay_out(&mut self, cluster_of: &[u32]) {
        let mut at = 0;
        for s in self.scopes.iter() {
            self.table_at.push(at);
            at += s.iter().map(|v| self.states_of(*v)).product::<usize>();
        }
        self.table_at.push(at);
        let mut by_cluster: Vec<Vec<(u32, u32)>> = vec![vec![]; self.clusters.len()];
        for (i, s) in self.scopes.iter().enumerate() {
            let mut parts: Vec<Part> = vec![];
            for (position, v) in s.iter().enumerate() {
                let c = cluster_of[*v as usize];
                match parts.iter_mut().find(|p| p.cluster == c) {
                    Some(p) => p.positions.push(position as u32),
                    None => parts.push(Part {
                        cluster: c,
                        positions: vec![position as u32],
                        at: 0,
                    }),
                }
            }
            for (k, p) in parts.iter().enumerate() {
                by_cluster[p.cluster as usize].push((i as u32, k as u32));
            }
            self.parts.push(parts);
        }
        let (mut site_at, mut clique_at) = (0, 0);
        let components = std::mem::take(&mut self.components);
        for (list, _, _) in &components {
            for c in list {
                for i in 0..self.clusters[*c as usize].sites.len() {
                    let v = self.clusters[*c as usize].sites[i];
                    self.site_at[v as usize] = site_at;
                    site_at += self.states_of(v);
                }
                for (scope, part) in &by_cluster[*c as usize] {
                    let p = &self.parts[*scope as usize][*part as usize];
                    if p.positions.len() > 1 {
                        let sites = self.scopes.get(*scope as usize);
                        let len: usize = p
                            .positions
                            .iter()
                            .map(|k| self.states_of(sites[*k as usize]))
                            .product();
                        let cluster = &mut self.clusters[*c as usize];
                        cluster.inner.push((*scope, *part));
                        cluster.clique_at.push(clique_at);
                        self.parts[*scope as usize][*part as usize].at = clique_at;
                        clique_at += len;
                    } else {
                        self.clusters[*c as usize].edges.push((*scope, *part));
                    }
                }
            }
            self.components.push((list.clone(), site_at, clique_at));
        }
        for (i, parts) in self.parts.iter_mut().enumerate() {
            for p in parts.iter_mut().filter(|p| p.positions.len() == 1) {
                p.at = self.site_at[self.scopes.get(i)[p.positions[0] as usize] as usize];
            }
        }
        // Instances know their scope or site so far.
        for c in &mut self.compounds {
            for i in c.instances.iter_mut().filter(|i| i.map != NOWHERE) {
                i.at = if i.unary {
                    self.site_at[i.at]
                } else {
                    self.table_at[i.at]
                };
            }
        }
        self.grow_trees();
    }

    /// The clique tree of each cluster, over its inner scopes and its sites.
    fn grow_trees(&mut self) {
        let states = &self.states;
        let (of, scopes, parts) = (&self.of, &self.scopes, &self.parts);
        for c in &mut self.clusters {
            if c.sites.len() == 1 {
                continue;
            }
            let local = |v: u32| c.sites.binary_search(&v).unwrap_or(0) as u32;
            let mut lists = SiteLists::new();
            for (scope, part) in &c.inner {
                let sites = scopes.get(*scope as usize);
                let list: Vec<u32> = parts[*scope as usize][*part as usize]
                    .positions
                    .iter()
                    .map(|k| local(sites[*k as usize]))
                    .collect();
                lists.push(&list);
            }
            for i in 0..c.sites.len() {
                lists.push(&[i as u32]);
            }
            let states: Vec<usize> = c
                .sites
                .iter()
                .map(|v| states[of[*v as usize] as usize].max(1))
                .collect();
            // Its width was found to be within the limit when the clusters were cut.
            c.tree = SumProduct::new(states, lists, f64::MAX).ok();
        }
    }

    /// The weight of each cluster: that of the row its first site belongs to.
    fn weigh(&mut self, e: &Evaluator<'_>, d: &Derivation, block: &Block) {
        for c in &mut self.clusters {
            let Some(first) = c.sites.first() else {
                continue;
            };
            let u = self.of[*first as usize] as usize;
            let unknown = d.unknowns.get(block.unknowns[u]);
            let shape: Vec<usize> = unknown
                .plates()
                .iter()
                .map(|p| e.data.plates[p.index()].size)
                .collect();
            let at = unflatten(*first as usize - self.offsets[u], &shape);
            for s in &block.batch_slots[u] {
                if let Some(w) = e.weights(unknown.plates()[*s]) {
                    c.weight *= w.get(at[*s]).copied().unwrap_or(1.0);
                }
            }
        }
    }
}

/// The discrete unknowns whose coupled elements are too many for elimination, though nothing asks to split them.
pub fn too_wide(d: &Derivation, data: &Dataset) -> Vec<UnknownId> {
    let e = Evaluator::new(&d.model, data);
    d.blocks
        .iter()
        .filter(|b| matches!(b.form, Form::Network) && b.rows.is_none())
        .filter(|b| b.structure != Structure::Sequential)
        .filter(|b| super::checks::too_large(d, data, b).is_none())
        .filter(|b| Network::new(&e, d, b).split)
        .flat_map(|b| b.unknowns.clone())
        .collect()
}

/// The known cells of partly blank columns, by site.
fn clamps(
    e: &Evaluator<'_>,
    d: &Derivation,
    block: &Block,
    offsets: &[usize],
    sites: usize,
) -> Vec<u32> {
    let mut out = vec![];
    for (u, offset) in block.unknowns.iter().zip(offsets) {
        if let Origin::Column(c) = d.unknowns.get(*u).origin
            && let Cells::Elements(v) = &e.data.columns[c.index()]
        {
            if out.is_empty() {
                out = vec![BLANK; sites];
            }
            for (o, x) in out[*offset..].iter_mut().zip(v.iter()) {
                *o = *x;
            }
        }
    }
    out
}
