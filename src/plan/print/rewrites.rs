//! The rewrites of a plan as text: which are on, and what each of them is about.
//!
//! Hoisting, maps, shared sums and the others are decided once data are bound, where they cost less; what is shown is what they
//! may be used for.

use crate::algebra::{Known, Subscript};
use crate::derive::print::block_name;
use crate::derive::{BlockId, Derivation, Target};
use crate::model::ColumnType;
use crate::plan::{Key, KeyId, Plan, Planned, Rewrite, RowSum};

use super::{key_name, used};

/// The lines of the rewrites that are on and have something to do.
pub(super) fn text(d: &Derivation, p: &Plan) -> String {
    let list = |keys: Vec<KeyId>| -> Vec<String> {
        let names: Vec<String> = keys.into_iter().map(key_name).collect();
        match names.is_empty() {
            true => vec![],
            false => vec![format!("keys {}", names.join(", "))],
        }
    };
    let mut out = String::new();
    for r in Rewrite::ALL.into_iter().filter(|r| p.rewrites.has(*r)) {
        let about: Vec<String> = match r {
            Rewrite::Hoist => {
                let data = |k: &KeyId| p.keys.get(k.index()).is_some_and(|k| k.local.is_empty());
                list(used(p).into_iter().filter(data).collect())
            }
            Rewrite::Affine => {
                let maps = p.affine.iter().enumerate().filter(|(_, a)| a.is_some());
                maps.map(|(i, _)| block_name(d, BlockId(i as u32)))
                    .collect()
            }
            Rewrite::Collapse => passes(p, |keys| {
                let mut data = keys.iter().flat_map(|k| &k.data);
                data.all(|k| is_coarse(d, k))
            }),
            Rewrite::Symmetric => {
                let square = |k: &KeyId| p.keys.get(k.index()).is_some_and(is_square);
                let mut keys: Vec<KeyId> = in_passes(p).into_iter().filter(square).collect();
                keys.sort();
                keys.dedup();
                list(keys)
            }
            Rewrite::Tables => passes(p, |keys| {
                let plain = |k: &&Key| k.data.is_empty();
                keys.iter().any(|k| !k.selectors.is_empty()) && keys.iter().all(plain)
            }),
            Rewrite::Shared => {
                let shared = |s: &RowSum| s.pushed.is_none().then_some(s.key);
                list(p.sums.iter().filter_map(shared).collect())
            }
            Rewrite::Gather => gathered(d, p),
        };
        if !about.is_empty() {
            out.push_str(&format!("  {}: {}\n", r.name(), about.join(", ")));
        }
    }
    match out.is_empty() {
        true => out,
        false => format!("rewrites\n{out}"),
    }
}

fn in_passes(p: &Plan) -> Vec<KeyId> {
    let keys = p.passes.iter().flat_map(|x| x.keys.iter().flatten());
    keys.copied().collect()
}

/// The passes of which the keys of some local block are so.
fn passes(p: &Plan, so: impl Fn(&[&Key]) -> bool) -> Vec<String> {
    let blocks = |keys: &[KeyId]| -> bool {
        let keys: Vec<&Key> = keys.iter().filter_map(|k| p.keys.get(k.index())).collect();
        so(&keys)
    };
    let some = p.passes.iter().enumerate();
    some.filter(|(_, pass)| pass.keys.iter().any(|k| blocks(k)))
        .map(|(i, _)| format!("pass {}", i + 1))
        .collect()
}

/// It has few values, so that rows may well be equal.
fn is_coarse(d: &Derivation, k: &Known) -> bool {
    match k {
        Known::Present(..) | Known::IsElement(..) | Known::HasLag(..) | Known::Ordered(..) => true,
        Known::Column(c, _) => matches!(
            d.model.column(*c).ty,
            ColumnType::Binary | ColumnType::Count | ColumnType::Label(_)
        ),
        _ => false,
    }
}

/// Its data are the products of the numbers of one vector with each other.
fn is_square(k: &Key) -> bool {
    let ([a, b], [x, y, ..]) = (k.data.as_slice(), k.axes.as_slice()) else {
        return false;
    };
    let swap = [(*x, Subscript::Axis(*y)), (*y, Subscript::Axis(*x))];
    x.plate == y.plate && k.selectors.is_empty() && a.map(&|s| s.substitute(&swap)) == *b
}

/// Who takes sums over rows that look expectations up.
fn gathered(d: &Derivation, p: &Plan) -> Vec<String> {
    let looks_up = |how: &Planned| match how {
        Planned::Rows { direct, .. } => direct
            .moments
            .iter()
            .flat_map(|m| &m.index)
            .any(|s| matches!(s, Subscript::Column(..) | Subscript::Lag(..))),
        _ => false,
    };
    let mut out: Vec<String> = vec![];
    for (i, list) in p.messages.iter().enumerate() {
        let any =
            |of: &dyn Fn(&Target) -> bool| list.iter().any(|m| of(&m.target) && looks_up(&m.how));
        if any(&|_| true) {
            out.push(format!("messages to {}", block_name(d, BlockId(i as u32))));
        }
    }
    if p.expectation.iter().any(looks_up) {
        out.push("objective".into());
    }
    out
}
