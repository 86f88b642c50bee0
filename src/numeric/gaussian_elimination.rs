//! Exact inference for a joint Gaussian in information form whose precision matrix is sparse by blocks.
//!
//! lengths of the vectors at the sites, linear term b, blocks of J -> mean, log|J|, blocks of J^-1 on the graph, draws
//!
//! ```text
//! log p(v) = b'v - v'J v / 2 + constant                  mean = J^-1 b,  covariance = J^-1
//! up, children first:    J_C over (S, R) = blocks at home in C + updates of C's children
//!                        J_RR = L L'     W = L^-1 J_RS     log|J| = 2 sum log L_ii
//!                        update to the parent:  - W'W on S;     y = L^-1 b_R,  b_S -= W'y
//! down, parents first:   v_R = L'^-1 (y - W v_S)
//!                        G = L'^-1 W:  Cov_RS = -G Cov_SS,  Cov_RR = (L L')^-1 + G Cov_SS G'
//! ```
//!
//! S is a clique's separator and R its residual, so Cov_SS is a part of the parent's covariance: no more of the inverse is made
//! than the cliques hold. On a chain this is the Kalman filter and the smoother of Rauch, Tung and Striebel (1965) in
//! information form; where all sites hang on one hub it is the elimination of an arrow matrix. Koller and Friedman (2009),
//! section 14.2; Erisman and Tinney (1975) for the entries of the inverse.

mod covariance;
mod factorise;
#[cfg(test)]
mod tests;

pub use covariance::Covariances;

use rand::Rng;
use rand_distr::{Distribution, StandardNormal};

use super::clique_tree::{CliqueTree, TooWide, clique_tree};
use super::linalg::{solve_lower, solve_lower_transposed};
use super::site_lists::{SiteLists, by_key, starts};

/// Why there is no distribution.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GaussianError {
    /// J is not positive definite to working precision, or not finite: seen where this site is integrated out.
    NotPositiveDefinite {
        /// The site.
        site: usize,
    },
    /// The blocks or the linear term have not the entries that the structure asks for.
    Length {
        /// How many they should have.
        expected: usize,
        /// How many they have.
        found: usize,
    },
}

/// The structure of a sparse joint Gaussian: serves any numbers.
///
/// ```
/// use pmc::numeric::gaussian_elimination::GaussianElimination;
/// // Three steps of a random walk from a known 0, the last one seen as 4, all variances 1.
/// let blocks = [2.0, 2.0, 2.0, -1.0, -1.0];
/// let pairs = vec![(0, 0), (1, 1), (2, 2), (0, 1), (1, 2)];
/// let structure = GaussianElimination::new(vec![1; 3], pairs, vec![(0, 2)], 10.0).unwrap();
/// let factor = structure.factorise(&blocks).unwrap();
/// let mean = structure.mean(&factor, &[0.0, 0.0, 4.0]).unwrap();
/// for (m, want) in mean.iter().zip([1.0, 2.0, 3.0]) {
///     assert!((m - want).abs() < 1e-14);
/// }
/// let covariances = structure.covariances(&factor);
/// assert!((covariances.variances[2] - 0.75).abs() < 1e-14);
/// assert!((covariances.pairs[0] - 0.25).abs() < 1e-14);
/// assert!((factor.log_det - 4f64.ln()).abs() < 1e-14);
/// ```
#[derive(Debug, Clone)]
pub struct GaussianElimination {
    lengths: Vec<usize>,
    blocks: Vec<(u32, u32)>,
    wanted: Vec<(u32, u32)>,
    tree: CliqueTree,
    /// Per clique: the blocks of J and the wanted covariances that are at home in it.
    members: SiteLists,
    asked: SiteLists,
    /// Where each site's vector and variance, each block of J and each wanted covariance begins; then the end of the last.
    vector_starts: Vec<usize>,
    variance_starts: Vec<usize>,
    block_starts: Vec<usize>,
    wanted_starts: Vec<usize>,
    /// Where L and then W of each clique begin.
    factor_starts: Vec<usize>,
    /// Per clique: the lengths of its separator and of its residual.
    shapes: Vec<(usize, usize)>,
}

/// The factors of a precision matrix.
#[derive(Debug, Clone, PartialEq)]
pub struct Factor {
    /// log|J|.
    pub log_det: f64,
    entries: Vec<f64>,
}

impl GaussianElimination {
    /// The structure of sites with vectors of these lengths, of blocks of J, and of the covariances that will be wanted.
    ///
    /// A pair (i, j) stands for J_ij, `lengths[i]` by `lengths[j]`, and for its transpose J_ji, so that it is given once. No
    /// clique has more numbers than `limit`, or than the longest pair if that is more.
    ///
    /// # Errors
    /// [`TooWide`], its weight being a number of numbers.
    pub fn new(
        lengths: Vec<usize>,
        blocks: Vec<(u32, u32)>,
        wanted: Vec<(u32, u32)>,
        limit: f64,
    ) -> Result<Self, TooWide> {
        let weights: Vec<f64> = lengths.iter().map(|&n| n as f64).collect();
        let mut scopes = SiteLists::with_capacity(blocks.len() + wanted.len(), 2 * blocks.len());
        for &(i, j) in blocks.iter().chain(&wanted) {
            let pair = [i, j];
            scopes.push(if i == j { &pair[..1] } else { &pair });
        }
        let tree = clique_tree(&weights, &scopes, limit)?;
        let count = blocks.len();
        let home = |k: usize| tree.home(k).unwrap_or(0);
        let members = by_key(tree.len(), (0..count).map(home));
        let asked = by_key(tree.len(), (count..scopes.len()).map(home));
        let length = |sites: &[u32]| sites.iter().map(|&v| lengths[v as usize]).sum::<usize>();
        let area = |&(i, j): &(u32, u32)| lengths[i as usize] * lengths[j as usize];
        let shapes: Vec<(usize, usize)> = (0..tree.len())
            .map(|c| (length(tree.separator(c)), length(tree.residual(c))))
            .collect();
        Ok(GaussianElimination {
            vector_starts: starts(lengths.iter().copied()),
            variance_starts: starts(lengths.iter().map(|n| n * n)),
            block_starts: starts(blocks.iter().map(area)),
            wanted_starts: starts(wanted.iter().map(area)),
            factor_starts: starts(shapes.iter().map(|(s, r)| r * (r + s))),
            lengths,
            blocks,
            wanted,
            tree,
            members,
            asked,
            shapes,
        })
    }

    /// The cliques.
    #[must_use]
    pub fn tree(&self) -> &CliqueTree {
        &self.tree
    }

    /// The pairs whose blocks J has.
    #[must_use]
    pub fn blocks(&self) -> &[(u32, u32)] {
        &self.blocks
    }

    /// The pairs whose covariances are wanted.
    #[must_use]
    pub fn wanted(&self) -> &[(u32, u32)] {
        &self.wanted
    }

    /// Where each site begins in a vector over all sites, and the end of the last.
    #[must_use]
    pub fn vector_starts(&self) -> &[usize] {
        &self.vector_starts
    }

    /// Where each site's own block begins among [`Covariances::variances`], and the end of the last.
    #[must_use]
    pub fn variance_starts(&self) -> &[usize] {
        &self.variance_starts
    }

    /// Where each block of J begins among all, row-major and one after another, and the end of the last.
    #[must_use]
    pub fn block_starts(&self) -> &[usize] {
        &self.block_starts
    }

    /// Where each wanted block begins among [`Covariances::pairs`], and the end of the last.
    #[must_use]
    pub fn wanted_starts(&self) -> &[usize] {
        &self.wanted_starts
    }

    /// J^-1 b, site after site.
    ///
    /// # Errors
    /// [`GaussianError::Length`].
    pub fn mean(&self, factor: &Factor, linear: &[f64]) -> Result<Vec<f64>, GaussianError> {
        expect(linear, &self.vector_starts)?;
        let mut v = linear.to_vec();
        let (mut own, mut above) = (vec![], vec![]);
        for c in 0..self.tree.len() {
            let (l, w, r, s) = self.factors(factor, c);
            self.gather(&v, self.tree.residual(c), &mut own);
            solve_lower(l, r, &mut own, 1);
            self.scatter(&own, self.tree.residual(c), &mut v);
            if s == 0 {
                continue;
            }
            self.gather(&v, self.tree.separator(c), &mut above);
            for (row, y) in w.chunks_exact(s).zip(&own) {
                above.iter_mut().zip(row).for_each(|(b, w)| *b -= w * y);
            }
            self.scatter(&above, self.tree.separator(c), &mut v);
        }
        self.substitute(factor, &mut v);
        Ok(v)
    }

    /// A draw of the joint Gaussian with this mean.
    ///
    /// # Errors
    /// [`GaussianError::Length`].
    pub fn sample(
        &self,
        factor: &Factor,
        mean: &[f64],
        rng: &mut impl Rng,
    ) -> Result<Vec<f64>, GaussianError> {
        expect(mean, &self.vector_starts)?;
        let mut v: Vec<f64> = mean.iter().map(|_| StandardNormal.sample(rng)).collect();
        self.substitute(factor, &mut v);
        v.iter_mut().zip(mean).for_each(|(v, m)| *v += m);
        Ok(v)
    }

    /// The log of the integral of exp(b'v - v'J v / 2), given that `mean` is J^-1 b.
    #[must_use]
    pub fn log_z(&self, factor: &Factor, linear: &[f64], mean: &[f64]) -> f64 {
        let quadratic: f64 = linear.iter().zip(mean).map(|(b, m)| b * m).sum();
        let n = end(&self.vector_starts) as f64;
        0.5 * (quadratic - factor.log_det + n * std::f64::consts::TAU.ln())
    }

    /// Down the tree: v_R = L'^-1 (v_R - W v_S).
    fn substitute(&self, factor: &Factor, v: &mut [f64]) {
        let (mut own, mut above) = (vec![], vec![]);
        for c in (0..self.tree.len()).rev() {
            let (l, w, r, s) = self.factors(factor, c);
            self.gather(v, self.tree.residual(c), &mut own);
            self.gather(v, self.tree.separator(c), &mut above);
            for (row, y) in w.chunks_exact(s.max(1)).zip(&mut own) {
                *y -= row.iter().zip(&above).map(|(w, v)| w * v).sum::<f64>();
            }
            solve_lower_transposed(l, r, &mut own, 1);
            self.scatter(&own, self.tree.residual(c), v);
        }
    }

    fn factors<'f>(&self, factor: &'f Factor, c: usize) -> (&'f [f64], &'f [f64], usize, usize) {
        let (s, r) = self.shapes[c];
        let own = &factor.entries[self.factor_starts[c]..self.factor_starts[c + 1]];
        let (l, w) = own.split_at(r * r);
        (l, w, r, s)
    }

    fn width(&self, clique: usize) -> usize {
        self.shapes[clique].0 + self.shapes[clique].1
    }

    /// Where a site's vector begins in a clique's.
    fn place(&self, clique: usize, site: u32) -> usize {
        let before = self.tree.sites(clique).iter().take_while(|&&v| v != site);
        before.map(|&v| self.lengths[v as usize]).sum()
    }

    /// Where each number of some sites stands in a clique's vector.
    fn places(&self, clique: usize, sites: &[u32], out: &mut Vec<usize>) {
        out.clear();
        for &v in sites {
            let start = self.place(clique, v);
            out.extend(start..start + self.lengths[v as usize]);
        }
    }

    fn gather(&self, v: &[f64], sites: &[u32], out: &mut Vec<f64>) {
        out.clear();
        for &site in sites {
            let site = site as usize;
            out.extend_from_slice(&v[self.vector_starts[site]..self.vector_starts[site + 1]]);
        }
    }

    fn scatter(&self, from: &[f64], sites: &[u32], v: &mut [f64]) {
        let mut rest = from;
        for &site in sites {
            let site = site as usize;
            let (own, after) = rest.split_at(self.lengths[site]);
            v[self.vector_starts[site]..self.vector_starts[site + 1]].copy_from_slice(own);
            rest = after;
        }
    }
}

fn expect(numbers: &[f64], starts: &[usize]) -> Result<(), GaussianError> {
    let (expected, found) = (end(starts), numbers.len());
    if expected == found {
        Ok(())
    } else {
        Err(GaussianError::Length { expected, found })
    }
}

fn end(starts: &[usize]) -> usize {
    starts.last().copied().unwrap_or(0)
}
