//! What elements say to global blocks, as sums over the elements: these are what a step mixes.
//!
//! ```text
//! sum over elements i of local_i (x) global  =  S . global        S = sum over i of local_i, over the axes that both have
//! ```
//!
//! A key of the plan is such a sum. Where a message has none (the expectations of an effect under an unknown mean, covariances
//! that differ from row to row), its factors are parted: what carries an element or is published by a local block goes into S,
//! the rest stays, and a copy of the plan names S where the message stood.

use ndarray::{ArrayD, IxDyn};

use crate::algebra::{Known, Subscript};
use crate::derive::{BlockId, Contraction, Derivation};
use crate::engine::Engine;
use crate::engine::state::State;
use crate::model::Axis;
use crate::plan::{Key, KeyId, Planned};

use super::parts::Parts;

/// Numbers in one sum, at most.
const LARGEST: f64 = 2e8;

/// A sum that global blocks read.
pub(in crate::engine) struct Sum {
    /// The key that it is kept under.
    pub key: KeyId,
    /// The member of the reach whose elements it counts.
    pub member: usize,
    how: How,
}

/// How it is made.
enum How {
    /// It is a key of the plan.
    Key,
    /// From what local blocks publish.
    Global(Contraction),
    /// The same, row by row.
    Rows(Axis, Contraction),
}

impl Parts {
    /// Finds the sums that go to global blocks, and what local blocks take from their own rows.
    pub(super) fn take_sums(&mut self, engine: &Engine<'_>) -> Result<(), String> {
        let d = engine.derivation;
        let mut plan = engine.plan.clone();
        for i in 0..d.blocks.len() {
            let messages = plan.messages[i].iter_mut().chain(&mut plan.slopes[i]);
            let all = messages.map(|m| &mut m.how).chain(&mut plan.values[i]);
            if self.local[i] {
                for how in all {
                    if let Planned::Keyed { key, .. } = how
                        && self.reach.holds(plan.keys[key.index()].plate)
                        && !self.watched.contains(key)
                    {
                        self.watched.push(*key);
                    }
                }
                continue;
            }
            if d.blocks[i].rows.is_some() {
                continue;
            }
            let named = |why: String| {
                let names = d.blocks[i].unknowns.iter();
                let names: Vec<String> = names
                    .map(|u| format!("`{}`", d.unknowns.get(*u).name))
                    .collect();
                format!("{} {why}", names.join(", "))
            };
            let before = self.sums.len();
            for how in all {
                self.take(engine, &mut plan.keys, how).map_err(named)?;
            }
            if self.sums.len() > before && engine.patterns(BlockId(i as u32)).is_some() {
                return Err(named("takes its message from every row".into()));
            }
        }
        for how in plan.predictors.iter_mut().flatten() {
            self.take(engine, &mut plan.keys, how)
                .map_err(|why| format!("a sum under a function {why}"))?;
        }
        if plan.keys.len() > engine.plan.keys.len() {
            self.plan = Some(plan);
        }
        Ok(())
    }

    /// Notes the sum that a contraction reads, and makes it one that reads nothing else of the elements.
    fn take(
        &mut self,
        engine: &Engine<'_>,
        keys: &mut Vec<Key>,
        how: &mut Planned,
    ) -> Result<(), String> {
        let (whole, row) = match &*how {
            Planned::Global(c) => match self.touches(c) {
                true => (c, None),
                false => return Ok(()),
            },
            Planned::Rows { row, direct, .. } if !self.reach.holds(row.plate) => {
                return match self.touches(direct) {
                    true => Err("takes a sum over elements and over rows of no element".into()),
                    false => Ok(()),
                };
            }
            Planned::Keyed { key, rest, .. }
            | Planned::Rows {
                hoisted: Some((key, _, rest)),
                ..
            } if !self.touches(rest) && !self.carried(&keys[key.index()].axes) => {
                let key = *key;
                let Some(member) = self.reach.position(keys[key.index()].plate) else {
                    return Ok(());
                };
                self.check_size(engine, &keys[key.index()].axes)?;
                if !self.sums.iter().any(|s| s.key == key) {
                    let how = How::Key;
                    self.sums.push(Sum { key, member, how });
                }
                return Ok(());
            }
            Planned::Rows { row, direct, .. } => (direct, Some(*row)),
            Planned::Keyed { .. } => {
                return Err("takes a sum over rows in which two elements meet".into());
            }
        };
        let (own, axes, rest) = self.part(engine.derivation, whole, row)?;
        self.check_size(engine, &axes)?;
        let of = |a: &Axis| self.reach.position(a.plate);
        let about = row.iter().chain(&own.axes).filter_map(of).next();
        let known = own.data.iter().flat_map(Known::axes);
        let member = about.or_else(|| known.filter_map(|a| of(&a)).next());
        let member = member.ok_or("takes a sum over nothing that is counted")?;
        let key = KeyId(keys.len() as u32);
        let plate = self.reach.members[member].plate;
        keys.push(Key {
            plate,
            row: row.unwrap_or(Axis { plate, id: 0 }),
            data: vec![],
            selectors: vec![],
            local: vec![],
            axes: axes.clone(),
            tables: vec![],
        });
        self.sums.push(Sum {
            key,
            member,
            how: match row {
                Some(row) => How::Rows(row, own),
                None => How::Global(own),
            },
        });
        *how = Planned::Keyed { key, axes, rest };
        Ok(())
    }

    /// The factors of the elements summed over them, the axes of that sum, and the rest.
    fn part(
        &self,
        d: &Derivation,
        whole: &Contraction,
        row: Option<Axis>,
    ) -> Result<(Contraction, Vec<Axis>, Contraction), String> {
        let owned = |a: &Axis| self.reach.holds(a.plate) || Some(*a) == row;
        let inside = |s: &Subscript| s.axes().iter().any(owned);
        if whole.target.iter().any(inside) || !whole.local.is_empty() {
            return Err("has a value for every element".into());
        }
        let (own_data, data) = whole
            .data
            .iter()
            .cloned()
            .partition(|k| k.axes().iter().any(owned));
        let local = |u| d.block_of(u).is_some_and(|b| self.local[b.index()]);
        let (own_moments, moments): (Vec<_>, Vec<_>) = whole
            .moments
            .iter()
            .cloned()
            .partition(|m| m.index.iter().any(inside) || local(m.kind.unknown()));
        if let Some(m) = own_moments.iter().find(|m| !local(m.kind.unknown())) {
            let name = &d.unknowns.get(m.kind.unknown()).name;
            return Err(format!(
                "takes a sum over elements of `{name}`, which belongs to none, where each names another"
            ));
        }
        let mut own = Contraction {
            coef: 1.0,
            data: own_data,
            moments: own_moments,
            local: vec![],
            axes: vec![],
            target: vec![],
        };
        let mut rest = Contraction {
            data,
            moments,
            axes: vec![],
            ..whole.clone()
        };
        let (carried, other) = (carried(&own), carried(&rest));
        let mut axes: Vec<Axis> = vec![];
        for a in &carried {
            let both = other.contains(a) || rest.target.iter().any(|s| s.has_axis(*a));
            if both && !owned(a) {
                axes.push(*a);
            }
        }
        for a in &whole.axes {
            let of_elements = owned(a) || (carried.contains(a) && !axes.contains(a));
            // What both have is summed over by the rest, unless it is where the sum goes.
            match of_elements {
                true => own.axes.push(*a),
                false => rest.axes.push(*a),
            }
            if axes.contains(a) {
                own.axes.push(*a);
            }
        }
        own.target = axes.iter().map(|a| Subscript::Axis(*a)).collect();
        Ok((own, axes, rest))
    }

    fn carried(&self, axes: &[Axis]) -> bool {
        axes.iter().any(|a| self.reach.holds(a.plate))
    }

    fn check_size(&self, engine: &Engine<'_>, axes: &[Axis]) -> Result<(), String> {
        let length: f64 = axes.iter().map(|a| engine.size(*a) as f64).product();
        match length > LARGEST {
            true => Err(format!("needs a sum of {length:.0} numbers")),
            false => Ok(()),
        }
    }
}

/// The axes that the factors of a contraction carry.
fn carried(c: &Contraction) -> Vec<Axis> {
    let mut out: Vec<Axis> = vec![];
    let data = c.data.iter().flat_map(Known::axes);
    let moments = c.moments.iter().flat_map(|m| &m.index);
    for a in data.chain(moments.flat_map(Subscript::axes)) {
        if !out.contains(&a) {
            out.push(a);
        }
    }
    out
}

impl Sum {
    /// True if the plan has it.
    pub fn is_key(&self) -> bool {
        matches!(self.how, How::Key)
    }

    /// The sum over the elements at hand.
    pub fn over(&self, here: &Engine<'_>, own: &mut State) -> ArrayD<f64> {
        let key = &here.plan.keys[self.key.index()];
        let shape: Vec<usize> = key.axes.iter().map(|x| here.size(*x)).collect();
        let mut out = ArrayD::zeros(IxDyn(&shape));
        match &self.how {
            How::Global(c) => here.add_contraction(own, c, None, &mut out),
            How::Rows(row, c) => here.add_rows_of(own, c, *row, &[], &mut out),
            How::Key => {
                if let Some(s) = here.plan.sums.iter().find(|s| s.key == self.key) {
                    here.add_rows_of(own, &s.direct, s.row, &[], &mut out);
                } else if key.local.is_empty() {
                    match &here.hoisted[self.key.index()] {
                        Some(a) => out.assign(a),
                        None => here.add_hoisted(self.key, &mut out),
                    }
                } else if let Some(a) = own.accumulated[self.key.index()].take() {
                    return a;
                }
            }
        }
        out
    }
}
