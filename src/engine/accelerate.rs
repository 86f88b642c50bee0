//! Longer steps of the coordinate ascent, under a guard: what one sweep carries to the next is extrapolated at the cut of
//! the sweep, and kept only where the objective after the sweep is no lower than before.
//!
//! Squared steps come first. After a few sweeps Anderson mixing takes over, which needs fewer sweeps near the fixed point;
//! where the guard refuses one of its points, squared steps return for twice as long as the last time.

use crate::derive::BlockId;
use crate::plan::Step;

use super::Engine;
use super::coordinates::{Coordinates, Natural};
use super::extrapolate::{Anderson, Vector, squared_step};
use super::state::State;
use super::update::Messages;

/// Sweeps with squared steps before mixing is tried first, and at least after it was refused.
const SHORT: usize = 8;
/// At most so many sweeps with squared steps after a refusal.
const LONG: usize = 64;
/// Mixing needs this many differences.
const LEAST: usize = 3;
/// By how much the longest squared step grows and shrinks.
const GROWTH: f64 = 4.0;

/// What to return to where the guard refuses a point.
struct Saved {
    state: State,
    natural: Natural,
    point: Vector,
}

/// Proposes extrapolated points and learns from what became of them.
pub(super) struct Accelerator {
    coordinates: Coordinates,
    /// The natural parameters that the carried latents were updated with last.
    natural: Natural,
    /// The point from which the current sweep started.
    from: Option<Vector>,
    anderson: Anderson,
    /// The points of a squared step so far.
    cycle: Vec<Vector>,
    cap: f64,
    /// Sweeps for which squared steps remain in use.
    squared: usize,
    /// How many there are after the next refusal.
    refused: usize,
    mixing: bool,
    capped: bool,
    saved: Option<Saved>,
    rest: bool,
}

impl Accelerator {
    /// For the blocks whose values go over the cut.
    pub(super) fn new(engine: &Engine<'_>, carried: &[BlockId]) -> Accelerator {
        Accelerator {
            coordinates: Coordinates::new(engine, carried),
            natural: vec![None; engine.derivation.blocks.len()],
            from: None,
            anderson: Anderson::default(),
            cycle: vec![],
            cap: GROWTH,
            squared: SHORT,
            refused: SHORT,
            mixing: false,
            capped: false,
            saved: None,
            rest: false,
        }
    }

    /// Notes the natural parameter that a block was updated with.
    pub(super) fn keep(&mut self, block: BlockId, messages: Messages) {
        if self.coordinates.needs(block) {
            self.natural[block.index()] = Some(messages);
        }
    }

    /// The next sweep stays plain.
    pub(super) fn rest(&mut self) {
        self.rest = true;
    }

    /// Called at the cut: replaces what is carried by an extrapolated point. False where the state is left as it is.
    pub(super) fn leap(&mut self, engine: &Engine<'_>, state: &mut State) -> bool {
        if self.coordinates.is_empty() {
            return false;
        }
        let Some(here) = self.coordinates.read(engine, state, &self.natural) else {
            return false;
        };
        let wanted = self
            .wanted(&here)
            .filter(|w| w.iter().flatten().all(|x| x.is_finite()));
        let rest = std::mem::take(&mut self.rest);
        let Some(wanted) = wanted.filter(|_| !rest) else {
            self.from = Some(here);
            return false;
        };
        let saved = Saved {
            state: state.clone(),
            natural: self.natural.clone(),
            point: here,
        };
        let written =
            self.coordinates
                .write(engine, state, &mut self.natural, &saved.point, &wanted);
        if !written {
            self.restore(saved, state);
            return false;
        }
        // What was written differs from what was wanted where that left its support.
        self.from = self.coordinates.read(engine, state, &self.natural);
        self.saved = Some(saved);
        true
    }

    fn restore(&mut self, saved: Saved, state: &mut State) {
        *state = saved.state;
        self.natural = saved.natural;
        self.from = Some(saved.point);
    }

    fn wanted(&mut self, here: &Vector) -> Option<Vector> {
        if let Some(x) = self.from.take() {
            self.anderson.note(x, here);
        }
        self.mixing = self.squared == 0;
        if self.mixing {
            return if self.anderson.len() < LEAST {
                None
            } else {
                self.anderson.mixed(here)
            };
        }
        self.squared -= 1;
        self.cycle.push(here.clone());
        let points: [Vector; 3] = std::mem::take(&mut self.cycle)
            .try_into()
            .map_err(|short| self.cycle = short)
            .ok()?;
        let (x, capped) = squared_step(&points, self.cap)?;
        self.capped = capped;
        Some(x)
    }

    /// The point raised the objective.
    pub(super) fn land(&mut self) {
        self.saved = None;
        if self.mixing {
            self.refused = self.refused.saturating_sub(1).max(SHORT);
        } else if self.capped {
            self.cap *= GROWTH;
        }
    }

    /// The point did not: returns to the plain one.
    pub(super) fn fall_back(&mut self, state: &mut State) {
        if let Some(saved) = self.saved.take() {
            self.restore(saved, state);
        }
        if self.mixing {
            self.squared = self.refused;
            self.refused = (2 * self.refused).min(LONG);
            self.anderson.clear();
        } else {
            self.cap = (self.cap / GROWTH).max(GROWTH);
        }
        self.cycle.clear();
    }
}

/// Where a sweep is cut, and the blocks carried over the cut: there where they are fewest numbers.
pub(super) fn cut(engine: &Engine<'_>, sweep: &[Step]) -> (usize, Vec<BlockId>) {
    let mut best: Option<(f64, usize, Vec<BlockId>)> = None;
    for at in 0..sweep.len() {
        let (size, blocks) = carried(engine, sweep, at);
        if best.as_ref().is_none_or(|b| size < b.0) {
            best = Some((size, at, blocks));
        }
    }
    best.map_or((0, vec![]), |(_, at, blocks)| (at, blocks))
}

/// The blocks that some step reads before the sweep from `at` updates them, and how many numbers they are. The statistics
/// of row-level blocks cannot be carried: they count as more than everything else.
pub(super) fn carried(engine: &Engine<'_>, sweep: &[Step], at: usize) -> (f64, Vec<BlockId>) {
    let d = engine.derivation;
    let mut updated: Vec<BlockId> = vec![];
    let mut read: Vec<BlockId> = vec![];
    for s in sweep[at..].iter().chain(&sweep[..at]) {
        let own = match s {
            Step::Pass(p) => engine.plan.passes[*p].blocks.clone(),
            Step::Update(b) => vec![*b],
        };
        for c in own.iter().flat_map(|b| &d.block(*b).couplings) {
            if !updated.contains(&c.block) && !own.contains(&c.block) && !read.contains(&c.block) {
                read.push(c.block);
            }
        }
        updated.extend(own);
    }
    let mut size = 0.0;
    for b in &read {
        let block = d.block(*b);
        if block.rows.is_some() || engine.is_pushed(*b) {
            size += 1e15;
            continue;
        }
        for u in &block.unknowns {
            size += engine.shape(*u).iter().map(|n| *n as f64).product::<f64>();
        }
    }
    read.retain(|b| d.block(*b).rows.is_none() && !engine.is_pushed(*b));
    (size, read)
}
