//! Against the dense inverse and determinant by Gauss-Jordan elimination, on graphs of many shapes; against Kalman's filter
//! and the smoother of Rauch, Tung and Striebel on a long chain; matrices that are not positive definite.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::*;

/// Inverse and log determinant of a positive definite matrix, with partial pivoting.
fn gauss_jordan(a: &[f64], n: usize) -> (Vec<f64>, f64) {
    let mut m: Vec<Vec<f64>> = (0..n)
        .map(|i| {
            let mut row = a[i * n..(i + 1) * n].to_vec();
            row.extend((0..n).map(|j| if i == j { 1.0 } else { 0.0 }));
            row
        })
        .collect();
    let mut log_det = 0.0;
    for k in 0..n {
        let best = (k..n).max_by(|&a, &b| m[a][k].abs().total_cmp(&m[b][k].abs()));
        m.swap(k, best.unwrap());
        let pivot = m[k][k];
        log_det += pivot.abs().ln();
        m[k].iter_mut().for_each(|v| *v /= pivot);
        let row = m[k].clone();
        for (i, other) in m.iter_mut().enumerate() {
            let factor = other[k];
            if i != k {
                other
                    .iter_mut()
                    .zip(&row)
                    .for_each(|(o, v)| *o -= factor * v);
            }
        }
    }
    (m.iter().flat_map(|r| r[n..].to_vec()).collect(), log_det)
}

struct Problem {
    lengths: Vec<usize>,
    blocks: Vec<(u32, u32)>,
    wanted: Vec<(u32, u32)>,
    values: Vec<f64>,
    linear: Vec<f64>,
}

impl Problem {
    /// A chain, a tree, a ring, an arrow or pairs at random, with vectors of 0 to `longest` numbers; blocks in either
    /// direction, some of them twice; diagonals that dominate.
    fn random(seed: u64, longest: usize) -> Problem {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let n = rng.random_range(1..=8u32);
        let shortest = usize::from(!seed.is_multiple_of(7));
        let lengths: Vec<usize> = (0..n)
            .map(|_| rng.random_range(shortest..=longest))
            .collect();
        let mut edges: Vec<(u32, u32)> = match seed % 5 {
            0 => (1..n).map(|t| (t - 1, t)).collect(),
            1 => (1..n).map(|t| (rng.random_range(0..t), t)).collect(),
            2 => (1..n).map(|t| (t - 1, t)).chain([(0, n - 1)]).collect(),
            3 => (1..n).map(|t| (0, t)).collect(),
            _ => (0..n)
                .map(|_| (rng.random_range(0..n), rng.random_range(0..n)))
                .collect(),
        };
        edges.retain(|e| e.0 != e.1);
        for e in &mut edges {
            if rng.random() {
                *e = (e.1, e.0);
            }
        }
        edges.extend(edges.clone().iter().filter(|_| rng.random::<f64>() < 0.2));
        let mut blocks: Vec<(u32, u32)> = edges.clone();
        blocks.extend((0..n).map(|i| (i, i)));
        blocks.extend((0..n).filter(|_| rng.random()).map(|i| (i, i)));
        let mut values = vec![];
        for &(i, j) in &blocks {
            let (a, b) = (lengths[i as usize], lengths[j as usize]);
            let mut block: Vec<f64> = (0..a * b).map(|_| rng.random_range(-1.0..1.0)).collect();
            if i == j {
                for r in 0..a {
                    for c in 0..r {
                        block[c * a + r] = block[r * a + c];
                    }
                    block[r * a + r] += 3.0 * (longest * edges.len().max(1)) as f64;
                }
            }
            values.extend(block);
        }
        let linear = (0..lengths.iter().sum())
            .map(|_| rng.random_range(-5.0..5.0))
            .collect();
        let mut wanted = edges;
        wanted.extend([(0, 0), (n - 1, 0)]);
        Problem {
            lengths,
            blocks,
            wanted,
            values,
            linear,
        }
    }

    fn structure(&self) -> GaussianElimination {
        let (blocks, wanted) = (self.blocks.clone(), self.wanted.clone());
        GaussianElimination::new(self.lengths.clone(), blocks, wanted, 1e3).unwrap()
    }

    fn start(&self, site: u32) -> usize {
        self.lengths[..site as usize].iter().sum()
    }

    fn dense(&self) -> Vec<f64> {
        let n = self.linear.len();
        let mut out = vec![0.0; n * n];
        let mut at = 0;
        for &(i, j) in &self.blocks {
            for a in self.start(i)..self.start(i) + self.lengths[i as usize] {
                for b in self.start(j)..self.start(j) + self.lengths[j as usize] {
                    out[a * n + b] += self.values[at];
                    if i != j {
                        out[b * n + a] += self.values[at];
                    }
                    at += 1;
                }
            }
        }
        out
    }
}

fn close(a: f64, b: f64, scale: f64) {
    assert!((a - b).abs() <= 1e-11 * scale, "{a} {b}");
}

#[test]
fn small_graphs_agree_with_the_dense_inverse() {
    for (seed, longest) in (0..300)
        .map(|s| (s, 1 + s as usize % 3))
        .chain((300..340).map(|s| (s, 12)))
    {
        let problem = Problem::random(seed, longest);
        let n = problem.linear.len();
        let (inverse, log_det) = gauss_jordan(&problem.dense(), n);
        let scale = inverse.iter().fold(0.0f64, |m, v| m.max(v.abs()));
        let structure = problem.structure();
        let factor = structure.factorise(&problem.values).unwrap();
        close(factor.log_det, log_det, 1.0 + log_det.abs());
        let mean = structure.mean(&factor, &problem.linear).unwrap();
        let mut quadratic = 0.0;
        for (i, m) in mean.iter().enumerate() {
            let row = &inverse[i * n..(i + 1) * n];
            let want: f64 = row.iter().zip(&problem.linear).map(|(a, b)| a * b).sum();
            close(*m, want, scale * 10.0);
            quadratic += want * problem.linear[i];
        }
        let log_z = 0.5 * (quadratic - log_det + n as f64 * (2.0 * std::f64::consts::PI).ln());
        close(
            structure.log_z(&factor, &problem.linear, &mean),
            log_z,
            1.0 + log_z.abs(),
        );
        let found = structure.covariances(&factor);
        let sites: Vec<(u32, u32)> = (0..problem.lengths.len() as u32).map(|i| (i, i)).collect();
        for (pairs, starts, have) in [
            (&sites, structure.variance_starts(), &found.variances),
            (&problem.wanted, structure.wanted_starts(), &found.pairs),
        ] {
            assert_eq!(starts.len(), pairs.len() + 1);
            for (k, &(i, j)) in pairs.iter().enumerate() {
                let (rows, columns) = (problem.lengths[i as usize], problem.lengths[j as usize]);
                assert_eq!(starts[k + 1] - starts[k], rows * columns);
                for a in 0..rows {
                    for b in 0..columns {
                        let want = inverse[(problem.start(i) + a) * n + problem.start(j) + b];
                        close(have[starts[k] + a * columns + b], want, scale);
                    }
                }
            }
        }
    }
}

#[test]
fn a_long_local_level_agrees_with_filter_and_smoother() {
    // level_0 ~ (0, 100), level_t ~ (level_{t-1}, q), y_t ~ (level_t, r)
    let n = 50_000usize;
    let (first, q, r) = (100.0, 0.3, 2.0);
    let mut rng = ChaCha8Rng::seed_from_u64(3);
    let y: Vec<f64> = (0..n)
        .map(|t| (t as f64 * 0.01).sin() * 5.0 + rng.random_range(-1.0..1.0))
        .collect();

    let (mut filtered, mut log_evidence) = (vec![], 0.0);
    let (mut m, mut p) = (0.0, first);
    for (t, &y) in y.iter().enumerate() {
        if t > 0 {
            p += q;
        }
        let s: f64 = p + r;
        log_evidence -= 0.5 * ((2.0 * std::f64::consts::PI * s).ln() + (y - m) * (y - m) / s);
        (m, p) = (m + p / s * (y - m), p * r / s);
        filtered.push((m, p));
    }
    let mut smoothed = vec![(0.0, 0.0, 0.0); n];
    let (mut m, mut p) = filtered[n - 1];
    smoothed[n - 1] = (m, p, 0.0);
    for t in (0..n - 1).rev() {
        let (mf, pf) = filtered[t];
        let gain = pf / (pf + q);
        let cross = gain * p;
        (m, p) = (mf + gain * (m - mf), pf + gain * gain * (p - pf - q));
        smoothed[t] = (m, p, cross);
    }

    let mut blocks: Vec<(u32, u32)> = (0..n as u32).map(|t| (t, t)).collect();
    let steps: Vec<(u32, u32)> = (1..n as u32).map(|t| (t - 1, t)).collect();
    blocks.extend(&steps);
    let mut values: Vec<f64> = (0..n)
        .map(|t| {
            let before = if t == 0 { 1.0 / first } else { 1.0 / q };
            let after = if t + 1 < n { 1.0 / q } else { 0.0 };
            before + after + 1.0 / r
        })
        .collect();
    values.extend(steps.iter().map(|_| -1.0 / q));
    let linear: Vec<f64> = y.iter().map(|y| y / r).collect();
    let structure = GaussianElimination::new(vec![1; n], blocks, steps, 2.0).unwrap();
    let factor = structure.factorise(&values).unwrap();
    let mean = structure.mean(&factor, &linear).unwrap();
    let found = structure.covariances(&factor);
    for t in 0..n {
        let (m, p, cross) = smoothed[t];
        close(mean[t], m, 10.0);
        close(found.variances[t], p, 1.0);
        if t + 1 < n {
            close(found.pairs[t], cross, 1.0);
        }
    }
    let tau = 2.0 * std::f64::consts::PI;
    let constant = -0.5 * (tau * first).ln()
        - 0.5 * (n as f64 - 1.0) * (tau * q).ln()
        - 0.5 * n as f64 * (tau * r).ln()
        - y.iter().map(|y| y * y / (2.0 * r)).sum::<f64>();
    let have = structure.log_z(&factor, &linear, &mean) + constant;
    close(have, log_evidence, log_evidence.abs());
}

#[test]
fn a_wide_hub_with_many_leaves_is_one_elimination() {
    // Leaves u_g of 2 numbers with precision I, a hub of 3 with precision I, y_g ~ (u_g + A hub, 1/4): the hub's precision
    // after the leaves is I + G 4/5 A'A.
    let groups = 5_000u32;
    let a = [1.0, 0.5, 0.0, 0.0, -1.0, 2.0];
    let mut blocks = vec![(0, 0)];
    let mut values = vec![0.0; 9];
    let gram = |i: usize, j: usize| a[i] * a[j] + a[3 + i] * a[3 + j];
    for i in 0..3 {
        for j in 0..3 {
            values[3 * i + j] = 4.0 * f64::from(groups) * gram(i, j) + f64::from(u8::from(i == j));
        }
    }
    let mut lengths = vec![3];
    for g in 1..=groups {
        lengths.push(2);
        blocks.extend([(g, g), (g, 0)]);
        values.extend([5.0, 0.0, 0.0, 5.0]);
        values.extend(a.map(|v| 4.0 * v));
    }
    let wanted = vec![(0, groups)];
    let structure = GaussianElimination::new(lengths, blocks, wanted, 5.0).unwrap();
    let factor = structure.factorise(&values).unwrap();
    let mut hub = vec![0.0; 9];
    for i in 0..3 {
        for j in 0..3 {
            let own = if i == j { 1.0 } else { 0.0 };
            hub[3 * i + j] = own + 0.8 * f64::from(groups) * gram(i, j);
        }
    }
    let (cov, log_det) = gauss_jordan(&hub, 3);
    let all = log_det + 2.0 * f64::from(groups) * 5f64.ln();
    assert!((factor.log_det - all).abs() < 1e-9 * all);
    let found = structure.covariances(&factor);
    for (have, want) in found.variances.iter().zip(&cov) {
        assert!((have - want).abs() < 1e-9, "{have} {want}");
    }
    // Cov(hub, leaf) = -4/5 Cov(hub) A'
    for i in 0..3 {
        for k in 0..2 {
            let want: f64 = (0..3).map(|j| -0.8 * cov[3 * i + j] * a[3 * k + j]).sum();
            assert!((found.pairs[2 * i + k] - want).abs() < 1e-9);
        }
    }
}

#[test]
fn what_is_not_positive_definite_is_named() {
    let pairs = vec![(0, 0), (1, 1), (2, 2), (0, 1), (1, 2)];
    let structure = GaussianElimination::new(vec![1; 3], pairs, vec![], 10.0).unwrap();
    // A random walk that nothing ties down.
    let singular = |a: f64| [a, 2.0 * a, a, -a, -a];
    for a in [1.0, 0.1, 1.0 / 3.0, 1e-9, 1e12] {
        let error = structure.factorise(&singular(a)).unwrap_err();
        assert!(matches!(error, GaussianError::NotPositiveDefinite { .. }));
        let mut tied = singular(a);
        tied[1] += a;
        assert!(structure.factorise(&tied).is_ok());
    }
    for (at, site) in [(0, 0), (1, 1), (2, 2)] {
        for bad in [-1.0, 0.0, f64::NAN, f64::INFINITY] {
            let mut values = [3.0, 3.0, 3.0, 0.0, 0.0];
            values[at] = bad;
            let error = GaussianError::NotPositiveDefinite { site };
            assert_eq!(structure.factorise(&values), Err(error));
        }
    }
    // Inside a vector, at both sides of the size where another routine factorises.
    for length in [3, 20] {
        let one = GaussianElimination::new(vec![1, length], vec![(0, 0), (1, 1)], vec![], 99.0);
        let one = one.unwrap();
        let mut values = vec![1.0];
        values.extend((0..length * length).map(|k| f64::from(u8::from(k % (length + 1) == 0))));
        assert!(one.factorise(&values).is_ok());
        *values.last_mut().unwrap() = -1.0;
        let error = GaussianError::NotPositiveDefinite { site: 1 };
        assert_eq!(one.factorise(&values), Err(error));
    }
    let length = GaussianError::Length {
        expected: 5,
        found: 2,
    };
    assert_eq!(structure.factorise(&[1.0; 2]), Err(length));
    let factor = structure.factorise(&[3.0, 3.0, 3.0, 1.0, 1.0]).unwrap();
    let length = GaussianError::Length {
        expected: 3,
        found: 4,
    };
    assert_eq!(structure.mean(&factor, &[1.0; 4]), Err(length));
}

#[test]
fn draws_have_the_mean_and_the_covariance() {
    for seed in [2, 8, 13, 19] {
        let problem = Problem::random(seed, 2);
        let n = problem.linear.len();
        let structure = problem.structure();
        let factor = structure.factorise(&problem.values).unwrap();
        let mean = structure.mean(&factor, &problem.linear).unwrap();
        let (inverse, _) = gauss_jordan(&problem.dense(), n);
        let draws = 20_000;
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let (mut sum, mut square) = (vec![0.0; n], vec![0.0; n * n]);
        for _ in 0..draws {
            let v = structure.sample(&factor, &mean, &mut rng).unwrap();
            for i in 0..n {
                sum[i] += v[i] - mean[i];
                for j in 0..n {
                    square[i * n + j] += (v[i] - mean[i]) * (v[j] - mean[j]);
                }
            }
        }
        let draws = f64::from(draws);
        for i in 0..n {
            let sd = inverse[i * n + i].sqrt();
            assert!((sum[i] / draws).abs() < 5.0 * sd / draws.sqrt());
            for j in 0..n {
                let scale = sd * inverse[j * n + j].sqrt();
                let have = square[i * n + j] / draws;
                assert!((have - inverse[i * n + j]).abs() < 8.0 * scale / draws.sqrt());
            }
        }
    }
}
