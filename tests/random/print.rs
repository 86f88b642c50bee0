//! The tree as text: a `.pmod` file and one CSV file for each table.

use crate::tree::{
    Binder, Body, Choice, Column, Dist, Every, Expr, Kind, Plate, Reference, Slot, Source, Spec,
    Statement, Table, Type,
};

fn is_word(s: &str) -> bool {
    s.chars().next().is_some_and(char::is_alphabetic)
        && s.chars().all(|c| c.is_alphanumeric() || c == '_')
}

fn label(s: &str) -> String {
    let whole = !s.is_empty() && s.chars().all(|c| c.is_ascii_digit());
    if is_word(s) || whole {
        s.to_string()
    } else {
        format!("{s:?}")
    }
}

fn number(x: f64) -> String {
    // Display writes 5 for 5.0 and never an exponent, both of which the language reads.
    if x < 0.0 {
        format!("-{}", -x)
    } else {
        format!("{x}")
    }
}

fn binder(b: &Binder) -> String {
    match &b.name {
        Some(n) => format!("{n} in {}", b.plate),
        None => b.plate.clone(),
    }
}

fn binders(list: &[Binder]) -> String {
    list.iter().map(binder).collect::<Vec<_>>().join(", ")
}

fn reference(r: &Reference) -> String {
    let written: Vec<String> = r
        .slots
        .iter()
        .filter_map(|s| match s {
            Slot::Implied => None,
            Slot::At(r, 0) => Some(reference(r)),
            Slot::At(r, k) => Some(format!("{}-{k}", reference(r))),
        })
        .collect();
    if written.is_empty() {
        r.name.clone()
    } else {
        format!("{}[{}]", r.name, written.join(", "))
    }
}

/// How tightly it binds: sums 1, products 2, minus 3, powers 4, the rest 5.
fn level(e: &Expr) -> usize {
    match e {
        Expr::Binary('+' | '-', ..) => 1,
        Expr::Binary('*' | '/', ..) => 2,
        Expr::Negate(_) => 3,
        Expr::Number(x) if *x < 0.0 => 3,
        Expr::Binary(..) => 4,
        _ => 5,
    }
}

fn at_least(e: &Expr, least: usize) -> String {
    if level(e) < least {
        format!("({})", expr(e))
    } else {
        expr(e)
    }
}

pub fn expr(e: &Expr) -> String {
    match e {
        Expr::Number(x) => number(*x),
        Expr::Ref(r) => reference(r),
        Expr::Binary('^', a, b) => format!("{}^{}", at_least(a, 5), at_least(b, 3)),
        Expr::Binary(op, a, b) => {
            let own = level(e);
            format!("{} {op} {}", at_least(a, own), at_least(b, own + 1))
        }
        Expr::Negate(a) => format!("-{}", at_least(a, 3)),
        Expr::Call(f, a) => format!("{f}({})", expr(a)),
        Expr::Fold(f, a, over) => format!("{f}({} over {})", expr(a), binders(over)),
        Expr::Size(p) => format!("size({p})"),
        Expr::Identity => "identity".into(),
        Expr::Table(list) => format!("[{}]", list.iter().map(expr).collect::<Vec<_>>().join(", ")),
    }
}

fn dist(d: &Dist) -> String {
    let arguments: Vec<String> = d
        .arguments
        .iter()
        .map(|(name, e)| match name {
            Some(n) => format!("{n} = {}", expr(e)),
            None => expr(e),
        })
        .collect();
    let over = match &d.over {
        Some(b) => format!(" over {}", binder(b)),
        None => String::new(),
    };
    format!("{}({}){over}", d.name, arguments.join(", "))
}

fn choice(c: &Choice) -> String {
    match c {
        Choice::Dist(d) => dist(d),
        Choice::Case(r, branches) => {
            let list: Vec<String> = branches
                .iter()
                .map(|(l, d)| format!("{}: {}", label(l), dist(d)))
                .collect();
            format!("case {} {{ {} }}", reference(r), list.join("   "))
        }
    }
}

pub fn statement(s: &Statement) -> String {
    let word = match s.kind {
        Kind::Param => "param",
        Kind::Latent => "latent",
        Kind::Observe => "observe",
        Kind::Const => "const",
        Kind::Let => "let",
    };
    let brackets = if s.brackets.is_empty() {
        String::new()
    } else {
        format!("[{}]", binders(&s.brackets))
    };
    let body = match &s.body {
        Body::Domain(d, None) => format!(" : {d}"),
        Body::Domain(d, Some(a)) => format!(" : {d} over {a}"),
        Body::Model(c, None) => format!(" ~ {}", choice(c)),
        Body::Model(c, Some(f)) => format!(" ~ {} first {}", choice(c), dist(f)),
        Body::Value(e, None) => format!(" = {}", expr(e)),
        Body::Value(e, Some(a)) => format!(" over {} = {}", binder(a), expr(e)),
    };
    let suffix = s.suffix.map_or(String::new(), |x| format!(" as {x}"));
    let constraint = match &s.constraint {
        Some(c) => format!(", {c}"),
        None => String::new(),
    };
    format!("{word} {}{brackets}{body}{constraint}{suffix}", s.name)
}

fn column(c: &Column) -> String {
    let mut out = c.name.clone();
    if let Some((plate, _)) = &c.group {
        out += &format!("[{plate}]");
    }
    out += &format!(" : {}", c.kind.name());
    if let Some(p) = &c.of {
        out += &format!(" of {p}");
    }
    if let Some((_, elements)) = &c.group {
        out += &match c.source {
            Source::Star => format!(" = \"{}_*\"", c.name),
            Source::List => format!(" = ({})", elements.join(", ")),
            Source::Rest => " = rest".to_string(),
        };
    } else if c.listed {
        out += " = listed";
    }
    if let Some(v) = c.otherwise {
        out += &format!(" else {}", number(v));
    }
    out
}

/// What stands above the cells of an element of a group.
fn heading(c: &Column, element: &str) -> String {
    match c.source {
        Source::Star => format!("{}_{element}", c.name),
        Source::List | Source::Rest => element.to_string(),
    }
}

fn table(t: &Table) -> String {
    let mut out = format!("data {}", t.name);
    if let Some(o) = &t.ordered {
        out += " ordered";
        if let Some(by) = &o.by {
            out += &format!(" by {by}");
        }
        if let Some(within) = &o.within {
            out += &format!(" within {within}");
        }
    }
    match &t.every {
        Some(Every::Less(a, b)) => out += &format!(" every {a} < {b}"),
        Some(Every::Differ(a, b)) => out += &format!(" every {a} != {b}"),
        Some(Every::All(list)) => out += &format!(" every {}", list.join(", ")),
        None => {}
    }
    let columns: Vec<String> = t.columns.iter().map(column).collect();
    out + &format!(" {{ {} }}", columns.join("   "))
}

/// The model file.
pub fn model(s: &Spec) -> String {
    let mut lines: Vec<String> = s.tables.iter().map(table).collect();
    for p in &s.plates {
        lines.push(match p {
            Plate::Counted { name, size } => format!("plate {name}({size})"),
            Plate::Listed { name, labels } => {
                let list: Vec<String> = labels.iter().map(|l| label(l)).collect();
                format!("plate {name} {{ {} }}", list.join(", "))
            }
        });
    }
    lines.extend(s.statements.iter().map(statement));
    if !s.rules.is_empty() {
        let rules: Vec<String> = s
            .rules
            .iter()
            .map(|(word, names)| format!("{word} {}", names.join(", ")))
            .collect();
        lines.push(format!("infer {{ {} }}", rules.join("   ")));
    }
    lines.join("\n") + "\n"
}

/// A cell as it stands in a file: a label that would be read as a blank is quoted.
fn field(c: &Column, cell: &str) -> String {
    if c.kind == Type::Label && ["NA", "NaN", "?"].contains(&cell) {
        format!("\"{cell}\"")
    } else {
        cell.to_string()
    }
}

/// The file of a table.
pub fn csv(t: &Table) -> String {
    let columns: Vec<&Column> = t
        .undeclared
        .iter()
        .chain(&t.columns)
        .filter(|c| !c.listed)
        .collect();
    let mut head = vec![];
    for c in &columns {
        match &c.group {
            Some((_, elements)) => head.extend(elements.iter().map(|e| heading(c, e))),
            None => head.push(c.name.clone()),
        }
    }
    let mut out = head.join(",") + "\n";
    for r in 0..t.rows {
        let mut cells = vec![];
        for c in &columns {
            for i in 0..c.width() {
                let cell = c.cells.get(r * c.width() + i).map_or("", String::as_str);
                // A line of one blank cell would be an empty line.
                cells.push(if cell.is_empty() && columns.len() == 1 && c.width() == 1 {
                    "NA".to_string()
                } else {
                    field(c, cell)
                });
            }
        }
        out += &(cells.join(",") + "\n");
    }
    out
}

/// One file for a table and the tables that name the elements it refers to; `None` where the spec wants several files.
pub fn flat(s: &Spec) -> Option<String> {
    let main = s.table("row").filter(|_| s.flat)?;
    let mut lines: Vec<String> = csv(main).lines().map(str::to_string).collect();
    for t in s.tables.iter().filter(|t| t.name != main.name) {
        let key = main.columns.iter().find(|c| c.name == t.name)?;
        let names = t.columns.iter().find(|c| c.name == t.name)?;
        for c in t.columns.iter().filter(|c| c.name != t.name) {
            lines[0] += &format!(",{}", c.name);
            for (r, line) in lines[1..].iter_mut().enumerate() {
                let at = names
                    .cells
                    .iter()
                    .position(|l| Some(l) == key.cells.get(r))?;
                *line += &format!(",{}", field(c, c.cells.get(at)?));
            }
        }
    }
    Some(lines.join("\n") + "\n")
}

/// All that is needed to see a failure again, in one text.
pub fn whole(s: &Spec) -> String {
    let mut out = model(s);
    if let Some((switch, name)) = &s.switch {
        out += &format!("// run with {} {name}\n", switch.option());
    }
    if let Some(text) = flat(s) {
        return out + &format!("\n# data.csv\n{text}");
    }
    for t in &s.tables {
        out += &format!("\n# {}.csv\n{}", t.name, csv(t));
    }
    out
}
