//! A random model: what is observed is explained by variables, those by others, a few levels deep.

use std::collections::{BTreeMap, BTreeSet};

use crate::cells;
use crate::random::Random;
use crate::scope::{Scope, Use, Value, What};
use crate::tables;
use crate::tree::{
    Binder, Body, Choice, Column, Dist, Expr, Kind, Reference, Slot, Spec, Statement, Switch, Type,
};

/// A model that grows.
pub struct Growing {
    pub r: Random,
    pub spec: Spec,
    /// Variables that exist.
    pub pool: Vec<Value>,
    /// Columns that will have a statement and may not stand in arguments before.
    pub reserved: BTreeSet<String>,
    /// Variables that the present statement holds already.
    pub taken: Vec<String>,
    /// Least and most of counts.
    pub counts: BTreeMap<String, (usize, usize)>,
    next: usize,
}

/// The model and data of a seed.
pub fn model(seed: u64) -> Spec {
    let mut r = Random::new(seed);
    let (spec, labels) = tables::draw(&mut r);
    let mut g = Growing {
        r,
        spec,
        pool: vec![],
        reserved: BTreeSet::new(),
        taken: vec![],
        counts: BTreeMap::new(),
        next: 0,
    };
    g.choose_observed();
    g.observe_all();
    g.rules();
    let blanks = [0, 12, 30][g.r.weighted(&[60, 30, 10])];
    g.r.shuffle(&mut g.spec.statements);
    cells::fill(&mut g.r, &mut g.spec, &labels, &g.counts, blanks);
    g.spec
}

impl Growing {
    pub fn name(&mut self, start: &str) -> String {
        self.next += 1;
        format!("{start}{}", self.next)
    }

    /// Which columns get a statement: most of those that hold no labels, and some that do.
    fn choose_observed(&mut self) {
        let r = &mut self.r;
        for t in &mut self.spec.tables {
            let keys = [t.name.clone(), "a".into(), "b".into(), "part".into()];
            for c in &mut t.columns {
                // In one file for both tables the reference is the key, and a key is never blank.
                let key = self.spec.flat && c.name == "school";
                let fixed = key || c.kind == Type::Weight || keys.contains(&c.name);
                let percent = match c.kind {
                    Type::Label if c.group.is_some() || c.name == "y_label" => 100,
                    Type::Label => 8,
                    _ => 75,
                };
                c.observed = !fixed && r.chance(percent);
            }
        }
        let mut columns = self.spec.tables.iter().flat_map(|t| &t.columns);
        if !columns.any(|c| c.observed) {
            let columns = self.spec.tables.iter_mut().flat_map(|t| &mut t.columns);
            for c in columns {
                c.observed |= c.name.starts_with('y') || c.name == "x";
            }
        }
        // Rows that `every` adds need a value where nothing says how likely it is.
        for t in self.spec.tables.iter_mut().filter(|t| t.every.is_some()) {
            for c in t.columns.iter_mut().filter(|c| c.kind != Type::Label) {
                if !c.observed && !c.listed {
                    c.otherwise = Some(1.0);
                }
            }
        }
        for c in self.spec.tables.iter().flat_map(|t| &t.columns) {
            if c.observed {
                self.reserved.insert(c.name.clone());
            }
        }
    }

    fn observe_all(&mut self) {
        let mut list: Vec<(String, Column)> = vec![];
        for t in &self.spec.tables {
            for c in t.columns.iter().filter(|c| c.observed) {
                list.push((t.name.clone(), c.clone()));
            }
        }
        self.r.shuffle(&mut list);
        for (table, c) in list {
            self.observe(&table, &c);
            self.reserved.remove(&c.name);
        }
    }

    /// Brackets over plates, each element named where two are of one plate or it is the plate of the value, and their scope.
    pub fn brackets(&mut self, slots: &[String], over: Option<&str>) -> (Vec<Binder>, Scope) {
        let mut scope = Scope::default();
        let mut out = vec![];
        for p in slots {
            let twice = slots.iter().filter(|q| *q == p).count() > 1;
            let name = (twice || over == Some(p) || self.r.chance(12)).then(|| self.name("i"));
            let b = Binder {
                plate: p.clone(),
                name,
            };
            scope = scope.with(p, b.element(), 0);
            out.push(b);
        }
        (out, scope)
    }

    /// Declares a variable with these slots and returns its name.
    pub fn declare(&mut self, what: &What, slots: &[String], depth: usize) -> String {
        let start = match what {
            What::Real => "v",
            What::Positive(_) => "s",
            What::Probability => "p",
            What::Simplex(_) => "w",
            What::Covariance(_) => "C",
            What::Precision(_) => "P",
            What::Element(_) => "z",
            What::Binary => "b",
        };
        let name = self.name(start);
        let before = std::mem::take(&mut self.taken);
        let over = match what {
            What::Element(p) | What::Simplex(p) | What::Covariance(p) | What::Precision(p) => {
                Some(p.as_str())
            }
            _ => None,
        };
        let (brackets, scope) = self.brackets(slots, over);
        let discrete = matches!(what, What::Element(_) | What::Binary);
        let kind = if discrete || self.r.chance(45) {
            Kind::Latent
        } else {
            Kind::Param
        };
        let flat =
            kind == Kind::Param && (self.r.chance(65) || *what == What::Positive(Use::Deviation));
        let kind = if *what == What::Positive(Use::Deviation) && self.r.chance(95) {
            Kind::Param
        } else {
            kind
        };
        let body = if flat {
            match what {
                What::Real => Body::Domain("real", None),
                What::Positive(_) => Body::Domain("positive", None),
                What::Probability => Body::Domain("probability", None),
                What::Simplex(p) => Body::Domain("simplex", Some(p.clone())),
                What::Covariance(p) => Body::Domain("covariance", Some(p.clone())),
                What::Precision(p) => Body::Domain("precision", Some(p.clone())),
                What::Element(_) | What::Binary => Body::Domain("binary", None),
            }
        } else {
            self.prior(&name, what, slots, &brackets, &scope, depth)
        };
        // The last slot may stand after `over`: a vector.
        let (brackets, body) = match (body, what) {
            (Body::Domain(d, None), What::Real | What::Positive(_))
                if !slots.is_empty()
                    && !slots[..slots.len() - 1].contains(&slots[slots.len() - 1])
                    && self.r.chance(20) =>
            {
                let mut b = brackets;
                let last = b.pop().map(|b| b.plate);
                (b, Body::Domain(d, last))
            }
            (body, _) => (brackets, body),
        };
        let constraint = match (what, slots) {
            (What::Real, [front @ .., p])
                if flat
                    && brackets.len() == slots.len()
                    && !front.contains(p)
                    && self.r.chance(5) =>
            {
                let counted = self.spec.plates.iter().any(|x| x.name() == *p);
                let choices = if counted { 3 } else { 2 };
                let word = ["unit norm", "unit ball", "increasing"][self.r.below(choices)];
                Some(format!("{word} over {p}"))
            }
            (What::Real | What::Probability | What::Positive(_), [.., p, q])
                if p == q && self.r.chance(30) =>
            {
                Some("symmetric".into())
            }
            _ => None,
        };
        let suffix = (kind == Kind::Latent)
            .then(|| [None, Some("dirac"), Some("factorised")][self.r.weighted(&[90, 6, 4])])
            .flatten();
        self.spec.statements.push(Statement {
            kind,
            name: name.clone(),
            brackets,
            body,
            suffix,
            constraint,
        });
        self.pool.push(Value {
            name: name.clone(),
            what: what.clone(),
            slots: slots.to_vec(),
        });
        self.taken = before;
        name
    }

    /// Whether `P-1` is possible.
    pub fn has_order(&self, plate: &str) -> bool {
        let ordered = self.spec.table(plate).is_some_and(|t| t.ordered.is_some());
        ordered || self.spec.plates.iter().any(|p| p.name() == plate)
    }

    /// The variable itself, one step back along bracket `at`.
    fn itself(&mut self, name: &str, brackets: &[Binder], at: usize) -> Expr {
        let steps = if self.r.chance(10) { 2 } else { 1 };
        let slots = brackets.iter().enumerate().map(|(i, b)| {
            let twice = brackets.iter().filter(|c| c.plate == b.plate).count() > 1;
            if i == at {
                Slot::At(Reference::bare(b.element()), steps)
            } else if twice || b.name.is_some() || self.r.chance(50) {
                // A named element may have the axis of the value beside it: nothing is implied then.
                Slot::At(Reference::bare(b.element()), 0)
            } else {
                Slot::Implied
            }
        });
        Expr::Ref(Reference {
            name: name.into(),
            slots: slots.collect(),
        })
    }

    fn prior(
        &mut self,
        name: &str,
        what: &What,
        slots: &[String],
        brackets: &[Binder],
        scope: &Scope,
        depth: usize,
    ) -> Body {
        let d = depth.saturating_sub(1);
        // Along an order: a chain.
        let ordered: Vec<usize> = (0..slots.len())
            .filter(|i| self.has_order(&slots[*i]))
            .collect();
        let chain = ordered.first().copied().filter(|i| {
            let percent = if self.spec.table(&slots[*i]).is_some() {
                45
            } else {
                7
            };
            self.r.chance(percent)
        });
        let dist = match what {
            What::Real if chain.is_some() => {
                let before = self.itself(name, brackets, chain.unwrap_or(0));
                let mean = match self.r.below(4) {
                    0 => Expr::binary('*', Expr::Number(0.8), before),
                    1 if d > 0 => {
                        let b = self.variable(&What::Real, scope, None, d);
                        Expr::binary('+', before, b)
                    }
                    2 if d > 0 => {
                        let a = self.variable(&What::Real, scope, None, d);
                        Expr::binary('*', a, before)
                    }
                    _ => before,
                };
                let spread = self.spread(scope, d);
                let main = self.dist("Gaussian", vec![(None, mean), spread], None);
                let start = Expr::Number(self.r.short(-1.0, 1.0));
                let spread = self.spread(scope, d);
                let first = self.dist("Gaussian", vec![(None, start), spread], None);
                return Body::Model(Choice::Dist(main), Some(first));
            }
            What::Element(p) if chain.is_some() && depth > 0 => {
                // move[z[t-1]] over states, and where it starts.
                let before = self.itself(name, brackets, chain.unwrap_or(0));
                let Expr::Ref(before) = before else {
                    return Body::Domain("real", None);
                };
                let mut slots = vec![p.clone()];
                let mut filled = vec![Slot::At(before, 0)];
                if self.r.chance(10) {
                    slots.clear();
                    filled.clear();
                }
                let row = self.declare(&What::Simplex(p.clone()), &slots, d);
                let at_axis = Slot::At(Reference::bare(p), 0);
                let crowded = brackets.iter().any(|b| b.plate == *p);
                let mut written = filled.clone();
                if crowded {
                    written.push(at_axis.clone());
                }
                let to = Expr::Ref(Reference {
                    name: row,
                    slots: written,
                });
                if filled.is_empty() {
                    // No step back: an ordinary Categorical.
                    return Body::Model(
                        Choice::Dist(self.dist("Categorical", vec![(None, to)], Some(p))),
                        None,
                    );
                }
                let main = self.dist("Categorical", vec![(None, to)], Some(p));
                let mut start = self.simplex(p, scope, d);
                if let Expr::Ref(r) = &mut start
                    && crowded
                {
                    r.slots.push(at_axis);
                }
                let first = self.dist("Categorical", vec![(None, start)], Some(p));
                return Body::Model(Choice::Dist(main), Some(first));
            }
            What::Real => {
                if self.r.chance(7) {
                    let scale = Expr::Number(self.r.short(0.5, 2.0));
                    let place = if self.r.chance(30) {
                        self.r.short(-1.0, 1.0)
                    } else {
                        0.0
                    };
                    self.dist(
                        "Laplace",
                        vec![(None, Expr::Number(place)), (Some("scale"), scale)],
                        None,
                    )
                } else {
                    let mean = if d > 0 && self.r.chance(40) {
                        if self.r.chance(25) {
                            self.mean(scope, d)
                        } else {
                            self.variable(&What::Real, scope, None, d)
                        }
                    } else {
                        Expr::Number(self.r.short(-1.0, 1.0))
                    };
                    let spread = self.spread(scope, d);
                    self.dist("Gaussian", vec![(None, mean), spread], None)
                }
            }
            What::Positive(place) => self.positive_prior(*place, scope, d),
            What::Probability => {
                let (a, b) = (self.r.short(0.7, 3.0), self.r.short(0.7, 3.0));
                self.dist(
                    "Beta",
                    vec![(None, Expr::Number(a)), (None, Expr::Number(b))],
                    None,
                )
            }
            What::Simplex(p) => {
                let a = self.concentration(p, scope);
                self.dist("Dirichlet", vec![(None, a)], Some(p))
            }
            What::Covariance(p) => {
                let scale = self.known_matrix();
                self.dist(
                    "InverseWishart",
                    vec![(None, Expr::Number(5.0)), (Some("scale"), scale)],
                    Some(p),
                )
            }
            What::Precision(p) => {
                let scale = self.known_matrix();
                let name = if self.r.chance(50) {
                    "scale"
                } else {
                    "inverse_scale"
                };
                self.dist(
                    "Wishart",
                    vec![(None, Expr::Number(5.0)), (Some(name), scale)],
                    Some(p),
                )
            }
            What::Element(p) => {
                let p = p.clone();
                let mut w = self.simplex(&p, scope, d);
                // Two elements of the plate are in scope: the axis is written.
                if let Expr::Ref(r) = &mut w
                    && slots.contains(&p)
                {
                    r.slots.push(Slot::At(Reference::bare(&p), 0));
                }
                self.dist("Categorical", vec![(None, w)], Some(&p))
            }
            What::Binary => {
                let p = self.probability(scope, d);
                self.dist("Bernoulli", vec![(None, p)], None)
            }
        };
        Body::Model(Choice::Dist(dist), None)
    }

    fn known_matrix(&mut self) -> Expr {
        let x = Expr::Number(self.r.short(0.3, 2.0));
        match self.r.below(3) {
            0 => Expr::Identity,
            1 => Expr::binary('*', x, Expr::Identity),
            _ => Expr::Call("diagonal", Box::new(x)),
        }
    }

    fn positive_prior(&mut self, place: Use, scope: &Scope, depth: usize) -> Dist {
        let shape = Expr::Number(self.r.short(1.0, 4.0));
        let place = if self.r.chance(3) { Use::Rate } else { place };
        match place {
            Use::Variance => {
                let scale = if self.r.chance(70) || depth == 0 {
                    Expr::Number(self.r.short(0.5, 2.0))
                } else {
                    self.variable(&What::Positive(Use::Rate), scope, None, depth - 1)
                };
                self.dist(
                    "InverseGamma",
                    vec![(None, shape), (Some("scale"), scale)],
                    None,
                )
            }
            Use::Rate | Use::Deviation => {
                let (name, place) = if self.r.chance(80) {
                    ("rate", Use::Rate)
                } else {
                    ("scale", Use::Variance)
                };
                let rate = if self.r.chance(70) || depth == 0 {
                    Expr::Number(self.r.short(0.5, 2.0))
                } else {
                    self.variable(&What::Positive(place), scope, None, depth - 1)
                };
                if self.r.chance(25) {
                    self.dist("Exponential", vec![(Some(name), rate)], None)
                } else {
                    self.dist("Gamma", vec![(None, shape), (Some(name), rate)], None)
                }
            }
        }
    }

    /// Now and then a rule of `infer`, or another role.
    fn rules(&mut self) {
        if !self.pool.is_empty() && self.r.chance(12) {
            let name = self.r.pick(&self.pool).name.clone();
            let switches = [Switch::Param, Switch::Latent, Switch::Flat];
            self.spec.switch = Some((*self.r.pick(&switches), name));
        }
        let latents: Vec<String> = self
            .spec
            .statements
            .iter()
            .filter(|s| s.kind == Kind::Latent)
            .map(|s| s.name.clone())
            .collect();
        if latents.len() >= 2 && self.r.chance(4) {
            let i = self.r.below(latents.len() - 1);
            let pair = vec![latents[i].clone(), latents[i + 1].clone()];
            self.spec.rules.push(("joint", pair));
        }
        if !latents.is_empty() && self.r.chance(4) {
            let mut list = latents;
            self.r.shuffle(&mut list);
            list.truncate(2);
            self.spec.rules.push(("order", list));
        }
    }
}
