//! Small data drawn from a model, where none are given.
//!
//! in: a model, how many rows and labels -> out: a data set, or why the model cannot be drawn from.
//!
//! ```text
//! params without a prior    real 2 N(0, 1)   positive exp(N(0, 1) / 2)   probability and simplex Dirichlet(3)
//!                           matrices (1 + A A') / 2 with A_ij ~ N(0, 1) / sqrt(d)
//! ```

use ndarray::{ArrayD, IxDyn};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, Gamma, StandardNormal};

use crate::data::{self, DataFile, Dataset, Files};
use crate::model::{Domain, Model, PlateKind};
use crate::naive::{self, Assignment, Sizes};

/// Draws a data set.
///
/// # Errors
/// In words: a statement that cannot be drawn from, or tables that no size fits.
pub fn simulated(model: &Model, rows: usize, labels: usize, seed: u64) -> Result<Dataset, String> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut sizes = Sizes {
        rows: Some(rows),
        ..Sizes::default()
    };
    for p in &model.plates {
        if matches!(
            p.kind,
            PlateKind::Labels(_) | PlateKind::Keyed(..) | PlateKind::Group(_)
        ) {
            sizes.plates.insert(p.name.clone(), labels);
        }
    }
    let tables = naive::skeleton(model, None, &sizes, &|_| false, &mut rng);
    let tables = tables.map_err(|e| e.to_string())?;
    let by_table = tables
        .into_iter()
        .filter_map(|(t, text)| {
            let file = DataFile::held(format!("{}.csv", model.table(t).name), text?.into_bytes());
            Some((t, file))
        })
        .collect();
    let files = Files {
        main: None,
        by_table,
    };
    let first = |e: Vec<crate::diag::Diagnostic>| {
        e.first().map_or_else(String::new, |e| {
            format!("{} {}", e.title, e.notes.join("; "))
        })
    };
    let frame = data::bind(model, &files).map_err(first)?.dataset;
    let given = flat_params(model, &frame, &mut rng);
    let drawn = naive::simulate(model, &frame, &given, &mut rng).map_err(|e| e.to_string())?;
    Ok(naive::with_observed(model, &frame, &drawn))
}

/// Values for the params that no statement generates.
fn flat_params(model: &Model, data: &Dataset, rng: &mut dyn Rng) -> Assignment {
    let mut given = Assignment::empty(model);
    for (slot, v) in given.variables.iter_mut().zip(&model.variables) {
        if v.prior.is_some() {
            continue;
        }
        let size = |p: &crate::model::PlateId| data.plates.get(p.index()).map_or(0, |p| p.size);
        let shape: Vec<usize> = v.slots.iter().map(size).collect();
        let count: usize = shape.iter().product();
        let last = shape.last().copied().unwrap_or(1).max(1);
        let mut normal = || -> f64 { StandardNormal.sample(rng) };
        let mut values: Vec<f64> = (0..count).map(|_| normal()).collect();
        match v.domain {
            Domain::Real => values.iter_mut().for_each(|x| *x *= 2.0),
            Domain::Positive => values.iter_mut().for_each(|x| *x = (0.5 * *x).exp()),
            Domain::Probability => {
                for x in &mut values {
                    let (a, b) = (gamma(rng), gamma(rng));
                    *x = a / (a + b);
                }
            }
            Domain::Simplex => {
                for row in values.chunks_mut(last) {
                    row.iter_mut().for_each(|x| *x = gamma(rng));
                    let total: f64 = row.iter().sum();
                    row.iter_mut().for_each(|x| *x /= total);
                }
            }
            Domain::Covariance | Domain::Precision => {
                for m in values.chunks_mut(last * last) {
                    let a = m.to_vec();
                    for i in 0..last {
                        for j in 0..last {
                            let dot: f64 =
                                (0..last).map(|k| a[i * last + k] * a[j * last + k]).sum();
                            let one = f64::from(u8::from(i == j));
                            m[i * last + j] = 0.5 * (one + dot / last as f64);
                        }
                    }
                }
            }
            Domain::Binary | Domain::Element(_) | Domain::Count => {
                values.iter_mut().for_each(|x| *x = 0.0);
            }
        }
        *slot = ArrayD::from_shape_vec(IxDyn(&shape), values).ok();
    }
    given
}

fn gamma(rng: &mut dyn Rng) -> f64 {
    match Gamma::new(3.0, 1.0) {
        Ok(g) => g.sample(rng),
        Err(_) => 1.0,
    }
}
