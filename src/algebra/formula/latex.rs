//! Formulas as LaTeX, for amsmath's math mode.

use super::{Formula, Written, constant, written};

const GREEK: &[&str] = &[
    "alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa",
    "lambda", "mu", "nu", "xi", "pi", "rho", "sigma", "tau", "upsilon", "phi", "chi", "psi",
    "omega", "Gamma", "Delta", "Theta", "Lambda", "Xi", "Pi", "Sigma", "Upsilon", "Phi", "Psi",
    "Omega",
];

impl Formula {
    /// LaTeX without the delimiters of math mode.
    pub fn latex(&self) -> String {
        match self {
            Formula::Number(x) => number(*x),
            Formula::Symbol(name, below) => symbol(name, below),
            Formula::Word(w) => word(w),
            Formula::Sum(parts) => sum(parts),
            Formula::Negative(x) => format!("-{}", x.in_latex(2)),
            Formula::Product(parts) => product(parts),
            Formula::Ratio(a, b) => format!("\\frac{{{}}}{{{}}}", a.latex(), b.latex()),
            Formula::Power(b, e) => format!("{{{}}}^{{{}}}", b.in_latex(6), e.latex()),
            Formula::Transposed(b) => format!("{{{}}}^{{\\top}}", b.in_latex(5)),
            Formula::Log(x) => match x.as_ref() {
                _ if x.binding() >= 5 => format!("\\ln {}", x.latex()),
                _ => format!("\\ln\\left({}\\right)", x.latex()),
            },
            Formula::Bars(x) => format!("\\left|{}\\right|", x.latex()),
            Formula::Apply(f, args) => format!("{}\\left({}\\right)", function(f), list(args)),
            Formula::Of(f, x) => format!("{}\\left[{}\\right]", function(f), x.latex()),
            Formula::Indicator(x) => format!("\\mathbf{{1}}\\left[{}\\right]", x.latex()),
            Formula::Total { over, given, body } => {
                let letters: Vec<String> = over.iter().map(Formula::latex).collect();
                let head = if given.is_empty() {
                    letters.join(",")
                } else {
                    format!("{} :\\, {}", letters.join(", "), list(given))
                };
                format!("\\sum_{{{head}}} {}", body.in_latex(2))
            }
            Formula::Relation(a, op, b) => {
                let op = match *op {
                    "~" => "\\sim",
                    "∝" => "\\propto",
                    "≤" => "\\le",
                    "≥" => "\\ge",
                    "≠" => "\\ne",
                    "∈" => "\\in",
                    "<-" => "\\leftarrow",
                    other => other,
                };
                format!("{} {op} {}", a.latex(), b.latex())
            }
            Formula::List(parts) => list(parts),
            Formula::Given(a, b) => format!("{} \\mid {}", a.latex(), b.latex()),
            Formula::Derivative(a, b) => {
                format!(
                    "\\frac{{\\partial {}}}{{\\partial {}}}",
                    a.in_latex(6),
                    b.in_latex(6)
                )
            }
        }
    }

    fn in_latex(&self, least: u8) -> String {
        if self.binding() < least {
            format!("\\left({}\\right)", self.latex())
        } else {
            self.latex()
        }
    }
}

fn number(x: f64) -> String {
    if let Some((k, name)) = constant(x) {
        let k = if k.abs() == 1.0 {
            if k < 0.0 { "-".into() } else { String::new() }
        } else {
            number(k)
        };
        return format!("{k}\\ln {}", name.replace("pi", "\\pi"));
    }
    match written(x) {
        Written::Whole(s) => s,
        Written::Fraction(n, d) if n < 0 => format!("-\\tfrac{{{}}}{{{d}}}", -n),
        Written::Fraction(n, d) => format!("\\tfrac{{{n}}}{{{d}}}"),
        Written::Scientific(m, e) => match m.as_str() {
            "1" => format!("10^{{{e}}}"),
            m => format!("{m} \\cdot 10^{{{e}}}"),
        },
    }
}

fn list(parts: &[Formula]) -> String {
    let parts: Vec<String> = parts.iter().map(Formula::latex).collect();
    parts.join(", ")
}

/// Words are set upright; what LaTeX reads as a command is escaped.
pub(crate) fn escaped(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '_' | '%' | '&' | '#' | '$' | '{' | '}' => {
                out.push('\\');
                out.push(c);
            }
            '\\' => out.push_str("\\backslash "),
            '^' => out.push_str("\\hat{\\ }"),
            '~' => out.push_str("\\sim "),
            c => out.push(c),
        }
    }
    out
}

fn word(w: &str) -> String {
    if w.contains(' ') {
        format!("\\text{{{}}}", escaped(w))
    } else {
        format!("\\mathrm{{{}}}", escaped(w))
    }
}

fn function(f: &str) -> String {
    match f {
        "E" => "\\mathbb{E}".into(),
        "" => String::new(),
        "ψ" => "\\psi".into(),
        "Γ" => "\\Gamma".into(),
        "Φ" => "\\Phi".into(),
        "φ" => "\\phi".into(),
        "σ" => "\\sigma".into(),
        "exp" | "max" | "min" => format!("\\{f}"),
        "argmax" => "\\operatorname*{arg\\,max}".into(),
        other if other.chars().count() == 1 => other.into(),
        other => match other.split_once('_') {
            Some((f, i)) if !i.is_empty() => format!("{}_{{{}}}", function(f), escaped(i)),
            _ => format!("\\operatorname{{{}}}", escaped(other).replace(' ', "\\ ")),
        },
    }
}

/// A name: greek letters by name, one letter in italics, longer names upright; trailing digits are a subscript.
fn symbol(name: &str, below: &[Formula]) -> String {
    let (primes, name) = match name.find('\'') {
        Some(i) => (&name[i..], &name[..i]),
        None => ("", name),
    };
    // `omega_y`: a letter with a word below it.
    let (name, word_below) = match name.split_once('_') {
        Some((head, tail))
            if (GREEK.contains(&head) || head.chars().count() == 1) && !tail.is_empty() =>
        {
            (head, Some(tail))
        }
        _ => (name, None),
    };
    let stem = name.trim_end_matches(|c: char| c.is_ascii_digit());
    let digits = &name[stem.len()..];
    let base = |s: &str| {
        if GREEK.contains(&s) {
            format!("\\{s}")
        } else if s.chars().count() == 1 {
            s.to_string()
        } else {
            format!("\\mathrm{{{}}}", escaped(s))
        }
    };
    let short = GREEK.contains(&stem) || stem.chars().count() == 1;
    let (head, digits) = if short && !digits.is_empty() {
        (base(stem), digits)
    } else {
        (base(name), "")
    };
    let mut subs: Vec<String> = vec![];
    if !digits.is_empty() {
        subs.push(digits.to_string());
    }
    subs.extend(word_below.map(|w| format!("\\mathrm{{{}}}", escaped(w))));
    subs.extend(below.iter().map(Formula::latex));
    let simple = word_below.is_none()
        && digits.is_empty()
        && below
            .iter()
            .all(|b| matches!(b, Formula::Symbol(n, s) if s.is_empty() && n.trim_end_matches('\'').chars().count() == 1));
    let head = format!("{head}{primes}");
    if subs.is_empty() {
        head
    } else if simple {
        format!("{head}_{{{}}}", subs.concat())
    } else {
        format!("{head}_{{{}}}", subs.join(", "))
    }
}

fn sum(parts: &[Formula]) -> String {
    let mut out = String::new();
    for (i, p) in parts.iter().enumerate() {
        let (minus, body) = match p {
            Formula::Negative(x) => (true, x.in_latex(2)),
            Formula::Number(x) if *x < 0.0 => (true, number(-x)),
            other => (false, other.in_latex(1)),
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
            Formula::Ratio(..) => p.latex(),
            Formula::Number(x) if constant(*x).is_some() && last > 0 => {
                format!("\\left({}\\right)", number(*x))
            }
            _ => p.in_latex(if i == last { 3 } else { 4 }),
        })
        .collect();
    words.join(" \\, ")
}
