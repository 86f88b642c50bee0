//! Sparse codes of 20,000 patches of 64 pixels in a dictionary of 128 atoms: feature-sign search against coordinate descent.
//!
//! `cargo bench --bench sparse_codes`. Both are stopped at the same violation of the conditions of optimality, 1e-9.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use pmc::numeric::penalised::Penalised;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};
use rayon::prelude::*;

const PIXELS: usize = 64;
const ATOMS: usize = 128;
const ROWS: usize = 20_000;

/// A = W'W, b = W'x for patches x of twelve random atoms with Laplace weights and noise.
struct Problem {
    a: Vec<f64>,
    b: Vec<f64>,
    l: Vec<f64>,
}

fn problem() -> Problem {
    let mut rng = ChaCha8Rng::seed_from_u64(7);
    let normal = |rng: &mut ChaCha8Rng| -> f64 { StandardNormal.sample(rng) };
    let mut atoms = vec![0.0; ATOMS * PIXELS];
    for atom in atoms.chunks_mut(PIXELS) {
        atom.fill_with(|| normal(&mut rng));
        let length = dot(atom, atom).sqrt();
        atom.iter_mut().for_each(|w| *w /= length);
    }
    let row = |j: usize| &atoms[j * PIXELS..(j + 1) * PIXELS];
    let mut a = vec![0.0; ATOMS * ATOMS];
    for i in 0..ATOMS {
        for j in 0..ATOMS {
            a[i * ATOMS + j] = dot(row(i), row(j));
        }
    }
    let mut b = vec![0.0; ROWS * ATOMS];
    for b in b.chunks_mut(ATOMS) {
        let mut patch = vec![0.0; PIXELS];
        patch.fill_with(|| 0.05 * normal(&mut rng));
        for _ in 0..12 {
            let j = rng.random_range(0..ATOMS);
            let size = -rng.random_range(1e-12f64..1.0).ln();
            let weight = if rng.random() { size } else { -size };
            patch
                .iter_mut()
                .zip(row(j))
                .for_each(|(x, w)| *x += weight * w);
        }
        for (j, b) in b.iter_mut().enumerate() {
            *b = dot(row(j), &patch);
        }
    }
    let l = vec![0.3; ATOMS];
    Problem { a, b, l }
}

fn dot(x: &[f64], y: &[f64]) -> f64 {
    x.iter().zip(y).map(|(x, y)| x * y).sum()
}

/// Cyclic coordinate descent with g = b - A v kept, over the active coordinates until they settle, then over all; returns sweeps.
fn coordinate_descent(a: &[f64], b: &[f64], l: &[f64], v: &mut [f64]) -> usize {
    let n = b.len();
    let mut g = b.to_vec();
    for j in 0..n {
        if v[j] != 0.0 {
            g.iter_mut()
                .zip(&a[j * n..])
                .for_each(|(g, a)| *g -= a * v[j]);
        }
    }
    let mut active_only = false;
    let scale = b.iter().fold(0.0f64, |m, b| m.max(b.abs()));
    for sweep in 0..100_000 {
        let mut worst = 0.0f64;
        for j in 0..n {
            if active_only && v[j] == 0.0 {
                continue;
            }
            let u = g[j] + a[j * n + j] * v[j];
            let new = (u.abs() - l[j]).max(0.0).copysign(u) / a[j * n + j];
            let change = new - v[j];
            if change != 0.0 {
                worst = worst.max(change.abs() * a[j * n + j]);
                v[j] = new;
                g.iter_mut()
                    .zip(&a[j * n..])
                    .for_each(|(g, a)| *g -= a * change);
            }
        }
        if worst <= 1e-9 * scale {
            if !active_only {
                return sweep;
            }
            active_only = false;
        } else {
            active_only = true;
        }
    }
    100_000
}

fn sparse_codes(criterion: &mut Criterion) {
    let problem = problem();
    let matrix = Penalised::new(&problem.a, ATOMS).expect("semidefinite");
    let mut group = criterion.benchmark_group("sparse codes");
    group.sample_size(10);
    let mut codes = vec![0.0; ROWS * ATOMS];
    let solved = matrix.solve_rows(&problem.b, &problem.l, &[], &mut codes);
    let solved = solved.expect("bounded");
    println!(
        "{solved:?}, {:.1} active per row",
        solved.active as f64 / ROWS as f64
    );
    group.bench_function("feature sign, cold", |bench| {
        bench.iter(|| {
            codes.fill(0.0);
            black_box(matrix.solve_rows(&problem.b, &problem.l, &[], &mut codes))
        });
    });
    let less: Vec<f64> = problem.l.iter().map(|l| l * 0.97).collect();
    let mut warm = codes.clone();
    group.bench_function("feature sign, warm (penalties 3 % lower)", |bench| {
        bench.iter(|| {
            warm.copy_from_slice(&codes);
            black_box(matrix.solve_rows(&problem.b, &less, &[], &mut warm))
        });
    });
    group.bench_function("coordinate descent, cold", |bench| {
        bench.iter(|| {
            codes.fill(0.0);
            let rows = codes.par_chunks_mut(ATOMS).zip(problem.b.par_chunks(ATOMS));
            black_box(
                rows.map(|(v, b)| coordinate_descent(&problem.a, b, &problem.l, v))
                    .max(),
            )
        });
    });
    group.finish();
}

criterion_group!(benches, sparse_codes);
criterion_main!(benches);
