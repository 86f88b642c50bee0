//! Which blocks belong to the elements of a plate and which to all of them, and whether a model can be learned batch by batch.
//!
//! ```text
//! L = global terms + sum over elements i of the plate: terms of i       every term reads at most one element
//! ```
//!
//! A block that is indexed by the plate, or by rows that belong to its elements, is local; the others are global. What the
//! elements say to global blocks is taken as sums over them ([`sums`](super::sums)), for these are what a step mixes.

use ndarray::{ArrayD, Axis as Dim};

use crate::algebra::{Known, Subscript};
use crate::derive::{Contraction, Derivation, Form};
use crate::diag::{Code, Diagnostic};
use crate::engine::Engine;
use crate::model::{Axis, ColumnType, PlateId, PlateKind, Source};
use crate::plan::{KeyId, Plan, Planned, Step};

use super::subset::Reach;
use super::sums::Sum;

/// A model cut at a plate.
pub(in crate::engine) struct Parts {
    /// The plate and what belongs to its elements.
    pub reach: Reach,
    /// For each block, whether it belongs to the elements.
    pub local: Vec<bool>,
    /// What global blocks take from the elements.
    pub sums: Vec<Sum>,
    /// The plan with these sums in place of its own, where it has no such key.
    pub plan: Option<Plan>,
    /// The statistics that local blocks take from rows of their own element.
    pub watched: Vec<KeyId>,
    /// The steps of local blocks, passes first.
    pub local_steps: Vec<Step>,
    /// The others, in the order of a sweep.
    pub global_steps: Vec<Step>,
}

/// The plate whose elements make batches: the one asked for; else the only plate of labels whose elements have unknowns of
/// their own; else the rows of the only table whose rows are apart; else the only plate of labels that cuts rows apart.
///
/// # Errors
/// E0604 where there is none.
pub(in crate::engine) fn choose(
    engine: &Engine<'_>,
    asked: Option<&str>,
) -> Result<Parts, Vec<Diagnostic>> {
    let d = engine.derivation;
    let model = &d.model;
    if let Some(name) = asked {
        let found = model.plates.iter().position(|p| p.name == name);
        let Some(i) = found.filter(|i| is_open(d, *i)) else {
            let open = (0..model.plates.len()).filter(|i| is_open(d, *i));
            let names: Vec<String> = open
                .map(|i| format!("`{}`", model.plates[i].name))
                .collect();
            return Err(vec![
                Diagnostic::new(Code::E0604, "no such plate of data to make batches of")
                    .note(format!(
                        "`--batch-by` names `{name}`; there is {}",
                        names.join(", ")
                    ))
                    .help("name one of these plates"),
            ]);
        };
        return Parts::new(engine, PlateId::from(i)).map_err(|why| refused(&[(name, why)]));
    }
    let all = (0..model.plates.len()).filter(|i| is_open(d, *i));
    let tried: Vec<(usize, Result<Parts, String>)> = all
        .map(|i| (i, Parts::new(engine, PlateId::from(i))))
        .collect();
    let mut reasons: Vec<(&str, String)> = vec![];
    let (mut grouped, mut rows, mut others) = (vec![], vec![], vec![]);
    for (i, parts) in tried {
        let labels = !matches!(model.plates[i].kind, PlateKind::Rows(_));
        match parts {
            Ok(p) if labels && p.has_own() => grouped.push(p),
            Ok(p) if model.table_of(PlateId::from(i)).is_some() => rows.push(p),
            Ok(p) => others.push(p),
            Err(why) => reasons.push((&model.plates[i].name, why)),
        }
    }
    let mut open: Vec<String> = vec![];
    for mut found in [grouped, rows, others] {
        let names = found.iter().map(|p| &model.plate(p.reach.plate()).name);
        open.extend(names.map(|n| format!("`{n}`")));
        if found.len() == 1
            && let Some(p) = found.pop()
        {
            return Ok(p);
        }
    }
    if open.is_empty() {
        return Err(refused(&reasons));
    }
    Err(vec![
        Diagnostic::new(Code::E0604, "several plates could make batches")
            .note(format!("they are {}", open.join(", ")))
            .help("name one with `--batch-by`"),
    ])
}

/// True for a plate whose elements are data.
fn is_open(d: &Derivation, plate: usize) -> bool {
    let kind = d.model.plates.get(plate).map(|p| &p.kind);
    matches!(
        kind,
        Some(PlateKind::Rows(_) | PlateKind::Keyed(..) | PlateKind::Labels(_))
    )
}

fn refused(reasons: &[(&str, String)]) -> Vec<Diagnostic> {
    let mut e = Diagnostic::new(Code::E0604, "this model has no minibatch form");
    for (plate, why) in reasons {
        e = e.note(format!("batches of `{plate}`: {why}"));
    }
    vec![e.help("leave `--batch` out")]
}

impl Parts {
    /// Cuts the model at a plate.
    ///
    /// # Errors
    /// In words, why that cannot be.
    pub fn new(engine: &Engine<'_>, plate: PlateId) -> Result<Parts, String> {
        let d = engine.derivation;
        let reach = Reach::of(&engine.evaluator, plate)?;
        if reach.count() < 2 {
            return Err("there is one element only".into());
        }
        let owned = |p: &PlateId| reach.holds(*p);
        let name = |u| format!("`{}`", d.unknowns.get(u).name);
        let mut local = vec![false; d.blocks.len()];
        for u in d.unknowns.ids() {
            let unknown = d.unknowns.get(u);
            if unknown.element_plate().as_ref().is_some_and(owned) {
                return Err(format!("the value of {} is one of the elements", name(u)));
            }
            if !unknown.slots.iter().any(owned) {
                continue;
            }
            let id = d.block_of(u).filter(|_| !d.unknowns.is_predictor(u));
            let Some(id) = id else {
                return Err(format!("{} has a value for every element", name(u)));
            };
            local[id.index()] = true;
        }
        for (i, b) in d.blocks.iter().enumerate() {
            if !local[i] {
                continue;
            }
            let names: Vec<String> = b.unknowns.iter().map(|u| name(*u)).collect();
            let names = names.join(", ");
            if b.rows.is_some_and(|r| reach.holds(r)) {
                continue;
            }
            let along = b.batch.iter().filter(|p| owned(p)).count();
            let apart = b.unknowns.iter().all(|u| {
                let own = d.unknowns.get(*u).slots.iter();
                own.filter(|p| owned(p)).count() == 1
            });
            if b.rows.is_some() || along != 1 || !apart {
                return Err(format!("the elements of {names} are coupled"));
            }
            if !b.predictors.is_empty() || matches!(b.form, Form::Optimised) {
                return Err(format!("{names} stands under a function"));
            }
        }
        let mut parts = Parts {
            reach,
            local,
            sums: vec![],
            plan: None,
            watched: vec![],
            local_steps: vec![],
            global_steps: vec![],
        };
        parts.check_terms(d)?;
        parts.check_known(engine)?;
        parts.take_sums(engine)?;
        for step in &engine.plan.steps {
            let own = match step {
                Step::Pass(p) => owned_pass(&parts.reach, engine, *p),
                Step::Update(b) => parts.local[b.index()],
            };
            match own {
                true => parts.local_steps.push(*step),
                false => parts.global_steps.push(*step),
            }
        }
        parts
            .local_steps
            .sort_by_key(|s| matches!(s, Step::Update(_)));
        if parts.local_steps.is_empty() && parts.sums.is_empty() {
            return Err("its elements meet no unknown".into());
        }
        Ok(parts)
    }

    /// True if elements have unknowns of their own beside those of rows.
    fn has_own(&self) -> bool {
        let mut steps = self.local_steps.iter();
        steps.any(|s| matches!(s, Step::Update(_)))
    }

    /// Every term is about one element.
    fn check_terms(&self, d: &Derivation) -> Result<(), String> {
        for t in &d.terms.items {
            let mut about: Option<Subscript> = None;
            let mut see = |s: &Subscript, plate: PlateId| -> Result<(), String> {
                if !self.reach.holds(plate) {
                    return Ok(());
                }
                let owner = self.owner(d, s, plate);
                let Some(owner) = owner.filter(|o| about.as_ref().is_none_or(|a| a == o)) else {
                    return Err("a statement looks at two elements at once".into());
                };
                about = Some(owner);
                Ok(())
            };
            for a in &t.axes {
                see(&Subscript::Axis(*a), a.plate)?;
            }
            for a in t.data.iter().flat_map(Known::axes) {
                see(&Subscript::Axis(a), a.plate)?;
            }
            for s in &t.stats {
                for (sub, plate) in s.index.iter().zip(&d.unknowns.get(s.of).slots) {
                    see(sub, *plate)?;
                }
            }
        }
        Ok(())
    }

    /// The element that something belongs to, as a subscript of the plate.
    fn owner(&self, d: &Derivation, s: &Subscript, plate: PlateId) -> Option<Subscript> {
        let member = &self.reach.members[self.reach.position(plate)?];
        let s = match s {
            Subscript::Axis(_) | Subscript::Column(..) => s.clone(),
            // The row before belongs to the same element where rows are ordered within elements.
            Subscript::Lag(a, _) => {
                let column = d.model.column(member.column?);
                let order = d.model.table(column.table).ordered.as_ref()?;
                let Source::Header(header) = &column.source else {
                    return None;
                };
                if !order.within.contains(header) {
                    return None;
                }
                Subscript::Axis(*a)
            }
            _ => return None,
        };
        let Some(c) = member.column else {
            return Some(s);
        };
        let ColumnType::Label(next) = d.model.column(c).ty else {
            return None;
        };
        self.owner(d, &Subscript::Column(c, vec![s]), next)
    }

    /// Known factors of some elements are what they are among all: those of every other element are compared.
    fn check_known(&self, engine: &Engine<'_>) -> Result<(), String> {
        let d = engine.derivation;
        let half: Vec<usize> = (0..self.reach.count()).skip(1).step_by(2).collect();
        let chosen = self.reach.choose(&half);
        let data = self.reach.cut(&d.model, engine.evaluator.data, &chosen);
        let fitted = engine.evaluator.fitted();
        let part = Engine::bare(d, engine.plan, &data, fitted);
        let factors = d.terms.items.iter().flat_map(|t| &t.data);
        for k in factors {
            let (axes, all) = engine.shared_known(k);
            let (_, here) = part.shared_known(k);
            let mut cut: Option<ArrayD<f64>> = None;
            for (i, a) in axes.iter().enumerate() {
                if let Some(m) = self.reach.position(a.plate) {
                    let from = cut.as_ref().unwrap_or(&all);
                    cut = Some(from.select(Dim(i), &chosen.elements[m]));
                }
            }
            if *cut.as_ref().unwrap_or(&all) != *here {
                return Err(
                    "a known expression depends on other elements, or on their number".into(),
                );
            }
        }
        Ok(())
    }

    /// True if a contraction runs over elements.
    pub fn touches(&self, c: &Contraction) -> bool {
        let owned = |a: &Axis| self.reach.holds(a.plate);
        let inside = |s: &Subscript| s.axes().iter().any(owned);
        c.axes.iter().any(owned)
            || c.target.iter().any(inside)
            || c.moments.iter().flat_map(|m| &m.index).any(inside)
            || c.data.iter().flat_map(Known::axes).any(|a| owned(&a))
    }

    /// The member of the reach whose elements a sum counts; `None` for one that is not about elements.
    pub fn counted(&self, engine: &Engine<'_>, how: &Planned) -> Option<usize> {
        match how {
            Planned::Global(c) => {
                let data = c.data.iter().flat_map(Known::axes);
                let all = c.axes.iter().copied().chain(data);
                all.filter_map(|a| self.reach.position(a.plate)).next()
            }
            Planned::Keyed { key, .. } => self.reach.position(engine.plan.keys[key.index()].plate),
            Planned::Rows { row, .. } => self.reach.position(row.plate),
        }
    }
}

/// True for a pass over rows that belong to the elements.
pub(in crate::engine) fn owned_pass(reach: &Reach, engine: &Engine<'_>, pass: usize) -> bool {
    reach.holds(engine.plan.passes[pass].plate)
}
