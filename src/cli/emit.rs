//! `pmc emit`: a stage of the compilation as text.

use super::files;
use super::options::{EmitArgs, Stage};
use super::output::{Failure, Output, refuse};
use crate::{algebra, compile, derive, graph, model, plan, syntax};

pub(super) fn run(args: &EmitArgs, out: &mut Output) -> Result<(), Failure> {
    let source = files::model(&args.model)?;
    let fail = |e: Vec<crate::diag::Diagnostic>| refuse(&e, &source);
    let text = match args.stage {
        Stage::Tokens => syntax::print_tokens(&source),
        Stage::Ast => syntax::print_ast(&syntax::parse(&source).map_err(fail)?),
        Stage::Model => {
            let (model, _) = compile::model(&source, &args.switches.options()).map_err(fail)?;
            model::print_model(&model)
        }
        Stage::Graph => {
            let (model, _) = compile::model(&source, &args.switches.options()).map_err(fail)?;
            graph::print_graph(&model)
        }
        Stage::Terms => {
            let (model, _) = compile::model(&source, &args.switches.options()).map_err(fail)?;
            let (d, _) = compile::compile(&model, None).map_err(fail)?;
            algebra::print::terms(&d.model, &d.unknowns, &d.terms)
        }
        Stage::Derivation | Stage::Plan => {
            let (model, _) = compile::model(&source, &args.switches.options()).map_err(fail)?;
            let rewrites = args.rewrites.rewrites();
            let (d, p) = compile::compile_with(&model, None, rewrites).map_err(fail)?;
            if args.stage == Stage::Plan {
                plan::print::plan(&d, &p)
            } else {
                derive::print::derivation(&d)
            }
        }
    };
    out.write(&text)?;
    if text.ends_with('\n') {
        Ok(())
    } else {
        out.write("\n")
    }
}
