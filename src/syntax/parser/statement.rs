//! The grammar's pairs to statements, but for data blocks.
//!
//! in: a `single` pair -> out: [`Statement`].

use super::Rule;
use super::build::{Builder, Built, Pair, Parts};
use super::word::Role;
use crate::diag::{Code, Diagnostic};
use crate::source::Span;
use crate::syntax::ast::{
    self, Body, Constraint, ConstraintKind, Definition, Domain, Name, Observe, PlateDeclaration,
    PlateElements, Potential, Prior, RuleKind, Statement, StatementKind, TableBody, Treatment,
    Variable,
};

impl Builder<'_> {
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
        self.verify_word(&name, Role::Domain);
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
                self.verify_word(&name, Role::Constraint);
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
                self.verify_word(&word, Role::Treatment);
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
                self.verify_word(&word, Role::Rule);
                return Ok(None);
            }
        };
        Ok(Some(ast::Rule { kind, span }))
    }
}
