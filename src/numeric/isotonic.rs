//! Sequences that may not fall: weighted isotonic regression, pools of statistics, and increasing maxima of quadratics.
//!
//! ```text
//! regression:  minimise sum_i a_i (v_i - y_i)^2   over v_1 <= v_2 <= ... <= v_n
//!              v is constant on blocks, each the weighted mean of its y
//! pools:       maximise sum_i f_i(v_i), each f_i concave: on a block the maximiser of the sum of its f_i, for which a pool of
//!              their statistics is enough where the f_i share a form
//! quadratic:   maximise b'v - v'A v / 2 over v_1 <= ... <= v_n: with v_i = d_1 + ... + d_i and L the lower triangle of ones,
//!              maximise (L'b)'d - d'(L'A L) d / 2 over d_2, ..., d_n >= 0 (see `penalised`)
//! ```
//!
//! The first two by pooling adjacent violators (Ayer et al., Ann. Math. Stat. 1955; Best and Chakravarti, Math. Prog. 1990), n
//! merges at most.

use super::penalised::{Failure, Penalised, Scratch, Solved};

/// A run of positions that share a value.
#[derive(Debug, Clone, PartialEq)]
pub struct Pool<S> {
    /// The first position.
    pub start: usize,
    /// The position after the last.
    pub end: usize,
    /// The statistics of the run.
    pub statistics: S,
    /// Its value.
    pub value: f64,
}

/// Pools adjacent violators: begins with one pool for each of `statistics` and merges neighbours while the earlier one's value is
/// above the later one's. `merge(earlier, later)` adds the later statistics to the earlier ones; `value` gives the best value of a
/// pool, or none where every value is as good (a pool without weight): it then takes the value of the pool before it,
/// at the beginning of the sequence that of the first pool with one, and 0 if there is none.
///
/// ```
/// use pmc::numeric::isotonic::pool;
/// // Rates of events per exposure: (events, exposure).
/// let cells = [(3.0, 1.0), (1.0, 1.0), (8.0, 2.0)];
/// let pools = pool(cells, |a: &mut (f64, f64), b| { a.0 += b.0; a.1 += b.1 }, |s| Some(s.0 / s.1));
/// assert_eq!(pools.len(), 2);
/// assert_eq!((pools[0].end, pools[0].value, pools[1].value), (2, 2.0, 4.0));
/// ```
pub fn pool<S>(
    statistics: impl IntoIterator<Item = S>,
    mut merge: impl FnMut(&mut S, S),
    mut value: impl FnMut(&S) -> Option<f64>,
) -> Vec<Pool<S>> {
    // With each pool, whether anything holds it: only the first may be held by nothing.
    let mut pools: Vec<(Pool<S>, bool)> = vec![];
    for (start, statistics) in statistics.into_iter().enumerate() {
        let own = value(&statistics);
        let mut last = Pool {
            start,
            end: start + 1,
            statistics,
            value: own.unwrap_or(0.0),
        };
        let Some(_) = own else {
            // It follows the pool before it.
            match pools.last_mut() {
                Some((before, _)) => {
                    before.end = last.end;
                    merge(&mut before.statistics, last.statistics);
                }
                None => pools.push((last, false)),
            }
            continue;
        };
        while let Some((before, held)) = pools.pop() {
            if held && before.value <= last.value {
                pools.push((before, true));
                break;
            }
            let mut both = before;
            both.end = last.end;
            merge(&mut both.statistics, last.statistics);
            both.value = value(&both.statistics).unwrap_or(last.value);
            last = both;
        }
        pools.push((last, true));
    }
    pools.into_iter().map(|p| p.0).collect()
}

/// Writes the isotonic regression of `y` with weights `weights` (0 counts as no observation: the position takes its left
/// neighbour's value, at the left end the first value there is). With no weight anywhere, `v` becomes 0.
pub fn isotonic_regression(y: &[f64], weights: &[f64], v: &mut [f64]) {
    // A mean kept as such does not lose the digits of numbers that are all alike.
    let cells = y
        .iter()
        .zip(weights)
        .map(|(&y, &weight)| Mean { y, weight });
    let pools = pool(cells, Mean::add, |m| (m.weight > 0.0).then_some(m.y));
    for pool in pools {
        v[pool.start..pool.end].fill(pool.value);
    }
}

#[derive(Debug, Clone, Copy)]
struct Mean {
    y: f64,
    weight: f64,
}

impl Mean {
    fn add(&mut self, other: Self) {
        let weight = self.weight + other.weight;
        if other.weight > 0.0 && weight > 0.0 {
            // With all the weight on the other one the first y has no part, not even if it is not finite.
            self.y = if self.weight > 0.0 {
                self.y + (other.y - self.y) * (other.weight / weight)
            } else {
                other.y
            };
        }
        self.weight = weight;
    }
}

/// Maximises b'v - v'A v / 2 over v_1 <= ... <= v_n, for a symmetric positive semidefinite row-major `a`, from the start in `v`
/// (where it falls, it counts as staying level).
///
/// # Errors
/// [`Failure`]: the objective has no maximum, a number is not finite, or A is not semidefinite, which counts as unbounded. v is
/// then as it was.
pub fn increasing_quadratic(a: &[f64], b: &[f64], v: &mut [f64]) -> Result<Solved, Failure> {
    let n = v.len();
    if n == 0 {
        return Ok(Solved {
            iterations: 0,
            kkt: 0.0,
            active: 0,
        });
    }
    // (L'b)_i = b_i + ... + b_n, and L'A L by the same sums along rows and columns.
    let mut pulls = b[..n].to_vec();
    let mut matrix = a[..n * n].to_vec();
    for i in (0..n - 1).rev() {
        pulls[i] += pulls[i + 1];
        for j in 0..n {
            matrix[i * n + j] += matrix[(i + 1) * n + j];
        }
    }
    for row in matrix.chunks_mut(n) {
        for j in (0..n - 1).rev() {
            row[j] += row[j + 1];
        }
    }
    super::linalg::symmetrise(&mut matrix, n);
    let quadratic =
        Penalised::new(&matrix, n).map_err(|e| Failure::Unbounded { coordinate: e.row })?;
    let nonnegative: Vec<bool> = (0..n).map(|i| i > 0).collect();
    let mut steps: Vec<f64> = (0..n)
        .map(|i| {
            if i == 0 {
                v[0]
            } else {
                (v[i] - v[i - 1]).max(0.0)
            }
        })
        .collect();
    let scratch = &mut Scratch::default();
    let solved = quadratic.solve(&pulls, &vec![0.0; n], &nonnegative, &mut steps, scratch)?;
    let mut sum = 0.0;
    for (v, step) in v.iter_mut().zip(&steps) {
        sum += step;
        *v = sum;
    }
    Ok(solved)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::numeric::linalg::symmetric_least_norm_solve;
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    /// v_i = max over s <= i of min over e >= i of the mean of s..=e: the formula of the theory, with no algorithm.
    fn max_min(y: &[f64], w: &[f64]) -> Vec<f64> {
        let n = y.len();
        let mean = |s: usize, e: usize| {
            let total: f64 = w[s..=e].iter().sum();
            (s..=e).map(|k| w[k] * y[k]).sum::<f64>() / total
        };
        (0..n)
            .map(|i| {
                let over = |s: usize| {
                    (i..n)
                        .map(move |e| mean(s, e))
                        .fold(f64::INFINITY, f64::min)
                };
                (0..=i).map(over).fold(f64::NEG_INFINITY, f64::max)
            })
            .collect()
    }

    #[test]
    fn regression_agrees_with_the_formula_of_largest_smallest_means() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        for case in 0..400 {
            let n = 1 + case % 9;
            let whole = case % 2 == 0;
            let y: Vec<f64> = (0..n)
                .map(|_| {
                    if whole {
                        f64::from(rng.random_range(0..4))
                    } else {
                        rng.random_range(-1.0..1.0)
                    }
                })
                .collect();
            let w: Vec<f64> = (0..n).map(|_| rng.random_range(0.1..3.0)).collect();
            let mut v = vec![f64::NAN; n];
            isotonic_regression(&y, &w, &mut v);
            for (got, expected) in v.iter().zip(max_min(&y, &w)) {
                assert!((got - expected).abs() < 1e-13, "case {case}");
            }
        }
    }

    #[test]
    fn positions_without_weight_take_a_neighbours_value() {
        let mut v = [9.0; 6];
        isotonic_regression(
            &[7.0, 3.0, -9.0, 1.0, 5.0, 0.0],
            &[0.0, 1.0, 0.0, 1.0, 2.0, 0.0],
            &mut v,
        );
        assert_eq!(v, [2.0, 2.0, 2.0, 2.0, 5.0, 5.0]);
        isotonic_regression(&[7.0, f64::NAN, 4.0], &[0.0, 0.0, 1.0], &mut v[..3]);
        assert_eq!(v[..3], [4.0; 3]);
        isotonic_regression(&[7.0, 3.0], &[0.0, 0.0], &mut v[..2]);
        assert_eq!(v[..2], [0.0; 2]);
        isotonic_regression(&[], &[], &mut []);
        // Equal numbers stay what they are to the last bit.
        isotonic_regression(&[0.1; 6], &[0.3, 0.7, 0.1, 0.9, 0.2, 0.6], &mut v);
        assert_eq!(v, [0.1; 6]);
    }

    #[test]
    fn pools_of_counts_maximise_the_likelihood_over_a_grid_of_increasing_rates() {
        let mut rng = ChaCha8Rng::seed_from_u64(2);
        let grid: Vec<f64> = (1..=40).map(|k| f64::from(k) * 0.25).collect();
        for _ in 0..50 {
            let cells: Vec<(f64, f64)> = (0..5)
                .map(|_| {
                    (
                        f64::from(rng.random_range(0..9)),
                        f64::from(rng.random_range(1..4)),
                    )
                })
                .collect();
            let add = |a: &mut (f64, f64), b: (f64, f64)| *a = (a.0 + b.0, a.1 + b.1);
            let pools = pool(cells.clone(), add, |s| Some(s.0 / s.1));
            let log = |events: f64, exposure: f64, rate: f64| {
                if events == 0.0 {
                    -rate * exposure
                } else {
                    events * rate.ln() - rate * exposure
                }
            };
            let best: f64 = pools
                .iter()
                .map(|p| log(p.statistics.0, p.statistics.1, p.value))
                .sum();
            assert!(pools.windows(2).all(|w| w[0].value <= w[1].value));
            assert_eq!(pools.iter().map(|p| p.end - p.start).sum::<usize>(), 5);
            // The best increasing sequence on the grid by dynamic programming is no better, and not much worse.
            let mut upto = vec![0.0; grid.len()];
            for &(events, exposure) in &cells {
                let mut running = f64::NEG_INFINITY;
                for (best, &rate) in upto.iter_mut().zip(&grid) {
                    running = running.max(*best);
                    *best = running + log(events, exposure, rate);
                }
            }
            let on_grid = upto.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            assert!(
                on_grid <= best + 1e-12 && on_grid > best - 3.0,
                "{on_grid} {best}"
            );
        }
    }

    #[test]
    fn the_best_increasing_sequence_is_the_best_of_all_partitions_into_blocks() {
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        for case in 0..200 {
            let n = 1 + case % 7;
            let rank = n + case % 3;
            let x: Vec<f64> = (0..n * rank).map(|_| rng.random_range(-1.0..1.0)).collect();
            let mut a = vec![0.0; n * n];
            for i in 0..n {
                for j in 0..n {
                    a[i * n + j] = (0..rank).map(|r| x[i * rank + r] * x[j * rank + r]).sum();
                }
            }
            let b: Vec<f64> = (0..n).map(|_| rng.random_range(-1.0..1.0)).collect();
            let value = |v: &[f64]| -> f64 {
                (0..n)
                    .map(|i| v[i] * (b[i] - 0.5 * (0..n).map(|j| a[i * n + j] * v[j]).sum::<f64>()))
                    .sum()
            };
            let mut best = f64::NEG_INFINITY;
            for cuts in 0..1usize << (n - 1) {
                let block: Vec<usize> = (0..n)
                    .map(|i| (cuts & ((1 << i) - 1)).count_ones() as usize)
                    .collect();
                let k = block[n - 1] + 1;
                let (mut left, mut right) = (vec![0.0; k * k], vec![0.0; k]);
                for i in 0..n {
                    right[block[i]] += b[i];
                    (0..n).for_each(|j| left[block[i] * k + block[j]] += a[i * n + j]);
                }
                let mut means = vec![0.0; k];
                symmetric_least_norm_solve(&left, k, &right, &mut means).unwrap();
                if means.is_sorted() {
                    let v: Vec<f64> = block.iter().map(|&k| means[k]).collect();
                    best = best.max(value(&v));
                }
            }
            let mut v: Vec<f64> = (0..n).map(|_| rng.random_range(-1.0..1.0)).collect();
            let solved = increasing_quadratic(&a, &b, &mut v).unwrap();
            assert!(v.is_sorted() && solved.kkt < 1e-9, "case {case}");
            assert!(
                (value(&v) - best).abs() < 1e-9 * (1.0 + best),
                "case {case}: {} {best}",
                value(&v)
            );
        }
    }

    #[test]
    fn a_diagonal_quadratic_is_a_regression() {
        let (y, w) = (
            [3.0, 1.0, 2.0, 5.0, 4.0, 4.5],
            [1.0, 2.0, 0.5, 1.0, 3.0, 0.1],
        );
        let mut a = vec![0.0; 36];
        (0..6).for_each(|i| a[i * 7] = w[i]);
        let b: Vec<f64> = y.iter().zip(&w).map(|(y, w)| y * w).collect();
        let (mut v, mut regression) = ([0.0; 6], [0.0; 6]);
        increasing_quadratic(&a, &b, &mut v).unwrap();
        isotonic_regression(&y, &w, &mut regression);
        for (v, r) in v.iter().zip(&regression) {
            assert!((v - r).abs() < 1e-12);
        }
        let up = increasing_quadratic(&[0.0], &[1.0], &mut v[..1]);
        assert_eq!(up, Err(Failure::Unbounded { coordinate: 0 }));
        assert_eq!(increasing_quadratic(&[], &[], &mut []).unwrap().kkt, 0.0);
    }
}
