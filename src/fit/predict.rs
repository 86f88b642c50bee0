//! q of local variables on new rows, most probable labels, blank cells filled in.
//!
//! in: a [`Fit`], new rows -> out: one CSV table for each set of plates that local variables have: a line for each element.
//!
//! ```text
//! discrete   z, z=1, z=2, ...     the most probable label and the probability of each
//! simplex    p=1, p=2, ...        the mean
//! number     h, h_sd              mean and standard deviation
//! blank cell x, x_sd or x=1, ...  as above; a cell that is there is given back, with no spread
//! ```

use ndarray::{ArrayD, IxDyn};

use super::apply::{Applied, apply};
use super::blank_cells::{self, Filled};
use super::collect::estimate;
use super::elements::of_parameter;
use super::number::cell;
use super::row_names::Id;
use super::{Data, Fit};
use crate::algebra::UnknownId;
use crate::diag::{Code, Diagnostic, nearest};
use crate::engine::bind::unflatten;
use crate::model::{Domain, PlateId, PlateKind, Role, Variable};

/// What is inferred about new rows.
#[derive(Debug, Clone, PartialEq)]
pub struct Predictions {
    /// By set of plates.
    pub tables: Vec<Prediction>,
    /// What the data reader noticed.
    pub warnings: Vec<Diagnostic>,
}

/// Variables that share their plates.
#[derive(Debug, Clone, PartialEq)]
pub struct Prediction {
    /// Their names.
    pub variables: Vec<String>,
    /// A header and a line for each element, in the order of the file.
    pub csv: String,
}

/// Infers the local variables of new rows; `only` names the ones that are wanted, all where it is empty.
///
/// # Errors
/// Findings about the data, E0301 for an unknown name in `only`, E0713 and E0714.
pub fn predict(fit: &Fit, data: Data, only: &[String]) -> Result<Predictions, Vec<Diagnostic>> {
    apply(fit, data, |a| {
        let d = a.engine.derivation;
        let locals = d.unknowns.ids().filter(|u| is_local(a, *u)).map(|u| {
            let unknown = d.unknowns.get(u);
            (
                unknown.name.clone(),
                unknown.plates().to_vec(),
                columns(a, u),
            )
        });
        let blank = blank_cells::columns(a).into_iter().filter_map(|c| {
            let column = d.model.column(c);
            let filled = blank_cells::fill(a, c)?;
            let columns = filled_columns(&column.name, filled);
            Some((column.name.clone(), column.slots.clone(), Some(columns)))
        });
        let all: Vec<(String, Vec<PlateId>, Option<Columns>)> = locals.chain(blank).collect();
        let names: Vec<&str> = all.iter().map(|(n, ..)| n.as_str()).collect();
        if let Some(wrong) = only.iter().find(|o| !names.contains(&o.as_str())) {
            let e = Diagnostic::new(Code::E0301, format!("no local variable `{wrong}`"));
            return Err(vec![match nearest(wrong, names.iter().copied()) {
                Some(near) => e.help(format!("did you mean `{near}`?")),
                None => e.note(format!("local variables: {}", names.join(", "))),
            }]);
        }
        type Group = (Vec<PlateId>, Vec<String>, Vec<Columns>);
        let mut groups: Vec<Group> = vec![];
        for (name, plates, columns) in all {
            // What the compiler added is told where it is asked for.
            let added = |v: &Variable| v.name == name && v.auxiliary.is_some();
            let hidden = only.is_empty() && d.model.variables.iter().any(added);
            if hidden || (!only.is_empty() && !only.contains(&name)) {
                continue;
            }
            match groups.iter_mut().find(|(p, ..)| *p == plates) {
                Some((_, names, list)) => {
                    names.push(name);
                    list.extend(columns);
                }
                None => groups.push((plates, vec![name], columns.into_iter().collect())),
            }
        }
        let tables = groups
            .into_iter()
            .map(|(plates, variables, columns)| Prediction {
                variables,
                csv: table(a, &plates, &columns),
            })
            .collect();
        Ok(Predictions {
            tables,
            warnings: a.warnings.clone(),
        })
    })
}

fn filled_columns(name: &str, filled: Filled) -> Columns {
    match filled {
        Filled::Number(mean, sd) => Columns {
            headers: vec![name.to_string(), format!("{name}_sd")],
            shape: mean.shape().to_vec(),
            kind: Kind::Number(mean, Some(sd)),
        },
        Filled::Discrete(q, labels) => {
            let mut headers = vec![name.to_string()];
            headers.extend(labels.iter().map(|l| format!("{name}={l}")));
            let shape = q.shape().iter().copied().take(q.ndim().saturating_sub(1));
            Columns {
                headers,
                shape: shape.collect(),
                kind: Kind::Discrete(q, labels),
            }
        }
    }
}

/// A latent with an element for each row of a table or each label that data may bring.
fn is_local(a: &Applied<'_, '_>, u: UnknownId) -> bool {
    let d = a.engine.derivation;
    let unknown = d.unknowns.get(u);
    unknown.role != Role::Param
        && d.block_of(u).is_some()
        && unknown.plates().iter().any(|p| {
            matches!(
                d.model.plate(*p).kind,
                PlateKind::Rows(_) | PlateKind::Keyed(..) | PlateKind::Labels(_)
            )
        })
}

/// The columns of one variable: their headers, and the text of each element by its flat position.
struct Columns {
    headers: Vec<String>,
    shape: Vec<usize>,
    kind: Kind,
}

enum Kind {
    Discrete(ArrayD<f64>, Vec<String>),
    Simplex(ArrayD<f64>),
    Number(ArrayD<f64>, Option<ArrayD<f64>>),
}

fn table(a: &Applied<'_, '_>, plates: &[PlateId], columns: &[Columns]) -> String {
    let mut ids: Vec<Id> = plates.iter().map(|p| Id::new(a, *p)).collect();
    let mut header: Vec<String> = ids.iter().flat_map(|i| i.headers.clone()).collect();
    header.extend(columns.iter().flat_map(|c| c.headers.clone()));
    let mut out = csv::Writer::from_writer(vec![]);
    // Writing to memory does not fail.
    let _ = out.write_record(&header);
    let shape: Vec<usize> = ids.iter().map(|i| i.elements.len()).collect();
    let count: usize = shape.iter().product();
    let mut record: Vec<String> = vec![];
    for i in 0..count {
        let at = unflatten(i, &shape);
        let element: Vec<usize> = ids.iter().zip(&at).map(|(id, i)| id.elements[*i]).collect();
        record.clear();
        for (id, e) in ids.iter_mut().zip(&element) {
            record.extend(id.cells(a, *e));
        }
        for c in columns {
            c.cells(&element, &mut record);
        }
        let _ = out.write_record(&record);
    }
    String::from_utf8(out.into_inner().unwrap_or_default()).unwrap_or_default()
}

fn columns(a: &Applied<'_, '_>, u: UnknownId) -> Option<Columns> {
    let d = a.engine.derivation;
    let unknown = d.unknowns.get(u);
    let block = d.block(d.block_of(u)?);
    let name = &unknown.name;
    let shape: Vec<usize> = a
        .engine
        .shape(u)
        .into_iter()
        .take(unknown.plates().len())
        .collect();
    let labels = |p: PlateId| a.engine.evaluator.data.plates[p.index()].labels.clone();
    let headed = |labels: &[String]| {
        labels
            .iter()
            .map(|l| format!("{name}={l}"))
            .collect::<Vec<_>>()
    };
    let now = estimate(a.engine, &a.state, u, &vec![])?;
    let then = a.fit.variables.get(name).filter(|_| block.rows.is_none());
    // Fitted elements have what the fit says; the rest what was inferred here.
    let merge =
        |now: Option<&ArrayD<f64>>, then: Option<&ArrayD<f64>>, what: &str, size: &[usize]| {
            let mut out = match now {
                Some(a) => a.clone(),
                None => ArrayD::from_elem(IxDyn(size), f64::NAN),
            };
            if let Some(then) = then
                && then.ndim() == out.ndim()
            {
                let plates = match what {
                    "probabilities" => of_parameter(d, block, u, what, out.ndim()),
                    _ => unknown.slots.iter().map(|p| Some(*p)).collect(),
                };
                a.overlay(&mut out, then, &plates);
            }
            out
        };
    if let Some(p) = unknown.element_plate() {
        let labels = labels(p);
        let mut size = shape.clone();
        size.push(labels.len());
        let of = |e: &super::Estimate| {
            let p = e.parameters.as_ref()?.get("probabilities")?;
            Some(p.0.clone())
        };
        let q = merge(
            of(&now).as_ref(),
            then.and_then(of).as_ref(),
            "probabilities",
            &size,
        );
        let mut headers = vec![name.clone()];
        headers.extend(headed(&labels));
        return Some(Columns {
            headers,
            shape,
            kind: Kind::Discrete(q, labels),
        });
    }
    let full = a.engine.shape(u);
    let get = |n: &Option<super::Nested>| n.as_ref().map(|x| x.0.clone());
    let point = |e: &super::Estimate| get(&e.value).or(get(&e.mean));
    let mean = merge(
        point(&now).as_ref(),
        then.and_then(point).as_ref(),
        "mean",
        &full,
    );
    if unknown.domain == Domain::Simplex {
        let headers = headed(&labels(*unknown.slots.last()?));
        return Some(Columns {
            headers,
            shape,
            kind: Kind::Simplex(mean),
        });
    }
    if unknown.domain.value_slots() > 0 {
        return None;
    }
    let spread = |e: &super::Estimate| get(&e.sd);
    let has_sd = spread(&now).is_some() || then.and_then(spread).is_some();
    let sd = has_sd.then(|| {
        merge(
            spread(&now).as_ref(),
            then.and_then(spread).as_ref(),
            "sd",
            &full,
        )
    });
    let mut headers = vec![name.clone()];
    headers.extend(sd.as_ref().map(|_| format!("{name}_sd")));
    Some(Columns {
        headers,
        shape,
        kind: Kind::Number(mean, sd),
    })
}

impl Columns {
    fn cells(&self, element: &[usize], record: &mut Vec<String>) {
        debug_assert_eq!(element.len(), self.shape.len());
        let at = |a: &ArrayD<f64>, more: Option<usize>| {
            let mut i = element.to_vec();
            i.extend(more);
            a.get(IxDyn(&i)).copied().unwrap_or(f64::NAN)
        };
        match &self.kind {
            Kind::Discrete(q, labels) => {
                let p: Vec<f64> = (0..labels.len()).map(|k| at(q, Some(k))).collect();
                let best = p
                    .iter()
                    .enumerate()
                    .fold(0, |b, (k, x)| if *x > p[b] { k } else { b });
                record.push(labels.get(best).cloned().unwrap_or_default());
                record.extend(p.iter().map(|p| cell(*p)));
            }
            Kind::Simplex(m) => {
                record.extend((0..self.headers.len()).map(|k| cell(at(m, Some(k)))));
            }
            Kind::Number(m, sd) => {
                record.push(cell(at(m, None)));
                record.extend(sd.as_ref().map(|s| cell(at(s, None))));
            }
        }
    }
}
