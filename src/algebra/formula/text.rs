//! Formulas as one line of plain text.

use super::{Formula, Written, constant, written};

impl Formula {
    /// One line of text: `Σ_n r_nk (x_n - mu_k)^2`.
    pub fn text(&self) -> String {
        match self {
            Formula::Number(x) => number(*x),
            Formula::Symbol(name, below) => format!("{name}{}", subscripts(name, below)),
            Formula::Word(w) => w.clone(),
            Formula::Sum(parts) => sum(parts),
            Formula::Negative(x) => format!("-{}", x.within(2)),
            Formula::Product(parts) => product(parts),
            Formula::Ratio(a, b) => {
                let top = match a.as_ref() {
                    Formula::Total { .. } => format!("({})", a.text()),
                    Formula::Product(p) if matches!(p.last(), Some(Formula::Total { .. })) => {
                        format!("({})", a.text())
                    }
                    _ => a.within(2),
                };
                format!("{top} / {}", b.within(3))
            }
            Formula::Power(b, e) => {
                format!("{}^{}", b.within(6), e.within(6).replace("(-1)", "-1"))
            }
            Formula::Transposed(b) => format!("{}'", b.within(5)),
            Formula::Log(x) => match x.as_ref() {
                Formula::Bars(_) => format!("ln{}", x.text()),
                Formula::Number(v) if v.fract() != 0.0 => format!("ln({})", x.text()),
                _ if x.binding() >= 5 => format!("ln {}", x.text()),
                _ => format!("ln({})", x.text()),
            },
            Formula::Bars(x) => format!("|{}|", x.text()),
            Formula::Apply(f, args) => format!("{f}({})", list(args)),
            Formula::Of(f, x) => format!("{f}[{}]", x.text()),
            Formula::Indicator(x) => format!("1[{}]", x.text()),
            Formula::Total { over, given, body } => {
                let letters: String = over.iter().map(Formula::text).collect();
                let head = if given.is_empty() && letters.chars().count() == over.len() {
                    if over.len() == 1 {
                        letters
                    } else {
                        format!("{{{letters}}}")
                    }
                } else if given.is_empty() {
                    format!("{{{}}}", list(over))
                } else {
                    format!("{{{}: {}}}", list(over), list(given))
                };
                format!("Σ_{head} {}", body.within(2))
            }
            Formula::Relation(a, op, b) => format!("{} {op} {}", a.text(), b.text()),
            Formula::List(parts) => list(parts),
            Formula::Given(a, b) => format!("{} | {}", a.text(), b.text()),
            Formula::Derivative(a, b) => format!("∂{}/∂{}", a.within(6), b.within(6)),
        }
    }

    fn within(&self, least: u8) -> String {
        if self.binding() < least {
            format!("({})", self.text())
        } else {
            self.text()
        }
    }
}

fn number(x: f64) -> String {
    if let Some((k, name)) = constant(x) {
        let k = if k.abs() == 1.0 {
            if k < 0.0 { "-".into() } else { String::new() }
        } else {
            format!("{} ", number(k))
        };
        return format!("{k}ln {name}");
    }
    match written(x) {
        Written::Whole(s) => s,
        Written::Fraction(n, d) => format!("{n}/{d}"),
        Written::Scientific(m, e) => format!("{m}e{e}"),
    }
}

fn list(parts: &[Formula]) -> String {
    let parts: Vec<String> = parts.iter().map(Formula::text).collect();
    parts.join(", ")
}

fn subscripts(name: &str, below: &[Formula]) -> String {
    if below.is_empty() {
        return String::new();
    }
    if name.contains('_') {
        return format!("[{}]", list(below));
    }
    let joined: Vec<String> = below.iter().map(Formula::text).collect();
    let letter = |s: &String| {
        let mut c = s.chars();
        c.next().is_some_and(char::is_alphanumeric) && c.all(|c| c == '\'')
    };
    let digit = |s: &String| s.chars().all(|c| c.is_ascii_digit());
    if joined.iter().all(letter) && (joined.len() == 1 || !joined.iter().any(digit)) {
        format!("_{}", joined.concat())
    } else if joined.len() == 1 && digit(&joined[0]) {
        format!("_{}", joined[0])
    } else {
        format!("_{{{}}}", joined.join(", "))
    }
}

fn sum(parts: &[Formula]) -> String {
    let mut out = String::new();
    for (i, p) in parts.iter().enumerate() {
        let (minus, body) = match p {
            Formula::Negative(x) => (true, x.within(2)),
            Formula::Number(x) if *x < 0.0 => (true, number(-x)),
            other => (false, other.within(1)),
        };
        match (i, minus) {
            (0, true) => out.push('-'),
            (0, false) => {}
            (_, true) => out.push_str(" - "),
            (_, false) => out.push_str(" + "),
        }
        out.push_str(&body);
    }
    out
}

fn product(parts: &[Formula]) -> String {
    let last = parts.len().saturating_sub(1);
    let words: Vec<String> = parts
        .iter()
        .enumerate()
        .map(|(i, p)| match p {
            Formula::Ratio(..) if i > 0 => format!("({})", p.text()),
            Formula::Number(x) if constant(*x).is_some() && last > 0 => format!("({})", number(*x)),
            _ => p.within(if i == last { 3 } else { 4 }),
        })
        .collect();
    words.join(" ")
}
