//! Covariances that all rows share: known from the axes that the quadratic messages carry, before any data.
//!
//! ```text
//! Q_n = sum of the terms with v_I v_J, without them      no axis n in any of them: one Q, one factorisation, one Cov
//! ```
//!
//! Only the plates of rows without a key count: what has a name keeps a covariance of its own, because a fit is read again
//! with other data, whose blanks may tell its elements apart.

use crate::algebra::{Known, Origin, Statistic, Subscript, Term, UnknownId, Unknowns};
use crate::model::{Axis, Model, PlateKind};

use super::block::{Block, Form};

/// Marks the batch plates along which the covariance of a Gaussian block is one and the same.
pub fn mark(model: &Model, unknowns: &Unknowns, blocks: &mut [Block], terms: &[Term]) {
    for b in blocks {
        // Both orders of a symmetric pair are added up element by element; where cells are known, the blank ones decide what
        // is left to solve for.
        let symmetric = b.unknowns.iter().any(|u| unknowns.get(*u).symmetric);
        let cells = |u: &UnknownId| matches!(unknowns.get(*u).origin, Origin::Column(_));
        let partly = b.unknowns.iter().any(cells);
        let quadratic = matches!(
            b.form,
            Form::Gaussian | Form::Penalised | Form::UnitVectors | Form::Increasing
        );
        if symmetric || partly || !quadratic {
            continue;
        }
        // A point has no covariance: what its elements share is seen along any plate.
        let unit = matches!(b.form, Form::UnitVectors);
        b.shared = (0..b.batch.len())
            .filter(|i| unit || matches!(model.plate(b.batch[*i]).kind, PlateKind::Rows(_)))
            .filter(|i| terms.iter().all(|t| same_along(b, *i, t)))
            .collect();
    }
}

/// The quadratic part of the term is the same for all elements of the batch plate.
fn same_along(b: &Block, plate: usize, t: &Term) -> bool {
    let position = |s: &Statistic| b.unknowns.iter().position(|u| *u == s.of);
    let mine: Vec<(usize, &Statistic)> = t
        .stats
        .iter()
        .filter_map(|s| Some((position(s)?, s)))
        .collect();
    let [(i, first), _] = mine.as_slice() else {
        return true;
    };
    let Some(Subscript::Axis(axis)) = first.index.get(b.batch_slots[*i][plate]) else {
        return false;
    };
    let elsewhere = mine.iter().any(|(i, s)| {
        s.index
            .iter()
            .enumerate()
            .any(|(slot, x)| slot != b.batch_slots[*i][plate] && x.has_axis(*axis))
    });
    !elsewhere && !carries(t, b, *axis)
}

/// Something of the term beside the block's own statistics has the axis.
fn carries(t: &Term, b: &Block, axis: Axis) -> bool {
    t.data.iter().map(Known::axes).any(|a| a.contains(&axis))
        || t.stats
            .iter()
            .any(|s| !b.unknowns.contains(&s.of) && s.has_axis(axis))
}
