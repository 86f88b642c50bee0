//! `pmc predict`: a CSV table of what is inferred about new rows.

use std::path::{Path, PathBuf};

use super::files;
use super::options::PredictArgs;
use super::output::{Failure, Output, refuse, say, show};
use crate::fit::{self, Fit};

pub(super) fn run(args: &PredictArgs, out: &mut Output) -> Result<(), Failure> {
    args.bits.apply();
    let fit = load(&args.fit)?;
    let source = fit.source();
    let data = files::data(args.data.as_ref(), &args.blocks)?;
    if let Some(path) = &args.output {
        files::check_writable(path)?;
    }
    let found = fit::predict(&fit, data, &args.only).map_err(|e| refuse(&e, &source))?;
    show(&found.warnings, &source);
    if found.tables.is_empty() {
        say(&format!(
            "{}: no variable is local to rows or labels, so there is nothing to predict",
            fit.model.name
        ));
    }
    for (i, table) in found.tables.iter().enumerate() {
        match &args.output {
            Some(path) => {
                let path = if found.tables.len() == 1 {
                    path.clone()
                } else {
                    named(path, &table.variables.join("-"))
                };
                files::write(&path, table.csv.as_bytes())?;
                say(&format!(
                    "{} written to {}",
                    table.variables.join(", "),
                    path.display()
                ));
            }
            None => {
                if i > 0 {
                    out.write("\n")?;
                }
                out.write(&table.csv)?;
            }
        }
    }
    Ok(())
}

/// A fit file.
pub(super) fn load(path: &Path) -> Result<Fit, Failure> {
    let bytes = files::read(path)?;
    Fit::load(&bytes).map_err(|e| {
        let name = path.display().to_string();
        let e: Vec<_> = e
            .into_iter()
            .map(|d| d.note(format!("in {name}")))
            .collect();
        refuse(&e, &crate::source::SourceFile::new(name.clone(), ""))
    })
}

/// `out.csv` for the variable z: `out.z.csv`.
fn named(path: &Path, variables: &str) -> PathBuf {
    let extension = path.extension().and_then(|e| e.to_str()).unwrap_or("csv");
    path.with_extension(format!("{variables}.{extension}"))
}
