//! How deep and how long definitions are once those they use are resolved in them (E0209).
//!
//! in: definitions sorted by use -> out: a finding at each whose expression outgrows [`DEPTH`] or [`PARTS`].
//!
//! Later stages resolve a definition where it stands. A hundred `let`s that each use the one before twice would be 2^100
//! parts; this bound keeps work and stack in proportion to what is written.

use super::{Checker, errors};
use crate::model::{Body, Expr};

/// The deepest expression.
pub(super) const DEPTH: usize = 512;

/// The most parts of an expression.
pub(super) const PARTS: usize = 100_000;

/// The size of an expression.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Size {
    depth: usize,
    parts: usize,
}

impl Size {
    fn over(self, others: impl IntoIterator<Item = Size>) -> Size {
        others.into_iter().fold(self, |a, b| Size {
            depth: a.depth.max(b.depth + 1),
            parts: a.parts.saturating_add(b.parts),
        })
    }

    fn too_large(self) -> bool {
        self.depth > DEPTH || self.parts > PARTS
    }
}

impl Checker<'_> {
    /// E0209 for definitions; what uses a reported one is measured as if that were a number.
    pub(super) fn check_depth(&mut self) {
        let mut sizes: Vec<Size> = Vec::with_capacity(self.model.definitions.len());
        let mut large = Vec::new();
        for (i, definition) in self.model.definitions.iter().enumerate() {
            let size = match &definition.body {
                Body::Expr(e) => size(e, &sizes),
                Body::Table { entries, .. } => {
                    Size::default().over(entries.iter().map(|e| size(e, &sizes)))
                }
            };
            if size.too_large() {
                large.push((i, size));
                sizes.push(Size::default());
            } else {
                sizes.push(size);
            }
        }
        for (i, size) in large {
            let definition = &self.model.definitions[i];
            let error = errors::definition_too_large(
                definition.span,
                &definition.name,
                size.depth,
                size.parts,
            );
            self.report(error);
        }
    }
}

fn size(e: &Expr, definitions: &[Size]) -> Size {
    let one = Size { depth: 1, parts: 1 };
    let go = |e: &Expr| size(e, definitions);
    match e {
        Expr::Number(_) | Expr::Size(_) | Expr::Column(..) | Expr::Variable(..) => one,
        Expr::Definition(d, _) => one.over(definitions.get(d.index()).copied()),
        Expr::Negate(a) | Expr::Call(_, a) | Expr::Fold { body: a, .. } => one.over([go(a)]),
        Expr::Add(a, b)
        | Expr::Subtract(a, b)
        | Expr::Multiply(a, b)
        | Expr::Divide(a, b)
        | Expr::Power(a, b) => one.over([go(a), go(b)]),
    }
}
