//! The unknowns of a compilation: variables, and observed columns some of whose cells are blank.

use std::collections::BTreeSet;

use crate::model::{
    Argument, Auxiliary, Axis, Body, Case, ColumnId, ColumnType, Conditional, Constraint,
    DefinitionId, DistributionKind, Domain, Expr, FactorKind, Index, Matrix, Model, PlateId, Role,
    VariableId,
};

/// An unknown, by position in [`Unknowns`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct UnknownId(pub u32);

impl UnknownId {
    /// The position in its vector.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// Where an unknown comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// `param` or `latent`.
    Variable(VariableId),
    /// An observed column with children, or one of vectors: known where its cell is, latent where it is blank.
    Column(ColumnId),
    /// A sum of unknowns under a function, by position among the predictors.
    Predictor(u32),
}

/// A quantity that inference has to find.
#[derive(Debug, Clone, PartialEq)]
pub struct Unknown {
    /// Its name in the model.
    pub name: String,
    /// Where it comes from.
    pub origin: Origin,
    /// Distribution or point.
    pub role: Role,
    /// Its slots, value slots of simplexes and matrices included.
    pub slots: Vec<PlateId>,
    /// The support of an element.
    pub domain: Domain,
    /// Asked to be split along its plates.
    pub factorised: bool,
    /// Its last two slots may change places: one element per unordered pair.
    pub symmetric: bool,
    /// What ties its elements along a plate together.
    pub constraint: Option<Constraint>,
    /// What the compiler added it for.
    pub auxiliary: Option<Auxiliary>,
    /// Each element stands for so many copies that share one q: over its slots.
    pub copies: Option<(Vec<Axis>, super::Known)>,
}

impl Unknown {
    /// Slots that are not part of one value.
    pub fn plates(&self) -> &[PlateId] {
        &self.slots[..self.slots.len() - self.domain.value_slots()]
    }

    /// The plate of its values, for a discrete unknown.
    pub fn element_plate(&self) -> Option<PlateId> {
        match self.domain {
            Domain::Binary => Some(crate::model::BINARY),
            Domain::Element(p) => Some(p),
            _ => None,
        }
    }
}

/// All unknowns, in declaration order: variables, then columns.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Unknowns {
    /// By [`UnknownId`].
    pub items: Vec<Unknown>,
}

impl Unknowns {
    /// Those of a model when `blank` says which observed columns may hold blanks.
    pub fn of(model: &Model, blank: &dyn Fn(ColumnId) -> bool) -> Unknowns {
        let (conditioned, joint) = (conditioned(model), joint_vectors(model));
        let mut items: Vec<Unknown> = model
            .variables
            .iter()
            .enumerate()
            .map(|(i, v)| Unknown {
                name: v.name.clone(),
                origin: Origin::Variable(VariableId::from(i)),
                role: v.role,
                slots: v.slots.clone(),
                domain: v.domain,
                factorised: v.factorised,
                symmetric: v.constraints.contains(&Constraint::Symmetric),
                constraint: v
                    .constraints
                    .iter()
                    .copied()
                    .find(|c| *c != Constraint::Symmetric),
                auxiliary: v.auxiliary,
                copies: None,
            })
            .collect();
        for (i, c) in model.columns.iter().enumerate() {
            let id = ColumnId::from(i);
            let joint = joint.contains(&id) && c.ty == ColumnType::Real;
            if c.observed && blank(id) && (conditioned.contains(&id) || joint) {
                items.push(Unknown {
                    name: c.name.clone(),
                    origin: Origin::Column(id),
                    role: Role::Latent,
                    slots: c.slots.clone(),
                    domain: match c.ty {
                        ColumnType::Real => Domain::Real,
                        ColumnType::Positive | ColumnType::Weight => Domain::Positive,
                        ColumnType::Probability => Domain::Probability,
                        ColumnType::Count => Domain::Count,
                        ColumnType::Binary => Domain::Binary,
                        ColumnType::Label(p) => Domain::Element(p),
                    },
                    factorised: false,
                    symmetric: false,
                    constraint: None,
                    auxiliary: None,
                    copies: None,
                });
            }
        }
        Unknowns { items }
    }

    /// The unknown with this id.
    pub fn get(&self, id: UnknownId) -> &Unknown {
        &self.items[id.index()]
    }

    /// The id of a variable.
    pub fn variable(&self, id: VariableId) -> UnknownId {
        UnknownId(id.0)
    }

    /// The id of a column that is partly unknown.
    pub fn column(&self, id: ColumnId) -> Option<UnknownId> {
        self.items
            .iter()
            .position(|u| u.origin == Origin::Column(id))
            .map(|i| UnknownId(i as u32))
    }

    /// The columns that are partly unknown.
    pub fn columns(&self) -> impl Iterator<Item = (UnknownId, ColumnId)> {
        self.items
            .iter()
            .enumerate()
            .filter_map(|(i, u)| match u.origin {
                Origin::Column(c) => Some((UnknownId(i as u32), c)),
                Origin::Variable(_) | Origin::Predictor(_) => None,
            })
    }

    /// Lists a predictor behind the unknowns.
    pub fn push_predictor(&mut self, p: &super::Predictor) {
        let number = self
            .items
            .iter()
            .filter(|u| matches!(u.origin, Origin::Predictor(_)))
            .count();
        let taken = |n: &str| self.items.iter().any(|u| u.name == n);
        let mut name = "eta".to_string();
        for i in 2.. {
            if !taken(&name) {
                break;
            }
            name = format!("eta{i}");
        }
        self.items.push(Unknown {
            name,
            origin: Origin::Predictor(number as u32),
            role: Role::Param,
            slots: p.slots(),
            domain: Domain::Real,
            factorised: false,
            symmetric: false,
            constraint: None,
            auxiliary: None,
            copies: None,
        });
    }

    /// True if it is a predictor.
    pub fn is_predictor(&self, id: UnknownId) -> bool {
        matches!(
            self.items.get(id.index()).map(|u| u.origin),
            Some(Origin::Predictor(_))
        )
    }

    /// All ids in order.
    pub fn ids(&self) -> impl Iterator<Item = UnknownId> + use<> {
        (0..self.items.len() as u32).map(UnknownId)
    }
}

/// The columns whose cells along an `over` axis are one vector with a matrix spread: what is blank depends on what is not.
fn joint_vectors(model: &Model) -> BTreeSet<ColumnId> {
    fn joint(c: &Case) -> bool {
        match c {
            Case::Always(d) => {
                d.kind == DistributionKind::Gaussian
                    && d.arguments
                        .iter()
                        .any(|(_, a, _)| matches!(a, Argument::Matrix(_)))
            }
            Case::By { branches, .. } => branches.iter().any(|(_, b)| joint(b)),
        }
    }
    let columns = model.factors.iter().filter_map(|f| match &f.kind {
        FactorKind::ObservedColumn(column, c) => {
            (joint(&c.usual) || c.first.as_ref().is_some_and(joint)).then_some(*column)
        }
        _ => None,
    });
    columns.collect()
}

/// The columns that have a statement of their own and that arguments of statements read cell by cell: as an index, or as a
/// number outside folds over their own rows (a mean or spread skips blanks).
fn conditioned(model: &Model) -> BTreeSet<ColumnId> {
    let mut seen = Seen {
        model,
        columns: BTreeSet::new(),
        folded: vec![],
        definitions: BTreeSet::new(),
    };
    let mut stated = BTreeSet::new();
    for f in &model.factors {
        match &f.kind {
            FactorKind::Prior(_, c) | FactorKind::ObservedDefinition(_, c) => seen.conditional(c),
            FactorKind::ObservedColumn(column, c) => {
                stated.insert(*column);
                seen.conditional(c);
            }
            FactorKind::ObservedOnly(_) => {}
            FactorKind::Potential(e) => seen.expr(e),
        }
    }
    seen.columns.intersection(&stated).copied().collect()
}

struct Seen<'a> {
    model: &'a Model,
    columns: BTreeSet<ColumnId>,
    folded: Vec<Axis>,
    /// Definitions read already, with the folds they stood in.
    definitions: BTreeSet<(DefinitionId, Vec<Axis>)>,
}

impl Seen<'_> {
    fn conditional(&mut self, c: &Conditional) {
        self.case(&c.usual);
        if let Some(f) = &c.first {
            self.case(f);
        }
    }

    fn case(&mut self, c: &Case) {
        match c {
            Case::Always(d) => {
                for (_, a, _) in &d.arguments {
                    match a {
                        Argument::Scalar(e) => self.expr(e),
                        Argument::Matrix(m) => self.matrix(m),
                    }
                }
            }
            Case::By {
                selector, branches, ..
            } => {
                self.index(selector);
                for (_, b) in branches {
                    self.case(b);
                }
            }
        }
    }

    fn matrix(&mut self, m: &Matrix) {
        match m {
            Matrix::Identity => {}
            Matrix::Diagonal(e) => self.expr(e),
            Matrix::Definition(_, i) | Matrix::Variable(_, i) => {
                i.iter().for_each(|i| self.index(i))
            }
            Matrix::Scaled(e, m) => {
                self.expr(e);
                self.matrix(m);
            }
            Matrix::Sum(a, b) => {
                self.matrix(a);
                self.matrix(b);
            }
            Matrix::Inverse(m) => self.matrix(m),
        }
    }

    fn index(&mut self, i: &Index) {
        match i {
            Index::Axis(_) | Index::Lag(..) | Index::Element(_) => {}
            Index::Column(c, inner) => {
                self.columns.insert(*c);
                inner.iter().for_each(|i| self.index(i));
            }
            Index::Variable(_, inner) => inner.iter().for_each(|i| self.index(i)),
        }
    }

    fn expr(&mut self, e: &Expr) {
        match e {
            Expr::Number(_) | Expr::Size(_) => {}
            Expr::Column(c, i) => {
                let own = self.model.column(*c).slots[0];
                if !self.folded.iter().any(|a| a.plate == own) {
                    self.columns.insert(*c);
                }
                i.iter().for_each(|i| self.index(i));
            }
            Expr::Definition(d, i) => {
                i.iter().for_each(|i| self.index(i));
                if !self.definitions.insert((*d, self.folded.clone())) {
                    return;
                }
                match &self.model.definition(*d).body {
                    Body::Expr(e) => self.expr(e),
                    Body::Table { entries, .. } => entries.iter().for_each(|e| self.expr(e)),
                }
            }
            Expr::Variable(_, i) => i.iter().for_each(|i| self.index(i)),
            Expr::Negate(a) | Expr::Call(_, a) => self.expr(a),
            Expr::Add(a, b)
            | Expr::Subtract(a, b)
            | Expr::Multiply(a, b)
            | Expr::Divide(a, b)
            | Expr::Power(a, b) => {
                self.expr(a);
                self.expr(b);
            }
            Expr::Fold { axes, body, .. } => {
                let n = self.folded.len();
                self.folded.extend(axes);
                self.expr(body);
                self.folded.truncate(n);
            }
        }
    }
}
