//! Wishart and InverseWishart, D the size of the plate.
//!
//! ```text
//! Wishart         -n D/2 log 2 - log G_D(n/2) + n/2 log|S| + (n - D - 1)/2 log|V| - tr(S V)/2      S the inverse scale
//! InverseWishart  -n D/2 log 2 - log G_D(n/2) + n/2 log|S| - (n + D + 1)/2 log|V| - tr(S V^-1)/2   S the scale
//! ```

use crate::algebra::expand::{Polynomial, Refusal, scaled, summed};
use crate::algebra::{Known, KnownMatrix, Subscript, Term};
use crate::family::StatisticKind;
use crate::model::{Argument, ArgumentName};

use super::log_density::{Arguments, Value, times_known};

fn matrix_argument(
    a: &Arguments<'_, '_>,
    name: ArgumentName,
) -> Result<Option<KnownMatrix>, Refusal> {
    let Some(over) = a.distribution.over else {
        return Ok(None);
    };
    match a.distribution.argument(name) {
        Some(Argument::Matrix(m)) => a.ex.known_matrix(m, over).map(Some),
        _ => Ok(None),
    }
}

fn common(
    a: &Arguments<'_, '_>,
    value: &Value,
    s: KnownMatrix,
    log_power: impl Fn(&Known, &Known) -> Known,
    kind: StatisticKind,
) -> Result<Polynomial, Refusal> {
    let ex = a.ex;
    let Some(d) = a.distribution.over else {
        return Err(Refusal::NotDerived("a Wishart without `over`".into()));
    };
    let (u, index) = value.unknown()?;
    let df = a.known(ArgumentName::Df)?;
    let half = Known::product([Known::number(0.5), df.clone()]);
    let size = Known::Size(d.plate);
    let mut multi = Term::known(Known::MultivariateLnGamma(Box::new(half.clone()), d.plate));
    multi.coef = -1.0;
    let mut out = vec![
        Term::known(Known::product([
            Known::number(-std::f64::consts::LN_2),
            half.clone(),
            size.clone(),
        ])),
        multi,
    ];
    out.extend(times_known(
        ex,
        &half,
        &[Term::known(Known::LogDet(s.clone(), d.plate))],
    ));
    out.extend(times_known(
        ex,
        &log_power(&df, &size),
        &[Term::statistic(u, StatisticKind::Log, index.clone())],
    ));
    let e = ex.fresh(d.plate);
    let (row, column) = (Subscript::Axis(d), Subscript::Axis(e));
    let mut at = index.clone();
    at.extend([row.clone(), column.clone()]);
    let trace = times_known(
        ex,
        &Known::Entry(s, row, column),
        &[Term::statistic(u, kind, at)],
    );
    out.extend(scaled(-0.5, summed(trace, &[d, e])));
    Ok(out)
}

/// See the module.
///
/// # Errors
/// Unknown arguments.
pub fn wishart(a: &Arguments<'_, '_>, value: &Value) -> Result<Polynomial, Refusal> {
    let s = match matrix_argument(a, ArgumentName::InverseScale)? {
        Some(s) => s,
        None => matrix_argument(a, ArgumentName::Scale)?
            .ok_or_else(|| Refusal::NotDerived("a Wishart without a scale matrix".into()))?
            .inverse(),
    };
    common(
        a,
        value,
        s,
        |df, size| {
            Known::product([
                Known::number(0.5),
                Known::sum([df.clone(), size.clone().negated(), Known::number(-1.0)]),
            ])
        },
        StatisticKind::Value,
    )
}

/// See the module.
///
/// # Errors
/// Unknown arguments.
pub fn inverse_wishart(a: &Arguments<'_, '_>, value: &Value) -> Result<Polynomial, Refusal> {
    let s = matrix_argument(a, ArgumentName::Scale)?
        .ok_or_else(|| Refusal::NotDerived("an InverseWishart without a scale matrix".into()))?;
    common(
        a,
        value,
        s,
        |df, size| {
            Known::product([
                Known::number(-0.5),
                Known::sum([df.clone(), size.clone(), Known::number(1.0)]),
            ])
        },
        StatisticKind::Power(-1),
    )
}
