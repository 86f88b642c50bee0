//! The kernels that iterations are made of: exp, log, digamma, log Gamma, sums, products of chunks, portable products.
//!
//! `cargo bench --bench kernels`

use std::hint::black_box;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use ndarray::Array2;
use pmc::numeric::{lanes, product, vector};

type Kernel = fn(&mut [f64]);

/// Numbers in a slice: what fits the nearest cache.
const LENGTH: usize = 4096;

fn elementwise(criterion: &mut Criterion) {
    let near: Vec<f64> = (0..LENGTH).map(|i| 0.01 + 0.013 * i as f64).collect();
    let below: Vec<f64> = near.iter().map(|x| -x).collect();
    let mut group = criterion.benchmark_group("elementwise");
    group.throughput(Throughput::Elements(LENGTH as u64));
    let kernels: [(&str, Kernel, &[f64]); 4] = [
        ("exp", vector::exp_in_place, &below),
        ("log", vector::log_in_place, &near),
        ("digamma", vector::digamma_in_place, &near),
        ("log Gamma", vector::ln_gamma_in_place, &near),
    ];
    for deterministic in [false, true] {
        vector::set_deterministic(deterministic);
        let how = if deterministic { ", deterministic" } else { "" };
        for (name, kernel, inputs) in kernels {
            group.bench_function(format!("{name}{how}"), |bench| {
                let start = || inputs.to_vec();
                bench.iter_batched_ref(start, |x| kernel(black_box(x)), BatchSize::SmallInput);
            });
        }
        let mut logs = vec![0.0; LENGTH];
        group.bench_function(format!("log Gamma and digamma{how}"), |bench| {
            let start = || near.clone();
            let both = |x: &mut Vec<f64>| vector::ln_gamma_and_digamma(black_box(x), &mut logs);
            bench.iter_batched_ref(start, both, BatchSize::SmallInput);
        });
    }
    vector::set_deterministic(false);
    group.bench_function("sum", |bench| bench.iter(|| vector::sum(black_box(&near))));
    group.bench_function("inner product", |bench| {
        bench.iter(|| vector::dot(black_box(&near), black_box(&below)));
    });
    group.finish();
}

/// The products of a chunk in a Gaussian mixture: 66 features of 10 columns, 10 states, as many rows as a pass takes.
fn chunks(criterion: &mut Criterion) {
    let (features, states, rows) = (66, 10, 752);
    let numbers = |n: usize| -> Vec<f64> { (0..n).map(|i| (i as f64 * 0.37).sin()).collect() };
    let (table, x) = (numbers(features * states), numbers(features * rows));
    let mut eta = vec![0.0; states * rows];
    let mut log_z = vec![0.0; rows];
    let mut sums = vec![0.0; features * states];
    let mut group = criterion.benchmark_group("chunk");
    // Multiplications and additions.
    let operations = 2 * features * states * rows;
    group.throughput(Throughput::Elements(operations as u64));
    group.bench_function("log densities", |bench| {
        bench.iter(|| lanes::product(black_box(&table), &x, features, states, rows, &mut eta, &[]));
    });
    group.bench_function("statistics", |bench| {
        bench.iter(|| lanes::accumulate(black_box(&x), &eta, features, states, rows, &mut sums));
    });
    group.throughput(Throughput::Elements((states * rows) as u64));
    group.bench_function("softmax", |bench| {
        let start = || eta.clone();
        let softmax = |eta: &mut Vec<f64>| lanes::softmax(eta, rows, &mut log_z);
        bench.iter_batched_ref(start, softmax, BatchSize::SmallInput);
    });
    group.finish();
}

fn products(criterion: &mut Criterion) {
    let n = 128;
    let a = Array2::from_shape_fn((n, n), |(i, j)| ((i * 3 + j) as f64).sin());
    let mut group = criterion.benchmark_group("matrix product, 128 x 128");
    group.throughput(Throughput::Elements(2 * (n * n * n) as u64));
    for deterministic in [false, true] {
        let how = if deterministic { "portable" } else { "library" };
        group.bench_function(how, |bench| {
            vector::set_deterministic(deterministic);
            bench.iter(|| product::dot(black_box(&a.view()), &a.view()));
            vector::set_deterministic(false);
        });
    }
    group.finish();
}

criterion_group!(benches, elementwise, chunks, products);
criterion_main!(benches);
