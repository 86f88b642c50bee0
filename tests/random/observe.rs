//! Statements about columns: a distribution for each type of column and each form of its arguments.

use crate::grow::Growing;
use crate::scope::{Scope, Use, What};
use crate::tree::{
    Binder, Body, Choice, Column, Dist, Expr, Kind, Plate, Reference, Slot, Statement, Type,
};

/// How deep variables hang below what is observed.
const DEPTH: usize = 2;

impl Growing {
    pub fn observe(&mut self, table: &str, c: &Column) {
        let mut slots = vec![table.to_string()];
        let group = c.group.as_ref().map(|(p, _)| p.clone());
        // The whole vector as one value, or cell by cell.
        let whole = match (&group, c.kind) {
            (Some(_), Type::Real) => self.r.chance(45),
            (Some(_), Type::Count) => self.r.chance(50),
            _ => false,
        };
        if let Some(p) = &group
            && !whole
        {
            slots.push(p.clone());
        }
        let (brackets, scope) = self.brackets(&slots, None);
        self.taken.clear();
        let (choice, first) = match (whole.then_some(group).flatten(), c.kind) {
            (Some(p), Type::Count) => (self.multinomial(&p, &scope), None),
            (Some(p), _) => (self.vector(&p, &scope), None),
            (None, _) => self.scalar(c, table, &brackets, &scope),
        };
        let name = self.observed_name(c, &brackets, first.is_none());
        self.spec.statements.push(Statement {
            kind: Kind::Observe,
            name,
            brackets,
            body: Body::Model(choice, first),
            suffix: None,
            constraint: None,
        });
    }

    /// The column, or a function of it by way of a `let`.
    fn observed_name(&mut self, c: &Column, brackets: &[Binder], plain: bool) -> String {
        let real = matches!(c.kind, Type::Real | Type::Positive);
        if !plain || !real || c.group.is_some() || !self.r.chance(6) {
            return c.name.clone();
        }
        let name = self.name("o");
        let slots = vec![Slot::At(Reference::bare(brackets[0].element()), 0)];
        let x = Expr::Ref(Reference {
            name: c.name.clone(),
            slots,
        });
        let body = match c.kind {
            Type::Real => Expr::binary(
                '+',
                Expr::binary('/', x, Expr::Number(2.0)),
                Expr::Number(0.5),
            ),
            _ => Expr::Call("sqrt", Box::new(x)),
        };
        self.spec.statements.push(Statement {
            kind: Kind::Let,
            name: name.clone(),
            brackets: brackets.to_vec(),
            body: Body::Value(body, None),
            suffix: None,
            constraint: None,
        });
        name
    }

    fn multinomial(&mut self, plate: &str, scope: &Scope) -> Choice {
        let p = self.simplex(plate, scope, DEPTH);
        Choice::Dist(self.dist("Multinomial", vec![(None, p)], Some(plate)))
    }

    fn vector(&mut self, plate: &str, scope: &Scope) -> Choice {
        let inner = scope.with(plate, plate, 0);
        let axis = Reference::bare(plate);
        let mean = match self.r.below(10) {
            0 => Expr::Number(0.0),
            1..=7 => self.variable(&What::Real, &inner, Some((plate, &axis)), DEPTH),
            _ => self.mean(&inner, DEPTH),
        };
        let spread = if self.r.chance(65) {
            self.matrix(plate, scope, DEPTH)
        } else {
            self.spread(&inner, DEPTH)
        };
        Choice::Dist(self.dist("Gaussian", vec![(None, mean), spread], Some(plate)))
    }

    fn scalar(
        &mut self,
        c: &Column,
        table: &str,
        brackets: &[Binder],
        scope: &Scope,
    ) -> (Choice, Option<Dist>) {
        let numeric = c.kind != Type::Label && c.kind != Type::Binary;
        // An observed series that looks back.
        if numeric && c.kind == Type::Real && self.has_order(table) && self.r.chance(35) {
            let mut slots = vec![Slot::At(Reference::bare(brackets[0].element()), 1)];
            slots.extend(brackets[1..].iter().map(|_| Slot::Implied));
            let before = Expr::Ref(Reference {
                name: c.name.clone(),
                slots,
            });
            let a = self.variable(&What::Real, scope, None, DEPTH);
            let mut mean = Expr::binary('*', a, before);
            if self.r.chance(50) {
                let b = self.variable(&What::Real, scope, None, DEPTH);
                mean = Expr::binary('+', mean, b);
            }
            let spread = self.spread(scope, DEPTH);
            let main = self.dist("Gaussian", vec![(None, mean), spread], None);
            let start = self.gaussian(scope);
            return (Choice::Dist(main), Some(start));
        }
        // Another distribution for each element of a latent.
        if self.r.chance(7)
            && let Some((z, labels)) = self.switch(scope)
        {
            let branches = labels
                .into_iter()
                .map(|l| (l, self.one(c, scope)))
                .collect();
            return (Choice::Case(z, branches), None);
        }
        (Choice::Dist(self.one(c, scope)), None)
    }

    /// A latent to choose by, with the labels of its elements.
    fn switch(&mut self, scope: &Scope) -> Option<(Reference, Vec<String>)> {
        if self.r.chance(40) {
            let Expr::Ref(b) = self.variable(&What::Binary, scope, None, 1) else {
                return None;
            };
            return Some((b, vec!["0".into(), "1".into()]));
        }
        if self.spec.plates.is_empty() {
            return None;
        }
        let at = self.r.below(self.spec.plates.len());
        let p = self.spec.plates[at].clone();
        let labels = match &p {
            Plate::Counted { size, .. } => (1..=*size).map(|i| i.to_string()).collect(),
            Plate::Listed { labels, .. } => labels.clone(),
        };
        let what = What::Element(p.name().to_string());
        let Expr::Ref(z) = self.variable(&what, scope, None, 1) else {
            return None;
        };
        Some((z, labels))
    }

    fn gaussian(&mut self, scope: &Scope) -> Dist {
        let mean = self.hoisted_mean(scope);
        let spread = self.spread(scope, DEPTH);
        self.dist("Gaussian", vec![(None, mean), spread], None)
    }

    /// A mean, now and then by way of a `let`.
    fn hoisted_mean(&mut self, scope: &Scope) -> Expr {
        let mean = self.mean(scope, DEPTH);
        let outer = scope.bound.iter().all(|b| b.level == 0);
        if !outer || !self.r.chance(12) {
            return mean;
        }
        let name = self.name("e");
        let brackets: Vec<Binder> = scope
            .bound
            .iter()
            .map(|b| Binder {
                plate: b.plate.clone(),
                name: (b.element != b.plate).then(|| b.element.clone()),
            })
            .collect();
        let slots = scope
            .bound
            .iter()
            .map(|b| Slot::At(Reference::bare(&b.element), 0));
        let slots = slots.collect();
        self.spec.statements.push(Statement {
            kind: Kind::Let,
            name: name.clone(),
            brackets,
            body: Body::Value(mean, None),
            suffix: None,
            constraint: None,
        });
        Expr::Ref(Reference { name, slots })
    }

    /// A distribution with the support of the column.
    fn one(&mut self, c: &Column, scope: &Scope) -> Dist {
        let known = |g: &mut Growing, low, high| Expr::Number(g.r.short(low, high));
        match c.kind {
            Type::Real => match self.r.weighted(&[88, 5, 3, 4]) {
                0 => self.gaussian(scope),
                1 => {
                    let place = if self.r.chance(50) {
                        ("scale", Use::Variance)
                    } else {
                        ("rate", Use::Rate)
                    };
                    let s = self.positive(place.1, scope, DEPTH);
                    let m = self.location(scope);
                    self.dist("Laplace", vec![(None, m), (Some(place.0), s)], None)
                }
                2 => {
                    let m = self.location(scope);
                    let s = known(self, 0.5, 2.0);
                    let df = known(self, 1.0, 6.0);
                    self.dist(
                        "StudentT",
                        vec![(None, df), (None, m), (Some("scale"), s)],
                        None,
                    )
                }
                _ => {
                    let arguments = vec![(None, Expr::Number(-5.0)), (None, Expr::Number(6.0))];
                    self.dist("Uniform", arguments, None)
                }
            },
            Type::Positive => match self.r.weighted(&[40, 25, 15, 20]) {
                0 => {
                    let shape = known(self, 0.8, 3.0);
                    let place = if self.r.chance(70) {
                        ("rate", Use::Rate)
                    } else {
                        ("scale", Use::Variance)
                    };
                    let s = self.positive(place.1, scope, DEPTH);
                    self.dist("Gamma", vec![(None, shape), (Some(place.0), s)], None)
                }
                1 => {
                    let place = if self.r.chance(70) {
                        ("rate", Use::Rate)
                    } else {
                        ("scale", Use::Variance)
                    };
                    let s = self.positive(place.1, scope, DEPTH);
                    self.dist("Exponential", vec![(Some(place.0), s)], None)
                }
                2 => {
                    let shape = known(self, 0.8, 3.0);
                    let s = self.positive(Use::Rate, scope, DEPTH);
                    self.dist(
                        "InverseGamma",
                        vec![(None, shape), (Some("scale"), s)],
                        None,
                    )
                }
                _ => self.gaussian(scope),
            },
            Type::Probability => {
                if self.r.chance(50) {
                    let (a, b) = (known(self, 0.7, 3.0), known(self, 0.7, 3.0));
                    self.dist("Beta", vec![(None, a), (None, b)], None)
                } else {
                    self.gaussian(scope)
                }
            }
            Type::Count => match self.r.weighted(&[46, 28, 18, 8]) {
                3 => {
                    let e = self.mean(scope, 1);
                    self.dist("Poisson", vec![(Some("log"), e)], None)
                }
                0 => {
                    let rate = self.positive(Use::Rate, scope, DEPTH);
                    self.dist("Poisson", vec![(None, rate)], None)
                }
                1 => {
                    let total = self.total(c, scope);
                    let p = self.probability(scope, DEPTH);
                    self.dist("Binomial", vec![(None, p), (Some("total"), total)], None)
                }
                _ => self.gaussian(scope),
            },
            Type::Binary => {
                if self.r.chance(88) {
                    let p = self.probability(scope, DEPTH);
                    self.dist("Bernoulli", vec![(None, p)], None)
                } else {
                    let e = self.mean(scope, 1);
                    let link = if self.r.chance(50) { "logit" } else { "probit" };
                    self.dist("Bernoulli", vec![(Some(link), e)], None)
                }
            }
            Type::Label | Type::Weight => {
                let plate = c.label_plate().unwrap_or(&c.name).to_string();
                let p = self.simplex(&plate, scope, DEPTH);
                let over = (self.r.chance(60) || !matches!(p, Expr::Ref(_))).then_some(plate);
                self.dist("Categorical", vec![(None, p)], over.as_deref())
            }
        }
    }

    /// Where a Laplace or a StudentT lies: a number, or a mean as a Gaussian's.
    fn location(&mut self, scope: &Scope) -> Expr {
        if self.r.chance(50) {
            self.mean(scope, 1)
        } else {
            Expr::Number(self.r.short(-1.0, 1.0))
        }
    }

    /// The total of a Binomial: a number, or a column of counts that nothing explains.
    fn total(&mut self, c: &Column, scope: &Scope) -> Expr {
        let tables = self.spec.tables.iter();
        let other = tables
            .filter(|t| scope.bound.iter().any(|b| b.plate == t.name))
            .flat_map(|t| &t.columns)
            .find(|d| {
                d.kind == Type::Count && !d.observed && d.group.is_none() && d.otherwise.is_none()
            });
        if let Some(d) = other {
            let name = d.name.clone();
            self.counts.insert(name.clone(), (5, 8));
            self.counts.insert(c.name.clone(), (0, 5));
            return Expr::Ref(Reference::bare(&name));
        }
        Expr::Number(5.0)
    }
}
