//! Slots, indices, scopes, lags and folds.

use super::alternatives;
use crate::diag::{Code, Diagnostic};
use crate::source::Span;
use crate::syntax::ast::{Name, Reference};

/// `mu[cluster]`, or `mu` alone.
fn with_slots(name: &str, plates: &[String]) -> String {
    if plates.is_empty() {
        name.to_string()
    } else {
        format!("{name}[{}]", plates.join(", "))
    }
}

/// A slot has no element: nothing in scope. `candidates` could be written; the flag says that one is a variable.
pub(in crate::check) fn no_element(
    reference: &Reference,
    name: &str,
    plate: &str,
    candidates: &[(String, bool)],
    declared: Span,
    rows: bool,
) -> Diagnostic {
    let mut d = Diagnostic::new(Code::E0307, format!("`{name}` needs an index of `{plate}`"))
        .at(
            reference.span,
            format!("no element of `{plate}` is in scope"),
        )
        .also(declared, format!("`{name}` has a slot of `{plate}`"));
    if candidates.iter().any(|(_, variable)| *variable) {
        d = d.note("a latent is never implied as an index");
    }
    for (candidate, _) in candidates {
        d = d.help(format!("write `{}`", indexed(reference, name, candidate)));
    }
    if candidates.is_empty() {
        d = if rows {
            d.help(format!("fold over the rows: `mean({name} over {plate})`"))
        } else {
            d.help(format!(
                "put `{plate}` in the brackets of the statement, or fold over it: `sum({name} over {plate})`"
            ))
        };
    }
    d
}

/// The reference with one more index: `mu[z]`.
fn indexed(reference: &Reference, name: &str, candidate: &str) -> String {
    if reference.indices.is_empty() {
        format!("{name}[{candidate}]")
    } else {
        format!("{name}[..., {candidate}]")
    }
}

pub(in crate::check) fn several_candidates(
    reference: &Reference,
    name: &str,
    plate: &str,
    places: &[(String, Span)],
    declared: Span,
) -> Diagnostic {
    let names = distinct(places);
    let mut d = Diagnostic::new(Code::E0308, format!("`{name}` needs an index of `{plate}`"))
        .at(
            reference.span,
            format!("{} elements of `{plate}` are in scope", places.len()),
        )
        .also(declared, format!("`{name}` has a slot of `{plate}`"));
    for (candidate, span) in places {
        d = d.also(*span, format!("`{candidate}` is one"));
    }
    if names.len() < places.len() {
        return d.help(format!(
            "name one of them, for example `[i in {plate}]`, and write `{}`",
            indexed(reference, name, "i")
        ));
    }
    let written: Vec<String> = names.iter().map(|n| indexed(reference, name, n)).collect();
    d.help(format!("write {}", alternatives(&written, "or")))
}

fn distinct(places: &[(String, Span)]) -> Vec<&str> {
    let mut names: Vec<&str> = Vec::new();
    for (name, _) in places {
        if !names.contains(&name.as_str()) {
            names.push(name);
        }
    }
    names
}

/// The name of a plate stands for an element of which there are several.
pub(in crate::check) fn named_by_plate(name: &Name, places: &[(String, Span)]) -> Diagnostic {
    let names = distinct(places);
    let mut d = Diagnostic::new(
        Code::E0308,
        format!("`{}` could be several elements", name.text),
    )
    .at(
        name.span,
        format!("{} elements of this plate are in scope", places.len()),
    );
    for (candidate, span) in places {
        d = d.also(*span, format!("`{candidate}` is one"));
    }
    if names.len() < places.len() {
        d.help(format!("name one of them: `[i in {}]`", name.text))
    } else {
        d.help(format!("write {}", alternatives(&names, "or")))
    }
}

/// Two elements called the same at one level.
pub(in crate::check) fn same_name_at_one_level(
    name: &Name,
    places: Vec<(String, Span)>,
) -> Diagnostic {
    let mut d = Diagnostic::new(
        Code::E0308,
        format!("`{}` could be several elements", name.text),
    )
    .at(
        name.span,
        format!("{} bound elements are called so", places.len()),
    );
    for (candidate, span) in places {
        d = d.also(span, format!("`{candidate}` is one"));
    }
    d.help(format!("name one of them: `i in {}`", name.text))
}

pub(in crate::check) fn two_free_slots(
    span: Span,
    name: &str,
    plate: &str,
    declared: Span,
) -> Diagnostic {
    Diagnostic::new(
        Code::E0308,
        format!("`{name}` needs its indices of `{plate}`"),
    )
    .at(
        span,
        format!("two free slots of `{plate}` are never filled by themselves"),
    )
    .also(declared, "declared here")
    .help(format!(
        "name the elements, `i in {plate}` and `j in {plate}`, and write `{name}[i, j]`"
    ))
}

pub(in crate::check) fn no_row_in_scope(name: &Name, places: &[(String, Span)]) -> Diagnostic {
    let mut d = Diagnostic::new(
        Code::E0307,
        format!("no row of `{}` is in scope", name.text),
    )
    .at(
        name.span,
        "this column stands in several tables, and none of their rows is bound",
    );
    for (place, span) in places {
        d = d.also(*span, format!("`{place}`"));
    }
    d.help("put one of the tables in the brackets of the statement")
}

/// A plate's name as an index where it has no element.
pub(in crate::check) fn plate_as_index(name: &Name, candidates: &[(String, bool)]) -> Diagnostic {
    let mut d = Diagnostic::new(
        Code::E0307,
        format!("no element of `{}` is in scope", name.text),
    )
    .at(name.span, "this is the name of a plate");
    if candidates.iter().any(|(_, variable)| *variable) {
        d = d.note("a latent is never implied as an index");
    }
    for (candidate, _) in candidates {
        d = d.help(format!("write `{candidate}`"));
    }
    if candidates.is_empty() {
        d = d.help(format!(
            "put `{}` in the brackets of the statement",
            name.text
        ));
    }
    d
}

pub(in crate::check) fn no_free_slot(
    span: Span,
    name: &str,
    index: &str,
    plate: &str,
    slots: &[String],
    declared: Span,
) -> Diagnostic {
    let why = if slots.is_empty() {
        format!("`{name}` has no indices")
    } else {
        format!("all slots of `{plate}` already have an index")
    };
    Diagnostic::new(
        Code::E0309,
        format!("no free slot of `{name}` for `{index}`"),
    )
    .at(span, why)
    .also(
        declared,
        format!("declared as `{}`", with_slots(name, slots)),
    )
    .help(format!(
        "leave out `{index}`, or declare `{name}` with one more `{plate}`"
    ))
}

pub(in crate::check) fn index_on_element(name: &Name, index: Span) -> Diagnostic {
    Diagnostic::new(Code::E0309, format!("`{}` takes no index", name.text))
        .at(index, format!("`{}` is an element itself", name.text))
        .help(format!("write `{}` alone", name.text))
}

pub(in crate::check) fn wrong_plate(
    span: Span,
    name: &str,
    index: &str,
    plate: &str,
    slots: &[String],
    declared: Span,
) -> Diagnostic {
    Diagnostic::new(Code::E0404, format!("`{index}` is an element of `{plate}`"))
        .at(span, format!("`{name}` has no slot of `{plate}`"))
        .also(
            declared,
            format!("declared as `{}`", with_slots(name, slots)),
        )
        .help(format!(
            "index it by an element of {}, or declare `{name}` with `{plate}`",
            alternatives(slots, "or")
        ))
}

pub(in crate::check) fn number_as_index(name: &Name, declared: Span) -> Diagnostic {
    Diagnostic::new(
        Code::E0405,
        format!("the number `{}` as an index", name.text),
    )
    .at(name.span, "an index is an element of a plate")
    .also(declared, "declared here as a number")
    .help("index by a label column, a discrete variable or a bound element")
}

/// An element where a number is needed; `example` is a variable that it could index.
pub(in crate::check) fn element_as_number(
    name: &Name,
    plate: &str,
    declared: Span,
    example: Option<&str>,
) -> Diagnostic {
    let d = Diagnostic::new(
        Code::E0405,
        format!("the element `{}` as a number", name.text),
    )
    .at(
        name.span,
        format!("this is an element of `{plate}`, a number is needed"),
    )
    .also(declared, "declared here");
    match example {
        Some(example) => d.help(format!("use it as an index: `{example}[{}]`", name.text)),
        None => d.help(format!(
            "give each element a number: `param effect[{plate}] : real`, and write `effect[{}]`",
            name.text
        )),
    }
}

pub(in crate::check) fn lag_of_unbound(name: &Name, span: Span) -> Diagnostic {
    Diagnostic::new(
        Code::E0310,
        format!("`{}-k` of no bound element", name.text),
    )
    .at(
        span,
        "only an element of the statement's brackets has one before it",
    )
    .help("put an ordered plate in the brackets and subtract from its name: `[t in step]`, `t-1`")
}

pub(in crate::check) fn lag_of_fold(name: &Name, span: Span, bound: Span) -> Diagnostic {
    Diagnostic::new(
        Code::E0310,
        format!("`{}-k` of an element bound by `over`", name.text),
    )
    .at(
        span,
        "only an element of the statement's brackets has one before it",
    )
    .also(bound, "bound here")
    .help("put the plate in the brackets of the statement")
}

pub(in crate::check) fn no_order(
    span: Span,
    plate: &str,
    declared: Span,
    table: bool,
) -> Diagnostic {
    let d = Diagnostic::new(Code::E0310, format!("`{plate}` has no order"))
        .at(span, "no element comes before another");
    if table {
        d.also(declared, "a table without `ordered`")
            .help(format!("write `data {plate} ordered by COLUMN {{ ... }}`"))
    } else {
        d.also(declared, "the distinct labels of a column")
            .help(format!(
                "list the elements in order: `plate {plate} {{ ... }}`"
            ))
    }
}

pub(in crate::check) fn fold_of_two_columns(
    fold: &Name,
    table: &str,
    first: (&str, Span),
    second: (&str, Span),
) -> Diagnostic {
    Diagnostic::new(
        Code::E0315,
        format!("two columns restrict the rows of `{table}`"),
    )
    .at(
        fold.span,
        format!(
            "`{}` and `{}` both refer to bound elements",
            first.0, second.0
        ),
    )
    .also(first.1, "one")
    .also(second.1, "the other")
    .help("compute the fold in a `let` of its own that binds one of the two plates")
}

pub(in crate::check) fn fold_of_several(
    fold: &Name,
    table: &str,
    places: Vec<(String, Span)>,
) -> Diagnostic {
    let mut d = Diagnostic::new(
        Code::E0315,
        format!("two elements restrict the rows of `{table}`"),
    )
    .at(fold.span, "the rows of which of them?");
    for (name, span) in places {
        d = d.also(span, format!("`{name}` is one"));
    }
    d.help("compute the fold in a `let` of its own that binds one of the two")
}

/// `plate` is the plate of a distribution's statement; without one the statement cannot have `first`.
pub(in crate::check) fn lag_without_first(span: Span, plate: Option<&str>) -> Diagnostic {
    let d = Diagnostic::new(Code::E0412, "`i-k` without `first`");
    match plate {
        Some(plate) => d
            .at(
                span,
                format!("the first of `{plate}` have nothing before them"),
            )
            .help("say what they are drawn from: `~ DIST first DIST`"),
        None => d
            .at(span, "the first elements have nothing before them")
            .help("use `i-k` in a distribution with `first`"),
    }
}

pub(in crate::check) fn first_without_lag(span: Span) -> Diagnostic {
    Diagnostic::new(Code::E0412, "`first` without `i-k`")
        .at(span, "every element has the same distribution")
        .help("leave out `first`, or use the element before, for example `z[step-1]`")
}

pub(in crate::check) fn lag_in_first(span: Span) -> Diagnostic {
    Diagnostic::new(Code::E0412, "`i-k` inside `first`")
        .at(
            span,
            "the elements that `first` is for have nothing before them",
        )
        .help("use no `i-k` after `first`")
}
