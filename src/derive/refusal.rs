//! Refusals in words: what cannot be derived, where it stands, and what may be written instead.
//!
//! in: a refusal of the algebra, of the family match or of the plan -> out: a diagnostic E0501, E0506 or E0508.
//!
//! E0501 says that no family exists for the form; E0508 that one may exist, but pmc has no rule for it. Every refusal names
//! an edit after which the model compiles.

use crate::algebra::expand::FOLD_OVER_ROWS;
use crate::algebra::{Origin, Refusal, Term, UnknownId, Unknowns};
use crate::diag::{Code, Diagnostic};
use crate::family::{StatisticKind, Support};
use crate::model::{
    Argument, ArgumentName, Constraint, Distribution, DistributionKind, Domain, Expr, Factor,
    FactorKind, Matrix, Model, Role, VariableId,
};
use crate::source::Span;

use super::moments::NoMoment;

/// A statement that has no terms, with the distribution at fault where one is.
#[derive(Debug, Clone)]
pub struct Refused<'m> {
    /// Why.
    pub why: Refusal,
    /// Whose log density it is.
    pub distribution: Option<&'m Distribution>,
}

impl From<Refusal> for Refused<'_> {
    fn from(why: Refusal) -> Self {
        Refused {
            why,
            distribution: None,
        }
    }
}

const NEVER_IN_SILENCE: &str =
    "pmc refuses what it cannot derive exactly; it never approximates in silence";

/// A statement without terms.
pub fn statement(model: &Model, factor: &Factor, refused: &Refused<'_>) -> Diagnostic {
    let place = refused
        .distribution
        .map_or(factor.span, |d| culprit(model, d));
    let matrix = matches!(refused.distribution, Some(d) if d.kind == DistributionKind::Gaussian)
        && matches!(refused.why, Refusal::MustBeKnown(_));
    let help = match (&factor.kind, refused.distribution) {
        _ if matrix => {
            "a matrix is known, or a number times one unknown matrix; for a diagonal one write `var = v` under `over`"
        }
        (FactorKind::Potential(_) | FactorKind::ObservedOnly(_), _) => {
            "write it directed: one `~` statement for each latent and each observed column"
        }
        (FactorKind::Prior(v, _), Some(_)) if model.variable(*v).domain == Domain::Count => {
            "no family is over counts: observe it as a column, or let a latent of a plate pick among rates"
        }
        (_, Some(_)) if refused.why == Refusal::NotDerived(FOLD_OVER_ROWS.into()) => {
            "give the element a latent of its own: a sum over the rows that refer to it takes known values only"
        }
        (_, Some(d)) => instead(model, d),
        (_, None) => "write `else NUMBER` after the column to fill its blank cells",
    };
    match &refused.why {
        Refusal::NoFamily(why) => {
            Diagnostic::new(Code::E0501, "no family for this statement").at(place, why)
        }
        Refusal::NotDerived(what) => Diagnostic::new(Code::E0508, "form not derived yet")
            .at(place, what)
            .note(NEVER_IN_SILENCE),
        Refusal::MustBeKnown(what) => {
            Diagnostic::new(Code::E0506, "argument must be known").at(place, what)
        }
    }
    .help(help)
}

/// E0503: a potential that holds a point, whose normaliser over everything else would count.
pub fn normaliser(model: &Model, factor: &Factor) -> Option<Diagnostic> {
    let FactorKind::Potential(e) = &factor.kind else {
        return None;
    };
    let v = point_in(model, e)?;
    let variable = model.variable(v);
    Some(
        Diagnostic::new(Code::E0503, "param in a potential: normaliser unknown")
            .at(factor.span, format!("`{}` is a point", variable.name))
            .also(variable.name_span, "declared here")
            .note("the likelihood of a point divides by the sum of the potentials over all states, which pmc does not have")
            .help("give its values as a constant: `const NAME[...] = [[...]]`"),
    )
}

fn point_in(model: &Model, e: &Expr) -> Option<VariableId> {
    match e {
        Expr::Number(_) | Expr::Size(_) | Expr::Column(..) => None,
        Expr::Variable(v, _) => (model.variable(*v).role == Role::Param).then_some(*v),
        Expr::Definition(d, _) => match &model.definition(*d).body {
            crate::model::Body::Expr(e) => point_in(model, e),
            crate::model::Body::Table { entries, .. } => {
                entries.iter().find_map(|e| point_in(model, e))
            }
        },
        Expr::Negate(a) | Expr::Call(_, a) | Expr::Fold { body: a, .. } => point_in(model, a),
        Expr::Add(a, b)
        | Expr::Subtract(a, b)
        | Expr::Multiply(a, b)
        | Expr::Divide(a, b)
        | Expr::Power(a, b) => point_in(model, a).or_else(|| point_in(model, b)),
    }
}

/// A variable whose constraint no update respects.
pub fn constrained(model: &Model, v: VariableId) -> Option<Diagnostic> {
    let variable = model.variable(v);
    let along_axis = variable.brackets < variable.slots.len();
    let constraint = variable
        .constraints
        .iter()
        .find(|c| along_axis && **c == Constraint::Symmetric)?;
    let plate = |p| format!("`{}`", model.plate(p).name);
    let (words, help) = match constraint {
        Constraint::UnitNorm(p) => (
            format!("`unit norm` along {}", plate(*p)),
            "leave it out: a Gaussian prior on it keeps its scale from drifting",
        ),
        Constraint::UnitBall(p) => (
            format!("`unit ball` along {}", plate(*p)),
            "leave it out: a Gaussian prior on it keeps it small",
        ),
        Constraint::Increasing(p) => (
            format!("`increasing` along {}", plate(*p)),
            "leave it out, and sort the elements of the result",
        ),
        Constraint::Symmetric => (
            "`symmetric` along its `over` axis".to_string(),
            "write both plates in the brackets: `w[A, A] ~ Gaussian(0, var = 1), symmetric`",
        ),
    };
    Some(
        Diagnostic::new(Code::E0508, "constraint not derived yet")
            .at(
                variable.name_span,
                format!("no update keeps `{}` {words}", variable.name),
            )
            .note(NEVER_IN_SILENCE)
            .help(help),
    )
}

/// A group of unknowns whose coupled elements have no solver.
pub fn group(
    model: &Model,
    unknowns: &Unknowns,
    u: UnknownId,
    what: impl Into<String>,
    help: &str,
) -> Diagnostic {
    Diagnostic::new(Code::E0508, "form not derived yet")
        .at(place(model, unknowns, u), what)
        .note(NEVER_IN_SILENCE)
        .help(help)
}

/// An unknown whose statistics no family has.
pub fn no_family(
    model: &Model,
    unknowns: &Unknowns,
    u: UnknownId,
    kinds: &[StatisticKind],
    terms: &[Term],
) -> Diagnostic {
    let unknown = unknowns.get(u);
    let name = &unknown.name;
    let mut d = Diagnostic::new(Code::E0501, format!("no family for `{name}`")).at(
        place(model, unknowns, u),
        format!(
            "its terms hold {}: no family has these statistics",
            statistic_words(name, kinds)
        ),
    );
    let mut seen = vec![];
    for t in terms.iter().filter(|t| t.stats.iter().any(|s| s.of == u)) {
        for f in &t.from {
            let factor = model.factor(*f);
            let own = matches!((&factor.kind, unknown.origin),
                (FactorKind::Prior(v, _), Origin::Variable(w)) if *v == w);
            if !own && !seen.contains(f) {
                seen.push(*f);
                d = d.also(factor.span, "meets it here");
            }
        }
    }
    let as_sd = kinds.contains(&StatisticKind::Power(-2));
    if let Some(support) = Support::of(unknown.domain) {
        let families: Vec<String> = support
            .families()
            .iter()
            .map(|f| format!("{} {{{}}}", f.name(), statistic_words(name, f.signature())))
            .collect();
        d = d.note(format!(
            "families over its values and their statistics: {}",
            families.join(", ")
        ));
    }
    d.help(match (unknown.role, unknown.domain) {
        (Role::Latent, Domain::Positive) if as_sd => {
            "`sd` takes a `param` only: write `var` and an InverseGamma prior, or `precision` and a Gamma prior"
        }
        (_, Domain::Positive) => {
            "let it be one thing: a `precision` or rate with a Gamma prior, a `var` or scale with an InverseGamma prior"
        }
        (_, Domain::Real) => "give it a Gaussian prior, and let it enter Gaussian means only",
        (_, Domain::Simplex | Domain::Probability) => {
            "let it be the probabilities of a distribution only, or make it a `const`"
        }
        (_, Domain::Covariance | Domain::Precision) => {
            "use it as a `cov` with an InverseWishart prior or as a `precision` with a Wishart prior, not as both"
        }
        (_, Domain::Binary | Domain::Element(_) | Domain::Count) => {
            "give it a Categorical or Bernoulli prior, or make it an observed column"
        }
    })
}

/// A term whose product of statistics a block does not publish.
pub fn no_moment(model: &Model, unknowns: &Unknowns, t: &Term, e: &NoMoment) -> Diagnostic {
    let name = &unknowns.get(e.unknown).name;
    let words: Vec<String> = e
        .kinds
        .iter()
        .map(|k| statistic_words(name, std::slice::from_ref(k)))
        .collect();
    let product = words.join(" * ");
    let mut d = if t
        .stats
        .iter()
        .any(|s| s.of == e.unknown && s.offset.is_some())
    {
        Diagnostic::new(Code::E0508, "form not derived yet")
            .at(
                place(model, unknowns, e.unknown),
                format!("it is the location of a Laplace: {product} at a shifted place"),
            )
            .note(NEVER_IN_SILENCE)
            .help("a Gaussian with this location is derived: `Gaussian(..., var = v)`")
    } else {
        Diagnostic::new(Code::E0501, format!("no family for `{name}`"))
            .at(
                place(model, unknowns, e.unknown),
                format!("one term holds the product {product}"),
            )
            .help(
                "a mean may hold an unknown once: put an unknown of its own in place of the power",
            )
    };
    for f in &t.from {
        d = d.also(model.factor(*f).span, "the term comes from here");
    }
    d
}

/// A term that no pass over rows can take.
pub fn no_pass(model: &Model, t: &Term, what: String) -> Diagnostic {
    let mut d = Diagnostic::new(Code::E0508, "form not derived yet")
        .note(NEVER_IN_SILENCE)
        .help("keep one latent per row here: take the rows out of the other one's brackets, or make it a `param`");
    for (i, f) in t.from.iter().enumerate() {
        let span = model.factor(*f).span;
        d = match i {
            0 => d.at(span, what.clone()),
            _ => d.also(span, "and from here"),
        };
    }
    d
}

/// A statistic as the user would write it.
pub fn statistic_words(name: &str, kinds: &[StatisticKind]) -> String {
    let one = |k: &StatisticKind| match k {
        StatisticKind::Value => name.to_string(),
        StatisticKind::Power(p) => format!("{name}^{p}"),
        StatisticKind::Log => format!("log {name}"),
        StatisticKind::Log1m => format!("log(1 - {name})"),
        StatisticKind::Abs => format!("|{name}|"),
        StatisticKind::Indicator => format!("1[{name} = k]"),
        StatisticKind::Of(link) => format!("{}({name})", link.name()),
        StatisticKind::LogSumExp => format!("log sum exp {name}"),
        StatisticKind::Slope => format!("slope of {name}"),
        StatisticKind::Pair => format!("{name}^2"),
    };
    kinds.iter().map(one).collect::<Vec<_>>().join(", ")
}

fn place(model: &Model, unknowns: &Unknowns, u: UnknownId) -> Span {
    match unknowns.get(u).origin {
        Origin::Variable(v) => model.variable(v).name_span,
        Origin::Column(c) => model.column(c).span,
        Origin::Predictor(_) => Span::default(),
    }
}

/// The argument at fault: the only one that holds an unknown, else the whole call.
fn culprit(model: &Model, d: &Distribution) -> Span {
    let mut holding = d.arguments.iter().filter(|(_, a, _)| match a {
        Argument::Scalar(e) => holds_unknown(model, e),
        Argument::Matrix(m) => matrix_holds_unknown(model, m),
    });
    match (holding.next(), holding.next()) {
        (Some((_, _, span)), None) if *span != Span::default() => *span,
        _ => d.span,
    }
}

fn holds_unknown(model: &Model, e: &Expr) -> bool {
    match e {
        Expr::Number(_) | Expr::Size(_) | Expr::Column(..) => false,
        Expr::Variable(..) => true,
        Expr::Definition(d, _) => !model.definition(*d).known,
        Expr::Negate(a) | Expr::Call(_, a) | Expr::Fold { body: a, .. } => holds_unknown(model, a),
        Expr::Add(a, b)
        | Expr::Subtract(a, b)
        | Expr::Multiply(a, b)
        | Expr::Divide(a, b)
        | Expr::Power(a, b) => holds_unknown(model, a) || holds_unknown(model, b),
    }
}

fn matrix_holds_unknown(model: &Model, m: &Matrix) -> bool {
    match m {
        Matrix::Identity | Matrix::Definition(..) => false,
        Matrix::Variable(..) => true,
        Matrix::Diagonal(e) => holds_unknown(model, e),
        Matrix::Scaled(e, m) => holds_unknown(model, e) || matrix_holds_unknown(model, m),
        Matrix::Sum(a, b) => matrix_holds_unknown(model, a) || matrix_holds_unknown(model, b),
        Matrix::Inverse(a) => matrix_holds_unknown(model, a),
    }
}

/// What may be written in place of a distribution whose log density has no terms.
fn instead(model: &Model, d: &Distribution) -> &'static str {
    let given = |n: ArgumentName| d.argument(n).is_some();
    let unknown = |n: ArgumentName| match d.argument(n) {
        Some(Argument::Scalar(e)) => holds_unknown(model, e),
        Some(Argument::Matrix(m)) => matrix_holds_unknown(model, m),
        None => false,
    };
    match d.kind {
        DistributionKind::Categorical if given(ArgumentName::Logit) => {
            "give the probabilities themselves: a simplex with a Dirichlet prior, one for each group of rows"
        }
        DistributionKind::Categorical | DistributionKind::Multinomial => {
            "give it one simplex, and a latent that picks which: `latent z[row] ~ Categorical(p)`, then `Categorical(q[z])`"
        }
        DistributionKind::Bernoulli | DistributionKind::Binomial => {
            "give the probability itself as one variable, for example `latent p[group] ~ Beta(1, 1)`"
        }
        DistributionKind::Poisson => {
            "make the rate a product of known numbers and positive unknowns, or let a latent pick one: `Poisson(rate[z])`"
        }
        DistributionKind::Laplace => {
            "a Gaussian with this location is derived: `Gaussian(..., var = v)`"
        }
        DistributionKind::StudentT => {
            "write its mixture: `latent u[row] ~ Gamma(df / 2, rate = df / 2)`, `Gaussian(mean, precision = u / scale^2)`"
        }
        DistributionKind::Uniform => {
            "a wide Gaussian for a real unknown, a `Beta(1, 1)` for a probability are derived"
        }
        DistributionKind::Gamma | DistributionKind::InverseGamma
            if unknown(ArgumentName::Shape) =>
        {
            "make the shape a `const`: an unknown rate or scale is derived"
        }
        DistributionKind::Dirichlet | DistributionKind::Beta => {
            "make this argument a `const`, or leave the prior out of a `param` by `: simplex` or `: probability`"
        }
        DistributionKind::Wishart | DistributionKind::InverseWishart => {
            "make this argument a `const` or an expression of constants"
        }
        DistributionKind::Gaussian
        | DistributionKind::Gamma
        | DistributionKind::InverseGamma
        | DistributionKind::Exponential => {
            "means are sums of products of unknowns, spreads and rates products of powers of them: write it so, or use a `const`"
        }
    }
}
