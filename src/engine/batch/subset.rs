//! Data of some elements of a plate: with all rows that belong to them, and nothing of the others.
//!
//! A row belongs to the element that its label column names; a row of another table that names that row belongs with it.
//! Whatever has one value for each of them is cut to the chosen ones, and labels are counted anew in the same order.

use ndarray::{ArcArray, Axis as Dim, IxDyn};

use crate::data::{BLANK, Cells, Dataset, Lines, PlateData, TableData};
use crate::engine::evaluate::Evaluator;
use crate::model::{ColumnId, ColumnType, Model, PlateId};

/// The plates that shrink together.
pub(in crate::engine) struct Reach {
    /// First the plate that is chosen from.
    pub members: Vec<Member>,
}

/// A plate whose elements belong to one element each of the plate that is chosen from.
pub(in crate::engine) struct Member {
    /// The plate.
    pub plate: PlateId,
    /// The label column that says to which; none for the plate that is chosen from.
    pub column: Option<ColumnId>,
    /// Its elements by owner: those of owner i are `elements[starts[i]..starts[i + 1]]`.
    starts: Vec<usize>,
    elements: Vec<usize>,
    weights: Option<Vec<f64>>,
    /// The sum of the weights of all elements.
    pub total: f64,
}

/// Chosen elements.
pub(in crate::engine) struct Chosen {
    /// For each member of the reach, its chosen elements, ascending.
    pub elements: Vec<Vec<usize>>,
    /// For each member, the sum of their weights.
    pub weight: Vec<f64>,
}

impl Reach {
    /// What belongs to the elements of a plate.
    ///
    /// # Errors
    /// In words, where something belongs to two of them or to none.
    pub fn of(e: &Evaluator<'_>, plate: PlateId) -> Result<Reach, String> {
        let (model, data) = (e.model, e.data);
        let count = data.plates[plate.index()].size;
        let mut owners: Vec<Vec<u32>> = vec![(0..count as u32).collect()];
        let mut members = vec![member(e, plate, None, &owners[0], count)];
        let mut at = 0;
        while at < members.len() {
            let of = members[at].plate;
            for (i, column) in model.columns.iter().enumerate() {
                let (ColumnType::Label(p), Some(rows)) = (column.ty, column.slots.first()) else {
                    continue;
                };
                let id = ColumnId::from(i);
                let names_itself = *rows == of && model.table(column.table).key == Some(id);
                if p != of || names_itself {
                    continue;
                }
                let name = &column.name;
                if column.slots.len() > 1 {
                    return Err(format!("a row has several labels `{name}`"));
                }
                if members.iter().any(|m| m.plate == *rows) {
                    return Err(format!("by `{name}`, rows belong to a second element"));
                }
                let Cells::Elements(cells) = &data.columns[i] else {
                    continue;
                };
                let owner: Vec<u32> = cells
                    .iter()
                    .map(|c| owners[at].get(*c as usize).copied().unwrap_or(BLANK))
                    .collect();
                if owner.contains(&BLANK) {
                    return Err(format!("`{name}` is blank in some rows"));
                }
                members.push(member(e, *rows, Some(id), &owner, count));
                owners.push(owner);
            }
            at += 1;
        }
        Ok(Reach { members })
    }

    /// The plate that is chosen from.
    pub fn plate(&self) -> PlateId {
        self.members[0].plate
    }

    /// Its elements.
    pub fn count(&self) -> usize {
        self.members[0].elements.len()
    }

    /// True for a plate that shrinks.
    pub fn holds(&self, plate: PlateId) -> bool {
        self.position(plate).is_some()
    }

    /// Where a plate stands among the members.
    pub fn position(&self, plate: PlateId) -> Option<usize> {
        self.members.iter().position(|m| m.plate == plate)
    }

    /// The elements of every member that belong to these, which are in any order.
    pub fn choose(&self, of: &[usize]) -> Chosen {
        let mut elements = vec![];
        let mut weight = vec![];
        for m in &self.members {
            let own = |i: &usize| m.elements[m.starts[*i]..m.starts[i + 1]].iter().copied();
            let mut list: Vec<usize> = of.iter().flat_map(own).collect();
            list.sort_unstable();
            weight.push(match &m.weights {
                Some(w) => list.iter().map(|n| w[*n]).sum(),
                None => list.len() as f64,
            });
            elements.push(list);
        }
        Chosen { elements, weight }
    }

    /// The data of chosen elements.
    pub fn cut(&self, model: &Model, data: &Dataset, chosen: &Chosen) -> Dataset {
        let of = |p: PlateId| self.position(p).map(|i| chosen.elements[i].as_slice());
        let plates = data.plates.iter().enumerate().map(|(i, p)| {
            let Some(list) = of(PlateId::from(i)) else {
                return p.clone();
            };
            let labels = list.iter().filter_map(|n| p.labels.get(*n).cloned());
            PlateData {
                size: list.len(),
                labels: labels.collect(),
            }
        });
        let tables = data.tables.iter().zip(&model.tables).map(|(t, about)| {
            let Some(list) = of(about.plate) else {
                return t.clone();
            };
            let lines = list.iter().map(|n| t.lines.get(*n).unwrap_or(0)).collect();
            let previous = list.iter().filter_map(|n| t.previous.get(*n));
            TableData {
                rows: list.len(),
                lines: Lines::Listed(lines),
                previous: previous.map(|p| renumbered(*p, list)).collect(),
                ..t.clone()
            }
        });
        let columns = data.columns.iter().zip(&model.columns).map(|(c, about)| {
            let along: Vec<(usize, &[usize])> = about
                .slots
                .iter()
                .enumerate()
                .filter_map(|(i, p)| Some((i, of(*p)?)))
                .collect();
            let names = match about.ty {
                ColumnType::Label(p) => of(p),
                _ => None,
            };
            match c {
                Cells::Numbers(v) => Cells::Numbers(select(v, &along)),
                Cells::Elements(v) => {
                    let mut v = select(v, &along);
                    if let Some(list) = names {
                        v = v.mapv(|x| renumbered(x, list)).into_shared();
                    }
                    Cells::Elements(v)
                }
            }
        });
        Dataset {
            plates: plates.collect(),
            tables: tables.collect(),
            columns: columns.collect(),
        }
    }
}

fn member(
    e: &Evaluator<'_>,
    plate: PlateId,
    column: Option<ColumnId>,
    owner: &[u32],
    owners: usize,
) -> Member {
    let mut starts = vec![0; owners + 1];
    for o in owner {
        starts[*o as usize + 1] += 1;
    }
    for i in 0..owners {
        starts[i + 1] += starts[i];
    }
    let mut next = starts.clone();
    let mut elements = vec![0; owner.len()];
    for (n, o) in owner.iter().enumerate() {
        elements[next[*o as usize]] = n;
        next[*o as usize] += 1;
    }
    let weights = e.weights(plate);
    let total = match &weights {
        Some(w) => w.iter().sum(),
        None => owner.len() as f64,
    };
    Member {
        plate,
        column,
        starts,
        elements,
        weights,
        total,
    }
}

fn renumbered(x: u32, list: &[usize]) -> u32 {
    list.binary_search(&(x as usize))
        .map_or(BLANK, |i| i as u32)
}

fn select<T: Clone>(v: &ArcArray<T, IxDyn>, along: &[(usize, &[usize])]) -> ArcArray<T, IxDyn> {
    let mut out = v.clone();
    for (dim, list) in along {
        if *dim < out.ndim() {
            out = out.select(Dim(*dim), list).into_shared();
        }
    }
    out
}
