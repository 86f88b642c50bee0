//! Values to simulate with: the points of a fit, and a draw from each q that it keeps.
//!
//! in: a [`Fit`], its model, bound data -> out: an [`Assignment`]; what belongs to rows, and labels that the fit does not
//! have, is left to the prior.
//!
//! Variables are drawn one by one, each element group that q couples at once; a mean vector is drawn given the precision
//! that was drawn with it. A dependence between two variables of one Gaussian is not kept.
//!
//! ```text
//! Gaussian-Wishart, Gaussian-Gamma    V ~ Wishart(df, scale^-1),    w given V ~ N(mean, (beta V)^-1)
//! ```

use std::collections::BTreeMap;

use ndarray::{ArrayD, ArrayViewD, Axis, IxDyn};
use rand::Rng;

use super::{Estimate, Fit, apply};
use crate::data::{Dataset, PlateData};
use crate::diag::{Code, Diagnostic};
use crate::family::{Family, Gaussian, Parameter, Support};
use crate::model::{Domain, Model, PlateId, PlateKind, Variable};
use crate::naive::Assignment;

/// The plates of the fit, as [`crate::data::bind_new`] takes them.
///
/// # Errors
/// E0714 where the file lacks one.
pub fn plates(model: &Model, fit: &Fit) -> Result<Vec<PlateData>, Vec<Diagnostic>> {
    apply::plates(model, fit)
}

/// A value for every variable that the fit keeps, in the shape of these data; NaN where its prior has to give one.
///
/// # Errors
/// E0714 for a q that cannot be drawn from.
pub fn given(
    model: &Model,
    fit: &Fit,
    data: &Dataset,
    rng: &mut impl Rng,
) -> Result<Assignment, Vec<Diagnostic>> {
    let mut out = Assignment::empty(model);
    let mut drawn: BTreeMap<&str, ArrayD<f64>> = BTreeMap::new();
    // precisions first: the means that come with them are drawn given them
    let is_mean = |e: &Estimate| has(e, "beta");
    for means in [false, true] {
        for variable in &model.variables {
            let of_rows = |p: &PlateId| matches!(model.plate(*p).kind, PlateKind::Rows(_));
            let Some(e) = fit.variables.get(&variable.name) else {
                continue;
            };
            if variable.slots.iter().any(of_rows) || is_mean(e) != means {
                continue;
            }
            let value = match (&e.value, &e.parameters) {
                (Some(value), _) => Some(value.0.clone()),
                (None, Some(_)) if means => mean_given(fit, variable, e, &drawn, rng),
                (None, Some(_)) if e.family == "Gaussian" => gaussian(e, rng),
                (None, Some(_)) => by_element(variable, e, rng),
                (None, None) => continue,
            };
            let value = value.ok_or_else(|| no_draw(variable, e))?;
            drawn.insert(&variable.name, value);
        }
    }
    for (place, variable) in out.variables.iter_mut().zip(&model.variables) {
        if let Some(value) = drawn.get(variable.name.as_str()) {
            *place = Some(moved(model, fit, data, variable, value));
        }
    }
    Ok(out)
}

fn no_draw(variable: &Variable, e: &Estimate) -> Vec<Diagnostic> {
    let name = &variable.name;
    vec![
        Diagnostic::new(Code::E0714, "a variable of the fit cannot be drawn")
            .at(variable.name_span, "declared here")
            .note(format!("`{name}`: its q is {}", e.family))
            .help(format!("give `{name}` a value with --init FILE")),
    ]
}

fn has(e: &Estimate, name: &str) -> bool {
    e.parameters.as_ref().is_some_and(|p| p.get(name).is_some())
}

fn parameter<'e>(e: &'e Estimate, name: &str) -> Option<&'e ArrayD<f64>> {
    e.parameters.as_ref()?.get(name).map(|a| &a.0)
}

/// The numbers behind the first positions.
fn part<'v>(values: &'v ArrayD<f64>, at: &[usize]) -> Option<ArrayViewD<'v, f64>> {
    let mut numbers = values.view();
    for e in at {
        if numbers.ndim() == 0 || *e >= numbers.len_of(Axis(0)) {
            return None;
        }
        numbers = numbers.index_axis_move(Axis(0), *e);
    }
    Some(numbers)
}

/// All positions of some sizes, the last fastest.
fn positions(sizes: &[usize]) -> Vec<Vec<usize>> {
    let mut found = vec![vec![]];
    for size in sizes {
        found = found
            .into_iter()
            .flat_map(|at| (0..*size).map(move |i| [at.as_slice(), &[i]].concat()))
            .collect();
    }
    found
}

/// Names that the families know.
const NAMES: [&str; 15] = [
    "concentration",
    "shape",
    "rate",
    "scale",
    "df",
    "inverse_scale",
    "probabilities",
    "probability",
    "mean",
    "covariance",
    "a",
    "b",
    "p",
    "linear",
    "precision",
];

/// A draw of one element by the family of this name.
fn sample(
    family: &dyn Family,
    parameters: &[Parameter],
    d: usize,
    rng: &mut dyn Rng,
) -> Option<Vec<f64>> {
    let eta = family.natural(parameters, d).ok()?;
    let mut value = vec![0.0; family.value_length(d)];
    family.sample(&eta, d, rng, &mut value).ok()?;
    Some(value)
}

/// A variable whose elements are independent.
fn by_element(variable: &Variable, e: &Estimate, rng: &mut dyn Rng) -> Option<ArrayD<f64>> {
    let support = Support::of(variable.domain)?;
    let families = support.families().iter().copied();
    // a precision that comes with a mean is a Wishart or a Gamma by itself
    let name = match (e.family.as_str(), variable.domain) {
        ("Gaussian-Wishart", _) => "Wishart",
        ("Gaussian-Gamma", _) => "Gamma",
        ("Categorical", Domain::Binary) => "Bernoulli",
        (name, _) => name,
    };
    let family = families.into_iter().find(|f| f.name() == name)?;
    let parameters = &e.parameters.as_ref()?.0;
    let value_slots = variable.domain.value_slots();
    let brackets = e.axes.len().checked_sub(value_slots)?;
    let (_, first) = parameters.iter().max_by_key(|(_, a)| a.0.ndim())?;
    let sizes = first.0.shape().get(..brackets)?.to_vec();
    let d = first.0.shape().get(brackets).copied().unwrap_or(1);
    let mut all = Vec::new();
    for at in positions(&sizes) {
        let mut own = Vec::new();
        for (name, array) in parameters {
            let values = part(&array.0, &at)?;
            let probability = name == "probabilities" && variable.domain == Domain::Binary;
            own.push(Parameter {
                name: match probability {
                    true => "probability",
                    false => NAMES.iter().copied().find(|n| n == name)?,
                },
                shape: if probability {
                    vec![]
                } else {
                    values.shape().to_vec()
                },
                values: match probability {
                    true => vec![*values.iter().last()?],
                    false => values.iter().copied().collect(),
                },
            });
        }
        let d = if family.value_length(2) > 1 || name == "Categorical" {
            d
        } else {
            1
        };
        all.extend(sample(family, &own, d, rng)?);
    }
    let shape = [sizes, vec![d; value_slots]].concat();
    ArrayD::from_shape_vec(IxDyn(&shape), all).ok()
}

/// A Gaussian: independent along the batch, coupled along the slots that its covariance has twice. Which these are is
/// read from the sizes and, where that leaves a choice, from the standard deviations.
fn gaussian(e: &Estimate, rng: &mut dyn Rng) -> Option<ArrayD<f64>> {
    let mean = parameter(e, "mean")?;
    let covariance = parameter(e, "covariance").or(parameter(e, "variance"))?;
    let inside = inside_slots(mean, covariance, e.sd.as_ref().map(|a| &a.0))?;
    let batch: Vec<usize> = (0..mean.ndim()).filter(|s| !inside.contains(s)).collect();
    let size = |slots: &[usize]| slots.iter().map(|s| mean.shape()[*s]).collect::<Vec<_>>();
    let coupled = positions(&size(&inside));
    let mut out = mean.clone();
    for at in positions(&size(&batch)) {
        let place = |within: &[usize]| {
            let mut index = vec![0; mean.ndim()];
            for (slot, i) in batch.iter().zip(&at).chain(inside.iter().zip(within)) {
                index[*slot] = *i;
            }
            IxDyn(&index)
        };
        let d = coupled.len();
        let m: Option<Vec<f64>> = coupled
            .iter()
            .map(|c| mean.get(place(c)).copied())
            .collect();
        let s = part(covariance, &at)?.iter().copied().collect();
        let value = sample(&Gaussian, &gaussian_parameters(d, m?, s), d, rng)?;
        for (c, v) in coupled.iter().zip(value) {
            *out.get_mut(place(c))? = v;
        }
    }
    Some(out)
}

fn gaussian_parameters(d: usize, mean: Vec<f64>, covariance: Vec<f64>) -> Vec<Parameter> {
    let parameter = |name, shape: &[usize], values| Parameter {
        name,
        shape: shape.to_vec(),
        values,
    };
    vec![
        parameter("mean", &[d], mean),
        parameter("covariance", &[d, d], covariance),
    ]
}

/// The slots of a mean along which a covariance (batch, inside, inside) couples.
fn inside_slots(
    mean: &ArrayD<f64>,
    covariance: &ArrayD<f64>,
    sd: Option<&ArrayD<f64>>,
) -> Option<Vec<usize>> {
    let slots = mean.ndim();
    let k = covariance.ndim().checked_sub(slots)?;
    let mut choices: Vec<Vec<usize>> = (0..1usize << slots.min(16))
        .map(|set| (0..slots).filter(|s| set >> s & 1 == 1).collect::<Vec<_>>())
        .filter(|inside| inside.len() == k)
        .collect();
    // values come last in the slots: the most likely choice first
    choices.reverse();
    choices.into_iter().find(|inside| {
        let batch: Vec<usize> = (0..slots).filter(|s| !inside.contains(s)).collect();
        let order = [batch.clone(), inside.clone(), inside.clone()].concat();
        let sizes: Vec<usize> = order.iter().map(|s| mean.shape()[*s]).collect();
        sizes == covariance.shape()
            && sd.is_none_or(|sd| {
                sd.indexed_iter().all(|(index, sd)| {
                    let index = ndarray::Dimension::slice(&index);
                    let at: Vec<usize> = order.iter().map(|s| index[*s]).collect();
                    let variance = covariance.get(IxDyn(&at)).copied().unwrap_or(f64::NAN);
                    (variance.sqrt() - sd).abs() <= 1e-6 * sd.abs()
                })
            })
    })
}

/// A mean vector given the precision that q has with it, where each has its own.
fn mean_given(
    fit: &Fit,
    variable: &Variable,
    e: &Estimate,
    drawn: &BTreeMap<&str, ArrayD<f64>>,
    rng: &mut dyn Rng,
) -> Option<ArrayD<f64>> {
    let (mean, beta) = (parameter(e, "mean")?, parameter(e, "beta")?);
    let is_matrix = e.family == "Gaussian-Wishart";
    let length = usize::from(is_matrix);
    let brackets = mean.ndim().checked_sub(length)?;
    let partner = fit.variables.0.iter().find(|(name, other)| {
        let own = other.axes.len().checked_sub(2 * length);
        *name != variable.name
            && other.family == e.family
            && own.and_then(|n| other.axes.get(..n)) == e.axes.get(..brackets)
            && (!is_matrix || other.axes.last() == e.axes.last())
    });
    let precision = drawn.get(partner?.0.as_str())?;
    if beta.len() != mean.shape().get(..brackets)?.iter().product::<usize>() {
        return None;
    }
    let mut all = Vec::with_capacity(mean.len());
    for (at, beta) in positions(&mean.shape()[..brackets]).iter().zip(beta) {
        let mean: Vec<f64> = part(mean, at)?.iter().copied().collect();
        let d = mean.len();
        let scaled: Vec<f64> = part(precision, at)?.iter().map(|v| beta * v).collect();
        let mut covariance = vec![0.0; d * d];
        crate::numeric::linalg::inverse_spd(&scaled, d, &mut covariance).ok()?;
        all.extend(sample(
            &Gaussian,
            &gaussian_parameters(d, mean, covariance),
            d,
            rng,
        )?);
    }
    ArrayD::from_shape_vec(mean.raw_dim(), all).ok()
}

/// A fitted value in the shape of other data: by label where a plate has labels, else by position.
fn moved(
    model: &Model,
    fit: &Fit,
    data: &Dataset,
    variable: &Variable,
    then: &ArrayD<f64>,
) -> ArrayD<f64> {
    let maps: Vec<Vec<Option<usize>>> = variable
        .slots
        .iter()
        .map(|p| {
            let plate = model.plate(*p);
            let now = data.plates.get(p.index());
            let by_label = matches!(plate.kind, PlateKind::Labels(_) | PlateKind::Keyed(..));
            let labels = fit.plates.get(&plate.name).and_then(|p| p.labels.as_ref());
            match (now, labels) {
                (Some(now), Some(then)) if by_label => {
                    let place: BTreeMap<&String, usize> =
                        then.iter().enumerate().map(|(i, l)| (l, i)).collect();
                    now.labels.iter().map(|l| place.get(l).copied()).collect()
                }
                (now, _) => (0..now.map_or(0, |n| n.size)).map(Some).collect(),
            }
        })
        .collect();
    let shape: Vec<usize> = maps.iter().map(Vec::len).collect();
    ArrayD::from_shape_fn(IxDyn(&shape), |index| {
        let index = ndarray::Dimension::slice(&index);
        let at: Option<Vec<usize>> = index.iter().zip(&maps).map(|(i, map)| map[*i]).collect();
        let value = at.and_then(|at| then.get(IxDyn(&at)).copied());
        value.unwrap_or(f64::NAN)
    })
}
