use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::*;

/// A = sum of `rank` squares, entries in -2..2; integers make exact ties and exact singularity likely.
fn random_psd(rng: &mut ChaCha8Rng, n: usize, rank: usize, whole: bool) -> Vec<f64> {
    let w: Vec<f64> = (0..n * rank).map(|_| number(rng, whole)).collect();
    let mut a = vec![0.0; n * n];
    for i in 0..n {
        for j in 0..n {
            a[i * n + j] = (0..rank).map(|k| w[i * rank + k] * w[j * rank + k]).sum();
        }
    }
    a
}

fn number(rng: &mut ChaCha8Rng, whole: bool) -> f64 {
    if whole {
        f64::from(rng.random_range(-2..=2))
    } else {
        rng.random_range(-2.0..2.0)
    }
}

fn objective(a: &[f64], b: &[f64], l: &[f64], v: &[f64]) -> f64 {
    let n = v.len();
    let mut sum = 0.0;
    for i in 0..n {
        let row: f64 = (0..n).map(|j| a[i * n + j] * v[j]).sum();
        sum += b[i] * v[i] - 0.5 * v[i] * row;
        sum -= if v[i] == 0.0 { 0.0 } else { l[i] * v[i].abs() };
    }
    sum
}

/// The conditions of optimality with unscaled numbers, relative to the largest |b|.
fn missed(a: &[f64], b: &[f64], l: &[f64], nonnegative: &[bool], v: &[f64]) -> f64 {
    let n = v.len();
    let scale = b.iter().fold(1e-300f64, |m, b| m.max(b.abs()));
    let mut worst = 0.0f64;
    for i in 0..n {
        let g = b[i] - (0..n).map(|j| a[i * n + j] * v[j]).sum::<f64>();
        let up = g - l[i];
        let down = if nonnegative[i] {
            f64::NEG_INFINITY
        } else {
            -g - l[i]
        };
        assert!(v[i] >= 0.0 || !nonnegative[i]);
        worst = worst.max(match v[i] {
            x if x > 0.0 => up.abs(),
            x if x < 0.0 => down.abs(),
            _ => up.max(down).max(0.0),
        });
    }
    worst / scale
}

/// Gaussian elimination with complete pivoting; none where a pivot is tiny.
fn eliminate(mut m: Vec<Vec<f64>>, mut y: Vec<f64>) -> Option<Vec<f64>> {
    let n = y.len();
    for k in 0..n {
        let p = (k..n).max_by(|&i, &j| m[i][k].abs().total_cmp(&m[j][k].abs()))?;
        if m[p][k].abs() < 1e-12 {
            return None;
        }
        m.swap(k, p);
        y.swap(k, p);
        for i in 0..n {
            if i != k {
                let f = m[i][k] / m[k][k];
                let pivot_row = m[k].clone();
                m[i].iter_mut()
                    .zip(&pivot_row)
                    .for_each(|(m, p)| *m -= f * p);
                y[i] -= f * y[k];
            }
        }
    }
    Some((0..n).map(|k| y[k] / m[k][k]).collect())
}

/// The largest objective over all patterns of signs, solved one by one.
fn enumerate(a: &[f64], b: &[f64], l: &[f64], nonnegative: &[bool]) -> f64 {
    let n = b.len();
    let mut best = 0.0f64;
    for pattern in 0..3usize.pow(n as u32) {
        let signs: Vec<f64> = (0..n)
            .map(|i| (pattern / 3usize.pow(i as u32) % 3) as f64 - 1.0)
            .collect();
        let on: Vec<usize> = (0..n).filter(|&i| signs[i] != 0.0).collect();
        let block = on
            .iter()
            .map(|&i| on.iter().map(|&j| a[i * n + j]).collect());
        let right = on.iter().map(|&i| b[i] - l[i] * signs[i]).collect();
        let Some(x) = eliminate(block.collect(), right) else {
            continue;
        };
        let mut v = vec![0.0; n];
        on.iter().zip(&x).for_each(|(&i, x)| v[i] = *x);
        if (0..n).all(|i| v[i] >= 0.0 || !nonnegative[i]) {
            best = best.max(objective(a, b, l, &v));
        }
    }
    best
}

#[test]
fn the_best_of_all_sign_patterns_is_found_from_any_start() {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let mut scratch = Scratch::default();
    for case in 0..6000 {
        let n = 1 + case % 6;
        let whole = case % 2 == 0;
        let rank = rng.random_range(1..=n + 1);
        let mut a = random_psd(&mut rng, n, rank, whole);
        if case % 7 == 0 {
            // Nearly dependent.
            (0..n).for_each(|i| a[i * n + i] *= 1.0 + 1e-6);
        }
        // b in the range of A, so that a maximum exists also without penalties.
        let x: Vec<f64> = (0..n).map(|_| number(&mut rng, whole)).collect();
        let b: Vec<f64> = (0..n)
            .map(|i| (0..n).map(|j| a[i * n + j] * x[j]).sum())
            .collect();
        let l: Vec<f64> = (0..n)
            .map(|_| [0.0, 0.5, 1.0, 3.0][rng.random_range(0..4)])
            .collect();
        let nonnegative: Vec<bool> = (0..n).map(|_| rng.random_range(0..3) == 0).collect();
        let mut v: Vec<f64> = match case % 3 {
            0 => vec![0.0; n],
            _ => (0..n).map(|_| number(&mut rng, whole)).collect(),
        };
        let start: Vec<f64> = (0..n)
            .map(|i| if nonnegative[i] { v[i].max(0.0) } else { v[i] })
            .collect();
        let matrix = Penalised::new(&a, n).unwrap();
        let solved = matrix
            .solve(&b, &l, &nonnegative, &mut v, &mut scratch)
            .unwrap_or_else(|e| panic!("case {case}: {e:?}"));
        let got = objective(&a, &b, &l, &v);
        let best = enumerate(&a, &b, &l, &nonnegative);
        let size = 1.0 + best.abs();
        assert!(
            (got - best).abs() <= 1e-9 * size,
            "case {case}: {got} {best}"
        );
        assert!(
            got >= objective(&a, &b, &l, &start) - 1e-12 * size,
            "case {case}"
        );
        assert!(solved.kkt <= 1e-9, "case {case}: {solved:?}");
        assert!(missed(&a, &b, &l, &nonnegative, &v) <= 1e-9, "case {case}");
        assert_eq!(solved.active, v.iter().filter(|v| **v != 0.0).count());
        // A solution is its own start, bit for bit.
        let kept = v.clone();
        let again = matrix.solve(&b, &l, &nonnegative, &mut v, &mut scratch);
        assert_eq!(again.unwrap().iterations, 0, "case {case}");
        assert_eq!(kept, v);
    }
}

#[test]
fn large_badly_conditioned_problems_meet_their_conditions() {
    let mut rng = ChaCha8Rng::seed_from_u64(2);
    let mut scratch = Scratch::default();
    for case in 0..40 {
        let (n, rank) = [(40, 40), (60, 20), (128, 64), (33, 100)][case % 4];
        // Factors of very different length: eigenvalues over several powers of ten.
        let mut w: Vec<f64> = (0..n * rank).map(|_| rng.random_range(-1.0..1.0)).collect();
        for (k, w) in w.iter_mut().enumerate() {
            *w *= 10f64.powf(-3.0 * (k % rank) as f64 / rank as f64);
        }
        if case % 3 == 0 {
            // The second half repeats the first.
            let half = n / 2 * rank;
            w.copy_within(..half, half);
        }
        let mut a = vec![0.0; n * n];
        for i in 0..n {
            for j in 0..n {
                a[i * n + j] = (0..rank).map(|k| w[i * rank + k] * w[j * rank + k]).sum();
            }
        }
        let x: Vec<f64> = (0..rank).map(|_| rng.random_range(-1.0..1.0)).collect();
        let b: Vec<f64> = (0..n)
            .map(|i| (0..rank).map(|k| w[i * rank + k] * x[k]).sum())
            .collect();
        let small = [1e-2, 1e-4][case % 2];
        let l: Vec<f64> = (0..n).map(|_| small * rng.random_range(0.0..2.0)).collect();
        let nonnegative: Vec<bool> = (0..n).map(|i| case % 5 == 0 || i % 4 == 0).collect();
        let matrix = Penalised::new(&a, n).unwrap();
        let mut cold = vec![0.0; n];
        let solved = matrix.solve(&b, &l, &nonnegative, &mut cold, &mut scratch);
        assert!(solved.unwrap().kkt <= 1e-9, "case {case}: {solved:?}");
        assert!(
            missed(&a, &b, &l, &nonnegative, &cold) <= 1e-9,
            "case {case}"
        );
        let mut warm: Vec<f64> = (0..n).map(|_| rng.random_range(-1.0..1.0)).collect();
        let solved = matrix.solve(&b, &l, &nonnegative, &mut warm, &mut scratch);
        assert!(solved.unwrap().kkt <= 1e-9, "case {case}: {solved:?}");
        let (cold, warm) = (objective(&a, &b, &l, &cold), objective(&a, &b, &l, &warm));
        assert!(
            (cold - warm).abs() <= 1e-9 * cold.abs(),
            "case {case}: {cold} {warm}"
        );
    }
}

#[test]
fn soft_thresholds_for_a_diagonal_matrix() {
    let matrix = Penalised::new(&[2.0, 0.0, 0.0, 0.5], 2).unwrap();
    let mut v = [0.0; 2];
    matrix
        .solve(
            &[-5.0, 2.0],
            &[1.0, 3.0],
            &[],
            &mut v,
            &mut Scratch::default(),
        )
        .unwrap();
    assert!((v[0] + 2.0).abs() < 1e-15);
    assert_eq!(v[1], 0.0);
    matrix
        .solve(
            &[-5.0, 2.0],
            &[1.0, 0.0],
            &[true, true],
            &mut v,
            &mut Scratch::default(),
        )
        .unwrap();
    assert_eq!(v[0], 0.0);
    assert!((v[1] - 4.0).abs() < 1e-14);
}

#[test]
fn units_of_a_coordinate_do_not_matter() {
    let mut rng = ChaCha8Rng::seed_from_u64(3);
    let n = 8;
    let a = random_psd(&mut rng, n, 5, false);
    let b: Vec<f64> = (0..n).map(|i| a[i * n] - a[i * n + 1] + 0.1).collect();
    let l = vec![0.2; n];
    let units: Vec<f64> = (0..n).map(|i| 2f64.powi(20 * i as i32 - 70)).collect();
    let a2: Vec<f64> = (0..n * n)
        .map(|k| a[k] * units[k / n] * units[k % n])
        .collect();
    let b2: Vec<f64> = b.iter().zip(&units).map(|(b, u)| b * u).collect();
    let l2: Vec<f64> = l.iter().zip(&units).map(|(l, u)| l * u).collect();
    let (mut v, mut v2) = (vec![0.0; n], vec![0.0; n]);
    let scratch = &mut Scratch::default();
    Penalised::new(&a, n)
        .unwrap()
        .solve(&b, &l, &[], &mut v, scratch)
        .unwrap();
    Penalised::new(&a2, n)
        .unwrap()
        .solve(&b2, &l2, &[], &mut v2, scratch)
        .unwrap();
    for i in 0..n {
        assert!(
            (v[i] - v2[i] * units[i]).abs() <= 1e-12 * (1.0 + v[i].abs()),
            "{v:?} {v2:?}"
        );
    }
}

#[test]
fn without_a_maximum_that_is_said() {
    let scratch = &mut Scratch::default();
    let flat = Penalised::new(&[0.0, 0.0, 0.0, 1.0], 2).unwrap();
    let mut v = [3.0, 1.0];
    assert_eq!(
        flat.solve(&[2.0, 1.0], &[1.0, 0.0], &[], &mut v, scratch),
        Err(Failure::Unbounded { coordinate: 0 })
    );
    assert_eq!(v, [3.0, 1.0]);
    assert_eq!(
        flat.solve(&[-2.0, 1.0], &[1.0, 0.0], &[], &mut v, scratch),
        Err(Failure::Unbounded { coordinate: 0 })
    );
    flat.solve(&[-2.0, 1.0], &[1.0, 0.0], &[true, false], &mut v, scratch)
        .unwrap();
    assert_eq!(v, [0.0, 1.0]);
    flat.solve(&[1.0, 1.0], &[1.0, 0.0], &[], &mut v, scratch)
        .unwrap();
    assert_eq!(v, [0.0, 1.0]);
    // v_1 + v_2 is held, v_1 - v_2 is not: a pull of (1, -1) / 2 per unit against penalties of 0.4 or 0.6 each.
    let sum = Penalised::new(&[1.0, 1.0, 1.0, 1.0], 2).unwrap();
    for start in [[0.0, 0.0], [1.0, 0.0], [1.0, -2.0], [-1.0, -1.0]] {
        let mut v = start;
        let outcome = sum.solve(&[0.5, -0.5], &[0.4; 2], &[], &mut v, scratch);
        assert!(
            matches!(outcome, Err(Failure::Unbounded { .. })),
            "{start:?} {outcome:?}"
        );
        sum.solve(&[0.5, -0.5], &[0.6; 2], &[], &mut v, scratch)
            .unwrap();
        assert_eq!(v, [0.0, 0.0]);
    }
    for (b, l) in [
        (f64::NAN, 1.0),
        (1.0, -1.0),
        (1.0, f64::NAN),
        (f64::INFINITY, 1.0),
    ] {
        let outcome = flat.solve(&[0.0, b], &[0.0, l], &[], &mut v, scratch);
        assert_eq!(outcome, Err(Failure::NotFinite { coordinate: 1 }));
    }
    flat.solve(&[0.0, 5.0], &[0.0, f64::INFINITY], &[], &mut v, scratch)
        .unwrap();
    assert_eq!(v, [0.0, 0.0]);
}

#[test]
fn matrices_that_are_not_semidefinite() {
    let refused = |a: &[f64]| Penalised::new(a, 2).err().map(|e| (e.row, e.column));
    assert_eq!(refused(&[1.0, 0.0, 0.0, -1.0]), Some((1, 1)));
    assert_eq!(refused(&[1.0, 2.0, 2.0, 1.0]), Some((1, 0)));
    assert_eq!(refused(&[1.0, 0.5, 0.4, 1.0]), Some((1, 0)));
    assert_eq!(refused(&[0.0, 0.5, 0.5, 1.0]), Some((1, 0)));
    assert_eq!(refused(&[1.0, f64::NAN, f64::NAN, 1.0]), Some((1, 0)));
    assert_eq!(refused(&[1.0, 1.0, 1.0, 1.0]), None);
    // Indefinite but past the check (eigenvalues -0.8, 1.9, 1.9): ends, whatever it finds.
    let a = [1.0, -0.9, -0.9, -0.9, 1.0, -0.9, -0.9, -0.9, 1.0];
    let matrix = Penalised::new(&a, 3).unwrap();
    let mut v = [1.0, 1.0, 1.0];
    let _ = matrix.solve(&[1.0; 3], &[0.1; 3], &[], &mut v, &mut Scratch::default());
    assert!(v.iter().all(|v| v.is_finite()));
}

#[test]
fn rows_do_not_depend_on_the_number_of_threads() {
    let mut rng = ChaCha8Rng::seed_from_u64(4);
    let (n, rows) = (20, 300);
    let a = random_psd(&mut rng, n, 12, false);
    let mut b = vec![0.0; n * rows];
    for b in b.chunks_mut(n) {
        let x: Vec<f64> = (0..n).map(|_| rng.random_range(-1.0..1.0)).collect();
        for (i, b) in b.iter_mut().enumerate() {
            *b = (0..n).map(|j| a[i * n + j] * x[j]).sum();
        }
    }
    let l: Vec<f64> = (0..n * rows).map(|_| rng.random_range(0.0..4.0)).collect();
    let matrix = Penalised::new(&a, n).unwrap();
    let run = |threads: usize, b: &[f64]| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        let mut v = vec![0.0; n * rows];
        let solved = pool
            .unwrap()
            .install(|| matrix.solve_rows(b, &l, &[], &mut v));
        (v, solved)
    };
    let (one, solved) = run(1, &b);
    assert_eq!(run(3, &b), (one.clone(), solved));
    let mut scratch = Scratch::default();
    let mut active = 0;
    for r in 0..rows {
        let here = r * n..(r + 1) * n;
        let mut v = vec![0.0; n];
        let (b, l) = (&b[here.clone()], &l[here.clone()]);
        active += matrix
            .solve(b, l, &[], &mut v, &mut scratch)
            .unwrap()
            .active;
        assert_eq!(v, one[here]);
    }
    assert_eq!(solved.unwrap().active, active);
    b[250 * n + 3] = f64::NAN;
    b[130 * n + 5] = f64::NAN;
    let failure = Failure::NotFinite { coordinate: 5 };
    assert_eq!(run(3, &b).1, Err(RowFailure { row: 130, failure }));
}
