//! Sums over rows that look arrays up: what rows look up alike becomes one table first, then each row adds a product of
//! table rows.
//!
//! ```text
//! sum_n a[g(n), k] b[g(n), j] c[h(n), k, j]   =   sum_n <T[g(n)], c[h(n)]>        T[e, k, j] = a[e, k] b[e, j]
//! sum_n <T[g(n)], c[h(n)]> + <T[g(n)], d[h(n)]>      =   sum_n <T[g(n)], (c + d)[h(n)]>
//! ```
//!
//! A table is made where it has no more numbers than the rows would multiply. Axes that only one table has are summed in it.
//! Terms that differ in one table are one term.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::rc::Rc;

use ndarray::ArrayD;

use crate::algebra::Subscript;
use crate::engine::contract::{Layout, Program};
use crate::engine::evaluate::{Evaluator, RowsOf};
use crate::model::Axis;
use crate::numeric::gathers::{Place, Sum};

use super::product::{Making, Product, Recipe, Table, merge, size};
use super::run::{by_element, run};
use super::{KeptSums, Term};

/// Stand-ins for look-ups have axes from here on.
const STAND_IN: u32 = 1 << 29;
/// Loops have axes from here on, the row the number before.
const LOOP: u32 = 1 << 28;
/// An inner loop over the target's own axes has at least so many steps, else the sum is the inner loop.
const SHORT: usize = 4;

/// Sums over the rows of one plate into one target.
struct Planner<'e, 'a> {
    evaluator: &'e Evaluator<'a>,
    row: Axis,
    /// By stand-in.
    look_ups: BTreeMap<u32, Rc<Vec<u32>>>,
}

/// Adds terms over the rows of a plate to `out`; returns those that are left to the caller, because a look-up depends on
/// more than the row or an array lies in memory against the order of the loops.
#[must_use]
pub fn add<'t, 'v>(
    evaluator: &Evaluator<'_>,
    terms: &'t [Term<'v>],
    weights: Option<&[f64]>,
    kept: &mut KeptSums,
    out: &mut ArrayD<f64>,
) -> Vec<&'t Term<'v>> {
    let Some(first) = terms.first() else {
        return vec![];
    };
    let plate = first.row.plate;
    let mut planner = Planner {
        evaluator,
        row: Axis {
            plate,
            id: LOOP - 1,
        },
        look_ups: BTreeMap::new(),
    };
    let shape = out.shape().to_vec();
    let Some(out) = out.as_slice_mut() else {
        return terms.iter().collect();
    };
    let mut left = vec![];
    let mut products: Vec<Product<'_>> = vec![];
    for t in terms {
        match planner.product(t, &shape) {
            Some(p) => products.push(p),
            None => left.push(t),
        }
    }
    merge(&mut products);
    for p in &products {
        planner.add_product(p, weights, kept, out);
    }
    left
}

impl Planner<'_, '_> {
    /// A term with tables made; `None` where that cannot be.
    fn product<'v>(&mut self, term: &Term<'v>, shape: &[usize]) -> Option<Product<'v>> {
        let row = [(term.row, Subscript::Axis(self.row))];
        let renamed = |index: &[Subscript], map: &[(Axis, Subscript)]| -> Vec<Subscript> {
            index.iter().map(|s| s.substitute(map)).collect()
        };
        let target = self.stood_in(&renamed(term.target, &row))?;
        let mut indices = vec![];
        for o in &term.operands {
            indices.push(self.stood_in(&renamed(&o.index, &row))?);
        }
        let shapes = term.operands.iter().map(|o| o.values.shape());
        let layouts: Option<Vec<Layout>> = indices
            .iter()
            .zip(shapes.clone())
            .map(|(i, s)| Layout::subscripted(i, s))
            .collect();
        let (layouts, aim) = (layouts?, Layout::subscripted(&target, shape)?);
        let carried = |a: &Axis| {
            let all = layouts.iter().chain([&aim]).flat_map(Layout::axes);
            all.into_iter().any(|b| *a == b)
        };
        let mut coef = term.coef;
        for a in term.axes.iter().filter(|a| **a != term.row && !carried(a)) {
            coef *= self.evaluator.size(*a) as f64;
        }
        // Loops by their place, so that terms can be compared.
        let order = self.order(&layouts, &aim);
        let loops: Vec<(Axis, Subscript)> = order
            .iter()
            .enumerate()
            .map(|(i, a)| {
                let id = LOOP + i as u32;
                (*a, Subscript::Axis(Axis { id, ..*a }))
            })
            .collect();
        let aim = Layout::subscripted(&renamed(&target, &loops), shape)?;
        let mut tables = vec![];
        for ((o, index), shape) in term.operands.iter().zip(&indices).zip(shapes) {
            let index = renamed(index, &loops);
            let layout = Layout::subscripted(&index, shape)?;
            let values = o.values.as_slice()?;
            if layout.axes().next().is_none() {
                coef *= values.get(layout.offset())?;
                continue;
            }
            tables.push(Table {
                recipe: Recipe {
                    of: vec![(vec![(o.identity.clone(), index)], 1.0)],
                    layout,
                },
                values: Cow::Borrowed(values),
            });
        }
        let product = Product {
            coef,
            tables: self.combined(tables, &aim),
            aim,
        };
        let near = |t: &Table<'_>, a: Axis| t.recipe.layout.stride(a) <= 1;
        let inner = self.loops(&product).pop().map(|(_, _, a)| a);
        let runs = inner.is_none_or(|a| product.tables.iter().all(|t| near(t, a)));
        runs.then_some(product)
    }

    /// Subscripts with stand-ins in place of look-ups.
    fn stood_in(&mut self, index: &[Subscript]) -> Option<Vec<Subscript>> {
        let own = index.iter().map(|s| match s {
            Subscript::Axis(_) | Subscript::Element(_) => Some(s.clone()),
            _ => Some(Subscript::Axis(self.stand_in(s)?)),
        });
        own.collect()
    }

    fn stand_in(&mut self, s: &Subscript) -> Option<Axis> {
        let (number, elements) = self.evaluator.by_row(s, self.row)?;
        let id = STAND_IN + number as u32;
        self.look_ups.insert(id, elements);
        Some(Axis {
            plate: self.row.plate,
            id,
        })
    }

    fn by_row(&self, a: Axis) -> bool {
        a == self.row || a.id >= STAND_IN
    }

    /// The axes by which an array depends on the row.
    fn key(&self, l: &Layout) -> Vec<Axis> {
        let mut key: Vec<Axis> = l.axes().filter(|a| self.by_row(*a)).collect();
        key.sort();
        key
    }

    /// Axes of loops from the outer one to the inner one: summed ones first, unless the target's own are short.
    fn order(&self, layouts: &[Layout], aim: &Layout) -> Vec<Axis> {
        let mut own: Vec<Axis> = aim.axes().filter(|a| !self.by_row(*a)).collect();
        own.sort_by_key(|a| std::cmp::Reverse(aim.stride(*a)));
        let mut summed = vec![];
        for a in layouts.iter().flat_map(Layout::axes) {
            if !self.by_row(a) && !own.contains(&a) && !summed.contains(&a) {
                summed.push(a);
            }
        }
        let steps = |list: &[Axis]| -> usize {
            list.iter()
                .map(|a| size(layouts.iter().chain([aim]), *a))
                .product()
        };
        match steps(&own) < SHORT.min(steps(&summed)) {
            true => [own, summed].concat(),
            false => [summed, own].concat(),
        }
    }

    /// Operands with the same look-ups become one, in the order of the loops.
    fn combined<'v>(&self, tables: Vec<Table<'v>>, aim: &Layout) -> Vec<Table<'v>> {
        let rows = self.evaluator.size(self.row);
        let mut groups: BTreeMap<Vec<Axis>, Vec<Table<'v>>> = BTreeMap::new();
        for t in tables {
            let key = self.key(&t.recipe.layout);
            groups.entry(key).or_default().push(t);
        }
        let axes_of = |group: &[Table<'_>]| -> Vec<Axis> {
            let all = group.iter().flat_map(|t| t.recipe.layout.axes());
            let mut own: Vec<Axis> = all.filter(|a| !self.by_row(*a)).collect();
            own.sort_by_key(|a| a.id);
            own.dedup();
            own
        };
        let own: Vec<Vec<Axis>> = groups.values().map(|g| axes_of(g)).collect();
        let mut out = vec![];
        for (i, (key, group)) in groups.into_iter().enumerate() {
            let elsewhere = |a: &Axis| {
                let others = own.iter().enumerate().filter(|(j, _)| *j != i);
                others.flat_map(|(_, o)| o).any(|b| a == b) || aim.axes().any(|b| *a == b)
            };
            let wanted = own[i].iter().copied().filter(elsewhere);
            let dims: Vec<Axis> = key.iter().copied().chain(wanted).collect();
            let sizes = |a: Axis| size(group.iter().map(|t| &t.recipe.layout), a);
            let numbers = |list: &[Axis]| {
                let sizes = list.iter().map(|a| sizes(*a));
                sizes.fold(1usize, usize::saturating_mul)
            };
            let ordered = Layout::standard(&dims, &sizes);
            let as_is = group.len() == 1 && group.iter().all(|t| t.recipe.layout == ordered);
            let much = numbers(&dims) > rows.saturating_mul(numbers(&own[i]));
            if as_is || key.contains(&self.row) || much {
                out.extend(group);
                continue;
            }
            let layouts: Vec<Layout> = group.iter().map(|t| t.recipe.layout.clone()).collect();
            let slices: Vec<&[f64]> = group.iter().map(|t| &*t.values).collect();
            let mut values = vec![0.0; ordered.len()];
            Program::new(1.0, &layouts, &[], &ordered, &sizes).add(&slices, &mut values);
            let parts = group.iter().flat_map(|t| &t.recipe.of).flat_map(|(m, _)| m);
            let mut making: Making = parts.cloned().collect();
            making.sort();
            out.push(Table {
                recipe: Recipe {
                    of: vec![(making, 1.0)],
                    layout: ordered,
                },
                values: Cow::Owned(values),
            });
        }
        out
    }

    /// The loops: steps, the stride of each table and of the target, and the innermost axis of those that are one loop
    /// because they run on in every array.
    fn loops(&self, p: &Product<'_>) -> Vec<(usize, Vec<usize>, Axis)> {
        let own = p.tables.iter().map(|t| &t.recipe.layout);
        let layouts: Vec<&Layout> = own.chain([&p.aim]).collect();
        let met = layouts.iter().flat_map(|l| l.axes());
        let mut axes: Vec<Axis> = met.filter(|a| !self.by_row(*a)).collect();
        axes.sort_by_key(|a| a.id);
        axes.dedup();
        let mut loops: Vec<(usize, Vec<usize>, Axis)> = vec![];
        for a in axes {
            let n = size(layouts.iter().copied(), a);
            let strides: Vec<usize> = layouts.iter().map(|l| l.stride(a)).collect();
            match loops.last_mut() {
                Some((m, before, last))
                    if before.iter().zip(&strides).all(|(b, s)| *b == n * s) =>
                {
                    *m *= n;
                    *before = strides;
                    *last = a;
                }
                _ => loops.push((n, strides, a)),
            }
        }
        loops
    }

    /// Adds a product: from a kept sum over what all but one of its tables are looked up by, else row by row. A sum that is
    /// looked up itself is kept.
    fn add_product(
        &self,
        p: &Product<'_>,
        weights: Option<&[f64]>,
        kept: &mut KeptSums,
        out: &mut [f64],
    ) {
        let rows = self.evaluator.size(self.row);
        let over = (self.row.plate, weights.is_some());
        let by_row = p.aim.axes().any(|a| self.by_row(a));
        if !by_row {
            for (t, table) in p.tables.iter().enumerate() {
                let others = p.tables.iter().enumerate().filter(|(i, _)| *i != t);
                let others: Vec<&Recipe> = others.map(|(_, o)| &o.recipe).collect();
                let Some((layout, sum)) = kept.find(over, &others, &table.recipe.layout) else {
                    continue;
                };
                let layouts = [layout.clone(), table.recipe.layout.clone()];
                let sizes = |a: Axis| size(&layouts, a);
                let program = Program::new(p.coef, &layouts, &[], &p.aim, &sizes);
                program.add(&[sum, &*table.values], out);
                return;
            }
        }
        let plain = p.aim.offset() == 0 && p.aim.len() == out.len();
        if !by_row || !plain || p.aim.axes().any(|a| a == self.row) {
            run(&self.planned(p, p.coef, weights), rows, out);
            return;
        }
        let mut sum = vec![0.0; out.len()];
        let planned = self.planned(p, 1.0, weights);
        match self.elements(&p.aim).filter(|_| !kept.in_blocks) {
            Some(own) => by_element(&planned, &own, &mut sum),
            None => run(&planned, rows, &mut sum),
        }
        for (o, x) in out.iter_mut().zip(&sum) {
            *o += p.coef * x;
        }
        let recipes = p.tables.iter().map(|t| t.recipe.clone()).collect();
        kept.keep(over, recipes, p.aim.clone(), sum);
    }

    /// The rows of each element that a target is looked up by, if that is all that rows decide of it.
    fn elements(&self, aim: &Layout) -> Option<Rc<RowsOf>> {
        let mut by_row = aim.axes().filter(|a| self.by_row(*a));
        match (by_row.next(), by_row.next()) {
            (Some(a), None) if a.id >= STAND_IN => {
                let number = (a.id - STAND_IN) as usize;
                Some(self.evaluator.rows_of(number, aim.size(a)?))
            }
            _ => None,
        }
    }

    fn planned<'t>(&'t self, p: &'t Product<'_>, coef: f64, weights: Option<&'t [f64]>) -> Sum<'t> {
        let mut loops = self.loops(p);
        let none = || vec![0; p.tables.len() + 1];
        let (length, inner) = loops.pop().map_or((1, none()), |(n, s, _)| (n, s));
        let place = |i: usize, l: &Layout| -> Place<'t> {
            let mut outer = vec![l.offset()];
            for (n, strides, _) in &loops {
                let step = strides[i];
                let steps = outer
                    .iter()
                    .flat_map(|o| (0..*n).map(move |k| o + k * step));
                outer = steps.collect();
            }
            let gathers = l.axes().filter(|a| a.id >= STAND_IN).filter_map(|a| {
                let elements = self.look_ups.get(&a.id)?;
                Some((elements.as_slice(), l.stride(a)))
            });
            Place {
                row: l.stride(self.row),
                gathers: gathers.collect(),
                outer,
                inner: inner[i],
            }
        };
        let read = p.tables.iter().enumerate();
        let read = read.map(|(i, t)| (&*t.values, place(i, &t.recipe.layout)));
        Sum {
            coef,
            weights,
            tables: read.collect(),
            target: place(p.tables.len(), &p.aim),
            length,
        }
    }
}
