//! The single comparisons, at one point of an ascent.
//!
//! ```text
//! phi(e) = E[log p] + H at q moved by e along a direction;   g e = (8 (phi(e) - phi(-e)) - (phi(2e) - phi(-2e))) / 12
//! b e^2 = phi(e) - 2 phi(0) + phi(-e)                          what a step could still gain: (g e)^2 / (2 |b e^2|)
//! kink    b e^2 halves, not quarters, as e halves              what the two steps gain
//! ```
//!
//! A mode on the boundary may have an infinite density; nothing is compared with that.

use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::data::Dataset;
use crate::derive::{BlockId, Derivation, Method, Structure};
use crate::engine::Engine;
use crate::engine::run;
use crate::engine::state::State;
use crate::naive::Assignment;
use crate::numeric::logsumexp::logsumexp;
use crate::plan::Plan;

use super::Options;
use super::ascent::block_name;
use super::evidence;
use super::expect::{Reason, World};
use super::factor::{Factor, Q, Support};
use super::report::{Kind, Report};

pub const EXPECTATION: &str = "E_q[log p] of the engine and of the naive evaluator";
pub const ENTROPY: &str = "H(q) of the engine and of the published parameters";
const POSTERIOR: &str = "objective and log p(v, h) - log q(h) at draws h";
const EVIDENCE: &str = "objective and log p(v) by enumeration and integration";
const GRADIENT: &str = "gradients of log p(v) and of E_q[log p]";
const THREADS: &str = "objective with one thread and with two";

const INFINITE: &str = "the density is infinite at a mode on the boundary";

/// By what the second difference falls as the step halves: 4 where the density is smooth, 2 at a kink.
const KINK: f64 = 2.5;
/// Means that far from the origin, in units of their spread squared, are no ground to compare numbers on.
const COLLAPSED: f64 = 1e7;
/// Tables up to this size are checked state by state.
const STATES: usize = 8192;
/// A step of this relative size begins the search for one that suits the curvature.
const STEP: f64 = 1e-2;

/// What the checks need.
pub struct Checks<'e, 'a> {
    engine: &'e Engine<'a>,
    world: World<'e>,
    options: &'e Options,
    /// All factors of q, block after block.
    pub q: Vec<Factor>,
    values: Assignment,
    /// The elements that read each factor.
    readers: Vec<Vec<usize>>,
    rng: ChaCha8Rng,
    /// What differences are measured by: see [`Checks::measure`].
    size: f64,
}

impl<'e, 'a> Checks<'e, 'a> {
    /// Prepares the checks of a start.
    pub fn new(
        engine: &'e Engine<'a>,
        world: World<'e>,
        options: &'e Options,
        seed: u64,
    ) -> Checks<'e, 'a> {
        let mut readers: Vec<Vec<usize>> = vec![];
        for (i, e) in world.elements.iter().enumerate() {
            for f in &e.reads {
                if readers.len() <= *f {
                    readers.resize(*f + 1, vec![]);
                }
                readers[*f].push(i);
            }
        }
        Checks {
            engine,
            values: world.undecided_values(),
            world,
            options,
            q: vec![],
            readers,
            rng: ChaCha8Rng::seed_from_u64(seed),
            size: 1.0,
        }
    }

    /// An infinite density at a mode on the boundary, perhaps beside a log 0.
    fn is_infinite(&self, l: f64) -> bool {
        (l.is_nan() || l == f64::INFINITY) && self.is_on_boundary()
    }

    /// The same of a part of it: there a log 0 with hardly any weight may be all that is left.
    fn is_limit(&self, l: f64) -> bool {
        !l.is_finite() && self.is_on_boundary()
    }

    fn is_on_boundary(&self) -> bool {
        let on_boundary = |f: &Factor| match &f.q {
            Q::Point(v, Support::Probability | Support::Simplex) => {
                v.iter().any(|p| *p == 0.0 || *p == 1.0)
            }
            _ => false,
        };
        self.q.iter().any(on_boundary)
    }

    /// E_q[log p] and its size: the sum of what its elements are without their signs.
    fn expected(&mut self) -> Result<(f64, f64), Reason> {
        let (mut total, mut size) = (0.0, 1.0);
        for e in &self.world.elements {
            let l = self.world.expectation(&self.q, e, &mut self.values)?;
            total += l;
            size += l.abs();
        }
        Ok((total, size))
    }

    /// Sets what differences are measured by, and says whether the point is one at which numbers can be compared.
    ///
    /// The engine adds squares up as x'x - 2 x'm + m'm; its rounding grows with these parts, not with (x - m)'(x - m).
    /// Their size is the curvature of E_q[log p] as all means are stretched together. Where it is far above the value
    /// itself a spread has collapsed onto its data.
    pub fn measure(&mut self) -> bool {
        const STRETCH: f64 = 1e-3;
        let (here, size) = match self.expected() {
            Ok((here, size)) if size.is_finite() => (here, size),
            _ => {
                self.size = 1.0;
                return true;
            }
        };
        let mut bend = -2.0 * here;
        for by in [1.0 + STRETCH, 1.0 - STRETCH] {
            let stretched = self.q.iter().map(|f| f.stretched(by)).collect();
            let kept = std::mem::replace(&mut self.q, stretched);
            let l = self.expected();
            self.q = kept;
            bend += l.map_or(f64::NAN, |(l, _)| l);
        }
        let bend = bend.abs() / (STRETCH * STRETCH);
        self.size = if bend.is_finite() { size + bend } else { size };
        self.size < COLLAPSED * size
    }

    fn entropy(&self) -> Option<f64> {
        self.q.iter().map(|f| Some(f.weight * f.q.entropy()?)).sum()
    }

    /// E_q[log p] and H(q) against the engine's.
    pub fn totals(&mut self, state: &State, place: &str, report: &mut Report) {
        let engine_entropy: f64 = state.blocks.iter().map(|b| b.entropy).sum::<f64>()
            + state.passes.iter().map(|p| p.entropy).sum::<f64>();
        let engine = self.engine.objective(state) - engine_entropy;
        match self.expected() {
            Ok((l, _)) if self.is_infinite(l) => {
                report.skip(Kind::Expectation, EXPECTATION, INFINITE);
            }
            Ok((l, _)) => {
                let size = self.size;
                report.compare(Kind::Expectation, EXPECTATION, engine, l, size, place);
            }
            Err(why) => report.skip(Kind::Expectation, EXPECTATION, &why),
        }
        match self.entropy() {
            Some(h) => {
                let size = self.size
                    + self
                        .q
                        .iter()
                        .map(|f| (f.weight * f.q.entropy().unwrap_or(0.0)).abs())
                        .sum::<f64>();
                report.compare(Kind::Entropy, ENTROPY, engine_entropy, h, size, place);
            }
            None => report.skip(Kind::Entropy, ENTROPY, "a factor of q is at its limit"),
        }
    }

    /// E[log p] of the elements that read a factor, and its entropy.
    fn phi(&mut self, f: usize) -> Result<f64, Reason> {
        let mut total = 0.0;
        for i in self.readers.get(f).into_iter().flatten() {
            let e = &self.world.elements[*i];
            total += self.world.expectation(&self.q, e, &mut self.values)?;
        }
        let h = self.q[f]
            .q
            .entropy()
            .ok_or("a factor of q is at its limit")?;
        Ok(total + self.q[f].weight * h)
    }

    fn phi_at(&mut self, f: usize, moved: Q) -> Result<f64, Reason> {
        let kept = std::mem::replace(&mut self.q[f].q, moved);
        let l = self.phi(f);
        // A step may end on the boundary by rounding.
        let infinite = l.as_ref().is_ok_and(|l| self.is_limit(*l));
        self.q[f].q = kept;
        if infinite { Err(INFINITE.into()) } else { l }
    }

    /// A block after its update: no neighbour is better.
    pub fn update(&mut self, id: BlockId, place: &str, report: &mut Report) {
        let what = block_name(self.engine, id);
        let d = self.engine.derivation;
        if d.block(id).structure == Structure::Sequential {
            // Its parts are updated one after the other: only the last one is at its best.
            let why = "its parts are updated one after the other";
            return report.skip(Kind::Update, &what, why);
        }
        let mut mine: Vec<usize> = (0..self.q.len())
            .filter(|f| self.q[*f].block == id && self.q[*f].weight > 0.0)
            .filter(|f| self.readers.get(*f).is_some_and(|r| !r.is_empty()))
            .collect();
        while mine.len() > self.options.factors.max(1) {
            let drop = self.rng.random_range(0..mine.len());
            mine.swap_remove(drop);
        }
        for f in mine {
            for _ in 0..self.options.directions.max(1) {
                match self.gain(f) {
                    Ok(gain) => {
                        let words = format!("{place}: a neighbour gains {gain:.3e}, relative");
                        report.measure(Kind::Update, &what, gain, &words);
                    }
                    Err(why) => report.skip(Kind::Update, &what, &why),
                }
            }
        }
    }

    /// What a move of one factor could still gain, relative to the size of what it touches.
    fn gain(&mut self, f: usize) -> Result<f64, Reason> {
        let states = matches!(self.q[f].q, Q::Table(..) | Q::Choice(..));
        self.world.remember(states);
        let gain = self.searched(f);
        self.world.remember(false);
        gain
    }

    fn searched(&mut self, f: usize) -> Result<f64, Reason> {
        let here = self.phi(f)?;
        if self.is_limit(here) {
            return Err(INFINITE.into());
        }
        let size = here.abs().max(1.0);
        if let Q::Choice(at, shape) = &self.q[f].q {
            let (at, shape) = (at.clone(), shape.clone());
            let mut best = 0.0_f64;
            for (i, n) in shape.iter().enumerate() {
                for k in 0..*n {
                    let mut other = at.clone();
                    other[i] = k;
                    let l = self.phi_at(f, Q::Choice(other, shape.clone()))?;
                    best = best.max((l - here) / size);
                }
            }
            return Ok(best);
        }
        if let Q::Table(p, shape) = &self.q[f].q
            && p.len() <= STATES
        {
            let (p, shape) = (p.clone(), shape.clone());
            return Ok(self.divergence(f, &p, &shape)? / size);
        }
        let q = self.q[f].q.clone();
        let direction = q.direction(&mut self.rng);
        let at = |checks: &mut Self, e: f64| -> Result<f64, Reason> {
            let moved = q
                .moved(&direction, e)
                .ok_or("a factor of q cannot be moved")?;
            checks.phi_at(f, moved)
        };
        let mut e = STEP;
        let (mut plus, mut minus) = (at(self, e)?, at(self, -e)?);
        for _ in 0..12 {
            let bend = (plus - 2.0 * here + minus).abs();
            let next = if bend < 1e-9 * size && e < 0.03 {
                4.0 * e
            } else if bend > 1e-4 * size && e > 1e-6 {
                e / 4.0
            } else {
                break;
            };
            e = next;
            plus = at(self, e)?;
            minus = at(self, -e)?;
        }
        if matches!(q, Q::Point(_, Support::Real)) {
            // A kink shows at steps so short that it outweighs what is curved.
            let (mut step, mut near) = (e, (plus, minus));
            while (near.0 + near.1 - 2.0 * here).abs() > 1e-9 * size {
                let half = (at(self, step / 2.0)?, at(self, -step / 2.0)?);
                let bends = [near, half].map(|(p, m)| p + m - 2.0 * here);
                // A level top between two kinks is as good as its middle.
                let level = bends[1].abs() <= 1e-13 * size;
                if level || (bends[1] < 0.0 && bends[0] / bends[1] < KINK) {
                    return Ok(((half.0.max(half.1) - here) / size).max(0.0));
                }
                (step, near) = (step / 2.0, half);
            }
        }
        let slope = (8.0 * (plus - minus) - (at(self, 2.0 * e)? - at(self, -2.0 * e)?)) / 12.0;
        let bend = plus - 2.0 * here + minus;
        if slope.is_nan() || bend.is_nan() {
            return Ok(f64::NAN);
        }
        // Flat to the last digits: no gain if it is level, else the slope is the gain.
        if bend.abs() < 1e-12 * size {
            return Ok(slope.abs() / size);
        }
        if bend > 0.0 {
            return Ok((bend + slope.abs()) / size);
        }
        Ok(slope * slope / (2.0 * bend.abs()) / size)
    }

    /// What a table lacks to the best one, p_s proportional to exp E[log p | s]: the divergence between the two.
    ///
    /// Known cells of a partly blank column are read by nothing: only states that agree with them take part.
    fn divergence(&mut self, f: usize, p: &[f64], shape: &[usize]) -> Result<f64, Reason> {
        let w = self.q[f].weight;
        let some = p.iter().position(|p| *p > 0.0).ok_or("a table of zeros")?;
        let some = super::factor::states(some, shape);
        let known: Vec<bool> = self.q[f]
            .sites
            .iter()
            .map(|s| !self.world.is_read(*s))
            .collect();
        let agrees = |at: &[usize]| {
            let mut all = known.iter().zip(at).zip(&some);
            all.all(|((known, a), b)| !known || a == b)
        };
        let mut logs = Vec::with_capacity(p.len());
        let mut here = 0.0;
        for (s, p) in p.iter().enumerate() {
            let at = super::factor::states(s, shape);
            if !agrees(&at) {
                continue;
            }
            let l = self.phi_at(f, Q::Choice(at, shape.to_vec()));
            if *p > 0.0 {
                here += p * (l.clone()? - w * p.ln());
            }
            logs.push(l.map_or(f64::NEG_INFINITY, |l| l / w));
        }
        Ok((w * logsumexp(&logs) - here).abs())
    }

    /// log p(v, h) - log q(h) is the objective wherever h is drawn.
    pub fn posterior(&mut self, state: &State, place: &str, report: &mut Report) {
        if self.q.iter().all(|f| f.q.is_point()) {
            return;
        }
        let objective = self.engine.objective(state);
        for _ in 0..self.options.draws {
            match self.ratio() {
                Ok((l, _)) if self.is_infinite(l) => {
                    return report.skip(Kind::Posterior, POSTERIOR, INFINITE);
                }
                Ok((l, size)) => {
                    let size = size + self.size;
                    report.compare(Kind::Posterior, POSTERIOR, objective, l, size, place);
                }
                Err(why) => return report.skip(Kind::Posterior, POSTERIOR, &why),
            }
        }
    }

    fn ratio(&mut self) -> Result<(f64, f64), Reason> {
        let limit = "a factor of q is at its limit";
        let (mut total, mut size) = (0.0, 1.0);
        for f in &self.q {
            let x = f.q.draw(&mut self.rng as &mut dyn Rng).ok_or(limit)?;
            self.world.place(&mut self.values, f, &x);
            let l = f.weight * f.q.log_density(&x).ok_or(limit)?;
            total -= l;
            size += l.abs();
        }
        for e in &self.world.elements {
            let l = self.world.at(&self.values, e)?;
            total += l;
            size += l.abs();
        }
        Ok((total, size))
    }

    /// The objective is the log evidence.
    pub fn evidence(&mut self, state: &State, place: &str, report: &mut Report) {
        if self.q.iter().all(|f| f.q.is_point()) {
            return;
        }
        let found =
            evidence::log_evidence(&self.world, &self.q, &mut self.values, self.options.budget);
        match found {
            Ok((l, _)) if self.is_infinite(l) => report.skip(Kind::Evidence, EVIDENCE, INFINITE),
            Ok((l, size)) => {
                let objective = self.engine.objective(state);
                let size = size + self.size;
                report.compare(Kind::Evidence, EVIDENCE, objective, l, size, place);
            }
            Err(why) => report.skip(Kind::Evidence, EVIDENCE, &why),
        }
    }

    /// The gradient of the log evidence in the params is that of E_q[log p] at the posterior q.
    pub fn gradient(&mut self, place: &str, report: &mut Report) {
        let points: Vec<usize> = (0..self.q.len())
            .filter(|f| matches!(self.q[*f].q, Q::Point(..)))
            .collect();
        if points.is_empty() || points.len() == self.q.len() {
            return;
        }
        for _ in 0..self.options.directions {
            let f = points[self.rng.random_range(0..points.len())];
            match self.slopes(f) {
                Ok((evidence, expected, size)) => {
                    report.compare(Kind::Gradient, GRADIENT, expected, evidence, size, place);
                }
                Err(why) => return report.skip(Kind::Gradient, GRADIENT, &why),
            }
        }
    }

    fn slopes(&mut self, f: usize) -> Result<(f64, f64, f64), Reason> {
        let q = self.q[f].q.clone();
        let direction = q.direction(&mut self.rng);
        let here = self.phi(f)?;
        if self.is_limit(here) {
            return Err(INFINITE.into());
        }
        let mut e = 1e-3;
        // Where the density is steep, shorter steps.
        while e > 1e-6 {
            let mut bend = -2.0 * here;
            for by in [e, -e] {
                let moved = q.moved(&direction, by).ok_or("a param cannot be moved")?;
                bend += self.phi_at(f, moved)?;
            }
            if bend.abs() <= 1e-6 * here.abs().max(1.0) {
                break;
            }
            e /= 2.0;
        }
        let (mut evidence, mut expected, mut size) = (0.0, 0.0, 0.0_f64);
        for (by, factor) in [(1.0, 8.0), (-1.0, -8.0), (2.0, -1.0), (-2.0, 1.0)] {
            self.q[f].q = q
                .moved(&direction, by * e)
                .ok_or("a param cannot be moved")?;
            let l =
                evidence::log_evidence(&self.world, &self.q, &mut self.values, self.options.budget);
            let x = self.phi(f);
            let limit = [l.as_ref().map_or(0.0, |l| l.0), *x.as_ref().unwrap_or(&0.0)];
            let infinite = limit.iter().any(|l| self.is_limit(*l));
            self.q[f].q = q.clone();
            if infinite {
                return Err(INFINITE.into());
            }
            let (l, s) = l?;
            evidence += factor * l / (12.0 * e);
            expected += factor * x? / (12.0 * e);
            size = size.max(s);
        }
        let scale = evidence.abs().max(expected.abs()).max(1e-2 * size);
        Ok((evidence, expected, scale))
    }
}

/// One thread and two give the same bits.
pub fn threads(
    d: &Derivation,
    plan: &Plan,
    data: &Dataset,
    options: &Options,
    report: &mut Report,
) {
    let trace = |n: usize| -> Result<Vec<u64>, Reason> {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(n)
            .build()
            .map_err(|e| e.to_string())?;
        pool.install(|| {
            let first = |e: Vec<crate::diag::Diagnostic>| {
                e.first().map_or_else(String::new, |e| e.title.clone())
            };
            let engine = Engine::new(d, plan, data, None).map_err(first)?;
            let settings = run::Options {
                max_iter: if d.method == Method::ExactPosterior {
                    1
                } else {
                    3
                },
                tol: 0.0,
                seed: options.seed,
                restarts: 1,
                ..run::Options::default()
            };
            let (outcome, _) = run::run(&engine, None, &settings, &mut |_| true).map_err(first)?;
            Ok(outcome.trace.iter().map(|l| l.to_bits()).collect())
        })
    };
    match (trace(1), trace(2)) {
        (Ok(one), Ok(two)) => {
            let difference = if one == two { 0.0 } else { f64::INFINITY };
            report.measure(Kind::Threads, THREADS, difference, "the traces differ");
        }
        (Err(why), _) | (_, Err(why)) => report.skip(Kind::Threads, THREADS, &why),
    }
}
