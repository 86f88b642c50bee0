//! Factorisations against their definitions, each other, and matrices that have none.

use super::*;

/// A positive definite matrix without structure: Gram matrix of a deterministic B plus a diagonal.
fn gram(n: usize, diagonal: f64) -> Vec<f64> {
    let b = |i: usize, k: usize| ((i * 7 + k * 13 + i * k) as f64 * 0.37).sin();
    let mut a = vec![0.0; n * n];
    for i in 0..n {
        for j in 0..n {
            a[i * n + j] = (0..n).map(|k| b(i, k) * b(j, k)).sum();
        }
        a[i * n + i] += diagonal;
    }
    a
}

fn product(a: &[f64], b: &[f64], n: usize) -> Vec<f64> {
    let mut c = vec![0.0; n * n];
    for i in 0..n {
        for j in 0..n {
            c[i * n + j] = (0..n).map(|k| a[i * n + k] * b[k * n + j]).sum();
        }
    }
    c
}

fn assert_identity(a: &[f64], n: usize) {
    for i in 0..n {
        for j in 0..n {
            let want = if i == j { 1.0 } else { 0.0 };
            assert!((a[i * n + j] - want).abs() < 1e-10, "{n}: ({i}, {j})");
        }
    }
}

#[test]
fn factor_times_its_transpose_is_the_matrix() {
    for n in [1, 2, 3, 8, 9, 20, 50] {
        let a = gram(n, 0.5);
        let mut l = vec![f64::NAN; n * n];
        cholesky(&a, n, &mut l).unwrap();
        for i in 0..n {
            for j in 0..n {
                let dot: f64 = (0..n).map(|k| l[i * n + k] * l[j * n + k]).sum();
                assert!((dot - a[i * n + j]).abs() < 1e-12 * n as f64);
                assert!(j <= i || l[i * n + j] == 0.0);
            }
        }
    }
}

#[test]
fn inverses_and_determinants_agree() {
    for n in [1, 2, 5, 8, 9, 30] {
        let a = gram(n, 0.5);
        let mut spd = vec![0.0; n * n];
        let log_det = inverse_spd(&a, n, &mut spd).unwrap();
        assert_identity(&product(&a, &spd, n), n);
        assert!(is_symmetric(&spd, n, 0.0));
        let mut general = vec![0.0; n * n];
        let log_abs = inverse(&a, n, &mut general).unwrap();
        assert_identity(&product(&a, &general, n), n);
        assert!((log_det - log_abs).abs() < 1e-10);
        let sum: f64 = symmetric_eigenvalues(&a, n)
            .unwrap()
            .iter()
            .map(|v| v.ln())
            .sum();
        assert!((log_det - sum).abs() < 1e-9);
        let mut b = a.clone();
        assert_eq!(solve_spd(&a, n, &mut b, n).unwrap(), log_det);
        assert_identity(&b, n);
    }
    let mut skew = [0.0; 4];
    let log_abs = inverse(&[0.0, 2.0, -3.0, 0.0], 2, &mut skew).unwrap();
    assert!((log_abs - 6f64.ln()).abs() < 1e-15);
    assert_eq!(skew[1], -1.0 / 3.0);
}

#[test]
fn bad_matrices_are_errors() {
    let mut l = [0.0; 4];
    let indefinite = [1.0, 2.0, 2.0, 1.0];
    assert_eq!(
        cholesky(&indefinite, 2, &mut l),
        Err(NotPositiveDefinite { pivot: 1 })
    );
    assert!(cholesky(&[f64::NAN, 0.0, 0.0, 1.0], 2, &mut l).is_err());
    assert!(cholesky(&[f64::INFINITY, 0.0, 0.0, 1.0], 2, &mut l).is_err());
    for n in [9, 20] {
        let mut a = gram(n, 0.5);
        a[n * n - 1] = -1.0;
        assert!(cholesky(&a, n, &mut vec![0.0; n * n]).is_err());
        a[n * n - 1] = f64::NAN;
        assert!(cholesky(&a, n, &mut vec![0.0; n * n]).is_err());
    }
    assert_eq!(inverse(&[1.0, 2.0, 2.0, 4.0], 2, &mut l), Err(Singular));
    assert_eq!(
        inverse(&[1.0, f64::NAN, 2.0, 4.0], 2, &mut l),
        Err(Singular)
    );
}

#[test]
fn units_do_not_make_a_matrix_singular() {
    let mut out = [0.0; 4];
    let log_abs = inverse(&[1e-200, 0.0, 0.0, 1e150], 2, &mut out).unwrap();
    assert!((log_abs + 50.0 * std::f64::consts::LN_10).abs() < 1e-9);
    assert!((out[0] - 1e200).abs() < 1e186);
}

#[test]
fn least_norm_drops_what_the_matrix_does_not_see() {
    // Rank one: a = u u' with u = (1, 2); b = 5 u. Shortest solution u.
    let a = [1.0, 2.0, 2.0, 4.0];
    let mut x = [0.0; 2];
    let report = symmetric_least_norm_solve(&a, 2, &[5.0, 10.0], &mut x).unwrap();
    assert_eq!((report.dropped, report.negative), (1, 0));
    assert!(report.outside < 1e-14);
    assert!((x[0] - 1.0).abs() < 1e-14 && (x[1] - 2.0).abs() < 1e-14);
    // A right-hand side at a right angle to u is all outside.
    let report = symmetric_least_norm_solve(&a, 2, &[2.0, -1.0], &mut x).unwrap();
    assert!((report.outside - 1.0).abs() < 1e-14);
    assert!(x.iter().all(|v| v.abs() < 1e-14));
    let report = symmetric_least_norm_solve(&[-1.0, 0.0, 0.0, 2.0], 2, &[1.0, 1.0], &mut x);
    assert_eq!(report.unwrap().negative, 1);
    assert_eq!(x, [-1.0, 0.5]);
    assert!(symmetric_least_norm_solve(&[f64::NAN], 1, &[1.0], &mut x).is_err());
    let none = symmetric_least_norm_solve(&[0.0], 1, &[0.0], &mut x).unwrap();
    assert_eq!((none.dropped, x[0]), (1, 0.0));
}

#[test]
fn symmetry_is_relative() {
    assert!(is_symmetric(&[1e10, 1.0, 1.0 + 1e-6, 1.0], 2, 1e-12));
    assert!(!is_symmetric(&[1.0, 0.5, 0.4, 1.0], 2, 1e-12));
}

#[test]
fn portable_loops_agree_with_the_blocked_library() {
    for n in [1, 2, 5, 9, 30] {
        let mut a = gram(n, 0.0);
        // Indefinite, and two equal rows: one eigenvalue is 0.
        for i in 0..n / 2 {
            a[i * n + i] -= 3.0;
        }
        if n > 2 {
            for j in 0..n {
                a[n + j] = a[j];
            }
            for i in 0..n {
                a[i * n + 1] = a[i * n];
            }
        }
        let (values, u) = portable::eigen(&a, n).unwrap();
        let want = symmetric_eigenvalues(&a, n).unwrap();
        let size = want.iter().fold(0.0f64, |m, v| m.max(v.abs()));
        for (v, w) in values.iter().zip(&want) {
            assert!((v - w).abs() <= 1e-13 * n as f64 * size, "{n}: {v} {w}");
        }
        let transposed: Vec<f64> = (0..n * n).map(|at| u[at % n * n + at / n]).collect();
        assert_identity(&product(&transposed, &u, n), n);
        for i in 0..n {
            for k in 0..n {
                let left: f64 = (0..n).map(|j| a[i * n + j] * u[j * n + k]).sum();
                assert!((left - values[k] * u[i * n + k]).abs() <= 1e-13 * n as f64 * size);
            }
        }
        let mut regular: Vec<f64> = (0..n * n).map(|i| ((i * i + 3 * i) as f64).sin()).collect();
        for i in 0..n {
            regular[i * n + (i + 1) % n] += 4.0;
        }
        let mut found = vec![0.0; n * n];
        let pivots = portable::inverse(&regular, n, &mut found);
        assert_identity(&product(&regular, &found, n), n);
        let log_det: f64 = pivots.iter().map(|p| p.0.ln()).sum();
        let mut other = vec![0.0; n * n];
        let want = inverse(&regular, n, &mut other).unwrap();
        assert!((log_det - want).abs() < 1e-11);
        for (p, q) in pivots.iter().zip(&found) {
            assert!(p.1 >= p.0 && q.is_finite());
        }
    }
    assert_eq!(
        portable::inverse(&[1.0, 2.0, 2.0, 4.0], 2, &mut [0.0; 4])[1].0,
        0.0
    );
    assert_eq!(portable::eigen(&[0.0; 4], 2).unwrap().0, [0.0, 0.0]);
    let tiny = portable::eigen(&[2e-300, 0.0, 1e-300, 2e-300], 2)
        .unwrap()
        .0;
    assert!((tiny[0] / 1e-300 - 1.0).abs() < 1e-14 && (tiny[1] / 3e-300 - 1.0).abs() < 1e-14);
}
