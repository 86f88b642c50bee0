//! How a table of predictions names its elements: the line of the file, or labels.

use ndarray::IxDyn;

use super::apply::Applied;
use crate::data::{BLANK, Cells};
use crate::model::{ColumnId, ColumnType, Every, PlateId, PlateKind};

/// How the elements of a plate are told apart: the line of the file, or their labels.
pub(super) struct Id {
    plate: PlateId,
    pub(super) headers: Vec<String>,
    /// In the order of the file.
    pub(super) elements: Vec<usize>,
    /// Label columns whose cells name a row that the file may not have.
    crossed: Vec<ColumnId>,
}

impl Id {
    pub(super) fn new(a: &Applied<'_, '_>, plate: PlateId) -> Id {
        let model = &a.engine.derivation.model;
        let data = a.engine.evaluator.data;
        let size = data.plates[plate.index()].size;
        let mut id = Id {
            plate,
            headers: vec![model.plate(plate).name.clone()],
            elements: (0..size).collect(),
            crossed: vec![],
        };
        match model.plate(plate).kind {
            PlateKind::Rows(t) => {
                id.headers = vec!["line".into()];
                let lines = &data.tables[t.index()].lines;
                id.elements.sort_by_key(|i| lines.get(*i));
                id.crossed = match &model.table(t).every {
                    Some(Every::All(c)) => c.clone(),
                    Some(Every::Less(a, b) | Every::Unequal(a, b)) => vec![*a, *b],
                    None => vec![],
                };
                let names = id.crossed.iter().map(|c| model.column(*c).name.clone());
                id.headers.extend(names);
            }
            PlateKind::Labels(_) => {
                let met = mentioned(a, plate);
                id.elements
                    .retain(|i| met.get(*i).copied().unwrap_or(false));
            }
            PlateKind::Binary
            | PlateKind::Counted { .. }
            | PlateKind::Listed(_)
            | PlateKind::Keyed(..)
            | PlateKind::Group(_) => {}
        }
        id
    }

    pub(super) fn cells(&self, a: &Applied<'_, '_>, element: usize) -> Vec<String> {
        let model = &a.engine.derivation.model;
        let data = a.engine.evaluator.data;
        let PlateKind::Rows(t) = model.plate(self.plate).kind else {
            let labels = &data.plates[self.plate.index()].labels;
            return vec![labels.get(element).cloned().unwrap_or_default()];
        };
        let line = data.tables[t.index()].lines.get(element).unwrap_or(0);
        let mut out = vec![if line == 0 {
            String::new()
        } else {
            line.to_string()
        }];
        for c in &self.crossed {
            let label = match (&data.columns[c.index()], model.column(*c).ty) {
                (Cells::Elements(v), ColumnType::Label(p)) => v
                    .get(IxDyn(&[element]))
                    .and_then(|e| data.plates[p.index()].labels.get(*e as usize)),
                _ => None,
            };
            out.push(label.cloned().unwrap_or_default());
        }
        out
    }
}

/// Which labels the new rows hold.
fn mentioned(a: &Applied<'_, '_>, plate: PlateId) -> Vec<bool> {
    let model = &a.engine.derivation.model;
    let data = a.engine.evaluator.data;
    let mut met = vec![false; data.plates[plate.index()].size];
    for (column, cells) in model.columns.iter().zip(&data.columns) {
        if let (true, Cells::Elements(v)) = (column.ty == ColumnType::Label(plate), cells) {
            for e in v.iter().filter(|e| **e != BLANK) {
                if let Some(m) = met.get_mut(*e as usize) {
                    *m = true;
                }
            }
        }
    }
    met
}
