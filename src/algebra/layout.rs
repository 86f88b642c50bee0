//! Pieces as formulas: sums, conditions, expectations, vectors and matrices.
//!
//! ```text
//! Σ_de M_de u_d v_e  ->  u' M v      Σ_de A_de B_de  ->  tr(A B)      Σ_e M_de u_e  ->  M u  where d is a vector's axis
//! ```
//!
//! Here it is found what stands in matrix form; `atoms` writes the factors and puts them together.

mod atoms;

use crate::family::StatisticKind;
use crate::model::Axis;

use super::formula::Formula;
use super::known::Known;
use super::letters::Names;
use super::piece::{Piece, SquareKind};
use super::print::Writer;
use super::term::{Statistic, Subscript};
use atoms::Atom;

/// What a formula is: a number for each letter, a vector or a matrix.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Layout {
    /// Every axis has its letter.
    Index,
    /// The axis is a vector's, and is not written.
    Vector(Axis),
    /// The axes are a matrix's, and are not written.
    Matrix(Axis, Axis),
}

/// A factor of a piece.
#[derive(Clone, Copy)]
pub(super) enum Raw<'a> {
    Data(&'a Known),
    Stat(&'a Statistic),
}

/// Factors that are written as one.
pub(super) enum Compound {
    /// M u
    MatrixVector(usize, usize),
    /// u' M v
    Form(usize, usize, usize),
    /// tr(A B)
    Trace(usize, usize),
    /// u v'
    Outer(usize, usize),
    /// diag(u)
    Diagonal(usize),
}

impl Compound {
    fn members(&self) -> Vec<usize> {
        match self {
            Compound::MatrixVector(a, b) | Compound::Trace(a, b) | Compound::Outer(a, b) => {
                vec![*a, *b]
            }
            Compound::Form(a, b, c) => vec![*a, *b, *c],
            Compound::Diagonal(a) => vec![*a],
        }
    }
}

impl Raw<'_> {
    fn axes(&self) -> Vec<Axis> {
        match self {
            Raw::Data(k) => k.axes(),
            Raw::Stat(s) => {
                let mut out = vec![];
                for i in &s.index {
                    for a in i.axes() {
                        if !out.contains(&a) {
                            out.push(a);
                        }
                    }
                }
                if let Some(k) = &s.offset {
                    k.collect_axes(&mut out);
                }
                out
            }
        }
    }

    /// It has the axis as one plain subscript of its own.
    fn is_vector_of(&self, a: Axis) -> bool {
        let once = |i: &[Subscript]| {
            i.iter().filter(|s| **s == Subscript::Axis(a)).count() == 1
                && i.iter().filter(|s| s.has_axis(a)).count() == 1
        };
        match self {
            Raw::Data(Known::Column(_, i) | Known::Definition(_, i)) => once(i),
            Raw::Data(_) => false,
            Raw::Stat(s) => {
                matches!(s.kind, StatisticKind::Value) && s.offset.is_none() && once(&s.index)
            }
        }
    }
}

impl Writer<'_> {
    /// The two matrix axes of a factor, if it is an entry of a matrix.
    fn matrix_axes(&self, r: &Raw<'_>) -> Option<(Axis, Axis)> {
        let pair = |a: &Subscript, b: &Subscript| match (a, b) {
            (Subscript::Axis(a), Subscript::Axis(b)) if a != b => Some((*a, *b)),
            _ => None,
        };
        match r {
            Raw::Data(Known::Entry(_, a, b)) => pair(a, b),
            Raw::Stat(s)
                if self.is_matrix(s.of)
                    && matches!(s.kind, StatisticKind::Value | StatisticKind::Power(_)) =>
            {
                match s.index.as_slice() {
                    [.., a, b] => pair(a, b),
                    _ => None,
                }
            }
            _ => None,
        }
    }

    fn raw(&self, r: &Raw<'_>, names: &Names) -> Formula {
        match r {
            Raw::Data(k) => self.known(k, names),
            Raw::Stat(s) => self.statistic(s, names),
        }
    }

    fn blocks_of(&self, r: &Raw<'_>) -> Vec<usize> {
        match r {
            Raw::Data(_) => vec![],
            Raw::Stat(s) => self.latent[s.of.index()].into_iter().collect(),
        }
    }

    /// A piece with every letter written.
    pub fn piece(&self, p: &Piece, outer: &Names) -> Formula {
        self.piece_as(p, outer, Layout::Index)
            .unwrap_or(Formula::Number(p.coef))
    }

    /// A piece in a layout; `None` where it has no such form.
    pub fn piece_as(&self, p: &Piece, outer: &Names, layout: Layout) -> Option<Formula> {
        let carried = p.carried_axes();
        let raws: Vec<Raw<'_>> = p
            .data
            .iter()
            .map(Raw::Data)
            .chain(p.stats.iter().map(Raw::Stat))
            .collect();
        let mut hidden: Vec<Axis> = vec![];
        let mut compounds = vec![];
        let mut given = p.given.clone();
        let mut identity = false;
        let with = |a: Axis| -> Vec<usize> {
            (0..raws.len())
                .filter(|i| raws[*i].axes().contains(&a))
                .collect()
        };
        match layout {
            Layout::Index => {}
            Layout::Vector(d) => {
                if given
                    .iter()
                    .any(|c| c.left.has_axis(d) || c.right.has_axis(d))
                {
                    return None;
                }
                let [one] = with(d)[..] else { return None };
                if let Some((a, b)) = self.matrix_axes(&raws[one]) {
                    let e = if a == d { b } else { a };
                    let others: Vec<usize> = with(e).into_iter().filter(|i| *i != one).collect();
                    let [v] = others[..] else { return None };
                    if !p.axes.contains(&e) || !raws[v].is_vector_of(e) {
                        return None;
                    }
                    hidden.extend([d, e]);
                    compounds.push(Compound::MatrixVector(one, v));
                } else if raws[one].is_vector_of(d) {
                    hidden.push(d);
                } else {
                    return None;
                }
                if p.square.as_ref().is_some_and(|s| s.axes().contains(&d)) {
                    return None;
                }
            }
            Layout::Matrix(d, e) => {
                let (ds, es) = (with(d), with(e));
                let square = p.square.as_ref().is_some_and(|s| {
                    matches!(s.kind, SquareKind::Outer(_, x, y) if (x, y) == (d, e) || (y, x) == (d, e))
                });
                let equal = given.iter().position(|c| {
                    let pair = [&c.left, &c.right];
                    pair.contains(&&Subscript::Axis(d)) && pair.contains(&&Subscript::Axis(e))
                });
                match (ds.as_slice(), es.as_slice()) {
                    ([], []) if square => {}
                    ([], []) if equal.is_some() => {
                        if let Some(i) = equal {
                            given.remove(i);
                        }
                        identity = true;
                    }
                    ([u], []) | ([], [u])
                        if equal.is_some()
                            && (raws[*u].is_vector_of(d) || raws[*u].is_vector_of(e)) =>
                    {
                        if let Some(i) = equal {
                            given.remove(i);
                        }
                        hidden.extend([d, e]);
                        compounds.push(Compound::Diagonal(*u));
                    }
                    ([m], [n]) if m == n && self.matrix_axes(&raws[*m]).is_some() => {
                        hidden.extend([d, e]);
                    }
                    ([u], [v])
                        if u != v && raws[*u].is_vector_of(d) && raws[*v].is_vector_of(e) =>
                    {
                        hidden.extend([d, e]);
                        compounds.push(Compound::Outer(*u, *v));
                    }
                    _ => return None,
                }
                if given.iter().any(|c| {
                    [d, e]
                        .iter()
                        .any(|a| c.left.has_axis(*a) || c.right.has_axis(*a))
                }) {
                    return None;
                }
            }
        }
        self.find_forms(p, &raws, &given, &mut hidden, &mut compounds);
        let mut names = outer.clone();
        for a in &hidden {
            names = names.hiding(*a);
        }
        let over: Vec<Axis> = p
            .axes
            .iter()
            .copied()
            .filter(|a| carried.contains(a) && !hidden.contains(a))
            .collect();
        names = names.bind(self.letters, over.iter().copied());
        let mut atoms = vec![];
        let mut used = vec![false; raws.len()];
        for c in &compounds {
            atoms.push(self.compound(c, &raws, &names, &mut used));
        }
        self.single_atoms(&raws, &used, &names, &mut atoms);
        self.add_sizes(p, &carried, &over, &names, &mut atoms);
        if let Some(s) = &p.square {
            atoms.push(self.square(s, &names));
        }
        if identity {
            atoms.push(Atom {
                plain: Formula::name("I"),
                expected: Formula::name("I"),
                below: false,
                blocks: vec![],
                axes: vec![],
                order: 6,
            });
        }
        Some(self.assemble(p.coef, atoms, &over, &given, &names))
    }

    /// Quadratic forms and traces over axes that nothing else carries.
    fn find_forms(
        &self,
        p: &Piece,
        raws: &[Raw<'_>],
        given: &[super::piece::Condition],
        hidden: &mut Vec<Axis>,
        compounds: &mut Vec<Compound>,
    ) {
        let mut used: Vec<usize> = compounds.iter().flat_map(Compound::members).collect();
        for m in 0..raws.len() {
            let Some((d, e)) = self.matrix_axes(&raws[m]) else {
                continue;
            };
            let free = |a: &Axis| p.axes.contains(a) && !hidden.contains(a);
            let conditioned = given.iter().any(|c| {
                [d, e]
                    .iter()
                    .any(|a| c.left.has_axis(*a) || c.right.has_axis(*a))
            });
            let squared = p
                .square
                .as_ref()
                .is_some_and(|s| s.axes().contains(&d) || s.axes().contains(&e));
            if used.contains(&m) || !free(&d) || !free(&e) || conditioned || squared {
                continue;
            }
            let with = |a: Axis| -> Vec<usize> {
                (0..raws.len())
                    .filter(|i| *i != m && raws[*i].axes().contains(&a))
                    .collect()
            };
            let found = match (with(d).as_slice(), with(e).as_slice()) {
                ([u], [v]) if u == v && self.matrix_axes(&raws[*u]).is_some() => {
                    Compound::Trace(*u, m)
                }
                ([u], [v]) if u != v && raws[*u].is_vector_of(d) && raws[*v].is_vector_of(e) => {
                    Compound::Form(*u, m, *v)
                }
                _ => continue,
            };
            used.extend(found.members());
            compounds.push(found);
            hidden.extend([d, e]);
        }
    }
}
