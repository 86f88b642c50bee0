//! `pmc score`: held-out log predictive density.

use serde_json::json;

use super::files;
use super::options::ScoreArgs;
use super::output::{Failure, Output, refuse, show};
use super::predict::load;
use crate::fit::{self, Score, json::to_text, number::digits};

pub(super) fn run(args: &ScoreArgs, out: &mut Output) -> Result<(), Failure> {
    args.bits.apply();
    let fit = load(&args.fit)?;
    let source = fit.source();
    let data = files::data(args.data.as_ref(), &args.blocks)?;
    let score = fit::score(&fit, data).map_err(|e| refuse(&e, &source))?;
    show(&score.warnings, &source);
    if args.per_row && !score.by_row {
        return Err(Failure::Usage(format!(
            "the rows of `{}` are coupled: single rows have no score of their own",
            score.model
        )));
    }
    let text = match (args.per_row, args.json) {
        (true, _) => by_row(&score),
        (false, true) => to_text(&json!({
            "model": score.model,
            "kind": score.kind.name(),
            "total": score.total,
            "rows": score.weight,
            "per_row": score.total / score.weight,
        })),
        (false, false) => format!(
            "{}: {} {:.6}\n{} rows, {} per row\n",
            score.model,
            score.kind.words(),
            score.total,
            digits(score.weight),
            digits(score.total / score.weight),
        ),
    };
    out.write(&text)
}

/// A table: the line of the file and its score; with the name of the data block where there are several.
fn by_row(score: &Score) -> String {
    let several = score.tables.len() > 1;
    let mut text = format!(
        "{}line,{}\n",
        if several { "table," } else { "" },
        score.kind.name()
    );
    for t in &score.tables {
        for (line, s) in &t.rows {
            if several {
                text.push_str(&format!("{},", t.table));
            }
            let line = if *line == 0 {
                String::new()
            } else {
                line.to_string()
            };
            text.push_str(&format!("{line},{s}\n"));
        }
    }
    text
}
