//! Cells drawn from the model itself, in place of arbitrary ones.
//!
//! in: a [`Spec`] with cells -> out: the same with the cells of what is observed drawn anew; blanks stay where they are.

use ndarray::{ArrayD, IxDyn};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use pmc::data::Dataset;
use pmc::model::{Domain, Model};
use pmc::naive::{Assignment, fits, simulate};
use pmc::source::SourceFile;
use pmc::{compile, data};

use crate::check::{files, options};
use crate::print;
use crate::random::Random;
use crate::tree::{Spec, Type};

/// Draws the observed cells. A spec that is not understood or cannot be drawn from stays as it is.
pub fn simulated(spec: &Spec, seed: u64) -> Spec {
    draw(spec, seed).unwrap_or_else(|| spec.clone())
}

fn draw(spec: &Spec, seed: u64) -> Option<Spec> {
    let source = SourceFile::new("model.pmod", print::model(spec));
    let (model, _) = compile::model(&source, &options(spec)).ok()?;
    let read = files(spec).files(&model).ok()?;
    let set = data::bind(&model, &read).ok()?.dataset;
    let given = flat(&model, &set, &mut Random::new(seed));
    let drawn = simulate(&model, &set, &given, &mut ChaCha8Rng::seed_from_u64(seed)).ok()?;
    let mut out = spec.clone();
    for (id, values) in &drawn.cells {
        let column = model.column(*id);
        let table = model.table(column.table);
        let rows = set.tables.get(column.table.index())?;
        let labels = match column.ty {
            pmc::model::ColumnType::Label(p) => set.plates[p.index()].labels.clone(),
            _ => vec![],
        };
        let keys = &set.plates[table.plate.index()].labels;
        let together = spec.flat;
        let t = out.tables.iter_mut().find(|t| t.name == table.name)?;
        let names = t
            .columns
            .iter()
            .find(|c| c.name == t.name)
            .map(|c| c.cells.clone());
        let c = t.columns.iter_mut().find(|c| c.name == column.name)?;
        if c.listed {
            continue;
        }
        let width = c.width();
        for (i, v) in values.iter().enumerate() {
            let row = match (&names, together) {
                (Some(names), true) => names.iter().position(|n| Some(n) == keys.get(i / width)),
                _ => (rows.lines.get(i / width)? as usize).checked_sub(2),
            };
            let Some(cell) = row.and_then(|r| c.cells.get_mut(r * width + i % width)) else {
                continue;
            };
            if cell.is_empty() || !fits(&model, *id, *v) || v.abs() > 1e4 {
                continue;
            }
            *cell = match c.kind {
                Type::Label => labels.get(*v as usize)?.clone(),
                Type::Count | Type::Binary => format!("{v}"),
                Type::Positive | Type::Weight => format!("{}", thousandths(v.max(1e-3))),
                Type::Probability => format!("{}", thousandths(v.clamp(1e-3, 0.999))),
                Type::Real => format!("{}", thousandths(*v)),
            };
        }
    }
    Some(out)
}

fn thousandths(x: f64) -> f64 {
    (x * 1000.0).round() / 1000.0
}

/// Numbers for the params that have no prior.
fn flat(model: &Model, set: &Dataset, r: &mut Random) -> Assignment {
    let mut out = Assignment::empty(model);
    for (v, slot) in model.variables.iter().zip(&mut out.variables) {
        if v.prior.is_some() {
            continue;
        }
        let shape: Vec<usize> = v.slots.iter().map(|p| set.plates[p.index()].size).collect();
        let mut a = ArrayD::from_shape_fn(IxDyn(&shape), |_| match v.domain {
            Domain::Real => r.normal(),
            Domain::Probability => 0.1 + 0.8 * r.uniform(),
            _ => 0.3 + 2.0 * r.uniform(),
        });
        let last = shape.last().copied().unwrap_or(1).max(1);
        if let Some(all) = a.as_slice_mut() {
            match v.domain {
                Domain::Simplex => {
                    for p in all.chunks_mut(last) {
                        let sum: f64 = p.iter().sum();
                        p.iter_mut().for_each(|x| *x /= sum);
                    }
                }
                Domain::Covariance | Domain::Precision => {
                    for m in all.chunks_mut(last * last) {
                        for (i, x) in m.iter_mut().enumerate() {
                            *x = if i / last == i % last { 0.5 + *x } else { 0.1 };
                        }
                    }
                }
                _ => {}
            }
        }
        *slot = Some(a);
    }
    out
}
