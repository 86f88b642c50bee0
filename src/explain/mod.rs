//! The derivation for people: model, log joint, graph, method, and every update in textbook notation.
//!
//! in: the source, a derivation, its plan -> out: an [`Explanation`]; text, Markdown, LaTeX and JSON are written from it.
//!
//! ```text
//! items     the terms of log p, squares put together again           (items)
//! messages  d E_q[log p] / d E[t] at the block's letters             (message)
//! updates   messages to the parameters of the family                 (update, gaussian)
//! ```
//!
//! Everything is read off terms, blocks and messages: nothing here knows a model.

mod auxiliary;
mod block;
mod chain;
mod constrained;
mod coupled;
mod factor;
mod gaussian;
mod items;
mod json;
mod latex;
mod markdown;
mod message;
mod normal_equations;
mod optimised;
mod page;
mod paths;
mod penalised;
mod predicted;
mod prose;
mod read;
mod simplify;
mod statement;
#[cfg(test)]
mod tests;
mod text;
mod update;

pub use auxiliary::AuxiliaryExplanation;
pub use block::BlockExplanation;
pub use json::json;
pub use latex::latex;
pub use markdown::markdown;
pub use text::text;
pub use update::Equation;

use crate::algebra::formula::Formula;
use crate::algebra::letters::{LetterMeaning, Letters, Names};
use crate::derive::Derivation;
use crate::graph;
use crate::model::{Axis, FactorId, PlateId};
use crate::plan::Plan;
use crate::source::{SourceFile, Span};

use page::Page;
use paths::Paths;

/// A line of the source.
#[derive(Debug, Clone, PartialEq)]
pub struct SourceLine {
    /// Its number.
    pub line: usize,
    /// Its text.
    pub text: String,
}

/// A statement in mathematical notation.
#[derive(Debug, Clone, PartialEq)]
pub struct StatementLine {
    /// Where it stands.
    pub source: SourceLine,
    /// The statement.
    pub formula: Formula,
    /// Its plates as ranges.
    pub ranges: Vec<Formula>,
}

/// The terms of one statement.
#[derive(Debug, Clone, PartialEq)]
pub struct JointPart {
    /// The line numbers of its statements.
    pub lines: Vec<usize>,
    /// What they are about.
    pub name: String,
    /// Their terms.
    pub terms: Vec<Formula>,
}

/// A quantity of the graph.
#[derive(Debug, Clone, PartialEq)]
pub struct GraphNode {
    /// With its plates: `mu[cluster]`.
    pub name: String,
    /// param, latent, observed, given.
    pub role: String,
    /// Markov blanket, by name.
    pub blanket: Vec<String>,
    /// Parents, by name.
    pub parents: Vec<String>,
    /// Children, by name.
    pub children: Vec<String>,
    /// Co-parents, by name.
    pub co_parents: Vec<String>,
}

/// An explanation.
#[derive(Debug, Clone, PartialEq)]
pub struct Explanation {
    /// The model's name.
    pub title: String,
    /// The name of its file.
    pub file: String,
    /// What the index letters stand for.
    pub letters: Vec<LetterMeaning>,
    /// The statements.
    pub statements: Vec<StatementLine>,
    /// What the compiler added to statements, and why.
    pub auxiliaries: Vec<AuxiliaryExplanation>,
    /// The log joint by statement.
    pub joint: Vec<JointPart>,
    /// What the predictors in it are: sums that stand under a function.
    pub predictors: Vec<Formula>,
    /// The graph's quantities.
    pub graph: Vec<GraphNode>,
    /// The graph for Mermaid.
    pub mermaid: String,
    /// The name of the method.
    pub method: String,
    /// What it climbs.
    pub objective: String,
    /// What the method is and why, one sentence each.
    pub why: Vec<String>,
    /// The blocks in the order of a sweep.
    pub blocks: Vec<BlockExplanation>,
    /// How a sweep runs.
    pub sweep: Vec<String>,
}

/// Explains a derivation.
pub fn explain(source: &SourceFile, derivation: &Derivation, plan: &Plan) -> Explanation {
    let d = derivation;
    let letters = Letters::of(&d.model);
    let page = Page::new(d, &letters);
    // The graph is that of the model as written: auxiliaries sum out of it.
    let g = graph::build(&d.written);
    let augmented = graph::build(&d.model);
    let line = |s: Span| {
        let (line, text) = source.line_of(s);
        SourceLine {
            line,
            text: without_comment(text),
        }
    };
    let number = |s: Span| line(s).line;
    let paths = Paths::new(d, graph::trail::Study::new(&d.written, &g, &number));
    let names = |list: Vec<graph::Node>| -> Vec<String> {
        list.into_iter()
            .map(|n| graph::name(&d.model, n).to_string())
            .collect()
    };
    let nodes = g
        .nodes
        .iter()
        .map(|n| GraphNode {
            name: with_plates(d, graph::name(&d.model, *n), &graph::plates(&d.model, *n)),
            role: graph::role(&d.model, &g, *n).to_string(),
            blanket: names(g.markov_blanket(*n)),
            parents: names(g.parents(*n)),
            children: names(g.children(*n)),
            co_parents: names(g.co_parents(*n)),
        })
        .collect();
    let blocks: Vec<BlockExplanation> = d
        .order
        .iter()
        .map(|id| block::explain(&page, &augmented, *id, &line, &paths))
        .collect();
    Explanation {
        title: d.model.name.clone(),
        file: source.name.clone(),
        letters: letters.legend(&d.model, &plates_in_use(d)),
        statements: statements(&page, &g, &letters, &line),
        auxiliaries: auxiliary::auxiliaries(&page, &line),
        joint: joint(d, &letters, &line),
        predictors: predicted::definitions(
            d,
            &crate::algebra::print::Writer::plain(&d.model, &d.unknowns, &letters),
        ),
        graph: nodes,
        mermaid: graph::to_mermaid(&d.written, &g),
        method: d.method.name().to_string(),
        objective: d.objective.words().to_string(),
        why: prose::why(d, &line, &paths),
        blocks,
        sweep: prose::sweep(d, plan),
    }
}

/// A name with its plates in brackets.
fn with_plates(d: &Derivation, name: &str, plates: &[PlateId]) -> String {
    if plates.is_empty() {
        return name.to_string();
    }
    let list: Vec<&str> = plates
        .iter()
        .map(|p| d.model.plate(*p).name.as_str())
        .collect();
    format!("{name}[{}]", list.join(", "))
}

fn without_comment(line: &str) -> String {
    let mut in_string = false;
    let bytes = line.as_bytes();
    for (i, b) in bytes.iter().enumerate() {
        match b {
            b'"' => in_string = !in_string,
            b'/' if !in_string && bytes.get(i + 1) == Some(&b'/') => {
                return line.get(..i).unwrap_or(line).trim_end().to_string();
            }
            _ => {}
        }
    }
    line.to_string()
}

/// Plates that some unknown, statement or term runs over, in order.
fn plates_in_use(d: &Derivation) -> Vec<PlateId> {
    let mut out: Vec<PlateId> = vec![];
    for t in &d.terms.items {
        out.extend(t.axes.iter().map(|a| a.plate));
    }
    for u in &d.unknowns.items {
        out.extend(&u.slots);
    }
    for f in &d.model.factors {
        out.extend(f.axes.iter().map(|a| a.plate));
    }
    out.sort();
    out.dedup();
    out
}

/// Declarations without a density and statements, in the order of the file.
fn statements(
    page: &Page<'_>,
    g: &graph::FactorGraph,
    letters: &Letters,
    line: &dyn Fn(Span) -> SourceLine,
) -> Vec<StatementLine> {
    let d = page.d;
    let w = &page.writer;
    let ranges = |axes: &[Axis]| -> Vec<Formula> {
        let names = Names::default().bind(letters, axes.iter().copied());
        axes.iter()
            .filter_map(|a| {
                Some(Formula::equation(
                    Formula::name(names.get(*a)?),
                    Formula::Apply(
                        "..".into(),
                        vec![Formula::Number(1.0), letters.size(a.plate)],
                    ),
                ))
            })
            .collect()
    };
    let mut out: Vec<(usize, StatementLine)> = vec![];
    for v in &d.written.variables {
        if v.prior.is_some() {
            continue;
        }
        let axes: Vec<Axis> = v.slots[..v.brackets.min(v.slots.len())]
            .iter()
            .enumerate()
            .map(|(i, p)| Axis {
                plate: *p,
                id: (1 << 27) + i as u32,
            })
            .collect();
        out.push((
            v.span.start,
            StatementLine {
                source: line(v.span),
                formula: statement::declaration(w, v),
                ranges: ranges(&axes),
            },
        ));
    }
    for (f, node) in d.written.factors.iter().zip(&g.factors) {
        out.push((
            f.span.start,
            StatementLine {
                source: line(f.span),
                formula: statement::statement(w, f, node),
                ranges: ranges(&f.axes),
            },
        ));
    }
    out.sort_by_key(|(at, _)| *at);
    out.into_iter().map(|(_, s)| s).collect()
}

/// What a statement is about, as it was written.
fn stated(d: &Derivation, f: FactorId) -> String {
    let model = match f.index() < d.written.factors.len() {
        true => &d.written,
        false => &d.model,
    };
    crate::algebra::print::statement_name(model, f)
}

/// The items by statement, without expectations.
fn joint(d: &Derivation, letters: &Letters, line: &dyn Fn(Span) -> SourceLine) -> Vec<JointPart> {
    let w = crate::algebra::print::Writer::plain(&d.model, &d.unknowns, letters);
    let mut out: Vec<(Vec<FactorId>, JointPart)> = vec![];
    for item in items::items(d) {
        let formula = w.piece(&item.piece, &Names::default());
        match out.iter_mut().find(|(f, _)| *f == item.from) {
            Some((_, part)) => part.terms.push(formula),
            None => {
                let mut lines: Vec<usize> = item
                    .from
                    .iter()
                    .map(|f| line(d.model.factor(*f).span).line)
                    .collect();
                lines.dedup();
                let names: Vec<String> = item.from.iter().map(|f| stated(d, *f)).collect();
                out.push((
                    item.from.clone(),
                    JointPart {
                        lines,
                        name: names.join(" and "),
                        terms: vec![formula],
                    },
                ));
            }
        }
    }
    out.into_iter().map(|(_, p)| p).collect()
}
