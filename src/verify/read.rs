//! The factors of q as the engine publishes them, one reader for each form of a block.
//!
//! in: an engine, a state -> out: the factors of one block; the reason where a form has no reader.
//!
//! Textbook parameters and expectations are taken as they stand in the state; nothing is worked out from messages. A form
//! without a reader gives a reason, and whoever asked skips its check.

use ndarray::{ArrayD, IxDyn};

use crate::algebra::{Origin, UnknownId};
use crate::derive::{Block, BlockId, Form, MomentKind};
use crate::engine::Engine;
use crate::engine::state::State;
use crate::family::StatisticKind;
use crate::model::{Constraint, Domain, PlateId, Role};

use super::coupled::Coupled;
use super::expect::Reason;
use super::factor::{Factor, Q, Site, Support, states};
use super::line::{Exponent, Line};
use super::precision::Precision;

struct Reader<'e, 'a> {
    engine: &'e Engine<'a>,
    state: &'e State,
    id: BlockId,
    block: &'e Block,
}

/// The factors of a block.
///
/// # Errors
/// In words, where the form has no reader or the state lacks what it needs.
pub fn factors(engine: &Engine<'_>, state: &State, id: BlockId) -> Result<Vec<Factor>, Reason> {
    let block = engine.derivation.block(id);
    let r = Reader {
        engine,
        state,
        id,
        block,
    };
    let none = || format!("no sampler for the form {}", block.form.name());
    if block.rows.is_some() && matches!(block.form, Form::Network) {
        let bound = engine.bound.iter().flatten().find(|b| b.block == id);
        let mut published = state.clone();
        engine.publish_chain(&mut published, bound.ok_or_else(none)?);
        let coupled = Coupled {
            engine,
            state: &published,
            id,
        };
        return Ok(r.joint(coupled.discrete()?));
    }
    if block.rows.is_some() {
        return r.rows().ok_or_else(none);
    }
    let coupled = Coupled { engine, state, id };
    if block.role != Role::Latent && !matches!(block.form, Form::Discrete | Form::Network) {
        return r.point().ok_or_else(none);
    }
    match &block.form {
        Form::Discrete => r.discrete().ok_or_else(none),
        Form::Family(f) => r.family(f.name()),
        Form::Gaussian => r.gaussian().ok_or_else(none),
        Form::GaussianWishart | Form::GaussianGamma => r.scale().ok_or_else(none),
        Form::Network if block.role == Role::Latent => Ok(r.joint(coupled.discrete()?)),
        Form::GaussianNetwork => {
            let values: Option<Vec<Vec<f64>>> =
                block.unknowns.iter().map(|u| r.value(*u)).collect();
            let values = values.ok_or_else(none)?;
            let mean = |s: Site| {
                let i = block.unknowns.iter().position(|u| *u == s.unknown)?;
                values.get(i)?.get(s.flat).copied()
            };
            Ok(r.joint(coupled.gaussian(&mean)?))
        }
        Form::Conditional => {
            let mut groups = vec![];
            for sites in r.joint_sites().ok_or_else(none)? {
                let (first, rest) = sites.split_first().ok_or_else(none)?;
                groups.push((*first, rest.to_vec()));
            }
            let centres: Vec<Option<ArrayD<f64>>> =
                block.unknowns.iter().map(|u| engine.centre(*u)).collect();
            let centre = |s: Site| {
                let i = block.unknowns.iter().position(|u| *u == s.unknown);
                let of = i.and_then(|i| centres.get(i)).and_then(Option::as_ref);
                of.and_then(|c| c.iter().nth(s.flat))
                    .copied()
                    .unwrap_or(0.0)
            };
            Ok(r.joint(coupled.in_states(&groups, &centre)?))
        }
        Form::Penalised => r.penalised().ok_or_else(none),
        Form::Network
        | Form::Deviation
        | Form::UnitVectors
        | Form::Increasing
        | Form::Optimised
        | Form::LeastAbsolute
        | Form::Quadrature => Err(none()),
    }
}

impl Reader<'_, '_> {
    fn shape(&self, plates: &[PlateId]) -> Vec<usize> {
        plates.iter().map(|p| self.engine.plate_size(*p)).collect()
    }

    fn weights(&self, plates: &[PlateId]) -> Vec<f64> {
        let e = self.engine;
        let (model, data) = (&e.derivation.model, e.evaluator.data);
        let shape = self.shape(plates);
        (0..shape.iter().product())
            .map(|i| {
                let at = states(i, &shape);
                plates
                    .iter()
                    .zip(at)
                    .map(|(p, i)| super::expect::weight(model, data, *p, i))
                    .product()
            })
            .collect()
    }

    /// Factors of coupled elements; each counts as its first site's batch element does.
    fn joint(&self, list: Vec<super::coupled::Read>) -> Vec<Factor> {
        let weights = self.weights(&self.block.batch);
        let shape = self.shape(&self.block.batch);
        let weight = |s: Option<&Site>| -> Option<f64> {
            let s = s?;
            let i = self.block.unknowns.iter().position(|u| *u == s.unknown)?;
            let at = states(s.flat, &self.engine.shape(s.unknown));
            let own = self.block.batch_slots.get(i)?.iter().map(|b| at[*b]);
            let flat = own.zip(&shape).fold(0, |f, (i, n)| f * n + i);
            weights.get(flat).copied()
        };
        list.into_iter()
            .map(|(sites, q)| {
                let w = weight(sites.first()).unwrap_or(1.0);
                self.factor(sites, q, w)
            })
            .collect()
    }

    /// The element (b, a), a < b, of a symmetric unknown: (a, b) stands for both.
    fn is_second(&self, s: Site) -> bool {
        let d = self.engine.derivation;
        let unknown = d.unknowns.get(s.unknown);
        let Origin::Variable(v) = unknown.origin else {
            return false;
        };
        let symmetric = d
            .model
            .variable(v)
            .constraints
            .contains(&Constraint::Symmetric);
        let at = states(s.flat, &self.engine.shape(s.unknown));
        let plates = unknown.plates().len();
        symmetric && matches!(at.get(..plates), Some([.., a, b]) if a > b)
    }

    fn factor(&self, sites: Vec<Site>, q: Q, weight: f64) -> Factor {
        let second = sites.first().is_some_and(|s| self.is_second(*s));
        let weight = if second { 0.0 } else { weight };
        Factor {
            block: self.id,
            sites,
            q,
            weight,
        }
    }

    /// The published value of an unknown, its centre added.
    fn value(&self, u: UnknownId) -> Option<Vec<f64>> {
        let kind = MomentKind::Statistic(u, StatisticKind::Value);
        let v = self.state.moments.get(&kind)?;
        Some(match self.engine.centre(u) {
            Some(c) if c.shape() == v.shape() => (v + &c).iter().copied().collect(),
            _ => v.iter().copied().collect(),
        })
    }

    /// A parameter that the last update left.
    fn parameter(&self, of: usize, name: &str) -> Option<Vec<f64>> {
        let list = &self.state.blocks.get(self.id.index())?.parameters;
        let found = list.iter().find(|(i, n, _)| *i == of && *n == name)?;
        Some(found.2.iter().copied().collect())
    }

    /// The sites of a block's unknown at each batch element.
    fn sites(&self, i: usize) -> Option<Vec<Vec<Site>>> {
        let u = *self.block.unknowns.get(i)?;
        let shape = self.engine.shape(u);
        let plates = self.engine.derivation.unknowns.get(u).plates().len();
        let batch = self.block.batch_slots.get(i)?;
        let mut inside = self.block.inside_slots.get(i)?.clone();
        inside.extend(plates..shape.len());
        let size = |slots: &[usize]| -> Vec<usize> {
            slots
                .iter()
                .filter_map(|s| shape.get(*s).copied())
                .collect()
        };
        let (b, n) = (size(batch), size(&inside));
        let mut out = vec![];
        for x in 0..b.iter().product() {
            let mut sites = vec![];
            for y in 0..n.iter().product() {
                let mut at = vec![0; shape.len()];
                let places = batch.iter().zip(states(x, &b));
                for (slot, k) in places.chain(inside.iter().zip(states(y, &n))) {
                    at[*slot] = k;
                }
                let flat = at.iter().zip(&shape).fold(0, |f, (i, n)| f * n + i);
                sites.push(Site { unknown: u, flat });
            }
            out.push(sites);
        }
        Some(out)
    }

    /// The sites of all unknowns of the block at each batch element.
    fn joint_sites(&self) -> Option<Vec<Vec<Site>>> {
        let mut out: Vec<Vec<Site>> = self.sites(0)?;
        for i in 1..self.block.unknowns.len() {
            for (all, more) in out.iter_mut().zip(self.sites(i)?) {
                all.extend(more);
            }
        }
        Some(out)
    }

    fn point(&self) -> Option<Vec<Factor>> {
        let mut values = vec![];
        for u in &self.block.unknowns {
            values.push(self.value(*u)?);
        }
        let support = |u: UnknownId| -> Option<Support> {
            let unknown = self.engine.derivation.unknowns.get(u);
            Some(match unknown.domain {
                Domain::Real => Support::Real,
                Domain::Positive => Support::Positive,
                Domain::Probability => Support::Probability,
                Domain::Simplex => Support::Simplex,
                Domain::Covariance | Domain::Precision => {
                    Support::Matrix(self.engine.plate_size(*unknown.slots.last()?))
                }
                Domain::Binary | Domain::Element(_) | Domain::Count => return None,
            })
        };
        let first = *self.block.unknowns.first()?;
        let of = support(first)?;
        if let Some(c) = self.engine.derivation.unknowns.get(first).constraint {
            return self.constrained(first, c, values.first()?);
        }
        let mut out = vec![];
        let weights = self.weights(&self.block.batch);
        for (sites, w) in self.joint_sites()?.into_iter().zip(weights) {
            let v: Option<Vec<f64>> = sites
                .iter()
                .map(|s| {
                    let i = self.block.unknowns.iter().position(|u| *u == s.unknown)?;
                    values.get(i)?.get(s.flat).copied()
                })
                .collect();
            out.push(self.factor(sites, Q::Point(v?, of), w));
        }
        Some(out)
    }

    /// Points that a constraint ties together, one factor for each lane along its plate.
    fn constrained(&self, u: UnknownId, c: Constraint, values: &[f64]) -> Option<Vec<Factor>> {
        let unknown = self.engine.derivation.unknowns.get(u);
        let (plate, support) = match c {
            Constraint::UnitNorm(p) => (p, Support::Sphere),
            Constraint::UnitBall(p) => (p, Support::Ball),
            Constraint::Increasing(p) => (p, Support::Increasing(unknown.domain != Domain::Real)),
            Constraint::Symmetric => return None,
        };
        let along = unknown.slots.iter().position(|s| *s == plate)?;
        let shape = self.engine.shape(u);
        let stride: usize = shape.get(along + 1..)?.iter().product();
        let n = *shape.get(along)?;
        let mut out = vec![];
        for flat in 0..values.len() {
            if !(flat / stride).is_multiple_of(n) {
                continue;
            }
            let places: Vec<usize> = (0..n).map(|i| flat + i * stride).collect();
            let v: Option<Vec<f64>> = places.iter().map(|p| values.get(*p).copied()).collect();
            let sites = places.into_iter().map(|flat| Site { unknown: u, flat });
            out.push(self.factor(sites.collect(), Q::Point(v?, support), 1.0));
        }
        Some(out)
    }

    fn rows(&self) -> Option<Vec<Factor>> {
        let bound = self.engine.bound.iter().flatten();
        let bound = bound.into_iter().find(|b| b.block == self.id)?;
        let results = self.engine.row_results(self.state, bound);
        let block = self.block;
        let rows_at = block.batch.iter().position(|p| Some(*p) == block.rows)?;
        let others: Vec<usize> = (0..block.batch.len()).filter(|i| *i != rows_at).collect();
        let batch = self.shape(&block.batch);
        let sites = self.joint_sites()?;
        let weights = self.weights(&block.batch);
        let elements = bound.rows.elements.max(1);
        let mut out = vec![];
        for (n, p) in results.q.chunks(bound.rows.states.max(1)).enumerate() {
            let mut at = vec![0; batch.len()];
            at[rows_at] = n / elements;
            for (i, e) in others
                .iter()
                .zip(states(n % elements, &bound.element_shape))
            {
                at[*i] = e;
            }
            let flat = at.iter().zip(&batch).fold(0, |f, (i, n)| f * n + i);
            let shape = bound.state_shape.clone();
            let q = if bound.rows.hard {
                let top = p.iter().position(|p| *p > 0.5)?;
                Q::Choice(states(top, &shape), shape)
            } else {
                Q::Table(p.to_vec(), shape)
            };
            out.push(self.factor(sites.get(flat)?.clone(), q, *weights.get(flat)?));
        }
        Some(out)
    }

    fn discrete(&self) -> Option<Vec<Factor>> {
        let [u] = self.block.unknowns.as_slice() else {
            return None;
        };
        if !self.block.inside_slots.iter().all(Vec::is_empty) {
            return None;
        }
        let kind = MomentKind::Statistic(*u, StatisticKind::Indicator);
        let q: Vec<f64> = self.state.moments.get(&kind)?.iter().copied().collect();
        let sites = self.sites(0)?;
        let weights = self.weights(&self.block.batch);
        let k = q.len() / sites.len().max(1);
        let copies = self.engine.copies(*u);
        let mut out = vec![];
        for (s, w) in sites.into_iter().zip(weights) {
            let at = s.first()?.flat * k;
            let p = q.get(at..at + k)?.to_vec();
            let copies = copies.as_ref().and_then(|c| c.get(at / k)).copied();
            let w = w * copies.unwrap_or(1.0);
            let q = if self.block.role == Role::Latent {
                Q::Table(p, vec![k])
            } else {
                // A start may spread over the values; no point does.
                Q::Choice(vec![p.iter().position(|p| *p == 1.0)?], vec![k])
            };
            out.push(self.factor(s, q, w));
        }
        Some(out)
    }

    /// One factor for each number of a penalised latent; those with another location than 0 have no reader.
    fn penalised(&self) -> Option<Vec<Factor>> {
        let u = *self.block.unknowns.first()?;
        if self.engine.located(u) {
            return None;
        }
        let whole = self.engine.derivation.unknowns.get(u).domain == Domain::Real;
        let [linear, precision, rate] =
            ["linear", "precision", "rate"].map(|n| self.parameter(0, n));
        let (linear, precision, rate) = (linear?, precision?, rate?);
        let weights = self.weights(&self.block.batch);
        let mut out = vec![];
        for (sites, w) in self.sites(0)?.into_iter().zip(weights) {
            for s in sites {
                let q = Q::Line(Line::new(Exponent {
                    log: 0.0,
                    value: *linear.get(s.flat)?,
                    square: -0.5 * precision.get(s.flat)?,
                    inverse: 0.0,
                    size: if whole { -*rate.get(s.flat)? } else { 0.0 },
                    whole,
                    polya_gamma: false,
                })?);
                out.push(self.factor(vec![s], q, w));
            }
        }
        Some(out)
    }

    /// One factor an element of a family over `plates`, its parameters one after the other.
    fn family(&self, name: &str) -> Result<Vec<Factor>, Reason> {
        let none = || format!("no sampler for the form {name}");
        let sites = self.sites(0).ok_or_else(none)?;
        let weights = self.weights(&self.block.batch);
        let u = *self.block.unknowns.first().ok_or_else(none)?;
        let unknown = self.engine.derivation.unknowns.get(u);
        let count = sites.len();
        let values = unknown.domain.value_slots();
        let d = match unknown.slots.last() {
            Some(p) if values > 0 => self.engine.plate_size(*p),
            _ => 1,
        };
        let width = sites.first().map_or(1, Vec::len).max(1);
        let get = |n: &str| self.parameter(0, n);
        let one = |n: &str, i: usize| -> Option<f64> { get(n)?.get(i).copied() };
        let row = |n: &str, i: usize| -> Option<Vec<f64>> {
            let v = get(n)?;
            let len = v.len() / count.max(1);
            Some(v.get(i * len..(i + 1) * len)?.to_vec())
        };
        let density = |i: usize| -> Option<Q> {
            Some(match name {
                "Dirichlet" => Q::Simplex {
                    a: row("concentration", i)?,
                    single: false,
                },
                "Beta" => Q::Simplex {
                    a: vec![one("a", i)?, one("b", i)?],
                    single: true,
                },
                "Gamma" => Q::Precision(Precision::alone(
                    1,
                    2.0 * one("shape", i)?,
                    vec![2.0 * one("rate", i)?],
                    false,
                )),
                "InverseGamma" => Q::Precision(Precision::alone(
                    1,
                    2.0 * one("shape", i)?,
                    vec![2.0 * one("scale", i)?],
                    true,
                )),
                "Wishart" => Q::Precision(Precision::alone(
                    d,
                    one("df", i)?,
                    row("inverse_scale", i)?,
                    false,
                )),
                "InverseWishart" => {
                    Q::Precision(Precision::alone(d, one("df", i)?, row("scale", i)?, true))
                }
                "GeneralisedInverseGaussian" => Q::Line(Line::new(Exponent {
                    log: one("p", i)? - 1.0,
                    value: -0.5 * one("a", i)?,
                    square: 0.0,
                    inverse: -0.5 * one("b", i)?,
                    size: 0.0,
                    whole: false,
                    polya_gamma: false,
                })?),
                "TruncatedGaussian" => Q::Line(Line::new(Exponent {
                    log: 0.0,
                    value: one("linear", i)?,
                    square: -0.5 * one("precision", i)?,
                    inverse: 0.0,
                    size: 0.0,
                    whole: false,
                    polya_gamma: false,
                })?),
                "GaussianLaplace" => Q::Line(Line::new(Exponent {
                    log: 0.0,
                    value: one("linear", i)?,
                    square: -0.5 * one("precision", i)?,
                    inverse: 0.0,
                    size: -one("rate", i)?,
                    whole: true,
                    polya_gamma: false,
                })?),
                "PolyaGamma" => Q::Line(Line::new(Exponent {
                    log: 0.0,
                    value: -0.5 * one("tilt", i)?.powi(2),
                    square: 0.0,
                    inverse: 0.0,
                    size: 0.0,
                    whole: false,
                    polya_gamma: true,
                })?),
                _ => return None,
            })
        };
        let copies = self.engine.copies(u);
        let mut out = vec![];
        for (s, w) in sites.into_iter().zip(weights) {
            // Parameters are over the unknown's own plates, sites over the batch, which may order them differently.
            let i = s.first().map_or(0, |s| s.flat / width);
            let q = density(i).ok_or_else(none)?;
            let copies = copies.as_ref().and_then(|c| c.get(i)).copied();
            out.push(self.factor(s, q, w * copies.unwrap_or(1.0)));
        }
        Ok(out)
    }

    fn gaussian(&self) -> Option<Vec<Factor>> {
        let sites = self.joint_sites()?;
        let weights = self.weights(&self.block.batch);
        let lengths: Vec<usize> = (0..self.block.unknowns.len())
            .map(|i| Some(self.sites(i)?.first().map_or(0, Vec::len)))
            .collect::<Option<_>>()?;
        let mut values = vec![];
        for u in &self.block.unknowns {
            values.push(self.value(*u)?);
        }
        let n: usize = lengths.iter().sum();
        // One covariance for all batch elements that differ only where it is shared.
        let varying: Vec<usize> = self.block.varying().collect();
        let batch = self.shape(&self.block.batch);
        let sizes: Vec<usize> = varying.iter().map(|i| batch[*i]).collect();
        let place = |b: usize| -> usize {
            let at = states(b, &batch);
            varying
                .iter()
                .zip(&sizes)
                .fold(0, |f, (i, n)| f * n + at[*i])
        };
        let mut covariances = vec![vec![0.0; n * n]; sites.len()];
        let mut first = 0;
        for (u, rows) in self.block.unknowns.iter().zip(&lengths) {
            let mut second = 0;
            for (v, columns) in self.block.unknowns.iter().zip(&lengths) {
                let part = self.state.moments.get(&MomentKind::Covariance(*u, *v))?;
                let part: Vec<f64> = part.iter().copied().collect();
                for (b, c) in covariances.iter_mut().enumerate() {
                    for i in 0..*rows {
                        for j in 0..*columns {
                            c[(first + i) * n + second + j] =
                                *part.get((place(b) * rows + i) * columns + j)?;
                        }
                    }
                }
                second += columns;
            }
            first += rows;
        }
        let mut out = vec![];
        for ((s, w), c) in sites.into_iter().zip(weights).zip(covariances) {
            let mean: Option<Vec<f64>> = s
                .iter()
                .map(|s| {
                    let i = self.block.unknowns.iter().position(|u| *u == s.unknown)?;
                    values.get(i)?.get(s.flat).copied()
                })
                .collect();
            out.push(self.factor(s, Q::Gaussian(mean?, c), w));
        }
        Some(out)
    }

    fn scale(&self) -> Option<Vec<Factor>> {
        let sites = self.joint_sites()?;
        let weights = self.weights(&self.block.batch);
        let inside = self.sites(0)?.first().map_or(0, Vec::len);
        let matrix = matches!(self.block.form, Form::GaussianWishart);
        let (d, count) = if matrix { (inside, 1) } else { (1, inside) };
        let u = *self.block.unknowns.first()?;
        let mean: ArrayD<f64> = {
            let shape = self.engine.shape(u);
            ArrayD::from_shape_vec(IxDyn(&shape), self.parameter(0, "mean")?).ok()?
        };
        let mean = match self.engine.centre(u) {
            Some(c) if c.shape() == mean.shape() => mean + c,
            _ => mean,
        };
        let mean: Vec<f64> = mean.iter().copied().collect();
        let beta = self.parameter(0, "beta")?;
        let (df, scale) = if matrix {
            (
                self.parameter(1, "df")?,
                self.parameter(1, "inverse_scale")?,
            )
        } else {
            let twice = |v: Vec<f64>| v.iter().map(|x| 2.0 * x).collect::<Vec<f64>>();
            (
                twice(self.parameter(1, "shape")?),
                twice(self.parameter(1, "rate")?),
            )
        };
        let mut out = vec![];
        for (b, (s, w)) in sites.into_iter().zip(weights).enumerate() {
            let means: Option<Vec<f64>> = s
                .iter()
                .take(inside)
                .map(|s| mean.get(s.flat).copied())
                .collect();
            let q = Q::Precision(Precision {
                d,
                df: *df.get(b)?,
                scale: scale.get(b * d * d..(b + 1) * d * d)?.to_vec(),
                inverse: false,
                count,
                mean: means?,
                pairs: beta
                    .get(b * count * count..(b + 1) * count * count)?
                    .to_vec(),
            });
            out.push(self.factor(s, q, w));
        }
        Some(out)
    }
}
