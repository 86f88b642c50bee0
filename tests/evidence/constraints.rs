//! Points under constraints: columns of norm one or at most one by their multipliers, increasing elements by pooling.

use crate::fixture::{fit, same, same_list};
use crate::special::{ln_normal, ln_poisson};

const H: [[f64; 3]; 7] = [
    [1.0, 0.5, -0.3],
    [-0.4, 1.2, 0.2],
    [0.3, -0.7, 1.5],
    [0.9, 0.1, 0.4],
    [-1.1, 0.6, -0.2],
    [0.2, -0.3, 0.8],
    [0.5, 0.9, -1.0],
];
const X: [[f64; 4]; 7] = [
    [2.1, 0.3, -0.5, 0.1],
    [-0.2, 0.4, 0.3, -0.1],
    [0.6, -0.3, 0.2, 0.4],
    [1.9, 0.1, -0.6, 0.2],
    [-2.4, 0.2, 0.7, -0.3],
    [0.4, 0.0, 0.1, 0.3],
    [1.2, 0.5, -0.4, -0.2],
];

fn csv() -> String {
    let join = |v: &[f64]| v.iter().map(f64::to_string).collect::<Vec<_>>().join(",");
    let lines = X
        .iter()
        .zip(&H)
        .map(|(x, h)| format!("{},{}\n", join(x), join(h)));
    format!("x1,x2,x3,x4,h1,h2,h3\n{}", lines.collect::<String>())
}

fn norm(v: &[f64]) -> f64 {
    v.iter().map(|x| x * x).sum::<f64>().sqrt()
}

/// Columns of W and of the gradient of the log likelihood at precision 2.
fn columns(w: &[f64]) -> Vec<(Vec<f64>, Vec<f64>)> {
    let left = |n: usize, d: usize| {
        let mean: f64 = (0..3).map(|k| w[d * 3 + k] * H[n][k]).sum();
        2.0 * (X[n][d] - mean)
    };
    (0..3)
        .map(|k| {
            let column = (0..4).map(|d| w[d * 3 + k]).collect();
            let slope = (0..4)
                .map(|d| (0..7).map(|n| H[n][k] * left(n, d)).sum())
                .collect();
            (column, slope)
        })
        .collect()
}

fn model(constraint: &str) -> String {
    format!(
        "data row {{ x[d] : real = \"x*\"  h[k] : real = \"h*\" }}
         param W[d, k] : real, {constraint} over d
         observe x[row, d] ~ Gaussian(sum(W * h over k), precision = 2)"
    )
}

fn log_likelihood(w: &[f64]) -> f64 {
    let cell = |n: usize, d: usize| {
        let mean = (0..3).map(|k| w[d * 3 + k] * H[n][k]).sum();
        ln_normal(X[n][d], mean, 0.5)
    };
    (0..7)
        .flat_map(|n| (0..4).map(move |d| cell(n, d)).collect::<Vec<_>>())
        .sum()
}

/// A convex problem: where the norm is one the gradient points along the column, outwards; inside it is zero.
#[test]
fn unit_ball() {
    let f = fit(&model("unit ball"), &csv(), None, 3);
    let w = f.get("W", "value");
    let mut inside = 0;
    for (column, slope) in columns(&w) {
        let length = norm(&column);
        assert!(length <= 1.0 + 1e-12, "{length}");
        let along: f64 = column.iter().zip(&slope).map(|(c, s)| c * s).sum();
        let multiplier = if length < 1.0 - 1e-9 { 0.0 } else { along };
        inside += usize::from(length < 1.0 - 1e-9);
        assert!(multiplier >= -1e-9, "{multiplier}");
        for (c, s) in column.iter().zip(&slope) {
            assert!((s - multiplier * c).abs() < 1e-8, "{s} and {multiplier}");
        }
    }
    assert!(inside > 0 && inside < 3, "{inside} columns inside");
    same("log likelihood", f.last(), log_likelihood(&w), 1e-12);
}

/// On the sphere the gradient is a multiple of the column, of either sign; several starts reach one maximum here.
#[test]
fn unit_norm() {
    let f = fit(&model("unit norm"), &csv(), None, 3);
    let w = f.get("W", "value");
    for (column, slope) in columns(&w) {
        same("length", norm(&column), 1.0, 1e-12);
        let multiplier: f64 = column.iter().zip(&slope).map(|(c, s)| c * s).sum();
        for (c, s) in column.iter().zip(&slope) {
            assert!((s - multiplier * c).abs() < 1e-7, "{s} and {multiplier}");
        }
    }
    same("log likelihood", f.last(), log_likelihood(&w), 1e-12);
    let ball = fit(&model("unit ball"), &csv(), None, 3);
    assert!(ball.last() >= f.last() - 1e-12);
}

/// Rows of group, value and weight; the fourth group is empty.
const ROWS: [(usize, f64, f64); 13] = [
    (1, 1.0, 1.0),
    (1, 3.0, 2.0),
    (2, 0.0, 1.0),
    (2, 2.0, 0.5),
    (3, 6.0, 1.0),
    (3, 5.0, 1.0),
    (5, 4.0, 3.0),
    (5, 2.0, 1.0),
    (6, 9.0, 1.0),
    (6, 7.0, 2.0),
    (7, 8.0, 1.0),
    (7, 6.0, 1.0),
    (7, 10.0, 0.25),
];

fn groups() -> String {
    let lines = ROWS.iter().map(|(g, y, k)| format!("{g},{y},{k}\n"));
    format!("g,y,k\n{}", lines.collect::<String>())
}

/// Weighted means, neighbours that decrease pooled: the solution for every exponential family. Groups without data left out.
fn pooled() -> Vec<(usize, f64)> {
    let mut pools: Vec<(Vec<usize>, f64, f64)> = vec![];
    for g in [1, 2, 3, 5, 6, 7] {
        let of = || ROWS.iter().filter(|r| r.0 == g);
        let weight: f64 = of().map(|r| r.2).sum();
        let total: f64 = of().map(|r| r.1 * r.2).sum();
        pools.push((vec![g], total, weight));
        while let [.., a, b] = &pools[..]
            && a.1 / a.2 > b.1 / b.2
        {
            let joined = ([a.0.clone(), b.0.clone()].concat(), a.1 + b.1, a.2 + b.2);
            pools.truncate(pools.len() - 2);
            pools.push(joined);
        }
    }
    let each = |(g, t, w): &(Vec<usize>, f64, f64)| {
        let value = t / w;
        g.iter().map(|g| (*g, value)).collect::<Vec<_>>()
    };
    pools.iter().flat_map(each).collect()
}

fn check_increasing(values: &[f64], what: &str) {
    for pair in values.windows(2) {
        assert!(pair[0] <= pair[1] + 1e-12, "{what}: {values:?}");
    }
    let want = pooled();
    assert!(
        want.windows(2).any(|p| p[0].1 == p[1].1),
        "something is pooled"
    );
    for (g, v) in want {
        same(what, values[g - 1], v, 1e-10);
    }
}

#[test]
fn increasing_means() {
    let f = fit(
        "plate t(7)
         data row { g : label of t  y : real  k : weight }
         param m : real over t, increasing over t
         observe y[row] ~ Gaussian(m[g], var = 2)",
        &groups(),
        None,
        3,
    );
    let m = f.get("m", "value");
    check_increasing(&m, "means");
    let l: f64 = ROWS
        .iter()
        .map(|(g, y, k)| k * ln_normal(*y, m[g - 1], 2.0))
        .sum();
    same("log likelihood", f.last(), l, 1e-12);
}

#[test]
fn increasing_rates() {
    let f = fit(
        "plate t(7)
         data row { g : label of t  y : count  k : weight }
         param r[t] : positive, increasing over t
         observe y[row] ~ Poisson(r[g])",
        &groups(),
        None,
        3,
    );
    let r = f.get("r", "value");
    check_increasing(&r, "rates");
    let l: f64 = ROWS
        .iter()
        .map(|(g, y, k)| k * ln_poisson(*y, r[g - 1]))
        .sum();
    same("log likelihood", f.last(), l, 1e-12);
}

/// Each group of a crossed plate increases on its own; means of a mixture in increasing order.
#[test]
fn increasing_within_each_column() {
    let f = fit(
        "plate t(7)
         plate side(2)
         data row { g : label of t  s : label of side  y : real  k : weight }
         param m[side, t] : real, increasing over t
         observe y[row] ~ Gaussian(m[s, g], var = 2)",
        &{
            let lines = ROWS.iter().flat_map(|(g, y, k)| {
                [
                    format!("{g},1,{y},{k}\n"),
                    format!("{g},2,{},{k}\n", y - 5.0),
                ]
            });
            format!("g,s,y,k\n{}", lines.collect::<String>())
        },
        None,
        3,
    );
    let m = f.get("m", "value");
    check_increasing(&m[..7], "first side");
    let second: Vec<f64> = m[7..].iter().map(|x| x + 5.0).collect();
    check_increasing(&second, "second side");
    let shifted: Vec<f64> = pooled().iter().map(|p| p.1 - 5.0).collect();
    let mine: Vec<f64> = pooled().iter().map(|p| m[7 + p.0 - 1]).collect();
    same_list("second side", &mine, &shifted, 1e-10);
}
