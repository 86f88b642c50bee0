//! Types: matrices, tables, sizes, cells, weights, constraints and roles.

use crate::diag::{Code, Diagnostic};
use crate::source::Span;
use crate::syntax::ast::{self, Name, Reference};

pub(in crate::check) fn matrix_for_number(
    span: Span,
    name: &str,
    declared: Option<Span>,
) -> Diagnostic {
    let d = Diagnostic::new(Code::E0406, format!("the matrix `{name}` for a number"))
        .at(span, "a number is needed here");
    let d = match declared {
        Some(span) => d.also(span, "declared as a matrix"),
        None => d,
    };
    d.help("matrices stand in `cov`, `precision`, `scale` and `inverse_scale` under `over A`; there is no matrix arithmetic elsewhere")
}

pub(in crate::check) fn number_for_matrix(span: Span, plate: &str) -> Diagnostic {
    Diagnostic::new(Code::E0406, "a number for a matrix")
        .at(span, format!("a matrix over `{plate}` is needed here"))
        .help("write `number * identity`, `diagonal(e)`, or `var = ...` in a Gaussian")
}

pub(in crate::check) fn no_such_matrix_arithmetic(span: Span) -> Diagnostic {
    Diagnostic::new(Code::E0406, "no such arithmetic with matrices")
        .at(span, "not a number times a matrix, nor a sum of matrices")
        .help("the forms are `number * M`, `M / number`, `M + M`, `diagonal(e)` and `inverse(M)`")
}

pub(in crate::check) fn scale_varies(span: Span, plate: &str) -> Diagnostic {
    Diagnostic::new(
        Code::E0406,
        format!("factor of a matrix varies along `{plate}`"),
    )
    .at(span, "one number belongs to the whole matrix")
    .help("write `diagonal(e)` for a number that varies")
}

pub(in crate::check) fn matrix_of_other_plate(
    r: &Reference,
    own: &str,
    plate: &str,
    declared: Span,
) -> Diagnostic {
    Diagnostic::new(
        Code::E0404,
        format!("`{}` is a matrix over `{own}`", r.name.text),
    )
    .at(r.span, format!("a matrix over `{plate}` is needed here"))
    .also(declared, "declared here")
    .help(format!("declare it over `{plate}`"))
}

pub(in crate::check) fn sd_of_unknown(
    span: Span,
    word: &str,
    unknown: Option<(String, Span)>,
) -> Diagnostic {
    let d = Diagnostic::new(Code::E0416, format!("`{word}` of an unknown"))
        .at(span, "only data and constants may stand here");
    let d = match unknown {
        Some((name, span)) => d.also(span, format!("`{name}` is unknown")),
        None => d,
    };
    if word == "inverse" {
        d.help("use the other of `cov` and `precision` instead")
    } else {
        d.help("leave unknowns out of `sd`")
    }
}

pub(in crate::check) fn const_of_data(name: &Name, span: Span) -> Diagnostic {
    Diagnostic::new(
        Code::E0416,
        format!("const `{}` of data or unknowns", name.text),
    )
    .at(span, "a constant is made of numbers and constants alone")
    .also(name.span, "declared as `const`")
    .help(format!("write `let {} = ...`", name.text))
}

pub(in crate::check) fn size_not_whole(span: Span, plate: &str, value: f64) -> Diagnostic {
    Diagnostic::new(
        Code::E0409,
        format!("`{plate}` cannot have {value} elements"),
    )
    .at(span, "a size is a whole number above 0")
    .help(format!("write for example `plate {plate}(3)`"))
}

pub(in crate::check) fn size_of_data(
    span: Span,
    plate: &str,
    unknown: Option<(String, Span)>,
) -> Diagnostic {
    let d = Diagnostic::new(Code::E0409, format!("size of `{plate}` is no constant"))
        .at(span, "a size is made of numbers, constants and `size(A)`");
    let d = match unknown {
        Some((name, span)) => d.also(span, format!("`{name}` is unknown")),
        None => d,
    };
    d.help(format!("write for example `plate {plate}(3)`"))
}

pub(in crate::check) fn table_does_not_fit(
    span: Span,
    entries: usize,
    size: usize,
    plate: &str,
    declared: Span,
) -> Diagnostic {
    let words = |n: usize| if n == 1 { "y" } else { "ies" };
    let elements = if size == 1 { "element" } else { "elements" };
    Diagnostic::new(Code::E0410, format!("table does not fit `{plate}`"))
        .at(
            span,
            format!(
                "{entries} entr{}, but `{plate}` has {size} {elements}",
                words(entries)
            ),
        )
        .also(declared, "the plate")
        .help(format!("give {size} entr{} along `{plate}`", words(size)))
}

pub(in crate::check) fn table_not_rectangular(span: Span, why: &str) -> Diagnostic {
    Diagnostic::new(Code::E0410, "table is not rectangular")
        .at(span, why)
        .help("give all lists of one level the same length")
}

pub(in crate::check) fn table_too_deep(
    span: Span,
    name: &str,
    depth: usize,
    plates: &[String],
) -> Diagnostic {
    let of = if plates.is_empty() {
        "it has no plates".to_string()
    } else {
        format!("its plates are `{}`", plates.join(", "))
    };
    Diagnostic::new(
        Code::E0410,
        format!("table has more levels than `{name}` has plates"),
    )
    .at(span, format!("{depth} levels of lists; {of}"))
    .help(format!(
        "add plates in brackets, `{name}[A] = ...`, or write fewer levels"
    ))
}

pub(in crate::check) fn group_of_two_plates(second: &Name) -> Diagnostic {
    Diagnostic::new(Code::E0410, "column group of two plates")
        .at(
            second.span,
            "the columns of a group are the elements of one plate",
        )
        .help("keep one plate in the brackets; a long table has a label column for each plate")
}

pub(in crate::check) fn source_does_not_fit(span: Span, name: &str, group: bool) -> Diagnostic {
    let d = Diagnostic::new(
        Code::E0410,
        format!("source of `{name}` does not fit its plates"),
    );
    if group {
        d.at(span, "a group of columns needs a pattern, a list or `rest`")
            .help(format!("write `= \"{name}_*\"`, `= (a, b)` or `= rest`"))
    } else {
        d.at(span, "several columns for a single one").help(format!(
            "name one column, or make it a group: `{name}[plate]`"
        ))
    }
}

pub(in crate::check) fn cell_outside(
    span: Span,
    value: &str,
    ty: &str,
    declared: Span,
) -> Diagnostic {
    Diagnostic::new(Code::E0408, format!("{value} is not a `{ty}` cell"))
        .at(span, format!("cells would hold {value}"))
        .also(declared, "the type of the column")
        .help("change the value or the type")
}

pub(in crate::check) fn pair_of_two_plates(
    a: &Name,
    p: &str,
    b: &Name,
    q: &str,
    declared: Span,
) -> Diagnostic {
    Diagnostic::new(
        Code::E0404,
        format!("`{}` and `{}` are of two plates", a.text, b.text),
    )
    .at(
        b.span,
        format!(
            "`{}` holds elements of `{p}`, `{}` of `{q}`",
            a.text, b.text
        ),
    )
    .also(declared, "declared here")
    .help(format!("declare both as `label of {p}`"))
}

pub(in crate::check) fn second_weight(span: Span, first: Span) -> Diagnostic {
    Diagnostic::new(Code::E0415, "a second weight")
        .at(span, "a table has one weight at most")
        .also(first, "the first")
        .help("declare one of them as `count` or `real`")
}

pub(in crate::check) fn weight_group(span: Span, plate: &str) -> Diagnostic {
    Diagnostic::new(Code::E0415, "a group of weights")
        .at(span, "a weight is one number for a row")
        .help(format!(
            "declare it as `count`, with a value for each of `{plate}`"
        ))
}

pub(in crate::check) fn weight_not_here(span: Span, word: &str, clause: Span) -> Diagnostic {
    let table = if word == "ordered" {
        "an ordered table"
    } else {
        "an `every` table"
    };
    Diagnostic::new(Code::E0415, format!("a weight in {table}"))
        .at(span, "a row stands for itself here")
        .also(clause, table)
        .help(format!(
            "leave out `{word}`, or declare the column as `count` or `real`"
        ))
}

pub(in crate::check) fn discrete_param(span: Span, name: &str, word: &str) -> Diagnostic {
    Diagnostic::new(Code::E0408, format!("a flat param cannot be `{word}`"))
        .at(
            span,
            "only latents of undirected models are discrete without a distribution",
        )
        .help(format!(
            "write `latent {name}` with a distribution or a potential"
        ))
}

pub(in crate::check) fn treatment_of_param(span: Span, name: &str) -> Diagnostic {
    Diagnostic::new(
        Code::E0414,
        format!("`as` does not apply to param `{name}`"),
    )
    .at(span, "a param is a point already")
    .help("leave it out, or declare the variable as `latent`")
}

pub(in crate::check) fn constraint_of_domain(
    span: Span,
    words: &str,
    name: &str,
    declared: Span,
) -> Diagnostic {
    let values = if words == "increasing" {
        "numbers"
    } else {
        "real numbers"
    };
    Diagnostic::new(Code::E0414, format!("`{words}` does not apply to `{name}`"))
        .at(span, format!("it is for {values}"))
        .also(declared, "declared here")
        .help("leave out the constraint, or change the domain to `real`")
}

pub(in crate::check) fn constraint_of_plate(
    span: Span,
    words: &str,
    name: &str,
    plate: &str,
    times: usize,
    declared: Span,
) -> Diagnostic {
    let why = if times == 0 {
        format!("`{name}` has no slot of `{plate}`")
    } else {
        format!("`{name}` has more than one slot of `{plate}`")
    };
    Diagnostic::new(
        Code::E0414,
        format!("`{words} over {plate}` does not apply"),
    )
    .at(span, why)
    .also(declared, "declared here")
    .help(format!("name a plate that `{name}` has once"))
}

pub(in crate::check) fn increasing_without_order(
    span: Span,
    plate: &str,
    declared: Span,
    table: bool,
) -> Diagnostic {
    let d = Diagnostic::new(
        Code::E0414,
        format!("`increasing over {plate}` does not apply"),
    )
    .at(span, format!("the elements of `{plate}` have no order"))
    .also(declared, "the plate");
    if table {
        d.help(format!("write `data {plate} ordered by COLUMN {{ ... }}`"))
    } else {
        d.help(format!(
            "list the elements in order: `plate {plate} {{ ... }}`"
        ))
    }
}

pub(in crate::check) fn symmetric_does_not_apply(
    span: Span,
    name: &str,
    slots: &str,
    matrix: bool,
    declared: Span,
) -> Diagnostic {
    let why = if matrix {
        format!("`{name}` is a symmetric matrix already")
    } else if slots.is_empty() {
        format!("`{name}` has no indices")
    } else {
        format!("the last two of `{slots}` are not one plate twice")
    };
    Diagnostic::new(Code::E0414, "`symmetric` does not apply")
        .at(span, why)
        .also(declared, "declared here")
        .help(format!("leave it out, or declare `{name}[A, A]`"))
}

pub(in crate::check) fn latent_without_distribution(
    name: &Name,
    domain: &ast::Domain,
) -> Diagnostic {
    Diagnostic::new(
        Code::E0417,
        format!("latent `{}` without a distribution", name.text),
    )
    .at(domain.span, "a domain alone says nothing about a latent")
    .also(name.span, "no potential mentions it")
    .help(format!(
        "write `latent {} ~ DIST`, or `param` for a flat one",
        name.text
    ))
}

pub(in crate::check) fn flat_to_latent(name: &str, declared: Span) -> Diagnostic {
    Diagnostic::new(Code::E0507, format!("flat param `{name}` cannot be latent"))
        .at(
            declared,
            "without a distribution it has no prior to integrate over",
        )
        .help(format!("give it a prior: `param {name} ~ DIST`"))
}

pub(in crate::check) fn definition_too_large(
    span: Span,
    name: &str,
    depth: usize,
    parts: usize,
) -> Diagnostic {
    Diagnostic::new(Code::E0209, "nested too deep")
        .at(
            span,
            format!(
                "with the definitions it uses resolved, `{name}` has {parts} parts, {depth} deep"
            ),
        )
        .note("at most 100000 parts and 512 levels are resolved")
        .help(
            "use fewer definitions in a row, or compute the value outside and read it as a column",
        )
}
