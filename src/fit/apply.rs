//! A fit on new rows: the model compiled again, globals as they were fitted, the rest inferred.
//!
//! in: a [`Fit`], new data -> out: an engine with a [`State`] in which fitted elements have their q or value, and elements
//! that are new (rows, new labels) have the q that the fitted ones give them.
//!
//! ```text
//! q(h_new) = argmax over q(h_new) of L(q(h_new), fitted)       coordinate ascent with everything fitted held
//! ```

use std::collections::{BTreeMap, BTreeSet};

use ndarray::{ArrayD, IxDyn};

use super::collect::used;
use super::elements::{is_row_level, moment_name, of_moment, owner};
use super::statistic::statistic;
use super::{Data, Estimate, Fit};
use crate::algebra::UnknownId;
use crate::compile;
use crate::data::{self, Bound, PlateData};
use crate::derive::{BlockId, Derivation, MomentKind};
use crate::diag::{Code, Diagnostic};
use crate::engine::Engine;
use crate::engine::state::State;
use crate::family::StatisticKind;
use crate::model::{Model, PlateId, PlateKind, Role};

/// Where an element of a plate stood in the fit; `None` for a plate whose elements are the same.
pub type Map = Option<Vec<Option<usize>>>;

/// A fit bound to new rows.
pub struct Applied<'e, 'a> {
    /// The fit.
    pub fit: &'e Fit,
    /// The engine on the new rows.
    pub engine: &'e Engine<'a>,
    /// Globals as fitted, the rest inferred.
    pub state: State,
    /// By plate.
    pub maps: Vec<Map>,
    /// Latent blocks with new elements that are not row by row in a pass.
    pub open: Vec<BlockId>,
    /// What the data reader noticed.
    pub warnings: Vec<Diagnostic>,
}

/// Binds new rows to a fit and hands the result to `then`.
///
/// # Errors
/// Findings about the data, E0713 and E0714.
pub fn apply<R>(
    fit: &Fit,
    data: Data,
    then: impl FnOnce(&Applied<'_, '_>) -> Result<R, Vec<Diagnostic>>,
) -> Result<R, Vec<Diagnostic>> {
    let (model, _) = compile::model(&fit.source(), &fit.switches())?;
    let files = data.files(&model)?;
    let Bound {
        dataset, warnings, ..
    } = data::bind_new(&model, &plates(&model, fit)?, &files)?;
    drop(files);
    let (derivation, plan) = compile::compile(&model, Some(&dataset))?;
    let known = fit.known.0.iter().filter_map(|(name, k)| {
        let a = ArrayD::from_shape_vec(IxDyn(&k.shape), k.values.clone()).ok()?;
        Some((name.clone(), a))
    });
    let engine = Engine::new(&derivation, &plan, &dataset, Some(known.collect()))?;
    let maps = maps(&engine, fit);
    let mut applied = Applied {
        fit,
        engine: &engine,
        state: engine.empty_state(),
        maps,
        open: vec![],
        warnings,
    };
    applied.restore()?;
    applied.infer()?;
    then(&applied)
}

fn mismatch(name: &str, why: impl Into<String>) -> Vec<Diagnostic> {
    vec![
        Diagnostic::new(Code::E0714, "the fit does not match its model")
            .note(format!("`{name}`: {}", why.into()))
            .help("fit the model again"),
    ]
}

/// The plates of the fit, as the data reader takes them.
pub(super) fn plates(model: &Model, fit: &Fit) -> Result<Vec<PlateData>, Vec<Diagnostic>> {
    let of = model.plates.iter().map(|p| {
        if matches!(p.kind, PlateKind::Binary) {
            return Ok(PlateData {
                size: 2,
                labels: vec!["0".into(), "1".into()],
            });
        }
        let found = fit.plates.get(&p.name);
        let Some(found) = found else {
            return Err(mismatch(&p.name, "the file does not have this plate"));
        };
        let named = matches!(p.kind, PlateKind::Labels(_) | PlateKind::Group(_));
        if named && found.labels.is_none() {
            return Err(mismatch(&p.name, "the labels of this plate are missing"));
        }
        Ok(PlateData {
            size: found.size,
            labels: found.labels.clone().unwrap_or_default(),
        })
    });
    of.collect()
}

fn maps(engine: &Engine<'_>, fit: &Fit) -> Vec<Map> {
    let model = &engine.derivation.model;
    let now = &engine.evaluator.data.plates;
    let of = model.plates.iter().zip(now).map(|(p, now)| match p.kind {
        PlateKind::Rows(_) => Some(vec![None; now.size]),
        PlateKind::Keyed(..) | PlateKind::Labels(_) => {
            let then = fit.plates.get(&p.name)?.labels.as_ref()?;
            if *then == now.labels {
                return None;
            }
            let place: BTreeMap<&str, usize> = then
                .iter()
                .enumerate()
                .map(|(i, l)| (l.as_str(), i))
                .collect();
            Some(
                now.labels
                    .iter()
                    .map(|l| place.get(l.as_str()).copied())
                    .collect(),
            )
        }
        PlateKind::Binary
        | PlateKind::Counted { .. }
        | PlateKind::Listed(_)
        | PlateKind::Group(_) => None,
    });
    of.collect()
}

impl Applied<'_, '_> {
    /// The map of a plate.
    fn map(&self, p: PlateId) -> &Map {
        self.maps.get(p.index()).unwrap_or(&None)
    }

    /// True if some element of an unknown is not in the fit.
    fn has_new(&self, u: UnknownId) -> bool {
        let d = self.engine.derivation;
        is_row_level(d, u)
            || d.unknowns.get(u).slots.iter().any(|p| {
                self.map(*p)
                    .as_ref()
                    .is_some_and(|m| m.iter().any(Option::is_none))
            })
    }

    /// True if the element of a plate is not in the fit.
    pub fn is_new(&self, p: PlateId, element: usize) -> bool {
        match self.map(p) {
            Some(m) => m.get(element).is_none_or(Option::is_none),
            None => false,
        }
    }

    /// Writes the fitted elements of `then` into `now`, whose dimensions run over these plates.
    pub fn overlay(&self, now: &mut ArrayD<f64>, then: &ArrayD<f64>, plates: &[Option<PlateId>]) {
        let mut at = vec![0usize; now.ndim()];
        for (i, x) in now.indexed_iter_mut() {
            let known = plates.iter().enumerate().all(|(dim, p)| {
                let here = i[dim];
                let there = match p.and_then(|p| self.map(p).as_ref()) {
                    Some(m) => m.get(here).copied().flatten(),
                    None => Some(here),
                };
                at[dim] = there.unwrap_or(0);
                there.is_some()
            });
            if known && let Some(v) = then.get(IxDyn(&at)) {
                *x = *v;
            }
        }
    }

    /// An array of the fit in the shape of the new data; new elements are 0.
    fn moved(
        &self,
        name: &str,
        then: &ArrayD<f64>,
        plates: &[Option<PlateId>],
    ) -> Result<ArrayD<f64>, Vec<Diagnostic>> {
        let d = self.engine.derivation;
        if then.ndim() != plates.len() {
            return Err(mismatch(
                name,
                "an array has another number of axes than its variable",
            ));
        }
        let mut shape = vec![];
        for (p, n) in plates.iter().zip(then.shape()) {
            let Some(p) = p else {
                shape.push(*n);
                continue;
            };
            let now = self.engine.plate_size(*p);
            let fitted = match self.map(*p) {
                None => now,
                Some(_) => {
                    let plate = &d.model.plate(*p).name;
                    self.fit.plates.get(plate).map_or(0, |x| x.size)
                }
            };
            if *n != fitted {
                return Err(mismatch(
                    name,
                    "an array does not have the sizes of its plates",
                ));
            }
            shape.push(now);
        }
        if plates.iter().flatten().all(|p| self.map(*p).is_none()) {
            return Ok(then.clone());
        }
        let mut out = ArrayD::zeros(IxDyn(&shape));
        self.overlay(&mut out, then, plates);
        Ok(out)
    }

    /// Fitted values and expectations; blocks with new elements start at their prior.
    fn restore(&mut self) -> Result<(), Vec<Diagnostic>> {
        let d = self.engine.derivation;
        let read = used(self.engine.plan);
        for (i, block) in d.blocks.iter().enumerate() {
            let id = BlockId(i as u32);
            if block.rows.is_some() {
                continue;
            }
            let new = block.unknowns.iter().find(|u| self.has_new(**u));
            if let Some(u) = new {
                if block.role != Role::Latent {
                    return Err(new_point(d, *u));
                }
                self.open.push(id);
                // An improper prior has no expectation; then the first update comes from the rows.
                let _ = self.engine.update_from_prior(&mut self.state, id);
            }
            for u in &block.unknowns {
                if is_row_level(d, *u) {
                    continue;
                }
                let name = &d.unknowns.get(*u).name;
                let Some(e) = self.fit.variables.get(name) else {
                    if new.is_some() {
                        continue;
                    }
                    return Err(mismatch(name, "the file does not have this variable"));
                };
                let mut kinds: Vec<MomentKind> =
                    read.iter().filter(|k| owner(**k) == *u).copied().collect();
                let value = MomentKind::Statistic(*u, StatisticKind::Value);
                if !kinds.contains(&value) && d.unknowns.get(*u).element_plate().is_none() {
                    kinds.push(value);
                }
                for kind in kinds {
                    let then = self.fitted_moment(e, *u, kind)?;
                    let plates: Vec<Option<PlateId>> =
                        of_moment(d, kind).into_iter().map(Some).collect();
                    let mut now = self.moved(name, &then, &plates)?;
                    if let (Some(_), Some(prior)) = (new, self.state.moments.get(&kind))
                        && prior.shape() == now.shape()
                    {
                        let mut merged = prior.clone();
                        self.overlay(&mut merged, &then, &plates);
                        now = merged;
                    }
                    self.state.moments.insert(kind, now);
                }
            }
            if new.is_none() && self.reads_new_products(&read, &block.unknowns) {
                if block.role == Role::Latent {
                    return Err(new_products(d, block.unknowns.first().copied()));
                }
                self.engine.publish_product(&mut self.state, id);
            }
            self.state.blocks[i].initialised = true;
        }
        Ok(())
    }

    /// New rows, or labels in another order, meet products of elements that the fit has for its own rows only.
    fn reads_new_products(&self, read: &BTreeSet<MomentKind>, unknowns: &[UnknownId]) -> bool {
        let d = self.engine.derivation;
        read.iter().any(|k| {
            matches!(k, MomentKind::Compound(..))
                && unknowns.contains(&owner(*k))
                && unknowns.iter().all(|u| !is_row_level(d, *u))
                && of_moment(d, *k).iter().any(|p| self.map(*p).is_some())
        })
    }

    /// A fitted expectation; for a point any statistic follows from its value.
    pub(super) fn fitted_moment(
        &self,
        e: &Estimate,
        u: UnknownId,
        kind: MomentKind,
    ) -> Result<ArrayD<f64>, Vec<Diagnostic>> {
        let d = self.engine.derivation;
        let unknown = d.unknowns.get(u);
        let centre = self.engine.centre(u);
        let same = e.centred == centre.is_some();
        let stored = e
            .expectations
            .as_ref()
            .and_then(|x| x.get(&moment_name(d, kind)));
        if let Some(a) = stored
            && same
        {
            return Ok(a.0.clone());
        }
        let missing = || {
            mismatch(
                &unknown.name,
                format!("its {} is missing", moment_name(d, kind)),
            )
        };
        let MomentKind::Statistic(_, k) = kind else {
            return stored.map(|a| a.0.clone()).ok_or_else(missing);
        };
        let mut v = match (&e.value, &e.mean, k) {
            (Some(v), ..) => v.0.clone(),
            (None, Some(m), StatisticKind::Value) => m.0.clone(),
            _ => return Err(missing()),
        };
        if let Some(c) = &centre
            && c.shape() == v.shape()
        {
            v -= c;
        }
        statistic(unknown.domain, k, v).ok_or_else(missing)
    }
}

fn new_products(d: &Derivation, u: Option<UnknownId>) -> Vec<Diagnostic> {
    let name = u.map_or("a latent", |u| d.unknowns.get(u).name.as_str());
    vec![
        Diagnostic::new(Code::E0508, "form not derived yet")
            .note(format!(
                "new rows need products of elements of `{name}` that depend on each other, and the fit keeps those of its own rows"
            ))
            .help(format!(
                "declare `{name}` with `as factorised` or `as dirac`, which need none"
            )),
    ]
}

fn new_point(d: &Derivation, u: UnknownId) -> Vec<Diagnostic> {
    let unknown = d.unknowns.get(u);
    vec![
        Diagnostic::new(Code::E0713, "new element of a param")
            .note(format!(
                "`{}` has a value for each element of the fit, and these rows have others",
                unknown.name
            ))
            .help(format!(
                "declare `{}` as latent, so that new elements follow its prior",
                unknown.name
            )),
    ]
}
