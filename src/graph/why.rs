//! `pmc explain --why`: whether two quantities are independent given the data and the points, and by which path not.
//!
//! in: a model, its derivation where there is one, names -> out: the answer as text.
//!
//! Two replicated quantities stand to each other in several ways (same document, another document); the answer is given
//! for each way that tells another story. Where the graph joins two quantities and the terms of log p do not, they are
//! independent all the same, and it is said so. One name alone is answered by its Markov blanket.

use std::fmt::Write;

use crate::derive::Derivation;
use crate::diag::{Code, Diagnostic, nearest};
use crate::model::{ColumnId, Model};

use super::coupling;
use super::ground::Ground;
use super::kinship::{Relation, relations};
use super::lift::{Lift, Line};
use super::trail::{Study, Trail};
use super::{Node, build, name, role};

/// What is asked.
#[derive(Debug, Clone, Default)]
pub struct Question {
    /// One name, or two.
    pub names: Vec<String>,
    /// Quantities that are known too.
    pub given: Vec<String>,
    /// Observed columns that are blank.
    pub blank: Vec<String>,
}

/// The pairs that stand to each other in one way.
type Kind = (Vec<Relation>, Vec<(usize, usize)>);

/// At most this many pairs of one kind are looked at.
const PAIRS: usize = 48;

/// Answers; `derive` derives the model when cells of these columns may be blank.
///
/// # Errors
/// E0301: a name that is no quantity of the model.
pub fn why(
    model: &Model,
    line: Line<'_>,
    derive: &dyn Fn(&[ColumnId]) -> Option<Derivation>,
    question: &Question,
) -> Result<String, Vec<Diagnostic>> {
    let graph = build(model);
    let mut study = Study::new(model, &graph, line);
    let mut errors = vec![];
    let mut find = |names: &[String]| -> Vec<Node> {
        let mut out = vec![];
        for n in names {
            match quantity(&study, n) {
                Ok(n) => out.push(n),
                Err(d) => errors.push(*d),
            }
        }
        out
    };
    let asked = find(&question.names);
    let given = find(&question.given);
    let blank = find(&question.blank);
    let mut columns: Vec<ColumnId> = vec![];
    for n in &blank {
        match n {
            Node::Column(c) => columns.push(*c),
            _ => errors.push(
                Diagnostic::new(
                    Code::E0301,
                    format!("no observed column `{}`", name(model, *n)),
                )
                .note("only cells of an observed column can be blank"),
            ),
        }
    }
    if !errors.is_empty() {
        errors.dedup();
        return Err(errors);
    }
    study.given = given;
    if !columns.is_empty() {
        study.set_blank(columns.clone());
    }
    let mut unknown_columns = columns;
    for n in &asked {
        if let Node::Column(c) = n
            && !unknown_columns.contains(c)
        {
            unknown_columns.push(*c);
        }
    }
    let incomplete = if study.net.whole {
        ""
    } else {
        "The statements have too many indices for all of them to be walked: paths may be missing.\n"
    };
    match asked.as_slice() {
        [a] => Ok(blanket(&study, *a) + incomplete),
        [a, b, ..] => {
            let derivation = derive(&unknown_columns);
            Ok(pair(&mut study, derivation.as_ref(), *a, *b) + incomplete)
        }
        [] => Ok(String::new()),
    }
}

fn quantity(study: &Study<'_>, text: &str) -> Result<Node, Box<Diagnostic>> {
    let model = study.model;
    let wanted: String = text.chars().take_while(|c| *c != '[').collect();
    let stated = |n: &&Node| role(model, study.graph, **n) != "given";
    let nodes = &study.graph.nodes;
    if let Some(n) = nodes
        .iter()
        .filter(stated)
        .find(|n| name(model, **n) == wanted)
    {
        return Ok(*n);
    }
    let d = Diagnostic::new(Code::E0301, format!("no unknown or observed `{wanted}`"));
    let column = model.columns.iter().any(|c| c.name == wanted);
    let definition = model.definitions.iter().any(|c| c.name == wanted);
    if column || definition {
        return Err(Box::new(d.note(format!(
            "`{wanted}` is given: no statement is about it, so nothing can depend on it"
        ))));
    }
    let known: Vec<&str> = nodes
        .iter()
        .filter(stated)
        .map(|n| name(model, *n))
        .collect();
    Err(Box::new(match nearest(&wanted, known.iter().copied()) {
        Some(near) => d.help(format!("did you mean `{near}`?")),
        None => d.note(format!("there is {}", known.join(", "))),
    }))
}

/// One way in which two quantities stand to each other.
struct Case {
    names: (String, String),
    open: Option<Trail>,
    closed: Vec<Trail>,
    /// Whether terms join them, and whether one factor of q holds both.
    terms: Option<(bool, bool)>,
}

impl Case {
    /// Cases of one story are told once.
    fn story(&self) -> (bool, Vec<Vec<String>>, Option<(bool, bool)>) {
        let shapes = self
            .open
            .iter()
            .chain(&self.closed)
            .map(|t| t.shape.clone());
        (self.open.is_some(), shapes.collect(), self.terms)
    }
}

fn pair(study: &mut Study<'_>, d: Option<&Derivation>, a: Node, b: Node) -> String {
    let model = study.model;
    let mut kinds: Vec<Kind> = vec![];
    for pair in study.net.pairs(a, b) {
        let r = relations(model, &study.net, pair.0, pair.1);
        match kinds.iter_mut().find(|(k, _)| *k == r) {
            Some((_, list)) if list.len() < PAIRS => list.push(pair),
            Some(_) => {}
            None => kinds.push((r, vec![pair])),
        }
    }
    let distance = |r: &[Relation]| r.iter().map(|r| r.kin as usize).sum::<usize>();
    kinds.sort_by_key(|(r, _)| distance(r));
    let mut cases: Vec<(Case, Vec<Vec<Relation>>)> = vec![];
    for (r, pairs) in kinds {
        let case = examine(study, d, &pairs);
        match cases.iter_mut().find(|(c, _)| c.story() == case.story()) {
            Some((_, list)) => list.push(r),
            None => cases.push((case, vec![r])),
        }
    }
    let mut out = String::new();
    head(&mut out, study, a, b);
    if cases.is_empty() {
        let _ = writeln!(
            out,
            "{} is one value: there are no two elements of it.",
            name(model, a)
        );
    }
    let all: Vec<Vec<Relation>> = cases.iter().flat_map(|(_, list)| list.clone()).collect();
    let several = cases.len() > 1;
    for (case, list) in &cases {
        let when = if several {
            description(list, &all)
        } else {
            String::new()
        };
        tell(&mut out, case, &when);
    }
    out
}

/// The closest open trail over all pairs of one kind; where there is none, what closes them.
fn examine(study: &mut Study<'_>, d: Option<&Derivation>, pairs: &[(usize, usize)]) -> Case {
    let label = |study: &Study<'_>, id: usize| {
        matches!(
            study.net.nodes.get(id),
            Some(Ground::Quantity(Node::Column(_), _))
        )
    };
    let mut best: Option<(Trail, (usize, usize))> = None;
    let mut joined: Option<bool> = None;
    let keep = study.net.clone();
    for (x, y) in pairs {
        let cells: Vec<usize> = [*x, *y].into_iter().filter(|i| label(study, *i)).collect();
        let (mut x, mut y) = (*x, *y);
        if !cells.is_empty() {
            let ends = (keep.nodes.get(x).cloned(), keep.nodes.get(y).cloned());
            study.open_labels(&cells);
            let at = |g: Option<Ground>| study.net.nodes.iter().position(|n| Some(n) == g.as_ref());
            (x, y) = (at(ends.0).unwrap_or(x), at(ends.1).unwrap_or(y));
        }
        if let Some(t) = study.open(x, y) {
            if let Some(d) = d
                && joined != Some(true)
            {
                let known = |i: usize| i != x && i != y && study.known(i).is_some();
                joined = coupling::joined(d, &study.net, &known, x, y).or(joined);
            }
            if best
                .as_ref()
                .is_none_or(|(b, _)| t.nodes.len() < b.nodes.len())
            {
                best = Some((t, (x, y)));
            }
        }
        if !cells.is_empty() {
            study.net = keep.clone();
        }
    }
    let (x, y) = pairs.first().copied().unwrap_or_default();
    let mut lift = Lift::new(study.model, &study.net, study.line);
    let mut names = (lift.name(x), lift.name(y));
    if let Some((t, _)) = &best
        && let (Some(first), Some(last)) = (t.steps.first(), t.steps.last())
    {
        names = (first.name.clone(), last.name.clone());
    }
    let closed = if best.is_none() {
        study.closed(x, y)
    } else {
        vec![]
    };
    // A point has no factor of q.
    let points = [x, y].iter().any(|i| match study.net.nodes.get(*i) {
        Some(Ground::Quantity(n, _)) => study.is_point(*n),
        _ => false,
    });
    if points {
        joined = joined.filter(|j| !*j);
    }
    let together = match (&best, d) {
        (Some((_, (x, y))), Some(d)) => coupling::in_one_factor(d, &study.net, *x, *y),
        _ => false,
    };
    Case {
        names,
        open: best.map(|(t, _)| t),
        closed,
        terms: joined.map(|j| (j, together)),
    }
}

/// What is known, once.
fn head(out: &mut String, study: &Study<'_>, a: Node, b: Node) {
    let model = study.model;
    let list = |f: &dyn Fn(Node) -> bool| -> String {
        let names: Vec<&str> = study
            .graph
            .nodes
            .iter()
            .filter(|n| f(**n))
            .map(|n| name(model, *n))
            .collect();
        names.join(", ")
    };
    let blank = |n: Node| matches!(n, Node::Column(c) if study.blank.contains(&c));
    let observed = list(&|n| study.is_observed(n) && !blank(n));
    let points = list(&|n| study.is_point(n));
    let given = list(&|n| study.given.contains(&n) && !study.is_observed(n) && !study.is_point(n));
    let mut known: Vec<String> = vec![];
    if !observed.is_empty() {
        known.push(format!("the data ({observed})"));
    }
    if !points.is_empty() {
        known.push(format!("the points ({points})"));
    }
    if !given.is_empty() {
        known.push(given);
    }
    let known = if known.is_empty() {
        "nothing".into()
    } else {
        known.join(", ")
    };
    let _ = writeln!(out, "known: {known}");
    let mut told: Vec<Node> = vec![];
    for n in [a, b] {
        if told.contains(&n) {
            continue;
        }
        told.push(n);
        if study.is_point(n) {
            let _ = writeln!(
                out,
                "{} is a point: given the fit it is known; it is asked about as if it were not",
                name(model, n)
            );
        } else if (study.is_observed(n) && !blank(n)) || study.given.contains(&n) {
            let _ = writeln!(
                out,
                "{} is asked about as if this element of it were not known",
                name(model, n)
            );
        }
    }
    out.push('\n');
}

/// What the relations of a case have in common and no other case has; else all of them.
fn description(own: &[Vec<Relation>], all: &[Vec<Relation>]) -> String {
    let varies = |r: &Relation| all.iter().any(|other| !other.contains(r));
    let words = |list: &[&Relation]| -> String {
        let words: Vec<String> = list.iter().map(|r| r.words()).collect();
        words.join(", ")
    };
    let Some(first) = own.first() else {
        return String::new();
    };
    let common: Vec<&Relation> = first
        .iter()
        .filter(|r| varies(r) && own.iter().all(|o| o.contains(r)))
        .collect();
    let fits = |o: &Vec<Relation>| common.iter().all(|r| o.contains(r));
    let clear = all.iter().all(|o| own.contains(o) || !fits(o));
    if clear && !common.is_empty() {
        return words(&common);
    }
    let each: Vec<String> = own
        .iter()
        .map(|o| words(&o.iter().filter(|r| varies(r)).collect::<Vec<_>>()))
        .collect();
    each.join("; or ")
}

fn tell(out: &mut String, case: &Case, when: &str) {
    let (a, b) = &case.names;
    let when = if when.is_empty() {
        String::new()
    } else {
        format!("{when}: ")
    };
    match (&case.open, case.terms) {
        (Some(t), terms) => {
            let verdict = match terms {
                Some((false, _)) => "independent, though the graph joins them",
                _ => "dependent",
            };
            let _ = writeln!(out, "{when}{a} and {b} are {verdict}");
            path(out, t);
            match terms {
                Some((false, _)) => out.push_str(
                    "  the graph couples them, but no term of log p holds both, nor does a chain of terms: independent\n",
                ),
                Some((true, true)) => {
                    out.push_str("  one factor of q holds both: this dependence is kept\n");
                }
                Some((true, false)) => {
                    out.push_str("  they stand in different factors of q: this dependence is left out\n");
                }
                None => {}
            }
        }
        (None, _) if case.closed.is_empty() => {
            let _ = writeln!(
                out,
                "{when}{a} and {b} are independent\n  no path joins them"
            );
        }
        (None, _) => {
            let _ = writeln!(
                out,
                "{when}{a} and {b} are independent\n  every path between them is closed, as these are:"
            );
            for t in &case.closed {
                path(out, t);
            }
        }
    }
    out.push('\n');
}

fn path(out: &mut String, t: &Trail) {
    let _ = writeln!(out, "  {}", t.text());
    let inner: Vec<_> = t.steps.iter().filter(|s| s.turn.is_some()).collect();
    if inner.is_empty() {
        out.push_str("    one is a parent of the other\n");
    }
    let wide = inner
        .iter()
        .map(|s| s.name.chars().count())
        .max()
        .unwrap_or(0);
    for s in inner {
        let pad = " ".repeat(wide - s.name.chars().count());
        let _ = writeln!(out, "    {}{pad}  {}", s.name, s.reason);
    }
}

/// Parents, children and co-parents of one element, in the names of the model.
fn blanket(study: &Study<'_>, n: Node) -> String {
    let model = study.model;
    let s = study.separation(&[]);
    let parents_of = |v: usize| study.net.parents.get(v).cloned().unwrap_or_default();
    // An element in the middle of a chain has all its neighbours.
    let mut ids = study.net.of_quantity(n);
    ids.sort_by_key(|v| std::cmp::Reverse(parents_of(*v).len() + s.children(*v).len()));
    let Some(v) = ids.first().copied() else {
        return format!("{} has no element\n", name(model, n));
    };
    let mut lift = Lift::new(model, &study.net, study.line);
    let own = lift.name(v);
    lift.loosen();
    let mut unknown: Vec<String> = vec![];
    let mut told: Vec<usize> = vec![v];
    let mut row = |lift: &mut Lift<'_>, list: Vec<usize>| -> Vec<String> {
        let mut out: Vec<String> = vec![];
        for w in list {
            if told.contains(&w) {
                continue;
            }
            told.push(w);
            let name = lift.name(w);
            let text = match study.known(w) {
                Some(why) => format!("{name} ({})", short(why)),
                None => format!("{name} (unknown)"),
            };
            if study.known(w).is_none() && !unknown.contains(&name) {
                unknown.push(name);
            }
            if !out.contains(&text) {
                out.push(text);
            }
        }
        out
    };
    let parents = row(&mut lift, parents_of(v));
    let children = row(&mut lift, s.children(v).to_vec());
    let co: Vec<usize> = s.children(v).iter().flat_map(|c| parents_of(*c)).collect();
    let co = row(&mut lift, co);
    let mut out = format!("Markov blanket of {own}\n");
    for (word, list) in [
        ("parents", parents),
        ("children", children),
        ("co-parents", co),
    ] {
        let list = if list.is_empty() {
            "none".into()
        } else {
            list.join(", ")
        };
        let _ = writeln!(out, "  {word:<10}  {list}");
    }
    let _ = writeln!(
        out,
        "\nGiven these, {own} is independent of everything else in the model."
    );
    let _ = writeln!(
        out,
        "{}",
        if unknown.is_empty() {
            "All of them are known given the data and the points, so it is independent of every other unknown.".to_string()
        } else {
            format!(
                "Not known given the data and the points: {}.",
                unknown.join(", ")
            )
        }
    );
    out
}

fn short(why: &str) -> &str {
    why.split(',').next().unwrap_or(why)
}
