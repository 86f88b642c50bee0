//! The order of a sweep: blocks updated row by row first, then the others as declared, a mean before its scale.
//!
//! In EM the latents come before the params. `infer { order }` puts its blocks first.

use crate::algebra::{Term, Unknowns};
use crate::diag::{Code, Diagnostic};
use crate::family::StatisticKind;
use crate::model::{DirectiveKind, Domain, Model, Role};

use super::block::{Block, BlockId, Form};
use super::method::Method;

/// The blocks in the order of a sweep.
///
/// # Errors
/// E0602: `order` names an unknown that is in no block.
pub fn order(
    model: &Model,
    unknowns: &Unknowns,
    blocks: &[Block],
    method: Method,
    terms: &[Term],
) -> Result<Vec<BlockId>, Vec<Diagnostic>> {
    let mut remaining: Vec<usize> = (0..blocks.len()).collect();
    remaining.sort_by_key(|i| {
        let b = &blocks[*i];
        let latent_first = method.is_em() || method == Method::VariationalEm;
        (
            !b.batch.iter().any(|p| model.table_of(*p).is_some()),
            latent_first && b.role != Role::Latent,
            b.unknowns.iter().min().copied(),
        )
    });
    let mut out: Vec<usize> = vec![];
    while !remaining.is_empty() {
        let pick = remaining
            .iter()
            .position(|s| {
                !remaining.iter().any(|m| {
                    m != s
                        && blocks[*m].role == blocks[*s].role
                        && is_mean_before(unknowns, &blocks[*m], &blocks[*s], terms)
                        && !is_mean_before(unknowns, &blocks[*s], &blocks[*m], terms)
                })
            })
            .unwrap_or(0);
        out.push(remaining.remove(pick));
    }
    let mut asked = vec![];
    let mut errors = vec![];
    for d in &model.directives {
        if let DirectiveKind::Order(vars) = &d.kind {
            for v in vars {
                let u = unknowns.variable(*v);
                match blocks.iter().position(|b| b.unknowns.contains(&u)) {
                    Some(i) => asked.push(i),
                    None => errors.push(
                        Diagnostic::new(Code::E0602, "`order` names no block")
                            .at(
                                d.span,
                                format!("`{}` is in no term", model.variable(*v).name),
                            )
                            .help("leave it out of `order`"),
                    ),
                }
            }
        }
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    let rest: Vec<usize> = out.into_iter().filter(|i| !asked.contains(i)).collect();
    asked.extend(rest);
    Ok(asked.into_iter().map(|i| BlockId(i as u32)).collect())
}

/// `mean` stands in a Gaussian mean whose spread is `scale`.
fn is_mean_before(unknowns: &Unknowns, mean: &Block, scale: &Block, terms: &[Term]) -> bool {
    if !matches!(mean.form, Form::Gaussian) {
        return false;
    }
    let spread = scale.unknowns.iter().all(|u| {
        matches!(
            unknowns.get(*u).domain,
            Domain::Positive | Domain::Covariance | Domain::Precision
        )
    });
    spread
        && terms.iter().any(|t| {
            t.stats
                .iter()
                .any(|s| mean.unknowns.contains(&s.of) && s.kind == StatisticKind::Value)
                && t.stats.iter().any(|s| scale.unknowns.contains(&s.of))
        })
}
