//! Terms: coefficient times known numbers times sufficient statistics, summed over named axes.
//!
//! ```text
//! log p = sum over terms of  coef * prod data * prod statistics,  summed over the term's axes
//! ```
//!
//! Each term owns its axes. An axis that no factor carries multiplies by the size of its plate, so a constant is an
//! ordinary term. A term with an axis over a weighted plate counts each row by its weight (not written into the term).

use crate::family::StatisticKind;
use crate::model::{Axis, ColumnId, FactorId};

use super::known::Known;
use super::unknown::UnknownId;

/// What fills a slot of a statistic or of a known value in a term.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subscript {
    /// A bound element.
    Axis(Axis),
    /// A gather: the element that a label column holds.
    Column(ColumnId, Vec<Subscript>),
    /// `axis - k`.
    Lag(Axis, u32),
    /// A fixed element.
    Element(u32),
    /// The element that an unknown takes; only while a statement is being expanded.
    Latent(UnknownId, Vec<Subscript>),
}

impl Subscript {
    /// Visits the axes in it, from left to right.
    pub fn visit_axes(&self, visit: &mut dyn FnMut(Axis)) {
        match self {
            Subscript::Axis(a) | Subscript::Lag(a, _) => visit(*a),
            Subscript::Element(_) => {}
            Subscript::Column(_, s) | Subscript::Latent(_, s) => {
                for i in s {
                    i.visit_axes(visit);
                }
            }
        }
    }

    /// The axes in it.
    pub fn axes(&self) -> Vec<Axis> {
        let mut out = Vec::new();
        self.visit_axes(&mut |a| {
            if !out.contains(&a) {
                out.push(a);
            }
        });
        out
    }

    /// True if `axis` occurs in it.
    pub fn has_axis(&self, axis: Axis) -> bool {
        let mut found = false;
        self.visit_axes(&mut |a| found |= a == axis);
        found
    }

    /// The same with axes replaced; a lag of a replaced axis stays a lag where the replacement is an axis.
    #[must_use]
    pub fn substitute(&self, map: &[(Axis, Subscript)]) -> Subscript {
        match self {
            Subscript::Axis(a) => map
                .iter()
                .find(|(b, _)| a == b)
                .map_or_else(|| self.clone(), |(_, s)| s.clone()),
            Subscript::Lag(a, k) => match map.iter().find(|(b, _)| a == b) {
                Some((_, Subscript::Axis(c))) => Subscript::Lag(*c, *k),
                Some((_, Subscript::Lag(c, j))) => Subscript::Lag(*c, *k + *j),
                _ => self.clone(),
            },
            Subscript::Element(_) => self.clone(),
            Subscript::Column(c, s) => {
                Subscript::Column(*c, s.iter().map(|i| i.substitute(map)).collect())
            }
            Subscript::Latent(u, s) => {
                Subscript::Latent(*u, s.iter().map(|i| i.substitute(map)).collect())
            }
        }
    }
}

/// A sufficient statistic of an unknown at an index.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Statistic {
    /// The unknown.
    pub of: UnknownId,
    /// Which statistic.
    pub kind: StatisticKind,
    /// One subscript per slot; an indicator has the value's subscript last, a log of a matrix lacks the two value slots.
    pub index: Vec<Subscript>,
    /// For `Abs`: |v - offset|.
    pub offset: Option<Known>,
}

/// A product summed over axes.
#[derive(Debug, Clone, PartialEq)]
pub struct Term {
    /// Number in front.
    pub coef: f64,
    /// Known factors.
    pub data: Vec<Known>,
    /// Unknown factors.
    pub stats: Vec<Statistic>,
    /// Summed axes.
    pub axes: Vec<Axis>,
    /// The statements it comes from.
    pub from: Vec<FactorId>,
}

impl Term {
    /// A number.
    pub fn number(coef: f64) -> Term {
        Term {
            coef,
            data: Vec::new(),
            stats: Vec::new(),
            axes: Vec::new(),
            from: Vec::new(),
        }
    }

    /// A known value.
    pub fn known(k: Known) -> Term {
        match k {
            Known::Number(n) => Term::number(n.0),
            Known::Multiply(parts) => {
                let mut t = Term::number(1.0);
                for p in parts {
                    match p {
                        Known::Number(n) => t.coef *= n.0,
                        other => t.data.push(other),
                    }
                }
                t
            }
            other => Term {
                data: vec![other],
                ..Term::number(1.0)
            },
        }
    }

    /// A statistic.
    pub fn statistic(of: UnknownId, kind: StatisticKind, index: Vec<Subscript>) -> Term {
        Term {
            stats: vec![Statistic {
                of,
                kind,
                index,
                offset: None,
            }],
            ..Term::number(1.0)
        }
    }

    /// The same with every subscript mapped, bound axes included where the map gives an axis for them.
    #[must_use]
    pub fn substitute(&self, map: &[(Axis, Subscript)]) -> Term {
        let f = |s: &Subscript| s.substitute(map);
        Term {
            coef: self.coef,
            data: self.data.iter().map(|k| k.map(&f)).collect(),
            stats: self
                .stats
                .iter()
                .map(|s| Statistic {
                    of: s.of,
                    kind: s.kind,
                    index: s.index.iter().map(&f).collect(),
                    offset: s.offset.as_ref().map(|k| k.map(&f)),
                })
                .collect(),
            axes: self
                .axes
                .iter()
                .filter_map(|a| match map.iter().find(|(b, _)| a == b) {
                    Some((_, Subscript::Axis(c))) => Some(*c),
                    Some(_) => None,
                    None => Some(*a),
                })
                .collect(),
            from: self.from.clone(),
        }
    }

    /// Every subscript of data and statistics is mapped; the bound axes stay.
    #[must_use]
    pub fn map(&self, f: &dyn Fn(&Subscript) -> Subscript) -> Term {
        Term {
            coef: self.coef,
            data: self.data.iter().map(|k| k.map(f)).collect(),
            stats: self
                .stats
                .iter()
                .map(|s| Statistic {
                    of: s.of,
                    kind: s.kind,
                    index: s.index.iter().map(f).collect(),
                    offset: s.offset.as_ref().map(|k| k.map(f)),
                })
                .collect(),
            axes: self.axes.clone(),
            from: self.from.clone(),
        }
    }

    /// Axes that some factor carries.
    pub fn carried_axes(&self) -> Vec<Axis> {
        let mut out = Vec::new();
        for k in &self.data {
            k.collect_axes(&mut out);
        }
        for s in &self.stats {
            for i in &s.index {
                i.visit_axes(&mut |a| {
                    if !out.contains(&a) {
                        out.push(a);
                    }
                });
            }
            if let Some(k) = &s.offset {
                k.collect_axes(&mut out);
            }
        }
        out
    }
}

impl Statistic {
    /// True if `axis` occurs in its index or offset.
    pub fn has_axis(&self, axis: Axis) -> bool {
        self.index.iter().any(|i| i.has_axis(axis))
            || self
                .offset
                .as_ref()
                .is_some_and(|k| k.axes().contains(&axis))
    }
}
