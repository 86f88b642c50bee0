//! Gaussian (scalar, and over an axis with number or matrix spread), Laplace, Uniform.
//!
//! ```text
//! Gaussian   -1/2 log 2 pi + 1/2 log p - p (v - m)^2 / 2                     p = 1/var = 1/sd^2 = precision
//! over A     -D/2 log 2 pi + 1/2 log|P| - (v - m)' P (v - m) / 2             P = cov^-1 = precision
//! Laplace    -log 2 + log r - r |v - m|                                      r = 1/scale
//! Uniform    -log(high - low) + log 1[low <= v <= high]
//! ```

use crate::algebra::expand::{Polynomial, Refusal, merge_known, scaled, summed};
use crate::algebra::{Known, KnownFunction, MatrixFactor, Scale, Statistic, Subscript, Term};
use crate::family::StatisticKind;
use crate::model::{Argument, ArgumentName};

use super::log_density::{Arguments, Value};

const LOG_2_PI: f64 = 1.837_877_066_409_345_3;

/// See the module.
///
/// # Errors
/// A mean or spread that is no polynomial or monomial.
pub fn gaussian(a: &Arguments<'_, '_>, value: &Value) -> Result<Polynomial, Refusal> {
    let ex = a.ex;
    let mean = ex.expand(a.required(ArgumentName::Mean)?)?;
    let difference = merge_known([value.polynomial(ex), scaled(-1.0, mean)].concat());
    let matrix = [ArgumentName::Cov, ArgumentName::Precision]
        .into_iter()
        .find_map(|n| match a.distribution.argument(n) {
            Some(Argument::Matrix(m)) => Some((n, m)),
            _ => None,
        });
    if let Some((name, m)) = matrix {
        let Some(d) = a.distribution.over else {
            return Err(Refusal::NotDerived("a matrix spread without `over`".into()));
        };
        let (mut scale, mut factor) = ex.matrix(m, d)?;
        if name == ArgumentName::Cov {
            scale = scale.power(-1.0);
            factor = match factor {
                MatrixFactor::Unknown(u, i, p) => MatrixFactor::Unknown(u, i, -p),
                MatrixFactor::Known(k) => MatrixFactor::Known(k.inverse()),
            };
        }
        let e = ex.fresh(d.plate);
        let (log_det, entry) = ex.precision_terms(&scale, &factor, d.plate, d, e)?;
        let at_e: Polynomial = difference
            .iter()
            .map(|t| ex.freshen(t).substitute(&[(d, Subscript::Axis(e))]))
            .collect();
        let square = ex.multiply(&ex.multiply(&entry, &difference), &at_e);
        let mut out = summed(vec![Term::number(-0.5 * LOG_2_PI)], &[d]);
        out.extend(scaled(0.5, log_det));
        out.extend(scaled(-0.5, summed(square, &[d, e])));
        return Ok(out);
    }
    let precision: Scale = if a.scalar(ArgumentName::Precision).is_some() {
        a.scale(ArgumentName::Precision)?
    } else if a.scalar(ArgumentName::Var).is_some() {
        a.scale(ArgumentName::Var)?.power(-1.0)
    } else {
        a.scale(ArgumentName::Sd)?.power(-2.0)
    };
    let square = ex.multiply(&precision.factor()?, &ex.multiply(&difference, &difference));
    let mut out = vec![Term::number(-0.5 * LOG_2_PI)];
    out.extend(scaled(0.5, precision.log()));
    out.extend(scaled(-0.5, square));
    Ok(match a.distribution.over {
        Some(d) => summed(out, &[d]),
        None => out,
    })
}

/// See the module. The difference must be one unknown and a known number.
///
/// # Errors
/// A location with several unknowns.
pub fn laplace(a: &Arguments<'_, '_>, value: &Value) -> Result<Polynomial, Refusal> {
    let ex = a.ex;
    let mean = ex.expand(a.required(ArgumentName::Mean)?)?;
    let difference = merge_known([value.polynomial(ex), scaled(-1.0, mean)].concat());
    let rate = a.rate()?;
    if let Some(xi) = a.scalar(ArgumentName::Auxiliary) {
        // -log 2 + log r - r (d^2 / xi + xi) / 2
        let xi = ex.scale(xi)?;
        let inverse = xi.clone().power(-1.0).factor()?;
        let square = ex.multiply(&inverse, &ex.multiply(&difference, &difference));
        let bound = [square, xi.factor()?].concat();
        let mut out = vec![Term::number(-std::f64::consts::LN_2)];
        out.extend(rate.log());
        out.extend(scaled(-0.5, ex.multiply(&rate.factor()?, &bound)));
        return Ok(out);
    }
    let (unknown, known): (Vec<&Term>, Vec<&Term>) =
        difference.iter().partition(|t| !t.stats.is_empty());
    let offset = Known::sum(known.iter().map(|t| {
        Known::product(std::iter::once(Known::number(t.coef)).chain(t.data.iter().cloned()))
    }));
    let distance = match unknown.as_slice() {
        [] if known.iter().all(|t| t.axes.is_empty()) => {
            Term::known(Known::call(KnownFunction::Abs, offset))
        }
        [t] if matches!(value, Value::Unknown(..))
            && known.iter().all(|t| t.axes.is_empty())
            && t.stats.len() == 1
            && t.data.is_empty()
            && t.axes.is_empty()
            && t.coef.abs() == 1.0
            && t.stats[0].kind == StatisticKind::Value =>
        {
            // |c v + k| = |v + c k| for c = 1 or -1.
            let zero = offset.as_number() == Some(0.0);
            let shift = if t.coef > 0.0 {
                offset.negated()
            } else {
                offset
            };
            Term {
                stats: vec![Statistic {
                    kind: StatisticKind::Abs,
                    offset: (!zero).then_some(shift),
                    ..t.stats[0].clone()
                }],
                ..Term::number(1.0)
            }
        }
        _ => ex.function_of(
            difference.clone(),
            StatisticKind::Of(crate::numeric::link::Link::Abs),
            None,
        ),
    };
    let mut out = vec![Term::number(-std::f64::consts::LN_2)];
    out.extend(rate.log());
    out.extend(scaled(-1.0, ex.multiply(&rate.factor()?, &[distance])));
    Ok(out)
}

/// See the module.
///
/// # Errors
/// An unknown value or bound.
pub fn uniform(a: &Arguments<'_, '_>, value: &Value) -> Result<Polynomial, Refusal> {
    let low = a.known(ArgumentName::Low)?;
    let high = a.known(ArgumentName::High)?;
    let Value::Known(v) = value else {
        return Err(Refusal::NotDerived(
            "a Uniform prior: q would be a truncated family".into(),
        ));
    };
    let width = Known::sum([high.clone(), low.clone().negated()]);
    let inside = Known::Between(Box::new([low, v.clone(), high]));
    let mut log_width = Term::known(Known::call(KnownFunction::Log, width));
    log_width.coef = -log_width.coef;
    Ok(vec![
        log_width,
        Term::known(Known::call(KnownFunction::Log, inside)),
    ])
}
