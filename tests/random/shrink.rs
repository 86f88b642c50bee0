//! Makes a failing model smaller while it fails in the same way.
//!
//! in: a [`Spec`] and a test -> out: a smaller [`Spec`] that passes the test. Each round tries every step once, the large
//! ones first, and keeps what still fails; it ends when no step helps or the tries are used up.

use crate::tree::{Body, Choice, Expr, Kind, Plate, Slot, Spec, Statement, Type};

/// A smaller model that still fails, and how many were tried.
pub fn shrink(spec: &Spec, tries: usize, fails: &mut dyn FnMut(&Spec) -> bool) -> Spec {
    let mut best = spec.clone();
    let mut left = tries;
    loop {
        let before = best.clone();
        let mut i = 0;
        // Steps are numbered anew after each success; a step that failed is not tried again in this round.
        loop {
            let steps = steps(&best);
            let Some(candidate) = steps.into_iter().nth(i) else {
                break;
            };
            if left == 0 {
                return best;
            }
            if candidate == best {
                i += 1;
                continue;
            }
            left -= 1;
            if fails(&candidate) {
                best = candidate;
            } else {
                i += 1;
            }
        }
        if best == before {
            return best;
        }
    }
}

/// All smaller models one step away.
fn steps(s: &Spec) -> Vec<Spec> {
    let mut out = vec![];
    let mut push = |f: &mut dyn FnMut(&mut Spec)| {
        let mut copy = s.clone();
        f(&mut copy);
        out.push(copy);
    };
    // Whole statements with all that mention them.
    for st in &s.statements {
        let name = st.name.clone();
        push(&mut |c| remove_with_users(c, &name));
    }
    for t in &s.tables {
        for c in &t.columns {
            let name = c.name.clone();
            push(&mut |c| {
                remove_with_users(c, &name);
                for t in &mut c.tables {
                    t.columns.retain(|c| c.name != name);
                }
            });
        }
        if s.tables.len() > 1 {
            let name = t.name.clone();
            push(&mut |c| {
                let columns: Vec<String> = c
                    .table(&name)
                    .iter()
                    .flat_map(|t| t.columns.iter().map(|c| c.name.clone()))
                    .collect();
                c.tables.retain(|t| t.name != name);
                for n in columns {
                    if !c
                        .tables
                        .iter()
                        .flat_map(|t| &t.columns)
                        .any(|c| c.name == n)
                    {
                        remove_with_users(c, &n);
                    }
                }
            });
        }
    }
    for i in 0..s.rules.len() {
        push(&mut |c| {
            c.rules.remove(i);
        });
    }
    push(&mut |c| c.switch = None);
    push(&mut |c| c.flat = false);
    for i in 0..s.plates.len() {
        push(&mut |c| {
            c.plates.remove(i);
        });
        push(&mut |c| smaller_plate(&mut c.plates[i]));
    }
    // A variable becomes a number.
    for st in &s.statements {
        let name = st.name.clone();
        if st.kind != Kind::Observe {
            push(&mut |c| {
                c.statements.retain(|x| x.name != name);
                replace(c, &name);
            });
        }
    }
    for (i, st) in s.statements.iter().enumerate() {
        statement_steps(i, st, &mut push);
    }
    data_steps(s, &mut push);
    out
}

type Push<'a> = dyn FnMut(&mut dyn FnMut(&mut Spec)) + 'a;

fn statement_steps(i: usize, st: &Statement, push: &mut Push<'_>) {
    if st.suffix.is_some() {
        push(&mut |c| c.statements[i].suffix = None);
    }
    if st.constraint.is_some() {
        push(&mut |c| c.statements[i].constraint = None);
    }
    if let Body::Model(choice, first) = &st.body {
        if first.is_some() {
            push(&mut |c| {
                if let Body::Model(Choice::Dist(d), first) = &mut c.statements[i].body
                    && let Some(f) = first.take()
                {
                    *d = f;
                }
            });
        }
        if let Choice::Case(_, branches) = choice {
            for (_, d) in branches {
                push(&mut |c| {
                    if let Body::Model(choice, _) = &mut c.statements[i].body {
                        *choice = Choice::Dist(d.clone());
                    }
                });
            }
        }
    }
    // A latent becomes a param.
    if st.kind == Kind::Latent {
        push(&mut |c| c.statements[i].kind = Kind::Param);
    }
    for b in 0..st.brackets.len() {
        if st.kind != Kind::Observe {
            push(&mut |c| remove_bracket(c, i, b));
        }
        if st.brackets[b].name.is_some() {
            push(&mut |c| c.statements[i].brackets[b].name = None);
        }
    }
    // Expressions: a part instead of the whole, a number, an index left out.
    let mut nodes = 0;
    st.clone().visit(&mut |_| {
        nodes += 1;
        true
    });
    for n in 0..nodes {
        for way in 0..4 {
            push(&mut |c| {
                let mut at = 0;
                c.statements[i].visit(&mut |e| {
                    at += 1;
                    if at == n + 1
                        && let Some(new) = simpler(e, way)
                    {
                        *e = new;
                        return false;
                    }
                    at <= n
                });
            });
        }
    }
}

/// Way 0: a number; 1, 2: a part; 3: without its first written index.
fn simpler(e: &Expr, way: usize) -> Option<Expr> {
    match (e, way) {
        (Expr::Number(x), 0) => (*x != 1.0).then_some(Expr::Number(1.0)),
        (Expr::Table(_) | Expr::Identity, _) => None,
        (_, 0) => Some(Expr::Number(1.0)),
        (Expr::Binary(_, a, _), 1) => Some((**a).clone()),
        (Expr::Binary(_, _, b), 2) => Some((**b).clone()),
        (Expr::Negate(a) | Expr::Call(_, a) | Expr::Fold(_, a, _), 1) => Some((**a).clone()),
        (Expr::Ref(r), 3) => {
            let mut r = r.clone();
            let at = r.slots.iter().position(|s| matches!(s, Slot::At(..)))?;
            r.slots[at] = Slot::Implied;
            Some(Expr::Ref(r))
        }
        (Expr::Ref(r), 1) => match r.slots.iter().find(|s| matches!(s, Slot::At(..)))? {
            Slot::At(inner, _) => Some(Expr::Ref(inner.clone())),
            Slot::Implied => None,
        },
        _ => None,
    }
}

fn data_steps(s: &Spec, push: &mut Push<'_>) {
    for (i, t) in s.tables.iter().enumerate() {
        // Half of the rows, then one at a time.
        let half = t.rows / 2;
        if half >= 1 {
            push(&mut |c| keep_rows(c, i, &|r| r < half));
            push(&mut |c| keep_rows(c, i, &|r| r >= half));
        }
        for r in 0..t.rows {
            if t.rows > 1 {
                push(&mut |c| keep_rows(c, i, &|x| x != r));
            }
        }
        if t.every.is_some() {
            push(&mut |c| c.tables[i].every = None);
        }
        if let Some(o) = &t.ordered {
            if o.within.is_some() {
                push(&mut |c| {
                    if let Some(o) = &mut c.tables[i].ordered {
                        o.within = None;
                    }
                    c.tables[i].undeclared.retain(|u| u.name != "part");
                });
            }
            if o.by.is_some() {
                push(&mut |c| {
                    if let Some(o) = &mut c.tables[i].ordered {
                        o.by = None;
                    }
                    c.tables[i].undeclared.retain(|u| u.name != "t");
                });
            }
            push(&mut |c| {
                c.tables[i].ordered = None;
                c.tables[i].undeclared.clear();
            });
        }
        for (j, col) in t.columns.iter().enumerate() {
            if let Some((_, elements)) = &col.group {
                for e in 0..elements.len() {
                    if elements.len() > 1 {
                        let name = elements[e].clone();
                        push(&mut |c| drop_element(c, &name));
                    }
                }
            }
            for k in 0..col.cells.len() {
                let simple = match col.kind {
                    Type::Label => continue,
                    Type::Positive | Type::Probability | Type::Weight => "1",
                    _ => "0",
                };
                let simple = if col.kind == Type::Probability {
                    "0.5"
                } else {
                    simple
                };
                if col.cells[k] != simple {
                    push(&mut |c| c.tables[i].columns[j].cells[k] = simple.into());
                }
            }
        }
    }
}

fn smaller_plate(p: &mut Plate) {
    match p {
        Plate::Counted { size, .. } if *size > 1 => *size -= 1,
        Plate::Listed { labels, .. } if labels.len() > 1 => {
            labels.pop();
        }
        _ => {}
    }
}

/// An element of a column group, in all groups.
fn drop_element(c: &mut Spec, name: &str) {
    for t in &mut c.tables {
        for col in &mut t.columns {
            let width = col.width();
            if let Some((_, elements)) = &mut col.group
                && let Some(at) = elements.iter().position(|e| e == name)
            {
                elements.remove(at);
                let mut k = 0;
                col.cells.retain(|_| {
                    k += 1;
                    (k - 1) % width != at
                });
            }
        }
    }
}

fn keep_rows(c: &mut Spec, table: usize, keep: &dyn Fn(usize) -> bool) {
    let t = &mut c.tables[table];
    for col in t.undeclared.iter_mut().chain(&mut t.columns) {
        let width = col.width();
        let mut k = 0;
        col.cells.retain(|_| {
            k += 1;
            keep((k - 1) / width)
        });
    }
    t.rows = (0..t.rows).filter(|r| keep(*r)).count();
}

/// Removes what is called so, and what mentions it, and so on.
fn remove_with_users(c: &mut Spec, name: &str) {
    let mut gone = vec![name.to_string()];
    while let Some(name) = gone.pop() {
        c.statements.retain(|s| {
            if s.name == name {
                return false;
            }
            let uses = s.names().contains(&name);
            if uses {
                gone.push(s.name.clone());
            }
            !uses
        });
        for (_, names) in &mut c.rules {
            names.retain(|n| *n != name);
        }
        c.rules.retain(|(_, names)| !names.is_empty());
        if c.switch.as_ref().is_some_and(|(_, n)| *n == name) {
            c.switch = None;
        }
    }
}

/// A number for every mention of a variable.
fn replace(c: &mut Spec, name: &str) {
    for s in &mut c.statements {
        s.visit(&mut |e| {
            if matches!(e, Expr::Ref(r) if r.name == name) {
                *e = Expr::Number(0.5);
                return false;
            }
            true
        });
    }
    for (_, names) in &mut c.rules {
        names.retain(|n| n != name);
    }
    c.rules.retain(|(_, names)| !names.is_empty());
    if c.switch.as_ref().is_some_and(|(_, n)| n == name) {
        c.switch = None;
    }
}

/// A plate less for a variable, and an index less wherever it is mentioned.
fn remove_bracket(c: &mut Spec, statement: usize, bracket: usize) {
    let name = c.statements[statement].name.clone();
    c.statements[statement].brackets.remove(bracket);
    for s in &mut c.statements {
        s.visit(&mut |e| {
            if let Expr::Ref(r) = e
                && r.name == name
                && r.slots.len() > bracket
            {
                r.slots.remove(bracket);
            }
            true
        });
    }
}
