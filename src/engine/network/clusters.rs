//! The parts of a network that are solved exactly, each by one elimination.

use std::collections::BTreeMap;

use crate::derive::structure::{self, Asked};
use crate::derive::{Block, Derivation, Structure};
use crate::engine::bind::{JOINT_STATES, unflatten};
use crate::engine::evaluate::Evaluator;
use crate::model::DirectiveKind;
use crate::numeric::clique_tree::clique_tree;
use crate::numeric::site_lists::{SiteLists, components};

use super::Cluster;

/// With `infer { joint }` a table may have this many entries.
const JOINT_STATES_ASKED: usize = 1 << 20;

/// What is needed to cut a network into clusters.
pub(super) struct Graph<'a> {
    pub(super) e: &'a Evaluator<'a>,
    pub(super) d: &'a Derivation,
    pub(super) block: &'a Block,
    pub(super) offsets: &'a [usize],
    pub(super) states: &'a [usize],
    pub(super) of: &'a [u32],
    pub(super) scopes: &'a SiteLists,
    pub(super) chained: &'a [bool],
}

pub(super) type Clusters = (Vec<u32>, Vec<Cluster>, Vec<(Vec<u32>, usize, usize)>, bool);

impl Graph<'_> {
    pub(super) fn clusters(&self) -> Clusters {
        let limit = (if self.asked_joint() {
            JOINT_STATES_ASKED
        } else {
            JOINT_STATES
        } as f64)
            .ln();
        let asked = self.block.structure == Structure::Sequential && self.asked_split();
        let whole = components(self.of.len(), self.scopes);
        let joins = self.joins();
        let mut joined = SiteLists::new();
        for (i, s) in self.scopes.iter().enumerate() {
            if joins(i, s) {
                joined.push(s);
            }
        }
        let smaller = components(self.of.len(), &joined);
        let mut part_of = vec![0u32; self.of.len()];
        for (i, list) in smaller.iter().enumerate() {
            for v in list {
                part_of[*v as usize] = i as u32;
            }
        }
        let mut scopes_of: Vec<Vec<u32>> = vec![vec![]; self.of.len()];
        for (i, s) in self.scopes.iter().enumerate() {
            for v in s {
                scopes_of[*v as usize].push(i as u32);
            }
        }
        let mut cluster_of = vec![0u32; self.of.len()];
        let mut clusters: Vec<Cluster> = vec![];
        let mut out = vec![];
        let mut split = false;
        for component in whole.iter() {
            let mut pieces: Vec<Vec<u32>> = vec![];
            if !asked && self.narrow(component, &scopes_of, limit) {
                pieces.push(component.to_vec());
            } else {
                let mut by_part: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
                let mut order = vec![];
                for v in component {
                    let list = by_part.entry(part_of[*v as usize]).or_default();
                    if list.is_empty() {
                        order.push(part_of[*v as usize]);
                    }
                    list.push(*v);
                }
                for p in order {
                    let sites = by_part.remove(&p).unwrap_or_default();
                    if sites.len() == 1 || self.narrow(&sites, &scopes_of, limit) {
                        pieces.push(sites);
                    } else {
                        pieces.extend(sites.into_iter().map(|v| vec![v]));
                    }
                }
                split |= pieces.len() > 1;
            }
            let mut list = vec![];
            for sites in pieces {
                for v in &sites {
                    cluster_of[*v as usize] = clusters.len() as u32;
                }
                list.push(clusters.len() as u32);
                clusters.push(Cluster {
                    sites,
                    tree: None,
                    inner: vec![],
                    clique_at: vec![],
                    edges: vec![],
                    weight: 1.0,
                });
            }
            out.push((list, 0, 0));
        }
        (cluster_of, clusters, out, split)
    }

    /// Elimination of these sites, by the parts of scopes among them, makes no table above the limit.
    fn narrow(&self, sites: &[u32], scopes_of: &[Vec<u32>], limit: f64) -> bool {
        if sites.len() == 1 {
            return true;
        }
        let mut lists = SiteLists::new();
        for (at, v) in sites.iter().enumerate() {
            for i in &scopes_of[*v as usize] {
                let list: Vec<u32> = self
                    .scopes
                    .get(*i as usize)
                    .iter()
                    .filter_map(|v| sites.binary_search(v).ok().map(|p| p as u32))
                    .collect();
                // Each scope once: at its first site among these.
                if list.len() > 1 && list[0] == at as u32 {
                    lists.push(&list);
                }
            }
        }
        let weights: Vec<f64> = sites
            .iter()
            .map(|v| (self.states[self.of[*v as usize] as usize].max(1) as f64).ln())
            .collect();
        clique_tree(&weights, &lists, limit).is_ok()
    }

    fn asked_joint(&self) -> bool {
        self.d.model.directives.iter().any(|x| match &x.kind {
            DirectiveKind::Joint(vars) => vars
                .iter()
                .any(|v| self.block.unknowns.contains(&self.d.unknowns.variable(*v))),
            _ => false,
        })
    }

    fn asked_split(&self) -> bool {
        self.block
            .unknowns
            .iter()
            .any(|u| structure::asked(&self.d.model, &self.d.unknowns, *u) != Asked::Nothing)
    }

    /// Which scopes hold a cluster together when the whole component is not solved at once.
    fn joins(&self) -> impl Fn(usize, &[u32]) -> bool {
        let slots: Vec<Vec<usize>> = self
            .block
            .unknowns
            .iter()
            .map(|u| structure::split_slots(&self.d.model, &self.d.unknowns, *u))
            .collect();
        let shapes: Vec<Vec<usize>> = self
            .block
            .unknowns
            .iter()
            .map(|u| {
                self.d
                    .unknowns
                    .get(*u)
                    .plates()
                    .iter()
                    .map(|p| self.e.data.plates[p.index()].size)
                    .collect()
            })
            .collect();
        let asked = self.asked_split();
        let (offsets, of, chained) = (self.offsets, self.of, self.chained);
        move |i, scope| {
            if !asked {
                return chained[i];
            }
            // Along the plates that are asked to be split, a cluster keeps one element; other unknowns are apart.
            let at = |v: u32| -> (u32, Vec<usize>) {
                let u = of[v as usize];
                let full = unflatten(v as usize - offsets[u as usize], &shapes[u as usize]);
                (u, slots[u as usize].iter().map(|s| full[*s]).collect())
            };
            scope
                .first()
                .is_none_or(|f| scope.iter().all(|v| at(*v) == at(*f)))
        }
    }
}
