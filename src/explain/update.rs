//! The update of a block in textbook notation: messages to parameters, family by family.
//!
//! ```text
//! Dirichlet   concentration = m + 1              mode  m / Σ m          m   message of ln v
//! Beta        a = m1 + 1, b = m0 + 1             mode  m1 / (m1 + m0)   of ln v, ln(1 - v)
//! Gamma       shape = m + 1, rate = r            mode  m / r            of ln v, -v
//! inv. Gamma  shape = m - 1, scale = s           mode  s / m            of -ln v, -1/v
//! Wishart     df = 2c + D + 1, inverse scale S   mode  2c S^-1          of ln|V|, -V/2
//! inv. W.     df = 2c - D - 1, scale S           mode  S / 2c           of -ln|V|, -V^-1/2
//! states      ln rho = sum of messages, normalised
//! ```

mod rare;

use crate::algebra::formula::Formula;
use crate::algebra::layout::Layout;
use crate::algebra::letters::Names;
use crate::algebra::piece::Piece;
use crate::algebra::{Known, Subscript};
use crate::derive::{Block, Form};
use crate::family::{StatisticKind as K, Support, by_signature};
use crate::model::{Axis, Role};

use super::message::{Slots, Target, messages};
use super::page::Page;
use super::simplify::add;
use super::{chain, constrained, coupled, gaussian, optimised, penalised};

use rare::{generalised_inverse_gaussian, polya_gamma};

/// A line of an update.
#[derive(Debug, Clone, PartialEq)]
pub struct Equation {
    /// What it is, in words; may be empty.
    pub lead: String,
    /// The equation.
    pub formula: Formula,
}

impl Equation {
    /// An equation with its lead.
    pub fn new(lead: impl Into<String>, formula: Formula) -> Equation {
        Equation {
            lead: lead.into(),
            formula,
        }
    }
}

/// A block's letters and messages.
pub struct Collected<'p, 'a> {
    /// The page.
    pub page: &'p Page<'a>,
    /// The block.
    pub block: &'p Block,
    /// Its letters.
    pub slots: Slots,
    /// Their names.
    pub names: Names,
    messages: Vec<(Target, Piece)>,
}

impl<'p, 'a> Collected<'p, 'a> {
    /// Collects the messages of a block.
    pub fn new(page: &'p Page<'a>, block: &'p Block) -> Self {
        let slots = Slots::of(page.d, block);
        let names = page.names(block, &slots);
        let mut messages = messages(page.d, &page.items, block, &slots);
        // What stands for copies of itself has the q of one of them.
        if let Some((_, copies)) = block
            .unknowns
            .iter()
            .find_map(|u| page.d.unknowns.get(*u).copies.as_ref())
        {
            for (_, p) in &mut messages {
                divide(p, copies);
            }
        }
        // Both orders of a symmetric pair are added up: the prior, written for one of them, is that of the element.
        if block
            .unknowns
            .iter()
            .any(|u| page.d.unknowns.get(*u).symmetric)
        {
            for (_, p) in &mut messages {
                p.data.retain(|k| !matches!(k, Known::Ordered(..)));
            }
        }
        Collected {
            page,
            block,
            slots,
            names,
            messages,
        }
    }

    /// The message of a statistic times a number.
    pub fn message(&self, target: &Target, times: f64) -> Vec<Piece> {
        let list = self
            .messages
            .iter()
            .filter(|(t, _)| t == target)
            .map(|(_, p)| Piece {
                coef: p.coef * times,
                ..p.clone()
            })
            .collect();
        add(list)
    }

    /// The statistics that have messages.
    pub fn targets(&self) -> Vec<Target> {
        let mut out: Vec<Target> = vec![];
        for (t, _) in &self.messages {
            if !out.contains(t) {
                out.push(t.clone());
            }
        }
        out
    }

    /// A sum of pieces, letters written.
    pub fn sum(&self, pieces: &[Piece]) -> Formula {
        self.page
            .sum(pieces, &self.names, Layout::Index)
            .unwrap_or(Formula::Number(0.0))
    }

    /// An unknown at its letters.
    pub fn symbol(&self, i: usize) -> Formula {
        self.page
            .symbol(self.block.unknowns[i], &self.slots.of[i], &self.names, &[])
    }

    /// The covariance of a Gaussian unknown, the variance of a number; without the letters along which it is one and the same.
    pub fn covariance(&self, i: usize) -> Formula {
        let inside = self.slots.inside(self.block, i);
        let name = if inside.is_empty() { "Var" } else { "Cov" };
        let shared = self.block.shared.iter().filter_map(|b| {
            let slot = self.block.batch_slots[i].get(*b)?;
            self.slots.of[i].get(*slot).copied()
        });
        let hidden: Vec<Axis> = inside.into_iter().chain(shared).collect();
        let u = self.block.unknowns[i];
        let v = self.page.symbol(u, &self.slots.of[i], &self.names, &hidden);
        Formula::Of(name.into(), Box::new(v))
    }

    /// An unknown with its value or inside axes hidden: the whole simplex, vector or matrix.
    pub fn whole(&self, i: usize) -> Formula {
        let u = self.block.unknowns[i];
        let n = self.page.d.unknowns.get(u).plates().len();
        let mut hidden: Vec<Axis> = self.slots.of[i][n..].to_vec();
        hidden.extend(self.slots.inside(self.block, i));
        self.page.symbol(u, &self.slots.of[i], &self.names, &hidden)
    }
}

/// A piece without a factor it holds, whatever its subscripts are called there.
fn divide(p: &mut Piece, by: &Known) {
    let same = |k: &Known| match (k, by) {
        (Known::Column(a, _), Known::Column(b, _)) => a == b,
        (Known::Definition(a, _), Known::Definition(b, _)) => a == b,
        (a, b) => a == b,
    };
    let factors: Vec<Known> = match by {
        Known::Multiply(list) => list.clone(),
        one => vec![one.clone()],
    };
    if let Known::Number(n) = by {
        p.coef /= n.0;
        return;
    }
    if factors.len() == 1 {
        if let Some(i) = p.data.iter().position(same) {
            p.data.remove(i);
        }
        return;
    }
    for f in factors {
        divide(p, &f);
    }
}

/// The equations of a block's update.
pub fn equations(c: &Collected<'_, '_>) -> Vec<Equation> {
    match &c.block.form {
        Form::Discrete => states(c),
        Form::Gaussian => gaussian::gaussian(c),
        Form::GaussianWishart | Form::GaussianGamma => gaussian::with_precision(c),
        Form::Deviation => deviation(c),
        Form::Network | Form::GaussianNetwork | Form::Conditional => {
            chain::chain(c).unwrap_or_else(|| coupled::exponent(c))
        }
        Form::Penalised => penalised::penalised(c),
        Form::UnitVectors => constrained::unit_vectors(c),
        Form::Increasing => constrained::increasing(c),
        Form::Optimised => optimised::optimised(c),
        Form::LeastAbsolute => optimised::least_absolute(c),
        Form::Quadrature => optimised::quadrature(c),
        Form::Family(f) => family(c, f.name()),
    }
}

fn family(c: &Collected<'_, '_>, name: &str) -> Vec<Equation> {
    match name {
        "Dirichlet" => dirichlet(c),
        "Beta" => two(c, [K::Log, K::Log1m], ["a", "b"]),
        "Gamma" => rates(c, K::Value, 1.0, "rate"),
        "InverseGamma" => rates(c, K::Power(-1), -1.0, "scale"),
        "Wishart" => matrices(c, K::Value, 1.0),
        "InverseWishart" => matrices(c, K::Power(-1), -1.0),
        "GaussianLaplace" | "TruncatedGaussian" => penalised::alone(c),
        "PolyaGamma" => polya_gamma(c),
        "GeneralisedInverseGaussian" => generalised_inverse_gaussian(c),
        _ => general(c),
    }
}

/// The mode of the family that an unknown's support and statistics pick, constraints aside.
pub fn family_equations(c: &Collected<'_, '_>) -> Vec<Equation> {
    let kinds: Vec<K> = c
        .targets()
        .iter()
        .filter_map(|t| match t {
            Target::Single(_, k) => Some(*k),
            _ => None,
        })
        .collect();
    let domain = c.page.d.unknowns.get(c.block.unknowns[0]).domain;
    match Support::of(domain).and_then(|s| by_signature(s, &kinds)) {
        Some(f) => family(c, f.name()),
        None => general(c),
    }
}

fn latent(c: &Collected<'_, '_>) -> bool {
    c.block.role == Role::Latent
}

fn is(c: &Collected<'_, '_>, family: &str, parameters: &[&str]) -> Equation {
    let whole = c.whole(0);
    let words = parameters
        .iter()
        .map(|p| Formula::Word((*p).to_string()))
        .collect();
    Equation::new(
        "",
        Formula::equation(
            Formula::Apply("q".into(), vec![whole]),
            Formula::Apply(family.to_string(), words),
        ),
    )
}

fn number(x: f64) -> Piece {
    Piece::number(x)
}

fn plus(mut list: Vec<Piece>, more: Piece) -> Vec<Piece> {
    list.push(more);
    add(list)
}

fn of(name: &str, x: Formula) -> Formula {
    Formula::Of(name.to_string(), Box::new(x))
}

fn dirichlet(c: &Collected<'_, '_>) -> Vec<Equation> {
    let m = c.message(&Target::Single(0, K::Log), 1.0);
    if latent(c) {
        let m = plus(m, number(1.0));
        return vec![
            is(c, "Dirichlet", &["concentration"]),
            Equation::new(
                "",
                Formula::equation(of("concentration", c.symbol(0)), c.sum(&m)),
            ),
        ];
    }
    // The sum over the simplex's own axis, at a letter of its own.
    let top = c.sum(&m);
    let Some(k) = c.slots.of[0].last().copied() else {
        return vec![];
    };
    let other = Axis {
        plate: k.plate,
        id: k.id + (1 << 20),
    };
    let names = c.names.bind(c.page.writer.letters, [other]);
    let renamed: Vec<Piece> = m.iter().map(|p| p.rename(&[(k, other)])).collect();
    let letter = names.get(other).map(Formula::name).into_iter().collect();
    let names = names.hiding(k);
    let bottom = c
        .page
        .sum(&renamed, &names, Layout::Index)
        .unwrap_or(Formula::Number(0.0));
    vec![Equation::new(
        "",
        Formula::equation(
            c.symbol(0),
            Formula::ratio(top, Formula::total(letter, vec![], bottom)),
        ),
    )]
}

fn two(c: &Collected<'_, '_>, kinds: [K; 2], names: [&str; 2]) -> Vec<Equation> {
    let [one, zero] = kinds.map(|k| c.message(&Target::Single(0, k), 1.0));
    if latent(c) {
        let line = |name: &str, m: Vec<Piece>| {
            Equation::new(
                "",
                Formula::equation(of(name, c.symbol(0)), c.sum(&plus(m, number(1.0)))),
            )
        };
        return vec![
            is(c, "Beta", &names),
            line(names[0], one),
            line(names[1], zero),
        ];
    }
    let both = add(one.iter().cloned().chain(zero).collect());
    vec![Equation::new(
        "",
        Formula::equation(c.symbol(0), Formula::ratio(c.sum(&one), c.sum(&both))),
    )]
}

/// Gamma (sign 1) and inverse Gamma (sign -1): ln v and one power.
fn rates(c: &Collected<'_, '_>, kind: K, sign: f64, name: &str) -> Vec<Equation> {
    let m = c.message(&Target::Single(0, K::Log), sign);
    let r = c.message(&Target::Single(0, kind), -1.0);
    if latent(c) {
        let v = c.symbol(0);
        return vec![
            is(c, super::page::family_name(c.block), &["shape", name]),
            Equation::new(
                "",
                Formula::equation(of("shape", v.clone()), c.sum(&plus(m, number(sign)))),
            ),
            Equation::new("", Formula::equation(of(name, v), c.sum(&r))),
        ];
    }
    let (top, bottom) = if sign > 0.0 { (m, r) } else { (r, m) };
    vec![Equation::new(
        "",
        Formula::equation(c.symbol(0), ratio(c, top, bottom)),
    )]
}

/// A ratio of sums with a common number cancelled.
pub fn ratio(c: &Collected<'_, '_>, mut top: Vec<Piece>, mut bottom: Vec<Piece>) -> Formula {
    cancel(&mut top, &mut bottom);
    Formula::ratio(c.sum(&top), c.sum(&bottom))
}

/// Divides both by the size of their coefficients where all are of one size.
pub fn cancel(top: &mut [Piece], bottom: &mut [Piece]) {
    let Some(first) = bottom.first().map(|p| p.coef.abs()) else {
        return;
    };
    if top
        .iter()
        .chain(bottom.iter())
        .all(|p| p.coef.abs() == first)
    {
        for p in top.iter_mut().chain(bottom.iter_mut()) {
            p.coef /= first;
        }
    }
}

fn deviation(c: &Collected<'_, '_>) -> Vec<Equation> {
    let m = c.message(&Target::Single(0, K::Log), -1.0);
    let s = c.message(&Target::Single(0, K::Power(-2)), -2.0);
    vec![Equation::new(
        "",
        Formula::equation(c.symbol(0).power(Formula::Number(2.0)), ratio(c, s, m)),
    )]
}

/// Wishart (sign 1) and inverse Wishart (sign -1).
fn matrices(c: &Collected<'_, '_>, kind: K, sign: f64) -> Vec<Equation> {
    let m = c.message(&Target::Single(0, K::Log), 2.0 * sign);
    let s = c.message(&Target::Single(0, kind), -2.0);
    let whole = c.whole(0);
    let [.., d, e] = c.slots.of[0].as_slice() else {
        return vec![];
    };
    let matrix = |list: &[Piece]| {
        c.page
            .sum_matrix(list, &c.names, *d, *e)
            .unwrap_or_else(|| c.sum(list))
    };
    if latent(c) {
        let size = Piece {
            data: vec![Known::Size(d.plate)],
            ..number(sign)
        };
        let df = plus(plus(m, size), number(sign));
        let name = if sign > 0.0 { "inverse_scale" } else { "scale" };
        let word = name.replace('_', " ");
        return vec![
            is(c, super::page::family_name(c.block), &["df", &word]),
            Equation::new("", Formula::equation(of("df", whole.clone()), c.sum(&df))),
            Equation::new("", Formula::equation(of(&word, whole), matrix(&s))),
        ];
    }
    let (mut s, mut m) = (s, m);
    cancel(&mut s, &mut m);
    let left = if sign > 0.0 { whole.inverse() } else { whole };
    vec![Equation::new(
        "",
        Formula::equation(left, Formula::ratio(matrix(&s), c.sum(&m))),
    )]
}

fn states(c: &Collected<'_, '_>) -> Vec<Equation> {
    let m = c.message(&Target::State, 1.0);
    let mut below = vec![];
    let mut axes: Vec<Axis> = vec![];
    let mut values: Vec<Axis> = vec![];
    for (slots, value) in c.slots.of.iter().zip(&c.slots.value) {
        for a in slots.iter().chain(value) {
            if !axes.contains(a) {
                axes.push(*a);
            }
        }
        values.extend(value);
    }
    for a in &axes {
        below.extend(c.names.get(*a).map(Formula::name));
    }
    let rho = Formula::Symbol("rho".into(), below);
    let stats: Vec<crate::algebra::Statistic> = c
        .block
        .unknowns
        .iter()
        .enumerate()
        .map(|(i, u)| crate::algebra::Statistic {
            of: *u,
            kind: K::Indicator,
            index: c.slots.of[i]
                .iter()
                .copied()
                .chain(c.slots.value[i])
                .map(Subscript::Axis)
                .collect(),
            offset: None,
        })
        .collect();
    let list: Vec<&crate::algebra::Statistic> = stats.iter().collect();
    let q = c.page.writer.probability(&list, &c.names);
    let scores: Vec<Formula> = m.iter().map(|p| c.page.writer.piece(p, &c.names)).collect();
    let score = Formula::sum(scores);
    if !latent(c) {
        let best = Formula::Apply("argmax".into(), vec![Formula::Log(Box::new(rho.clone()))]);
        return vec![
            Equation::new("", Formula::equation(c.symbol(0), best)),
            Equation::new("", Formula::equation(rho.log(), score)),
        ];
    }
    // rho at other values: primed letters of the same plates.
    let mut names = c.names.clone();
    let mut map = vec![];
    for v in &values {
        let other = Axis {
            plate: v.plate,
            id: v.id + (1 << 20),
        };
        names = match c.names.get(*v) {
            Some(l) if values.len() > 1 => names.with(other, format!("{l}'")),
            _ => names.bind(c.page.writer.letters, [other]),
        };
        map.push((*v, other));
    }
    let letter = |a: &Axis| {
        let b = map.iter().find(|(x, _)| x == a).map_or(*a, |(_, y)| *y);
        names.get(b).map(Formula::name)
    };
    let others: Vec<Formula> = axes.iter().filter_map(letter).collect();
    let over: Vec<Formula> = values.iter().filter_map(letter).collect();
    let total = Formula::total(over, vec![], Formula::Symbol("rho".into(), others));
    let mut out = vec![Equation::new(
        "",
        Formula::equation(q.clone(), Formula::ratio(rho.clone(), total)),
    )];
    if let [one] = list.as_slice()
        && c.page.writer.responsibility[one.of.index()].is_some()
    {
        let event = match c.page.writer.statistic(one, &c.names) {
            Formula::Indicator(x) => *x,
            other => other,
        };
        out[0].formula = Formula::equation(
            q,
            match out[0].formula.clone() {
                Formula::Relation(_, _, right) => {
                    Formula::equation(Formula::Apply("q".into(), vec![event]), *right)
                }
                other => other,
            },
        );
    }
    out.push(Equation::new("", Formula::equation(rho.log(), score)));
    out
}

/// Families with no closed form of their own here: the coefficients that are collected.
fn general(c: &Collected<'_, '_>) -> Vec<Equation> {
    let v = c.symbol(0);
    let mut out = vec![];
    let mut parts = vec![];
    for t in c.targets() {
        let (statistic, name, times) = match &t {
            Target::Single(_, K::Value) => (v.clone(), "linear", 1.0),
            Target::Single(_, K::Abs) => (Formula::Bars(Box::new(v.clone())), "rate", -1.0),
            Target::Single(_, K::Log) => (v.clone().log(), "log", 1.0),
            Target::Single(_, K::Log1m) => (
                Formula::sum([Formula::Number(1.0), v.clone().negated()]).log(),
                "log1m",
                1.0,
            ),
            Target::Single(_, K::Power(p)) => (
                v.clone().power(Formula::Number(f64::from(*p))),
                "inverse",
                1.0,
            ),
            Target::Pair(..) | Target::Single(_, K::Pair) => {
                (v.clone().power(Formula::Number(2.0)), "precision", -2.0)
            }
            _ => continue,
        };
        let name = of(name, v.clone());
        let factor = match times {
            -2.0 => Formula::product([Formula::Number(-0.5), name.clone(), statistic]),
            t => Formula::product([Formula::Number(t), name.clone(), statistic]),
        };
        parts.push(factor);
        out.push(Equation::new(
            "",
            Formula::equation(name, c.sum(&c.message(&t, times))),
        ));
    }
    let exponent = Formula::Apply("exp".into(), vec![Formula::sum(parts)]);
    let head = match latent(c) {
        true => Formula::relation(Formula::Apply("q".into(), vec![v]), "∝", exponent),
        false => Formula::equation(v, Formula::Apply("argmax".into(), vec![exponent])),
    };
    out.insert(0, Equation::new("", head));
    out
}
