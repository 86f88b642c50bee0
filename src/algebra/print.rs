//! Known expressions, statistics and terms as formulas and as text.
//!
//! in: the canonical form -> out: [`Formula`]s, by a [`Writer`]; [`known`], [`term`], [`terms`] for `pmc emit terms`.
//!
//! An axis that no factor carries is written as the size of its plate, a sum over weighted rows carries the weight. A quadratic
//! form over two summed axes is written u' M v, a trace tr(A B), both without index letters.

use crate::family::StatisticKind;
use crate::model::{Axis, Domain, Fold, Model, PlateId, PlateKind};
use crate::numeric::link::Link;

use super::formula::Formula;
use super::known::{Known, KnownFunction, KnownMatrix};
use super::letters::{Letters, Names};
use super::piece::Piece;
use super::term::{Statistic, Subscript, Term};
use super::unknown::{Origin, Unknowns};

/// The axis that a log of a sum of exponentials runs over, above all others.
const CATEGORY: u32 = u32::MAX;

/// A known expression as text.
pub fn known(model: &Model, k: &Known) -> String {
    let unknowns = Unknowns::of(model, &|_| false);
    let letters = Letters::of(model);
    let names = Names::default().bind(&letters, k.axes());
    Writer::plain(model, &unknowns, &letters)
        .known(k, &names)
        .text()
}

/// A term as text.
pub fn term(model: &Model, unknowns: &Unknowns, t: &Term) -> String {
    let letters = Letters::of(model);
    let w = Writer::plain(model, unknowns, &letters);
    w.piece(&Piece::from(t), &Names::default()).text()
}

/// All terms as text, one a line, under the line numbers of their statements.
pub fn terms(model: &Model, unknowns: &Unknowns, list: &super::Terms) -> String {
    let letters = Letters::of(model);
    let w = Writer::plain(model, unknowns, &letters);
    let mut out = String::from("log p =\n");
    for (i, t) in list.items.iter().enumerate() {
        let from: Vec<String> = t.from.iter().map(|f| statement_name(model, *f)).collect();
        let formula = w.piece(&Piece::from(t), &Names::default()).text();
        let formula = match formula.strip_prefix('-') {
            Some(f) => format!("- {f}"),
            None => format!("+ {formula}"),
        };
        out.push_str(&format!(
            "{:>4}  {formula}    // {}\n",
            i + 1,
            from.join(", ")
        ));
    }
    out
}

/// What a statement is about: `weight ~ Dirichlet`.
pub fn statement_name(model: &Model, f: crate::model::FactorId) -> String {
    use crate::model::{Case, FactorKind};
    let kind = |c: &crate::model::Conditional| match &c.usual {
        Case::Always(d) => format!(" ~ {:?}", d.kind),
        Case::By { .. } => " ~ case".to_string(),
    };
    match &model.factor(f).kind {
        FactorKind::Prior(v, c) => format!("{}{}", model.variable(*v).name, kind(c)),
        FactorKind::ObservedColumn(x, c) => format!("{}{}", model.column(*x).name, kind(c)),
        FactorKind::ObservedDefinition(d, c) => format!("{}{}", model.definition(*d).name, kind(c)),
        FactorKind::ObservedOnly(x) => model.column(*x).name.clone(),
        FactorKind::Potential(_) => "potential".into(),
    }
}

/// Writes the canonical form of one model.
pub struct Writer<'a> {
    /// The model.
    pub model: &'a Model,
    /// Its unknowns.
    pub unknowns: &'a Unknowns,
    /// Its index letters.
    pub letters: &'a Letters,
    /// The latent block of each unknown: its statistics are written as expectations.
    pub latent: Vec<Option<usize>>,
    /// The symbol of an expected indicator, by unknown.
    pub responsibility: Vec<Option<String>>,
}

impl<'a> Writer<'a> {
    /// Writes statistics as they are, without expectations.
    pub fn plain(model: &'a Model, unknowns: &'a Unknowns, letters: &'a Letters) -> Writer<'a> {
        Writer {
            model,
            unknowns,
            letters,
            latent: vec![None; unknowns.items.len()],
            responsibility: vec![None; unknowns.items.len()],
        }
    }

    /// An element of a plate by position.
    pub fn element(&self, plate: PlateId, e: u32) -> Formula {
        match &self.model.plate(plate).kind {
            PlateKind::Binary => Formula::Number(f64::from(e)),
            PlateKind::Listed(labels) => match labels.get(e as usize) {
                Some(l) => Formula::Word(l.clone()),
                None => Formula::Number(f64::from(e)),
            },
            _ => Formula::Number(f64::from(e) + 1.0),
        }
    }

    /// A subscript; `None` where its axis is hidden.
    pub fn subscript(
        &self,
        s: &Subscript,
        plate: Option<PlateId>,
        names: &Names,
    ) -> Option<Formula> {
        match s {
            Subscript::Axis(a) => names.get(*a).map(Formula::name),
            Subscript::Lag(a, k) => names.get(*a).map(|l| {
                Formula::sum([Formula::name(l), Formula::Number(f64::from(*k)).negated()])
            }),
            Subscript::Element(e) => Some(match plate {
                Some(p) => self.element(p, *e),
                None => Formula::Number(f64::from(*e)),
            }),
            Subscript::Column(c, i) => Some(self.column(*c, i, names)),
            Subscript::Latent(u, i) => {
                let u = self.unknowns.get(*u);
                Some(self.symbol(&u.name, &u.slots, i, names))
            }
        }
    }

    /// A name with its subscripts.
    pub fn symbol(
        &self,
        name: &str,
        plates: &[PlateId],
        index: &[Subscript],
        names: &Names,
    ) -> Formula {
        let below = index
            .iter()
            .enumerate()
            .filter_map(|(i, s)| self.subscript(s, plates.get(i).copied(), names))
            .collect();
        Formula::Symbol(name.to_string(), below)
    }

    fn column(&self, c: crate::model::ColumnId, i: &[Subscript], names: &Names) -> Formula {
        let column = self.model.column(c);
        self.symbol(&column.name, &column.slots, i, names)
    }

    fn definition(&self, d: crate::model::DefinitionId, i: &[Subscript], names: &Names) -> Formula {
        let d = self.model.definition(d);
        let plates: Vec<PlateId> = d.axes.iter().map(|a| a.plate).collect();
        self.symbol(&d.name, &plates, i, names)
    }

    /// A known expression.
    pub fn known(&self, k: &Known, names: &Names) -> Formula {
        if let Some((a, lag)) = lacks_lag(k) {
            return Formula::Indicator(Box::new(Formula::relation(
                Formula::name(names.get(a).unwrap_or("t")),
                if lag == 1 { "=" } else { "≤" },
                Formula::Number(f64::from(lag)),
            )));
        }
        match k {
            Known::Number(n) => Formula::Number(n.0),
            Known::Column(c, i) => self.column(*c, i, names),
            Known::Present(c, i) => Formula::Apply("seen".into(), vec![self.column(*c, i, names)]),
            Known::Definition(d, i) => self.definition(*d, i, names),
            Known::PresentDefinition(d, i) => {
                Formula::Apply("seen".into(), vec![self.definition(*d, i, names)])
            }
            Known::Size(p) => self.letters.size(*p),
            Known::HasLag(a, k) => Formula::Indicator(Box::new(Formula::relation(
                Formula::name(names.get(*a).unwrap_or("t")),
                ">",
                Formula::Number(f64::from(*k)),
            ))),
            Known::IsElement(s, e) => {
                let plate = self.plate_of(s);
                Formula::Indicator(Box::new(Formula::equation(
                    self.subscript(s, plate, names)
                        .unwrap_or_else(|| Formula::Word("element".into())),
                    plate.map_or(Formula::Number(f64::from(*e)), |p| self.element(p, *e)),
                )))
            }
            Known::Ordered(a, b) => {
                let word = || Formula::Word("element".into());
                let side = |s| self.subscript(s, self.plate_of(s), names);
                Formula::Indicator(Box::new(Formula::relation(
                    side(a).unwrap_or_else(word),
                    "≤",
                    side(b).unwrap_or_else(word),
                )))
            }
            Known::Between(p) => Formula::Indicator(Box::new(Formula::relation(
                self.known(&p[0], names),
                "≤",
                Formula::relation(self.known(&p[1], names), "≤", self.known(&p[2], names)),
            ))),
            Known::Add(parts) => {
                let mut parts: Vec<Formula> = parts.iter().map(|p| self.known(p, names)).collect();
                parts.sort_by_key(|p| {
                    matches!(p, Formula::Negative(_)) || matches!(p, Formula::Number(x) if *x < 0.0)
                });
                Formula::sum(parts)
            }
            Known::Multiply(parts) => {
                let (below, above): (Vec<&Known>, Vec<&Known>) =
                    parts.iter().partition(|p| denominator(p).is_some());
                let top = Formula::product(above.into_iter().map(|p| self.known(p, names)));
                let below = below
                    .into_iter()
                    .filter_map(denominator)
                    .map(|(b, e)| self.known(b, names).power(Formula::Number(e)));
                Formula::ratio(top, Formula::product(below))
            }
            Known::Power(b, e) => match denominator(k) {
                Some((b, e)) => Formula::ratio(
                    Formula::Number(1.0),
                    self.known(b, names).power(Formula::Number(e)),
                ),
                None => self.known(b, names).power(self.known(e, names)),
            },
            Known::Call(f, x) => {
                if let (KnownFunction::Log1m, Some(v)) = (f, x.as_number()) {
                    return Formula::Number(1.0 - v).log();
                }
                let x = self.known(x, names);
                match f {
                    KnownFunction::Log => x.log(),
                    KnownFunction::Log1m => Formula::sum([Formula::Number(1.0), x.negated()]).log(),
                    KnownFunction::Exp => Formula::Apply("exp".into(), vec![x]),
                    KnownFunction::Sqrt => Formula::Apply("sqrt".into(), vec![x]),
                    KnownFunction::Abs => Formula::Bars(Box::new(x)),
                    KnownFunction::Of(link) => function(*link, x),
                    KnownFunction::LnGamma => Formula::Apply("Γ".into(), vec![x]).log(),
                }
            }
            Known::MultivariateLnGamma(x, p) => Formula::Apply(
                format!("Γ_{}", self.letters.size(*p).text()),
                vec![self.known(x, names)],
            )
            .log(),
            Known::Fold {
                fold,
                axes,
                restriction,
                body,
            } => {
                let inner = names.bind(self.letters, axes.iter().copied());
                let carried = body.axes();
                if *fold == Fold::Sum
                    && restriction.is_none()
                    && !axes.iter().any(|a| carried.contains(a))
                {
                    let sizes = axes.iter().map(|a| self.letters.size(a.plate));
                    return Formula::product(sizes.chain([self.known(body, names)]));
                }
                let over: Vec<Formula> = axes
                    .iter()
                    .filter_map(|a| inner.get(*a).map(Formula::name))
                    .collect();
                let given = restriction
                    .iter()
                    .filter_map(|(c, row, e)| {
                        Some(Formula::equation(
                            self.column(*c, &[Subscript::Axis(*row)], &inner),
                            self.subscript(e, None, names)?,
                        ))
                    })
                    .collect();
                let body = self.known(body, &inner);
                let word = match fold {
                    Fold::Sum => return Formula::total(over, given, body),
                    Fold::Mean => "mean",
                    Fold::Sd => "sd",
                };
                let over: Vec<String> = over.iter().map(Formula::text).collect();
                Formula::Apply(format!("{word}_{}", over.concat()), vec![body])
            }
            Known::Entry(m, a, b) => {
                let below = [a, b]
                    .into_iter()
                    .filter_map(|s| self.subscript(s, None, names))
                    .collect::<Vec<_>>();
                self.entry(self.matrix(m, names), below)
            }
            Known::LogDet(m, _) => Formula::Bars(Box::new(self.matrix(m, names))).log(),
            Known::Centre(c, slots) => {
                let column = self.model.column(*c);
                let below = slots
                    .iter()
                    .flatten()
                    .filter_map(|s| self.subscript(s, None, names))
                    .collect();
                Formula::Apply(
                    "mean".into(),
                    vec![Formula::Symbol(column.name.clone(), below)],
                )
            }
        }
    }

    fn plate_of(&self, s: &Subscript) -> Option<PlateId> {
        match s {
            Subscript::Axis(a) | Subscript::Lag(a, _) => Some(a.plate),
            Subscript::Column(c, _) => match self.model.column(*c).ty {
                crate::model::ColumnType::Label(p) => Some(p),
                crate::model::ColumnType::Binary => Some(crate::model::BINARY),
                _ => None,
            },
            Subscript::Latent(u, _) => self.unknowns.get(*u).element_plate(),
            Subscript::Element(_) => None,
        }
    }

    /// An entry of a matrix: its subscripts join those the matrix has.
    pub(super) fn entry(&self, m: Formula, mut below: Vec<Formula>) -> Formula {
        if below.is_empty() {
            return m;
        }
        match m {
            Formula::Symbol(n, mut s) => {
                s.append(&mut below);
                Formula::Symbol(n, s)
            }
            other => Formula::Apply("entry".into(), {
                let mut v = vec![other];
                v.append(&mut below);
                v
            }),
        }
    }

    /// A known matrix.
    pub fn matrix(&self, m: &KnownMatrix, names: &Names) -> Formula {
        match m {
            KnownMatrix::Identity => Formula::name("I"),
            KnownMatrix::Diagonal(a, k) => {
                let inner = names.bind(self.letters, [*a]);
                Formula::Apply("diag".into(), vec![self.known(k, &inner)])
            }
            KnownMatrix::Definition(d, i) => self.definition(*d, i, names),
            KnownMatrix::Scaled(k, m) => {
                Formula::product([self.known(k, names), self.matrix(m, names)])
            }
            KnownMatrix::Sum(a, b) => Formula::sum([self.matrix(a, names), self.matrix(b, names)]),
            KnownMatrix::Inverse(m) => self.matrix(m, names).inverse(),
        }
    }

    /// A statistic without expectation.
    pub fn statistic(&self, s: &Statistic, names: &Names) -> Formula {
        let u = self.unknowns.get(s.of);
        if s.kind == StatisticKind::Indicator {
            let (value, at) = match s.index.split_last() {
                Some((v, at)) => (Some(v), at),
                None => (None, &[][..]),
            };
            let value = value.and_then(|v| self.subscript(v, u.element_plate(), names));
            return Formula::Indicator(Box::new(Formula::equation(
                self.symbol(&u.name, &u.slots, at, names),
                value.unwrap_or_else(|| Formula::Word("value".into())),
            )));
        }
        let v = self.symbol(&u.name, &u.slots, &s.index, names);
        let matrix = u.domain.value_slots() == 2;
        match s.kind {
            StatisticKind::Value | StatisticKind::Pair | StatisticKind::Indicator => v,
            StatisticKind::Power(p) if matrix => {
                let n = s.index.len().saturating_sub(2);
                let base = self.symbol(&u.name, &u.slots, &s.index[..n], names);
                let below: Vec<Formula> = s.index[n..]
                    .iter()
                    .filter_map(|i| self.subscript(i, None, names))
                    .collect();
                let inverse = base.power(Formula::Number(f64::from(p)));
                if below.is_empty() {
                    inverse
                } else {
                    let mut args = vec![inverse];
                    args.extend(below);
                    Formula::Apply("entry".into(), args)
                }
            }
            StatisticKind::Power(p) if p < 0 => Formula::ratio(
                Formula::Number(1.0),
                v.power(Formula::Number(-f64::from(p))),
            ),
            StatisticKind::Power(p) => v.power(Formula::Number(f64::from(p))),
            StatisticKind::Log if matrix => Formula::Bars(Box::new(v)).log(),
            StatisticKind::Log => v.log(),
            StatisticKind::Log1m => Formula::sum([Formula::Number(1.0), v.negated()]).log(),
            StatisticKind::Of(link) => function(link, v),
            StatisticKind::LogSumExp => self.log_sum_exp(s, names),
            StatisticKind::Slope => Formula::derivative(Formula::name("F"), v),
            StatisticKind::Abs => Formula::Bars(Box::new(match &s.offset {
                Some(k) => Formula::sum([v, self.known(k, names).negated()]),
                None => v,
            })),
        }
    }

    /// ln Σ_k exp(eta_k), the categories at a letter of their own.
    fn log_sum_exp(&self, s: &Statistic, names: &Names) -> Formula {
        let u = self.unknowns.get(s.of);
        let Some(plate) = u.slots.last() else {
            return Formula::Number(0.0);
        };
        let k = Axis {
            plate: *plate,
            id: CATEGORY,
        };
        let inner = names.bind(self.letters, [k]);
        let mut index = s.index.clone();
        index.push(Subscript::Axis(k));
        let body = Formula::apply("exp", self.symbol(&u.name, &u.slots, &index, &inner));
        let letter = inner.get(k).map(Formula::name).into_iter().collect();
        Formula::total(letter, vec![], body).log()
    }

    /// The name of an unknown's place in the model: a variable or a column.
    pub fn is_column(&self, u: super::UnknownId) -> bool {
        matches!(self.unknowns.get(u).origin, Origin::Column(_))
    }

    /// True if the unknown's value is one element or number, not a vector or matrix.
    pub fn is_matrix(&self, u: super::UnknownId) -> bool {
        matches!(
            self.unknowns.get(u).domain,
            Domain::Covariance | Domain::Precision
        )
    }
}

/// A function of a formula.
pub fn function(link: Link, v: Formula) -> Formula {
    let half = |v: Formula| Formula::ratio(v, Formula::Number(2.0));
    match link {
        Link::Softplus => Formula::sum([Formula::Number(1.0), Formula::apply("exp", v)]).log(),
        Link::Exp => Formula::apply("exp", v),
        Link::LogNormalCdf => Formula::apply("Φ", v).log(),
        Link::LogCosh => Formula::apply("cosh", half(v)).log(),
        Link::PolyaGammaMean => Formula::ratio(
            Formula::apply("tanh", half(v.clone())),
            Formula::product([Formula::Number(2.0), v]),
        ),
        Link::LnGamma => Formula::apply("Γ", v).log(),
        Link::Log => v.log(),
        Link::XLogX => Formula::product([v.clone(), v.log()]),
        Link::Reciprocal => Formula::ratio(Formula::Number(1.0), v),
        Link::Sqrt => Formula::apply("sqrt", v),
        Link::Abs => Formula::Bars(Box::new(v)),
    }
}

/// The derivative of a function, at a formula.
pub fn derivative(link: Link, v: Formula) -> Formula {
    let one = || Formula::Number(1.0);
    let two = || Formula::Number(2.0);
    let exp = |v: Formula| Formula::apply("exp", v);
    match link {
        Link::Softplus => Formula::ratio(one(), Formula::sum([one(), exp(v.negated())])),
        Link::Exp => exp(v),
        Link::LogNormalCdf => {
            Formula::ratio(Formula::apply("φ", v.clone()), Formula::apply("Φ", v))
        }
        Link::LogCosh => Formula::product([
            Formula::Number(0.5),
            Formula::apply("tanh", Formula::ratio(v, two())),
        ]),
        Link::PolyaGammaMean => Formula::derivative(function(link, v.clone()), v),
        Link::LnGamma => Formula::apply("ψ", v),
        Link::Log => Formula::ratio(one(), v),
        Link::XLogX => Formula::sum([v.log(), one()]),
        Link::Reciprocal => Formula::ratio(one(), v.power(two())).negated(),
        Link::Sqrt => Formula::ratio(one(), Formula::product([two(), Formula::apply("sqrt", v)])),
        Link::Abs => Formula::apply("sign", v),
    }
}

/// 1 - 1[t > k]: the axis and k of elements that have no predecessor.
pub(super) fn lacks_lag(k: &Known) -> Option<(Axis, u32)> {
    let Known::Add(parts) = k else { return None };
    let ([Known::Multiply(product), Known::Number(one)]
    | [Known::Number(one), Known::Multiply(product)]) = parts.as_slice()
    else {
        return None;
    };
    let [Known::Number(minus), Known::HasLag(a, lag)] = product.as_slice() else {
        return None;
    };
    (one.0 == 1.0 && minus.0 == -1.0).then_some((*a, *lag))
}

/// Base and positive exponent of a factor that belongs below the line.
pub(super) fn denominator(k: &Known) -> Option<(&Known, f64)> {
    match k {
        Known::Power(b, e) => match e.as_number() {
            Some(p) if p < 0.0 => Some((b, -p)),
            _ => None,
        },
        _ => None,
    }
}
