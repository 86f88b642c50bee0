//! Exact inference on discrete tables: log Z, marginals, the most probable joint state and joint samples.
//!
//! numbers of states, scopes, log tables -> log Z and a table of probabilities per scope and per site
//!
//! ```text
//! p(x) = 1/Z prod_k exp(table_k(x_scope(k)))
//! up, children first:    f_C(s, r) = sum of the tables at home in C and of the messages of C's children
//!                        m_C(s)    = log sum_r exp f_C(s, r)      p(r | s) = exp(f_C(s, r) - m_C(s))
//!                        log Z     = sum over roots of m_C()
//! down, parents first:   p_C(s, r) = p(r | s) sum of p_parent(C) over all but s
//! ```
//!
//! s runs over the states of a clique's separator and r over those of its residual. The way down multiplies conditional
//! probabilities, so nothing is divided by zero, and the conditionals are all that sampling needs. Entries of
//! [`super::LOG_ZERO`] or minus infinity are impossible states. Lauritzen and Spiegelhalter (1988); Koller and Friedman (2009),
//! chapter 10 and section 13.3 for the maximum. On a chain this is the forward-backward algorithm, and the maximum Viterbi's.

mod axes;
mod max_product;
mod sample;
#[cfg(test)]
mod tests;

pub use max_product::MostProbable;

use super::LOG_ZERO;
use super::clique_tree::{CliqueTree, TooWide, clique_tree};
use super::logsumexp::softmax_in_place;
use super::site_lists::{SiteLists, by_key, starts};
use axes::Axes;

/// Below this a log probability can only come from [`super::LOG_ZERO`].
const IMPOSSIBLE: f64 = 0.5 * LOG_ZERO;

/// Why there is no distribution.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SumProductError {
    /// Every joint state is impossible, which is seen where this site is summed out.
    Impossible {
        /// The site.
        site: usize,
    },
    /// An entry is NaN, or so large that sums of it could be infinite.
    NotANumber {
        /// The scope of its table.
        scope: usize,
    },
    /// The tables have not the entries that the scopes ask for.
    Length {
        /// How many they should have.
        expected: usize,
        /// How many they have.
        found: usize,
    },
}

/// The structure of a discrete distribution: serves any number of tables.
///
/// ```
/// use pmc::numeric::sum_product::SumProduct;
/// // Two binary sites that are equal with weight 3 to 1; the second one is 1 with weight 2 to 1.
/// let structure = SumProduct::new(vec![2, 2], [vec![0, 1], vec![1]].iter().collect(), 1e6).unwrap();
/// let tables = [3.0, 1.0, 1.0, 3.0, 1.0, 2.0].map(f64::ln);
/// let found = structure.marginals(&tables).unwrap();
/// assert!((found.log_z - 12f64.ln()).abs() < 1e-14);
/// assert!((structure.site(&found, 0)[1] - 7.0 / 12.0).abs() < 1e-14);
/// assert!((structure.scope(&found, 0)[3] - 6.0 / 12.0).abs() < 1e-14);
/// assert_eq!(structure.most_probable(&tables).unwrap().states, [1, 1]);
/// ```
#[derive(Debug, Clone)]
pub struct SumProduct {
    states: Vec<usize>,
    scopes: SiteLists,
    tree: CliqueTree,
    /// Per clique: the scopes that are at home in it.
    members: SiteLists,
    /// Scopes without sites: constants.
    constants: Vec<usize>,
    /// Where the table of each scope, clique and site begins, and after the last one the end.
    scope_starts: Vec<usize>,
    clique_starts: Vec<usize>,
    site_starts: Vec<usize>,
}

/// Marginals of all scopes and sites.
#[derive(Debug, Clone, PartialEq)]
pub struct Marginals {
    /// The log of the sum over all joint states.
    pub log_z: f64,
    /// Per scope, laid out as the tables are: the joint probabilities of its sites.
    pub scopes: Vec<f64>,
    /// Per site, one after another: the probabilities of its states.
    pub sites: Vec<f64>,
}

/// Per clique the probabilities of its residual's states given its separator's: the joint distribution as a product.
#[derive(Debug, Clone, PartialEq)]
pub struct Conditionals {
    /// The log of the sum over all joint states.
    pub log_z: f64,
    tables: Vec<f64>,
}

impl SumProduct {
    /// The structure of sites with so many states each, and of scopes: distinct sites, in the order of their table's axes.
    ///
    /// No clique has more than `limit` joint states, or than the largest scope if that is more.
    ///
    /// # Errors
    /// [`TooWide`], its weight being the log of a number of joint states.
    pub fn new(states: Vec<usize>, scopes: SiteLists, limit: f64) -> Result<Self, TooWide> {
        let weights: Vec<f64> = states.iter().map(|&k| (k as f64).ln()).collect();
        let tree = clique_tree(&weights, &scopes, limit.ln())?;
        let homes = (0..scopes.len()).map(|k| tree.home(k).unwrap_or(tree.len()));
        let members = by_key(tree.len() + 1, homes);
        Ok(SumProduct {
            scope_starts: starts(scopes.iter().map(|s| size(&states, s))),
            clique_starts: starts((0..tree.len()).map(|c| size(&states, tree.sites(c)))),
            site_starts: starts(states.iter().copied()),
            constants: members
                .get(tree.len())
                .iter()
                .map(|&k| k as usize)
                .collect(),
            members,
            states,
            scopes,
            tree,
        })
    }

    /// How many states each site has.
    #[must_use]
    pub fn states(&self) -> &[usize] {
        &self.states
    }

    /// The scopes.
    #[must_use]
    pub fn scopes(&self) -> &SiteLists {
        &self.scopes
    }

    /// The cliques.
    #[must_use]
    pub fn tree(&self) -> &CliqueTree {
        &self.tree
    }

    /// The entries of all cliques' tables: what one pass costs, in time and in memory.
    #[must_use]
    pub fn entries(&self) -> usize {
        self.clique_starts.last().copied().unwrap_or(0)
    }

    /// Where the table of each scope begins among all tables, row-major and one after another, and the end of the last.
    #[must_use]
    pub fn scope_starts(&self) -> &[usize] {
        &self.scope_starts
    }

    /// Where the probabilities of each site begin among all sites', and the end of the last.
    #[must_use]
    pub fn site_starts(&self) -> &[usize] {
        &self.site_starts
    }

    /// The probabilities of one scope's joint states.
    #[must_use]
    pub fn scope<'m>(&self, marginals: &'m Marginals, scope: usize) -> &'m [f64] {
        &marginals.scopes[self.scope_starts[scope]..self.scope_starts[scope + 1]]
    }

    /// The probabilities of one site's states.
    #[must_use]
    pub fn site<'m>(&self, marginals: &'m Marginals, site: usize) -> &'m [f64] {
        &marginals.sites[self.site_starts[site]..self.site_starts[site + 1]]
    }

    /// log Z and all marginals; a site in no scope is uniform.
    ///
    /// # Errors
    /// [`SumProductError`].
    pub fn marginals(&self, tables: &[f64]) -> Result<Marginals, SumProductError> {
        Ok(self.distribute(self.collect(tables)?))
    }

    /// The way up: log Z, and the distribution as a product of conditionals.
    ///
    /// # Errors
    /// [`SumProductError`].
    pub fn collect(&self, tables: &[f64]) -> Result<Conditionals, SumProductError> {
        let mut values = self.potentials(tables)?;
        let log_z = self.upward(&mut values, softmax_in_place)? + self.constant(tables);
        Ok(Conditionals {
            log_z,
            tables: values,
        })
    }

    /// The way down: all marginals.
    #[must_use]
    pub fn distribute(&self, conditionals: Conditionals) -> Marginals {
        let Conditionals {
            log_z,
            tables: mut joint,
        } = conditionals;
        let mut axes = Axes::default();
        let mut separator: Vec<f64> = vec![];
        // Siblings over one separator follow each other: its probabilities are summed once.
        let mut summed: Option<(usize, usize)> = None;
        for c in (0..self.tree.len()).rev() {
            let Some(parent) = self.tree.parent(c) else {
                continue;
            };
            if !summed.is_some_and(|last| self.is_sibling(last, (parent, c))) {
                separator.clear();
                separator.resize(size(&self.states, self.tree.separator(c)), 0.0);
                let above = &joint[self.range(parent)];
                axes.set(
                    &self.states,
                    self.tree.sites(parent),
                    self.tree.separator(c),
                );
                axes.each(|big, small| separator[small] += above[big]);
                let total: f64 = separator.iter().sum();
                separator.iter_mut().for_each(|p| *p /= total);
            }
            summed = Some((parent, c));
            let width = size(&self.states, self.tree.residual(c));
            let own = joint[self.range(c)].chunks_exact_mut(width);
            for (row, &p) in own.zip(&separator) {
                row.iter_mut().for_each(|v| *v *= p);
            }
        }

        let mut out = Marginals {
            log_z,
            scopes: vec![0.0; self.scope_starts.last().copied().unwrap_or(0)],
            sites: vec![0.0; self.site_starts.last().copied().unwrap_or(0)],
        };
        for c in 0..self.tree.len() {
            let own = &joint[self.range(c)];
            let sites = self.tree.sites(c);
            for &k in self.members.get(c) {
                let k = k as usize;
                let table = &mut out.scopes[self.scope_starts[k]..self.scope_starts[k + 1]];
                axes.set(&self.states, sites, self.scopes.get(k));
                axes.each(|big, small| table[small] += own[big]);
            }
            for &v in self.tree.residual(c) {
                let start = self.site_starts[v as usize];
                axes.set(&self.states, sites, &[v]);
                axes.each(|big, small| out.sites[start + small] += own[big]);
            }
        }
        for &k in &self.constants {
            out.scopes[self.scope_starts[k]] = 1.0;
        }
        out
    }

    /// The sums of each clique's own tables, in the log; impossible entries are at the floor.
    fn potentials(&self, tables: &[f64]) -> Result<Vec<f64>, SumProductError> {
        let expected = self.scope_starts.last().copied().unwrap_or(0);
        if tables.len() != expected {
            return Err(SumProductError::Length {
                expected,
                found: tables.len(),
            });
        }
        if let Some(entry) = tables.iter().position(|&v| v.is_nan() || v > -LOG_ZERO) {
            let scope = self.scope_starts.partition_point(|&s| s <= entry) - 1;
            return Err(SumProductError::NotANumber { scope });
        }
        if let Some(site) = self.states.iter().position(|&k| k == 0) {
            return Err(SumProductError::Impossible { site });
        }
        let mut values = vec![0.0; self.entries()];
        let mut axes = Axes::default();
        for c in 0..self.tree.len() {
            let own = &mut values[self.range(c)];
            for &k in self.members.get(c) {
                let k = k as usize;
                let table = &tables[self.scope_starts[k]..self.scope_starts[k + 1]];
                axes.set(&self.states, self.tree.sites(c), self.scopes.get(k));
                axes.each(|big, small| own[big] += table[small].max(LOG_ZERO));
            }
        }
        Ok(values)
    }

    fn constant(&self, tables: &[f64]) -> f64 {
        let value = |&k: &usize| tables[self.scope_starts[k]].max(LOG_ZERO);
        self.constants.iter().map(value).sum()
    }

    /// Sends messages up the tree and returns the sum of the roots'. `reduce` turns the entries of one separator state into
    /// one and may change them.
    fn upward(
        &self,
        values: &mut [f64],
        reduce: impl Fn(&mut [f64]) -> f64,
    ) -> Result<f64, SumProductError> {
        let mut axes = Axes::default();
        let mut total = 0.0;
        let mut message: Vec<f64> = vec![];
        // The sum of messages over one separator that the parent has not had yet: siblings over it follow each other.
        let mut pending: Vec<f64> = vec![];
        let mut waiting: Option<(usize, usize)> = None;
        for c in 0..self.tree.len() {
            if let Some((parent, child)) = waiting
                && parent == c
            {
                self.deliver(&mut axes, values, parent, child, &pending);
                waiting = None;
            }
            let width = size(&self.states, self.tree.residual(c));
            message.clear();
            message.extend(values[self.range(c)].chunks_exact_mut(width).map(&reduce));
            let top = message.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            if top < IMPOSSIBLE {
                let site = self.tree.residual(c)[0] as usize;
                return Err(SumProductError::Impossible { site });
            }
            // Messages are kept near 0, so that they lose no digits on a long way.
            total += top;
            let Some(parent) = self.tree.parent(c) else {
                continue;
            };
            message
                .iter_mut()
                .for_each(|m| *m = (*m - top).max(LOG_ZERO));
            match waiting {
                Some(last) if self.is_sibling(last, (parent, c)) => {
                    pending.iter_mut().zip(&message).for_each(|(p, m)| *p += m);
                }
                last => {
                    if let Some((parent, child)) = last {
                        self.deliver(&mut axes, values, parent, child, &pending);
                    }
                    std::mem::swap(&mut pending, &mut message);
                    waiting = Some((parent, c));
                }
            }
        }
        Ok(total)
    }

    fn deliver(
        &self,
        axes: &mut Axes,
        values: &mut [f64],
        parent: usize,
        child: usize,
        message: &[f64],
    ) {
        let above = &mut values[self.range(parent)];
        axes.set(
            &self.states,
            self.tree.sites(parent),
            self.tree.separator(child),
        );
        axes.each(|big, small| above[big] += message[small]);
    }

    /// Whether two cliques, each with its parent, hang on the same separator of the same parent.
    fn is_sibling(&self, a: (usize, usize), b: (usize, usize)) -> bool {
        a.0 == b.0 && self.tree.separator(a.1) == self.tree.separator(b.1)
    }

    fn range(&self, clique: usize) -> std::ops::Range<usize> {
        self.clique_starts[clique]..self.clique_starts[clique + 1]
    }
}

/// How many joint states some sites have.
fn size(states: &[usize], sites: &[u32]) -> usize {
    sites.iter().map(|&s| states[s as usize]).product()
}
