//! The log joint as a person writes it: the derivation's terms, with the squares of Gaussian statements put back together.
//!
//! in: a derivation -> out: [`Item`]s whose sum is log p.
//!
//! A square is taken from its statement, multiplied out, and subtracted from the terms; it stands for them only if nothing of it
//! is left over. So the items are the derivation's own terms by construction, whatever the statement looked like. Variables
//! are those of the model as written: centres are 0 here.

use super::predicted;
use crate::algebra::canonical::canonicalise;
use crate::algebra::expand::{Expander, merge_known, scaled, summed};
use crate::algebra::piece::{MatrixFactor as Form, Piece, Square, SquareKind};
use crate::algebra::{Known, MatrixFactor, Scale, Statistic, Subscript, Term, complete};
use crate::derive::Derivation;
use crate::dist::log_density::Value;
use crate::family::StatisticKind;
use crate::model::{
    Argument, ArgumentName, Axis, Case, ColumnId, ColumnType, DefinitionId, Distribution,
    DistributionKind, Factor, FactorId, FactorKind,
};

/// A part of log p.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    /// As it is written.
    pub piece: Piece,
    /// The terms it stands for.
    pub terms: Vec<Term>,
    /// The statements it comes from.
    pub from: Vec<FactorId>,
}

/// The items of a derivation, by statement.
pub fn items(d: &Derivation) -> Vec<Item> {
    let mut terms: Vec<Term> =
        canonicalise(d.terms.items.iter().map(uncentred).collect(), &d.unknowns).items;
    let blank = |c: ColumnId| {
        d.terms.items.iter().any(|t| {
            t.data
                .iter()
                .any(|k| matches!(k, Known::Present(x, _) if *x == c))
        })
    };
    let blank_definition = |x: DefinitionId| {
        d.terms.items.iter().any(|t| {
            t.data
                .iter()
                .any(|k| matches!(k, Known::PresentDefinition(y, _) if *y == x))
        })
    };
    let ex = Expander::new(&d.model, &d.unknowns, &blank, &blank_definition);
    let mut out = vec![];
    for (i, factor) in d.model.factors.iter().enumerate() {
        let f = FactorId::from(i);
        for (piece, expansion) in squares(&ex, factor) {
            let expansion: Vec<Term> = expansion
                .into_iter()
                .filter_map(|mut t| {
                    t.from = vec![f];
                    complete(&ex, t)
                })
                .collect();
            let expansion = canonicalise(expansion, &d.unknowns).items;
            let mut rest = terms.clone();
            rest.extend(scaled(-1.0, expansion.clone()));
            let mut rest = canonicalise(rest, &d.unknowns).items;
            rest.retain(|t| t.coef.abs() > 1e-9);
            if rest.len() < terms.len() {
                terms = rest;
                out.push(Item {
                    piece,
                    terms: expansion,
                    from: vec![f],
                });
            }
        }
    }
    let (whole, terms) = predicted::predicted(d, terms);
    out.extend(whole);
    for t in terms {
        out.push(Item {
            piece: Piece::from(&t),
            from: t.from.clone(),
            terms: vec![t],
        });
    }
    out.sort_by_key(|i| (i.from.first().copied(), i.piece.square.is_some()));
    out
}

/// The quadratic parts of a statement's Gaussians, as pieces and multiplied out.
fn squares(ex: &Expander<'_>, factor: &Factor) -> Vec<(Piece, Vec<Term>)> {
    let (conditional, subject) = match &factor.kind {
        FactorKind::Prior(v, c) => (c, Subject::Variable(*v)),
        FactorKind::ObservedColumn(x, c) => (c, Subject::Column(*x)),
        FactorKind::ObservedDefinition(x, c) => (c, Subject::Definition(*x)),
        FactorKind::ObservedOnly(_) | FactorKind::Potential(_) => return vec![],
    };
    let mut leaves = vec![];
    match &conditional.first {
        None => branch(ex, &conditional.usual, Choice::default(), &mut leaves),
        Some(first) => {
            let has = Known::product(conditional.lags.iter().map(|(a, k)| Known::HasLag(*a, *k)));
            let lacks = Known::sum([Known::number(1.0), has.clone().negated()]);
            for (case, mask) in [(&conditional.usual, has), (first, lacks)] {
                let choice = Choice {
                    data: vec![mask],
                    stats: vec![],
                };
                branch(ex, case, choice, &mut leaves);
            }
        }
    }
    leaves
        .into_iter()
        .filter_map(|(d, choice)| {
            square(ex, factor, subject, d, &choice)
                .or_else(|| auxiliary_square(ex, factor, subject, d, &choice))
        })
        .collect()
}

/// The square of a predictor or a distance that an auxiliary brought: omega eta^2 / 2, (d^2 / xi) / 2, eta^2 / 2 beside g eta.
fn auxiliary_square(
    ex: &Expander<'_>,
    factor: &Factor,
    subject: Subject,
    d: &Distribution,
    choice: &Choice,
) -> Option<(Piece, Vec<Term>)> {
    let scalar = |n| match d.argument(n) {
        Some(Argument::Scalar(e)) => Some(e),
        _ => None,
    };
    let auxiliary = scalar(ArgumentName::Auxiliary)?;
    let (mut front, roots) = match d.kind {
        DistributionKind::Bernoulli | DistributionKind::Binomial => {
            match (scalar(ArgumentName::Logit), scalar(ArgumentName::Probit)) {
                (Some(e), _) => (ex.expand(auxiliary).ok()?, ex.expand(e).ok()?),
                (None, Some(e)) => (vec![Term::number(1.0)], ex.expand(e).ok()?),
                (None, None) => return None,
            }
        }
        DistributionKind::Categorical => {
            let centre = ex.expand(scalar(ArgumentName::Centre)?).ok()?;
            let eta = ex.expand(scalar(ArgumentName::Logit)?).ok()?;
            let omega = ex.expand(auxiliary).ok()?;
            (omega, [eta, scaled(-1.0, centre)].concat())
        }
        DistributionKind::Laplace => {
            let (value, _) = value(ex, factor, d, subject)?;
            let mean = ex.expand(scalar(ArgumentName::Mean)?).ok()?;
            let rate = match (scalar(ArgumentName::Rate), scalar(ArgumentName::Scale)) {
                (Some(r), _) => ex.scale(r).ok()?,
                (None, Some(s)) => ex.scale(s).ok()?.power(-1.0),
                (None, None) => return None,
            };
            let inverse = ex.scale(auxiliary).ok()?.power(-1.0);
            (
                rate.times(inverse).factor().ok()?,
                merge_known([value.polynomial(ex), scaled(-1.0, mean)].concat()),
            )
        }
        _ => return None,
    };
    // A square of one number alone needs no bracket.
    if roots.len() < 2 && roots.iter().all(|r| r.axes.is_empty()) {
        return None;
    }
    let mut masks = choice.data.clone();
    if let Some(total) = scalar(ArgumentName::Total) {
        front = ex.multiply(&front, &[Term::known(ex.known(total)?)]);
    }
    match subject {
        Subject::Column(c) if (ex.blank)(c) => {
            masks.push(Known::Present(
                c,
                factor.axes.iter().map(|a| Subscript::Axis(*a)).collect(),
            ));
        }
        Subject::Definition(x) if (ex.blank_definition)(x) => {
            masks.push(Known::PresentDefinition(
                x,
                factor.axes.iter().map(|a| Subscript::Axis(*a)).collect(),
            ));
        }
        _ => {}
    }
    let over = match d.kind {
        DistributionKind::Categorical => d.over,
        _ => None,
    };
    let [first] = front.as_slice() else {
        return None;
    };
    let mut piece = Piece {
        coef: -0.5 * first.coef,
        data: first.data.clone(),
        stats: first.stats.clone(),
        square: Some(Square {
            roots: roots.clone(),
            kind: SquareKind::Scalar,
        }),
        given: vec![],
        axes: factor.axes.iter().copied().chain(over).collect(),
    };
    piece.data.extend(masks.iter().cloned());
    piece.stats.extend(choice.stats.iter().cloned());
    let mut expansion = ex.multiply(&front, &ex.multiply(&roots, &roots));
    if let Some(k) = over {
        expansion = summed(expansion, &[k]);
    }
    for t in &mut expansion {
        t.coef *= -0.5;
        t.axes.extend(&factor.axes);
        t.data.extend(masks.iter().cloned());
        t.stats.extend(choice.stats.iter().cloned());
    }
    open_latents(ex, &mut piece)?;
    Some((piece, expansion))
}

/// What must hold for a branch: masks and indicators that multiply its density.
#[derive(Debug, Clone, Default)]
struct Choice {
    data: Vec<Known>,
    stats: Vec<Statistic>,
}

/// The distributions of a choice, each with its masks.
fn branch<'a>(
    ex: &Expander<'_>,
    case: &'a Case,
    choice: Choice,
    out: &mut Vec<(&'a Distribution, Choice)>,
) {
    match case {
        Case::Always(d) => out.push((d, choice)),
        Case::By {
            selector, branches, ..
        } => {
            for (e, b) in branches {
                let mut c = choice.clone();
                match ex.subscript(selector) {
                    Subscript::Latent(of, mut index) => {
                        index.push(Subscript::Element(*e));
                        c.stats.push(Statistic {
                            of,
                            kind: StatisticKind::Indicator,
                            index,
                            offset: None,
                        });
                    }
                    other => c.data.push(Known::IsElement(other, *e)),
                }
                branch(ex, b, c, out);
            }
        }
    }
}

/// The quadratic part of a Gaussian, as a piece and multiplied out.
fn square(
    ex: &Expander<'_>,
    factor: &Factor,
    subject: Subject,
    d: &Distribution,
    choice: &Choice,
) -> Option<(Piece, Vec<Term>)> {
    if d.kind != DistributionKind::Gaussian {
        return None;
    }
    let (value, mask) = value(ex, factor, d, subject)?;
    let Some(Argument::Scalar(mean)) = d.argument(ArgumentName::Mean) else {
        return None;
    };
    let mean = ex.expand(mean).ok()?;
    let roots = merge_known([value.polynomial(ex), scaled(-1.0, mean)].concat());
    let matrix = [ArgumentName::Cov, ArgumentName::Precision]
        .into_iter()
        .find_map(|n| match d.argument(n) {
            Some(Argument::Matrix(m)) => Some((n, m)),
            _ => None,
        });
    let (scale, kind, mut expansion, over) = match (matrix, d.over) {
        (Some((name, m)), Some(axis)) => {
            let (mut scale, mut factor) = ex.matrix(m, axis).ok()?;
            if name == ArgumentName::Cov {
                scale = scale.power(-1.0);
                factor = match factor {
                    MatrixFactor::Unknown(u, i, p) => MatrixFactor::Unknown(u, i, -p),
                    MatrixFactor::Known(k) => MatrixFactor::Known(k.inverse()),
                };
            }
            let e = ex.fresh(axis.plate);
            let (_, entry) = ex
                .precision_terms(&scale, &factor, axis.plate, axis, e)
                .ok()?;
            let at_e: Vec<Term> = roots
                .iter()
                .map(|t| ex.freshen(t).substitute(&[(axis, Subscript::Axis(e))]))
                .collect();
            let square = ex.multiply(&ex.multiply(&entry, &roots), &at_e);
            let form = match factor {
                MatrixFactor::Unknown(of, mut index, p) => {
                    index.extend([Subscript::Axis(axis), Subscript::Axis(e)]);
                    Form::Statistic(Statistic {
                        of,
                        kind: if p == 1 {
                            StatisticKind::Value
                        } else {
                            StatisticKind::Power(p)
                        },
                        index,
                        offset: None,
                    })
                }
                MatrixFactor::Known(m) => Form::Known(m),
            };
            (
                scale,
                SquareKind::Form(form, axis, e),
                summed(square, &[axis, e]),
                None,
            )
        }
        (Some(_), None) => return None,
        (None, over) => {
            let scale = precision(ex, d)?;
            let square = ex.multiply(&scale.factor().ok()?, &ex.multiply(&roots, &roots));
            let square = match over {
                Some(a) => summed(square, &[a]),
                None => square,
            };
            (scale, SquareKind::Scalar, square, over)
        }
    };
    let factor_term = scale.factor().ok()?.into_iter().next()?;
    let mut piece = Piece {
        coef: -0.5 * factor_term.coef,
        data: factor_term.data,
        stats: factor_term.stats,
        square: Some(Square { roots, kind }),
        given: vec![],
        axes: factor.axes.clone(),
    };
    piece.axes.extend(over);
    let masks: Vec<Known> = mask
        .into_iter()
        .chain(choice.data.iter().cloned())
        .collect();
    piece.data.extend(masks.iter().cloned());
    piece.stats.extend(choice.stats.iter().cloned());
    for t in &mut expansion {
        t.coef *= -0.5;
        t.axes.extend(&factor.axes);
        t.data.extend(masks.iter().cloned());
        t.stats.extend(choice.stats.iter().cloned());
    }
    open_latents(ex, &mut piece)?;
    Some((piece, expansion))
}

#[derive(Clone, Copy)]
enum Subject {
    Variable(crate::model::VariableId),
    Column(ColumnId),
    Definition(DefinitionId),
}

/// What the statement is about, with the mask of its cells.
fn value(
    ex: &Expander<'_>,
    factor: &Factor,
    d: &Distribution,
    subject: Subject,
) -> Option<(Value, Option<Known>)> {
    let mut index: Vec<Subscript> = factor.axes.iter().map(|a| Subscript::Axis(*a)).collect();
    let slots = match subject {
        Subject::Variable(v) => ex.model.variable(v).slots.len(),
        Subject::Column(c) => ex.model.column(c).slots.len(),
        Subject::Definition(x) => ex.model.definition(x).axes.len(),
    };
    if index.len() < slots {
        index.extend(d.over.map(Subscript::Axis));
    }
    Some(match subject {
        Subject::Variable(v) => (Value::Unknown(ex.unknowns.variable(v), index), None),
        Subject::Column(c) => {
            if ex.unknowns.column(c).is_some()
                || matches!(ex.model.column(c).ty, ColumnType::Label(_))
            {
                return None;
            }
            let mask = (ex.blank)(c).then(|| Known::Present(c, index.clone()));
            (Value::Known(Known::Column(c, index)), mask)
        }
        Subject::Definition(x) => {
            let mask = (ex.blank_definition)(x).then(|| Known::PresentDefinition(x, index.clone()));
            (Value::Known(Known::Definition(x, index)), mask)
        }
    })
}

fn precision(ex: &Expander<'_>, d: &Distribution) -> Option<Scale> {
    let scalar = |n| match d.argument(n) {
        Some(Argument::Scalar(e)) => Some(e),
        _ => None,
    };
    if let Some(e) = scalar(ArgumentName::Precision) {
        return ex.scale(e).ok();
    }
    if let Some(e) = scalar(ArgumentName::Var) {
        return Some(ex.scale(e).ok()?.power(-1.0));
    }
    Some(ex.scale(scalar(ArgumentName::Sd)?).ok()?.power(-2.0))
}

/// Latent subscripts become axes with one indicator for the whole square. `None` where one varies inside a root's own sum.
fn open_latents(ex: &Expander<'_>, p: &mut Piece) -> Option<()> {
    let own: Vec<Axis> = p
        .square
        .iter()
        .flat_map(|s| s.roots.iter().flat_map(|r| r.axes.clone()))
        .collect();
    loop {
        let mut found: Option<Subscript> = None;
        {
            let mut visit = |s: &Subscript| {
                if found.is_none() {
                    found = innermost(s);
                }
            };
            if let Some(s) = &p.square {
                for r in &s.roots {
                    r.data.iter().for_each(|k| k.subscripts(&mut |s| visit(s)));
                    r.stats.iter().flat_map(|s| &s.index).for_each(&mut visit);
                }
                if let SquareKind::Form(Form::Statistic(m), ..) = &s.kind {
                    m.index.iter().for_each(&mut visit);
                }
            }
            p.data.iter().for_each(|k| k.subscripts(&mut |s| visit(s)));
            p.stats.iter().flat_map(|s| &s.index).for_each(&mut visit);
        }
        let Some(target) = found else { return Some(()) };
        let Subscript::Latent(u, index) = &target else {
            return None;
        };
        if own.iter().any(|a| target.has_axis(*a)) {
            return None;
        }
        let k = ex.fresh(ex.unknowns.get(*u).element_plate()?);
        let put = |s: &Subscript| replace(s, &target, k);
        p.data = p.data.iter().map(|x| x.map(&put)).collect();
        for s in &mut p.stats {
            s.index = s.index.iter().map(put).collect();
        }
        if let Some(s) = &mut p.square {
            s.roots = s.roots.iter().map(|r| r.map(&put)).collect();
            if let SquareKind::Form(Form::Statistic(m), ..) = &mut s.kind {
                m.index = m.index.iter().map(put).collect();
            }
        }
        let mut index = index.clone();
        index.push(Subscript::Axis(k));
        p.stats.push(Statistic {
            of: *u,
            kind: StatisticKind::Indicator,
            index,
            offset: None,
        });
        p.axes.push(k);
    }
}

fn innermost(s: &Subscript) -> Option<Subscript> {
    match s {
        Subscript::Axis(_) | Subscript::Lag(..) | Subscript::Element(_) => None,
        Subscript::Column(_, i) => i.iter().find_map(innermost),
        Subscript::Latent(_, i) => i.iter().find_map(innermost).or_else(|| Some(s.clone())),
    }
}

fn replace(s: &Subscript, target: &Subscript, by: Axis) -> Subscript {
    if s == target {
        return Subscript::Axis(by);
    }
    match s {
        Subscript::Axis(_) | Subscript::Lag(..) | Subscript::Element(_) => s.clone(),
        Subscript::Column(c, i) => {
            Subscript::Column(*c, i.iter().map(|x| replace(x, target, by)).collect())
        }
        Subscript::Latent(u, i) => {
            Subscript::Latent(*u, i.iter().map(|x| replace(x, target, by)).collect())
        }
    }
}

/// The term about the variables as written: every centre is 0.
pub(super) fn uncentred(t: &Term) -> Term {
    let zero = |k: &Known| k.as_number() == Some(0.0);
    let stats = t.stats.iter().map(|s| Statistic {
        offset: s.offset.as_ref().map(without_centre).filter(|k| !zero(k)),
        ..s.clone()
    });
    Term {
        data: t.data.iter().map(without_centre).collect(),
        stats: stats.collect(),
        ..t.clone()
    }
}

/// A known number about the variables as written.
pub(super) fn without_centre(k: &Known) -> Known {
    match k {
        Known::Centre(..) => Known::number(0.0),
        Known::Add(p) => Known::sum(p.iter().map(without_centre)),
        Known::Multiply(p) => Known::product(p.iter().map(without_centre)),
        Known::Power(b, e) => match e.as_number() {
            Some(e) => without_centre(b).power(e),
            None => Known::Power(Box::new(without_centre(b)), e.clone()),
        },
        Known::Call(f, x) => Known::call(*f, without_centre(x)),
        other => other.clone(),
    }
}
