//! Distributions: arguments, `over`, `case`, and what they are about.

use super::alternatives;
use crate::diag::{Code, Diagnostic};
use crate::source::Span;
use crate::syntax::ast::{DistributionCall, Name};

pub(in crate::check) fn unknown_argument(
    name: &Name,
    distribution: &str,
    words: &[&str],
    near: Option<&str>,
) -> Diagnostic {
    let other = match name.text.as_str() {
        "sigma" | "std" | "stddev" => words.contains(&"sd").then_some("sd"),
        "variance" | "sigma2" => words.contains(&"var").then_some("var"),
        "mu" | "loc" => words.contains(&"mean").then_some("mean"),
        "covariance" | "Sigma" => words.contains(&"cov").then_some("cov"),
        "tau" | "prec" => words.contains(&"precision").then_some("precision"),
        "lambda" | "beta" => words.contains(&"rate").then_some("rate"),
        "n" | "trials" => words.contains(&"total").then_some("total"),
        "logits" => words.contains(&"logit").then_some("logit"),
        _ => None,
    };
    let d = Diagnostic::new(
        Code::E0401,
        format!("{distribution} has no argument `{}`", name.text),
    )
    .at(name.span, "not an argument of this distribution");
    match other.or(near) {
        Some(near) => d.help(format!("write `{near} = ...`")),
        None => d.help(format!("its arguments are {}", alternatives(words, "and"))),
    }
}

pub(in crate::check) fn argument_missing(
    call: &DistributionCall,
    words: &[&str],
    positional: bool,
) -> Diagnostic {
    let first = words.first().copied().unwrap_or_default();
    let d = Diagnostic::new(
        Code::E0401,
        format!("{} needs {}", call.name.text, alternatives(words, "or")),
    )
    .at(call.span, "this argument is missing");
    if positional {
        d.help(format!("give it in its place, or as `{first} = ...`"))
    } else {
        d.help(format!("add `{first} = ...`"))
    }
}

pub(in crate::check) fn argument_twice(
    span: Span,
    now: &str,
    before: &str,
    first: Span,
) -> Diagnostic {
    let title = if now == before {
        format!("argument `{now}` is given twice")
    } else {
        format!("`{before}` and `{now}` are alternatives")
    };
    Diagnostic::new(Code::E0401, title)
        .at(span, format!("`{now}` says the same as an argument before"))
        .also(first, format!("`{before}` is given here"))
        .help("keep one of the two")
}

pub(in crate::check) fn too_many_arguments(call: &DistributionCall, span: Span) -> Diagnostic {
    Diagnostic::new(
        Code::E0401,
        format!("too many arguments for {}", call.name.text),
    )
    .at(span, "no argument has this place")
    .help("leave it out")
}

pub(in crate::check) fn spread_not_named(
    call: &DistributionCall,
    span: Span,
    words: &[&str],
    text: &str,
) -> Diagnostic {
    let forms: Vec<String> = words.iter().map(|w| format!("{w} = {text}")).collect();
    Diagnostic::new(
        Code::E0402,
        format!("{} without the name of an argument", call.name.text),
    )
    .at(span, format!("is this {}?", alternatives(words, "or")))
    .help(format!("write {}", alternatives(&forms, "or")))
}

pub(in crate::check) fn over_missing(call: &DistributionCall, distribution: &str) -> Diagnostic {
    let what = match distribution {
        "Categorical" => "the plate whose element is drawn",
        "Multinomial" => "the plate of the counts",
        "Dirichlet" => "the plate of the simplex",
        _ => "the plate of the matrix",
    };
    let mut d = Diagnostic::new(Code::E0403, format!("{distribution} without `over`"))
        .at(call.span, format!("{what} is missing"));
    if matches!(distribution, "Categorical" | "Multinomial") {
        d = d.note("`over` may be left out only where the argument is a reference with one axis, declared with `over`");
    }
    d.help(format!("write `{distribution}(...) over A`, A a plate"))
}

pub(in crate::check) fn matrix_without_over(
    call: &DistributionCall,
    span: Span,
    word: &str,
) -> Diagnostic {
    let d = Diagnostic::new(Code::E0403, format!("`{word}` without `over`"))
        .at(span, "a matrix needs the plate of its rows and columns");
    if call.name.text == "Gaussian" {
        d.help("write `Gaussian(mean, cov = ...) over A`, or `var = ...` for a number")
    } else {
        d.help(format!("write `{}(...) over A`, A a plate", call.name.text))
    }
}

/// `name` is the variable of a domain, empty for a distribution.
pub(in crate::check) fn over_not_taken(
    span: Span,
    word: &str,
    plate: &str,
    name: &str,
) -> Diagnostic {
    let d = Diagnostic::new(Code::E0403, format!("`{word}` takes no `over`"))
        .at(span, "its value is a single one");
    if name.is_empty() {
        d.help(format!(
            "put `{plate}` in the brackets of the statement instead"
        ))
    } else {
        d.help(format!("write `{name}[{plate}] : {word}`"))
    }
}

pub(in crate::check) fn over_missing_in_domain(span: Span, word: &str) -> Diagnostic {
    Diagnostic::new(Code::E0403, format!("`{word}` without `over`"))
        .at(span, "the plate is missing")
        .help(format!("write `{word} over A`, A a plate"))
}

pub(in crate::check) fn fold_without_over(name: &Name) -> Diagnostic {
    Diagnostic::new(Code::E0403, format!("`{}` without `over`", name.text))
        .at(name.span, "over the elements of which plate?")
        .help(format!("write `{}(e over A)`, A a plate", name.text))
}

pub(in crate::check) fn function_takes_no_over(name: &Name, span: Span) -> Diagnostic {
    Diagnostic::new(Code::E0403, format!("`{}` takes no `over`", name.text))
        .at(span, "it is a function of one argument")
        .help(format!("write `{}(e)`", name.text))
}

pub(in crate::check) fn size_of_no_plate(span: Span) -> Diagnostic {
    Diagnostic::new(Code::E0304, "`size` of no plate")
        .at(span, "not the name of a plate")
        .help("write `size(A)`, A a plate")
}

pub(in crate::check) fn argument_varies(span: Span, word: &str, plate: &str) -> Diagnostic {
    Diagnostic::new(Code::E0403, format!("`{word}` varies along `{plate}`"))
        .at(span, format!("one number belongs to all of `{plate}`"))
        .help(format!("leave `{plate}` out of this argument"))
}

pub(in crate::check) fn case_of_unknown_elements(
    span: Span,
    plate: &str,
    declared: Span,
) -> Diagnostic {
    Diagnostic::new(
        Code::E0413,
        format!("`case` of `{plate}`, whose elements are not known"),
    )
    .at(
        span,
        "the branches need a listed or counted plate, or binary",
    )
    .also(declared, "its elements come from the data")
    .help(format!("list the elements: `plate {plate} {{ a, b }}`"))
}

pub(in crate::check) fn branch_of_no_element(
    label: &Name,
    plate: &str,
    elements: &[String],
    declared: Span,
) -> Diagnostic {
    Diagnostic::new(
        Code::E0413,
        format!("`{}` is no element of `{plate}`", label.text),
    )
    .at(label.span, "no such element")
    .also(declared, "the plate")
    .help(format!(
        "its elements are {}",
        alternatives(elements, "and")
    ))
}

pub(in crate::check) fn branch_twice(label: &Name, first: Span) -> Diagnostic {
    Diagnostic::new(Code::E0413, format!("two branches for `{}`", label.text))
        .at(label.span, "the second")
        .also(first, "the first")
        .help("keep one of the two")
}

pub(in crate::check) fn branches_missing(
    span: Span,
    plate: &str,
    missing: &[String],
    declared: Span,
) -> Diagnostic {
    let first = missing.first().map_or("", String::as_str);
    Diagnostic::new(Code::E0413, format!("`case` misses elements of `{plate}`"))
        .at(
            span,
            format!("no branch for {}", alternatives(missing, "and")),
        )
        .also(declared, "the plate")
        .help(format!("add a branch `{first}: DIST`"))
}

pub(in crate::check) fn branches_differ(
    call: &DistributionCall,
    name: &str,
    declared: Span,
) -> Diagnostic {
    Diagnostic::new(Code::E0408, "branches draw different kinds of value")
        .at(call.span, format!("not the kind that the first distribution of `{name}` draws"))
        .also(declared, "this variable")
        .help("use distributions of one support, and the same `over`, in all branches and after `first`")
}

/// Brackets and `over` of an `observe` against the slots of its data.
pub(in crate::check) fn brackets_differ(
    span: Span,
    name: &str,
    slots: &str,
    brackets: &str,
    over: Option<&str>,
    declared: Span,
) -> Diagnostic {
    let d = Diagnostic::new(
        Code::E0313,
        format!("brackets of `{name}` are not its slots"),
    );
    if slots.is_empty() {
        return d
            .at(span, format!("`{name}` is a single number"))
            .also(declared, "declared here without brackets")
            .help(format!(
                "write `observe {name}` without brackets and `over`"
            ));
    }
    let d = d
        .at(
            span,
            format!("brackets and `over` must be `{slots}`, in this order"),
        )
        .also(
            declared,
            format!("`{name}` has one value for each of `{slots}`"),
        )
        .help(format!("write `observe {name}[{brackets}]`"));
    match over {
        Some(plate) => d.help(format!("or add `over {plate}` to the distribution")),
        None => d,
    }
}

pub(in crate::check) fn over_of_wrong_plate(
    span: Span,
    plate: &str,
    name: &str,
    slots: &str,
    declared: Span,
) -> Diagnostic {
    Diagnostic::new(Code::E0313, format!("`{name}` has no slot of `{plate}`"))
        .at(
            span,
            format!("brackets and `over` must be `{slots}`, in this order"),
        )
        .also(declared, "declared here")
        .help(format!("write `over` the last of `{slots}`"))
}

pub(in crate::check) fn observed_without_distribution(
    span: Span,
    name: &str,
    declared: Span,
) -> Diagnostic {
    Diagnostic::new(
        Code::E0312,
        format!("`observe {name}` without a distribution"),
    )
    .at(span, "only a column may be observed so, for potentials")
    .also(declared, "a definition")
    .help(format!(
        "write `observe {name} ~ DIST`, or observe the column itself"
    ))
}

pub(in crate::check) fn labels_of_other_plate(
    call: &DistributionCall,
    drawn: &str,
    name: &str,
    own: &str,
    declared: Span,
) -> Diagnostic {
    Diagnostic::new(
        Code::E0404,
        format!("{} draws elements of `{drawn}`", call.name.text),
    )
    .at(call.span, format!("`{name}` holds elements of `{own}`"))
    .also(declared, "declared here")
    .help(format!("use probabilities declared `over {own}`"))
}

/// A column whose type is not inside the support.
pub(in crate::check) fn outside(
    call: &DistributionCall,
    word: &str,
    name: &str,
    declared: Span,
    wanted: Option<&str>,
) -> Diagnostic {
    let d = Diagnostic::new(
        Code::E0408,
        format!("`{name}` is {word}, not what {} draws", call.name.text),
    )
    .at(call.span, format!("{word} values are outside its support"))
    .also(declared, format!("`{name}` is {word}"));
    match wanted {
        Some(wanted) => d.help(format!(
            "declare the column as `{wanted}`, or choose a distribution of {word} values"
        )),
        None => d.help(format!("choose a distribution of {word} values")),
    }
}

pub(in crate::check) fn observed_weight(name: &Name, declared: Span) -> Diagnostic {
    Diagnostic::new(
        Code::E0408,
        format!("`observe` of the weight `{}`", name.text),
    )
    .at(
        name.span,
        "a weight says how often a row counts, it is not drawn",
    )
    .also(declared, "declared as a weight")
    .help(format!("declare it as a value: `{} : count`", name.text))
}

pub(in crate::check) fn definition_outside(
    span: Span,
    distribution: &str,
    words: &str,
    name: &str,
    declared: Span,
) -> Diagnostic {
    Diagnostic::new(
        Code::E0408,
        format!("`{name}` is not what {distribution} draws"),
    )
    .at(span, format!("its values are {words}"))
    .also(declared, "this expression leaves them")
    .help("choose a distribution of real values, for example Gaussian")
}
