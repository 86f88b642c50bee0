//! Rewrites: other ways to compute the same numbers. Each has a name and can be switched off.
//!
//! in: a plan -> out: the same plan with further forms of its sums, which the engine takes where they cost less.

mod affine;
mod sums;

pub use affine::Affine;
pub use sums::RowSum;

use crate::derive::Derivation;

use super::{Key, KeyId, Plan, Planned};

/// Adds the further forms to a plan, and takes away those that are switched off.
pub(super) fn rewrite(d: &Derivation, plan: &mut Plan) {
    let on = plan.rewrites;
    if !on.has(Rewrite::Hoist) {
        strip(plan, &|keys, k| {
            keys.get(k.index()).is_some_and(|k| k.local.is_empty())
        });
    }
    let affine = on.has(Rewrite::Affine) && on.has(Rewrite::Hoist);
    if affine || on.has(Rewrite::Shared) {
        sums::find(d, plan);
    }
    if affine {
        affine::find(d, plan);
    }
    if !on.has(Rewrite::Shared) {
        let dropped = |s: &RowSum| s.pushed.is_none().then_some(s.key);
        let plain: Vec<KeyId> = plan.sums.iter().filter_map(dropped).collect();
        plan.sums.retain(|s| s.pushed.is_some());
        strip(plan, &|_, k| plain.contains(&k));
    }
}

/// Leaves only the direct form of sums over rows through these keys.
fn strip(plan: &mut Plan, these: &dyn Fn(&[Key], KeyId) -> bool) {
    let Plan {
        keys,
        messages,
        slopes,
        predictors,
        values,
        expectation,
        ..
    } = plan;
    let all = messages
        .iter_mut()
        .chain(slopes)
        .flatten()
        .map(|m| &mut m.how)
        .chain(predictors.iter_mut().chain(values).flatten())
        .chain(expectation);
    for p in all {
        if let Planned::Rows { hoisted, .. } = p
            && hoisted.as_ref().is_some_and(|(k, _, _)| these(keys, *k))
        {
            *hoisted = None;
        }
    }
}

/// A rewrite.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rewrite {
    /// Sums of data alone are computed once.
    Hoist,
    /// Sums over rows of posterior means that are linear in the row's data become functions of sums of data alone.
    Affine,
    /// Rows with the same data are one weighted row.
    Collapse,
    /// Products of two numbers of one vector are kept once, not in both orders.
    Symmetric,
    /// Exponentials of sums of looked-up numbers become products of looked-up exponentials.
    Tables,
    /// Sums over rows that several messages hold are computed once a sweep.
    Shared,
    /// What rows look up alike is multiplied once, terms that differ in one table become one, and a sum by element serves
    /// the contractions that follow.
    Gather,
}

impl Rewrite {
    /// All of them, in the order in which they are listed.
    pub const ALL: [Rewrite; 7] = [
        Rewrite::Hoist,
        Rewrite::Affine,
        Rewrite::Collapse,
        Rewrite::Symmetric,
        Rewrite::Tables,
        Rewrite::Shared,
        Rewrite::Gather,
    ];

    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Rewrite::Hoist => "hoist",
            Rewrite::Affine => "affine",
            Rewrite::Collapse => "collapse",
            Rewrite::Symmetric => "symmetric",
            Rewrite::Tables => "tables",
            Rewrite::Shared => "shared",
            Rewrite::Gather => "gather",
        }
    }

    /// The rewrite of that name.
    pub fn named(name: &str) -> Option<Rewrite> {
        Rewrite::ALL.into_iter().find(|r| r.name() == name)
    }
}

/// Which rewrites are on; by default all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Rewrites {
    off: u32,
    eager: bool,
}

impl Rewrites {
    /// None of them.
    pub fn none() -> Rewrites {
        Rewrite::ALL
            .into_iter()
            .fold(Rewrites::default(), Rewrites::without)
    }

    /// True if it is on.
    pub fn has(self, r: Rewrite) -> bool {
        self.off & (1 << r as u32) == 0
    }

    /// The same with one switched off.
    #[must_use]
    pub fn without(self, r: Rewrite) -> Rewrites {
        Rewrites {
            off: self.off | 1 << r as u32,
            ..self
        }
    }

    /// The same, used wherever they can be, worth it or not.
    #[must_use]
    pub fn eager(self) -> Rewrites {
        Rewrites {
            eager: true,
            ..self
        }
    }

    /// True if they are used wherever they can be.
    pub fn is_eager(self) -> bool {
        self.eager
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_has_a_name_and_a_switch_of_its_own() {
        for r in Rewrite::ALL {
            assert_eq!(Rewrite::named(r.name()), Some(r));
            let one = Rewrites::default().without(r);
            for other in Rewrite::ALL {
                assert_eq!(one.has(other), other != r);
                assert!(!Rewrites::none().has(other));
            }
        }
        assert_eq!(Rewrite::named("all"), None);
    }
}
