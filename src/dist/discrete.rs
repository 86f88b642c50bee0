//! Categorical, Bernoulli, Binomial, Poisson, Multinomial.
//!
//! ```text
//! Categorical  log p[v]
//! Bernoulli    v log p + (1 - v) log(1 - p)
//! Binomial     log n!/(v! (n-v)!) + v log p + (n - v) log(1 - p)
//! Poisson      v log r - r - log v!
//! Multinomial  log n!/prod v! + sum v log p
//! ```

use crate::algebra::expand::{Polynomial, Refusal, summed};
use crate::algebra::{Expander, Known, KnownFunction, Subscript, Term};
use crate::family::StatisticKind;
use crate::model::{ArgumentName, Domain, Expr};

use super::log_density::{Arguments, Value, ln_gamma, times_known};

/// log p at a category; p is a known table or a simplex, its subscripts hold the `over` axis once.
fn log_of(a: &Arguments<'_, '_>, p: &Expr, at: Option<&Subscript>) -> Result<Polynomial, Refusal> {
    let ex = a.ex;
    let place = |t: Term| match (a.distribution.over, at) {
        (Some(o), Some(s)) => t.substitute(&[(o, s.clone())]),
        _ => t,
    };
    if let Some(k) = ex.known(p) {
        return Ok(vec![place(Term::known(Known::call(KnownFunction::Log, k)))]);
    }
    if let Expr::Variable(v, idx) = p {
        let u = ex.unknowns.variable(*v);
        if ex.unknowns.get(u).domain == Domain::Simplex {
            return Ok(vec![place(Term::statistic(
                u,
                StatisticKind::Log,
                ex.subscripts(idx),
            ))]);
        }
    }
    Err(Refusal::NotDerived(
        "category probabilities that are neither known nor one simplex".into(),
    ))
}

/// See the module.
///
/// # Errors
/// `logit`, and probabilities that are no simplex.
pub fn categorical(a: &Arguments<'_, '_>, value: &Value) -> Result<Polynomial, Refusal> {
    if a.scalar(ArgumentName::Logit).is_some() {
        return Err(Refusal::NotDerived(
            "category probabilities given by `logit`".into(),
        ));
    }
    let at = element(a.ex, value)?;
    log_of(a, a.required(ArgumentName::P)?, Some(&at))
}

fn element(ex: &Expander<'_>, value: &Value) -> Result<Subscript, Refusal> {
    match value {
        Value::Element(s) => Ok(s.clone()),
        Value::Unknown(u, i) if ex.unknowns.get(*u).element_plate().is_some() => {
            Ok(Subscript::Latent(*u, i.clone()))
        }
        _ => Err(Refusal::NotDerived("a number under a Categorical".into())),
    }
}

/// log p and log(1 - p) of a success probability.
fn logs(a: &Arguments<'_, '_>) -> Result<(Polynomial, Polynomial), Refusal> {
    let ex = a.ex;
    if a.scalar(ArgumentName::Logit).is_some() || a.scalar(ArgumentName::Probit).is_some() {
        return Err(Refusal::NotDerived(
            "a probability given by `logit` or `probit`".into(),
        ));
    }
    let p = a.required(ArgumentName::P)?;
    if let Some(k) = ex.known(p) {
        return Ok((
            vec![Term::known(Known::call(KnownFunction::Log, k.clone()))],
            vec![Term::known(Known::call(KnownFunction::Log1m, k))],
        ));
    }
    if let Expr::Variable(v, idx) = p {
        let u = ex.unknowns.variable(*v);
        if ex.unknowns.get(u).domain == Domain::Probability {
            let at = |kind| vec![Term::statistic(u, kind, ex.subscripts(idx))];
            return Ok((at(StatisticKind::Log), at(StatisticKind::Log1m)));
        }
    }
    Err(Refusal::NotDerived(
        "a success probability that is neither known nor one probability variable".into(),
    ))
}

/// See the module.
///
/// # Errors
/// `logit`, `probit`, and probabilities that are no single variable.
pub fn bernoulli(a: &Arguments<'_, '_>, value: &Value) -> Result<Polynomial, Refusal> {
    let ex = a.ex;
    let (yes, no) = logs(a)?;
    match value {
        Value::Known(v) => {
            let not = Known::sum([Known::number(1.0), v.clone().negated()]);
            Ok([times_known(ex, v, &yes), times_known(ex, &not, &no)].concat())
        }
        other => {
            let Subscript::Latent(u, index) = element(ex, other)? else {
                return Err(Refusal::NotDerived("a label under a Bernoulli".into()));
            };
            let at = |e: u32| {
                let mut i = index.clone();
                i.push(Subscript::Element(e));
                Term::statistic(u, StatisticKind::Indicator, i)
            };
            Ok([ex.multiply(&[at(1)], &yes), ex.multiply(&[at(0)], &no)].concat())
        }
    }
}

fn cell(value: &Value, what: &str) -> Result<Known, Refusal> {
    match value {
        Value::Known(k) => Ok(k.clone()),
        _ => Err(Refusal::NotDerived(format!(
            "an unknown count under a {what}"
        ))),
    }
}

fn negative(mut t: Term) -> Term {
    t.coef = -t.coef;
    t
}

/// x + 1, the argument of log Gamma for log x!.
fn successor(k: &Known) -> Known {
    Known::sum([k.clone(), Known::number(1.0)])
}

/// See the module.
///
/// # Errors
/// As [`bernoulli`]; an unknown total.
pub fn binomial(a: &Arguments<'_, '_>, value: &Value) -> Result<Polynomial, Refusal> {
    let ex = a.ex;
    let v = cell(value, "Binomial")?;
    let total = a.known(ArgumentName::Total)?;
    let (yes, no) = logs(a)?;
    let failures = Known::sum([total.clone(), v.clone().negated()]);
    let mut out = vec![
        ln_gamma(successor(&total)),
        negative(ln_gamma(successor(&v))),
        negative(ln_gamma(successor(&failures))),
    ];
    out.extend(times_known(ex, &v, &yes));
    out.extend(times_known(ex, &failures, &no));
    Ok(out)
}

/// See the module. The rate is a monomial: known, an unknown, or their product.
///
/// # Errors
/// A rate that is a sum of unknowns.
pub fn poisson(a: &Arguments<'_, '_>, value: &Value) -> Result<Polynomial, Refusal> {
    let ex = a.ex;
    let v = cell(value, "Poisson")?;
    if let Some(l) = a.scalar(ArgumentName::Log) {
        let Some(l) = ex.known(l) else {
            return Err(Refusal::NotDerived(
                "a Poisson rate whose logarithm holds unknowns".into(),
            ));
        };
        let rate = Known::call(KnownFunction::Exp, l.clone());
        return Ok(vec![
            Term::known(Known::product([v.clone(), l])),
            negative(Term::known(rate)),
            negative(ln_gamma(successor(&v))),
        ]);
    }
    let rate =
        a.ex.scale(a.required(ArgumentName::Rate)?)
            .map_err(|r| match r {
                Refusal::NoFamily(_) => Refusal::NotDerived(
                    "a Poisson rate that is no product of positive unknowns".into(),
                ),
                other => other,
            })?;
    let mut out = times_known(ex, &v, &rate.log());
    out.extend(rate.factor()?.into_iter().map(negative));
    out.push(negative(ln_gamma(successor(&v))));
    Ok(out)
}

/// See the module.
///
/// # Errors
/// Probabilities that are no simplex.
pub fn multinomial(a: &Arguments<'_, '_>, value: &Value) -> Result<Polynomial, Refusal> {
    let ex = a.ex;
    let v = cell(value, "Multinomial")?;
    let Some(k) = a.distribution.over else {
        return Err(Refusal::NotDerived("a Multinomial without `over`".into()));
    };
    let log_p = log_of(a, a.required(ArgumentName::P)?, None)?;
    let mut out = summed(times_known(ex, &v, &log_p), &[k]);
    out.extend(summed(vec![negative(ln_gamma(successor(&v)))], &[k]));
    // Where observed, the total is the row's sum.
    let l = ex.fresh(k.plate);
    let total = Known::Fold {
        fold: crate::model::Fold::Sum,
        axes: vec![l],
        restriction: None,
        body: Box::new(v.map(&|s| s.substitute(&[(k, Subscript::Axis(l))]))),
    };
    out.push(ln_gamma(successor(&total)));
    Ok(out)
}
