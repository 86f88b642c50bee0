use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::*;
use crate::numeric::linalg::inverse;

fn number(rng: &mut ChaCha8Rng, whole: bool) -> f64 {
    if whole {
        f64::from(rng.random_range(-2..=2))
    } else {
        rng.random_range(-2.0..2.0)
    }
}

/// f, summed in the plainest way.
fn value(d: &Deviations, beta: &[f64]) -> f64 {
    let p = beta.len();
    let mut sum = 0.0;
    for i in 0..d.y.len() {
        let fit: f64 = (0..p).map(|j| d.x[i * p + j] * beta[j]).sum();
        sum += d.weights[i] * (d.y[i] - fit).abs();
    }
    for j in 0..p {
        sum += d.l.get(j).unwrap_or(&0.0) * beta[j].abs() - d.b.get(j).unwrap_or(&0.0) * beta[j];
        for k in 0..p {
            sum += 0.5 * d.a.get(j * p + k).unwrap_or(&0.0) * beta[j] * beta[k];
        }
    }
    sum
}

/// The smallest f over all points at which p rows (or penalties) with a regular matrix fit.
fn enumerate(d: &Deviations, p: usize) -> f64 {
    let mut rows: Vec<(Vec<f64>, f64)> = (0..d.y.len())
        .map(|i| (d.x[i * p..(i + 1) * p].to_vec(), d.y[i]))
        .collect();
    for j in 0..d.l.len() {
        rows.push(((0..p).map(|k| f64::from(u8::from(k == j))).collect(), 0.0));
    }
    let mut best = f64::INFINITY;
    for subset in 0..1usize << rows.len() {
        if subset.count_ones() as usize != p {
            continue;
        }
        let chosen: Vec<&(Vec<f64>, f64)> = (0..rows.len())
            .filter(|i| subset >> i & 1 == 1)
            .map(|i| &rows[i])
            .collect();
        let x: Vec<f64> = chosen.iter().flat_map(|r| r.0.clone()).collect();
        let mut inverted = vec![0.0; p * p];
        if inverse(&x, p, &mut inverted).is_err() {
            continue;
        }
        let beta: Vec<f64> = (0..p)
            .map(|j| (0..p).map(|k| inverted[j * p + k] * chosen[k].1).sum())
            .collect();
        best = best.min(value(d, &beta));
    }
    best
}

#[test]
fn without_a_quadratic_the_best_of_all_vertices_is_found() {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    for case in 0..600 {
        let p = 1 + case % 3;
        let m = rng.random_range(p..=9);
        let whole = case % 2 == 0;
        let mut x: Vec<f64> = (0..m * p).map(|_| number(&mut rng, whole)).collect();
        if case % 5 == 0 {
            (0..m).for_each(|i| x[i * p] = 1.0);
        }
        let mut y: Vec<f64> = (0..m).map(|_| number(&mut rng, whole)).collect();
        if case % 11 == 0 {
            // A perfect fit: every row is a tie.
            (0..m).for_each(|i| y[i] = (0..p).map(|j| x[i * p + j] * (j as f64 - 0.5)).sum());
        }
        let weights: Vec<f64> = (0..m)
            .map(|_| {
                if whole {
                    f64::from(rng.random_range(0..3))
                } else {
                    rng.random_range(0.0..2.0)
                }
            })
            .collect();
        let l: Vec<f64> = if case % 3 == 0 {
            vec![]
        } else {
            (0..p).map(|_| rng.random_range(0.1..2.0)).collect()
        };
        let d = Deviations {
            x: &x,
            y: &y,
            weights: &weights,
            a: &[],
            b: &[],
            l: &l,
        };
        let best = enumerate(&d, p);
        if best.is_infinite() {
            continue;
        }
        let mut beta: Vec<f64> = (0..p).map(|_| number(&mut rng, whole)).collect();
        let fitted = d.minimise(&mut beta).unwrap();
        let got = value(&d, &beta);
        assert!(
            (got - best).abs() <= 1e-12 * (1.0 + best),
            "case {case}: {got} {best} {fitted:?}"
        );
        assert!(
            (fitted.objective - got).abs() <= 1e-12 * (1.0 + best),
            "case {case}"
        );
        assert!(
            fitted.gap < 1e-10 || best < 1e-12,
            "case {case}: {fitted:?}"
        );
    }
}

#[test]
fn with_a_quadratic_small_steps_in_all_directions_gain_nothing() {
    let mut rng = ChaCha8Rng::seed_from_u64(2);
    for case in 0..300 {
        let p = 1 + case % 4;
        let m = rng.random_range(0..=12);
        let whole = case % 2 == 0;
        let x: Vec<f64> = (0..m * p).map(|_| number(&mut rng, whole)).collect();
        let y: Vec<f64> = (0..m).map(|_| number(&mut rng, whole)).collect();
        let weights: Vec<f64> = (0..m).map(|_| rng.random_range(0.0..2.0)).collect();
        let rank = rng.random_range(1..=p);
        let c: Vec<f64> = (0..p * rank).map(|_| number(&mut rng, whole)).collect();
        let mut a = vec![0.0; p * p];
        for i in 0..p {
            for j in 0..p {
                a[i * p + j] = (0..rank).map(|k| c[i * rank + k] * c[j * rank + k]).sum();
            }
        }
        let z: Vec<f64> = (0..p).map(|_| number(&mut rng, false)).collect();
        let b: Vec<f64> = (0..p)
            .map(|i| (0..p).map(|j| a[i * p + j] * z[j]).sum())
            .collect();
        let l: Vec<f64> = (0..p).map(|_| rng.random_range(0.0..1.0)).collect();
        let d = Deviations {
            x: &x,
            y: &y,
            weights: &weights,
            a: &a,
            b: &b,
            l: &l,
        };
        let mut beta = vec![0.0; p];
        let fitted = d.minimise(&mut beta).unwrap();
        let got = value(&d, &beta);
        assert!(fitted.gap <= 1e-10, "case {case}: {fitted:?}");
        // Convex: what no step of any length in many directions betters is the minimum up to the steps' resolution.
        for _ in 0..300 {
            let step = 10f64.powf(rng.random_range(-7.0..0.5));
            let moved: Vec<f64> = beta
                .iter()
                .map(|b| b + step * rng.random_range(-1.0..1.0))
                .collect();
            assert!(
                value(&d, &moved) >= got - 1e-12 * (1.0 + got.abs()),
                "case {case}"
            );
        }
        // From another start the same value.
        let mut other: Vec<f64> = (0..p).map(|_| number(&mut rng, whole)).collect();
        d.minimise(&mut other).unwrap();
        assert!(
            (value(&d, &other) - got).abs() <= 1e-10 * (1.0 + got.abs()),
            "case {case}"
        );
    }
}

#[test]
fn one_coordinate_with_a_square_is_found_by_bisection() {
    let mut rng = ChaCha8Rng::seed_from_u64(3);
    for _ in 0..100 {
        let y: Vec<f64> = (0..20).map(|_| number(&mut rng, true)).collect();
        let (a, b) = (rng.random_range(0.1..5.0), rng.random_range(-5.0..5.0));
        let ones = [1.0; 20];
        let d = Deviations {
            x: &ones,
            y: &y,
            weights: &ones,
            a: &[a],
            b: &[b],
            l: &[0.5],
        };
        let mut beta = [0.0];
        d.minimise(&mut beta).unwrap();
        let (mut low, mut high) = (-10.0, 10.0);
        for _ in 0..200 {
            let v = 0.5 * (low + high);
            let slope: f64 = y.iter().map(|y| if *y > v { -1.0 } else { 1.0 }).sum();
            let own = if v > 0.0 { 0.5 } else { -0.5 };
            if slope + own + a * v - b > 0.0 {
                high = v
            } else {
                low = v
            }
        }
        assert!((beta[0] - low).abs() < 1e-11, "{beta:?} {low}");
    }
}

#[test]
fn medians() {
    let median = |y: &[f64], w: &[f64]| {
        let ones = vec![1.0; y.len()];
        let d = Deviations {
            x: &ones,
            y,
            weights: w,
            a: &[],
            b: &[],
            l: &[],
        };
        let mut beta = [7.0];
        d.minimise(&mut beta).unwrap();
        beta[0]
    };
    assert_eq!(median(&[1.0, 2.0, 9.0], &[1.0; 3]), 2.0);
    assert_eq!(median(&[1.0, 2.0, 4.0, 9.0], &[1.0; 4]), 3.0);
    assert_eq!(median(&[9.0, 1.0, 4.0], &[0.1, 0.3, 0.2]), 2.5);
    assert_eq!(median(&[9.0, 1.0], &[0.0, 0.0]), 7.0);
    assert_eq!(median(&[], &[]), 7.0);
    // Also of so many rows that others would be sampled: 0 .. 10,000 and 20,000 .. 30,000.
    let y: Vec<f64> = (0..20_000)
        .map(|i| f64::from(i + i / 10_000 * 10_000))
        .collect();
    assert_eq!(median(&y, &vec![1.0; 20_000]), 0.5 * (9_999.0 + 20_000.0));
}

#[test]
fn many_rows_agree_with_the_conditions_and_ties_end() {
    let mut rng = ChaCha8Rng::seed_from_u64(4);
    for (m, p, whole) in [(30_000, 4, false), (30_000, 3, true), (9_000, 8, true)] {
        let mut x: Vec<f64> = (0..m * p).map(|_| number(&mut rng, whole)).collect();
        (0..m).for_each(|i| x[i * p] = 1.0);
        let y: Vec<f64> = (0..m)
            .map(|i| {
                let fit: f64 = (0..p).map(|j| x[i * p + j] * j as f64).sum();
                fit + number(&mut rng, whole).powi(3)
            })
            .collect();
        let weights = vec![1.0; m];
        let d = Deviations {
            x: &x,
            y: &y,
            weights: &weights,
            a: &[],
            b: &[],
            l: &[],
        };
        let mut beta = vec![0.0; p];
        let fitted = d.minimise(&mut beta).unwrap();
        let got = value(&d, &beta);
        assert!(fitted.gap < 1e-10, "{fitted:?}");
        for j in 0..p {
            for step in [-1e-3, -1e-6, 1e-6, 1e-3] {
                let mut moved = beta.clone();
                moved[j] += step;
                assert!(value(&d, &moved) >= got - 1e-11 * got);
            }
        }
    }
}

#[test]
fn collinear_columns_keep_what_nothing_holds() {
    let x = [1.0, 1.0, 2.0, 2.0, 3.0, 3.0];
    let d = Deviations {
        x: &x,
        y: &[1.0, 2.0, 4.0],
        weights: &[1.0; 3],
        a: &[],
        b: &[],
        l: &[],
    };
    let mut beta = [5.0, 1.0];
    d.minimise(&mut beta).unwrap();
    // The sum is 4/3 (the row with the largest x rules), the difference as it was.
    assert!((beta[0] + beta[1] - 4.0 / 3.0).abs() < 1e-13);
    assert!((beta[0] - beta[1] - 4.0).abs() < 1e-13);
}

#[test]
fn failures_are_said_and_leave_the_start() {
    let fit = |y: f64, w: f64, b: f64| {
        let (y, w, b) = ([y], [w], [b]);
        let d = Deviations {
            x: &[1.0],
            y: &y,
            weights: &w,
            a: &[],
            b: &b,
            l: &[],
        };
        let mut beta = [3.0];
        let failed = d.minimise(&mut beta).err();
        assert!(failed.is_none() || beta == [3.0]);
        failed
    };
    assert_eq!(fit(1.0, 1.0, 0.5), None);
    assert_eq!(fit(1.0, 1.0, -2.0), Some(Failure::Unbounded));
    assert_eq!(fit(f64::NAN, 1.0, 0.0), Some(Failure::NotFinite));
    assert_eq!(fit(1.0, -1.0, 0.0), Some(Failure::NotFinite));
}
