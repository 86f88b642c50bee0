//! Common factors of a sum are written once, as a person would.
//!
//! ```text
//! (Σ_d u_nd W_d) / s - (Σ_d W_d b_d) / s   ->   (Σ_d W_d (u_nd - b_d)) / s
//! ```

use crate::algebra::formula::Formula;

/// An addend taken apart: sign * before * (Σ over: given) inside / below.
#[derive(Debug, Clone)]
struct Addend {
    negative: bool,
    before: Vec<Formula>,
    over: Vec<Formula>,
    given: Vec<Formula>,
    inside: Vec<Formula>,
    below: Option<Formula>,
}

/// Addends of a sum that differ in some factors only become one.
pub fn together(f: Formula) -> Formula {
    let Formula::Sum(parts) = f else { return f };
    let mut list: Vec<Addend> = parts.into_iter().map(apart).collect();
    'again: loop {
        for i in 0..list.len() {
            for j in i + 1..list.len() {
                if let Some(one) = join(&list[i], &list[j]) {
                    list[i] = one;
                    list.remove(j);
                    continue 'again;
                }
            }
        }
        return Formula::sum(list.into_iter().map(whole));
    }
}

fn factors(f: Formula) -> Vec<Formula> {
    match f {
        Formula::Product(list) => list,
        other => vec![other],
    }
}

fn apart(f: Formula) -> Addend {
    match f {
        Formula::Negative(x) => {
            let a = apart(*x);
            Addend {
                negative: !a.negative,
                ..a
            }
        }
        Formula::Ratio(top, below) => Addend {
            below: Some(*below),
            ..apart(*top)
        },
        other => {
            let mut before = factors(other);
            match before.pop() {
                Some(Formula::Total { over, given, body }) => Addend {
                    negative: false,
                    before,
                    over,
                    given,
                    inside: factors(*body),
                    below: None,
                },
                last => {
                    before.extend(last);
                    Addend {
                        negative: false,
                        before: vec![],
                        over: vec![],
                        given: vec![],
                        inside: before,
                        below: None,
                    }
                }
            }
        }
    }
}

fn whole(a: Addend) -> Formula {
    let inside = Formula::product(a.inside);
    let total = Formula::total(a.over, a.given, inside);
    let top = Formula::product(a.before.into_iter().chain([total]));
    let f = match a.below {
        Some(b) => Formula::ratio(top, b),
        None => top,
    };
    if a.negative { f.negated() } else { f }
}

/// One addend for two that share a factor, the sum they stand in and the denominator.
fn join(a: &Addend, b: &Addend) -> Option<Addend> {
    if a.before != b.before || a.over != b.over || a.given != b.given || a.below != b.below {
        return None;
    }
    let mut rest = b.inside.clone();
    let (mut common, mut own) = (vec![], vec![]);
    for f in &a.inside {
        match rest.iter().position(|g| g == f) {
            Some(i) => {
                rest.remove(i);
                common.push(f.clone());
            }
            None => own.push(f.clone()),
        }
    }
    let numbers = |l: &[Formula]| l.iter().any(|f| matches!(f, Formula::Number(_)));
    if common.is_empty() || own.is_empty() || rest.is_empty() || numbers(&own) || numbers(&rest) {
        return None;
    }
    let other = Formula::product(rest);
    common.push(Formula::sum([
        Formula::product(own),
        if a.negative == b.negative {
            other
        } else {
            other.negated()
        },
    ]));
    Some(Addend {
        inside: common,
        ..a.clone()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn s(name: &str) -> Formula {
        Formula::name(name)
    }

    fn over_d(parts: [&str; 2]) -> Formula {
        Formula::total(
            vec![s("d")],
            vec![],
            Formula::product(parts.map(Formula::name)),
        )
    }

    #[test]
    fn one_sum_for_two_that_share_a_vector() {
        let f = Formula::sum([
            Formula::ratio(over_d(["x", "W"]), s("v")),
            Formula::ratio(over_d(["W", "b"]), s("v")).negated(),
        ]);
        assert_eq!(together(f).text(), "(Σ_d W (x - b)) / v");
    }

    #[test]
    fn what_shares_nothing_stays() {
        for f in [
            Formula::sum([over_d(["x", "W"]), over_d(["y", "V"])]),
            Formula::sum([
                over_d(["x", "W"]),
                Formula::ratio(over_d(["W", "b"]), s("v")),
            ]),
            Formula::sum([s("a"), Formula::product([s("a"), s("b")])]),
            Formula::product([s("a"), s("b")]),
        ] {
            assert_eq!(together(f.clone()), f);
        }
    }

    #[test]
    fn signs_are_kept() {
        let f = Formula::sum([
            Formula::product([s("a"), s("x")]).negated(),
            Formula::product([s("a"), s("y")]),
            Formula::product([s("a"), s("z")]).negated(),
        ]);
        assert_eq!(together(f).text(), "-a (x - y + z)");
    }
}
