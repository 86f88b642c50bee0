//! The name under which a fit keeps a number that its data decided: the expression, in the notation of the language.
//!
//! in: a known expression -> out: `mean(x[row, d] over row)`.
//!
//! Two expressions that may differ have different names: every index is written, sums and products inside others stand in
//! brackets. An element is called like its plate, a second one of the same plate `j in P` with a name of its own, counted by
//! first appearance, so that the name does not depend on what else the model was compiled with. What no user can write has a
//! function of its own (`centre`, `seen`, `log1m`).

use crate::algebra::{Known, KnownFunction, KnownMatrix, Subscript};
use crate::model::{Axis, ColumnId, DefinitionId, Fold, Model, PlateId, PlateKind};

/// The name of an expression.
pub(super) fn name(model: &Model, k: &Known) -> String {
    let mut names = Names {
        model,
        axes: vec![],
    };
    names.known(k)
}

struct Names<'a> {
    model: &'a Model,
    axes: Vec<(Axis, String)>,
}

impl Names<'_> {
    fn axis(&mut self, a: Axis) -> String {
        if let Some((_, name)) = self.axes.iter().find(|(b, _)| *b == a) {
            return name.clone();
        }
        let plate = self.model.plate(a.plate).name.clone();
        let taken = |n: &String| {
            self.axes.iter().any(|(_, m)| m == n)
                || self
                    .model
                    .plates
                    .iter()
                    .any(|p| p.name == *n && *n != plate)
        };
        let candidates = std::iter::once(plate.clone());
        let mut candidates = candidates.chain((2..).map(|i| format!("{plate}_{i}")));
        let name = candidates.find(|n| !taken(n)).unwrap_or(plate);
        self.axes.push((a, name.clone()));
        name
    }

    /// `row`, or `row_2 in row`.
    fn binder(&mut self, a: Axis) -> String {
        let name = self.axis(a);
        let plate = &self.model.plate(a.plate).name;
        if name == *plate {
            name
        } else {
            format!("{name} in {plate}")
        }
    }

    fn element(&self, plate: Option<PlateId>, e: u32) -> String {
        match plate.map(|p| &self.model.plate(p).kind) {
            Some(PlateKind::Listed(labels)) => labels
                .get(e as usize)
                .map_or_else(|| e.to_string(), |l| format!("{l:?}")),
            Some(PlateKind::Binary) => e.to_string(),
            _ => (u64::from(e) + 1).to_string(),
        }
    }

    fn subscript(&mut self, s: &Subscript, plate: Option<PlateId>) -> String {
        match s {
            Subscript::Axis(a) => self.axis(*a),
            Subscript::Lag(a, k) => format!("{}-{k}", self.axis(*a)),
            Subscript::Element(e) => self.element(plate, *e),
            Subscript::Column(c, i) => self.column(*c, i),
            // Gone from everything that is known.
            Subscript::Latent(u, _) => format!("latent {}", u.index()),
        }
    }

    fn indexed(&mut self, name: &str, plates: &[PlateId], index: &[Subscript]) -> String {
        if index.is_empty() {
            return name.to_string();
        }
        let list: Vec<String> = index
            .iter()
            .enumerate()
            .map(|(i, s)| self.subscript(s, plates.get(i).copied()))
            .collect();
        format!("{name}[{}]", list.join(", "))
    }

    fn column(&mut self, c: ColumnId, index: &[Subscript]) -> String {
        let column = self.model.column(c);
        // Columns of several tables may share a name.
        let same = self
            .model
            .columns
            .iter()
            .filter(|x| x.name == column.name)
            .count();
        let name = if same > 1 {
            format!("{}.{}", self.model.table(column.table).name, column.name)
        } else {
            column.name.clone()
        };
        self.indexed(&name, &column.slots, index)
    }

    fn definition(&mut self, d: DefinitionId, index: &[Subscript]) -> String {
        let d = self.model.definition(d);
        let plates: Vec<PlateId> = d.axes.iter().map(|a| a.plate).collect();
        self.indexed(&d.name, &plates, index)
    }

    /// The plate of the element that a subscript stands for.
    fn plate_of(&self, s: &Subscript) -> Option<PlateId> {
        match s {
            Subscript::Axis(a) | Subscript::Lag(a, _) => Some(a.plate),
            Subscript::Column(c, _) => match self.model.column(*c).ty {
                crate::model::ColumnType::Label(p) => Some(p),
                _ => None,
            },
            Subscript::Element(_) | Subscript::Latent(..) => None,
        }
    }

    /// In brackets where it would not stand by itself.
    fn part(&mut self, k: &Known) -> String {
        let text = self.known(k);
        let alone = match k {
            Known::Number(n) => n.0 >= 0.0,
            Known::Add(_) | Known::Multiply(_) | Known::Power(..) => false,
            _ => true,
        };
        if alone { text } else { format!("({text})") }
    }

    fn list(&mut self, parts: &[Known], between: &str) -> String {
        let parts: Vec<String> = parts.iter().map(|p| self.part(p)).collect();
        parts.join(between)
    }

    fn known(&mut self, k: &Known) -> String {
        match k {
            Known::Number(n) => n.0.to_string(),
            Known::Column(c, i) => self.column(*c, i),
            Known::Present(c, i) => format!("seen({})", self.column(*c, i)),
            Known::Definition(d, i) => self.definition(*d, i),
            Known::PresentDefinition(d, i) => format!("seen({})", self.definition(*d, i)),
            Known::Size(p) => format!("size({})", self.model.plate(*p).name),
            Known::HasLag(a, k) => format!("exists({}-{k})", self.axis(*a)),
            Known::IsElement(s, e) => {
                let plate = self.plate_of(s);
                let element = self.element(plate, *e);
                format!("[{} = {element}]", self.subscript(s, plate))
            }
            Known::Ordered(a, b) => {
                let (p, q) = (self.plate_of(a), self.plate_of(b));
                format!("[{} <= {}]", self.subscript(a, p), self.subscript(b, q))
            }
            Known::Between(parts) => format!("[{}]", self.list(&parts[..], " <= ")),
            Known::Add(parts) => self.list(parts, " + "),
            Known::Multiply(parts) => self.list(parts, " * "),
            Known::Power(a, b) => format!("{}^{}", self.part(a), self.part(b)),
            Known::Call(f, a) => {
                let f = match f {
                    KnownFunction::Log => "log",
                    KnownFunction::Log1m => "log1m",
                    KnownFunction::Exp => "exp",
                    KnownFunction::Sqrt => "sqrt",
                    KnownFunction::Abs => "abs",
                    KnownFunction::LnGamma => "lgamma",
                    KnownFunction::Of(link) => link.name(),
                };
                format!("{f}({})", self.known(a))
            }
            Known::MultivariateLnGamma(a, p) => {
                let plate = &self.model.plate(*p).name;
                format!("lgamma({} over {plate})", self.known(a))
            }
            Known::Fold {
                fold,
                axes,
                restriction,
                body,
            } => {
                let word = match fold {
                    Fold::Sum => "sum",
                    Fold::Mean => "mean",
                    Fold::Sd => "sd",
                };
                let body = self.known(body);
                let over: Vec<String> = axes.iter().map(|a| self.binder(*a)).collect();
                let only = restriction.as_ref().map_or(String::new(), |(c, row, e)| {
                    let label = self.column(*c, &[Subscript::Axis(*row)]);
                    let plate = self.plate_of(&Subscript::Column(*c, vec![]));
                    format!(" where {label} = {}", self.subscript(e, plate))
                });
                format!("{word}({body} over {}{only})", over.join(", "))
            }
            Known::Entry(m, a, b) => {
                let m = self.matrix(m);
                let (p, q) = (self.plate_of(a), self.plate_of(b));
                format!("{m}[{}, {}]", self.subscript(a, p), self.subscript(b, q))
            }
            Known::LogDet(m, p) => {
                let plate = self.model.plate(*p).name.clone();
                format!("logdet({} over {plate})", self.matrix(m))
            }
            Known::Centre(c, index) => self.centre(*c, index),
        }
    }

    /// Slots that the mean runs over stand after `over`.
    fn centre(&mut self, c: ColumnId, index: &[Option<Subscript>]) -> String {
        let plates = &self.model.column(c).slots;
        let name = |p: &PlateId| self.model.plate(*p).name.clone();
        let kept = |i: usize| index.get(i).is_some_and(Option::is_some);
        let over: Vec<String> = (0..plates.len())
            .filter(|i| !kept(*i))
            .map(|i| name(&plates[i]))
            .collect();
        let all: Vec<String> = plates.iter().map(name).collect();
        let column = self.column(c, &[]);
        format!(
            "centre({column}[{}] over {})",
            all.join(", "),
            over.join(", ")
        )
    }

    fn matrix(&mut self, m: &KnownMatrix) -> String {
        match m {
            KnownMatrix::Identity => "identity".into(),
            KnownMatrix::Diagonal(a, k) => {
                let k = self.known(k);
                format!("diagonal({k} over {})", self.binder(*a))
            }
            KnownMatrix::Definition(d, i) => self.definition(*d, i),
            KnownMatrix::Scaled(k, m) => format!("({} * {})", self.part(k), self.matrix(m)),
            KnownMatrix::Sum(a, b) => format!("({} + {})", self.matrix(a), self.matrix(b)),
            KnownMatrix::Inverse(m) => format!("inverse({})", self.matrix(m)),
        }
    }
}
