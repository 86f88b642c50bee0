//! Against the enumeration of all joint states, on graphs of many shapes; impossible states; a long chain.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::*;

struct Problem {
    states: Vec<usize>,
    scopes: SiteLists,
    tables: Vec<f64>,
}

impl Problem {
    /// One of: a chain, a tree, a ring, random scopes of up to three sites (some twice, some without sites), nothing.
    fn random(seed: u64) -> Problem {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let n = rng.random_range(1..=7usize);
        let states: Vec<usize> = (0..n).map(|_| rng.random_range(1..=3)).collect();
        let mut lists: Vec<Vec<u32>> = vec![];
        match seed % 5 {
            0 => lists.extend((1..n as u32).map(|t| vec![t - 1, t])),
            1 => lists.extend((1..n as u32).map(|t| vec![t, rng.random_range(0..t)])),
            2 if n > 2 => lists.extend((0..n as u32).map(|t| vec![t, (t + 1) % n as u32])),
            3 => {}
            _ => {
                for _ in 0..rng.random_range(1..=n + 2) {
                    let mut list: Vec<u32> = (0..rng.random_range(0..=3))
                        .map(|_| rng.random_range(0..n as u32))
                        .collect();
                    let mut sorted = list.clone();
                    sorted.sort_unstable();
                    sorted.dedup();
                    if sorted.len() < list.len() {
                        list = sorted;
                    }
                    lists.push(list);
                }
                lists.push(lists[0].clone());
            }
        }
        for _ in 0..rng.random_range(0..=n) {
            lists.push(vec![rng.random_range(0..n as u32)]);
        }
        let scopes: SiteLists = lists.iter().collect();
        let entries: usize = scopes.iter().map(|s| size(&states, s)).sum();
        let tables = (0..entries).map(|_| rng.random_range(-3.0..3.0)).collect();
        Problem {
            states,
            scopes,
            tables,
        }
    }

    fn structure(&self) -> SumProduct {
        SumProduct::new(self.states.clone(), self.scopes.clone(), 1e6).unwrap()
    }

    /// Every joint state with its entry in each table.
    fn enumerate(&self) -> Vec<(Vec<u32>, Vec<usize>)> {
        let all: usize = self.states.iter().product();
        let mut out = vec![];
        for mut code in 0..all {
            let mut joint = vec![];
            for &k in &self.states {
                joint.push((code % k) as u32);
                code /= k;
            }
            let mut start = 0;
            let mut entries = vec![];
            for scope in self.scopes.iter() {
                let mut entry = 0;
                for &v in scope {
                    entry = entry * self.states[v as usize] + joint[v as usize] as usize;
                }
                entries.push(start + entry);
                start += scope
                    .iter()
                    .map(|&v| self.states[v as usize])
                    .product::<usize>();
            }
            out.push((joint, entries));
        }
        out
    }

    /// log Z, the marginals of scopes and sites, the largest value: by summing over everything.
    fn brute_force(&self) -> (f64, Vec<f64>, Vec<Vec<f64>>, f64) {
        let joints = self.enumerate();
        let value = |entries: &[usize]| entries.iter().map(|&e| self.tables[e]).sum::<f64>();
        let best = joints
            .iter()
            .map(|(_, e)| value(e))
            .fold(f64::NEG_INFINITY, f64::max);
        let z: f64 = joints.iter().map(|(_, e)| (value(e) - best).exp()).sum();
        let mut scopes = vec![0.0; self.tables.len()];
        let mut sites: Vec<Vec<f64>> = self.states.iter().map(|&k| vec![0.0; k]).collect();
        for (joint, entries) in &joints {
            let p = (value(entries) - best).exp() / z;
            for &e in entries {
                scopes[e] += p;
            }
            for (site, &s) in sites.iter_mut().zip(joint) {
                site[s as usize] += p;
            }
        }
        (z.ln() + best, scopes, sites, best)
    }
}

fn close(a: f64, b: f64) -> bool {
    (a - b).abs() < 1e-12 * (1.0 + b.abs())
}

fn agrees(problem: &Problem, name: &str) {
    let structure = problem.structure();
    let (log_z, scopes, sites, best) = problem.brute_force();
    let found = structure.marginals(&problem.tables).unwrap();
    assert!(close(found.log_z, log_z), "{name}: {} {log_z}", found.log_z);
    for (a, b) in found.scopes.iter().zip(&scopes) {
        assert!(close(*a, *b), "{name}: {a} {b}");
    }
    assert_eq!(found.scopes.len(), scopes.len());
    for (v, want) in sites.iter().enumerate() {
        let site = structure.site(&found, v);
        assert_eq!(site.len(), want.len());
        assert!(site.iter().zip(want).all(|(a, b)| close(*a, *b)), "{name}");
    }
    let most = structure.most_probable(&problem.tables).unwrap();
    assert!(close(most.value, best), "{name}: {} {best}", most.value);
    assert!(close(structure.value(&problem.tables, &most.states), best));
}

#[test]
fn small_graphs_agree_with_enumeration() {
    for seed in 0..300 {
        agrees(&Problem::random(seed), &format!("seed {seed}"));
    }
}

#[test]
fn impossible_states_agree_with_enumeration_or_are_refused() {
    let (mut refused, mut kept) = (0, 0);
    for seed in 0..600 {
        let mut problem = Problem::random(seed);
        let mut rng = ChaCha8Rng::seed_from_u64(seed + 1_000_000);
        let share = rng.random_range(0.0..0.7);
        for v in &mut problem.tables {
            if rng.random::<f64>() < share {
                *v = if rng.random() {
                    LOG_ZERO
                } else {
                    f64::NEG_INFINITY
                };
            }
        }
        let impossible = problem.brute_force().3 < IMPOSSIBLE;
        // A scope without sites is a constant, and log Z says what it is.
        if impossible && problem.scopes.iter().any(<[u32]>::is_empty) {
            continue;
        }
        if impossible {
            refused += 1;
            let structure = problem.structure();
            let error = structure.marginals(&problem.tables).unwrap_err();
            let SumProductError::Impossible { site } = error else {
                panic!("{error:?}");
            };
            assert!(site < problem.states.len());
            assert_eq!(structure.most_probable(&problem.tables), Err(error));
        } else {
            kept += 1;
            agrees(&problem, &format!("seed {seed}"));
        }
    }
    assert!(refused > 100 && kept > 100, "{refused} {kept}");
}

#[test]
fn magnitudes_do_not_matter() {
    for seed in 0..100 {
        let mut problem = Problem::random(seed);
        let structure = problem.structure();
        let before = structure.marginals(&problem.tables).unwrap();
        let mut shift = 0.0;
        for k in 0..problem.scopes.len() {
            let by = [1e4, -3e4, 700.0][k % 3];
            let starts = &structure.scope_starts()[k..=k + 1];
            problem.tables[starts[0]..starts[1]]
                .iter_mut()
                .for_each(|v| *v += by);
            shift += by;
        }
        let after = structure.marginals(&problem.tables).unwrap();
        assert!((after.log_z - before.log_z - shift).abs() < 1e-9);
        for (a, b) in after.sites.iter().zip(&before.sites) {
            assert!((a - b).abs() < 1e-9);
        }
    }
}

#[test]
fn equals_are_decided_for_the_lowest_state() {
    let scopes: SiteLists = [[0, 1], [1, 2]].iter().collect();
    let structure = SumProduct::new(vec![2, 3, 2], scopes, 1e3).unwrap();
    let most = structure.most_probable(&[0.0; 12]).unwrap();
    assert_eq!((most.states, most.value), (vec![0, 0, 0], 0.0));
}

#[test]
fn what_is_no_distribution_is_named() {
    let scopes: SiteLists = [[0, 1], [1, 2]].iter().collect();
    let structure = SumProduct::new(vec![2, 2, 2], scopes, 1e3).unwrap();
    let error = |tables: &[f64]| structure.marginals(tables).unwrap_err();
    let length = SumProductError::Length {
        expected: 8,
        found: 3,
    };
    assert_eq!(error(&[0.0; 3]), length);
    for bad in [f64::NAN, f64::INFINITY, 1e300] {
        let mut tables = [0.0; 8];
        tables[4] = bad;
        assert_eq!(error(&tables), SumProductError::NotANumber { scope: 1 });
    }
    // Site 1 must be 0 for the first table and 1 for the second.
    let tables = [0.0, LOG_ZERO, 0.0, LOG_ZERO, LOG_ZERO, LOG_ZERO, 0.0, 0.0];
    assert!(matches!(error(&tables), SumProductError::Impossible { .. }));
    let none = SumProduct::new(vec![2, 0], SiteLists::new(), 1e3).unwrap();
    assert_eq!(
        none.marginals(&[]),
        Err(SumProductError::Impossible { site: 1 })
    );
    let wide = SumProduct::new(
        vec![10; 4],
        [[0, 1], [1, 2], [2, 3], [3, 0]].iter().collect(),
        500.0,
    );
    assert!((wide.unwrap_err().weight - 1000f64.ln()).abs() < 1e-9);
}

#[test]
fn a_long_chain_agrees_with_its_closed_form() {
    // A stationary symmetric chain that stays with probability 0.9, seen at both ends: the law of the middle comes from
    // powers of the second eigenvalue, P(x_t = x_0) = (1 + lambda^t) / 2 with lambda = 0.8.
    let n = 100_000u32;
    let pairs = (1..n).map(|t| vec![t - 1, t]);
    let scopes: SiteLists = pairs.chain([vec![0], vec![n - 1]]).collect();
    let structure = SumProduct::new(vec![2; n as usize], scopes, 1e3).unwrap();
    let step = [0.9f64, 0.1, 0.1, 0.9].map(f64::ln);
    let mut tables: Vec<f64> = step.repeat(n as usize - 1);
    tables.extend([0.5f64.ln(), LOG_ZERO, 0.5f64.ln(), 0.5f64.ln() - 1e6]);
    let found = structure.marginals(&tables).unwrap();
    // One half for the start, one for where it ends, one for what is seen there.
    assert!(
        (found.log_z - 0.125f64.ln()).abs() < 1e-9,
        "{}",
        found.log_z
    );
    for t in [0, 1, 2, 10, 50, 50_000] {
        let want = 0.5 * (1.0 + 0.8f64.powi(t));
        let have = structure.site(&found, t as usize)[0];
        assert!((have - want).abs() < 1e-10, "{t}: {have} {want}");
    }
    for t in 0..n as usize {
        let sum: f64 = structure.site(&found, t).iter().sum();
        assert!((sum - 1.0).abs() < 1e-12);
    }
    let most = structure.most_probable(&tables).unwrap();
    assert!(most.states.iter().all(|&s| s == 0));
}

#[test]
fn many_siblings_over_one_separator_agree_with_the_product() {
    // Naive Bayes: a hidden class and many features; the posterior of the class is a product.
    let n = 20_000u32;
    let scopes: SiteLists = (1..=n).map(|t| [0, t]).collect();
    let states: Vec<usize> = (0..=n).map(|_| 2).collect();
    let structure = SumProduct::new(states, scopes, 1e3).unwrap();
    let tables: Vec<f64> = (0..n)
        .flat_map(|t| [0.0, f64::from(t % 3) * 1e-4, 2e-4, 0.0])
        .collect();
    let log_z = |class: usize| -> f64 {
        let rows = tables.chunks(4).map(|t| &t[2 * class..2 * class + 2]);
        rows.map(|t| (t[0].exp() + t[1].exp()).ln()).sum()
    };
    let (a, b) = (log_z(0), log_z(1));
    let found = structure.marginals(&tables).unwrap();
    let odds = structure.site(&found, 0)[0] / structure.site(&found, 0)[1];
    assert!((odds.ln() - (a - b)).abs() < 1e-8, "{}", odds.ln());
    assert!((found.log_z - (a.max(b) + (-(a - b).abs()).exp().ln_1p())).abs() < 1e-8);
}

#[test]
fn draws_have_the_joint_probabilities() {
    for seed in [2, 4, 7, 9, 14] {
        let mut problem = Problem::random(seed);
        if !problem.scopes.get(0).is_empty() {
            problem.tables[0] = LOG_ZERO;
        }
        let structure = problem.structure();
        let Ok(conditionals) = structure.collect(&problem.tables) else {
            continue;
        };
        let (log_z, ..) = problem.brute_force();
        let draws = 20_000;
        let mut counts = std::collections::BTreeMap::new();
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        for _ in 0..draws {
            *counts
                .entry(structure.sample(&conditionals, &mut rng))
                .or_insert(0u32) += 1;
        }
        for (joint, entries) in problem.enumerate() {
            let value: f64 = entries.iter().map(|&e| problem.tables[e]).sum();
            let p = (value - log_z).exp();
            let have = f64::from(counts.get(&joint).copied().unwrap_or(0)) / f64::from(draws);
            // Impossible states are never drawn; few draws of a rare one are no normal variable.
            let few = if p == 0.0 { 0.0 } else { 4.0 };
            let error = 5.0 * (p * (1.0 - p) / f64::from(draws)).sqrt() + few / f64::from(draws);
            assert!((have - p).abs() <= error, "seed {seed}: {have} {p}");
        }
    }
}
