//! Gamma, Exponential, InverseGamma.
//!
//! ```text
//! Gamma         a log r - log G(a) + (a - 1) log v - r v
//! Exponential   log r - r v
//! InverseGamma  a log s - log G(a) - (a + 1) log v - s / v
//! ```

use crate::algebra::expand::{Polynomial, Refusal, scaled};
use crate::algebra::{Known, KnownFunction, Term};
use crate::family::StatisticKind;
use crate::model::ArgumentName;

use super::log_density::{Arguments, Value, ln_gamma_of, plus_known};

/// log v, v and 1/v as terms.
fn powers(value: &Value) -> Result<[Term; 3], Refusal> {
    Ok(match value {
        Value::Unknown(u, i) => {
            let at = |kind| Term::statistic(*u, kind, i.clone());
            [
                at(StatisticKind::Log),
                at(StatisticKind::Value),
                at(StatisticKind::Power(-1)),
            ]
        }
        Value::Known(k) => [
            Term::known(Known::call(KnownFunction::Log, k.clone())),
            Term::known(k.clone()),
            Term::known(k.clone().power(-1.0)),
        ],
        Value::Element(_) => {
            return Err(Refusal::NotDerived("an element under a Gamma".into()));
        }
    })
}

fn negative(mut t: Term) -> Term {
    t.coef = -t.coef;
    t
}

/// See the module.
///
/// # Errors
/// A rate that is no monomial. The log Gamma of an unknown shape is a function of it.
pub fn gamma(a: &Arguments<'_, '_>, value: &Value) -> Result<Polynomial, Refusal> {
    let ex = a.ex;
    let shape = a.number(ArgumentName::Shape)?;
    let rate = a.rate()?;
    let [log, v, _] = powers(value)?;
    let mut out = ex.multiply(&shape, &rate.log());
    out.push(negative(ln_gamma_of(ex, shape.clone())));
    out.extend(ex.multiply(&plus_known(shape, -1.0), &[log]));
    out.extend(scaled(-1.0, ex.multiply(&rate.factor()?, &[v])));
    Ok(out)
}

/// See the module.
///
/// # Errors
/// A rate that is no monomial.
pub fn exponential(a: &Arguments<'_, '_>, value: &Value) -> Result<Polynomial, Refusal> {
    let ex = a.ex;
    let rate = a.rate()?;
    let [_, v, _] = powers(value)?;
    let mut out = rate.log();
    out.extend(scaled(-1.0, ex.multiply(&rate.factor()?, &[v])));
    Ok(out)
}

/// See the module.
///
/// # Errors
/// A scale that is no monomial.
pub fn inverse_gamma(a: &Arguments<'_, '_>, value: &Value) -> Result<Polynomial, Refusal> {
    let ex = a.ex;
    let shape = a.number(ArgumentName::Shape)?;
    let scale = a.scale(ArgumentName::Scale)?;
    let [log, _, inverse] = powers(value)?;
    let mut out = ex.multiply(&shape, &scale.log());
    out.push(negative(ln_gamma_of(ex, shape.clone())));
    out.extend(scaled(-1.0, ex.multiply(&plus_known(shape, 1.0), &[log])));
    out.extend(scaled(-1.0, ex.multiply(&scale.factor()?, &[inverse])));
    Ok(out)
}
