//! The chain rule through predictors: what the update of a block's unknowns reads of the slope of each.
//!
//! ```text
//! eta = sum of products, its body            dL/dv = sum over the body's terms of  dL/deta * (the term without v)
//! ```

use crate::algebra::{Predictor, Statistic, Subscript};
use crate::family::StatisticKind;

use super::block::{Block, Form, Message, Target};

/// One message for each occurrence of the block's unknowns in the bodies of its predictors.
pub fn of_block(block: &Block, predictors: &[Predictor]) -> Vec<Message> {
    let mut out = vec![];
    if !matches!(block.form, Form::Optimised) {
        return out;
    }
    for p in predictors
        .iter()
        .filter(|p| block.predictors.contains(&p.id))
    {
        let slope = Statistic {
            of: p.id,
            kind: StatisticKind::Slope,
            index: p.axes.iter().map(|a| Subscript::Axis(*a)).collect(),
            offset: None,
        };
        for t in &p.body {
            for (i, s) in t.stats.iter().enumerate() {
                if !block.unknowns.contains(&s.of) {
                    continue;
                }
                let mut rest = t.clone();
                rest.stats.remove(i);
                rest.stats.push(slope.clone());
                rest.axes.extend(&p.axes);
                out.push(Message {
                    target: Target::Single(s.of, s.kind),
                    index: s.index.clone(),
                    rest,
                });
            }
        }
    }
    out
}
