//! Terms over rows as products of tables, and when they are one term.
//!
//! ```text
//! sum_n <T[g(n)], c[h(n)]> + f <T[g(n)], d[h(n)]>  =  sum_n <T[g(n)], (c + f d)[h(n)]>
//! ```

use std::borrow::Cow;

use crate::algebra::Subscript;
use crate::engine::contract::Layout;
use crate::model::Axis;

use super::Identity;

/// Operands with the same look-ups, and how they are read.
pub(super) type Making = Vec<(Identity, Vec<Subscript>)>;

/// What a table holds: tables with the same recipe and layout hold the same numbers.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Recipe {
    /// By summand what it is made of, and its factor over that of the first.
    pub of: Vec<(Making, f64)>,
    /// Over stand-ins, the row and loops.
    pub layout: Layout,
}

impl Recipe {
    /// The same, of whatever versions.
    pub fn is_like(&self, other: &Recipe) -> bool {
        let kind = |i: &Identity| match i {
            Identity::Known(at) => (Some(*at), None),
            Identity::Moment(k, _) => (None, Some(*k)),
        };
        let making = |a: &Making, b: &Making| {
            let mut both = a.iter().zip(b);
            a.len() == b.len() && both.all(|(a, b)| kind(&a.0) == kind(&b.0) && a.1 == b.1)
        };
        let mut both = self.of.iter().zip(&other.of);
        self.layout == other.layout
            && self.of.len() == other.of.len()
            && both.all(|(a, b)| making(&a.0, &b.0))
    }
}

/// A sum of products of operands.
pub(super) struct Table<'v> {
    /// What it holds.
    pub recipe: Recipe,
    /// In the order of the recipe's layout.
    pub values: Cow<'v, [f64]>,
}

/// A term with one table for all that rows look up alike.
pub(super) struct Product<'v> {
    /// A factor of every row.
    pub coef: f64,
    /// By look-ups.
    pub tables: Vec<Table<'v>>,
    /// Where it is added.
    pub aim: Layout,
}

/// Terms that differ in one table become one.
pub(super) fn merge(products: &mut Vec<Product<'_>>) {
    let mut i = 0;
    while i < products.len() {
        let found = (i + 1..products.len()).find_map(|j| {
            let at = products[i].differs(&products[j])?;
            Some((j, at))
        });
        let Some((j, at)) = found else {
            i += 1;
            continue;
        };
        let other = products.remove(j);
        let ratio = other.coef / products[i].coef;
        match (at, products.get_mut(i)) {
            (Some(t), Some(p)) => {
                let values = p.tables[t].values.to_mut();
                for (x, y) in values.iter_mut().zip(&*other.tables[t].values) {
                    *x += ratio * y;
                }
                let of = &mut p.tables[t].recipe.of;
                let more = other.tables[t].recipe.of.iter();
                of.extend(more.map(|(m, f)| (m.clone(), ratio * f)));
                of.sort_by(|a, b| a.0.cmp(&b.0));
                // Relative to the first summand again.
                let first = of.first().map_or(1.0, |(_, f)| *f);
                if first != 1.0 && first != 0.0 {
                    of.iter_mut().for_each(|(_, f)| *f /= first);
                    let values = p.tables[t].values.to_mut();
                    values.iter_mut().for_each(|x| *x /= first);
                    p.coef *= first;
                }
            }
            (None, Some(p)) => p.coef += other.coef,
            (_, None) => {}
        }
        // What it has become may agree with one before.
        i = 0;
    }
}

impl Product<'_> {
    /// The one table in which two terms differ, if it is at most one.
    fn differs(&self, other: &Product<'_>) -> Option<Option<usize>> {
        let alike = self.aim == other.aim && self.tables.len() == other.tables.len();
        let mut tables = self.tables.iter().zip(&other.tables);
        if !alike || self.coef == 0.0 || !tables.all(|(a, b)| a.recipe.layout == b.recipe.layout) {
            return None;
        }
        let both = self.tables.iter().zip(&other.tables).enumerate();
        let mut differ = both
            .filter(|(_, (a, b))| a.recipe.of != b.recipe.of)
            .map(|(i, _)| i);
        match (differ.next(), differ.next()) {
            (at, None) => Some(at),
            _ => None,
        }
    }
}

/// Elements along an axis of some of the arrays.
pub(super) fn size<'l>(layouts: impl IntoIterator<Item = &'l Layout>, a: Axis) -> usize {
    layouts.into_iter().find_map(|l| l.size(a)).unwrap_or(1)
}
