//! The unknowns of a compilation: variables, and observed columns some of whose cells are blank.

use crate::model::{ColumnId, ColumnType, Domain, Model, PlateId, Role, VariableId};

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
    /// An observed column with children: known where its cell is, latent where it is blank.
    Column(ColumnId),
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
            })
            .collect();
        for (i, c) in model.columns.iter().enumerate() {
            let id = ColumnId::from(i);
            if c.observed && c.used && blank(id) {
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

    /// All ids in order.
    pub fn ids(&self) -> impl Iterator<Item = UnknownId> + use<> {
        (0..self.items.len() as u32).map(UnknownId)
    }
}
