//! The statement that an auxiliary serves, and its identity or bound in formulas.

use super::*;

/// A statement with the letters of the page.
pub(super) struct Stated<'p, 'a> {
    pub(super) page: &'p Page<'a>,
    pub(super) factor: &'p Factor,
    pub(super) distribution: &'p Distribution,
    pub(super) names: Names,
}

impl<'p, 'a> Stated<'p, 'a> {
    pub(super) fn new(
        page: &'p Page<'a>,
        factor: &'p Factor,
        distribution: &'p Distribution,
    ) -> Self {
        let names = Names::default()
            .bind(page.writer.letters, factor.axes.iter().copied())
            .bind(page.writer.letters, distribution.over);
        Stated {
            page,
            factor,
            distribution,
            names,
        }
    }

    pub(super) fn expr(&self, e: &Expr) -> Formula {
        statement::expr(&self.page.writer, e, &self.names)
    }

    pub(super) fn argument(&self, name: ArgumentName) -> Option<Formula> {
        match self.distribution.argument(name) {
            Some(Argument::Scalar(e)) => Some(self.expr(e)),
            _ => None,
        }
    }

    /// The value of the statement at its letters.
    pub(super) fn value(&self) -> Formula {
        let model = &self.page.d.written;
        let (name, slots) = match &self.factor.kind {
            FactorKind::Prior(v, _) => {
                let v = model.variable(*v);
                (v.name.clone(), v.slots.len() - v.domain.value_slots())
            }
            FactorKind::ObservedColumn(c, _) => {
                let c = model.column(*c);
                (c.name.clone(), c.slots.len())
            }
            FactorKind::ObservedDefinition(x, _) => {
                let x = model.definition(*x);
                (x.name.clone(), x.axes.len())
            }
            FactorKind::ObservedOnly(_) | FactorKind::Potential(_) => {
                return Formula::Word("value".into());
            }
        };
        let over = (slots > self.factor.axes.len())
            .then_some(self.distribution.over)
            .flatten();
        Formula::Symbol(name, self.letters(over))
    }

    /// The letters of the statement, and one more.
    pub(super) fn letters(&self, more: Option<Axis>) -> Vec<Formula> {
        self.factor
            .axes
            .iter()
            .copied()
            .chain(more)
            .filter_map(|a| self.names.get(a).map(Formula::name))
            .collect()
    }

    pub(super) fn at(&self, name: &str, more: Option<Axis>) -> Formula {
        Formula::Symbol(name.into(), self.letters(more))
    }

    /// An added variable at its letters.
    pub(super) fn added(&self, v: &Variable) -> Formula {
        let over = (v.slots.len() > self.factor.axes.len())
            .then_some(self.distribution.over)
            .flatten();
        self.at(&v.name, over)
    }

    pub(super) fn told(&self, added: &[&Variable]) -> Option<(String, Vec<Equation>)> {
        match added[0].auxiliary? {
            Auxiliary::Mixture => self.mixture(added[0]),
            Auxiliary::PolyaGamma if added.len() > 1 => self.softmax(added),
            Auxiliary::PolyaGamma => self.logistic(added[0]),
            Auxiliary::Sign => self.sign(added[0]),
            Auxiliary::Centre => self.softmax(added),
            Auxiliary::Width => self.width(added[0]),
            Auxiliary::Addend => self.addend(added[0]),
        }
    }

    pub(super) fn mixture(&self, v: &Variable) -> Option<(String, Vec<Equation>)> {
        let (df, mean, scale) = (
            self.argument(ArgumentName::Df)?,
            self.argument(ArgumentName::Mean)?,
            self.argument(ArgumentName::Scale)?,
        );
        let u = self.added(v);
        let half = Formula::ratio(df, number(2.0));
        let named = |n: &str, f: Formula| Formula::equation(Formula::Word(n.into()), f);
        let gamma = Formula::Apply("Gamma".into(), vec![half.clone(), named("rate", half)]);
        let precision = Formula::ratio(u.clone(), scale.power(number(2.0)));
        let gaussian = Formula::Apply("Gaussian".into(), vec![mean, named("precision", precision)]);
        let given = Formula::Given(Box::new(self.value()), Box::new(u.clone()));
        Some((
            format!(
                "a Student-t is a mixture of Gaussians of one mean and many precisions; {} is the one behind each value.",
                v.name
            ),
            vec![
                Equation::new("", Formula::relation(u, "~", gamma)),
                Equation::new("", Formula::relation(given, "~", gaussian)),
            ],
        ))
    }

    pub(super) fn predictor(
        &self,
        name: ArgumentName,
        more: Option<Axis>,
    ) -> Option<(Formula, Equation)> {
        let letter = self.page.free(&["eta", "zeta", "psi"]);
        let eta = self.at(&letter, more);
        let e = Equation::new("", Formula::equation(eta.clone(), self.argument(name)?));
        Some((eta, e))
    }

    pub(super) fn logistic(&self, v: &Variable) -> Option<(String, Vec<Equation>)> {
        let (eta, definition) = self.predictor(ArgumentName::Logit, None)?;
        let (omega, y) = (self.added(v), self.value());
        let two = || number(2.0);
        let identity = Formula::equation(
            logistic_of(eta.clone()),
            Formula::product([
                number(0.5),
                exp(Formula::ratio(eta.clone(), two())),
                exp(half(Formula::product([omega.clone(), eta.clone().power(two())])).negated())
                    .expected(),
            ]),
        );
        let quadratic = half(Formula::product([omega.clone(), eta.clone().power(two())])).negated();
        let base = polya_gamma(&omega);
        let (label, density) = match self.argument(ArgumentName::Total) {
            None => {
                let side = Formula::sum([y, number(-0.5)]);
                let parts = [
                    Formula::product([side, eta.clone()]),
                    quadratic,
                    number(2.0).log().negated(),
                ];
                (
                    "so that",
                    Formula::sum(parts.into_iter().chain([base.clone().log()])),
                )
            }
            Some(total) => {
                let each = Formula::sum([
                    number(2.0).log(),
                    half(eta.clone()),
                    half(Formula::product([omega.clone(), eta.clone().power(two())])),
                ]);
                let parts = [
                    Formula::product([y, eta.clone()]),
                    Formula::product([total, Formula::sum([each, base.clone().log().negated()])])
                        .negated(),
                    Formula::Word("const".into()),
                ];
                (
                    "so that, with one omega for each trial",
                    Formula::sum(parts),
                )
            }
        };
        let left = Formula::apply(
            "p",
            Formula::Given(
                Box::new(Formula::List(vec![self.value(), omega])),
                Box::new(eta),
            ),
        )
        .log();
        Some((
            format!(
                "a logistic density is a mixture of Gaussian shapes in its predictor; {} are Polya-Gamma variables (Polson, Scott and Windle 2013). At its best q it is the bound of Jaakkola and Jordan (2000). Their density under PolyaGamma(1, 0) is left out of the log joint below: the entropy of q is taken relative to it.",
                v.name
            ),
            vec![
                definition,
                Equation::new("with omega ~ PolyaGamma(1, 0)", identity),
                Equation::new(label, Formula::equation(left, density)),
            ],
        ))
    }

    pub(super) fn sign(&self, v: &Variable) -> Option<(String, Vec<Equation>)> {
        let (eta, definition) = self.predictor(ArgumentName::Probit, None)?;
        let (g, y) = (self.added(v), self.value());
        let sided = Formula::product([
            Formula::sum([Formula::product([number(2.0), y.clone()]), number(-1.0)]),
            eta.clone(),
        ]);
        let named = |n: &str, f: Formula| Formula::equation(Formula::Word(n.into()), f);
        let p = |list: Vec<Formula>| {
            Formula::apply(
                "p",
                Formula::Given(Box::new(Formula::List(list)), Box::new(eta.clone())),
            )
        };
        let gaussian = Formula::Apply(
            "Gaussian".into(),
            vec![
                Formula::Given(Box::new(g.clone()), Box::new(sided.clone())),
                named("var", number(1.0)),
            ],
        );
        Some((
            format!(
                "a probit is the side of 0 on which a Gaussian about the predictor falls; {} is how far it falls on the side that was observed (Albert and Chib 1993).",
                v.name
            ),
            vec![
                definition,
                Equation::new(
                    "",
                    Formula::equation(p(vec![y.clone()]), Formula::apply("Φ", sided)),
                ),
                Equation::new(
                    format!("for {} > 0", g.text()),
                    Formula::equation(p(vec![y, g]), gaussian),
                ),
            ],
        ))
    }

    pub(super) fn softmax(&self, added: &[&Variable]) -> Option<(String, Vec<Equation>)> {
        let over = self.distribution.over?;
        let omega = added
            .iter()
            .find(|v| v.auxiliary == Some(Auxiliary::PolyaGamma))?;
        let centre = added
            .iter()
            .find(|v| v.auxiliary == Some(Auxiliary::Centre))?;
        let (eta, definition) = self.predictor(ArgumentName::Logit, Some(over))?;
        let (omega_name, centre_name) = (omega.name.clone(), centre.name.clone());
        let (omega, c) = (self.added(omega), self.added(centre));
        let x = Formula::name(self.page.free(&["t", "u", "v", "tt"]));
        let k: Vec<Formula> = self
            .names
            .get(over)
            .map(Formula::name)
            .into_iter()
            .collect();
        let total = |f: Formula| Formula::total(k.clone(), vec![], f);
        let distance = || Formula::sum([eta.clone(), c.clone().negated()]);
        let bound = Formula::relation(
            total(exp(eta.clone())).log(),
            "≤",
            Formula::sum([
                c.clone(),
                total(Formula::sum([number(1.0), exp(distance())]).log()),
            ]),
        );
        let each = Formula::sum([
            number(2.0).log(),
            half(distance()),
            half(Formula::product([
                omega.clone(),
                distance().power(number(2.0)),
            ])),
        ]);
        let base = polya_gamma(&omega).log();
        let own = match k.first() {
            Some(k) => eta.replace(k, &self.value()),
            None => eta.clone(),
        };
        let left = Formula::apply(
            bound_name(self.page),
            Formula::Given(
                Box::new(Formula::List(vec![self.value(), omega])),
                Box::new(Formula::List(vec![eta.clone(), c.clone()])),
            ),
        )
        .log();
        Some((
            format!(
                "the log of a sum of exponentials is bounded by logistic terms about a centre (Bouchard 2007), {centre_name}; each of them is a mixture of Gaussian shapes with a Polya-Gamma variable, {omega_name}. The first bound never touches, it is closest at the best centre. The density of {omega_name} under PolyaGamma(1, 0) is left out of the log joint below: the entropy of q is taken relative to it."
            ),
            vec![
                definition,
                Equation::new("for any centre", bound),
                Equation::new(
                    format!(
                        "each logistic term for any {}, with omega ~ PolyaGamma(1, 0)",
                        x.text()
                    ),
                    Formula::equation(
                        Formula::sum([number(1.0), exp(x.clone())]).log(),
                        Formula::sum([
                            number(2.0).log(),
                            half(x.clone()),
                            exp(half(Formula::product([
                                Formula::name("omega"),
                                x.power(number(2.0)),
                            ]))
                            .negated())
                            .expected()
                            .log()
                            .negated(),
                        ]),
                    ),
                ),
                Equation::new(
                    "so that the statement is bounded from below by",
                    Formula::equation(
                        left,
                        Formula::sum([
                            own,
                            c.negated(),
                            total(Formula::sum([each, base.negated()])).negated(),
                        ]),
                    ),
                ),
            ],
        ))
    }

    pub(super) fn width(&self, v: &Variable) -> Option<(String, Vec<Equation>)> {
        let mean = self.argument(ArgumentName::Mean)?;
        let scale = match (
            self.argument(ArgumentName::Scale),
            self.argument(ArgumentName::Rate),
        ) {
            (Some(s), _) => s,
            (None, Some(r)) => Formula::ratio(number(1.0), r),
            (None, None) => return None,
        };
        let d = self.at(&self.page.free(&["d", "delta", "dist"]), None);
        let xi = self.added(v);
        let both = Formula::sum([
            Formula::ratio(d.clone().power(number(2.0)), xi.clone()),
            xi.clone(),
        ]);
        let left = Formula::apply(
            bound_name(self.page),
            Formula::Given(
                Box::new(self.value()),
                Box::new(Formula::List(vec![d.clone(), xi.clone()])),
            ),
        )
        .log();
        Some((
            format!(
                "the distance of a Laplace is bounded by its square; {} is where each bound touches.",
                v.name
            ),
            vec![
                Equation::new(
                    "",
                    Formula::equation(d.clone(), Formula::sum([self.value(), mean.negated()])),
                ),
                Equation::new(
                    format!("with equality at {} = |{}|", xi.text(), d.text()),
                    Formula::relation(Formula::Bars(Box::new(d)), "≤", half(both.clone())),
                ),
                Equation::new(
                    "so that the statement is bounded from below by",
                    Formula::equation(
                        left,
                        Formula::sum([
                            number(2.0).log().negated(),
                            scale.clone().log().negated(),
                            Formula::ratio(both, Formula::product([number(2.0), scale])).negated(),
                        ]),
                    ),
                ),
            ],
        ))
    }

    pub(super) fn addend(&self, v: &Variable) -> Option<(String, Vec<Equation>)> {
        let name = match self.distribution.kind {
            DistributionKind::Poisson => ArgumentName::Rate,
            _ => ArgumentName::P,
        };
        let Some(Argument::Scalar(e)) = self.distribution.argument(name) else {
            return None;
        };
        let (axis, body) = as_sum(e)?;
        let names = self.names.bind(self.page.writer.letters, [axis]);
        let k = names.get(axis).map(Formula::name)?;
        let over = (v.slots.len() > self.factor.axes.len())
            .then_some(self.distribution.over)
            .flatten();
        let mut below = self.letters(over);
        below.push(k.clone());
        let a = Formula::Symbol(self.page.free(&["a", "share", "part"]), below);
        let body = statement::expr(&self.page.writer, &body, &names);
        let q = Formula::Apply(
            "q".into(),
            vec![Formula::equation(self.added(v), k.clone())],
        );
        let total = |f: Formula| Formula::total(vec![k.clone()], vec![], f);
        let right = total(Formula::product([
            q.clone(),
            Formula::sum([a.clone().log(), q.clone().log().negated()]),
        ]));
        Some((
            format!(
                "each of the counts in {} comes from one addend of the sum; {} says which.",
                self.value().text(),
                v.name
            ),
            vec![
                Equation::new("", Formula::equation(a.clone(), body)),
                Equation::new(
                    format!(
                        "with equality where {} is proportional to {}",
                        q.text(),
                        a.text()
                    ),
                    Formula::relation(total(a).log(), "≥", right),
                ),
            ],
        ))
    }
}
