//! Categorical, Bernoulli, Binomial, Poisson, Multinomial.
//!
//! ```text
//! Categorical  log p[v]
//! Bernoulli    v log p + (1 - v) log(1 - p)
//! Binomial     log n!/(v! (n-v)!) + v log p + (n - v) log(1 - p)
//! Poisson      v log r - r - log v!
//! Multinomial  log n!/prod v! + sum v log p
//! ```

use crate::algebra::expand::{Polynomial, Refusal, merge_known, scaled, summed};
use crate::algebra::{Expander, Known, KnownFunction, Subscript, Term};
use crate::family::StatisticKind;
use crate::model::{ArgumentName, Axis, Domain, Expr, Function, as_sum};
use crate::numeric::link::Link;

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

/// See the module. A `logit` is a sum of products, and its normaliser a function of it.
///
/// # Errors
/// Probabilities that are no simplex.
pub fn categorical(a: &Arguments<'_, '_>, value: &Value) -> Result<Polynomial, Refusal> {
    let at = element(a.ex, value)?;
    if let Some(logit) = a.scalar(ArgumentName::Logit) {
        // eta_v - log sum_k exp eta_k
        let Some(k) = a.distribution.over else {
            return Err(Refusal::NotDerived("a Categorical without `over`".into()));
        };
        let eta = a.ex.expand(logit)?;
        if let (Some(omega), Some(centre)) = (
            a.scalar(ArgumentName::Auxiliary),
            a.scalar(ArgumentName::Centre),
        ) {
            return softmax_bound(a.ex, &eta, k, &at, omega, centre);
        }
        let mut out: Polynomial = eta
            .iter()
            .map(|t| a.ex.freshen(t).substitute(&[(k, at.clone())]))
            .collect();
        out.push(negative(a.ex.function_of(
            eta,
            StatisticKind::LogSumExp,
            Some(k),
        )));
        return Ok(out);
    }
    log_of(a, a.required(ArgumentName::P)?, Some(&at))
}

/// eta_v - c - sum_k [log 2 + (eta_k - c) / 2 + omega_k (eta_k - c)^2 / 2]
fn softmax_bound(
    ex: &Expander<'_>,
    eta: &[Term],
    k: Axis,
    at: &Subscript,
    omega: &Expr,
    centre: &Expr,
) -> Result<Polynomial, Refusal> {
    let (omega, centre) = (ex.expand(omega)?, ex.expand(centre)?);
    let mut out: Polynomial = eta
        .iter()
        .map(|t| ex.freshen(t).substitute(&[(k, at.clone())]))
        .collect();
    let distance = [eta.to_vec(), scaled(-1.0, centre.clone())].concat();
    let square = ex.multiply(&distance, &distance);
    out.extend(scaled(-1.0, centre));
    let mut each = vec![Term::number(-std::f64::consts::LN_2)];
    each.extend(scaled(-0.5, distance));
    each.extend(scaled(-0.5, ex.multiply(&omega, &square)));
    out.extend(summed(each, &[k]));
    Ok(out)
}

/// v eta - n (log 2 + eta / 2 + omega eta^2 / 2), the Polya-Gamma form of v eta - n log(1 + e^eta).
fn logistic(
    ex: &Expander<'_>,
    v: &[Term],
    total: Option<&Known>,
    eta: &[Term],
    omega: &Expr,
) -> Result<Polynomial, Refusal> {
    let omega = ex.expand(omega)?;
    let mut rest = vec![Term::number(-std::f64::consts::LN_2)];
    rest.extend(scaled(-0.5, eta.to_vec()));
    rest.extend(scaled(-0.5, ex.multiply(&omega, &ex.multiply(eta, eta))));
    if let Some(total) = total {
        if let [t] = omega.as_slice()
            && let [s] = t.stats.as_slice()
        {
            let copies = (s.of, s.index.clone(), total.clone());
            ex.copies.borrow_mut().push(copies);
        }
        rest = times_known(ex, total, &rest);
    }
    rest.extend(ex.multiply(v, eta));
    Ok(rest)
}

/// The Gaussian log density of g about (2 v - 1) eta with variance 1.
fn probit(ex: &Expander<'_>, v: &[Term], eta: &[Term], g: &Expr) -> Result<Polynomial, Refusal> {
    let g = ex.expand(g)?;
    let sign = merge_known([scaled(2.0, v.to_vec()), vec![Term::number(-1.0)]].concat());
    let mut out = vec![Term::number(-0.5 * (2.0 * std::f64::consts::PI).ln())];
    out.extend(scaled(-0.5, ex.multiply(&g, &g)));
    out.extend(ex.multiply(&g, &ex.multiply(&sign, eta)));
    // (2 v - 1)^2 = 1
    out.extend(scaled(-0.5, ex.multiply(eta, eta)));
    Ok(out)
}

/// A count of what `n` draws from a sum of addends gave: n (log of the addend that z picks), z standing for n copies.
fn picked(a: &Arguments<'_, '_>, e: &Expr, n: &Known, z: &Expr) -> Result<Polynomial, Refusal> {
    let ex = a.ex;
    let (Some((axis, body)), Expr::Variable(v, idx)) = (as_sum(e), z) else {
        return Err(Refusal::NotDerived(
            "a sum of this form under a logarithm".into(),
        ));
    };
    let u = ex.unknowns.variable(*v);
    let index = ex.subscripts(idx);
    let at = Subscript::Latent(u, index.clone());
    let scale = ex.scale(&body)?;
    let log: Polynomial = scale
        .log()
        .iter()
        .map(|t| t.substitute(&[(axis, at.clone())]))
        .collect();
    ex.copies.borrow_mut().push((u, index, n.clone()));
    Ok(times_known(ex, n, &log))
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
    let of = |eta: Polynomial, link| ex.function_of(eta, StatisticKind::Of(link), None);
    if let Some(logit) = a.scalar(ArgumentName::Logit) {
        let eta = ex.expand(logit)?;
        let no = negative(of(eta.clone(), Link::Softplus));
        return Ok(([eta, vec![no.clone()]].concat(), vec![no]));
    }
    if let Some(probit) = a.scalar(ArgumentName::Probit) {
        let eta = ex.expand(probit)?;
        let minus = scaled(-1.0, eta.clone());
        return Ok((
            vec![of(eta, Link::LogNormalCdf)],
            vec![of(minus, Link::LogNormalCdf)],
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
/// Probabilities that are no single variable.
pub fn bernoulli(a: &Arguments<'_, '_>, value: &Value) -> Result<Polynomial, Refusal> {
    let ex = a.ex;
    if let Some(auxiliary) = a.scalar(ArgumentName::Auxiliary) {
        let v = match value {
            Value::Element(Subscript::Latent(u, i)) => ex.value(*u, i.clone()),
            other => other.polynomial(ex),
        };
        if let Some(e) = a.scalar(ArgumentName::Logit) {
            return logistic(ex, &v, None, &ex.expand(e)?, auxiliary);
        }
        let e = a.required(ArgumentName::Probit)?;
        return probit(ex, &v, &ex.expand(e)?, auxiliary);
    }
    let (yes, no) = logs(a)?;
    match value {
        Value::Known(v) if a.scalar(ArgumentName::Probit).is_some() => {
            // log Phi((2 v - 1) eta): one function instead of two that cancel.
            let eta = ex.expand(a.required(ArgumentName::Probit)?)?;
            let sign = Known::sum([
                Known::product([Known::number(2.0), v.clone()]),
                Known::number(-1.0),
            ]);
            let body = times_known(ex, &sign, &eta);
            Ok(vec![ex.function_of(
                body,
                StatisticKind::Of(Link::LogNormalCdf),
                None,
            )])
        }
        Value::Known(v) if a.scalar(ArgumentName::Logit).is_some() => {
            // v eta - log(1 + e^eta)
            let mut out = times_known(ex, v, &ex.expand(a.required(ArgumentName::Logit)?)?);
            out.extend(no);
            Ok(out)
        }
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
    let failures = Known::sum([total.clone(), v.clone().negated()]);
    let mut out = vec![
        ln_gamma(successor(&total)),
        negative(ln_gamma(successor(&v))),
        negative(ln_gamma(successor(&failures))),
    ];
    if let (Some(omega), Some(e)) = (
        a.scalar(ArgumentName::Auxiliary),
        a.scalar(ArgumentName::Logit),
    ) {
        let v = [Term::known(v)];
        out.extend(logistic(ex, &v, Some(&total), &ex.expand(e)?, omega)?);
        return Ok(out);
    }
    let (yes, no) = logs(a)?;
    if a.scalar(ArgumentName::Logit).is_some() {
        out.extend(times_known(
            ex,
            &v,
            &ex.expand(a.required(ArgumentName::Logit)?)?,
        ));
        out.extend(times_known(ex, &total, &no));
        return Ok(out);
    }
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
    // `Poisson(exp(e))` is `Poisson(log = e)`.
    let exponent = match a.scalar(ArgumentName::Rate) {
        Some(Expr::Call(Function::Exp, e)) => Some(&**e),
        _ => a.scalar(ArgumentName::Log),
    };
    if let Some(l) = exponent {
        let Some(l) = ex.known(l) else {
            // v eta - e^eta - log v!
            let eta = ex.expand(l)?;
            let mut out = times_known(ex, &v, &eta);
            out.push(negative(ex.function_of(
                eta,
                StatisticKind::Of(Link::Exp),
                None,
            )));
            out.push(negative(ln_gamma(successor(&v))));
            return Ok(out);
        };
        let rate = Known::call(KnownFunction::Exp, l.clone());
        return Ok(vec![
            Term::known(Known::product([v.clone(), l])),
            negative(Term::known(rate)),
            negative(ln_gamma(successor(&v))),
        ]);
    }
    if let Some(z) = a.scalar(ArgumentName::Auxiliary) {
        let rate = a.required(ArgumentName::Rate)?;
        let mut out = picked(a, rate, &v, z)?;
        out.extend(ex.expand(rate)?.into_iter().map(negative));
        out.push(negative(ln_gamma(successor(&v))));
        return Ok(out);
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
    let p = a.required(ArgumentName::P)?;
    let mut out = match a.scalar(ArgumentName::Auxiliary) {
        Some(z) => summed(picked(a, p, &v, z)?, &[k]),
        None => summed(times_known(ex, &v, &log_of(a, p, None)?), &[k]),
    };
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
