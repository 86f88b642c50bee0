//! Lists of site numbers in one flat buffer, and the connected components they make.
//!
//! lists of sites -> the same lists by number; connected components, each a list of sites
//!
//! A site is a node of an undirected graph: a discrete variable, or one vector of a joint Gaussian. A million short lists
//! cost two allocations here.

/// Lists of sites, each given by its place.
///
/// ```
/// use pmc::numeric::site_lists::SiteLists;
/// let scopes: SiteLists = [vec![0, 1], vec![3], vec![]].iter().collect();
/// assert_eq!((scopes.len(), scopes.get(0), scopes.get(2)), (3, &[0, 1][..], &[][..]));
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SiteLists {
    sites: Vec<u32>,
    ends: Vec<usize>,
}

impl SiteLists {
    /// No lists.
    #[must_use]
    pub fn new() -> Self {
        SiteLists::default()
    }

    /// No lists, with room for `lists` of them that have `sites` entries together.
    #[must_use]
    pub fn with_capacity(lists: usize, sites: usize) -> Self {
        SiteLists {
            sites: Vec::with_capacity(sites),
            ends: Vec::with_capacity(lists),
        }
    }

    /// Appends one list.
    pub fn push(&mut self, list: &[u32]) {
        self.sites.extend_from_slice(list);
        self.ends.push(self.sites.len());
    }

    /// How many lists there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is no list.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The list of one number; empty beyond the last.
    #[must_use]
    pub fn get(&self, k: usize) -> &[u32] {
        let Some(&end) = self.ends.get(k) else {
            return &[];
        };
        let start = k.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.sites[start..end]
    }

    /// The lists in order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &[u32]> {
        (0..self.len()).map(|k| self.get(k))
    }
}

impl<L: AsRef<[u32]>> FromIterator<L> for SiteLists {
    fn from_iter<I: IntoIterator<Item = L>>(lists: I) -> Self {
        let mut out = SiteLists::new();
        for list in lists {
            out.push(list.as_ref());
        }
        out
    }
}

/// Numbers 0, 1, ... grouped by a key below `keys`: one list per key, each in increasing order.
pub(crate) fn by_key(keys: usize, key: impl Iterator<Item = usize> + Clone) -> SiteLists {
    let mut ends = vec![0usize; keys];
    for k in key.clone() {
        ends[k] += 1;
    }
    let mut total = 0;
    for end in &mut ends {
        total += std::mem::replace(end, total);
    }
    // `ends` holds the starts now; filling moves each to its end.
    let mut sites = vec![0u32; total];
    for (i, k) in key.enumerate() {
        sites[ends[k]] = i as u32;
        ends[k] += 1;
    }
    SiteLists { sites, ends }
}

/// Where pieces of these sizes begin, and the end of the last.
pub(crate) fn starts(sizes: impl Iterator<Item = usize>) -> Vec<usize> {
    let mut total = 0;
    let mut out = vec![0];
    out.extend(sizes.map(|size| {
        total += size;
        total
    }));
    out
}

/// The connected components of the graph in which the sites of each list are joined.
///
/// Each component is in increasing order, and components are in the order of their lowest sites. A site in no list is a
/// component of its own.
///
/// ```
/// use pmc::numeric::site_lists::{SiteLists, components};
/// let scopes: SiteLists = [[3, 0], [1, 4]].iter().collect();
/// let found: Vec<_> = components(5, &scopes).iter().map(<[u32]>::to_vec).collect();
/// assert_eq!(found, [vec![0, 3], vec![1, 4], vec![2]]);
/// ```
#[must_use]
pub fn components(sites: usize, lists: &SiteLists) -> SiteLists {
    let mut parent: Vec<u32> = (0..sites as u32).collect();
    for list in lists.iter() {
        for pair in list.windows(2) {
            let (a, b) = (root(&mut parent, pair[0]), root(&mut parent, pair[1]));
            // The lowest site of a component is its root.
            parent[a.max(b) as usize] = a.min(b);
        }
    }
    let mut number = vec![0usize; sites];
    let mut count = 0;
    for site in 0..sites {
        let top = root(&mut parent, site as u32) as usize;
        if top == site {
            number[site] = count;
            count += 1;
        } else {
            number[site] = number[top];
        }
    }
    by_key(count, number.iter().copied())
}

fn root(parent: &mut [u32], mut site: u32) -> u32 {
    while parent[site as usize] != site {
        let above = parent[parent[site as usize] as usize];
        parent[site as usize] = above;
        site = above;
    }
    site
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_chains_in_any_order_are_one_component() {
        let n = 10_000u32;
        let forward: SiteLists = (1..n).map(|t| [t - 1, t]).collect();
        let backward: SiteLists = (1..n).rev().map(|t| [t, t - 1]).collect();
        for chain in [forward, backward] {
            let found = components(n as usize + 1, &chain);
            assert_eq!(found.len(), 2);
            assert!(found.get(0).iter().copied().eq(0..n));
            assert_eq!(found.get(1), &[n]);
        }
    }

    #[test]
    fn components_are_those_of_a_flood_fill() {
        for seed in 0..50u64 {
            let n = 12u64;
            let draw = |k: u64| ((seed * 131 + k * 977 + 7).pow(3) >> 4) % n;
            let edges: Vec<[u32; 2]> = (0..6)
                .map(|e| [draw(2 * e) as u32, draw(2 * e + 1) as u32])
                .collect();
            let found = components(n as usize, &edges.iter().collect());
            let mut label: Vec<u32> = (0..n as u32).collect();
            for _ in 0..n {
                for [a, b] in edges.iter().map(|e| e.map(|v| v as usize)) {
                    let low = label[a].min(label[b]);
                    (label[a], label[b]) = (low, low);
                }
            }
            let lowest: Vec<u32> = found.iter().map(|c| c[0]).collect();
            assert!(lowest.is_sorted());
            assert_eq!(found.iter().map(<[u32]>::len).sum::<usize>(), n as usize);
            for c in found.iter() {
                assert!(c.is_sorted() && c.iter().all(|&s| label[s as usize] == c[0]));
            }
        }
        assert!(components(0, &SiteLists::new()).is_empty());
    }
}
