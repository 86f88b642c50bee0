//! E_q[log p], element by element of the statements, from the naive evaluator alone.
//!
//! in: a model, its data, the factors of q -> out: for each element of each statement its expectation under q.
//!
//! ```text
//! E_q[g] = sum over states of the discrete sites g reads  q(states) sum over points of the others  w g(states, points)
//! ```
//!
//! Which sites an element reads is found by evaluating it with everything undecided: the evaluator names the first value
//! it misses, that one is decided, and so on; a discrete one in each of its states. Nothing of the derivation is used.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use ndarray::{ArrayD, IxDyn};

use crate::algebra::{Origin, UnknownId, Unknowns};
use crate::data::{BLANK, Cells, Dataset};
use crate::model::{Constraint, FactorId, FactorKind, Model};
use crate::naive::{self, Assignment, Node, Problem};

use super::factor::{Factor, Site};

/// At most this many combinations of discrete states are followed in one element.
const BRANCHES: usize = 2000;

/// Which factor holds a site, and where in it.
pub type Owners = BTreeMap<Site, (usize, usize)>;

/// Which sites an element reads.
#[derive(Debug, Clone)]
enum Tree {
    /// A discrete site; one subtree a state.
    Branch {
        factor: usize,
        site: usize,
        states: Vec<Tree>,
    },
    /// All discrete sites are decided: the others, by factor.
    Leaf(Vec<(usize, Vec<usize>)>),
    /// Not defined there.
    Undefined(String),
}

/// One element of a statement.
#[derive(Debug, Clone)]
pub struct Element {
    index: usize,
    /// The statement.
    pub factor: FactorId,
    at: Vec<usize>,
    /// How often it counts.
    pub weight: f64,
    tree: Tree,
    /// The factors of q that it reads in some state.
    pub reads: Vec<usize>,
}

/// The elements of a model's statements and what they read.
pub struct World<'a> {
    model: Model,
    data: &'a Dataset,
    unknowns: &'a Unknowns,
    /// By site.
    pub owners: Owners,
    /// All elements.
    pub elements: Vec<Element>,
    undecided: Vec<bool>,
    /// The sites that some element reads.
    read: BTreeSet<Site>,
    memo: RefCell<Option<Memo>>,
}

/// What elements are worth once their discrete sites are decided.
type Memo = BTreeMap<(usize, Vec<(usize, usize, usize)>), f64>;

/// Why there is no expectation.
pub type Reason = String;

impl<'a> World<'a> {
    /// Finds the elements and their reads.
    ///
    /// # Errors
    /// In words, where an element reads more than is followed.
    pub fn new(
        model: &'a Model,
        data: &'a Dataset,
        unknowns: &'a Unknowns,
        q: &[Factor],
    ) -> Result<World<'a>, Reason> {
        let mut owners = Owners::new();
        for (f, factor) in q.iter().enumerate() {
            for (i, s) in factor.sites.iter().enumerate() {
                owners.insert(*s, (f, i));
            }
        }
        let mut undecided = vec![false; model.columns.len()];
        for u in unknowns.ids() {
            if let Origin::Column(c) = unknowns.get(u).origin
                && let Some(x) = undecided.get_mut(c.index())
            {
                *x = true;
            }
        }
        let mut world = World {
            model: naive::with_numbers(model, data),
            data,
            unknowns,
            owners,
            elements: vec![],
            undecided,
            read: BTreeSet::new(),
            memo: RefCell::default(),
        };
        let mut values = world.undecided_values();
        for f in 0..model.factors.len() {
            let id = FactorId::from(f);
            let axes = &model.factor(id).axes;
            let sizes: Vec<usize> = axes
                .iter()
                .map(|a| data.plates.get(a.plate.index()).map_or(0, |p| p.size))
                .collect();
            for flat in 0..sizes.iter().product() {
                let at = super::factor::states(flat, &sizes);
                let mut weight: f64 = axes
                    .iter()
                    .zip(&at)
                    .map(|(a, i)| weight(model, data, a.plate, *i))
                    .product();
                if second_of_pair(model, id, &at) {
                    weight = 0.0;
                }
                let mut budget = BRANCHES;
                let tree = world.discover(q, &mut values, id, &at, &mut vec![], &mut budget)?;
                let mut reads = vec![];
                collect(&tree, &mut reads);
                sites(&tree, q, &mut world.read);
                reads.sort_unstable();
                reads.dedup();
                let index = world.elements.len();
                world.elements.push(Element {
                    index,
                    factor: id,
                    at,
                    weight,
                    tree,
                    reads,
                });
            }
        }
        Ok(world)
    }

    fn shape(&self, u: UnknownId) -> Vec<usize> {
        let slots = &self.unknowns.get(u).slots;
        let size =
            |p: &crate::model::PlateId| self.data.plates.get(p.index()).map_or(0, |p| p.size);
        slots.iter().map(size).collect()
    }

    /// Every unknown NaN, known cells of partly blank columns as they are.
    pub fn undecided_values(&self) -> Assignment {
        let mut values = Assignment::empty(&self.model);
        for u in self.unknowns.ids() {
            let shape = self.shape(u);
            match self.unknowns.get(u).origin {
                Origin::Variable(v) => {
                    if let Some(slot) = values.variables.get_mut(v.index()) {
                        *slot = Some(ArrayD::from_elem(IxDyn(&shape), f64::NAN));
                    }
                }
                Origin::Column(c) => {
                    let cells = match self.data.columns.get(c.index()) {
                        Some(Cells::Numbers(v)) => v.to_owned(),
                        Some(Cells::Elements(v)) => {
                            v.map(|e| if *e == BLANK { f64::NAN } else { f64::from(*e) })
                        }
                        None => continue,
                    };
                    let cells = cells.as_standard_layout().into_owned();
                    values.cells.insert(c, cells);
                }
                Origin::Predictor(_) => {}
            }
        }
        values
    }

    /// True for a site that some element reads; the known cells of a partly blank column are not.
    pub fn is_read(&self, s: Site) -> bool {
        self.read.contains(&s)
    }

    /// Puts a value in place.
    pub fn set(&self, values: &mut Assignment, s: Site, x: f64) {
        let array = match self.unknowns.get(s.unknown).origin {
            Origin::Variable(v) => values.variables.get_mut(v.index()).and_then(|a| a.as_mut()),
            Origin::Column(c) => values.cells.get_mut(&c),
            Origin::Predictor(_) => None,
        };
        let cells = array.and_then(|a| a.as_slice_mut());
        if let Some(slot) = cells.and_then(|a| a.get_mut(s.flat)) {
            *slot = x;
        }
    }

    fn site(&self, node: Node, at: &[usize]) -> Option<Site> {
        let origin = match node {
            Node::Variable(v) => Origin::Variable(v),
            Node::Column(c) => Origin::Column(c),
        };
        let unknown = self
            .unknowns
            .ids()
            .find(|u| self.unknowns.get(*u).origin == origin)?;
        let shape = self.shape(unknown);
        let flat = at.iter().zip(&shape).fold(0, |f, (i, n)| f * n + i);
        Some(Site { unknown, flat })
    }

    fn evaluate(&self, values: &Assignment, f: FactorId, at: &[usize]) -> Result<f64, Problem> {
        naive::probe(&self.model, self.data, values, &self.undecided, f, at)
    }

    fn discover(
        &self,
        q: &[Factor],
        values: &mut Assignment,
        f: FactorId,
        at: &[usize],
        found: &mut Vec<(usize, Vec<usize>)>,
        budget: &mut usize,
    ) -> Result<Tree, Reason> {
        let missing = match self.evaluate(values, f, at) {
            Ok(_) => return Ok(Tree::Leaf(found.clone())),
            Err(Problem::NoValue(node, at)) => self.site(node, &at),
            Err(other) => return Ok(Tree::Undefined(other.to_string())),
        };
        let Some((factor, site)) = missing.and_then(|s| self.owners.get(&s).copied()) else {
            return Ok(Tree::Undefined(
                "it reads an unknown that inference has no factor for".into(),
            ));
        };
        let Some(of) = q.get(factor) else {
            return Ok(Tree::Undefined("no such factor".into()));
        };
        if of.q.is_discrete(site) {
            let Some(s) = of.sites.get(site).copied() else {
                return Ok(Tree::Undefined("no such site".into()));
            };
            let n = of.q.conditional(&[], site).len();
            *budget = budget
                .checked_sub(n)
                .ok_or("a statement reads too many discrete states at once")?;
            let mut states = vec![];
            for k in 0..n {
                self.set(values, s, k as f64);
                let depth = found.clone();
                states.push(self.discover(q, values, f, at, found, budget)?);
                *found = depth;
            }
            self.set(values, s, f64::NAN);
            return Ok(Tree::Branch {
                factor,
                site,
                states,
            });
        }
        let centre =
            of.q.centre()
                .ok_or("a factor of q has no centre in double precision")?;
        let sites: Vec<usize> = if of.q.is_whole() {
            (0..of.sites.len()).collect()
        } else {
            vec![site]
        };
        for i in &sites {
            self.set(values, of.sites[*i], centre[*i]);
        }
        match found.iter_mut().find(|(x, _)| *x == factor) {
            Some((_, list)) => list.extend(&sites),
            None => found.push((factor, sites.clone())),
        }
        let tree = self.discover(q, values, f, at, found, budget);
        for i in &sites {
            self.set(values, of.sites[*i], f64::NAN);
        }
        tree
    }

    /// E_q of one element, its weight included.
    ///
    /// # Errors
    /// In words, where it is not defined.
    pub fn expectation(
        &self,
        q: &[Factor],
        e: &Element,
        values: &mut Assignment,
    ) -> Result<f64, Reason> {
        if e.weight == 0.0 {
            return Ok(0.0);
        }
        Ok(e.weight * self.walk(q, e, &e.tree, &mut vec![], values)?)
    }

    fn walk(
        &self,
        q: &[Factor],
        e: &Element,
        tree: &Tree,
        decided: &mut Vec<(usize, usize, usize)>,
        values: &mut Assignment,
    ) -> Result<f64, Reason> {
        match tree {
            Tree::Undefined(why) => Err(why.clone()),
            Tree::Branch {
                factor,
                site,
                states,
            } => {
                let own: Vec<(usize, usize)> = decided
                    .iter()
                    .filter(|(f, _, _)| f == factor)
                    .map(|(_, s, k)| (*s, *k))
                    .collect();
                let p = q[*factor].q.conditional(&own, *site);
                let mut total = 0.0;
                for (k, (p, tree)) in p.iter().zip(states).enumerate() {
                    if *p > 0.0 {
                        self.set(values, q[*factor].sites[*site], k as f64);
                        decided.push((*factor, *site, k));
                        let inner = self.walk(q, e, tree, decided, values);
                        decided.pop();
                        total += p * inner?;
                    }
                }
                Ok(total)
            }
            Tree::Leaf(list) => {
                let key = (e.index, decided.clone());
                if let Some(x) = self.memo.borrow().as_ref().and_then(|m| m.get(&key)) {
                    return Ok(*x);
                }
                let rules = joint_rules(q, list, decided)?;
                let x = self.product(e, &rules, values)?;
                if let Some(m) = self.memo.borrow_mut().as_mut() {
                    m.insert(key, x);
                }
                Ok(x)
            }
        }
    }

    fn product(
        &self,
        e: &Element,
        rules: &[JointRule],
        values: &mut Assignment,
    ) -> Result<f64, Reason> {
        let Some(((sites, points), rest)) = rules.split_first() else {
            return self
                .evaluate(values, e.factor, &e.at)
                .map_err(|p| p.to_string());
        };
        let mut total = 0.0;
        for (w, x) in points {
            for (s, x) in sites.iter().zip(x) {
                self.set(values, *s, *x);
            }
            total += w * self.product(e, rest, values)?;
        }
        Ok(total)
    }

    /// From now on, or no more: elements are remembered by the states of their discrete sites. Only while nothing but
    /// tables of states changes in q.
    pub fn remember(&self, on: bool) {
        *self.memo.borrow_mut() = on.then(Memo::new);
    }

    /// One element at values of every unknown, its weight included.
    ///
    /// # Errors
    /// In words, where it is not defined.
    pub fn at(&self, values: &Assignment, e: &Element) -> Result<f64, Reason> {
        if e.weight == 0.0 {
            return Ok(0.0);
        }
        let l = self
            .evaluate(values, e.factor, &e.at)
            .map_err(|p| p.to_string())?;
        Ok(e.weight * l)
    }

    /// Puts values of a factor's sites in place.
    pub fn place(&self, values: &mut Assignment, factor: &Factor, x: &[f64]) {
        for (s, x) in factor.sites.iter().zip(x) {
            if self.is_read(*s) {
                self.set(values, *s, *x);
            }
        }
    }
}

/// Sites of one block and their weighted values.
type JointRule = (Vec<Site>, Vec<super::rule::Weighted>);

/// One rule a block: several factors of a block stand in a statement as a sum (their elements are independent), so that
/// one rule serves them together. Gaussians become one Gaussian; others are crossed while that is little, else paired.
fn joint_rules(
    q: &[Factor],
    list: &[(usize, Vec<usize>)],
    decided: &[(usize, usize, usize)],
) -> Result<Vec<JointRule>, Reason> {
    let wide = || "a factor of q is too wide for double precision".to_string();
    let mut out: Vec<JointRule> = vec![];
    let mut done: Vec<crate::derive::BlockId> = vec![];
    for (f, _) in list {
        let block = q[*f].block;
        if done.contains(&block) {
            continue;
        }
        done.push(block);
        let mine = || list.iter().filter(|(f, _)| q[*f].block == block);
        let sites = mine()
            .flat_map(|(f, s)| s.iter().map(|s| q[*f].sites[*s]))
            .collect();
        let parts: Vec<super::rule::Part<'_>> = mine()
            .map(|(f, s)| {
                let own = decided.iter().filter(|(g, _, _)| g == f);
                let own = own.map(|(_, s, k)| (*s, *k)).collect();
                (&q[*f].q, s.as_slice(), own)
            })
            .collect();
        out.push((sites, super::rule::joint(&parts).ok_or_else(wide)?));
    }
    Ok(out)
}

fn sites(tree: &Tree, q: &[Factor], out: &mut BTreeSet<Site>) {
    let of = |factor: &usize, site: &usize| q.get(*factor)?.sites.get(*site).copied();
    match tree {
        Tree::Branch {
            factor,
            site,
            states,
        } => {
            out.extend(of(factor, site));
            states.iter().for_each(|t| sites(t, q, out));
        }
        Tree::Leaf(list) => {
            for (factor, list) in list {
                out.extend(list.iter().filter_map(|s| of(factor, s)));
            }
        }
        Tree::Undefined(_) => {}
    }
}

fn collect(tree: &Tree, out: &mut Vec<usize>) {
    match tree {
        Tree::Branch { factor, states, .. } => {
            out.push(*factor);
            states.iter().for_each(|t| collect(t, out));
        }
        Tree::Leaf(list) => out.extend(list.iter().map(|(f, _)| *f)),
        Tree::Undefined(_) => {}
    }
}

/// True for the element (b, a), a < b, of a symmetric variable's prior: (a, b) stands for both.
fn second_of_pair(model: &Model, id: FactorId, at: &[usize]) -> bool {
    let FactorKind::Prior(v, _) = &model.factor(id).kind else {
        return false;
    };
    let constraints = &model.variable(*v).constraints;
    constraints.contains(&Constraint::Symmetric) && matches!(at, [.., a, b] if a > b)
}

/// How often an element of a plate counts.
pub fn weight(model: &Model, data: &Dataset, plate: crate::model::PlateId, i: usize) -> f64 {
    let table = model.table_of(plate);
    let column = table.and_then(|t| model.table(t).weight);
    match column.and_then(|c| data.columns.get(c.index())) {
        Some(Cells::Numbers(w)) => w.get(IxDyn(&[i])).copied().unwrap_or(1.0),
        _ => 1.0,
    }
}
