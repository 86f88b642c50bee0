//! Predictions through a function of a sum: the sum is Gaussian under q, or known.
//!
//! ```text
//! eta ~ Gaussian(m, v)      logit    P(1) = E[1 / (1 + e^-eta)]           numerically
//!                           probit   P(1) = Phi(m / sqrt(1 + v))
//!                           log      E[x] = e^(m + v/2),  Var[x] = E[x] + E[x]^2 (e^v - 1)
//! ```

use ndarray::{ArrayD, Axis as Dim, Zip};

use super::Expectation;
use crate::derive::Form;
use crate::family::StatisticKind;
use crate::model::{Argument, ArgumentName, Axis, Distribution, Expr, Function, Role};
use crate::numeric::link::{Link, sigmoid};

/// The logarithm of a Poisson's rate, where it is given.
pub(super) fn exponent(d: &Distribution) -> Option<&Expr> {
    let scalar = |name| match d.argument(name) {
        Some(Argument::Scalar(e)) => Some(e),
        _ => None,
    };
    match scalar(ArgumentName::Rate) {
        Some(Expr::Call(Function::Exp, e)) => Some(e),
        _ => scalar(ArgumentName::Log),
    }
}

/// A function of mean and variance, element by element.
pub(super) fn each(m: &ArrayD<f64>, v: &ArrayD<f64>, f: fn(f64, f64) -> f64) -> ArrayD<f64> {
    Zip::from(m).and(v).map_collect(|m, v| f(*m, *v))
}

fn normal_cdf(x: f64) -> f64 {
    Link::LogNormalCdf.value(x).exp()
}

pub(super) fn probit(m: f64, v: f64) -> f64 {
    normal_cdf(m / (1.0 + v).sqrt())
}

/// E[1 / (1 + e^-eta)], by trapezoids over the narrower of the two: eta itself, or the logistic variable L with
/// 1 / (1 + e^-eta) = P(L < eta), so that what is summed is smooth on the scale of the step.
pub(super) fn logistic(m: f64, v: f64) -> f64 {
    const STEP: f64 = 0.1;
    let s = v.sqrt();
    if s == 0.0 {
        return sigmoid(m);
    }
    let (mut sum, mut total) = (0.0, 0.0);
    if s <= 1.5 {
        for i in -100..=100 {
            let z = STEP * f64::from(i);
            let w = (-0.5 * z * z).exp();
            total += w;
            sum += w * sigmoid(m + s * z);
        }
    } else {
        for i in -400..=400 {
            let l = STEP * f64::from(i);
            let w = sigmoid(l) * sigmoid(-l);
            total += w;
            sum += w * normal_cdf((m - l) / s);
        }
    }
    sum / total
}

/// Softmax along the last dimension.
pub(super) fn softmax(mut eta: ArrayD<f64>) -> ArrayD<f64> {
    let last = Dim(eta.ndim().saturating_sub(1));
    for mut lane in eta.lanes_mut(last) {
        let top = lane.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        lane.mapv_inplace(|x| (x - top).exp());
        let total = lane.sum();
        lane.mapv_inplace(|x| x / total);
    }
    eta
}

impl Expectation<'_, '_, '_> {
    /// Mean and variance of a sum that is Gaussian under q, or known: each product holds at most one latent, the value of
    /// one that is Gaussian. None for any other sum, whose distribution these two do not settle.
    pub(super) fn gaussian_predictor(
        &mut self,
        e: &Expr,
        axes: &[Axis],
    ) -> Option<(ArrayD<f64>, ArrayD<f64>)> {
        let d = self.a.engine.derivation;
        let mut varies = false;
        for t in self.ex.expand(e).ok()? {
            let t = crate::algebra::complete(&self.ex, t)?;
            let mut latent = 0;
            for s in &t.stats {
                let block = d.block(d.block_of(s.of)?);
                if block.role != Role::Latent {
                    continue;
                }
                latent += 1;
                let gaussian = matches!(block.form, Form::Gaussian | Form::GaussianNetwork);
                if !gaussian || s.kind != StatisticKind::Value {
                    return None;
                }
            }
            if latent > 1 {
                return None;
            }
            varies |= latent == 1;
        }
        let (m, v) = self.mean_and_variance(e, axes)?;
        // A sum of points has no spread, not even that of rounding.
        Some((m, if varies { v } else { v * 0.0 }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Against a fine sum over eta that shares no step with it.
    #[test]
    fn the_mean_of_a_logistic() {
        for (m, v) in [
            (0.3, 0.01),
            (-2.0, 1.0),
            (1.0, 2.24),
            (1.0, 2.26),
            (4.0, 90.0),
            (-7.0, 1e4),
        ] {
            let s = f64::sqrt(v);
            let n = 400_000;
            let h = 24.0 / f64::from(n);
            let (mut sum, mut total) = (0.0, 0.0);
            for i in 0..=n {
                let z = -12.0 + h * f64::from(i);
                let w = (-0.5 * z * z).exp();
                total += w;
                sum += w / (1.0 + (-(m + s * z)).exp());
            }
            let (got, want) = (logistic(m, v), sum / total);
            assert!((got - want).abs() < 1e-11, "{m} {v}: {got} {want}");
        }
    }
}
