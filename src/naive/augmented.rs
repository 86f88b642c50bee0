//! Statements with an auxiliary variable, at numbers: what the auxiliary's identity or bound makes of their log density.
//!
//! ```text
//! logit     v e - n (log 2 + e/2 + w e^2/2), the n of a Binomial with its coefficient     w relative to PG(1, 0)
//! probit    log density of g about (2 v - 1) e with variance 1
//! softmax   e_v - c - sum_k (log 2 + (e_k - c)/2 + w_k (e_k - c)^2/2)
//! Laplace   log(r/2) - r ((v - m)^2/x + x)/2
//! counts    v log(the addend that z picks) in place of v log(sum of addends)
//! ```

use statrs::distribution::{Continuous, Normal};
use statrs::function::factorial::ln_factorial;

use super::Problem;
use super::expression::{Bindings, Evaluator};
use crate::model::{
    Argument, ArgumentName as Name, Axis, Distribution, DistributionKind as Kind, Expr, as_sum,
};

struct Augmented<'e, 'a> {
    evaluator: &'e Evaluator<'a>,
    d: &'e Distribution,
    bound: &'e mut Bindings,
}

/// The log density of a value, or a bound on it, at the auxiliary's value; `None` where the distribution has no auxiliary.
pub(super) fn augmented(
    evaluator: &Evaluator,
    d: &Distribution,
    bound: &mut Bindings,
    value: &[f64],
) -> Result<Option<f64>, Problem> {
    if d.argument(Name::Auxiliary).is_none() {
        return Ok(None);
    }
    let mut of = Augmented {
        evaluator,
        d,
        bound,
    };
    of.log_density(value).map(Some)
}

impl Augmented<'_, '_> {
    fn expression(&self, name: Name) -> Result<Expr, Problem> {
        match self.d.argument(name) {
            Some(Argument::Scalar(e)) => Ok(e.clone()),
            _ => Err(Problem::Argument(format!("no argument {name:?}"))),
        }
    }

    fn number(&mut self, name: Name) -> Result<f64, Problem> {
        let e = self.expression(name)?;
        self.evaluator.needed(&e, self.bound)
    }

    fn along(&mut self, name: Name, over: Axis) -> Result<Vec<f64>, Problem> {
        let e = self.expression(name)?;
        (0..self.evaluator.size(over.plate))
            .map(|i| self.at(&e, over, i))
            .collect()
    }

    fn at(&mut self, e: &Expr, axis: Axis, i: usize) -> Result<f64, Problem> {
        self.bound.push((axis, i));
        let v = self.evaluator.needed(e, self.bound);
        self.bound.pop();
        v
    }

    fn over(&self) -> Result<Axis, Problem> {
        let missing = || Problem::Argument("`over` is missing".to_string());
        self.d.over.ok_or_else(missing)
    }

    /// The logarithm of the addend that the auxiliary picks.
    fn picked(&mut self, name: Name) -> Result<f64, Problem> {
        let sum = self.expression(name)?;
        let none = || Problem::Argument(format!("{name:?} is no sum"));
        let (axis, body) = as_sum(&sum).ok_or_else(none)?;
        let z = self.number(Name::Auxiliary)?;
        Ok(self.at(&body, axis, z as usize)?.ln())
    }

    fn log_density(&mut self, value: &[f64]) -> Result<f64, Problem> {
        let v = value.first().copied().unwrap_or(f64::NAN);
        let half = |e: f64, w: f64| std::f64::consts::LN_2 + 0.5 * e + 0.5 * w * e * e;
        match self.d.kind {
            Kind::Bernoulli if self.d.argument(Name::Logit).is_some() => {
                let (e, w) = (self.number(Name::Logit)?, self.number(Name::Auxiliary)?);
                Ok(v * e - half(e, w))
            }
            Kind::Binomial => {
                let (e, w) = (self.number(Name::Logit)?, self.number(Name::Auxiliary)?);
                let n = self.number(Name::Total)?;
                let choose =
                    ln_factorial(n as u64) - ln_factorial(v as u64) - ln_factorial((n - v) as u64);
                Ok(choose + v * e - n * half(e, w))
            }
            Kind::Bernoulli => {
                let (e, g) = (self.number(Name::Probit)?, self.number(Name::Auxiliary)?);
                let normal = Normal::new((2.0 * v - 1.0) * e, 1.0)
                    .map_err(|e| Problem::Argument(e.to_string()))?;
                Ok(normal.ln_pdf(g))
            }
            Kind::Categorical => {
                let over = self.over()?;
                let e = self.along(Name::Logit, over)?;
                let w = self.along(Name::Auxiliary, over)?;
                let c = self.number(Name::Centre)?;
                let outside = || Problem::Element(format!("category {v}"));
                let own = *e.get(v as usize).ok_or_else(outside)?;
                let rest: f64 = e.iter().zip(&w).map(|(e, w)| half(e - c, *w)).sum();
                Ok(own - c - rest)
            }
            Kind::Laplace => {
                let m = self.number(Name::Mean)?;
                let x = self.number(Name::Auxiliary)?;
                let rate = match self.d.argument(Name::Rate) {
                    Some(_) => self.number(Name::Rate)?,
                    None => 1.0 / self.number(Name::Scale)?,
                };
                Ok((0.5 * rate).ln() - 0.5 * rate * ((v - m).powi(2) / x + x))
            }
            Kind::Poisson => {
                let log = if v > 0.0 {
                    v * self.picked(Name::Rate)?
                } else {
                    0.0
                };
                Ok(log - self.number(Name::Rate)? - ln_factorial(v as u64))
            }
            Kind::Multinomial => {
                let over = self.over()?;
                let mut total = ln_factorial(value.iter().sum::<f64>() as u64);
                for (i, v) in value.iter().enumerate() {
                    self.bound.push((over, i));
                    let log = if *v > 0.0 {
                        self.picked(Name::P)
                    } else {
                        Ok(0.0)
                    };
                    self.bound.pop();
                    total += v * log? - ln_factorial(*v as u64);
                }
                Ok(total)
            }
            other => Err(Problem::Argument(format!("{other:?} with an auxiliary"))),
        }
    }
}
