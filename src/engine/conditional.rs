//! A discrete unknown z and Gaussians H given each of its values: q(z) q(H | z), per element of the batch.
//!
//! ```text
//! log q(z = k, H) = c_k + b_k'H + H'Q_k H + const       A_k = log integral of exp(b_k'H + H'Q_k H)
//! q(z = k) proportional to exp(c_k + A_k)               q(H | z = k) = Gaussian(m_k, C_k), the solution of (b_k, Q_k)
//! ```
//!
//! Terms that hold H alone go to every k. Numbers of H that are known cells are held at their value. Mixtures of factor analysers (Ghahramani and Hinton 1996) are of this form.

use ndarray::ArrayD;
use rayon::prelude::*;

use crate::algebra::Origin;
use crate::data::{BLANK, Cells};
use crate::derive::{Block, BlockId, Derivation, Form, MomentKind};
use crate::diag::Diagnostic;
use crate::family::{Improper, StatisticKind, gaussian};
use crate::numeric::LOG_ZERO;
use crate::numeric::logsumexp::softmax_in_place;

use super::Engine;
use super::coupled::shaped;
use super::evaluate::Evaluator;
use super::places::NOWHERE;
use super::state::{BlockState, State};
use super::update::Messages;

/// Where one entry of a compound's message goes: batch element, state ([`NOWHERE`]: all), positions in H ([`NOWHERE`]: none).
#[derive(Debug, Clone, Copy)]
struct Entry {
    batch: u32,
    state: u32,
    first: u32,
    second: u32,
}

/// A conditional block bound to data.
#[derive(Debug, Clone)]
pub struct Conditional {
    batch: usize,
    states: usize,
    /// Numbers in H.
    width: usize,
    /// For each unknown of H: flat element by (batch, inside), and its first position in H.
    layouts: Vec<(Vec<usize>, usize, usize)>,
    /// Flat element of z by batch.
    places: Vec<usize>,
    entries: Vec<Vec<Entry>>,
    clamps: Vec<u32>,
    /// Numbers of H that are known cells, by (batch, position), NaN where blank; empty where no column is in H.
    cells: Vec<f64>,
}

/// q of one batch element.
struct Local {
    probabilities: Vec<f64>,
    means: Vec<f64>,
    covariances: Vec<f64>,
    entropy: f64,
}

impl Conditional {
    /// Binds a block.
    pub fn new(engine: &Engine<'_>, id: BlockId) -> Conditional {
        let (e, d): (&Evaluator<'_>, &Derivation) = (&engine.evaluator, engine.derivation);
        let block = d.block(id);
        let z = block.unknowns[0];
        let places = engine.layout(id, 0).0;
        let batch = places.len();
        let states = d
            .unknowns
            .get(z)
            .element_plate()
            .map_or(1, |p| engine.plate_size(p));
        let mut width = 0;
        let mut layouts = vec![];
        // The batch element and the position in H of every flat element of every unknown.
        let mut at: Vec<Vec<(u32, u32)>> = vec![];
        for i in 0..block.unknowns.len() {
            let (positions, n) = engine.layout(id, i);
            let mut back = vec![(0, 0); positions.len()];
            for (k, p) in positions.iter().enumerate() {
                let first = if i == 0 { 0 } else { width };
                back[*p] = ((k / n.max(1)) as u32, (first + k % n.max(1)) as u32);
            }
            at.push(back);
            if i > 0 {
                layouts.push((positions, n, width));
                width += n;
            }
        }
        let entries = block
            .compounds
            .iter()
            .map(|c| {
                let found = e.places(c, &d.unknowns);
                let sizes: Vec<usize> = c.axes[c.places..].iter().map(|a| e.size(*a)).collect();
                let block_len: usize = sizes.iter().product();
                let mut out = Vec::with_capacity(found.count * block_len);
                for p in 0..found.count {
                    let mut entry = Entry {
                        batch: NOWHERE,
                        state: NOWHERE,
                        first: NOWHERE,
                        second: NOWHERE,
                    };
                    let mut missing = false;
                    for (s, (stat, element)) in c.stats.iter().zip(&found.element).enumerate() {
                        if element[p] == NOWHERE {
                            missing = true;
                            continue;
                        }
                        let u = block
                            .unknowns
                            .iter()
                            .position(|u| *u == stat.of)
                            .unwrap_or(0);
                        let (b, position) = at[u][element[p] as usize];
                        entry.batch = b;
                        if u == 0 {
                            if let Some(f) = &found.fixed[s] {
                                entry.state = f[p];
                            }
                        } else if entry.first == NOWHERE {
                            entry.first = position;
                        } else {
                            entry.second = position;
                        }
                    }
                    if missing {
                        entry.batch = NOWHERE;
                    }
                    // The only value axis is that of z.
                    for v in 0..block_len {
                        let mut entry = entry;
                        if !sizes.is_empty() {
                            entry.state = v as u32;
                        }
                        out.push(entry);
                    }
                }
                out
            })
            .collect();
        let mut cells = vec![];
        for (u, (positions, n, first)) in block.unknowns.iter().skip(1).zip(&layouts) {
            let Some(own) = engine.cells(*u) else {
                continue;
            };
            cells.resize(batch * width, f64::NAN);
            let flat: Vec<f64> = own.iter().copied().collect();
            for (k, p) in positions.iter().enumerate() {
                let n = (*n).max(1);
                cells[(k / n) * width + first + k % n] = flat[*p];
            }
        }
        Conditional {
            batch,
            states,
            width,
            layouts,
            places,
            entries,
            clamps: known_states(engine, block),
            cells,
        }
    }

    fn natural(&self, messages: &[Option<&[f64]>]) -> (Vec<f64>, Vec<f64>, Vec<f64>) {
        let (k, n) = (self.states, self.width);
        let mut constant = vec![0.0; self.batch * k];
        let mut linear = vec![0.0; self.batch * k * n];
        let mut quadratic = vec![0.0; self.batch * k * n * n];
        for (entries, m) in self.entries.iter().zip(messages) {
            let Some(m) = m else { continue };
            for (e, v) in entries.iter().zip(*m) {
                if e.batch == NOWHERE || *v == 0.0 {
                    continue;
                }
                let states = match e.state {
                    NOWHERE => 0..k,
                    s => s as usize..s as usize + 1,
                };
                for s in states {
                    let at = e.batch as usize * k + s;
                    match (e.first, e.second) {
                        (NOWHERE, _) => constant[at] += v,
                        (i, NOWHERE) => linear[at * n + i as usize] += v,
                        (i, j) => quadratic[(at * n + i as usize) * n + j as usize] += v,
                    }
                }
            }
        }
        (constant, linear, quadratic)
    }

    fn solve(
        &self,
        b: usize,
        constant: &[f64],
        linear: &[f64],
        quadratic: &[f64],
    ) -> Result<Local, Improper> {
        let (k, n) = (self.states, self.width);
        let mut means = vec![0.0; k * n];
        let mut covariances = vec![0.0; k * n * n];
        let mut eta = constant[b * k..(b + 1) * k].to_vec();
        let mut inside = vec![0.0; k];
        for s in 0..k {
            let at = b * k + s;
            let l = &linear[at * n..(at + 1) * n];
            let q = &quadratic[at * n * n..(at + 1) * n * n];
            let m = &mut means[s * n..(s + 1) * n];
            let c = &mut covariances[s * n * n..(s + 1) * n * n];
            let known = self.cells.get(b * n..(b + 1) * n).unwrap_or(&[]);
            let (log_z, entropy) = given_cells(known, l, q, n, m, c)?;
            eta[s] += log_z;
            // The entropy of H given z = k.
            inside[s] = entropy;
        }
        if let Some(known) = self.clamps.get(b).filter(|v| **v != BLANK) {
            for (s, x) in eta.iter_mut().enumerate() {
                if s != *known as usize {
                    *x = LOG_ZERO;
                }
            }
        }
        softmax_in_place(&mut eta);
        let entropy = eta
            .iter()
            .zip(&inside)
            .filter(|(r, _)| **r > 0.0)
            .map(|(r, h)| r * (h - r.ln()))
            .sum();
        Ok(Local {
            probabilities: eta,
            means,
            covariances,
            entropy,
        })
    }

    /// E of a compound, flat over its axes.
    fn expectation(&self, locals: &[Local], compound: usize) -> Vec<f64> {
        let n = self.width;
        self.entries[compound]
            .iter()
            .map(|e| {
                let Some(q) = locals.get(e.batch as usize) else {
                    return 0.0;
                };
                let states = match e.state {
                    NOWHERE => 0..self.states,
                    s => s as usize..s as usize + 1,
                };
                states
                    .map(|s| {
                        let m = &q.means[s * n..(s + 1) * n];
                        let value = match (e.first, e.second) {
                            (NOWHERE, _) => 1.0,
                            (i, NOWHERE) => m[i as usize],
                            (i, j) => {
                                let (i, j) = (i as usize, j as usize);
                                q.covariances[(s * n + i) * n + j] + m[i] * m[j]
                            }
                        };
                        q.probabilities[s] * value
                    })
                    .sum()
            })
            .collect()
    }

    /// E[H_i] of an unknown, flat over its slots, and its marginal variances.
    fn mean_and_variance(&self, locals: &[Local], unknown: usize) -> (Vec<f64>, Vec<f64>) {
        let n = self.width;
        let (positions, inside, first) = &self.layouts[unknown];
        let mut mean = vec![0.0; positions.len()];
        let mut variance = vec![0.0; positions.len()];
        for (k, p) in positions.iter().enumerate() {
            let Some(q) = locals.get(k / inside.max(&1)) else {
                continue;
            };
            let i = first + k % inside.max(&1);
            let (mut m1, mut m2) = (0.0, 0.0);
            for (s, r) in q.probabilities.iter().enumerate() {
                let m = q.means[s * n + i];
                m1 += r * m;
                m2 += r * (q.covariances[(s * n + i) * n + i] + m * m);
            }
            mean[*p] = m1;
            variance[*p] = (m2 - m1 * m1).max(0.0);
        }
        (mean, variance)
    }
}

/// Mean and covariance of (b, Q) with the known numbers K held, log Z and entropy of the others F.
///
/// ```text
/// log Z = b_K'v_K + v_K'Q_KK v_K + A(b_F + (Q_FK + Q_KF') v_K, Q_FF)
/// ```
fn given_cells(
    known: &[f64],
    l: &[f64],
    q: &[f64],
    n: usize,
    mean: &mut [f64],
    covariance: &mut [f64],
) -> Result<(f64, f64), Improper> {
    let there = |i: usize| known.get(i).copied().filter(|x| !x.is_nan());
    let free: Vec<usize> = (0..n).filter(|i| there(*i).is_none()).collect();
    let mut log_z = 0.0;
    let mut linear: Vec<f64> = free.iter().map(|i| l[*i]).collect();
    for (i, v) in (0..n).filter_map(|i| Some((i, there(i)?))) {
        mean[i] = v;
        log_z += l[i] * v;
        for (j, w) in (0..n).filter_map(|j| Some((j, there(j)?))) {
            log_z += v * q[i * n + j] * w;
        }
        for (x, f) in linear.iter_mut().zip(&free) {
            *x += (q[f * n + i] + q[i * n + f]) * v;
        }
    }
    let m = free.len();
    if m == 0 {
        return Ok((log_z, 0.0));
    }
    let at = |i: &usize, j: &usize| i * n + j;
    let part: Vec<f64> = free
        .iter()
        .flat_map(|i| free.iter().map(move |j| q[at(i, j)]))
        .collect();
    let (mut means, mut spread) = (vec![0.0; m], vec![0.0; m * m]);
    let own = gaussian::solve(&linear, &part, m, &mut means, &mut spread)?;
    let mut inner: f64 = linear.iter().zip(&means).map(|(x, y)| x * y).sum();
    for (i, f) in free.iter().enumerate() {
        mean[*f] = means[i];
        for (j, g) in free.iter().enumerate() {
            let c = spread[i * m + j];
            inner += part[i * m + j] * (c + means[i] * means[j]);
            covariance[at(f, g)] = c;
        }
    }
    Ok((log_z + own, own - inner))
}

/// The known cells of a block's first unknown by element; empty where it is a variable.
pub(super) fn known_states(engine: &Engine<'_>, block: &Block) -> Vec<u32> {
    match engine.derivation.unknowns.get(block.unknowns[0]).origin {
        Origin::Column(c) => match &engine.evaluator.data.columns[c.index()] {
            Cells::Elements(v) => v.iter().copied().collect(),
            Cells::Numbers(_) => vec![],
        },
        Origin::Variable(_) | Origin::Predictor(_) => vec![],
    }
}

impl Engine<'_> {
    pub(super) fn bind_conditionals(&self) -> Vec<Option<Conditional>> {
        (0..self.derivation.blocks.len())
            .map(|i| {
                let id = BlockId(i as u32);
                matches!(self.derivation.block(id).form, Form::Conditional)
                    .then(|| Conditional::new(self, id))
            })
            .collect()
    }

    pub(super) fn update_conditional(
        &self,
        state: &mut State,
        id: BlockId,
        messages: &Messages,
        next: &mut BlockState,
    ) -> Result<(), Diagnostic> {
        let Some(bound) = &self.conditionals[id.index()] else {
            return Ok(());
        };
        let block = self.derivation.block(id);
        let (constant, linear, quadratic) = bound.natural(&self.by_compound(id, messages));
        let solved: Vec<Result<Local, Improper>> = (0..bound.batch)
            .into_par_iter()
            .map(|b| bound.solve(b, &constant, &linear, &quadratic))
            .collect();
        let locals: Vec<Local> = solved
            .into_iter()
            .enumerate()
            .map(|(b, q)| q.map_err(|e| self.improper(block.unknowns[1], b, &e)))
            .collect::<Result<_, _>>()?;
        let weights = self.element_weights(id, &block.batch);
        next.entropy = locals
            .iter()
            .zip(&weights)
            .map(|(l, w)| l.entropy * w)
            .sum();
        self.publish_conditional(state, id, bound, &locals, next);
        Ok(())
    }

    /// q(z) as published, q(H | z) standard Gaussians around random means: at 0 the terms that hold H would stay at 0.
    pub(super) fn start_conditional(
        &self,
        state: &mut State,
        id: BlockId,
        draw: &mut dyn FnMut() -> f64,
    ) {
        let Some(bound) = &self.conditionals[id.index()] else {
            return;
        };
        let (k, n) = (bound.states, bound.width);
        let kind = MomentKind::Statistic(
            self.derivation.block(id).unknowns[0],
            StatisticKind::Indicator,
        );
        let r = state
            .moments
            .get(&kind)
            .map(|a| a.as_standard_layout().into_owned());
        let r = r.as_ref().and_then(|a| a.as_slice()).unwrap_or(&[]);
        let locals: Vec<Local> = bound
            .places
            .iter()
            .enumerate()
            .map(|(b, place)| {
                let known = |i: usize| bound.cells.get(b * n + i).filter(|x| !x.is_nan());
                let own: Vec<f64> = (0..n)
                    .map(|i| known(i).copied().unwrap_or_else(&mut *draw))
                    .collect();
                let mut covariances = vec![0.0; k * n * n];
                for s in 0..k {
                    for i in (0..n).filter(|i| known(*i).is_none()) {
                        covariances[(s * n + i) * n + i] = 1.0;
                    }
                }
                Local {
                    probabilities: (0..k)
                        .map(|s| r.get(place * k + s).copied().unwrap_or(1.0 / k as f64))
                        .collect(),
                    means: own.repeat(k),
                    covariances,
                    entropy: 0.0,
                }
            })
            .collect();
        let mut next = BlockState {
            initialised: true,
            ..BlockState::default()
        };
        self.publish_conditional(state, id, bound, &locals, &mut next);
        state.blocks[id.index()] = next;
    }

    fn publish_conditional(
        &self,
        state: &mut State,
        id: BlockId,
        bound: &Conditional,
        locals: &[Local],
        next: &mut BlockState,
    ) {
        let block = self.derivation.block(id);
        let k = bound.states;
        let z = block.unknowns[0];
        let mut r = vec![0.0; bound.batch * k];
        for (place, l) in bound.places.iter().zip(locals) {
            r[place * k..(place + 1) * k].copy_from_slice(&l.probabilities);
        }
        let kind = MomentKind::Statistic(z, StatisticKind::Indicator);
        let r: ArrayD<f64> = shaped(&self.moment_shape(kind), r);
        next.parameters.push((0, "probabilities", r.clone()));
        state.moments.insert(kind, r);
        for (i, u) in block.unknowns.iter().enumerate().skip(1) {
            let (mean, variance) = bound.mean_and_variance(locals, i - 1);
            let shape = self.shape(*u);
            let mean = shaped(&shape, mean);
            next.parameters.push((i, "mean", mean.clone()));
            next.parameters
                .push((i, "variance", shaped(&shape, variance)));
            state
                .moments
                .insert(MomentKind::Statistic(*u, StatisticKind::Value), mean);
        }
        for (i, c) in block.compounds.iter().enumerate() {
            if c.stats.len() > 1 {
                let at = i as u32;
                state.moments.insert(
                    MomentKind::Compound(z, at),
                    shaped(&self.compound_shape(id, at), bound.expectation(locals, i)),
                );
            }
        }
    }
}
