//! Every family against things that share no code with it: finite differences, `dist::scalar` and statrs, quadrature, draws.

mod cases;
mod densities;
mod edges;
mod gaussian_wishart;
mod identities;
mod modes;
mod tables;

/// Whether two numbers agree to `tolerance`, relative to 1 + their size.
fn near(a: f64, b: f64, tolerance: f64) -> bool {
    a == b || (a - b).abs() <= tolerance * (1.0 + a.abs().max(b.abs()))
}

/// The dot product.
fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

/// dA/d eta by differences of fourth order, one entry at a time.
fn gradient(eta: &[f64], step: f64, log_partition: &dyn Fn(&[f64]) -> f64) -> Vec<f64> {
    (0..eta.len())
        .map(|i| {
            let at = |shift: f64| {
                let mut moved = eta.to_vec();
                moved[i] += shift;
                log_partition(&moved)
            };
            (8.0 * (at(step) - at(-step)) - (at(2.0 * step) - at(-2.0 * step))) / (12.0 * step)
        })
        .collect()
}

/// Sample means with their standard errors.
struct Means {
    draws: f64,
    sums: Vec<f64>,
    squares: Vec<f64>,
}

impl Means {
    fn new(length: usize) -> Means {
        Means {
            draws: 0.0,
            sums: vec![0.0; length],
            squares: vec![0.0; length],
        }
    }

    fn add(&mut self, values: &[f64]) {
        self.draws += 1.0;
        for (i, v) in values.iter().enumerate() {
            self.sums[i] += v;
            self.squares[i] += v * v;
        }
    }

    /// Panics unless every mean lies within five standard errors of `expected`.
    fn assert_near(&self, expected: &[f64], what: &str) {
        for (i, want) in expected.iter().enumerate() {
            let mean = self.sums[i] / self.draws;
            let variance = (self.squares[i] / self.draws - mean * mean).max(0.0);
            let error = (variance / self.draws).sqrt();
            assert!(
                (mean - want).abs() <= 5.0 * error + 1e-12 * (1.0 + want.abs()),
                "{what}: statistic {i} has mean {mean} +- {error}, not {want}"
            );
        }
    }
}
