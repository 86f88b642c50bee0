//! A term as it is written: with conditions on its indices and squares that were never multiplied out.
//!
//! ```text
//! coef * prod data * prod statistics * prod squares,   summed over axes where all conditions hold
//! ```

use crate::model::{Axis, PlateId};

use super::known::Known;
use super::term::{Statistic, Subscript, Term};

/// A product summed over axes.
#[derive(Debug, Clone, PartialEq)]
pub struct Piece {
    /// Number in front.
    pub coef: f64,
    /// Known factors.
    pub data: Vec<Known>,
    /// Statistics of unknowns.
    pub stats: Vec<Statistic>,
    /// At most one square.
    pub square: Option<Square>,
    /// Conditions on its indices.
    pub given: Vec<Condition>,
    /// Summed axes.
    pub axes: Vec<Axis>,
}

/// Two subscripts that must be the same element of a plate.
#[derive(Debug, Clone, PartialEq)]
pub struct Condition {
    /// One side.
    pub left: Subscript,
    /// The other.
    pub right: Subscript,
    /// Whose elements they are.
    pub plate: PlateId,
}

/// The square of a sum of terms.
#[derive(Debug, Clone, PartialEq)]
pub struct Square {
    /// What is squared, as a sum.
    pub roots: Vec<Term>,
    /// How.
    pub kind: SquareKind,
}

/// How a sum is squared.
#[derive(Debug, Clone, PartialEq)]
pub enum SquareKind {
    /// a^2
    Scalar,
    /// a' M a over an axis of the roots; the second axis is M's other.
    Form(MatrixFactor, Axis, Axis),
    /// a a' over an axis of the roots, at two free axes.
    Outer(Axis, Axis, Axis),
}

/// The matrix of a quadratic form.
#[derive(Debug, Clone, PartialEq)]
pub enum MatrixFactor {
    /// A statistic whose last two subscripts are the form's axes.
    Statistic(Statistic),
    /// A known matrix.
    Known(super::known::KnownMatrix),
}

impl From<&Term> for Piece {
    fn from(t: &Term) -> Piece {
        Piece {
            coef: t.coef,
            data: t.data.clone(),
            stats: t.stats.clone(),
            square: None,
            given: vec![],
            axes: t.axes.clone(),
        }
    }
}

impl Piece {
    /// A number.
    pub fn number(coef: f64) -> Piece {
        Piece::from(&Term::number(coef))
    }

    /// Axes that some factor or condition carries.
    pub fn carried_axes(&self) -> Vec<Axis> {
        let t = Term {
            coef: 1.0,
            data: self.data.clone(),
            stats: self.stats.clone(),
            axes: vec![],
            from: vec![],
        };
        let mut out = t.carried_axes();
        let mut add = |a: Axis| {
            if !out.contains(&a) {
                out.push(a);
            }
        };
        for c in &self.given {
            c.left.visit_axes(&mut add);
            c.right.visit_axes(&mut add);
        }
        if let Some(s) = &self.square {
            for a in s.axes() {
                add(a);
            }
        }
        out
    }

    /// Every subscript of its factors mapped; conditions and axes stay.
    #[must_use]
    pub fn map(&self, f: &dyn Fn(&Subscript) -> Subscript) -> Piece {
        let statistic = |s: &Statistic| Statistic {
            index: s.index.iter().map(f).collect(),
            ..s.clone()
        };
        Piece {
            data: self.data.iter().map(|k| k.map(f)).collect(),
            stats: self.stats.iter().map(statistic).collect(),
            square: self.square.as_ref().map(|s| Square {
                roots: s.roots.iter().map(|r| r.map(f)).collect(),
                kind: match &s.kind {
                    SquareKind::Form(MatrixFactor::Statistic(m), d, e) => {
                        SquareKind::Form(MatrixFactor::Statistic(statistic(m)), *d, *e)
                    }
                    other => other.clone(),
                },
            }),
            ..self.clone()
        }
    }

    /// Every axis renamed.
    #[must_use]
    pub fn rename(&self, map: &[(Axis, Axis)]) -> Piece {
        let subst: Vec<(Axis, Subscript)> =
            map.iter().map(|(a, b)| (*a, Subscript::Axis(*b))).collect();
        let t = Term {
            coef: self.coef,
            data: self.data.clone(),
            stats: self.stats.clone(),
            axes: self.axes.clone(),
            from: vec![],
        }
        .substitute(&subst);
        let to = |a: Axis| map.iter().find(|(b, _)| *b == a).map_or(a, |(_, c)| *c);
        Piece {
            coef: t.coef,
            data: t.data,
            stats: t.stats,
            axes: t.axes,
            given: self
                .given
                .iter()
                .map(|c| Condition {
                    left: c.left.substitute(&subst),
                    right: c.right.substitute(&subst),
                    plate: c.plate,
                })
                .collect(),
            square: self.square.as_ref().map(|s| Square {
                roots: s.roots.iter().map(|r| r.substitute(&subst)).collect(),
                kind: match &s.kind {
                    SquareKind::Scalar => SquareKind::Scalar,
                    SquareKind::Form(m, d, e) => SquareKind::Form(
                        match m {
                            MatrixFactor::Statistic(s) => MatrixFactor::Statistic(Statistic {
                                index: s.index.iter().map(|i| i.substitute(&subst)).collect(),
                                ..s.clone()
                            }),
                            MatrixFactor::Known(m) => MatrixFactor::Known(m.clone()),
                        },
                        to(*d),
                        to(*e),
                    ),
                    SquareKind::Outer(a, d, e) => SquareKind::Outer(to(*a), to(*d), to(*e)),
                },
            }),
        }
    }
}

impl Square {
    /// Axes it carries from outside; those it sums itself are left out.
    pub fn axes(&self) -> Vec<Axis> {
        let mut out: Vec<Axis> = vec![];
        let mut own: Vec<Axis> = vec![];
        for r in &self.roots {
            own.extend(&r.axes);
            for a in r.carried_axes() {
                if !out.contains(&a) {
                    out.push(a);
                }
            }
        }
        match &self.kind {
            SquareKind::Scalar => {}
            SquareKind::Form(m, d, e) => {
                own.extend([*d, *e]);
                if let MatrixFactor::Statistic(s) = m {
                    for i in &s.index {
                        for a in i.axes() {
                            if !out.contains(&a) {
                                out.push(a);
                            }
                        }
                    }
                }
            }
            SquareKind::Outer(a, d, e) => {
                own.push(*a);
                out.extend([*d, *e]);
            }
        }
        out.retain(|a| !own.contains(a));
        out
    }
}
