//! Contractions of a plan bound to data: what each operand is and the program that multiplies them, made at the first use.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use ndarray::{ArrayD, IxDyn};

use crate::algebra::Subscript;
use crate::derive::{Contraction, Moment, MomentKind};
use crate::model::Axis;
use crate::plan::{Plan, Planned};

use super::Engine;
use super::contract::{Layout, Program};
use super::state::State;

/// An operand.
#[derive(Debug, Clone)]
enum Source {
    /// Decided by the data.
    Known(Rc<ArrayD<f64>>),
    /// A published expectation as it is stored, of this shape.
    Moment(MomentKind, Vec<usize>),
    /// A published expectation at looked-up elements.
    Gathered(Moment),
    /// A sum over rows.
    Sum,
}

/// Where the result goes.
#[derive(Debug, Clone)]
enum Aim {
    /// Straight into the target.
    Direct,
    /// Over these axes first, from which looked-up elements are found.
    Scattered(Vec<Axis>),
}

/// A contraction with its program.
#[derive(Debug)]
pub(super) struct Bound {
    sources: Vec<Source>,
    program: Program,
    aim: Aim,
    /// The shape of the sum over rows and of the target.
    sum: Vec<usize>,
    target: Vec<usize>,
}

/// The contractions of one plan by their place in memory, which stays while the plan is borrowed.
#[derive(Debug, Default)]
pub(super) struct BoundContractions {
    found: RefCell<HashMap<usize, Option<Rc<Bound>>>>,
}

fn place(c: &Contraction) -> usize {
    std::ptr::from_ref(c).addr()
}

impl BoundContractions {
    /// Those that the plan holds.
    pub(super) fn new(plan: &Plan) -> BoundContractions {
        let lists = plan.messages.iter().chain(&plan.slopes).flatten();
        let sums = plan.predictors.iter().chain(&plan.values).flatten();
        let pushed = plan.sums.iter().filter_map(|s| s.pushed.as_ref()).flatten();
        let rests = lists
            .map(|m| &m.how)
            .chain(sums)
            .chain(&plan.expectation)
            .chain(pushed)
            .filter_map(|p| match p {
                Planned::Global(c) | Planned::Keyed { rest: c, .. } => Some(c),
                Planned::Rows { hoisted, .. } => hoisted.as_ref().map(|(_, _, c)| c),
            });
        let tables = plan.keys.iter().flat_map(|k| &k.tables);
        let maps = plan.affine.iter().flatten().flat_map(|a| &a.tables);
        let all = rests.chain(tables).chain(maps.map(|(_, _, c)| c));
        BoundContractions {
            found: RefCell::new(all.map(|c| (place(c), None)).collect()),
        }
    }
}

impl Bound {
    /// It was made for arrays of these shapes.
    fn fits(&self, state: &State, sum: &[usize], target: &[usize]) -> bool {
        let same = |s: &Source| match s {
            Source::Moment(kind, shape) => {
                state.moments.get(kind).is_none_or(|a| a.shape() == shape)
            }
            _ => true,
        };
        self.target == target && self.sum == sum && self.sources.iter().all(same)
    }
}

impl Engine<'_> {
    /// Adds a contraction without rows to `out`; `sum` is the sum over rows that it holds, with its axes here.
    pub(super) fn add_contraction(
        &self,
        state: &State,
        c: &Contraction,
        sum: Option<(&[Axis], &ArrayD<f64>)>,
        out: &mut ArrayD<f64>,
    ) {
        let shape = sum.map_or(&[][..], |(_, a)| a.shape());
        let known = self.contractions.found.borrow().get(&place(c)).cloned();
        let bound = match &known {
            Some(Some(b)) if b.fits(state, shape, out.shape()) => b.clone(),
            _ => {
                let Some(b) = self.bind_contraction(state, c, sum, out.shape()) else {
                    return;
                };
                let b = Rc::new(b);
                if known.is_some() {
                    let mut found = self.contractions.found.borrow_mut();
                    found.insert(place(c), Some(b.clone()));
                }
                b
            }
        };
        // What is not stored in order, or not at all, is made here.
        let made: Vec<Option<ArrayD<f64>>> = bound
            .sources
            .iter()
            .map(|s| match s {
                Source::Known(_) => None,
                Source::Moment(kind, shape) => match state.moments.get(kind) {
                    Some(a) if a.is_standard_layout() && a.shape() == shape => None,
                    Some(a) if a.shape() == shape => Some(a.as_standard_layout().into_owned()),
                    _ => Some(ArrayD::zeros(IxDyn(shape))),
                },
                Source::Gathered(m) => Some(self.gathered(state, m).values),
                Source::Sum => match sum {
                    Some((_, a)) if a.is_standard_layout() => None,
                    Some((_, a)) => Some(a.as_standard_layout().into_owned()),
                    None => None,
                },
            })
            .collect();
        let operands: Option<Vec<&[f64]>> = bound
            .sources
            .iter()
            .zip(&made)
            .map(|(s, made)| match (made, s) {
                (Some(a), _) => a.as_slice(),
                (None, Source::Known(a)) => a.as_slice(),
                (None, Source::Moment(kind, _)) => state.moments.get(kind)?.as_slice(),
                (None, Source::Sum) => sum?.1.as_slice(),
                (None, Source::Gathered(_)) => None,
            })
            .collect();
        let Some(operands) = operands else { return };
        match &bound.aim {
            Aim::Direct => {
                if let Some(to) = out.as_slice_mut() {
                    bound.program.add(&operands, to);
                } else {
                    let mut v = ArrayD::zeros(out.raw_dim());
                    if let Some(to) = v.as_slice_mut() {
                        bound.program.add(&operands, to);
                    }
                    *out += &v;
                }
            }
            Aim::Scattered(axes) => {
                let shape: Vec<usize> = axes.iter().map(|a| self.size(*a)).collect();
                let mut v = ArrayD::zeros(IxDyn(&shape));
                if let Some(to) = v.as_slice_mut() {
                    bound.program.add(&operands, to);
                }
                self.evaluator.scatter(&v, axes, &c.target, out);
            }
        }
    }

    /// The program of a contraction; `None` where a subscript names an element that does not exist.
    fn bind_contraction(
        &self,
        state: &State,
        c: &Contraction,
        sum: Option<(&[Axis], &ArrayD<f64>)>,
        out: &[usize],
    ) -> Option<Bound> {
        let size = |a: Axis| self.size(a);
        let mut sources = vec![];
        let mut layouts = vec![];
        for k in &c.data {
            let (axes, values) = self.shared_known(k);
            layouts.push(Layout::standard(&axes, &size));
            sources.push(Source::Known(values));
        }
        for m in &c.moments {
            let stored = state.moments.get(&m.kind).map(|a| a.shape().to_vec());
            let shape = stored.unwrap_or_else(|| self.moment_shape(m.kind));
            match Layout::subscripted(&m.index, &shape) {
                Some(l) => {
                    layouts.push(l);
                    sources.push(Source::Moment(m.kind, shape));
                }
                None => {
                    let axes = self.gathered(state, m).axes;
                    layouts.push(Layout::standard(&axes, &size));
                    sources.push(Source::Gathered(m.clone()));
                }
            }
        }
        let mut shape = vec![];
        if let Some((axes, a)) = sum {
            let index: Vec<Subscript> = axes.iter().map(|a| Subscript::Axis(*a)).collect();
            layouts.push(Layout::subscripted(&index, a.shape())?);
            sources.push(Source::Sum);
            shape = a.shape().to_vec();
        }
        let (target, aim) = match Layout::subscripted(&c.target, out) {
            Some(l) => (l, Aim::Direct),
            None => {
                let mut axes: Vec<Axis> = vec![];
                for s in &c.target {
                    s.visit_axes(&mut |a| {
                        if !axes.contains(&a) {
                            axes.push(a);
                        }
                    });
                }
                (Layout::standard(&axes, &size), Aim::Scattered(axes))
            }
        };
        Some(Bound {
            program: Program::new(c.coef, &layouts, &c.axes, &target, &size),
            sources,
            aim,
            sum: shape,
            target: out.to_vec(),
        })
    }
}
