//! Interchangeable elements in a stated order.
//!
//! Clusters 1, 2, 3 of a mixture may change names without changing the model, so two runs name them differently. Where
//! nothing in a model tells the elements of a counted plate apart they are sorted by their expected counts, largest first:
//!
//! ```text
//! weight_k = sum_n w_n q(z_n = k), else the mean of a simplex over the plate
//! ```

use ndarray::Axis;

use super::collect::Orders;
use super::elements::of_moment;
use crate::algebra::{Known, Statistic, Subscript, Term};
use crate::derive::{Derivation, MomentKind};
use crate::engine::Engine;
use crate::engine::state::State;
use crate::family::StatisticKind;
use crate::model::{
    Case, ColumnType, Conditional, Constraint, FactorKind, Index, Model, PlateId, PlateKind,
};

/// The order of each plate whose elements are interchangeable and have weights.
pub fn canonical(engine: &Engine<'_>, state: &State) -> Orders {
    let d = engine.derivation;
    (0..d.model.plates.len())
        .map(PlateId::from)
        .filter(|p| is_exchangeable(d, *p))
        .filter_map(|p| {
            let w = weights(engine, state, p)?;
            let mut order: Vec<usize> = (0..w.len()).collect();
            order.sort_by(|a, b| w[*b].total_cmp(&w[*a]));
            Some((p, order))
        })
        .collect()
}

/// A counted plate of a discrete latent's values that the model treats alike.
fn is_exchangeable(d: &Derivation, p: PlateId) -> bool {
    let model = &d.model;
    if !matches!(model.plate(p).kind, PlateKind::Counted { .. })
        || !d
            .unknowns
            .items
            .iter()
            .any(|u| u.element_plate() == Some(p))
    {
        return false;
    }
    let named = model
        .definitions
        .iter()
        .any(|x| x.axes.iter().any(|a| a.plate == p))
        || model
            .columns
            .iter()
            .any(|c| c.slots.contains(&p) || matches!(c.ty, ColumnType::Label(q) if q == p))
        || model
            .variables
            .iter()
            .any(|v| v.constraints.contains(&Constraint::Increasing(p)))
        || model.factors.iter().any(|f| match &f.kind {
            FactorKind::Prior(_, c)
            | FactorKind::ObservedColumn(_, c)
            | FactorKind::ObservedDefinition(_, c) => tells_apart(model, c, p),
            FactorKind::ObservedOnly(_) | FactorKind::Potential(_) => false,
        });
    !named
        && !d.terms.items.iter().any(|t| {
            t.stats.iter().any(|s| picks(d, s, p))
                || t.data.iter().any(|k| shifts(k, p) || sides_differ(d, t, k))
        })
}

/// A `case` by its elements, or `first` along it.
fn tells_apart(model: &Model, c: &Conditional, p: PlateId) -> bool {
    c.lags.iter().any(|(a, _)| a.plate == p)
        || std::iter::once(&c.usual)
            .chain(&c.first)
            .any(|x| by(model, x, p))
}

fn by(model: &Model, c: &Case, p: PlateId) -> bool {
    match c {
        Case::Always(_) => false,
        Case::By {
            selector, branches, ..
        } => {
            let plate = match selector {
                Index::Axis(a) | Index::Lag(a, _) => Some(a.plate),
                Index::Column(c, _) => match model.column(*c).ty {
                    ColumnType::Label(q) => Some(q),
                    _ => None,
                },
                Index::Variable(v, _) => match model.variable(*v).domain {
                    crate::model::Domain::Element(q) => Some(q),
                    _ => None,
                },
                Index::Element(_) => None,
            };
            plate == Some(p) || branches.iter().any(|(_, b)| by(model, b, p))
        }
    }
}

/// A statistic at one fixed element of the plate, or at the element before.
fn picks(d: &Derivation, s: &Statistic, p: PlateId) -> bool {
    let plates = of_moment(d, MomentKind::Statistic(s.of, s.kind));
    s.index.iter().zip(plates).any(|(i, plate)| match i {
        Subscript::Element(_) | Subscript::Lag(..) => plate == p,
        Subscript::Axis(_) | Subscript::Column(..) | Subscript::Latent(..) => false,
    })
}

/// The prior of a symmetric unknown that reads its first index otherwise than its second.
fn sides_differ(d: &Derivation, t: &Term, mask: &Known) -> bool {
    let Known::Ordered(a, b) = mask else {
        return false;
    };
    let sides: Vec<_> = a.axes().into_iter().chain(b.axes()).collect();
    let carries = |s: &Statistic| sides.iter().any(|x| s.has_axis(*x));
    let data = t.data.iter().filter(|k| *k != mask);
    t.stats
        .iter()
        .any(|s| !d.unknowns.get(s.of).symmetric && carries(s))
        || data.flat_map(Known::axes).any(|x| sides.contains(&x))
}

fn shifts(k: &Known, p: PlateId) -> bool {
    match k {
        Known::HasLag(a, _) => a.plate == p,
        Known::IsElement(s, _) => s.axes().iter().any(|a| a.plate == p),
        _ => false,
    }
}

fn weights(engine: &Engine<'_>, state: &State, p: PlateId) -> Option<Vec<f64>> {
    counts(engine, state, p).or_else(|| {
        let d = engine.derivation;
        let (u, _) = d.unknowns.ids().zip(&d.unknowns.items).find(|(_, x)| {
            x.domain == crate::model::Domain::Simplex && x.slots.last() == Some(&p)
        })?;
        let kind = MomentKind::Statistic(u, StatisticKind::Value);
        let a = state.moments.get(&kind)?;
        over_last(a.clone())
    })
}

/// Sums over all axes but the last.
fn over_last(mut a: ndarray::ArrayD<f64>) -> Option<Vec<f64>> {
    while a.ndim() > 1 {
        a = a.sum_axis(Axis(0));
    }
    Some(a.iter().copied().collect())
}

/// Expected counts: from accumulated statistics of row-level latents, or from q of stored ones.
fn counts(engine: &Engine<'_>, state: &State, p: PlateId) -> Option<Vec<f64>> {
    let d = engine.derivation;
    for (key, a) in engine.plan.keys.iter().zip(&state.accumulated) {
        let ([s], Some(a), true) = (key.local.as_slice(), a, key.data.is_empty()) else {
            continue;
        };
        if d.unknowns.get(s.of).element_plate() != Some(p) {
            continue;
        }
        let Some(Subscript::Axis(value)) = s.index.last() else {
            continue;
        };
        let at = key.axes.iter().position(|x| x == value)?;
        let mut a = a.clone();
        a.swap_axes(at, key.axes.len() - 1);
        return over_last(a);
    }
    let (u, _) = d
        .unknowns
        .ids()
        .zip(&d.unknowns.items)
        .find(|(_, x)| x.element_plate() == Some(p))?;
    let kind = MomentKind::Statistic(u, StatisticKind::Indicator);
    over_last(state.moments.get(&kind)?.clone())
}
