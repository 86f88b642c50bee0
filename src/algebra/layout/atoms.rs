//! The factors of a piece as they are written, and their product.
//!
//! ```text
//! coef * before * Σ_axes (within) / below
//! ```
//!
//! Statistics of one latent block share one expectation, those of different blocks are independent under q.

use crate::family::StatisticKind;
use crate::model::Axis;

use super::{Compound, Raw};
use crate::algebra::formula::{Formula, constant};
use crate::algebra::known::Known;
use crate::algebra::layout::Layout;
use crate::algebra::letters::Names;
use crate::algebra::piece::{Condition, MatrixFactor, Piece, Square, SquareKind};
use crate::algebra::print::{Writer, denominator};
use crate::algebra::term::{Statistic, Subscript};

/// A factor as it is written.
pub(super) struct Atom {
    /// Without expectation.
    pub plain: Formula,
    /// With its own expectation.
    pub expected: Formula,
    /// Written below the line.
    pub below: bool,
    /// Latent blocks in it.
    pub blocks: Vec<usize>,
    /// Axes it carries.
    pub axes: Vec<Axis>,
    /// Sizes, constants, masks, responsibilities, data, statistics, squares.
    pub order: u8,
}

impl Writer<'_> {
    pub(super) fn compound(
        &self,
        c: &Compound,
        raws: &[Raw<'_>],
        names: &Names,
        used: &mut [bool],
    ) -> Atom {
        let members = c.members();
        let mut blocks: Vec<usize> = vec![];
        let mut axes: Vec<Axis> = vec![];
        let mut shared = false;
        for m in &members {
            used[*m] = true;
            for b in self.blocks_of(&raws[*m]) {
                shared |= blocks.contains(&b);
                if !blocks.contains(&b) {
                    blocks.push(b);
                }
            }
            for a in raws[*m].axes() {
                if names.get(a).is_some() && !axes.contains(&a) {
                    axes.push(a);
                }
            }
        }
        let write = |f: &dyn Fn(usize) -> Formula| match c {
            Compound::MatrixVector(m, v) => Formula::product([f(*m), f(*v)]),
            Compound::Form(u, m, v) => Formula::product([f(*u).transposed(), f(*m), f(*v)]),
            Compound::Trace(a, b) => {
                Formula::Apply("tr".into(), vec![Formula::product([f(*a), f(*b)])])
            }
            Compound::Outer(u, v) => Formula::product([f(*u), f(*v).transposed()]),
            Compound::Diagonal(u) => Formula::Apply("diag".into(), vec![f(*u)]),
        };
        let plain = write(&|i| self.raw(&raws[i], names));
        let expected = if shared {
            plain.clone().expected()
        } else {
            write(&|i| wrap(&self.blocks_of(&raws[i]), self.raw(&raws[i], names)))
        };
        Atom {
            plain,
            expected,
            below: false,
            blocks,
            axes,
            order: 6,
        }
    }

    /// Factors that stand alone; indicators of one latent block are one probability.
    pub(super) fn single_atoms(
        &self,
        raws: &[Raw<'_>],
        used: &[bool],
        names: &Names,
        atoms: &mut Vec<Atom>,
    ) {
        let mut done = used.to_vec();
        for i in 0..raws.len() {
            if done[i] {
                continue;
            }
            done[i] = true;
            let blocks = self.blocks_of(&raws[i]);
            if let Raw::Stat(s) = raws[i]
                && s.kind == StatisticKind::Indicator
                && let [block] = blocks[..]
            {
                let mut list = vec![s];
                for j in i + 1..raws.len() {
                    if let Raw::Stat(t) = raws[j]
                        && !done[j]
                        && t.kind == StatisticKind::Indicator
                        && self.latent[t.of.index()] == Some(block)
                    {
                        done[j] = true;
                        list.push(t);
                    }
                }
                let axes = list.iter().flat_map(|s| Raw::Stat(s).axes()).collect();
                let f = self.probability(&list, names);
                atoms.push(Atom {
                    plain: f.clone(),
                    expected: f,
                    below: false,
                    blocks: vec![],
                    axes,
                    order: 3,
                });
                continue;
            }
            let axes = raws[i].axes();
            let (plain, below) = match raws[i] {
                Raw::Data(k) => match denominator(k) {
                    Some((b, e)) => (self.known(b, names).power(Formula::Number(e)), true),
                    None => (self.known(k, names), false),
                },
                Raw::Stat(s) => match s.kind {
                    StatisticKind::Power(p)
                        if p < 0 && blocks.is_empty() && !self.is_matrix(s.of) =>
                    {
                        let u = self.unknowns.get(s.of);
                        let v = self.symbol(&u.name, &u.slots, &s.index, names);
                        (v.power(Formula::Number(-f64::from(p))), true)
                    }
                    _ => (self.statistic(s, names), false),
                },
            };
            let order = match raws[i] {
                Raw::Data(k) if axes.is_empty() || matches!(k, Known::Size(_)) => 1,
                Raw::Data(
                    Known::Present(..)
                    | Known::PresentDefinition(..)
                    | Known::HasLag(..)
                    | Known::IsElement(..)
                    | Known::Ordered(..),
                ) => 2,
                Raw::Stat(s) if s.kind == StatisticKind::Indicator => 3,
                Raw::Data(_) => 4,
                Raw::Stat(_) => 5,
            };
            atoms.push(Atom {
                expected: wrap(&blocks, plain.clone()),
                plain,
                below,
                blocks,
                axes,
                order,
            });
        }
    }

    /// The expectation of indicators of one block: r_nk, or q(a_n = j, b_n = k).
    pub fn probability(&self, list: &[&Statistic], names: &Names) -> Formula {
        if let [one] = list
            && let Some(r) = &self.responsibility[one.of.index()]
        {
            let u = self.unknowns.get(one.of);
            let mut plates = u.slots.clone();
            plates.extend(u.element_plate());
            return self.symbol(r, &plates, &one.index, names);
        }
        let events: Vec<Formula> = list
            .iter()
            .map(|s| match self.statistic(s, names) {
                Formula::Indicator(x) => *x,
                other => other,
            })
            .collect();
        Formula::Apply("q".into(), events)
    }

    /// Weights of summed rows; sizes of plates that no factor carries.
    pub(super) fn add_sizes(
        &self,
        p: &Piece,
        carried: &[Axis],
        over: &[Axis],
        names: &Names,
        atoms: &mut Vec<Atom>,
    ) {
        for a in &p.axes {
            let weight = self
                .model
                .table_of(a.plate)
                .and_then(|t| self.model.table(t).weight);
            let number = |plain: Formula, axes: Vec<Axis>| Atom {
                expected: plain.clone(),
                plain,
                below: false,
                blocks: vec![],
                axes,
                order: 0,
            };
            match weight {
                Some(w) if over.contains(a) => {
                    let f = self.known(&Known::Column(w, vec![Subscript::Axis(*a)]), names);
                    atoms.push(number(f, vec![*a]));
                }
                Some(w) if !carried.contains(a) => {
                    let inner = names.bind(self.letters, [*a]);
                    let f = self.known(&Known::Column(w, vec![Subscript::Axis(*a)]), &inner);
                    let letter = inner.get(*a).map(Formula::name).into_iter().collect();
                    atoms.push(number(Formula::total(letter, vec![], f), vec![]));
                }
                None if !carried.contains(a) => {
                    atoms.push(number(self.letters.size(a.plate), vec![]));
                }
                _ => {}
            }
        }
    }

    pub(super) fn square(&self, s: &Square, names: &Names) -> Atom {
        let mut blocks: Vec<usize> = vec![];
        for st in s.roots.iter().flat_map(|r| &r.stats) {
            if let Some(b) = self.latent[st.of.index()]
                && !blocks.contains(&b)
            {
                blocks.push(b);
            }
        }
        let plain_writer = Writer {
            latent: vec![None; self.latent.len()],
            responsibility: vec![None; self.latent.len()],
            ..*self
        };
        let roots = |names: &Names, hide: Option<Axis>| {
            let layout = hide.map_or(Layout::Index, Layout::Vector);
            let parts: Option<Vec<Formula>> = s
                .roots
                .iter()
                .map(|r| plain_writer.piece_as(&Piece::from(r), names, layout))
                .collect();
            // What is subtracted comes last.
            parts.map(|mut p| {
                p.sort_by_key(|f| {
                    matches!(f, Formula::Negative(_)) || matches!(f, Formula::Number(x) if *x < 0.0)
                });
                Formula::sum(p)
            })
        };
        let axes = s.axes();
        let make = |plain: Formula, expected: Formula, blocks: Vec<usize>| Atom {
            plain,
            expected,
            below: false,
            blocks,
            axes: axes.clone(),
            order: 6,
        };
        match &s.kind {
            SquareKind::Scalar => {
                let f = roots(names, None)
                    .unwrap_or(Formula::Number(0.0))
                    .power(Formula::Number(2.0));
                make(f.clone(), wrap(&blocks, f), blocks)
            }
            SquareKind::Outer(a, d, e) => {
                let f = match roots(names, Some(*a)) {
                    Some(v) => Formula::product([v.clone(), v.transposed()]),
                    None => {
                        let at = |x: Axis| {
                            let n = names.get(x).unwrap_or("d");
                            roots(&names.with(*a, n), None).unwrap_or(Formula::Number(0.0))
                        };
                        Formula::product([at(*d), at(*e)])
                    }
                };
                make(f.clone(), wrap(&blocks, f), blocks)
            }
            SquareKind::Form(m, d, e) => {
                let inner = names.hiding(*d).hiding(*e);
                let (matrix, own): (Formula, Option<usize>) = match m {
                    MatrixFactor::Statistic(st) => {
                        (self.statistic(st, &inner), self.latent[st.of.index()])
                    }
                    MatrixFactor::Known(m) => (self.matrix(m, &inner), None),
                };
                let write =
                    |v: Formula, m: Formula| Formula::product([v.clone().transposed(), m, v]);
                let v = match roots(names, Some(*d)) {
                    Some(v) => v,
                    None => {
                        // No vector form: the roots as functions of the letter, between brackets.
                        let named = names.bind(self.letters, [*d]);
                        let letter = named
                            .get(*d)
                            .map(Formula::name)
                            .unwrap_or(Formula::name("d"));
                        let body = roots(&named, None).unwrap_or(Formula::Number(0.0));
                        Formula::Of(format!("vec_{}", letter.text()), Box::new(body))
                    }
                };
                let plain = write(v.clone(), matrix.clone());
                let expected = match own {
                    Some(_) if blocks.is_empty() => write(v, matrix.expected()),
                    None if blocks.is_empty() => plain.clone(),
                    _ => plain.clone().expected(),
                };
                if let Some(b) = own
                    && !blocks.contains(&b)
                {
                    blocks.push(b);
                }
                make(plain, expected, blocks)
            }
        }
    }

    pub(super) fn assemble(
        &self,
        coef: f64,
        mut atoms: Vec<Atom>,
        over: &[Axis],
        given: &[Condition],
        names: &Names,
    ) -> Formula {
        atoms.sort_by_key(|a| a.order);
        // Atoms that share a latent block share an expectation.
        let mut joined: Vec<Atom> = vec![];
        for a in atoms {
            match joined
                .iter_mut()
                .find(|b| !a.below && a.blocks.iter().any(|x| b.blocks.contains(x)))
            {
                Some(b) => {
                    b.plain = if b.plain == a.plain {
                        a.plain.power(Formula::Number(2.0))
                    } else {
                        Formula::product([b.plain.clone(), a.plain])
                    };
                    b.expected = b.plain.clone().expected();
                    b.blocks.extend(a.blocks);
                    b.axes.extend(a.axes);
                }
                None => joined.push(a),
            }
        }
        let inside = |a: &Atom| a.axes.iter().any(|x| over.contains(x));
        let conditions: Vec<(bool, Formula)> = given
            .iter()
            .map(|c| {
                let bound = over
                    .iter()
                    .any(|a| c.left.has_axis(*a) || c.right.has_axis(*a));
                let side = |s: &Subscript| {
                    self.subscript(s, Some(c.plate), names)
                        .unwrap_or_else(|| Formula::Word("element".into()))
                };
                (bound, Formula::equation(side(&c.left), side(&c.right)))
            })
            .collect();
        let log = constant(coef);
        let mut top = vec![Formula::Number(log.map_or(coef, |(k, _)| k))];
        let mut bottom = vec![];
        let (mut within, mut within_below) = (vec![], vec![]);
        for (bound, c) in &conditions {
            if !bound {
                top.push(Formula::Indicator(Box::new(c.clone())));
            }
        }
        for a in joined {
            let place = match (inside(&a), a.below) {
                (true, false) => &mut within,
                (true, true) => &mut within_below,
                (false, false) => &mut top,
                (false, true) => &mut bottom,
            };
            // A factor twice is its square.
            match place.last_mut() {
                Some(last) if *last == a.expected && !matches!(last, Formula::Number(_)) => {
                    *last = a.expected.power(Formula::Number(2.0));
                }
                _ => place.push(a.expected),
            }
        }
        let letters: Vec<Formula> = over
            .iter()
            .filter_map(|a| names.get(*a).map(Formula::name))
            .collect();
        let bound = conditions
            .into_iter()
            .filter(|(b, _)| *b)
            .map(|(_, c)| c)
            .collect();
        let body = Formula::ratio(Formula::product(within), Formula::product(within_below));
        if letters.is_empty() {
            top.push(body);
        } else {
            top.push(Formula::total(letters, bound, body));
        }
        if let Some((_, of)) = log {
            let of = of.split(' ').map(|w| match w.parse() {
                Ok(x) => Formula::Number(x),
                Err(_) => Formula::name(w),
            });
            top.push(Formula::product(of).log());
        }
        Formula::ratio(Formula::product(top), Formula::product(bottom))
    }
}

fn wrap(blocks: &[usize], f: Formula) -> Formula {
    if blocks.is_empty() { f } else { f.expected() }
}
