//! What a statement may refer to: bound elements, label columns of bound rows, latents whose values are elements.

use crate::random::Random;
use crate::tree::{Reference, Slot, Spec, Type};

/// What a value is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    Real,
    /// Positive, by the place it is meant for.
    Positive(Use),
    Probability,
    Simplex(String),
    Covariance(String),
    Precision(String),
    Element(String),
    Binary,
}

/// Where a positive variable stands, which decides the prior that fits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Use {
    /// A variance or a scale: inverse Gamma.
    Variance,
    /// A precision or a rate: Gamma.
    Rate,
    /// A standard deviation: a flat point.
    Deviation,
}

/// A variable that exists.
#[derive(Debug, Clone)]
pub struct Value {
    pub name: String,
    pub what: What,
    /// Plates of brackets and of an `over` that does not belong to the value.
    pub slots: Vec<String>,
}

/// A bound element.
#[derive(Debug, Clone)]
pub struct Bound {
    pub plate: String,
    pub element: String,
    pub level: usize,
}

/// The elements bound at a place.
#[derive(Debug, Clone, Default)]
pub struct Scope {
    pub bound: Vec<Bound>,
    /// The plate after `over` where the value runs along it as a whole: bound too, so no slot of it can be left out.
    pub whole: Option<String>,
}

impl Scope {
    pub fn with(&self, plate: &str, element: &str, level: usize) -> Scope {
        let mut out = self.clone();
        out.bound.push(Bound {
            plate: plate.into(),
            element: element.into(),
            level,
        });
        out
    }

    pub fn along(&self, plate: &str) -> Scope {
        let mut out = self.clone();
        out.whole = Some(plate.into());
        out
    }

    /// Elements of a plate that can be named: an inner one hides outer ones of the same name.
    fn elements(&self, plate: &str) -> Vec<&Bound> {
        let mut out: Vec<&Bound> = vec![];
        for (i, b) in self.bound.iter().enumerate() {
            let hidden = self.bound[i + 1..].iter().any(|c| c.element == b.element);
            if b.plate == plate && !hidden {
                out.push(b);
            }
        }
        out
    }

    pub fn binds(&self, plate: &str) -> bool {
        self.bound.iter().any(|b| b.plate == plate)
    }

    fn has_name(&self, name: &str) -> bool {
        self.bound.iter().any(|b| b.element == name)
    }

    /// Label columns over a plate in the tables that are bound once; with the column's name.
    fn label_columns(
        &self,
        spec: &Spec,
        plate: &str,
        usable: &dyn Fn(&str) -> bool,
    ) -> Vec<String> {
        let mut out = vec![];
        for t in &spec.tables {
            if self.bound.iter().filter(|b| b.plate == t.name).count() != 1 {
                continue;
            }
            for c in &t.columns {
                let fits = c.label_plate() == Some(plate) && c.group.is_none();
                if fits && !self.has_name(&c.name) && usable(&c.name) {
                    out.push(c.name.clone());
                }
            }
        }
        out
    }

    /// The element that a slot of this plate gets when its index is left out.
    fn implied(&self, spec: &Spec, plate: &str) -> Option<Reference> {
        if self.whole.as_deref() == Some(plate) {
            return None;
        }
        let innermost = self
            .bound
            .iter()
            .filter(|b| b.plate == plate)
            .map(|b| b.level)
            .max();
        if let Some(level) = innermost {
            let mut at = self
                .bound
                .iter()
                .filter(|b| b.plate == plate && b.level == level);
            let first = at.next()?;
            return at.next().is_none().then(|| Reference::bare(&first.element));
        }
        // Columns that may not be used yet count as candidates of the language.
        let all = self.label_columns(spec, plate, &|_| true);
        match all.as_slice() {
            [one] => Some(Reference::bare(one)),
            _ => None,
        }
    }
}

/// What is known while a model grows.
pub struct Names<'a> {
    pub spec: &'a Spec,
    pub pool: &'a [Value],
    /// Columns that have a statement already or none at all: those may stand in arguments.
    pub usable: &'a dyn Fn(&str) -> bool,
}

impl Names<'_> {
    /// Everything that can stand as an index of this plate.
    pub fn options(
        &self,
        r: &mut Random,
        plate: &str,
        scope: &Scope,
        depth: usize,
    ) -> Vec<Reference> {
        let mut out: Vec<Reference> = scope
            .elements(plate)
            .iter()
            .map(|b| Reference::bare(&b.element))
            .collect();
        for c in scope.label_columns(self.spec, plate, self.usable) {
            out.push(Reference::bare(&c));
        }
        if depth == 0 {
            return out;
        }
        for v in self.pool {
            if v.what == What::Element(plate.to_string())
                && let Some(slots) = self.fill(r, &v.slots, scope, None, None, depth - 1)
            {
                out.push(Reference {
                    name: v.name.clone(),
                    slots,
                });
            }
        }
        out
    }

    /// An index for every slot; the first slot of `force.0` gets `force.1`. `axis` is the plate of the value itself, whose
    /// slot stays free: a slot of the same plate must be written.
    pub fn fill(
        &self,
        r: &mut Random,
        slots: &[String],
        scope: &Scope,
        force: Option<(&str, &Reference)>,
        axis: Option<&str>,
        depth: usize,
    ) -> Option<Vec<Slot>> {
        let mut chosen: Vec<Reference> = vec![];
        for (i, plate) in slots.iter().enumerate() {
            let repeated = slots[..i].contains(plate);
            let pick = match force {
                Some((p, element)) if p == plate && !repeated => element.clone(),
                _ => {
                    let mut options = self.options(r, plate, scope, depth);
                    let fresh: Vec<Reference> = options
                        .iter()
                        .filter(|o| !chosen.contains(o))
                        .cloned()
                        .collect();
                    // Now and then the diagonal: p[z, z].
                    if !fresh.is_empty() && !r.chance(10) {
                        options = fresh;
                    }
                    if options.is_empty() {
                        return None;
                    }
                    // Latents make mixtures: they stand last.
                    if options.len() > 1 && r.chance(40) {
                        options[options.len() - 1].clone()
                    } else {
                        r.pick(&options).clone()
                    }
                }
            };
            chosen.push(pick);
        }
        // Reversed indices, as in p[z[b], z[a]].
        if chosen.len() == 2 && slots[0] == slots[1] && r.chance(30) {
            chosen.swap(0, 1);
        }
        let out = slots.iter().zip(chosen).map(|(plate, c)| {
            let alone =
                slots.iter().filter(|p| *p == plate).count() == 1 && axis != Some(plate.as_str());
            if alone && r.chance(50) && scope.implied(self.spec, plate).as_ref() == Some(&c) {
                Slot::Implied
            } else {
                Slot::At(c, 0)
            }
        });
        Some(out.collect())
    }

    /// Plates of which an element can be named here, with a weight: bound ones first.
    pub fn plates(&self, r: &mut Random, scope: &Scope) -> Vec<String> {
        let mut out: Vec<String> = vec![];
        let names = self
            .spec
            .plates
            .iter()
            .map(|p| p.name().to_string())
            .chain(self.spec.tables.iter().map(|t| t.name.clone()))
            .chain(
                self.spec
                    .tables
                    .iter()
                    .flat_map(|t| &t.columns)
                    .filter_map(|c| match (&c.group, c.kind) {
                        (Some((p, _)), _) => Some(p.clone()),
                        (None, Type::Label) => c.label_plate().map(str::to_string),
                        _ => None,
                    }),
            );
        for n in names {
            if !out.contains(&n) && !self.options(r, &n, scope, 1).is_empty() {
                out.push(n);
            }
        }
        out
    }
}
