//! Gaussian elements coupled along a chain, a tree or few neighbours, bound to data: elimination of vectors one by one.
//!
//! ```text
//! log p = b'v + v'Qv + const      J = -(Q + Q')      mean = J^-1 b      H = (n log 2 pi e - log|J|) / 2
//! ```
//!
//! A site is a vector: the elements of an unknown that only dense coupling joins. J has a block for each site and for each pair
//! of sites that some term holds. Eliminating sites is Kalman smoothing in information form on a chain, and on a star of
//! schools about their mean the elimination of the schools first. Asked to be split, clusters of sites are solved one after the
//! other, each given the means of the others.

mod solve;

use std::collections::HashMap;

use ndarray::ArrayD;

use crate::derive::structure;
use crate::derive::{Block, BlockId, Derivation, Form, MomentKind, Structure};
use crate::diag::{Code, Diagnostic};
use crate::family::{Improper, StatisticKind};
use crate::model::Role;
use crate::numeric::gaussian_elimination::GaussianElimination;
use crate::numeric::site_lists::{SiteLists, components};

use super::bind::unflatten;
use super::coupled::shaped;
use super::evaluate::Evaluator;
use super::places::NOWHERE;
use super::state::{BlockState, State};
use super::update::Messages;
use super::{DENSE_INSIDE, Engine};

/// Where an entry of a message goes.
#[derive(Debug, Clone, Copy)]
enum Entry {
    /// The assignment meets no element.
    Nowhere,
    /// A number's linear term.
    Linear(usize),
    /// Two numbers of one site: both places in its symmetric block.
    Within(usize, usize),
    /// Two numbers of different sites: the place in the pair's block.
    Between(usize),
}

/// Sites solved at once.
#[derive(Debug, Clone)]
struct Cluster {
    sites: Vec<u32>,
    /// Pairs of sites with both ends here.
    pairs: Vec<u32>,
    /// Pairs with one end elsewhere.
    edges: Vec<u32>,
    elimination: GaussianElimination,
}

/// A Gaussian network bound to data.
#[derive(Debug, Clone)]
pub struct GaussianNetwork {
    /// Length of each site's vector.
    dims: Vec<usize>,
    /// First number of each site, and the end.
    number_at: Vec<usize>,
    /// First entry of each site's block, and the end.
    block_at: Vec<usize>,
    /// Pairs of sites, the lower first.
    pairs: Vec<(u32, u32)>,
    /// First entry of each pair's block, and the end.
    pair_at: Vec<usize>,
    /// The number of each flat element, per unknown.
    numbers: Vec<Vec<u32>>,
    /// The unknown and flat element of each number.
    owner: Vec<(u32, u32)>,
    compounds: Vec<Vec<Entry>>,
    clusters: Vec<Cluster>,
    /// Known values by number, NaN where unknown; empty where none is known.
    clamps: Vec<f64>,
}

/// The mean, the covariances that terms need, and the entropy.
pub struct Solution {
    mean: Vec<f64>,
    blocks: Vec<f64>,
    pairs: Vec<f64>,
    entropy: f64,
}

impl GaussianNetwork {
    /// Binds a block.
    ///
    /// # Errors
    /// E0601: elimination would make a dense part above the limit.
    pub fn new(
        e: &Evaluator<'_>,
        d: &Derivation,
        block: &Block,
        cells: &[Option<ArrayD<f64>>],
    ) -> Result<Self, Diagnostic> {
        let mut dims = vec![];
        let mut numbers: Vec<Vec<u32>> = vec![];
        let mut site_of: Vec<(u32, u32)> = vec![];
        let mut owner = vec![];
        let mut number_at = vec![0usize];
        let mut split_of: Vec<(u32, Vec<usize>)> = vec![];
        for (i, u) in block.unknowns.iter().enumerate() {
            let shape: Vec<usize> = d
                .unknowns
                .get(*u)
                .slots
                .iter()
                .map(|p| e.data.plates[p.index()].size)
                .collect();
            let slots = structure::sites_of(&d.model, &d.unknowns, block, i, &d.terms.items);
            let split = structure::split_slots(&d.model, &d.unknowns, *u);
            let first_site = dims.len();
            let first_number = number_at.last().copied().unwrap_or(0);
            let outer: Vec<usize> = slots.iter().map(|s| shape[*s]).collect();
            let inner: Vec<usize> = (0..shape.len()).filter(|s| !slots.contains(s)).collect();
            let inner_shape: Vec<usize> = inner.iter().map(|s| shape[*s]).collect();
            let (count, dim): (usize, usize) =
                (outer.iter().product(), inner_shape.iter().product());
            for s in 0..count {
                dims.push(dim);
                number_at.push(first_number + (s + 1) * dim);
                let at = unflatten(s, &outer);
                split_of.push((
                    i as u32,
                    split
                        .iter()
                        .map(|x| slots.iter().position(|y| x == y).map_or(0, |p| at[p]))
                        .collect(),
                ));
            }
            let total: usize = shape.iter().product();
            let mut own = Vec::with_capacity(total);
            owner.resize(first_number + count * dim, (0, 0));
            site_of.resize(first_number + count * dim, (0, 0));
            for flat in 0..total {
                let at = unflatten(flat, &shape);
                let site = slots.iter().fold(0, |a, s| a * shape[*s] + at[*s]);
                let component = inner.iter().fold(0, |a, s| a * shape[*s] + at[*s]);
                let number = first_number + site * dim + component;
                own.push(number as u32);
                owner[number] = (i as u32, flat as u32);
                site_of[number] = ((first_site + site) as u32, component as u32);
            }
            numbers.push(own);
        }
        let mut block_at = vec![0usize];
        for k in &dims {
            block_at.push(block_at.last().copied().unwrap_or(0) + k * k);
        }
        let mut network = GaussianNetwork {
            clamps: clamps(cells, &numbers, owner.len()),
            dims,
            number_at,
            block_at,
            pairs: vec![],
            pair_at: vec![0],
            numbers,
            owner,
            compounds: vec![],
            clusters: vec![],
        };
        network.bind_compounds(e, d, block, &site_of);
        network.cut(d, block, &split_of)?;
        Ok(network)
    }

    fn bind_compounds(
        &mut self,
        e: &Evaluator<'_>,
        d: &Derivation,
        block: &Block,
        site_of: &[(u32, u32)],
    ) {
        // Only asked, never listed.
        let mut known: HashMap<(u32, u32), usize> = HashMap::new();
        for c in &block.compounds {
            let places = e.places(c, &d.unknowns);
            let unknown: Vec<usize> = c
                .stats
                .iter()
                .map(|s| block.unknowns.iter().position(|u| *u == s.of).unwrap_or(0))
                .collect();
            let mut entries = Vec::with_capacity(places.count);
            for p in 0..places.count {
                let number = |k: usize| match places.element[k][p] {
                    NOWHERE => None,
                    x => self.numbers[unknown[k]]
                        .get(x as usize)
                        .map(|n| *n as usize),
                };
                let entry = match (number(0), unknown.len()) {
                    (Some(a), 1) => Entry::Linear(a),
                    (Some(a), _) => match number(1) {
                        Some(b) => {
                            let ((i, x), (j, y)) = (site_of[a], site_of[b]);
                            let (x, y) = (x as usize, y as usize);
                            if i == j {
                                let n = self.dims[i as usize];
                                let at = self.block_at[i as usize];
                                Entry::Within(at + x * n + y, at + y * n + x)
                            } else {
                                let (lo, hi, r, s) =
                                    if i < j { (i, j, x, y) } else { (j, i, y, x) };
                                let pair = *known.entry((lo, hi)).or_insert_with(|| {
                                    self.pairs.push((lo, hi));
                                    let len = self.dims[lo as usize] * self.dims[hi as usize];
                                    let end = self.pair_at.last().copied().unwrap_or(0) + len;
                                    self.pair_at.push(end);
                                    self.pairs.len() - 1
                                });
                                Entry::Between(self.pair_at[pair] + r * self.dims[hi as usize] + s)
                            }
                        }
                        None => Entry::Nowhere,
                    },
                    (None, _) => Entry::Nowhere,
                };
                entries.push(entry);
            }
            self.compounds.push(entries);
        }
    }

    /// The parts that are solved at once: everything, or what stays together where a split is asked for.
    fn cut(
        &mut self,
        d: &Derivation,
        block: &Block,
        split_of: &[(u32, Vec<usize>)],
    ) -> Result<(), Diagnostic> {
        let n = self.dims.len();
        let split = block.structure == Structure::Sequential;
        let mut cluster_of = vec![0u32; n];
        let mut lists: Vec<Vec<u32>> = vec![];
        if split {
            let joined: SiteLists = self
                .pairs
                .iter()
                .filter(|(a, b)| split_of[*a as usize] == split_of[*b as usize])
                .map(|(a, b)| [*a, *b])
                .collect();
            for (c, sites) in components(n, &joined).iter().enumerate() {
                for s in sites {
                    cluster_of[*s as usize] = c as u32;
                }
                lists.push(sites.to_vec());
            }
        } else {
            lists.push((0..n as u32).collect());
        }
        let mut pairs: Vec<Vec<u32>> = vec![vec![]; lists.len()];
        let mut edges: Vec<Vec<u32>> = vec![vec![]; lists.len()];
        for (p, (a, b)) in self.pairs.iter().enumerate() {
            let (ca, cb) = (cluster_of[*a as usize], cluster_of[*b as usize]);
            if ca == cb {
                pairs[ca as usize].push(p as u32);
            } else {
                edges[ca as usize].push(p as u32);
                edges[cb as usize].push(p as u32);
            }
        }
        for ((sites, pairs), edges) in lists.into_iter().zip(pairs).zip(edges) {
            let local = |v: u32| sites.binary_search(&v).unwrap_or(0) as u32;
            let wanted: Vec<(u32, u32)> = pairs
                .iter()
                .map(|p| {
                    let (a, b) = self.pairs[*p as usize];
                    (local(a), local(b))
                })
                .collect();
            let dims: Vec<usize> = sites.iter().map(|v| self.dims[*v as usize]).collect();
            let mut given: Vec<(u32, u32)> = (0..sites.len() as u32).map(|i| (i, i)).collect();
            given.extend(&wanted);
            let elimination =
                GaussianElimination::new(dims, given, wanted, DENSE_INSIDE as f64).map_err(|wide| {
                    let names: Vec<String> = block
                        .unknowns
                        .iter()
                        .map(|u| format!("`{}`", d.unknowns.get(*u).name))
                        .collect();
                    Diagnostic::new(Code::E0601, "memory above the limit")
                        .note(format!(
                            "eliminating the elements of {} one by one joins {} numbers; at most {DENSE_INSIDE} are solved at once",
                            names.join(", "),
                            wide.weight
                        ))
                        .help("use fewer rows or elements, or split them with `as factorised`")
                })?;
            self.clusters.push(Cluster {
                sites,
                pairs,
                edges,
                elimination,
            });
        }
        Ok(())
    }
}

/// The known cells of partly blank columns, by number; NaN where blank.
fn clamps(cells: &[Option<ArrayD<f64>>], numbers: &[Vec<u32>], count: usize) -> Vec<f64> {
    let mut out = vec![];
    for (cells, own) in cells.iter().zip(numbers) {
        let Some(v) = cells else { continue };
        if out.is_empty() {
            out = vec![f64::NAN; count];
        }
        for (n, x) in own.iter().zip(v.iter()) {
            out[*n as usize] = *x;
        }
    }
    out
}

impl Engine<'_> {
    pub(super) fn bind_gaussian_networks(
        &self,
    ) -> Result<Vec<Option<GaussianNetwork>>, Vec<Diagnostic>> {
        self.derivation
            .blocks
            .iter()
            .map(|b| {
                if !matches!(b.form, Form::GaussianNetwork) {
                    return Ok(None);
                }
                let cells: Vec<_> = b.unknowns.iter().map(|u| self.cells(*u)).collect();
                GaussianNetwork::new(&self.evaluator, self.derivation, b, &cells)
                    .map(Some)
                    .map_err(|e| vec![e])
            })
            .collect()
    }

    pub(super) fn update_gaussian_network(
        &self,
        state: &mut State,
        id: BlockId,
        messages: &Messages,
        next: &mut BlockState,
    ) -> Result<(), Diagnostic> {
        let Some(network) = &self.gaussian_networks[id.index()] else {
            return Ok(());
        };
        let block = self.derivation.block(id);
        let latent = block.role == Role::Latent;
        let kind = |u| MomentKind::Statistic(u, StatisticKind::Value);
        let before: Vec<Option<&ArrayD<f64>>> = block
            .unknowns
            .iter()
            .map(|u| state.moments.get(&kind(*u)))
            .collect();
        let q = network
            .update(
                &self.by_compound(id, messages),
                network.means(&before),
                latent,
            )
            .map_err(|(number, reason)| {
                let (i, element) = network.owner.get(number).copied().unwrap_or((0, 0));
                let u = block.unknowns[i as usize];
                let e = Improper::new(format!(
                    "{}: {reason}",
                    self.element_name_of(u, element as usize)
                ));
                if latent {
                    self.improper(u, 0, &e)
                } else {
                    self.unbounded(u, 0, &e.reason)
                }
            })?;
        let variances = if latent {
            network.variances(&q)
        } else {
            vec![]
        };
        for (i, u) in block.unknowns.iter().enumerate() {
            let shape = self.shape(*u);
            let pick = |from: &[f64]| {
                let own = network.numbers[i].iter().map(|n| from[*n as usize]);
                shaped(&shape, own.collect())
            };
            let mean = pick(&q.mean);
            next.parameters
                .push((i, if latent { "mean" } else { "value" }, mean.clone()));
            state.moments.insert(kind(*u), mean);
            if latent {
                next.parameters.push((i, "variance", pick(&variances)));
            }
        }
        if latent {
            for (i, c) in block.compounds.iter().enumerate() {
                if c.stats.len() > 1 {
                    let at = i as u32;
                    state.moments.insert(
                        MomentKind::Compound(block.unknowns[0], at),
                        shaped(&self.compound_shape(id, at), network.covariance(&q, i)),
                    );
                }
            }
        }
        next.entropy = q.entropy;
        Ok(())
    }
}
