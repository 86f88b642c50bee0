//! The expectations of a block that other blocks read, by its parameters.
//!
//! ```text
//! Dirichlet  E[ln v_k] = ψ(a_k) - ψ(Σ a)      Gamma   E[v] = a/b, E[ln v] = ψ(a) - ln b
//! Beta       E[ln v] = ψ(a) - ψ(a + b)        Wishart E[V] = df S^-1, E[ln|V|] = ψ_D(df/2) + D ln 2 - ln|S|
//! Gaussian   E[v v'] = Cov[v] + E[v] E[v]'    pair    E[(x - w)' V (x - w)] = D/beta + df (x - E[w])' S^-1 (x - E[w])
//! ```

use crate::algebra::formula::Formula;
use crate::derive::Form;
use crate::family::StatisticKind as K;
use crate::model::{Axis, Role};

use super::update::{Collected, Equation};

fn of(name: &str, x: &Formula) -> Formula {
    Formula::Of(name.to_string(), Box::new(x.clone()))
}

fn psi(x: Formula) -> Formula {
    Formula::Apply("ψ".into(), vec![x])
}

fn half(x: Formula) -> Formula {
    Formula::product([Formula::Number(0.5), x])
}

/// The statistics of the block that stand in a term beside another block's.
fn used(c: &Collected<'_, '_>) -> (Vec<K>, bool) {
    let b = c.block;
    let mut kinds = vec![];
    let mut pairs = false;
    for t in &c.page.d.terms.items {
        let mine: Vec<_> = t
            .stats
            .iter()
            .filter(|s| b.unknowns.contains(&s.of))
            .collect();
        if mine.is_empty() || mine.len() == t.stats.len() {
            continue;
        }
        pairs |= mine.len() > 1;
        for s in &mine {
            if !kinds.contains(&s.kind) {
                kinds.push(s.kind);
            }
        }
    }
    kinds.sort();
    (kinds, pairs)
}

/// See the module.
pub fn expectations(c: &Collected<'_, '_>) -> Vec<Equation> {
    if c.block.role != Role::Latent {
        return vec![];
    }
    let (kinds, pairs) = used(c);
    let v = c.symbol(0);
    let has = |k: K| kinds.contains(&k);
    let line = |a: Formula, b: Formula| Equation::new("", Formula::equation(a, b));
    let mut out = vec![];
    match &c.block.form {
        Form::Family(f) => match f.name() {
            "Dirichlet" if has(K::Log) => {
                let a = of("concentration", &v);
                out.push(line(
                    v.log().expected(),
                    Formula::sum([psi(a), psi(simplex_total(c)).negated()]),
                ));
            }
            "Beta" => {
                let (a, b) = (of("a", &v), of("b", &v));
                let both = Formula::sum([a.clone(), b.clone()]);
                if has(K::Log) {
                    out.push(line(
                        v.clone().log().expected(),
                        Formula::sum([psi(a), psi(both.clone()).negated()]),
                    ));
                }
                if has(K::Log1m) {
                    let other = Formula::sum([Formula::Number(1.0), v.negated()]);
                    out.push(line(
                        other.log().expected(),
                        Formula::sum([psi(b), psi(both).negated()]),
                    ));
                }
            }
            "PolyaGamma" => {
                let tilt = of("tilt", &v);
                let tanh =
                    Formula::apply("tanh", Formula::ratio(tilt.clone(), Formula::Number(2.0)));
                out.push(line(
                    v.expected(),
                    Formula::ratio(tanh, Formula::product([Formula::Number(2.0), tilt])),
                ));
            }
            "Gamma" => {
                let (a, b) = (of("shape", &v), of("rate", &v));
                if has(K::Value) {
                    out.push(line(
                        v.clone().expected(),
                        Formula::ratio(a.clone(), b.clone()),
                    ));
                }
                if has(K::Log) {
                    out.push(line(
                        v.log().expected(),
                        Formula::sum([psi(a), b.log().negated()]),
                    ));
                }
            }
            "InverseGamma" => {
                let (a, s) = (of("shape", &v), of("scale", &v));
                if has(K::Power(-1)) {
                    out.push(line(
                        Formula::ratio(Formula::Number(1.0), v.clone()).expected(),
                        Formula::ratio(a.clone(), s.clone()),
                    ));
                }
                if has(K::Log) {
                    out.push(line(
                        v.log().expected(),
                        Formula::sum([s.log(), psi(a).negated()]),
                    ));
                }
            }
            "Wishart" | "InverseWishart" => {
                let v = c.whole(0);
                let inverse = f.name() == "InverseWishart";
                let s = of(if inverse { "scale" } else { "inverse scale" }, &v);
                let df = of("df", &v);
                if has(K::Value) || has(K::Power(-1)) {
                    let left = if inverse {
                        v.clone().inverse()
                    } else {
                        v.clone()
                    };
                    out.push(line(
                        left.expected(),
                        Formula::product([df.clone(), s.clone().inverse()]),
                    ));
                }
                if has(K::Log) {
                    out.push(log_determinant(c, 0, &v, df, s, inverse));
                }
            }
            _ => {}
        },
        Form::GaussianWishart => {
            let (w, v) = (c.whole(0), c.whole(1));
            let (df, s, beta) = (of("df", &v), of("inverse scale", &v), of("beta", &w));
            if has(K::Log) {
                out.push(log_determinant(c, 1, &v, df.clone(), s.clone(), false));
            }
            if pairs {
                let letter = c.page.unused(&["x", "y", "a", "xx"]);
                let x = Formula::name(&letter);
                let at = |m: Formula| Formula::sum([x.clone(), m.negated()]);
                let d = at(w.clone());
                let e = at(w.clone().expected());
                let size = c.slots.of[1].last().map_or(Formula::Number(1.0), |a| {
                    c.page.writer.letters.size(a.plate)
                });
                out.push(Equation::new(
                    format!("for any vector {letter}"),
                    Formula::equation(
                        Formula::product([d.clone().transposed(), v, d]).expected(),
                        Formula::sum([
                            Formula::ratio(size, beta),
                            Formula::product([df, e.clone().transposed(), s.inverse(), e]),
                        ]),
                    ),
                ));
            }
        }
        Form::GaussianGamma => {
            let (w, v) = (c.whole(0), c.symbol(1));
            let (a, b) = (of("shape", &v), of("rate", &v));
            if has(K::Log) {
                out.push(line(
                    v.clone().log().expected(),
                    Formula::sum([psi(a.clone()), b.clone().log().negated()]),
                ));
            }
            if has(K::Value) {
                out.push(line(v.expected(), Formula::ratio(a, b)));
            }
            if pairs && c.slots.inside(c.block, 0).is_empty() {
                let two = Formula::Number(2.0);
                let v = c.symbol(1);
                out.push(line(
                    Formula::product([v.clone(), w.clone().power(two.clone())]).expected(),
                    Formula::sum([
                        Formula::ratio(Formula::Number(1.0), of("beta", &w)),
                        Formula::product([v.expected(), w.expected().power(two)]),
                    ]),
                ));
            }
        }
        Form::Gaussian if pairs && c.block.unknowns.len() == 1 => {
            let w = c.whole(0);
            if c.slots.inside(c.block, 0).is_empty() {
                let two = Formula::Number(2.0);
                out.push(line(
                    w.clone().power(two.clone()).expected(),
                    Formula::sum([c.covariance(0), w.expected().power(two)]),
                ));
            } else {
                let e = w.clone().expected();
                out.push(line(
                    Formula::product([w.clone(), w.clone().transposed()]).expected(),
                    Formula::sum([
                        c.covariance(0),
                        Formula::product([e.clone(), e.transposed()]),
                    ]),
                ));
            }
        }
        _ => {}
    }
    out
}

fn log_determinant(
    c: &Collected<'_, '_>,
    i: usize,
    v: &Formula,
    df: Formula,
    s: Formula,
    inverse: bool,
) -> Equation {
    let size = c.slots.of[i].last().map_or(Formula::Number(1.0), |a| {
        c.page.writer.letters.size(a.plate)
    });
    let psi = Formula::Apply(format!("ψ_{}", size.text()), vec![half(df)]);
    let parts = [
        psi,
        Formula::product([size, Formula::Number(2.0).log()]),
        Formula::Bars(Box::new(s)).log().negated(),
    ];
    let right = if inverse {
        Formula::sum(parts.into_iter().map(Formula::negated))
    } else {
        Formula::sum(parts)
    };
    Equation::new(
        "",
        Formula::equation(Formula::Bars(Box::new(v.clone())).log().expected(), right),
    )
}

/// Σ_j concentration[v_j]
fn simplex_total(c: &Collected<'_, '_>) -> Formula {
    let Some(k) = c.slots.of[0].last().copied() else {
        return Formula::Number(0.0);
    };
    let other = Axis {
        plate: k.plate,
        id: k.id + (1 << 20),
    };
    let names = c.names.bind(c.page.writer.letters, [other]);
    let mut axes = c.slots.of[0].clone();
    if let Some(last) = axes.last_mut() {
        *last = other;
    }
    let v = c.page.symbol(c.block.unknowns[0], &axes, &names, &[]);
    let letter = names.get(other).map(Formula::name).into_iter().collect();
    Formula::total(letter, vec![], of("concentration", &v))
}
