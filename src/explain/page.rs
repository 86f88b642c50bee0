//! What all equations of a page share: letters, the writer, the items, and short names for counts.

use std::cell::RefCell;

use crate::algebra::formula::Formula;
use crate::algebra::layout::Layout;
use crate::algebra::letters::{Letters, Names};
use crate::algebra::piece::Piece;
use crate::algebra::print::Writer;
use crate::algebra::{Statistic, Subscript, UnknownId};
use crate::derive::{Block, Derivation};
use crate::family::StatisticKind;
use crate::model::{Axis, Role};

use super::items::{Item, items};
use super::message::Slots;

/// The state of a page.
pub struct Page<'a> {
    /// What is explained.
    pub d: &'a Derivation,
    /// Writes expectations under q.
    pub writer: Writer<'a>,
    /// The parts of log p.
    pub items: Vec<Item>,
    /// The letter of counts.
    count: String,
    /// Short names and what they stand for.
    short: RefCell<Vec<(Formula, Formula)>>,
}

impl<'a> Page<'a> {
    /// A page about a derivation.
    pub fn new(d: &'a Derivation, letters: &'a Letters) -> Page<'a> {
        let latent: Vec<Option<usize>> = d
            .unknowns
            .ids()
            .map(|u| {
                d.blocks
                    .iter()
                    .position(|b| b.role == Role::Latent && b.holds(u))
            })
            .collect();
        let discrete: Vec<UnknownId> = d
            .unknowns
            .ids()
            .filter(|u| latent[u.index()].is_some() && d.unknowns.get(*u).element_plate().is_some())
            .collect();
        let mut page = Page {
            d,
            writer: Writer {
                latent,
                ..Writer::plain(&d.model, &d.unknowns, letters)
            },
            items: items(d),
            count: String::new(),
            short: RefCell::new(vec![]),
        };
        page.count = page.unused(&["N", "C", "M", "count"]);
        if let [one] = discrete[..] {
            let r = page.unused(&["r", "R", "resp"]);
            page.writer.responsibility[one.index()] = Some(r);
        }
        page
    }

    /// The first of these names that the model does not use.
    pub fn unused(&self, wanted: &[&str]) -> String {
        let used = |n: &str| {
            self.d.unknowns.items.iter().any(|u| u.name == n)
                || self.d.model.columns.iter().any(|c| c.name == n)
                || self.d.model.definitions.iter().any(|c| c.name == n)
        };
        match wanted.iter().find(|n| !used(n)) {
            Some(n) => (*n).to_string(),
            None => format!("{}'", wanted.last().unwrap_or(&"x")),
        }
    }

    /// The first of these names that neither the model nor a responsibility uses.
    pub fn free(&self, wanted: &[&str]) -> String {
        let taken = |n: &&&str| {
            self.writer
                .responsibility
                .iter()
                .flatten()
                .any(|r| r == **n)
        };
        let list: Vec<&str> = wanted.iter().filter(|n| !taken(n)).copied().collect();
        self.unused(&list)
    }

    /// The names of a block's letters.
    ///
    /// The values of several discrete unknowns go by the first letters of their names, where those are free.
    pub fn names(&self, b: &Block, slots: &Slots) -> Names {
        let mut names = Names::default();
        for axes in &slots.of {
            names = names.bind(self.writer.letters, axes.iter().copied());
        }
        if slots.value.len() > 1 {
            for (u, a) in b.unknowns.iter().zip(&slots.value) {
                let Some(a) = a else { continue };
                let letter = self
                    .d
                    .unknowns
                    .get(*u)
                    .name
                    .chars()
                    .filter(char::is_ascii_alphabetic)
                    .map(|c| c.to_ascii_lowercase().to_string())
                    .find(|l| !names.uses(l) && self.unused(&[l]) == *l);
                if let Some(l) = letter {
                    names = names.with(*a, l);
                }
            }
        }
        names.bind(self.writer.letters, slots.axes())
    }

    /// An unknown of a block at its letters, in a layout.
    pub fn symbol(&self, u: UnknownId, axes: &[Axis], names: &Names, hidden: &[Axis]) -> Formula {
        let mut names = names.clone();
        for a in hidden {
            names = names.hiding(*a);
        }
        let index: Vec<Subscript> = axes.iter().map(|a| Subscript::Axis(*a)).collect();
        let unknown = self.d.unknowns.get(u);
        self.writer
            .symbol(&unknown.name, &unknown.slots, &index, &names)
    }

    /// A sum of pieces in a layout; counts have their short names.
    pub fn sum(&self, pieces: &[Piece], names: &Names, layout: Layout) -> Option<Formula> {
        let parts: Option<Vec<Formula>> = pieces
            .iter()
            .map(|p| match self.counted(p, names) {
                Some(f) if layout == Layout::Index => Some(f),
                _ => self.writer.piece_as(p, names, layout),
            })
            .collect();
        parts.map(Formula::sum)
    }

    /// N_k for Σ_n r_nk, how much weight the rows give to an element, times what stands before the sum.
    fn counted(&self, p: &Piece, names: &Names) -> Option<Formula> {
        let bound = |axes: &[Axis]| axes.iter().any(|a| p.axes.contains(a));
        let (inside, before): (Vec<Statistic>, Vec<Statistic>) = p
            .stats
            .iter()
            .cloned()
            .partition(|s| p.axes.iter().any(|a| s.has_axis(*a)));
        if inside.is_empty()
            && !p.given.is_empty()
            && !p.axes.is_empty()
            && p.square.is_none()
            && p.data.iter().all(|k| !bound(&k.axes()))
        {
            // How many rows meet the conditions.
            let one = Piece {
                coef: 1.0,
                data: vec![],
                stats: vec![],
                ..p.clone()
            };
            return self.before_count(p, before, one, names);
        }
        let [s] = inside.as_slice() else { return None };
        let same_block =
            |t: &Statistic| self.writer.latent[t.of.index()] == self.writer.latent[s.of.index()];
        if p.data.iter().any(|k| bound(&k.axes()))
            || p.square.is_some()
            || p.axes.is_empty()
            || s.kind != StatisticKind::Indicator
            || self.writer.latent[s.of.index()].is_none()
            || before.iter().any(same_block)
            || !p.axes.iter().all(|a| s.has_axis(*a))
        {
            return None;
        }
        let one = Piece {
            coef: 1.0,
            data: vec![],
            stats: inside,
            ..p.clone()
        };
        self.before_count(p, before, one, names)
    }

    fn before_count(
        &self,
        p: &Piece,
        before: Vec<Statistic>,
        one: Piece,
        names: &Names,
    ) -> Option<Formula> {
        let front = Piece {
            stats: before,
            axes: vec![],
            given: vec![],
            ..p.clone()
        };
        let name = self.count_name(one, names)?;
        let times = |f: Formula| match f {
            Formula::Ratio(a, b) => Formula::ratio(Formula::product([*a, name]), *b),
            other => Formula::product([other, name]),
        };
        Some(match self.writer.piece(&front, names) {
            Formula::Negative(f) => times(*f).negated(),
            other => times(other),
        })
    }

    fn count_name(&self, one: Piece, names: &Names) -> Option<Formula> {
        let body = self.writer.piece(&one, names);
        let mut free: Vec<Axis> = one
            .carried_axes()
            .into_iter()
            .filter(|a| !one.axes.contains(a))
            .collect();
        free.sort_by_key(|a| a.id);
        let below: Vec<Formula> = free
            .iter()
            .filter_map(|a| names.get(*a).map(Formula::name))
            .collect();
        if below.is_empty() {
            return None;
        }
        let mut short = self.short.borrow_mut();
        if let Some((n, _)) = short.iter().find(|(_, b)| *b == body) {
            return Some(n.clone());
        }
        let mut letter = self.count.clone();
        let name = loop {
            let name = Formula::Symbol(letter.clone(), below.clone());
            if !short.iter().any(|(n, _)| *n == name) {
                break name;
            }
            letter.push('\'');
        };
        short.push((name.clone(), body));
        Some(name)
    }

    /// The definitions of the short names that occur in these formulas, in order.
    pub fn definitions(&self, formulas: &[&Formula]) -> Vec<Formula> {
        let mut told: Vec<(Formula, Formula)> = vec![];
        let mut out = vec![];
        for (n, b) in self.short.borrow().iter() {
            if !formulas.iter().any(|f| holds(f, n)) {
                continue;
            }
            // N_j is N_k at another letter.
            let general = at_positions(n, b);
            if !told.contains(&general) {
                told.push(general);
                out.push(Formula::equation(n.clone(), b.clone()));
            }
        }
        out
    }
}

/// A definition with its letters replaced by their positions.
fn at_positions(name: &Formula, body: &Formula) -> (Formula, Formula) {
    let Formula::Symbol(_, letters) = name else {
        return (name.clone(), body.clone());
    };
    let place = |f: &Formula| {
        letters.iter().enumerate().fold(f.clone(), |f, (i, l)| {
            f.replace(l, &Formula::Number(-1.0 - i as f64))
        })
    };
    (place(name), place(body))
}

/// True if `part` occurs in `f`.
fn holds(f: &Formula, part: &Formula) -> bool {
    f.replace(part, &Formula::Word(String::new())) != *f
}

/// The family's name in words.
pub fn family_name(b: &Block) -> &'static str {
    match b.form.name() {
        "InverseGamma" => "inverse Gamma",
        "InverseWishart" => "inverse Wishart",
        "TruncatedGaussian" => "Gaussian truncated to positive numbers",
        "GaussianLaplace" => "Gaussian times Laplace",
        "GeneralisedInverseGaussian" => "generalised inverse Gaussian",
        "PolyaGamma" => "Polya-Gamma",
        other => other,
    }
}
