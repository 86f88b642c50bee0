//! What can be said of an argument without evaluating it: is it known, what does it vary over, where must it lie.
//!
//! in: an expression, a distribution's argument name -> out: yes or no, axes, a support with words for it.

use std::collections::BTreeSet;

use crate::model::{ArgumentName, DistributionKind, Expr, Index, Model};

/// True if no unknown occurs.
pub(super) fn is_known(model: &Model, expr: &Expr) -> bool {
    fn index_known(index: &Index) -> bool {
        match index {
            Index::Variable(..) => false,
            Index::Column(_, inner) => inner.iter().all(index_known),
            Index::Axis(_) | Index::Lag(..) | Index::Element(_) => true,
        }
    }
    match expr {
        Expr::Number(_) | Expr::Size(_) => true,
        Expr::Variable(..) => false,
        Expr::Column(_, indices) => indices.iter().all(index_known),
        Expr::Definition(id, indices) => {
            model.definition(*id).known && indices.iter().all(index_known)
        }
        Expr::Negate(a) | Expr::Call(_, a) => is_known(model, a),
        Expr::Add(a, b)
        | Expr::Subtract(a, b)
        | Expr::Multiply(a, b)
        | Expr::Divide(a, b)
        | Expr::Power(a, b) => is_known(model, a) && is_known(model, b),
        Expr::Fold { body, .. } => is_known(model, body),
    }
}

/// Axes that an expression mentions.
pub(super) fn mentioned(expr: &Expr, ids: &mut BTreeSet<u32>) {
    fn of_index(index: &Index, ids: &mut BTreeSet<u32>) {
        match index {
            Index::Axis(a) | Index::Lag(a, _) => {
                ids.insert(a.id);
            }
            Index::Column(_, inner) | Index::Variable(_, inner) => {
                inner.iter().for_each(|i| of_index(i, ids));
            }
            Index::Element(_) => {}
        }
    }
    match expr {
        Expr::Number(_) | Expr::Size(_) => {}
        Expr::Definition(_, i) | Expr::Column(_, i) | Expr::Variable(_, i) => {
            i.iter().for_each(|i| of_index(i, ids));
        }
        Expr::Negate(a) | Expr::Call(_, a) => mentioned(a, ids),
        Expr::Add(a, b)
        | Expr::Subtract(a, b)
        | Expr::Multiply(a, b)
        | Expr::Divide(a, b)
        | Expr::Power(a, b) => {
            mentioned(a, ids);
            mentioned(b, ids);
        }
        Expr::Fold {
            restriction, body, ..
        } => {
            if let Some(r) = restriction {
                ids.insert(r.element.id);
            }
            mentioned(body, ids);
        }
    }
}

/// Whether a number is inside.
pub(super) type Support = fn(f64) -> bool;

/// The support of a scalar argument.
pub(super) fn support(
    kind: DistributionKind,
    name: ArgumentName,
) -> Option<(Support, &'static str)> {
    use ArgumentName as N;
    use DistributionKind as K;
    let positive: (Support, &str) = (|v| v > 0.0, "a number above 0");
    Some(match (kind, name) {
        (K::Poisson, N::Rate) => (|v| v >= 0.0, "0 or more"),
        (K::Bernoulli | K::Binomial | K::Categorical | K::Multinomial, N::P) => {
            (|v| (0.0..=1.0).contains(&v), "a probability, 0 to 1")
        }
        (_, N::Total) => (
            |v| v >= 0.0 && v.fract() == 0.0,
            "a whole number, 0 or more",
        ),
        (
            _,
            N::Alpha
            | N::Var
            | N::Sd
            | N::Precision
            | N::Cov
            | N::Scale
            | N::InverseScale
            | N::Rate
            | N::Df
            | N::A
            | N::B
            | N::Shape,
        ) => positive,
        (_, N::Mean | N::Logit | N::Probit | N::Log | N::Low | N::High) => {
            (f64::is_finite, "a finite number")
        }
        (_, N::P | N::Auxiliary | N::Centre) => return None,
    })
}

/// The argument's name in the language.
pub(super) fn word(name: ArgumentName) -> &'static str {
    use ArgumentName as N;
    match name {
        N::P => "p",
        N::Logit => "logit",
        N::Probit => "probit",
        N::Alpha => "alpha",
        N::Mean => "mean",
        N::Var => "var",
        N::Sd => "sd",
        N::Precision => "precision",
        N::Cov => "cov",
        N::Scale => "scale",
        N::InverseScale => "inverse_scale",
        N::Rate => "rate",
        N::Log => "log",
        N::Df => "df",
        N::Low => "low",
        N::High => "high",
        N::Auxiliary => "auxiliary",
        N::Centre => "centre",
        N::Total => "total",
        N::A => "a",
        N::B => "b",
        N::Shape => "shape",
    }
}
