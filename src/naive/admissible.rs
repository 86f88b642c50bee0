//! Whether given numbers lie in the domains of their variables and meet the constraints.
//!
//! in: a model, its data, an [`Assignment`] -> out: nothing, or the first element that does not, in words.
//!
//! ```text
//! unit norm   sum v_i^2 = 1       unit ball   sum v_i^2 <= 1       increasing   v_1 <= v_2 <= ...       symmetric   v_ab = v_ba
//! ```
//!
//! The log joint does not ask: it is the density of the statements, whether a number is allowed or not.

use ndarray::{ArrayD, Axis, Dimension};

use super::Assignment;
use crate::data::Dataset;
use crate::model::{Constraint, Domain, Model, PlateId, Variable};

/// The first variable that has a number outside its domain or breaks a constraint by more than `tolerance`.
#[must_use]
pub fn inadmissible(
    model: &Model,
    data: &Dataset,
    values: &Assignment,
    tolerance: f64,
) -> Option<String> {
    let all = model.variables.iter().zip(&values.variables);
    all.filter_map(|(v, a)| Some((v, a.as_ref()?)))
        .find_map(|(variable, a)| {
            let why = shape(variable, data, a)
                .or_else(|| domain(variable, data, a, tolerance))
                .or_else(|| {
                    let mut list = variable.constraints.iter();
                    list.find_map(|c| constraint(variable, c, a, tolerance))
                })?;
            Some(format!("`{}`: {why}", variable.name))
        })
}

fn size(data: &Dataset, p: PlateId) -> usize {
    data.plates.get(p.index()).map_or(0, |p| p.size)
}

fn shape(variable: &Variable, data: &Dataset, a: &ArrayD<f64>) -> Option<String> {
    let sizes: Vec<usize> = variable.slots.iter().map(|p| size(data, *p)).collect();
    (a.shape() != sizes).then(|| format!("its shape is {:?}, not {sizes:?}", a.shape()))
}

fn domain(variable: &Variable, data: &Dataset, a: &ArrayD<f64>, tolerance: f64) -> Option<String> {
    let each = |allowed: &dyn Fn(f64) -> bool, what: &str| {
        let bad = a.iter().find(|x| !allowed(**x));
        bad.map(|x| format!("{x} is not {what}"))
    };
    let count = |n: usize| move |x: f64| x >= 0.0 && x.fract() == 0.0 && x < n as f64;
    match variable.domain {
        Domain::Real => each(&f64::is_finite, "finite"),
        Domain::Positive => each(&|x| x > 0.0 && x.is_finite(), "above 0"),
        Domain::Probability => each(&|x| (0.0..=1.0).contains(&x), "in 0 to 1"),
        Domain::Binary => each(&count(2), "0 or 1"),
        Domain::Count => each(&|x| x >= 0.0 && x.fract() == 0.0, "a count"),
        Domain::Element(p) => each(&count(size(data, p)), "an element of its plate"),
        Domain::Simplex => each(&|x| (0.0..=1.0).contains(&x), "in 0 to 1").or_else(|| {
            let last = Axis(a.ndim().checked_sub(1)?);
            let sums = a.sum_axis(last);
            let bad = sums.iter().find(|s| (*s - 1.0).abs() > tolerance);
            bad.map(|s| format!("its probabilities sum to {s}"))
        }),
        Domain::Covariance | Domain::Precision => {
            let n = a.shape().last().copied().unwrap_or(0);
            let flat: Vec<f64> = a.iter().copied().collect();
            let mut matrices = flat.chunks((n * n).max(1));
            matrices.find_map(|m| definite(m, n, tolerance))
        }
    }
}

/// By Sylvester: all leading minors are above 0, as pivots of an elimination without exchanges.
fn definite(m: &[f64], n: usize, tolerance: f64) -> Option<String> {
    let mut rows: Vec<Vec<f64>> = m.chunks(n.max(1)).map(<[f64]>::to_vec).collect();
    for i in 0..n {
        for j in 0..i {
            if (rows[i][j] - rows[j][i]).abs() > tolerance * rows[i][i].abs().max(rows[j][j].abs())
            {
                return Some("a matrix is not symmetric".into());
            }
        }
    }
    for i in 0..n {
        let head = rows[i].clone();
        let pivot = head[i];
        if pivot.is_nan() || pivot <= 0.0 {
            return Some("a matrix is not positive definite".into());
        }
        for row in rows.iter_mut().skip(i + 1) {
            let times = row[i] / pivot;
            for (x, h) in row.iter_mut().zip(&head) {
                *x -= times * h;
            }
        }
    }
    None
}

fn constraint(
    variable: &Variable,
    constraint: &Constraint,
    a: &ArrayD<f64>,
    tolerance: f64,
) -> Option<String> {
    let along = |plate: &PlateId, allowed: &dyn Fn(&[f64]) -> bool, what: &str| {
        let slot = variable.slots.iter().rposition(|p| p == plate)?;
        let mut lanes = a.lanes(Axis(slot)).into_iter();
        let bad = lanes.find(|lane| !allowed(&lane.to_vec()))?;
        Some(format!("{:?} {what}", bad.to_vec()))
    };
    let norm = |v: &[f64]| v.iter().map(|x| x * x).sum::<f64>().sqrt();
    match constraint {
        Constraint::UnitNorm(p) => along(
            p,
            &|v| (norm(v) - 1.0).abs() <= tolerance,
            "does not have norm 1",
        ),
        Constraint::UnitBall(p) => along(p, &|v| norm(v) <= 1.0 + tolerance, "is longer than 1"),
        Constraint::Increasing(p) => along(
            p,
            &|v| v.windows(2).all(|w| w[0] <= w[1] + tolerance),
            "does not increase",
        ),
        Constraint::Symmetric => {
            let mut pairs = a.indexed_iter();
            let bad = pairs.find(|(at, x)| {
                let mut other = at.slice().to_vec();
                let n = other.len();
                if n >= 2 {
                    other.swap(n - 2, n - 1);
                }
                let y = a.get(ndarray::IxDyn(&other));
                y.is_none_or(|y| (**x - y).abs() > tolerance)
            });
            bad.map(|(at, _)| format!("{:?} differs from its pair", at.slice()))
        }
    }
}
