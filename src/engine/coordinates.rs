//! The global state as one vector of numbers without constraints, so that it can be extrapolated.
//!
//! ```text
//! real v: v            positive v: log v          probability v: asin sqrt v
//! simplex v: sqrt v    covariance, precision V = L L': log L_ii, L_ij
//! latent: natural parameter eta; Dirichlet and Beta: log(1 + eta), Gamma: log shape, log rate
//! ```

use ndarray::{ArrayD, IxDyn};

use crate::algebra::UnknownId;
use crate::derive::{BlockId, Form, MomentKind, Target};
use crate::family::StatisticKind;
use crate::model::{Domain, Role};
use crate::numeric::{linalg, log_or_floor};

use super::Engine;
use super::extrapolate::Vector;
use super::init::publish_point;
use super::state::State;
use super::update::Messages;

/// For each block, the natural parameter of its last update, where it is kept.
pub(super) type Natural = Vec<Option<Messages>>;

/// How one unknown, or one block, becomes numbers.
enum Chart {
    /// A point, by its domain.
    Point(UnknownId, Domain),
    /// Probabilities of a discrete latent.
    Shares(UnknownId),
    /// The natural parameter of a latent.
    Natural,
}

struct Part {
    block: BlockId,
    chart: Chart,
}

/// The blocks whose values go from one sweep to the next.
pub(super) struct Coordinates {
    parts: Vec<Part>,
}

impl Coordinates {
    pub(super) fn new(engine: &Engine<'_>, blocks: &[BlockId]) -> Coordinates {
        let d = engine.derivation;
        let mut parts = vec![];
        for id in blocks {
            let b = d.block(*id);
            match (&b.form, b.role) {
                (Form::Discrete, Role::Latent) if b.unknowns.len() == 1 => parts.push(Part {
                    block: *id,
                    chart: Chart::Shares(b.unknowns[0]),
                }),
                (Form::Discrete, _) => {}
                (_, Role::Latent) => parts.push(Part {
                    block: *id,
                    chart: Chart::Natural,
                }),
                // A choice among states has nothing between its values.
                (Form::Network | Form::Conditional, _) => {}
                _ => parts.extend(b.unknowns.iter().map(|u| Part {
                    block: *id,
                    chart: Chart::Point(*u, d.unknowns.get(*u).domain),
                })),
            }
        }
        Coordinates { parts }
    }

    /// True if there is nothing to extrapolate.
    pub(super) fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// True if the natural parameter of this block has to be kept.
    pub(super) fn needs(&self, block: BlockId) -> bool {
        self.parts
            .iter()
            .any(|p| p.block == block && matches!(p.chart, Chart::Natural))
    }

    /// The coordinates of the state; `None` where a block has no value yet.
    pub(super) fn read(
        &self,
        engine: &Engine<'_>,
        state: &State,
        natural: &Natural,
    ) -> Option<Vector> {
        self.parts
            .iter()
            .map(|p| match &p.chart {
                Chart::Point(u, domain) => {
                    let kind = MomentKind::Statistic(*u, StatisticKind::Value);
                    let v = state.moments.get(&kind)?;
                    let n = v.shape().last().copied().unwrap_or(1);
                    from_point(*domain, v.as_slice()?, n)
                }
                Chart::Shares(u) => {
                    let kind = MomentKind::Statistic(*u, StatisticKind::Indicator);
                    let v = state.moments.get(&kind)?;
                    Some(v.iter().map(|p| p.max(0.0).sqrt()).collect())
                }
                Chart::Natural => {
                    let m = natural.get(p.block.index())?.as_ref()?;
                    let form = &engine.derivation.block(p.block).form;
                    Some(
                        m.iter()
                            .flat_map(|(t, a)| {
                                let bend = bend(form, *t);
                                a.iter().map(move |x| bend.forth(*x))
                            })
                            .collect(),
                    )
                }
            })
            .collect()
    }

    /// Puts coordinates in place of those of a plain sweep, `plain`, which `state` holds. What would leave its support goes
    /// only a part of the way; what is on the boundary stays there. False where that does not help.
    pub(super) fn write(
        &self,
        engine: &Engine<'_>,
        state: &mut State,
        natural: &mut Natural,
        plain: &Vector,
        wanted: &Vector,
    ) -> bool {
        let mut cleared: Option<BlockId> = None;
        for ((p, plain), wanted) in self.parts.iter().zip(plain).zip(wanted) {
            let done = match &p.chart {
                Chart::Point(u, domain) => {
                    let shape = engine.shape(*u);
                    let n = shape.last().copied().unwrap_or(1);
                    if cleared != Some(p.block) {
                        state.blocks[p.block.index()].parameters.clear();
                        cleared = Some(p.block);
                    }
                    to_point(*domain, plain, wanted, n)
                        .and_then(|v| ArrayD::from_shape_vec(IxDyn(&shape), v).ok())
                        .is_some_and(|v| publish_point(engine, state, *u, v).is_ok())
                }
                Chart::Shares(u) => {
                    let kind = MomentKind::Statistic(*u, StatisticKind::Indicator);
                    let shape = engine.moment_shape(kind);
                    let n = shape.last().copied().unwrap_or(1);
                    let q = simplex(plain, wanted, n);
                    let eta = q.into_iter().map(log_or_floor).collect();
                    match ArrayD::from_shape_vec(IxDyn(&shape), eta) {
                        Ok(eta) => {
                            let target = Target::Single(*u, StatisticKind::Indicator);
                            let m = Messages::from([(target, eta)]);
                            engine.read_out(state, p.block, &m).is_ok()
                        }
                        Err(_) => false,
                    }
                }
                Chart::Natural => self.write_natural(engine, state, natural, p, plain, wanted),
            };
            if !done {
                return false;
            }
        }
        // Functions of points follow them.
        engine.publish_all_predictors(state);
        true
    }

    fn write_natural(
        &self,
        engine: &Engine<'_>,
        state: &mut State,
        natural: &mut Natural,
        part: &Part,
        plain: &[f64],
        wanted: &[f64],
    ) -> bool {
        let Some(old) = natural[part.block.index()].take() else {
            return false;
        };
        let form = &engine.derivation.block(part.block).form;
        // The natural parameters of a family form a convex set, so that some part of the way stays inside it.
        let mut step = 1.0;
        for _ in 0..6 {
            let mut new = old.clone();
            let mut at = 0;
            for (t, a) in &mut new {
                let bend = bend(form, *t);
                for x in a.iter_mut() {
                    let (p, w) = (plain[at], wanted[at]);
                    if w != p {
                        *x = bend.back(p + step * (w - p));
                    }
                    at += 1;
                }
            }
            if engine.read_out(state, part.block, &new).is_ok() {
                natural[part.block.index()] = Some(new);
                return true;
            }
            step *= 0.5;
        }
        natural[part.block.index()] = Some(old);
        true
    }
}

/// A coordinate of a natural parameter.
#[derive(Clone, Copy)]
enum Bend {
    Straight,
    /// log(1 + eta)
    AboveMinusOne,
    /// log(-eta)
    BelowZero,
}

impl Bend {
    fn forth(self, x: f64) -> f64 {
        match self {
            Bend::Straight => x,
            Bend::AboveMinusOne => x.ln_1p(),
            Bend::BelowZero => (-x).ln(),
        }
    }

    fn back(self, y: f64) -> f64 {
        match self {
            Bend::Straight => y,
            Bend::AboveMinusOne => y.exp_m1(),
            Bend::BelowZero => -y.exp(),
        }
    }
}

fn bend(form: &Form, target: Target) -> Bend {
    let Form::Family(f) = form else {
        return Bend::Straight;
    };
    match (f.name(), target) {
        ("Dirichlet" | "Beta", _) | ("Gamma", Target::Single(_, StatisticKind::Log)) => {
            Bend::AboveMinusOne
        }
        ("Gamma", Target::Single(_, StatisticKind::Value)) => Bend::BelowZero,
        _ => Bend::Straight,
    }
}

/// `n` is the length of a simplex, the side of a matrix.
fn from_point(domain: Domain, v: &[f64], n: usize) -> Option<Vec<f64>> {
    Some(match domain {
        Domain::Positive => v.iter().map(|x| log_or_floor(*x)).collect(),
        Domain::Probability => v.iter().map(|x| x.sqrt().asin()).collect(),
        Domain::Simplex => v.iter().map(|x| x.sqrt()).collect(),
        Domain::Covariance | Domain::Precision => {
            let mut out = Vec::with_capacity(v.len() / 2 + n);
            let mut l = vec![0.0; n * n];
            for m in v.chunks((n * n).max(1)) {
                linalg::cholesky(m, n, &mut l).ok()?;
                for i in 0..n {
                    out.extend_from_slice(&l[i * n..i * n + i]);
                    out.push(l[i * n + i].ln());
                }
            }
            out
        }
        _ => v.to_vec(),
    })
}

/// A leap changes a scale by no more than so many powers of ten: one that goes to 0 is not followed all the way at once.
fn near(plain: f64, wanted: f64, powers: f64) -> f64 {
    let most = powers * std::f64::consts::LN_10;
    wanted.clamp(plain - most, plain + most)
}

fn to_point(domain: Domain, plain: &[f64], wanted: &[f64], n: usize) -> Option<Vec<f64>> {
    let half = std::f64::consts::FRAC_PI_2;
    let pairs = plain.iter().zip(wanted);
    Some(match domain {
        Domain::Positive => pairs
            .map(|(p, w)| {
                if *p < -1e29 {
                    0.0
                } else {
                    near(*p, *w, 2.0).exp()
                }
            })
            .collect(),
        Domain::Probability => pairs
            .map(|(p, w)| {
                let w = if *p <= 0.0 || *p >= half {
                    *p
                } else {
                    w.clamp(0.1 * p, half - 0.1 * (half - p))
                };
                w.sin().powi(2)
            })
            .collect(),
        Domain::Simplex => simplex(plain, wanted, n),
        Domain::Covariance | Domain::Precision => {
            let packed = n * (n + 1) / 2;
            let mut out = Vec::with_capacity(plain.len() / packed.max(1) * n * n);
            for (p, m) in plain
                .chunks(packed.max(1))
                .zip(wanted.chunks(packed.max(1)))
            {
                let mut l = vec![0.0; n * n];
                let mut at = 0;
                for i in 0..n {
                    for j in 0..=i {
                        l[i * n + j] = if i == j {
                            near(p[at], m[at], 1.0).exp()
                        } else {
                            m[at]
                        };
                        at += 1;
                    }
                }
                for i in 0..n {
                    for j in 0..n {
                        out.push((0..=i.min(j)).map(|k| l[i * n + k] * l[j * n + k]).sum());
                    }
                }
            }
            out
        }
        _ => wanted.to_vec(),
    })
}

/// Squares, normalised; none falls below a hundredth of the plain probability, and zeros stay.
fn simplex(plain: &[f64], wanted: &[f64], n: usize) -> Vec<f64> {
    let mut out = Vec::with_capacity(plain.len());
    for (p, w) in plain.chunks(n.max(1)).zip(wanted.chunks(n.max(1))) {
        let row: Vec<f64> = p
            .iter()
            .zip(w)
            .map(|(p, w)| w.max(0.1 * p).powi(2) * f64::from(u8::from(*p > 0.0)))
            .collect();
        let total: f64 = row.iter().sum();
        out.extend(row.iter().map(|x| x / total));
    }
    out
}
