//! The kernels against their loops, and each instruction set against the others.

#[cfg(target_arch = "x86_64")]
use super::products::{
    Shape, accumulate_256, accumulate_512, accumulate_plain, product_256, product_512,
    product_plain,
};
use super::turned::turn_plain;
#[cfg(target_arch = "x86_64")]
use super::turned::{turn_256, turn_512};
use super::*;

fn numbers(n: usize, seed: u64) -> Vec<f64> {
    let mut s = seed;
    (0..n)
        .map(|_| {
            s = s
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (s >> 11) as f64 / (1u64 << 52) as f64 - 1.0
        })
        .collect()
}

#[test]
fn both_products_equal_their_loops() {
    for (features, width, m) in [
        (1, 1, 16),
        (3, 5, 32),
        (7, 13, 48),
        (66, 10, 64),
        (5, 50, 16),
    ] {
        let t = numbers(features * width, 1);
        let x = numbers(features * m, 2);
        let mut out = vec![9.0; width * m];
        product(&t, &x, features, width, m, &mut out, &[&x]);
        let r = numbers(width * m, 3);
        let mut sum = numbers(features * width, 4);
        let before = sum.clone();
        accumulate(&x, &r, features, width, m, &mut sum);
        for w in 0..width {
            for i in 0..m {
                let want: f64 = (0..features).map(|f| t[f * width + w] * x[f * m + i]).sum();
                assert!((out[w * m + i] - want).abs() < 1e-13 * features as f64);
            }
            for f in 0..features {
                let want: f64 = (0..m).map(|i| x[f * m + i] * r[w * m + i]).sum();
                let got = sum[f * width + w] - before[f * width + w];
                assert!((got - want).abs() < 1e-13 * m as f64);
            }
        }
    }
}

#[test]
fn rows_become_lanes() {
    for (rows, width) in [(1, 1), (5, 3), (16, 8), (37, 10), (48, 21)] {
        let m = padded(rows);
        let mut cells = numbers(rows * width, 7);
        cells[rows * width / 2] = f64::NAN;
        let places: Vec<Place> = (0..width)
            .step_by(2)
            .map(|inner| Place {
                inner,
                line: (1.0, inner as f64),
                lane: width - 1 - inner,
            })
            .collect();
        let mut lanes = vec![9.0; width * m];
        turn(&cells, width, &places, m, &mut lanes);
        for p in &places {
            for i in 0..m {
                let cell = cells
                    .get(i * width + p.inner)
                    .map_or(f64::NAN, |x| x + p.line.1);
                let want = if cell.is_nan() { 0.0 } else { cell };
                assert_eq!(lanes[p.lane * m + i], want, "{rows} x {width}, {p:?}, {i}");
            }
        }
    }
}

#[test]
fn softmax_runs_along_the_states() {
    let (states, m) = (5, 16);
    let mut eta: Vec<f64> = numbers(states * m, 9).iter().map(|x| 300.0 * x).collect();
    for s in 0..states {
        eta[s * m + 3] = f64::NEG_INFINITY;
    }
    eta[2 * m + 4] = f64::NEG_INFINITY;
    let before = eta.clone();
    let mut z = vec![0.0; m];
    softmax(&mut eta, m, &mut z);
    for i in 0..m {
        let lane: Vec<f64> = (0..states).map(|s| before[s * m + i]).collect();
        let want = crate::numeric::logsumexp::logsumexp(&lane);
        if i == 3 {
            // The floor of log 0 is far below any sum of log densities.
            assert!(z[i] < 0.5 * crate::numeric::LOG_ZERO);
            assert!((0..states).all(|s| eta[s * m + i] == 0.0));
            continue;
        }
        assert!((z[i] - want).abs() < 1e-12 * want.abs().max(1.0));
        for s in 0..states {
            assert!((eta[s * m + i] - (lane[s] - want).exp()).abs() < 1e-12);
        }
    }
}

#[test]
fn fused_paths_give_the_same_bits() {
    #[cfg(target_arch = "x86_64")]
    if crate::numeric::vector::machine_has(crate::numeric::vector::InstructionSet::Avx512)
        && crate::numeric::vector::machine_has(crate::numeric::vector::InstructionSet::Avx2)
    {
        let shape = Shape {
            features: 11,
            width: 13,
            m: 48,
        };
        let (t, x) = (numbers(11 * 13, 5), numbers(11 * 48, 6));
        let (mut a, mut b) = (vec![0.0; 13 * 48], vec![0.0; 13 * 48]);
        let (mut c, mut d) = (vec![0.0; 11 * 13], vec![0.0; 11 * 13]);
        // SAFETY: the instruction sets were just found.
        unsafe {
            product_512::<true>(&t, &x, shape, &mut a, &[]);
            product_256::<true>(&t, &x, shape, &mut b, &[]);
            accumulate_512::<true>(&x, &a, shape, &mut c);
            accumulate_256::<true>(&x, &a, shape, &mut d);
        }
        assert_eq!(a, b);
        assert_eq!(c, d);
        let (mut e, mut f) = (vec![0.0; 11 * 13], vec![0.0; 11 * 13]);
        // SAFETY: as above.
        unsafe {
            product_512::<false>(&t, &x, shape, &mut a, &[]);
            accumulate_512::<false>(&x, &a, shape, &mut e);
        }
        product_plain(&t, &x, shape, &mut b, &[]);
        accumulate_plain(&x, &b, shape, &mut f);
        assert_eq!(a, b);
        assert_eq!(e, f);
    }
}

#[test]
fn every_instruction_set_turns_rows_alike() {
    let (rows, width, m) = (29, 11, 32);
    let mut cells = numbers(rows * width, 8);
    cells[50] = f64::NAN;
    let places: Vec<Place> = (0..width)
        .map(|inner| Place {
            inner,
            line: (0.5, 2.0),
            lane: inner,
        })
        .collect();
    let mut plain = vec![0.0; width * m];
    turn_plain(&cells, width, &places, m, &mut plain);
    #[cfg(target_arch = "x86_64")]
    {
        use crate::numeric::vector::{InstructionSet, machine_has};
        let mut other = vec![9.0; width * m];
        if machine_has(InstructionSet::Avx512) {
            // SAFETY: the instruction set was just found.
            unsafe { turn_512::<false>(&cells, width, &places, m, &mut other) };
            assert_eq!(plain, other);
        }
        other.fill(9.0);
        if machine_has(InstructionSet::Avx2) {
            // SAFETY: as above.
            unsafe { turn_256::<false>(&cells, width, &places, m, &mut other) };
            assert_eq!(plain, other);
        }
    }
}
