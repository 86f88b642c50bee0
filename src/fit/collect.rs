//! The state of a finished run as values, parameters, means and spreads of the model's variables.
//!
//! in: an engine and a [`State`] -> out: an [`Estimate`] per variable.
//!
//! ```text
//! Dirichlet(a)        m = a / sum a          sd^2 = m (1 - m) / (sum a + 1)
//! Gamma(a, b)         m = a / b              sd^2 = a / b^2
//! InverseGamma(a, s)  m = s / (a - 1)        sd^2 = m^2 / (a - 2)
//! Wishart(n, S)       m = n S^-1             InverseWishart(n, S)   m = S / (n - D - 1)
//! Gaussian-Wishart    w: Student-t, covariance S / (beta (n - D - 1)); in one dimension rate / (beta (shape - 1))
//! ```

use std::collections::BTreeSet;

use ndarray::{ArrayD, Axis, Dimension, IxDyn};

use super::elements::{inside, moment_name, of_moment, owner};
use super::json::{Nested, Ordered};
use super::{Estimate, elements, local};
use crate::algebra::UnknownId;
use crate::derive::{Block, Contraction, Derivation, Form, MomentKind};
use crate::engine::Engine;
use crate::engine::bind::unflatten;
use crate::engine::state::State;
use crate::family::StatisticKind;
use crate::model::{Domain, PlateId, Role};
use crate::plan::{Plan, Planned};

/// Elements of one plate in the order in which the file has them.
pub type Orders = Vec<(PlateId, Vec<usize>)>;

/// A role as printed.
pub fn role_word(role: Role) -> &'static str {
    match role {
        Role::Param => "param",
        Role::Latent => "latent",
        Role::Dirac => "dirac",
    }
}

/// A support as printed.
fn domain_word(domain: Domain) -> &'static str {
    match domain {
        Domain::Real => "real",
        Domain::Positive => "positive",
        Domain::Probability => "probability",
        Domain::Simplex => "simplex",
        Domain::Covariance => "covariance",
        Domain::Precision => "precision",
        Domain::Binary => "binary",
        Domain::Element(_) => "label",
        Domain::Count => "count",
    }
}

/// Every published expectation that some step reads.
pub fn used(plan: &Plan) -> BTreeSet<MomentKind> {
    let mut out = BTreeSet::new();
    let mut add = |c: &Contraction| out.extend(c.moments.iter().map(|m| m.kind));
    let planned = plan
        .expectation
        .iter()
        .chain(plan.messages.iter().flatten().map(|m| &m.how));
    for p in planned {
        match p {
            Planned::Global(c) | Planned::Keyed { rest: c, .. } => add(c),
            Planned::Rows {
                direct, hoisted, ..
            } => {
                add(direct);
                if let Some((_, _, c)) = hoisted {
                    add(c);
                }
            }
        }
    }
    plan.keys.iter().flat_map(|k| &k.tables).for_each(add);
    out
}

/// A variable as the fit file has it; `None` for one that takes no part.
pub fn estimate(
    engine: &Engine<'_>,
    state: &State,
    u: UnknownId,
    orders: &Orders,
) -> Option<Estimate> {
    let d = engine.derivation;
    let block = d.block(d.block_of(u)?);
    let mut e = blank(d, block, u);
    if block.rows.is_some() {
        let b = local::bound(engine, d.block_of(u)?)?;
        let (all, _) = local::marginals(engine, state, b);
        let (_, q) = all.into_iter().find(|(x, _)| *x == u)?;
        let plates = elements::of_parameter(d, block, u, "probabilities", q.ndim());
        let q = elements::permuted(&q, &plates, orders);
        e.parameters = Some(Ordered(vec![("probabilities".into(), Nested(q))]));
        return Some(e);
    }
    let centre = engine.centre(u);
    let parameters = parameters(engine, state, block, u);
    let value = value(state, u);
    let shifted = |a: ArrayD<f64>| match &centre {
        Some(c) if a.shape() == c.shape() => a + c,
        _ => a,
    };
    let slots: Vec<Option<PlateId>> = d.unknowns.get(u).slots.iter().map(|p| Some(*p)).collect();
    let own = |a: ArrayD<f64>| Nested(elements::permuted(&a, &slots, orders));
    let discrete = d.unknowns.get(u).element_plate().is_some();
    if block.role != Role::Latent && !discrete {
        let point = parameters
            .iter()
            .find(|(n, _)| *n == "value")
            .map(|(_, a)| a.clone())
            .or(value)?;
        e.value = Some(own(shifted(point)));
    } else {
        let (mut mean, mut sd) = mean_and_sd(engine, state, block, u, &parameters, value);
        // A cell that is there is what it is, whatever family the blank ones have.
        if let Some(cells) = engine.cells(u) {
            let put = |a: &mut Option<ArrayD<f64>>, of: fn(f64) -> f64| {
                let a = a.iter_mut().filter(|a| a.shape() == cells.shape());
                a.for_each(|a| {
                    a.zip_mut_with(&cells, |x, c| *x = if c.is_nan() { *x } else { of(*c) });
                });
            };
            put(&mut mean, |c| c);
            put(&mut sd, |_| 0.0);
        }
        e.mean = mean.map(|m| own(shifted(m)));
        e.sd = sd.map(own);
        let list = parameters.into_iter().map(|(name, a)| {
            let plates = elements::of_parameter(d, block, u, name, a.ndim());
            let a = if name == "mean" { shifted(a) } else { a };
            (
                name.to_string(),
                Nested(elements::permuted(&a, &plates, orders)),
            )
        });
        e.parameters = Some(list.collect());
    }
    e.centred = centre.is_some();
    let read = used(engine.plan);
    let kinds = state.moments.iter().filter(|(k, _)| {
        owner(**k) == u
            && (read.contains(k) || matches!(k, MomentKind::Statistic(_, StatisticKind::Value)))
    });
    let expectations: Ordered<Nested> = kinds
        .map(|(k, a)| {
            let plates: Vec<Option<PlateId>> = of_moment(d, *k).into_iter().map(Some).collect();
            (
                moment_name(d, *k),
                Nested(elements::permuted(a, &plates, orders)),
            )
        })
        .collect();
    e.expectations = (!expectations.is_empty()).then_some(expectations);
    Some(e)
}

fn blank(d: &Derivation, block: &Block, u: UnknownId) -> Estimate {
    let unknown = d.unknowns.get(u);
    let plate = |p: &PlateId| d.model.plate(*p).name.clone();
    Estimate {
        role: match unknown.auxiliary {
            Some(_) => "auxiliary".into(),
            None => role_word(unknown.role).into(),
        },
        axes: unknown.slots.iter().map(plate).collect(),
        values: unknown.element_plate().map(|p| plate(&p)),
        domain: domain_word(unknown.domain).into(),
        family: if block.role == Role::Latent {
            block.form.name().into()
        } else {
            "point".into()
        },
        ..Estimate::default()
    }
}

/// Parameters of one unknown's q, as its block's last update left them.
pub fn parameters(
    engine: &Engine<'_>,
    state: &State,
    block: &Block,
    u: UnknownId,
) -> Vec<(&'static str, ArrayD<f64>)> {
    let (Some(id), Some(i)) = (
        engine.derivation.block_of(u),
        block.unknowns.iter().position(|x| *x == u),
    ) else {
        return vec![];
    };
    let list = &state.blocks[id.index()].parameters;
    list.iter()
        .filter(|(of, _, _)| *of == i)
        .map(|(_, n, a)| (*n, a.clone()))
        .collect()
}

fn value(state: &State, u: UnknownId) -> Option<ArrayD<f64>> {
    let kind = MomentKind::Statistic(u, StatisticKind::Value);
    state.moments.get(&kind).cloned()
}

type MeanSd = (Option<ArrayD<f64>>, Option<ArrayD<f64>>);

fn mean_and_sd(
    engine: &Engine<'_>,
    state: &State,
    block: &Block,
    u: UnknownId,
    parameters: &[(&'static str, ArrayD<f64>)],
    value: Option<ArrayD<f64>>,
) -> MeanSd {
    let get = |n: &str| parameters.iter().find(|(x, _)| *x == n).map(|(_, a)| a);
    let d = engine.derivation;
    let name = block.form.name();
    let known = match (name, get("shape"), get("rate"), get("scale")) {
        ("Dirichlet", ..) => get("concentration").map(dirichlet),
        ("Beta", ..) => match (get("a"), get("b")) {
            (Some(a), Some(b)) => {
                let n = a + b;
                let m = a / &n;
                let v = &m * &(1.0 - &m) / (n + 1.0);
                Some((Some(m), Some(v.mapv(f64::sqrt))))
            }
            _ => None,
        },
        ("Gamma" | "Gaussian-Gamma", Some(a), Some(b), _) => {
            Some((Some(a / b), Some(a.mapv(f64::sqrt) / b)))
        }
        ("InverseGamma", Some(a), _, Some(s)) => {
            let m = s / &(a - 1.0);
            let sd = &m / &(a - 2.0).mapv(f64::sqrt);
            let exists = |a: &ArrayD<f64>, above: f64| a.iter().all(|x| *x > above);
            Some((exists(a, 1.0).then_some(m), exists(a, 2.0).then_some(sd)))
        }
        ("InverseWishart", _, _, Some(s)) => get("df").map(|df| {
            let side = s.shape().last().copied().unwrap_or(1) as f64;
            let mut m = s.clone();
            let proper = df.iter().all(|n| *n > side + 1.0);
            for (i, x) in m.indexed_iter_mut() {
                let front = &i.slice()[..df.ndim()];
                *x /= df.get(IxDyn(front)).copied().unwrap_or(f64::NAN) - side - 1.0;
            }
            (proper.then_some(m), None)
        }),
        ("Bernoulli", ..) => get("probability").map(|p| (Some(p.clone()), None)),
        ("Categorical", ..) => Some((None, None)),
        _ => None,
    };
    if let Some(known) = known {
        return known;
    }
    let sd = match &block.form {
        Form::Gaussian | Form::Family(_) => state
            .moments
            .get(&MomentKind::Covariance(u, u))
            .and_then(|c| diagonal(engine, block, u, c, |_, x| x.sqrt())),
        Form::GaussianWishart | Form::GaussianGamma if block.unknowns.first() == Some(&u) => {
            student(engine, state, block, u)
        }
        _ => get("variance")
            .filter(|v| value.as_ref().is_some_and(|m| m.shape() == v.shape()))
            .map(|v| v.mapv(f64::sqrt)),
    };
    // Where there is no closed form here, E[v] is what the block publishes.
    let _ = d;
    (value, sd)
}

fn dirichlet(a: &ArrayD<f64>) -> MeanSd {
    let last = Axis(a.ndim().saturating_sub(1));
    let total = a.sum_axis(last).insert_axis(last);
    let m = a / &total;
    let v = &m * &(1.0 - &m) / &(total + 1.0);
    (Some(m), Some(v.mapv(f64::sqrt)))
}

/// The diagonal over an unknown's inside plates of an array over (batch, inside, inside), in the order of its slots.
fn diagonal(
    engine: &Engine<'_>,
    block: &Block,
    u: UnknownId,
    c: &ArrayD<f64>,
    f: impl Fn(usize, f64) -> f64,
) -> Option<ArrayD<f64>> {
    let i = block.unknowns.iter().position(|x| *x == u)?;
    let (batch, inner) = (block.batch_slots.get(i)?, block.inside_slots.get(i)?);
    let batch_shape: Vec<usize> = block.batch.iter().map(|p| engine.plate_size(*p)).collect();
    let mut at = vec![];
    let out = ArrayD::from_shape_fn(IxDyn(&engine.shape(u)), |index| {
        at.clear();
        let whole = batch.iter().map(|s| index[*s]);
        let flat = whole.zip(&batch_shape).fold(0, |p, (a, s)| p * s + a);
        at.extend(block.varying().map(|i| index[batch[i]]));
        at.extend(inner.iter().map(|s| index[*s]));
        at.extend(inner.iter().map(|s| index[*s]));
        f(flat, c.get(IxDyn(&at)).copied().unwrap_or(f64::NAN))
    });
    out.iter().all(|x| x.is_finite()).then_some(out)
}

/// The spread of w in q(V) q(w given V): its marginal is a Student-t.
fn student(engine: &Engine<'_>, state: &State, block: &Block, w: UnknownId) -> Option<ArrayD<f64>> {
    let v = *block.unknowns.get(1)?;
    let of_v = parameters(engine, state, block, v);
    let of_w = parameters(engine, state, block, w);
    let get = |list: &[(&'static str, ArrayD<f64>)], n: &str| {
        list.iter().find(|(x, _)| *x == n).map(|(_, a)| a.clone())
    };
    let beta = get(&of_w, "beta")?;
    let coupled: usize = inside(engine.derivation, block, w)
        .iter()
        .map(|p| engine.plate_size(*p))
        .product();
    let batch: usize = block.batch.iter().map(|p| engine.plate_size(*p)).product();
    if matches!(block.form, Form::GaussianWishart) {
        let (df, scale) = (get(&of_v, "df")?, get(&of_v, "inverse_scale")?);
        let (df, beta): (Vec<f64>, Vec<f64>) =
            (df.iter().copied().collect(), beta.iter().copied().collect());
        if df.len() != batch || beta.len() != batch {
            return None;
        }
        return diagonal(engine, block, w, &scale, |b, s| {
            (s / (beta[b] * (df[b] - coupled as f64 - 1.0))).sqrt()
        });
    }
    let (shape, rate) = (get(&of_v, "shape")?, get(&of_v, "rate")?);
    let (shape, rate): (Vec<f64>, Vec<f64>) = (
        shape.iter().copied().collect(),
        rate.iter().copied().collect(),
    );
    if coupled != 1 || shape.len() != batch || beta.len() != batch {
        return None;
    }
    let beta: Vec<f64> = beta.iter().copied().collect();
    let sizes: Vec<usize> = block.batch.iter().map(|p| engine.plate_size(*p)).collect();
    let sd: Vec<f64> = (0..batch)
        .map(|b| (rate[b] / (beta[b] * (shape[b] - 1.0))).sqrt())
        .collect();
    let slots = block.batch_slots.first()?;
    let own = engine.shape(w);
    let mut out = ArrayD::from_elem(IxDyn(&own), f64::NAN);
    for (b, x) in sd.iter().enumerate() {
        let mut at = vec![0; own.len()];
        for (s, i) in slots.iter().zip(unflatten(b, &sizes)) {
            at[*s] = i;
        }
        if let Some(slot) = out.get_mut(IxDyn(&at)) {
            *slot = *x;
        }
    }
    out.iter().all(|x| x.is_finite()).then_some(out)
}
