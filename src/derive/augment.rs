//! Augmentations: auxiliary variables under which a statement's log density is a sum of products.
//!
//! in: a checked model -> out: the same model with auxiliary variables, each an argument `auxiliary` of the statement it serves.
//!
//! ```text
//! StudentT(nu, m, s)      exact   u ~ Gamma(nu/2, rate nu/2),  Gaussian(m, precision u / s^2)
//! Bernoulli(logit = e)    exact   omega ~ PolyaGamma(1, 0):  (y - 1/2) e - omega e^2 / 2 - log 2
//! Bernoulli(probit = e)   exact   g > 0:  Gaussian density of g about (2 y - 1) e with variance 1
//! Categorical(logit = e)  bound   log sum exp e <= a + sum_k log(1 + exp(e_k - a)), each logistic as above
//! Laplace(m, scale = b)   bound   |v - m| <= ((v - m)^2 / xi + xi) / 2
//! Poisson, Multinomial,
//! Categorical of a sum    exact   each of the v counts picks an addend: z, standing for v copies
//! ```
//!
//! Andrews & Mallows 1974; Albert & Chib 1993; Jaakkola & Jordan 2000; Bouchard 2007; Polson, Scott & Windle 2013; Cemgil 2009.
//! An exact one gives the statement back when the auxiliary is summed out. In q it is split from the other latents it meets, and
//! that makes the objective a bound. Points alone need none of this but the first and the last: `predictor`.

use crate::model::{
    Argument, ArgumentName, Auxiliary, Axis, Body, Case, Conditional, Distribution,
    DistributionKind, Domain, Expr, Factor, FactorId, FactorKind, Index, Model, Role, Variable,
    VariableId, as_sum,
};

/// The model with the auxiliaries that its statements need.
pub fn augment(model: &Model) -> Model {
    let mut out = model.clone();
    for i in 0..model.factors.len() {
        let mut factor = out.factors[i].clone();
        let about = match &factor.kind {
            FactorKind::Prior(v, _) => model.variable(*v).name.clone(),
            FactorKind::ObservedColumn(c, _) => model.column(*c).name.clone(),
            FactorKind::ObservedDefinition(d, _) => model.definition(*d).name.clone(),
            FactorKind::ObservedOnly(_) | FactorKind::Potential(_) => continue,
        };
        let mut work = Augmenter {
            model: &mut out,
            factor: &factor.clone(),
            about,
        };
        match &mut factor.kind {
            FactorKind::Prior(_, c)
            | FactorKind::ObservedColumn(_, c)
            | FactorKind::ObservedDefinition(_, c) => work.conditional(c),
            FactorKind::ObservedOnly(_) | FactorKind::Potential(_) => {}
        }
        out.factors[i] = factor;
    }
    out
}

struct Augmenter<'a> {
    model: &'a mut Model,
    factor: &'a Factor,
    about: String,
}

impl Augmenter<'_> {
    fn conditional(&mut self, c: &mut Conditional) {
        // An auxiliary with a prior of its own may stand in any branch: where the branch does not hold it sums out.
        let whole = c.first.is_none();
        self.case(&mut c.usual, whole);
        if let Some(f) = &mut c.first {
            self.case(f, false);
        }
    }

    fn case(&mut self, case: &mut Case, whole: bool) {
        match case {
            Case::Always(d) => self.distribution(d, whole),
            Case::By { branches, .. } => {
                for (_, b) in branches {
                    self.case(b, false);
                }
            }
        }
    }

    fn distribution(&mut self, d: &mut Distribution, whole: bool) {
        let unknown = |name| matches!(d.argument(name), Some(Argument::Scalar(e)) if self.holds(e, &|r| r == Role::Latent));
        let latent_value = match self.factor.kind {
            FactorKind::Prior(v, _) => self.model.variable(v).role == Role::Latent,
            _ => false,
        };
        match d.kind {
            DistributionKind::StudentT => self.student(d),
            DistributionKind::Bernoulli | DistributionKind::Binomial
                if unknown(ArgumentName::Logit) =>
            {
                let omega = self.variable(
                    d,
                    "omega",
                    Domain::Positive,
                    Role::Latent,
                    Auxiliary::PolyaGamma,
                    &[],
                );
                self.attach(d, ArgumentName::Auxiliary, omega);
            }
            DistributionKind::Bernoulli if unknown(ArgumentName::Probit) && whole => {
                let g = self.variable(d, "g", Domain::Positive, Role::Latent, Auxiliary::Sign, &[]);
                self.attach(d, ArgumentName::Auxiliary, g);
            }
            DistributionKind::Categorical if unknown(ArgumentName::Logit) && whole => {
                let over: Vec<Axis> = d.over.into_iter().collect();
                let omega = self.variable(
                    d,
                    "omega",
                    Domain::Positive,
                    Role::Latent,
                    Auxiliary::PolyaGamma,
                    &over,
                );
                let centre = self.variable(
                    d,
                    "centre",
                    Domain::Real,
                    Role::Param,
                    Auxiliary::Centre,
                    &[],
                );
                self.attach(d, ArgumentName::Auxiliary, omega);
                self.attach(d, ArgumentName::Centre, centre);
            }
            DistributionKind::Laplace if whole && self.is_split(d, latent_value) => {
                let xi = self.variable(
                    d,
                    "xi",
                    Domain::Positive,
                    Role::Param,
                    Auxiliary::Width,
                    &[],
                );
                self.attach(d, ArgumentName::Auxiliary, xi);
            }
            DistributionKind::Poisson => self.addends(d, ArgumentName::Rate, &[]),
            DistributionKind::Multinomial => {
                let over: Vec<Axis> = d.over.into_iter().collect();
                self.addends(d, ArgumentName::P, &over);
            }
            _ => {}
        }
    }

    /// The distance under a Laplace holds latents in another form than one latent about a known number.
    fn is_split(&self, d: &Distribution, latent_value: bool) -> bool {
        let Some(Argument::Scalar(mean)) = d.argument(ArgumentName::Mean) else {
            return false;
        };
        let latent = self.holds(mean, &|r| r == Role::Latent);
        let any = self.holds(mean, &|_| true);
        latent || (latent_value && any)
    }

    fn student(&mut self, d: &mut Distribution) {
        let (
            Some(Argument::Scalar(df)),
            Some(Argument::Scalar(mean)),
            Some(Argument::Scalar(scale)),
        ) = (
            d.argument(ArgumentName::Df).cloned(),
            d.argument(ArgumentName::Mean).cloned(),
            d.argument(ArgumentName::Scale).cloned(),
        )
        else {
            return;
        };
        let u = self.variable(
            d,
            "u",
            Domain::Positive,
            Role::Latent,
            Auxiliary::Mixture,
            &[],
        );
        let half = Expr::Divide(Box::new(df), Box::new(Expr::Number(2.0)));
        let argument = |name, e| (name, Argument::Scalar(e), d.span);
        let prior = Distribution {
            kind: DistributionKind::Gamma,
            arguments: vec![
                argument(ArgumentName::Shape, half.clone()),
                argument(ArgumentName::Rate, half),
            ],
            over: None,
            span: d.span,
        };
        let id = FactorId::from(self.model.factors.len());
        self.model.factors.push(Factor {
            axes: self.factor.axes.clone(),
            kind: FactorKind::Prior(
                u,
                Conditional {
                    usual: Case::Always(prior),
                    first: None,
                    lags: vec![],
                },
            ),
            span: self.factor.span,
        });
        self.model.variables[u.index()].prior = Some(id);
        let square = Expr::Power(Box::new(scale), Box::new(Expr::Number(2.0)));
        let at = Expr::Variable(u, self.here(&[]));
        *d = Distribution {
            kind: DistributionKind::Gaussian,
            arguments: vec![
                argument(ArgumentName::Mean, mean),
                argument(
                    ArgumentName::Precision,
                    Expr::Divide(Box::new(at), Box::new(square)),
                ),
            ],
            over: None,
            span: d.span,
        };
    }

    /// A count whose rate or probability is a sum over one plate: each of what it counts comes from one addend.
    fn addends(&mut self, d: &mut Distribution, name: ArgumentName, over: &[Axis]) {
        let Some(Argument::Scalar(e)) = d.argument(name) else {
            return;
        };
        if !self.holds(e, &|_| true) {
            return;
        }
        let Some((axis, _)) = as_sum(e) else { return };
        let z = self.variable(
            d,
            "z",
            Domain::Element(axis.plate),
            Role::Latent,
            Auxiliary::Addend,
            over,
        );
        self.attach_at(d, ArgumentName::Auxiliary, z, over);
    }

    fn attach(&self, d: &mut Distribution, name: ArgumentName, v: VariableId) {
        let extra = self.model.variable(v).slots.len() - self.factor.axes.len();
        let over: Vec<Axis> = d.over.into_iter().take(extra).collect();
        self.attach_at(d, name, v, &over);
    }

    fn attach_at(&self, d: &mut Distribution, name: ArgumentName, v: VariableId, over: &[Axis]) {
        let at = Expr::Variable(v, self.here(over));
        d.arguments.push((name, Argument::Scalar(at), d.span));
    }

    fn here(&self, over: &[Axis]) -> Vec<Index> {
        self.factor
            .axes
            .iter()
            .chain(over)
            .map(|a| Index::Axis(*a))
            .collect()
    }

    /// A new variable for each element of the statement, and along `over`.
    fn variable(
        &mut self,
        d: &Distribution,
        stem: &str,
        domain: Domain,
        role: Role,
        auxiliary: Auxiliary,
        over: &[Axis],
    ) -> VariableId {
        let taken = |n: &str| {
            self.model.variables.iter().any(|v| v.name == n)
                || self.model.columns.iter().any(|c| c.name == n)
                || self.model.definitions.iter().any(|x| x.name == n)
                || self.model.plates.iter().any(|p| p.name == n)
        };
        let mut name = format!("{stem}_{}", self.about);
        while taken(&name) {
            name.push('_');
        }
        let slots: Vec<_> = self
            .factor
            .axes
            .iter()
            .chain(over)
            .map(|a| a.plate)
            .collect();
        let id = VariableId::from(self.model.variables.len());
        self.model.variables.push(Variable {
            name,
            role,
            brackets: slots.len(),
            slots,
            domain,
            prior: None,
            factorised: false,
            constraints: vec![],
            auxiliary: Some(auxiliary),
            span: self.factor.span,
            name_span: d.span,
        });
        id
    }

    /// A variable with such a role is a value in the expression; indices do not count.
    fn holds(&self, e: &Expr, role: &dyn Fn(Role) -> bool) -> bool {
        match e {
            Expr::Number(_) | Expr::Size(_) | Expr::Column(..) => false,
            Expr::Variable(v, _) => role(self.model.variable(*v).role),
            Expr::Definition(d, _) => match &self.model.definition(*d).body {
                Body::Expr(e) => self.holds(e, role),
                Body::Table { entries, .. } => entries.iter().any(|e| self.holds(e, role)),
            },
            Expr::Negate(a) | Expr::Call(_, a) | Expr::Fold { body: a, .. } => self.holds(a, role),
            Expr::Add(a, b)
            | Expr::Subtract(a, b)
            | Expr::Multiply(a, b)
            | Expr::Divide(a, b)
            | Expr::Power(a, b) => self.holds(a, role) || self.holds(b, role),
        }
    }
}
