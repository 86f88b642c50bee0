//! Families that only auxiliaries have.

use super::*;

/// q(omega) = PolyaGamma(1, tilt), tilt^2 = E[eta^2]; E[omega] = tanh(tilt/2) / (2 tilt).
pub(super) fn polya_gamma(c: &Collected<'_, '_>) -> Vec<Equation> {
    let v = c.symbol(0);
    let tilt = of("tilt", v.clone());
    let square = c.message(&Target::Single(0, K::Value), -2.0);
    vec![
        Equation::new(
            "",
            Formula::equation(
                Formula::Apply("q".into(), vec![v]),
                Formula::Apply(
                    "PolyaGamma".into(),
                    vec![Formula::Number(1.0), Formula::Word("tilt".into())],
                ),
            ),
        ),
        Equation::new(
            "",
            Formula::equation(tilt.power(Formula::Number(2.0)), c.sum(&square)),
        ),
    ]
}

/// exp(m ln v - a v / 2 - b / (2 v)): order m + 1; the mode (m + sqrt(m^2 + a b)) / a.
pub(super) fn generalised_inverse_gaussian(c: &Collected<'_, '_>) -> Vec<Equation> {
    let v = c.symbol(0);
    let m = c.message(&Target::Single(0, K::Log), 1.0);
    let mut a = c.message(&Target::Single(0, K::Value), -2.0);
    let mut b = c.message(&Target::Single(0, K::Power(-1)), -2.0);
    let sqrt = |f: Formula| Formula::apply("sqrt", f);
    if latent(c) {
        let line =
            |name: &str, f: Formula| Equation::new("", Formula::equation(of(name, v.clone()), f));
        return vec![
            is(c, "GeneralisedInverseGaussian", &["order", "a", "b"]),
            line("order", c.sum(&plus(m, number(1.0)))),
            line("a", c.sum(&a)),
            line("b", c.sum(&b)),
        ];
    }
    let right = if m.is_empty() {
        gaussian::cancel_factors(&mut b, &mut a);
        let (mut b, mut a) = (add(b), add(a));
        cancel(&mut b, &mut a);
        sqrt(Formula::ratio(c.sum(&b), c.sum(&a)))
    } else {
        let m = c.sum(&m);
        let root = Formula::sum([
            m.clone().power(Formula::Number(2.0)),
            Formula::product([c.sum(&a), c.sum(&b)]),
        ]);
        Formula::ratio(Formula::sum([m, sqrt(root)]), c.sum(&a))
    };
    vec![Equation::new("", Formula::equation(v, right))]
}
