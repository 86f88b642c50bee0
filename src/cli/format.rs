//! `pmc fmt`: model files in one layout.

use std::path::Path;

use super::files;
use super::options::FormatArgs;
use super::output::{Failure, Output, refuse};
use crate::syntax;

pub(super) fn run(args: &FormatArgs, out: &mut Output) -> Result<(), Failure> {
    let mut wrong = false;
    for path in &args.files {
        let source = match files::model(path) {
            Ok(source) => source,
            Err(Failure::Wrong) => {
                wrong = true;
                continue;
            }
            Err(other) => return Err(other),
        };
        let text = match syntax::format(&source) {
            Ok(text) => text,
            Err(e) => {
                refuse(&e, &source);
                wrong = true;
                continue;
            }
        };
        let changed = text != source.text;
        match (path == Path::new("-"), args.check) {
            (true, false) => out.write(&text)?,
            (false, false) if changed => files::write(path, text.as_bytes())?,
            (_, true) if changed => {
                out.write(&format!("{}\n", path.display()))?;
                wrong = true;
            }
            _ => {}
        }
    }
    if wrong { Err(Failure::Wrong) } else { Ok(()) }
}
