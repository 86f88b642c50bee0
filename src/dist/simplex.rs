//! Dirichlet and Beta.
//!
//! ```text
//! Dirichlet  log G(sum a) - sum log G(a_k) + sum (a_k - 1) log v_k
//! Beta       log G(a + b) - log G(a) - log G(b) + (a - 1) log v + (b - 1) log(1 - v)
//! ```

use crate::algebra::expand::{Polynomial, Refusal, summed};
use crate::algebra::{Known, KnownFunction, Subscript, Term};
use crate::family::StatisticKind;
use crate::model::{ArgumentName, Fold};
use crate::numeric::link::Link;

use super::log_density::{Arguments, Value, ln_gamma, ln_gamma_of, plus_known, times_known};

fn minus_one(k: &Known) -> Known {
    Known::sum([k.clone(), Known::number(-1.0)])
}

fn negative(mut t: Term) -> Term {
    t.coef = -t.coef;
    t
}

/// See the module.
///
/// # Errors
/// A concentration that is no sum of products. Its log Gamma is a function of it where it is unknown.
pub fn dirichlet(a: &Arguments<'_, '_>, value: &Value) -> Result<Polynomial, Refusal> {
    let ex = a.ex;
    let (u, index) = value.unknown()?;
    let Some(k) = a.distribution.over else {
        return Err(Refusal::NotDerived("a Dirichlet without `over`".into()));
    };
    let mut index = index.clone();
    index.push(Subscript::Axis(k));
    let log = Term::statistic(u, StatisticKind::Log, index);
    let Some(alpha) = ex.known(a.required(ArgumentName::Alpha)?) else {
        let alpha = a.number(ArgumentName::Alpha)?;
        let total = summed(alpha.clone(), &[k]);
        let mut out = vec![ex.function_of(total, StatisticKind::Of(Link::LnGamma), None)];
        let gammas = negative(ln_gamma_of(ex, alpha.clone()));
        out.extend(summed(vec![gammas], &[k]));
        out.extend(summed(ex.multiply(&plus_known(alpha, -1.0), &[log]), &[k]));
        return Ok(out);
    };
    let l = ex.fresh(k.plate);
    let total = Known::Fold {
        fold: Fold::Sum,
        axes: vec![l],
        restriction: None,
        body: Box::new(alpha.map(&|s| s.substitute(&[(k, Subscript::Axis(l))]))),
    };
    let mut out = vec![ln_gamma(total)];
    out.extend(summed(vec![negative(ln_gamma(alpha.clone()))], &[k]));
    out.extend(summed(times_known(ex, &minus_one(&alpha), &[log]), &[k]));
    Ok(out)
}

/// See the module.
///
/// # Errors
/// Arguments that are no sums of products.
pub fn beta(a: &Arguments<'_, '_>, value: &Value) -> Result<Polynomial, Refusal> {
    let ex = a.ex;
    let (log, log1m) = match value {
        Value::Known(k) => {
            let at = |f| Term::known(Known::call(f, k.clone()));
            (at(KnownFunction::Log), at(KnownFunction::Log1m))
        }
        _ => {
            let (u, index) = value.unknown()?;
            let at = |kind| Term::statistic(u, kind, index.clone());
            (at(StatisticKind::Log), at(StatisticKind::Log1m))
        }
    };
    let of = |n| Ok::<_, Refusal>(ex.known(a.required(n)?));
    let (Some(p), Some(q)) = (of(ArgumentName::A)?, of(ArgumentName::B)?) else {
        let (p, q) = (a.number(ArgumentName::A)?, a.number(ArgumentName::B)?);
        let mut out = vec![
            ln_gamma_of(ex, [p.clone(), q.clone()].concat()),
            negative(ln_gamma_of(ex, p.clone())),
            negative(ln_gamma_of(ex, q.clone())),
        ];
        out.extend(ex.multiply(&plus_known(p, -1.0), &[log]));
        out.extend(ex.multiply(&plus_known(q, -1.0), &[log1m]));
        return Ok(out);
    };
    let mut out = vec![
        ln_gamma(Known::sum([p.clone(), q.clone()])),
        negative(ln_gamma(p.clone())),
        negative(ln_gamma(q.clone())),
    ];
    out.extend(times_known(ex, &minus_one(&p), &[log]));
    out.extend(times_known(ex, &minus_one(&q), &[log1m]));
    Ok(out)
}
