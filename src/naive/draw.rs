//! Ancestral sampling: every value from its statement, once what the statement mentions has been drawn.
//!
//! in: a model, bound data, what is given, a random source -> out: an [`Assignment`] with every variable and every column
//! that a statement generates.
//!
//! No order is worked out beforehand. A draw that meets an element without a value names it; the statement that generates
//! it is drawn first, all of its elements in order, and the draw is made again. Where that statement is already on its way
//! (a chain, a lag) only the element that is missing is drawn. Elements that wait for what waits for them are left for
//! later (two columns that use each other's past); a single element that waits for itself is a circle.

use std::collections::BTreeMap;

use ndarray::{ArrayD, ArrayViewD, Axis, IxDyn};
use rand::Rng;

use super::expression::{Bindings, Evaluator};
use super::joint::{chosen, is_second_of_pair, value_sizes};
use super::parameters::Parameters;
use super::{Assignment, Node, Problem, constraint, invert, sample};
use crate::data::{BLANK, Cells, Dataset};
use crate::model::{
    ColumnId, ColumnType, Factor, FactorId, FactorKind, Model, PlateId, VariableId,
};

/// Draws every variable with a distribution and every observed column; the data's own observed cells are not looked at,
/// but for the total of a Multinomial that states none: it is the sum of the row.
///
/// What `given` holds is kept: whole variables and columns, or single elements where the others are NaN (a vector with a
/// NaN is drawn whole). A param under `unit norm` or `unit ball` is drawn from its prior and scaled, one under
/// `increasing` is sorted. An observed `let` is solved for the first column it mentions.
///
/// # Errors
/// [`Problem::NoValue`] of a param that has no prior and is not given, [`Problem::Unsupported`] for potentials and
/// circles, and arguments outside their range.
pub fn simulate(
    model: &Model,
    data: &Dataset,
    given: &Assignment,
    rng: &mut impl Rng,
) -> Result<Assignment, Problem> {
    let mut simulation = Simulation::new(model, data, given)?;
    for factor in 0..model.factors.len() {
        simulation.run(FactorId::from(factor), rng)?;
    }
    debug_assert!(simulation.done.iter().flatten().all(|done| *done));
    Ok(simulation.values)
}

/// The data with these columns in place of its own.
#[must_use]
pub fn with_observed(model: &Model, data: &Dataset, values: &Assignment) -> Dataset {
    let mut out = data.clone();
    for (id, cells) in &values.cells {
        let Some(place) = out.columns.get_mut(id.index()) else {
            continue;
        };
        let element = |v: &f64| if v.is_nan() { BLANK } else { *v as u32 };
        *place = match place {
            Cells::Numbers(_) => Cells::Numbers(cells.to_shared()),
            Cells::Elements(_) => Cells::Elements(cells.map(element).into_shared()),
        };
        let column = model.column(*id);
        let table = out.tables.get_mut(column.table.index());
        let missing = table.and_then(|t| t.missing.iter_mut().find(|(n, _)| *n == column.name));
        if let Some((_, count)) = missing {
            *count = cells.iter().filter(|v| v.is_nan()).count();
        }
    }
    out
}

/// What is to be done: all elements of a statement from a position on, or one.
enum Task {
    All(FactorId, usize),
    One(FactorId, usize),
}

struct Simulation<'a> {
    model: &'a Model,
    data: &'a Dataset,
    values: Assignment,
    /// By variable: given, so that no constraint is imposed on it.
    given: Vec<bool>,
    /// By column: generated here.
    drawn: Vec<bool>,
    /// The statement that generates a node.
    makers: BTreeMap<Node, FactorId>,
    /// By statement: which elements are drawn.
    done: Vec<Vec<bool>>,
    /// By statement: all of it is drawn, or on the way.
    started: Vec<bool>,
}

impl<'a> Simulation<'a> {
    fn new(model: &'a Model, data: &'a Dataset, given: &Assignment) -> Result<Self, Problem> {
        let mut simulation = Simulation {
            model,
            data,
            values: given.clone(),
            given: vec![false; model.variables.len()],
            drawn: vec![false; model.columns.len()],
            makers: BTreeMap::new(),
            done: vec![Vec::new(); model.factors.len()],
            started: vec![false; model.factors.len()],
        };
        let variables = &mut simulation.values.variables;
        variables.resize(model.variables.len(), None);
        for (i, factor) in model.factors.iter().enumerate() {
            simulation.prepare(FactorId::from(i), factor)?;
        }
        for (i, variable) in model.variables.iter().enumerate() {
            let id = VariableId::from(i);
            let node = Node::Variable(id);
            let given = simulation.values.variables[i].as_ref();
            let right = given.map(|v| v.shape() == simulation.sizes(&variable.slots));
            simulation.given[i] = right == Some(true);
            match (right, simulation.makers.contains_key(&node)) {
                (Some(true), _) => {}
                (Some(false), _) => {
                    let what = format!("the value of `{}` has another shape", variable.name);
                    return Err(Problem::Argument(what));
                }
                (None, true) => {
                    let shape = simulation.sizes(&variable.slots);
                    let nothing = ArrayD::from_elem(IxDyn(&shape), f64::NAN);
                    simulation.values.variables[i] = Some(nothing);
                }
                (None, false) => return Err(Problem::NoValue(node, vec![])),
            }
        }
        Ok(simulation)
    }

    fn sizes(&self, plates: &[PlateId]) -> Vec<usize> {
        let size = |p: &PlateId| self.data.plates.get(p.index()).map_or(0, |p| p.size);
        plates.iter().map(size).collect()
    }

    /// Notes what a statement generates and makes room for it.
    fn prepare(&mut self, id: FactorId, factor: &Factor) -> Result<(), Problem> {
        let plates: Vec<PlateId> = factor.axes.iter().map(|a| a.plate).collect();
        self.done[id.index()] = vec![false; self.sizes(&plates).iter().product()];
        let column = match &factor.kind {
            FactorKind::Prior(variable, _) => {
                self.makers.insert(Node::Variable(*variable), id);
                return Ok(());
            }
            FactorKind::ObservedColumn(column, _) => *column,
            FactorKind::ObservedDefinition(definition, _) => {
                invert::column_of(self.model, *definition)?
            }
            FactorKind::ObservedOnly(_) | FactorKind::Potential(_) => {
                let what = "an undirected model has no order to draw in";
                return Err(Problem::Unsupported(what.to_string()));
            }
        };
        if self.makers.insert(Node::Column(column), id).is_some() {
            let name = &self.model.column(column).name;
            let what = format!("two statements generate `{name}`");
            return Err(Problem::Unsupported(what));
        }
        self.drawn[column.index()] = true;
        let shape = self.sizes(&self.model.column(column).slots);
        let cells = self.values.cells.entry(column);
        let cells = cells.or_insert_with(|| ArrayD::from_elem(IxDyn(&shape), f64::NAN));
        if cells.shape() != shape {
            let name = &self.model.column(column).name;
            let what = format!("the cells of `{name}` have another shape");
            return Err(Problem::Argument(what));
        }
        Ok(())
    }

    fn evaluator(&self) -> Evaluator<'_> {
        Evaluator {
            model: self.model,
            data: self.data,
            values: &self.values,
            drawn: &self.drawn,
        }
    }

    /// The positions of an element that is counted with the last plate fastest, and back.
    fn element(&self, id: FactorId, mut place: usize) -> Vec<usize> {
        let factor = self.model.factor(id);
        let plates: Vec<PlateId> = factor.axes.iter().map(|a| a.plate).collect();
        let mut at = vec![0; plates.len()];
        for (i, size) in self.sizes(&plates).into_iter().enumerate().rev() {
            at[i] = place % size.max(1);
            place /= size.max(1);
        }
        at
    }

    fn place(&self, id: FactorId, at: &[usize]) -> usize {
        let factor = self.model.factor(id);
        let plates: Vec<PlateId> = factor.axes.iter().map(|a| a.plate).collect();
        let sizes = self.sizes(&plates);
        sizes.iter().zip(at).fold(0, |p, (size, e)| p * size + e)
    }

    /// Draws what is left of a statement, and before that whatever it needs.
    fn run(&mut self, id: FactorId, rng: &mut dyn Rng) -> Result<(), Problem> {
        self.started[id.index()] = true;
        let mut tasks = vec![Task::All(id, 0)];
        while let Some(task) = tasks.last() {
            let (factor, place, is_all) = match *task {
                Task::All(f, p) => (f, p, true),
                Task::One(f, p) => (f, p, false),
            };
            if is_all && place == self.done[factor.index()].len() {
                if let FactorKind::Prior(v, _) = self.model.factor(factor).kind {
                    self.constrain(v);
                }
                tasks.pop();
                continue;
            }
            match self.attempt(factor, place, rng) {
                Ok(()) if is_all => {
                    tasks.pop();
                    tasks.push(Task::All(factor, place + 1));
                }
                Ok(()) => {
                    tasks.pop();
                }
                Err(Problem::NoValue(node, at)) => {
                    let next = self.needed(node, &at)?;
                    let Task::One(f, p) = next else {
                        tasks.push(next);
                        continue;
                    };
                    let waits = |t: &Task| match *t {
                        Task::All(a, b) | Task::One(a, b) => a == f && b == p,
                    };
                    match tasks.iter().position(waits) {
                        None => tasks.push(next),
                        Some(waiting) => {
                            // only the eager part of the tasks in between may be in the way
                            let mut later = tasks.iter().skip(waiting + 1);
                            let eager = later.position(|t| matches!(t, Task::All(..)));
                            let Some(eager) = eager else {
                                let what = format!(
                                    "{} depends on itself, perhaps through a prior that reads it: give the values of that prior's variable",
                                    self.name(node)
                                );
                                return Err(Problem::Unsupported(what));
                            };
                            tasks.truncate(waiting + 1 + eager);
                        }
                    }
                }
                Err(Problem::Argument(why)) => {
                    let what = self.name_of(factor);
                    return Err(Problem::Argument(format!("{what}: {why}")));
                }
                Err(problem) => return Err(problem),
            }
        }
        Ok(())
    }

    /// What has to be drawn to give a node its value.
    fn needed(&mut self, node: Node, at: &[usize]) -> Result<Task, Problem> {
        let missing = || Problem::NoValue(node, at.to_vec());
        let maker = *self.makers.get(&node).ok_or_else(missing)?;
        if !std::mem::replace(&mut self.started[maker.index()], true) {
            return Ok(Task::All(maker, 0));
        }
        let place = self.place(maker, at);
        match self.done[maker.index()].get(place) {
            Some(false) => Ok(Task::One(maker, place)),
            _ => Err(missing()),
        }
    }

    fn name(&self, node: Node) -> String {
        match node {
            Node::Variable(v) => format!("`{}`", self.model.variable(v).name),
            Node::Column(c) => format!("`{}`", self.model.column(c).name),
        }
    }

    fn name_of(&self, id: FactorId) -> String {
        match &self.model.factor(id).kind {
            FactorKind::Prior(v, _) => self.name(Node::Variable(*v)),
            FactorKind::ObservedColumn(c, _) | FactorKind::ObservedOnly(c) => {
                self.name(Node::Column(*c))
            }
            FactorKind::ObservedDefinition(d, _) => {
                format!("`{}`", self.model.definition(*d).name)
            }
            FactorKind::Potential(_) => "a potential".to_string(),
        }
    }

    /// Draws one element, unless it is given.
    fn attempt(&mut self, id: FactorId, place: usize, rng: &mut dyn Rng) -> Result<(), Problem> {
        if self.done[id.index()][place] {
            return Ok(());
        }
        let factor = self.model.factor(id);
        let at = self.element(id, place);
        if !is_second_of_pair(self.model, factor, &at) && !self.is_given(factor, &at) {
            match &factor.kind {
                FactorKind::Prior(_, conditional)
                | FactorKind::ObservedColumn(_, conditional)
                | FactorKind::ObservedDefinition(_, conditional) => {
                    let evaluator = self.evaluator();
                    let axes = factor.axes.iter().copied();
                    let mut bound: Bindings = axes.zip(at.iter().copied()).collect();
                    let d = chosen(&evaluator, conditional, &bound)?;
                    let mut parameters = evaluator.parameters(d, &mut bound)?;
                    if let Parameters::Multinomial { total, .. } = &mut parameters {
                        *total = Some(total.unwrap_or(self.total(factor, &at)));
                    }
                    let sizes = value_sizes(&evaluator, d);
                    let values = match &factor.kind {
                        FactorKind::ObservedDefinition(d, _) => {
                            self.solve(*d, &at, &sizes, &parameters, rng)?
                        }
                        _ => inner_elements(&at, &sizes)
                            .into_iter()
                            .zip(sample::sample(&parameters, rng)?)
                            .collect(),
                    };
                    self.write(factor, &values)?;
                }
                FactorKind::ObservedOnly(_) | FactorKind::Potential(_) => {}
            }
        }
        self.done[id.index()][place] = true;
        Ok(())
    }

    /// The cells that give an observed `let` a drawn value.
    fn solve(
        &self,
        definition: crate::model::DefinitionId,
        at: &[usize],
        sizes: &[usize],
        parameters: &Parameters,
        rng: &mut dyn Rng,
    ) -> Result<Vec<(Vec<usize>, f64)>, Problem> {
        let evaluator = self.evaluator();
        let places = inner_elements(at, sizes);
        let mut goals = Vec::with_capacity(places.len());
        for place in places {
            goals.push(invert::goal(&evaluator, definition, &place)?);
        }
        let drawn = sample::sample(parameters, rng)?;
        Ok(goals
            .into_iter()
            .zip(drawn)
            .map(|(g, v)| g.solved(v))
            .collect())
    }

    /// True if every number of an element is there.
    fn is_given(&self, factor: &Factor, at: &[usize]) -> bool {
        let values = match &factor.kind {
            FactorKind::Prior(v, _) => self.values.variables[v.index()].as_ref(),
            FactorKind::ObservedColumn(c, _) => self.values.cells.get(c),
            FactorKind::ObservedDefinition(d, _) => match invert::column_of(self.model, *d) {
                Ok(c) => self.values.cells.get(&c),
                Err(_) => None,
            },
            FactorKind::ObservedOnly(_) | FactorKind::Potential(_) => None,
        };
        let numbers = values.and_then(|v| part(v.view(), at));
        numbers.is_some_and(|v| v.iter().all(|v| !v.is_nan()))
    }

    /// The sum of an observed row.
    fn total(&self, factor: &Factor, at: &[usize]) -> u64 {
        let FactorKind::ObservedColumn(c, _) = &factor.kind else {
            return 0;
        };
        let Some(Cells::Numbers(cells)) = self.data.columns.get(c.index()) else {
            return 0;
        };
        let row = part(cells.view(), at);
        let counts = row.map(|row| row.iter().filter(|v| !v.is_nan()).sum::<f64>());
        counts.unwrap_or(0.0) as u64
    }

    fn write(&mut self, factor: &Factor, values: &[(Vec<usize>, f64)]) -> Result<(), Problem> {
        let target = match &factor.kind {
            FactorKind::Prior(v, _) => self.values.variables[v.index()].as_mut(),
            FactorKind::ObservedColumn(c, _) => self.values.cells.get_mut(c),
            FactorKind::ObservedDefinition(d, _) => {
                let column = invert::column_of(self.model, *d)?;
                self.values.cells.get_mut(&column)
            }
            FactorKind::ObservedOnly(_) | FactorKind::Potential(_) => None,
        };
        let Some(target) = target else {
            return Ok(());
        };
        for (at, v) in values {
            let outside = || Problem::Element(format!("{at:?} of a value"));
            *target.get_mut(IxDyn(at)).ok_or_else(outside)? = *v;
        }
        Ok(())
    }

    /// What holds for a whole variable once all of it is drawn.
    fn constrain(&mut self, id: VariableId) {
        let variable = self.model.variable(id);
        if let Some(values) = self.values.variables[id.index()].as_mut()
            && !self.given[id.index()]
        {
            constraint::impose(variable, values);
        }
    }
}

/// The numbers of one element.
fn part<'v>(mut numbers: ArrayViewD<'v, f64>, at: &[usize]) -> Option<ArrayViewD<'v, f64>> {
    for e in at {
        if numbers.ndim() == 0 || *e >= numbers.len_of(Axis(0)) {
            return None;
        }
        numbers = numbers.index_axis_move(Axis(0), *e);
    }
    Some(numbers)
}

/// The positions of all numbers of one value.
fn inner_elements(at: &[usize], sizes: &[usize]) -> Vec<Vec<usize>> {
    let mut places = vec![at.to_vec()];
    for size in sizes {
        places = places
            .into_iter()
            .flat_map(|p| (0..*size).map(move |i| [p.as_slice(), &[i]].concat()))
            .collect();
    }
    places
}

/// True if a drawn cell is what a column of this type can hold.
#[must_use]
pub fn fits(model: &Model, column: ColumnId, v: f64) -> bool {
    match model.column(column).ty {
        ColumnType::Real => v.is_finite(),
        ColumnType::Positive => v > 0.0,
        ColumnType::Probability => (0.0..=1.0).contains(&v),
        ColumnType::Weight => v >= 0.0,
        ColumnType::Count | ColumnType::Label(_) => v >= 0.0 && v.fract() == 0.0,
        ColumnType::Binary => v == 0.0 || v == 1.0,
    }
}
