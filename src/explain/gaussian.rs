//! Updates of Gaussian blocks: precision and mean from linear and quadratic messages.
//!
//! ```text
//! ln q(v) = b'v + v'Q v + const      Cov[v]^-1 = -(Q + Q'),  E[v] = Cov[v] b;      a point: the same mean
//! ln q(w, V) = c ln|V| + tr(S V) + B'V w - beta w'V w / 2     E[w] = B / beta,  df = 2c + D,  inverse scale -2S - beta E[w] E[w]'
//! ```

use crate::algebra::Known;
use crate::algebra::formula::Formula;
use crate::algebra::layout::Layout;
use crate::algebra::letters::Names;
use crate::algebra::piece::Piece;
use crate::algebra::{Statistic, Subscript};
use crate::derive::Form;
use crate::family::StatisticKind as K;
use crate::model::{Axis, Role};

use super::factor::together;
use super::message::Target;
use super::normal_equations::joint;
use super::page::Page;
use super::simplify::{add, symmetric};
use super::update::{Collected, Equation, cancel};

impl Page<'_> {
    /// A sum of pieces as a matrix expression.
    pub fn sum_matrix(&self, list: &[Piece], names: &Names, d: Axis, e: Axis) -> Option<Formula> {
        self.sum(list, &names.hiding(d).hiding(e), Layout::Matrix(d, e))
    }
}

/// a (b / s) as (a b) / s
fn times(a: Formula, b: Formula) -> Formula {
    match b {
        Formula::Ratio(top, below) => Formula::ratio(Formula::product([a, *top]), *below),
        b => Formula::product([a, b]),
    }
}

fn of(name: &str, x: Formula) -> Formula {
    Formula::Of(name.to_string(), Box::new(x))
}

/// The axes of the inside of an unknown where it is one vector.
fn vector_axes(c: &Collected<'_, '_>, i: usize) -> Option<(Axis, Axis)> {
    match (
        c.slots.inside(c.block, i).as_slice(),
        c.slots.second[i].as_slice(),
    ) {
        ([d], [e]) => Some((*d, *e)),
        _ => None,
    }
}

/// Entries of the precision between elements of one unknown.
pub(super) fn pairs(c: &Collected<'_, '_>, i: usize) -> Vec<Piece> {
    symmetric(
        c.message(&Target::Pair(i, i), 1.0),
        &c.slots.inside(c.block, i),
        &c.slots.second[i],
        &|u| c.page.writer.is_matrix(u),
    )
}

/// See the module.
pub fn gaussian(c: &Collected<'_, '_>) -> Vec<Equation> {
    if c.block.unknowns.len() > 1 {
        return joint(c);
    }
    let latent = c.block.role == Role::Latent;
    let linear = c.message(&Target::Single(0, K::Value), 1.0);
    let quadratic = pairs(c, 0);
    if !latent && let Some(e) = weighted_mean(c, &linear, &quadratic) {
        return vec![e];
    }
    let inside = c.slots.inside(c.block, 0);
    let whole = c.whole(0);
    if inside.is_empty() {
        let v = c.symbol(0);
        let (a, b) = (c.sum(&quadratic), together(c.sum(&linear)));
        if latent {
            return vec![
                head(c),
                Equation::new("", Formula::equation(c.covariance(0).inverse(), a)),
                Equation::new(
                    "",
                    Formula::equation(v.expected(), times(c.covariance(0), b)),
                ),
            ];
        }
        return vec![Equation::new(
            "",
            Formula::equation(v, Formula::ratio(b, a)),
        )];
    }
    let parts = vector_axes(c, 0).and_then(|(d, e)| {
        let names = c.names.bind(c.page.writer.letters, [e]);
        Some((
            c.page.sum_matrix(&quadratic, &names, d, e)?,
            together(c.page.sum(&linear, &c.names.hiding(d), Layout::Vector(d))?),
        ))
    });
    match parts {
        Some((a, b)) if latent => vec![
            head(c),
            Equation::new("", Formula::equation(c.covariance(0).inverse(), a)),
            Equation::new(
                "",
                Formula::equation(whole.expected(), times(c.covariance(0), b)),
            ),
        ],
        Some((a, b)) => vec![Equation::new(
            "",
            Formula::equation(whole, Formula::product([a.inverse(), b])),
        )],
        None => joint(c),
    }
}

/// q(v) = Gaussian(mean, covariance)
pub(super) fn head(c: &Collected<'_, '_>) -> Equation {
    let whole: Vec<Formula> = (0..c.block.unknowns.len()).map(|i| c.whole(i)).collect();
    let one = whole.len() == 1 && c.slots.inside(c.block, 0).is_empty();
    let spread = if one { "variance" } else { "covariance" };
    Equation::new(
        "",
        Formula::equation(
            Formula::Apply("q".into(), whole),
            Formula::Apply(
                "Gaussian".into(),
                vec![Formula::Word("mean".into()), Formula::Word(spread.into())],
            ),
        ),
    )
}

/// A point whose messages all hold one same scale: the scale cancels, and the mean is a weighted mean of data.
fn weighted_mean(c: &Collected<'_, '_>, linear: &[Piece], quadratic: &[Piece]) -> Option<Equation> {
    if quadratic.is_empty() {
        return None;
    }
    let (mut top, mut bottom) = (linear.to_vec(), quadratic.to_vec());
    let mut vector = None;
    if let Some((d, e)) = vector_axes(c, 0) {
        // Every quadratic message is a number times M_de, every linear one the same M times a vector.
        let m = bottom
            .first()?
            .stats
            .iter()
            .find(|s| entry_at(s, d, e))?
            .clone();
        for p in &mut bottom {
            let i = p.stats.iter().position(|s| *s == m)?;
            p.stats.remove(i);
            if p.carried_axes().iter().any(|a| *a == d || *a == e) {
                return None;
            }
        }
        for p in &mut top {
            let n = m.index.len() - 2;
            let (i, other) = p.stats.iter().enumerate().find_map(|(i, s)| {
                if s.of != m.of || s.kind != m.kind || s.index[..n] != m.index[..n] {
                    return None;
                }
                match (&s.index[n], &s.index[n + 1]) {
                    (Subscript::Axis(x), Subscript::Axis(y)) if *x == d => Some((i, *y)),
                    (Subscript::Axis(x), Subscript::Axis(y)) if *y == d => Some((i, *x)),
                    _ => None,
                }
            })?;
            p.stats.remove(i);
            if !p.axes.contains(&other) {
                return None;
            }
            p.axes.retain(|a| *a != other);
            *p = p.rename(&[(other, d)]);
        }
        vector = Some(d);
    } else if !c.slots.inside(c.block, 0).is_empty() {
        return None;
    }
    cancel_factors(&mut top, &mut bottom);
    let (mut top, mut bottom) = (add(top), add(bottom));
    cancel(&mut top, &mut bottom);
    let below = c.sum(&bottom);
    let vectors = vector.and_then(|d| {
        c.page
            .sum(&top, &c.names.hiding(d), Layout::Vector(d))
            .map(|f| (c.whole(0), f))
    });
    let (left, above) = vectors.unwrap_or_else(|| (c.symbol(0), c.sum(&top)));
    Some(Equation::new(
        "",
        Formula::equation(left, Formula::ratio(above, below)),
    ))
}

fn entry_at(s: &Statistic, d: Axis, e: Axis) -> bool {
    let [.., x, y] = s.index.as_slice() else {
        return false;
    };
    let (d, e) = (Subscript::Axis(d), Subscript::Axis(e));
    matches!(s.kind, K::Value | K::Power(_)) && ((*x == d && *y == e) || (*x == e && *y == d))
}

/// Factors without summed axes that all pieces of both hold.
pub(super) fn cancel_factors(top: &mut [Piece], bottom: &mut [Piece]) {
    let all = |f: &dyn Fn(&Piece) -> bool, top: &[Piece], bottom: &[Piece]| {
        top.iter().chain(bottom).all(f)
    };
    let Some(first) = bottom.first().cloned() else {
        return;
    };
    for s in first.stats {
        let free = all(
            &|p| p.stats.contains(&s) && !p.axes.iter().any(|a| s.has_axis(*a)),
            top,
            bottom,
        );
        if free {
            for p in top.iter_mut().chain(bottom.iter_mut()) {
                if let Some(i) = p.stats.iter().position(|x| *x == s) {
                    p.stats.remove(i);
                }
            }
        }
    }
    for k in first.data {
        let free = all(
            &|p| p.data.contains(&k) && !p.axes.iter().any(|a| k.axes().contains(a)),
            top,
            bottom,
        );
        if free && !matches!(k, Known::Size(_)) {
            for p in top.iter_mut().chain(bottom.iter_mut()) {
                if let Some(i) = p.data.iter().position(|x| *x == k) {
                    p.data.remove(i);
                }
            }
        }
    }
}

/// Mean and precision jointly.
pub fn with_precision(c: &Collected<'_, '_>) -> Vec<Equation> {
    let matrix = matches!(c.block.form, Form::GaussianWishart);
    let log = c.message(&Target::Single(1, K::Log), 1.0);
    let value = c.message(&Target::Single(1, K::Value), 1.0);
    let cross = c.message(&Target::Cross, 1.0);
    let beta = c.message(&Target::Quadratic, -2.0);
    let (w, v) = (c.whole(0), c.whole(1));
    let name = if matrix {
        "Gaussian-Wishart"
    } else {
        "Gaussian-Gamma"
    };
    let inside = vector_axes(c, 0);
    let scaled = |list: &[Piece], x: f64| {
        add(list
            .iter()
            .map(|p| Piece {
                coef: p.coef * x,
                ..p.clone()
            })
            .collect())
    };
    let words: Vec<Formula> = if matrix {
        ["mean", "beta", "df", "inverse scale"]
    } else {
        ["mean", "beta", "shape", "rate"]
    }
    .iter()
    .map(|s| Formula::Word((*s).to_string()))
    .collect();
    let mut out = vec![Equation::new(
        "",
        Formula::equation(
            Formula::Apply("q".into(), vec![w.clone(), v.clone()]),
            Formula::Apply(name.into(), words),
        ),
    )];
    let b = of("beta", w.clone());
    let mean = w.clone().expected();
    // For a matrix, beta is a number; for a number and several means it is a matrix.
    let beta_sum = match inside {
        Some((d, e)) if !matrix => c
            .page
            .sum_matrix(&beta, &c.names, d, e)
            .unwrap_or_else(|| c.sum(&beta)),
        _ => c.sum(&beta),
    };
    let cross_sum = match inside {
        Some((d, _)) => c
            .page
            .sum(&cross, &c.names.hiding(d), Layout::Vector(d))
            .unwrap_or_else(|| c.sum(&cross)),
        None => c.sum(&cross),
    };
    out.push(Equation::new("", Formula::equation(b.clone(), beta_sum)));
    let mean_value = if matrix || inside.is_none() {
        Formula::ratio(cross_sum, b.clone())
    } else {
        Formula::product([b.clone().inverse(), cross_sum])
    };
    out.push(Equation::new(
        "",
        Formula::equation(mean.clone(), mean_value),
    ));
    if matrix {
        let mut df = scaled(&log, 2.0);
        if let Some(d) = c.slots.of[1].last() {
            df.push(Piece {
                data: vec![Known::Size(d.plate)],
                ..Piece::number(1.0)
            });
        }
        out.push(Equation::new(
            "",
            Formula::equation(of("df", v.clone()), c.sum(&add(df))),
        ));
        let s = scaled(&value, -2.0);
        let [.., d, e] = c.slots.of[1].as_slice() else {
            return out;
        };
        let sum = c
            .page
            .sum_matrix(&s, &c.names, *d, *e)
            .unwrap_or_else(|| c.sum(&s));
        let less = Formula::product([b, mean.clone(), mean.transposed()]).negated();
        out.push(Equation::new(
            "",
            Formula::equation(of("inverse scale", v), Formula::sum([sum, less])),
        ));
    } else {
        // Each mean takes half a log: v^(1/2) of its density.
        let mut shape = log;
        shape.push(Piece::number(1.0));
        let mut half = Piece::number(-0.5);
        for a in c.slots.inside(c.block, 0) {
            half.data.push(Known::Size(a.plate));
        }
        shape.push(half);
        out.push(Equation::new(
            "",
            Formula::equation(of("shape", v.clone()), c.sum(&add(shape))),
        ));
        let rate = scaled(&value, -1.0);
        let square = if inside.is_some() {
            Formula::product([Formula::Number(0.5), mean.clone().transposed(), b, mean])
        } else {
            Formula::product([Formula::Number(0.5), b, mean.power(Formula::Number(2.0))])
        };
        out.push(Equation::new(
            "",
            Formula::equation(
                of("rate", v),
                Formula::sum([c.sum(&rate), square.negated()]),
            ),
        ));
    }
    out
}
