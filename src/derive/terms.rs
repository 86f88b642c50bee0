//! Statements to canonical terms, recentring included.
//!
//! in: a model and which cells may be blank -> out: the canonical terms of its log joint and the centres used.
//!
//! Recentring: data far from 0 cancel in moments about 0, so a location variable v that stands alone in a Gaussian mean is
//! written v = v' + c with c the mean of the data, and the terms are about v'. This is an exact change of variable with
//! Jacobian 1: every q, mode and objective is that of the model as written.

use crate::algebra::canonical::canonicalise;
use crate::algebra::expand::{Centre, Expander, Polynomial, Refusal, folds_latents};
use crate::algebra::{
    Known, Predictor, Statistic, Subscript, Term, Terms, UnknownId, Unknowns, complete, predictor,
};
use crate::diag::Diagnostic;
use crate::dist::log_density::{Value, log_density};
use crate::family::StatisticKind;
use crate::model::{
    Argument, ArgumentName, Axis, Case, ColumnId, ColumnType, Conditional, Distribution,
    DistributionKind, Domain, Expr, Factor, FactorId, FactorKind, Index, Model, VariableId,
};

use super::refusal::{self, Refused};

/// The terms of a model, with the centres of recentred variables.
pub struct Built {
    /// Canonical terms.
    pub terms: Terms,
    /// v = v' + centre.
    pub centres: Vec<(UnknownId, Centre)>,
    /// The sums under functions, behind which the unknowns go on.
    pub predictors: Vec<Predictor>,
    /// The unknowns, predictors included.
    pub unknowns: Unknowns,
}

/// Expands every statement.
///
/// # Errors
/// E0501, E0506, E0508: one per statement that has no terms.
pub fn build(
    model: &Model,
    unknowns: &Unknowns,
    blank: &dyn Fn(ColumnId) -> bool,
    blank_definition: &dyn Fn(crate::model::DefinitionId) -> bool,
) -> Result<Built, Vec<Diagnostic>> {
    let mut ex = Expander::new(model, unknowns, blank, blank_definition);
    for (u, column) in unknowns.columns() {
        if unknowns.get(u).domain == Domain::Real {
            let slots = (0..model.column(column).slots.len()).map(|i| (i > 0).then_some(i));
            let slots = slots.collect();
            ex.centres.insert(u, Centre { column, slots });
        }
    }
    for factor in &model.factors {
        if let Some((u, c)) = centre(&ex, factor) {
            ex.centres.entry(u).or_insert(c);
        }
    }
    let mut terms = vec![];
    let mut errors: Vec<Diagnostic> = (0..model.variables.len())
        .filter_map(|i| refusal::constrained(model, VariableId::from(i)))
        .collect();
    for (i, factor) in model.factors.iter().enumerate() {
        if let Some(d) = refusal::normaliser(model, factor) {
            errors.push(d);
            continue;
        }
        match statement(&ex, factor) {
            Ok(p) => {
                for mut t in p {
                    t.from = vec![FactorId::from(i)];
                    t.axes.extend(&factor.axes);
                    if let Some(t) = complete(&ex, t) {
                        terms.push(t);
                    }
                }
            }
            Err(r) => errors.push(refusal::statement(model, factor, &r)),
        }
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    let predictors = ex.predictors.take();
    let mut unknowns = predictor::listed(unknowns, &predictors);
    for (u, index, k) in ex.copies.take() {
        let axes = index.iter().filter_map(|s| match s {
            Subscript::Axis(a) => Some(*a),
            _ => None,
        });
        unknowns.items[u.index()].copies = Some((axes.collect(), k));
    }
    Ok(Built {
        terms: canonicalise(terms, &unknowns),
        centres: ex.centres.iter().map(|(u, c)| (*u, c.clone())).collect(),
        predictors,
        unknowns,
    })
}

/// The location variable of a Gaussian observation and the centre of its data.
fn centre(ex: &Expander<'_>, factor: &Factor) -> Option<(UnknownId, Centre)> {
    let FactorKind::ObservedColumn(column, conditional) = &factor.kind else {
        return None;
    };
    let Case::Always(d) = &conditional.usual else {
        return None;
    };
    if d.kind != DistributionKind::Gaussian {
        return None;
    }
    let Some(Argument::Scalar(mean)) = d.argument(ArgumentName::Mean) else {
        return None;
    };
    let mut axes: Vec<Axis> = factor.axes.clone();
    axes.extend(d.over);
    let mut best: Option<(usize, UnknownId, Centre)> = None;
    let mut addends = vec![];
    collect_addends(mean, &mut addends);
    for (v, idx) in addends {
        let u = ex.unknowns.variable(v);
        let unknown = ex.unknowns.get(u);
        if unknown.domain != Domain::Real || !ex.model.variable(v).constraints.is_empty() {
            continue;
        }
        // The row slot (position 0) is always averaged; the others are kept where the variable carries them.
        let slots: Vec<Option<usize>> = axes
            .iter()
            .enumerate()
            .map(|(i, a)| {
                if i == 0 {
                    None
                } else {
                    idx.iter().position(|s| *s == Index::Axis(*a))
                }
            })
            .collect();
        let carried = slots.iter().flatten().count();
        if best.as_ref().is_none_or(|(n, _, _)| carried > *n) {
            best = Some((
                carried,
                u,
                Centre {
                    column: *column,
                    slots,
                },
            ));
        }
    }
    best.map(|(_, u, c)| (u, c))
}

fn collect_addends<'a>(e: &'a Expr, out: &mut Vec<(crate::model::VariableId, &'a [Index])>) {
    match e {
        Expr::Variable(v, idx) => out.push((*v, idx)),
        Expr::Add(a, b) => {
            collect_addends(a, out);
            collect_addends(b, out);
        }
        Expr::Subtract(a, _) => collect_addends(a, out),
        _ => {}
    }
}

/// The log density of a statement over its free axes.
fn statement<'m>(ex: &Expander<'_>, factor: &'m Factor) -> Result<Polynomial, Refused<'m>> {
    let axes: Vec<Subscript> = factor.axes.iter().map(|a| Subscript::Axis(*a)).collect();
    match &factor.kind {
        FactorKind::Prior(v, conditional) => {
            let u = ex.unknowns.variable(*v);
            conditional_terms(ex, conditional, &|d| {
                let mut index = axes.clone();
                if ex.unknowns.get(u).domain.value_slots() == 0
                    && index.len() < ex.unknowns.get(u).slots.len()
                {
                    index.extend(d.over.map(Subscript::Axis));
                }
                // A symmetric unknown has its prior once for each unordered pair.
                let once = match index.as_slice() {
                    [.., k, l] if ex.unknowns.get(u).symmetric => {
                        Some(Known::Ordered(k.clone(), l.clone()))
                    }
                    _ => None,
                };
                Ok((Value::Unknown(u, index), once))
            })
        }
        FactorKind::ObservedColumn(c, conditional) => {
            let column = ex.model.column(*c);
            conditional_terms(ex, conditional, &|d| {
                let mut index = axes.clone();
                if index.len() < column.slots.len() {
                    index.extend(d.over.map(Subscript::Axis));
                }
                let blank = (ex.blank)(*c);
                if let Some(u) = ex.unknowns.column(*c) {
                    return match column.ty {
                        ColumnType::Label(_) | ColumnType::Binary => {
                            Ok((Value::Element(Subscript::Latent(u, index)), None))
                        }
                        ColumnType::Count => Err(Refusal::NotDerived(format!(
                            "blank cells of the counts `{}`, which other statements use",
                            column.name
                        ))),
                        _ => Ok((Value::Unknown(u, index), None)),
                    };
                }
                let vector = index.len() > factor.axes.len();
                if blank && vector && joint_vector(d) {
                    return Err(Refusal::NotDerived(format!(
                        "blank cells inside the vector `{}`",
                        column.name
                    )));
                }
                let mask = blank.then(|| Known::Present(*c, index.clone()));
                let value = match column.ty {
                    ColumnType::Label(_) => Value::Element(Subscript::Column(*c, index)),
                    _ => Value::Known(Known::Column(*c, index)),
                };
                Ok((value, mask))
            })
        }
        FactorKind::ObservedDefinition(def, conditional) => {
            conditional_terms(ex, conditional, &|d| {
                let mut index = axes.clone();
                if index.len() < ex.model.definition(*def).axes.len() {
                    index.extend(d.over.map(Subscript::Axis));
                }
                let blank = (ex.blank_definition)(*def);
                let vector = index.len() > factor.axes.len();
                if blank && vector && joint_vector(d) {
                    return Err(Refusal::NotDerived(format!(
                        "blank cells inside the vector `{}`",
                        ex.model.definition(*def).name
                    )));
                }
                let mask = blank.then(|| Known::PresentDefinition(*def, index.clone()));
                Ok((Value::Known(Known::Definition(*def, index)), mask))
            })
        }
        FactorKind::ObservedOnly(_) => Ok(vec![]),
        FactorKind::Potential(e) => Ok(ex.expand(e)?),
    }
}

/// Cells of the vector are not independent given the arguments.
fn joint_vector(d: &Distribution) -> bool {
    d.kind != DistributionKind::Gaussian
        || d.arguments
            .iter()
            .any(|(_, a, _)| matches!(a, Argument::Matrix(_)))
}

type Valued<'f> = dyn Fn(&Distribution) -> Result<(Value, Option<Known>), Refusal> + 'f;

fn conditional_terms<'m>(
    ex: &Expander<'_>,
    c: &'m Conditional,
    value: &Valued<'_>,
) -> Result<Polynomial, Refused<'m>> {
    let usual = case_terms(ex, &c.usual, value)?;
    let Some(first) = &c.first else {
        return Ok(usual);
    };
    let has = Known::product(c.lags.iter().map(|(a, k)| Known::HasLag(*a, *k)));
    let lacks = Known::sum([Known::number(1.0), has.clone().negated()]);
    let first = case_terms(ex, first, value)?;
    let masked = |p: Polynomial, m: &Known| -> Polynomial {
        p.into_iter()
            .map(|mut t| {
                t.data.push(m.clone());
                t
            })
            .collect()
    };
    let mut out = masked(usual, &has);
    out.extend(masked(first, &lacks));
    Ok(out)
}

fn case_terms<'m>(
    ex: &Expander<'_>,
    case: &'m Case,
    value: &Valued<'_>,
) -> Result<Polynomial, Refused<'m>> {
    match case {
        Case::Always(d) => {
            let (v, mask) = value(d)?;
            let mut p = log_density(ex, d, &v).map_err(|why| Refused {
                why,
                distribution: Some(d),
            })?;
            if p.iter().any(|t| t.data.iter().any(folds_latents)) {
                return Err(Refused {
                    why: Refusal::NotDerived(
                        "its normaliser adds up elements that each pick a latent of their own"
                            .into(),
                    ),
                    distribution: Some(d),
                });
            }
            if let Some(m) = mask {
                for t in &mut p {
                    t.data.push(m.clone());
                }
            }
            Ok(p)
        }
        Case::By {
            selector, branches, ..
        } => {
            let s = ex.subscript(selector);
            let mut out = vec![];
            for (e, branch) in branches {
                for mut t in case_terms(ex, branch, value)? {
                    match &s {
                        Subscript::Latent(u, index) => {
                            let mut index = index.clone();
                            index.push(Subscript::Element(*e));
                            t.stats.push(Statistic {
                                of: *u,
                                kind: StatisticKind::Indicator,
                                index,
                                offset: None,
                            });
                        }
                        other => t.data.push(Known::IsElement(other.clone(), *e)),
                    }
                    out.push(t);
                }
            }
            Ok(out)
        }
    }
}

/// A constant that appears in no term.
pub fn is_constant(t: &Term) -> bool {
    t.stats.is_empty()
}
