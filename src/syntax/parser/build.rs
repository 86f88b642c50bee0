//! The grammar's pairs to the statements of the syntax tree.
//!
//! in: a `single` pair -> out: [`Statement`], and the findings of the rules that the grammar leaves to words: E0204,
//! E0206, E0207.
//!
//! Each function reads the children of its rule in the grammar's order with [`Parts`]. A missing child would be a defect
//! of this file against the grammar; it comes out as an error of the compiler, not as a crash.

use std::iter::Peekable;

use pest::iterators::Pairs;

use super::{Rule, Tokens};
use crate::diag::{Code, Diagnostic, nearest};
use crate::source::Span;
use crate::syntax::ast::{
    self, Binder, Body, Column, Constraint, ConstraintKind, Data, Definition, Domain, Every, Name,
    Observe, Ordered, PlateDeclaration, PlateElements, Potential, Prior, RuleKind, Source,
    Statement, StatementKind, TableBody, Treatment, Variable,
};
use crate::syntax::token::normalise;

pub(super) type Pair<'i> = pest::iterators::Pair<'i, Rule>;
pub(super) type Built<T> = Result<T, Box<Diagnostic>>;

const TYPES: [&str; 7] = [
    "real",
    "positive",
    "probability",
    "count",
    "binary",
    "label",
    "weight",
];
const DOMAINS: [&str; 8] = [
    "real",
    "positive",
    "probability",
    "simplex",
    "covariance",
    "precision",
    "binary",
    "label",
];
const CONSTRAINTS: [&str; 4] = ["unit norm", "unit ball", "increasing", "symmetric"];
const RULES: [&str; 3] = ["joint", "factorise", "order"];
const TREATMENTS: [&str; 2] = ["dirac", "factorised"];

/// The children of a pair, read in the grammar's order.
pub(super) struct Parts<'i> {
    rule: Rule,
    pub(super) span: Span,
    pairs: Peekable<Pairs<'i, Rule>>,
}

impl<'i> Parts<'i> {
    /// The next child if it is of this rule.
    pub(super) fn optional(&mut self, rule: Rule) -> Option<Pair<'i>> {
        self.pairs.next_if(|p| p.as_rule() == rule)
    }

    /// True, and the child passed, if the next one is of this rule.
    pub(super) fn skip(&mut self, rule: Rule) -> bool {
        self.optional(rule).is_some()
    }

    /// The next child, which the grammar says is of this rule.
    pub(super) fn required(&mut self, rule: Rule) -> Built<Pair<'i>> {
        self.optional(rule).ok_or_else(|| self.defect())
    }

    /// The next child whatever it is.
    pub(super) fn any(&mut self) -> Built<Pair<'i>> {
        self.pairs.next().ok_or_else(|| self.defect())
    }

    /// The rule of the next child.
    pub(super) fn peek(&mut self) -> Option<Rule> {
        self.pairs.peek().map(Pair::as_rule)
    }

    /// The remaining children of this rule, others passed over.
    pub(super) fn all(&mut self, rule: Rule) -> Vec<Pair<'i>> {
        self.pairs
            .by_ref()
            .filter(|p| p.as_rule() == rule)
            .collect()
    }

    /// The grammar and this file disagree.
    pub(super) fn defect(&self) -> Box<Diagnostic> {
        let found = Diagnostic::new(Code::E0201, "internal compiler error in the parser")
            .at(
                self.span,
                format!("rule `{:?}` has other parts than expected", self.rule),
            )
            .help("please report this model");
        Box::new(found)
    }
}

/// Builds the tree of one piece.
pub(super) struct Builder<'a> {
    tokens: &'a Tokens<'a>,
    base: usize,
    pub(super) found: Vec<Diagnostic>,
}

impl<'a> Builder<'a> {
    /// For a piece that begins at byte `base` of the file.
    pub(super) fn new(tokens: &'a Tokens<'a>, base: usize) -> Self {
        Builder {
            tokens,
            base,
            found: Vec::new(),
        }
    }

    /// A pair's place in the file, without trivia at its end.
    pub(super) fn span(&self, pair: &Pair) -> Span {
        let span = pair.as_span();
        self.tokens
            .trimmed(Span::new(self.base + span.start(), self.base + span.end()))
    }

    /// The text at a place.
    pub(super) fn text(&self, span: Span) -> &'a str {
        self.tokens.source.slice(span)
    }

    /// The children of a pair.
    pub(super) fn parts<'i>(&self, pair: Pair<'i>) -> Parts<'i> {
        Parts {
            rule: pair.as_rule(),
            span: self.span(&pair),
            pairs: pair.into_inner().peekable(),
        }
    }

    /// A word as a name.
    pub(super) fn name(&self, pair: &Pair) -> Name {
        let span = self.span(pair);
        Name {
            text: normalise(self.text(span)),
            span,
        }
    }

    /// A name, a text in quotes or an integer as a label.
    fn quoted(&self, pair: &Pair) -> Name {
        let mut name = self.name(pair);
        if pair.as_rule() == Rule::text {
            let inner = name
                .text
                .strip_prefix('"')
                .and_then(|t| t.strip_suffix('"'));
            name.text = inner.unwrap_or_default().to_string();
        }
        name
    }

    pub(super) fn label(&self, pair: Pair) -> Built<Name> {
        let inner = self.parts(pair).any()?;
        Ok(self.quoted(&inner))
    }

    fn names(&self, pairs: Vec<Pair>) -> Vec<Name> {
        pairs.iter().map(|p| self.name(p)).collect()
    }

    /// The statement of a `single` pair.
    pub(super) fn statement(&mut self, single: Pair) -> Built<Statement> {
        let pair = self.parts(single).required(Rule::statement)?;
        let pair = self.parts(pair).any()?;
        let rule = pair.as_rule();
        let mut parts = self.parts(pair);
        let span = parts.span;
        parts.any()?; // the word that begins it
        let kind = match rule {
            Rule::model_statement => StatementKind::Model(self.name(&parts.required(Rule::name)?)),
            Rule::const_statement => StatementKind::Definition(self.definition(parts, true)?),
            Rule::let_statement => StatementKind::Definition(self.definition(parts, false)?),
            Rule::plate_statement => StatementKind::Plate(self.plate(parts)?),
            Rule::data_statement => StatementKind::Data(self.data(parts)?),
            Rule::param_statement => StatementKind::Variable(self.variable(parts, true)?),
            Rule::latent_statement => StatementKind::Variable(self.variable(parts, false)?),
            Rule::observe_statement => StatementKind::Observe(self.observe(parts)?),
            Rule::potential_statement => StatementKind::Potential(Potential {
                plates: self.plates(&mut parts)?,
                expr: self.expression(parts.required(Rule::expression)?)?,
            }),
            Rule::infer_statement => StatementKind::Infer(self.infer(parts)?),
            _ => return Err(parts.defect()),
        };
        Ok(Statement { kind, span })
    }

    fn definition(&mut self, mut parts: Parts, constant: bool) -> Built<Definition> {
        let name = self.name(&parts.required(Rule::name)?);
        let plates = self.plates(&mut parts)?;
        let over = self.over(&mut parts)?;
        parts.required(Rule::equals)?;
        let body = self.body(parts.any()?)?;
        Ok(Definition {
            constant,
            name,
            plates,
            over,
            body,
        })
    }

    /// A `table` or an `expression`.
    fn body(&mut self, pair: Pair) -> Built<Body> {
        if pair.as_rule() == Rule::expression {
            return Ok(Body::Expr(self.expression(pair)?));
        }
        let parts = self.parts(pair);
        let span = parts.span;
        let mut entries = Vec::new();
        for entry in parts.pairs {
            if matches!(entry.as_rule(), Rule::table | Rule::expression) {
                entries.push(self.body(entry)?);
            }
        }
        Ok(Body::Table(TableBody { entries, span }))
    }

    fn plate(&mut self, mut parts: Parts) -> Built<PlateDeclaration> {
        let name = self.name(&parts.required(Rule::name)?);
        let elements = if let Some(count) = parts.optional(Rule::plate_count) {
            let mut inner = self.parts(count);
            inner.required(Rule::left_parenthesis)?;
            PlateElements::Count(self.expression(inner.required(Rule::expression)?)?)
        } else {
            let labels = parts.required(Rule::plate_labels)?;
            let labels = self.parts(labels).all(Rule::label);
            let labels: Built<Vec<Name>> = labels.into_iter().map(|l| self.label(l)).collect();
            PlateElements::Listed(labels?)
        };
        Ok(PlateDeclaration { name, elements })
    }

    fn data(&mut self, mut parts: Parts) -> Built<Data> {
        let name = self.name(&parts.required(Rule::name)?);
        let ordered = parts
            .optional(Rule::ordered)
            .map(|p| self.ordered(p))
            .transpose()?;
        let every = parts
            .optional(Rule::every)
            .map(|p| self.every(p))
            .transpose()?;
        let columns: Built<Vec<Column>> = parts
            .all(Rule::column)
            .into_iter()
            .map(|c| self.column(c))
            .collect();
        Ok(Data {
            name,
            ordered,
            every,
            columns: columns?,
        })
    }

    fn ordered(&mut self, pair: Pair) -> Built<Ordered> {
        let mut parts = self.parts(pair);
        let span = self.span(&parts.required(Rule::kw_ordered)?);
        let mut list = |rule| match parts.optional(rule) {
            Some(clause) => self.names(self.parts(clause).all(Rule::column_name)),
            None => Vec::new(),
        };
        let by = list(Rule::ordered_by);
        let within = list(Rule::ordered_within);
        Ok(Ordered { span, by, within })
    }

    fn every(&mut self, pair: Pair) -> Built<Every> {
        let mut parts = self.parts(pair);
        parts.required(Rule::kw_every)?;
        let Some(pair) = parts.optional(Rule::every_pair) else {
            return Ok(Every::All(self.names(parts.all(Rule::column_name))));
        };
        let mut parts = self.parts(pair);
        let left = self.name(&parts.required(Rule::column_name)?);
        let less = parts.any()?.as_rule() == Rule::less;
        let right = self.name(&parts.required(Rule::column_name)?);
        Ok(if less {
            Every::Less(left, right)
        } else {
            Every::Unequal(left, right)
        })
    }

    fn column(&mut self, pair: Pair) -> Built<Column> {
        let mut parts = self.parts(pair);
        let span = parts.span;
        let name = self.name(&parts.required(Rule::column_name)?);
        let plates = self.plates(&mut parts)?;
        parts.required(Rule::colon)?;
        let ty = self.name(&parts.required(Rule::type_name)?);
        self.verify_word(&ty, "type", &TYPES);
        let of = self.of(&mut parts)?;
        let source = if parts.skip(Rule::equals) {
            Some(self.source(parts.required(Rule::source)?)?)
        } else {
            None
        };
        let default = match parts.optional(Rule::otherwise) {
            Some(pair) => {
                let mut inner = self.parts(pair);
                inner.required(Rule::kw_else)?;
                let minus = inner.optional(Rule::minus).map(|m| self.span(&m));
                let (value, at) = self.number(&inner.required(Rule::number)?);
                Some(minus.map_or((value, at), |m| (-value, m.to(at))))
            }
            None => None,
        };
        Ok(Column {
            name,
            plates,
            ty,
            of,
            source,
            default,
            span,
        })
    }

    fn of(&mut self, parts: &mut Parts) -> Built<Option<Name>> {
        let Some(pair) = parts.optional(Rule::of) else {
            return Ok(None);
        };
        let mut inner = self.parts(pair);
        inner.required(Rule::kw_of)?;
        Ok(Some(self.name(&inner.required(Rule::plate_name)?)))
    }

    fn source(&mut self, pair: Pair) -> Built<Source> {
        let inner = self.parts(pair).any()?;
        let span = self.span(&inner);
        Ok(match inner.as_rule() {
            Rule::text => Source::Header(self.quoted(&inner)),
            Rule::kw_rest => Source::Rest(span),
            Rule::kw_listed => Source::Listed(span),
            _ => Source::List(
                self.parts(inner)
                    .pairs
                    .filter(|p| matches!(p.as_rule(), Rule::column_name | Rule::text))
                    .map(|p| self.quoted(&p))
                    .collect(),
            ),
        })
    }

    fn variable(&mut self, mut parts: Parts, param: bool) -> Built<Variable> {
        let name = self.name(&parts.required(Rule::name)?);
        let plates = self.plates(&mut parts)?;
        let prior = match parts.optional(Rule::flat) {
            Some(flat) => Prior::Flat(self.domain(flat)?),
            None => Prior::Distributed(self.conditional(parts.required(Rule::conditional)?)?),
        };
        let mut constraints = Vec::new();
        while parts.skip(Rule::comma) {
            constraints.extend(self.constraint(parts.required(Rule::constraint)?)?);
        }
        let treatment = match parts.optional(Rule::treatment) {
            Some(pair) => self.treatment(pair)?,
            None => None,
        };
        Ok(Variable {
            param,
            name,
            plates,
            prior,
            constraints,
            treatment,
        })
    }

    fn domain(&mut self, flat: Pair) -> Built<Domain> {
        let mut outer = self.parts(flat);
        outer.required(Rule::colon)?;
        let mut parts = self.parts(outer.required(Rule::domain)?);
        let name = self.name(&parts.required(Rule::domain_name)?);
        self.verify_word(&name, "domain", &DOMAINS);
        Ok(Domain {
            name,
            of: self.of(&mut parts)?,
            over: self.over(&mut parts)?,
            span: parts.span,
        })
    }

    fn constraint(&mut self, pair: Pair) -> Built<Option<Constraint>> {
        let mut parts = self.parts(pair);
        let span = parts.span;
        let mut name = self.name(&parts.required(Rule::constraint_word)?);
        if let Some(second) = parts.optional(Rule::constraint_word) {
            let second = self.name(&second);
            name.text = format!("{} {}", name.text, second.text);
            name.span = name.span.to(second.span);
        }
        let over = match parts.skip(Rule::kw_over) {
            true => Some(self.name(&parts.required(Rule::plate_name)?)),
            false => None,
        };
        let kind = match (name.text.as_str(), over) {
            ("unit norm", Some(plate)) => ConstraintKind::UnitNorm(plate),
            ("unit ball", Some(plate)) => ConstraintKind::UnitBall(plate),
            ("increasing", Some(plate)) => ConstraintKind::Increasing(plate),
            ("symmetric", None) => ConstraintKind::Symmetric,
            ("unit norm" | "unit ball" | "increasing", None) => {
                let text = &name.text;
                self.found.push(
                    Diagnostic::new(Code::E0201, format!("expected `over` after `{text}`"))
                        .at(
                            Span::new(name.span.end, name.span.end),
                            "a plate is missing here",
                        )
                        .help(format!("name the plate it runs along: `{text} over PLATE`")),
                );
                return Ok(None);
            }
            ("symmetric", Some(plate)) => {
                self.found.push(
                    Diagnostic::new(Code::E0201, "`symmetric` takes no `over`")
                        .at(
                            name.span.to(plate.span),
                            "it speaks of the last two indices",
                        )
                        .help("write `symmetric` alone"),
                );
                return Ok(None);
            }
            _ => {
                self.verify_word(&name, "constraint", &CONSTRAINTS);
                return Ok(None);
            }
        };
        Ok(Some(Constraint { kind, span }))
    }

    fn treatment(&mut self, pair: Pair) -> Built<Option<(Treatment, Span)>> {
        let mut parts = self.parts(pair);
        let span = parts.span;
        parts.required(Rule::kw_as)?;
        let word = self.name(&parts.required(Rule::treatment_word)?);
        Ok(match word.text.as_str() {
            "dirac" => Some((Treatment::Dirac, span)),
            "factorised" => Some((Treatment::Factorised, span)),
            _ => {
                self.verify_word(&word, "treatment", &TREATMENTS);
                None
            }
        })
    }

    fn observe(&mut self, mut parts: Parts) -> Built<Observe> {
        Ok(Observe {
            name: self.name(&parts.required(Rule::name)?),
            plates: self.plates(&mut parts)?,
            model: match parts.optional(Rule::conditional) {
                Some(pair) => Some(self.conditional(pair)?),
                None => None,
            },
        })
    }

    fn infer(&mut self, mut parts: Parts) -> Built<Vec<ast::Rule>> {
        let mut rules = Vec::new();
        for pair in parts.all(Rule::inference_rule) {
            rules.extend(self.rule(pair)?);
        }
        Ok(rules)
    }

    fn rule(&mut self, pair: Pair) -> Built<Option<ast::Rule>> {
        let mut parts = self.parts(pair);
        let span = parts.span;
        let word = self.name(&parts.required(Rule::rule_word)?);
        let mut names = vec![self.name(&parts.required(Rule::name)?)];
        while parts.skip(Rule::comma) {
            names.push(self.name(&parts.required(Rule::name)?));
        }
        let over = parts.optional(Rule::rule_over);
        let over_span = over.as_ref().map(|p| self.span(p));
        let plates = over.map_or_else(Vec::new, |p| {
            self.names(self.parts(p).all(Rule::plate_name))
        });
        let kind = match (word.text.as_str(), over_span, names.get(1)) {
            ("joint", None, _) => RuleKind::Joint(names),
            ("order", None, _) => RuleKind::Order(names),
            ("factorise", _, None) => RuleKind::Factorise(names.swap_remove(0), plates),
            ("factorise", _, Some(second)) => {
                self.found.push(
                    Diagnostic::new(Code::E0201, "`factorise` takes one name")
                        .at(second.span, "a second name")
                        .help(format!(
                            "write a rule of its own: `factorise {}`",
                            second.text
                        )),
                );
                return Ok(None);
            }
            ("joint" | "order", Some(over), _) => {
                self.found.push(
                    Diagnostic::new(Code::E0201, format!("`{}` takes no `over`", word.text))
                        .at(over, "only `factorise` names plates")
                        .help(format!("leave out `{}`", self.text(over))),
                );
                return Ok(None);
            }
            _ => {
                self.verify_word(&word, "rule", &RULES);
                return Ok(None);
            }
        };
        Ok(Some(ast::Rule { kind, span }))
    }

    /// `[ binders ]`, empty where absent.
    fn plates(&mut self, parts: &mut Parts) -> Built<Vec<Binder>> {
        let Some(pair) = parts.optional(Rule::plates) else {
            return Ok(Vec::new());
        };
        let binders = self.parts(pair).all(Rule::binder);
        binders.into_iter().map(|b| self.binder(b)).collect()
    }

    /// `over A`
    pub(super) fn over(&mut self, parts: &mut Parts) -> Built<Option<Binder>> {
        let Some(pair) = parts.optional(Rule::over) else {
            return Ok(None);
        };
        let mut inner = self.parts(pair);
        inner.required(Rule::kw_over)?;
        Ok(Some(self.binder(inner.required(Rule::binder)?)?))
    }

    /// `[NAME in] PLATE`
    pub(super) fn binder(&self, pair: Pair) -> Built<Binder> {
        let mut parts = self.parts(pair);
        let name = parts.optional(Rule::name).map(|p| self.name(&p));
        parts.skip(Rule::kw_in);
        let plate = self.name(&parts.required(Rule::plate_name)?);
        Ok(Binder { name, plate })
    }

    /// E0207 if the word is none of those that may stand here.
    fn verify_word(&mut self, word: &Name, what: &str, known: &[&str]) {
        if known.contains(&word.text.as_str()) {
            return;
        }
        let synonym = match (what, word.text.as_str()) {
            ("type", "int" | "integer" | "natural") => Some("count"),
            ("type", "string" | "text" | "category" | "factor" | "categorical") => Some("label"),
            ("type" | "domain", "bool" | "boolean" | "bit") => Some("binary"),
            ("type" | "domain", "float" | "double" | "number" | "vector") => Some("real"),
            ("treatment", "point" | "delta" | "map" | "MAP") => Some("dirac"),
            ("treatment", "factorized") => Some("factorised"),
            ("rule", "factorize") => Some("factorise"),
            _ => None,
        };
        let near = synonym.or_else(|| nearest(&word.text, known.iter().copied()));
        let list = known.in_words();
        let found = Diagnostic::new(
            Code::E0207,
            format!("unknown {what} `{}`", shortened(&word.text)),
        )
        .at(word.span, format!("no {what} of this name"))
        .note(format!("the {what}s are {list}"));
        self.found.push(match near {
            Some(near) => found.help(format!("did you mean `{near}`?")),
            None => found.help(format!("write one of {list}")),
        });
    }
}

/// A word short enough for a title.
pub(super) fn shortened(word: &str) -> String {
    match word.char_indices().nth(24) {
        Some((end, _)) => format!("{}...", word.get(..end).unwrap_or(word)),
        None => word.to_string(),
    }
}

trait List {
    fn in_words(&self) -> String;
}

impl List for [&str] {
    /// `a`, `b` and `c`
    fn in_words(&self) -> String {
        match self {
            [] => String::new(),
            [one] => format!("`{one}`"),
            [init @ .., last] => format!("`{}` and `{last}`", init.join("`, `")),
        }
    }
}
