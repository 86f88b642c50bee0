//! Which element an index stands for.
//!
//! in: an [`Index`] and the bound elements -> out: the position of an element; `None` where a blank label selects it.

use super::Problem;
use super::expression::{Bindings, Evaluator};
use crate::data::BLANK;
use crate::model::{Axis, Index};

impl Evaluator<'_> {
    /// One element for each slot; `None` if one of them is selected by a blank.
    pub(super) fn elements(
        &self,
        indices: &[Index],
        bound: &Bindings,
    ) -> Result<Option<Vec<usize>>, Problem> {
        let elements = indices.iter().map(|i| self.element(i, bound));
        elements.collect()
    }

    /// The element that an index stands for.
    pub(super) fn element(
        &self,
        index: &Index,
        bound: &Bindings,
    ) -> Result<Option<usize>, Problem> {
        let selected = match index {
            Index::Axis(axis) => return bound_to(*axis, bound).map(Some),
            Index::Element(element) => return Ok(Some(*element as usize)),
            Index::Lag(axis, k) => {
                let here = bound_to(*axis, bound)?;
                return match self.before(*axis, here, *k) {
                    Some(element) => Ok(Some(element)),
                    None => Err(Problem::Element(format!("{k} before position {here}"))),
                };
            }
            Index::Column(column, indices) => match self.elements(indices, bound)? {
                Some(at) => self.cell(*column, &at)?,
                None => None,
            },
            Index::Variable(variable, indices) => match self.elements(indices, bound)? {
                Some(at) => Some(self.variable(*variable, &at)?),
                None => None,
            },
        };
        match selected {
            None => Ok(None),
            Some(v) if v >= 0.0 && v.fract() == 0.0 => Ok(Some(v as usize)),
            Some(v) => Err(Problem::Element(format!("position {v}"))),
        }
    }

    /// The element k steps before: along its group in an ordered table, else by position.
    pub(super) fn before(&self, axis: Axis, element: usize, k: u32) -> Option<usize> {
        let Some(table) = self.model.table_of(axis.plate) else {
            return element.checked_sub(k as usize);
        };
        let previous = &self.data.tables.get(table.index())?.previous;
        let mut element = element;
        for _ in 0..k {
            let before = *previous.get(element)?;
            if before == BLANK {
                return None;
            }
            element = before as usize;
        }
        Some(element)
    }
}

fn bound_to(axis: Axis, bound: &Bindings) -> Result<usize, Problem> {
    let found = bound.iter().rev().find(|(a, _)| *a == axis);
    found
        .map(|(_, element)| *element)
        .ok_or_else(|| Problem::Element("an index that nothing binds".to_string()))
}
