//! Points that a constraint ties together: unit vectors, elements that do not decrease.
//!
//! ```text
//! unit norm   r_k = b_k - Σ_j≠k A_kj w_j,  w_k = r_k / |r_k|         at most 1: r_k / max(A_kk, |r_k|)
//! increasing  v = argmin Σ_k a_k (v_k - b_k / a_k)^2,  v_1 ≤ v_2 ≤ ...: on each pool Σ b / Σ a
//! ```

use crate::algebra::formula::Formula;
use crate::algebra::layout::Layout;
use crate::family::StatisticKind as K;
use crate::model::{Axis, Constraint};

use super::factor::together;
use super::gaussian::pairs;
use super::message::Target;
use super::update::{Collected, Equation, cancel, family_equations};

fn line(lead: &str, a: Formula, b: Formula) -> Equation {
    Equation::new(lead, Formula::equation(a, b))
}

/// Vectors of norm 1, or at most 1.
pub fn unit_vectors(c: &Collected<'_, '_>) -> Vec<Equation> {
    let (norm, ball) = match c.page.d.unknowns.get(c.block.unknowns[0]).constraint {
        Some(Constraint::UnitNorm(p)) => (p, false),
        Some(Constraint::UnitBall(p)) => (p, true),
        _ => return vec![],
    };
    let free = |l: &[&str]| c.page.free(l);
    let (a_name, b_name) = (free(&["A", "P", "Q", "AA"]), free(&["b", "g", "u", "bb"]));
    let r_name = free(&["r", "s", "t", "rr"]);
    let slots = &c.slots.of[0];
    let inside = c.slots.inside(c.block, 0);
    let second = c.slots.second[0].clone();
    let names = c.names.bind(c.page.writer.letters, second.iter().copied());
    let letters = |axes: &[Axis]| -> Vec<Formula> {
        axes.iter()
            .filter_map(|a| names.get(*a).map(Formula::name))
            .collect()
    };
    let symbol = |n: &str, axes: &[Axis]| Formula::Symbol(n.into(), letters(axes));
    // The vector's own axis is not written; the curvature is one along it.
    let hidden: Vec<Axis> = slots.iter().copied().filter(|a| a.plate == norm).collect();
    let kept: Vec<Axis> = slots.iter().copied().filter(|a| a.plate != norm).collect();
    let entry: Vec<Axis> = kept.iter().chain(&second).copied().collect();
    let diagonal: Vec<Axis> = kept.iter().chain(&inside).copied().collect();
    let vector = c.page.symbol(c.block.unknowns[0], slots, &names, &hidden);
    let neighbour = {
        let mut at = slots.clone();
        for (slot, a) in c.block.inside_slots[0].iter().zip(&second) {
            at[*slot] = *a;
        }
        c.page.symbol(c.block.unknowns[0], &at, &names, &hidden)
    };
    let quadratic = pairs(c, 0);
    let linear = c.message(&Target::Single(0, K::Value), 1.0);
    let sum = |list: &[crate::algebra::piece::Piece]| {
        together(Formula::sum(
            list.iter().map(|p| c.page.writer.piece(p, &names)),
        ))
    };
    let mut out = vec![
        line("", symbol(&b_name, slots), sum(&linear)),
        line("", symbol(&a_name, &entry), sum(&quadratic)),
    ];
    let (b, r) = (symbol(&b_name, &kept), symbol(&r_name, &kept));
    let others = Formula::total(
        super::penalised::not_own(letters(&second), letters(&inside)),
        vec![],
        Formula::product([symbol(&a_name, &entry), neighbour]),
    );
    let right = if inside.is_empty() {
        b
    } else {
        Formula::sum([b, others.negated()])
    };
    let lead = if inside.is_empty() {
        "each vector"
    } else {
        "one vector after the other, until none moves"
    };
    out.push(line(lead, r.clone(), right));
    let size = Formula::Bars(Box::new(r.clone()));
    let below = if ball {
        Formula::Apply("max".into(), vec![symbol(&a_name, &diagonal), size])
    } else {
        size
    };
    out.push(line("", vector, Formula::ratio(r, below)));
    out
}

/// Elements that do not decrease along a plate.
pub fn increasing(c: &Collected<'_, '_>) -> Vec<Equation> {
    let Some(Constraint::Increasing(plate)) = c.page.d.unknowns.get(c.block.unknowns[0]).constraint
    else {
        return vec![];
    };
    let Some(k) = c.slots.of[0].iter().copied().find(|a| a.plate == plate) else {
        return vec![];
    };
    let v = c.symbol(0);
    let at = |by: Formula| {
        let letter = c
            .names
            .get(k)
            .map(Formula::name)
            .unwrap_or(Formula::name("k"));
        move |f: &Formula| f.replace(&letter, &by)
    };
    let one = at(Formula::Number(1.0))(&v).text();
    let two = at(Formula::Number(2.0))(&v).text();
    let order = format!("{one} ≤ {two} ≤ ...");
    let values = c
        .targets()
        .iter()
        .all(|t| matches!(t, Target::Pair(..) | Target::Single(_, K::Value | K::Pair)));
    if !values {
        // A family: neighbours that would fall share the mode of their added terms.
        let mut out = family_equations(c);
        if let Some(first) = out.first_mut() {
            first.lead = format!("where {order} holds; a pool has the mode of its added terms");
        }
        return out;
    }
    let inside = c.slots.inside(c.block, 0);
    let quadratic = pairs(c, 0);
    let linear = c.message(&Target::Single(0, K::Value), 1.0);
    if !inside.is_empty() {
        let (a, b) = (
            c.page.free(&["A", "P", "Q", "AA"]),
            c.page.free(&["b", "g", "u", "bb"]),
        );
        let whole = c.whole(0);
        let form = Formula::sum([
            Formula::product([Formula::name(&b).transposed(), whole.clone()]),
            Formula::product([
                Formula::Number(-0.5),
                whole.clone().transposed(),
                Formula::name(&a),
                whole.clone(),
            ]),
        ]);
        let mut out = vec![line(
            &format!("a quadratic program under {order}"),
            whole,
            Formula::Apply("argmax".into(), vec![form]),
        )];
        let system = super::normal_equations::system(c);
        out.extend(super::normal_equations::entries(c, &system, &a, &b));
        return out;
    }
    let (mut top, mut bottom) = (linear, quadratic);
    super::gaussian::cancel_factors(&mut top, &mut bottom);
    cancel(&mut top, &mut bottom);
    let (a_name, b_name) = (
        c.page.free(&["a", "p", "aa"]),
        c.page.free(&["b", "g", "u", "bb"]),
    );
    let below: Vec<Formula> = c.slots.of[0]
        .iter()
        .filter_map(|a| c.names.get(*a).map(Formula::name))
        .collect();
    let (a, b) = (
        Formula::Symbol(a_name, below.clone()),
        Formula::Symbol(b_name, below),
    );
    let letter = c
        .names
        .get(k)
        .map(Formula::name)
        .unwrap_or(Formula::name("k"));
    let inner = c.names.bind(
        c.page.writer.letters,
        [Axis {
            plate,
            id: k.id + (1 << 20),
        }],
    );
    let j = inner
        .get(Axis {
            plate,
            id: k.id + (1 << 20),
        })
        .map(Formula::name)
        .unwrap_or(Formula::name("j"));
    let pool = || {
        Formula::relation(
            j.clone(),
            "∈",
            Formula::Apply("pool".into(), vec![letter.clone()]),
        )
    };
    let pooled = |f: &Formula| Formula::total(vec![pool()], vec![], f.replace(&letter, &j));
    let write = |list: &[crate::algebra::piece::Piece]| {
        c.page
            .sum(list, &c.names, Layout::Index)
            .unwrap_or(Formula::Number(0.0))
    };
    let distance = Formula::sum([v.clone(), Formula::ratio(b.clone(), a.clone()).negated()]);
    vec![
        line(
            &format!("isotonic regression under {order}"),
            c.page
                .symbol(c.block.unknowns[0], &c.slots.of[0], &c.names, &[k]),
            Formula::Apply(
                "argmin".into(),
                vec![Formula::total(
                    vec![letter.clone()],
                    vec![],
                    Formula::product([a.clone(), distance.power(Formula::Number(2.0))]),
                )],
            ),
        ),
        line("", b.clone(), write(&top)),
        line("", a.clone(), write(&bottom)),
        line(
            "neighbours that would fall are pooled until none does",
            v,
            Formula::ratio(pooled(&b), pooled(&a)),
        ),
    ]
}
