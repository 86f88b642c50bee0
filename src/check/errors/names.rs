//! Declarations and look-ups: names, plates, data blocks, circles.

use super::{alternatives, did_you_mean};
use crate::diag::{Code, Diagnostic};
use crate::source::Span;
use crate::syntax::ast::Name;

pub(in crate::check) fn unknown_name(name: &Name, near: Option<&str>) -> Diagnostic {
    let d = Diagnostic::new(Code::E0301, format!("unknown name `{}`", name.text))
        .at(name.span, "no value, plate or bound element is called so");
    match near {
        Some(near) => d.help(format!("a similar name exists: write `{near}`")),
        None => d.help(format!(
            "declare it, for example `const {} = 1` or `param {} : real`",
            name.text, name.text
        )),
    }
}

pub(in crate::check) fn rule_of_no_variable(name: &Name, declared: Span) -> Diagnostic {
    Diagnostic::new(Code::E0301, format!("`{}` is no variable", name.text))
        .at(name.span, "a rule of `infer` names params and latents")
        .also(declared, "declared here")
        .help("name variables declared with `param` or `latent`")
}

pub(in crate::check) fn option_of_no_variable(
    name: &str,
    option: &str,
    other: bool,
    near: Option<&str>,
) -> Diagnostic {
    let title = if other {
        format!("{option} {name}: not a param or latent")
    } else {
        format!("{option} {name}: unknown name")
    };
    let d = Diagnostic::new(Code::E0301, title);
    match near {
        Some(near) => d.help(format!("a similar name exists: write `{option} {near}`")),
        None => d.help(format!(
            "{option} takes names declared with `param` or `latent`"
        )),
    }
}

pub(in crate::check) fn set_of_no_constant(
    name: &str,
    table: bool,
    near: Option<&str>,
) -> Diagnostic {
    let title = if table {
        format!("--set {name}: not a single number")
    } else {
        format!("--set {name}: unknown constant")
    };
    let d = Diagnostic::new(Code::E0301, title);
    match near {
        Some(near) => d.help(format!(
            "a similar name exists: write `--set {near}=NUMBER`"
        )),
        None => d.help("--set replaces the number of a `const` without brackets and `over`"),
    }
}

pub(in crate::check) fn declared_twice(name: &Name, first: Span, what: &str) -> Diagnostic {
    let d = Diagnostic::new(Code::E0302, format!("`{}` is declared twice", name.text))
        .at(name.span, format!("this {what} needs a name of its own"))
        .also(first, "first declared here");
    match what {
        "element" => d.help(format!(
            "choose a name that is not in use, for example `{}2`",
            name.text
        )),
        "plate" => d.help("keep one of the two declarations, or rename one of the plates"),
        _ => d.help("rename one of the two"),
    }
}

pub(in crate::check) fn binary_is_built_in(name: &Name) -> Diagnostic {
    Diagnostic::new(Code::E0302, "`binary` is declared twice")
        .at(
            name.span,
            "the plate `binary` is built in, with elements 0 and 1",
        )
        .help("choose another name for this plate")
}

pub(in crate::check) fn group_and_labels(name: &Name, first: Span) -> Diagnostic {
    Diagnostic::new(Code::E0302, format!("`{}` is declared twice", name.text))
        .at(name.span, "labels cannot be elements of a column group")
        .also(
            first,
            "the columns of this group are the elements of the plate",
        )
        .help(format!(
            "give the labels a plate of their own: `: label of {}_label`",
            name.text
        ))
}

pub(in crate::check) fn plate_and_value(
    name: &Name,
    plate: Span,
    element_of: Option<&str>,
) -> Diagnostic {
    let why = match element_of {
        Some(other) => format!(
            "this value is an element of `{other}`, not of `{}`",
            name.text
        ),
        None => format!("this value is no element of the plate `{}`", name.text),
    };
    Diagnostic::new(
        Code::E0303,
        format!("`{}` names a plate and a value", name.text),
    )
    .at(name.span, why)
    .also(plate, "the plate of the same name")
    .note("a value may share the name of a plate only if it is an element of it")
    .help(format!(
        "rename the value, for example `{}_value`",
        name.text
    ))
}

pub(in crate::check) fn unknown_plate(
    name: &Name,
    value: Option<Span>,
    near: Option<&str>,
) -> Diagnostic {
    let d = Diagnostic::new(Code::E0304, format!("unknown plate `{}`", name.text));
    let d = match value {
        Some(span) => d
            .at(name.span, "this is a value; a plate is expected here")
            .also(span, "the value is declared here"),
        None => d.at(name.span, "no plate is called so"),
    };
    match near {
        Some(near) => d.help(format!("a similar plate exists: write `{near}`")),
        None if value.is_some() => d.help("write the plate that the elements belong to"),
        None => d.help(format!("declare it, for example `plate {}(3)`", name.text)),
    }
}

pub(in crate::check) fn factorise_of_other_plate(
    name: &Name,
    variable: &str,
    declared: Span,
) -> Diagnostic {
    Diagnostic::new(
        Code::E0304,
        format!("`{variable}` has no slot of `{}`", name.text),
    )
    .at(name.span, "not a plate of this variable")
    .also(declared, "declared here")
    .help(format!(
        "name plates of `{variable}`, or write `factorise {variable}`"
    ))
}

pub(in crate::check) fn unknown_distribution(name: &Name, near: Option<&str>) -> Diagnostic {
    let other = match name.text.to_lowercase().as_str() {
        "normal" | "norm" | "gauss" | "gaussian" => Some("Gaussian(mean, var = ...)"),
        "multivariatenormal" | "multinormal" | "mvnormal" | "mvn" | "multivariate_normal" => {
            Some("Gaussian(mean, cov = ...) over A")
        }
        "discrete" | "cat" | "categoricallogits" | "multinoulli" => Some("Categorical(p) over A"),
        "bern" | "flip" => Some("Bernoulli(p)"),
        "expon" | "exp" => Some("Exponential(rate = ...)"),
        "invgamma" | "inv_gamma" | "inversegamma" | "igamma" => {
            Some("InverseGamma(shape, scale = ...)")
        }
        "invwishart" | "inv_wishart" | "inversewishart" => {
            Some("InverseWishart(df, scale = ...) over A")
        }
        "t" | "student" | "student_t" | "students_t" => Some("StudentT(df, mean, scale = ...)"),
        "doubleexponential" | "double_exponential" => Some("Laplace(mean, scale = ...)"),
        "unif" => Some("Uniform(low, high)"),
        "binom" => Some("Binomial(p, total = ...)"),
        "chisquared" | "chisq" | "chi2" => Some("Gamma(df / 2, rate = 0.5)"),
        _ => None,
    };
    let d = Diagnostic::new(Code::E0305, format!("unknown distribution `{}`", name.text))
        .at(name.span, "no distribution is called so");
    match (other, near) {
        (Some(other), _) => d.help(format!("write `{other}`")),
        (None, Some(near)) => d.help(format!("a similar name exists: write `{near}`")),
        (None, None) => {
            let names: Vec<&str> = crate::dist::all().iter().map(|s| s.name).collect();
            d.help(format!(
                "the distributions are {}",
                alternatives(&names, "and")
            ))
        }
    }
}

pub(in crate::check) fn unknown_function(
    name: &Name,
    near: Option<&str>,
    all: &[&str],
) -> Diagnostic {
    let d = Diagnostic::new(Code::E0306, format!("unknown function `{}`", name.text))
        .at(name.span, "no function is called so");
    match (name.text.as_str(), near) {
        ("ln", _) => d.help("the natural logarithm is `log`"),
        ("std" | "stdev", _) => d.help("the standard deviation is `sd(e over A)`"),
        ("avg" | "average", _) => d.help("write `mean(e over A)`"),
        ("length" | "len" | "count" | "nrow", _) => d.help("the number of elements is `size(A)`"),
        ("pow", _) => d.help("write a power as `a ^ b`"),
        (_, Some(near)) => d.help(format!("a similar name exists: write `{near}`")),
        (_, None) => d.help(format!("the functions are {}", alternatives(all, "and"))),
    }
}

pub(in crate::check) fn unknown_word(
    name: &Name,
    what: &str,
    near: Option<&str>,
    all: &[&str],
) -> Diagnostic {
    let d = Diagnostic::new(Code::E0207, format!("unknown {what} `{}`", name.text))
        .at(name.span, format!("not a {what}"));
    match near {
        Some(near) => d.help(format!("a similar word exists: write `{near}`")),
        None => d.help(format!("write {}", alternatives(all, "or"))),
    }
}

pub(in crate::check) fn of_without_label(of: &Name, word: &str) -> Diagnostic {
    Diagnostic::new(Code::E0207, "`of` belongs to labels")
        .at(
            of.span,
            format!("`{word}` values are no elements of a plate"),
        )
        .help(format!(
            "write `label of {}`, or leave out `of {}`",
            of.text, of.text
        ))
}

pub(in crate::check) fn label_without_plate(span: Span) -> Diagnostic {
    Diagnostic::new(Code::E0207, "`label` without its plate")
        .at(span, "elements of which plate?")
        .help("write `label of P`, P a plate of this model")
}

/// Definitions or plate sizes that need each other.
pub(in crate::check) fn circle(names: &[&Name]) -> Diagnostic {
    let owned: Vec<Name> = names.iter().map(|n| (*n).clone()).collect();
    circle_of_values(&owned, None)
}

/// A circle of statements; `plate` is a plate with an order along which one value could be a chain.
pub(in crate::check) fn circle_of_values(names: &[Name], plate: Option<&str>) -> Diagnostic {
    let first = names.first();
    let own = first.map_or("", |n| n.text.as_str());
    let path: Vec<&str> = names.iter().map(|n| n.text.as_str()).chain([own]).collect();
    let title = if names.len() == 1 {
        format!("`{own}` is defined by itself")
    } else {
        format!("`{own}` is defined in a circle")
    };
    let mut d = Diagnostic::new(Code::E0311, title);
    if let Some(first) = first {
        d = d.at(first.span, path.join(" needs "));
    }
    for name in names.iter().skip(1) {
        d = d.also(name.span, format!("`{}` is part of the circle", name.text));
    }
    match plate {
        Some(plate) => d.help(format!(
            "a chain uses the element before: `{own}[{plate}-1]`"
        )),
        None => d.help("leave one of these names out of the definition of the other"),
    }
}

pub(in crate::check) fn no_key(column: Span, table: &str, declared: Span) -> Diagnostic {
    Diagnostic::new(
        Code::E0314,
        format!("labels refer to `{table}`, which has no key"),
    )
    .at(
        column,
        format!("these labels would be rows of the table `{table}`"),
    )
    .also(declared, "no column of this table names its rows")
    .help(format!(
        "add the column `{table} : label` to `data {table}`, or use another plate: `label of P`"
    ))
}

pub(in crate::check) fn every_of_no_column(
    name: &Name,
    table: &str,
    near: Option<&str>,
) -> Diagnostic {
    let d = Diagnostic::new(Code::E0316, format!("`every` of no column `{}`", name.text)).at(
        name.span,
        format!("`data {table}` has no label column of this name"),
    );
    match did_you_mean(near) {
        Some(text) => d.help(text),
        None => d.help(format!(
            "add the column `{} : label` to the block",
            name.text
        )),
    }
}

pub(in crate::check) fn every_of_no_label(name: &Name, declared: Span) -> Diagnostic {
    Diagnostic::new(
        Code::E0316,
        format!("`every` of no label column `{}`", name.text),
    )
    .at(name.span, "only labels have combinations")
    .also(declared, "declared here")
    .help(format!("declare it as a label: `{} : label`", name.text))
}

pub(in crate::check) fn no_single_column(name: &Name, word: &str, declared: Span) -> Diagnostic {
    Diagnostic::new(
        Code::E0316,
        format!("`{word}` of no single column `{}`", name.text),
    )
    .at(name.span, "this name stands for no one column of the file")
    .also(declared, "declared here")
    .help(format!("name one column of the file after `{word}`"))
}

pub(in crate::check) fn observed_no_data(name: &Name, what: &str, declared: Span) -> Diagnostic {
    let (why, help) = match what {
        "variable" => (
            "a variable has no data",
            "state its distribution where it is declared: `latent NAME ~ DIST`",
        ),
        "plate" => ("a plate has no values", "observe a column of a data block"),
        "constant" => (
            "a constant is no data",
            "observe a column, or a `let` made of columns",
        ),
        _ => (
            "this definition contains an unknown",
            "observe a column, or a `let` of data and constants alone",
        ),
    };
    Diagnostic::new(
        Code::E0312,
        format!("`observe` of `{}`, which is no data", name.text),
    )
    .at(name.span, why)
    .also(declared, "declared here")
    .help(help)
}

pub(in crate::check) fn observed_twice(name: &Name, first: Span) -> Diagnostic {
    Diagnostic::new(Code::E0317, format!("`{}` is observed twice", name.text))
        .at(name.span, "a second distribution for the same data")
        .also(first, "first observed here")
        .help("keep one of the two statements; `case` chooses between distributions")
}

pub(in crate::check) fn never_used(what: &str, name: &str, span: Span) -> Diagnostic {
    Diagnostic::new(Code::W0301, format!("{what} `{name}` is never used"))
        .at(span, "no statement uses it")
        .help("remove it, or use it")
}
