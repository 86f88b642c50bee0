//! A plan as text, for `pmc emit plan`: passes, keys with their tables, steps, and how each message is summed.

mod rewrites;

use std::fmt::Write;

use crate::algebra::Subscript;
use crate::algebra::formula::Formula;
use crate::algebra::letters::{Letters, Names};
use crate::algebra::print::Writer;
use crate::derive::print::{block_name, contraction, message_names, target};
use crate::derive::{BlockId, Contraction, Derivation, Target};
use crate::model::Axis;

use super::{Key, KeyId, Plan, Planned, Step};

/// The whole plan.
pub fn plan(d: &Derivation, p: &Plan) -> String {
    let letters = Letters::of(&d.model);
    let w = Writer::plain(&d.model, &d.unknowns, &letters);
    let mut out = rewrites::text(d, p);
    out.push_str("steps of a sweep\n");
    for (i, s) in p.steps.iter().enumerate() {
        let what = match s {
            Step::Pass(n) => match p.passes.get(*n) {
                Some(pass) => format!("pass {} over {}", n + 1, d.model.plate(pass.plate).name),
                None => continue,
            },
            Step::Update(b) => format!("update {}", block_name(d, *b)),
        };
        let _ = writeln!(out, "  {}. {what}", i + 1);
    }
    for (i, pass) in p.passes.iter().enumerate() {
        let _ = writeln!(
            out,
            "pass {} over {}",
            i + 1,
            d.model.plate(pass.plate).name
        );
        for (b, keys) in pass.blocks.iter().zip(&pass.keys) {
            let list: Vec<String> = keys.iter().map(|k| key_name(*k)).collect();
            let _ = writeln!(
                out,
                "  local {} from keys {}",
                block_name(d, *b),
                list.join(", ")
            );
        }
    }
    let used = used(p);
    if !used.is_empty() {
        out.push_str("keys\n");
    }
    for id in used {
        if let Some(k) = p.keys.get(id.index()) {
            key(&mut out, d, &w, p, id, k);
        }
    }
    maps(&mut out, d, &w, p);
    out.push_str("messages\n");
    for id in &d.order {
        for m in p.messages.get(id.index()).into_iter().flatten() {
            let (names, line) = planned(d, &w, &m.how);
            let at = at_target(d, &w, *id, m.target, &m.how, &names);
            let _ = writeln!(out, "  {} gets {line}", at.text());
        }
    }
    if !d.predictors.is_empty() {
        out.push_str("predictors\n");
    }
    for (x, list) in d.predictors.iter().zip(&p.predictors) {
        let names = Names::default().bind(w.letters, x.axes.iter().copied());
        let u = d.unknowns.get(x.id);
        let index: Vec<Subscript> = x.axes.iter().map(|a| Subscript::Axis(*a)).collect();
        let left = w.symbol(&u.name, &u.slots, &index, &names);
        for how in list {
            let (_, line) = planned(d, &w, how);
            let _ = writeln!(out, "  {} += {line}", left.text());
        }
    }
    if p.slopes.iter().any(|l| !l.is_empty()) {
        out.push_str("slopes\n");
    }
    for id in &d.order {
        for m in p.slopes.get(id.index()).into_iter().flatten() {
            let (names, line) = planned(d, &w, &m.how);
            let at = at_target(d, &w, *id, m.target, &m.how, &names);
            let _ = writeln!(out, "  {} gets {line}", at.text());
        }
    }
    out.push_str("objective\n");
    for e in &p.expectation {
        let (_, line) = planned(d, &w, e);
        let _ = writeln!(out, "  + {line}");
    }
    for (i, k) in p.keys.iter().enumerate() {
        let id = KeyId(i as u32);
        if !k.local.is_empty() && p.sums.iter().all(|s| s.key != id) && !k.tables.is_empty() {
            let _ = writeln!(out, "  + <T{0}, A{0}>", i + 1);
        }
    }
    out
}

fn key_name(k: KeyId) -> String {
    format!("{}", k.index() + 1)
}

/// The names of a key's axes, its row first.
fn key_names(w: &Writer<'_>, k: &Key) -> Names {
    Names::default()
        .bind(w.letters, [k.row])
        .bind(w.letters, k.axes.iter().copied())
}

fn subscripted(name: &str, axes: &[Axis], names: &Names) -> Formula {
    let below = axes
        .iter()
        .filter_map(|a| names.get(*a).map(Formula::name))
        .collect();
    Formula::Symbol(name.to_string(), below)
}

/// The keys that something goes through.
fn used(p: &Plan) -> Vec<KeyId> {
    let pushed = p.sums.iter().filter_map(|s| s.pushed.as_ref()).flatten();
    let through = |how: &Planned| match how {
        Planned::Rows {
            hoisted: Some((k, _, _)),
            ..
        } => Some(*k),
        Planned::Keyed { key, .. } => Some(*key),
        _ => None,
    };
    let mut out: Vec<KeyId> = p
        .messages
        .iter()
        .chain(&p.slopes)
        .flatten()
        .map(|m| &m.how)
        .chain(p.predictors.iter().chain(&p.values).flatten())
        .chain(&p.expectation)
        .chain(pushed)
        .filter_map(through)
        .chain(
            p.passes
                .iter()
                .flat_map(|x| x.keys.iter().flatten().copied()),
        )
        .collect();
    out.sort();
    out.dedup();
    out
}

/// The means that are maps from the data of their row.
fn maps(out: &mut String, d: &Derivation, w: &Writer<'_>, p: &Plan) {
    if p.affine.iter().any(Option::is_some) {
        out.push_str("maps\n");
    }
    for (b, a) in d.blocks.iter().zip(&p.affine) {
        let Some(a) = a else { continue };
        let name = |i: usize| d.unknowns.get(b.unknowns[i]).name.as_str();
        for (i, j, c) in &a.tables {
            let names = target_names(w, c);
            let below = c.target.iter().filter_map(|s| w.subscript(s, None, &names));
            let left = Formula::Symbol(format!("T{}({})", j + 1, name(*i)), below.collect());
            let right = contraction(d, w, c, &names);
            let _ = writeln!(out, "  {} += {}", left.text(), right.text());
        }
        let all: Vec<&str> = (0..b.unknowns.len()).map(name).collect();
        for j in 1..=a.features.len() {
            for u in &all {
                let from = all.iter().map(|v| format!("Cov({u}, {v}) T{j}({v})"));
                let from: Vec<String> = from.collect();
                let _ = writeln!(out, "  M{j}({u}) = {}", from.join(" + "));
            }
        }
        for (u, values) in b.unknowns.iter().zip(&a.values) {
            let of = d.unknowns.get(*u);
            for how in values {
                let (names, line) = planned(d, w, how);
                let Planned::Rows { direct, .. } = how else {
                    continue;
                };
                let left = w.symbol(&of.name, &of.slots, &direct.target, &names);
                let line = line
                    .trim_end_matches(&format!(" directly over {}", d.model.plate(a.plate).name));
                let _ = writeln!(out, "  mean of {} += {line}", left.text());
            }
        }
    }
}

fn key(out: &mut String, d: &Derivation, w: &Writer<'_>, p: &Plan, id: KeyId, k: &Key) {
    let names = key_names(w, k);
    let mut parts: Vec<Formula> = vec![];
    if let Some(t) = d.model.table_of(k.plate)
        && let Some(c) = d.model.table(t).weight
    {
        parts.push(w.known(
            &crate::algebra::Known::Column(c, vec![Subscript::Axis(k.row)]),
            &names,
        ));
    }
    parts.extend(k.data.iter().map(|x| w.known(x, &names)));
    for (s, a) in &k.selectors {
        let left = w
            .subscript(s, Some(a.plate), &names)
            .unwrap_or_else(|| Formula::Word("row".into()));
        let right = names
            .get(*a)
            .map_or_else(|| Formula::Word("label".into()), Formula::name);
        parts.push(Formula::Indicator(Box::new(Formula::equation(left, right))));
    }
    parts.extend(k.local.iter().map(|s| w.statistic(s, &names).expected()));
    let row = names.get(k.row).map(Formula::name).into_iter().collect();
    let total = Formula::total(row, vec![], Formula::product(parts));
    let n = key_name(id);
    let sum = p.sums.iter().find(|s| s.key == id);
    let kind = match sum {
        Some(s) if s.pushed.is_some() => "through maps",
        Some(_) => "summed after every update",
        None if k.local.is_empty() => "hoisted, summed once",
        None => "summed in every pass",
    };
    let _ = writeln!(
        out,
        "  {n}. {} = {} ({kind})",
        subscripted(&format!("A{n}"), &k.axes, &names).text(),
        total.text()
    );
    for how in sum.iter().filter_map(|s| s.pushed.as_ref()).flatten() {
        let (names, line) = planned(d, w, how);
        let left = subscripted(&format!("A{n}"), &k.axes, &names);
        let _ = writeln!(out, "     {} += {line}", left.text());
    }
    for t in &k.tables {
        let names = target_names(w, t);
        let left = Formula::Symbol(
            format!("T{n}"),
            t.target
                .iter()
                .filter_map(|s| w.subscript(s, None, &names))
                .collect(),
        );
        let _ = writeln!(
            out,
            "     {} += {}",
            left.text(),
            contraction(d, w, t, &names).text()
        );
    }
}

fn target_names(w: &Writer<'_>, c: &Contraction) -> Names {
    message_names(w.letters, &c.target)
}

/// How a contraction is summed, with the names of its target's axes.
fn planned(d: &Derivation, w: &Writer<'_>, p: &Planned) -> (Names, String) {
    match p {
        Planned::Global(c) => {
            let names = target_names(w, c);
            let text = contraction(d, w, c, &names).text();
            (names, text)
        }
        Planned::Keyed { key, axes, rest } => through(d, w, *key, axes, rest, "key"),
        Planned::Rows {
            row,
            direct,
            hoisted,
        } => match hoisted {
            Some((key, axes, rest)) => through(d, w, *key, axes, rest, "key"),
            None => {
                let names = target_names(w, direct);
                let text = contraction(d, w, direct, &names).text();
                (
                    names,
                    format!("{text} directly over {}", d.model.plate(row.plate).name),
                )
            }
        },
    }
}

fn through(
    d: &Derivation,
    w: &Writer<'_>,
    key: KeyId,
    axes: &[Axis],
    rest: &Contraction,
    word: &str,
) -> (Names, String) {
    let names = target_names(w, rest);
    let bound: Vec<Axis> = rest
        .axes
        .iter()
        .chain(axes)
        .copied()
        .filter(|a| !names.has(*a))
        .fold(vec![], |mut v, a| {
            if !v.contains(&a) {
                v.push(a);
            }
            v
        });
    let inner = names.bind(w.letters, bound.iter().copied());
    let a = subscripted(&format!("A{}", key_name(key)), axes, &inner);
    let body = Formula::product([contraction(d, w, rest, &inner), a]);
    let over = bound
        .iter()
        .filter_map(|a| inner.get(*a).map(Formula::name))
        .collect();
    let text = Formula::total(over, vec![], body).text();
    (names, format!("{text} through {word} {}", key_name(key)))
}

fn at_target(
    d: &Derivation,
    w: &Writer<'_>,
    id: BlockId,
    t: Target,
    how: &Planned,
    names: &Names,
) -> Formula {
    let index = match how {
        Planned::Global(c) => &c.target,
        Planned::Keyed { rest, .. } => &rest.target,
        Planned::Rows {
            hoisted: Some((_, _, rest)),
            ..
        } => &rest.target,
        Planned::Rows { direct, .. } => &direct.target,
    };
    target(d, w, id, t, index, names)
}
