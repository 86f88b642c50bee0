//! One number of a penalised block: its pull, its threshold, its factor and what is expected of it.

use super::*;

/// One number under a quadratic and a penalty.
pub(super) struct Element {
    pub(super) v: Formula,
    pub(super) r: Formula,
    pub(super) a: Formula,
    pub(super) l: Option<Formula>,
    pub(super) positive: bool,
    pub(super) distance: Formula,
    pub(super) offset: Option<Formula>,
}

impl Element {
    /// The linear coefficient about the location of the absolute value: r - a o.
    pub(super) fn about(&self) -> Formula {
        match &self.offset {
            None => self.r.clone(),
            Some(o) => Formula::sum([
                self.r.clone(),
                Formula::product([self.a.clone(), o.clone()]).negated(),
            ]),
        }
    }

    /// v_i by soft threshold, or cut at 0.
    pub(super) fn closed(&self) -> Vec<Equation> {
        let zero = number(0.0);
        let r = self.about();
        let max = |x: Formula| Formula::Apply("max".into(), vec![x, zero.clone()]);
        let right = match (&self.l, self.positive) {
            (_, true) => {
                let pull = match &self.l {
                    Some(l) => Formula::sum([r, l.clone().negated()]),
                    None => r,
                };
                Formula::ratio(max(pull), self.a.clone())
            }
            (Some(l), false) => Formula::ratio(
                Formula::product([
                    Formula::apply("sign", r.clone()),
                    max(Formula::sum([
                        Formula::Bars(Box::new(r)),
                        l.clone().negated(),
                    ])),
                ]),
                self.a.clone(),
            ),
            (None, false) => Formula::ratio(r, self.a.clone()),
        };
        let right = match &self.offset {
            Some(o) => Formula::sum([o.clone(), right]),
            None => right,
        };
        let lead = match (self.positive, &self.l) {
            (true, _) => "cut at 0",
            (false, Some(_)) => "the soft threshold",
            (false, None) => "",
        };
        vec![line(lead, self.v.clone(), right)]
    }

    /// The conditions of Karush, Kuhn and Tucker, and the closed form of one element.
    pub(super) fn conditions(&self) -> Vec<Equation> {
        let mut out = self.closed();
        let slope = Formula::sum([
            self.r.clone(),
            Formula::product([self.a.clone(), self.v.clone()]).negated(),
        ]);
        let v = self.v.text();
        if self.positive {
            let total = match &self.l {
                Some(l) => Formula::sum([slope, l.clone().negated()]),
                None => slope,
            };
            let at_zero = match &self.l {
                Some(l) => Formula::sum([self.r.clone(), l.clone().negated()]),
                None => self.r.clone(),
            };
            out.push(line(
                &format!("KKT conditions, where {v} > 0"),
                total,
                number(0.0),
            ));
            out.push(Equation::new(
                format!("and where {v} = 0"),
                Formula::relation(at_zero, "≤", number(0.0)),
            ));
        } else if let Some(l) = &self.l {
            let (side, o) = match &self.offset {
                Some(o) => (
                    Formula::sum([self.v.clone(), o.clone().negated()]),
                    o.text(),
                ),
                None => (self.v.clone(), "0".to_string()),
            };
            out.push(line(
                &format!("KKT conditions, where {v} is not {o}"),
                slope,
                Formula::product([l.clone(), Formula::apply("sign", side)]),
            ));
            out.push(Equation::new(
                format!("and where {v} = {o}"),
                Formula::relation(Formula::Bars(Box::new(self.about())), "≤", l.clone()),
            ));
        }
        out
    }

    /// q of one number and its expectations, from the Gaussian tails on both sides.
    pub(super) fn factor(&self, c: &Collected<'_, '_>) -> Vec<Equation> {
        let half = |x: Formula| Formula::product([number(0.5), x]);
        let (a, v) = (self.a.clone(), self.v.clone());
        let square = half(Formula::product([a.clone(), v.clone().power(number(2.0))])).negated();
        let mut parts = vec![Formula::product([self.r.clone(), v.clone()]), square];
        if let Some(l) = &self.l {
            let size = if self.positive {
                v.clone()
            } else {
                self.distance.clone()
            };
            parts.push(Formula::product([l.clone(), size]).negated());
        }
        let lead = if self.positive {
            format!("over {} > 0", v.text())
        } else {
            String::new()
        };
        let mut out = vec![Equation::new(
            lead,
            Formula::relation(
                Formula::Apply("q".into(), vec![v.clone()]),
                "∝",
                Formula::Apply("exp".into(), vec![Formula::sum(parts)]),
            ),
        )];
        let root = Formula::apply("sqrt", Formula::product([number(2.0), a.clone()]));
        let scale = || {
            Formula::apply(
                "sqrt",
                Formula::ratio(
                    Formula::name("pi"),
                    Formula::product([number(2.0), a.clone()]),
                ),
            )
        };
        let tail = |x: Formula| {
            Formula::product([
                scale(),
                Formula::apply("erfcx", Formula::ratio(x, root.clone())),
            ])
        };
        let over = |x: Formula, y: Formula| Formula::ratio(x, y);
        let z = c.page.free(&["Z", "norm"]);
        let r = self.about();
        let second =
            |pull: Vec<Formula>| over(Formula::sum([vec![number(1.0)], pull].concat()), a.clone());
        let size = |v: Formula| match &self.offset {
            Some(o) => Formula::sum([v, o.clone().negated()]),
            None => v,
        };
        if self.positive {
            let r = match &self.l {
                Some(l) => Formula::sum([r, l.clone().negated()]),
                None => r,
            };
            let z = Formula::name(z);
            let mean = v.clone().expected();
            out.push(line(
                "with erfcx(x) = exp(x^2) erfc(x)",
                z.clone(),
                tail(r.clone().negated()),
            ));
            out.push(line(
                "",
                mean.clone(),
                Formula::sum([
                    over(r.clone(), a.clone()),
                    over(number(1.0), Formula::product([a.clone(), z])),
                ]),
            ));
            out.push(line(
                "",
                v.power(number(2.0)).expected(),
                second(vec![Formula::product([r, mean])]),
            ));
            return out;
        }
        let Some(l) = self.l.clone() else { return out };
        let side = |n: &str, s: &str| Formula::Symbol(n.into(), vec![Formula::Word(s.into())]);
        let (plus, minus) = (side(&z, "+"), side(&z, "-"));
        let m = c.page.free(&["m", "mean"]);
        let (up, down) = (side(&m, "+"), side(&m, "-"));
        let share = Formula::name(c.page.free(&["s", "share"]));
        let other = || Formula::sum([number(1.0), share.clone().negated()]);
        let less = Formula::sum([r.clone(), l.clone().negated()]);
        let more = Formula::sum([r.clone(), l.clone()]);
        out.push(line(
            "its two halves are tails of Gaussians; with erfcx(x) = exp(x^2) erfc(x)",
            plus.clone(),
            tail(Formula::sum([l.clone(), r.clone().negated()])),
        ));
        out.push(line(
            "",
            minus.clone(),
            tail(Formula::sum([l.clone(), r.clone()])),
        ));
        let inverse = |z: &Formula| over(number(1.0), Formula::product([a.clone(), z.clone()]));
        out.push(line(
            "",
            up.clone(),
            Formula::sum([over(less, a.clone()), inverse(&plus)]),
        ));
        out.push(line(
            "",
            down.clone(),
            Formula::sum([over(more, a.clone()), inverse(&minus).negated()]),
        ));
        out.push(line(
            "",
            share.clone(),
            over(plus.clone(), Formula::sum([plus, minus])),
        ));
        let above = || Formula::product([share.clone(), up.clone()]);
        let below = || Formula::product([other(), down.clone()]);
        let distance = size(v.clone());
        let mean = distance.clone().expected();
        let absolute = self.distance.clone().expected();
        out.push(line("", mean.clone(), Formula::sum([above(), below()])));
        out.push(line(
            "",
            absolute.clone(),
            Formula::sum([above(), below().negated()]),
        ));
        out.push(line(
            "",
            distance.power(number(2.0)).expected(),
            second(vec![
                Formula::product([r, mean]),
                Formula::product([l, absolute]).negated(),
            ]),
        ));
        out
    }
}
