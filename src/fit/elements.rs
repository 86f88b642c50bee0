//! Which plate each dimension of an array runs over.
//!
//! in: published expectations and parameters of q -> out: one plate per dimension, so that elements can be reordered,
//! selected and named without knowing the family.

use ndarray::{ArrayD, Axis};

use crate::algebra::UnknownId;
use crate::derive::{Block, Derivation, Form, MomentKind};
use crate::family::StatisticKind;
use crate::model::PlateId;

/// The plates of a published expectation's dimensions.
pub fn of_moment(d: &Derivation, kind: MomentKind) -> Vec<PlateId> {
    match kind {
        MomentKind::Statistic(u, k) => {
            let unknown = d.unknowns.get(u);
            let mut plates = unknown.slots.clone();
            match k {
                StatisticKind::Log if unknown.domain.value_slots() == 2 => {
                    plates.truncate(plates.len() - 2);
                }
                StatisticKind::Indicator => plates.extend(unknown.element_plate()),
                StatisticKind::LogSumExp => {
                    plates.pop();
                }
                _ => {}
            }
            plates
        }
        MomentKind::Cross(u) | MomentKind::Variance(u) => d.unknowns.get(u).slots.clone(),
        MomentKind::Covariance(u, v) => pair(d, u, v),
        // Only during a run.
        MomentKind::Map(..) => vec![],
        MomentKind::Compound(u, at) => d
            .block_of(u)
            .and_then(|b| d.block(b).compounds.get(at as usize))
            .map_or_else(Vec::new, |c| c.axes.iter().map(|a| a.plate).collect()),
        MomentKind::Quadratic(u) => match d.block_of(u).map(|b| d.block(b)) {
            Some(b) if matches!(b.form, Form::GaussianGamma) => pair(d, u, u),
            Some(b) => b.batch.clone(),
            None => vec![],
        },
    }
}

/// The batch as far as the covariance varies, inside of u, inside of v.
fn pair(d: &Derivation, u: UnknownId, v: UnknownId) -> Vec<PlateId> {
    let Some(b) = d.block_of(u).map(|b| d.block(b)) else {
        return vec![];
    };
    let mut plates: Vec<PlateId> = b.varying().map(|i| b.batch[i]).collect();
    plates.extend(inside(d, b, u));
    plates.extend(inside(d, b, v));
    plates
}

/// The plates along which elements of an unknown are coupled.
pub fn inside(d: &Derivation, b: &Block, u: UnknownId) -> Vec<PlateId> {
    let slots = &d.unknowns.get(u).slots;
    let i = b.unknowns.iter().position(|x| *x == u).unwrap_or(0);
    b.inside_slots
        .get(i)
        .into_iter()
        .flatten()
        .filter_map(|s| slots.get(*s).copied())
        .collect()
}

/// The plates of a parameter's dimensions; `None` for a dimension that runs over no plate.
pub fn of_parameter(
    d: &Derivation,
    b: &Block,
    u: UnknownId,
    name: &str,
    ndim: usize,
) -> Vec<Option<PlateId>> {
    let unknown = d.unknowns.get(u);
    let plates: Vec<PlateId> = match (&b.form, name) {
        (Form::Discrete, _) => unknown
            .slots
            .iter()
            .copied()
            .chain(unknown.element_plate())
            .collect(),
        (Form::Gaussian, "covariance" | "variance") => pair(d, u, u),
        (Form::GaussianWishart | Form::GaussianGamma, "beta") => pair(d, u, u),
        (
            Form::GaussianWishart | Form::GaussianGamma,
            "df" | "shape" | "rate" | "inverse_scale",
        ) => {
            let mut p = b.batch.clone();
            p.extend(&unknown.slots[unknown.plates().len()..]);
            p
        }
        _ => {
            let mut p = unknown.slots.clone();
            p.extend(unknown.element_plate());
            p
        }
    };
    (0..ndim).map(|i| plates.get(i).copied()).collect()
}

/// The array with the elements of some plates in another order.
pub fn permuted(
    a: &ArrayD<f64>,
    plates: &[Option<PlateId>],
    orders: &[(PlateId, Vec<usize>)],
) -> ArrayD<f64> {
    let mut a = a.clone();
    for (at, plate) in plates.iter().enumerate() {
        if let Some((_, order)) = orders.iter().find(|(p, _)| Some(*p) == *plate)
            && at < a.ndim()
            && a.len_of(Axis(at)) == order.len()
        {
            a = a.select(Axis(at), order);
        }
    }
    a
}

/// The name of an expectation in the fit file.
pub fn moment_name(d: &Derivation, kind: MomentKind) -> String {
    match kind {
        MomentKind::Statistic(_, k) => match k {
            StatisticKind::Value => "value".into(),
            StatisticKind::Power(p) => format!("power {p}"),
            StatisticKind::Log => "log".into(),
            StatisticKind::Log1m => "log1m".into(),
            StatisticKind::Abs => "abs".into(),
            StatisticKind::Indicator => "indicator".into(),
            StatisticKind::Pair => "pair".into(),
            StatisticKind::Of(link) => link.name().into(),
            StatisticKind::LogSumExp => "log sum exp".into(),
            StatisticKind::Slope => "slope".into(),
        },
        MomentKind::Covariance(_, v) => format!("covariance with {}", d.unknowns.get(v).name),
        MomentKind::Cross(_) => "cross".into(),
        MomentKind::Quadratic(_) => "quadratic".into(),
        MomentKind::Variance(_) => "variance".into(),
        MomentKind::Compound(_, at) => format!("product {at}"),
        MomentKind::Map(_, at) => format!("map {at}"),
    }
}

/// The unknown an expectation belongs to.
pub fn owner(kind: MomentKind) -> UnknownId {
    match kind {
        MomentKind::Statistic(u, _)
        | MomentKind::Covariance(u, _)
        | MomentKind::Cross(u)
        | MomentKind::Quadratic(u)
        | MomentKind::Variance(u)
        | MomentKind::Compound(u, _)
        | MomentKind::Map(u, _) => u,
    }
}

/// True if the unknown has a value for each row of a table without a key.
pub fn is_row_level(d: &Derivation, u: UnknownId) -> bool {
    let rows = |p: &PlateId| matches!(d.model.plate(*p).kind, crate::model::PlateKind::Rows(_));
    d.unknowns.get(u).plates().iter().any(rows)
        || d.block_of(u)
            .is_some_and(|b| d.block(b).rows.is_some_and(|p| rows(&p)))
}
