//! Supports of arguments: signs, probabilities, constants.

use crate::diag::{Code, Diagnostic};
use crate::dist::ArgumentSupport;
use crate::model::Domain;
use crate::source::Span;

/// The variable that lets an argument leave its support.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::check) struct Cause {
    pub name: String,
    pub domain: Domain,
    /// Declared by a domain, not a distribution.
    pub flat: bool,
    pub span: Span,
    /// It is the whole argument.
    pub alone: bool,
}

fn support_words(support: ArgumentSupport) -> &'static str {
    match support {
        ArgumentSupport::Real => "any number",
        ArgumentSupport::Positive => "above 0",
        ArgumentSupport::NonNegative => "at least 0",
        ArgumentSupport::Probability => "between 0 and 1",
        ArgumentSupport::Simplex => "probabilities that sum to 1",
        ArgumentSupport::Count => "a whole number, at least 0",
    }
}

fn domain_words(domain: Domain) -> &'static str {
    match domain {
        Domain::Real => "any number",
        Domain::Positive => "above 0",
        Domain::Probability => "between 0 and 1",
        Domain::Simplex => "a simplex",
        Domain::Covariance => "a covariance",
        Domain::Precision => "a precision",
        Domain::Binary => "0 or 1",
        Domain::Element(_) => "an element",
        Domain::Count => "0, 1, 2, ...",
    }
}

fn of_element(element: &str) -> String {
    if element.is_empty() {
        String::new()
    } else {
        format!(" at `{element}`")
    }
}

pub(in crate::check) fn may_leave(
    span: Span,
    distribution: &str,
    word: &str,
    support: ArgumentSupport,
    cause: Option<Cause>,
) -> Diagnostic {
    let d = Diagnostic::new(
        Code::E0407,
        format!("`{word}` of {distribution} may leave its support"),
    )
    .at(span, format!("this must be {}", support_words(support)));
    let positive = matches!(
        support,
        ArgumentSupport::Positive | ArgumentSupport::NonNegative
    );
    let transform = match (distribution, word) {
        ("Poisson", "rate") => Some("Poisson(log = ...)".to_string()),
        (_, "p") => Some(format!("{distribution}(logit = ...)")),
        _ if positive => Some(format!("{word} = exp(...)")),
        _ => None,
    };
    let Some(cause) = cause else {
        return match transform {
            Some(text) => d.help(format!("write `{text}`")),
            None => d.help(format!(
                "write an expression that is {}",
                support_words(support)
            )),
        };
    };
    let d = d.also(
        cause.span,
        format!("`{}` is {}", cause.name, domain_words(cause.domain)),
    );
    let domain = match support {
        ArgumentSupport::Positive | ArgumentSupport::NonNegative => Some("positive"),
        ArgumentSupport::Probability => Some("probability"),
        ArgumentSupport::Real | ArgumentSupport::Simplex | ArgumentSupport::Count => None,
    };
    match (domain, cause.flat && cause.alone, transform) {
        (Some(domain), true, _) => d.help(format!(
            "declare `{}` with the domain `{domain}`",
            cause.name
        )),
        (_, _, Some(text)) => d.help(format!("write `{text}`")),
        (_, _, None) => d.help(format!(
            "write an expression that is {}",
            support_words(support)
        )),
    }
}

pub(in crate::check) fn number_outside(
    span: Span,
    distribution: &str,
    word: &str,
    support: ArgumentSupport,
    value: f64,
    element: &str,
) -> Diagnostic {
    Diagnostic::new(
        Code::E0407,
        format!("`{word}` of {distribution} is {value}"),
    )
    .at(
        span,
        format!(
            "{value}{}, but it must be {}",
            of_element(element),
            support_words(support)
        ),
    )
    .help(format!("choose a value that is {}", support_words(support)))
}

pub(in crate::check) fn low_not_below_high(
    span: Span,
    low: f64,
    high: f64,
    first: Span,
) -> Diagnostic {
    Diagnostic::new(Code::E0407, "`high` of Uniform is not above `low`")
        .at(span, format!("{high}"))
        .also(first, format!("{low}"))
        .help("write `Uniform(low, high)` with low < high")
}

pub(in crate::check) fn df_too_small(span: Span, df: f64, n: usize) -> Diagnostic {
    Diagnostic::new(Code::E0407, format!("`df` is {df}"))
        .at(
            span,
            format!(
                "it must be above {}, one less than the side of the matrix",
                n.saturating_sub(1)
            ),
        )
        .help(format!("write `df = {}` or more", n + 1))
}

pub(in crate::check) fn may_be_no_simplex(
    span: Span,
    distribution: &str,
    plate: &str,
    unknown: Option<(String, Span)>,
    logit: bool,
) -> Diagnostic {
    let mut d = Diagnostic::new(
        Code::E0407,
        format!("`p` of {distribution} may be no simplex"),
    )
    .at(
        span,
        format!("this must sum to 1 over `{plate}`, whatever the unknowns are"),
    );
    if let Some((name, span)) = unknown {
        d = d.also(span, format!("`{name}` is unknown"));
    }
    if logit {
        d.help(format!("write `{distribution}(logit = ...) over {plate}`, or declare probabilities: `simplex over {plate}`"))
    } else {
        d.help(format!(
            "declare the probabilities as `simplex over {plate}` or with a Dirichlet"
        ))
    }
}

pub(in crate::check) fn no_simplex(
    span: Span,
    plate: &str,
    sum: f64,
    least: f64,
    element: &str,
) -> Diagnostic {
    let why = if least < 0.0 {
        format!("a probability is {least}{}", of_element(element))
    } else {
        let sum = format!("{sum:.6}");
        let sum = sum.trim_end_matches('0').trim_end_matches('.');
        format!("the sum over `{plate}` is {sum}{}", of_element(element))
    };
    Diagnostic::new(Code::E0411, "constant probabilities are no simplex")
        .at(span, why)
        .help(format!(
            "give numbers from 0 to 1 that sum to 1 over `{plate}`"
        ))
}

pub(in crate::check) fn no_covariance(
    span: Span,
    word: &str,
    why: &str,
    element: &str,
) -> Diagnostic {
    Diagnostic::new(Code::E0411, format!("constant `{word}` is no covariance"))
        .at(span, format!("{why}{}", of_element(element)))
        .help("give a symmetric positive definite matrix, for example `identity`")
}
