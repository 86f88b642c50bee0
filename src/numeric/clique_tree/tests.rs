//! Properties every clique tree has, on graphs of many shapes; widths that are known; sizes that must not matter.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::*;

/// Scopes of one to three sites over n sites.
fn random(n: usize, scopes: usize, seed: u64) -> SiteLists {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut out = SiteLists::new();
    for _ in 0..scopes {
        let mut list: Vec<u32> = (0..rng.random_range(1..=3))
            .map(|_| rng.random_range(0..n as u32))
            .collect();
        list.sort_unstable();
        list.dedup();
        out.push(&list);
    }
    out
}

fn check(tree: &CliqueTree, sites: usize, scopes: &SiteLists) {
    let mut seen = vec![0; sites];
    for c in 0..tree.len() {
        let all = tree.sites(c);
        assert!(!tree.residual(c).is_empty());
        assert!(tree.separator(c).is_sorted() && tree.residual(c).is_sorted());
        for &v in tree.residual(c) {
            seen[v as usize] += 1;
            assert_eq!(tree.resident(v as usize), c);
        }
        if let Some(parent) = tree.parent(c) {
            assert!(parent > c);
            let shared: Vec<u32> = all
                .iter()
                .copied()
                .filter(|v| tree.sites(parent).contains(v))
                .collect();
            assert_eq!(shared, tree.separator(c));
            assert!(!shared.is_empty());
            assert!(tree.sites(parent).len() > shared.len(), "not maximal");
        } else {
            assert!(tree.separator(c).is_empty());
        }
        // A clique is connected to the one that has a site as residual through cliques that have the site too.
        for &v in tree.separator(c) {
            let mut at = c;
            while at != tree.resident(v as usize) {
                at = tree.parent(at).unwrap();
                assert!(tree.sites(at).contains(&v));
            }
        }
    }
    assert!(seen.iter().all(|&s| s == 1), "{seen:?}");
    for (k, scope) in scopes.iter().enumerate() {
        match tree.home(k) {
            Some(home) => assert!(scope.iter().all(|v| tree.sites(home).contains(v))),
            None => assert!(scope.is_empty()),
        }
    }
    let mut order = tree.order().to_vec();
    order.sort_unstable();
    assert!(order.into_iter().eq(0..sites as u32));
}

#[test]
fn random_graphs_have_clique_trees() {
    for seed in 0..300 {
        let n = 1 + seed as usize % 12;
        let scopes = random(n, seed as usize % 17, seed);
        let tree = clique_tree(&vec![1.0; n], &scopes, f64::INFINITY).unwrap();
        check(&tree, n, &scopes);
        assert_eq!(tree.weight(), tree.largest() as f64);
        let exact = clique_tree(&vec![1.0; n], &scopes, tree.weight()).unwrap();
        assert_eq!(exact, tree);
    }
}

#[test]
fn a_limit_one_below_the_width_is_refused_with_the_width() {
    for seed in 0..200 {
        let n = 3 + seed as usize % 10;
        let scopes = random(n, 2 * n, seed);
        let tree = clique_tree(&vec![1.0; n], &scopes, f64::INFINITY).unwrap();
        let largest = scopes.iter().map(<[u32]>::len).max().unwrap();
        match clique_tree(&vec![1.0; n], &scopes, tree.weight() - 1.0) {
            Ok(same) => assert!(largest == tree.largest() && same == tree),
            Err(wide) => {
                assert!(largest < tree.largest());
                assert_eq!(wide.sites, tree.largest());
                assert_eq!(wide.weight, tree.weight());
            }
        }
    }
}

#[test]
fn known_widths() {
    let unit = |n: usize, scopes: &SiteLists| clique_tree(&vec![1.0; n], scopes, 1e9).unwrap();
    let complete: SiteLists = (0..7).flat_map(|a| (0..a).map(move |b| [b, a])).collect();
    let tree = unit(7, &complete);
    assert_eq!((tree.len(), tree.largest()), (1, 7));
    let k = 4u32;
    let grid: SiteLists = (0..k * k)
        .flat_map(|v| {
            let right = (v % k + 1 < k).then_some([v, v + 1]);
            let below = (v / k + 1 < k).then_some([v, v + k]);
            right.into_iter().chain(below)
        })
        .collect();
    let tree = unit(16, &grid);
    check(&tree, 16, &grid);
    assert_eq!(tree.largest(), 5);
    // A tree is left alone: as many cliques as edges, of two sites each.
    let binary: SiteLists = (1..100).map(|v: u32| [(v - 1) / 2, v]).collect();
    let tree = unit(100, &binary);
    check(&tree, 100, &binary);
    assert_eq!((tree.len(), tree.largest()), (99, 2));
    assert_eq!(unit(3, &SiteLists::new()).len(), 3);
    assert!(unit(0, &SiteLists::new()).is_empty());
}

#[test]
fn light_sites_go_first() {
    // The two heavy sites of this ring must not meet: 0 and 2 are light, one of them is cut off first.
    let ring: SiteLists = [[0, 1], [1, 2], [2, 3], [0, 3]].iter().collect();
    let tree = clique_tree(&[5.0, 1.0, 5.0, 1.0], &ring, 1e9).unwrap();
    assert_eq!(tree.weight(), 7.0);
    let tree = clique_tree(&[1.0, 1.0, 5.0, 1.0], &ring, 1e9).unwrap();
    assert_eq!(tree.order()[0], 0);
}

#[test]
fn a_sum_of_logarithms_fits_the_limit_it_equals() {
    let weights = [3f64.ln(); 4];
    let scopes: SiteLists = [[0, 1], [1, 2], [2, 3], [0, 3]].iter().collect();
    assert!(clique_tree(&weights, &scopes, 27f64.ln()).is_ok());
    let wide = clique_tree(&weights, &scopes, 26f64.ln()).unwrap_err();
    assert!((wide.weight - 27f64.ln()).abs() < 1e-12);
}

#[test]
fn dense_graphs_stop_at_the_limit_and_large_scopes_do_not() {
    let n = 1500u32;
    let hubs: SiteLists = (0..n)
        .flat_map(|v| [[v, (v * 7 + 1) % n], [v, (v * 31 + 5) % n]])
        .collect();
    assert!(clique_tree(&vec![1.0; n as usize], &hubs, 12.0).is_err());
    let all: Vec<u32> = (0..200).collect();
    let tree = clique_tree(&[1.0; 200], &[all].iter().collect(), 3.0).unwrap();
    assert_eq!((tree.len(), tree.largest()), (1, 200));
}

#[test]
fn long_chains_and_hubs_with_many_leaves_are_linear() {
    let n = 200_000u32;
    let chain: SiteLists = (1..n).map(|t| [t - 1, t]).collect();
    let arrow: SiteLists = (1..n).map(|t| [0, t]).collect();
    let late: SiteLists = (1..n).map(|t| [t - 1, n]).collect();
    let both: SiteLists = (2..n).flat_map(|t| [[0, t], [t - 1, t]]).collect();
    for (scopes, width) in [(chain, 2), (arrow, 2), (late, 2), (both, 3)] {
        let tree = clique_tree(&vec![1.0; n as usize + 1], &scopes, 4.0).unwrap();
        assert_eq!(tree.largest(), width);
    }
}
