//! One update of a network: clusters one after the other, components side by side.
//!
//! in: messages over compounds and the current marginals -> out: new marginals of sites and of the scopes inside clusters.
//!
//! ```text
//! log q(x_C) = sum over tables of E_{q of the other clusters}[table] + const         exact inside C by sum-product
//! H(q_C) = log Z_C - sum of tables . marginals
//! ```

use ndarray::ArrayD;
use rayon::prelude::*;

use crate::data::BLANK;
use crate::engine::bind::unflatten;
use crate::engine::places::NOWHERE;
use crate::numeric::LOG_ZERO;
use crate::numeric::logsumexp::softmax_in_place;
use crate::numeric::sum_product::SumProductError;

use super::{Cluster, Network};

/// Marginals of a network's q.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Solved {
    /// Of the sites.
    sites: Vec<f64>,
    /// Of the scopes, or parts of scopes, inside clusters.
    cliques: Vec<f64>,
    /// Entropy, weighted.
    pub entropy: f64,
}

/// No joint state of a cluster is possible: an unknown, by position in the block, and its flat element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Impossible {
    /// The unknown.
    pub unknown: usize,
    /// The element.
    pub element: usize,
}

/// Messages laid out as tables.
struct Tables {
    sites: Vec<f64>,
    scopes: Vec<f64>,
}

impl Network {
    /// The marginals of q as a product over sites with these probabilities, one array per unknown over its elements and states.
    pub fn product(&self, probabilities: &[&ArrayD<f64>]) -> Solved {
        let mut sites = vec![0.0; self.site_entries()];
        for (u, p) in probabilities.iter().enumerate() {
            let k = self.states[u].max(1);
            let p = p.as_standard_layout();
            for (i, row) in p.as_slice().unwrap_or(&[]).chunks(k).enumerate() {
                if let Some(at) = self.site_at.get(self.offsets[u] + i) {
                    sites[*at..*at + row.len()].copy_from_slice(row);
                }
            }
        }
        let mut cliques = vec![0.0; self.clique_entries()];
        for c in &self.clusters {
            for ((scope, part), at) in c.inner.iter().zip(&c.clique_at) {
                let p = &self.parts[*scope as usize][*part as usize];
                let members = self.scopes.get(*scope as usize);
                let list: Vec<u32> = p.positions.iter().map(|k| members[*k as usize]).collect();
                let shape: Vec<usize> = list.iter().map(|v| self.states_of(*v)).collect();
                for t in 0..shape.iter().product() {
                    let state = unflatten(t, &shape);
                    cliques[at + t] = list
                        .iter()
                        .zip(state)
                        .map(|(v, s)| sites[self.site_at[*v as usize] + s])
                        .product();
                }
            }
        }
        Solved {
            sites,
            cliques,
            entropy: 0.0,
        }
    }

    /// One update from the messages of its compounds.
    ///
    /// # Errors
    /// [`Impossible`]: a cluster without a possible joint state.
    pub fn update(
        &self,
        messages: &[Option<&[f64]>],
        before: &Solved,
        point: bool,
    ) -> Result<Solved, Impossible> {
        let tables = self.tables(messages);
        let mut next = before.clone();
        let mut jobs = vec![];
        {
            let (mut q, mut cliques) = (next.sites.as_mut_slice(), next.cliques.as_mut_slice());
            let (mut q_from, mut clique_from) = (0, 0);
            for (clusters, q_to, clique_to) in &self.components {
                let (q_own, q_rest) = q.split_at_mut(q_to - q_from);
                let (c_own, c_rest) = cliques.split_at_mut(clique_to - clique_from);
                jobs.push((clusters, q_own, q_from, c_own, clique_from));
                (q, cliques) = (q_rest, c_rest);
                (q_from, clique_from) = (*q_to, *clique_to);
            }
        }
        let entropies: Vec<Result<f64, u32>> = jobs
            .into_par_iter()
            .map(|(clusters, q, q_from, cliques, clique_from)| {
                let mut part = Component {
                    network: self,
                    tables: &tables,
                    q,
                    q_from,
                    cliques,
                    clique_from,
                    point,
                };
                let mut entropy = 0.0;
                for c in clusters {
                    entropy += part.solve(&self.clusters[*c as usize])?;
                }
                Ok(entropy)
            })
            .collect();
        next.entropy = 0.0;
        for e in entropies {
            next.entropy += e.map_err(|site| {
                let unknown = self.of[site as usize] as usize;
                Impossible {
                    unknown,
                    element: site as usize - self.offsets[unknown],
                }
            })?;
        }
        Ok(next)
    }

    fn tables(&self, messages: &[Option<&[f64]>]) -> Tables {
        let mut t = Tables {
            sites: vec![0.0; self.site_entries()],
            scopes: vec![0.0; self.table_at.last().copied().unwrap_or(0)],
        };
        for (c, m) in self.compounds.iter().zip(messages) {
            let Some(m) = m else { continue };
            for (i, block) in c.instances.iter().zip(m.chunks(c.block.max(1))) {
                if i.map == NOWHERE {
                    continue;
                }
                let table = if i.unary { &mut t.sites } else { &mut t.scopes };
                for (to, from) in &c.maps[i.map as usize] {
                    table[i.at + *to as usize] += block[*from as usize];
                }
            }
        }
        for (site, v) in self.clamps.iter().enumerate() {
            if *v != BLANK {
                let at = self.site_at[site];
                let k = self.states_of(site as u32);
                for (s, x) in t.sites[at..at + k].iter_mut().enumerate() {
                    if s != *v as usize {
                        *x = LOG_ZERO;
                    }
                }
            }
        }
        t
    }

    /// The probabilities of an unknown's states, flat over its elements and states.
    pub fn probabilities(&self, solved: &Solved, u: usize) -> Vec<f64> {
        let k = self.states[u];
        let end = self.offsets.get(u + 1).copied().unwrap_or(self.of.len());
        let mut out = Vec::with_capacity((end - self.offsets[u]) * k);
        for at in &self.site_at[self.offsets[u]..end] {
            out.extend_from_slice(&solved.sites[*at..at + k]);
        }
        out
    }

    /// The expectation of a compound, flat over its axes.
    pub fn expectation(&self, solved: &Solved, compound: usize) -> Vec<f64> {
        let c = &self.compounds[compound];
        let mut out = vec![0.0; c.instances.len() * c.block];
        let mut joint = vec![];
        let mut scope_of: Option<Vec<usize>> = None;
        for (i, block) in c.instances.iter().zip(out.chunks_mut(c.block.max(1))) {
            if i.map == NOWHERE {
                continue;
            }
            let marginal: &[f64] = if i.unary {
                &solved.sites[i.at..]
            } else {
                // Tables are laid out in the order of scopes.
                let starts = scope_of.get_or_insert_with(|| self.table_at.clone());
                let scope = starts.partition_point(|s| *s <= i.at) - 1;
                self.joint(solved, scope, &mut joint)
            };
            for (from, to) in &c.maps[i.map as usize] {
                block[*to as usize] += marginal[*from as usize];
            }
        }
        out
    }

    /// The joint marginal of a scope: a product over its clusters.
    fn joint<'s>(&self, solved: &'s Solved, scope: usize, out: &'s mut Vec<f64>) -> &'s [f64] {
        let parts = &self.parts[scope];
        if let [one] = parts.as_slice() {
            return &solved.cliques[one.at..];
        }
        let sites = self.scopes.get(scope);
        let shape: Vec<usize> = sites.iter().map(|v| self.states_of(*v)).collect();
        out.clear();
        for t in 0..shape.iter().product() {
            let state = unflatten(t, &shape);
            out.push(
                parts
                    .iter()
                    .map(|p| {
                        let at = p
                            .positions
                            .iter()
                            .fold(0, |a, k| a * shape[*k as usize] + state[*k as usize]);
                        if p.positions.len() == 1 {
                            solved.sites[p.at + at]
                        } else {
                            solved.cliques[p.at + at]
                        }
                    })
                    .product(),
            );
        }
        out
    }
}

/// A component with its share of the marginals.
struct Component<'a> {
    network: &'a Network,
    tables: &'a Tables,
    q: &'a mut [f64],
    q_from: usize,
    cliques: &'a mut [f64],
    clique_from: usize,
    point: bool,
}

impl Component<'_> {
    /// Solves a cluster given the others; its weighted entropy, or a site at which no state is possible.
    fn solve(&mut self, c: &Cluster) -> Result<f64, u32> {
        let Some(first) = c.sites.first() else {
            return Ok(0.0);
        };
        let q_at = self.network.site_at[*first as usize];
        let q_len: usize = c.sites.iter().map(|v| self.network.states_of(*v)).sum();
        let mut sites = self.tables.sites[q_at..q_at + q_len].to_vec();
        for (scope, part) in &c.edges {
            let at = self.network.parts[*scope as usize][*part as usize].at - q_at;
            let len = self.part_entries(*scope, *part);
            self.reduce(*scope, *part, &mut sites[at..at + len]);
        }
        let q_own = q_at - self.q_from..q_at - self.q_from + q_len;
        let Some(tree) = &c.tree else {
            let before = sites.clone();
            let log_z = softmax_in_place(&mut sites);
            if log_z < 0.5 * LOG_ZERO || log_z.is_nan() {
                return Err(*first);
            }
            if self.point {
                take_best(&before, &mut sites);
            }
            self.q[q_own].copy_from_slice(&sites);
            return Ok(if self.point {
                0.0
            } else {
                c.weight * (log_z - inner(&before, &sites))
            });
        };
        let mut tables = Vec::with_capacity(tree.scope_starts().last().copied().unwrap_or(0));
        for (scope, part) in &c.inner {
            let from = tables.len();
            let len = self.part_entries(*scope, *part);
            if self.network.parts[*scope as usize].len() == 1 {
                let at = self.network.table_at[*scope as usize];
                tables.extend_from_slice(&self.tables.scopes[at..at + len]);
            } else {
                tables.resize(from + len, 0.0);
                self.reduce(*scope, *part, &mut tables[from..]);
            }
        }
        let inner_len = tables.len();
        tables.extend_from_slice(&sites);
        let failed = |e: SumProductError| match e {
            SumProductError::Impossible { site } => c.sites.get(site).copied().unwrap_or(*first),
            _ => *first,
        };
        let clique_at = c.clique_at.first().copied().unwrap_or(self.clique_from) - self.clique_from;
        let cliques = &mut self.cliques[clique_at..clique_at + inner_len];
        if self.point {
            let best = tree.most_probable(&tables).map_err(failed)?;
            let q = &mut self.q[q_own];
            q.fill(0.0);
            for (start, s) in tree.site_starts().iter().zip(&best.states) {
                q[start + *s as usize] = 1.0;
            }
            cliques.fill(0.0);
            let starts = tree.scope_starts();
            for (list, start) in tree.scopes().iter().zip(starts).take(c.inner.len()) {
                let at = list.iter().fold(0, |a, v| {
                    a * tree.states()[*v as usize] + best.states[*v as usize] as usize
                });
                cliques[start + at] = 1.0;
            }
            return Ok(0.0);
        }
        let found = tree.marginals(&tables).map_err(failed)?;
        let h = found.log_z - inner(&tables, &found.scopes);
        cliques.copy_from_slice(&found.scopes[..inner_len]);
        self.q[q_own].copy_from_slice(&found.sites);
        Ok(c.weight * h)
    }

    fn part_entries(&self, scope: u32, part: u32) -> usize {
        let sites = self.network.scopes.get(scope as usize);
        self.network.parts[scope as usize][part as usize]
            .positions
            .iter()
            .map(|k| self.network.states_of(sites[*k as usize]))
            .product()
    }

    /// Adds E[table] over the other parts of a scope to the states of one part.
    fn reduce(&self, scope: u32, part: u32, out: &mut [f64]) {
        let n = self.network;
        let parts = &n.parts[scope as usize];
        let sites = n.scopes.get(scope as usize);
        let table = &self.tables.scopes[n.table_at[scope as usize]..];
        // Two sites: the usual case, without unflattening.
        if let ([a, b], 2) = (sites, parts.len()) {
            let (ka, kb) = (n.states_of(*a), n.states_of(*b));
            let mine_first = parts[part as usize].positions[0] == 0;
            let other = if mine_first { *b } else { *a };
            let from = n.site_at[other as usize] - self.q_from;
            for i in 0..ka {
                for j in 0..kb {
                    let t = table[i * kb + j];
                    let (mine, w) = if mine_first {
                        (i, self.q[from + j])
                    } else {
                        (j, self.q[from + i])
                    };
                    if w > 0.0 {
                        out[mine] += w * t;
                    }
                }
            }
            return;
        }
        let shape: Vec<usize> = sites.iter().map(|v| n.states_of(*v)).collect();
        let entries = shape.iter().product();
        for (t, entry) in table.iter().enumerate().take(entries) {
            let state = unflatten(t, &shape);
            let mut w = 1.0;
            let mut mine = 0;
            for (k, p) in parts.iter().enumerate() {
                let at = p
                    .positions
                    .iter()
                    .fold(0, |a, k| a * shape[*k as usize] + state[*k as usize]);
                if k == part as usize {
                    mine = at;
                } else if p.positions.len() == 1 {
                    w *= self.q[p.at - self.q_from + at];
                } else {
                    w *= self.cliques[p.at - self.clique_from + at];
                }
            }
            if w > 0.0 {
                out[mine] += w * entry;
            }
        }
    }
}

/// sum of table times probability; what has probability 0 counts 0 even at the floor of log 0.
fn inner(table: &[f64], p: &[f64]) -> f64 {
    table
        .iter()
        .zip(p)
        .map(|(t, p)| if *p == 0.0 { 0.0 } else { t * p })
        .sum()
}

fn take_best(eta: &[f64], out: &mut [f64]) {
    let best = eta
        .iter()
        .enumerate()
        .fold(0, |b, (i, v)| if *v > eta[b] { i } else { b });
    out.fill(0.0);
    if let Some(x) = out.get_mut(best) {
        *x = 1.0;
    }
}
