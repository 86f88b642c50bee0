//! An explanation as JSON: every formula as text and as LaTeX.

use serde_json::{Value, json};

use crate::algebra::formula::Formula;

use super::update::Equation;
use super::{BlockExplanation, Explanation, SourceLine};

/// One JSON value with the whole content.
pub fn json(e: &Explanation) -> Value {
    json!({
        "model": e.title,
        "file": e.file,
        "letters": e.letters.iter().map(|l| json!({
            "letter": l.letter,
            "meaning": l.meaning,
            "range": super::latex::range(&l.range),
        })).collect::<Vec<_>>(),
        "statements": e.statements.iter().map(|s| json!({
            "source": line(&s.source),
            "formula": formula(&s.formula),
            "for": s.ranges.iter().map(super::latex::range).collect::<Vec<_>>(),
        })).collect::<Vec<_>>(),
        "auxiliaries": e.auxiliaries.iter().map(|a| json!({
            "names": a.names,
            "source": line(&a.source),
            "exact": a.exact,
            "sentences": a.sentences,
            "equations": a.equations.iter().map(equation).collect::<Vec<_>>(),
        })).collect::<Vec<_>>(),
        "log_joint": e.joint.iter().map(|p| json!({
            "lines": p.lines,
            "statement": p.name,
            "terms": p.terms.iter().map(formula).collect::<Vec<_>>(),
        })).collect::<Vec<_>>(),
        "predictors": e.predictors.iter().map(formula).collect::<Vec<_>>(),
        "graph": e.graph.iter().map(|n| json!({
            "name": n.name,
            "role": n.role,
            "parents": n.parents,
            "children": n.children,
            "co_parents": n.co_parents,
            "markov_blanket": n.blanket,
        })).collect::<Vec<_>>(),
        "method": e.method,
        "objective": e.objective,
        "why": e.why,
        "blocks": e.blocks.iter().map(block).collect::<Vec<_>>(),
        "sweep": e.sweep,
    })
}

fn line(s: &SourceLine) -> Value {
    json!({ "line": s.line, "text": s.text })
}

fn formula(f: &Formula) -> Value {
    json!({ "text": f.text(), "latex": f.latex() })
}

fn equation(e: &Equation) -> Value {
    json!({ "lead": e.lead, "text": e.formula.text(), "latex": e.formula.latex() })
}

fn block(b: &BlockExplanation) -> Value {
    json!({
        "unknowns": b.unknowns,
        "role": b.role,
        "family": b.family,
        "exactness": b.exactness,
        "sentences": b.sentences,
        "statements": b.statements.iter().map(line).collect::<Vec<_>>(),
        "start": formula(&b.start),
        "equations": b.equations.iter().map(equation).collect::<Vec<_>>(),
        "definitions": b.definitions.iter().map(formula).collect::<Vec<_>>(),
        "expectations": b.read.iter().map(equation).collect::<Vec<_>>(),
    })
}
