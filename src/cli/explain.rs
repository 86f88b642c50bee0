//! `pmc explain`: what was derived, from which lines, and why; the plate diagram; what depends on what.

use super::files;
use super::options::{ExplainArgs, ExplainFormat};
use super::output::{Failure, Output, refuse};
use crate::derive::{self, Blanks};
use crate::model::ColumnId;
use crate::{compile, explain, fit, graph, plan};

pub(super) fn run(args: &ExplainArgs, out: &mut Output) -> Result<(), Failure> {
    let source = files::model(&args.model)?;
    let fail = |e: Vec<crate::diag::Diagnostic>| refuse(&e, &source);
    let (model, _) = compile::model(&source, &args.switches.options()).map_err(fail)?;
    let derive = |columns: &[ColumnId]| {
        derive::derive(
            &model,
            &Blanks {
                column: &|c| columns.contains(&c),
                definition: &|_| false,
                width: &|_| derive::Width::Unseen,
            },
        )
    };
    if !args.why.is_empty() {
        let question = graph::why::Question {
            names: args.why.clone(),
            given: args.given.clone(),
            blank: args.blank.clone(),
        };
        // A model without a derivation still has its graph.
        let derive = |columns: &[ColumnId]| derive(columns).ok();
        let line = |s| source.line_of(s).0;
        let text = graph::why::why(&model, &line, &derive, &question).map_err(fail)?;
        return out.write(&text);
    }
    let mut blank = vec![];
    for name in &args.blank {
        let found = model
            .columns
            .iter()
            .position(|c| c.observed && c.name == *name);
        let Some(at) = found else {
            return Err(Failure::Usage(format!("no observed column `{name}`")));
        };
        blank.push(ColumnId::from(at));
    }
    let derived = || derive(&blank).ok();
    let told = || {
        let derivation = derive(&blank).map_err(fail)?;
        let plan = plan::plan(&derivation).map_err(fail)?;
        Ok(explain::explain(&source, &derivation, &plan))
    };
    let text = match args.format {
        ExplainFormat::Text => explain::text(&told()?),
        ExplainFormat::Markdown => explain::markdown(&told()?),
        ExplainFormat::Latex => explain::latex(&told()?),
        ExplainFormat::Json => fit::json::to_text(&explain::json(&told()?)),
        ExplainFormat::Dot => graph::to_dot(&model, derived().as_ref()),
        ExplainFormat::Svg => graph::to_svg(&model, derived().as_ref()),
        ExplainFormat::Mermaid => graph::to_mermaid(&model, &graph::build(&model)),
    };
    out.write(&text)
}
