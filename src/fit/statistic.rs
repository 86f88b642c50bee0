//! Sufficient statistics of a point from its value, where a fit was made without needing them.

use ndarray::{ArrayD, IxDyn};

use crate::family::StatisticKind;
use crate::model::Domain;
use crate::numeric::{linalg, log_or_floor};

/// t(v) of a point.
pub(super) fn statistic(domain: Domain, k: StatisticKind, v: ArrayD<f64>) -> Option<ArrayD<f64>> {
    if matches!(domain, Domain::Covariance | Domain::Precision) && k != StatisticKind::Value {
        let n = v.shape().last().copied()?;
        let flat: Vec<f64> = v.iter().copied().collect();
        let (mut logs, mut inverses) = (vec![], vec![]);
        for m in flat.chunks((n * n).max(1)) {
            let mut inverse = vec![0.0; n * n];
            logs.push(linalg::inverse_spd(m, n, &mut inverse).ok()?);
            inverses.extend(inverse);
        }
        let front = v.shape().get(..v.ndim().checked_sub(2)?)?;
        return match k {
            StatisticKind::Log => ArrayD::from_shape_vec(IxDyn(front), logs).ok(),
            StatisticKind::Power(-1) => ArrayD::from_shape_vec(v.raw_dim(), inverses).ok(),
            _ => None,
        };
    }
    Some(match k {
        StatisticKind::Value => v,
        StatisticKind::Power(p) => v.mapv(|x| x.powi(i32::from(p))),
        StatisticKind::Log => v.mapv(log_or_floor),
        StatisticKind::Log1m => v.mapv(|x| {
            if x == 1.0 {
                log_or_floor(0.0)
            } else {
                (-x).ln_1p()
            }
        }),
        StatisticKind::Abs => v.mapv(f64::abs),
        StatisticKind::Of(link) => v.mapv(|x| link.value(x)),
        StatisticKind::Indicator
        | StatisticKind::Pair
        | StatisticKind::LogSumExp
        | StatisticKind::Slope => return None,
    })
}
