//! `pmc check`: every finding, nothing run.

use super::files;
use super::options::CheckArgs;
use super::output::{Failure, Output, refuse, show};
use crate::engine::Engine;
use crate::{compile, data};

pub(super) fn run(args: &CheckArgs, out: &mut Output) -> Result<(), Failure> {
    let source = files::model(&args.model)?;
    let fail = |e: Vec<crate::diag::Diagnostic>| refuse(&e, &source);
    let (model, warnings) = compile::model(&source, &args.switches.options()).map_err(fail)?;
    show(&warnings, &source);
    let given = files::data(args.data.as_ref(), &args.blocks)?;
    let bound = if given.main.is_none() && given.blocks.is_empty() {
        None
    } else {
        let files = given.files(&model).map_err(fail)?;
        Some(data::bind(&model, &files).map_err(fail)?)
    };
    let dataset = bound.as_ref().map(|b| &b.dataset);
    let (derivation, plan) = compile::compile(&model, dataset).map_err(fail)?;
    if let Some(b) = &bound {
        show(&b.warnings, &source);
        Engine::new(&derivation, &plan, &b.dataset, None).map_err(fail)?;
        out.write(&data::summary(&model, &b.dataset))?;
    }
    show(&derivation.warnings, &source);
    out.write(&format!(
        "{}: no errors; {}\n",
        model.name,
        derivation.method.name()
    ))
}
