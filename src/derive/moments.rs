//! Expectations of products, and messages: the symbolic derivative.
//!
//! ```text
//! E[prod t]  = product over blocks of what each block publishes about its own factors in the term
//! eta_B      = d E_q[log p] / d E[t_B] = the term without t_B, other blocks' factors replaced by expectations
//! ```
//!
//! Two values of a Gaussian latent give E[v_I v_J] = m_I m_J + Cov_IJ: two contractions.

use crate::algebra::{Statistic, Subscript, Term, UnknownId, Unknowns};
use crate::family::StatisticKind;
use crate::model::{Axis, Role};

use super::block::{Block, Contraction, Form, Message, Moment, MomentKind, Target};

/// A block's factors in one term that no published expectation covers.
#[derive(Debug, Clone, PartialEq)]
pub struct NoMoment {
    /// The unknown.
    pub unknown: UnknownId,
    /// Its statistics in the term.
    pub kinds: Vec<StatisticKind>,
}

/// Published expectations whose product is one part of an expectation.
#[derive(Default, Clone)]
struct Variant {
    moments: Vec<Moment>,
    /// The axes they sum themselves.
    dropped: Vec<Axis>,
    /// Where two subscripts are one element, the other factors are taken there.
    at: Vec<(Axis, Subscript)>,
}

impl From<Vec<Moment>> for Variant {
    fn from(moments: Vec<Moment>) -> Variant {
        Variant {
            moments,
            ..Variant::default()
        }
    }
}

/// The block of each unknown.
pub struct BlockOf<'a> {
    /// The blocks.
    pub blocks: &'a [Block],
    /// The unknowns.
    pub unknowns: &'a Unknowns,
}

impl BlockOf<'_> {
    /// The block that holds an unknown.
    pub fn position(&self, u: UnknownId) -> Option<usize> {
        self.blocks.iter().position(|b| b.unknowns.contains(&u))
    }

    /// The term as contractions of published expectations; statistics of local blocks stay in `local`.
    ///
    /// # Errors
    /// [`NoMoment`] where a block publishes nothing of that form.
    pub fn expect(&self, t: &Term, target: &[Subscript]) -> Result<Vec<Contraction>, NoMoment> {
        let mut by_block: Vec<(usize, Vec<&Statistic>)> = vec![];
        let mut functions = vec![];
        for s in &t.stats {
            if self.unknowns.is_predictor(s.of) {
                functions.push(Moment {
                    kind: MomentKind::Statistic(s.of, s.kind),
                    index: s.index.clone(),
                });
                continue;
            }
            let Some(b) = self.position(s.of) else {
                continue;
            };
            match by_block.iter_mut().find(|(i, _)| *i == b) {
                Some((_, list)) => list.push(s),
                None => by_block.push((b, vec![s])),
            }
        }
        let whole = Contraction {
            coef: t.coef,
            data: t.data.clone(),
            moments: functions,
            local: vec![],
            axes: t.axes.clone(),
            target: target.to_vec(),
        };
        let mut out: Vec<(Contraction, Vec<(Axis, Subscript)>)> = vec![(whole, vec![])];
        for (b, stats) in by_block {
            let block = &self.blocks[b];
            if block.rows.is_some() {
                for (c, _) in &mut out {
                    c.local.extend(stats.iter().map(|s| (*s).clone()));
                }
                continue;
            }
            let variants = self.of_block(block, &stats)?;
            out = out
                .into_iter()
                .flat_map(|(c, at)| {
                    variants.iter().map(move |v| {
                        let (mut c, mut at) = (c.clone(), at.clone());
                        c.moments.extend(v.moments.iter().cloned());
                        c.axes.retain(|a| !v.dropped.contains(a));
                        for (x, y) in &v.at {
                            meet(&mut at, &Subscript::Axis(*x), y);
                        }
                        (c, at)
                    })
                })
                .collect();
        }
        // Only when all factors stand can those at one element be taken there.
        let placed = |(c, at): (Contraction, Vec<(Axis, Subscript)>)| {
            at.iter()
                .fold(c, |c, one| c.substitute(std::slice::from_ref(one)))
        };
        Ok(out.into_iter().map(placed).collect())
    }

    /// What a block publishes about a product of its own statistics; each variant with the axes it sums itself.
    fn of_block(&self, block: &Block, stats: &[&Statistic]) -> Result<Vec<Variant>, NoMoment> {
        let refuse = || NoMoment {
            unknown: stats[0].of,
            kinds: stats.iter().map(|s| s.kind).collect(),
        };
        // Where the block takes a known location out, |v - o| is what it publishes as |v|.
        let taken_out = matches!(block.form, Form::Penalised) && stats.len() == 1;
        if stats.iter().any(|s| s.offset.is_some()) && !taken_out {
            return Err(refuse());
        }
        let single = |s: &Statistic| Moment {
            kind: MomentKind::Statistic(s.of, s.kind),
            index: s.index.clone(),
        };
        if let [one] = stats {
            return Ok(vec![vec![single(one)].into()]);
        }
        if block.by_compound() {
            let (at, axes) = block.compound(stats, self.unknowns).ok_or_else(refuse)?;
            let whole = Moment {
                kind: MomentKind::Compound(block.unknowns[0], at),
                index: axes.into_iter().map(Subscript::Axis).collect(),
            };
            if !matches!(block.form, Form::GaussianNetwork) {
                return Ok(vec![vec![whole].into()]);
            }
            let product: Vec<Moment> = stats.iter().map(|s| single(s)).collect();
            return Ok(match block.role {
                Role::Latent => vec![product.into(), vec![whole].into()],
                _ => vec![product.into()],
            });
        }
        match &block.form {
            Form::GaussianWishart | Form::GaussianGamma => {
                let g = scale_pattern(block, stats).ok_or_else(refuse)?;
                let kind = match g.target {
                    Target::Cross => MomentKind::Cross(block.unknowns[0]),
                    _ => MomentKind::Quadratic(block.unknowns[0]),
                };
                Ok(vec![Variant {
                    moments: vec![Moment {
                        kind,
                        index: g.index,
                    }],
                    dropped: g.dropped,
                    at: vec![],
                }])
            }
            Form::Gaussian | Form::Family(_) | Form::Quadrature
                if stats.len() == 2 && stats.iter().all(|s| s.kind == StatisticKind::Value) =>
            {
                let product: Vec<Moment> = stats.iter().map(|s| single(s)).collect();
                if block.role != Role::Latent {
                    return Ok(vec![product.into()]);
                }
                let covariance = Moment {
                    kind: MomentKind::Covariance(stats[0].of, stats[1].of),
                    index: pair_index(block, stats[0], stats[1]),
                };
                Ok(vec![product.into(), vec![covariance].into()])
            }
            Form::Penalised
                if block.role == Role::Latent
                    && stats.len() == 2
                    && stats.iter().all(|s| s.kind == StatisticKind::Value) =>
            {
                let product: Vec<Moment> = stats.iter().map(|s| single(s)).collect();
                let mut out = vec![product.into()];
                if let Some(at) = one_element(stats[0], stats[1]).ok_or_else(refuse)? {
                    out.push(Variant {
                        moments: vec![Moment {
                            kind: MomentKind::Variance(stats[0].of),
                            index: stats[0].index.clone(),
                        }],
                        dropped: vec![],
                        at,
                    });
                }
                Ok(out)
            }
            _ if block.role != Role::Latent => {
                // A point: the statistics of a product are the product of the statistics.
                let product: Vec<Moment> = stats.iter().map(|s| single(s)).collect();
                Ok(vec![product.into()])
            }
            _ => Err(refuse()),
        }
    }

    /// The messages to a block from one term.
    ///
    /// # Errors
    /// [`NoMoment`] where the term's statistics of the block are no statistic of its family.
    pub fn messages(&self, block: &Block, t: &Term) -> Result<Vec<Message>, NoMoment> {
        let mine: Vec<&Statistic> = t.stats.iter().filter(|s| block.holds(s.of)).collect();
        if mine.is_empty() {
            return Ok(vec![]);
        }
        if matches!(block.form, Form::Optimised) {
            // A derivative: the product rule over the occurrences.
            let each = t
                .stats
                .iter()
                .enumerate()
                .filter(|(_, s)| block.holds(s.of));
            return Ok(each
                .map(|(i, s)| {
                    let mut rest = t.clone();
                    rest.stats.remove(i);
                    Message {
                        target: Target::Single(s.of, s.kind),
                        index: s.index.clone(),
                        rest,
                    }
                })
                .collect());
        }
        let refuse = || NoMoment {
            unknown: mine[0].of,
            kinds: mine.iter().map(|s| s.kind).collect(),
        };
        if mine.iter().any(|s| s.offset.is_some()) && block.form.name() != Form::Penalised.name() {
            return Err(refuse());
        }
        let mut rest = t.clone();
        rest.stats.retain(|s| !block.holds(s.of));
        if block.by_compound() {
            let (at, axes) = block.compound(&mine, self.unknowns).ok_or_else(refuse)?;
            return Ok(vec![Message {
                target: Target::Compound(at),
                index: axes.into_iter().map(Subscript::Axis).collect(),
                rest,
            }]);
        }
        if block.rows.is_some() || matches!(block.form, Form::Discrete) {
            // All statistics of a discrete block are indicators; their product is one statistic of the joint state.
            let index = mine[0].index.clone();
            return Ok(vec![Message {
                target: Target::Single(mine[0].of, mine[0].kind),
                index,
                rest,
            }]);
        }
        if let [one] = mine.as_slice() {
            return Ok(vec![Message {
                target: Target::Single(one.of, one.kind),
                index: one.index.clone(),
                rest,
            }]);
        }
        match &block.form {
            Form::GaussianWishart | Form::GaussianGamma => {
                let g = scale_pattern(block, &mine).ok_or_else(refuse)?;
                rest.axes.retain(|a| !g.dropped.contains(a));
                Ok(vec![Message {
                    target: g.target,
                    index: g.index,
                    rest,
                }])
            }
            Form::Gaussian
            | Form::Family(_)
            | Form::Penalised
            | Form::UnitVectors
            | Form::Increasing
            | Form::LeastAbsolute
            | Form::Quadrature
                if mine.len() == 2 && mine.iter().all(|s| s.kind == StatisticKind::Value) =>
            {
                // What all rows share is taken once, not summed over the rows.
                rest.axes
                    .retain(|a| !shared_axes(block, mine[0]).contains(a));
                Ok(vec![Message {
                    target: Target::Pair(mine[0].of, mine[1].of),
                    index: pair_index(block, mine[0], mine[1]),
                    rest,
                }])
            }
            _ => Err(refuse()),
        }
    }
}

/// Adds that two subscripts are one element.
fn meet(at: &mut Vec<(Axis, Subscript)>, x: &Subscript, y: &Subscript) {
    let now = |s: &Subscript| {
        at.iter()
            .fold(s.clone(), |s, one| s.substitute(std::slice::from_ref(one)))
    };
    let (x, y) = (now(x), now(y));
    match (x, y) {
        (x, y) if x == y => {}
        (Subscript::Axis(a), s) | (s, Subscript::Axis(a)) => at.push((a, s)),
        _ => {}
    }
}

/// What makes two statistics of one unknown those of one element; inside `None` where they never are, outer `None` where only
/// the data can tell.
#[allow(clippy::option_option)]
fn one_element(a: &Statistic, b: &Statistic) -> Option<Option<Vec<(Axis, Subscript)>>> {
    let mut at: Vec<(Axis, Subscript)> = vec![];
    for (x, y) in a.index.iter().zip(&b.index) {
        let (x, y) = (x.substitute(&at), y.substitute(&at));
        match (&x, &y) {
            _ if x == y => {}
            (Subscript::Axis(i), Subscript::Lag(j, _))
            | (Subscript::Lag(j, _), Subscript::Axis(i))
                if i == j =>
            {
                return Some(None);
            }
            (Subscript::Lag(i, k), Subscript::Lag(j, l)) if i == j && k != l => return Some(None),
            (Subscript::Element(_), Subscript::Element(_)) => return Some(None),
            (_, Subscript::Axis(j)) => at.push((*j, x)),
            (Subscript::Axis(i), _) => at.push((*i, y)),
            _ => return None,
        }
    }
    Some(Some(at))
}

/// Batch subscripts as far as the covariance varies, then the inside subscripts of each.
fn pair_index(block: &Block, a: &Statistic, b: &Statistic) -> Vec<Subscript> {
    let position = |s: &Statistic| block.unknowns.iter().position(|u| *u == s.of).unwrap_or(0);
    let inside = |s: &Statistic| -> Vec<Subscript> {
        let slots = &block.inside_slots[position(s)];
        slots.iter().map(|p| s.index[*p].clone()).collect()
    };
    let slots = &block.batch_slots[position(a)];
    let mut out: Vec<Subscript> = block.varying().map(|i| a.index[slots[i]].clone()).collect();
    out.extend(inside(a));
    out.extend(inside(b));
    out
}

/// The axes at the batch positions that share one covariance.
fn shared_axes(block: &Block, s: &Statistic) -> Vec<Axis> {
    let i = block.unknowns.iter().position(|u| *u == s.of).unwrap_or(0);
    let slots = &block.batch_slots[i];
    block
        .shared
        .iter()
        .flat_map(|b| s.index[slots[*b]].axes())
        .collect()
}

struct ScalePattern {
    target: Target,
    index: Vec<Subscript>,
    dropped: Vec<Axis>,
}

/// V w or w' V w of a scale block.
fn scale_pattern(block: &Block, stats: &[&Statistic]) -> Option<ScalePattern> {
    let (w, v) = (block.unknowns[0], block.unknowns[1]);
    let vs: Vec<&&Statistic> = stats.iter().filter(|s| s.of == v).collect();
    let ws: Vec<&&Statistic> = stats.iter().filter(|s| s.of == w).collect();
    if vs.len() != 1 || vs[0].kind != StatisticKind::Value {
        return None;
    }
    let batch: Vec<Subscript> = block.batch_slots[0]
        .iter()
        .map(|p| ws[0].index[*p].clone())
        .collect();
    let inside = |s: &Statistic| -> Vec<Subscript> {
        block.inside_slots[0]
            .iter()
            .map(|p| s.index[*p].clone())
            .collect()
    };
    let mut index = batch;
    if matches!(block.form, Form::GaussianGamma) {
        return match ws.as_slice() {
            [one] => {
                index.extend(inside(one));
                Some(ScalePattern {
                    target: Target::Cross,
                    index,
                    dropped: vec![],
                })
            }
            [one, two] => {
                index.extend(inside(one));
                index.extend(inside(two));
                Some(ScalePattern {
                    target: Target::Quadratic,
                    index,
                    dropped: vec![],
                })
            }
            _ => None,
        };
    }
    let n = vs[0].index.len();
    let de = [vs[0].index[n - 2].clone(), vs[0].index[n - 1].clone()];
    let as_axis = |s: &Subscript| match s {
        Subscript::Axis(a) => Some(*a),
        _ => None,
    };
    match ws.as_slice() {
        [one] => {
            let at = inside(one).first()?.clone();
            let other = if at == de[0] { &de[1] } else { &de[0] };
            index.push(other.clone());
            Some(ScalePattern {
                target: Target::Cross,
                index,
                dropped: as_axis(&at).into_iter().collect(),
            })
        }
        [_, _] => Some(ScalePattern {
            target: Target::Quadratic,
            index,
            dropped: de.iter().filter_map(as_axis).collect(),
        }),
        _ => None,
    }
}
