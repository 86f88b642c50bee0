//! A model and its data as a tree that can be printed as `.pmod` and CSV, and made smaller.

/// A model with the data it is run on.
#[derive(Debug, Clone, PartialEq)]
pub struct Spec {
    pub plates: Vec<Plate>,
    pub tables: Vec<Table>,
    pub statements: Vec<Statement>,
    /// `infer` rules, as text, with the names they mention.
    pub rules: Vec<(&'static str, Vec<String>)>,
    /// `--param`, `--latent` or `--flat`, and of what.
    pub switch: Option<(Switch, String)>,
    /// One file for all tables: the lines of the last one, with the columns of the row that each refers to.
    pub flat: bool,
}

/// An option that changes a role.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Switch {
    Param,
    Latent,
    Flat,
}

impl Switch {
    pub fn option(self) -> &'static str {
        match self {
            Switch::Param => "--param",
            Switch::Latent => "--latent",
            Switch::Flat => "--flat",
        }
    }
}

/// A `plate` statement.
#[derive(Debug, Clone, PartialEq)]
pub enum Plate {
    Counted { name: String, size: usize },
    Listed { name: String, labels: Vec<String> },
}

impl Plate {
    pub fn name(&self) -> &str {
        match self {
            Plate::Counted { name, .. } | Plate::Listed { name, .. } => name,
        }
    }

    pub fn size(&self) -> usize {
        match self {
            Plate::Counted { size, .. } => *size,
            Plate::Listed { labels, .. } => labels.len(),
        }
    }
}

/// A `data` block and its rows.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    pub name: String,
    pub ordered: Option<Ordered>,
    pub every: Option<Every>,
    pub columns: Vec<Column>,
    pub rows: usize,
    /// Columns of the file that the block does not declare: `t` and `session` of an ordered table.
    pub undeclared: Vec<Column>,
}

/// `ordered by t within session`.
#[derive(Debug, Clone, PartialEq)]
pub struct Ordered {
    pub by: Option<String>,
    pub within: Option<String>,
}

/// `every a < b` and its relatives.
#[derive(Debug, Clone, PartialEq)]
pub enum Every {
    Less(String, String),
    Differ(String, String),
    All(Vec<String>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Type {
    Real,
    Positive,
    Probability,
    Count,
    Binary,
    Label,
    Weight,
}

impl Type {
    pub fn name(self) -> &'static str {
        match self {
            Type::Real => "real",
            Type::Positive => "positive",
            Type::Probability => "probability",
            Type::Count => "count",
            Type::Binary => "binary",
            Type::Label => "label",
            Type::Weight => "weight",
        }
    }
}

/// How a group is found in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// `"x_*"`: the elements are what the star stands for.
    Star,
    /// `(a, b)`: the columns are the elements.
    List,
    /// What the block does not name.
    Rest,
}

/// A column, or a group of columns over a plate.
#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    pub name: String,
    pub kind: Type,
    /// The plate of a label column.
    pub of: Option<String>,
    /// The plate and elements of a group.
    pub group: Option<(String, Vec<String>)>,
    /// How the file names the columns of the group.
    pub source: Source,
    pub listed: bool,
    pub otherwise: Option<f64>,
    /// One cell a row; in a group one a row and element, row by row. Empty text is a blank.
    pub cells: Vec<String>,
    /// A `~` statement is about it, so that cells may be blank.
    pub observed: bool,
}

impl Column {
    pub fn width(&self) -> usize {
        self.group.as_ref().map_or(1, |(_, e)| e.len())
    }

    /// The plate of its labels.
    pub fn label_plate(&self) -> Option<&str> {
        (self.kind == Type::Label).then(|| self.of.as_deref().unwrap_or(&self.name))
    }
}

/// `i in P`, or `P`.
#[derive(Debug, Clone, PartialEq)]
pub struct Binder {
    pub plate: String,
    pub name: Option<String>,
}

impl Binder {
    pub fn element(&self) -> &str {
        self.name.as_deref().unwrap_or(&self.plate)
    }
}

/// A reference with one entry for each slot that may be written.
#[derive(Debug, Clone, PartialEq)]
pub struct Reference {
    pub name: String,
    pub slots: Vec<Slot>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Slot {
    /// Left out.
    Implied,
    /// Written, k steps back.
    At(Reference, usize),
}

#[derive(Debug, Clone, PartialEq)]
pub enum Expr {
    Number(f64),
    Ref(Reference),
    Binary(char, Box<Expr>, Box<Expr>),
    Negate(Box<Expr>),
    Call(&'static str, Box<Expr>),
    Fold(&'static str, Box<Expr>, Vec<Binder>),
    Size(String),
    Identity,
    Table(Vec<Expr>),
}

#[derive(Debug, Clone, PartialEq)]
pub struct Dist {
    pub name: &'static str,
    pub arguments: Vec<(Option<&'static str>, Expr)>,
    pub over: Option<Binder>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Choice {
    Dist(Dist),
    Case(Reference, Vec<(String, Dist)>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Param,
    Latent,
    Observe,
    Const,
    Let,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Body {
    Domain(&'static str, Option<String>),
    Model(Choice, Option<Dist>),
    Value(Expr, Option<Binder>),
}

#[derive(Debug, Clone, PartialEq)]
pub struct Statement {
    pub kind: Kind,
    pub name: String,
    pub brackets: Vec<Binder>,
    pub body: Body,
    /// `as dirac`, `as factorised`.
    pub suffix: Option<&'static str>,
    /// `symmetric`, `unit norm over A`.
    pub constraint: Option<String>,
}

impl Spec {
    /// A table by its name.
    pub fn table(&self, name: &str) -> Option<&Table> {
        self.tables.iter().find(|t| t.name == name)
    }
}

impl Statement {
    /// Calls `f` on every expression of the statement, outermost first; where `f` answers false, not on its parts.
    pub fn visit(&mut self, f: &mut dyn FnMut(&mut Expr) -> bool) {
        match &mut self.body {
            Body::Domain(..) => {}
            Body::Value(e, _) => e.visit(f),
            Body::Model(choice, first) => {
                match choice {
                    Choice::Dist(d) => d.visit(f),
                    Choice::Case(r, branches) => {
                        r.visit(f);
                        for (_, d) in branches {
                            d.visit(f);
                        }
                    }
                }
                if let Some(d) = first {
                    d.visit(f);
                }
            }
        }
    }

    /// The names that its expressions mention.
    pub fn names(&self) -> Vec<String> {
        let mut out = vec![];
        let mut copy = self.clone();
        if let Body::Model(Choice::Case(r, _), _) = &copy.body {
            out.push(r.name.clone());
        }
        copy.visit(&mut |e| {
            if let Expr::Ref(r) = e {
                out.push(r.name.clone());
            }
            true
        });
        out
    }
}

impl Dist {
    fn visit(&mut self, f: &mut dyn FnMut(&mut Expr) -> bool) {
        for (_, e) in &mut self.arguments {
            e.visit(f);
        }
    }
}

impl Reference {
    pub fn bare(name: &str) -> Reference {
        Reference {
            name: name.to_string(),
            slots: vec![],
        }
    }

    /// Indices are references too: they are shown to `f` as expressions, and kept where it makes something else of them.
    fn visit(&mut self, f: &mut dyn FnMut(&mut Expr) -> bool) {
        for s in &mut self.slots {
            if let Slot::At(r, _) = s {
                let mut e = Expr::Ref(r.clone());
                e.visit(f);
                if let Expr::Ref(new) = e {
                    *r = new;
                }
            }
        }
    }
}

impl Expr {
    pub fn visit(&mut self, f: &mut dyn FnMut(&mut Expr) -> bool) {
        if !f(self) {
            return;
        }
        match self {
            Expr::Number(_) | Expr::Size(_) | Expr::Identity => {}
            Expr::Ref(r) => r.visit(f),
            Expr::Binary(_, a, b) => {
                a.visit(f);
                b.visit(f);
            }
            Expr::Negate(a) | Expr::Call(_, a) | Expr::Fold(_, a, _) => a.visit(f),
            Expr::Table(list) => list.iter_mut().for_each(|e| e.visit(f)),
        }
    }

    pub fn binary(op: char, a: Expr, b: Expr) -> Expr {
        Expr::Binary(op, Box::new(a), Box::new(b))
    }
}
