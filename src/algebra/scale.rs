//! Scales as monomials: number * prod known^p * prod variable^p, with at most one matrix.
//!
//! `var = e` is precision e^-1, `sd = e` is e^-2, `scale = e` is rate e^-1: one internal form. The log of a monomial is a sum
//! of logs, the factor itself a product of powers, so both are terms.

use crate::family::StatisticKind;
use crate::model::{Axis, Domain, Expr, Function, Matrix, PlateId};

use super::expand::{Expander, Polynomial, Refusal};
use super::known::{Known, KnownFunction, KnownMatrix};
use super::term::{Subscript, Term};
use super::unknown::UnknownId;

/// A positive monomial.
#[derive(Debug, Clone, PartialEq)]
pub struct Scale {
    /// Known part, not yet raised.
    pub known: Known,
    /// Unknowns with their powers.
    pub unknown: Vec<(UnknownId, Vec<Subscript>, f64)>,
}

/// A matrix factor of a precision.
#[derive(Debug, Clone, PartialEq)]
pub enum MatrixFactor {
    /// A variable (all subscripts but the last two) to the power 1 or -1.
    Unknown(UnknownId, Vec<Subscript>, i8),
    /// A known matrix.
    Known(KnownMatrix),
}

impl Scale {
    /// 1
    pub fn one() -> Scale {
        Scale {
            known: Known::number(1.0),
            unknown: vec![],
        }
    }

    /// The monomial to a power.
    #[must_use]
    pub fn power(self, p: f64) -> Scale {
        Scale {
            known: self.known.power(p),
            unknown: self
                .unknown
                .into_iter()
                .map(|(u, i, q)| (u, i, q * p))
                .collect(),
        }
    }

    /// The product of two monomials; powers of one unknown at one index add up.
    #[must_use]
    pub fn times(mut self, other: Scale) -> Scale {
        self.known = Known::product([self.known, other.known]);
        for (u, i, p) in other.unknown {
            match self.unknown.iter_mut().find(|(v, j, _)| *v == u && *j == i) {
                Some(slot) => slot.2 += p,
                None => self.unknown.push((u, i, p)),
            }
        }
        self.unknown.retain(|(_, _, p)| *p != 0.0);
        self
    }

    /// The monomial itself as a polynomial (one term).
    ///
    /// # Errors
    /// An unknown under a power that is no statistic.
    pub fn factor(&self) -> Result<Polynomial, Refusal> {
        let mut t = Term::known(self.known.clone());
        for (u, i, p) in &self.unknown {
            let kind = if *p == 1.0 {
                StatisticKind::Value
            } else if p.fract() == 0.0 && (-2.0..=2.0).contains(p) {
                StatisticKind::Power(*p as i8)
            } else {
                return Err(Refusal::NoFamily(format!(
                    "a spread holds an unknown to the power {p}: no family has that statistic"
                )));
            };
            t.stats.extend(Term::statistic(*u, kind, i.clone()).stats);
        }
        Ok(vec![t])
    }

    /// The logarithm of the monomial.
    pub fn log(&self) -> Polynomial {
        let mut out = vec![];
        if self.known.as_number() != Some(1.0) {
            out.extend(log_known(&self.known));
        }
        for (u, i, p) in &self.unknown {
            let mut t = Term::statistic(*u, StatisticKind::Log, i.clone());
            t.coef = *p;
            out.push(t);
        }
        out
    }
}

/// The log of a known positive number, powers and products pulled apart where that is exact.
fn log_known(k: &Known) -> Polynomial {
    match k {
        Known::Power(base, e) if e.as_number().is_some() => {
            let p = e.as_number().unwrap_or(1.0);
            super::expand::scaled(p, log_known(base))
        }
        other => vec![Term::known(Known::call(KnownFunction::Log, other.clone()))],
    }
}

impl Expander<'_> {
    /// The expression as a positive monomial.
    ///
    /// # Errors
    /// Sums of unknowns and functions of unknowns.
    pub fn scale(&self, expr: &Expr) -> Result<Scale, Refusal> {
        if let Some(known) = self.known(expr) {
            return Ok(Scale {
                known,
                unknown: vec![],
            });
        }
        let unknown = match expr {
            Expr::Variable(v, idx) => Some((self.unknowns.variable(*v), idx)),
            Expr::Column(c, idx) => self.unknowns.column(*c).map(|u| (u, idx)),
            _ => None,
        };
        if let Some((u, idx)) = unknown {
            return match self.unknowns.get(u).domain {
                Domain::Positive | Domain::Probability | Domain::Simplex => Ok(Scale {
                    known: Known::number(1.0),
                    unknown: vec![(u, self.subscripts(idx), 1.0)],
                }),
                _ => Err(Refusal::NoFamily(format!(
                    "`{}` stands in a spread or rate and is not positive by its domain",
                    self.unknowns.get(u).name
                ))),
            };
        }
        match expr {
            Expr::Multiply(a, b) => Ok(self.scale(a)?.times(self.scale(b)?)),
            Expr::Divide(a, b) => Ok(self.scale(a)?.times(self.scale(b)?.power(-1.0))),
            Expr::Power(a, b) => match self.known(b).and_then(|k| k.as_number()) {
                Some(p) => Ok(self.scale(a)?.power(p)),
                None => Err(Refusal::NoFamily(
                    "a spread holds an unknown under a power that is no number".into(),
                )),
            },
            Expr::Call(Function::Sqrt, a) => Ok(self.scale(a)?.power(0.5)),
            Expr::Definition(d, idx) => match &self.model.definition(*d).body {
                crate::model::Body::Expr(e) => {
                    let def = self.model.definition(*d);
                    let map: Vec<(Axis, Subscript)> = def
                        .axes
                        .iter()
                        .copied()
                        .zip(self.subscripts(idx))
                        .collect();
                    let s = self.scale(e)?;
                    Ok(Scale {
                        known: s.known.map(&|i| i.substitute(&map)),
                        unknown: s
                            .unknown
                            .into_iter()
                            .map(|(u, i, p)| {
                                (u, i.iter().map(|x| x.substitute(&map)).collect(), p)
                            })
                            .collect(),
                    })
                }
                crate::model::Body::Table { .. } => Err(Refusal::NotDerived(
                    "a table of unknowns in a spread".into(),
                )),
            },
            _ => Err(Refusal::NoFamily(
                "a spread or rate is no product of powers of unknowns: its logarithm is no sum of statistics"
                    .into(),
            )),
        }
    }

    /// A matrix argument over `axis`: number times one matrix, as a precision where `covariance` is false.
    ///
    /// # Errors
    /// Sums and inverses of unknown matrices.
    pub fn matrix(&self, m: &Matrix, axis: Axis) -> Result<(Scale, MatrixFactor), Refusal> {
        match m {
            Matrix::Scaled(e, inner) => {
                let (s, f) = self.matrix(inner, axis)?;
                Ok((self.scale(e)?.times(s), f))
            }
            Matrix::Variable(v, idx) => Ok((
                Scale::one(),
                MatrixFactor::Unknown(self.unknowns.variable(*v), self.subscripts(idx), 1),
            )),
            other => Ok((
                Scale::one(),
                MatrixFactor::Known(self.known_matrix(other, axis)?),
            )),
        }
    }

    /// A known matrix.
    ///
    /// # Errors
    /// [`Refusal::MustBeKnown`] where an unknown occurs in it.
    pub fn known_matrix(&self, m: &Matrix, axis: Axis) -> Result<KnownMatrix, Refusal> {
        let must = || Refusal::MustBeKnown("an unknown inside a matrix expression".into());
        Ok(match m {
            Matrix::Identity => KnownMatrix::Identity,
            Matrix::Diagonal(e) => {
                KnownMatrix::Diagonal(axis, Box::new(self.known(e).ok_or_else(must)?))
            }
            Matrix::Definition(d, idx) => KnownMatrix::Definition(*d, self.subscripts(idx)),
            Matrix::Variable(..) => return Err(must()),
            Matrix::Scaled(e, inner) => KnownMatrix::Scaled(
                Box::new(self.known(e).ok_or_else(must)?),
                Box::new(self.known_matrix(inner, axis)?),
            ),
            Matrix::Sum(a, b) => KnownMatrix::Sum(
                Box::new(self.known_matrix(a, axis)?),
                Box::new(self.known_matrix(b, axis)?),
            ),
            Matrix::Inverse(a) => self.known_matrix(a, axis)?.inverse(),
        })
    }

    /// log|M| of a precision `scale * matrix^power` over a plate, and its entry at two axes.
    ///
    /// # Errors
    /// As [`Scale::factor`].
    pub fn precision_terms(
        &self,
        scale: &Scale,
        matrix: &MatrixFactor,
        plate: PlateId,
        d: Axis,
        e: Axis,
    ) -> Result<(Polynomial, Polynomial), Refusal> {
        let axis = self.fresh(plate);
        let mut log_det = super::expand::summed(scale.log(), &[axis]);
        let mut entry = scale.factor()?;
        let (de, ee) = (Subscript::Axis(d), Subscript::Axis(e));
        match matrix {
            MatrixFactor::Unknown(u, idx, p) => {
                let mut log = Term::statistic(*u, StatisticKind::Log, idx.clone());
                log.coef = f64::from(*p);
                log_det.push(log);
                let kind = if *p == 1 {
                    StatisticKind::Value
                } else {
                    StatisticKind::Power(*p)
                };
                let mut index = idx.clone();
                index.extend([de, ee]);
                entry = self.multiply(&entry, &[Term::statistic(*u, kind, index)]);
            }
            MatrixFactor::Known(m) => {
                log_det.push(Term::known(Known::LogDet(m.clone(), plate)));
                entry = self.multiply(&entry, &[Term::known(Known::Entry(m.clone(), de, ee))]);
            }
        }
        Ok((log_det, entry))
    }
}
