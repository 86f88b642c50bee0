//! A derivation as text, for `pmc emit derivation`: blocks, what they are, what they collect.
//!
//! in: a [`Derivation`] -> out: text. Also writes published expectations and contractions, for the plan's printer.

use std::fmt::Write;

use crate::algebra::formula::Formula;
use crate::algebra::letters::{Letters, Names};
use crate::algebra::piece::Piece;
use crate::algebra::print::{Writer, statement_name};
use crate::algebra::{Statistic, Subscript, UnknownId};
use crate::model::{Auxiliary, Axis, PlateId, Role};

use super::{BlockId, Contraction, Derivation, Moment, MomentKind, Target};

/// Blocks in the order of a sweep, each with its messages.
pub fn derivation(d: &Derivation) -> String {
    let letters = Letters::of(&d.model);
    let w = Writer::plain(&d.model, &d.unknowns, &letters);
    let mut out = format!(
        "method {}\nobjective {}\n",
        d.method.name(),
        d.objective.words()
    );
    for (u, c) in &d.centres {
        let _ = writeln!(
            out,
            "{} is computed about the mean of {}",
            d.unknowns.get(*u).name,
            d.model.column(c.column).name
        );
    }
    for v in &d.model.variables {
        if let Some(a) = v.auxiliary {
            let plates: Vec<&str> = v
                .slots
                .iter()
                .map(|p| d.model.plate(*p).name.as_str())
                .collect();
            let _ = writeln!(
                out,
                "auxiliary {}[{}]: {}",
                v.name,
                plates.join(", "),
                auxiliary(a)
            );
        }
    }
    for p in &d.predictors {
        let names = Names::default().bind(&letters, p.axes.iter().copied());
        let index: Vec<Subscript> = p.axes.iter().map(|a| Subscript::Axis(*a)).collect();
        let u = d.unknowns.get(p.id);
        let body = p.body.iter().map(|t| w.piece(&Piece::from(t), &names));
        let _ = writeln!(
            out,
            "predictor {} = {}",
            w.symbol(&u.name, &u.slots, &index, &names).text(),
            Formula::sum(body).text()
        );
    }
    for (i, id) in d.order.iter().enumerate() {
        let b = d.block(*id);
        let role = match b.role {
            Role::Param if b.touches_bound(&d.unknowns) => "where a bound touches",
            Role::Param => "param",
            Role::Latent => "latent",
            Role::Dirac => "latent as dirac",
        };
        let _ = writeln!(
            out,
            "block {} {}: {role}, {}, {}",
            i + 1,
            block_name(d, *id),
            b.form.name(),
            b.exactness.word()
        );
        let _ = writeln!(out, "  batch     {}", plates(d, &b.batch));
        for (u, slots) in b.unknowns.iter().zip(&b.inside_slots) {
            let u = d.unknowns.get(*u);
            let inside: Vec<PlateId> = slots.iter().map(|s| u.slots[*s]).collect();
            let _ = writeln!(out, "  inside    {}: {}", u.name, plates(d, &inside));
        }
        if let Some(p) = b.rows {
            let _ = writeln!(out, "  rows      in a pass over {}", d.model.plate(p).name);
        }
        for c in &b.couplings {
            let through: Vec<String> = c
                .through
                .iter()
                .map(|f| statement_name(&d.model, *f))
                .collect();
            let _ = writeln!(
                out,
                "  meets     {} through {}",
                block_name(d, c.block),
                through.join(", ")
            );
        }
        let both = b.messages.iter().map(|m| ("message", m));
        for (word, m) in both.chain(b.slopes.iter().map(|m| ("slope  ", m))) {
            let names = message_names(&letters, &m.index);
            // Axes that the target carries are not summed; a gather sends each row to its element.
            let mut piece = Piece::from(&m.rest);
            piece.axes.retain(|a| !names.has(*a));
            let sent: Vec<Axis> = m
                .index
                .iter()
                .flat_map(Subscript::axes)
                .filter(|a| !names.has(*a))
                .collect();
            let names = names.bind(&letters, sent.iter().copied());
            piece.axes.retain(|a| !sent.contains(a));
            let rows: Vec<&str> = sent
                .iter()
                .map(|a| d.model.plate(a.plate).name.as_str())
                .collect();
            let each = if rows.is_empty() {
                String::new()
            } else {
                format!(" from each {}", rows.join(", "))
            };
            let _ = writeln!(
                out,
                "  {word}   {} gets {}{each}",
                target(d, &w, *id, m.target, &m.index, &names).text(),
                w.piece(&piece, &names).text()
            );
        }
    }
    out
}

/// What an auxiliary is for.
pub fn auxiliary(a: Auxiliary) -> &'static str {
    match a {
        Auxiliary::Mixture => "precisions of a mixture of Gaussians, exact",
        Auxiliary::PolyaGamma => "Polya-Gamma variables of logistic terms, exact",
        Auxiliary::Sign => "sizes of the Gaussian behind a probit, exact",
        Auxiliary::Centre => "where a bound on a log of a sum of exponentials is taken",
        Auxiliary::Width => "where a bound on an absolute value touches",
        Auxiliary::Addend => "the addend that each count comes from, exact",
    }
}

fn plain(s: &Subscript) -> Option<Axis> {
    match s {
        Subscript::Axis(a) => Some(*a),
        _ => None,
    }
}

/// Names for the axes that a target carries as such; those inside its gathers are summed.
pub fn message_names(letters: &Letters, index: &[Subscript]) -> Names {
    Names::default().bind(letters, index.iter().filter_map(plain))
}

/// The unknowns of a block.
pub fn block_name(d: &Derivation, id: BlockId) -> String {
    let names: Vec<&str> = d
        .block(id)
        .unknowns
        .iter()
        .map(|u| d.unknowns.get(*u).name.as_str())
        .collect();
    format!("({})", names.join(", "))
}

fn plates(d: &Derivation, list: &[PlateId]) -> String {
    if list.is_empty() {
        return "-".into();
    }
    let names: Vec<&str> = list
        .iter()
        .map(|p| d.model.plate(*p).name.as_str())
        .collect();
    names.join(", ")
}

/// The statistic a message is for.
pub fn target(
    d: &Derivation,
    w: &Writer<'_>,
    id: BlockId,
    t: Target,
    index: &[Subscript],
    names: &Names,
) -> Formula {
    let b = d.block(id);
    match t {
        Target::Single(of, kind) => w.statistic(
            &Statistic {
                of,
                kind,
                index: index.to_vec(),
                offset: None,
            },
            names,
        ),
        Target::Pair(u, v) => {
            let (x, y) = pair(d, id, u, v, index);
            let at = |u: UnknownId, i: &[Subscript]| {
                let u = d.unknowns.get(u);
                w.symbol(&u.name, &u.slots, i, names)
            };
            Formula::product([at(u, &x), at(v, &y)])
        }
        Target::Compound(at) => compound(d, w, id, at, index, names, |f| f),
        Target::Cross | Target::Quadratic => {
            let name = |i: usize| Formula::name(&d.unknowns.get(b.unknowns[i]).name);
            let (mean, precision) = (name(0), name(b.unknowns.len() - 1));
            let body = match t {
                Target::Cross => Formula::product([precision, mean]),
                _ => Formula::product([mean.clone().transposed(), precision, mean]),
            };
            let at: Vec<Formula> = index
                .iter()
                .filter_map(|s| w.subscript(s, None, names))
                .collect();
            if at.is_empty() {
                body
            } else {
                let mut all = vec![body];
                all.extend(at);
                Formula::Apply("at".into(), all)
            }
        }
    }
}

/// A product of statistics of a block, with its axes named as here.
fn compound(
    d: &Derivation,
    w: &Writer<'_>,
    id: BlockId,
    at: u32,
    index: &[Subscript],
    names: &Names,
    wrap: impl Fn(Formula) -> Formula,
) -> Formula {
    let Some(c) = d.block(id).compounds.get(at as usize) else {
        return Formula::product([]);
    };
    let map: Vec<(Axis, Subscript)> = c.axes.iter().copied().zip(index.iter().cloned()).collect();
    let factors = c.stats.iter().map(|s| {
        let s = Statistic {
            index: s.index.iter().map(|i| i.substitute(&map)).collect(),
            ..s.clone()
        };
        w.statistic(&s, names)
    });
    wrap(Formula::product(factors))
}

/// The full indices of the two elements of a pair, from batch, inside of the first, inside of the second.
fn pair(
    d: &Derivation,
    id: BlockId,
    u: UnknownId,
    v: UnknownId,
    index: &[Subscript],
) -> (Vec<Subscript>, Vec<Subscript>) {
    let b = d.block(id);
    let position = |u: UnknownId| b.unknowns.iter().position(|x| *x == u).unwrap_or(0);
    let (i, j) = (position(u), position(v));
    let n = b.varying().count();
    let m = b.inside_slots[i].len();
    let full = |k: usize, u: UnknownId, inside: &[Subscript]| -> Vec<Subscript> {
        // Along a shared plate any element stands for all.
        let any = |(i, plate): (usize, &PlateId)| {
            let id = (1 << 25) + i as u32;
            Subscript::Axis(Axis { plate: *plate, id })
        };
        let plates = d.unknowns.get(u).plates();
        let mut out: Vec<Subscript> = plates.iter().enumerate().map(any).collect();
        let batch = index.get(..n).unwrap_or(&[]);
        for (position, s) in b.varying().zip(batch) {
            out[b.batch_slots[k][position]] = s.clone();
        }
        for (slot, s) in b.inside_slots[k].iter().zip(inside) {
            out[*slot] = s.clone();
        }
        out
    };
    (
        full(i, u, index.get(n..n + m).unwrap_or(&[])),
        full(j, v, index.get(n + m..).unwrap_or(&[])),
    )
}

/// A published expectation.
pub fn moment(d: &Derivation, w: &Writer<'_>, m: &Moment, names: &Names) -> Formula {
    match m.kind {
        MomentKind::Statistic(of, kind) => {
            let f = w.statistic(
                &Statistic {
                    of,
                    kind,
                    index: m.index.clone(),
                    offset: None,
                },
                names,
            );
            match d.block_of(of).map(|b| d.block(b).role) {
                Some(Role::Latent) => f.expected(),
                _ => f,
            }
        }
        MomentKind::Compound(u, at) => match d.block_of(u) {
            Some(b) if matches!(d.block(b).form, super::Form::GaussianNetwork) => {
                compound(d, w, b, at, &m.index, names, |f| {
                    Formula::Apply("Cov".into(), vec![f])
                })
            }
            Some(b) => compound(d, w, b, at, &m.index, names, |f| match d.block(b).role {
                Role::Latent => f.expected(),
                _ => f,
            }),
            None => Formula::product([]),
        },
        MomentKind::Covariance(u, v) => {
            let Some(id) = d.block_of(u) else {
                return Formula::Word("Cov".into());
            };
            let (x, y) = pair(d, id, u, v, &m.index);
            let at = |u: UnknownId, i: &[Subscript]| {
                let u = d.unknowns.get(u);
                w.symbol(&u.name, &u.slots, i, names)
            };
            Formula::Apply("Cov".into(), vec![at(u, &x), at(v, &y)])
        }
        MomentKind::Map(u, j) => {
            let of = d.unknowns.get(u);
            let at = m.index.iter().filter_map(|s| w.subscript(s, None, names));
            Formula::Symbol(format!("M{}({})", j + 1, of.name), at.collect())
        }
        MomentKind::Variance(u) => {
            let of = d.unknowns.get(u);
            let v = w.symbol(&of.name, &of.slots, &m.index, names);
            Formula::Apply("Var".into(), vec![v])
        }
        MomentKind::Cross(u) | MomentKind::Quadratic(u) => {
            let Some(id) = d.block_of(u) else {
                return Formula::Word("E".into());
            };
            let t = match m.kind {
                MomentKind::Cross(_) => Target::Cross,
                _ => Target::Quadratic,
            };
            target(d, w, id, t, &m.index, names).expected()
        }
    }
}

/// A contraction: numbers, known factors, expectations, and statistics of the local block, summed.
pub fn contraction(d: &Derivation, w: &Writer<'_>, c: &Contraction, names: &Names) -> Formula {
    let mut bound: Vec<Axis> = vec![];
    for a in c
        .axes
        .iter()
        .copied()
        .chain(c.target.iter().flat_map(Subscript::axes))
    {
        if !names.has(a) && !bound.contains(&a) {
            bound.push(a);
        }
    }
    let inner = names.bind(w.letters, bound.iter().copied());
    let mut parts = vec![Formula::Number(c.coef)];
    parts.extend(c.data.iter().map(|k| w.known(k, &inner)));
    parts.extend(c.moments.iter().map(|m| moment(d, w, m, &inner)));
    parts.extend(c.local.iter().map(|s| w.statistic(s, &inner)));
    let over: Vec<Formula> = bound
        .iter()
        .filter_map(|a| inner.get(*a).map(Formula::name))
        .collect();
    Formula::total(over, vec![], Formula::product(parts))
}
