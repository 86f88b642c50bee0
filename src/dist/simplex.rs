//! Dirichlet and Beta.
//!
//! ```text
//! Dirichlet  log G(sum a) - sum log G(a_k) + sum (a_k - 1) log v_k
//! Beta       log G(a + b) - log G(a) - log G(b) + (a - 1) log v + (b - 1) log(1 - v)
//! ```

use crate::algebra::expand::{Polynomial, Refusal, summed};
use crate::algebra::{Known, Subscript, Term};
use crate::family::StatisticKind;
use crate::model::{ArgumentName, Fold};

use super::log_density::{Arguments, Value, ln_gamma, times_known};

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
/// An unknown concentration.
pub fn dirichlet(a: &Arguments<'_, '_>, value: &Value) -> Result<Polynomial, Refusal> {
    let ex = a.ex;
    let alpha = a.known(ArgumentName::Alpha)?;
    let (u, index) = value.unknown()?;
    let Some(k) = a.distribution.over else {
        return Err(Refusal::NotDerived("a Dirichlet without `over`".into()));
    };
    let l = ex.fresh(k.plate);
    let total = Known::Fold {
        fold: Fold::Sum,
        axes: vec![l],
        restriction: None,
        body: Box::new(alpha.map(&|s| s.substitute(&[(k, Subscript::Axis(l))]))),
    };
    let mut index = index.clone();
    index.push(Subscript::Axis(k));
    let log = Term::statistic(u, StatisticKind::Log, index);
    let mut out = vec![ln_gamma(total)];
    out.extend(summed(vec![negative(ln_gamma(alpha.clone()))], &[k]));
    out.extend(summed(times_known(ex, &minus_one(&alpha), &[log]), &[k]));
    Ok(out)
}

/// See the module.
///
/// # Errors
/// Unknown a or b.
pub fn beta(a: &Arguments<'_, '_>, value: &Value) -> Result<Polynomial, Refusal> {
    let ex = a.ex;
    let (p, q) = (a.known(ArgumentName::A)?, a.known(ArgumentName::B)?);
    let (u, index) = value.unknown()?;
    let at = |kind| Term::statistic(u, kind, index.clone());
    let mut out = vec![
        ln_gamma(Known::sum([p.clone(), q.clone()])),
        negative(ln_gamma(p.clone())),
        negative(ln_gamma(q.clone())),
    ];
    out.extend(times_known(ex, &minus_one(&p), &[at(StatisticKind::Log)]));
    out.extend(times_known(ex, &minus_one(&q), &[at(StatisticKind::Log1m)]));
    Ok(out)
}
