//! Formulas as they stand on paper: a tree that is written as text or as LaTeX.
//!
//! in: formulas built by the printers -> out: one line of text ([`Formula::text`]) or LaTeX ([`Formula::latex`]).
//!
//! The tree has no meaning of its own: constructors only fold signs, ones and nested sums, so that both writers stay simple.

mod latex;
pub(crate) use latex::escaped;
mod text;

/// A formula.
#[derive(Debug, Clone, PartialEq)]
pub enum Formula {
    /// A number.
    Number(f64),
    /// A name of the model with subscripts.
    Symbol(String, Vec<Formula>),
    /// A word set upright.
    Word(String),
    /// a + b + c; an addend may be [`Formula::Negative`].
    Sum(Vec<Formula>),
    /// -a
    Negative(Box<Formula>),
    /// a b c
    Product(Vec<Formula>),
    /// a / b
    Ratio(Box<Formula>, Box<Formula>),
    /// a^b
    Power(Box<Formula>, Box<Formula>),
    /// The transpose.
    Transposed(Box<Formula>),
    /// ln a
    Log(Box<Formula>),
    /// |a|: a determinant or an absolute value.
    Bars(Box<Formula>),
    /// f(a, b)
    Apply(String, Vec<Formula>),
    /// `E[a]`, `shape[a]`: a functional of a distribution.
    Of(String, Box<Formula>),
    /// `1[a]`, or `[a]` where it only restricts: 1 where the condition holds, else 0.
    Indicator(Box<Formula>),
    /// The sum of `body` over `over`, where all of `given` hold.
    Total {
        /// Index letters.
        over: Vec<Formula>,
        /// Conditions.
        given: Vec<Formula>,
        /// What is summed.
        body: Box<Formula>,
    },
    /// a op b
    Relation(Box<Formula>, &'static str, Box<Formula>),
    /// a, b, c
    List(Vec<Formula>),
    /// a | b
    Given(Box<Formula>, Box<Formula>),
    /// The partial derivative of the first in the second.
    Derivative(Box<Formula>, Box<Formula>),
}

impl Formula {
    /// A name without subscripts.
    pub fn name(name: impl Into<String>) -> Formula {
        Formula::Symbol(name.into(), vec![])
    }

    /// A sum: nested sums join, zeros vanish.
    pub fn sum(parts: impl IntoIterator<Item = Formula>) -> Formula {
        let mut out = vec![];
        for p in parts {
            match p {
                Formula::Number(0.0) => {}
                Formula::Sum(inner) => out.extend(inner),
                other => out.push(other),
            }
        }
        match <[Formula; 1]>::try_from(out) {
            Ok([one]) => one,
            Err(out) if out.is_empty() => Formula::Number(0.0),
            Err(out) => Formula::Sum(out),
        }
    }

    /// A product: nested products join, ones vanish, signs and numbers come to the front.
    pub fn product(parts: impl IntoIterator<Item = Formula>) -> Formula {
        let mut number = 1.0;
        let mut out = vec![];
        let mut stack: Vec<Formula> = parts.into_iter().collect();
        stack.reverse();
        while let Some(p) = stack.pop() {
            match p {
                Formula::Number(x) => number *= x,
                Formula::Negative(x) => {
                    number = -number;
                    stack.push(*x);
                }
                Formula::Product(inner) => stack.extend(inner.into_iter().rev()),
                other => out.push(other),
            }
        }
        if number == 0.0 {
            return Formula::Number(0.0);
        }
        let size = f64::abs(number);
        if size != 1.0 || out.is_empty() {
            out.insert(0, Formula::Number(size));
        }
        let body = match <[Formula; 1]>::try_from(out) {
            Ok([one]) => one,
            Err(out) => Formula::Product(out),
        };
        if number < 0.0 { body.negated() } else { body }
    }

    /// -a
    #[must_use]
    pub fn negated(self) -> Formula {
        match self {
            Formula::Negative(x) => *x,
            Formula::Number(x) => Formula::Number(-x),
            other => Formula::Negative(Box::new(other)),
        }
    }

    /// a / b
    pub fn ratio(a: Formula, b: Formula) -> Formula {
        match (a, b) {
            (a, Formula::Number(1.0)) => a,
            (Formula::Negative(a), b) => Formula::ratio(*a, b).negated(),
            (a, b) => Formula::Ratio(Box::new(a), Box::new(b)),
        }
    }

    /// a^p
    #[must_use]
    pub fn power(self, p: Formula) -> Formula {
        match p {
            Formula::Number(1.0) => self,
            p => Formula::Power(Box::new(self), Box::new(p)),
        }
    }

    /// The inverse of a matrix, as a power.
    #[must_use]
    pub fn inverse(self) -> Formula {
        match self {
            Formula::Power(b, e) if *e == Formula::Number(-1.0) => *b,
            other => Formula::Power(Box::new(other), Box::new(Formula::Number(-1.0))),
        }
    }

    /// The transpose.
    #[must_use]
    pub fn transposed(self) -> Formula {
        Formula::Transposed(Box::new(self))
    }

    /// ln a
    #[must_use]
    pub fn log(self) -> Formula {
        Formula::Log(Box::new(self))
    }

    /// `E[a]`
    #[must_use]
    pub fn expected(self) -> Formula {
        Formula::Of("E".into(), Box::new(self))
    }

    /// da/db
    pub fn derivative(a: Formula, b: Formula) -> Formula {
        Formula::Derivative(Box::new(a), Box::new(b))
    }

    /// f(a)
    pub fn apply(f: impl Into<String>, a: Formula) -> Formula {
        Formula::Apply(f.into(), vec![a])
    }

    /// a op b
    pub fn relation(a: Formula, op: &'static str, b: Formula) -> Formula {
        Formula::Relation(Box::new(a), op, Box::new(b))
    }

    /// a = b
    pub fn equation(a: Formula, b: Formula) -> Formula {
        Formula::relation(a, "=", b)
    }

    /// The sum of `body` over index letters under conditions; the body itself where there are no letters.
    pub fn total(over: Vec<Formula>, given: Vec<Formula>, body: Formula) -> Formula {
        if over.is_empty() {
            return body;
        }
        Formula::Total {
            over,
            given,
            body: Box::new(body),
        }
    }

    /// The same with every occurrence of a part replaced.
    #[must_use]
    pub fn replace(&self, part: &Formula, by: &Formula) -> Formula {
        if self == part {
            return by.clone();
        }
        let go = |x: &Formula| x.replace(part, by);
        let one = |x: &Formula| Box::new(go(x));
        let all = |l: &[Formula]| l.iter().map(go).collect::<Vec<_>>();
        match self {
            Formula::Number(_) | Formula::Word(_) => self.clone(),
            Formula::Symbol(n, l) => Formula::Symbol(n.clone(), all(l)),
            Formula::Sum(l) => Formula::Sum(all(l)),
            Formula::Negative(x) => Formula::Negative(one(x)),
            Formula::Product(l) => Formula::Product(all(l)),
            Formula::Ratio(a, b) => Formula::Ratio(one(a), one(b)),
            Formula::Power(a, b) => Formula::Power(one(a), one(b)),
            Formula::Transposed(x) => Formula::Transposed(one(x)),
            Formula::Log(x) => Formula::Log(one(x)),
            Formula::Bars(x) => Formula::Bars(one(x)),
            Formula::Apply(f, l) => Formula::Apply(f.clone(), all(l)),
            Formula::Of(f, x) => Formula::Of(f.clone(), one(x)),
            Formula::Indicator(x) => Formula::Indicator(one(x)),
            Formula::Total { over, given, body } => Formula::Total {
                over: all(over),
                given: all(given),
                body: one(body),
            },
            Formula::Relation(a, op, b) => Formula::Relation(one(a), op, one(b)),
            Formula::List(l) => Formula::List(all(l)),
            Formula::Given(a, b) => Formula::Given(one(a), one(b)),
            Formula::Derivative(a, b) => Formula::Derivative(one(a), one(b)),
        }
    }

    /// A symbol of this name stands in it.
    pub fn mentions(&self, name: &str) -> bool {
        let any = |l: &[Formula]| l.iter().any(|f| f.mentions(name));
        match self {
            Formula::Number(_) | Formula::Word(_) => false,
            Formula::Symbol(n, l) => n == name || any(l),
            Formula::Sum(l) | Formula::Product(l) | Formula::Apply(_, l) | Formula::List(l) => {
                any(l)
            }
            Formula::Negative(x)
            | Formula::Transposed(x)
            | Formula::Log(x)
            | Formula::Bars(x)
            | Formula::Of(_, x)
            | Formula::Indicator(x) => x.mentions(name),
            Formula::Ratio(a, b)
            | Formula::Power(a, b)
            | Formula::Relation(a, _, b)
            | Formula::Given(a, b)
            | Formula::Derivative(a, b) => a.mentions(name) || b.mentions(name),
            Formula::Total { over, given, body } => any(over) || any(given) || body.mentions(name),
        }
    }

    /// How tightly it binds: 0 relations, 1 sums, 2 products, 3 big sums, 4 logs, 5 powers, 6 what needs no brackets.
    fn binding(&self) -> u8 {
        match self {
            Formula::Relation(..) | Formula::List(_) | Formula::Given(..) => 0,
            Formula::Sum(_) => 1,
            Formula::Negative(_) => 1,
            Formula::Product(_) | Formula::Ratio(..) => 2,
            Formula::Total { .. } => 3,
            Formula::Log(_) => 4,
            Formula::Power(..) | Formula::Transposed(_) => 5,
            Formula::Number(x) if *x < 0.0 => 1,
            _ => 6,
        }
    }
}

/// A number as a person writes it: small fractions as such, whole numbers without a point.
pub(super) enum Written {
    Whole(String),
    Fraction(i64, i64),
    Scientific(String, i32),
}

pub(super) fn written(x: f64) -> Written {
    if x.fract() == 0.0 && x.abs() < 1e7 {
        return Written::Whole(format!("{x}"));
    }
    for d in [2i64, 3, 4, 8] {
        let n = x * d as f64;
        // A third has no short decimal; anything else is written as it came.
        let endless = d != 3 || format!("{x}").len() > 10;
        if n.fract() == 0.0 && n.abs() < 100.0 && endless {
            return Written::Fraction(n as i64, d);
        }
    }
    if x != 0.0 && (x.abs() < 1e-3 || x.abs() >= 1e7) {
        let s = format!("{x:e}");
        if let Some((m, e)) = s.split_once('e')
            && let Ok(e) = e.parse()
        {
            return Written::Scientific(m.to_string(), e);
        }
    }
    Written::Whole(format!("{x}"))
}

/// Multiples of constants that densities carry: 1/2 log 2 pi and log 2.
pub(super) fn constant(x: f64) -> Option<(f64, &'static str)> {
    const LOG_2_PI: f64 = 1.837_877_066_409_345_3;
    for (c, name) in [(LOG_2_PI, "2 pi"), (std::f64::consts::LN_2, "2")] {
        let k = x / c;
        let twice = (2.0 * k).round();
        if twice != 0.0 && (2.0 * k - twice).abs() < 1e-12 && twice.abs() < 64.0 {
            return Some((twice / 2.0, name));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn s(name: &str, below: &[&str]) -> Formula {
        Formula::Symbol(
            name.into(),
            below.iter().map(|b| Formula::name(*b)).collect(),
        )
    }

    #[test]
    fn signs_and_numbers_come_to_the_front() {
        let p = Formula::product([
            s("x", &["n"]),
            Formula::Number(-0.5),
            s("y", &["n"]).negated(),
            Formula::Number(2.0),
        ]);
        assert_eq!(p.text(), "x_n y_n");
        assert_eq!(
            Formula::sum([
                s("a", &[]),
                Formula::product([Formula::Number(-0.5), s("b", &[])])
            ])
            .text(),
            "a - 1/2 b"
        );
    }

    #[test]
    fn brackets_stand_where_they_are_needed() {
        let d = Formula::sum([s("x", &["n"]), s("mu", &["k"]).negated()]);
        let square = Formula::product([s("r", &["n", "k"]), d.clone().power(Formula::Number(2.0))]);
        let total = Formula::total(vec![Formula::name("n")], vec![], square);
        assert_eq!(total.text(), "Σ_n r_nk (x_n - mu_k)^2");
        assert_eq!(
            Formula::ratio(total, s("N", &["k"])).text(),
            "(Σ_n r_nk (x_n - mu_k)^2) / N_k"
        );
        assert_eq!(d.clone().transposed().text(), "(x_n - mu_k)'");
        assert_eq!(
            Formula::product([Formula::Number(2.0), d]).text(),
            "2 (x_n - mu_k)"
        );
    }

    #[test]
    fn subscripts_that_are_no_letters_are_set_apart() {
        let doc = s("doc", &["n"]);
        let f = Formula::Symbol("pi".into(), vec![doc.clone(), Formula::name("k")]);
        assert_eq!(f.text(), "pi_{doc_n, k}");
        assert_eq!(f.latex(), "\\pi_{\\mathrm{doc}_{n}, k}");
        let sum = Formula::total(
            vec![Formula::name("n")],
            vec![Formula::equation(doc, Formula::name("d"))],
            s("r", &["n", "k"]),
        );
        assert_eq!(sum.text(), "Σ_{n: doc_n = d} r_nk");
        assert_eq!(sum.latex(), "\\sum_{n :\\, \\mathrm{doc}_{n} = d} r_{nk}");
    }

    #[test]
    fn numbers_are_written_as_people_write_them() {
        for (x, text, latex) in [
            (0.5, "1/2", "\\tfrac{1}{2}"),
            (1e-6, "1e-6", "10^{-6}"),
            (3.0, "3", "3"),
            (0.1, "0.1", "0.1"),
            (25000000.0, "2.5e7", "2.5 \\cdot 10^{7}"),
        ] {
            assert_eq!(Formula::Number(x).text(), text);
            assert_eq!(Formula::Number(x).latex(), latex);
        }
        assert_eq!(
            Formula::Number(-0.918_938_533_204_672_7).text(),
            "-1/2 ln 2 pi"
        );
    }
}
