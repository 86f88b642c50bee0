//! Known expressions to numbers, once data are bound.
//!
//! Folds over rows without a free row or label axis (means, spreads) are computed on the fitted data and recorded, so that
//! new rows meet the same numbers (language rule 12).

mod folds;
mod matrix;

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use ndarray::{ArcArray, ArrayBase, ArrayD, Dimension, IxDyn};

use crate::algebra::{Expander, Known, KnownFunction, KnownMatrix, Subscript, Unknowns};
use crate::data::{BLANK, Cells, Dataset};
use crate::model::{Axis, Body, ColumnId, DefinitionId, Model, PlateKind};
use crate::numeric::LOG_ZERO;

use super::known_name;
use super::tensor::Tensor;

pub use folds::FoldSums;

/// Numbers that the fitted data decide, by the name of their expression (`mean(x[row] over row)`).
pub type Fitted = BTreeMap<String, ArrayD<f64>>;

/// Evaluates known expressions of one model on one data set.
pub struct Evaluator<'a> {
    /// The model.
    pub model: &'a Model,
    /// Its data.
    pub data: &'a Dataset,
    definitions: RefCell<BTreeMap<DefinitionId, ArrayD<f64>>>,
    /// By number of such a subscript, the rows of each element.
    rows_of: RefCell<BTreeMap<usize, Rc<RowsOf>>>,
    /// What subscripts of a row alone give.
    look_ups: RefCell<Vec<(Subscript, Rc<Vec<u32>>)>>,
    fitted: RefCell<Fitted>,
    /// The plate whose rows are not all here.
    pub in_pieces: Option<crate::model::PlateId>,
    /// A fold was taken over rows that are not all here.
    pub cut: Cell<bool>,
    /// Where it is asked which numbers of the fitted data are needed: those that are not recorded.
    missing: Option<RefCell<Vec<(Known, String)>>>,
}

impl<'a> Evaluator<'a> {
    /// An evaluator on the data that are being fitted.
    pub fn new(model: &'a Model, data: &'a Dataset) -> Self {
        Evaluator {
            model,
            data,
            definitions: RefCell::default(),
            look_ups: RefCell::default(),
            rows_of: RefCell::default(),
            fitted: RefCell::default(),
            in_pieces: None,
            cut: Cell::new(false),
            missing: None,
        }
    }

    /// An evaluator on new rows, with the numbers of the fit.
    pub fn with_fitted(model: &'a Model, data: &'a Dataset, fitted: Fitted) -> Self {
        Evaluator {
            model,
            data,
            definitions: RefCell::default(),
            look_ups: RefCell::default(),
            rows_of: RefCell::default(),
            fitted: RefCell::new(fitted),
            in_pieces: None,
            cut: Cell::new(false),
            missing: None,
        }
    }

    /// The recorded numbers.
    pub fn into_fitted(self) -> Fitted {
        self.fitted.into_inner()
    }

    /// A copy of the recorded numbers.
    pub fn fitted(&self) -> Fitted {
        self.fitted.borrow().clone()
    }

    /// Number of elements along an axis.
    pub fn size(&self, a: Axis) -> usize {
        self.data.plates[a.plate.index()].size
    }

    /// The weights of a plate's rows, if its table has a weight column.
    pub fn weights(&self, plate: crate::model::PlateId) -> Option<Vec<f64>> {
        let t = self.model.table_of(plate)?;
        let w = self.model.table(t).weight?;
        match &self.data.columns[w.index()] {
            Cells::Numbers(v) => Some(v.iter().copied().collect()),
            Cells::Elements(_) => None,
        }
    }

    /// Whether a plate's rows have weights.
    pub fn weighs(&self, plate: crate::model::PlateId) -> bool {
        let table = self.model.table_of(plate);
        table.is_some_and(|t| self.model.table(t).weight.is_some())
    }

    /// The same as they are stored; `None` too where they do not lie side by side.
    pub fn stored_weights(&self, plate: crate::model::PlateId) -> Option<&'a [f64]> {
        let t = self.model.table_of(plate)?;
        let w = self.model.table(t).weight?;
        match &self.data.columns[w.index()] {
            Cells::Numbers(v) => v.as_slice(),
            Cells::Elements(_) => None,
        }
    }

    /// By row the elements that a subscript of this row axis alone gives, and the number of that subscript; found once.
    /// `None` where it depends on anything else.
    pub fn by_row(&self, s: &Subscript, row: Axis) -> Option<(usize, Rc<Vec<u32>>)> {
        let found = self.look_ups.borrow().iter().position(|(t, _)| t == s);
        if let Some(i) = found {
            let (_, elements) = &self.look_ups.borrow()[i];
            return Some((i, elements.clone()));
        }
        if s.axes() != [row] {
            return None;
        }
        let (axes, elements) = self.subscript(s);
        if axes != [row] {
            return None;
        }
        let elements = Rc::new(elements.into_raw_vec_and_offset().0);
        let mut all = self.look_ups.borrow_mut();
        all.push((s.clone(), elements.clone()));
        Some((all.len() - 1, elements))
    }

    /// The rows of each of so many elements that a subscript found by [`Evaluator::by_row`] gives; found once.
    pub fn rows_of(&self, number: usize, elements: usize) -> Rc<RowsOf> {
        if let Some(found) = self.rows_of.borrow().get(&number) {
            return found.clone();
        }
        let look_ups = self.look_ups.borrow();
        let by_row = look_ups.get(number).map_or(&[][..], |(_, l)| l);
        let found = Rc::new(RowsOf::new(by_row, elements));
        self.rows_of.borrow_mut().insert(number, found.clone());
        found
    }

    /// The value over the expression's free axes in order of first appearance. Blanks are NaN.
    pub fn evaluate(&self, k: &Known) -> Tensor {
        match k {
            Known::Number(n) => Tensor::scalar(n.0),
            Known::Size(p) => Tensor::scalar(self.data.plates[p.index()].size as f64),
            Known::Column(c, s) => self.gather(&self.cells(*c), s),
            Known::Present(c, s) => present(self.gather(&self.cells(*c), s)),
            Known::Definition(d, s) => self.gather(&self.definition(*d), s),
            Known::PresentDefinition(d, s) => present(self.gather(&self.definition(*d), s)),
            Known::HasLag(a, k) => {
                self.map_subscript(
                    &Subscript::Lag(*a, *k),
                    |v| {
                        if v == BLANK { 0.0 } else { 1.0 }
                    },
                )
            }
            Known::IsElement(s, e) => self.map_subscript(s, |v| {
                if v == BLANK {
                    f64::NAN
                } else if v == *e {
                    1.0
                } else {
                    0.0
                }
            }),
            Known::Ordered(a, b) => {
                let place = |v: u32| match v {
                    BLANK => f64::NAN,
                    v => f64::from(v),
                };
                let (a, b) = (self.map_subscript(a, place), self.map_subscript(b, place));
                self.combine(&a, &b, |a, b| {
                    if a.is_nan() || b.is_nan() {
                        f64::NAN
                    } else {
                        f64::from(a <= b)
                    }
                })
            }
            Known::Between(p) => {
                let [low, v, high] = &**p;
                let d = self.combine(&self.evaluate(low), &self.evaluate(v), |l, v| {
                    if v.is_nan() {
                        f64::NAN
                    } else {
                        f64::from(l <= v)
                    }
                });
                let e = self.combine(&self.evaluate(v), &self.evaluate(high), |v, h| {
                    f64::from(v <= h)
                });
                self.combine(&d, &e, |a, b| a * b)
            }
            Known::Add(parts) => parts
                .iter()
                .map(|p| self.evaluate(p))
                .reduce(|a, b| self.combine(&a, &b, |x, y| x + y))
                .unwrap_or_else(|| Tensor::scalar(0.0)),
            Known::Multiply(parts) => parts
                .iter()
                .map(|p| self.evaluate(p))
                .reduce(|a, b| self.combine(&a, &b, |x, y| x * y))
                .unwrap_or_else(|| Tensor::scalar(1.0)),
            Known::Power(a, b) => self.combine(&self.evaluate(a), &self.evaluate(b), f64::powf),
            Known::Call(f, a) => {
                let mut t = self.evaluate(a);
                if let KnownFunction::Of(link) = f {
                    t.values.mapv_inplace(|x| link.value(x));
                    return t;
                }
                let g: fn(f64) -> f64 = match f {
                    KnownFunction::Of(_) => |x| x,
                    KnownFunction::Log => floored_log,
                    KnownFunction::Log1m => |x| if x == 1.0 { LOG_ZERO } else { (-x).ln_1p() },
                    KnownFunction::Exp => f64::exp,
                    KnownFunction::Sqrt => f64::sqrt,
                    KnownFunction::Abs => f64::abs,
                    KnownFunction::LnGamma => |x: f64| {
                        if x > 0.0 {
                            crate::numeric::special::ln_gamma(x)
                        } else {
                            f64::NAN
                        }
                    },
                };
                t.values.mapv_inplace(g);
                t
            }
            Known::MultivariateLnGamma(a, p) => {
                let d = self.data.plates[p.index()].size;
                let mut t = self.evaluate(a);
                t.values.mapv_inplace(|x| {
                    let constant =
                        (d * d.saturating_sub(1)) as f64 / 4.0 * std::f64::consts::PI.ln();
                    constant
                        + (0..d)
                            .map(|j| {
                                let y = x - j as f64 / 2.0;
                                if y > 0.0 {
                                    crate::numeric::special::ln_gamma(y)
                                } else {
                                    f64::NAN
                                }
                            })
                            .sum::<f64>()
                });
                t
            }
            Known::Fold { axes, .. } => {
                let free = k.axes();
                let over_rows = axes.iter().any(|a| self.is_open(a.plate));
                let open = free.iter().any(|a| self.is_open(a.plate));
                if over_rows && !open {
                    self.recorded(k, &free, || self.folded(k))
                } else {
                    if axes.iter().any(|a| Some(a.plate) == self.in_pieces) {
                        self.cut.set(true);
                    }
                    self.folded(k)
                }
            }
            Known::Entry(m, a, b) => {
                let full = self.matrix(m, a, b);
                self.gather_tensor(&full.0, &full.1)
            }
            Known::LogDet(m, p) => self.log_det(m, *p),
            Known::Centre(c, s) => {
                let column = self.model.column(*c);
                let kept: Vec<usize> = (0..column.slots.len())
                    .filter(|i| s.get(*i).is_some_and(Option::is_some))
                    .collect();
                let mean = self.recorded(&strip(k), &[], || self.folded(k));
                let index: Vec<Subscript> = kept.iter().filter_map(|i| s[*i].clone()).collect();
                self.gather(&mean.values, &index)
            }
        }
    }

    /// Plates whose elements new rows may change.
    fn is_open(&self, p: crate::model::PlateId) -> bool {
        matches!(
            self.model.plate(p).kind,
            PlateKind::Rows(_) | PlateKind::Keyed(..) | PlateKind::Labels(_)
        )
    }

    fn recorded(&self, k: &Known, free: &[Axis], compute: impl Fn() -> Tensor) -> Tensor {
        let name = known_name::name(self.model, k);
        if let Some(v) = self.fitted.borrow().get(&name) {
            return Tensor {
                axes: free.to_vec(),
                values: v.clone(),
            };
        }
        if let Some(missing) = &self.missing {
            // The rows are elsewhere: any number will do here.
            missing.borrow_mut().push((k.clone(), name));
            return Tensor {
                axes: free.to_vec(),
                values: ArrayD::from_elem(IxDyn(&self.fold_shape(k)), 1.0),
            };
        }
        let t = compute();
        self.fitted.borrow_mut().insert(name, t.values.clone());
        t
    }

    /// The cells of a column as numbers; blanks NaN.
    fn cells(&self, c: ColumnId) -> ArcArray<f64, IxDyn> {
        match &self.data.columns[c.index()] {
            Cells::Numbers(v) => v.clone(),
            Cells::Elements(v) => v
                .map(|e| if *e == BLANK { f64::NAN } else { f64::from(*e) })
                .into_shared(),
        }
    }

    /// A definition's values over its slots.
    pub fn definition(&self, d: DefinitionId) -> ArrayD<f64> {
        if let Some(v) = self.definitions.borrow().get(&d) {
            return v.clone();
        }
        let def = self.model.definition(d);
        let unknowns = Unknowns::default();
        let none = |_: ColumnId| false;
        let none_definition = |_: DefinitionId| false;
        let ex = Expander::new(self.model, &unknowns, &none, &none_definition);
        let size = |a: Axis| self.size(a);
        let values = match &def.body {
            Body::Expr(e) => match ex.known(e) {
                Some(k) => self.evaluate(&k).broadcast(&def.axes, &size),
                None => ArrayD::from_elem(IxDyn(&[]), f64::NAN),
            },
            Body::Table { shape, entries } => {
                let outer = &def.axes[..def.axes.len() - shape.len()];
                let full: Vec<usize> = def.axes.iter().map(|a| size(*a)).collect();
                let mut out = ArrayD::from_elem(IxDyn(&full), f64::NAN);
                let inner: usize = shape.iter().product();
                for (i, entry) in entries.iter().enumerate().take(inner) {
                    let Some(k) = ex.known(entry) else { continue };
                    let v = self.evaluate(&k).broadcast(outer, &size);
                    let mut rest = i;
                    let mut at = vec![0; shape.len()];
                    for (slot, n) in shape.iter().enumerate().rev() {
                        at[slot] = rest % n;
                        rest /= n;
                    }
                    for (o, x) in v.indexed_iter() {
                        let mut full_at: Vec<usize> = o.slice().to_vec();
                        full_at.extend(&at);
                        out[IxDyn(&full_at)] = *x;
                    }
                }
                out
            }
        };
        self.definitions.borrow_mut().insert(d, values.clone());
        values
    }

    /// The elements that a subscript gives, over its axes.
    pub fn subscript(&self, s: &Subscript) -> (Vec<Axis>, ArrayD<u32>) {
        match s {
            Subscript::Axis(a) => (
                vec![*a],
                ArrayD::from_shape_fn(IxDyn(&[self.size(*a)]), |i| i[0] as u32),
            ),
            Subscript::Element(e) => (vec![], ArrayD::from_elem(IxDyn(&[]), *e)),
            Subscript::Lag(a, k) => {
                let n = self.size(*a);
                let previous = |i: u32| -> u32 {
                    if i == BLANK {
                        return BLANK;
                    }
                    match self.model.table_of(a.plate) {
                        Some(t) => self.data.tables[t.index()]
                            .previous
                            .get(i as usize)
                            .copied()
                            .unwrap_or(BLANK),
                        None => i.checked_sub(1).unwrap_or(BLANK),
                    }
                };
                (
                    vec![*a],
                    ArrayD::from_shape_fn(IxDyn(&[n]), |i| {
                        (0..*k).fold(i[0] as u32, |j, _| previous(j))
                    }),
                )
            }
            Subscript::Column(c, inner) => {
                let cells = self.cells(*c);
                let t = self.gather(&cells, inner);
                (
                    t.axes,
                    t.values.mapv(|v| if v.is_nan() { BLANK } else { v as u32 }),
                )
            }
            // Latent subscripts are gone from complete terms.
            Subscript::Latent(..) => (vec![], ArrayD::from_elem(IxDyn(&[]), BLANK)),
        }
    }

    fn map_subscript(&self, s: &Subscript, f: impl Fn(u32) -> f64) -> Tensor {
        let (axes, v) = self.subscript(s);
        Tensor {
            axes,
            values: v.mapv(f),
        }
    }

    fn gather_tensor(&self, values: &ArrayD<f64>, s: &[Subscript]) -> Tensor {
        self.gather(values, s)
    }

    /// `values[s]`, over the axes in s; blank subscripts give NaN.
    pub fn gather<S: ndarray::Data<Elem = f64>>(
        &self,
        values: &ArrayBase<S, IxDyn>,
        s: &[Subscript],
    ) -> Tensor {
        let plain: Option<Vec<Axis>> = s
            .iter()
            .map(|i| match i {
                Subscript::Axis(a) => Some(*a),
                _ => None,
            })
            .collect();
        if let Some(axes) = plain {
            return Tensor::with_diagonal(axes, values.to_owned());
        }
        let parts: Vec<(Vec<Axis>, ArrayD<u32>)> = s.iter().map(|i| self.subscript(i)).collect();
        let mut axes: Vec<Axis> = vec![];
        for (a, _) in &parts {
            for x in a {
                if !axes.contains(x) {
                    axes.push(*x);
                }
            }
        }
        let shape: Vec<usize> = axes.iter().map(|a| self.size(*a)).collect();
        let maps: Vec<Vec<usize>> = parts
            .iter()
            .map(|(a, _)| {
                a.iter()
                    .map(|x| axes.iter().position(|y| x == y).unwrap_or(0))
                    .collect()
            })
            .collect();
        let mut at = vec![0usize; s.len()];
        let mut inner: Vec<usize> = vec![];
        let out = ArrayD::from_shape_fn(IxDyn(&shape), |i| {
            for (slot, ((_, v), map)) in parts.iter().zip(&maps).enumerate() {
                inner.clear();
                inner.extend(map.iter().map(|m| i[*m]));
                let e = v[IxDyn(&inner)];
                if e == BLANK {
                    return f64::NAN;
                }
                at[slot] = e as usize;
            }
            values.get(IxDyn(&at)).copied().unwrap_or(f64::NAN)
        });
        Tensor { axes, values: out }
    }

    fn combine(&self, a: &Tensor, b: &Tensor, f: impl Fn(f64, f64) -> f64) -> Tensor {
        let mut axes = a.axes.clone();
        for x in &b.axes {
            if !axes.contains(x) {
                axes.push(*x);
            }
        }
        let size = |x: Axis| self.size(x);
        let mut values = a.broadcast(&axes, &size);
        let other = b.broadcast(&axes, &size);
        values.zip_mut_with(&other, |x, y| *x = f(*x, *y));
        Tensor { axes, values }
    }
}

/// The rows of each element, one element after the other, in their order; those without one are left out.
#[derive(Debug, Default)]
pub struct RowsOf {
    /// Where the rows of each element begin, and where those of the last end.
    pub starts: Vec<usize>,
    /// Rows.
    pub rows: Vec<u32>,
}

impl RowsOf {
    fn new(by_row: &[u32], elements: usize) -> RowsOf {
        let own = |e: &u32| *e != BLANK && (*e as usize) < elements;
        let mut starts = vec![0; elements + 1];
        for e in by_row.iter().filter(|e| own(e)) {
            starts[*e as usize + 1] += 1;
        }
        for e in 0..elements {
            starts[e + 1] += starts[e];
        }
        let mut next = starts.clone();
        let mut rows = vec![0; starts[elements]];
        for (n, e) in by_row.iter().enumerate().filter(|(_, e)| own(e)) {
            let at = &mut next[*e as usize];
            rows[*at] = n as u32;
            *at += 1;
        }
        RowsOf { starts, rows }
    }
}

fn present(mut t: Tensor) -> Tensor {
    t.values.mapv_inplace(|v| f64::from(u8::from(!v.is_nan())));
    t
}

fn floored_log(x: f64) -> f64 {
    if x == 0.0 { LOG_ZERO } else { x.ln() }
}

/// A centre without its subscripts, so that each use finds the same record.
fn strip(k: &Known) -> Known {
    match k {
        Known::Centre(c, s) => Known::Centre(
            *c,
            s.iter()
                .map(|x| x.as_ref().map(|_| Subscript::Element(0)))
                .collect(),
        ),
        other => other.clone(),
    }
}
