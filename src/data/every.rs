//! `every user, item`, `every a < b`, `every a != b`: a row for each combination, in the file or not.
//!
//! in: a [`RawTable`] whose label cells are positions in their plates -> out: the full table, combinations in the order of
//! the plates, the last column fastest; E0708 for a combination that is listed twice or pairs an element with itself,
//! E0704 for a cell of an added row that has nothing to hold.
//!
//! ```text
//! place of (a, b) of n elements     a < b: a n - a (a + 1) / 2 + b - a - 1      a != b: a (n - 1) + b - [b > a]
//! ```

use super::finding::{at_column, clip};
use super::raw::{RawCells, RawTable, Texts};
use super::{BLANK, PlateData};
use crate::diag::{Code, Diagnostic};
use crate::model::{BINARY, ColumnId, ColumnType, Every, Model, PlateId, Source, Table};

/// Which combinations have a row, and where.
struct Crossing {
    columns: Vec<ColumnId>,
    sizes: Vec<usize>,
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    All,
    Less,
    Unequal,
}

/// The columns that `every` crosses.
pub(super) fn crossed(every: &Every) -> Vec<ColumnId> {
    match every {
        Every::All(columns) => columns.clone(),
        Every::Less(a, b) | Every::Unequal(a, b) => vec![*a, *b],
    }
}

impl Crossing {
    fn total(&self) -> Option<usize> {
        let product = self
            .sizes
            .iter()
            .try_fold(1usize, |n, s| n.checked_mul(*s))?;
        let n = self.sizes.first().copied().unwrap_or(0);
        Some(match self.kind {
            Kind::All => product,
            Kind::Less => (product - n) / 2,
            Kind::Unequal => product - n,
        })
    }

    /// Turns a combination round if need be and gives its place; none for a pair with itself.
    fn place(&self, combination: &mut [usize]) -> Option<usize> {
        match (self.kind, &mut *combination) {
            (Kind::All, all) => Some(
                all.iter()
                    .zip(&self.sizes)
                    .fold(0, |place, (element, size)| place * size + element),
            ),
            (_, [a, b]) if a == b => None,
            (Kind::Less, [a, b]) => {
                if a > b {
                    std::mem::swap(a, b);
                }
                let n = self.sizes.first().copied().unwrap_or(0);
                Some(*a * n - *a * (*a + 1) / 2 + *b - *a - 1)
            }
            (Kind::Unequal, [a, b]) => {
                let n = self.sizes.first().copied().unwrap_or(0);
                Some(*a * (n - 1) + *b - usize::from(*b > *a))
            }
            _ => None,
        }
    }

    /// All combinations in the order of their places.
    fn combinations(&self) -> Vec<Vec<u32>> {
        let total = self.total().unwrap_or(0);
        let mut elements = vec![Vec::with_capacity(total); self.sizes.len()];
        let mut current = vec![0usize; self.sizes.len()];
        if self.sizes.contains(&0) {
            return elements;
        }
        loop {
            let kept = match (self.kind, current.as_slice()) {
                (Kind::Less, [a, b]) => a < b,
                (Kind::Unequal, [a, b]) => a != b,
                _ => true,
            };
            if kept {
                for (column, element) in elements.iter_mut().zip(&current) {
                    column.push(*element as u32);
                }
            }
            // count up, the last column fastest
            let mut more = false;
            for (element, size) in current.iter_mut().zip(&self.sizes).rev() {
                *element += 1;
                if *element < *size {
                    more = true;
                    break;
                }
                *element = 0;
            }
            if !more {
                return elements;
            }
        }
    }
}

/// What the expansion of one table needs to know.
struct Ctx<'a> {
    model: &'a Model,
    declared: &'a Table,
    file: &'a str,
    /// All plates known so far.
    known: &'a [Option<PlateData>],
    /// The plates of the crossed columns.
    plates: Vec<&'a PlateData>,
    crossing: Crossing,
}

/// Expands a table whose crossed columns have known plates.
pub(super) fn expand(
    model: &Model,
    declared: &Table,
    every: &Every,
    raw: &mut RawTable,
    known: &[Option<PlateData>],
    file: &str,
) -> Result<(), Vec<Diagnostic>> {
    let columns = crossed(every);
    let plates: Vec<&PlateData> = columns
        .iter()
        .filter_map(|c| known.get(plate_of(model, *c)?.index())?.as_ref())
        .collect();
    let ctx = Ctx {
        model,
        declared,
        file,
        known,
        crossing: Crossing {
            columns,
            sizes: plates.iter().map(|p| p.size).collect(),
            kind: match every {
                Every::All(_) => Kind::All,
                Every::Less(..) => Kind::Less,
                Every::Unequal(..) => Kind::Unequal,
            },
        },
        plates,
    };
    let total = match ctx.crossing.total() {
        Some(total) if total < BLANK as usize => total,
        _ => {
            let sizes: Vec<String> = ctx.plates.iter().map(|p| p.size.to_string()).collect();
            return Err(vec![
                Diagnostic::new(Code::E0601, "`every` makes more rows than can be held")
                    .at(declared.span, "one row for each combination")
                    .note(format!("the plates have {} elements", sizes.join(" and "))),
            ]);
        }
    };
    let (source, found) = ctx.sources(raw, total);
    if !found.is_empty() {
        return Err(found);
    }
    let elements = ctx.crossing.combinations();
    ctx.fill(raw, &source, &elements)?;
    ctx.fill_positions(raw, &source, &elements);
    Ok(())
}

/// The plate whose elements a label or binary column holds.
pub(super) fn plate_of(model: &Model, column: ColumnId) -> Option<PlateId> {
    match model.column(column).ty {
        ColumnType::Label(plate) => Some(plate),
        ColumnType::Binary => Some(BINARY),
        _ => None,
    }
}

impl Ctx<'_> {
    /// By place: the row of the file, or [`BLANK`].
    fn sources(&self, raw: &RawTable, total: usize) -> (Vec<u32>, Vec<Diagnostic>) {
        let mut source = vec![BLANK; total];
        let mut found = Vec::new();
        let columns = self.crossing.columns.iter();
        let cells: Vec<&[u32]> = columns
            .filter_map(|id| raw.column(*id))
            .map(|c| match &c.cells {
                RawCells::Elements(v) => v.as_slice(),
                RawCells::Numbers(_) => &[],
            })
            .collect();
        let mut combination = Vec::with_capacity(cells.len());
        for row in 0..raw.rows() {
            combination.clear();
            combination.extend(cells.iter().filter_map(|c| Some(*c.get(row)? as usize)));
            let place = self.crossing.place(&mut combination);
            let problem = match place.and_then(|p| source.get_mut(p)) {
                Some(slot) if *slot == BLANK => {
                    *slot = row as u32;
                    continue;
                }
                Some(first) => (
                    "a combination of `every` is listed twice",
                    format!("{} and {}", raw.place(*first), raw.place(row as u32)),
                ),
                None => ("an element is paired with itself", raw.place(row as u32)),
            };
            if found.len() < 5 {
                let names = self.names(combination.iter().map(|e| *e as u32));
                let label = format!("`{}` has one row for each", clip(&self.declared.name, 30));
                found.push(
                    Diagnostic::new(Code::E0708, problem.0)
                        .at(self.declared.span, label)
                        .note(format!("{}, {}: {names}", self.file, problem.1)),
                );
            }
        }
        (source, found)
    }

    /// The labels of a combination.
    fn names(&self, combination: impl Iterator<Item = u32>) -> String {
        let names: Vec<String> = combination
            .zip(&self.plates)
            .filter_map(|(e, p)| p.labels.get(e as usize))
            .map(|l| format!("`{l}`"))
            .collect();
        names.join(", ")
    }

    /// Gives every place its cells.
    fn fill(
        &self,
        raw: &mut RawTable,
        source: &[u32],
        elements: &[Vec<u32>],
    ) -> Result<(), Vec<Diagnostic>> {
        let mut found = Vec::new();
        let first_added = source.iter().position(|s| *s == BLANK);
        for column in &mut raw.columns {
            let crossed = self.crossing.columns.iter().position(|c| *c == column.id);
            if let Some(elements) = crossed.and_then(|at| elements.get(at)) {
                column.cells = RawCells::Elements(elements.clone());
                continue;
            }
            let about = self.model.column(column.id);
            let filler = match about.source {
                Source::Listed => Some(0.0),
                _ => about.default,
            };
            if let (None, false, Some(place)) = (filler, column.may_be_blank, first_added) {
                let title = format!("no `{}` where no row is listed", clip(&about.name, 18));
                let names = self.names(elements.iter().filter_map(|e| e.get(place).copied()));
                // A number can stand for what is not listed; a label cannot.
                let help = match about.ty {
                    ColumnType::Label(_) => {
                        format!("list a row for {names} too, with its `{}`", about.name)
                    }
                    _ => format!("end the declaration of `{}` in `else 0`", about.name),
                };
                found.push(
                    at_column(Code::E0704, title, about)
                        .also(self.declared.span, "every combination has a row")
                        .note(format!("{} has no row for {names}", self.file))
                        .help(help),
                );
                continue;
            }
            let width = column.width();
            match &mut column.cells {
                RawCells::Numbers(v) => {
                    *v = gather(v, source, width, filler.unwrap_or(f64::NAN));
                }
                RawCells::Elements(v) => {
                    let filler = filler.and_then(|f| self.element(column.id, f));
                    *v = gather(v, source, width, filler.unwrap_or(BLANK));
                }
            }
        }
        // a row that is not in the file has no line
        raw.lines = raw.lines.select(source.iter().copied());
        raw.numbers = raw.numbers.select(source.iter().copied());
        if found.is_empty() { Ok(()) } else { Err(found) }
    }

    /// The element that a filler stands for.
    fn element(&self, column: ColumnId, filler: f64) -> Option<u32> {
        let label = filler.to_string();
        let plate = self.known.get(plate_of(self.model, column)?.index())?;
        let labels = &plate.as_ref()?.labels;
        labels.iter().position(|l| *l == label).map(|p| p as u32)
    }

    /// The positions of added rows are known where a crossed column is the one that orders.
    fn fill_positions(&self, raw: &mut RawTable, source: &[u32], elements: &[Vec<u32>]) {
        let Some(order) = &self.declared.ordered else {
            return;
        };
        let named = order
            .by
            .iter()
            .zip(&mut raw.by)
            .chain(order.within.iter().zip(&mut raw.within));
        for (header, texts) in named {
            let columns = &self.crossing.columns;
            let crossed = columns
                .iter()
                .position(|id| self.model.column(*id).source == Source::Header(header.clone()));
            let mut filled = Texts::default();
            for (place, row) in source.iter().enumerate() {
                let label = crossed.and_then(|at| {
                    let element = elements.get(at)?.get(place)?;
                    self.plates.get(at)?.labels.get(*element as usize)
                });
                match label {
                    Some(label) => filled.push(label),
                    None if *row == BLANK => filled.push(""),
                    None => filled.push(texts.get(*row as usize)),
                }
            }
            *texts = filled;
        }
    }
}

fn gather<T: Copy>(from: &[T], source: &[u32], width: usize, filler: T) -> Vec<T> {
    let mut to = Vec::with_capacity(source.len() * width);
    for row in source {
        let start = *row as usize * width;
        match from.get(start..start + width) {
            Some(cells) => to.extend_from_slice(cells),
            None => to.extend(std::iter::repeat_n(filler, width)),
        }
    }
    to
}
