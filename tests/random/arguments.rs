//! Arguments of distributions: expressions over what is in scope, with new variables where none fits.

use crate::grow::Growing;
use crate::scope::{Names, Scope, Use, Value, What};
use crate::tree::{Binder, Body, Column, Dist, Expr, Kind, Reference, Slot, Statement, Type};

/// The plate of the value itself.
fn axis(what: &What) -> Option<&str> {
    match what {
        What::Simplex(p) | What::Covariance(p) | What::Precision(p) => Some(p),
        _ => None,
    }
}

impl Growing {
    /// Whether a column may stand in an argument now.
    fn usable(&self) -> Vec<String> {
        let columns = self.spec.tables.iter().flat_map(|t| &t.columns);
        columns
            .filter(|c| !self.reserved.contains(&c.name))
            .map(|c| c.name.clone())
            .collect()
    }

    fn plates_in(&mut self, scope: &Scope) -> Vec<String> {
        let usable = self.usable();
        let names = Names {
            spec: &self.spec,
            pool: &self.pool,
            usable: &|n| usable.iter().any(|u| u == n),
        };
        names.plates(&mut self.r, scope)
    }

    fn fill(
        &mut self,
        slots: &[String],
        scope: &Scope,
        force: Option<(&str, &Reference)>,
        axis: Option<&str>,
    ) -> Option<Vec<Slot>> {
        let usable = self.usable();
        let names = Names {
            spec: &self.spec,
            pool: &self.pool,
            usable: &|n| usable.iter().any(|u| u == n),
        };
        names.fill(&mut self.r, slots, scope, force, axis, 2)
    }

    /// A reference to a variable of this kind, an old one or a new one; with a slot of `force`, if given.
    pub fn variable(
        &mut self,
        what: &What,
        scope: &Scope,
        force: Option<(&str, &Reference)>,
        depth: usize,
    ) -> Expr {
        let has_forced = |v: &Value| force.is_none_or(|(p, _)| v.slots.iter().any(|s| s == p));
        // Twice in one statement, as in skill[winner] - skill[loser].
        let again = self.r.chance(12);
        let mut old: Vec<Value> = self
            .pool
            .iter()
            .filter(|v| v.what == *what && has_forced(v))
            .filter(|v| again || !self.taken.contains(&v.name))
            .cloned()
            .collect();
        self.r.shuffle(&mut old);
        let reuse = if self.pool.len() > 8 { 90 } else { 40 };
        if self.r.chance(reuse) {
            for v in old {
                if let Some(slots) = self.fill(&v.slots.clone(), scope, force, axis(what)) {
                    self.taken.push(v.name.clone());
                    return Expr::Ref(Reference {
                        name: v.name,
                        slots,
                    });
                }
            }
        }
        self.new_variable(what, scope, force, depth)
    }

    fn new_variable(
        &mut self,
        what: &What,
        scope: &Scope,
        force: Option<(&str, &Reference)>,
        depth: usize,
    ) -> Expr {
        let mut slots: Vec<String> = force.iter().map(|(p, _)| (*p).to_string()).collect();
        // A mixture: a latent element for what is bound.
        if depth > 0 && self.pool.len() < 8 && self.r.chance(25) {
            self.new_index(scope, depth);
        }
        let plates = self.plates_in(scope);
        for p in plates {
            let table = self.spec.tables.iter().any(|t| t.name == p);
            let counted = self.spec.plates.iter().any(|q| q.name() == p);
            let percent = match (table, counted) {
                (true, _) => 12,
                (false, true) => 55,
                (false, false) => 45,
            };
            if slots.len() < 3 && !slots.contains(&p) && self.r.chance(percent) {
                slots.push(p.clone());
                // Twice the same plate, where two elements of it can be named.
                if slots.len() < 3 && self.r.chance(15) && self.two_of(&p, scope) {
                    slots.push(p);
                }
            }
        }
        self.r.shuffle(&mut slots);
        let name = self.declare(what, &slots, depth);
        match self.fill(&slots, scope, force, axis(what)) {
            Some(filled) => {
                self.taken.push(name.clone());
                Expr::Ref(Reference {
                    name,
                    slots: filled,
                })
            }
            // Cannot happen: every slot was chosen from what can be named.
            None => Expr::Number(1.0),
        }
    }

    fn two_of(&mut self, plate: &str, scope: &Scope) -> bool {
        let usable = self.usable();
        let names = Names {
            spec: &self.spec,
            pool: &self.pool,
            usable: &|n| usable.iter().any(|u| u == n),
        };
        let mut options = names.options(&mut self.r, plate, scope, 1);
        options.dedup();
        options.len() >= 2
    }

    /// A latent with values in a counted or listed plate, over some of what is bound.
    pub fn new_index(&mut self, scope: &Scope, depth: usize) {
        if self.spec.plates.is_empty() {
            return;
        }
        let at = self.r.below(self.spec.plates.len());
        let over = self.spec.plates[at].name().to_string();
        let plates: Vec<String> = self
            .plates_in(scope)
            .into_iter()
            .filter(|p| *p != over && !self.spec.plates.iter().any(|q| q.name() == p))
            .collect();
        let tables: Vec<String> = plates
            .iter()
            .filter(|p| self.spec.tables.iter().any(|t| t.name == **p))
            .cloned()
            .collect();
        // Along rows mostly; along a label plate latents of several rows are one.
        let slots = match (tables.is_empty(), plates.is_empty()) {
            (false, _) if self.r.chance(80) => vec![self.r.pick(&tables).clone()],
            (_, false) => vec![self.r.pick(&plates).clone()],
            _ => vec![],
        };
        self.declare(&What::Element(over), &slots, depth.saturating_sub(1));
    }

    /// A known number for each element in scope: a column, or a function of one.
    fn covariate(&mut self, scope: &Scope, kinds: &[Type]) -> Option<Expr> {
        let x = self.known_column(scope, kinds)?;
        let positive = kinds.iter().all(|k| *k == Type::Positive);
        let of = |f, x| Expr::Call(f, Box::new(x));
        Some(match self.r.weighted(&[78, 5, 5, 4, 8]) {
            1 => of("exp", Expr::binary('/', x, Expr::Number(4.0))),
            2 => of("sqrt", of("abs", Expr::binary('+', x, Expr::Number(0.5)))),
            3 if !positive => Expr::binary('^', x, Expr::Number(2.0)),
            4 if !positive => self.standardised(x, scope),
            _ => x,
        })
    }

    /// (x - mean(x over row)) / sd(x over row), of a plain column in a statement about its rows.
    fn standardised(&mut self, x: Expr, scope: &Scope) -> Expr {
        let (Expr::Ref(r), Some(row)) = (&x, scope.bound.first()) else {
            return x;
        };
        let (name, table) = (r.name.clone(), row.plate.clone());
        let here = self.spec.table(&table).is_some_and(|t| {
            let plain = |c: &Column| c.name == name && c.group.is_none() && c.kind == Type::Real;
            t.columns.iter().any(plain)
        });
        if !here {
            return x;
        }
        let over = Binder {
            plate: table.clone(),
            name: None,
        };
        let plain = || Expr::Ref(Reference::bare(&name));
        let fold = |f| Expr::Fold(f, Box::new(plain()), vec![over.clone()]);
        let body = Expr::binary('/', Expr::binary('-', plain(), fold("mean")), fold("sd"));
        let u = self.name("u");
        self.spec.statements.push(Statement {
            kind: Kind::Let,
            name: u.clone(),
            brackets: vec![over.clone()],
            body: Body::Value(body, None),
            suffix: None,
            constraint: None,
        });
        Expr::Ref(Reference {
            name: u,
            slots: vec![Slot::At(Reference::bare(&row.element), 0)],
        })
    }

    fn known_column(&mut self, scope: &Scope, kinds: &[Type]) -> Option<Expr> {
        let mut found = vec![];
        for t in &self.spec.tables {
            if scope.bound.iter().filter(|b| b.plate == t.name).count() != 1 {
                continue;
            }
            for c in &t.columns {
                let bound = c.group.as_ref().is_none_or(|(p, _)| scope.binds(p));
                let hidden = scope.bound.iter().any(|b| b.element == c.name);
                if kinds.contains(&c.kind)
                    && bound
                    && !hidden
                    && !self.reserved.contains(&c.name)
                    && !c.observed
                {
                    let mut slots = vec![t.name.clone()];
                    slots.extend(c.group.iter().map(|(p, _)| p.clone()));
                    found.push((c.name.clone(), slots));
                }
            }
        }
        if found.is_empty() {
            return None;
        }
        let (name, slots) = self.r.pick(&found).clone();
        let slots = self.fill(&slots, scope, None, None)?;
        Some(Expr::Ref(Reference { name, slots }))
    }

    /// A constant over some of the counted plates in scope, numbers drawn by `draw`.
    fn constant(&mut self, scope: &Scope, low: f64, high: f64) -> Expr {
        let plates: Vec<(String, usize)> = self
            .spec
            .plates
            .iter()
            .filter(|p| scope.binds(p.name()))
            .map(|p| (p.name().to_string(), p.size()))
            .collect();
        let name = self.name("c");
        let mut slots = vec![];
        let mut body = Expr::Number(self.r.short(low, high));
        if !plates.is_empty() && self.r.chance(60) {
            let (p, n) = self.r.pick(&plates).clone();
            let list = |g: &mut Growing, n: usize| {
                Expr::Table((0..n).map(|_| Expr::Number(g.r.short(low, high))).collect())
            };
            let other = plates.iter().find(|(q, _)| *q != p).cloned();
            body = match other {
                Some((q, m)) if self.r.chance(40) => {
                    slots.push(q);
                    Expr::Table((0..m).map(|_| list(self, n)).collect())
                }
                _ => list(self, n),
            };
            slots.push(p);
        }
        let brackets = slots.iter().map(|p| Binder {
            plate: p.clone(),
            name: None,
        });
        let brackets = brackets.collect();
        self.spec.statements.push(Statement {
            kind: Kind::Const,
            name: name.clone(),
            brackets,
            body: Body::Value(body, None),
            suffix: None,
            constraint: None,
        });
        let slots = self.fill(&slots, scope, None, None).unwrap_or_default();
        Expr::Ref(Reference { name, slots })
    }

    /// The mean of a Gaussian: a sum of products.
    pub fn mean(&mut self, scope: &Scope, depth: usize) -> Expr {
        let number = Expr::Number(self.r.short(-1.0, 1.0));
        let kinds = [Type::Real, Type::Positive, Type::Count, Type::Binary];
        match self.r.weighted(&[6, 42, 12, 10, 12, 8, 5, 3, 2, 2]) {
            0 => number,
            9 => {
                // The size of a plate is a number like others.
                let a = self.variable(&What::Real, scope, None, depth);
                match self.spec.plates.first().map(|p| p.name().to_string()) {
                    Some(p) => Expr::binary('/', a, Expr::Size(p)),
                    None => a,
                }
            }
            1 => self.variable(&What::Real, scope, None, depth),
            2 => {
                let a = self.variable(&What::Real, scope, None, depth);
                let b = self.variable(&What::Real, scope, None, depth);
                let op = if self.r.chance(80) { '+' } else { '-' };
                Expr::binary(op, a, b)
            }
            3 => {
                let Some(x) = self.covariate(scope, &kinds) else {
                    return self.variable(&What::Real, scope, None, depth);
                };
                let x = if self.r.chance(15) {
                    Expr::binary('^', x, Expr::Number(2.0))
                } else {
                    x
                };
                let w = self.variable(&What::Real, scope, None, depth);
                let product = Expr::binary('*', w, x);
                if self.r.chance(50) {
                    let b = self.variable(&What::Real, scope, None, depth);
                    Expr::binary('+', product, b)
                } else {
                    product
                }
            }
            4 => self.regression(scope, depth),
            5 => self.bilinear(scope, depth),
            6 => {
                let a = self.variable(&What::Real, scope, None, depth);
                let b = self.variable(&What::Real, scope, None, depth);
                Expr::binary('*', a, b)
            }
            7 => {
                let a = self.variable(&What::Real, scope, None, depth);
                let b = self.variable(&What::Binary, scope, None, depth);
                Expr::binary('*', a, b)
            }
            _ => {
                let a = self.variable(&What::Real, scope, None, depth);
                Expr::Negate(Box::new(a))
            }
        }
    }

    /// A plate to fold over: not bound here, and no column has its name.
    fn fold_plate(&mut self, scope: &Scope) -> Option<(String, Binder, Scope)> {
        let mut plates: Vec<String> = self
            .spec
            .plates
            .iter()
            .map(|p| p.name().to_string())
            .collect();
        let groups = self.spec.tables.iter().flat_map(|t| &t.columns);
        for (p, _) in groups.filter_map(|c| c.group.as_ref()) {
            if !plates.contains(p) {
                plates.push(p.clone());
            }
        }
        if plates.is_empty() {
            return None;
        }
        let plate = self.r.pick(&plates).clone();
        let plain = !scope.binds(&plate) && self.r.chance(70);
        let name = (!plain).then(|| self.name("i"));
        let binder = Binder {
            plate: plate.clone(),
            name,
        };
        let level = scope.bound.iter().map(|b| b.level).max().unwrap_or(0) + 1;
        let inner = scope.with(&plate, binder.element(), level);
        Some((plate, binder, inner))
    }

    /// sum(w * x over d) + b
    fn regression(&mut self, scope: &Scope, depth: usize) -> Expr {
        let Some((plate, binder, inner)) = self.fold_plate(scope) else {
            return self.variable(&What::Real, scope, None, depth);
        };
        let element = Reference::bare(binder.element());
        let x = self
            .covariate(&inner, &[Type::Real, Type::Positive, Type::Count])
            .unwrap_or_else(|| self.constant(&inner, -1.0, 1.0));
        let w = self.variable(&What::Real, &inner, Some((&plate, &element)), depth);
        let body = if self.r.chance(85) {
            Expr::binary('*', w, x)
        } else {
            w
        };
        let fold = if self.r.chance(85) { "sum" } else { "mean" };
        let folded = Expr::Fold(fold, Box::new(body), vec![binder]);
        if self.r.chance(50) {
            let b = self.variable(&What::Real, scope, None, depth);
            Expr::binary('+', folded, b)
        } else {
            folded
        }
    }

    /// sum(W * h over k)
    fn bilinear(&mut self, scope: &Scope, depth: usize) -> Expr {
        let Some((plate, binder, inner)) = self.fold_plate(scope) else {
            return self.variable(&What::Real, scope, None, depth);
        };
        let element = Reference::bare(binder.element());
        let a = self.variable(&What::Real, &inner, Some((&plate, &element)), depth);
        let b = self.variable(&What::Real, &inner, Some((&plate, &element)), depth);
        let mut over = vec![binder];
        let mut body = Expr::binary('*', a, b);
        // A third factor, or a second plate to sum over.
        if self.r.chance(10)
            && let Some((second, binder, inner)) = self.fold_plate(&inner)
            && second != plate
        {
            let element = Reference::bare(binder.element());
            let c = self.variable(&What::Real, &inner, Some((&second, &element)), depth);
            body = Expr::binary('*', body, c);
            over.push(binder);
        }
        Expr::Fold("sum", Box::new(body), over)
    }

    /// A positive number or monomial.
    pub fn positive(&mut self, place: Use, scope: &Scope, depth: usize) -> Expr {
        let number = Expr::Number(self.r.short(0.3, 2.5));
        if depth == 0 || self.r.chance(35) {
            return match self.r.below(10) {
                0 | 1 => self.constant(scope, 0.3, 2.5),
                2 => self.covariate(scope, &[Type::Positive]).unwrap_or(number),
                _ => number,
            };
        }
        let v = self.variable(&What::Positive(place), scope, None, depth - 1);
        match self.r.weighted(&[74, 9, 5, 6, 6]) {
            0 => v,
            1 => Expr::binary('*', number, v),
            2 => Expr::binary('/', v, number),
            3 => {
                let u = self.variable(&What::Positive(place), scope, None, depth - 1);
                Expr::binary('*', v, u)
            }
            _ => match self.covariate(scope, &[Type::Positive]) {
                Some(x) => Expr::binary(if self.r.chance(60) { '*' } else { '/' }, v, x),
                None => v,
            },
        }
    }

    /// var, sd or precision of a Gaussian.
    pub fn spread(&mut self, scope: &Scope, depth: usize) -> (Option<&'static str>, Expr) {
        let (name, place) = [
            ("var", Use::Variance),
            ("precision", Use::Rate),
            ("sd", Use::Deviation),
        ][self.r.weighted(&[45, 42, 13])];
        (Some(name), self.positive(place, scope, depth))
    }

    /// A simplex over a plate.
    pub fn simplex(&mut self, over: &str, scope: &Scope, depth: usize) -> Expr {
        let size = self.spec.plates.iter().find(|p| p.name() == over);
        if let Some(n) = size.map(crate::tree::Plate::size)
            && self.r.chance(12)
        {
            return self.constant_simplex(over, n);
        }
        self.variable(&What::Simplex(over.into()), &scope.along(over), None, depth)
    }

    fn constant_simplex(&mut self, over: &str, n: usize) -> Expr {
        let name = self.name("c");
        let list: &[f64] = match n {
            1 => &[1.0],
            2 => &[0.3, 0.7],
            _ => &[0.2, 0.5, 0.3],
        };
        self.spec.statements.push(Statement {
            kind: Kind::Const,
            name: name.clone(),
            brackets: vec![],
            body: Body::Value(
                Expr::Table(list.iter().map(|x| Expr::Number(*x)).collect()),
                Some(Binder {
                    plate: over.into(),
                    name: None,
                }),
            ),
            suffix: None,
            constraint: None,
        });
        Expr::Ref(Reference::bare(&name))
    }

    /// A probability.
    pub fn probability(&mut self, scope: &Scope, depth: usize) -> Expr {
        match self.r.weighted(&[82, 10, 4, 4]) {
            0 => self.variable(&What::Probability, scope, None, depth),
            1 => Expr::Number(self.r.short(0.1, 0.9)),
            2 => self.constant(scope, 0.1, 0.9),
            _ => self
                .covariate(scope, &[Type::Probability])
                .unwrap_or(Expr::Number(0.5)),
        }
    }

    /// `cov` or `precision` of a Gaussian over a plate, which is bound in `scope` as the axis.
    pub fn matrix(
        &mut self,
        plate: &str,
        scope: &Scope,
        depth: usize,
    ) -> (Option<&'static str>, Expr) {
        let scope = &scope.along(plate);
        let (name, what) = if self.r.chance(50) {
            ("cov", What::Covariance(plate.into()))
        } else {
            ("precision", What::Precision(plate.into()))
        };
        let m = match self.r.weighted(&[74, 10, 8, 8]) {
            0 => self.variable(&what, scope, None, depth.saturating_sub(1)),
            1 => {
                let m = self.variable(&what, scope, None, depth.saturating_sub(1));
                let by = if self.r.chance(50) {
                    Expr::Number(self.r.short(0.3, 2.5))
                } else {
                    let place = if name == "cov" {
                        Use::Variance
                    } else {
                        Use::Rate
                    };
                    self.positive(place, scope, 1)
                };
                Expr::binary('*', by, m)
            }
            2 => Expr::Call("diagonal", Box::new(Expr::Number(self.r.short(0.3, 2.5)))),
            _ => Expr::Identity,
        };
        (Some(name), m)
    }

    /// A Dirichlet's concentration.
    pub fn concentration(&mut self, over: &str, scope: &Scope) -> Expr {
        let inner = scope.with(over, over, 0);
        if self.r.chance(25) {
            self.constant(&inner, 0.6, 3.0)
        } else {
            Expr::Number(self.r.short(0.6, 3.0))
        }
    }

    pub fn dist(
        &self,
        name: &'static str,
        arguments: Vec<(Option<&'static str>, Expr)>,
        over: Option<&str>,
    ) -> Dist {
        Dist {
            name,
            arguments,
            over: over.map(|p| Binder {
                plate: p.into(),
                name: None,
            }),
        }
    }
}
