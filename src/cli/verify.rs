//! `pmc verify`: the derivation against an independent evaluation.

use super::files;
use super::options::VerifyArgs;
use super::output::{Failure, Output, refuse, show};
use crate::verify::{self, Options};
use crate::{compile, data, fit};

pub(super) fn run(args: &VerifyArgs, out: &mut Output) -> Result<(), Failure> {
    let source = files::model(&args.model)?;
    let fail = |e: Vec<crate::diag::Diagnostic>| refuse(&e, &source);
    let (model, warnings) = compile::model(&source, &args.switches.options()).map_err(fail)?;
    show(&warnings, &source);
    let given = files::data(args.data.as_ref(), &args.blocks)?;
    let (dataset, origin) = if given.main.is_none() && given.blocks.is_empty() {
        // What is not derived is said as such, not as a failure to draw data.
        let (derivation, _) = compile::compile(&model, None).map_err(fail)?;
        // All joint states of what is coupled are written down: 3^8, not 3^24.
        let coupled = |b: &crate::derive::Block| matches!(b.form, crate::derive::Form::Network);
        let usual = if derivation.blocks.iter().any(coupled) {
            8
        } else {
            24
        };
        let rows = args.rows.unwrap_or(usual);
        let drawn = verify::simulated(&model, rows, args.labels, args.seed);
        let drawn = drawn.map_err(|why| {
            Failure::Usage(format!(
                "no data can be drawn from `{}`: {why}; give a data file",
                model.name
            ))
        })?;
        (
            drawn,
            format!("data drawn from the model, seed {}", args.seed),
        )
    } else {
        let files = given.files(&model).map_err(fail)?;
        let bound = data::bind(&model, &files).map_err(fail)?;
        show(&bound.warnings, &source);
        (bound.dataset, "the data given".to_string())
    };
    let options = Options {
        seed: args.seed,
        starts: args.starts,
        sweeps: args.sweeps,
        ..Options::default()
    };
    let report = verify::verify(&model, &dataset, &options).map_err(fail)?;
    if args.json {
        out.write(&fit::json::to_text(&report))?;
    } else {
        let about = data::summary(&model, &dataset);
        out.write(&format!("{}{origin}\n{about}\n", report.text()))?;
    }
    out.flush()?;
    if report.passed() {
        Ok(())
    } else {
        Err(Failure::Wrong)
    }
}
