//! The Bayesian network over representative elements: every quantity at every index, with its parents.
//!
//! in: a model, which label cells are not known -> out: a [`Network`], a directed acyclic graph.
//!
//! ```text
//! p(x) = prod_v p(x_v | x_pa(v))        a potential phi(a, b, c) is a child of a, b and c that is always given
//! ```
//!
//! A statement is walked once for each binding of its axes. A latent index reaches all elements of the slot that it
//! fills, a label column only the element it holds in that row. A `let` is seen through. Constants and columns without
//! a statement are numbers, not nodes. What one draw gives together (a simplex, a matrix, a vector with a covariance)
//! is one node.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{
    Argument, Axis, Body, Case, ColumnId, Conditional, Constraint, Distribution, Expr, Factor,
    FactorId, FactorKind, Index, Matrix, Model, PlateId, Restriction,
};

use super::unroll::Elements;
use super::{FactorGraph, Node, role};

/// A node of the network.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ground {
    /// A quantity at its indices.
    Quantity(Node, Vec<usize>),
    /// A potential at the elements of its plates.
    Potential(FactorId, Vec<usize>),
}

/// The network.
#[derive(Debug, Clone)]
pub struct Network {
    /// The nodes.
    pub nodes: Vec<Ground>,
    /// Their parents.
    pub parents: Vec<Vec<usize>>,
    /// The representatives that were used.
    pub elements: Elements,
    /// False if the statements have so many indices that some bindings were left out.
    pub whole: bool,
}

/// At most this many bindings of the axes of one statement or fold.
const BINDINGS: usize = 1 << 13;
/// At most this many elements of a quantity are paired with others.
const ELEMENTS: usize = 200;
/// At most this many bindings in all.
const BUDGET: usize = 1 << 19;

/// The plates of one draw of a quantity: its slots without those whose elements are drawn together.
pub fn own_plates(model: &Model, n: Node) -> Vec<PlateId> {
    let statement = model.factors.iter().find(|f| match (&f.kind, n) {
        (FactorKind::Prior(v, _), Node::Variable(w)) => *v == w,
        (FactorKind::ObservedColumn(c, _), Node::Column(d)) => *c == d,
        (FactorKind::ObservedDefinition(c, _), Node::Definition(d)) => *c == d,
        _ => false,
    });
    let mut plates = super::plates(model, n);
    if let Some(f) = statement
        && drawn_together(f)
    {
        plates.truncate(f.axes.len());
    }
    plates
}

/// A vector under a matrix, or counts under one total.
fn drawn_together(f: &Factor) -> bool {
    let (FactorKind::Prior(_, c)
    | FactorKind::ObservedColumn(_, c)
    | FactorKind::ObservedDefinition(_, c)) = &f.kind
    else {
        return false;
    };
    fn any(c: &Case) -> bool {
        match c {
            Case::Always(d) => {
                d.kind == crate::model::DistributionKind::Multinomial
                    || d.arguments
                        .iter()
                        .any(|(_, a, _)| matches!(a, Argument::Matrix(_)))
            }
            Case::By { branches, .. } => branches.iter().any(|(_, b)| any(b)),
        }
    }
    any(&c.usual) || c.first.as_ref().is_some_and(any)
}

impl Network {
    /// The network of a model; `open` are cells of label columns whose label is not known.
    pub fn of(model: &Model, g: &FactorGraph, open: &BTreeSet<(ColumnId, usize)>) -> Network {
        let elements = Elements::of(model, g);
        let modelled: BTreeSet<ColumnId> = g
            .nodes
            .iter()
            .filter_map(|n| match n {
                Node::Column(c) if role(model, g, *n) == "observed" => Some(*c),
                _ => None,
            })
            .collect();
        let mut b = Build {
            model,
            elements: &elements,
            modelled,
            open,
            ids: BTreeMap::new(),
            nodes: vec![],
            parents: vec![],
            met: BTreeSet::new(),
            left: BUDGET,
            whole: true,
        };
        for n in &g.nodes {
            if role(model, g, *n) == "given" {
                continue;
            }
            let sizes: Vec<usize> = own_plates(model, *n)
                .iter()
                .map(|p| elements.size(*p))
                .collect();
            for at in b.bindings(&sizes) {
                let at = b.canonical(*n, at);
                b.id(Ground::Quantity(*n, at));
            }
        }
        for (i, f) in model.factors.iter().enumerate() {
            b.factor(FactorId::from(i), f);
        }
        let (nodes, parents, whole) = (b.nodes, b.parents, b.whole);
        Network {
            whole,
            nodes,
            parents,
            elements,
        }
    }

    /// The nodes of a quantity.
    pub fn of_quantity(&self, n: Node) -> Vec<usize> {
        let mine =
            |i: &usize| matches!(self.nodes.get(*i), Some(Ground::Quantity(m, _)) if *m == n);
        (0..self.nodes.len()).filter(mine).collect()
    }

    /// Pairs of elements of two quantities, each pair once; of the first elements only where there are very many.
    pub fn pairs(&self, a: Node, b: Node) -> Vec<(usize, usize)> {
        let (mut xs, mut ys) = (self.of_quantity(a), self.of_quantity(b));
        xs.truncate(ELEMENTS);
        ys.truncate(ELEMENTS);
        let all = xs.iter().flat_map(|x| ys.iter().map(move |y| (*x, *y)));
        all.filter(|(x, y)| x != y && (a != b || x < y)).collect()
    }
}

/// All tuples of positions, the last fastest; the first `BINDINGS` where there are more.
pub fn bindings(sizes: &[usize]) -> Vec<Vec<usize>> {
    let mut out = vec![vec![]];
    for n in sizes {
        out.truncate(BINDINGS.div_ceil((*n).max(1)));
        out = out
            .into_iter()
            .flat_map(|row: Vec<usize>| {
                (0..*n).map(move |v| {
                    let mut row = row.clone();
                    row.push(v);
                    row
                })
            })
            .collect();
    }
    out
}

/// The elements of a symmetric array in order.
pub fn symmetric(model: &Model, n: Node, mut at: Vec<usize>) -> Vec<usize> {
    if let Node::Variable(v) = n
        && model
            .variable(v)
            .constraints
            .contains(&Constraint::Symmetric)
        && let Some(start) = at.len().checked_sub(2)
        && let Some(last) = at.get_mut(start..)
    {
        last.sort_unstable();
    }
    at
}

type Env = BTreeMap<u32, usize>;

struct Build<'a> {
    model: &'a Model,
    elements: &'a Elements,
    /// Columns with a statement of their own.
    modelled: BTreeSet<ColumnId>,
    open: &'a BTreeSet<(ColumnId, usize)>,
    ids: BTreeMap<Ground, usize>,
    nodes: Vec<Ground>,
    parents: Vec<Vec<usize>>,
    /// Parents of the statement that is being walked.
    met: BTreeSet<usize>,
    /// How many more bindings are walked.
    left: usize,
    whole: bool,
}

impl Build<'_> {
    fn id(&mut self, g: Ground) -> usize {
        if let Some(i) = self.ids.get(&g) {
            return *i;
        }
        let i = self.nodes.len();
        self.ids.insert(g.clone(), i);
        self.nodes.push(g);
        self.parents.push(vec![]);
        i
    }

    fn bindings(&mut self, sizes: &[usize]) -> Vec<Vec<usize>> {
        let mut out = bindings(sizes);
        let all = sizes.iter().try_fold(1usize, |n, s| n.checked_mul(*s));
        self.whole &= all == Some(out.len()) && out.len() <= self.left;
        out.truncate(self.left);
        self.left -= out.len();
        out
    }

    fn canonical(&self, n: Node, at: Vec<usize>) -> Vec<usize> {
        symmetric(self.model, n, at)
    }

    fn sizes(&self, axes: &[Axis]) -> Vec<usize> {
        axes.iter().map(|a| self.elements.size(a.plate)).collect()
    }

    fn factor(&mut self, id: FactorId, f: &Factor) {
        for at in self.bindings(&self.sizes(&f.axes)) {
            let env: Env = f
                .axes
                .iter()
                .map(|a| a.id)
                .zip(at.iter().copied())
                .collect();
            match &f.kind {
                FactorKind::Prior(v, c) => self.statement(Node::Variable(*v), c, &env, &at),
                FactorKind::ObservedColumn(x, c) => self.statement(Node::Column(*x), c, &env, &at),
                FactorKind::ObservedDefinition(x, c) => {
                    self.statement(Node::Definition(*x), c, &env, &at);
                }
                FactorKind::ObservedOnly(_) => {}
                FactorKind::Potential(e) => {
                    self.met.clear();
                    self.expr(e, &env);
                    let child = self.id(Ground::Potential(id, at));
                    self.close(child);
                }
            }
        }
    }

    fn close(&mut self, child: usize) {
        let mut met = std::mem::take(&mut self.met);
        met.remove(&child);
        if let Some(list) = self.parents.get_mut(child) {
            met.extend(list.iter().copied());
            *list = met.into_iter().collect();
        }
    }

    /// One draw of a quantity: once per element of `over` where these are separate nodes.
    fn statement(&mut self, n: Node, c: &Conditional, env: &Env, at: &[usize]) {
        let exists = c.lags.iter().all(|(a, k)| {
            env.get(&a.id)
                .is_some_and(|e| self.elements.back(a.plate, *e, *k).is_some())
        });
        let case = match (&c.first, exists) {
            (Some(first), false) => first,
            _ => &c.usual,
        };
        let plates = own_plates(self.model, n);
        let more: Vec<usize> = plates
            .get(at.len()..)
            .unwrap_or_default()
            .iter()
            .map(|p| self.elements.size(*p))
            .collect();
        for rest in self.bindings(&more) {
            let full: Vec<usize> = at.iter().chain(&rest).copied().collect();
            let full = self.canonical(n, full);
            self.met.clear();
            self.case(case, env, rest.last().copied());
            let child = self.id(Ground::Quantity(n, full));
            self.close(child);
        }
    }

    /// `over` is the element of the distribution's own axis, where it is fixed.
    fn case(&mut self, c: &Case, env: &Env, over: Option<usize>) {
        match c {
            Case::Always(d) => self.distribution(d, env, over),
            Case::By {
                selector, branches, ..
            } => {
                // A known label takes its own branch only.
                let chosen = self.index(selector, env, None);
                for (at, b) in branches {
                    if chosen
                        .as_ref()
                        .is_none_or(|c| c.len() != 1 || c.contains(&(*at as usize)))
                    {
                        self.case(b, env, over);
                    }
                }
            }
        }
    }

    fn distribution(&mut self, d: &Distribution, env: &Env, over: Option<usize>) {
        let mut env = env.clone();
        if let (Some(a), Some(e)) = (d.over, over) {
            env.insert(a.id, e);
        }
        for (_, a, _) in &d.arguments {
            match a {
                Argument::Scalar(e) => self.expr(e, &env),
                Argument::Matrix(m) => self.matrix(m, &env),
            }
        }
    }

    /// The elements that an index may mean; `None` where that is any element of the slot.
    fn index(&mut self, i: &Index, env: &Env, slot: Option<PlateId>) -> Option<Vec<usize>> {
        match i {
            Index::Axis(a) => env.get(&a.id).map(|e| vec![*e]),
            Index::Lag(a, k) => {
                let e = env.get(&a.id)?;
                Some(self.elements.back(a.plate, *e, *k).into_iter().collect())
            }
            Index::Element(e) => {
                let n = slot.map_or(usize::MAX, |p| self.elements.size(p)).max(1);
                Some(vec![*e as usize % n])
            }
            Index::Column(c, inner) => {
                let rows = self.rows(*c, inner, env);
                if self.modelled.contains(c) {
                    self.reference(Node::Column(*c), inner, env);
                }
                if rows.iter().any(|r| self.open.contains(&(*c, *r))) {
                    return None;
                }
                let found: Vec<usize> = rows
                    .iter()
                    .filter_map(|r| self.elements.label(*c, *r))
                    .collect();
                (!found.is_empty()).then_some(found)
            }
            Index::Variable(v, inner) => {
                self.reference(Node::Variable(*v), inner, env);
                None
            }
        }
    }

    /// The rows at which a column is read.
    fn rows(&mut self, c: ColumnId, inner: &[Index], env: &Env) -> Vec<usize> {
        let Some(plate) = self.model.column(c).slots.first().copied() else {
            return vec![];
        };
        let all = || (0..self.elements.size(plate)).collect();
        let everything: Vec<usize> = all();
        match inner.first() {
            Some(i) => self.index(i, env, Some(plate)).unwrap_or(everything),
            None => everything,
        }
    }

    /// A quantity at indices is a parent, at every element that these may mean.
    fn reference(&mut self, n: Node, indices: &[Index], env: &Env) {
        let slots: Vec<PlateId> = match n {
            Node::Variable(v) => self.model.variable(v).slots.clone(),
            Node::Column(c) => self.model.column(c).slots.clone(),
            Node::Definition(d) => self
                .model
                .definition(d)
                .axes
                .iter()
                .map(|a| a.plate)
                .collect(),
        };
        let own = own_plates(self.model, n).len();
        let mut at: Vec<Vec<usize>> = vec![];
        for (k, p) in slots.iter().enumerate() {
            let found = match indices.get(k) {
                Some(i) => self.index(i, env, Some(*p)),
                None => None,
            };
            if k < own {
                at.push(found.unwrap_or_else(|| (0..self.elements.size(*p)).collect()));
            }
        }
        let sizes: Vec<usize> = at.iter().map(Vec::len).collect();
        for pick in self.bindings(&sizes) {
            let full: Vec<usize> = at
                .iter()
                .zip(&pick)
                .filter_map(|(l, i)| l.get(*i).copied())
                .collect();
            let full = self.canonical(n, full);
            let g = self.id(Ground::Quantity(n, full));
            self.met.insert(g);
        }
    }

    fn expr(&mut self, e: &Expr, env: &Env) {
        match e {
            Expr::Number(_) | Expr::Size(_) => {}
            Expr::Variable(v, i) => self.reference(Node::Variable(*v), i, env),
            Expr::Column(c, i) => {
                if self.modelled.contains(c) {
                    self.reference(Node::Column(*c), i, env);
                } else {
                    self.indices(i, env);
                }
            }
            Expr::Definition(d, i) => self.definition(*d, i, env),
            Expr::Negate(a) | Expr::Call(_, a) => self.expr(a, env),
            Expr::Add(a, b)
            | Expr::Subtract(a, b)
            | Expr::Multiply(a, b)
            | Expr::Divide(a, b)
            | Expr::Power(a, b) => {
                self.expr(a, env);
                self.expr(b, env);
            }
            Expr::Fold {
                axes,
                restriction,
                body,
                ..
            } => self.fold(axes, restriction.as_ref(), body, env),
        }
    }

    fn indices(&mut self, list: &[Index], env: &Env) {
        for i in list {
            self.index(i, env, None);
        }
    }

    fn fold(&mut self, axes: &[Axis], only: Option<&Restriction>, body: &Expr, env: &Env) {
        for at in self.bindings(&self.sizes(axes)) {
            let mut env = env.clone();
            env.extend(axes.iter().map(|a| a.id).zip(at));
            let kept = only.is_none_or(|r| {
                let row = env
                    .get(&r.row.id)
                    .and_then(|row| self.elements.label(r.column, *row));
                row == env.get(&r.element.id).copied()
            });
            if kept {
                self.expr(body, &env);
            }
        }
    }

    fn definition(&mut self, d: crate::model::DefinitionId, indices: &[Index], env: &Env) {
        let model = self.model;
        let def = model.definition(d);
        let at: Vec<Option<Vec<usize>>> = def
            .axes
            .iter()
            .enumerate()
            .map(|(k, a)| {
                indices
                    .get(k)
                    .and_then(|i| self.index(i, env, Some(a.plate)))
            })
            .collect();
        if def.constant {
            return;
        }
        let choices: Vec<Vec<usize>> = at
            .into_iter()
            .zip(&def.axes)
            .map(|(f, a)| f.unwrap_or_else(|| (0..self.elements.size(a.plate)).collect()))
            .collect();
        let sizes: Vec<usize> = choices.iter().map(Vec::len).collect();
        for pick in self.bindings(&sizes) {
            let found = choices
                .iter()
                .zip(&pick)
                .filter_map(|(l, i)| l.get(*i).copied());
            let inner: Env = def.axes.iter().map(|a| a.id).zip(found).collect();
            match &def.body {
                Body::Expr(e) => self.expr(e, &inner),
                Body::Table { entries, .. } => entries.iter().for_each(|e| self.expr(e, &inner)),
            }
        }
    }

    fn matrix(&mut self, m: &Matrix, env: &Env) {
        match m {
            Matrix::Identity => {}
            Matrix::Diagonal(e) => self.expr(e, env),
            Matrix::Definition(d, i) => self.definition(*d, i, env),
            Matrix::Variable(v, i) => self.reference(Node::Variable(*v), i, env),
            Matrix::Scaled(e, m) => {
                self.expr(e, env);
                self.matrix(m, env);
            }
            Matrix::Sum(a, b) => {
                self.matrix(a, env);
                self.matrix(b, env);
            }
            Matrix::Inverse(m) => self.matrix(m, env),
        }
    }
}
