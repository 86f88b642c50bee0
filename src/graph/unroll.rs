//! A few representative elements of every plate, so that a path between replicated quantities can be walked.
//!
//! in: a model -> out: [`Elements`]: how many elements stand for each plate, which element a label column holds in each
//! row, which element comes `k` before another.
//!
//! ```text
//! plate      2 elements; 3 where one table refers to it twice (winner, loser)
//! rows       one pair of rows for every combination of the labels that statements use as indices
//! ordered    sequences of at least 3 steps; 2 sequences where the table has `within`
//! ```
//!
//! Any data set folds onto these: send each element to one of the representatives and each row to a row with the labels
//! that result. A dependence in some data set is therefore a dependence here.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{
    Body, ColumnId, ColumnType, Every, Expr, FactorKind, Index, Model, PlateId, PlateKind, Source,
    TableId,
};

use super::{ArgumentRole, FactorGraph, Node};

/// Rows are unrolled over all combinations of labels up to this many; beyond, one label changes at a time.
const COMBINATIONS: usize = 32;

/// Where an element of an ordered plate stands: its sequence and its position in it.
pub type Place = (usize, usize);

/// The representatives.
#[derive(Debug, Clone)]
pub struct Elements {
    /// How many, by plate.
    sizes: Vec<usize>,
    /// What a label column holds in a row.
    labels: BTreeMap<(ColumnId, usize), usize>,
    /// The places of the elements of ordered plates, by plate.
    places: Vec<Vec<Place>>,
    /// Label columns that select elements, by table.
    index_columns: Vec<Vec<ColumnId>>,
    /// Along which plates some statement looks back.
    chained: Vec<bool>,
}

impl Elements {
    /// The representatives of a model's plates.
    pub fn of(model: &Model, g: &FactorGraph) -> Elements {
        let mut used: BTreeSet<ColumnId> = BTreeSet::new();
        for e in g.factors.iter().flat_map(|f| &f.edges) {
            if let Node::Column(c) = e.node
                && matches!(e.role, ArgumentRole::Index | ArgumentRole::Selector)
            {
                used.insert(c);
            }
        }
        restrictions(model, &mut used);
        let index_columns: Vec<Vec<ColumnId>> = model
            .tables
            .iter()
            .map(|t| {
                let mut list = t.columns.clone();
                list.retain(|c| used.contains(c) && t.key != Some(*c));
                list
            })
            .collect();
        let whole: BTreeSet<PlateId> = g
            .factors
            .iter()
            .flat_map(|f| &f.edges)
            .filter(|e| e.role == ArgumentRole::Selector)
            .filter_map(|e| match e.node {
                Node::Column(c) => match model.column(c).ty {
                    ColumnType::Label(p) => Some(p),
                    _ => None,
                },
                _ => None,
            })
            .collect();
        let mut lags = vec![0usize; model.plates.len()];
        for f in &model.factors {
            if let FactorKind::Prior(_, c)
            | FactorKind::ObservedColumn(_, c)
            | FactorKind::ObservedDefinition(_, c) = &f.kind
            {
                for (a, k) in &c.lags {
                    if let Some(l) = lags.get_mut(a.plate.index()) {
                        *l = (*l).max(*k as usize);
                    }
                }
            }
        }
        let mut build = Build {
            model,
            whole,
            out: Elements {
                chained: lags.iter().map(|k| *k > 0).collect(),
                sizes: vec![0; model.plates.len()],
                labels: BTreeMap::new(),
                places: vec![vec![]; model.plates.len()],
                index_columns,
            },
            busy: BTreeSet::new(),
            lags,
        };
        for i in 0..model.plates.len() {
            build.size(PlateId::from(i));
        }
        build.out
    }

    /// How many elements stand for a plate.
    pub fn size(&self, p: PlateId) -> usize {
        self.sizes.get(p.index()).copied().unwrap_or(0)
    }

    /// The element that a label column holds in a row.
    pub fn label(&self, c: ColumnId, row: usize) -> Option<usize> {
        self.labels.get(&(c, row)).copied()
    }

    /// The label columns of a table that select elements.
    pub fn index_columns(&self, t: TableId) -> &[ColumnId] {
        self.index_columns.get(t.index()).map_or(&[], Vec::as_slice)
    }

    /// The place of an element of an ordered plate.
    pub fn place(&self, p: PlateId, element: usize) -> Option<Place> {
        self.places.get(p.index())?.get(element).copied()
    }

    /// Whether some statement looks back along a plate.
    pub fn chained(&self, p: PlateId) -> bool {
        self.chained.get(p.index()) == Some(&true)
    }

    /// The element `k` before another, if there is one.
    pub fn back(&self, p: PlateId, element: usize, k: u32) -> Option<usize> {
        let (sequence, step) = self.place(p, element)?;
        let want = (sequence, step.checked_sub(k as usize)?);
        self.places.get(p.index())?.iter().position(|x| *x == want)
    }
}

struct Build<'a> {
    model: &'a Model,
    lags: Vec<usize>,
    /// Plates whose elements choose among branches: all of them stand for themselves.
    whole: BTreeSet<PlateId>,
    out: Elements,
    /// Plates whose size is being found: tables may refer to themselves.
    busy: BTreeSet<PlateId>,
}

impl Build<'_> {
    fn lag(&self, p: PlateId) -> usize {
        self.lags.get(p.index()).copied().unwrap_or(0)
    }

    /// Two elements stand for a plate, three where one table refers to it twice or a chain runs along it.
    fn wanted(&self, p: PlateId) -> usize {
        let twice = self.out.index_columns.iter().any(|list| {
            let to = |c: &&ColumnId| self.model.column(**c).ty == ColumnType::Label(p);
            list.iter().filter(to).count() > 1
        });
        let lag = self.lag(p);
        match (lag, twice) {
            (0, false) => 2,
            (0, true) => 3,
            (k, _) => k + 2,
        }
    }

    fn size(&mut self, p: PlateId) -> usize {
        let known = self.out.size(p);
        if known > 0 {
            return known;
        }
        if !self.busy.insert(p) {
            return 0;
        }
        let mut wanted = self.wanted(p);
        if self.whole.contains(&p) {
            wanted = wanted.max(8);
        }
        let n = match &self.model.plate(p).kind {
            PlateKind::Binary => 2,
            PlateKind::Counted { size, .. } => size.map_or(wanted, |n| n.min(wanted)).max(1),
            PlateKind::Listed(names) => names.len().min(wanted).max(1),
            PlateKind::Labels(_) | PlateKind::Group(_) => wanted,
            PlateKind::Rows(t) | PlateKind::Keyed(t, _) => self.rows(p, *t, wanted),
        };
        self.busy.remove(&p);
        if let Some(slot) = self.out.sizes.get_mut(p.index()) {
            *slot = n;
        }
        if self.model.table_of(p).is_none()
            && let Some(places) = self.out.places.get_mut(p.index())
        {
            *places = (0..n).map(|i| (0, i)).collect();
        }
        n
    }

    /// The rows of a table with their labels; how many there are.
    fn rows(&mut self, p: PlateId, t: TableId, wanted: usize) -> usize {
        let model = self.model;
        let table = model.table(t);
        let columns = self.out.index_columns(t).to_vec();
        let within = |c: ColumnId| {
            let c = model.column(c);
            let header = match &c.source {
                Source::Header(h) => h,
                _ => &c.name,
            };
            table
                .ordered
                .as_ref()
                .is_some_and(|o| o.within.contains(header))
        };
        let sizes: Vec<usize> = columns
            .iter()
            .map(|c| match model.column(*c).ty {
                ColumnType::Label(q) => self.size(q),
                ColumnType::Binary => 2,
                _ => 1,
            })
            .collect();
        let mut rows = combinations(&sizes);
        if let Some(Every::Less(a, b) | Every::Unequal(a, b)) = &table.every {
            let at = |c: &ColumnId| columns.iter().position(|x| x == c);
            if let (Some(a), Some(b)) = (at(a), at(b)) {
                rows.retain(|r| r.get(a) != r.get(b));
            }
        }
        let mut placed: Vec<Place> = vec![];
        let mut labels: Vec<Vec<usize>> = vec![];
        match &table.ordered {
            Some(order) => {
                let sequences = if order.within.is_empty() { 1 } else { 2 };
                let steps = rows.len().max(1).max(self.lag(p) + 2).max(3);
                for s in 0..sequences {
                    for i in 0..steps {
                        let row = rows.get(i % rows.len().max(1)).cloned().unwrap_or_default();
                        let fixed = columns
                            .iter()
                            .zip(row)
                            .zip(&sizes)
                            .map(|((c, l), n)| if within(*c) && *n > 0 { s % n } else { l });
                        labels.push(fixed.collect());
                        placed.push((s, i));
                    }
                }
            }
            None => {
                let every = matches!(table.every, Some(Every::All(_)));
                let copies = if every && !columns.is_empty() {
                    1
                } else {
                    wanted.max(2)
                };
                for row in &rows {
                    for _ in 0..copies {
                        placed.push((placed.len(), 0));
                        labels.push(row.clone());
                    }
                }
            }
        }
        let n = labels.len();
        for (i, row) in labels.iter().enumerate() {
            for ((c, l), size) in columns.iter().zip(row).zip(&sizes) {
                // A table that refers to itself: its size was not known yet.
                let l = if *size == 0 { (i + 1) % n.max(1) } else { *l };
                self.out.labels.insert((*c, i), l);
            }
            if let Some(k) = table.key {
                self.out.labels.insert((k, i), i);
            }
        }
        if let Some(places) = self.out.places.get_mut(p.index()) {
            *places = placed;
        }
        n
    }
}

/// All combinations, the last fastest; where these are too many, one position away from the first at a time.
fn combinations(sizes: &[usize]) -> Vec<Vec<usize>> {
    let total = sizes.iter().try_fold(1usize, |n, s| {
        n.checked_mul((*s).max(1)).filter(|n| *n <= COMBINATIONS)
    });
    let mut out = vec![vec![0; sizes.len()]];
    if total.is_none() {
        for (i, n) in sizes.iter().enumerate() {
            for v in 1..*n {
                let mut row = vec![0; sizes.len()];
                if let Some(x) = row.get_mut(i) {
                    *x = v;
                }
                out.push(row);
            }
        }
        out.push(sizes.iter().map(|n| n.saturating_sub(1)).collect());
        return out;
    }
    for (i, n) in sizes.iter().enumerate() {
        let before = std::mem::take(&mut out);
        for row in before {
            for v in 0..(*n).max(1) {
                let mut row = row.clone();
                if let Some(x) = row.get_mut(i) {
                    *x = v;
                }
                out.push(row);
            }
        }
    }
    out
}

/// Columns that restrict a fold to the rows of one element, and columns inside indices of definitions.
fn restrictions(model: &Model, out: &mut BTreeSet<ColumnId>) {
    let mut go = |e: &Expr| in_expr(e, out);
    for d in &model.definitions {
        match &d.body {
            Body::Expr(e) => go(e),
            Body::Table { entries, .. } => entries.iter().for_each(&mut go),
        }
    }
    let mut visit = |c: &crate::model::Conditional| {
        let mut cases = vec![&c.usual];
        cases.extend(&c.first);
        while let Some(case) = cases.pop() {
            match case {
                crate::model::Case::By { branches, .. } => {
                    cases.extend(branches.iter().map(|(_, b)| b));
                }
                crate::model::Case::Always(d) => {
                    for (_, a, _) in &d.arguments {
                        if let crate::model::Argument::Scalar(e) = a {
                            go(e);
                        }
                    }
                }
            }
        }
    };
    for f in &model.factors {
        match &f.kind {
            FactorKind::Prior(_, c)
            | FactorKind::ObservedColumn(_, c)
            | FactorKind::ObservedDefinition(_, c) => visit(c),
            FactorKind::ObservedOnly(_) | FactorKind::Potential(_) => {}
        }
    }
    for f in &model.factors {
        if let FactorKind::Potential(e) = &f.kind {
            in_expr(e, out);
        }
    }
}

fn in_index(i: &Index, out: &mut BTreeSet<ColumnId>) {
    match i {
        Index::Axis(_) | Index::Lag(..) | Index::Element(_) => {}
        Index::Column(c, inner) => {
            out.insert(*c);
            inner.iter().for_each(|i| in_index(i, out));
        }
        Index::Variable(_, inner) => inner.iter().for_each(|i| in_index(i, out)),
    }
}

fn in_expr(e: &Expr, out: &mut BTreeSet<ColumnId>) {
    match e {
        Expr::Number(_) | Expr::Size(_) => {}
        Expr::Definition(_, i) | Expr::Column(_, i) | Expr::Variable(_, i) => {
            i.iter().for_each(|i| in_index(i, out));
        }
        Expr::Negate(a) | Expr::Call(_, a) => in_expr(a, out),
        Expr::Add(a, b)
        | Expr::Subtract(a, b)
        | Expr::Multiply(a, b)
        | Expr::Divide(a, b)
        | Expr::Power(a, b) => {
            in_expr(a, out);
            in_expr(b, out);
        }
        Expr::Fold {
            restriction, body, ..
        } => {
            out.extend(restriction.iter().map(|r| r.column));
            in_expr(body, out);
        }
    }
}
