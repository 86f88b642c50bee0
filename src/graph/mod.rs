//! The factor graph at plate level: which quantities meet in which statement, and in what role.
//!
//! in: a checked model -> out: a [`FactorGraph`]; parents, children, co-parents and Markov blankets; DOT and Mermaid text.
//!
//! ```text
//! p(x) = prod_f p(child_f | parents_f)      mb(v) = pa(v) ∪ ch(v) ∪ co-parents(v)
//! ```
//!
//! Given its Markov blanket a variable is independent of all others (Bishop, section 8.2). A `let` that holds unknowns is
//! seen through: its variables are the parents. Plates stay symbolic.

pub mod coupling;
mod dot;
pub mod ground;
pub mod kinship;
pub mod layout;
pub mod lift;
pub mod plates;
mod print;
pub mod separation;
mod svg;
pub mod trail;
pub mod unroll;
pub mod why;

#[cfg(test)]
mod tests;

pub use dot::{to_dot, to_mermaid};
pub use print::print_graph;
pub use svg::to_svg;

use crate::model::{
    Argument, ArgumentName, Body, Case, ColumnId, Conditional, DefinitionId, Distribution, Expr,
    FactorId, FactorKind, Index, Matrix, Model, PlateId, Role, VariableId,
};

/// A quantity of the model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Node {
    /// `param` or `latent`.
    Variable(VariableId),
    /// A column.
    Column(ColumnId),
    /// An observed `let`.
    Definition(DefinitionId),
}

/// The role of a quantity in a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ArgumentRole {
    /// It is the value of the distribution.
    Value,
    /// It stands in this argument.
    In(ArgumentName),
    /// It selects an element.
    Index,
    /// It selects a branch of `case`.
    Selector,
    /// It stands in a potential.
    Potential,
}

impl ArgumentRole {
    /// As printed.
    pub fn word(self) -> &'static str {
        match self {
            ArgumentRole::Value => "value",
            ArgumentRole::In(n) => n.word(),
            ArgumentRole::Index => "index",
            ArgumentRole::Selector => "selector",
            ArgumentRole::Potential => "potential",
        }
    }
}

/// A quantity in a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Edge {
    /// Which quantity.
    pub node: Node,
    /// What it does there.
    pub role: ArgumentRole,
}

/// A statement as a factor.
#[derive(Debug, Clone, PartialEq)]
pub struct FactorNode {
    /// Which statement.
    pub factor: FactorId,
    /// What it is about.
    pub child: Option<Node>,
    /// The name of its distribution.
    pub distribution: String,
    /// The plates it is replicated along.
    pub plates: Vec<PlateId>,
    /// Its quantities, the child first.
    pub edges: Vec<Edge>,
}

/// The graph.
#[derive(Debug, Clone, PartialEq)]
pub struct FactorGraph {
    /// Quantities that stand in some statement, variables first.
    pub nodes: Vec<Node>,
    /// The statements.
    pub factors: Vec<FactorNode>,
}

/// Builds the graph of a model.
pub fn build(model: &Model) -> FactorGraph {
    let mut factors = vec![];
    for (i, f) in model.factors.iter().enumerate() {
        let mut walk = Walk {
            model,
            edges: vec![],
        };
        let (child, distribution) = match &f.kind {
            FactorKind::Prior(v, c) => (
                Some(Node::Variable(*v)),
                walk.conditional(Some(Node::Variable(*v)), c),
            ),
            FactorKind::ObservedColumn(x, c) => (
                Some(Node::Column(*x)),
                walk.conditional(Some(Node::Column(*x)), c),
            ),
            FactorKind::ObservedDefinition(x, c) => (
                Some(Node::Definition(*x)),
                walk.conditional(Some(Node::Definition(*x)), c),
            ),
            FactorKind::ObservedOnly(x) => {
                walk.add(Node::Column(*x), ArgumentRole::Value);
                (Some(Node::Column(*x)), "observed".to_string())
            }
            FactorKind::Potential(e) => {
                walk.expr(e, ArgumentRole::Potential);
                (None, "potential".to_string())
            }
        };
        factors.push(FactorNode {
            factor: FactorId::from(i),
            child,
            distribution,
            plates: f.axes.iter().map(|a| a.plate).collect(),
            edges: walk.edges,
        });
    }
    let mut nodes: Vec<Node> = (0..model.variables.len())
        .map(|i| Node::Variable(VariableId::from(i)))
        .collect();
    for e in factors.iter().flat_map(|f| &f.edges) {
        if !nodes.contains(&e.node) {
            nodes.push(e.node);
        }
    }
    nodes.sort();
    FactorGraph { nodes, factors }
}

struct Walk<'a> {
    model: &'a Model,
    edges: Vec<Edge>,
}

impl Walk<'_> {
    fn add(&mut self, node: Node, role: ArgumentRole) {
        let e = Edge { node, role };
        if !self.edges.contains(&e) {
            self.edges.push(e);
        }
    }

    fn conditional(&mut self, child: Option<Node>, c: &Conditional) -> String {
        if let Some(n) = child {
            self.add(n, ArgumentRole::Value);
        }
        let name = self.case(&c.usual);
        if let Some(first) = &c.first {
            self.case(first);
        }
        name
    }

    fn case(&mut self, c: &Case) -> String {
        match c {
            Case::Always(d) => self.distribution(d),
            Case::By {
                selector, branches, ..
            } => {
                self.index(selector, ArgumentRole::Selector);
                let names: Vec<String> = branches.iter().map(|(_, b)| self.case(b)).collect();
                names.join(" or ")
            }
        }
    }

    fn distribution(&mut self, d: &Distribution) -> String {
        for (name, argument, _) in &d.arguments {
            let role = ArgumentRole::In(*name);
            match argument {
                Argument::Scalar(e) => self.expr(e, role),
                Argument::Matrix(m) => self.matrix(m, role),
            }
        }
        format!("{:?}", d.kind)
    }

    fn indices(&mut self, list: &[Index]) {
        for i in list {
            self.index(i, ArgumentRole::Index);
        }
    }

    fn index(&mut self, i: &Index, role: ArgumentRole) {
        match i {
            Index::Axis(_) | Index::Lag(..) | Index::Element(_) => {}
            Index::Column(c, inner) => {
                self.add(Node::Column(*c), role);
                self.indices(inner);
            }
            Index::Variable(v, inner) => {
                self.add(Node::Variable(*v), role);
                self.indices(inner);
            }
        }
    }

    fn expr(&mut self, e: &Expr, role: ArgumentRole) {
        match e {
            Expr::Number(_) | Expr::Size(_) => {}
            Expr::Variable(v, i) => {
                self.add(Node::Variable(*v), role);
                self.indices(i);
            }
            Expr::Column(c, i) => {
                self.add(Node::Column(*c), role);
                self.indices(i);
            }
            Expr::Definition(d, i) => {
                let model = self.model;
                match &model.definition(*d).body {
                    Body::Expr(e) => self.expr(e, role),
                    Body::Table { entries, .. } => entries.iter().for_each(|e| self.expr(e, role)),
                }
                self.indices(i);
            }
            Expr::Negate(a) | Expr::Call(_, a) => self.expr(a, role),
            Expr::Add(a, b)
            | Expr::Subtract(a, b)
            | Expr::Multiply(a, b)
            | Expr::Divide(a, b)
            | Expr::Power(a, b) => {
                self.expr(a, role);
                self.expr(b, role);
            }
            Expr::Fold { body, .. } => self.expr(body, role),
        }
    }

    fn matrix(&mut self, m: &Matrix, role: ArgumentRole) {
        match m {
            Matrix::Identity => {}
            Matrix::Diagonal(e) => self.expr(e, role),
            Matrix::Definition(_, i) => self.indices(i),
            Matrix::Variable(v, i) => {
                self.add(Node::Variable(*v), role);
                self.indices(i);
            }
            Matrix::Scaled(e, m) => {
                self.expr(e, role);
                self.matrix(m, role);
            }
            Matrix::Sum(a, b) => {
                self.matrix(a, role);
                self.matrix(b, role);
            }
            Matrix::Inverse(m) => self.matrix(m, role),
        }
    }
}

fn push(out: &mut Vec<Node>, n: Node, not: Node) {
    if n != not && !out.contains(&n) {
        out.push(n);
    }
}

impl FactorGraph {
    /// What a quantity's own statement depends on.
    pub fn parents(&self, v: Node) -> Vec<Node> {
        let mut out = vec![];
        for f in self.factors.iter().filter(|f| f.child == Some(v)) {
            f.edges.iter().for_each(|e| push(&mut out, e.node, v));
        }
        out.sort();
        out
    }

    /// The quantities whose statements depend on it.
    pub fn children(&self, v: Node) -> Vec<Node> {
        let mut out = vec![];
        for f in &self.factors {
            if let Some(c) = f.child
                && f.edges.iter().any(|e| e.node == v)
            {
                push(&mut out, c, v);
            }
        }
        out.sort();
        out
    }

    /// The other parents of its children.
    pub fn co_parents(&self, v: Node) -> Vec<Node> {
        let mut out = vec![];
        for f in &self.factors {
            if f.child != Some(v) && f.edges.iter().any(|e| e.node == v) {
                for e in &f.edges {
                    if Some(e.node) != f.child {
                        push(&mut out, e.node, v);
                    }
                }
            }
        }
        out.sort();
        out
    }

    /// Parents, children and co-parents.
    pub fn markov_blanket(&self, v: Node) -> Vec<Node> {
        let mut out = vec![];
        for n in self
            .parents(v)
            .into_iter()
            .chain(self.children(v))
            .chain(self.co_parents(v))
        {
            push(&mut out, n, v);
        }
        out.sort();
        out
    }

    /// The statements a quantity stands in.
    pub fn factors_of(&self, v: Node) -> impl Iterator<Item = &FactorNode> {
        self.factors
            .iter()
            .filter(move |f| f.edges.iter().any(|e| e.node == v))
    }
}

/// The name of a quantity.
pub fn name(model: &Model, n: Node) -> &str {
    match n {
        Node::Variable(v) => &model.variable(v).name,
        Node::Column(c) => &model.column(c).name,
        Node::Definition(d) => &model.definition(d).name,
    }
}

/// The plates a quantity is replicated along; its value axes are left out.
pub fn plates(model: &Model, n: Node) -> Vec<PlateId> {
    match n {
        Node::Variable(v) => {
            let v = model.variable(v);
            v.slots[..v.slots.len() - v.domain.value_slots()].to_vec()
        }
        Node::Column(c) => model.column(c).slots.clone(),
        Node::Definition(d) => model.definition(d).axes.iter().map(|a| a.plate).collect(),
    }
}

/// What a quantity is to inference.
pub fn role(model: &Model, g: &FactorGraph, n: Node) -> &'static str {
    match n {
        Node::Variable(v) => match model.variable(v).role {
            Role::Param => "param",
            Role::Latent => "latent",
            Role::Dirac => "latent as dirac",
        },
        Node::Column(_) | Node::Definition(_) => {
            if g.factors.iter().any(|f| f.child == Some(n)) {
                "observed"
            } else {
                "given"
            }
        }
    }
}
