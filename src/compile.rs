//! The whole compilation: one function that reads like the stage table.
//!
//! | stage | in -> out |
//! | --- | --- |
//! | `syntax::parse` | text -> tree |
//! | `check::check` | tree -> model |
//! | `derive::derive` | model, which cells are blank -> terms, blocks, messages, method |
//! | `plan::plan` | derivation -> keys, passes, contractions, steps |

use crate::algebra::UnknownId;
use crate::check;
use crate::data::{BLANK, Cells, Dataset};
use crate::derive::{self, Blanks, Derivation, Width};
use crate::diag::Diagnostic;
use crate::engine;
use crate::model::{Body, ColumnId, DefinitionId, Expr, Model};
use crate::plan::{self, Plan, Rewrites};
use crate::source::SourceFile;
use crate::syntax;

/// Text to a checked model, with warnings.
///
/// # Errors
/// Every error of stages 01 to 04.
pub fn model(
    source: &SourceFile,
    options: &check::Options,
) -> Result<(Model, Vec<Diagnostic>), Vec<Diagnostic>> {
    let file = syntax::parse(source)?;
    let (model, findings) = check::check(&file, source, options);
    match model {
        Some(m) => Ok((m, findings)),
        None => Err(findings),
    }
}

/// A checked model to its derivation and plan. Without data, no cell is blank.
///
/// # Errors
/// E05xx and E06xx.
pub fn compile(
    model: &Model,
    data: Option<&Dataset>,
) -> Result<(Derivation, Plan), Vec<Diagnostic>> {
    compile_with(model, data, Rewrites::default())
}

/// The same with some rewrites of the plan switched off.
///
/// # Errors
/// As [`compile`].
pub fn compile_with(
    model: &Model,
    data: Option<&Dataset>,
    rewrites: Rewrites,
) -> Result<(Derivation, Plan), Vec<Diagnostic>> {
    let column = |c: ColumnId| data.is_some_and(|d| column_has_blanks(model, d, c));
    let blank = data.map_or_else(Vec::new, |d| definitions_with_blanks(model, d));
    let definition = |d: DefinitionId| blank.get(d.index()).copied().unwrap_or(false);
    let derived = |width: &dyn Fn(UnknownId) -> Width| {
        derive::derive(
            model,
            &Blanks {
                column: &column,
                definition: &definition,
                width,
            },
        )
    };
    let unseen = |_| match data {
        Some(_) => Width::Narrow,
        None => Width::Unseen,
    };
    let mut derivation = derived(&unseen)?;
    if let Some(data) = data {
        // Whether coupled elements can be eliminated is seen from the graph that the data make.
        let wide = engine::network::too_wide(&derivation, data);
        if !wide.is_empty() {
            derivation = derived(&|u| {
                if wide.contains(&u) {
                    Width::Wide
                } else {
                    Width::Narrow
                }
            })?;
        }
    }
    let plan = plan::plan_with(&derivation, rewrites)?;
    Ok((derivation, plan))
}

/// A frame of streamed rows holds no cells, but knows of their blanks.
fn column_has_blanks(model: &Model, data: &Dataset, c: ColumnId) -> bool {
    let cells = match &data.columns[c.index()] {
        Cells::Numbers(v) => v.iter().any(|x| x.is_nan()),
        Cells::Elements(v) => v.iter().any(|x| *x == BLANK),
    };
    let column = model.column(c);
    let counted = &data.tables[column.table.index()].missing;
    cells
        || counted
            .iter()
            .any(|(n, blank)| *n == column.name && *blank > 0)
}

/// Whether each definition has a blank value somewhere; each uses earlier ones only.
fn definitions_with_blanks(model: &Model, data: &Dataset) -> Vec<bool> {
    let mut out: Vec<bool> = Vec::with_capacity(model.definitions.len());
    for d in &model.definitions {
        let blank = match &d.body {
            Body::Expr(e) => expr_has_blanks(model, data, e, &out),
            Body::Table { entries, .. } => entries
                .iter()
                .any(|e| expr_has_blanks(model, data, e, &out)),
        };
        out.push(blank);
    }
    out
}

/// Folds over rows skip blanks, so what stands inside them does not make the value blank.
fn expr_has_blanks(model: &Model, data: &Dataset, e: &Expr, definitions: &[bool]) -> bool {
    let go = |e: &Expr| expr_has_blanks(model, data, e, definitions);
    match e {
        Expr::Number(_) | Expr::Size(_) | Expr::Variable(..) => false,
        Expr::Column(c, _) => column_has_blanks(model, data, *c),
        Expr::Definition(d, _) => definitions.get(d.index()).copied().unwrap_or(false),
        Expr::Negate(a) | Expr::Call(_, a) => go(a),
        Expr::Add(a, b)
        | Expr::Subtract(a, b)
        | Expr::Multiply(a, b)
        | Expr::Divide(a, b)
        | Expr::Power(a, b) => go(a) || go(b),
        Expr::Fold { axes, body, .. } => {
            axes.iter().all(|a| model.table_of(a.plate).is_none()) && go(body)
        }
    }
}
