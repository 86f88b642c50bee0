//! `pmc explain`: what was derived, from which lines, and why.

use super::files;
use super::options::{ExplainArgs, ExplainFormat};
use super::output::{Failure, Output, refuse};
use crate::{compile, explain, fit, graph};

pub(super) fn run(args: &ExplainArgs, out: &mut Output) -> Result<(), Failure> {
    let source = files::model(&args.model)?;
    let fail = |e: Vec<crate::diag::Diagnostic>| refuse(&e, &source);
    let (model, _) = compile::model(&source, &args.switches.options()).map_err(fail)?;
    let draw = |write: fn(&crate::model::Model, &graph::FactorGraph) -> String| {
        write(&model, &graph::build(&model))
    };
    let told = || {
        let (derivation, plan) = compile::compile(&model, None).map_err(fail)?;
        Ok(explain::explain(&source, &derivation, &plan))
    };
    let text = match args.format {
        ExplainFormat::Text => explain::text(&told()?),
        ExplainFormat::Markdown => explain::markdown(&told()?),
        ExplainFormat::Latex => explain::latex(&told()?),
        ExplainFormat::Json => fit::json::to_text(&explain::json(&told()?)),
        ExplainFormat::Dot => draw(graph::to_dot),
        ExplainFormat::Mermaid => draw(graph::to_mermaid),
    };
    out.write(&text)
}
